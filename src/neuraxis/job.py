"""What every workflow script does first: log to the rule's file, tracebacks and warnings included."""

from __future__ import annotations

import logging
import os
import sys
import warnings

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
    for noise in (FutureWarning, DeprecationWarning):
        warnings.simplefilter("ignore", noise)

    def hook(kind, error, trace):
        if issubclass(kind, NeuraxisError):
            logging.error("%s: %s", job.rule, error)
        else:
            logging.error("%s failed", job.rule, exc_info=(kind, error, trace))

    sys.excepthook = hook
