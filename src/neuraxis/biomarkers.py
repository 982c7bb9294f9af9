"""The biomarker definitions that users extend: resources/biomarkers.tsv."""

from __future__ import annotations

import pandas as pd

from .errors import InputError, name_some
from .tables import read_table

#: How a biomarker is measured.
KINDS = ("labels", "names", "thickness", "area", "map", "cord", "table")
#: Label ids of what the surface-based white-matter totals already contain; adding them would count it twice.
INSIDE_WHITE_MATTER = (77, 78, 79, 251, 252, 253, 254, 255)
#: Parcels that the DKT atlas gives to their neighbours (bankssts, frontal and temporal pole): absent there by design.
NOT_IN_DKT = (1001, 1032, 1033, 2001, 2032, 2033)


def read_biomarkers(path) -> pd.DataFrame:
    """Read the definitions; `labels` becomes a list.

    By `kind`: "labels", FreeSurfer label ids (ints) to be summed; "thickness", the mean of the cortical parcels with
    these ids (mm); "area", the sum of their surface (mm2); "names", named volumes to be summed, such as
    ``lh.hippoSfVolumes.CA1`` or ``brainstemSsVolumes.Pons`` of the subregion files; "map", path templates of
    posterior or partial-volume maps; "cord", the cord's area; "table", a column of `features.table` alone. `system`
    names subtypes that begin in it; n/a where it names none.

    Raises
    ------
    InputError
        Duplicate names, labels that are no numbers, or an unknown kind.

    Examples
    --------
    >>> from neuraxis.home import workflow_home
    >>> defined = read_biomarkers(workflow_home() / "resources/biomarkers.tsv").set_index("biomarker")
    >>> defined.loc["thalamus", ["kind", "labels", "unit", "system"]].tolist()
    ['labels', [10, 49], 'mm3', 'subcortical']
    """
    columns = ("biomarker", "label", "kind", "labels", "unit", "direction", "plausible_low", "plausible_high", "system")
    table = read_table(
        path, needed=columns, text=("biomarker", "label", "kind", "labels", "unit", "direction", "system")
    )
    for column in ("biomarker", "kind", "unit", "direction"):
        if table[column].isna().any():
            raise InputError(f"{path}: {column} is empty in {int(table[column].isna().sum())} rows")
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
    numbered = ("labels", "thickness", "area")
    try:
        table["labels"] = [
            [] if k in ("cord", "table") else [int(i) if k in numbered else i.strip() for i in str(v).split(",")]
            for v, k in zip(table["labels"], table["kind"], strict=True)
        ]
    except ValueError as error:
        raise InputError(f"{path}: labels must be whole numbers separated by commas ({error})") from None
    return table


def cord_of(biomarkers: pd.DataFrame) -> str | None:
    """Name of the biomarker that is the cord's area; None where none is defined.

    Examples
    --------
    >>> cord_of(pd.DataFrame({"biomarker": ["thalamus", "csa"], "kind": ["labels", "cord"]}))
    'csa'
    """
    cord = biomarkers.loc[biomarkers["kind"] == "cord", "biomarker"]
    return str(cord.iloc[0]) if len(cord) else None


def map_templates(path) -> list[str]:
    """Path templates of the biomarkers of kind map."""
    table = read_biomarkers(path)
    return [t for labels in table.loc[table["kind"] == "map", "labels"] for t in labels]
