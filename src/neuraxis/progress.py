"""How far a job is, told in its log: loops that count their steps, and a line now and then where nothing else is said."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

import psutil

log = logging.getLogger(__name__)

#: Seconds between two lines of one loop, and seconds of silence after which a job says where it is.
EVERY, SILENCE = 20.0, 60.0

T = TypeVar("T")
_under_way: list[list] = []


def steps(items: Iterable[T], what: str, *, every: float | None = None) -> Iterator[T]:
    """The items one after another, and in the log which of how many is under way.

    A loop that is not within another says where it begins; after that, and within others, at most one line in `every` seconds.

    Parameters
    ----------
    items : iterable
    what : str
        What is counted, in the plural: "norms of folds".
    every : float, optional
        Seconds; `EVERY` where not given.

    Yields
    ------
    object
        The items.

    Examples
    --------
    >>> [n * n for n in steps([1, 2, 3], "squares")]
    [1, 4, 9]
    """
    items = list(items)
    every = EVERY if every is None else every
    place = [what, 0, len(items)]
    outermost = not _under_way
    _under_way.append(place)
    began = told = time.monotonic()
    try:
        for i, item in enumerate(items):
            place[1] = i + 1
            now = time.monotonic()
            if i == 0 and outermost and len(items) > 1:
                log.info("%s: 1 of %d", what, len(items))
            elif i and now - told >= every:
                left = (now - began) / i * (len(items) - i)
                log.info("%s, about %.0f s left", where(), left)
                told = now
            yield item
    finally:
        _under_way.remove(place)


def where() -> str:
    """The loops under way, outermost first, each with how far it is; "" where there is none."""
    return ", ".join(f"{what}: {i} of {n}" for what, i, n in list(_under_way))


def function_under_way(thread: int) -> str:
    """The innermost function of this package that a thread is in, by module and name; "" where it is in none."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001 - the standard library's own way to look at another thread
    own = __name__.partition(".")[0] + "."
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith(own) and module != __name__ and not frame.f_code.co_name.startswith("<"):
            return f"{module.removeprefix(own)}.{frame.f_code.co_name}"
        frame = frame.f_back
    return ""


class _Ear(logging.Handler):
    """Remembers when anything was last said."""

    def __init__(self):
        super().__init__()
        self.last = time.monotonic()

    def emit(self, record):  # noqa: ARG002 - whatever it is
        self.last = time.monotonic()


def heartbeat(*, silence: float | None = None) -> threading.Thread:
    """From now on say in the log, whenever so many seconds nothing else was said, where this thread is and what it has used.

    Parameters
    ----------
    silence : float, optional
        Seconds; `SILENCE` where not given.

    Returns
    -------
    Thread
        Which ends with the process.
    """
    silence = SILENCE if silence is None else silence
    watched, process, began, ear = threading.get_ident(), psutil.Process(), time.monotonic(), _Ear()
    logging.getLogger().addHandler(ear)

    def watch():
        while True:
            time.sleep(max(ear.last + silence - time.monotonic(), silence / 10))
            if time.monotonic() - ear.last < silence:
                continue
            at = ", ".join(p for p in (where(), function_under_way(watched)) if p)
            used, memory = process.cpu_times(), process.memory_info().rss / 1e6
            log.info(
                "at work%s: %.0f s, %.0f CPU s, %.0f MB",
                f" ({at})" if at else "",
                time.monotonic() - began,
                used.user + used.system,
                memory,
            )

    thread = threading.Thread(target=watch, daemon=True, name="heartbeat")
    thread.start()
    return thread
