"""From k - 1 to k subtypes: split each subtype, climb from every split, polish the best."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from ..errors import InputError
from .em import Point, Problem, parallel, random_start
from .likelihood import uniform_weights
from .streams import stream

log = logging.getLogger(__name__)

#: How many of the best distinct climbs are polished on the exact likelihood.
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


def fit_maximum(
    problem: Problem, n_subtypes: int, previous: Point | None, *, n_startpoints: int, seed: int, key=(), n_threads=1,
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
        One row per start: start, origin, log_likelihood, sweeps' result, polished, n_label_changes
        (people whose most probable subtype differs from the best model's, best matching).

    Raises
    ------
    InputError
        If there are fewer people than would fill the subtypes.
    """
    n_people = len(problem.values)
    if n_people < 2 * n_subtypes:
        raise InputError(f"{n_people} people cannot carry {n_subtypes} subtypes; at least {2 * n_subtypes} are needed")
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
    order = np.argsort(-values, kind="stable")
    chosen: list[int] = []
    for i in order:
        if all(abs(values[i] - values[j]) > 1e-3 for j in chosen):
            chosen.append(int(i))
        if len(chosen) == N_POLISHED:
            break

    def finish(i):
        return problem.polish(points[i], stream(seed, *key, "k", n_subtypes, "polish", i))

    polished = parallel(finish, chosen, n_threads)
    best = max(polished, key=lambda p: p.log_likelihood).ordered()
    log.info("k=%d: best log-likelihood %.3f of %d starts", n_subtypes, best.log_likelihood, len(plan))
    from .crossval import match_labels

    reference = problem.assignments(best)
    table = pd.DataFrame(
        {
            "n_subtypes": n_subtypes,
            "start": range(len(plan)),
            "origin": [str(o) if o == "random" else f"split of subtype {o + 1}" for o, _ in plan],
            "log_likelihood": values,
        }
    )
    table["polished_log_likelihood"] = np.nan
    table["label_disagreement"] = np.nan
    for i, p in zip(chosen, polished, strict=True):
        table.loc[i, "polished_log_likelihood"] = p.log_likelihood
        other = problem.assignments(p)
        mapping = match_labels(reference, other, n_subtypes)
        table.loc[i, "label_disagreement"] = float(np.mean(mapping[other] != reference))
    return best, table
