"""The results in plain sentences, written from the tables."""

from __future__ import annotations

import pandas as pd

from .associations import NORMAL

#: The method whose numbers are told; the others stand beside it in the table (docs/clinical.md says why).
TOLD = "label"
DIRECTION = {
    "OR": ("higher odds of a higher {o}", "lower odds of a higher {o}"),
    "rate ratio": ("more {o}", "fewer {o}"),
    "standardised beta": ("higher {o}", "lower {o}"),
    "HR": ("a higher hazard of {o}", "a lower hazard of {o}"),
}


def number(value: float) -> str:
    """Two decimals, or two significant digits below 0.1."""
    return f"{value:.2f}" if abs(value) >= 0.1 or value == 0 else f"{value:.2g}"


def sentence(row) -> str:
    """One result with effect, interval, size and q."""
    linear = row.effect == "standardised beta"
    up = row.estimate > (0 if linear else 1)
    words = DIRECTION.get(row.effect, ("{o} differs", "{o} differs"))[0 if up else 1].format(o=row.outcome)
    if row.type == "binary":
        words = f"{'higher' if up else 'lower'} odds of {row.outcome}"
    who = f"later stage in {row.subtype}" if row.kind == "stage" else f"{row.subtype} (against {row.against})"
    if row.kind == "stage":
        words += ", per SD of stage"
    extra = f"; {row.warning}" if isinstance(row.warning, str) and row.warning else ""
    return (
        f"{who}: {words} ({row.effect} {number(row.estimate)}, 95 % interval {number(row.low)} to "
        f"{number(row.high)}, n = {int(row.n)}, q = {row.q:.2g}{extra})"
    )


def paragraph(
    associations: pd.DataFrame, logrank: pd.DataFrame, nested: pd.DataFrame, slopes: pd.DataFrame, disease: str
) -> list[str]:
    """Sentences on what passes the false-discovery rate, what does not, what could not be tested.

    Parameters
    ----------
    associations, logrank, nested, slopes : DataFrame
        The clinical tables of one disease.
    disease : str

    Returns
    -------
    list of str
    """
    out = []
    if associations.empty:
        return ["No clinical outcome was declared."]
    told = associations[associations["method"].isin([TOLD]) | (associations["type"] == "categorical")]
    for family, part in told.groupby("family", sort=False):
        tested = part[part["p"].notna()]
        passed = tested[(tested["q"] < 0.05)].sort_values("q")
        main = passed[(passed["against"] == "the rest") | (passed["kind"] != "subtype")]
        line = f"{disease}, {family}: {len(tested)} contrasts tested, {len(passed)} pass a false-discovery rate of 5 %"
        refused = len(part) - len(tested)
        if refused:
            line += f", {refused} could not be tested (reasons in the table)"
        out.append(line + ".")
        for row in main[main["kind"] != "any difference"].itertuples():
            others = associations[
                (associations["outcome"] == row.outcome) & (associations["contrast"] == row.contrast)
            ].set_index("method")
            tail = ""
            if pd.notna(others.loc["weighted", "estimate"]):
                tail = f" Allowing for uncertain labels: {number(others.loc['weighted', 'estimate'])}."
            if not others.loc["draws", "p"] < 0.05:
                tail += " It does not hold (p >= 0.05) when labels are drawn from the posterior."
            out.append(f"{sentence(row)}.{tail}")
        for row in main[main["kind"] == "any difference"].itertuples():
            out.append(
                f"{row.outcome} differs between the groups (Cramer's V {number(row.estimate)}, q = {row.q:.2g})."
            )
    for row in logrank.itertuples():
        if pd.notna(row.p):
            out.append(
                f"{row.outcome}: {row.n_events} events among {row.n} people; survival by {row.split} "
                f"{'differs' if row.p < 0.05 else 'does not differ detectably'} (log-rank p = {row.p:.2g})."
            )
        else:
            out.append(f"{row.outcome}: no log-rank test by {row.split}, {row.reason}.")
    told = nested[~nested["model"].astype(str).str.contains("subtype") & nested["p"].notna()]
    if len(told):
        better = told[told["p"] < 0.05]["outcome"].tolist()
        out.append(
            f"Beyond {told['model'].iloc[0]}, subtype and stage add to "
            + (", ".join(better) if better else "no outcome")
            + f" (likelihood-ratio tests at 5 %, {len(told)} outcome{'s' * (len(told) > 1)}, not corrected)."
        )
    for row in slopes.itertuples():
        if pd.notna(row.slope) and row.group != NORMAL:
            out.append(
                f"{row.group}: {number(row.slope)} stages a year (95 % interval {number(row.low)} to {number(row.high)}, "
                f"{row.n_people} people scanned again)."
            )
    return out
