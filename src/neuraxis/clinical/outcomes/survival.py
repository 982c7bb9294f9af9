"""Time to an event: Cox, Firth's where events are few."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import lifelines
import numpy as np
import pandas as pd
from firthmodels import FirthCoxPH
from lifelines.statistics import proportional_hazard_test
from statsmodels.duration.hazard_regression import PHReg

from ..cases import Cases
from ..fit import Fit, penalised
from .base import Outcome
from .binary import SPARSE, empty_cell

PROPORTIONAL_HAZARDS = "proportional hazards (Schoenfeld)"
#: Pieces of constant hazard when labels are imputed.
PIECES = 5


@dataclass(frozen=True)
class Survival(Outcome):
    """Cox with strata; Firth's (without strata) with profile intervals below `SPARSE` events a term."""

    type: ClassVar[str] = "survival"
    asks: ClassVar[str] = "time: years"
    timed: ClassVar[bool] = True
    effect: ClassVar[str] = "HR"
    has_events: ClassVar[bool] = True
    needs_time: ClassVar[bool] = True
    drawn: ClassVar[str] = ""
    against_stage: ClassVar[bool] = False
    ranked: ClassVar[bool] = False
    direction: ClassVar[tuple[str, str]] = ("a higher hazard of {o}", "a lower hazard of {o}")

    def plan(self, cases, n_terms, groups=None) -> str:
        """By the number of events, and by groups without one."""
        sparse = self.n_events(cases) < SPARSE * n_terms
        return "Firth Cox" if sparse or empty_cell(cases.y, groups, (1,)) else "Cox"

    def fit_with(self, plan, y, x, names, cases) -> Fit | None:
        """The planned of the two."""
        if plan == "Firth Cox":
            label = plan + (" without strata" if cases.strata is not None else "")
            make = partial(FirthCoxPH, backend="numpy", max_iter=200)
            return penalised(make, x, (y.to_numpy(bool), cases.time.to_numpy()), names, label)
        return cox(y, x, names, cases, plan)

    def check(self, cases, terms, tested=None) -> tuple[str, float]:
        """Scaled Schoenfeld residuals against rank of time (Grambsch & Therneau 1994): smallest p times their number."""
        if len(cases.y) < 40:
            return "", np.nan
        x = independent(terms.loc[cases.y.index].astype(float).join(cases.x), cases.strata)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                data, strata = cox_frame(cases.y, x, cases)
                fit = lifelines.CoxPHFitter().fit(data, "_time", "_event", strata=strata)
                test = proportional_hazard_test(fit, data, time_transform="rank")
        except (np.linalg.LinAlgError, lifelines.exceptions.ConvergenceError, ValueError, FloatingPointError):
            return PROPORTIONAL_HAZARDS, np.nan
        p = np.asarray(test.summary["p"].reindex(terms.columns if tested is None else tested), float)
        if not np.isfinite(p).any():
            return PROPORTIONAL_HAZARDS, np.nan
        return PROPORTIONAL_HAZARDS, float(min(np.nanmin(p) * np.isfinite(p).sum(), 1.0))

    def _cuts(self, cases) -> np.ndarray:
        """Ends of the pieces, with about the same number of events in each."""
        when = cases.time[cases.y == 1]
        inner = np.unique(np.quantile(when, np.arange(1, PIECES) / PIECES)) if len(when) else np.array([])
        return np.r_[0.0, inner, np.inf]

    def nuisance(self, cases) -> np.ndarray:
        """Log hazard of every piece."""
        cuts = self._cuts(cases)
        return np.full(len(cuts) - 1, np.log(max(cases.y.sum(), 0.5) / cases.time.sum()))

    def log_density(self, cases, predictor, nuisance) -> np.ndarray:
        """Piecewise constant hazard."""
        cuts, time = self._cuts(cases), cases.time.to_numpy()
        spent = np.clip(time[:, None] - cuts[:-1], 0, np.diff(cuts))
        cumulative = spent @ np.exp(np.clip(nuisance, -30, 10))
        piece = np.clip(np.searchsorted(cuts, time, side="left") - 1, 0, len(nuisance) - 1)
        eta = np.clip(predictor, -30, 30)
        return cases.y.to_numpy()[:, None] * (nuisance[piece][:, None] + eta) - cumulative[:, None] * np.exp(eta)


def independent(x: pd.DataFrame, strata: pd.DataFrame | None = None) -> pd.DataFrame:
    """Columns without those that follow, within strata, from the ones before them: the same model, which can be inverted.

    Examples
    --------
    >>> x = pd.DataFrame({"age": [20.0, 31.0, 45.0, 60.0], "onset": [18.0, 30.0, 40.0, 51.0]})
    >>> list(independent(x.assign(duration=x["age"] - x["onset"])))
    ['age', 'onset']
    """
    centred = x - (x.mean() if strata is None else x.groupby([strata[c] for c in strata]).transform("mean"))
    length = np.sqrt((centred**2).sum()).replace(0.0, 1.0)
    left = np.abs(np.diag(np.linalg.qr((centred / length).to_numpy(float))[1]))
    return x.loc[:, np.r_[left > 1e-7, np.zeros(x.shape[1] - len(left), bool)]]


def cox(y: pd.Series, x: pd.DataFrame, names: list[str], cases: Cases, plan: str) -> Fit | None:
    """Cox with Efron's ties by statsmodels, several times faster than lifelines' on the same numbers.

    Returns
    -------
    Fit or None
        None where the score does not vanish: Newton's steps ran off or stopped short.
    """
    assert cases.time is not None  # the type needs it
    scale = x.std().replace(0.0, 1.0)  # years beside shares: Newton's steps do not overflow on one scale
    strata = None if cases.strata is None else cases.strata.groupby(list(cases.strata)).ngroup().to_numpy()
    model = PHReg(cases.time.to_numpy(float), (x - x.mean()) / scale, y.to_numpy(int), strata=strata, ties="efron")
    with np.errstate(over="ignore", invalid="ignore"):
        fit = model.fit(disp=0)
        if not np.abs(model.score(fit.params)).max() < 1e-3 * max(y.sum(), 1):
            return None
    covariance = pd.DataFrame(fit.cov_params() / np.outer(scale, scale), x.columns, x.columns)
    estimate = pd.Series(fit.params / scale.to_numpy(), x.columns)
    return Fit(estimate[names], covariance.loc[names, names], 0, 0, float(fit.llf), x.shape[1], plan)


def cox_frame(y: pd.Series, x: pd.DataFrame, cases: Cases) -> tuple[pd.DataFrame, list | None]:
    """The data frame that lifelines wants, and its strata."""
    data = x.assign(_time=cases.time, _event=y)
    strata = None
    if cases.strata is not None:
        strata = [f"stratum_{c}" for c in cases.strata]
        data = data.join(cases.strata.set_axis(strata, axis=1))
    return data, strata
