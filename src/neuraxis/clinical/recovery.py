"""Planted and recovered: the same models with the simulated people's true subtypes and stages."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..labels import NORMAL, Labels
from .associations import associations
from .contrasts import OTHERS

COLUMNS = (
    *("outcome", "kind", "subtype", "against", "effect", "planted", "planted_low", "planted_high", "weighted"),
    *("weighted_low", "weighted_high", "label", "label_low", "label_high", "same_direction", "covered"),
)


def true_labels(truth: pd.DataFrame, names: dict[str, str]) -> Labels:
    """Labels of people whose subtype and stage are known.

    Parameters
    ----------
    truth : DataFrame
        Indexed by participant_id; subtype (NA: none), stage.
    names : dict of str to str
        True subtype to the name the results use.
    """
    group = truth["subtype"].map(names).where(truth["stage"].astype(float) > 0, NORMAL).fillna(NORMAL)
    columns = [NORMAL, *dict.fromkeys(names.values())]
    probability = pd.DataFrame({c: (group == c).astype(float) for c in columns})
    return Labels(group, probability, truth["stage"].astype(float))


def planted_and_recovered(
    outcomes, people: pd.DataFrame, labels: Labels, true: Labels, controls: pd.DataFrame
) -> pd.DataFrame:
    """Every contrast that has the same name with true and with found labels.

    Returns
    -------
    DataFrame
        outcome, kind, subtype, against, effect, planted (estimate with the true labels of the same people) with its 95 %
        interval, weighted and label (found) with theirs, same_direction, covered (the weighted interval holds the planted
        estimate). Stages are per SD of the true and of the found stage.
    """
    keys = ["outcome", "kind", "subtype", "against"]
    options = {"controls": controls, "n_draws": 0}
    found = associations(outcomes, people, labels, **options)
    planted = associations(outcomes, people, true, **options)
    if found.empty or planted.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    shown = (found["against"] == OTHERS) | (found["kind"].isin(["stage", "atrophy"]))
    if not (found["against"] == OTHERS).any():
        shown |= found["kind"] == "subtype"
    numbers = ["estimate", "low", "high"]
    out = found[(found["method"] == "weighted") & shown].set_index(keys)[["type", "effect", *numbers]]
    out = out.rename(columns={"estimate": "weighted", "low": "weighted_low", "high": "weighted_high"})
    for table, method, name in ((found, "label", "label"), (planted, "label", "planted")):
        part = table[table["method"] == method].drop_duplicates(keys).set_index(keys)[numbers]
        out = out.join(part.set_axis([name, f"{name}_low", f"{name}_high"], axis=1))
    out = out.reset_index()
    none = np.where(out["effect"].eq("standardised beta"), 0.0, 1.0)
    known = out["weighted"].notna() & out["planted"].notna()
    out["same_direction"] = ((out["weighted"] > none) == (out["planted"] > none)).where(known)
    out["covered"] = out["planted"].between(out["weighted_low"], out["weighted_high"]).where(known)
    return out[list(COLUMNS)]
