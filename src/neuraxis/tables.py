"""Tables on disk: tab-separated, UTF-8, one float format, written aside and renamed, sealed by a checksum.

Everything is read by one strict parser: a row that is too short or too long, a quote that nothing closes, two columns
of one name or a byte that is no text are refused with file and line, because a table that is read wrongly looks like any
other afterwards.
"""

from __future__ import annotations

import csv
import errno
import functools
import hashlib
import io
import json
import math
import re
import warnings
from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .errors import InputError, NeuraxisWarning, StorageError, counted, name_some
from .storage import REASONS, aside, explain

#: Spellings of "missing" met in real tables.
MISSING = [
    *("n/a", "N/A", "NA", "", "-9999", "nan", "NaN", "-nan", "-NaN", "<NA>", "#N/A", "#NA", "null", "NULL", "None"),
    *("-1.#IND", "1.#QNAN", "-1.#QNAN", "1.#IND", "#N/A N/A"),
]
ABSENT = frozenset(MISSING)
SEPARATORS = "\t;,"
#: Cells of a table that are printed at once.
CELLS_AT_ONCE = 1_000_000
#: How files begin that are often taken for tables.
ARCHIVES = {b"PK\x03\x04": "a workbook (xlsx, ods) or zip archive", b"\x1f\x8b": "packed by gzip"} | {
    b"\xd0\xcf\x11\xe0": "a workbook of old Excel (xls)"
}
#: One way to read every number: two that could share its digits would make a column of n numbers with a word in it a matter
#: of 2^n tries.
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
#: Cells joined by line ends that are all numbers, or all whole numbers: one look at a column instead of one at each cell.
#: Without possessive quantifiers, which match what they should not in Python before 3.11.5; no number holds a line end
#: and every number is read in one way, so that going back ends at once.
NUMBERS, WHOLE = (re.compile(rf"(?:(?:{one})\n)*(?:{one})") for one in (NUMBER.pattern, "[+-]?[0-9]{1,18}"))
INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.I)
#: Decimal commas: the digits are a number, but which one depends on where it was written.
COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?")
#: Characters that nobody sees: controls, marks of writing direction, zero-width blanks. They are taken out of every cell,
#: because two ids that look alike must be alike, and because a mark of direction turns the line that shows it around.
UNSEEN = {
    **dict.fromkeys([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0)]),
    **dict.fromkeys([0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF]),
}
TRUTH = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}


def seal_of(path) -> Path:
    """Where the checksum of a file that this package wrote stands: hidden, beside it."""
    path = Path(path)
    return path.with_name(f".{path.name}.sha256")


def seal(path) -> None:
    """Write the checksum of a finished file beside it."""
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    with aside(seal_of(path)) as part:
        part.write_text(digest + "\n", encoding="ascii")


def check_seal(path, raw: bytes) -> None:
    """Refuse a file that is no longer what this package wrote; files of others have no seal.

    Raises
    ------
    InputError
    """
    try:
        known = seal_of(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return
    if hashlib.sha256(raw).hexdigest() != known:
        raise InputError(
            f"{path} is damaged or was changed after it was written (its checksum differs); delete it and run again"
        )


def write_table(table: pd.DataFrame, path) -> None:
    """Write a table as TSV with 6 significant digits and ``n/a`` for missing values, and its checksum beside it."""
    how: dict = {"sep": "\t", "index": False, "na_rep": "n/a", "float_format": "%.6g", "lineterminator": "\n"}
    with aside(path) as part, open(part, "w", encoding="utf-8", newline="") as handle:
        if not _plain(table):
            table.to_csv(handle, **how)
        else:  # the same bytes in a fraction of the time
            lines = csv.writer(handle, delimiter="\t", lineterminator="\n")
            lines.writerow(table.columns)
            size = max(1, CELLS_AT_ONCE // table.shape[1])
            for i in range(0, len(table), size):
                part_of = table.iloc[i : i + size]
                lines.writerows(zip(*(printed(values) for _, values in part_of.items()), strict=True))
    seal(path)


def _plain(table: pd.DataFrame) -> bool:
    """Whether all columns are of numpy's numbers and truth values, or of objects."""
    kinds = [isinstance(t, np.dtype) and t.kind in "fiubO" for t in table.dtypes]
    return bool(kinds) and all(kinds) and table.columns.nlevels == 1


def printed(values: pd.Series) -> list:
    """Cells of a column as `write_table` writes them: numbers all at once, since one by one takes ten times as long."""
    if values.dtype.kind == "f":
        cells = ("%.6g\n" * len(values) % tuple(values.tolist())).split("\n")[:-1]
    else:
        cells = values.tolist()
    for i in np.flatnonzero(values.isna().to_numpy()):
        cells[i] = "n/a"
    return cells


def write_json(value, path) -> None:
    """Write JSON, keys in given order, and its checksum beside it."""
    with aside(path) as part:
        part.write_text(json.dumps(value, indent=1, default=str) + "\n", encoding="utf-8")
    seal(path)


def read_json(path) -> Any:
    """What a JSON file holds, refused where this package wrote it and it was changed since.

    Raises
    ------
    InputError
        Absent, damaged, or no JSON.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
        check_seal(path, raw)
        return json.loads(raw.decode("utf-8"))
    except InputError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, OSError) and error.errno in REASONS and error.errno != errno.ENOENT:
            raise StorageError(explain(error, path)) from None
        raise InputError(f"{path} cannot be read: {error}") from None


def read_text(path) -> str:
    """Text of a file: UTF-8 with or without byte-order mark, or UTF-16 with one (Excel's "Unicode text").

    Raises
    ------
    InputError
        The file is absent, no text, empty, holds NUL bytes, or is not what this package wrote there.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        if error.errno in REASONS:
            raise StorageError(explain(error, path)) from None
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    check_seal(path, raw)
    for magic, kind in ARCHIVES.items():
        if raw.startswith(magic):
            raise InputError(f"{path} is {kind}, no text table; unpack it or export it as TSV or CSV")
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(f"{path} is not a UTF-8 text table (line {line}); save it as UTF-8") from None
    if "\0" in text:
        raise InputError(
            f"{path}, line {text[: text.index(chr(0))].count(chr(10)) + 1}: a NUL byte; the file is damaged"
        )
    if not text.strip():
        raise InputError(f"{path} is empty")
    if not text.endswith(("\n", "\r")):
        warnings.warn(
            f"{path} does not end with a line end; if it was cut short, its last cell is wrong",
            NeuraxisWarning,
            stacklevel=3,
        )
    return text


@dataclass
class Cells:
    """A table as it stands in its file, every cell text without blanks around it.

    Attributes
    ----------
    path : Path
    header : list of str
    rows : list of list of str
        As long as the header, every one.
    lines : list of int
        Line of the file that a row begins in.
    """

    path: Path
    header: list[str]
    rows: list[list[str]]
    lines: list[int]

    def only(self, name: str) -> Cells:
        """The same table with one of its columns."""
        return Cells(self.path, [name], [[cell] for cell in self.column(name)], self.lines)

    def column(self, name: str) -> list[str]:
        """Cells below a heading."""
        k = self.header.index(name)
        return [row[k] for row in self.rows]

    def typed(self, text: Container[str]) -> dict[str, pd.Series]:
        """All columns, those of `text` as text, the others as whole numbers, numbers, truth values or text."""
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(self.header)
        return {
            name: _as_text(column) if name in text else _typed(column, self._where(name))
            for name, column in zip(self.header, columns, strict=True)
        }

    def _where(self, name: str) -> Callable[[int], str]:
        return lambda i: f"{self.path}, line {self.lines[i]}, column {name}"


class PlainCells(Cells):
    """Cells of a file without quotes, gaps and blanks around cells, in which a line is a row and a separator parts two cells.

    Most tables are such, nearly all wide ones are. Cells become objects of their own only where they are asked for: those of thousands of
    columns of numbers would take ten times the memory of their text.
    """

    def __init__(self, path: Path, header: list[str], body: list[str], separator: str) -> None:
        self.path, self.header, self.body, self.separator = path, header, body, separator
        self.lines = list(range(2, len(body) + 2))

    @functools.cached_property
    def rows(self) -> list[list[str]]:  # type: ignore[override]
        """Cells of all rows."""
        return [line.split(self.separator) for line in self.body]

    def column(self, name: str) -> list[str]:
        """Cells below a heading."""
        k = self.header.index(name)
        return [line.split(self.separator, k + 1)[k] for line in self.body]

    def typed(self, text: Container[str]) -> dict[str, pd.Series]:
        """Columns of finite numbers as pandas reads them, to the same bits; `Cells.typed` says what all others are."""
        others = [k for k, name in enumerate(self.header) if name not in text]
        found = self._read(others, float_precision="round_trip", na_values=MISSING, low_memory=False)
        table = {k: values for k, values in found.items() if _finite_numbers(values)}
        closer = self._read([k for k in range(len(self.header)) if k not in table], dtype=object, na_filter=False)
        for k, cells in closer.items():
            name = self.header[k]
            column = cells.tolist()
            table[k] = _as_text(column) if name in text else _typed(column, self._where(name))
        return {name: table[k] for k, name in enumerate(self.header)}

    def _read(self, columns: list[int], **how) -> dict[int, pd.Series]:
        if not columns:
            return {}
        lines = io.StringIO("\n".join(self.body))
        found = pd.read_csv(
            lines, sep=self.separator, header=None, names=range(len(self.header)), usecols=columns, index_col=False,
            quoting=csv.QUOTE_NONE, keep_default_na=False, skip_blank_lines=False, engine="c", **how,
        )  # fmt: skip
        return dict(found.items())


def _finite_numbers(values: pd.Series) -> bool:
    """Whether a column that pandas read holds finite numbers, whole ones of at most 18 digits, and not missing cells alone."""
    if values.dtype == np.int64:
        return bool((values.abs() < 10**18).all())
    return values.dtype == np.float64 and bool(np.isfinite(values.to_numpy()[~np.isnan(values.to_numpy())]).all())


def _plain_cells(path: Path, text: str, separator: str) -> PlainCells | None:
    """The cells of a text that is plain (see `PlainCells`); None where it has to be looked at cell by cell."""
    text = text.replace("\r\n", "\n")
    if '"' in text or "\r" in text or text.translate(UNSEEN) != text:
        return None
    odd = re.search(rf"[^\S {separator}\n]", text) if not text.isascii() else separator != "\t" and "\t" in text
    edges = (f" {separator}", f"{separator} ", " \n", "\n ")
    if odd or any(edge in text for edge in edges) or text[0] == " " or text[-1] == " ":
        return None
    if "nan" in text.lower() and not ABSENT.issuperset(re.findall(r"[+-]?[nN][aA][nN]", text)):
        return None  # spellings that are missing to pandas alone
    head, *body = text.rstrip("\n").split("\n")
    header = head.split(separator)
    n = len(header) - 1
    if not body or not all(header) or len(set(header)) <= n:
        return None
    if any(line.count(separator) != n or not line.strip(separator) for line in body):
        return None
    return PlainCells(path, header, body, separator)


def _as_text(cells: Iterable[str]) -> pd.Series:
    """Cells as they are written, NaN where they are missing."""
    return pd.Series([np.nan if c in ABSENT else c for c in cells], dtype=object)


def _records(path, text: str, separator: str):
    """Lines and cells of all rows that hold anything."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    seen = text.translate(UNSEEN) == text
    try:
        for row in reader:
            cells = [cell.strip() for cell in row] if seen else [cell.translate(UNSEEN).strip() for cell in row]
            if any(cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        words = "a quote is opened and never closed" if "end of data" in str(error) else str(error)
        raise InputError(f"{path}, line {line}: {words}; the table is damaged there") from None


def read_cells(path) -> Cells:
    """Read a table of any of the usual separators, strictly.

    A separator at the end of every row, with nothing behind it, is not a column.

    Raises
    ------
    InputError
        See `read_text`; rows shorter or longer than the header, open quotes, columns without or of one name.
    """
    path = Path(path)
    text = read_text(path)
    told = re.match(r"\s*sep=[\t;,]\s*?\n", text.replace("\r\n", "\n"))  # what Excel alone is told by
    if told:
        text = "\n" + text.replace("\r\n", "\n")[told.end() :]
        if not text.strip():
            raise InputError(f"{path} is empty")
    head = next(line.rstrip("\n") for line in io.StringIO(text, newline=None) if line.strip())
    try:
        separator = max(SEPARATORS, key=lambda s: len(next(csv.reader([head], delimiter=s))))
    except csv.Error:
        separator = max(SEPARATORS, key=head.count)
    if (plain := _plain_cells(path, text, separator)) is not None:
        return plain
    records = list(_records(path, text, separator))
    if not records:
        raise InputError(f"{path} is empty")
    header = records[0][1]
    rows = records[1:]
    while len(header) > 1 and not header[-1] and all(len(r) < len(header) or not r[-1] for _, r in rows):
        header = header[:-1]
        rows = [(n, r[: len(header)] if len(r) > len(header) and not r[-1] else r) for n, r in rows]
    n = len(header)
    rows = [(line, r[:n] if len(r) > n and not any(r[n:]) else r) for line, r in rows]
    uneven = [(line, len(r)) for line, r in rows if len(r) != n]
    if uneven:
        where = name_some(f"line {line} ({size})" for line, size in uneven)
        why = (
            "; every row has one more than the header: row names without a heading?"
            if len(uneven) == len(rows) > 1 and {size for _, size in uneven} == {n + 1}
            else "; the table is damaged there, or a cell holds the separator"
        )
        raise InputError(f"{path}: the header has {counted(n, 'cell')}, but not {where}{why}")
    for line, r in rows if '"' in text else ():  # without quotes no cell holds a line end
        for k, cell in enumerate(r):
            if "\n" in cell and n > 1:
                first, *_, last = cell.split("\n")
                if first.count(separator) == n - 1 - k and last.count(separator) == k:
                    raise InputError(
                        f"{path}, line {line}: column {header[k] or k + 1} runs over several rows; is a quote left open?"
                    )
    named = [h for h in header if h]
    twice = [h for h, often in Counter(named).items() if often > 1]
    if twice:
        raise InputError(f"{path}: two columns are named {name_some(twice)}; rename or remove one of each")
    nameless = [k for k, h in enumerate(header) if not h and k]
    for k in nameless:
        if any(r[k] for _, r in rows):
            raise InputError(f"{path}: column {k + 1} has values but no name")
    keep = [k for k in range(n) if k not in nameless]
    kept = [r if len(keep) == n else [r[k] for k in keep] for _, r in rows]
    return Cells(path, [header[k] for k in keep], kept, [line for line, _ in rows])


def number(cell: str) -> float | None:
    """The number that a cell holds; NaN where it is missing, None where it is something else or beyond all numbers."""
    if cell in ABSENT:
        return math.nan
    if NUMBER.fullmatch(cell):
        value = float(cell)
        return None if math.isinf(value) else math.nan if value == -9999 else value
    return float(cell) if INFINITE.fullmatch(cell) else None


def as_numbers(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Numbers of a column that may hold text, and which of its cells are neither a number nor missing.

    Returns
    -------
    Series of float
        NaN for cells that are missing or no numbers.
    Series of bool
        True for cells that are no numbers.
    """
    if pd.api.types.is_numeric_dtype(values):
        return values.astype(float), pd.Series(False, index=values.index)
    cells = [None if pd.isna(v) else number(str(v).strip()) for v in values]
    bad = [c is None and not pd.isna(v) for c, v in zip(cells, values, strict=True)]
    numbers = [math.nan if c is None else c for c in cells]
    return pd.Series(numbers, index=values.index, dtype=float), pd.Series(bad, index=values.index, dtype=bool)


def measures_of(values: pd.Series) -> pd.Series:
    """A column of measures, in which truth values are words and not 0 and 1."""
    if values.dtype == bool or (values.dtype == object and values.map(lambda v: isinstance(v, (bool, np.bool_))).any()):
        return values.map(lambda v: str(v) if isinstance(v, (bool, np.bool_)) else v)
    return values.astype(object) if pd.api.types.is_complex_dtype(values) else values


def meant_as_numbers(values: pd.Series) -> bool:
    """Whether a column is one of numbers: most of its cells are, with a decimal point or comma."""
    if pd.api.types.is_numeric_dtype(values):
        return True
    cells = [str(v).strip() for v in values.dropna()]
    cells = [c for c in cells if c not in ABSENT]
    return 2 * sum(number(c) is not None or bool(COMMA.fullmatch(c)) for c in cells) > len(cells)


def bad_cells(values: pd.Series, people) -> str:
    """Name the cells of a column of numbers that are none, with what to do; "" where there are none."""
    _, bad = as_numbers(values)
    if not bad.any():
        return ""
    who = [f"{p} ({v!r})" for p, v in zip(pd.Series(list(people))[bad.to_numpy()], values[bad], strict=True)]
    hint = "; write decimals with a point" if values[bad].astype(str).str.strip().str.fullmatch(COMMA).any() else ""
    return f"{name_some(who)}{hint}"


def _plain_numbers(cells: Sequence[str], there: list[str]) -> pd.Series | None:
    """What `_typed` makes of a column all of whose cells that are there are finite numbers; None where it has to look closer."""
    joined = "\n".join(there)
    if not there or joined.count("\n") != len(there) - 1 or not NUMBERS.fullmatch(joined):
        return None
    whole = len(there) == len(cells) and WHOLE.fullmatch(joined)
    if len(there) == len(cells):  # read by numpy at once, to the same bits
        found = np.fromstring(joined, sep="\n")
    else:
        found = np.array([math.nan if c in ABSENT else float(c) for c in cells])
    if np.isinf(found).any():
        return None
    found[found == -9999] = math.nan
    return pd.Series(map(int, cells), dtype="int64") if whole and not np.isnan(found).any() else pd.Series(found)


def _typed(cells: Sequence[str], where) -> pd.Series:
    """Cells as whole numbers, numbers, truth values or text, whichever all of them are."""
    there = [c for c in cells if c not in ABSENT]
    if there and all(c in TRUTH for c in there):
        values = [TRUTH.get(c, np.nan) for c in cells]
        return pd.Series(values, dtype=bool if len(there) == len(cells) else object)
    if (plain := _plain_numbers(cells, there)) is not None:
        return plain
    found = []
    for k, cell in enumerate(cells):
        value = number(cell)
        if value is None:
            if NUMBER.fullmatch(cell):
                raise InputError(f"{where(k)}: {cell!r} is beyond all numbers")
            return pd.Series([np.nan if c in ABSENT else c for c in cells], dtype=object)
        found.append(value)
    if len(there) == len(cells) and all(re.fullmatch(r"[+-]?[0-9]{1,18}", c) for c in cells) and cells:
        if not any(math.isnan(v) for v in found):
            return pd.Series([int(c) for c in cells], dtype="int64")
    return pd.Series(found, dtype=float)


def read_table(
    path, *, needed=(), text=("participant_id", "session_id", "group", "site", "sex"), cells: Cells | None = None
) -> pd.DataFrame:
    """Read a TSV or CSV written by anyone: BOM, CRLF and the usual spellings of missing are understood.

    Parameters
    ----------
    path : path
    needed : sequence of str
        Columns that must be there; a column that differs from one only by capitals is taken for it.
    text : sequence of str
        Columns that stay text, whatever they look like.
    cells : Cells, optional
        What `read_cells` made of the file, where that was needed before.

    Returns
    -------
    DataFrame

    Raises
    ------
    InputError
        See `read_cells`; a needed column is absent, a number is beyond all numbers.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = f"{folder}/measures.csv"
    ...     _ = open(file, "w").write("participant_id;thalamus\\n007;14000\\n008;n/a\\n")
    ...     read_table(file, needed=["participant_id"])
      participant_id  thalamus
    0            007   14000.0
    1            008       NaN
    """
    cells = cells or read_cells(path)
    table = pd.DataFrame(cells.typed(text))
    alike: dict[str, list] = {}
    for name in table.columns:
        alike.setdefault(name.lower(), []).append(name)
    other = {alike[c.lower()][0]: c for c in needed if c not in table and len(alike.get(c.lower(), ())) == 1}
    if other:
        table = table.rename(columns=other)
        for c in set(other.values()) & set(text):
            original = next(k for k, v in other.items() if v == c)
            table[c] = _as_text(cells.column(original))
    absent = [c for c in needed if c not in table.columns]
    if absent:
        raise InputError(f"{path}: column {', '.join(absent)} is missing; it has {', '.join(table.columns)}")
    return table
