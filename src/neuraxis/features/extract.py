"""Where the files of a scan are, and measuring a list of scans from them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd

from ..tables import read_table
from .biomarkers import cord_of, read_biomarkers
from .measures import BASELINE, measure_batch
from .stats import read_sct

#: Columns of the table of files that scans were measured from.
FILES = ("participant_id", "session_id", "file", "sha256")
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


def checksum(path) -> str:
    """SHA-256 of a file; of a folder of results, of the names and contents of all that is read there."""
    path = Path(path)
    if path.is_file():
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    stats = path / "stats" if (path / "stats").is_dir() else path
    total = hashlib.sha256()
    for file in sorted([*stats.glob("*.stats"), *stats.glob("*.csv"), *(path / "mri").glob("*.txt")]):
        total.update(f"{file.name} {checksum(file)}\n".encode())
    return total.hexdigest()


def extract(
    scans: pd.DataFrame, *, biomarkers, labels_file, folders, etiv, templates, baseline_session, cord_levels
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Measure scans; see `measures.measure_batch` for the first two tables.

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

    Returns
    -------
    DataFrame, DataFrame
        Measures, and scans that failed.
    DataFrame
        participant_id, session_id, file, sha256: what they were measured from.
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
        cord = cord_of(defined)
        table[cord] = pd.concat(areas).reindex(stem).to_numpy()
    maps = [t.partition("#")[0] for b in defined[defined["kind"] == "map"].itertuples() for t in b.labels]
    files = [
        (person, session, str(file), checksum(file))
        for person, session in scans[["participant_id", "session_id"]].itertuples(index=False)
        for file in (*paths(person, session), *template_paths(maps, baseline_session, person, session))
        if file and Path(file).exists()
    ]
    return table, failed, pd.DataFrame(files, columns=list(FILES))
