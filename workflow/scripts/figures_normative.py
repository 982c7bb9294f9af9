"""Pictures of the controls' z: sites and quantiles; correlation between regions."""

from pathlib import Path

from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.figures.normative import covariance, normative
from neuraxis.figures.style import finish
from neuraxis.job import start
from neuraxis.tables import read_table


def run(zscores, diagnostics, table, biomarkers, control, simulated, out):
    labels = read_biomarkers(biomarkers).set_index("biomarker")["label"]
    z = read_table(zscores)
    drawn = normative(z[z["group"] == control], read_table(diagnostics), labels)
    finish(drawn, "Controls, out of sample", simulated, Path(out["figure"]))
    drawn = covariance(read_table(table), labels)
    finish(drawn, "Correlation between regions in the controls", simulated, Path(out["covariance"]))


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(
        i.zscores,
        i.diagnostics,
        i.covariance,
        i.biomarkers,
        **dict(snakemake.params.items()),
        out=dict(snakemake.output.items()),
    )
