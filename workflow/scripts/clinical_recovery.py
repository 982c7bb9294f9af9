"""Clinical effects planted in the simulated people beside those found: the same models with true labels."""

from neuraxis.clinical.labels import read_labels, shown_names
from neuraxis.clinical.outcomes import declared_for
from neuraxis.clinical.recovery import planted_and_recovered, true_labels
from neuraxis.clinical.worsening import WorseningRule, made_columns
from neuraxis.job import settings, start
from neuraxis.schema import load, read, save


def run(i, disease, control, outcomes, worsening, true_names, planted) -> None:
    everyone = read("cohort/participants.tsv", i["participants"]).set_index("participant_id")
    subtypes = read("sustain/D/subtypes.tsv", i["subtypes"]).set_index("participant_id")
    labels = read_labels(
        subtypes, shown_names(read("sustain/D/names.tsv", i["names"]).set_index("subtype")["name"].to_dict())
    )
    people, _ = made_columns(
        everyone.loc[subtypes.index],
        read("cohort/visits.tsv", i["visits"]),
        read("cohort/relapses.tsv", i["relapses"]),
        WorseningRule(**worsening),
    )
    truth = load(i["truth"]).query("session_id == 'baseline'").set_index("participant_id").loc[people.index]
    controls = everyone[everyone["group"] == control]
    table = planted_and_recovered(
        declared_for(outcomes, disease), people, labels, true_labels(truth, true_names), controls
    )
    save(table, planted)


if __name__ == "__main__":
    start(snakemake)
    run(
        dict(snakemake.input.items()),
        snakemake.wildcards.disease,
        **settings(snakemake),
        planted=snakemake.output.planted,
    )
