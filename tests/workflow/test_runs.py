"""Other runs: refusals, presets, own tables, real tables."""

import re
import runpy
import subprocess
import sys
import tomllib
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml
from small_study import ENVIRONMENT, ROOT, checkout, overlay, snakemake


@pytest.mark.parametrize("name", ["openneuro", "piop2"])
def test_examples_on_real_tables(samples, tmp_path, name):
    """Real healthy and patient tables to a report that says what they do not support."""
    folder = checkout(tmp_path / "real")
    source = next(samples.rglob({"openneuro": "openneuro_fs*.csv.gz", "piop2": "DERIVED_piop2*.csv"}[name]))
    prepare = [sys.executable, "config/examples/prepare.py", name, str(source), f"data/{name}"]
    subprocess.run(prepare, cwd=folder, env=ENVIRONMENT, check=True)
    (folder / "quick.yaml").write_text(
        "sustain: {max_subtypes: 2, folds: 2, n_startpoints: 1, n_samples: 200, n_doublings: 0, n_samples_folds: 0,"
        " n_chains: 2, variants: [], negative_control_variants: [], leave_site_out: false}\n"
        "clinical: {n_draws: 5}\n"
        # the smaller of two groups, of one site; the other is named and left out: both take twice as long
        + "cohort: {diseases: [autism], groups: {autism: [autism]}}\n"
        * (name == "openneuro")
    )
    snakemake(folder, "--configfile", f"config/examples/{name}.yaml", "quick.yaml")
    page = (folder / "results/report/index.html").read_text()
    assert "SIMULATED" not in page
    if name == "piop2":
        assert "norms and their diagnostics only" in page and not (folder / "results/sustain").exists()
    else:
        assert "comes from one site (ds002522)" in page and "Cord area C1-C3" in page
        thalamus = pd.read_csv(folder / "results/features/measures.tsv", sep="\t")["thalamus"]
        assert thalamus.notna().all()  # two FreeSurfer versions name it differently


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


def test_the_published_study_can_be_planned(tmp_path):
    folder = checkout(tmp_path / "preset")
    assert "sustain_fit" in snakemake(folder, "--configfile", "config/study.yaml", "-n", "-q", "rules").stdout


def test_own_people_from_a_table(tmp_path):
    """Own data: a participants table and a table of measures, no images, one disease, one site, one scan a person; beside
    volumes a thickness, a marker that is normal or abnormal and a score, both of the participants' table."""
    from neuraxis.cohort.simulated import simulate_cohort

    folder = checkout(tmp_path / "own")
    cohort = simulate_cohort(ROOT / "resources", scale=0.1, seed=3)
    people = cohort.participants
    measures = cohort.measures.query("session_id == 'baseline'").drop(columns=["session_id", "etiv_measured"])
    keep = people["group"].isin(["HC", "MS"])
    rng, sick = np.random.default_rng(1), people["group"] == "MS"
    people["marker"] = np.exp(
        rng.normal(2, 0.3, len(people)) + np.where(sick & (rng.random(len(people)) < 0.6), 1.5, 0)
    )
    people["site"] = "A"
    people["gait"] = np.where(sick, rng.integers(0, 4, len(people)), 0)
    people[keep].drop(columns="origin").to_csv(folder / "participants.tsv", sep="\t", index=False, na_rep="n/a")
    measures["thickness"] = 1 + measures["frontal"] / measures["frontal"].mean()
    measures[keep.to_numpy()].to_csv(folder / "measures.tsv", sep="\t", index=False)
    defined = (folder / "resources/biomarkers.tsv").read_text()
    head, *rows = defined.rstrip("\n").split("\n")
    rows = [f"{head}\tfamily\tthresholds", *(f"{row}\tn/a\tn/a" for row in rows)]
    rows += ["thickness\tMean thickness\ttable\tn/a\tmm\tfall\tn/a\tn/a\tcortical\tn/a\t1"]
    rows += ["nfl\tNfL\tcolumn\tmarker\tpg/ml\trise\t0.1\t1000\tn/a\tmixture\tn/a"]
    rows += ["gait\tGait score\tcolumn\tn/a\tscore\trise\tn/a\tn/a\tn/a\tordinal\t0,1,2,3"]
    (folder / "biomarkers.tsv").write_text("\n".join(rows) + "\n")
    arguments = overlay(
        folder,
        "cohort: {source: files, participants: participants.tsv, diseases: [MS]}\n"
        "features: {source: table, table: measures.tsv, biomarkers: biomarkers.tsv, use: all}\n"
        "sustain: {min_people: 5, max_subtypes: 1, n_samples: 200, n_doublings: 0, n_startpoints: 1}\n"
        "clinical: {outcomes: [{name: EDSS, column: edss, type: ordinal, covariates: [age]}, "
        "{name: SDMT, column: sdmt, type: robust, reference: controls, covariates: [age, sex]}]}\n",
    )
    snakemake(folder, *arguments)
    page = (folder / "results/report/index.html").read_text()
    assert "SIMULATED" not in page and '<h2 id="d-MS-h">MS</h2>' in page
    z = pd.read_csv(folder / "results/normative/zscores.tsv", sep="\t")
    assert np.allclose(z["thickness"], z["frontal"], atol=1e-3, equal_nan=True)  # a linear function of it
    assert "gait" not in z and z["nfl"].notna().all()
    values = pd.read_csv(folder / "results/normative/values.tsv", sep="\t")
    assert values.merge(people, on="participant_id").eval("gait_x == gait_y").all()
    events = (
        pd.read_csv(folder / "results/sustain/MS/event_order.tsv", sep="\t").groupby("biomarker")["threshold"].agg(set)
    )
    assert events["thickness"] == {1} and events["nfl"] == {1} and events["gait"] == {1, 2, 3}
    assert "NfL as normal or abnormal" in page and "Gait score by observed level" in page and "Fonteijn" in page
    assert "from 1 site" in page and "Everyone comes from one site" in page and "so there is no site term" in page
    assert "Nobody has a later scan" in page and 'id="d-MS-followup"' not in page
    assert "offset per site" not in page and "Differences between sites" not in page
    assert "stage with site (everyone is alike)" in page and "without each site" not in page


def test_what_init_proposes_reaches_its_report(tmp_path):
    """Tables as they lie about (FreeSurfer's, the Spinal Cord Toolbox's, a table of people with words of its own) to a
    report about them; shortened, else as proposed."""
    from neuraxis.cohort.simulated import simulate_cohort
    from neuraxis.newstudy import make_study

    data, study = tmp_path / "the data", tmp_path / "my study"
    data.mkdir()
    cohort = simulate_cohort(ROOT / "resources", scale=0.15, seed=5)
    measures = cohort.measures.query("session_id == 'baseline'").set_index("participant_id")
    people = cohort.participants.set_index("participant_id")
    people = people[people["group"].isin(["HC", "MS"])].sample(frac=1, random_state=1)
    measures = measures.loc[people.index]
    people["diagnosis"] = np.where(
        people["group"] == "HC", "healthy control", np.where(people["age"] > 45, "SPMS", "RRMS")
    )
    known = people[["diagnosis", "age", "sex", "site", "edss", "sdmt"]].rename(
        columns={"sex": "gender", "site": "scanner"}
    )
    known.to_csv(data / "participants.tsv", sep="\t", na_rep="n/a")
    names = pd.read_csv(ROOT / "resources/labels.tsv", sep="\t").set_index("label")["name"]
    structures = {}
    for row in pd.read_csv(ROOT / "resources/biomarkers.tsv", sep="\t").query("kind == 'labels'").itertuples():
        labels = [int(n) for n in row.labels.split(",") if int(n) in names.index]
        structures |= {names[n]: measures[row.biomarker] / len(labels) for n in labels}
    volumes = pd.DataFrame(structures).rename_axis("Measure:volume").rename(index=lambda i: f"{i}/")
    cortex = [c for c in volumes if c.startswith("ctx-")]
    volumes[[c for c in volumes if c not in cortex]].assign(
        EstimatedTotalIntraCranialVol=measures["etiv"].to_numpy()
    ).to_csv(data / "aseg.tsv", sep="\t")
    for side in ("lh", "rh"):
        part = volumes[[c for c in cortex if f"-{side}-" in c]].rename(
            columns=lambda c: f"{c[4:].replace('-', '_')}_volume"
        )
        part.rename_axis(f"{side}.aparc.volume").rename(index=lambda i: i.strip("/")).to_csv(
            data / f"{side}.tsv", sep="\t"
        )
    areas = [
        f"/d/{i}/anat/{i}_T2w_seg.nii.gz,{level},{area + d}"
        for i, area in measures["cord_csa"].dropna().items()
        for level, d in ((1, -1), (2, 0), (3, 1))
    ]
    (data / "csa.csv").write_text("\n".join(["Filename,VertLevel,MEAN(area)", *areas]) + "\n")

    said = " ".join(make_study(study, data))
    assert "diagnosis as group" in said and "outcomes: EDSS (ordinal), SDMT (robust)" in said
    assert "too few for subtypes, and left out: SPMS" in said
    (study / "short.yaml").write_text(
        "normative: {folds: 5}\n"
        "sustain: {max_subtypes: 1, folds: 2, n_samples: 200, n_doublings: 0, n_startpoints: 1, n_chains: 2, variants: [],"
        " negative_control_variants: [], leave_site_out: false}\nclinical: {n_draws: 5}\n"
    )
    arguments = ["-s", str(checkout(tmp_path / "clone") / "Snakefile"), "--directory", str(study)]
    snakemake(tmp_path, *arguments, "--configfile", str(study / "config.yaml"), str(study / "short.yaml"))
    page = (study / "results/report/index.html").read_text()
    assert "<title>my study" in page and "SIMULATED" not in page and "EDSS" in page
    z = pd.read_csv(study / "results/normative/zscores.tsv", sep="\t").set_index("participant_id")
    found = pd.read_csv(study / "results/features/measures.tsv", sep="\t").set_index("participant_id")
    assert len(z) > 0.9 * people["diagnosis"].ne("SPMS").sum() and set(z["group"]) == {"healthy control", "RRMS"}
    for name in ("thalamus", "frontal", "cord_csa"):  # people in another order than in the tables
        assert np.allclose(found[name], measures.loc[found.index, name], rtol=1e-4, equal_nan=True)


@pytest.mark.parametrize("name", ["slurm", "generic"])
def test_groups_of_the_clusters_name_rules(name):
    """A rule that is renamed would be submitted alone without a word; both profiles group alike."""
    text = "".join(f.read_text() for f in (ROOT / "rules").glob("*.smk"))
    rules = set(re.findall(r"^ *rule (\w+):|^ *use rule \w+ as (\w+) with:", text, re.M))
    rules = {a or b for a, b in rules}
    profile = yaml.safe_load((ROOT / f"profiles/{name}/config.yaml").read_text())
    assert len(rules) > 25 and profile["groups"].keys() <= rules
    assert set(profile["group-components"]) <= set(profile["groups"].values())
    assert profile["groups"] == yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())["groups"]
    assert "sustain_chains" not in profile["groups"] and profile["retries"] == 2  # hours stand alone


def test_a_job_that_is_tried_again_asks_for_twice_the_memory(tmp_path):
    """All rules; the cluster's profile tries again twice, and submits neighbours together."""
    folder = checkout(tmp_path / "memory")
    asked = [
        [int(n) for n in re.findall(r"resources: .*\bmem_mb=(\d+)", done.stdout + done.stderr)]
        for done in (
            snakemake(folder, "-n", "--attempt", "1"),
            snakemake(folder, "-n", "--attempt", "3", "--workflow-profile", "profiles/slurm"),
        )
    ]
    # in any order: jobs that could begin at once are told in none
    # the rule `all`, which is no job, has the default of the profile
    assert len(asked[0]) > 50 and sorted(asked[1]) == sorted([1500, *(4 * mb for mb in asked[0])])


@pytest.mark.parametrize(
    ("cores", "chains", "submitted", "local"), [(2, 4, 2, 1), (4, 4, 4, 2), (16, 4, 4, 4), (4, 1, 1, 1), (1, 2, 1, 1)]
)
def test_a_submission_asks_for_the_cores_that_its_job_takes(cores, chains, submitted, local):
    """The rules are read anew in the job: a cluster refuses a job step that wants more cores than were asked for."""
    text = (ROOT / "rules/common.smk").read_text()
    code = re.search(r"def chain_threads.*?\n\n\n", text, re.S)[0]

    def threads(given, **how):
        settings = {"resource_settings": SimpleNamespace(cores=given), "remote_exec": False, "non_local_exec": False}
        names = {"config": {"sustain": {"n_chains": chains}}, "workflow": SimpleNamespace(**settings | how)}
        exec(code, names)
        return names["chain_threads"](None)

    assert threads(cores, non_local_exec=True) == submitted and threads(cores) == local
    # without --cores a submission is limited by nothing, and its job is told the cores of the node
    assert threads(None, non_local_exec=True) == chains
    for steps in (True, False):  # the job takes a step of the cluster (SLURM), or just runs (the generic plugin)
        in_job = {"remote_exec": True, "non_local_exec": steps}
        assert threads(cores, **in_job) == submitted and threads(64, **in_job) == chains


def test_environment_files_pin_the_lock_files_versions():
    """Every dependency of the package and of its jobs, at the lock file's version; no path, which conda would not find."""
    lock = (ROOT / "requirements.lock").read_text()
    pins = dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^ \\;]+)", lock, re.M))
    environment = yaml.safe_load((ROOT / "envs/neuraxis.yaml").read_text())
    named = dict(p.split("==") for part in environment["dependencies"] if isinstance(part, dict) for p in part["pip"])
    assert all(pins[name] == version for name, version in named.items())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {re.split("[<>=]", d)[0].lower() for d in project["dependencies"]} <= set(named)
    assert '--editable "$home"' in (ROOT / "envs/neuraxis.post-deploy.sh").read_text()
    assert not re.search(r"https?://|--index-url|--extra-index", lock)


def test_the_documented_graphs_are_current(tmp_path):
    folder = checkout(tmp_path / "graph")
    drawn = runpy.run_path(str(ROOT / "docs/draw.py"))["graphs"](folder)
    text = (ROOT / "docs/workflow.md").read_text()
    assert re.findall(r"```mermaid\n.*?\n```", text, re.DOTALL) == drawn  # else: make docs
    assert drawn[0].count("-->") > 25 and drawn[1].count("sustain_fit") == 3


@pytest.mark.parametrize(
    ("extra", "target", "words"),
    [
        ("", "sustain_sizes", "MS: 5 people are too few for 2 subtypes in 4 folds"),
        (
            "clinical: {outcomes: [{name: Iron, column: iron, type: continuous}]}\n",
            "clinical_columns",
            "outcome Iron: column iron is not in",
        ),
        ("features: {use: [thalamus, claustrum]}\n", "features_combine", "features.use: claustrum is no biomarker"),
        ("cohort: {control: controls}\n", "cohort_participants", "nobody is in the control group controls"),
    ],
)
def test_what_the_data_cannot_carry_is_refused_in_words(tmp_path, extra, target, words):
    from neuraxis.cohort.simulated import simulate_cohort

    folder = checkout(tmp_path / "few")
    cohort = simulate_cohort(ROOT / "resources", scale=0.1, seed=3)
    measures = cohort.measures.query("session_id == 'baseline'").drop(columns=["session_id", "etiv_measured"])
    people = cohort.participants
    people = pd.concat([people[people["group"] == "HC"], people[people["group"] == "MS"].head(5)])
    people.to_csv(folder / "participants.tsv", sep="\t", index=False, na_rep="n/a")
    measures.to_csv(folder / "measures.tsv", sep="\t", index=False)
    (folder / "more.yaml").write_text(extra or "{}")
    arguments = overlay(
        folder,
        "cohort: {source: files, participants: participants.tsv, diseases: [MS]}\n"
        "features: {source: table, table: measures.tsv}\nsustain: {folds: 4}\n",
    )
    done = snakemake(folder, *arguments, "more.yaml", "--until", target, check=False)
    log = done.stdout + done.stderr + "".join(f.read_text() for f in (folder / "logs").rglob("*.log"))
    assert done.returncode != 0 and words in log
    assert not list((folder / "results").rglob(".*.part.*")) and not (folder / "results/sustain/MS/k1").exists()


def test_a_replaced_image_is_measured_again_and_a_typo_is_named(tmp_path):
    """Own images under ids without sub-: what is on disk decides; an absent file stops even a finished study."""
    import nibabel as nib

    folder = checkout(tmp_path / "images")
    people = pd.DataFrame({"participant_id": [f"sub-{i:02d}" for i in range(1, 7)], "age": 30, "sex": "F"})
    people["group"] = ["Control", "Control", "RRMS", "SPMS", "CIS", "RRMS"]
    people.to_csv(folder / "participants.tsv", sep="\t", index=False)

    def write(person, n):
        flat = np.zeros(4000, np.int16)
        flat[: 2 * n] = [10] * n + [49] * n
        flat[2 * n : 2 * n + 900] = 24
        nib.save(nib.Nifti1Image(flat.reshape(20, 20, 10), np.eye(4)), folder / f"{person}.nii.gz")

    for i in range(1, 7):
        write(f"{i:02d}", 100 + i)
    own = (
        "cohort: {source: files, participants: participants.tsv, diseases: [MS],"
        " groups: {MS: [RRMS, SPMS], HC: [Control]}}\n"
        'features: {source: images, labels: "{participant_id}.nii.gz", use: [thalamus], exclude_rules: []}\n'
    )
    arguments = [*overlay(folder, own), "--until", "features_combine"]
    snakemake(folder, *arguments)

    def thalamus():
        table = pd.read_csv(folder / "results/features/measures.tsv", sep="\t").set_index("participant_id")
        return table["thalamus"].sort_index().to_dict()

    want = {f"sub-{i:02d}": 200 + 2 * i for i in (1, 2, 3, 4, 6)}
    assert thalamus() == want
    flow = pd.read_csv(folder / "results/cohort/flow.tsv", sep="\t")
    assert flow.loc[flow["who"] == "sub-05", ["step", "group"]].to_numpy().tolist() == [["group of the study", "CIS"]]
    planned = snakemake(folder, *arguments, "-n")
    assert "features_extract" not in planned.stdout + planned.stderr
    write("03", 150)
    snakemake(folder, *arguments)
    assert thalamus() == {**want, "sub-03": 300}
    (folder / "06.nii.gz").unlink()
    snakemake(folder, *arguments)
    assert "sub-06" not in thalamus()
    arguments = overlay(folder, own.replace("participants.tsv", "particpants.tsv"))
    done = snakemake(folder, *arguments, check=False)
    assert done.returncode and "cohort.participants: particpants.tsv: no such file" in done.stderr + done.stdout
