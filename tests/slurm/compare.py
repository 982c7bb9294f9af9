"""Run the small study on SLURM and locally, in two fresh copies, and compare every table and model.

python tests/slurm/compare.py
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow"))
from small_study import ENVIRONMENT, checkout, digests

HERE = Path(__file__).parent
CONFIG = ["--configfile", "config/quick.yaml", str(HERE / "study.yaml")]


def run(folder: Path, *arguments: str) -> float:
    start = time.time()
    command = ["snakemake", *arguments, *CONFIG]
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)} failed:\n{done.stderr[-6000:]}")
    return time.time() - start


if __name__ == "__main__":
    # a folder that the jobs see under the same path
    root = Path(tempfile.mkdtemp(prefix="neuraxis-slurm-", dir=os.environ.get("SLURM_TEST_DIR")))
    try:
        cluster, local = checkout(root / "cluster"), checkout(root / "local")
        # this SLURM keeps no accounts, so states come from squeue, not from sacct
        options = ["--jobs", str(os.cpu_count()), "--slurm-status-command", "squeue", "--slurm-no-account"]
        options += ["--seconds-between-status-checks", "2", "--slurm-init-seconds-before-status-checks", "2"]
        seconds = run(cluster, "--workflow-profile", "profiles/slurm", *options)
        print(f"on SLURM: {seconds:.0f} s", flush=True)
        print(f"local: {run(local, '--cores', 'all'):.0f} s")
        a, b = digests(cluster), digests(local)
        different = sorted(k for k in a.keys() | b.keys() if a.get(k) != b.get(k))
        if different:
            sys.exit(f"{len(different)} of {len(b)} files differ: {', '.join(different[:10])}")
        print(f"{len(b)} tables and models are equal, byte by byte")
    finally:
        shutil.rmtree(root, ignore_errors=True)
