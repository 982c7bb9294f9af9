"""Panels of survival: where curves end, what is at risk under which time, which panels have which names, and what is said below."""

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


def curve(
    outcome="death", split="stage", group="a", years=(0, 1, 2), at_risk=(40, 30, 20), survival=(1, 0.9, 0.7), low=None
):
    low = [v - 0.1 * (i > 0) for i, v in enumerate(survival)] if low is None else low
    return pd.DataFrame({"outcome": outcome, "split": split, "group": group, "years": np.array(years, float), "at_risk": at_risk, "survival": survival,
                         "low": low, "high": [min(1.0, v + 0.05) for v in survival], "n_events": [int(v < 1) for v in survival]})  # fmt: skip


NO_TESTS = pd.DataFrame(columns=["outcome", "split", "p", "n_events", "n", "n_smallest"])


def panels(table, cells=None, order=("a", "b"), tests=NO_TESTS, ratios=None):
    cells = list(dict.fromkeys(zip(table["outcome"], table["split"], strict=True))) if cells is None else cells
    return clinical._panels(table.sample(frac=1, random_state=0), tests, cells, list(order), ratios or {})


def risks(axis):
    """(years, row) to the number written there."""
    return {(float(t.get_position()[0]), int(t.get_position()[1])): t.get_text() for t in axis.texts}


def test_a_curve_is_a_step_with_its_band_and_the_numbers_at_risk_below():
    a = curve(years=(0, 0.5, 1.7, 2.6), at_risk=(40, 31, 12, 9), survival=(1, 0.9, 0.6, 0.5))
    b = curve(group="b", years=(0, 1, 1.5), at_risk=(25, 10, 3), survival=(1, 0.8, 0.1))
    figure = panels(pd.concat([a, b]))
    top, bottom = figure.axes
    tint = colours(["a", "b"])
    assert [(v.get_label(), v.get_color(), v.get_xydata().tolist(), v.get_drawstyle()) for v in top.lines] == [
        ("a", tint["a"], [[0, 1], [0.5, 0.9], [1.7, 0.6]], "steps-post"), ("b", tint["b"], [[0, 1], [1, 0.8]], "steps-post")
    ]  # fmt: skip
    band = top.collections[0].get_paths()[0].vertices
    assert (
        band[:, 1].min() == 0.5
        and band[:, 1].max() == 1
        and band[:, 0].max() == 1.7
        and (0.5, 0.95) in set(map(tuple, band.round(6)))
    )
    # half a year is the step of up to six; whoever is seen at that time or later is at risk
    assert bottom.get_xticks().tolist() == [0, 0.5, 1, 1.5]
    assert risks(bottom) == {
        (0, 0): "40",
        (0.5, 0): "31",
        (1, 0): "12",
        (1.5, 0): "12",
        (0, 1): "25",
        (0.5, 1): "10",
        (1, 1): "10",
        (1.5, 1): "3",
    }
    assert top.get_xlim() == pytest.approx((-0.06 * 1.7, 1.04 * 1.7)) == bottom.get_xlim() and bottom.get_ylim() == (
        1.5,
        -0.5,
    )
    assert (
        top.get_ylim() == pytest.approx((0.47, 1.02))
        and all(0.47 <= t <= 1 for t in top.get_yticks())
        and len(top.get_yticks()) > 2
    )
    assert [(p.get_y(), p.get_height(), to_hex(p.get_facecolor())) for p in bottom.patches] == [
        (-0.5, 1.0, tint["a"].lower()), (0.5, 1.0, tint["b"].lower())
    ]  # fmt: skip
    assert (top.get_ylabel(), bottom.get_xlabel(), top.get_title()) == ("without the event", "years", "death")
    assert (
        not any(bottom.spines[s].get_visible() for s in ("top", "right", "left"))
        and bottom.spines["bottom"].get_visible()
    )
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["a", "b"]
    # a head of a line of 6.5 points, two rows of words below
    line = 6.5 / 56
    assert tuple(figure.get_size_inches()) == pytest.approx((MIDDLE, 1.5 + 2 * 1.12 * line + 0.34 + line + 0.5))


@pytest.mark.parametrize(("low", "bottom"), [(0.98, 0.9), (0.5, 0.47), (0.01, 0.0)])
def test_the_axis_begins_below_the_lowest_band(low, bottom):
    figure = panels(curve(survival=(1, 0.99, 0.99), low=(1.0, low, 0.99)))
    assert figure.axes[0].get_ylim() == pytest.approx((bottom, 1.02))


@pytest.mark.parametrize(
    ("end", "step"),
    [(1.5, 0.25), (1.6, 0.5), (3.0, 0.5), (6.0, 1), (7.0, 2), (12.0, 2), (30.0, 5), (60.0, 10), (61.0, 20)],
)
def test_years_have_at_most_six_steps(end, step):
    figure = panels(curve(years=(0, end / 2, end)))
    ticks = figure.axes[1].get_xticks()
    assert ticks[1] == step and ticks[-1] <= end < ticks[-1] + step


def test_panels_of_an_outcome_share_their_scale_and_of_a_row_their_time():
    tables = [curve("x", "one", survival=(1, 0.95, 0.9), years=(0, 1, 4)), curve("x", "two", survival=(1, 0.5, 0.4), years=(0, 1, 2)),
              curve("y", "one", survival=(1, 0.8, 0.8), years=(0, 1, 9)), curve("z", "one", years=(0, 1, 3)), curve("z", "two", years=(0, 2, 5))]  # fmt: skip
    figure = panels(pd.concat(tables))
    tops = [a for a in figure.axes if a.lines]
    assert [a.get_title() for a in tops] == ["x", "x", "y", "z", "z"]
    assert [a.get_ylim()[0] for a in tops] == pytest.approx([0.27, 0.27, 0.67, 0.57, 0.57])
    assert [a.get_xlim()[1] for a in tops] == pytest.approx([1.04 * 9] * 3 + [1.04 * 5] * 2)
    assert [a.get_ylabel() for a in tops] == ["without the event", "", "", "without the event", ""]
    bottoms = [a for a in figure.axes if a.texts]
    # five panels, three in a row: the third of the first row is the lowest of its column
    assert [a.get_xlabel() for a in bottoms] == ["", "", "years", "years", "years"] and figure.get_figwidth() == PAGE
    assert [[t.get_text() for t in a.get_yticklabels()] for a in bottoms] == [["a"], [""], [""], ["a"], [""]]
    four = panels(pd.concat([t for t in tables if t["outcome"].iloc[0] != "y"]))
    assert four.axes[0].get_gridspec().get_geometry() == (4, 2) and figure.axes[0].get_gridspec().get_geometry() == (
        4,
        3,
    )
    assert panels(pd.concat(tables[:2])).axes[0].get_gridspec().get_geometry() == (2, 2)
    # an empty place has no axes
    assert sum(a.axison for a in figure.axes) == 10


def test_a_group_whose_curve_is_short_is_drawn_to_its_first_row_and_one_of_nobody_is_not():
    few = curve(group="b", at_risk=(8, 7, 6))
    figure = panels(
        pd.concat([curve(), few, curve(group="c", outcome="other", at_risk=(9, 9, 9))]),
        order=("c", "b", "a"),
        cells=[("death", "stage"), ("other", "stage")],
    )
    top, bottom = figure.axes
    assert [v.get_label() for v in top.lines] == ["b", "a"] and top.lines[0].get_xdata().tolist() == [0]
    assert [t.get_text() for t in bottom.get_yticklabels()] == ["b", "a"] and top.get_title() == "death"
    assert figure.legends[0].get_title().get_text() == "Not drawn, fewer than 10 at risk: other"
    nothing = panels(
        pd.concat(
            [
                curve(),
                curve("other", survival=(1, 1, 1)),
                curve("third", "stage in x", survival=(1, 1, 1)),
                curve("third", "stage"),
            ]
        )
    )
    assert nothing.legends[0].get_title().get_text() == "Not drawn, nobody had the event: other; x: third"
    assert [a.get_title() for a in nothing.axes if a.lines] == ["death", "third"]
    assert panels(few).nothing.startswith("No survival outcome")


def close_ones(n=12, splits=("stage in a", "stage in b"), skip=()):
    return pd.concat([curve(f"event {i}", s) for i in range(n) for s in splits if (i, s) not in skip])


def test_what_is_more_than_a_page_is_a_table_of_outcomes_by_groups():
    """A row an outcome, named at its left, a column a group, named above its first panel."""
    tests = pd.DataFrame(
        {
            "outcome": "event 1",
            "split": ["stage in a", "stage in b"],
            "p": [0.03, 0.5],
            "n_events": [31, 3],
            "n": 80,
            "n_smallest": 25,
        }
    )
    table = close_ones(6, ("stage", "stage in a", "stage in b"), skip={(0, "stage in b"), (3, "stage")})
    figure = panels(table, tests=tests)
    assert figure.axes[0].get_gridspec().get_geometry() == (12, 3)
    assert tuple(figure.get_size_inches()) == pytest.approx((PAGE, TALLEST))  # the curves have what words leave
    grid = np.array(figure.axes).reshape(12, 3)
    tops, bottoms = grid[::2], grid[1::2]
    assert [a.get_ylabel() for a in tops[:, 0]] == [f"event {i}" for i in range(6)] and {
        a.get_ylabel() for a in tops[:, 1:].ravel()
    } == {""}
    assert [a.get_title() for a in tops[0]] == ["all staged people", "a", ""]
    assert [a.get_title() for a in tops[1]] == ["", "p = 0.03; 31 events of 80", "b\ntoo few events; 3 events of 80"]
    assert (
        not tops[0, 2].lines
        and not tops[3, 0].lines
        and tops[3, 0].axison
        and not tops[3, 0].spines["left"].get_visible()
    )
    assert figure.get_supylabel() == "without the event"
    # named at the left alone, also where the first panel of a row is none
    assert [t.get_text() for t in bottoms[1, 0].get_yticklabels()] == ["a"] and [
        t.get_text() for t in bottoms[3, 1].get_yticklabels()
    ] == ["a"]
    assert [t.get_text() for t in bottoms[3, 2].get_yticklabels()] == [""]
    note = figure.legends[0].get_title().get_text()
    assert note == "p: log-rank test; too few: the log-rank test is not told; events of staged people"
    assert [a.get_xlabel() for a in bottoms[-1]] == ["years"] * 3 and bottoms[-2, 0].get_xlabel() == ""
    assert tops[1, 0].get_xlim()[1] == pytest.approx(2.08) and bottoms[1, 0].get_xticks().tolist() == [
        0,
        0.5,
        1,
        1.5,
        2,
    ]


def test_of_five_groups_panels_follow_one_another_four_in_a_row():
    figure = panels(close_ones(6, [f"stage in g{i}" for i in range(5)]))
    assert figure.axes[0].get_gridspec().get_geometry() == (16, 4)
    grid = np.array(figure.axes).reshape(16, 4)
    assert [a.get_title() for a in grid[0]] == [f"g{i}: event 0" for i in range(4)] and grid[
        2, 0
    ].get_title() == "g4: event 0"
    assert not grid[14, 2].axison and grid[14, 1].axison and figure.get_figheight() <= TALLEST + 1e-6


RATIO = {"outcome": "death", "method": "weighted", "kind": "subtype", "type": "survival", "subtype": "one", "against": "the other subtypes",
         "estimate": 1.234, "low": 1.0, "high": 2.5, "q": 0.04, "reportable": True, "n_group": 12, "n_against": 30, "n_events": 9, "unit": ""}  # fmt: skip


def by_subtype(*effects, tests=NO_TESTS, split="subtype"):
    table = pd.concat(
        [curve(split=split, group=g) for g in (NORMAL, "one", "two")] + [curve(split="stage", group="late stages")]
    )
    g = given(clinical__survival=table, clinical__logrank=tests, clinical__associations=pd.DataFrame(list(effects)))
    return clinical.survival_by_subtype(g)


def test_what_a_hazard_ratio_compares_is_said_below():
    told = "HR: hazard ratio with 95 % interval, adjusted as the outcome is declared"
    one = by_subtype(RATIO, RATIO | {"kind": "atrophy", "subtype": "any atrophy", "against": NORMAL, "estimate": 3.0})
    assert one.axes[0].get_title() == "death\nHR one 1.23 (1.00 to 2.50)\nHR any atrophy 3.00 (1.00 to 2.50)"
    assert " ".join(one.legends[0].get_title().get_text().split("\n")) == (
        f"{told}; a subtype's is against the other subtypes at the same stage, any atrophy's against none"
    )
    pair = by_subtype(RATIO | {"against": "two"})
    assert "; of one subtype against another at the same stage" in pair.legends[0].get_title().get_text().replace(
        "\n", " "
    )
    assert by_subtype().legends[0].get_title().get_text() == ""
    later = given(clinical__survival=curve(group="late stages"), clinical__logrank=NO_TESTS,
                  clinical__associations=pd.DataFrame([RATIO | {"kind": "stage", "subtype": "", "against": "", "unit": "2 stages"}]))  # fmt: skip
    figure = clinical.survival_by_stage(later)
    assert (
        figure.axes[0].get_title() == "death\nHR later stage per 2 stages 1.23 (1.00 to 2.50)"
        and figure.legends[0].get_title().get_text() == told
    )


def test_thirds_are_drawn_within_subtypes_where_there_are_several():
    table = pd.concat(
        [curve(split=s, group="late stages") for s in ("stage in two", "stage", "stage in one", "subtype")]
    )
    two = clinical.survival_by_stage(given(clinical__survival=table, clinical__logrank=NO_TESTS))
    # all together first, then by the people of each subtype
    assert [a.get_title() for a in two.axes if a.lines] == ["death", "one: death", "two: death"]
    one = clinical.survival_by_stage(given(("one",), (1,) * 6, clinical__survival=table, clinical__logrank=NO_TESTS))
    assert [a.get_title() for a in one.axes if a.lines] == ["death"]


def treated(k, names, subtype, *rows):
    effects = pd.DataFrame(rows, columns=["subtype", "treatment", "estimate", "low", "high", "reportable"]).assign(
        outcome="death", reference="none", n=77, n_events=1
    )
    table = pd.concat([curve(split=f"treatment in {n}", group=g) for n in names for g in ("none", "x", "y")])
    g = given(
        names,
        subtype,
        clinical__treatment_survival=table,
        clinical__treatment_logrank=NO_TESTS,
        clinical__treatment=effects,
        k=k,
    )
    return clinical.survival_by_treatment(g)


def test_treatments_are_told_in_the_panel_of_their_people():
    rows = [("one", "x", 0.5, 0.2, 0.9, True), ("one", "y", 0.7, 0.3, 1.1, True), ("two", "x", 0.4, 0.1, 0.6, False), ("two", "y", np.nan, np.nan, np.nan, True),
            (np.nan, "x", 9.0, 8.0, 10.0, True), ("one", "", 6.0, np.nan, np.nan, True)]  # fmt: skip
    figure = treated(2, ("one", "two"), (1, 1, 1, 2, 2, 1), *rows)
    assert [a.get_title() for a in figure.axes if a.lines] == [
        "one: death\nHR v. none, 1 event of 77:\nx 0.50 (0.20 to 0.90)\ny 0.70 (0.30 to 1.10)",
        "two: death",
    ]
    assert "with the people and events of its model" in figure.legends[0].get_title().get_text().replace("\n", " ")
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["none", "x", "y"]
    # of one order those of everyone are its own
    alone = treated(1, ("with atrophy",), (1,) * 6, *rows[4:5])
    assert [a.get_title() for a in alone.axes if a.lines] == [
        "with atrophy: death\nHR v. none, 1 event of 77:\nx 9.00 (8.00 to 10.00)"
    ]
