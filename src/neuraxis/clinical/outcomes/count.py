"""Counts over years: negative binomial, or Poisson where counts are no more spread than that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.special import gammaln

from ..fit import Fit, band, of_statsmodels
from .base import Curve, MeanScores, Outcome

#: Pearson's chi-square per degree of freedom of a Poisson model above which counts are called overdispersed.
OVERDISPERSED = 1.2


@dataclass(frozen=True)
class Count(Outcome):
    """Negative binomial with log(exposure) as offset; Poisson with Pearson's scale where not overdispersed."""

    type: ClassVar[str] = "count"
    asks: ClassVar[str] = "exposure: years"
    effect: ClassVar[str] = "rate ratio"
    direction: ClassVar[tuple[str, str]] = ("more {o}", "fewer {o}")
    averaged: ClassVar[str] = "log-linear, mean over groups"

    def _offset(self, cases):
        return None if cases.exposure is None else np.log(cases.exposure)

    def plan(self, cases, n_terms, groups=None) -> str:
        """By the spread around a Poisson model of the covariates alone."""
        family = sm.families.Poisson()
        fit = sm.GLM(cases.y, sm.add_constant(cases.x, has_constant="add").assign(const=1.0), family=family,
                     offset=self._offset(cases)).fit()  # fmt: skip
        return "negative binomial" if fit.pearson_chi2 / max(fit.df_resid, 1) > OVERDISPERSED else "Poisson"

    def fit_with(self, plan, y, x, names, cases) -> Fit | None:
        """The planned of the two."""
        if plan == "negative binomial":
            fit = sm.NegativeBinomial(y, sm.add_constant(x), offset=self._offset(cases)).fit(disp=0, maxiter=500)
            done = fit.mle_retvals["converged"] and np.isfinite(fit.bse[names]).all()
            return of_statsmodels(fit, names, plan) if done else None
        fit = sm.GLM(y, sm.add_constant(x), family=sm.families.Poisson(), offset=self._offset(cases))
        fit = fit.fit(scale="X2" if len(y) > x.shape[1] + 1 else None)
        return of_statsmodels(fit, names, "Poisson (not overdispersed)") if fit.converged else None

    def mean_scores(self, cases, predictor, weights) -> MeanScores:
        """Quasi-likelihood of the averaged mean, its variance mu + alpha mu^2 with alpha by moments around one common rate.

        Robust errors hold whatever the variance is; a rough one only makes them a little longer.
        """
        y = cases.y.to_numpy(float)
        years = np.ones(len(y)) if cases.exposure is None else cases.exposure.to_numpy(float)
        common = years * max(y.sum() / years.sum(), 1e-12)
        alpha = max(((y - common) ** 2 - y).sum() / (common**2).sum(), 1e-6)
        each = years[:, None] * np.exp(np.clip(predictor, -30, 30))
        mean = np.maximum((weights * each).sum(axis=1), 1e-12)
        value = y * np.log(mean) - (y + 1 / alpha) * np.log1p(alpha * mean)
        return value, y - mean, mean * (1 + alpha * mean), weights * each

    def nuisance(self, cases) -> np.ndarray:
        """Intercept and log of the dispersion."""
        years = 1.0 if cases.exposure is None else cases.exposure
        return np.array([np.log(max((cases.y / years).mean(), 1e-3)), -0.5])

    def log_density(self, cases, predictor, nuisance) -> np.ndarray:
        """Negative binomial of variance mu + alpha mu^2."""
        offset = self._offset(cases)
        eta = predictor + nuisance[0] + (0.0 if offset is None else offset.to_numpy()[:, None])
        size, y = np.exp(-np.clip(nuisance[1], -10, 10)), cases.y.to_numpy()[:, None]
        log_mu = np.clip(eta, -30, 30)
        log_sum = np.logaddexp(np.log(size), log_mu)
        return (
            gammaln(y + size)
            - gammaln(size)
            - gammaln(y + 1)
            + size * (np.log(size) - log_sum)
            + y * (log_mu - log_sum)
        )

    def curve(self, y, stage, at, exposure) -> Curve:
        """Poisson, with the spread of the counts."""
        offset = None if exposure is None else np.log(exposure)
        design = sm.add_constant(stage, has_constant="add")
        fit = sm.GLM(y, design, family=sm.families.Poisson(), offset=offset).fit(scale="X2")
        return *band(fit, at, np.exp), "Poisson, with the spread of the counts"

    def comparable(self, cases) -> pd.Series:
        """The rate: people are observed for different times."""
        return cases.y if cases.exposure is None else cases.y / cases.exposure

    def values(self, people) -> pd.Series:
        """The rate."""
        y = people[self.column].astype(float)
        return y / people[self.exposure].astype(float) if self.exposure else y

    @property
    def rates(self) -> bool:
        """With years."""
        return bool(self.exposure)

    def rate(self, people) -> float:
        """Of these people together: all they had over all their years."""
        both = people[[self.column, self.exposure]].astype(float).dropna()
        both = both[both[self.exposure] > 0]
        years = both[self.exposure].sum()
        return float(both[self.column].sum() / years) if years > 0 else np.nan

    @property
    def label(self) -> str:
        """With the unit of the rate."""
        return super().label + (" per year" if self.exposure else "")

    @property
    def axis_scale(self) -> str:
        """Rates have zeros."""
        return "symlog" if self.exposure else "linear"
