"""What a fitted model gives: terms, contrasts with 95 % intervals, or the reason why there is no number."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

#: Half-width of a 95 % interval in standard errors.
Z95 = float(stats.norm.ppf(0.975))
#: Standard errors above this on the log scale mean that groups separate.
HUGE_SE = 20.0


class Effect(NamedTuple):
    """A weighted sum of terms on the model's scale: estimate, standard error, 95 % interval, two-sided p."""

    estimate: float
    error: float
    low: float
    high: float
    p: float


#: Where a profile has no end within reach: no number without its interval.
NO_EFFECT = Effect(*[float("nan")] * 5)
NO_PROFILE = "no profile interval could be found"


def band(fit, at: np.ndarray, inverse: Callable = lambda v: v) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and its 95 % interval at some stages, of a model of an intercept and the stage.

    Parameters
    ----------
    fit : object
        Results of statsmodels.
    at : ndarray
        Stages.
    inverse : callable
        From the model's scale to that of the values.
    """
    design = np.column_stack([np.ones_like(at), at])
    eta = design @ np.asarray(fit.params)
    error = np.sqrt(np.einsum("ij,jk,ik->i", design, np.asarray(fit.cov_params()), design))
    return inverse(eta), inverse(eta - Z95 * error), inverse(eta + Z95 * error)


@dataclass
class Fit:
    """Terms of one fitted model on its own scale (log for ratios).

    Attributes
    ----------
    estimate : Series
        Per term; empty where refused.
    covariance : DataFrame
    n : int
    n_events : int
        Events of outcomes that have them, else 0.
    log_likelihood : float
        Missing where the model has none (robust, quasi-likelihood).
    n_parameters : int
    model : str
        What was fitted.
    reason : str
        Why there is no number.
    penalised : bool
        Wald intervals do not hold; `profile` gives those of the penalised likelihood.
    profile : callable, optional
        Weights of the terms to an `Effect`.
    """

    estimate: pd.Series
    covariance: pd.DataFrame
    n: int = 0
    n_events: int = 0
    log_likelihood: float = np.nan
    n_parameters: int = 0
    model: str = ""
    reason: str = ""
    penalised: bool = False
    profile: Callable | None = None

    def contrast(self, weights: dict[str, float]) -> Effect:
        """Estimate, standard error, 95 % interval and two-sided p of a weighted sum of terms."""
        w = pd.Series(weights, dtype=float).reindex(self.estimate.index).fillna(0.0)
        if self.profile is not None:
            return self.profile(w)
        value = float(w @ self.estimate)
        error = float(np.sqrt(w @ self.covariance @ w))
        p = float(2 * stats.norm.sf(abs(value) / error)) if error > 0 else np.nan
        return Effect(value, error, value - Z95 * error, value + Z95 * error, p)


def refused(n: int, reason: str, n_events: int = 0) -> Fit:
    """A fit without numbers."""
    return Fit(pd.Series(dtype=float), pd.DataFrame(), n, n_events, reason=reason)


def of_statsmodels(fit, names, model: str, likelihood=True) -> Fit:
    """The terms `names` of a statsmodels result."""
    covariance = fit.cov_params()
    return Fit(
        fit.params[names],
        covariance.loc[names, names],
        log_likelihood=float(fit.llf) if likelihood else np.nan,
        n_parameters=len(fit.params),
        model=model,
    )


def penalised(make, x: pd.DataFrame, y, names: list[str], model: str) -> Fit | None:
    """A Firth model with intervals and p from its profile penalised likelihood (Heinze & Schemper 2001, 2002).

    Parameters
    ----------
    make : callable
        Gives an unfitted firthmodels estimator.
    x : DataFrame, shape (n, T)
        Terms and covariates.
    y : array
        What the estimator's `fit` wants.
    names : list of str
        The terms.

    Returns
    -------
    Fit or None
        None where it did not converge. A contrast turns the terms so that it is one of them, and profiles that one.
    """
    fit = make().fit(x.to_numpy(), y)
    if not getattr(fit, "converged_", True):
        return None

    def profile(weights: pd.Series) -> Effect:
        w = weights.reindex(x.columns).fillna(0.0).to_numpy()
        pivot = int(np.argmax(np.abs(w)))
        turn = np.eye(len(w))
        turn[pivot] = w  # first the contrast in place of its largest term, all others as they are
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                turned = make().fit(x.to_numpy() @ np.linalg.inv(turn), y)
                low, high = turned.conf_int(method="pl", features=pivot, max_iter=200)[pivot]
                p = turned.lrt(pivot).lrt_pvalues_[pivot]
        except (np.linalg.LinAlgError, ValueError, RuntimeError):
            return NO_EFFECT
        found = Effect(float(turned.coef_[pivot]), float(turned.lrt_bse_[pivot]), float(low), float(high), float(p))
        # where the profile is flat the search for both ends may come to one of them
        return found if np.isfinite([low, high, p]).all() and low < found.estimate < high else NO_EFFECT

    variance = pd.Series(np.asarray(fit.bse_)[: x.shape[1]] ** 2, x.columns)[names]
    return Fit(
        pd.Series(fit.coef_, x.columns)[names],
        pd.DataFrame(np.diag(variance), names, names),
        log_likelihood=float(fit.loglik_),
        n_parameters=x.shape[1],
        model=model,
        penalised=True,
        profile=profile,
    )
