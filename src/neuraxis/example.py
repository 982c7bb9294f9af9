"""A small folder of simulated data to try things on: python -m neuraxis.example FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

from .cohort.simulated import simulate_cohort
from .errors import ConfigError
from .home import workflow_home

#: What is measured in it.
USED = ["cord_csa", "brainstem", "cerebellum_gm", "frontal", "temporal", "thalamus", "putamen"]


def write_example(folder) -> list[Path]:
    """Write participants.tsv and measures.tsv of SIMULATED controls and MS patients of two sites, and new.tsv of one more.

    Parameters
    ----------
    folder : path
        New or empty.

    Raises
    ------
    ConfigError
        It holds something.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty; give a new folder")
    cohort = simulate_cohort(workflow_home() / "resources", scale=0.15, seed=4)
    people = cohort.participants[cohort.participants["group"].isin(["HC", "MS"])]
    people = people.assign(site=people["site"].map(lambda s: "AB"[int(s[-1]) % 2]))
    people = people[["participant_id", "group", "age", "sex", "site", "edss", "sdmt", "disease_duration"]]
    measures = cohort.measures.query("session_id == 'baseline'")[["participant_id", "etiv", *USED]]
    measures = measures[measures["participant_id"].isin(people["participant_id"])]
    folder.mkdir(parents=True, exist_ok=True)
    # the last patient is nobody of the study, but the new person
    tables = {
        "participants.tsv": people.iloc[:-1],
        "measures.tsv": measures.iloc[:-1],
        "new.tsv": measures.iloc[-1:].assign(participant_id="sub-NEW"),
    }
    for name, table in tables.items():
        table.to_csv(folder / name, sep="\t", index=False, na_rep="n/a", float_format="%.6g")
    return [folder / name for name in tables]


if __name__ == "__main__":
    for path in write_example(sys.argv[1]):
        print(path)
