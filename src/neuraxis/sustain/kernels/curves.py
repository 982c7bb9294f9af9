"""The z-score model's curves: piecewise linear from 0 through each threshold at its event's point to z_max."""

from __future__ import annotations

from numba import njit

from .numerics import BARE, INNER, KERNEL


@njit(**INNER, **BARE)
def fill_curve(b, place, layout, out):
    """Write the stage values g_b(0..N) of biomarker `b` into `out` (K,).

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


@njit(**INNER, **BARE)
def fill_points(b, place, layout, out):
    """Write biomarker b's curve at the points 0..N+1 into `out` (K+1,)."""
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


@njit(**KERNEL, **BARE)
def fill_curves(place, layout, out):
    """`fill_curve` for every biomarker; `out` (B, K)."""
    for b in range(out.shape[0]):
        fill_curve(b, place, layout, out[b])


@njit(**INNER, **BARE)
def linear_runs(delta, n_changed, starts, growth, scratch):
    """Divide the time axis into runs in which every changed biomarker's change is linear.

    delta (B, K) holds the change at every stage in its first `n_changed` rows. Writes the first stage of every run, and K
    after the last, into `starts` (K+1,), and the change's growth over a stage into growth (B, K), by biomarker and run.
    Returns the number of runs. scratch (3, K).

    The change is 0 at point 0 and a stage's value is the mean of its two ends, so points and growths follow from the stages
    one after the other. Growths are changed by an event of the old or the new sequence, and then by more than 1 / N^2, far
    more than rounding.
    """
    n_stages = delta.shape[1]
    # a biomarker has an event at least, so that there are no more of them than stages
    bends, point, before = scratch[0], scratch[1], scratch[2]
    for k in range(n_stages):
        bends[k] = 0.0
    bends[0] = 1.0
    for i in range(n_changed):
        point[i] = 0.0
        before[i] = 0.0
    # biomarkers inside, stages outside: the recursion along the stages is slow to follow one biomarker at a time
    for k in range(n_stages):
        bend = False
        for i in range(n_changed):
            following = 2.0 * delta[i, k] - point[i]
            g = following - point[i]
            growth[i, k] = g
            bend |= abs(g - before[i]) > 1e-9
            point[i] = following
            before[i] = g
        if bend:
            bends[k] = 1.0
    n = 0
    for k in range(n_stages):
        if bends[k] > 0.0:
            for i in range(n_changed):
                g = growth[i, k]
                if n > 0 and abs(g - growth[i, n - 1]) <= 1e-9:
                    g = growth[i, n - 1]
                growth[i, n] = g if abs(g) > 1e-9 else 0.0
            starts[n] = k
            n += 1
    starts[n] = n_stages
    return n
