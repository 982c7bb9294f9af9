"""Calibration tables against hand-counted people."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from neuraxis.evaluation.calibration import EDGES, calibration, reliability_rows, stages_on
from neuraxis.labels import NORMAL
from neuraxis.sustain import ZScoreEvents

INDEX = pd.Index(list("fbdace"), name="participant_id")
SYSTEM = {1: "cortical", 2: "spinal cord"}


def people():
    return pd.DataFrame(
        {
            "oof_subtype": [1, 2, 1, 2, 1, 1],
            "oof_p_subtype1": [0.9, 0.1, 0.7, 0.45, 0.97, 0.99],
            "oof_p_subtype2": [0.1, 0.9, 0.3, 0.55, 0.03, 0.01],
            "oof_p_healthy": [0.99, 0.7, 0.02, 0.3, 0.01, 0.6],
            "oof_normal_appearing": [True, True, False, False, False, True],
            "oof_stage": [0, 0, 3, 2, 4, 0],
            "oof_stage_low": [0, 0, 2, 1, 4, 0],
            "oof_stage_high": [0, 1, 5, 2, 4, 1],
        },
        index=INDEX,
    )


def truth():
    # f healthy and found so; b truly spinal, called healthy; d cortical, right; a spinal, right; c spinal, called cortical;
    # e healthy, found so
    return pd.DataFrame({"subtype": [NORMAL, "SC", "C", "SC", "SC", NORMAL]}, index=INDEX)


STAGE = pd.Series([0, 1, 6, 2, 3, 0], index=INDEX)


def table():
    return calibration(people(), SYSTEM, truth(), STAGE, "oof_").set_index(["quantity", "class"])


def test_probabilities_beside_what_came_true():
    t = table()
    assert (t["labels"] == "out of fold").all()
    assert t.loc[("P(healthy)", "0 to 0.05"), ["n", "observed"]].tolist() == [2, 0.0]
    assert t.loc[("P(healthy)", "0.6 to 0.8"), ["n", "observed"]].tolist() == [2, 0.5]  # 0.7 was not, 0.6 was
    assert t.loc[("P(healthy)", "0.6 to 0.8"), "stated"] == pytest.approx(0.65)
    assert t.loc[("P(healthy)", "all"), "stated"] == pytest.approx((0.99 + 0.7 + 0.02 + 0.3 + 0.01 + 0.6) / 6)
    assert t.loc[("P(healthy)", "all"), "observed"] == pytest.approx(2 / 6)
    staged = t.loc["P(subtype), truly staged people"]
    assert staged.loc["0.8 to 0.95", ["n", "observed"]].tolist() == [
        1,
        1.0,
    ]  # b, healthy by the model, of the right kind
    assert staged.loc["0.95 to 1", ["n", "observed"]].tolist() == [1, 0.0]  # c
    assert staged.loc["all", "stated"] == pytest.approx((0.9 + 0.7 + 0.55 + 0.97) / 4)
    assert staged.loc["all", "observed"] == 0.75


def test_intervals_sensitivity_and_stages():
    t = table()
    inside = t.loc["95 % interval of the stage holds the true one"]
    assert inside.loc["everyone", ["n", "stated", "observed"]].tolist() == [6, 0.95, pytest.approx(4 / 6)]
    assert inside.loc["truly staged", "observed"] == 0.5
    assert inside.loc["staged, right subtype", ["n", "observed"]].tolist() == [3, pytest.approx(2 / 3)]
    assert t.loc[("found normal-appearing", "truly so (sensitivity)"), ["n", "observed"]].tolist() == [2, 1.0]
    assert t.loc[("found staged", "truly so (specificity)"), ["n", "observed"]].tolist() == [4, 0.75]
    shares = t.loc["share of people by stage (stated: found)"]
    assert shares["stated"].sum() == pytest.approx(1) and shares["observed"].sum() == pytest.approx(1)
    assert shares.loc["0", ["stated", "observed"]].tolist() == [0.5, pytest.approx(2 / 6)]
    # stages to 6: 1 to 3, then one by one; d stands at 3 and a at 2, c at 4, and truly b 1, a 2, c 3 and d 6
    assert shares.index.tolist() == ["0", "1 to 3", "4", "5", "6"]
    assert (6 * shares["stated"]).round(9).tolist() == [3, 2, 1, 0, 0]
    assert (6 * shares["observed"]).round(9).tolist() == [2, 3, 0, 0, 1]
    low, high = proportion_confint(3, 4, method="wilson")
    row = t.loc[("found staged", "truly so (specificity)")]
    assert (row["low"], row["high"]) == (pytest.approx(low), pytest.approx(high))


def test_early_stages_are_a_band_of_their_own_and_the_rest_three():
    many, who = pd.concat([people()] * 5), pd.concat([truth()] * 5)
    many.index = who.index = pd.RangeIndex(30)
    stage = pd.Series(range(30), index=many.index)
    t = calibration(many, SYSTEM, who, stage, "oof_").query("quantity.str.startswith('share of people')")
    # 4 to 29 are 26 stages: edges 4, 12 2/3, 21 1/3, 30
    assert t["class"].tolist() == ["0", "1 to 3", "4 to 12", "13 to 20", "21 to 29"]
    assert (30 * t["observed"]).round(9).tolist() == [1, 3, 9, 8, 9]
    assert (30 * t["stated"]).round(9).tolist() == [15, 10, 5, 0, 0]


def test_order_of_people_does_not_matter():
    again = calibration(
        people().loc[list("abcdef")], SYSTEM, truth().loc[list("abcdef")], STAGE.loc[list("abcdef")], "oof_"
    )
    pd.testing.assert_frame_equal(again, table().reset_index()[again.columns])


def test_stages_on_the_models_axis():
    events = ZScoreEvents([[1, 3], [2]], 5.0, biomarkers=["b", "a"])
    drawn = {
        "subtypes": ["SC", "C"],
        "sequences": [
            [("a", 1), ("b", 1), ("a", 2), ("b", 2), ("b", 3)],
            [("b", 1), ("b", 2), ("b", 3), ("a", 1), ("a", 2)],
        ],
    }
    known = pd.DataFrame({"subtype": ["SC", "C", "SC", NORMAL, "C", "C"], "stage": [3, 3, 5, 0, 1, 0]})
    # passed among b1, b3, a2: SC at 3 has b1 and a2; C at 3 has b1 and b3; SC at 5 all; C at 1 b1; C at 0 nothing
    assert stages_on(events, drawn, known).tolist() == [2, 2, 3, 0, 1, 0]


def test_honest_probabilities_are_called_honest():
    rng = np.random.default_rng(3)
    stated = pd.Series(rng.random(20_000))
    right = pd.Series(rng.random(20_000) < stated)
    t = pd.DataFrame(reliability_rows("x", "y", stated, right))
    assert len(t) == len(EDGES) and t["n"].iloc[:-1].sum() == 20_000
    assert ((t["low"] - 0.01 < t["stated"]) & (t["stated"] < t["high"] + 0.01)).all()
    too_sure = pd.DataFrame(reliability_rows("x", "y", stated**0.25, right))
    assert (too_sure["stated"] > too_sure["high"]).sum() >= 3
