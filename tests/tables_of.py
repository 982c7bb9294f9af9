"""Tables of a few rows made by hand, right in every cell, and what the checks find in them."""

import re
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from neuraxis.checks_results import CHECKS, Study
from neuraxis.labels import NORMAL


def problems(root, rule, tables, diseases=("MS",)):
    """What a check finds in tables that lie in memory, and as empty files where it looks for them."""
    root = Path(tempfile.mkdtemp(dir=root))
    study = Study(root, diseases)
    for path, frame in tables.items():
        at = root / path
        at.parent.mkdir(parents=True, exist_ok=True)
        at.touch()
        study.known[path] = frame.reset_index(drop=True)
    name = next(r for r in CHECKS if rule in r)
    found = list(CHECKS[name](study))
    assert {p.rule for p in found} <= {name}
    return found


def rows(found, words=""):
    """Numbers of the rows that are named, of problems with some words."""
    return sorted(int(n) for p in found if words in p.words for n in re.findall(r"row (\d+)", p.row))


def labelled(**changes):
    """Four people's labels, right in every column."""
    frame = pd.DataFrame(
        {
            "participant_id": list("abcd"), "subtype": [1, 2, 2, 1], "p_subtype1": [0.9, 0.3, 0.49999, 0.5],
            "p_subtype2": [0.1, 0.7, 0.50001, 0.5], "p_staged_subtype1": [0.45, 0.27, 0.3, 0.1],
            "p_staged_subtype2": [0.05, 0.63, 0.3, 0.1], "p_healthy": [0.5, 0.1, 0.4, 0.8], "stage": [3, 2, 1, 0],
            "stage_low": [3, 0, 1, 0], "stage_high": [3, 4, 2, 0], "normal_appearing": [False, False, False, True],
            "confident": [True] * 4,
        }
    )  # fmt: skip
    for name, values in changes.items():
        frame[name] = values
    return frame


def of_fold(frame):
    """The same columns for everyone's model and out of fold."""
    return frame.join(frame.drop(columns="participant_id").add_prefix("oof_"))


#: Held-out log densities of ten people under a Gaussian and none to three subtypes.
DENSE = pd.DataFrame(
    {
        "participant_id": list("abcdefghij"), "fold": [0, 1] * 5,
        "gaussian": [-9.0, -8, -9, -7, -9, -8, -9, -8, -9, -8], "k0": [-8.0, -9, -7, -9, -8, -8, -9, -7, -9, -8],
        "k1": [-5.0, -6, -6, -7, -5, -6, -6, -5, -7, -6], "k2": [-5.0, -5, -6, -6, -5, -5, -6, -5, -6, -6],
        "k3": [-5.0, -5, -6, -5, -5, -5, -6, -5, -6, -6],
    }
)  # fmt: skip


def selection(chosen, dense=DENSE, reason="taken"):
    """The table of the numbers of subtypes by the plain formulas."""
    out = []
    ks = [-1, *[int(c[1:]) for c in dense if re.fullmatch(r"k\d", c)]]
    lpd = {k: dense["gaussian" if k < 0 else f"k{k}"].tolist() for k in ks}
    best = max((k for k in ks if k >= 0), key=lambda k: sum(lpd[k]))

    def spread(v):
        return float(np.sqrt(len(v)) * np.std(v, ddof=1))

    for k in ks:
        gap = [-2 * (a - b) for a, b in zip(lpd[k], lpd[best], strict=True)]
        step = [-2 * (a - b) for a, b in zip(lpd[k], lpd[k - 1], strict=True)] if k > 0 else [np.nan] * 2
        out.append(
            {"model": f"m{k}", "n_subtypes": k, "cvic": -2 * sum(lpd[k]), "cvic_se": 2 * spread(lpd[k]),
             "heldout_loglik": sum(lpd[k]), "delta_cvic": sum(step), "delta_se": spread(step), "gap_cvic": sum(gap),
             "gap_se": spread(gap), "chosen": k == chosen, "reason": reason if k == chosen else None}
        )  # fmt: skip
    return pd.DataFrame(out)


def folds_of(dense):
    sums = dense.drop(columns="participant_id").groupby("fold").sum().reset_index()
    return sums.assign(n_people=dense.groupby("fold").size().to_numpy())


def chosen_of(root, table, dense=DENSE, where="sustain/MS", folds=None):
    at = {"heldout": dense, "selection": table, "heldout_folds": folds_of(dense) if folds is None else folds}
    return problems(root, "selection follows", {f"{where}/{n}.tsv": t for n, t in at.items()})


def clinical_of():
    """Five people in two groups and normal-appearing, one with three scans and one with two."""
    z = pd.DataFrame(
        {"participant_id": list("abcde"), "group": "MS", "u": [1.0, 2, 4, 8, 16], "v": [0.5, np.nan, 1, 2, 3]}
    )
    people = pd.DataFrame(
        {"participant_id": list("edcba"), "oof_subtype": [1, 1, 2, 2, 1], "oof_stage": [1, 2, 1, 3, 0],
         "oof_normal_appearing": [False, False, False, False, True]}
    )  # fmt: skip
    maps = [
        ("one", "u", 12.0, 2),
        ("one", "v", 2.5, 2),
        ("two", "u", 3.0, 2),
        ("two", "v", 1.0, 1),
        (NORMAL, "u", 1.0, 1),
    ]
    scans = [("a", "baseline", 0, NORMAL), ("a", "t1", 1, "one"), ("a", "t2", 2, "one"), ("c", "baseline", 0, "two"),
             ("c", "t1", 1.5, "one"), ("e", "baseline", 0, "one")]  # fmt: skip
    moves = [(NORMAL, "one", 1), ("one", "one", 1), ("two", "one", 1), ("one", "two", 0)]
    effects = {
        "outcome": list("opqrs"),
        "contrast": "c",
        "method": "m",
        "subtype": ["one", "any atrophy", None, "two", ""],
    }
    effects |= {"against": ["two", NORMAL, "the other subtypes", None, ""], "estimate": [1.0, 2, 3, np.nan, 4]}
    effects |= {"reason": [None, None, "few", "too few people", None]}
    curve = {
        "outcome": "o",
        "split": "s",
        "group": list("xxxyyx"),
        "years": [0, 1, 2, 0, 5.0, 3],
        "at_risk": [9, 8, 8, 4, 1, 2],
    }
    curve |= {"survival": [1, 0.9, 0.9, 1, 0.2, 0.5], "n_events": [0, 1, 1, 0, 3, 4]}
    return {
        "normative/zscores.tsv": z,
        "sustain/MS/subtypes.tsv": people,
        "sustain/MS/names.tsv": pd.DataFrame({"subtype": [1, 2], "name": ["one", "two"]}),
        "clinical/MS/maps.tsv": pd.DataFrame(maps, columns=["group", "biomarker", "mean_z", "n"]),
        "clinical/MS/associations.tsv": pd.DataFrame(effects),
        "clinical/MS/scans.tsv": pd.DataFrame(scans, columns=["participant_id", "session_id", "years", "group"]),
        "clinical/MS/transitions.tsv": pd.DataFrame(moves, columns=["source", "target", "n"]),
        "clinical/MS/survival.tsv": pd.DataFrame(curve),
        "clinical/MS/treatment_survival.tsv": pd.DataFrame(curve),
    }
