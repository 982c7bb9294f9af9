"""A job tells how far it is: loops count their steps, and where nothing else is said a line comes now and then."""

import logging
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from neuraxis import progress
from neuraxis.job import described
from neuraxis.progress import function_under_way, steps, where
from neuraxis.sustain.search import parallel

SCRIPTS = sorted((Path(__file__).parents[1] / "workflow/scripts").glob("*.py"))


def told(caplog):
    return [r.getMessage() for r in caplog.records]


def test_outermost_loop_says_where_it_begins(caplog):
    caplog.set_level(logging.INFO)
    assert [(a, b) for a in steps("ab", "letters") for b in steps([1, 2], "numbers")] == [
        ("a", 1), ("a", 2), ("b", 1), ("b", 2),
    ]  # fmt: skip
    assert told(caplog) == ["letters: 1 of 2"]


def test_loop_of_one_or_none_says_nothing(caplog):
    caplog.set_level(logging.INFO)
    assert list(steps(["a"], "letters")) == ["a"]
    assert list(steps([], "letters")) == []
    assert told(caplog) == []


def test_steps_are_told_with_the_loops_around_and_the_time_that_is_left(caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    for _ in steps(range(2), "folds"):
        for _ in steps(range(5), "biomarkers"):
            now[0] += 8
    assert told(caplog) == [
        "folds: 1 of 2",
        "folds: 1 of 2, biomarkers: 4 of 5, about 16 s left",
        "folds: 2 of 2, about 40 s left",
        "folds: 2 of 2, biomarkers: 4 of 5, about 16 s left",
    ]


def test_loop_left_early_is_not_under_way_any_more():
    for _ in steps(range(3), "folds"):
        assert where() == "folds: 1 of 3"
        break
    with pytest.raises(ZeroDivisionError):
        for i in steps([0, 1], "numbers"):
            1 / i  # noqa: B018
    assert where() == ""


def test_function_is_the_innermost_of_this_package():
    here = threading.get_ident()
    assert function_under_way(here) == ""
    assert parallel(lambda _: parallel(lambda _: function_under_way(here), [1], 1), [1], 1) == [
        ["sustain.search.parallel"]
    ]


SILENT = """
import logging, sys, time
from neuraxis import progress
from neuraxis.streams import stream
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
progress.heartbeat(silence=0.4)
for i in progress.steps(range(2), "naps"):
    time.sleep(1.3)
"""


def test_silent_job_says_where_it_is_and_what_it_used():
    said = subprocess.run(
        [sys.executable, "-c", SILENT], capture_output=True, text=True, timeout=60
    ).stdout.splitlines()
    assert said[0] == "naps: 1 of 2"
    beats = [line for line in said if line.startswith("at work (naps: ")]
    assert len(beats) >= 2 and beats[0].startswith("at work (naps: 1 of 2): ")
    assert beats[-1].startswith("at work (naps: 2 of 2): ")
    assert all(re.fullmatch(r"at work \(naps: . of 2\): \d+ s, \d+ CPU s, \d+ MB", line) for line in beats)


def test_job_that_speaks_needs_no_line_beside(caplog):
    caplog.set_level(logging.INFO)
    progress.heartbeat(silence=0.5)
    end = time.monotonic() + 1.2
    while time.monotonic() < end:
        logging.info("a line")
        time.sleep(0.1)
    assert not [line for line in told(caplog) if line.startswith("at work")]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_every_script_says_what_it_does(script, tmp_path):
    words = described(str(script))
    assert words.endswith(".") and len(words) > 20
    # Snakemake puts code of its own before it
    given = tmp_path / script.name
    given.write_text("import sys; sys.path.extend(['a'])\n__real_file__ = 'x'\n" + script.read_text())
    assert described(str(given)) == words


def test_script_without_words(tmp_path):
    assert described(str(tmp_path / "absent.py")) == ""
    (tmp_path / "plain.py").write_text("x = 1\n")
    assert described(str(tmp_path / "plain.py")) == ""
