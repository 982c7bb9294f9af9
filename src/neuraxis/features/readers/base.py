"""What every reader gives back, and the names that the field's tools share."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass, field
from functools import cache

import pandas as pd

from ...errors import InputError, NeuraxisWarning, counted, name_some
from ...tables import COMMA, NUMBER, read_table, read_text

#: Labels of white matter and cortex that FreeSurfer writes as totals into the header.
HEADER_LABELS = {
    "lhcerebralwhitemattervol": 2,
    "rhcerebralwhitemattervol": 41,
    "lhcorticalwhitemattervol": 2,  # the name up to FreeSurfer 5.3
    "rhcorticalwhitemattervol": 41,
    "lhcortexvol": 3,
    "rhcortexvol": 42,
}
HEAD_SIZE = {
    *("etiv", "estimatedtotalintracranialvol", "icv", "totalintracranial", "intracranialvol", "intracranial"),
    *("intracranialcavityic", "tissueic", "tiv"),
}


@dataclass
class Volumes:
    """What a file or folder says about its scans.

    Attributes
    ----------
    table : DataFrame
        One row per scan, index as the file names it ("" where it holds one scan alone). Columns: FreeSurfer label ids
        (int) and names of subregions, mm3; ``thickness:<id>``, mm; ``area:<id>``, mm2; etiv, mm3; surface_holes; cord,
        mm2.
    problems : dict of str to str
        Optional files that could not be read: the beginning of the names they would have given, and why.
    """

    table: pd.DataFrame
    problems: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_one(cls, values: dict, problems: dict | None = None) -> Volumes:
        """From the values of one scan."""
        return cls(pd.DataFrame([values], index=[""]), problems or {})

    def one(self) -> dict:
        """Values of the only scan.

        Raises
        ------
        InputError
            There are several.
        """
        if len(self.table) != 1:
            raise InputError(
                f"{counted(len(self.table), 'scan')} where one is expected: {', '.join(map(str, self.table.index[:3]))}"
            )
        return {c: v for c, v in self.table.iloc[0].items() if pd.notna(v)}


def plain(name: str) -> str:
    """A label name without case, punctuation and version: ``Left-Thalamus-Proper`` and ``left thalamus`` agree."""
    text = re.sub(r"[^a-z0-9]", "", str(name).lower())
    text = text.replace("thalamusproper", "thalamus").removesuffix("volume") or text
    parcel = re.fullmatch(r"(?:ctx)?(lh|rh)(.+)", text)
    return f"ctx{parcel[1]}{parcel[2]}" if parcel and not parcel[2].endswith("vol") else text


def is_head_size(column: str) -> bool:
    """Whether a column's name is one of a head size, with or without its unit: ``TIV (ml)``, ``eTIV_mm3``."""
    return (
        plain(re.sub(r"[\s_]*[(\[]?(?:mm\^?3|cm\^?3|ml|cc)[)\]]?$", "", str(column).strip(), flags=re.I)) in HEAD_SIZE
    )


@cache
def label_ids(path) -> dict[str, int]:
    """Plain label name to FreeSurfer id, from resources/labels.tsv."""
    table = read_table(path, needed=("label", "name"))
    return {plain(n): int(i) for n, i in zip(table["name"], table["label"], strict=True)}


#: No head of a human is outside, in ml; a number in here is ml (cm3), a thousand times that mm3.
SMALLEST, LARGEST = 400.0, 3500.0


def in_ml(size: float) -> bool:
    """Whether a head size is in ml (cm3): none in mm3 is so small."""
    return SMALLEST <= size <= LARGEST


def to_mm3(values: pd.Series, *, what: str) -> pd.Series:
    """Head sizes in mm3: a column in ml (cm3) is recognised by its size.

    What cannot be a head size stays: `measures.possible` takes it out, by name.

    Parameters
    ----------
    values : Series of float
        Indexed by scan.
    what : str
        Where they come from, for messages.

    Raises
    ------
    InputError
        Some are in ml and some in mm3.

    Warns
    -----
    NeuraxisWarning
        The column is in ml.
    """
    values = values.astype(float)
    ml = values.map(in_ml).astype(bool)
    mm3 = values.between(1000 * SMALLEST, 1000 * LARGEST)
    if ml.any() and mm3.any():
        raise InputError(
            f"{what}: mixed units: {name_some(values.index[ml])} look like ml, the others are mm3; multiply theirs by 1000"
        )
    if ml.any():
        warnings.warn(
            f"{what}: head sizes look like ml (cm3) and are multiplied by 1000", NeuraxisWarning, stacklevel=2
        )
        values = values.where(~ml, values * 1000)
    return values


def lines_of(path) -> list[str]:
    """Lines of a text file.

    Raises
    ------
    InputError
        See `tables.read_text`.
    """
    return read_text(path).splitlines()


def measure(text: str, where: str, *, least: float = 0.0) -> float:
    """A number from a file of a tool: finite, and not below `least`.

    Raises
    ------
    InputError
        Decimal commas, text, infinite or negative numbers, with `where` in front.
    """
    text = text.strip()
    if COMMA.fullmatch(text):
        raise InputError(
            f"{where}: {text!r} has a decimal comma; run the tool again with LC_ALL=C, or write decimals with a point"
        )
    if text.lower() in ("nan", "-nan", "n/a"):
        return math.nan
    if not NUMBER.fullmatch(text):
        raise InputError(f"{where}: {text!r} is no number")
    value = float(text)
    if math.isinf(value) or value < least:
        raise InputError(f"{where}: {text} cannot be a measure")
    return value
