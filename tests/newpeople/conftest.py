"""A small finished study, made by the package's own functions, and people to be placed under it."""

import json

import pandas as pd
import pytest

from neuraxis.biomarkers import read_biomarkers
from neuraxis.cohort.simulated import simulate_cohort
from neuraxis.home import workflow_home
from neuraxis.normative.study import normative_tables
from neuraxis.sustain import declared_events, fit, make_folds
from neuraxis.sustain.study import study_settings, subtype_tables
from neuraxis.tables import write_json, write_table

RESOURCES = workflow_home() / "resources"
USED = ["cord_csa", "brainstem", "cerebellum_gm", "frontal", "thalamus", "putamen"]
NORMS = {"age": "linear", "age_by_sex": False, "folds": 5, "min_site_controls": 4, "site": "fixed", "missing": "keep"}


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """Results of a study of simulated MS patients and controls, as the workflow writes them."""
    folder = tmp_path_factory.mktemp("a study")
    results = folder / "results"
    cohort = simulate_cohort(RESOURCES, scale=0.2, seed=1)
    people = cohort.participants[cohort.participants["group"].isin(["HC", "MS"])].reset_index(drop=True)
    measures = cohort.measures.drop(columns="etiv_measured")
    measures = measures[measures["participant_id"].isin(people["participant_id"])]
    first = measures[measures["session_id"] == "baseline"].drop(columns="session_id")[["participant_id", "etiv", *USED]]
    later = measures[measures["session_id"] != "baseline"].merge(cohort.sessions, on=["participant_id", "session_id"])
    later = later[["participant_id", "session_id", "years", "etiv", *USED]]
    defined = read_biomarkers(RESOURCES / "biomarkers.tsv")
    made = normative_tables(first, people, later, defined, NORMS, control="HC", seed=1)
    z = made.zscores.set_index("participant_id")
    sick = z[z["group"] == "MS"]
    events, _ = declared_events(sick[USED], thresholds=[1, 2, 3], choose_thresholds=True, min_people=8, z_max=5)
    settings = study_settings(
        events, noise="controls", stage_prior="smooth", covariance=made.norms.noise_table(), n_startpoints=2, n_samples=200,
        n_chains=2,
    )  # fmt: skip
    covariance = settings.variant.covariance
    model = fit(sick, events, 2, settings, covariance=covariance, seed=1)
    fold = pd.Series(make_folds(len(sick), 2, seed=1, key=("MS",)), index=sick.index)
    folds = {f: fit(sick[fold != f], events, 2, settings, covariance=covariance, seed=1, key=(f,)) for f in (0, 1)}
    model.norms = made.norms.to_dict()
    tables = subtype_tables(
        model,
        folds,
        z,
        fold,
        made.followup,
        defined.set_index("biomarker")["system"],
        disease="MS",
        control="HC",
        seed=1,
    )
    model.save(results / "sustain/MS/model.npz")
    for name in ("subtypes", "followup", "names", "controls", "stability", "diagnostics"):
        write_table(getattr(tables, name), results / f"sustain/MS/{name}.tsv")
    selection = pd.DataFrame(
        {
            "model": ["2 subtypes"],
            "n_subtypes": [2],
            "heldout_loglik": [-1.0],
            "chosen": [True],
            "reason": ["it was told"],
            **dict.fromkeys(("cvic", "cvic_se", "delta_cvic", "delta_se", "gap_cvic", "gap_se"), [0.0]),
        }
    )
    write_table(selection, results / "sustain/MS/selection.tsv")
    made.norms.save(results / "normative/norms.json")
    write_table(made.zscores, results / "normative/zscores.tsv")
    write_table(first, results / "features/measures.tsv")
    write_table(people, results / "cohort/participants.tsv")
    config = {
        "cohort": {"source": "files", "diseases": ["MS"], "control": "HC"},
        "features": {
            "source": "table", "cord_levels": [1, 2, 3], "sct_select": "", "sct_repeats": "refuse",
            "exclude_rules": ["implausible eTIV"], "outlier_limit": 5, "qc_score_min": 0.65,
            "biomarkers": str(RESOURCES / "biomarkers.tsv"),
        },
        "normative": NORMS,
        "sustain": {"noise": "controls", "stage_prior": "smooth"},
        "report": {"title": "a <small> study"},
    }  # fmt: skip
    known = {"commit": "abc", "workflow": "neuraxis 0", "versions": {"neuraxis": "0"}, "config": config}
    write_json(known, results / "provenance.json")
    return folder


@pytest.fixture(scope="session")
def shared(study):
    from neuraxis.newpeople import open_model

    return open_model(study)


@pytest.fixture
def patient(study):
    """Measures and covariates of one of the study's patients, under another id."""
    people = pd.read_csv(study / "results/cohort/participants.tsv", sep="\t").set_index("participant_id")
    measures = pd.read_csv(study / "results/features/measures.tsv", sep="\t").set_index("participant_id")
    subtypes = pd.read_csv(study / "results/sustain/MS/subtypes.tsv", sep="\t").set_index("participant_id")
    who = subtypes["p_healthy"].idxmin()
    row = measures.loc[[who]].assign(participant_id="sub-new").set_index("participant_id")
    return who, row, {"age": float(people.at[who, "age"]), "sex": people.at[who, "sex"], "site": people.at[who, "site"]}


@pytest.fixture
def change_config(study, tmp_path):
    """A copy of the study with another configuration."""
    import shutil

    def changed(section, **keys):
        folder = tmp_path / "changed"
        shutil.copytree(study, folder)
        known = json.loads((folder / "results/provenance.json").read_text())
        known["config"][section] |= keys
        (folder / "results/provenance.json").write_text(json.dumps(known))
        return folder

    return changed


@pytest.fixture
def freesurfer(tmp_path):
    """Writes a person's stats folder from measures, as FreeSurfer heads it."""
    from neuraxis.cohort.phantoms import write_stats

    def write(row, subject):
        scans = row.reset_index().assign(session_id="baseline")
        for b in read_biomarkers(RESOURCES / "biomarkers.tsv")["biomarker"]:
            if b not in scans:
                scans[b] = 1000.0
        scans["etiv_measured"] = scans["etiv"]
        write_stats(scans, RESOURCES / "biomarkers.tsv", RESOURCES / "labels.tsv", tmp_path / "fs")
        folder = next((tmp_path / "fs").glob("*_SIMULATED"))
        stats = folder / "stats/aseg.stats"
        stats.write_text(f"# subjectname {subject}\n" + stats.read_text())
        return folder

    return write
