"""Cognitive tests and serum markers of the simulated people, each from a random stream of its own.

Directions are the study's where it has one, and none else: cortical people do worse in both diseases, later stages go
with worse cognition in the spinal cord and subcortical people with MS. Of NfL and GFAP it gives no direction, and no
effect of subtype or stage is simulated. Sizes, means and shares of people with a value are assumptions.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..streams import stream

#: Test: mean and SD of healthy people of 40 years with 12.5 years of education, change per decade of age and per year of
#: education, largest score, and what a cortical person loses in SD (0.04 of it per stage where stage matters).
TESTS = {
    "mmse": (28.6, 1.3, -0.15, 0.08, 30, 0.5),
    "moca": (26.8, 2.2, -0.35, 0.20, 30, 0.6),
    "pasat": (37.6, 7.7, -1.2, 0.50, 60, 0.5),
    "cvlt": (54.0, 9.5, -2.0, 0.60, 80, 0.6),
    "bvmt": (25.0, 5.5, -1.6, 0.25, 36, 0.7),
}
#: Share of a test's variance that all tests of a person share.
SHARED = 0.4
#: Marker: median of healthy people of 40 years (pg/ml), SD of the log, change of the log per decade of age, and factor of
#: everyone with a disease, whatever subtype and stage.
MARKERS = {"nfl": (8.0, 0.45, 0.22, 1.4), "gfap": (75.0, 0.40, 0.12, 1.2)}
#: Share of people with a value of a test, and of a marker.
TESTED, MEASURED = 0.92, 0.6
#: True subtypes whose later stages go with worse cognition.
STAGED = {"MS": ("SC", "DGM")}
PER_STAGE = 0.04


def simulate_battery(seed: int, group: str, subtype, stage, age, education) -> pd.DataFrame:
    """One column for every test and marker, missing where a person has no value.

    Parameters
    ----------
    seed : int
    group : str
    subtype : ndarray of str, shape (n,)
        True subtype; C are cortical.
    stage, age, education : ndarray, shape (n,)
        True stage, years, years.

    Returns
    -------
    DataFrame, shape (n, 7)
    """
    n = len(age)
    general = stream(seed, "clinic", group, "cognition").standard_normal(n)
    late = np.isin(subtype, STAGED.get(group, ())) * PER_STAGE * stage
    out = {}
    for name, (mean, sd, decade, year, most, lost) in TESTS.items():
        rng = stream(seed, "clinic", group, name)
        own = np.sqrt(SHARED) * general + np.sqrt(1 - SHARED) * rng.standard_normal(n)
        score = (
            mean + decade * (age - 40) / 10 + year * (education - 12.5) + sd * (own - lost * ((subtype == "C") + late))
        )
        out[name] = np.where(rng.random(n) < TESTED, np.clip(score, 0, most).round(), np.nan)
    for name, (median, sd, decade, factor) in MARKERS.items():
        rng = stream(seed, "clinic", group, name)
        log = (
            np.log(median * (factor if group != "HC" else 1.0)) + decade * (age - 40) / 10 + sd * rng.standard_normal(n)
        )
        out[name] = np.where(rng.random(n) < MEASURED, np.exp(log).round(1), np.nan)
    return pd.DataFrame(out)
