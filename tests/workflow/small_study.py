"""A copy of the workflow, the small study to be run in it, and checksums of what comes out."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
TRACKED = (
    "Snakefile",
    "config.yaml",
    "config",
    "rules",
    "workflow",
    "resources",
    "src",
    "envs",
    "profiles",
    "docs",
    "requirements.lock",
)
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def checkout(folder: Path) -> Path:
    """A copy of what the workflow needs, so that tests never touch the user's results."""
    folder.mkdir()
    for name in TRACKED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


def snakemake(folder, *arguments, check=True):
    command = ["snakemake", "--cores", "2", *arguments]
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=3600)
    if check and done.returncode:
        raise AssertionError(done.stdout[-3000:] + done.stderr[-6000:])
    return done


def overlay(folder, text):
    (folder / "overlay.yaml").write_text(text)
    return ["--configfile", "config/quick.yaml", "overlay.yaml"]


def digests(folder):
    """Checksums of every table and model (pictures and provenance aside)."""
    files = sorted((folder / "results").rglob("*"))
    return {
        str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest()
        for f in files
        if f.suffix in (".tsv", ".npz") or f.name in ("norms.json", "events.json")
    }


#: One outcome of every type, and one of a single disease: all that the configuration comes with take three times as long.
OUTCOMES = (
    *("EDSS", "relapses on study", "lesion volume", "SDMT", "MMSE", "drug"),
    *("confirmed worsening (24 weeks)", "SPMS"),
)
DEFAULT_OUTCOMES = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["clinical"]["outcomes"]
SMALL = yaml.safe_dump(
    {
        "cohort": {"scale": 0.08},
        "sustain": {"n_samples": 200, "n_doublings": 0, "n_startpoints": 2, "variants": ["uniform-independent"]},
        "clinical": {"n_draws": 5, "outcomes": [o for o in DEFAULT_OUTCOMES if o["name"] in OUTCOMES]},
    }
)
