"""Posterior over sequences, weights and noise by Markov chain Monte Carlo."""

from __future__ import annotations

import logging

import numpy as np

from ..streams import stream
from . import kernels
from .matching import match_subtypes
from .problem import Problem
from .search import parallel
from .state import Draws, FitSettings, Parameters

log = logging.getLogger(__name__)

#: Places an event may travel in one sweep of the sampler.
REACH = 12


def perturbed(problem: Problem, point: Parameters, rng: np.random.Generator) -> Parameters:
    """`point` with every event moved at random by about a tenth of the axis: an over-dispersed start."""
    sequences = point.sequences.copy()
    n_subtypes, n_events = sequences.shape
    for c in range(n_subtypes):
        place = np.argsort(sequences[c]).astype(np.int64)
        for e in rng.permutation(n_events):
            low, high = kernels.window(e, place, problem.layout)
            to = int(np.clip(round(place[e] + rng.normal(0, n_events / 10)), low, high))
            if to != place[e]:
                kernels.move(e, to, sequences[c], place)
    moved = point.permuted(np.arange(n_subtypes))
    moved.sequences = sequences
    return moved


class Sampler:
    """One chain: its state, and steps of it."""

    def __init__(self, problem: Problem, point: Parameters, rng: np.random.Generator, sweep_every: int, dtype=None):
        self.problem, self.rng, self.every = problem, rng, sweep_every
        self.state = problem.chain(point, dtype)
        self.work = (
            *problem.work(len(point.sequences), self.state.noise.coupled),
            problem.trial(self.state.density.dtype),
        )
        self.value = kernels.renew(problem.data, problem.layout, self.state, problem.settings)

    def steps(self, n: int, tune: bool = False) -> float:
        """Run `n` steps; returns the log-likelihood without constants."""
        p = self.problem
        self.value = kernels.chain_steps(
            p.data, p.layout, self.state, p.settings, self.work, (n, self.every, REACH, tune), self.value, self.rng
        )
        return self.value

    def point(self) -> Parameters:
        """The present state as parameters."""
        s = self.state
        return self.problem.parameters(s.subtypes, s.weights, s.noise, self.value)


def run_chains(
    problem: Problem,
    point: Parameters,
    settings: FitSettings,
    *,
    seed: int,
    key=(),
    n_threads: int = 1,
    progress=None,
) -> Draws:
    """Sample the posterior with several chains.

    Chains start from random perturbations of the maximum-likelihood model; `warm_up` x `n_samples` extra steps tune the
    proposals and are thrown away. After a chain ends its subtypes are matched to the maximum-likelihood model's, in case
    they changed names on the way.
    """
    n_samples = settings.n_samples
    n_draws = max(1, min(settings.n_draws, n_samples))
    thin = max(1, n_samples // n_draws)
    # learnt weights and noise are only drawn in the sweeps
    learnt = problem.variant.stage_prior != "uniform" or problem.variant.noise != "fixed"
    every = max(1, min(settings.sweep_every, thin)) if settings.sweep_every else int(learnt)
    reference = np.argsort(point.sequences, axis=1)

    def run(i):
        rng = stream(seed, *key, "k", len(point.sequences), "chain", i)
        chain = Sampler(problem, perturbed(problem, point, rng), rng, every)
        chain.steps(int(settings.warm_up * n_samples), True)
        chain.state.tried[:] = 0
        chain.state.accepted[:] = 0
        drawn = []
        for _ in range(n_draws):
            chain.steps(thin)
            drawn.append(chain.point())
        sequences = np.stack([p.sequences for p in drawn]).astype(np.int16)
        perm = match_subtypes(np.argsort(sequences, axis=-1).mean(axis=0), reference)
        share = chain.state.accepted / np.maximum(chain.state.tried, 1)
        trace = np.array([p.log_likelihood for p in drawn])
        log.info(
            "k=%d chain %d: mean log-likelihood %.3f, acceptance %.2f",
            len(point.sequences),
            i,
            float(trace.mean()),
            float(share.mean()),
        )
        if progress is not None:
            progress.update(1)
        return (
            sequences[:, perm],
            np.stack([p.fractions for p in drawn])[:, perm],
            np.stack([p.shares for p in drawn])[:, perm],
            np.array([p.healthy for p in drawn]),
            np.stack([p.covariance for p in drawn[: None if problem.variant.noise != "fixed" else 1]]),
            trace,
            share[perm],
            chain.state.step[perm],
        )

    parts = list(zip(*parallel(run, range(settings.n_chains), n_threads), strict=True))
    draws = Draws(*(np.stack(part) for part in parts))
    if problem.variant.noise == "fixed":
        draws.covariance = draws.covariance[:1]
    return draws
