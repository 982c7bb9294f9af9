"""Tables on disk: tab-separated, UTF-8, one float format, written aside and renamed."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from .errors import InputError

#: Spellings of "missing" met in real tables.
MISSING = ["n/a", "N/A", "NA", "", "-9999", "nan", "NaN"]


@contextmanager
def aside(path):
    """Yield a path next to `path`; rename it to `path` only if the block ends well."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{os.getpid()}.part.{path.name}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_table(table: pd.DataFrame, path) -> None:
    """Write a table as TSV with 6 significant digits and ``n/a`` for missing values."""
    with aside(path) as part:
        table.to_csv(part, sep="\t", index=False, na_rep="n/a", float_format="%.6g", lineterminator="\n")


def write_json(value, path) -> None:
    """Write JSON, keys in given order."""
    with aside(path) as part:
        part.write_text(json.dumps(value, indent=1, default=str) + "\n", encoding="utf-8")


def read_table(path, *, needed=(), text=("participant_id", "group", "site", "sex")) -> pd.DataFrame:
    """Read a TSV or CSV written by anyone: BOM, CRLF and the usual spellings of missing are understood.

    Raises
    ------
    InputError
        The file is absent, empty, not a table, or lacks a needed column.
    """
    path = Path(path)
    try:
        raw = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not a UTF-8 text table") from None
    if not raw.strip():
        raise InputError(f"{path} is empty")
    head = raw.splitlines()[0]
    separator = max("\t;,", key=head.count)
    table = pd.read_csv(path, sep=separator, encoding="utf-8-sig", na_values=MISSING, dtype=dict.fromkeys(text, str))
    table.columns = table.columns.str.strip()
    absent = [c for c in needed if c not in table.columns]
    if absent:
        raise InputError(f"{path}: column {', '.join(absent)} is missing; it has {', '.join(table.columns)}")
    return table
