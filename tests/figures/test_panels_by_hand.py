"""What panels of the clinical figures hold and say, on a few rows by hand, without a picture."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from given_of import given

from neuraxis.figures import clinical

NORMAL = "normal-appearing"


def row(**changes):
    base = {
        "kind": "subtype",
        "subtype": "one",
        "against": "the other subtypes",
        "unit": "",
        "n_group": 12,
        "n_against": 30,
        "n_events": 0,
    }
    return SimpleNamespace(**(base | changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "one v. others (12 v. 30)"),
        ({"against": "two", "n_events": 5}, "one v. two (12 v. 30, 5 ev.)"),
        ({"kind": "stage", "unit": "3.1 stages", "n_against": 0}, "later stage per 3.1 stages (12)"),
        ({"kind": "stage", "unit": np.nan, "n_against": 0, "n_events": 1}, "later stage (12, 1 ev.)"),
        ({"kind": "atrophy"}, "any atrophy v. none (12 v. 30)"),
    ],
)
def test_rows_of_the_forest_in_words(changes, words):
    assert clinical.row_words(row(**changes)) == words


def test_people_of_a_row_may_stand_below_its_words():
    assert clinical.row_words(row(), "\n") == "one v. others\n(12 v. 30)"


def test_contrasts_stand_by_their_subtypes_then_stage_then_atrophy():
    table = pd.DataFrame(
        [("atrophy", "any", "none", "A"), ("stage", "one", "", "S1"), ("stage", "", "", "S"), ("subtype", "two", "the other subtypes", "T2"),
         ("subtype", "one", "two", "P"), ("subtype", "one", "the other subtypes", "T1"), ("subtype", "zoo", "the other subtypes", "T3")],
        columns=["kind", "subtype", "against", "contrast"],
    )  # fmt: skip
    assert clinical.contrasts_shown(table, ["one", "two"]) == ["T1", "T2", "T3", "S", "A"]
    assert clinical.contrasts_shown(table, ["two", "one"]) == ["T2", "T1", "T3", "S", "A"]
    pairs = table[table["against"] != "the other subtypes"]
    assert clinical.contrasts_shown(pairs) == ["P", "S", "A"]
    assert clinical.contrasts_shown(table.replace({"subtype": {"": None}})).count("S") == 1
    assert clinical.in_order(pd.Series(["b", "x", "a"]), ["a", "b"]).tolist() == [1, 2, 0]


def curve(at_risk, group="g", years=None):
    n = len(at_risk)
    return pd.DataFrame({"group": group, "years": range(n) if years is None else years, "at_risk": at_risk})


def test_a_curve_ends_where_fewer_than_ten_are_at_risk():
    assert clinical.cut(curve([30, 10, 9, 2]))["at_risk"].tolist() == [30, 10]
    assert clinical.cut(curve([2, 9, 10, 30], years=[3, 2, 1, 0]))["at_risk"].tolist() == [30, 10]
    assert clinical.cut(curve([9, 8]))["at_risk"].tolist() == [9]
    assert clinical._drawable(pd.concat([curve([9, 8]), curve([30, 10, 9], "h")]))
    assert not clinical._drawable(pd.concat([curve([9, 8]), curve([30, 9, 9], "h")]))


def test_panels_are_called_by_outcome_and_by_whose_they_are():
    assert (
        clinical._panel_name("death", "stage") == "death"
        and clinical._panel_name("death", "treatment in x") == "x: death"
    )
    every = [("a", "stage in x"), ("a", "stage in y"), ("b", "stage in x"), ("b", "stage in y")]
    assert clinical._left_out([every[0], every[1], every[3]], every) == ["a", "y: b"]
    assert clinical._left_out([], every) == []


@pytest.mark.parametrize(
    ("change", "far", "near"),
    [
        ({}, ["log-rank p = 0.012"], ["p = 0.012"]),
        ({"p": np.nan}, [], []),
        ({"n_events": 9}, ["too few events to compare"], ["too few events"]),
        ({"n_events": 10}, ["log-rank p = 0.012"], ["p = 0.012"]),
        ({"n_smallest": 19}, ["too few people in a group to compare"], ["too few in a group"]),
        ({"n_smallest": 20}, ["log-rank p = 0.012"], ["p = 0.012"]),
    ],
)
def test_a_log_rank_test_in_words(change, far, near):
    test = pd.Series({"p": 0.0123, "n_events": 31, "n_smallest": 25} | change)
    assert clinical._compared(test, False) == far and clinical._compared(test, True) == near


def test_the_head_of_a_panel():
    tests = pd.DataFrame(
        {
            "outcome": ["death", "death"],
            "split": ["stage", "stage in x"],
            "p": [0.5, 0.04],
            "n_events": [31, 1],
            "n": [87, 40],
            "n_smallest": 25,
        }
    )
    ratios = {("death", "stage"): ["HR later stage 1.20 (1.00 to 1.40)"]}
    assert clinical._head(tests, ("death", "stage"), ratios, "death", 74, False).splitlines() == [
        "death", "log-rank p = 0.5", "31 events of 87 staged", "HR later stage 1.20 (1.00 to 1.40)"
    ]  # fmt: skip
    assert clinical._head(tests, ("death", "stage in x"), ratios, "x: death", 74, True).splitlines() == [
        "x: death",
        "too few events; 1 event of 40",
    ]
    assert clinical._head(tests, ("other", "stage"), {}, "other", 74, False) == "other"


def effects(**changes):
    base = {"outcome": "o", "method": "weighted", "kind": "subtype", "type": "survival", "subtype": "one", "against": "the other subtypes",
            "estimate": 1.234, "low": 1.0, "high": 2.5, "q": 0.04, "reportable": True, "n_group": 12, "n_against": 30, "n_events": 9, "unit": ""}  # fmt: skip
    return base | changes


def test_tests_above_boxes_are_the_smallest_of_their_question():
    table = pd.DataFrame(
        [effects(q=0.2), effects(q=0.03), effects(q=0.001, method="label"), effects(q=0.002, reportable=False), effects(outcome="p", q=1e-5),
         effects(kind="atrophy", q=0.5)]
    )  # fmt: skip
    assert clinical._tests(table, "o").splitlines() == [
        "subtypes: smallest q = 0.03",
        "atrophy v. none: q = 0.5",
    ]
    assert clinical._tests(table.assign(reportable=table["kind"] == "atrophy"), "o").splitlines() == [
        "subtypes: not testable", "atrophy v. none: q = 0.5"
    ]  # fmt: skip
    assert (
        clinical._tests(table.assign(reportable=False), "o") == "not testable" and clinical._tests(table[:0], "o") == ""
    )
    assert clinical._tests(table[table["kind"] == "atrophy"], "o") == "atrophy v. none: q = 0.5"
    assert clinical._tests(pd.DataFrame([effects(kind="stage")]), "o") == "not testable"


def test_hazard_ratios_are_of_told_contrasts_against_all_others():
    rows = [
        effects(), effects(against="two", estimate=9.0), effects(kind="atrophy", subtype="any atrophy", against=NORMAL, estimate=2.0),
        effects(kind="stage", subtype="", against="", estimate=1.1), effects(kind="stage", subtype="one", against="", estimate=7.0),
        effects(estimate=np.nan), effects(reportable=False, estimate=8.0), effects(method="label", estimate=6.0), effects(type="binary", estimate=5.0),
    ]  # fmt: skip
    g = given(clinical__associations=pd.DataFrame(rows))
    assert clinical._ratios(g, ("subtype", "atrophy")) == {
        ("o", "subtype"): ["HR one 1.23 (1.00 to 2.50)", "HR any atrophy 2.00 (1.00 to 2.50)"]
    }  # fmt: skip
    assert clinical._ratios(g, ("stage",)) == {("o", "stage"): ["HR later stage 1.10 (1.00 to 2.50)"]}
    pair = given(clinical__associations=pd.DataFrame([effects(against="two")]))
    assert clinical._ratios(pair, ("subtype",)) == {("o", "subtype"): ["HR one v. two 1.23 (1.00 to 2.50)"]}
    assert clinical._ratios(given(clinical__associations=pd.DataFrame()), ("stage",)) == {}


@pytest.mark.parametrize(
    ("scale", "values", "few", "kind", "ticks"),
    [
        ("linear", [1.0, 5], False, "linear", None),
        ("log", [1.0, 5], False, "log", None),
        ("log", [0.0, 5], False, "symlog", [0, 0.5, 1, 2, 5]),
        ("symlog", [0.0, 20], False, "symlog", [0, 0.5, 1, 2, 5, 10, 20]),
        ("symlog", [0.0, 20], True, "symlog", [0, 0.5, 1, 3, 10]),
        ("symlog", [0.0, 19.7], False, "symlog", [0, 0.5, 1, 2, 5, 10]),
        ("symlog", [], False, "linear", None),
    ],
)
def test_scales_have_ticks_in_plain_numbers(scale, values, few, kind, ticks):
    figure, axis = plt.subplots()
    clinical._scaled(axis, scale, pd.Series(values, dtype=float), few)
    assert axis.get_yscale() == kind
    if ticks is not None:
        assert axis.get_yticks().tolist() == ticks and [t.get_text() for t in axis.get_yticklabels()] == [
            f"{t:g}" for t in ticks
        ]
        assert axis.get_ylim() == (-0.08, pytest.approx(max(values) * 1.15))
    plt.close(figure)


def test_outcomes_that_somebody_has():
    people = pd.DataFrame({"a": [np.nan, 1.0], "b": np.nan})
    outcomes = [SimpleNamespace(column=c) for c in ("a", "b", "c")]
    assert clinical.available(people, outcomes) == outcomes[:1]
