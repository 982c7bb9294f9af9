"""Exceptions and warnings of the project: what is wrong, where, for whom, and what to do."""


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
