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


def summarise(
    posterior: np.ndarray, index: pd.Index, *, healthy: np.ndarray | None = None, cutoff: float = CONFIDENT
) -> pd.DataFrame:
    """One row per person from P(subtype, stage | x) and P(healthy | x).

    Parameters
    ----------
    posterior : ndarray, shape (M, C, N+1)
        Averaged over posterior draws.
    index : Index, length M
        Names of the rows.
    healthy : ndarray, shape (M,), optional
        P(healthy | x); with it `posterior` has nothing at stage 0, without it stage 0 stands for health.
    cutoff : float
        Probability of the most probable subtype below which `confident` is False.

    Returns
    -------
    DataFrame
        subtype (1..C, the most probable one given that the person is staged), p_subtype<c> (given that, sum 1), p_staged_subtype<c>
        (P(subtype c and staged); with p_healthy they sum to 1), p_healthy, normal_appearing (p_healthy at least 1/2), stage
        (0 where normal-appearing, else the most probable one from 1 on given the subtype), stage_low and stage_high (95 %
        interval of the stage, healthy counting as 0, given healthy or the subtype), expected_stage (over everything),
        p_stage0 (the same as p_healthy), confident.

    Notes
    -----
    Without a healthy component (parity with pySuStaIn) `subtype` is the most probable one with stage 0 counted in, and
    `stage` the most probable one given the subtype, 0 included; normal_appearing is stage 0 then.

    Examples
    --------
    >>> posterior = np.zeros((2, 2, 3))
    >>> posterior[0, 1, 2], posterior[0, 0, 1], posterior[1, 0, 1] = 0.7, 0.2, 0.1
    >>> table = summarise(posterior, pd.Index(["sub-01", "sub-02"]), healthy=np.array([0.1, 0.9]))
    >>> table[["subtype", "p_healthy", "normal_appearing", "stage"]].values.tolist()
    [[2, 0.1, False, 2], [1, 0.9, True, 0]]
    """
    parity = healthy is None
    n_people, n_subtypes, n_stages = posterior.shape
    staged = posterior[:, :, 1:].sum(axis=2)
    table = pd.DataFrame(index=index)
    if n_subtypes == 0:
        one = np.ones(n_people)
        for name, value in {"subtype": 0, "p_healthy": one, "normal_appearing": True, "stage": 0}.items():
            table[name] = value
        return table.assign(stage_low=0, stage_high=0, expected_stage=0.0, p_stage0=one, confident=True)
    p_healthy = posterior[:, :, 0].sum(axis=1) if parity else np.asarray(healthy, float)
    by_subtype = posterior.sum(axis=2) if parity else staged
    total = by_subtype.sum(axis=1, keepdims=True)
    # somebody healthy beyond all doubt has no probability left to be divided among the subtypes
    given = np.where(total > 0, by_subtype / np.where(total > 0, total, 1), 1 / n_subtypes)
    best = given.argmax(axis=1)
    mine = np.take_along_axis(posterior, best[:, None, None], axis=1)[:, 0].copy()
    if not parity:
        mine[:, 0] = p_healthy
    low, high = stage_interval(mine)
    stage = mine.argmax(axis=1) if parity else mine[:, 1:].argmax(axis=1) + 1
    normal = stage == 0 if parity else p_healthy >= 0.5
    stage = np.where(normal, 0, stage)
    table["subtype"] = best + 1
    for c in range(n_subtypes):
        table[f"p_subtype{c + 1}"] = given[:, c]
    for c in range(n_subtypes):
        table[f"p_staged_subtype{c + 1}"] = staged[:, c]
    table["p_healthy"] = p_healthy
    table["stage"] = stage
    # the most probable stage may lie just outside a central interval
    table["stage_low"] = np.minimum(low, stage)
    table["stage_high"] = np.maximum(high, stage)
    table["expected_stage"] = posterior.sum(axis=1) @ np.arange(n_stages)
    table["p_stage0"] = p_healthy
    table["normal_appearing"] = normal
    table["confident"] = given.max(axis=1) >= cutoff
    return table


def draw_labels(
    posterior: np.ndarray,
    index: pd.Index,
    rng: np.random.Generator,
    n_draws: int,
    *,
    healthy: np.ndarray | None = None,
) -> pd.DataFrame:
    """Draws of (subtype, stage) from every person's posterior (M, C, N+1) and P(healthy) (M,), for multiple-draw analyses.

    Parameters
    ----------
    posterior : ndarray, shape (M, C, N+1)
        P(subtype, stage | x).
    index : Index, length M
    rng : Generator
    n_draws : int
    healthy : ndarray, shape (M,), optional
        P(healthy | x), where the model has such a component.

    Returns
    -------
    DataFrame
        participant_id, draw (1..n_draws), subtype (0 where healthy or at stage 0), stage.

    Examples
    --------
    >>> posterior = np.zeros((1, 2, 3))
    >>> posterior[0, 1, 2] = 1.0
    >>> drawn = draw_labels(posterior, pd.Index(["sub-01"]), np.random.default_rng(0), 2)
    >>> drawn[["draw", "subtype", "stage"]].values.tolist()
    [[1, 2, 2], [2, 2, 2]]
    """
    n_stages = posterior.shape[2]
    first = np.zeros(len(posterior)) if healthy is None else np.asarray(healthy, float)
    cells = np.column_stack([first, posterior.reshape(len(posterior), -1)])
    cumulative = np.cumsum(cells, axis=1)
    cumulative /= cumulative[:, -1:]
    u = rng.random((n_draws, len(posterior)))
    flat = np.stack([(cumulative <= row[:, None]).sum(axis=1) for row in u]) - 1
    subtype, stage = np.where(flat < 0, 0, flat // n_stages + 1), np.where(flat < 0, 0, flat % n_stages)
    return pd.DataFrame(
        {
            "participant_id": np.tile(np.asarray(index), n_draws),
            "draw": np.repeat(np.arange(1, n_draws + 1), len(posterior)),
            "subtype": np.where(stage == 0, 0, subtype).ravel(),
            "stage": stage.ravel(),
        }
    )
