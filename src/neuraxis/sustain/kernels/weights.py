"""Weights of the mixture: healthy component, fractions of the subtypes, distribution of each over the stages.

w_c(k) = sum_h theta_ch phi_h(k) with fixed distributions phi_h over the stages: single stages (Dirichlet cells), triangular
bumps (smooth), or all stages alike (uniform). (pi_0, theta) has a Dirichlet prior, so that EM is in closed form and Gibbs exact.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .numerics import BARE, COUNTED, INNER, KERNEL, VECTOR, draw_log_gamma, fill_uniforms


@njit(**KERNEL, **BARE)
def fill_joint(weights, settings):
    """joint = share @ bumps."""
    n_subtypes, n_bumps = weights.share.shape
    for c in range(n_subtypes):
        for k in range(weights.joint.shape[1]):
            s = 0.0
            for h in range(n_bumps):
                s += weights.share[c, h] * settings.bumps[h, k]
            weights.joint[c, k] = s


@njit(**INNER, **COUNTED)
def update_weights(weights, settings, stats, rounds):
    """M-step: every cell's people are split over its bumps, `rounds` times; fractions and bumps follow."""
    n_subtypes, n_stages = weights.joint.shape
    n_bumps = weights.share.shape[1]
    counts = np.zeros((n_subtypes, n_stages))
    for p in range(stats.count.shape[0]):
        counts += stats.count[p]
    people = counts.sum() + stats.healthy[0]
    pseudo = settings.pseudo
    # a subtype that has lost everyone could never come back
    smallest = 1e-12
    for _ in range(rounds if n_bumps > 1 else 1):
        total = 0.0
        for c in range(n_subtypes):
            for h in range(n_bumps):
                s = 0.0
                for k in range(n_stages):
                    v = settings.bumps[h, k]
                    if v > 0.0 and weights.joint[c, k] > 0.0:
                        s += counts[c, k] * v / weights.joint[c, k]
                weights.share[c, h] = max(weights.share[c, h] * s + pseudo, smallest)
                total += weights.share[c, h]
        base = stats.healthy[0] + (1.0 if pseudo > 0.0 else 0.0) if settings.healthy else 0.0
        if settings.healthy:
            base = max(base, 1e-9 * people)
        total += base
        weights.healthy[0] = base / total
        for c in range(n_subtypes):
            for h in range(n_bumps):
                weights.share[c, h] /= total
        fill_joint(weights, settings)


@njit(**INNER, **COUNTED)
def draw_weights(weights, settings, stats, rng):
    """Gibbs draw of healthy weight and shares given everyone's cell, each person's bump drawn too."""
    n_subtypes, n_stages = weights.joint.shape
    n_bumps = weights.share.shape[1]
    counts = np.zeros((n_subtypes, n_bumps))
    for c in range(n_subtypes):
        for k in range(n_stages):
            n = 0.0
            for p in range(stats.count.shape[0]):
                n += stats.count[p, c, k]
            if n_bumps == 1:
                counts[c, 0] += n
                continue
            for _ in range(int(n + 0.5)):
                u = rng.random() * weights.joint[c, k]
                h = -1
                last = 0
                while u > 0.0 and h < n_bumps - 1:
                    h += 1
                    mass = weights.share[c, h] * settings.bumps[h, k]
                    u -= mass
                    if mass > 0.0:
                        last = h
                counts[c, last] += 1.0
    top = -np.inf
    base = -np.inf
    if settings.healthy:
        base = draw_log_gamma(stats.healthy[0] + 1.0, rng)
        top = base
    for c in range(n_subtypes):
        for h in range(n_bumps):
            counts[c, h] = draw_log_gamma(counts[c, h] + settings.concentration, rng)
            top = max(top, counts[c, h])
    total = math.exp(base - top) if settings.healthy else 0.0
    weights.healthy[0] = total
    for c in range(n_subtypes):
        for h in range(n_bumps):
            weights.share[c, h] = math.exp(counts[c, h] - top)
            total += weights.share[c, h]
    weights.healthy[0] /= total
    for c in range(n_subtypes):
        for h in range(n_bumps):
            weights.share[c, h] /= total
    fill_joint(weights, settings)


@njit(**INNER, fastmath=VECTOR, **COUNTED)
def draw_fractions(data, chain, settings, rng):
    """Exact Gibbs of healthy weight and fractions, stages summed out; the subtypes' own distributions stay.

    Everyone's component is drawn, then (pi_0, f) ~ Dirichlet(1 + n_0, a H + n_c): what the Dirichlet prior of the shares says
    of their sums.
    """
    n_subtypes, width = chain.weights.share.shape[0], data.real.shape[1]
    redraw_fractions(
        data, chain, settings, rng, (np.empty(n_subtypes + 1), np.empty((2, width)), np.ones(1, chain.mixture.dtype))
    )


@njit(**INNER, fastmath=VECTOR, **BARE)
def redraw_fractions(data, chain, settings, rng, scratch):
    """The loops of `draw_fractions`; scratch is (C + 1,), (2, width), and one number of the densities' precision."""
    counts, rows, one = scratch
    u, above = rows[0], rows[1]
    weights = chain.weights
    n_subtypes, n_bumps = weights.share.shape
    width = data.real.shape[1]
    counts[0] = 1.0
    for c in range(n_subtypes):
        counts[c + 1] = settings.concentration * n_bumps
    base = weights.healthy[0]
    for block in range(data.real.shape[0]):
        fill_uniforms(rng, u)
        real = data.real[block]
        passed = 0.0
        for w in range(width):
            u[w] *= chain.mixture[block, w]
            above[w] = base * chain.healthy[block, w]
            passed += real[w] if u[w] > above[w] else 0.0
        remaining = passed
        there = 0.0
        for w in range(width):
            there += real[w]
        counts[0] += there - passed
        for c in range(n_subtypes - 1):
            passed = 0.0
            for w in range(width):
                above[w] += chain.subtype[c, block, w]
                passed += real[w] if u[w] > above[w] else 0.0
            counts[c + 1] += remaining - passed
            remaining = passed
        counts[n_subtypes] += remaining
    total = 0.0
    for i in range(n_subtypes + 1):
        counts[i] = rng.standard_gamma(counts[i]) if i > 0 or settings.healthy else 0.0
        total += counts[i]
    base = counts[0] / total
    weights.healthy[0] = base
    one[0] = base
    v = one[0]
    for block in range(data.real.shape[0]):
        mixture, healthy = chain.mixture[block], chain.healthy[block]
        for w in range(width):
            mixture[w] = v * healthy[w]
    for c in range(n_subtypes):
        mine_before = 0.0
        for h in range(n_bumps):
            mine_before += weights.share[c, h]
        scale = counts[c + 1] / total / mine_before
        for h in range(n_bumps):
            weights.share[c, h] *= scale
        for k in range(weights.joint.shape[1]):
            weights.joint[c, k] *= scale
        one[0] = scale
        v = one[0]
        for block in range(data.real.shape[0]):
            mixture, mine = chain.mixture[block], chain.subtype[c, block]
            for w in range(width):
                mine[w] *= v
                mixture[w] += mine[w]
