"""What every workflow script does first: log to the rule's file, tracebacks and warnings included."""

from __future__ import annotations

import ast
import logging
import os
import sys
import warnings
from pathlib import Path

from .errors import NeuraxisError
from .progress import heartbeat
from .runs import end_with_run
from .schema import mark_simulated
from .storage import REASONS, explain

OUT_OF_MEMORY = (
    "this job needs more memory than it may have; run fewer jobs at once (--cores), or raise the limit "
    "(ulimit -v; on a cluster --set-resources RULE:mem_mb=...), then give the same command again, which goes on where this ended"
)


def start(job) -> None:
    """Send log, warnings and uncaught errors of a Snakemake job to its log file and to stderr; note who its people are.

    The log says what the job does, and about every minute how far it is (`progress`).
    """
    logging.raiseExceptions = False  # a log on a full disk is no reason to print how logging works
    sys.excepthook = _hook(job.rule)
    path = job.log[0] if job.log else os.devnull
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr), logging.FileHandler(path, mode="w")]
    handlers[0].setLevel(logging.WARNING)
    logging.basicConfig(
        level=logging.INFO, handlers=handlers, format="%(asctime)s %(levelname)s %(message)s", force=True
    )
    logging.getLogger("numba").setLevel(logging.WARNING)
    logging.captureWarnings(True)
    warnings.simplefilter("default")
    for noise in (FutureWarning, DeprecationWarning, PendingDeprecationWarning):
        warnings.simplefilter("ignore", noise)
    end_with_run(job.rule)
    config = getattr(job, "config", {})  # of the study; a workflow that has none has no people
    mark_simulated(config.get("cohort", {}).get("source") == "simulated")
    of = f" ({', '.join(map(str, job.wildcards))})" if job.wildcards else ""
    logging.info("%s%s begins%s", job.rule, of, f": {words}" if (words := described(sys.argv[0])) else "")
    heartbeat()


def described(script: str) -> str:
    """What a script does, by its docstring, which Snakemake puts code before; "" where it has none or cannot be read."""
    try:
        body = ast.parse(Path(script).read_text(encoding="utf-8")).body
    except (OSError, ValueError, SyntaxError):
        return ""
    said = (n.value.value for n in body if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))
    return next((" ".join(words.split()) for words in said if isinstance(words, str)), "")


def settings(job) -> dict:
    """Parameters of a job by name, without the fingerprint of its code (`engine`), which only says whether it is to be rerun."""
    return {name: value for name, value in job.params.items() if name != "engine"}


def _hook(rule: str):
    """What an uncaught error is written as: one sentence where it is the input's or the machine's, else the traceback."""

    def hook(kind, error, trace) -> None:
        if issubclass(kind, NeuraxisError):
            logging.error("%s: %s", rule, error)
        elif issubclass(kind, OSError) and error.errno in REASONS:
            logging.error("%s: %s", rule, explain(error))
        elif issubclass(kind, MemoryError):
            logging.error("%s: %s", rule, OUT_OF_MEMORY)
        else:
            logging.error("%s failed", rule, exc_info=(kind, error, trace))

    return hook


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
