"""A short run of the fuzz harness: no foreign exception from any parser; `make fuzz` is the long one."""

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parsers import PARSERS, PIECES, mutate, mutate_image, outcome, reference

FLAGS = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True, "database": None}


@pytest.mark.parametrize("parser", PARSERS, ids=lambda p: p.name)
def test_mutated_files_are_read_or_refused(parser, tmp_path):
    path = tmp_path / parser.file
    whole = reference(parser, path)
    assert whole and outcome(parser, path, parser.whole, whole) == "same"
    seen = set()

    @settings(max_examples=150, **FLAGS)
    @given(st.integers(0, 2**32 - 1))
    def run(seed):
        rng = np.random.default_rng(seed)
        raw = (mutate_image if parser.file.endswith(".nii.gz") else mutate)(parser.whole, rng)
        got = outcome(parser, path, raw, whole)
        seen.add(got)
        assert not got.startswith("foreign"), (got, raw)

    run()
    assert "refused" in seen or parser.name in ("ids and templates",)


@pytest.mark.parametrize("parser", PARSERS, ids=lambda p: p.name)
def test_any_bytes_are_read_or_refused(parser, tmp_path):
    path = tmp_path / parser.file
    reference(parser, path)

    @settings(max_examples=60, **FLAGS)
    @given(
        st.lists(
            st.one_of(
                st.binary(max_size=20),
                st.sampled_from(PIECES),
                st.text(max_size=20).map(lambda t: t.encode("utf-8", "ignore")),
            ),
            max_size=12,
        )
    )
    def run(parts):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            got = outcome(parser, path, b"".join(parts), {"": None})
        assert not got.startswith("foreign"), (got, parts)

    run()


def test_a_changed_result_is_always_noticed(tmp_path):
    """Sealed by its checksum, a table of results cannot mean something else without a word."""
    parser = next(p for p in PARSERS if p.name == "table of results")
    path = tmp_path / parser.file
    whole = reference(parser, path)
    rng = np.random.default_rng(1)
    counts = {}
    for _ in range(500):
        got = outcome(parser, path, mutate(parser.whole, rng), whole)
        counts[got] = counts.get(got, 0) + 1
    assert set(counts) <= {"refused", "same"} and counts["refused"] > 450
