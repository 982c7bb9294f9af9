"""Calibration of the clinical models: bias, coverage and false positives with uncertain labels.

Cohorts are drawn in which the true subtype has a known effect (or none) on an outcome, labels are known only through
a posterior of given certainty, and every method of `neuraxis.clinical` is run on them. Writes clinical.tsv.

    python benchmarks/clinical.py [cohorts]
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from neuraxis.clinical.associations import NORMAL, Labels, associations
from neuraxis.clinical.outcomes import Outcome
from neuraxis.streams import stream
from neuraxis.tables import write_table

N = 390
NAMES = ["a", "b", "c"]
SHARES = (0.31, 0.27, 0.23, 0.19)
EFFECT = {"continuous": 0.5, "ordinal": 0.8, "count": 0.5, "binary": 0.9, "survival": 0.7, "discrete": 0.7}


def posterior(truth, certainty, rng):
    """Labels and calibrated posteriors: P(group | evidence) by Bayes from noisy evidence about the group."""
    logits = rng.standard_normal((len(truth), 4))
    logits[np.arange(len(truth)), truth] += certainty
    weight = np.exp(certainty * logits) * np.array(SHARES)
    return weight / weight.sum(axis=1, keepdims=True)


def cohort(kind, effect, certainty, rng):
    """People, labels, and the true effect of subtype a against the rest."""
    truth = rng.choice(4, N, p=SHARES)
    index = pd.Index([f"p{i}" for i in range(N)])
    age = rng.normal(40, 10, N)
    linear = effect * (truth == 1) + 0.02 * (age - 40)
    people = pd.DataFrame({"age": age, "years": rng.uniform(1, 6, N)}, index=index)
    if kind == "continuous":
        people["y"] = linear + rng.standard_normal(N)
    elif kind == "ordinal":
        people["y"] = np.digitize(linear + rng.logistic(size=N), np.linspace(-2.5, 3, 9))
    elif kind == "count":
        people["y"] = rng.poisson(np.exp(-0.3 + linear) * people["years"] * rng.gamma(1.5, 1 / 1.5, N))
    elif kind == "binary":
        people["y"] = (rng.random(N) < 1 / (1 + np.exp(1 - linear))).astype(int)
    else:
        event = rng.exponential(1 / (0.12 * np.exp(linear)))
        people["y"] = (event <= people["years"]).astype(int)
        if kind == "survival":
            people["years"] = np.minimum(event, people["years"]).clip(lower=0.01)
    p = posterior(truth, certainty, rng)
    columns = [NORMAL, *NAMES]
    probability = pd.DataFrame(p, index, columns)
    draws = []
    for _ in range(20):
        pick = (rng.random(N)[:, None] > np.cumsum(p, axis=1)[:, :-1]).sum(axis=1)
        draws.append((pd.Series([columns[i] for i in pick], index), pd.Series(rng.normal(5, 2, N), index)))
    stage = pd.Series(rng.normal(5, 2, N), index)
    return people, Labels(probability.idxmax(axis=1), probability, stage, draws)


def one(job):
    """Estimates of one cohort."""
    kind, effect, certainty, i = job
    rng = stream(7, "clinical benchmark", kind, str(effect), str(certainty), i)
    people, labels = cohort(kind, effect, certainty, rng)
    options = (
        {"exposure": "years"} if kind == "count" else {"time": "years"} if kind in ("survival", "discrete") else {}
    )
    table = associations([Outcome("y", "y", kind, ("age",), **options)], people, labels)
    rows = table[(table["contrast"] == "a against the rest")]
    linear = kind == "continuous"
    sd = people["y"].std() if linear else 1.0
    out = []
    for r in rows.itertuples():
        scale = (lambda v: v * sd) if linear else np.log
        out.append(
            {
                "type": kind,
                "effect": effect,
                "certainty": certainty,
                "method": r.method,
                "reliability": r.reliability,
                "estimate": scale(r.estimate),
                "covered": bool(scale(r.low) <= effect <= scale(r.high)),
                "positive": bool(r.p < 0.05),
                "refused": bool(pd.isna(r.p)),
            }
        )
    return out


if __name__ == "__main__":
    cohorts = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    jobs = [
        (kind, effect, certainty, i)
        for kind, size in EFFECT.items()
        for effect in (0.0, size)
        for certainty in (1.2, 2.2)
        for i in range(cohorts)
    ]
    with ProcessPoolExecutor(2) as pool:
        rows = pd.DataFrame([r for part in pool.map(one, jobs, chunksize=10) for r in part])
    known = rows[~rows["refused"]]
    keys = ["type", "effect", "certainty", "method"]
    table = known.groupby(keys, sort=False).agg(
        reliability=("reliability", "mean"),
        cohorts=("estimate", "size"),
        mean_estimate=("estimate", "mean"),
        sd_estimate=("estimate", "std"),
        coverage=("covered", "mean"),
        share_below_5_percent=("positive", "mean"),
    )
    write_table(table.reset_index(), Path(__file__).with_name("clinical.tsv"))
    print(table.to_string())
