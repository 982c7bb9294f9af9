"""Small things to try things on: a folder of simulated data (python -m neuraxis.example FOLDER), a model of simulated people."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .cohort.simulated import simulate_cohort
from .errors import ConfigError
from .home import workflow_home

if TYPE_CHECKING:
    import pandas as pd

    from .sustain import CrossValidation, SustainModel

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


@cache
def fitted() -> tuple[SustainModel, pd.DataFrame, CrossValidation]:
    """A model of two subtypes in 60 SIMULATED people, for examples: made in a second or two, once in a process.

    Returns
    -------
    SustainModel
    DataFrame, shape (60, 2)
        Its people's z.
    CrossValidation
        Of the same people, with one subtype and with two.

    Examples
    --------
    >>> model, people, found = fitted()
    >>> model.n_subtypes, people.shape, found.folds.shape
    (2, (60, 2), (1, 60))
    """
    import numpy as np
    import pandas as pd

    from .sustain import ZScoreEvents, cross_validate, fit, simulate

    events = ZScoreEvents(((1.0, 2.0),) * 2, np.full(2, 4.0), biomarkers=("thalamus", "frontal"))
    drawn = simulate(events, [[0, 2, 1, 3], [1, 3, 0, 2]], 60, noise_sd=0.3, seed=1)
    people = pd.DataFrame(drawn.X, columns=list(events.biomarkers), index=[f"sub-{i:02d}" for i in range(60)])
    quick: dict = {"covariance": "independent", "n_startpoints": 2, "n_samples": 100, "n_chains": 2, "progress": False}
    return fit(people, events, 2, **quick), people, cross_validate(people, events, 2, folds=2, **quick)


if __name__ == "__main__":
    for path in write_example(sys.argv[1]):
        print(path)
