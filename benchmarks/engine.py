"""Speed, effective samples and memory of the engine on one core; writes benchmarks/engine.tsv.

    python benchmarks/engine.py [--large] [--peer FOLDER [--peer-python PYTHON] [--peer-steps N]]

With a checkout of pySuStaIn its MCMC step is timed in the same run on the same rows (by `--peer-python`, where its
requirements live in another environment), steps of both in turns; times are processor seconds of one thread. The problem:
M = 391 people, B = 19 biomarkers, thresholds 1-2-3 (N = 57), k = 3, simulated; with independent noise and stages 0..N as
the peer has them, and with a full covariance, healthy component and smooth stage weights.
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
from types import SimpleNamespace

import numpy as np
import pandas as pd

warnings.simplefilter("ignore")
from neuraxis.sustain import FitSettings, Variant, ZScoreEvents, fit, simulate, stream, verdict  # noqa: E402
from neuraxis.sustain.diagnostics import convergence  # noqa: E402
from neuraxis.sustain.problem import Problem  # noqa: E402
from neuraxis.sustain.sampler import Sampler, run_chains  # noqa: E402
from neuraxis.sustain.search import climb, fit_maximum, polish, random_start, shake  # noqa: E402

PEER = Variant("uniform", healthy=False)


def problem(n_people=391, n_biomarkers=19, thresholds=(1, 2, 3), seed=0):
    events = ZScoreEvents([list(thresholds)] * n_biomarkers, 5.0)
    rng = np.random.default_rng(seed)
    sequences = [events.random_sequence(rng) for _ in range(3)]
    weights = 0.9 ** np.arange(events.n_events + 1)
    return simulate(events, sequences, n_people, stage_weights=weights, seed=seed).X, events


def correlated(n=19, r=0.3):
    return np.full((n, n), r) + (1 - r) * np.eye(n)


def best_of(function, repeats):
    times = []
    for _ in range(repeats):
        start = time.thread_time()
        function()
        times.append(time.thread_time() - start)
    return min(times)


def step_time(p, point, sweep_every, n=1000, repeats=5, scale=None):
    """Seconds a step; proposals tuned, or with an SD of `scale` places as pySuStaIn's."""
    chain = Sampler(p, point, stream(1, "bench"), sweep_every)
    if scale:
        chain.state.step[:] = scale
    chain.steps(n, scale is None)
    return best_of(lambda: chain.steps(n), repeats) / n


def rows_of_search(p, name):
    starts = [climb(p, random_start(p, 1, stream(1, i)), stream(1, i, "c"), explore=40) for i in range(10)]
    clock = [
        best_of(lambda i=i: climb(p, random_start(p, 1, stream(1, i)), stream(1, i, "c"), explore=40), 1)
        for i in range(10)
    ]
    best = polish(p, max(starts, key=lambda s: s.score), stream(1, "p"))
    gap = np.median([best.log_likelihood - s.log_likelihood for s in starts])
    yield (
        f"{name}: one start, k = 1, explored and climbed",
        np.median(clock),
        f"{gap:.1f} nats below the best, median of 10",
    )
    t = time.thread_time()
    end = shake(p, starts[0], stream(1, "s"))
    yield (
        f"{name}: the same, shaken",
        time.thread_time() - t,
        f"{best.log_likelihood - end.log_likelihood:.1f} nats below",
    )
    point, t = None, time.thread_time()
    for k in (1, 2, 3):
        point, _ = fit_maximum(p, k, point, n_startpoints=10, seed=1)
    yield f"{name}: maximum likelihood k = 1..3, 10 starts", time.thread_time() - t, f"{point.log_likelihood:.2f}"


def rows_of_study():
    X, events = problem()
    rows, points = [], {}
    matrix = correlated()
    for name, variant in (
        ("independent", PEER),
        ("covariance alone", Variant("uniform", healthy=False, covariance=matrix)),
        ("covariance", Variant(covariance=matrix)),
    ):
        p = Problem(X, events, variant)
        if name != "covariance alone":  # which is there to tell what a step costs with and without
            rows += [{"what": w, "value": v, "unit": "s", "note": n} for w, v, n in rows_of_search(p, name)]
        point = None
        for k in (1, 2, 3):
            point, _ = fit_maximum(p, k, point, n_startpoints=2, seed=1)
        points[name] = (p, point)
        for every in (0, 10):
            what = f"{name}: MCMC step, k = 3, sweep every {every or 'never'}"
            rows.append({"what": what, "value": step_time(p, point, every), "unit": "s", "note": str(p.dtype.__name__)})
        if name == "covariance alone":
            continue
        t = time.thread_time()
        settings = FitSettings(variant, n_samples=20_000, n_chains=2, n_draws=10_000)
        table = convergence(run_chains(p, point, settings, seed=1)[0], events)
        seconds = time.thread_time() - t
        for quantity, part in table.groupby("quantity"):
            what = f"{name}: effective samples per second, {quantity}"
            note = f"least {part['ess'].min() / seconds:.1f}; {verdict(table)[1]}"
            rows.append({"what": what, "value": part["ess"].median() / seconds, "unit": "1/s", "note": note})
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows.append({"what": "peak memory of all this", "value": memory, "unit": "MB", "note": ""})
    return rows, points


PEER_CODE = """
import sys, time, warnings, tempfile, numpy as np
warnings.simplefilter("ignore"); sys.path.insert(0, sys.argv[1])
from pySuStaIn.ZscoreSustain import ZscoreSustain
d = np.load(sys.argv[2]); X, S, f0, f_sigma = (d[k] for k in ("X", "sequences", "fractions", "spread")); B = X.shape[1]
with tempfile.TemporaryDirectory() as f:
    peer = ZscoreSustain(X, np.tile([1.0, 2.0, 3.0], (B, 1)), np.full(B, 5.0), [f"b{i}" for i in range(B)], 1, 3, 100, f, "b", False, 1)
    data, C = peer._AbstractSustain__sustainData, len(S)
    scale = np.ones_like(S)
    peer._perform_mcmc(data, S, f0, 3, scale, f_sigma)
    n = int(sys.argv[3]); t = time.thread_time()
    out = peer._perform_mcmc(data, S, f0, n, scale, f_sigma)
    seconds = time.thread_time() - t
np.savez(sys.argv[4], seconds=seconds, **{f"a{i}": a for i, a in enumerate(out)})
"""


def effective_rates(draws, events, seconds):
    """Median effective samples a second by quantity: places, log-likelihood and fractions by the same estimator for both."""
    table = convergence(draws, events)
    return {q: part["ess"].median() / seconds for q, part in table.groupby("quantity")}


def rows_of_peer(points, folder, python, n_steps):
    """pySuStaIn's MCMC step in a process of its own, ours before and after it; ratios of the same run.

    Effective samples: `n_steps` of its chain, begun at the maximum, beside two chains of ours on the same rows. It starts
    at the maximum's fractions (one scalar moves all of them: equal ones would stay equal for ever) and steps by their
    posterior SD, as after its own tuning.
    """
    import tempfile

    p, point = points["independent"]
    with tempfile.TemporaryDirectory() as scratch:
        given, made = Path(scratch) / "in.npz", Path(scratch) / "out.npz"
        t = time.thread_time()
        mine = run_chains(p, point, FitSettings(PEER, n_samples=20_000, n_chains=2, n_draws=10_000), seed=2)[0]
        ours = effective_rates(mine, p.events, time.thread_time() - t)
        spread = mine.fractions.reshape(-1, mine.fractions.shape[-1]).std(axis=0)
        start = point.fractions / point.fractions.sum()
        np.savez(given, X=p.values, sequences=point.sequences.astype(float), fractions=start, spread=spread)
        ratios, seconds, own = [], [], []
        for _ in range(3):
            steps = [step_time(p, point, 0, repeats=2, scale=1.0)]
            steps += [step_time(p, point, every, repeats=2) for every in (0, 10)]
            subprocess.run([python, "-c", PEER_CODE, folder, given, "40", made], check=True, stderr=subprocess.DEVNULL)
            theirs = float(np.load(made)["seconds"]) / 40
            seconds.append(theirs)
            ratios.append([theirs / o for o in steps])
            own.append(steps)
        subprocess.run(
            [python, "-c", PEER_CODE, folder, given, str(n_steps), made], check=True, stderr=subprocess.DEVNULL
        )
        out = np.load(made)
        places = np.argsort(out["a3"].transpose(2, 0, 1), axis=2)[None]
        chain = SimpleNamespace(
            log_likelihood=out["a5"].reshape(1, -1),
            fractions=out["a4"].T[None],
            places=places,
            healthy=np.zeros((1, 1)),
            covariance=np.zeros((1, 1, 1, 1)),
        )
        theirs = effective_rates(chain, p.events, float(out["seconds"]))
    rates = []
    for quantity, rate in theirs.items():
        name, note = f"effective samples per second, {quantity}", f"{n_steps} steps"
        rates += [
            {"what": f"pySuStaIn: {name}", "value": rate, "unit": "1/s", "note": note},
            {
                "what": f"ratio of {name}",
                "value": ours[quantity] / rate,
                "unit": "",
                "note": f"ours {ours[quantity]:.1f}",
            },
        ]
    same, without, with_sweeps = np.median(ratios, axis=0)
    return rates + [
        {
            "what": "pySuStaIn: MCMC step",
            "value": np.median(seconds),
            "unit": "s",
            "note": "same run, in turns with ours",
        },
        {
            "what": "ratio of the step with the same proposals (SD of one place)",
            "value": same,
            "unit": "",
            "note": f"median of three pairs; ours {1e6 * np.median(own, axis=0)[0]:.1f} us",
        },
        {"what": "ratio of the step without sweeps", "value": without, "unit": "", "note": "median of three pairs"},
        {"what": "ratio of the step with sweeps", "value": with_sweeps, "unit": "", "note": "median of three pairs"},
    ]


def rows_of_size(large):
    """Time per step and memory against the number of people, each in its own process."""
    rows = []
    for m in [1_000, 3_000, 10_000, 30_000] + ([50_000] if large else []):
        code = (
            "import sys; sys.path.insert(0, 'benchmarks'); import engine, resource;"
            f"X, e = engine.problem({m}, 100, (1, 2)); p = engine.Problem(X, e, engine.PEER);"
            "s = engine.random_start(p, 3, engine.stream(1, 'x'));"
            "t = engine.step_time(p, s, 0, 20, 3); import time; c = time.perf_counter(); engine.climb(p, s, engine.stream(1, 'y'), most=3);"
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
                "what": f"M = {m}, B = 100, N = 200, k = 3: MCMC step",
                "value": step,
                "unit": "s",
                "note": f"EM sweep {sweep:.3f} s, peak {memory:.0f} MB",
            }
        )
    return rows


def rows_of_large_fit():
    """A complete fit of 50,000 people: k = 1, 2, learnt stage prior, 2 starts per split and 2 random, a short chain."""
    X, events = problem(50_000, 100, (1, 2))
    t = time.perf_counter()
    fit(X, events, 2, covariance=correlated(100), n_startpoints=2, n_samples=300, n_chains=1, n_draws=50)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    what = "M = 50000, B = 100, N = 200: whole fit k = 1, 2, 2 starts, 300 steps"
    return [{"what": what, "value": time.perf_counter() - t, "unit": "s", "note": f"peak {peak:.0f} MB"}]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="also 50,000 people")
    parser.add_argument("--peer", help="folder of a pySuStaIn checkout")
    parser.add_argument("--peer-python", default=sys.executable, help="Python with its requirements")
    parser.add_argument("--peer-steps", type=int, default=10_000, help="length of its chain for effective samples")
    arguments = parser.parse_args()
    rows, points = rows_of_study()
    if arguments.peer:
        rows += rows_of_peer(points, arguments.peer, arguments.peer_python, arguments.peer_steps)
    rows += rows_of_size(arguments.large)
    if arguments.large:
        rows += rows_of_large_fit()
    table = pd.DataFrame(rows)
    path = Path(__file__).with_name("engine.tsv")
    table.to_csv(path, sep="\t", index=False, float_format="%.4g")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
