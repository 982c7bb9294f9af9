"""Fit the norms and write everyone's z-scores."""

from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.job import start
from neuraxis.normative.study import normative_tables
from neuraxis.schema import save
from neuraxis.tables import read_table

if __name__ == "__main__":
    start(snakemake)
    i, out = snakemake.input, snakemake.output
    made = normative_tables(
        read_table(i.measures),
        read_table(i.participants),
        read_table(i.followup),
        read_biomarkers(i.biomarkers),
        **dict(snakemake.params.items()),
    )
    for name in ("zscores", "values", "followup", "diagnostics", "covariance", "dropped"):
        save(getattr(made, name), out[name])
    made.norms.save(out.norms)
