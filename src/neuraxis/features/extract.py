"""Where the files of a scan are, and measuring a list of scans from them."""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path

import pandas as pd

from ..biomarkers import cord_of, read_biomarkers
from ..cohort.ids import BASELINE, People, bare, scan_stem, split_scans
from ..cohort.participants import listed_people
from ..cohort.templates import Locator, files_of
from ..errors import InputError
from ..schema import read
from .headsize import read_head_sizes
from .measures import measure_batch
from .readers.sct import read_sct

#: Columns of the table of files that scans were measured from.
FILES = ("participant_id", "session_id", "file", "sha256")
#: How much of an uncompressed file is looked at to notice that it was replaced: bytes of a block, and blocks.
BLOCK, BLOCKS, SMALL = 4096, 64, 65_536
#: Multiples of the golden ratio fill an interval evenly and never meet a period of it.
GOLDEN = (5**0.5 - 1) / 2
SIMULATED_NAMES = ("desc-SIMULATED_dseg", "desc-SIMULATED_label-cord_mask", "desc-SIMULATED_label-levels_dseg")


def simulated_paths(folders, person: str, session: str) -> tuple:
    """Files of one simulated scan: images, or a stats folder; in the first of `folders` that has them."""
    stem = scan_stem(person, session)
    absent = tuple(Path(folders[0]) / f"{stem}_{name}.nii.gz" for name in SIMULATED_NAMES)
    for folder in map(Path, folders):
        stats = folder / f"{stem}_SIMULATED"
        if stats.is_dir():
            return stats, None, None
        images = tuple(folder / f"{stem}_{name}.nii.gz" for name in SIMULATED_NAMES)
        if os.path.exists(images[0]):
            return images
    return absent


def all_scans(participants, sessions) -> pd.DataFrame:
    """Baseline and follow-up scans of the participants: participant_id, session_id."""
    people = read("cohort/participants.tsv", participants)["participant_id"]
    follow = read("cohort/sessions.tsv", sessions)[["participant_id", "session_id"]]
    first = pd.DataFrame({"participant_id": people, "session_id": BASELINE})
    return pd.concat([first, follow[follow["participant_id"].isin(people)]], ignore_index=True)


def read_files(path) -> list[Path]:
    """The files that are read of a path: itself, or the stats, tables and subregion lists in a folder of results."""
    path = Path(path)
    if os.path.isfile(path):
        return [path]
    stats = path / "stats" if os.path.isdir(path / "stats") else path
    return sorted([*stats.glob("*.stats"), *stats.glob("*.csv"), *(path / "mri").glob("*.txt")])


def checksum(path) -> str:
    """SHA-256 of a file; of a folder of results, of the names and contents of all that is read there.

    "unreadable" for a file that may not be read: whoever measures it says so, and of whom.
    """
    path = Path(path)
    if os.path.isfile(path):
        try:
            with open(path, "rb") as opened:
                return hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError:
            return "unreadable"
    total = hashlib.sha256()
    for file in read_files(path):
        total.update(f"{file.name} {checksum(file)}\n".encode())
    return total.hexdigest()


def add_cord(table: pd.DataFrame, defined: pd.DataFrame, area: pd.Series, *, otherwise: str = "") -> pd.DataFrame:
    """Cord areas into a table of scans, by scan: the one way from a table of areas to the measures.

    Parameters
    ----------
    table : DataFrame
        participant_id, session_id.
    defined : DataFrame
        See `biomarkers.read_biomarkers`; one of kind cord takes the areas.
    area : Series
        mm2, indexed by scan, ``sub-07`` or ``sub-07_ses-02`` for a follow-up.
    otherwise : str
        What to say where none is of kind cord; "": the areas are left aside.

    Raises
    ------
    InputError
        `otherwise`.
    """
    cord = cord_of(defined)
    if cord is None:
        if otherwise:
            raise InputError(otherwise)
        return table
    stems = [scan_stem(*row) for row in table[["participant_id", "session_id"]].itertuples(index=False)]
    return table.assign(**{cord: area.reindex(stems).to_numpy()})


def extract(
    scans: pd.DataFrame,
    *,
    biomarkers,
    labels_file,
    folders,
    etiv,
    templates,
    baseline_session,
    cord_levels,
    listed=None,
    follow=(),
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
    listed : sequence of str, optional
        All participants, whose ids the table of head sizes may hold; those of `scans` where not given.
    follow : iterable of (participant_id, session_id)
        Listed follow-up scans; those of `scans` where not given.

    Returns
    -------
    DataFrame, DataFrame
        Measures, and scans that failed.
    DataFrame
        participant_id, session_id, file, sha256: what they were measured from.
    """
    defined = read_biomarkers(biomarkers)
    maps = list(dict.fromkeys(t for b in defined[defined["kind"] == "map"].itertuples() for t in b.labels))
    follow = list(follow) or [
        r for r in scans[["participant_id", "session_id"]].itertuples(index=False) if r[1] != BASELINE
    ]
    if folders:

        def paths(person, session):
            return simulated_paths(folders, person, session)
    else:
        paths = Locator([*templates, *(t.partition("#")[0] for t in maps)], baseline_session, follow)
    head = {}
    if etiv:
        sizes = read_head_sizes(etiv, None if listed is None else listed)
        head = _by_scan(sizes, baseline_session, follow)
    places = _map_places(maps, paths, bool(folders))
    table, failed = measure_batch(scans, defined, paths, cord_levels, labels_file, head, places)
    areas = [read_sct(f, cord_levels) for folder in folders if (f := Path(folder) / "SIMULATED_sct.csv").exists()]
    if areas and len(table):
        table = add_cord(table, defined, pd.concat(areas))
    files = [
        (person, session, str(file), checksum(file))
        for person, session in scans[["participant_id", "session_id"]].itertuples(index=False)
        for file in dict.fromkeys(paths(person, session))
        if file and os.path.exists(file)
    ]
    return table, failed, pd.DataFrame(files, columns=list(FILES))


def _by_scan(sizes: pd.Series, baseline: str, follow) -> dict:
    """Head sizes by (participant_id, session_id)."""
    keys = split_scans({"features.etiv": sizes.index}, baseline=baseline, follow=follow)["features.etiv"]
    return {tuple(k): v for k, v in zip(keys.itertuples(index=False), sizes, strict=True) if pd.notna(v)}


def _map_places(maps, paths, simulated: bool):
    """(person, session) -> path of every map template."""
    if simulated or not maps:
        return None

    def places(person, session):
        found = paths(person, session)[3:]
        number = [t.partition("#")[2] for t in maps]
        return {t: f"{f}#{n}" if n else str(f) for t, f, n in zip(maps, found, number, strict=True)}

    return places


def batch_of(person: str, n_batches: int) -> int:
    """Batch that a person is measured in: by the id alone, so that who joins the study moves nobody else."""
    return zlib.crc32(person.encode()) % n_batches


def _follow(sessions) -> list[tuple]:
    listed = read("cohort/sessions.tsv", sessions)
    return list(listed[["participant_id", "session_id"]].itertuples(index=False, name=None))


def extract_batch(
    participants, sessions, folders, *, batch: int, n_batches: int, listed="", **settings
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Measure one batch of the participants; see `extract` for the settings and the three tables."""
    scans = all_scans(participants, sessions)
    if folders:
        mine = {p.name.split("_")[0] for folder in folders for p in Path(folder).iterdir()}
    else:
        mine = {p for p in set(scans["participant_id"]) if batch_of(p, n_batches) == batch}
    scans = scans[scans["participant_id"].isin(mine)]
    people = listed_people(listed) if listed else None
    return extract(scans, folders=folders, listed=people, follow=_follow(sessions), **settings)


def extract_again(
    failures, sessions, folders, *, listed="", **settings
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Measure alone, once more, the scans that failed in their batches; see `extract`."""
    failed = pd.concat([read("features/batches/B_failures.tsv", f) for f in failures], ignore_index=True)
    people = listed_people(listed) if listed else None
    scans = failed[["participant_id", "session_id"]]
    return extract(scans, folders=folders, listed=people, follow=_follow(sessions), **settings)


def trace(path) -> str:
    """What tells a file from another of the same size and date (copies keep dates), without reading all of it.

    Everything is read up to 64 kB, which tables and stats are; of larger files the first and the last 4 kB, and `BLOCKS` more
    that keep clear of any period, since the slices of an image have one and their edges are background. The end of a file
    packed in one piece holds the CRC-32 of all that is in it.
    """
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            last = max(size - BLOCK, 0)
            found = hashlib.sha256(str(size).encode())
            if size <= SMALL:
                starts = list(range(0, size, BLOCK))
            else:
                starts = [0, *(round(i * GOLDEN % 1 * last) for i in range(1, BLOCKS + 1)), last]
            for start in starts:
                file.seek(start)
                found.update(file.read(BLOCK))
        return found.hexdigest()
    except OSError:  # whoever measures it says so, and of whom
        return "unreadable"


def _changed(path) -> int:
    """When a file was changed, ns; 0 of one in a folder that may not be entered."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def fingerprint(templates, maps, n_batches: int, participants="") -> list[str]:
    """What the images on disk look like, one checksum per batch of people: path, size, date and `trace` of every file.

    A replaced, added or removed image changes that of its batch, so that the batch is measured again.

    Parameters
    ----------
    templates, maps : sequence of str
        Paths with {participant_id}; of maps, with ``#<volume>``.
    n_batches : int
    participants : path, optional
        The user's participants.tsv, for the people that the ids in the paths belong to; where it cannot be read (which is
        told later on), a file counts for every spelling of its id.
    """
    try:
        people = People(listed_people(participants)) if participants else None
    except InputError:
        people = None
    parts: list[list[str]] = [[] for _ in range(n_batches)]
    for template in dict.fromkeys([*templates, *(m.partition("#")[0] for m in maps)]):
        for file, person in files_of(template) if template else []:
            sizes = [f"{f.name} {_changed(f)} {trace(f)}" for f in read_files(file)]
            owner = people.find(person)[0] if people else None
            spelt = [owner] if owner else dict.fromkeys([person, bare(person), f"sub-{bare(person)}"])
            for name in spelt:
                parts[batch_of(name, n_batches)].append(f"{file} {sizes}")
    return [hashlib.sha256("\n".join(sorted(p)).encode()).hexdigest() if p else "" for p in parts]


def there(template: str) -> str:
    """Checksum of the names of all files that fit a template: who has a segmentation, whatever is in it."""
    names = [file for file, _ in files_of(template)] if template else []
    return hashlib.sha256("\n".join(names).encode()).hexdigest() if names else ""
