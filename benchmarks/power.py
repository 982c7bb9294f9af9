"""How many people does a study need? Planted subtypes and healthy people of several sizes; writes benchmarks/power.tsv.

    python benchmarks/power.py [--seeds N] [--sizes 0.5 1 2 3]

Patients are drawn from the published event orders, group sizes and stages of `cohort.simulated.true_model` with the
correlation of healthy people, at multiples of the study's numbers (278 NMOSD, 391 MS); as many healthy people from the same
correlation alone. Every group goes through the selection as published (independent noise, flat prior) and with the controls'
covariance: 3 folds, k = 0 to 4, plug-in maximum likelihood from 2 starts a split. Three subtypes are planted in patients, none
in healthy people. Four seeds by default; power.tsv has three (--seeds 3). It was drawn before `true_model` put those beyond the largest
stage (.8 % of staged MS, .02 % of NMOSD) at that stage: they were spread over all before it, so that a new run draws other people.
`best_above_0` has the largest held-out likelihood of k >= 1, the only ones that the published rule compares.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import pandas as pd

warnings.simplefilter("ignore")
from optimum import PEOPLE, RESOURCES, cohort, planted  # noqa: E402

from neuraxis.cohort.simulated import true_model  # noqa: E402
from neuraxis.sustain import Variant, ZScoreEvents, cross_validate  # noqa: E402

EFFORT = {"folds": 3, "n_startpoints": 2, "n_samples": 0}
MOST = 4


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.5, 1.0, 2.0, 3.0])
    arguments = parser.parse_args()
    rows = []
    for seed in range(arguments.seeds):
        for disease, people in PEOPLE.items():
            truth = true_model(RESOURCES, disease)
            events = ZScoreEvents([1.0, 2.0, 3.0], 5.0, biomarkers=truth["biomarkers"])
            covariance = np.asarray(truth["covariance"])
            tried = {
                "as published": Variant("uniform", healthy=False),
                "controls' covariance": Variant(covariance=covariance),
            }
            for size in arguments.sizes:
                n = round(size * people)
                rng = np.random.default_rng([seed, n])
                patients = cohort(truth, events, planted(events, truth), n, covariance, rng)[0]
                healthy = rng.multivariate_normal(np.zeros(len(covariance)), covariance, n)
                for who, X in ((disease, patients), ("healthy people", healthy)):
                    for name, variant in tried.items():
                        clock = time.process_time()
                        cv = cross_validate(X, events, MOST, variants=[variant], seed=seed, **EFFORT)
                        row = {"beside": disease, "who": who, "size": size, "n": n, "seed": seed, "variant": name}
                        held = cv.selection.set_index("n_subtypes")["heldout_loglik"].loc[0:MOST]
                        row |= {"chosen": cv.chosen(), "best_above_0": int(held.loc[1:].idxmax())}
                        row |= {f"k{k}": v for k, v in held.items()}
                        rows.append(row | {"seconds": time.process_time() - clock})
                        print(rows[-1], flush=True)
        table = pd.DataFrame(rows).sort_values(["beside", "who", "variant", "n", "seed"])
        table.to_csv(Path(__file__).with_name("power.tsv"), sep="\t", index=False, float_format="%.4g")
    print(table.groupby(["beside", "who", "variant", "n"])[["chosen", "best_above_0"]].agg(list).to_string())


if __name__ == "__main__":
    main()
