"""Where the axes of clinical figures begin and end, what stands on which, and how many inches they need."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from given_of import NORMAL, given
from matplotlib.colors import to_hex

from neuraxis.figures import clinical
from neuraxis.figures.style import MIDDLE, PAGE, TALLEST, colours


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


# ---------------------------------------------------------------- forest


def effect(**changes):
    base = {"outcome": "A", "type": "ordinal", "effect": "OR", "kind": "subtype", "subtype": "one", "against": "the other subtypes",
            "contrast": "one against the other subtypes", "method": "weighted", "estimate": 2.0, "low": 1.5, "high": 4.0, "reportable": True,
            "n_events": 0, "n_group": 20, "n_against": 30, "unit": ""}  # fmt: skip
    return base | changes


def forest(*rows, **changes):
    return clinical.forest(given(clinical__associations=pd.DataFrame([effect(**(changes | r)) for r in rows])))


def marks(axis):
    """(marker, row, place) of every mark of an estimate, and whether it is open."""
    return {
        (line.get_marker(), round(float(y), 2), float(x)): line.get_markerfacecolor() == "white"
        for line in axis.lines
        if line.get_marker() in ("o", "D", "s")
        for x, y in line.get_xydata()
    }


def test_methods_stand_above_one_another_in_a_row_and_what_is_not_told_is_open():
    axis = forest(
        {}, {"method": "label", "estimate": 3.0, "reportable": False}, {"method": "draws", "estimate": 2.5}
    ).axes[0]
    assert marks(axis) == {("D", -0.22, 2.0): False, ("o", 0.0, 3.0): True, ("s", 0.22, 2.5): False}
    assert [c.get_segments()[0].tolist() for c in axis.collections] == [
        [[1.5, y], [4.0, y]] for y in (-0.22, 0.0, 0.22)
    ]
    assert [to_hex(c.get_color()[0]) for c in axis.collections] == ["#0072b2", "#595959", "#e69f00"]
    assert axis.get_ylim() == (0.5, -0.5) and axis.get_title() == "A"
    plain = pd.DataFrame([effect()]).drop(columns="reportable")  # a table that does not say is told
    assert marks(clinical.forest(given(clinical__associations=plain)).axes[0]) == {("D", -0.22, 2.0): False}


@pytest.mark.parametrize(
    ("low", "high", "limits", "ticks"),
    [
        (1.5, 4.0, (0.8, 4.8), [1, 2]),  # no effect is always on the axis
        (0.2, 0.5, (0.2 / 1.2, 1.25), [0.2, 0.5, 1]),
        (0.5, 40.0, (0.5 / 1.2, 48.0), [0.5, 1, 2, 5, 10, 20]),
        (0.5, 50.0, (0.5 / 1.2, 60.0), [1, 10]),  # a factor of a hundred: decades alone
        (0.0, 40.0, (0.8, 1.25), None),  # a lower end of nothing is none on this axis, nor an upper one without end
        (0.5, np.inf, (0.8, 1.25), None),
        (0.0001, 5.0, (1e-3 / 1.2, 6.0), None),
        (0.5, 1e6, (0.5 / 1.2, 1.2e3), None),
    ],
)
def test_ratios_are_drawn_as_far_as_their_intervals_go(low, high, limits, ticks):
    second = {"contrast": "two against the other subtypes", "subtype": "two", "low": 1.0, "high": 1.0, "estimate": 1.0}
    axis = forest({"low": low, "high": high}, second).axes[0]
    assert axis.get_xlim() == pytest.approx(limits) and axis.get_xscale() == "log"
    shown = [round(t, 6) for t in axis.get_xticks() if limits[0] <= t <= limits[1]]
    assert ticks is None or shown == ticks
    (line,) = (v for v in axis.lines if v.get_linestyle() == ":")
    assert line.get_xdata() == [1, 1] and axis.get_xlabel() == "OR (no difference 1)"


def test_differences_are_drawn_about_nothing():
    axis = forest({"estimate": 0.5, "low": -0.2, "high": 1.2}, type="continuous", effect="standardised beta").axes[0]
    (line,) = (v for v in axis.lines if v.get_linestyle() == ":")
    assert line.get_xdata() == [0, 0] and axis.get_xscale() == "linear"
    assert axis.get_xlabel() == "standardised beta (no difference 0)"


def test_the_words_of_a_row_are_of_the_told_method_or_else_of_another():
    label = {"method": "label", "n_group": 11, "n_against": 5}
    axis = forest(label, {}, {"contrast": "two against the other subtypes", "subtype": "two"} | label).axes[0]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["one v. others (20 v. 30)", "two v. others (11 v. 5)"]
    alone = forest(label).axes[0]
    assert [t.get_text() for t in alone.get_yticklabels()] == ["one v. others (11 v. 5)"]


def test_contrasts_without_an_estimate_have_no_row_and_outcomes_without_any_no_panel():
    two = {"contrast": "two against the other subtypes", "subtype": "two", "estimate": np.nan}
    figure = forest(
        {}, two, {"outcome": "B", "estimate": np.nan}, {"outcome": "C"}, two | {"outcome": "C", "estimate": 1.0}
    )
    assert [(a.get_title(), len(a.get_yticks())) for a in figure.axes] == [("A", 1), ("C", 2)]
    assert forest({"estimate": np.nan}).nothing == "No outcome could be tested."


@pytest.mark.parametrize(
    ("n", "rows", "columns", "height"), [(1, 1, 1, 0.95), (3, 2, 2, 0.95), (18, 9, 2, 0.95), (19, 7, 3, 0.68)]
)
def test_a_forest_is_as_high_as_its_rows(n, rows, columns, height):
    """One contrast: 0.95 inches a row of panels; where that is more than a page, three beside one another, lower."""
    figure = forest(*({"outcome": f"o{i:02d}"} for i in range(n)))
    assert figure.axes[0].get_gridspec().get_geometry() == (rows, columns)
    assert (
        tuple(figure.get_size_inches()) == pytest.approx((PAGE, rows * height + 0.7))
        and figure.get_figheight() <= TALLEST
    )
    named = [t.get_text() for t in figure.legends[0].get_texts()]
    assert named[:3] == list(clinical.WORDS.values()) and ("no difference" in named) == (n > 18)
    assert figure.axes[0].get_xlabel() == ("OR" if n > 18 else "OR (no difference 1)")
    (words,) = (t.get_text() for t in figure.axes[0].get_yticklabels())
    assert words == ("one v. others\n(20 v. 30)" if n > 18 else "one v. others (20 v. 30)")


# ---------------------------------------------------------------- boxes


OUTCOMES = (
    {"name": "EDSS", "column": "edss", "type": "ordinal"},
    {"name": "worse", "column": "worse", "type": "binary"},
    {"name": "volume", "column": "volume", "type": "continuous", "transform": "log"},
    {"name": "drug", "column": "drug", "type": "categorical"},
    {"name": "score", "column": "score", "type": "continuous"},
    {"name": "event", "column": "worse", "type": "survival", "time": "edss"},
)


def eleven(**more):
    """Six of one, four of two, one normal-appearing."""
    people = pd.DataFrame({"edss": [1.0, 2, 3, 4, 5, 6, 2, 4, 6, 8, 3], "worse": [1, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0], "drug": "x", "score": np.arange(11.0),
                           "volume": [1.0, 3, 10, 30, 2, 9, 4, 100, 7, 70, 5]}, [f"p{i}" for i in range(11)])  # fmt: skip
    base = {
        "subtype": (1,) * 6 + (2,) * 4 + (1,),
        "stage": (1,) * 5 + (6, 2, 3, 4, 9, 0),
        "people": people,
        "outcomes": OUTCOMES,
    }
    return given(**(base | more))


def test_boxes_are_of_five_and_more_and_shares_stand_beside_their_bars():
    figure = clinical.boxes(eleven())
    edss, worse, volume, score = figure.axes[:4]
    assert [a.get_xlabel() for a in (edss, worse, volume, score)] == ["EDSS", "share with worse", "volume", "score"]
    assert [t.get_text() for t in edss.get_yticklabels()] == ["normal-appearing (1)", "one (6)", "two (4)"]
    assert [t.get_text() for t in score.get_yticklabels()] == [
        "normal-appearing (1)",
        "one (6)",
        "two (4)",
    ]  # the next row's first
    assert [t.get_text() for t in worse.get_yticklabels()] == ["(1)", "(6)", "(4)"]
    boxes = [p for p in edss.lines if p.get_linestyle() == "-" and len(p.get_xdata()) == 5]
    assert (
        len(boxes) == 1
        and sorted(set(boxes[0].get_xdata())) == [2.25, 4.75]
        and np.mean(boxes[0].get_ydata()[:4]) == pytest.approx(1, abs=0.2)
    )
    (middle,) = (
        p
        for p in edss.lines
        if p.get_color() == "black" and len(p.get_xdata()) == 2 and p.get_xdata()[0] == p.get_xdata()[1] == 3.5
    )
    assert middle.get_ydata().mean() == pytest.approx(1)
    points = [p for p in edss.lines if p.get_marker() == "o" and p.get_linestyle() in ("None", "")]
    for j, line in enumerate(points):
        assert (np.abs(line.get_ydata() - j) <= 0.22).all() and (j == 0 or np.ptp(line.get_ydata()) > 0.05)
    shares = [0.0, 1 / 6, 3 / 4]
    assert [p.get_width() for p in worse.patches] == pytest.approx(shares)
    assert [p.get_y() + p.get_height() / 2 for p in worse.patches] == pytest.approx([0, 1, 2])
    assert [t.get_position() for t in worse.texts] == [(pytest.approx(s + 0.01), i) for i, s in enumerate(shares)]
    assert [t.get_text() for t in worse.texts] == ["0/1", "1/6", "3/4"]
    tint = colours([NORMAL, "one", "two"])
    assert [to_hex(p.get_facecolor()) for p in worse.patches] == [tint[g].lower() for g in (NORMAL, "one", "two")]
    assert all(a.get_ylim() == (2.5, -0.5) for a in (edss, worse, volume, score))
    assert volume.get_xscale() == "log" and edss.get_xscale() == "linear"
    # two rows of three groups
    assert tuple(figure.get_size_inches()) == pytest.approx((PAGE, 2 * (0.24 * 3 + 0.85) + 0.4))
    assert figure.get_supxlabel() == "bars: shares of people"


def test_groups_and_outcomes_of_nobody_are_not_drawn():
    g = eleven(outcomes=OUTCOMES[:1], stage=(1,) * 10 + (2,))
    assert [t.get_text() for t in clinical.boxes(g).axes[0].get_yticklabels()] == ["one (7)", "two (4)"]
    assert clinical.boxes(replace(g, people=g.people.assign(edss=np.nan))).nothing == "No outcome to draw."
    some = clinical.boxes(replace(g, people=g.people.assign(edss=[np.inf, np.nan] + [1.0] * 9)))
    assert [t.get_text() for t in some.axes[0].get_yticklabels()] == ["one (5)", "two (4)"]


@pytest.mark.parametrize(("top", "ticks"), [(3.0, [1, 2]), (150.0, [1, 10, 100])])
def test_a_log_axis_has_three_numbers_or_decades(top, ticks):
    _, axis = plt.subplots()
    axis.plot([1.0, top], [0, 1])
    clinical._scaled(axis, "log", pd.Series([1.0, top]), along="x")
    assert axis.get_xscale() == "log" and axis.get_yscale() == "linear"
    assert [round(t, 6) for t in axis.get_xticks() if 1 <= t <= top] == ticks
    assert all(text == "" for text in axis.xaxis.get_minor_formatter().format_ticks([2.0, 3.0]))
    clinical._scaled(axis, "symlog", pd.Series([0.0, 20.0]), along="y")
    assert (
        axis.get_yscale() == "symlog" and axis.get_ylim() == pytest.approx((-0.08, 23.0)) and axis.get_xscale() == "log"
    )


# ---------------------------------------------------------------- against stage


CURVE = {"stage": [1.0, 3.0], "fit": [2.0, 3.0], "low": [1.0, 2.5], "high": [2.5, 4.5], "n": 4, "kendall_tau": 0.612, "tau_low": -0.004, "tau_high": 0.9, "tau_p": 0.02}  # fmt: skip


def stage_curves(*whom):
    return pd.concat([pd.DataFrame(CURVE | {"outcome": o, "subtype": s, "model": m}) for o, s, m in whom])


def test_panels_against_stage_have_one_x_and_a_tenth_of_room():
    outcomes = (OUTCOMES[0], OUTCOMES[4], OUTCOMES[1])
    table = stage_curves(("EDSS", "two", "odds"), ("score", "one", "least squares"), ("EDSS", "one", "odds"))
    figure = clinical.stage(eleven(outcomes=outcomes, clinical__stage_curves=table))
    axes = np.array(figure.axes).reshape(2, 2)  # shares have no course along the stage
    assert [a.get_title() for a in axes.ravel()] == [
        "one\nn = 6, tau 0.61 (0.00 to 0.90)", "two\nn = 4, tau 0.61 (0.00 to 0.90)", "n = 6, tau 0.61 (0.00 to 0.90)", "n = 4"
    ]  # fmt: skip
    # of one and two together, 1 to 8 and 0 to 9, and a tenth of that to either side
    assert [a.get_ylim() for a in axes.ravel()] == [pytest.approx(v) for v in [(0.3, 8.7)] * 2 + [(-0.9, 9.9)] * 2]
    assert [a.get_xlim() for a in axes.ravel()] == [pytest.approx((0, 9.25 * 1.03))] * 4
    assert [a.get_ylabel() for a in axes.ravel()] == ["EDSS", "", "score", ""]
    assert [a.get_xlabel() for a in axes.ravel()] == ["", "", "expected stage", "expected stage"]
    assert figure.get_supxlabel() == "unadjusted; curves: least squares; odds"
    assert tuple(figure.get_size_inches()) == pytest.approx((PAGE, 1.65 * 2 + 0.7))
    tint, line = colours(["one", "two"]), axes[0, 1].lines
    assert line[0].get_color() == tint["two"] == line[1].get_color() and len(axes[1, 1].lines) == 1
    band = axes[0, 1].collections[0].get_paths()[0].vertices
    assert set(map(tuple, band)) >= {(1.0, 1.0), (1.0, 2.5), (3.0, 2.5), (3.0, 4.5)}


def test_of_one_subtype_outcomes_stand_two_in_a_row():
    people = pd.DataFrame({c: np.arange(4.0) + i for i, c in enumerate("abc")}, [f"p{i}" for i in range(4)])
    outcomes = tuple({"name": c, "column": c, "type": "continuous"} for c in "abc")
    g = given(
        ("only",), (1,) * 4, (1, 2, 4, 0), people=people, outcomes=outcomes, clinical__stage_curves=pd.DataFrame()
    )
    figure = clinical.stage(g)
    first, second, third, last = figure.axes
    assert not last.axison and [a.get_title() for a in figure.axes[:3]] == ["n = 3"] * 3
    assert [a.get_ylabel() for a in figure.axes[:3]] == list("abc")
    # the lowest panels that are used, one of them with another below it that is empty
    assert [a.get_xlabel() for a in (first, second, third)] == ["", "expected stage", "expected stage"]
    assert second.xaxis.get_tick_params()["labelbottom"] and first.get_ylim() != second.get_ylim()
    assert tuple(figure.get_size_inches()) == pytest.approx((PAGE, 1.65 * 2 + 0.7)) and figure.get_supxlabel() == ""
    alone = clinical.stage(given(("only",), (1,) * 4, (1, 2, 4, 0), people=people, outcomes=outcomes[:1]))
    assert len(alone.axes) == 1 and tuple(alone.get_size_inches()) == pytest.approx((PAGE, 2.35))


@pytest.mark.parametrize(("n", "height"), [(5, 1.65), (7, 8.9 / 7), (12, 0.8)])
def test_many_outcomes_share_a_page(n, height):
    people = pd.DataFrame({f"c{i}": np.arange(6.0) for i in range(n)}, [f"p{i}" for i in range(6)])
    outcomes = tuple({"name": c, "column": c, "type": "continuous"} for c in people)
    figure = clinical.stage(given(people=people, outcomes=outcomes))
    assert figure.get_figheight() == pytest.approx(height * n + 0.7)


# ---------------------------------------------------------------- calibration, transitions, likeness


def test_calibration_has_a_row_a_model_and_axes_that_hold_the_slopes():
    table = pd.DataFrame({"outcome": ["a", "a", "b"], "model": ["clinical", "+ stage", "clinical"], "n": [90, 90, 70], "n_events": [30, 30, 1], "c": [0.6, 0.7, 0.5],
                          "c_low": 0.4, "c_high": 0.8, "slope": [-1.0, 3.0, 1.2]})  # fmt: skip
    figure = clinical.calibration(given(clinical__prediction=table))
    (left, right), (left_b, right_b) = np.array(figure.axes).reshape(2, 2)
    assert [left.get_ylim(), right.get_ylim(), left_b.get_ylim()] == [(1.5, -0.5), (1.5, -0.5), (0.5, -0.5)]
    assert right.get_xlim() == pytest.approx((-1.1, 3.1)) and right.lines[0].get_xydata().tolist() == [[-1, 0], [3, 1]]
    assert not right.texts and left_b.get_title(loc="left") == "b (1 event of 70)"
    assert [line.get_xdata()[0] for line in (left.lines[1], right.lines[-1])] == [0.5, 1]
    assert [left.get_xlabel(), left_b.get_xlabel()] == ["", "C index, 95 % interval (0.5: a coin)"]
    assert right_b.get_xlabel().startswith("calibration slope") and [t.get_text() for t in right.get_yticklabels()] == [
        "",
        "",
    ]
    assert tuple(figure.get_size_inches()) == pytest.approx((PAGE, 1.35 * 2 + 0.6))
    lost = clinical.calibration(given(clinical__prediction=table.assign(slope=[np.nan, 1.0, 1.2]))).axes[1]
    assert lost.lines[0].get_xydata().tolist() == [[1, 1]] and not lost.texts


def test_transitions_are_shares_of_their_row():
    rows = [("one", "one", 6), ("one", "two", 2), ("two", "one", 3), ("two", "two", 0), (NORMAL, "gone", 0)]
    counts = pd.DataFrame(rows, columns=["source", "target", "n"])
    figure = clinical.transitions(given(clinical__transitions=counts))
    axis = figure.axes[0]
    assert (
        [t.get_text() for t in axis.get_xticklabels()]
        == ["one", "two"]
        == [t.get_text() for t in axis.get_yticklabels()]
    )
    assert np.asarray(axis.collections[0].get_array()).ravel().tolist() == [0.75, 0.25, 1, 0] and axis.collections[
        0
    ].get_clim() == (0, 1)
    assert [t.get_text() for t in axis.texts] == ["6", "2", "3", "0"]
    one_way = pd.DataFrame([("one", "two", 3)], columns=["source", "target", "n"])
    drawn = clinical.transitions(given(clinical__transitions=one_way)).axes[0]
    assert [t.get_text() for t in drawn.texts] == ["0", "3"] and [t.get_text() for t in drawn.get_yticklabels()] == [
        "one",
        "two",
    ]
    assert clinical.transitions(given(clinical__transitions=counts.assign(n=0))).nothing == "Nobody was scanned again."


def test_slopes_stand_beside_nothing_with_their_people():
    counts = pd.DataFrame([("one", "two", 3), ("two", NORMAL, 1)], columns=["source", "target", "n"])
    slopes = pd.DataFrame([("two", "stage", 1.0, 0.5, 2.5, 9), ("one", "stage", np.nan, np.nan, np.nan, 3), ("two", "mean z", -0.2, -0.3, 0.1, 8)],
                          columns=["group", "quantity", "slope", "low", "high", "n_people"])  # fmt: skip
    figure = clinical.transitions(given(clinical__transitions=counts, clinical__slopes=slopes))
    stage, mean_z = (a for a in figure.axes if "a year" in a.get_xlabel())
    assert figure.axes[0].get_gridspec().get_geometry() == (1, 3)
    assert [t.get_text() for t in stage.get_yticklabels()] == ["one\n(n = 3)", "two\n(n = 9)"]
    assert [line.get_xydata().tolist() for line in stage.lines[:-1]] == [[[0.5, 1], [2.5, 1]], [[1.0, 1]]]
    assert (
        stage.lines[-1].get_xdata() == [0, 0] and stage.get_ylim() == (1.5, -0.5) and mean_z.get_ylim() == (0.5, -0.5)
    )
    assert (
        stage.get_xlabel() == "stage a year\n(95 % interval)"
        and stage.lines[0].get_color() == colours(["one", "two"])["two"]
    )


@pytest.mark.parametrize(("n", "width"), [(4, MIDDLE), (5, PAGE)])
def test_likeness_is_written_in_its_cell_with_what_chance_gives(n, width):
    pairs = [("MS", f"s{i}", "MS", f"s{j}", (i - j) / 10, 0.1 + (i == 1)) for i in range(n) for j in range(i)]
    table = pd.DataFrame(pairs, columns=["disease_a", "name_a", "disease_b", "name_b", "tau", "tau_chance"])
    table = table.assign(converged_a=True, converged_b=True)
    figure = clinical.similarity(given(crossdisease__similarity=table))
    axis = figure.axes[0]
    assert tuple(figure.get_size_inches()) == pytest.approx((width, 0.75 * width))
    assert axis.get_title() == f"event orders (two random ones: {0.1 + 1 / len(pairs):.2f})"
    names = [t.get_text() for t in axis.get_xticklabels()]
    assert sorted(names) == [f"MS s{i}" for i in range(n)]
    assert sorted(t.get_text() for t in axis.texts) == sorted(
        f"{(i - j) / 10:.2f}" for i in range(n) for j in range(i) for _ in "ab"
    )
