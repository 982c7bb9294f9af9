"""Fit 1, 2, ... subtypes, each split from the one before: one disease, everyone or all but one fold."""

from neuraxis.job import settings, start
from neuraxis.normative.norms import Norms
from neuraxis.schema import read
from neuraxis.sustain import SustainModel, events_from_dict, fit_part
from neuraxis.sustain.checkpoint import partial, settle
from neuraxis.sustain.study import given_covariance, study_settings
from neuraxis.tables import read_json


def run(zscores, norms, events, folds, disease, part, models, n_threads, seed, **settings) -> None:
    events = events_from_dict(read_json(events))
    z = read("normative/zscores.tsv", zscores).set_index("participant_id")
    z = z[z["group"] == disease]
    fold = None
    if part != "full":
        table = read("sustain/D/folds.tsv", folds).set_index("participant_id")["fold"]
        z, fold = z.loc[table.index], int(part.removeprefix("fold"))
        folds = table.to_numpy()
    settings = study_settings(events, covariance=Norms.load(norms).noise_table(), **settings)
    previous = None
    for k, model in models.items():
        fit_part(
            z,
            events,
            k,
            settings,
            covariance=given_covariance(settings),
            folds=folds if fold is not None else None,
            fold=fold,
            previous=previous,
            seed=seed,
            key=(disease,),
            n_threads=n_threads,
            checkpoint=partial(model),
        ).save(model)
        previous = SustainModel.load(model)
    for model in models.values():
        settle(model)


if __name__ == "__main__":
    start(snakemake)
    i, w, p = snakemake.input, snakemake.wildcards, settings(snakemake)
    run(
        i.zscores,
        i.norms,
        i.events,
        str(i.get("folds") or ""),
        w.disease,
        w.part,
        dict(zip(p.pop("subtypes"), snakemake.output.models, strict=True)),
        snakemake.threads,
        **p,
    )
