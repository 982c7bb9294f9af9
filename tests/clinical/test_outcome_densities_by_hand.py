"""Starting values, densities and averaged means of every type of outcome, by hand on a few people."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuraxis.clinical.cases import Cases
from neuraxis.clinical.outcomes import declare

INDEX = list("dacbe")


def cases(y, **more):
    """People in no order, without covariates."""
    series = {k: pd.Series(v, INDEX[: len(v)], dtype=float) for k, v in more.items()}
    return Cases(pd.Series(y, INDEX[: len(y)], dtype=float), pd.DataFrame(index=INDEX[: len(y)]), **series)


BINARY, BOUNDED = declare("o", "y", "binary"), declare("o", "y", "bounded", maximum=20)
COUNT, RATE = declare("o", "y", "count"), declare("o", "y", "count", exposure="years")
SURVIVAL, DISCRETE = declare("o", "y", "survival", time="t"), declare("o", "y", "discrete", time="t")
ORDINAL, SCORE, ROBUST = (declare("o", "y", kind) for kind in ("ordinal", "continuous", "robust"))


@pytest.mark.parametrize(
    ("outcome", "people", "want"),
    [
        (BINARY, cases([1, 0, 0, 0]), [np.log(1 / 3)]),
        (BINARY, cases([1, 1, 1, 1]), [np.log(99)]),  # nobody without it: as if one of a hundred
        (BINARY, cases([0, 0, 0, 0]), [-np.log(99)]),
        # shares 0.2, 0.9, 0.5, 0.8: mean 0.6, variance 0.1
        (BOUNDED, cases([4, 18, 10, 16]), [np.log(1.5), np.log(0.24 / 0.1)]),
        (BOUNDED, cases([20, 20, 20]), [np.log(99), np.log(0.0099 / 1e-6)]),
        (BOUNDED, cases([0, 0, 0]), [-np.log(99), np.log(0.0099 / 1e-6)]),
        (COUNT, cases([3, 1, 2, 4]), [np.log(2.5), -0.5]),
        (RATE, cases([3, 1, 2], exposure=[1, 2, 8]), [np.log((3 + 0.5 + 0.25) / 3), -0.5]),
        (RATE, cases([0, 0, 0], exposure=[1, 2, 8]), [np.log(1e-3), -0.5]),
        (DISCRETE, cases([1, 0, 1], time=[2, 5, 3]), [np.log(2 / 10)]),
        (DISCRETE, cases([0, 0, 0], time=[2, 5, 3]), [np.log(0.5 / 10)]),
        (SURVIVAL, cases([1, 0, 1], time=[2, 5, 3]), [np.log(2 / 10)] * 5),
        (SURVIVAL, cases([0, 0, 0], time=[2, 5, 3]), [np.log(0.5 / 10)]),
        # of ten: shares up to each score 0.2, 0.6, 0.9
        (ORDINAL, cases([0, 1, 1, 4, 5]), [np.log(0.2 / 0.8), np.log(np.log(0.6 / 0.4) - np.log(0.2 / 0.8)), np.log(np.log(4) - np.log(1.5))]),
        (SCORE, cases([1, 2, 4]), [0, 0]),
        (ROBUST, cases([1, 2, 4]), [0, 0]),
    ],
)  # fmt: skip
def test_labels_are_imputed_from_the_models_without_groups(outcome, people, want):
    assert outcome.nuisance(people).tolist() == pytest.approx(want)


def test_pieces_of_hazard_end_at_fifths_of_the_events():
    people = cases([1, 1, 0, 1, 1], time=[1.0, 2.0, 9.0, 4.0, 8.0])
    assert SURVIVAL._cuts(people).tolist() == pytest.approx([0, 1.6, 2.4, 3.6, 5.6, np.inf])  # of 1, 2, 4 and 8
    assert SURVIVAL._cuts(cases([0, 0], time=[1, 2])).tolist() == [0, np.inf]
    # one event time is the end of every fifth
    assert SURVIVAL._cuts(cases([1, 1, 0], time=[3, 3, 5])).tolist() == [0, 3, np.inf]


PREDICTOR = np.array([[0.3, -0.4], [1.2, 0.1], [-0.7, 0.9]])


def test_densities_of_few_people_by_hand():
    """Beside the libraries' likelihoods: every person and group, with its own nuisance."""
    got = BINARY.log_density(cases([1, 0, 1]), PREDICTOR, np.array([0.5]))
    p = 1 / (1 + np.exp(-PREDICTOR - 0.5))
    assert got == pytest.approx(np.log(np.where([[1], [0], [1]], p, 1 - p)))
    got = DISCRETE.log_density(cases([1, 0, 1], time=[2, 5, 3]), PREDICTOR, np.array([-1.0]))
    hazard = np.exp(PREDICTOR - 1.0) * [[2], [5], [3]]
    assert got == pytest.approx(np.where([[1], [0], [1]], np.log(1 - np.exp(-hazard)), -hazard))
    years = np.array([[1.0], [2], [8]])
    got = RATE.log_density(cases([3, 1, 2], exposure=years[:, 0]), PREDICTOR, np.array([-0.3, -0.5]))
    mean, size = np.exp(PREDICTOR - 0.3) * years, np.exp(0.5)
    assert got == pytest.approx(stats.nbinom.logpmf([[3], [1], [2]], size, size / (size + mean)))
    got = COUNT.log_density(cases([3, 1, 2]), PREDICTOR, np.array([-0.3, 0.7]))
    mean, size = np.exp(PREDICTOR - 0.3), np.exp(-0.7)
    assert got == pytest.approx(stats.nbinom.logpmf([[3], [1], [2]], size, size / (size + mean)))
    z = np.array([[-4 / 3], [-1 / 3], [5 / 3]]) / np.sqrt(7 / 3)
    got = SCORE.log_density(cases([1, 2, 4]), PREDICTOR, np.array([0.2, -0.6]))
    assert got == pytest.approx(stats.norm.logpdf(z, 0.2 + PREDICTOR, np.exp(-0.6)))
    got = ROBUST.log_density(cases([1, 2, 4]), PREDICTOR, np.array([0.2, -0.6]))
    assert got == pytest.approx(stats.t.logpdf(z, 5, 0.2 + PREDICTOR, np.exp(-0.6)))
    # three scores, 0, 2 and 5, with cuts at -0.5 and -0.5 + e^0.2
    got = ORDINAL.log_density(cases([5, 0, 2]), PREDICTOR, np.array([-0.5, 0.2]))
    below = [1 / (1 + np.exp(-(cut - PREDICTOR))) for cut in (-0.5, -0.5 + np.exp(0.2))]
    want = [1 - below[1][0], below[0][1], below[1][2] - below[0][2]]
    assert got == pytest.approx(np.log(want))


def test_the_hazard_of_a_piece_is_spent_within_it():
    people = cases([1, 0, 1, 1, 0], time=[1.0, 2.5, 4.0, 8.0, 9.0])
    cuts, rates = SURVIVAL._cuts(people), np.array([0.1, 0.4, 0.2, 0.7, 0.3])
    assert len(cuts) == 5 + 1
    eta = np.array([[0.2, -0.5]] * 5)
    got = SURVIVAL.log_density(people, eta, np.log(rates))
    for i, (t, e) in enumerate(zip(people.time, people.y, strict=True)):
        spent = [min(max(t - a, 0), b - a) for a, b in zip(cuts, cuts[1:], strict=False)]
        piece = max(k for k in range(5) if cuts[k] < t)
        assert got[i] == pytest.approx(e * (np.log(rates[piece]) + eta[i]) - np.dot(spent, rates) * np.exp(eta[i]))


WEIGHTS = np.array([[0.2, 0.8], [0.5, 0.5], [0.9, 0.1]])


def slopes_of(outcome, people, predictor):
    """Derivatives of the value by the predictor of every group, by differences."""
    out = np.zeros_like(predictor)
    for c in range(2):
        step = np.zeros_like(predictor)
        step[:, c] = 1e-6
        up, down = (outcome.mean_scores(people, predictor + s, WEIGHTS)[0] for s in (step, -step))
        out[:, c] = (up - down) / 2e-6
    return out


@pytest.mark.parametrize(
    ("outcome", "people"),
    [(BOUNDED, cases([4, 20, 13])), (RATE, cases([9, 1, 3], exposure=[1, 2, 4])), (COUNT, cases([3, 1, 9])), (COUNT, cases([2, 2, 2]))],
)  # fmt: skip
def test_the_mean_is_averaged_over_groups_with_the_slopes_of_its_likelihood(outcome, people):
    value, residual, variance, tilt = outcome.mean_scores(people, PREDICTOR, WEIGHTS)
    y = people.y.to_numpy()
    if outcome is BOUNDED:
        each = 1 / (1 + np.exp(-PREDICTOR))
        mean, seen = (WEIGHTS * each).sum(1), y / 20
        assert value == pytest.approx(seen * np.log(mean) + (1 - seen) * np.log(1 - mean))
        assert variance == pytest.approx(mean * (1 - mean))
    else:
        years = np.ones(3) if outcome is COUNT else people.exposure.to_numpy()
        each = years[:, None] * np.exp(PREDICTOR)
        mean, seen, common = (WEIGHTS * each).sum(1), y, years * y.sum() / years.sum()
        # by moments; nothing where counts are no more spread than by chance
        alpha = max(((y - common) ** 2 - y).sum() / (common**2).sum(), 1e-6)
        assert (alpha == 1e-6) == (y.std() == 0)
        assert variance == pytest.approx(mean + alpha * mean**2)
        assert value == pytest.approx(y * np.log(mean) - (y + 1 / alpha) * np.log1p(alpha * mean))
    assert residual == pytest.approx(seen - mean)
    assert (residual / variance)[:, None] * tilt == pytest.approx(slopes_of(outcome, people, PREDICTOR), abs=1e-4)


def test_rates_are_of_those_who_were_watched():
    people = pd.DataFrame({"y": [3, 1, np.nan, 6], "years": [2.0, 0.0, 5.0, 1.5]})
    assert RATE.rate(people) == 9 / 3.5 and np.isnan(RATE.rate(people[1:2]))
    assert RATE.values(people).tolist()[::3] == [1.5, 4.0] and COUNT.values(people).tolist()[::3] == [3, 6]
    assert COUNT.comparable(cases([3, 1])).tolist() == [3, 1]
    assert (COUNT.axis_scale, RATE.axis_scale) == ("linear", "symlog") and COUNT.label == "o"


@pytest.mark.parametrize(
    ("transform", "scale"), [("none", "linear"), ("log", "log"), ("log1p", "log"), ("sqrt", "linear")]
)
def test_the_axis_of_a_transformed_outcome(transform, scale):
    assert declare("o", "y", "continuous", transform=transform).axis_scale == scale


@pytest.mark.parametrize(
    ("kind", "none"), [("continuous", 0.0), ("robust", 0.0), ("ordinal", 1.0), ("count", 1.0), ("bounded", 1.0)]
)
def test_words_turn_at_no_effect(kind, none):
    outcome = declare("o", "y", kind, **({"maximum": 5} if kind == "bounded" else {}))
    up, down = (text.format(o="o") for text in outcome.direction)
    assert outcome.words(none + 0.1) == up and outcome.words(none - 0.1) == down == outcome.words(none)
    assert outcome.scale(0.0) == none
