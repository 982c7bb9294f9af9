"""Fit the norms and write everyone's z-scores."""

from dataclasses import replace

import pandas as pd

from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.job import start
from neuraxis.normative.diagnostics import diagnose
from neuraxis.normative.norms import NormSettings, zscores
from neuraxis.tables import read_table, write_table


def run(participants, measures, followup, biomarkers, settings, control, seed, simulated, out):
    people = read_table(participants).set_index("participant_id")
    table = read_table(measures).set_index("participant_id")
    defined = read_biomarkers(biomarkers).set_index("biomarker")
    direction = {b: defined.loc[b, "direction"] for b in defined.index if b in table}
    settings = dict(settings)
    overrides, missing = settings.pop("overrides", {}), settings.pop("missing", "keep")
    chosen = NormSettings(**settings)
    if missing == "drop" or chosen.site in ("combat", "combat_gam"):
        gone = table.index[table[[*direction, "etiv"]].isna().any(axis=1)]
    else:
        gone = table.index[table[list(direction)].isna().all(axis=1)]
    dropped = pd.DataFrame(
        {
            "participant_id": gone,
            "group": people.loc[gone, "group"],
            "missing": [", ".join(table.columns[table.loc[p].isna()]) for p in gone],
        }
    )
    table = table.drop(index=gone)
    z, norms = zscores(table, people, control, direction, chosen, overrides, seed=seed)
    controls = people.loc[z.index, "group"] == control
    diagnostics = diagnose(z[controls], people, table["etiv"]).assign(harmonisation="after")
    if chosen.site != "none" and people["site"].nunique() > 1:
        # the same norms without a site term: what harmonisation had to remove
        plain = {b: {k: v for k, v in o.items() if k != "site"} for b, o in overrides.items()}
        before, _ = zscores(
            table[controls.reindex(table.index)],
            people,
            control,
            direction,
            replace(chosen, site="none"),
            plain,
            seed=seed,
        )
        before = diagnose(before, people, table["etiv"]).assign(harmonisation="before")
        sites = (before["check"] == "site") | (before["part"] == "site")
        diagnostics = pd.concat([diagnostics, before[sites]], ignore_index=True)
    write_table(diagnostics, out["diagnostics"])
    write_table(dropped, out["dropped"])
    norms.save(out["norms"])
    later = read_table(followup, text=("participant_id", "session_id"))
    later = later[later["participant_id"].isin(table.index)].reset_index(drop=True)
    then = people.loc[later["participant_id"]].reset_index(drop=True)
    then["age"] = then["age"] + later["years"].astype(float)
    columns = ["participant_id", "session_id", "years"]
    if len(later):
        zs = norms.apply(later[[*direction, "etiv"]].astype(float), then, quiet=True)
        later = pd.concat([later[columns], zs], axis=1)
    else:
        later = pd.DataFrame(columns=[*columns, *direction])
    write_table(later.assign(origin="SIMULATED") if simulated else later, out["followup"])
    z.insert(0, "group", people.loc[z.index, "group"])
    if simulated:
        z["origin"] = "SIMULATED"
    write_table(z.reset_index(), out["zscores"])


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(
        i.participants,
        i.measures,
        i.followup,
        i.biomarkers,
        **dict(snakemake.params.items()),
        out=dict(snakemake.output.items()),
    )
