"""What a model and a cross-validation show of themselves."""

import sys

import numpy as np
import pandas as pd
import pytest

from neuraxis.biomarkers import read_biomarkers
from neuraxis.errors import InputError, counted
from neuraxis.home import workflow_home
from neuraxis.progress import hidden_bar
from neuraxis.sustain import ZScoreEvents, cross_validate, fit


@pytest.fixture(scope="module")
def data():
    """40 people of whom half lose the thalamus first and half the frontal lobe; a column of the user's own beside them."""
    rng = np.random.default_rng(5)
    stage = rng.integers(0, 4, 40)
    z = rng.normal(0, 0.5, (40, 2))
    z[np.arange(40), np.arange(40) % 2] += stage
    table = pd.DataFrame(z, columns=["thalamus", "frontal"])
    return table.assign(note="x"), ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])


@pytest.fixture(scope="module")
def model(data):
    return fit(*data, 2, covariance="independent", n_samples=300, n_chains=2, n_startpoints=2)


def drawn(figure):
    assert figure._repr_png_().startswith(b"\x89PNG")
    return figure


def test_repr_is_short_and_says_what_it_is(model, data):
    assert repr(model).startswith("SustainModel(2 subtypes, 3 events, 2 biomarkers, log-likelihood -")
    assert f"{model.draws.log_likelihood.size} draws" in repr(model) and len(repr(model)) < 120
    html = model._repr_html_()
    first = model.event_order().sort_values("mean_position").query("subtype == 1").iloc[0]
    assert f"{first['biomarker']} {first['threshold']:g}" in html and f"{model.fractions[0]:.0%}" in html
    bare = fit(*data, 1, covariance="independent", n_samples=0, n_startpoints=1)
    assert "no draws" in repr(bare) and "1 subtype," in repr(bare) and "<table" not in bare._repr_html_()


def test_positional_variance_and_order(model):
    figure = drawn(model.plot.positional_variance(names={1: "deep"}, labels={"thalamus": "Thalamus"}))
    assert [a.get_title().split("\n")[0] for a in figure.axes[:2]] == ["deep", "subtype 2"]
    assert f"{model.fractions[1]:.0%}" in figure.axes[1].get_title()
    assert "Thalamus" in [t.get_text() for t in figure.axes[0].get_yticklabels()]
    order = model.event_order()
    figure = drawn(model.plot.event_order())
    for c, axis in enumerate(figure.axes, 1):
        part = order[order["subtype"] == c].sort_values("mean_position", kind="stable")
        assert np.allclose(axis.lines[0].get_xdata(), part["mean_position"]) and axis.yaxis_inverted()
        texts = [t.get_text() for t in axis.get_yticklabels()]
        assert texts == [f"{b} z = {t:g}" for b, t in zip(part["biomarker"], part["threshold"], strict=True)]


def test_progression_draws_the_models_table(model):
    table = model.progression()
    figure = drawn(model.plot.progression())
    assert {t.get_rotation() for axis in figure.axes for t in axis.get_yticklabels()} == {
        0.0
    }  # to be read, not over one another
    for c in (1, 2):
        wide = (
            table[table["subtype"] == c]
            .pivot(index="biomarker", columns="stage", values="z")
            .loc[["thalamus", "frontal"]]
        )
        assert np.allclose(np.ma.filled(figure.axes[c - 1].collections[0].get_array()).reshape(wide.shape), wide)


def test_brain_at_a_stage(model):
    figure = drawn(model.plot.brain(stage=3))
    assert figure.axes[0].get_title(loc="left").split("\n")[0] == "subtype 1, stage 3 of 3"
    assert "stage 2 of 3" in drawn(model.plot.brain()).axes[0].get_title(loc="left")
    with pytest.raises(InputError, match="stage 4: the model has stages 1 to 3"):
        model.plot.brain(stage=4)
    for stage in ("x", 1.5):
        with pytest.raises(InputError, match="stage must be a whole number"):
            model.plot.brain(stage=stage)


@pytest.mark.parametrize("settled", [True, False])
def test_what_unsettled_chains_drew_is_marked_on_every_panel(data, settled):
    X, events = data
    length = {"n_samples": 4000, "n_chains": 4} if settled else {"n_samples": 20, "n_chains": 2}
    model = fit(X, events, 1, covariance="independent", n_startpoints=2, **length)
    worst, least = (model.diagnostics()[c] for c in ("r_hat", "ess"))
    assert (worst.max() <= 1.01 and least.min() >= 400) == settled
    plot = model.plot
    for figure in (
        plot.positional_variance(),
        plot.event_order(),
        plot.progression(),
        plot.brain(),
        plot.assignments(X),
    ):
        axis = figure.axes[0]
        said = [axis.get_title(), axis.get_title(loc="left"), *(t.get_text() for t in axis.texts)]
        assert any("did not converge" in text.replace("\n", " ") for text in said) != settled


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("healthy", [True, False])
def test_assignments_count_everyone_once(data, k, healthy):
    X, events = data
    model = fit(X, events, k, covariance="independent", healthy=healthy, n_samples=0, n_startpoints=2)
    table = model.assign(X)
    figure = drawn(model.plot.assignments(X, names={1: "deep"}))
    normal, *subtypes = figure.axes[0].containers
    assert len(subtypes) == k and normal[0].get_height() == table["normal_appearing"].sum()
    assert normal[0].get_x() + normal[0].get_width() < subtypes[0][0].get_x()  # apart from all stages
    staged = table[~table["normal_appearing"]]
    for c, bars in enumerate(subtypes, 1):
        mine = staged.loc[staged["subtype"] == c, "stage"]
        assert [b.get_height() for b in bars] == [int((mine == s).sum()) for s in range(1, events.n_events + 1)]
    said = [t.get_text() for t in figure.legends[0].get_texts()]
    assert said[0] == f"normal-appearing (n = {table['normal_appearing'].sum()})"
    assert said[1] == f"deep (n = {int((staged['subtype'] == 1).sum())})"
    assert sum(int(t.split("n = ")[1][:-1]) for t in said) == len(X) == 40


def test_brain_names_the_levels_that_the_cord_was_measured_over():
    """Those that are given, or the study's, or of the label of one's own definition; none where nobody knows."""
    events = ZScoreEvents([[1.0], [1.0]], [3.0, 3.0], biomarkers=["cord_csa", "thalamus"])
    z = np.random.default_rng(1).normal(1, 1, (30, 2))
    model = fit(z, events, 1, covariance="independent", n_samples=100, n_chains=1, n_startpoints=1)
    defined = read_biomarkers(workflow_home() / "resources/biomarkers.tsv")

    def levels(**given):
        return [t.get_text() for t in model.plot.brain(**given).axes[0].texts]

    assert levels() == []
    assert levels(cord_levels=[4, 3]) == ["C3", "C4"]
    assert levels(biomarkers=defined) == ["C1", "C2", "C3"]
    defined.loc[defined["kind"] == "cord", "label"] = "Cord area C7-T1"
    assert levels(biomarkers=defined) == ["C7", "T1"]
    model.settings["cord_levels"] = [2, 3]  # as a study's model says
    assert levels(biomarkers=defined) == levels() == ["C2", "C3"] and levels(cord_levels=[5]) == ["C5"]


def test_nothing_to_draw_is_said(data):
    healthy = fit(*data, 0, covariance="independent", n_samples=0)
    for draw in (
        healthy.plot.progression,
        healthy.plot.event_order,
        healthy.plot.positional_variance,
        healthy.plot.brain,
    ):
        assert "healthy people alone" in drawn(draw()).axes[0].texts[0].get_text()
    assert "healthy people alone" in drawn(healthy.plot.assignments(data[0])).axes[0].texts[0].get_text()


def test_cross_validation(data):
    found = cross_validate(*data, 2, folds=2, covariance="independent", n_samples=100, n_chains=1, n_startpoints=1)
    assert repr(found).startswith(
        "CrossValidation(40 people, 2 folds, chosen "
    ) and f"chosen {found.selection['variant'].iloc[0]}: {counted(found.chosen(), 'subtype')})" in repr(found)
    assert found._repr_html_().count("<tr") == len(found.selection) + 1
    figure = drawn(found.plot())
    gap = found.selection.set_index("n_subtypes")["gap_cvic"]
    dots = {(round(float(x)), round(float(y), 6)) for x, y in figure.axes[0].collections[-1].get_offsets()}
    assert dots <= {(k, round(float(v), 6)) for k, v in gap.items()} and len(dots) >= 1


def test_progress_shows_in_notebooks_and_terminals_unless_told(monkeypatch):
    """Elsewhere tqdm looks for a terminal (None), and the log says how far a fit is."""
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert [hidden_bar(told) for told in (None, True, False)] == [None, False, True]
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    assert [hidden_bar(told) for told in (None, True, False)] == [False, False, True]
