"""Planted faults of jobs at work, one of every kind; `make faults` plants more."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Outcomes by kind of fault; planted in a process of its own, because it forks."""
    path = tmp_path_factory.mktemp("faults") / "found.tsv"
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src"), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, str(HERE / "harness.py"), "27", "1", "inf", str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return pd.read_csv(path, sep="\t").set_index("fault")


def test_nothing_is_lost_or_silently_wrong(found):
    assert found.loc["all", ["planted", "wrong"]].tolist() == [27, 0]
    assert (found["planted"].drop("all") == 1).all()


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_a_killed_job_is_done_again_to_the_same_bytes(found, name):
    for where in ("leader", "group"):  # or the signal came after the job's end
        assert found.loc[f"{name} at {where}", ["ended", "harmless"]].sum() == 1


def test_a_finished_fit_is_taken_up_and_a_damaged_one_is_not(found):
    assert found.loc["finished fit: whole", "harmless"] == 1
    assert found.loc[[f"finished fit: {how}" for how in ("cut", "flip", "emptied")], "ended"].tolist() == [1, 1, 1]


def test_damage_is_refused(found):
    for name in ("z.tsv", "subtypes.tsv", "model.npz"):
        assert found.loc[[f"{name}: cut", f"{name}: emptied"], "refused"].tolist() == [1, 1]
    for name in ("z.tsv", "subtypes.tsv"):  # a bit of a packed model may be one that nobody reads
        assert found.loc[f"{name}: flip", "refused"] == 1
    assert found.loc["input removed", "refused"] == 1


def test_limits_of_the_machine_are_told_in_words(found):
    assert found.loc[["memory limit", "file limit"], "refused"].tolist() == [1, 1]
    assert found.loc["full disk", ["refused", "not tried"]].sum() == 1  # a small disk can be mounted by root alone
