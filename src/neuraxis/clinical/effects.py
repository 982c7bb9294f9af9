"""Effect sizes beside the models, pooling over draws, and the false-discovery rate."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import brentq
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.nonparametric import rank_compare_2indep


def probabilistic_index(a: pd.Series, b: pd.Series) -> dict[str, float]:
    """P(a > b) + P(a = b) / 2 with its 95 % interval (Brunner & Munzel 2000), and Cliff's delta = 2 PI - 1."""
    nothing = dict.fromkeys(("prob_index", "pi_low", "pi_high", "cliffs_delta"), np.nan)
    if len(a) < 5 or len(b) < 5 or pd.concat([a, b]).nunique() < 2:
        return nothing
    test = rank_compare_2indep(a.to_numpy(float), b.to_numpy(float))
    with np.errstate(invalid="ignore"):
        low, high = test.conf_int()
    return {
        "prob_index": float(test.prob1),
        "pi_low": float(np.clip(low, 0, 1)),
        "pi_high": float(np.clip(high, 0, 1)),
        "cliffs_delta": float(2 * test.prob1 - 1),
    }


def partial_correlation(a: pd.Series, b: pd.Series, covariates: pd.DataFrame) -> dict[str, float]:
    """Spearman correlation of `a` and `b` given covariates, with 95 % interval (Fisher's z), and Kendall's tau-b."""
    nothing = dict.fromkeys(("partial_r", "r_low", "r_high", "kendall_tau"), np.nan)
    free = len(a) - covariates.shape[1] - 3
    if free < 3 or a.nunique() < 2 or b.nunique() < 2:
        return nothing
    design = np.column_stack([np.ones(len(a)), covariates.rank().to_numpy(float)])

    def rest(v):
        rank = v.rank().to_numpy(float)
        return rank - design @ np.linalg.lstsq(design, rank, rcond=None)[0]

    x, y = rest(a), rest(b)
    if np.ptp(x) < 1e-9 or np.ptp(y) < 1e-9:
        return nothing
    r = float(np.clip(np.corrcoef(x, y)[0, 1], -0.999999, 0.999999))
    low, high = np.tanh(np.arctanh(r) + np.array([-1, 1]) * 1.96 / np.sqrt(free))
    return {
        "partial_r": r,
        "r_low": float(low),
        "r_high": float(high),
        "kendall_tau": float(stats.kendalltau(a, b).statistic),
    }


def cramers_v(a: pd.Series, b: pd.Series) -> dict | None:
    """Two categories against each other: Cramer's V with 95 % interval, and p.

    The p is of the chi-square test, or of Fisher's exact test by simulation (seeded) where more than a fifth of the
    expected counts are below 5. The interval inverts the noncentral chi-square (Smithson 2003); it starts at 0 unless p <= 0.05.

    Returns
    -------
    dict or None
        estimate, low, high, p, model; None where one of them has a single value.
    """
    table = pd.crosstab(a, b)
    if min(table.shape, default=0) < 2:
        return None
    chi2, p, df, expected = stats.chi2_contingency(table, correction=False)
    model = "chi-square"
    if (expected < 5).mean() > 0.2:
        # two by two the test is exact at once; simulated, scipy gives its p as a number or as an array of one
        monte_carlo = stats.MonteCarloMethod(rng=np.random.default_rng(0), n_resamples=9999)
        p = stats.fisher_exact(table.to_numpy(), method=None if table.shape == (2, 2) else monte_carlo).pvalue
        p = np.asarray(p).item()
        model = "Fisher's exact test"
    scale = table.to_numpy().sum() * (min(table.shape) - 1)
    low, high = (float(np.sqrt(min((v + df) / scale, 1.0))) for v in _noncentrality(chi2, df))
    return {
        "estimate": float(np.sqrt(chi2 / scale)),
        "low": 0.0 if p > 0.05 else low,
        "high": high,
        "p": float(p),
        "model": model,
    }


def _noncentrality(chi2: float, df: int) -> tuple[float, float]:
    """95 % interval of the noncentrality of a chi-square statistic, 0 where even 0 is too large."""
    ends = []
    for tail in (0.975, 0.025):
        if stats.chi2.cdf(chi2, df) < tail:
            ends.append(0.0)
        else:
            ends.append(brentq(lambda v, tail=tail: stats.ncx2.cdf(chi2, df, v) - tail, 1e-9, 10 * chi2 + 50))
    return ends[0], ends[1]


def rubin(estimates: np.ndarray, variances: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pool estimates over draws (Rubin 1987).

    Parameters
    ----------
    estimates, variances : ndarray, shape (draws, T)

    Returns
    -------
    estimate, standard error, p : ndarray, shape (T,)
        p from Student's t with Rubin's degrees of freedom.
    """
    m = len(estimates)
    mean, within = estimates.mean(axis=0), variances.mean(axis=0)
    between = estimates.var(axis=0, ddof=1) if m > 1 else np.zeros_like(mean)
    added = (1 + 1 / m) * between
    error = np.sqrt(within + added)
    freedom = np.minimum((m - 1) * (1 + within / np.maximum(added, 1e-300)) ** 2, 1e6)
    return mean, error, 2 * stats.t.sf(np.abs(mean) / error, freedom)


def false_discovery(p: pd.Series, by: list[pd.Series]) -> pd.Series:
    """Benjamini-Hochberg q inside every group of `by`; missing where p is."""
    q = pd.Series(np.nan, index=p.index)
    known = p.notna()
    for _, rows in p[known].groupby([b[known] for b in by]).groups.items():
        q[rows] = multipletests(p[rows], method="fdr_bh")[1]
    return q
