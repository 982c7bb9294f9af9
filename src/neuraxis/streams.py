"""Random streams keyed by what they are for, never by time, order or thread."""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, *key) -> np.random.Generator:
    """Generator of one purpose.

    Parameters
    ----------
    seed : int
        The study's one seed.
    *key : str or int
        What the stream is for, e.g. ``("MS", "repeat", 0, "fold", 3, "k", 2, "start", 7)``. Strings enter
        through their CRC-32, so a stream does not depend on what else is drawn or in which order.

    Returns
    -------
    numpy.random.Generator

    Examples
    --------
    >>> first = stream(1, "MS", "fold", 3).integers(100)
    >>> bool(first == stream(1, "MS", "fold", 3).integers(100))
    True
    """
    words = tuple(zlib.crc32(k.encode()) if isinstance(k, str) else int(k) for k in key)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(int(seed), spawn_key=words)))
