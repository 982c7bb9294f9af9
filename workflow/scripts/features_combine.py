"""Put the batches together, check units and quality, keep the flow of people."""

import logging

import pandas as pd

from neuraxis.cohort.participants import flow_rows
from neuraxis.errors import InputError, name_some
from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.features.measures import check_units, combine, quality
from neuraxis.features.stats import biomarkers_from_labels, read_sct, read_volume_tables
from neuraxis.job import start
from neuraxis.tables import read_table, write_table


def run(
    participants,
    biomarkers,
    label_names,
    measures,
    failures,
    sct,
    source,
    cord_levels,
    use,
    exclude_rules,
    simulated,
    out,
):
    people = read_table(participants)
    defined = read_biomarkers(biomarkers)
    if source == "volume_tables":
        parts = [biomarkers_from_labels(read_volume_tables(measures, label_names), defined).reset_index()]
    else:
        parts = [read_table(m, needed=("participant_id", "etiv")) for m in measures]
    failed = (
        pd.concat([read_table(f) for f in failures], ignore_index=True)
        if failures
        else pd.DataFrame(columns=["participant_id", "problem"])
    )
    table = combine(parts, failed)
    if sct:
        cord = defined.loc[defined["kind"] == "cord", "biomarker"]
        table[cord.iloc[0]] = table["participant_id"].map(read_sct(sct, cord_levels))
    # with "all", biomarkers that this kind of input never has (the cord, or the lobes) are left aside
    names = [b for b in defined["biomarker"] if b in table and table[b].notna().any()] if use == "all" else list(use)
    unmeasured = sorted(set(defined["biomarker"]) - set(names))
    if use == "all" and unmeasured:
        logging.warning("nobody has a value of %s; left aside", name_some(unmeasured, 20))
    absent = [b for b in names if b not in table or b not in set(defined["biomarker"])]
    if absent:
        raise InputError(f"features.use names biomarkers that are not measured or not defined: {name_some(absent)}")
    defined = defined[defined["biomarker"].isin(names)]
    table = table[["participant_id", "etiv", *names]]
    empty = [b for b in names if table[b].isna().all()]
    if empty:
        raise InputError(f"nobody has a value of {name_some(empty)}; leave them out by features.use")
    check_units(table, defined)
    table = table[table["participant_id"].isin(people["participant_id"])]
    qc = quality(table, people, defined)
    gone = set(qc.loc[qc["rule"].isin(exclude_rules), "participant_id"])
    kept = table[~table["participant_id"].isin(gone)]
    who = people.set_index("participant_id", drop=False)
    measured = who.index.isin(table["participant_id"])
    good = who.index.isin(kept["participant_id"])
    flow = pd.concat(
        [
            flow_rows(who[measured], "measured", who[~measured]),
            flow_rows(who[good], "quality rules", who[measured & ~good]),
        ],
        ignore_index=True,
    )
    if simulated:
        kept = kept.assign(origin="SIMULATED")
    write_table(kept, out["measures"])
    write_table(qc.assign(decision=qc["rule"].isin(exclude_rules).map({True: "excluded", False: "flagged"})), out["qc"])
    write_table(flow, out["flow"])


if __name__ == "__main__":
    start(snakemake)
    as_list = lambda v: [v] if isinstance(v, str) else list(v or [])  # noqa: E731
    run(
        participants=snakemake.input.participants,
        biomarkers=snakemake.input.biomarkers,
        measures=as_list(snakemake.input.measures),
        failures=as_list(snakemake.input.get("failures")),
        label_names=snakemake.input.label_names,
        sct=str(snakemake.input.get("sct") or ""),
        **dict(snakemake.params.items()),
        out=dict(snakemake.output.items()),
    )
