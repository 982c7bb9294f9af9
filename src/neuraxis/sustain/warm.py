"""The kernels compiled before the first fit asks for them."""

from __future__ import annotations

import time

import numpy as np

from .families import ZScoreEvents
from .model import fit


def compile_kernels(n_people: int = 50, n_biomarkers: int = 6) -> float:
    """Fit a toy, so that all kernels are compiled, or taken from the cache where they are.

    Every variant of the model runs the same compiled functions, so that one fit compiles for all.

    Parameters
    ----------
    n_people, n_biomarkers : int
        Size of the toy.

    Returns
    -------
    float
        Seconds that it took: a minute or two the first time on a machine, about one second after that.

    Examples
    --------
    >>> compile_kernels() > 0
    True
    """
    events = ZScoreEvents([[1.0, 2.0, 3.0]] * n_biomarkers, 5.0)  # type: ignore[arg-type]  # fields are what it makes of them
    rng = np.random.default_rng(1)
    values = rng.normal(1.0, 1.5, (n_people, n_biomarkers))
    covariance = 0.4 + 0.6 * np.eye(n_biomarkers)
    begin = time.perf_counter()
    fit(values, events, 1, covariance=covariance, n_startpoints=1, n_samples=20, n_chains=1, n_draws=1)
    events.log_likelihood(values, events.random_sequence(rng), covariance=covariance)
    return time.perf_counter() - begin
