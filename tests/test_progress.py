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


def account(sizes, **more):
    return progress.Account("reading", sizes, "files", **({"hidden": True} | more))


def test_what_is_left_comes_from_what_parts_took():
    with account({1: 10, 2: 10, 3: 10}) as a:
        assert a.left() != a.left()  # nothing is known yet
        a.done(1, 2.0)
        assert a.left() == 9 * 2 + 10 * 4 + 10 * 6  # those never done, in proportion to the size
        a.done(1, 4.0)
        assert a.left() == 8 * 3 + 10 * 6 + 10 * 9
        a.done(2, 20.0)
        assert a.left() == 8 * 3 + 9 * 20 + 10 * 30
        a.more(-8)
        assert a.left() == 9 * 20 + 10 * 30
    with account({1: 4}, side_by_side=2) as two:
        two.done(1, 2.0, 2)
        assert two.left() == 1


def test_parts_are_told_at_the_first_and_then_at_times(caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with account({1: 1200}) as a:
        for n in (1, 5, 594, 600):
            now[0] += 12
            a.done(1, 12, n)
    assert told(caplog) == [
        "reading: 1 of 1,200 files, about 4.0 h left",
        "reading: 600 of 1,200 files, about 36 s left",
    ]


def test_a_bar_that_is_shown_says_it_instead_of_the_log(caplog, capsys, monkeypatch):
    caplog.set_level(logging.INFO)
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with account({1: 3}, hidden=False) as a:
        for _ in range(3):
            now[0] += 30
            a.done(1, 30)
        a.bar.refresh()
    assert told(caplog) == ["reading: 1 of 3 files, about 60 s left"]
    assert "reading: 0 of 3 files" in (shown := capsys.readouterr().err) and "reading: 3 of 3 files" in shown


def test_lines_of_a_part_are_for_those_who_ask(caplog):
    log = logging.getLogger("neuraxis.test_of_parts")
    log.addFilter(progress.of_a_part)
    for level in (logging.INFO, logging.DEBUG):
        caplog.set_level(level, logger=log.name)
        with progress.part():
            log.info("inside")
            log.warning("heard")
            other = threading.Thread(target=log.info, args=("beside",))
            other.start()
            other.join()
        log.info("after")
    assert told(caplog) == ["heard", "beside", "after", "inside", "heard", "beside", "after"]


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
