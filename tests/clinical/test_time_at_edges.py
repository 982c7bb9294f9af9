"""Survival, trials, treatment and prediction: just enough people and events, times on the horizon, the test of an interaction by hand."""

from dataclasses import replace

import lifelines
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.model_selection import RepeatedStratifiedKFold

from neuraxis.clinical.fit import NO_PROFILE
from neuraxis.clinical.outcomes import declare
from neuraxis.clinical.prediction import (
    calibration_slope,
    censoring_weights,
    measures,
    out_of_fold_risk,
    prediction,
    predictor_sets,
)
from neuraxis.clinical.survival import survival_tables
from neuraxis.clinical.treatment import INTERACTION, check_treatment, treatment_effects, treatments_of
from neuraxis.clinical.trial import enrichment
from neuraxis.errors import InputError
from neuraxis.labels import NORMAL, Labels

EVENT = declare("o", "e", "survival", time="t")


def certain(sizes):
    group = pd.Series([g for g, n in sizes.items() for _ in range(n)])
    group.index = [f"p{i:03d}" for i in range(len(group))]
    p = pd.DataFrame({g: (group == g).astype(float) for g in [NORMAL, *(g for g in sizes if g != NORMAL)]})
    return Labels(group, p, pd.Series(np.arange(len(group)) % 7 + 1.0, group.index).mask(group == NORMAL, 0.0))


# ---------------------------------------------------------------- prediction


def test_on_the_horizon_an_event_is_known_and_a_censored_person_is_not():
    time, event = np.array([1.0, 2, 2, 3]), np.array([0, 1, 0, 1])
    # the one censored at 1 is of four: everyone after it counts 4/3; at 2 the event is known, the other was lost that day
    assert censoring_weights(time, event, 2.0).tolist() == pytest.approx([0, 4 / 3, 0, 4 / 3])
    got = measures(np.array([0.1, 0.6, 0.2, 0.3]), time, event, np.array([0, 2, 0, 1.0]), 2.0, 0.5)
    assert got["brier"] == pytest.approx((2 * 0.4**2 + 0.3**2) / 4) and got["net_benefit"] == pytest.approx(2 / 4)
    assert got["net_benefit_all"] == pytest.approx((2 - 1) / 4)
    # at a threshold of one fifth a false alarm costs a quarter
    low = measures(np.array([0.1, 0.6, 0.2, 0.2]), time, event, np.array([0, 2, 0, 1.0]), 2.0, 0.2)
    assert low["net_benefit"] == pytest.approx((2 - 0.25) / 4)
    worst = measures(np.array([0.1, 0.2, 0.2, 0.9]), time, event, np.ones(4), 2.0, 0.5)
    assert worst["c"] == pytest.approx(0.25)  # the event at 2 against both others: half of a tie, and lost


def test_a_slope_of_calibration_needs_risks_that_differ():
    time, event = np.array([1.0, 2, 3, 4, 5, 6]), np.array([1, 1, 0, 1, 1, 0])
    assert np.isnan(calibration_slope(np.full(6, 0.4), time, event))
    risk = np.array([0.0, 0.5, 0.2, 1.0, 0.4, 0.3])  # ends are within reach
    x = np.log(-np.log1p(-np.clip(risk, 1e-6, 1 - 1e-6)))
    fit = lifelines.CoxPHFitter().fit(pd.DataFrame({"x": x, "t": time, "e": event}), "t", "e")
    assert calibration_slope(risk, time, event) == pytest.approx(fit.params_["x"], rel=1e-6)


def forecast_study(n=90, seed=4):
    rng = np.random.default_rng(seed)
    index = [f"p{i:02d}" for i in rng.permutation(n)]
    labels = certain({NORMAL: n // 3, "a": n // 3, "b": n - 2 * (n // 3)})
    labels = Labels(*(t.set_axis(index, axis=0) for t in (labels.group, labels.probability, labels.stage)))
    people = pd.DataFrame({"age": rng.normal(40, 9, n)}, index)
    people["t"] = np.round(rng.exponential(np.exp(1 - 0.05 * (people["age"] - 40))) + 0.05, 2)
    people["e"] = (rng.random(n) < 0.7).astype(int)
    z = pd.DataFrame(rng.normal(size=(n, 3)), index, ["u", "v", "w"])
    return people, labels, z


def test_a_forecast_says_its_brier_score_benefit_and_slope():
    """Somebody without an age, somebody without time, a z that is missing: the numbers are of everyone else."""
    people, labels, z = forecast_study()
    people.iloc[5, 0], people.iloc[11, 1], z.iloc[20, 1] = np.nan, 0.0, np.nan
    got = prediction(
        [EVENT], people[::-1], labels, z, ["age"], folds=3, repeats=1, horizon=1.5, n_bootstrap=11, seed=3
    ).set_index("model")
    mine = people[::-1].drop(index=[people.index[5], people.index[11]])
    t, e = mine["t"].to_numpy(), mine["e"].astype(float).to_numpy()
    sets = predictor_sets(people[::-1], labels, z.fillna(z.mean()), ["age"])
    assert sets["+ mean z"]["mean_z"][z.index[20]] == pytest.approx((z.iloc[20, [0, 2]].sum() + z["v"].mean()) / 3)
    parts = list(RepeatedStratifiedKFold(n_splits=3, n_repeats=1, random_state=3).split(mine, mine["e"]))
    w = censoring_weights(t, e, 1.5)
    share = 1 - float(lifelines.KaplanMeierFitter().fit(t, e).predict(1.5))
    rng = np.random.default_rng(3)
    picks = [rng.integers(0, 88, 88) for _ in range(11)]
    assert (
        list(got.index) == ["clinical", "+ mean z", "+ stage", "+ subtype", "clinical and all z"]
        and (got["n"] == 88).all()
    )
    for name in ("+ subtype", "clinical and all z"):
        risk = out_of_fold_risk(
            sets[name].loc[mine.index], mine["t"], mine["e"].astype(float), 1.5, parts, 0.1 if "all" in name else 0.01
        )
        row, want = got.loc[name], measures(risk, t, e, w, 1.5, share)
        assert row[list(want)].tolist() == pytest.approx(list(want.values()))
        again = [measures(risk[i], t[i], e[i], w[i], 1.5, share)["brier"] for i in picks]
        assert row[["brier_low", "brier_high"]].tolist() == pytest.approx(np.quantile(again, [0.025, 0.975]).tolist())
        assert row["slope"] == pytest.approx(calibration_slope(risk, t, e)) and row["reason"] == ""
    nobody = measures(np.full(88, share), t, e, w, 1.5, share)["brier"]
    assert got["brier_without"].tolist() == pytest.approx([nobody] * 5)


def test_twenty_events_and_five_people_a_part_are_predicted():
    people, labels, z = forecast_study(60)

    def told(events, **options):
        made = people.assign(e=(np.arange(60) % 3 < 3).astype(int) * (np.arange(60) < events))
        return prediction(
            [EVENT, declare("y", "age", "continuous")], made, labels, z, ["age"], repeats=1, n_bootstrap=3, **options
        )

    assert len(told(20)) == 5 and told(19)["reason"].tolist() == ["fewer than 20 events"]
    assert told(19)[["n", "n_events", "model"]].values.tolist() == [[60, 19, ""]]
    assert len(told(20, folds=12)) == 5 and len(told(20, folds=13)) == 1


def test_a_predictor_that_does_not_vary_where_it_is_fitted_is_left_out():
    people, _, _ = forecast_study(40)
    x = people[["age"]].assign(rare=0.0)
    x.iloc[3, 1] = 1.0
    folds = [(np.arange(20, 40), np.arange(20)), (np.arange(20), np.arange(20, 40))]
    got = out_of_fold_risk(x, people["t"], people["e"], 1.0, folds, 0.05)
    alone = out_of_fold_risk(x[["age"]], people["t"], people["e"], 1.0, folds, 0.05)
    assert got[:20] == pytest.approx(alone[:20]) and not np.allclose(got[20:], alone[20:])


# ---------------------------------------------------------------- survival and trials


def test_curves_are_of_known_times_and_groups_in_their_order():
    time = pd.Series([3.0, 1.0, np.nan, 2.0, 4.0, 1.0, 2.0], list("abcdefg"))
    event = pd.Series([1, 1, 1, np.nan, 0, 1, 0], time.index)
    group = pd.Series(["y", "x", "x", "x", "x", "z", "y"], time.index)
    curves, test = survival_tables("o", time, event, group, ["x", "w", "y"])
    assert curves[["group", "years", "survival", "at_risk", "n_events"]].values.tolist() == [
        ["x", 0, 1, 2, 0], ["x", 1, 0.5, 2, 1], ["x", 4, 0.5, 1, 1], ["y", 0, 1, 2, 0], ["y", 2, 1, 2, 0], ["y", 3, 0, 1, 1]
    ]  # fmt: skip
    assert test["n"] == 0 == test["n_events"] == test["df"] == test["n_smallest"] and test["groups"] == ""
    nobody = survival_tables("o", time * np.nan, event, group, ["x", "y"])
    assert nobody[0].empty and nobody[1]["reason"] == "nobody has all the values"


def test_three_groups_have_two_degrees_of_freedom():
    rng = np.random.default_rng(3)
    time, event = pd.Series(rng.exponential(2, 30)), pd.Series(rng.integers(0, 2, 30))
    group = pd.Series(["a"] * 12 + ["b"] * 10 + ["c"] * 8)
    _, test = survival_tables("o", time, event, group, ["c", "b", "a"])
    want = lifelines.statistics.multivariate_logrank_test(time, group, event)
    assert (
        test["df"] == 2
        and test["statistic"] == pytest.approx(want.test_statistic)
        and test["p"] == pytest.approx(want.p_value)
    )
    assert (test["groups"], test["n"], test["n_smallest"], test["n_events"]) == ("c, b, a", 30, 8, event.sum())


def test_the_risk_of_a_trial_is_read_on_its_last_day():
    labels = certain({NORMAL: 4, "a": 10, "b": 8})
    people = pd.DataFrame(
        {"t": np.arange(1.0, 23), "e": [1, 1, 0, 1] + [0] * 18, "course": ["x"] * 20 + ["y"] * 2}, labels.group.index
    )
    got = enrichment([replace(EVENT, only=(("course", ("x",)),))], people[::-1], labels, years=4.0).set_index("group")
    row = got.loc["everyone"]
    # at 4 the last event has happened: 19/20, 18/19, and 16/17 after somebody was lost
    s = 19 / 20 * 18 / 19 * 16 / 17
    v = 1 / (20 * 19) + 1 / (19 * 18) + 1 / (17 * 16)
    half = 1.959964 * np.sqrt(v) / abs(np.log(s))
    ends = [1 - np.exp(-np.exp(np.log(-np.log(s)) + side * half)) for side in (-1, 1)]
    assert row[["risk", "risk_low", "risk_high"]].tolist() == pytest.approx([1 - s, *ends], abs=1e-6)
    assert row[["n", "n_events", "person_years", "years", "hazard_ratio", "power"]].tolist() == [
        20,
        3,
        210,
        4,
        0.7,
        0.8,
    ]
    # thirds are of staged people; the first group of the order are the normal-appearing, who are none
    assert list(got.index) == ["everyone", "everyone staged", "a", "b", "early stages", "middle stages", "late stages"]
    assert (
        got.loc["a", ["n", "n_events"]].tolist() == [10, 0]
        and got.loc["a", "risk"] == 0
        and np.isnan(got.loc["a", "n_per_arm"])
    )
    assert got["n"].iloc[4:].sum() == 16 == got.loc["everyone staged", "n"] and (got["n"].iloc[4:] > 3).all()


def test_nobody_has_no_rate():
    labels = certain({NORMAL: 3, "a": 2, "b": 2})
    people = pd.DataFrame({"t": [1.0, 2, 3, np.nan, np.nan, 1, 2], "e": [1, 0, 1, 1, 0, 0, 1]}, labels.group.index)
    got = enrichment([EVENT], people, labels, years=2.0).set_index("group")
    assert got.loc["a", ["n", "n_events", "person_years"]].tolist() == [0, 0, 0] and np.isnan(got.loc["a", "rate"])
    assert np.isnan(got.loc["a", "risk"]) and got.loc["b", "n"] == 2 and got.loc["b", "rate"] == pytest.approx(1 / 3)


# ---------------------------------------------------------------- treatment


def test_treatments_in_words():
    people = pd.DataFrame({"drug": [1, 2.5, True, None, "x", np.nan, 0]}, dtype=object)
    assert treatments_of(people, "drug").fillna("-").tolist() == ["1", "2.5", "True", "-", "x", "-", "0"]
    check_treatment(people, "", "nobody's")
    check_treatment(people, "arm", "nobody's")
    check_treatment(people, "drug", "x")
    check_treatment(pd.DataFrame({"drug": [1.0, np.nan, 1.0]}), "drug", "2")  # one alone is compared with nothing
    check_treatment(pd.DataFrame({"drug": [1.0, 2.0]}), "drug", 2)
    with pytest.raises(InputError, match="nobody has z in column drug; it has 0, 1, 2.5, True, x. Name one"):
        check_treatment(people, "drug", "z")


def treated(sizes=(60, 60, 20), seed=8, events=0.8):
    """Two drugs and none; the first halves the hazard in a, and not in b; a covariate, and strata of two sites."""
    rng = np.random.default_rng(seed)
    labels = certain(dict(zip(("a", "b", NORMAL), sizes, strict=True)))
    n = len(labels.group)
    people = pd.DataFrame(
        {"drug": np.array(["none", "x", "y"])[np.arange(n) % 3], "age": rng.normal(size=n)}, labels.group.index
    )
    slow = (people["drug"] == "x") * np.where(labels.group == "a", 2.0, -0.3)
    people["t"] = rng.exponential(np.exp(slow + 0.3 * people["age"])) + 0.01
    people["e"] = (rng.random(n) < events).astype(int)
    return people, labels


def test_an_interaction_is_tested_by_the_likelihood_of_both_models():
    people, labels = treated()
    outcome = declare("o", "e", "survival", time="t", covariates=["age", "drug"])
    table, *_ = treatment_effects([outcome], people[::-1], labels, "drug", "none")
    row = table[table["subtype"] == INTERACTION].iloc[0]
    staged = labels.staged
    data = people[staged][["t", "e", "age"]].assign(b=1.0 * (labels.group == "b"))
    data["age"] = (data["age"] - data["age"].mean()) / data["age"].std()
    for v in "xy":
        data[v] = 1.0 * (people["drug"] == v)
    less = lifelines.CoxPHFitter().fit(data, "t", "e")
    more = lifelines.CoxPHFitter().fit(data.assign(bx=data["b"] * data["x"], by=data["b"] * data["y"]), "t", "e")
    lr = 2 * (more.log_likelihood_ - less.log_likelihood_)
    assert row[["estimate", "p"]].tolist() == pytest.approx([lr, stats.chi2.sf(lr, 2)], rel=1e-3)
    assert row[["n", "n_events", "treatment", "reference", "covariates", "model"]].tolist() == [
        120, int(data["e"].sum()), "", "none", "age", "Cox"
    ]  # fmt: skip
    assert row["effect"] == "likelihood ratio" and row["reason"] == ""


def test_effects_are_told_of_twenty_people_to_a_side_and_ten_events():
    def told(n, events=None, drug=None):
        people, labels = treated((n, n, 5))
        people["drug"] = np.where(np.arange(len(people)) % 2 == 0, "none", "x") if drug is None else drug
        if events is not None:
            people["e"] = 0
            people.loc[people.index[:n][:: n // events][:events], "e"] = 1
            people.loc[people.index[n : n + 12], "e"] = 1
        table, *_ = treatment_effects([EVENT], people, labels, "drug", "none")
        return table.set_index("subtype")

    enough = told(40)
    assert enough.loc[["a", "b", "", INTERACTION], "reportable"].all() and enough.loc["a", "n_treated"] == 20
    few = told(39)  # of the 39 of a 20 have none and 19 have x
    assert few.loc[["", "a", INTERACTION], "reportable"].tolist() == [True, False, False]
    other = told(39, drug=np.where(np.arange(83) % 2 == 0, "x", "none"))
    assert other.loc["a", "n_treated"] == 20 and not other.loc["a", "reportable"]
    assert told(60, 10).loc["a", ["n_events", "reportable"]].tolist() == [10, True]
    assert told(60, 9).loc["a", ["n_events", "reportable"]].tolist() == [9, False]


def test_rest_of_the_model_is_said_and_strata_with_it():
    people, labels = treated()
    people["site"] = np.where(np.arange(len(people)) % 2, "s", "t")
    outcome = declare("o", "e", "survival", time="t", covariates=["drug", "age"], strata=["site"])
    table, curves, tests = treatment_effects(
        [outcome, declare("y", "age", "continuous")], people, labels, "drug", "none"
    )
    assert set(table["covariates"]) == {"age, strata of site"} and set(table["outcome"]) == {"o"}
    assert table["treatment"].tolist() == ["x", "y"] * 3 + [""] and table["subtype"].tolist() == [
        *["", "", "a", "a", "b", "b"],
        INTERACTION,
    ]
    assert set(table["effect"].iloc[:6]) == {"HR"} and tests["n"].to_dict() == {0: 60, 1: 60}
    none = treatment_effects([declare("y", "age", "continuous")], people, labels, "drug", "none")
    assert none[0].empty and none[1].empty and "split" in none[1] and none[2].empty


def test_a_profile_without_an_end_is_no_effect_of_treatment(monkeypatch):
    from neuraxis.clinical import fit

    people, labels = treated((12, 12, 3), events=0.4)
    plain = treatment_effects([EVENT], people, labels, "drug", "none")[0]
    assert plain.loc[plain["subtype"] == "a", "model"].tolist() == ["Firth Cox"] * 2
    monkeypatch.setattr(fit.Fit, "contrast", lambda self, weights: fit.NO_EFFECT)
    got = treatment_effects([EVENT], people, labels, "drug", "none")[0]
    assert (got.loc[got["treatment"] != "", "reason"] == NO_PROFILE).all() and got["estimate"].iloc[:6].isna().all()
