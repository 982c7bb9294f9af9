"""Speed, effective samples and memory of the engine on one core; writes benchmarks/engine.tsv.

    python benchmarks/engine.py [--large]

Where pySuStaIn can be imported it is timed in the same run on the same data; otherwise its row holds the times
published with the project's peer numbers, marked `saved`, from another machine: read those ratios as orders of
magnitude. The problem: M = 391 people, B = 19 biomarkers, thresholds 1-2-3 (N = 57), k = 3, simulated.
"""

from __future__ import annotations

import argparse
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

warnings.simplefilter("ignore", FutureWarning)
from neuraxis.sustain.em import Problem, random_start  # noqa: E402
from neuraxis.sustain.hierarchy import fit_maximum  # noqa: E402
from neuraxis.sustain.mcmc import run_chains  # noqa: E402

from neuraxis.sustain import Variant, ZScoreEvents, fit, kernels, simulate, stream, verdict  # noqa: E402
from neuraxis.sustain.diagnostics import convergence  # noqa: E402

#: pySuStaIn at commit 708fa22 on one core of another machine (seconds).
SAVED = {"MCMC step": 0.0315, "one-subtype EM sweep": 13.6}


def problem(n_people=391, n_biomarkers=19, thresholds=(1, 2, 3), seed=0):
    events = ZScoreEvents([list(thresholds)] * n_biomarkers, 5.0)
    rng = np.random.default_rng(seed)
    sequences = [events.random_sequence(rng) for _ in range(3)]
    weights = 0.9 ** np.arange(events.n_events + 1)
    return simulate(events, sequences, n_people, stage_weights=weights, seed=seed).X, events


def best_of(function, repeats):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def step_time(p, point, sweep_every, n=2000, repeats=5):
    chain = p.chain(point)
    rng = stream(1, "bench")
    state = [kernels.refresh(p.people, p.layout, chain, False)]

    def run():
        state[0] = kernels.chain_steps(
            p.people,
            p.layout,
            chain,
            p.sum_squares,
            p.n_observed,
            False,
            0.1,
            False,
            False,
            n,
            sweep_every,
            False,
            state[0],
            rng,
        )

    run()
    return best_of(run, repeats) / n


def rows_of_study():
    X, events = problem()
    p = Problem(X, events, Variant("uniform"))
    rows = []

    def add(what, seconds, note=""):
        rows.append({"what": what, "value": seconds, "unit": "s", "note": note})

    starts = [p.climb(random_start(p, 1, stream(1, i)), stream(1, i, "c")) for i in range(30)]
    clock = [best_of(lambda i=i: p.climb(random_start(p, 1, stream(1, i)), stream(1, i, "c")), 2) for i in range(30)]
    best = p.polish(max(starts, key=lambda s: s.log_likelihood), stream(1, "p"))
    gaps = np.array([best.log_likelihood - s.log_likelihood for s in starts])
    add(
        "one start, k = 1, climbed",
        float(np.median(clock)),
        f"median of 30; {np.median(gaps):.1f} nats below the best optimum at the median",
    )
    clock, gaps = [], []
    for i in range(10):
        t = time.perf_counter()
        s = p.shake(starts[i], stream(1, i, "s"))
        clock.append(time.perf_counter() - t)
        gaps.append(best.log_likelihood - s.log_likelihood)
    add("the same, shaken", float(np.median(clock)), f"{np.median(gaps):.1f} nats below the best optimum at the median")
    t = time.perf_counter()
    p.polish(starts[0], stream(1, "q"))
    add("exact polish, k = 1", time.perf_counter() - t)
    point = None
    t = time.perf_counter()
    for k in (1, 2, 3):
        point, _ = fit_maximum(p, k, point, n_startpoints=10, seed=1)
    add("maximum likelihood k = 1..3, 10 starts", time.perf_counter() - t, f"log-likelihood {point.log_likelihood:.2f}")
    for every in (0, 10):
        add(f"MCMC step, k = 3, sweep every {every or 'never'}", step_time(p, point, every))
    for every, n in ((0, 40_000), (10, 20_000)):
        t = time.perf_counter()
        draws = run_chains(p, point, n_samples=n, n_chains=2, n_draws=1000, seed=1, sweep_every=every)
        seconds = time.perf_counter() - t
        table = convergence(draws, events)
        for quantity, part in table.groupby("quantity"):
            rows.append(
                {
                    "what": f"effective samples per second, {quantity}, sweep every {every or 'never'}",
                    "value": part["ess"].median() / seconds,
                    "unit": "1/s",
                    "note": f"least {part['ess'].min() / seconds:.2f}; {verdict(table)[1]}",
                }
            )
    t = time.perf_counter()
    fit(X, events, 3, n_startpoints=10, n_samples=10_000, n_chains=1, stage_prior="uniform")
    add("whole fit k = 1..3, 10 starts, 1e4 MCMC at k = 3", time.perf_counter() - t)
    rows.append(
        {
            "what": "peak memory of all this",
            "value": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "unit": "MB",
            "note": "",
        }
    )
    return rows, p, point


def rows_of_peer(X, events):
    """pySuStaIn in the same run, where it can be imported."""
    try:
        from pySuStaIn.ZscoreSustain import ZscoreSustain
    except ImportError:
        return [
            {"what": f"pySuStaIn, {k}", "value": v, "unit": "s", "note": "saved: another machine, not this run"}
            for k, v in SAVED.items()
        ]
    import tempfile

    B = events.n_biomarkers
    with tempfile.TemporaryDirectory() as folder:
        peer = ZscoreSustain(
            X,
            np.tile([1.0, 2.0, 3.0], (B, 1)),
            np.full(B, 5.0),
            list(events.biomarkers),
            1,
            3,
            100,
            folder,
            "bench",
            False,
            1,
        )
        data = peer._AbstractSustain__sustainData
        sequence = np.stack([events.random_sequence(stream(1, "peer", c)) for c in range(3)]).astype(float)
        steps = 50
        t = time.perf_counter()
        peer._perform_mcmc(data, sequence, np.full(3, 1 / 3), steps, np.ones_like(sequence), np.full(3, 0.01))
        seconds = (time.perf_counter() - t) / steps
    return [{"what": "pySuStaIn, MCMC step", "value": seconds, "unit": "s", "note": "same run, same core"}]


def rows_of_peer_data():
    """Data the peer fitted: how soon do single starts come within 1 nat of its maximum, and a whole fit beside its."""
    folder = Path(__file__).parents[1] / "tests" / "data"
    rows = []
    for name in ("fit_200x5", "fit_300x6"):
        numbers = dict(np.load(folder / f"{name}.npz"))
        events = ZScoreEvents([[z for z in row if z > 0] for row in numbers["Z"]], numbers["z_max"])
        p = Problem(numbers["X"], events, Variant("uniform"))
        for k in (1, 2, 3):
            target = float(numbers[f"ml_loglike_k{k}"]) - 1
            hits, seconds, tries = 0, 0.0, 0
            while hits < 5 and tries < 200:
                rng = stream(3, name, k, tries)
                t = time.perf_counter()
                point = p.climb(random_start(p, k, rng), rng)
                if point.log_likelihood < target:
                    point = p.shake(point, rng)
                seconds += time.perf_counter() - t
                tries += 1
                hits += point.log_likelihood >= target
            rows.append(
                {
                    "what": f"{name}, k = {k}: time to come within 1 nat of the peer's maximum, from random starts",
                    "value": seconds / max(hits, 1),
                    "unit": "s",
                    "note": f"{hits} of {tries} starts came there",
                }
            )
    numbers = dict(np.load(folder / "fit_peer_validation.npz"))
    events = ZScoreEvents([[z for z in row if z > 0] for row in numbers["Z"]], numbers["z_max"], allow_low_maximum=True)
    t, gain, model = time.perf_counter(), [], None
    for k in (1, 2, 3):
        model = fit(
            numbers["X"],
            events,
            k,
            previous=model,
            n_startpoints=10,
            n_samples=10_000,
            n_chains=1,
            stage_prior="uniform",
        )
        gain.append(model.ml_log_likelihood - float(numbers[f"ml_loglike_k{k}"]))
    rows.append(
        {
            "what": "the peer's validation data, k = 1..3, 10 starts, 1e4 MCMC at every k",
            "value": time.perf_counter() - t,
            "unit": "s",
            "note": "log-likelihood above the peer's by " + ", ".join(f"{g:.2f}" for g in gain),
        }
    )
    rows.append(
        {"what": "pySuStaIn, the same", "value": 984.0, "unit": "s", "note": "saved: another machine, not this run"}
    )
    return rows


def rows_of_size(large):
    """Time per step and memory against the number of people, each in its own process."""
    rows = []
    for m in [1_000, 3_000, 10_000, 30_000] + ([50_000] if large else []):
        code = (
            "import sys; sys.path.insert(0, 'benchmarks'); import engine, resource;"
            f"X, e = engine.problem({m}, 30, (1, 2, 3)); p = engine.Problem(X, e, engine.Variant('uniform'));"
            "s = engine.random_start(p, 3, engine.stream(1, 'x'));"
            "t = engine.step_time(p, s, 0, 20, 3); import time; c = time.perf_counter(); p.climb(s, engine.stream(1, 'y'), 3);"
            "print(t, (time.perf_counter() - c) / 3, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
        )
        step, sweep, memory = map(
            float,
            subprocess.run(
                [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
            ).stdout.split(),
        )
        rows.append(
            {
                "what": f"M = {m}, B = 30, N = 90, k = 3: MCMC step",
                "value": step,
                "unit": "s",
                "note": f"EM sweep {sweep:.3f} s, peak {memory:.0f} MB",
            }
        )
    return rows


def rows_of_large_fit():
    """A complete fit of 50,000 people: k = 1, 2, learnt stage prior, 2 starts per split and 2 random, a short chain."""
    X, events = problem(50_000, 30)
    t = time.perf_counter()
    fit(X, events, 2, n_startpoints=2, n_samples=300, n_chains=1, n_draws=50)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    what = "M = 50000, B = 30, N = 90: whole fit k = 1, 2, 2 starts, 300 steps"
    return [{"what": what, "value": time.perf_counter() - t, "unit": "s", "note": f"peak {peak:.0f} MB"}]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="also 50,000 people")
    large = parser.parse_args().large
    rows, p, _ = rows_of_study()
    rows += rows_of_peer_data() + rows_of_peer(p.values, p.events) + rows_of_size(large)
    if large:
        rows += rows_of_large_fit()
    table = pd.DataFrame(rows)
    path = Path(__file__).with_name("engine.tsv")
    table.to_csv(path, sep="\t", index=False, float_format="%.4g")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
