"""Search for the maximum: EM on sufficient statistics, stochastic EM that leaves shallow optima, exact polish."""

from __future__ import annotations

import numpy as np
from numba import njit

from .density import fill_subtypes
from .moves import prepare, refresh, try_move
from .noise import adapted_covariance, invert_covariance, set_precision
from .numerics import COUNTED, INNER, KERNEL, shuffle
from .order import move, window
from .statistics import build_ground, expectation, sweep_events, uniforms_for
from .weights import update_weights

#: A move of the polish must gain so many nats: more than single precision blurs a sum over people.
LEAST_GAIN = 1e-3


@njit(**INNER, **COUNTED)
def update_noise(data, noise, settings, scatter):
    """M-step of the noise from the expected residuals' products."""
    n = noise.precision.shape[0]
    precision = np.zeros((n, n))
    people = data.count.sum()
    if settings.noise == 1:
        for b in range(n):
            lacking = 0.0
            for p in range(data.count.size):
                for j in range(data.missing_start[p], data.missing_start[p + 1]):
                    if data.missing[j] == b:
                        lacking += data.count[p]
            # completed values only repeat the present variance: what is observed decides
            seen = scatter[b, b] - lacking / noise.precision[b, b]
            precision[b, b] = 1.0 / max(seen / (people - lacking), 1e-4)
    else:
        covariance = np.empty((n, n))
        adapted_covariance(settings, scatter, people, covariance)
        invert_covariance(covariance, precision)
    set_precision(noise, data, precision)


@njit(**INNER, **COUNTED)
def maximise(data, layout, state, settings, work, reach, passes, rng):
    """M-step given the statistics: weights, events, noise. state is (subtypes, weights, noise), work (statistics, ground)."""
    subtypes, weights, noise = state
    stats, ground = work
    update_weights(weights, settings, stats, 5)
    for c in range(subtypes.sequence.shape[0]):
        build_ground(c, data, noise, subtypes, stats, ground)
        # another pass over the same statistics is far cheaper than another E-step
        for _ in range(passes):
            if sweep_events(subtypes.sequence[c], subtypes.place[c], layout, ground, reach, True, rng) <= 0.0:
                break
    if settings.noise > 0:
        update_noise(data, noise, settings, stats.scatter)
    fill_subtypes(subtypes, noise, data, layout)


@njit(**KERNEL, **COUNTED)
def climb(data, layout, state, settings, work, plan, rng):
    """Stochastic rounds, then generalised EM, from one start, in place.

    In a stochastic round everyone's cell is drawn and the M-step made given the draw; rugged surfaces are crossed so
    (Celeux & Diebolt 1985). Then each part of EM raises the expected complete-data log-likelihood, so the likelihood never
    falls (midpoint rule, no prior counts). plan is (stochastic rounds, most EM rounds, tolerance, reach of the stochastic
    rounds, reach of EM). Returns the log-likelihood without constants and the number of EM rounds.
    """
    n_stochastic, most, tolerance, near, far = plan
    subtypes, weights, noise = state
    stats, ground = work
    fill_subtypes(subtypes, noise, data, layout)
    nothing = np.empty((0, 0))
    for _ in range(n_stochastic):
        expectation(data, noise, layout, subtypes, weights, settings, stats, uniforms_for(data, rng))
        maximise(data, layout, state, settings, work, near, 1, rng)
    old, value = -np.inf, -np.inf
    rounds = 0
    for i in range(most):
        value = expectation(data, noise, layout, subtypes, weights, settings, stats, nothing)
        rounds = i
        if value - old < tolerance and i > 0:
            break
        old = value
        maximise(data, layout, state, settings, work, far, 2, rng)
    return value, rounds


@njit(**KERNEL, **COUNTED)
def polish(data, layout, chain, settings, trial, plan, rng):
    """Greedy ascent on the exact likelihood, every event over every place within reach; weights stay.

    plan is (most sweeps, reach). Returns (log-likelihood, moves made).
    """
    most, reach = plan
    n_subtypes, n_events = chain.subtypes.sequence.shape
    order = np.arange(n_events)
    value = refresh(data, layout, chain, settings)
    moves = 0
    for _ in range(most):
        moved = 0
        for c in range(n_subtypes):
            shuffle(order, rng)
            for e in order:
                sequence, place = chain.subtypes.sequence[c], chain.subtypes.place[c]
                low, high = window(e, place, layout)
                home = place[e]
                best, best_change = home, LEAST_GAIN
                for to in range(max(low, home - reach), min(high, home + reach) + 1):
                    if to == home:
                        continue
                    fine = False
                    if settings.integral:
                        move(e, to, sequence, place)
                    else:
                        n_changed, n_runs, largest = prepare(c, home, to, data, layout, chain, trial)
                        change, fine = try_move(c, data, chain, trial, n_changed, n_runs, largest)
                    if not fine:
                        # the stage is integrated, or the move is too large for the stored densities: full computation
                        change = refresh(data, layout, chain, settings) - value
                    move(e, home, sequence, place)
                    if not fine:
                        refresh(data, layout, chain, settings)
                    if change > best_change:
                        best, best_change = to, change
                if best != home:
                    moved += 1
                    move(e, best, sequence, place)
                    value = refresh(data, layout, chain, settings)
        value = refresh(data, layout, chain, settings)
        moves += moved
        if moved == 0:
            break
    return value, moves
