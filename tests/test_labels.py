"""Who is what, and what subtypes are called."""

import numpy as np
import pandas as pd
import pytest

from neuraxis.clinical.contrasts import LATER, atrophy_model
from neuraxis.labels import (
    NORMAL,
    SYSTEMS,
    Labels,
    colours,
    group_of,
    is_true,
    normal_appearing,
    numbered,
    probabilities,
    read_labels,
    reliability,
    shown_names,
    stage_groups,
    staged_scale,
    variant_words,
    variants_in_words,
)


def test_systems_met_more_than_once_are_numbered():
    of = {1: "cortical", 2: "spinal cord", 3: "cortical", 4: "cortical", 5: "area 2"}
    assert numbered(of) == {1: "cortical 1", 2: "spinal cord", 3: "cortical 2", 4: "cortical 3", 5: "area 2"}
    assert numbered({}) == {} and len(set(SYSTEMS.values())) == len(SYSTEMS) == 4
    assert shown_names({1: "cortical"}) == {1: "with atrophy"} and shown_names(of) == of


@pytest.mark.parametrize("values", [[True, False, True], ["True", "False", "true"], [1, 0, 1], [1.0, np.nan, 1.0]])
def test_truth_in_any_spelling(values):
    assert is_true(pd.Series(values)).tolist() == [True, False, True]


def test_health_is_read_from_its_own_column_and_from_stage_0_without_one():
    table = pd.DataFrame({"subtype": [1, 2, 2], "stage": [0, 3, 0], "normal_appearing": [False, True, True]})
    assert normal_appearing(table).tolist() == [False, True, True]
    assert normal_appearing(table.drop(columns="normal_appearing")).tolist() == [True, False, True]
    assert group_of(table, {1: "x", 2: "y"}).tolist() == ["x", NORMAL, NORMAL]
    assert normal_appearing(pd.DataFrame({"stage": ["1", "0"]})).tolist() == [False, True]  # stage 1 is atrophy
    p = pd.DataFrame({"p_staged_subtype1": [0.2, 0.5], "p_staged_subtype2": [0.3, 0.1]})
    rest = probabilities(p, {1: "x", 2: "y"})
    assert np.allclose(rest[[NORMAL, "x", "y"]], [[0.5, 0.2, 0.3], [0.4, 0.5, 0.1]])
    given = probabilities(p.assign(p_healthy=[0.5, 0.2]), {1: "x", 2: "y"})
    assert given[NORMAL].tolist() == pytest.approx([0.5, 0.25]) and np.allclose(given.sum(axis=1), 1)


def test_the_unit_of_stage_is_the_sd_of_the_staged():
    group = pd.Series(["x", "x", NORMAL, "y", "x"])
    p = pd.DataFrame(
        {NORMAL: [0.1, 0.2, 0.9, 0.1, 0.3], "x": [0.8, 0.7, 0.05, 0.2, 0.6], "y": [0.1, 0.1, 0.05, 0.7, 0.1]}
    )
    labels = Labels(group, p, pd.Series([1.0, 5.0, 99.0, 2.0, 4.0]))
    assert staged_scale(labels) == pytest.approx(np.std([1, 5, 2, 4], ddof=1))
    assert staged_scale(labels.take([0, 2])) == 1 and labels.names == ["x", "y"]
    assert staged_scale(labels.take([0, 1, 2, 3])) == pytest.approx(np.std([1, 5, 2], ddof=1))  # three suffice
    assert staged_scale(labels.take([0, 1, 2])) == 1  # two do not
    close = Labels(group, p, pd.Series([1.0, 1.2, 99.0, 1.4, 1.8]))
    assert staged_scale(close) == pytest.approx(np.std([1, 1.2, 1.4, 1.8], ddof=1))  # below 1
    assert staged_scale(Labels(group, p, pd.Series(2.0, index=group.index))) == 1
    want = np.var(p["x"]) / (p["x"].mean() * (1 - p["x"].mean()))
    assert reliability(p)["x"] == pytest.approx(want)


def test_thirds_of_the_staged_by_stage_and_none_of_few():
    stage = [9.0, 1, 5, 2, 8, 3, 7, 4, 6, 12, 10, 15, 11, 14, 13, 0.5]
    group = pd.Series(["x"] * 15 + [NORMAL], index=[f"p{i}" for i in range(16)])
    p = pd.DataFrame({NORMAL: 0.1, "x": 0.9}, index=group.index)
    labels = Labels(group, p, pd.Series(stage, index=group.index))
    found, names = stage_groups(labels)
    assert names == [NORMAL, "early stages", "middle stages", "late stages"]
    want = ["early stages" if s <= 5 else "middle stages" if s <= 10 else "late stages" for s in stage[:15]]
    assert found.tolist() == [*want, NORMAL]
    few, _ = stage_groups(labels.take(group.index[1:]))  # fourteen are staged
    assert few.tolist() == [""] * 14 + [NORMAL]


def test_people_taken_as_normal_appearing_and_those_who_are_no_longer():
    index = ["a", "b", "c", "d"]
    p = pd.DataFrame({NORMAL: [0.6, 0.5, 0.1, 0.8], "x": [0.1, 0.3, 0.2, 0.2], "y": [0.3, 0.2, 0.7, 0.0]}, index=index)
    labels = Labels(pd.Series([NORMAL, NORMAL, "y", NORMAL], index=index), p, pd.Series([0.0, 1, 5, 0], index=index))
    made = labels.with_normal(pd.Series([False, True, True, False], index=index))
    assert made.group.tolist() == ["y", NORMAL, NORMAL, "x"]  # the best of the subtypes, however improbable
    assert made.probability.loc["b"].tolist() == made.probability.loc["c"].tolist() == [1, 0, 0]
    assert made.probability.loc[["a", "d"]].equals(p.loc[["a", "d"]]) and p.loc["b", NORMAL] == 0.5
    assert made.stage.tolist() == [0, 0, 0, 0] and labels.stage.tolist() == [0, 1, 5, 0]


def test_people_taken_as_normal_appearing_do_not_move_the_mean_stage():
    """Sixty at stage 12 and forty declared normal at stage 3: atrophy is centred at 12, not at (720 + 120) / 60."""
    normal = pd.Series([False] * 60 + [True] * 40)
    p = pd.DataFrame({NORMAL: normal * 0.2, "x": 1 - normal * 0.2})
    labels = Labels(pd.Series(["x"] * 100), p, pd.Series([12.0] * 60 + [3.0] * 40)).with_normal(normal)
    later = atrophy_model(labels, scale=1.0).designs[1][LATER]
    assert later[:60].tolist() == pytest.approx([0] * 60, abs=1e-12)


def test_a_system_has_one_colour_and_other_names_take_free_ones():
    found = colours([NORMAL, "front", "cortical", "back", "spinal cord"])
    assert found[NORMAL] == "#999999" and found["cortical"] == colours(["cortical"])["cortical"] == "#0072B2"
    assert found["front"] == "#E69F00" and found["back"] == "#56B4E9" and len(set(found.values())) == 5
    many = colours([f"area {i}" for i in range(7)])
    assert len(set(many.values())) == 6 and many["area 6"] == many["area 0"]


def test_labels_are_read_from_the_columns_asked_for():
    table = pd.DataFrame(
        {
            "subtype": [1, 1], "normal_appearing": [True, True], "expected_stage": [0.0, 0.0],
            "oof_subtype": [2, 1], "oof_normal_appearing": ["False", "True"], "oof_expected_stage": [4.5, 1.0],
            "oof_p_staged_subtype1": [0.1, 0.2], "oof_p_staged_subtype2": [0.6, 0.1], "oof_p_healthy": [0.3, 0.7],
        },
        index=["a", "b"],
    )  # fmt: skip
    labels = read_labels(table, {1: "x", 2: "y"})
    assert labels.group.tolist() == ["y", NORMAL] and labels.stage.tolist() == [4.5, 1.0]
    assert np.allclose(labels.probability[[NORMAL, "x", "y"]], [[0.3, 0.1, 0.6], [0.7, 0.2, 0.1]])
    assert labels.staged.tolist() == [True, False]


def test_people_declared_normal_and_those_declared_staged():
    """Who is staged already keeps the name, most probable or not; who is not any more gets the most probable one."""
    p = pd.DataFrame({NORMAL: [0.2, 0.6, 0.1, 0.5], "x": [0.5, 0.1, 0.6, 0.1], "y": [0.3, 0.3, 0.3, 0.4]})
    labels = Labels(pd.Series(["y", NORMAL, "x", NORMAL]), p, pd.Series([3.0, 1.0, 4.0, 2.0]))
    got = labels.with_normal(pd.Series([False, False, True, True]))
    assert got.group.tolist() == ["y", "y", NORMAL, NORMAL] and got.stage.tolist() == [3, 1, 0, 0]
    assert got.probability.loc[[2, 3], NORMAL].tolist() == [1, 1] and got.probability.loc[2, ["x", "y"]].sum() == 0
    assert got.probability.loc[0].tolist() == [0.2, 0.5, 0.3] and labels.probability.loc[2, NORMAL] == 0.1


def test_variants_in_words_by_what_tells_them_apart():
    assert variant_words("smooth-controls") == "the controls' covariance, smooth stages"
    assert variant_words("smooth-other") == "smooth-other" and variant_words("other-controls") == "other-controls"
    assert variants_in_words(["smooth-controls", "smooth-independent"]) == {
        "smooth-controls": "the controls' covariance",
        "smooth-independent": "independent noise",
    }
    apart = variants_in_words(["smooth-controls", "uniform-controls"])
    assert list(apart.values()) == [
        "the controls' covariance, smooth stages",
        "the controls' covariance, all stages alike",
    ]
