"""The same selection on healthy people, as many as the disease has, norms and covariance from the other controls."""

from neuraxis.biomarkers import read_biomarkers
from neuraxis.evaluation.study import control_of_disease
from neuraxis.job import settings, start
from neuraxis.schema import read, save
from neuraxis.sustain import events_from_dict
from neuraxis.sustain.checkpoint import done, partial
from neuraxis.tables import read_json

if __name__ == "__main__":
    start(snakemake)
    i, out = snakemake.input, snakemake.output.control
    table = control_of_disease(
        read("normative/zscores.tsv", i.zscores).set_index("participant_id"),
        read("cohort/participants.tsv", i.participants),
        read("features/measures.tsv", i.measures),
        read_biomarkers(i.biomarkers),
        events_from_dict(read_json(i.events)),
        disease=snakemake.wildcards.disease,
        n_threads=snakemake.threads,
        checkpoint=partial(out),
        **settings(snakemake),
    )
    save(table, out)
    done(out)
