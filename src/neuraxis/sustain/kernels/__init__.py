"""Compiled kernels of the engine: arrays in, arrays out, no globals that change, valid Python with the compiler off.

One file does one thing; arrows go down this list:

    numerics     exponentials, sums of logarithms, uniforms, small Cholesky factors
    structs      the tuples of arrays that kernels work on
    order        where an event may go, how it moves
    curves       the z-score model's piecewise linear curves
    noise        covariance of the residuals, patterns of missing values
    density      stage log-densities of a block of people, everyone's place in the mixture
    statistics   E-step sums, and moves of events given them
    weights      healthy component, fractions, distribution over the stages
    moves        moves of an event with everyone's stage summed out
    search       EM, stochastic EM, exact polish
    chain        Markov chain

Numba's disk cache notices an edited function, but not an edited callee in another file. So the cache lies in a folder named
by a hash of all these files: an edit of any of them begins a new one.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import tempfile
from pathlib import Path

import llvmlite.binding as llvm
from numba.core import config

from ...errors import StorageError

# Loops over people read and write many rows. LLVM vectorises them after a check at run time that no two rows overlap, but
# gives up above eight comparisons unless told otherwise, and then computes one person at a time.
llvm.set_option("neuraxis", "--runtime-memory-check-threshold=200")

# The third level of optimisation takes a quarter more time to compile, and the kernels are no faster.
if "NUMBA_OPT" not in os.environ:
    config.OPT = type(config.OPT)(2)

HERE = Path(__file__).parent


def source_hash() -> str:
    """Hash of all kernel sources."""
    digest = hashlib.sha256()
    for path in sorted(HERE.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder() -> str:
    """Folder of compiled kernels: under NUMBA_CACHE_DIR, beside the sources, in the user's cache, or a temporary one."""
    name = f"kernels-{source_hash()}"
    bases = [config.CACHE_DIR] if config.CACHE_DIR else []
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    for base in [*bases, str(HERE / "__pycache__"), os.path.join(cache, "neuraxis")]:
        folder = os.path.join(base, name)
        try:
            os.makedirs(folder, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return _temporary(name)


def _temporary(name: str) -> str:
    """A folder of this user alone below the temporary folder, the same for all processes: compiling takes a minute."""
    try:
        base = tempfile.gettempdir()
    except FileNotFoundError as error:
        raise StorageError(f"{error.strerror}: set TMPDIR to a folder that can be written") from None
    folder = os.path.join(base, f"neuraxis-{os.getuid()}", name)
    known = os.path.isdir(folder)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        # code is loaded from there: nobody else may own it, or write into it
        for place in (os.path.dirname(folder), folder):
            found = os.lstat(place)
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
                raise PermissionError
    except OSError:
        folder, known = tempfile.mkdtemp(prefix=name), False
    if not known:  # said once, not by every job
        logging.getLogger(__name__).warning(
            "neither %s nor %s can be written: compiled kernels are kept in %s, and compiled again when that is emptied; "
            "set NUMBA_CACHE_DIR to a folder that stays",
            HERE / "__pycache__",
            os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache"),
            folder,
        )
    return folder


# the folder is looked up when a function is decorated, so the setting is ours only while the kernels are imported
_before = config.CACHE_DIR
config.CACHE_DIR = cache_folder()
try:
    from .chain import chain_steps, renew, sweep
    from .curves import fill_curve, fill_curves, fill_points
    from .density import fill_subtypes, posterior_over_draws, stage_log_density
    from .moves import log_mixture, prepare, refresh, try_move
    from .noise import invert_covariance, set_precision
    from .numerics import exp_like, fast_exp, fast_exp_single, fill_uniforms, log_normal_interval
    from .order import move, window
    from .search import climb, polish
    from .statistics import STAGE_STEP, build_ground, expectation, scan, sweep_events
    from .structs import Chain, Data, Ground, Layout, Noise, Settings, Statistics, Subtypes, Trial, Weights
    from .weights import draw_fractions, fill_joint, update_weights
finally:
    config.CACHE_DIR = _before

__all__ = [
    "STAGE_STEP",
    "Chain",
    "Data",
    "Ground",
    "Layout",
    "Noise",
    "Settings",
    "Statistics",
    "Subtypes",
    "Trial",
    "Weights",
    "build_ground",
    "cache_folder",
    "chain_steps",
    "climb",
    "draw_fractions",
    "exp_like",
    "expectation",
    "fast_exp",
    "fast_exp_single",
    "fill_curve",
    "fill_curves",
    "fill_joint",
    "fill_points",
    "fill_subtypes",
    "fill_uniforms",
    "invert_covariance",
    "log_mixture",
    "log_normal_interval",
    "move",
    "polish",
    "posterior_over_draws",
    "prepare",
    "refresh",
    "renew",
    "scan",
    "set_precision",
    "source_hash",
    "stage_log_density",
    "sweep",
    "sweep_events",
    "try_move",
    "update_weights",
    "window",
]
