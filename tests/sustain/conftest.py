"""Without a compiler (`make test-python`) what takes longer than some seconds as plain Python is left, saying so."""

import os
import signal

import numba
import pytest

#: Seconds for a test without a compiler.
SECONDS = float(os.environ.get("NEURAXIS_SECONDS", 20))


@pytest.fixture(autouse=True)
def small_enough_without_a_compiler(request):
    if not numba.config.DISABLE_JIT:
        yield
        return
    if request.node.get_closest_marker("compiler"):
        pytest.skip("it is about the compiler")

    def stop(*_):
        pytest.skip(f"without a compiler it takes longer than {SECONDS:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
