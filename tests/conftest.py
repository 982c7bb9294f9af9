"""Shared fixtures: the peer's numbers, small simulated problems, the folder of real samples."""

import os
import shutil
from pathlib import Path

# before numpy: threads of the linear algebra wait for each other where two processes share two cores
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest

from neuraxis.sustain import ZScoreEvents

DATA = Path(__file__).parent / "data"
SAMPLES = Path(__file__).parents[2] / "shared" / "samples"
ORACLE = SAMPLES.with_name("oracle")
#: Files in the order in which two processes take them: the longest early, so that neither ends long after the other, and
#: nothing that needs the kernels but the first, which compiles them, in the first two minutes.
FIRST = (
    *("workflow/test_end_to_end.py", "fuzz/test_fuzz.py", "test_labels.py", "clinical/test_by_hand.py"),
    *("clinical/test_outcomes.py", "report/test_browser.py", "features/test_readers.py", "workflow/test_runs.py"),
    *("sustain/test_inference.py", "sustain/test_families.py", "sustain/test_study.py", "sustain/test_checkpoint.py"),
)


def pytest_collection_modifyitems(items):
    """`FIRST`, then all others as they are collected."""
    place = {Path(__file__).parent / name: k for k, name in enumerate(FIRST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture
def peer():
    """Load one file of the peer's numbers and the events it describes."""

    def load(name, **options):
        numbers = dict(np.load(DATA / f"{name}.npz"))
        events = ZScoreEvents([[z for z in row if z > 0] for row in numbers["Z"]], numbers["z_max"], **options)
        return numbers, events

    return load


@pytest.fixture
def oracle():
    """The folder of numbers to compare with, beside the checkout; skips, saying so, where it is absent."""
    if not ORACLE.is_dir():
        pytest.skip("the folder of numbers to compare with is not there")
    return ORACLE


@pytest.fixture
def samples():
    """The folder of real sample files beside the checkout; skips, saying so, where it is absent."""
    if not SAMPLES.is_dir():
        pytest.skip("the folder of real sample files is not there")
    return SAMPLES


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium; skips, saying so, where there is none."""
    api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: the pages are not tried in a browser"
    )
    found = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
    if found is None:
        pytest.skip("there is no Chromium (apt-get install chromium): the pages are not tried in a browser")
    with api.sync_playwright() as p:
        started = p.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()
