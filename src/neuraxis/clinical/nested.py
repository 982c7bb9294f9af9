"""Do subtype and stage add to simple scores? Likelihood-ratio tests of nested models."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from ..labels import NORMAL, Labels
from ..progress import steps
from .cases import complete_cases

COLUMNS = (
    *("outcome", "model", "n", "n_events", "n_parameters", "log_likelihood", "aic", "against", "lr", "df", "p"),
    *("estimator", "reason"),
)


def stage_terms(labels: Labels) -> pd.DataFrame:
    """P(subtype) and, for every subtype, its stage; normal-appearing people are the reference."""
    groups = labels.probability.drop(columns=NORMAL)
    stages = groups.mul(labels.stage, axis=0).add_prefix("stage in ")
    return groups.join(stages)


def nested_models(
    outcomes, people: pd.DataFrame, labels: Labels, scores: pd.DataFrame, controls: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Simple scores, subtype and stage, and both, by one estimator for all three.

    Parameters
    ----------
    scores : DataFrame
        Same index; simple scores (mean z, cord z), whose names joined by "and" are the name of their model.

    Returns
    -------
    DataFrame
        outcome, model, n, n_events, n_parameters, log_likelihood, aic, against, lr, df, p, estimator, reason. Subtype
        enters by the probabilities, stage by its expectation within subtype. The estimator is chosen for the largest
        of the three models, before any is fitted.
    """
    rows = []
    simple = " and ".join(scores.columns)
    everything = f"{simple}, subtype and stage"
    for outcome in steps(outcomes, "outcomes of nested models"):
        if not outcome.nested:
            continue
        cases = complete_cases(outcome, people, controls)
        known = cases.y.index.intersection(scores.dropna().index)
        cases = cases.take(known)
        base = (scores.loc[known] - scores.loc[known].mean()) / scores.loc[known].std()
        both = stage_terms(labels.take(known))
        sets = {simple: base, "subtype and stage": both, everything: base.join(both)}
        plan = outcome.plan(cases, sets[everything].shape[1] + cases.x.shape[1]) if len(known) else ""
        fits = {name: outcome.fit(cases, terms, plan) for name, terms in sets.items()}
        full = fits[everything]
        for name, fit in fits.items():
            row = dict.fromkeys(COLUMNS, np.nan) | {"outcome": outcome.name, "model": name, "n": fit.n}
            row |= {"n_events": fit.n_events, "n_parameters": fit.n_parameters, "log_likelihood": fit.log_likelihood}
            row |= {"aic": 2 * fit.n_parameters - 2 * fit.log_likelihood, "reason": fit.reason}
            row |= {"against": "", "estimator": fit.model}
            if fit is not full and not fit.reason and not full.reason:
                lr = 2 * (full.log_likelihood - fit.log_likelihood)
                df = full.n_parameters - fit.n_parameters
                row |= {"against": everything, "lr": lr, "df": df}
                row["p"] = stats.chi2.sf(max(lr, 0.0), df) if df > 0 else np.nan
            rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS))
