"""Check, before anything is measured, that the declared outcomes can be served; count who has the values."""

from neuraxis.clinical.cases import check_outcomes
from neuraxis.clinical.outcomes import declare
from neuraxis.clinical.treatment import check_treatment
from neuraxis.clinical.worsening import MADE
from neuraxis.job import start
from neuraxis.schema import read, save


def run(participants, outcomes, treatment, control, columns) -> None:
    people = read("cohort/participants.tsv", participants).set_index("participant_id")
    check_treatment(people[people["group"] != control], **treatment)
    save(check_outcomes([declare(**o) for o in outcomes], people, control, made=MADE), columns)


if __name__ == "__main__":
    start(snakemake)
    p = snakemake.params
    run(snakemake.input.participants, p.outcomes, p.treatment, p.control, snakemake.output.columns)
