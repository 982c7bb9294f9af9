"""The simulated cohort varies as healthy people do: their correlation and site shifts, the published means and SDs."""

import runpy
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neuraxis.cohort.simulated import (
    NORMS,
    healthy_correlation,
    mean_curve,
    norm_of,
    simulate_cohort,
    site_sd,
    site_shifts,
    true_model,
)
from neuraxis.errors import InputError
from neuraxis.normative.norms import NormSettings, zscores

NAMES = list(NORMS)
BRAIN = [b for b in NAMES if b != "cord_csa"]


@pytest.fixture(scope="module")
def resources(request):
    return request.config.rootpath / "resources"


@pytest.fixture(scope="module")
def cohort(resources):
    """Four times the study's size: 4,260 controls, 1,112 and 1,564 patients."""
    return simulate_cohort(resources, scale=4, seed=5)


def z_of(cohort, session="baseline", years=0.0):
    """What was drawn, from the measures: distance from the published norm in its SDs."""
    measures = cohort.measures[cohort.measures["session_id"] == session].set_index("participant_id")
    people = cohort.participants.set_index("participant_id").loc[measures.index]
    age = people["age"] + years
    z = {}
    for b in NAMES:
        mean, sd = norm_of(b, age, people["sex"] == "M", measures["etiv"])
        z[b] = (mean - measures[b]) / sd
    return pd.DataFrame(z), people


def residual_of(cohort, resources, group, session="baseline", years=0.0):
    """The rest when subtype, stage and site are taken out (people stage by stage against the published curves)."""
    z, people = z_of(cohort, session, years)
    truth = cohort.truth[cohort.truth["session_id"] == session].set_index("participant_id").loc[z.index]
    mine = (people["group"] == group).to_numpy()
    z, truth, people = z[mine], truth[mine], people[mine]
    orders, regional = (
        pd.read_csv(resources / f"{t}.tsv", sep="\t", keep_default_na=False) for t in ("event_order", "subtype_z")
    )
    curve = mean_curve(group, truth["subtype"].to_numpy(), truth["stage"].to_numpy(), orders, regional, NAMES)
    left = z - curve
    return left - left.groupby(people["site"]).transform("mean")


def test_the_matrix_is_a_correlation_of_nineteen(resources):
    table = pd.read_csv(resources / "healthy_correlation.tsv", sep="\t", index_col=0)
    assert list(table.index) == list(table.columns) == NAMES
    r = healthy_correlation(resources, NAMES)
    assert (np.diag(r) == 1).all() and np.array_equal(r, r.T) and np.linalg.eigvalsh(r)[0] > 0.1
    brain = table.loc[BRAIN, BRAIN].to_numpy()[np.tril_indices(18, -1)]
    assert brain.mean() == pytest.approx(0.320, abs=0.001) and brain.min() > 0
    assert table.loc["brainstem", "ventral_dc"] == 0.7245 and table.loc["frontal", "cingulate"] == 0.5837
    shuffled = healthy_correlation(resources, NAMES[::-1])
    assert np.array_equal(shuffled, r[::-1, ::-1])
    part = healthy_correlation(resources, ["thalamus", "cord_csa"])
    assert part[0, 1] == table.loc["thalamus", "cord_csa"]


@pytest.mark.parametrize("group", ["HC", "MS", "NMOSD"])
def test_residuals_have_that_correlation_and_an_sd_of_one(cohort, resources, group):
    left = residual_of(cohort, resources, group)
    n = len(left)
    want = healthy_correlation(resources, NAMES)
    off = (left.corr().to_numpy() - want)[np.tril_indices(19, -1)]
    error = ((1 - want**2) / np.sqrt(n))[np.tril_indices(19, -1)]  # of a correlation
    assert np.abs(off / error).max() < 4.2
    assert np.abs(off.mean()) < 3 * 0.3 / np.sqrt(n)
    # SDs as published: n.b. the SD of measures is the norm's SD times this
    assert np.abs(left.std(ddof=10) - 1).max() < 4 / np.sqrt(2 * n)


def test_follow_up_residuals_keep_the_correlation(cohort, resources):
    people = cohort.participants.set_index("participant_id")
    later = cohort.sessions[cohort.sessions["session_id"] == "ses-02"].set_index("participant_id")
    order = cohort.measures.loc[cohort.measures["session_id"] == "ses-02", "participant_id"]
    for group in ("MS", "NMOSD"):
        left = residual_of(cohort, resources, group, "ses-02", later.loc[order, "years"])
        want = healthy_correlation(resources, NAMES)
        off = (left.corr().to_numpy() - want)[np.tril_indices(19, -1)]
        assert np.abs(off).max() < 4.2 / np.sqrt(len(left)) and len(left) > 300
        assert np.abs(left.std(ddof=10) - 1).max() < 4 / np.sqrt(2 * len(left))
        # a person's own residual again at .97, and as much new as keeps the SD at 1
        new = left - 0.97 * residual_of(cohort, resources, group).loc[left.index]
        new -= new.groupby(people.loc[new.index, "site"]).transform("mean")
        np.testing.assert_allclose(new.std(ddof=10), np.sqrt(1 - 0.97**2), rtol=0.15)
    assert set(people.loc[order, "group"]) == {"MS", "NMOSD"}


def test_means_of_healthy_people_are_the_published_norms(cohort):
    z, people = z_of(cohort)
    healthy = z[people["group"] == "HC"]
    site = people.loc[healthy.index, "site"]
    within = healthy - healthy.groupby(site).transform("mean")
    for column in (people["age"], (people["sex"] == "M").astype(float)):
        assert within.corrwith(column[healthy.index]).abs().max() < 4.2 / np.sqrt(len(healthy))


def test_sites_differ_as_public_data_sets_do(cohort, resources):
    want = site_sd(resources, NAMES)
    assert want[NAMES.index("accumbens")] == 0.8362 and want[NAMES.index("cord_csa")] == pytest.approx(0.2778)
    drawn = np.concatenate([site_shifts(resources, NAMES, seed) for seed in range(300)])
    np.testing.assert_allclose(drawn.std(axis=0), want, rtol=0.06)
    # and these are the sites' means of controls and, beside the disease, of patients
    z, people = z_of(cohort)
    shifts = site_shifts(resources, NAMES, 5)
    healthy = people["group"] == "HC"
    mean, n = z[healthy].groupby(people["site"]).mean(), people.loc[healthy, "site"].value_counts().sort_index()
    assert list(mean.index) == [f"site{s:02d}" for s in range(1, 11)]
    assert (np.abs(mean - shifts) * np.sqrt(n.to_numpy())[:, None] < 4.2).all(axis=None)


def test_controls_z_of_the_study_correlate_as_the_matrix_says(cohort, resources):
    """Through the norms: what the model's noise is learnt from."""
    want = healthy_correlation(resources, BRAIN)[np.tril_indices(18, -1)].mean()
    measures = cohort.measures.query("session_id == 'baseline'").drop(columns="session_id")
    healthy = cohort.participants.query("group == 'HC'")
    measures = measures[measures["participant_id"].isin(healthy["participant_id"])]
    z, norms = zscores(measures, healthy, "HC", dict.fromkeys(NAMES, "fall"), NormSettings(site="fixed", folds=3))
    r = norms.covariance.subset(BRAIN).correlation[np.tril_indices(18, -1)]
    assert r.mean() == pytest.approx(want, abs=0.02) and norms.covariance.n == 4260
    assert z.std().between(0.97, 1.04).all()


def test_truth_and_the_true_model(resources):
    small = simulate_cohort(resources, scale=0.05, seed=1)
    assert list(small.truth) == ["participant_id", "group", "subtype", "stage", "session_id"]
    for disease in ("MS", "NMOSD"):
        model = true_model(resources, disease)
        assert model["biomarkers"] == NAMES and model["weights"].shape == (3, 58)
        np.testing.assert_array_equal(model["covariance"], healthy_correlation(resources, NAMES))
        assert model["weights"].sum() == pytest.approx(1)


@pytest.mark.parametrize(("disease", "passing", "most"), [("MS", 0.5 ** (1 / 7.5), 52), ("NMOSD", 0.5 ** (1 / 3), 37)])
def test_the_true_model_has_the_stages_and_the_healthy_of_the_cohort(resources, disease, passing, most):
    model = true_model(resources, disease)
    by_stage = model["weights"][:, 1:].sum(axis=0)
    by_stage /= by_stage.sum()
    # geometric, and all that is drawn beyond the largest stage stands at it
    assert by_stage[[0, 1]] == pytest.approx([1 - passing, passing * (1 - passing)])
    assert by_stage[most - 1] == pytest.approx(passing ** (most - 1)) and by_stage[most:].max() < 1e-9
    regional = pd.read_csv(resources / "subtype_z.tsv", sep="\t", keep_default_na=False)
    orders = pd.read_csv(resources / "event_order.tsv", sep="\t", keep_default_na=False)
    drawn_around = mean_curve(disease, np.array(["NA"]), np.array([0]), orders, regional, NAMES)[0]
    np.testing.assert_array_equal(model["healthy_mean"], drawn_around)
    cord = regional.query("disease == @disease and subtype == 'NA' and biomarker == 'cord_csa'")["mean_z"].astype(float)
    assert model["healthy_mean"][NAMES.index("cord_csa")] == cord.iloc[0] / 2


def test_broken_tables_are_refused(tmp_path, resources):
    shutil.copytree(resources, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "healthy_correlation.tsv"
    good = pd.read_csv(path, sep="\t", index_col=0)
    for spoil, words in (
        (lambda t: t.drop(columns="thalamus"), "no correlation of thalamus"),
        (lambda t: t.drop(index="insula"), "no correlation of insula"),
        (lambda t: t * 1.5, "is no correlation"),
        (lambda t: t.mask(t < 1, 0.99 * np.sign(t - t.median())), "is no correlation"),
    ):
        spoil(good).to_csv(path, sep="\t")
        with pytest.raises(InputError, match=words):
            simulate_cohort(tmp_path, scale=0.05)
    good.to_csv(path, sep="\t")
    sites = pd.read_csv(tmp_path / "healthy_site_sd.tsv", sep="\t")
    sites[1:].to_csv(tmp_path / "healthy_site_sd.tsv", sep="\t", index=False)
    with pytest.raises(InputError, match="no SD of cord_csa"):
        simulate_cohort(tmp_path, scale=0.05)


@pytest.fixture(scope="module")
def script(resources):
    return runpy.run_path(str(resources / "make_healthy_correlation.py"))


def test_the_script_removes_covariates_and_data_sets(script):
    """Planted: r = .6 between residuals; data sets 3 SDs apart; age curved; both must go, and the shifts be found."""
    rng = np.random.default_rng(3)
    n = 3000
    site = rng.choice(list("ABCDEFGH"), n)
    people = pd.DataFrame(
        {
            "age": rng.uniform(20, 80, n),
            "sex": rng.choice(["F", "M"], n),
            "etiv": rng.normal(1.5e6, 1e5, n),
            "site": site,
        }
    )
    e = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], n)
    shift = dict(zip("ABCDEFGH", [-3, -2, -1, -0.5, 0.5, 1, 2, 3], strict=True))
    at = pd.Series(site).map(shift)
    values = pd.DataFrame({"x": 100 + 5 * e[:, 0], "y": 50 + 2 * e[:, 1]})
    values["x"] += 5 * at + 0.02 * (people["age"] - 50) ** 2 + 4 * (people["sex"] == "M") + 3e-5 * people["etiv"]
    values["y"] += -0.3 * people["age"] - 1e-5 * people["etiv"]
    left = script["residuals"](values, people)
    assert left.corr().loc["x", "y"] == pytest.approx(0.6, abs=0.03)
    assert left.groupby(site).mean().abs().to_numpy().max() < 1e-8
    found = script["site_sd"](values, people)
    assert found["x"] == pytest.approx(np.std(list(shift.values()), ddof=1), rel=0.08)
    assert found["y"] < 0.1


def test_the_cords_row_by_hand(script):
    rng = np.random.default_rng(1)
    names = list(NAMES)
    left = pd.DataFrame(rng.standard_normal((42, 19)), columns=names)
    left["brainstem"] += left["cord_csa"]
    r = left.corr()["cord_csa"]
    row = script["cord_row"](left, 5, 0.5)
    assert sorted(row.index) == sorted(BRAIN)
    # 42 people less 5 parameters and 2; 391 and 278 less 3; published .25 and .16 are half of what they should be
    z = (35 * np.arctanh(r[["brainstem", "ventral_dc"]]).mean() + 388 * np.arctanh(0.5) + 275 * np.arctanh(0.32)) / 698
    assert row["brainstem"] == row["ventral_dc"] == pytest.approx(np.tanh(z))
    assert row["cerebral_wm"] == pytest.approx(r["cerebral_wm"])  # nothing published
    matrix = pd.DataFrame(0.5, index=BRAIN, columns=BRAIN)
    blocks = [(391 * m + 278 * n) / 669 / 0.5 for *_, (m, n) in script["PUBLISHED"]]
    assert script["share_left"](matrix) == pytest.approx(np.mean(blocks))


def test_volumes_are_summed_as_the_labels_say(script, resources):
    biomarkers = pd.read_csv(resources / "biomarkers.tsv", sep="\t")
    label_names = pd.read_csv(resources / "labels.tsv", sep="\t").set_index("label")["name"]
    table = pd.DataFrame(
        {"Left-Thalamus": [7000.0, np.nan], "Left-Thalamus-Proper": [np.nan, 7100.0]}
        | {"Right-Thalamus": [6900.0, np.nan], "Right-Thalamus-Proper": [np.nan, 6800.0]}
        | {"lhCerebralWhiteMatterVol": 2e5, "rhCerebralWhiteMatterVol": 2.1e5, "CC_Central": 500.0}
        | {"lh_insula_volume": [6000.0, 6100.0], "rh_insula_volume": [6500.0, np.nan]}
    )
    v = script["volumes"](table, biomarkers, label_names)
    assert v["thalamus"].tolist() == [13900, 13900] and v["cerebral_wm"].tolist() == [4.1e5, 4.1e5]
    assert v["insula"].iloc[0] == 12500 and np.isnan(v["insula"].iloc[1])  # never half a region
    assert v["frontal"].isna().all()


def test_the_tables_are_what_the_script_makes_of_the_public_ones(script, samples, resources):
    matrix, sites, n_brain, n_cord = script["healthy_correlation"](
        pd.read_csv(samples / "openneuro" / "openneuro_fs_volumes_thickness.csv.gz", low_memory=False),
        pd.read_csv(samples / "aomic_piop2" / "DERIVED_piop2_brain_and_cord.csv"),
        pd.read_csv(resources / "biomarkers.tsv", sep="\t"),
        pd.read_csv(resources / "labels.tsv", sep="\t").set_index("label")["name"],
    )
    assert (n_brain, n_cord) == (451, 42)  # one of 452 controls has no sex
    np.testing.assert_allclose(matrix.loc[NAMES, NAMES], healthy_correlation(resources, NAMES), atol=6e-5)
    np.testing.assert_allclose(sites[NAMES], site_sd(resources, NAMES), atol=6e-5)


def summary(cohort):
    """Of every column of every table and every group: rows with a value, mean and SD of numbers, shares of words."""
    group = cohort.participants.set_index("participant_id")["group"]
    rows = []
    for table, frame in vars(cohort).items():
        of = frame["participant_id"].map(group)
        for column in frame.columns.drop(["participant_id", "origin"], errors="ignore"):
            for g, values in frame[column].groupby(of):
                values = values.dropna()
                if pd.api.types.is_numeric_dtype(values) and len(values):
                    rows.append((table, column, g, "", len(values), values.mean(), values.std(ddof=0)))
                else:
                    rows += [
                        (table, column, g, word, n, 0.0, 0.0) for word, n in values.value_counts().sort_index().items()
                    ]
    return pd.DataFrame(rows, columns=["table", "column", "group", "word", "n", "mean", "sd"])


def test_the_simulated_cohort_is_the_one_that_the_documents_tell_of(resources):
    """Planted numbers stand in tables of constants: whoever changes one changes what every page of results says.

    Where that is meant: summary(...).to_csv("tests/data/simulated.tsv", sep="\\t", index=False, float_format="%.8g")
    """
    got = summary(simulate_cohort(resources, scale=0.25, seed=7))
    want = pd.read_csv(Path(__file__).parents[1] / "data/simulated.tsv", sep="\t", keep_default_na=False)
    keys = [
        "table",
        "column",
        "group",
        "word",
    ]  # the order of columns says nothing, and other tests leave tests out and put them back
    got, want = (t.sort_values(keys, ignore_index=True) for t in (got, want.astype(got.dtypes.to_dict())))
    pd.testing.assert_frame_equal(got, want, rtol=1e-6, atol=1e-9)
