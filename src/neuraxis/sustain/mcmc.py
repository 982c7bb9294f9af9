"""Posterior over sequences, weights and noise by Markov chain Monte Carlo."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from ..streams import stream
from . import kernels
from .em import Point, Problem, parallel
from .matching import match_subtypes

log = logging.getLogger(__name__)

#: An augmented sweep over all events follows every so many collapsed steps.
SWEEP_EVERY = 10


@dataclass
class Draws:
    """Thinned posterior draws of all chains.

    Attributes
    ----------
    sequences : ndarray of int16, shape (chains, draws, C, N)
    weights : ndarray, shape (chains, draws, C, N+1)
        Joint weight of subtype and stage.
    noise_sd : ndarray, shape (chains, draws, B)
    log_likelihood : ndarray, shape (chains, draws)
    acceptance : ndarray, shape (chains, C, N)
        Accepted share of each event's moves after warm-up.
    step : ndarray, shape (chains, C, N)
        Proposal scale of each event, in places.
    """

    sequences: np.ndarray
    weights: np.ndarray
    noise_sd: np.ndarray
    log_likelihood: np.ndarray
    acceptance: np.ndarray
    step: np.ndarray

    @property
    def fractions(self) -> np.ndarray:
        """Subtype fractions (chains, draws, C)."""
        return self.weights.sum(axis=-1)

    @property
    def places(self) -> np.ndarray:
        """0-based place of every event (chains, draws, C, N)."""
        return np.argsort(self.sequences, axis=-1)

    def flat(self, most: int | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sequences, weights and noise SDs of all chains in one row, evenly thinned to `most` draws."""
        n = self.sequences.shape[0] * self.sequences.shape[1]
        rows = np.arange(n) if most is None or n <= most else np.linspace(0, n - 1, most).round().astype(int)
        return tuple(a.reshape(n, *a.shape[2:])[rows] for a in (self.sequences, self.weights, self.noise_sd))


def perturbed(problem: Problem, point: Point, rng: np.random.Generator) -> Point:
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
    return Point(sequences, point.weights.copy(), point.noise_sd.copy())


def run_chains(
    problem: Problem,
    point: Point,
    *,
    n_samples: int,
    n_chains: int,
    n_draws: int = 1000,
    warm_up: float = 0.2,
    sweep_every: int = SWEEP_EVERY,
    seed: int,
    key=(),
    n_threads: int = 1,
    progress=None,
) -> Draws:
    """Sample the posterior with several chains.

    Chains start from random perturbations of the maximum-likelihood model; `warm_up` x `n_samples` extra
    steps tune the proposals and are thrown away. After a chain ends its subtypes are matched to the
    maximum-likelihood model's, in case they changed names on the way.

    Parameters
    ----------
    n_samples : int
        Steps per chain after warm-up; a step moves one event in every subtype.
    n_draws : int
        Stored draws per chain, evenly spaced.
    sweep_every : int
        An augmented sweep over all events after every so many steps.

    Returns
    -------
    Draws
    """
    v = problem.variant
    n_draws = max(1, min(n_draws, n_samples))
    thin = max(1, n_samples // n_draws)
    # learnt weights and noise are only drawn in the sweeps
    every = max(1, min(sweep_every, thin)) if sweep_every else (1 if (v.learn_prior or v.learn_noise) else 0)
    reference = np.argsort(point.sequences, axis=1)

    def run(i):
        rng = stream(seed, *key, "k", len(point.sequences), "chain", i)
        chain = problem.chain(perturbed(problem, point, rng))
        value = kernels.refresh(problem.people, problem.layout, chain, v.integral)

        def steps(n, tune, value):
            return kernels.chain_steps(
                problem.people,
                problem.layout,
                chain,
                problem.sum_squares,
                problem.n_observed,
                v.learn_prior,
                v.concentration,
                v.learn_noise,
                v.integral,
                n,
                every,
                tune,
                value,
                rng,
            )

        value = steps(int(warm_up * n_samples), True, value)
        chain.tried[:] = 0
        chain.accepted[:] = 0
        sequences = np.empty((n_draws, *chain.sequence.shape), np.int16)
        weights = np.empty((n_draws, *chain.weight.shape))
        noise = np.empty((n_draws, chain.inverse_variance.size))
        trace = np.empty(n_draws)
        for d in range(n_draws):
            value = steps(thin, False, value)
            sequences[d] = chain.sequence
            weights[d] = chain.weight
            noise[d] = chain.inverse_variance**-0.5
            trace[d] = value
        constant = np.array([problem.constant(sd) for sd in noise]) if v.learn_noise else problem.constant(noise[0])
        perm = match_subtypes(np.argsort(sequences, axis=-1).mean(axis=0), reference)
        share = chain.accepted / np.maximum(chain.tried, 1)
        log.info(
            "k=%d chain %d: mean log-likelihood %.3f, acceptance %.2f",
            len(point.sequences),
            i,
            float((trace + constant).mean()),
            float(share.mean()),
        )
        if progress is not None:
            progress.update(1)
        return sequences[:, perm], weights[:, perm], noise, trace + constant, share[perm], chain.step[perm]

    return Draws(*(np.stack(parts) for parts in zip(*parallel(run, range(n_chains), n_threads), strict=True)))
