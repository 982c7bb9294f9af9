"""Sufficient statistics, and moves of events given them.

Given responsibilities (or drawn cells) the data enter the expected log-likelihood of subtype c only through sums:

    Q = sum_k [ g(k)' Y(k) - g(k)' A(k) g(k) / 2 ] + sum over step events e of sum_{k > place(e)} V_e(k)

with Y(k) = sum_j r_jck y_j, A(k) = sum_j r_jck P_O(j), V_e(k) = sum_j r_jck D_je. Moving an event past its neighbour changes
two biomarkers over the stages between their own neighbouring events, so trying a place costs some tens of operations
whatever M is.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .curves import fill_curve
from .density import fill_block, normalise_block
from .noise import complete_scatter, pattern_precision
from .numerics import BARE, VECTOR, fill_uniforms, shuffle, wide_vectors
from .order import move, window

#: Planes of `Ground.planes`.
CURVE, SLOPE, OWN, STAGE, DELTA = 0, 1, 2, 3, 4
#: Responsibilities below this, in people, do not change a pattern's share of the statistics.
NEGLIGIBLE = 1e-10


@njit(cache=True, nogil=True, error_model="numpy")
def clear(stats):
    """Set all sums to zero."""
    stats.count[:] = 0.0
    stats.pulled[:] = 0.0
    stats.stepped[:] = 0.0
    stats.healthy[:] = 0.0
    stats.scatter[:] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def finish_scatter(data, noise, subtypes, stats, p, seen):
    """Close a pattern's sum of residuals' products: add sum of r g g', complete the missing, clear `seen`."""
    n = seen.shape[0]
    gone = data.missing[data.missing_start[p] : data.missing_start[p + 1]]
    there = np.ones(n)
    for b in gone:
        there[b] = 0.0
    for c in range(subtypes.curve.shape[0]):
        for k in range(subtypes.curve.shape[2]):
            v = stats.count[p, c, k]
            if v > 0.0:
                for a in range(n):
                    u = v * subtypes.curve[c, a, k] * there[a]
                    if u != 0.0:
                        for b in range(n):
                            seen[a, b] += u * subtypes.curve[c, b, k] * there[b]
    complete_scatter(noise, data, p, seen, data.count[p], stats.scatter)
    seen[:] = 0.0


@njit(cache=True, nogil=True, error_model="numpy", fastmath=VECTOR)
def expectation(data, noise, layout, subtypes, weights, settings, stats, draw):
    """E-step over everyone: responsibilities summed into `stats`; returns the log-likelihood without constants.

    With uniforms in `draw` (n_blocks, width) everyone's cell is drawn from them and counts alone (stochastic EM); with an
    empty `draw` responsibilities count.
    """
    width = data.real.shape[1]
    n_subtypes, n_stages = weights.joint.shape
    n_biomarkers, n_steps = noise.precision.shape[0], data.steps.shape[1]
    scratch = np.empty((n_subtypes, n_stages, width))
    reference = np.empty(width)
    total = np.empty(width)
    healthy = np.empty(width)
    seen = np.zeros((n_biomarkers, n_biomarkers))
    mean = np.empty(n_biomarkers)
    current = 0
    clear(stats)
    log_likelihood = 0.0
    for block in range(data.real.shape[0]):
        for c in range(n_subtypes):
            fill_block(data, noise, block, subtypes, c, layout, settings.integral, scratch[c])
        normalise_block(scratch, weights, healthy, reference, total)
        real = data.real[block]
        for w in range(width):
            if real[w] > 0.0:
                log_likelihood += reference[w] + math.log(total[w])
            else:
                healthy[w] = 0.0
        if draw.size:
            draw_cells(scratch, healthy, draw[block], real)
        only = data.only[block]
        for w in range(width):
            stats.healthy[0] += healthy[w]
        for c in range(n_subtypes):
            for k in range(n_stages):
                row = scratch[c, k]
                if weights.joint[c, k] == 0.0:
                    continue
                if only >= 0:
                    s = 0.0
                    for w in range(width):
                        s += row[w] * real[w]
                    stats.count[only, c, k] += s
                else:
                    for w in range(width):
                        if row[w] > 0.0 and real[w] > 0.0:
                            stats.count[data.pattern[block, w], c, k] += row[w]
                for b in range(n_biomarkers):
                    y = noise.y[block, b]
                    s = 0.0
                    for w in range(width):
                        s += row[w] * y[w]
                    stats.pulled[c, b, k] += s
                for i in range(n_steps):
                    y = data.steps[block, i]
                    s = 0.0
                    for w in range(width):
                        s += row[w] * y[w]
                    stats.stepped[c, i, k] += s
        if settings.noise > 0:
            for w in range(width):
                if real[w] == 0.0:
                    continue
                p = data.pattern[block, w]
                if p != current:
                    finish_scatter(data, noise, subtypes, stats, current, seen)
                    current = p
                mean[:] = 0.0
                for c in range(n_subtypes):
                    for k in range(n_stages):
                        r = scratch[c, k, w]
                        if r > 1e-12:
                            for b in range(n_biomarkers):
                                mean[b] += r * subtypes.curve[c, b, k]
                for j in range(data.missing_start[p], data.missing_start[p + 1]):
                    mean[data.missing[j]] = 0.0
                for a in range(n_biomarkers):
                    u = data.x[block, a, w]
                    v = mean[a]
                    for b in range(n_biomarkers):
                        x = data.x[block, b, w]
                        seen[a, b] += u * x - u * mean[b] - v * x
    if settings.noise > 0:
        finish_scatter(data, noise, subtypes, stats, current, seen)
    return log_likelihood


@njit(cache=True, nogil=True, error_model="numpy")
def draw_cells(scratch, healthy, uniforms, real):
    """Turn everyone's responsibilities (C, K, width) and P(healthy) (width,) into one drawn cell each, in place."""
    n_subtypes, n_stages, width = scratch.shape
    for w in range(width):
        if real[w] == 0.0:
            continue
        u = uniforms[w]
        u -= healthy[w]
        done = u < 0.0
        healthy[w] = 1.0 if done else 0.0
        last_c, last_k = -1, -1
        for c in range(n_subtypes):
            for k in range(n_stages):
                r = scratch[c, k, w]
                scratch[c, k, w] = 0.0
                if not done and r > 0.0:
                    u -= r
                    last_c, last_k = c, k
                    if u < 0.0:
                        scratch[c, k, w] = 1.0
                        done = True
        if not done:  # rounding may run past the last cell that has any mass
            if last_c >= 0:
                scratch[last_c, last_k, w] = 1.0
            else:
                healthy[w] = 1.0


@njit(cache=True, nogil=True, error_model="numpy")
def uniforms_for(data, rng):
    """One uniform a person, (n_blocks, width)."""
    out = np.empty(data.real.shape)
    for block in range(out.shape[0]):
        fill_uniforms(rng, out[block])
    return out


# ------------------------------------------------------------ the ground that events move on


@njit(cache=True, nogil=True, error_model="numpy", fastmath=VECTOR)
def build_ground(c, data, noise, subtypes, stats, ground):
    """Write curve, slope, own, cross and stepped of `ground` for subtype c.

    A(k) = sum_p W_p(k) P_p: W(k) P for complete people, less what a pattern's missing values take away.
    """
    n_biomarkers, n_stages = subtypes.curve.shape[1:]
    planes, cross = ground.planes, ground.cross
    padded = planes.shape[2]
    total = np.zeros(padded)
    for p in range(stats.count.shape[0]):
        for k in range(n_stages):
            total[k] += stats.count[p, c, k]
    for k in range(n_stages):
        for s in range(ground.stepped.shape[0]):
            ground.stepped[s, k] = stats.stepped[c, s, k]
        for b in range(n_biomarkers):
            planes[CURVE, b, k] = subtypes.curve[c, b, k]
            planes[SLOPE, b, k] = stats.pulled[c, b, k]
    for b in range(n_biomarkers):
        v = noise.precision[b, b]
        for k in range(padded):
            planes[OWN, b, k] = v * total[k]
    if noise.coupled:
        for a in range(n_biomarkers):
            for b in range(n_biomarkers):
                v = noise.precision[a, b]
                for k in range(padded):
                    cross[a, b, k] = v * total[k]
    lacking = np.empty((n_biomarkers, n_biomarkers))
    for p in range(1, stats.count.shape[0]):
        gone = data.missing[data.missing_start[p] : data.missing_start[p + 1]]
        built = False
        for k in range(n_stages):
            v = stats.count[p, c, k]
            if v <= NEGLIGIBLE:
                continue
            if noise.coupled:
                if not built:
                    pattern_precision(noise, data, p, lacking)
                    lacking -= noise.precision
                    built = True
                for a in range(n_biomarkers):
                    for b in range(n_biomarkers):
                        cross[a, b, k] += v * lacking[a, b]
            else:
                for b in gone:
                    planes[OWN, b, k] -= v * noise.precision[b, b]
    for b in range(n_biomarkers):
        if noise.coupled:
            for k in range(padded):
                planes[OWN, b, k] = cross[b, b, k]
            for a in range(n_biomarkers):
                for k in range(padded):
                    planes[SLOPE, b, k] -= cross[b, a, k] * planes[CURVE, a, k]
        else:
            for k in range(padded):
                planes[SLOPE, b, k] -= planes[OWN, b, k] * planes[CURVE, b, k]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=VECTOR, **BARE)
def restage(planes, cross, rows, b, line):
    """Give biomarker b the curve `line` between two of its events; returns the gain of Q.

    line is (first point, turning point, last point, start and rise before the turn, start and rise after it). Only the stages
    between the points change; all are gone through nevertheless, because a loop over whole vectors is faster than one over
    a few stages. The slopes of the biomarkers in `rows` follow.
    """
    wide_vectors()
    left, middle, right, start, rise, turn, fall = line
    n = planes.shape[2]
    gain = 0.0
    for k in range(n):
        t = planes[STAGE, 0, k]
        g = start + rise * t if t < middle else turn + fall * t
        d = g - planes[CURVE, b, k] if (t >= left) & (t < right) else 0.0
        gain += d * (planes[SLOPE, b, k] - 0.5 * planes[OWN, b, k] * d)
        planes[SLOPE, b, k] -= planes[OWN, b, k] * d
        planes[CURVE, b, k] += d
        planes[DELTA, 0, k] = d
    if cross.size:
        for a in rows:
            if a != b:
                for k in range(n):
                    planes[SLOPE, a, k] -= cross[a, b, k] * planes[DELTA, 0, k]
    return gain


@njit(cache=True, nogil=True, error_model="numpy", **BARE)
def rows_between(low, high, sequence, curve, rows):
    """Biomarkers with a curve that have an event at places low..high, into `rows`; returns how many."""
    n = 0
    for p in range(low, high + 1):
        b = curve[sequence[p]]
        if b >= 0:
            seen = False
            for i in range(n):
                seen |= rows[i] == b
            if not seen:
                rows[n] = b
                n += 1
    return n


@njit(cache=True, nogil=True, error_model="numpy", **BARE)
def scan(e, low, high, sequence, place, layout, ground, score):
    """Q of every place low..high of event e relative to where it is; all is left as it was.

    The event walks place by place, changing places with one neighbour after the other. Arrays are taken out of their tuples
    once: in the loop that would cost more than the arithmetic.
    """
    planes, cross, saved, stepped = ground.planes, ground.cross, ground.saved, ground.stepped
    curve_of, step_of, previous, following = layout.curve, layout.step, layout.previous, layout.following
    value, value_before, value_after = layout.value, layout.value_before, layout.value_after
    n_stages = place.size + 1
    home = place[e]
    score[home] = 0.0
    for end in (high, low):
        if end == home:
            continue
        n = rows_between(min(home, end), max(home, end), sequence, curve_of, ground.rows)
        rows = ground.rows[:n]
        for i in range(n):
            for k in range(planes.shape[2]):
                saved[0, i, k] = planes[CURVE, rows[i], k]
                saved[1, i, k] = planes[SLOPE, rows[i], k]
        step = 1 if end > home else -1
        total = 0.0
        at = home
        while at != end:
            to = at + step
            other = sequence[to]
            sequence[at], sequence[to] = other, e
            place[other], place[e] = at, to
            for half in range(2):
                f = e if half == 0 else other
                b = curve_of[f]
                if b >= 0:
                    left = float(place[previous[f]] + 1 if previous[f] >= 0 else 0)
                    right = float(place[following[f]] + 1 if following[f] >= 0 else n_stages)
                    middle = float(place[f] + 1)
                    rise = (value[f] - value_before[f]) / (middle - left)
                    fall = (value_after[f] - value[f]) / (right - middle)
                    start = value_before[f] + rise * (0.5 - left)
                    turn = value[f] + fall * (0.5 - middle)
                    total += restage(planes, cross, rows, b, (left, middle, right, start, rise, turn, fall))
                else:
                    # the one stage that has passed one of the two and not the other
                    sign = 1.0 if (to < at) == (half == 0) else -1.0
                    total += sign * stepped[step_of[f], max(at, to)]
            at = to
            score[at] = total
        move(e, home, sequence, place)
        for i in range(n):
            for k in range(planes.shape[2]):
                planes[CURVE, rows[i], k] = saved[0, i, k]
                planes[SLOPE, rows[i], k] = saved[1, i, k]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=VECTOR, **BARE)
def put(e, to, sequence, place, layout, ground):
    """Move event e to place `to` for good: curves and all slopes follow."""
    planes, cross = ground.planes, ground.cross
    home = place[e]
    n = rows_between(min(home, to), max(home, to), sequence, layout.curve, ground.rows)
    move(e, to, sequence, place)
    for i in range(n):
        b = ground.rows[i]
        fill_curve(b, place, layout, planes[DELTA, 0, : place.size + 1])
        for k in range(place.size + 1):
            d = planes[DELTA, 0, k] - planes[CURVE, b, k]
            planes[CURVE, b, k] += d
            planes[DELTA, 0, k] = d
        if cross.size:
            for a in range(planes.shape[1]):
                for k in range(planes.shape[2]):
                    planes[SLOPE, a, k] -= cross[a, b, k] * planes[DELTA, 0, k]
        else:
            for k in range(planes.shape[2]):
                planes[SLOPE, b, k] -= planes[OWN, b, k] * planes[DELTA, 0, k]


@njit(cache=True, nogil=True, error_model="numpy")
def sweep_events(sequence, place, layout, ground, reach, greedy, rng):
    """Every event once, in random order, to its best place given the statistics, or to one drawn from its conditional.

    An event tries the places of a window of reach + 1 places that holds it. Where the place is drawn, the window's position
    is drawn first, uniformly: seen from the new place the same window is as likely, so the conditional within it is an
    exact Gibbs step. Returns the gain of Q.
    """
    n_events = sequence.size
    order = np.arange(n_events)
    score = np.empty(n_events)
    shuffle(order, rng)
    gain = 0.0
    for e in order:
        low, high = window(e, place, layout)
        home = place[e]
        if greedy:
            low, high = max(low, home - reach // 2), min(high, home + reach // 2)
        else:
            first = home - int(rng.random() * (reach + 1))
            low, high = max(low, first), min(high, first + reach)
        if low == high:
            continue
        scan(e, low, high, sequence, place, layout, ground, score)
        to = home
        if greedy:
            for q in range(low, high + 1):
                if score[q] > score[to] + 1e-10:
                    to = q
        else:
            top = score[low]
            for q in range(low + 1, high + 1):
                top = max(top, score[q])
            total = 0.0
            for q in range(low, high + 1):
                total += math.exp(score[q] - top)
            u = rng.random() * total
            to = low
            while to < high:
                u -= math.exp(score[to] - top)
                if u <= 0.0:
                    break
                to += 1
        if to != home:
            gain += score[to]
            put(e, to, sequence, place, layout, ground)
    return gain
