"""The promise of docs/reliability.md: tables are the same bytes whatever processor computes them, models' parameters to 1e-12.

OpenBLAS takes its kernels by the processor; OPENBLAS_CORETYPE names another. Kernels for any processor at all
(NUMBA_CPU_NAME=generic) are compiled anew, which takes minutes: NEURAXIS_SLOW=1 (`make test-slow`).
"""

import os
import subprocess
import sys
from pathlib import Path

import llvmlite.binding
import numpy as np
import pytest

from neuraxis.sustain import SustainModel

HERE = Path(__file__).parent
AVX512 = bool(llvmlite.binding.get_host_cpu_features().get("avx512f"))


def run(folder, **environment):
    """The folder that a job fills under such an environment."""
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src"), **environment}
    command = [sys.executable, str(HERE / "job.py"), str(folder), "fit"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def compare(here, there):
    """Norms and all tables, byte by byte; the models' parameters and draws."""
    files = [{f.name: f.read_bytes() for f in folder.iterdir() if f.name != "model.npz"} for folder in (here, there)]
    assert len(files[0]) > 60 and files[0].keys() == files[1].keys()
    assert [name for name, raw in files[0].items() if files[1][name] != raw] == []
    models = [SustainModel.load(folder / "model.npz") for folder in (here, there)]
    for part in ("point", "draws"):
        one, other = (vars(getattr(model, part)) for model in models)
        for name, values in one.items():
            # log-likelihoods are added up in single precision, and steps are tuned by them
            tolerance = 1e-6 if name in ("log_likelihood", "step") else 1e-12
            np.testing.assert_allclose(values, other[name], rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    return run(tmp_path_factory.mktemp("processors") / "here")


@pytest.mark.parametrize(
    "kind",
    ["Nehalem", "Haswell", pytest.param("SkylakeX", marks=pytest.mark.skipif(not AVX512, reason="needs AVX-512"))],
)
def test_tables_are_the_same_bytes_with_another_blas(here, tmp_path, kind):
    compare(here, run(tmp_path / kind, OPENBLAS_CORETYPE=kind))


@pytest.mark.skipif(not os.environ.get("NEURAXIS_SLOW"), reason="compiles all kernels again; NEURAXIS_SLOW=1")
def test_tables_are_the_same_bytes_with_kernels_for_any_processor(here, tmp_path):
    # a cache of its own: or what is compiled for this processor might be taken
    compare(here, run(tmp_path / "any", NUMBA_CPU_NAME="generic", NUMBA_CACHE_DIR=str(tmp_path / "cache")))
