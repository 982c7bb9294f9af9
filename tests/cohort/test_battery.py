"""Cognitive tests and serum markers: published directions or none, and nothing else in the cohort changes."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuraxis.cohort import battery, simulated
from neuraxis.cohort.battery import MARKERS, TESTS, simulate_battery

NEW = [*TESTS, *MARKERS]


def test_nothing_else_in_the_cohort_changes(request, monkeypatch):
    """The cohort drawn with the battery and without it: every other column, scan, visit, relapse and truth is the same."""
    resources = request.config.rootpath / "resources"
    with_it = simulated.simulate_cohort(resources, scale=0.05, seed=3)
    monkeypatch.setattr(
        simulated, "simulate_battery", lambda seed, group, subtype, *_: pd.DataFrame(index=range(len(subtype)))
    )
    without = simulated.simulate_cohort(resources, scale=0.05, seed=3)
    assert set(with_it.participants) - set(without.participants) == set(NEW)
    pd.testing.assert_frame_equal(with_it.participants[list(without.participants)], without.participants)
    for name in ("measures", "truth", "sessions", "visits", "relapses"):
        pd.testing.assert_frame_equal(getattr(with_it, name), getattr(without, name))


def drawn(group, n=30000, seed=1):
    """People of every subtype in turn, stages 1 to 20 in an order that has nothing to do with it, 30 to 60 years old."""
    kinds = list(simulated.SUBTYPES.get(group, ["HC"]))
    subtype = np.array(kinds, object)[np.arange(n) % len(kinds)]
    rng = np.random.default_rng(0)
    stage = np.where(np.isin(subtype, ["NA", "HC"]), 0, rng.integers(1, 21, n))
    age, education = rng.uniform(30, 60, n), rng.uniform(6, 18, n)
    return simulate_battery(seed, group, subtype, stage, age, education), subtype, stage, age


@pytest.mark.parametrize("group", ["MS", "NMOSD"])
@pytest.mark.parametrize("name", list(TESTS))
def test_cortical_people_do_worse_and_nobody_else_in_nmosd(group, name):
    table, subtype, stage, _ = drawn(group)
    sd, lost = TESTS[name][1], TESTS[name][5]
    mean = table[name].groupby(subtype).mean()
    low = 0.7 if name == "mmse" else 0.85  # the ceiling takes some of it
    assert low * lost * sd < mean["NA"] - mean["C"] < 1.1 * lost * sd
    for other in set(mean.index) - {"C", "NA"}:
        late = battery.PER_STAGE * 10.5 * lost * sd if group == "MS" else 0.0
        assert mean["NA"] - mean[other] == pytest.approx(late, abs=0.12 * sd)
    for s in set(subtype) - {"NA"}:
        known = (subtype == s) & table[name].notna().to_numpy()
        slope = stats.linregress(stage[known], table[name][known])
        expected = -battery.PER_STAGE * lost * sd if group == "MS" and s in ("SC", "DGM") else 0.0
        assert abs(slope.slope - expected) < 3.5 * slope.stderr + 0.2 * abs(expected)


@pytest.mark.parametrize("group", ["MS", "NMOSD"])
@pytest.mark.parametrize("name", list(MARKERS))
def test_markers_know_neither_subtype_nor_stage(group, name):
    table, subtype, stage, age = drawn(group)
    known = table[name].notna().to_numpy()
    log = np.log(table[name][known])
    assert stats.f_oneway(*[log[subtype[known] == s] for s in set(subtype)]).pvalue > 0.001
    assert abs(stats.pearsonr(log, stage[known]).statistic) < 0.03
    healthy = np.log(drawn("HC")[0][name].dropna())
    assert log.mean() - healthy.mean() == pytest.approx(np.log(MARKERS[name][3]), abs=0.03)
    assert stats.linregress(age[known], log).slope == pytest.approx(MARKERS[name][2] / 10, abs=0.003)


def test_scores_stay_in_their_range_and_some_are_missing():
    table, *_ = drawn("MS")
    for name, (*_, most, _) in TESTS.items():
        assert table[name].min() >= 0 and table[name].max() <= most and (table[name].dropna() % 1 == 0).all()
        assert table[name].notna().mean() == pytest.approx(battery.TESTED, abs=0.02)
    for name in MARKERS:
        assert table[name].min() > 0 and table[name].notna().mean() == pytest.approx(battery.MEASURED, abs=0.03)
    assert table["pasat"].corr(table["cvlt"]) == pytest.approx(0.45, abs=0.15)


def test_each_has_its_own_stream(monkeypatch):
    before, *_ = drawn("MS", 200)
    monkeypatch.delitem(battery.TESTS, "moca")
    monkeypatch.delitem(battery.MARKERS, "nfl")
    after, *_ = drawn("MS", 200)
    pd.testing.assert_frame_equal(before[[c for c in NEW if c not in ("moca", "nfl")]], after)
    assert not drawn("MS", 200, seed=2)[0].equals(after)
