"""Scores whose mean is averaged over the groups that a person may belong to.

Probabilities as terms average the predictor. Where a link bends between two groups, the mean of a person who may belong to
either is not the mean at the average predictor, and the effect comes out too small: for bounded scores by a tenth. Here the
mean itself is averaged: E(y | scan) = sum over groups of P(group | scan) E(y | group), which asks nothing of the scores'
distribution (quasi-likelihood with robust errors). Few people say much about groups that are poorly known, so that residuals
are smaller than errors where it matters; errors are corrected by leverage (HC3; Mancl & DeRouen 2001).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from .cases import Cases
from .contrasts import Model
from .fit import Fit, refused
from .outcomes import Outcome

#: SD of a very weak normal prior on all terms: a rare group's does not run off.
PRIOR_SD = 30.0
#: Step of the differences of the gradient.
STEP = 1e-4
#: Terms further out than this many logits belong to a group whose mean runs to a bound, where robust errors vanish with the
#: residuals; a term of which the prior makes up more than this share of the curvature is known from the prior alone.
FARTHEST, PRIOR_SHARE = 4.0, 0.1
#: Leverage is that of expected, not of observed curvature, and may pass one in theory.
MOST_LEVERAGE = 0.9
UNFITTED = "the model did not converge or the groups separate completely"


def fit_averaged(outcome: Outcome, cases: Cases, model: Model, left_out=()) -> Fit:
    """Fit an outcome to the groups' probabilities, its mean averaged over groups.

    Parameters
    ----------
    outcome : Outcome
        With `mean_scores`.
    cases : Cases
        The model's people who have all the values.
    model : Model
    left_out : sequence of str
        Terms that are not in the model.

    Returns
    -------
    Fit
        Robust covariance (HC3); without numbers, and with a reason, where it could not be fitted or a group's mean runs to a
        bound.
    """
    rows = cases.y.index
    frames = [d.loc[rows].drop(columns=list(left_out)).join(cases.x).assign(constant=1.0) for d in model.designs]
    designs = np.stack([f.to_numpy(float) for f in frames])  # (C, n, T)
    weights = model.probability.loc[rows].to_numpy(float)
    n, t = designs.shape[1:]

    def scores(parameters):
        value, residual, variance, tilt = outcome.mean_scores(cases, (designs @ parameters).T, weights)
        return value, residual, variance, np.einsum("nc,cnt->nt", tilt, designs)

    def loss(parameters):
        value, residual, variance, tilt = scores(parameters)
        pull = parameters / PRIOR_SD**2
        return -value.sum() + 0.5 * pull @ parameters, pull - (residual / variance) @ tilt

    found = minimize(loss, np.zeros(t), jac=True, method="BFGS", options={"maxiter": 300, "gtol": 1e-4})
    steps = STEP * np.eye(t)
    curves = np.stack([(loss(found.x + s)[1] - loss(found.x - s)[1]) / (2 * STEP) for s in steps])
    if np.abs(found.jac).max() > 1e-2 or not np.isfinite(curves).all() or np.linalg.cond(curves) > 1e12:
        return refused(n, UNFITTED)
    inverse = np.linalg.inv((curves + curves.T) / 2)
    _, residual, variance, tilt = scores(found.x)
    leverage = np.einsum("nt,tu,nu->n", tilt, inverse, tilt) / variance
    each = (residual / variance / (1 - np.clip(leverage, 0, MOST_LEVERAGE)))[:, None] * tilt
    covariance = inverse @ (each.T @ each) @ inverse
    names = [c for c in frames[0] if c in model.designs[0]]
    at = [frames[0].columns.get_loc(c) for c in names]
    if np.abs(found.x[at]).max() > FARTHEST or (PRIOR_SHARE * np.diag(curves)[at] < 1 / PRIOR_SD**2).any():
        return refused(n, UNFITTED)
    return Fit(
        pd.Series(found.x[at], names),
        pd.DataFrame(covariance[np.ix_(at, at)], names, names),
        n,
        model=outcome.averaged,
        n_parameters=t,
    )
