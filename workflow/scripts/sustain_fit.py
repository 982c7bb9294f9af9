"""Fit 1, 2, ... subtypes, each split from the one before: one disease, everyone or all but one fold."""

from neuraxis.job import settings, start
from neuraxis.normative.norms import Norms
from neuraxis.schema import read
from neuraxis.sustain import events_from_dict
from neuraxis.sustain.study import fit_numbers, study_settings
from neuraxis.tables import read_json


def run(zscores, norms, events, folds, models, *, disease, part, n_threads, seed, **settings) -> None:
    events = events_from_dict(read_json(events))
    fit_numbers(
        read("normative/zscores.tsv", zscores).set_index("participant_id"),
        events,
        study_settings(events, covariance=Norms.load(norms).noise_table(), **settings),
        models,
        disease=disease,
        part=part,
        folds=read("sustain/D/folds.tsv", folds).set_index("participant_id")["fold"] if folds else None,
        seed=seed,
        n_threads=n_threads,
    )


if __name__ == "__main__":
    start(snakemake)
    i, w, p = snakemake.input, snakemake.wildcards, settings(snakemake)
    run(
        i.zscores,
        i.norms,
        i.events,
        str(i.get("folds") or ""),
        dict(zip(p.pop("subtypes"), snakemake.output.models, strict=True)),
        disease=w.disease,
        part=w.part,
        n_threads=snakemake.threads,
        **p,
    )
