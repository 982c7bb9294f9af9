"""What figures draw from, by hand: three groups of people, and tables changed as given."""

import numpy as np
import pandas as pd

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
        n: more.pop(n) for n in ("where", "labels", "people", "outcomes", "maps", "traces", "name") if n in more
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
