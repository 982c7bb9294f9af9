"""Figures of the model and of the controls: marks at the edge, orders, scales, and how many inches and panels there are."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from given_of import LABELS, NORMAL, given, labelled, maps_of, selection
from matplotlib.colors import to_hex
from scipy import stats

from neuraxis.biomarkers import read_biomarkers
from neuraxis.figures import maps, model, normative
from neuraxis.figures.brain import structures
from neuraxis.figures.given import Given
from neuraxis.figures.style import COLOURS, COLUMN, MIDDLE, PAGE, colours


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def where(request):
    resources = request.config.rootpath / "resources"
    names = pd.read_csv(resources / "labels.tsv", sep="\t").set_index("label")["name"]
    return structures(read_biomarkers(resources / "biomarkers.tsv"), names)


# ---------------------------------------------------------------- how many subtypes


FOLDS = pd.DataFrame({f"k{k}": [-9.0 + k, -4.0 * k] for k in range(4)})


def selected(*gaps, errors=None, gaussian=None, chosen=2, **more):
    table = selection(chosen, gaps, errors or (1.0,) * len(gaps), gaussian)
    return model.selection(given(selection=table.sample(frac=1, random_state=2), heldout_folds=FOLDS, **more)).axes[0]


def diamonds(axis):
    """Marks of what stands alone: of one normal, and of what is beyond the edge."""
    return [
        (line.get_marker(), *line.get_xydata()[0].tolist())
        for line in axis.lines
        if line.get_marker() in ("D", "^", "v")
    ]


def test_the_edge_is_just_above_the_highest_of_the_subtypes():
    axis = selected(30.0, 8.0, 0.0, 4.0, errors=(1.0, 2.0, 0.0, 1.0))
    edge = (8 + 2) * 1.12
    assert diamonds(axis) == [("^", 0.0, pytest.approx(edge))] and [t.get_text() for t in axis.texts] == ["+30"]
    assert axis.texts[0].xy == (0, 1)
    line = next(v for v in axis.lines if v.get_label() == "this study")
    assert line.get_ydata().tolist() == pytest.approx([edge, 8, 0, 4]) and line.get_xdata().tolist() == [0, 1, 2, 3]
    # where all are near one another the axis is not of their errors alone
    near = selected(6.5, 0.5, 0.0, 0.2, errors=(0.1,) * 4)
    assert not near.texts and max(near.lines[0].get_ydata()) == 6.5
    assert diamonds(selected(6.8, 0.5, 0.0, 0.2, errors=(0.1,) * 4)) == [("^", 0.0, pytest.approx(6.72))]
    points = next(c for c in axis.collections if not hasattr(c, "get_segments"))
    assert [to_hex(c) for c in points.get_facecolor()] == [
        "#ffffff",
        "#262626",
        "#ffffff",
    ]  # the second of three is chosen
    assert axis.get_xlabel() == "number of subtypes (0: everyone healthy)"


@pytest.mark.parametrize(
    ("gap", "mark", "words"),
    [(15.0, ("D", 4.0, 15.0), []), (19.0, ("D", 4.0, 19.0), []), (21.0, ("^", 4.0, 11.2), ["+21"]), (-2.0, ("D", 4.0, -2.0), []), (-90.0, ("v", 4.0, -0.25 * 11.2), ["-90"])],
)  # fmt: skip
def test_one_normal_stands_at_its_gap_or_at_the_edge(gap, mark, words):
    """The others end at 10: up to twice that it is drawn where it is, below as far as a quarter of the axis."""
    axis = selected(9.0, 8.0, 0.0, 4.0, errors=(1.0, 2.0, 0.0, 0.0), gaussian=gap)
    (found,) = [d for d in diamonds(axis) if d[1] == 4.0]
    assert found == (mark[0], mark[1], pytest.approx(mark[2])) and [t.get_text() for t in axis.texts] == words
    assert [t.get_text() for t in axis.get_xticklabels()] == ["0", "1", "2", "3", "MVN"]


def test_what_lies_below_the_best_has_room_too():
    axis = selected(9.0, 8.0, 0.0, 4.0, errors=(1.0, 2.0, 3.0, 0.0), gaussian=-900.0)
    edge, low = 11.2, -3.0
    (found,) = [d for d in diamonds(axis) if d[1] == 4.0]
    assert found == ("v", 4.0, pytest.approx(low - 0.25 * (edge - low)))


def test_variants_that_differ_are_drawn_beside_and_the_one_that_does_not_is_named():
    main = selection(2, (9.0, 8.0, 0.0, 4.0), (1.0,) * 4, None)
    variants = pd.concat([
        selection(0, (0.0, 3.0, 2.0, 1.0), (0.5,) * 4, -5.0).assign(variant="uniform-independent", cvic=5.0),
        main.assign(variant="smooth-controls", cvic=main["cvic"] * (1 + 1e-6)),
        main[:3].assign(variant="smooth-adapted"),
    ])  # fmt: skip
    healthy = selection(1, (3.0, 0.0), (1.0,) * 2, -5.0).assign(variant="smooth-controls", n_people=1)
    axis = model.selection(
        given(selection=main, heldout_folds=FOLDS, variants=variants, negative_control=healthy)
    ).axes[0]
    lines = {v.get_label(): v for v in axis.lines if not v.get_label().startswith("_")}
    words = ["this study (the controls' covariance, smooth stages)", "independent noise, all stages alike", "a covariance adapted to the patients, smooth stages",
             "1 healthy person (the controls' covariance, smooth stages)"]  # fmt: skip
    assert list(lines) == words
    assert [(v.get_color(), v.get_linestyle()) for v in lines.values()] == [
        ("0.15", "-"), (model.VARIANTS[0], "--"), (model.VARIANTS[2], "--"), ("0.6", "-")
    ]  # fmt: skip
    # four marks stand side by side, 0.088 apart
    wide = 0.022 * 4
    assert [v.get_xdata()[1] for v in lines.values()] == pytest.approx([1 + wide * s for s in (-1.5, -0.5, 0.5, 1.5)])


def test_the_likelihood_of_a_fold_is_from_the_folds_mean():
    right = model.selection(given(selection=selection(2), heldout_folds=FOLDS)).axes[1]
    assert [v.get_ydata().tolist() for v in right.lines] == [[-1, 0, 1], [4, 0, -4], [1.5, 0, -1.5]]
    assert (
        right.get_xticks().tolist() == [1, 2, 3]
        and right.lines[0].get_color() == "0.75"
        and right.lines[2].get_color() == "0.15"
    )


def test_a_negative_control_has_a_panel_a_variant():
    gaps = (0.0, 11.0, 25.0)
    rows = [
        selection(c, gaps, (0.0, 1, 2), -3.0).assign(variant=v, n_people=n)
        for v, n, c in (("smooth-controls", 90, 0), ("uniform-learnt", 80, 1))
    ]
    g = given(
        selection=selection(2, gaussian=-4.0).sample(frac=1, random_state=1),
        negative_control=pd.concat(rows).sample(frac=1, random_state=0),
    )
    figure = model.negative_control(g)
    assert tuple(figure.get_size_inches()) == pytest.approx((PAGE, 2.3 + 0.5)) and len(figure.axes) == 2
    for axis in figure.axes:
        first = axis.get_title() == "smooth stages" or "covariance" in axis.get_title()
        healthy = axis.containers[1].lines[0]
        assert healthy.get_xydata().tolist() == [[0, 0], [1, 11], [2, 25]] and axis.get_xticks().tolist() == [
            0,
            1,
            2,
            3,
        ]
        chosen = [v.get_xydata().tolist() for v in axis.lines if v.get_marker() == "o"]
        assert chosen == [[[2, 0]], [[0, 0]] if first else [[1, 11]]]
        assert [t.get_text() for t in axis.get_legend().get_texts()] == [
            "MS (n = 6)",
            f"healthy people (n = {90 if first else 80})",
        ]
        assert axis.containers[0].lines[0].get_color() == COLOURS[1] and axis.get_yscale() == "symlog"
    assert [a.get_ylabel() for a in figure.axes] == ["CVIC above the best", ""]
    one = model.negative_control(given(selection=selection(2), negative_control=rows[0]))
    assert one.get_figwidth() == COLUMN
    assert model.negative_control(given(negative_control=rows[0].assign(n_subtypes=-1))).nothing


# ---------------------------------------------------------------- order of events


def places(n_subtypes, biomarkers, levels, share=1.0):
    """Every event certain of a place, or so likely and else nowhere; biomarkers in turn, later ones first."""
    events = [(b, t) for t in range(1, levels + 1) for b in reversed(biomarkers)]
    rows = [
        {"models": "everyone", "subtype": c + 1, "biomarker": b, "threshold": float(t)}
        | {f"place{i + 1}": share * (i == p) for i in range(len(events))}
        for c in range(n_subtypes)
        for p, (b, t) in enumerate(events)
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=4)


@pytest.mark.parametrize(
    ("k", "levels", "grid", "bars", "width"),
    [
        (1, 3, (1, 1), (1, 3), MIDDLE),
        (1, 4, (1, 1), (2, 3), MIDDLE),
        (2, 4, (1, 2), (1, 4), PAGE),
        (3, 5, (2, 2), (2, 4), PAGE),
    ],
)
def test_orders_stand_two_in_a_row_above_their_scales(k, levels, grid, bars, width):
    names = ("one", "two", "three")[:k]
    g = given(
        names,
        [1 + i % k for i in range(6)],
        (1, 3, 5, 2, 5, 4),
        positional_variance=places(k, list("ab"), levels),
        labels=pd.Series({"a": "A", "b": "B"}),
    )
    figure = model.positional_variance(g)
    orders, scales = ([a for a in part.axes if a.axison] for part in figure.subfigs)
    assert orders[0].get_gridspec().get_geometry() == grid and scales[0].get_gridspec().get_geometry() == bars
    assert (len(orders), len(scales)) == (k, levels)
    high = grid[0] * (0.15 * 2 + 0.75) + 0.3
    assert tuple(figure.get_size_inches()) == pytest.approx((width, high + 0.6 * bars[0]))
    assert [t.get_text() for t in orders[0].get_yticklabels()] == ["B", "A"] and orders[0].images[0].get_extent() == [
        0.5,
        2 * levels + 0.5,
        1.5,
        -0.5,
    ]
    staged = "6 staged people" if k == 1 else f"{6 // k} staged people"
    assert [a.get_title() for a in orders] == ([staged] if k == 1 else [f"{n}\n{staged}" for n in names])
    assert [a.get_xlabel() for a in scales] == [f"probability, z = {t}" for t in range(1, levels + 1)]
    image = np.asarray(orders[0].images[0].get_array())
    tints = model.event_tints(levels)
    assert [to_hex(image[1, 1 + 2 * i]) for i in range(levels)] == [t.lower() for t in tints] and to_hex(
        image[0, 1]
    ) == "#ffffff"


@pytest.mark.parametrize(
    ("share", "ticks", "end"),
    [(1.0, [0, 0.2, 0.5, 1.0], 1.0), (0.25, [0, 0.05, 0.1, 0.2], 0.25), (0.04, [0, 0.01, 0.05, 0.1], 0.1)],
)
def test_colours_end_with_the_largest_probability(share, ticks, end):
    g = given(("one",), (1,) * 6, positional_variance=places(1, ["a"], 2, share), labels=pd.Series({"a": "A"}))
    figure = model.positional_variance(g)
    scale = figure.axes[-1]
    assert scale.get_xlim() == pytest.approx((0, end)) and [t for t in scale.get_xticks() if t <= end] == pytest.approx(
        ticks
    )
    image = np.asarray(figure.axes[0].images[0].get_array())
    white = 1 - np.sqrt(share / end) * (1 - np.array(plt.matplotlib.colors.to_rgb(model.EVENTS["safe"][0])))
    assert image[0, 0] == pytest.approx(white) and (image[0, 0] < 1).any()


def test_events_that_may_stand_at_many_places_are_ordered_by_their_mean():
    rows = [("a", 1.0, [0.6, 0.0, 0.4]), ("b", 1.0, [0.4, 0.6, 0.0]), ("c", 1.0, [0.0, 0.4, 0.6])]
    table = pd.DataFrame(
        [
            {"models": m, "subtype": 1, "biomarker": b, "threshold": t} | {f"place{i + 1}": v for i, v in enumerate(p)}
            for m in ("everyone", "folds")
            for b, t, p in rows
        ]
    )
    g = given(("one",), (1,) * 6, positional_variance=table, labels=pd.Series({"a": "A", "b": "B"}))
    # 1.8, 1.6 and 2.6; a biomarker without a label is called by its name
    assert [t.get_text() for t in model.positional_variance(g).axes[0].get_yticklabels()] == ["B", "A", "c"]
    assert model.positional_variance(replace(g, tables={**g.tables, "positional_variance": table.iloc[:0]})).nothing
    alone = {
        **g.tables,
        "names": pd.DataFrame({"subtype": [1], "name": ["one"], "fraction": [0.254]}),
        "positional_variance": table,
    }
    bare = Given(tables=alone, labels=g.labels, n_subtypes=1)
    assert model.positional_variance(bare).axes[0].get_title() == "one\nmodel fraction 25%"


def test_intervals_are_held_beside_what_was_wanted():
    held = [
        ("out of fold", "all", 0.8, 0.7, 0.85),
        ("in sample", "late", 0.99, 0.9, 1.0),
        ("in sample", "all", 0.9, 0.6, 0.95),
    ]
    stated = [("out of fold", "0 to 0.4", 0.2, 0.3, 0.1, 0.35), ("in sample", "0.4 to 1", 0.6, 0.5, 0.4, 0.8)]
    table = pd.concat([
        pd.DataFrame(held, columns=["labels", "class", "observed", "low", "high"]).assign(quantity=model.INTERVALS, stated=0.95),
        pd.DataFrame(stated, columns=["labels", "class", "stated", "observed", "low", "high"]).assign(quantity="P(healthy)"),
    ])  # fmt: skip
    figure = model.reliability(given(calibration=table))
    left, right = figure.axes
    # two classes, in the table's order: each row has its two kinds of labels, the second a fifth below
    assert right.get_ylim() == pytest.approx((1.6, -0.5)) and right.get_xlim() == (0, 1.02)
    assert right.get_yticks().tolist() == pytest.approx([0.1, 1.1]) and [
        t.get_text() for t in right.get_yticklabels()
    ] == ["all", "late"]
    first, second = (c.lines[0].get_xydata() for c in right.containers)
    assert first[0].tolist() == [0.8, 0] and np.isnan(first[1, 0]) and second.tolist() == [[0.9, 0.2], [0.99, 1.2]]
    bars = right.containers[1].lines[2][0].get_segments()
    assert bars[0] == pytest.approx(np.array([[0.6, 0.2], [0.95, 0.2]])) and right.lines[-1].get_xdata() == [0.95, 0.95]
    assert left.get_xlim() == left.get_ylim() == (-0.03, 1.03) and left.lines[0].get_xydata().tolist() == [
        [0, 0],
        [1, 1],
    ]
    assert [c.lines[0].get_xydata().tolist() for c in left.containers] == [[[0.2, 0.3]], [[0.6, 0.5]]]
    assert [to_hex(c.lines[0].get_color()) for c in left.containers] == ["#0072b2", "#999999"]
    assert [t.get_text() for t in left.get_legend().get_texts()] == ["out of fold", "in sample"]
    assert tuple(figure.get_size_inches()) == pytest.approx((PAGE, 2.7))


# ---------------------------------------------------------------- people


def test_bars_of_two_subtypes_are_sorted_by_subtype_and_certainty():
    table = labelled([1, 2, 1, 2, 1], [3, 1, 2, 4, 0])
    table["oof_p_subtype1"], table["oof_p_subtype2"] = [0.6, 0.3, 0.9, 0.1, 0.5], [0.4, 0.7, 0.1, 0.9, 0.5]
    figure = model.ternary(given(subtype=[1, 2, 1, 2, 1], stage=[3, 1, 2, 4, 0], subtypes=table))
    axis = figure.axes[0]
    first, second = ([b.get_height() for b in bars] for bars in axis.containers)
    assert first == pytest.approx([0.9, 0.6, 0.1, 0.3]) and second == pytest.approx([0.1, 0.4, 0.9, 0.7])
    assert (
        [b.get_y() for b in axis.containers[1]] == first
        and axis.get_xlim() == (-0.5, 3.5)
        and axis.get_ylim() == (0, 1)
    )
    assert axis.get_xlabel().endswith("(1 normal-appearing person is not drawn)")
    assert [to_hex(bars[0].get_facecolor()) for bars in axis.containers] == [
        c.lower() for c in colours(["one", "two"]).values()
    ]


def test_as_likely_as_any_other_is_one_over_their_number():
    axis = model.probability(given(sure=(0.9, 0.5, 0.7, 0.6, 0.8, 0.9))).axes[0]
    (line,) = axis.lines
    assert (
        line.get_ydata() == [0.5, 0.5]
        and axis.get_ylim() == (0, 1.03)
        and axis.get_xlim()[0] == 0
        and axis.texts[0].xy == (1, 0.5)
    )
    assert axis.get_xlabel() == "expected stage (out of fold)"
    assert model.probability(given(("one",), (1,) * 6)).nothing and model.ternary(given(("one",), (1,) * 6)).nothing


def test_columns_of_stages_stand_upon_one_another():
    g = given(subtype=(1, 1, 1, 2, 2, 2, 1, 1), stage=(1, 1, 4, 1, 4, 4, 0, 0))
    axis = model.stages(g).axes[0]
    heights = [
        [(b.get_x() + b.get_width() / 2, b.get_y(), b.get_height()) for b in bars if b.get_height()]
        for bars in axis.containers
    ]
    assert heights == [[(1, 0, 2), (4, 0, 1)], [(1, 2, 1), (4, 1, 2)], [(-1, 0, 2)]]
    assert [bars.get_label() for bars in axis.containers] == [
        "one",
        "two",
        NORMAL,
    ] and axis.get_ylim() == pytest.approx((0, 4.2))
    assert [t.get_text() for t in axis.get_xticklabels()] == ["none", "1", "2", "3", "4"] and axis.texts[0].xy == (
        -1,
        2,
    )
    assert to_hex(axis.patches[-1].get_facecolor()) == COLOURS[0].lower() and axis.get_xlabel() == "stage (out of fold)"
    cut = model.stages(given(subtype=(1,) * 9, stage=(1, 2) + (0,) * 7, names=("one",))).axes[0]
    assert cut.patches[-1].get_height() == 1.25 and cut.lines[0].get_xydata() == pytest.approx(
        np.array([[-1.6, 1.075], [-0.4, 1.15]])
    )
    assert [bars.get_label() for bars in cut.containers] == ["staged", NORMAL] and cut.texts[0].get_text() == "7"


def test_convergence_is_counted_on_the_right_side_of_its_limits():
    table = pd.DataFrame({"r_hat": [1.01, 1.02, np.nan, 1.0], "ess": [400.0, 399.0, 100.0, np.nan]})
    figure = model.convergence(given(diagnostics=table))
    trace, left, right = figure.axes
    assert not trace.axison and left.get_title() == "1 of 3 above 1.01" and right.get_title() == "2 of 3 below 400"
    assert [a.lines[0].get_xdata() for a in (left, right)] == [[1.01, 1.01], [400, 400]] and [
        a.get_xlabel() for a in (left, right)
    ] == ["R-hat", "effective sample size"]
    assert sum(p.get_height() for p in left.patches) == 3 and len(left.patches) == 24
    only = model.convergence(given(diagnostics=table.assign(r_hat=np.nan), traces=np.zeros((8, 3))))
    assert only.axes[1].get_title() == "0 of 0 above 1.01" and [v.get_label() for v in only.axes[0].lines] == [
        f"chain {i}" for i in range(1, 9)
    ]
    assert [v.get_color() for v in only.axes[0].lines] == [COLOURS[1 + i % 6] for i in range(8)] and only.axes[
        0
    ].get_title() == "8 chains"
    assert only.axes[0].lines[0].get_xdata().tolist() == [1, 2, 3]


# ---------------------------------------------------------------- maps


def test_scales_of_maps_are_in_halves_and_of_groups_of_five():
    def limit(values, n, column="mean_z", least=1.0):
        return given(clinical__maps=pd.DataFrame({"n": n, column: values})).limit(column, least)

    assert limit([1.01, -2.3], [5, 5]) == 2.5 and limit([1.01, -2.3], [5, 4]) == 1.5 and limit([0.2], [9]) == 1.0
    assert limit([np.nan], [9]) == 1.0 and limit([3.0, -2.0], [9, 9], "t", 2.0) == 3.0


def test_t_is_drawn_of_those_who_have_one(where):
    groups = {
        "one": {"thalamus": 2.0, "cord_csa": -1.0},
        "two": {"thalamus": np.nan, "cord_csa": np.nan},
        "three": {"thalamus": 1.0, "cord_csa": np.nan},
    }
    table = maps_of(groups, "t")
    table["q"] = table["t"] * 0 + 0.04
    g = given(("one", "two", "three"), (1, 1, 1, 2, 2, 3), (1, 3, 5, 2, 5, 4), clinical__maps=table, where=where)
    figure = maps.brain_t(g)
    assert [a.get_title(loc="left") for a in figure.axes[:2]] == [
        "one against the other subtypes (2 of 2 regions at q < 0.05)", "three against the other subtypes (1 of 1 region at q < 0.05)"
    ]  # fmt: skip
    unknown = maps.brain_t(replace(g, tables={**g.tables, "clinical/maps": table.drop(columns="q")}))
    assert unknown.axes[0].get_title(loc="left").endswith("(0 of 2 regions at q < 0.05)")
    assert maps.brain_t(replace(g, tables={**g.tables, "clinical/maps": table.assign(t=np.nan)})).nothing.startswith(
        "No subtype has five"
    )
    assert (
        maps.brain_t(given(("one",), (1,) * 6, clinical__maps=table, where=where)).nothing
        == "There are no subtypes to compare."
    )


def test_groups_of_nobody_have_no_map(where):
    table = maps_of({NORMAL: {"thalamus": 0.0, "cord_csa": 0.1}, "one": {"thalamus": 1.0, "cord_csa": 0.4}}, "mean_z")
    table.loc[table["group"] == NORMAL, "n"] = 0
    figure = maps.brain_mean_z(given(clinical__maps=table, where=where))
    assert [a.get_title(loc="left") for a in figure.axes[:-1]] == ["one (n = 13)"]
    width = PAGE - 0.9
    assert tuple(figure.get_size_inches()) == pytest.approx((PAGE, width * 1.1 / 6.1 + 0.22 + 0.75))
    assert (
        maps.brain_mean_z(given(clinical__maps=table.assign(n=0), where=where)).nothing == "Nobody has a z to be drawn."
    )


@pytest.mark.parametrize(("groups", "width"), [(2, MIDDLE), (3, PAGE)])
def test_numbers_need_a_page_for_three_groups(groups, width):
    values = {g: {"thalamus": 0.5, "cord_csa": -0.04} for g in (NORMAL, "one", "two")[:groups]}
    figure = maps.mean_z(given(clinical__maps=maps_of(values, "mean_z")))
    assert tuple(figure.get_size_inches()) == pytest.approx((width, 0.19 * 2 + 1.2))
    assert {t.get_text() for t in figure.axes[0].texts} == {"0.5", "0.0"}  # what rounds to nothing has no sign
    assert figure.axes[0].collections[0].get_clim() == (-1, 1)


def test_levels_are_shares_of_the_highest_of_their_biomarker():
    table = pd.DataFrame(
        {"biomarker": list("aabbcc"), "family": ["ordinal"] * 4 + ["zscore"] * 2, "z": [1.0, 4.0, 0.5, 0.2, 3.0, 9.0]}
    )
    z, levels = maps.by_scale(table)
    assert z["z"].tolist() == [3, 9] and levels["share"].tolist() == [0.25, 1, 0.5, 0.2]
    assert len(maps.by_scale(table.drop(columns="family"))[0]) == 6
    assert maps.z_scale(z).vmax == pytest.approx(np.quantile([3, 9], 0.98)) and maps.z_scale(z).vmin == 0
    assert maps.z_scale(z[:0]).vmax == 1 == maps.z_scale(z.assign(z=0.2)).vmax
    assert (maps.extended(pd.Series([1.0, 5.0])), maps.extended(pd.Series([5.01, 1.0]))) == ("neither", "max")


def test_the_course_has_a_column_a_subtype_and_a_row_a_stage(where):
    curve = pd.DataFrame(
        [
            {"subtype": c, "stage": s, "biomarker": b, "z": s / 2}
            for c in (1, 2)
            for s in range(1, 6)
            for b in LABELS.index
        ]
    )
    g = given(subtype=(1, 1, 1, 2, 2, 2), stage=(5, 5, 5, 2, 2, 2), progression=curve, where=where)
    figure = maps.progression(g)
    grid = np.array(figure.axes[:8]).reshape(4, 2)
    assert [[a.get_title().split("\n")[-1] for a in column if a.patches] for column in grid.T] == [
        [f"stage {s} (n = 3 here or later)" for s in (1, 2, 4, 5)], [f"stage {s} (n = 3 here or later)" for s in (1, 2)]
    ]  # fmt: skip
    assert [a.get_title().split("\n")[0] for a in grid[0]] == ["one", "two"]
    width = (PAGE - 0.7) / 2
    assert tuple(figure.get_size_inches()) == pytest.approx((PAGE, 4 * (width / 6.05 + 0.25) + 0.9))
    one = maps.progression(given(("one",), (1,) * 6, (5,) * 6, progression=curve[curve["subtype"] == 1], where=where))
    assert one.axes[0].get_title() == "stage 1 (n = 6 here or later)" and one.get_figwidth() == MIDDLE
    # people of stage 0, or nobody: nothing to draw
    assert maps.progression(given(stage=(0,) * 6, progression=curve, where=where)).nothing


def test_numbers_of_the_course_stand_in_one_row_with_one_list_of_names():
    curve = pd.DataFrame(
        [{"subtype": c, "stage": s, "biomarker": b, "z": s * c} for c in (1, 2) for s in (1, 2) for b in LABELS.index]
    )
    figure = maps.progression(given(subtype=(1, 1, 1, 2, 2, 2), stage=(2,) * 6, progression=curve, where={}))
    first, second = figure.axes[:2]
    assert first.get_gridspec().get_geometry() == (1, 2) and (first.get_title(), second.get_title()) == ("one", "two")
    assert [t.get_text() for t in first.get_yticklabels() if t.get_visible()] == [
        "Thalamus",
        "Cord",
    ] and first.get_shared_y_axes().joined(first, second)
    assert [[t.get_text() for t in a.texts] for a in (first, second)] == [["1.0", "2.0"] * 2, ["2.0", "4.0"] * 2]
    assert tuple(figure.get_size_inches()) == pytest.approx((PAGE, 0.22 * 2 + 1.2)) and first.collections[
        0
    ].get_clim() == (0, maps.Z_END)


# ---------------------------------------------------------------- controls


def controls(n_sites, whens=("after",), n=30, **more):
    z = pd.DataFrame({"a": np.linspace(-2, 2, n), "b": [np.nan] + [1.0] * (n - 1), "none": np.nan})
    z.loc[0, "a"] = np.nan
    rows = [
        {"biomarker": b, "check": "site", "part": f"s{i}", "mean": 0.1, "sd": 1.0, "harmonisation": w}
        for w in whens
        for b in "ab"
        for i in range(n_sites)
    ]
    columns = ["biomarker", "check", "part", "mean", "sd", "harmonisation"]
    table = pd.concat([z.assign(group="HC"), z.assign(group="MS", a=9.0)])
    return given(
        labels=pd.Series({"b": "B", "a": "A", "none": "N"}),
        normative__zscores=table,
        normative__diagnostics=pd.DataFrame(rows, columns=columns),
        **more,
    )


@pytest.mark.parametrize(
    ("sites", "whens", "panels", "size"),
    [(0, (), 1, (COLUMN, 1.86)), (2, ("after",), 3, (PAGE, 3.32)), (2, ("before", "after"), 4, (PAGE, 3.32))],
)
def test_controls_have_a_panel_a_check_and_one_of_quantiles(sites, whens, panels, size):
    figure = normative.normative(controls(sites, whens))
    drawn = [a for a in figure.axes if a.get_title()]
    assert len(drawn) == panels and tuple(figure.get_size_inches()) == pytest.approx(size)
    last = drawn[-1]
    assert last.get_title() == "quantiles, one line a measure (29 controls)" and len(last.lines) == 3
    # b is drawn first; of a the patients' 9 are not among the controls'
    theory, observed = stats.probplot(np.linspace(-2, 2, 30)[1:])[0]
    assert last.lines[1].get_xdata() == pytest.approx(theory) and last.lines[1].get_ydata() == pytest.approx(observed)
    assert last.lines[2].get_xydata().tolist() == [[-3.5, -3.5], [3.5, 3.5]]
    if sites:
        assert [t.get_text() for t in drawn[0].get_yticklabels()] == ["B", "A"]
        assert drawn[0].get_title() == "mean z by site" + (", before the site term" if len(whens) > 1 else "")


def correlations(values, n=(60, 60, 60), names="abc"):
    pairs = [(a, b) for i, a in enumerate(names) for b in names[: i + 1]]
    rows = [
        {
            "biomarker": a,
            "other": b,
            "n": 60,
            "correlation": 1.0,
            "n_controls": 1200,
            "shrinkage": 0.031,
            "condition_number": 20.04,
        }
        for a, b in pairs
    ]
    table = pd.DataFrame(rows)
    off = table["biomarker"] != table["other"]
    if off.any():
        table.loc[off, "correlation"], table.loc[off, "n"] = values, n
    return given(labels=pd.Series({v: v.upper() for v in reversed(names)}), normative__covariance=table)


def test_correlations_are_symmetric_and_their_scale_is_in_tenths():
    figure = normative.covariance(correlations([0.11, -0.42, 0.04]))
    axis = figure.axes[0]
    assert (
        [t.get_text() for t in axis.get_xticklabels()]
        == ["C", "B", "A"]
        == [t.get_text() for t in axis.get_yticklabels()]
    )
    drawn = np.ma.filled(axis.collections[0].get_array().astype(float), np.nan).reshape(3, 3)
    np.testing.assert_array_equal(drawn, [[np.nan, 0.04, -0.42], [0.04, np.nan, 0.11], [-0.42, 0.11, np.nan]])
    assert axis.collections[0].get_clim() == (-0.5, 0.5) and [t.get_text() for t in axis.texts] == [
        "0.04",
        "-0.42",
        "0.04",
        "0.11",
        "-0.42",
        "0.11",
    ]
    assert axis.get_title() == "60 of 1,200 controls behind each,\nafter shrinkage by 3.1%, condition number 20"
    assert tuple(figure.get_size_inches()) == pytest.approx((PAGE, 6.1))
    assert normative.covariance(correlations([0.1, 0.1, 0.1])).axes[0].collections[0].get_clim() == (-0.3, 0.3)
    assert normative.covariance(correlations([], (), "a")).nothing and not hasattr(
        normative.covariance(correlations([0.2], [60], "ab")), "nothing"
    )


def test_controls_who_lack_a_region_are_counted_beside():
    figure = normative.covariance(correlations([0.11, -0.42, 0.04], (60, 41, 55)))
    first, second = (a for a in figure.axes if a.get_title())
    assert first.get_title().startswith("41 to 60 of 1,200 controls") and not first.texts
    drawn = np.asarray(second.collections[0].get_array()).reshape(3, 3)
    assert drawn.tolist() == [[60, 55, 41], [55, 60, 60], [41, 60, 60]] and second.collections[0].get_clim() == (
        0,
        1200,
    )
    assert (
        tuple(figure.get_size_inches()) == pytest.approx((PAGE, PAGE / 2 - 0.2 + 0.5))
        and second.get_title() == "controls with both"
    )
