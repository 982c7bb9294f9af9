"""The package as users install it: built, checked, installed without network, run in an empty folder."""

import email
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from small_study import ENVIRONMENT, ROOT, TRACKED

slow = pytest.mark.skipif(
    not os.environ.get("NEURAXIS_SLOW"),
    reason="compiles the kernels in a new place and runs a whole study, some ten minutes: make test-slow",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Wheel and source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, check=True, capture_output=True)
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """The environment of somebody who installed the wheel and has no clone."""
    target = tmp_path_factory.mktemp("site packages")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
        str(built[0]),
    ]
    subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True)
    return {**ENVIRONMENT, "PYTHONPATH": str(target), "PATH": f"{target / 'bin'}:{ENVIRONMENT['PATH']}"}


def call(environment, folder, *command, check=True):
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=1800)
    if check and done.returncode:
        raise AssertionError(done.stdout[-3000:] + done.stderr[-6000:])
    return done


def test_the_wheel_holds_the_workflow_and_says_what_it_is(built):
    with zipfile.ZipFile(built[0]) as wheel:
        names = set(wheel.namelist())
        metadata = email.message_from_bytes(wheel.read(next(n for n in names if n.endswith("METADATA"))))
    tracked = subprocess.run(["git", "ls-files", *TRACKED], cwd=ROOT, capture_output=True, text=True).stdout.split("\n")
    tracked = [f for f in tracked if f and (ROOT / f).is_file() and not f.startswith(("src/", "docs/"))]
    if tracked:  # a clone
        assert len(tracked) > 60 and {f"neuraxis/shipped/{f}" for f in tracked} <= names
    assert {"neuraxis/py.typed", "neuraxis/shipped/docs/results.md", "neuraxis/report/assets/index.html.j2"} <= names
    assert not [n for n in names if "__pycache__" in n or n.startswith(("tests/", "neuraxis/shipped/src"))]
    # what `twine check` looks at: a long description that can be shown, and the fields an index asks for
    assert metadata["Description-Content-Type"] == "text/markdown" and "# neuraxis" in metadata.get_payload()
    assert all(metadata[k] for k in ("Name", "Version", "Summary", "Requires-Python", "License-Expression"))
    assert metadata["Metadata-Version"] == "2.4"  # what twine knows beside any packaging that Snakemake allows
    assert {"click>=8.1", "snakemake>=9.25"} <= set(metadata.get_all("Requires-Dist"))


def test_a_wheel_can_be_built_from_the_source_distribution(built, tmp_path):
    with tarfile.open(built[1]) as source:
        source.extractall(tmp_path, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    folder = next(p for p in tmp_path.iterdir() if p.is_dir())
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "again")]
    subprocess.run(command, cwd=folder, env=ENVIRONMENT, check=True, capture_output=True)

    def contents(path):
        with zipfile.ZipFile(path) as wheel:
            return {n: wheel.read(n) for n in wheel.namelist() if not n.endswith(("COMMIT", "RECORD"))}

    assert contents(next((tmp_path / "again").glob("*.whl"))) == contents(built[0])


def test_an_editable_install_has_no_second_copy_of_the_workflow(tmp_path):
    code = f"from hatchling.build import build_editable; print(build_editable({str(tmp_path)!r}))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=ENVIRONMENT, check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        assert not [n for n in wheel.namelist() if "shipped" in n]


def test_init_and_run_from_an_empty_folder_with_a_space(installed, tmp_path):
    folder = tmp_path / "an empty folder"
    folder.mkdir()
    done = call(installed, folder, "neuraxis", "run", "-n", check=False)
    assert done.returncode == 1 and "neuraxis init" in done.stderr and "Traceback" not in done.stderr
    call(installed, folder, "neuraxis", "init", "my study")
    planned = call(installed, folder, "neuraxis", "run", "-n", "-q", "rules")
    assert "sustain_fit" in planned.stdout and str(ROOT / "Snakefile") not in planned.stdout + planned.stderr
    assert Path(installed["PYTHONPATH"], "neuraxis/shipped/Snakefile").as_posix() in planned.stdout + planned.stderr
    call(
        installed,
        folder,
        "neuraxis",
        "run",
        "results/provenance.json",
        "--until",
        "cohort_participants",
        "--cores",
        "1",
    )
    assert (folder / "my study/results/cohort/participants.tsv").is_file()
    assert [p.name for p in folder.iterdir()] == ["my study"]
    wrong = call(installed, folder / "my study", "neuraxis", "run", "-n", "--config", "seeed=3", check=False)
    assert wrong.returncode == 1 and "seeed: unknown key" in wrong.stdout + wrong.stderr


def test_an_installed_package_names_the_commit_it_was_built_from(installed, tmp_path):
    code = (
        "import json; from neuraxis.home import workflow_home; from neuraxis.report.provenance import provenance;"
        "print(json.dumps(provenance({'seed': 1}, [], workflow_home())))"
    )
    known = json.loads(call(installed, tmp_path, sys.executable, "-c", code).stdout)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    assert known["commit"] == (head or "not a git checkout") and known["versions"]["neuraxis"]


@slow
def test_the_tutorial_as_it_stands(installed, tmp_path):
    """Its blocks, in their order, by somebody with the wheel alone: from data to a report, one new person, one file."""
    folder = tmp_path / "a new comer"
    folder.mkdir()
    text = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(bash|python)\n(.*?)```", text, re.DOTALL)
    assert [kind for kind, _ in blocks].count("bash") == 6 and blocks[-1][0] == "python"
    said = []
    for kind, block in blocks:
        command = ["bash", "-euo", "pipefail", "-c", block] if kind == "bash" else [sys.executable, "-c", block]
        said.append(call(installed, folder, *command).stdout)
    assert "healthy controls: HC" in said[1] and "sub-NEW" in said[-1]
    page = (folder / "my study/results/report/index.html").read_text(encoding="utf-8")
    assert "my study" in page and "SDMT" in page
    known = json.loads((folder / "my study/results/provenance.json").read_text())
    assert known["config"]["normative"]["min_site_controls"] == 4 and known["config"]["cohort"]["diseases"] == ["MS"]
    one, other = (folder / name / "people.tsv" for name in ("new people", "by the file"))
    assert one.read_text() == other.read_text() and "sub-NEW" in one.read_text()
    assert (folder / "new people/sub-NEW.html").is_file()
    assert sorted(p.name for p in folder.iterdir()) == [
        *("by the file", "data", "ms.neuraxis", "my study", "new people", "small.yaml"),
    ]


@pytest.fixture(scope="module")
def alone(built, tmp_path_factory):
    """An environment made empty, into which pip brought the wheel and what it asks for, the newest there is; and twine."""
    environment = tmp_path_factory.mktemp("alone") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    pip = [str(environment / "bin/python"), "-m", "pip", "install", "-q", str(built[0]), "twine"]
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    subprocess.run(pip, env=clean, check=True, capture_output=True)
    return {**clean, "PATH": f"{environment / 'bin'}:/usr/bin:/bin"}


@slow
def test_both_distributions_pass_twine(alone, built, tmp_path):
    done = call(alone, tmp_path, "twine", "--no-color", "check", "--strict", *map(str, built))
    assert done.stdout.count("PASSED") == 2


@slow
def test_a_study_from_an_environment_that_was_empty(alone, tmp_path):
    """pip install, init, run, in a folder with a space in its path: nothing of the clone or of its environment is there."""
    folder = tmp_path / "an empty folder"
    folder.mkdir()
    call(alone, folder, "neuraxis", "init", "my study")
    (folder / "small.yaml").write_text(
        "cohort: {scale: 0.08}\nsustain: {n_samples: 200, n_startpoints: 1}\nclinical: {outcomes: []}\n"
    )
    done = call(alone, folder / "my study", "neuraxis", "run", "--configfile", "../small.yaml", "--cores", "2")
    assert str(ROOT) not in done.stdout + done.stderr
    assert "SIMULATED DATA" in (folder / "my study/results/report/index.html").read_text(encoding="utf-8")
    checks = (folder / "my study/results/checks.tsv").read_text().splitlines()[1:]
    assert checks and all(line.endswith("\t0") for line in checks)
    assert sorted(p.name for p in folder.iterdir()) == ["my study", "small.yaml"]
