"""Follow-up scans, worsening and relapses at the edges of their definitions: every share of another size, every window to the day."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuraxis.clinical.longitudinal import changes, reversals, scans, stage_slopes, transitions
from neuraxis.clinical.worsening import (
    NO_CONFIRMATION,
    WorseningRule,
    confirmed_worsening,
    made_columns,
    relapses_on_study,
)
from neuraxis.labels import NORMAL

DAY = 1 / 365.25


def pairs(rows):
    """Two scans of each person: group and stage at the first and at the second, intervals of one stage to a side."""
    out = []
    for i, (group, stage, later, after) in enumerate(rows):
        for g, s in ((group, stage), (later, after)):
            out.append((f"p{i}", g, float(s), s - 1.0, s + 1.0, s + 0.25 * i))
    return pd.DataFrame(out, columns=["participant_id", "group", "stage", "stage_low", "stage_high", "expected_stage"])


def test_every_share_of_reversals_is_of_its_own_people():
    table = pairs(
        [("a", 5, "a", 4), ("a", 6, "b", 3), ("b", 2, "b", 4), ("a", 7, NORMAL, 0), (NORMAL, 0, "a", 2), ("b", 4, "b", 4),
         ("b", 8, "b", 6), (NORMAL, 0, NORMAL, 0)]
    )  # fmt: skip
    got = reversals(table).set_index("quantity")
    assert got["n"].tolist() == [8, 5, 5, 5, 6, 8]
    # of 5 staged at both 3 are lower; 6 to 3 alone lies beyond both intervals, 8 to 6 touches; one changed; 1 of 6 is normal later
    assert got["value"].tolist()[:5] == pytest.approx([8, 3 / 5, 1 / 5, 1 / 5, 1 / 6])
    now, later = table["expected_stage"][::2], table["expected_stage"][1::2]
    assert got["value"].iloc[5] == pytest.approx(stats.spearmanr(now, later).statistic)
    three = reversals(table[:6]).set_index("quantity")
    assert np.isfinite(three["value"].iloc[5]) and np.isnan(reversals(table[:4])["value"].iloc[5])
    nobody = reversals(pairs([(NORMAL, 0, "a", 1), (NORMAL, 0, NORMAL, 0)]))
    assert nobody["n"].tolist() == [2, 0, 0, 0, 0, 2] and nobody["value"].iloc[1:5].isna().all()


def assigned(rows, prefix):
    """participant_id, subtype, stage, P(staged and 1), P(staged and 2)."""
    return pd.DataFrame(
        [
            {"participant_id": p, f"{prefix}subtype": s, f"{prefix}stage": t, f"{prefix}stage_low": t, f"{prefix}stage_high": t,
             f"{prefix}expected_stage": t, f"{prefix}p_staged_subtype1": a, f"{prefix}p_staged_subtype2": b,
             f"{prefix}normal_appearing": t == 0}
            for p, s, t, a, b in rows
        ]
    )  # fmt: skip


def test_the_group_of_all_scans_is_by_their_mean_probability():
    """Three scans: medians would say another subtype, and another number of normal-appearing people."""
    first = assigned([("p", 1, 3, 0.9, 0.1), ("q", 2, 4, 0.0, 1.0), ("alone", 1, 2, 1.0, 0.0)], "oof_").set_index(
        "participant_id"
    )
    later = assigned(
        [("p", 2, 3, 0.3, 0.7), ("q", 1, 0, 0.1, 0.3), ("p", 2, 5, 0.4, 0.6), ("q", 1, 0, 0.1, 0.3), ("x", 1, 1, 1, 0)],
        "",
    )
    later = later.assign(session_id=["s2", "s2", "s3", "s3", "s2"], years=[1.0, 1.0, 2.0, 3.0, 1.0])
    got = scans(first, later, {1: "one", 2: "two"})
    # p: one 0.53, two 0.47 (medians 0.4, 0.6); q: staged 0.6 in the mean (median 0.4)
    assert got.groupby("participant_id")["group_all"].first().to_dict() == {"p": "one", "q": "two"}
    assert len(got) == 6 and got["mean_z"].isna().all()
    assert got["years"].tolist() == [0, 1, 2, 0, 1, 3] and set(got["session_id"][::3]) == {"baseline"}
    none = scans(first, later[:0], {1: "one", 2: "two"})
    assert none.empty and list(none) == list(got)
    half = scans(first, later.assign(p_staged_subtype2=[0.7, 0.05, 0.6, 0.05, 0]), {1: "one", 2: "two"})
    # q: staged 1, 0.15, 0.15: normal-appearing 0.57
    assert half.groupby("participant_id")["group_all"].first()["q"] == NORMAL


def test_transitions_share_a_row_among_its_targets():
    table = pairs([("a", 1, "a", 1), ("a", 1, "b", 1), ("a", 1, "b", 1), ("b", 1, "a", 1)])
    got = transitions(table, ["b", "a"]).set_index(["source", "target"])
    assert got.index.tolist() == [("b", "b"), ("b", "a"), ("a", "b"), ("a", "a")]
    assert got["n"].tolist() == [0, 1, 2, 1] and got["share"].tolist() == pytest.approx([0, 1, 2 / 3, 1 / 3])


def test_changes_are_from_the_persons_own_first_scan_to_the_first_in_a_bin():
    rows = [
        ("p", "baseline", 0.0, 5.0), ("p", "s2", 1.0, 7.0), ("p", "s3", 1.4, 50.0), ("q", "baseline", 0.0, 1.0), ("q", "s2", 0.8, 2.0),
        ("r", "baseline", 0.0, 2.0), ("r", "s2", 1.2, 11.0), ("r", "s3", 2.1, 2.5), ("s", "baseline", 0.0, 2.0), ("s", "s2", 1.2, np.nan),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["participant_id", "session_id", "years", "volume"]).assign(group_all="a")
    got = changes(table, ["a"], ("volume",)).set_index("years")
    v = np.array([2.0, 1.0, 9.0])
    half = stats.t.ppf(0.975, 2) * v.std(ddof=1) / np.sqrt(3)
    assert got.loc[1, ["n", "change", "low", "high", "sd"]].tolist() == pytest.approx(
        [3, 4, 4 - half, 4 + half, v.std(ddof=1)]
    )
    assert got.loc[2, ["n", "change"]].tolist() == [1, 0.5] and got.loc[2, ["low", "high", "sd"]].isna().all()
    assert got.loc[3, "n"] == 0 and np.isnan(got.loc[3, "change"]) and set(got["quantity"]) == {"volume"}
    # whose scan in the bin has no value, and whose next one has, is not counted by the next
    assert changes(table.assign(group_all=["b"] * 8 + ["a"] * 2), ["a"], ("volume",))["n"].tolist() == [0, 0, 0]


def test_a_slope_needs_two_times_of_a_person_with_values():
    rows = [(f"p{i}", y, 1.0 * i + (1 + 0.2 * i) * y) for i in range(5) for y in (0.0, 1.0)]
    rows += [("x", 0.0, 90.0), ("x", 1.0, np.nan), ("y", 0.0, -90.0)]
    table = (
        pd.DataFrame(rows, columns=["participant_id", "years", "volume"])
        .assign(group_all="a")
        .sample(frac=1, random_state=1)
    )
    got = stage_slopes(table, ["a"], ("volume",)).iloc[0]
    assert got[["n_people", "n_scans"]].tolist() == [5, 10] and got["slope"] == pytest.approx(1.4)
    assert (got["quantity"], got["reason"]) == ("volume", "")


# ---------------------------------------------------------------- worsening


def course(rows, attacks=(), **rule):
    visits = pd.DataFrame([("p", *r) for r in rows], columns=["participant_id", "years", "edss"])
    relapses = pd.DataFrame({"participant_id": "p", "years": list(attacks)})
    return confirmed_worsening(visits.iloc[::-1], relapses, WorseningRule(**rule)).iloc[0]


@pytest.mark.parametrize(
    ("baseline", "step"), [(0.0, 1.5), (0.5, 1.0), (4.5, 1.0), (5.0, 1.0), (5.5, 0.5), (8.0, 0.5)]
)  # fmt: skip
def test_steps_by_the_baseline(baseline, step):
    assert WorseningRule().step(baseline) == step
    for rise, event in ((step, 1), (step - 0.5, 0)):
        got = course([(0, baseline), (1, baseline + rise), (2, baseline + rise)])
        assert got["worsening_event"] == event, rise
    assert got["baseline_edss"] == baseline and got["n_visits"] == 3


def test_half_a_year_to_the_day_confirms():
    assert course([(0, 2.0), (1, 3.0), (1.5, 3.0)])["worsening_event"] == 1
    near = course([(0, 2.0), (1, 3.0), (1.5 - DAY, 3.0)])
    # no later visit could confirm the one at 1, and of none before it there is a worsening
    assert np.isnan(near["worsening_time"]) and near["reason"] == NO_CONFIRMATION and near["cdw12_event"] == 1
    assert course([(0, 2.0), (1, 3.0), (1.5, 3.0)])["reason"] == ""


@pytest.mark.parametrize(
    ("days", "raw", "plain"), [(-90, 1, 1), (-90.5, 0, 1), (0, 1, 1), (0.5, 0, 1)]
)  # fmt: skip
def test_the_window_of_a_relapse_before_the_worsening_is_closed(days, raw, plain):
    """The relapse at its very first and last day, and half a day beyond."""
    got = course([(0, 2.0), (1, 3.0), (2, 3.0)], [1 + days * DAY])
    assert (got["raw_event"], got["worsening_event"]) == (raw, plain)


def test_no_visit_within_thirty_days_of_a_relapse_confirms():
    rows = [(0, 2.0), (1, 3.0), (1.6, 3.0), (2.2, 2.0)]
    for days, event in ((30, 0), (30.5, 1), (0, 0), (-0.5, 1)):  # before the confirming visit
        assert course(rows, [1.6 - days * DAY])["worsening_event"] == event, days
    # one that comes after it is none of its business, and a later visit may confirm
    assert course([*rows[:3], (2.2, 3.0)], [1.6 - 20 * DAY])["worsening_event"] == 1


def test_the_reference_is_the_first_visit_ninety_days_after_the_last_relapse():
    rows = [(0, 2.0), (0.5, 4.0), (1.5, 3.0), (2.5, 4.0), (3.5, 4.0)]
    calm = course(rows)
    assert (calm["pira_time"], calm["pira_event"]) == (0.5, 1)
    # of the relapse at 0.2 the visit at 0.5 (110 days later) is the reference: 4.0, and nothing comes above it
    assert course(rows, [0.2])["pira_event"] == 0
    # 90 days to the day count, 89 do not: then it is the next, 3.0
    assert course(rows, [0.5 - 90 * DAY])["pira_event"] == 0
    assert course(rows, [0.5 - 89 * DAY])["pira_time"] == 2.5
    # the last relapse decides, whatever the order
    assert course(rows, [1.0, 0.2])["pira_time"] == 2.5 == course(rows, [0.2, 1.0])["pira_time"]
    # one so long before the first visit that it is over changes no reference; 90 days are over, 89 are not
    early = [(0, 2.0), (0.1, 2.0), (1, 3.0), (2, 3.0)]
    assert course(early, [-90 * DAY])["pira_time"] == course(early, [-89 * DAY])["pira_time"] == 1
    high = [(0, 2.0), (0.1, 3.0), (1, 3.0), (2, 3.0)]
    assert course(high, [-91 * DAY], confirm_years=0.9)["pira_event"] == 1
    assert course(high, [-60 * DAY], confirm_years=0.9)["pira_event"] == 0  # 0.1 years later it is the new reference


def test_a_worsening_that_stood_at_the_visit_before_is_no_relapses():
    rows = [(0, 2.0), (1, 3.0), (1.2, 3.0), (2, 3.0)]
    assert course(rows, [1.15])["raw_event"] == 0  # 3.0 had been reached
    assert course([(0, 2.0), (1, 2.5), (1.2, 3.0), (2, 3.0)], [1.15])["raw_event"] == 1


def test_people_are_watched_from_their_first_to_their_last_visit():
    visits = pd.DataFrame({"participant_id": list("aaabcc"), "years": [3.0, 1.0, 2.0, 1.0, 2.0, 2.0], "edss": 1.0})
    relapses = pd.DataFrame({"participant_id": list("aaaab"), "years": [1.0, 3.0, 1.25, 3.25, 1.0]})
    got = relapses_on_study(visits, relapses)
    # a: the one at the first visit is before it, the one at the last counts; b and c were seen at one time alone
    assert got.to_numpy().tolist() == [["a", 2.0, 2, 0.25, 1]]
    late = relapses_on_study(visits, relapses.assign(years=[1.0, 3.25, 0.5, 3.5, 1.0]))
    assert late.to_numpy().tolist() == [["a", 2.0, 0, 2.0, 0]]


def test_made_columns_take_the_place_of_those_that_were_there():
    visits = pd.DataFrame({"participant_id": list("aabb"), "years": [0.0, 2, 0, 1], "edss": [2.0, 4, 3, 3]})
    relapses = pd.DataFrame({"participant_id": ["b"], "years": [0.5]})
    people = pd.DataFrame({"worsening_time": 99.0, "age": [30, 40]}, pd.Index(["b", "x"], name="participant_id"))
    got, table = made_columns(people, visits, relapses, WorseningRule())
    assert got.index.tolist() == ["b", "x"] and list(table["participant_id"]) == ["b"]  # a is nobody of theirs
    assert got["age"].tolist() == [30, 40] and got["on_study_relapses"].tolist()[0] == 1
    assert got["worsening_time"].isna().all() and list(got).count("worsening_time") == 1
