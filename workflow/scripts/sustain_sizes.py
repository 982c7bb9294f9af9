"""Refuse, before anything is measured, a disease that its subtypes and folds would spread too thin."""

import pandas as pd

from neuraxis.errors import InputError
from neuraxis.job import start
from neuraxis.tables import read_table, write_table


def run(participants, disease, folds, max_subtypes, out):
    people = int((read_table(participants)["group"] == disease).sum())
    # fits need two people a subtype (sustain.hierarchy), and a fold's model sees all people but those of the fold
    trained, needed = people - -(-people // folds), max(2 * max_subtypes, folds)
    if trained < needed:
        raise InputError(
            f"{disease}: {people} people are too few for {max_subtypes} subtypes in {folds} folds; "
            "lower sustain.max_subtypes or sustain.folds, or take the group out of cohort.diseases"
        )
    rows = {"people": people, "folds": folds, "smallest training set": trained, "needed there": needed}
    write_table(pd.DataFrame(rows.items(), columns=["quantity", "value"]), out)


if __name__ == "__main__":
    start(snakemake)
    run(
        snakemake.input.participants,
        snakemake.wildcards.disease,
        **dict(snakemake.params.items()),
        out=snakemake.output.sizes,
    )
