"""What is drawn, read back from the figure: colours, rows, sides, numbers, each against an asymmetric table."""

import re
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from given_of import LABELS, NORMAL, curves, given, labelled, maps_of, selection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import PathPatch
from PIL import Image

from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.figures import clinical, maps, model, normative
from neuraxis.figures.brain import EMPTY, draw_brain, structures
from neuraxis.figures.given import with_made
from neuraxis.figures.style import TALLEST, colours, finish, name_ticks, outside, small_texts
from neuraxis.report.sentences import survival_sentences


@pytest.fixture
def where(request):
    resources = request.config.rootpath / "resources"
    names = pd.read_csv(resources / "labels.tsv", sep="\t").set_index("label")["name"]
    places = structures(read_biomarkers(resources / "biomarkers.tsv"), names)
    return {b: places[b] for b in LABELS.index}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def warm(colour) -> bool:
    """More red than blue."""
    return colour[0] > colour[2]


def painted(axis):
    return [p.get_facecolor() for p in axis.patches if isinstance(p, PathPatch)]


def titles(figure):
    return [a.get_title(loc="left") or a.get_title() for a in figure.axes]


def test_abnormal_is_red_and_better_than_normal_blue(where):
    groups = {
        NORMAL: {"thalamus": 0.0, "cord_csa": 0.1},
        "one": {"thalamus": 3.0, "cord_csa": -2.0},
        "two": {"thalamus": -1.0, "cord_csa": 2.2},
    }
    figure = maps.brain_mean_z(given(clinical__maps=maps_of(groups, "mean_z"), where=where))
    assert titles(figure)[:3] == [f"{NORMAL} (n = 12)", "one (n = 13)", "two (n = 14)"]
    scale = plt.get_cmap("RdBu_r")
    for axis, values in zip(figure.axes, groups.values(), strict=False):
        shown = {to_hex(c) for c in painted(axis)}
        for v in values.values():
            assert to_hex(scale((v + 3) / 6)) in shown
    assert warm(scale(0.99)) and figure.axes[-1].get_ylim() == (-3, 3)
    assert "positive: abnormal" in figure.axes[-1].get_ylabel()


def test_maps_of_all_diseases_have_one_scale(where):
    mine = maps_of({"one": {"thalamus": 1.2, "cord_csa": 0.3}}, "mean_z")
    other = maps_of({"three": {"thalamus": -4.1, "cord_csa": 0.3}}, "mean_z")
    few = other.assign(mean_z=99.0, n=4)  # of too few people to set a scale
    g = given(clinical__maps=mine, where=where, maps=(mine, other, few))
    assert maps.brain_mean_z(g).axes[-1].get_ylim() == (-4.5, 4.5)
    assert maps.brain_mean_z(given(clinical__maps=mine, where=where)).axes[-1].get_ylim() == (-1.5, 1.5)


def test_t_has_one_scale_with_more_abnormal_in_warm_colours(where):
    groups = {NORMAL: {"thalamus": np.nan, "cord_csa": np.nan}, "one": {"thalamus": 4.2, "cord_csa": -1.0}}
    groups["two"] = {"thalamus": -3.0, "cord_csa": 2.0}
    table = maps_of(groups, "t")
    table["q"] = table["t"].map({4.2: 0.001, -1.0: 0.3, -3.0: 0.04, 2.0: 0.05})
    figure = maps.brain_t(given(clinical__maps=table, where=where))
    assert titles(figure)[:2] == [
        "one against the other subtype (1 of 2 regions at q < 0.05)",
        "two against the other subtype (1 of 2 regions at q < 0.05)",
    ]
    scale = plt.get_cmap("PuOr_r")
    assert figure.axes[-1].get_ylim() == (-4.5, 4.5) and warm(scale(0.9)) != warm(scale(0.1))
    for axis, g in zip(figure.axes, ("one", "two"), strict=False):
        shown = {to_hex(p.get_facecolor()): p.get_hatch() for p in axis.patches}
        for b, v in groups[g].items():
            dotted = table.loc[(table["group"] == g) & (table["biomarker"] == b), "q"].iloc[0] >= 0.05
            assert bool(shown[to_hex(scale((v + 4.5) / 9))]) == dotted  # what is not sure is dotted
    alone = maps.brain_t(given(clinical__maps=table[table["group"] != "two"], where=where))
    assert titles(alone)[:-1] == ["one against the other subtype (1 of 2 regions at q < 0.05)"]
    assert "Circular" in alone.get_supxlabel()


def bars_ends(figure):
    """Which ends of its scale bars are arrows."""
    return [a._colorbar.extend for a in figure.axes if hasattr(a, "_colorbar")]


def test_the_course_darkens_with_z_and_counts_who_came_so_far(where):
    curve = pd.DataFrame(
        [
            {"subtype": c, "stage": s, "biomarker": b, "z": s * (1 if (b == "thalamus") == (c == 1) else 0.5)}
            for c in (1, 2)
            for s in range(1, 21)
            for b in LABELS.index
        ]
    )
    # subtype one to stage 10, two to stage 4, three people each at the end
    g = given(
        subtype=(1, 1, 1, 1, 1, 2, 2, 2, 2, 1), stage=(1, 3, 10, 10, 10, 2, 4, 4, 4, 0), progression=curve, where=where
    )
    figure = maps.progression(g)
    heads = [h for h in titles(figure) if h]
    assert heads[0] == "one\nstage 1 (n = 5 here or later)" and heads[1] == "two\nstage 1 (n = 4 here or later)"
    assert [h.splitlines()[-1] for h in heads[::2]] == [
        f"stage {s} (n = {n} here or later)" for s, n in ((1, 5), (4, 3), (7, 3), (10, 3))
    ]
    assert [h.splitlines()[-1] for h in heads[1::2]] == [
        f"stage {s} (n = {n} here or later)" for s, n in ((1, 4), (2, 4), (3, 3), (4, 3))
    ]
    scale, top = plt.get_cmap("magma_r"), maps.Z_END  # whatever the disease
    last = {a.get_title(): a for a in figure.axes}["stage 10 (n = 3 here or later)"]
    assert to_hex(scale(10 / top)) in {to_hex(c) for c in painted(last)}
    assert figure.axes[-1].get_xlim() == (0, top) and bars_ends(figure) == ["max"]
    mild = maps.progression(replace(g, tables={**g.tables, "progression": curve.assign(z=curve["z"] / 4)}))
    assert mild.axes[-1].get_xlim() == (0, top) and bars_ends(mild) == ["neither"]
    last = {a.get_title(): a for a in mild.axes}["stage 10 (n = 3 here or later)"]
    shown = {to_hex(c) for c in painted(last)}
    assert {to_hex(scale(2.5 / top)), to_hex(scale(1.25 / top))} <= shown
    assert sum(scale(0.9)[:3]) < sum(scale(0.1)[:3]) and figure.axes[-1].get_xlabel() == "expected z"


def test_levels_are_not_drawn_as_if_they_were_z(where):
    """A marker of levels 0 to 4 beside a z: colours and a legend of its own, and no part in the scale of z."""
    rows = [
        {"subtype": 1, "stage": s, "biomarker": b, "family": f, "z": z}
        for s in (1, 2, 3)
        for b, f, z in (("thalamus", "zscore", s / 2), ("cord_csa", "ordinal", s + 1.0))
    ]
    g = given(("one",), (1, 1, 1), (3, 3, 3), progression=pd.DataFrame(rows), where=where)
    figure = maps.progression(g)
    top = maps.Z_END
    for stage, axis in zip((1, 2, 3), figure.axes, strict=False):
        found = {to_hex(c) for c in painted(axis)}
        assert to_hex(plt.get_cmap("magma_r")(stage / 2 / top)) in found
        assert to_hex(plt.get_cmap("Greens")((stage + 1) / 4)) in found
        assert to_hex(plt.get_cmap("magma_r")(1.0)) not in found
    assert [a.get_xlabel() for a in figure.axes[-2:]] == [
        "expected z",
        "share of its levels reached, of what has no z: Cord",
    ]
    # nothing on the brain: as numbers, which are the levels themselves, in the same two colours
    figure = maps.progression(given(("one",), (1, 1, 1), (3, 3, 3), progression=pd.DataFrame(rows), where={}))
    axis = figure.axes[0]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["Thalamus", "Cord (level)"]
    assert [t.get_text() for t in axis.texts] == ["0.5", "1.0", "1.5", "2.0", "3.0", "4.0"]
    first, second = axis.collections
    assert to_hex(second.get_facecolors()[-1]) == to_hex(plt.get_cmap("Greens")(1.0))
    assert to_hex(first.get_facecolors()[2]) == to_hex(plt.get_cmap("magma_r")(1.5 / top))


@pytest.mark.parametrize(
    ("stage", "shown"),
    [
        ([1, 2, 3], [1, 2, 3]),
        ([1, 1, 1, 1, 11], [1, 2, 3, 4]),
        ([1], [1]),
        ([], []),
        ([31] * 3, [1, 11, 21, 31]),
        ([5, 6, 9], [1, 2, 4, 5]),
        ([50, 2, 7, 2, 1, 7, 4], [1, 3, 5, 7]),
        ([6, 5], [1, 2, 4, 5]),
    ],  # fmt: skip
)
def test_stages_are_spread_evenly_over_where_people_are(stage, shown):
    assert maps.stages_shown(pd.Series(stage, dtype=float)) == shown


def test_mean_z_as_numbers_stands_in_its_row_and_column():
    groups = {"two": {"cord_csa": -1.0, "thalamus": 2.0}, NORMAL: {"cord_csa": 0.3, "thalamus": 0.4}}
    groups["one"] = {"cord_csa": 1.1, "thalamus": -2.9}
    axis = maps.mean_z(given(clinical__maps=maps_of(groups, "mean_z"))).axes[0]
    columns = [t.get_text() for t in axis.get_xticklabels()]
    assert columns == [f"{NORMAL}\n(n = 13)", "one\n(n = 14)", "two\n(n = 12)"]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["Thalamus", "Cord"]
    assert [t.get_text() for t in axis.texts] == ["0.4", "-2.9", "2.0", "0.3", "1.1", "-1.0"]
    mesh = axis.collections[0]
    assert mesh.get_clim() == (-3, 3) and warm(mesh.to_rgba(2.5)) and not warm(mesh.to_rgba(-2.5))


def of_controls(z, diagnostics, labels):
    return given(labels=labels, normative__zscores=z.assign(group="HC"), normative__diagnostics=diagnostics)


def test_sites_before_and_after_their_term_stand_on_their_side():
    rows = [
        {"biomarker": b, "check": "site", "part": s, "mean": m, "sd": 1 + m, "harmonisation": when}
        for when, sign in (("after", 0.1), ("before", 1.0))
        for b, values in (("b", (0.5, -0.3)), ("a", (0.2, 0.4)))
        for s, m in zip(("s1", "s2"), np.multiply(values, sign), strict=True)
    ]
    diagnostics = pd.DataFrame([*rows, {"biomarker": "a", "check": "sex", "part": "F", "mean": 9.0}])
    z = pd.DataFrame({"a": np.linspace(-2, 2, 30), "b": np.linspace(-4, 4, 30)})
    figure = normative.normative(of_controls(z, diagnostics, pd.Series({"a": "A", "b": "B", "unmeasured": "U"})))
    before, after, spread, quantiles = (a for a in figure.axes if a.get_title())
    assert before.get_title() == "mean z by site, before the site term"
    assert after.get_title().endswith("after the site term") and spread.get_title().startswith("SD of z by site")
    drawn = np.asarray(before.collections[0].get_array()).reshape(2, 2)
    assert drawn.tolist() == [[0.2, 0.4], [0.5, -0.3]]
    assert np.allclose(np.asarray(after.collections[0].get_array()).reshape(2, 2), drawn / 10)
    assert np.allclose(np.asarray(spread.collections[0].get_array()).reshape(2, 2), 1 + drawn / 10)
    for axis in (before, after):
        assert [t.get_text() for t in axis.get_yticklabels()] == ["A", "B"]
        assert [t.get_text() for t in axis.get_xticklabels()] == ["s1", "s2"]
        mesh = axis.collections[0]
        assert mesh.get_clim() == (-0.6, 0.6) and warm(mesh.to_rgba(0.5)) and not warm(mesh.to_rgba(-0.5))
    assert spread.collections[0].get_clim() == (0.5, 1.5)
    assert quantiles.lines[1].get_ydata().max() == 4 and quantiles.lines[0].get_ydata().max() == 2
    assert "(30 controls)" in quantiles.get_title()
    after_alone = diagnostics[diagnostics["harmonisation"] == "after"]
    one = normative.normative(of_controls(z, after_alone, pd.Series({"a": "A", "b": "B"})))
    assert [a.get_title() for a in one.axes if a.get_title()][0] == "mean z by site"


def test_one_site_is_not_compared_with_itself():
    """Mean and SD of everyone in the place of those by site, in the order of the measures; nothing says site."""
    rows = [
        {"biomarker": b, "check": check, "part": part, "mean": m, "sd": s, "harmonisation": "after"}
        for b, m, s in (("b", 0.5, 1.2), ("a", -0.2, 0.9))
        for check, part in (("all", "all"), ("site", "s1"), ("sex", "F"))
    ]
    z = pd.DataFrame({"a": np.linspace(-2, 2, 30), "b": np.linspace(-4, 4, 30)})
    for left_out in ([], ["site"]):
        table = pd.DataFrame(rows)
        told = table[~table["check"].isin(left_out)]
        figure = normative.normative(of_controls(z, told, pd.Series({"a": "A", "b": "B"})))
        assert not any("site" in t for t in titles(figure)) and len(figure.axes) == 2
        mean, quantiles = figure.axes
        assert mean.lines[0].get_xdata().tolist() == [-0.2, 0.5] and "30 controls" in quantiles.get_title()
        ends = [s[:, 0].tolist() for s in mean.collections[0].get_segments()]
        assert np.allclose(ends, [[-1.1, 0.7], [-0.7, 1.7]])
        assert [t.get_text() for t in mean.get_yticklabels()] == ["A", "B"]


def test_similarity_is_symmetric_and_named_by_disease():
    table = pd.DataFrame(
        [
            ("NMOSD", "x", "MS", "y", 0.7),
            ("NMOSD", "x", "MS", "z", -0.4),
            ("MS", "y", "MS", "z", 0.1),
        ],
        columns=["disease_a", "name_a", "disease_b", "name_b", "tau"],
    ).assign(tau_chance=0.25, converged_a=True, converged_b=True)
    axis = clinical.similarity(given(crossdisease__similarity=table)).axes[0]
    names = [t.get_text() for t in axis.get_xticklabels()]
    assert names == ["MS y", "MS z", "NMOSD x"] == [t.get_text() for t in axis.get_yticklabels()]
    drawn = np.ma.filled(axis.collections[0].get_array().astype(float), np.nan).reshape(3, 3)
    np.testing.assert_array_equal(drawn, [[np.nan, 0.1, 0.7], [0.1, np.nan, -0.4], [0.7, -0.4, np.nan]])
    assert axis.collections[0].get_cmap().name == "RdBu_r" and axis.collections[0].get_clim() == (-1, 1)
    assert axis.get_title() == "event orders (two random ones: 0.25)"


FOLDS = pd.DataFrame({"fold": [0, 1], "n_people": [5, 6], "k0": [-90.0, -80]})
FOLDS = FOLDS.assign(k1=[-10.0, -12], k2=[-4.0, -9], k3=[-7.0, -3])


def test_selection_marks_the_chosen_k_with_its_error_bars():
    g = given(selection=selection(1), heldout_folds=FOLDS)
    left, right = model.selection(g).axes
    points = next(c for c in left.collections if not hasattr(c, "get_segments"))
    # everyone healthy and one normal, far off, are drawn too: 70 lies above 60, where the others end, and is at the edge
    assert {int(x): y for x, y in points.get_offsets()} == {1: 40, 2: 0, 3: 8}
    filled = [
        int(x) for (x, _), c in zip(points.get_offsets(), points.get_facecolor(), strict=True) if to_hex(c) != "#ffffff"
    ]
    assert filled == [1]
    bars = [c for c in left.collections if hasattr(c, "get_segments")][0].get_segments()
    assert {int(b[0][0]): (b[0][1], b[1][1]) for b in bars} == {1: (20, 60), 2: (0, 0), 3: (3, 13)}
    assert [t.get_text() for t in left.texts] == ["+70"]
    assert [t.get_text() for t in left.get_xticklabels()] == ["0", "1", "2", "3", "MVN"]
    assert any(
        line.get_xdata()[0] == 4 and line.get_ydata()[0] == 25 for line in left.lines if len(line.get_xdata()) == 1
    )
    per_fold = sorted([line.get_ydata().tolist() for line in right.lines[:2]])
    assert per_fold == [[-4.0, -1.0, 5.0], [-3.0, 3.0, 0.0]]
    assert right.lines[2].get_ydata().tolist() == [-3.5, 1.0, 2.5] and right.lines[2].get_xdata().tolist() == [1, 2, 3]


def test_labels_of_models_far_off_stand_under_one_another():
    """Everyone healthy is far off in every variant: at one place, three numbers that can be read."""
    far = [selection(2, (g, 40.0, 0.0), (9.0, 9.0, 0.0), None) for g in (700.0, 812.0, 655.0)]
    variants = pd.concat([far[1].assign(variant="a", cvic=2.0), far[2].assign(variant="b", cvic=3.0)])
    figure = model.selection(given(selection=far[0], heldout_folds=FOLDS, variants=variants))
    figure.draw_without_rendering()
    words = [t for t in figure.axes[0].texts if t.get_text().startswith("+")]
    assert sorted(t.get_text() for t in words) == ["+655", "+700", "+812"]
    boxes = [t.get_window_extent() for t in words]
    assert not [1 for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]


def test_reliability_draws_what_was_stated_and_what_was_true():
    healthy, sure = "P(healthy)", "P(subtype), truly staged people"
    held = "95 % interval of the stage holds the true one"
    columns = ["labels", "quantity", "class", "n", "stated", "observed", "low", "high"]
    rows = [("out of fold", healthy, "0 to 0.05", 9, 0.02, 0.1, 0.05, 0.2), ("out of fold", healthy, "0.6 to 0.8", 9, 0.7, 0.5, 0.3, 0.6),
            ("out of fold", healthy, "all", 18, 0.4, 0.3, 0.2, 0.4), ("in sample", healthy, "0.6 to 0.8", 9, 0.75, 0.8, 0.7, 0.9),
            ("out of fold", sure, "0.4 to 0.6", 9, 0.5, 0.9, 0.8, 0.95), ("out of fold", held, "everyone", 18, 0.95, 0.8, 0.7, 0.9),
            ("in sample", held, "everyone", 18, 0.95, 0.99, 0.9, 1.0)]  # fmt: skip
    figure = model.reliability(given(calibration=pd.DataFrame(rows, columns=columns)))
    first, second, third = figure.axes
    drawn = [c.lines[0] for c in first.containers]
    assert drawn[0].get_xydata().tolist() == [[0.02, 0.1], [0.7, 0.5]] and drawn[1].get_xydata().tolist() == [
        [0.75, 0.8]
    ]
    bars = first.containers[0].lines[2][0].get_segments()
    assert np.allclose(bars, [[[0.02, 0.05], [0.02, 0.2]], [[0.7, 0.3], [0.7, 0.6]]])
    assert second.containers[0].lines[0].get_xydata().tolist() == [[0.5, 0.9]]
    assert [c.lines[0].get_xdata().tolist() for c in third.containers] == [[0.8], [0.99]]
    one = pd.DataFrame(rows, columns=columns).query("quantity != @sure")
    assert len(model.reliability(given(calibration=one)).axes) == 2
    assert model.reliability(given()).nothing


HEALTHY = "90 healthy people (the controls' covariance, smooth stages)"


def test_selection_holds_every_variant_and_healthy_people_in_grey():
    main = selection(2, gaussian=None)
    other = selection(1, (30.0, 0.0, 12.0, 14.0), (1.0, 0, 1, 1), None).assign(variant="uniform-independent")
    variants = pd.concat([main.assign(variant="smooth-controls"), other])
    healthy = selection(0, (0.0, 11.0, 25.0, 33.0), (0.0, 1, 1, 1), None).assign(variant="smooth-controls", n_people=90)
    g = given(selection=main, heldout_folds=FOLDS, variants=variants, negative_control=healthy)
    left = model.selection(g).axes[0]
    lines = {line.get_label(): line for line in left.lines if not line.get_label().startswith("_")}
    mine = "this study (the controls' covariance, smooth stages)"
    assert set(lines) == {mine, "independent noise, all stages alike", HEALTHY}
    assert lines["independent noise, all stages alike"].get_ydata().tolist() == [30, 0, 12, 14]
    assert lines[HEALTHY].get_color() == "0.6"
    # each near its number of subtypes, none upon another
    for k in range(4):
        at = sorted(line.get_xdata()[k] for line in lines.values())
        assert min(np.diff(at)) > 0.05 and max(abs(x - k) for x in at) <= 0.3
    assert "this study" in [
        h.get_label() for h in model.selection(replace(g, tables={**g.tables, "variants": other})).axes[0].lines
    ]
    assert [t.get_text() for t in left.get_xticklabels()] == ["0", "1", "2", "3"]


def test_the_negative_control_stands_beside_the_patients():
    healthy = selection(0, (0.0, 11.0, 25.0), (0.0, 1, 2), None).assign(variant="smooth-controls", n_people=90)
    figure = model.negative_control(given(selection=selection(2, gaussian=None), negative_control=healthy))
    axis = figure.axes[0]
    assert axis.get_title() == "the controls' covariance"
    names = [t.get_text() for t in axis.get_legend().get_texts()]
    assert names == ["MS (n = 6)", "healthy people (n = 90)"]
    chosen = {
        line.get_color(): (line.get_xdata()[0], line.get_ydata()[0]) for line in axis.lines if line.get_marker() == "o"
    }
    assert chosen == {"#0072B2": (2, 0), "0.5": (0, 0)}
    nothing = healthy.iloc[:1].assign(n_subtypes=np.nan)
    assert model.negative_control(given(negative_control=nothing)).nothing


NAMES = ("cortical", "spinal cord", "subcortical")


def five():
    """Five people of three subtypes; the second is normal-appearing."""
    table = labelled([1, 2, 3, 1, 2], [3, 0, 2, 1, 4], [3.1, 0.4, 2.2, 1.3, 4.5])
    table["oof_p_subtype1"] = [0.7, 0.1, 0.2, 0.5, 0.15]
    table["oof_p_subtype2"] = [0.2, 0.8, 0.1, 0.2, 0.6]
    table["oof_p_subtype3"] = [0.1, 0.1, 0.7, 0.3, 0.25]
    return given(NAMES, [1, 2, 3, 1, 2], [3, 0, 2, 1, 4], subtypes=table)


def test_certainty_is_drawn_in_the_colour_of_the_own_subtype():
    g = five()
    tint = colours(NAMES)
    axis = model.probability(g).axes[0]
    drawn = {c.get_label(): (c.get_offsets().tolist(), to_hex(c.get_facecolor()[0][:3])) for c in axis.collections}
    assert drawn == {
        "cortical": ([[3.1, 0.7], [1.3, 0.5]], tint["cortical"].lower()),
        "spinal cord": ([[4.5, 0.6]], tint["spinal cord"].lower()),
        "subcortical": ([[2.2, 0.7]], tint["subcortical"].lower()),
    }
    figure = model.ternary(g)
    axis = figure.axes[0]
    counts = {c.get_label(): len(c.get_offsets()) for c in axis.collections}
    assert counts == {"cortical (n = 2)": 2, "spinal cord (n = 1)": 1, "subcortical (n = 1)": 1}
    assert (axis.get_tlabel(), axis.get_llabel(), axis.get_rlabel()) == NAMES
    assert "1 normal-appearing person is not drawn" in figure.texts[0].get_text()


def test_stages_hold_everyone_once():
    g = given(stage=(1, 3, 5, 3, 5, 0))
    axis = model.stages(g).axes[0]
    at = {}
    for bar in axis.patches:
        at[round(bar.get_x() + bar.get_width() / 2)] = (
            at.get(round(bar.get_x() + bar.get_width() / 2), 0) + bar.get_height()
        )
    assert {x: h for x, h in at.items() if h} == {-1: 1, 1: 1, 3: 2, 5: 2}
    many = given(subtype=[1] * 3 + [2] + [1] * 50, stage=[1, 2, 2, 2] + [0] * 50)
    axis = model.stages(many).axes[0]
    assert axis.texts[0].get_text() == "50" and axis.patches[-1].get_height() == 1.25 * 3  # cut, and says its number
    (mark,) = axis.lines
    assert mark.get_color() == "white" and all(0 < y < 1.25 * 3 for y in mark.get_ydata())
    assert not model.stages(given(stage=(1, 3, 5, 3, 5, 0))).axes[0].lines


def test_groups_of_nobody_have_no_place():
    """Where nobody is normal-appearing no column, bar or note is theirs."""
    g = given(stage=(1, 3, 5, 2, 5, 1))
    axis = model.stages(g).axes[0]
    assert NORMAL not in [t.get_text() for t in axis.get_legend().get_texts()] and not axis.texts
    assert "none" not in [t.get_text() for t in axis.get_xticklabels()]
    bars = model.ternary(g)
    assert "not drawn" not in " ".join(t.get_text() for t in bars.findobj(plt.Text))
    table = maps_of({NORMAL: {"thalamus": np.nan}, "one": {"thalamus": 1.0}, "two": {"thalamus": 2.0}}, "mean_z")
    table.loc[table["group"] == NORMAL, "n"] = 0
    axis = maps.mean_z(given(clinical__maps=table)).axes[0]
    assert [t.get_text().partition("\n")[0] for t in axis.get_xticklabels()] == ["one", "two"]


def test_convergence_counts_what_has_not_converged():
    table = pd.DataFrame({"r_hat": [1.0, 1.005, 1.2, np.nan], "ess": [900.0, 399, 120, np.nan]})
    traces = np.array([[-3.0, -2, -1], [-4, -3, -2.5]])
    trace, left, right = model.convergence(given(diagnostics=table, traces=traces)).axes
    assert [line.get_ydata().tolist() for line in trace.lines] == traces.tolist()
    assert left.get_title() == "1 of 3 above 1.01" and right.get_title() == "2 of 3 below 400"
    assert model.convergence(given(diagnostics=table.iloc[3:])).nothing


OUTCOMES = (
    {"name": "EDSS", "column": "edss", "type": "ordinal"},
    {"name": "relapses", "column": "relapses", "type": "count", "exposure": "years"},
    {"name": "worse", "column": "worse", "type": "binary"},
)
PEOPLE = pd.DataFrame(
    {
        "edss": [1.0, 2, 3, 4, 5, 6, np.nan],
        "relapses": [2, 4, 0, 1, 6, 8, 1],
        "years": [1.0, 2, 5, 2, 3, 2, 1],
        "worse": [1, 0, 1, 1, 0, 0, 1],
    },
    index=[f"p{i}" for i in range(7)],
)


def seven(**more):
    """b, normal-appearing, a, b, a, b, b; b has more people and stands first."""
    expected = [0.5, 9.0, 1.5, 2.5, 3.5, 4.5, 5.5]
    return given(
        ("a", "b"),
        [2, 1, 1, 2, 1, 2, 2],
        [1, 0, 2, 3, 4, 5, 6],
        expected=expected,
        people=PEOPLE,
        outcomes=OUTCOMES,
        **more,
    )


def test_groups_hold_their_own_people():
    row = {"outcome": "EDSS", "method": "weighted", "kind": "atrophy", "q": 0.031, "reportable": True}
    effects = pd.DataFrame(
        [row, row | {"q": 0.2, "method": "label"}, row | {"kind": "subtype", "q": 0.5, "reportable": False}]
    )
    figure = clinical.boxes(seven(clinical__associations=effects))
    axes = {a.get_xlabel(): a for a in figure.axes if a.get_xlabel()}
    assert list(axes) == ["EDSS", "relapses per year", "share with worse"]
    assert axes["EDSS"].get_title() == "subtypes: not testable\natrophy v. none: q = 0.031"
    assert axes["relapses per year"].get_title() == "not testable"
    shown = {name: [t.get_text() for t in axis.get_yticklabels()] for name, axis in axes.items()}
    assert shown["EDSS"] == ["normal-appearing (1)", "b (3)", "a (2)"]
    assert shown["relapses per year"] == ["(1)", "(4)", "(2)"]  # named at the left alone
    tint = colours([NORMAL, "b", "a"])
    points = {line.get_color(): sorted(line.get_xdata().tolist()) for line in axes["EDSS"].lines}
    assert points == {tint[NORMAL]: [2], tint["a"]: [3, 5], tint["b"]: [1, 4, 6]}
    drawn = axes["relapses per year"].lines
    rates = {line.get_color(): sorted(line.get_xdata().tolist()) for line in drawn if line.get_marker() == "o"}
    assert rates == {tint[NORMAL]: [2], tint["a"]: [0, 2], tint["b"]: [0.5, 1, 2, 4]}
    # all of a group's over all its years, whose people were not seen equally long
    whole = {line.get_ydata()[0]: line.get_xdata()[0] for line in drawn if line.get_marker() == "D"}
    assert whole == {0: 2, 1: 12 / 6, 2: 6 / 8}
    assert axes["relapses per year"].get_xscale() == "symlog" and axes["EDSS"].get_ylim() == (2.5, -0.5)
    assert not [line for line in axes["EDSS"].lines if line.get_marker() == "D"]
    assert [p.get_width() for p in axes["share with worse"].patches] == [0, 0.75, 0.5]
    assert [t.get_text() for t in axes["share with worse"].texts] == ["0/1", "3/4", "1/2"]
    # said beside what it is of alone
    noted = figure.get_supxlabel()
    assert noted.startswith("bars: shares of people; rates: counts per year of exposure")
    assert clinical.boxes(replace(seven(), outcomes=OUTCOMES[:2])).get_supxlabel().startswith("rates")
    assert clinical.boxes(replace(seven(), outcomes=OUTCOMES[:1])).get_supxlabel() == ""


UNSETTLED = pd.DataFrame({"r_hat": [1.3, 1.0], "ess": [40.0, 900.0]})
SETTLED = pd.DataFrame({"r_hat": [1.0, np.nan], "ess": [900.0, np.nan]})


def words_on(axis):
    return [t.get_text().replace("\n", " ") for t in axis.texts]


def test_boxes_of_chains_that_disagree_are_hollow_grey_and_say_so():
    row = {"outcome": "EDSS", "method": "weighted", "kind": "atrophy", "q": 0.031, "reportable": True}
    told = {"clinical__associations": pd.DataFrame([row])}
    sure, unsure = (clinical.boxes(seven(diagnostics=d, **told)) for d in (SETTLED, UNSETTLED))
    assert "q = 0.031" in sure.axes[0].get_title() and not any("converge" in w for a in sure.axes for w in words_on(a))
    for axis in unsure.axes:
        assert "chains did not converge" in words_on(axis) and axis.get_title() == "chains did not converge"
        points = [line for line in axis.lines if line.get_marker() == "o"]
        assert {line.get_markerfacecolor() for line in points} <= {"none"}
        assert {line.get_color() for line in points} <= {clinical.DOUBTED}
        assert {to_hex(p.get_facecolor()) for p in axis.patches} <= {"#ffffff"}


def test_the_forest_of_chains_that_disagree_is_hollow_grey_and_says_so():
    row = {"outcome": "A", "type": "ordinal", "effect": "OR", "kind": "atrophy", "subtype": "any atrophy", "against": NORMAL, "contrast": "any",
           "estimate": 2.0, "low": 1.0, "high": 4.0, "reportable": True, "n_events": 0, "n_group": 20, "n_against": 30}  # fmt: skip
    effects = pd.DataFrame([row | {"method": m} for m in ("weighted", "label", "draws")])
    for diagnostics, doubted in ((SETTLED, False), (UNSETTLED, True)):
        figure = clinical.forest(given(clinical__associations=effects, diagnostics=diagnostics))
        axis = figure.axes[0]
        marks = [line for line in axis.lines if line.get_marker() in "oDs" and len(line.get_xdata())]
        assert len(marks) == 3 and {line.get_markerfacecolor() == "white" for line in marks} == {doubted}
        assert ({line.get_color() for line in marks} == {clinical.DOUBTED}) == doubted
        assert ("chains did not converge" in words_on(axis)) == doubted
        said = " ".join(t.get_text() for t in figure.legends[0].get_texts())
        assert ("(told)" in said) != doubted and ("not told: chains did not converge" in said) == doubted


def test_every_figure_of_orders_and_labels_is_marked_where_chains_disagree(where):
    """Whatever is drawn: on every panel, or in the title of what fills one; what does not rest on chains is not."""
    from given_of import whole

    from neuraxis.figures.declared import OF_DISEASE
    from neuraxis.figures.study import function_of

    sure = whole(2, where, LABELS)
    unsure = replace(sure, tables=sure.tables | {"diagnostics": UNSETTLED})
    marked = {}
    for figure in OF_DISEASE:
        seen = []
        for g in (sure, unsure):
            drawn = function_of(figure)(g)
            text = " ".join(t.get_text() for t in drawn.findobj(plt.Text)).replace("\n", " ")
            seen.append("chains did not converge" in text)
            p = [t.get_text() for t in drawn.findobj(plt.Text) if re.search(r"p = 0\.0|HR .*\d\.\d\d \(", t.get_text())]
            assert not p or g is sure, (figure.name, p)
            plt.close(drawn)
        assert not seen[0] and not hasattr(drawn, "nothing"), figure.name
        marked[figure.name] = seen[1]
    assert {n for n, there in marked.items() if not there} == {"selection", "negative_control", "convergence"}


def test_what_visits_make_of_people_is_drawn_too():
    people = pd.DataFrame({"relapses": [1, 2], "on_study_relapses": [9, 9]}, index=["a", "b"])
    made = pd.DataFrame({"participant_id": ["b"], "on_study_relapses": [3], "on_study_years": [1.5], "n_visits": [4]})
    got = with_made(people, made)
    assert list(got) == ["relapses", "on_study_years", "on_study_relapses"]
    assert got.loc["b", "on_study_relapses"] == 3 and np.isnan(got.loc["a", "on_study_years"])
    assert with_made(people, made[:0]) is people


def test_hazard_ratios_of_treatment_stand_on_the_panel_of_their_subtype():
    """Those large enough to be told, of the outcome and the subtype, against the reference; none of everyone."""
    rows = [("none", y, 1 - 0.1 * y, 0.5, 1.0, 40 - y) for y in (0.0, 1.0, 2.0)]
    rows += [("oral", y, 1 - 0.2 * y, 0.4, 1.0, 40 - y) for y in (0.0, 1.0, 2.0)]
    table = pd.concat([curves(rows, split=f"treatment in {name}") for name in ("one", "two")])
    row = {
        "outcome": "worsening",
        "treatment": "oral",
        "reference": "none",
        "low": 0.21,
        "high": 0.99,
        "n": 77,
        "n_events": 21,
        "reportable": True,
    }
    effects = pd.DataFrame(
        [
            row | {"subtype": s, "estimate": e, "reportable": t}
            for s, e, t in ((np.nan, 0.11, True), ("one", 0.55, True), ("two", 0.33, False))
        ]
    )
    g = given(
        clinical__treatment_survival=table,
        clinical__treatment_logrank=pd.DataFrame(columns=["outcome", "split"]),
        clinical__treatment=effects,
    )
    figure = clinical.survival_by_treatment(g)
    heads = {a.get_title().split(":")[0]: a.get_title() for a in figure.axes if a.get_title()}
    assert heads["one"] == "one: worsening\nHR v. none, 21 events of 77:\noral 0.55 (0.21 to 0.99)"
    assert heads["two"] == "two: worsening"
    assert "HR: hazard ratio of treatment" in figure.legends[0].get_title().get_text()
    none = clinical.survival_by_treatment(replace(g, tables={**g.tables, "clinical/treatment": effects[:0]}))
    assert "HR" not in none.legends[0].get_title().get_text()


def test_stage_is_drawn_within_every_subtype_with_its_curve():
    curve = pd.DataFrame({"outcome": "EDSS", "subtype": "b", "stage": [0.5, 4.5], "fit": [1.0, 5.0], "low": [0.5, 4.0],
                          "high": [2.0, 7.0], "n": 3, "model": "proportional odds", "kendall_tau": 0.61, "tau_low": 0.1,
                          "tau_high": 0.9, "tau_p": 0.02})  # fmt: skip
    figure = clinical.stage(seven(clinical__stage_curves=curve))
    axes = np.array(figure.axes).reshape(2, 2)
    assert [a.get_title() for a in axes[0]] == ["b\nn = 3, tau 0.61 (0.10 to 0.90)", "a\nn = 2"]
    assert [a.get_ylabel() for a in axes[:, 0]] == ["EDSS", "relapses per year"]
    assert axes[0, 0].lines[0].get_xdata().tolist() == [0.5, 2.5, 4.5]
    assert axes[0, 0].lines[0].get_ydata().tolist() == [1, 4, 6]
    assert axes[0, 0].lines[1].get_ydata().tolist() == [1, 5]  # the curve
    band = axes[0, 0].collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (0.5, 7)
    assert len(axes[0, 1].lines) == 1 and axes[1, 1].lines[0].get_ydata().tolist() == [0, 2]
    # one x for all, to where staged people are: 9.0 is of somebody normal-appearing
    assert {a.get_xlim() for a in axes.ravel()} == {(0.0, 5.5 * 1.03)}
    assert "proportional odds" in figure.get_supxlabel()


CURVES = [
    ("b", 0.0, 1.0, 1.0, 1.0, 29),
    ("b", 2.0, 0.5, 0.3, 0.7, 14),
    ("b", 3.0, 0.2, 0.0, 0.4, 9),
    ("a", 0.0, 1.0, 1.0, 1.0, 16),
    ("a", 1.0, 0.8, 0.6, 0.9, 10),
]


def test_survival_curves_have_their_groups_band_test_and_risk():
    tests = pd.DataFrame(
        {
            "outcome": ["other", "worsening"],
            "p": [0.9, 0.031],
            "reason": "",
            "n_events": [3, 17],
            "n": 40,
            "split": "subtype",
        }
    )
    ratio = {"outcome": "worsening", "type": "survival", "kind": "subtype", "method": "weighted", "subtype": "a", "unit": "",
             "against": "the other subtypes", "estimate": 2.5, "low": 1.2, "high": 4.4, "reportable": True, "n_group": 20,
             "n_against": 20, "n_events": 17}  # fmt: skip
    effects = pd.DataFrame([ratio, ratio | {"subtype": "b", "estimate": 9.0, "reportable": False}])
    g = seven(clinical__survival=curves(CURVES), clinical__logrank=tests, clinical__associations=effects)
    figure = clinical.survival_by_subtype(g)
    top, bottom = figure.axes
    assert top.get_title() == "worsening\nlog-rank p = 0.031\n17 events of 40 staged\nHR a 2.50 (1.20 to 4.40)"
    assert "a subtype's is against the other subtypes" in figure.legends[0].get_title().get_text()
    pair = effects.assign(against="b")[:1]
    note = clinical.survival_by_subtype(
        seven(clinical__survival=curves(CURVES), clinical__logrank=tests, clinical__associations=pair)
    ).legends[0]
    assert "; of one subtype against another at the same stage" in note.get_title().get_text()
    drawn = {
        line.get_label(): (line.get_xdata().tolist(), line.get_ydata().tolist(), line.get_color()) for line in top.lines
    }
    tint = colours([NORMAL, "b", "a"])
    # the curve of b ends at 2 years: fewer than ten are at risk after it
    assert drawn == {"a": ([0, 1], [1, 0.8], tint["a"]), "b": ([0, 2], [1, 0.5], tint["b"])}
    bands = [c.get_paths()[0].vertices[:, 1] for c in top.collections]
    assert (bands[0].min(), bands[1].min()) == (0.3, 0.6) and bands[1].max() == 1
    assert [t.get_text() for t in bottom.get_yticklabels()] == ["b", "a"]
    risk = {(float(t.get_position()[0]), int(t.get_position()[1])): t.get_text() for t in bottom.texts}
    assert risk[0, 0] == "29" and risk[0, 1] == "16" and risk[1, 1] == "10" and risk[2, 0] == "14" and risk[2, 1] == "0"
    none = seven(clinical__survival=curves(CURVES), clinical__logrank=tests.assign(p=np.nan, reason="one group"))
    assert clinical.survival_by_subtype(none).axes[0].get_title() == "worsening\n17 events of 40 staged"


@pytest.mark.parametrize(
    ("events", "smallest", "p", "said"),
    [
        (10, 20, 0.02, "log-rank p = 0.02"),
        (9, 20, 0.02, "too few events to compare"),
        (10, 19, 0.02, "too few people in a group to compare"),
        (2, 20, np.nan, ""),
    ],
)
def test_a_log_rank_test_is_drawn_where_it_may_be_told(events, smallest, p, said):
    """As the page does: of fewer events or people it tells nothing, and a figure may not either."""
    test = {"outcome": "worsening", "split": "subtype", "p": p, "n_events": events, "n": 50, "n_smallest": smallest}
    g = seven(clinical__survival=curves(CURVES), clinical__logrank=pd.DataFrame([test | {"reason": ""}]))
    head = clinical.survival_by_subtype(g).axes[0].get_title().split("\n")
    assert head == ["worsening", *([said] if said else []), f"{events} events of 50 staged"]
    told = survival_sentences(pd.DataFrame([test | {"reason": "few"}]))[0]
    assert ("log-rank p" in told) == ("p =" in said)


def test_panels_of_a_row_have_one_time():
    """Of one outcome people are seen for three years, of the next for one."""
    short = curves([(n, y / 4, s, low, high, r) for n, y, s, low, high, r in CURVES], outcome="relapse")
    none = pd.DataFrame(columns=["outcome", "split", "p", "reason", "n_events", "n"])
    figure = clinical.survival_by_subtype(
        seven(clinical__survival=pd.concat([curves(CURVES), short]), clinical__logrank=none)
    )
    assert len({a.get_xlim() for a in figure.axes}) == 1 and figure.axes[0].get_xlim()[1] > 2
    assert len({tuple(a.get_xticks()) for a in figure.axes}) == 1


def test_a_panel_of_too_few_people_is_told_and_not_drawn():
    """Nobody's curve goes on after the first row: an empty frame would say nothing."""
    many = [
        ("a", 0.0, 1.0, 1.0, 1.0, 20),
        ("a", 1.0, 0.9, 0.8, 1.0, 15),
        ("b", 0.0, 1.0, 1.0, 1.0, 4),
        ("b", 1.0, 0.5, 0.1, 0.9, 2),
    ]
    few = [
        ("a", 0.0, 1.0, 1.0, 1.0, 12),
        ("a", 1.0, 0.9, 0.8, 1.0, 9),
        ("b", 0.0, 1.0, 1.0, 1.0, 9),
        ("b", 1.0, 0.8, 0.6, 1.0, 8),
    ]
    none = pd.DataFrame(columns=["outcome", "split", "p", "reason", "n_events", "n"])
    table = pd.concat([curves(many), curves(few, outcome="relapse")])
    figure = clinical.survival_by_subtype(seven(clinical__survival=table, clinical__logrank=none))
    assert [h.split("\n")[0] for h in titles(figure) if h] == ["worsening"]
    assert figure.legends[0].get_title().get_text() == "Not drawn, fewer than 10 at risk: relapse"
    assert clinical.survival_by_subtype(seven(clinical__survival=curves(few), clinical__logrank=none)).nothing
    both = clinical.survival_by_subtype(seven(clinical__survival=curves(many), clinical__logrank=none))
    assert both.legends[0].get_title().get_text() in ("", "None")


def test_survival_by_stage_has_a_panel_inside_every_subtype_and_treatment_one_each():
    rows = [
        ("early stages", 0.0, 1.0, 1.0, 1.0, 20),
        ("early stages", 1.0, 0.9, 0.8, 1.0, 15),
        ("late stages", 0.0, 1.0, 1.0, 1.0, 30),
    ]
    table = pd.concat([curves(rows, split=s) for s in ("stage", "stage in b", "subtype")])
    tests = pd.DataFrame(
        {
            "outcome": "worsening",
            "split": ["stage", "stage in b"],
            "p": [0.5, 0.02],
            "reason": "",
            "n_events": [19, 4],
            "n": 50,
        }
    )
    figure = clinical.survival_by_stage(seven(clinical__survival=table, clinical__logrank=tests))
    heads = [h for h in titles(figure) if h]
    assert heads == [
        "worsening\nlog-rank p = 0.5\n19 events of 50 staged",
        "b: worsening\ntoo few events to compare\n4 events of 50 staged",
    ]
    drugs = curves(
        [("none", 0.0, 1.0, 1.0, 1.0, 20), ("oral", 0.0, 1.0, 1.0, 1.0, 12), ("oral", 1.0, 0.4, 0.2, 0.6, 11)],
        split="treatment in b",
    )
    figure = clinical.survival_by_treatment(
        seven(clinical__treatment_survival=drugs, clinical__treatment_logrank=tests)
    )
    assert titles(figure)[0] == "b: worsening" and [t.get_text() for t in figure.axes[1].get_yticklabels()] == [
        "none",
        "oral",
    ]


def test_outcomes_that_nobody_had_are_named_and_not_drawn():
    flat = curves([("a", 0.0, 1.0, 1.0, 1.0, 20), ("a", 2.0, 1.0, 1.0, 1.0, 12)], outcome="relapse")
    tests = pd.DataFrame(
        {"outcome": ["worsening"], "p": [0.9], "reason": "", "n_events": [3], "n": 40, "split": "subtype"}
    )
    both = seven(clinical__survival=pd.concat([curves(CURVES), flat]), clinical__logrank=tests)
    figure = clinical.survival_by_subtype(both)
    assert (
        len([h for h in titles(figure) if h]) == 1
        and figure.legends[0].get_title().get_text() == "Not drawn, nobody had the event: relapse"
    )
    assert clinical.survival_by_subtype(seven(clinical__survival=flat, clinical__logrank=tests)).nothing


def test_prediction_has_c_with_interval_and_slope():
    table = pd.DataFrame({"outcome": "worsening", "model": ["clinical", "+ stage"], "n": 90, "n_events": 30, "c": [0.6, 0.7],
                          "c_low": [0.5, 0.61], "c_high": [0.68, 0.8], "slope": [0.9, 2.9]})  # fmt: skip
    left, right = clinical.calibration(given(clinical__prediction=table)).axes
    assert left.get_title(loc="left") == "worsening (30 events of 90)"
    assert [t.get_text() for t in left.get_yticklabels()] == ["clinical", "+ stage"]
    assert [s.tolist() for s in left.collections[0].get_segments()] == [[[0.5, 0], [0.68, 0]], [[0.61, 1], [0.8, 1]]]
    assert right.lines[0].get_xdata().tolist() == [0.9, 2.9] and not right.texts
    # beyond the axis: at its end, pointing there, with its number
    for slope, end, marker, words in ((7.0, 3, ">", "7.00"), (-1.01, -1, "<", "-1.01")):
        right = clinical.calibration(given(clinical__prediction=table.assign(slope=[0.9, slope]))).axes[1]
        assert right.lines[0].get_xydata().tolist() == [[0.9, 0]]
        (mark,) = (line for line in right.lines if line.get_marker() == marker)
        assert mark.get_xydata().tolist() == [[end, 1]]
        assert [(t.get_text(), t.xy) for t in right.texts] == [(words, (end, 1))]
    assert clinical.calibration(given(clinical__prediction=table.assign(c=np.nan))).nothing


def test_only_simulated_people_are_called_so(tmp_path):
    for simulated in (True, False):
        figure, _ = plt.subplots()
        finish(figure, "MS", simulated, tmp_path / f"{simulated}.png")
        assert figure.get_suptitle() == ("MS - SIMULATED DATA" if simulated else "MS")


def test_a_region_without_a_value_is_hatched_and_none_is_white(where):
    figure, axis = plt.subplots()
    scale = plt.get_cmap("RdBu_r")
    draw_brain(axis, {"thalamus": 0.0}, where, scale, plt.Normalize(-1, 1))
    shown = {to_hex(c) for c in painted(axis)}
    assert shown == {to_hex(scale(0.5)), EMPTY.lower()}
    hatched = [
        bool(p.get_hatch()) for p in axis.patches if to_hex(p.get_facecolor()) == EMPTY.lower() and p.get_linewidth()
    ]
    assert hatched and all(hatched)
    assert not any(p.get_hatch() for p in axis.patches if to_hex(p.get_facecolor()) == to_hex(scale(0.5)))
    assert [t.get_text() for t in axis.texts] == ["C1", "C2", "C3"] and {t.get_fontsize() for t in axis.texts} == {6}


def test_a_panel_of_other_groups_than_its_rows_first_names_them():
    fewer = curves([r for r in CURVES if r[0] == "a"], outcome="relapse")
    tests = pd.DataFrame(columns=["outcome", "split", "p", "n", "n_events"])
    table = pd.concat([fewer, curves(CURVES)])
    figure = clinical.survival_by_subtype(seven(clinical__survival=table, clinical__logrank=tests))
    rows = [[t.get_text() for t in figure.axes[i].get_yticklabels()] for i in (2, 3)]
    assert rows == [["a"], ["b", "a"]]
    alike = pd.concat([curves(CURVES, outcome="relapse"), curves(CURVES)])
    figure = clinical.survival_by_subtype(seven(clinical__survival=alike, clinical__logrank=tests))
    assert [[t.get_text() for t in figure.axes[i].get_yticklabels()] for i in (2, 3)] == [["b", "a"], ["", ""]]


def test_panels_of_a_row_hold_everybody_of_all_subtypes():
    """The last panel's people are the mildest: its scale must not cut the first's."""
    people = pd.DataFrame({"edss": [7.5, 6.0, 1.0, 0.5, 1.5, 0.0]}, index=[f"p{i}" for i in range(6)])
    g = given(
        subtype=(1, 1, 1, 2, 2, 2), stage=(1, 3, 5, 2, 5, 1), people=people,
        outcomes=({"name": "EDSS", "column": "edss", "type": "ordinal"},),
    )  # fmt: skip
    figure = clinical.stage(g)
    for axis in figure.axes[:2]:
        low, high = axis.get_ylim()
        assert low < 0 and high > 7.5


@pytest.mark.parametrize(
    "words", ["short", "a name that somebody chose " * 6, "a" * 70, "one line\n" + "of words " * 12]
)
def test_what_is_longer_than_its_place_is_not_cut(words, tmp_path):
    """Nor does it make the picture larger: every figure is as wide as it was made for a page."""
    figure, axis = plt.subplots(figsize=(3, 2), layout="constrained")
    axis.set_title(words)
    finish(figure, "t", False, tmp_path / "one.png")
    assert Image.open(tmp_path / "one.png").size == (900, 600)
    assert outside(figure) == [] and "".join(axis.get_title().split()) == "".join(words.split())


def test_names_stand_aslant_where_they_would_run_into_each_other():
    figure, (wide, narrow) = plt.subplots(1, 2)
    for axis, inches, angle in ((wide, 4.0, 0), (narrow, 1.5, 30)):
        axis.set_xticks(range(3))
        name_ticks(axis, ["normal-\nappearing", "subcortical", "spinal cord"], inches)
        assert {t.get_rotation() for t in axis.get_xticklabels()} == {angle}
    assert narrow.get_xticklabels()[0].get_text() == "normal-appearing"


@pytest.mark.parametrize(("ms", "nmosd"), [(True, False), (False, True), (False, False)])
def test_orders_of_chains_that_did_not_converge_are_named_so(ms, nmosd):
    """As the study writes the table: truth as text."""
    rows = [
        ("MS", "a", "NMOSD", "c", 0.3, ms, nmosd),
        ("MS", "b", "NMOSD", "c", 0.1, ms, nmosd),
        ("MS", "a", "MS", "b", 0.2, ms, ms),
    ]
    columns = ["disease_a", "name_a", "disease_b", "name_b", "tau", "converged_a", "converged_b"]
    table = pd.DataFrame(rows, columns=columns).assign(tau_chance=0.2).astype({"converged_a": str, "converged_b": str})
    axis = clinical.similarity(given(crossdisease__similarity=table)).axes[0]
    for ticks in (axis.get_xticklabels(), axis.get_yticklabels()):
        said = [t.get_text().replace("\n", " ") for t in ticks]
        assert said == [
            *(f"MS {n}" + ": chains did not converge" * (not ms) for n in "ab"),
            "NMOSD c" + ": chains did not converge" * (not nmosd),
        ]


def test_orders_of_single_events_are_not_compared():
    row = {
        "disease_a": "MS",
        "name_a": "one",
        "disease_b": "NMOSD",
        "name_b": "two",
        "tau": np.nan,
        "tau_chance": np.nan,
        "converged_a": True,
        "converged_b": True,
    }
    assert clinical.similarity(given(crossdisease__similarity=pd.DataFrame([row]))).nothing.startswith("No two orders")
    one = pd.DataFrame([row, row | {"name_b": "three", "tau": 0.4, "tau_chance": 0.2}])
    assert clinical.similarity(given(crossdisease__similarity=one)).nothing.startswith("Two orders: one number")
    both = pd.concat([one, pd.DataFrame([row | {"name_b": "four", "tau": 0.3, "tau_chance": 0.2}])])
    assert not hasattr(clinical.similarity(given(crossdisease__similarity=both)), "nothing")


def test_levels_of_the_cord_stand_clear_of_the_brain(where):
    """In the narrowest panels, four beside one another, too: beside the cord, above one another, inside the panel."""
    curve = pd.DataFrame(
        [
            {"subtype": c, "stage": s, "biomarker": b, "z": float(s)}
            for c in (1, 2, 3, 4)
            for s in (1, 2)
            for b in LABELS.index
        ]
    )
    g = given(("a", "b", "c", "d"), (1, 2, 3, 4) * 3, (1,) * 12, progression=curve, where=where)
    figure = maps.progression(g)
    figure.draw_without_rendering()
    for axis in figure.axes[:4]:
        names = [t for t in axis.texts if t.get_text() in ("C1", "C2", "C3")]
        boxes = [t.get_window_extent() for t in names]
        assert len(boxes) == 3 and min(t.get_fontsize() for t in names) >= 6
        assert not any(a.overlaps(b) for a, b in zip(boxes, boxes[1:], strict=False))
        drawn = [p.get_window_extent() for p in axis.patches]
        right = max(p.x1 for p in drawn)  # of the cord
        assert all(b.x0 > right and b.x1 <= axis.get_window_extent().x1 + 1 for b in boxes)


@pytest.mark.parametrize(
    ("levels", "told"),
    [((3, 2), ["C2", "C3"]), (range(1, 10), ["C1", "T2"])],
)
def test_the_cord_is_drawn_over_the_levels_of_the_study(where, levels, told):
    """From above, in every picture with a cord."""
    table = maps_of({"one": {"thalamus": 1.2, "cord_csa": 0.3}, "two": {"thalamus": 2.2, "cord_csa": 0.1}}, "mean_z")
    table = table.assign(t=table["mean_z"], q=0.01)
    curve = pd.DataFrame(
        {"subtype": 1, "stage": [1, 2] * 2, "biomarker": ["cord_csa"] * 2 + ["thalamus"] * 2, "z": [1.0, 2.0, 0.0, 1.0]}
    )
    g = given(clinical__maps=table, progression=curve, where=where, cord_levels=tuple(levels))
    for figure in (maps.brain_mean_z(g), maps.brain_t(g), maps.progression(g)):
        names = sorted(figure.axes[0].texts, key=lambda t: -t.get_position()[1])
        assert [t.get_text() for t in names if t.get_text()[0] in "CT"] == told


def test_boxes_and_stages_carry_units():
    declared = ({"name": "lesions", "column": "lesions", "type": "continuous", "unit": "mm3"},)
    people = pd.DataFrame({"lesions": np.arange(6.0) * 100}, index=[f"p{i}" for i in range(6)])
    g = given(people=people, outcomes=declared)
    assert clinical.boxes(g).axes[0].get_xlabel() == "lesions (mm3)"
    assert clinical.stage(g).axes[0].get_ylabel() == "lesions (mm3)"


def test_what_needs_more_than_a_page_stands_closer_together():
    """Twelve events, each inside both subtypes too, and twenty outcomes: one page, everything on it."""
    rows = [
        (g, float(y), 1 - y / 20, 0.9 - y / 20, 1.0, 60 - y) for g in ("early stages", "late stages") for y in range(5)
    ]
    names = [f"event {i}" for i in range(12)]
    none = pd.DataFrame(columns=["outcome", "split", "p", "reason", "n_events", "n"])
    table = pd.concat([curves(rows, split=s, outcome=o) for o in names for s in ("stage in a", "stage in b")])
    figure = clinical.survival_by_stage(seven(clinical__survival=table, clinical__logrank=none))
    assert figure.get_figheight() <= TALLEST
    assert [h for h in titles(figure) if h] == [f"{s}: {o}" for o in names for s in ("b", "a")]
    tops, bottoms = figure.axes[:48:8], figure.axes[4:48:8]
    panels = [a for a in figure.axes if any(line.get_label() == "late stages" for line in a.lines)]
    assert len(panels) == 24 and all(a.get_ylim() == pytest.approx((0.67, 1.02)) for a in panels)
    assert len(tops) == 6 and all(
        [t.get_text() for t in a.get_yticklabels()] == ["early stages", "late stages"] for a in bottoms
    )
    assert small_texts(figure) == [] and outside(figure) == []
    few = clinical.survival_by_stage(
        seven(clinical__survival=table[table["outcome"] == "event 0"], clinical__logrank=none)
    )
    assert few.axes[0].get_ylabel() == "without the event" and few.get_figheight() < 4

    effect = {"type": "continuous", "effect": "beta", "method": "weighted", "kind": "subtype", "subtype": "a", "unit": "",
              "against": "the other subtypes", "contrast": "a against the other subtypes", "estimate": 0.5, "low": 0.1,
              "high": 0.9, "reportable": True, "n_group": 20, "n_against": 30, "n_events": 0}  # fmt: skip
    kinds = [{}, {"subtype": "b", "contrast": "b against the other subtypes"}, {"kind": "stage", "subtype": "", "unit": "3 stages", "contrast": "stage"}]  # fmt: skip
    effects = pd.DataFrame([effect | k | {"outcome": f"outcome {i}"} for i in range(21) for k in kinds])
    crowded = clinical.forest(seven(clinical__associations=effects))
    assert crowded.get_figheight() <= TALLEST and small_texts(crowded) == [] and outside(crowded) == []
    words = [t.get_text() for t in crowded.axes[0].get_yticklabels()]
    assert words == ["b v. others\n(20 v. 30)", "a v. others\n(20 v. 30)", "later stage\nper 3 stages (20 v. 30)"]
    assert "no difference" in [t.get_text() for t in crowded.legends[0].get_texts()]


def test_panels_of_survival_that_are_not_drawn_are_named_as_panels_are():
    """Of one outcome nothing happens in b, of another nowhere, of a third too few in a: each is said of what it is true of."""
    rows = [("early stages", 0.0, 1.0, 1.0, 1.0, 20), ("early stages", 1.0, 0.9, 0.8, 1.0, 15)]
    flat = [(g, y, 1.0, 1.0, 1.0, n) for g, y, *_, n in rows]
    few = [("early stages", 0.0, 1.0, 1.0, 1.0, 9), ("early stages", 1.0, 0.5, 0.3, 1.0, 8)]
    splits = ("stage", "stage in a", "stage in b")
    table = pd.concat(
        [curves(flat if s == "stage in b" else rows, outcome="relapse", split=s) for s in splits]
        + [curves(flat, outcome="death", split=s) for s in splits]
        + [curves(few if s == "stage in a" else rows, outcome="EDSS 6", split=s) for s in splits]
    )
    none = pd.DataFrame(columns=["outcome", "split", "p", "reason", "n_events", "n"])
    figure = clinical.survival_by_stage(seven(clinical__survival=table, clinical__logrank=none))
    assert figure.legends[0].get_title().get_text() == (
        "Not drawn, nobody had the event: b: relapse; death\nNot drawn, fewer than 10 at risk: a: EDSS 6"
    )
    assert sorted(h for h in titles(figure) if h) == ["EDSS 6", "a: relapse", "b: EDSS 6", "relapse"]


def test_more_than_a_page_of_survival_has_a_row_for_each_outcome():
    """Five outcomes in everyone and inside two subtypes, one of which has no event of the third: its place stays free."""
    rows = [
        (g, float(y), 1 - y / 20, 0.9 - y / 20, 1.0, 60 - y) for g in ("early stages", "late stages") for y in range(5)
    ]
    flat = [(g, y, 1.0, 1.0, 1.0, n) for g, y, *_, n in rows]
    outcomes, splits = [f"event {i}" for i in range(5)], ("stage", "stage in b", "stage in a")
    gone = ("event 2", "stage in b")
    table = pd.concat([curves(flat if (o, s) == gone else rows, outcome=o, split=s) for o in outcomes for s in splits])
    tests = pd.DataFrame(
        [{"outcome": o, "split": s, "p": 0.02, "reason": "", "n_events": 17, "n": 50} for o in outcomes for s in splits]
    )
    figure = clinical.survival_by_stage(seven(clinical__survival=table, clinical__logrank=tests))
    heads = np.array([a.get_title() for a in figure.axes]).reshape(10, 3)[::2]
    # groups are named above the first panel of their columns, outcomes at the left of their rows
    assert heads[0].tolist() == [f"{w}\np = 0.02; 17 events of 50" for w in ("all staged people", "b", "a")]
    assert heads[2].tolist() == ["p = 0.02; 17 events of 50", "", "p = 0.02; 17 events of 50"]
    assert [a.get_ylabel() for a in figure.axes[::6]] == outcomes and not any(a.get_ylabel() for a in figure.axes[1:3])
    assert not figure.axes[13].axison and not figure.axes[16].axison
    first = table[~((table["outcome"] == "event 2") & (table["split"] == "stage"))]
    gone = clinical.survival_by_stage(seven(clinical__survival=first, clinical__logrank=tests)).axes[12]
    assert gone.get_ylabel() == "event 2" and not len(gone.lines) and not gone.spines["left"].get_visible()
    named = [
        [a.axison and bool(a.get_yticklabels()[0].get_text()) for a in figure.axes[i : i + 3]] for i in range(3, 30, 6)
    ]
    assert named == [
        [True, False, False],
        [True, False, False],
        [True, False, False],
        [True, False, False],
        [True, False, False],
    ]
    assert [a.get_xlabel() for a in figure.axes[27:]] == ["years"] * 3 and figure.axes[21].get_xlabel() == ""
    note = figure.legends[0].get_title().get_text()
    assert note == "p: log-rank test; events of staged people\nNot drawn, nobody had the event: b: event 2"
    assert figure.get_figheight() <= TALLEST and outside(figure) == []


def test_numbers_that_round_to_nothing_have_no_sign():
    table = maps_of({"one": {"thalamus": -0.04, "cord_csa": -0.06}}, "mean_z")
    figure = maps.mean_z(given(clinical__maps=table))
    assert sorted(t.get_text() for t in figure.axes[0].texts) == ["-0.1", "0.0"]


def test_tests_over_boxes_say_what_could_not_be_tested():
    row = {"outcome": "EDSS", "method": "weighted", "reportable": True, "q": 0.031}
    table = pd.DataFrame([row | {"kind": "subtype", "reportable": False, "q": 0.001}, row | {"kind": "atrophy"}])
    assert clinical._tests(table, "EDSS") == "subtypes: not testable\natrophy v. none: q = 0.031"
    assert clinical._tests(table[1:], "EDSS") == "atrophy v. none: q = 0.031"  # of one order nothing is compared
    assert clinical._tests(table[:1], "EDSS") == clinical._tests(table, "SDMT") == "not testable"
    assert clinical._tests(table[:0], "EDSS") == ""


def test_stages_stand_out_from_white_paper():
    """A line's contrast with its ground is at least 3 (WCAG), and thirds of stage grow darker."""

    def light(name):
        c = np.array(to_rgb(colours([name])[name]))
        return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722))

    contrast = [1.05 / (light(name) + 0.05) for name in ("early stages", "middle stages", "late stages")]
    assert contrast[0] >= 3 and contrast[1] > 1.5 * contrast[0] and contrast[2] > 1.5 * contrast[1]
