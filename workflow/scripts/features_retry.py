"""Measure once more, alone, the scans that failed in their batch."""

import pandas as pd

from neuraxis.features.extract import extract
from neuraxis.job import as_list, start
from neuraxis.tables import read_table, write_table


def run(first, measures, failures, inputs, **settings):
    failed = pd.concat([read_table(f, text=("participant_id", "session_id")) for f in first], ignore_index=True)
    table, still, files = extract(failed[["participant_id", "session_id"]], **settings)
    write_table(table, measures)
    write_table(still, failures)
    write_table(files, inputs)


if __name__ == "__main__":
    start(snakemake)
    p, i = snakemake.params, snakemake.input
    run(
        as_list(i.failures),
        **dict(snakemake.output.items()),
        biomarkers=i.biomarkers,
        labels_file=i.label_names,
        folders=as_list(i.get("folders")),
        etiv=str(i.get("etiv") or ""),
        templates=p.templates,
        baseline_session=p.baseline_session,
        cord_levels=p.cord_levels,
    )
