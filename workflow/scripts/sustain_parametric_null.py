"""The rule on people drawn from the model with one subtype fewer than was chosen."""

from neuraxis.evaluation.control import parametric_null_table
from neuraxis.job import settings, start
from neuraxis.schema import read, save
from neuraxis.sustain import SustainModel
from neuraxis.sustain.checkpoint import done, partial


def run(selection, folds, models, out, **settings) -> None:
    loaded = {m.n_subtypes: m for m in map(SustainModel.load, models)}
    table = parametric_null_table(
        read("sustain/D/selection.tsv", selection),
        loaded,
        len(read("sustain/D/folds.tsv", folds)),
        checkpoint=partial(out),
        **settings,
    )
    save(table, out)
    done(out)


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(
        i.selection,
        i.folds,
        i.models,
        **settings(snakemake),
        key=(snakemake.wildcards.disease,),
        n_threads=snakemake.threads,
        out=snakemake.output.null,
    )
