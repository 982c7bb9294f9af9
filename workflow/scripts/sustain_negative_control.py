"""The same selection on healthy people, as many as the disease has, norms and covariance from the other controls."""

from functools import partial as given

from neuraxis.evaluation.control import negative_control_table
from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.job import settings, start
from neuraxis.normative.study import controls_anew
from neuraxis.schema import read, save
from neuraxis.sustain import events_from_dict
from neuraxis.sustain.checkpoint import done, partial
from neuraxis.sustain.study import NOISES, chain_draws
from neuraxis.tables import read_json


def run(i, disease, control, norms, main, variants, healthy, out, **settings) -> None:
    z = read("normative/zscores.tsv", i.zscores).set_index("participant_id")
    people = read("cohort/participants.tsv", i.participants)
    site = people.set_index("participant_id")["site"]
    measured = (read("features/measures.tsv", i.measures), people, read_biomarkers(i.biomarkers), norms)
    patients, controls = z.index[z["group"] == disease], z[z["group"] == control]
    tried = {}
    for name in [main, *variants]:
        prior, noise = name.split("-")
        kind, needs = NOISES[noise]
        tried[name] = {"stage_prior": prior, "noise": kind, "healthy": healthy}
        tried[name] |= {"covariance": "covariance"} if needs else {}
    table = negative_control_table(
        controls,
        events_from_dict(read_json(i.events)),
        n_people=len(patients),
        site=site.loc[controls.index],
        patients_site=site.loc[patients],
        refit=given(controls_anew, *measured, control=control, seed=settings["seed"]),
        keep_at_site=norms["min_site_controls"],
        variants=tried,
        n_draws=chain_draws(settings["n_samples"]),
        key=(disease,),
        checkpoint=partial(out),
        **settings,
    )
    save(table, out)
    done(out)


if __name__ == "__main__":
    start(snakemake)
    run(
        snakemake.input,
        snakemake.wildcards.disease,
        **settings(snakemake),
        n_threads=snakemake.threads,
        out=snakemake.output.control,
    )
