"""New people: the same numbers as in the study, or a refusal with its reason."""

import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from neuraxis.cli import main
from neuraxis.errors import InputError, ModelError
from neuraxis.home import workflow_home
from neuraxis.newpeople import open_model
from neuraxis.sustain import SustainModel, fit, simulate

DOCS = Path(__file__).parents[2] / "docs"


def of_study(study, name, who):
    return pd.read_csv(study / "results" / name, sep="\t").set_index("participant_id").loc[who]


def test_a_patient_of_the_study_gets_the_numbers_of_the_study(study, shared, patient):
    who, row, about = patient
    placed = shared.stage(table=row, participant_id="sub-new", **about)
    z, old = placed.z.loc["sub-new"], of_study(study, "normative/zscores.tsv", who)
    assert np.allclose(z.astype(float), old[z.index].astype(float), atol=1e-4)
    now, then = placed.table.iloc[0], of_study(study, "sustain/MS/subtypes.tsv", who)
    for column in ("subtype", "stage", "stage_low", "stage_high", "p_healthy", "p_subtype1"):
        assert now[column] == pytest.approx(then[column], abs=1e-4), column
    names = of_study(study, "sustain/MS/names.tsv".replace("names", "subtypes"), who)
    assert now["name"] == shared.names["MS"][int(names["subtype"])] and placed.refused.empty and not now["overridden"]


def test_three_lines_and_a_table_of_people_in_any_order(study, shared, tmp_path):
    people = pd.read_csv(study / "results/cohort/participants.tsv", sep="\t")
    people = people[people["group"] == "MS"].head(6)[["participant_id", "age", "sex", "site"]]
    measures = pd.read_csv(study / "results/features/measures.tsv", sep="\t")
    measures = measures[measures["participant_id"].isin(people["participant_id"])]
    measures.to_csv(tmp_path / "m.csv", index=False)
    people.sample(frac=1, random_state=3).to_csv(tmp_path / "p.tsv", sep="\t", index=False)
    placed = open_model(study).stage(table=tmp_path / "m.csv", people=tmp_path / "p.tsv")
    table = placed.table.set_index("participant_id")
    old = of_study(study, "sustain/MS/subtypes.tsv", people["participant_id"])
    assert len(table) == 6 and np.allclose(table["p_healthy"].loc[old.index], old["p_healthy"], atol=1e-4)
    written = placed.write(tmp_path / "out put")
    assert {p.name for p in written} >= {"people.tsv", "zscores.tsv", "refused.tsv", f"{old.index[0]}.html"}
    back = pd.read_csv(tmp_path / "out put/people.tsv", sep="\t")
    assert back["participant_id"].tolist() == table.index.tolist()


def test_freesurfer_folder_and_cord_table(study, shared, patient, freesurfer):
    who, row, about = patient
    folder = freesurfer(row, "sub-new")
    placed = shared.stage(freesurfer=folder, sct=folder.parent / "SIMULATED_sct.csv", **about)
    old = of_study(study, "normative/zscores.tsv", who)
    assert placed.z.index.tolist() == ["sub-new"]
    assert np.allclose(placed.z.loc["sub-new"].astype(float), old[placed.z.columns].astype(float), atol=2e-3)
    without = shared.stage(freesurfer=folder, **about)
    assert without.z["cord_csa"].isna().all()
    assert any("not measured, and left out of the staging: Cord area C1-C3" in n for n in without.notes["sub-new"])
    wrong = shared.stage(freesurfer=folder, participant_id="sub-08", **about)
    assert wrong.table.empty and "they are of sub-new, not of sub-08" in wrong.refused["reason"].iloc[0]
    meant = shared.stage(freesurfer=folder, participant_id="sub-08", override=True, **about)
    assert len(meant.table) == 1 and "of sub-new, not of sub-08" in meant.table["overridden"].iloc[0]


@pytest.mark.parametrize(
    ("change", "about", "words"),
    [
        ({"etiv": 1480.0}, {}, "looks like ml (cm3), not mm3"),
        ({"etiv": 0.9e6}, {}, "the study leaves such people out (implausible eTIV: etiv 900000"),
        ({"etiv": np.nan}, {}, "the norms need the head size"),
        ({"thalamus": 15.0}, {}, "looks like ml"),
        ({"thalamus": -3.0}, {}, "thalamus is -3, which cannot be"),
        ({"frontal": np.inf}, {}, "frontal is inf, which cannot be"),
        (
            {},
            {"site": "Nowhere"},
            "site Nowhere has no controls in the study, so nobody of it can be placed; its norms know ",
        ),
        ({}, {"site": None}, "say where the person was scanned"),
        ({}, {"sex": "X"}, "M or F is expected"),
        ({}, {"age": 430}, "years from 5 to 110"),
        (
            dict.fromkeys(["cord_csa", "brainstem", "cerebellum_gm", "frontal", "thalamus", "putamen"], np.nan),
            {},
            "none of",
        ),
    ],
)
def test_nonsense_is_refused_with_the_reason(shared, patient, change, about, words):
    _, row, known = patient
    placed = shared.stage(table=row.assign(**change), participant_id="sub-new", **{**known, **about})
    assert placed.table.empty and placed.z.empty
    assert placed.refused["participant_id"].tolist() == ["sub-new"] and words in placed.refused["reason"].iloc[0]
    with pytest.raises(InputError, match="was not placed"):
        placed.page("sub-new")


def test_tables_in_other_headings_and_ids_say_the_same(shared, patient, tmp_path):
    _, row, known = patient
    truth = shared.stage(table=row, participant_id="sub-new", **known).z.loc["sub-new"]
    other = row.rename(columns={"etiv": "ICV (mm3)", "thalamus": "Thalamus"}).reset_index()
    numbered = other.assign(participant_id=[7.0])
    people = pd.DataFrame({"participant_id": [8, 7], "age": known["age"], "sex": known["sex"], "site": known["site"]})
    two = pd.concat([numbered, numbered.assign(participant_id=8.0, Thalamus=1000 + row["thalamus"].iloc[0])])
    placed = shared.stage(table=two, people=people)
    assert (
        placed.z.loc["7"].to_numpy() == pytest.approx(truth.to_numpy())
        and placed.z.at["8", "thalamus"] < truth["thalamus"]
    )
    two.to_csv(tmp_path / "two.csv", sep=";", index=False, encoding="utf-8-sig")
    people.rename(columns=str.upper).to_csv(tmp_path / "people.csv", index=False)  # SITE, too
    placed = shared.stage(table=tmp_path / "two.csv", people=tmp_path / "people.csv")
    assert placed.z.loc["7"].to_numpy() == pytest.approx(truth.to_numpy(), abs=1e-9)


@pytest.mark.parametrize(
    ("change", "about", "words"),
    [
        (lambda t: t.assign(thalamus=True), {}, r"thalamus: sub-new \('True'\)"),
        (lambda t: t.assign(thalamus=1j), {}, "thalamus: sub-new"),
        (lambda t: pd.concat([t, t[["putamen"]]], axis=1), {}, "two columns are named putamen"),
        (lambda t: t.drop(columns="etiv").assign(ICV=1.5e6, TIV=1.5e6), {}, "ICV, TIV are all head sizes"),
        (lambda t: t.assign(Thalamus=1.0, THALAMUS=2.0).drop(columns="thalamus"), {}, "differ by capitals alone"),
        (lambda t: t, {"etiv": "big"}, "etiv 'big' is no head size"),
        (lambda t: t, {"etiv": np.inf}, "etiv inf is no head size"),
    ],
)
def test_tables_that_cannot_be_told_are_refused(shared, patient, change, about, words):
    _, row, known = patient
    with pytest.raises(InputError, match=words):
        shared.stage(table=change(row), participant_id="sub-new", **{**known, **about})


def test_people_without_an_id_and_files_that_are_not_there(shared, patient, tmp_path):
    _, row, known = patient
    with pytest.raises(InputError, match="people: 1 rows have no participant_id"):
        shared.stage(
            table=row, people=pd.DataFrame({"participant_id": [None], "age": 40, "sex": "F", "site": "site01"})
        )
    with pytest.raises(InputError, match="nothere.csv: no such file"):
        shared.stage(table=tmp_path / "nothere.csv", **known)


def test_an_override_prints_on_the_page_and_never_saves_what_cannot_be(shared, patient):
    _, row, about = patient
    placed = shared.stage(table=row.assign(etiv=0.9e6), participant_id="sub-new", override=True, **about)
    assert len(placed.table) == 1 and "implausible eTIV" in placed.table["overridden"].iloc[0] and placed.refused.empty
    page = placed.page("sub-new")
    assert "Overridden." in page and "implausible eTIV" in page
    still = shared.stage(table=row.assign(etiv=1480.0), participant_id="sub-new", override=True, **about)
    assert still.table.empty and "ml (cm3)" in still.refused["reason"].iloc[0]


def test_one_refused_person_takes_nobody_along(study, shared, tmp_path):
    people = pd.read_csv(study / "results/cohort/participants.tsv", sep="\t").tail(3)
    people = people[["participant_id", "age", "sex", "site"]].reset_index(drop=True)
    measures = pd.read_csv(study / "results/features/measures.tsv", sep="\t").set_index("participant_id")
    measures = measures.loc[people["participant_id"]]
    measures.iloc[1, measures.columns.get_loc("etiv")] = 1.2e3
    placed = shared.stage(table=measures.iloc[:2], people=people)
    first, second, third = people["participant_id"]
    assert placed.table["participant_id"].tolist() == [first]
    reasons = placed.refused.set_index("participant_id")["reason"]
    assert "ml (cm3)" in reasons[second] and "no measures of this person" in reasons[third]
    alone = shared.stage(table=measures.iloc[:1], people=people.iloc[:1])
    assert np.allclose(alone.z, placed.z) and alone.table["p_healthy"].equals(placed.table["p_healthy"])


def test_ids_are_matched_never_rows(shared, patient, tmp_path):
    _, row, about = patient
    two = pd.concat([row, row.rename(index={"sub-new": "sub-other"}).assign(thalamus=9000.0)])
    placed = shared.stage(table=two.iloc[::-1], participant_id="sub-new", **about)
    assert placed.measures.at["sub-new", "thalamus"] == row["thalamus"].iloc[0]
    with pytest.raises(InputError, match="nobody of sub-9 is in it; it has sub-new, sub-other"):
        shared.stage(table=two, participant_id="sub-9", **about)
    two.to_csv(tmp_path / "two.csv")
    with pytest.raises(InputError, match="2 people; say whom you mean"):
        shared.stage(table=tmp_path / "two.csv", **about)
    with pytest.raises(InputError, match="more than one row of sub-new"):
        shared.stage(table=pd.concat([row, row]), participant_id="sub-new", **about)
    with pytest.raises(InputError, match="nothing says whose rows"):
        shared.stage(table=row.reset_index(drop=True), participant_id="sub-new", **about)


def test_ages_and_head_sizes_outside_the_controls_are_said(shared, patient):
    _, row, about = patient
    low, high = shared.norms.controls["age_range"]
    old = shared.stage(table=row, participant_id="sub-new", **{**about, "age": high + 4})
    assert any("4.0 years outside the controls'" in n for n in old.notes["sub-new"])
    inside = shared.stage(table=row, participant_id="sub-new", **{**about, "age": (low + high) / 2})
    assert not any("outside the controls'" in n for n in inside.notes.get("sub-new", []))
    large = shared.stage(table=row.assign(etiv=2.2e6), participant_id="sub-new", **about)
    assert any("head size 2.2e+06 mm3 lies outside" in n for n in large.notes["sub-new"])


def test_missing_measures_exclude_where_the_study_drops_them(change_config, patient):
    _, row, about = patient
    folder = change_config("normative", missing="drop")
    placed = open_model(folder).stage(table=row.assign(cord_csa=np.nan), participant_id="sub-new", **about)
    assert (
        placed.table.empty and "people with missing measures out: Cord area C1-C3" in placed.refused["reason"].iloc[0]
    )


def test_an_outlier_of_its_site_is_flagged_by_the_studys_own_medians(shared, patient):
    _, row, about = patient
    site = shared.reference[(shared.reference["site"].astype(str) == about["site"])].set_index("quantity")
    if "putamen" not in site.index:
        pytest.fail("the patient's site should have ten people")
    middle, mad = site.loc["putamen", ["median", "mad"]].astype(float)
    near = shared.stage(table=row.assign(putamen=middle + 4.5 * mad), participant_id="sub-new", **about)
    far = shared.stage(table=row.assign(putamen=middle + 5.5 * mad), participant_id="sub-new", **about)
    assert any("outlier of its site: Putamen" in n for n in far.notes["sub-new"])
    assert not any("outlier of its site" in n for n in near.notes.get("sub-new", []))


def test_the_call_itself(shared, patient, tmp_path):
    _, row, about = patient
    for given, words in (
        ({"table": row, "labels": "x.nii.gz", **about}, "table and labels|labels and table"),
        ({**about}, "no measures"),
        ({"table": row, "sex": "F"}, "the person's age"),
        (
            {"table": row, "people": pd.DataFrame({"participant_id": ["a"], "age": [3], "sex": ["F"]}), **about},
            "one by one",
        ),
        ({"table": row, "disease": "PD", **about}, "no model of PD; there is MS"),
        ({"cord_mask": "m.nii.gz", "participant_id": "a", **about}, "come together"),
    ):
        with pytest.raises(InputError, match=words):
            shared.stage(**given)
    gone = shared.stage(freesurfer=tmp_path / "sub-03", **about)
    assert (
        "no such file or folder" in gone.refused["reason"].iloc[0]
        and gone.refused["participant_id"].iloc[0] == "sub-03"
    )


def test_the_page_stands_alone_and_escapes_what_it_is_given(shared, patient):
    _, row, about = patient
    page = shared.stage(table=row, participant_id="sub-new", **about).page("sub-new")
    assert "Research use only" in page and "not a medical device" in page and "SIMULATED" not in page
    assert "a &lt;small&gt; study" in page and "<small>" not in page
    assert not re.search(r"<script|<link|src=|href=\"http|url\(http", page)
    assert page.count("<svg") == 2 and 'aria-label="z per region"' in page and "it was told" in page
    z = shared.stage(table=row, participant_id="sub-new", **about).z.loc["sub-new"]
    assert all(f">{v:.1f}</text>" in page for v in z.astype(float))


def test_one_order_has_no_name_and_chains_that_disagree_are_told(shared, patient):
    _, row, about = patient
    model = shared.models["MS"]
    order = np.asarray(model.draws.sequences).reshape(-1, 2, model.events.n_events)[0][:1]
    people = simulate(model.events, order, 60, noise_sd=0.5, seed=2)
    one = fit(people.X, model.events, 1, covariance="independent", n_samples=50, n_chains=2, n_startpoints=1)
    found = replace(shared, models={"MS": one}, names={"MS": {1: "cortical"}})
    placed = found.stage(table=row, participant_id="sub-new", **about)
    page = placed.page("sub-new")
    assert placed.table["name"].tolist() == ["with atrophy"] and not placed.table["normal_appearing"].any()
    assert (
        "With atrophy" in page
        and "cortical" not in page.split("<h2>Measures")[0]
        and "Most probable subtype" not in page
    )
    chains = pd.DataFrame({"r_hat": [1.001], "ess": [900.0], "sd": [1.0]})
    for r_hat, told in ((1.001, False), (1.2, True)):
        found = replace(shared, evidence={"MS": {"diagnostics": chains.assign(r_hat=r_hat)}})
        page = found.stage(table=row, participant_id="sub-new", **about).page("sub-new")
        assert ("chains of the MS model have not converged" in page) == told and "Most probable subtype" in page


def test_the_page_says_what_the_norms_take_account_of(shared, patient):
    _, row, about = patient
    page = shared.stage(table=row, participant_id="sub-new", **about).page("sub-new")
    assert "controls of this age, sex, site and head size<" in page
    share = shared.card["diseases"]["MS"]["said_of_controls"]["share of controls at stage 1 or above"]
    assert "Hatched: not measured, or without a place here.<" in page
    own = shared.biomarkers.assign(
        kind=shared.biomarkers["kind"].mask(shared.biomarkers["biomarker"] == "thalamus", "table")
    )
    page = replace(shared, biomarkers=own).stage(table=row, participant_id="sub-new", **about).page("sub-new")
    assert "or without a place here (Thalamus).<" in page
    assert f"{share:.0%}".replace("%", " %") + " of the healthy controls stand at stage 1 or above" in page


def test_the_course_of_similar_patients_needs_the_study(study, shared, patient, tmp_path):
    _, row, about = patient
    placed = shared.stage(table=row, participant_id="sub-new", **about)
    course = placed.course["sub-new", "MS"]
    later = pd.read_csv(study / "results/sustain/MS/followup.tsv", sep="\t")
    assert course["of"] == later["participant_id"].nunique() and course["n"] == min(20, course["of"] // 2) >= 5
    shared.save(tmp_path / "m.neuraxis")
    assert not open_model(tmp_path / "m.neuraxis").stage(table=row, participant_id="sub-new", **about).course


def test_the_blocks_of_the_page_as_they_stand(study, shared, patient, freesurfer, tmp_path, monkeypatch):
    """docs/newpeople.md: its commands and its Python, with a study, a person and files under the names used there."""
    _, row, about = patient
    person = freesurfer(row, "sub-07")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    os.symlink(study, "STUDY")
    cord = (person.parent / "SIMULATED_sct.csv").read_text()
    Path("cord.csv").write_text(cord.replace("sub-new", "sub-07"))
    shutil.copy(workflow_home() / "resources/biomarkers.tsv", "biomarkers.tsv")
    row.to_csv("measures.tsv", sep="\t")
    pd.DataFrame([about], index=pd.Index(["sub-new"], name="participant_id")).to_csv("new.tsv", sep="\t")
    text = (DOCS / "newpeople.md").read_text(encoding="utf-8").replace("/data/fs/sub-07", str(person))
    text = text.replace("--site A", f"--site {about['site']}").replace('site="A"', f'site="{about["site"]}"')
    commands, three, peer = (re.sub(r"(?m)^    ", "", b) for b in re.findall(r"(?m)(?:^    \S.*\n)+", text))
    export = re.search(r"`neuraxis (export [^`]+)`", text)[1]
    assert commands.count("neuraxis stage") == 2
    told = []
    for command in (export, *(c.removeprefix("neuraxis ") for c in commands.splitlines())):
        done = CliRunner().invoke(main, shlex.split(command))
        assert done.exit_code == 0, (command, done.output)
        if command != export:
            told.append(pd.read_csv("new people/people.tsv", sep="\t").iloc[0])
    exec(compile(three, "three lines", "exec"), {})
    told.append(pd.read_csv("new people/people.tsv", sep="\t").iloc[0])
    assert [r["participant_id"] for r in told] == ["sub-07", "sub-new", "sub-07"]
    assert Path("new people/sub-07.html").is_file()
    # the Python names no file of the cord
    assert ["Cord area C1-C3" in str(r["notes"]) for r in told] == [False, False, True]
    names = {"import_peer": lambda path, events: shared.models["MS"], "events": None, "norms": shared.norms}
    exec(compile(peer, "of a peer", "exec"), names)
    assert open_model("ms.neuraxis").card["title"] == "Imported"


def test_command(study, patient, tmp_path, monkeypatch):
    _, row, about = patient
    monkeypatch.chdir(tmp_path)
    row.to_csv("one row.csv")
    call = ["stage", "--study", str(study), "--table", "one row.csv", "--age", str(about["age"]), "--sex", about["sex"]]
    done = CliRunner().invoke(main, [*call, "--site", about["site"], "-o", "o u t"])
    assert done.exit_code == 0 and "Research use only" in done.output and (tmp_path / "o u t/sub-new.html").is_file()
    refused = CliRunner().invoke(main, [*call, "--site", "Nowhere", "-o", "none"])
    assert refused.exit_code == 1 and "refused sub-new: site Nowhere has no controls" in refused.output
    assert not (tmp_path / "none").exists()
    assert CliRunner().invoke(main, ["stage", "--table", "one row.csv"]).exit_code == 2
    # a healthy person has no subtype's name in the terminal; the table keeps whose stage comes nearest
    z = pd.read_csv(study / "results/normative/zscores.tsv", sep="\t").set_index("participant_id")
    best = z[z["group"] == "HC"].drop(columns=["group", "origin"], errors="ignore").max(axis=1).idxmin()
    well = of_study(study, "cohort/participants.tsv", best)
    of_study(study, "features/measures.tsv", [best]).to_csv("well.csv")
    call_of = ["stage", "--study", str(study), "--table", "well.csv", "--age", str(well["age"]), "--sex", well["sex"]]
    told = CliRunner().invoke(main, [*call_of, "--site", well["site"], "-o", "w"])
    assert told.exit_code == 0 and "normal-appearing" in told.output and "normal-appearing" not in done.output
    made = CliRunner().invoke(main, ["export", str(study), "m.neuraxis"])
    assert made.exit_code == 0 and "2 subtypes" in made.output
    again = CliRunner().invoke(main, ["stage", "--model", "m.neuraxis", *call[3:], "--site", about["site"], "-o", "p"])
    assert again.exit_code == 0
    assert (tmp_path / "p/people.tsv").read_text() == (tmp_path / "o u t/people.tsv").read_text()


def test_one_person_costs_a_few_seconds(study, patient, tmp_path):
    """Processor time of the whole command, imports and page included: what a quiet machine makes the user wait."""
    _, row, about = patient
    row.to_csv(tmp_path / "one row.csv")
    command = [sys.executable, "-m", "neuraxis", "stage", "--study", str(study), "--table", "one row.csv", "--site"]
    command += [about["site"], "--age", str(about["age"]), "--sex", about["sex"]]
    spent = []
    for _ in range(2):  # the first may compile kernels
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(spent) < 5, spent


def test_placing_a_person_loads_nothing_that_it_does_not_use():
    code = "import sys, neuraxis.newpeople; print([m for m in sys.argv[1].split(',') if m in sys.modules])"
    heavy = "scipy.stats,sklearn,statsmodels,lifelines,arviz,matplotlib,seaborn,snakemake,neuroHarmonize"
    done = subprocess.run([sys.executable, "-c", code, heavy], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_a_table_in_the_studys_names_is_tidy_without_its_head_size(shared, patient, tmp_path):
    """Its columns are not looked for among the names of tools, which know a few of them."""
    _, row, about = patient
    row.drop(columns="etiv").to_csv(tmp_path / "bare.csv")
    size = float(row["etiv"].iloc[0])
    known = shared.stage(table=row.reset_index(), **about).table
    shared.rules["source"] = "images"
    try:
        found = shared.stage(table=tmp_path / "bare.csv", etiv=size, **about)
    finally:
        shared.rules["source"] = "table"
    assert found.table["p_healthy"].iloc[0] == pytest.approx(known["p_healthy"].iloc[0])
    assert found.z.notna().all(axis=None)


def test_what_is_to_be_said_of_a_person_stands_in_the_terminal(study, patient, tmp_path, monkeypatch):
    _, row, about = patient
    row.to_csv(tmp_path / "one row.csv")
    monkeypatch.chdir(tmp_path)
    call = ["stage", "--study", str(study), "--table", "one row.csv", "--sex", about["sex"], "--site", about["site"]]
    said = CliRunner().invoke(main, [*call, "--age", "96"]).output
    assert "note sub-new: age 96 lies" in said and "the z are extrapolated" in said
    assert "note sub-new: age" not in CliRunner().invoke(main, [*call, "--age", str(about["age"])]).output
    folder = CliRunner().invoke(main, [*call[:4], ".", *call[5:], "--age", "30"])
    assert folder.exit_code == 2 and "is a directory" in folder.output


def test_a_study_that_is_not_finished(tmp_path):
    (tmp_path / "s").mkdir()
    with pytest.raises(ModelError, match="no finished study: results/provenance.json"):
        open_model(tmp_path / "s")
    with pytest.raises(ModelError, match="no such study or model"):
        open_model(tmp_path / "absent.neuraxis")


def test_norms_refuse_head_sizes_in_ml(shared, patient):
    """What staged nonsense without a word: the norms by themselves."""
    _, row, about = patient
    people = pd.DataFrame({"participant_id": ["sub-new"], **{k: [v] for k, v in about.items()}})
    with pytest.raises(InputError, match=r"etiv.*sub-new.*ml"):
        shared.norms.apply(row.assign(etiv=1480.0), people)
    z = shared.norms.apply(row, people)
    assert isinstance(shared.models["MS"], SustainModel) and len(shared.models["MS"].assign(z)) == 1
