"""The stage as the workflow runs it: numbers by hand, who is left out, follow-up at the age of the scan."""

import numpy as np
import pandas as pd
import pytest

from neuraxis.errors import InputError
from neuraxis.normative.norms import NormSettings, fit_norms
from neuraxis.normative.study import controls_anew, leave_out, normative_tables
from neuraxis.tables import read_table, write_table

BIOMARKERS = pd.DataFrame(
    {
        "biomarker": ["thalamus", "ventricles", "asymmetry", "unmeasured"],
        "direction": ["fall", "rise", "fall", "fall"],
        "plausible_low": [100.0, 1.0, 0.0, np.nan],
    }
)
PLAIN = {"age": "linear", "age_by_sex": False, "head_size": "none", "site": "none", "folds": 2}


def study():
    """Thalamus 1000 - 10 (age - 40) in women, 50 more in men; residuals of +-20 that no covariate explains."""
    n = 32
    people = pd.DataFrame(
        {
            "participant_id": [f"sub-{i:02d}" for i in range(n)],
            "group": ["HC"] * 24 + ["MS"] * 8,
            "age": [30.0, 50.0] * 16,
            "sex": ["F", "F", "M", "M"] * 8,
            "site": ["s"] * n,
        }
    )
    noise = np.repeat([20.0, -20.0], 4)[np.arange(n) % 8]
    mean = 1000 - 10 * (people["age"] - 40) + 50 * (people["sex"] == "M")
    measures = pd.DataFrame({"participant_id": people["participant_id"], "etiv": 1.5e6})
    measures["thalamus"] = mean + noise
    measures["ventricles"] = 30.0 + noise / 4
    measures["asymmetry"] = noise / 200
    measures.loc[24:, "thalamus"] -= 60
    return measures, people


NO_SCANS = pd.DataFrame(
    columns=["participant_id", "session_id", "years", "etiv", "thalamus", "ventricles", "asymmetry"]
)
SD = 20 * np.sqrt(24 / 23)  # of the controls' residuals, n - 1


def test_zscores_by_hand():
    measures, people = study()
    shuffled = people.sample(frac=1, random_state=1).reset_index(drop=True)
    made = normative_tables(measures, shuffled, NO_SCANS, BIOMARKERS, PLAIN, control="HC")
    z = made.zscores.set_index("participant_id")
    assert list(z.columns) == ["group", "thalamus", "ventricles", "asymmetry"] and list(z.index) == list(
        measures["participant_id"]
    )
    assert (z["group"] == people.set_index("participant_id").loc[z.index, "group"]).all()
    # the fifth to eighth of eight have residuals of -20: (60 + 20) / SD below what is expected; else 60 - 20
    np.testing.assert_allclose(z.loc["sub-28":, "thalamus"], 80 / SD)
    np.testing.assert_allclose(z.loc["sub-24":"sub-27", "thalamus"], 40 / SD)
    # ventricles rise with disease: larger is positive
    np.testing.assert_allclose(z.loc["sub-28":, "ventricles"], -20 / SD)
    np.testing.assert_allclose(z.loc["sub-24":"sub-27", "ventricles"], 20 / SD)
    assert np.sign(z.loc["sub-00", "thalamus"]) == -1 and np.sign(z.loc["sub-04", "thalamus"]) == 1
    assert made.norms.signed == ("asymmetry",)
    assert made.norms.covariance.biomarkers == ("thalamus", "ventricles", "asymmetry")
    assert made.covariance["n_controls"].eq(24).all() and len(made.covariance) == 6
    assert made.dropped.empty and made.followup.empty
    assert set(made.diagnostics["harmonisation"]) == {"after"}


def test_follow_up_is_judged_at_the_age_of_the_scan():
    measures, people = study()
    scans = pd.DataFrame(
        {
            "participant_id": ["sub-31", "sub-24", "sub-31", "sub-90"],
            "session_id": ["ses-03", "ses-02", "ses-02", "ses-02"],
            "years": [4.0, 1.5, 2.0, 1.0],
            "etiv": 1.5e6,
            "thalamus": [850.0, 1000.0, 900.0, 1.0],
            "ventricles": 30.0,
            "asymmetry": 0.0,
        }
    )
    made = normative_tables(measures, people, scans, BIOMARKERS, PLAIN, control="HC")
    later = made.followup
    # a man of 50 at baseline, 54 and 52 then; a woman of 30, 31.5 then; sub-90 has no baseline measures
    expected = [1000 - 140 + 50, 1000 + 85, 1000 - 120 + 50]
    np.testing.assert_allclose(later["thalamus"], (np.array(expected) - [850, 1000, 900]) / SD)
    assert later["participant_id"].tolist() == ["sub-31", "sub-24", "sub-31"]
    assert later["session_id"].tolist() == ["ses-03", "ses-02", "ses-02"] and later["years"].tolist() == [4, 1.5, 2]
    scans["years"] = [1.0, None, 2.0, 3.0]
    with pytest.raises(InputError, match="without years since baseline: sub-24"):
        normative_tables(measures, people, scans, BIOMARKERS, PLAIN, control="HC")
    scans["years"], scans.loc[2, "ventricles"] = 1.0, 0.0
    with pytest.raises(InputError, match=r"ventricles: sub-31 ses-02 \(0\)"):
        normative_tables(measures, people, scans, BIOMARKERS, PLAIN, control="HC")


@pytest.mark.parametrize(
    ("missing", "site", "gone"),
    [
        ("keep", "none", {"sub-26": "thalamus, ventricles, asymmetry"}),
        ("drop", "none", {"sub-03": "ventricles", "sub-25": "etiv", "sub-26": "thalamus, ventricles, asymmetry"}),
        ("keep", "combat", {"sub-03": "ventricles", "sub-25": "etiv", "sub-26": "thalamus, ventricles, asymmetry"}),
    ],
)
def test_who_is_left_out_and_for_what(missing, site, gone):
    measures, people = study()
    measures = measures.set_index("participant_id").assign(note=np.nan)  # another empty column is nobody's loss
    measures.loc["sub-03", "ventricles"] = np.nan
    measures.loc["sub-25", "etiv"] = np.nan
    measures.loc["sub-26", ["thalamus", "ventricles", "asymmetry"]] = np.nan
    names = ["thalamus", "ventricles", "asymmetry"]
    by_id = people.set_index("participant_id")[::-1]
    kept, dropped = leave_out(measures, by_id, names, missing, NormSettings(site=site))
    assert dropped.set_index("participant_id")["missing"].to_dict() == gone
    assert dropped.set_index("participant_id")["group"].to_dict() == {p: "HC" if p == "sub-03" else "MS" for p in gone}
    assert list(kept.index) == [p for p in measures.index if p not in gone]


def test_dropping_missing_values_counts_scores_that_the_models_see():
    """A score has no norm; who lacks it is dropped where people with anything missing are, and by ComBat not."""
    measures, people = study()
    measures["gait"] = np.arange(len(measures), dtype=float) % 4
    measures.loc[[3, 27], "gait"] = np.nan
    measures.loc[5, "thalamus"] = np.nan
    defined = BIOMARKERS.assign(family="zscore", kind="labels")
    defined.loc[len(defined)] = ["gait", "rise", 0.0, "ordinal", "column"]
    made = {
        missing: normative_tables(measures, people, NO_SCANS, defined, PLAIN | {"missing": missing}, control="HC")
        for missing in ("drop", "keep")
    }
    gone = made["drop"].dropped.set_index("participant_id")["missing"].to_dict()
    assert gone == {"sub-03": "gait", "sub-27": "gait", "sub-05": "thalamus"}
    assert len(made["drop"].values) == len(measures) - 3 and not made["drop"].values["gait"].isna().any()
    assert made["keep"].dropped.empty and made["keep"].values["gait"].isna().sum() == 2
    by_id = people.set_index("participant_id")
    combat = leave_out(
        measures.set_index("participant_id"), by_id, ["thalamus"], "keep", NormSettings(site="combat"), False, ["gait"]
    )
    assert combat[1]["participant_id"].tolist() == ["sub-05"]


def test_head_size_is_needed_where_a_norm_has_a_term_for_it_and_nowhere_else():
    measures, people = study()
    made = normative_tables(measures, people, NO_SCANS, BIOMARKERS, PLAIN, control="HC")
    none = measures.assign(etiv=np.nan)
    chosen = PLAIN | {"missing": "drop"}
    bare = normative_tables(none, people, NO_SCANS, BIOMARKERS, chosen, control="HC")
    pd.testing.assert_frame_equal(bare.zscores, made.zscores)
    assert bare.dropped.empty
    for site in ("none", "combat"):
        at = people.assign(site=["a", "b"] * 16)
        sized = PLAIN | {"site": site, "min_site_controls": 3, "head_size": "covariate"}
        wanted = (
            r"nobody has a head size \(etiv\), and the norms of thalamus, ventricles, asymmetry have a head-size term"
        )
        with pytest.raises(InputError, match=wanted):
            normative_tables(none, at, NO_SCANS, BIOMARKERS, sized | {"missing": "keep"}, control="HC")
    one = PLAIN | {"overrides": {"ventricles": {"head_size": "proportional"}}}
    with pytest.raises(InputError, match="the norms of ventricles have a head-size term"):
        normative_tables(none, people, NO_SCANS, BIOMARKERS, one, control="HC")


def test_site_checks_come_before_and_after_the_site_term():
    measures, people = study()
    people["site"] = [("a", "b")[(i // 2) % 2] for i in range(32)]
    people["sex"] = "F"
    measures.loc[people["site"] == "b", "thalamus"] += 40
    chosen = PLAIN | {"site": "fixed", "min_site_controls": 5, "overrides": {"ventricles": {"site": "none"}}}
    chosen["overrides"]["thalamus"] = {"site": "fixed"}  # its own choice of a site term goes, too
    made = normative_tables(measures, people, NO_SCANS, BIOMARKERS, chosen, control="HC")
    checks = made.diagnostics.query("biomarker == 'thalamus' and check == 'site'")
    means = checks.set_index(["harmonisation", "part"])["mean"]
    assert means["before", "b"] < -0.8 < 0.8 < means["before", "a"]
    assert means[["after"]].abs().max() < 0.2
    before = made.diagnostics[made.diagnostics["harmonisation"] == "before"]
    assert set(before["check"]) == {"site", "association"} and set(before.loc[before["check"] != "site", "part"]) == {
        "site"
    }


def test_the_tables_survive_the_disk(tmp_path):
    measures, people = study()
    made = normative_tables(measures, people, NO_SCANS, BIOMARKERS, PLAIN, control="HC")
    write_table(made.covariance, tmp_path / "covariance.tsv")
    again = read_table(tmp_path / "covariance.tsv")
    pd.testing.assert_frame_equal(again, made.covariance, check_dtype=False, rtol=1e-5)


def test_unknown_settings_are_refused_by_name():
    measures, people = study()
    for settings, words in (
        (PLAIN | {"overrides": {"thalamus": {"agee": "linear"}}}, "overrides of thalamus has unknown keys: agee"),
        (PLAIN | {"overrides": {"putamen": {}}}, "unknown biomarkers: putamen"),
        (PLAIN | {"age": "cubic", "sd": "site"}, "normative.age.*normative.sd"),
        (PLAIN | {"folds": 1}, "normative.folds must be a whole number of at least 2"),
        (PLAIN | {"min_site_controls": 2}, "normative.min_site_controls .* at least 3"),
        (PLAIN | {"robust": "yes"}, "normative.robust must be true or false"),
        (PLAIN | {"folds": 20}, "24 controls are too few for 20 folds"),
    ):
        with pytest.raises(InputError, match=words):
            normative_tables(measures, people, NO_SCANS, BIOMARKERS, settings, control="HC")
    with pytest.raises(InputError, match="no controls"):
        normative_tables(measures, people, NO_SCANS, BIOMARKERS, PLAIN, control="healthy")


def one_age(values, **changes):
    """A norm of constant mean (one sex, ages balanced over the values), for spreads computed by hand."""
    n = len(values)
    people = pd.DataFrame(
        {"age": [30.0, 50.0] * n, "sex": "F", "site": "s"},
        index=pd.Index([f"sub-{i:02d}" for i in range(2 * n)], name="participant_id"),
    )
    measures = pd.DataFrame({"x": np.repeat(values, 2), "etiv": 1.5e6}, index=people.index)
    chosen = NormSettings(**{"age": "linear", "age_by_sex": False, "head_size": "none", **changes})
    return fit_norms(measures, people, {"x": "fall"}, chosen).models["x"]


def test_robust_spread_is_the_median_absolute_deviation_scaled_to_an_sd():
    values = [100.0, 101, 99, 102, 98, 103, 97, 100, 104, 96, 1000]
    robust, plain = one_age(values, robust=True), one_age(values)
    centre = robust["coefficients"][0]
    assert centre == pytest.approx(100, abs=0.5) and plain["coefficients"][0] > 180
    residual = np.array(values) - centre
    unscaled = np.median(np.abs(residual - np.median(residual)))
    assert robust["sd"] == pytest.approx([unscaled / 0.6744897501960817, 0])
    assert plain["sd"][0] == pytest.approx(np.std(np.repeat(values, 2), ddof=1))


def test_a_spread_that_changes_with_age_by_hand():
    people = pd.DataFrame({"age": [30.0] * 20 + [50.0] * 20, "sex": "F", "site": "s"})
    people.index = pd.Index([f"sub-{i:02d}" for i in range(40)], name="participant_id")
    values = np.array([1000.0 + s * d for d in (10, 30) for s in (1, -1) * 10])
    measures = pd.DataFrame({"x": values, "etiv": 1.5e6}, index=people.index)
    chosen = NormSettings(age="linear", age_by_sex=False, head_size="none", sd="age")
    norms = fit_norms(measures, people, {"x": "rise"}, chosen)
    # mean |residual| 10 and 30 at 30 and 50 years: SD = sqrt(pi / 2) times that, 20 at the mean age, 10 more a decade
    assert norms.models["x"]["sd"] == pytest.approx([20 * np.sqrt(np.pi / 2), 10 * np.sqrt(np.pi / 2)])
    new = pd.DataFrame({"age": [30.0, 50.0, 22.0], "sex": "F", "site": "s"}, index=["a", "b", "c"])
    z = norms.apply(pd.DataFrame({"x": 1030.0, "etiv": 1.5e6}, index=new.index), new, quiet=True)["x"]
    # at 22 years the line gives 2 x sqrt(pi / 2), below a quarter of the mean SD, which is 5 x sqrt(pi / 2)
    np.testing.assert_allclose(z, np.array([3, 1, 6]) / np.sqrt(np.pi / 2), rtol=1e-9)


def test_each_reason_why_no_norm_can_be_fitted():
    with pytest.raises(InputError, match="x: too few values of 2 controls"):
        one_age([5.0])
    with pytest.raises(InputError, match="x: constant in 12 controls"):
        one_age([5.0] * 6)
    with pytest.raises(InputError, match="x: 4 controls for 3 parameters"):
        one_age([5.0, 6.0], head_size="none", age="quadratic")
    assert one_age([5.0, 6.0])["n"] == 4  # two parameters


def test_controls_who_are_modelled_are_unknown_to_their_norms():
    measures, people = study()
    modelled = pd.Index([f"sub-{i}" for i in range(16, 24)])
    measures.loc[16:23, "thalamus"] -= 60
    shuffled = people.sample(frac=1, random_state=2)
    z = controls_anew(measures, shuffled, BIOMARKERS, PLAIN, modelled, control="HC")
    assert set(z.index) == set(people.loc[:23, "participant_id"]) and "group" not in z
    sd = 20 * np.sqrt(16 / 15)
    np.testing.assert_allclose(z.loc["sub-16":"sub-19", "thalamus"], 40 / sd)
    np.testing.assert_allclose(z.loc["sub-20":"sub-23", "thalamus"], 80 / sd)
    # the others are judged as if those did not exist
    alone = normative_tables(
        measures[:16], people[:16], NO_SCANS, BIOMARKERS, PLAIN, control="HC", seed=1
    ).values.set_index("participant_id")
    np.testing.assert_allclose(z.loc[alone.index, "thalamus"], alone["thalamus"])
    assert people["group"].tolist() == ["HC"] * 24 + ["MS"] * 8
