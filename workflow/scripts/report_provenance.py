"""Versions, seed, configuration, checksums, commit."""

from neuraxis.job import as_list, start
from neuraxis.report.provenance import provenance
from neuraxis.tables import write_json

if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    files = [*as_list(i.files), i.scans, i.measures]
    write_json(provenance(snakemake.params.config, files, snakemake.params.home), snakemake.output.provenance)
