"""Effect sizes where correlations are perfect, covariates say everything, tables are sparse or oblong."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuraxis.clinical.effects import cramers_v, false_discovery, partial_correlation, probabilistic_index, rubin

Z95 = 1.959964
NONE = pd.DataFrame(index=range(6))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_perfect_correlation_has_an_interval_on_its_own_side(sign):
    """Fisher's and Fieller's intervals of a correlation just short of one."""
    a = pd.Series([1.0, 2, 3, 4, 5, 6])
    got = partial_correlation(a, sign * a**3, NONE)
    centre = np.arctanh(0.999999)
    for low, high, half in (("r_low", "r_high", Z95 / np.sqrt(3)), ("tau_low", "tau_high", Z95 * np.sqrt(0.437 / 2))):
        ends = sorted(sign * np.tanh([centre - half, centre + half]))
        assert [got[low], got[high]] == pytest.approx(ends, abs=1e-8)
    assert got["partial_r"] == pytest.approx(sign * 0.999999, abs=1e-9) and got["kendall_tau"] == pytest.approx(sign)


def test_what_a_covariate_says_alone_has_no_correlation_left():
    a, b = pd.Series([1.0, 2, 3, 4, 5, 6, 7, 8]), pd.Series([3.0, 1, 4, 8, 5, 2, 7, 6])
    for x, y in ((a, b), (b, a)):
        assert np.isnan(list(partial_correlation(x, y, a.to_frame()).values())).all()
    three = pd.DataFrame(
        {"c": [1.0, 1, 2, 2, 1, 1, 2, 2], "d": [2.0, 1, 1, 2, 2, 1, 1, 2], "e": [1.0, 2, 1, 2, 2, 1, 2, 1]}
    )
    assert np.isfinite(partial_correlation(a, b, three[["c", "d"]])["partial_r"])  # 8 - 2 - 3 are just enough
    assert np.isnan(partial_correlation(a, b, three)["partial_r"])


def test_partial_tau_is_of_the_ranks_that_are_left():
    a, b = pd.Series([3.0, 1, 40, 8, 5, 2, 7, 6]), pd.Series([1.0, 2, 3, 50, 4, 6, 7, 8])
    c = pd.DataFrame({"c": [1.0, 1, 1, 1, 9, 9, 9, 9]})

    def rest(v):
        rank = v.rank()
        return rank - rank.groupby(c["c"]).transform("mean")

    got = partial_correlation(a, b, c)
    assert got["partial_r"] == pytest.approx(np.corrcoef(rest(a), rest(b))[0, 1])
    assert got["partial_tau"] == pytest.approx(stats.kendalltau(rest(a).round(9), rest(b).round(9)).statistic)
    assert got["kendall_tau"] == pytest.approx(stats.kendalltau(a, b).statistic) != got["partial_tau"]
    half = Z95 / np.sqrt(8 - 1 - 3)
    assert got["r_high"] == pytest.approx(np.tanh(np.arctanh(got["partial_r"]) + half), rel=1e-6)


def of_counts(counts):
    """Two categories of these counts, rows by columns."""
    pairs = [(f"r{i}", f"c{j}") for i, row in enumerate(counts) for j, n in enumerate(row) for _ in range(n)]
    return pd.Series([a for a, _ in pairs]), pd.Series([b for _, b in pairs])


@pytest.mark.parametrize("turned", [False, True])
def test_the_v_of_an_oblong_table_by_hand(turned):
    """Three by four: V by the shorter side less one, Bergsma's correction by both."""
    counts = np.array([[20, 5, 9, 8], [6, 22, 7, 9], [8, 7, 25, 6]])
    got = cramers_v(*of_counts(counts.T if turned else counts))
    n = counts.sum()
    expected = counts.sum(1)[:, None] * counts.sum(0)[None] / n
    chi2 = ((counts - expected) ** 2 / expected).sum()
    assert got["estimate"] == pytest.approx(np.sqrt(chi2 / n / 2)) and got["model"] == "chi-square"
    assert got["p"] == pytest.approx(stats.chi2.sf(chi2, 6))
    excess = chi2 / n - 6 / (n - 1)
    side = min(3 - 4 / (n - 1), 4 - 9 / (n - 1)) - 1
    assert got["corrected"] == pytest.approx(np.sqrt(excess / side))
    for end, tail in (("low", 0.975), ("high", 0.025)):
        assert stats.ncx2.cdf(chi2, 6, 2 * n * got[end] ** 2 - 6) == pytest.approx(tail, abs=1e-6)


def test_fishers_test_takes_over_where_more_than_a_fifth_of_the_cells_are_sparse():
    """Of ten cells two may be expected below 5; with three the p is Fisher's."""
    fifth = cramers_v(*of_counts([[9, 12, 8, 10, 4], [12, 9, 11, 9, 5]]))
    assert fifth["model"] == "chi-square"
    more = cramers_v(*of_counts([[9, 12, 3, 10, 3], [12, 9, 6, 11, 5]]))
    assert more["model"] == "Fisher's exact test" and 0.5 < more["p"] < 1 and more["low"] == 0


def test_an_interval_begins_at_nothing_unless_the_test_finds_something():
    weak = cramers_v(*of_counts([[24, 16], [16, 24]]))
    chi2 = 80 * (24 * 24 - 16 * 16) ** 2 / 40**4
    assert weak["p"] == pytest.approx(stats.chi2.sf(chi2, 1)) and 0.05 < weak["p"] < 0.075
    assert weak["low"] == 0 < weak["estimate"] < weak["high"] < 1
    sure = cramers_v(*of_counts([[30, 10], [12, 28]]))
    assert sure["p"] < 0.05 and 0 < sure["low"] < sure["estimate"]
    # an interval of the noncentrality may pass what V can be
    assert cramers_v(*of_counts([[9, 0], [0, 9]]))["high"] == 1


def test_degrees_of_freedom_have_an_end_and_two_draws_one():
    near = rubin(np.array([0.3, 0.3001]), np.array([0.04, 0.04]))
    assert near.freedom == 1e6 and near.error == pytest.approx(0.2, abs=1e-4)
    far = rubin(np.array([0.0, 1.0, 2.0, 5.0]), np.array([0.1, 0.2, 0.3, 0.4]))
    between = np.var([0, 1, 2, 5], ddof=1) * 5 / 4
    assert far.freedom == pytest.approx(3 * (1 + 0.25 / between) ** 2) and far.error == pytest.approx(
        np.sqrt(0.25 + between)
    )


def test_q_has_no_number_where_p_has_none_and_keeps_its_rows():
    p = pd.Series([0.04, np.nan, 0.01, 0.03], index=[7, 3, 5, 1])
    got = false_discovery(p, [pd.Series("f", p.index)])
    assert got.index.tolist() == [7, 3, 5, 1] and got.loc[[5, 1, 7]].tolist() == pytest.approx([0.03, 0.04, 0.04])
    assert np.isnan(got[3])


def test_two_values_are_enough_to_compare_ranks():
    got = probabilistic_index(pd.Series([1.0, 1, 1, 1, 0]), pd.Series([0.0, 0, 1, 0, 0, 0]))
    # of 30 pairs: 4 x 5 won, 4 x 1 + 1 x 5 even
    assert (
        got["prob_index"] == pytest.approx((20 + 4.5) / 30)
        and 0.5 < got["pi_low"] < got["prob_index"] < got["pi_high"] <= 1
    )
