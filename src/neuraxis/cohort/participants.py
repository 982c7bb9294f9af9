"""The participants table: read, validated in one go, excluded by stated rules."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from ..errors import InputError, name_some
from ..tables import read_table

SEXES = {"m": "M", "male": "M", "f": "F", "female": "F"}


def read_participants(path, *, control: str, diseases, age_range=(5.0, 110.0)) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read participants.tsv and check it whole.

    Parameters
    ----------
    path : path
    control : str
        Group of the healthy controls.
    diseases : sequence of str
        Groups to be modelled.
    age_range : (float, float)
        Years.

    Returns
    -------
    participants : DataFrame
        People with group, site, age and sex, sex as M or F.
    flow : DataFrame
        step, group, n, excluded, who; who was left out and why.

    Raises
    ------
    InputError
        One message that lists every problem with the table.
    """
    table = read_table(path, needed=("participant_id", "group", "age", "sex"))
    problems = []
    ids = table["participant_id"]
    for bad, words in (
        (ids.isna(), "rows without participant_id"),
        (ids.duplicated(keep=False) & ids.notna(), "participant_id listed more than once"),
        (
            ~ids.fillna("x").map(lambda s: bool(re.fullmatch(r"[A-Za-z0-9_-]+", str(s)))),
            "participant_id with odd characters",
        ),
        (~table["group"].isin([control, *diseases]), f"group not among {', '.join([control, *diseases])}"),
    ):
        if bad.any():
            problems.append(
                f"{words}: {name_some((ids[bad].fillna('?') + ' (' + table['group'][bad].fillna('?') + ')').unique())}"
            )
    age = pd.to_numeric(table["age"], errors="coerce")
    unreadable = age.isna() & table["age"].notna()
    if unreadable.any():
        problems.append(f"age not a number: {name_some(ids[unreadable])}")
    outside = (age < age_range[0]) | (age > age_range[1])
    if outside.any():
        problems.append(f"age outside {age_range[0]:g}-{age_range[1]:g} years: {name_some(ids[outside])}")
    sex = table["sex"].str.strip().str.lower().map(SEXES)
    unknown = sex.isna() & table["sex"].notna()
    if unknown.any():
        problems.append(f"sex not M or F (male or female): {name_some(ids[unknown])}")
    if problems:
        raise InputError(f"{Path(path)}:\n- " + "\n- ".join(problems))
    table["age"], table["sex"] = age, sex
    if "site" not in table:
        table["site"] = "one site"
    flow = [flow_rows(table, "listed", table.iloc[:0])]
    incomplete = table["age"].isna() | table["sex"].isna() | table["site"].isna()
    flow.append(flow_rows(table[~incomplete], "age, sex and site known", table[incomplete]))
    return table[~incomplete].reset_index(drop=True), pd.concat(flow, ignore_index=True)


def flow_rows(kept: pd.DataFrame, step: str, excluded: pd.DataFrame) -> pd.DataFrame:
    """One row per group: how many are left after `step`, how many fell out, and who."""
    groups = sorted(set(kept["group"]) | set(excluded["group"]))
    return pd.DataFrame(
        {
            "step": step,
            "group": groups,
            "n": [int((kept["group"] == g).sum()) for g in groups],
            "excluded": [int((excluded["group"] == g).sum()) for g in groups],
            "who": [", ".join(excluded.loc[excluded["group"] == g, "participant_id"]) for g in groups],
        }
    )
