"""Outcome models equal direct calls of the libraries; degenerate input gets a reason, not a number."""

from dataclasses import replace
from pathlib import Path

import lifelines
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import yaml
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel

from neuraxis.clinical.cases import check_outcomes, complete_cases
from neuraxis.clinical.outcomes import KINDS, declare, declared_for
from neuraxis.clinical.outcomes.survival import PROPORTIONAL_HAZARDS, independent
from neuraxis.clinical.worsening import MADE
from neuraxis.cohort.simulated import simulate_cohort
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
    outcome = declare("o", column, kind, ("age",), **options)
    fit = outcome.fit(complete_cases(outcome, frame), terms)
    value, error, low, high, p = fit.contrast({"g": 1.0})
    assert fit.reason == "" and fit.n == 400
    assert value == pytest.approx(model.params["g"], rel=1e-4)
    assert error == pytest.approx(model.bse["g"], rel=1e-3)
    # 95 %, by the normal distribution's own quantile
    assert (low, high) == pytest.approx((value - 1.959964 * error, value + 1.959964 * error))
    assert p == pytest.approx(2 * stats.norm.sf(abs(value / error)))
    assert 0 <= p <= 1 and np.sign(value) == (1 if kind not in ("continuous", "robust") else -1)


def test_sparse_outcomes_are_penalised_and_separation_gives_a_number():
    """Firth against the closed form for a two-by-two table: 1/2 added to every cell (Heinze & Schemper 2002)."""
    frame, _ = people(40)
    g = pd.DataFrame({"g": np.repeat([0.0, 1.0], 20)}, index=frame.index)
    frame["rare"] = np.r_[np.zeros(20), np.ones(6), np.zeros(14)]
    outcome = declare("o", "rare", "binary")
    fit = outcome.fit(complete_cases(outcome, frame), g)
    assert fit.model == "Firth logistic"
    assert fit.estimate["g"] == pytest.approx(np.log((6.5 / 14.5) / (0.5 / 20.5)), rel=1e-3)
    frame["time"] = np.linspace(0.1, 4, 40)[np.random.default_rng(0).permutation(40)]
    outcome = declare("o", "rare", "survival", time="time")
    fit = outcome.fit(complete_cases(outcome, frame), g.join(frame[["age"]] - 40))
    assert fit.model == "Firth Cox" and fit.n_events == 6 and 0 < fit.estimate["g"] < 10


def test_degenerate_input_gets_a_reason_not_a_number():
    frame, terms = people(60)
    cases = [
        (frame.assign(score=3.0), terms, declare("o", "score", "continuous"), "constant"),
        (frame.assign(score=np.nan), terms, declare("o", "score", "continuous"), "nobody has all"),
        (frame, terms * 0, declare("o", "score", "continuous"), "nobody to compare"),
        (frame.iloc[:8], terms, declare("o", "score", "continuous"), "8 people"),
        (frame.assign(event=0), terms, declare("o", "event", "survival", time="time"), "everyone is censored"),
        (frame.assign(edss=terms["g"]), terms, declare("o", "edss", "ordinal"), "separate|could not|converge"),
    ]
    for data, t, outcome, words in cases:
        fit = outcome.fit(complete_cases(outcome, data), t)
        assert fit.estimate.empty
        assert pd.Series([fit.reason]).str.contains(words).all(), (fit.reason, words)


def test_declarations_and_columns_are_checked():
    frame, _ = people(30)
    for make, words in (
        (lambda: declare("o", "score", "magic"), "unknown type 'magic'"),
        (lambda: declare("o", "event", "survival"), "needs a column with years"),
        (lambda: complete_cases(declare("o", "nil", "continuous"), frame), "column nil is not in"),
        (lambda: complete_cases(declare("o", "edss", "binary"), frame), "must be 0 or 1"),
        (
            lambda: complete_cases(declare("o", "relapses", "count", exposure="years"), frame.assign(years=0)),
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
    edss = declare("EDSS", "edss", "ordinal", covariates=("age",))
    worse = declare("worse", "worsening_event", "survival", time="worsening_time", covariates=("age",))
    made = ("worsening_event", "worsening_time")
    table = check_outcomes([edss, worse], people, "HC", made=made).set_index(["outcome", "group", "column"])
    assert table.loc[("EDSS", "MS", "edss"), ["n", "complete"]].tolist() == [2, 1]
    assert table.loc[("EDSS", "HC", "age"), ["n", "complete"]].tolist() == [1, 0]
    assert table.loc[("worse", "MS", "age"), "complete"] == 1
    others = [
        declare("SDMT", "sdmt", "robust", covariates=("education",)),
        declare("SPMS", "spms", "binary"),
        declare("EDSS z", "edss", "robust", reference="controls", covariates=("age",)),
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
    outcome = declare("o", "score", "continuous", ("age", "sex"), reference="controls")
    got = complete_cases(outcome, patients, controls)

    def design(t):
        return np.column_stack([np.ones(len(t)), t["age"], t["sex"] == "M"]).astype(float)

    beta, rss, *_ = np.linalg.lstsq(design(controls), controls["score"], rcond=None)
    z = (patients["score"] - design(patients) @ beta) / np.sqrt(rss[0] / (200 - 3))
    assert np.allclose(got.y, z) and got.x.empty


def test_assumption_checks_find_what_was_planted():
    rng = np.random.default_rng(3)
    frame, terms = people(800, seed=3)
    outcome = declare("o", "edss", "ordinal")
    name, fine = outcome.check(complete_cases(outcome, frame), terms)
    assert name.startswith("proportional odds") and fine > 0.01
    # the group moves only the low end of the scale
    uneven = frame.assign(
        edss=np.where(frame["edss"] < 2, frame["edss"] + 2 * terms["g"] * (rng.random(800) < 0.9), frame["edss"])
    )
    assert outcome.check(complete_cases(outcome, uneven), terms)[1] < 0.01
    outcome = declare("o", "event", "survival", time="time")
    name, fine = outcome.check(complete_cases(outcome, frame), terms)
    assert name.startswith("proportional hazards") and fine > 0.01
    late = rng.weibull(np.where(terms["g"] == 1, 4.0, 0.7)) * 3
    crossing = frame.assign(event=1, time=late.clip(0.01))
    assert outcome.check(complete_cases(outcome, crossing), terms)[1] < 0.001


def test_only_what_is_told_is_checked():
    """A stage whose odds differ from cut to cut, and whose hazards cross, does not cast doubt on the group beside it."""
    rng = np.random.default_rng(4)
    n = 900
    g, stage = (rng.random(n) < 0.4).astype(float), rng.standard_normal(n)
    terms = pd.DataFrame({"g": g, "stage": stage}, [f"p{i}" for i in range(n)])
    edss = np.digitize(0.6 * g + stage * 0.4 + rng.logistic(size=n), np.linspace(-2.5, 3, 9))
    edss = np.where(
        (edss > 4) & (stage > 0.5), np.minimum(edss + 3, 9), edss
    )  # late stages stretch the upper end alone
    frame = pd.DataFrame(
        {"edss": edss, "event": 1, "time": 3 * rng.weibull(np.where(stage > 0, 4.0, 0.7))}, terms.index
    )
    frame["time"] = frame["time"].clip(lower=0.01) * np.exp(-0.3 * g)
    for outcome in (declare("o", "edss", "ordinal"), declare("o", "event", "survival", time="time")):
        cases = complete_cases(outcome, frame)
        assert outcome.check(cases, terms)[1] < 0.001 and outcome.check(cases, terms, ["stage"])[1] < 0.001
        assert outcome.check(cases, terms, ["g"])[1] > 0.01
        assert np.isnan(outcome.check(cases, terms, [])[1])


def test_penalised_fits_have_profile_intervals():
    """Two-by-two with an empty cell: the profile interval of the contrast, however the terms are coded, is no Wald one."""
    frame, _ = people(60)
    group = pd.Series(np.repeat(["a", "b", "c"], 20), index=frame.index)
    rare = pd.Series(0.0, frame.index)
    rare.iloc[[20, 21, 22, 40]] = 1.0  # none in a, 3 in b, 1 in c
    outcome = declare("o", "rare", "binary")
    cases = complete_cases(outcome, frame.assign(rare=rare))
    one = outcome.fit(cases, pd.get_dummies(group, dtype=float)[["b", "c"]])
    other = outcome.fit(cases, pd.get_dummies(group, dtype=float)[["a", "c"]])
    assert one.penalised and one.model == "Firth logistic"
    first, again = one.contrast({"b": 1.0, "c": -1.0}), other.contrast({"c": -1.0})
    assert first == pytest.approx(again, rel=0.02)
    # Firth's estimate adds 1/2 to every cell of the saturated table
    assert first.estimate == pytest.approx(np.log(3.5 / 17.5) - np.log(1.5 / 19.5), rel=1e-3)
    against_a = one.contrast({"b": 1.0})
    assert against_a.high - against_a.estimate > 1.5 * (against_a.estimate - against_a.low)


def test_the_estimator_is_chosen_by_the_largest_model_and_kept():
    frame, terms = people(400)
    outcome = declare("o", "event", "survival", time="time")
    cases = complete_cases(outcome, frame)
    events = int(cases.y.sum())
    assert outcome.plan(cases, events // 5) == "Cox" and outcome.plan(cases, events // 5 + 1) == "Firth Cox"
    assert outcome.fit(cases, terms).model == "Cox" and outcome.fit(cases, terms, "Firth Cox").model == "Firth Cox"
    binary = declare("o", "worse", "binary")
    cases = complete_cases(binary, frame.assign(worse=1 - frame["worse"]))
    rarer = int(min(cases.y.sum(), 400 - cases.y.sum()))
    assert binary.plan(cases, rarer // 5) == "logistic" and binary.plan(cases, rarer // 5 + 1) == "Firth logistic"


def test_counts_are_poisson_only_where_they_are_no_more_spread():
    rng = np.random.default_rng(0)
    frame, terms = people(400)
    plain = frame.assign(relapses=rng.poisson(0.5 * frame["years"]))
    outcome = declare("o", "relapses", "count", exposure="years")
    assert outcome.plan(complete_cases(outcome, plain), 1) == "Poisson"
    assert outcome.plan(complete_cases(outcome, frame), 1) == "negative binomial"
    fit = outcome.fit(complete_cases(outcome, plain), terms)
    rates = plain.groupby(terms["g"]).apply(lambda t: t["relapses"].sum() / t["years"].sum())
    assert np.exp(fit.estimate["g"]) == pytest.approx(rates[1.0] / rates[0.0], rel=1e-6)


@pytest.mark.parametrize("kind", [k for k in OPTIONS if k not in ("robust", "survival")])
def test_densities_are_those_of_the_models(kind):
    """The density that imputes labels, at the library's estimates, sums to the library's log likelihood."""
    frame, terms = people()
    column, options = OPTIONS[kind]
    outcome = declare("o", column, kind, **options)
    cases = complete_cases(outcome, frame)
    model = direct(kind, frame, terms)
    predictor = (terms["g"] * model.params["g"]).to_numpy()[:, None]
    if kind == "ordinal":
        ends = OrderedModel(frame["edss"], terms, distr="logit").transform_threshold_params(model.params)[1:-1]
        nuisance = np.r_[ends[0], np.log(np.diff(ends))]
    else:
        spread = {"count": [np.log(model.params.get("alpha", 1.0))]}.get(kind, [])
        if kind == "continuous":
            spread = [0.5 * np.log((model.resid**2).mean())]
        nuisance = np.r_[model.params["const"], spread]
    total = outcome.log_density(cases, predictor, nuisance).sum()
    assert total == pytest.approx(model.llf, abs=0.01)
    assert len(nuisance) == len(outcome.nuisance(cases))


def test_survival_density_is_piecewise_exponential():
    frame = pd.DataFrame({"t": [1.0, 2.0, 4.0, 5.0, 8.0], "e": [1, 1, 0, 1, 1]}, index=list("abcde"))
    outcome = declare("o", "e", "survival", time="t")
    cases = complete_cases(outcome, frame)
    cuts = outcome._cuts(cases)
    rates = np.linspace(0.1, 0.5, len(cuts) - 1)
    got = outcome.log_density(cases, np.full((5, 1), 0.3), np.log(rates))[:, 0]
    for person, t, e in zip(range(5), frame["t"], frame["e"], strict=True):
        spent = [max(0.0, min(t, b) - a) for a, b in zip(cuts[:-1], cuts[1:], strict=True)]
        piece = next(i for i, b in enumerate(cuts[1:]) if t <= b)
        by_hand = e * (np.log(rates[piece]) + 0.3) - np.dot(spent, rates) * np.exp(0.3)
        assert got[person] == pytest.approx(by_hand)


def test_bounded_scores_are_modelled_as_shares_of_their_maximum():
    rng = np.random.default_rng(0)
    frame, terms = people(300)
    share = 1 / (1 + np.exp(-(1.5 - 0.7 * terms["g"])))
    frame["moca"] = rng.binomial(30, share)
    outcome = declare("MoCA", "moca", "bounded", maximum=30)
    fit = outcome.fit(complete_cases(outcome, frame), terms)
    means = frame["moca"].groupby(terms["g"]).mean() / 30
    odds = means / (1 - means)
    assert np.exp(fit.estimate["g"]) == pytest.approx(odds[1.0] / odds[0.0], rel=1e-5)
    with pytest.raises(InputError, match=r"between 0 and 30; it does not in 1 person, first p4 with 31"):
        complete_cases(outcome, frame.assign(moca=frame["moca"].mask(frame.index == "p4", 31)))
    ends = frame.assign(moca=frame["moca"].mask(frame.index == "p4", 30).mask(frame.index == "p5", 0))
    assert complete_cases(outcome, ends).y[["p4", "p5"]].tolist() == [30, 0]
    with pytest.raises(InputError, match=r"does not in 1 person, first p4 with -1"):
        complete_cases(outcome, frame.assign(moca=frame["moca"].mask(frame.index == "p4", -1)))
    with pytest.raises(InputError, match="needs the largest score in `maximum`"):
        declare("MoCA", "moca", "bounded")


@pytest.mark.parametrize(("size", "most"), [(8, 0.05), (25, 0.08), (150, 0.09)])
def test_proportional_odds_are_not_doubted_where_they_hold(size, most):
    """Exactly proportional odds: at 5 % no more than that many warnings (Monte-Carlo error included), for small groups too."""
    p = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        g = pd.DataFrame({"g": (np.arange(300) < size).astype(float)})
        edss = np.digitize(0.8 * g["g"] + rng.logistic(size=300), np.linspace(-2.5, 3, 9))
        outcome = declare("EDSS", "edss", "ordinal")
        p.append(outcome.check(complete_cases(outcome, pd.DataFrame({"edss": edss})), g)[1])
    p = np.array(p)
    assert (p < 0.05).mean() <= most + 2 * np.sqrt(0.05 * 0.95 / 60)
    assert np.isnan(p).all() == (size == 8)  # eight people fill no cut: nothing is tested, nothing is said


def test_outcomes_belong_to_diseases_and_to_people_at_risk():
    frame = pd.DataFrame(
        {"course": ["RRMS", "SPMS", "RRMS", "CIS"], "spms": [0, 1, 1, 0], "years": [2.0, 3.0, 1.0, 4.0]},
        index=list("abcd"),
    )
    given = {"name": "SPMS", "column": "spms", "type": "survival", "time": "years", "diseases": ["MS"]}
    outcome = declare(**given, only={"course": ["RRMS", "CIS"]})
    assert complete_cases(outcome, frame).y.index.tolist() == ["a", "c", "d"]
    assert [
        len(declared_for([given, {"name": "E", "column": "e", "type": "ordinal"}], d)) for d in ("MS", "NMOSD")
    ] == [2, 1]
    with pytest.raises(InputError, match="column course is not in"):
        complete_cases(outcome, frame.drop(columns="course"))


def test_every_type_says_how_it_is_told():
    for name, kind in KINDS.items():
        up, down = kind.direction
        assert kind.type == name and kind.effect and (up != down or name == "categorical") and "{o}" in up
    edss = declare("EDSS", "edss", "ordinal")
    assert edss.words(1.2) == "higher odds of a higher EDSS" and edss.words(0.8) == "lower odds of a higher EDSS"
    sdmt = declare("SDMT", "sdmt", "robust")
    assert sdmt.words(0.2) == "higher SDMT" and sdmt.words(-0.2) == "lower SDMT"
    rate = declare("relapses", "n", "count", exposure="years")
    drawn = rate.values(pd.DataFrame({"n": [3, 1], "years": [2.0, 4.0]}))
    assert drawn.tolist() == [1.5, 0.25] and rate.label == "relapses per year"
    people = pd.DataFrame({"n": [3, 1, 5, 7], "years": [2.0, 4.0, np.nan, 0.0]})
    assert rate.rate(people) == 4 / 6 and rate.rates and np.isnan(rate.rate(people[2:]))
    assert not edss.rates and not declare("lesions", "n", "count").rates
    cases = complete_cases(rate, pd.DataFrame({"n": [3, 1], "years": [2.0, 4.0]}))
    assert rate.comparable(cases).tolist() == [1.5, 0.25]


@pytest.mark.parametrize(
    ("transform", "value", "words"),
    [("log", 0.0, "above 0"), ("sqrt", -0.5, "0 or more"), ("log1p", -1.0, "above -1")],
)
def test_values_that_a_transform_cannot_take_are_named(transform, value, words):
    people = pd.DataFrame({"nfl": [*np.linspace(1, 5, 29), value]}, index=[f"p{i}" for i in range(30)])
    outcome = declare("NfL", "nfl", "continuous", transform=transform)
    with pytest.raises(InputError, match=f"outcome NfL: transform {transform} needs nfl {words}: p29"):
        complete_cases(outcome, people)
    complete_cases(outcome, people.drop(index="p29"))
    complete_cases(declare("NfL", "nfl", "continuous"), people)
    referred = declare("NfL", "nfl", "continuous", transform=transform, reference="controls")
    with pytest.raises(InputError, match="p29"):
        complete_cases(referred, people.drop(index="p29").add_prefix("q", axis=0), people)


def test_hazards_are_checked_where_covariates_follow_from_one_another():
    """Age, onset and duration: the same model as without one of them, and the same check; strata that hold a covariate too."""
    frame, terms = people(400, seed=2)
    duration = np.random.default_rng(5).uniform(0, 15, 400)
    frame = frame.assign(duration=duration, onset=frame["age"] - duration, of_site=(frame["site"] == "s1") * 1.0)
    plain = declare("o", "event", "survival", time="time", covariates=("age", "duration"))
    for more in (("onset",), ("onset", "age"), ()):
        outcome = replace(plain, covariates=(*plain.covariates, *more))
        name, p = outcome.check(complete_cases(outcome, frame), terms)
        assert name == PROPORTIONAL_HAZARDS and np.isfinite(p)
        assert p == pytest.approx(plain.check(complete_cases(plain, frame), terms)[1], rel=1e-3)
    held = replace(plain, strata=("site",), covariates=("age", "of_site"))
    assert np.isfinite(held.check(complete_cases(held, frame), terms)[1])
    # a group that follows from nothing keeps its place, whatever stands after it
    x = pd.DataFrame({"g": [0.0, 1, 1, 0, 1], "age": [1.0, 2, 4, 8, 9]})
    x["sum"] = x["g"] + x["age"]
    assert list(independent(x)) == ["g", "age"] and list(independent(x[["age", "sum", "g"]])) == ["age", "sum"]
    strata = pd.DataFrame({"s": ["a", "a", "b", "b", "b"]})
    assert list(independent(x[["age"]].assign(at=[1.0, 1, 0, 0, 0]), strata)) == ["age"]


def test_units_stand_at_the_axis():
    assert declare("NfL", "nfl", "continuous", unit="pg/ml").label == "NfL (pg/ml)"
    assert declare("NfL", "nfl", "continuous").label == "NfL"
    assert declare("lesions", "n", "count", exposure="years", unit="new").label == "lesions (new) per year"


def test_every_outcome_of_the_default_configuration_is_served_by_the_simulated_cohort():
    """The small study analyses some of them."""
    root = Path(__file__).parents[2]
    config = yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))["clinical"]["outcomes"]
    made = [declare(**o) for o in config]
    people = simulate_cohort(root / "resources", scale=0.2, seed=2).participants.set_index("participant_id")
    table = check_outcomes(made, people, "HC", made=MADE)
    assert len(made) == 18 and set(table["outcome"]) == {o.name for o in made}
    patients = table[table["group"] != "HC"]
    own = {c for o in made for c in o.columns} - set(people)
    assert own <= set(MADE) and (patients.loc[~patients["column"].isin(own), "complete"] > 20).all()
    lost = next(c for c in made[0].columns if c not in MADE)
    with pytest.raises(InputError, match=f"outcome {made[0].name}: column {lost} is not in"):
        check_outcomes(made, people.drop(columns=lost), "HC", made=MADE)


@pytest.mark.parametrize(
    ("kind", "ranked"), [(k, k in ("continuous", "robust", "ordinal", "bounded", "count")) for k in KINDS]
)
def test_only_what_has_an_order_has_companions_by_rank(kind, ranked):
    """Yes or no, drugs and times have none; counts are compared by their rates."""
    frame, terms = people(80)
    column = {
        "binary": "worse",
        "count": "relapses",
        "survival": "event",
        "discrete": "event",
        "categorical": "sex",
        "ordinal": "edss",
    }
    more = {"time": "time"} if kind in ("survival", "discrete") else {}
    more |= {"exposure": "years"} if kind == "count" else {}
    more |= {"maximum": 200} if kind == "bounded" else {}
    outcome = declare("o", column.get(kind, "score"), kind, **more)
    cases = complete_cases(outcome, frame)
    mine = terms["g"].loc[cases.y.index] > 0
    assert bool(outcome.group_companions(cases, mine, ~mine)) is ranked
    assert bool(outcome.stage_companions(cases, frame["age"])) is ranked


def test_the_density_of_a_bounded_score_is_the_double_binomial():
    """Efron 1986, eq. 2.1 up to its constant: half the log of the items, and their deviance."""
    frame = pd.DataFrame({"moca": [30.0, 12.0, 0.0]}, index=list("abc"))
    outcome = declare("MoCA", "moca", "bounded", maximum=30)
    got = outcome.log_density(complete_cases(outcome, frame), np.full((3, 1), 0.4), np.array([0.2, np.log(5.0)]))
    p = 1 / (1 + np.exp(-0.6))
    want = [
        0.5 * np.log(5) + 5 * np.log(p),
        0.5 * np.log(5) + 5 * (0.4 * np.log(p / 0.4) + 0.6 * np.log((1 - p) / 0.6)),
        0.5 * np.log(5) + 5 * np.log(1 - p),
    ]
    assert got[:, 0] == pytest.approx(want)


def test_an_event_at_the_end_of_a_piece_has_that_pieces_hazard():
    frame = pd.DataFrame({"t": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "e": 1}, index=list("abcdef"))
    outcome = declare("o", "e", "survival", time="t")
    cases = complete_cases(outcome, frame)
    cuts = outcome._cuts(cases)
    ends = [t for t in frame["t"] if t in cuts[1:-1]]
    assert ends
    rates = np.linspace(0.1, 0.9, len(cuts) - 1)
    got = outcome.log_density(cases, np.zeros((6, 1)), np.log(rates))[:, 0]
    for person, t in enumerate(frame["t"]):
        piece = int(np.sum(cuts[1:] < t))
        spent = [max(0.0, min(t, b) - a) for a, b in zip(cuts[:-1], cuts[1:], strict=True)]
        assert got[person] == pytest.approx(np.log(rates[piece]) - np.dot(spent, rates))


def test_only_what_an_outcome_counts_with_must_be_numbers():
    """A categorical outcome of words is one; a rate's exposure of words is an error."""
    frame = pd.DataFrame(
        {"course": ["RRMS", "SPMS", "RRMS"], "n": [1, 2, 0], "years": ["2", "long", "3"]}, index=list("abc")
    )
    assert complete_cases(declare("c", "course", "categorical"), frame).y.tolist() == ["RRMS", "SPMS", "RRMS"]
    with pytest.raises(InputError, match=r"years is no number.*b"):
        complete_cases(declare("r", "n", "count", exposure="years"), frame)
    with pytest.raises(InputError, match=r"course is no number"):
        complete_cases(declare("c", "course", "ordinal"), frame)
