"""Maximum likelihood: start points, climbed by generalised EM and the best of them polished exactly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from . import kernels
from .events import ZScoreEvents, integral_rule, noise_vector
from .likelihood import constants, pack, uniform_weights

#: One E-step more must gain this much log-likelihood, in nats, or the climb ends.
TOLERANCE = 1e-2
MAX_SWEEPS = 200
#: Rounds of shaking a climbed start, and stochastic sweeps per round (`Problem.shake`).
SHAKE_ROUNDS = 5
SHAKE_SWEEPS = 20
#: Above this many people the exact polish is short and tries only places close by, and climbs end sooner: its price grows with people x events x
#: places, and with so many people the climb's statistics already decide all but neighbours.
POLISH_WIDE, POLISH_REACH = 5000, 2


@dataclass(frozen=True)
class Variant:
    """A model variant: how stages are weighted, what the noise is, how a stage is integrated.

    Parameters
    ----------
    stage_prior : {"learnt", "uniform"}
        Dirichlet weights over subtype x stage, or 1 / (N + 1) for every stage (parity).
    noise : {"fixed", "learnt"}
        Noise SD per biomarker: `noise_sd`, or learnt.
    noise_sd : float or sequence of float
        The fixed SD, or where learning begins.
    concentration : float
        Dirichlet concentration per cell of the learnt stage prior.
    stage_rule : {"midpoint", "integral"}
        Mean of a stage's two ends (parity), or the exact integral over the stage.
    """

    stage_prior: str = "learnt"
    noise: str = "fixed"
    noise_sd: object = 1.0
    concentration: float = 0.1
    stage_rule: str = "midpoint"

    def __post_init__(self):
        if self.stage_prior not in ("learnt", "uniform"):
            raise InputError(f"stage_prior must be 'learnt' or 'uniform', not {self.stage_prior!r}")
        if self.noise not in ("fixed", "learnt"):
            raise InputError(f"noise must be 'fixed' or 'learnt', not {self.noise!r}")
        if not self.concentration > 0:
            raise InputError(f"concentration must be positive, not {self.concentration!r}")
        if integral_rule(self.stage_rule) and self.noise == "learnt":
            raise InputError("a learnt noise SD needs stage_rule='midpoint': the integral has no closed update")

    @property
    def learn_prior(self) -> bool:
        """Whether stage weights are learnt."""
        return self.stage_prior == "learnt"

    @property
    def learn_noise(self) -> bool:
        """Whether noise SDs are learnt."""
        return self.noise == "learnt"

    @property
    def integral(self) -> bool:
        """Whether stages are integrated exactly."""
        return integral_rule(self.stage_rule)

    @property
    def name(self) -> str:
        """Short name for tables: ``uniform prior, fixed noise``."""
        return f"{self.stage_prior} prior, {self.noise} noise"


@dataclass
class Point:
    """Parameters of a mixture: sequences (C, N), joint weights (C, N+1), noise SD (B,), log-likelihood."""

    sequences: np.ndarray
    weights: np.ndarray
    noise_sd: np.ndarray
    log_likelihood: float = -np.inf

    @property
    def fractions(self) -> np.ndarray:
        """Subtype fractions, (C,)."""
        return self.weights.sum(axis=1)

    def ordered(self) -> Point:
        """The same with subtypes by descending fraction."""
        order = np.argsort(-self.fractions, kind="stable")
        return Point(self.sequences[order], self.weights[order], self.noise_sd, self.log_likelihood)


class Problem:
    """Data, events and variant, packed once for all starts and chains.

    Parameters
    ----------
    values : ndarray, shape (M, B)
        Checked z-scores.
    events : ZScoreEvents
    variant : Variant
    """

    def __init__(self, values: np.ndarray, events: ZScoreEvents, variant: Variant):
        self.values, self.events, self.variant = values, events, variant
        self.people = pack(values)
        self.layout = events.layout()
        self.sum_squares = np.nansum(values**2, axis=0)
        self.n_observed = np.isfinite(values).sum(axis=0).astype(float)
        self.noise_sd = noise_vector(variant.noise_sd, events.n_biomarkers)
        if variant.learn_noise and (self.n_observed < 2).any():
            name = events.biomarkers[int(np.argmin(self.n_observed))]
            raise InputError(f"biomarker {name} has fewer than two values; its noise SD cannot be learnt")

    def subset(self, rows: np.ndarray) -> Problem:
        """The same problem for some of the people."""
        return Problem(self.values[rows], self.events, self.variant)

    def constant(self, noise_sd: np.ndarray) -> float:
        """What the kernels leave out of the log-likelihood."""
        return float(constants(self.values, noise_sd).sum())

    def climb(self, start: Point, rng: np.random.Generator, max_sweeps: int = MAX_SWEEPS) -> Point:
        """Generalised EM from `start`, which is left alone."""
        v = self.variant
        sequences = np.ascontiguousarray(start.sequences, np.int64).copy()
        weights = np.ascontiguousarray(start.weights).copy()
        inverse_variance = start.noise_sd**-2.0
        value, _ = kernels.climb(
            self.people,
            self.layout,
            sequences,
            weights,
            inverse_variance,
            self.sum_squares,
            self.n_observed,
            v.learn_prior,
            v.concentration,
            v.learn_noise,
            v.integral,
            max_sweeps,
            TOLERANCE * max(1.0, len(self.values) / POLISH_WIDE),
            rng,
        )
        sd = inverse_variance**-0.5
        return Point(sequences, weights, sd, float(value) + self.constant(sd))

    def chain(self, point: Point) -> kernels.Chain:
        """Fresh chain state at `point`."""
        n_subtypes, n_events = point.sequences.shape
        n_blocks, _, width = self.people.x.shape
        shape = (n_subtypes, n_blocks, n_events + 1, width)
        return kernels.Chain(
            sequence=np.ascontiguousarray(point.sequences, np.int64).copy(),
            place=np.argsort(point.sequences, axis=1).astype(np.int64),
            curve=np.empty((n_subtypes, self.events.n_biomarkers, n_events + 1)),
            weight=np.ascontiguousarray(point.weights).copy(),
            inverse_variance=point.noise_sd**-2.0,
            density=np.empty(shape),
            reference=np.empty((n_blocks, width)),
            subtype_density=np.empty((n_subtypes, n_blocks, width)),
            mixture=np.empty((n_blocks, width)),
            changed=np.zeros(1),
            trial_density=np.empty(shape[1:]),
            trial_total=np.empty((n_blocks, width)),
            step=np.full((n_subtypes, n_events), max(1.0, n_events / 12)),
            tried=np.zeros((n_subtypes, n_events)),
            accepted=np.zeros((n_subtypes, n_events)),
        )

    def shake(self, point: Point, rng: np.random.Generator, rounds=SHAKE_ROUNDS, sweeps=SHAKE_SWEEPS) -> Point:
        """Leave a shallow optimum: stochastic EM from the best point so far, then climb; never worse.

        A sweep draws everyone's stage and then every event's place from their exact conditionals, so the
        sequence wanders through the posterior nearby at the price of one E-step.
        """
        if self.variant.integral:
            raise InputError("stochastic EM moves events by the midpoint statistics; shake before integrating")
        v = self.variant
        best = point
        for _ in range(rounds):
            chain = self.chain(best)
            kernels.refresh(self.people, self.layout, chain, False)
            for _ in range(sweeps):
                kernels.augmented_sweep(
                    self.people,
                    self.layout,
                    chain,
                    self.sum_squares,
                    self.n_observed,
                    v.learn_prior,
                    v.concentration,
                    v.learn_noise,
                    True,
                    rng,
                )
                kernels.refresh(self.people, self.layout, chain, False)
            end = Point(chain.sequence, chain.weight, chain.inverse_variance**-0.5)
            if v.learn_prior:  # a Dirichlet draw has near-empty cells that EM would be slow to fill again
                end.weights = 0.5 * end.weights + 0.5 * end.weights.mean(axis=1, keepdims=True)
            end = self.climb(end, rng)
            if end.log_likelihood > best.log_likelihood:
                best = end
        return best

    def polish(self, point: Point, rng: np.random.Generator, rounds: int = 5) -> Point:
        """Alternate exact greedy ascent over all places with the climb, until neither gains."""
        best = point
        reach, sweeps = self.events.n_events, 100
        if len(self.values) > POLISH_WIDE:
            reach, sweeps, rounds = POLISH_REACH, 5, 1
        for _ in range(rounds):
            chain = self.chain(best)
            value, moves = kernels.polish(self.people, self.layout, chain, self.variant.integral, sweeps, reach, rng)
            sd = best.noise_sd
            moved = Point(chain.sequence.copy(), chain.weight.copy(), sd, float(value) + self.constant(sd))
            after = self.climb(moved, rng)
            candidate = after if after.log_likelihood >= moved.log_likelihood else moved
            gain = candidate.log_likelihood - best.log_likelihood
            if gain > 0:
                best = candidate
            if moves == 0 or gain < 1e-6:
                break
        return best

    def assignments(self, point: Point) -> np.ndarray:
        """Most probable subtype (M,) under `point`."""
        posterior, _ = self.posterior(point.sequences[None], point.weights[None], point.noise_sd[None])
        return posterior.sum(axis=2).argmax(axis=1)

    def posterior(self, sequences, weights, noise_sds) -> tuple[np.ndarray, np.ndarray]:
        """Mean P(subtype, stage | x) over draws, (M, C, N+1), and log p(x | draw), (D, M)."""
        from .likelihood import unpack

        n_draws, n_subtypes, n_events = sequences.shape
        n_blocks, _, width = self.people.x.shape
        posterior = np.zeros((n_subtypes, n_events + 1, n_blocks, width))
        density = np.empty((n_draws, n_blocks, width))
        noise_sds = np.ascontiguousarray(noise_sds, float)
        kernels.posterior_over_draws(
            self.people,
            self.layout,
            np.ascontiguousarray(sequences, np.int64),
            np.ascontiguousarray(weights, float),
            noise_sds**-2.0,
            self.variant.integral,
            posterior,
            density,
        )
        n = len(self.values)
        log_density = unpack(density, n)
        if (noise_sds == noise_sds[0]).all():
            log_density = log_density + constants(self.values, noise_sds[0])
        else:
            log_density = log_density + np.stack([constants(self.values, sd) for sd in noise_sds])
        return np.moveaxis(unpack(posterior, n), 2, 0), log_density


def parallel(function, items, n_threads: int) -> list:
    """`function` over `items` in threads (the kernels release the GIL); results in the items' order."""
    items = list(items)
    if n_threads <= 1 or len(items) < 2:
        return [function(i) for i in items]
    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(function, items))


def random_start(problem: Problem, n_subtypes: int, rng: np.random.Generator) -> Point:
    """Random sequences, equal fractions, uniform stages."""
    events = problem.events
    sequences = np.stack([events.random_sequence(rng) for _ in range(n_subtypes)])
    weights = uniform_weights(np.full(n_subtypes, 1 / n_subtypes), events.n_events + 1)
    return Point(sequences, weights, problem.noise_sd.copy())
