"""The maximum: start points, each explored by stochastic EM and climbed by EM; the best shaken and polished exactly."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pandas as pd

from ..errors import InputError, counted
from ..progress import Account, of_a_part
from ..streams import stream
from . import kernels
from .checkpoint import Checkpoint
from .matching import match_labels
from .problem import Problem
from .state import Parameters

log = logging.getLogger(__name__)
log.addFilter(of_a_part)

#: One E-step more must gain this much log-likelihood, in nats, or the climb ends.
TOLERANCE = 1e-2
MAX_SWEEPS = 200
#: The same of the model without subtypes, whose rounds cost next to nothing; with many missing values they are slow to end.
MAX_NULL_ROUNDS, NULL_TOLERANCE = 2000, 1e-6
#: Stochastic rounds before the EM of a start, and of one round of shaking.
EXPLORE_ROUNDS = 40
SHAKE_ROUNDS, SHAKE_SWEEPS = 3, 40
#: Width of the window of places that an event tries: drawn around it in a stochastic round, half to each side in EM.
NEAR, FAR = 16, 12
#: Starts are explored and shaken on everyone up to so many people, and up to so many people x events x biomarkers, the price
#: of a round; of more a part is drawn, at least so many, and everyone decides between what it finds. The likelihood of many
#: people is steeper, not of another shape.
MOST_SEARCHED, PRICE_SEARCHED, LEAST_SEARCHED = 5000, 2e7, 1000
#: Up to so many people x events^2, the price of one place for every event, the polish tries places this near until nothing
#: gains; above, only the closest in few sweeps: with so many people the climb has decided all but neighbours.
PRICE_POLISHED, POLISH_NEAR, POLISH_REACH = 2e7, 8, 2
#: How many of the best climbs are shaken by stochastic EM, and how many of those polished exactly.
N_SHAKEN = 5
N_POLISHED = 2
#: Up to so many people x events^2 all starts are polished where events are steps: given everyone's cell, a step may only move
#: where nobody is, and climbs end hundreds of nats below what single moves of the exact likelihood reach.
PRICE_ALL_POLISHED = 1e6
#: People x events up to which searching costs so little that twice as much of it is done.
SMALL = 10_000
#: Rounds of the climbs that only prepare a start: half a subtype alone, then the two halves as a mixture.
PREPARING_SWEEPS = 10


def climb(problem: Problem, start: Parameters, rng, *, explore: int = 0, most: int = MAX_SWEEPS) -> Parameters:
    """`explore` rounds of stochastic EM, then generalised EM, from `start`, which is left alone."""
    noise = problem.noise(start.covariance)
    subtypes, weights = problem.subtypes(start.sequences), problem.weights(start)
    value, _ = kernels.climb(
        problem.data,
        problem.layout,
        (subtypes, weights, noise),
        problem.settings,
        problem.work(len(start.sequences), noise.coupled),
        (explore, most, TOLERANCE * max(1.0, problem.n_people / MOST_SEARCHED), NEAR, FAR),
        rng,
    )
    return problem.parameters(subtypes, weights, noise, value)


def shake(
    problem: Problem, point: Parameters, rng, rounds: int = SHAKE_ROUNDS, sweeps: int = SHAKE_SWEEPS
) -> Parameters:
    """Leave a shallow optimum: stochastic EM from the best point so far, then climb; never worse."""
    best = point
    for _ in range(rounds):
        end = climb(problem, best, rng, explore=sweeps)
        if end.score > best.score:
            best = end
    return best


def polish(problem: Problem, point: Parameters, rng, rounds: int = 5) -> Parameters:
    """Alternate exact greedy ascent over the places nearby with the climb, until neither gains."""
    best = point
    reach, sweeps = POLISH_NEAR, 100
    if problem.n_people * problem.events.n_events**2 > PRICE_POLISHED:
        reach, sweeps, rounds = POLISH_REACH, 5, 1
    for _ in range(rounds):
        chain = problem.chain(best)
        kernels.renew(problem.data, problem.layout, chain, problem.settings)
        value, moves = kernels.polish(
            problem.data, problem.layout, chain, problem.settings, problem.trial(problem.dtype), (sweeps, reach), rng
        )
        moved = problem.parameters(chain.subtypes, chain.weights, chain.noise, value)
        after = climb(problem, moved, rng)
        candidate = after if after.score >= moved.score else moved
        gain = candidate.score - best.score
        if gain > 0:
            best = candidate
        if moves == 0 or gain < 1e-6:
            break
    return best


def parallel(function, items, n_threads: int) -> list:
    """`function` over `items` in threads (the kernels release the GIL); results in the items' order.

    As plain Python, without a compiler, nothing releases it: in turn then, and what interrupts one ends them all.
    """
    items = list(items)
    if n_threads <= 1 or len(items) < 2 or numba.config.DISABLE_JIT:
        return [function(i) for i in items]
    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(function, items))


def even(problem: Problem, sequences: np.ndarray) -> Parameters:
    """Equal fractions, every stage alike, half of all people healthy where there is a healthy component."""
    k, n_bumps = len(sequences), len(problem.bumps)
    width = problem.bumps.astype(bool).sum(axis=1).astype(float)  # wide bumps hold more stages
    return Parameters(
        sequences=np.asarray(sequences, np.int64),
        fractions=np.full(k, 1 / max(k, 1)),
        shares=np.repeat((width / width.sum())[None], k, axis=0).reshape(k, n_bumps),
        bumps=problem.bumps,
        healthy=0.5 if problem.variant.healthy else 0.0,
        covariance=problem.covariance.copy(),
    )


def random_start(problem: Problem, n_subtypes: int, rng: np.random.Generator) -> Parameters:
    """Random sequences, otherwise `even`."""
    return even(problem, np.stack([problem.events.random_sequence(rng) for _ in range(n_subtypes)]))


def null_point(problem: Problem) -> Parameters:
    """The model without subtypes: everyone healthy, the noise learnt where the variant learns it."""
    point = even(problem, np.empty((0, problem.events.n_events), np.int64))
    point.healthy, point.fractions = 1.0, np.empty(0)
    noise = problem.noise(point.covariance)
    subtypes, weights = problem.subtypes(point.sequences), problem.weights(point)
    score = -np.inf
    # a climb ends where the likelihood without constants rests, and without subtypes there is nothing else: a round a call
    for _ in range(MAX_NULL_ROUNDS if problem.variant.noise != "fixed" else 1):
        value, _ = kernels.climb(
            problem.data,
            problem.layout,
            (subtypes, weights, noise),
            problem.settings._replace(healthy=True),
            problem.work(0, noise.coupled),
            (0, 2 if problem.variant.noise != "fixed" else 1, 1e-6, NEAR, FAR),
            stream(0, "null"),
        )
        covariance = problem.parameters(subtypes, weights, noise, value).covariance
        found = Parameters(
            point.sequences,
            point.fractions,
            np.empty((0, len(problem.bumps))),
            problem.bumps,
            1.0,
            covariance,
            float(value) + problem.constant(noise),
            problem.log_prior(covariance),
        )
        if found.score - score < NULL_TOLERANCE:
            break
        score = found.score
    return found


def split_start(problem: Problem, previous: Parameters, labels: np.ndarray, parent: int, rng) -> Parameters:
    """Start of a k-model: subtype `parent` of the (k-1)-model split in two, equal fractions.

    Random halves of its members are fitted one by one from random sequences, then as a mixture of two
    (Young et al. 2018, supplementary methods).
    """
    members = np.flatnonzero(labels == parent)
    coin = rng.permutation(members.size) < (members.size + 1) // 2
    halves = []
    for rows in (members[coin], members[~coin]):
        part = problem.subset(rows)
        halves.append(climb(part, random_start(part, 1, rng), rng, most=PREPARING_SWEEPS))
    own = problem.subset(members)
    pair = climb(own, even(own, np.concatenate([h.sequences for h in halves])), rng, most=PREPARING_SWEEPS)
    others = np.arange(len(previous.sequences)) != parent
    start = even(problem, np.concatenate([previous.sequences[others], pair.sequences]))
    start.covariance = previous.covariance.copy()
    start.healthy = previous.healthy
    return start


def searched_part(problem: Problem, rng: np.random.Generator) -> Problem:
    """The people on whom starts are explored and shaken: everyone, or a random part where rounds over everyone are dear."""
    size = problem.events.n_events * max(1, problem.values.shape[1])
    most = min(MOST_SEARCHED, max(LEAST_SEARCHED, int(PRICE_SEARCHED / size)))
    if problem.n_people <= most:
        return problem
    return problem.subset(np.sort(rng.permutation(problem.n_people)[:most]))


def best_distinct(values, most: int) -> list[int]:
    """Indices of the `most` largest values, leaving out repeats of the same optimum (within 0.001)."""
    values = np.asarray(values)
    chosen: list[int] = []
    for i in np.argsort(-values, kind="stable"):
        if all(abs(values[i] - values[j]) > 1e-3 for j in chosen):
            chosen.append(int(i))
        if len(chosen) == most:
            break
    return chosen


def fit_maximum(
    problem: Problem,
    n_subtypes: int,
    previous: Parameters | None,
    *,
    n_startpoints: int,
    seed: int,
    key=(),
    n_threads=1,
    keep: Checkpoint | None = None,
    hidden: bool | None = True,
) -> tuple[Parameters, pd.DataFrame]:
    """Maximum-likelihood model with `n_subtypes` subtypes.

    Parameters
    ----------
    previous : Parameters or None
        The (k-1)-model; None for k = 1.
    n_startpoints : int
        Starts per split of the (k-1)-model, and as many fully random ones.
    seed, key, n_threads
        As in `model.fit`.
    keep : Checkpoint, optional
        Where finished starts are kept, and taken up from.
    hidden : bool, optional
        Of the bar that counts starts, see `progress.hidden_bar`.

    Returns
    -------
    best : Parameters
        Subtypes by descending fraction.
    starts : DataFrame
        One row per start: n_subtypes, start, origin, log_likelihood after exploring and climbing, after shaking and
        after polishing (where done), and label_disagreement: the share of people whose most probable
        subtype differs from the best model's after optimal matching. Likelihoods before polishing are of the people that
        were searched, `n_people`.

    Raises
    ------
    InputError
        If there are fewer people than would fill the subtypes.
    """
    n_people = problem.n_people
    if n_people < 2 * n_subtypes:
        raise InputError(
            f"{counted(n_people, 'person')} cannot carry {counted(n_subtypes, 'subtype')}; at least {2 * n_subtypes} are needed"
        )
    # The integral rule has no statistics to climb by: search under the midpoint rule, polish under the integral.
    exact = problem
    if problem.variant.integral:
        problem = problem.under(stage_rule="midpoint")
    everyone = problem
    problem = searched_part(everyone, stream(seed, *key, "k", n_subtypes, "part"))
    plan = [("random", i) for i in range(n_startpoints)]
    labels = None
    if n_subtypes > 1:
        labels = problem.assignments(previous)
        sizes = np.bincount(labels, minlength=n_subtypes - 1)
        plan += [(parent, i) for parent in range(n_subtypes - 1) if sizes[parent] >= 2 for i in range(n_startpoints)]
    keep = keep or Checkpoint()
    log.info(
        "k=%d: %s, %d of %s, %s",
        n_subtypes,
        counted(len(plan), "start"),
        problem.n_people,
        counted(n_people, "person"),
        counted(problem.events.n_events, "event"),
    )

    def run(item):
        began, found = time.monotonic(), []
        point = keep.point(f"k{n_subtypes}_start_{item[0]}_{item[1]}", lambda: found.append(explored(item)) or found[0])
        if found:
            account.done(1, time.monotonic() - began)
        else:  # of a fit before: how long it took is not known
            account.more(-1)
        return point

    def explored(item):
        origin, i = item
        rng = stream(seed, *key, "k", n_subtypes, "start", origin if origin == "random" else f"split{origin}", i)
        if origin == "random":
            start = random_start(problem, n_subtypes, rng)
        else:
            start = split_start(problem, previous, labels, origin, rng)
        point = climb(problem, start, rng, explore=EXPLORE_ROUNDS)
        log.info(
            "k=%d start %d of %d (%s): log-likelihood %.3f",
            n_subtypes,
            plan.index(item) + 1,
            len(plan),
            origin if origin == "random" else f"split of subtype {origin + 1}",
            point.log_likelihood,
        )
        return point

    def told(what, point):
        log.info("k=%d %s: log-likelihood %.3f", n_subtypes, what, point.log_likelihood)
        return point

    with Account(f"k={n_subtypes}", {1: len(plan)}, "starts", side_by_side=n_threads, hidden=hidden) as account:
        points = parallel(run, plan, n_threads)
    scores = np.array([p.score for p in points])
    often = 2 if n_people * problem.events.n_events <= SMALL else 1
    shaken = best_distinct(scores, often * N_SHAKEN)

    def shake_one(i):
        rng = stream(seed, *key, "k", n_subtypes, "shake", i)
        return told(
            f"start {i + 1} shaken",
            keep.point(f"k{n_subtypes}_shaken{i}", lambda: shake(problem, points[i], rng, often * SHAKE_ROUNDS)),
        )

    log.info("k=%d: shaken: the best %s", n_subtypes, counted(len(shaken), "start"))

    after = dict(zip(shaken, parallel(shake_one, shaken, n_threads), strict=True))
    chosen = [shaken[i] for i in best_distinct([after[i].score for i in shaken], N_POLISHED)]
    ends = {i: after[i] for i in chosen}
    if problem is not everyone:

        def climb_all(i):
            rng = stream(seed, *key, "k", n_subtypes, "everyone", i)
            return told(
                f"start {i + 1} climbed on everyone",
                keep.point(f"k{n_subtypes}_everyone{i}", lambda: climb(everyone, after[i], rng)),
            )

        ends = dict(zip(chosen, parallel(climb_all, chosen, n_threads), strict=True))
        chosen = [max(chosen, key=lambda i: ends[i].score)]

    def finish(i):
        rng = stream(seed, *key, "k", n_subtypes, "polish", i)
        return told(
            f"start {i + 1} polished", keep.point(f"k{n_subtypes}_polished{i}", lambda: polish(exact, ends[i], rng))
        )

    if problem.encoded.steps.shape[1] and n_people * problem.events.n_events**2 <= PRICE_ALL_POLISHED:
        ends = {i: after.get(i, p) for i, p in enumerate(points)}
        chosen = list(ends)
    log.info("k=%d: the best %d are polished", n_subtypes, len(chosen))
    polished = parallel(finish, chosen, n_threads)
    best = max(polished, key=lambda p: p.score).ordered()
    log.info("k=%d: best log-likelihood %.3f of %s", n_subtypes, best.log_likelihood, counted(len(plan), "start"))
    reference = exact.assignments(best)
    table = pd.DataFrame(
        {
            "n_subtypes": n_subtypes,
            "start": range(len(plan)),
            "origin": [str(o) if o == "random" else f"split of subtype {o + 1}" for o, _ in plan],
            "n_people": problem.n_people,
            "log_likelihood": [p.log_likelihood for p in points],
        }
    )
    table["shaken_log_likelihood"] = table["start"].map({i: p.log_likelihood for i, p in after.items()})
    table["polished_log_likelihood"] = np.nan
    table["label_disagreement"] = np.nan
    for i, p in zip(chosen, polished, strict=True):
        table.loc[i, "polished_log_likelihood"] = p.log_likelihood
        other = exact.assignments(p)
        mapping = match_labels(reference, other, n_subtypes)
        table.loc[i, "label_disagreement"] = float(np.mean(mapping[other] != reference))
    return best, table
