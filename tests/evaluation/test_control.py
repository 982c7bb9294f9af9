"""The negative control: people, covariance and what is found in health and in planted disease."""

import numpy as np
import pandas as pd
import pytest

from neuraxis.errors import InputError
from neuraxis.evaluation.control import (
    drawn_people,
    matched_rows,
    negative_control,
    negative_control_table,
    parametric_null,
    share_of_more,
)
from neuraxis.sustain import (
    DensityEvents,
    MixedEvents,
    MixtureEvents,
    OrdinalEvents,
    Parameters,
    SustainModel,
    Variant,
    ZScoreEvents,
    simulate,
    stream,
)

NAMES = [f"b{i}" for i in range(6)]
QUICK = {"max_subtypes": 2, "folds": 3, "n_startpoints": 2, "n_samples": 0}


def healthy(n, r=0.4, seed=0):
    covariance = np.full((6, 6), r) + (1 - r) * np.eye(6)
    z = np.random.default_rng(seed).multivariate_normal(np.zeros(6), covariance, n)
    return pd.DataFrame(z, columns=NAMES, index=[f"h{i:03d}" for i in range(n)])


def test_no_subtypes_in_correlated_healthy_people_and_some_under_independent_noise():
    z = healthy(400)
    events = ZScoreEvents([1, 2], 4, biomarkers=NAMES)
    variants = {"independent": {}, "controls": {"covariance": "covariance"}}
    found = negative_control(z, events, n_people=200, variants=variants, **QUICK)
    assert found.chosen("controls") == 0
    assert found.chosen("independent") >= 1  # correlation is taken for a common course
    table = found.selection
    assert (table["n_people"] == 200).all() and (table["n_rest"] == 200).all() and (table["note"] == "").all()
    assert found.sentence().endswith("in 200 healthy people: 1 with independent, 0 with controls.")
    again = negative_control(z, events, n_people=200, variants={"x": {"covariance": "covariance"}}, **QUICK)
    assert list(again.people) == list(found.people)


def test_what_is_planted_is_found():
    z = healthy(300)
    events = ZScoreEvents([1, 2], 4, biomarkers=NAMES)
    order = [0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11]
    sick = simulate(events, [order], 150, correlation=np.full((6, 6), 0.4) + 0.6 * np.eye(6), seed=3).X
    z = pd.concat([z, pd.DataFrame(sick, columns=NAMES, index=[f"s{i}" for i in range(150)])])
    found = negative_control(z, events, variants={"c": {"covariance": "covariance"}}, **QUICK)
    assert found.chosen() >= 1


def test_controls_with_gaps_stand_behind_the_covariance():
    """Everybody lacks one of six measures: with complete cases alone there would be nobody."""
    z = healthy(400)
    for i in range(400):
        z.iloc[i, i % 6] = np.nan
    events = ZScoreEvents([1, 2], 4, biomarkers=NAMES)
    found = negative_control(z, events, n_people=200, variants={"c": {"covariance": "covariance"}}, **QUICK)
    assert (found.selection["n_rest"] == 200).all() and found.chosen() == 0
    z.iloc[:330] = np.nan
    with pytest.raises(InputError, match="70 controls are too few"):
        negative_control(z, events, **QUICK)


def test_sites_of_the_controls_follow_the_patients():
    site = pd.Series(["a"] * 50 + ["b"] * 61 + ["c"] * 10)
    wanted = pd.Series(["b"] * 30 + ["a"] * 10)
    rows = matched_rows(site, wanted, 40, stream(1, "x"))
    assert len(set(rows)) == 40 and list(rows) == sorted(rows)
    assert site.iloc[rows].value_counts().to_dict() == {"b": 30, "a": 10}
    # more asked of a site than half of it: half, and the rest from anywhere, so that every site stays in the norms
    rows = matched_rows(site, pd.Series(["c"] * 40), 40, stream(1, "x"))
    assert (site.iloc[rows] == "c").sum() == 5 and len(set(rows)) == 40
    everyone = matched_rows(site, None, 1000, stream(1, "x"))
    assert site.iloc[everyone].value_counts().to_dict() == {"a": 25, "b": 30, "c": 5}
    assert set(matched_rows(pd.Series(["x", "y", "y", "z"]), None, 4, stream(1, "x"))) < {1, 2}
    # norms that ask for 10 controls at a site keep them, and take none of a site that has fewer
    kept = matched_rows(pd.concat([site, pd.Series(["d"] * 18)]).reset_index(drop=True), None, 1000, stream(1, "x"), 10)
    assert pd.Series(["a"] * 50 + ["b"] * 61 + ["c"] * 10 + ["d"] * 18).iloc[kept].value_counts().to_dict() == {
        "a": 25,
        "b": 30,
        "d": 8,
    }


def test_norms_are_refitted_without_those_who_are_modelled():
    z = healthy(200)
    events = ZScoreEvents([1, 2], 4, biomarkers=NAMES)
    asked = []

    def refit(modelled):
        asked.append(modelled)
        return z.assign(**{b: np.where(z.index.isin(modelled), 9.0, z[b]) for b in NAMES}).iloc[::-1]

    variants = {"c": {"covariance": "covariance"}}
    found = negative_control(z, events, n_people=80, refit=refit, variants=variants, **QUICK)
    assert list(asked[0]) == list(found.people) and len(found.people) == 80
    # everybody modelled was given a z of 9, far from health: nobody is called healthy, so the new z are what is modelled
    assert found.chosen() >= 1 and (found.selection["note"] == "").all()

    # sites of 14 and 15 leave four and five each; of ten there is nobody to spare, and the norms stay those of all
    site = pd.Series(np.arange(200) % 14, index=z.index)
    small = negative_control(z, events, n_people=90, refit=refit, site=site, variants=variants, **QUICK)
    assert len(small.people) == 60 and "90 patients, but only 200 controls: 60" in small.selection["note"].iloc[0]
    site = pd.Series(np.arange(200) % 20, index=z.index)
    none = negative_control(z, events, n_people=90, refit=refit, site=site, variants=variants, **QUICK).selection
    assert "10 controls stay behind the norms at every site, and that leaves 0 to model" in none["note"].iloc[0]
    assert (none["n_people"] == 90).all() and len(asked) == 2

    def refuse(modelled):
        raise InputError("too few controls at site b")

    plain = negative_control(z, events, n_people=80, variants=variants, **QUICK).selection
    kept = negative_control(z, events, n_people=80, refit=refuse, variants=variants, **QUICK).selection
    assert kept["note"].unique().tolist() == [
        "norms of all controls, those modelled among them: too few controls at site b"
    ]
    pd.testing.assert_frame_equal(kept.drop(columns="note"), plain.drop(columns="note"))


def test_too_few_controls_are_said():
    events = ZScoreEvents([1, 2], 4, biomarkers=NAMES)
    with pytest.raises(InputError, match="70 controls are too few"):
        negative_control(healthy(70), events, **QUICK)
    table = negative_control_table(healthy(70), events, **QUICK)
    assert len(table) == 1 and "70 controls" in table["note"].iloc[0] and table["n_subtypes"].isna().all()
    some = negative_control(healthy(100), events, n_people=90, variants={"c": {"covariance": "covariance"}}, **QUICK)
    assert "90 patients, but only 100 controls" in some.selection["note"].iloc[0]
    assert (some.selection["n_people"] == 50).all()


def small_model(healthy=0.4):
    events = ZScoreEvents([[1.0], [1.0], [1.0]], 4.0, biomarkers=["a", "b", "c"])
    variant = Variant(covariance=np.array([[1.0, 0.5, 0.2], [0.5, 1.5, 0.1], [0.2, 0.1, 0.7]]))
    shares = np.zeros((1, variant.bumps(3).shape[0]))
    shares[0, -1] = 1.0
    point = Parameters(np.array([[0, 1, 2]]), np.ones(1), shares, variant.bumps(3), healthy, variant.covariance)
    return SustainModel(events, variant, point)


def test_people_are_drawn_as_the_model_says():
    model = small_model()
    X = drawn_people(model, 40_000, 3)
    weights = model.point.weights[0]
    # the mean of the mixture: healthy people at zero, staged ones on the curves
    points = np.array([[0, 1, 2, 3, 4], [0, 0.5, 1, 2.5, 4], [0, 1 / 3, 2 / 3, 1, 4]])
    curve = (points[:, 1:] + points[:, :-1]) / 2
    assert X.mean(axis=0) == pytest.approx(curve @ weights, abs=0.03)
    spread = (curve * weights) @ curve.T - np.outer(curve @ weights, curve @ weights)
    assert np.cov(X.T) == pytest.approx(model.point.covariance + spread, abs=0.06)
    assert not np.array_equal(X[:50], drawn_people(model, 40_000, 4)[:50])
    assert np.array_equal(X[:50], drawn_people(model, 40_000, 3)[:50])


def test_people_are_drawn_from_events_of_every_kind():
    """A curve, a score that falls, a Gaussian and a kernel marker in one order; frequencies of the mixture by hand."""
    grid = {
        "kind": "kde",
        "grid": [0.0, 1.0, 2.0],
        "normal": np.log([1.5, 0.5, 1e-9]),
        "abnormal": np.log([1e-9, 1.0, 1.0]),
    }
    pair = {"kind": "gaussian", "normal_mean": 1, "normal_sd": 0.5, "abnormal_mean": -2, "abnormal_sd": 2}
    chance = np.array([[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0.0, 0.3, 0.7]])
    events = MixedEvents(
        [
            OrdinalEvents([[30.0, 28.0, 20.0]], chance, ["moca"]),
            ZScoreEvents([[2.0]], [4.0], biomarkers=["cord"]),
            MixtureEvents([grid, pair], ["tau", "nfl"]),
        ]
    )
    e = {name: i for i, name in enumerate(events.names)}
    order = [e["nfl abnormal"], e["moca score<=28"], e["cord z>=2"], e["tau abnormal"], e["moca score<=20"]]
    variant = Variant(covariance=np.array([[0.25]]))
    shares = np.zeros((1, variant.bumps(5).shape[0]))
    shares[0, -1] = 1.0
    point = Parameters(np.array([order]), np.ones(1), shares, variant.bumps(5), 0.3, variant.covariance)
    model = SustainModel(events, variant, point)
    X = pd.DataFrame(drawn_people(model, 60_000, 1), columns=events.biomarkers)
    at = model.point.weights[0]  # of stages 0 .. 5
    healthy = 1 - at.sum()
    level = np.array([healthy + at[0] + at[1], at[2] + at[3] + at[4], at[5]])
    assert X["moca"].value_counts(normalize=True)[[30, 28, 20]].to_numpy() == pytest.approx(level @ chance, abs=0.008)
    sick = at[1:].sum()
    assert X["nfl"].mean() == pytest.approx(1 - 3 * sick, abs=0.03)
    assert X["nfl"].var() == pytest.approx(0.25 * (1 - sick) + 4 * sick + 9 * sick * (1 - sick), rel=0.03)
    x = np.linspace(0, 2, 200_001)
    means = [np.average(x, weights=np.interp(x, [0, 1, 2], d)) for d in ([1.5, 0.5, 0], [0, 1, 1])]
    late = at[4:].sum()
    assert X["tau"].mean() == pytest.approx(means[0] * (1 - late) + means[1] * late, abs=0.01)
    ends = np.interp(np.arange(7), [0, 3, 6], [0, 2, 4])
    curve = (ends[1:] + ends[:-1]) / 2
    assert X["cord"].mean() == pytest.approx(curve[1:] @ at[1:], abs=0.03)


def test_people_cannot_be_drawn_where_densities_were_given():
    with pytest.raises(InputError, match="density events"):
        DensityEvents([1, 1], ["a", "b"]).observed(np.zeros((3, 2)), np.random.default_rng(0))


def test_a_rule_is_tried_on_people_without_more_subtypes():
    found = parametric_null(small_model(healthy=1 - 1e-9), 120, draws=2, folds=2, n_samples=0, n_startpoints=1, seed=2)
    assert found["true_subtypes"].tolist() == [1, 1] and found["draw"].tolist() == [1, 2]
    assert (found["chosen"] <= 1).all() and not found["more"].any()
    share, low, high = share_of_more(found.assign(more=[True, False]))
    assert share == 0.5 and 0 < low < 0.5 < high < 1


def test_the_engine_offers_the_negative_control():
    import neuraxis.sustain as sustain

    assert sustain.negative_control is negative_control and sustain.parametric_null is parametric_null
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = sustain.nothing_such


@pytest.mark.parametrize(
    ("n_people", "at_one", "words"),
    [(30, 120, "^30 patients, and as many controls are modelled; "), (45, 20, "^only 10 controls can be modelled; ")],
)
def test_why_there_is_no_negative_control(n_people, at_one, words):
    """Few patients; or controls at sites of one, which norms cannot lose."""
    z = np.random.default_rng(0).normal(size=(120, 3))
    site = pd.Series(["A"] * at_one + [f"B{i}" for i in range(120 - at_one)])
    with pytest.raises(InputError, match=words + "a negative control needs 40"):
        negative_control(z, n_people=n_people, site=site, max_subtypes=1, folds=2, n_samples=0, n_startpoints=1)
