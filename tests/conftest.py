"""Shared fixtures: the peer's numbers, small simulated problems, the folder of real samples."""

from pathlib import Path

import numpy as np
import pytest

from neuraxis.sustain import ZScoreEvents

DATA = Path(__file__).parent / "data"
SAMPLES = Path(__file__).parents[2] / "shared" / "samples"


@pytest.fixture
def peer():
    """Load one file of the peer's numbers and the events it describes."""

    def load(name, **options):
        numbers = dict(np.load(DATA / f"{name}.npz"))
        events = ZScoreEvents([[z for z in row if z > 0] for row in numbers["Z"]], numbers["z_max"], **options)
        return numbers, events

    return load


@pytest.fixture
def samples():
    """The folder of real sample files beside the checkout; skips, saying so, where it is absent."""
    if not SAMPLES.is_dir():
        pytest.skip("the folder of real sample files is not there")
    return SAMPLES
