"""Where a result comes from: versions, seed, configuration, checksums, commit."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from importlib import metadata
from pathlib import Path

from .. import __version__

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


def provenance(config: dict, inputs, home=".") -> dict:
    """What is needed to make the same results again.

    Parameters
    ----------
    config : dict
        Complete.
    inputs : iterable of path
        Files whose checksums are kept.
    home : path
        Folder of the workflow's files; only a checkout of its own names a commit, not one that happens to lie around it
        or around the study.

    Returns
    -------
    dict
        commit, uncommitted_changes, workflow (name and version), python, versions, seed, config, sha256.
    """
    commit, changed = commit_of(home)
    return {
        "commit": commit or "not a git checkout",
        "uncommitted_changes": changed,
        "workflow": f"neuraxis {__version__}",
        "python": platform.python_version(),
        "versions": {p: _version(p) for p in PACKAGES},
        "seed": config["seed"],
        "config": config,
        "sha256": {str(i): hashlib.sha256(Path(i).read_bytes()).hexdigest() for i in inputs},
    }


#: Edition of BIDS whose rules for derivatives the description follows.
BIDS = "1.10.0"


def dataset_description(known: dict) -> dict:
    """The description that BIDS asks of a folder of derivatives.

    Parameters
    ----------
    known : dict
        See `provenance`.

    Examples
    --------
    >>> known = {"config": {"report": {"title": "T"}, "cohort": {"source": "files"}}, "commit": "a1", "versions": {}}
    >>> dataset_description(known)["GeneratedBy"][0]["Name"]
    'neuraxis'
    """
    simulated = known["config"]["cohort"]["source"] == "simulated"
    by = {
        "Name": "neuraxis",
        "Version": __version__,
        "Description": "subtypes and stages of atrophy (Snakemake workflow)",
    }
    if known["commit"] != "not a git checkout":
        by["Description"] += f", commit {known['commit']}"
    title = known["config"]["report"]["title"]
    return {
        "Name": f"{title} (SIMULATED)" if simulated else title,
        "BIDSVersion": BIDS,
        "DatasetType": "derivative",
        "GeneratedBy": [by],
    }


def commit_of(home) -> tuple[str, bool]:
    """Commit of the workflow's files ("" where none is known), and whether they were changed since.

    An installed package names the commit that it was built from (shipped/COMMIT).
    """
    built = Path(home) / "COMMIT"
    if built.is_file():
        text = built.read_text(encoding="ascii").strip()
        return text.removesuffix("+"), text.endswith("+")
    top = _git(home, "rev-parse", "--show-toplevel")
    if not top or Path(top).resolve() != Path(home).resolve():
        return "", False
    return _git(home, "rev-parse", "HEAD"), bool(_git(home, "status", "--porcelain"))


def _git(folder, *arguments: str) -> str:
    """What git says in a folder; "" where it cannot, or is not there."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _version(package: str) -> str:
    """Version of an installed package; this one may run from its sources alone."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        if package != "neuraxis":
            raise
        return __version__
