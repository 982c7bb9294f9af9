"""Outcome against stage within every subtype: a curve of the outcome's own kind of model, with its band, to be drawn."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.special import expit
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.tools.numdiff import approx_fprime

from ..labels import Labels
from ..progress import steps
from .cases import TRANSFORMS, at_risk
from .effects import partial_correlation
from .fit import Z95

#: Fewer people than this, or fewer different stages, and there is no curve.
LEAST_PEOPLE, LEAST_STAGES = 10, 4
#: Points of a curve.
POINTS = 41
COLUMNS = (
    *("outcome", "subtype", "stage", "fit", "low", "high", "n", "model"),
    *("kendall_tau", "tau_low", "tau_high", "tau_p"),
)
#: What undoes the transform of an outcome.
BACK = {"none": lambda v: v, "log": np.exp, "log1p": np.expm1, "sqrt": np.square}


def _by_link(fit, at: np.ndarray, inverse) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit and 95 % band of the mean at these stages, through the link."""
    design = np.column_stack([np.ones_like(at), at])
    eta = design @ np.asarray(fit.params)
    error = np.sqrt(np.einsum("ij,jk,ik->i", design, np.asarray(fit.cov_params()), design))
    return inverse(eta), inverse(eta - Z95 * error), inverse(eta + Z95 * error)


def _ordinal(y, x, at) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expected score of a proportional-odds model, with its 95 % band by the delta method, within the scores there are.

    Percentiles of drawn parameters lie too low: all but the first cut are sums of exponentials, whose mean grows with
    the uncertainty of each, and a higher cut is a lower score.
    """
    levels = np.unique(y)
    model = OrderedModel(y, x[:, None], distr="logit")
    fit = model.fit(method="bfgs", disp=0, maxiter=300)
    if not fit.mle_retvals["converged"]:
        raise ValueError("no convergence")

    def expected(parameters):
        cuts = np.cumsum(np.r_[parameters[1], np.exp(parameters[2:])])
        above = 1 - expit(cuts[None] - parameters[0] * at[:, None])
        return levels[0] + above @ np.diff(levels)

    middle, slopes = expected(fit.params), approx_fprime(fit.params, expected, centered=True)
    error = np.sqrt(np.einsum("ij,jk,ik->i", slopes, fit.cov_params(), slopes))
    return middle, *np.clip([middle - Z95 * error, middle + Z95 * error], levels[0], levels[-1])


def curve(outcome, y: pd.Series, stage: pd.Series, exposure: pd.Series | None) -> tuple:
    """Fit, band and model of one outcome in one subtype, at evenly spaced stages.

    Parameters
    ----------
    y : Series
        The outcome as given (counts, not rates).
    stage : Series
        Expected stage, same index.
    exposure : Series or None
        Years.

    Returns
    -------
    stages, fit, low, high : ndarray
    model : str

    Raises
    ------
    ValueError
        The model could not be fitted.
    """
    at = np.linspace(stage.min(), stage.max(), POINTS)
    x = stage.to_numpy(float)
    design = np.column_stack([np.ones_like(x), x])
    if outcome.type == "ordinal":
        return at, *_ordinal(y.to_numpy(float), x, at), "proportional odds"
    if outcome.type == "count":
        offset = None if exposure is None else np.log(exposure.to_numpy(float))
        fit = sm.GLM(y.to_numpy(float), design, family=sm.families.Poisson(), offset=offset).fit(scale="X2")
        return at, *_by_link(fit, at, np.exp), "Poisson, with the spread of the counts"
    if outcome.type in ("binary", "bounded"):
        most = outcome.maximum or 1.0
        fit = sm.GLM(y.to_numpy(float) / most, design, family=sm.families.Binomial()).fit(cov_type="HC1")
        name = "logistic" if outcome.type == "binary" else "fractional logistic"
        return at, *(most * v for v in _by_link(fit, at, expit)), name
    values = TRANSFORMS[outcome.transform](y.to_numpy(float))
    fit = sm.RLM(values, design).fit() if outcome.type == "robust" else sm.OLS(values, design).fit()
    name = "Huber regression" if outcome.type == "robust" else "least squares"
    name += f" of the {outcome.transform}" if outcome.transform != "none" else ""
    return at, *_by_link(fit, at, BACK[outcome.transform]), name


def stage_curves(outcomes, people: pd.DataFrame, labels: Labels) -> pd.DataFrame:
    """Every outcome that is drawn against stage, within every subtype, unadjusted.

    Parameters
    ----------
    outcomes : sequence of Outcome
    people : DataFrame
        Indexed by participant_id.
    labels : Labels
        Same index.

    Returns
    -------
    DataFrame
        outcome, subtype, stage, fit, low, high (95 % band of the mean, on the scale that is drawn: counts as rates),
        n, model, kendall_tau with tau_low, tau_high and tau_p (the same in all rows of a curve).
    """
    rows = []
    for outcome in steps(outcomes, "curves of outcomes"):
        if not (outcome.against_stage and outcome.drawn and outcome.column in people):
            continue
        mine = at_risk(outcome, people)
        wanted = [outcome.column, *([outcome.exposure] if outcome.exposure else [])]
        known = mine[wanted].apply(pd.to_numeric, errors="coerce").dropna()
        if outcome.exposure:
            known = known[known[outcome.exposure] > 0]
        for name in labels.names:
            rows_in = known.index[labels.group.loc[known.index] == name]
            y, stage = known.loc[rows_in, outcome.column], labels.stage.loc[rows_in]
            if len(y) < LEAST_PEOPLE or stage.nunique() < LEAST_STAGES or y.nunique() < 2:
                continue
            exposure = known.loc[rows_in, outcome.exposure] if outcome.exposure else None
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    at, fit, low, high, model = curve(outcome, y, stage, exposure)
            except (ValueError, np.linalg.LinAlgError, FloatingPointError):
                continue
            if not np.isfinite([fit, low, high]).all():
                continue
            drawn = y if exposure is None else y / exposure
            tau = partial_correlation(drawn, stage, pd.DataFrame(index=drawn.index))
            rows += [
                {"outcome": outcome.name, "subtype": name, "stage": s, "fit": f, "low": a, "high": b, "n": len(y),
                 "model": model, **{k: tau[k] for k in ("kendall_tau", "tau_low", "tau_high", "tau_p")}}
                for s, f, a, b in zip(at, fit, low, high, strict=True)
            ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))
