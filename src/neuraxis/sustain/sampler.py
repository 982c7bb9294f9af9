"""Posterior over sequences, weights and noise by Markov chain Monte Carlo."""

from __future__ import annotations

import logging
import time

import numpy as np

from ..errors import counted
from ..progress import Account, of_a_part
from ..streams import stream
from . import kernels
from .checkpoint import Checkpoint, Timer, flat, rng_state, set_rng_state
from .diagnostics import ESS_LIMIT, convergence, verdict
from .matching import match_draws
from .problem import Problem
from .search import parallel
from .state import Draws, FitSettings, Parameters

log = logging.getLogger(__name__)
log.addFilter(of_a_part)

#: Places an event may travel in one sweep of the sampler. Twice as many as 12 cost a sixth of a step more and bring half as
#: many effective samples again (places, log-likelihood); 36 bring no more than 24. Beside residuals that correlate a place costs
#: more, since an event meets what others have changed, and 16 bring as many a second as 24 or more.
REACH, REACH_COUPLED = 24, 16
#: Steps between two turns of leaps (`Sampler.leap`), where events are steps, and leaps of a subtype in a turn of the warm-up,
#: after which there is one.
LEAP_EVERY, LEAPS_WARM = 60, 30
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


def leapt(sequence: np.ndarray, at: int, to: int, biomarker: np.ndarray, level: np.ndarray) -> np.ndarray:
    """The order in which the event at place `at` has gone to place `to`, past events of its own biomarker.

    The biomarker then has the places, and its events (of N) take them by level.

    Examples
    --------
    >>> leapt(np.array([0, 1, 2, 3]), 0, 3, np.array([0, 0, 1, 1]), np.array([1, 2, 1, 2])).tolist()
    [0, 2, 3, 1]
    """
    event = sequence[at]
    out = np.insert(np.delete(sequence, at), to, event)
    mine = np.flatnonzero(biomarker[out] == biomarker[event])
    out[mine] = out[mine][np.argsort(level[out[mine]], kind="stable")]
    return out


def by_level(one: int, biomarker: np.ndarray, level: np.ndarray) -> np.ndarray:
    """A biomarker's events in the order in which it passes their levels."""
    events = np.flatnonzero(biomarker == one)
    return events[np.argsort(level[events], kind="stable")]


def dealt(sequence: np.ndarray, one: int, other: int, biomarker: np.ndarray, level: np.ndarray, rng) -> np.ndarray:
    """The order in which two biomarkers have dealt the places that they have together anew, at random.

    Each keeps as many places as it has events (of N), which take them by level.
    """
    out = sequence.copy()
    places = np.flatnonzero((biomarker[sequence] == one) | (biomarker[sequence] == other))
    mine = biomarker[sequence[places]] == one
    rng.shuffle(mine)
    out[places[mine]], out[places[~mine]] = by_level(one, biomarker, level), by_level(other, biomarker, level)
    return out


def scattered(sequence: np.ndarray, one: int, biomarker: np.ndarray, level: np.ndarray, rng) -> np.ndarray:
    """The order in which one biomarker's events stand at places (of N) drawn at random, by level, among the others as these are."""
    mine = biomarker[sequence] == one
    where = np.zeros(len(sequence), bool)
    where[rng.choice(len(sequence), mine.sum(), replace=False)] = True
    out = np.empty_like(sequence)
    out[where], out[~where] = by_level(one, biomarker, level), sequence[~mine]
    return out


class Sampler:
    """One chain: its state, and steps of it."""

    def __init__(
        self, problem: Problem, point: Parameters, rng: np.random.Generator, sweep_every: int, dtype=None
    ) -> None:
        self.problem, self.rng, self.every = problem, rng, sweep_every
        self.state = problem.chain(point, dtype)
        self.work = (
            *problem.work(len(point.sequences), self.state.noise.coupled),
            problem.trial(self.state.density.dtype),
        )
        self.reach = REACH_COUPLED if self.state.noise.coupled else REACH
        self.value = kernels.renew(problem.data, problem.layout, self.state, problem.settings)
        # one subtype's events that stand alone reach every place by themselves
        several = (problem.layout.previous >= 0) | (problem.layout.following >= 0) | (len(point.sequences) > 1)
        whole = max(sweep_every, 1)  # pieces of whole sweeps
        leaping = ((problem.layout.step >= 0) & several).any()
        self.leap_every = -(-LEAP_EVERY // whole) * whole if leaping else 0
        self.since = 0

    def steps(self, n: int, tune: bool = False) -> float:
        """Run `n` steps; returns the log-likelihood without constants."""
        p, every = self.problem, self.leap_every
        while n:
            part = min(n, every - self.since) if every else n
            plan = (part, self.every, self.reach, tune)
            self.value = kernels.chain_steps(
                p.data, p.layout, self.state, p.settings, self.work, plan, self.value, self.rng
            )
            n -= part
            self.since += part
            if self.since == every:
                self.since = 0
                for c in list(range(len(self.state.subtypes.sequence))) * (LEAPS_WARM if tune else 1):
                    self.leap(c)
        return self.value

    def leap(self, c: int) -> None:
        """One Metropolis move of subtype c's order that single moves make only over orders that nobody fits.

        An event goes to any place, past the others of its biomarker (see `leapt`), since levels of one stand between each
        other; it does so in another subtype at once, since two subtypes that each hold a part of one order's people keep
        each other in place; two biomarkers deal their places anew (see `dealt`); or one is scattered (see `scattered`).
        Whatever is drawn is drawn uniformly, so that the way back is as likely.
        """
        sequence, rng = self.state.subtypes.sequence, self.rng
        how = (self.problem.events.biomarker, self.problem.events.level)
        kind = int(rng.integers(4))
        at, to, again = (int(v) for v in rng.integers(sequence.shape[1], size=3))
        log_u = np.log1p(-rng.random())
        moved = {c: leapt(sequence[c], at, to, *how)}
        n_biomarkers = int(how[0].max()) + 1
        if kind == 1 and n_biomarkers > 1:
            one, other = (int(b) for b in rng.choice(n_biomarkers, 2, replace=False))
            moved = {c: dealt(sequence[c], one, other, *how, rng)}
        elif kind == 2 and len(sequence) > 1:
            d = int(rng.integers(len(sequence) - 1))
            d += d >= c
            same = np.flatnonzero(how[0][sequence[d]] == how[0][sequence[c, at]])
            moved[d] = leapt(sequence[d], int(rng.choice(same)), again, *how)
        elif kind == 3:
            moved = {c: scattered(sequence[c], int(rng.integers(n_biomarkers)), *how, rng)}
        moved = {i: order for i, order in moved.items() if (order != sequence[i]).any()}
        if not moved:
            return
        old = {i: sequence[i].copy() for i in moved}
        value = self._value_of(moved)
        if log_u < value - self.value:
            self.value = value
        else:
            self.value = self._value_of(old)

    def _value_of(self, orders: dict[int, np.ndarray]) -> float:
        """The log-likelihood with these orders of some subtypes, which the state then has."""
        subtypes = self.state.subtypes
        for c, order in orders.items():
            subtypes.sequence[c] = order
            subtypes.place[c, order] = np.arange(order.size)
        return kernels.refresh(self.problem.data, self.problem.layout, self.state, self.problem.settings)

    def snapshot(self) -> dict[str, np.ndarray]:
        """Everything the next steps depend on, to the bit."""
        numbers = {"value": np.array(self.value), "since": np.array(self.since)}
        return {**flat(self.state), **numbers, "rng": rng_state(self.rng)}

    def restore(self, kept: dict[str, np.ndarray]) -> None:
        """Go on from a `snapshot`."""
        for name, array in flat(self.state).items():
            array[...] = kept[name]
        self.value, self.since = float(kept["value"]), int(kept["since"])
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


class Chain:
    """One chain under way: its sampler, its draws, and how far it is.

    Round 0 is the warm-up and `n_samples` steps; every further round is as long as all steps before it. There are always as
    many draws, at even distances: a new round drops every second one of them and draws at twice the distance.
    """

    def __init__(
        self, problem: Problem, point: Parameters, settings: FitSettings, rng: np.random.Generator, name: str
    ) -> None:
        self.bumps, self.name = problem.bumps, name
        self.n_draws = max(1, min(settings.n_draws, settings.n_samples))
        self.thin = max(1, settings.n_samples // self.n_draws)
        # learnt weights and noise are only drawn in the sweeps
        learnt = problem.variant.stage_prior != "uniform" or problem.variant.noise != "fixed"
        every = max(1, min(settings.sweep_every, self.thin)) if settings.sweep_every else int(learnt)
        self.sampler = Sampler(problem, perturbed(problem, point, rng), rng, every)
        # pieces of whole sweeps, so that the chain is the same in one piece
        self.warm = int(settings.warm_up * settings.n_samples)
        self.piece = max(1, -(-self.warm // PIECES // max(every, 1))) * max(every, 1)
        self.warmed = self.step = self.round = 0
        self.drawn: list[Parameters] = []

    @property
    def distance(self) -> int:
        """Steps between two draws."""
        return self.thin << self.round

    def left(self, to: int) -> int:
        """Steps until round `to` is complete."""
        return self.warm - self.warmed + (self.thin << to) * self.n_draws - self.step

    def advance(self, to: int, keep: Checkpoint, account: Account) -> None:
        """Run until round `to` is complete, keeping the chain on the way and at the end of every round."""
        timer = Timer(keep.every)
        while self.round < to or len(self.drawn) < self.n_draws:
            began = time.monotonic()
            if len(self.drawn) == self.n_draws:
                self.drawn = self.drawn[1::2]
                self.round += 1
            if self.warmed < self.warm:
                n = min(self.piece, self.warm - self.warmed)
                self.sampler.steps(n, True)
                self.warmed += n
            else:
                if not self.step:
                    self.sampler.state.tried[:] = 0
                    self.sampler.state.accepted[:] = 0
                n = (len(self.drawn) + 1) * self.distance - self.step
                self.sampler.steps(n)
                self.step += n
                self.drawn.append(self.sampler.point())
            account.done(1, time.monotonic() - began, n)
            if timer.due() and len(self.drawn) < self.n_draws:
                self.save(keep)
                log.info("%s: step %d of %d", self.name, self.step, self.distance * self.n_draws)
        self.save(keep)

    def save(self, keep: Checkpoint) -> None:
        """Keep all that the next steps depend on."""
        at = {n: np.array(getattr(self, n)) for n in ("warmed", "step", "round")}
        keep.save(self.name, {**self.sampler.snapshot(), **stack(self.drawn), **at})

    def load(self, keep: Checkpoint) -> None:
        """Go on from what `save` kept, where there is something."""
        if (kept := keep.load(self.name)) is None:
            return
        self.sampler.restore(kept)
        self.warmed, self.step, self.round = (int(kept[n]) for n in ("warmed", "step", "round"))
        self.drawn = unstack(kept, self.bumps) if len(kept["drawn_healthy"]) else []
        log.info("%s: goes on at step %d", self.name, self.step)


def run_chains(
    problem: Problem,
    point: Parameters,
    settings: FitSettings,
    *,
    seed: int,
    key=(),
    n_threads: int = 1,
    keep: Checkpoint | None = None,
    hidden: bool | None = True,
) -> tuple[Draws, int]:
    """Sample the posterior with several chains, until they agree.

    Chains start from random perturbations of the maximum-likelihood model; `warm_up` x `n_samples` extra steps tune the
    proposals and are thrown away. While the chains do not agree (`diagnostics.verdict`), all go on for as long again, at
    most `n_doublings` times. Every draw's subtypes are matched to the maximum-likelihood model's: a chain may exchange
    names on its way.

    Returns
    -------
    Draws
    int
        Steps of each chain after the warm-up.
    """
    keep = keep or Checkpoint()
    k = len(point.sequences)
    reference = np.argsort(point.sequences, axis=1)

    def begin(i):
        chain = Chain(problem, point, settings, stream(seed, *key, "k", k, "chain", i), f"k{k}_chain{i}")
        chain.load(keep)
        return chain

    chains = [begin(i) for i in range(settings.n_chains)]
    # a round was only begun where the chains of the one before did not agree
    turn = max(c.round for c in chains)
    while True:
        to_go = {1: sum(c.left(turn) for c in chains)}
        with Account(f"k={k}", to_go, "steps", side_by_side=min(n_threads, len(chains)), hidden=hidden) as account:

            def run(chain, turn=turn, account=account):
                chain.advance(turn, keep, account)
                return _finished(chain, reference, problem.variant.noise == "fixed")

            parts = list(zip(*parallel(run, chains, n_threads), strict=True))
        draws = Draws(*(np.stack(part) for part in parts))
        if problem.variant.noise == "fixed":
            draws.covariance = draws.covariance[:1]
        n_steps = chains[0].step
        few = draws.log_likelihood.size <= ESS_LIMIT  # so many draws can never be that many effective ones
        if turn >= settings.n_doublings or few:
            return draws, n_steps
        table = convergence(draws, problem.events)
        agree, words = verdict(table)
        log.info("k=%d after %s: %s", k, counted(n_steps, "step"), words)
        if agree or not table["r_hat"].notna().any():  # of one chain, or of nothing that moves, more steps tell no more
            return draws, n_steps
        turn += 1


def _finished(chain: Chain, reference: np.ndarray, fixed: bool) -> tuple:
    """One chain's part of `Draws`."""
    drawn, state = chain.drawn, chain.sampler.state
    sequences = np.stack([p.sequences for p in drawn]).astype(np.int16)
    perms = match_draws(np.argsort(sequences, axis=-1), reference)
    often = np.unique(perms, axis=0, return_counts=True)
    perm = often[0][np.argmax(often[1])]
    share = state.accepted / np.maximum(state.tried, 1)
    trace = np.array([p.log_likelihood for p in drawn])
    log.info("%s: mean log-likelihood %.3f, acceptance %.2f", chain.name, float(trace.mean()), float(share.mean()))
    return (
        np.take_along_axis(sequences, perms[:, :, None], axis=1),
        np.take_along_axis(np.stack([p.fractions for p in drawn]), perms, axis=1),
        np.take_along_axis(np.stack([p.shares for p in drawn]), perms[:, :, None], axis=1),
        np.array([p.healthy for p in drawn]),
        np.stack([p.covariance for p in drawn[: 1 if fixed else None]]),
        trace,
        share[perm],
        state.step[perm],
    )
