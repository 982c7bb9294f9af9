"""Claims of the study, planted effects and nested models: which row is taken, from which side, and what it is called."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuraxis.clinical import recovery
from neuraxis.clinical.contrasts import OTHERS
from neuraxis.clinical.nested import nested_models, stage_terms
from neuraxis.clinical.outcomes import declare
from neuraxis.clinical.recovery import planted_and_recovered, true_labels
from neuraxis.clinical.reported import against_reported
from neuraxis.labels import NORMAL, Labels


def effect(**changes):
    base = {"method": "weighted", "outcome": "EDSS", "type": "ordinal", "kind": "subtype", "effect": "OR", "n": 100, "q": 0.01,
            "subtype": "a", "against": OTHERS, "estimate": 2.0, "low": 1.2, "high": 3.3, "reportable": True, "reason": "", "warning": ""}  # fmt: skip
    return base | changes


def claimed(*rows, columns=None, **claim):
    base = {"disease": "MS", "subtype": "a", "kind": "subtype", "column": "edss", "direction": "higher", "claim": "c"}
    columns = columns or {"EDSS": "edss", "SDMT": "sdmt"}
    return against_reported(pd.DataFrame([base | claim]), pd.DataFrame(list(rows)), columns, "MS")


@pytest.mark.parametrize(
    ("changes", "direction", "verdict"),
    [
        # ratios below one, and differences below nothing
        ({"estimate": 0.5, "low": 0.3, "high": 0.8}, "lower", "agrees"),
        ({"estimate": 0.5, "low": 0.3, "high": 0.8}, "higher", "contradicts"),
        ({"estimate": 0.5, "low": 0.3, "high": 1.0}, "lower", "same direction, but the interval includes no effect"),
        ({"low": 1.0}, "higher", "same direction, but the interval includes no effect"),
        ({"estimate": 1.0, "low": 0.5, "high": 2.0}, "higher", "opposite direction, but the interval includes no effect"),
        ({"type": "continuous", "estimate": 0.4, "low": 0.1, "high": 0.7}, "higher", "agrees"),
        ({"type": "continuous", "estimate": -0.4, "low": -0.7, "high": -0.1}, "higher", "contradicts"),
        ({"type": "continuous", "estimate": -0.4, "low": -0.7, "high": 0.1}, "lower", "same direction, but the interval includes no effect"),
        ({"type": "continuous", "estimate": 0.4, "low": 0.0, "high": 0.7}, "higher", "same direction, but the interval includes no effect"),
        ({"estimate": np.nan, "reason": "no convergence", "warning": "only 3 events"}, "higher", "not testable: no convergence"),
        ({"estimate": np.nan, "reason": np.nan, "warning": "only 3 events"}, "higher", "not testable: only 3 events"),
        ({"reportable": "False", "reason": "", "warning": "only 3 events"}, "higher", "not testable: only 3 events"),
        ({"reportable": "True"}, "higher", "agrees"),
    ],
)  # fmt: skip
def test_a_claim_is_judged_from_no_effect(changes, direction, verdict):
    assert claimed(effect(**changes), direction=direction)["verdict"].tolist() == [verdict]


def test_the_row_of_a_claim_is_against_all_others_or_else_the_pair_either_way_round():
    many = [effect(against="b", estimate=0.2, low=0.1, high=0.4), effect(), effect(subtype="b", estimate=9.0)]
    assert claimed(*many)["estimate"].tolist() == [2.0] and claimed(*many, subtype="b")["estimate"].tolist() == [9.0]
    pair = [
        effect(kind="stage", estimate=5.0),
        effect(against="b", n=70, q=0.03),
        effect(method="label", against="b", estimate=7.0),
    ]
    got = claimed(*pair).iloc[0]
    assert got[["estimate", "low", "high", "n", "q", "effect"]].tolist() == [2.0, 1.2, 3.3, 70, 0.03, "OR"]
    assert got[["claim", "subtype", "outcome", "reported", "verdict"]].tolist() == [
        "c",
        "a",
        "EDSS",
        "higher",
        "agrees",
    ]
    turned = claimed(*pair, subtype="b")
    assert turned["verdict"].tolist() == ["contradicts"] and turned["estimate"].tolist() == [2.0]
    assert claimed(*pair, subtype="b", direction="lower")["verdict"].tolist() == ["agrees"]
    low = claimed(effect(against="b", estimate=0.5, low=0.2, high=0.9), subtype="b")
    assert low["verdict"].tolist() == ["agrees"]


def test_claims_of_stage_are_of_the_subtypes_own():
    rows = [
        effect(),
        effect(kind="stage", subtype="", estimate=0.1, low=0.05, high=0.3),
        effect(kind="stage", subtype="b", estimate=0.2, low=0.1, high=0.3),
    ]
    assert claimed(*rows, kind="stage")["verdict"].tolist() == ["not testable"]  # a has no stage of its own
    assert claimed(*rows, effect(kind="stage", estimate=1.5), kind="stage")[
        ["estimate", "verdict"]
    ].values.tolist() == [[1.5, "agrees"]]
    assert claimed(*rows, subtype="c")["verdict"].tolist() == ["no such subtype in these data"]
    # a subtype of whom nothing but the stage was asked is none that was found
    assert claimed(*rows, kind="stage", subtype="b")["verdict"].tolist() == ["no such subtype in these data"]


def test_a_claim_of_a_column_is_one_of_every_outcome_made_of_it():
    rows = [
        effect(),
        effect(outcome="EDSS 6", type="binary", estimate=0.5, low=0.2, high=0.9),
        effect(outcome="SDMT", estimate=9.0),
    ]
    got = claimed(*rows, columns={"EDSS": "edss", "SDMT": "sdmt", "EDSS 6": "edss"})
    assert got[["outcome", "verdict"]].values.tolist() == [["EDSS", "agrees"], ["EDSS 6", "contradicts"]]
    none = claimed(*rows, column="moca")
    assert none[["outcome", "verdict"]].values.tolist() == [["moca", "no such outcome in these data"]]
    absent = claimed(*rows, columns={"walk": "edss"})
    assert absent[["outcome", "verdict"]].values.tolist() == [["walk", "not testable"]]
    other = pd.DataFrame(
        [{"disease": "NMOSD", "subtype": "a", "kind": "subtype", "column": "edss", "direction": "higher", "claim": "c"}]
    )
    assert against_reported(other, pd.DataFrame(rows), {"EDSS": "edss"}, "MS").empty


# ---------------------------------------------------------------- planted


def contrast(kind, subtype, against, method, estimate, low, high, effect="OR"):
    return {"outcome": "o", "type": "ordinal", "effect": effect, "kind": kind, "subtype": subtype, "against": against,
            "method": method, "estimate": estimate, "low": low, "high": high}  # fmt: skip


def recovered(monkeypatch, found, planted):
    """With these tables of effects for the labels "found" and "planted"."""
    asked = []

    def associations(outcomes, people, labels, **options):
        asked.append((labels, options))
        return pd.DataFrame(found if labels == "found" else planted)

    monkeypatch.setattr(recovery, "associations", associations)
    got = planted_and_recovered([], None, "found", "planted", "controls")
    assert asked == [(name, {"controls": "controls", "n_draws": 0}) for name in ("found", "planted")]
    return got


@pytest.mark.parametrize(
    ("effect", "weighted", "planted", "same", "covered"),
    [
        ("OR", (2.0, 1.5, 3.0), 2.9, True, True),
        ("OR", (2.0, 1.5, 3.0), 3.1, True, False),
        ("OR", (2.0, 0.4, 3.0), 0.5, False, True),
        ("OR", (0.5, 0.3, 0.9), 0.8, True, True),
        ("standardised beta", (0.5, 0.3, 0.9), 0.8, True, True),
        ("standardised beta", (0.5, -0.3, 0.9), -0.2, False, True),
        ("standardised beta", (-0.5, -0.7, -0.3), -0.8, True, False),
        ("OR", (2.0, 1.5, 3.0), np.nan, None, None),
        ("OR", (np.nan, np.nan, np.nan), 2.0, None, None),
    ],
)
def test_planted_and_found_are_compared_by_side_and_interval(monkeypatch, effect, weighted, planted, same, covered):
    keys = ("subtype", "a", OTHERS)
    found = [
        contrast(*keys, "label", 1.1, 0.9, 1.4, effect),
        contrast(*keys, "weighted", *weighted, effect),
        contrast(*keys, "draws", 7, 7, 7, effect),
    ]
    truth = [contrast(*keys, "weighted", 6, 6, 6, effect), contrast(*keys, "label", planted, 0.1, 9.0, effect)]
    row = recovered(monkeypatch, found, truth).iloc[0]
    numbers = [
        "planted",
        "planted_low",
        "planted_high",
        "weighted",
        "weighted_low",
        "weighted_high",
        "label",
        "label_low",
        "label_high",
    ]
    want = [planted, 0.1, 9.0, *weighted, 1.1, 0.9, 1.4]
    np.testing.assert_array_equal(row[numbers].to_numpy(float), want)
    assert pd.isna(row["same_direction"]) if same is None else row["same_direction"] == same
    assert pd.isna(row["covered"]) if covered is None else row["covered"] == covered


def test_pairs_are_shown_where_there_are_no_others_to_stand_for(monkeypatch):
    def rows(*whom):
        return [contrast(*w, m, 2, 1, 3) for w in whom for m in ("label", "weighted")]

    pairs, stages = (
        [("subtype", "a", "b")],
        [("stage", "", ""), ("stage", "a", ""), ("atrophy", "any", NORMAL), ("any difference", "", "")],
    )
    others = [("subtype", "a", OTHERS), ("subtype", "b", OTHERS)]
    shown = recovered(monkeypatch, rows(*pairs, *stages), rows(*pairs, *stages))
    assert shown[["kind", "against"]].values.tolist() == [
        ["subtype", "b"],
        ["stage", ""],
        ["stage", ""],
        ["atrophy", NORMAL],
    ]
    many = recovered(monkeypatch, rows(*pairs, *others, *stages[:1]), rows(*pairs, *others))
    assert many["against"].tolist() == [OTHERS, OTHERS, ""]
    assert many["planted"].tolist()[:2] == [2, 2] and np.isnan(many["planted"].iloc[2])  # not asked of the truth
    assert recovered(monkeypatch, [], rows(*pairs)).empty and recovered(monkeypatch, rows(*pairs), []).empty


def test_true_subtypes_of_one_name_are_one_and_stage_nothing_is_none():
    truth = pd.DataFrame({"subtype": ["A", "B", "C", None, "A"], "stage": [1, 2, 3, 4, 0]}, list("edcba"))
    got = true_labels(truth, {"A": "x", "B": "x", "C": "y"})
    assert got.group.tolist() == ["x", "x", "y", NORMAL, NORMAL] and list(got.probability) == [NORMAL, "x", "y"]
    assert (got.probability.sum(axis=1) == 1).all() and got.stage["c"] == 3


# ---------------------------------------------------------------- nested


def test_the_largest_of_nested_models_chooses_the_estimator_of_those_who_have_scores():
    rng = np.random.default_rng(1)
    index = [f"p{i:02d}" for i in range(40)]
    p = pd.DataFrame({NORMAL: 0.2, "a": rng.uniform(0.1, 0.7, 40)}, index)
    p["b"] = 1 - p.sum(axis=1)
    labels = Labels(p.idxmax(axis=1), p, pd.Series(rng.uniform(0, 9, 40), index))
    terms = stage_terms(labels)
    assert list(terms) == ["a", "b", "stage in a", "stage in b"]
    assert terms["stage in b"].to_numpy() == pytest.approx((p["b"] * labels.stage).to_numpy())
    people = pd.DataFrame({"y": rng.normal(size=40), "age": rng.normal(size=40)}, index)
    scores = pd.DataFrame({"mean z": rng.normal(5, 2, 40), "cord z": rng.normal(size=40)}, index)
    scores.iloc[3, 1] = np.nan
    outcome = declare("o", "y", "continuous", ("age",))
    asked = []
    object.__setattr__(outcome, "plan", lambda cases, n, groups=None: asked.append((len(cases.y), n)) or "")
    got = nested_models([outcome, declare("m", "y", "robust")], people, labels, scores[::-1]).set_index("model")
    assert asked == [(39, 2 + 4 + 1)] and set(got["outcome"]) == {"o"} and (got["n"] == 39).all()
    assert list(got.index) == ["mean z and cord z", "subtype and stage", "mean z and cord z, subtype and stage"]
    assert got["df"].tolist()[:2] == [4, 2] and got["against"].tolist() == [
        "mean z and cord z, subtype and stage"
    ] * 2 + [""]
    lr = 2 * (got["log_likelihood"].iloc[2] - got["log_likelihood"].iloc[:2])
    assert got["lr"].tolist()[:2] == pytest.approx(lr.tolist())
    assert got["p"].tolist()[:2] == pytest.approx(stats.chi2.sf(lr, [4, 2]).tolist())
    assert (got["aic"] == 2 * got["n_parameters"] - 2 * got["log_likelihood"]).all() and (
        got["estimator"] == "OLS"
    ).all()


def test_where_one_nested_model_cannot_be_fitted_nothing_is_compared():
    index = [f"p{i}" for i in range(13)]
    p = pd.DataFrame({NORMAL: 0.5, "a": np.linspace(0.1, 0.4, 13)}, index)
    labels = Labels(pd.Series("a", index), p, pd.Series(np.arange(13.0) % 4, index))
    people = pd.DataFrame({"y": np.arange(13) % 5 * 1.0}, index)
    scores = pd.DataFrame({"z": np.arange(13) % 3 * 1.0, "w": np.arange(13) % 2 * 1.0}, index)
    got = nested_models([declare("o", "y", "continuous")], people, labels, scores)
    # 13 people: two terms may be fitted, four not
    assert got["reason"].tolist() == ["", "", "13 people for 4 terms"] and got["p"].isna().all()
    assert (got["against"] == "").all() and got["n"].tolist() == [13] * 3
    nobody = nested_models([declare("o", "y", "continuous")], people, labels, scores * np.nan)
    assert nobody["reason"].tolist() == ["nobody has all the values"] * 3
