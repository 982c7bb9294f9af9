"""Compiling ahead of the first fit."""

import sys

import pytest

from neuraxis.sustain import kernels, warm

pytestmark = pytest.mark.compiler


def test_both_halves_are_what_a_fit_runs():
    """A fit after both halves asks for no kernel that they have not asked for, but those of what is drawn."""

    def asked():
        return {
            name
            for name in dir(kernels)
            if (kernel := getattr(kernels, name, None)) is not None and getattr(kernel, "signatures", None)
        }

    warm.compile_part("climb")
    assert "climb" in asked()
    warm.compile_part("polish")
    warm.compile_part("chain")
    assert {"renew", "polish", "chain_steps"} <= asked()
    assert warm.compile_kernels() < 60


def test_half_that_fails_is_an_error(monkeypatch):
    """Jobs must not begin as if everything were compiled."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="ended with status 1"):
        warm.compile_kernels(2)


def test_two_processes_share_one_cache():
    """The other process finds this very package, whatever put it on the path."""
    assert warm.compile_kernels(2) > 0
