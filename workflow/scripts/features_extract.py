"""Measure one batch of people from their images."""

from pathlib import Path

from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.features.measures import measure_batch
from neuraxis.job import start
from neuraxis.tables import read_table, write_table

SIMULATED_NAMES = ("desc-SIMULATED_dseg", "desc-SIMULATED_label-cord_mask", "desc-SIMULATED_label-levels_dseg")


def run(participants, biomarkers, folder, batch, n_batches, templates, cord_levels, labels_file, measures, failures):
    people = read_table(participants)["participant_id"]
    if folder:
        there = {p.name.split("_")[0] for p in Path(folder).glob("*_dseg.nii.gz")}
        people = [p for p in people if p in there]

        def paths(person):
            return tuple(Path(folder) / f"{person}_{name}.nii.gz" for name in SIMULATED_NAMES)
    else:
        people = people.iloc[batch::n_batches]

        def paths(person):
            return tuple(t.format(participant_id=person) if t else None for t in templates)

    table, failed = measure_batch(people, read_biomarkers(biomarkers), paths, cord_levels, labels_file)
    write_table(table, measures)
    write_table(failed, failures)


if __name__ == "__main__":
    start(snakemake)
    p = snakemake.params
    run(
        participants=snakemake.input.participants,
        biomarkers=snakemake.input.biomarkers,
        folder=str(snakemake.input.get("folder") or ""),
        batch=int(snakemake.wildcards.batch),
        n_batches=p.n_batches,
        templates=(p.labels, p.cord_mask, p.cord_levels_image),
        cord_levels=p.cord_levels,
        labels_file=snakemake.input.label_names,
        **dict(snakemake.output.items()),
    )
