"""Moves of one event with people's stages summed out: what the likelihood becomes, and making it so.

A chain keeps everyone's density at every stage. A move multiplies densities by exp of the change of l. The part of that
change with y_j is linear in time along a run of stages, so its exponential is a geometric series for every person: one
exponential a person and run, whatever the number of stages. The other part is the same for all people of one pattern.
All of it works in the precision of `chain.density`.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .curves import fill_curve, linear_runs
from .density import fill_block, fill_subtypes
from .noise import fill_quad
from .numerics import DRIFT_HIGH, DRIFT_LOW, VECTOR, exp_like, fast_exp
from .order import move

#: A person's mixture density, relative to the person's reference, may drift this far before the reference is renewed.
MIXTURE_LOW, MIXTURE_HIGH = 1e-10, 1e10


@njit(cache=True, nogil=True, error_model="numpy", fastmath=VECTOR)
def refresh(data, layout, chain, settings):
    """Recompute a chain's densities, references and mixture; returns the log-likelihood (no constants)."""
    n_subtypes, n_stages = chain.weights.joint.shape
    width = data.real.shape[1]
    lift, floor = chain.limits[0], chain.limits[1]
    least = chain.limits[4]
    log_weight = np.log(np.maximum(chain.weights.joint, least))
    log_healthy = math.log(max(chain.weights.healthy[0], least)) if settings.healthy else -np.inf
    fill_subtypes(chain.subtypes, chain.noise, data, layout)
    scratch = np.empty((n_subtypes, n_stages, width))
    reference = np.empty(width)
    chain.changed[0] = 0.0
    for block in range(data.real.shape[0]):
        for w in range(width):
            reference[w] = log_healthy
        for c in range(n_subtypes):
            fill_block(data, chain.noise, block, chain.subtypes, c, layout, settings.integral, scratch[c])
            for k in range(n_stages):
                if chain.weights.joint[c, k] > 0.0:
                    row = scratch[c, k]
                    v = log_weight[c, k]
                    for w in range(width):
                        reference[w] = max(reference[w], row[w] + v)
        for w in range(width):
            chain.reference[block, w] = reference[w]
            reference[w] -= lift
        for w in range(width):
            chain.healthy[block, w] = fast_exp(-reference[w]) if -reference[w] > floor else 0.0
        exponentiate(scratch, reference, chain.density, block, floor)
    add_up(data, chain)
    return log_mixture(data, chain)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=VECTOR)
def exponentiate(scratch, reference, density, block, floor):
    """exp(scratch - reference) (C, K, width), not below exp(floor), into the block's densities."""
    one = np.empty(scratch.shape[2], density.dtype)
    for c in range(scratch.shape[0]):
        for k in range(scratch.shape[1]):
            row = scratch[c, k]
            into = density[c, block, k]
            for w in range(one.size):
                one[w] = max(row[w] - reference[w], floor)
            for w in range(one.size):
                into[w] = exp_like(one[w])


@njit(cache=True, nogil=True, error_model="numpy", fastmath=VECTOR)
def add_up(data, chain):
    """Subtype densities and their mixture from `density` and the weights."""
    width = data.real.shape[1]
    n_subtypes, n_stages = chain.weights.joint.shape
    weight = chain.weights.joint.astype(chain.density.dtype)
    base = chain.weights.healthy.astype(chain.density.dtype)[0]
    for block in range(data.real.shape[0]):
        mixture, healthy = chain.mixture[block], chain.healthy[block]
        for w in range(width):
            mixture[w] = base * healthy[w]
        for c in range(n_subtypes):
            t = chain.subtype[c, block]
            for w in range(width):
                t[w] = 0.0
            for k in range(n_stages):
                row = chain.density[c, block, k]
                v = weight[c, k]
                for w in range(width):
                    t[w] += v * row[w]
            for w in range(width):
                mixture[w] += t[w]


@njit(cache=True, nogil=True, error_model="numpy")
def log_mixture(data, chain):
    """Log-likelihood of a chain's present state (no constants)."""
    total = 0.0
    lift = chain.limits[0]
    for block in range(data.real.shape[0]):
        product = 1.0
        for w in range(data.real.shape[1]):
            if data.real[block, w] > 0.0:
                total += chain.reference[block, w] - lift
                product *= chain.mixture[block, w]
                if product < DRIFT_LOW or product > DRIFT_HIGH:
                    total += math.log(product)
                    product = 1.0
        total += math.log(product)
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def mixture_drifted(data, chain):
    """Whether somebody's mixture density has left the range around the reference."""
    scale = math.exp(chain.limits[0])
    low, high = MIXTURE_LOW * scale, MIXTURE_HIGH * scale
    for block in range(data.real.shape[0]):
        for w in range(data.real.shape[1]):
            if data.real[block, w] > 0.0:
                v = chain.mixture[block, w]
                if not (low < v < high):
                    return True
    return False


# ------------------------------------------------------------------ one move under trial


@njit(cache=True, nogil=True, error_model="numpy", fastmath=VECTOR)
def prepare(c, home, to, data, layout, chain, trial):
    """Move the event at place `home` of subtype c to place `to`, and work out what that changes.

    The sequence is left moved. Returns (changed biomarkers, runs, a bound on anybody's change of log-density).
    """
    sequence, place = chain.subtypes.sequence[c], chain.subtypes.place[c]
    old, noise = chain.subtypes.curve[c], chain.noise
    n_stages = old.shape[1]
    e = sequence[home]
    low, high = min(home, to), max(home, to)
    for k in range(n_stages):
        trial.touched[k] = False
        trial.gained[k] = -1
        trial.lost[k] = -1
        trial.weight[k] = chain.weights.joint[c, k]
    n_changed = 0
    for p in range(low, high + 1):
        b = layout.curve[sequence[p]]
        if b >= 0:
            seen = False
            for i in range(n_changed):
                seen |= trial.biomarkers[i] == b
            if not seen:
                trial.biomarkers[n_changed] = b
                n_changed += 1
    # stage k has passed the events at places below k: between the places e and one other event take turns
    mine = layout.step[e]
    for k in range(low + 1, high + 1):
        other = layout.step[sequence[k if to > home else k - 1]]
        trial.gained[k], trial.lost[k] = (other, mine) if to > home else (mine, other)
        trial.touched[k] = mine >= 0 or other >= 0
    move(e, to, sequence, place)
    bound = np.zeros(n_stages)
    change = np.zeros(n_stages)
    for i in range(n_changed):
        b = trial.biomarkers[i]
        new, delta = trial.curve[b], trial.delta[i]
        fill_curve(b, place, layout, new)
        first, last = n_stages, 0
        size = noise.largest[b]
        for k in range(n_stages):
            d = new[k] - old[b, k]
            delta[k] = d
            bound[k] += abs(d) * size
            if d != 0.0:
                first = min(first, k)
                last = k + 1
        for k in range(first, last):
            trial.touched[k] = True
        pull, own = chain.subtypes.pull[c, b], noise.precision[b, b]
        for k in range(n_stages):
            change[k] += delta[k] * (2.0 * pull[k] + own * delta[k])
        if noise.coupled:
            for j in range(i):
                v = 2.0 * noise.precision[b, trial.biomarkers[j]]
                other_delta = trial.delta[j]
                for k in range(n_stages):
                    change[k] += v * delta[k] * other_delta[k]
    n_patterns = data.count.size
    if n_patterns > 1 and n_changed:
        n_biomarkers = old.shape[0]
        # the new curves of all biomarkers side by side, for the patterns' quadratic forms
        for b in range(n_biomarkers):
            trial.pull[b] = chain.subtypes.pull[c, b]
            changes = False
            for i in range(n_changed):
                changes |= trial.biomarkers[i] == b
            if not changes:
                trial.curve[b] = old[b]
        for i in range(n_changed):
            b = trial.biomarkers[i]
            delta = trial.delta[i]
            for a in range(n_biomarkers):
                v = noise.precision[a, b]
                if v != 0.0:
                    row = trial.pull[a]
                    for k in range(n_stages):
                        row[k] += v * delta[k]
        fill_quad(noise, data, trial.curve, trial.pull, trial.quad)
        for k in range(n_stages):
            for p in range(n_patterns):
                d = trial.quad[k, p] - chain.subtypes.quad[c, k, p]
                trial.factor[k, p] = fast_exp(-0.5 * d) if trial.touched[k] else 1.0
                bound[k] = max(bound[k], 0.5 * abs(d))
    else:
        for k in range(n_stages):
            trial.factor[k, 0] = fast_exp(-0.5 * change[k])
    largest = 0.0
    for k in range(n_stages):
        size = bound[k] + 0.5 * abs(change[k])
        if trial.gained[k] >= 0:
            size += data.largest_step[trial.gained[k]]
        if trial.lost[k] >= 0:
            size += data.largest_step[trial.lost[k]]
        largest = max(largest, size)
    n_runs = linear_runs(trial.delta, n_changed, trial.starts, trial.growth)
    return n_changed, n_runs, largest


@njit(cache=True, nogil=True, error_model="numpy", fastmath=VECTOR)
def bend(y, which, slope, n, half, power):
    """power *= half, half *= exp(sum over i < n of slope[i] y[which[i]]), power *= half; rows of people (width,).

    `slope` and `which` have two places more than n.
    """
    width = half.size
    for i in range(n, n + 2):
        slope[i], which[i] = 0.0, which[0]
    if n <= 2:
        s0, s1, y0, y1 = slope[0], slope[1], y[which[0]], y[which[1]]
        for w in range(width):
            h = half[w]
            g = h * exp_like(s0 * y0[w] + s1 * y1[w])
            half[w] = g
            power[w] *= g
        return
    s0, s1, s2 = slope[0], slope[1], slope[2]
    y0, y1, y2 = y[which[0]], y[which[1]], y[which[2]]
    if n <= 3:
        for w in range(width):
            g = half[w] * exp_like(s0 * y0[w] + s1 * y1[w] + s2 * y2[w])
            half[w] = g
            power[w] *= g
        return
    total = np.empty_like(half)
    for w in range(width):
        total[w] = s0 * y0[w] + s1 * y1[w] + s2 * y2[w]
    for i in range(3, n):
        s, row = slope[i], y[which[i]]
        for w in range(width):
            total[w] += s * row[w]
    for w in range(width):
        g = half[w] * exp_like(total[w])
        half[w] = g
        power[w] *= g


@njit(cache=True, nogil=True, error_model="numpy", fastmath=VECTOR)
def four_stages(density, factor, weight, power, rows, total, keep):
    """Four stages of a run at once: density (4, width), factor and weight (5,), the last of each the floor's.

    rows[0] is what `power` grows by over a stage, rows[1] what it grows by after the last of the four.
    """
    d0, d1, d2, d3 = density[0], density[1], density[2], density[3]
    f0, f1, f2, f3 = factor[0], factor[1], factor[2], factor[3]
    v0, v1, v2, v3 = weight[0], weight[1], weight[2], weight[3]
    square, tail = rows[0], rows[1]
    if keep:
        floor = factor[4]
        for w in range(total.size):
            s, p0 = square[w], power[w]
            p1 = p0 * s
            p2 = p1 * s
            p3 = p2 * s
            a0 = d0[w] * (p0 * f0) + floor
            a1 = d1[w] * (p1 * f1) + floor
            a2 = d2[w] * (p2 * f2) + floor
            a3 = d3[w] * (p3 * f3) + floor
            d0[w], d1[w], d2[w], d3[w] = a0, a1, a2, a3
            total[w] += (v0 * a0 + v1 * a1) + (v2 * a2 + v3 * a3)
            power[w] = p3 * tail[w]
    else:
        f0, f1, f2, f3 = f0 * v0, f1 * v1, f2 * v2, f3 * v3
        for w in range(total.size):
            s, p0 = square[w], power[w]
            p1 = p0 * s
            p2 = p1 * s
            p3 = p2 * s
            total[w] += (d0[w] * (p0 * f0) + d1[w] * (p1 * f1)) + (d2[w] * (p2 * f2) + d3[w] * (p3 * f3))
            power[w] = p3 * tail[w]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=VECTOR)
def one_stage(density, factor, power, tail, total, keep):
    """One stage: factor (3,) holds the stage's factor, weight and the floor."""
    f, v, floor = factor[0], factor[1], factor[2]
    if keep:
        for w in range(total.size):
            a = density[w] * (power[w] * f) + floor
            density[w] = a
            total[w] += v * a
            power[w] *= tail[w]
    else:
        f = f * v
        for w in range(total.size):
            total[w] += density[w] * (power[w] * f)
            power[w] *= tail[w]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=VECTOR)
def mixed_stage(density, factor, power, tail, total, keep):
    """The same where the factor differs between people: factor (width + 2,) ends with weight and floor."""
    width = total.size
    v, floor = factor[width], factor[width + 1]
    for w in range(width):
        a = density[w] * (power[w] * factor[w]) + floor
        if keep:
            density[w] = a
        total[w] += v * a
        power[w] *= tail[w]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=VECTOR)
def own_factors(data, block, trial, k, out):
    """Factor of everyone in a block at stage k where it is not one number: pattern, and increments gained and lost."""
    width = out.size - 2
    gained, lost = trial.gained[k], trial.lost[k]
    if gained >= 0 or lost >= 0:
        for w in range(width):
            out[w] = 0.0
        if gained >= 0:
            row = data.steps[block, gained]
            for w in range(width):
                out[w] += row[w]
        if lost >= 0:
            row = data.steps[block, lost]
            for w in range(width):
                out[w] -= row[w]
        for w in range(width):
            out[w] = exp_like(out[w])
    else:
        for w in range(width):
            out[w] = 1.0
    only = data.only[block]
    if only >= 0:
        f = trial.factor[k, only]
        for w in range(width):
            out[w] *= f
    else:
        for w in range(width):
            out[w] *= trial.factor[k, data.pattern[block, w]]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=VECTOR)
def pass_stages(data, chain, trial, c, block, n_changed, n_runs, keep):
    """Weighted sum over the stages of one block's densities after the move, into `trial.total`; with `keep` for good."""
    total = trial.total[block]
    width = total.size
    y = chain.fast[block]
    density = chain.density[c, block]
    power, half, square = trial.rows[0], trial.rows[1], trial.rows[2]
    slope = np.empty(n_changed + 2, density.dtype)
    which = np.zeros(n_changed + 2, np.int64)
    factor = np.empty(5, density.dtype)
    own = np.empty(width + 2, density.dtype)
    tails = np.empty((2, width), density.dtype)
    floor = chain.limits[5]
    factor[4] = floor
    own[width + 1] = floor
    for w in range(width):
        total[w] = 0.0
        power[w] = 1.0
        half[w] = 1.0
        square[w] = 1.0
    only = data.only[block]
    for run in range(n_runs):
        begin, end = trial.starts[run], trial.starts[run + 1]
        n = 0
        for i in range(n_changed):
            change = trial.growth[i, run] - (trial.growth[i, run - 1] if run > 0 else 0.0)
            if change != 0.0:
                which[n] = trial.biomarkers[i]
                slope[n] = 0.5 * change
                n += 1
        if n > 0:
            bend(y, which, slope, n, half, power)
            for w in range(width):
                square[w] = half[w] * half[w]
        k = begin
        while k < end:
            if not trial.touched[k]:
                v = trial.weight[k]
                row = density[k]
                if v != 0.0:
                    for w in range(width):
                        total[w] += v * row[w]
                k += 1
                continue
            plain = only >= 0 and trial.gained[k] < 0 and trial.lost[k] < 0
            if plain and k + 4 <= end and trial.gained[k + 3] < 0 and trial.lost[k + 3] < 0 and trial.touched[k + 3]:
                plain = True
                for i in range(1, 3):
                    plain &= trial.touched[k + i] and trial.gained[k + i] < 0 and trial.lost[k + i] < 0
                if plain:
                    for i in range(4):
                        factor[i] = trial.factor[k + i, only]
                    tails[0] = square
                    tails[1] = square if k + 4 < end else half
                    four_stages(density[k : k + 4], factor, trial.weight[k : k + 4], power, tails, total, keep)
                    k += 4
                    continue
                plain = True
            tail = square if k + 1 < end else half
            if plain:
                factor[0], factor[1], factor[2] = trial.factor[k, only], trial.weight[k], factor[4]
                one_stage(density[k], factor, power, tail, total, keep)
            else:
                own_factors(data, block, trial, k, own)
                own[width] = trial.weight[k]
                mixed_stage(density[k], own, power, tail, total, keep)
            k += 1


@njit(cache=True, nogil=True, error_model="numpy", fastmath=VECTOR)
def log_of_ratios(ratio, real):
    """Sum of log(ratio) over real people, and whether all ratios lie within the range that products allow."""
    width = ratio.size
    low, high = 1.0, 1.0
    total = 0.0
    for w in range(width):
        r = ratio[w] if real[w] > 0.0 else 1.0
        ratio[w] = r
        low, high = min(low, r), max(high, r)
        # NaN passes no comparison, but it does not survive in a sum either
        total += r
    if not (low > 1e-24 and high < 1e24 and total < np.inf):
        return 0.0, False
    change = 0.0
    product = 1.0
    for w in range(0, width, 4):
        product *= (float(ratio[w]) * float(ratio[w + 1])) * (float(ratio[w + 2]) * float(ratio[w + 3]))
        if product < DRIFT_LOW or product > DRIFT_HIGH:
            change += math.log(product)
            product = 1.0
    return change + math.log(product), True


@njit(cache=True, nogil=True, error_model="numpy", fastmath=VECTOR)
def try_move(c, data, chain, trial, n_changed, n_runs, largest):
    """Log-likelihood change of a prepared move (midpoint rule).

    Returns (change, fine): not fine when somebody's density would leave the range in which the stored reference is good,
    and then nothing may be concluded from `change`.
    """
    if largest > chain.limits[2]:
        return 0.0, False
    width = data.real.shape[1]
    base = chain.weights.healthy.astype(chain.density.dtype)[0]
    ratio = trial.rows[3]
    change = 0.0
    for block in range(data.real.shape[0]):
        pass_stages(data, chain, trial, c, block, n_changed, n_runs, False)
        total, healthy, mixture = trial.total[block], chain.healthy[block], chain.mixture[block]
        for w in range(width):
            ratio[w] = total[w] + base * healthy[w]
        for d in range(chain.subtype.shape[0]):
            if d != c:
                other = chain.subtype[d, block]
                for w in range(width):
                    ratio[w] += other[w]
        for w in range(width):
            ratio[w] /= mixture[w]
        more, fine = log_of_ratios(ratio, data.real[block])
        if not fine:
            return 0.0, False
        change += more
    return change, True


@njit(cache=True, nogil=True, error_model="numpy", fastmath=VECTOR)
def keep_move(c, data, chain, trial, n_changed, n_runs, largest):
    """Make the prepared move the state of the chain."""
    subtypes, noise = chain.subtypes, chain.noise
    width = data.real.shape[1]
    n_biomarkers, n_stages = subtypes.curve.shape[1:]
    chain.changed[0] += largest
    base = chain.weights.healthy.astype(chain.density.dtype)[0]
    for block in range(data.real.shape[0]):
        pass_stages(data, chain, trial, c, block, n_changed, n_runs, True)
        mixture, healthy = chain.mixture[block], chain.healthy[block]
        chain.subtype[c, block] = trial.total[block]
        for w in range(width):
            mixture[w] = base * healthy[w]
        # added up afresh: subtracting the old share would lose digits
        for d in range(chain.subtype.shape[0]):
            mine = chain.subtype[d, block]
            for w in range(width):
                mixture[w] += mine[w]
    for i in range(n_changed):
        b = trial.biomarkers[i]
        delta = trial.delta[i]
        subtypes.curve[c, b] = trial.curve[b]
        if noise.coupled:
            for a in range(n_biomarkers):
                v = noise.precision[a, b]
                row = subtypes.pull[c, a]
                for k in range(n_stages):
                    row[k] += v * delta[k]
        else:
            v = noise.precision[b, b]
            row = subtypes.pull[c, b]
            for k in range(n_stages):
                row[k] += v * delta[k]
    if data.count.size > 1 and n_changed:
        subtypes.quad[c] = trial.quad
