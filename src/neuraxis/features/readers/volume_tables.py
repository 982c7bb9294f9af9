"""Wide tables, one row a scan: asegstats2table, aparcstats2table, SynthSeg, volBrain, ENIGMA, and alike."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd

from ...biomarkers import INSIDE_WHITE_MATTER
from ...cohort.ids import counts_rows, id_column, refuse_repeats, scan_names, session_column
from ...errors import InputError, counted, name_some
from ...tables import ABSENT, COMMA, Cells, number, read_cells
from .base import HEAD_SIZE, HEADER_LABELS, Volumes, is_head_size, label_ids, plain, to_mm3

#: ENIGMA's names of LandRvolumes.csv behind the L or R, as FreeSurfer has them.
ENIGMA = {
    "latvent": "Lateral-Ventricle",
    "thal": "Thalamus",
    "caud": "Caudate",
    "put": "Putamen",
    "pal": "Pallidum",
    "hippo": "Hippocampus",
    "amyg": "Amygdala",
    "accumb": "Accumbens-area",
}
TOOL = re.compile(r"(?:(measure):(\S+)|([lr]h)\.(\S+)\.([a-z]+))", re.I)
#: What a column's name ends in, and the quantity that it is.
QUANTITY = re.compile(r"(.+?)_(thickness|thickavg|area|surfavg|volume)$", re.I)
KEY = {"thickness": "thickness", "thickavg": "thickness", "area": "area", "surfavg": "area"}


def volbrain(column: str) -> tuple[str, float] | None:
    """FreeSurfer's name and factor to mm3 of a volBrain or AssemblyNet column; None for its other columns.

    Their columns read ``Hippocampus right volume cm3`` (volBrain 1.0: ``Hippocampus Right cm3``, ``Tissue IC cm3``);
    shares of the head (%) and asymmetries are left aside.
    """
    found = re.fullmatch(r"(.+?)(?: (right|left|total))?(?: volume)? cm3", column.strip(), re.I)
    if not found or (found[2] or "").lower() == "total":
        return None
    name, side = found[1], (found[2] or "").capitalize()
    return (f"{side}-{name}" if side else name), 1000.0


def target_of(column: str, ids: dict, side: str = "") -> tuple[object, float] | None:
    """What a column holds (label id, ``thickness:<id>``, ``area:<id>``, etiv, surface_holes) and its factor to mm3.

    `side` is that of the table where its columns leave it out (``lh``, ``rh``); None for any other column.
    """
    if "%" in column:
        return None  # a share of the head
    own, factor = volbrain(column) or (column, 1.0)
    name = plain(own)
    if name in HEAD_SIZE or is_head_size(own):
        return "etiv", factor
    if name == "surfaceholes":
        return "surface_holes", 1.0
    enigma = re.fullmatch(r"([LR])(" + "|".join(ENIGMA) + ")", column.strip(), re.I)
    if enigma and enigma[1] in "LR":
        return ids[plain(f"{'Left' if enigma[1] == 'L' else 'Right'}-{ENIGMA[enigma[2].lower()]}")], 1.0
    found = QUANTITY.fullmatch(column.strip())
    quantity = found[2].lower() if found else "volume"
    if found:
        name = plain(re.sub(r"^([LR])_", lambda m: f"{m[1].lower()}h_", found[1]))
    label = HEADER_LABELS.get(name, ids.get(name))
    if label is None and side:
        label = ids.get(plain(f"{side}_{found[1] if found else own}"))
    if label is None:
        return None
    if quantity in KEY:
        return (f"{KEY[quantity]}:{label}", 1.0) if 1000 < label < 3000 else None
    return label, factor


def person_column(cells: Cells) -> str:
    """The column with the person.

    Raises
    ------
    InputError
        There is none.
    """
    first = [row[0] for row in cells.rows]
    key = id_column(cells.header, first=first)
    if key is None:
        why = ", which counts the rows" if not cells.header[0] and counts_rows(first) else ""
        raise InputError(
            f"{cells.path}: no column with the person; its first column is {cells.header[0]!r}{why}, "
            "expected participant_id or subject"
        )
    return key


def read_one_table(path, ids: dict, people=None, *, what: str | None = None) -> pd.DataFrame:
    """One table, rows named by scan.

    Parameters
    ----------
    path : path
    ids : dict of str to int
        See `base.label_ids`.
    people : People or iterable of str, optional
        Participants that its ids are matched with.
    what : str, optional
        Key and path, for messages.

    Returns
    -------
    DataFrame
        See `Volumes.table`.

    Raises
    ------
    InputError
        No column with the person, or none that is a known label; measures of another kind than volume, thickness and
        surface; people listed twice; cells that are no measure.
    """
    cells = read_cells(path)
    key = person_column(cells)
    tool = TOOL.fullmatch(key)
    if tool and tool[1] and tool[2].lower() != "volume":
        raise InputError(f"{path}: asegstats2table wrote {tool[2]}, not volumes; write it with --meas volume")
    side = tool[3].lower() if tool and tool[3] else ""
    quantity = tool[5].lower() if tool and tool[5] else "volume"
    if quantity not in ("volume", "thickness", "area", "grayvol", "thickavg", "surfarea"):
        raise InputError(f"{path}: holds {quantity}; volume, thickness and area can be read")
    people_cells = cells.column(key)
    what = what or str(path)
    session = session_column(cells.header)
    sessions = (
        None if session is None or session == key else [c if c not in ABSENT else "" for c in cells.column(session)]
    )
    names = scan_names(people_cells, people, what=what, sessions=sessions)
    if "" in people_cells:
        raise InputError(f"{path}, line {cells.lines[people_cells.index('')]}: no person in column {key!r}")
    refuse_repeats(people_cells, names, what=str(path))
    mine = names.notna().to_numpy()
    out: dict = {}
    said: dict = {}
    for k, column in enumerate(cells.header):
        if column == key:
            continue
        bare_name = side and not QUANTITY.fullmatch(column) and plain(column) not in HEAD_SIZE
        target = target_of(f"{column}_{quantity}" if bare_name else column, ids, side)
        if target is None and bare_name:
            target = target_of(column, ids)
        if target is None:
            continue
        label, factor = target
        values = np.array([_cell(cells, i, k, people_cells) for i in range(len(cells.rows))], dtype=float) * factor
        if isinstance(label, int):
            _refuse_mixed(values, f"{path}: {column}", people_cells)
        if label in out:
            if label == "etiv":  # one of them may be in ml
                known, values = (
                    to_mm3(pd.Series(v, index=people_cells), what=f"{path}: {c}").to_numpy()
                    for v, c in ((out[label], said[label]), (values, column))
                )
                out[label] = known
            # tables over several versions have a structure under both its names, each filled for some people
            both = np.isfinite(out[label]) & np.isfinite(values)
            differ = both & (np.abs(out[label] - values) > 0.01 * np.abs(out[label]))
            if differ.any():
                who = people_cells[int(np.flatnonzero(differ)[0])]
                raise InputError(f"{path}: {said[label]} and {column} are the same measure, but differ for {who}")
            out[label] = np.where(np.isfinite(out[label]), out[label], values)
        else:
            out[label], said[label] = values, column
    if not [c for c in out if c not in ("etiv", "surface_holes")]:
        raise InputError(f"{path}: no column is a known label; it has {name_some(cells.header)}")
    if 2 in out and {"lhcerebralwhitemattervol", "lhcorticalwhitemattervol"} & set(map(plain, cells.header)):
        out = {k: v for k, v in out.items() if k not in INSIDE_WHITE_MATTER}
    frame = pd.DataFrame(out)[mine]
    frame.index = pd.Index(names[mine], name="participant_id")
    return frame


def _cell(cells: Cells, row: int, column: int, people: list[str]) -> float:
    """A measure of a table, NaN where it is missing."""
    text = cells.rows[row][column]
    value = number(text)
    if value is None or math.isinf(value) or value < 0:
        hint = "; write decimals with a point" if COMMA.fullmatch(text) else ""
        raise InputError(
            f"{cells.path}, line {cells.lines[row]}: {cells.header[column]} of {people[row]} is {text!r}, no number"
            f"{' that can be a measure' if value is not None else ''}{hint}"
        )
    return value


#: Least number of volumes of a structure that tell its size, and how far they may span for that.
KNOWN, SPAN = 5, 20.0


def _refuse_mixed(values: np.ndarray, what: str, people: list[str]) -> None:
    """Refuse a column of volumes in which some are a thousandth of the others: ml, or a point after the thousands.

    Sums of several structures hide it: 650 + 1.02 (for 1,020) is a volume, too.

    Raises
    ------
    InputError
    """
    there = values[np.isfinite(values) & (values > 0)]
    large = there[there > np.median(there) / 50] if len(there) else there
    if len(large) < KNOWN or large.max() > SPAN * large.min():
        return
    small = (values > 0) & (values < large.min() / 50)
    small &= (values * 1000 > large.min() / 2) & (values * 1000 < large.max() * 2)
    if small.any():
        who = name_some(f"{people[i]} ({values[i]:g})" for i in np.flatnonzero(small))
        raise InputError(
            f"{what}: mixed units: {who} look like ml, or have a point after the thousands; multiply theirs by 1000"
        )


def read_one_row(path, ids: dict) -> tuple[dict, float]:
    """Volumes and head size (NaN) of a table of one scan."""
    table = read_one_table(path, ids)
    if len(table) != 1:
        raise InputError(f"{path} has {counted(len(table), 'row')}; one scan is expected")
    row = {c: float(v) for c, v in table.iloc[0].items() if pd.notna(v)}
    return row, row.pop("etiv", math.nan)


def read_volume_tables(paths, labels_file, people=None, *, key: str = "features.volume_tables") -> pd.DataFrame:
    """Join wide tables of volumes by person: asegstats2table, aparcstats2table, SynthSeg --vol, or alike.

    Tables may hold other columns of the same people, the same columns of other people, or both.

    Parameters
    ----------
    paths : sequence of path
    labels_file : path
        resources/labels.tsv.
    people : People or iterable of str, optional
        Participants; then every table is matched with them, and rows of others are left out.
    key : str
        Of the configuration, for messages.

    Returns
    -------
    DataFrame
        Indexed by scan (``sub-07`` or ``sub-07_ses-02``); columns are label ids (int), ``thickness:<id>``, ``area:<id>``
        and ``etiv``; mm3, mm, mm2.

    Raises
    ------
    InputError
        See `read_one_table`; two tables that disagree by more than 1 %, mixed units of head size.
    """
    ids = label_ids(str(labels_file))
    joined: pd.DataFrame | None = None
    for path in map(Path, paths):
        frame = read_one_table(path, ids, people, what=f"{key} ({path})")
        if "etiv" in frame:
            frame["etiv"] = to_mm3(frame["etiv"], what=str(path))
        if joined is None:
            joined = frame
            continue
        rows, columns = joined.index.intersection(frame.index), joined.columns.intersection(frame.columns)
        was, now = joined.loc[rows, columns], frame.loc[rows, columns]
        differ = (was - now).abs() > 0.01 * was.abs()
        if differ.to_numpy().any():
            who, what = differ.stack().idxmax()
            raise InputError(
                f"{path}: {what} of {who} is {now.loc[who, what]:g}, an earlier table has {was.loc[who, what]:g}; "
                "are the tables of one version and unit?"
            )
        # columns in the order they were met, people of any table
        order = [*joined.columns, *frame.columns.difference(joined.columns, sort=False)]
        joined = joined.combine_first(frame)[order].rename_axis("participant_id")
    return joined


def recognises(path) -> bool:
    """A text table that is no SCT table."""
    return Path(path).is_file() and Path(path).suffix.lower() in (".csv", ".tsv", ".txt", ".table", ".dat")


def read(path, labels_file) -> Volumes:
    """One table, ids as it writes them."""
    return Volumes(read_volume_tables([path], labels_file))
