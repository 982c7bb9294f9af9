"""Measurements on a scale: least squares, or Huber's regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats

from ..fit import Fit, of_statsmodels
from .base import Outcome


def standardised(y) -> pd.Series:
    """In SD from the mean."""
    return (y - y.mean()) / y.std()


@dataclass(frozen=True)
class Continuous(Outcome):
    """Ordinary least squares of the standardised outcome."""

    type: ClassVar[str] = "continuous"
    effect: ClassVar[str] = "standardised beta"
    linear: ClassVar[bool] = True
    #: Degrees of freedom of the residuals' distribution when labels are imputed.
    tails: ClassVar[float] = np.inf

    def fit_with(self, plan, y, x, names, cases) -> Fit | None:
        """Least squares."""
        return of_statsmodels(sm.OLS(standardised(y), sm.add_constant(x)).fit(), names, "OLS")

    def nuisance(self, cases) -> np.ndarray:
        """Intercept and log SD of the residuals."""
        return np.zeros(2)

    def log_density(self, cases, predictor, nuisance) -> np.ndarray:
        """Normal, or Student's t."""
        spread = np.exp(nuisance[1])
        rest = (standardised(cases.y).to_numpy()[:, None] - nuisance[0] - predictor) / spread
        shape = stats.norm.logpdf(rest) if np.isinf(self.tails) else stats.t.logpdf(rest, self.tails)
        return shape - nuisance[1]


@dataclass(frozen=True)
class Robust(Continuous):
    """Huber's M-estimator of the standardised outcome."""

    type: ClassVar[str] = "robust"
    nested: ClassVar[bool] = False
    line: ClassVar[tuple] = (sm.RLM, "Huber regression")
    tails: ClassVar[float] = 5.0

    def fit_with(self, plan, y, x, names, cases) -> Fit | None:
        """Huber regression."""
        fit = sm.RLM(standardised(y), sm.add_constant(x)).fit(maxiter=200)
        done = fit.fit_history["iteration"] < 200
        return of_statsmodels(fit, names, "Huber regression", likelihood=False) if done else None
