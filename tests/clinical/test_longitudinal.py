"""Follow-up scans: directions, counts, and slopes that are 0 where nothing changes."""

import numpy as np
import pandas as pd
import pytest

from neuraxis.clinical.labels import NORMAL
from neuraxis.clinical.longitudinal import changes, reversals, scans, stage_slopes, transitions

ORDER = [NORMAL, "one", "two"]


def assignment(stage, p_one, p_two, prefix=""):
    """Columns of an assignment from expected stages and P(staged and subtype)."""
    p_one, p_two = np.asarray(p_one, float), np.asarray(p_two, float)
    return {
        f"{prefix}subtype": np.where(p_one >= p_two, 1, 2),
        f"{prefix}p_staged_subtype1": p_one,
        f"{prefix}p_staged_subtype2": p_two,
        f"{prefix}normal_appearing": (p_one + p_two) < 0.5,
        f"{prefix}stage": np.round(stage),
        f"{prefix}stage_low": np.round(stage) - 1,
        f"{prefix}stage_high": np.round(stage) + 1,
        f"{prefix}expected_stage": stage,
    }


def small():
    """Four people, three with later scans, rows of the later scans out of order."""
    index = pd.Index(["a", "b", "c", "d"], name="participant_id")
    first = pd.DataFrame(
        assignment([5.0, 0.2, 8.0, 3.0], [0.9, 0.1, 0.1, 0.6], [0.0, 0.0, 0.8, 0.3], "oof_"), index=index
    )
    later = pd.DataFrame(
        {
            "participant_id": ["c", "a", "b", "a"],
            "session_id": ["ses-02", "ses-03", "ses-02", "ses-02"],
            "years": [1.2, 2.0, 1.9, 1.0],
            **assignment([4.0, 7.0, 2.0, 6.0], [0.7, 0.9, 0.2, 0.8], [0.1, 0.0, 0.6, 0.1]),
        }
    )
    mean_z = pd.Series(
        [0.5, 0.1, 0.9, 0.7, 0.6, 0.2, 1.0],
        index=pd.MultiIndex.from_tuples(
            [
                ("a", "baseline"),
                ("b", "baseline"),
                ("c", "baseline"),
                ("a", "ses-03"),
                ("a", "ses-02"),
                ("b", "ses-02"),
                ("c", "ses-02"),
            ]
        ),
    )
    return scans(first, later, {1: "one", 2: "two"}, mean_z)


def test_scans_are_in_order_with_the_group_of_all_together():
    table = small()
    assert table["participant_id"].tolist() == list("aaabbcc")
    assert table["expected_stage"].tolist() == [5.0, 6.0, 7.0, 0.2, 2.0, 8.0, 4.0]
    assert table["group"].tolist() == ["one", "one", "one", NORMAL, "two", "two", "one"]
    assert table["mean_z"].tolist() == [0.5, 0.6, 0.7, 0.1, 0.2, 0.9, 1.0]
    # b: P(staged) .1 and .8 make .45, normal-appearing; c: .4 one, .45 two
    assert table.groupby("participant_id")["group_all"].first().tolist() == ["one", NORMAL, "two"]


def test_transitions_go_from_one_scan_to_the_next():
    moves = transitions(small(), ORDER).set_index(["source", "target"])
    assert moves.loc[("one", "one"), "n"] == 2 and moves.loc[(NORMAL, "two"), "n"] == 1
    assert moves.loc[("two", "one"), "n"] == 1 and moves.loc[("one", "two"), "n"] == 0
    assert (
        moves["n"].sum() == 4
        and moves.loc[("one", "one"), "share"] == 1
        and np.isnan(moves.loc[("two", "two"), "share"]) == (moves.loc["two", "n"].sum() == 0)
    )


def test_reversals_are_counted_among_staged_pairs():
    got = reversals(small()).set_index("quantity")
    assert got.loc["pairs of consecutive scans", "value"] == 4
    lower = got.loc["share of staged pairs at a lower stage than before"]
    assert (lower["n"], lower["value"]) == (3, pytest.approx(1 / 3))  # c of a, a, c; b was not staged
    assert got.loc["share of staged pairs lower beyond both 95 % intervals", "value"] == pytest.approx(1 / 3)
    assert got.loc["share of staged pairs that changed subtype", "value"] == pytest.approx(1 / 3)
    assert reversals(small().iloc[:0])["value"].tolist() == [0.0]


def cohort(seed, n=120, gain=0.0):
    """Two scans of people whose true stage gains so much a year, measured with error; labels follow the measured stage."""
    rng = np.random.default_rng(seed)
    true = np.where(rng.random(n) < 0.4, 0.0, rng.gamma(2, 2, n))
    years = rng.uniform(1, 3, n)
    seen = [np.maximum(true + rng.normal(0, 1.5, n), 0), np.maximum(true + gain * years + rng.normal(0, 1.5, n), 0)]
    which = rng.random(n) < 0.5
    p = [1 / (1 + np.exp(-(s - 1.5) * 1.5)) for s in seen]
    index = pd.Index([f"p{i}" for i in range(n)], name="participant_id")
    first = pd.DataFrame(assignment(seen[0], p[0] * which, p[0] * ~which, "oof_"), index=index)
    later = pd.DataFrame(
        {
            "participant_id": index,
            "session_id": "ses-02",
            "years": years,
            **assignment(seen[1], p[1] * which, p[1] * ~which),
        }
    )
    return scans(first, later, {1: "one", 2: "two"})


def test_without_change_no_group_has_a_slope():
    """100 cohorts in which nothing changes: about 5 % of the slopes at 5 %, whichever the group."""
    found, by_first = [], []
    for seed in range(100):
        table = cohort(seed)
        found.append(stage_slopes(table, ORDER, ("expected_stage",)).set_index("group")["p"])
        first = table.groupby("participant_id")["group"].transform("first")
        by_first.append(stage_slopes(table.assign(group_all=first), ORDER, ("expected_stage",)).set_index("group")["p"])
    share = (pd.DataFrame(found) < 0.05).to_numpy().mean()
    assert abs(share - 0.05) < 2.5 * np.sqrt(0.05 * 0.95 / 300)
    assert (pd.DataFrame(by_first) < 0.05).mean()[NORMAL] > 0.4  # what grouping by the first scan does


def test_a_slope_that_is_there_is_found_with_its_interval():
    table = cohort(3, n=400, gain=1.0)
    got = stage_slopes(table, ORDER, ("expected_stage",)).set_index("group")
    assert got.loc["one", "low"] < 1.0 < got.loc["one", "high"] and got.loc["two", "p"] < 1e-6
    # by hand: every person's difference, weighted by the square of the years
    wide = table[table["group_all"] == "one"].pivot(index="participant_id", columns="session_id")
    years = wide[("years", "ses-02")]
    gain = wide[("expected_stage", "ses-02")] - wide[("expected_stage", "baseline")]
    assert got.loc["one", "slope"] == pytest.approx((gain * years).sum() / (years**2).sum())
    assert got.loc["one", "n_people"] == len(wide) and got.loc["one", "n_scans"] == 2 * len(wide)
    few = stage_slopes(table.iloc[:0], ["one"])
    assert few["reason"].str.startswith("fewer than 5").all() and few["quantity"].tolist() == ["stage", "mean z"]


def test_changes_are_binned_by_the_nearest_year():
    table = small().assign(group_all="one")
    got = changes(table, ["one"]).set_index(["quantity", "years"])
    assert got["n"].tolist() == [2, 2, 0, 2, 2, 0]
    assert got.loc[("stage", 1), "change"] == pytest.approx((1.0 - 4.0) / 2)  # a after 1.0, c after 1.2 years
    assert got.loc[("stage", 2), "change"] == pytest.approx((2.0 + 1.8) / 2)  # a after 2.0, b after 1.9 years
    assert got.loc[("mean z", 2), "change"] == pytest.approx((0.2 + 0.1) / 2)
    half = 12.7062 * np.std([1.0, -4.0], ddof=1) / np.sqrt(2)
    assert got.loc[("stage", 1), "high"] == pytest.approx(-1.5 + half, abs=1e-3)
