"""Where a result comes from: versions, seed, configuration, checksums, commit."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "neuraxis",
    "numpy",
    "scipy",
    "pandas",
    "numba",
    "statsmodels",
    "arviz",
    "nibabel",
    "neuroHarmonize",
    "matplotlib",
    "snakemake",
)


def provenance(config: dict, inputs) -> dict:
    """What is needed to make the same results again."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    changed = subprocess.run(
        ["git", "status", "--porcelain"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "commit": commit or "not a git checkout",
        "uncommitted_changes": bool(changed),
        "python": platform.python_version(),
        "versions": {p: metadata.version(p) for p in PACKAGES},
        "seed": config["seed"],
        "config": config,
        "sha256": {str(i): hashlib.sha256(Path(i).read_bytes()).hexdigest() for i in inputs},
    }
