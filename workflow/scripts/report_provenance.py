"""Versions, seed, configuration, checksums, commit."""

from neuraxis.job import as_list, start
from neuraxis.report.provenance import provenance
from neuraxis.tables import write_json

if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    write_json(
        provenance(snakemake.params.config, [*as_list(i.files), i.scans, i.measures]), snakemake.output.provenance
    )
