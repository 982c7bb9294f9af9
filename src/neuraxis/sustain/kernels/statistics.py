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
from .numerics import BARE, COUNTED, INLINE, INNER, KERNEL, VECTOR, fill_uniforms, shuffle, wide_vectors
from .order import move, window

#: Stages that a loop takes at once; rows of stages are padded to multiples of it.
STAGE_STEP = 32

#: Planes of `Ground.planes`.
CURVE, SLOPE, OWN, STAGE, DELTA = 0, 1, 2, 3, 4
#: Rows of `Ground.walk`: slope of the walking event's biomarker, what changes take from that of the one it meets, its change.
FREE, MET, CHANGE = 0, 1, 2
#: Responsibilities below this, in people, do not change a pattern's share of the statistics.
NEGLIGIBLE = 1e-10


@njit(**KERNEL, **COUNTED)
def clear(stats):
    """Set all sums to zero."""
    stats.count.fill(0.0)
    stats.pulled.fill(0.0)
    stats.stepped.fill(0.0)
    stats.healthy.fill(0.0)
    stats.scatter.fill(0.0)


@njit(**INNER, fastmath=VECTOR, **COUNTED)
def finish_scatter(data, noise, subtypes, stats, p, seen):
    """Close a pattern's sum of residuals' products: add sum of r g g', complete the missing, clear `seen`."""
    n = seen.shape[0]
    gone = data.missing[data.missing_start[p] : data.missing_start[p + 1]]
    there = np.ones(n)
    for b in gone:
        there[b] = 0.0
    for c in range(subtypes.curve.shape[0]):
        count = stats.count[p, c]
        for a in range(n):
            g = subtypes.curve[c, a]
            for b in range(a + 1):
                if there[a] * there[b] == 0.0:
                    continue
                h = subtypes.curve[c, b]
                s = 0.0
                for k in range(count.size):
                    s += count[k] * g[k] * h[k]
                seen[a, b] += s
                if a != b:
                    seen[b, a] += s
    complete_scatter(noise, data, p, seen, data.count[p], stats.scatter)
    seen.fill(0.0)


@njit(**KERNEL, fastmath=VECTOR, **COUNTED)
def expectation(data, noise, layout, subtypes, weights, settings, stats, draw):
    """E-step over everyone: responsibilities summed into `stats`; returns the log-likelihood without constants.

    With uniforms in `draw` (n_blocks, width) everyone's cell is drawn from them and counts alone (stochastic EM); with an
    empty `draw` responsibilities count.
    """
    wide_vectors()
    width = data.real.shape[1]
    n_subtypes, n_stages = weights.joint.shape
    n_biomarkers = noise.precision.shape[0]
    scratch = np.empty((n_subtypes, n_stages, width))
    reference = np.empty(width)
    total = np.empty(width)
    healthy = np.empty(width)
    cell = np.empty(width)
    seen = np.zeros((n_biomarkers, n_biomarkers))
    mean = np.zeros((n_biomarkers, width))
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
            draw_cells(scratch, healthy, draw[block], total, cell)
            add_drawn(data, block, (noise, subtypes, settings), cell, healthy, (stats, mean))
        else:
            add_expected(data, block, (noise, subtypes, settings), weights, scratch, (stats, mean))
        for w in range(width):
            stats.healthy[0] += healthy[w]
        if settings.noise > 0:
            only = data.only[block]
            if only >= 0:
                if only != current:
                    finish_scatter(data, noise, subtypes, stats, current, seen)
                    current = only
                add_products(data, block, only, mean, seen)
                continue
            for w in range(width):
                if real[w] == 0.0:
                    continue
                p = data.pattern[block, w]
                if p != current:
                    finish_scatter(data, noise, subtypes, stats, current, seen)
                    current = p
                for j in range(data.missing_start[p], data.missing_start[p + 1]):
                    mean[data.missing[j], w] = 0.0
                for a in range(n_biomarkers):
                    u = data.x[block, a, w]
                    v = mean[a, w]
                    for b in range(n_biomarkers):
                        x = data.x[block, b, w]
                        seen[a, b] += u * x - u * mean[b, w] - v * x
    if settings.noise > 0:
        finish_scatter(data, noise, subtypes, stats, current, seen)
    return log_likelihood


@njit(**INNER, fastmath=VECTOR, **COUNTED)
def add_products(data, block, p, mean, seen):
    """Add sum of x x' - x m' - m x' to `seen` (B, B) for a block of people who all miss what pattern p misses.

    Values that are missing and places that nobody has are zero in x.
    """
    wide_vectors()
    for j in range(data.missing_start[p], data.missing_start[p + 1]):
        mean[data.missing[j]] = 0.0
    n, width = mean.shape
    for a in range(n):
        x, m = data.x[block, a], mean[a]
        for b in range(a + 1):
            y, v = data.x[block, b], mean[b]
            s = 0.0
            for w in range(width):
                s += x[w] * y[w] - x[w] * v[w] - m[w] * y[w]
            seen[a, b] += s
            if a != b:
                seen[b, a] += s


@njit(**INNER, fastmath=VECTOR, **BARE)
def add_expected(data, block, model, weights, scratch, sums):
    """Add a block's responsibilities to the sums; everyone's expected curve to `mean` (B, width) where noise is learnt.

    model is (noise, subtypes, settings), sums is (statistics, mean).
    """
    wide_vectors()
    noise, subtypes, settings = model
    stats, mean = sums
    n_subtypes, n_stages, width = scratch.shape
    real, only = data.real[block], data.only[block]
    if settings.noise > 0:
        for b in range(mean.shape[0]):
            for w in range(width):
                mean[b, w] = 0.0
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
            for b in range(noise.y.shape[1]):
                y = noise.y[block, b]
                s = 0.0
                for w in range(width):
                    s += row[w] * y[w]
                stats.pulled[c, b, k] += s
            for i in range(data.steps.shape[1]):
                y = data.steps[block, i]
                s = 0.0
                for w in range(width):
                    s += row[w] * y[w]
                stats.stepped[c, i, k] += s
            if settings.noise > 0:
                for b in range(mean.shape[0]):
                    g = subtypes.curve[c, b, k]
                    if g != 0.0:
                        for w in range(width):
                            mean[b, w] += row[w] * g


@njit(**INNER, fastmath=VECTOR, **BARE)
def draw_cells(scratch, healthy, uniforms, total, cell):
    """Draw everyone's cell from the responsibilities (C, K, width) and P(healthy) (width,).

    `cell` (width,) becomes the number c K + k of the cell, -1 for healthy; `healthy` becomes 1 or 0. `total` is scratch. The
    cell is how many cumulative sums a uniform has passed, so that all people are drawn at once.
    """
    wide_vectors()
    n_subtypes, n_stages, width = scratch.shape
    n_cells = n_subtypes * n_stages
    for w in range(width):
        total[w] = healthy[w]
        cell[w] = 0.0 if total[w] <= uniforms[w] else -1.0
    for c in range(n_subtypes):
        for k in range(n_stages):
            row = scratch[c, k]
            for w in range(width):
                total[w] += row[w]
                cell[w] += 1.0 if total[w] <= uniforms[w] else 0.0
    for w in range(width):
        if cell[w] >= n_cells:  # rounding may run past the last cell that has any mass
            last = n_cells - 1
            while last >= 0 and scratch[last // n_stages, last % n_stages, w] <= 0.0:
                last -= 1
            cell[w] = last
        healthy[w] = 1.0 if cell[w] < 0.0 else 0.0


@njit(**INNER, **BARE)
def add_drawn(data, block, model, cell, healthy, sums):
    """Add a block's drawn cells to the sums; everyone's curve to `mean` (B, width) where noise is learnt.

    Places of the block that nobody has count nowhere: their `healthy` is set to zero. model and sums as in `add_expected`.
    """
    noise, subtypes, settings = model
    stats, mean = sums
    n_stages = subtypes.curve.shape[2]
    for w in range(cell.size):
        if data.real[block, w] == 0.0:
            healthy[w] = 0.0
            continue
        if cell[w] < 0.0:
            if settings.noise > 0:
                for b in range(mean.shape[0]):
                    mean[b, w] = 0.0
            continue
        c, k = int(cell[w]) // n_stages, int(cell[w]) % n_stages
        stats.count[data.pattern[block, w], c, k] += 1.0
        for b in range(noise.y.shape[1]):
            stats.pulled[c, b, k] += noise.y[block, b, w]
        for i in range(data.steps.shape[1]):
            stats.stepped[c, i, k] += data.steps[block, i, w]
        if settings.noise > 0:
            for b in range(mean.shape[0]):
                mean[b, w] = subtypes.curve[c, b, k]


@njit(**INNER, **COUNTED)
def uniforms_for(data, rng):
    """One uniform a person, (n_blocks, width)."""
    out = np.empty(data.real.shape)
    for block in range(out.shape[0]):
        fill_uniforms(rng, out[block])
    return out


# ------------------------------------------------------------ the ground that events move on


@njit(**KERNEL, fastmath=VECTOR, **COUNTED)
def build_ground(c, data, noise, subtypes, stats, ground):
    """Write curve, slope, own, total, precision, cross and stepped of `ground` for subtype c.

    A(k) = sum_p W_p(k) P_p: W(k) P for complete people, less what a pattern's missing values take away. Where all are
    complete W and P stand for it: B B K numbers would not fit into the processor's nearest cache.
    """
    wide_vectors()
    n_biomarkers, n_stages = subtypes.curve.shape[1:]
    planes, cross, total = ground.planes, ground.cross, ground.total
    padded = planes.shape[2]
    for k in range(padded):
        total[k] = 0.0
    for k in range(n_stages):
        for p in range(stats.count.shape[0]):
            total[k] += stats.count[p, c, k]
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
                ground.precision[a, b] = noise.precision[a, b]
    if cross.size:
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
        if cross.size:
            for k in range(padded):
                planes[OWN, b, k] = cross[b, b, k]
            for a in range(n_biomarkers):
                for k in range(padded):
                    planes[SLOPE, b, k] -= cross[b, a, k] * planes[CURVE, a, k]
        elif noise.coupled:
            pull = subtypes.pull[c, b]
            for k in range(n_stages):
                planes[SLOPE, b, k] -= total[k] * pull[k]
        else:
            for k in range(padded):
                planes[SLOPE, b, k] -= planes[OWN, b, k] * planes[CURVE, b, k]
    if cross.size or not noise.coupled:
        for k in range(padded):
            total[k] = 1.0


@njit(**INLINE, **BARE)
def line_around(e, place, layout):
    """The curve of event e's biomarker between the events beside e, where place says.

    Returns first point, turning point, last point, start and rise before the turn, start and rise after it.
    """
    left = float(place[layout.previous[e]] + 1 if layout.previous[e] >= 0 else 0)
    right = float(place[layout.following[e]] + 1 if layout.following[e] >= 0 else place.size + 1)
    middle = float(place[e] + 1)
    value = layout.value[e]
    rise = (value - layout.value_before[e]) / (middle - left)
    fall = (layout.value_after[e] - value) / (right - middle)
    return left, middle, right, layout.value_before[e] + rise * (0.5 - left), rise, value + fall * (0.5 - middle), fall


@njit(**INLINE, **BARE)
def whole_vectors(line, n_points):
    """First and last + 1 of the stages to go through for `line`: those that differ and what fills their vectors up.

    Rows of stages are whole multiples of what a loop takes at once, and so are these: a loop over whole vectors is faster
    than one over a few stages. Unsigned, or an index that may count from the end would keep the loop from vectors.
    """
    first = int(line[0]) // STAGE_STEP * STAGE_STEP
    end = min(n_points, -(-int(line[2]) // STAGE_STEP) * STAGE_STEP)
    return np.uint64(first), np.uint64(end)


@njit(**INLINE, fastmath=VECTOR, **BARE)
def gain_alone(planes, slope, b, line):
    """Gain of Q when biomarker b takes the curve `line` (see `line_around`), given its slope; nothing is changed."""
    left, middle, right, start, rise, turn, fall = line
    first, end = whole_vectors(line, planes.shape[2])
    gain = 0.0
    for k in range(first, end):
        t = planes[STAGE, 0, k]
        g = start + rise * t if t < middle else turn + fall * t
        d = g - planes[CURVE, b, k] if (t >= left) & (t < right) else 0.0
        gain += d * (slope[k] - 0.5 * planes[OWN, b, k] * d)
    return gain


@njit(**INLINE, fastmath=VECTOR, **BARE)
def gain_met(ground, n, i, b, walker, line):
    """Gain of Q when biomarker b, met on a walk, takes the curve `line`, beside the changes met before; the walker's own is left out.

    `ground.rows[:n]` are the biomarkers met so far, b at position i; their changes are in `ground.shift`, which follows, as
    does the walker's slope.
    """
    planes, precision, total = ground.planes, ground.precision, ground.total
    mine, push, change = ground.shift[i], ground.walk[MET], ground.walk[CHANGE]
    left, middle, right, start, rise, turn, fall = line
    first, end = whole_vectors(line, planes.shape[2])
    if precision.size:
        push_of_met(ground, n, b, (first, end), push)
    else:
        for k in range(first, end):
            push[k] = planes[OWN, b, k] * mine[k]
    gain = 0.0
    for k in range(first, end):
        t = planes[STAGE, 0, k]
        g = start + rise * t if t < middle else turn + fall * t
        d = g - planes[CURVE, b, k] - mine[k] if (t >= left) & (t < right) else 0.0
        gain += d * (planes[SLOPE, b, k] - total[k] * push[k] - 0.5 * planes[OWN, b, k] * d)
        change[k] = d
    # loops that write several rows would have to ask which overlap, and that keeps them from vectors
    for k in range(first, end):
        mine[k] += change[k]
    if walker >= 0 and precision.size:
        free = ground.walk[FREE]
        if ground.cross.size:
            c0 = ground.cross[walker, b]
            for k in range(first, end):
                free[k] -= c0[k] * change[k]
        else:
            p0 = precision[walker, b]
            for k in range(first, end):
                free[k] -= p0 * total[k] * change[k]
    return gain


@njit(**INLINE, fastmath=VECTOR, **BARE)
def push_of_met(ground, n, a, stages, push):
    """Write to `push` what the changes `ground.shift[:n]` of the biomarkers `ground.rows[:n]` take from biomarker a's slope.

    It is still to be multiplied by `ground.total`; `stages` are the first and last + 1 to write.
    """
    first, end = stages
    rows, shift = ground.rows, ground.shift
    if ground.cross.size:
        for k in range(first, end):
            push[k] = 0.0
        for j in range(n):
            c0, s0 = ground.cross[a, rows[j]], shift[j]
            for k in range(first, end):
                push[k] += c0[k] * s0[k]
        return
    mine = ground.precision[a]
    # four at once, or the last one to three: the sum is read and written once for them
    p0, s0 = mine[rows[0]], shift[0]
    p1, s1 = (mine[rows[1]], shift[1]) if n > 1 else (0.0, s0)
    p2, s2 = (mine[rows[2]], shift[2]) if n > 2 else (0.0, s0)
    p3, s3 = (mine[rows[3]], shift[3]) if n > 3 else (0.0, s0)
    for k in range(first, end):
        push[k] = p0 * s0[k] + p1 * s1[k] + p2 * s2[k] + p3 * s3[k]
    for j in range(4, n, 4):
        p0, s0 = mine[rows[j]], shift[j]
        p1, s1 = (mine[rows[j + 1]], shift[j + 1]) if n > j + 1 else (0.0, s0)
        p2, s2 = (mine[rows[j + 2]], shift[j + 2]) if n > j + 2 else (0.0, s0)
        p3, s3 = (mine[rows[j + 3]], shift[j + 3]) if n > j + 3 else (0.0, s0)
        for k in range(first, end):
            push[k] += p0 * s0[k] + p1 * s1[k] + p2 * s2[k] + p3 * s3[k]


@njit(**INNER, **BARE)
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


@njit(**KERNEL, **BARE)
def scan(e, low, high, sequence, place, layout, ground, score):
    """Q of every place low..high of event e relative to where it is; all is left as it was.

    The event walks place by place, changing places with one neighbour after the other. What the neighbours change is added
    up, each seeing those before it; the walker's own curve is set against its slope beside them all. So a step costs one row
    of stages for each biomarker met, not one for each that will be met, twice.
    """
    wide_vectors()
    planes, shift, walk, stepped, rows = ground.planes, ground.shift, ground.walk, ground.stepped, ground.rows
    curve_of, step_of = layout.curve, layout.step
    home, walker = place[e], curve_of[e]
    score[home] = 0.0
    for end in (high, low):
        if end == home:
            continue
        if walker >= 0:
            for k in range(planes.shape[2]):
                walk[FREE, k] = planes[SLOPE, walker, k]
        n = 0
        step = 1 if end > home else -1
        total = 0.0
        at = home
        while at != end:
            to = at + step
            other = sequence[to]
            sequence[at], sequence[to] = other, e
            place[other], place[e] = at, to
            b = curve_of[other]
            if b >= 0:
                i = 0
                while i < n and rows[i] != b:
                    i += 1
                if i == n:
                    rows[n] = b
                    shift[n] = 0.0
                    n += 1
                total += gain_met(ground, n, i, b, walker, line_around(other, place, layout))
            else:
                # the one stage that has passed one of the two and not the other
                total += step * stepped[step_of[other], max(at, to)]
            if walker >= 0:
                score[to] = total + gain_alone(planes, walk[FREE], walker, line_around(e, place, layout))
            else:
                total -= step * stepped[step_of[e], max(at, to)]
                score[to] = total
            at = to
        move(e, home, sequence, place)


@njit(**KERNEL, fastmath=VECTOR, **BARE)
def put(e, to, sequence, place, layout, ground):
    """Move event e to place `to` for good: curves and all slopes follow."""
    wide_vectors()
    planes, shift, push = ground.planes, ground.shift, ground.walk[MET]
    home, n_points = place[e], planes.shape[2]
    n = rows_between(min(home, to), max(home, to), sequence, layout.curve, ground.rows)
    move(e, to, sequence, place)
    for i in range(n):
        b = ground.rows[i]
        fill_curve(b, place, layout, planes[DELTA, 0, : place.size + 1])
        for k in range(n_points):
            shift[i, k] = planes[DELTA, 0, k] - planes[CURVE, b, k]
            planes[CURVE, b, k] = planes[DELTA, 0, k]
        if not ground.precision.size:
            for k in range(n_points):
                planes[SLOPE, b, k] -= planes[OWN, b, k] * shift[i, k]
    if n and ground.precision.size:
        for a in range(planes.shape[1]):
            push_of_met(ground, n, a, (np.uint64(0), np.uint64(n_points)), push)
            for k in range(n_points):
                planes[SLOPE, a, k] -= ground.total[k] * push[k]


@njit(**INNER, **COUNTED)
def sweep_events(sequence, place, layout, ground, reach, greedy, rng):
    """Every event once, in random order, to its best place given the statistics, or to one drawn from its conditional.

    An event tries the places of a window of reach + 1 places that holds it. Where the place is drawn, the window's position
    is drawn first, uniformly: seen from the new place the same window is as likely, so the conditional within it is an
    exact Gibbs step. Returns the gain of Q where the best places are taken.
    """
    n_events = sequence.size
    return walk_all(sequence, place, layout, ground, (reach, greedy), rng, np.arange(n_events), np.empty(n_events))


@njit(**INNER, **BARE)
def walk_all(sequence, place, layout, ground, how, rng, order, score):
    """The loop of `sweep_events`; order and score (N,) are scratch, order every event once."""
    reach, greedy = how
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
                score[q] = math.exp(score[q] - top)
                total += score[q]
            u = rng.random() * total
            to = low
            while to < high:
                u -= score[to]
                if u <= 0.0:
                    break
                to += 1
        if to != home:
            if greedy:
                gain += score[to]
            put(e, to, sequence, place, layout, ground)
    return gain
