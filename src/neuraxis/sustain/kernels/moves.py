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
from .numerics import BARE, COUNTED, DRIFT_HIGH, DRIFT_LOW, INNER, KERNEL, VECTOR, exp_like, fast_exp, wide_vectors
from .order import move

#: A person's mixture density, relative to the person's reference, may drift this far before the reference is renewed.
MIXTURE_LOW, MIXTURE_HIGH = 1e-10, 1e10


@njit(**KERNEL, fastmath=VECTOR, **COUNTED)
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
    for c in range(n_subtypes):
        for k in range(n_stages):
            chain.changed[c, k] = 0.0
    one = np.empty(width, chain.density.dtype)
    for block in range(data.real.shape[0]):
        for w in range(width):
            reference[w] = log_healthy
        for c in range(n_subtypes):
            fill_block(data, chain.noise, block, chain.subtypes, c, layout, settings.integral, scratch[c])
            raise_to(scratch[c], log_weight[c], chain.weights.joint[c], reference)
        for w in range(width):
            chain.reference[block, w] = reference[w]
            reference[w] -= lift
        for w in range(width):
            # where there is no healthy component its density, which may be beyond all numbers, must not be weighted by zero
            there = settings.healthy and -reference[w] > floor
            chain.healthy[block, w] = fast_exp(-reference[w]) if there else 0.0
        exponentiate(scratch, reference, chain.density, block, floor, one)
    add_up(data, chain)
    return log_mixture(data, chain)


@njit(**INNER, fastmath=VECTOR, **BARE)
def raise_to(scratch, log_weight, weight, reference):
    """Raise `reference` (width,) to the largest weighted log-density of one subtype, scratch (K, width)."""
    for k in range(scratch.shape[0]):
        if weight[k] > 0.0:
            row = scratch[k]
            v = log_weight[k]
            for w in range(reference.size):
                reference[w] = max(reference[w], row[w] + v)


@njit(**INNER, fastmath=VECTOR, **BARE)
def exponentiate(scratch, reference, density, block, floor, one):
    """exp(scratch - reference) (C, K, width), not below exp(floor), into the block's densities; one (width,) is scratch."""
    for c in range(scratch.shape[0]):
        for k in range(scratch.shape[1]):
            row = scratch[c, k]
            into = density[c, block, k]
            for w in range(one.size):
                one[w] = max(row[w] - reference[w], floor)
            for w in range(one.size):
                into[w] = exp_like(one[w])


@njit(**INNER, fastmath=VECTOR, **COUNTED)
def add_up(data, chain):
    """Subtype densities and their mixture from `density` and the weights."""
    dtype = chain.density.dtype
    add_weighted(data, chain, chain.weights.joint.astype(dtype), chain.weights.healthy.astype(dtype)[0])


@njit(**INNER, fastmath=VECTOR, **BARE)
def add_weighted(data, chain, weight, base):
    """The loops of `add_up`; weights in the densities' precision."""
    width = data.real.shape[1]
    n_subtypes, n_stages = weight.shape
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


@njit(**INNER, **BARE)
def log_mixture(data, chain):
    """Log-likelihood of a chain's present state (no constants)."""
    total = 0.0
    lift = chain.limits[0]
    for block in range(data.real.shape[0]):
        product = 1.0
        for w in range(data.real.shape[1]):
            if data.real[block, w] > 0.0:
                total += chain.reference[block, w] - lift
                product *= float(chain.mixture[block, w])  # as plain Python, too, not in single precision
                if product < DRIFT_LOW or product > DRIFT_HIGH:
                    total += math.log(product)
                    product = 1.0
        total += math.log(product)
    return total


@njit(**KERNEL, fastmath=VECTOR, **BARE)
def outside(values, real, low, high):
    """How many real people's values are not between low and high; NaN is not. Counted, since a loop that may end early or
    keeps a minimum does not vectorise."""
    wide_vectors()
    n = 0.0
    for w in range(values.size):
        n += 0.0 if (values[w] > low) & (values[w] < high) else real[w]
    return n


@njit(**INNER, fastmath=VECTOR, **BARE)
def copy_row(row, into):
    """into = row; the assignment of whole slices costs ten times as much on some hundred people."""
    for w in range(row.size):
        into[w] = row[w]


@njit(**INNER, **BARE)
def mixture_drifted(data, chain):
    """Whether somebody's mixture density has left the range around the reference."""
    scale = math.exp(chain.limits[0])
    low, high = MIXTURE_LOW * scale, MIXTURE_HIGH * scale
    for block in range(data.real.shape[0]):
        if outside(chain.mixture[block], data.real[block], low, high) > 0.0:
            return True
    return False


# ------------------------------------------------------------------ one move under trial


@njit(**KERNEL, fastmath=VECTOR, **BARE)
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
    bound, change = trial.sums[0], trial.sums[1]
    for k in range(n_stages):
        bound[k] = 0.0
        change[k] = 0.0
    for i in range(n_changed):
        b = trial.biomarkers[i]
        new, row, delta = trial.curve[b], old[b], trial.delta[i]
        fill_curve(b, place, layout, new)
        pull, own, size = chain.subtypes.pull[c, b], noise.precision[b, b], noise.largest[b]
        for k in range(n_stages):
            d = new[k] - row[k]
            delta[k] = d
            bound[k] += abs(d) * size
            change[k] += d * (2.0 * pull[k] + own * d)
        # a change may pass through zero in the middle of a stage: all from the first to the last are touched
        first, last = 0, n_stages
        while first < last and delta[first] == 0.0:
            first += 1
        while last > first and delta[last - 1] == 0.0:
            last -= 1
        for k in range(first, last):
            trial.touched[k] = True
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
            copy_row(chain.subtypes.pull[c, b], trial.pull[b])
            changes = False
            for i in range(n_changed):
                changes |= trial.biomarkers[i] == b
            if not changes:
                copy_row(old[b], trial.curve[b])
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
                trial.factor[p, k] = fast_exp(-0.5 * d) if trial.touched[k] else 1.0
                bound[k] = max(bound[k], 0.5 * abs(d))
    else:
        for k in range(n_stages):
            trial.factor[0, k] = fast_exp(-0.5 * change[k])
    largest = 0.0
    for k in range(n_stages):
        size = bound[k] + 0.5 * abs(change[k])
        if trial.gained[k] >= 0:
            size += data.largest_step[trial.gained[k]]
        if trial.lost[k] >= 0:
            size += data.largest_step[trial.lost[k]]
        bound[k] = size
        largest = max(largest, size)
    n_runs = linear_runs(trial.delta, n_changed, trial.starts, trial.growth, trial.sums[2:])
    return n_changed, n_runs, largest


@njit(**INNER, fastmath=VECTOR, **BARE)
def add_slopes(y, trial, n):
    """Make the bend of `n` biomarkers in `trial.which`, `trial.slope` one of three terms.

    Returns whether it was more, and then the terms are to be taken from `trial.rows` instead of y; so they are where y has no
    row (no biomarker is Gaussian), of which even nought times what lies beyond it may be no number.
    """
    slope, which = trial.slope, trial.which
    if n <= 3:
        absent = y.shape[0] == 0
        for i in range(n, 3):
            slope[i], which[i] = 0.0, 2 if absent else 0
        return absent
    added = trial.rows[2]
    s0, s1, s2 = slope[0], slope[1], slope[2]
    row0, row1, row2 = y[which[0]], y[which[1]], y[which[2]]
    for w in range(added.size):
        added[w] = s0 * row0[w] + s1 * row1[w] + s2 * row2[w]
    for i in range(3, n):
        s0, row0 = slope[i], y[which[i]]
        for w in range(added.size):
            added[w] += s0 * row0[w]
    for i in range(3):
        slope[i], which[i] = 0.0, 2
    slope[0] = 1.0
    return True


@njit(**INNER, fastmath=VECTOR, **BARE)
def bend(y, which, slope, rows):
    """At the begin of a run: power *= half, half *= exp(change of slope), power *= half; rows (3.., width) hold the two."""
    wide_vectors()
    power, half = rows[0], rows[1]
    s0, s1, s2 = slope[0], slope[1], slope[2]
    y0, y1, y2 = y[which[0]], y[which[1]], y[which[2]]
    for w in range(half.size):
        g = half[w] * exp_like(s0 * y0[w] + s1 * y1[w] + s2 * y2[w])
        half[w] = g
        power[w] *= g


@njit(**INNER, fastmath=VECTOR, **BARE)
def bent_stages(density, out, stages, scales, bend, rows, total):
    """`bend` and the first one to four stages of a run in one pass over the people.

    density (K, width) is read, what it becomes goes to `out`, and its weighted sum to total (width,). `stages` is (first stage,
    how many, whether the run ends with them, floor of the densities); scales is (factor, weight) of every stage; bend is (y, which
    of its rows, slopes). After the last stage of a run power grows by half a
    stage: the following run's bend adds the other half.
    """
    wide_vectors()
    k, m, last, floor = stages
    factor, weight = scales
    y, which, slope = bend
    power, half = rows[0], rows[1]
    s0, s1, s2 = slope[0], slope[1], slope[2]
    y0, y1, y2 = y[which[0]], y[which[1]], y[which[2]]
    d0, o0, f0, v0 = density[k], out[k], factor[k], weight[k]
    if m == 1:
        for w in range(total.size):
            g = half[w] * exp_like(s0 * y0[w] + s1 * y1[w] + s2 * y2[w])
            p0 = power[w] * g
            a0 = d0[w] * (p0 * f0) + floor
            o0[w] = a0
            total[w] += v0 * a0
            half[w] = g
            power[w] = p0 * (g if last else g * g)
        return
    d1, o1, f1, v1 = density[k + 1], out[k + 1], factor[k + 1], weight[k + 1]
    if m == 2:
        for w in range(total.size):
            g = half[w] * exp_like(s0 * y0[w] + s1 * y1[w] + s2 * y2[w])
            s = g * g
            p0 = power[w] * g
            p1 = p0 * s
            a0 = d0[w] * (p0 * f0) + floor
            a1 = d1[w] * (p1 * f1) + floor
            o0[w], o1[w] = a0, a1
            total[w] += v0 * a0 + v1 * a1
            half[w] = g
            power[w] = p1 * (g if last else s)
        return
    d2, o2, f2, v2 = density[k + 2], out[k + 2], factor[k + 2], weight[k + 2]
    if m == 3:
        for w in range(total.size):
            g = half[w] * exp_like(s0 * y0[w] + s1 * y1[w] + s2 * y2[w])
            s = g * g
            p0 = power[w] * g
            p1 = p0 * s
            p2 = p1 * s
            a0 = d0[w] * (p0 * f0) + floor
            a1 = d1[w] * (p1 * f1) + floor
            a2 = d2[w] * (p2 * f2) + floor
            o0[w], o1[w], o2[w] = a0, a1, a2
            total[w] += v0 * a0 + v1 * a1 + v2 * a2
            half[w] = g
            power[w] = p2 * (g if last else s)
        return
    d3, o3, f3, v3 = density[k + 3], out[k + 3], factor[k + 3], weight[k + 3]
    for w in range(total.size):
        g = half[w] * exp_like(s0 * y0[w] + s1 * y1[w] + s2 * y2[w])
        s = g * g
        p0 = power[w] * g
        p1 = p0 * s
        p2 = p1 * s
        p3 = p2 * s
        a0 = d0[w] * (p0 * f0) + floor
        a1 = d1[w] * (p1 * f1) + floor
        a2 = d2[w] * (p2 * f2) + floor
        a3 = d3[w] * (p3 * f3) + floor
        o0[w], o1[w], o2[w], o3[w] = a0, a1, a2, a3
        total[w] += (v0 * a0 + v1 * a1) + (v2 * a2 + v3 * a3)
        half[w] = g
        power[w] = p3 * (g if last else s)


@njit(**INNER, fastmath=VECTOR, **BARE)
def straight_stages(density, out, stages, factor, weight, rows, total):
    """Four further stages of a run, as `bent_stages` without a bend."""
    wide_vectors()
    k, m, last, floor = stages
    power, half = rows[0], rows[1]
    d0, d1, d2, d3 = density[k], density[k + 1], density[k + 2], density[k + 3]
    o0, o1, o2, o3 = out[k], out[k + 1], out[k + 2], out[k + 3]
    f0, f1, f2, f3 = factor[k], factor[k + 1], factor[k + 2], factor[k + 3]
    v0, v1, v2, v3 = weight[k], weight[k + 1], weight[k + 2], weight[k + 3]
    for w in range(total.size):
        g, p0 = half[w], power[w]
        s = g * g
        p1 = p0 * s
        p2 = p1 * s
        p3 = p2 * s
        a0 = d0[w] * (p0 * f0) + floor
        a1 = d1[w] * (p1 * f1) + floor
        a2 = d2[w] * (p2 * f2) + floor
        a3 = d3[w] * (p3 * f3) + floor
        o0[w], o1[w], o2[w], o3[w] = a0, a1, a2, a3
        total[w] += (v0 * a0 + v1 * a1) + (v2 * a2 + v3 * a3)
        power[w] = p3 * (g if last else s)


@njit(**INNER, fastmath=VECTOR, **BARE)
def same_stages(density, begin, end, weight, total):
    """Weighted sum of stages that the move leaves alone."""
    wide_vectors()
    k = begin
    while k + 4 <= end:
        d0, d1, d2, d3 = density[k], density[k + 1], density[k + 2], density[k + 3]
        v0, v1, v2, v3 = weight[k], weight[k + 1], weight[k + 2], weight[k + 3]
        for w in range(total.size):
            total[w] += (v0 * d0[w] + v1 * d1[w]) + (v2 * d2[w] + v3 * d3[w])
        k += 4
    while k < end:
        row, v = density[k], weight[k]
        for w in range(total.size):
            total[w] += v * row[w]
        k += 1


@njit(**INNER, fastmath=VECTOR, **BARE)
def own_factors(data, block, trial, k, own):
    """Factor of everyone in a block at stage k where it is not one number: pattern, and increments gained and lost."""
    width = own.size
    gained, lost = trial.gained[k], trial.lost[k]
    if gained >= 0 or lost >= 0:
        for w in range(width):
            own[w] = 0.0
        if gained >= 0:
            row = data.steps[block, gained]
            for w in range(width):
                own[w] += row[w]
        if lost >= 0:
            row = data.steps[block, lost]
            for w in range(width):
                own[w] -= row[w]
        for w in range(width):
            own[w] = exp_like(own[w])
    else:
        for w in range(width):
            own[w] = 1.0
    only = data.only[block]
    if only >= 0:
        f = trial.factor[only, k]
        for w in range(width):
            own[w] *= f
    else:
        for w in range(width):
            own[w] *= trial.factor[data.pattern[block, w], k]


@njit(**INNER, fastmath=VECTOR, **BARE)
def mixed_stage(density, out, own, weight, last, floor, rows, total):
    """One stage of a run where the factor differs between people."""
    power, half = rows[0], rows[1]
    for w in range(total.size):
        a = density[w] * (power[w] * own[w]) + floor
        out[w] = a
        total[w] += weight * a
        power[w] *= half[w] if last else half[w] * half[w]


@njit(**INNER, fastmath=VECTOR, **BARE)
def pass_stages(data, chain, trial, c, block, n_changed, n_runs):
    """One block's densities after the move, at the stages that it touches, into `trial.density`; their weighted sum over
    all stages into `trial.total`."""
    total, out = trial.total[block], trial.density[block]
    y, density = chain.fast[block], chain.density[c, block]
    rows, slope, which, weight = trial.rows, trial.slope, trial.which, trial.weight
    own = rows[3]
    floor = trial.floor[0]
    only = data.only[block]
    for w in range(total.size):
        total[w] = 0.0
        rows[0, w] = 1.0
        rows[1, w] = 1.0
    for run in range(n_runs):
        begin, end = trial.starts[run], trial.starts[run + 1]
        touched = False
        plain = only >= 0
        for k in range(begin, end):
            touched |= trial.touched[k]
            plain &= trial.gained[k] < 0 and trial.lost[k] < 0
        if not touched:
            same_stages(density, begin, end, weight, total)
            for w in range(total.size):  # nothing has changed here, whatever rounding says
                rows[0, w] = 1.0
                rows[1, w] = 1.0
            continue
        n = 0
        for i in range(n_changed):
            change = trial.growth[i, run] - (trial.growth[i, run - 1] if run > 0 else 0.0)
            if change != 0.0:
                which[n] = trial.biomarkers[i]
                slope[n] = 0.5 * change
                n += 1
        read = rows if add_slopes(y, trial, n) else y
        if plain:
            factor = trial.factor[only]
            m = (end - begin - 1) % 4 + 1
            first = (begin, m, begin + m == end, floor)
            bent_stages(density, out, first, (factor, weight), (read, which, slope), rows, total)
            for k in range(begin + m, end, 4):
                straight_stages(density, out, (k, 4, k + 4 == end, floor), factor, weight, rows, total)
            # stages between touched ones are written as well, so they count as touched
            for k in range(begin, end):
                trial.touched[k] = True
        else:
            bend(read, which, slope, rows)
            for k in range(begin, end):
                if n_changed == 0 and not trial.touched[k]:
                    same_stages(density, k, k + 1, weight, total)
                    continue
                trial.touched[k] = True
                own_factors(data, block, trial, k, own)
                mixed_stage(density[k], out[k], own, weight[k], k + 1 == end, floor, rows, total)


@njit(**INNER, fastmath=VECTOR, **BARE)
def log_of_ratios(ratio, real):
    """Sum of log(ratio) over real people, and whether all ratios lie within the range that products allow."""
    width = ratio.size
    for w in range(width):
        ratio[w] = ratio[w] if real[w] > 0.0 else 1.0
    if outside(ratio, real, 1e-24, 1e24) > 0.0:
        return 0.0, False
    change = 0.0
    product = 1.0
    for w in range(0, width, 4):
        product *= (float(ratio[w]) * float(ratio[w + 1])) * (float(ratio[w + 2]) * float(ratio[w + 3]))
        if product < DRIFT_LOW or product > DRIFT_HIGH:
            change += math.log(product)
            product = 1.0
    return change + math.log(product), True


@njit(**INNER, fastmath=VECTOR, **BARE)
def try_move(c, data, chain, trial, n_changed, n_runs, largest):
    """Log-likelihood change of a prepared move (midpoint rule).

    Returns (change, fine): not fine when somebody's density would leave the range in which the stored reference is good,
    and then nothing may be concluded from `change`.
    """
    if largest > chain.limits[2]:
        return 0.0, False
    width = data.real.shape[1]
    trial.base[0] = chain.weights.healthy[0]
    base = trial.base[0]
    ratio = trial.rows[3]
    change = 0.0
    for block in range(data.real.shape[0]):
        pass_stages(data, chain, trial, c, block, n_changed, n_runs)
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


@njit(**INNER, fastmath=VECTOR, **BARE)
def keep_move(c, data, chain, trial, n_changed):
    """Make the prepared move the state of the chain; returns the most that anybody's density at a stage can have changed since all
    were computed."""
    subtypes, noise = chain.subtypes, chain.noise
    width = data.real.shape[1]
    n_biomarkers, n_stages = subtypes.curve.shape[1:]
    furthest = 0.0
    for k in range(n_stages):
        chain.changed[c, k] += trial.sums[0, k]
        furthest = max(furthest, chain.changed[c, k])
    trial.base[0] = chain.weights.healthy[0]
    base = trial.base[0]
    for block in range(data.real.shape[0]):
        for k in range(n_stages):
            if trial.touched[k]:
                copy_row(trial.density[block, k], chain.density[c, block, k])
        mixture, healthy = chain.mixture[block], chain.healthy[block]
        copy_row(trial.total[block], chain.subtype[c, block])
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
        copy_row(trial.curve[b], subtypes.curve[c, b])
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
        for k in range(n_stages):
            copy_row(trial.quad[k], subtypes.quad[c, k])
    return furthest
