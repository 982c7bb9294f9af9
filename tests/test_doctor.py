"""The doctor: one line per finding, problems in the exit status, nothing said that is not so."""

import importlib.metadata
import io
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numba
import numpy as np
import pytest
from powerless import powerless

from neuraxis import doctor as room
from neuraxis.doctor import Finding, doctor, examine, machine, study
from neuraxis.home import workflow_home

CONFIG = """
cohort: {source: files, participants: people.tsv, diseases: [MS]}
features: {source: table, table: measures.tsv, use: [thalamus, frontal]}
normative: {site: fixed}
sustain: {folds: 2, max_subtypes: 2, min_people: 3}
clinical: {outcomes: [{name: EDSS, column: edss, type: ordinal}]}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A study of 30 controls and 12 patients of two sites in which nothing is wrong."""
    rng = np.random.default_rng(2)
    people = ["participant_id\tgroup\tage\tsex\tsite\tedss"]
    rows = ["participant_id\tetiv\tthalamus\tfrontal"]
    for i in range(42):
        group, score, lost = ("HC", "n/a", 0) if i < 30 else ("MS", f"{i % 5 + 1}.0", 2)
        age = 20 + i if i < 30 else i - 8
        people.append(f"sub-{i:02d}\t{group}\t{age}\t{'MF'[i % 2]}\t{'AB'[i % 3 > 1]}\t{score}")
        rows.append(
            f"sub-{i:02d}\t{rng.normal(1.5e6, 1e5):.0f}\t{rng.normal(15000 - 900 * lost, 900):.0f}\t"
            f"{rng.normal(150000 - 9000 * lost, 9000):.0f}"
        )
    (tmp_path / "people.tsv").write_text("\n".join(people) + "\n")
    (tmp_path / "measures.tsv").write_text("\n".join(rows) + "\n")
    (tmp_path / "config.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def edit(path, *changes):
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def found(level, path="."):
    return [f"{f.area}: {f.words}" for f in study(path) if f.level == level]


def test_a_sound_study_has_no_problem(folder):
    assert found("problem") == []
    fine = found("ok")
    assert "people: 30 HC, 12 MS" in fine and "outcomes: 1 outcome has its columns" in fine
    assert "ids: features.table (measures.tsv): 42 of 42 ids are participants'" in fine
    assert "measures: 42 people, 5 columns" in fine or "measures: 42 people, 4 columns" in fine
    assert fine[-3:-1] == [
        "groups: MS: 12 people for 2 subtypes in folds",
        "events: MS: 6 of 6 events kept, of 2 biomarkers",
    ]
    assert [line.partition(";")[0] for line in found("note")] == [
        "groups: 30 controls are too few for a negative control"  # and nothing else
    ]


@pytest.mark.parametrize(
    ("file", "changes", "level", "words"),
    [
        ("config.yaml", [("folds: 2", "folts: 2")], "problem", "sustain.folts: unknown key; did you mean folds?"),
        ("config.yaml", [("people.tsv", "peple.tsv")], "problem", "cohort.participants: peple.tsv: no such file"),
        (
            "config.yaml",
            [("subtypes: 2", "subtypes: 6")],
            "problem",
            "MS: 12 people are too few for 6 subtypes in 2 folds",
        ),
        ("config.yaml", [("column: edss", "column: nfl")], "problem", "column nfl is not in participants.tsv"),
        ("config.yaml", [("frontal]", "putamen]")], "problem", "putamen"),
        ("people.tsv", [("sub-03\tHC\t23", "sub-03\tHC\tyoung")], "problem", "age: not a number: sub-03 (young)"),
        ("people.tsv", [("sub-03\tHC", "sub-02\tHC")], "problem", "participant_id listed more than once: sub-02 (HC)"),
        ("people.tsv", [("\tA\t", "\tC\t")], "ok", "people: 30 HC, 12 MS"),
        ("people.tsv", [("33\tF\tB\t2.0", "33\tF\tD\t2.0")], "problem", "sites without controls in this norm: D"),
        ("measures.tsv", [("sub-41", "sub-99")], "note", "41 of 42 ids are participants'; not: sub-99"),
        ("measures.tsv", [("sub-", "someone-")], "problem", "none of its 42 ids is a participant"),
        (
            "measures.tsv",
            [("etiv", "head")],
            "problem",
            "nobody has a head size (etiv), and the norms of frontal, thalamus",
        ),
        ("measures.tsv", [("etiv", "eTIV")], "ok", "42 people"),
    ],
)
def test_what_is_wrong_is_found_and_named(folder, file, changes, level, words):
    edit(folder / file, *changes)
    assert any(words in line for line in found(level)), [*study(".")]


def test_units_are_looked_at(folder):
    table = (folder / "measures.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in table[1:]]
    ml = [f"{r[0]}\t{float(r[1]) / 1000:.1f}\t{r[2]}\t{r[3]}" for r in rows]
    (folder / "measures.tsv").write_text("\n".join([table[0], *ml]) + "\n")
    assert any("look like ml (cm3)" in line for line in found("note"))


def test_small_sites_are_told_before_the_norms(folder):
    edit(folder / "people.tsv", ("sub-01\tHC\t21\tF\tA", "sub-01\tHC\t21\tF\tZ"))
    assert any("pooled they have only 1" in line for line in found("problem"))


def test_a_folder_named_from_elsewhere(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder.parent)
    doctor(folder.name)
    said = capsys.readouterr().out
    assert "no such file or folder" not in said and str(Finding("ok", "people", "30 HC, 12 MS")) in said
    assert Path.cwd() == folder.parent


def test_overlays_and_folders(folder):
    (folder / "over.yaml").write_text("sustain: {folds: 40}\n")
    assert any("too few for 2 subtypes in 40 folds" in line for line in found("problem", "over.yaml"))
    assert found("problem", "config.yaml") == []
    assert found("problem", "absent.yaml") == ["configuration: absent.yaml: no such file or folder"]


def with_images(folder):
    """The study's people as label images of a thalamus, with tables of head sizes, cord areas and QC scores beside them."""
    import nibabel as nib

    flat = np.zeros(4000, np.int16)
    flat[:1200] = [10] * 600 + [49] * 600
    rows = {"etiv": "participant_id,etiv", "sct": "Filename,VertLevel,MEAN(area)", "qc": "subject,thalamus"}
    for i in range(42):
        nib.save(nib.Nifti1Image(flat.reshape(20, 20, 10), np.diag([2.3, 2.3, 2.3, 1])), folder / f"{i:02d}.nii")
        rows["etiv"] += f"\nsub-{i:02d},1500000"
        rows["sct"] += "".join(f"\n/data/sub-{i:02d}_T2w.nii.gz,{v},{70 + i % 5}" for v in (1, 2, 3))
        rows["qc"] += f"\nsub-{i:02d},0.9"
    for name, text in rows.items():
        (folder / f"{name}.csv").write_text(text + "\n")
    keys = "etiv: etiv.csv, sct: sct.csv, qc_scores: qc.csv"
    edit(
        folder / "config.yaml",
        (
            "source: table, table: measures.tsv, use: [thalamus, frontal]",
            f'source: images, labels: "{{participant_id}}.nii", {keys}, use: [thalamus, cord_csa]',
        ),
    )


def test_images_of_a_few_are_measured_on_trial(folder):
    with_images(folder)
    assert found("problem") == [] and "measures: 4 of 4 scans measured on trial" in found("ok")
    (folder / "00.nii").write_bytes(b"nothing")
    (folder / "41.nii").unlink()
    assert any(line.startswith("measures: sub-00: ") for line in found("problem"))
    assert any("1 of MS fall out (segmentation found): sub-41" in line for line in found("note"))


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """What is said of studies in which nothing is wrong: of tables, and of images."""
    said = {}
    for kind in ("tables", "images"):
        with pytest.MonkeyPatch.context() as patch:
            place = folder._fixture_function(tmp_path_factory.mktemp(kind), patch)
            if kind == "images":
                with_images(place)
            said[kind] = [str(f) for f in study(".")]
    return said


#: Name of the case: study, file and what is changed there, level and words of the finding.
EARLY = {
    "a level that one lacks": ("images", "sct.csv", [("/data/sub-07_T2w.nii.gz,3,72\n", "")], "note", "sct.csv: no cord area, for lack of levels: sub-07 (C3)"),
    "people without a cord": ("images", "sct.csv", [("sub-07", "sub-77")], "note", "features.sct: 41 of 42 people have a cord area; not: sub-07"),
    "levels that nobody has": ("images", "config.yaml", [("sct: sct.csv", "sct: sct.csv, cord_levels: [4, 5]")], "problem", "nobody has all of the levels [4, 5]"),
    "a cord measured twice": ("images", "sct.csv", [("sub-07_T2w.nii.gz,3", "sub-07_T2w.nii.gz,2")], "problem", "sct.csv: measured more than once: sub-07"),
    "a score that is none": ("images", "qc.csv", [("sub-05,0.9", "sub-05,good")], "problem", "thalamus of sub-05 ('good')"),
    "scores of others": ("images", "qc.csv", [("sub-", "who-")], "problem", "none of its 42 ids is a participant"),
    "people without a score": ("images", "qc.csv", [("sub-05,0.9\n", "")], "note", "features.qc_scores: 41 of 42 people have QC scores; not: sub-05"),
    "people without a head size": ("images", "etiv.csv", [("sub-05,1500000\n", "")], "note", "features.etiv: 41 of 42 people have a head size; not: sub-05"),
    "head sizes of two units": ("images", "etiv.csv", [("sub-05,1500000", "sub-05,1500")], "problem", "mixed units: sub-05 look like ml"),
    "head sizes in cm3": ("images", "etiv.csv", [(",1500000", ",1500")], "note", "look like ml (cm3)"),
    "no head size, which norms need": ("images", "config.yaml", [("etiv: etiv.csv, ", "")], "problem", "sub-00: 00.nii: these labels leave out the fluid around the brain"),
    "a biomarker that images do not have": ("images", "config.yaml", [("[thalamus, cord_csa]", "[thalamus, insula]")], "problem", "nobody has a value of insula"),
    "an override of what is not measured": ("images", "config.yaml", [("site: fixed", "site: fixed, overrides: {insula: {head_size: none}}")], "problem", "normative.overrides names unknown biomarkers: insula"),
    "controls for the norms' folds": ("images", "config.yaml", [("site: fixed", "site: fixed, folds: 16")], "problem", "30 controls are too few for 16 folds"),
    "sites without controls": ("images", "people.tsv", [("33\tF\tB\t2.0", "33\tF\tD\t2.0")], "problem", "1 person comes from sites without controls (D)"),
    "the same of tables": ("tables", "config.yaml", [("site: fixed", "site: fixed, folds: 16")], "problem", "30 controls are too few for 16 folds"),
    "an override there": ("tables", "config.yaml", [("site: fixed", "site: fixed, overrides: {insula: {head_size: none}}")], "problem", "normative.overrides names unknown biomarkers: insula"),
    "one without head size": ("tables", "measures.tsv", [("sub-07\t{}", "sub-07\tn/a")], "note", "1 person has no head size (etiv), so no z of frontal, thalamus: sub-07"),
    "groups after exclusion": ("tables", "config.yaml", [("folds: 2,", "folds: 6,"), ("subtypes: 2", "subtypes: 5"), ("use: [", "exclude_rules: [outlier of its site, implausible eTIV], outlier_limit: 2, use: [")], "problem", "too few for 5 subtypes in 6 folds"),
    "who is excluded": ("tables", "config.yaml", [("use: [", "exclude_rules: [outlier of its site], outlier_limit: 2.5, use: [")], "note", "fall out (quality rules): sub-"),
    "thresholds that nobody reaches": ("tables", "config.yaml", [("min_people: 3", "min_people: 3, thresholds: [9]")], "problem", "MS: no biomarker has 3 people at z >= 9"),
    "and that are kept all the same": ("tables", "config.yaml", [("min_people: 3", "choose_thresholds: false, z_max: 10, thresholds: [1, 9]")], "note", "MS: nobody reaches frontal (9), thalamus (9)"),
    "an outcome that nobody has": ("tables", "people.tsv", [(f"\t{i}.0\n", "\tn/a\n") for i in range(1, 6)], "note", "EDSS: nobody has a value of edss in MS"),
    "people who are dropped": ("tables", "measures.tsv", [("sub-07\t{}", "sub-07\tn/a"), ("sub-40\t{}", "sub-40\tn/a")], "note", "1 of HC falls out for measures that are missing: sub-07"),
    "outcomes of visits that are not given": ("tables", "config.yaml", [("type: ordinal}", "type: ordinal}, {name: CDW, column: cdw24_event, type: survival, time: cdw24_time}")], "note", "CDW: cdw24_event, cdw24_time are made from cohort.visits, which is not given"),
    "treatment of another name": ("tables", "config.yaml", [("type: ordinal}]", "type: ordinal}], treatment: {column: site, reference: none}")], "problem", "nobody has none in column site; it has A, B"),
    "treatments that are not there": ("tables", "config.yaml", [("type: ordinal}", "type: ordinal}, {name: CDW, column: cdw24_event, type: survival, time: cdw24_time}")], "note", "clinical.treatment.column: drug is not in participants.tsv"),
    "predictors that are not there": ("tables", "config.yaml", [("type: ordinal}", "type: ordinal}, {name: CDW, column: cdw24_event, type: survival, time: cdw24_time}")], "note", "clinical.prediction.clinical: disease_duration is not in"),
}  # fmt: skip


@pytest.mark.parametrize("case", EARLY)
def test_what_would_fail_late_is_told_early(folder, sound, case):
    """Every finding where it belongs, and none of it where nothing is wrong."""
    kind, file, changes, level, words = EARLY[case]
    if kind == "images":
        with_images(folder)
    sizes = dict(line.split("\t")[:2] for line in (folder / "measures.tsv").read_text().splitlines())
    edit(folder / file, *((old.format(sizes.get(old[:6])) if "\t{}" in old else old, new) for old, new in changes))
    if case == "people who are dropped":
        edit(folder / "config.yaml", ("site: fixed", "site: fixed, missing: drop"))
    assert any(words in line for line in found(level)), [*map(str, study("."))]
    assert not any(words in line for line in sound[kind])


def test_cords_alone_have_no_head_size(folder):
    import nibabel as nib

    mask = np.zeros((12, 12, 9), np.int16)
    mask[3:9, 3:9] = 1
    for i in range(42):
        nib.save(nib.Nifti1Image(mask, np.eye(4)), folder / f"{i:02d}_cord.nii")
        nib.save(
            nib.Nifti1Image(mask * np.repeat([1, 2, 3], 3).astype(np.int16), np.eye(4)), folder / f"{i:02d}_levels.nii"
        )
    masks = 'cord_mask: "{participant_id}_cord.nii", cord_levels_image: "{participant_id}_levels.nii"'
    edit(
        folder / "config.yaml",
        ("source: table, table: measures.tsv, use: [thalamus, frontal]", f"source: images, {masks}, use: [cord_csa]"),
    )
    assert [line.partition(",")[0] for line in found("problem")] == ["measures: nobody has a head size (etiv)"]
    edit(folder / "config.yaml", ("site: fixed", "site: fixed, head_size: none"))
    assert found("problem") == [] and "measures: 4 of 4 scans measured on trial" in found("ok")


def test_scores_without_such_a_level_end_the_choice_of_events(folder):
    """A biomarker of an ordinal family, from a column of the participants."""
    rows = (workflow_home() / "resources/biomarkers.tsv").read_text().splitlines()
    header = [*rows[0].split("\t"), "family", "thresholds"]
    own = ["gait", "Gait", "column", "edss", "points", "rise", "0", "10", "n/a"]
    assert header[:9] == [
        "biomarker",
        "label",
        "kind",
        "labels",
        "unit",
        "direction",
        "plausible_low",
        "plausible_high",
        "system",
    ]
    lines = ["\t".join(header), *(row + "\tn/a\tn/a" for row in rows[1:] if row.startswith(("thalamus", "frontal")))]
    table = folder / "own.tsv"
    for scores, wrong in (("0,1,2,3,4,5", False), ("0,1,2,3,4", True)):
        table.write_text("\n".join([*lines, "\t".join([*own, "ordinal", scores])]) + "\n")
        (folder / "config.yaml").write_text(
            CONFIG.replace("table: measures.tsv, use: [thalamus, frontal]", "table: measures.tsv, biomarkers: own.tsv")
        )
        said = [line for line in found("problem") if line.startswith("events: MS: ")]
        assert len(said) == wrong and all("gait" in line for line in said), said


@pytest.mark.parametrize(("scale", "wrong"), [(1.0, 0), (0.02, 2)])
def test_the_simulated_cohort_has_groups_and_outcomes_too(folder, scale, wrong):
    (folder / "config.yaml").write_text(f"cohort: {{scale: {scale}}}\n")
    assert sum("too few for 4 subtypes in 5 folds" in line for line in found("problem")) == wrong
    if not wrong:
        assert found("problem") == [] and "outcomes: 18 outcomes have their columns" in found("ok")


def test_studies_of_images_and_of_tables_are_sound(sound):
    for kind, lines in sound.items():
        assert [line for line in lines if line.startswith("problem")] == [], kind
        assert sum(line.startswith("note") for line in lines) == 1, (kind, lines)


def test_exit_status_and_lines(folder):
    """From the shell, in the study's folder and from elsewhere; one line per finding."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")}

    def call(*arguments, cwd=folder):
        return subprocess.run(
            [sys.executable, "-m", "neuraxis.doctor", *arguments],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
        )

    done = call(str(folder), cwd="/")
    assert done.returncode == 0 and done.stdout.splitlines()[-1].startswith("0 problems, "), done.stdout + done.stderr
    assert all(line.startswith(("ok ", "note ")) for line in done.stdout.splitlines()[:-1])
    assert "kernels" in done.stdout and "vectors of" in done.stdout and "equal to" in done.stdout
    edit(folder / "config.yaml", ("folds: 2", "folds: 1"))
    done = call()
    assert done.returncode == 1 and "problem configuration  sustain.folds" in done.stdout
    assert "1 problem, " in done.stdout


def test_a_compiler_that_is_off_is_a_problem(monkeypatch):
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    assert [f.level for f in room.kernels()] == ["problem"]


def test_kernels_that_compute_something_else_are_a_problem(monkeypatch):
    from neuraxis.sustain import ZScoreEvents

    stage_values = ZScoreEvents.stage_values
    monkeypatch.setattr(ZScoreEvents, "stage_values", lambda self, s: stage_values(self, s) + 0.001)
    assert any(f.level == "problem" and "differ from the readable formulas" in f.words for f in room.kernels())


def test_places_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "results").write_text("")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "absent"))
    words = [str(f) for f in machine(tmp_path)]
    assert any(f"{tmp_path / 'results'} is a file" in w for w in words)
    assert any("which is no folder" in w for w in words)
    assert any(w.startswith("problem disk") and "it is not there" in w for w in map(str, machine(tmp_path / "absent")))


def test_a_home_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not any("XDG_CACHE_HOME" in f.words for f in machine(tmp_path))
    monkeypatch.setenv("HOME", "/proc")  # where root makes no folder either
    monkeypatch.setattr(os, "access", lambda place, *_: str(place) != "/proc")
    assert [f.level for f in machine(tmp_path) if f"/proc/.cache cannot be written by {room.user()}" in f.words] == [
        "note"
    ]


#: What is closed, and what is then said.
CLOSED = {
    "measures.tsv": "problem configuration  features.table: measures.tsv: may not be read by ",
    "people.tsv": "problem configuration  cohort.participants: people.tsv: may not be read by ",
    "config.yaml": "config.yaml is not readable for ",
    "results": "problem rights         {}/results cannot be written or read by ",
    "results/normative": "problem rights         {}/results/normative cannot be written or read by ",
    "results/flow.tsv": "problem rights         {}/results/flow.tsv cannot be written or read by ",
    "logs": "problem rights         {}/logs cannot be written or read by ",
    ".": "problem disk           {} cannot be written or read: you may not write or read there ({} is not writable for ",
}


def test_what_may_not_be_read_or_written_is_told(folder, tmp_path_factory):
    """All of them by one process without root's powers."""
    places = {}
    for name in [*CLOSED, "nothing"]:
        place = places[name] = tmp_path_factory.mktemp("closed") / "study"
        shutil.copytree(folder, place)
        (place / "results/normative").mkdir(parents=True)
        (place / "results/flow.tsv").write_text("")
        (place / "logs").mkdir()
        if name in CLOSED:
            (place / name).chmod(0o000 if name.endswith((".tsv", ".yaml")) else 0o555)
    code = (
        "import os, sys; from pathlib import Path; from neuraxis.doctor import machine, study\n"
        "for place in sys.argv[1:]:\n os.chdir(place)\n"
        " for f in [*machine(Path.cwd()), *study('.')]: print(place, f.level, f, sep='|')"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
    command = [sys.executable, "-c", code, *map(str, places.values())]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, preexec_fn=powerless)
    assert done.returncode == 0, done.stderr
    for name, place in places.items():
        lines = [line.split("|", 2)[1:] for line in done.stdout.splitlines() if line.startswith(f"{place}|")]
        problems = [words for level, words in lines if level == "problem"]
        if name in CLOSED:
            assert len(problems) == 1 and CLOSED[name].replace("{}", str(place)) in problems[0], (name, problems)
        else:
            assert problems == []


def test_a_folder_that_may_not_be_entered(tmp_path):
    """The study itself, its configuration, and a folder below it: one problem, exit status 1, no traceback."""
    (tmp_path / "shut/study").mkdir(parents=True)
    (tmp_path / "shut/config.yaml").write_text(CONFIG)
    (tmp_path / "shut").chmod(0)
    code = "import sys; from neuraxis.doctor import doctor\nfor p in sys.argv[1:]: print(doctor(p))"
    places = [tmp_path / p for p in ("shut", "shut/study", "shut/config.yaml")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
    command = [sys.executable, "-c", code, *map(str, places)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, preexec_fn=powerless)
    (tmp_path / "shut").chmod(0o755)
    said = [line for line in done.stdout.splitlines() if line.startswith("problem")]
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert len(said) == 3 and done.stdout.splitlines().count("1") == 3
    for line, place in zip(said, places, strict=True):
        assert line.startswith(f"problem rights         {place} cannot be written or read: you may not"), line
        assert "change the rights of the folder (chmod, chown)" in line


@pytest.mark.parametrize(("version", "wrong"), [("3.9.1", True), (platform.python_version(), False)])
def test_another_python_is_a_problem(monkeypatch, version, wrong):
    monkeypatch.setattr(platform, "python_version", lambda: version)
    told = [f for f in room.installation() if f.level == "problem"]
    assert len(told) == wrong
    if wrong:
        needs = importlib.metadata.metadata("neuraxis")["Requires-Python"]
        assert f"Python 3.9.1 is not {needs}: python -m pip install" in told[0].words


def test_images_that_may_not_be_read_are_counted(tmp_path, monkeypatch):
    import nibabel as nib

    monkeypatch.chdir(tmp_path)
    for i in range(3):
        nib.save(nib.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4)), tmp_path / f"{i:02d}.nii")
    (tmp_path / "01.nii").chmod(0)
    features = {"labels": "{participant_id}.nii", "cord_mask": "", "cord_levels_image": "", "use": "all"}
    features["biomarkers"] = str(workflow_home() / "resources/biomarkers.tsv")
    code = f"from neuraxis.doctor import images\nfor f in images({features!r}): print(f.level, f.words)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, preexec_fn=powerless
    )
    assert done.stdout.startswith("problem features.labels: 1 of 3 files may not be read by "), done.stderr
    assert "(01.nii)" in done.stdout
    (tmp_path / "01.nii").chmod(0o644)
    assert [(f.level, f.words) for f in room.images(features)] == [("ok", "features.labels: 3 files can be read")]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("size=4m", ["4 MB free; a study takes up to 2000 MB"]),
        ("size=3g,nr_inodes=50", ["its disk takes 49 more files"]),
    ],
)
def test_little_room(tmp_path, options, words):
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(tmp_path)], capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        said = [f.words for f in machine(tmp_path) if f.level == "problem"]
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)
    assert len(said) == len(words) and all(w in s for w, s in zip(words, said, strict=True)), said


def test_kernels_that_do_not_stay_are_told(tmp_path, monkeypatch):
    from neuraxis.sustain import kernels

    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert room.cache() == Finding("ok", "kernels", f"compiled kernels are kept in {kernels.cache_folder()}")
    monkeypatch.setattr(kernels, "HERE", Path("/proc"))  # where nobody can write
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc")
    told = room.cache()
    assert told.level == "note" and f"are kept in {tmp_path}" in told.words and "NUMBA_CACHE_DIR" in told.words


def test_a_problem_of_two_jobs_is_told_once(folder, capsys, monkeypatch):
    monkeypatch.setattr(room, "kernels", lambda: iter(()))
    edit(folder / "measures.tsv", ("sub-", "someone-"))
    assert doctor(".") == 1
    said = capsys.readouterr().out
    assert said.count("none of its 42 ids is a participant") == 1 and "1 problem, " in said


def test_findings_are_one_line_each():
    assert str(Finding("note", "ids", "a\nb  c")) == "note    ids            a b c"
    assert doctor("/nowhere/at/all", out := io.StringIO()) == 1
    assert "/nowhere/at/all: no such file or folder" in out.getvalue()
    assert sum(1 for _ in examine("/nowhere/at/all")) == out.getvalue().count("\n") - 1
