"""Measure one batch of people from their images or stats folders."""

from pathlib import Path

from neuraxis.features.extract import all_scans, extract
from neuraxis.job import start
from neuraxis.tables import write_table


def run(participants, sessions, folders, batch, n_batches, measures, failures, inputs, **settings):
    scans = all_scans(participants, sessions)
    if folders:
        mine = {p.name.split("_")[0] for folder in folders for p in Path(folder).iterdir()}
    else:
        mine = set(sorted(set(scans["participant_id"]))[batch::n_batches])
    scans = scans[scans["participant_id"].isin(mine)]
    table, failed, files = extract(scans, folders=folders, **settings)
    write_table(table, measures)
    write_table(failed, failures)
    write_table(files, inputs)


if __name__ == "__main__":
    start(snakemake)
    p, i = snakemake.params, snakemake.input
    run(
        i.participants,
        i.sessions,
        [str(i.folder)] if i.get("folder") else [],
        int(snakemake.wildcards.batch),
        p.n_batches,
        **dict(snakemake.output.items()),
        biomarkers=i.biomarkers,
        labels_file=i.label_names,
        etiv=str(i.get("etiv") or ""),
        templates=p.templates,
        baseline_session=p.baseline_session,
        cord_levels=p.cord_levels,
    )
