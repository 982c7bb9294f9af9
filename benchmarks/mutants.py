"""Mutation runs: small faults are put into a copy of the package, one at a time, and a room's tests must notice.

    python benchmarks/mutants.py                         # the named faults of benchmarks/faults.toml
    python benchmarks/mutants.py --sample 30 clinical    # 30 random mutants of one room, seeded

A mutant changes one operator, constant, boolean, name of a pair (low and high, before and after, ...) or argument
order. Kinds that no test could or should notice are not drawn, whatever the room: docstrings, annotations, __all__,
what only a type checker reads, logging, texts and how many names a message lists; settings of a call that do not change
what comes out of it (`UNSEEN`: zip's strict, stacklevel, frozen, sizes of caches, ...), a default seed (any is as good
as another); in modules that draw, sizes, places and strengths of what is drawn (`LOOKS`: fontsize, lw, figsize, ...;
what is shown and where the axes end stays in), and how much there is room for at most, letters of a line and ticks of
an axis (`ROOMY`); the order of arguments of functions to which it is nothing (`SYMMETRIC`); floats of at most a
millionth (`ROUNDING`), which guard against rounding and against nothing as a divisor: half as much again of them guards
as well; how far, how long and in what portions the search and the chains go (`TUNING`), which come to the same end sooner or
later; and years of the papers that methods.py cites (data copied from the papers). All others count, boundaries and thresholds too; those that change nothing are told in the note of
their line among the survivors. No file is touched: the mutated text takes the module's place when it is imported (edit
nothing meanwhile). Tests run in a forked process that has the libraries imported already, so that a mutant costs what
the tests cost. Of a random mutant's room only those tests run that call the changed function, the quickest first (all
for what stands outside of functions): which they are is found by one run of the room without a mutant, whose failures
count for nothing. Tests in processes of their own do not meet the mutant. With --most so many seconds (of a processor,
whatever else the machine does) of tests are run against each mutant, the quickest ones: what would be killed by slower
ones then counts as alive. Counts go to benchmarks/mutants.tsv, survivors to benchmarks/mutants_survivors.tsv, named
faults to benchmarks/faults.tsv.

Own script rather than mutmut or cosmic-ray: those mutate every function by rewriting it behind a switch, which compiled
kernels and dataclasses do not survive, and measure coverage with one run of the whole suite.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import contextlib
import importlib.machinery
import importlib.util
import math
import os
import pickle
import random
import resource
import signal
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: Rooms, their modules (below src/neuraxis) and their tests; kernels have oracles of their own.
ROOMS = {
    "features": (["features"], ["tests/features"]),
    "normative": (["normative"], ["tests/normative"]),
    "clinical": (["clinical"], ["tests/clinical"]),
    # without the browser, which sees what the page's own tests read; person.py belongs to new people's room
    "report": (
        [
            f"report/{n}.py"
            for n in ("checklists", "facts", "methods", "page", "people", "provenance", "sentences", "views", "words")
        ],
        [
            *(f"tests/report/test_{n}.py" for n in ("page", "pieces_by_hand", "sentences", "thresholds", "told")),
            *("tests/report/test_checklists.py", "tests/report/test_provenance.py", "tests/clinical/test_words.py"),
        ],
    ),
    "figures": (["figures"], ["tests/figures"]),
    "evaluation": (["evaluation"], ["tests/evaluation"]),
    "sustain": (["sustain"], ["tests/sustain"]),
    "cohort": (["cohort"], ["tests/cohort"]),
    "newpeople": (["newpeople", "report/person.py"], ["tests/newpeople"]),
    "labels": (["labels.py"], ["tests/test_labels.py", "tests/clinical/test_words.py"]),
    "tables": (
        ["tables.py", "schema.py", "checks_results.py", "storage.py"],
        [
            f"tests/test_{n}.py"
            for n in (
                *("tables", "cells", "schema", "schema_by_hand", "checks_results", "checks_by_hand", "checks_files"),
                *("tolerances", "storage", "places"),
            )
        ],
    ),
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPARE = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "=="}
COMPARE |= {ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in"}
ARITHMETIC = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.Pow: "*", ast.BitAnd: "|", ast.BitOr: "&"}
PAIRS = [("low", "high"), ("before", "after"), ("source", "target"), ("first", "last"), ("min", "max")]
PAIRS += [("idxmin", "idxmax"), ("argmin", "argmax"), ("any", "all"), ("mean", "median"), ("flagged", "excluded")]
PAIRS += [("left", "right"), ("subtype", "against"), ("isna", "notna")]
OTHER = {a: b for pair in PAIRS for a, b in (pair, pair[::-1])}

#: Keywords of a call, or of a decorator, that guard, word or cache and leave its result as it is.
UNSEEN = {"strict", "stacklevel", "frozen", "slots", "repr", "copy", "maxsize", "flush", "disp"}
#: Keywords of drawing functions that say how something looks, not what is shown: approved pictures and eyes are for these.
LOOKS = set(
    "figsize fontsize title_fontsize labelsize annot_kws lw ms mew alpha zorder pad labelpad h_pad w_pad capsize frameon "
    "rotation labelrotation xytext width_ratios height_ratios bbox_to_anchor position rect shrink aspect linespacing length "
    "loc ha va rc dpi ncols numticks widths medianprops boxprops whiskerprops capprops".split()
)
#: Functions of drawing modules, and the first of their arguments that says how much there is room for: letters of a line,
#: ticks of an axis.
ROOMY = {"wrapped": 1, "MaxNLocator": 0}
#: Functions of two arguments that are the same either way round.
SYMMETRIC = {
    "min",
    "max",
    "minimum",
    "maximum",
    "fmin",
    "fmax",
    "isclose",
    "allclose",
    "hypot",
    "spearmanr",
    "kendalltau",
}
SYMMETRIC |= {"corrcoef", "gcd", "array_equal", "logical_and", "logical_or", "logaddexp", "pearsonr"}
#: Floats up to this are guards: changed by half they still are.
ROUNDING = 1e-6
#: Constants of the search and of the chains that say how far, how long and in what portions they go.
TUNING = set(
    "MAX_WIDTH WIDTH_STEP BLOCK_COST OWN_BLOCKS TOLERANCE MAX_SWEEPS EXPLORE_ROUNDS SHAKE_ROUNDS SHAKE_SWEEPS NEAR FAR "
    "MOST_SEARCHED PRICE_SEARCHED LEAST_SEARCHED PRICE_POLISHED POLISH_NEAR POLISH_REACH N_SHAKEN N_POLISHED "
    "PRICE_ALL_POLISHED SMALL PREPARING_SWEEPS REACH REACH_COUPLED LEAP_EVERY PIECES EVERY".split()
)
#: What says something to a reader and decides nothing.
SPOKEN = {"debug", "info", "warning", "print", "warn"}


def called(node: ast.Call) -> str:
    """Name of the function that is called, without what it belongs to."""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def named_by(node: ast.Assign) -> set[str]:
    """Names that an assignment gives, several at once included."""
    return {n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)}


def unseen(tree: ast.Module) -> set[int]:
    """Nodes (their ids) whose change no test could or should notice."""
    out: set[int] = set()
    drawing = any("matplotlib" in ast.dump(n) for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom)))
    silent = UNSEEN | LOOKS if drawing else UNSEEN

    def all_of(node):
        out.update(id(n) for n in ast.walk(node))

    def words_of(node):
        """Of a message: how many are listed."""
        for part in ast.walk(node):
            if isinstance(part, ast.Slice):
                all_of(part)

    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            if isinstance(body[0].value, ast.Constant):
                out.add(id(body[0].value))
        for hint in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if hint is not None:
                all_of(hint)
        if isinstance(node, ast.JoinedStr):
            out.update(id(n) for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str))
            for part in node.values:
                if isinstance(part, ast.FormattedValue) and part.format_spec is not None:
                    all_of(part.format_spec)
        elif isinstance(node, ast.Assign) and named_by(node) & ({"__all__"} | TUNING):
            all_of(node)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            out.update(id(n) for part in node.body for n in ast.walk(part))
        elif isinstance(node, ast.Raise):
            words_of(node)
        elif isinstance(node, ast.arguments):
            plain = [*node.posonlyargs, *node.args]
            for name, value in [
                *zip(plain[len(plain) - len(node.defaults) :], node.defaults, strict=True),
                *zip(node.kwonlyargs, node.kw_defaults, strict=True),
            ]:
                if name.arg == "seed" and value is not None:
                    all_of(value)
        elif isinstance(node, ast.Call):
            if called(node) in SPOKEN:
                words_of(node)
            if called(node) == "Reference":  # what a paper is called, not when it is cited
                out.update(id(n) for n in node.args if isinstance(n, ast.Constant))
            if called(node) == "name_some":
                for given in node.args[1:]:
                    all_of(given)
            if drawing and called(node) in ROOMY:
                for given in node.args[ROOMY[called(node)] :]:
                    all_of(given)
            if called(node) == "lru_cache" or getattr(getattr(node.func, "value", None), "id", "") in ("LOG", "log"):
                all_of(node)
            if called(node) == "NeuraxisWarning" or called(node).endswith("Error"):
                words_of(node)
            for keyword in node.keywords:
                if keyword.arg in silent:
                    all_of(keyword.value)
    return out


def spans(source: str):
    """(line, text before, text after) of every mutation of a module, as edits of its source."""
    tree = ast.parse(source)
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))
    raw = source.encode()

    def place(node):
        return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset

    def between(left, right, new):
        a, b = place(left)[1], place(right)[0]
        text = raw[a:b].decode()
        old = text.strip().strip("()").strip()
        if old and "\n" not in old and text.count(old) == 1:
            yield left.lineno, a + text.index(old), a + text.index(old) + len(old), new

    skipped = unseen(tree)
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARE:
            yield from between(node.left, node.comparators[0], COMPARE[type(node.ops[0])])
        elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
            yield from between(node.left, node.right, ARITHMETIC[type(node.op)])
        elif isinstance(node, ast.BoolOp):
            for a, b in zip(node.values, node.values[1:], strict=False):
                yield from between(a, b, "or" if isinstance(node.op, ast.And) else "and")
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.Invert, ast.USub)):
            a, b = place(node)
            inner = place(node.operand)[0]
            yield node.lineno, a, inner, "(" * raw[a:inner].decode().count("(")
        elif isinstance(node, ast.Constant):
            value, (a, b) = node.value, place(node)
            if isinstance(value, bool):
                yield node.lineno, a, b, str(not value)
            elif isinstance(value, int):
                yield node.lineno, a, b, str(value + 1)
            elif isinstance(value, float) and abs(value) > ROUNDING:
                yield node.lineno, a, b, repr(value * 1.5)
            elif isinstance(value, str) and value in OTHER:
                yield node.lineno, a, b, repr(OTHER[value])
        elif isinstance(node, ast.Attribute) and node.attr in OTHER:
            a, b = place(node)
            yield node.end_lineno, b - len(node.attr), b, OTHER[node.attr]
        elif isinstance(node, ast.Call) and len(node.args) == 2 and not node.keywords:
            (a, b), (c, d) = map(place, node.args)
            x, y = raw[a:b].decode(), raw[c:d].decode()
            if called(node) in SYMMETRIC:
                continue
            if x != y and not any(isinstance(n, (ast.Constant, ast.Starred)) for n in node.args) and b < c:
                yield node.lineno, a, d, y + raw[b:c].decode() + x


def drawn(paths: list[Path], n: int, rng: random.Random) -> tuple[int, list[tuple[Path, int, str, str, str]]]:
    """How many mutants modules have, and `n` of them: path, line, code before, code after, whole mutated source."""
    sources = {p: (ROOT / p).read_text(encoding="utf-8") for p in paths}
    every = [(p, edit) for p in paths for edit in spans(sources[p])]
    rng.shuffle(every)
    found: list[tuple[Path, int, str, str, str]] = []
    for path, (line, a, b, new) in every:
        if len(found) == n:
            break
        source = sources[path]
        raw = source.encode()
        text = (raw[:a] + new.encode() + raw[b:]).decode()
        was, now = source.splitlines()[line - 1].strip(), text.splitlines()[line - 1].strip()
        with contextlib.suppress(SyntaxError):  # a few edits are no code: (a) b instead of (a - b)
            ast.parse(text)
            if was != now:
                found.append((path, line, was, now, text))
    return len(every), found


def files_of(room: str) -> list[Path]:
    """Modules of a room, relative to the repository."""
    out = []
    for name in ROOMS[room][0]:
        at = ROOT / "src/neuraxis" / name
        out += sorted(at.rglob("*.py")) if at.is_dir() else [at] * at.is_file()
    return [p.relative_to(ROOT) for p in out if p.name != "__init__.py" and "kernels" not in p.parts]


def preload() -> None:
    """Import the slow libraries once, before forking."""
    import matplotlib

    matplotlib.use("Agg")
    import arviz  # noqa: F401
    import lifelines  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import nibabel  # noqa: F401
    import numba  # noqa: F401
    import scipy.stats  # noqa: F401
    import seaborn  # noqa: F401
    import sklearn.covariance  # noqa: F401
    import statsmodels.api  # noqa: F401
    import statsmodels.formula.api  # noqa: F401


class Rewritten(importlib.machinery.SourceFileLoader):
    """Loads a module of the package from another text or tree than its file's."""

    def __init__(self, name: str, path: str, source):
        super().__init__(name, path)
        self.source = source

    def get_code(self, fullname):
        """Compiled from the source, whatever is cached."""
        return compile(self.source, self.path, "exec", dont_inherit=True)


class Finder:
    """Finds one module of the package, mutated; all others are found as ever."""

    def __init__(self, path: Path, text: str):
        self.path, self.text = path, text
        self.name = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)

    def find_spec(self, fullname, path=None, target=None):
        """The mutated module's."""
        if fullname != self.name:
            return None
        loader = Rewritten(fullname, str(self.path), self.text)
        return importlib.util.spec_from_file_location(fullname, self.path, loader=loader)


class Noting:
    """Finds a room's modules with a call at the head of every function that says which one was called."""

    def __init__(self, files: list[Path], note):
        self.files = {".".join((ROOT / f).relative_to(ROOT / "src").with_suffix("").parts): f for f in files}
        self.note = note

    def find_spec(self, fullname, path=None, target=None):
        """A module of the room; all others are found as ever."""
        if fullname not in self.files:
            return None
        file = self.files[fullname]
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, FUNCTIONS):
                call = ast.parse(f"__noted__({str(file)!r}, {head(node)})").body[0]
                told = ast.get_docstring(node, clean=False) is not None
                node.body.insert(int(told), ast.copy_location(call, node.body[0]))
        loader = Rewritten(fullname, str(ROOT / file), ast.fix_missing_locations(tree))
        builtins.__noted__ = self.note
        return importlib.util.spec_from_file_location(fullname, ROOT / file, loader=loader)


def head(node) -> int:
    """The line where a function begins, its decorators with it."""
    return min([node.lineno, *(d.lineno for d in node.decorator_list)])


#: So many seconds pass at most for each of a processor's: the machine has other work too.
PATIENCE = 20


def forked(run, limit: float) -> int | None:
    """Exit status of a function in a forked process, silently; None where it takes more than `limit` seconds of a processor."""
    child = os.fork()
    if child == 0:
        os.setsid()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        os.chdir(ROOT)
        sys.path.insert(0, str(ROOT / "src"))
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(limit), math.ceil(limit) + 5))
        os._exit(int(run()))
    end = time.monotonic() + PATIENCE * limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return None if code == -signal.SIGXCPU else code
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def pytest_of(arguments, *plugins) -> int:
    """Run pytest in this process."""
    return pytest.main(["-q", "-n", "0", "-p", "no:cacheprovider", *arguments], plugins=plugins)


def tests_of(path: Path, text: str, tests: list[str], limit: float, *plugins) -> str:
    """Run tests in a forked process with a mutated module: "killed", "survived", "timeout" or "no tests"."""

    def run():
        sys.meta_path.insert(0, Finder(path, text))
        return pytest_of(["-x", *tests], *plugins)

    # 1: a test failed; 2, 4: a module, or what all tests share, does not even import; anything else says nothing
    return {0: "survived", 1: "killed", 2: "killed", 4: "killed", None: "timeout"}.get(forked(run, limit), "no tests")


def processor() -> float:
    """Seconds of a processor so far, those of children that have ended with them: what a test costs however busy the machine is."""
    now = os.times()
    return now.user + now.system + now.children_user + now.children_system


class Calls:
    """Of every test that passes: its seconds of a processor, and the functions of the package that are called for it."""

    def __init__(self):
        self.seconds, self.passed, self.called = {}, set(), {}
        self.now = ""

    def note(self, path: str, line: int) -> None:
        """A function was called."""
        self.called.setdefault((path, line), set()).add(self.now)

    @contextlib.contextmanager
    def within(self, name):
        """What is called belongs to a test, a file (fixtures that its tests share) or to all."""
        before, self.now = self.now, name
        try:
            yield
        finally:
            self.now = before

    def plugin(self):
        """What pytest calls."""
        calls = self

        class Plugin:
            @pytest.hookimpl(wrapper=True)
            def pytest_fixture_setup(self, fixturedef, request):
                wide = {"function": request.node.nodeid, "session": "", "package": ""}
                with calls.within(wide.get(fixturedef.scope, request.node.nodeid.split("::")[0])):
                    return (yield)

            @pytest.hookimpl(wrapper=True)
            def pytest_runtest_protocol(self, item):
                before = processor()
                try:
                    return (yield)
                finally:
                    calls.seconds[item.nodeid] = processor() - before

            @pytest.hookimpl(wrapper=True)
            def pytest_runtest_call(self, item):
                with calls.within(item.nodeid):
                    return (yield)

            def pytest_runtest_logreport(self, report):
                if report.when == "call" and report.passed:
                    calls.passed.add(report.nodeid)

        return Plugin()

    def of(self, path: Path, line: int) -> list[str]:
        """Tests that may notice a change of a line, the quickest first."""
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        around = [n for n in ast.walk(tree) if isinstance(n, FUNCTIONS) and n.body[0].lineno <= line <= n.end_lineno]
        tests = self.passed
        if around:  # the innermost; what stands in a function's head is done when the module is imported
            who = self.called.get((str(path), head(max(around, key=lambda n: n.lineno))), set())
            tests = {t for t in tests if t in who or t.split("::")[0] in who or "" in who}
        return sorted(tests, key=lambda t: (self.seconds[t], t))


class Chosen:
    """Plugin: these tests alone, in this order."""

    def __init__(self, tests):
        self.tests = {t: k for k, t in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        """Take them."""
        items[:] = sorted((i for i in items if i.nodeid in self.tests), key=lambda i: self.tests[i.nodeid])


def calls_of(room: str, limit: float = 3600.0) -> Calls:
    """Run a room's tests as they are."""
    calls = Calls()
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "calls"

        def run():
            plugin = calls.plugin()
            sys.meta_path.insert(0, Noting(files_of(room), calls.note))
            status = pytest_of(ROOMS[room][1], plugin)
            kept.write_bytes(pickle.dumps((calls.seconds, calls.passed, calls.called)))
            return status

        status = forked(run, limit)
        if not kept.exists():
            raise SystemExit(f"{room}: its tests did not end by themselves ({status})")
        calls.seconds, calls.passed, calls.called = pickle.loads(kept.read_bytes())
    failed = len(calls.seconds) - len(calls.passed)
    print(
        f"{room}: {len(calls.passed)} tests, {sum(calls.seconds.values()):.0f} s; {failed} skipped or failed",
        flush=True,
    )
    return calls


def planted(limit: float, only: str) -> list[tuple]:
    """Plant every named fault of faults.toml and say which tests notice."""
    faults = tomllib.loads((ROOT / "benchmarks/faults.toml").read_text(encoding="utf-8"))["fault"]
    rows = []
    for fault in faults:
        if only not in f"{fault['what']} {fault['file']} {fault.get('list', '')}":
            continue
        path = ROOT / "src/neuraxis" / fault["file"]
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        result = "not found"
        if text.count(fault["old"]) == 1:
            result = tests_of(path, text.replace(fault["old"], fault["new"]), fault["tests"], limit)
        rows.append((fault["what"], fault["file"], " ".join(fault["tests"]), fault.get("list", ""), result))
        print(f"{result:9s} {fault['what']}", flush=True)
    return rows


def first_of(tests: list[str], seconds: dict[str, float], most: float) -> list[str]:
    """The first tests, whose seconds add up to no more than `most`; one at least."""
    total = 0.0
    for k, test in enumerate(tests):
        total += seconds[test]
        if k and total > most:
            return tests[:k]
    return tests


def sampled(
    rooms: list[str], n: int, seed: int, limit: float, only: str, most: float
) -> tuple[list[tuple], list[tuple]]:
    """Random mutants of rooms: a row per room, and the survivors."""
    rows, survivors = [], []
    for room in rooms:
        paths = [p for p in files_of(room) if only in str(p)]
        possible, picked = drawn(paths, n, random.Random(f"{seed} {room}"))
        start, results = time.monotonic(), []
        calls = calls_of(room)
        for path, line, was, now, text in picked:
            tests = first_of(calls.of(path, line), calls.seconds, most)
            files = sorted({t.split("::")[0] for t in tests})
            longest = min(limit, 30 + 4 * sum(calls.seconds[t] for t in tests))
            results.append(tests_of(ROOT / path, text, files, longest, Chosen(tests)) if tests else "survived")
            if results[-1] in ("survived", "no tests"):
                survivors.append((room, str(path), line, was, now, ""))
                print(f"{room} {path}:{line}\n   - {was}\n   + {now}", flush=True)
        killed = sum(r in ("killed", "timeout") for r in results)
        share = killed / max(len(results), 1)
        command = f"make mutants SAMPLE={n} SEED={seed} ROOMS={room}"
        command += f" MOST={most:g}" if most < math.inf else ""
        seconds = f"{time.monotonic() - start:.0f}"
        rows.append((room, possible, len(results), killed, len(results) - killed, f"{share:.2f}", seconds, command))
        print(f"{room}: {killed} of {len(results)} killed ({share:.0%}), {possible} possible", flush=True)
    return rows, survivors


def write(path: Path, header: str, rows: list[tuple], keep=()) -> None:
    """Write a table; rows of `keep` (lines) stand first."""
    lines = [*keep, *("\t".join(map(str, r)) for r in rows)]
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


def main():
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rooms", nargs="*", help=", ".join(ROOMS))
    parser.add_argument("--sample", type=int, default=0, help="random mutants per room; 0: the named faults")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=240.0, help="seconds of a processor per mutant")
    parser.add_argument(
        "--most", type=float, default=math.inf, help="seconds of a processor of tests per mutant, the quickest first"
    )
    parser.add_argument("--only", default="", help="part of a module's path, or of a fault's name, file or list")
    given = parser.parse_args()
    preload()
    out = ROOT / "benchmarks"
    if not given.sample:
        rows = planted(given.limit, given.only)
        keep(out / "faults.tsv", "fault\tfile\ttests\tlist\tresult", rows)
        print(f"{sum(r[4] in ('killed', 'timeout') for r in rows)} of {len(rows)} killed")
        sys.exit(any(r[4] in ("survived", "not found", "no tests") for r in rows))
    rooms = given.rooms or list(ROOMS)
    for room in rooms:  # tables are written after every room
        rows, survivors = sampled([room], given.sample, given.seed, given.limit, given.only, given.most)
        if not given.only:
            keep(out / "mutants.tsv", "room\tpossible\tmutants\tkilled\tsurvived\tscore\tseconds\tcommand", rows, room)
            survivors = noted(out / "mutants_survivors.tsv", survivors)
            keep(out / "mutants_survivors.tsv", "room\tfile\tline\tcode\tmutant\tnote", survivors, room)


def noted(path: Path, survivors: list[tuple]) -> list[tuple]:
    """Survivors with the notes that the table has of the same mutants (written by hand: why nothing notices)."""
    old = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    notes = {(r[1], r[3], r[4]): r[5] for r in old if len(r) > 5}
    return [(*s[:5], notes.get((s[1], s[3], s[4]), "")) for s in survivors]


def keep(path: Path, header: str, rows: list[tuple], room: str | None = None) -> None:
    """Put rows into a table, in the place of those of the same room, or of the same names."""
    again = {room} if room else {str(r[0]) for r in rows}
    old = path.read_text(encoding="utf-8").splitlines()[1:] if path.exists() else []
    write(path, header, rows, [line for line in old if line.split("\t")[0] not in again])


if __name__ == "__main__":
    main()
