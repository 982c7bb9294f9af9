"""Simple scores beside the model, and, where the truth is simulated, what was recovered of it and how far it was calibrated."""

from pathlib import Path

from neuraxis.biomarkers import cord_of, read_biomarkers
from neuraxis.cohort.simulated import SUBTYPES, true_model
from neuraxis.evaluation.recovered import recovery_tables
from neuraxis.job import settings, start
from neuraxis.schema import load, read, save
from neuraxis.sustain import SustainModel


def run(zscores, subtypes, names, order, model, truth, biomarkers, resources, disease, seed, out) -> None:
    known = {}
    if truth:
        known = {
            "truth": load(truth),
            "drawn_from": true_model(resources, disease),
            "published": SUBTYPES[disease],
        }
    found, scores, calibrated = recovery_tables(
        read("normative/zscores.tsv", zscores).set_index("participant_id"),
        read("sustain/D/subtypes.tsv", subtypes).set_index("participant_id"),
        read("sustain/D/names.tsv", names),
        read("sustain/D/event_order.tsv", order),
        SustainModel.load(model),
        cord_of(read_biomarkers(biomarkers)),
        disease=disease,
        seed=seed,
        **known,
    )
    save(found, out["recovery"])
    save(scores, out["baselines"])
    save(calibrated, out["calibration"])


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
        **settings(snakemake),
        out=dict(snakemake.output.items()),
    )
