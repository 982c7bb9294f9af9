"""Maximum likelihood, sampler, cross-validation and the model file."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import kendalltau

from neuraxis.errors import InputError, ModelError
from neuraxis.sustain import (
    MixedEvents,
    OrdinalEvents,
    Parameters,
    SustainModel,
    Variant,
    ZScoreEvents,
    cross_validate,
    fit,
    kernels,
    make_folds,
    search,
    selection_table,
    simulate,
    stream,
)
from neuraxis.sustain.diagnostics import verdict
from neuraxis.sustain.kernels.statistics import put
from neuraxis.sustain.matching import match_labels, match_subtypes, rand_index
from neuraxis.sustain.problem import Problem
from neuraxis.sustain.sampler import Sampler
from neuraxis.sustain.search import climb, polish, random_start

#: The peer's model: no healthy component, every stage alike, independent noise.
PEER = {"stage_prior": "uniform", "healthy": False, "covariance": "independent"}
INDEPENDENT = {"covariance": "independent"}


def best_possible(events, sequences, people, fractions=None):
    """Rand index of the labels that the true model itself would give: the most any fit can reach."""
    n = len(sequences)
    f = np.full(n, 1 / n) if fractions is None else np.asarray(fractions)
    variant = Variant("uniform", healthy=False)
    bumps, sigma = variant.bumps(events.n_events), np.eye(events.n_biomarkers)
    truth = SustainModel(events, variant, Parameters(np.stack(sequences), f, np.ones((n, 1)), bumps, 0.0, sigma))
    return rand_index(truth.assign(people.X)["subtype"], people.subtype)


# ------------------------------------------------------------ against the peer


@pytest.mark.parametrize("name", ["fit_200x5", "fit_300x6"])
def test_maximum_likelihood_matches_or_beats_the_peer(peer, name):
    d, events = peer(name)
    model = None
    for k in (1, 2, 3):
        model = fit(
            d["X"],
            events,
            k,
            previous=model,
            n_startpoints=10,
            n_samples=6000,
            n_chains=2,
            n_threads=2,
            **PEER,
        )
        assert model.ml_log_likelihood >= float(d[f"ml_loglike_k{k}"]) - 0.05
    if name == "fit_300x6":  # its three subtypes are clear; the other file's are not
        ours = model.assign(d["X"])
        theirs = d["ml_subtype_k3"].ravel().astype(int)
        # labels of draws beside those of one maximum: .91 to .94 by seed, .93 in the limit of long chains
        assert rand_index(ours["subtype"], theirs) > 0.9
        assert rand_index(ours["subtype"], d["true_subtype"]) > rand_index(theirs, d["true_subtype"]) - 0.06
        assert np.mean(np.abs(ours["stage"] - d["ml_stage_k3"].ravel()) <= 1) > 0.95
        mean_place = np.argsort(model.draws.sequences, axis=-1).mean(axis=(0, 1))
        perm = match_subtypes(mean_place, d["mean_position_k3"] - d["mean_position_k3"].min())
        for a, b in zip(mean_place[perm], d["mean_position_k3"], strict=True):
            assert kendalltau(a, b).statistic > 0.9


def test_peer_validation_data(peer):
    d, events = peer("fit_peer_validation", allow_low_maximum=True)
    model = None
    for k in (1, 2, 3):
        model = fit(d["X"], events, k, previous=model, n_startpoints=10, n_samples=2000, n_threads=2, **PEER)
        assert model.ml_log_likelihood >= float(d[f"ml_loglike_k{k}"]) - 0.05
    ours = model.assign(d["X"])["subtype"].to_numpy()
    truth = d["true_subtype"].ravel()
    assert rand_index(ours, truth) > rand_index(d["ml_subtype_k3"].ravel(), truth) - 0.03
    assert rand_index(ours, d["ml_subtype_k3"].ravel()) > 0.6
    with pytest.raises(InputError, match="z_max"):
        peer("fit_peer_validation")


def test_cvic_orders_k_like_the_peer(peer):
    d, events = peer("fit_300x6")
    cv = cross_validate(d["X"], events, 3, folds=3, n_startpoints=4, n_samples=1500, n_chains=2, n_threads=2, **PEER)
    cvic = cv.selection.query("n_subtypes >= 1").set_index("n_subtypes")["cvic"]
    assert list(cvic.sort_values().index) == [3, 2, 1]
    np.testing.assert_array_equal(np.argsort(d["cvic"]), [2, 1, 0])
    assert cv.chosen() == 3
    assert cv.selection.query("n_subtypes == 0")["cvic"].iloc[0] > cvic.max()


# ----------------------------------------------------------------- exactness


def valid_sequences(events):
    out = []
    for p in itertools.permutations(range(events.n_events)):
        place = np.argsort(p)
        if all((np.diff(place[events.biomarker == b]) > 0).all() for b in range(events.n_biomarkers)):
            out.append(p)
    return np.array(out)


def toy(n_people=6, noise=0.8):
    events = ZScoreEvents([[1, 2], [1, 2]], 3.5)
    rng = np.random.default_rng(3)
    people = simulate(events, [[0, 1, 2, 3], [1, 3, 0, 2]], n_people, noise_sd=noise, seed=4)
    X = people.X.copy()
    X[0, rng.integers(2)] = np.nan
    return events, X


def enumerated(events, X, n_subtypes, prior_weights=None):
    """Exact posterior over tuples of sequences, fractions integrated on a grid (uniform stages)."""
    sequences = valid_sequences(events)
    per = np.stack([logsumexp(events.log_likelihood(X, s), axis=1) - np.log(events.n_events + 1) for s in sequences])
    if n_subtypes == 1:
        log_posterior = per.sum(axis=1)
        return sequences, np.exp(log_posterior - logsumexp(log_posterior))
    f = (np.arange(400) + 0.5) / 400
    n = len(sequences)
    log_posterior = np.empty((n, n))
    for i, j in itertools.product(range(n), repeat=2):
        mixture = np.logaddexp(np.log(f)[:, None] + per[i], np.log1p(-f)[:, None] + per[j]).sum(axis=1)
        log_posterior[i, j] = logsumexp(mixture) - np.log(f.size)
    return sequences, np.exp(log_posterior - logsumexp(log_posterior))


@pytest.mark.parametrize("sweep_every", [0, 3])
@pytest.mark.parametrize("stage_rule", ["midpoint", "integral"])
def test_sampler_has_the_enumerated_posterior_one_subtype(sweep_every, stage_rule):
    events, X = toy()
    problem = Problem(X, events, Variant("uniform", healthy=False, stage_rule=stage_rule))
    if stage_rule == "integral":
        sequences = valid_sequences(events)
        lp = np.array([logsumexp(events.log_likelihood(X, s, stage_rule="integral"), axis=1).sum() for s in sequences])
        exact = np.exp(lp - logsumexp(lp))
    else:
        sequences, exact = enumerated(events, X, 1)
    counts = sample_counts(problem, sequences, 1, 150_000, sweep_every)
    assert 0.5 * np.abs(counts - exact).sum() < 0.01
    assert exact.max() < 0.9  # the test has something to tell apart


def test_sampler_has_the_enumerated_posterior_two_subtypes():
    events, X = toy()
    problem = Problem(X, events, Variant("uniform", healthy=False))
    sequences, exact = enumerated(events, X, 2)
    for sweep_every in (0, 5):
        counts = sample_counts(problem, sequences, 2, 200_000, sweep_every)
        assert 0.5 * np.abs(counts - exact).sum() < 0.02


def sample_counts(problem, sequences, n_subtypes, n_steps, sweep_every):
    """Visited share of every (tuple of) sequence(s)."""
    rng = stream(1, "toy", sweep_every)
    chain = Sampler(problem, random_start(problem, n_subtypes, rng), rng, sweep_every)
    index = {tuple(s): i for i, s in enumerate(sequences)}
    counts = np.zeros((len(sequences),) * n_subtypes)
    block = max(1, sweep_every)
    for _ in range(n_steps // (block * 2)):
        value = chain.steps(block * 2)
        counts[tuple(index[tuple(s)] for s in chain.state.subtypes.sequence)] += 1
    check = kernels.refresh(problem.data, problem.layout, chain.state, problem.settings)
    assert value == pytest.approx(check, abs=1e-4)
    return counts / counts.sum()


@pytest.mark.parametrize("n_subtypes", [1, 2])
def test_learnt_prior_sampler_has_the_enumerated_posterior(n_subtypes):
    """Stage weights integrated by plain Monte Carlo over their Dirichlet prior, against the sampler."""
    events, X = toy(n_people=5)
    a = 0.5
    sequences = valid_sequences(events)
    n_stages = events.n_events + 1
    weights = (
        np.random.default_rng(0).dirichlet(np.full(n_subtypes * n_stages, a), 40_000).reshape(-1, n_subtypes, n_stages)
    )
    density = np.stack([events.log_likelihood(X, s) for s in sequences])
    top = density.max(axis=(0, 2))
    density = np.exp(density - top[:, None])
    shape = (len(sequences),) * n_subtypes
    log_posterior = np.empty(shape)
    for pair in itertools.product(range(len(sequences)), repeat=n_subtypes):
        mixture = sum(weights[:, c] @ density[i].T for c, i in enumerate(pair))
        log_posterior[pair] = logsumexp(np.log(mixture).sum(axis=1))
    exact = np.exp(log_posterior - logsumexp(log_posterior))
    problem = Problem(X, events, Variant("dirichlet", concentration=a, healthy=False))
    counts = sample_counts(problem, sequences, n_subtypes, 300_000, 3)
    assert 0.5 * np.abs(counts - exact).sum() < 0.02


def irregular(rng, n=5):
    return ZScoreEvents([sorted(rng.choice([0.5, 1, 1.5, 2, 3], rng.integers(1, 4), False)) for _ in range(n)], 4.5)


def random_covariance(rng, n):
    a = rng.normal(size=(n, n))
    return a @ a.T / n + 0.4 * np.eye(n)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), *[st.booleans()] * 5, st.integers(1, 3))
@example(0, False, True, False, False, True, 1)  # somebody so far out that the density of a healthy one is infinite
def test_incremental_moves_equal_full_recomputation(seed, missing, far, coupled, healthy, single, n_subtypes):
    rng = np.random.default_rng(seed)
    events = irregular(rng)
    X = rng.normal(1, 2, (67, 5))
    if far:  # densities then leave the range of the stored reference all the time
        X[:3] *= 30
    if missing:
        X[rng.random(X.shape) < 0.2] = np.nan
        X[:, 0] = 1.0
    covariance = random_covariance(rng, 5) if coupled else None
    prior = ("uniform", "dirichlet", "smooth")[seed % 3]
    variant = Variant(prior, covariance=covariance, noise_sd=rng.uniform(0.6, 1.6, 5), healthy=healthy)
    problem = Problem(X, events, variant, single=single)
    chain = Sampler(problem, random_start(problem, n_subtypes, rng), rng, 0)
    value = chain.steps(300)
    s = chain.state
    mixture, reference = s.mixture.astype(float), s.reference.copy()
    full = kernels.refresh(problem.data, problem.layout, s, problem.settings)
    loose = single
    assert value == pytest.approx(full, abs=5e-3 if loose else 1e-8 * abs(full) + 1e-8)
    real = problem.data.real > 0
    np.testing.assert_allclose(
        (np.log(mixture) + reference)[real],
        (np.log(s.mixture.astype(float)) + s.reference)[real],
        **({"rtol": 1e-4, "atol": 1e-3} if loose else {"rtol": 1e-9, "atol": 1e-8}),
    )
    for sequence in s.subtypes.sequence:
        events.check_sequence(sequence)
    assert s.weights.healthy[0] + s.weights.joint.sum() == pytest.approx(1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.booleans(), st.booleans())
def test_scan_equals_full_recomputation(seed, missing, coupled, scores):
    """Q of every place of every event against the sum over people that the statistics stand for."""
    rng = np.random.default_rng(seed)
    events = irregular(rng, 6)
    X = rng.normal(1, 1, (30, 6))
    if scores:  # events that are steps walk past curves, and curves past steps
        wrong = np.array([[0.8, 0.15, 0.05], [0.2, 0.6, 0.2], [0.1, 0.2, 0.7]])
        events = MixedEvents([events, OrdinalEvents(2, wrong, biomarkers=["gait", "speech"])])
        X = np.column_stack([X, rng.integers(0, 3, (30, 2))])
    if missing:
        X[rng.random(X.shape) < 0.3] = np.nan
        X[:, 2] = 0.5
    covariance = random_covariance(rng, 6) if coupled else np.diag(rng.uniform(0.5, 2, 6))
    problem = Problem(X, events, Variant("uniform", covariance=covariance, healthy=False))
    sequence = events.random_sequence(rng)
    noise, subtypes = problem.noise(covariance), problem.subtypes(sequence[None])
    stats, ground = problem.work(1, noise.coupled)
    weights = problem.weights(random_start(problem, 1, rng))
    kernels.fill_subtypes(subtypes, noise, problem.data, problem.layout)
    nothing = np.empty((0, 0))
    kernels.expectation(problem.data, noise, problem.layout, subtypes, weights, problem.settings, stats, nothing)
    kernels.build_ground(0, problem.data, noise, subtypes, stats, ground)
    density = events.log_likelihood(X, sequence, covariance=covariance)
    r = np.exp(density - logsumexp(density, axis=1, keepdims=True))

    def objective(s):
        return (r * events.log_likelihood(X, s, covariance=covariance)).sum()

    base = objective(sequence)
    mine, place = subtypes.sequence[0], subtypes.place[0]
    score = np.full(events.n_events, np.nan)
    for e in range(events.n_events):
        low, high = kernels.window(e, place, problem.layout)
        kernels.scan(e, low, high, mine, place, problem.layout, ground, score)
        np.testing.assert_array_equal(place, np.argsort(sequence))
        for to in range(low, high + 1):
            s, p = sequence.copy(), place.copy()
            kernels.move(e, to, s, p)
            events.check_sequence(s)
            assert score[to] == pytest.approx(objective(s) - base, abs=1e-8)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("coupled", [False, True])
def test_walks_over_many_stages_leave_what_would_be_built_anew(coupled, missing):
    """More stages than a loop takes at once: gains, and curves and slopes after moves, are those of a full computation."""
    rng = np.random.default_rng(5)
    events = irregular(rng, 40)
    assert events.n_events > 2 * kernels.STAGE_STEP
    X = rng.normal(1, 1, (60, 40))
    if missing:
        X[rng.random(X.shape) < 0.1] = np.nan
    covariance = random_covariance(rng, 40) if coupled else np.diag(rng.uniform(0.5, 2, 40))
    problem = Problem(X, events, Variant("uniform", covariance=covariance, healthy=False))
    sequence = events.random_sequence(rng)
    noise, subtypes = problem.noise(covariance), problem.subtypes(sequence[None])
    (stats, ground), (_, fresh) = problem.work(1, noise.coupled), problem.work(1, noise.coupled)
    weights = problem.weights(random_start(problem, 1, rng))
    kernels.fill_subtypes(subtypes, noise, problem.data, problem.layout)
    nothing = np.empty((0, 0))
    kernels.expectation(problem.data, noise, problem.layout, subtypes, weights, problem.settings, stats, nothing)
    density = events.log_likelihood(X, sequence, covariance=covariance)
    r = np.exp(density - logsumexp(density, axis=1, keepdims=True))
    mine, place = subtypes.sequence[0], subtypes.place[0]

    def objective():
        return (r * events.log_likelihood(X, mine, covariance=covariance)).sum()

    kernels.build_ground(0, problem.data, noise, subtypes, stats, ground)
    score = np.full(events.n_events, np.nan)
    for e in rng.permutation(events.n_events)[:25]:
        low, high = kernels.window(e, place, problem.layout)
        to, before = int(rng.integers(low, high + 1)), objective()
        kernels.scan(e, low, high, mine, place, problem.layout, ground, score)
        put(e, to, mine, place, problem.layout, ground)
        events.check_sequence(mine)
        assert score[to] == pytest.approx(objective() - before, abs=1e-7)
    kernels.fill_subtypes(subtypes, noise, problem.data, problem.layout)
    kernels.build_ground(0, problem.data, noise, subtypes, stats, fresh)
    np.testing.assert_allclose(ground.planes[:4], fresh.planes[:4], atol=1e-9)


def test_climb_never_lowers_the_likelihood(peer):
    d, events = peer("fit_200x5")
    problem = Problem(d["X"], events, Variant("uniform", healthy=False))
    for i in range(5):
        point = random_start(problem, 2, stream(1, i))
        values = []
        for _ in range(8):
            point = climb(problem, point, stream(1, i, "climb"), most=2)
            values.append(point.log_likelihood)
        assert np.all(np.diff(values) > -1e-8)
        assert polish(problem, point, stream(2)).log_likelihood >= values[-1]


# -------------------------------------------------------------- reproducibility


def small(seed=0, n_people=120):
    events = ZScoreEvents([1, 2], 4, biomarkers=list("abcde"))
    # the opposite order of biomarkers within each level: as different as two sequences get
    sequences = [np.arange(10), np.concatenate([[4, 9, 3, 8, 2, 7], [1, 6, 0, 5]])]
    return events, sequences, simulate(events, sequences, n_people, missing=0.05, seed=seed)


def test_threads_never_change_a_number():
    events, _, people = small()
    models = [
        fit(people.X, events, 2, n_startpoints=4, n_samples=400, n_chains=3, n_draws=50, seed=7, n_threads=t)
        for t in (1, 8)
    ]
    np.testing.assert_array_equal(models[0].draws.sequences, models[1].draws.sequences)
    np.testing.assert_array_equal(models[0].draws.shares, models[1].draws.shares)
    np.testing.assert_array_equal(models[0].draws.log_likelihood, models[1].draws.log_likelihood)
    pd.testing.assert_frame_equal(models[0].starts, models[1].starts)


def test_folds_alone_equal_folds_in_a_loop():
    events, _, people = small()
    cv = cross_validate(
        people.X, events, 2, folds=3, n_startpoints=2, n_samples=200, n_chains=1, seed=5, n_threads=3, **INDEPENDENT
    )
    train = cv.folds[0] != 1
    alone = fit(
        people.X[train],
        events,
        2,
        n_startpoints=2,
        n_samples=200,
        n_chains=1,
        seed=5,
        key=("repeat", 0, "fold", 1),
        **INDEPENDENT,
    )
    name = cv.selection["variant"].iloc[0]
    np.testing.assert_array_equal(alone.draws.sequences, cv.models[name, 2, 0, 1].draws.sequences)


def test_model_file_round_trip(tmp_path):
    events, _, people = small()
    model = fit(people.X, events, 2, n_startpoints=2, n_samples=300, n_chains=2, noise="learnt")
    model.norms = {"made": "for the test"}
    path = model.save(tmp_path / "model.npz")
    again = SustainModel.load(path)
    pd.testing.assert_frame_equal(again.assign(people.X), model.assign(people.X))
    assert again.events.biomarkers == events.biomarkers and again.norms == model.norms
    assert again.settings == model.settings
    first = path.read_bytes()
    model.save(path)
    assert path.read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == ["model.npz"]
    (tmp_path / "bad.npz").write_bytes(first[:200])
    with pytest.raises(ModelError, match="bad.npz"):
        SustainModel.load(tmp_path / "bad.npz")


# ------------------------------------------------------------------ calibration


def test_recovery_and_interval_coverage():
    rng = np.random.default_rng(11)
    events = ZScoreEvents([1, 2, 3], 5, biomarkers=[f"b{i}" for i in range(10)])
    sequences = [events.random_sequence(rng) for _ in range(2)]
    people = simulate(events, sequences, 500, fractions=[0.6, 0.4], within_stage=False, seed=2)
    model = fit(people.X, events, 2, n_startpoints=6, n_samples=3000, n_chains=2, n_threads=2)
    found = model.assign(people.X)
    assert rand_index(found["subtype"], people.subtype) > best_possible(events, sequences, people, [0.6, 0.4]) - 0.12
    assert np.corrcoef(found["expected_stage"], people.stage)[0, 1] > 0.95
    perm = match_subtypes(np.argsort(model.sequences, axis=1), np.argsort(np.array(sequences), axis=1))
    for c in range(2):
        assert kendalltau(np.argsort(model.sequences[perm[c]]), np.argsort(sequences[c])).statistic > 0.85
    assert model.fractions == pytest.approx([0.6, 0.4], abs=0.07)
    inside = (found["stage_low"] <= people.stage) & (people.stage <= found["stage_high"])
    assert 0.90 < inside.mean() <= 1
    assert np.allclose(found.filter(like="p_subtype").sum(axis=1), 1)
    new = simulate(events, sequences, 200, seed=9)
    assert model.assign(new.X)["expected_stage"].corr(pd.Series(new.stage)) > 0.95


def test_learnt_noise_and_prior_are_recovered():
    events = ZScoreEvents([1, 2, 3], 5, biomarkers=[f"b{i}" for i in range(8)])
    s = [events.random_sequence(np.random.default_rng(0))]
    truth = np.linspace(0.7, 1.4, 8)
    decay = 0.8 ** np.arange(events.n_events + 1)
    people = simulate(events, s, 1500, noise_sd=truth, stage_weights=decay, seed=1)
    model = fit(
        people.X,
        events,
        1,
        n_startpoints=4,
        n_samples=1500,
        n_chains=2,
        noise="learnt",
        healthy=False,
        stage_prior="dirichlet",
        n_threads=2,
    )
    np.testing.assert_allclose(model.point.noise_sd, truth, rtol=0.12)
    assert model.point.weights[0, 0] == pytest.approx(decay[0] / decay.sum(), abs=0.06)
    uniform = fit(people.X, events, 1, n_startpoints=4, n_samples=0, **PEER)
    assert model.ml_log_likelihood > uniform.ml_log_likelihood + 100


def test_a_part_is_searched_and_everyone_decides(monkeypatch):
    """Starts see 120 of 360 people; the maximum is one of everyone, as good as that of a search over everyone."""
    rng = np.random.default_rng(8)
    events = ZScoreEvents([[1.0, 2.0]] * 5, 4.0, biomarkers=list("abcde"))
    truth = [events.random_sequence(rng) for _ in range(2)]
    people = simulate(events, truth, 360, seed=3)
    options = {"covariance": "independent", "n_startpoints": 4, "n_samples": 0, "seed": 2}
    whole = fit(people.X, events, 2, **options)
    assert set(whole.starts["n_people"]) == {360}
    monkeypatch.setattr(search, "MOST_SEARCHED", 120)
    part = fit(people.X, events, 2, **options)
    assert set(part.starts["n_people"]) == {120}
    assert part.starts["log_likelihood"].min() > 0.5 * part.ml_log_likelihood  # negative: of a third of the people
    assert abs(part.ml_log_likelihood - whole.ml_log_likelihood) < 1.0
    again = part.posterior(people.X)[2].sum()
    assert again == pytest.approx(part.ml_log_likelihood, abs=1e-6)  # of everyone, by another way
    assert len(part.starts["polished_log_likelihood"].dropna()) == 2  # one a k
    monkeypatch.setattr(search, "PRICE_SEARCHED", 1.0)
    monkeypatch.setattr(search, "LEAST_SEARCHED", 90)
    assert set(fit(people.X, events, 1, **options).starts["n_people"]) == {90}
    monkeypatch.setattr(search, "PRICE_POLISHED", 0.0)
    short = fit(people.X, events, 2, **options)
    assert short.ml_log_likelihood > whole.ml_log_likelihood - 3.0
    assert fit(people.X, events, 2, n_threads=2, **options).ml_log_likelihood == short.ml_log_likelihood


def test_far_out_people_do_not_break_a_fit():
    events, _, people = small()
    X = people.X.copy()
    X[0], X[1] = -30, 60
    model = fit(X, events, 2, n_startpoints=2, n_samples=500, n_chains=2)
    assert np.isfinite(model.ml_log_likelihood) and np.isfinite(model.draws.log_likelihood).all()
    found = model.assign(X)
    assert found.select_dtypes("number").notna().all().all()
    assert found["stage"].iloc[1] == events.n_events


def test_low_confidence_and_stage_zero():
    events, sequences, _ = small()
    people = simulate(events, sequences, 200, stage_weights=[1.0] + [0.05] * events.n_events, seed=3)
    found = fit(people.X, events, 2, n_startpoints=3, n_samples=500, n_chains=2).assign(people.X, cutoff=0.9)
    assert (found["normal_appearing"] == (found["stage"] == 0)).all()
    assert (found["confident"] == (found.filter(like="p_subtype").max(axis=1) >= 0.9)).all()
    assert found["p_stage0"].corr(pd.Series(people.stage == 0).astype(float)) > 0.5


# ------------------------------------------------------------------ selection


def test_folds_are_stratified_grouped_and_repeated():
    strata = np.repeat(["x", "y"], [40, 10])
    a = make_folds(50, 5, seed=1, strata=strata)
    assert (np.bincount(a[strata == "y"]) == 2).all()
    assert not np.array_equal(a, make_folds(50, 5, seed=1, strata=strata, repeat=1))
    sites = np.repeat(list("abcdefg"), 10)[:50]
    g = make_folds(50, 3, seed=1, groups=sites)
    assert all(len(set(g[sites == s])) == 1 for s in set(sites))
    for wrong in (
        {"n_people": 3, "folds": 5},
        {"n_people": 50, "folds": 9, "groups": sites},
        {"n_people": 5, "folds": 1},
    ):
        with pytest.raises(InputError):
            make_folds(seed=1, **wrong)


def test_selection_rule_prefers_fewer_subtypes_without_evidence():
    rng = np.random.default_rng(0)
    base = rng.normal(-20, 3, 200)
    lpd = {0: base - 2, 1: base - 1, 2: base, 3: base + rng.normal(0.01, 0.3, 200)}
    table = selection_table(lpd, base - 5)
    assert table.loc[table["chosen"], "n_subtypes"].tolist() == [2]
    row = table.set_index("n_subtypes")
    assert row.loc[2, "cvic"] == pytest.approx(-2 * base.sum())
    d = lpd[2] - lpd[1]
    assert row.loc[2, "delta_cvic"] == pytest.approx(-2 * d.sum())
    assert row.loc[1, "cvic_se"] == pytest.approx(2 * np.sqrt(200 * lpd[1].var(ddof=1)))
    lpd[0] = base + 1
    assert "k = 0" in selection_table(lpd).query("chosen")["reason"].iloc[0]


def test_out_of_fold_and_stability():
    events, sequences, people = small(n_people=200)
    cv = cross_validate(
        people.X, events, 2, folds=4, repeats=2, n_startpoints=3, n_samples=400, n_chains=1, n_threads=2, **INDEPENDENT
    )
    model = fit(people.X, events, 2, n_startpoints=3, n_samples=400, n_chains=2)
    oof = cv.out_of_fold(model)
    assert (
        len(oof) == 200 and rand_index(oof["subtype"], people.subtype) > best_possible(events, sequences, people) - 0.1
    )
    agreement, per_person = cv.stability(model)
    assert len(agreement) == 2 * 2 * 4
    assert agreement["tau"].mean() > agreement["tau_chance"].iloc[0]
    assert per_person["label_stability"].between(0, 1).all()


def test_norms_inside_the_fold_see_only_training_rows():
    events, _, people = small()
    seen = []

    def normalise(train, test):
        seen.append((set(train), set(test)))
        return people.X[train], people.X[test]

    cross_validate(
        people.X, events, 1, folds=3, n_startpoints=1, n_samples=50, n_chains=1, normalise=normalise, **INDEPENDENT
    )
    assert {frozenset(b) for _, b in seen} == {frozenset(b) for _, b in seen[:3]} and all(
        not (a & b) and len(a | b) == 120 for a, b in seen
    )


def test_rand_index():
    assert rand_index([0, 0, 1, 1], ["b", "b", "a", "a"]) == 1
    # by hand: 1 pair together in both, 2 in rows, 3 in columns, 2 * 3 / 6 expected
    assert rand_index([0, 0, 1, 1], [0, 0, 0, 1]) == pytest.approx((1 - 1) / (2.5 - 1))
    rng = np.random.default_rng(0)
    assert abs(rand_index(rng.integers(0, 3, 3000), rng.integers(0, 3, 3000))) < 0.01


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_cross_validation_says_before_what_it_will_cost_and_one_account_follows(caplog, n_threads):
    events, _, people = small(n_people=60)
    few = {"n_samples": 50, "n_chains": 2, "n_draws": 20, "n_startpoints": 1}
    with caplog.at_level("INFO", logger="neuraxis"):
        cross_validate(people.X, events, 2, folds=2, n_threads=n_threads, **few, **INDEPENDENT)
    said = [r.getMessage() for r in caplog.records if "kernels" not in r.getMessage()]
    assert said[0] == (
        "cross-validation: 4 fits (1 variant x 1 repeat x 2 folds, k = 1 to 2), each of 1 start per k, then 2 chains of 50 steps "
        "after 10 of warm-up"
    )
    assert said[1].startswith("cross-validation: 1 of 4 fits, about ") and said[1].endswith(" left")
    # no line of a single fit
    assert [m for m in said[2:] if "folds told of" not in m and not m.startswith("cross-validation: ")] == []


def test_single_fits_of_a_cross_validation_speak_to_who_asks(caplog):
    events, _, people = small(n_people=60)
    with caplog.at_level("DEBUG", logger="neuraxis"):
        cross_validate(people.X, events, 1, folds=2, n_samples=0, n_startpoints=1, **INDEPENDENT)
    assert [r.getMessage() for r in caplog.records].count("k=1: 1 start, 30 of 30 people, 10 events") == 2


def test_a_cross_validation_shows_one_bar(capsys):
    events, _, people = small(n_people=60)
    cross_validate(people.X, events, 2, folds=2, n_samples=0, n_startpoints=1, progress=True, **INDEPENDENT)
    shown = capsys.readouterr().err
    assert "cross-validation: 0 of 4 fits" in shown and "cross-validation: 4 of 4 fits" in shown
    assert "starts" not in shown and "steps" not in shown
    cross_validate(people.X, events, 1, folds=2, n_samples=0, n_startpoints=1, progress=False, **INDEPENDENT)
    assert capsys.readouterr().err == ""


def test_a_fit_says_before_what_it_will_cost(caplog):
    events, _, people = small(n_people=60)
    with caplog.at_level("INFO", logger="neuraxis"):
        fit(people.X, events, 2, n_samples=500, n_chains=2, n_draws=50, n_startpoints=2, **INDEPENDENT)
    said = [r.getMessage() for r in caplog.records if "kernels" not in r.getMessage()]
    assert said[0] == "k = 1 to 2: 2 + 4 starts, then 2 chains of 500 steps after 100 of warm-up"
    at = said.index("k=2: 2 chains of 500 steps after 100 of warm-up")
    # the time of all chains comes from the first piece of the first chain
    assert said[at + 1].startswith("k=2: 10 of 1,200 steps, about ")
    assert len([m for m in said if m.startswith("k=2: 1 of 4 starts, about ")]) == 1


def test_variants_stand_side_by_side():
    events, _, people = small()
    variants = [Variant("uniform"), Variant("smooth"), Variant("smooth", noise="learnt")]
    cv = cross_validate(
        people.X,
        events,
        2,
        folds=3,
        variants=variants,
        n_startpoints=2,
        n_samples=200,
        n_chains=1,
        n_threads=2,
        **INDEPENDENT,
    )
    assert list(dict.fromkeys(cv.selection["variant"])) == [v.name for v in variants]
    assert cv.selection.groupby("variant")["chosen"].sum().eq(1).all()
    baseline = cv.selection.query("n_subtypes == 0").set_index("variant")["cvic"]
    # everyone healthy is the same under the same noise
    assert baseline[variants[0].name] == baseline[variants[1].name] != baseline[variants[2].name]
    assert all(cv.chosen(v.name) in (0, 1, 2) for v in variants)


def test_simulated_residuals_are_correlated_as_asked():
    events, sequences, _ = small()
    r = np.full((5, 5), 0.6) + 0.4 * np.eye(5)
    weights = np.eye(events.n_events + 1)[0]
    X = simulate(events, sequences[0], 4000, stage_weights=weights, correlation=r, noise_sd=2.0, seed=1).X
    np.testing.assert_allclose(np.corrcoef(X.T), r, atol=0.05)
    np.testing.assert_allclose(X.std(axis=0), 2.0, atol=0.1)
    with pytest.raises(InputError, match="positive definite"):
        simulate(events, sequences[0], 10, correlation=-r)


def test_no_event_is_frozen():
    events, _, people = small(n_people=25)  # few enough people that no event's place is certain
    model = fit(people.X, events, 2, n_startpoints=2, n_samples=5000, n_chains=2, **PEER)
    table = model.diagnostics().query("quantity == 'place'")
    np.testing.assert_allclose(table["mean"], model.event_order()["mean_position"])  # counted from 1 in both
    assert (table["sd"] > 0).all() and (model.draws.step >= 0.6).all()
    assert (model.draws.acceptance > 0.02).all()


def test_places_that_are_given_are_not_called_stuck():
    """Thresholds of one biomarker have one order: no row of theirs, and no quantity that never changed."""
    events = ZScoreEvents([[1.0, 2.0]], [4.0], biomarkers=["cord"])
    people = simulate(events, [[0, 1]], 60, noise_sd=0.5, seed=2)
    model = fit(people.X, events, 1, covariance="independent", n_samples=200, n_chains=2, n_startpoints=1)
    table = model.diagnostics()
    assert set(table["quantity"]) == {"log_likelihood", "healthy"} and (table["sd"] > 0).all()
    assert "never changed" not in verdict(table)[1]


def test_match_labels():
    reference = np.array([0, 0, 1, 1, 2, 2])
    other = np.array([2, 2, 0, 0, 1, 1])
    np.testing.assert_array_equal(match_labels(reference, other, 3)[other], reference)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda X, e: fit(X, e, -1), "n_subtypes"),
        (lambda X, e: fit(X[:5], e, 3, n_startpoints=1, **INDEPENDENT), "5 people cannot carry 3 subtypes"),
        (lambda X, e: cross_validate(X[:8], e, 5, folds=4), "too few"),
        (lambda X, e: fit(X, e, 1, stage_prior="flat"), "stage_prior"),
        (lambda X, e: fit(X, e, 1, noise="learnt", stage_rule="integral"), "midpoint"),
        (lambda X, e: fit(X, e, 1, noise_sd=-1), "noise SD"),
        (lambda X, e: fit(X[:, :3], e, 1, **INDEPENDENT), "shape"),
        (
            lambda X, e: fit(X, e, 1, n_samples="x", **INDEPENDENT),
            "n_samples must be a whole number of at least 0, not 'x'",
        ),
        (lambda X, e: fit(X, e, 1, n_startpoints=2.5), "n_startpoints must be a whole number of at least 1, not 2.5"),
        (lambda X, e: fit(X, e, 1, n_chains=True), "n_chains must be a whole number"),
        (lambda X, e: fit(X, e, 1, warm_up="x"), "warm_up must be a number"),
        (lambda X, e: fit(X, e, 1, warm_up=float("nan")), "warm_up must be a number"),
        (lambda X, e: fit(X, e, 1, degrees="x"), "degrees must be a number"),
        (lambda X, e: fit(X, e, 1, concentration="x"), "concentration must be a number"),
        (lambda X, e: fit(X, e, 1, healthy="no"), "healthy must be True or False"),
        (lambda X, e: fit(X, e, 1, noise_sd="x", n_samples=0), "noise_sd must be a number"),
        (lambda X, e: fit(X, e, 1, noise_sd=[1.0, 1.0], n_samples=0), "noise_sd must be a number"),
        (lambda X, e: fit(X, e, 1, variant="x"), "variant must be a Variant"),
        (lambda X, e: fit(X, e, 1, {"n_samples": 0}), "settings must be FitSettings"),
        (lambda X, e: fit(X, e, 1, seed="a", **INDEPENDENT), "seed must be a whole number of at least 0, not 'a'"),
        (lambda X, e: fit(X, e, 1, seed=-1, **INDEPENDENT), "seed must"),
        (lambda X, e: fit(X, e, 1, n_threads="x"), "n_threads must"),
        (lambda X, e: fit(X, "nope", 1), "events must be events of a family, such as ZScoreEvents, not 'nope'"),
        (lambda X, e: fit(X, e, "2"), "n_subtypes must"),
        (lambda X, e: cross_validate(X, "nope"), "events must"),
        (lambda X, e: cross_validate(X, e, "x"), "max_subtypes must be a whole number of at least 1, not 'x'"),
        (lambda X, e: cross_validate(X, e, 0), "max_subtypes must"),
        (lambda X, e: cross_validate(X, e, folds="x"), "folds must"),
        (lambda X, e: cross_validate(X, e, repeats=0), "repeats must"),
        (lambda X, e: cross_validate(X, e, seed="a"), "seed must"),
        (lambda X, e: cross_validate(X, e, variants=["smooth"]), "variants must be Variants"),
    ],
)
def test_impossible_requests_are_refused(call, words):
    events, _, people = small()
    with pytest.raises(InputError, match=words):
        call(people.X, events)


def test_peer_pickles_load_without_trust(tmp_path):
    import pickle

    from neuraxis.sustain import import_peer

    events, sequences, people = small()
    T = 30
    samples = np.stack([np.stack(sequences)] * T, axis=2).astype(float)
    content = {
        "samples_sequence": samples,
        "samples_f": np.tile([[0.3], [0.7]], (1, T)),
        "samples_likelihood": np.full((T, 1), -10.0),
        "ml_sequence_EM": np.stack(sequences).astype(float),
        "ml_f_EM": np.array([0.3, 0.7]),
    }
    path = tmp_path / "peer.pickle"
    path.write_bytes(pickle.dumps(content))
    model = import_peer(path, events)
    assert model.fractions == pytest.approx([0.7, 0.3])
    np.testing.assert_array_equal(model.sequences[0], sequences[1])
    variant = Variant("uniform", healthy=False)
    point = Parameters(
        np.stack(sequences[::-1]), np.array([0.7, 0.3]), np.ones((2, 1)), variant.bumps(events.n_events), 0.0, np.eye(5)
    )
    same = SustainModel(events, variant, point)
    pd.testing.assert_frame_equal(model.assign(people.X), same.assign(people.X))

    class Trap:
        def __reduce__(self):
            return (print, ("executed",))

    path.write_bytes(pickle.dumps({**content, "extra": Trap()}))
    with pytest.raises(ModelError, match="refused"):
        import_peer(path, events)
