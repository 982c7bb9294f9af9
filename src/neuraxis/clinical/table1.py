"""Table 1, by group and by subtype, with missing counts and standardised differences (tableone)."""

from __future__ import annotations

import warnings

import pandas as pd
from tableone import TableOne


def table_one(people: pd.DataFrame, group: pd.Series, columns, order: list[str]) -> pd.DataFrame:
    """Median [quartiles] or count (%) per group, missing counts, and standardised mean differences.

    Parameters
    ----------
    people : DataFrame
        Indexed by participant_id.
    group : Series
        Same index; groups of fewer than 2 people are counted but have no differences.
    columns : sequence of str
    order : list of str
        Groups, as columns.

    Returns
    -------
    DataFrame
        variable, level, missing, all, one column per group, largest_smd (over pairs of groups).
    """
    columns = [c for c in dict.fromkeys(columns) if c in people and people[c].notna().any()]
    data = people[columns].copy()
    numeric = [c for c in columns if pd.api.types.is_numeric_dtype(data[c]) and data[c].nunique() > 2]
    categorical = [c for c in columns if c not in numeric]
    data["_group"] = group.reindex(data.index)
    sizes = data["_group"].value_counts()
    present = [g for g in order if sizes.get(g, 0) > 0]
    data = data[data["_group"].isin(present)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = TableOne(
            data,
            columns=columns,
            categorical=categorical,
            nonnormal=numeric,
            groupby="_group",
            order={"_group": present},
            smd=len(present) > 1,
            missing=True,
            overall=True,
            pval=False,
            include_null=False,  # else "missing" is a category, and enters the differences
        )
    table = made.tableone.reset_index()
    table.columns = [c[-1] if isinstance(c, tuple) and c[-1] else (c[0] if isinstance(c, tuple) else c) for c in table]
    table = table.rename(columns={"level_0": "variable", "level_1": "level", "Missing": "missing", "Overall": "all"})
    smd = [c for c in table.columns if str(c).startswith("SMD")]
    largest = table[smd].apply(pd.to_numeric, errors="coerce").abs().max(axis=1) if smd else float("nan")
    table = table[["variable", "level", "missing", "all", *[g for g in present if g in table]]].copy()
    table["largest_smd"] = largest
    # a group in which a variable was never recorded has no median to show
    return table.replace("", pd.NA).replace(r"^nan \[nan,\s*nan\]$", pd.NA, regex=True)
