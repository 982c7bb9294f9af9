"""Second edition: healthy component, smooth weights, adapted covariance, single precision, the kernels' cache."""

import itertools
import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp
from scipy.stats import kendalltau, multivariate_normal

from neuraxis.errors import InputError, ModelError, NeuraxisWarning
from neuraxis.sustain import (
    DensityEvents,
    FitSettings,
    MixedEvents,
    SustainModel,
    Variant,
    ZScoreEvents,
    cross_validate,
    fit,
    fit_part,
    make_folds,
    mixture_log_likelihood,
    null_log_density,
    selection_table,
    simulate,
    stream,
)
from neuraxis.sustain.matching import match_subtypes
from neuraxis.sustain.problem import Problem
from neuraxis.sustain.sampler import Sampler
from neuraxis.sustain.search import climb, fit_maximum, random_start
from neuraxis.sustain.state import triangular_bumps

EVENTS = ZScoreEvents([[1, 2], [1, 2]], 3.5, biomarkers=["a", "b"])
SIGMA = np.array([[1.0, 0.5], [0.5, 1.2]])


def sequences_of(events):
    out = []
    for p in itertools.permutations(range(events.n_events)):
        place = np.argsort(p)
        if all((np.diff(place[events.biomarker == b]) > 0).all() for b in range(events.n_biomarkers)):
            out.append(p)
    return out


def toy(n_people=6):
    X = simulate(EVENTS, [[0, 1, 2, 3], [1, 3, 0, 2]], n_people, correlation=SIGMA, seed=4).X
    X[0, 1] = np.nan
    return X


@pytest.mark.parametrize("prior", ["smooth", "dirichlet", "uniform"])
def test_sampler_with_covariance_and_healthy_component_has_the_enumerated_posterior(prior):
    """Weights integrated by plain Monte Carlo over their Dirichlet prior, densities by scipy, against the sampler."""
    X = toy()
    variant = Variant(prior, covariance=SIGMA)
    bumps, a = variant.bumps(EVENTS.n_events), variant.share_concentration
    draws = np.random.default_rng(0).dirichlet([1.0] + [a] * len(bumps), 60_000)
    weights = draws[:, 1:] @ bumps
    observed = [np.isfinite(x) for x in X]
    healthy = np.array(
        [
            multivariate_normal(np.zeros(o.sum()), SIGMA[np.ix_(o, o)]).pdf(x[o])
            for x, o in zip(X, observed, strict=True)
        ]
    )
    sequences = sequences_of(EVENTS)
    log_posterior = []
    for s in sequences:
        density = np.exp(EVENTS.log_likelihood(X, s, covariance=SIGMA))
        mixture = draws[:, :1] * healthy + weights @ density.T
        log_posterior.append(logsumexp(np.log(mixture).sum(axis=1)))
    exact = np.exp(np.array(log_posterior) - logsumexp(log_posterior))
    problem = Problem(X, EVENTS, variant)
    rng = stream(1, "toy", prior)
    chain = Sampler(problem, random_start(problem, 1, rng), rng, 3)
    index = {tuple(s): i for i, s in enumerate(sequences)}
    counts, share = np.zeros(len(sequences)), []
    for _ in range(40_000):
        chain.steps(3)
        counts[index[tuple(chain.state.subtypes.sequence[0])]] += 1
        share.append(chain.state.weights.healthy[0])
    assert 0.5 * np.abs(counts / counts.sum() - exact).sum() < 0.02
    assert exact.max() < 0.9
    # the healthy weight too: its posterior mean by importance weighting of the same prior draws
    likelihood = np.zeros(len(draws))
    for s in sequences:
        density = np.exp(EVENTS.log_likelihood(X, s, covariance=SIGMA))
        likelihood += (draws[:, :1] * healthy + weights @ density.T).prod(axis=1)
    assert np.mean(share) == pytest.approx((likelihood * draws[:, 0]).sum() / likelihood.sum(), abs=0.015)


def test_single_precision_has_the_posterior_of_double():
    rng = np.random.default_rng(0)
    events = ZScoreEvents([1, 2, 3], 5, biomarkers=[f"b{i}" for i in range(6)])
    r = np.full((6, 6), 0.4) + 0.6 * np.eye(6)
    X = simulate(events, [events.random_sequence(rng) for _ in range(2)], 150, correlation=r, seed=1).X
    means, spreads, traces = [], [], []
    for single in (True, False):
        problem = Problem(X, events, Variant(covariance=r), single=single)
        start = climb(problem, random_start(problem, 1, stream(3, "s")), stream(3, "c"), explore=20)
        places, trace = np.zeros((6, events.n_events)), []
        for i in range(6):
            chain = Sampler(problem, start, stream(i, "x", int(single)), 10)
            assert chain.state.density.dtype == (np.float32 if single else np.float64)
            chain.steps(500, True)
            for _ in range(1000):
                chain.steps(10)
                places[i] += chain.state.subtypes.place[0] / 1000
                trace.append(chain.value)
        means.append(places.mean(axis=0))
        spreads.append(places.var(axis=0, ddof=1) / 6)
        traces.append(np.mean(trace))
    # chains of one precision differ as much: the events' places mix slowly
    assert (np.abs(means[0] - means[1]) < 4 * np.sqrt(spreads[0] + spreads[1]) + 0.05).all()
    assert traces[0] == pytest.approx(traces[1], abs=0.3)


def test_everyone_healthy_is_a_model():
    X = toy(60)
    model = fit(X, EVENTS, 0, covariance=SIGMA)
    assert model.n_subtypes == 0 and model.point.healthy == 1
    np.testing.assert_allclose(
        model.log_predictive_density(X), null_log_density(EVENTS, X, covariance=SIGMA), rtol=1e-10
    )
    found = model.assign(X)
    assert (found["p_healthy"] == 1).all() and found["normal_appearing"].all() and (found["stage"] == 0).all()


def test_people_are_divided_between_health_and_subtypes():
    events = ZScoreEvents([1, 2, 3], 5, biomarkers=[f"b{i}" for i in range(8)])
    order = events.random_sequence(np.random.default_rng(2))
    weights = np.concatenate([[0.0], 0.9 ** np.arange(events.n_events)])
    sick = simulate(events, [order], 200, stage_weights=weights, seed=1)
    well = np.random.default_rng(3).normal(size=(150, 8))
    X = pd.DataFrame(np.vstack([sick.X, well]), columns=events.biomarkers)
    X["group"] = "MS"  # other columns are left aside
    model = fit(X, events, 1, covariance="independent", n_startpoints=4, n_samples=2000, n_chains=2)
    found = model.assign(X)
    truth = np.arange(350) >= 200
    assert ((found["stage"] == 0) == found["normal_appearing"]).all()
    assert (found["normal_appearing"] == (found["p_healthy"] >= 0.5)).all()
    total = found.filter(like="p_staged_subtype").sum(axis=1) + found["p_healthy"]
    assert np.allclose(total, 1) and np.allclose(found["p_subtype1"], 1)
    assert found.loc[truth, "normal_appearing"].mean() > 0.85
    assert model.point.healthy == pytest.approx(150 / 350, abs=0.08)
    # said healthy at p are healthy in about p
    sure = found["p_healthy"] > 0.9
    assert truth[sure].mean() > 0.85
    early = (sick.stage <= 3) & (sick.stage > 0)
    assert (found["p_healthy"][:200][early] > found["p_healthy"][:200][sick.stage > 8].max()).mean() > 0.8
    readable = mixture_log_likelihood(
        events, X, model.sequences, model.point.weights, healthy=model.point.healthy
    ).sum()
    assert model.ml_log_likelihood == pytest.approx(readable, rel=1e-10)


def test_triangular_bumps_cover_all_stages_narrow_first():
    bumps = triangular_bumps(57)
    assert np.allclose(bumps.sum(axis=1), 1) and (bumps.sum(axis=0) > 0).all()
    peaks = bumps.argmax(axis=1)
    assert peaks[0] == 0 and peaks[-1] == 56 and (np.diff(np.diff(peaks))[:-1] >= 0).all()
    assert (bumps[0] > 0).sum() < (bumps[-3] > 0).sum()


def test_an_adapted_covariance_lies_between_the_controls_and_the_patients():
    events = ZScoreEvents([1, 2], 4, biomarkers=list("abcd"))
    own = np.full((4, 4), 0.6) * 2 + 0.8 * np.eye(4)
    centre = np.eye(4)
    order = events.random_sequence(np.random.default_rng(1))
    X = simulate(events, [order], 600, correlation=own, seed=2).X
    gone = np.random.default_rng(0).random(X.shape) < 0.1
    gone[:, 0] = False  # nobody without any value
    X[gone] = np.nan
    found = {
        nu: fit(
            X, events, 1, covariance=centre, noise="adapted", degrees=nu, healthy=False, n_startpoints=3, n_samples=0
        ).point.covariance
        for nu in (20, 2000)
    }
    distance = {nu: np.abs(s - own).mean() for nu, s in found.items()}
    assert distance[20] < 0.2 < distance[2000] < np.abs(centre - own).mean()
    model = fit(
        X, events, 1, covariance=centre, noise="adapted", degrees=20, healthy=False, n_startpoints=2, n_samples=4000
    )
    mean = model.draws.covariance.mean(axis=(0, 1))
    assert np.abs(mean - own).mean() < 0.2 and np.abs(mean / model.point.covariance - 1).max() < 0.12
    # an inverse Wishart that is too wide has no mean to be centred on the controls
    few = {"covariance": centre, "healthy": False, "n_startpoints": 1, "n_samples": 0}
    with pytest.raises(InputError, match="adapted noise of 4 biomarkers needs more than 8 degrees of freedom, not 8"):
        fit(X, events, 1, noise="adapted", degrees=8, **few)
    fit(X[:40], events, 1, noise="adapted", degrees=9, **few)
    fit(X[:40], events, 1, noise="learnt", degrees=8, **few | {"covariance": "independent"})


def test_healthy_people_carry_no_subtypes_and_independent_noise_finds_some():
    """Healthy data with r = .3, several seeds; the benchmark has more."""
    r = np.full((6, 6), 0.3) + 0.7 * np.eye(6)
    events = ZScoreEvents([1, 2], 4, biomarkers=[f"b{i}" for i in range(6)])
    chosen = {"given": [], "independent": []}
    for seed in range(4):
        X = np.random.default_rng(seed).multivariate_normal(np.zeros(6), r, 250)
        for name, covariance in (("given", r), ("independent", "independent")):
            cv = cross_validate(X, events, 2, covariance=covariance, folds=3, n_startpoints=2, n_samples=0, seed=seed)
            chosen[name].append(cv.chosen())
            assert (cv.selection["n_subtypes"] == 0).sum() == 1
    assert chosen["given"] == [0, 0, 0, 0]
    assert max(chosen["independent"]) >= 1


def test_a_matrix_without_covariance_is_warned_of_once():
    X = toy(40)
    for call in (
        lambda: fit(X, EVENTS, 1, n_startpoints=1, n_samples=0),
        lambda: cross_validate(X, EVENTS, 1, folds=2, n_startpoints=1, n_samples=0),
    ):
        with pytest.warns(NeuraxisWarning, match="residuals are taken as independent") as caught:
            call()
        assert sum("independent" in str(w.message) for w in caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error", NeuraxisWarning)
        fit(X, EVENTS, 1, covariance="independent", n_startpoints=1, n_samples=0)


def test_a_biomarker_that_nobody_has_is_named_and_one_that_some_have_is_not():
    X = pd.DataFrame(toy(40), columns=["a", "b"])
    few = {"n_startpoints": 1, "n_samples": 0}
    with pytest.warns(NeuraxisWarning, match="nobody of 40 people to be fitted has a value of b: where its") as caught:
        fit(X.assign(b=np.nan), EVENTS, 1, covariance=SIGMA, **few)
    assert len(caught) == 1
    with pytest.warns(NeuraxisWarning, match="nobody of 20 people to be fitted has a value of b"):
        cv = cross_validate(X.assign(b=np.nan), EVENTS, 1, covariance=SIGMA, folds=2, **few)
    assert np.isfinite(cv.selection["cvic"]).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(X.assign(b=X["b"].where(X.index < 2)), EVENTS, 1, covariance=SIGMA, **few)


def test_a_fold_fitted_alone_equals_the_fold_of_a_cross_validation_and_sees_nobody_of_it():
    X = pd.DataFrame(toy(60), columns=["a", "b"], index=[f"p{i}" for i in range(60)])
    options = {"n_startpoints": 2, "n_samples": 100, "n_chains": 1}
    cv = cross_validate(X, EVENTS, 2, covariance=SIGMA, folds=3, seed=5, key=("MS",), **options)
    name = cv.selection["variant"].iloc[0]
    alone = None
    for k in (1, 2):
        alone = fit_part(
            X,
            EVENTS,
            k,
            FitSettings().with_(**options),
            covariance=SIGMA,
            folds=cv.folds[0],
            fold=2,
            seed=5,
            key=("MS",),
            previous=alone,
        )
    np.testing.assert_array_equal(alone.draws.sequences, cv.models[name, 2, 0, 2].draws.sequences)
    # other values of the fold's own people change nothing
    changed = X.copy()
    changed.loc[cv.folds[0] == 2] += 5
    again = fit_part(
        changed,
        EVENTS,
        1,
        FitSettings().with_(**options),
        covariance=SIGMA,
        folds=cv.folds[0],
        fold=2,
        seed=5,
        key=("MS",),
    )
    assert again.ml_log_likelihood == cv.models[name, 1, 0, 2].ml_log_likelihood
    assert again.settings["n_people"] == (cv.folds[0] != 2).sum()


def test_files_of_the_first_edition_still_load(tmp_path):
    X = toy(30)
    model = fit(
        X, EVENTS, 2, covariance="independent", healthy=False, stage_prior="dirichlet", n_startpoints=2, n_samples=100
    )
    p, d = model.point, model.draws
    meta = {
        "format": "neuraxis-sustain-model/1",
        "events": {k: v for k, v in EVENTS.to_dict().items() if k != "family"},
        "variant": {
            "stage_prior": "learnt",
            "noise": "fixed",
            "noise_sd": 1.0,
            "concentration": 0.1,
            "stage_rule": "midpoint",
        },
        "ml_log_likelihood": p.log_likelihood,
        "settings": {},
        "norms": None,
        "starts": {},
    }
    weights = d.fractions[..., None] * (d.shares @ p.bumps)
    path = tmp_path / "old.npz"
    np.savez(
        path,
        meta=np.array(json.dumps(meta)),
        sequences=p.sequences.astype(np.int16),
        weights=p.weights,
        noise_sd=np.ones(2),
        draws_sequences=d.sequences,
        draws_weights=weights,
        draws_noise_sd=np.ones((*d.log_likelihood.shape, 2)),
        draws_log_likelihood=d.log_likelihood,
        draws_acceptance=d.acceptance,
        draws_step=d.step,
    )
    pd.testing.assert_frame_equal(SustainModel.load(path).assign(X), model.assign(X))


def test_a_file_that_the_first_edition_wrote_says_what_it_said_then():
    """Two subtypes of 40 people, fitted, saved and assigned by the code before the second edition."""
    folder = Path(__file__).parents[1] / "data"
    then = dict(np.load(folder / "first_edition_people.npz"))
    model = SustainModel.load(folder / "first_edition.npz")
    now = model.assign(then.pop("X"))
    for column, values in then.items():
        np.testing.assert_allclose(now[column].astype(float), values, rtol=1e-12, atol=1e-14, err_msg=column)
    assert model.variant.healthy is False and model.ml_log_likelihood == pytest.approx(-188.39390401807321, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a | {"sequences": a["sequences"][:, ::-1] * 0}, "no orders"),
        (lambda a: a | {"fractions": a["fractions"] * 2}, "no weights"),
        (lambda a: a | {"covariance": -a["covariance"]}, "positive definite"),
        (lambda a: a | {"shares": a["shares"][:, :-1]}, "shape"),
        (lambda a: {k: v for k, v in a.items() if k != "shares"}, "damaged or incomplete"),
        (lambda a: a | {"draws_fractions": a["draws_fractions"] * np.nan}, "finite"),
    ],
)
def test_model_files_from_strangers_are_checked(tmp_path, change, words):
    model = fit(toy(30), EVENTS, 2, covariance=SIGMA, n_startpoints=2, n_samples=50)
    path = model.save(tmp_path / "model.npz")
    with np.load(path) as file:
        arrays = {k: file[k] for k in file.files}
    np.savez(path, **change(arrays))
    with pytest.raises(ModelError, match=words):
        SustainModel.load(path)


def test_settings_that_do_not_exist_are_named():
    with pytest.raises(InputError, match="unknown setting n_start"):
        fit(toy(30), EVENTS, 1, covariance="independent", n_start=3)


@pytest.mark.compiler
def test_an_edited_callee_is_compiled_anew(tmp_path):
    """Kernels in several files: Numba's own cache would go on using the old callee."""
    import neuraxis

    package = tmp_path / "neuraxis"
    source = os.path.dirname(neuraxis.__file__)
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__"))
    # a small caller in another file than its callee
    density = package / "sustain" / "kernels" / "order.py"
    caller = package / "sustain" / "kernels" / "curves.py"
    caller.write_text(
        caller.read_text() + "\n\nfrom .order import twice\n\n\n@njit(cache=True)\ndef probe(x):\n    return twice(x)\n"
    )
    original = density.read_text()
    code = (
        "from neuraxis.sustain.kernels.curves import probe; x = probe(3.0);"
        "print(x, sum(probe.stats.cache_hits.values()))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"} | {"PYTHONPATH": str(tmp_path)}
    seen = []
    for factor in (2.0, 2.0, 5.0):
        density.write_text(original + f"\n\n@njit(cache=True)\ndef twice(x):\n    return {factor} * x\n")
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        value, hits = done.stdout.split()
        seen.append((float(value), int(hits)))
    assert seen == [(6.0, 0), (6.0, 1), (15.0, 0)]


def test_recovery_and_coverage_with_correlated_residuals_and_healthy_people():
    """Orders, shares and intervals of people drawn from the model: three in ten healthy, residuals that correlate."""
    rng = np.random.default_rng(5)
    n = 10
    events = ZScoreEvents([1, 2, 3], 5, biomarkers=[f"b{i}" for i in range(n)])
    r = np.full((n, n), 0.35) + 0.65 * np.eye(n)
    orders = [events.random_sequence(rng) for _ in range(2)]
    weights = np.concatenate([[0.0], 0.95 ** np.arange(events.n_events)])
    sick = simulate(events, orders, 420, fractions=[0.65, 0.35], stage_weights=weights, correlation=r, seed=6)
    X = np.vstack([sick.X, rng.multivariate_normal(np.zeros(n), r, 180)])
    stage = np.concatenate([sick.stage, np.zeros(180, int)])
    model = fit(X, events, 2, covariance=r, n_startpoints=4, n_samples=3000, n_chains=2)
    found = model.assign(X)
    inside = (found["stage_low"] <= stage) & (stage <= found["stage_high"])
    assert 0.92 < inside.mean() < 0.99
    assert model.point.healthy == pytest.approx(0.3, abs=0.06)
    perm = match_subtypes(np.argsort(model.sequences, axis=1), np.argsort(np.array(orders), axis=1))
    assert model.fractions[perm] == pytest.approx([0.65, 0.35], abs=0.08)
    for c in range(2):
        assert kendalltau(np.argsort(model.sequences[perm[c]]), np.argsort(orders[c])).statistic > 0.75
    # stated probabilities come true: of being healthy, and of the subtype in people who are staged
    assert found["p_healthy"].mean() == pytest.approx(0.3, abs=0.05)
    clear = (found["p_healthy"] < 0.1) | (found["p_healthy"] > 0.9)
    assert ((found["p_healthy"] > 0.5) == (stage == 0))[clear].mean() > 0.93
    # places: most of the true ones lie in the draws' central 95 %
    places = np.asarray(model.draws.places).reshape(-1, 2, events.n_events)[:, perm]
    true = np.argsort(np.array(orders), axis=1)
    low, high = np.percentile(places, [2.5, 97.5], axis=0)
    assert ((low <= true) & (true <= high)).mean() > 0.88


@pytest.mark.parametrize(("name", "from_truth"), [("MS_6", -9627.0), ("NMOSD_6", -6796.0)])
def test_default_starts_end_above_the_climb_from_the_truth(oracle, name, from_truth):
    """Correlated residuals, three planted orders: not more than 3 nats below the climb that begins at them."""
    d = dict(np.load(oracle / f"correlated_{name}.npz"))
    events = ZScoreEvents([1, 2, 3], 5, biomarkers=[f"b{i}" for i in range(d["X"].shape[1])])
    problem = Problem(d["X"], events, Variant(covariance=d["controls_covariance"]))
    point = None
    for k in (1, 2, 3):
        point, _ = fit_maximum(problem, k, point, n_startpoints=4, seed=1)
    assert point.log_likelihood > from_truth - 3


# ------------------------------------------------------------------ what is given is used, or refused


def test_one_covariance_serves_all_variants_without_their_own():
    X = toy(60)
    few = {"folds": 2, "n_startpoints": 1, "n_samples": 0}
    alone = cross_validate(X, EVENTS, 1, covariance=SIGMA, **few).selection
    own = Variant("uniform", covariance=SIGMA * 2)
    both = cross_validate(X, EVENTS, 1, covariance=SIGMA, variants=[Variant(), own], **few).selection
    pd.testing.assert_frame_equal(both.iloc[: len(alone)], alone)
    theirs = cross_validate(X, EVENTS, 1, variants=own, **few).selection
    pd.testing.assert_frame_equal(both.iloc[len(alone) :].reset_index(drop=True), theirs)
    for more in ({"healthy": False}, {"noise_sd": 0.3}, {"stage_prior": "uniform"}):
        with pytest.raises(InputError, match=f"{next(iter(more))} beside variants"):
            cross_validate(X, EVENTS, 1, variants=[Variant()], **few, **more)


@pytest.mark.parametrize("wrong", [[[1, 0.9], [0.1, 1]], [[1, 2.0], [2, 1]], np.eye(3), np.eye(1)])
def test_a_covariance_is_checked_wherever_it_comes_from(wrong):
    X, variant = toy(30), Variant(covariance=np.array(wrong))
    with pytest.raises(InputError, match="covariance"):
        fit(X, EVENTS, 1, FitSettings(variant=variant, n_samples=0, n_startpoints=1))
    with pytest.raises(InputError, match="covariance"):
        cross_validate(X, EVENTS, 1, folds=2, variants=[variant], n_samples=0, n_startpoints=1)
    # and said once more, it is what was said last
    own = FitSettings(variant=Variant(covariance=SIGMA * 3), n_samples=0, n_startpoints=1)
    frame = pd.DataFrame(SIGMA * 3, list("ab"), list("ab")).iloc[::-1, ::-1]
    named = FitSettings(variant=Variant(covariance=frame), n_samples=0, n_startpoints=1)
    assert fit(X, EVENTS, 1, own).ml_log_likelihood == fit(X, EVENTS, 1, named).ml_log_likelihood
    for given, want in ((SIGMA, SIGMA), ("independent", np.eye(2))):
        np.testing.assert_array_equal(fit(X, EVENTS, 1, own, covariance=given).point.covariance, want)


def test_an_adapted_covariance_of_healthy_people_with_gaps_is_the_posterior_mode():
    """Against EM written with NumPy alone, pattern by pattern."""
    rng = np.random.default_rng(4)
    n, nu = 5, 30.0
    centre = 0.3 + 0.7 * np.eye(n)
    X = rng.multivariate_normal(
        np.zeros(n), centre * np.linspace(0.5, 2, n)[:, None] ** 0.5 * np.linspace(0.5, 2, n) ** 0.5, 120
    )
    X[rng.random(X.shape) < 0.3] = np.nan
    X = X[np.isfinite(X).any(axis=1)]
    S = centre.copy()
    for _ in range(400):
        total = np.zeros((n, n))
        for x in X:
            o = np.isfinite(x)
            K, C = np.zeros((n, n)), np.zeros((n, n))
            K[o, o] = 1
            W = S[np.ix_(~o, o)] @ np.linalg.inv(S[np.ix_(o, o)])
            K[np.ix_(~o, o)] = W
            C[np.ix_(~o, ~o)] = S[np.ix_(~o, ~o)] - W @ S[np.ix_(o, ~o)]
            y = K @ np.where(o, x, 0)
            total += np.outer(y, y) + C
        S = (nu * centre + total) / (nu + len(X))
    events = ZScoreEvents([[1.0]] * n, [3.0] * n)
    got = fit(X, events, 0, covariance=centre, noise="adapted", degrees=nu)
    np.testing.assert_allclose(got.point.covariance, S, atol=2e-4)
    whole = X[np.isfinite(X).all(axis=1)]
    complete = fit(whole, events, 0, covariance=centre, noise="adapted", degrees=nu)
    np.testing.assert_allclose(complete.point.covariance, (nu * centre + whole.T @ whole) / (nu + len(whole)))


def test_numbers_of_numpy_can_be_saved(tmp_path):
    model = fit(
        toy(30), EVENTS, 1, covariance=SIGMA, seed=np.int64(3), n_startpoints=np.int64(2), n_samples=0, healthy=np.bool_(True),
        concentration=np.float64(0.7), warm_up=np.float32(0.2),
    )  # fmt: skip
    model.save(tmp_path / "m.npz")
    assert SustainModel.load(tmp_path / "m.npz").settings == json.loads(
        json.dumps(model.settings, default=lambda v: v.item())
    )


def test_masked_values_are_missing_and_truths_and_texts_no_numbers():
    X = toy(30)
    model = fit(X, EVENTS, 1, covariance=SIGMA, n_samples=0, n_startpoints=1)
    hidden = np.stack([np.isfinite(X).all(axis=1) & (X[:, 0] > 1), np.zeros(len(X), bool)], axis=1)
    got = model.assign(np.ma.masked_array(X, hidden))
    pd.testing.assert_frame_equal(got, model.assign(np.where(hidden, np.nan, X)))
    assert not np.allclose(got["p_healthy"], model.assign(X)["p_healthy"])
    for wrong in (X > 1, X.astype(str), X + 1j):
        with pytest.raises(InputError, match="not numeric: an array of"):
            model.assign(wrong)


@pytest.mark.parametrize("name", ["strata", "groups"])
@pytest.mark.parametrize("n", [79, 81])
def test_labels_of_folds_are_as_many_as_people(name, n):
    with pytest.raises(InputError, match=f"{name} must have one label for each of 80 people, not {n}"):
        make_folds(80, 3, seed=1, **{name: np.arange(n) % 5})


def test_densities_of_levels_are_no_part_of_mixed_events_and_no_number_is_no_choice():
    with pytest.raises(InputError, match="a part of mixed events cannot be DensityEvents"):
        MixedEvents([EVENTS, DensityEvents(1, ["p"])])
    with pytest.raises(InputError, match="a part of mixed events cannot be 'x'"):
        MixedEvents([EVENTS, "x"])
    with pytest.raises(InputError, match="of 1 person under 0 subtypes is not a number"):
        selection_table({0: np.array([1.0, np.nan]), 1: np.array([1.0, 2.0])})
