"""New people: the same numbers as in the study, or a refusal with its reason."""

import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from neuraxis.biomarkers import read_biomarkers
from neuraxis.cli import main
from neuraxis.errors import InputError, ModelError
from neuraxis.home import workflow_home
from neuraxis.newpeople import assemble, open_model
from neuraxis.normative.norms import NormSettings, fit_norms
from neuraxis.report.person import OUTSIDE, WITHIN, profile
from neuraxis.sustain import MixedEvents, OrdinalEvents, SustainModel, ZScoreEvents, fit, simulate

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
    with pytest.raises(InputError, match="people: 1 row has no participant_id"):
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

    def listed(*who):
        return pd.DataFrame({"participant_id": who, "age": 40, "sex": "F", "site": about.get("site")})

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
        ({"table": row, "people": listed("a", "sub-b", "a")}, "people: listed more than once: a$"),
        ({"labels": "x.nii.gz", "people": listed("a", "b")}, r"x.nii.gz is one person's; .* {participant_id} in it"),
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
    assert page.count("<svg") == 2 and 'aria-label="z of every measure"' in page and "it was told" in page
    z = shared.stage(table=row, participant_id="sub-new", **about).z.loc["sub-new"]
    assert all(f">{v:.1f}</text>" in page for v in z.astype(float))
    assert about["site"] in page and "not given" not in page


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


@pytest.fixture
def several(study):
    """Measures and covariates of eighteen patients, fourteen of them of one site, some of them odd: missing, in ml, old, of
    nowhere, impossible, and one unlike the others of the call though not unlike the study's people."""
    people = pd.read_csv(study / "results/cohort/participants.tsv", sep="\t").query("group == 'MS'")
    measures = pd.read_csv(study / "results/features/measures.tsv", sep="\t").set_index("participant_id")
    sites = people["site"].value_counts()
    who = pd.concat([people[people["site"] == s].head(n) for s, n in zip(sites.index[:2], (14, 4), strict=True)])
    who = who[["participant_id", "age", "sex", "site"]]
    table = measures.loc[who["participant_id"]].astype(float)
    ids = list(table.index)
    odd = [
        (0, "thalamus", np.nan),
        (1, "frontal", 20000),
        (2, "thalamus", 15.2),
        (3, "etiv", 0.7e6),
        (4, "putamen", -1),
    ]
    for i, name, value in odd:
        table.loc[ids[i], name] = value
    table.loc[ids[5]] = np.nan
    table.loc[ids[:14], "cerebellum_gm"] = 117000.0 + np.arange(14)
    table.loc[ids[8], "cerebellum_gm"] = 119000.0
    who = who.set_index("participant_id")
    who.loc[ids[6], "age"], who.loc[ids[7], "site"] = 97.0, "nowhere"
    return table, who


@pytest.mark.parametrize("override", [False, True])
def test_everybody_of_a_table_is_judged_as_if_alone(shared, several, override):
    """Whatever order they stand in: z, stage, notes, reasons, course and page."""
    table, who = several
    together = shared.stage(
        table=table[::-1], people=who.sample(frac=1, random_state=4).reset_index(), override=override
    )
    refused = together.refused.groupby("participant_id")["reason"].agg(list).to_dict()
    assert list(together.z.index) == [p for p in table.index[::-1] if p not in refused]
    assert len(refused) == (4 if override else 5) and len(together.z) == 18 - len(refused)
    for person, about in who.iterrows():
        alone = shared.stage(table=table.loc[[person]], participant_id=person, override=override, **about)
        assert refused.get(person, []) == alone.refused["reason"].tolist()
        assert together.notes.get(person, []) == alone.notes.get(person, [])
        if person in refused:
            continue
        pd.testing.assert_frame_equal(together.z.loc[[person]], alone.z)
        mine = together.table[together.table["participant_id"] == person].reset_index(drop=True)
        pd.testing.assert_frame_equal(mine, alone.table)
        assert together.course.get((person, "MS")) == alone.course.get((person, "MS"))
        assert together.page(person) == alone.page(person)
    said = "\n".join(f"{p} {n}" for p in who.index for n in [*together.notes.get(p, []), *refused.get(p, [])])
    for i, words in (
        (0, "Thalamus"),
        (1, "Frontal cortex"),
        (2, "looks like ml"),
        (4, "cannot be"),
        (6, "age 97 lies"),
        (7, "site nowhere"),
    ):
        assert re.search(f"{who.index[i]} .*{words}", said), words


def test_strangers_sites_are_told_to_those_who_come_from_them():
    """Norms without a site term, a person of the controls' site between two of others."""
    who = pd.Index([f"sub-{i:02d}" for i in range(40)], name="participant_id")
    people = pd.DataFrame({"age": np.arange(20, 60), "sex": ["F", "M"] * 20, "site": "A"}, index=who)
    measures = pd.DataFrame({"thalamus": 15000.0, "etiv": 1.5e6}, index=who)
    measures["thalamus"] += np.random.default_rng(1).normal(0, 500, 40)
    plain = NormSettings(age="linear", age_by_sex=False, head_size="none", site="none")
    norms = fit_norms(measures, people, {"thalamus": "fall"}, plain)
    events = ZScoreEvents([[1.0, 2.0]], [4.0], biomarkers=["thalamus"])
    model = fit(
        simulate(events, [[0, 1]], 40, noise_sd=0.3, seed=1).X, events, 1, covariance="independent", n_samples=0
    )
    shared = assemble(
        model, norms, read_biomarkers(workflow_home() / "resources/biomarkers.tsv"), disease="MS", title="x"
    )
    table = pd.DataFrame({"thalamus": [14000.0, 14500.0, 15000.0], "etiv": 1.5e6}, index=["a", "b", "c"])
    new = pd.DataFrame({"participant_id": ["a", "b", "c"], "age": 40, "sex": "F", "site": ["X", "A", "Y"]})
    placed = shared.stage(table=table.rename_axis("participant_id"), people=new)
    told = {p: [n for n in placed.notes.get(p, []) if "without controls" in n] for p in "abc"}
    assert not told["b"] and all(len(told[p]) == 1 for p in "ac")
    assert "1 person comes from sites without controls in this norm: X;" in told["a"][0] and ": Y;" in told["c"][0]


def test_a_table_of_many_draws_what_they_share_once(shared, several, tmp_path):
    """Fifty people; a page cost 390 ms of processor time when matplotlib drew each, and costs 15 ms."""
    table, who = several
    good = [p for i, p in enumerate(table.index) if i in (0, 1, 8, 14)]
    many = pd.concat([table.loc[good].rename(index=lambda p, k=k: f"{p}-{k}") for k in range(13)])
    people = pd.concat([who.loc[good].rename(index=lambda p, k=k: f"{p}-{k}") for k in range(13)]).reset_index()
    placed = shared.stage(table=many, people=people)
    placed.page(placed.z.index[0])  # whatever is loaded once
    began = time.process_time()
    written = placed.write(tmp_path)
    cost = time.process_time() - began
    assert len(written) == 3 + 52 and cost < 52 * 0.05, f"{cost:.1f} s"
    read = [(tmp_path / f"{good[k]}-7.html").read_text() for k in range(4)]
    assert len(set(read)) == 4 and all("<svg" in page for page in read)


def test_the_drawing_has_the_colours_of_z(shared, patient):
    """By place: what is measured has its colour, capped at the scale's ends; what is not is hatched; levels are named."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    from neuraxis.figures.brain import outlines
    from neuraxis.report.person import Paper, drawing

    z = pd.Series({"cord_csa": 2.0, "brainstem": -9.0, "thalamus": np.nan, "frontal": 0.0})
    own = replace(shared, rules=shared.rules | {"cord_levels": [2, 3]})
    svg = drawing(z, Paper.of(own))
    fills = re.findall(r'<path d="[^"]+" fill="([^"]+)"', svg)
    of_place = {place: fill for (_, place, _), fill in zip(outlines(), fills, strict=False)}
    wanted = {b: to_hex(colormaps["RdBu_r"](v)) for b, v in (("cord", 0.75), ("stem", 0.0), ("frontal", 0.5))}
    assert of_place["own", "cord"] == wanted["cord"] and of_place["aseg", "Brain-Stem"] == wanted["stem"]
    assert of_place["dk", "superiorfrontal_left"] == wanted["frontal"]
    assert of_place["aseg", "Left-Thalamus"] == of_place["dk", "insula_left"] == "url(#none)"
    assert re.findall(r">(C\d)</text>", svg) == ["C2", "C3"] and ">-4</text>" in svg and ">4</text>" in svg


@pytest.mark.parametrize(
    ("without", "drawn", "told"),
    [
        ([], "brain and cord", "The same z on brain and cord; left hemisphere stands for both. Hatched: not measured"),
        (["cord_csa"], "brain", "The same z on brain; left hemisphere stands for both."),
        (
            ["brainstem", "cerebellum_gm", "frontal", "thalamus", "putamen"],
            "cord",
            "The same z on cord; without a place here",
        ),
        (["cord_csa", "brainstem", "cerebellum_gm", "frontal", "thalamus", "putamen"], "", ""),
    ],
)
def test_only_what_the_model_has_is_drawn(shared, patient, without, drawn, told):
    """Measures that are no part of an image have no place: the profile alone where all are such."""
    _, row, about = patient
    own = shared.biomarkers.assign(
        kind=shared.biomarkers["kind"].mask(shared.biomarkers["biomarker"].isin(without), "table")
    )
    page = replace(shared, biomarkers=own).stage(table=row, participant_id="sub-new", **about).page("sub-new")
    assert page.count("<svg") == 1 + bool(drawn) and ('aria-label="z on ' in page) == bool(drawn)
    assert f'aria-label="z on {drawn}"' in page or not drawn
    assert told in page and ("The same z on" in page) == bool(drawn)
    assert (">C1</text>" in page) == ("cord" in drawn) and ("left hemisphere" in page) == ("brain" in drawn)


def test_the_course_of_those_most_alike_by_hand():
    """Twelve with later scans: half of them, the nearest, each by the measures that both have."""
    from neuraxis.newpeople.place import _Later

    ids = [f"p{i:02d}" for i in range(12)]
    z = pd.DataFrame({"a": np.arange(12.0), "b": [np.nan] * 6 + [9.0] * 6}, index=ids)
    before = pd.Series(np.arange(12.0), index=ids)
    # p06 differs by 6 in one measure and by 0 in the other, p05 by 5 in the only one that it has
    after = before + [1, 0, 2, -1, 3, 50, 0, 9, 9, 9, 9, 9]
    later = _Later(z[::-1], before, after, pd.Series(np.arange(1.0, 13), index=ids))
    told = later.course(pd.Series({"a": 0.0, "b": 9.0, "score": 3.0}))
    assert told == {
        "n": 6, "of": 12, "years": 3.5, "stage_first": 2.5, "stage_last": 3.0, "rose": 0.5, "fell": pytest.approx(1 / 6),
    }  # fmt: skip
    few = _Later(z[:9], before[:9], before[:9], before[:9])
    assert few.course(pd.Series({"a": 0.0})) == {}  # the half of nine is fewer than five


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


def test_the_profile_is_drawn_to_its_scale():
    """A circle stands where its axis says, the controls' range beside it; beyond the ends at the end, with its number."""
    z = pd.Series({"a": 2.0, "b": -1.5, "c": 11.3, "d": np.nan, "e": -9.0})
    names = pd.Series({"a": "A & B", "b": "B", "c": "C", "d": "D"})
    svg = profile(z, names, {"a": (-2.0, 2.5), "b": (-1.0, 1.0), "c": (-2.0, 2.0), "d": (-2.0, 2.0)})
    tick = {
        int(v): float(x)
        for x, v in re.findall(r'<text x="([-.0-9]+)" y="[-.0-9]+" text-anchor="middle">(-?\d+)</text>', svg)
    }
    assert sorted(tick) == [-4, -2, 0, 2, 4, 6, 8]
    place = (tick[8] - tick[-4]) / 12
    rows = [float(y) - 3.5 for y in re.findall(r'y="([-.0-9]+)" text-anchor="end"', svg)]
    assert len(rows) == 5 and np.allclose(np.diff(rows), rows[1] - rows[0])
    circles = [tuple(map(float, c)) for c in re.findall(r'<circle cx="([-.0-9]+)" cy="([-.0-9]+)"', svg)]
    want = [(tick[2], rows[0]), (tick[0] - 1.5 * place, rows[1]), (tick[8], rows[2]), (tick[-4], rows[4])]
    assert np.allclose(circles, want, atol=0.11)
    assert re.findall(r'<circle[^>]+fill="([^"]+)"', svg) == [WITHIN, OUTSIDE, OUTSIDE, OUTSIDE]
    ranges = [tuple(map(float, r)) for r in re.findall(r'<rect x="([-.0-9]+)" y="[-.0-9]+" width="([-.0-9]+)"', svg)]
    ends = [(-2.0, 2.5), (-1.0, 1.0), (-2.0, 2.0), (-2.0, 2.0), (-1.96, 1.96)]
    assert np.allclose(ranges, [(tick[0] + low * place, (high - low) * place) for low, high in ends], atol=0.11)
    assert ">11.3</text>" in svg and ">-9.0</text>" in svg and svg.count("not measured") == 1
    assert "A &amp; B</text>" in svg and ">e</text>" in svg
    height = float(re.search(r'viewBox="0 0 [.0-9]+ ([.0-9]+)"', svg)[1])
    assert rows[-1] < height - 18 and max(tick.values()) <= 580


# ------------------------------------------------------------------ scores beside z, and alone


def scored_parts(site, folder):
    """People behind models, norms that know sites as given, the path of definitions, and models of a score alone and beside two z."""
    defined = (workflow_home() / "resources/biomarkers.tsv").read_text().splitlines()
    head = defined[0].split("\t")
    row = dict.fromkeys(head, "n/a") | {
        "biomarker": "gait", "label": "Gait", "kind": "column", "unit": "score", "direction": "rise"
    }  # fmt: skip
    lines = ["\t".join([*head, "family", "thresholds"])]
    lines += [line + "\tn/a\tn/a" for line in defined[1:] if line.split("\t")[0] in ("thalamus", "putamen")]
    lines += ["\t".join([*row.values(), "ordinal", "0,1,2,3"])]
    path = folder / "biomarkers.tsv"
    path.write_text("\n".join(lines) + "\n")
    rng = np.random.default_rng(1)
    who = pd.Index([f"sub-{i:02d}" for i in range(60)], name="participant_id")
    people = pd.DataFrame({"age": np.arange(20, 80), "sex": ["F", "M"] * 30, "site": ["a", "b", "b"] * 20}, index=who)
    measures = pd.DataFrame({"thalamus": 15000.0, "putamen": 9000.0, "etiv": 1.5e6}, index=who)
    measures[["thalamus", "putamen"]] += rng.normal(0, 500, (60, 2))
    measures["etiv"] += rng.normal(0, 1e5, 60)
    settings = NormSettings(age="linear", age_by_sex=False, head_size="covariate", site=site)
    norms = fit_norms(measures, people, {"thalamus": "fall", "putamen": "fall"}, settings)
    z = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "putamen"])
    gait = OrdinalEvents([[0, 1, 2, 3]], 0.8, biomarkers=["gait"])
    X = pd.DataFrame(rng.normal(1, 1, (60, 2)), columns=["thalamus", "putamen"]).assign(gait=rng.integers(0, 4, 60))
    few = {"covariance": "independent", "n_samples": 0, "n_startpoints": 1}
    return X, norms, path, fit(X, gait, 1, **few), fit(X, MixedEvents([z, gait]), 1, **few)


@pytest.fixture(scope="module", params=["none", "fixed"])
def scored(request, tmp_path_factory):
    """A model of two z and a score and one of the score alone, put together by hand; norms that know sites, and that do not."""
    X, norms, path, alone, both = scored_parts(request.param, tmp_path_factory.mktemp("defined"))
    of = {"disease": "MS", "title": "Scores", "simulated": True}
    return {n: assemble(m, norms, path, **of) for n, m in (("both", both), ("alone", alone))}, X


@pytest.mark.parametrize("name", ["both", "alone"])
def test_somebody_with_a_score_and_no_scan_is_placed_by_it(scored, name):
    models, _ = scored
    given = pd.DataFrame({"participant_id": ["sub-A", "sub-B", "sub-C"], "gait": [3.0, 0.0, np.nan]})
    people = pd.DataFrame({"participant_id": given["participant_id"], "age": [30, 50, 40], "sex": ["F", "M", "F"]})
    placed = models[name].stage(table=given, people=people)
    table = placed.table.set_index("participant_id")
    events = models[name].models["MS"].events
    bare = pd.DataFrame(np.nan, index=["sub-A", "sub-B"], columns=list(events.biomarkers)).assign(gait=[3.0, 0.0])
    want = models[name].models["MS"].assign(bare)
    assert np.allclose(table["p_healthy"], want["p_healthy"]) and list(table.index) == ["sub-A", "sub-B"]
    assert table["p_healthy"].tolist() == sorted(table["p_healthy"])  # the worst score first, and it is not healthy's
    assert set(table["notes"]) == {"placed by scores alone: no z could be made of any measure"}
    assert placed.refused.values.tolist() == [["sub-C", "none of the model's biomarkers could be measured"]]
    assert "placed by scores alone" in placed.page("sub-A")


def test_a_score_beside_a_scan_needs_what_the_norms_need(scored):
    models, _ = scored
    sites = {s.site for s in models["both"].norms.settings.values()} != {"none"}
    row = {"participant_id": ["sub-A"], "thalamus": [13000.0], "putamen": [8900.0], "etiv": [1.5e6], "gait": [2.0]}
    given = pd.DataFrame(row)
    placed = models["both"].stage(table=given, age=41, sex="F", site="b")
    assert not placed.table["notes"].iloc[0] and placed.refused.empty and placed.z.loc["sub-A"].notna().all()
    unknown = models["both"].stage(table=given, age=41, sex="F")
    assert (len(unknown.refused) == 1) == sites
    # a scan of which no z can be made leaves the score
    headless = models["both"].stage(table=given.drop(columns="etiv"), age=41, sex="F", site="b")
    words = "placed by scores alone: no z could be made of any measure; the norms need the head size (etiv, mm3)"
    assert headless.table["notes"].tolist() == [words]


def test_a_model_of_scores_alone_refuses_whoever_has_none(scored):
    models, _ = scored
    given = pd.DataFrame(
        {"participant_id": ["sub-A", "sub-B"], "thalamus": [15000.0, 14000.0], "putamen": 9000.0, "etiv": 1.5e6}
    )
    given["gait"] = [np.nan, 1.0]
    people = pd.DataFrame({"participant_id": ["sub-A", "sub-B"], "age": 40, "sex": "F", "site": "b"})
    placed = models["alone"].stage(table=given, people=people)
    assert placed.table["participant_id"].tolist() == ["sub-B"] == list(placed.z.index)
    assert placed.refused.values.tolist() == [["sub-A", "none of the model's biomarkers has a value"]]


def test_scores_alone_need_nothing_of_combat(tmp_path):
    """Nor do they where the norms need all of their measures; somebody with a part of them lacks the rest."""
    _, norms, path, gait, both = scored_parts("combat", tmp_path)
    model = assemble(both, norms, path, disease="MS", title="Scores")
    given = pd.DataFrame({"participant_id": ["sub-A", "sub-B"], "gait": [3.0, 3.0], "thalamus": [np.nan, 15000.0]})
    given["putamen"], given["etiv"] = np.nan, 1.5e6
    people = pd.DataFrame({"participant_id": ["sub-A", "sub-B"], "age": 40, "sex": "F", "site": "b"})
    placed = model.stage(table=given, people=people)
    assert placed.table["participant_id"].tolist() == ["sub-A"]
    assert placed.refused.values.tolist() == [["sub-B", "the study leaves people with missing measures out: Putamen"]]
    # of another family in the model than in the definitions
    events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "gait"])
    few = {"covariance": "independent", "n_samples": 0, "n_startpoints": 1}
    z = fit(np.random.default_rng(1).normal(1, 1, (40, 2)), events, 1, **few)
    with pytest.raises(ModelError, match="MS: gait is of another family in the model than in the definitions"):
        assemble(z, norms, path, disease="MS", title="Scores")
