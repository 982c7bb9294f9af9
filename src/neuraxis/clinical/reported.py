"""What the study reported, and what these data say of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .contrasts import OTHERS
from .outcomes import KINDS

COLUMNS = (*("claim", "subtype", "outcome", "reported", "effect", "estimate", "low", "high", "n", "q", "verdict"),)


def against_reported(
    claims: pd.DataFrame, associations: pd.DataFrame, columns: dict[str, str], disease: str
) -> pd.DataFrame:
    """Every claim of the study beside the estimate of these data.

    Parameters
    ----------
    claims : DataFrame
        disease, subtype, kind (subtype, stage), column, direction (higher, lower), claim (words).
    associations : DataFrame
    columns : dict of str to str
        Outcome's name to the column of people.
    disease : str

    Returns
    -------
    DataFrame
        claim, subtype, outcome, reported, effect, estimate, low, high, n, q, verdict: agrees (same direction, interval
        without no effect), same direction but uncertain, opposite direction but uncertain, contradicts, not testable
        (with the reason), or no such subtype or outcome.
    """
    told = associations[associations["method"] == "weighted"]
    known = set(told.loc[told["kind"] == "subtype", "subtype"]) | set(told.loc[told["kind"] == "subtype", "against"])
    rows = []
    for c in claims[claims["disease"] == disease].itertuples():
        base = dict.fromkeys(COLUMNS, np.nan) | {"claim": c.claim, "subtype": c.subtype, "reported": c.direction}
        outcomes = [name for name, column in columns.items() if column == c.column]
        if c.subtype not in known:
            rows.append(base | {"outcome": c.column, "verdict": "no such subtype in these data"})
            continue
        if not outcomes:
            rows.append(base | {"outcome": c.column, "verdict": "no such outcome in these data"})
        for outcome in outcomes:
            row, sign = _row(told, c, outcome)
            if row is None:
                rows.append(base | {"outcome": outcome, "verdict": "not testable"})
                continue
            numbers = {k: getattr(row, k) for k in ("effect", "estimate", "low", "high", "n", "q")}
            rows.append(base | {"outcome": outcome} | numbers | {"verdict": _verdict(row, c.direction, sign)})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(told, claim, outcome):
    """The row of a claim, and -1 where it compares the other way round."""
    part = told[(told["outcome"] == outcome) & (told["kind"] == claim.kind)]
    if claim.kind == "stage":
        part = part[part["subtype"] == claim.subtype]
        return (next(part.itertuples()), 1) if len(part) else (None, 1)
    mine = part[(part["subtype"] == claim.subtype) & (part["against"] == OTHERS)]
    if len(mine):
        return next(mine.itertuples()), 1
    mine = part[part["subtype"] == claim.subtype]  # two subtypes: the pair, as it stands or turned round
    if len(mine):
        return next(mine.itertuples()), 1
    mine = part[part["against"] == claim.subtype]
    return (next(mine.itertuples()), -1) if len(mine) else (None, 1)


def _verdict(row, direction: str, sign: int) -> str:
    if pd.isna(row.estimate) or str(row.reportable) != "True":
        reason = row.reason if isinstance(row.reason, str) and row.reason else row.warning
        return f"not testable: {reason}"
    none = 0.0 if KINDS[row.type].linear else 1.0
    up = (row.estimate > none) == (sign > 0)
    same = up == (direction == "higher")
    sure = row.low > none or row.high < none
    if sure:
        return "agrees" if same else "contradicts"
    return f"{'same' if same else 'opposite'} direction, but the interval includes no effect"
