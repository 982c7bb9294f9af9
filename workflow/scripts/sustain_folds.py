"""Divide the people of one disease into folds, every site spread evenly."""

from neuraxis.job import settings, start
from neuraxis.schema import read, save
from neuraxis.sustain.study import folds_table

if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    table = folds_table(
        read("normative/zscores.tsv", i.zscores).set_index("participant_id")["group"],
        read("cohort/participants.tsv", i.participants).set_index("participant_id")["site"],
        snakemake.wildcards.disease,
        **settings(snakemake),
    )
    save(table, snakemake.output.folds)
