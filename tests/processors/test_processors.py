"""The promise of docs/reliability.md: norms and tables are the same bytes whatever processor computes them.

OpenBLAS takes its kernels by the processor; OPENBLAS_CORETYPE names another. Kernels for any processor at all
(NUMBA_CPU_NAME=generic) are compiled anew, which takes minutes: NEURAXIS_SLOW=1 (`make test-slow`).
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent


def run(folder, *words, **environment):
    """The files that a job writes under such an environment."""
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src"), **environment}
    command = [sys.executable, str(HERE / "job.py"), str(folder), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {f.name: f.read_bytes() for f in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    return run(tmp_path_factory.mktemp("processors") / "here")


@pytest.mark.parametrize("kind", ["Nehalem", "Haswell"])
def test_norms_and_their_tables_are_the_same_bytes(here, tmp_path, kind):
    there = run(tmp_path / kind, OPENBLAS_CORETYPE=kind)
    assert len(here) > 50 and there.keys() == here.keys()
    assert [name for name in here if here[name] != there[name]] == []


@pytest.mark.skipif(not os.environ.get("NEURAXIS_SLOW"), reason="compiles all kernels again; NEURAXIS_SLOW=1")
def test_a_fit_is_the_same_with_kernels_for_any_processor(tmp_path):
    from neuraxis.sustain import SustainModel

    run(tmp_path / "host", "fit")
    run(tmp_path / "any", "fit", NUMBA_CPU_NAME="generic", NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    host, other = (SustainModel.load(tmp_path / name / "model.npz") for name in ("host", "any"))
    for a, b in zip(vars(host.point).values(), vars(other.point).values(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
    tables = [(tmp_path / name / "subtypes.tsv").read_bytes() for name in ("host", "any")]
    assert tables[0] == tables[1]
