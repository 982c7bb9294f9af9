"""Compiled kernels of the z-score SuStaIn engine.

Everything here is arrays in, arrays out, without globals that change, valid Python with the compiler
off, and in one module on purpose: Numba's disk cache does not notice an edited callee in another file.

Notation: M people, B biomarkers, N events, C subtypes; stages k = 0..N; points 0..N+1 on the time axis.
People lie in blocks of equal width so that the innermost loop runs over neighbours in memory and compiles to
vector instructions; the last block is padded with people who observe nothing and count for nothing.

The log-likelihood used inside is

    l_jk = sum_b o_jb (x_jb g_b(k) - g_b(k)^2 / 2) / sigma_b^2

(o_jb = 1 where observed), that is log p(x_j | k, S) without the part that depends on neither stage nor
sequence; `likelihood.constants` adds that part where a number leaves the engine.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import config as numba_config
from numba.extending import intrinsic

#: Most people in a block: rows this long amortise the loops' overhead, and one stage of a block stays in the
#: first-level cache.
MAX_WIDTH = 512
#: A block's width is a multiple of this, four AVX-512 registers of float64, or loops end in a slow remainder.
WIDTH_STEP = 32
# Reassociation lets sums over people use vector registers; NaN and infinity keep their meaning.
VECTOR = {"reassoc", "contract", "nsz"}
# A factor by which a person's mixture density may change in one move, and products of such factors: far inside what float64
# can hold.
DRIFT_LOW, DRIFT_HIGH = 1e-100, 1e100
# A person's mixture density, relative to the person's reference, may drift this far before the reference is renewed.
MIXTURE_LOW, MIXTURE_HIGH = 1e-20, 1e20
# Moves multiply the densities. One move may change a log-density by so much, that ratios of such factors are numbers too;
# and accepted moves by so much in sum before all densities are computed again: what began at the smallest number, 708 nats
# below the reference, is then still e^-62 of the smallest mixture.
LARGEST_MOVE = 300.0
LARGEST_CHANGE = 600.0


#: Where sweeps draw events from their conditionals too, proposals of the collapsed moves reach no further than this share of
#: the places: a longer move passes more events and costs more, and the far moves are the sweeps' anyway (docs/sustain.md).
NEAR = 1 / 16


class People(NamedTuple):
    """Data in blocks: `x` and `observed` (n_blocks, B, width), `real` (n_blocks, width), `largest` |x| (B,)."""

    x: np.ndarray
    observed: np.ndarray
    real: np.ndarray
    largest: np.ndarray
    any_missing: bool


class Layout(NamedTuple):
    """Events: per event its biomarker, value and neighbours of the same biomarker (-1: none) with the curve's
    values there (0 before the first event, z_max after the last)."""

    biomarker: np.ndarray
    value: np.ndarray
    previous: np.ndarray
    following: np.ndarray
    value_before: np.ndarray
    value_after: np.ndarray
    first_event: np.ndarray
    z_max: np.ndarray


class Chain(NamedTuple):
    """State of one Markov chain over `C` subtypes; see `chain_steps`."""

    sequence: np.ndarray  # (C, N) event at each place
    place: np.ndarray  # (C, N) place of each event
    curve: np.ndarray  # (C, B, N+1) value of each biomarker at each stage
    weight: np.ndarray  # (C, N+1) joint weight of subtype and stage, sum 1
    inverse_variance: np.ndarray  # (B,)
    density: np.ndarray  # (C, n_blocks, N+1, width) exp(l - reference)
    reference: np.ndarray  # (n_blocks, width)
    subtype_density: np.ndarray  # (C, n_blocks, width)
    mixture: np.ndarray  # (n_blocks, width)
    changed: np.ndarray  # (1,) sum of the largest changes of a log-density since all were computed
    trial_density: np.ndarray  # (n_blocks, N+1, width) of the move under trial, where it changes
    trial_total: np.ndarray  # (n_blocks, width)
    step: np.ndarray  # (C, N) proposal scale of each event
    tried: np.ndarray  # (C, N)
    accepted: np.ndarray  # (C, N)


if numba_config.DISABLE_JIT:

    def _bits_to_float(bits):
        return np.int64(bits).view(np.float64)

    def _float_to_bits(value):
        return np.float64(value).view(np.int64)

else:

    @intrinsic
    def _bits_to_float(typing_context, bits):
        def codegen(context, builder, signature, arguments):
            return builder.bitcast(arguments[0], ir.DoubleType())

        return types.float64(types.int64), codegen

    @intrinsic
    def _float_to_bits(typing_context, value):
        def codegen(context, builder, signature, arguments):
            return builder.bitcast(arguments[0], ir.IntType(64))

        return types.int64(types.float64), codegen


#: Added to a whole number it leaves that number in the low bits, where an integer operation finds it: the processors'
#: own conversion of many doubles to integers at once came with AVX-512 only.
WHOLE = 6755399441055744.0


@njit(cache=True)
def fast_exp(x):
    """exp(x) in plain arithmetic, so that loops over it vectorise; relative error below 4e-15.

    Arguments below -708 give about 3e-308, above 709 about 8e307. Cody-Waite reduction to |r| <= log(2)/2, then the
    polynomial of degree 10 through exp at the Chebyshev points of that interval, which is off by 1.8e-15 at most. Few
    coefficients matter: with AVX2's sixteen registers every further one is loaded anew for each vector.
    """
    x = min(max(x, -708.0), 709.0)
    n = np.floor(x * 1.4426950408889634 + 0.5)
    r = x - n * 6.93145751953125e-1
    r = r - n * 1.42860682030941723212e-6
    p = 2.6395126582526755e-07
    p = p * r + 2.763411179587552e-06
    p = p * r + 2.480492104939883e-05
    p = p * r + 0.00019841185367587414
    p = p * r + 0.0013888885644825215
    p = p * r + 0.008333333373313332
    p = p * r + 0.041666666679511064
    p = p * r + 0.16666666666591878
    p = p * r + 0.49999999999981276
    p = p * r + 1.0000000000000033
    p = p * r + 1.0000000000000007
    return p * _bits_to_float((_float_to_bits(n + WHOLE) + 1023) << 52)


@njit(cache=True, nogil=True)
def sum_log(values, real):
    """Sum of log(values) over real people; values lie within the drift range, so products are safe."""
    total = 0.0
    product = 1.0
    for w in range(values.size):
        if real[w] > 0.0:
            product *= values[w]
            if product < DRIFT_LOW or product > DRIFT_HIGH:
                total += math.log(product)
                product = 1.0
    return total + math.log(product)


@njit(cache=True, nogil=True)
def fill_uniforms(rng, out):
    """Uniforms in [0, 1) by SplitMix64 from a start that `rng` draws; unlike `rng` the loop vectorises."""
    start = np.uint64(rng.random() * 9007199254740992.0) << np.uint64(11)
    for i in range(out.size):
        z = start + np.uint64(i + 1) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
        # 52 bits as the mantissa of a number in [1, 2)
        out[i] = _bits_to_float(np.int64((z >> np.uint64(12)) | np.uint64(0x3FF0000000000000))) - 1.0


# ------------------------------------------------------------------ curves


@njit(cache=True, nogil=True)
def invert(sequence, place):
    """Write the place of every event of `sequence` (N,) into `place` (N,)."""
    for p in range(sequence.size):
        place[sequence[p]] = p


@njit(cache=True, nogil=True)
def fill_curve_of(b, place, layout, out):
    """Write the stage values g_b(0..N) of biomarker `b` into `out` (N+1,).

    The curve runs from 0 at point 0 through each threshold at its event's point (place + 1) to z_max at
    point N+1; a stage has the mean of its two end points.
    """
    last = out.size
    left, left_value = 0, 0.0
    e = layout.first_event[b]
    while True:
        if e >= 0:
            right, right_value = place[e] + 1, layout.value[e]
        else:
            right, right_value = last, layout.z_max[b]
        slope = (right_value - left_value) / (right - left)
        for k in range(left, right):
            out[k] = left_value + slope * (k + 0.5 - left)
        if e < 0:
            return
        left, left_value = right, right_value
        e = layout.following[e]


@njit(cache=True, nogil=True)
def fill_points_of(b, place, layout, out):
    """Write biomarker b's curve at the points 0..N+1 into `out` (N+2,)."""
    last = out.size - 1
    left, left_value = 0, 0.0
    out[0] = 0.0
    e = layout.first_event[b]
    while True:
        if e >= 0:
            right, right_value = place[e] + 1, layout.value[e]
        else:
            right, right_value = last, layout.z_max[b]
        slope = (right_value - left_value) / (right - left)
        for t in range(left + 1, right + 1):
            out[t] = left_value + slope * (t - left)
        if e < 0:
            return
        left, left_value = right, right_value
        e = layout.following[e]


@njit(cache=True, nogil=True)
def fill_curves(place, layout, out):
    """`fill_curve_of` for every biomarker; `out` (B, N+1)."""
    for b in range(out.shape[0]):
        fill_curve_of(b, place, layout, out[b])


# -------------------------------------------------------- stage log-densities


@njit(cache=True, nogil=True, fastmath=VECTOR)
def fill_block_midpoint(x, observed, any_missing, curve, inverse_variance, out):
    """l_jk of one block under the midpoint rule; x (B, W), curve (B, N+1), out (N+1, W).

    With all values observed, sum_b g_b(k) x_jb / sigma_b^2 is followed along the stages instead of summed at each: it grows
    from the middle of one stage to the middle of the next by half of what it grows over either, and that growth changes only
    where an event lies, by the share of the event's biomarker.
    """
    width = x.shape[1]
    n_biomarkers, n_stages = curve.shape
    if any_missing:
        for k in range(n_stages):
            row = out[k]
            for w in range(width):
                row[w] = 0.0
            for b in range(n_biomarkers):
                slope = curve[b, k] * inverse_variance[b]
                half = 0.5 * curve[b, k] * slope
                for w in range(width):
                    row[w] += slope * x[b, w] - half * observed[b, w]
        return
    point = np.zeros(n_biomarkers)
    growth = np.zeros(n_biomarkers)
    middle = np.zeros(width)
    half = np.zeros(width)
    for k in range(n_stages):
        constant = 0.0
        for w in range(width):
            middle[w] += half[w]
        for b in range(n_biomarkers):
            g = curve[b, k]
            constant -= 0.5 * g * g * inverse_variance[b]
            now = 2.0 * (g - point[b])
            change = now - growth[b]
            if abs(change) > 1e-11:
                growth[b] = now
                slope = 0.5 * change * inverse_variance[b]
                for w in range(width):
                    half[w] += slope * x[b, w]
            point[b] += growth[b]
        row = out[k]
        for w in range(width):
            middle[w] += half[w]
            row[w] = constant + middle[w]


@njit(cache=True, nogil=True)
def log_normal_interval(low, high):
    """log(Phi(high) - Phi(low)) for low < high, exact in both tails."""
    if low > 0.0:
        low, high = -high, -low
    # now the interval is centred at or below 0, so Phi(low) <= Phi(high) are both well scaled
    root_half = 0.7071067811865476
    if high > -5.0:
        return math.log(0.5 * (math.erfc(-high * root_half) - math.erfc(-low * root_half)))
    upper = _log_lower_tail(high)
    return upper + math.log(-math.expm1(_log_lower_tail(low) - upper))


@njit(cache=True, nogil=True)
def _log_lower_tail(z):
    """log Phi(z) for z <= -5: erfc where it does not underflow, else its asymptotic series."""
    if z > -25.0:
        return math.log(0.5 * math.erfc(-z * 0.7071067811865476))
    s = 1.0 / (z * z)
    series = 1.0 - s * (1.0 - 3.0 * s * (1.0 - 5.0 * s * (1.0 - 7.0 * s)))
    return -0.5 * z * z - math.log(-z) - 0.9189385332046727 + math.log(series)


@njit(cache=True, nogil=True)
def fill_block_integral(x, observed, points, inverse_variance, out):
    """l_jk of one block with the stage integrated exactly; points (B, N+2), out (N+1, W).

    Inside a stage every curve is v + d tau, tau in [0, 1], so the log-density is the quadratic
    -(a tau^2 - 2 h tau + c) / 2 and its exponential integrates to a difference of normal CDFs.
    """
    width = x.shape[1]
    n_biomarkers, n_points = points.shape
    for k in range(n_points - 1):
        for w in range(width):
            a = h = c = 0.0
            for b in range(n_biomarkers):
                if observed[b, w] > 0.0:
                    v = points[b, k]
                    d = points[b, k + 1] - v
                    iv = inverse_variance[b]
                    a += iv * d * d
                    h += iv * d * (x[b, w] - v)
                    c += iv * (v * v - 2.0 * x[b, w] * v)
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


@njit(cache=True, nogil=True)
def fill_block(people, block, place, layout, curve, points, inverse_variance, integral, out):
    """Stage log-densities (N+1, W) of one block for one subtype, by either rule."""
    if integral:
        fill_block_integral(people.x[block], people.observed[block], points, inverse_variance, out)
    else:
        fill_block_midpoint(people.x[block], people.observed[block], people.any_missing, curve, inverse_variance, out)


@njit(cache=True, nogil=True)
def fill_subtypes(place, layout, curves, points, integral):
    """Curves (C, B, N+1) and, for the integral rule, points (C, B, N+2) of every subtype."""
    for c in range(place.shape[0]):
        for b in range(curves.shape[1]):
            fill_curve_of(b, place[c], layout, curves[c, b])
            if integral:
                fill_points_of(b, place[c], layout, points[c, b])


@njit(cache=True, nogil=True)
def stage_log_density(people, layout, sequence, inverse_variance, integral, out):
    """l_jk of everyone under one sequence; out (n_blocks, N+1, width)."""
    n_events, n_biomarkers = sequence.size, inverse_variance.size
    place = np.empty(n_events, np.int64)
    invert(sequence, place)
    curve = np.empty((n_biomarkers, n_events + 1))
    points = np.empty((n_biomarkers, n_events + 2))
    for b in range(n_biomarkers):
        fill_curve_of(b, place, layout, curve[b])
        fill_points_of(b, place, layout, points[b])
    for block in range(people.x.shape[0]):
        fill_block(people, block, place, layout, curve, points, inverse_variance, integral, out[block])


# --------------------------------------------------------- posterior of one block


@njit(cache=True, nogil=True, fastmath=VECTOR)
def normalise_block(log_density, weight, reference, total):
    """Turn l (C, N+1, W) into joint posteriors in place; write reference and total density (W,).

    After the call log_density[c, k, w] = P(c, k | x_w), and the person's log-likelihood (without
    constants) is reference + log(total).
    """
    width = reference.size
    n_subtypes, n_stages = weight.shape
    for w in range(width):
        reference[w] = -np.inf
        total[w] = 0.0
    for c in range(n_subtypes):
        for k in range(n_stages):
            if weight[c, k] > 0.0:
                row = log_density[c, k]
                for w in range(width):
                    reference[w] = max(reference[w], row[w])
    for c in range(n_subtypes):
        for k in range(n_stages):
            row = log_density[c, k]
            v = weight[c, k]
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
    for c in range(n_subtypes):
        for k in range(n_stages):
            row = log_density[c, k]
            for w in range(width):
                row[w] /= total[w]


@njit(cache=True, nogil=True, fastmath=VECTOR)
def expectation(people, layout, place, curves, points, weight, inverse_variance, integral, W, Y, scratch):
    """E-step over everyone: responsibilities summed into sufficient statistics.

    Parameters
    ----------
    weight : (C, N+1) joint weight of subtype and stage.
    W : (C, B or 1, N+1), written: sum_j r_jck (per biomarker where values are missing).
    Y : (C, B, N+1), written: sum_j r_jck x_jb.
    scratch : (C, N+1, width)

    Returns
    -------
    float
        Log-likelihood without constants.
    """
    width = people.x.shape[2]
    n_subtypes, n_stages = weight.shape
    n_biomarkers = inverse_variance.size
    reference = np.empty(width)
    total = np.empty(width)
    W[:] = 0.0
    Y[:] = 0.0
    log_likelihood = 0.0
    for block in range(people.x.shape[0]):
        for c in range(n_subtypes):
            fill_block(people, block, place[c], layout, curves[c], points[c], inverse_variance, integral, scratch[c])
        normalise_block(scratch, weight, reference, total)
        real = people.real[block]
        for w in range(width):
            if real[w] > 0.0:
                log_likelihood += reference[w] + math.log(total[w])
        x = people.x[block]
        observed = people.observed[block]
        for c in range(n_subtypes):
            for k in range(n_stages):
                row = scratch[c, k]
                if people.any_missing:
                    for b in range(n_biomarkers):
                        sw = 0.0
                        for w in range(width):
                            sw += row[w] * observed[b, w]
                        W[c, b, k] += sw
                else:
                    sw = 0.0
                    for w in range(width):
                        sw += row[w] * real[w]
                    W[c, 0, k] += sw
                for b in range(n_biomarkers):
                    sy = 0.0
                    for w in range(width):
                        sy += row[w] * x[b, w]
                    Y[c, b, k] += sy
    return log_likelihood


@njit(cache=True, nogil=True, fastmath=VECTOR)
def stage_totals(people, layout, place, curves, points, weight, inverse_variance, integral, totals, scratch):
    """Like `expectation`, but only sum_j r_jck, with everyone counted once; totals (C, N+1)."""
    width = people.x.shape[2]
    n_subtypes, n_stages = weight.shape
    reference = np.empty(width)
    total = np.empty(width)
    totals[:] = 0.0
    for block in range(people.x.shape[0]):
        for c in range(n_subtypes):
            fill_block(people, block, place[c], layout, curves[c], points[c], inverse_variance, integral, scratch[c])
        normalise_block(scratch, weight, reference, total)
        real = people.real[block]
        for c in range(n_subtypes):
            for k in range(n_stages):
                s = 0.0
                for w in range(width):
                    s += scratch[c, k, w] * real[w]
                totals[c, k] += s


# ------------------------------------------- moving events, given the statistics


@njit(cache=True, nogil=True)
def prefix_sums(W, Y, sums):
    """Prefix sums that make a linear piece of a curve cost O(1).

    W (B or 1, N+1) and Y (B, N+1) of one subtype; sums (B, N+2, 5): of W, k W, k^2 W, Y, k Y over the stages before k. The
    five lie side by side, because they are read together.
    """
    n_stages = Y.shape[1]
    for b in range(Y.shape[0]):
        w = W[b] if W.shape[0] > 1 else W[0]
        out = sums[b]
        for j in range(5):
            out[0, j] = 0.0
        for k in range(n_stages):
            out[k + 1, 0] = out[k, 0] + w[k]
            out[k + 1, 1] = out[k, 1] + k * w[k]
            out[k + 1, 2] = out[k, 2] + k * k * w[k]
            out[k + 1, 3] = out[k, 3] + Y[b, k]
            out[k + 1, 4] = out[k, 4] + k * Y[b, k]


@njit(cache=True, nogil=True)
def piece(b, left, left_value, right, right_value, sums):
    """Expected complete-data log-likelihood of one linear piece of a biomarker's curve, times sigma_b^2.

    sum over stages k in [left, right) of g(k) (Y_bk - W_k g(k) / 2), with g(k) = start + slope k; `sums` as `prefix_sums`
    writes it.
    """
    slope = (right_value - left_value) / (right - left)
    start = left_value + slope * (0.5 - left)
    return start * (
        sums[b, right, 3] - sums[b, left, 3] - 0.5 * start * (sums[b, right, 0] - sums[b, left, 0])
    ) + slope * (
        sums[b, right, 4]
        - sums[b, left, 4]
        - start * (sums[b, right, 1] - sums[b, left, 1])
        - 0.5 * slope * (sums[b, right, 2] - sums[b, left, 2])
    )


@njit(cache=True, nogil=True)
def window(e, place, layout):
    """First and last place that event e may take, its biomarker's other events staying put."""
    before = layout.previous[e]
    after = layout.following[e]
    low = place[before] + 1 if before >= 0 else 0
    high = place[after] - 1 if after >= 0 else place.size - 1
    return low, high


@njit(cache=True, nogil=True)
def step_aside(e, at, to, home, place, layout, sums, inverse_variance):
    """Gain of event e stepping from place `at` to its neighbour `to`, on the way of a move that began at `home`.

    Events of e's biomarker between `home` and `at` have made the same step.
    """
    step = to - at
    b = layout.biomarker[e]
    before, after = layout.previous[e], layout.following[e]
    # reading a place that exists and choosing afterwards compiles without branches
    left = place[max(before, 0)]
    left += 1 + (step if (left > home) & (step < 0) else 0)
    left = left if before >= 0 else 0
    right = place[max(after, 0)]
    right += 1 + (step if (right < home) & (step > 0) else 0)
    right = right if after >= 0 else place.size + 1
    value, before_value, after_value = layout.value[e], layout.value_before[e], layout.value_after[e]
    return inverse_variance[b] * (
        piece(b, left, before_value, to + 1, value, sums)
        + piece(b, to + 1, value, right, after_value, sums)
        - piece(b, left, before_value, at + 1, value, sums)
        - piece(b, at + 1, value, right, after_value, sums)
    )


@njit(cache=True, nogil=True)
def scan(e, sequence, place, layout, sums, inverse_variance, score):
    """Log-likelihood, given the statistics, of every place of event e relative to where it is.

    A move to a later (earlier) place is a run of adjacent swaps, each of which changes two pieces of
    two biomarkers. Writes score[q] for q in the window and returns the window. No loop here branches or
    depends on its last turn, so that the processor can work on many places at once.
    """
    low, high = window(e, place, layout)
    home = place[e]
    n_events = place.size
    value = layout.value[e]
    before_value, after_value = layout.value_before[e], layout.value_after[e]
    before, after = layout.previous[e], layout.following[e]
    left = place[max(before, 0)] + 1 if before >= 0 else 0
    right = place[max(after, 0)] + 1 if after >= 0 else n_events + 1
    b = layout.biomarker[e]
    # the events between step aside by one; of their biomarkers' other events those passed have stepped already
    score[home] = 0.0
    for q in range(home + 1, high + 1):
        score[q] = step_aside(sequence[q], q, q - 1, home, place, layout, sums, inverse_variance)
    for q in range(home + 1, high + 1):
        score[q] += score[q - 1]
    for q in range(low, home):
        score[q] = step_aside(sequence[q], q, q + 1, home, place, layout, sums, inverse_variance)
    for q in range(home - 1, low - 1, -1):
        score[q] += score[q + 1]
    here = piece(b, left, before_value, home + 1, value, sums) + piece(b, home + 1, value, right, after_value, sums)
    for q in range(low, high + 1):
        there = piece(b, left, before_value, q + 1, value, sums) + piece(b, q + 1, value, right, after_value, sums)
        score[q] += inverse_variance[b] * (there - here)
    return low, high


@njit(cache=True, nogil=True)
def move(e, to, sequence, place):
    """Put event e at place `to`, the events between stepping aside by one."""
    at = place[e]
    step = 1 if to > at else -1
    while at != to:
        other = sequence[at + step]
        sequence[at] = other
        place[other] = at
        at += step
    sequence[to] = e
    place[e] = to


@njit(cache=True, nogil=True)
def shuffle(order, rng):
    """Fisher-Yates in place."""
    for i in range(order.size - 1, 0, -1):
        j = int(rng.random() * (i + 1))
        order[i], order[j] = order[j], order[i]


@njit(cache=True, nogil=True)
def maximise_events(sequence, place, layout, sums, inverse_variance, order, score):
    """One greedy sweep: every event to its best place given the statistics. Returns the gain."""
    gain = 0.0
    for e in order:
        low, high = scan(e, sequence, place, layout, sums, inverse_variance, score)
        best = place[e]
        for q in range(low, high + 1):
            if score[q] > score[best] + 1e-10:
                best = q
        if best != place[e]:
            gain += score[best]
            move(e, best, sequence, place)
    return gain


@njit(cache=True, nogil=True)
def sample_events(sequence, place, layout, sums, inverse_variance, order, score, rng):
    """One Gibbs sweep: every event drawn from its exact conditional given everyone's stage."""
    for e in order:
        low, high = scan(e, sequence, place, layout, sums, inverse_variance, score)
        top = score[low]
        for q in range(low + 1, high + 1):
            top = max(top, score[q])
        total = 0.0
        for q in range(low, high + 1):
            score[q] = math.exp(score[q] - top)
            total += score[q]
        u = rng.random() * total
        to = low
        while to < high and u > score[to]:
            u -= score[to]
            to += 1
        if to != place[e]:
            move(e, to, sequence, place)


# ------------------------------------------------------------- maximum likelihood


@njit(cache=True, nogil=True)
def update_noise(people, curves, W, Y, sum_squares, n_observed, floor, inverse_variance):
    """Noise variance of every biomarker from the statistics: mean of r (x - g)^2."""
    n_subtypes, n_biomarkers, n_stages = curves.shape
    for b in range(n_biomarkers):
        s = sum_squares[b]
        for c in range(n_subtypes):
            wb = b if W.shape[1] > 1 else 0
            for k in range(n_stages):
                g = curves[c, b, k]
                s += g * (W[c, wb, k] * g - 2.0 * Y[c, b, k])
        inverse_variance[b] = 1.0 / max(s / n_observed[b], floor)


@njit(cache=True, nogil=True)
def climb(
    people,
    layout,
    sequence,
    weight,
    inverse_variance,
    sum_squares,
    n_observed,
    learn_prior,
    concentration,
    learn_noise,
    integral,
    max_sweeps,
    tolerance,
    rng,
):
    """Generalised EM from one start; `sequence` (C, N), `weight` and `inverse_variance` change in place.

    One E-step serves a whole greedy sweep over the events of every subtype; each part raises the
    expected complete-data log-likelihood, so the likelihood never falls (midpoint rule). Returns the
    log-likelihood without constants and the number of sweeps. With the integral rule the statistics of
    the midpoint rule guide the moves, and the caller keeps the best state seen.
    """
    width = people.x.shape[2]
    n_subtypes, n_events = sequence.shape
    n_biomarkers = inverse_variance.size
    n_stages = n_events + 1
    place = np.empty((n_subtypes, n_events), np.int64)
    for c in range(n_subtypes):
        invert(sequence[c], place[c])
    curves = np.empty((n_subtypes, n_biomarkers, n_stages))
    points = np.empty((n_subtypes, n_biomarkers, n_stages + 1))
    fill_subtypes(place, layout, curves, points, integral)
    n_sets = n_biomarkers if people.any_missing else 1
    W = np.empty((n_subtypes, n_sets, n_stages))
    Y = np.empty((n_subtypes, n_biomarkers, n_stages))
    sums = np.empty((n_biomarkers, n_stages + 1, 5))
    totals = np.empty((n_subtypes, n_stages))
    scratch = np.empty((n_subtypes, n_stages, width))
    score = np.empty(n_events)
    order = np.arange(n_events)
    old = -np.inf
    value = -np.inf
    sweeps = 0
    for sweep in range(max_sweeps):
        value = expectation(people, layout, place, curves, points, weight, inverse_variance, integral, W, Y, scratch)
        sweeps = sweep
        if value - old < tolerance and sweep > 0:
            break
        old = value
        if people.any_missing:
            stage_totals(people, layout, place, curves, points, weight, inverse_variance, integral, totals, scratch)
        else:
            totals[:] = W[:, 0, :]
        everyone = totals.sum()
        if learn_prior:
            grand = everyone + concentration * totals.size
            for c in range(n_subtypes):
                for k in range(n_stages):
                    weight[c, k] = (totals[c, k] + concentration) / grand
        else:
            for c in range(n_subtypes):
                fraction = totals[c].sum() / everyone
                for k in range(n_stages):
                    weight[c, k] = max(fraction, 1e-12) / n_stages
        for c in range(n_subtypes):
            prefix_sums(W[c], Y[c], sums)
            shuffle(order, rng)
            # a second pass over the same statistics is far cheaper than a second E-step
            for _ in range(2):
                if maximise_events(sequence[c], place[c], layout, sums, inverse_variance, order, score) <= 0:
                    break
        fill_subtypes(place, layout, curves, points, integral)
        if learn_noise:
            update_noise(people, curves, W, Y, sum_squares, n_observed, 1e-4, inverse_variance)
    return value, sweeps


# ------------------------------------------------------------------------ chain


@njit(cache=True, nogil=True)
def refresh(people, layout, chain, integral):
    """Recompute a chain's densities, references and mixture; return the log-likelihood (no constants)."""
    n_subtypes, n_events = chain.sequence.shape
    n_biomarkers = chain.inverse_variance.size
    points = np.empty((n_biomarkers, n_events + 2))
    for c in range(n_subtypes):
        invert(chain.sequence[c], chain.place[c])
        for b in range(n_biomarkers):
            fill_curve_of(b, chain.place[c], layout, chain.curve[c, b])
            if integral:
                fill_points_of(b, chain.place[c], layout, points[b])
        for block in range(people.x.shape[0]):
            fill_block(
                people,
                block,
                chain.place[c],
                layout,
                chain.curve[c],
                points,
                chain.inverse_variance,
                integral,
                chain.density[c, block],
            )
    exponentiate(people, chain)
    add_up(people, chain)
    return log_mixture(people, chain)


@njit(cache=True, nogil=True)
def log_mixture(people, chain):
    """Log-likelihood of a chain's present state (no constants)."""
    total = 0.0
    for block in range(people.x.shape[0]):
        for w in range(people.x.shape[2]):
            total += chain.reference[block, w] * people.real[block, w]
        total += sum_log(chain.mixture[block], people.real[block])
    return total


@njit(cache=True, nogil=True, fastmath=VECTOR)
def exponentiate(people, chain):
    """Log-densities in `chain.density` become densities relative to each person's largest weighted one."""
    width = people.x.shape[2]
    n_subtypes, n_stages = chain.weight.shape
    log_weight = np.log(np.maximum(chain.weight, 1e-300))
    chain.changed[0] = 0.0
    for block in range(people.x.shape[0]):
        reference = chain.reference[block]
        for w in range(width):
            reference[w] = -np.inf
        for c in range(n_subtypes):
            for k in range(n_stages):
                row = chain.density[c, block, k]
                v = log_weight[c, k]
                for w in range(width):
                    reference[w] = max(reference[w], row[w] + v)
        for c in range(n_subtypes):
            for k in range(n_stages):
                row = chain.density[c, block, k]
                for w in range(width):
                    row[w] = fast_exp(row[w] - reference[w])


@njit(cache=True, nogil=True, fastmath=VECTOR)
def add_up(people, chain):
    """Subtype densities and their mixture from `density` and `weight`."""
    width = people.x.shape[2]
    n_subtypes, n_stages = chain.weight.shape
    for block in range(people.x.shape[0]):
        mixture = chain.mixture[block]
        for w in range(width):
            mixture[w] = 0.0
        for c in range(n_subtypes):
            t = chain.subtype_density[c, block]
            for w in range(width):
                t[w] = 0.0
            for k in range(n_stages):
                row = chain.density[c, block, k]
                v = chain.weight[c, k]
                for w in range(width):
                    t[w] += v * row[w]
            for w in range(width):
                mixture[w] += t[w]


@njit(cache=True, nogil=True)
def changed_curves(c, e, to, chain, layout, new_curve, biomarkers, first, last):
    """Curves after moving event e of subtype c to place `to`; the sequence itself is left moved.

    Writes the biomarkers that change, the stages [first, last) in which each does, and their new
    values into new_curve (B, N+1). Returns how many biomarkers change.
    """
    place = chain.place[c]
    sequence = chain.sequence[c]
    n_stages = new_curve.shape[1]
    home = place[e]
    low, high = min(home, to), max(home, to)
    n_changed = 0
    for p in range(low, high + 1):
        b = layout.biomarker[sequence[p]]
        seen = False
        for i in range(n_changed):
            if biomarkers[i] == b:
                seen = True
        if not seen:
            biomarkers[n_changed] = b
            n_changed += 1
    move(e, to, sequence, place)
    for i in range(n_changed):
        b = biomarkers[i]
        fill_curve_of(b, place, layout, new_curve[b])
        k = 0
        while k < n_stages and new_curve[b, k] == chain.curve[c, b, k]:
            k += 1
        first[i] = k
        k = n_stages
        while k > first[i] and new_curve[b, k - 1] == chain.curve[c, b, k - 1]:
            k -= 1
        last[i] = k
    return n_changed


@njit(cache=True, nogil=True)
def largest_change(people, c, chain, new_curve, biomarkers, first, last, n_changed):
    """A bound on how much anybody's log-density at any stage changes under the new curves."""
    largest = 0.0
    for i in range(n_changed):
        b = biomarkers[i]
        most = 0.0
        for k in range(first[i], last[i]):
            was, now = chain.curve[c, b, k], new_curve[b, k]
            most = max(most, abs(now - was) * (people.largest[b] + 0.5 * (now + was)))
        largest += most * chain.inverse_variance[b]
    return largest


@njit(cache=True, nogil=True)
def linear_runs(delta, starts, growth):
    """Divide the time axis into runs in which every changed biomarker's change is linear.

    delta (n_changed, N+1) is the change at every stage. Writes the first stage of every run, and N+1 after the last, into
    `starts` (N+2,), and the change's growth over a stage into growth (n_changed, N+1), by biomarker and run. Returns the
    number of runs.

    The change is 0 at point 0 and a stage's value is the mean of its two ends, so points and growths follow from the stages
    one after the other. Growths are changed by an event of the old or the new sequence, and then by more than 1 / N^2, far
    more than rounding.
    """
    n_changed, n_stages = delta.shape
    bends = np.zeros(n_stages, np.bool_)
    bends[0] = True
    for i in range(n_changed):
        point = 0.0
        before = 0.0
        for k in range(n_stages):
            following = 2.0 * delta[i, k] - point
            growth[i, k] = following - point
            point = following
            bends[k] |= abs(growth[i, k] - before) > 1e-9
            before = growth[i, k]
    n = 0
    for k in range(n_stages):
        if bends[k]:
            for i in range(n_changed):
                g = growth[i, k]
                if n > 0 and abs(g - growth[i, n - 1]) <= 1e-9:
                    g = growth[i, n - 1]
                growth[i, n] = g if abs(g) > 1e-9 else 0.0
            starts[n] = k
            n += 1
    starts[n] = n_stages
    return n


@njit(cache=True, nogil=True, fastmath=VECTOR)
def bend(x, which, slope, n, scratch, half, power):
    """half *= exp(sum over i < n of slope[i] x[which[i]]), then power *= half; rows of people (W,).

    `slope` and `which` have one place more than n.
    """
    width = half.size
    slope[n], which[n] = 0.0, which[0]
    if n <= 2:
        s0, s1, b0, b1 = slope[0], slope[1], which[0], which[1]
        for w in range(width):
            h = half[w] * fast_exp(s0 * x[b0, w] + s1 * x[b1, w])
            half[w] = h
            power[w] *= h
        return
    for w in range(width):
        scratch[w] = 0.0
    for i in range(0, n, 2):
        s0, s1, b0, b1 = slope[i], slope[i + 1], which[i], which[i + 1]
        for w in range(width):
            scratch[w] += s0 * x[b0, w] + s1 * x[b1, w]
    for w in range(width):
        h = half[w] * fast_exp(scratch[w])
        half[w] = h
        power[w] *= h


@njit(cache=True, nogil=True, fastmath=VECTOR)
def try_stages(people, block, c, chain, biomarkers, starts, growth, n_runs, factor, touched, scratch, t):
    """Densities of one block at the stages that the new curves change, into `trial_density`; all stages' sum into t (W,).

    The log-density changes by sum_b (h_b - g_b) (x_jb - (h_b + g_b) / 2) / sigma_b^2. The part with x_j is linear along a
    run of stages, so that its exponential, `power`, is a geometric series for every person: it grows by `half` from the
    point where a stage begins to the stage's middle, and by `half` again to the point where it ends. The other part is the
    same for all people, exp of it is `factor` (N+1,). One exponential a person and run is needed, whatever the number of
    stages. scratch (3, W).
    """
    width = t.size
    n_changed = growth.shape[0]
    x = people.x[block]
    power, half = scratch[0], scratch[1]
    slope = np.empty(n_changed + 1)
    which = np.empty(n_changed + 1, np.int64)
    for w in range(width):
        t[w] = 0.0
        power[w] = 1.0
        half[w] = 1.0
    for run in range(n_runs):
        begin, end = starts[run], starts[run + 1]
        n = 0
        grows = False
        for i in range(n_changed):
            grows = grows or growth[i, run] != 0.0
            change = growth[i, run] - (growth[i, run - 1] if run > 0 else 0.0)
            if change != 0.0:
                which[n] = biomarkers[i]
                slope[n] = 0.5 * change * chain.inverse_variance[which[n]]
                n += 1
        if n > 0:
            bend(x, which, slope, n, scratch[2], half, power)
        for k in range(begin, end):
            v = chain.weight[c, k]
            density = chain.density[c, block, k]
            trial = chain.trial_density[block, k]
            f = factor[k]
            if not touched[k]:
                for w in range(width):
                    t[w] += v * density[w]
            elif k + 1 < end:
                for w in range(width):
                    d = density[w] * (power[w] * f)
                    trial[w] = d
                    t[w] += v * d
                    power[w] *= half[w] * half[w]
            else:
                for w in range(width):
                    d = density[w] * (power[w] * f)
                    trial[w] = d
                    t[w] += v * d
                    power[w] *= half[w]


@njit(cache=True, nogil=True, fastmath=VECTOR)
def try_stages_missing(people, block, c, chain, new_curve, biomarkers, delta, touched, power, t):
    """The same where values are missing: what does not depend on x_j then differs between people, stage by stage."""
    width = t.size
    x = people.x[block]
    for w in range(width):
        t[w] = 0.0
    for k in range(touched.size):
        v = chain.weight[c, k]
        density = chain.density[c, block, k]
        if not touched[k]:
            for w in range(width):
                t[w] += v * density[w]
            continue
        for w in range(width):
            power[w] = 0.0
        for i in range(delta.shape[0]):
            if delta[i, k] != 0.0:
                b = biomarkers[i]
                slope = delta[i, k] * chain.inverse_variance[b]
                half = 0.5 * (chain.curve[c, b, k] + new_curve[b, k]) * slope
                for w in range(width):
                    power[w] += slope * x[b, w] - half * people.observed[block, b, w]
        trial = chain.trial_density[block, k]
        for w in range(width):
            d = density[w] * fast_exp(power[w])
            trial[w] = d
            t[w] += v * d


@njit(cache=True, nogil=True, fastmath=VECTOR)
def log_of_ratios(ratio, real):
    """Sum of log(ratio) over real people, and whether all ratios lie within the drift range."""
    width = ratio.size
    low, high = 1.0, 1.0
    for w in range(width):
        r = ratio[w] if real[w] > 0.0 else 1.0
        ratio[w] = r
        low, high = min(low, r), max(high, r)
    # NaN passes no comparison, but it does not survive in min and max either
    total = 0.0
    for w in range(width):
        total += ratio[w]
    if not (low > DRIFT_LOW and high < DRIFT_HIGH and total < np.inf):
        return 0.0, False
    change = 0.0
    product = 1.0
    # four at a time where their product with another 1e100 is a number, else one by one
    several = 4 if low > 1e-25 and high < 1e25 else 1
    for w in range(0, width, several):
        if several == 4:
            product *= (ratio[w] * ratio[w + 1]) * (ratio[w + 2] * ratio[w + 3])
        else:
            product *= ratio[w]
        if product < DRIFT_LOW or product > DRIFT_HIGH:
            change += math.log(product)
            product = 1.0
    return change + math.log(product), True


@njit(cache=True, nogil=True, fastmath=VECTOR)
def try_curves(people, c, chain, new_curve, biomarkers, first, last, n_changed, touched):
    """Log-likelihood change if subtype c took the new curves (midpoint rule), which `keep_curves` then does.

    Stages whose densities were computed anew are marked in `touched` (N+1,). Returns (change, fine): not fine when somebody's
    density left the range in which the stored reference is good, and then nothing may be concluded from `change`.
    """
    width = people.x.shape[2]
    n_stages = new_curve.shape[1]
    if largest_change(people, c, chain, new_curve, biomarkers, first, last, n_changed) > LARGEST_MOVE:
        return 0.0, False
    delta = np.empty((n_changed, n_stages))
    factor = np.zeros(n_stages)
    for k in range(n_stages):
        touched[k] = False
    for i in range(n_changed):
        b = biomarkers[i]
        was, now, row = chain.curve[c, b], new_curve[b], delta[i]
        scale = -0.5 * chain.inverse_variance[b]
        for k in range(n_stages):
            row[k] = now[k] - was[k]
            factor[k] += scale * (now[k] + was[k]) * row[k]
        for k in range(first[i], last[i]):
            touched[k] = True
    for k in range(n_stages):
        factor[k] = fast_exp(factor[k])
    change = 0.0
    scratch = np.empty((3, width))
    starts = np.empty(n_stages + 1, np.int64)
    growth = np.empty((n_changed, n_stages))
    n_runs = 0 if people.any_missing else linear_runs(delta, starts, growth)
    for block in range(people.x.shape[0]):
        t = chain.trial_total[block]
        if people.any_missing:
            try_stages_missing(people, block, c, chain, new_curve, biomarkers, delta, touched, scratch[0], t)
        else:
            try_stages(people, block, c, chain, biomarkers, starts, growth, n_runs, factor, touched, scratch, t)
        ratio = scratch[0]
        for w in range(width):
            ratio[w] = t[w]
        for d in range(chain.weight.shape[0]):
            if d != c:
                for w in range(width):
                    ratio[w] += chain.subtype_density[d, block, w]
        for w in range(width):
            ratio[w] /= chain.mixture[block, w]
        more, fine = log_of_ratios(ratio, people.real[block])
        if not fine:
            return 0.0, False
        change += more
    return change, True


@njit(cache=True, nogil=True, fastmath=VECTOR)
def keep_curves(people, c, chain, new_curve, biomarkers, first, last, n_changed, touched):
    """Make the move last given to `try_curves` the state of the chain."""
    width = people.x.shape[2]
    n_stages = new_curve.shape[1]
    chain.changed[0] += largest_change(people, c, chain, new_curve, biomarkers, first, last, n_changed)
    for i in range(n_changed):
        b = biomarkers[i]
        for k in range(first[i], last[i]):
            chain.curve[c, b, k] = new_curve[b, k]
    for block in range(people.x.shape[0]):
        for k in range(n_stages):
            if touched[k]:
                for w in range(width):
                    chain.density[c, block, k, w] = chain.trial_density[block, k, w]
        for w in range(width):
            chain.subtype_density[c, block, w] = chain.trial_total[block, w]
            chain.mixture[block, w] = 0.0
        # added up afresh: subtracting the old share would lose digits
        for d in range(chain.weight.shape[0]):
            for w in range(width):
                chain.mixture[block, w] += chain.subtype_density[d, block, w]


@njit(cache=True, nogil=True)
def mixture_drifted(people, chain):
    """Whether somebody's mixture density has left the range around the reference."""
    width = people.x.shape[2]
    for block in range(people.x.shape[0]):
        for w in range(width):
            if people.real[block, w] > 0.0:
                v = chain.mixture[block, w]
                if not (MIXTURE_LOW < v < MIXTURE_HIGH):
                    return True
    return False


@njit(cache=True, nogil=True)
def kernel_total(p, low, high, scale):
    """Z(p): sum of the proposal weights exp(-d^2 / 2 s^2) over the window without p itself."""
    total = 0.0
    for q in range(low, high + 1):
        if q != p:
            d = (q - p) / scale
            total += math.exp(-0.5 * d * d)
    return total


@njit(cache=True, nogil=True)
def propose(e, place, layout, scale, rng):
    """New place of event e and log(Z(from) / Z(to)); to == from when it cannot move."""
    low, high = window(e, place, layout)
    home = place[e]
    if low == high:
        return home, 0.0
    total = kernel_total(home, low, high, scale)
    u = rng.random() * total
    to = home
    for q in range(low, high + 1):
        if q != home:
            d = (q - home) / scale
            u -= math.exp(-0.5 * d * d)
            to = q
            if u <= 0.0:
                break
    back = kernel_total(to, low, high, scale)
    return to, math.log(total) - math.log(back)


@njit(cache=True, nogil=True)
def collapsed_move(people, layout, chain, c, e, value, work, integral, rng):
    """One Metropolis-Hastings move of event e in subtype c, people's stages summed out.

    Returns (log-likelihood, accepted, log acceptance ratio).
    """
    new_curve, biomarkers, first, last, touched = work
    home = chain.place[c, e]
    to, log_hastings = propose(e, chain.place[c], layout, chain.step[c, e], rng)
    if to == home:
        return value, False, 0.0
    slow = integral
    change = 0.0
    n_changed = 0
    if not slow:
        n_changed = changed_curves(c, e, to, chain, layout, new_curve, biomarkers, first, last)
        change, fine = try_curves(people, c, chain, new_curve, biomarkers, first, last, n_changed, touched)
        if not fine:
            move(e, home, chain.sequence[c], chain.place[c])
            slow = True
    log_u = math.log(1.0 - rng.random())
    if slow:
        # somebody is too far from the stored reference, or the stage is integrated: full computation
        move(e, to, chain.sequence[c], chain.place[c])
        new = refresh(people, layout, chain, integral)
        ratio = new - value + log_hastings
        if log_u < ratio:
            return new, True, ratio
        move(e, home, chain.sequence[c], chain.place[c])
        refresh(people, layout, chain, integral)
        return value, False, ratio
    ratio = change + log_hastings
    if log_u < ratio:
        keep_curves(people, c, chain, new_curve, biomarkers, first, last, n_changed, touched)
        value += change
        if chain.changed[0] > LARGEST_CHANGE or mixture_drifted(people, chain):
            value = refresh(people, layout, chain, integral)
        return value, True, ratio
    move(e, home, chain.sequence[c], chain.place[c])
    return value, False, ratio


@njit(cache=True, nogil=True, fastmath=VECTOR)
def draw_fractions(people, chain, rng):
    """Exact Gibbs of the fractions: memberships, then Dirichlet(1 + counts); stages stay uniform."""
    width = people.x.shape[2]
    n_subtypes, n_stages = chain.weight.shape
    counts = np.ones(n_subtypes)
    u = np.empty(width)
    above = np.empty(width)
    for block in range(people.x.shape[0]):
        fill_uniforms(rng, u)
        for w in range(width):
            u[w] *= chain.mixture[block, w]
            above[w] = 0.0
        remaining = people.real[block].sum()
        for c in range(n_subtypes - 1):
            passed = 0.0
            for w in range(width):
                above[w] += chain.subtype_density[c, block, w]
                passed += people.real[block, w] if u[w] > above[w] else 0.0
            counts[c] += remaining - passed
            remaining = passed
        counts[n_subtypes - 1] += remaining
    total = 0.0
    for c in range(n_subtypes):
        counts[c] = rng.standard_gamma(counts[c])
        total += counts[c]
    for block in range(people.x.shape[0]):
        for w in range(width):
            chain.mixture[block, w] = 0.0
    for c in range(n_subtypes):
        new = counts[c] / total / n_stages
        scale = new / chain.weight[c, 0]
        for k in range(n_stages):
            chain.weight[c, k] = new
        for block in range(people.x.shape[0]):
            for w in range(width):
                chain.subtype_density[c, block, w] *= scale
                chain.mixture[block, w] += chain.subtype_density[c, block, w]


@njit(cache=True, nogil=True)
def draw_stages(people, chain, W, Y, totals, rng):
    """Draw (subtype, stage) of everyone given the sequences; write the statistics of the draw."""
    width = people.x.shape[2]
    n_subtypes, n_stages = chain.weight.shape
    n_biomarkers = chain.inverse_variance.size
    W[:] = 0.0
    Y[:] = 0.0
    totals[:] = 0.0
    uniforms = np.empty(width)
    for block in range(people.x.shape[0]):
        fill_uniforms(rng, uniforms)
        for w in range(width):
            if people.real[block, w] == 0.0:
                continue
            u = uniforms[w] * chain.mixture[block, w]
            c = 0
            while c < n_subtypes - 1 and u > chain.subtype_density[c, block, w]:
                u -= chain.subtype_density[c, block, w]
                c += 1
            k = -1
            last = 0
            while u > 0.0 and k < n_stages - 1:
                k += 1
                mass = chain.weight[c, k] * chain.density[c, block, k, w]
                u -= mass
                if mass > 0.0:
                    last = k
            k = last  # rounding may run past the last stage that has any mass
            totals[c, k] += 1.0
            for b in range(n_biomarkers):
                Y[c, b, k] += people.x[block, b, w]
            if people.any_missing:
                for b in range(n_biomarkers):
                    W[c, b, k] += people.observed[block, b, w]
            else:
                W[c, 0, k] += 1.0


@njit(cache=True, nogil=True)
def draw_log_gamma(shape, rng):
    """log of a Gamma(shape, 1) draw; for shape < 1 by Gamma(shape + 1) U^(1/shape), safe from underflow."""
    if shape >= 1.0:
        return math.log(rng.standard_gamma(shape))
    return math.log(rng.standard_gamma(shape + 1.0)) + math.log(1.0 - rng.random()) / shape


@njit(cache=True, nogil=True)
def draw_weights(weight, totals, concentration, rng):
    """Dirichlet draw of the joint weights of subtype and stage given everyone's stage."""
    n_subtypes, n_stages = weight.shape
    top = -np.inf
    for c in range(n_subtypes):
        for k in range(n_stages):
            weight[c, k] = draw_log_gamma(totals[c, k] + concentration, rng)
            top = max(top, weight[c, k])
    total = 0.0
    for c in range(n_subtypes):
        for k in range(n_stages):
            weight[c, k] = math.exp(weight[c, k] - top)
            total += weight[c, k]
    for c in range(n_subtypes):
        for k in range(n_stages):
            weight[c, k] /= total


@njit(cache=True, nogil=True)
def split_weight(people, chain, concentration, value, rng):
    """Metropolis move of how two subtypes share the weight of one stage, people's stages summed out.

    Stage 0 looks much the same in every subtype, so Gibbs draws given memberships hardly ever move its weight
    from one subtype to another. Given the sum of the two weights their share is Beta(a, a) under the Dirichlet
    prior; a share drawn from that is accepted with the likelihood ratio. Returns the log-likelihood.
    """
    n_subtypes, n_stages = chain.weight.shape
    width = people.x.shape[2]
    a = int(rng.random() * n_subtypes)
    b = (a + 1 + int(rng.random() * (n_subtypes - 1))) % n_subtypes
    k = 0 if rng.random() < 0.5 else int(rng.random() * n_stages)
    together = chain.weight[a, k] + chain.weight[b, k]
    first = draw_log_gamma(concentration, rng)
    second = draw_log_gamma(concentration, rng)
    share = 1.0 / (1.0 + math.exp(min(max(second - first, -700.0), 700.0)))
    step_a = together * share - chain.weight[a, k]
    step_b = together * (1.0 - share) - chain.weight[b, k]
    change = 0.0
    product = 1.0
    for block in range(people.x.shape[0]):
        for w in range(width):
            if people.real[block, w] > 0.0:
                was = chain.mixture[block, w]
                now = was + step_a * chain.density[a, block, k, w] + step_b * chain.density[b, block, k, w]
                if not (now > 1e-9 * was):
                    return value
                product *= now / was
                if product < DRIFT_LOW or product > DRIFT_HIGH:
                    change += math.log(product)
                    product = 1.0
    change += math.log(product)
    if math.log(1.0 - rng.random()) < change:
        chain.weight[a, k] = together * share
        chain.weight[b, k] = together * (1.0 - share)
        add_up(people, chain)
        value = log_mixture(people, chain)
    return value


@njit(cache=True, nogil=True)
def draw_noise(chain, W, Y, sum_squares, n_observed, rng):
    """Inverse-gamma draw of every noise variance given everyone's stage (prior: log-uniform)."""
    n_subtypes, n_biomarkers, n_stages = chain.curve.shape
    for b in range(n_biomarkers):
        s = sum_squares[b]
        wb = b if W.shape[1] > 1 else 0
        for c in range(n_subtypes):
            for k in range(n_stages):
                g = chain.curve[c, b, k]
                s += g * (W[c, wb, k] * g - 2.0 * Y[c, b, k])
        chain.inverse_variance[b] = rng.standard_gamma(0.5 * n_observed[b]) / (0.5 * max(s, 1e-8))


@njit(cache=True, nogil=True)
def augmented_sweep(
    people, layout, chain, sum_squares, n_observed, learn_prior, concentration, learn_noise, move_events, rng
):
    """Draw everyone's subtype and stage, then events, weights and noise from exact conditionals."""
    n_subtypes, n_events = chain.sequence.shape
    n_biomarkers = chain.inverse_variance.size
    n_stages = n_events + 1
    n_sets = n_biomarkers if people.any_missing else 1
    W = np.empty((n_subtypes, n_sets, n_stages))
    Y = np.empty((n_subtypes, n_biomarkers, n_stages))
    totals = np.empty((n_subtypes, n_stages))
    draw_stages(people, chain, W, Y, totals, rng)
    if learn_prior:
        draw_weights(chain.weight, totals, concentration, rng)
    else:
        total = 0.0
        fraction = np.empty(n_subtypes)
        for c in range(n_subtypes):
            fraction[c] = rng.standard_gamma(1.0 + totals[c].sum())
            total += fraction[c]
        for c in range(n_subtypes):
            for k in range(n_stages):
                chain.weight[c, k] = fraction[c] / total / n_stages
    if move_events:
        sums = np.empty((n_biomarkers, n_stages + 1, 5))
        score = np.empty(n_events)
        order = np.arange(n_events)
        for c in range(n_subtypes):
            prefix_sums(W[c], Y[c], sums)
            shuffle(order, rng)
            sample_events(chain.sequence[c], chain.place[c], layout, sums, chain.inverse_variance, order, score, rng)
            fill_curves(chain.place[c], layout, chain.curve[c])
    if learn_noise:
        draw_noise(chain, W, Y, sum_squares, n_observed, rng)


@njit(cache=True, nogil=True)
def chain_steps(
    people,
    layout,
    chain,
    sum_squares,
    n_observed,
    learn_prior,
    concentration,
    learn_noise,
    integral,
    n_steps,
    sweep_every,
    tune,
    value,
    rng,
):
    """Run `n_steps` steps of a chain in place and return its log-likelihood (no constants).

    A step moves one event in every subtype, people's stages summed out, and draws the fractions.
    Every `sweep_every` steps (0: never) an augmented sweep draws events, stage weights and noise SD
    from their conditionals. Both leave the posterior unchanged, and so does their fixed alternation.
    `tune` > 0 adapts the proposal scales by Robbins-Monro towards one acceptance in four, with gain
    1 / (tries)^0.6; a scale is at least 0.6 places, so an event can always move, and at most N or, with sweeps, `NEAR` of it.
    """
    n_subtypes, n_events = chain.sequence.shape
    n_biomarkers = chain.inverse_variance.size
    farthest = max(1.0, n_events * (NEAR if sweep_every > 0 and not integral else 1.0))
    work = (
        np.empty((n_biomarkers, n_events + 1)),
        np.empty(n_biomarkers, np.int64),
        np.empty(n_biomarkers, np.int64),
        np.empty(n_biomarkers, np.int64),
        np.zeros(n_events + 1, np.bool_),
    )
    for s in range(n_steps):
        for c in range(n_subtypes):
            e = int(rng.random() * n_events)
            value, accepted, ratio = collapsed_move(people, layout, chain, c, e, value, work, integral, rng)
            chain.tried[c, e] += 1
            if accepted:
                chain.accepted[c, e] += 1
            if tune:
                gain = 4.0 / max(chain.tried[c, e], 1.0) ** 0.6
                target = min(1.0, math.exp(min(ratio, 0.0))) - 0.25
                scale = chain.step[c, e] * math.exp(gain * target)
                chain.step[c, e] = min(max(scale, 0.6), farthest)
        if sweep_every > 0 and (s + 1) % sweep_every == 0:
            # under the integral rule the event conditionals above do not hold, the others do
            augmented_sweep(
                people,
                layout,
                chain,
                sum_squares,
                n_observed,
                learn_prior,
                concentration,
                learn_noise and not integral,
                not integral,
                rng,
            )
            value = refresh(people, layout, chain, integral)
        elif learn_prior and n_subtypes > 1:
            value = split_weight(people, chain, concentration, value, rng)
        elif n_subtypes > 1:
            draw_fractions(people, chain, rng)
            value = log_mixture(people, chain)
    return value


@njit(cache=True, nogil=True)
def polish(people, layout, chain, integral, max_sweeps, reach, rng):
    """Greedy ascent on the exact likelihood, every event over every place up to `reach` away.

    Fractions stay fixed.

    Returns (log-likelihood, moves made).
    """
    n_subtypes, n_events = chain.sequence.shape
    n_biomarkers = chain.inverse_variance.size
    new_curve = np.empty((n_biomarkers, n_events + 1))
    biomarkers = np.empty(n_biomarkers, np.int64)
    first = np.empty(n_biomarkers, np.int64)
    last = np.empty(n_biomarkers, np.int64)
    touched = np.zeros(n_events + 1, np.bool_)
    order = np.arange(n_events)
    value = refresh(people, layout, chain, integral)
    moves = 0
    for _ in range(max_sweeps):
        moved = 0
        for c in range(n_subtypes):
            shuffle(order, rng)
            for e in order:
                low, high = window(e, chain.place[c], layout)
                home = chain.place[c, e]
                best, best_change = home, 1e-9
                for to in range(max(low, home - reach), min(high, home + reach) + 1):
                    if to == home:
                        continue
                    if integral:
                        move(e, to, chain.sequence[c], chain.place[c])
                        change = refresh(people, layout, chain, integral) - value
                        fine = True
                    else:
                        n_changed = changed_curves(c, e, to, chain, layout, new_curve, biomarkers, first, last)
                        change, fine = try_curves(
                            people, c, chain, new_curve, biomarkers, first, last, n_changed, touched
                        )
                    move(e, home, chain.sequence[c], chain.place[c])
                    if fine and change > best_change:
                        best, best_change = to, change
                if best != home:
                    move(e, best, chain.sequence[c], chain.place[c])
                    moved += 1
                if best != home or integral:
                    value = refresh(people, layout, chain, integral)
        moves += moved
        if moved == 0:
            break
    return value, moves


# --------------------------------------------------------------- people, many draws


@njit(cache=True, nogil=True, fastmath=VECTOR)
def posterior_over_draws(people, layout, sequences, weights, inverse_variances, integral, posterior, density):
    """Average P(subtype, stage | x) over posterior draws, and each draw's log-density per person.

    Parameters
    ----------
    sequences : (D, C, N), weights : (D, C, N+1), inverse_variances : (D, B)
    posterior : (C, N+1, n_blocks, width), added to, divided by D at the end.
    density : (D, n_blocks, width), written: log p(x_j | draw) without constants.
    """
    width = people.x.shape[2]
    n_draws, n_subtypes, n_events = sequences.shape
    n_biomarkers = inverse_variances.shape[1]
    n_stages = n_events + 1
    place = np.empty((n_subtypes, n_events), np.int64)
    curves = np.empty((n_subtypes, n_biomarkers, n_stages))
    points = np.empty((n_subtypes, n_biomarkers, n_stages + 1))
    scratch = np.empty((n_subtypes, n_stages, width))
    reference = np.empty(width)
    total = np.empty(width)
    for d in range(n_draws):
        for c in range(n_subtypes):
            invert(sequences[d, c], place[c])
        fill_subtypes(place, layout, curves, points, integral)
        for block in range(people.x.shape[0]):
            for c in range(n_subtypes):
                fill_block(
                    people,
                    block,
                    place[c],
                    layout,
                    curves[c],
                    points[c],
                    inverse_variances[d],
                    integral,
                    scratch[c],
                )
            normalise_block(scratch, weights[d], reference, total)
            for w in range(width):
                density[d, block, w] = reference[w] + math.log(total[w])
            for c in range(n_subtypes):
                for k in range(n_stages):
                    out = posterior[c, k, block]
                    row = scratch[c, k]
                    for w in range(width):
                        out[w] += row[w]
    posterior /= n_draws
