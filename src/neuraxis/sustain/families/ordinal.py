"""Ordinal biomarkers: a clinical or rated score whose true level is observed with error."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...errors import InputError, counted, name_some
from .base import StepEvents

#: No score is called impossible: a probability below this counts as this.
FLOOR = 1e-6


class OrdinalEvents(StepEvents):
    """Events of scores such as 0, 1, 2, 3: reaching each level above the normal one.

    Passing the event of level s adds ``log p(score | true level s) - log p(score | true level s - 1)`` to a person's
    log-density; a missing score adds nothing.

    Parameters
    ----------
    levels : int, sequence of int, or sequence of sequences of float
        Number of levels above the normal one: of every biomarker, or one number per biomarker; scores are then 0, 1, ...,
        levels. Or the score values themselves, from normal to worst (they may fall), one list per biomarker; a single
        list within a list, ``[[30, 29, 28]]``, serves all.
    probabilities : float, array_like of shape (levels + 1, levels + 1), or sequence of such arrays
        P(observed score | true level), one row per true level, rows summing to 1. A number is the probability of the
        right score, the rest spread evenly over the other scores (as in pySuStaIn's simulations). One matrix serves all
        biomarkers; else one number or matrix per biomarker.
    biomarkers : sequence of str, optional
        Names; ``b0, b1, ...`` where not given.

    Attributes
    ----------
    scores : tuple of tuple of float
        Score values of every biomarker, the normal one first.
    probabilities : tuple of ndarray, shape (levels + 1, levels + 1)
        One matrix per biomarker, as given.

    Raises
    ------
    InputError
        Fewer than two or repeated scores, matrices of another shape, rows that are no probabilities, duplicate names.

    Notes
    -----
    Young et al. 2021, Front Artif Intell 4:613261. Probabilities below 1e-6 count as 1e-6, so that no score makes a level
    impossible.

    Examples
    --------
    >>> events = OrdinalEvents(2, 0.9, biomarkers=["gait", "memory"])
    >>> events.names
    ['gait score>=1', 'memory score>=1', 'gait score>=2', 'memory score>=2']
    >>> events.encode(np.array([[1.0, np.nan]])).steps.round(3).tolist()
    [[2.89, 0.0, -2.89, 0.0]]
    """

    family = "ordinal"

    def __init__(self, levels, probabilities, biomarkers=None) -> None:
        names = None if biomarkers is None else [str(b) for b in biomarkers]
        rows = _score_lists(levels, names, probabilities)
        names = names or [f"b{i}" for i in range(len(rows))]
        if len(names) != len(rows):
            raise InputError(f"{counted(len(names), 'biomarker name')} for {counted(len(rows), 'set')} of levels")
        for name, row in zip(names, rows, strict=True):
            if row.size < 2:
                raise InputError(f"biomarker {name} has no level above the normal one; leave it out")
            if not np.isfinite(row).all() or np.unique(row).size < row.size:
                raise InputError(
                    f"biomarker {name}: scores {_listed(row)} must be finite and different from one another"
                )
        super().__init__([row.size - 1 for row in rows], names)
        self.scores = tuple(tuple(row.tolist()) for row in rows)
        self.probabilities = tuple(
            _confusion(p, row.size, name)
            for p, row, name in zip(_one_each(probabilities, names), rows, names, strict=True)
        )

    @property
    def names(self) -> list[str]:
        """Event names, such as ``memory score>=2``; ``mmse score<=27`` where scores fall."""
        out = []
        for b, level in zip(self.biomarker, self.level, strict=True):
            row = self.scores[b]
            steps = np.diff(row)
            sign = ">=" if np.all(steps > 0) else "<=" if np.all(steps < 0) else "="
            out.append(f"{self.biomarkers[b]} score{sign}{row[level + 1]:g}")
        return out

    @property
    def thresholds_of_events(self) -> np.ndarray:
        """Score that each event stands for, (N,)."""
        return np.array([self.scores[b][lev + 1] for b, lev in zip(self.biomarker, self.level, strict=True)])

    def observed(self, course, rng) -> np.ndarray:
        """A score by its probability at the true level."""
        out = np.empty(course.shape)
        for b, (scores, chance) in enumerate(zip(self.scores, self.probabilities, strict=True)):
            steps = np.cumsum(chance, axis=1)[course[:, b].astype(int)]
            seen = (rng.random(len(course))[:, None] * steps[:, -1:] >= steps).sum(axis=1)
            out[:, b] = np.asarray(scores)[np.minimum(seen, len(scores) - 1)]
        return out

    def check_values(self, values: np.ndarray, index: pd.Index) -> None:
        """Refuse values that are no score of their biomarker.

        Raises
        ------
        InputError
            Naming every such biomarker with its scores, values and people.
        """
        wrong = []
        for b, name in enumerate(self.biomarkers):
            column = values[:, b]
            rows = np.flatnonzero(np.isfinite(column) & (self._position(b, column) < 0))
            if rows.size:
                found = name_some([f"{column[r]:g} of {index[r]}" for r in rows], 4)
                wrong.append(f"{name} has scores {_listed(self.scores[b])}, but the data {found}")
        if wrong:
            raise InputError(
                "values that are no score of their biomarker: "
                + "; ".join(wrong)
                + ". Correct them, leave them empty, "
                "or declare them among the biomarker's levels"
            )

    def _position(self, b: int, column: np.ndarray) -> np.ndarray:
        """Place of every value among the biomarker's scores, (M,); -1: none of them or missing."""
        same = np.isclose(column[:, None], np.array(self.scores[b])[None, :], rtol=1e-9, atol=1e-9)
        return np.where(same.any(axis=1), same.argmax(axis=1), -1)

    def level_log_density(self, values: np.ndarray) -> np.ndarray:
        """See `StepEvents.level_log_density`."""
        out = np.full((*values.shape, max(self.n_levels) + 1), np.nan)
        for b, matrix in enumerate(self.probabilities):
            place = self._position(b, values[:, b])
            known = place >= 0
            out[known, b, : matrix.shape[0]] = np.log(np.maximum(matrix, FLOOR)).T[place[known]]
        return out

    def parameters(self) -> dict:
        """See `Events.parameters`."""
        return {
            "levels": [list(row) for row in self.scores],
            "probabilities": [p.tolist() for p in self.probabilities],
            "biomarkers": list(self.biomarkers),
        }


def _score_lists(levels, names, probabilities) -> list[np.ndarray]:
    """Score values of every biomarker from any of the ways to state them."""
    n = len(names) if names else len(probabilities) if _is_list_of(probabilities) else 1
    levels = [levels] * n if np.isscalar(levels) else list(levels)
    if not levels:
        raise InputError("levels: no biomarker given")
    flat = [np.isscalar(level) for level in levels]
    if any(flat) and not all(flat):
        raise InputError("levels: give numbers of levels or lists of scores, not both")
    if not any(flat):
        rows = [np.asarray(row, float).ravel() for row in levels]
        return rows * n if len(rows) == 1 else rows
    for level in levels:
        if not float(level).is_integer() or level < 1:
            raise InputError(
                f"levels: {level:g} is no number of levels; give whole numbers from 1, or score values as a list within a "
                "list, [[0, 1, 2]]"
            )
    return [np.arange(int(level) + 1, dtype=float) for level in levels]


def _is_list_of(probabilities) -> bool:
    """Whether there is one number or matrix per biomarker, not one for all: a matrix is a list of rows of numbers."""
    if np.isscalar(probabilities):
        return False
    return all(np.isscalar(p) or not np.isscalar(p[0]) for p in probabilities)


def _one_each(probabilities, names) -> list:
    """One number or matrix per biomarker."""
    if not _is_list_of(probabilities):
        return [probabilities] * len(names)
    if len(probabilities) != len(names):
        raise InputError(
            f"{counted(len(probabilities), 'set')} of probabilities for {counted(len(names), 'biomarker')}: {name_some(names)}"
        )
    return list(probabilities)


def _confusion(p, n_scores: int, name: str) -> np.ndarray:
    """P(observed | true), checked."""
    if np.isscalar(p):
        p = float(p)
        if not 1 / n_scores < p < 1:
            raise InputError(
                f"biomarker {name}: the probability of the right score is {p:g}; with {n_scores} scores it must lie "
                f"between {1 / n_scores:.3g} (a guess) and 1"
            )
        matrix = np.full((n_scores, n_scores), (1 - p) / (n_scores - 1))
        np.fill_diagonal(matrix, p)
        return matrix
    try:
        matrix = np.asarray(p, float)
    except (TypeError, ValueError):
        raise InputError(f"biomarker {name}: its probabilities are no matrix of numbers") from None
    if matrix.shape != (n_scores, n_scores):
        raise InputError(
            f"biomarker {name}: its probabilities have shape {matrix.shape}; {n_scores} scores need "
            f"({n_scores}, {n_scores}), one row per true level"
        )
    if not np.isfinite(matrix).all() or (matrix < 0).any() or np.abs(matrix.sum(axis=1) - 1).max() > 1e-6:
        raise InputError(
            f"biomarker {name}: every row of its probabilities, P(observed score | true level), must be positive and sum "
            f"to 1; the rows sum to {_listed(matrix.sum(axis=1))}"
        )
    return matrix


def _listed(values) -> str:
    return name_some([f"{v:g}" for v in values], 12)
