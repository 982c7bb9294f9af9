"""Survival by group: Kaplan-Meier with numbers at risk, log-rank tests."""

from __future__ import annotations

import lifelines
import numpy as np
import pandas as pd
from lifelines.statistics import multivariate_logrank_test

from ..progress import steps
from .cases import at_risk

#: Groups of fewer people do not enter a log-rank test.
LEAST_IN_TEST = 5
CURVES = ("outcome", "group", "years", "survival", "low", "high", "at_risk", "n_events")
TESTS = ("outcome", "split", "n", "n_events", "groups", "statistic", "df", "p", "n_smallest", "reason")


def survival_tables(
    name: str, time: pd.Series, event: pd.Series, group: pd.Series, order: list[str], compared: list[str] | None = None
) -> tuple[pd.DataFrame, dict]:
    """Kaplan-Meier curves with 95 % intervals and numbers at risk per group, and the log-rank test.

    Parameters
    ----------
    time, event, group : Series
        Same index.
    order : list of str
        Groups to draw.
    compared : list of str, optional
        Groups to test; by default all of `order`.

    Returns
    -------
    DataFrame
        outcome, group, years, survival, low, high, at_risk, n_events (so far).
    dict
        outcome, n, n_events, groups, statistic, df, p, n_smallest, reason of the log-rank test between the compared
        groups of at least 5; n and n_events are of those that were compared.
    """
    known = time.notna() & event.notna() & group.isin(order)
    time, event, group = time[known].astype(float), event[known].astype(float), group[known]
    rows = []
    for g in order:
        mine = group == g
        if mine.sum() < 1:
            continue
        fit = lifelines.KaplanMeierFitter().fit(time[mine], event[mine])
        interval = fit.confidence_interval_survival_function_
        table = fit.event_table
        for years in fit.survival_function_.index:
            at = float(fit.survival_function_.loc[years].iloc[0])
            low, high = (float(v) for v in interval.loc[years])
            row = (name, g, years, at, low, high, int(table.loc[years, "at_risk"]))
            rows.append((*row, int(table.loc[:years, "observed"].sum())))
    return pd.DataFrame(rows, columns=list(CURVES)), _log_rank(name, time, event, group, compared or order)


def _log_rank(name, time, event, group, compared) -> dict:
    counts = group.value_counts()
    big = [g for g in compared if counts.get(g, 0) >= LEAST_IN_TEST]
    inside = group.isin(big)
    test = {"outcome": name, "n": int(inside.sum()), "n_events": int(event[inside].sum()), "groups": ", ".join(big)}
    test |= {"statistic": np.nan, "df": max(len(big) - 1, 0), "p": np.nan, "reason": ""}
    test["n_smallest"] = int(min((counts[g] for g in big), default=0))
    if group.empty:
        test["reason"] = "nobody has all the values"
    elif len(big) < 2:
        test["reason"] = f"fewer than two groups of {LEAST_IN_TEST} people"
    elif test["n_events"] == 0:
        test["reason"] = "nobody had the event: everyone is censored"
    else:
        result = multivariate_logrank_test(time[inside], group[inside], event[inside])
        test |= {"statistic": float(result.test_statistic), "p": float(result.p_value)}
    return test


def survival_of(outcomes, people: pd.DataFrame, splits: dict) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Curves and tests of all survival outcomes, by every split.

    Parameters
    ----------
    splits : dict of str to (Series, list of str, list of str)
        Group of every person, groups to draw, groups to compare.

    Returns
    -------
    curves : DataFrame
        With column split.
    tests : DataFrame
        The same.
    """
    curves, tests = [], []
    for o in steps(outcomes, "times to events"):
        if not o.timed:
            continue
        mine = at_risk(o, people)
        for split, (group, order, compared) in splits.items():
            curve, test = survival_tables(o.name, mine[o.time], mine[o.column], group.loc[mine.index], order, compared)
            curves.append(curve.assign(split=split))
            tests.append(test | {"split": split})
    found = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=[*CURVES, "split"])
    return found, pd.DataFrame(tests, columns=list(TESTS))
