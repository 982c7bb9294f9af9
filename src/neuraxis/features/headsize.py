"""The one place where a scan's head size is settled: its unit, its source, and what is no size at all."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..cohort.ids import refuse_repeats, scan_names
from ..cohort.participants import read_people_table
from ..errors import InputError, name_some
from ..tables import as_numbers, bad_cells
from .readers.base import in_ml, is_head_size, to_mm3

__all__ = ["in_ml", "read_head_sizes", "resolve", "to_mm3", "with_head_size"]


def read_head_sizes(path, people, *, what: str = "features.etiv") -> pd.Series:
    """The table of head sizes: mm3 by name of the scan (``sub-07`` or ``sub-07_ses-02``).

    Parameters
    ----------
    path : path
        The person, etiv (or icv, tiv, total intracranial) and, where there are follow-ups, session_id.
    people : People, iterable of str or None
        Participants to be matched with; None takes ids as they are.

    Raises
    ------
    InputError
        No size column, text among the sizes, a scan twice, nobody who takes part, nobody with a size.
    """
    what = f"{what} ({path})"
    table = read_people_table(path, what=what)
    column = next((c for c in table.columns if is_head_size(c)), None)
    if column is None:
        raise InputError(f"{what}: column etiv is missing; it has {name_some(table.columns, 20)}")
    if words := bad_cells(table[column], table["participant_id"]):
        raise InputError(f"{what}: {column} is no number: {words}")
    sizes, _ = as_numbers(table[column])
    for other in [c for c in table.columns if is_head_size(c) and c != column]:
        more, _ = as_numbers(table[other])
        differ = (sizes - more).abs() > 0.01 * sizes.abs()
        if differ.any():
            raise InputError(
                f"{what}: {column} and {other} are both head sizes, but differ for "
                f"{name_some(table.loc[differ, 'participant_id'])}; keep one of them"
            )
    names = scan_names(table["participant_id"], people, what=what, sessions=table.get("session_id"))
    refuse_repeats(table["participant_id"], names, what=what)
    sizes = pd.Series(sizes.to_numpy(), index=names, name="etiv")[names.notna().to_numpy()]
    sizes = to_mm3(sizes, what=what)
    if not ((sizes > 0) & np.isfinite(sizes)).any():
        raise InputError(f"{what}: no participant has a head size in it")
    return sizes


def resolve(own: pd.Series, table: pd.Series | None) -> pd.Series:
    """Head sizes of scans: those of the table where it has the scan, else the files' own."""
    return own if table is None else table.reindex(own.index).fillna(own)


def with_head_size(table: pd.DataFrame, *, what: str) -> pd.DataFrame:
    """A tidy table of measures whose head size is called etiv, whatever it was called; missing values where it has none.

    Where no norm has a head-size term none is needed (`normative.settings.check_head_size` says where one is).

    Parameters
    ----------
    table : DataFrame
        One row a scan.
    what : str
        Where it comes from, for messages.

    Returns
    -------
    DataFrame
        The same rows, with a column etiv.

    Raises
    ------
    InputError
        Several columns of the head size, none of them called etiv.

    Examples
    --------
    >>> with_head_size(pd.DataFrame({"TIV (ml)": [1500.0]}), what="the table").columns.tolist()
    ['etiv']
    """
    if "etiv" in table:
        return table
    sizes = [c for c in table.columns if is_head_size(c)]
    if len(sizes) > 1:
        raise InputError(f"{what}: {name_some(sizes)} are all head sizes; name the one that is meant etiv")
    return table.rename(columns={sizes[0]: "etiv"}) if sizes else table.assign(etiv=np.nan)
