"""A process without root's powers, so that tests of rights show something where tests run as root."""

import ctypes


def powerless():
    """Between fork and exec: a root's process keeps its name and loses its right to read and write everything."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH; 24 is PR_CAPBSET_DROP
        libc.prctl(24, capability, 0, 0, 0)
