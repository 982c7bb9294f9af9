"""Patients whose true subtype is known only through a posterior of some certainty."""

import numpy as np
import pandas as pd

from neuraxis.clinical.labels import NORMAL, Labels

NAMES = ["one", "two", "three"]


def study(n=600, certainty=2.0, seed=0, shares=(0.3, 0.3, 0.25, 0.15), effect=0.0, atrophy=0.0, slope=0.0):
    """People, labels and true groups; `score` has the effect of subtype two, of any atrophy, and a slope per stage."""
    rng = np.random.default_rng(seed)
    k = len(shares)
    truth = rng.choice(k, n, p=shares)
    evidence = rng.standard_normal((n, k))
    evidence[np.arange(n), truth] += certainty
    p = np.exp(certainty * evidence) * np.array(shares)
    p /= p.sum(axis=1, keepdims=True)
    index = pd.Index([f"p{i}" for i in range(n)], name="participant_id")
    columns = [NORMAL, *NAMES[: k - 1]]
    probability = pd.DataFrame(p, index, columns)
    stage = pd.Series(np.where(truth == 0, 0.2, rng.gamma(2, 3, n)), index)
    group = probability.idxmax(axis=1).where(probability[NORMAL] < 0.5, NORMAL)
    group = group.where((probability[NORMAL] >= 0.5), probability[columns[1:]].idxmax(axis=1))
    people = pd.DataFrame({"age": rng.normal(40, 10, n), "site": rng.choice(["s1", "s2"], n)}, index=index)
    linear = effect * (truth == 2) + atrophy * (truth > 0) + slope * stage * (truth > 0)
    people["score"] = linear + rng.standard_normal(n)
    people["edss"] = np.digitize(linear + rng.logistic(size=n), np.linspace(-2, 3, 8))
    people["worse"] = (rng.random(n) < 1 / (1 + np.exp(1.4 - linear))).astype(int)
    people["years"] = rng.uniform(1, 6, n)
    event = rng.exponential(1 / (0.15 * np.exp(linear)))
    people["event"] = (event <= people["years"]).astype(int)
    people["time"] = np.minimum(event, people["years"]).clip(lower=0.01)
    people["drug"] = np.where(rng.random(n) < 0.2 + 0.4 * (truth == 2), "x", "y")
    return people, Labels(group, probability, stage), pd.Series([columns[t] for t in truth], index)
