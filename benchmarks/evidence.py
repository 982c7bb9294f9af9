"""What the published model, and ours, find in healthy people: public controls; writes benchmarks/evidence.tsv.

    python benchmarks/evidence.py BRAIN_TABLE [--seeds N] [--only WORD ...]

BRAIN_TABLE: one row a person: dataset, diagnosis (HC: who is not is left out), age, sex (M, F), eTIV, and the volumes of
FreeSurfer's tables under their own names (Left-Thalamus or Left-Thalamus-Proper, lhCerebralWhiteMatterVol,
lh_superiorfrontal_volume, ...); who lacks one is left out. docs/evidence.md says which public files it is made of. Half of
the controls give norms (age, age^2, sex, eTIV, data set) and covariance, the other half is modelled, every data set split
evenly: held-out log-likelihood of every variant, and how long `negative_control` takes for everyone. Then who the three
subtypes of the published model are, fitted to that half: benchmarks/evidence_people.tsv. Then data drawn from a multivariate
normal with r = .3 between 18 regions: how often the rule says how many subtypes.

--only: what has one of these words in its name; rows of the others stay as they are. Seconds are the processor's.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency, kruskal

warnings.simplefilter("ignore")
ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "resources"))
from make_healthy_correlation import people_of, volumes  # noqa: E402
from sklearn.covariance import OAS  # noqa: E402

from neuraxis.sustain import Variant, ZScoreEvents, cross_validate, fit, negative_control  # noqa: E402
from neuraxis.sustain.naming import name_subtypes  # noqa: E402

#: Effort of every selection: plug-in maximum likelihood, as in a quick look.
EFFORT = {"folds": 5, "n_startpoints": 4, "n_samples": 0}
PUBLISHED = Variant("uniform", healthy=False)
TABLE, PEOPLE = (Path(__file__).with_name(name) for name in ("evidence.tsv", "evidence_people.tsv"))
CONTROL = "negative_control, norms of one half for the other"


def variants(covariance):
    return {
        "as published (independent, flat prior)": PUBLISHED,
        "independent noise, smooth weights": Variant(),
        "controls' covariance, healthy component": Variant(covariance=covariance),
        "adapted covariance, healthy component": Variant(noise="adapted", covariance=covariance),
    }


def public_controls(path: str) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray, pd.DataFrame]:
    """One half's people and z by norms of the other half, the other half's covariance, and all z by norms of the half not in."""
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
    first = (rank % 2 == 0).to_numpy()
    age = (people["age"] - 45) / 10
    terms = pd.DataFrame(
        {"one": 1.0, "age": age, "age2": age**2, "male": people["sex"] == "M", "etiv": people["etiv"] / 1e6}
    )
    terms = terms.join(pd.get_dummies(people["site"], drop_first=True)).astype(float).to_numpy()

    def by_norms_of(norm: np.ndarray) -> pd.DataFrame:
        fitted, *_ = np.linalg.lstsq(terms[norm], values[norm].to_numpy(float), rcond=None)
        left = values - terms @ fitted
        return -left / left[norm].std(ddof=terms.shape[1])

    z, swapped = by_norms_of(first), by_norms_of(~first)
    covariance = OAS(assume_centered=True).fit(z[first].to_numpy()).covariance_
    return people[~first], z[~first], covariance, pd.concat([z[~first], swapped[first]]).sort_index()


def selections(X, events, tried, what, max_subtypes, seed=1) -> list[dict]:
    rows = []
    for name, variant in tried.items():
        t = time.process_time()
        cv = cross_validate(X, events, max_subtypes, variants=[variant], seed=seed, **EFFORT)
        row = {"what": what, "variant": name, "n": len(X), "seed": seed, "chosen": cv.chosen()}
        rows.append(row | heldout(cv.selection, max_subtypes) | {"seconds": time.process_time() - t})
        print(rows[-1], flush=True)
    return rows


def heldout(selection: pd.DataFrame, max_subtypes: int) -> dict:
    """Held-out log-likelihoods by number of subtypes, and the multivariate normal's."""
    held = selection.set_index("n_subtypes")["heldout_loglik"]
    return {f"k{k}": held[k] for k in range(max_subtypes + 1)} | {"gaussian": held.get(-1)}


def one_call(everyone: pd.DataFrame) -> list[dict]:
    """The check that anybody can make of their own controls, timed as a whole; both its variants."""
    t = time.process_time()
    found = negative_control(everyone, n_samples=0, n_startpoints=4)
    seconds = time.process_time() - t
    print(found.sentence(), f"{seconds:.0f} processor seconds", flush=True)
    return [
        {"what": CONTROL, "variant": name, "n": int(part["n_people"].iloc[0]), "seed": 1, "chosen": found.chosen(name)}
        | heldout(part, 3)
        | {"seconds": seconds}
        for name, part in found.selection.groupby("variant", sort=False)
    ]


def cramers_v(a: pd.Series, b: pd.Series) -> tuple[float, float]:
    """Cramer's V of two labels and the chi-square test's p."""
    table = pd.crosstab(a, b)
    test = chi2_contingency(table, correction=False)
    return float(np.sqrt(test.statistic / table.to_numpy().sum() / (min(table.shape) - 1))), float(test.pvalue)


def who_they_are(z: pd.DataFrame, people: pd.DataFrame, events: ZScoreEvents, r: pd.DataFrame) -> pd.DataFrame:
    """The published model's three subtypes of healthy people: their orders, who is of them, and what goes with them.

    `r`: correlation of the regions in the other half of the healthy people.
    """
    effort = {name: EFFORT[name] for name in ("n_startpoints", "n_samples")}
    model = fit(z, events, 3, covariance="independent", stage_prior="uniform", healthy=False, seed=1, **effort)
    labels = model.assign(z)
    staged = labels["stage"] > 0
    place = np.argsort(model.sequences, axis=1)
    order = pd.DataFrame(
        [
            (c + 1, z.columns[b], v, place[c, e] + 1)
            for c in range(3)
            for e, (b, v) in enumerate(zip(events.biomarker, events.value, strict=True))
        ],
        columns=["subtype", "biomarker", "threshold", "mean_position"],
    )
    systems = pd.read_csv(ROOT / "resources/biomarkers.tsv", sep="\t").set_index("biomarker")["system"]
    names = name_subtypes(order, systems)

    def mean_r(regions) -> float:
        return float(r.loc[regions, regions].to_numpy()[np.triu_indices(len(regions), 1)].mean())

    rows = [
        {"quantity": "mean correlation of all regions", "n": len(r), "value": mean_r(r.index)},
        {"quantity": "staged (stage >= 1)", "n": staged.sum(), "value": staged.mean()},
        {"quantity": "median stage of the staged", "n": staged.sum(), "value": labels["stage"][staged].median()},
    ]
    for c, name in names.items():
        mine = staged & (labels["subtype"] == c)
        first = order[order["subtype"] == c].sort_values("mean_position").head(6)
        regions = first["biomarker"].unique()
        rows += [
            {"quantity": "share of the staged", "n": mine.sum(), "value": mine.sum() / staged.sum()},
            {"quantity": "mean probability of the subtype", "value": labels.loc[mine, f"p_subtype{c}"].mean()},
            {"quantity": "mean age", "value": people.loc[mine, "age"].mean()},
            {"quantity": "share of women", "value": (people.loc[mine, "sex"] == "F").mean()},
            {"quantity": "mean correlation of the first regions", "n": len(regions), "value": mean_r(regions)},
            {
                "quantity": "first events",
                "words": ", ".join(f"{b} {v:g}" for b, v in zip(first["biomarker"], first["threshold"], strict=True)),
            },
        ]
        for row in rows[-6:]:
            row |= {"subtype": c, "name": name}
    of, who = labels.loc[staged, "subtype"], people[staged]
    ages = [part for _, part in who["age"].groupby(of)]
    rank = kruskal(*ages)
    for quantity, (value, p) in {
        "subtype with data set, Cramer's V": cramers_v(of, who["site"]),
        "subtype with sex, Cramer's V": cramers_v(of, who["sex"]),
        # share of the variance of the ranks that lies between subtypes
        "subtype with age, eta^2 of ranks": (rank.statistic / (len(who) - 1), rank.pvalue),
    }.items():
        rows.append({"quantity": quantity, "n": len(who), "value": value, "p": p})
    return pd.DataFrame(rows, columns=["quantity", "subtype", "name", "n", "value", "p", "words"]).astype(
        {"subtype": "Int64", "n": "Int64"}
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORD")
    arguments = parser.parse_args()

    def wanted(name: str) -> bool:
        return any(word in name for word in arguments.only)

    people, z, covariance, everyone = public_controls(arguments.table)
    events = ZScoreEvents([1.0, 2.0, 3.0], 5.0, biomarkers=list(z.columns))
    what = f"public controls, norms and covariance from {len(everyone) - len(z)} others"
    rows = selections(z, events, {k: v for k, v in variants(covariance).items() if wanted(k)}, what, 3)
    if wanted(CONTROL):
        rows += one_call(everyone)
    if wanted("people"):
        sd = np.sqrt(np.diag(covariance))
        r = pd.DataFrame(covariance / np.outer(sd, sd), index=z.columns, columns=z.columns)
        found = who_they_are(z, people, events, r)
        found.to_csv(PEOPLE, sep="\t", index=False, float_format="%.3g")
        print(found.to_string(index=False))
    equal = np.full((18, 18), 0.3) + 0.7 * np.eye(18)
    normal = "multivariate normal, r = .3"
    for seed in range(arguments.seeds if wanted(normal) else 0):
        X = np.random.default_rng(seed).multivariate_normal(np.zeros(18), equal, 400)
        ours = {"controls' covariance, healthy component": Variant(covariance=equal)}
        rows += selections(X, events, ours, normal, 2, seed)
    if not rows:
        return
    table = pd.DataFrame(rows)
    if TABLE.exists():
        same = ["what", "variant", "seed"]
        table = pd.concat([pd.read_csv(TABLE, sep="\t"), table]).drop_duplicates(same, keep="last")
        # public people first, then the one call, then drawn people
        place = [what, CONTROL, normal]
        table = table.sort_values("what", key=lambda v: v.map(place.index), kind="stable")
    table.to_csv(TABLE, sep="\t", index=False, float_format="%.5g")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
