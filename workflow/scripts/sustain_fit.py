"""Fit one model: one disease, one number of subtypes, everyone or all but one fold."""

import json
from pathlib import Path

from neuraxis.job import start
from neuraxis.sustain import SustainModel, ZScoreEvents, fit
from neuraxis.tables import read_table


def run(zscores, events, folds, previous, disease, k, part, model, n_threads, **settings):
    events = ZScoreEvents(**json.loads(Path(events).read_text()))
    z = read_table(zscores).set_index("participant_id")
    z = z[z["group"] == disease]
    if part != "full":
        fold = read_table(folds).set_index("participant_id")["fold"]
        z = z.loc[fold.index[fold != int(part.removeprefix("fold"))]]
    fitted = fit(
        z,
        events,
        k,
        previous=SustainModel.load(previous) if previous else None,
        key=(disease, part),
        n_threads=n_threads,
        n_draws=min(500, settings["n_samples"]),
        **settings,
    )
    fitted.save(model)


if __name__ == "__main__":
    start(snakemake)
    i, w = snakemake.input, snakemake.wildcards
    run(
        i.zscores,
        i.events,
        str(i.get("folds") or ""),
        str(i.get("previous") or ""),
        w.disease,
        int(w.k),
        w.part,
        snakemake.output.model,
        snakemake.threads,
        **dict(snakemake.params.items()),
    )
