"""Fit the norms and write everyone's z-scores."""

from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.job import settings, start
from neuraxis.normative.study import normative_tables
from neuraxis.schema import read, save

if __name__ == "__main__":
    start(snakemake)
    i, out = snakemake.input, snakemake.output
    made = normative_tables(
        read("features/measures.tsv", i.measures),
        read("cohort/participants.tsv", i.participants),
        read("features/followup.tsv", i.followup),
        read_biomarkers(i.biomarkers),
        **settings(snakemake),
    )
    for name in ("zscores", "values", "followup", "diagnostics", "covariance", "dropped"):
        save(getattr(made, name), out[name])
    made.norms.save(out.norms)
