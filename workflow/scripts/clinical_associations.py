"""Declared outcomes on subtypes and stages; Table 1."""

import pandas as pd

from neuraxis.clinical.outcomes import Outcome, associations
from neuraxis.clinical.table1 import table_one
from neuraxis.job import start
from neuraxis.tables import read_table, write_table


def run(participants, subtypes, names, disease, outcomes, n_draws, seed, out):
    people = read_table(participants).set_index("participant_id")
    table = read_table(subtypes).set_index("participant_id")
    labels = read_table(names).set_index("subtype")["name"].to_dict()
    declared = [Outcome(**{**o, "covariates": tuple(o.get("covariates", ()))}) for o in outcomes]
    result = (
        associations(declared, people, table, labels, n_draws=n_draws, seed=seed, key=(disease,))
        if declared
        else pd.DataFrame()
    )
    write_table(result, out["associations"])
    write_table(table_one(people.loc[table.index], table, labels, [o.column for o in declared]), out["table1"])


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(
        i.participants,
        i.subtypes,
        i.names,
        snakemake.wildcards.disease,
        **dict(snakemake.params.items()),
        out=dict(snakemake.output.items()),
    )
