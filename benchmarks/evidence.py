"""What the published model, and ours, find in healthy people: public controls; writes benchmarks/evidence.tsv.

    python benchmarks/evidence.py BRAIN_TABLE [--seeds N]

BRAIN_TABLE: FreeSurfer volumes of public data sets with dataset, diagnosis (HC), age, sex and eTIV
(openneuro_fs_volumes_thickness.csv.gz, made from ReproNim/OpenNeuroDerivatives-NIDM, CC0). Half of the controls give norms
(age, age^2, sex, eTIV, data set) and covariance, the other half is modelled, every data set split evenly. Then data drawn
from a multivariate normal with r = .3 between 18 regions, and patients with the study's event orders: how often the rule
says how many subtypes.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

warnings.simplefilter("ignore")
ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "resources"))
from make_healthy_correlation import people_of, volumes  # noqa: E402
from sklearn.covariance import OAS  # noqa: E402

from neuraxis.sustain import Variant, ZScoreEvents, cross_validate  # noqa: E402

#: Effort of every selection: plug-in maximum likelihood, as in a quick look.
EFFORT = {"folds": 5, "n_startpoints": 4, "n_samples": 0}
PUBLISHED = Variant("uniform", healthy=False)


def variants(covariance):
    return {
        "as published (independent, flat prior)": PUBLISHED,
        "independent noise, smooth weights": Variant(),
        "controls' covariance, healthy component": Variant(covariance=covariance),
    }


def public_controls(path: str) -> tuple[pd.DataFrame, np.ndarray, int]:
    """z of half of the controls by norms of the other half, and those others' covariance."""
    table = pd.read_csv(path, low_memory=False)
    table = table[table["diagnosis"] == "HC"]
    names = pd.read_csv(ROOT / "resources/labels.tsv", sep="\t", index_col=0).iloc[:, 0]
    people, values = (
        people_of(table, "eTIV", "dataset"),
        volumes(table, pd.read_csv(ROOT / "resources/biomarkers.tsv", sep="\t"), names),
    )
    known = people.notna().all(axis=1) & values.notna().all(axis=1)
    people, values = people[known], values[known]
    order = np.random.default_rng(1).permutation(len(people))
    rank = pd.Series(order, index=people.index).groupby(people["site"]).rank(method="first")
    norm = (rank % 2 == 0).to_numpy()
    age = (people["age"] - 45) / 10
    terms = pd.DataFrame(
        {"one": 1.0, "age": age, "age2": age**2, "male": people["sex"] == "M", "etiv": people["etiv"] / 1e6}
    )
    terms = terms.join(pd.get_dummies(people["site"], drop_first=True)).astype(float).to_numpy()
    fit, *_ = np.linalg.lstsq(terms[norm], values[norm].to_numpy(float), rcond=None)
    left = values - terms @ fit
    z = -left / left[norm].std(ddof=terms.shape[1])
    return z[~norm], OAS(assume_centered=True).fit(z[norm].to_numpy()).covariance_, int(norm.sum())


def selections(X, events, tried, what, max_subtypes, seed=1) -> list[dict]:
    rows = []
    for name, variant in tried.items():
        t = time.perf_counter()
        cv = cross_validate(X, events, max_subtypes, variants=[variant], seed=seed, **EFFORT)
        held = cv.selection.set_index("n_subtypes")["heldout_loglik"]
        row = {"what": what, "variant": name, "n": len(X), "seed": seed, "chosen": cv.chosen()}
        row |= {f"k{k}": held[k] for k in range(max_subtypes + 1)} | {"gaussian": held.get(-1)}
        rows.append(row | {"seconds": time.perf_counter() - t})
        print(rows[-1], flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("--seeds", type=int, default=20)
    arguments = parser.parse_args()
    z, covariance, n_norm = public_controls(arguments.table)
    events = ZScoreEvents([1.0, 2.0, 3.0], 5.0, biomarkers=list(z.columns))
    rows = selections(z, events, variants(covariance), f"public controls, norms and covariance from {n_norm} others", 3)
    r = np.full((18, 18), 0.3) + 0.7 * np.eye(18)
    for seed in range(arguments.seeds):
        X = np.random.default_rng(seed).multivariate_normal(np.zeros(18), r, 400)
        ours = {"controls' covariance, healthy component": Variant(covariance=r)}
        rows += selections(X, events, ours, "multivariate normal, r = .3", 2, seed)
    table = pd.DataFrame(rows)
    table.to_csv(Path(__file__).with_name("evidence.tsv"), sep="\t", index=False, float_format="%.5g")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
