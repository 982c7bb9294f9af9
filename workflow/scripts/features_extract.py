"""Measure one batch of people from their images or stats folders."""

from pathlib import Path

import numpy as np
import pandas as pd

from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.features.measures import BASELINE, measure_batch
from neuraxis.features.stats import read_sct
from neuraxis.job import start
from neuraxis.tables import read_table, write_table

SIMULATED_NAMES = ("desc-SIMULATED_dseg", "desc-SIMULATED_label-cord_mask", "desc-SIMULATED_label-levels_dseg")


def simulated_paths(folder: Path, person: str, session: str):
    """Files of one simulated scan: images, or a stats folder."""
    stem = person if session == BASELINE else f"{person}_{session}"
    stats = folder / f"{stem}_SIMULATED"
    if stats.is_dir():
        return stats, None, None
    return tuple(folder / f"{stem}_{name}.nii.gz" for name in SIMULATED_NAMES)


def run(
    participants,
    sessions,
    biomarkers,
    folder,
    etiv,
    batch,
    n_batches,
    templates,
    baseline_session,
    cord_levels,
    labels_file,
    measures,
    failures,
):
    people = read_table(participants)["participant_id"]
    people = np.unique(people)[batch::n_batches] if not folder else people
    follow = read_table(sessions, text=("participant_id", "session_id"))[["participant_id", "session_id"]]
    scans = pd.concat([pd.DataFrame({"participant_id": people, "session_id": BASELINE}), follow], ignore_index=True)
    scans = scans[scans["participant_id"].isin(people)]
    if folder:
        there = {p.name.split("_")[0] for p in Path(folder).iterdir()}
        scans = scans[scans["participant_id"].isin(there)]

        def paths(person, session):
            return simulated_paths(Path(folder), person, session)
    else:

        def paths(person, session):
            session = baseline_session if session == BASELINE else session
            return tuple(t.format(participant_id=person, session_id=session) if t else None for t in templates)

    head = {}
    if etiv:
        known = read_table(etiv, needed=("participant_id", "etiv"))
        known = known.assign(session_id=known["session_id"] if "session_id" in known else BASELINE)
        head = {(r.participant_id, r.session_id): r.etiv for r in known.dropna(subset="etiv").itertuples()}
    defined = read_biomarkers(biomarkers)
    table, failed = measure_batch(scans, defined, paths, cord_levels, labels_file, head)
    sct = Path(folder) / "SIMULATED_sct.csv" if folder else None
    if sct is not None and sct.exists():
        area = read_sct(sct, cord_levels)
        stem = table["participant_id"].where(
            table["session_id"] == BASELINE, table["participant_id"] + "_" + table["session_id"]
        )
        table[defined.loc[defined["kind"] == "cord", "biomarker"].iloc[0]] = stem.map(area)
    write_table(table, measures)
    write_table(failed, failures)


if __name__ == "__main__":
    start(snakemake)
    p, i = snakemake.params, snakemake.input
    run(
        participants=i.participants,
        sessions=i.sessions,
        biomarkers=i.biomarkers,
        folder=str(i.get("folder") or ""),
        etiv=str(i.get("etiv") or ""),
        batch=int(snakemake.wildcards.batch),
        n_batches=p.n_batches,
        templates=(p.labels, p.cord_mask, p.cord_levels_image),
        baseline_session=p.baseline_session,
        cord_levels=p.cord_levels,
        labels_file=i.label_names,
        **dict(snakemake.output.items()),
    )
