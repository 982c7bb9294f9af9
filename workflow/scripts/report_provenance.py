"""Versions, seed, configuration, checksums, commit."""

from neuraxis.job import start
from neuraxis.report.provenance import provenance
from neuraxis.tables import write_json

if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    write_json(provenance(snakemake.params.config, [i.participants, i.measures, i.lock]), snakemake.output[0])
