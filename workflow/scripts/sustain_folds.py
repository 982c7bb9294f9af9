"""Divide the people of one disease into folds, every site spread evenly."""

import pandas as pd

from neuraxis.job import start
from neuraxis.sustain.crossval import make_folds
from neuraxis.tables import read_table, write_table


def run(participants, zscores, disease, folds, seed, out):
    group = read_table(zscores).set_index("participant_id")["group"]
    mine = group.index[group == disease]
    site = read_table(participants).set_index("participant_id").loc[mine, "site"]
    fold = make_folds(len(mine), folds, seed=seed, key=(disease,), strata=site)
    write_table(pd.DataFrame({"participant_id": mine, "fold": fold}), out)


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(
        i.participants,
        i.zscores,
        snakemake.wildcards.disease,
        **dict(snakemake.params.items()),
        out=snakemake.output.folds,
    )
