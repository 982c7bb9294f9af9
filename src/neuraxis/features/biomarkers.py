"""The biomarker definitions that users extend: resources/biomarkers.tsv."""

from __future__ import annotations

import pandas as pd

from ..errors import InputError, name_some
from ..tables import read_table

#: How a biomarker is measured.
KINDS = ("labels", "names", "map", "cord", "table")


def read_biomarkers(path) -> pd.DataFrame:
    """Read the definitions; `labels` becomes a list.

    By `kind`: "labels", FreeSurfer label ids (ints) to be summed; "names", named volumes to be summed, such as
    ``lh.hippoSfVolumes.CA1`` or ``brainstemSsVolumes.Pons`` of the subregion files; "map", path templates of
    posterior or partial-volume maps; "cord", the cord's area; "table", a column of `features.table` alone. `system`
    names subtypes that begin in it; n/a where it names none.

    Raises
    ------
    InputError
        Duplicate names, labels that are no numbers, or an unknown kind.
    """
    columns = ("biomarker", "label", "kind", "labels", "unit", "direction", "plausible_low", "plausible_high", "system")
    table = read_table(path, needed=columns)
    doubled = table.loc[table["biomarker"].duplicated(), "biomarker"]
    if len(doubled):
        raise InputError(f"{path}: biomarker defined twice: {name_some(doubled)}")
    wrong = table.loc[~table["kind"].isin(KINDS), "biomarker"]
    if len(wrong):
        raise InputError(f"{path}: kind must be one of {', '.join(KINDS)}: {name_some(wrong)}")
    wrong = table.loc[~table["direction"].isin(["fall", "rise"]), "biomarker"]
    if len(wrong):
        raise InputError(f"{path}: direction must be 'fall' or 'rise' (with disease): {name_some(wrong)}")
    try:
        table["labels"] = [
            [] if k in ("cord", "table") else [int(i) if k == "labels" else i.strip() for i in str(v).split(",")]
            for v, k in zip(table["labels"], table["kind"], strict=True)
        ]
    except ValueError as error:
        raise InputError(f"{path}: labels must be whole numbers separated by commas ({error})") from None
    return table


def cord_of(biomarkers: pd.DataFrame) -> str | None:
    """Name of the biomarker that is the cord's area; None where none is defined."""
    cord = biomarkers.loc[biomarkers["kind"] == "cord", "biomarker"]
    return str(cord.iloc[0]) if len(cord) else None
