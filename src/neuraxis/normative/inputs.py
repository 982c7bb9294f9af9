"""What reaches a norm: rows joined by id, never by position, and numbers that can be measures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import InputError, name_some

#: Columns that say whose row it is.
KEYS = ("participant_id", "session_id")
BASELINE = "baseline"
#: A head size in here is ml: no head is smaller or larger, and a thousand times that mm3.
HEAD_IN_ML = (400.0, 3500.0)


def by_person(table: pd.DataFrame, what: str) -> pd.DataFrame:
    """The table indexed by participant_id, or by participant_id and session_id where it has both.

    Raises
    ------
    InputError
        Nothing says whose rows these are (numbered rows, no participant_id), or an id comes twice.
    """
    if "participant_id" in table.columns:
        table = table.set_index([k for k in KEYS if k in table.columns])
    elif table.index.nlevels == 1 and table.index.name != "participant_id":
        numbered = isinstance(table.index, pd.RangeIndex) or pd.api.types.is_integer_dtype(table.index)
        if numbered and len(table):
            raise InputError(
                f"{what}: rows are numbered and there is no column participant_id, so that nothing says whose they are; "
                "set participant_id as column or index (rows are joined by id, never by position)"
            )
    if table.index.nlevels == 2 and (table.index.get_level_values(1) == BASELINE).all():
        table = table.droplevel(1)
    twice = table.index[table.index.duplicated()]
    if len(twice):
        raise InputError(f"{what}: more than one row of {name_some(pd.unique(twice))}")
    return table


def aligned(measures: pd.DataFrame, people: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measures by id, and the row of people of each of them, in the measures' order.

    Raises
    ------
    InputError
        Rows without id, ids that come twice or are absent from people, scans without the age at the scan.
    """
    measures, people = by_person(measures, "measures"), by_person(people, "people")
    if len(measures) == 0:
        return measures, people.iloc[:0]
    if measures.index.nlevels != people.index.nlevels:
        raise InputError(
            "measures and people must both have one row a person, or both one row a scan (participant_id and "
            "session_id; then with the age at the scan)"
        )
    absent = measures.index[~measures.index.isin(people.index)]
    if len(absent):
        raise InputError(
            f"people has no row of {len(absent)} of {len(measures)} in measures: {name_some(absent)}; "
            f"its ids look like {name_some(people.index, 2)}"
        )
    return measures, people.loc[measures.index]


def covariates(people: pd.DataFrame) -> pd.DataFrame:
    """Age (float, years), sex (M, F) and site (text) of people; missing ones stay missing.

    Raises
    ------
    InputError
        A column is absent, an age is no finite number, or a sex is another word than M and F.
    """
    absent = [c for c in ("age", "sex") if c not in people.columns]
    if absent:
        raise InputError(f"people lack {', '.join(absent)}")
    problems: dict[str, list[str]] = {}
    age = _numbers(people["age"], problems, "age", lowest=None)
    sex = people["sex"].astype(object).where(people["sex"].notna())
    wrong = sex.notna() & ~sex.isin(["M", "F"])
    if wrong.any():
        problems["sex (M and F are known)"] = [_shown(i, v) for i, v in sex[wrong].items()]
    if problems:
        raise InputError(f"people that a norm cannot place: {_listed(problems)}")
    return pd.DataFrame({"age": age, "sex": sex, "site": site_names(people)}, index=people.index)


def site_names(people: pd.DataFrame) -> pd.Series:
    """Sites as text, so that site 3 of one table is site "3" of another; missing ones stay missing."""
    if "site" not in people.columns:
        return pd.Series(np.nan, index=people.index, dtype=object)
    site = people["site"]
    if pd.api.types.is_float_dtype(site) and (site.dropna() % 1 == 0).all():
        site = site.astype("Int64")  # whole numbers that a missing one made fractional
    return site.astype(object).map(str, na_action="ignore").where(people["site"].notna())


def values_of(measures: pd.DataFrame, biomarkers, signed=()) -> tuple[pd.DataFrame, pd.Series]:
    """Biomarkers and head size as numbers that a norm can take.

    Parameters
    ----------
    measures : DataFrame
        By id; the biomarkers and etiv (mm3; missing throughout where there is no such column).
    biomarkers : sequence of str
    signed : collection of str
        Biomarkers that may be zero or negative. All others, and head sizes, are positive.

    Returns
    -------
    DataFrame
        Float, one column per biomarker.
    Series
        etiv, float.

    Raises
    ------
    InputError
        A biomarker is absent; texts, infinite, zero or negative values, with the people who have them.
    """
    absent = [b for b in biomarkers if b not in measures.columns]
    if absent:
        raise InputError(f"measures lack biomarkers of the norm: {name_some(absent)}")
    problems: dict[str, list[str]] = {}
    values = {b: _numbers(measures[b], problems, b, lowest=None if b in signed else 0.0) for b in biomarkers}
    etiv = measures["etiv"] if "etiv" in measures.columns else pd.Series(np.nan, index=measures.index)
    etiv = _numbers(etiv, problems, "etiv", lowest=0.0)
    if not problems and (ml := etiv.between(*HEAD_IN_ML)).any():
        who = [_shown(i, v) for i, v in etiv[ml].items()]
        raise InputError(f"etiv of {name_some(who)} looks like ml (cm3), and norms take mm3; multiply it by 1000")
    if problems:
        raise InputError(
            f"measures that no norm can take: {_listed(problems)}. Measure these people again, or leave their values "
            "missing (n/a); a biomarker that may be zero or negative has a plausible_low of 0 or below in the table of "
            "biomarkers"
        )
    return pd.DataFrame(values, index=measures.index), etiv


def _numbers(column: pd.Series, problems: dict, name: str, lowest: float | None) -> pd.Series:
    """The column as floats; cells that are none, infinite, or not above `lowest` are added to `problems`."""
    number = pd.to_numeric(column, errors="coerce").astype(float)
    wrong = (number.isna() & column.notna()) | np.isinf(number)
    if lowest is not None:
        wrong |= number <= lowest
    if wrong.any():
        problems[name] = [_shown(i, v) for i, v in column[wrong].items()]
    return number


def _shown(who, value) -> str:
    who = " ".join(map(str, who)) if isinstance(who, tuple) else who
    return f"{who} ({value:g})" if isinstance(value, (int, float, np.number)) else f"{who} ({value})"


def _listed(problems: dict[str, list[str]]) -> str:
    return "; ".join(f"{name}: {name_some(cells)}" for name, cells in problems.items())
