"""Event by the last visit: complementary log-log with log(years)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import statsmodels.api as sm

from ..fit import Fit, of_statsmodels
from .base import Outcome


@dataclass(frozen=True)
class Discrete(Outcome):
    """A proportional hazards model of which only "event by the last visit" is known."""

    type: ClassVar[str] = "discrete"
    asks: ClassVar[str] = 'time: years; only "event by the last visit" is known'
    effect: ClassVar[str] = "HR"
    has_events: ClassVar[bool] = True
    needs_time: ClassVar[bool] = True
    drawn: ClassVar[str] = "share"
    against_stage: ClassVar[bool] = False
    ranked: ClassVar[bool] = False
    direction: ClassVar[tuple[str, str]] = ("a higher hazard of {o}", "a lower hazard of {o}")

    def fit_with(self, plan, y, x, names, cases) -> Fit | None:
        """Binomial GLM with log(years) as offset."""
        family = sm.families.Binomial(link=sm.families.links.CLogLog())
        fit = sm.GLM(y, sm.add_constant(x), family=family, offset=np.log(cases.time)).fit(maxiter=200)
        return of_statsmodels(fit, names, "complementary log-log with log(years)") if fit.converged else None

    def nuisance(self, cases) -> np.ndarray:
        """The log hazard of the reference."""
        return np.array([np.log(max(cases.y.sum(), 0.5) / cases.time.sum())])

    def log_density(self, cases, predictor, nuisance) -> np.ndarray:
        """Event or none by the last visit."""
        hazard = np.exp(np.clip(predictor + nuisance[0] + np.log(cases.time.to_numpy())[:, None], -30, 6))
        return np.where(cases.y.to_numpy()[:, None] == 1, np.log(-np.expm1(-hazard)), -hazard)
