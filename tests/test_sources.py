"""Jobs are rerun by code: what a script comes to, and only where a result could change."""

import os
import subprocess
import sys

import pytest

from neuraxis.home import PACKAGE, workflow_home
from neuraxis.sources import _read, code_behind, modules_behind

FILES = {
    "script.py": "import numpy as np\nfrom tool.room import face\n\nprint(face(np.pi))\n",
    "tool/__init__.py": '"""The tool."""\n',
    "tool/room/__init__.py": "from .one import face\nfrom .other import unused\n",
    "tool/room/one.py": (
        '"""One."""\n\nfrom ..base import HALF\n\n\ndef face(x):\n    """Half of it."""\n    return x * HALF  # of it\n'
    ),
    "tool/room/other.py": "def unused():\n    return 3\n",
    "tool/base.py": "HALF = 0.5\n",
    "tool/apart.py": "import tool.base\n",
}


@pytest.fixture
def written(tmp_path):
    """A script, a package and what one edit makes of the script's fingerprint."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    def code(name=None, old="", new="", script="script.py"):
        if name is not None:
            assert FILES[name].count(old) == 1 or not old
            (tmp_path / name).write_text(FILES[name].replace(old, new) if old else FILES[name] + new)
        _read.cache_clear()
        out = code_behind(tmp_path / script, tmp_path / "tool")
        if name is not None:
            (tmp_path / name).write_text(FILES[name])
        return out

    return tmp_path, code


def test_modules_behind_a_script(written):
    folder, _ = written
    found = [p.relative_to(folder / "tool").as_posix() for p in modules_behind(folder / "script.py", folder / "tool")]
    assert found == ["base.py", "room/__init__.py", "room/one.py", "room/other.py"]
    assert modules_behind(folder / "tool/apart.py", folder / "tool") == [folder / "tool/base.py"]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("tool/room/one.py", "# of it", "# of them"),
        ("tool/room/one.py", "  # of it", ""),
        ("tool/room/one.py", "Half of it.", "A half of it.\n\n    In words."),
        ("tool/room/one.py", '"""One."""\n', '"""Two."""\n\n\n'),
        ("tool/room/one.py", "x * HALF", "(x\n        * HALF)"),
        ("tool/room/one.py", "from ..base import HALF", "from ..base import (\n    HALF,  # one half\n)"),
        ("tool/base.py", "", "\n# the end\n"),
        ("tool/apart.py", "tool.base", "numpy"),  # nothing comes to it
    ],
)
def test_what_cannot_change_a_result_changes_nothing(written, name, old, new):
    _, code = written
    assert code(name, old, new) == code()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("tool/base.py", "0.5", "0.25"),
        ("tool/room/one.py", "x * HALF", "HALF * x"),
        ("tool/room/one.py", "def face(x)", "def face(x, y=1)"),
        ("tool/room/one.py", "..base import HALF", "..base import HALF, HALF as TWICE"),
        ("tool/room/one.py", "x * HALF", "x * HALF if x in {1, 2} else x"),
        ("tool/room/one.py", "x * HALF", "x / HALF"),
        ("tool/room/other.py", "3", "3.0"),
        ("tool/room/other.py", "3", "4"),  # what a package's face holds is run when it is imported
        ("tool/room/__init__.py", "from .other import unused\n", ""),
    ],
)
def test_what_can_change_a_result_changes_the_fingerprint(written, name, old, new):
    _, code = written
    assert code(name, old, new) != code()


def test_a_module_counts_where_it_is_imported(written):
    folder, code = written
    (folder / "second.py").write_text("from tool.base import HALF\n")
    before = code(script="second.py")
    assert code("tool/room/one.py", "x * HALF", "x / HALF", script="second.py") == before
    assert code("tool/base.py", "0.5", "0.25", script="second.py") != before
    assert before != code()


def test_the_place_of_the_package_does_not_count(written):
    folder, code = written
    before = code()
    moved = folder.rename(folder.with_name("moved"))
    _read.cache_clear()
    assert code_behind(moved / "script.py", moved / "tool") == before


def test_every_script_of_the_workflow_stands_on_the_package():
    scripts = sorted((workflow_home() / "workflow/scripts").glob("*.py"))
    behind = {s.stem: {p.relative_to(PACKAGE).as_posix() for p in modules_behind(s, PACKAGE)} for s in scripts}
    assert len(scripts) > 25 and all({"job.py", "errors.py"} <= modules for modules in behind.values())
    assert "sustain/kernels/chain.py" in behind["sustain_fit"] and "sustain/model.py" not in behind["cohort_simulate"]
    assert not any("clinical/" in m for m in behind["sustain_fit"])


def test_a_fingerprint_is_the_same_in_every_process(tmp_path):
    """Sets of words have another order in each."""
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool/sets.py").write_text(
        "def known(x):\n    return x in {'age', 'sex', 'site', 'group', 'etiv', 'edss'}\n"
    )
    (tmp_path / "script.py").write_text("from tool.sets import (known as k,\n    known)\n")
    code = "import sys; from neuraxis.sources import *; print(code_behind(sys.argv[1], sys.argv[2]))"
    command = [sys.executable, "-c", code, tmp_path / "script.py", tmp_path / "tool"]
    found = {
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in "123"
    }
    assert len(found) == 1 and len(found.pop()) == 17
