"""What every workflow script does first: log to the rule's file, tracebacks and warnings included."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path

from .errors import NeuraxisError


def start(job) -> None:
    """Send log, warnings and uncaught errors of a Snakemake job to its log file and to stderr."""
    path = job.log[0] if job.log else os.devnull
    handlers = [logging.FileHandler(path, mode="w"), logging.StreamHandler(sys.stderr)]
    handlers[1].setLevel(logging.WARNING)
    logging.basicConfig(
        level=logging.INFO, handlers=handlers, format="%(asctime)s %(levelname)s %(message)s", force=True
    )
    logging.getLogger("numba").setLevel(logging.WARNING)
    logging.captureWarnings(True)
    warnings.simplefilter("default")
    for noise in (FutureWarning, DeprecationWarning, PendingDeprecationWarning):
        warnings.simplefilter("ignore", noise)

    def hook(kind, error, trace):
        if issubclass(kind, NeuraxisError):
            logging.error("%s: %s", job.rule, error)
        else:
            logging.error("%s failed", job.rule, exc_info=(kind, error, trace))

    sys.excepthook = hook


def as_list(value) -> list[str]:
    """A named input of a job as a list: Snakemake gives a string for one file and nothing for none."""
    return [value] if isinstance(value, str) else list(value or [])


def warnings_in(folder) -> list[str]:
    """What this package warned of in the logs below `folder`, each once, with the job that said it."""
    found: dict[str, str] = {}
    for path in sorted(Path(folder).rglob("*.log")):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            _, level, text = line.partition(" WARNING ")
            if not level:
                continue
            if "NeuraxisWarning: " in text:
                text = text.split("NeuraxisWarning: ", 1)[1]
            elif "Warning: " in text:
                continue  # of a library: stays in the log
            found.setdefault(text.strip(), str(path.relative_to(folder).with_suffix("")))
    return [f"{job}: {text}" for text, job in found.items()]
