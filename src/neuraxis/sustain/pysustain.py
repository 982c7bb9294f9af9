"""Reading the result pickles of pySuStaIn without trusting them."""

from __future__ import annotations

import collections
import io
import pickle
from pathlib import Path

import numpy as np

from ..errors import ModelError
from .families import ZScoreEvents
from .model import SustainModel
from .state import Draws, Parameters, Variant

_ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("collections", "OrderedDict"): collections.OrderedDict,
}
_NUMPY_INTERNAL = {"_reconstruct", "scalar", "_frombuffer"}


class _ArraysOnly(pickle.Unpickler):
    """Unpickler that builds numpy arrays and plain containers and refuses everything else."""

    def find_class(self, module, name):
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        if module in ("numpy.core.multiarray", "numpy._core.multiarray", "numpy._core.numeric", "numpy.core.numeric"):
            if name in _NUMPY_INTERNAL:
                inside = np._core.numeric if name == "_frombuffer" else np._core.multiarray
                return getattr(inside, name)
        raise ModelError(f"refused to load {module}.{name} from a pickle; only numpy arrays are read")


def read_peer_pickle(path) -> dict:
    """The dictionary in a pySuStaIn result file; ModelError if it holds anything but arrays and numbers."""
    data = Path(path).read_bytes()
    try:
        found = _ArraysOnly(io.BytesIO(data)).load()
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    except Exception as error:
        raise ModelError(f"{path} is not a readable pickle: {error}") from None
    if not isinstance(found, dict) or "samples_sequence" not in found:
        raise ModelError(f"{path} is no pySuStaIn result: samples_sequence is missing")
    return found


def import_peer(path, events: ZScoreEvents) -> SustainModel:
    """A pySuStaIn z-score result as a model of this package (uniform stage prior, noise SD 1).

    Parameters
    ----------
    path : path
        ``*_subtype<k-1>.pickle`` with samples_sequence (C, N, T), samples_f (C, T), samples_likelihood
        (T, 1), ml_sequence_EM (C, N) and ml_f_EM (C,).
    events : ZScoreEvents
        The events it was fitted with; the pickle does not hold them in a checkable form.

    Raises
    ------
    ModelError
        The file holds anything but arrays and numbers, or sequences that do not fit `events`.
    """
    found = read_peer_pickle(path)
    try:
        samples = np.asarray(found["samples_sequence"])
        fractions = np.asarray(found["samples_f"], float)
        likelihood = np.asarray(found["samples_likelihood"], float).ravel()
        ml_sequence = np.atleast_2d(np.asarray(found["ml_sequence_EM"])).astype(np.int64)
        ml_fraction = np.asarray(found["ml_f_EM"], float).ravel()
    except KeyError as error:
        raise ModelError(f"{path}: {error} is missing") from None
    if samples.ndim != 3 or samples.shape[1] != events.n_events:
        raise ModelError(f"{path}: sequences of {samples.shape} do not fit {events.n_events} events")
    ml_sequence = np.stack([events.check_sequence(s) for s in ml_sequence])
    order = np.argsort(-ml_fraction, kind="stable")
    sequences = np.moveaxis(samples, 2, 0)[:, order].astype(np.int16)
    n_draws, n_subtypes = sequences.shape[:2]
    best = float(likelihood.max())
    if "ml_likelihood_EM" in found:
        best = float(np.ravel(found["ml_likelihood_EM"])[0])
    variant = Variant(stage_prior="uniform", healthy=False)
    covariance = np.eye(events.n_biomarkers)
    nothing = np.full((1, *ml_sequence.shape), np.nan)
    draws = Draws(
        sequences[None],
        fractions.T[None][:, :, order],
        np.ones((1, n_draws, n_subtypes, 1)),
        np.zeros((1, n_draws)),
        covariance[None, None],
        likelihood[None],
        nothing,
        nothing.copy(),
    )
    point = Parameters(
        ml_sequence[order],
        ml_fraction[order],
        np.ones((n_subtypes, 1)),
        variant.bumps(events.n_events),
        0.0,
        covariance,
        best,
    )
    return SustainModel(events, variant, point, draws, settings={"imported_from": "pySuStaIn"})
