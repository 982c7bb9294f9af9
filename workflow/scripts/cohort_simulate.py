"""Draw the simulated cohort."""

from neuraxis.cohort.simulated import simulate_cohort
from neuraxis.job import start
from neuraxis.tables import write_table


def run(resources, participants, measures, truth, scale, seed):
    for table, path in zip(
        simulate_cohort(resources, scale=scale, seed=seed), (participants, measures, truth), strict=True
    ):
        write_table(table, path)


if __name__ == "__main__":
    start(snakemake)
    run(resources="resources", **dict(snakemake.output.items()), **dict(snakemake.params.items()))
