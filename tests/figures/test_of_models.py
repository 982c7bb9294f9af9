"""Figures of a model or a cross-validation in place of a study's tables."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from neuraxis.errors import InputError, ModelError
from neuraxis.figures import clinical, maps, model
from neuraxis.figures.declared import ALL
from neuraxis.figures.given import Given, given_of
from neuraxis.figures.study import function_of
from neuraxis.labels import NORMAL
from neuraxis.sustain import ZScoreEvents, cross_validate, fit
from neuraxis.sustain.study import variance_table

NAMES = {1: "deep", 2: "outer"}
INDEPENDENT = {"covariance": "independent", "n_startpoints": 2}


@pytest.fixture(scope="module")
def people():
    """80 people of whom half lose the thalamus first and half the frontal lobe, by the names they have in a table."""
    rng = np.random.default_rng(5)
    z = rng.normal(0, 0.5, (80, 2))
    z[np.arange(80), np.arange(80) % 2] += rng.integers(0, 4, 80)
    return pd.DataFrame(z, columns=["thalamus", "frontal"], index=[f"p{i}" for i in range(80)])


@pytest.fixture(scope="module")
def events():
    return ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])


@pytest.fixture(scope="module")
def fitted(people, events):
    return fit(people, events, 2, n_samples=300, n_chains=2, **INDEPENDENT)


@pytest.fixture(scope="module")
def found(people, events):
    return cross_validate(people, events, 2, folds=2, n_samples=100, n_chains=1, **INDEPENDENT)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def titles(figure):
    return [a.get_title() or a.get_title(loc="left") for a in figure.axes]


def of_tables(name, fitted, found, people):
    """The figure of the tables as a study would have them, made without `given_of`."""
    assigned = found.out_of_fold(fitted).add_prefix("oof_").rename_axis("participant_id").reset_index()
    staged = assigned[~assigned["oof_normal_appearing"]]["oof_subtype"]
    known = pd.DataFrame({"subtype": [1, 2], "name": ["deep", "outer"]})
    known["n_staged_oof"] = [int((staged == c).sum()) for c in (1, 2)]
    tables = {
        "names": known,
        "subtypes": assigned,
        "selection": found.selection,
        "progression": fitted.progression(),
        "diagnostics": fitted.diagnostics(),
        "positional_variance": variance_table(fitted, found.models_of(2)),
    }
    labels = pd.Series({"thalamus": "Thalamus", "frontal": "frontal"})
    where = given_of(fitted).where
    traces = fitted.draws.log_likelihood
    return function_of(ALL[name])(
        Given(tables=tables, labels=labels, where=where, traces=traces, n_subtypes=2, cord_levels=())
    )


def same(one, other):
    """Whether two figures have the same points, bars, pictures and words."""

    def content(figure):
        out = [t.get_text() for t in figure.findobj(plt.Text)]
        for axis in figure.axes:
            out += [np.asarray(line.get_xydata()).tolist() for line in axis.lines]
            out += [p.get_path().vertices.tolist() for p in axis.patches]
            out += [np.ma.filled(i.get_array(), -1).tolist() for i in axis.images]
            out += [np.asarray(c.get_offsets()).tolist() for c in axis.collections]
        return out

    return content(one) == content(other)


@pytest.mark.parametrize(
    "name",
    [
        "positional_variance",
        "positional_variance_folds",
        "progression",
        "stages",
        "probability",
        "ternary",
        "convergence",
    ],
)
def test_figures_of_a_model_are_those_of_its_tables(name, fitted, found, people):
    drawn = function_of(ALL[name])(fitted, found=found, names=NAMES, labels={"thalamus": "Thalamus"})
    assert not getattr(drawn, "nothing", "") and same(drawn, of_tables(name, fitted, found, people))


def test_a_model_without_people_draws_its_own(fitted):
    assert titles(model.positional_variance(fitted, names=NAMES))[:2] == [
        f"{n}\nmodel fraction {f:.0%}\nchains did not converge"
        for n, f in zip(NAMES.values(), fitted.fractions, strict=True)
    ]
    assert titles(maps.progression(fitted))[:2] == [f"subtype {c}\nstage 1\nchains did not converge" for c in (1, 2)]
    trace, r_hat, _ = model.convergence(fitted).axes
    assert np.allclose([line.get_ydata() for line in trace.lines], fitted.draws.log_likelihood)
    assert sum(p.get_height() for p in r_hat.patches) == fitted.diagnostics()["r_hat"].notna().sum()


def test_people_are_placed_by_the_model(fitted, people):
    assigned = fitted.assign(people)
    axis = model.stages(fitted, people.to_numpy(), names=NAMES).axes[0]
    assert axis.get_xlabel() == "stage (by the model)"
    for name, bars in zip(NAMES, axis.containers, strict=False):
        mine = assigned[~assigned["normal_appearing"] & (assigned["subtype"] == name)]["stage"]
        assert sum(b.get_height() for b in bars) == len(mine)
    given = given_of(fitted, people, names=NAMES)
    table = given.table("clinical/maps").set_index(["group", "biomarker"])
    for group in (NORMAL, *NAMES.values()):
        mine = given.group.index[given.group == group]
        assert (
            np.allclose(table.loc[group]["mean_z"], people.loc[mine].mean())
            and table.loc[group]["n"].eq(len(mine)).all()
        )
    assert len(maps.brain_mean_z(fitted, people, names=NAMES).axes) == 4
    assert "n = " in maps.mean_z(fitted, people).axes[0].get_xticklabels()[0].get_text()


def test_maps_are_adjusted_where_age_and_sex_are_given(fitted, people):
    assert maps.brain_t(fitted, people).nothing.startswith("No subtype has five people")
    who = pd.DataFrame({"age": np.linspace(20, 60, 80), "sex": ["F", "M"] * 40})
    drawn = maps.brain_t(fitted, people, people=who, names=NAMES)
    assert not getattr(drawn, "nothing", "") and titles(drawn)[0].split(" against")[0] in NAMES.values()


def test_a_cross_validation_draws_its_choice(found):
    axis = model.selection(found).axes[0]
    gap = found.selection.set_index("n_subtypes")["gap_cvic"]
    # k = 0 is beyond the edge, and its value written there
    assert np.allclose(axis.lines[0].get_ydata()[1:], gap.loc[[1, 2]])
    assert f"{gap[0]:+.0f}" in [t.get_text() for t in axis.texts]
    with pytest.raises(InputError, match="no variant 'x'; there are smooth"):
        model.selection(found, variant="x")


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda m, _: model.stages(m), "stages: people are drawn: give their z as X, or found="),
        (lambda m, _: model.ternary(m), "ternary: people are drawn"),
        (lambda m, _: maps.mean_z(m), "mean_z: people are drawn"),
        (lambda m, _: model.selection(m), "selection: a model alone was not compared with others; give a cross-validation"),
        (lambda _, cv: model.positional_variance(cv), "positional_variance: a cross-validation alone has no model of everyone"),
        (lambda m, _: clinical.survival_by_subtype(m), "survival: drawn from clinical/survival of a study"),
        (lambda m, _: model.convergence({"k": 1}), "figures draw a SustainModel, a CrossValidation or the tables"),
    ],
)  # fmt: skip
def test_what_a_figure_lacks_is_said(draw, words, fitted, found):
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        draw(fitted, found)


def test_models_of_nothing_and_without_draws(people, events):
    healthy = fit(people, events, 0, n_samples=0, **INDEPENDENT)
    assert "healthy people alone" in model.positional_variance(healthy).nothing
    bare = fit(people, events, 1, n_samples=0, **INDEPENDENT)
    with pytest.raises(ModelError, match="no posterior draws"):
        model.convergence(bare)
    assert titles(maps.progression(bare))[0] == "stage 1"


def test_every_declared_figure_takes_a_model(fitted, people, found):
    """None fails but by the sentence that says what it lacks."""
    drawn = set()
    for name, figure in ALL.items():
        if figure.draw.startswith("normative:"):
            continue
        try:
            function_of(figure)(fitted, people, found=found)
        except InputError as error:
            assert str(error).startswith(f"{name}: ")
        else:
            drawn.add(name)
    assert drawn == {
        "selection", "brain_mean_z", "ternary", "brain_t", "mean_z", "positional_variance", "positional_variance_folds",
        "progression", "probability", "stages", "convergence",
    }  # fmt: skip
