"""Runs of the workflow in one folder: whose locks are stale, and whether the run that started a job is still alive.

Snakemake locks the files of a run by small files below ``.snakemake/locks`` and takes them away when it ends. Nothing takes
them away when it is killed by SIGKILL or the power fails. Beside them every run holds a lock of the operating system, which
ends with the process that holds it, however it ends: where nobody holds that one, Snakemake's own are stale.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import shutil
import socket
import sys
import threading
import time
from pathlib import Path

import psutil

from .errors import StorageError
from .storage import REASONS, explain

#: Where Snakemake keeps its state, and the file that runs hold locked.
STATE, HELD = Path(".snakemake"), "neuraxis.run"
#: File systems of several machines: a lock of the operating system may be known to one machine alone.
SHARED = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre", "gpfs", "beegfs", "afs", "ceph", "9p")
#: Names the process of Snakemake to the jobs that it starts.
VARIABLE = "NEURAXIS_RUN"
#: Seconds between two looks of a job at the run that started it.
LOOK_EVERY = 1.0

#: Failures of the machine that are no mistake of whoever named a file.
MACHINE = REASONS.keys() - {errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EISDIR}

_held: dict[Path, int] = {}
#: Folders in which another run is alive on this machine, and which.
_beside: dict[Path, str] = {}


def say_plainly(record: logging.LogRecord) -> bool:
    """A filter of Snakemake's logger: what the machine refuses to Snakemake itself is told in one sentence, not in a traceback.

    Its locks, records, scripts and benchmarks lie on the study's disk, too, and are written before and after every job.
    """
    told = error = sys.exc_info()[1]
    while error is not None and not (isinstance(error, OSError) and error.errno in MACHINE):
        error = error.__cause__ or error.__context__
    # an error of Snakemake's own counts where it repeats the machine's: "... ([Errno 28] No space left on device)"
    if record.levelno >= logging.ERROR and error is not None and os.strerror(error.errno or 0) in str(told):
        record.msg, record.args = explain(error, STATE.resolve()), ()
    # Snakemake advises to unlock, which would let two runs write the same files
    if (
        record.levelno >= logging.ERROR
        and type(told).__name__ == "LockException"
        and (who := _beside.get(STATE.resolve()))
    ):
        record.msg, record.args = (
            f"A run is at work in {STATE.resolve().parent} ({who}): wait for its end, or end it first",
            (),
        )
    return True


def file_system(path) -> str:
    """Type of the file system that a path lies on; "" where it is not known."""
    path = Path(path).resolve()
    mounts = [m for m in psutil.disk_partitions(all=True) if path.is_relative_to(m.mountpoint)]
    return max(mounts, key=lambda m: len(m.mountpoint)).fstype if mounts else ""


def on_shared_disk(path) -> bool:
    """Whether a path lies on a disk that several machines may use at once."""
    kind = file_system(path)
    return kind in SHARED or (kind.startswith("fuse.") and kind != "fuse.overlayfs")


def claim(folder=".", *, shared: bool | None = None) -> str:
    """Register this process as a run in `folder` until it ends, and take stale locks of Snakemake away.

    Parameters
    ----------
    folder : path
        Working directory of the run.
    shared : bool, optional
        Whether other machines may run in the same folder; by default as its file system says. Then locks of another
        machine stay, because nothing here tells whether its run is alive.

    Returns
    -------
    str
        What was done, for the user; "" where there is nothing to say.

    Raises
    ------
    StorageError
        The folder cannot be written.
    """
    os.environ[VARIABLE] = str(os.getpid())
    logging.raiseExceptions = False  # Snakemake's log on a full disk is no reason to print how logging works
    state = (Path(folder) / STATE).resolve()
    if state in _held:
        return ""
    try:
        state.mkdir(parents=True, exist_ok=True)
        handle = os.open(state / HELD, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise StorageError(explain(error, state)) from None
    try:
        alone = _only_run(handle)
    except OSError as error:  # this file system knows no locks: Snakemake's own decide, as they would without this
        os.close(handle)
        if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
            raise StorageError(explain(error, state / HELD)) from None
        return ""
    words = ""
    if not alone:
        _beside[state] = _named(_last(handle))
    else:
        words = _clear(state, _last(handle), on_shared_disk(state) if shared is None else shared)
        me = {"pid": os.getpid(), "host": socket.gethostname(), "started": time.strftime("%Y-%m-%d %H:%M:%S")}
        try:
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(me).encode(), 0)
        except OSError as error:
            os.close(handle)
            raise StorageError(explain(error, state / HELD)) from None
    # shared from now on: two runs of different files may live side by side, as Snakemake's own locks allow
    fcntl.flock(handle, fcntl.LOCK_SH)
    _held[state] = handle
    return words


def _only_run(handle: int) -> bool:
    """Whether no other process holds the lock; this one does then."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _last(handle: int) -> dict:
    """Who held the lock last; {} where that cannot be told."""
    try:
        found = json.loads(os.pread(handle, 10_000, 0))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _named(last: dict) -> str:
    """A run in words."""
    return f"process {last.get('pid', '?')} on {last.get('host', '?')}, started {last.get('started', '?')}"


def _clear(state: Path, last: dict, shared: bool) -> str:
    """Remove the locks of a run that is no more; says whose they were."""
    locks = sorted((state / "locks").glob("*.lock"))
    if not locks:
        return ""
    who = _named(last)
    if shared and last.get("host") != socket.gethostname():
        return (
            f"{state.parent} holds locks of another machine's run ({who}), and whether that is alive cannot be told from "
            "here. If it is not: snakemake --unlock, then the same command again"
        )
    shutil.rmtree(state / "locks", ignore_errors=True)
    return (
        f"An earlier run here ({who}) was killed and left its lock; no run is alive, so it is removed and work goes on"
    )


def held(folder=".") -> tuple[str, str]:
    """Whether a run is at work in `folder`, or was killed there; nothing is changed.

    Returns
    -------
    state : {"", "alive", "stale"}
        "stale" where nobody holds the lock of the operating system, but Snakemake's own are there.
    who : str
        The run; "" where there is none, or it cannot be told.
    """
    state = Path(folder) / STATE
    try:
        handle = os.open(state / HELD, os.O_RDONLY)
    except OSError:
        return "", ""
    try:
        last = _last(handle)
        who = _named(last)
        if not _only_run(handle):
            return "alive", who
        return ("stale", who) if any((state / "locks").glob("*.lock")) else ("", "")
    except OSError:
        return "", ""
    finally:
        os.close(handle)


def end_with_run(rule: str, *, every: float = LOOK_EVERY) -> threading.Thread | None:
    """Stop this job when the Snakemake process that started it is gone (killed alone, its jobs left behind).

    What the job has finished stays; a second run beside an abandoned job would do the same work twice.

    Returns
    -------
    Thread or None
        None where this process was not started by a run on this machine.
    """
    me = psutil.Process()
    run = next((p for p in me.parents() if str(p.pid) == os.environ.get(VARIABLE)), None)
    if run is None:
        return None

    def watch() -> None:
        while run.is_running() and run.status() != psutil.STATUS_ZOMBIE:
            time.sleep(every)
        logging.error("%s: the run that started this job has ended, so it stops; the same command resumes it", rule)
        logging.shutdown()
        os._exit(1)

    thread = threading.Thread(target=watch, daemon=True, name="end with run")
    thread.start()
    return thread
