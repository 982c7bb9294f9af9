"""Run the small study on SLURM and locally, in two fresh copies, and compare every table and model.

python tests/slurm/compare.py [SEED] [undisturbed] [snakemake's own options]

On SLURM one of the running submissions is cancelled at random every half minute (three in all), and sustain_crossdisease gets
too little memory at first; the profile tries them again. What still fails is done by the same command once more. With
"undisturbed" nothing of that happens, so that the seconds mean something.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow"))
from small_study import ENVIRONMENT, checkout, digests

HERE = Path(__file__).parent
CONFIG = ["--configfile", "config/quick.yaml", str(HERE / "study.yaml")]
#: This SLURM keeps no accounts, so states come from squeue, not from sacct.
SLURM = [
    *("--workflow-profile", "profiles/slurm", "--jobs", str(os.cpu_count()), "--cores", str(os.cpu_count())),
    *("--slurm-status-command", "squeue", "--slurm-no-account"),
    *("--seconds-between-status-checks", "2", "--slurm-init-seconds-before-status-checks", "2"),
]
#: Far too little at first, enough when it is tried again.
STARVED = ["--set-resources", "sustain_crossdisease:mem_mb=min(2000,40*50**(attempt-1))"]


def run(folder: Path, *arguments: str) -> tuple[float, subprocess.CompletedProcess]:
    """Seconds of a run, and what it said."""
    start = time.time()
    command = ["snakemake", *arguments, *CONFIG]
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    return time.time() - start, done


def cancel_some(n: int, stop: threading.Event, rng: random.Random, cancelled: list[str]) -> None:
    """Every half minute one of the running jobs that SLURM knows of is cancelled, up to `n`."""
    while len(cancelled) < n and not stop.wait(30):
        jobs = subprocess.run(["squeue", "-h", "-t", "R", "-o", "%i"], capture_output=True, text=True).stdout.split()
        if jobs:
            cancelled.append(rng.choice(jobs))
            subprocess.run(["scancel", cancelled[-1]], check=True)


def on_slurm(folder: Path, seed: int, disturbed: bool, options: list[str]) -> None:
    """The study on SLURM; exits where it does not end well, or where nothing was disturbed that should have been."""
    stop, cancelled = threading.Event(), []
    thread = threading.Thread(target=cancel_some, args=(3 * disturbed, stop, random.Random(seed), cancelled))
    thread.start()
    seconds, said, calls = 0.0, "", 0
    try:
        while True:
            calls += 1
            took, done = run(folder, *SLURM, *STARVED[: 2 * disturbed], *options)
            seconds, said = seconds + took, said + done.stderr + done.stdout
            if done.returncode == 0:
                break
            if calls == 3:
                sys.exit(f"not done by {calls} calls:\n{said[-6000:]}")
    finally:
        stop.set()
        thread.join()
    (folder / "slurm.log").write_text(said)
    times = [pd.read_csv(f, sep="\t")["s"].sum() for f in (folder / "benchmarks/runs").rglob("*.tsv")]
    print(
        f"on SLURM: {seconds:.0f} s by {calls} call(s) of the same command; "
        f"{said.count('has been submitted with SLURM jobid')} submissions for {len(times)} jobs, which took {sum(times):.0f} s "
        f"themselves; {len(cancelled)} cancelled, {said.count('Trying to restart job')} tried again",
        flush=True,
    )
    if disturbed and not cancelled:
        sys.exit("nothing was cancelled")
    if disturbed and "sustain_crossdisease" not in "".join(said.split("Error in ")[1:]):
        sys.exit("sustain_crossdisease had memory enough")


if __name__ == "__main__":
    given = sys.argv[1:]
    seed = int(given.pop(0)) if given and given[0].isdigit() else 1
    disturbed = "undisturbed" not in given
    # a folder that the jobs see under the same path; a given one stays
    root = Path(os.environ.get("SLURM_TEST_DIR") or tempfile.mkdtemp(prefix="neuraxis-slurm-"))
    root.mkdir(parents=True, exist_ok=True)
    try:
        cluster, local = checkout(root / "cluster"), checkout(root / "local")
        on_slurm(cluster, seed, disturbed, [a for a in given if a != "undisturbed"])
        seconds, done = run(local, "--cores", "all")
        if done.returncode:
            sys.exit(f"the local run failed:\n{done.stderr[-6000:]}")
        print(f"local: {seconds:.0f} s")
        a, b = digests(cluster), digests(local)
        different = sorted(k for k in a.keys() | b.keys() if a.get(k) != b.get(k))
        if different:
            sys.exit(f"{len(different)} of {len(b)} files differ: {', '.join(different[:10])}")
        print(f"{len(b)} tables and models are equal, byte by byte")
    finally:
        if "SLURM_TEST_DIR" not in os.environ:
            shutil.rmtree(root, ignore_errors=True)
