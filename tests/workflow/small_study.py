"""A copy of the workflow, the small study to be run in it, and checksums of what comes out."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
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


#: Starting Snakemake is half of what planning costs: a process that has imported it forks for every plan that it is asked for.
PLANNER = """
import importlib, json, os, pkgutil, sys
import neuraxis.checks, neuraxis.features.extract, neuraxis.figures.declared, neuraxis.home, neuraxis.sources
import snakemake.cli
for module in pkgutil.iter_modules():
    if module.name.startswith("snakemake_executor_plugin"):
        importlib.import_module(module.name)
for line in sys.stdin:
    folder, arguments, *files = json.loads(line)
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        for stream, file in zip((1, 2), files):
            os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), stream)
        code = 1
        try:
            snakemake.cli.main(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        finally:
            sys.stdout.flush(), sys.stderr.flush()
            os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@cache
def planner() -> subprocess.Popen:
    """The process that plans, one for all tests of a worker; it ends with what it reads from."""
    command = [sys.executable, "-P", "-c", PLANNER]
    return subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def plan(folder, arguments):
    """What `snakemake` says of a dry run."""
    with tempfile.TemporaryDirectory() as said:
        files = [Path(said, name) for name in ("out", "err")]
        process = planner()
        process.stdin.write(json.dumps([str(folder), arguments, *map(str, files)]) + "\n")
        process.stdin.flush()
        code = int(process.stdout.readline())
        return subprocess.CompletedProcess(["snakemake", *arguments], code, *(f.read_text() for f in files))


def snakemake(folder, *arguments, check=True):
    command = ["snakemake", "--cores", "2", *arguments]
    if "-n" in arguments:
        done = plan(folder, command[1:])
    else:
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
