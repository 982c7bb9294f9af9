"""Files on disks that fail: written aside and renamed, and every failure in one sentence with its path and remedy."""

from __future__ import annotations

import errno
import getpass
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import StorageError

#: What a failure of the machine means, and what to do about it.
REASONS = {
    errno.ENOSPC: ("its disk is full", "free space there, or let the study's folder lie on another disk"),
    errno.EDQUOT: ("your quota of that disk is used up", "delete files of yours there, or ask for a larger quota"),
    errno.EFBIG: ("it would become larger than a file may be here", "raise the limit (ulimit -f) or use another disk"),
    errno.EACCES: ("you may not write or read there", "change the rights of the folder (chmod, chown)"),
    errno.EPERM: ("you may not write or read there", "change the rights of the folder (chmod, chown)"),
    errno.EROFS: ("its disk can only be read", "let the study's folder lie on a disk that can be written"),
    errno.ENOENT: ("it is not there", "put it back (was it moved or deleted while the run went on?)"),
    errno.ENOTDIR: ("a file stands where a folder is expected", "rename or delete that file"),
    errno.EEXIST: ("a file stands where a folder is expected", "rename or delete that file"),
    errno.EISDIR: ("a folder stands where a file is expected", "rename or delete that folder"),
    errno.ENAMETOOLONG: ("its name is too long for this disk", "let the study lie in a folder of a shorter path"),
    errno.EMFILE: ("too many files are open", "raise the limit (ulimit -n)"),
    errno.ENFILE: ("too many files are open on this machine", "close programs"),
    errno.EIO: ("the disk reports an error", "look at the machine's log (dmesg); the disk may be failing"),
    errno.ESTALE: ("the network disk has lost it", "wait until the disk is back"),
    errno.ENOTCONN: ("the network disk is not connected", "wait until the disk is back"),
    errno.ETIMEDOUT: ("the network disk does not answer", "wait until the disk is back"),
}
RESUME = "then give the same command again, which goes on where this ended"


def existing(path) -> Path:
    """The path, or the nearest folder above it that exists."""
    path = Path(os.path.abspath(path))
    for place in (path, *path.parents):
        try:
            if place.exists():
                return place
        except OSError:
            continue
    return Path("/")


def closed_cache() -> str:
    """The user's cache folder where it can neither be written nor made; "" where all is well.

    Snakemake keeps copies of sources there, and ends in a traceback before it has read the workflow where it cannot.
    """
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    there = existing(place)
    return "" if there.is_dir() and os.access(there, os.W_OK | os.X_OK) else str(place)


def own_folder(name: str) -> Path:
    """A folder of this user alone below the temporary one, the same for all processes unless somebody else could write there.

    Parameters
    ----------
    name : str

    Raises
    ------
    StorageError
        There is no temporary folder that can be written.
    """
    try:
        folder = Path(tempfile.gettempdir()) / f"neuraxis-{os.getuid()}" / name
    except FileNotFoundError as error:
        raise StorageError(f"{error.strerror}: set TMPDIR to a folder that can be written") from None
    try:
        for place in (folder.parent, folder):
            place.mkdir(mode=0o700, exist_ok=True)
            found = place.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
                raise PermissionError
        return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix=name))


def explain(error: OSError, path=None) -> str:
    """What a failure of the machine was, in one sentence: the path, the reason, what to do.

    Parameters
    ----------
    error : OSError
    path : path, optional
        What was to be written or read, where the error itself does not say.
    """
    path = error.filename if isinstance(error.filename, (str, os.PathLike)) else path
    where = "a file" if path is None else os.fspath(path)
    if error.errno not in REASONS:
        return f"{where} cannot be written or read: {error.strerror or error}"
    why, remedy = REASONS[error.errno]
    detail = ""
    place = existing("." if path is None else path)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        try:
            detail = f" ({shutil.disk_usage(place).free / 1e6:.0f} MB free at {place})"
        except OSError:
            detail = ""
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        what = "readable" if place.is_file() and not os.access(place, os.R_OK) else "writable"
        detail = f" ({place} is not {what} for {user()})"
    return f"{where} cannot be written or read: {why}{detail}; {remedy}, {RESUME}"


def closed(path) -> str:
    """Why this user may not read a file that is there, and what to do; "" where it may be read, or nothing is there."""
    try:
        if not os.path.lexists(path):
            os.stat(path)  # tells what is not there from what lies in a folder that may not be entered
        elif os.access(path, os.R_OK):
            return ""
    except PermissionError:
        pass
    except OSError:
        return ""
    return f"{user()} may not read it; change the rights of file or folder (chmod, chown)"


def user() -> str:
    """Name of the user, or number where there is no name (containers)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


@contextmanager
def aside(path, *, many: bool = False) -> Iterator[Path]:
    """Yield a path next to `path`; rename it to `path` only if the block ends well.

    Parameters
    ----------
    path : path
    many : bool
        One of thousands of small files. All others wait until their content has reached the disk, so that a failing power
        supply leaves the whole file or none; who writes thousands calls `os.sync` once instead.

    Raises
    ------
    StorageError
        The disk is full, a quota used up, rights are missing and the like.
    """
    path = Path(path)
    part = path.with_name(f".{os.getpid()}.part.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in [] if many else path.parent.glob(f".*.part.{_literal(path.name)}"):
            left.unlink(missing_ok=True)  # of a process that was killed: a file has one writer at a time
        yield part
        if not many:
            _flush(part)
        os.replace(part, path)
        if not many:
            _flush(path.parent)
    except OSError as error:
        # what the user knows is the file, not its part
        if isinstance(error.filename, (str, os.PathLike)) and Path(error.filename) == part:
            error.filename = str(path)
        if error.errno in REASONS:
            raise StorageError(explain(error, path)) from error
        raise
    finally:
        try:
            part.unlink(missing_ok=True)
        except OSError:
            pass  # what went wrong before is what the user should hear of


def _literal(name: str) -> str:
    """A name as a pattern that matches itself alone."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _flush(path: Path) -> None:
    """Wait until a file or a folder's list of names is on the disk."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except (PermissionError, IsADirectoryError):
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # disks that know no such thing
            raise
    finally:
        os.close(handle)
