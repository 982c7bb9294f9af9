"""Effect sizes, intervals, pooling: hand-computed values and direct calls."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuraxis.clinical.effects import cramers_v, false_discovery, partial_correlation, probabilistic_index, rubin
from neuraxis.clinical.fit import Fit


def test_intervals_are_95_percent():
    """Two terms with covariance: the contrast's variance by hand, its interval by the normal quantile."""
    fit = Fit(pd.Series({"a": 1.0, "b": 0.4}), pd.DataFrame([[0.09, 0.02], [0.02, 0.16]], ["a", "b"], ["a", "b"]))
    got = fit.contrast({"a": 1.0, "b": -0.5})
    error = np.sqrt(0.09 - 2 * 0.5 * 0.02 + 0.25 * 0.16)
    assert got.estimate == pytest.approx(0.8) and got.error == pytest.approx(error)
    assert (got.low, got.high) == pytest.approx((0.8 - 1.959964 * error, 0.8 + 1.959964 * error), abs=1e-6)
    assert got.p == pytest.approx(2 * (1 - stats.norm.cdf(0.8 / error)))


def test_probabilistic_index_counts_pairs():
    rng = np.random.default_rng(1)
    a, b = pd.Series(rng.normal(0.5, 1, 60)).round(1), pd.Series(rng.normal(0, 1, 80)).round(1)
    got = probabilistic_index(a, b)
    u = stats.mannwhitneyu(a, b).statistic / (60 * 80)
    assert got["prob_index"] == pytest.approx(u) and got["cliffs_delta"] == pytest.approx(2 * u - 1)
    assert got["pi_low"] < u < got["pi_high"]


def test_rank_correlations_plain_and_partial():
    rng = np.random.default_rng(0)
    x = pd.Series(rng.normal(size=100))
    y = x + pd.Series(rng.normal(size=100))
    plain = partial_correlation(x, y, pd.DataFrame(index=x.index))
    tau = stats.kendalltau(x, y)
    assert plain["partial_r"] == pytest.approx(stats.spearmanr(x, y).statistic)
    assert plain["kendall_tau"] == pytest.approx(tau.statistic) == plain["partial_tau"]
    assert plain["tau_p"] == pytest.approx(tau.pvalue)
    half = 1.959964 * np.sqrt(0.437 / 96)
    by_hand = np.tanh(np.arctanh(tau.statistic) + np.array([-half, half]))
    assert (plain["tau_low"], plain["tau_high"]) == pytest.approx(tuple(by_hand), rel=1e-5)
    half = 1.959964 / np.sqrt(97)
    r = plain["partial_r"]
    assert (plain["r_low"], plain["r_high"]) == pytest.approx(
        (np.tanh(np.arctanh(r) - half), np.tanh(np.arctanh(r) + half)), rel=1e-5
    )
    given = partial_correlation(x, y, pd.DataFrame({"x": x + 0.05 * rng.normal(size=100)}))
    assert abs(given["partial_tau"]) < 0.2 < plain["kendall_tau"] and abs(given["partial_r"]) < 0.3
    assert np.isnan(partial_correlation(x[:5], y[:5], pd.DataFrame(index=x.index[:5]))["kendall_tau"])


def test_rubins_rules_by_hand():
    """Three estimates 0, 0.4, 1.1 with unequal variances."""
    got = rubin(np.array([0.0, 0.4, 1.1]), np.array([0.04, 0.05, 0.09]))
    within, between = 0.06, 0.31  # mean variance; ((-.5)^2 + (-.1)^2 + .6^2) / 2
    total = within + (1 + 1 / 3) * between
    freedom = 2 * (1 + within / ((1 + 1 / 3) * between)) ** 2
    assert got.estimate == pytest.approx(0.5) and got.error == pytest.approx(np.sqrt(total))
    assert got.freedom == pytest.approx(freedom) == pytest.approx(2.6233, abs=1e-3)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(total)
    assert (got.low, got.high) == pytest.approx((0.5 - half, 0.5 + half))
    assert got.p == pytest.approx(2 * stats.t.sf(0.5 / np.sqrt(total), freedom))
    same = rubin(np.array([0.3, 0.3]), np.array([0.04, 0.04]))
    assert same.error == pytest.approx(0.2) and same.low == pytest.approx(0.3 - 1.959964 * 0.2, abs=1e-4)


def test_false_discovery_is_within_its_family():
    family = pd.Series(["f", "f", "g", "f"])
    got = false_discovery(pd.Series([0.01, np.nan, 0.04, 0.04]), [family])
    assert got.tolist() == pytest.approx([0.02, np.nan, 0.04, 0.04], nan_ok=True)


def test_cramers_v_and_what_chance_gives():
    a = pd.Series(["x"] * 30 + ["y"] * 30)
    b = pd.Series(["u"] * 20 + ["v"] * 10 + ["u"] * 10 + ["v"] * 20)
    got = cramers_v(a, b)
    chi2 = 60 * (20 * 20 - 10 * 10) ** 2 / 30**4  # n (ad - bc)^2 / margins
    assert got["estimate"] == pytest.approx(np.sqrt(chi2 / 60))
    excess, side = chi2 / 60 - 1 / 59, 2 - 1 / 59 - 1
    assert got["corrected"] == pytest.approx(np.sqrt(excess / side))
    rng = np.random.default_rng(0)
    free = [cramers_v(pd.Series(rng.choice(list("abc"), 80)), pd.Series(rng.choice(10, 80))) for _ in range(40)]
    assert np.mean([f["estimate"] for f in free]) > 0.3 > 0.1 > np.mean([f["corrected"] for f in free])
