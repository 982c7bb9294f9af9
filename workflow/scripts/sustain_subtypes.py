"""Subtypes and stages under the chosen model, with convergence, stability, controls, draws and later scans."""

from neuraxis.biomarkers import read_biomarkers
from neuraxis.job import settings, start
from neuraxis.schema import read, save
from neuraxis.sustain import SustainModel
from neuraxis.sustain.crossval import fold_of
from neuraxis.sustain.study import subtype_tables


def run(zscores, followup, folds, model, models, biomarkers, disease, control, seed, out) -> None:
    model = SustainModel.load(model)
    parts = {fold_of(m): m for m in map(SustainModel.load, models) if m.n_subtypes == model.n_subtypes}
    made = subtype_tables(
        model,
        parts,
        read("normative/zscores.tsv", zscores).set_index("participant_id"),
        read("sustain/D/folds.tsv", folds).set_index("participant_id")["fold"],
        read("normative/followup.tsv", followup),
        read_biomarkers(biomarkers).set_index("biomarker")["system"],
        disease=disease,
        control=control,
        seed=seed,
    )
    for name, path in out.items():
        save(getattr(made, name), path)


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(
        i.zscores,
        i.followup,
        i.folds,
        i.model,
        i.models,
        i.biomarkers,
        snakemake.wildcards.disease,
        **settings(snakemake),
        out=dict(snakemake.output.items()),
    )
