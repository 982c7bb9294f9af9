"""Exceptions and warnings of the project: what is wrong, where, for whom, and what to do."""

import math
from numbers import Integral, Real


class NeuraxisError(Exception):
    """Base class of every error this package raises on purpose."""


class ConfigError(NeuraxisError):
    """The configuration asks for something impossible or misspelt."""


class InputError(NeuraxisError):
    """A file, table or array handed in cannot be used as it is."""


class ModelError(NeuraxisError):
    """A model cannot be fitted, loaded or applied."""


class StorageError(NeuraxisError):
    """A file cannot be written or read: the disk is full, a quota used up, rights are missing."""


class NeuraxisWarning(UserWarning):
    """Something the reader of the results should know; also shown in the report."""


def check_whole(name: str, value, least: int | None = None) -> None:
    """Refuse what is no whole number, or a smaller one than makes sense, by the setting's name.

    Parameters
    ----------
    name : str
        As the caller wrote it.
    value : object
    least : int, optional

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_whole("n_samples", 100, 0)
    >>> check_whole("n_samples", "many", 0)
    Traceback (most recent call last):
    neuraxis.errors.InputError: n_samples must be a whole number of at least 0, not 'many'
    """
    if isinstance(value, Integral) and not isinstance(value, bool) and (least is None or int(value) >= least):
        return
    raise InputError(f"{name} must be a whole number{'' if least is None else f' of at least {least}'}, not {value!r}")


def check_number(name: str, value, least: float | None = None) -> None:
    """Refuse what is no finite number, or a smaller one than makes sense, by the setting's name.

    Parameters
    ----------
    name : str
        As the caller wrote it.
    value : object
    least : float, optional

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_number("warm_up", 0.2, 0)
    >>> check_number("warm_up", None, 0)
    Traceback (most recent call last):
    neuraxis.errors.InputError: warm_up must be a number of at least 0, not None
    """
    # numpy's floats are Real, its truths are not, Python's are
    if isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value):
        if least is None or float(value) >= least:
            return
    raise InputError(f"{name} must be a number{'' if least is None else f' of at least {least:g}'}, not {value!r}")


def name_some(items, most: int = 8) -> str:
    """Write a list into a message without flooding it.

    Parameters
    ----------
    items : iterable
        What to name.
    most : int
        How many names to write out before counting the rest.

    Returns
    -------
    str
    """
    items = [str(i) for i in items]
    head = ", ".join(items[:most])
    return head if len(items) <= most else f"{head} and {len(items) - most} more"


def counted(n, one: str, many: str = "", spec: str = "") -> str:
    """A number and what it counts, in the number that agrees with it.

    Parameters
    ----------
    n : int
    one : str
        What one of them is called, with a verb where one follows.
    many : str
        What several, or none, are called; where it is left out, `one` with an s, or people for a person.
    spec : str
        How the number is written, such as "," for a comma after the thousands.

    Returns
    -------
    str

    Examples
    --------
    >>> counted(1, "control"), counted(2, "control"), counted(0, "healthy person"), counted(1234, "person", spec=",")
    ('1 control', '2 controls', '0 healthy people', '1,234 people')
    >>> counted(1, "person is", "people are"), counted(3, "person is", "people are")
    ('1 person is', '3 people are')
    """
    several = many or (one.removesuffix("person") + "people" if one.split()[-1] == "person" else f"{one}s")
    return f"{n:{spec}} {one if n == 1 else several}"


def agreeing(n, one: str, many: str) -> str:
    """The words that agree with a number which stands elsewhere in the sentence.

    Parameters
    ----------
    n : int
    one, many : str
        Words of one, and of several or none.

    Returns
    -------
    str

    Examples
    --------
    >>> [f"{n} of {counted(3, 'file')} {agreeing(n, 'is', 'are')} there" for n in (0, 1, 2)]
    ['0 of 3 files are there', '1 of 3 files is there', '2 of 3 files are there']
    """
    return one if n == 1 else many
