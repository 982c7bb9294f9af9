"""How far a job is, told in its log: loops that count their steps, and a line now and then where nothing else is said."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import psutil
from tqdm import tqdm

log = logging.getLogger(__name__)
log.addFilter(lambda record: of_a_part(record))

#: Seconds between two lines of one loop, and seconds of silence after which a job says where it is.
EVERY, SILENCE = 20.0, 60.0

T = TypeVar("T")
_under_way: list[list] = []
_within = threading.local()


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


def hidden_bar(progress: bool | None) -> bool | None:
    """Whether bars of progress are hidden: as told, else shown in notebooks and terminals (None: tqdm knows these)."""
    if progress is not None:
        return not progress
    return False if "ipykernel" in sys.modules else None  # a notebook's streams are no terminals


def in_words(seconds: float) -> str:
    """A duration as people say it.

    Examples
    --------
    >>> [in_words(s) for s in (7.3, 300, 9000)]
    ['7 s', '5 min', '2.5 h']
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


class Account:
    """How far a job of many parts is, told by one bar where somebody looks on, and by a line in the log now and then elsewhere.

    Parameters
    ----------
    what : str
        Of the whole: "cross-validation".
    parts : mapping of int to int
        How many parts there are of each size. A part of a size of which none is done yet is taken to last as long as those
        of the nearest size, times the ratio of the sizes.
    unit : str
        Of the parts, in the plural.
    side_by_side : int
        How many parts are done at once.
    hidden : bool, optional
        Of the bar, see `hidden_bar`.
    every : float, optional
        Seconds between two lines; `EVERY` where not given.

    Examples
    --------
    >>> with Account("reading", {1: 4}, "files", hidden=True) as account:
    ...     account.done(1, 0.5)
    ...     account.left()
    1.5
    """

    def __init__(
        self,
        what: str,
        parts: Mapping[int, int],
        unit: str,
        *,
        side_by_side: int = 1,
        hidden: bool | None = None,
        every: float | None = None,
    ) -> None:
        self.what, self.unit, self.parts = what, unit, dict(parts)
        self.side_by_side = max(1, side_by_side)
        self.every = EVERY if every is None else every
        self.number: Counter = Counter()
        self.seconds: defaultdict[int, float] = defaultdict(float)
        self.told = time.monotonic()
        # parts end in threads
        self.lock = threading.Lock()
        look = "{desc}: {n_fmt} of {total_fmt} {unit} |{bar}| {elapsed}{postfix}"
        self.bar = tqdm(
            total=sum(self.parts.values()), desc=what, unit=unit, bar_format=look, disable=hidden, leave=False
        )

    def __enter__(self) -> Account:
        return self

    def __exit__(self, *_) -> None:
        self.bar.close()

    def left(self) -> float:
        """Seconds that the parts to come will take, from those that are done; nan where none is."""
        if not self.number:
            return float("nan")
        seconds = 0.0
        for size, n in self.parts.items():
            near = min(self.number, key=lambda s: (abs(s - size), s))
            seconds += (n - self.number[size]) * self.seconds[near] / self.number[near] * size / near
        return seconds / self.side_by_side

    def more(self, n: int, size: int = 1) -> None:
        """There are so many parts of this size more, or, below 0, fewer, than was thought."""
        with self.lock:
            self.parts[size] = self.parts.get(size, 0) + n
            self.bar.total = sum(self.parts.values())

    def done(self, size: int, seconds: float, n: int = 1) -> None:
        """Take down that `n` parts of this size are done, and how many seconds they took."""
        with self.lock:
            first = not self.number
            self.number[size] += n
            self.seconds[size] += seconds
            so_far, total = self.number.total(), sum(self.parts.values())
            left = in_words(self.left())
            self.bar.set_postfix_str(f"about {left} left" if so_far < total else "", refresh=False)
            self.bar.update(n)
            if so_far >= total:
                self.bar.refresh()  # however soon after the last
            now = time.monotonic()
            # the first tells what the whole will cost; a bar that is shown says the rest
            if so_far < total and (first or (self.bar.disable and now - self.told >= self.every)):
                log.info("%s: %s of %s %s, about %s left", self.what, f"{so_far:,}", f"{total:,}", self.unit, left)
                self.told = now


@contextmanager
def part() -> Iterator[None]:
    """What is done here, in this thread, is part of a whole that tells how far it is: its own lines are for those who ask.

    The lines of loggers with the filter `of_a_part` are then shown at the level DEBUG only, warnings always.
    """
    _within.deep = getattr(_within, "deep", 0) + 1
    try:
        yield
    finally:
        _within.deep -= 1


def of_a_part(record: logging.LogRecord) -> bool:
    """Filter of loggers: whether a line is shown, see `part`."""
    if record.levelno > logging.INFO or not getattr(_within, "deep", 0):
        return True
    return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)


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

    def __init__(self) -> None:
        super().__init__()
        self.last = time.monotonic()

    def emit(self, record) -> None:  # noqa: ARG002 - whatever it is
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

    def watch() -> None:
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
