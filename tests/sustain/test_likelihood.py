"""The likelihood against the peer's numbers, brute-force integration, and far-out people."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from neuraxis.errors import InputError
from neuraxis.sustain import ZScoreEvents, choose_events, kernels, mixture_log_likelihood, uniform_weights
from neuraxis.sustain.kernels import fast_exp, fill_uniforms, log_normal_interval
from neuraxis.sustain.simulate import _points


@pytest.mark.parametrize("name", ["likelihood_regular", "likelihood_irregular", "likelihood_one_subtype"])
def test_likelihood_equals_the_peers(peer, name):
    d, events = peer(name)
    np.testing.assert_array_equal(events.biomarker, d["event_biomarker"])
    np.testing.assert_array_equal(events.value, d["event_zscore"])
    sequences = d["sequences"].astype(int)
    for i, s in enumerate(sequences):
        ours = events.log_likelihood(d["X"], s) - np.log(events.n_events + 1)
        np.testing.assert_allclose(np.exp(ours), d["subject_stage_subtype"][:, :, i], rtol=1e-9, atol=1e-290)
    total = mixture_log_likelihood(events, d["X"], sequences, uniform_weights(d["f"], events.n_events + 1))
    np.testing.assert_allclose(np.exp(total), d["subject_likelihood"], rtol=1e-9)
    assert total.sum() == pytest.approx(float(d["loglike"]), rel=1e-9)


def naive(events, X, sequence, sd):
    """The readable formula: mean of the curve at both ends of every stage, product of normals."""
    points = _points(events, np.asarray(sequence))
    mean = 0.5 * (points[:-1] + points[1:])
    out = stats.norm.logpdf(X[:, None, :], mean[None], sd)
    return np.nansum(np.where(np.isnan(X)[:, None, :], 0, out), axis=2)


def problem(seed=0, n_people=70):
    rng = np.random.default_rng(seed)
    events = ZScoreEvents([[1, 2], [0.5, 1.5, 3], [2], [1, 2, 3]], [4, 5, 3, 5])
    X = rng.normal(1, 1.5, (n_people, 4))
    return events, X, rng


def test_missing_values_and_noise_equal_the_readable_formula():
    events, X, rng = problem()
    X[rng.random(X.shape) < 0.3] = np.nan
    X[:, 0] = 0.3
    sd = np.array([0.7, 1.0, 1.3, 2.0])
    s = events.random_sequence(rng)
    np.testing.assert_allclose(events.log_likelihood(X, s, noise_sd=sd), naive(events, X, s, sd), rtol=1e-11)


def covariance_of(rng, n):
    a = rng.normal(size=(n, n))
    return a @ a.T / n + 0.3 * np.eye(n)


@pytest.mark.parametrize("seed", range(4))
def test_a_covariance_with_missing_values_equals_the_multivariate_normal(seed):
    events, X, rng = problem(seed, n_people=90)
    X[:70][rng.random((70, 4)) < 0.35] = np.nan  # many patterns, and twenty complete people
    X[:, 2] = np.where(np.isnan(X).all(axis=1), 0.4, X[:, 2])
    covariance = covariance_of(rng, 4)
    s = events.random_sequence(rng)
    got = events.log_likelihood(X, s, covariance=covariance)
    g = events.stage_values(s)
    for j, x in enumerate(X):
        o = np.isfinite(x)
        want = [stats.multivariate_normal(row[o], covariance[np.ix_(o, o)]).logpdf(x[o]) for row in g]
        np.testing.assert_allclose(got[j], want, rtol=1e-9, atol=1e-9)
    shuffled = rng.permutation(len(X))
    np.testing.assert_allclose(events.log_likelihood(X[shuffled], s, covariance=covariance), got[shuffled], rtol=1e-11)


def test_covariances_are_matched_by_name_and_refused_when_wrong():
    events = ZScoreEvents([1, 2], 3, biomarkers=["a", "b"])
    X, s = np.array([[0.5, 1.5], [2.0, -1.0]]), [0, 1, 2, 3]
    matrix = pd.DataFrame([[1.0, 0.3], [0.3, 2.0]], index=["a", "b"], columns=["a", "b"])
    want = events.log_likelihood(X, s, covariance=matrix.to_numpy())
    wider = matrix.reindex(index=["b", "x", "a"], columns=["b", "x", "a"]).fillna(0.1)
    np.testing.assert_allclose(events.log_likelihood(X, s, covariance=wider), want)
    for wrong, words in [
        (np.eye(3), "shape"),
        ([[1, 2], [2, 1]], "not positive definite"),
        ([[1, 0.5], [0.2, 1]], "symmetric"),
        ([[1, 1 - 1e-9], [1 - 1e-9, 1]], "condition number"),
        (matrix.drop(index="b"), "lacks biomarkers of the model: b"),
        ("none", "covariance must be"),
    ]:
        with pytest.raises(InputError, match=words):
            events.log_likelihood(X, s, covariance=wrong)


def test_stage_integral_equals_quadrature():
    events, X, rng = problem(n_people=6)
    X[0] = [-8, 9, 0, 3]
    X[1, 1] = np.nan
    s = events.random_sequence(rng)
    points = _points(events, s)
    got = events.log_likelihood(X, s, stage_rule="integral")
    for j in range(len(X)):
        seen = np.isfinite(X[j])
        for k in range(events.n_events + 1):

            def density(t, j=j, k=k, seen=seen):
                curve = points[k] + t * (points[k + 1] - points[k])
                return np.exp(stats.norm.logpdf(X[j, seen], curve[seen]).sum() - got[j, k])

            assert integrate.quad(density, 0, 1, epsabs=1e-12)[0] == pytest.approx(1, rel=1e-8)


@pytest.mark.parametrize("z", [-30.0, 60.0])
@pytest.mark.parametrize("rule", ["midpoint", "integral"])
def test_far_out_people_get_finite_numbers(z, rule):
    events = ZScoreEvents([1, 2, 3], 5, biomarkers=[f"b{i}" for i in range(19)])
    s = events.random_sequence(np.random.default_rng(0))
    value = events.log_likelihood(np.full((1, 19), z), s, stage_rule=rule)
    assert np.isfinite(value).all()
    assert np.ptp(value) > 100  # not floored to a constant


def test_stage_integral_with_a_covariance_equals_quadrature():
    events, X, rng = problem(1, n_people=4)
    X[1, 1] = np.nan
    covariance, s = covariance_of(rng, 4), events.random_sequence(rng)
    points = _points(events, s)
    got = events.log_likelihood(X, s, covariance=covariance, stage_rule="integral")
    for j, x in enumerate(X):
        o = np.isfinite(x)
        for k in range(0, events.n_events + 1, 3):

            def density(t, j=j, k=k, o=o, x=x):
                curve = points[k] + t * (points[k + 1] - points[k])
                return np.exp(stats.multivariate_normal(curve[o], covariance[np.ix_(o, o)]).logpdf(x[o]) - got[j, k])

            assert integrate.quad(density, 0, 1, epsabs=1e-12)[0] == pytest.approx(1, rel=1e-8)


def test_log_normal_interval_in_both_tails():
    for low, high in [(-1, 2), (-40, -39.5), (30, 31), (-9, -8.999), (0, 1e-6), (5, 60), (-6, 6)]:
        want = stats.norm.logsf(low) + np.log1p(-np.exp(stats.norm.logsf(high) - stats.norm.logsf(low)))
        if low < 0:
            want = stats.norm.logcdf(high) + np.log1p(-np.exp(stats.norm.logcdf(low) - stats.norm.logcdf(high)))
        assert log_normal_interval(float(low), float(high)) == pytest.approx(want, rel=2e-6)


def test_fast_exp_and_uniforms():
    x = np.linspace(-700, 700, 20001)
    got = np.array([fast_exp(v) for v in x])
    np.testing.assert_allclose(got, np.exp(x), rtol=4e-15 * 10)
    u = np.empty(100_000)
    fill_uniforms(np.random.default_rng(1), u)
    assert u.min() >= 0 and u.max() < 1
    assert stats.kstest(u, "uniform").pvalue > 0.001
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 0.01


def test_kernels_are_valid_python():
    code = (
        "import numpy as np; from neuraxis.sustain import ZScoreEvents, Variant, stream;"
        "from neuraxis.sustain.problem import Problem; from neuraxis.sustain.sampler import Sampler;"
        "from neuraxis.sustain.search import climb, random_start, polish;"
        "e = ZScoreEvents([[1, 2], [1]], 4.0); X = np.random.default_rng(0).normal(1, 1, (12, 2)); X[0, 1] = np.nan;"
        "v = Variant(noise='adapted', covariance=np.array([[1, .4], [.4, 1]]));"
        "p = Problem(X, e, v, single=False); r = stream(1, 'python');"
        "q = polish(p, climb(p, random_start(p, 2, r), r, explore=3, most=6), r, rounds=1);"
        "s = Sampler(p, q, r, 3); s.steps(9, True); print(float(q.log_likelihood + s.value))"
    )
    values = []
    for off in ("0", "1"):
        import os

        env = {**os.environ, "NUMBA_DISABLE_JIT": off}
        values.append(
            float(
                subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
            )
        )
    assert values[0] == pytest.approx(values[1], rel=1e-9)


@pytest.mark.parametrize(
    ("thresholds", "z_max", "names", "words"),
    [
        ([[1], []], 3, ["a", "b"], "b has no event"),
        ([[2, 1]], 3, ["a"], "ascending"),
        ([[1, 2]], 2, ["a"], "z_max 2 is not above"),
        ([[1], [1]], 3, ["a", "a"], "duplicate"),
        ([[1], [np.nan]], 3, ["a", "b"], "finite"),
    ],
)
def test_bad_events_are_named(thresholds, z_max, names, words):
    with pytest.raises(InputError, match=words):
        ZScoreEvents(thresholds, z_max, biomarkers=names)


def test_bad_people_are_named():
    events = ZScoreEvents([1, 2], 3, biomarkers=["a", "b"])
    good = pd.DataFrame({"a": [0.1, 1], "b": [1.0, 2]}, index=["s1", "s2"])
    for change, words in [
        (lambda f: f.drop(columns="b"), "absent from the data: b"),
        (lambda f: f.assign(b=[np.inf, 0.0]), "infinite value of b for s1"),
        (lambda f: f.assign(a=["x", 1.0]), "a is not numeric.*s1"),
        (lambda f: f.assign(a=[np.nan, 1], b=[np.nan, 1]), "no value at all for s1"),
        (lambda f: f.rename(index={"s2": "s1"}), "listed twice: s1"),
    ]:
        with pytest.raises(InputError, match=words):
            events.check_data(change(good))
    with pytest.raises(InputError, match="another order"):
        events.check_data(good.to_numpy(), biomarkers=["b", "a"])
    swapped, _ = events.check_data(good[["b", "a"]])
    np.testing.assert_array_equal(swapped, good.to_numpy())


def test_events_are_chosen_where_enough_people_pass():
    rng = np.random.default_rng(0)
    z = pd.DataFrame({"a": rng.normal(2, 1, 100), "b": rng.normal(-5, 1, 100)})
    events, table = choose_events(z)
    assert events.biomarkers == ("a",)
    assert (table["kept"] == (table["n_people"] >= 10)).all()
    assert events.z_max[0] == pytest.approx(max(np.percentile(z["a"], 99), events.thresholds[0][-1] + 1), abs=1e-3)
    assert "at least 10 people" in events.rule
    with pytest.raises(InputError, match="no biomarker"):
        choose_events(z[["b"]])


def test_no_kernel_takes_more_than_eight_arguments():
    """What always travels together is one argument."""
    many = {}
    for path in sorted((Path(kernels.__file__).parent).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            compiled = isinstance(node, ast.FunctionDef) and any("njit" in ast.unparse(d) for d in node.decorator_list)
            if compiled and len(node.args.args) > 8:
                many[f"{path.name}:{node.name}"] = len(node.args.args)
    assert not many
