"""Figures draw what tables hold, for any number of subtypes and for tables with nothing in them."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import Normalize, to_hex

from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.figures import clinical, maps, model, normative
from neuraxis.figures.brain import draw_brain, outline, structures
from neuraxis.figures.style import colours, finish

NORMAL = "normal-appearing"


@pytest.fixture
def where(request):
    resources = request.config.rootpath / "resources"
    names = pd.read_csv(resources / "labels.tsv", sep="\t").set_index("label")["name"]
    return structures(read_biomarkers(resources / "biomarkers.tsv"), names)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def people(n_subtypes, n=60, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(n_subtypes), n)
    table = pd.DataFrame(p, columns=[f"oof_p_subtype{c + 1}" for c in range(n_subtypes)])
    table["oof_subtype"] = p.argmax(axis=1) + 1
    table["oof_stage"] = rng.integers(0, 10, n)
    table["oof_expected_stage"] = table["oof_stage"] + rng.random(n)
    return table, {c + 1: f"type {c + 1}" for c in range(n_subtypes)}


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


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_probabilities_for_any_number_of_subtypes(n, tmp_path):
    table, names = people(n)
    figure = model.ternary(table, names)
    if n == 3:
        drawn = sum(len(c.get_offsets()) for c in figure.axes[0].collections)
        assert drawn == len(table)
    finish(figure, "MS", True, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 5000 and (tmp_path / "a.pdf").exists()
    assert "SIMULATED" in figure.get_suptitle()
    assert len(model.probability(table, names).axes[0].collections) >= n


@pytest.mark.parametrize(("zero", "said"), [(5000.0, True), (-60.0, False)])
def test_selection_keeps_the_far_off_baseline_in_words(zero, said):
    table = pd.DataFrame(
        {
            "model": ["everyone a control", "1 subtypes", "2 subtypes", "one multivariate normal"],
            "n_subtypes": [0, 1, 2, -1],
            "gap_cvic": [zero, 60, 0, -900],
            "gap_se": [30.0, 20, 0, 90],
            "chosen": [False, False, True, False],
        }
    )
    heldout = pd.DataFrame({"fold": [0, 1], "k0": [-900.0, -800], "k1": [-10.0, -12], "k2": [-8.0, -9]})
    axis = model.selection(table, heldout).axes[0]
    low, high = axis.get_ylim()
    assert -150 < low < high < 200
    words = " ".join(t.get_text() for t in axis.texts)
    assert "one multivariate normal: -900" in words
    assert ("everyone a control" in words) == said


def test_maps_and_progression(where):
    names = {1: "one", 2: "two"}
    rows = [
        {"group": g, "biomarker": b, "n": 20, "mean_z": i / 10, "t": np.nan if g == NORMAL else i - 9.0}
        for g in (NORMAL, "one", "two")
        for i, b in enumerate(where)
    ]
    table, labels = pd.DataFrame(rows), pd.Series({b: b for b in where})
    assert len(maps.brain_mean_z(table, names, where, labels).axes) == 4  # three drawings and the scale
    assert len(maps.brain_t(table, names, where, labels).axes) == 3
    none = maps.brain_t(table.assign(t=np.nan), names, where, labels)
    assert "five people" in none.axes[0].texts[0].get_text()
    labelled, _ = people(2)
    curve = pd.DataFrame(
        [{"subtype": c, "stage": s, "biomarker": b, "z": s / 5} for c in (1, 2) for s in range(11) for b in where]
    )
    assert len(maps.progression(curve, labelled, names, where, labels).axes) > 4
    nobody = maps.progression(curve, labelled.assign(oof_stage=0), names, where, labels)
    assert "Nobody" in nobody.axes[0].texts[0].get_text()
    heat = maps.mean_z(table, names, labels)
    assert "(n = 20)" in heat.axes[0].get_xticklabels()[0].get_text()


def test_biomarkers_without_a_place_on_the_brain_are_told_as_numbers():
    names, labels = {1: "one", 2: "two"}, pd.Series({"thalamus": "Thalamus", "fa": "FA", "pole": "Pole"})
    table = pd.DataFrame(
        [{"group": g, "biomarker": b, "n": 9, "mean_z": 1.0, "t": 2.0} for g in names.values() for b in labels.index]
    )
    some = {"thalamus": [("aseg", "Left-Thalamus")], "fa": [], "pole": [("dk", "frontalpole_left")]}
    assert "without a place here: FA, Pole" in maps.brain_mean_z(table, names, some, labels).get_supxlabel()
    none = {"thalamus": [], "fa": [], "pole": []}
    assert maps.brain_mean_z(table, names, none, labels).axes[0].texts[0].get_text() == maps.NOWHERE
    assert maps.brain_t(table, names, none, labels).axes[0].texts[0].get_text() == maps.NOWHERE
    labelled, _ = people(2)
    curve = pd.DataFrame(
        [{"subtype": c, "stage": s, "biomarker": b, "z": s * c} for c in names for s in range(11) for b in labels.index]
    )
    first, second = maps.progression(curve, labelled, names, none, labels).axes[:2]
    assert [t.get_text() for t in first.get_yticklabels()] == ["Thalamus", "FA", "Pole"]
    assert first.texts[0].get_text() == "1.0" and second.texts[0].get_text() == "2.0"  # z at stage 1


def test_positional_variance_orders_biomarkers_by_their_first_event():
    rows = [("b", 1.0, 0), ("a", 1.0, 1), ("b", 2.0, 2), ("a", 2.0, 3)]
    table = pd.DataFrame(
        [
            {"subtype": 1, "biomarker": b, "threshold": t, **{f"place{i + 1}": float(i == p) for i in range(4)}}
            for b, t, p in rows
        ]
    )
    subtypes = pd.DataFrame({"subtype": [1], "name": ["cortical"], "fraction": [0.42], "n_staged_oof": [7]})
    axis = model.positional_variance(table, subtypes, pd.Series({"a": "Area", "b": "Bulk"})).axes[0]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["Bulk", "Area"]
    assert axis.get_title() == "cortical\n7 staged people, model fraction 42%"
    assert axis.get_xlim() == (0.5, 4.5)  # places count from 1
    image = np.asarray(axis.images[0].get_array())
    assert (image[0, 0] < 1).any() and (image[0, 1] == 1).all() and (image[1, 1] < 1).any()


def test_clinical_figures_without_data_say_so():
    names = {1: "one", 2: "two"}
    for figure in (
        clinical.forest(pd.DataFrame(columns=["outcome", "contrast", "kind", "estimate"])),
        clinical.boxes(pd.DataFrame(), [], pd.Series(dtype=str), names),
        clinical.stage(pd.DataFrame(), [], pd.Series(dtype=str), pd.Series(dtype=float), names),
        clinical.survival(pd.DataFrame(columns=["outcome", "group", "years"]), pd.DataFrame(), [NORMAL]),
        clinical.transitions(pd.DataFrame(columns=["source", "target", "n"]), pd.DataFrame(), names),
    ):
        assert figure.axes[0].texts[0].get_text()


def test_forest_draws_every_interval_in_the_row_of_its_contrast():
    """Rows in another order for every outcome, all estimates different."""
    contrasts = {
        "one against the other subtypes": ("subtype", "one", "the other subtypes"),
        "two against the other subtypes": ("subtype", "two", "the other subtypes"),
        "one against two": ("subtype", "one", "two"),
        "stage, at the same subtype": ("stage", "", ""),
        "stage in one": ("stage", "one", ""),
        "any atrophy against none": ("atrophy", "any atrophy", "normal-appearing"),
    }
    values = {(o, c): 1.0 + i + 10 * j for j, o in enumerate("AB") for i, c in enumerate(contrasts)}
    rows = [
        {"outcome": o, "contrast": c, "method": m, "type": "ordinal", "effect": "OR", "estimate": values[o, c]}
        | {"low": values[o, c] / 2, "high": values[o, c] * 3}
        | dict(zip(("kind", "subtype", "against"), contrasts[c], strict=True))
        for o in "AB"
        for m in ("label", "weighted", "draws")
        for c in contrasts
    ]
    table = pd.DataFrame(rows)
    table.loc[0, ["estimate", "low", "high"]] = np.nan
    order = [*(c for c in contrasts if contrasts[c][2] == "the other subtypes"), "stage, at the same subtype"]
    order.append("any atrophy against none")
    table = pd.concat([table[table["outcome"] == "A"], table[table["outcome"] == "B"].iloc[::-1]])
    axes = {a.get_title(): a for a in clinical.forest(table).axes if a.get_title() in ("A", "B")}
    assert [t.get_text() for t in axes["A"].get_yticklabels()] == order
    for outcome, axis in axes.items():
        marks = [line for line in axis.lines if line.get_marker() in "oDs" and len(line.get_xdata())]
        assert sum(len(line.get_xdata()) for line in marks) == (11 if outcome == "A" else 12)
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
    figure = clinical.transitions(table.sample(frac=1, random_state=0), slopes, {1: "one", 2: "two"})
    left, stage, mean_z = (a for a in figure.axes if a.get_xlabel())
    rows = [t.get_text() for t in left.get_yticklabels()]
    columns = [t.get_text() for t in left.get_xticklabels()]
    drawn = {(rows[int(t.get_position()[1])], columns[int(t.get_position()[0])]): int(t.get_text()) for t in left.texts}
    assert left.get_ylabel() == "scan" and left.get_xlabel() == "next scan"
    assert {k: v for k, v in drawn.items() if v} == counts
    assert [list(line.get_xdata()) for line in stage.lines[:2]] == [[1.0, 4.0], [2.0]]
    assert mean_z.get_xlabel().startswith("mean z a year") and stage.get_yticklabels()[0].get_text() == "two (n = 9)"


def test_one_colour_per_subtype_everywhere():
    a, b = colours([NORMAL, "cortical", "spinal cord"]), colours([NORMAL, "subcortical", "cortical"])
    assert a["cortical"] == b["cortical"] and len(set(a.values()) | set(b.values())) == 4
    assert len(set(colours(["x", "y", "z"]).values())) == 3


def test_the_controls_correlation_stands_at_its_regions_with_its_counts():
    """Rows in any order; drawn in the order of the labels, the same on both sides of the diagonal."""
    table = pd.DataFrame(
        {
            "biomarker": ["b", "a", "b", "c", "c", "c"],
            "other": ["b", "a", "a", "b", "a", "c"],
            "n": [90, 100, 80, 60, 70, 75],
            "covariance": 0.1,
            "correlation": [1, 1, 0.6, -0.3, 0.1, 1],
            "n_controls": 120,
            "shrinkage": 0.034,
            "condition_number": 41.3,
        }
    )
    labels = pd.Series({"c": "Cord", "a": "Amygdala", "unmeasured": "Other", "b": "Brainstem"})
    figure = normative.covariance(table, labels)
    r, n = figure.axes[:2]
    assert [t.get_text() for t in r.get_xticklabels()] == ["Cord", "Amygdala", "Brainstem"]
    assert [t.get_text() for t in r.get_yticklabels()] == ["Cord", "Amygdala", "Brainstem"]
    drawn = np.ma.filled(r.collections[0].get_array().astype(float), np.nan).reshape(3, 3)
    np.testing.assert_array_equal(drawn, [[np.nan, 0.1, -0.3], [0.1, np.nan, 0.6], [-0.3, 0.6, np.nan]])
    np.testing.assert_array_equal(
        np.asarray(n.collections[0].get_array()).reshape(3, 3), [[75, 70, 60], [70, 100, 80], [60, 80, 90]]
    )
    assert r.collections[0].get_clim() == (-1, 1) and r.collections[0].get_cmap().name == "RdBu_r"
    assert r.get_title() == ("60 to 100 of 120 controls behind each, after shrinkage by 3.4%,\ncondition number 41.3")
    alone = normative.covariance(table.assign(n=120), labels)
    assert (
        alone.axes[0].get_title().startswith("120 of 120 controls behind each") and len(alone.axes) == 2
    )  # and its scale


def test_a_dollar_in_a_name_is_a_dollar(tmp_path):
    """Names are the user's: no formula in them, complete or broken, is set as one."""
    import matplotlib.pyplot as plt

    from neuraxis.figures import style  # noqa: F401  (its settings)

    figure, axes = plt.subplots()
    words = [axes.set_title("$x_$"), axes.set_xlabel(r"50 $ and \frac{"), axes.set_ylabel("$\\alpha$")]
    figure.savefig(tmp_path / "a.png")  # a broken formula would raise
    assert not any(w.get_parse_math() for w in words) and words[0].get_text() == "$x_$"
    plt.close(figure)
