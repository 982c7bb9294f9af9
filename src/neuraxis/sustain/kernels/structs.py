"""What the kernels work on, as tuples of arrays, so that what belongs together travels together.

Notation, the same in all kernels: M people, B biomarkers with a curve, S rows of increments, N events, K = N + 1 stages,
C subtypes, H bumps of the stage prior, P patterns of missing values. People lie in blocks of equal width, so that the
innermost loop runs over neighbours in memory and compiles to vector instructions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Layout(NamedTuple):
    """Events. Every event belongs to a curve (`curve` >= 0) or carries an increment (`step` >= 0).

    `previous` and `following` are the neighbours within the same biomarker (-1: none), with the curve's values there (0
    before the first event, z_max after the last).
    """

    curve: np.ndarray  # (N,) row of x, or -1
    step: np.ndarray  # (N,) row of the increments, or -1
    value: np.ndarray  # (N,)
    previous: np.ndarray  # (N,)
    following: np.ndarray  # (N,)
    value_before: np.ndarray  # (N,)
    value_after: np.ndarray  # (N,)
    first_event: np.ndarray  # (B,)
    z_max: np.ndarray  # (B,)


class Data(NamedTuple):
    """People in blocks, sorted by their pattern of missing values; complete people are pattern 0."""

    x: np.ndarray  # (n_blocks, B, width) values, 0 where missing
    steps: np.ndarray  # (n_blocks, S, width) log p(value | event passed) - log p(value | not passed)
    largest_step: np.ndarray  # (S,) largest |increment|
    real: np.ndarray  # (n_blocks, width) 1 for a person, 0 for padding
    pattern: np.ndarray  # (n_blocks, width) pattern of each place
    only: np.ndarray  # (n_blocks,) the block's pattern where it has one, else -1
    missing: np.ndarray  # flat: the missing biomarkers of pattern p are missing[missing_start[p]:missing_start[p + 1]]
    missing_start: np.ndarray  # (P + 1,)
    root_start: np.ndarray  # (P,) where pattern p's root begins in `Noise.root`
    count: np.ndarray  # (P,) people


class Noise(NamedTuple):
    """Precision of the residuals and what follows from it for everyone; see `noise.set_precision`."""

    precision: np.ndarray  # (B, B)
    coupled: bool  # whether it is more than a diagonal
    y: np.ndarray  # (n_blocks, B, width) P_O x_O, 0 where missing
    largest: np.ndarray  # (B,) largest |y|
    root: np.ndarray  # flat: inverse lower Cholesky factor (m, m) of the precision of each pattern's missing part


class Subtypes(NamedTuple):
    """Sequences and what follows from them."""

    sequence: np.ndarray  # (C, N) event at each place
    place: np.ndarray  # (C, N) place of each event
    curve: np.ndarray  # (C, B, K) g: value of each biomarker at each stage
    pull: np.ndarray  # (C, B, K) precision times g
    quad: np.ndarray  # (C, K, P) g' P_O g


class Weights(NamedTuple):
    """Weights of the mixture: healthy[0] + joint.sum() = 1."""

    healthy: np.ndarray  # (1,)
    share: np.ndarray  # (C, H) theta: weight of subtype c in bump h
    joint: np.ndarray  # (C, K) share @ bumps


class Settings(NamedTuple):
    """What a fit holds fixed."""

    bumps: np.ndarray  # (H, K) distributions over the stages, rows sum to 1
    healthy: bool  # whether there is a healthy component (subtypes then have no stage 0)
    concentration: float  # of the Dirichlet prior of every share, in the sampler
    pseudo: float  # counts added to every share, in EM
    noise: int  # 0 fixed, 1 one SD a biomarker learnt, 2 covariance adapted
    degrees: float  # of the inverse-Wishart prior of an adapted covariance
    centre: np.ndarray  # (B, B) its centre
    integral: bool  # stages integrated exactly


class Statistics(NamedTuple):
    """Sums over people of responsibilities or of drawn cells, all that the moves of events need to know of the data."""

    count: np.ndarray  # (P, C, K) people
    pulled: np.ndarray  # (C, B, K) sum of y
    stepped: np.ndarray  # (C, S, K) sum of increments
    healthy: np.ndarray  # (1,) people in the healthy component
    scatter: np.ndarray  # (B, B) sum of residuals' products, missing values completed; filled where noise is learnt


class Ground(NamedTuple):
    """Expected log-likelihood around one subtype's curves: Q = sum of g (slope + own g / 2) to second order.

    Rows of stages are padded to whole vectors; padding holds zeros.
    """

    planes: (
        np.ndarray
    )  # (5, B, padded K): curve g; slope sum_j r (y - P_O g); own sum_j r (P_O)_bb; stages 0, 1, ...; scratch
    total: np.ndarray  # (padded K) sum_j r; 1 where cross is filled, and where noise is not coupled
    precision: np.ndarray  # (B, B) P; empty where noise is not coupled
    cross: np.ndarray  # (B, B, padded K) sum_j r P_O; empty where it is total times P, and where noise is not coupled
    stepped: np.ndarray  # (S, padded K)
    shift: np.ndarray  # (B, padded K) what a walk has changed of the curves of the biomarkers it met
    walk: np.ndarray  # (3, padded K) scratch
    rows: np.ndarray  # (B,) biomarkers met


class Chain(NamedTuple):
    """State of one Markov chain; densities relative to each person's reference, times exp(lift)."""

    subtypes: Subtypes
    weights: Weights
    noise: Noise
    fast: np.ndarray  # (n_blocks, B, width) y in the densities' precision
    density: np.ndarray  # (C, n_blocks, K, width)
    reference: np.ndarray  # (n_blocks, width) log
    healthy: np.ndarray  # (n_blocks, width) density of the healthy component, not weighted
    subtype: np.ndarray  # (C, n_blocks, width) weighted and summed over stages
    mixture: np.ndarray  # (n_blocks, width)
    limits: np.ndarray  # (6,), see `problem.limits`
    changed: np.ndarray  # (C, K) sum of the largest changes of each density since all were computed
    step: np.ndarray  # (C, N) proposal scale of each event
    tried: np.ndarray  # (C, N)
    accepted: np.ndarray  # (C, N)


class Trial(NamedTuple):
    """A move under trial; see `moves.prepare`."""

    biomarkers: np.ndarray  # (B,) those that change
    curve: np.ndarray  # (B, K) their new curves
    delta: np.ndarray  # (B, K) change of curve, by position in `biomarkers`
    growth: np.ndarray  # (B, K) by position and run
    starts: np.ndarray  # (K + 1,) first stage of every run
    touched: np.ndarray  # (K,) bool
    pull: np.ndarray  # (B, K)
    quad: np.ndarray  # (K, P)
    factor: np.ndarray  # (P, K) exp(-change of quad / 2), densities' precision
    gained: np.ndarray  # (K,) row of the increments gained at a stage, -1: none
    lost: np.ndarray  # (K,)
    weight: np.ndarray  # (K,) densities' precision
    floor: np.ndarray  # (1,) what a density never falls below, densities' precision
    base: np.ndarray  # (1,) healthy weight in the densities' precision
    slope: np.ndarray  # (B + 3,) scratch, densities' precision
    which: np.ndarray  # (B + 3,) scratch
    sums: np.ndarray  # (5, K) scratch
    density: np.ndarray  # (n_blocks, K, width) new densities at the touched stages
    total: np.ndarray  # (n_blocks, width) new weighted sum over the stages
    rows: np.ndarray  # (4, width): growth so far, growth over half a stage, scratch
