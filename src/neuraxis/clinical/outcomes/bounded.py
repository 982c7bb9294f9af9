"""Scores between 0 and a maximum (MoCA, MMSE): fractional logistic regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import statsmodels.api as sm
from scipy.special import expit, log_expit

from ...errors import InputError, counted
from ..fit import Fit, band, of_statsmodels
from .base import Curve, MeanScores, Outcome


@dataclass(frozen=True)
class Bounded(Outcome):
    """Logit of the mean share of the maximum, with robust errors (Papke & Wooldridge 1996)."""

    type: ClassVar[str] = "bounded"
    asks: ClassVar[str] = "maximum"
    effect: ClassVar[str] = "OR of the mean"
    needs_maximum: ClassVar[bool] = True
    nested: ClassVar[bool] = False
    averaged: ClassVar[str] = "fractional logistic, mean over groups"

    def check_values(self, y) -> None:
        """Nothing below 0 or above the maximum."""
        wrong = y[(y.astype(float) < 0) | (y.astype(float) > self.maximum)]
        if len(wrong):
            raise InputError(
                f"clinical outcome {self.name}: {self.column} must lie between 0 and {self.maximum:g}; it does not in "
                f"{counted(len(wrong), 'person')}, first {wrong.index[0]} with {wrong.iloc[0]:g}"
            )

    def fit_with(self, plan, y, x, names, cases) -> Fit | None:
        """Quasi-likelihood with the variance of a binomial, robust covariance."""
        model = sm.GLM(y / self.maximum, sm.add_constant(x), family=sm.families.Binomial())
        fit = model.fit(cov_type="HC1", maxiter=200)
        return of_statsmodels(fit, names, "fractional logistic", likelihood=False) if fit.converged else None

    def mean_scores(self, cases, predictor, weights) -> MeanScores:
        """Quasi-likelihood of a share with the averaged mean."""
        each = expit(predictor)
        mean = np.clip((weights * each).sum(axis=1), 1e-12, 1 - 1e-12)
        share = (cases.y / self.maximum).to_numpy(float)
        value = share * np.log(mean) + (1 - share) * np.log1p(-mean)
        return value, share - mean, mean * (1 - mean), weights * each * (1 - each)

    def curve(self, y, stage, at, exposure) -> Curve:
        """Logit of the mean share, with robust errors."""
        design = sm.add_constant(stage, has_constant="add")
        fit = sm.GLM(y / self.maximum, design, family=sm.families.Binomial()).fit(cov_type="HC1")
        middle, low, high = (self.maximum * v for v in band(fit, at, expit))
        return middle, low, high, "fractional logistic"

    def nuisance(self, cases) -> np.ndarray:
        """The intercept, and the log of how many independent items the score is worth."""
        p = np.clip(cases.y.mean() / self.maximum, 0.01, 0.99)
        spread = max(float((cases.y / self.maximum).var()), 1e-6)
        return np.array([np.log(p / (1 - p)), np.log(p * (1 - p) / spread)])

    def log_density(self, cases, predictor, nuisance) -> np.ndarray:
        """Double-binomial quasi-likelihood (Efron 1986) with its dispersion."""
        eta, share = predictor + nuisance[0], (cases.y / self.maximum).to_numpy()[:, None]
        items = np.exp(np.clip(nuisance[1], -5, 8))
        best = np.where(share > 0, share * np.log(np.maximum(share, 1e-300)), 0.0)
        best = best + np.where(share < 1, (1 - share) * np.log(np.maximum(1 - share, 1e-300)), 0.0)
        return 0.5 * np.log(items) + items * (share * log_expit(eta) + (1 - share) * log_expit(-eta) - best)
