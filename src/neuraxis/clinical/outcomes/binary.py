"""Yes or no: logistic regression, Firth's where events are few."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd
import statsmodels.api as sm
from firthmodels import FirthLogisticRegression
from scipy.special import log_expit

from ..fit import Fit, of_statsmodels, penalised
from .base import Outcome

#: Events per term below which logistic and Cox models are penalised (Firth).
SPARSE = 5


def empty_cell(y: pd.Series, groups: pd.DataFrame | None, answers) -> bool:
    """Is there a group (a column of zeros and ones) or its rest in which nobody has one of the answers?"""
    if groups is None:
        return False
    groups = groups.loc[y.index]
    for c in groups:
        if groups[c].isin([0.0, 1.0]).all() and groups[c].nunique() == 2:
            if any(not (y[groups[c] == v] == a).any() for v in (0.0, 1.0) for a in answers):
                return True
    return False


@dataclass(frozen=True)
class Binary(Outcome):
    """Logistic regression; Firth's with profile intervals below `SPARSE` events a term."""

    type: ClassVar[str] = "binary"
    effect: ClassVar[str] = "OR"
    has_events: ClassVar[bool] = True
    drawn: ClassVar[str] = "share"
    against_stage: ClassVar[bool] = False
    ranked: ClassVar[bool] = False
    direction: ClassVar[tuple[str, str]] = ("higher odds of {o}", "lower odds of {o}")

    def plan(self, cases, n_terms, groups=None) -> str:
        """By the number of the rarer answer, and by groups that all answer alike."""
        events = self.n_events(cases)
        sparse = min(events, len(cases.y) - events) < SPARSE * n_terms
        return "Firth logistic" if sparse or empty_cell(cases.y, groups, (0, 1)) else "logistic"

    def fit_with(self, plan, y, x, names, cases) -> Fit | None:
        """The planned of the two."""
        if plan == "logistic":
            fit = sm.Logit(y, sm.add_constant(x)).fit(disp=0, maxiter=200)
            return of_statsmodels(fit, names, plan) if fit.mle_retvals["converged"] else None
        return penalised(partial(FirthLogisticRegression, backend="numpy", max_iter=200), x, y.to_numpy(), names, plan)

    def nuisance(self, cases) -> np.ndarray:
        """The intercept."""
        p = np.clip(cases.y.mean(), 0.01, 0.99)
        return np.array([np.log(p / (1 - p))])

    def log_density(self, cases, predictor, nuisance) -> np.ndarray:
        """Bernoulli."""
        eta, y = predictor + nuisance[0], cases.y.to_numpy()[:, None]
        return np.where(y == 1, log_expit(eta), log_expit(-eta))
