"""The biomarker definitions that users extend: resources/biomarkers.tsv."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from .errors import InputError, counted, name_some
from .tables import read_table

#: How a biomarker is measured.
KINDS = ("labels", "names", "thickness", "area", "map", "cord", "table", "column")
#: How the model takes a biomarker: z-scores along a curve, normal or abnormal (two normal distributions, or two densities
#: estimated by kernels), or the levels of a score.
FAMILIES = ("zscore", "mixture", "mixture_kde", "ordinal")
#: Probability that an ordinal score is the true one, where a definition gives none.
ACCURACY = 0.9
#: Vertebral levels in a label.
LEVELS = r"\b[CTL]\d+(?:\s*[-–,]\s*[CTL]?\d+)*\b"
#: Label ids of what the surface-based white-matter totals already contain; adding them would count it twice.
INSIDE_WHITE_MATTER = (77, 78, 79, 251, 252, 253, 254, 255)
#: Parcels that the DKT atlas gives to their neighbours (bankssts, frontal and temporal pole): absent there by design.
NOT_IN_DKT = (1001, 1032, 1033, 2001, 2032, 2033)


def level_names(levels: Sequence[int]) -> str:
    """Vertebral levels in words, 1 being C1 and 8 T1.

    Examples
    --------
    >>> level_names([2, 3]), level_names([4]), level_names([5, 2]), level_names([6, 7, 8])
    ('C2-C3', 'C4', 'C2, C5', 'C6-T1')
    """
    found = sorted(map(int, levels))
    starts = ((0, "C"), (7, "T"), (19, "L"), (24, "S"))
    names = [next(f"{letter}{v - before}" for before, letter in reversed(starts) if v > before) for v in found]
    if len(found) > 1 and found[-1] - found[0] == len(found) - 1:
        return f"{names[0]}-{names[-1]}"
    return ", ".join(names)


def levels_named(words: str) -> list[int]:
    """Vertebral levels that words name, 1 being C1 and 8 T1; none where they name none.

    Examples
    --------
    >>> levels_named("Cord area C2-C3"), levels_named("C2, C5"), levels_named("CSA C6-T1"), levels_named("Cord area")
    ([2, 3], [2, 5], [6, 7, 8], [])
    """
    before = {"C": 0, "T": 7, "L": 19}
    out: list[int] = []
    for found in re.findall(LEVELS, words):
        letter, last, through = found[0], 0, False
        for part, mark in re.findall(r"([CTL]?\d+)\s*([-–,]?)", found):
            letter = part[0] if part[0] in before else letter
            level = before[letter] + int(part.lstrip("CTL"))
            out += range(last + 1, level + 1) if through else [level]
            last, through = level, mark in ("-", "–")
    return sorted(set(out))


def read_biomarkers(path, cord_levels: Sequence[int] = ()) -> pd.DataFrame:
    """Read the definitions; `labels` becomes a list.

    By `kind`: "labels", FreeSurfer label ids (ints) to be summed; "thickness", the mean of the cortical parcels with
    these ids (mm); "area", the sum of their surface (mm2); "names", named volumes to be summed, such as
    ``lh.hippoSfVolumes.CA1`` or ``brainstemSsVolumes.Pons`` of the subregion files; "map", path templates of
    posterior or partial-volume maps; "cord", the cord's area; "table", a column of `features.table` alone; "column", one
    of the participants' columns, named in `labels` (the biomarker's own name where that is empty). `system` names
    subtypes that begin in it; n/a where it names none.

    Columns that may be left out: `family` ("zscore" where empty, "mixture", "mixture_kde", "ordinal"); `thresholds`, the
    z of a z-score biomarker's events in place of the study's, or an ordinal one's scores from normal to worst;
    `accuracy`, the probability that an ordinal score is the true one (0.9 where empty).

    Parameters
    ----------
    path : path
    cord_levels : sequence of int, optional
        Over which the study takes the cord's area (features.cord_levels): where the cord's label names levels ("Cord area
        C1-C3"), it names these.

    Returns
    -------
    DataFrame
        One row per biomarker; labels and thresholds as lists.

    Raises
    ------
    InputError
        Duplicate names, labels or thresholds that are no numbers, an unknown kind or family, an ordinal biomarker without
        its scores.

    Examples
    --------
    >>> from neuraxis.home import workflow_home
    >>> defined = read_biomarkers(workflow_home() / "resources/biomarkers.tsv").set_index("biomarker")
    >>> defined.loc["thalamus", ["kind", "labels", "unit", "system"]].tolist()
    ['labels', [10, 49], 'mm3', 'subcortical']
    """
    columns = ("biomarker", "label", "kind", "labels", "unit", "direction", "plausible_low", "plausible_high", "system")
    words = ("biomarker", "label", "kind", "labels", "unit", "direction", "system", "family", "thresholds")
    table = read_table(path, needed=columns, text=words)
    for column in ("biomarker", "kind", "unit", "direction"):
        if table[column].isna().any():
            raise InputError(f"{path}: {column} is empty in {counted(int(table[column].isna().sum()), 'row')}")
    doubled = table.loc[table["biomarker"].duplicated(), "biomarker"]
    if len(doubled):
        raise InputError(f"{path}: biomarker defined twice: {name_some(doubled)}")
    wrong = table.loc[~table["kind"].isin(KINDS), "biomarker"]
    if len(wrong):
        raise InputError(f"{path}: kind must be one of {', '.join(KINDS)}: {name_some(wrong)}")
    wrong = table.loc[~table["direction"].isin(["fall", "rise"]), "biomarker"]
    if len(wrong):
        raise InputError(f"{path}: direction must be 'fall' or 'rise' (with disease): {name_some(wrong)}")
    for column in ("plausible_low", "plausible_high"):
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise InputError(f"{path}: {column} must hold numbers")
    cord = table.loc[table["kind"] == "cord", "biomarker"]
    if len(cord) > 1:
        raise InputError(f"{path}: one biomarker can be of kind cord, not {name_some(cord)}")
    if len(cord_levels):
        of_cord = table["kind"] == "cord"
        table.loc[of_cord, "label"] = [
            re.sub(LEVELS, level_names(cord_levels), str(v)) for v in table.loc[of_cord, "label"]
        ]
    numbered = ("labels", "thickness", "area")
    try:
        table["labels"] = [
            []
            if k in ("cord", "table")
            else [b if pd.isna(v) else str(v)]
            if k == "column"
            else [int(i) if k in numbered else i.strip() for i in str(v).split(",")]
            for b, v, k in table[["biomarker", "labels", "kind"]].itertuples(index=False)
        ]
    except ValueError as error:
        raise InputError(f"{path}: labels must be whole numbers separated by commas ({error})") from None
    return _with_families(table, path)


def _with_families(table: pd.DataFrame, path) -> pd.DataFrame:
    """family, thresholds (a list, empty where the study's hold) and accuracy of every biomarker."""
    n = len(table)
    family = table.get("family", pd.Series([np.nan] * n, dtype=object)).fillna("zscore")
    given = table.get("thresholds", pd.Series([np.nan] * n, dtype=object))
    accuracy = table.get("accuracy", pd.Series([np.nan] * n)).fillna(ACCURACY)
    problems, lists = [], []
    for name, kind, text, right in zip(table["biomarker"], family, given, accuracy, strict=True):
        numbers, readable = [], True
        try:
            numbers = [] if pd.isna(text) else [float(v) for v in str(text).split(",")]
        except ValueError:
            readable = False
            problems.append(f"{name}: thresholds must be numbers separated by commas, not {text!r}")
        lists.append(numbers)
        if not np.isfinite(numbers).all() or len(set(numbers)) < len(numbers):
            problems.append(f"{name}: thresholds must be finite and different from one another, not {text}")
        if kind not in FAMILIES:
            problems.append(f"{name}: family must be one of {', '.join(FAMILIES)}, not {kind!r}")
        elif kind == "ordinal" and len(numbers) < 2 and readable:
            problems.append(f"{name}: thresholds must hold its scores from normal to worst, such as 0,1,2,3")
        elif kind.startswith("mixture") and numbers:
            problems.append(f"{name}: of family {kind}, so it has one event and no thresholds")
        elif kind == "zscore" and numbers != sorted(numbers):
            problems.append(f"{name}: thresholds must rise")
        elif kind == "zscore" and numbers and numbers[0] <= 0:
            problems.append(f"{name}: thresholds of z must be above 0")
        if not isinstance(right, (int, float, np.number)) or not 0 < right < 1:
            problems.append(f"{name}: accuracy must be a probability between 0 and 1, not {right!r}")
    if problems:
        raise InputError(f"{path}:\n- " + "\n- ".join(problems))
    return table.assign(family=family.to_numpy(), thresholds=lists, accuracy=accuracy.astype(float).to_numpy())


def ordinal_of(biomarkers: pd.DataFrame) -> list[str]:
    """Names of the biomarkers whose scores go into the model as they are."""
    return list(biomarkers.loc[biomarkers["family"] == "ordinal", "biomarker"]) if "family" in biomarkers else []


def cord_of(biomarkers: pd.DataFrame) -> str | None:
    """Name of the biomarker that is the cord's area; None where none is defined.

    Examples
    --------
    >>> cord_of(pd.DataFrame({"biomarker": ["thalamus", "csa"], "kind": ["labels", "cord"]}))
    'csa'
    """
    cord = biomarkers.loc[biomarkers["kind"] == "cord", "biomarker"]
    return str(cord.iloc[0]) if len(cord) else None


def map_templates(path, use="all") -> list[str]:
    """Path templates of the biomarkers of kind map, of those in `use` unless that is "all"."""
    table = read_biomarkers(path)
    if use != "all":
        table = table[table["biomarker"].isin(use)]
    return [t for labels in table.loc[table["kind"] == "map", "labels"] for t in labels]
