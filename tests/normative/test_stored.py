"""Norms from files of others: nobody gets a z from numbers that cannot be a norm's."""

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest

from neuraxis.errors import InputError
from neuraxis.normative.norms import Norms, NormSettings, fit_norms

N = 80
WHO = pd.Index([f"sub-{i:03d}" for i in range(N)], name="participant_id")


@cache
def fitted(site: str) -> tuple[dict, pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(0)
    people = pd.DataFrame(
        {"age": rng.uniform(20, 60, N), "sex": ["F", "M"] * 40, "site": ["A"] * 30 + ["B"] * 30 + ["C"] * 20}, index=WHO
    )
    measures = pd.DataFrame(
        {"a": 15000 + rng.normal(0, 500, N), "b": 900 + rng.normal(0, 50, N), "etiv": 1.5e6 + rng.normal(0, 1e5, N)},
        index=WHO,
    )
    norms = fit_norms(measures, people, {"a": "fall", "b": "rise"}, NormSettings(site=site))
    return json.dumps(norms.to_dict(), default=str), measures, people


def norm(site: str) -> tuple[dict, pd.DataFrame, pd.DataFrame]:
    saved, measures, people = fitted(site)
    return json.loads(saved), measures, people


@pytest.mark.parametrize("site", ["none", "fixed", "random", "combat", "combat_gam"])
def test_a_whole_norm_gives_the_same_z_again(tmp_path, site):
    saved, measures, people = norm(site)
    (tmp_path / "norms.json").write_text(json.dumps(saved))
    again = Norms.load(tmp_path / "norms.json").apply(measures.head(5), people)
    pd.testing.assert_frame_equal(again, Norms.from_dict(saved).apply(measures, people).head(5))
    assert np.isfinite(again).all(axis=None)


@pytest.mark.parametrize("site", ["fixed", "random"])
def test_a_norm_whose_site_lacks_a_biomarker_is_whole(tmp_path, site):
    _, measures, people = norm(site)
    measures = measures.assign(b=measures["b"].where(people["site"] != "C"))
    norms = fit_norms(measures, people, {"a": "fall", "b": "rise"}, NormSettings(site=site))
    norms.save(tmp_path / "norms.json")
    again = Norms.load(tmp_path / "norms.json").apply(measures.assign(b=900.0), people, quiet=True)
    assert again["a"].notna().all() and again["b"].isna().tolist() == (people["site"] == "C").tolist()


def of_a(**change):
    return lambda d: d["models"]["a"].update(change)


@pytest.mark.parametrize(
    ("site", "change", "words"),
    [
        ("none", lambda d: d["models"]["a"]["coefficients"].pop(), "nobody can be given a z"),
        ("none", lambda d: d["models"]["a"]["coefficients"].append(1.0), "nobody can be given a z"),
        ("none", of_a(coefficients=[True] * 6), "a: its coefficients"),
        ("none", of_a(power=1e9), "a: its coefficients"),
        ("none", of_a(sd=[0, 0]), "a: its SD"),
        ("none", of_a(sd=[-5, 0]), "a: its SD"),
        ("none", of_a(sd=[5]), "a: its SD"),
        ("none", of_a(knots=[60, 40, 20]), "a: its knots"),
        ("none", of_a(knots=[40, 40, 40]), "a: its knots"),
        ("none", of_a(knots=[float("nan")] * 3), "a: its knots"),
        ("none", lambda d: d["direction"].update(b="up"), "direction of b is neither fall nor rise"),
        ("none", lambda d: d["controls"].update(age_range=[60, 20]), "age_range"),
        ("none", lambda d: d["controls"].update(sites=None), "sites, pooled_sites"),
        ("none", lambda d: d["controls"].update(n_by_sex=["M"]), "n_by_sex"),
        ("none", lambda d: d["controls"].update(n_by_sex={"F": 40, "male": 40}), "n_by_sex"),
        ("none", lambda d: d["models"].update(a=None), "models of a"),
        ("none", lambda d: d.update(signed=5), "signed"),
        ("none", lambda d: d["direction"].pop("b"), "models, settings and direction are not of the same biomarkers"),
        ("none", lambda d: d.update(models={}, settings={}, direction={}), "it is of no biomarker"),
        ("none", of_a(sexes=3), "a: its sites are no list of names, or its sexes neither 1 nor 2"),
        ("none", lambda d: d["controls"].update(sites=["A", "A", "B"]), "sites, pooled_sites"),
        # beyond all numbers for one sex, at both ends of the ages, and at one of them, alone
        ("none", of_a(coefficients=[1.5e308, 0.0, 0.0, 1.5e308, 0.0, 0.0]), "a: nobody is given a finite z"),
        ("none", of_a(coefficients=[0.0, 1.5e308, 0.0, 0.0, 0.0, 0.0]), "a: nobody is given a finite z"),
        ("none", of_a(coefficients=[1.2e308, 0.5e308, 0.0, 0.0, 0.0, 0.0]), "a: nobody is given a finite z"),
        ("none", of_a(coefficients=[1.2e308, -0.5e308, 0.0, 0.0, 0.0, 0.0]), "a: nobody is given a finite z"),
        ("none", lambda d: d["settings"]["a"].update(age="cubic"), "normative.age"),
        ("fixed", of_a(sites=["A"]), "nobody can be given a z"),
        ("fixed", of_a(sites="ABC"), "a: its sites"),
        ("random", lambda d: d["models"]["a"].pop("site_effects"), "a: it has no finite effect of every site"),
        ("random", of_a(site_effects={"A": float("nan")}), "a: it has no finite effect of every site"),
        ("combat", lambda d: d.update(combat={}), "the harmonisation lacks SITE_labels"),
        ("combat", lambda d: d["combat"]["B_hat"].pop(), "nobody can be given a z"),
        ("combat", lambda d: d["combat"].update(var_pooled=[[0], [0]]), "a: nobody is given a finite z"),
        ("combat", lambda d: d["combat"].update(delta_star=[[1, 1], [1, 1], [-1, 1]]), "a: nobody is given a finite z"),
    ],
)
def test_a_damaged_norm_is_refused_in_words(tmp_path, site, change, words):
    saved, _, _ = norm(site)
    change(saved)
    path = tmp_path / "norms.json"
    path.write_text(json.dumps(saved))
    with pytest.raises(InputError, match=words) as error:
        Norms.load(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"format":' + "9" * 5000 + "}", "NaN", "", "[]"])
def test_files_that_are_no_norm(tmp_path, text):
    (tmp_path / "norms.json").write_text(text)
    with pytest.raises(InputError, match="norm"):
        Norms.load(tmp_path / "norms.json")
