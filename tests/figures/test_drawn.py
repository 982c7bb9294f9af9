"""What is drawn, read back from the figure: colours, rows, sides, numbers, each against an asymmetric table."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch

from neuraxis.clinical.outcomes import declare
from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.figures import clinical, maps, model, normative
from neuraxis.figures.brain import draw_brain, structures
from neuraxis.figures.style import colours, finish

NORMAL = "normal-appearing"
LABELS = pd.Series({"thalamus": "Thalamus", "cord_csa": "Cord"})


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


def table_of(groups: dict, column: str) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"group": g, "biomarker": b, "n": 12 + i, "mean_z": np.nan, "t": np.nan, column: v}
            for i, (g, values) in enumerate(groups.items())
            for b, v in values.items()
        ]
    ).sample(frac=1, random_state=3)


def test_abnormal_is_red_and_better_than_normal_blue(where):
    groups = {
        NORMAL: {"thalamus": 0.0, "cord_csa": 0.1},
        "one": {"thalamus": 3.0, "cord_csa": -2.0},
        "two": {"thalamus": -1.0, "cord_csa": 2.2},
    }
    figure = maps.brain_mean_z(table_of(groups, "mean_z"), {1: "one", 2: "two"}, where, LABELS)
    assert titles(figure)[:3] == [f"{NORMAL} (n = 12)", "one (n = 13)", "two (n = 14)"]
    scale = plt.get_cmap("RdBu_r")
    for axis, values in zip(figure.axes, groups.values(), strict=False):
        shown = {to_hex(c) for c in painted(axis)}
        for v in values.values():
            assert to_hex(scale((v + 3) / 6)) in shown
    assert warm(scale(0.99)) and figure.axes[-1].get_ylim() == (-3, 3)
    assert "positive: abnormal" in figure.axes[-1].get_ylabel()


def test_t_has_one_scale_with_more_abnormal_in_warm_colours(where):
    groups = {NORMAL: {"thalamus": np.nan, "cord_csa": np.nan}, "one": {"thalamus": 4.2, "cord_csa": -1.0}}
    groups["two"] = {"thalamus": -3.0, "cord_csa": 2.0}
    figure = maps.brain_t(table_of(groups, "t"), {1: "one", 2: "two"}, where, LABELS)
    assert titles(figure)[:2] == ["one against the other subtypes", "two against the other subtypes"]
    scale = plt.get_cmap("PuOr_r")
    assert figure.axes[-1].get_ylim() == (-5, 5) and warm(scale(0.9)) != warm(scale(0.1))
    for axis, g in zip(figure.axes, ("one", "two"), strict=False):
        shown = {to_hex(c) for c in painted(axis)}
        assert {to_hex(scale((v + 5) / 10)) for v in groups[g].values()} <= shown
    alone = maps.brain_t(
        table_of({"one": groups["one"], "two": groups[NORMAL]}, "t"), {1: "one", 2: "two"}, where, LABELS
    )
    assert titles(alone)[1] == "two against the other subtypes: too few people"
    assert "Circular" in alone.get_supxlabel()


def test_the_course_darkens_with_z_and_counts_who_came_so_far(where):
    curve = pd.DataFrame(
        [
            {"subtype": c, "stage": s, "biomarker": b, "z": s * (1 if (b == "thalamus") == (c == 1) else 0.5)}
            for c in (1, 2)
            for s in range(1, 6)
            for b in LABELS.index
        ]
    )
    people = pd.DataFrame({"oof_subtype": [1, 1, 1, 2, 2, 1], "oof_stage": [1, 3, 5, 2, 5, 0]})
    figure = maps.progression(curve, people, {1: "one", 2: "two"}, where, LABELS)
    stages = sorted({1, *np.quantile([1, 3, 5, 2, 5], [0.25, 0.5, 0.75, 0.9, 1]).round().astype(int)})
    heads = titles(figure)
    assert heads[0] == "one\nstage 1 (n = 3 here or later)" and heads[1] == "two\nstage 1 (n = 2 here or later)"
    assert [h.splitlines()[-1] for h in heads[:-1:2]] == [
        f"stage {s} (n = {sum(v >= s for v in (1, 3, 5))} here or later)" for s in stages
    ]
    scale, top = plt.get_cmap("magma_r"), float(curve["z"].quantile(0.98))
    last = figure.axes[2 * len(stages) - 2]
    assert to_hex(scale(min(5 / top, 1.0))) in {to_hex(c) for c in painted(last)}
    assert to_hex(scale(2.5 / top)) in {to_hex(c) for c in painted(last)}
    assert sum(scale(0.9)[:3]) < sum(scale(0.1)[:3]) and figure.axes[-1].get_ylabel() == "expected z"


def test_mean_z_as_numbers_stands_in_its_row_and_column():
    groups = {"two": {"cord_csa": -1.0, "thalamus": 2.0}, NORMAL: {"cord_csa": 0.3, "thalamus": 0.4}}
    groups["one"] = {"cord_csa": 1.1, "thalamus": -2.2}
    axis = maps.mean_z(table_of(groups, "mean_z"), {1: "one", 2: "two"}, LABELS).axes[0]
    columns = [t.get_text() for t in axis.get_xticklabels()]
    assert columns == [f"{NORMAL}\n(n = 13)", "one\n(n = 14)", "two\n(n = 12)"]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["Thalamus", "Cord"]
    assert [t.get_text() for t in axis.texts] == ["0.4", "-2.2", "2.0", "0.3", "1.1", "-1.0"]
    mesh = axis.collections[0]
    assert mesh.get_clim() == (-3, 3) and warm(mesh.to_rgba(2.5)) and not warm(mesh.to_rgba(-2.5))


def test_sites_before_and_after_their_term_stand_on_their_side():
    rows = [
        {"biomarker": b, "check": "site", "part": s, "mean": m, "harmonisation": when}
        for when, sign in (("after", 0.1), ("before", 1.0))
        for b, values in (("b", (0.5, -0.3)), ("a", (0.2, 0.4)))
        for s, m in zip(("s1", "s2"), np.multiply(values, sign), strict=True)
    ]
    diagnostics = pd.DataFrame([*rows, {"biomarker": "a", "check": "sex", "part": "F", "mean": 9.0}])
    z = pd.DataFrame({"a": np.linspace(-2, 2, 30), "b": np.linspace(-4, 4, 30)})
    figure = normative.normative(z, diagnostics, pd.Series({"a": "A", "b": "B", "unmeasured": "U"}))
    before, after, quantiles = (a for a in figure.axes if a.get_title())
    assert before.get_title() == "Mean by site, before site term" and after.get_title().endswith("after site term")
    drawn = np.asarray(before.collections[0].get_array()).reshape(2, 2)
    assert drawn.tolist() == [[0.2, 0.4], [0.5, -0.3]]
    assert np.allclose(np.asarray(after.collections[0].get_array()).reshape(2, 2), drawn / 10)
    for axis in (before, after):
        assert [t.get_text() for t in axis.get_yticklabels()] == ["A", "B"]
        assert [t.get_text() for t in axis.get_xticklabels()] == ["s1", "s2"]
        mesh = axis.collections[0]
        assert mesh.get_clim() == (-0.6, 0.6) and warm(mesh.to_rgba(0.5)) and not warm(mesh.to_rgba(-0.5))
    assert quantiles.lines[1].get_ydata().max() == 4 and quantiles.lines[0].get_ydata().max() == 2
    one = normative.normative(z, diagnostics[diagnostics["harmonisation"] == "after"], pd.Series({"a": "A", "b": "B"}))
    assert [a.get_title() for a in one.axes if a.get_title()][0] == "Mean by site"


def test_similarity_is_symmetric_and_named_by_disease():
    table = pd.DataFrame(
        [
            ("NMOSD", "x", "MS", "y", 0.7),
            ("NMOSD", "x", "MS", "z", -0.4),
            ("MS", "y", "MS", "z", 0.1),
        ],
        columns=["disease_a", "name_a", "disease_b", "name_b", "tau"],
    ).assign(tau_chance=0.25)
    axis = clinical.similarity(table).axes[0]
    names = [t.get_text() for t in axis.get_xticklabels()]
    assert names == ["MS y", "MS z", "NMOSD x"] == [t.get_text() for t in axis.get_yticklabels()]
    drawn = np.ma.filled(axis.collections[0].get_array().astype(float), np.nan).reshape(3, 3)
    np.testing.assert_array_equal(drawn, [[np.nan, 0.1, 0.7], [0.1, np.nan, -0.4], [0.7, -0.4, np.nan]])
    assert axis.collections[0].get_cmap().name == "RdBu_r" and axis.collections[0].get_clim() == (-1, 1)
    assert axis.get_title() == "Event orders (two random ones: 0.25)"


def test_selection_marks_the_chosen_k_with_its_error_bars():
    table = pd.DataFrame(
        {
            "model": ["everyone healthy", "1 subtype", "2 subtypes", "3 subtypes", "one multivariate normal"],
            "n_subtypes": [0, 1, 2, 3, -1],
            "gap_cvic": [70.0, 40, 0, 8, 25],
            "gap_se": [30.0, 20, 0, 5, 90],
            "chosen": [False, True, False, False, False],
        }
    )
    folds = pd.DataFrame({"fold": [0, 1], "n_people": [5, 6], "k0": [-90.0, -80]})
    folds = folds.assign(k1=[-10.0, -12], k2=[-4.0, -9], k3=[-7.0, -3])
    left, right = model.selection(table, folds).axes
    points = left.collections[-1]
    offsets = {int(x): y for x, y in points.get_offsets()}
    assert offsets == {0: 70, 1: 40, 2: 0, 3: 8}
    filled = [
        int(x) for (x, _), c in zip(points.get_offsets(), points.get_facecolor(), strict=True) if to_hex(c) != "#ffffff"
    ]
    assert filled == [1]
    bars = [c for c in left.collections if hasattr(c, "get_segments")][0].get_segments()
    assert {int(b[0][0]): (b[0][1], b[1][1]) for b in bars} == {0: (40, 100), 1: (20, 60), 2: (0, 0), 3: (3, 13)}
    line = next(line for line in left.lines if line.get_label() == "one multivariate normal")
    assert set(line.get_ydata()) == {25}
    per_fold = sorted([line.get_ydata().tolist() for line in right.lines[:2]])
    assert per_fold == [[-4.0, -1.0, 5.0], [-3.0, 3.0, 0.0]]
    assert right.lines[2].get_ydata().tolist() == [-3.5, 1.0, 2.5] and right.lines[2].get_xdata().tolist() == [1, 2, 3]


def labelled():
    return pd.DataFrame(
        {
            "oof_subtype": [1, 2, 3, 1, 2],
            "oof_stage": [3, 0, 2, 1, 4],
            "oof_expected_stage": [3.1, 0.4, 2.2, 1.3, 4.5],
            "oof_p_subtype1": [0.7, 0.1, 0.2, 0.5, 0.15],
            "oof_p_subtype2": [0.2, 0.8, 0.1, 0.2, 0.6],
            "oof_p_subtype3": [0.1, 0.1, 0.7, 0.3, 0.25],
        }
    )


def test_certainty_is_drawn_in_the_colour_of_the_own_subtype():
    names = {1: "cortical", 2: "spinal cord", 3: "subcortical"}
    tint = colours([NORMAL, *names.values()])
    axis = model.probability(labelled(), names).axes[0]
    drawn = {c.get_label(): (c.get_offsets().tolist(), to_hex(c.get_facecolor()[0][:3])) for c in axis.collections}
    assert drawn["cortical"] == ([[3.1, 0.7], [1.3, 0.5]], tint["cortical"].lower())
    assert drawn["spinal cord"] == ([[4.5, 0.6]], tint["spinal cord"].lower())
    assert drawn[NORMAL] == ([[0.4, 0.8]], tint[NORMAL].lower())
    figure = model.ternary(labelled(), names)
    axis = figure.axes[0]
    counts = {c.get_label(): len(c.get_offsets()) for c in axis.collections}
    assert counts == {f"{NORMAL} (n = 1)": 1, "cortical (n = 2)": 2, "spinal cord (n = 1)": 1, "subcortical (n = 1)": 1}
    assert (axis.get_tlabel(), axis.get_llabel(), axis.get_rlabel()) == tuple(names.values())


def outcomes():
    return [
        declare(name="EDSS", column="edss", type="ordinal"),
        declare(name="relapses", column="relapses", type="count", exposure="years"),
        declare(name="worse", column="worse", type="binary"),
    ]


PEOPLE = pd.DataFrame(
    {
        "edss": [1.0, 2, 3, 4, 5, 6, np.nan],
        "relapses": [2, 4, 0, 1, 6, 8, 1],
        "years": [1.0, 2, 5, 2, 3, 2, 1],
        "worse": [1, 0, 1, 1, 0, 0, 1],
    },
    index=[f"p{i}" for i in range(7)],
)
GROUP = pd.Series(["b", NORMAL, "a", "b", "a", "b", "b"], PEOPLE.index)


def test_groups_hold_their_own_people():
    figure = clinical.boxes(PEOPLE, outcomes(), GROUP, {1: "a", 2: "b"})
    axes = {a.get_title(): a for a in figure.axes if a.get_title()}
    assert list(axes) == ["EDSS", "relapses a year", "worse"]
    for axis in axes.values():
        assert [t.get_text() for t in axis.get_xticklabels()] == [NORMAL, "a", "b"]
    tint = colours([NORMAL, "a", "b"])
    points = {line.get_color(): sorted(line.get_ydata().tolist()) for line in axes["EDSS"].lines}
    assert points == {tint[NORMAL]: [2], tint["a"]: [3, 5], tint["b"]: [1, 4, 6]}
    rates = {line.get_color(): sorted(line.get_ydata().tolist()) for line in axes["relapses a year"].lines}
    assert rates == {tint[NORMAL]: [2], tint["a"]: [0, 2], tint["b"]: [0.5, 1, 2, 4]}
    assert axes["relapses a year"].get_yscale() == "symlog"
    assert [p.get_height() for p in axes["worse"].patches] == [0, 0.5, 0.75]
    assert [t.get_text() for t in axes["worse"].texts] == ["0/1", "1/2", "3/4"]


def test_stage_is_drawn_within_every_subtype():
    expected = pd.Series([0.5, 9.0, 1.5, 2.5, 3.5, 4.5, 5.5], PEOPLE.index)
    figure = clinical.stage(PEOPLE, outcomes(), GROUP, expected, {1: "a", 2: "b"})
    axes = np.array(figure.axes).reshape(2, 2)
    assert [a.get_title() for a in axes[0]] == ["a", "b"] and [a.get_ylabel() for a in axes[:, 0]] == [
        "EDSS", "relapses a year",
    ]  # fmt: skip
    assert axes[0, 1].lines[0].get_xdata().tolist() == [0.5, 2.5, 4.5]
    assert axes[0, 1].lines[0].get_ydata().tolist() == [1, 4, 6]
    assert axes[1, 0].lines[0].get_ydata().tolist() == [0, 2] and axes[1, 0].texts[0].get_text() == "n = 2"


def test_survival_curves_have_their_groups_band_test_and_risk():
    curves = pd.DataFrame(
        [
            ("b", 0.0, 1.0, 1.0, 1.0, 9),
            ("b", 2.0, 0.5, 0.3, 0.7, 4),
            ("a", 0.0, 1.0, 1.0, 1.0, 6),
            ("a", 1.0, 0.8, 0.6, 0.9, 5),
        ],
        columns=["group", "years", "survival", "low", "high", "at_risk"],
    ).assign(outcome="worsening")
    tests = pd.DataFrame({"outcome": ["other", "worsening"], "p": [0.9, 0.031], "reason": "", "n_events": [3, 17]})
    figure = clinical.survival(curves, tests, [NORMAL, "a", "b"])
    top, bottom = figure.axes
    assert top.get_title() == "worsening\n(staged people: log-rank p = 0.031, 17 events)"
    drawn = {
        line.get_label(): (line.get_xdata().tolist(), line.get_ydata().tolist(), line.get_color()) for line in top.lines
    }
    tint = colours([NORMAL, "a", "b"])
    assert drawn == {"a": ([0, 1], [1, 0.8], tint["a"]), "b": ([0, 2], [1, 0.5], tint["b"])}
    bands = [c.get_paths()[0].vertices[:, 1] for c in top.collections]
    assert (bands[0].min(), bands[1].min()) == (0.6, 0.3) and bands[1].max() == 1
    assert [t.get_text() for t in bottom.get_yticklabels()] == ["a", "b"]
    risk = {(float(t.get_position()[0]), int(t.get_position()[1])): t.get_text() for t in bottom.texts}
    assert risk[0, 0] == "6" and risk[0, 1] == "9" and risk[1, 0] == "5" and risk[1, 1] == "4" and risk[2, 0] == "0"
    none = clinical.survival(curves, tests.assign(p=np.nan, reason="one group"), ["a", "b"]).axes[0].get_title()
    assert none == "worsening\n(one group, 17 events)"


def test_only_simulated_people_are_called_so(tmp_path):
    for simulated in (True, False):
        figure, _ = plt.subplots()
        finish(figure, "MS", simulated, tmp_path / f"{simulated}.png")
        assert figure.get_suptitle() == ("MS - SIMULATED DATA" if simulated else "MS")


def test_a_region_without_a_value_stays_grey(where):
    figure, axis = plt.subplots()
    scale = plt.get_cmap("viridis")
    draw_brain(axis, {"thalamus": 0.0}, where, scale, plt.Normalize(0, 1))
    shown = {to_hex(c) for c in painted(axis)}
    assert to_hex(scale(0.0)) in shown and to_hex(scale(1.0)) not in shown
