"""The examples of the docstrings, run; and the site that shows them, built without network."""

import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import neuraxis

ROOT = Path(__file__).parents[1]
NAMES = [m.name for m in pkgutil.walk_packages(neuraxis.__path__, "neuraxis.") if not m.name.endswith("__main__")]
#: Packages whose `__all__` is what users import; the rest of what is public is what docs/api.md shows.
FACES = ("neuraxis.sustain", "neuraxis.newpeople", "neuraxis.clinical.outcomes")
#: Public, and of a finished study's folder, which no example of a few lines has: the tutorial runs them.
WITHOUT = {"neuraxis.newpeople.shared.from_study", "neuraxis.newpeople.shared.export"}


def public() -> dict[str, object]:
    """Functions and classes of the faces and of docs/api.md, by name, each once."""
    names, module = [], ""
    for line in (ROOT / "docs/api.md").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"\.\. (?:currentmodule|automodule):: (\S+)", line):
            module = found[1]
        elif found := re.match(r"\.\. auto(?:function|class):: (\S+)", line):
            names.append(found[1] if found[1].startswith("neuraxis.") else f"{module}.{found[1]}")
        elif found := re.match(r"\s+:members: (.+)", line):
            names += [f"{module}.{n.strip()}" for n in found[1].split(",")]
    for face in FACES:
        names += [f"{face}.{n}" for n in importlib.import_module(face).__all__]
    out: dict[int, tuple[str, object]] = {}
    for name in names:
        where, _, last = name.rpartition(".")
        thing = getattr(importlib.import_module(where), last)
        if callable(thing):
            out.setdefault(id(thing), (name, thing))
    return dict(out.values())


@pytest.mark.parametrize("name", NAMES)
def test_examples(name):
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert not found.failed


def test_whatever_is_public_has_an_example():
    found = public()
    assert len(found) > 55 and set(found) >= WITHOUT
    without = {
        name
        for name, thing in found.items()
        if "Examples\n" not in (thing.__doc__ or "") or ">>> " not in thing.__doc__
    }
    assert without == WITHOUT  # one that has an example by now leaves the list


def test_the_site(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-b", "html", str(ROOT / "docs"), str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "ERROR" not in done.stderr, done.stderr[-3000:]
    pages = {p.name: p.read_text(encoding="utf-8") for p in tmp_path.glob("*.html")}
    assert {f"{p.stem}.html" for p in (ROOT / "docs").glob("*.md")} <= set(pages)
    assert "neuraxis.sustain.fit" in pages["api.html"]
    for name, text in pages.items():
        fetched = re.findall(r"<(?:script|img|link)[^>]+(?:src|href)=\"(https?:[^\"]+)", text)
        assert not fetched, (name, fetched)
    # the gallery's blocks were run: a picture below every one that shows something
    drawn = re.findall(r'<img[^>]+src="_images/(gallery-\d+\.png)"', pages["gallery.html"])
    blocks = (ROOT / "docs/gallery.rst").read_text(encoding="utf-8").split(".. plot::")[1:]
    calls = [block for block in blocks if ":nofigs:" not in block]
    assert len(set(drawn)) == len(calls) >= 5 and "Exception" not in done.stderr
    assert "newpeople.html" in pages["index.html"] and "tutorial.html" in pages["index.html"]
