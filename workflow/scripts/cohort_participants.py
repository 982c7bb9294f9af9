"""Check the participants and write who takes part."""

from neuraxis.cohort.participants import read_participants
from neuraxis.job import start
from neuraxis.tables import write_table

if __name__ == "__main__":
    start(snakemake)
    people, flow = read_participants(
        snakemake.input.participants, control=snakemake.params.control, diseases=snakemake.params.diseases
    )
    write_table(people, snakemake.output.participants)
    write_table(flow, snakemake.output.flow)
