"""What a study computes, small: norms of a simulated cohort, a fit to its z, subtypes of everyone; written to a folder.

``python tests/processors/job.py FOLDER [fit]``; run under OPENBLAS_CORETYPE and NUMBA_CPU_NAME to see what other
processors make of the same data.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from neuraxis.normative.norms import Norms
from neuraxis.normative.study import normative_tables
from neuraxis.tables import read_table, write_table

SITES = ("none", "fixed", "random", "combat", "combat_gam")
NAMES = [f"region_{k}" for k in range(8)]


def cohort(n: int = 400):
    """Measures, people and definitions; a quarter are patients, of two patterns."""
    rng = np.random.default_rng(11)
    ids = [f"sub-{i:04d}" for i in range(n)]
    patient, pattern = np.arange(n) % 4 == 3, np.arange(n) // 4 % 2
    people = pd.DataFrame({"participant_id": ids, "group": np.where(patient, "MS", "HC")})
    people["age"], people["sex"] = rng.uniform(20, 75, n), rng.choice(["F", "M"], n)
    people["site"] = rng.choice(["A", "B", "C"], n)
    head = rng.normal(1.5e6, 1.3e5, n)
    noise = 0.6 * rng.normal(size=(n, 1)) + 0.8 * rng.normal(
        size=(n, 8)
    )  # no matrix product: the same on every processor
    severity = rng.uniform(0, 1, n)[:, None] * np.where(pattern[:, None] == (np.arange(8) < 4), 4.0, 0.5)
    z = noise + patient[:, None] * severity
    size = 8000 - 20 * people["age"].to_numpy()[:, None] + head[:, None] / 1e3 - 400 * z
    size += people["site"].map({"A": 0.0, "B": 150.0, "C": -90.0}).to_numpy()[:, None]
    measures = pd.DataFrame(size.round(3), columns=NAMES).assign(etiv=head, participant_id=ids)
    measures.loc[rng.choice(n, 15), "region_2"] = np.nan
    return measures, people, pd.DataFrame({"biomarker": NAMES, "direction": "fall", "plausible_low": 10.0})


def norms(folder: Path, site: str, measures, people, biomarkers) -> None:
    """Write the stage's tables."""
    none = pd.DataFrame(columns=["participant_id", "session_id", "years", "etiv", *NAMES])
    made = normative_tables(measures, people, none, biomarkers, {"site": site, "folds": 5}, control="HC")
    for name in ("zscores", "values", "diagnostics", "covariance", "dropped"):
        write_table(getattr(made, name), folder / f"{site}_{name}.tsv")
    made.norms.save(folder / f"{site}_norms.json")


def models(folder: Path) -> None:
    """Fit two subtypes to the patients as the tables have them, with chains; everyone's, the order of events, the chains' diagnostics."""
    from neuraxis.sustain import ZScoreEvents, fit

    z = read_table(folder / "fixed_zscores.tsv").set_index("participant_id")
    events = ZScoreEvents([[1.0, 2.0]] * len(NAMES), 5.0, biomarkers=NAMES)
    made = fit(
        z.loc[z["group"] == "MS", NAMES], events, 2, covariance=Norms.load(folder / "fixed_norms.json").noise_table(),
        n_startpoints=3, n_samples=2000, n_chains=2, n_draws=50, seed=4, progress=False,
    )  # fmt: skip
    made.save(folder / "model.npz")
    write_table(made.assign(z[NAMES]).reset_index(), folder / "subtypes.tsv")
    write_table(made.event_order(), folder / "event_order.tsv")
    write_table(made.diagnostics(), folder / "diagnostics.tsv")


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.mkdir(parents=True)
    given = cohort()
    for kind in SITES:
        norms(place, kind, *given)
    if sys.argv[2:] == ["fit"]:
        models(place)
