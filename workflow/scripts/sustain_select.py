"""CVIC of every k from the fold models, baselines, and the choice."""

from neuraxis.job import start
from neuraxis.schema import read, save
from neuraxis.sustain import SustainModel, select
from neuraxis.sustain.crossval import fold_of


def run(zscores, folds, models, n_subtypes, selection, heldout, heldout_folds) -> None:
    loaded = map(SustainModel.load, models)
    parts = {(fold_of(m), m.n_subtypes): m for m in loaded if fold_of(m) is not None}
    z = read("normative/zscores.tsv", zscores).set_index("participant_id")
    fold = read("sustain/D/folds.tsv", folds).set_index("participant_id")["fold"]
    found = select(z, fold, parts, None if n_subtypes == "auto" else n_subtypes)
    save(found.selection, selection)
    save(found.heldout, heldout)
    save(found.heldout_folds, heldout_folds)


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(i.zscores, i.folds, i.models, snakemake.params.n_subtypes, **dict(snakemake.output.items()))
