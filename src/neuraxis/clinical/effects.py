"""Effect sizes beside the models, pooling over draws, and the false-discovery rate."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import brentq
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.nonparametric import rank_compare_2indep

from .fit import Z95


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
    """Rank correlations of `a` and `b`, plain and given covariates.

    Returns
    -------
    dict
        partial_r, r_low, r_high: Spearman's given the covariates, with Fisher's 95 % interval; kendall_tau, tau_low,
        tau_high, tau_p: Kendall's tau-b with the interval of Fieller, Hartley & Pearson (1957), variance
        0.437 / (n - 4) of its arc tangent; partial_tau: tau-b of the ranks that the covariates leave over.
    """
    names = ("partial_r", "r_low", "r_high", "kendall_tau", "tau_low", "tau_high", "tau_p", "partial_tau")
    nothing = dict.fromkeys(names, np.nan)
    free = len(a) - covariates.shape[1] - 3
    if free < 3 or len(a) < 6 or a.nunique() < 2 or b.nunique() < 2:
        return nothing
    design = np.column_stack([np.ones(len(a)), covariates.rank().to_numpy(float)])

    def rest(v):
        rank = v.rank().to_numpy(float)
        return rank - design @ np.linalg.lstsq(design, rank, rcond=None)[0]

    x, y = rest(a), rest(b)
    if np.ptp(x) < 1e-9 or np.ptp(y) < 1e-9:
        return nothing
    r = float(np.clip(np.corrcoef(x, y)[0, 1], -0.999999, 0.999999))
    low, high = np.tanh(np.arctanh(r) + np.array([-1, 1]) * Z95 / np.sqrt(free))
    tau, p = stats.kendalltau(a, b)
    near = np.arctanh(np.clip(tau, -0.999999, 0.999999))
    tau_low, tau_high = np.tanh(near + np.array([-1, 1]) * Z95 * np.sqrt(0.437 / (len(a) - 4)))
    # without covariates the rounding of the residuals must not break ties
    left = tau if covariates.shape[1] == 0 else stats.kendalltau(x.round(9), y.round(9)).statistic
    values = (r, low, high, tau, tau_low, tau_high, p, left)
    return dict(zip(names, map(float, values), strict=True))


def cramers_v(a: pd.Series, b: pd.Series) -> dict | None:
    """Two categories against each other: Cramer's V with 95 % interval, and p.

    The p is of the chi-square test, or of Fisher's exact test by simulation (seeded) where more than a fifth of the
    expected counts are below 5. The interval inverts the noncentral chi-square (Smithson 2003); it starts at 0 unless p <= 0.05.

    Returns
    -------
    dict or None
        estimate, low, high, p, model, corrected (V less what chance gives, Bergsma 2013); None where one of them has a single value.
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
    n, (r, c) = table.to_numpy().sum(), table.shape
    excess = max(chi2 / n - df / (n - 1), 0.0)
    side = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    return {
        "corrected": float(np.sqrt(excess / side)) if side > 0 else 0.0,
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


class Pooled(NamedTuple):
    """Rubin's pooled estimate: standard error, degrees of freedom, 95 % interval and p from Student's t."""

    estimate: float
    error: float
    freedom: float
    low: float
    high: float
    p: float


def rubin(estimates: np.ndarray, variances: np.ndarray) -> Pooled:
    """Pool estimates over imputed data sets (Rubin 1987, eqs. 3.1.2-3.1.6).

    Parameters
    ----------
    estimates, variances : ndarray, shape (m,)
        m >= 2 estimates and their squared standard errors.

    Returns
    -------
    Pooled
        Degrees of freedom (m - 1) (1 + W / ((1 + 1/m) B))^2, W the mean variance, B the variance of the estimates.
    """
    m = len(estimates)
    mean, within = float(np.mean(estimates)), float(np.mean(variances))
    added = (1 + 1 / m) * float(np.var(estimates, ddof=1))
    error = float(np.sqrt(within + added))
    freedom = min((m - 1) * (1 + within / added) ** 2, 1e6) if added > 0 else 1e6
    half = float(stats.t.ppf(0.975, freedom)) * error
    p = float(2 * stats.t.sf(abs(mean) / error, freedom)) if error > 0 else np.nan
    return Pooled(mean, error, freedom, mean - half, mean + half, p)


def false_discovery(p: pd.Series, by: list[pd.Series]) -> pd.Series:
    """Benjamini-Hochberg q inside every group of `by`; missing where p is."""
    q = pd.Series(np.nan, index=p.index)
    known = p.notna()
    for rows in p[known].groupby([b[known] for b in by]).groups.values():
        q[rows] = multipletests(p[rows], method="fdr_bh")[1]
    return q
