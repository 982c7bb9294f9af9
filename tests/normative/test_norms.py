"""Norms: planted effects removed, disease kept, presets by hand, harmonisation by the library, no leakage."""

import json
import time
import warnings

import numpy as np
import pandas as pd
import pytest

from neuraxis.errors import InputError, NeuraxisWarning
from neuraxis.normative.diagnostics import diagnose
from neuraxis.normative.fit import random_intercept
from neuraxis.normative.harmonisation import apply_combat, learn_combat
from neuraxis.normative.norms import (
    STUDY,
    Norms,
    NormSettings,
    fit_norms,
    zscores,
)

FALL = {"a": "fall", "b": "fall", "c": "rise"}


def cohort(n=600, patients=200, effect=1.2, seed=0, site_sd=0.0, curved=False):
    """Measures with planted age, sex, head size and site effects; patients differ by `effect` SDs."""
    rng = np.random.default_rng(seed)
    total = n + patients
    people = pd.DataFrame(
        {
            "group": ["HC"] * n + ["MS"] * patients,
            "age": rng.uniform(20, 75, total),
            "sex": rng.choice(["F", "M"], total),
            "site": rng.choice(["s1", "s2", "s3", "s4"], total),
        },
        index=[f"p{i}" for i in range(total)],
    )
    etiv = rng.normal(1.45e6, 1e5, total) + 1.2e5 * (people["sex"] == "M")
    shift = dict(zip(["s1", "s2", "s3", "s4"], rng.normal(0, site_sd, 4), strict=True))
    measures = pd.DataFrame({"etiv": etiv}, index=people.index)
    for name, direction in FALL.items():
        age = (people["age"] - 45) / 10
        mean = 10000 - 300 * age + 400 * (people["sex"] == "M") + 4e-3 * (etiv - 1.45e6)
        if curved:
            mean -= 120 * age**2
        sign = -1 if direction == "fall" else 1
        z = rng.standard_normal(total) + effect * (people["group"] == "MS")
        measures[name] = mean + 700 * (sign * z + people["site"].map(shift))
    return measures, people


@pytest.mark.parametrize(
    "settings",
    [
        NormSettings(),
        NormSettings(age="quadratic"),
        NormSettings(head_size="power"),
        NormSettings(robust=True),
        NormSettings(sd="age"),
        NormSettings(site="fixed"),
        NormSettings(site="combat"),
        NormSettings(site="random"),
    ],
    ids=["spline", "quadratic", "power", "robust", "sd", "fixed", "combat", "random"],
)
def test_planted_effects_go_and_disease_stays(settings):
    errors = []
    for seed in range(3):
        measures, people = cohort(
            n=1500,
            patients=2000,
            seed=seed,
            site_sd=0.5 if settings.site != "none" else 0,
            curved=settings.age != "linear",
        )
        z, _ = zscores(measures, people, "HC", FALL, settings)
        sick = z[people["group"] == "MS"]
        errors.append(sick.mean() - 1.2)
        healthy = z[people["group"] == "HC"]
        assert healthy.mean().abs().max() < 0.05
        assert healthy.std().between(0.95, 1.05).all()
        for column in (people["age"], (people["sex"] == "M").astype(float), measures["etiv"]):
            assert healthy.corrwith(column[healthy.index]).abs().max() < 0.06
        if settings.site != "none":
            assert healthy.groupby(people["site"]).mean().abs().max().max() < 0.15
    # averaged over cohorts and measures the bias vanishes
    assert abs(np.mean(errors)) < 0.05


def test_study_preset_equals_a_hand_computation():
    measures, people = cohort(n=200, patients=50)
    z, norms = zscores(measures, people, "HC", FALL, STUDY)
    healthy = people["group"] == "HC"
    X = np.column_stack([np.ones(len(people)), people["age"], people["sex"] == "M", measures["etiv"]]).astype(float)
    scale = X.std(axis=0) + (X.std(axis=0) == 0)
    beta, *_ = np.linalg.lstsq(X[healthy] / scale, measures.loc[healthy, "a"], rcond=None)
    residual = measures["a"] - X / scale @ beta
    by_hand = -residual / residual[healthy].std(ddof=1)
    np.testing.assert_allclose(z.loc[~healthy, "a"], by_hand[~healthy], rtol=1e-7, atol=1e-7)
    again = norms.apply(measures[~healthy], people)
    pd.testing.assert_frame_equal(again, z[~healthy])


@pytest.mark.parametrize("gam", [False, True])
def test_combat_equals_the_library_and_survives_saving(tmp_path, monkeypatch, gam):
    from neuroHarmonize import harmonizationApply, harmonizationLearn
    from statsmodels.gam import generalized_additive_model as gam_models

    measures, people = cohort(n=200, patients=60, site_sd=0.8, curved=gam)
    healthy = (people["group"] == "HC").to_numpy()
    people.loc[~healthy, "age"] = people.loc[~healthy, "age"].clip(
        people.loc[healthy, "age"].min(), people.loc[healthy, "age"].max()
    )
    names = list(FALL)

    def covariates(rows):
        return pd.DataFrame(
            {
                "SITE": people["site"],
                "AGE": people["age"],
                "MALE": (people["sex"] == "M").astype(float),
                "ETIV": measures["etiv"] / 1e6,
            }
        )[rows]

    # the library shuffles the folds of its penalty search without a seed, and takes none
    folds = gam_models.KFold
    monkeypatch.setattr(gam_models, "KFold", lambda *args, **kwargs: folds(*args, **{**kwargs, "rng": 0}))
    model, _ = harmonizationLearn(
        measures.loc[healthy, names].to_numpy(), covariates(healthy), smooth_terms=["AGE"] if gam else []
    )
    want = harmonizationApply(measures.loc[~healthy, names].to_numpy(), covariates(~healthy), model)
    parts = [
        (measures.loc[r, names], people[r], measures.loc[r, "etiv"], people.loc[r, "site"]) for r in (healthy, ~healthy)
    ]
    ours = json.loads(json.dumps(learn_combat(*parts[0], gam=gam)))
    np.testing.assert_allclose(apply_combat(ours, *parts[1]), want, rtol=1e-9)
    assert "p0" not in json.dumps(ours) and len(json.dumps(ours)) < 5000  # nobody's data in the norm
    settings = NormSettings(site="combat_gam" if gam else "combat")
    norms = fit_norms(measures[healthy], people, FALL, settings)
    norms.save(tmp_path / "norms.json")
    again = Norms.load(tmp_path / "norms.json")
    pd.testing.assert_frame_equal(again.apply(measures[~healthy], people), norms.apply(measures[~healthy], people))
    with pytest.raises(InputError, match="pools over biomarkers"):
        fit_norms(measures[healthy], people, FALL, settings, {"a": {"site": "none"}})


def test_combat_without_head_size_equals_the_library_without_it(tmp_path):
    from neuroHarmonize import harmonizationApply, harmonizationLearn

    measures, people = cohort(n=200, patients=60, site_sd=0.8)
    healthy = (people["group"] == "HC").to_numpy()
    names, none = list(FALL), measures.assign(etiv=np.nan)
    known = pd.DataFrame({"SITE": people["site"], "AGE": people["age"], "MALE": (people["sex"] == "M").astype(float)})
    model, _ = harmonizationLearn(measures.loc[healthy, names].to_numpy(), known[healthy])
    want = harmonizationApply(measures.loc[~healthy, names].to_numpy(), known[~healthy], model)
    parts = [(none.loc[r, names], people[r], none.loc[r, "etiv"], people.loc[r, "site"]) for r in (healthy, ~healthy)]
    ours = json.loads(json.dumps(learn_combat(*parts[0], sized=False)))
    np.testing.assert_allclose(apply_combat(ours, *parts[1]), want, rtol=1e-9)
    norms = fit_norms(none[healthy], people, FALL, NormSettings(site="combat", head_size="none"))
    norms.save(tmp_path / "norms.json")
    z = Norms.load(tmp_path / "norms.json").apply(none[~healthy], people)
    assert z.notna().all(axis=None)
    pd.testing.assert_frame_equal(z, norms.apply(none[~healthy], people))


def test_held_out_controls_do_not_touch_their_norm():
    """A control's z depends on its own measure only through itself: the norm that judges it never saw it."""
    measures, people = cohort(n=100, patients=0)
    z, _ = zscores(measures, people, "HC", FALL, NormSettings(age="linear", folds=5))
    changed = measures.copy()
    changed.loc["p3", "a"] += 7000
    z2, norms2 = zscores(changed, people, "HC", FALL, NormSettings(age="linear", folds=5))
    same_fold_moves = (z2["a"] - z["a"]).abs()
    assert same_fold_moves["p3"] > 5
    # people of p3's fold were judged by norms without p3: exactly as before
    assert (same_fold_moves.drop("p3") == 0).sum() >= 100 // 5 - 2
    assert (z2[["b", "c"]] == z[["b", "c"]]).all().all()
    slope = (z2.loc["p3", "a"] - z.loc["p3", "a"]) / -7000
    assert np.isfinite(slope) and norms2.controls["n"] == 100


def test_controls_spread_is_honest_with_few_controls():
    """In-sample z shrink with many parameters; out-of-sample ones do not."""
    inside, outside = [], []
    for seed in range(12):
        measures, people = cohort(n=40, patients=0, seed=seed)
        settings = NormSettings(folds=10)
        z, norms = zscores(measures, people, "HC", FALL, settings)
        outside.append(z.std().mean())
        inside.append(norms.apply(measures, people).std().mean())
    assert np.mean(inside) == pytest.approx(1, abs=0.01)
    assert np.mean(outside) > 1.05


def test_missing_values_stay_missing():
    measures, people = cohort(n=120, patients=20)
    measures.loc["p125", "a"] = np.nan
    people.loc["p126", "age"] = np.nan
    z, _ = zscores(measures, people, "HC", FALL, NormSettings())
    assert np.isnan(z.loc["p125", "a"]) and np.isfinite(z.loc["p125", "b"])
    assert z.loc["p126"].isna().all()


def test_new_people_outside_the_norm_are_announced():
    measures, people = cohort(n=120, patients=5)
    people.loc["p121", "age"] = 90
    norms = fit_norms(measures[people["group"] == "HC"], people, FALL, NormSettings(site="fixed"))
    with pytest.warns(NeuraxisWarning, match="p121.*extrapolated"):
        norms.apply(measures.loc[["p121"]], people)
    people.loc["p122", "site"] = "s9"
    with pytest.raises(InputError, match="s9"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        norms.apply(measures.loc[["p122"]], people)
    plain = fit_norms(measures[people["group"] == "HC"], people, FALL, NormSettings())
    with pytest.warns(NeuraxisWarning, match="1 person comes from sites without controls.*s9"):
        plain.apply(measures.loc[["p122"]], people)
    people.loc["p123", "sex"] = "other"
    with pytest.raises(InputError, match="other"):
        norms.apply(measures.loc[["p123"]], people)


def test_small_sites_are_pooled_or_refused():
    measures, people = cohort(n=200, patients=10)
    column = people.columns.get_loc("site")
    people.iloc[:7, column], people.iloc[7:12, column] = "tiny", "small"
    healthy = people["group"] == "HC"
    norms = fit_norms(measures[healthy], people, FALL, NormSettings(site="fixed", min_site_controls=10))
    assert norms.controls["pooled_sites"] == ["small", "tiny"]
    assert norms.controls["n_by_site"]["pooled small sites"] == 12
    assert np.isfinite(norms.apply(measures.loc[["p1", "p8"]], people).to_numpy()).all()
    with pytest.raises(InputError, match=r"small \(5\), tiny \(7\)"):
        fit_norms(measures[healthy], people, FALL, NormSettings(site="fixed", small_sites="refuse"))
    # both together are 12, which is enough at 12; at 13 the pool is no norm either
    enough = fit_norms(measures[healthy], people, FALL, NormSettings(site="fixed", min_site_controls=12))
    assert enough.controls["pooled_sites"] == ["small", "tiny"]
    with pytest.raises(InputError, match="pooled they have only 12"):
        fit_norms(measures[healthy], people, FALL, NormSettings(site="fixed", min_site_controls=13))
    # without a site term nothing is pooled
    assert fit_norms(measures[healthy], people, FALL, NormSettings()).controls["pooled_sites"] == []


@pytest.mark.parametrize("site", ["fixed", "random", "combat", "combat_gam"])
@pytest.mark.parametrize("alone", [1, 2, 9])
def test_a_pool_that_is_too_small_is_refused(site, alone):
    measures, people = cohort(n=60, patients=20)
    people["site"] = ["B"] * alone + ["A"] * (60 - alone) + ["A", "B"] * 10
    with pytest.raises(InputError, match=rf"B \({alone}\); pooled they have only {alone}.*normative.site to none"):
        zscores(measures, people, "HC", FALL, NormSettings(site=site, age="linear", folds=5))


@pytest.mark.parametrize("site", ["fixed", "random", "combat", "combat_gam"])
def test_every_site_of_the_norm_stays_in_every_training_fold(site):
    """Three controls at a site are never held out together, nor is a pool of sites of one."""
    for seed in range(4):
        measures, people = cohort(n=60, patients=6, seed=seed)
        people["site"] = ["A"] * 49 + ["B"] * 3 + [f"one{i}" for i in range(8)] + ["A", "B", "one3"] * 2
        settings = NormSettings(site=site, age="linear", age_by_sex=False, folds=3, min_site_controls=3)
        z, norms = zscores(measures, people, "HC", FALL, settings, seed=seed)
        assert norms.controls["n_by_site"] == {"A": 49, "B": 3, "pooled small sites": 8}
        assert np.isfinite(z.to_numpy()).all()


def test_combat_needs_two_controls_of_a_site_in_every_fold():
    measures, people = cohort(n=60, patients=4)
    people["site"] = ["A"] * 57 + ["B"] * 7
    settings = NormSettings(site="combat", age="linear", folds=2, min_site_controls=3)
    with pytest.raises(InputError, match="one control: B.*normative.folds"):
        zscores(measures, people, "HC", FALL, settings)


def test_folds_do_not_depend_on_the_order_of_rows():
    measures, people = cohort(n=90, patients=10)
    settings = NormSettings(site="fixed", folds=5)
    z, _ = zscores(measures, people, "HC", FALL, settings)
    shuffled = measures.sample(frac=1, random_state=3)
    again, _ = zscores(shuffled, people.sample(frac=1, random_state=4), "HC", FALL, settings)
    assert list(again.index) == list(shuffled.index)
    pd.testing.assert_frame_equal(again.loc[z.index], z, rtol=1e-9, atol=1e-9)


def test_all_sites_small_is_said():
    measures, people = cohort(n=32, patients=4)
    people["site"] = [f"s{i % 4}" for i in range(36)]
    with pytest.warns(NeuraxisWarning, match="every site has fewer than 10 controls.*no site term"):
        fit_norms(measures.iloc[:32], people, FALL, NormSettings(site="fixed", age="linear"))


def test_choices_per_biomarker():
    measures, people = cohort(n=150, patients=0)
    norms = fit_norms(measures, people, FALL, NormSettings(), {"b": {"head_size": "none"}})
    assert len(norms.models["a"]["coefficients"]) == len(norms.models["b"]["coefficients"]) + 1
    with pytest.raises(InputError, match="unknown biomarkers: q"):
        fit_norms(measures, people, FALL, NormSettings(), {"q": {}})


@pytest.mark.parametrize(
    ("spoil", "settings", "words"),
    [
        (lambda m, p: (m.iloc[:0], p), NormSettings(), "no controls"),
        (lambda m, p: (m.assign(b=5.0), p), NormSettings(), "b: constant"),
        (lambda m, p: (m.iloc[:6], p), NormSettings(), "6 controls for"),
        (lambda m, p: (m, p.assign(site="only")), NormSettings(site="combat"), "at least two sites"),
        (lambda m, p: (m, p.assign(age=30.0)), NormSettings(), "too alike for a spline"),
        (lambda m, p: (m, p.assign(age=30.0)), NormSettings(age="linear"), "collinear"),
    ],
)
def test_impossible_norms_are_refused(spoil, settings, words):
    measures, people = spoil(*cohort(n=100, patients=0))
    with pytest.raises(InputError, match=words):
        fit_norms(measures, people, FALL, settings)


def test_one_sex_only_is_possible_and_an_unknown_word_is_not():
    measures, people = cohort(n=100, patients=0)
    norms = fit_norms(measures, people.assign(sex="F"), FALL, NormSettings())
    assert norms.controls["n_by_sex"] == {"F": 100}
    with pytest.raises(InputError, match="normative.age"):
        NormSettings(age="cubic")


def test_diagnostics_see_what_was_left_in():
    measures, people = cohort(n=800, patients=0, site_sd=1.0)
    left, _ = zscores(measures, people, "HC", FALL, NormSettings(site="none"))
    removed, _ = zscores(measures, people, "HC", FALL, NormSettings(site="fixed"))
    before, after = (diagnose(z, people, measures["etiv"]) for z in (left, removed))
    assert (before.query("check == 'site'")["passed"] == False).any()  # noqa: E712
    assert after["passed"].all()
    assert "site explains" in " ".join(before["why"].fillna(""))


def test_real_healthy_people(samples):
    """Multi-site FreeSurfer volumes of healthy people: site terms bring z of every site to mean 0."""
    table = pd.read_csv(samples / "openneuro" / "openneuro_fs_volumes_thickness.csv.gz")
    lower = {c.lower(): c for c in table.columns}
    site = next(lower[c] for c in ("dataset", "site", "ds") if c in lower)
    age = next(c for c in table.columns if c.lower().startswith("age"))
    sex = next(c for c in table.columns if c.lower() == "sex")
    volume = next(c for c in table.columns if "thalamus" in c.lower() and "left" in c.lower())
    etiv = next(c for c in table.columns if "estimatedtotalintracranialvol" in c.lower() or c.lower() == "etiv")
    people = pd.DataFrame(
        {
            "group": "HC",
            "age": pd.to_numeric(table[age], errors="coerce"),
            "sex": table[sex].astype(str).str[0].str.upper(),
            "site": table[site].astype(str),
        }
    )
    keep = people["age"].notna() & people["sex"].isin(["M", "F"]) & table[volume].notna() & table[etiv].notna()
    measures = pd.DataFrame({"a": table[volume], "etiv": table[etiv]})[keep]
    people = people[keep]
    people.index = measures.index = [f"p{i}" for i in range(len(people))]
    z, _ = zscores(measures, people, "HC", {"a": "fall"}, NormSettings(site="fixed"))
    sites = z["a"].groupby(people["site"]).agg(["mean", "size"])
    assert sites.loc[sites["size"] >= 10, "mean"].abs().max() < 0.25
    assert z["a"].std() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda d: d.pop("models"), "models is missing"),
        (lambda d: d["models"].pop("a"), "not of the same biomarkers"),
        (lambda d: d["models"]["b"].pop("sd"), "sd is missing"),
        (lambda d: d["controls"].pop("pooled_sites"), "pooled_sites is missing"),
        (lambda d: d["models"]["b"]["coefficients"].__setitem__(1, float("nan")), "finite numbers"),
        (lambda d: d["models"]["b"].update(sd=["wide", 0]), "finite numbers"),
        (lambda d: d["settings"]["c"].update(colour="red"), "colour"),
        (lambda d: d["settings"]["c"].update(age="cubic"), "normative.age"),
    ],
)
def test_damaged_norms_are_refused(tmp_path, spoil, words):
    measures, people = cohort(n=60, patients=0)
    norms = fit_norms(measures, people, FALL, NormSettings(age="linear"))
    d = json.loads(json.dumps(norms.to_dict()))
    pd.testing.assert_frame_equal(Norms.from_dict(d).apply(measures, people), norms.apply(measures, people))
    spoil(d)
    (tmp_path / "norms.json").write_text(json.dumps(d))
    with pytest.raises(InputError, match=words):
        Norms.load(tmp_path / "norms.json")


@pytest.mark.parametrize(("spread", "seed"), [(0.0, 2), (0.3, 3), (2.0, 4)])
def test_random_intercepts_are_those_of_the_restricted_likelihood(spread, seed):
    rng = np.random.default_rng(seed)
    sizes = np.array([2, 5, 9, 30, 4])
    code = rng.permutation(np.repeat(np.arange(5), sizes))
    site = pd.Series(np.array(list("ebdca"))[code])
    X = np.column_stack([np.ones(50), rng.normal(size=50), rng.random(50) < 0.3])
    y = 900 + 40 * (X[:, 1] + spread * rng.normal(size=5)[code] + rng.normal(size=50))

    def whole(ratio):  # by the covariance of everybody, as in the textbook
        V = np.eye(50) + ratio * (code[:, None] == code)
        inverse = np.linalg.inv(V)
        beta = np.linalg.solve(X.T @ inverse @ X, X.T @ inverse @ y)
        rest = y - X @ beta
        fit = 47 * np.log(rest @ inverse @ rest)
        return fit + np.linalg.slogdet(V)[1] + np.linalg.slogdet(X.T @ inverse @ X)[1], beta, inverse @ rest

    ratios = np.concatenate([[0], np.geomspace(1e-5, 1e4, 20001)])
    best = ratios[np.argmin([whole(r)[0] for r in ratios[::50]]) * 50]
    near = ratios[(ratios >= best / 1.2) & (ratios <= best * 1.2)]
    best = near[np.argmin([whole(r)[0] for r in near])]
    _, beta, rest = whole(best)
    want = {s: best * rest[site == s].sum() for s in "abcde"}
    coefficients, effects = random_intercept(y, X, site)
    np.testing.assert_allclose(coefficients, beta, rtol=2e-5, atol=0.02)
    assert list(effects) == list("abcde") and (best == 0) == (spread == 0)
    np.testing.assert_allclose([effects[s] for s in "abcde"], list(want.values()), atol=0.05)


@pytest.mark.parametrize("site", ["fixed", "random", "combat", "combat_gam"])
def test_two_hundred_sites_take_seconds(site):
    n, sites = 2000, 200
    rng = np.random.default_rng(7)
    code = np.arange(n) % sites
    shift = rng.normal(0, 60, sites)
    ids = pd.Index([f"p{i}" for i in range(n)], name="participant_id")
    people = pd.DataFrame({"age": rng.uniform(20, 70, n), "sex": rng.choice(["F", "M"], n)}, index=ids)
    people["site"] = [f"s{k:03d}" for k in code]
    people["group"] = np.where(np.arange(n) // sites % 2, "MS", "HC")
    measures = pd.DataFrame({"etiv": rng.normal(1.5e6, 1e5, n)}, index=ids)
    for b in "ab":
        measures[b] = 1000 + shift[code] + rng.normal(0, 40, n)
    began = time.process_time()
    z, norms = zscores(
        measures, people, "HC", dict.fromkeys("ab", "fall"), NormSettings(site=site, min_site_controls=3)
    )
    assert (
        time.process_time() - began < 40
    )  # ComBat-GAM did not end within minutes, 200 random sites took 10 s a measure
    patients = z[people["group"] == "MS"]
    assert len(norms.controls["sites"]) == 200 and patients.notna().all(axis=None)
    means = patients["a"].groupby(people["site"]).mean()
    assert abs(np.corrcoef(means, shift)[0, 1]) < 0.5  # 0.98 without a site term
