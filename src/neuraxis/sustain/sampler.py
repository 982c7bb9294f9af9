"""Posterior over sequences, weights and noise by Markov chain Monte Carlo."""

from __future__ import annotations

import logging

import numpy as np

from ..streams import stream
from . import kernels
from .checkpoint import Checkpoint, Timer, flat, rng_state, set_rng_state
from .matching import match_subtypes
from .problem import Problem
from .search import parallel
from .state import Draws, FitSettings, Parameters

log = logging.getLogger(__name__)

#: Places an event may travel in one sweep of the sampler.
REACH = 12
#: Pieces of the warm-up between which a chain may be kept.
PIECES = 50


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

    def snapshot(self) -> dict[str, np.ndarray]:
        """Everything the next steps depend on, to the bit."""
        return {**flat(self.state), "value": np.array(self.value), "rng": rng_state(self.rng)}

    def restore(self, kept: dict[str, np.ndarray]) -> None:
        """Go on from a `snapshot`."""
        for name, array in flat(self.state).items():
            array[...] = kept[name]
        self.value = float(kept["value"])
        set_rng_state(self.rng, kept["rng"])

    def point(self) -> Parameters:
        """The present state as parameters."""
        s = self.state
        return self.problem.parameters(s.subtypes, s.weights, s.noise, self.value)


def stack(drawn: list[Parameters]) -> dict[str, np.ndarray]:
    """Draws as arrays, to be kept; a covariance that all share, once."""
    names = ("sequences", "fractions", "shares", "healthy", "log_likelihood", "log_prior")
    arrays = {f"drawn_{n}": np.array([getattr(p, n) for p in drawn]) for n in names}
    shared = bool(drawn) and all(p.covariance is drawn[0].covariance for p in drawn)
    return arrays | {"drawn_covariance": np.array([p.covariance for p in (drawn[:1] if shared else drawn)])}


def unstack(kept: dict[str, np.ndarray], bumps: np.ndarray) -> list[Parameters]:
    """Draws from arrays of `stack`."""
    arrays = {n.removeprefix("drawn_"): v for n, v in kept.items() if n.startswith("drawn_")}
    covariance = list(arrays.pop("covariance"))
    n_draws = len(arrays["healthy"])
    covariance = covariance * n_draws if len(covariance) == 1 else covariance
    numbers = ("healthy", "log_likelihood", "log_prior")
    return [
        Parameters(
            bumps=bumps,
            covariance=covariance[d],
            **{n: float(v[d]) if n in numbers else v[d] for n, v in arrays.items()},
        )
        for d in range(n_draws)
    ]


def run_chains(
    problem: Problem,
    point: Parameters,
    settings: FitSettings,
    *,
    seed: int,
    key=(),
    n_threads: int = 1,
    progress=None,
    keep: Checkpoint | None = None,
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

    keep = keep or Checkpoint()
    k = len(point.sequences)
    warm = int(settings.warm_up * n_samples)
    # pieces of whole sweeps, so that the chain is the same in one piece
    piece = max(1, -(-warm // PIECES // max(every, 1))) * max(every, 1)
    plan = [(min(piece, warm - at), True) for at in range(0, warm, piece)] + [(thin, False)] * n_draws
    total = sum(n for n, _ in plan)

    def run(i):
        name = f"k{k}_chain{i}"
        if (kept := keep.load(f"{name}_finished")) is not None:
            return tuple(kept[f"part{j}"] for j in range(len(kept)))
        rng = stream(seed, *key, "k", k, "chain", i)
        chain = Sampler(problem, perturbed(problem, point, rng), rng, every)
        timer, done, drawn = Timer(keep.every), 0, []
        if (kept := keep.load(name)) is not None:
            chain.restore(kept)
            done, drawn = int(kept["done"]), unstack(kept, problem.bumps)
            log.info("k=%d chain %d: goes on at step %d of %d", k, i, sum(n for n, _ in plan[:done]), total)
        for n, tune in plan[done:]:
            if not tune and not drawn:
                chain.state.tried[:] = 0
                chain.state.accepted[:] = 0
            chain.steps(n, tune)
            done += 1
            if not tune:
                drawn.append(chain.point())
            if timer.due() and done < len(plan):
                keep.save(name, {**chain.snapshot(), **stack(drawn), "done": np.array(done)})
                log.info("k=%d chain %d: step %d of %d", k, i, sum(n for n, _ in plan[:done]), total)
        sequences = np.stack([p.sequences for p in drawn]).astype(np.int16)
        perm = match_subtypes(np.argsort(sequences, axis=-1).mean(axis=0), reference)
        share = chain.state.accepted / np.maximum(chain.state.tried, 1)
        trace = np.array([p.log_likelihood for p in drawn])
        log.info(
            "k=%d chain %d: mean log-likelihood %.3f, acceptance %.2f",
            k,
            i,
            float(trace.mean()),
            float(share.mean()),
        )
        if progress is not None:
            progress.update(1)
        parts = (
            sequences[:, perm],
            np.stack([p.fractions for p in drawn])[:, perm],
            np.stack([p.shares for p in drawn])[:, perm],
            np.array([p.healthy for p in drawn]),
            np.stack([p.covariance for p in drawn[: None if problem.variant.noise != "fixed" else 1]]),
            trace,
            share[perm],
            chain.state.step[perm],
        )
        keep.save(f"{name}_finished", {f"part{j}": part for j, part in enumerate(parts)})
        keep.forget(name)
        return parts

    parts = list(zip(*parallel(run, range(settings.n_chains), n_threads), strict=True))
    draws = Draws(*(np.stack(part) for part in parts))
    if problem.variant.noise == "fixed":
        draws.covariance = draws.covariance[:1]
    return draws
