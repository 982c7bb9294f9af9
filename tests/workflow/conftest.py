"""The small study, run once."""

import pytest
from small_study import SMALL, checkout, overlay, snakemake

from neuraxis.sustain.warm import compile_kernels


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """A small study run to the end, with a second variant of the model."""
    compile_kernels(2)  # the kernels are compiled once, here, and not by both of the first two fits
    folder = checkout(tmp_path_factory.mktemp("study") / "study")
    arguments = overlay(folder, SMALL)
    snakemake(folder, *arguments)
    return folder, arguments
