"""Simple scores beside the model, and, where the truth is simulated, what was recovered of it."""

from pathlib import Path

import pandas as pd

from neuraxis.cohort.simulated import SUBTYPES, true_model
from neuraxis.evaluation.compare import best_possible, order_of_known, recovery, simple_scores
from neuraxis.features.biomarkers import cord_of, read_biomarkers
from neuraxis.job import start
from neuraxis.streams import stream
from neuraxis.sustain import SustainModel
from neuraxis.tables import read_table, write_table

STUDY_NAMES = {"cortical": "C", "spinal cord": "SC", "cerebellar": "CE", "subcortical": "DGM"}


def run(zscores, subtypes, names, order, model, truth, biomarkers, resources, disease, seed, out):
    people = read_table(subtypes).set_index("participant_id")
    z = read_table(zscores).set_index("participant_id").loc[people.index]
    fitted = SustainModel.load(model)
    name_of = read_table(names).set_index("subtype")["name"].to_dict()
    known = None
    found = pd.DataFrame(columns=["quantity", "n", "in_sample", "out_of_fold", "best_possible", "truth", "published"])
    if truth:
        known = read_table(truth, text=("participant_id", "subtype", "session_id"))
        known = known[known["session_id"] == "baseline"].assign(subtype=lambda t: t["subtype"].fillna("NA"))
        drawn_from = true_model(resources, disease)
        best, true_order = best_possible(drawn_from, z, drawn_from["covariance"])
        true_subtype = known.set_index("participant_id").loc[z.index, "subtype"].replace("NA", None)
        known_order = order_of_known(z, true_subtype, fitted, seed=seed, key=(disease,))
        published, label_of = SUBTYPES[disease], {s: n for n, s in STUDY_NAMES.items()}
        found = recovery(people, name_of, read_table(order), known, best, known_order, true_order, published, label_of)
    write_table(found, out["recovery"])
    cord = cord_of(read_biomarkers(biomarkers))
    scores = simple_scores(z, people, fitted, known, stream(seed, disease, "k-means"), cord)
    write_table(scores, out["baselines"])


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(
        i.zscores,
        i.subtypes,
        i.names,
        i.order,
        i.model,
        str(i.get("truth") or ""),
        i.biomarkers,
        Path(i.published[0]).parent if i.get("published") else None,
        disease=snakemake.wildcards.disease,
        **dict(snakemake.params.items()),
        out=dict(snakemake.output.items()),
    )
