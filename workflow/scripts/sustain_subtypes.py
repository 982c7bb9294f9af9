"""Subtypes and stages under the chosen model, with convergence, stability, controls, draws and later scans."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.job import start
from neuraxis.sustain import SustainModel, draw_labels, out_of_fold_posterior, stability, stream, summarise
from neuraxis.sustain.naming import RULE, name_subtypes
from neuraxis.tables import read_table, write_table

#: Draws of every person's label that are kept for the clinical stage.
N_DRAWS = 50


def controls_table(model, z, control, disease, subtypes) -> tuple[pd.DataFrame, float]:
    """Controls under the patients' model, and the stage that 95 % of them do not pass."""
    healthy = z[z["group"] == control]
    healthy = healthy[healthy[list(model.events.biomarkers)].notna().any(axis=1)]
    staged = model.assign(healthy)
    limit = float(np.percentile(staged["expected_stage"], 95))
    above = subtypes["expected_stage"] > limit
    rows = [
        ("controls staged, out of sample", len(staged)),
        ("share of controls at stage 1 or above", float((staged["stage"] > 0).mean())),
        ("95th percentile of the controls' expected stage", limit),
        (f"share of {disease} at stage 1 or above", float((subtypes["stage"] > 0).mean())),
        (f"share of {disease} above the controls' 95th percentile", float(above.mean())),
    ]
    return pd.DataFrame(rows, columns=["quantity", "value"]), limit


def later_scans(model, fold_models, fold, path) -> pd.DataFrame:
    """Follow-up scans of the model's people, staged by the fold models that never saw them."""
    later = read_table(path, text=("participant_id", "session_id"))
    later = later[later["participant_id"].isin(fold.index)]
    later = later[later[list(model.events.biomarkers)].notna().any(axis=1)].reset_index(drop=True)
    keys = later[["participant_id", "session_id", "years"]]
    if later.empty:
        return keys
    values, index = model.events.check_data(later)
    folds = fold.loc[later["participant_id"]].to_numpy()[None]
    return pd.concat([keys, summarise(out_of_fold_posterior(model, values, folds, fold_models), index)], axis=1)


def run(zscores, followup, norms, folds, selection, models, biomarkers, disease, control, seed, simulated, out):
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
    names = name_subtypes(order, read_biomarkers(biomarkers).set_index("biomarker")["system"])
    posterior = out_of_fold_posterior(model, values, fold.to_numpy()[None], fold_models)
    subtypes = model.assign(z.loc[fold.index]).join(summarise(posterior, index).add_prefix("oof_"))
    agreement, kept = stability(model, values, index, fold_models)
    subtypes = subtypes.join(kept)
    summary, limit = controls_table(model, z, control, disease, subtypes)
    subtypes["above_controls"] = subtypes["expected_stage"] > limit
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
    if simulated:
        subtypes["origin"] = "SIMULATED"
    variance = pd.concat(
        [
            pd.DataFrame(p, columns=[f"place{i + 1}" for i in range(p.shape[1])]).assign(
                subtype=c + 1,
                biomarker=[model.events.biomarkers[b] for b in model.events.biomarker],
                threshold=model.events.value,
                models=which,
            )
            for which, of in (("everyone", [model]), ("folds", [m.matched_to(model) for m in fold_models.values()]))
            for c, p in enumerate(np.mean([m.positional_variance() for m in of], axis=0))
        ]
    )
    first = ["models", "subtype", "biomarker", "threshold"]
    model.save(out["model"])
    for name, content in {
        "subtypes": subtypes.rename_axis("participant_id").reset_index(),
        "draws": draw_labels(posterior, index, stream(seed, disease, "label draws"), N_DRAWS),
        "followup": later_scans(model, fold_models, fold, followup),
        "names": name_table,
        "order": order,
        "variance": variance[first + [c for c in variance if c not in first]],
        "progression": model.progression(),
        "diagnostics": model.diagnostics(),
        "stability": agreement,
        "starts": model.starts,
        "controls": summary,
    }.items():
        write_table(content, out[name])


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(
        i.zscores,
        i.followup,
        i.norms,
        i.folds,
        i.selection,
        i.models,
        i.biomarkers,
        snakemake.wildcards.disease,
        **dict(snakemake.params.items()),
        out=dict(snakemake.output.items()),
    )
