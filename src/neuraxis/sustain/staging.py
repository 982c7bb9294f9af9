"""Subtype and stage of people under a fitted model, with their uncertainty."""

from __future__ import annotations

import numpy as np
import pandas as pd

#: Below this probability of the most probable subtype a person's label is flagged as not confident.
CONFIDENT = 0.5


def stage_interval(probability: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Central interval of the stage, from P(stage) (M, N+1): first stages whose CDF passes both tails."""
    cdf = np.cumsum(probability, axis=1)
    cdf /= cdf[:, -1:]
    tail = (1 - level) / 2
    return (cdf < tail - 1e-12).sum(axis=1), (cdf < 1 - tail - 1e-12).sum(axis=1)


def summarise(posterior: np.ndarray, index: pd.Index, *, cutoff: float = CONFIDENT) -> pd.DataFrame:
    """One row per person from P(subtype, stage | x).

    Parameters
    ----------
    posterior : ndarray, shape (M, C, N+1)
        Averaged over posterior draws.
    cutoff : float
        Probability of the most probable subtype below which `confident` is False.

    Returns
    -------
    DataFrame
        subtype (1..C), p_subtype<c>, p_staged_subtype<c> (P(subtype c and stage above 0)), stage (most probable given the subtype), stage_low and stage_high
        (95 % interval given the subtype), expected_stage (over subtypes and stages), p_stage0 (P(stage 0)
        whatever the subtype), normal_appearing (most probable stage is 0), confident.
    """
    n_subtypes = posterior.shape[1]
    by_subtype = posterior.sum(axis=2)
    best = by_subtype.argmax(axis=1)
    given = np.take_along_axis(posterior, best[:, None, None], axis=1)[:, 0]
    stage = given.argmax(axis=1)
    low, high = stage_interval(given)
    table = pd.DataFrame(index=index)
    table["subtype"] = best + 1
    for c in range(n_subtypes):
        table[f"p_subtype{c + 1}"] = by_subtype[:, c]
    for c in range(n_subtypes):
        table[f"p_staged_subtype{c + 1}"] = posterior[:, c, 1:].sum(axis=1)
    table["stage"] = stage
    table["stage_low"] = low
    table["stage_high"] = high
    table["expected_stage"] = posterior.sum(axis=1) @ np.arange(posterior.shape[2])
    table["p_stage0"] = posterior[:, :, 0].sum(axis=1)
    table["normal_appearing"] = stage == 0
    table["confident"] = by_subtype.max(axis=1) >= cutoff
    return table


def draw_labels(posterior: np.ndarray, index: pd.Index, rng: np.random.Generator, n_draws: int) -> pd.DataFrame:
    """Draws of (subtype, stage) from every person's posterior (M, C, N+1), for multiple-draw analyses.

    Returns
    -------
    DataFrame
        participant_id, draw (1..n_draws), subtype (0 where the drawn stage is 0), stage.
    """
    n_stages = posterior.shape[2]
    cumulative = np.cumsum(posterior.reshape(len(posterior), -1), axis=1)
    cumulative /= cumulative[:, -1:]
    u = rng.random((n_draws, len(posterior)))
    flat = np.stack([(cumulative <= row[:, None]).sum(axis=1) for row in u])
    subtype, stage = flat // n_stages + 1, flat % n_stages
    return pd.DataFrame(
        {
            "participant_id": np.tile(np.asarray(index), n_draws),
            "draw": np.repeat(np.arange(1, n_draws + 1), len(posterior)),
            "subtype": np.where(stage == 0, 0, subtype).ravel(),
            "stage": stage.ravel(),
        }
    )
