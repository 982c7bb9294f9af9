"""Models from strangers, chains before their first step, starts and mixtures: every condition on its own, on a few people."""

import pickle
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuraxis.errors import InputError, ModelError
from neuraxis.sustain import SustainModel, ZScoreEvents, cross_validate, import_peer, search
from neuraxis.sustain.families import MixtureEvents
from neuraxis.sustain.families.declared import _families, _of_zscores, _reached
from neuraxis.sustain.families.mixture import GaussianPair, _fit_gaussians, _fit_kernels, _probabilities
from neuraxis.sustain.problem import Problem, check_covariance
from neuraxis.sustain.sampler import Chain, leapt, perturbed, stack, unstack
from neuraxis.sustain.state import Draws, FitSettings, Parameters, Variant
from neuraxis.sustain.study import chain_draws, named_variant, sizes_table, study_settings

EVENTS = ZScoreEvents([[1.0, 2.0], [1.0], [3.0]], [4.0, 3.0, 5.0], biomarkers=["a", "b", "c"])
VARIANT = Variant("uniform")


def point(**changes):
    base = {"sequences": np.array([[0, 1, 2, 3], [1, 2, 0, 3]]), "fractions": np.array([0.7, 0.3]), "shares": np.ones((2, 1)), "bumps": VARIANT.bumps(4),
            "healthy": 0.2, "covariance": np.eye(3), "log_likelihood": -5.0}  # fmt: skip
    return Parameters(**(base | changes))


def draws(**changes):
    """Two chains of three draws."""
    base = {"sequences": np.tile(point().sequences, (2, 3, 1, 1)), "fractions": np.tile([0.7, 0.3], (2, 3, 1)), "shares": np.ones((2, 3, 2, 1)),
            "healthy": np.full((2, 3), 0.2), "covariance": np.eye(3)[None, None], "log_likelihood": np.full((2, 3), -5.0), "acceptance": np.zeros((2, 2, 4)),
            "step": np.ones((2, 2, 4))}  # fmt: skip
    return Draws(**(base | changes))


SWAPPED = np.array([[3, 0, 1, 2], [0, 1, 2, 3]])  # a z>=2 before a z>=1
HALVED = np.tile([0.7, 0.3], (2, 3, 1)).copy()
HALVED[1, 2] = [0.7, 0.2]


@pytest.mark.parametrize(
    ("where", "changes", "words"),
    [
        ("point", {"fractions": np.ones(3) / 3}, "fractions have shape"),
        ("point", {"shares": np.ones((2, 2)) / 2}, "shares have shape"),
        ("point", {"covariance": np.eye(2)}, "covariance have shape"),
        ("point", {"sequences": np.array([[0, 1, 2], [0, 1, 2]])}, "sequences have shape"),
        ("point", {"sequences": np.array([[0, 1, 2, 2], [0, 1, 2, 3]])}, "sequences are no orders of the 4 events"),
        ("point", {"fractions": np.array([0.7, np.nan])}, "fractions are not finite"),
        ("point", {"fractions": np.array(["0.7", "0.3"])}, "fractions are not finite numbers"),
        ("point", {"fractions": np.array([0.7, 0.29])}, "fractions are no weights"),
        ("point", {"fractions": np.array([1.1, -0.1])}, "fractions are no weights"),
        ("point", {"shares": np.array([[1.0], [0.9]])}, "shares are no weights"),
        ("point", {"healthy": 1.01}, "healthy weight 1.01"),
        ("point", {"healthy": -0.01}, "healthy weight -0.01"),
        ("point", {"covariance": np.diag([1.0, 1, 0])}, "not positive definite"),
        ("draws", {"sequences": np.tile(np.array([[0, 1, 2, 2], [0, 1, 2, 3]]), (2, 3, 1, 1))}, "draws of sequences are no orders"),
        ("draws", {"sequences": np.tile(SWAPPED, (2, 3, 1, 1))}, "draws of sequences: a: a higher threshold before a lower one"),
        ("draws", {"sequences": np.tile(point().sequences, (2, 2, 1, 1))}, "draws of sequences have shape"),
        ("draws", {"fractions": HALVED}, "draws of fractions are no weights"),
        ("draws", {"shares": np.full((2, 3, 2, 1), 0.5)}, "draws of shares are no weights"),
        ("draws", {"healthy": np.full((2, 2), 0.2)}, "draws of the healthy weight have shape"),
        ("draws", {"covariance": np.tile(np.eye(3), (2, 1, 1, 1))}, "first two dimensions"),
        ("draws", {"covariance": np.eye(2)[None, None]}, "draws of covariances have shape"),
        ("draws", {"log_likelihood": np.full((2, 3), np.nan)}, "log-likelihoods of the draws are not finite"),
        ("draws", {"log_likelihood": np.full((2, 3), "x")}, "log-likelihoods of the draws are not finite"),
        ("draws", {"log_likelihood": np.zeros(6)}, "first two dimensions"),
    ],
)  # fmt: skip
def test_a_model_that_cannot_be_is_refused(where, changes, words):
    p, d = (point(**changes), draws()) if where == "point" else (point(), draws(**changes))
    with pytest.raises(ModelError, match=words):
        SustainModel(EVENTS, VARIANT, p, d)._check()


@pytest.mark.parametrize(
    ("p", "d"),
    [
        ({}, {}), ({"healthy": 0.0}, {}), ({"healthy": 1.0}, {"covariance": np.tile(np.eye(3), (2, 3, 1, 1))}),
        ({"fractions": np.array([1 + 1e-10, -1e-10])}, {}), ({"fractions": np.array([0.7, 0.3 + 5e-7])}, {}),
    ],
)  # fmt: skip
def test_a_model_at_its_edges_is_one(p, d):
    SustainModel(EVENTS, VARIANT, point(**p), draws(**d))._check()
    SustainModel(EVENTS, VARIANT, point(**p), None)._check()


def test_an_order_of_everyone_must_keep_its_thresholds():
    with pytest.raises(InputError, match="a"):
        SustainModel(EVENTS, VARIANT, point(sequences=SWAPPED), None)._check()


# ---------------------------------------------------------------- the peer's files


ORDERS = np.array([[0, 1, 2], [1, 0, 2]])
PEER = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["t", "f"])


def peer(tmp_path, **changes):
    found = {"samples_sequence": np.repeat(ORDERS[:, :, None], 5, 2).astype(float), "samples_f": np.repeat([[0.25], [0.75]], 5, 1),
             "samples_likelihood": -np.array([[7.0], [9], [6], [8], [9]]), "ml_sequence_EM": ORDERS.astype(float), "ml_f_EM": np.array([0.25, 0.75])}  # fmt: skip
    path = tmp_path / "one.pickle"
    path.write_bytes(pickle.dumps({k: v for k, v in (found | changes).items() if v is not ...}))
    return path


def test_the_peers_result_is_told_by_its_best_likelihood(tmp_path):
    model = import_peer(peer(tmp_path), PEER)
    assert model.point.log_likelihood == -6 and model.draws.log_likelihood.tolist() == [[-7, -9, -6, -8, -9]]
    assert import_peer(peer(tmp_path, ml_likelihood_EM=np.array([-3.5, -9])), PEER).point.log_likelihood == -3.5
    assert (model.variant.stage_prior, model.variant.healthy, model.point.healthy) == ("uniform", False, 0.0)
    assert model.point.stage_weights.tolist() == [[0.25] * 4] * 2 and np.array_equal(model.point.covariance, np.eye(2))
    assert (
        not model.draws.healthy.any()
        and model.draws.shares.shape == (1, 5, 2, 1)
        and np.isnan(model.draws.acceptance).all()
    )
    assert model.settings == {"imported_from": "pySuStaIn"} and model.draws.acceptance is not model.draws.step
    equal = import_peer(peer(tmp_path, ml_f_EM=np.array([0.5, 0.5])), PEER)
    assert equal.point.sequences.tolist() == ORDERS.tolist()  # of equal ones the first stays first


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"samples_f": np.repeat([[2.0], [-1.0]], 5, 1)}, "samples_f are no weights"),
        ({"samples_f": np.full((2, 5), 0.4)}, "samples_f are no weights"),
        ({"ml_f_EM": np.array([1.5, -0.5])}, "ml_f_EM are no weights"),
        ({"ml_f_EM": np.array([0.25, 0.25])}, "ml_f_EM are no weights"),
        ({"samples_sequence": np.zeros((2, 3))}, "do not fit 3 events"),
        ({"samples_sequence": np.zeros((2, 2, 5))}, "do not fit 3 events"),
        ({"ml_f_EM": ...}, "'ml_f_EM' is missing"),
        ({"ml_f_EM": None}, "ml_f_EM is no array of numbers"),
        ({"ml_f_EM": np.array([])}, "ml_f_EM is no array of numbers"),
        ({"ml_f_EM": np.array([True, False])}, "dtype bool"),
        ({"ml_sequence_EM": np.array([[2.0, 1, 0], [0, 1, 2]])}, "ml_sequence_EM: .*were these its events"),
        ({"samples_sequence": ...}, "no pySuStaIn result"),
    ],
)
def test_what_is_wrong_with_the_peers_result_is_named(tmp_path, changes, words):
    with pytest.raises(ModelError, match=words):
        import_peer(peer(tmp_path, **changes), PEER)


# ---------------------------------------------------------------- chains


def test_a_level_may_leap_and_levels_then_stand_in_order():
    biomarker, level = np.array([0, 1, 0, 1, 0]), np.array([0, 0, 1, 1, 2])
    order = np.array([0, 1, 2, 3, 4])
    assert leapt(order, 0, 4, biomarker, level).tolist() == [1, 0, 3, 2, 4]
    assert (
        leapt(order, 4, 0, biomarker, level).tolist() == [0, 2, 1, 4, 3]
        and leapt(order, 1, 1, biomarker, level).tolist() == order.tolist()
    )
    assert leapt(order, 3, 0, biomarker, level).tolist() == [1, 0, 3, 2, 4] and order.tolist() == [0, 1, 2, 3, 4]


def a_problem(**options):
    rng = np.random.default_rng(0)
    return Problem(rng.normal(1, 1, (12, 3)), EVENTS, Variant(**options))


def a_chain(problem, **settings):
    variant = problem.variant
    start = point(bumps=problem.bumps, shares=np.full((2, len(problem.bumps)), 1 / len(problem.bumps)))
    return Chain(problem, start, FitSettings(variant=variant, **settings), np.random.default_rng(1), "c")


def test_a_chain_knows_how_far_it_has_to_go():
    chain = a_chain(a_problem(), n_samples=1000, n_draws=30, warm_up=0.25)
    assert (chain.n_draws, chain.thin, chain.warm, chain.piece, chain.sampler.every) == (30, 33, 250, 10, 10)
    assert (chain.left(0), chain.left(1), chain.distance) == (250 + 990, 250 + 1980, 33)
    chain.warmed, chain.step, chain.round = 100, 66, 2
    assert (chain.left(2), chain.distance) == (150 + 33 * 4 * 30 - 66, 132)
    short = a_chain(a_problem(), n_samples=20, n_draws=30, sweep_every=10, warm_up=0.0)
    assert (short.n_draws, short.thin, short.warm, short.piece, short.sampler.every) == (20, 1, 0, 1, 1)
    # weights that are learnt are drawn in sweeps, so that there is one after every step; else none where none are asked for
    assert a_chain(a_problem(), n_samples=5000, sweep_every=0).sampler.every == 1
    plain = a_chain(a_problem(stage_prior="uniform"), n_samples=5000, n_draws=10, sweep_every=0)
    assert (plain.sampler.every, plain.piece) == (0, 20)
    assert a_chain(a_problem(stage_prior="uniform", noise="learnt"), n_samples=5000, sweep_every=0).sampler.every == 1
    assert a_chain(a_problem(), n_samples=50_000, n_draws=10).piece == 200


def test_chains_begin_apart_within_their_thresholds():
    problem = a_problem()
    start = point(bumps=problem.bumps)
    starts = [perturbed(problem, start, np.random.default_rng(i)).sequences for i in range(40)]
    assert len({s.tobytes() for s in starts}) > 3 and start.sequences.tolist() == [[0, 1, 2, 3], [1, 2, 0, 3]]
    for sequences in starts:
        for s in sequences:
            assert EVENTS.check_sequence(s).tolist() == s.tolist()
    # by a tenth of the axis: places move by less than one on the average
    moved = np.mean([np.abs(np.argsort(s, axis=1) - np.argsort(start.sequences, axis=1)).mean() for s in starts])
    assert 0.02 < moved < 0.9


def test_draws_are_kept_with_one_covariance_or_each_with_its_own():
    shared = np.eye(3)
    two = [point(covariance=shared, healthy=0.1), point(covariance=shared, healthy=0.3, log_prior=-2.0)]
    kept = stack(two)
    assert kept["drawn_covariance"].shape == (1, 3, 3) and kept["drawn_healthy"].tolist() == [0.1, 0.3]
    back = unstack(kept, two[0].bumps)
    assert (
        [p.healthy for p in back] == [0.1, 0.3] and back[1].log_prior == -2 and back[1].covariance is back[0].covariance
    )
    assert back[1].sequences.tolist() == two[1].sequences.tolist() and back[0].score == -5
    own = [point(covariance=np.eye(3)), point(covariance=2 * np.eye(3))]
    assert [p.covariance[0, 0] for p in unstack(stack(own), own[0].bumps)] == [1, 2] and stack([])[
        "drawn_covariance"
    ].shape == (0,)


# ---------------------------------------------------------------- starts


def test_a_part_is_searched_where_everyone_is_too_many(monkeypatch):
    problem = a_problem()
    assert search.searched_part(problem, np.random.default_rng(0)) is problem
    monkeypatch.setattr(search, "MOST_SEARCHED", 12)
    assert search.searched_part(problem, np.random.default_rng(0)) is problem
    monkeypatch.setattr(search, "MOST_SEARCHED", 7)
    part = search.searched_part(problem, np.random.default_rng(0))
    assert part.n_people == 7 and len(np.unique(part.values, axis=0)) == 7
    places = [np.flatnonzero((problem.values == row).all(axis=1))[0] for row in part.values]
    assert places == sorted(places)
    # 4 events of 3 biomarkers: 60 of the price are 5 people, yet never fewer than the least
    monkeypatch.setattr(search, "PRICE_SEARCHED", 60)
    monkeypatch.setattr(search, "LEAST_SEARCHED", 3)
    assert search.searched_part(problem, np.random.default_rng(0)).n_people == 5
    monkeypatch.setattr(search, "LEAST_SEARCHED", 6)
    assert search.searched_part(problem, np.random.default_rng(0)).n_people == 6


def test_a_split_halves_the_members_of_one_subtype(monkeypatch):
    problem, seen = a_problem(), []

    def climb(part, start, rng, *, explore=0, most=0):
        seen.append((part.values[:, 0].tolist(), len(start.sequences), most))
        return start

    monkeypatch.setattr(search, "climb", climb)
    labels = np.array([0, 1, 0, 0, 1, 0, 0, 1, 1, 1, 0, 0])
    previous = point(bumps=problem.bumps, healthy=0.35, covariance=2 * np.eye(3))
    start = search.split_start(problem, previous, labels, 0, np.random.default_rng(3))
    mine = problem.values[labels == 0, 0].tolist()
    assert [k for _, k, _ in seen] == [1, 1, 2] and [len(v) for v, _, _ in seen] == [4, 3, 7]
    assert (
        sorted(seen[0][0] + seen[1][0]) == sorted(mine)
        and seen[2][0] == mine
        and {m for _, _, m in seen} == {search.PREPARING_SWEEPS}
    )
    assert start.sequences[0].tolist() == previous.sequences[1].tolist() and len(start.sequences) == 3
    assert start.fractions.tolist() == pytest.approx([1 / 3] * 3) and start.healthy == 0.35
    assert start.covariance.tolist() == (2 * np.eye(3)).tolist() and start.covariance is not previous.covariance


def test_everyone_healthy_has_the_normals_likelihood():
    rng = np.random.default_rng(2)
    sigma = np.array([[1.0, 0.3, 0.0], [0.3, 2.0, 0.1], [0.0, 0.1, 1.5]])
    values = rng.normal(size=(9, 3))
    null = search.null_point(Problem(values, EVENTS, Variant(covariance=sigma)))
    assert null.healthy == 1 and null.sequences.shape == (0, 4) and null.fractions.size == 0
    assert null.log_likelihood == pytest.approx(
        stats.multivariate_normal(np.zeros(3), sigma).logpdf(values).sum()
    ) and null.covariance == pytest.approx(sigma)
    learnt = search.null_point(Problem(values, EVENTS, Variant(noise="learnt")))
    assert np.diag(learnt.covariance) == pytest.approx((values**2).mean(axis=0), rel=1e-3)


# ---------------------------------------------------------------- mixtures


def test_the_share_is_that_of_the_abnormal_drawn_a_little_to_a_half():
    """Far apart: 12 of 40 others are abnormal; with one more on either side (Beta(2, 2)) 13 of 42."""
    rng = np.random.default_rng(0)
    controls, others = rng.normal(10, 2, 50), np.r_[rng.normal(10, 2, 28), rng.normal(60, 3, 12)]
    pair = _fit_gaussians(others, controls)
    assert pair.share == pytest.approx(13 / 42, abs=1e-3)
    normal, abnormal = np.r_[controls, others[:28]], others[28:]
    assert (pair.normal_mean, pair.abnormal_mean) == pytest.approx((normal.mean(), abnormal.mean()), abs=0.02)
    # log(abnormal SD / normal SD) ~ N(0, 0.5^2): at the maximum n1 (s1^2 / sigma1^2 - 1) = log(sigma1 / sigma0) / 0.25
    spread = np.log(pair.abnormal_sd / pair.normal_sd) / 0.25
    assert 12 * (((abnormal - pair.abnormal_mean) ** 2).mean() / pair.abnormal_sd**2 - 1) == pytest.approx(
        spread, abs=0.02
    )
    assert 78 * (((normal - pair.normal_mean) ** 2).mean() / pair.normal_sd**2 - 1) == pytest.approx(-spread, abs=0.05)
    low = _fit_gaussians(70 - others, 70 - controls)
    assert low.sign == -1 and low.share == pytest.approx(pair.share, abs=1e-3)
    p = _probabilities(GaussianPair(0.0, 1.0, 2.0, 1.0, 0.25), np.array([1.0, 2.0]))
    assert p.tolist() == pytest.approx([0.25, 1 / (1 + 3 * np.exp(-2))])


def test_kernels_reach_three_bandwidths_beyond_everyone():
    rng = np.random.default_rng(1)
    controls, others = rng.normal(0, 1, 60), np.r_[rng.normal(0, 1, 30), rng.normal(7, 1, 30)]
    start = _fit_gaussians(others, controls)
    pair = _fit_kernels(start, others, controls)
    everyone = np.r_[controls, others]
    margin = 3 * everyone.std() * 120**-0.2
    assert (pair.grid[0], pair.grid[-1], len(pair.grid)) == pytest.approx(
        (everyone.min() - margin, everyone.max() + margin, 256)
    )
    assert pair.share == start.share and pair.sign == 1
    ratio = np.array(pair.abnormal) - np.array(pair.normal)
    assert (
        (np.diff(ratio) >= -1e-9).all() and np.interp(0, pair.grid, ratio) < -2 and np.interp(7, pair.grid, ratio) > 2
    )
    near = np.interp(0.0, pair.grid, np.exp(pair.normal))
    assert near == pytest.approx(stats.norm.pdf(0), rel=0.2)


def test_densities_of_a_table_have_a_pair_for_every_value():
    pair = GaussianPair(0.0, 1.0, 3.0, 2.0)
    x = np.array([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
    got = pair.log_densities(x)
    assert got.shape == (2, 3, 2) and got[1, 0] == pytest.approx(stats.norm.logpdf(3.0, [0, 3], [1, 2]))


# ---------------------------------------------------------------- declared events, settings, messages


def test_people_past_an_event_are_those_to_whom_it_looks_passed():
    events = MixtureEvents([GaussianPair(0.0, 1.0, 4.0, 1.0), GaussianPair(0.0, 1.0, -4.0, 1.0)], ["u", "v"])
    X = pd.DataFrame({"v": [-3.0, -1.9, -2.1, np.nan], "u": [1.9, 2.1, 5.0, np.nan], "w": 0.0})
    got = _reached(events, X, "mixture")
    assert (
        got[["biomarker", "family", "threshold", "n_people"]].values.tolist()
        == [["u", "mixture", 1, 2], ["v", "mixture", 1, 2]]
        and got["kept"].all()
    )
    z = pd.DataFrame({"p": [1.0, 2.0, 0.5], "q": [0.0, 0.2, 3.0]})
    every, table = _of_zscores(z, {"p": [1.0, 2.0], "q": [1.0]}, False, 9, 5.0, alone=True)
    assert (
        every.thresholds == ((1.0, 2.0), (1.0,))
        and table["n_people"].tolist() == [2, 1, 1]
        and every.z_max.tolist() == [5, 5]
    )
    none, table = _of_zscores(z, {"p": [1.0, 2.0], "q": [1.0]}, True, 3, 5.0, alone=False)
    assert none is None and not table["kept"].any() and table["n_people"].tolist() == [2, 1, 1]
    some, _ = _of_zscores(z, {"p": [1.0, 2.0], "q": [1.0]}, True, 2, 5.0, alone=False)
    assert some.biomarkers == ("p",) and some.thresholds == ((1.0,),)
    defined = pd.DataFrame(
        {
            "biomarker": ["q", "x"],
            "family": ["ordinal", "mixture"],
            "thresholds": [[0, 1], []],
            "accuracy": [0.9, np.nan],
        }
    )
    assert _families(z, defined)["family"].to_dict() == {"q": "ordinal", "p": "zscore"} and set(
        _families(z, None)["family"]
    ) == {"zscore"}


def test_a_disease_has_as_many_people_as_its_fits_need():
    got = sizes_table(10, 3, 3, disease="MS").set_index("quantity")["value"]
    assert got.to_dict() == {"people": 10, "folds": 3, "smallest training set": 6, "needed there": 6}
    with pytest.raises(InputError, match="MS: 8 people are too few for 3 subtypes in 3 folds"):
        sizes_table(8, 3, 3, disease="MS")
    with pytest.raises(InputError, match="11 folds"):
        sizes_table(12, 11, 2, disease="MS")
    assert sizes_table(13, 11, 2, disease="MS")["value"].tolist() == [13, 11, 11, 11]
    assert [chain_draws(n) for n in (0, 9, 10, 29, 5000, 6000)] == [1, 1, 1, 2, 500, 500]


def test_a_studys_noise_needs_the_controls_where_it_is_theirs():
    sigma = pd.DataFrame(np.diag([4.0, 3, 2, 1]), list("xcba"), list("xcba"))
    for noise, kind, own in (
        ("controls", "fixed", True),
        ("adapted", "adapted", True),
        ("independent", "fixed", False),
        ("learnt", "learnt", False),
    ):
        made = study_settings(EVENTS, noise=noise, stage_prior="smooth", covariance=sigma, n_samples=40, n_chains=3)
        assert (
            made.variant.noise == kind
            and (made.variant.covariance is not None) == own
            and (made.n_draws, made.n_chains) == (4, 3)
        )
        if own:
            assert np.diag(made.variant.covariance).tolist() == [1, 2, 3]
        assert named_variant(f"uniform-{noise}", healthy=False) == {
            "stage_prior": "uniform",
            "noise": kind,
            "healthy": False,
        } | ({"covariance": "covariance"} if own else {})
    with pytest.raises(InputError, match="covariance of a, which"):
        study_settings(EVENTS, noise="controls", stage_prior="smooth", covariance=sigma.iloc[:3, :3])
    with pytest.raises(InputError, match="covariance of a, b, c, which"):
        study_settings(EVENTS, noise="adapted", stage_prior="smooth")


def test_numbers_in_messages_are_those_that_are_wrong():
    with pytest.raises(InputError, match=r"condition number 4e\+06, above 1e\+06"):
        check_covariance(EVENTS, np.diag([2.0, 8e6, 4.0]))
    with pytest.raises(InputError, match="5 people in 2 folds leave 2 to train on, too few for 2 subtypes"):
        cross_validate(np.zeros((5, 3)), EVENTS, 2, folds=2, covariance="independent", n_samples=0)
    with pytest.raises(InputError, match="4 people cannot carry 3 subtypes; at least 6 are needed"):
        search.fit_maximum(SimpleNamespace(n_people=4), 3, None, n_startpoints=1, seed=1)


def test_blocks_of_their_own_begin_at_sixty_four_people():
    from neuraxis.sustain.problem import pack

    def only(n):
        x = np.zeros((n + 100, 3))
        x[:n, 1] = np.nan
        return pack(SimpleNamespace(x=x, steps=np.zeros((n + 100, 0))))[0].only

    assert (only(64) >= 0).all() and (only(63) == -1).any()


def test_settings_are_changed_one_by_one():
    base = FitSettings(n_chains=3)
    changed = base.with_(noise="learnt", n_draws=7)
    assert (changed.variant.noise, changed.n_draws, changed.n_chains, base.variant.noise) == ("learnt", 7, 3, "fixed")
    assert base.with_().variant is base.variant and replace(base, n_chains=1).n_chains == 1
    with pytest.raises(InputError, match="unknown setting n_chain;"):
        base.with_(n_chain=2)
