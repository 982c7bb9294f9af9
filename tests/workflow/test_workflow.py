"""The whole chain: dry runs, lint, refusals, a small study end to end, and a killed one resumed."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
TRACKED = (
    "Snakefile",
    "config.yaml",
    "config",
    "rules",
    "workflow",
    "resources",
    "src",
    "envs",
    "profiles",
    "docs",
    "requirements.lock",
)
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def checkout(folder: Path) -> Path:
    """A copy of what the workflow needs, so that tests never touch the user's results."""
    folder.mkdir()
    for name in TRACKED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


def snakemake(folder, *arguments, check=True):
    command = ["snakemake", "--cores", "2", *arguments]
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=900)
    if check and done.returncode:
        raise AssertionError(done.stdout[-3000:] + done.stderr[-6000:])
    return done


def overlay(folder, text):
    (folder / "overlay.yaml").write_text(text)
    return ["--configfile", "config/quick.yaml", "overlay.yaml"]


def digests(folder):
    """Checksums of every table and model (pictures and provenance aside)."""
    files = sorted((folder / "results").rglob("*"))
    return {
        str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest()
        for f in files
        if f.suffix in (".tsv", ".npz") or f.name in ("norms.json", "events.json")
    }


# one worker runs whatever needs the small study, so that it is made once
pytestmark = pytest.mark.xdist_group("workflow")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A small study run to the end."""
    folder = checkout(tmp_path_factory.mktemp("study") / "study")
    arguments = overlay(folder, "cohort: {scale: 0.08}\nsustain: {n_samples: 200, n_startpoints: 2}\n")
    snakemake(folder, *arguments)
    return folder, arguments


def test_the_chain_ends_in_a_report(study):
    folder, _ = study
    page = (folder / "results/report/index.html").read_text()
    assert "SIMULATED DATA" in page and "did not converge" in page
    people = pd.read_csv(folder / "results/sustain/MS/subtypes.tsv", sep="\t")
    assert people.columns[0] == "participant_id" and (people["origin"] == "SIMULATED").all()
    assert people.filter(regex="^p_subtype").sum(axis=1).round(3).eq(1).all()
    selection = pd.read_csv(folder / "results/sustain/MS/selection.tsv", sep="\t")
    assert selection["chosen"].sum() == 1 and set(selection["n_subtypes"]) == {-1, 0, 1, 2}


def test_measures_from_images_are_the_simulated_ones(study):
    folder, _ = study
    measured = pd.read_csv(folder / "results/features/measures.tsv", sep="\t").set_index("participant_id")
    planned = pd.read_csv(folder / "results/cohort/simulated/SIMULATED_measures.tsv", sep="\t").set_index(
        "participant_id"
    )
    planned = planned.loc[measured.index]
    for name in ("thalamus", "frontal", "brainstem", "cerebellum_gm"):
        assert (measured[name] - planned[name]).abs().max() <= 4.0 + 1e-5 * planned[name].max()
    assert (measured["cord_csa"] / planned["cord_csa"] - 1).abs().max() < 0.02


def test_nothing_reruns_and_a_setting_reruns_only_what_depends_on_it(study):
    folder, arguments = study
    assert "Nothing to be done" in snakemake(folder, *arguments, "-n").stdout
    changed = overlay(
        folder, "cohort: {scale: 0.08}\nsustain: {n_samples: 200, n_startpoints: 2}\nclinical: {n_draws: 6}\n"
    )
    planned = snakemake(folder, *changed, "-n", "-q", "rules").stdout
    assert "clinical_associations" in planned and "report_page" in planned
    assert "sustain_fit" not in planned and "features_extract" not in planned


def test_a_killed_run_resumes_to_the_same_results(study, tmp_path):
    whole, _ = study
    folder = checkout(tmp_path / "killed")
    arguments = overlay(folder, "cohort: {scale: 0.08}\nsustain: {n_samples: 200, n_startpoints: 2}\n")
    running = subprocess.Popen(
        ["snakemake", "--cores", "2", *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.time() + 300
    while not list((folder / "results").rglob("k1/*/model.npz")) and time.time() < deadline:
        time.sleep(0.2)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert list((folder / "results").rglob("k1/*/model.npz")) and not (folder / "results/report/index.html").exists()
    shutil.rmtree(folder / ".snakemake/locks", ignore_errors=True)
    done = snakemake(folder, *arguments)
    assert "cohort_simulate" not in done.stderr.split("Job stats")[1].split("total")[0]
    assert digests(folder) == digests(whole)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seeed: 3", "seeed"),
        ("sustain: {folds: 1}", "folds"),
        ("sustain: {stage_prior: flat}", "stage_prior"),
        ("cohort: {source: files}", "cohort.participants"),
        ("cohort: {diseases: [HC]}", "controls' group HC"),
        ("sustain: {choose_thresholds: false, z_max: 2}", "sustain.z_max"),
        ("sustain: {n_subtypes: 7}", "sustain.n_subtypes"),
    ],
)
def test_a_wrong_configuration_stops_before_anything_runs(tmp_path, text, words):
    folder = checkout(tmp_path / "wrong")
    done = snakemake(folder, *overlay(folder, text), "-n", check=False)
    assert done.returncode != 0 and words in done.stderr + done.stdout
    assert not (folder / "results").exists()


def test_lint_format_and_presets(tmp_path):
    folder = checkout(tmp_path / "lint")
    assert snakemake(folder, "--lint").returncode == 0
    formatted = subprocess.run(
        ["snakefmt", "--check", "Snakefile", "rules"], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert formatted.returncode == 0, formatted.stderr
    assert "sustain_fit" in snakemake(folder, "--configfile", "config/study.yaml", "-n", "-q", "rules").stdout


def test_own_people_from_a_table(tmp_path):
    """Own data: a participants table and a table of measures, no images, one disease."""
    from neuraxis.cohort.simulated import simulate_cohort

    folder = checkout(tmp_path / "own")
    cohort = simulate_cohort(ROOT / "resources", scale=0.1, seed=3)
    people = cohort.participants
    measures = cohort.measures.query("session_id == 'baseline'").drop(columns=["session_id", "etiv_measured"])
    keep = people["group"].isin(["HC", "MS"])
    people[keep].drop(columns="origin").to_csv(folder / "participants.tsv", sep="\t", index=False, na_rep="n/a")
    measures[keep.to_numpy()].to_csv(folder / "measures.tsv", sep="\t", index=False)
    arguments = overlay(
        folder,
        "cohort: {source: files, participants: participants.tsv, diseases: [MS]}\n"
        "features: {source: table, table: measures.tsv}\nsustain: {n_samples: 200, n_startpoints: 1}\n",
    )
    snakemake(folder, *arguments)
    page = (folder / "results/report/index.html").read_text()
    assert "SIMULATED" not in page and "<h2>MS</h2>" in page


def test_environment_files_pin_the_lock_files_versions():
    import re

    pins = dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^ \\;]+)", (ROOT / "requirements.lock").read_text(), re.M))
    named = re.findall(r"- ([a-z0-9_-]+)==(\S+)", (ROOT / "envs/neuraxis.yaml").read_text())
    assert len(named) > 10 and all(pins[name] == version for name, version in named)
    assert not re.search(r"https?://|--index-url|--extra-index", (ROOT / "requirements.lock").read_text())
