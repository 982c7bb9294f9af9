"""Who is what, and what subtypes are called."""

import numpy as np
import pandas as pd
import pytest

from neuraxis.labels import (
    NORMAL,
    SYSTEMS,
    Labels,
    group_of,
    is_true,
    normal_appearing,
    numbered,
    probabilities,
    reliability,
    shown_names,
    staged_scale,
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
    want = np.var(p["x"]) / (p["x"].mean() * (1 - p["x"].mean()))
    assert reliability(p)["x"] == pytest.approx(want)
