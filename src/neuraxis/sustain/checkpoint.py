"""What a fit has finished, kept beside its model until that is written, so that a killed fit goes on where it was.

Every start, shake, polish and chain draws from a stream of its own, so that a finished one can stand in for itself; a chain in
the middle is its arrays and the state of its random numbers, kept about every minute. What was kept is used by the very same
fit only: the folder is named by a hash of data, events, settings, streams, this package's sources, numpy's version and the
processor.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import llvmlite.binding
import numba
import numpy as np

from ..errors import counted
from ..storage import aside

log = logging.getLogger(__name__)

#: Seconds between two states of a chain that are kept.
EVERY = 60.0
#: Name of the piece that is a whole model.
FINISHED = "finished"
#: Bytes of the checksum that a piece begins with.
DIGEST = hashlib.sha256().digest_size


def sources_hash() -> str:
    """Hash of the sources that a fit's numbers depend on."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in sorted([*here.rglob("*.py"), here.parent / "streams.py"]):
        digest.update(str(path.relative_to(here.parent)).encode() + path.read_bytes())
    return digest.hexdigest()


def fingerprint(*parts) -> str:
    """Hash of arrays and of whatever JSON can hold, and of all that the same numbers depend on."""
    digest = hashlib.sha256()

    def add(part) -> None:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype}{part.shape}".encode() + np.ascontiguousarray(part).tobytes())
        elif isinstance(part, dict):
            for name, value in part.items():
                digest.update(f"{name}:".encode())
                add(value)
        else:
            digest.update(json.dumps(part, default=str).encode() + b";")

    machine = (numba.config.CPU_NAME or llvmlite.binding.get_host_cpu_name(), bool(numba.config.DISABLE_JIT))
    for part in (*parts, sources_hash(), np.__version__, numba.__version__, machine):
        add(part)
    return digest.hexdigest()[:24]


def flat(state, name: str = "state") -> dict[str, np.ndarray]:
    """All arrays of a tuple of tuples of arrays, by their path."""
    if isinstance(state, np.ndarray):
        return {name: state}
    found: dict = {}
    if isinstance(state, tuple):
        for key, part in zip(getattr(state, "_fields", range(len(state))), state, strict=True):
            found |= flat(part, f"{name}.{key}")
    return found


class Checkpoint:
    """Finished pieces of one fit on disk; without a folder it keeps nothing.

    Parameters
    ----------
    folder : path or None
        Where all fits of a job keep their pieces.
    key : str
        `fingerprint` of the fit.
    every : float
        Seconds between two states of a chain.
    """

    def __init__(self, folder=None, key: str = "", every: float = EVERY) -> None:
        self.folder = None if folder is None else Path(folder) / key
        self.every = every
        self.told = False
        self.found = len(list(self.folder.glob("*.npz"))) if self.folder is not None and self.folder.is_dir() else 0
        if self.found:
            log.info("taken up: %s of an interrupted run from %s", counted(self.found, "piece"), self.folder)

    def load(self, name: str) -> dict[str, np.ndarray] | None:
        """Arrays kept under a name; None where there are none, or where they were cut short."""
        if self.folder is None:
            return None
        try:
            raw = (self.folder / f"{name}.npz").read_bytes()
            # the archive's own checksums do not cover its list of arrays
            if hashlib.sha256(raw[DIGEST:]).digest() != raw[:DIGEST]:
                raise ValueError("its checksum differs")
            with np.load(io.BytesIO(raw[DIGEST:]), allow_pickle=False) as file:
                return {k: file[k] for k in file.files}
        except FileNotFoundError:
            return None
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the piece is computed again
            log.info("%s/%s.npz is damaged (%s) and computed again", self.folder, name, error)
            return None

    def save(self, name: str, arrays: dict, write: Callable = np.savez) -> None:
        """Keep arrays under a name; a disk that does not take them is no reason to end a fit."""
        if self.folder is None:
            return
        try:
            packed = io.BytesIO()
            write(packed, **arrays)
            raw = packed.getvalue()
            with aside(self.folder / f"{name}.npz", many=True) as part:
                part.write_bytes(hashlib.sha256(raw).digest() + raw)
        except Exception as error:  # noqa: BLE001
            if not self.told:  # once: on a full disk the log should have room for what ends the job
                log.info("%s/%s.npz and others are not kept: %s", self.folder, name, error)
            self.told = True

    def finish(self, arrays: dict) -> None:
        """Keep the finished model alone."""
        if self.folder is None:
            return
        self.save(FINISHED, arrays, np.savez_compressed)
        if (self.folder / f"{FINISHED}.npz").is_file():
            for path in self.folder.glob("*.npz"):
                if path.stem != FINISHED:
                    path.unlink(missing_ok=True)

    def finished(self) -> dict[str, np.ndarray] | None:
        """Arrays of the finished model, which counts as the last that was asked for."""
        if (kept := self.load(FINISHED)) is not None and self.folder is not None:
            os.utime(self.folder / f"{FINISHED}.npz")
        return kept

    def point(self, name: str, make: Callable) -> Any:
        """`make()`, parameters of a model, or what it returned before."""
        from .state import Parameters

        kept = self.load(name)
        if kept is not None:
            numbers = {"healthy", "log_likelihood", "log_prior"}
            return Parameters(**{k: float(v) if k in numbers else v for k, v in kept.items()})
        made = make()
        self.save(name, {f.name: getattr(made, f.name) for f in fields(made)})
        return made


class Timer:
    """Tells when so many seconds have passed since it last did."""

    def __init__(self, every: float) -> None:
        self.every, self.last = every, time.monotonic()

    def due(self) -> bool:
        """Whether they have."""
        if time.monotonic() - self.last < self.every:
            return False
        self.last = time.monotonic()
        return True


def partial(path) -> Path:
    """Folder beside an output in which a job keeps the pieces of its fits."""
    path = Path(path)
    return path.with_name(f"{path.name}.partial")


def done(path) -> None:
    """Delete the pieces of a job whose output is written."""
    shutil.rmtree(partial(path), ignore_errors=True)


def settle(path) -> None:
    """Of an output that is written keep the finished model under its fit's hash; delete what other fits have left.

    The job may have to be done again, for other outputs of its; it then takes that model up.
    """
    folders = [f for f in partial(path).glob("*") if f.is_dir()]
    finished = [f / f"{FINISHED}.npz" for f in folders if (f / f"{FINISHED}.npz").is_file()]
    last = max(finished, key=lambda f: f.stat().st_mtime_ns, default=None)
    for folder in folders:
        if last is None or folder != last.parent:
            shutil.rmtree(folder, ignore_errors=True)
            continue
        for path in folder.iterdir():  # of a job that was killed while it tidied up
            if path != last:
                path.unlink(missing_ok=True)


def rng_state(rng: np.random.Generator) -> np.ndarray:
    """State of a generator as an array of text."""
    return np.array(json.dumps(rng.bit_generator.state, default=lambda a: np.asarray(a).tolist()))


def set_rng_state(rng: np.random.Generator, state: np.ndarray) -> None:
    """Put a generator into a state of `rng_state`."""
    rng.bit_generator.state = json.loads(str(state))
