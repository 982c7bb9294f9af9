"""How the engine's time grows with events and with biomarkers: processor seconds and exponents; writes benchmarks/growth.tsv.

    taskset -c 1 python benchmarks/growth.py [--people 1000] [--repeats 7]

Three series at a fixed number of people: more thresholds of 20 biomarkers (events alone grow), more biomarkers with 160
events in all (biomarkers alone grow), more biomarkers of two thresholds each (both grow, as where a study measures more). Timed:
an E-step (posterior of subtype and stage of everyone), a sweep of generalised EM, an MCMC step with its share of the sweeps (k = 2), and what a
fold costs: maxima of k = 1 and 2 (2 starts a split) with a short chain. The controls' covariance, healthy component, smooth
stage weights. Medians (folds: of three at most) of processor seconds of one thread; an exponent is the slope of log seconds on log size.
"""

from __future__ import annotations

import argparse
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

warnings.simplefilter("ignore")
from neuraxis.sustain import Variant, ZScoreEvents, fit, simulate, stream  # noqa: E402
from neuraxis.sustain.problem import Problem  # noqa: E402
from neuraxis.sustain.sampler import Sampler  # noqa: E402
from neuraxis.sustain.search import climb, random_start  # noqa: E402

#: Name of the series: what grows, and (biomarkers, thresholds of each) of every member.
SERIES = {
    "events of 20 biomarkers": ("events", [(20, t) for t in (1, 2, 4, 8, 16)]),
    "biomarkers with 160 events": ("biomarkers", [(b, 160 // b) for b in (10, 20, 40, 80, 160)]),
    "biomarkers of 2 events": ("events", [(b, 2) for b in (10, 20, 40, 80, 160)]),
}


def problem(n_people: int, n_biomarkers: int, n_thresholds: int, seed: int = 1):
    """People of two planted orders: values, events and a covariance."""
    thresholds = np.linspace(0, 4, n_thresholds + 1)[1:] if n_thresholds > 3 else np.arange(1, n_thresholds + 1)
    events = ZScoreEvents([thresholds.tolist()] * n_biomarkers, 5.0)
    rng = np.random.default_rng(seed)
    orders = [events.random_sequence(rng) for _ in range(2)]
    covariance = 0.3 + 0.7 * np.eye(n_biomarkers)
    return simulate(events, orders, n_people, seed=seed).X, events, covariance


def seconds(function, repeats: int, times: int = 1) -> float:
    """Median processor seconds of a call, each measurement being of `times` calls."""
    found = []
    for _ in range(repeats):
        begin = time.thread_time()
        for _ in range(times):
            function()
        found.append((time.thread_time() - begin) / times)
    return float(np.median(found))


def timed(n_people: int, n_biomarkers: int, n_thresholds: int, repeats: int) -> dict[str, float]:
    """Seconds of everything that is timed."""
    values, events, covariance = problem(n_people, n_biomarkers, n_thresholds)
    p = Problem(events.check_data(values)[0], events, Variant(covariance=covariance))
    point = climb(p, random_start(p, 2, stream(1, "start")), stream(1, "climb"), most=2)
    chain = Sampler(p, point, stream(1, "chain"), 10)
    chain.steps(200, True)

    def fold():
        fit(values, events, 2, covariance=covariance, n_startpoints=2, n_samples=300, n_chains=1, n_draws=30)

    return {
        "E-step": seconds(lambda: p.posterior([point]), repeats, 20),
        "EM sweep": seconds(lambda: climb(p, point, stream(1, "sweep"), most=3), repeats, 5) / 3,
        "MCMC step": seconds(lambda: chain.steps(200), repeats) / 200,
        "fold": seconds(fold, min(repeats, 3)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=7)
    a = parser.parse_args()
    timed(a.people, 4, 2, 1)  # compiles
    rows = []
    for series, (grows, members) in SERIES.items():
        sizes, found = [], []
        for n_biomarkers, n_thresholds in members:
            sizes.append(n_biomarkers * n_thresholds if grows == "events" else n_biomarkers)
            found.append(timed(a.people, n_biomarkers, n_thresholds, a.repeats))
            size = {
                "series": series,
                "people": a.people,
                "biomarkers": n_biomarkers,
                "events": n_biomarkers * n_thresholds,
            }
            rows.append(size | {f"{k} (s)": v for k, v in found[-1].items()})
            print(rows[-1], flush=True)
        slopes = {f"{k} (s)": np.polyfit(np.log(sizes), np.log([f[k] for f in found]), 1)[0] for k in found[0]}
        last = {f"{k} (s)": np.log2(found[-1][k] / found[-2][k]) for k in found[0]}
        rows += [{"series": f"{series}: exponent"} | slopes, {"series": f"{series}: exponent, last doubling"} | last]
    table = pd.DataFrame(rows)
    for column in ("people", "biomarkers", "events"):
        table[column] = table[column].astype("Int64")
    table.to_csv(Path(__file__).with_name("growth.tsv"), sep="\t", index=False, float_format="%.4g")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
