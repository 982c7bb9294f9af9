"""Faults of machines and people, planted while a job runs: nothing may be lost, nothing may be silently wrong.

    make faults FAULTS=1000        # writes benchmarks/reliability.tsv

A run forks a job that reads a sealed table, fits one and two subtypes with checkpoints, keeps the finished fits, and writes
models and table, as the workflow's jobs do. One fault is planted; what the job says is looked at; then the same job is done again, undisturbed, and its results are
compared byte by byte with those of a job that nothing ever happened to.
"""

import hashlib
import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from neuraxis import job, runs
from neuraxis.errors import NeuraxisError
from neuraxis.sustain import SustainModel, ZScoreEvents, fit
from neuraxis.sustain import checkpoint as keeping
from neuraxis.tables import read_table, write_table

EVENTS = ZScoreEvents([[1.0, 2.0], [1.0], [2.0]], 5.0, biomarkers=list("abc"))
#: Models of one and of two subtypes.
MODELS = ("first.npz", "model.npz")
NAMES = ("z.tsv", *MODELS, "subtypes.tsv")
#: Words that a log may end a job with; anything else is a foreign exception.
TRACEBACK = "Traceback"


def prepare(folder: Path) -> None:
    """The input of a job."""
    rng = np.random.default_rng(3)
    severity = np.where(rng.random(300) < 0.3, 0.0, rng.random(300))[:, None]
    z = pd.DataFrame(severity * [[4.0, 3.0, 1.0]] + rng.normal(size=(300, 3)), columns=list("abc"))
    z.insert(0, "participant_id", [f"sub-{i:03d}" for i in range(len(z))])
    write_table(z, folder / "z.tsv")


def work(folder: Path) -> None:
    """What a job does."""
    z = read_table(folder / "z.tsv").set_index("participant_id")
    model = None
    for k, name in enumerate(MODELS, 1):
        fit(
            z, EVENTS, k, covariance=0.3 + 0.7 * np.eye(3), n_startpoints=2, n_samples=1000, n_chains=2, n_draws=20,
            seed=4, progress=False, previous=model, checkpoint=keeping.partial(folder / name),
        ).save(folder / name)  # fmt: skip
        model = SustainModel.load(folder / name)
    write_table(model.assign(z).reset_index(), folder / "subtypes.tsv")
    for name in MODELS:
        keeping.settle(folder / name)


def log_of(folder: Path) -> str:
    """What the job said; "" where it could not even begin a log."""
    path = folder / "job.log"
    return path.read_text() if path.exists() else ""


def begin(folder: Path, prelude=lambda: None) -> int:
    """Start a run, which forks the job; returns the pid of the run, which leads a group of its own."""
    leader = os.fork()
    if leader:
        return leader
    os.setsid()
    os.environ[runs.VARIABLE] = str(os.getpid())
    child = os.fork()
    if child:
        for s in (signal.SIGTERM, signal.SIGINT):
            signal.signal(s, signal.SIG_DFL)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0)
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        runs.LOOK_EVERY = 0.02
        job.start(SimpleNamespace(rule="job", log=[str(folder / "job.log")], wildcards={}))
        keeping.Checkpoint.__init__.__defaults__ = (None, "", 0.005)
        prelude()
        run = os.getppid()
        work(folder)
        code = 0
        if os.getppid() != run:  # its run is gone: a job of hours would be at work still, unless it ends itself
            time.sleep(600)
    except BaseException:  # noqa: BLE001 - as the interpreter would
        sys.excepthook(*sys.exc_info())
    finally:
        logging.shutdown()
        os._exit(code)


def end(pid: int) -> int:
    """Wait for a run, and for a job that it may have left behind."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def job_ends(run: int, seconds: float = 60.0) -> bool:
    """Whether the job of a run that is gone ends, too: it is of the run's group, whenever the run was ended."""
    import psutil

    deadline = time.time() + seconds
    while left := [p for p in psutil.process_iter(["status"]) if _group(p.pid) == run and p.info["status"] != "zombie"]:
        if time.time() > deadline:
            for process in left:
                process.kill()
            return False
        time.sleep(0.01)
    return True


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def results(folder: Path) -> dict:
    """Checksums of what a job wrote."""
    return {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in NAMES if (folder / n).exists()}


def damage(path: Path, how: str, rng) -> None:
    """Cut a file short, empty it, or flip one of its bits."""
    raw = bytearray(path.read_bytes())
    if how == "flip" and raw:
        raw[rng.integers(len(raw))] ^= 1 << int(rng.integers(8))
    path.write_bytes(
        bytes(raw) if how == "flip" else bytes(raw[: rng.integers(len(raw))]) if how == "cut" and raw else b""
    )


class Faults:
    """A folder in which faults are planted one after another.

    Parameters
    ----------
    folder : path
    seed : int
    """

    def __init__(self, folder, seed: int):
        self.folder, self.rng = Path(folder), np.random.default_rng(seed)
        prepare(self.folder)
        work(self.folder)  # kernels are loaded once, here, and not by every job that is forked
        for name in NAMES[1:]:
            (self.folder / name).unlink()
        for name in MODELS:
            keeping.done(self.folder / name)
        self.input = {n: (self.folder / n).read_bytes() for n in ("z.tsv", ".z.tsv.sha256")}
        started = time.perf_counter()
        if end(begin(self.folder)):
            raise RuntimeError(log_of(self.folder))
        self.seconds = time.perf_counter() - started
        self.whole = results(self.folder)

    def kinds(self) -> list[str]:
        """All kinds of faults."""
        found = [f"{s} at {w}" for s in ("SIGKILL", "SIGTERM", "SIGINT") for w in ("leader", "group")]
        found += [f"piece of a fit: {how}" for how in ("cut", "flip", "emptied")]
        found += [f"finished fit: {how}" for how in ("whole", "cut", "flip", "emptied")]
        found += [f"{n}: {how}" for n in ("subtypes.tsv", "model.npz", "z.tsv") for how in ("cut", "flip", "emptied")]
        return [*found, "input removed", "file limit", "full disk", "memory limit", "two at once"]

    def clear(self) -> None:
        """An untouched input, and nothing else."""
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        for name, raw in self.input.items():
            (self.folder / name).write_bytes(raw)

    def plant(self, kind: str) -> str:
        """Plant one fault and look at what comes of it.

        Returns
        -------
        str
            "ended" (and resumed to the same bytes), "refused" (in words), "harmless" (finished as if nothing had
            happened); or "WRONG: ..." for whatever must not be.
        """
        self.clear()
        try:
            said = getattr(self, f"_{kind.split(' ')[0].split(':')[0].lower().replace('.', '_')}")(kind)
        except AssertionError as error:
            return f"WRONG: {error}"
        for name, raw in self.input.items():
            (self.folder / name).write_bytes(raw)
        if end(begin(self.folder)):
            return f"WRONG: the same job does not go on: {log_of(self.folder)[-300:]}"
        if results(self.folder) != self.whole:
            return "WRONG: other results"
        known = {*NAMES, *(f".{n}.sha256" for n in NAMES), "job.log", *(f"{n}.partial" for n in MODELS)}
        left = sorted(p.name for p in self.folder.iterdir() if p.name not in known)
        kept = [p.relative_to(self.folder).parts for p in sorted(self.folder.rglob("*.npz")) if p.name not in MODELS]
        if [(p[0], p[-1]) for p in kept] != [(f"{n}.partial", "finished.npz") for n in MODELS]:
            left += ["/".join(p) for p in kept]
        return f"WRONG: {left} is left" if left else said

    def _whole_or_absent(self) -> None:
        """No result is half-written: what has its name has the bytes of an undisturbed job."""
        half = [n for n, digest in results(self.folder).items() if n != "z.tsv" and digest != self.whole[n]]
        assert not half, f"{half} is half-written"

    def _signal(self, kind: str) -> str:
        name, _, where = kind.split(" ")
        run = begin(self.folder)
        time.sleep(float(self.rng.uniform(0, 1.1 * self.seconds)))
        number = getattr(signal, name)
        try:
            os.killpg(run, number) if where == "group" else os.kill(run, number)
        except ProcessLookupError:
            pass
        status = end(run)
        assert job_ends(run), "the job outlives its run"
        self._whole_or_absent()
        return "ended" if status else "harmless"

    _sigkill = _sigterm = _sigint = _signal

    def _piece(self, kind: str) -> str:
        """Killed in the middle, and a piece that it kept is damaged."""
        run = begin(self.folder)
        deadline = time.time() + 60
        while time.time() < deadline and not list(self.folder.rglob("*.partial/*/*.npz")):
            time.sleep(0.002)
        time.sleep(float(self.rng.uniform(0, self.seconds / 2)))
        os.killpg(run, signal.SIGKILL)
        end(run)
        assert job_ends(run), "the job outlives its run"
        self._whole_or_absent()
        pieces = sorted(self.folder.rglob("*.partial/*/*.npz"))
        if not pieces:
            return "harmless"
        damage(pieces[self.rng.integers(len(pieces))], kind.split(": ")[1], self.rng)
        return "ended"

    def _finished(self, kind: str) -> str:
        """A job is done again for another of its outputs, and a fit that it had finished was damaged meanwhile."""
        assert end(begin(self.folder)) == 0, "an undisturbed job fails"
        for name in NAMES[1:]:
            (self.folder / name).unlink()
        kept, how = sorted(self.folder.rglob("finished.npz")), kind.split(": ")[1]
        assert len(kept) == len(MODELS), f"{len(kept)} finished fits are kept"
        if how == "whole":
            assert end(begin(self.folder)) == 0, "an undisturbed job fails"
            again = log_of(self.folder).count("was finished before")
            assert again == len(MODELS), f"{again} finished fits were taken up"
            return "harmless"
        damage(kept[self.rng.integers(len(kept))], how, self.rng)
        return "ended"

    def _output(self, kind: str) -> str:
        """A finished result is damaged: whoever reads it says so, or reads the same."""
        assert end(begin(self.folder)) == 0, "an undisturbed job fails"
        name, how = kind.split(": ")
        path = self.folder / name
        before = read_table(path) if name.endswith("tsv") else SustainModel.load(path)
        damage(path, how, self.rng)
        try:
            after = read_table(path) if name.endswith("tsv") else SustainModel.load(path)
        except NeuraxisError:
            return "refused"
        if name.endswith("tsv"):
            assert after.equals(before), "another table is read without a word"
        else:
            arrays = [[*vars(m.point).values(), *vars(m.draws).values()] for m in (before, after)]
            assert all(map(np.array_equal, *arrays)), "another model is read without a word"
        return "harmless"

    _subtypes_tsv = _model_npz = _output

    def _refusal(self, prelude=lambda: None) -> str:
        """Run a job that cannot end well: it says why in words, and writes nothing."""
        status = end(begin(self.folder, prelude))
        log = log_of(self.folder)
        if status == 0:
            return "harmless"
        assert TRACEBACK not in log, log[-300:]
        assert "ERROR job:" in log, f"no word: {log[-300:]}"
        self._whole_or_absent()
        return "refused"

    def _z_tsv(self, kind: str) -> str:
        before = read_table(self.folder / "z.tsv")
        damage(self.folder / "z.tsv", kind.split(": ")[1], self.rng)
        said = self._refusal()
        assert said == "refused" or read_table(self.folder / "z.tsv").equals(before), "damaged input is used"
        return said

    def _input(self, kind: str) -> str:
        (self.folder / "z.tsv").unlink()
        return self._refusal()

    def _file(self, kind: str) -> str:
        most = int(self.rng.integers(15_000, 18_000))  # the log, too, is a file
        return self._refusal(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY)))

    def _memory(self, kind: str) -> str:
        def limit():
            now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            hold = now + 20_000_000
            resource.setrlimit(resource.RLIMIT_AS, (hold, hold))
            np.ones(10_000_000)  # a job that wants more than there is

        return self._refusal(limit)

    def _full(self, kind: str) -> str:
        """The study's disk is full at some point of the job (from too small for the log to large enough for all; needs root)."""
        mount = ["mount", "-t", "tmpfs", "-o", f"size={int(self.rng.integers(5, 24)) * 4}k", "none", str(self.folder)]
        if subprocess.run(mount, capture_output=True).returncode:
            return "not tried"
        try:
            for name, raw in self.input.items():
                (self.folder / name).write_bytes(raw)
            status = end(begin(self.folder))
            log = log_of(self.folder)
            assert status == 0 or "its disk is full" in log, f"no word: {log[-300:]}"
            assert TRACEBACK not in log, log[-300:]
            left = list(self.folder.glob(".*.part.*"))
            assert not left, f"{left} is left"
            self._whole_or_absent()
            return "refused" if status else "harmless"
        finally:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)

    def _two(self, kind: str) -> str:
        """Two jobs write the same results at once; each writes its own files aside."""
        first = begin(self.folder)
        time.sleep(float(self.rng.uniform(0, self.seconds)))
        second = begin(self.folder)
        codes = end(first), end(second)
        assert job_ends(first) and job_ends(second), "a job outlives its run"
        log = log_of(self.folder)
        assert TRACEBACK not in log, log[-300:]
        self._whole_or_absent()
        if 0 in codes:
            assert results(self.folder) == self.whole, "other results"
        return "harmless" if codes == (0, 0) else "refused"


def campaign(folder, n: int, seed: int, minutes: float = np.inf) -> pd.DataFrame:
    """Plant `n` faults, every kind in turn; kind, faults, and how many of each outcome."""
    faults = Faults(folder, seed)
    counts: dict[str, Counter] = {kind: Counter() for kind in faults.kinds()}
    wrong, deadline = [], time.time() + 60 * minutes
    for i in range(n):
        if time.time() > deadline:
            break
        kind = faults.kinds()[i % len(counts)]
        said = faults.plant(kind)
        counts[kind][said.split(":")[0]] += 1
        if said.startswith("WRONG"):
            wrong.append(f"{kind}: {said}")
    columns = ("ended", "refused", "harmless", "not tried", "WRONG")
    table = pd.DataFrame(
        [{"fault": k, "planted": c.total(), **{name: c[name] for name in columns}} for k, c in counts.items()]
    )
    total = table.drop(columns="fault").sum()
    table.loc[len(table)] = ["all", *total]
    table.attrs["wrong"] = wrong
    return table.rename(columns={"WRONG": "wrong"})


if __name__ == "__main__":
    number, seed, minutes, out = [*sys.argv[1:], *("1000", "1", "inf", "")[len(sys.argv) - 1 :]]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "study")
        folder.mkdir()
        found = campaign(folder, int(number), int(seed), float(minutes))
    out = out or Path(__file__).parents[2] / "benchmarks/reliability.tsv"
    found.to_csv(out, sep="\t", index=False, lineterminator="\n")
    print(found.to_string(index=False))
    print("\n".join(found.attrs["wrong"]))
    raise SystemExit(bool(found.attrs["wrong"]))
