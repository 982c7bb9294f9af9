"""Disks that fail: one sentence with path and remedy, nothing half-written, what was there before stays."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neuraxis.errors import StorageError
from neuraxis.storage import REASONS, aside, closed, existing, explain, user
from neuraxis.tables import read_text, write_table

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
JOB = """
import sys
from types import SimpleNamespace
from neuraxis.job import start
start(SimpleNamespace(rule="r", log=[sys.argv[1]] if len(sys.argv) > 1 else [], wildcards={}))
"""
#: For tests that run as root, whom no rights hold back.
OTHER = "import os; os.getuid() or os.setuid(65534)"


def run(code, *arguments, limit="", **options):
    """Python in a process of its own, under a limit of the shell."""
    command = ["bash", "-c", f'{limit} exec "$@"', "bash", sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=600, **options)


def test_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "t.txt"
    with aside(path) as part:
        part.write_text("first")
        assert not path.exists()
    with pytest.raises(ZeroDivisionError), aside(path) as part:
        part.write_text("second")
        raise ZeroDivisionError("while writing")
    assert path.read_text() == "first" and [p.name for p in path.parent.iterdir()] == ["t.txt"]


def test_remains_of_killed_writers_go(tmp_path):
    for name in (".7.part.t[1].tsv", ".7.part.t1.tsv", ".8.part.t[1].tsv"):
        (tmp_path / name).write_text("half")
    with aside(tmp_path / "t[1].tsv") as part:
        part.write_text("whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".7.part.t1.tsv", "t[1].tsv"]


def test_a_file_that_grows_beyond_a_limit(tmp_path):
    path = tmp_path / "big.tsv"
    write_table(pd.DataFrame({"a": [1]}), path)
    before = path.read_bytes()
    code = (
        JOB
        + f"import pandas as pd\nfrom neuraxis.tables import write_table\nwrite_table(pd.DataFrame({{'a': range(100000)}}), {str(path)!r})"
    )
    done = run(code, tmp_path / "log", limit="ulimit -f 64;")
    for text in (done.stderr, (tmp_path / "log").read_text()):
        assert f"r: {path} cannot be written or read: it would become larger" in text and "Traceback" not in text
        assert "give the same command again" in text
    assert done.returncode == 1 and path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == [".big.tsv.sha256", "big.tsv", "log"]


@pytest.fixture
def full(tmp_path):
    """A disk of 1 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk(full):
    path = full / "model" / "m.npz"
    with pytest.raises(StorageError) as found, aside(path) as part, open(part, "wb") as handle:
        np.savez(handle, a=np.zeros(10**6))
    assert str(found.value).startswith(f"{path} cannot be written or read: its disk is full (")
    assert "MB free at" in str(found.value) and list(path.parent.iterdir()) == []


def test_a_full_disk_under_the_log(full):
    """The job's log cannot be written either: stderr has the sentence, and nothing about logging."""
    code = (
        JOB + "import pandas as pd\nfrom neuraxis.tables import write_table\n"
        f"write_table(pd.DataFrame({{'a': range(1000000)}}), {str(full / 'a.tsv')!r})"
    )
    (full / "fill").write_bytes(b"x" * 1_000_000)
    done = run(code, full / "log")
    assert done.returncode == 1 and "its disk is full" in done.stderr
    assert "Traceback" not in done.stderr and "Logging error" not in done.stderr


def test_rights(tmp_path):
    """As another user (or as oneself, where not root) in a folder that cannot be written."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o555)
    for place in tmp_path.parents:
        if place.stat().st_uid == os.getuid() and place != Path("/"):
            place.chmod(place.stat().st_mode | 0o055)
    tmp_path.chmod(0o755)
    code = (
        f"{JOB}\nfrom neuraxis.tables import write_json\n{OTHER}\n"
        f"write_json([1], {str(folder / 'results' / 'a.json')!r})"
    )
    done = run(code)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"{folder / 'results'} cannot be written or read: you may not write or read there" in done.stderr
    assert f"({folder} is not writable for " in done.stderr


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "results").write_text("")
    with pytest.raises(StorageError, match="results cannot be .* a file stands where a folder is expected"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "results" / "t.tsv")
    with pytest.raises(StorageError, match="a folder stands where a file is expected"):
        read_text(tmp_path)


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.EDQUOT, "your quota"), (errno.EROFS, "can only be read"), (errno.EIO, "dmesg"), (errno.ESTALE, "network")],
)
def test_what_cannot_be_made_here_is_worded(tmp_path, number, words):
    text = explain(OSError(number, os.strerror(number), str(tmp_path / "x")))
    assert text.startswith(f"{tmp_path / 'x'} cannot be") and words in text and text.count("\n") == 0


def test_other_errors_keep_their_traceback(tmp_path):
    done = run(JOB + "{}['key']", tmp_path / "log")
    assert "Traceback" in (tmp_path / "log").read_text() and done.returncode == 1


def test_memory(tmp_path):
    done = run(JOB + "import numpy as np\nnp.ones(10**13)", tmp_path / "log")
    assert "needs more memory" in (tmp_path / "log").read_text() and "Traceback" not in done.stderr


def test_nearest_folder(tmp_path):
    assert existing(tmp_path / "a" / "b") == tmp_path and existing(tmp_path) == tmp_path


def test_kernels_are_cached_where_it_is_allowed(tmp_path):
    """Sources and home that cannot be written: one temporary folder of the user for all processes, said once."""
    source = tmp_path / "src" / "neuraxis"
    shutil.copytree(Path(ENVIRONMENT["PYTHONPATH"]) / "neuraxis", source, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "sustain/kernels/__pycache__").write_text("")  # root writes everywhere else
    (tmp_path / "home").write_text("")
    (tmp_path / "tmp").mkdir()
    environment = {k: v for k, v in ENVIRONMENT.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    environment |= {
        "HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(tmp_path / "src"),
        "TMPDIR": str(tmp_path / "tmp"),
    }
    code = "from neuraxis.sustain import kernels; print(kernels._temporary('x'))"

    def once():
        return subprocess.run([sys.executable, "-B", "-c", code], env=environment, capture_output=True, text=True)

    first, second = once(), once()
    name = next((tmp_path / "tmp").glob(f"neuraxis-{os.getuid()}/kernels-*"))
    assert name.stat().st_mode & 0o777 == 0o700 and str(name) in first.stderr
    assert first.stderr.count("NUMBA_CACHE_DIR") == 2 and second.stderr == ""
    # a folder that somebody else could write into holds no code of ours
    name.parent.chmod(0o777)
    third = once()
    assert f"kept in {tmp_path / 'tmp' / 'kernels-'}" in third.stderr and third.returncode == 0
    environment["TMPDIR"] = str(tmp_path / "absent")
    assert once().returncode == 0


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """What a power loss leaves is the old file or the new one, whole; pieces that can be made again do not wait."""
    seen = []
    real = os.fsync

    def noted(handle):
        seen.append(Path(os.readlink(f"/proc/self/fd/{handle}")).name)
        real(handle)

    monkeypatch.setattr(os, "fsync", noted)
    with aside(tmp_path / "t.txt") as part:
        part.write_text("whole")
    assert len(seen) == 2 and seen[0].endswith("t.txt") and seen[1] == tmp_path.name
    with aside(tmp_path / "u.txt", many=True) as part:
        part.write_text("whole")
    assert len(seen) == 2


def test_a_disk_that_knows_no_flush_is_written_and_one_that_fails_is_told(tmp_path, monkeypatch):
    def failing(number):
        def fsync(handle):
            raise OSError(number, os.strerror(number))

        return fsync

    for number in (errno.EINVAL, errno.ENOTSUP):
        monkeypatch.setattr(os, "fsync", failing(number))
        with aside(tmp_path / "t.txt") as part:
            part.write_text("whole")
        assert (tmp_path / "t.txt").read_text() == "whole"
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    with (
        pytest.raises(StorageError, match="u.txt cannot be written.*the disk reports an error"),
        aside(tmp_path / "u.txt") as part,
    ):
        part.write_text("lost")
    assert not (tmp_path / "u.txt").exists()


@pytest.mark.parametrize("number", sorted(REASONS))
def test_rights_and_free_space_are_told_of_the_failures_they_explain(number, tmp_path):
    words = explain(OSError(number, "", str(tmp_path / "x")))
    assert (f"is not writable for {user()}" in words) == (number in (errno.EACCES, errno.EPERM, errno.EROFS))
    assert ("MB free at" in words) == (number in (errno.ENOSPC, errno.EDQUOT))


def test_what_may_be_read_and_what_is_absent_is_not_closed(tmp_path):
    (tmp_path / "x").write_text("")
    assert (
        closed(tmp_path / "x") == closed(tmp_path) == closed(tmp_path / "absent") == closed(tmp_path / "x/below") == ""
    )
