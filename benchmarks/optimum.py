"""Do the default starts find the optimum? Simulated cohorts of both diseases; writes benchmarks/optimum.tsv.

    python benchmarks/optimum.py [--cohorts N] [--starts N] [--chains N]

People are drawn from the published event orders, group sizes and stages of `cohort.simulated.true_model`, with the correlation
of healthy people or without. `gap` is where k = 1, 2, 3 from default starts ends, less where the climb that begins at the true
orders ends, in nats: above -3 is found. With `--chains` four chains, begun apart, of the first so many cohorts of each kind go on from
20,000 steps until they agree, at most seven doublings; `r_hat` is the largest, `steps` their length. Processor seconds of one thread.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
import warnings
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import pandas as pd

warnings.simplefilter("ignore")
from neuraxis.cohort.simulated import true_model  # noqa: E402
from neuraxis.sustain import FitSettings, Variant, ZScoreEvents, stream  # noqa: E402
from neuraxis.sustain.diagnostics import convergence  # noqa: E402
from neuraxis.sustain.matching import rand_index  # noqa: E402
from neuraxis.sustain.model import SustainModel  # noqa: E402
from neuraxis.sustain.problem import Problem  # noqa: E402
from neuraxis.sustain.sampler import run_chains  # noqa: E402
from neuraxis.sustain.search import climb, even, fit_maximum  # noqa: E402

RESOURCES = Path(__file__).parents[1] / "resources"
PEOPLE = {"MS": 391, "NMOSD": 278}
FOUND = -3.0
R_HAT = 1.01


def cohort(truth: dict, events: ZScoreEvents, sequences, n: int, covariance, rng):
    """Values (n, B), true subtype (-1: normal-appearing)."""
    weights = truth["weights"] / truth["weights"].sum()
    cells = rng.choice(weights.size, n, p=weights.ravel())
    subtype, stage = cells // weights.shape[1], cells % weights.shape[1]
    curves = np.stack([events.stage_values(s) for s in sequences])
    mean = np.where((stage > 0)[:, None], curves[subtype, stage], 0)
    X = mean + rng.multivariate_normal(np.zeros(len(covariance)), covariance, n)
    return X, np.where(stage > 0, subtype, -1)


def planted(events: ZScoreEvents, truth: dict) -> np.ndarray:
    """The published orders as sequences of event numbers."""
    number = {
        (events.biomarkers[b], float(v)): e for e, (b, v) in enumerate(zip(events.biomarker, events.value, strict=True))
    }
    return np.array([[number[b, float(v)] for b, v in order] for order in truth["sequences"]])


def agreement(model, X, subtype) -> float:
    """Adjusted Rand index of the subtypes of truly staged people."""
    labels = model.assign(pd.DataFrame(X, columns=model.events.biomarkers))["subtype"].to_numpy()
    return rand_index(labels[subtype >= 0], subtype[subtype >= 0])


def row(disease: str, correlated: bool, i: int, starts: int, chains: bool) -> dict:
    """One cohort."""
    truth = true_model(RESOURCES, disease)
    events = ZScoreEvents([1.0, 2.0, 3.0], 5.0, biomarkers=truth["biomarkers"])
    sequences = planted(events, truth)
    covariance = np.asarray(truth["covariance"]) if correlated else np.eye(events.n_biomarkers)
    X, subtype = cohort(truth, events, sequences, PEOPLE[disease], covariance, np.random.default_rng(i))
    variant = Variant(covariance=covariance if correlated else None)
    p = Problem(X, events, variant)
    from_truth = climb(p, even(p, sequences), stream(0, "truth"))
    clock = time.thread_time()
    point = None
    for k in (1, 2, 3):
        point, _ = fit_maximum(p, k, point, n_startpoints=starts, seed=1, key=(disease, i))
    seconds = time.thread_time() - clock
    out = {
        "disease": disease,
        "noise": "healthy correlation" if correlated else "independent",
        "cohort": i,
        "gap": point.score - from_truth.score,
        "ari": agreement(SustainModel(events, variant, point), X, subtype),
        "ari_from_truth": agreement(SustainModel(events, variant, from_truth), X, subtype),
        "seconds": seconds,
        "r_hat": np.nan,
        "steps": 0,
    }
    if chains:
        settings = FitSettings(variant, n_samples=20_000, n_doublings=7)
        drawn, out["steps"] = run_chains(p, point, settings, seed=1, key=(disease, i))
        out["r_hat"] = convergence(drawn, events)["r_hat"].max()
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohorts", type=int, default=20)
    parser.add_argument("--starts", type=int, default=FitSettings.n_startpoints)
    parser.add_argument("--chains", type=int, default=0, metavar="N")
    arguments = parser.parse_args()
    rows = []
    # every kind's first cohorts first; the table is whole after each row, so that a run that is ended has told something
    for correlated, i, disease in itertools.product((True, False), range(arguments.cohorts), PEOPLE):
        rows.append(row(disease, correlated, i, arguments.starts, i < arguments.chains))
        print(rows[-1], flush=True)
        table = pd.DataFrame(rows).sort_values(["disease", "noise", "cohort"])
        table.to_csv(Path(__file__).with_name("optimum.tsv"), sep="\t", index=False, float_format="%.5g")
    groups = table.groupby(["disease", "noise"])
    print(groups.agg(found=("gap", lambda g: (g > FOUND).mean()), median=("gap", "median"), n=("gap", "size")))
    print(groups.agg(agree=("r_hat", lambda r: (r < R_HAT).sum()), r_hat=("r_hat", "max"), sampled=("r_hat", "count")))


if __name__ == "__main__":
    main()
