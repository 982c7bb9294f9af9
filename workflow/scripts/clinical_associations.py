"""Declared outcomes on subtypes and stages, survival, follow-up scans, Table 1, and the results in words."""

import pandas as pd

from neuraxis.clinical.associations import NORMAL, Labels, associations, nested_models, read_labels, sensitivity
from neuraxis.clinical.longitudinal import reversals, scans, stage_slopes, transitions
from neuraxis.clinical.maps import region_maps
from neuraxis.clinical.nuisance import nuisance
from neuraxis.clinical.outcomes import Outcome
from neuraxis.clinical.table1 import table_one
from neuraxis.clinical.text import paragraph
from neuraxis.clinical.worsening import MADE, WorseningRule, confirmed_worsening, survival_tables
from neuraxis.features.biomarkers import cord_of, read_biomarkers
from neuraxis.job import start
from neuraxis.tables import aside, read_table, write_table


def other_analyses(labels: Labels, subtypes: pd.DataFrame, qc: pd.DataFrame, site: pd.Series) -> dict[str, Labels]:
    """The sensitivity analyses: who takes part, and with which labels."""
    index = labels.group.index
    sure = subtypes["oof_confident"].astype(str) == "True"
    unflagged = ~index.isin(qc.loc[qc["decision"] == "flagged", "participant_id"])
    calibrated = labels.with_normal(subtypes["above_controls"].astype(str) != "True")
    versions = {
        "everyone": labels,
        "without low-confidence people": labels.take(index[sure | (labels.group == NORMAL)]),
        "without flagged scans": labels.take(index[unflagged]),
        "stage 0 calibrated on controls": calibrated,
    }
    if site.nunique() > 1:
        versions |= {f"without {s}": labels.take(index[site != s]) for s in sorted(site.unique())}
    return versions


def stage_groups(labels: Labels) -> tuple[pd.Series, list[str]]:
    """Normal-appearing people, and thirds of the staged by their expected stage."""
    staged = labels.group != NORMAL
    names = ["early stages", "middle stages", "late stages"]
    group = labels.group.where(~staged, "")
    if staged.sum() >= 15:
        group[staged] = pd.qcut(labels.stage[staged].rank(method="first"), 3, labels=names).astype(str)
    return group, [NORMAL, *names]


def run(
    participants,
    visits,
    relapses,
    zscores,
    measures,
    qc,
    subtypes,
    draws,
    followup,
    names,
    biomarkers,
    disease,
    control,
    outcomes,
    worsening,
    n_draws,
    simulated,
    out,
):
    everyone = read_table(participants).set_index("participant_id")
    table = read_table(subtypes).set_index("participant_id")
    name_of = read_table(names).set_index("subtype")["name"].to_dict()
    labels = read_labels(table, name_of, read_table(draws), n_draws=n_draws)
    order = [NORMAL, *labels.names]
    people = everyone.loc[table.index]
    controls = everyone[everyone["group"] == control]
    worse = confirmed_worsening(
        read_table(visits).query("participant_id in @people.index"), read_table(relapses), WorseningRule(**worsening)
    )
    people = people.join(worse.set_index("participant_id")[list(MADE)])
    declared = [Outcome(**o) for o in outcomes]
    defined = read_biomarkers(biomarkers)
    measured = [b for b in defined["biomarker"] if b in people]
    effects = associations(declared, people, labels, controls=controls, circular=tuple(measured))
    z = read_table(zscores).set_index("participant_id").loc[people.index]
    values = z.drop(columns=["group", "origin"], errors="ignore")
    scores = pd.DataFrame({"mean z": values.mean(axis=1)})
    cord = cord_of(defined)
    if cord in values:
        scores["cord z"] = values[cord]
    nested = nested_models(declared, people, labels, scores, controls)
    curves, tests = [], []
    for o in declared:
        if o.type == "survival":
            for split, group, groups in (("subtype", labels.group, order), ("stage", *stage_groups(labels))):
                curve, test = survival_tables(o.name, people[o.time], people[o.column], group, groups)
                curves.append(curve.assign(split=split))
                tests.append(test | {"split": split})
    repeated = scans(table, read_table(followup, text=("participant_id", "session_id")), name_of)
    slopes = stage_slopes(repeated, order)
    logrank = pd.DataFrame(
        tests, columns=["outcome", "split", "n", "n_events", "groups", "statistic", "df", "p", "reason"]
    )
    columns = ["age", "sex", "site", *dict.fromkeys(c for o in declared for c in [o.column, *o.covariates])]
    versions = other_analyses(labels, table, read_table(qc), people["site"])
    etiv = read_table(measures).set_index("participant_id")["etiv"].reindex(people.index)
    tables = {
        "associations": effects,
        "maps": region_maps(values, people, etiv, labels.group),
        "nested": nested,
        "nuisance": nuisance(people, etiv, labels.group, labels.stage, NORMAL),
        "sensitivity": sensitivity(declared, people, labels, versions, controls),
        "worsening": worse,
        "survival": pd.concat(curves, ignore_index=True)
        if curves
        else survival_tables("", *[pd.Series(dtype=float)] * 3, [])[0].assign(split=""),
        "logrank": logrank,
        "scans": repeated,
        "transitions": transitions(repeated, order),
        "reversals": reversals(repeated),
        "slopes": slopes,
        "table1": table_one(people, labels.group, columns, order),
        "table1_groups": table_one(
            everyone,
            everyone["group"],
            ["age", "sex", "site", *columns],
            [control, *sorted(set(everyone["group"]) - {control})],
        ),
    }
    for name, content in tables.items():
        write_table(content.assign(origin="SIMULATED") if simulated and len(content) else content, out[name])
    lines = paragraph(effects, logrank, nested, slopes, disease)
    with aside(out["words"]) as part:
        part.write_text("\n".join(["SIMULATED DATA"] * simulated + lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    start(snakemake)
    run(
        **{k: v for k, v in snakemake.input.items() if k not in ("engine", "columns")},
        disease=snakemake.wildcards.disease,
        **dict(snakemake.params.items()),
        out=dict(snakemake.output.items()),
    )
