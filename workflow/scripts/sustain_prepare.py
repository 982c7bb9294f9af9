"""Events and folds of one disease."""

import pandas as pd

from neuraxis.errors import InputError
from neuraxis.job import start
from neuraxis.sustain import ZScoreEvents, choose_events, make_folds
from neuraxis.tables import read_table, write_json, write_table


def run(participants, zscores, disease, settings, seed, out):
    z = read_table(zscores).set_index("participant_id")
    z = z[z["group"] == disease].drop(columns=["group", "origin"], errors="ignore")
    enough = max(2 * settings["max_subtypes"] * settings["folds"] // max(settings["folds"] - 1, 1), settings["folds"])
    if len(z) < enough + 1:
        raise InputError(
            f"{disease}: {len(z)} people are too few for {settings['max_subtypes']} subtypes in {settings['folds']} folds"
        )
    if settings["choose_thresholds"]:
        events, table = choose_events(z, settings["thresholds"], min_people=settings["min_people"])
    else:
        events = ZScoreEvents(sorted(settings["thresholds"]), settings["z_max"], biomarkers=list(z.columns))
        table = pd.DataFrame(
            [
                {"biomarker": b, "threshold": t, "n_people": int((z[b] >= t).sum()), "kept": True}
                for b in z
                for t in settings["thresholds"]
            ]
        )
    people = read_table(participants).set_index("participant_id")
    fold = make_folds(len(z), settings["folds"], seed=seed, key=(disease,), strata=people.loc[z.index, "site"])
    write_json(events.to_dict(), out["events"])
    write_table(table, out["thresholds"])
    write_table(pd.DataFrame({"participant_id": z.index, "fold": fold}), out["folds"])


if __name__ == "__main__":
    start(snakemake)
    run(
        snakemake.input.participants,
        snakemake.input.zscores,
        snakemake.wildcards.disease,
        **dict(snakemake.params.items()),
        out=dict(snakemake.output.items()),
    )
