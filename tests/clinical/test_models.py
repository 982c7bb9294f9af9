"""Outcome models equal direct calls of the libraries; degenerate input gets a reason, not a number."""

import lifelines
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.miscmodels.ordinal_model import OrderedModel

from neuraxis.clinical.models import check_assumption, fit_model
from neuraxis.clinical.outcomes import Outcome, check_outcomes, complete_cases
from neuraxis.errors import InputError


def people(n=400, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"age": rng.normal(40, 10, n), "sex": rng.choice(["F", "M"], n), "years": rng.uniform(1, 8, n)},
        index=[f"p{i}" for i in range(n)],
    )
    frame["site"] = rng.choice(["s1", "s2"], n)
    group = pd.Series((rng.random(n) < 0.4).astype(float), index=frame.index)
    frame["score"] = 50 - 5 * group + 8 * rng.standard_normal(n)
    frame["edss"] = (np.clip(2 + 0.8 * group + rng.logistic(0, 0.8, n), 0, 8)).round()
    frame["relapses"] = rng.poisson(np.exp(-0.5 + 0.5 * group) * frame["years"] * rng.gamma(2, 0.5, n))
    frame["worse"] = (rng.random(n) < 1 / (1 + np.exp(1 - group))).astype(float)
    event = rng.exponential(1 / (0.15 * np.exp(0.6 * group)))
    frame["event"] = (event < frame["years"]).astype(int)
    frame["time"] = np.minimum(event, frame["years"]).clip(lower=0.01)
    return frame, pd.DataFrame({"g": group})


OPTIONS = {
    "continuous": ("score", {}),
    "robust": ("score", {}),
    "binary": ("worse", {}),
    "count": ("relapses", {"exposure": "years"}),
    "ordinal": ("edss", {}),
    "discrete": ("event", {"time": "years"}),
    "survival": ("event", {"time": "time", "strata": ("site",)}),
}


def direct(kind, frame, x):
    """The same model called by hand."""
    score = (frame["score"] - frame["score"].mean()) / frame["score"].std()
    constant = sm.add_constant(x)
    if kind == "continuous":
        return sm.OLS(score, constant).fit()
    if kind == "robust":
        return sm.RLM(score, constant).fit()
    if kind == "binary":
        return sm.Logit(frame["worse"], constant).fit(disp=0)
    if kind == "count":
        return sm.NegativeBinomial(frame["relapses"], constant, offset=np.log(frame["years"])).fit(disp=0, maxiter=500)
    if kind == "ordinal":
        return OrderedModel(frame["edss"], x, distr="logit").fit(method="bfgs", disp=0, maxiter=500)
    if kind == "discrete":
        family = sm.families.Binomial(link=sm.families.links.CLogLog())
        return sm.GLM(frame["event"], constant, family=family, offset=np.log(frame["years"])).fit()
    data = x.assign(time=frame["time"], event=frame["event"], site=frame["site"])
    fit = lifelines.CoxPHFitter().fit(data, "time", "event", strata=["site"])
    fit.params, fit.bse = fit.params_, fit.standard_errors_
    return fit


@pytest.mark.parametrize("kind", list(OPTIONS))
def test_models_equal_direct_calls(kind):
    frame, terms = people()
    column, options = OPTIONS[kind]
    x = terms.assign(age=(frame["age"] - frame["age"].mean()) / frame["age"].std())
    model = direct(kind, frame, x)
    outcome = Outcome("o", column, kind, ("age",), **options)
    fit = fit_model(outcome, complete_cases(outcome, frame), terms)
    value, error, p = fit.contrast({"g": 1.0})
    assert fit.reason == "" and fit.n == 400
    assert value == pytest.approx(model.params["g"], rel=1e-4)
    assert error == pytest.approx(model.bse["g"], rel=1e-3)
    assert 0 <= p <= 1 and np.sign(value) == (1 if kind not in ("continuous", "robust") else -1)


def test_sparse_outcomes_are_penalised_and_separation_gives_a_number():
    """Firth against the closed form for a two-by-two table: 1/2 added to every cell (Heinze & Schemper 2002)."""
    frame, _ = people(40)
    g = pd.DataFrame({"g": np.repeat([0.0, 1.0], 20)}, index=frame.index)
    frame["rare"] = np.r_[np.zeros(20), np.ones(6), np.zeros(14)]
    outcome = Outcome("o", "rare", "binary")
    fit = fit_model(outcome, complete_cases(outcome, frame), g)
    assert fit.model == "Firth logistic"
    assert fit.estimate["g"] == pytest.approx(np.log((6.5 / 14.5) / (0.5 / 20.5)), rel=1e-3)
    frame["time"] = np.linspace(0.1, 4, 40)[np.random.default_rng(0).permutation(40)]
    outcome = Outcome("o", "rare", "survival", time="time")
    fit = fit_model(outcome, complete_cases(outcome, frame), g.join(frame[["age"]] - 40))
    assert fit.model == "Firth Cox" and fit.n_events == 6 and 0 < fit.estimate["g"] < 10


def test_degenerate_input_gets_a_reason_not_a_number():
    frame, terms = people(60)
    cases = [
        (frame.assign(score=3.0), terms, Outcome("o", "score", "continuous"), "constant"),
        (frame.assign(score=np.nan), terms, Outcome("o", "score", "continuous"), "nobody has all"),
        (frame, terms * 0, Outcome("o", "score", "continuous"), "nobody to compare"),
        (frame.iloc[:8], terms, Outcome("o", "score", "continuous"), "8 people"),
        (frame.assign(event=0), terms, Outcome("o", "event", "survival", time="time"), "everyone is censored"),
        (frame.assign(edss=terms["g"]), terms, Outcome("o", "edss", "ordinal"), "separate|could not|converge"),
    ]
    for data, t, outcome, words in cases:
        fit = fit_model(outcome, complete_cases(outcome, data), t)
        assert fit.estimate.empty
        assert pd.Series([fit.reason]).str.contains(words).all(), (fit.reason, words)


def test_declarations_and_columns_are_checked():
    frame, _ = people(30)
    for make, words in (
        (lambda: Outcome("o", "score", "magic"), "unknown type 'magic'"),
        (lambda: Outcome("o", "event", "survival"), "needs a column with years"),
        (lambda: complete_cases(Outcome("o", "nil", "continuous"), frame), "column nil is not in"),
        (lambda: complete_cases(Outcome("o", "edss", "binary"), frame), "must be 0 or 1"),
        (
            lambda: complete_cases(Outcome("o", "relapses", "count", exposure="years"), frame.assign(years=0)),
            "exposure years must be positive",
        ),
    ):
        with pytest.raises(InputError, match=words):
            make()


def test_outcomes_are_checked_before_anything_is_fitted():
    people = pd.DataFrame(
        {"group": ["HC", "MS", "MS"], "edss": [np.nan, 2.0, 3.0], "age": [30.0, np.nan, 40.0], "spms": [0, 1, 2]},
        index=["a", "b", "c"],
    )
    edss = Outcome("EDSS", "edss", "ordinal", covariates=("age",))
    worse = Outcome("worse", "worsening_event", "survival", time="worsening_time", covariates=("age",))
    made = ("worsening_event", "worsening_time")
    table = check_outcomes([edss, worse], people, "HC", made=made).set_index(["outcome", "group", "column"])
    assert table.loc[("EDSS", "MS", "edss"), ["n", "complete"]].tolist() == [2, 1]
    assert table.loc[("EDSS", "HC", "age"), ["n", "complete"]].tolist() == [1, 0]
    assert table.loc[("worse", "MS", "age"), "complete"] == 1
    others = [
        Outcome("SDMT", "sdmt", "robust", covariates=("education",)),
        Outcome("SPMS", "spms", "binary"),
        Outcome("EDSS z", "edss", "robust", reference="controls", covariates=("age",)),
    ]
    with pytest.raises(InputError) as error:
        check_outcomes([edss, *others, worse], people, "HC")
    for words in (
        "outcome SDMT: column sdmt, education is not in",
        "outcome worse: column worsening_event, worsening_time",
        "outcome SPMS: spms must be 0 or 1",
        "outcome EDSS z: 0 controls have edss",
    ):
        assert words in str(error.value)
    assert "outcome EDSS:" not in str(error.value)


def test_control_based_z_equals_a_hand_computation():
    frame, _ = people(300)
    controls, patients = frame.iloc[:200], frame.iloc[200:]
    outcome = Outcome("o", "score", "continuous", ("age", "sex"), reference="controls")
    got = complete_cases(outcome, patients, controls)

    def design(t):
        return np.column_stack([np.ones(len(t)), t["age"], t["sex"] == "M"]).astype(float)

    beta, rss, *_ = np.linalg.lstsq(design(controls), controls["score"], rcond=None)
    z = (patients["score"] - design(patients) @ beta) / np.sqrt(rss[0] / (200 - 3))
    assert np.allclose(got.y, z) and got.x.empty


def test_assumption_checks_find_what_was_planted():
    rng = np.random.default_rng(3)
    frame, terms = people(800, seed=3)
    outcome = Outcome("o", "edss", "ordinal")
    name, fine = check_assumption(outcome, complete_cases(outcome, frame), terms)
    assert name.startswith("proportional odds") and fine > 0.01
    # the group moves only the low end of the scale
    uneven = frame.assign(
        edss=np.where(frame["edss"] < 2, frame["edss"] + 2 * terms["g"] * (rng.random(800) < 0.9), frame["edss"])
    )
    assert check_assumption(outcome, complete_cases(outcome, uneven), terms)[1] < 0.01
    outcome = Outcome("o", "event", "survival", time="time")
    name, fine = check_assumption(outcome, complete_cases(outcome, frame), terms)
    assert name.startswith("proportional hazards") and fine > 0.01
    late = rng.weibull(np.where(terms["g"] == 1, 4.0, 0.7)) * 3
    crossing = frame.assign(event=1, time=late.clip(0.01))
    assert check_assumption(outcome, complete_cases(outcome, crossing), terms)[1] < 0.001
