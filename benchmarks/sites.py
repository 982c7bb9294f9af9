"""Processor seconds of norms with every kind of site term, of many people, measures and sites; writes benchmarks/sites.tsv.

    python benchmarks/sites.py [--people 2000] [--biomarkers 100] [--sites 200]

Half of the people are controls; ten folds of them, as in a study, and the diagnostics of their z.
"""

import argparse
import logging
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from neuraxis.normative.diagnostics import diagnose
from neuraxis.normative.norms import zscores
from neuraxis.normative.settings import NormSettings

TERMS = ("none", "fixed", "random", "combat", "combat_gam")


def people_of(n: int, biomarkers: int, sites: int, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measures and people, a patient and a control of every site in turn."""
    rng = np.random.default_rng(seed)
    at, sick = np.arange(n) // 2 % sites, np.arange(n) % 2
    people = pd.DataFrame(
        {"age": rng.uniform(20, 70, n), "sex": rng.choice(["F", "M"], n), "group": np.where(sick, "MS", "HC")},
        index=pd.Index([f"sub-{i:06d}" for i in range(n)], name="participant_id"),
    )
    people["site"] = [f"site{k:03d}" for k in at]
    values = 9000 + 400 * (rng.normal(size=(n, biomarkers)) + rng.normal(0, 0.5, (sites, biomarkers))[at])
    measures = pd.DataFrame(values, people.index, [f"region_{b:03d}" for b in range(biomarkers)])
    return measures.assign(etiv=rng.normal(1.5e6, 1e5, n)), people


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--biomarkers", type=int, default=100)
    parser.add_argument("--sites", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".tsv"))
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    measures, people = people_of(given.people, given.biomarkers, given.sites)
    rows = []
    for term in TERMS:
        start = time.process_time()
        settings = NormSettings(site=term, min_site_controls=4)
        z, _ = zscores(measures, people, "HC", dict.fromkeys(measures.columns[:-1], "fall"), settings)
        norms = time.process_time() - start
        diagnose(z[people["group"] == "HC"], people, measures["etiv"])
        rows.append((term, norms, time.process_time() - start - norms))
        print(*rows[-1], flush=True)
    table = pd.DataFrame(rows, columns=["site", "norms_s", "diagnostics_s"])
    table.insert(0, "sites", given.sites)
    table.insert(0, "biomarkers", given.biomarkers)
    table.insert(0, "people", given.people)
    table.round(1).to_csv(given.out, sep="\t", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
