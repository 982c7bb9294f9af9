"""What clinical scores can be, and values that look like codes for "missing"."""

from __future__ import annotations

import numpy as np
import pandas as pd

#: Lowest value, highest value and step (0: any) of scores, by lower-case column name.
SCORES = {
    "edss": (0.0, 10.0, 0.5),
    "baseline_edss": (0.0, 10.0, 0.5),
    "edss_baseline": (0.0, 10.0, 0.5),
}
#: Numbers that stand for "missing", "unknown" or "refused" in clinical databases.
CODES = (-1, -9, -99, -999, -9999, 9, 66, 77, 88, 98, 99, 666, 777, 888, 998, 999, 7777, 8888, 9998, 9999)


def known_score(name: str) -> bool:
    """Whether a column is a score of which is known what it can be."""
    return name.strip().lower() in SCORES


def impossible(name: str, values: pd.Series) -> tuple[pd.Series, str]:
    """Which values a score cannot take, and what it can; of a column that is no known score, none.

    Parameters
    ----------
    name : str
        Of the column.
    values : Series of float
    """
    low, high, step = SCORES.get(name.strip().lower(), (-np.inf, np.inf, 0.0))
    bad = (values < low) | (values > high)
    words = f"{low:g} to {high:g}"
    if step:
        bad |= (np.abs(values / step - np.round(values / step)) > 1e-6) & np.isfinite(values)
        words += f" in steps of {step:g}"
    return bad, words


def code_like(values: pd.Series) -> pd.Series:
    """Which values look like a code for "missing": a usual one that lies apart from all others.

    Apart is a negative code where nobody else is below 0, or one further from the others than half of what they span (a
    quarter, where several people have the same).
    """
    coded = values.isin(CODES)
    others = values[~coded & np.isfinite(values)]
    if not coded.any() or others.nunique() < 3:
        return pd.Series(False, index=values.index)
    low, high = others.min(), others.max()
    if not (coded & ((values < low) | (values > high))).any():
        return pd.Series(False, index=values.index)
    away = (high - low) * np.where(values.map(values.value_counts()) > 1, 0.25, 0.5)
    return coded & (((values < 0) & (low >= 0)) | (values > high + away) | (values < low - away))
