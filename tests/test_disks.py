"""The command line on disks and in folders that do not serve: one sentence that names the file, and no traceback."""

import errno
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from powerless import powerless

from neuraxis import cli, newpeople
from neuraxis.errors import StorageError
from neuraxis.runs import say_plainly
from neuraxis.storage import explain
from neuraxis.tables import read_json, read_table

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
REFUSED = 1


def neuraxis(*arguments, **more):
    """The command as a user calls it."""
    command = [sys.executable, "-m", "neuraxis", *map(str, arguments)]
    return subprocess.run(
        command, env={**ENVIRONMENT, **more}, capture_output=True, text=True, timeout=600, preexec_fn=powerless
    )


@pytest.fixture
def full(tmp_path):
    """A disk without room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        (disk / "fill").write_bytes(b"x" * 100_000)
    except OSError:
        pass
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_new_study_on_a_full_disk(full):
    done = neuraxis("init", full / "study")
    assert done.returncode == REFUSED and done.stderr.startswith(f"neuraxis: {full / 'study'}/"), done.stderr
    assert "its disk is full (0 MB free at " in done.stderr and done.stderr.count("\n") == 1
    assert [p.name for p in (full / "study").iterdir()] == []


def test_a_new_study_where_nothing_may_be_written(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o555)
    done = neuraxis("init", tmp_path / "closed" / "study")
    assert done.returncode == REFUSED and done.stderr.count("\n") == 1
    assert f"{tmp_path / 'closed' / 'study'} cannot be written or read: you may not" in done.stderr
    assert f"({tmp_path / 'closed'} is not writable for " in done.stderr


@pytest.fixture
def study(tmp_path):
    """A study's folder with its configuration and people."""
    (tmp_path / "people.tsv").write_text("participant_id\tgroup\tage\tsex\nsub-01\tHC\t30\tF\n")
    (tmp_path / "measures.tsv").write_text("participant_id\tetiv\tthalamus\nsub-01\t1500000\t15000\n")
    (tmp_path / "config.yaml").write_text(
        "cohort: {source: files, participants: people.tsv, diseases: []}\n"
        "features: {source: table, table: measures.tsv, use: [thalamus]}\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("closed", "words"),
    [
        ("measures.tsv", "features.table: measures.tsv: may not be read by "),
        ("config.yaml", "config.yaml is not readable for "),
        (".", ".snakemake cannot be written or read: you may not write or read there"),
    ],
)
def test_a_run_where_something_is_closed(study, closed, words):
    (study / closed).chmod(0o555 if closed == "." else 0)
    done = neuraxis("run", "--study", study, "-n")
    (study / closed).chmod(0o755)
    said = done.stdout + done.stderr
    assert done.returncode and words in said and "Traceback" not in said, said
    assert not (study / "results").exists()


def test_a_run_without_a_home_that_can_be_written(study, tmp_path):
    """Snakemake's own cache lies there; one temporary folder of the user takes its place, and that is said."""
    (tmp_path / "home").mkdir(mode=0o555)
    (tmp_path / "tmp").mkdir()
    more = {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp"), "XDG_CACHE_HOME": ""}
    done = neuraxis("run", "--study", study, "-n", "--quiet", **more)
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "Traceback" not in said, said
    cache = tmp_path / "tmp" / f"neuraxis-{os.getuid()}/cache"
    assert f"{tmp_path / 'home/.cache'} cannot be written: {cache} takes its place" in said
    assert cache.stat().st_mode & 0o777 == 0o700 and (cache / "snakemake").is_dir()
    # a folder that somebody else could write into holds no code of ours
    cache.chmod(0o777)
    again = neuraxis("run", "--study", study, "-n", "--quiet", **more)
    assert (
        again.returncode == 0 and f"{cache} takes" not in again.stderr and f"{tmp_path / 'tmp'}/cache" in again.stderr
    )
    (tmp_path / "home").chmod(0o755)
    assert "takes its place" not in neuraxis("run", "--study", study, "-n", "--quiet", **more).stderr


def test_a_run_on_a_full_disk(study, full):
    """Without any room, with too little for Snakemake's own files, and again with enough: nothing is lost, nothing half done."""
    for path in ("people.tsv", "measures.tsv", "config.yaml"):
        (full / path).symlink_to(study / path)
    for left in (0, 40_000):  # bytes
        (full / "fill").write_bytes(b"")
        (full / "fill").write_bytes(b"x" * (16 * 4096 - left))
        done = neuraxis("run", "--study", full, "--cores", "1", "--until", "features_combine")
        said = done.stdout + done.stderr
        assert done.returncode and f"{full}/.snakemake" in said and "its disk is full" in said, said
        assert "free space there" in said and "Traceback" not in said and "Logging error" not in said, said
    assert "Building DAG of jobs" in said and not list(full.rglob(".*.part.*"))
    subprocess.run(["mount", "-o", "remount,size=4m", str(full)], check=True)
    done = neuraxis("run", "--study", full, "--cores", "1", "--until", "features_combine")
    assert done.returncode == 0, done.stdout + done.stderr
    measured = read_table(full / "results/features/measures.tsv")
    assert measured[["participant_id", "thalamus"]].to_numpy().tolist() == [["sub-01", 15000]]


@pytest.mark.parametrize("number", [errno.EDQUOT, errno.EIO, errno.ENOSPC, errno.EACCES])
@pytest.mark.parametrize("command", ["stage", "export"])
def test_what_the_machine_refuses_is_one_sentence(tmp_path, monkeypatch, command, number):
    """Errors of reading that no disk here can be made to give; raised where a command's function begins."""

    def fails(*arguments, **options):
        raise OSError(number, os.strerror(number), str(tmp_path / "results/x.tsv"))

    monkeypatch.setattr(
        newpeople if command == "stage" else newpeople.shared, {"stage": "open_model"}.get(command, command), fails
    )
    arguments = {"stage": ["--study", str(tmp_path)], "export": [str(tmp_path), str(tmp_path / "m")]}[command]
    done = CliRunner().invoke(cli.main, [command, *arguments])
    assert done.exit_code == REFUSED and isinstance(done.exception, SystemExit)
    expected = explain(OSError(number, "", str(tmp_path / "results/x.tsv")))
    assert done.output == f"neuraxis: {expected}\n"


@pytest.mark.parametrize(
    ("error", "plain"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a.tsv"), True),
        (ValueError("a record ([Errno 28] No space left on device)"), True),
        (ValueError("another matter"), False),
        (FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "squeue"), False),
    ],
)
def test_what_the_machine_refuses_to_snakemake_itself(error, plain):
    """An error of Snakemake's own that repeats what the disk said, and one that came of something else meanwhile."""
    record = logging.LogRecord("snakemake", logging.ERROR, "", 0, "as it was", (), None)
    try:
        try:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a.tsv")
        except OSError:
            raise error from None
    except Exception:
        assert say_plainly(record)
    words = explain(OSError(errno.ENOSPC, "", "a.tsv"))
    assert record.getMessage() == (words if plain else "as it was")


def test_a_result_that_may_not_be_read(tmp_path, monkeypatch):
    (tmp_path / "a.json").mkdir()
    with pytest.raises(StorageError, match="a.json cannot be .* a folder stands where a file is expected"):
        read_json(tmp_path / "a.json")
