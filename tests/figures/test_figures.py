"""Every declared figure for any number of subtypes: fit for print, nothing cut, and a word where there is nothing to draw."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from given_of import NORMAL, given, maps_of
from matplotlib.colors import Normalize, to_hex
from PIL import Image

from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.figures import clinical, maps, model
from neuraxis.figures.brain import draw_brain, outline, structures
from neuraxis.figures.declared import ALL, OF_CONTROLS, OF_DISEASE, OF_DISEASES, WHO, names, tables_of
from neuraxis.figures.study import function_of
from neuraxis.figures.style import LEAST_TEXT, NOTHING, PAGE, colours, empty, finish, outside, small_texts, wrapped


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


def whole(k, where, labels, n=90, seed=0):
    """A disease of k subtypes with all its tables, names as long as real ones, and one outcome of every kind."""
    rng = np.random.default_rng(seed)
    words = ("cortical", "spinal cord 2", "subcortical", "cerebellar")[: max(k, 1)]
    shown = list(words) if len(words) > 1 else ["with atrophy"]
    subtype, stage = rng.integers(1, len(words) + 1, n), rng.integers(0, 12, n)
    people = pd.DataFrame(
        {"edss": rng.integers(0, 13, n) / 2, "relapses": rng.poisson(2, n), "years": rng.uniform(1, 9, n),
         "spms": rng.integers(0, 2, n), "lesion": rng.lognormal(8, 1, n)}, index=[f"p{i}" for i in range(n)],
    )  # fmt: skip
    outcomes = (
        {"name": "EDSS", "column": "edss", "type": "ordinal"},
        {"name": "relapses before the baseline visit", "column": "relapses", "type": "count", "exposure": "years"},
        {"name": "secondary progression", "column": "spms", "type": "binary"},
        {"name": "lesion volume", "column": "lesion", "type": "continuous", "transform": "log1p"},
    )
    thresholds = [(b, t) for b in labels.index for t in (1.0, 2.0)]
    places = rng.dirichlet(np.ones(len(thresholds)), (2, len(words), len(thresholds)))
    variance = [
        {"models": m, "subtype": c + 1, "biomarker": b, "threshold": t}
        | {f"place{i + 1}": p for i, p in enumerate(places[j, c, e])}
        for j, m in enumerate(("everyone", "folds"))
        for c in range(len(words))
        for e, (b, t) in enumerate(thresholds)
    ]
    survival, drugs = [], []
    for o in ("progression independent of relapse activity", "a first relapse on study"):
        for s in ("subtype", "stage", *(f"stage in {name}" for name in shown)):
            for g in [NORMAL, *shown] if s == "subtype" else [NORMAL, "early stages", "middle stages", "late stages"]:
                survival += [(o, s, g, y, 1 - 0.1 * y, 0.9 - 0.1 * y, 1.0, 40 - 9 * y, y) for y in range(5)]
        for name in shown:
            drugs += [(o, f"treatment in {name}", g, y, 1 - 0.1 * y, 0.9 - 0.1 * y, 1.0, 40 - 9 * y, y) for g in ("none", "oral") for y in range(5)]  # fmt: skip
    columns = ["outcome", "split", "group", "years", "survival", "low", "high", "at_risk", "n_events"]
    survival, drugs = pd.DataFrame(survival, columns=columns), pd.DataFrame(drugs, columns=columns)

    def test_rows(t):
        return t[["outcome", "split"]].drop_duplicates().assign(p=0.0123, n_events=31, n=87, reason="", n_smallest=20)

    effects = [
        {"family": "f", "outcome": o, "type": "survival" if "r" in o else "ordinal", "kind": kind, "contrast": f"{kind} {name}",
         "subtype": name, "against": against, "method": m, "effect": "HR", "estimate": 2.3, "low": 0.71, "high": 7.9, "p": 0.1,
         "q": 0.2, "n": 80, "n_events": 31, "n_group": 40, "n_against": 0 if kind == "stage" else 40, "reportable": m != "draws",
         "unit": "12.3 stages" if kind == "stage" else "", "warning": "", "reason": ""}
        for o in ("EDSS", "progression independent of relapse activity", "a first relapse on study")
        for kind, name, against in [
            *(("subtype", s, "the other subtypes") for s in (shown if k > 1 else ())), ("stage", "", ""),
            ("atrophy", "any atrophy", NORMAL),
        ]
        for m in ("weighted", "label", "draws")
    ]  # fmt: skip
    mapped = maps_of(
        {g: {b: i / 7 + j for i, b in enumerate(labels.index)} for j, g in enumerate([NORMAL, *shown])}, "mean_z"
    )
    mapped.loc[mapped["group"] != NORMAL, "t"] = mapped["mean_z"] - 2
    mapped["q"] = np.where(mapped["mean_z"] > 2, 0.01, 0.4)
    stage_curves = pd.DataFrame(
        [{"outcome": "EDSS", "subtype": s, "stage": x, "fit": 2 + x / 4, "low": 1 + x / 4, "high": 3 + x / 4, "n": 40, "model": "proportional odds",
          "kendall_tau": 0.2, "tau_low": 0.1, "tau_high": 0.3, "tau_p": 0.01} for s in shown for x in range(12)]
    )  # fmt: skip
    groups = [NORMAL, *shown]
    gaps = pd.DataFrame(
        {"n_subtypes": range(5), "cvic": 1000.0 + np.arange(5), "gap_cvic": [300.0, 40, 9, 0, 12], "gap_se": 8.0}
    )
    tables = {
        "heldout_folds": pd.DataFrame({"fold": [0, 1], **{f"k{i}": [-5.0 * i, -7.0] for i in range(5)}}),
        "selection": pd.concat([gaps.assign(chosen=gaps["n_subtypes"] == k), pd.DataFrame([{"n_subtypes": -1, "cvic": 1, "gap_cvic": -900.0, "gap_se": 9.0, "chosen": False}])]),
        "variants": gaps.assign(variant="smooth-independent", chosen=False, cvic=gaps["cvic"] * 1.1),
        "negative_control": gaps.assign(variant="smooth-controls", chosen=gaps["n_subtypes"] == 0, n_people=365),
        "positional_variance": pd.DataFrame(variance),
        "progression": pd.DataFrame([{"subtype": c + 1, "stage": s, "biomarker": b, "z": s / 5 + c} for c in range(len(words)) for s in range(12) for b in labels.index]),
        "diagnostics": pd.DataFrame({"r_hat": rng.uniform(1, 1.02, 40), "ess": rng.uniform(100, 2000, 40)}),
        "clinical__maps": mapped,
        "clinical__associations": pd.DataFrame(effects),
        "clinical__stage_curves": stage_curves,
        "clinical__survival": survival,
        "clinical__logrank": test_rows(survival),
        "clinical__treatment_survival": drugs,
        "clinical__treatment_logrank": test_rows(drugs),
        "clinical__prediction": pd.DataFrame({"outcome": "a first relapse on study", "model": ["clinical", "+ stage"], "n": 80, "n_events": 30, "c": 0.6, "c_low": 0.5, "c_high": 0.7, "slope": 0.8}),
        "clinical__transitions": pd.DataFrame([{"source": a, "target": b, "n": 3 + i} for i, a in enumerate(groups) for b in groups]),
        "clinical__slopes": pd.DataFrame([{"group": g, "quantity": q, "slope": 0.2, "low": 0.1, "high": 0.3, "n_people": 30} for g in groups for q in ("stage", "mean z")]),
        "calibration": pd.DataFrame([{"labels": w, "quantity": q, "class": c, "n": 20, "stated": 0.2 + 0.3 * i, "observed": 0.25 + 0.3 * i, "low": 0.1 + 0.3 * i, "high": 0.35 + 0.3 * i} for w in ("out of fold", "in sample") for q in (*model.RELIABILITY, model.INTERVALS) for i, c in enumerate(("0 to 0.4", "0.4 to 1"))]),
        "crossdisease__similarity": pd.DataFrame([("NMOSD", "x", "MS", s, 0.5) for s in words], columns=["disease_a", "name_a", "disease_b", "name_b", "tau"]).assign(tau_chance=0.2),
        "normative__zscores": pd.DataFrame(rng.normal(0, 1, (60, len(labels))), columns=labels.index).assign(group="HC"),
        "normative__diagnostics": pd.DataFrame([{"biomarker": b, "check": "site", "part": f"site{s:02d}", "mean": 0.1 * s, "sd": 1.0, "harmonisation": w} for b in labels.index for s in range(10) for w in ("before", "after")]),
        "normative__covariance": pd.DataFrame([{"biomarker": a, "other": b, "n": 60 - (i == j), "correlation": 1.0 if a == b else 0.3, "n_controls": 60, "shrinkage": 0.03, "condition_number": 20.0} for i, a in enumerate(labels.index) for j, b in enumerate(labels.index) if j <= i]),
    }  # fmt: skip
    return given(words, subtype, stage, k=k, where=where, labels=labels, people=people, outcomes=outcomes,
                 traces=rng.normal(-100, 1, (4, 50)), **tables)  # fmt: skip


@pytest.mark.parametrize("k", [0, 1, 3])
def test_every_figure_fits_on_a_page_for_any_number_of_subtypes(k, where, labels):
    g = whole(k, where, labels)
    of_subtypes = {"ternary", "brain_t", "probability"}
    without = of_subtypes if k < 2 else set()
    without = without | ({"progression"} if k == 0 else set())
    for name, figure in ALL.items():
        drawn = function_of(figure)(g)
        finish_title = f"{name} - SIMULATED DATA"
        drawn.suptitle(finish_title)
        assert bool(getattr(drawn, "nothing", "")) == (name in without), name
        assert drawn.get_figwidth() <= PAGE + 1e-9 and drawn.get_figheight() <= 14, name
        assert small_texts(drawn) == [], name
        assert outside(drawn) == [], name
        if k < 2 and figure not in OF_DISEASES:  # one order has no name
            texts = [
                t.get_text().lower().replace("subcortical", "") for t in drawn.findobj(plt.Text) if t.get_visible()
            ]
            assert not [t for t in texts if "cortical" in t], name
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
        assert callable(function_of(f)) and f.title and f.caption.endswith(".") and f.section
        assert f.tables or f.people
    assert tables_of(OF_DISEASE, more=WHO)[:3] == list(WHO) and len(set(tables_of(OF_DISEASE))) == len(
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
    bare = {"clinical__maps": table, "where": none, "labels": labels}
    assert maps.brain_mean_z(given(**bare)).axes[0].texts[0].get_text() == maps.NOWHERE
    assert maps.brain_t(given(**bare)).axes[0].texts[0].get_text() == maps.NOWHERE
    curve = pd.DataFrame(
        [
            {"subtype": c, "stage": s, "biomarker": b, "z": s * c}
            for c in (1, 2)
            for s in range(11)
            for b in labels.index
        ]
    )
    first, second = maps.progression(given(progression=curve, where=none, labels=labels)).axes[:2]
    assert [t.get_text() for t in first.get_yticklabels()] == ["Thalamus", "FA", "Pole"]
    assert first.texts[0].get_text() == "1.0" and second.texts[0].get_text() == "2.0"  # z at stage 1


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
