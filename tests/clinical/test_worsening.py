"""CDW, RAW, PIRA and relapses on study, visit by visit."""

import numpy as np
import pandas as pd
import pytest
from lifelines.statistics import logrank_test

from neuraxis.clinical.outcomes import declare
from neuraxis.clinical.survival import survival_of, survival_tables
from neuraxis.clinical.worsening import WorseningRule, confirmed_worsening, made_columns, relapses_on_study

DAY = 1 / 365.25


def worsened(rows, attacks=(), **rule):
    """The person's row; a second person, quite different, must not matter."""
    visits = pd.DataFrame(
        [("p", *r) for r in rows] + [("q", 0, 1.0), ("q", 5, 9.0), ("q", 9, 9.0)],
        columns=["participant_id", "years", "edss"],
    ).sample(frac=1, random_state=1)
    relapses = pd.DataFrame({"participant_id": ["p"] * len(attacks) + ["q"], "years": [*attacks, 4.99]})
    return confirmed_worsening(visits, relapses, WorseningRule(**rule)).set_index("participant_id").loc["p"]


@pytest.mark.parametrize(
    ("rows", "rule", "time", "event"),
    [
        # one point from 2.0, still there half a year later
        ([(0, 2.0), (1, 3.0), (1.6, 3.0)], {}, 1.0, 1),
        # gone at the confirming visit: censored at the last visit that could be confirmed
        ([(0, 2.0), (1, 3.0), (1.6, 2.0)], {}, 1.0, 0),
        # from 0, one point is not enough, 1.5 is
        ([(0, 0.0), (1, 1.0), (2, 1.5), (3, 1.5)], {}, 2.0, 1),
        # above 5.0 half a point is enough; with the cut at 5.5 it is not
        ([(0, 5.5), (1, 6.0), (2, 6.0)], {}, 1.0, 1),
        ([(0, 5.5), (1, 6.0), (2, 6.0)], {"high_above": 5.5}, 1.0, 0),
        # without confirmation
        ([(0, 2.0), (1, 3.0), (1.6, 2.0)], {"confirm_years": 0.0}, 1.0, 1),
        # a dip between worsening and confirmation
        ([(0, 2.0), (1, 3.0), (1.2, 2.0), (1.6, 3.0)], {}, 1.0, 0),
        # the first visit is the baseline, wherever it lies
        ([(0.5, 2.0), (1.5, 3.0), (2.1, 3.0)], {}, 1.0, 1),
    ],
)
def test_confirmed_worsening(rows, rule, time, event):
    got = worsened(rows, **rule)
    assert (got["worsening_time"], got["worsening_event"]) == (time, event)


def test_confirmation_after_12_24_and_48_weeks():
    """Worse at year 1; seen again 13, 26 and 50 weeks later, and once more, better."""
    week = 7 * DAY
    rows = [(0, 2.0), (1, 3.0), (1 + 13 * week, 3.0), (1 + 26 * week, 3.0), (1 + 50 * week, 2.0), (4, 2.0)]
    got = worsened(rows)
    assert (got["cdw12_event"], got["cdw24_event"], got["cdw48_event"]) == (1, 1, 0)
    assert got["cdw12_time"] == 1.0 == got["cdw24_time"]
    assert got["cdw48_time"] == pytest.approx(1 + 50 * week)  # the last visit that another 48 weeks later could confirm


def test_a_step_at_a_relapse_is_relapse_associated_and_not_independent():
    """The event the audit found: worse at the visit 18 days after a relapse, and ever after."""
    rows = [(0, 2.0), (1, 3.0), (2, 3.0), (3, 3.0)]
    got = worsened(rows, [0.95])
    assert (got["worsening_time"], got["worsening_event"]) == (1.0, 1)
    assert (got["raw_time"], got["raw_event"]) == (1.0, 1)
    assert got["pira_event"] == 0  # after the relapse 3.0 is the new reference
    calm = worsened(rows)
    assert (calm["raw_event"], calm["pira_event"], calm["pira_time"]) == (0, 1, 1.0)


@pytest.mark.parametrize(
    ("days", "raw", "pira"),
    [
        (-91, 0, 0),  # 91 days before: no RAW; the reference is set anew at this very visit, so no PIRA either
        (-89, 1, 0),
        (-1, 1, 0),
        (1, 0, 0),  # the day after: not caused by it, but too near to be called independent
        (29, 0, 0),
        (31, 0, 1),
    ],
)
def test_the_window_before_and_the_window_after_differ(days, raw, pira):
    rows = [(0, 2.0), (1, 3.0), (2, 3.0), (3, 3.0)]
    got = worsened(rows, [1 + days * DAY])
    assert (got["raw_event"], got["pira_event"]) == (raw, pira)
    # the other way round: short before, long after; the visit at 0.85 is the new reference
    rows = [(0, 2.0), (0.85, 2.0), (1, 3.0), (2, 3.0), (3, 3.0)]
    other = worsened(rows, [1 + days * DAY], relapse_days_before=20, relapse_days_after=90, rebaseline_days=30)
    assert other["raw_event"] == int(-20 <= days <= 0)
    assert other["pira_event"] == int(days < -20)


def test_the_confirming_visit_of_pira_is_free_of_relapses():
    rows = [(0, 2.0), (1, 3.0), (1.6, 3.0), (2.2, 2.0)]
    assert worsened(rows)["pira_event"] == 1
    assert worsened(rows, [1.6 - 60 * DAY])["pira_event"] == 0  # the only confirming visit lies after a relapse
    # CDW only asks for 30 days
    assert worsened(rows, [1.6 - 60 * DAY])["worsening_event"] == 1
    assert worsened(rows, [1.6 - 20 * DAY])["worsening_event"] == 0


def test_the_reference_is_set_anew_after_a_relapse():
    """From 2.0 by a relapse to 3.0 (reference), then without one to 4.0."""
    rows = [(0, 2.0), (1, 3.0), (1.5, 3.0), (2.5, 4.0), (3.1, 4.0)]
    got = worsened(rows, [0.95])
    assert (got["pira_time"], got["pira_event"]) == (2.5, 1)
    # with 200 days the new reference is the visit at 1.5
    assert worsened(rows, [0.95], rebaseline_days=200)["pira_time"] == 2.5
    # down after the relapse: the reference goes down too
    better = worsened([(0, 4.0), (1, 3.0), (2, 4.0), (3, 4.0)], [0.5])
    assert (better["pira_event"], better["worsening_event"]) == (1, 0)


def test_what_was_there_before_the_relapse_is_not_associated_with_it():
    rows = [(0, 2.0), (1, 3.0), (1.1, 2.0), (2, 3.0), (2.1, 3.0), (3, 3.0)]
    assert worsened(rows, [1.95])["raw_time"] == 2.0
    rows = [(0, 2.0), (1, 3.0), (2, 3.0), (3, 3.0)]
    assert worsened(rows, [1.95])["raw_event"] == 0 and worsened(rows, [1.95])["pira_time"] == 1.0


def test_nobody_to_confirm_by_has_no_time():
    got = worsened([(0, 2.0), (0.3, 4.0)])
    assert np.isnan(got["worsening_time"]) and got["reason"] == "no visit to confirm by"
    assert got["cdw12_event"] == 1.0 if got["cdw12_time"] == 0.0 else np.isnan(got["cdw48_time"])


def test_relapses_are_counted_between_first_and_last_visit():
    visits = pd.DataFrame(
        {"participant_id": ["a", "a", "b", "b", "c"], "years": [0.5, 4.5, 0, 2, 0], "edss": [1.0] * 5}
    )
    relapses = pd.DataFrame({"participant_id": ["a", "a", "a", "a", "c"], "years": [3.0, 0.2, 1.5, 5.0, 1.0]})
    got = relapses_on_study(visits, relapses).set_index("participant_id")
    assert got.index.tolist() == ["a", "b"]
    assert got.loc["a"].tolist() == [4.0, 2, 1.0, 1] and got.loc["b"].tolist() == [2.0, 0, 2.0, 0]
    people = pd.DataFrame({"age": [30.0, 40.0, 50.0]}, index=pd.Index(["c", "b", "a"], name="participant_id"))
    joined, table = made_columns(people, visits, relapses, WorseningRule())
    assert joined.index.tolist() == ["c", "b", "a"] and joined.loc["a", "on_study_relapses"] == 2
    assert np.isnan(joined.loc["c", "on_study_years"]) and len(table) == 3


def test_survival_tables_equal_a_direct_call():
    rng = np.random.default_rng(0)
    group = pd.Series(np.repeat(["one", "two"], 50))
    time = pd.Series(rng.exponential(np.repeat([2.0, 4.0], 50)))
    event = pd.Series((rng.random(100) < 0.8).astype(int))
    curves, test = survival_tables("Worse", time, event, group, ["one", "two"])
    direct = logrank_test(time[:50], time[50:], event[:50], event[50:])
    assert test["p"] == pytest.approx(direct.p_value) and test["n_events"] == event.sum() and test["n_smallest"] == 50
    first = curves[(curves["group"] == "one") & (curves["years"] == 0)].iloc[0]
    assert first["survival"] == 1 and first["at_risk"] == 50
    assert (curves["low"] <= curves["survival"]).all() and (curves["survival"] <= curves["high"]).all()
    assert "everyone is censored" in survival_tables("x", time, event * 0, group, ["one", "two"])[1]["reason"]
    assert "nobody has" in survival_tables("x", time * np.nan, event, group, ["one", "two"])[1]["reason"]
    assert "two groups" in survival_tables("x", time[:50], event[:50], group[:50], ["one", "two"])[1]["reason"]


def test_kaplan_meier_by_hand():
    time, event = pd.Series([1.0, 2.0, 2.0, 3.0, 5.0]), pd.Series([1, 1, 0, 1, 0])
    curves, _ = survival_tables("x", time, event, pd.Series(["g"] * 5), ["g"])
    got = curves.set_index("years")
    assert got["survival"].tolist() == pytest.approx([1, 0.8, 0.6, 0.3, 0.3])
    assert got["at_risk"].tolist() == [5, 5, 4, 2, 1] and got["n_events"].tolist() == [0, 1, 2, 3, 3]


def test_normal_appearing_people_are_drawn_and_not_compared():
    """Two subtypes alike, normal-appearing people far better: no difference between subtypes."""
    rng = np.random.default_rng(2)
    group = pd.Series(np.repeat(["normal", "one", "two"], 60), index=[f"p{i}" for i in range(180)])
    people = pd.DataFrame({"t": rng.exponential(np.repeat([30.0, 2.0, 2.0], 60)), "e": 1}, index=group.index)
    outcome = declare("Worse", "e", "survival", time="t")
    curves, tests = survival_of(
        [outcome], people.sample(frac=1, random_state=0), {"subtype": (group, ["normal", "one", "two"], ["one", "two"])}
    )
    direct = logrank_test(
        people["t"].iloc[60:120], people["t"].iloc[120:], people["e"].iloc[60:120], people["e"].iloc[120:]
    )
    assert set(curves["group"]) == {"normal", "one", "two"} and tests.loc[0, "p"] == pytest.approx(direct.p_value)
    assert tests.loc[0, "n"] == 120 and tests.loc[0, "groups"] == "one, two"
