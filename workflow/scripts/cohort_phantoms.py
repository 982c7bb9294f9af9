"""Write one batch of phantoms."""

from neuraxis.cohort.phantoms import write_phantoms
from neuraxis.job import start
from neuraxis.tables import read_table

if __name__ == "__main__":
    start(snakemake)
    people = read_table(snakemake.input.measures)
    write_phantoms(
        people.iloc[int(snakemake.wildcards.batch) :: snakemake.params.n_batches],
        snakemake.input.biomarkers,
        snakemake.output.folder,
        seed=snakemake.params.seed,
    )
