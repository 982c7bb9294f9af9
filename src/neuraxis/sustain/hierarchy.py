"""From k - 1 to k subtypes: split each subtype, climb from every split, polish the best."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pandas as pd

from ..errors import InputError
from ..streams import stream
from .em import POLISH_WIDE, Point, Problem, parallel, random_start
from .likelihood import uniform_weights
from .matching import match_labels

log = logging.getLogger(__name__)

#: How many of the best climbs are shaken by stochastic EM, and how many of those polished exactly. Shaking
#: gains tens of nats where polishing alone stays in the optimum it is given (docs/sustain.md).
N_SHAKEN = 10
N_POLISHED = 3
#: Sweeps of the climbs that only prepare a start: half a subtype alone, then the two halves as a mixture.
PREPARING_SWEEPS = 10


def split_start(problem: Problem, previous: Point, labels: np.ndarray, parent: int, rng) -> Point:
    """Start of a k-model: subtype `parent` of the (k-1)-model split in two, equal fractions.

    Random halves of its members are fitted one by one from random sequences, then as a mixture of two
    (Young et al. 2018, supplementary methods).
    """
    members = np.flatnonzero(labels == parent)
    coin = rng.permutation(members.size) < (members.size + 1) // 2
    halves = []
    for rows in (members[coin], members[~coin]):
        part = problem.subset(rows)
        halves.append(part.climb(random_start(part, 1, rng), rng, PREPARING_SWEEPS))
    own = problem.subset(members)
    n_stages = problem.events.n_events + 1
    pair = Point(
        np.concatenate([h.sequences for h in halves]), uniform_weights([0.5, 0.5], n_stages), problem.noise_sd.copy()
    )
    pair = own.climb(pair, rng, PREPARING_SWEEPS)
    others = np.arange(len(previous.sequences)) != parent
    sequences = np.concatenate([previous.sequences[others], pair.sequences])
    k = len(sequences)
    return Point(sequences, uniform_weights(np.full(k, 1 / k), n_stages), previous.noise_sd.copy())


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
    previous: Point | None,
    *,
    n_startpoints: int,
    seed: int,
    key=(),
    n_threads=1,
    progress=None,
) -> tuple[Point, pd.DataFrame]:
    """Maximum-likelihood model with `n_subtypes` subtypes.

    Parameters
    ----------
    previous : Point or None
        The (k-1)-model; None for k = 1.
    n_startpoints : int
        Starts per split of the (k-1)-model, and as many fully random ones.

    Returns
    -------
    Point
        Subtypes by descending fraction.
    DataFrame
        One row per start: n_subtypes, start, origin, log_likelihood after the climb, after shaking and
        after polishing (where done), and label_disagreement: the share of people whose most probable
        subtype differs from the best model's after optimal matching.

    Raises
    ------
    InputError
        If there are fewer people than would fill the subtypes.
    """
    n_people = len(problem.values)
    if n_people < 2 * n_subtypes:
        raise InputError(f"{n_people} people cannot carry {n_subtypes} subtypes; at least {2 * n_subtypes} are needed")
    # The integral rule has no statistics to climb by: search under the midpoint rule, polish under the integral.
    exact = problem
    if problem.variant.integral:
        problem = Problem(problem.values, problem.events, replace(problem.variant, stage_rule="midpoint"))
    plan = [("random", i) for i in range(n_startpoints)]
    labels = None
    if n_subtypes > 1:
        labels = problem.assignments(previous)
        sizes = np.bincount(labels, minlength=n_subtypes - 1)
        plan += [(parent, i) for parent in range(n_subtypes - 1) if sizes[parent] >= 2 for i in range(n_startpoints)]

    def run(item):
        origin, i = item
        rng = stream(seed, *key, "k", n_subtypes, "start", origin if origin == "random" else f"split{origin}", i)
        if origin == "random":
            start = random_start(problem, n_subtypes, rng)
        else:
            start = split_start(problem, previous, labels, origin, rng)
        point = problem.climb(start, rng)
        log.info("k=%d start %s/%d: log-likelihood %.3f", n_subtypes, origin, i, point.log_likelihood)
        if progress is not None:
            progress.update(1)
        return point

    points = parallel(run, plan, n_threads)
    values = np.array([p.log_likelihood for p in points])
    # both cost in proportion to the people, while many people leave fewer optima near one another
    few = min(1.0, POLISH_WIDE / n_people)
    shaken = best_distinct(values, max(2, round(N_SHAKEN * few)))

    def shake(i):
        return problem.shake(points[i], stream(seed, *key, "k", n_subtypes, "shake", i))

    after = dict(zip(shaken, parallel(shake, shaken, n_threads), strict=True))
    chosen = [
        shaken[i] for i in best_distinct([after[i].log_likelihood for i in shaken], N_POLISHED if few == 1 else 1)
    ]

    def finish(i):
        return exact.polish(after[i], stream(seed, *key, "k", n_subtypes, "polish", i))

    polished = parallel(finish, chosen, n_threads)
    best = max(polished, key=lambda p: p.log_likelihood).ordered()
    log.info("k=%d: best log-likelihood %.3f of %d starts", n_subtypes, best.log_likelihood, len(plan))
    reference = exact.assignments(best)
    table = pd.DataFrame(
        {
            "n_subtypes": n_subtypes,
            "start": range(len(plan)),
            "origin": [str(o) if o == "random" else f"split of subtype {o + 1}" for o, _ in plan],
            "log_likelihood": values,
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
