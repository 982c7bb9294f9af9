"""Runs in one folder: stale locks go, live ones stay, abandoned jobs end."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from neuraxis.doctor import locks
from neuraxis.errors import StorageError
from neuraxis.runs import claim, held

SRC = str(Path(__file__).parents[1] / "src")
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": SRC}
SNAKEFILE = """
from neuraxis.runs import claim, say_plainly
from snakemake.logging import logger
logger.addFilter(say_plainly)
if workflow.is_main_process and (words := claim()):
    logger.warning(words)
rule slow:
    output: "slow.txt"
    log: "slow.log"
    script: "slow.py"
"""
SCRIPT = """
import os, time
from pathlib import Path
from neuraxis.job import start
start(snakemake)
Path("pid").write_text(str(os.getpid()))
while not Path("go").exists():
    time.sleep(0.05)
Path(snakemake.output[0]).write_text("done")
"""


@pytest.fixture
def flow(tmp_path):
    """A workflow of one job that waits until a file `go` appears; running() starts it and waits until the job runs."""
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "slow.py").write_text(SCRIPT)
    begun = []

    def command():
        return ["snakemake", "--cores", "1", "--rerun-incomplete"]

    def running():
        (tmp_path / "pid").unlink(missing_ok=True)
        with open(tmp_path / "out", "w") as out:
            main = subprocess.Popen(
                command(), cwd=tmp_path, env=ENVIRONMENT, stdout=out, stderr=out, start_new_session=True
            )
        begun.append(main)
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        return main, int((tmp_path / "pid").read_text())

    def again():
        return subprocess.run(command(), cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=600)

    yield tmp_path, running, again
    for main in begun:
        if main.poll() is None:
            os.killpg(main.pid, signal.SIGKILL)


def until(condition, seconds=600):
    deadline = time.time() + seconds
    while not condition():
        assert time.time() < deadline, "it did not come about"
        time.sleep(0.05)


def test_the_same_command_resumes_after_sigkill(flow):
    folder, running, again = flow
    main, _ = running()
    os.killpg(main.pid, signal.SIGKILL)
    main.wait()
    assert list((folder / ".snakemake/locks").iterdir())  # or the test shows nothing
    (folder / "go").touch()
    done = again()
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("was killed and left its lock") == 1
    assert f"process {main.pid} on {socket.gethostname()}" in done.stderr
    assert (folder / "slow.txt").read_text() == "done" and not list((folder / ".snakemake/locks").glob("*.lock"))
    assert "left its lock" not in again().stderr


def test_two_live_runs_exclude_each_other(flow):
    folder, running, again = flow
    main, job = running()
    second = again()
    assert second.returncode and f"A run is at work in {folder} (process {main.pid} on" in second.stderr
    assert "unlock" not in second.stderr  # which would let both write the same files
    assert "left its lock" not in second.stderr and psutil.pid_exists(job)
    (folder / "go").touch()
    assert main.wait(600) == 0 and (folder / "slow.txt").read_text() == "done"


def test_a_job_whose_run_is_killed_ends_itself(flow):
    """The leader alone is killed; its job would go on for hours beside the one that the next run starts."""
    folder, running, again = flow
    main, job = running()
    job = psutil.Process(job)
    main.kill()
    main.wait()
    until(lambda: not job.is_running() or job.status() == psutil.STATUS_ZOMBIE)
    assert "the run that started this job has ended" in (folder / "slow.log").read_text()
    assert not (folder / "slow.txt").exists()
    (folder / "go").touch()
    assert again().returncode == 0


def remains(folder, host):
    """A folder that a killed run of `host` has left."""
    locks = folder / ".snakemake/locks"
    locks.mkdir(parents=True)
    (locks / "0.input.lock").write_text("a\n")
    (folder / ".snakemake/neuraxis.run").write_text(json.dumps({"pid": 7, "host": host, "started": "yesterday"}))
    return locks / "0.input.lock"


@pytest.mark.parametrize(
    ("host", "shared", "goes"),
    [
        (socket.gethostname(), True, True),
        (socket.gethostname(), False, True),
        ("elsewhere", False, True),
        ("elsewhere", True, False),
    ],
)
def test_on_shared_disks_locks_of_other_machines_stay(tmp_path, host, shared, goes):
    lock = remains(tmp_path, host)
    words = claim(tmp_path, shared=shared)
    assert lock.exists() is not goes and "process 7 on" in words
    assert ("snakemake --unlock" in words) is not goes
    assert claim(tmp_path, shared=shared) == ""  # the same process once more


def test_locks_stay_while_any_process_holds_on(tmp_path):
    lock = remains(tmp_path, socket.gethostname())
    with open(tmp_path / ".snakemake/neuraxis.run") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert claim(tmp_path) == "" and lock.exists()


def test_others_can_ask_who_holds_the_lock(tmp_path):
    assert held(tmp_path) == ("", "")
    lock = remains(tmp_path, "elsewhere")
    assert held(tmp_path) == ("stale", "process 7 on elsewhere, started yesterday") and lock.exists()
    with open(tmp_path / ".snakemake/neuraxis.run") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert held(tmp_path)[0] == "alive"
    lock.unlink()
    assert held(tmp_path) == ("", "")
    remains_of = [f.words for f in locks(tmp_path)]
    lock.write_text("a")
    assert remains_of == [] and "the next run removes it" in next(locks(tmp_path)).words


def test_without_remains_nothing_is_said(tmp_path):
    assert claim(tmp_path) == ""
    assert json.loads((tmp_path / ".snakemake/neuraxis.run").read_text())["pid"] == os.getpid()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / ".snakemake").write_text("")
    with pytest.raises(StorageError, match=r"\.snakemake cannot be written or read: a file stands where a folder"):
        claim(tmp_path)
    shutil.rmtree(tmp_path)


def test_snakemake_takes_the_place_of_the_command(tmp_path):
    """Whoever kills `neuraxis run`, by whatever signal, kills the run: no Snakemake goes on without it."""
    tell = "import os, sys; print(os.getpid()); sys.exit(7)"
    code = f"import neuraxis.cli as c, sys; c.snakemake_command = lambda *a: [sys.executable, '-c', {tell!r}]; c.main()"
    (tmp_path / "config.yaml").write_text("cohort: {scale: 0.1}\n")
    command = [sys.executable, "-c", code, "run", "--study", str(tmp_path), "-n"]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as begun:
        said, errors = begun.communicate(timeout=600)
    assert said == f"{begun.pid}\n" and begun.returncode == 7, errors
