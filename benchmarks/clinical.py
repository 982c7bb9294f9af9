"""Calibration of the clinical models: bias, coverage and false positives with uncertain labels.

Cohorts are drawn in which the true subtype has a known effect (or none) on an outcome beside any atrophy and the stage,
labels are known only through a posterior of given certainty, and every method of `neuraxis.clinical` estimates subtype a
against the other subtypes among staged people at the same stage. Writes clinical.tsv.

    python benchmarks/clinical.py [cohorts [processes [methods [types]]]]

Rows of methods and types that are not run (`label,weighted` takes a tenth of the time of all) stay as they are in the table.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from neuraxis.clinical.associations import METHODS, fits_of, plans_of, pooled
from neuraxis.clinical.cases import complete_cases
from neuraxis.clinical.contrasts import OTHERS, subtype_model
from neuraxis.clinical.labels import NORMAL, Labels
from neuraxis.clinical.outcomes import declare
from neuraxis.streams import stream
from neuraxis.tables import read_table, write_table

N = 390
NAMES = ["a", "b", "c"]
SHARES = (0.31, 0.27, 0.23, 0.19)
EFFECT = {
    "continuous": 0.5,
    "robust": 0.5,
    "ordinal": 0.8,
    "bounded": 0.8,
    "count": 0.5,
    "binary": 0.9,
    "survival": 0.7,
    "discrete": 0.7,
}
#: Any atrophy, and a stage of it, have effects of their own, which must not leak into those of subtypes.
ATROPHY, STAGE = 0.5, 0.08
CERTAINTIES = (1.3, 2.2)


def posterior(truth, certainty, rng):
    """Calibrated posteriors: P(group | evidence) by Bayes from noisy evidence about the group."""
    logits = rng.standard_normal((len(truth), 4))
    logits[np.arange(len(truth)), truth] += certainty
    weight = np.exp(certainty * logits) * np.array(SHARES)
    return weight / weight.sum(axis=1, keepdims=True)


def cohort(kind, effect, certainty, rng):
    """People and labels."""
    truth = rng.choice(4, N, p=SHARES)
    index = pd.Index([f"p{i}" for i in range(N)])
    age = rng.normal(40, 10, N)
    stage = np.where(truth > 0, rng.gamma(2, 2.5, N), 0.0)
    linear = effect * (truth == 1) + ATROPHY * (truth > 0) + STAGE * (stage - 5) * (truth > 0) + 0.02 * (age - 40)
    people = pd.DataFrame({"age": age, "years": rng.uniform(1, 6, N)}, index=index)
    if kind == "continuous":
        people["y"] = linear + rng.standard_normal(N)
    elif kind == "robust":
        people["y"] = linear + rng.standard_t(4, N)
    elif kind == "ordinal":
        people["y"] = np.digitize(linear + rng.logistic(size=N), np.linspace(-2.5, 3, 9))
    elif kind == "bounded":
        share = 1 / (1 + np.exp(-1 - linear))
        people["y"] = rng.binomial(30, rng.beta(6 * share, 6 * (1 - share)))
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
    probability = pd.DataFrame(p, index, [NORMAL, *NAMES])
    group = probability[NAMES].idxmax(axis=1).where(probability[NORMAL] < 0.5, NORMAL)
    # the expected stage: what a scan tells of it, times the probability that there is one
    seen = np.where(truth > 0, stage, rng.gamma(2, 2.5, N))
    return people, Labels(group, probability, pd.Series((1 - p[:, 0]) * seen, index))


def one(job):
    """Estimates of one cohort."""
    kind, effect, certainty, i, methods = job
    rng = stream(7, "clinical benchmark", kind, str(effect), str(certainty), i)
    people, labels = cohort(kind, effect, certainty, rng)
    options = {"count": {"exposure": "years"}, "bounded": {"maximum": 30}}.get(kind, {})
    options |= {"time": "years"} if kind in ("survival", "discrete") else {}
    outcome = declare("y", "y", kind, ("age",), **options)
    model = subtype_model(labels)
    cases = complete_cases(outcome, people).take(model.rows)
    fits = fits_of(outcome, cases, model, plans_of(outcome, cases, [model])[0], 20, i, methods)
    contrast = next(c for c in model.contrasts if c.subtype == "a" and c.against == OTHERS)
    sd = cases.y.std() if outcome.linear else 1.0
    out = []
    for method in methods:
        r = pooled(*fits[method], contrast, model, method != "label")
        out.append(
            {"type": kind, "effect": effect, "certainty": certainty, "method": method}
            | {"reliability": model.reliability["a"], "estimate": r["estimate"] * sd, "p": r["p"]}
            | {"covered": bool(r["low"] * sd <= effect <= r["high"] * sd), "positive": bool(r["p"] < 0.05)}
        )
    return out


def summary(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Means over the cohorts that have an estimate."""
    return (
        rows[rows["p"].notna()]
        .groupby(keys, sort=False)
        .agg(
            reliability=("reliability", "mean"),
            cohorts=("estimate", "size"),
            mean_estimate=("estimate", "mean"),
            sd_estimate=("estimate", "std"),
            estimate_over_truth=("ratio", "mean"),
            coverage=("covered", "mean"),
            share_below_5_percent=("positive", "mean"),
        )
        .reset_index()
    )


if __name__ == "__main__":
    cohorts = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    methods = sys.argv[3].split(",") if len(sys.argv) > 3 else list(METHODS)
    kinds = sys.argv[4].split(",") if len(sys.argv) > 4 else list(EFFECT)
    jobs = [
        (kind, effect, certainty, i, methods)
        for i in range(cohorts)
        for kind, size in EFFECT.items()
        if kind in kinds
        for effect in (0.0, size)
        for certainty in CERTAINTIES
    ]
    with ProcessPoolExecutor(int(sys.argv[2]) if len(sys.argv) > 2 else 2) as pool:
        rows = pd.DataFrame([r for part in pool.map(one, jobs, chunksize=8) for r in part])
    rows["ratio"] = rows["estimate"] / rows["effect"].where(rows["effect"] != 0)
    keys = ["type", "effect", "certainty", "method"]
    table, file = summary(rows, keys), Path(__file__).with_name("clinical.tsv")
    if len(methods) < len(METHODS) or len(kinds) < len(EFFECT):
        before = read_table(file)
        both = pd.concat([table, before[~(before["method"].isin(methods) & before["type"].isin(kinds))]])
        order = [
            both["type"].map(list(EFFECT).index),
            both["effect"] != 0,
            both["certainty"],
            both["method"].map(METHODS.index),
        ]
        table = both.iloc[np.lexsort(order[::-1])]
    write_table(table, file)
    print(table.round(3).to_string())
    together = summary(rows.assign(effect=np.sign(rows["effect"])), ["effect", "certainty", "method"])
    print("\nAll types together:\n", together.drop(columns=["mean_estimate", "sd_estimate"]).round(3).to_string())
