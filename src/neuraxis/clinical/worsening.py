"""Disability worsening over visits: confirmed (CDW), relapse-associated (RAW), independent of relapses (PIRA).

Definitions: confirmed disability worsening as in clinical trials (steps by baseline EDSS, confirmed after 12, 24 or 48
weeks; Lublin et al. 2014, Neurology 83:278). RAW: its onset follows the onset of a relapse by no more than 90 days; PIRA:
none between reference and event, none from 90 days before to 30 days after the event and its confirmation, the reference
set anew after every relapse (Kappos et al. 2020, JAMA Neurol 77:1132; Müller et al. 2023, JAMA Neurol 80:1232).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

DAYS = 365.25
#: Weeks after which CDW is confirmed, whatever the rule's own `confirm_years`.
WEEKS = (12, 24, 48)
KINDS = ("worsening", *(f"cdw{w}" for w in WEEKS), "raw", "pira")
#: Columns of people that `confirmed_worsening` and `relapses_on_study` make from visits and relapses.
MADE = (
    *(f"{kind}_{what}" for kind in KINDS for what in ("time", "event")),
    *("on_study_years", "on_study_relapses", "first_relapse_time", "first_relapse_event"),
)
NO_CONFIRMATION = "no visit to confirm by"


@dataclass(frozen=True)
class WorseningRule:
    """When an EDSS counts as worse.

    Parameters
    ----------
    from_zero, middle, high : float
        Steps needed from a reference of 0, of up to `high_above`, and above it.
    high_above : float
        5.0 in `msprog`, 5.5 in many papers.
    confirm_years : float
        The worsening must still be there at every visit up to one at least so much later; 0: no confirmation.
    relapse_days_before, relapse_days_after : float
        PIRA: no relapse in so many days before and after the worsening and the confirming visit. RAW: the relapse began
        no more than `relapse_days_before` days before the worsening.
    confirm_free_days : float
        No visit confirms within so many days of the onset of a relapse.
    rebaseline_days : float
        PIRA: the first visit at least so many days after a relapse is the new reference.
    """

    from_zero: float = 1.5
    middle: float = 1.0
    high: float = 0.5
    high_above: float = 5.0
    confirm_years: float = 0.5
    relapse_days_before: float = 90
    relapse_days_after: float = 30
    confirm_free_days: float = 30
    rebaseline_days: float = 90

    def step(self, baseline: float) -> float:
        """Points above baseline that count as worse."""
        if baseline == 0:
            return self.from_zero
        return self.middle if baseline <= self.high_above else self.high


@dataclass(frozen=True)
class _Course:
    """Visits and relapses of one person, in years from the first visit."""

    years: np.ndarray
    edss: np.ndarray
    attacks: np.ndarray

    def attacked(self, when: float, before: float, after: float) -> bool:
        """A relapse began from `before` days before `when` to `after` days after it."""
        t = self.attacks
        return bool(((t >= when - before / DAYS) & (t <= when + after / DAYS)).any())

    def confirmed(self, i: int, limit: float, confirm: float, before: float, after: float) -> bool:
        """Every visit from `i` to the first valid one at least `confirm` years later is at `limit` or above."""
        if self.edss[i] < limit:
            return False
        if confirm == 0:
            return True
        for j in range(i + 1, len(self.years)):
            if self.edss[j] < limit:
                return False
            if self.years[j] >= self.years[i] + confirm - 1e-9 and not self.attacked(self.years[j], before, after):
                return True
        return False

    def confirmable(self, confirm: float) -> list[int]:
        """Visits after the first whose worsening a later visit could still confirm."""
        last = self.years[-1]
        return [i for i in range(1, len(self.years)) if last >= self.years[i] + confirm - 1e-9]


def _reference(course: _Course, i: int, days: float) -> int | None:
    """Visit that a worsening independent of relapses is measured from; None where a relapse came since."""
    earlier = course.attacks[course.attacks <= course.years[i]]
    earlier = earlier[earlier > course.years[0] - days / DAYS]
    if not len(earlier):
        return 0
    free = np.flatnonzero(course.years >= earlier.max() + days / DAYS)
    return int(free[0]) if len(free) and free[0] < i else None


def _first(course: _Course, rule: WorseningRule, kind: str, confirm: float) -> tuple[float, float]:
    """Time to the first event of one kind, and 1, or to the last visit that could have shown it, and 0."""
    visits = course.confirmable(confirm)
    if not visits:
        return np.nan, np.nan
    for i in visits:
        when = course.years[i]
        if kind == "pira":
            start = _reference(course, i, rule.rebaseline_days)
            if start is None or course.attacked(when, rule.relapse_days_before, rule.relapse_days_after):
                continue
            free = (rule.relapse_days_before, rule.relapse_days_after)
        else:
            start, free = 0, (rule.confirm_free_days, 0.0)
        if kind == "raw" and not course.attacked(when, rule.relapse_days_before, 0.0):
            continue
        limit = course.edss[start] + rule.step(course.edss[start])
        if kind == "raw" and course.edss[:i][-1] >= limit:
            continue  # it was there before the relapse
        if course.confirmed(i, limit, confirm, *free):
            return float(when), 1.0
    return float(course.years[visits[-1]]), 0.0


def confirmed_worsening(visits: pd.DataFrame, relapses: pd.DataFrame, rule: WorseningRule) -> pd.DataFrame:
    """Time to the first confirmed worsening of every kind.

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
        participant_id, baseline_edss, n_visits; X_time (years from baseline) and X_event (1, or 0 where censored at the
        last visit whose worsening could still have been confirmed, the end of the visits for whatever reason, death
        included) for X = worsening (CDW after `confirm_years`), cdw12, cdw24, cdw48 (after so many weeks), raw and
        pira (after `confirm_years`); reason. People without such a visit have no time, and a reason.
    """
    attacks = {p: t["years"].to_numpy(float) for p, t in relapses.groupby("participant_id")}
    rows = []
    for person, part in visits.dropna(subset=["years", "edss"]).groupby("participant_id", sort=False):
        part = part.sort_values("years")
        t = part["years"].to_numpy(float)
        course = _Course(t - t[0], part["edss"].to_numpy(float), attacks.get(person, np.empty(0)) - t[0])
        row = {"participant_id": person, "baseline_edss": course.edss[0], "n_visits": len(t), "reason": ""}
        for kind in KINDS:
            confirm = int(kind[3:]) * 7 / DAYS if kind.startswith("cdw") else rule.confirm_years
            row[f"{kind}_time"], row[f"{kind}_event"] = _first(course, rule, kind, confirm)
        if np.isnan(row["worsening_time"]):
            row["reason"] = NO_CONFIRMATION
        rows.append(row)
    made = [c for c in MADE if c.rpartition("_")[0] in KINDS]
    return pd.DataFrame(rows, columns=["participant_id", "baseline_edss", "n_visits", *made, "reason"])


def relapses_on_study(visits: pd.DataFrame, relapses: pd.DataFrame) -> pd.DataFrame:
    """Relapses between the first and the last visit, with the years of observation, and the time to the first.

    Returns
    -------
    DataFrame
        participant_id, on_study_years, on_study_relapses, first_relapse_time (years from baseline; the last visit where
        censored), first_relapse_event; people with at least two visits.
    """
    attacks = {p: t["years"].to_numpy(float) for p, t in relapses.groupby("participant_id")}
    rows = []
    for person, part in visits.dropna(subset=["years"]).groupby("participant_id", sort=False):
        start, end = float(part["years"].min()), float(part["years"].max())
        if end <= start:
            continue
        t = attacks.get(person, np.empty(0))
        t = np.sort(t[(t > start) & (t <= end)])
        first = float(t[0] - start) if len(t) else end - start
        rows.append((person, end - start, len(t), first, int(len(t) > 0)))
    columns = ["on_study_years", "on_study_relapses", "first_relapse_time", "first_relapse_event"]
    return pd.DataFrame(rows, columns=["participant_id", *columns])


def made_columns(
    people: pd.DataFrame, visits: pd.DataFrame, relapses: pd.DataFrame, rule: WorseningRule
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """People with the columns of `MADE`, and the table of worsening.

    Parameters
    ----------
    people : DataFrame
        Indexed by participant_id.

    Returns
    -------
    people : DataFrame
    worsening : DataFrame
    """
    mine = visits[visits["participant_id"].isin(people.index)]
    worse = confirmed_worsening(mine, relapses, rule)
    attacks = relapses_on_study(mine, relapses)
    table = worse.merge(attacks, on="participant_id", how="left")
    made = table.set_index("participant_id")[[c for c in MADE if c in table]]
    return people.drop(columns=[c for c in made if c in people]).join(made), table
