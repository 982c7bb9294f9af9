"""Every figure of one disease, PNG for the report and PDF for print."""

from pathlib import Path

import pandas as pd

from neuraxis.clinical.labels import NORMAL, THIRDS, group_of, shown_names
from neuraxis.clinical.outcomes import declared_for
from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.figures import clinical, maps, model
from neuraxis.figures.brain import structures
from neuraxis.figures.style import finish
from neuraxis.job import start
from neuraxis.tables import read_table


def run(tables, participants, biomarkers, label_names, disease, outcomes, simulated, out):
    defined = read_biomarkers(biomarkers)
    labels = defined.set_index("biomarker")["label"]
    where = structures(defined, pd.read_csv(label_names, sep="\t").set_index("label")["name"])
    t = {name: read_table(path) for name, path in tables.items()}
    names = t["names"].set_index("subtype")["name"].to_dict()
    labelled = t["subtypes"].set_index("participant_id")
    shown, declared = shown_names(names), declared_for(outcomes, disease)
    group = group_of(labelled, shown, "oof_")
    people = read_table(participants).set_index("participant_id").loc[labelled.index]
    variance = t["positional_variance"]
    figures = {
        "selection": model.selection(t["selection"], t["heldout_folds"]),
        "ternary": model.ternary(labelled, names),
        "brain_mean_z": maps.brain_mean_z(t["maps"], names, where, labels),
        "brain_t": maps.brain_t(t["maps"], names, where, labels),
        "mean_z": maps.mean_z(t["maps"], names, labels),
        "progression": maps.progression(t["progression"], labelled, names, where, labels),
        "positional_variance": model.positional_variance(
            variance[variance["models"] == "everyone"], t["names"], labels
        ),
        "positional_variance_folds": model.positional_variance(
            variance[variance["models"] == "folds"], t["names"], labels
        ),
        "probability": model.probability(labelled, names),
        "forest": clinical.forest(t["associations"]),
        "boxes": clinical.boxes(people, declared, group, shown),
        "stage": clinical.stage(people, declared, group, labelled["oof_expected_stage"], shown),
        **{
            figure: clinical.survival(*(t[k][t[k]["split"] == split] for k in ("survival", "logrank")), order)
            for figure, split, order in (
                ("survival", "subtype", list(dict.fromkeys([NORMAL, *shown.values()]))),
                ("survival_stage", "stage", [NORMAL, *THIRDS]),
            )
        },
        "transitions": clinical.transitions(t["transitions"], t["slopes"], shown),
    }
    for key, figure in figures.items():
        finish(figure, disease, simulated, Path(out[key]))


if __name__ == "__main__":
    start(snakemake)
    i = dict(snakemake.input.items())
    run(
        {k: v for k, v in i.items() if k not in ("engine", "participants", "biomarkers", "label_names")},
        i["participants"],
        i["biomarkers"],
        i["label_names"],
        disease=snakemake.wildcards.disease,
        **dict(snakemake.params.items()),
        out=dict(snakemake.output.items()),
    )
