"""Every declared figure for any number of subtypes: fit for print, nothing cut, and a word where there is nothing to draw."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from given_of import NORMAL, given, maps_of, whole
from matplotlib.colors import Normalize, to_hex, to_rgb
from PIL import Image

from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.figures import clinical, maps, model
from neuraxis.figures.brain import CORD, draw_brain, outline, structures, views_of
from neuraxis.figures.declared import ALL, OF_CONTROLS, OF_DISEASE, OF_DISEASES, WHO, names, tables_of
from neuraxis.figures.study import function_of
from neuraxis.figures.style import (
    COLUMN,
    LEAST_TEXT,
    MIDDLE,
    NOTHING,
    PAGE,
    TALLEST,
    colours,
    empty,
    finish,
    outside,
    small_texts,
    wrapped,
)
from neuraxis.report.standing import CHAPTERS


@pytest.fixture
def where(request):
    resources = request.config.rootpath / "resources"
    names = pd.read_csv(resources / "labels.tsv", sep="\t").set_index("label")["name"]
    return structures(read_biomarkers(resources / "biomarkers.tsv"), names)


@pytest.fixture
def labels(request):
    """Some of them: cortex, deep grey matter, cerebellum, cord."""
    known = read_biomarkers(request.config.rootpath / "resources/biomarkers.tsv").set_index("biomarker")["label"]
    return known.loc[["cord_csa", "brainstem", "cerebellum_gm", "frontal", "temporal", "insula", "thalamus", "putamen"]]


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.mark.parametrize("k", [0, 1, 3])
def test_every_figure_fits_on_a_page_for_any_number_of_subtypes(k, where, labels, tmp_path):
    g = whole(k, where, labels)
    of_subtypes = {"ternary", "brain_t", "probability"}
    without = of_subtypes | {"similarity"} if k < 2 else set()  # of two diseases with one order each
    without = without | ({"progression"} if k == 0 else set())
    for name, figure in ALL.items():
        drawn = function_of(figure)(g)
        finish_title = f"{name} - SIMULATED DATA"
        drawn.suptitle(finish_title)
        assert bool(getattr(drawn, "nothing", "")) == (name in without), name
        assert drawn.get_figwidth() in (COLUMN, MIDDLE, PAGE) and drawn.get_figheight() <= TALLEST, name
        assert small_texts(drawn) == [], name
        assert outside(drawn) == [], name
        if k < 2 and figure not in OF_DISEASES:  # one order has no name
            texts = [
                t.get_text().lower().replace("subcortical", "") for t in drawn.findobj(plt.Text) if t.get_visible()
            ]
            assert not [t for t in texts if "cortical" in t], name
        if k == 3:  # the page's sizes are those of the files
            finish(drawn, name, True, tmp_path / f"{name}.png")
            with Image.open(tmp_path / f"{name}.png") as saved:
                inches = np.divide(saved.size, 300)
            assert np.abs(inches[0] - [COLUMN, MIDDLE, PAGE]).min() < 0.01 and inches[1] <= TALLEST + 0.01, name
        plt.close(drawn)


def test_a_subtype_without_people_is_drawn_nowhere(where, labels):
    g = given(("cortical", "spinal cord", "nobody's"), [1, 2, 2, 1], [1, 3, 4, 2], where=where)
    assert list(g.names.values()) == ["cortical", "spinal cord"] and "nobody's" not in g.groups
    assert model.ternary(g).axes[0].name != "ternary"


def test_subtypes_stand_by_their_staged_people():
    g = given(("few", "many", "some"), [1, 2, 2, 2, 3, 3, 1], [5, 1, 1, 1, 1, 1, 0])
    assert list(g.names.values()) == ["many", "some", "few"] and g.groups == [NORMAL, "many", "some", "few"]
    assert list(colours(g.groups)) == g.groups
    assert colours(["zzz", "cortical"])["cortical"] == colours(["cortical"])["cortical"] == "#0072B2"


def test_figures_without_data_say_so(where):
    nobody = given(stage=(0, 0, 0, 0, 0, 0), where=where)
    for draw in (clinical.forest, clinical.boxes, clinical.stage, clinical.survival_by_subtype, clinical.survival_by_stage,
                 clinical.survival_by_treatment, clinical.transitions, clinical.calibration, model.stages, model.convergence,
                 model.negative_control, model.ternary, model.probability, model.positional_variance):  # fmt: skip
        figure = draw(nobody)
        assert figure.nothing and figure.axes[0].texts[0].get_text() == figure.nothing


def test_nothing_to_draw_is_written_into_the_file(tmp_path):
    finish(empty("nobody"), "MS", False, tmp_path / "none.png")
    figure, _ = plt.subplots()
    finish(figure, "MS", False, tmp_path / "some.png")
    with Image.open(tmp_path / "none.png") as none, Image.open(tmp_path / "some.png") as some:
        assert none.info[NOTHING] == "nobody" and NOTHING not in some.info
        assert round(some.info["dpi"][0]) == 300
    assert (tmp_path / "some.pdf").read_bytes().startswith(b"%PDF")


def test_declared_figures_are_complete_and_once():
    assert len(ALL) == len(OF_DISEASE) + len(OF_CONTROLS) + len(OF_DISEASES)
    for f in ALL.values():
        assert callable(function_of(f)) and f.title and f.section
        assert f.tables or f.people
    assert tables_of(OF_DISEASE, more=WHO)[: len(WHO)] == list(WHO) and len(set(tables_of(OF_DISEASE))) == len(
        tables_of(OF_DISEASE)
    )
    assert "variants" not in tables_of(OF_DISEASE, without=("variants",)) and "variants" in tables_of(OF_DISEASE)
    assert names(OF_DISEASES) == ["similarity"]


def test_texts_that_are_small_or_cut_are_found():
    figure, axis = plt.subplots(figsize=(3, 2))
    axis.text(0.5, 0.5, "small", fontsize=LEAST_TEXT - 0.5)
    axis.text(0.5, 0.4, "large", fontsize=LEAST_TEXT)
    figure.text(0.95, 0.5, "far beyond the edge of the figure")
    assert small_texts(figure) == ["small"] and outside(figure) == ["far beyond the edge of the figure"]
    assert wrapped("progression independent of relapses", 24) == "progression independent\nof relapses"


def test_brackets_are_not_torn_from_their_units():
    assert wrapped("confirmed worsening (24 weeks)", 25) == "confirmed worsening\n(24 weeks)"
    assert wrapped("lesions (24 weeks), new", 15) == "lesions\n(24 weeks), new"
    # but where no line holds them
    assert wrapped("worse (more than a line of letters)", 14) == "worse (more\nthan a line of\nletters)"


def test_every_biomarker_has_a_place_in_the_drawing(where):
    assert all(where.values())
    shipped = [p for places in where.values() for p in places if p[0] != "own"]
    missing = {name for atlas, name in shipped if outline(atlas, name) is None}
    # what the package lacks is known and said in the figure
    assert missing == {"frontalpole_left", "temporalpole_left", "Left-WM-hypointensities"}


def test_the_brain_is_painted_with_the_values(where):
    figure, axis = plt.subplots()
    norm, colour_map = Normalize(0, 1), plt.get_cmap("viridis")
    draw_brain(axis, {"thalamus": 1.0, "cord_csa": 0.5, "insula": np.nan}, where, colour_map, norm)
    painted = {to_hex(p.get_facecolor()) for p in axis.patches}
    assert to_hex(colour_map(1.0)) in painted and to_hex(colour_map(0.5)) in painted
    assert sum(to_hex(p.get_facecolor()) == to_hex(colour_map(1.0)) for p in axis.patches) == 2  # both thalami


def test_biomarkers_without_a_place_on_the_brain_are_told_as_numbers():
    labels = pd.Series({"thalamus": "Thalamus", "fa": "FA", "pole": "Pole"})
    table = maps_of({g: dict.fromkeys(labels.index, 1.0) for g in ("one", "two")}, "mean_z", t=2.0, q=0.01)
    some = {"thalamus": [("aseg", "Left-Thalamus")], "fa": [], "pole": [("dk", "frontalpole_left")]}
    none = {"thalamus": [], "fa": [], "pole": []}
    noted = maps.brain_mean_z(given(clinical__maps=table, where=some, labels=labels)).get_supxlabel()
    assert {b.strip() for b in noted.partition("without a place here:")[2].rstrip(".").split(",")} == {"FA", "Pole"}
    curve = pd.DataFrame(
        [
            {"subtype": c, "stage": s, "biomarker": b, "z": s * c}
            for c in (1, 2)
            for s in range(11)
            for b in labels.index
        ]
    )
    cord = {**none, "fa": [CORD]}  # a patch beside a brain without a value
    for where in (none, cord):
        bare = {"clinical__maps": table, "where": where, "labels": labels}
        assert maps.brain_mean_z(given(**bare)).axes[0].texts[0].get_text() == maps.NOWHERE
        assert maps.brain_t(given(**bare)).axes[0].texts[0].get_text() == maps.NOWHERE
        first, second = maps.progression(given(progression=curve, where=where, labels=labels)).axes[:2]
        assert [t.get_text() for t in first.get_yticklabels()] == ["Thalamus", "FA", "Pole"]
        assert first.texts[0].get_text() == "1.0" and second.texts[0].get_text() == "2.0"  # z at stage 1
    both = {**cord, "thalamus": some["thalamus"]}
    assert "FA" not in maps.brain_mean_z(given(clinical__maps=table, where=both, labels=labels)).get_supxlabel()


def test_views_without_a_measure_are_not_drawn(where):
    """The cord's levels are named with the cord alone, and no part of the drawing is empty."""
    norm, colour_map = Normalize(0, 1), plt.get_cmap("viridis")
    seen = {}
    for measured in (("thalamus", "cord_csa"), ("thalamus",), ("frontal",), ("cord_csa",)):
        figure, axis = plt.subplots()
        draw_brain(axis, dict.fromkeys(measured, 0.5), where, colour_map, norm, views=views_of(where, measured))
        low, high = axis.get_xlim()
        spread = np.concatenate([p.get_path().vertices[:, 0] for p in axis.patches])
        assert low < spread.min() and spread.max() < high
        seen[measured] = (len(axis.patches), round(high, 2), [t.get_text() for t in axis.texts])
        assert any(to_hex(p.get_facecolor()) == to_hex(colour_map(0.5)) for p in axis.patches)
    levels = ["C1", "C2", "C3"]
    assert [s[2] for s in seen.values()] == [levels, [], [], levels]
    wide = [s[1] for s in seen.values()]
    assert wide == [1.8, 1.18, 3.06, 0.62] and seen["cord_csa",][0] == 1


def test_maps_of_a_study_leave_out_what_it_did_not_measure(where, labels):
    """Mean z, t and the course: without the cord no cord; thickness of the cortex has the places of its parcels."""
    names = pd.Series({1028: "ctx-lh-superiorfrontal"})
    thick = pd.DataFrame({"biomarker": ["frontal_mm"], "kind": ["thickness"], "labels": [[1028]]})
    of_thickness = structures(thick, names)
    for b, places, views in (("thalamus", where, 2), ("frontal_mm", of_thickness, 2)):
        table = maps_of({g: {b: 1.0} for g in ("one", "two")}, "mean_z", t=2.0, q=0.01)
        curve = pd.DataFrame([{"subtype": c, "stage": s, "biomarker": b, "z": s} for c in (1, 2) for s in range(11)])
        told = {"where": places, "labels": pd.Series({b: b}), "clinical__maps": table, "progression": curve}
        for figure in (maps.brain_mean_z(given(**told)), maps.brain_t(given(**told)), maps.progression(given(**told))):
            first = figure.axes[0]
            assert not [t for t in first.texts if t.get_text().startswith("C")]
            assert len(first.patches) > views and first.get_xlim()[1] < 3.1


def variance():
    rows = [("b", 1.0, 0), ("a", 1.0, 1), ("b", 2.0, 2), ("a", 2.0, 3)]
    return pd.DataFrame(
        [
            {"models": m, "subtype": c, "biomarker": b, "threshold": t}
            | {f"place{i + 1}": share * float(i == p) for i in range(4)}
            for m, share in (("everyone", 1.0), ("folds", 0.5))
            for c in (1, 2)
            for b, t, p in rows
        ]
    )


def test_positional_variance_orders_biomarkers_by_their_first_event():
    g = given(("cortical", "spinal cord"), positional_variance=variance(), labels=pd.Series({"a": "Area", "b": "Bulk"}))
    figure = model.positional_variance(g)
    axis = figure.axes[0]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["Bulk", "Area"]
    assert axis.get_title() == "cortical\n3 staged people"
    assert axis.get_xlim() == (0.5, 4.5)  # places count from 1
    image = np.asarray(axis.images[0].get_array())
    assert (image[0, 0] < 1).any() and (image[0, 1] == 1).all() and (image[1, 1] < 1).any()
    bars = [a for a in figure.axes if "probability" in a.get_xlabel()]
    assert [b.get_xlabel() for b in bars] == ["probability, z = 1", "probability, z = 2"]
    assert {b.get_xlim() for b in bars} == {(0, 1)}
    folds = model.positional_variance_folds(g)
    assert {a.get_xlim() for a in folds.axes if "probability" in a.get_xlabel()} == {(0, 0.5)}  # the scale follows


def test_events_of_scores_are_numbered_in_their_order():
    """A score that falls with disease (30, 28): its first event is the higher score, and no event is called a z."""
    table = variance().assign(family="zscore")
    table.loc[table["biomarker"] == "a", ["family", "threshold"]] = ["ordinal", np.nan]
    table.loc[table["biomarker"] == "a", "threshold"] = [28.0, 25.0] * 4
    g = given(("one", "two"), positional_variance=table, labels=pd.Series({"a": "Area", "b": "Bulk"}))
    figure = model.positional_variance(g)
    image = np.asarray(figure.axes[0].images[0].get_array())
    first, second = (to_hex(c) for c in (image[1, 1], image[1, 3]))
    assert (first, second) == tuple(c.lower() for c in model.EVENTS["safe"][:2])
    bars = [a.get_xlabel() for a in figure.axes if "probability" in a.get_xlabel()]
    assert bars == ["probability, event 1", "probability, event 2"]


def test_the_fields_colours_are_an_option():
    g = given(("one", "two"), positional_variance=variance(), labels=pd.Series({"a": "Area", "b": "Bulk"}))
    coloured = replace(g, event_colours="field")
    image = np.asarray(model.positional_variance(coloured).axes[0].images[0].get_array())
    assert (
        to_hex(image[0, 0]) == model.EVENTS["field"][0].lower()
        and to_hex(image[0, 2]) == model.EVENTS["field"][1].lower()
    )
    safe = np.asarray(model.positional_variance(g).axes[0].images[0].get_array())
    assert to_hex(safe[0, 0]) == model.EVENTS["safe"][0].lower()


def test_forest_draws_every_interval_in_the_row_of_its_contrast():
    """Rows in another order for every outcome, all estimates different."""
    contrasts = {
        "one against the other subtypes": ("subtype", "one", "the other subtypes", "one v. others (20 v. 30)"),
        "two against the other subtypes": ("subtype", "two", "the other subtypes", "two v. others (20 v. 30)"),
        "one against two": ("subtype", "one", "two", ""),
        "stage, at the same subtype": ("stage", "", "", "later stage per 3 stages (20 v. 30)"),
        "stage in one": ("stage", "one", "", ""),
        "any atrophy against none": ("atrophy", "any atrophy", "normal-appearing", "any atrophy v. none (20 v. 30)"),
    }
    values = {(o, c): 1.0 + i + 10 * j for j, o in enumerate("AB") for i, c in enumerate(contrasts)}
    rows = [
        {"outcome": o, "contrast": c, "method": m, "type": "ordinal", "effect": "OR", "estimate": values[o, c]}
        | {"low": values[o, c] / 2, "high": values[o, c] * 3, "reportable": m != "draws", "n_events": 0, "n_group": 20}
        | {"n_against": 30, "unit": "3 stages" if contrasts[c][0] == "stage" else ""}
        | dict(zip(("kind", "subtype", "against"), contrasts[c], strict=False))
        for o in "AB"
        for m in ("label", "weighted", "draws")
        for c in contrasts
    ]
    table = pd.DataFrame(rows)
    table.loc[0, ["estimate", "low", "high"]] = np.nan
    order = [*(c for c in contrasts if contrasts[c][2] == "the other subtypes"), "stage, at the same subtype"]
    order.append("any atrophy against none")
    table = pd.concat([table[table["outcome"] == "A"], table[table["outcome"] == "B"].iloc[::-1]])
    axes = {
        a.get_title(): a
        for a in clinical.forest(given(clinical__associations=table)).axes
        if a.get_title() in ("A", "B")
    }
    for outcome, axis in axes.items():
        assert [t.get_text() for t in axis.get_yticklabels()] == [contrasts[c][3] for c in order]
        assert axis.get_xlabel() == "OR (no difference 1)"
        marks = [line for line in axis.lines if line.get_marker() in "oDs" and len(line.get_xdata())]
        assert sum(len(line.get_xdata()) for line in marks) == (11 if outcome == "A" else 12)
        # what is too small to be told is an open mark
        assert {line.get_marker() for line in marks if line.get_markerfacecolor() == "white"} == {"s"}
        for line in marks:
            for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True):
                assert x == values[outcome, order[round(y)]] and abs(y - round(y)) < 0.3
        for bars in axis.collections:
            for (low, y), (high, _) in bars.get_segments():
                assert (low, high) == pytest.approx(np.array([0.5, 3]) * values[outcome, order[round(y)]])


def test_subtypes_stand_by_their_people_in_forest_and_slopes():
    """Tables hold them in another order: two has three staged people, one has two."""
    row = {"outcome": "A", "type": "ordinal", "effect": "OR", "kind": "subtype", "against": "the other subtypes", "method": "weighted",
           "estimate": 2.0, "low": 1.0, "high": 4.0, "reportable": True, "n_events": 0, "n_group": 20, "n_against": 30}  # fmt: skip
    effects = pd.DataFrame(
        [row | {"subtype": s, "contrast": f"{s} against the other subtypes"} for s in ("one", "two")]
    )
    slopes = pd.DataFrame(
        [
            {"group": n, "quantity": "stage", "slope": v, "low": v, "high": v, "n_people": 9}
            for n, v in (("one", 1.0), ("two", 2.0), (NORMAL, 3.0))
        ]
    )
    counts = pd.DataFrame([{"source": n, "target": n, "n": 5} for n in ("one", "two", NORMAL)])
    g = given(("one", "two"), (1, 1, 2, 2, 2, 1), (1, 3, 5, 2, 5, 0), clinical__associations=effects,
              clinical__transitions=counts, clinical__slopes=slopes)  # fmt: skip
    words = [t.get_text() for t in clinical.forest(g).axes[0].get_yticklabels()]
    assert words == ["two v. others (20 v. 30)", "one v. others (20 v. 30)"]
    (right,) = (a for a in clinical.transitions(g).axes if "a year" in a.get_xlabel())
    named = [t.get_text().replace("\n", " ") for t in right.get_yticklabels()]
    assert named == ["normal- appearing (n = 9)", "two (n = 9)", "one (n = 9)"]
    assert [line.get_xdata()[0] for line in right.lines if line.get_marker() == "o"] == [3, 2, 1]


def test_an_estimate_by_label_alone_is_an_open_mark():
    """Where labels are too uncertain for the told method, a label's estimate may be large enough and is not told."""
    row = {"outcome": "A", "type": "ordinal", "effect": "OR", "kind": "subtype", "against": "the other subtypes",
           "estimate": 2.0, "low": 1.0, "high": 4.0, "reportable": True, "n_events": 0, "n_group": 20, "n_against": 30}  # fmt: skip
    gone = {"method": "weighted", "estimate": np.nan, "low": np.nan, "high": np.nan, "reportable": False}
    one, two = ({"subtype": s, "contrast": f"{s} against the other subtypes"} for s in ("one", "two"))
    rows = [row | one | gone, row | one | {"method": "label"}, row | two | {"method": "weighted"}]
    table = pd.DataFrame([*rows, row | two | {"method": "label"}])
    figure = clinical.forest(given(clinical__associations=table))
    marks = {
        (line.get_marker(), round(y)): line.get_markerfacecolor() == "white"
        for line in figure.axes[0].lines
        if line.get_marker() in ("o", "D")
        for y in line.get_ydata()
    }
    assert marks == {("o", 0): True, ("D", 1): False, ("o", 1): False}


def test_words_of_the_forest_keep_off_the_edge(where, labels):
    figure = clinical.forest(whole(3, where, labels))
    figure.draw_without_rendering()
    ends = [t.get_window_extent() for a in figure.axes for t in a.get_yticklabels() if t.get_text()]
    least = 0.08 * figure.dpi
    assert min(e.x0 for e in ends) > least and max(a.bbox.x1 for a in figure.axes) < figure.bbox.width - least


def test_transitions_are_drawn_from_the_scan_to_the_next():
    counts = {("one", "one"): 5, ("one", "two"): 3, ("two", "one"): 1, ("two", "two"): 7}
    table = pd.DataFrame(
        [{"source": a, "target": b, "n": n} for (b, a), n in {(t, s): v for (s, t), v in counts.items()}.items()]
    )
    slopes = pd.DataFrame(
        [
            {"group": "two", "quantity": q, "slope": v, "low": v - 1, "high": v + 2, "n_people": 9}
            for q, v in (("stage", 2.0), ("mean z", 0.5))
        ]
    )
    g = given(clinical__transitions=table.sample(frac=1, random_state=0), clinical__slopes=slopes)
    figure = clinical.transitions(g)
    left, stage, mean_z = (a for a in figure.axes if a.get_xlabel())
    rows = [t.get_text() for t in left.get_yticklabels()]
    columns = [t.get_text() for t in left.get_xticklabels()]
    drawn = {(rows[int(t.get_position()[1])], columns[int(t.get_position()[0])]): int(t.get_text()) for t in left.texts}
    assert left.get_ylabel() == "scan" and left.get_xlabel() == "next scan"
    assert {k: v for k, v in drawn.items() if v} == counts
    assert [list(line.get_xdata()) for line in stage.lines[:2]] == [[1.0, 4.0], [2.0]]
    assert mean_z.get_xlabel().startswith("mean z a year") and stage.get_yticklabels()[0].get_text() == "two\n(n = 9)"


def test_one_group_has_no_square_of_transitions():
    table = pd.DataFrame({"source": ["one", "one"], "target": ["one", "two"], "n": [5, 0]})
    slopes = pd.DataFrame([{"group": "one", "quantity": "stage", "slope": 1.0, "low": 0.5, "high": 2.0, "n_people": 9}])
    assert clinical.transitions(given(clinical__transitions=table)).nothing
    (only,) = clinical.transitions(given(clinical__transitions=table, clinical__slopes=slopes)).axes
    assert only.get_xlabel().startswith("stage a year") and list(only.lines[0].get_xdata()) == [0.5, 2.0]


@pytest.mark.parametrize("scheme", ["safe", "field"])
def test_every_threshold_has_a_colour_and_a_scale_of_its_own(scheme):
    """Seven thresholds of one biomarker: seven colours in the picture, seven bars, all apart and dark enough to be seen."""
    for n in (1, 3, 4, 5, 7, 12):
        tints = model.event_tints(n, scheme)
        assert len({t.lower() for t in tints}) == n
        brightness = [np.dot(to_rgb(t), (0.2126, 0.7152, 0.0722)) for t in tints]
        assert max(brightness) < 0.8
    table = pd.DataFrame(
        [
            {"models": "everyone", "subtype": 1, "biomarker": "a", "family": "zscore", "threshold": float(t + 1)}
            | {f"place{p + 1}": float(p == t) for p in range(7)}
            for t in range(7)
        ]
    )
    g = replace(given(("one",), positional_variance=table, labels=pd.Series({"a": "Area"}), k=1), event_colours=scheme)
    figure = model.positional_variance(g)
    image = np.asarray(figure.axes[0].images[0].get_array())
    assert [to_hex(c) for c in image[0]] == model.event_tints(7, scheme)
    bars = [a for a in figure.axes if a.get_xlabel().startswith("probability")]
    assert [a.get_xlabel() for a in bars] == [f"probability, z = {t}" for t in range(1, 8)]
    figure.draw_without_rendering()
    boxes = [a.xaxis.label.get_window_extent() for a in bars]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


def test_figures_stand_in_the_order_of_the_pages_chapters():
    """Their numbers then rise from the top of the page to its end."""
    places = [list(CHAPTERS).index(f.section) for f in OF_DISEASE]
    assert places == sorted(places)
