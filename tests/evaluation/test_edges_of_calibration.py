"""Classes of probabilities, bands of stages and intervals exactly at their edges."""

import numpy as np
import pandas as pd
import pytest

from neuraxis.evaluation.calibration import calibration, reliability_rows, row_of, stage_edges, stages_on
from neuraxis.labels import NORMAL
from neuraxis.sustain import ZScoreEvents

SYSTEM = {1: "cortical", 2: "spinal cord"}


@pytest.mark.parametrize(
    ("last", "edges"),
    [(1, [1, 2]), (2, [1, 3]), (3, [1, 4]), (4, [1, 4, 5]), (5, [1, 4, 5, 6]), (6, [1, 4, 5, 6, 7]), (12, [1, 4, 7, 10, 13]), (13, [1, 4, 7, 11, 14])],
)  # fmt: skip
def test_bands_of_stages(last, edges):
    assert stage_edges(last) == edges


@pytest.mark.parametrize(
    ("stated", "name"),
    [(0.0, "0 to 0.05"), (0.0499, "0 to 0.05"), (0.05, "0.05 to 0.2"), (0.2, "0.2 to 0.4"), (0.4, "0.4 to 0.6"), (0.6, "0.6 to 0.8"),
     (0.8, "0.8 to 0.95"), (0.95, "0.95 to 1"), (1.0, "0.95 to 1"), (1.2, "0.95 to 1"), (-0.2, "0 to 0.05")],
)  # fmt: skip
def test_a_probability_at_an_edge_is_of_the_class_above(stated, name):
    rows = reliability_rows("l", "q", pd.Series([stated]), pd.Series([True]))
    assert [(r["class"], r["stated"], r["n"], r["observed"]) for r in rows] == [
        (c, min(max(stated, 0), 1), 1, 1.0) for c in (name, "all")
    ]
    assert reliability_rows("l", "q", pd.Series([], dtype=float), pd.Series([], dtype=bool)) == []


def test_a_share_has_wilson_s_interval_and_nobody_s_none():
    row = row_of("l", "q", "c", 0.25, np.array([True, False, True, False, False, False, False, False]))
    # 2 of 8: (0.25 + 1.9207 / 8 +- 1.96 sqrt(0.1875 / 8 + 0.9604 / 64)) / (1 + 3.8415 / 8)
    assert (row["n"], row["observed"], row["low"], row["high"]) == (
        8,
        0.25,
        pytest.approx(0.07149, abs=1e-4),
        pytest.approx(0.59072, abs=1e-4),
    )
    assert (
        list(row) == ["labels", "quantity", "class", "n", "stated", "observed", "low", "high"] and row["stated"] == 0.25
    )
    nobody = row_of("l", "q", "c", 0.5, np.array([], bool))
    assert nobody["n"] == 0 and np.isnan([nobody["observed"], nobody["low"], nobody["high"]]).all()


def people(**changes):
    frame = {
        "subtype": [1, 2, 1, 2, 1], "p_subtype1": [0.9, 0.2, 0.7, 0.4, 0.5], "p_subtype2": [0.1, 0.8, 0.3, 0.6, 0.5],
        "p_healthy": [0.1, 0.2, 0.6, 0.3, 0.9], "normal_appearing": [False, False, True, False, True], "stage": [2, 5, 1, 3, 0],
        "stage_low": [1, 5, 0, 2, 0], "stage_high": [2, 7, 1, 4, 0],
    }  # fmt: skip
    return pd.DataFrame(frame | changes, list("pqrst"))


TRUTH = pd.DataFrame({"subtype": ["C", "SC", "C", "C", NORMAL]}, list("pqrst"))
#: At the upper end, at the lower end, beyond the upper end, within, at a point.
STAGE = pd.Series([2, 5, 2, 3, 0], list("pqrst"))


def rows_of(frame=None, systems=SYSTEM, truth=TRUTH, stage=STAGE, prefix=""):
    frame = people() if frame is None else frame
    return calibration(frame, systems, truth, stage, prefix).set_index(["quantity", "class"])


def test_intervals_hold_their_ends_and_rows_are_of_whom_they_name():
    t = rows_of()
    assert (t["labels"] == "in sample").all()
    inside = t.loc["95 % interval of the stage holds the true one", ["n", "observed", "stated"]]
    assert inside.to_numpy().tolist() == [[5, 0.8, 0.95], [4, 0.75, 0.95], [3, pytest.approx(2 / 3), 0.95]]
    assert list(inside.index) == ["everyone", "truly staged", "staged, right subtype"]
    assert t.loc[("found normal-appearing", "truly so (sensitivity)"), ["n", "observed"]].tolist() == [1, 1.0]
    assert t.loc[("found staged", "truly so (specificity)"), ["n", "observed"]].tolist() == [4, 0.75]
    assert np.isnan(t.loc[("found staged", "truly so (specificity)"), "stated"])
    # p and q and r right, s wrong, of the truly staged; the most probable is what is stated
    subtype = t.loc[("P(subtype), truly staged people", "all")]
    assert subtype[["n", "stated", "observed"]].tolist() == [4, pytest.approx((0.9 + 0.8 + 0.7 + 0.6) / 4), 0.75]
    assert t.loc[("P(healthy)", "all"), ["n", "stated", "observed"]].tolist() == [5, pytest.approx(0.42), 0.2]
    shares = t.loc["share of people by stage (stated: found)", ["stated", "observed"]]
    # r is normal-appearing and counts at 0, whatever its stage
    assert list(shares.index) == ["0", "1 to 3", "4", "5"]
    assert shares.to_numpy().tolist() == [[0.4, 0.2], [0.4, 0.6], [0.0, 0.0], [pytest.approx(0.2), pytest.approx(0.2)]]


def test_one_subtype_has_no_reliability_and_no_healthy_component_none():
    quantities = set(rows_of(systems={1: "cortical"}).index.get_level_values(0))
    assert "P(subtype), truly staged people" not in quantities and "P(healthy)" in quantities
    assert "P(healthy)" not in set(rows_of(people().drop(columns="p_healthy")).index.get_level_values(0))
    ill = rows_of(truth=TRUTH.assign(subtype="C"), stage=STAGE + 1)
    assert ("found normal-appearing", "truly so (sensitivity)") not in ill.index and (
        "found staged",
        "truly so (specificity)",
    ) in ill.index
    well = rows_of(people(normal_appearing=True), truth=TRUTH.assign(subtype=NORMAL), stage=STAGE * 0)
    assert ("found staged", "truly so (specificity)") not in well.index
    assert well.loc["share of people by stage (stated: found)"].index.tolist() == ["0", "1"]
    assert ("95 % interval of the stage holds the true one", "truly staged") not in well.index


def test_out_of_fold_columns_alone_are_read_out_of_fold():
    t = rows_of(people().add_prefix("oof_"), prefix="oof_")
    assert (t["labels"] == "out of fold").all() and t.drop(columns="labels").equals(rows_of().drop(columns="labels"))


def test_only_events_of_z_scores_that_the_model_has_are_passed():
    events = ZScoreEvents([[1, 2], [2]], 4.0, biomarkers=["a", "b"])
    drawn = {
        "subtypes": ["C", "SC"],
        "sequences": [[("a", 1), ("b", 1), ("b", 2), ("a", 2)], [("b", 2), ("a", 3), ("a", 1), ("a", 2)]],
    }
    truth = pd.DataFrame({"subtype": ["C", "C", "SC", "SC", NORMAL, "C"], "stage": [2, 4, 1, 2, 3, 0]}, list("uvwxyz"))
    got = stages_on(events, drawn, truth)
    assert got.to_dict() == {"u": 1, "v": 3, "w": 1, "x": 1, "y": 0, "z": 0}
