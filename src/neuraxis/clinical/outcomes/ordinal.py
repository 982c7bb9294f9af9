"""Ordered scores: proportional odds."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.special import expit
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.tools.numdiff import approx_fprime

from ..fit import Z95, Fit, of_statsmodels
from .base import Curve, Outcome

#: People above and below a cut, in a group and in the rest, below which the group's odds at the cut are not tested.
LEAST_AT_CUT = 10
PROPORTIONAL_ODDS = "proportional odds (score test over cuts)"


class _Ordered(OrderedModel):
    """Statsmodels' model with its gradient, which it takes by differences: some twenty times faster, same numbers."""

    def score(self, params):
        """Gradient of the log likelihood in coefficients, first threshold and logs of the steps between thresholds."""
        k = self.exog.shape[1]
        steps = np.exp(params[k + 1 :])
        ends = np.r_[-np.inf, np.cumsum(np.r_[params[k], steps]), np.inf]
        eta, level = self.exog @ params[:k], self.endog
        upper, lower = expit(ends[level + 1] - eta), expit(ends[level] - eta)
        p = np.maximum(upper - lower, 1e-300)
        at_upper, at_lower = upper * (1 - upper) / p, lower * (1 - lower) / p
        n = len(steps) + 1
        thresholds = np.bincount(level, at_upper, n + 1)[:n] - np.bincount(level, at_lower, n + 1)[1:]
        from_here = np.cumsum(thresholds[::-1])[::-1]  # a step moves its threshold and all above
        return np.r_[-self.exog.T @ (at_upper - at_lower), from_here[0], steps * from_here[1:]]

    def hessian(self, params):
        """Differences of the gradient."""
        return approx_fprime(params, self.score, centered=True)


@dataclass(frozen=True)
class Ordinal(Outcome):
    """Proportional odds (statsmodels OrderedModel)."""

    type: ClassVar[str] = "ordinal"
    effect: ClassVar[str] = "OR"
    direction: ClassVar[tuple[str, str]] = ("higher odds of a higher {o}", "lower odds of a higher {o}")

    def fit_with(self, plan, y, x, names, cases) -> Fit | None:
        """Maximum likelihood."""
        fit = _Ordered(y, x, distr="logit").fit(method="bfgs", disp=0, maxiter=500)
        return of_statsmodels(fit, names, "proportional odds") if fit.mle_retvals["converged"] else None

    def check(self, cases, terms, tested=None) -> tuple[str, float]:
        """Are the tested terms' log odds the same at every cut?

        Up to 5 cuts are stacked as binary outcomes with their own intercepts; a GEE with people as clusters is fitted
        under equal odds, and the interactions of terms and cuts are tested by its score test, which needs no fit of
        the interactions and so holds where a group is small (Stiger, Barnhart & Williamson 1999). Interactions with
        fewer than `LEAST_AT_CUT` people above or below the cut, in the group or outside it, are left out.
        """
        if len(cases.y) < 40:
            return "", np.nan
        x = terms.loc[cases.y.index].astype(float).join(cases.x)
        # scores that there are: one between two of them would cut where the lower one does, and the cut count twice
        levels = np.unique(np.quantile(cases.y, [1 / 6, 1 / 3, 1 / 2, 2 / 3, 5 / 6], method="lower"))
        cuts = [c for c in levels if 15 <= (cases.y > c).sum() <= len(cases.y) - 15]
        if len(cuts) < 2:
            return PROPORTIONAL_ODDS, np.nan
        kept = {
            t: [j for j, c in enumerate(cuts) if _filled(x[t], cases.y > c)]
            for t in (terms if tested is None else tested)
        }
        stacked = []
        for i, cut in enumerate(cuts):
            part = x.copy()
            for j in range(len(cuts)):
                part[f"cut{j}"] = float(i == j)
            for t, at in kept.items():
                for j in at[1:]:  # the first filled cut is what the others are compared with
                    part[f"{t}@{j}"] = x[t] * (i == j)
            part["_y"], part["_who"] = (cases.y > cut).astype(float), range(len(x))
            stacked.append(part)
        whole = pd.concat(stacked)
        who, target = whole.pop("_who"), whole.pop("_y")
        interactions = [c for c in whole.columns if "@" in c]
        if not interactions:
            return PROPORTIONAL_ODDS, np.nan
        family = sm.families.Binomial()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                equal = sm.GEE(target, whole.drop(columns=interactions), groups=who, family=family).fit()
                test = sm.GEE(target, whole, groups=who, family=family).compare_score_test(equal)
        except (np.linalg.LinAlgError, ValueError, FloatingPointError):
            return PROPORTIONAL_ODDS, np.nan
        return PROPORTIONAL_ODDS, float(test["p-value"])

    def curve(self, y, stage, at, exposure) -> Curve:
        """Expected score of a proportional-odds model, with its 95 % band by the delta method, within the scores there are.

        Percentiles of drawn parameters lie too low: all but the first cut are sums of exponentials, whose mean grows with
        the uncertainty of each, and a higher cut is a lower score.
        """
        levels = np.unique(y)
        fit = OrderedModel(y, stage[:, None], distr="logit").fit(method="bfgs", disp=0, maxiter=300)
        if not fit.mle_retvals["converged"]:
            raise ValueError("no convergence")

        def expected(parameters):
            cuts = np.cumsum(np.r_[parameters[1], np.exp(parameters[2:])])
            above = 1 - expit(cuts[None] - parameters[0] * at[:, None])
            return levels[0] + above @ np.diff(levels)

        middle, slopes = expected(fit.params), approx_fprime(fit.params, expected, centered=True)
        error = np.sqrt(np.einsum("ij,jk,ik->i", slopes, fit.cov_params(), slopes))
        low, high = np.clip([middle - Z95 * error, middle + Z95 * error], levels[0], levels[-1])
        return middle, low, high, "proportional odds"

    def nuisance(self, cases) -> np.ndarray:
        """The lowest threshold and the logs of the steps between thresholds."""
        share = np.cumsum(cases.y.value_counts(normalize=True).sort_index().to_numpy())[:-1]
        thresholds = np.log(share / (1 - share))
        return np.r_[thresholds[:1], np.log(np.maximum(np.diff(thresholds), 1e-3))]

    def log_density(self, cases, predictor, nuisance) -> np.ndarray:
        """Differences of logistic distribution functions."""
        ends = np.r_[-np.inf, np.cumsum(np.r_[nuisance[:1], np.exp(np.clip(nuisance[1:], -20, 5))]), np.inf]
        level = np.searchsorted(np.unique(cases.y), cases.y)
        upper, lower = ends[level + 1][:, None] - predictor, ends[level][:, None] - predictor
        return np.log(np.maximum(expit(upper) - expit(lower), 1e-300))


def _filled(term: pd.Series, above: pd.Series) -> bool:
    """Enough people of the group and of the rest on both sides of a cut; terms other than indicators always."""
    if not term.isin([0.0, 1.0]).all():
        return True
    return all((side & (term == v)).sum() >= LEAST_AT_CUT for side in (above, ~above) for v in (0.0, 1.0))
