"""Bringing the subtypes of two models, or two labellings, together, and how well they agree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy  # loads its rooms when they are first used: a fit needs few of them


def match_subtypes(places: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Permutation that brings subtypes with event places (C, N) closest to `reference` (C, N).

    Optimal assignment on the summed absolute difference of places: ``places[perm]`` matches `reference`.
    """
    cost = np.abs(reference[:, None, :] - places[None, :, :]).sum(axis=2)
    return scipy.optimize.linear_sum_assignment(cost)[1]


def match_draws(places: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """`match_subtypes` of every draw, places (D, C, N); shape (D, C).

    The likelihood does not know subtypes by number, so that a chain may exchange the names of two between one draw and the
    next (relabelling towards a pivot: Marin, Mengersen & Robert 2005, Handbook of Statistics 25:459).
    """
    return np.array([match_subtypes(p, reference) for p in places])


def match_labels(reference: np.ndarray, other: np.ndarray, n_subtypes: int) -> np.ndarray:
    """Map (n_subtypes,) from labels of `other` to those of `reference` that makes most people agree."""
    table = np.zeros((n_subtypes, n_subtypes))
    np.add.at(table, (reference, other), 1)
    rows, columns = scipy.optimize.linear_sum_assignment(-table)
    mapping = np.empty(n_subtypes, np.int64)
    mapping[columns] = rows
    return mapping


def order_agreement(places: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Kendall's tau-b between event places (C, N) of two models, subtype by subtype, shape (C,)."""
    return np.array([scipy.stats.kendalltau(a, b).statistic for a, b in zip(places, reference, strict=True)])


def chance_agreement(events, rng: np.random.Generator, n_pairs: int = 500) -> float:
    """Mean Kendall tau of two random valid sequences: the level against which agreement is read.

    It is well above 0, because a biomarker's thresholds always come in order.
    """
    taus = [
        scipy.stats.kendalltau(
            np.argsort(events.random_sequence(rng)), np.argsort(events.random_sequence(rng))
        ).statistic
        for _ in range(n_pairs)
    ]
    return float(np.mean(taus))


def rand_index(a, b) -> float:
    """Adjusted Rand index of two labellings (Hubert & Arabie 1985); NaN where both are constant."""
    _, i = np.unique(np.asarray(a), return_inverse=True)
    _, j = np.unique(np.asarray(b), return_inverse=True)
    if i.size < 2:
        return float("nan")
    table = np.zeros((i.max() + 1, j.max() + 1))
    np.add.at(table, (i, j), 1)

    def pairs(n):
        return (n * (n - 1) / 2).sum()

    rows, columns = pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    expected = rows * columns / (i.size * (i.size - 1) / 2)
    spread = (rows + columns) / 2 - expected
    return float((pairs(table) - expected) / spread) if spread else float("nan")


def order_similarity(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Kendall's tau-b between every subtype of two event-order tables, over the events both have.

    Parameters
    ----------
    a, b : DataFrame
        subtype, biomarker, threshold, mean_position (see `SustainModel.event_order`).

    Returns
    -------
    DataFrame
        subtype_a, subtype_b, n_events, tau; NaN where fewer than 3 events are shared.
    """
    keys = ["biomarker", "threshold"]
    rows = []
    for i, x in a.groupby("subtype"):
        for j, y in b.groupby("subtype"):
            both = x.merge(y, on=keys)
            tau = (
                scipy.stats.kendalltau(both["mean_position_x"], both["mean_position_y"]).statistic
                if len(both) > 2
                else np.nan
            )
            rows.append({"subtype_a": i, "subtype_b": j, "n_events": len(both), "tau": tau})
    return pd.DataFrame(rows)
