"""Pickles of the peer from strangers: arrays of plain numbers that fit one another and the events, or a ModelError."""

import pickle

import numpy as np
import pytest

from neuraxis.errors import ModelError
from neuraxis.sustain import ZScoreEvents, import_peer

EVENTS = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["t", "f"])  # biomarkers of the events: t, f, t
ORDERS = np.array([[0, 1, 2], [1, 0, 2]])
LATE_FIRST = np.array([[2, 0, 1], [1, 0, 2]])


def result() -> dict:
    return {
        "samples_sequence": np.repeat(ORDERS[:, :, None], 5, 2).astype(float),
        "samples_f": np.repeat([[0.25], [0.75]], 5, 1),
        "samples_likelihood": -np.arange(5.0, 10.0)[:, None],
        "ml_sequence_EM": ORDERS.astype(float),
        "ml_f_EM": np.array([0.25, 0.75]),
    }


def saved(folder, found) -> str:
    path = folder / "MS_subtype1.pickle"
    path.write_bytes(found if isinstance(found, bytes) else pickle.dumps(found))
    return path


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "f4"])
def test_a_whole_result_of_any_protocol(tmp_path, protocol, dtype):
    found = {k: np.asfortranarray(v.astype(dtype)) for k, v in result().items()}
    path = saved(tmp_path, pickle.dumps(found, protocol=protocol))
    model = import_peer(path, EVENTS)
    assert model.point.fractions.tolist() == [0.75, 0.25]  # the larger first
    assert model.point.sequences.tolist() == [[1, 0, 2], [0, 1, 2]]
    assert model.draws.fractions[0, 2].tolist() == [0.75, 0.25]  # of every draw, too
    assert model.draws.sequences[0, 2].tolist() == [[1, 0, 2], [0, 1, 2]]
    assert model.point.log_likelihood == -5.0 and model.draws.sequences.shape == (1, 5, 2, 3)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("samples_sequence", np.full((2, 3, 5), 0.4), "no orders of the 3 events"),
        ("samples_sequence", np.zeros((2, 3, 5)), "no orders of the 3 events"),
        ("samples_sequence", np.repeat(ORDERS[:, :, None], 5, 2) + 0.3, "samples_sequence holds no orders"),
        ("ml_sequence_EM", ORDERS + 0.3, "ml_sequence_EM holds no orders"),
        ("samples_sequence", np.full((2, 3, 5), np.nan), "not finite"),
        ("samples_sequence", np.full((2, 3, 5), 65536.0), "no orders of the 3 events"),
        ("samples_sequence", np.repeat(LATE_FIRST[:, :, None], 5, 2), "t: a higher threshold before a lower one"),
        ("samples_sequence", np.zeros((2, 3, 0)), "no array of numbers"),
        ("samples_sequence", np.zeros((2, 4, 5)), "do not fit 3 events"),
        ("ml_sequence_EM", LATE_FIRST, "higher threshold"),
        ("ml_sequence_EM", ORDERS[:1], "shape"),
        ("ml_sequence_EM", np.full((2, 3), 1e300), "no orders"),
        ("samples_f", np.repeat([[2.0], [-1.0]], 5, 1), "no weights"),
        ("samples_f", np.full((2, 5), 0.4), "no weights"),
        ("samples_f", np.full((2, 4), 0.5), "shape"),
        ("samples_f", np.full((2, 5), 0.5 + 1j), "no array of numbers"),
        ("samples_f", np.full((2, 5), "0.5"), "no array of numbers"),
        ("samples_f", np.full((2, 5), None), "no array of numbers"),
        ("samples_f", [[0.5], [0.5, 1]], "no array of numbers"),
        ("samples_f", np.zeros((2, 5), [("a", "f8")]), "no plain number"),
        ("ml_f_EM", np.array([1.5, -0.5]), "no weights"),
        ("samples_likelihood", np.full((5, 1), np.inf), "not finite"),
        ("samples_likelihood", np.full((2, 1), 1.0), "shape"),
    ],
)
def test_results_that_cannot_be(tmp_path, key, value, words):
    with pytest.raises(ModelError, match=words) as error:
        import_peer(saved(tmp_path, result() | {key: value}), EVENTS)
    assert "MS_subtype1.pickle" in str(error.value)


class Crafted:
    """Pickles as an array whose dtype says what its bytes do not hold."""

    def __init__(self, code, state, raw, shape=(1,)):
        self.code, self.state, self.raw, self.shape = code, state, raw, shape

    def __reduce__(self):
        state = (1, self.shape, CraftedType(self.code, self.state), False, self.raw)
        return np._core.multiarray._reconstruct, (np.ndarray, (0,), b"b"), state


class CraftedType:
    def __init__(self, code, state):
        self.code, self.state = code, state

    def __reduce__(self):
        return np.dtype, (self.code, False, True), self.state


@pytest.mark.parametrize(
    "array",
    [
        Crafted("V8", (3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 0), b"A" * 8),
        Crafted("V8", (3, "|", None, ("a",), {"a": (np.dtype("f8"), 10**6)}, 8, 1, 0), b"A" * 8),
        Crafted("V8", (3, "|", (np.dtype("f8"), (10**8,)), None, None, 8, 1, 0), b"A" * 8),
        Crafted("f8", (3, "<", None, None, None, -1, -1, 63), b"A" * 80, (10,)),
        Crafted("f8", (3, "<", None, None, None, -1, -1, 0), b"A" * 8, (1000,)),
        Crafted("f8", (3, "<", None, None, None, -1, -1, 0), b"A" * 80, (-1,)),
        Crafted("f8", (4, "<", None, None, None, -1, -1, 0), np.full(10, 0.5).tobytes(), (2, 5)),  # of no known version
        Crafted("f8", (3, "<", None, None, None, -1, -1, 0), np.full(10, 0.5).tobytes(), (2, -1)),
        Crafted("O", (3, "|", None, None, None, -1, -1, 63), b"A" * 80, (10,)),
    ],
)
def test_crafted_dtypes_are_never_believed(tmp_path, array):
    with pytest.raises(ModelError):
        import_peer(saved(tmp_path, result() | {"samples_f": array}), EVENTS)


@pytest.mark.parametrize(
    "raw",
    [
        b"cos\nsystem\n(S'echo hi'\ntR.",
        b"c__builtin__\neval\n(S'1'\ntR.",
        b"cnumpy\nndarray\n((I100000\nI100000\nI1000\nttR.",
        b"",
        b"]q\x00h\x00a.",
    ],
)
def test_pickles_of_anything_else(tmp_path, raw):
    with pytest.raises(ModelError):
        import_peer(saved(tmp_path, raw), EVENTS)
