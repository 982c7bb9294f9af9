"""A whole study of very many people and measures, from a table to the checked report: processor time and memory of every job.

    python benchmarks/load.py --people 20000 --biomarkers 100 --folder /scratch/load   # writes benchmarks/load.tsv

Two subtypes are planted in one disease; half of the people are controls, at ten sites. k = 1 and 2, two folds. The folder is made
anew unless it holds a begun run, which then goes on. Run it with nothing beside it: seconds of the clock are those of the machine.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
OVERLAY = """\
cohort: {source: files, participants: participants.tsv, diseases: [MS]}
features: {source: table, table: measures.tsv, biomarkers: biomarkers.tsv}
sustain: {max_subtypes: 2, folds: 2, n_startpoints: 2, n_samples: 1000, n_doublings: 0, n_samples_folds: 500, n_chains: 2,
          variants: [], leave_site_out: false, thresholds: [1, 2]}
clinical:
  outcomes:
    - {name: EDSS, column: edss, type: ordinal, covariates: [age, sex], family: disability}
    - {name: relapses, column: relapses, type: count, exposure: disease_duration, covariates: [age, sex], family: relapses}
  treatment: {column: ""}
  prediction: {clinical: [age, sex], folds: 3, repeats: 1, horizon: 2}
"""


def write_study(folder: Path, people: int, biomarkers: int, sites: int = 10, seed: int = 1) -> None:
    """Tables and configuration of a study: participants, measures with two planted patterns, biomarkers."""
    rng = np.random.default_rng(seed)
    who = pd.DataFrame({"participant_id": [f"sub-{i:06d}" for i in range(people)]})
    sick = np.arange(people) % 2 == 1
    who["group"] = np.where(sick, "MS", "HC")
    site = rng.permutation(people // 2 + 1)[np.arange(people) // 2] % sites  # a patient and a control side by side
    who["site"] = [f"site{k:03d}" for k in site]
    who["age"] = rng.uniform(20, 70, people).round(1)
    who["sex"] = rng.choice(["F", "M"], people)
    who["disease_duration"] = np.where(sick, rng.uniform(0.5, 25, people).round(1), np.nan)
    stage, first = rng.uniform(0, 1, people), rng.random(people) < 0.5
    who["edss"] = np.where(sick, np.clip(np.round(2 * (1 + 5 * stage + rng.normal(0, 1, people))) / 2, 0, 9.5), np.nan)
    who["edss"] = who["edss"].replace(0.5, 1.0)
    who["relapses"] = np.where(sick, rng.poisson(2, people), np.nan)
    who.to_csv(folder / "participants.tsv", sep="\t", index=False, na_rep="n/a")
    names = [f"region_{b:04d}" for b in range(biomarkers)]
    early = np.where(first[:, None], np.arange(biomarkers) % 2 == 0, np.arange(biomarkers) % 2 == 1)
    loss = sick[:, None] * np.where(early, 3.0, 1.0) * stage[:, None]
    z = 0.6 * rng.normal(size=(people, 1)) + 0.8 * rng.normal(size=(people, biomarkers)) - loss
    head = rng.normal(1.5e6, 1.3e5, people)
    size = 9000 + 400 * (z + rng.normal(0, 0.3, (sites, biomarkers))[site]) + (head[:, None] - 1.5e6) / 2e3
    measures = pd.DataFrame(size.round(2), columns=names)
    measures.insert(0, "etiv", head.round(0))
    measures.insert(0, "participant_id", who["participant_id"])
    measures.to_csv(folder / "measures.tsv", sep="\t", index=False)
    known = pd.DataFrame({"biomarker": names, "label": [f"Region {b}" for b in range(biomarkers)], "kind": "table"})
    known = known.assign(labels="n/a", unit="mm3", direction="fall", plausible_low="n/a", plausible_high="n/a")
    known["system"] = np.where(np.arange(biomarkers) % 2 == 0, "cortical", "subcortical")
    known.to_csv(folder / "biomarkers.tsv", sep="\t", index=False)
    (folder / "config.yaml").write_text(OVERLAY)


def jobs_of(folder: Path) -> pd.DataFrame:
    """Processor seconds, seconds of the clock and largest memory (MB) of every job, by its benchmark file."""
    rows = []
    for path in sorted(folder.rglob("benchmarks/**/*.tsv")):
        found = pd.read_csv(path, sep="\t", na_values="-").iloc[0]
        job = str(path.relative_to(folder).with_suffix(""))
        rows.append({"job": job, "cpu_s": found["cpu_time"], "clock_s": found["s"], "max_rss_mb": found["max_rss"]})
    return pd.DataFrame(rows, columns=["job", "cpu_s", "clock_s", "max_rss_mb"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=20000)
    parser.add_argument("--biomarkers", type=int, default=100)
    parser.add_argument("--sites", type=int, default=10)
    parser.add_argument("--cores", default="2")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/load.tsv")
    given = parser.parse_args()
    if not (given.folder / "config.yaml").exists():
        given.folder.mkdir(parents=True, exist_ok=True)
        write_study(given.folder, given.people, given.biomarkers, given.sites)
    began = time.time()
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", given.cores]
    status = subprocess.run([*command, "--directory", str(given.folder)]).returncode
    if status:  # numbers of half a run are no measurement
        return status
    found = jobs_of(given.folder)
    size = {"people": given.people, "biomarkers": given.biomarkers}
    whole = {"job": "all", "cpu_s": found["cpu_s"].sum(), "clock_s": time.time() - began}
    found = pd.concat([found, pd.DataFrame([{**whole, "max_rss_mb": found["max_rss_mb"].max()}])]).assign(**size)
    found.round(1).to_csv(given.out, sep="\t", index=False, na_rep="n/a", lineterminator="\n")
    print(found.sort_values("cpu_s").tail(15).to_string(index=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
