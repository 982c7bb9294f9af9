"""Compiled kernels check no bounds: what lies around an array must not matter to them, nor what an empty one points to."""

import numpy as np
import pytest

from neuraxis.sustain import MixedEvents, MixtureEvents, OrdinalEvents, Variant, ZScoreEvents, kernels
from neuraxis.sustain.families.mixture import GaussianPair
from neuraxis.sustain.problem import Problem
from neuraxis.sustain.sampler import Sampler
from neuraxis.sustain.search import climb, even, random_start

MARGIN = 1024


def amid(part):
    """The same arrays of numbers, each in the middle of a place that holds no number."""
    if isinstance(part, np.ndarray) and part.dtype.kind == "f":
        place = np.full(part.size + 2 * MARGIN, np.nan, part.dtype)
        out = place[MARGIN : MARGIN + part.size].reshape(part.shape)
        out[...] = part
        return out
    if isinstance(part, tuple):
        parts = [amid(p) for p in part]
        return type(part)(*parts) if hasattr(part, "_fields") else tuple(parts)
    return part


def numbers(part):
    """All arrays of numbers of a tuple of tuples."""
    if isinstance(part, np.ndarray):
        return [part] if part.dtype.kind == "f" else []
    return [array for p in part for array in numbers(p)] if isinstance(part, tuple) else []


def cases():
    rng = np.random.default_rng(3)
    z = rng.normal(size=(70, 3)) + 2 * rng.random((70, 1))
    gaps = np.where(rng.random(z.shape) < 0.2, np.nan, z)
    levels = rng.integers(0, 3, (70, 2)).astype(float)
    pairs = MixtureEvents([GaussianPair(0, 1, 2, 1, 0.5)] * 3, list("abc"))
    events = ZScoreEvents([[1, 2], [1], [2]], 4.0, biomarkers=list("abc"))
    scores = OrdinalEvents(2, 0.8, biomarkers=["s", "t"])
    sigma = np.eye(3) + 0.4 * (1 - np.eye(3))
    smooth = {"healthy": True, "stage_prior": "smooth"}
    return {
        "z": (events, z, Variant(**smooth)),
        "z, learnt noise": (events, z, Variant(**smooth, noise="learnt")),
        "z, covariance": (events, z, Variant(**smooth, covariance=sigma)),
        "z, adapted, missing": (events, gaps, Variant(**smooth, covariance=sigma, noise="adapted", degrees=20)),
        "mixture": (pairs, gaps, Variant(**smooth)),
        "ordinal": (scores, levels, Variant("uniform", healthy=False)),
        "mixed": (MixedEvents([events, scores]), np.hstack([gaps, levels]), Variant(**smooth)),
    }


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", list(cases()))
def test_nothing_around_an_array_matters(name, dtype):
    events, X, variant = cases()[name]
    ends = []
    for around in (lambda part: part, amid):
        problem = Problem(X, events, variant)
        problem.data = around(problem.data)
        start = random_start(problem, 2, np.random.default_rng(1))
        point = climb(problem, start, np.random.default_rng(2))
        chain = Sampler(problem, even(problem, point.sequences), np.random.default_rng(4), 3, dtype)
        chain.state, chain.work = around(chain.state), around(chain.work)
        chain.value = kernels.renew(problem.data, problem.layout, chain.state, problem.settings)
        chain.steps(60, tune=True)
        chain.steps(60)
        # a move whose densities are none is computed anew in full: the same result, six times as slow
        assert all(np.isfinite(array).all() for array in numbers(chain.state) + numbers(chain.work))
        ends.append(
            [
                point.log_likelihood,
                chain.value,
                *chain.state.subtypes.sequence.ravel(),
                *chain.state.weights.share.ravel(),
            ]
        )
    assert np.isfinite(ends[0]).all()
    assert ends[0] == ends[1]
