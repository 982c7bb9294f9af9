"""Markov chain: collapsed moves of events, exact draws of fractions, sweeps over everything given everyone's stage."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .density import fill_subtypes
from .moves import add_up, keep_move, log_mixture, mixture_drifted, prepare, refresh, try_move
from .noise import draw_precision, set_precision
from .numerics import BARE, COUNTED, INNER, KERNEL, VECTOR, copy, draw_log_gamma, fill_uniforms
from .order import move, propose
from .statistics import build_ground, clear, sweep_events
from .weights import draw_fractions, draw_weights, fill_joint


@njit(**KERNEL, **COUNTED)
def renew(data, layout, chain, settings):
    """`refresh`, with y in the densities' precision brought up to date first."""
    for block in range(chain.fast.shape[0]):
        copy(chain.fast[block], chain.noise.y[block])
    return refresh(data, layout, chain, settings)


@njit(**INNER, **BARE)
def collapsed_move(c, e, data, layout, chain, trial, settings, rng):
    """One Metropolis-Hastings move of event e in subtype c, people's stages summed out.

    Returns (change of the log-likelihood, whether all densities were renewed, accepted, log acceptance ratio); after a
    renewal the change is exact only in double precision, and the caller takes `log_mixture`.
    """
    sequence, place = chain.subtypes.sequence[c], chain.subtypes.place[c]
    home = place[e]
    to, log_hastings = propose(e, place, layout, chain.step[c, e], rng)
    if to == home:
        return 0.0, False, False, 0.0
    log_u = math.log(1.0 - rng.random())
    slow = settings.integral
    change = 0.0
    n_changed, n_runs, largest = 0, 0, 0.0
    if slow:
        move(e, to, sequence, place)
    else:
        n_changed, n_runs, largest = prepare(c, home, to, data, layout, chain, trial)
        change, fine = try_move(c, data, chain, trial, n_changed, n_runs, largest)
        slow = not fine
    if slow:
        # somebody is too far from the stored reference, or the stage is integrated: full computation
        old = log_mixture(data, chain)
        change = refresh(data, layout, chain, settings) - old
        ratio = change + log_hastings
        if log_u < ratio:
            return change, True, True, ratio
        move(e, home, sequence, place)
        refresh(data, layout, chain, settings)
        return 0.0, True, False, ratio
    ratio = change + log_hastings
    if log_u < ratio:
        furthest = keep_move(c, data, chain, trial, n_changed)
        if furthest > chain.limits[3] or mixture_drifted(data, chain):
            refresh(data, layout, chain, settings)
            return change, True, True, ratio
        return change, False, True, ratio
    move(e, home, sequence, place)
    return 0.0, False, False, ratio


@njit(**INNER, fastmath=VECTOR, **COUNTED)
def draw_cells(data, chain, settings, stats, rng):
    """Draw everyone's component and stage given the sequences; write the sums over the draw into `stats`."""
    clear(stats)
    count_cells(data, chain, settings, stats, rng, np.empty(data.real.shape[1]))


@njit(**INNER, fastmath=VECTOR, **BARE)
def count_cells(data, chain, settings, stats, rng, uniforms):
    """The loops of `draw_cells`; uniforms (width,) is scratch."""
    width = data.real.shape[1]
    n_subtypes, n_stages = chain.weights.joint.shape
    n_biomarkers, n_steps = chain.noise.precision.shape[0], data.steps.shape[1]
    base = chain.weights.healthy[0]
    for block in range(data.real.shape[0]):
        fill_uniforms(rng, uniforms)
        for w in range(width):
            if data.real[block, w] == 0.0:
                continue
            u = uniforms[w] * chain.mixture[block, w] - base * chain.healthy[block, w]
            if u < 0.0 or n_subtypes == 0:
                stats.healthy[0] += 1.0
                if settings.noise > 0:
                    add_residual(data, chain, block, w, -1, 0, stats, rng)
                continue
            c = 0
            while c < n_subtypes - 1 and u > chain.subtype[c, block, w]:
                u -= chain.subtype[c, block, w]
                c += 1
            k = -1
            last = -1
            while (u > 0.0 or last < 0) and k < n_stages - 1:
                k += 1
                mass = chain.weights.joint[c, k] * chain.density[c, block, k, w]
                u -= mass
                if chain.weights.joint[c, k] > 0.0:
                    last = k
            k = last  # rounding may run past the last stage that has any mass
            stats.count[data.pattern[block, w], c, k] += 1.0
            for b in range(n_biomarkers):
                stats.pulled[c, b, k] += chain.noise.y[block, b, w]
            for s in range(n_steps):
                stats.stepped[c, s, k] += data.steps[block, s, w]
            if settings.noise > 0:
                add_residual(data, chain, block, w, c, k, stats, rng)


@njit(**INNER, **COUNTED)
def add_residual(data, chain, block, w, c, k, stats, rng):
    """Add one person's residual products to `stats.scatter`, missing residuals drawn given the observed ones.

    Eight arguments and the generator: they are one person, one cell, and where the sum goes.
    """
    n = chain.noise.precision.shape[0]
    p = data.pattern[block, w]
    residual = np.empty(n)
    for b in range(n):
        residual[b] = data.x[block, b, w]
        if c >= 0:
            residual[b] -= chain.subtypes.curve[c, b, k]
    gone = data.missing[data.missing_start[p] : data.missing_start[p + 1]]
    m = gone.size
    if m:
        at = data.root_start[p]
        root = chain.noise.root[at : at + m * m].reshape(m, m)
        for b in gone:
            residual[b] = 0.0
        # mean -P_MM^-1 P_MO r_O and covariance P_MM^-1 = root' root
        push = np.empty(m)
        for i in range(m):
            push[i] = 0.0
            for b in range(n):
                push[i] -= chain.noise.precision[gone[i], b] * residual[b]
        drawn = np.empty(m)
        for i in range(m):
            drawn[i] = rng.standard_normal()
            for j in range(i + 1):
                drawn[i] += root[i, j] * push[j]
        for j in range(m):
            s = 0.0
            for i in range(j, m):
                s += root[i, j] * drawn[i]
            residual[gone[j]] = s
    for a in range(n):
        for b in range(n):
            stats.scatter[a, b] += residual[a] * residual[b]


@njit(**INNER, **COUNTED)
def draw_noise(data, chain, settings, scatter, rng):
    """Draw the noise given everyone's residuals and make it the chain's: SDs (log-uniform prior) or a covariance."""
    n = chain.noise.precision.shape[0]
    people = data.count.sum()
    precision = np.zeros((n, n))
    if settings.noise == 1:
        for b in range(n):
            precision[b, b] = rng.standard_gamma(0.5 * people) / (0.5 * max(scatter[b, b], 1e-8))
    else:
        draw_precision(settings, scatter, people, rng, precision)
    set_precision(chain.noise, data, precision)


@njit(**INNER, **COUNTED)
def sweep(data, layout, chain, settings, work, reach, rng):
    """Draw everyone's cell, then weights, events and noise from exact conditionals; returns the new log-likelihood.

    work is (statistics, ground). Under the integral rule the conditionals of events and noise do not hold and are left out.
    """
    stats, ground = work
    draw_cells(data, chain, settings, stats, rng)
    draw_weights(chain.weights, settings, stats, rng)
    if not settings.integral:
        for c in range(chain.subtypes.sequence.shape[0]):
            build_ground(c, data, chain.noise, chain.subtypes, stats, ground)
            sweep_events(chain.subtypes.sequence[c], chain.subtypes.place[c], layout, ground, reach, False, rng)
        if settings.noise > 0:
            # the residuals of the draw are those of the old curves: draw the noise given cells and new curves
            fill_subtypes(chain.subtypes, chain.noise, data, layout)
            redraw_noise(data, layout, chain, settings, stats, rng)
    return renew(data, layout, chain, settings)


@njit(**INNER, **COUNTED)
def redraw_noise(data, layout, chain, settings, stats, rng):
    """Draw cells anew given the moved events, and the noise given them."""
    refresh(data, layout, chain, settings)
    draw_cells(data, chain, settings, stats, rng)
    draw_noise(data, chain, settings, stats.scatter, rng)


@njit(**INNER, fastmath=VECTOR, **BARE)
def cell_density(data, chain, settings, c, h, block, out):
    """Density of everyone in one component of the mixture: the healthy one (c < 0), or bump h of subtype c."""
    width = out.size
    if c < 0:
        row = chain.healthy[block]
        for w in range(width):
            out[w] = row[w]
        return
    for w in range(width):
        out[w] = 0.0
    for k in range(settings.bumps.shape[1]):
        v = settings.bumps[h, k]
        if v > 0.0:
            row = chain.density[c, block, k]
            for w in range(width):
                out[w] += v * row[w]


@njit(**INNER, **COUNTED)
def exchange_weight(data, chain, settings, rng):
    """Metropolis move of how two components share their weight, people's stages summed out.

    Early stages look much the same in every subtype and in health, so Gibbs draws given memberships hardly ever move weight
    from one to another. Given the sum of two weights their share is Beta(a, b) under the Dirichlet prior. It is drawn from
    that prior, or moved on the logit scale; accepted with the ratio of likelihoods (and of priors). Returns whether it was.
    """
    if not try_exchange(data, chain, settings, rng, np.empty((2, data.real.shape[1]))):
        return False
    fill_joint(chain.weights, settings)
    add_up(data, chain)
    return True


@njit(**INNER, fastmath=VECTOR, **BARE)
def try_exchange(data, chain, settings, rng, gain):
    """Draw and decide an exchange of weight; where it is accepted the shares have changed. gain (2, width) is scratch."""
    weights = chain.weights
    n_subtypes, n_bumps = weights.share.shape
    width = data.real.shape[1]
    # an early bump of one subtype, and the healthy component or a bump of another subtype
    c = int(rng.random() * n_subtypes)
    h = int(rng.random() * n_bumps)
    if rng.random() < 0.5:
        h = min(h, int(rng.random() * 3.0))
    d = -1
    if not (settings.healthy and (n_subtypes == 1 or rng.random() < 0.5)):
        if n_subtypes == 1:
            return False
        d = (c + 1 + int(rng.random() * (n_subtypes - 1))) % n_subtypes
    mine = weights.share[c, h]
    other = weights.healthy[0] if d < 0 else weights.share[d, h]
    together = mine + other
    a, b = settings.concentration, 1.0 if d < 0 else settings.concentration
    log_prior = 0.0
    if rng.random() < 0.3:
        difference = draw_log_gamma(a, rng) - draw_log_gamma(b, rng)
        share = 1.0 / (1.0 + math.exp(-min(max(difference, -700.0), 700.0)))
    else:
        old = min(max(mine / together, 1e-300), 1.0 - 1e-16)
        logit = math.log(old) - math.log(1.0 - old) + rng.standard_normal() * (0.15 if rng.random() < 0.5 else 0.7)
        share = 1.0 / (1.0 + math.exp(-min(max(logit, -700.0), 700.0)))
        # the logit's Jacobian share (1 - share) raises both exponents of the Beta density by one
        log_prior = a * (math.log(max(share, 1e-300)) - math.log(old)) + b * (
            math.log(max(1.0 - share, 1e-16)) - math.log(1.0 - old)
        )
    change = log_prior
    product = 1.0
    step = together * share - mine
    for block in range(data.real.shape[0]):
        cell_density(data, chain, settings, c, h, block, gain[0])
        cell_density(data, chain, settings, d, h, block, gain[1])
        for w in range(width):
            if data.real[block, w] > 0.0:
                was = float(chain.mixture[block, w])
                now = was + step * (gain[0, w] - gain[1, w])
                if not (now > 1e-6 * was):
                    return False
                product *= now / was
                if product < 1e-100 or product > 1e100:
                    change += math.log(product)
                    product = 1.0
    change += math.log(product)
    if math.log(1.0 - rng.random()) >= change:
        return False
    weights.share[c, h] = together * share
    if d < 0:
        weights.healthy[0] = together * (1.0 - share)
    else:
        weights.share[d, h] = together * (1.0 - share)
    return True


@njit(**KERNEL, **BARE)
def chain_steps(data, layout, chain, settings, work, plan, value, rng):
    """Run `n_steps` steps of a chain in place and return its log-likelihood (no constants).

    A step moves one event in every subtype, people's stages summed out, and draws healthy weight and fractions; where the
    stage weights are learnt it also tries an exchange of weight, or, every `sweep_every` steps (0: never), sweeps: draws
    events, weights and noise from their conditionals. All leave the posterior unchanged, and so does their fixed alternation.

    work is (statistics, ground, trial); plan is (n_steps, sweep_every, reach of the sweeps, tune). `tune` adapts the proposal
    scales by Robbins-Monro towards one acceptance in four, with gain 1 / (tries)^0.6; a scale is at least 0.6 places, so
    an event can always move, and at most N or, with sweeps, a sixteenth of it: far moves are the sweeps' work.
    """
    stats, ground, trial = work
    n_steps, sweep_every, reach, tune = plan
    n_subtypes, n_events = chain.subtypes.sequence.shape
    learnt = chain.weights.share.shape[1] > 1
    farthest = max(1.0, n_events / (16.0 if sweep_every > 0 and not settings.integral else 1.0))
    for s in range(n_steps):
        for c in range(n_subtypes):
            e = int(rng.random() * n_events)
            change, renewed, accepted, ratio = collapsed_move(c, e, data, layout, chain, trial, settings, rng)
            value = log_mixture(data, chain) if renewed else value + change
            chain.tried[c, e] += 1
            if accepted:
                chain.accepted[c, e] += 1
            if tune:
                gain = 4.0 / max(chain.tried[c, e], 1.0) ** 0.6
                target = min(1.0, math.exp(min(ratio, 0.0))) - 0.25
                scale = chain.step[c, e] * math.exp(gain * target)
                chain.step[c, e] = min(max(scale, 0.6), farthest)
        if sweep_every > 0 and (s + 1) % sweep_every == 0:
            value = sweep(data, layout, chain, settings, (stats, ground), reach, rng)
        elif learnt and (settings.healthy or n_subtypes > 1):
            exchange_weight(data, chain, settings, rng)
        if settings.healthy or n_subtypes > 1:
            # after a sweep, too: it draws them given everyone's stage, which moves them less
            draw_fractions(data, chain, settings, rng)
            value = log_mixture(data, chain)
    return value
