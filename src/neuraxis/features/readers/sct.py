"""Cord areas from the CSV of the Spinal Cord Toolbox (sct_process_segmentation)."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from ...cohort.ids import match_ids, parse, path_session
from ...errors import InputError, NeuraxisWarning, name_some
from ...tables import Cells, number, read_cells
from .base import Volumes

AREA, LEVEL, FILE, SLICE, TIME = "MEAN(area)", "VertLevel", "Filename", "Slice (I->S)", "Timestamp"


def levels_of(text: str) -> tuple[int, ...]:
    """Vertebral levels of a row, ``2:3`` being 2 and 3; empty where there is none."""
    if not re.fullmatch(r"\d+(?:\.\d+)?(?:\s*[:,;\s]\s*\d+(?:\.\d+)?)*", text):
        return ()  # -3 is no level 3
    numbers = [float(v) for v in re.findall(r"\d+(?:\.\d+)?", text)]
    if any(v > 100 or abs(v - round(v)) > 1e-2 for v in numbers):
        return ()
    whole = [round(v) for v in numbers]
    return tuple(range(whole[0], whole[-1] + 1)) if ":" in text else tuple(whole)


def _rows(path, select: str) -> pd.DataFrame:
    """Rows of the table: file, levels, slice, area, time, line."""
    cells: Cells = read_cells(path)
    for column in (FILE, AREA, LEVEL):
        if column not in cells.header:
            raise InputError(f"{path}: column {column} is missing; expected the CSV of sct_process_segmentation")
    rows = []
    area, level, name = (cells.header.index(c) for c in (AREA, LEVEL, FILE))
    optional = [cells.header.index(c) if c in cells.header else None for c in (SLICE, TIME)]
    for line, row in zip(cells.lines, cells.rows, strict=True):
        if select and select not in row[name]:
            continue
        value = number(row[area])
        if value is None or np.isinf(value) or value <= 0:
            raise InputError(f"{path}, line {line}: {AREA} is {row[area]!r}, which is no area")
        spot, time = ("" if k is None else row[k] for k in optional)
        rows.append((row[name], levels_of(row[level]), spot, value, time, line))
    if not rows:
        why = f"no file name in it contains {select!r} (features.sct_select)" if select else "it has no rows"
        raise InputError(f"{path}: {why}")
    return pd.DataFrame(rows, columns=["file", "levels", "slice", "area", "time", "line"])


def _scan_of(path: str) -> str | None:
    """Scan that a file belongs to by ``sub-`` in its name, or in the deepest folder that has it."""
    *folders, name = re.split(r"[/\\]+", path)
    for part in (name, *reversed(folders)):
        if part.startswith("sub-"):
            person = parse(part)[0] if part is not name else parse(part.split("_")[0])[0]
            session = path_session(path)
            return f"{person}_{session}" if session else person
    return None


def _one_run(rows: pd.DataFrame, repeats: str) -> tuple[pd.DataFrame, str]:
    """Rows of one scan measured once; words where that cannot be said and `repeats` refuses."""
    words = ""
    files = rows["file"].unique()
    if len(files) > 1:
        if repeats == "refuse":
            return rows, " and ".join(f"{f} (line {rows.loc[rows['file'] == f, 'line'].iloc[0]})" for f in files[:3])
        rows = rows[rows["file"] == _pick(rows, repeats)["file"]]
    single = rows["slice"].str.fullmatch(r"\d+(?:\.0*)?").astype(bool)
    spot = rows["slice"].where(single, "range")
    key = pd.Series(list(zip(rows["levels"], spot, strict=True)), index=rows.index)
    both = rows.groupby("levels")["slice"].transform(lambda s: s.str.fullmatch(r"\d+(?:\.0*)?").nunique() > 1)
    again = key.duplicated(keep=False) | both.astype(bool)
    if again.any():
        if repeats == "refuse":
            return rows, f"{files[0]} (lines {name_some(rows.loc[again, 'line'], 6)})"
        rows = _runs(rows, single)[-1 if repeats == "last" else 0]
    return rows, words


def _runs(rows: pd.DataFrame, single: pd.Series) -> list[pd.DataFrame]:
    """Rows of a scan that was measured again and again, run by run, so that no two runs are mixed.

    A run ends where a level (and slice) comes that it has already, or where slices follow ranges.
    """
    order = _by_time(rows)
    starts = []
    seen: set = set()
    for k, row in enumerate(order.itertuples()):
        kind = bool(single[row.Index])
        key = (row.levels, row.slice if kind else "range", kind)
        if key in seen or any(level == row.levels and other != kind for level, _, other in seen):
            starts.append(k)
            seen = set()
        seen.add(key)
    edges = [0, *starts, len(order)]
    return [order.iloc[a:b] for a, b in zip(edges, edges[1:], strict=False)]


def _by_time(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows by time stamp and line.

    Raises
    ------
    InputError
        Time stamps that have no order as text, such as 05/02/2025.
    """
    times = rows["time"].str.strip()
    if times.nunique() > 1 and not times.str.match(r"\d{4}-\d{2}-\d{2}").all():
        odd = rows[~times.str.match(r"\d{4}-\d{2}-\d{2}")].iloc[0]
        raise InputError(
            f"line {odd['line']}: time stamp {odd['time']!r} is not written as the Toolbox does (2025-02-11 10:00:00), so "
            "that nobody can say which run is the last; keep one run of each scan"
        )
    return rows.sort_values(["time", "line"], kind="stable")


def _pick(rows: pd.DataFrame, repeats: str) -> pd.Series:
    order = _by_time(rows)
    return order.iloc[-1 if repeats == "last" else 0]


def _mean_over(rows: pd.DataFrame, levels) -> tuple[float, list[int]]:
    """Mean area over `levels`, and those that are not there.

    Rows of single levels come first; what they leave open is taken from rows over a range that lies in it.
    """
    rows = rows[rows["area"].notna()]
    area: dict[int, float] = {}
    for level in levels:
        own = rows[rows["levels"] == (level,)]
        if len(own):
            area[level] = own["area"].mean()
    wide = rows[[len(v) > 1 for v in rows["levels"]]]
    for covered, part in sorted(wide.groupby("levels"), key=lambda item: len(item[0])):
        if set(covered) <= set(levels) - set(area):
            area |= dict.fromkeys(covered, part["area"].mean())
    absent = [v for v in levels if v not in area]
    return (np.nan if absent else float(np.mean([area[v] for v in levels]))), absent


def read_sct(path, levels=(1, 2, 3), *, people=None, select: str = "", repeats: str = "refuse") -> pd.Series:
    """Mean cord area (mm2) per scan from a Spinal Cord Toolbox CSV, over vertebral levels.

    Rows per level and per slice are averaged within a level, then over `levels`; a row over a range stands for the levels
    in it that have no row of their own. A scan that lacks one of the levels has no area. Columns are matched by name,
    because their number changes between versions.

    Parameters
    ----------
    path : path
    levels : sequence of int
        1 is C1.
    people : People or iterable of str, optional
        Participants that files are matched with, by their names or the folders they lie in; without them a file must
        say ``sub-<label>``.
    select : str
        Only rows whose file name contains it, such as ``T2w`` or ``acq-ax``.
    repeats : {"refuse", "first", "last"}
        What of a scan that was measured from several files or more than once: refuse the table, or take the first or
        last by time stamp and row.

    Returns
    -------
    Series
        Indexed by scan, ``sub-07`` or ``sub-07_ses-02``; missing where a level is.

    Raises
    ------
    InputError
        No area column, no person in a file name, a scan measured twice, or nobody with all the levels.

    Warns
    -----
    NeuraxisWarning
        Scans without an area, with the levels they lack.
    """
    rows = _rows(path, select)
    levels = [int(v) for v in dict.fromkeys(levels)]
    what = f"features.sct ({path})"
    if people is None:
        rows["scan"] = [_scan_of(f) for f in rows["file"]]
        if rows["scan"].isna().any():
            raise InputError(f"{path}: no sub-<label> in file name {rows.loc[rows['scan'].isna(), 'file'].iloc[0]!r}")
    else:
        found = match_ids(rows["file"], people, what=what, paths=True)
        named = found["session_id"].where(found["session_id"] == "", "_" + found["session_id"])
        rows["scan"] = (found["participant_id"] + named).where(found["participant_id"].notna(), None)
        rows = rows[rows["scan"].notna()]
    out, twice, lacking, seen = {}, [], [], set()
    for scan, part in rows.groupby("scan", sort=False):
        try:
            part, words = _one_run(part, repeats)
        except InputError as error:
            raise InputError(f"{path}, {error}") from None
        if words:
            twice.append(f"{scan}: {words}")
            continue
        out[scan], absent = _mean_over(part, levels)
        seen |= {v for row in part["levels"] for v in row}
        if absent:
            lacking.append(f"{scan} ({', '.join(f'C{v}' for v in absent)})")
    if twice:
        raise InputError(
            f"{path}: measured more than once:\n- "
            + "\n- ".join(twice[:8])
            + (f"\n- and {len(twice) - 8} more" if len(twice) > 8 else "")
            + "\nchoose the files by features.sct_select, or set features.sct_repeats to last or first"
        )
    area = pd.Series(out, dtype=float).rename_axis("participant_id")
    if area.notna().sum() == 0:
        has = f"levels {name_some(sorted(seen), 25)}" if seen else "no vertebral level in any row (VertLevel is empty)"
        raise InputError(
            f"{path}: nobody has all of the levels {levels}; lacking: {name_some(lacking)}; the table has {has}; "
            "choose others in features.cord_levels, or run sct_process_segmentation with -vert and -perlevel 1"
        )
    if lacking:
        warnings.warn(
            f"{path}: no cord area, for lack of levels: {name_some(lacking, 20)}", NeuraxisWarning, stacklevel=2
        )
    return area


def recognises(path) -> bool:
    """A table with the Toolbox's columns."""
    path = Path(path)
    if not path.is_file() or path.suffix.lower() != ".csv":
        return False
    try:
        return {FILE, AREA} <= set(read_cells(path).header)
    except InputError:
        return False


def read(path, labels_file=None) -> Volumes:
    """Cord areas over C1-C3, column cord."""
    return Volumes(read_sct(path).rename("cord").to_frame())
