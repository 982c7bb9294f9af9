"""Where the files of a scan are, and measuring a list of scans from them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..tables import read_table
from .biomarkers import read_biomarkers
from .measures import BASELINE, measure_batch
from .stats import read_sct

SIMULATED_NAMES = ("desc-SIMULATED_dseg", "desc-SIMULATED_label-cord_mask", "desc-SIMULATED_label-levels_dseg")


def scan_stem(person: str, session: str) -> str:
    """Name of a scan: the person, and the session where it is a follow-up."""
    return person if session == BASELINE else f"{person}_{session}"


def simulated_paths(folders, person: str, session: str) -> tuple:
    """Files of one simulated scan: images, or a stats folder; in the first of `folders` that has them."""
    stem = scan_stem(person, session)
    absent = tuple(Path(folders[0]) / f"{stem}_{name}.nii.gz" for name in SIMULATED_NAMES)
    for folder in map(Path, folders):
        stats = folder / f"{stem}_SIMULATED"
        if stats.is_dir():
            return stats, None, None
        images = tuple(folder / f"{stem}_{name}.nii.gz" for name in SIMULATED_NAMES)
        if images[0].exists():
            return images
    return absent


def template_paths(templates, baseline_session: str, person: str, session: str) -> tuple:
    """Files of one scan from path templates with {participant_id} and {session_id}; None for empty ones."""
    session = baseline_session if session == BASELINE else session
    return tuple(t.format(participant_id=person, session_id=session) if t else None for t in templates)


def all_scans(participants, sessions) -> pd.DataFrame:
    """Baseline and follow-up scans of the participants: participant_id, session_id."""
    people = read_table(participants)["participant_id"]
    follow = read_table(sessions, text=("participant_id", "session_id"))[["participant_id", "session_id"]]
    first = pd.DataFrame({"participant_id": people, "session_id": BASELINE})
    return pd.concat([first, follow[follow["participant_id"].isin(people)]], ignore_index=True)


def extract(
    scans: pd.DataFrame, *, biomarkers, labels_file, folders, etiv, templates, baseline_session, cord_levels
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure scans; see `measures.measure_batch`.

    Parameters
    ----------
    scans : DataFrame
        participant_id, session_id.
    biomarkers, labels_file : path
        resources/biomarkers.tsv and labels.tsv.
    folders : sequence of path
        Folders of the simulated cohort; none for files of one's own.
    etiv : path or ""
        Table of head sizes (participant_id, etiv, optionally session_id).
    templates : (str, str, str)
        Paths of label volume or stats folder, cord mask, cord levels.
    baseline_session : str
    cord_levels : sequence of int
    """
    if folders:

        def paths(person, session):
            return simulated_paths(folders, person, session)
    else:

        def paths(person, session):
            return template_paths(templates, baseline_session, person, session)

    head = {}
    if etiv:
        known = read_table(etiv, needed=("participant_id", "etiv"))
        known = known.assign(session_id=known["session_id"] if "session_id" in known else BASELINE)
        head = {(r.participant_id, r.session_id): r.etiv for r in known.dropna(subset="etiv").itertuples()}
    defined = read_biomarkers(biomarkers)
    table, failed = measure_batch(scans, defined, paths, cord_levels, labels_file, head)
    areas = [read_sct(f, cord_levels) for folder in folders if (f := Path(folder) / "SIMULATED_sct.csv").exists()]
    if areas:
        stem = [scan_stem(*row) for row in table[["participant_id", "session_id"]].itertuples(index=False)]
        cord = defined.loc[defined["kind"] == "cord", "biomarker"].iloc[0]
        table[cord] = pd.concat(areas).reindex(stem).to_numpy()
    return table, failed
