"""Diagnostics of the controls' z: sites, quantiles, correlations."""

from pathlib import Path

from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.figures.normative import normative
from neuraxis.figures.style import finish
from neuraxis.job import start
from neuraxis.tables import read_table


def run(zscores, diagnostics, biomarkers, control, simulated, figure):
    labels = read_biomarkers(biomarkers).set_index("biomarker")["label"]
    z = read_table(zscores)
    drawn = normative(z[z["group"] == control], read_table(diagnostics), labels)
    finish(drawn, "Controls, out of sample", simulated, Path(figure))


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(i.zscores, i.diagnostics, i.biomarkers, **dict(snakemake.params.items()), figure=snakemake.output.figure)
