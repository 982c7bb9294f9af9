"""Small studies by hand, from which tests change one thing at a time."""

from copy import deepcopy

import numpy as np
import pandas as pd
import yaml

from neuraxis.report.facts import Disease, Study, Tables

CONFIG = {
    "cohort": {"control": "HC", "diseases": ["MS"]},
    "features": {"source": "table", "use": "all", "exclude_rules": ["implausible eTIV"], "sct": ""},
    "normative": {
        "age": "spline", "age_by_sex": True, "head_size": "covariate", "site": "fixed", "robust": False, "sd": "constant",
        "folds": 10,
    },
    "sustain": {
        "thresholds": [1, 2, 3], "choose_thresholds": True, "min_people": 10, "z_max": 5, "max_subtypes": 4,
        "n_subtypes": "auto", "folds": 5, "n_startpoints": 4, "n_samples": 20000, "n_doublings": 4, "n_samples_folds": 2000, "n_chains": 4,
        "stage_prior": "smooth", "noise": "controls", "healthy": True,
    },
    "clinical": {"n_draws": 20, "prediction": {"clinical": ["age", "sex"], "folds": 5, "repeats": 5, "horizon": 2}, "outcomes": [{"name": "EDSS", "column": "edss", "type": "ordinal"}]},
}  # fmt: skip


def selection(chosen=2, gaps=None, gaussian=None, healthy=None):
    """A selection of k = 0 to 4 with these distances from the best (CVIC); log-likelihoods fit them."""
    gaps = gaps or {0: 300.0, 1: 90.0, 2: 0.0, 3: 12.5, 4: 31.0}
    rows = [
        {"model": f"k{k}", "n_subtypes": k, "cvic": 5000 + gap, "gap_cvic": gap, "gap_se": 4.0 if gap else 0.0,
         "heldout_loglik": -(5000 + gap) / 2, "chosen": k == chosen, "reason": ""}
        for k, gap in gaps.items()
    ]  # fmt: skip
    if healthy is not None:
        rows[0]["heldout_loglik"] = rows[chosen]["heldout_loglik"] + healthy
    if gaussian is not None:
        row = rows[0] | {"model": "one multivariate normal", "n_subtypes": -1, "chosen": False}
        rows.append(row | {"heldout_loglik": rows[chosen]["heldout_loglik"] + gaussian})
    return pd.DataFrame(rows)


def people(sizes=(30, 50), normal=20, names=("one", "two"), stages=None, sure=0.95):
    """subtypes.tsv of so many people per subtype, at stages 1, 2, 3, ... over and over unless given, and so many healthy."""
    rows = []
    for c, n in enumerate(sizes, start=1):
        for i in range(n):
            stage = stages[c - 1][i % len(stages[c - 1])] if stages else 1 + i % 10
            p = {
                f"oof_p_subtype{j + 1}": sure if j + 1 == c else (1 - sure) / max(len(sizes) - 1, 1)
                for j in range(len(sizes))
            }
            rows.append(
                {"oof_subtype": c, "oof_stage": stage, "oof_normal_appearing": False, "oof_p_healthy": 0.02} | p
            )
    for _ in range(normal):
        p = {f"oof_p_subtype{j + 1}": 1 / len(sizes) for j in range(len(sizes))}
        rows.append({"oof_subtype": 1, "oof_stage": 0, "oof_normal_appearing": True, "oof_p_healthy": 0.9} | p)
    table = pd.DataFrame(rows)
    for c in range(len(sizes)):
        table[f"oof_p_staged_subtype{c + 1}"] = table[f"oof_p_subtype{c + 1}"] * (1 - table["oof_p_healthy"])
    table["oof_expected_stage"] = table["oof_stage"] + 0.25
    table["oof_stage_low"], table["oof_stage_high"] = (table["oof_stage"] - 2).clip(lower=0), table["oof_stage"] + 3
    table.insert(0, "participant_id", [f"sub-{i:03d}" for i in range(len(table))])
    return table


def names(sizes=(30, 50), words=("cortical", "spinal cord")):
    """names.tsv: the second subtype has more people than the first."""
    return pd.DataFrame(
        [
            {"subtype": c, "name": word, "fraction": 1 / len(sizes), "n_staged_oof": n, "rule": "a rule"}
            for c, (n, word) in enumerate(zip(sizes, words, strict=True), start=1)
        ]
    )


def diagnostics(r_hat=1.001, ess=900.0):
    """One quantity."""
    return pd.DataFrame(
        [{"quantity": "log_likelihood", "subtype": 0, "event": "", "sd": 1.0, "ess": ess, "r_hat": r_hat}]
    )


def association(**changes):
    """A clinical result that is told, changed as given."""
    row = {
        "family": "disability", "outcome": "EDSS", "type": "ordinal", "kind": "subtype",
        "contrast": "cortical against the other subtypes", "subtype": "cortical", "against": "the other subtypes",
        "method": "weighted", "effect": "OR", "estimate": 2.5, "low": 1.31, "high": 4.77, "p": 0.004, "q": 0.012, "n": 80,
        "n_events": 0, "n_group": 30, "n_against": 50, "covariates": "age, sex", "unit": "", "reportable": True,
        "warning": "", "reason": "",
    }  # fmt: skip
    return row | changes


def nuisance(p=0.4, **reasons):
    """nuisance.tsv with this p of subtype with site, 0.9 elsewhere; a reason leaves a row untested."""
    rows = []
    for label in ("subtype", "stage"):
        for variable in ("site", "sex"):
            value = p if (label, variable) == ("subtype", "site") else 0.9
            reason = reasons.get(f"{label}_{variable}", "")
            value = np.nan if reason else value
            rows.append(
                {"label": label, "variable": variable, "effect": "Cramer's V", "estimate": 0.31, "p": value,
                 "p_holm": value, "n": 80, "reason": reason}
            )  # fmt: skip
    return pd.DataFrame(rows)


def disease(config=None, simulated=False, **tables):
    """MS with two subtypes of 30 and 50 people, converged, changed as given; a table of None is absent."""
    given = {
        "selection": selection(),
        "names": names(),
        "subtypes": people(),
        "diagnostics": diagnostics(),
        "controls": pd.DataFrame({"quantity": ["share of controls at stage 1 or above"], "value": [0.04]}),
        "stability": pd.DataFrame({"subtype": [1, 2, 1, 2], "tau": [0.9, 0.8, 0.86, 0.82], "tau_chance": 0.1}),
        "starts": pd.DataFrame({"polished_log_likelihood": [-10.0, -12.5], "label_disagreement": [0.0, 0.01]}),
        "baselines": pd.DataFrame([{"baseline": "mean z", "people": "staged", "value": 0.6}]),
        "negative_control": pd.DataFrame(
            [
                {"variant": "smooth-controls", "n_subtypes": k, "chosen": k == 0, "n_people": 90, "note": np.nan}
                for k in (0, 1)
            ]
        ),
        "clinical/nuisance": nuisance(),
        "clinical/associations": pd.DataFrame([association()]),
    } | tables
    known = {k: pd.DataFrame() if v is None else v for k, v in given.items()}
    merged = deepcopy(CONFIG)
    for section, values in (config or {}).items():
        merged[section] |= values
    labels = pd.Series({"frontal": "Frontal cortex", "cord_csa": "Cord area", "thalamus": "Thalamus"})
    systems = pd.Series({"frontal": "cortical", "cord_csa": "spinal cord", "thalamus": "subcortical"})
    return Disease("MS", Tables(None, known), merged, "HC", simulated, labels, systems=systems)


BIOMARKERS = pd.DataFrame(
    {
        "biomarker": ["cord_csa", "frontal", "thalamus"],
        "label": ["Cord area", "Frontal cortex", "Thalamus"],
        "kind": ["cord", "labels", "labels"],
        "labels": [[], [1028, 2028], [10, 49]],
        "system": ["spinal cord", "cortical", "subcortical"],
    }
)


def study(diseases=None, config=None, sites=("a", "b"), biomarkers=BIOMARKERS, sexes="FM", **tables):
    """100 people with MS and 60 controls at these sites in turn, the cord measured, changed as given."""
    merged = deepcopy(CONFIG)
    for section, values in (config or {}).items():
        merged[section] |= values
    group = ["MS"] * 100 + ["HC"] * 60
    listed = pd.DataFrame(
        {"participant_id": [f"sub-{i:03d}" for i in range(160)], "group": group, "age": 40.0, "sex": [sexes[i % len(sexes)] for i in range(160)],
         "site": [sites[i % len(sites)] for i in range(160)]}
    )  # fmt: skip
    flow = pd.DataFrame(
        [{"step": "listed", "group": g, "n": n, "excluded": 0, "who": ""} for g, n in (("HC", 60), ("MS", 100))]
    )
    given = {
        "cohort/participants": listed,
        "cohort/flow": flow,
        "features/flow": flow.iloc[:0],
        "features/qc": pd.DataFrame(columns=["participant_id", "rule", "decision"]),
        "features/measures": pd.DataFrame(columns=["participant_id", "cord_csa", "frontal", "thalamus"]),
        "normative/zscores": listed[["participant_id", "group"]].assign(cord_csa=1.0, frontal=0.2, thalamus=0.1),
        "normative/diagnostics": pd.DataFrame({"harmonisation": ["after"] * 4, "passed": [True, True, True, False]}),
        "normative/covariance": pd.DataFrame(),
        "cohort/visits": pd.DataFrame(),
    } | tables
    found = [disease(config=config)] if diseases is None else diseases
    return Study(Tables(None, given), merged, found, biomarkers, {"config": merged}, "HC", False)


def load(path):
    """A YAML file."""
    return yaml.safe_load(path.read_text())
