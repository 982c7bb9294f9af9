"""Outcome against stage within every subtype: a curve of the outcome's own kind of model, with its band, to be drawn."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from ..labels import Labels
from ..progress import steps
from .cases import at_risk
from .effects import partial_correlation

#: Fewer people than this, or fewer different stages, and there is no curve.
LEAST_PEOPLE, LEAST_STAGES = 10, 4
#: Points of a curve.
POINTS = 41
COLUMNS = (
    *("outcome", "subtype", "stage", "fit", "low", "high", "n", "model"),
    *("kendall_tau", "tau_low", "tau_high", "tau_p"),
)


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
            at = np.linspace(stage.min(), stage.max(), POINTS)
            years = None if exposure is None else exposure.to_numpy(float)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    fit, low, high, model = outcome.curve(y.to_numpy(float), stage.to_numpy(float), at, years)
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
