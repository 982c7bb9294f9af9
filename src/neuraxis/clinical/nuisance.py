"""Do subtypes and stages follow what the norms were to remove: site, sex, age, head size?"""

from __future__ import annotations

import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from .effects import cramers_v

#: Fewer people than this are not tested.
FEWEST = 10
UNKNOWN, ALIKE, TOO_FEW = "nobody's is known", "everyone is alike", "too few people"

COLUMNS = ("label", "variable", "test", "effect", "estimate", "p", "p_holm", "n", "reason")


def nuisance(people: pd.DataFrame, etiv: pd.Series, group: pd.Series, stage: pd.Series, normal: str) -> pd.DataFrame:
    """Subtype (among staged people) and expected stage (of everyone) against site, sex, age and head size.

    The norms took these four out of the measures. What is left over is either real - more women among the cortical
    patients - or says that labels follow scanners or heads; a table cannot tell which, but it can say that there is something.

    Parameters
    ----------
    people : DataFrame
        Indexed by participant_id; site, sex, age (years).
    etiv : Series
        Same index, mm3; may be missing.
    group, stage : Series
        Same index: name of the subtype or `normal`, and expected stage.
    normal : str
        Name of the people without atrophy.

    Returns
    -------
    DataFrame
        label (subtype, stage), variable, test, effect, estimate (Cramer's V; epsilon squared H / (n - 1) of
        Kruskal and Wallis, Tomczak and Tomczak 2014; Spearman's rho), p, p_holm (over the table), n, reason (why
        nothing was tested).
    """
    values = people[["site", "sex", "age"]].assign(etiv=etiv)
    staged = group.index[group != normal]
    rows = []
    for variable in values:
        known = values[variable].dropna()
        nominal = variable in ("site", "sex")  # a site may be a number
        mine = staged.intersection(known.index)
        if known.empty:
            rows += [
                {"label": label, "variable": variable, "n": 0, "reason": UNKNOWN} for label in ("subtype", "stage")
            ]
            continue
        rows.append(
            {"label": "subtype", "variable": variable}
            | (_nominal(group[mine], known[mine]) if nominal else _ranks(known[mine], group[mine]))
        )
        rows.append(
            {"label": "stage", "variable": variable}
            | (_ranks(stage[known.index], known) if nominal else _monotone(stage[known.index], known))
        )
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    tested = table["p"].notna()
    if tested.any():
        table.loc[tested, "p_holm"] = multipletests(table.loc[tested, "p"], method="holm")[1]
    table["reason"] = table["reason"].fillna("")
    return table


def _why_not(values: pd.Series, others: pd.Series) -> str:
    """Why one was not tested against the other: whoever is to mend it needs the one reason."""
    alike = len(values) >= FEWEST and min(values.nunique(), others.nunique()) < 2
    return ALIKE if alike else TOO_FEW


def _nominal(group: pd.Series, values: pd.Series) -> dict:
    found = cramers_v(group, values) if len(values) >= FEWEST else None
    if found is None:
        return {"n": len(values), "reason": _why_not(values, group)}
    return {
        "test": found["model"],
        "effect": "Cramer's V",
        "estimate": found["estimate"],
        "p": found["p"],
        "n": len(values),
    }


def _ranks(values: pd.Series, group: pd.Series) -> dict:
    """Kruskal-Wallis over the groups of at least two people."""
    counts = group.value_counts()
    parts = [values[group == g] for g in counts.index[counts >= 2]]
    n = sum(map(len, parts))
    if n < FEWEST or len(parts) < 2 or values.nunique() < 2:
        return {"n": n, "reason": _why_not(values, group)}
    statistic, p = stats.kruskal(*parts)
    return {
        "test": "Kruskal-Wallis",
        "effect": "epsilon squared",
        "estimate": float(statistic / (n - 1)),
        "p": float(p),
        "n": n,
    }


def _monotone(stage: pd.Series, values: pd.Series) -> dict:
    if len(values) < FEWEST or values.nunique() < 2 or stage.nunique() < 2:
        return {"n": len(values), "reason": _why_not(values, stage)}
    rho, p = stats.spearmanr(stage, values)
    return {
        "test": "Spearman",
        "effect": "Spearman's rho",
        "estimate": float(rho),
        "p": float(p),
        "n": len(values),
    }
