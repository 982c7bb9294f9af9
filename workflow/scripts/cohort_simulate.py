"""Draw the simulated cohort."""

from pathlib import Path

from neuraxis.cohort.simulated import simulate_cohort
from neuraxis.job import settings, start
from neuraxis.schema import save


def run(resources, scale, seed, out) -> None:
    cohort = simulate_cohort(resources, scale=scale, seed=seed)
    head_size = cohort.measures[["participant_id", "session_id", "etiv_measured"]]
    tables = {**vars(cohort), "etiv": head_size.rename(columns={"etiv_measured": "etiv"})}
    for name, path in out.items():
        save(tables[name], path)


if __name__ == "__main__":
    start(snakemake)
    run(Path(snakemake.input.orders).parent, **settings(snakemake), out=dict(snakemake.output.items()))
