"""Reading the result pickles of pySuStaIn without trusting them."""

from __future__ import annotations

import collections
import io
import pickle
import re
from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import InputError, ModelError, counted
from .families import ZScoreEvents
from .model import SustainModel
from .state import Draws, Parameters, Variant


class _Dtype:
    """What a pickle says of a dtype; numpy's own would believe a crafted one, and crash."""

    def __init__(self, code="", *_) -> None:
        self.code = str(code)
        self.order: Literal["<", ">", "=", "|"] = "="

    def __setstate__(self, state) -> None:
        version, order, *rest = state
        if version != 3 or order not in ("<", ">", "=", "|") or any(part is not None for part in rest[:3]):
            raise ModelError("a dtype that is no plain number")
        self.order = order

    def plain(self) -> np.dtype | None:
        """The dtype of plain numbers; None for any other."""
        found = re.fullmatch(r"[<>=|]?([fiub][1248])", self.code)
        return (
            np.dtype(found[1]).newbyteorder(self.order) if found and found[1] not in ("f1", "b2", "b4", "b8") else None
        )


class _Array:
    """An array of a pickle: its bytes, read only where they are plain numbers."""

    array = None

    def __setstate__(self, state) -> None:
        _, shape, dtype, fortran, raw = state
        self.array = _of_bytes(raw, dtype, shape, "F" if fortran else "C")


def _of_bytes(raw, dtype, shape, order="C"):
    plain = dtype.plain() if isinstance(dtype, _Dtype) else None
    if plain is None or not isinstance(raw, (bytes, bytearray, memoryview)):
        return None
    shape = tuple(int(n) for n in shape)
    if min(shape, default=0) < 0:
        raise ModelError(f"an array of shape {shape}")
    return np.frombuffer(bytes(raw), plain).reshape(shape, order=str(order)).copy()


def _reconstruct(*_):
    return _Array()


def _frombuffer(raw, dtype, shape, order="C", *_):
    out = _Array()
    out.array = _of_bytes(raw, dtype, shape, order)
    return out


def _scalar(dtype, raw=b"", *_):
    return _frombuffer(raw, dtype, ())


_ALLOWED = {
    ("numpy", "ndarray"): _reconstruct,
    ("numpy", "dtype"): _Dtype,
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("_codecs", "encode"): lambda text, *_: str(text).encode("latin-1"),  # bytes of old protocols
}
_NUMPY_INTERNAL = {"_reconstruct": _reconstruct, "scalar": _scalar, "_frombuffer": _frombuffer}


class _ArraysOnly(pickle.Unpickler):
    """Unpickler that builds arrays of plain numbers and plain containers and refuses everything else."""

    def find_class(self, module, name):
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        if module in ("numpy.core.multiarray", "numpy._core.multiarray", "numpy._core.numeric", "numpy.core.numeric"):
            if name in _NUMPY_INTERNAL:
                return _NUMPY_INTERNAL[name]
        raise ModelError(f"refused to load {module}.{name} from a pickle; only numpy arrays are read")


def _plainly(value):
    """A value of a result with its arrays as numpy's; None for arrays of anything but plain numbers."""
    return value.array if isinstance(value, _Array) else value


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
    return {k: _plainly(v) for k, v in found.items()}


def import_peer(path, events: ZScoreEvents) -> SustainModel:
    """A pySuStaIn z-score result as a model of this package (uniform stage prior, noise SD 1).

    Parameters
    ----------
    path : path
        ``*_subtype<k-1>.pickle`` with samples_sequence (C, N, T), samples_f (C, T), samples_likelihood
        (T, 1), ml_sequence_EM (C, N) and ml_f_EM (C,).
    events : ZScoreEvents
        The events it was fitted with; the pickle does not hold them in a checkable form.

    Returns
    -------
    SustainModel

    Raises
    ------
    ModelError
        The file holds anything but arrays and numbers, or sequences that do not fit `events`.

    Examples
    --------
    >>> import pickle, tempfile
    >>> from pathlib import Path
    >>> from neuraxis.sustain import ZScoreEvents
    >>> sequence = np.array([[0.0, 2.0, 1.0]])
    >>> held = {"ml_sequence_EM": sequence, "ml_f_EM": np.ones(1), "samples_f": np.ones((1, 5)),
    ...         "samples_sequence": np.repeat(sequence[:, :, None], 5, axis=2),
    ...         "samples_likelihood": np.full((5, 1), -80.0)}
    >>> path = Path(tempfile.mkdtemp(), "MS_subtype0.pickle")
    >>> _ = path.write_bytes(pickle.dumps(held))
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    >>> import_peer(path, events).point.sequences.tolist()
    [[0, 2, 1]]
    """
    found = read_peer_pickle(path)
    n = events.n_events
    samples = _array(found, "samples_sequence", path)
    ml_sequence = np.atleast_2d(_array(found, "ml_sequence_EM", path))
    fractions = _array(found, "samples_f", path)
    likelihood = _array(found, "samples_likelihood", path).ravel()
    ml_fraction = _array(found, "ml_f_EM", path).ravel()
    if samples.ndim != 3 or samples.shape[1] != n or samples.shape[2] < 1:
        raise ModelError(f"{path}: sequences of {samples.shape} do not fit {counted(n, 'event')}")
    c, t = samples.shape[0], samples.shape[2]
    for name, array, shape in (
        ("ml_sequence_EM", ml_sequence, (c, n)),
        ("ml_f_EM", ml_fraction, (c,)),
        ("samples_f", fractions, (c, t)),
        ("samples_likelihood", likelihood, (t,)),
    ):
        if array.shape != shape:
            raise ModelError(f"{path}: {name} has shape {array.shape}, samples_sequence asks for {shape}")
    for name, array in (("samples_sequence", np.moveaxis(samples, 1, -1)), ("ml_sequence_EM", ml_sequence)):
        if not (np.sort(array, axis=-1) == np.arange(n)).all():
            raise ModelError(f"{path}: {name} holds no orders of the {counted(n, 'event')}")
    for name, array in (("samples_f", fractions), ("ml_f_EM", ml_fraction)):
        if (array < -1e-9).any() or not np.allclose(array.sum(axis=0), 1, atol=1e-6):
            raise ModelError(f"{path}: {name} are no weights that sum to 1")
    try:
        ml_sequence = np.stack([events.check_sequence(s) for s in ml_sequence.astype(np.int64)])
    except InputError as error:
        raise ModelError(f"{path}: ml_sequence_EM: {error}; were these its events?") from None
    order = np.argsort(-ml_fraction, kind="stable")
    sequences = np.moveaxis(samples, 2, 0)[:, order].astype(np.int16)
    n_draws, n_subtypes = sequences.shape[:2]
    best = float(likelihood.max())
    if found.get("ml_likelihood_EM") is not None:
        best = float(_array(found, "ml_likelihood_EM", path).ravel()[0])
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
    model = SustainModel(events, variant, point, draws, settings={"imported_from": "pySuStaIn"})
    try:
        model._check()
    except ModelError as error:
        raise ModelError(f"{path}: {error}; were these its events?") from None
    return model


def _array(found: dict, key: str, path) -> np.ndarray:
    """One array of a result as finite float64; ModelError where it is absent, empty or holds anything but plain numbers."""
    if key not in found:
        raise ModelError(f"{path}: {key!r} is missing")
    if found[key] is None:
        raise ModelError(f"{path}: {key} is no array of numbers")
    try:
        array = np.asarray(found[key])
    except (ValueError, TypeError) as error:
        raise ModelError(f"{path}: {key} is no array of numbers ({error})") from None
    if array.dtype.kind not in "fiu" or not array.size:
        raise ModelError(f"{path}: {key} is no array of numbers (dtype {array.dtype}, shape {array.shape})")
    array = array.astype(float)
    if not np.isfinite(array).all():
        raise ModelError(f"{path}: {key} is not finite")
    return array
