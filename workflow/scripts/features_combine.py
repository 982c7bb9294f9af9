"""Put the batches together, check units and quality, keep the flow of people."""

import pandas as pd

from neuraxis.cohort.participants import flow_rows
from neuraxis.errors import InputError, name_some
from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.features.measures import check_units, combine, quality
from neuraxis.job import start
from neuraxis.tables import read_table, write_table


def run(participants, biomarkers, measures, failures, use, exclude_rules, simulated, out):
    people = read_table(participants)
    defined = read_biomarkers(biomarkers)
    parts = [read_table(m, needed=("participant_id", "etiv")) for m in measures]
    failed = (
        pd.concat([read_table(f) for f in failures], ignore_index=True)
        if failures
        else pd.DataFrame(columns=["participant_id", "problem"])
    )
    table = combine(parts, failed)
    names = [b for b in defined["biomarker"] if b in table] if use == "all" else list(use)
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
        **dict(snakemake.params.items()),
        out=dict(snakemake.output.items()),
    )
