"""The rule on people drawn from the model with one subtype fewer than was chosen."""

from neuraxis.evaluation.control import parametric_null_table
from neuraxis.job import start
from neuraxis.schema import save
from neuraxis.sustain import SustainModel
from neuraxis.tables import read_table


def run(selection, folds, models, simulated, out, **settings) -> None:
    loaded = {m.n_subtypes: m for m in map(SustainModel.load, models)}
    table = parametric_null_table(read_table(selection), loaded, len(read_table(folds)), **settings)
    save(table, out, simulated=simulated)


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(
        i.selection,
        i.folds,
        i.models,
        **dict(snakemake.params.items()),
        key=(snakemake.wildcards.disease,),
        n_threads=snakemake.threads,
        out=snakemake.output.null,
    )
