"""Similarity of the diseases' event orders."""

from pathlib import Path

from neuraxis.figures.clinical import similarity
from neuraxis.figures.style import finish
from neuraxis.job import start
from neuraxis.tables import read_table

if __name__ == "__main__":
    start(snakemake)
    figure = similarity(read_table(snakemake.input.similarity))
    finish(figure, "Diseases compared", snakemake.params.simulated, Path(snakemake.output.figure))
