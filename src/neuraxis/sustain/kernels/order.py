"""Orders of events: where an event may go, how it moves, how a move is proposed."""

from __future__ import annotations

import math

from numba import njit

from .numerics import BARE, INNER, KERNEL


@njit(**INNER, **BARE)
def invert(sequence, place):
    """Write the place of every event of `sequence` (N,) into `place` (N,)."""
    for p in range(sequence.size):
        place[sequence[p]] = p


@njit(**KERNEL, **BARE)
def window(e, place, layout):
    """First and last place that event e may take, its biomarker's other events staying put."""
    before = layout.previous[e]
    after = layout.following[e]
    low = place[before] + 1 if before >= 0 else 0
    high = place[after] - 1 if after >= 0 else place.size - 1
    return low, high


@njit(**KERNEL, **BARE)
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


@njit(**INNER, **BARE)
def kernel_total(p, low, high, scale):
    """Z(p): sum of the proposal weights exp(-d^2 / 2 s^2) over the window without p itself."""
    total = 0.0
    for q in range(low, high + 1):
        if q != p:
            d = (q - p) / scale
            total += math.exp(-0.5 * d * d)
    return total


@njit(**KERNEL, **BARE)
def propose(e, place, layout, scale, rng):
    """New place of event e and log(Z(from) / Z(to)); to == from when it cannot move.

    The window is the same from both ends but the normaliser is not, hence the Hastings term.
    """
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
