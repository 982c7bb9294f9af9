"""Stage log-densities, and everyone's place in the mixture.

The log-density used inside leaves out what depends on neither stage nor sequence:

    l_j(k) = g(k)' y_j - g(k)' P_O g(k) / 2 + sum over events e passed before stage k of D_je

so that the healthy component, N(0, covariance) with no event passed, has l = 0.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .curves import fill_curve, fill_points
from .noise import fill_pull, fill_quad, pattern_precision
from .numerics import BARE, COUNTED, INNER, KERNEL, VECTOR, fast_exp, log_normal_interval
from .order import invert


@njit(**INNER, **BARE)
def fill_subtype(c, subtypes, noise, data, layout):
    """Places, curves and what follows from them, from the sequence of subtype c."""
    invert(subtypes.sequence[c], subtypes.place[c])
    for b in range(subtypes.curve.shape[1]):
        fill_curve(b, subtypes.place[c], layout, subtypes.curve[c, b])
    fill_pull(noise, subtypes.curve[c], subtypes.pull[c])
    fill_quad(noise, data, subtypes.curve[c], subtypes.pull[c], subtypes.quad[c])


@njit(**KERNEL, **BARE)
def fill_subtypes(subtypes, noise, data, layout):
    """`fill_subtype` for every subtype."""
    for c in range(subtypes.sequence.shape[0]):
        fill_subtype(c, subtypes, noise, data, layout)


@njit(**INNER, fastmath=VECTOR, **COUNTED)
def fill_midpoint(data, noise, block, subtypes, c, layout, out):
    """l of one block under the midpoint rule; out (K, width).

    g(k)' y is followed along the stages instead of summed at each: it grows from the middle of one stage to the middle of
    the next by half of what it grows over either, and that growth changes only where an event lies, by the share of the
    event's biomarker. So are the increments.
    """
    n_biomarkers, width = subtypes.curve.shape[1], out.shape[1]
    follow(data, noise, block, subtypes, c, layout, out, (np.zeros((2, n_biomarkers)), np.zeros((2, width))))


@njit(**INNER, fastmath=VECTOR, **BARE)
def follow(data, noise, block, subtypes, c, layout, out, scratch):
    """The loops of `fill_midpoint`; scratch is zeros (2, B) and (2, width)."""
    curve, quad = subtypes.curve[c], subtypes.quad[c]
    n_biomarkers, n_stages = curve.shape
    width = out.shape[1]
    y = noise.y[block]
    point, growth = scratch[0][0], scratch[0][1]
    middle, half = scratch[1][0], scratch[1][1]
    only = data.only[block]
    for k in range(n_stages):
        for w in range(width):
            middle[w] += half[w]
        for b in range(n_biomarkers):
            now = 2.0 * (curve[b, k] - point[b])
            change = now - growth[b]
            if abs(change) > 1e-11:
                growth[b] = now
                slope = 0.5 * change
                row = y[b]
                for w in range(width):
                    half[w] += slope * row[w]
            point[b] += growth[b]
        if k > 0:
            s = layout.step[subtypes.sequence[c, k - 1]]
            if s >= 0:
                row = data.steps[block, s]
                for w in range(width):
                    middle[w] += row[w]
        into = out[k]
        if only >= 0:
            constant = 0.5 * quad[k, only]
            for w in range(width):
                middle[w] += half[w]
                into[w] = middle[w] - constant
        else:
            for w in range(width):
                middle[w] += half[w]
                into[w] = middle[w] - 0.5 * quad[k, data.pattern[block, w]]


@njit(**INNER, **COUNTED)
def fill_integral(data, noise, block, place, layout, out):
    """l of one block with the stage integrated exactly; out (K, width). Events with a curve only.

    Inside a stage every curve is v + d tau, tau in [0, 1], so the log-density is the quadratic
    -(a tau^2 - 2 h tau + c) / 2 and its exponential integrates to a difference of normal CDFs.
    """
    n_stages, width = out.shape
    n_biomarkers = noise.precision.shape[0]
    points = np.empty((n_biomarkers, n_stages + 1))
    for b in range(n_biomarkers):
        fill_points(b, place, layout, points[b])
    precision = np.empty((n_biomarkers, n_biomarkers))
    known = -1
    quadratic = np.empty((n_stages, 3))  # d'Pd, d'Pv, v'Pv of every stage
    for w in range(width):
        p = data.pattern[block, w]
        if p != known:
            pattern_precision(noise, data, p, precision)
            known = p
            for k in range(n_stages):
                a = m = c = 0.0
                for i in range(n_biomarkers):
                    d, v = points[i, k + 1] - points[i, k], points[i, k]
                    for j in range(n_biomarkers):
                        push = precision[i, j]
                        a += d * push * (points[j, k + 1] - points[j, k])
                        m += d * push * points[j, k]
                        c += v * push * points[j, k]
                quadratic[k, 0], quadratic[k, 1], quadratic[k, 2] = a, m, c
        for k in range(n_stages):
            h, c = -quadratic[k, 1], quadratic[k, 2]
            for b in range(n_biomarkers):
                v = points[b, k]
                h += (points[b, k + 1] - v) * noise.y[block, b, w]
                c -= 2.0 * v * noise.y[block, b, w]
            a = quadratic[k, 0]
            if a < 1e-12:
                out[k, w] = -0.5 * c + 0.5 * h
            else:
                root = math.sqrt(a)
                mean = h / a
                out[k, w] = (
                    -0.5 * (c - h * mean)
                    + 0.9189385332046727
                    - math.log(root)
                    + log_normal_interval(-mean * root, (1.0 - mean) * root)
                )


@njit(**INNER, **COUNTED)
def fill_block(data, noise, block, subtypes, c, layout, integral, out):
    """Stage log-densities (K, width) of one block for subtype c, by either rule."""
    if integral:
        fill_integral(data, noise, block, subtypes.place[c], layout, out)
    else:
        fill_midpoint(data, noise, block, subtypes, c, layout, out)


@njit(**KERNEL, **COUNTED)
def stage_log_density(data, noise, subtypes, layout, integral, out):
    """l of everyone under the first subtype's sequence; out (n_blocks, K, width)."""
    fill_subtypes(subtypes, noise, data, layout)
    for block in range(data.real.shape[0]):
        fill_block(data, noise, block, subtypes, 0, layout, integral, out[block])


@njit(**INNER, fastmath=VECTOR, **COUNTED)
def normalise_block(log_density, weights, healthy, reference, total):
    """Turn l (C, K, width) into joint posteriors in place; write reference, total density and P(healthy) (width,).

    After the call log_density[c, k, w] = P(c, k | x_w), healthy[w] = P(healthy | x_w), and the person's log-likelihood
    (without constants) is reference + log(total).
    """
    into_posteriors(log_density, weights, healthy, reference, total, np.empty(reference.size))


@njit(**INNER, fastmath=VECTOR, **BARE)
def into_posteriors(log_density, weights, healthy, reference, total, share):
    """The loops of `normalise_block`; share (width,) is scratch."""
    width = reference.size
    n_subtypes, n_stages = weights.joint.shape
    base = weights.healthy[0]
    for w in range(width):
        reference[w] = 0.0 if base > 0.0 else -np.inf
        total[w] = 0.0
        healthy[w] = 0.0
    for c in range(n_subtypes):
        for k in range(n_stages):
            if weights.joint[c, k] > 0.0:
                row = log_density[c, k]
                for w in range(width):
                    reference[w] = max(reference[w], row[w])
    if base > 0.0:
        for w in range(width):
            healthy[w] = base * fast_exp(-reference[w])
            total[w] = healthy[w]
    for c in range(n_subtypes):
        for k in range(n_stages):
            row = log_density[c, k]
            v = weights.joint[c, k]
            if v > 0.0:
                for w in range(width):
                    row[w] = v * fast_exp(row[w] - reference[w])
                for w in range(width):
                    total[w] += row[w]
            else:
                for w in range(width):
                    row[w] = 0.0
    # The best stage may carry a vanishing weight, so a far-out person's total can still underflow;
    # 708 nats below the reference nothing is left to tell apart.
    for w in range(width):
        share[w] = 1.0 / total[w]
        healthy[w] *= share[w]
    for c in range(n_subtypes):
        for k in range(n_stages):
            row = log_density[c, k]
            for w in range(width):
                row[w] *= share[w]


@njit(**KERNEL, fastmath=VECTOR, **COUNTED)
def posterior_over_draws(data, layout, noise, subtypes, weights, integral, posterior, density):
    """Add one draw's P(subtype, stage | x) to `posterior` and write its log-density per person.

    Parameters
    ----------
    posterior : (C + 1, K, n_blocks, width), added to; the last row's stage 0 is P(healthy).
    density : (n_blocks, width), written: log p(x_j | draw) without constants.
    """
    width = data.real.shape[1]
    n_subtypes, n_stages = weights.joint.shape
    scratch = np.empty((n_subtypes, n_stages, width))
    reference = np.empty(width)
    total = np.empty(width)
    healthy = np.empty(width)
    fill_subtypes(subtypes, noise, data, layout)
    for block in range(data.real.shape[0]):
        for c in range(n_subtypes):
            fill_block(data, noise, block, subtypes, c, layout, integral, scratch[c])
        normalise_block(scratch, weights, healthy, reference, total)
        out = posterior[n_subtypes, 0, block]
        for w in range(width):
            density[block, w] = reference[w] + math.log(total[w])
            out[w] += healthy[w]
        for c in range(n_subtypes):
            for k in range(n_stages):
                out = posterior[c, k, block]
                row = scratch[c, k]
                for w in range(width):
                    out[w] += row[w]
