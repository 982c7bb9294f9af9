"""Participants tables checked whole; the simulated cohort has the published sizes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from neuraxis.cohort.participants import compare_segmentations, count_images, read_participants, read_times
from neuraxis.cohort.simulated import simulate_cohort
from neuraxis.errors import InputError

SCHEMA = yaml.safe_load((Path(__file__).parents[2] / "workflow/schemas/participants.schema.yaml").read_text())


def write(tmp_path, text):
    path = tmp_path / "participants.tsv"
    path.write_bytes(text.encode("utf-8-sig"))
    return path


def test_every_problem_is_named_at_once(tmp_path):
    path = write(
        tmp_path,
        "participant_id\tgroup\tage\tsex\r\ns1\tHC\t30\tM\r\ns1\tHC\t31\tF\r\ns 2\tHC\t40\tF\r\ns3\tXX\t50\tF\r\ns4\tMS\t300\tF\r\ns5\tMS\t30\tq\r\ns6\tMS\tabc\tF\r\n",
    )
    with pytest.raises(InputError) as error:
        read_participants(path, SCHEMA, control="HC", diseases=["MS"])
    for words in (
        "more than once: s1",
        "odd characters (allowed are letters, digits, - and _): s 2",
        "s3 (XX)",
        "age: outside 5-110 years: s4 (300.0)",
        "sex: not M or F (male or female): s5 (q)",
        "age: not a number: s6 (abc)",
    ):
        assert words in str(error.value)


def test_missing_covariates_are_excluded_by_name(tmp_path):
    path = write(tmp_path, "participant_id\tgroup\tage\tsex\tsite\ns1\tHC\t30\tmale\ta\ns2\tMS\tn/a\tF\ta\n")
    people, flow = read_participants(path, SCHEMA, control="HC", diseases=["MS"])
    assert people["participant_id"].tolist() == ["s1"] and people["sex"].tolist() == ["M"]
    row = flow[(flow["step"] == "age, sex and site known") & (flow["group"] == "MS")].iloc[0]
    assert row["excluded"] == 1 and row["who"] == "s2"


@pytest.mark.parametrize(("text", "words"), [("", "is empty"), ("participant_id\tage\ns1\t3\n", "group, sex")])
def test_unusable_tables(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        read_participants(write(tmp_path, text), SCHEMA, control="HC", diseases=["MS"])


def test_simulated_cohort_has_the_studys_sizes(request):
    resources = request.config.rootpath / "resources"
    cohort = simulate_cohort(resources, seed=2)
    people, measures, truth = (
        t[t["session_id"] == "baseline"].drop(columns="session_id").reset_index(drop=True) if "session_id" in t else t
        for t in (cohort.participants, cohort.measures, cohort.truth)
    )
    assert people["group"].value_counts().to_dict() == {"HC": 1065, "MS": 391, "NMOSD": 278}
    assert (people["origin"] == "SIMULATED").all() and measures["participant_id"].equals(people["participant_id"])
    assert people.groupby("group")["age"].median().to_dict() == pytest.approx(
        {"HC": 45, "NMOSD": 43, "MS": 34}, abs=2.5
    )
    sick = truth[truth["group"] == "MS"]
    assert (sick["subtype"] == "normal-appearing").mean() == pytest.approx(123 / 391, abs=0.06)
    assert (sick.loc[sick["subtype"] == "normal-appearing", "stage"] == 0).all()
    assert sick.loc[sick["stage"] > 0, "stage"].median() == pytest.approx(7.5, abs=2)
    again = simulate_cohort(resources, seed=2)
    for name in cohort.__dataclass_fields__:
        pd.testing.assert_frame_equal(getattr(cohort, name), getattr(again, name))
    assert not cohort.measures.equals(simulate_cohort(resources, seed=3).measures)
    small = measures.merge(people[["participant_id", "group"]]).query("etiv_measured < 1e6")["group"].value_counts()
    assert 8 <= small["MS"] <= 60 and 8 <= small["NMOSD"] <= 60 and "HC" not in small
    # follow-up: later than baseline, of patients, their stages never earlier; visits and relapses inside follow-up
    late = cohort.truth[cohort.truth["session_id"] != "baseline"].merge(truth, on="participant_id", suffixes=("", "_0"))
    assert (late["stage"] >= late["stage_0"]).all() and (cohort.sessions["years"] > 0.9).all()
    end = people.set_index("participant_id")["followup_years"]
    assert (cohort.relapses["years"] <= 6).all() and set(cohort.visits["participant_id"]) == set(end.dropna().index)


def test_phenotype_tables_join_and_clash(tmp_path):
    path = write(tmp_path, "participant_id\tgroup\tage\tsex\ns1\tHC\t30\tM\ns2\tMS\t30\tF\n")
    more = tmp_path / "edss.tsv"
    more.write_text("participant_id\tedss\ns2\t2.5\n")
    people, _ = read_participants(path, SCHEMA, control="HC", diseases=["MS"], phenotype=[more])
    assert people.set_index("participant_id")["edss"].to_dict() == pytest.approx({"s1": np.nan, "s2": 2.5}, nan_ok=True)
    more.write_text("participant_id\tage\ns2\t2\ns2\t3\n")
    clash = tmp_path / "age.tsv"
    clash.write_text("participant_id\tage\ns2\t2\n")
    with pytest.raises(InputError) as error:
        read_participants(path, SCHEMA, control="HX", diseases=["MS", "HC"], phenotype=[more, clash])
    for words in ("listed more than once: s2", "column age is already in", "control group HX"):
        assert words in str(error.value)


def test_orphans_of_both_kinds_are_named(tmp_path, caplog):
    for name in ("s1", "s3"):
        (tmp_path / name / "mri").mkdir(parents=True)
        (tmp_path / name / "mri" / "aseg.mgz").touch()
    people = pd.DataFrame({"participant_id": ["s1", "s2"], "group": ["HC", "MS"]})
    kept, flow = compare_segmentations(people, f"{tmp_path}/{{participant_id}}/mri/aseg.mgz")
    assert kept["participant_id"].tolist() == ["s1"]
    rows = flow.set_index(["step", "group"])
    assert rows.loc[("segmentation found", "MS"), "who"] == "s2"
    assert rows.loc[("segmentation without participant", "n/a"), "who"] == "s3"
    assert "without segmentation: s2; segmentations without participant: s3" in caplog.text
    with pytest.raises(InputError, match="no participant has a segmentation"):
        compare_segmentations(people.iloc[1:], f"{tmp_path}/{{participant_id}}/mri/aseg.mgz")


def test_every_template_is_told_before_anything_is_measured(tmp_path, caplog):
    """How many people it has a file for, who has none; one that fits nobody is an error with its key and a path."""
    caplog.set_level("INFO")
    for path in ("01/ses-a/seg.mgz", "sub-02/ses-b/seg.mgz", "sub-02/ses-b/cord.nii.gz", "sub-03/ses-a/seg.mgz"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    people = pd.DataFrame({"participant_id": ["sub-01", "sub-02", "sub-03"]})
    at = f"{tmp_path}/{{participant_id}}/{{session_id}}"
    given = {
        "features.labels": f"{at}/seg.mgz",
        "features.cord_mask": f"{at}/cord.nii.gz",
        "features.cord_levels_image": "",
    }
    count_images(people, given, baseline="ses-a")
    told = [(r.levelname, r.getMessage()) for r in caplog.records]
    assert told == [
        ("INFO", f"features.labels: 3 of 3 people have a file at {at}/seg.mgz"),
        ("WARNING", f"features.cord_mask: 1 of 3 people has a file at {at}/cord.nii.gz; without: sub-01, sub-03"),
    ]
    wrong = given | {"features.cord_levels_image": f"{at}/leevls.nii.gz", "features.biomarkers, map x": f"{at}/x.nii"}
    with pytest.raises(InputError) as error:
        count_images(people, wrong, baseline="ses-a")
    for words in (
        f"features.cord_levels_image: nobody has a file at {at}/leevls.nii.gz; that of sub-01 would be {tmp_path}/01/ses-a/leevls",
        "features.biomarkers, map x: nobody has",
        "mend the template, or leave it empty",
    ):
        assert words in str(error.value)
    count_images(people, {"features.cord_mask": ""})


def test_tables_over_time(tmp_path):
    path = tmp_path / "sessions.tsv"
    path.write_text("participant_id\tsession_id\tyears\ns1\tses-03\t2\ns1\tses-02\t1.5\nx\tses-02\t1\n")
    table = read_times(path, ["s1"], needed=("session_id", "years"), what="cohort.sessions")
    assert table["session_id"].tolist() == ["ses-02", "ses-03"]
    path.write_text("participant_id\tsession_id\tyears\ns1\tses-02\t0\ns2\tses-02\tsoon\ns2\tses-02\t1\n")
    with pytest.raises(InputError) as error:
        read_times(path, ["s1"], needed=("session_id", "years"), what="cohort.sessions")
    for words in ("cohort.sessions", "no number: s2", "above 0 for a follow-up scan: s1", "listed twice: s2"):
        assert words in str(error.value)
    assert read_times("", ["s1"], needed=("years",), what="x").empty
