"""A new study's folder: what a folder of data holds, and the configuration that this proposes."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from pathlib import Path
from textwrap import wrap
from typing import get_type_hints

import pandas as pd
import yaml

from .biomarkers import read_biomarkers
from .cohort.ids import People, id_column, session_in
from .cohort.templates import files_of
from .errors import ConfigError, InputError, NeuraxisWarning, agreeing, counted, name_some
from .features.readers.base import label_ids
from .features.readers.sct import AREA, FILE, LEVEL, levels_of
from .features.readers.volume_tables import person_column, read_volume_tables, target_of
from .home import workflow_home
from .settings import WIDTH, Cohort, Features, Normative, Settings, about, flow, said_of
from .storage import aside
from .tables import Cells, as_numbers, number, read_cells, read_table

#: Entries of a folder that are looked at, and folders below it.
MOST, DEEPEST = 50_000, 6
#: What tables of people call the columns that a study needs, best first.
SPELLINGS = {
    "group": ("group", "diagnosis", "dx", "diag", "cohort", "dx_group", "clinical_group", "disease", "pathology"),
    "sex": ("sex", "gender"),
    "age": ("age", "age_at_scan", "age_years", "age_at_baseline"),
    "site": ("site", "center", "centre", "scanner", "site_id", "scanner_id", "institution", "institution_id"),
}
#: Names of healthy controls' groups.
HEALTHY = re.compile(r"(hc|nc|cn|hv|con|ctrl|td|nl|controls?|healthy.*|normals?|volunteers?|neurotypical.*)", re.I)
#: Columns with a known meaning and the outcome that is proposed.
KNOWN: dict[str, dict] = {
    "edss": {"name": "EDSS", "type": "ordinal", "family": "disability"},
    "sdmt": {"name": "SDMT", "type": "robust", "reference": "controls", "family": "cognition"},
    "pasat": {"name": "PASAT", "type": "robust", "reference": "controls", "family": "cognition"},
    "cvlt": {"name": "CVLT", "type": "robust", "reference": "controls", "family": "cognition"},
    "bvmt": {"name": "BVMT", "type": "robust", "reference": "controls", "family": "cognition"},
    "mmse": {"name": "MMSE", "type": "bounded", "maximum": 30, "family": "cognition"},
    "moca": {"name": "MoCA", "type": "bounded", "maximum": 30, "family": "cognition"},
    "nfl": {"name": "NfL", "type": "continuous", "transform": "log", "family": "serum"},
    "gfap": {"name": "GFAP", "type": "continuous", "transform": "log", "family": "serum"},
    "lesion_volume": {"name": "lesion volume", "type": "continuous", "transform": "log1p", "family": "lesions"},
}
#: How names of tables of text end.
TEXT = (".csv", ".tsv", ".txt", ".table", ".dat")
#: What a transform's values must be above.
ABOVE = {"log": 0, "log1p": -1}
#: Columns that describe people and are no outcomes.
ABOUT = re.compile(r".*(duration|onset|educat|years|weight|height|bmi|handed|year|date|visit|session|run).*", re.I)
#: Fewest people of a disease with a value for an outcome to be proposed, and fewest controls for its z against them.
ENOUGH = 20
ENOUGH_CONTROLS = 20
#: Names of segmentations of the cord's grey or white matter alone, and the least middle area (mm2) of whole cords.
PART_OF_CORD = re.compile(r"(?<![a-z])(?:gm|wm)(?=seg|[_.-]|$)", re.I)
WHOLE_CORD = 35.0
#: Subjects that FreeSurfer ships: nobody's brain.
TEMPLATES = re.compile(r"fsaverage.*|[lr]h\.EC_average|cvs_avg\d+.*|V1_average", re.I)
#: What a folder of a person may be called (`cohort.templates`).
ID = re.compile(r"[A-Za-z0-9_-]+")
#: Tables that are not read as they are, and names of label volumes: FreeSurfer's and FastSurfer's, SynthSeg's, BIDS derivatives'.
PACKED = (".gz", ".xlsx", ".xls", ".ods", ".zip", ".parquet")
VOLUMES = re.compile(r".*(aseg[^/]*\.mgz|(dseg|synthseg)\.nii(\.gz)?)", re.I)
#: The last vertebral level: C1 to C7, T1 to T12, L1 to L5; what the tools number higher is none.
LOWEST = 24
#: Courses of multiple sclerosis as groups are called after them.
COURSES = re.compile(r"(rr|sp|pp|pr)[ _-]?ms|cis", re.I)


class Told(list):
    """What was found and decided, a sentence each, and at which keys of the configuration it stands.

    Attributes
    ----------
    at : dict of str to list of str
        Key ("cohort.control", "clinical.outcomes.edss") to its sentences.

    Examples
    --------
    >>> told = Told()
    >>> told.of("cohort.control", "healthy controls: HC")
    >>> told.note("cohort.control", "by its name")
    >>> list(told), told.at
    (['healthy controls: HC'], {'cohort.control': ['healthy controls: HC', 'by its name']})
    """

    def __init__(self, sentences: Iterable[str] = ()) -> None:
        super().__init__(sentences)
        self.at: dict[str, list[str]] = {}

    def note(self, key: str, sentence: str) -> None:
        """A sentence that stands at a key alone."""
        self.at.setdefault(key, []).append(sentence)

    def of(self, key: str, sentence: str) -> None:
        """A sentence on a key."""
        self.append(sentence)
        self.note(key, sentence)

    def general(self) -> list[str]:
        """Sentences that are of no key."""
        there = {sentence for sentences in self.at.values() for sentence in sentences}
        return [sentence for sentence in self if sentence not in there]


@dataclass
class Found:
    """What a folder of data holds.

    Attributes
    ----------
    people : Path or None
        Table of people (BIDS participants.tsv).
    freesurfer : dict of str to int
        Template of people's folders with stats/ in them (with {session_id} where folders are called by sessions), and
        how many there are.
    volumes, sct, qc, measures : list of Path
        Tables of volumes (asegstats2table, aparcstats2table, SynthSeg), of the Spinal Cord Toolbox, of quality scores, and
        tidy ones (head size and biomarkers under the names of the workflow's definitions).
    images : dict of str to int
        Templates of label volumes by their names, and how many there are.
    notes : list of str
        What could not be told.
    unread : list of str
        Why a table could not be read, file by file.
    """

    people: Path | None = None
    freesurfer: dict[str, int] = field(default_factory=dict)
    volumes: list[Path] = field(default_factory=list)
    sct: list[Path] = field(default_factory=list)
    qc: list[Path] = field(default_factory=list)
    measures: list[Path] = field(default_factory=list)
    images: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def look(folder) -> Found:
    """What a folder of data holds, by the names and headings of its files.

    Parameters
    ----------
    folder : path

    Returns
    -------
    Found

    Raises
    ------
    InputError
        No such folder.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "participants.tsv").write_text("participant_id\\tgroup\\tage\\tsex\\nsub-01\\tHC\\t40\\tF\\n")
    >>> look(folder).people.name
    'participants.tsv'
    """
    top = Path(folder)
    if not top.is_dir():
        raise InputError(f"{folder}: no such folder")
    found, seen = Found(), 0
    people: list = []
    unnamed: list = []
    packed: list = []
    for place, folders, files in os.walk(top):
        here = Path(place)
        if here.name == "stats":
            if {"aseg.stats", "aseg+DKT.stats", "aparc.DKTatlas+aseg.deep.volume.stats"} & set(files):
                if TEMPLATES.fullmatch(here.parent.name):
                    folders.clear()
                    continue
                template = _template(here.parent)
                if ID.fullmatch(here.parent.name):
                    found.freesurfer[template] = found.freesurfer.get(template, 0) + 1
                else:
                    unnamed.append(here.parent)
            folders.clear()
            continue
        seen += len(files) + len(folders)
        if seen > MOST:
            found.notes.append(
                f"{top} holds more than {MOST} files; the rest was not looked at: point to a smaller folder"
            )
            break
        if len(here.relative_to(top).parts) >= DEEPEST:
            folders.clear()
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(files):
            path = here / name
            if name.startswith("."):
                continue
            if path.suffix.lower() in TEXT:
                _table(path, found, people)
            elif VOLUMES.fullmatch(name):
                template = re.sub(
                    r"(?<=[/_])ses-[A-Za-z0-9]+",
                    "{session_id}",
                    re.sub(r"sub-[A-Za-z0-9]+", "{participant_id}", str(path)),
                )
                found.images[template] = found.images.get(template, 0) + 1
            elif path.suffix.lower() in PACKED and (
                path.suffix.lower() != ".gz" or Path(path.stem).suffix.lower() in TEXT
            ):
                packed.append(path)
    if len(people) > 1:
        best = [p for p in people if p.name == "participants.tsv"] or people
        found.notes.append(f"tables of people: {name_some(people)}; the first of {name_some(best)} is taken")
        people = best
    found.people = people[0] if people else None
    if packed:
        found.notes.append(
            f"not looked at, because only plain text is read (unpack it, or save it as csv): {name_some(packed)}"
        )
    if unnamed:
        found.notes.append(
            f"left aside, because folders of people are called by letters, digits, - and _ alone: {name_some(unnamed)}; rename them"
        )
    if found.unread:
        found.notes.append(f"left aside, because they cannot be read: {name_some(found.unread, 5)}")
    if len(found.freesurfer) > 1:
        sizes = dict(sorted(found.freesurfer.items(), key=lambda item: -item[1]))
        found.freesurfer = sizes
        found.notes.append(
            "several folders of FreeSurfer results: "
            + ", ".join(f"{t} ({n})" for t, n in sizes.items())
            + "; the one with most is taken"
        )
    return found


def _template(folder: Path) -> str:
    """Template of a person's folder, or of that of a person's session."""
    if session_in([folder.name]):
        return str(folder.parent.parent / "{participant_id}" / "{session_id}")
    tokens = folder.name.split("_")
    if len(tokens) == 2 and session_in(tokens[1:]):
        return str(folder.parent / "{participant_id}_{session_id}")
    return str(folder.parent / "{participant_id}")


def _table(path: Path, found: Found, people: list) -> None:
    """Sort one table of text by its heading."""
    try:
        if path.stat().st_size > 200_000_000:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NeuraxisWarning)  # about tables that are nobody's business yet
            cells = read_cells(path)
    except (InputError, OSError) as error:
        found.unread.append(str(error))
        return
    header = [h.strip().lower() for h in cells.header]
    if "mean(area)" in header:
        found.sct.append(path)
    elif header and (
        re.match(r"measure:|[lr]h\.aparc", header[0])
        or {"total intracranial", "lh_thickness", "left-thalamus"} & set(header)
    ):
        found.volumes.append(path)
    elif "general white matter" in header and _shares(cells):
        found.qc.append(path)
    elif {"participant_id", "etiv"} <= set(header) and len(set(header) & _defined()) >= 2:
        found.measures.append(path)
        if _named(cells.header, "age") and _named(cells.header, "group"):
            people.append(path)
    elif _structures(cells) >= 2:
        found.volumes.append(path)
        if _named(cells.header, "age") and _named(cells.header, "group"):
            people.append(path)
    elif _named(cells.header, "age") or _named(cells.header, "sex") or path.name == "participants.tsv":
        if id_column(cells.header, first=[row[0] for row in cells.rows]) is not None:
            people.append(path)


def _structures(cells: Cells) -> int:
    """How many columns are structures of the brain, as any of the tools calls them, of a table that names people."""
    if id_column(cells.header, first=[row[0] for row in cells.rows]) is None:
        return 0
    ids = label_ids(str(workflow_home() / "resources/labels.tsv"))
    targets = [target_of(h, ids) for h in cells.header]
    return len({t[0] for t in targets if t is not None} - {"etiv", "surface_holes"})


@cache
def _defined() -> set[str]:
    """Names of the workflow's biomarkers."""
    return set(read_biomarkers(workflow_home() / "resources/biomarkers.tsv")["biomarker"])


def _shares(cells: Cells) -> bool:
    return all(0 <= float(v) <= 1 for row in cells.rows for v in row[1:] if re.fullmatch(r"[\d.]+", v))


def _named(header, wanted: str) -> str | None:
    """The column that is called by one of the spellings of `wanted`."""
    lower = {str(h).strip().lower().replace(" ", "_"): h for h in header}
    return next((lower[s] for s in SPELLINGS[wanted] if s in lower), None)


def propose(found: Found, study: Path) -> tuple[dict, dict[str, pd.DataFrame], Told]:
    """Configuration for what was found.

    Parameters
    ----------
    found : Found
        Of `look`.
    study : Path
        Folder of the study to be.

    Returns
    -------
    dict
        Sections of the configuration; paths are relative to the study where they lie in it.
    dict of str to DataFrame
        Tables to be written into the study, by file name.
    Told
        What was decided, and what could not be told.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "participants.tsv").write_text(
    ...     "participant_id\\tgroup\\tage\\tsex\\nsub-01\\tHC\\t40\\tF\\nsub-02\\tMS\\t41\\tM\\n"
    ... )
    >>> config, tables, said = propose(look(folder), folder / "study")
    >>> config["cohort"]["diseases"]
    ['MS']
    """
    said = Told(found.notes)
    tables: dict = {}
    cohort: dict = {"source": "files", "participants": "participants.tsv"}
    clinical: dict = {"treatment": {"column": "", "reference": ""}, "prediction": {"clinical": ["age", "sex"]}}
    clinical["outcomes"] = []
    if found.people is None:
        said.of(
            "cohort.participants",
            "no table of people (participants.tsv with participant_id, group, age, sex, site): write one",
        )
    else:
        _people(found.people, study, cohort, clinical, tables, said)
    listed = _listed(found.people)
    features: dict = {}
    normative: dict = {}
    tables_used = _agreeing(found.volumes, said) if found.volumes and not found.freesurfer else []
    if found.freesurfer:
        template, n = max(found.freesurfer.items(), key=lambda item: item[1])
        features |= {"source": "images", "labels": _relative(template, study)}
        persons = {i for at, i in files_of(template) if Path(at, "stats").is_dir() and not TEMPLATES.fullmatch(i)}
        said.note("features.source", "folders with stats/ of FreeSurfer or FastSurfer")
        said.of(
            "features.labels",
            f"FreeSurfer or FastSurfer results of {counted(len(persons), 'person')}: {template}"
            + f"; {counted(n, 'scan')}: each person's {_usual(Cohort, 'baseline_session')} (cohort.baseline_session), or else the "
            "earliest, is taken, the others count where cohort.sessions lists them" * (n > len(persons)),
        )
        _whose(persons, listed, "these results", said, "features.labels")
        if found.volumes:
            said.of("features.source", f"tables of volumes are left aside for them: {name_some(found.volumes)}")
    elif tables_used:
        features |= {"source": "volume_tables", "volume_tables": [_relative(p, study) for p in tables_used]}
        said.note("features.source", "tables of volumes, and no folders of FreeSurfer")
        said.of("features.volume_tables", f"tables of volumes: {name_some(tables_used)}")
        _whose(_persons(tables_used), listed, "these tables", said, "features.volume_tables")
    elif found.measures:
        features |= {"source": "table", "table": _relative(found.measures[0], study)}
        said.note("features.source", "a table in the workflow's own names of measures")
        said.of(
            "features.table",
            f"table of measures: {name_some(found.measures)}" + "; the first is taken" * (len(found.measures) > 1),
        )
        _whose(_persons(found.measures[:1]), listed, "it", said, "features.table")
    if found.sct and _cord(found.sct, listed, study, features, said):
        if "source" not in features:
            features |= {"source": "volume_tables", "volume_tables": [], "use": ["cord_csa"]}
            normative["head_size"] = "none"
            words = "cord alone: no segmentation of the brain was found, and no head size (normative.head_size: none)"
            said.of("features.use", words)
            said.note("features.volume_tables", "none was found; the cord's areas are of features.sct")
            said.note("normative.head_size", words)
    if found.qc:
        features["qc_scores"] = _relative(found.qc[0], study)
        said.note("features.qc_scores", f"quality scores of segmentations: {name_some(found.qc)}")
    if "source" not in features or (found.images and features.get("volume_tables") == []):
        if found.images:
            templates = [
                f"{_relative(t, study)} ({n})" for t, n in sorted(found.images.items(), key=lambda item: -item[1])
            ]
            said.of(
                "features.labels",
                f"label volumes by their names: {name_some(templates)}; if they hold FreeSurfer's labels, set features.source: images and "
                "features.labels to one of these, and features.etiv to a table of head sizes",
            )
        else:
            said.of(
                "features.source",
                "no segmentations: give features.labels (images), features.volume_tables or features.table",
            )
    sections = {"cohort": cohort, "features": features, "normative": normative, "clinical": clinical}
    return {name: keys for name, keys in sections.items() if keys}, tables, said


def _usual(section: type, key: str):
    """What a study of one's own gets unless it says otherwise."""
    return next(about(f)[1] for f in fields(section) if f.name == key)


def _listed(people: Path | None) -> list[str]:
    """Ids of the table of people; none where there is no table."""
    return sorted(_persons([people])) if people is not None else []


def _persons(paths: Iterable[Path]) -> set[str]:
    """Ids in the columns of people of some tables."""
    found: set[str] = set()
    for path in paths:
        cells = read_cells(path)
        column = id_column(cells.header, first=[row[0] for row in cells.rows])
        found |= set(cells.column(column or person_column(cells)))
    return found - {""}


def _whose(ids: Iterable[str], listed: list[str], what: str, said: Told, key: str) -> None:
    """Say at a key who of the table of people has no measures, and whose measures belong to nobody of it."""
    if not listed:
        return
    people = People(listed)
    find = {i: people.find_path(i)[0] if "/" in i else people.find(i)[0] for i in ids}
    lacking = sorted(set(listed) - {*find.values()} - {None})
    strangers = sorted(i for i, person in find.items() if person is None)
    if len(strangers) == len(find):
        said.of(
            key,
            f"none of the ids of {what} ({name_some(strangers, 2)}) is in the table of people ({name_some(listed, 2)}): "
            "write them alike (sub- may be left out, leading zeros count)",
        )
        return
    if lacking:
        said.of(
            key,
            f"{len(lacking)} of {counted(len(listed), 'person')} of the table {agreeing(len(lacking), 'is', 'are')} not in {what}: {name_some(lacking)}",
        )
    if strangers:
        said.of(key, f"not in the table of people, but in {what}: {name_some(strangers)}")


def _agreeing(paths: list[Path], said: Told) -> list[Path]:
    """Tables of volumes that can be read together, those with most people first; why the others are left aside."""
    rows = {p: len(read_cells(p).rows) for p in paths}
    if empty := [p for p in paths if not rows[p]]:
        said.of("features.volume_tables", f"left aside, because nobody is in them: {name_some(empty)}")
    used: list[Path] = []
    for path in sorted((p for p in paths if rows[p]), key=lambda p: -rows[p]):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NeuraxisWarning)
                read_volume_tables([*used, path], workflow_home() / "resources/labels.tsv")
        except InputError as error:
            said.of("features.volume_tables", f"left aside: {error}")
        else:
            used.append(path)
    return used


def _cord(paths: list[Path], listed: list[str], study: Path, features: dict, said: Told) -> bool:
    """Propose the table of cord areas with most scans, and levels that it has; whether there is one."""
    areas: dict[Path, pd.DataFrame] = {}
    parts = []
    for path in paths:
        cells = read_cells(path)
        columns = [c for c in (FILE, LEVEL) if c in cells.header]
        if len(columns) < 2:
            said.of("features.sct", f"left aside: {path}: no column {FILE} or {LEVEL}")
            continue
        table = pd.DataFrame({c: cells.column(c) for c in (*columns, AREA)}, dtype=object)
        middle = pd.Series([v for v in map(number, table[AREA]) if v is not None], dtype=float).median()
        if PART_OF_CORD.search(path.name) or table[FILE].str.contains(PART_OF_CORD).any() or middle < WHOLE_CORD:
            parts.append(path)
        elif len(table):
            areas[path] = table
    if parts:
        said.of("features.sct", f"left aside, areas of a part of the cord (grey or white matter): {name_some(parts)}")
    if not areas:
        return False
    best = max(areas, key=lambda p: areas[p][FILE].nunique())
    table, scans = areas[best], areas[best][FILE].nunique()
    features["sct"] = _relative(best, study)
    said.of("features.sct", f"cord areas of the Spinal Cord Toolbox: {best}, {counted(scans, 'scan')}")
    if len(areas) > 1:
        said.of(
            "features.sct",
            f"several tables of cord areas: {name_some(areas)}; the one with most scans is taken"
            + "; people in files of their own belong into one (sct_process_segmentation -append 1)" * (scans == 1),
        )
    _whose(table[FILE].unique(), listed, "it", said, "features.sct")
    usual = _usual(Features, "cord_levels")
    has = [{level for text in part for level in levels_of(text)} for _, part in table.groupby(FILE)[LEVEL]]
    counts = pd.Series([level for levels in has for level in levels], dtype=int).value_counts()
    most = sorted(level for level in counts.index[counts >= 0.9 * scans] if level <= LOWEST)
    if not set(usual) <= set(most):
        chosen = [v for v in usual if v in most] or most[:3]
        names = ", ".join(f"C{v}" for v in usual if v not in most)
        if chosen:
            features["cord_levels"] = [int(v) for v in chosen]
            said.of(
                "features.cord_levels",
                f"{names} is not in most scans: cord area over {', '.join(f'C{v}' for v in chosen)} (features.cord_levels)",
            )
        else:
            said.of(
                "features.sct",
                f"no vertebral level is in most scans of {best} (column {LEVEL}): measure it with -vert and -perlevel 1",
            )
    return True


def _people(path: Path, study: Path, cohort: dict, clinical: dict, tables: dict, said: Told) -> None:
    """Groups, sites and outcomes from the table of people."""
    header = read_cells(path).header
    names = {wanted: column for wanted in SPELLINGS if (column := _named(header, wanted))}
    table = read_table(path, text=("participant_id", *names.values()))
    renamed = {column: wanted for wanted, column in names.items() if column != wanted and column.lower() != wanted}
    cohort["participants"] = _relative(path, study)
    said.note("cohort.participants", f"table of people: {path}, {counted(len(table), 'row')}")
    if renamed:
        tables["participants.tsv"] = table.rename(columns=renamed)
        cohort["participants"] = "participants.tsv"
        said.of(
            "cohort.participants",
            f"{path} is copied with "
            + ", ".join(f"{old} as {new}" for old, new in renamed.items())
            + " (participants.tsv)",
        )
    for word in ("age", "sex"):
        if word not in names:
            said.of("cohort.participants", f"{path}: no column for {word}, which the study needs: add it")
    if "group" not in names:
        said.of(
            "cohort.control",
            f"{path}: no column for group, so that who is a healthy control and who has which disease could not be told: "
            "add a column group, then set cohort.control and cohort.diseases",
        )
        said.note("cohort.diseases", "could not be told: the table of people has no column for group")
    if "site" not in names:
        said.of("cohort.participants", f"{path}: no column for site: everyone counts as scanned at one site")
    if "group" not in names:
        return
    group = table[names["group"]]
    counts = group.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    healthy = [g for g in counts.index if HEALTHY.fullmatch(str(g).strip())]
    said.of("cohort.diseases", "groups: " + ", ".join(f"{g} ({n})" for g, n in counts.items()))
    if not healthy:
        said.of("cohort.control", "which group is the healthy controls could not be told: set cohort.control")
    else:
        cohort["control"] = str(healthy[0])
        said.of("cohort.control", f"healthy controls: {name_some(healthy)}" + " together" * (len(healthy) > 1))
        said.note("cohort.control", "taken for them by name")
    rest = [g for g in counts.index if g not in healthy]
    named = {g: re.sub(r"[^A-Za-z0-9_+-]+", "-", str(g)).strip("-_+") or "group" for g in rest}
    cohort["diseases"] = list(dict.fromkeys(named.values()))
    # several diseases stand in cohort.groups, too: a line that is taken out there is a group that is ignored
    if len(healthy) > 1 or len(cohort["diseases"]) > 1 or any(str(g) != n for g, n in named.items()):
        cohort["groups"] = {n: [str(g) for g in rest if named[g] == n] for n in cohort["diseases"]}
        if healthy:
            cohort["groups"][cohort["control"]] = [str(g) for g in healthy]
    _counts(cohort, counts, named, healthy, table, names, said)
    sick = table[group.isin(rest)]
    for column in table.columns:
        known = KNOWN.get(column.lower())
        if column in names.values() or column == id_column(header) or sick[column].dtype == bool:
            continue
        if column.lower() == "etiv" or column in _defined() or ABOUT.fullmatch(column):
            continue
        values, text = as_numbers(sick[column])
        if text.any() or values.notna().sum() < ENOUGH or (values.nunique() < 5 and not known):
            continue
        outcome: dict = (
            dict(known) if known else {"name": column.replace("_", " "), "type": "continuous", "family": "clinical"}
        )
        key = f"clinical.outcomes.{column}"
        said.note(
            key,
            f"{int(values.notna().sum())} of {counted(len(sick), 'patient has', 'patients have')} a number in {column}; "
            + (
                "its type is that of a measure of this name"
                if known
                else "its name is not known, so its type is a guess"
            ),
        )
        outcome = _served(outcome, column, values, table[group.isin(healthy)], names, said)
        clinical["outcomes"].append({"column": column, "covariates": ["age", "sex"], **outcome})
    if clinical["outcomes"]:
        proposed = name_some(f"{o['name']} ({o['type']})" for o in clinical["outcomes"])
        said.of("clinical.outcomes", f"outcomes: {proposed}; check their types (clinical.outcomes)")
    else:
        said.of("clinical.outcomes", "no outcomes: no numeric clinical column with enough values")


def _counts(cohort, counts, named: dict, healthy: list, table: pd.DataFrame, names: dict, said: Told) -> None:
    """Say what becomes of many diseases, of small ones, and of sites with few controls."""
    if len(cohort["diseases"]) > 1:
        courses = [g for g in named if COURSES.fullmatch(str(g).strip())]
        example = f"{{MS: [{', '.join(courses)}]}}" if len(courses) > 1 else "{NAME: [GROUP, GROUP]}"
        said.of(
            "cohort.groups",
            f"{name_some(cohort['diseases'], 5)}: each is modelled as a disease of its own; cohort.groups merges some "
            f"({example}, and the new name in cohort.diseases); one that is taken out of both is ignored",
        )
    sizes = pd.Series({d: sum(counts[g] for g in named if named[g] == d) for d in cohort["diseases"]}, dtype=int)
    if (few := sizes[sizes < ENOUGH]).size:
        small = ", ".join(f"{d} ({n})" for d, n in few.items())
        if len(few) < len(sizes):
            # a disease that nobody can model would end the run of the others
            cohort["diseases"] = [d for d in cohort["diseases"] if d not in few]
            cohort["groups"] = {d: g for d, g in cohort["groups"].items() if d not in few}
            said.of(
                "cohort.diseases",
                f"too few for subtypes, and left out: {small}; to have them, add them to cohort.diseases and cohort.groups, or merge groups",
            )
        else:
            said.of("cohort.diseases", f"too few for subtypes: {small}")
    if healthy and "site" in names:
        at = table.loc[table[names["group"]].isin(healthy), names["site"]].value_counts()
        at = at.reindex(sorted(table[names["site"]].dropna().unique()), fill_value=0)
        least = _usual(Normative, "min_site_controls")
        if (alone := at.index[at == 0]).size:
            said.of(
                "normative.site",
                f"no healthy control was scanned at {name_some(alone, 8)}: with a site term (normative.site) nobody of these "
                "sites has a norm",
            )
        if (small := at[(at > 0) & (at < least)]).size:
            said.of(
                "normative.min_site_controls",
                f"sites with fewer than {counted(least, 'healthy control')}: "
                + name_some((f"{s} ({n})" for s, n in small.items()), 8)
                + (
                    f"; together they have {small.sum()}, too few for a norm, and the study would be refused: lower "
                    "normative.min_site_controls, set normative.site to none, or leave their people out"
                    if small.sum() < least
                    else f"; they are pooled, {small.sum()} together (normative.small_sites)"
                ),
            )


def _served(outcome: dict, column: str, values: pd.Series, healthy: pd.DataFrame, names: dict, said: Told) -> dict:
    """The outcome without the keys that its values or the controls' cannot serve: the study would be refused."""
    outcome = dict(outcome)
    if outcome.get("reference") == "controls":
        numbers, text = as_numbers(healthy[column])
        known = numbers.notna() & healthy[[names[c] for c in ("age", "sex") if c in names]].notna().all(axis=1)
        if text.any() or known.sum() < ENOUGH_CONTROLS:
            del outcome["reference"]
            said.of(
                f"clinical.outcomes.{column}",
                f"{outcome['name']}: {counted(int(known.sum()), 'healthy control has', 'healthy controls have')} a number in {column}, age and sex"
                + f", and {int(text.sum())} a text" * bool(text.any())
                + f": it is not referred to them (reference: controls needs {ENOUGH_CONTROLS})",
            )
    least = ABOVE.get(outcome.get("transform", ""))
    if least is not None and (values <= least).any():
        said.of(
            f"clinical.outcomes.{column}",
            f"{outcome['name']}: {counted(int((values <= least).sum()), 'value')} of {column} {agreeing((values <= least).sum(), 'is', 'are')} not above {least}: it is not "
            f"transformed (transform: {outcome.pop('transform')} needs all of them above)",
        )
    return outcome


def commented(config: dict, at: dict[str, list[str]]) -> str:
    """A configuration as YAML with a comment at every key: what was found, or else what the key is for.

    Keys that have sentences and no value stand as comments, with the value of the workflow's own study: what could not be
    told is to be set there.

    Parameters
    ----------
    config : dict
        Sections.
    at : dict of str to list of str
        Key to sentences, see `Told`.

    Returns
    -------
    str

    Examples
    --------
    >>> print(commented({"cohort": {"source": "files"}}, {"cohort.control": ["could not be told"]}), end="")
    cohort:
      # simulated: the study's cohort, built from published aggregates; files: your own people
      source: files
      # could not be told
      # control: HC
    """
    hints = get_type_hints(Settings)
    lines: list[str] = []
    for name in [f.name for f in fields(Settings)]:
        told = [key for key in at if key.startswith(f"{name}.")]
        if name in config and not isinstance(config[name], dict):
            lines += _yaml({name: config[name]}, 0)
        elif name in config or told:
            there = name in config
            out = [f"{name}:", *_section(hints[name], config.get(name, {}), at, f"{name}.", 2, "# " * there)]
            lines += out if there else [f"# {line}" for line in out]
    return "".join(f"{line}\n" for line in lines)


def _section(section, config: dict, at: dict, before: str, indent: int, mark: str = "# ") -> list[str]:
    """Lines of a section: its keys in the order of the proposal, then those that have sentences alone, after a mark."""
    hints, known, lines = get_type_hints(section), {f.name: f for f in fields(section)}, []
    for key, value in config.items():
        why = at.get(before + key) or [said_of(known[key])]
        lines += [line for sentence in why for line in _comment(sentence, indent)]
        if isinstance(value, dict) and is_dataclass(hints[key]):
            lines += [f"{' ' * indent}{key}:", *_section(hints[key], value, at, f"{before}{key}.", indent + 2)]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            lines.append(f"{' ' * indent}{key}:")
            for one in value:
                for sentence in at.get(f"{before}{key}.{one.get('column')}", ()):
                    lines += _comment(sentence, indent)
                lines += _yaml([one], indent)
        else:
            lines += _yaml({key: value}, indent)
    for key in known:
        if key not in config and before + key in at:
            lines += [line for sentence in at[before + key] for line in _comment(sentence, indent)]
            lines.append(f"{' ' * indent}{mark}{key}: {flow(about(known[key])[2])}")
    return lines


def _comment(sentence: str, indent: int) -> list[str]:
    """A sentence as lines of a comment; what no comment can hold (names of files are anybody's) is a question mark."""
    plain = "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in sentence)
    return [
        f"{' ' * indent}# {line}"
        for line in wrap(plain, WIDTH - indent - 2, break_long_words=False, break_on_hyphens=False)
    ]


def _yaml(value, indent: int) -> list[str]:
    """Lines of YAML."""
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=WIDTH)
    return [f"{' ' * indent}{line}" for line in text.rstrip("\n").split("\n")]


def _relative(path, study: Path) -> str:
    """A path as the study's configuration names it: relative where it lies in the study's folder."""
    absolute = Path(os.path.abspath(path))
    inside = absolute.is_relative_to(study.absolute())
    return str(absolute.relative_to(study.absolute())) if inside else str(absolute)


HEAD = """# This study. Only what differs from the workflow's defaults stands here; every key is described in the workflow's
# config.yaml and config.schema.yaml. Relative paths are relative to this folder. Run it: cd here, then neuraxis run
"""
SIMULATED = """# No data were pointed to: a small simulated cohort, a few minutes, to see what comes out. For your own people replace the
# sections below by those at the end of this file.
cohort: {scale: 0.2, diseases: [MS]}
features: {use: [cord_csa, brainstem, cerebellum_gm, frontal, temporal, thalamus, putamen], batches: 2}
normative: {age: linear, age_by_sex: false, folds: 5, min_site_controls: 4}
sustain: {max_subtypes: 2, folds: 2, n_startpoints: 3, n_samples: 500, n_doublings: 0, n_samples_folds: 0, n_chains: 2, variants: []}
clinical: {n_draws: 5}

# cohort:
#   source: files
#   participants: participants.tsv          # from participants_template.tsv
#   control: HC
#   diseases: [MS]
#   groups: {}                              # merges groups: {MS: [RRMS, SPMS], HC: [Control]}
# features:
#   source: images
#   labels: "/data/freesurfer/{participant_id}"
#   sct: ""                                 # CSV of sct_process_segmentation
# clinical:
#   treatment: {column: "", reference: ""}
#   outcomes:
#     - {name: EDSS, column: edss, type: ordinal, covariates: [age, sex]}
"""
TEMPLATE = pd.DataFrame(
    {
        "participant_id": ["sub-01", "sub-02"],
        "group": ["HC", "MS"],
        "age": [34, 41],
        "sex": ["F", "M"],
        "site": ["A", "A"],
        "edss": ["n/a", 2.5],
    }
)
README = """# {name}

- `config.yaml` the study; `neuraxis run` in this folder runs it, `neuraxis run -n` shows what would run, `neuraxis doctor` looks for trouble first
- `participants_template.tsv` the table of people: participant_id, group, age, sex, site and clinical columns, missing as n/a
- `results/report/index.html` what comes out; `results/README.md` describes every table
- `neuraxis stage --study . --freesurfer FOLDER --age 41 --sex F --site A` places one new person
- `neuraxis export . model.neuraxis` puts the model into one file that holds no person

## What `neuraxis init` found
{said}
"""


def make_study(study, data=None) -> list[str]:
    """Write a new study's folder: config.yaml, participants_template.tsv, README.md, and what `propose` adds.

    Parameters
    ----------
    study : path
        A new or empty folder, or one without these files.
    data : path, optional
        A folder to look at.

    Returns
    -------
    list of str
        What was found and decided, a sentence each.

    Raises
    ------
    ConfigError
        The folder has one of the files already, or is the workflow's own.
    InputError
        `data` is no folder.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> make_study(folder / "my study")
    ['no data were pointed to (--data): a small simulated study, to be replaced by your own']
    >>> sorted(p.name for p in (folder / "my study").iterdir())
    ['README.md', 'config.yaml', 'participants_template.tsv']
    """
    study = Path(study)
    if (study / "Snakefile").exists():
        raise ConfigError(f"{study} holds a Snakefile; a study has a folder of its own: neuraxis init NEW_FOLDER")
    if study.exists() and not study.is_dir():
        raise ConfigError(f"{study} is a file; give a folder")
    said = Told()
    tables: dict = {}
    if data is None:
        text = HEAD + SIMULATED
        said.append("no data were pointed to (--data): a small simulated study, to be replaced by your own")
    else:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always", NeuraxisWarning)
            proposed, tables, said = propose(look(data), study)
        said += dict.fromkeys(str(w.message) for w in warned if issubclass(w.category, NeuraxisWarning))
        proposed["report"] = {"title": study.absolute().name}
        head = [line for sentence in said.general() for line in _comment(sentence, 0)]
        text = HEAD + "".join(f"{line}\n" for line in head) + commented(proposed, said.at)
    texts = {
        "config.yaml": text,
        "README.md": README.format(name=study.absolute().name, said="\n".join(f"- {s}" for s in said)),
    }
    tables = {"participants_template.tsv": TEMPLATE, **tables}
    there = [name for name in (*texts, *tables) if (study / name).exists()]
    if there:
        raise ConfigError(
            f"{study} has {name_some(there)} already; nothing was written. Move them, or give another folder"
        )
    study.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        # without the seal of the package's own tables: people are meant to edit it
        with aside(study / name) as part:
            table.to_csv(part, sep="\t", index=False, na_rep="n/a", lineterminator="\n")
    for name, content in texts.items():
        with aside(study / name) as part:
            part.write_text(content, encoding="utf-8")
    return said
