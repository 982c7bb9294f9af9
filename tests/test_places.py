"""The user's own folders, and what failures are told of: the path, megabytes, who may do what."""

import errno
import os
import tempfile
from types import SimpleNamespace

import pytest

from neuraxis import storage
from neuraxis.errors import StorageError
from neuraxis.storage import aside, closed_cache, existing, explain, own_folder, user


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_one_folder_of_the_user_s_own_serves_all_processes(temporary):
    place = temporary / f"neuraxis-{os.getuid()}" / "kernels"
    assert own_folder("kernels") == place and own_folder("kernels") == place  # the second time as well
    assert [p.stat().st_mode & 0o777 for p in (place, place.parent)] == [0o700, 0o700]


@pytest.mark.parametrize(
    ("mode", "own"), [(0o755, True), (0o711, True), (0o720, False), (0o702, False), (0o722, False)]
)
def test_a_folder_that_others_could_write_to_is_not_used(temporary, mode, own):
    place = own_folder("x")
    for changed in (place, place.parent):
        changed.chmod(mode)
        assert (own_folder("x") == place) == own
        changed.chmod(0o700)


def test_what_is_no_folder_or_somebody_else_s_is_not_used(temporary, monkeypatch):
    place = own_folder("x")
    place.rmdir()
    (temporary / "elsewhere").mkdir()
    place.symlink_to(temporary / "elsewhere")
    assert own_folder("x").parent == temporary and own_folder("x").name.startswith("x")
    place.unlink()
    own = os.getuid()
    called = iter([own, own, own + 1])
    monkeypatch.setattr(storage.os, "getuid", lambda: next(called, own))  # the second folder is not the user's
    assert own_folder("x").parent == temporary


def test_without_a_temporary_folder_the_user_is_told_to_set_one(monkeypatch):
    def none():
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    with pytest.raises(StorageError, match="No usable temporary directory found: set TMPDIR"):
        own_folder("x")


def test_a_cache_that_can_be_written_or_made_is_not_closed(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "new/cache"))
    assert closed_cache() == ""
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".cache").write_text("")
    assert closed_cache() == str(tmp_path / ".cache")  # a file
    (tmp_path / ".cache").unlink()
    assert closed_cache() == ""
    asked = []
    monkeypatch.setattr(storage.os, "access", lambda path, how: asked.append((path, how)))
    assert closed_cache() == str(tmp_path / ".cache") and asked == [(tmp_path, os.W_OK | os.X_OK)]


def test_failures_are_told_with_megabytes_and_rights(tmp_path, monkeypatch):
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda place: SimpleNamespace(free=7_400_000))
    told = explain(OSError(errno.ENOSPC, "", str(tmp_path / "new/x")))
    assert told.startswith(
        f"{tmp_path / 'new/x'} cannot be written or read: its disk is full (7 MB free at {tmp_path});"
    )
    (tmp_path / "x").write_text("")
    for may, what in ((True, "writable"), (False, "readable")):
        monkeypatch.setattr(storage.os, "access", lambda path, how, may=may: may and how == os.R_OK)
        assert f"({tmp_path / 'x'} is not {what} for {user()})" in explain(
            OSError(errno.EACCES, "", str(tmp_path / "x"))
        )
    assert f"({tmp_path} is not writable for" in explain(OSError(errno.EROFS, ""), tmp_path / "new")


def test_a_failure_is_of_the_error_s_own_path_or_of_that_given_or_of_a_file(tmp_path):
    named, plain = OSError(errno.EIO, "", "/own"), OSError(errno.EIO, "")
    assert explain(named, "/given").startswith("/own cannot") and explain(plain, "/given").startswith("/given cannot")
    assert explain(plain).startswith("a file cannot") and explain(OSError(errno.ENOSPC, "")).startswith("a file cannot")
    strange = OSError(errno.ELOOP, "Too many levels", "/own")
    assert explain(strange) == "/own cannot be written or read: Too many levels"
    assert explain(OSError("in words"), "/x") == "/x cannot be written or read: in words"


def test_the_part_that_was_written_is_called_by_the_file_s_name_and_others_by_theirs(tmp_path):
    with (
        pytest.raises(StorageError, match=rf"^{tmp_path / 't.txt'} cannot be written"),
        aside(tmp_path / "t.txt") as part,
    ):
        raise OSError(errno.EIO, "", str(part))
    with pytest.raises(StorageError, match="^/other cannot be written"), aside(tmp_path / "t.txt") as part:
        raise OSError(errno.EIO, "", "/other")
    with pytest.raises(OSError, match="Too many levels") as error, aside(tmp_path / "t.txt") as part:
        raise OSError(errno.ELOOP, "Too many levels", str(part))
    assert error.value.filename == str(tmp_path / "t.txt") and list(tmp_path.iterdir()) == []


def test_remains_of_one_of_thousands_of_files_are_left_to_who_writes_them(tmp_path):
    (tmp_path / ".7.part.t.txt").write_text("half")
    with aside(tmp_path / "a/b/t.txt", many=True) as part:
        part.write_text("whole")
    with aside(tmp_path / "t.txt", many=True) as part:
        part.write_text("whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".7.part.t.txt", "a", "t.txt"]


def test_the_nearest_folder_above_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").write_text("")
    assert (
        existing("new/deep") == tmp_path and existing("x") == tmp_path / "x" and existing("x/below") == tmp_path / "x"
    )
