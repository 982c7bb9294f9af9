"""Versions, seed, configuration, checksums, commit; the same in short as BIDS asks of derivatives."""

from neuraxis.job import as_list, start
from neuraxis.report.provenance import dataset_description, provenance
from neuraxis.tables import write_json

if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    files = [*as_list(i.files), i.scans, i.measures]
    known = provenance(snakemake.params.config, files, snakemake.params.home)
    write_json(known, snakemake.output.provenance)
    write_json(dataset_description(known), snakemake.output.description)
