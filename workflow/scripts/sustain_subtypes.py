"""Subtypes and stages under the chosen model, with convergence, stability, controls, draws and later scans."""

import json
from pathlib import Path

from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.job import start
from neuraxis.sustain import SustainModel
from neuraxis.sustain.study import subtype_tables
from neuraxis.tables import read_table, write_table


def run(zscores, followup, norms, folds, selection, models, biomarkers, disease, control, seed, simulated, out):
    table = read_table(selection)
    chosen = int(table.loc[table["chosen"].astype(str) == "True", "n_subtypes"].iloc[0])
    # where the data support no common order at all, one order is described, and the selection says what it is worth
    k = max(chosen, 1)
    parts = {p.parent.name: p for p in map(Path, models) if p.parent.parent.name == f"k{k}"}
    model = SustainModel.load(parts.pop("full"))
    model.norms = json.loads(Path(norms).read_text())
    made = subtype_tables(
        model,
        {int(part.removeprefix("fold")): SustainModel.load(p) for part, p in parts.items()},
        read_table(zscores).set_index("participant_id"),
        read_table(folds).set_index("participant_id")["fold"],
        read_table(followup, text=("participant_id", "session_id")),
        read_biomarkers(biomarkers).set_index("biomarker")["system"],
        disease=disease,
        control=control,
        seed=seed,
    )
    if simulated:
        made.subtypes["origin"] = "SIMULATED"
    made.model.save(out["model"])
    for name, path in out.items():
        if name != "model":
            write_table(getattr(made, name), path)


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
