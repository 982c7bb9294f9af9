"""A small study end to end, what comes out of it, and a killed run resumed."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import yaml
from small_study import ENVIRONMENT, ROOT, SMALL, checkout, digests, overlay, snakemake

from neuraxis.figures.declared import OF_CONTROLS, OF_DISEASE, OF_DISEASES
from neuraxis.schema import TABLES, read, table_of


def test_the_chain_ends_in_a_report(study):
    folder, _ = study
    page = (folder / "results/report/index.html").read_text()
    assert "SIMULATED DATA" in page and "did not converge" in page
    assert "n_samples_folds: 0" in page and "sub-SIM" not in page  # the configuration is shown, nobody's id
    people = pd.read_csv(folder / "results/sustain/MS/subtypes.tsv", sep="\t")
    assert people.columns[0] == "participant_id" and (people["origin"] == "SIMULATED").all()
    assert people.filter(regex="^p_subtype").sum(axis=1).round(3).eq(1).all()
    selection = pd.read_csv(folder / "results/sustain/MS/selection.tsv", sep="\t")
    assert selection["chosen"].sum() == 1 and set(selection["n_subtypes"]) == {-1, 0, 1, 2}


def test_provenance_names_what_went_in(study):
    folder, _ = study
    known = json.loads((folder / "results/provenance.json").read_text())
    assert known["seed"] == 1 and known["config"]["cohort"]["scale"] == 0.08 and known["versions"]["numpy"]
    given = {"resources/biomarkers.tsv", "requirements.lock", "results/features/inputs.tsv"}
    assert given <= set(known["sha256"])
    for path, digest in known["sha256"].items():
        assert hashlib.sha256((folder / path).read_bytes()).hexdigest() == digest
    files = pd.read_csv(folder / "results/features/inputs.tsv", sep="\t")
    assert files.groupby(["participant_id", "session_id"]).size().eq(3).all()  # labels, cord, levels
    one = files.iloc[5]
    assert hashlib.sha256((folder / one["file"]).read_bytes()).hexdigest() == one["sha256"]


def test_snakemakes_own_report_holds_the_figures(study):
    folder, arguments = study
    snakemake(folder, *arguments, "--report", "report.zip")
    with zipfile.ZipFile(folder / "report.zip") as file:
        names = file.namelist()
    assert any(n.endswith("report.html") for n in names)
    assert len([n for n in names if n.endswith(".png")]) == 2 * len(OF_DISEASE) + len(OF_CONTROLS) + len(OF_DISEASES)


def test_measures_from_images_are_the_simulated_ones(study):
    folder, _ = study
    measured = pd.read_csv(folder / "results/features/measures.tsv", sep="\t").set_index("participant_id")
    planned = pd.read_csv(folder / "results/cohort/simulated/SIMULATED_measures.tsv", sep="\t")
    planned = planned[planned["session_id"] == "baseline"].set_index("participant_id").loc[measured.index]
    for name in ("thalamus", "frontal", "brainstem", "cerebellum_gm"):
        assert (measured[name] - planned[name]).abs().max() <= 4.0 + 1e-5 * planned[name].max()
    assert (measured["cord_csa"] / planned["cord_csa"] - 1).abs().max() < 0.02


def test_every_result_is_in_the_dictionary(study):
    folder, _ = study
    text = (folder / "results/README.md").read_text()
    files = [f for f in (folder / "results").rglob("*") if f.suffix in (".tsv", ".json", ".npz", ".txt", ".html")]
    unknown = sorted(
        {f.name for f in files if f.name not in text and "simulated" not in f.parts and "batches" not in f.parts}
    )
    assert not unknown


def test_tables_are_as_declared_and_those_of_people_say_that_they_are_simulated(study):
    """docs/results.md promises the mark in every one."""
    folder, _ = study
    seen = set()
    for path in sorted((folder / "results").rglob("*.tsv")):
        if (table := table_of(path)) is None:
            continue
        frame = read(table, path)
        seen.add(table.path)
        assert not table.marked or ("origin" in frame and frame["origin"].eq("SIMULATED").all()), path
        assert table.marked or "participant_id" not in frame, path
    assert {t.path for t in TABLES.values() if t.always} <= seen


def test_tables_are_consistent(study):
    """What a sceptical reader would check first."""
    folder, _ = study
    at = folder / "results"

    def read(path):
        return pd.read_csv(at / path, sep="\t")

    for disease in ("MS", "NMOSD"):
        effects = read(f"clinical/{disease}/associations.tsv")
        known = effects.dropna(subset="p")
        assert len(known) and (known["q"] >= known["p"] - 1e-9).all()
        assert (known["low"] <= known["estimate"] + 1e-6).all() and (known["estimate"] <= known["high"] + 1e-6).all()
        assert effects.loc[effects["p"].isna(), "reason"].notna().all()
        people = read(f"sustain/{disease}/subtypes.tsv")
        draws = read(f"sustain/{disease}/label_draws.tsv")
        assert (
            set(draws["participant_id"]) == set(people["participant_id"])
            and ((draws["stage"] == 0) == (draws["subtype"] == 0)).all()
        )
        zero = (draws["stage"] == 0).groupby(draws["participant_id"]).mean()
        expected = people.set_index("participant_id")["oof_p_stage0"]
        assert (zero - expected).abs().mean() < 0.1
        selection = read(f"sustain/{disease}/selection.tsv").set_index("n_subtypes")["heldout_loglik"]
        folds = read(f"sustain/{disease}/heldout_folds.tsv")
        assert folds["n_people"].sum() == len(people)
        for column, k in {"gaussian": -1, "k0": 0, "k1": 1, "k2": 2}.items():
            assert abs(folds[column].sum() - selection[k]) < 0.01 * len(folds)
        variants = read(f"sustain/{disease}/variants.tsv")
        assert set(variants["variant"]) == {"smooth-controls", "uniform-independent"}
        assert (variants.groupby("variant")["chosen"].sum() == 1).all()
        recovery = read(f"sustain/{disease}/recovery.tsv").set_index("quantity")
        assert recovery.loc["stage Spearman correlation", "best_possible"] > 0.4
        later = read(f"sustain/{disease}/followup.tsv")
        assert set(later["participant_id"]) <= set(people["participant_id"]) and (later["years"] > 0).all()
        words = (at / f"clinical/{disease}/results.txt").read_text()
        assert words.startswith("SIMULATED DATA") and f"{disease}, disability:" in words
    pairs = read("sustain/crossdisease/similarity.tsv")
    assert pairs["tau"].between(-1, 1).all() and set(pairs["disease_a"]) | set(pairs["disease_b"]) == {"MS", "NMOSD"}


def test_stats_files_give_the_same_measures_as_images(study, tmp_path):
    whole, _ = study
    folder = checkout(tmp_path / "stats")
    arguments = overlay(folder, "cohort: {scale: 0.08, written_as: stats}")
    snakemake(folder, *arguments, "--until", "features_combine")
    a, b = (
        pd.read_csv(f / "results/features/measures.tsv", sep="\t").set_index("participant_id") for f in (whole, folder)
    )
    assert set(a.index) == set(b.index)
    assert ((a["thalamus"] - b["thalamus"]).abs() <= 4.1).all() and (a["etiv"] / b["etiv"] - 1).abs().max() < 1e-4
    later = pd.read_csv(folder / "results/features/followup.tsv", sep="\t")
    assert len(later) > 5 and later["cord_csa"].notna().all()


def test_nothing_reruns_that_is_up_to_date(study):
    folder, arguments = study
    assert "Nothing to be done" in snakemake(folder, *arguments, "-n").stdout


def planned(folder, *arguments):
    """Number of jobs by rule that a dry run would run."""
    out = snakemake(folder, *arguments, "-n", "-q", "rules").stdout
    return {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", out, re.M) if rule not in ("all", "total")}


#: What every change of the configuration reruns, because the report holds the configuration.
ALWAYS = {"report_provenance": 1, "report_page": 1, "checks_page": 1}
CHOICE = dict.fromkeys(("sustain_chains", "sustain_subtypes", "sustain_recovery", "figures_disease"), 2)
CHOICE |= {"clinical_associations": 2, "clinical_recovery": 2}
CHOICE |= {"sustain_joint": 1, "sustain_crossdisease": 1, "figures_crossdisease": 1, "sustain_select": 2}
FITS = CHOICE | {"sustain_fit": 6, "sustain_fit_variant": 4, "sustain_select_variant": 2, "sustain_variants": 2}
FITS |= {"sustain_negative_control": 2}
NORMS = FITS | {"normative_zscores": 1, "figures_normative": 1, "sustain_events": 2, "sustain_folds": 2}


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ("report: {title: Another}", {}),
        ("clinical: {n_draws: 6}", {"clinical_associations": 2, "figures_disease": 2}),
        (
            "clinical: {outcomes: [{name: E, column: edss, type: ordinal}]}",
            {"clinical_columns": 1, "clinical_associations": 2, "clinical_recovery": 2, "figures_disease": 2},
        ),
        ("sustain: {n_subtypes: 1}", CHOICE | {"sustain_variants": 2}),
        # one more subtype: everyone and two folds of two diseases, and of their variant; finished fits are taken up
        (
            "sustain: {max_subtypes: 3}",
            FITS | {"sustain_fit": 6, "sustain_fit_variant": 4, "sustain_sizes": 2},
        ),
        # other folds: the models of everyone stay
        (
            "sustain: {folds: 3}",
            FITS | {"sustain_fit": 6, "sustain_fit_variant": 6, "sustain_sizes": 2, "sustain_folds": 2},
        ),
        ("sustain: {n_chains: 3}", FITS),
        ("sustain: {min_people: 9}", FITS | {"sustain_events": 2}),
        ("sustain: {variants: []}", {"figures_disease": 2}),
        ("normative: {age: quadratic}", NORMS),
        ("features: {outlier_limit: 6}", NORMS | {"features_combine": 1}),
    ],
)
def test_a_setting_reruns_what_depends_on_it_and_nothing_else(study, change, rules):
    folder, arguments = study
    (folder / "change.yaml").write_text(change)
    checked = {} if "title" in change else {"checks": 1}  # whatever changes a table, or which tables there are
    assert planned(folder, *arguments, "change.yaml") == rules | checked | ALWAYS


@pytest.mark.parametrize(
    ("source", "rules"),
    [
        ("report/page.py", {"report_page": 1}),
        ("evaluation/compare.py", {"sustain_recovery": 2, "sustain_crossdisease": 1}),
        ("sustain/kernels/chain.py", FITS),
        ("features/images.py", NORMS | {"features_extract": 2, "features_retry": 1, "features_combine": 1}),
    ],
)
def test_an_edited_source_reruns_the_rules_that_use_it(study, source, rules):
    folder, arguments = study
    found = edited(folder, arguments, source, lambda text: text + "\nEDITED = 1\n")
    assert rules.keys() <= found.keys() and all(found[r] == n for r, n in rules.items())
    if source == "evaluation/compare.py":
        assert "sustain_fit" not in found and "cohort_simulate" not in found


def edited(folder, arguments, source, edit):
    """What a dry run would run while a module of the study's package is edited."""
    path = folder / "src/neuraxis" / source
    text = path.read_text()
    try:
        path.write_text(edit(text))
        return planned(folder, *arguments)
    finally:
        path.write_text(text)


def test_a_comment_or_a_docstring_reruns_nothing(study):
    """In a module that nearly all rules come to."""
    folder, arguments = study
    done = edited(
        folder, arguments, "tables.py", lambda text: '"""In other words."""\n\n# edited\n' + text.split('"""', 2)[2]
    )
    assert done == {}
    assert "sustain_fit" in edited(folder, arguments, "tables.py", lambda text: text + "\nEDITED = 1\n")


def test_a_killed_run_resumes_to_the_same_results(study, tmp_path):
    """`make run`, everything of it killed, `make run`; one disease's models and what is told of them: the half of the jobs
    that a kill can meet at work."""
    whole, _ = study
    folder = checkout(tmp_path / "killed")
    targets = ["results/sustain/MS/subtypes.tsv", "results/clinical/MS/associations.tsv"]
    profile = folder / "profiles/default/config.yaml"  # make run has no options
    files = {"configfile": overlay(folder, SMALL)[1:], "until": targets[1:]}
    profile.write_text(yaml.safe_dump({**yaml.safe_load(profile.read_text()), **files}))
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    (folder / ".venv").mkdir()
    (folder / ".venv/bin").symlink_to(Path(sys.executable).parent)
    (folder / ".venv/.installed").touch()
    command = ["make", "run", "CORES=2"]
    running = subprocess.Popen(
        command,
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.time() + 1800
    while not list((folder / "results").rglob("k1/*/model.npz")) and time.time() < deadline:
        time.sleep(0.2)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert list((folder / "results").rglob("k1/*/model.npz")) and not (folder / targets[0]).exists()
    assert list((folder / ".snakemake/locks").iterdir())
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert "was killed and left its lock" in done.stderr
    assert "cohort_simulate" not in done.stderr.split("Job stats")[1].split("total")[0]
    made, wanted = digests(folder), digests(whole)
    models = {f"results/sustain/MS/k{k}/{part}/model.npz" for k in (1, 2) for part in ("full", "fold0", "fold1")}
    assert models | set(targets) <= set(made)
    assert made == {path: wanted.get(path) for path in made}


def test_a_broken_image_fails_alone_and_is_retried_alone(tmp_path):
    folder = checkout(tmp_path / "broken")
    arguments = [*overlay(folder, "cohort: {scale: 0.04}"), "--until", "features_combine"]
    snakemake(folder, *arguments)
    whole = (folder / "results/features/measures.tsv").read_bytes()
    image = next((folder / "results/cohort/simulated").rglob("sub-SIM00003_desc-SIMULATED_dseg.nii.gz"))
    good = image.read_bytes()
    image.write_bytes(good[:200])
    snakemake(folder, *arguments, "--forcerun", "features_extract")
    failures = pd.read_csv(folder / "results/features/failures.tsv", sep="\t")
    assert failures["participant_id"].tolist() == ["sub-SIM00003"] and "cannot be read" in failures["problem"][0]
    image.write_bytes(good)
    log = snakemake(folder, *arguments, "--forcerun", "features_retry").stderr
    assert "features_retry" in log and "rule features_extract" not in log
    assert len(pd.read_csv(folder / "results/features/failures.tsv", sep="\t")) == 0
    mended = (folder / "results/features/measures.tsv").read_text().splitlines()
    assert sorted(mended) == sorted(whole.decode().splitlines())


def test_own_images_by_path_templates(study, tmp_path):
    """Own label volumes, cords and follow-up scans, with orphans of both kinds, head sizes in a table."""
    whole, _ = study
    folder = checkout(tmp_path / "own_images")
    source = whole / "results/cohort/simulated"
    people = pd.read_csv(source / "SIMULATED_participants.tsv", sep="\t")
    people = people[people["group"].isin(["HC", "MS"])].drop(columns="origin")
    sessions = pd.read_csv(source / "SIMULATED_sessions.tsv", sep="\t")
    (folder / "images").mkdir()
    names = {
        "dseg": "desc-SIMULATED_dseg",
        "cord": "desc-SIMULATED_label-cord_mask",
        "levels": "desc-SIMULATED_label-levels_dseg",
    }
    for image in source.rglob("*.nii.gz"):
        stem, kind = image.name.removesuffix(".nii.gz").split("_desc")
        person, _, session = stem.partition("_")
        short = next(k for k, v in names.items() if v == f"desc{kind}")
        (folder / "images" / f"{person}_{session or 'ses-01'}_{short}.nii.gz").symlink_to(image)
    lost = people["participant_id"].iloc[0]
    for image in (folder / "images").glob(f"{lost}_*"):
        image.unlink()
    people.to_csv(folder / "participants.tsv", sep="\t", index=False, na_rep="n/a")
    sessions.drop(columns="origin").to_csv(folder / "sessions.tsv", sep="\t", index=False)
    (folder / "etiv.tsv").write_bytes((source / "SIMULATED_etiv.tsv").read_bytes())
    template = "images/{participant_id}_{session_id}_"
    arguments = overlay(
        folder,
        "cohort: {source: files, participants: participants.tsv, sessions: sessions.tsv, diseases: [MS]}\n"
        f"features: {{labels: '{template}dseg.nii.gz', cord_mask: '{template}cord.nii.gz', "
        f"cord_levels_image: '{template}levels.nii.gz', etiv: etiv.tsv, exclude_rules: []}}\n",
    )
    snakemake(folder, *arguments, "--until", "features_combine")
    flow = pd.read_csv(folder / "results/cohort/flow.tsv", sep="\t").set_index(["step", "group"])
    assert flow.loc[("segmentation found", "HC"), "who"] == lost
    assert flow.loc[("segmentation without participant",), "excluded"].iloc[0] > 5  # the NMOSD people
    got = pd.read_csv(folder / "results/features/measures.tsv", sep="\t").set_index("participant_id")
    same = pd.read_csv(whole / "results/features/measures.tsv", sep="\t").set_index("participant_id")
    shared = got.index.intersection(same.index)
    assert len(got) == len(people) - 1 and len(shared) > 100
    columns = ["etiv", "thalamus", "cord_csa"]
    pd.testing.assert_frame_equal(got.loc[shared, columns], same.loc[shared, columns])
    later = pd.read_csv(folder / "results/features/followup.tsv", sep="\t")
    assert len(later) > 3 and set(later["participant_id"]) <= set(people["participant_id"])
