"""The kernels compiled before the first fit asks for them."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from functools import cache

import numpy as np
from numba import config

from . import kernels
from .families import ZScoreEvents
from .problem import Problem
from .sampler import Sampler
from .search import climb, random_start
from .state import Variant

log = logging.getLogger(__name__)

#: Size of the toy that is fitted.
PEOPLE, BIOMARKERS = 50, 6


def toy() -> tuple[ZScoreEvents, np.ndarray, np.ndarray]:
    """Events, data and covariance of a problem that is solved at once."""
    events = ZScoreEvents([[1.0, 2.0, 3.0]] * BIOMARKERS, 5.0)  # type: ignore[arg-type]  # fields are what it makes of them
    values = np.random.default_rng(1).normal(1.0, 1.5, (PEOPLE, BIOMARKERS))
    return events, values, 0.4 + 0.6 * np.eye(BIOMARKERS)


def compile_part(part: str) -> None:
    """Compile, or take from the cache, what one part of a fit needs: "climb", "polish" or "chain"."""
    events, values, covariance = toy()
    rng = np.random.default_rng(1)
    problem = Problem(values, events, Variant(covariance=covariance))
    start = random_start(problem, 1, rng)
    if part == "climb":
        climb(problem, start, rng, explore=1, most=1)
        return
    if part == "polish":
        chain = problem.chain(start)
        kernels.renew(problem.data, problem.layout, chain, problem.settings)
        kernels.polish(problem.data, problem.layout, chain, problem.settings, problem.trial(problem.dtype), (1, 1), rng)
        return
    Sampler(problem, start, rng, 1).steps(1)


@cache
def ready(part: str) -> None:
    """`compile_part`, once in a process: what is timed after it is work and not the compiler's."""
    if config.DISABLE_JIT:
        return
    begin = time.perf_counter()
    compile_part(part)
    if (took := time.perf_counter() - begin) > 5:
        log.info("kernels for this processor (%s) compiled, once on this machine: %.0f s", part, took)


def compile_kernels(n_processes: int = 1) -> float:
    """Fit a toy, so that all kernels are compiled, or taken from the cache where they are.

    Every variant of the model runs the same compiled functions, so that one fit compiles for all.

    Parameters
    ----------
    n_processes : int
        Two or more: half of the kernels are compiled by a process of their own (the compiler's lock admits one thread).

    Returns
    -------
    float
        Seconds that it took: a minute or two the first time on a machine, about one second after that.

    Raises
    ------
    RuntimeError
        Where the other process failed.

    Examples
    --------
    >>> compile_kernels() > 0
    True
    """
    from .model import fit

    begin = time.perf_counter()
    if n_processes > 1:
        command = [sys.executable, "-c", f"from {__name__} import compile_part as c; c('polish'); c('chain')"]
        other = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)})
        try:
            compile_part("climb")
            if other.wait():
                raise RuntimeError(
                    f"the process that compiles half of the kernels ended with status {other.returncode}"
                )
        finally:
            other.kill()
    events, values, covariance = toy()
    fit(values, events, 1, covariance=covariance, n_startpoints=1, n_samples=20, n_chains=1, n_draws=1)
    events.log_likelihood(values, events.random_sequence(np.random.default_rng(1)), covariance=covariance)
    return time.perf_counter() - begin
