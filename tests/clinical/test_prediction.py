"""Prediction, treatment, trials, the study's claims, planted and recovered: planted effects and hand-computed numbers."""

import lifelines
import numpy as np
import pandas as pd
import pytest
from people import study
from scipy import stats

from neuraxis.clinical.contrasts import OTHERS
from neuraxis.clinical.labels import NORMAL
from neuraxis.clinical.outcomes import declare
from neuraxis.clinical.prediction import censoring_weights, measures, prediction, predictor_sets
from neuraxis.clinical.recovery import planted_and_recovered, true_labels
from neuraxis.clinical.reported import against_reported
from neuraxis.clinical.treatment import CONFOUNDED, INTERACTION, treatment_effects
from neuraxis.clinical.trial import enrichment, per_arm
from neuraxis.report.sentences import prediction_sentences, reported_sentences, treatment_sentences, trial_sentences

EVENT = declare("Event", "event", "survival", time="time")


def test_weights_brier_and_net_benefit_by_hand():
    """Censored at 1: unknown at the horizon 3, and those who stay stand for it."""
    time, event = np.array([1.0, 2.0, 4.0, 4.0]), np.array([0, 1, 0, 1])
    weight = censoring_weights(time, event, 3.0)
    assert weight == pytest.approx([0, 4 / 3, 4 / 3, 4 / 3])
    risk = np.array([0.9, 0.8, 0.4, 0.1])
    got = measures(risk, time, event, weight, 3.0, 0.25)
    assert got["brier"] == pytest.approx(4 / 3 * ((1 - 0.8) ** 2 + 0.4**2 + 0.1**2) / 4)
    # at 0.25 the second (event) and third (none) are called positive
    assert got["net_benefit"] == pytest.approx((4 / 3 - 1 / 3 * 4 / 3) / 4)
    assert got["net_benefit_all"] == pytest.approx((4 / 3 - 1 / 3 * 8 / 3) / 4)
    assert got["c"] == pytest.approx(
        2 / 3
    )  # the second before both others; the fourth, at .1, before the censored third


@pytest.mark.parametrize("slope", [0.0, 0.25])
def test_prediction_says_what_is_added_and_that_nothing_is(slope):
    people, labels, _ = study(n=500, certainty=3.0, slope=slope, seed=4)
    z = pd.DataFrame({"a": np.random.default_rng(0).normal(size=500)}, index=people.index)
    table = prediction([EVENT], people, labels, z, ["age", "site"], repeats=1, n_bootstrap=40).set_index("model")
    assert list(table.index) == ["clinical", "+ mean z", "+ stage", "+ subtype", "clinical and all z"]
    assert (table["c_low"] < table["c"]).all() and (table["c"] < table["c_high"]).all()
    assert (table.loc["+ stage", "added_low"] > 0) == (slope > 0)
    assert table.loc["+ stage", "added"] == pytest.approx(table.loc["+ stage", "c"] - table.loc["+ mean z", "c"])
    mine = people[people["time"] > 0]
    alone = lifelines.KaplanMeierFitter().fit(mine["time"], mine["event"]).predict(2)
    nobody = np.full(len(mine), 1 - alone)
    time, event = mine["time"].to_numpy(), mine["event"].to_numpy()
    want = measures(nobody, time, event, censoring_weights(time, event, 2), 2, float(nobody[0]))["brier"]
    assert table["brier_without"].to_numpy() == pytest.approx(want) and 0 < want < 0.25
    text = " ".join(prediction_sentences(table.reset_index()))
    assert ("added by mean z and subtype" in text or "mean z" in text) and ("stage and" in text or slope > 0)
    sets = predictor_sets(people, labels, z, ["age", "site"])
    assert list(sets["clinical"]) == ["age", "site_s2"] and "stage" not in sets["clinical and all z"]


def test_too_few_events_predict_nothing():
    people, labels, _ = study(n=200)
    people["event"] = 0
    people.loc[people.index[:19], "event"] = 1
    table = prediction([EVENT], people, labels, people[["age"]], ["age"])
    assert len(table) == 1 and table["reason"].iloc[0] == "fewer than 20 events" and prediction_sentences(table) == []


def test_people_per_arm_by_schoenfeld():
    events = 4 * (1.959964 + 0.841621) ** 2 / np.log(0.7) ** 2
    assert per_arm(0.3, 0.7) == pytest.approx(events / (0.3 + 1 - 0.7**0.7), rel=1e-5)
    assert (
        per_arm(0.3, 0.7) == pytest.approx(473.7, abs=0.1) and per_arm(0.3, 0.5) < 150 and np.isnan(per_arm(0.0, 0.7))
    )
    people, labels, _ = study(n=400, certainty=3.0)
    table = enrichment([EVENT], people, labels).set_index("group")
    mine = people[labels.group == "one"]
    row = table.loc["one"]
    assert row["rate"] == pytest.approx(mine["event"].sum() / mine["time"].sum())
    events = int(mine["event"].sum())
    assert row["rate_low"] == pytest.approx(stats.chi2.ppf(0.025, 2 * events) / 2 / mine["time"].sum())
    assert row["risk_low"] < row["risk"] < row["risk_high"] and row["n_per_arm_low"] < row["n_per_arm_high"]
    assert row["n_per_arm"] == np.ceil(per_arm(row["risk"], 0.7))
    few = enrichment([EVENT], people.assign(event=0), labels)
    assert not few["reportable"].any() and trial_sentences(few) == []
    assert "people per arm (95 % interval" in trial_sentences(table.reset_index())[0]


def test_treatment_is_compared_within_subtype_and_never_without_its_warning():
    people, labels, truth = study(n=1500, certainty=3.5, shares=(0.2, 0.4, 0.4), seed=1)
    rng = np.random.default_rng(0)
    people["drug"] = rng.choice(["none", "x", "y"], 1500)
    hazard = 0.2 * np.exp(1.2 * ((people["drug"] == "x") & (truth == "one")))
    time = rng.exponential(1 / hazard)
    people["event"], people["time"] = (time < people["years"]).astype(int), np.minimum(time, people["years"]).clip(0.01)
    effects, curves, tests = treatment_effects([EVENT], people, labels, "drug", "none")
    got = effects.set_index(["subtype", "treatment"])
    assert got.loc[("one", "x"), "low"] > 1.5 and got.loc[("two", "x"), "low"] < 1 < got.loc[("two", "x"), "high"]
    assert got.loc[(INTERACTION, ""), "p"] < 1e-4 and got.loc[("one", "y"), "p"] > 0.01
    assert got.loc[("one", "x"), "n_treated"] == ((labels.group == "one") & (people["drug"] == "x")).sum()
    assert set(curves["group"]) == {"none", "x", "y"} and tests["split"].tolist() == [
        "treatment in one",
        "treatment in two",
    ]
    words = treatment_sentences(effects)
    assert words[-1] == CONFOUNDED and "Event by treatment, one: x against none (HR" in " ".join(words)
    assert treatment_sentences(effects.assign(reportable=False)) == []
    nothing, *_ = treatment_effects([EVENT], people, labels, "", "")
    assert nothing.empty and treatment_sentences(nothing) == []


def claim(**other):
    first = {
        "disease": "MS",
        "subtype": "cortical",
        "kind": "subtype",
        "column": "edss",
        "direction": "higher",
        "claim": "c",
    }
    return pd.DataFrame([first | other])


@pytest.mark.parametrize(
    ("row", "direction", "verdict"),
    [
        ({}, "higher", "agrees"),
        ({}, "lower", "contradicts"),
        ({"low": 0.8}, "higher", "same direction, but the interval includes no effect"),
        ({"low": 0.8}, "lower", "opposite direction, but the interval includes no effect"),
        ({"reportable": False, "warning": "only 4 people"}, "higher", "not testable: only 4 people"),
        ({"subtype": "spinal cord", "against": "cortical"}, "lower", "agrees"),  # the pair turned round
        ({"subtype": "spinal cord"}, "higher", "no such subtype in these data"),
    ],
)
def test_claims_are_judged_by_direction_and_interval(row, direction, verdict):
    base = {"method": "weighted", "outcome": "EDSS", "type": "ordinal", "kind": "subtype", "effect": "OR", "n": 100}
    base |= {"subtype": "cortical", "against": OTHERS, "estimate": 2.0, "low": 1.2, "high": 3.3, "q": 0.01}
    base |= {"reportable": True, "reason": "", "warning": ""}
    got = against_reported(claim(direction=direction), pd.DataFrame([base | row]), {"EDSS": "edss"}, "MS")
    assert got["verdict"].tolist() == [verdict]
    assert reported_sentences(got)[0].startswith("Of 1 finding of the published study (Zhuo et al. 2025): 1 ")
    assert against_reported(claim(disease="NMOSD"), pd.DataFrame([base]), {"EDSS": "edss"}, "MS").empty
    other = against_reported(claim(column="moca"), pd.DataFrame([base]), {"EDSS": "edss"}, "MS")
    assert other["verdict"].tolist() == ["no such outcome in these data"]


def test_planted_effects_stand_beside_those_found():
    people, labels, truth = study(n=1500, certainty=2.5, effect=1.0)
    letters = truth.map({NORMAL: "NA", "one": "A", "two": "B", "three": "C"})
    table = pd.DataFrame({"subtype": letters, "stage": labels.stage.where(truth != NORMAL, 0)})
    true = true_labels(table.sample(frac=1, random_state=0).loc[people.index], {"A": "one", "B": "two", "C": "three"})
    assert (true.group == truth).all() and list(true.probability) == [NORMAL, "one", "two", "three"]
    got = planted_and_recovered([declare("Score", "score", "continuous")], people, labels, true, people)
    row = got[(got["kind"] == "subtype") & (got["subtype"] == "two")].iloc[0]
    sd = people["score"][truth != NORMAL].std()
    assert row["planted"] * sd == pytest.approx(1.0, abs=0.2) and row["label"] < row["weighted"]
    assert bool(row["same_direction"]) and row["planted_low"] < row["planted"] < row["planted_high"]
    assert bool(row["covered"]) == (row["weighted_low"] <= row["planted"] <= row["weighted_high"])
    assert got["against"].isin([OTHERS, "", NORMAL]).all()
