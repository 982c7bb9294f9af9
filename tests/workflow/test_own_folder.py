"""A study in a folder of its own: defaults, paths and sources are found, and studies of one clone never meet."""

import os
import re
import shutil
import subprocess

import pandas as pd
import pytest
import yaml
from small_study import ENVIRONMENT, ROOT, checkout, snakemake


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    return checkout(tmp_path_factory.mktemp("a clone") / "of neuraxis")


def files_of(folder):
    return {
        str(f.relative_to(folder)): (f.stat().st_size, f.stat().st_mtime_ns)
        for f in folder.rglob("*")
        if f.is_file() and "__pycache__" not in f.parts
    }


def own(folder, clone, *arguments, text="", check=True):
    """Snakemake as a user calls it: from the study's parent, with the clone's Snakefile."""
    folder.mkdir(exist_ok=True)
    (folder / "my.yaml").write_text(text or "{}")
    command = ["-s", str(clone / "Snakefile"), "--directory", folder.name, "--configfile", f"{folder.name}/my.yaml"]
    return snakemake(folder.parent, *arguments, *command, check=check)


def test_two_studies_of_one_clone_never_meet(clone, tmp_path):
    before = files_of(clone)
    texts = {"study one": "cohort: {scale: 0.05}", "study two": "cohort: {scale: 0.1}"}
    people = {}
    for name, text in texts.items():
        own(tmp_path / name, clone, "results/cohort/participants.tsv", text=text)
        people[name] = len(pd.read_csv(tmp_path / name / "results/cohort/participants.tsv", sep="\t"))
    # 1,065 HC, 278 NMOSD and 391 MS by their share
    assert people["study one"] < 100 < people["study two"] < 200
    assert files_of(clone) == before and sorted(p.name for p in tmp_path.iterdir()) == sorted(texts)
    for name, text in texts.items():
        again = own(tmp_path / name, clone, "results/cohort/participants.tsv", "-n", text=text)
        assert "Nothing to be done" in again.stdout + again.stderr


def test_the_users_paths_are_the_studys_and_the_workflows_its_own(clone, tmp_path):
    study = tmp_path / "my study"
    text = (
        "cohort: {source: files, participants: data/people.tsv, diseases: [MS]}\nfeatures: {source: table, table: %s}"
    )
    done = own(study, clone, "-n", text=text % "data/measures.tsv", check=False)
    words = done.stderr + done.stdout
    assert done.returncode and "cohort.participants: data/people.tsv: no such file" in words
    assert "features.table: data/measures.tsv: no such file" in words and "features.biomarkers" not in words
    (study / "data").mkdir()
    for name in ("people", "measures"):
        (study / f"data/{name}.tsv").write_text("participant_id\n")
    planned = own(study, clone, "-n", "-q", "rules", text=text % "data/measures.tsv").stdout
    assert "sustain_fit" in planned and "cohort_simulate" not in planned  # the other keys are the workflow's defaults
    assert not (study / "results").exists()


def test_an_edited_source_of_the_clone_reruns_a_study_elsewhere(clone, tmp_path):
    target = "results/cohort/participants.tsv"
    own(tmp_path / "s", clone, target, text="cohort: {scale: 0.05}")
    path = clone / "src/neuraxis/cohort/simulated.py"
    text = path.read_text()
    said = []
    try:
        for more in ("\n# edited\n", "\nEDITED = 1\n"):
            path.write_text(text + more)
            done = own(tmp_path / "s", clone, target, "-n", text="cohort: {scale: 0.05}")
            said.append(done.stdout + done.stderr)
    finally:
        path.write_text(text)
    assert "cohort_simulate" not in said[0] and "cohort_simulate" in said[1]


@pytest.mark.parametrize("name", ["neuraxis", "other"])
def test_module(clone, tmp_path, name):
    """A Snakefile of one's own: the module's configuration over the defaults, the other rules beside it."""
    study = tmp_path / "a study"
    study.mkdir()
    (study / "config.yaml").write_text("of_another_workflow: 3\n")  # of the user's Snakefile, not of the module
    (study / "Snakefile").write_text(
        f'module {name}:\n    snakefile: "{clone}/Snakefile"\n'
        '    config: {"cohort": {"diseases": ["MS"]}, "sustain": {"max_subtypes": 2}}\n\n'
        f"use rule * from {name} as {name}_*\n\n"
        'rule mine:\n    input: "results/report/index.html"\n    output: "done"\n    shell: "touch {output}"\n'
    )
    done = snakemake(study, "-n", "mine")
    words = done.stdout + done.stderr
    assert f"{name}_sustain_fit" in words and "results/sustain/MS/k2/full/model.npz" in words and "mine" in words
    assert "results/sustain/MS/k3" not in words and "results/sustain/NMOSD" not in words


@pytest.mark.parametrize("file", ["Snakefile", "workflow/Snakefile"])
def test_a_snakefile_fetched_from_elsewhere_uses_the_installed_package(tmp_path, file):
    """As `github(...)` does: rules and scripts come from a commit, tables and schemas from the package."""
    pytest.importorskip("git")
    repository = tmp_path / "repository"
    repository.mkdir()
    checkout(repository / "sub")
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@x", "-C", str(repository)]
    for step in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"], ["tag", "v0"]):
        subprocess.run([*git, *step], check=True, capture_output=True)
    study = tmp_path / "a study"
    study.mkdir()
    (study / "Snakefile").write_text(
        f'module neuraxis:\n    snakefile: gitfile("{repository}", path="sub/{file}", tag="v0")\n'
        '    config: {"cohort": {"scale": 0.05}}\n\nuse rule * from neuraxis\n'
    )
    # listed only: Snakemake 9.27 cannot run scripts of a gitfile, while those of github() are cached files
    assert "sustain_fit" in snakemake(study, "--list-rules").stdout


def test_a_deployed_study(clone, tmp_path):
    """What `snakedeploy deploy-workflow` (0.17) puts into an empty folder: config/, profiles/ and a Snakefile in workflow/
    that uses all rules of the clone's workflow/Snakefile; only the path stands for `github(...)`."""
    study = tmp_path / "a deployed study"
    for folder in ("config", "profiles"):
        shutil.copytree(clone / folder, study / folder)
    (study / "workflow").mkdir()
    (study / "workflow/Snakefile").write_text(
        "from snakemake.utils import min_version\n\n\n"
        'min_version("6.10.0")\n\n\n'
        'configfile: "config/config.yaml"\n\n\n'
        f'module neuraxis:\n    snakefile: \n        "{clone}/workflow/Snakefile"\n    config:\n        config\n\n\n'
        "use rule * from neuraxis\n"
    )
    done = snakemake(study, "-n")
    words = done.stdout + done.stderr
    assert "profile profiles/default" in words and "results/report/index.html" in words
    whole = {name: n for name, n in jobs(words).items() if name not in ("everything", "total")}
    assert jobs(words)["everything"] == 1 and whole["sustain_fit"] > 5
    # nothing but the scale is said in config/config.yaml: the jobs are those of the default study
    same = jobs((said := own(tmp_path / "own", clone, "-n", text="cohort: {scale: 0.2}")).stdout + said.stderr)
    assert whole == {name: n for name, n in same.items() if name not in ("all", "total")}


def test_the_catalogues_files_are_where_it_looks(clone):
    """https://snakemake.github.io/snakemake-workflow-catalog: standardised usage; .test/ is a study that can be planned."""
    for name in ("workflow/Snakefile", "config/README.md", "config/config.yaml", ".snakemake-workflow-catalog.yml"):
        assert (ROOT / name).is_file(), name
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["software-stack-deployment"]["conda"] is (ROOT / "envs/neuraxis.yaml").is_file() and usage["report"]
    small = (ROOT / ".test/config.yaml").read_text()
    done = own(clone.parent / "test", clone, "-n", text=small)
    assert jobs(done.stdout + done.stderr)["sustain_fit"] == 3  # one disease: everyone and two folds


def jobs(words):
    """Number of jobs by rule that Snakemake says it would run."""
    return {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", words, re.M)}


def test_provenance_names_the_workflows_commit_not_the_studys(tmp_path):
    """Repositories around the study and around the workflow's folder are none of its own."""
    from neuraxis.report.provenance import provenance

    def repository(folder):
        git = ["git", "-c", "user.name=n", "-c", "user.email=e@x", "-C", str(folder)]
        (folder / "file").write_text(folder.name)
        for step in (["init", "-q"], ["add", "file"], ["commit", "-qm", "one"]):
            subprocess.run([*git, *step], check=True, capture_output=True)
        return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()

    study, home = tmp_path / "study", tmp_path / "home"
    (home / "inner").mkdir(parents=True)
    study.mkdir()
    repository(study)
    commit = repository(home)
    here = os.getcwd()
    try:
        os.chdir(study)
        known = provenance({"seed": 3}, [], home)
        assert known["commit"] == commit and not known["uncommitted_changes"]
        assert known["workflow"].startswith("neuraxis ")
        (home / "file").write_text("changed")
        assert provenance({"seed": 3}, [], home)["uncommitted_changes"]
        inner = provenance({"seed": 3}, [], home / "inner")
        assert inner["commit"] == "not a git checkout" and not inner["uncommitted_changes"]
    finally:
        os.chdir(here)


def test_the_environment_installs_the_clone_from_any_folder(tmp_path):
    """The post-deploy script, with pip replaced by a recorder: it runs in the study's folder."""
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin/python"
    python.write_text(f'#!/bin/sh\nif [ "$1" = -c ]; then echo "{tmp_path}"; else printf "%s\\n" "$@" > asked; fi\n')
    python.chmod(0o755)
    study = tmp_path / "a study"
    study.mkdir()
    package = ROOT / "src/neuraxis"
    script = ROOT / "envs/neuraxis.post-deploy.sh"
    environment = {**ENVIRONMENT, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "NEURAXIS_PACKAGE": str(package)}
    for home in (ROOT, tmp_path):
        subprocess.run(["bash", str(script)], cwd=study, env={**environment, "NEURAXIS_HOME": str(home)}, check=True)
    assert (study / "asked").read_text().splitlines()[-2:] == ["--editable", str(ROOT)]
    assert (tmp_path / "neuraxis").resolve() == package.resolve()
