"""The drawing of brain and cord, and what all figures share: outlines to the coordinate, texts to the pixel."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from given_of import given
from matplotlib.colors import Normalize, to_hex
from matplotlib.path import Path as Outline

from neuraxis.errors import InputError
from neuraxis.figures import brain, model
from neuraxis.figures.brain import (
    CORD,
    HEIGHT,
    UNITS,
    VIEWS,
    WHITE_MATTER,
    WIDTH,
    brain_drawing,
    cord_names,
    draw_brain,
    outline,
    outlines,
    pieces,
    structures,
)
from neuraxis.figures.given import Given, Made, given_of, places_of
from neuraxis.figures.shown import _labels, _named
from neuraxis.figures.style import (
    COLUMN,
    LEAST_TEXT,
    MARKERS,
    MIDDLE,
    PAGE,
    decimals,
    empty,
    finish,
    grid,
    hold,
    markers,
    name_ticks,
    outside,
    small_texts,
    unsigned,
    wrapped,
)
from neuraxis.sustain import ZScoreEvents, fit


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


# ---------------------------------------------------------------- outlines


def box(paths):
    points = np.concatenate([p.vertices for p in paths])
    return [*points.min(axis=0), *points.max(axis=0)]


def of(place, view=None):
    """Pieces of a place, in one view or in all."""
    ends = [*VIEWS.values(), WIDTH + 1]
    found = [p for p in pieces() if p.place == place]
    if view is None:
        return found
    low = VIEWS[view]
    high = ends[ends.index(low) + 1]
    return [p for p in found if low - 0.01 <= p.path.vertices[:, 0].min() and p.path.vertices[:, 0].max() < high]


def test_every_view_is_of_height_one_and_begins_at_its_place():
    backgrounds = [p for p in pieces() if p.place is None and p.order < 2]
    assert [(p.width, p.order) for p in backgrounds] == [(0.8, 1.0), (0.8, 1.0), (0.4, 1.5), (0.4, 1.5)]
    for piece, view in zip(backgrounds, VIEWS, strict=False):
        everything = [
            p.path
            for p in pieces()
            if VIEWS[view] - 0.02 <= p.path.vertices[:, 0].mean() < VIEWS[view] + 1.4 and p.order <= 2
        ]
        x0, y0, _, y1 = box([piece.path] if view in ("lateral", "medial") else everything)
        assert (x0, y0, y1) == pytest.approx((VIEWS[view], 0.0, HEIGHT), abs=1e-6), view
    (cord,) = of(CORD)
    assert cord.path.vertices.tolist() == [[5.43, 0], [5.59, 0], [5.59, 1], [5.43, 1], [5.43, 0]] and cord.width == 0.8


def test_parcels_lie_in_the_view_that_shows_them():
    assert (len(of(("dk", "precentral_left"), "lateral")), len(of(("dk", "precentral_left"), "medial"))) == (1, 0)
    # the inner side of the superior frontal gyrus lies before the paracentral lobule, whatever the package calls it
    outer, inner = sorted((box([p.path]) for p in of(("dk", "superiorfrontal_left"))), key=lambda b: b[0])
    (paracentral,), (parietal,) = (of(("dk", f"{name}_left")) for name in ("paracentral", "superiorparietal"))
    assert outer[2] < VIEWS["medial"] < box([paracentral.path])[2] < inner[0] < inner[2] < VIEWS["coronal"]
    assert box([parietal.path])[2] < VIEWS["medial"]
    assert not of(("dk", "corpuscallosum_left")) and not of(("dk", "lateral_left"))
    cortex = [p for p in pieces() if p.place and p.place[0] == "dk"]
    assert {(p.width, p.order) for p in cortex} == {(0.3, 2.0)} and len({p.place for p in cortex}) == 32
    assert (len(of(("aseg", "Left-Thalamus"), "coronal")), len(of(("aseg", "Left-Thalamus"), "sagittal"))) == (2, 0)
    # right structures are the left's, ventricles are nobody's, and the callosum is white matter
    assert not [p for p in pieces() if p.place and "Right" in p.place[1]]
    assert not [p for p in pieces() if p.place and ("Ventricle" in p.place[1] or p.place[1].startswith("CC_"))]
    assert len(of(WHITE_MATTER, "sagittal")) > 0 and len([p for p in pieces() if p.place is None]) > 4


def test_white_matter_lies_within_both_halves_of_the_ribbon_and_the_accumbens_below_the_pallidum():
    left, right = [p for p in of(WHITE_MATTER, "coronal") if p.width == 0.0]
    ribbon = next(p for p in pieces() if p.place is None and p.order == 1.5)
    x0, _, x1, _ = box([ribbon.path])
    middle = (x0 + x1) / 2
    assert box([left.path])[2] < middle < box([right.path])[0] and (left.order, right.order) == (1.0, 1.0)
    for half, side in ((left, -1), (right, 1)):
        whole = ribbon.path.vertices[(ribbon.path.vertices[:, 0] - middle) * side > 0]
        for axis in (0, 1):
            assert np.ptp(half.path.vertices[:, axis]) == pytest.approx(0.86 * np.ptp(whole[:, axis]), rel=1e-6)
        assert half.path.vertices[0].tolist() == half.path.vertices[-1].tolist()
    # about the middle of its corners, not of its box
    hull = (right.path.vertices[:-1] - right.path.vertices[:-1].mean(0)) / 0.86 + right.path.vertices[:-1].mean(0)
    assert box([Outline(hull)])[2] == pytest.approx(x1, abs=1e-9)
    circles = of(("own", "accumbens"))
    pallida = sorted(of(("aseg", "Left-Pallidum"), "coronal"), key=lambda p: p.path.vertices[:, 0].mean())
    assert len(circles) == 2 == len(pallida) and {p.order for p in circles} == {3.0}
    for circle, above in zip(sorted(circles, key=lambda p: p.path.vertices[:, 0].mean()), pallida, strict=True):
        (a0, b0, a1, b1), (x0, y0, x1, y1) = box([above.path]), box([circle.path])
        radius = 0.24 * (b1 - b0)
        assert (x1 - x0) / 2 == pytest.approx(radius, rel=0.02) == pytest.approx((y1 - y0) / 2, rel=0.02)
        assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx(((a0 + a1) / 2, b0 - 0.4 * radius), abs=1e-6)


def test_shipped_paths_are_read_letter_by_letter(tmp_path, monkeypatch):
    (tmp_path / "x").mkdir()
    (tmp_path / "x/one").write_text("M0,1 2.5-3 L4,5 C1,1 2,2 3,3 Z M7 8 L9,9 Z")
    monkeypatch.setattr(brain, "SHIPPED", tmp_path)
    outline.cache_clear()
    got = outline("x", "one")
    outline.cache_clear()
    o = Outline
    assert got.vertices.tolist() == [[0, 1], [2.5, -3], [4, 5], [1, 1], [2, 2], [3, 3], [3, 3], [7, 8], [9, 9], [9, 9]]
    # what follows a beginning without a letter of its own is a line
    assert got.codes.tolist() == [
        o.MOVETO,
        o.LINETO,
        o.LINETO,
        o.CURVE4,
        o.CURVE4,
        o.CURVE4,
        o.CLOSEPOLY,
        o.MOVETO,
        o.LINETO,
        o.CLOSEPOLY,
    ]
    first, second = brain._pieces(got)
    assert len(first.vertices) == 7 and second.vertices.tolist() == [[7, 8], [9, 9], [9, 9]]


def test_the_drawing_as_svg_has_the_same_points_in_its_own_units():
    drawn = outlines()
    assert len(drawn) == len(pieces()) and [p for _, p, _ in drawn].count(CORD) == 1
    text, _, width = next(v for v in drawn if v[1] == CORD)
    x0, x1 = 5.43 * UNITS / WIDTH, 5.59 * UNITS / WIDTH
    high = UNITS / WIDTH
    assert (
        text == f"M{x0:.1f} {high:.1f} L{x1:.1f} {high:.1f} L{x1:.1f} 0.0 L{x0:.1f} 0.0 L{x0:.1f} {high:.1f}"
        and width == 1.6
    )
    # what lies over the others comes last: whole views first, the accumbens upon everything
    assert [p for _, p, _ in drawn[:4]] == [None, None, WHITE_MATTER, WHITE_MATTER] and [
        p for _, p, _ in drawn[-2:]
    ] == [("own", "accumbens")] * 2
    circle = next(t for t, p, _ in drawn if p == ("own", "accumbens"))
    assert circle.startswith("M") and circle.endswith("Z") and circle.count("C") == 8
    where = {"thal": [("aseg", "Left-Thalamus")], "cord": [CORD]}
    named = brain_drawing(where)
    assert (
        [v["b"] for v in named].count("thal") == 2
        and [v["b"] for v in named].count("cord") == 1
        and named[0]["b"] == ""
    )


def test_labels_have_their_places():
    names = pd.Series({1: "ctx-lh-insula", 2: "Left-Cerebellum-Cortex", 3: "Brain-Stem", 4: "Left-Cerebral-White-Matter", 5: "Left-Accumbens-area",
                       6: "Left-Thalamus-Proper", 7: "Right-Thalamus"})  # fmt: skip
    defined = pd.DataFrame(
        {
            "biomarker": ["a", "b", "c"],
            "labels": [[1, 2, 3, 4, 5, 6, 7, 99], ["x"], []],
            "kind": ["labels", "column", "cord"],
        }
    )
    assert structures(defined, names) == {
        "a": [("dk", "insula_left"), ("aseg", "Cerebellum-Cortex"), ("aseg", "Brain-Stem"), ("own", "white matter"), ("own", "accumbens"), ("aseg", "Left-Thalamus")],
        "b": [], "c": [CORD],
    }  # fmt: skip


def test_levels_of_the_cord_from_above():
    assert (
        cord_names([4, 2, 3]) == [("C2", 0.84), ("C3", 0.5), ("C4", 0.16)]
        and cord_names([]) == []
        and cord_names([1]) == [("C1", 0.5)]
    )
    assert len(cord_names(range(1, 9))) == 8 and cord_names(range(1, 10)) == [
        ("C1", round(0.5 + 8 * 0.51 / 9, 4)),
        ("T2", round(0.5 - 8 * 0.51 / 9, 4)),
    ]


def test_values_levels_and_doubt_are_painted_on_their_pieces():
    where = {
        "thal": [("aseg", "Left-Thalamus")],
        "cord": [CORD],
        "ins": [("dk", "insula_left")],
        "white": [WHITE_MATTER],
    }
    _, axis = plt.subplots()
    scale = plt.get_cmap("viridis")
    draw_brain(
        axis,
        {"thal": 2.0, "cord": np.nan, "ins": 0.0},
        where,
        scale,
        Normalize(0, 4),
        dotted=("ins", "cord"),
        levels={"white": 0.25, "cord": np.nan},
        cord_levels=(),
    )
    patches = dict(zip(pieces(), axis.patches, strict=True))
    painted = {
        p.place: (to_hex(v.get_facecolor()), v.get_hatch())
        for p, v in patches.items()
        if p.place in {q for v in where.values() for q in v}
    }
    assert painted == {
        ("aseg", "Left-Thalamus"): (to_hex(scale(0.5)), None), CORD: (brain.EMPTY.lower(), brain.HATCH), ("dk", "insula_left"): (to_hex(scale(0.0)), brain.DOTS),
        WHITE_MATTER: (to_hex(brain.LEVEL_COLOURS(0.25)), None),
    }  # fmt: skip
    assert [(p.width, p.order) for p in patches] == [(v.get_linewidth(), v.get_zorder()) for v in patches.values()]
    # white matter without a value has no edge, and is not hatched
    _, other = plt.subplots()
    draw_brain(other, {}, where, scale, Normalize(0, 4), cord_levels=[2])
    assert {v.get_hatch() for p, v in zip(pieces(), other.patches, strict=True) if p.width == 0} == {None}
    assert other.texts[0].get_position() == pytest.approx((5.64, 0.5)) and not axis.texts
    assert axis.get_xlim() == (-0.05, WIDTH) and axis.get_ylim() == (-0.05, 1.05) and not axis.axison


# ---------------------------------------------------------------- what all share


@pytest.mark.parametrize(("n", "columns", "shape"), [(1, 3, (1, 1)), (3, 3, (1, 3)), (4, 3, (2, 3)), (7, 3, (3, 3))])
def test_panels_fill_rows_and_those_left_over_are_off(n, columns, shape):
    figure, axes = grid(n, columns, 1.25)
    assert len(axes) == n and axes[0].get_gridspec().get_geometry() == shape
    assert tuple(figure.get_size_inches()) == pytest.approx((PAGE, 1.25 * shape[0] + 0.5))
    assert [a.axison for a in figure.axes] == [True] * n + [False] * (shape[0] * shape[1] - n)
    assert tuple(grid(2, 2, 1.0, width=COLUMN, extra=0.25)[0].get_size_inches()) == (COLUMN, 1.25)


def test_markers_begin_anew_after_the_last():
    names = [f"n{i}" for i in range(9)]
    assert list(markers(names).values()) == [*MARKERS, MARKERS[0]]


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("abcd efgh", 9, ["abcd efgh"]), ("abcd efgh", 8, ["abcd", "efgh"]), ("abcdefghij k", 5, ["abcdefghij", "k"]), ("a b c d", 3, ["a b", "c d"]),
        ("normal-appearing", 16, ["normal-appearing"]), ("normal-appearing", 15, ["normal-", "appearing"]), ("x (a b) y", 5, ["x", "(a b)", "y"]), ("", 5, []),
        ("q = 0.86 z", 8, ["q = 0.86", "z"]),
    ],
)  # fmt: skip
def test_lines_hold_so_many_letters(text, width, lines):
    assert wrapped(text, width).split("\n") == (lines or [""])


def test_numbers_that_round_to_nothing_have_no_sign():
    table = unsigned(pd.DataFrame({"a": [-0.04, 1.26], "b": ["-0.05", "2"]}), 1)
    assert [f"{v:.1f}" for v in table.to_numpy().ravel()] == ["0.0", "-0.1", "1.3", "2.0"] or table.iloc[0, 1] == 0
    assert [decimals(v, 1) for v in (-0.04, -0.06, 2.25, 3)] == ["0.0", "-0.1", "2.2", "3.0"]


def test_texts_stand_out_where_they_pass_the_edge_by_more_than_two_pixels():
    figure = plt.figure(figsize=(4, 3), dpi=100)
    words = figure.text(0.5, 0.5, "words", ha="left", va="bottom")
    figure.canvas.draw()
    b = words.get_window_extent()
    offset, width, height = np.array([b.x0 - 200, b.y0 - 150]), b.width, b.height
    for x, y, sticks in ((-1.9, 100, False), (-2.6, 100, True), (100, -1.9, False), (100, -2.6, True), (401.9 - width, 100, False), (402.6 - width, 100, True),
                         (100, 301.9 - height, False), (100, 302.6 - height, True), (100, 100, False)):  # fmt: skip
        words.set_position((np.array([x, y]) - offset) / (400, 300))
        assert outside(figure) == (["words"] if sticks else []), (x, y)
    words.set_visible(False)
    assert outside(figure) == [] and small_texts(figure) == []
    blank = figure.text(-0.5, 0.5, "  ")
    blank.set_fontsize(LEAST_TEXT - 1)
    assert outside(figure) == [] and small_texts(figure) == []


def test_long_words_are_broken_before_they_are_made_smaller():
    figure = plt.figure(figsize=(3, 2))
    many, one = (
        figure.text(0.5, 0.7, "of many words " * 5, ha="center", fontsize=8),
        figure.text(0.5, 0.2, "x" * 60, ha="center", fontsize=8),
    )
    short = figure.text(0.5, 0.5, "short", ha="center", fontsize=8)
    hold(figure)
    assert many.get_fontsize() == 8 and "\n" in many.get_text() and outside(figure) == []
    assert (
        3 < one.get_fontsize() < 8
        and one.get_text() == "x" * 60
        and (short.get_fontsize(), short.get_text()) == (8, "short")
    )
    left = figure.text(0.6, 0.35, "from here to the right of it", ha="left", fontsize=8)
    hold(figure)
    assert (
        left.get_fontsize() == 8
        and left.get_text().split("\n")[0] in ("from here to", "from here to the")
        and outside(figure) == []
    )


@pytest.mark.parametrize(("inches", "angle"), [(1.67, 0), (1.63, 30)])
def test_names_lie_where_their_letters_have_room(inches, angle):
    """Three names, the longest line of ten letters: 0.55 inches each."""
    _, axis = plt.subplots()
    axis.set_xticks([0, 1, 2])
    name_ticks(axis, ["abcdefghij\nk", "b-\nc", "c"], inches)
    labels = axis.get_xticklabels()
    assert {t.get_rotation() for t in labels} == {angle}
    assert [t.get_text() for t in labels][1] == ("b-c" if angle else "b-\nc")
    assert {t.get_ha() for t in labels} == {"right" if angle else "center"}


def test_an_empty_figure_says_why_in_its_middle(tmp_path):
    figure = empty("nobody")
    assert tuple(figure.get_size_inches()) == (MIDDLE, 1.2) and figure.nothing == "nobody"
    assert (
        figure.axes[0].texts[0].get_position() == (0.5, 0.5)
        and figure.axes[0].texts[0].get_wrap()
        and not figure.axes[0].axison
    )
    finish(figure, "$x_1$", True, tmp_path / "a.png")
    assert figure.get_suptitle() == "$x_1$ - SIMULATED DATA" and sorted(p.name for p in tmp_path.iterdir()) == [
        "a.pdf",
        "a.png",
    ]
    assert figure.get_layout_engine() is None or type(figure.get_layout_engine()).__name__ == "PlaceHolderLayoutEngine"


# ---------------------------------------------------------------- what is drawn from


def test_tables_are_made_when_they_are_asked_for_and_once():
    made = []
    tables = Made({"a": lambda: made.append("a") or pd.DataFrame({"x": [1]}), "b": lambda: made.append("b")})
    assert "a" in tables and "c" not in tables and list(tables) == ["a", "b"] and len(tables) == 2 and made == []
    assert tables["a"] is tables["a"] and made == ["a"] and tables.get("c") is None
    g = Given(tables=tables)
    assert g.table("c").empty and g.table("a")["x"].tolist() == [1] and g.cord_levels == (1, 2, 3)


def test_names_stand_by_their_people_and_then_by_their_number():
    g = given(("w", "x", "y", "z"), (4, 3, 3, 1, 1, 2), (1, 1, 1, 2, 2, 0))
    assert g.names == {1: "w", 3: "y", 4: "z"} and g.groups == ["normal-appearing", "w", "y", "z"]
    assert g.stages.tolist() == [1, 1, 1, 2, 2, 0] and g.group.tolist() == ["z", "y", "y", "w", "w", "normal-appearing"]


EVENTS = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "cord_csa"])


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(5)
    z = rng.normal(0, 0.5, (60, 2))
    z[np.arange(60), np.arange(60) % 2] += rng.integers(0, 4, 60)
    data = pd.DataFrame(z, columns=["thalamus", "cord_csa"], index=[f"p{i}" for i in range(60)])
    return fit(data, EVENTS, 2, covariance="independent", n_startpoints=2, n_samples=0), data


def test_a_model_is_given_with_its_own_names_and_people(fitted):
    fit_of_two, data = fitted
    assert _named(fit_of_two, None) == {1: "subtype 1", 2: "subtype 2"} and _named(fit_of_two, {2: "b"}) == {
        1: "subtype 1",
        2: "b",
    }
    assert _labels(fit_of_two, None).to_dict() == {"thalamus": "thalamus", "cord_csa": "cord_csa"}
    assert _labels(fit_of_two, {"cord_csa": "Cord"}).to_dict() == {"thalamus": "thalamus", "cord_csa": "Cord"}
    bare, g = given_of(fit_of_two), given_of(fit_of_two, data, names={1: "a"}, labels={"thalamus": "T"})
    assert (
        "subtypes" not in bare.tables
        and "selection" not in bare.tables
        and bare.traces is None
        and bare.n_subtypes == 2
    )
    assert (
        g.labels.to_dict() == {"thalamus": "T", "cord_csa": "cord_csa"}
        and bare.labels.to_dict()["thalamus"] == "thalamus"
    )
    assert (g.seen, g.k) == ("by the model", 2) and set(g.names.values()) == {"a", "subtype 2"}
    assigned = fit_of_two.assign(data)
    staged = assigned.loc[~assigned["normal_appearing"], "subtype"].astype(int)
    assert g.table("names")["n_staged_oof"].tolist() == [int((staged == c).sum()) for c in (1, 2)]
    assert g.table("subtypes")["participant_id"].tolist() == list(data.index)
    with pytest.raises(InputError, match="people are drawn: give their z as X"):
        model.stages(fit_of_two)
    with pytest.raises(InputError, match="a model alone was not compared with others"):
        model.selection(fit_of_two)
    with pytest.raises(InputError, match="drawn from calibration of a study"):
        model.reliability(fit_of_two)


def test_places_are_the_workflows_own_or_those_that_are_given(fitted):
    where, levels = places_of(fitted[0])
    assert where["cord_csa"] == [CORD] and where["thalamus"] == [("aseg", "Left-Thalamus")] and levels == ()
    assert places_of(fitted[0], cord_levels=[2])[1] == (2,)
