"""Subtypes and stages under the chosen model, with convergence, stability, controls and recovery."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from neuraxis.job import start
from neuraxis.sustain import SustainModel, out_of_fold, stability
from neuraxis.sustain.matching import rand_index
from neuraxis.sustain.naming import RULE, name_subtypes
from neuraxis.tables import read_table, write_table


def recovery(subtypes: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Agreement with the simulated truth, in and out of fold."""
    both = subtypes.join(truth.set_index("participant_id"), rsuffix="_true")
    rows = []
    for prefix in ("", "oof_"):
        staged = both["subtype_true"] != "NA"
        found = staged & (both[f"{prefix}stage"] > 0)
        rows += [
            {
                "labels": prefix or "in sample",
                "quantity": "subtype ARI, truly staged people",
                "n": int(staged.sum()),
                "value": rand_index(both.loc[staged, f"{prefix}subtype"], both.loc[staged, "subtype_true"]),
            },
            {
                "labels": prefix or "in sample",
                "quantity": "subtype ARI, staged and found staged",
                "n": int(found.sum()),
                "value": rand_index(both.loc[found, f"{prefix}subtype"], both.loc[found, "subtype_true"]),
            },
            {
                "labels": prefix or "in sample",
                "quantity": "stage Spearman correlation",
                "n": len(both),
                "value": spearmanr(both[f"{prefix}expected_stage"], both["stage_true"]).statistic,
            },
            {
                "labels": prefix or "in sample",
                "quantity": "share normal-appearing, truth",
                "n": len(both),
                "value": float((~staged).mean()),
            },
            {
                "labels": prefix or "in sample",
                "quantity": "share normal-appearing, found",
                "n": len(both),
                "value": float((both[f"{prefix}stage"] == 0).mean()),
            },
        ]
    return pd.DataFrame(rows)


def run(zscores, participants, norms, folds, selection, models, truth, disease, control, simulated, out):
    z = read_table(zscores).set_index("participant_id")
    fold = read_table(folds).set_index("participant_id")["fold"]
    table = read_table(selection)
    k = int(table.loc[table["chosen"].astype(str) == "True", "n_subtypes"].iloc[0])
    chosen = {p.parent.name: p for p in map(Path, models) if p.parent.parent.name == f"k{k}"}
    model = SustainModel.load(chosen.pop("full"))
    fold_models = {(0, int(part.removeprefix("fold"))): SustainModel.load(p) for part, p in chosen.items()}
    model.norms = json.loads(Path(norms).read_text())
    values, index = model.events.check_data(z.loc[fold.index])
    order = model.event_order()
    names = name_subtypes(order)
    subtypes = model.assign(z.loc[fold.index])
    subtypes = subtypes.join(out_of_fold(model, values, index, fold.to_numpy()[None], fold_models).add_prefix("oof_"))
    agreement, kept = stability(model, values, index, fold_models)
    subtypes = subtypes.join(kept)
    healthy = z[z["group"] == control]
    healthy = healthy[healthy[list(model.events.biomarkers)].notna().any(axis=1)]
    staged = model.assign(healthy)
    limit = float(np.percentile(staged["expected_stage"], 95))
    subtypes["above_controls"] = subtypes["expected_stage"] > limit
    summary = pd.DataFrame(
        [
            {"quantity": "controls staged, out of sample", "value": len(staged)},
            {"quantity": "share of controls at stage 1 or above", "value": float((staged["stage"] > 0).mean())},
            {"quantity": "95th percentile of the controls' expected stage", "value": limit},
            {"quantity": f"share of {disease} at stage 1 or above", "value": float((subtypes["stage"] > 0).mean())},
            {
                "quantity": f"share of {disease} above the controls' 95th percentile",
                "value": float(subtypes["above_controls"].mean()),
            },
        ]
    )
    counts = subtypes.loc[subtypes["oof_stage"] > 0, "oof_subtype"].value_counts()
    name_table = pd.DataFrame(
        [
            {
                "subtype": c,
                "name": n,
                "fraction": model.fractions[c - 1],
                "n_staged_oof": int(counts.get(c, 0)),
                "rule": RULE,
            }
            for c, n in names.items()
        ]
    )
    found = (
        recovery(
            subtypes,
            read_table(truth, text=("participant_id", "subtype")).assign(subtype=lambda t: t["subtype"].fillna("NA")),
        )
        if truth
        else pd.DataFrame(columns=["labels", "quantity", "n", "value"])
    )
    if simulated:
        subtypes["origin"] = "SIMULATED"
    model.save(out["model"])
    for name, content in {
        "subtypes": subtypes.rename_axis("participant_id").reset_index(),
        "names": name_table,
        "order": order,
        "diagnostics": model.diagnostics(),
        "stability": agreement,
        "starts": model.starts,
        "controls": summary,
        "recovery": found,
    }.items():
        write_table(content, out[name])


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(
        i.zscores,
        i.participants,
        i.norms,
        i.folds,
        i.selection,
        i.models,
        str(i.get("truth") or ""),
        snakemake.wildcards.disease,
        **dict(snakemake.params.items()),
        out=dict(snakemake.output.items()),
    )
