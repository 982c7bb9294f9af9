"""What figures draw from, by hand: three groups of people, and tables changed as given."""

import numpy as np
import pandas as pd

from neuraxis.figures import model
from neuraxis.figures.given import Given

NORMAL = "normal-appearing"
LABELS = pd.Series({"thalamus": "Thalamus", "cord_csa": "Cord"})


def labelled(subtype, stage, expected=None, sure=None):
    """subtypes.tsv: subtype and stage (0: normal-appearing) of every person."""
    k = max(subtype)
    table = pd.DataFrame({"oof_subtype": subtype, "oof_stage": stage})
    table.insert(0, "participant_id", [f"p{i}" for i in range(len(table))])
    table["oof_expected_stage"] = expected if expected is not None else [s + 0.25 for s in stage]
    table["oof_normal_appearing"] = table["oof_stage"] == 0
    sure = sure if sure is not None else [0.8] * len(table)
    for c in range(1, k + 1):
        table[f"oof_p_subtype{c}"] = [
            p if s == c else (1 - p) / max(k - 1, 1) for s, p in zip(subtype, sure, strict=True)
        ]
    return table


def selection(chosen=2, gaps=(70.0, 40.0, 0.0, 8.0), errors=(30.0, 20.0, 0.0, 5.0), gaussian=25.0):
    """selection.tsv of these gaps of k = 0, 1, ..., and of one multivariate normal."""
    rows = [
        {"model": f"k{k}", "n_subtypes": k, "cvic": 1000 + g, "gap_cvic": g, "gap_se": e, "chosen": k == chosen}
        for k, (g, e) in enumerate(zip(gaps, errors, strict=True))
    ]
    if gaussian is not None:
        rows.append(
            {"model": "normal", "n_subtypes": -1, "cvic": 0, "gap_cvic": gaussian, "gap_se": 90.0, "chosen": False}
        )
    return pd.DataFrame(rows)


def given(names=("one", "two"), subtype=(1, 1, 1, 2, 2, 1), stage=(1, 3, 5, 2, 5, 0), k=None, **more):
    """Six people: three of subtype one, two of two, one normal-appearing; tables and attributes as given."""
    table = labelled(list(subtype), list(stage), more.pop("expected", None), more.pop("sure", None))
    staged = table[~table["oof_normal_appearing"]]["oof_subtype"].value_counts()
    known = pd.DataFrame({"subtype": range(1, len(names) + 1), "name": names, "fraction": 1 / len(names)})
    known["n_staged_oof"] = [int(staged.get(c, 0)) for c in known["subtype"]]
    k = len(names) if k is None else k
    gaps = tuple(10.0 * abs(i - k) for i in range(max(k, 2) + 1))
    tables = {"names": known, "subtypes": table, "selection": selection(k, gaps, gaps)}
    attributes = {
        n: more.pop(n)
        for n in ("where", "labels", "people", "outcomes", "maps", "traces", "name", "cord_levels")
        if n in more
    }
    tables |= {key.replace("__", "/"): value for key, value in more.items()}
    people = attributes.pop("people", pd.DataFrame(index=table["participant_id"]))
    return Given(**({"name": "MS", "tables": tables, "labels": LABELS, "people": people} | attributes))


def curves(rows, outcome="worsening", split="subtype"):
    """survival.tsv from group, years, survival, low, high, at_risk."""
    table = pd.DataFrame(rows, columns=["group", "years", "survival", "low", "high", "at_risk"])
    return table.assign(outcome=outcome, split=split, n_events=(table["survival"] < 1).astype(int))


def maps_of(groups: dict, column: str, **more) -> pd.DataFrame:
    """maps.tsv of these values by group and biomarker, n from 12 on in the order of the groups, rows shuffled."""
    rows = [
        {"group": g, "biomarker": b, "n": 12 + i, "mean_z": np.nan, "t": np.nan, "q": np.nan, column: v}
        for i, (g, values) in enumerate(groups.items())
        for b, v in values.items()
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=3).assign(**more)


def whole(k, where, labels, n=90, seed=0):
    """A disease of k subtypes with all its tables, names as long as real ones, and one outcome of every kind."""
    rng = np.random.default_rng(seed)
    words = ("cortical", "spinal cord 2", "subcortical", "cerebellar")[: max(k, 1)]
    shown = list(words) if len(words) > 1 else ["with atrophy"]
    subtype, stage = rng.integers(1, len(words) + 1, n), rng.integers(0, 12, n)
    people = pd.DataFrame(
        {"edss": rng.integers(0, 13, n) / 2, "relapses": rng.poisson(2, n), "years": rng.uniform(1, 9, n),
         "spms": rng.integers(0, 2, n), "lesion": rng.lognormal(8, 1, n)}, index=[f"p{i}" for i in range(n)],
    )  # fmt: skip
    outcomes = (
        {"name": "EDSS", "column": "edss", "type": "ordinal"},
        {"name": "relapses before the baseline visit", "column": "relapses", "type": "count", "exposure": "years"},
        {"name": "secondary progression", "column": "spms", "type": "binary"},
        {"name": "lesion volume", "column": "lesion", "type": "continuous", "transform": "log1p"},
    )
    thresholds = [(b, t) for b in labels.index for t in (1.0, 2.0)]
    places = rng.dirichlet(np.ones(len(thresholds)), (2, len(words), len(thresholds)))
    variance = [
        {"models": m, "subtype": c + 1, "biomarker": b, "threshold": t}
        | {f"place{i + 1}": p for i, p in enumerate(places[j, c, e])}
        for j, m in enumerate(("everyone", "folds"))
        for c in range(len(words))
        for e, (b, t) in enumerate(thresholds)
    ]
    survival, drugs = [], []
    for o in ("progression independent of relapse activity", "a first relapse on study"):
        for s in ("subtype", "stage", *(f"stage in {name}" for name in shown)):
            for g in [NORMAL, *shown] if s == "subtype" else [NORMAL, "early stages", "middle stages", "late stages"]:
                survival += [(o, s, g, y, 1 - 0.1 * y, 0.9 - 0.1 * y, 1.0, 40 - 9 * y, y) for y in range(5)]
        for name in shown:
            drugs += [(o, f"treatment in {name}", g, y, 1 - 0.1 * y, 0.9 - 0.1 * y, 1.0, 40 - 9 * y, y) for g in ("none", "oral") for y in range(5)]  # fmt: skip
    columns = ["outcome", "split", "group", "years", "survival", "low", "high", "at_risk", "n_events"]
    survival, drugs = pd.DataFrame(survival, columns=columns), pd.DataFrame(drugs, columns=columns)

    def test_rows(t):
        return t[["outcome", "split"]].drop_duplicates().assign(p=0.0123, n_events=31, n=87, reason="", n_smallest=20)

    effects = [
        {"family": "f", "outcome": o, "type": "survival" if "r" in o else "ordinal", "kind": kind, "contrast": f"{kind} {name}",
         "subtype": name, "against": against, "method": m, "effect": "HR", "estimate": 2.3, "low": 0.71, "high": 7.9, "p": 0.1,
         "q": 0.2, "n": 80, "n_events": 31, "n_group": 40, "n_against": 0 if kind == "stage" else 40, "reportable": m != "draws",
         "unit": "12.3 stages" if kind == "stage" else "", "warning": "", "reason": ""}
        for o in ("EDSS", "progression independent of relapse activity", "a first relapse on study")
        for kind, name, against in [
            *(("subtype", s, "the other subtypes") for s in (shown if k > 1 else ())), ("stage", "", ""),
            ("atrophy", "any atrophy", NORMAL),
        ]
        for m in ("weighted", "label", "draws")
    ]  # fmt: skip
    mapped = maps_of(
        {g: {b: i / 7 + j for i, b in enumerate(labels.index)} for j, g in enumerate([NORMAL, *shown])}, "mean_z"
    )
    mapped.loc[mapped["group"] != NORMAL, "t"] = mapped["mean_z"] - 2
    mapped["q"] = np.where(mapped["mean_z"] > 2, 0.01, 0.4)
    stage_curves = pd.DataFrame(
        [{"outcome": "EDSS", "subtype": s, "stage": x, "fit": 2 + x / 4, "low": 1 + x / 4, "high": 3 + x / 4, "n": 40, "model": "proportional odds",
          "kendall_tau": 0.2, "tau_low": 0.1, "tau_high": 0.3, "tau_p": 0.01} for s in shown for x in range(12)]
    )  # fmt: skip
    groups = [NORMAL, *shown]
    gaps = pd.DataFrame(
        {"n_subtypes": range(5), "cvic": 1000.0 + np.arange(5), "gap_cvic": [300.0, 40, 9, 0, 12], "gap_se": 8.0}
    )
    tables = {
        "heldout_folds": pd.DataFrame({"fold": [0, 1], **{f"k{i}": [-5.0 * i, -7.0] for i in range(5)}}),
        "selection": pd.concat([gaps.assign(chosen=gaps["n_subtypes"] == k), pd.DataFrame([{"n_subtypes": -1, "cvic": 1, "gap_cvic": -900.0, "gap_se": 9.0, "chosen": False}])]),
        "variants": gaps.assign(variant="smooth-independent", chosen=False, cvic=gaps["cvic"] * 1.1),
        "negative_control": gaps.assign(variant="smooth-controls", chosen=gaps["n_subtypes"] == 0, n_people=365),
        "positional_variance": pd.DataFrame(variance),
        "progression": pd.DataFrame([{"subtype": c + 1, "stage": s, "biomarker": b, "z": s / 5 + c} for c in range(len(words)) for s in range(12) for b in labels.index]),
        "diagnostics": pd.DataFrame({"r_hat": rng.uniform(1, 1.009, 40), "ess": rng.uniform(500, 2000, 40)}),
        "clinical__maps": mapped,
        "clinical__associations": pd.DataFrame(effects),
        "clinical__stage_curves": stage_curves,
        "clinical__survival": survival,
        "clinical__logrank": test_rows(survival),
        "clinical__treatment_survival": drugs,
        "clinical__treatment_logrank": test_rows(drugs),
        "clinical__prediction": pd.DataFrame({"outcome": "a first relapse on study", "model": ["clinical", "+ stage"], "n": 80, "n_events": 30, "c": 0.6, "c_low": 0.5, "c_high": 0.7, "slope": 0.8}),
        "clinical__transitions": pd.DataFrame([{"source": a, "target": b, "n": 3 + i} for i, a in enumerate(groups) for b in groups]),
        "clinical__slopes": pd.DataFrame([{"group": g, "quantity": q, "slope": 0.2, "low": 0.1, "high": 0.3, "n_people": 30} for g in groups for q in ("stage", "mean z")]),
        "calibration": pd.DataFrame([{"labels": w, "quantity": q, "class": c, "n": 20, "stated": 0.2 + 0.3 * i, "observed": 0.25 + 0.3 * i, "low": 0.1 + 0.3 * i, "high": 0.35 + 0.3 * i} for w in ("out of fold", "in sample") for q in (*model.RELIABILITY, model.INTERVALS) for i, c in enumerate(("0 to 0.4", "0.4 to 1"))]),
        "crossdisease__similarity": pd.DataFrame([("NMOSD", "x", "MS", s, 0.5) for s in words], columns=["disease_a", "name_a", "disease_b", "name_b", "tau"]).assign(tau_chance=0.2, converged_a=True, converged_b=True),
        "normative__zscores": pd.DataFrame(rng.normal(0, 1, (60, len(labels))), columns=labels.index).assign(group="HC"),
        "normative__diagnostics": pd.DataFrame([{"biomarker": b, "check": "site", "part": f"site{s:02d}", "mean": 0.1 * s, "sd": 1.0, "harmonisation": w} for b in labels.index for s in range(10) for w in ("before", "after")]),
        "normative__covariance": pd.DataFrame([{"biomarker": a, "other": b, "n": 60 - (i == j), "correlation": 1.0 if a == b else 0.3, "n_controls": 60, "shrinkage": 0.03, "condition_number": 20.0} for i, a in enumerate(labels.index) for j, b in enumerate(labels.index) if j <= i]),
    }  # fmt: skip
    return given(words, subtype, stage, k=k, where=where, labels=labels, people=people, outcomes=outcomes,
                 traces=rng.normal(-100, 1, (4, 50)), **tables)  # fmt: skip
