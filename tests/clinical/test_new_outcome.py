"""A type of outcome is one class: a new one is fitted, drawn against stage, told and allowed in a configuration."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import statsmodels.api as sm
import yaml
from people import study

from neuraxis import settings
from neuraxis.clinical.associations import associations
from neuraxis.clinical.contrasts import OTHERS
from neuraxis.clinical.curves import stage_curves
from neuraxis.clinical.fit import band, of_statsmodels
from neuraxis.clinical.outcomes import KINDS, Outcome, declare
from neuraxis.report.sentences import KINDS as TOLD


@dataclass(frozen=True)
class Duration(Outcome):
    """Times that are exponentially distributed: a gamma regression with a log link."""

    type: ClassVar[str] = "duration"
    asks: ClassVar[str] = "seconds"
    effect: ClassVar[str] = "ratio of means"
    direction: ClassVar[tuple[str, str]] = ("slower {o}", "faster {o}")

    def fit_with(self, plan, y, x, names, cases):
        return of_statsmodels(self._fit(y, sm.add_constant(x)), names, "gamma")

    def nuisance(self, cases):
        return np.array([np.log(cases.y.mean())])

    def log_density(self, cases, predictor, nuisance):
        eta = predictor + nuisance[0]
        return -eta - cases.y.to_numpy()[:, None] * np.exp(-eta)

    def curve(self, y, stage, at, exposure):
        return *band(self._fit(y, sm.add_constant(stage)), at, np.exp), "gamma with log link"

    @staticmethod
    def _fit(y, x):
        return sm.GLM(y, x, family=sm.families.Gamma(sm.families.links.Log())).fit()


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setitem(KINDS, Duration.type, Duration)
    people, labels, truth = study(n=900, certainty=4.0, seed=2)
    mean = np.exp(1 + 0.8 * (truth == "two") + 0.06 * labels.stage)
    people["walk"] = np.random.default_rng(5).exponential(mean)
    return people, labels


def test_a_new_type_is_fitted_and_its_effect_told(known):
    people, labels = known
    walk = declare("walking", "walk", "duration", covariates=["age"])
    table = associations([walk], people, labels, n_draws=5, seed=1)
    two = table[(table["kind"] == "subtype") & (table["subtype"] == "two") & (table["against"] == OTHERS)]
    assert set(table["effect"]) == {"ratio of means"} and len(two) >= 2  # by more than one method
    assert (two["low"] > 1.2).all() and two["estimate"].between(1.5, 5).all() and (two["high"] > np.exp(0.8)).all()
    assert walk.words(two["estimate"].iloc[0]) == "slower walking" and TOLD["duration"].direction[1] == "faster {o}"


def test_a_new_type_is_drawn_against_stage(known):
    people, labels = known
    table = stage_curves([declare("walking", "walk", "duration")], people, labels)
    rows = labels.group.index[labels.group == "two"]
    mean = people.loc[rows, "walk"].mean()
    mine = table[table["subtype"] == "two"]
    middle = mine.iloc[(mine["stage"] - labels.stage[rows].mean()).abs().argmin()]
    assert set(table["model"]) == {"gamma with log link"} and middle["fit"] == pytest.approx(mean, rel=0.1)
    assert (mine["low"] > 0).all() and mine["fit"].iloc[-1] > mine["fit"].iloc[0]


def test_a_new_type_is_allowed_and_explained_in_the_configuration(known):
    outcomes = yaml.safe_load(settings.schema())["properties"]["clinical"]["properties"]["outcomes"]
    assert outcomes["items"]["properties"]["type"]["enum"] == [*KINDS] and "duration" in KINDS
    assert "duration (seconds)" in outcomes["description"] and "duration (seconds)" in settings.config().replace(
        "\n  # ", " "
    )


def test_a_type_without_a_curve_of_its_own_has_a_line(known):
    people, labels = known

    class Plain(Outcome):
        type = "plain"

    y, stage, at = people["score"].to_numpy(), labels.stage.to_numpy(), np.array([0.0, 5.0])
    fit, low, high, model = Plain("score", "score").curve(y, stage, at, None)
    slope, level = np.polyfit(stage, y, 1)
    assert fit == pytest.approx([level, level + 5 * slope]) and model == "least squares" and (low < high).all()
