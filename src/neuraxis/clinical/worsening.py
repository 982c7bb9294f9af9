"""Disability worsening over visits, and survival by group."""

from __future__ import annotations

from dataclasses import dataclass

import lifelines
import numpy as np
import pandas as pd
from lifelines.statistics import multivariate_logrank_test

#: Columns of people that `confirmed_worsening` makes from their visits.
MADE = ("worsening_time", "worsening_event")


@dataclass(frozen=True)
class WorseningRule:
    """When an EDSS counts as worse.

    Parameters
    ----------
    from_zero, middle, high : float
        Steps needed from a baseline of 0, of up to `high_above`, and above it.
    high_above : float
        5.0 in `msprog`, 5.5 in many papers.
    confirm_years : float
        The worsening must still be there at every visit up to one at least so much later; 0: no confirmation.
    relapse_days_before, relapse_days_after : float
        No relapse in so many days before and after the worsening and the confirming visit.
    """

    from_zero: float = 1.5
    middle: float = 1.0
    high: float = 0.5
    high_above: float = 5.0
    confirm_years: float = 0.5
    relapse_days_before: float = 90
    relapse_days_after: float = 30

    def step(self, baseline: float) -> float:
        """Points above baseline that count as worse."""
        if baseline == 0:
            return self.from_zero
        return self.middle if baseline <= self.high_above else self.high


def confirmed_worsening(visits: pd.DataFrame, relapses: pd.DataFrame, rule: WorseningRule) -> pd.DataFrame:
    """Time to the first confirmed worsening away from relapses.

    Parameters
    ----------
    visits : DataFrame
        participant_id, years, edss; the first visit is the baseline.
    relapses : DataFrame
        participant_id, years.
    rule : WorseningRule

    Returns
    -------
    DataFrame
        participant_id, baseline_edss, n_visits, worsening_time (years from baseline), worsening_event (1, or 0 where
        censored at the last visit whose worsening could still have been confirmed), reason. People without such a
        visit have no time, and a reason.
    """
    attacks = {p: t["years"].to_numpy(float) for p, t in relapses.groupby("participant_id")}
    before, after = rule.relapse_days_before / 365.25, rule.relapse_days_after / 365.25

    def calm(person, when) -> bool:
        t = attacks.get(person, np.empty(0))
        return not ((t >= when - before) & (t <= when + after)).any()

    rows = []
    for person, part in visits.dropna(subset=["years", "edss"]).groupby("participant_id", sort=False):
        part = part.sort_values("years")
        t, e = part["years"].to_numpy(float), part["edss"].to_numpy(float)
        t = t - t[0]
        limit = e[0] + rule.step(e[0])
        row = {"participant_id": person, "baseline_edss": e[0], "n_visits": len(t), "reason": ""}
        confirmable = [i for i in range(1, len(t)) if t[-1] >= t[i] + rule.confirm_years]
        if not confirmable:
            rows.append(row | {"worsening_time": np.nan, "worsening_event": np.nan, "reason": "no visit to confirm by"})
            continue
        row |= {"worsening_time": t[confirmable[-1]], "worsening_event": 0}
        for i in confirmable:
            if e[i] < limit or not calm(person, t[i]):
                continue
            if rule.confirm_years == 0:
                row |= {"worsening_time": t[i], "worsening_event": 1}
                break
            last = next(
                (j for j in range(i + 1, len(t)) if t[j] >= t[i] + rule.confirm_years and calm(person, t[j])), None
            )
            if last is not None and (e[i : last + 1] >= limit).all():
                row |= {"worsening_time": t[i], "worsening_event": 1}
                break
        rows.append(row)
    columns = ["participant_id", "baseline_edss", "n_visits", "worsening_time", "worsening_event", "reason"]
    return pd.DataFrame(rows, columns=columns)


def survival_tables(
    name: str, time: pd.Series, event: pd.Series, group: pd.Series, order: list[str]
) -> tuple[pd.DataFrame, dict]:
    """Kaplan-Meier curves with 95 % intervals and numbers at risk per group, and the log-rank test.

    Returns
    -------
    DataFrame
        outcome, group, years, survival, low, high, at_risk, n_events (so far).
    dict
        outcome, n, n_events, groups, statistic, df, p, reason of the log-rank test between all groups of at least 5.
    """
    known = time.notna() & event.notna() & group.notna()
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
            rows.append(
                {
                    "outcome": name,
                    "group": g,
                    "years": years,
                    "survival": float(fit.survival_function_.loc[years].iloc[0]),
                    "low": float(interval.loc[years].iloc[0]),
                    "high": float(interval.loc[years].iloc[1]),
                    "at_risk": int(table.loc[years, "at_risk"]),
                    "n_events": int(table.loc[:years, "observed"].sum()),
                }
            )
    counts = group.value_counts()
    big = [g for g in order if counts.get(g, 0) >= 5]
    test = {
        "outcome": name,
        "n": int(known.sum()),
        "n_events": int(event.sum()),
        "groups": ", ".join(big),
        "statistic": np.nan,
        "df": len(big) - 1,
        "p": np.nan,
        "reason": "",
    }
    if not known.any():
        test["reason"] = "nobody has all the values"
    elif len(big) < 2:
        test["reason"] = "fewer than two groups of 5 people"
    elif event[group.isin(big)].sum() == 0:
        test["reason"] = "nobody had the event: everyone is censored"
    else:
        inside = group.isin(big)
        result = multivariate_logrank_test(time[inside], group[inside], event[inside])
        test |= {"statistic": float(result.test_statistic), "p": float(result.p_value)}
    columns = ["outcome", "group", "years", "survival", "low", "high", "at_risk", "n_events"]
    return pd.DataFrame(rows, columns=columns), test
