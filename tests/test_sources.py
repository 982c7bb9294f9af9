"""Jobs are rerun by code: what a script comes to, and only where a result could change."""

import os
import shutil
import subprocess
import sys

import pytest

from neuraxis.home import PACKAGE, workflow_home
from neuraxis.sources import _names_of, _read, code_behind, modules_behind

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


def forget():
    """As in another process."""
    _read.cache_clear()
    _names_of.cache_clear()


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
        forget()
        out = code_behind(tmp_path / script, tmp_path / "tool")
        if name is not None:
            (tmp_path / name).write_text(FILES[name])
        return out

    return tmp_path, code


def test_modules_behind_a_script(written):
    folder, _ = written
    found = [p.relative_to(folder / "tool").as_posix() for p in modules_behind(folder / "script.py", folder / "tool")]
    assert found == ["base.py", "room/one.py"]  # room passes `face` on, and has more
    assert modules_behind(folder / "tool/apart.py", folder / "tool") == [
        folder / "tool/__init__.py",  # a plain import gives the packages above too
        folder / "tool/base.py",
    ]


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
        ("tool/room/other.py", "3", "4"),  # its package's face passes on another name
        ("tool/room/__init__.py", "from .other import unused\n", ""),
        ("tool/room/__init__.py", "", "from ..apart import further\n"),
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
        ("tool/room/__init__.py", "from .one import face", "from .one import HALF as face"),
    ],
)
def test_what_can_change_a_result_changes_the_fingerprint(written, name, old, new):
    _, code = written
    assert code(name, old, new) != code()


#: Faces that do not say where `face` is from, or do more than pass names on: all that they import counts.
UNCLEAR = {
    "a face that runs something": (
        "import os\n\nos.environ['HALF'] = '1'\nfrom .one import face\nfrom .other import unused\n"
    ),
    "a face that calls something": "from .one import face\nfrom .other import unused\n\nTHREE = unused()\n",
    "a name by condition": "from .other import unused\n\nif unused:\n    from .one import face\n",
    "a name made twice": "from .one import face\nfrom .other import unused\n\nface = unused\n",
    "a name made here": "from .one import HALF\nfrom .other import unused\n\n\ndef face(x):\n    return unused() * HALF\n",
    "all names": "from .one import *\nfrom .other import unused\n",
    "a name fetched when it is asked for": (
        "from importlib import import_module\n\n\ndef __getattr__(name):\n"
        "    return getattr(import_module('tool.room.one'), name)\n\n\nfrom .other import unused\n"
    ),
}


@pytest.mark.parametrize("face", UNCLEAR.values(), ids=UNCLEAR)
def test_a_face_that_does_not_say_where_a_name_is_from_counts_as_a_whole(written, face):
    folder, code = written
    room = folder / "tool/room/__init__.py"
    room.write_text(face)
    before = code()
    assert code("tool/room/other.py", "3", "4") != before and code("tool/room/one.py", "x * HALF", "x") != before
    room.write_text(face + "unused = 5\n")
    assert code() != before


@pytest.mark.parametrize(
    ("words", "whole"),
    [
        ("from tool.room import face as f", False),
        ("from tool import room", True),
        ("import tool.room as r", True),
        ("import tool.room.one", True),  # tool.room.unused can be said
        ("import tool.room.one as o", False),
        ("from tool.room.one import face", False),
        ("def late():\n    from tool.room import (\n        face,  # of it\n    )", False),
    ],
)
def test_what_an_import_statement_comes_to(written, words, whole):
    folder, code = written
    (folder / "script.py").write_text(words + "\n")
    before = code()
    assert code("tool/room/one.py", "x * HALF", "x") != before
    assert (code("tool/room/other.py", "3", "4") != before) == whole


def test_a_name_passed_on_through_two_faces(written):
    folder, code = written
    (folder / "tool/__init__.py").write_text("from .apart import base\nfrom .room import face, unused as three\n")
    (folder / "script.py").write_text("from tool import face\n")
    before = code()
    assert code("tool/room/one.py", "x * HALF", "x") != before
    assert code("tool/room/other.py", "3", "4") == before == code("tool/apart.py", "tool.base", "numpy")


def test_classes_that_note_their_heirs_hang_on_all_that_their_package_imports(written):
    folder, code = written
    one = folder / "tool/room/one.py"
    one.write_text(
        "HEIRS = []\n\n\nclass Base:\n    def __init_subclass__(cls):\n        HEIRS.append(cls)\n\n\ndef face(x):\n    return HEIRS\n"
    )
    before = code()
    assert code("tool/room/other.py", "3", "4") != before


def test_editing_a_module_of_this_package_reruns_the_rules_that_come_to_it(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "neuraxis", ignore=shutil.ignore_patterns("__pycache__", "shipped", "assets"))
    scripts = workflow_home() / "workflow/scripts"

    def code(edited=None):
        if edited:
            path = tmp_path / "neuraxis" / edited
            text = path.read_text()
            path.write_text(text + "\nEDITED = 1\n")
        forget()
        out = {s.stem: code_behind(s, tmp_path / "neuraxis") for s in scripts.glob("*.py")}
        if edited:
            path.write_text(text)
        return out

    before = code()
    # files of another program, and the engine's face, are nobody's business; the families are everyone's who reads events
    assert code("sustain/pysustain.py") == before == code("sustain/__init__.py")
    after = code("sustain/crossval.py")
    assert after["sustain_fit"] != before["sustain_fit"] and after["sustain_events"] == before["sustain_events"]
    after = code("sustain/families/mixture.py")
    changed = {name for name in before if after[name] != before[name]}
    assert {"sustain_events", "sustain_fit", "sustain_subtypes"} <= changed and "cohort_simulate" not in changed
    # what its face does when it runs (options of the compiler) is done for all that comes to a kernel
    after = code("sustain/kernels/__init__.py")
    assert after["sustain_fit"] != before["sustain_fit"] and after["clinical_columns"] == before["clinical_columns"]


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
    forget()
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
