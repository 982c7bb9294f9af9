"""Labels drawn with the outcome in the model.

A label known only by its posterior given the scan says too little about the outcome when it is drawn from that
posterior alone: draws that do not know the outcome shrink every effect. Here P(group | scan, outcome, covariates) is
proportional to P(group | scan) f(outcome | group, covariates), with f fitted by maximum likelihood over the unknown
groups (Vermunt 2010, Political Analysis 18:450, with every person's own posterior in place of a table of
misclassification), and with its parameters drawn anew for each imputation (Rubin 1987; Bray, Lanza & Tan 2015).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import logsumexp
from statsmodels.tools.numdiff import approx_hess

from .cases import Cases
from .contrasts import Model
from .outcomes import Outcome

#: SD of a weak normal prior on all terms, in units of their scale: keeps rare groups from running off.
PRIOR_SD = 3.0


def impute_groups(
    outcome: Outcome, cases: Cases, model: Model, n_draws: int, rng: np.random.Generator
) -> tuple[list[pd.Series], str]:
    """Groups drawn from P(group | scan, outcome, covariates).

    Parameters
    ----------
    outcome : Outcome
    cases : Cases
        The model's people who have all the values.
    model : Model
    n_draws : int
    rng : Generator

    Returns
    -------
    list of Series
        A group for every person of `cases`, per draw; empty where the model could not be fitted.
    str
        Why not.
    """
    rows, groups = cases.y.index, list(model.probability.columns)
    designs = np.stack([d.loc[rows].join(cases.x).to_numpy(float) for d in model.designs])  # (C, n, T)
    log_prior = np.log(np.maximum(model.probability.loc[rows].to_numpy(float), 1e-12))
    start = np.r_[np.zeros(designs.shape[2]), outcome.nuisance(cases)]
    n_terms = designs.shape[2]

    def joint(parameters):
        predictor = (designs @ parameters[:n_terms]).T
        return log_prior + outcome.log_density(cases, predictor, parameters[n_terms:])

    def loss(parameters):
        with np.errstate(all="ignore"):
            value = -logsumexp(joint(parameters), axis=1).sum()
        value += 0.5 * (parameters[:n_terms] ** 2).sum() / PRIOR_SD**2
        return value if np.isfinite(value) else 1e10

    found = minimize(loss, start, method="BFGS", options={"maxiter": 200, "gtol": 1e-3})
    if not np.isfinite(found.x).all() or found.fun >= 1e10:
        return [], "the model that imputes labels could not be fitted"
    with np.errstate(all="ignore"):
        information = approx_hess(found.x, loss)
    if not np.isfinite(information).all():
        return [], "the model that imputes labels could not be fitted"
    values, vectors = np.linalg.eigh((information + information.T) / 2)
    if values.min() <= 0:
        values = np.maximum(values, 1e-2)
    root = vectors / np.sqrt(values)
    out = []
    for _ in range(n_draws):
        drawn = joint(found.x + root @ rng.standard_normal(len(found.x)))
        if not np.isfinite(drawn).all():
            continue
        p = np.exp(drawn - logsumexp(drawn, axis=1, keepdims=True))
        pick = (rng.random(len(p))[:, None] > np.cumsum(p, axis=1)[:, :-1]).sum(axis=1)
        out.append(pd.Series([groups[i] for i in pick], index=rows))
    return out, "" if out else "the model that imputes labels could not be fitted"
