"""Selection tables of all variants side by side, on one scale."""

from neuraxis.job import as_list, start
from neuraxis.schema import read, save
from neuraxis.sustain.crossval import variants_table

if __name__ == "__main__":
    start(snakemake)
    i, p = snakemake.input, snakemake.params
    tables = {p.main: i.main, **dict(zip(p.variants, as_list(i.tables), strict=True))}
    save(
        variants_table({name: read("sustain/D/heldout.tsv", path) for name, path in tables.items()}),
        snakemake.output.variants,
    )
