"""Curves of outcomes against stage: the outcome's own model within a subtype, and no curve where there is too little."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from neuraxis.clinical.curves import COLUMNS, POINTS, stage_curves
from neuraxis.clinical.labels import NORMAL, Labels
from neuraxis.clinical.outcomes import declare


def some(n=120, seed=0):
    """Two subtypes of different sizes and normal-appearing people, in no order; outcomes follow the stage in "a" only."""
    rng = np.random.default_rng(seed)
    group = pd.Series(rng.choice(["a", "b", NORMAL], n, p=[0.5, 0.3, 0.2]), [f"p{i}" for i in rng.permutation(n)])
    stage = pd.Series(rng.uniform(1, 12, n), group.index)
    slope = 0.25 * stage * (group == "a")
    probability = pd.DataFrame({c: (group == c).astype(float) for c in (NORMAL, "a", "b")})
    people = pd.DataFrame({"years": rng.uniform(1, 5, n)}, group.index)
    people["score"] = slope + rng.standard_normal(n)
    people["volume"] = np.exp(5 + 0.3 * slope + 0.4 * rng.standard_normal(n))
    people["attacks"] = rng.poisson(0.4 * np.exp(0.4 * slope) * people["years"])
    people["moca"] = rng.binomial(30, 1 / (1 + np.exp(-2 + slope)))
    people["edss"] = np.digitize(slope + rng.logistic(size=n), [-1, 0, 1, 2, 3]) / 2
    people["course"] = np.where(np.arange(n) % 4, "RRMS", "SPMS")
    return people.sample(frac=1, random_state=1), Labels(group, probability, stage)


def curve_of(outcome, people, labels, name="a"):
    table = stage_curves([outcome], people, labels)
    return table[table["subtype"] == name]


def direct(people, labels, column, name="a"):
    rows = labels.group.index[labels.group == name]
    return people.loc[rows, column].astype(float), sm.add_constant(labels.stage[rows].rename("stage")), rows


@pytest.mark.parametrize(
    ("options", "family", "inverse", "words"),
    [
        ({"column": "score", "type": "continuous"}, None, lambda v: v, "least squares"),
        (
            {"column": "volume", "type": "continuous", "transform": "log1p"},
            None,
            np.expm1,
            "least squares of the log1p",
        ),
        (
            {"column": "attacks", "type": "count", "exposure": "years"},
            "poisson",
            np.exp,
            "Poisson, with the spread of the counts",
        ),
        (
            {"column": "moca", "type": "bounded", "maximum": 30},
            "binomial",
            lambda v: 30 / (1 + np.exp(-v)),
            "fractional logistic",
        ),
    ],
)
def test_a_curve_is_the_outcomes_own_model(options, family, inverse, words):
    people, labels = some()
    got = curve_of(declare("o", **options), people, labels)
    y, x, rows = direct(people, labels, options["column"])
    if family == "poisson":
        fit = sm.GLM(y, x, family=sm.families.Poisson(), offset=np.log(people.loc[rows, "years"])).fit(scale="X2")
    elif family == "binomial":
        fit = sm.GLM(y / 30, x, family=sm.families.Binomial()).fit(cov_type="HC1")
    else:
        fit = sm.OLS(np.log1p(y) if "transform" in options else y, x).fit()
    at = np.linspace(x["stage"].min(), x["stage"].max(), POINTS)
    design = np.column_stack([np.ones(POINTS), at])
    eta, error = design @ fit.params, np.sqrt(np.diag(design @ fit.cov_params().to_numpy() @ design.T))
    assert got["stage"].tolist() == pytest.approx(at)
    for column, z in (("fit", 0), ("low", -1.959964), ("high", 1.959964)):
        assert got[column].tolist() == pytest.approx(list(inverse(eta + z * error)), rel=1e-4)
    assert set(got["model"]) == {words} and set(got["n"]) == {len(rows)} and list(got.columns) == list(COLUMNS)
    drawn = y / people.loc[rows, "years"] if "exposure" in options else y
    tau, p = stats.kendalltau(drawn, labels.stage[rows])
    assert got.iloc[0][["kendall_tau", "tau_p"]].tolist() == pytest.approx([tau, p])
    assert got["tau_low"].iloc[0] < tau < got["tau_high"].iloc[0]


def test_an_ordinal_curve_is_the_expected_score_in_its_band():
    """It rises where scores follow the stage, stays within the scores, and runs near the means of bins."""
    people, labels = some(n=900)
    got = curve_of(declare("EDSS", "edss", "ordinal"), people, labels)
    assert (np.diff(got["fit"]) > 0).all() and got["fit"].between(0, 2.5).all()
    assert ((got["low"] < got["fit"]) & (got["fit"] < got["high"])).all()
    y, x, _ = direct(people, labels, "edss")
    for low in (2, 5, 8):
        inside = x["stage"].between(low, low + 2)
        near = got.iloc[(got["stage"] - low - 1).abs().argmin()]
        assert near["fit"] == pytest.approx(y[inside].mean(), abs=0.2)
    flat = curve_of(declare("EDSS", "edss", "ordinal"), people, labels, "b")
    assert np.ptp(flat["fit"]) < 0.4 < np.ptp(got["fit"])
    assert curve_of(declare("EDSS", "edss", "ordinal"), people, labels).equals(got)


def test_the_band_of_an_ordinal_curve_is_about_its_fit_and_as_wide_as_a_bootstraps():
    """Nine scores of few people each: where percentiles of drawn cuts lie far too low."""
    rng = np.random.default_rng(3)
    x = rng.uniform(1, 12, 120)
    hidden = 0.25 * x + rng.logistic(size=120)
    y = np.digitize(hidden, np.quantile(hidden, np.linspace(0.05, 0.95, 8))) / 2
    at = np.array([2.0, 5.0, 8.0, 11.0])
    edss = declare("EDSS", "edss", "ordinal")
    fit, low, high, _ = edss.curve(y, x, at, None)
    assert (low + high) / 2 == pytest.approx(fit, abs=0.02) and low.min() >= 0 and high.max() <= y.max()
    again = []
    for _ in range(30):
        rows = rng.integers(0, 120, 120)
        again.append(edss.curve(y[rows], x[rows], at, None)[0])
    assert high - low == pytest.approx(2 * 1.96 * np.std(again, axis=0), rel=0.25)
    # at an end of the scores the band ends with them
    _, low, high, _ = edss.curve(y, x, np.array([-40.0, 60.0]), None)
    assert low[0] == 0 and high[1] == y.max()


def test_where_there_is_too_little_there_is_no_curve():
    people, labels = some()
    score = declare("o", "score", "continuous")
    assert set(stage_curves([score], people, labels)["subtype"]) == {
        "a",
        "b",
    }  # of normal-appearing people none
    rows = labels.group.index[labels.group == "b"]
    for few, there in ((9, {"a"}), (10, {"a", "b"})):
        gone = people.copy()
        gone.loc[rows[few:], "score"] = np.nan
        assert set(stage_curves([score], gone, labels)["subtype"]) == there
    same = people.copy()
    same.loc[rows, "score"] = 3.0
    assert set(stage_curves([score], same, labels)["subtype"]) == {"a"}
    steps = Labels(labels.group, labels.probability, labels.stage.round().clip(1, 3))
    assert stage_curves([score], people, steps).empty
    four = Labels(labels.group, labels.probability, labels.stage.round().clip(1, 4))
    assert "a" in set(stage_curves([score], people, four)["subtype"])
    assert list(stage_curves([score], people, steps).columns) == list(COLUMNS)
    assert stage_curves([declare("d", "course", "categorical")], people, labels).empty
    assert stage_curves([declare("x", "nowhere", "continuous")], people, labels).empty


def test_curves_are_of_people_at_risk_with_an_exposure():
    people, labels = some()
    mine = labels.group.index[labels.group == "a"]
    only = curve_of(declare("o", "score", "continuous", only={"course": ["RRMS"]}), people, labels)
    assert set(only["n"]) == {int((people.loc[mine, "course"] == "RRMS").sum())}
    people.loc[mine[:5], "years"] = 0.0
    assert set(curve_of(declare("o", "attacks", "count", exposure="years"), people, labels)["n"]) == {len(mine) - 5}
