"""What stands around a fit, by hand on a few people: agreement, labels, folds, densities, layouts; no model is fitted."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuraxis.errors import InputError
from neuraxis.sustain import ZScoreEvents, cross_validate, make_folds, selection_table, simulate
from neuraxis.sustain.baselines import gaussian_log_density
from neuraxis.sustain.crossval import (
    CrossValidation,
    HeldOut,
    described,
    fold_of,
    out_of_fold_posterior,
    stability,
    variants_table,
)
from neuraxis.sustain.diagnostics import _row, convergence, verdict
from neuraxis.sustain.families import MixtureEvents, OrdinalEvents
from neuraxis.sustain.families.given import DensityEvents
from neuraxis.sustain.families.mixture import GaussianPair, GridPair, _monotone, _not_separated, _unfit
from neuraxis.sustain.families.zscore import choose_events
from neuraxis.sustain.matching import (
    chance_agreement,
    match_draws,
    match_labels,
    match_subtypes,
    order_agreement,
    order_similarity,
    rand_index,
)
from neuraxis.sustain.naming import name_subtypes, systems_of
from neuraxis.sustain.problem import Problem, check_covariance, limits, noise_vector, pack
from neuraxis.sustain.search import best_distinct, even, null_point
from neuraxis.sustain.simulate import _points
from neuraxis.sustain.staging import draw_labels, stage_interval, summarise
from neuraxis.sustain.state import Draws, FitSettings, Parameters, Variant, triangular_bumps

EVENTS = ZScoreEvents([[1.0, 2.0], [1.0], [3.0]], [4.0, 3.0, 5.0], biomarkers=["a", "b", "c"])


# ---------------------------------------------------------------- one normal


def test_a_normal_of_what_is_observed():
    """Two biomarkers with gaps: means and covariances of the pairs, a fiftieth of them off the diagonal gone."""
    train = np.array([[1.0, 2.0], [3.0, np.nan], [5.0, 3.0], [np.nan, 4.0], [2.0, 1.0]])
    mean = np.array([11 / 4, 10 / 4])
    d = train - mean
    both = np.isfinite(d).all(axis=1)
    covariance = np.diag([np.nansum(d[:, 0] ** 2) / 3, np.nansum(d[:, 1] ** 2) / 3])
    covariance[0, 1] = covariance[1, 0] = 0.98 * d[both].prod(axis=1).sum() / 2
    test = np.array([[2.0, 3.0], [np.nan, 5.0], [4.0, np.nan], [np.nan, np.nan], [0.0, 8.0]])
    got = gaussian_log_density(train, test)
    whole = stats.multivariate_normal(mean, covariance)
    want = [
        whole.logpdf(test[0]),
        stats.norm.logpdf(5, 2.5, np.sqrt(covariance[1, 1])),
        stats.norm.logpdf(4, 2.75, np.sqrt(covariance[0, 0])),
        0,
        whole.logpdf(test[4]),
    ]
    assert got == pytest.approx(want)
    half = gaussian_log_density(train, test[:1], shrinkage=0.5)[0]
    covariance[0, 1] = covariance[1, 0] = covariance[0, 1] / 0.98 / 2
    assert half == pytest.approx(stats.multivariate_normal(mean, covariance).logpdf(test[0]))


def test_a_biomarker_that_one_or_nobody_has_is_a_normal_of_its_own():
    rest = np.array([1.0, 3.0, 5.0, 2.0])  # mean 11 / 4, variance 35 / 12
    for rare in ([np.nan] * 4, [np.nan, 7.0, np.nan, np.nan]):
        got = gaussian_log_density(np.column_stack([rare, rest]), np.array([[1.5, 2.0], [1.5, np.nan]]))
        own, other = stats.norm.logpdf(1.5), stats.norm.logpdf(2, 11 / 4, np.sqrt(35 / 12))
        assert got == pytest.approx([own + other, own])
    # of two it is a mean and a variance
    two = gaussian_log_density(np.column_stack([[7.0, np.nan, np.nan, 4.0], rest]), np.array([[1.5, np.nan]]))
    assert two == pytest.approx(stats.norm.logpdf(1.5, 5.5, np.sqrt(4.5)))


def test_a_normal_of_one_line_has_a_little_width():
    x = np.linspace(-1, 1, 9)
    got = gaussian_log_density(np.column_stack([x, x]), np.array([[0.5, 0.4]]), shrinkage=0.0)
    # along the line its own variance, across it the least
    along, across = 0.9 / np.sqrt(2), 0.1 / np.sqrt(2)
    assert got[0] == pytest.approx(
        stats.norm.logpdf(along, 0, np.sqrt(2 * x.var(ddof=1))) + stats.norm.logpdf(across, 0, np.sqrt(1e-3))
    )


# ---------------------------------------------------------------- convergence


def test_a_quantity_of_few_draws_or_one_chain_has_no_r_hat():
    rng = np.random.default_rng(0)
    four = _row("q", 1, "e", rng.normal(size=(2, 4)))
    assert np.isfinite([four["r_hat"], four["ess"]]).all() and np.isnan(
        _row("q", 1, "e", rng.normal(size=(2, 3)))["r_hat"]
    )
    three = _row("q", 1, "e", np.array([[1.0, 2, 6]]))
    assert (three["mean"], three["sd"]) == (3, pytest.approx(np.sqrt(7))) and np.isnan(three["ess"])
    one = _row("q", 1, "e", rng.normal(size=(1, 50)))
    assert np.isnan(one["r_hat"]) and np.isfinite(one["ess"])
    flat = _row("q", 1, "e", np.ones((2, 50)))
    assert flat["sd"] == 0 and np.isnan([flat["r_hat"], flat["ess"]]).all()
    assert _row("q", 1, "e", np.ones((1, 1)))["sd"] == 0


def drawn(sequences, fractions, healthy=None, covariance=None):
    """Two chains of these draws."""
    sequences, fractions = np.array(sequences), np.array(fractions, float)
    n = sequences.shape[:2]
    return Draws(sequences, fractions, np.ones((*fractions.shape, 1)), np.zeros(n) if healthy is None else healthy,
                 np.eye(3)[None, None] if covariance is None else covariance, np.arange(n[0] * n[1], dtype=float).reshape(n) + 0.12345, np.zeros((2, 2, 4)), np.ones((2, 2, 4)))  # fmt: skip


def test_every_quantity_that_can_differ_has_its_row():
    order, other = [0, 1, 2, 3], [1, 0, 3, 2]
    sequences = [[[order, other], [order, order]], [[other, other], [order, other]]]
    fractions = [[[0.6, 0.4], [0.7, 0.3]], [[0.5, 0.5], [0.8, 0.2]]]
    draws = drawn(
        sequences,
        fractions,
        np.array([[0.1, 0.2], [0.3, 0.1]]),
        np.stack([[np.diag([1.0, 4, 9]), np.diag([4.0, 4, 9])]] * 2),
    )
    table = convergence(draws, EVENTS).set_index(["quantity", "subtype", "event"])
    assert table.index.get_level_values(0).tolist() == [
        "log_likelihood",
        "fraction",
        "fraction",
        "healthy",
        *["place"] * 8,
        *["noise_sd"] * 3,
    ]
    assert table.loc[("fraction", 2, ""), "mean"] == pytest.approx(0.35) and table.loc[
        ("healthy", 0, ""), "mean"
    ] == pytest.approx(0.175)
    # the first event of the first subtype is first in three of four draws
    names = EVENTS.names
    assert table.loc[("place", 1, names[0]), "mean"] == pytest.approx(1.25) and table.loc[
        ("place", 2, names[1]), "mean"
    ] == pytest.approx(1.25)
    assert (
        table.loc[("noise_sd", 0, "a"), "mean"] == pytest.approx(1.5)
        and table.loc[("log_likelihood", 0, ""), "mean"] == 1.62
    )
    fixed = convergence(drawn(np.array(sequences)[:, :, :1], np.ones((2, 2, 1))), EVENTS)
    assert fixed["quantity"].tolist() == ["log_likelihood", *["place"] * 4]


@pytest.mark.parametrize(("r_hat", "ess", "good"), [(1.01, 400, True), (1.011, 400, False), (1.01, 399, False)])
def test_both_limits_are_within(r_hat, ess, good):
    table = pd.DataFrame({"sd": [1.0, 0.0, 1.0], "r_hat": [1.0, np.nan, r_hat], "ess": [9000.0, np.nan, ess]})
    done, words = verdict(table)
    assert done is good and words.endswith("1 quantity never changed.") and f"largest split R-hat {r_hat:.3f}" in words
    assert verdict(table.assign(sd=1.0))[1].endswith("(limit 400).") and not verdict(table.assign(r_hat=np.nan))[0]


# ---------------------------------------------------------------- agreement


def test_subtypes_are_matched_by_their_places():
    reference = np.array([[0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2]])
    order = [2, 0, 1]
    places = reference[order] + np.array([[0, 0, 0, 0.4]] * 3)
    assert match_subtypes(places, reference).tolist() == [1, 2, 0]
    assert match_draws(np.stack([places, reference]), reference).tolist() == [[1, 2, 0], [0, 1, 2]]
    assert order_agreement(
        np.array([[0, 1, 2], [0, 2, 1]]), np.array([[0, 1, 2], [2, 0, 1]])
    ).tolist() == pytest.approx([1, -1])
    # labels: of six people five agree when 0 is called 2, 1 called 0 and 2 called 1
    assert match_labels(np.array([2, 2, 0, 0, 1, 2]), np.array([0, 0, 1, 1, 2, 1]), 3).tolist() == [2, 0, 1]


def test_the_rand_index_by_hand():
    """Six people, three and two groups: pairs together in both 2, in either 4 and 6, of 15."""
    a, b = list("xxxyyz"), [1, 1, 2, 2, 2, 1]
    expected = 4 * 6 / 15
    assert rand_index(a, b) == pytest.approx((2 - expected) / ((4 + 6) / 2 - expected))
    assert (
        rand_index(a, [v + "!" for v in a]) == 1
        and np.isnan(rand_index(["x"], ["y"]))
        and np.isnan(rand_index(list("xx"), list("yy")))
    )
    assert rand_index(list("xyzw"), [1, 1, 2, 2]) == 0


def test_orders_are_compared_over_three_shared_events():
    def order(subtype, rows):
        return pd.DataFrame(
            [(subtype, b, t, p) for b, t, p in rows], columns=["subtype", "biomarker", "threshold", "mean_position"]
        )

    a = pd.concat(
        [
            order(1, [("x", 1, 1.0), ("y", 1, 2.0), ("z", 1, 3.0), ("w", 1, 4.0)]),
            order(2, [("x", 1, 3.0), ("x", 2, 1.0)]),
        ]
    )
    b = order(5, [("z", 1, 1.0), ("y", 1, 2.0), ("x", 1, 3.0), ("x", 2, 4.0)])
    got = order_similarity(a, b)
    assert got[["subtype_a", "subtype_b", "n_events"]].values.tolist() == [[1, 5, 3], [2, 5, 2]]
    assert got["tau"].iloc[0] == -1 and np.isnan(got["tau"].iloc[1])
    # of one biomarker alone every order is the same
    assert chance_agreement(ZScoreEvents([[1.0, 2.0, 3.0]], 4.0), np.random.default_rng(0), 5) == pytest.approx(1)


# ---------------------------------------------------------------- staging


def test_an_interval_leaves_a_fortieth_on_either_side():
    p = np.array(
        [
            [0.025, 0.95, 0.025, 0.0],
            [0.024, 0.952, 0.024, 0.0],
            [0.026, 0.0, 0.948, 0.026],
            [0.0, 0.0, 0.0, 2.0],
            [0.1, 0.2, 0.3, 0.4],
        ]
    )
    low, high = stage_interval(p)
    assert low.tolist() == [0, 1, 0, 3, 0] and high.tolist() == [1, 1, 3, 3, 3]
    low, high = stage_interval(p[4:], 0.5)
    assert (low[0], high[0]) == (1, 3)


def test_somebody_torn_is_confident_from_a_half_and_healthy_from_a_half():
    posterior = np.zeros((3, 2, 3))
    posterior[0, 0, 1], posterior[0, 1, 2] = 0.25, 0.25
    posterior[1, 1, 1], posterior[1, 0, 2] = 0.4, 0.2
    got = summarise(posterior, pd.Index(list("abc")), healthy=np.array([0.5, 0.4, 1.0]))
    assert got["normal_appearing"].tolist() == [True, False, True] and got["confident"].all()
    assert got["p_subtype2"].tolist() == pytest.approx([0.5, 2 / 3, 0.5])  # nothing left to be divided: alike
    assert got[["stage", "stage_low", "stage_high"]].values.tolist() == [[0, 0, 1], [1, 0, 1], [0, 0, 0]]
    assert got["expected_stage"].tolist() == pytest.approx([0.75, 0.8, 0]) and got["subtype"].tolist() == [1, 2, 1]


def test_labels_are_drawn_at_their_place_in_the_distribution():
    posterior = np.array([[[0.0, 0.1, 0.2], [0.0, 0.3, 0.1]]])
    us = [0.0, 0.29, 0.31, 0.39, 0.41, 0.59, 0.61, 0.89, 0.91]
    rng = SimpleNamespace(random=lambda shape: np.array(us)[:, None])
    got = draw_labels(posterior, pd.Index(["p"]), rng, len(us), healthy=np.array([0.3]))
    assert list(zip(got["subtype"], got["stage"], strict=True)) == [(0, 0)] * 2 + [(1, 1)] * 2 + [(1, 2)] * 2 + [
        (2, 1)
    ] * 2 + [(2, 2)]
    assert got["draw"].tolist() == list(range(1, 10)) and set(got["participant_id"]) == {"p"}
    old = draw_labels(
        np.array([[[0.5, 0.0], [0.25, 0.25]]]),
        pd.Index(["p"]),
        SimpleNamespace(random=lambda shape: np.array([[0.4], [0.6], [0.8]])),
        3,
    )
    assert list(zip(old["subtype"], old["stage"], strict=True)) == [(0, 0), (0, 0), (2, 1)]


# ---------------------------------------------------------------- simulated people


def test_curves_pass_their_thresholds_at_their_places():
    """b, a z>=1, a z>=2, c: a rises over places 2 and 3 to its maximum at 5."""
    sequence = EVENTS.check_sequence([1, 0, 3, 2])
    assert EVENTS.names == ["a z>=1", "b z>=1", "c z>=3", "a z>=2"]
    got = _points(EVENTS, sequence)
    assert got[:, 0] == pytest.approx([0, 0.5, 1, 2, 3, 4]) and got[:, 1] == pytest.approx([0, 1, 1.5, 2, 2.5, 3])
    assert got[:, 2] == pytest.approx([0, 0.75, 1.5, 2.25, 3, 5])


def test_people_stand_at_the_mean_of_their_stage_or_anywhere_in_it():
    options = {"noise_sd": 1e-9, "seed": 3}
    people = simulate(
        EVENTS, [[1, 0, 3, 2], [2, 0, 1, 3]], 40, fractions=[0, 2], stage_weights=[0, 0, 0, 5, 0], **options
    )
    assert set(people.subtype) == {1} and set(people.stage) == {3}
    points = _points(EVENTS, np.array([2, 0, 1, 3]))
    assert np.allclose(people.X, (points[3] + points[4]) / 2, atol=1e-6)
    weights = [[1, 0, 0, 0, 0], [0, 0, 0, 0, 1]]
    both = simulate(EVENTS, [[1, 0, 3, 2], [2, 0, 1, 3]], 40, stage_weights=weights, within_stage=True, **options)
    assert set(zip(both.subtype, both.stage, strict=True)) == {(0, 0), (1, 4)}
    last = both.X[both.subtype == 1]
    share = (last - points[4]) / (points[5] - points[4])
    assert (
        np.ptp(share[:, 0]) > 0.5
        and share.min() > -1e-6
        and share.max() < 1 + 1e-6
        and share == pytest.approx(share[:, :1] @ np.ones((1, 3)), abs=1e-5)
    )
    gone = simulate(EVENTS, [[1, 0, 3, 2]], 300, missing=0.9, seed=1)
    left = np.isfinite(gone.X).sum(axis=1)
    assert left.min() == 1 and np.isnan(gone.X).mean() == pytest.approx(0.9 * 2 / 3, abs=0.03)
    wide = simulate(
        EVENTS,
        [[1, 0, 3, 2]],
        2000,
        stage_weights=[1, 0, 0, 0, 0],
        noise_sd=[1, 2, 3],
        correlation=[[1, 0.8, 0], [0.8, 1, 0], [0, 0, 1]],
        seed=1,
    ).X
    assert wide.std(axis=0) == pytest.approx([1, 2, 3], rel=0.06) and np.corrcoef(wide.T)[0, 1] == pytest.approx(
        0.8, abs=0.03
    )
    with pytest.raises(InputError, match="not positive definite"):
        simulate(EVENTS, [[1, 0, 3, 2]], 5, correlation=[[1, 2, 0], [2, 1, 0], [0, 0, 1]])


def test_a_subtype_is_named_by_what_comes_earlier_in_it_than_in_the_others():
    rows = [
        (1, "a", 1, 2.0),
        (1, "a", 2, 9.0),
        (1, "b", 1, 1.0),
        (1, "c", 1, 6.0),
        (2, "a", 1, 7.0),
        (2, "b", 1, 2.0),
        (2, "c", 1, 3.0),
        (2, "b", 2, 1.0),
    ]
    order = pd.DataFrame(rows, columns=["subtype", "biomarker", "threshold", "mean_position"])
    systems = pd.Series({"a": "A", "b": "B", "c": "C"})
    # b is the first of both; a is earlier in 1 (2 against 7), c in 2 (3 against 6)
    assert systems_of(order, systems) == {1: "A", 2: "C"} and systems_of(order[order["subtype"] == 1], systems) == {
        1: "B"
    }
    assert systems_of(order, pd.Series({"b": "B", "a": "A"})) == {1: "A", 2: "B"}
    assert systems_of(order, pd.Series(dtype=object)) == {1: "a", 2: "c"}
    assert name_subtypes(order, pd.Series({"a": "A", "b": "B", "c": "A"})) == {1: "A", 2: "B"}


# ---------------------------------------------------------------- folds and selection


def test_folds_are_even_in_every_stratum_and_groups_go_where_there_is_room():
    strata = ["x"] * 7 + ["y"] * 5
    fold = make_folds(12, 3, seed=2, strata=strata)
    assert sorted(np.bincount(fold)) == [4, 4, 4]
    assert sorted(np.bincount(fold[:7])) == [2, 2, 3] and sorted(np.bincount(fold[7:])) == [1, 2, 2]
    groups = ["a"] * 6 + ["b"] * 3 + ["c"] * 2 + ["d"]
    shared = pd.Series(make_folds(12, 2, seed=2, groups=groups)).groupby(groups).agg(set)
    # the largest first, then always to the fold with fewer people
    assert shared["b"] == shared["c"] == shared["d"] != shared["a"]
    assert make_folds(9, 3, seed=1).tolist() != make_folds(9, 3, seed=1, repeat=1).tolist() and sorted(
        make_folds(3, 3, seed=1)
    ) == [0, 1, 2]
    for call in (
        lambda: make_folds(9, 1, seed=1),
        lambda: make_folds(2, 3, seed=1),
        lambda: make_folds(9, 3, seed=1, groups=["a", "b"] * 4 + ["a"]),
    ):
        with pytest.raises(InputError):
            call()
    assert len(set(make_folds(4, 2, seed=1, groups=["a", "b"] * 2))) == 2


class Said:
    """A model that says one thing of everyone: which subtype (0-based), at stage 2, and how surely."""

    n_subtypes, events, draws = 2, EVENTS, None

    def __init__(self, subtype, p=0.6, sequences=None):
        self.subtype, self.p, self.sequences = subtype, p, sequences

    def matched_to(self, other):
        return self

    def posterior(self, values):
        out = np.zeros((len(values), 2, 5))
        out[:, self.subtype, 2] = self.p
        return out, np.full(len(values), 1 - self.p), None, None


def test_a_person_is_placed_by_the_models_of_the_own_folds_alone():
    folds = np.array([[0, 1, 1], [1, 1, 0]])
    models = {(0, 0): Said(0), (0, 1): Said(1), (1, 0): Said(0, 0.2), (1, 1): Said(1, 0.4), (0, 2): Said(0)}
    p, h = out_of_fold_posterior(Said(0), np.zeros((3, 3)), folds, models)
    assert p[:, :, 2] == pytest.approx(np.array([[0.3, 0.2], [0, 0.5], [0.1, 0.3]])) and h.tolist() == pytest.approx(
        [0.5, 0.5, 0.6]
    )
    with pytest.raises(InputError, match="1 person belongs to no fold"):
        out_of_fold_posterior(Said(0), np.zeros((3, 3)), folds[:1], {(0, 1): Said(1)})


def test_labels_are_as_stable_as_fold_models_agree():
    first, second = np.array([[0, 1, 2, 3], [3, 2, 1, 0]]), np.array([[1, 0, 2, 3], [3, 2, 1, 0]])
    models = {(0, 0): Said(0, sequences=first), (0, 1): Said(1, sequences=second), (1, 0): Said(0, sequences=first)}
    table, people = stability(Said(0, sequences=first), np.zeros((2, 3)), pd.Index(["p", "q"]), models)
    assert people["label_stability"].tolist() == pytest.approx([2 / 3] * 2) and people.index.tolist() == ["p", "q"]
    assert table[["repeat", "fold", "subtype"]].values.tolist() == [
        [0, 0, 1],
        [0, 0, 2],
        [0, 1, 1],
        [0, 1, 2],
        [1, 0, 1],
        [1, 0, 2],
    ]
    assert table["tau"].tolist() == pytest.approx([1, 1, 2 / 3, 1, 1, 1]) and table["tau_chance"].nunique() == 1
    assert stability(Said(0, sequences=first), np.zeros((1, 3)), pd.Index(["p"]), {})[1][
        "label_stability"
    ].tolist() == [0]


def test_what_a_model_was_fitted_for_says_its_fold():
    model = lambda *key: SimpleNamespace(settings={"key": key} if key else {})  # noqa: E731
    assert (
        fold_of(model("MS", "repeat", 0, "fold", 7)) == 7
        and fold_of(model("everyone")) is None
        and fold_of(model()) is None
    )
    assert fold_of(model("repeat", 1, "k", 7)) is None
    table = pd.DataFrame({"n_subtypes": [0, 1, 2], "chosen": ["True", "False", "False"]})
    assert described(table) == 1 and described(table.assign(chosen=["False", "False", "True"])) == 2
    held = HeldOut({-1: 1, 0: 2, 3: 4}, pd.DataFrame())
    assert held.gaussian == 1 and held.subtypes == {0: 2, 3: 4} and HeldOut({0: 1}, None).gaussian is None


def densities(*sums, n=10, spread=0.0):
    """Held-out densities by k of these sums, alike for everyone but for a spread."""
    ups = np.tile([1.0, -1.0], n // 2) * spread
    return {k: np.full(n, s / n) + (ups if k else 0) for k, s in enumerate(sums)}


def test_reasons_of_a_choice_at_its_edges():
    def told(*sums, gaussian=None, fixed=None):
        normal = None if gaussian is None else np.full(10, gaussian / 10)
        table = selection_table(densities(*sums), normal, fixed)
        return int(table.loc[table["chosen"], "n_subtypes"].iloc[0]), table.loc[table["chosen"], "reason"].iloc[0]

    # within 6 of CVIC, 3 nats, the smaller is taken
    assert told(-50.0, -10.0, -7.0)[0] == 1 and told(-50.0, -10.0, -6.99)[0] == 2
    assert told(-5.0, -7.0, -9.0) == (0, "k = 0 has the lowest CVIC")
    assert told(-50.0, -10.0, -13.0) == (1, "k = 1 has the lowest CVIC and no smaller k comes within max(6, SE) of it")
    assert told(-50.0, -10.0)[1].endswith("within max(6, SE) of it") and "largest tried" not in told(-50.0, -10.0)[1]
    assert told(-50.0, -20.0, -10.0)[1].endswith("the best k, 2, is the largest tried: more may be better")
    assert "6.0 more, SE 0.0" in told(-50.0, -10.0, -7.0)[1]
    assert told(-9.0, -10.0, -1.0, fixed=1) == (1, "k = 1 was fixed in the configuration; the rule would choose 2; the best k, 2, is the largest tried: more may be better; "
                                                "but everyone healthy (k = 0) predicts better by 1.0 nats")  # fmt: skip
    assert (
        "everyone healthy" not in told(-10.0, -10.0, -1.0, fixed=1)[1]
        and "everyone healthy" not in told(-1.0, -20.0, -30.0)[1]
    )
    assert told(-50.0, -10.0, gaussian=-8.0)[1].endswith("one multivariate normal predicts better by 2.0 nats")
    assert "normal" not in told(-50.0, -10.0, gaussian=-10.0)[1]
    with pytest.raises(InputError, match="3 subtypes were asked for, but 0, 1 were tried"):
        told(-50.0, -10.0, fixed=3)


def test_a_gap_within_one_paired_error_is_no_evidence():
    lpd = densities(-50.0, -10.0, -5.0)
    lpd[2] = lpd[2] + np.tile([1.0, -1.0], 5) * 0.9
    d = 2 * (lpd[2] - lpd[1])
    se = np.sqrt(10 * d.var(ddof=1))
    table = selection_table(lpd)
    assert table["gap_se"].tolist()[1] == pytest.approx(se) and (se >= 10) == (table.loc[1, "chosen"])
    assert table["delta_cvic"].tolist()[1:] == pytest.approx([-80, -10]) and table["delta_se"].tolist()[
        2
    ] == pytest.approx(se)
    assert table["cvic_se"].tolist()[2] == pytest.approx(2 * np.sqrt(10 * lpd[2].var(ddof=1)))


def test_single_precision_holds_two_increments_and_not_the_sum_of_all():
    """A move gains one event where it loses another: 79 nats of two are within 80, whatever a third adds; 81 are not."""
    for largest, dtype in (((30.0, 40.0, 39.0), np.float32), ((30.0, 40.0, 41.0), np.float64)):
        events = DensityEvents(1, list("abc"))
        density = np.zeros((2, 3, 2))
        density[1, :, 1] = largest
        density[0, :, 1] = -np.array(largest) / 3
        assert Problem(events.check_data(density)[0], events, Variant(healthy=True)).dtype == dtype


def test_variants_are_of_the_same_people_in_whatever_order():
    one = pd.DataFrame(
        {"participant_id": list("abcd"), "fold": 0, "gaussian": -1.0, "k0": -5.0, "k1": [-1.0, -2, -3, -4], "kind": 7.0}
    )
    two = one.iloc[::-1].assign(k1=-9.0, gaussian=[np.nan, -1, -1, -1])
    got = variants_table({"x": one, "y": two})
    assert got["variant"].tolist() == ["x", "x", "y", "y"] and got["heldout_loglik"].tolist() == [-20, -10, -20, -36]
    assert (
        got["chosen"].tolist() == [False, True, True, False]
        and "normal predicts better by 6.0" in got["reason"].iloc[1]
    )
    assert "normal" not in " ".join(got["reason"].iloc[2:])
    with pytest.raises(InputError, match="variant y was not cross-validated on the same people"):
        variants_table({"x": one, "y": two.assign(participant_id=list("abce"))})


def test_held_out_sums_of_a_cross_validation_name_their_variant_first():
    events = ZScoreEvents([[1.0], [1.0]], [3.0, 3.0], biomarkers=["a", "b"])
    people = simulate(events, [[0, 1]], 12, noise_sd=0.5, seed=1)
    cv = cross_validate(people.X, events, 1, covariance="independent", folds=2, n_startpoints=1, n_samples=0)
    columns = ["variant", "n_subtypes", "repeat", "fold", "n_people", "heldout_loglik"]
    assert list(cv.fold_log_likelihood) == columns and list(cv.selection)[0] == "variant"


# ---------------------------------------------------------------- families


def test_gaussian_pairs_are_two_different_distributions():
    for bad in (
        {"normal_sd": 0.0},
        {"abnormal_sd": -1.0},
        {"normal_mean": np.inf},
        {"abnormal_mean": 0.0},
        {"share": np.nan},
    ):
        with pytest.raises(InputError, match="biomarker q"):
            GaussianPair(
                **({"normal_mean": 0.0, "normal_sd": 1.0, "abnormal_mean": 3.0, "abnormal_sd": 2.0} | bad)
            ).check("q")
    GaussianPair(0.0, 1.0, 3.0, 2.0).check("q")
    assert GaussianPair(0.0, 1.0, -3.0, 2.0).sign == -1 and GaussianPair(0.0, 1.0, 3.0, 2.0).sign == 1


@pytest.mark.parametrize(("normal_sd", "abnormal_sd"), [(1.0, 2.0), (2.0, 1.0)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_ratio_is_held_beyond_its_turn(normal_sd, abnormal_sd, sign):
    """Where the log ratio's slope is nothing: (m1 / s1^2 - m0 / s0^2) / (1 / s1^2 - 1 / s0^2)."""
    pair = GaussianPair(0.5 * sign, normal_sd, 3.5 * sign, abnormal_sd)
    turn = sign * (3.5 / abnormal_sd**2 - 0.5 / normal_sd**2) / (1 / abnormal_sd**2 - 1 / normal_sd**2)

    def ratio(x):
        both = pair.log_densities(np.array([x]))[0]
        return both[1] - both[0]

    def plain(x):
        return stats.norm.logpdf(x, 3.5 * sign, abnormal_sd) - stats.norm.logpdf(x, 0.5 * sign, normal_sd)

    beyond = -sign if abnormal_sd > normal_sd else sign
    assert ratio(turn + 2 * beyond) == pytest.approx(plain(turn)) != pytest.approx(plain(turn + 2 * beyond))
    assert ratio(turn - 2 * beyond) == pytest.approx(plain(turn - 2 * beyond)) and ratio(turn) == pytest.approx(
        plain(turn)
    )
    # the density that stays is the narrower one's beyond the turn, as it is
    both = pair.log_densities(np.array([turn + 2 * beyond]))[0]
    kept = 0 if abnormal_sd > normal_sd else 1
    assert both[kept] == pytest.approx(
        stats.norm.logpdf(turn + 2 * beyond, *((0.5 * sign, normal_sd), (3.5 * sign, abnormal_sd))[kept])
    )


def test_densities_on_a_grid_are_checked_and_drawn_from():
    grid = GridPair((0, 1, 2, 4), np.log([1, 1, 0.01, 0.01]), np.log([0.01, 0.01, 1, 1]))
    grid.check("q")
    assert grid.sign == 1 and GridPair((0, 1), (-5.0, 0.0), (0.0, -5.0)).sign == -1
    for bad in (
        GridPair((0,), (0,), (0,)),
        GridPair((0, 1), (0,), (0, 1)),
        GridPair((0, 0), (0, 1), (0, 1)),
        GridPair((0, 1), (0, np.inf), (0, 1)),
    ):
        with pytest.raises(InputError, match="biomarker q"):
            bad.check("q")
    abnormal = np.array([False, True, False])
    drawn = grid.draw(abnormal, SimpleNamespace(random=lambda n: np.array([0.5, 0.5, 1.0])))
    # areas of the normal state: 1, 0.505, 0.02; half of 1.525 lies at 0.7625; of the abnormal 0.01, 0.505, 2: half at 2 + 0.7425
    assert drawn.tolist() == pytest.approx([0.7625, 2 + (2.515 / 2 - 0.515), 4])
    pair = GaussianPair(0.0, 1e-9, 5.0, 1e-9)
    assert pair.draw(abnormal, np.random.default_rng(0)).tolist() == pytest.approx([0, 5, 0], abs=1e-6)


def test_cuts_lie_where_both_states_are_as_likely():
    events = MixtureEvents(
        [
            GaussianPair(0.0, 1.0, -3.0, 1.0, 0.3),
            GridPair((0, 10), (0.0, -8.0), (-8.0, 0.0)),
            GaussianPair(0.0, 1.0, 0.2, 4.0),
        ],
        ["p", "q", "r"],
    )
    got = events.summary().set_index("biomarker")
    assert got["direction"].tolist() == ["lower", "higher", "higher"] and got["kind"].tolist() == [
        "gaussian",
        "kde",
        "gaussian",
    ]
    assert got["cut"].tolist()[:2] == pytest.approx([-1.5, 5.0], abs=1e-2) and got["share"].tolist() == [0.3, 0.5, 0.5]
    for floor in (0.0, 1.0):
        with pytest.raises(InputError, match="must lie between 0 and 1"):
            MixtureEvents([GaussianPair(0.0, 1.0, 3.0, 1.0)], floor=floor)
    tenth = MixtureEvents([GaussianPair(0.0, 1.0, 9.0, 1.0)], floor=0.1)
    assert tenth.encode(np.array([[0.0], [9.0], [np.nan]])).steps.ravel().tolist() == pytest.approx(
        [np.log(0.1), -np.log(0.1), 0]
    )


def test_ten_values_that_vary_allow_a_fit():
    ten = np.arange(10.0)
    assert _unfit(ten, ten) == "" and _unfit(ten[:9], ten).startswith("9 values among the others")
    assert (
        _unfit(ten, ten[:9]).startswith("9 values among the controls")
        and _unfit(ten * 0 + 2, ten) == "constant, 2, among the others"
    )


def test_two_states_must_be_told_apart_by_likelihood_and_by_who_has_them():
    rng = np.random.default_rng(0)
    controls, others = rng.normal(0, 1, 60), np.r_[rng.normal(0, 1, 30), rng.normal(6, 1, 30)]
    pair = GaussianPair(0.0, 1.0, 6.0, 1.0, 0.5)
    assert _not_separated(pair, others, controls) == ""
    assert "one normal distribution describes" in _not_separated(
        GaussianPair(0.0, 1.0, 0.5, 1.0, 0.5), rng.normal(0, 1, 60), controls
    )
    x = np.linspace(0, 1, 5)
    normal, abnormal = _monotone(-x, np.array([-4.0, -1, -2, -1, 0]), 0.3, 1)
    ratio = abnormal - normal
    assert (np.diff(ratio) >= -1e-12).all() and np.ptp(ratio) > 1
    total = np.logaddexp(np.log(0.7) - x, np.log(0.3) + np.array([-4.0, -1, -2, -1, 0]))
    assert np.logaddexp(np.log(0.7) + normal, np.log(0.3) + abnormal) == pytest.approx(total)


def test_scores_are_seen_by_their_chance_at_the_true_level():
    events = OrdinalEvents([[0, 5, 9]], [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.0, 0.4, 0.6]])
    us = np.array([0.69, 0.71, 0.89, 0.91, 0.05, 0.95, 0.39, 0.41])
    course = np.array([[0], [0], [0], [0], [1], [1], [2], [2]], float)
    got = events.observed(course, SimpleNamespace(random=lambda n: us))
    assert got.ravel().tolist() == [0, 5, 5, 9, 0, 9, 5, 9]
    assert events.names == ["b0 score>=5", "b0 score>=9"] and events.thresholds_of_events.tolist() == [5, 9]
    assert events._position(0, np.array([5.0, 9.0, 0.0, 4.0, np.nan])).tolist() == [1, 2, 0, -1, -1]
    assert OrdinalEvents([[3, 1, 0]], 0.9).names == ["b0 score<=1", "b0 score<=0"] and OrdinalEvents(
        [[0, 2, 1]], 0.9
    ).names == ["b0 score=2", "b0 score=1"]
    spread = OrdinalEvents(3, 0.4).probabilities[0]
    assert np.diag(spread) == pytest.approx([0.4] * 4) and spread[0, 1:] == pytest.approx([0.2] * 3)
    for p in (0.25, 1.0, [[0.5, 0.5], [0.4, 0.7]], [[1.1, -0.1], [0.5, 0.5]], [[0.5, 0.5]]):
        with pytest.raises(InputError):
            OrdinalEvents(3 if np.isscalar(p) else 1, p)
    assert (
        len(OrdinalEvents(2, [0.8, 0.9]).biomarkers) == 2
        and len(OrdinalEvents(2, 0.9, ["x", "y", "z"]).biomarkers) == 3
    )
    for levels in (0, 1.5, [], [1, [0, 1]]):
        with pytest.raises(InputError, match="levels"):
            OrdinalEvents(levels, 0.9)


def test_given_densities_are_of_positive_numbers_in_their_shape():
    events = DensityEvents([1, 2], ["x", "y"])
    normal, levels = np.array([[0.5, 0.2]]), np.array([[[0.25, 9.0], [0.4, 0.8]]])
    assert events.from_peer(normal, levels).tolist() == [pytest.approx(np.log([0.5, 0.25, 0.2, 0.4, 0.8]))]
    steps = events.encode(events.from_peer(normal, levels))
    assert sorted(steps.steps[0]) == pytest.approx(sorted([-np.log(2), np.log(2), np.log(2)])) and steps.base[
        0
    ] == pytest.approx(np.log(0.1))
    for n, level in (
        (normal[0], levels),
        (normal, levels[:, :1]),
        (normal, levels[0]),
        (np.ones((2, 2)), levels),
        (normal, levels[:, :, :1]),
    ):
        with pytest.raises(InputError, match="shape"):
            events.from_peer(n, level)
    with pytest.raises(InputError, match="zero or negative for 1 person"):
        events.from_peer(normal, np.array([[[0.0, 1.0], [0.4, 0.8]]]))
    with pytest.raises(InputError, match="some levels are missing.*y for r1"):
        events.check_values(
            np.array([[0.0, 1, np.nan, np.nan, np.nan], [0.0, 1, 2, np.nan, 1]]), pd.Index(["r0", "r1"])
        )


def test_events_are_kept_where_enough_people_reach_them():
    z = pd.DataFrame({"a": [0.0, 1, 2, 3, 4, np.nan], "b": [0.5, 0.9, 0.2, 0.1, 0.0, 0.0]})
    events, table = choose_events(z, [1, 3], min_people=2, max_percentile=50.0, headroom=0.5)
    assert table.values.tolist() == [["a", 1, 4, True], ["a", 3, 2, True], ["b", 1, 0, False], ["b", 3, 0, False]]
    assert events.thresholds == ((1.0, 3.0),) and events.z_max.tolist() == [3.5] and events.biomarkers == ("a",)
    assert choose_events(z, {"a": [1], "b": [0.5]}, min_people=2, max_percentile=100.0)[0].z_max.tolist() == [4.0, 1.5]
    with pytest.raises(InputError, match="no biomarker has 5 people at z >= 1"):
        choose_events(z, [1, 3], min_people=5)
    for bad, words in (
        (([[1.0, 1.0]], 3.0), "ascending"),
        (([[0.0, 1.0]], 3.0), "positive"),
        (([[1.0, 2.0]], 2.0), "not above"),
    ):
        with pytest.raises(InputError, match=words):
            ZScoreEvents(*bad)


# ---------------------------------------------------------------- layout, variants, starts


def test_precision_and_noise_are_checked():
    assert limits(np.float32).tolist()[:4] == [60, -69, 80, 90] and limits(np.float64).tolist()[:4] == [
        0,
        -708,
        300,
        600,
    ]
    assert noise_vector(2, 3).tolist() == [2, 2, 2]
    for bad in ([1.0, 2.0], "x", [1.0, 0.0, 1.0], np.nan):
        with pytest.raises(InputError):
            noise_vector(bad, 3)
    named = pd.DataFrame(np.diag([1.0, 2, 3, 4]), list("xcba"), list("xcba"))
    assert (
        np.diag(check_covariance(EVENTS, named)).tolist() == [4, 3, 2]
        and check_covariance(EVENTS, "independent") is None
    )
    assert check_covariance(EVENTS, np.diag([1.0, 1, 1e6])) is not None
    for bad, words in ((np.diag([1.0, 1, 1.1e6]), "condition number"), (np.diag([1.0, 0, 1]), "not positive definite"), (np.eye(2), "shape"),
                       (np.triu(np.ones((3, 3))), "symmetric"), (named.iloc[:3, :3], "lacks")):  # fmt: skip
        with pytest.raises(InputError, match=words):
            check_covariance(EVENTS, bad)


def test_people_are_laid_out_by_what_they_miss_and_found_again():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 3))
    x[:70, 1] = np.nan  # 70 of one pattern have blocks of their own, 5 of another do not, 75 are complete
    x[70:75, [0, 2]] = np.nan
    order = rng.permutation(150)
    x = x[order]
    data, where = pack(SimpleNamespace(x=x, steps=np.zeros((150, 0))))
    n_blocks, _, width = data.x.shape
    assert width % 32 == 0 and data.real.sum() == 150 and len(set(where)) == 150
    back = data.x.transpose(0, 2, 1).reshape(-1, 3)[where]
    assert back == pytest.approx(np.nan_to_num(x))
    kinds = data.pattern.ravel()[where]
    assert [len(set(kinds[rows])) for rows in (np.isfinite(x).all(1), np.isnan(x[:, 1]), np.isnan(x[:, 0]))] == [
        1,
        1,
        1,
    ]
    assert set(kinds[np.isfinite(x).all(1)]) == {0} and data.count[0] == 75 and sorted(data.count) == [5, 70, 75]
    own = [{int(p) for p in data.pattern[b][data.real[b] > 0]} for b in range(n_blocks)]
    assert all(
        (o >= 0) == (len(s) == 1 and s != {kinds[np.isnan(x[:, 0])][0]}) for o, s in zip(data.only, own, strict=True)
    )
    missing = [data.missing[a:b].tolist() for a, b in zip(data.missing_start, data.missing_start[1:], strict=False)]
    assert missing[0] == [] and sorted(missing[1:]) == [[0, 2], [1]]
    assert data.root_start.tolist() == np.cumsum([0, *[len(m) ** 2 for m in missing]])[:-1].tolist()


def test_noise_that_is_learnt_needs_values_and_degrees():
    x = np.array([[1.0, 2, np.nan], [2.0, 1, 3], [0.5, 2, np.nan]])
    with pytest.raises(InputError, match="biomarker c has fewer than two values"):
        Problem(x, EVENTS, Variant(noise="learnt"))
    Problem(x, EVENTS, Variant())
    full = np.nan_to_num(x)
    with pytest.raises(InputError, match="needs more than 6 degrees of freedom, not 6"):
        Problem(full, EVENTS, Variant(noise="adapted", degrees=6.0))
    problem = Problem(full, EVENTS, Variant(noise="adapted", degrees=6.5))
    assert (problem.settings.noise, problem.settings.pseudo, problem.n_people) == (2, 1.0, 3)
    plain = Problem(full, EVENTS, Variant("uniform", noise="learnt", noise_sd=[1, 2, 3]))
    assert (plain.settings.noise, plain.settings.pseudo, plain.settings.concentration) == (1, 0.0, 1.0)
    assert np.diag(plain.covariance).tolist() == [1, 4, 9]
    sigma, at = np.diag([1.0, 2.0, 4.0]), np.array([[2.0, 0.5, 0], [0.5, 1.0, 0], [0, 0, 3.0]])
    adapted = Problem(full, EVENTS, Variant(noise="adapted", degrees=10.0, covariance=sigma))
    assert adapted.log_prior(at) == pytest.approx(
        -5 * (np.log(np.linalg.det(at)) + np.trace(np.linalg.inv(at) @ sigma))
    )
    assert plain.log_prior(at) == 0


def test_bumps_are_triangles_between_their_neighbours_peaks():
    """Peaks 0, 1, 2 and 4 of six stages, and the last: steps grow by a third each."""
    got = triangular_bumps(6)
    assert got.argmax(axis=1).tolist() == [0, 1, 2, 4, 5] and got.sum(axis=1) == pytest.approx(np.ones(5))
    assert got[2] == pytest.approx(np.array([0, 0, 1, 0.5, 0, 0]) / 1.5) and got[3] == pytest.approx(
        np.array([0, 0, 0, 0.5, 1, 0]) / 1.5
    )
    assert triangular_bumps(1).tolist() == [[1]] and triangular_bumps(4, growth=2.0).argmax(axis=1).tolist() == [
        0,
        1,
        3,
    ]
    assert Variant("dirichlet").bumps(2).tolist() == [[0, 1, 0], [0, 0, 1]] and Variant("uniform", healthy=False).bumps(
        3
    ).tolist() == [[0.25] * 4]


def test_variants_have_names_and_concentrations_of_their_own():
    assert Variant("learnt").stage_prior == "dirichlet" and Variant("dirichlet").share_concentration == 0.1
    assert Variant("smooth", concentration=2).share_concentration == 2 and Variant().share_concentration == 1
    assert Variant(noise="learnt", healthy=False).name == "smooth prior, learnt noise, no healthy component"
    assert (
        Variant(covariance=np.eye(2)).name == "smooth prior, controls' covariance"
        and Variant().name == "smooth prior, independent noise"
    )
    for bad in (
        {"concentration": 0.0},
        {"stage_rule": "integral", "noise": "learnt"},
        {"noise": "learnt", "covariance": np.eye(2)},
        {"healthy": 1},
        {"stage_rule": "x"},
    ):
        with pytest.raises(InputError):
            Variant(**bad)
    for bad in ({"n_startpoints": 0}, {"n_samples": -1}, {"warm_up": -0.1}, {"variant": "x"}, {"n_doublings": 0.5}):
        with pytest.raises(InputError):
            FitSettings(**bad)
    words = FitSettings(n_samples=1000, n_chains=1, warm_up=0.25, n_doublings=2).chains_in_words()
    assert words == "1 chain of 1,000 steps after 250 of warm-up, up to 4,000 while they do not agree"
    assert FitSettings(n_samples=0, n_startpoints=1).effort_in_words(1, 1) == "1 start, then no chains"


def test_draws_are_thinned_evenly_and_reordered_together():
    sequences = np.arange(24).reshape(2, 3, 2, 2) % 2
    draws = Draws(sequences, np.arange(12.0).reshape(2, 3, 2), np.arange(12.0).reshape(2, 3, 2, 1), np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(2, 3, 1, 1),
                  np.zeros((2, 3)), np.arange(8).reshape(2, 2, 2), np.arange(8).reshape(2, 2, 2))  # fmt: skip
    bumps = np.array([[0.0, 1.0, 0.0]])
    assert [p.healthy for p in draws.each(bumps)] == [0, 1, 2, 3, 4, 5] and [
        p.healthy for p in draws.each(bumps, 6)
    ] == [0, 1, 2, 3, 4, 5]
    few = draws.each(bumps, 3)
    assert (
        [p.healthy for p in few] == [0, 2, 5]
        and [p.fractions.tolist() for p in few] == [[0, 1], [4, 5], [10, 11]]
        and few[2].covariance.tolist() == [[5]]
    )
    turned = draws.permuted([1, 0])
    assert (
        turned.fractions[0, 1].tolist() == [3, 2]
        and turned.acceptance[0].tolist() == [[2, 3], [0, 1]]
        and turned.step[1].tolist() == [[6, 7], [4, 5]]
    )
    fixed = Draws(
        *(getattr(draws, f) for f in ("sequences", "fractions", "shares", "healthy")),
        np.array([[[[7.0]]]]),
        draws.log_likelihood,
        draws.acceptance,
        draws.step,
    )
    assert {p.covariance.item() for p in fixed.each(bumps)} == {7} and fixed.noise_sd.shape == (1, 1, 1)


def test_parameters_are_weights_of_everybody():
    point = Parameters(np.array([[0, 1], [1, 0], [0, 1]]), np.array([0.2, 0.5, 0.3]), np.array([[1.0, 0], [0.25, 0.75], [0, 1.0]]), np.array([[0, 1.0, 0], [0, 0.5, 0.5]]), 0.4,
                       np.diag([4.0, 9.0]), -10.0, -2.5)  # fmt: skip
    assert point.weights.sum() == pytest.approx(0.6) and point.weights[1] == pytest.approx(
        [0, 0.3 * 0.625, 0.3 * 0.375]
    )
    assert point.noise_sd.tolist() == [2, 3] and point.score == -12.5
    assert point.ordered().fractions.tolist() == [0.5, 0.3, 0.2] and point.ordered().shares[0].tolist() == [0.25, 0.75]
    assert point.permuted([2, 0, 1]).sequences.tolist() == [[0, 1], [0, 1], [1, 0]]


def test_starts_are_even_and_the_best_are_told_apart():
    problem = Problem(np.zeros((4, 3)), EVENTS, Variant())
    point = even(problem, np.array([[0, 1, 2, 3], [3, 2, 1, 0]]))
    assert point.fractions.tolist() == [0.5, 0.5] and point.healthy == 0.5
    held = problem.bumps.astype(bool).sum(axis=1)
    assert (
        point.shares == pytest.approx(np.tile(held / held.sum(), (2, 1))) and point.covariance is not problem.covariance
    )
    assert even(Problem(np.zeros((4, 3)), EVENTS, Variant(healthy=False)), np.array([[0, 1, 2, 3]])).healthy == 0
    assert (
        best_distinct([1.0, 5.0, 4.9995, 3.0, 4.998, 5.0], 3) == [1, 4, 3]
        and best_distinct([1.0], 3) == [0]
        and best_distinct([2.0, 1.0, 3.0], 1) == [2]
    )


def test_the_model_without_subtypes_has_none():
    """One normal: the log-likelihood is scipy's, and weights of subtypes have the shape of none."""
    X = np.array([[0.5, -1.0, 2.0], [1.5, 0.0, -0.5], [0.0, 0.25, 1.0]])
    problem = Problem(X, EVENTS, Variant())
    point = null_point(problem)
    n_bumps = len(problem.bumps)
    assert point.sequences.shape == (0, EVENTS.n_events) and point.fractions.shape == (0,)
    assert point.shares.shape == (0, n_bumps) and n_bumps > 1 and point.healthy == 1.0
    assert point.log_likelihood == pytest.approx(stats.norm.logpdf(X).sum(), abs=1e-9)


def test_a_cross_validation_says_who_how_often_and_what():
    table = pd.DataFrame({"variant": "plain", "n_subtypes": [0, 1, 2], "chosen": [False, False, True]})
    found = CrossValidation(table, None, {}, np.array([[0, 1, 2, 0, 1]]), {}, pd.RangeIndex(5), np.zeros((5, 2)))
    assert repr(found) == "CrossValidation(5 people, 3 folds, chosen plain: 2 subtypes)"
    alone = CrossValidation(table.assign(chosen=[False, True, False]), None, {}, np.zeros((1, 1), int), {}, None, None)
    assert repr(alone) == "CrossValidation(1 person, 1 fold, chosen plain: 1 subtype)"
