"""People simulated from a subtype model, for tests, recovery and power studies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..streams import stream
from .families import ZScoreEvents
from .problem import noise_vector


@dataclass
class SimulatedPeople:
    """z-scores (M, B) and the truth they came from: subtype 0-based (M,), stage (M,)."""

    X: np.ndarray
    subtype: np.ndarray
    stage: np.ndarray


def simulate(
    events: ZScoreEvents,
    sequences,
    n_people: int,
    *,
    fractions=None,
    stage_weights=None,
    noise_sd=1.0,
    correlation=None,
    missing: float = 0.0,
    within_stage: bool = False,
    seed: int = 0,
) -> SimulatedPeople:
    """Draw people from a z-score subtype model.

    Parameters
    ----------
    events : ZScoreEvents
    sequences : array_like of int, shape (C, N)
    n_people : int
    fractions : array_like, shape (C,), optional
        Equal where not given.
    stage_weights : array_like, shape (N+1,) or (C, N+1), optional
        Distribution of stages (per subtype); uniform where not given.
    noise_sd : float or array_like, shape (B,)
    correlation : array_like, shape (B, B), optional
        Of the residuals; the identity where not given.
    missing : float
        Share of values removed at random, never all of a person's.
    within_stage : bool
        Place people uniformly inside their stage rather than at its mean.
    seed : int

    Returns
    -------
    SimulatedPeople

    Raises
    ------
    InputError
        Invalid sequences, or a correlation matrix that is not positive definite.

    Examples
    --------
    Two biomarkers with three events (0: thalamus 1, 1: frontal 1, 2: thalamus 2) and two orders of them.

    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    >>> people = simulate(events, [[0, 2, 1], [1, 0, 2]], 60, noise_sd=0.3, seed=1)
    >>> people.X.shape, sorted(set(people.subtype.tolist()))
    ((60, 2), [0, 1])
    """
    sequences = np.stack([events.check_sequence(s) for s in np.atleast_2d(sequences)])
    n_subtypes, n_stages = len(sequences), events.n_events + 1
    rng = stream(seed, "simulate")
    f = np.full(n_subtypes, 1 / n_subtypes) if fractions is None else np.asarray(fractions, float)
    w = np.ones((n_subtypes, n_stages)) if stage_weights is None else np.asarray(stage_weights, float)
    w = np.broadcast_to(w, (n_subtypes, n_stages))
    subtype = rng.choice(n_subtypes, n_people, p=f / f.sum())
    stage = np.array([rng.choice(n_stages, p=w[c] / w[c].sum()) for c in subtype], dtype=np.int64)
    within = rng.random(n_people) if within_stage else np.full(n_people, 0.5)
    mean = np.empty((n_people, events.n_biomarkers))
    points = [_points(events, s) for s in sequences]
    for j in range(n_people):
        curve = points[subtype[j]]
        mean[j] = curve[stage[j]] + within[j] * (curve[stage[j] + 1] - curve[stage[j]])
    residual = rng.standard_normal(mean.shape)
    if correlation is not None:
        try:
            residual = residual @ np.linalg.cholesky(np.asarray(correlation, float)).T
        except np.linalg.LinAlgError:
            raise InputError("the residual correlation matrix is not positive definite") from None
    X = mean + residual * noise_vector(noise_sd, events.n_biomarkers)
    if missing:
        gone = rng.random(X.shape) < missing
        spared = rng.integers(0, events.n_biomarkers, n_people)
        gone[np.arange(n_people), spared] = False
        X[gone] = np.nan
    return SimulatedPeople(X, subtype, stage)


def _points(events: ZScoreEvents, sequence: np.ndarray) -> np.ndarray:
    """Curve values at the points 0..N+1, shape (N+2, B)."""
    place = np.argsort(sequence)
    out = np.empty((events.n_events + 2, events.n_biomarkers))
    for b, top in enumerate(events.z_max):
        mine = np.flatnonzero(events.biomarker == b)
        at = np.concatenate([[0], place[mine] + 1, [events.n_events + 1]])
        out[:, b] = np.interp(np.arange(events.n_events + 2), at, np.concatenate([[0], events.value[mine], [top]]))
    return out
