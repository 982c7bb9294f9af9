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
#: Where somebody begins: each has an example.
FIRST = {
    "neuraxis.sustain.model": ["fit"],
    "neuraxis.sustain.crossval": ["cross_validate"],
    "neuraxis.sustain.families.zscore": ["choose_events"],
    "neuraxis.sustain.simulate": ["simulate"],
    "neuraxis.normative.norms": ["fit_norms", "zscores"],
    "neuraxis.normative.covariance": ["noise_covariance"],
    "neuraxis.biomarkers": ["read_biomarkers", "cord_of"],
    "neuraxis.features.measures": ["quality"],
    "neuraxis.tables": ["read_table"],
    "neuraxis.labels": ["shown_names"],
    "neuraxis.home": ["workflow_home", "merged"],
}


@pytest.mark.parametrize("name", NAMES)
def test_examples(name):
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert not found.failed


@pytest.mark.parametrize(("name", "function"), [(m, f) for m, fs in FIRST.items() for f in fs])
def test_first_functions_have_an_example(name, function):
    words = getattr(importlib.import_module(name), function).__doc__
    assert "Examples\n" in words and ">>> " in words


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
    assert "newpeople.html" in pages["index.html"] and "tutorial.html" in pages["index.html"]
