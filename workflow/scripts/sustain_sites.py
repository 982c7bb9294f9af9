"""The chosen model fitted anew without each site, and everyone's labels under it."""

from neuraxis.evaluation.sites import leave_sites_out
from neuraxis.job import settings, start
from neuraxis.normative.norms import Norms
from neuraxis.schema import read, save
from neuraxis.sustain import SustainModel
from neuraxis.sustain.checkpoint import done, partial
from neuraxis.sustain.crossval import described
from neuraxis.sustain.study import given_covariance, study_settings


def run(i, disease, seed, n_threads, agreement, labels, **settings) -> None:
    k = described(read("sustain/D/selection.tsv", i["selection"]))
    models = {m.n_subtypes: m for m in map(SustainModel.load, i["models"])}
    settings = study_settings(models[k].events, covariance=Norms.load(i["norms"]).noise_table(), **settings)
    z = read("normative/zscores.tsv", i["zscores"]).set_index("participant_id")
    found = leave_sites_out(
        z[z["group"] == disease],
        read("cohort/participants.tsv", i["participants"]).set_index("participant_id")["site"],
        models[k],
        settings,
        previous=models.get(k - 1),
        covariance=given_covariance(settings),
        seed=seed,
        key=(disease,),
        n_threads=n_threads,
        checkpoint=partial(agreement),
    )
    for table, path in zip(found, (agreement, labels), strict=True):
        save(table, path)
    done(agreement)


if __name__ == "__main__":
    start(snakemake)
    run(
        dict(snakemake.input.items()),
        snakemake.wildcards.disease,
        n_threads=snakemake.threads,
        **dict(snakemake.output.items()),
        **settings(snakemake),
    )
