"""Every table of a study: what a row is, columns with their types, units and meaning, key, missing values.

`TABLES` holds them by the names of docs/results.md; `read` and `write` check and convert, so that truth values are truth
values, ids stay text and nobody marks simulated people by hand. docs/dictionary.md is made from it (`python -m
neuraxis.schema > docs/dictionary.md`).

A declaration has one line a column: name, kind, unit, meaning. Kinds are text, whole (number), number, truth and any;
a ``?`` says that a cell may be missing. ``<k>`` in a name stands for a number, a name that is all ``<...>`` for any name
that no other line has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from .errors import InputError, name_some
from .tables import as_numbers, read_cells, read_table, write_table

ORIGIN = "origin"
KINDS = ("text", "whole", "number", "truth", "any")
TRUE, FALSE = ("True", "true", "TRUE", "1", "1.0"), ("False", "false", "FALSE", "0", "0.0")


@dataclass(frozen=True)
class Column:
    """One column, or all whose names fit a pattern.

    Attributes
    ----------
    name : str
    kind : {"text", "whole", "number", "truth", "any"}
    missing : bool
        May a cell be missing?
    unit, meaning : str
    """

    name: str
    kind: str
    missing: bool
    unit: str
    meaning: str

    @property
    def many(self) -> bool:
        """Whether it stands for several columns, or for none."""
        return "<" in self.name

    @property
    def rest(self) -> bool:
        """Whether it stands for every column that has no other declaration."""
        return bool(re.fullmatch(r"<[^>]*>", self.name))

    def fits(self, name: str) -> bool:
        """Whether a column of this name is this one."""
        if self.rest:
            return True
        return bool(re.fullmatch(re.sub(r"<[^>]*>", "[0-9]+", self.name), name))


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes
    ----------
    path : str
        Below results/; D stands for a disease, V for a variant of the model, B for a batch of people.
    row : str
        What a row is.
    columns : tuple of Column
        In the order of the file; more may follow only where one of them stands for the rest.
    key : tuple of str
        Columns that together are different in every row.
    marked : bool
        Where people are simulated every row says so (column origin).
    always : bool
        Whether every study has it.
    intervals : tuple of (str, str, str)
        Columns estimate, low, high.
    """

    path: str
    row: str
    columns: tuple
    key: tuple = ()
    marked: bool = True
    always: bool = True
    intervals: tuple = ()

    @cached_property
    def pattern(self) -> re.Pattern:
        """Of the paths below results/."""
        parts = [
            {"D": r"(?P<disease>[^/]+)", "V": r"(?P<variant>[^/]+)"}.get(p, re.escape(p)).replace(
                "B_", r"(?P<batch>[^/_]+)_"
            )
            for p in self.path.split("/")
        ]
        return re.compile("/".join(parts))

    def column(self, name: str) -> Column | None:
        """Declaration of a column; None where there is none."""
        exact = [c for c in self.columns if c.fits(name) and not c.rest]
        return next(iter(exact or [c for c in self.columns if c.rest]), None)

    def check(self, frame: pd.DataFrame, where="") -> list[str]:
        """What is wrong with a table that has been converted, in words; nothing where it is as declared."""
        at = f"{where or self.path}: "
        own = [c for c in frame.columns if not (c == ORIGIN and self.marked)]
        problems = []
        absent = [c.name for c in self.columns if not c.many and c.name not in own]
        if absent:
            problems.append(f"{at}column {name_some(absent)} is missing")
        unknown = [c for c in own if self.column(c) is None]
        if unknown:
            problems.append(f"{at}column {name_some(unknown)} is not declared")
        for name in own:
            column = self.column(name)
            if column is None:
                continue
            gaps = frame[name].isna()
            if gaps.any() and not column.missing:
                problems.append(f"{at}column {name} has no value in {self.rows(frame, gaps)}")
            if not _is_kind(frame[name], column.kind):
                problems.append(f"{at}column {name} holds {frame[name].dtype}, not {column.kind}")
        if self.key and not set(self.key) - set(own):
            twice = frame.duplicated(list(self.key))
            if twice.any():
                problems.append(f"{at}{self.rows(frame, twice)} comes twice")
        return problems

    def rows(self, frame: pd.DataFrame, which: pd.Series) -> str:
        """Name some rows by their key, or by their number."""
        keys = [k for k in self.key if k in frame]
        numbers = np.flatnonzero(which)
        words = [f" ({', '.join(map(str, r))})" for r in frame.iloc[numbers][keys].to_numpy(object)] if keys else []
        names = [f"row {i + 1}{word}" for i, word in zip(numbers, words or [""] * len(numbers), strict=True)]
        return name_some(names)

    def convert(self, frame: pd.DataFrame, where="") -> pd.DataFrame:
        """The table with every declared column of its kind, in the declared order.

        Raises
        ------
        InputError
            Cells that are not of the column's kind, with their rows; all problems of `check`.
        """
        out, problems = {}, []
        for name in self.ordered(frame.columns):
            column = self.column(name)
            kind = "text" if name == ORIGIN and self.marked else column.kind if column else "any"
            values, bad = _converted(frame[name], kind)
            if bad.any():
                cells = name_some(f"{v!r}" for v in frame.loc[bad.to_numpy(), name].head(3))
                problems.append(f"{where or self.path}: column {name}: {cells} in {self.rows(frame, bad)} is no {kind}")
            out[name] = values
        made = pd.DataFrame(out, index=frame.index)
        problems += self.check(made, where) if not problems else []
        if problems:
            raise InputError("\n".join(problems))
        return made

    def ordered(self, names) -> list[str]:
        """Column names as declared; patterns and what stands for the rest where their line is, in the given order."""
        names, out = list(names), []
        for c in self.columns:
            mine = [c.name] if c.name in names else [n for n in names if c.many and self.column(n) is c]
            out += [n for n in mine if n not in out and not (n == ORIGIN and self.marked)]
        return out + [n for n in names if n not in out]


def _is_kind(values: pd.Series, kind: str) -> bool:
    if values.isna().all() or kind == "any":
        return True
    if kind == "truth":
        return pd.api.types.is_bool_dtype(values)
    if kind == "whole":
        return pd.api.types.is_integer_dtype(values)
    if kind == "number":
        return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    return not pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _converted(values: pd.Series, kind: str) -> tuple[pd.Series, pd.Series]:
    """A column of its kind, and which of its cells are not."""
    good = pd.Series(False, index=values.index)
    if kind == "any":
        return values, good
    gaps = values.isna()
    if kind == "text":
        numbers = pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all()
        text = values.astype("Int64").astype(object) if numbers and not gaps.all() else values.astype(object)
        return text.where(gaps, text.map(str, na_action="ignore")).where(~gaps, None), good
    if kind == "truth":
        words = values.astype(object).map(str, na_action="ignore")
        made = words.isin(TRUE)
        return made.astype("boolean").mask(gaps) if gaps.any() else made, ~words.isin([*TRUE, *FALSE]) & ~gaps
    numbers, bad = as_numbers(values.astype(float) if pd.api.types.is_bool_dtype(values) else values)
    if kind == "whole":
        bad = bad | (numbers.notna() & (numbers % 1 != 0))
        whole = numbers.where(~bad)
        return (whole.astype("Int64") if whole.isna().any() else whole.astype("int64")), bad
    return numbers, bad


def table_of(path) -> Table | None:
    """The table that a file below results/ is; None for files that are none."""
    path = Path(path).as_posix().rpartition("results/")[2]
    return next((t for t in TABLES.values() if t.pattern.fullmatch(path)), None)


def read(table: Table | str, path) -> pd.DataFrame:
    """Read a table of a study: truth values as truth values, ids as text, whole numbers as such.

    Raises
    ------
    InputError
        See `tables.read_cells`; a column that is absent or not declared, a cell of another kind, a key that comes twice.

    Examples
    --------
    >>> TABLES["sustain/D/folds.tsv"].key
    ('participant_id',)
    """
    table = TABLES[table] if isinstance(table, str) else table
    cells = read_cells(path)
    # ids and names stay as they are written, 007 included
    text = [c for c in cells.header if (d := table.column(c)) is not None and d.kind == "text"]
    frame = read_table(path, text=(*text, ORIGIN) if table.marked else text, cells=cells)
    if frame.empty:  # of nobody and nothing: columns that were not made are empty too
        for column in table.columns:
            if not column.many and column.name not in frame:
                frame[column.name] = pd.Series(dtype=object)
    return table.convert(frame, path)


def load(path) -> pd.DataFrame:
    """Read a table where it lies in a study: `read` by its declaration, as `save` writes it.

    Raises
    ------
    InputError
        No table of that name is declared; see `read`.
    """
    table = table_of(path)
    if table is None:
        raise InputError(f"{path}: no table of a study is called so")
    return read(table, path)


def write(table: Table | str, frame: pd.DataFrame, path, *, origin: str | None = None) -> None:
    """Check a table, mark it, and write it in its declared order.

    Parameters
    ----------
    origin : str, optional
        Where people are simulated, the word that says so in every row.

    Raises
    ------
    InputError
        The table is not as declared; nothing is written.
    """
    table = TABLES[table] if isinstance(table, str) else table
    made = table.convert(frame, path)
    if table.marked and origin is not None:
        made[ORIGIN] = origin
    write_table(made, path)


#: What this process's study marks its people with; None where they are real. `job.start` sets it from the configuration.
_origin: str | None = None


def mark_simulated(yes: bool) -> None:
    """Say once, for a whole job, whether the study's people are simulated: `save` then marks every table that has to be."""
    global _origin
    _origin = "SIMULATED" if yes else None


def save(frame: pd.DataFrame, path) -> None:
    """Write a table where a study's table of that name lies: `write` by its declaration, marked as `mark_simulated` says.

    Parameters
    ----------
    path : str
        In results/. What has no declaration is written as it is; so is a table of nobody, whose columns may not have been
        made.

    Raises
    ------
    InputError
        The table is not as declared; nothing is written.
    """
    table = table_of(path)
    if table is None or frame.empty:
        write_table(frame.assign(**{ORIGIN: _origin}) if table and table.marked and _origin else frame, path)
    else:
        write(table, frame, path, origin=_origin)


def _table(path, row, text, *, key="", **more) -> Table:
    columns = []
    for line in text.strip().splitlines():
        name, kind, unit, meaning = (part.strip() for part in line.split("|"))
        if kind.rstrip("?") not in KINDS:
            raise ValueError(f"{path}: {kind} of {name} is no kind")
        columns.append(Column(name, kind.rstrip("?"), kind.endswith("?"), unit, meaning))
    return Table(path, row, tuple(columns), tuple(key.split()), **more)


_CONVERGENCE = """
quantity | text    | | log_likelihood, fraction, healthy, place, noise_sd
subtype  | whole   | | 0: of the whole model
event    | text?   | | of a place
mean     | number  | as the quantity | over draws
sd       | number  | as the quantity | over draws
ess      | number? | | bulk effective sample size
r_hat    | number? | | rank-normalised split R-hat
"""
_FLOW = """
step     | text  | | where people were counted
group    | text? | | disease or controls
n        | whole | people | left after the step
excluded | whole | people | lost in it
who      | text? | | ids of the excluded
"""
_MEASURES = """
etiv        | number? | mm3 | estimated total intracranial volume
<biomarker> | number? | mm3, cord mm2 | one column per biomarker
"""
_INPUTS = """
participant_id | text | | person
session_id     | text | | scan
file           | text | | path
sha256         | text | | checksum
"""
_FAILURES = """
participant_id | text | | person
session_id     | text | | scan
problem        | text | | why, in words
"""
_CHECKS = """
rule     | text  | | what must hold
problems | whole | | rows that break it; a study with any has no report
"""
_SELECTION = """
model          | text    | | in words
n_subtypes     | whole   | | 0: everyone healthy; -1: one multivariate normal
cvic           | number  | | -2 times the held-out log-likelihood
cvic_se        | number  | | its standard error over people
heldout_loglik | number  | nats | sum over people of the held-out log predictive density
delta_cvic     | number? | | against one subtype fewer
delta_se       | number? | | its standard error, paired
gap_cvic       | number  | | against the best number of subtypes
gap_se         | number  | | its standard error, paired
chosen         | truth   | | the number of subtypes that the study takes
reason         | text?   | | why, in words, in the chosen row
"""
_HELDOUT = """
participant_id | text    | | person
fold           | whole   | | the fold whose model has not seen the person
gaussian       | number? | nats | log density of one multivariate normal of the other folds
k<k>           | number  | nats | log predictive density with so many subtypes
"""
_HELDOUT_FOLDS = """
fold     | whole   | | fold
n_people | whole   | people | in it
gaussian | number? | nats | sums of heldout.tsv
k<k>     | number  | nats | sums of heldout.tsv
"""


def _label(prefix="", words="") -> str:
    return f"""
{prefix}subtype               | whole  | | most probable subtype, given that the person is staged{words}
{prefix}p_subtype<k>          | number | | probability of a subtype given staged; they sum to 1{words}
{prefix}p_staged_subtype<k>   | number | | probability of being staged in it; with p_healthy they sum to 1{words}
{prefix}p_healthy             | number | | probability of the healthy component{words}
{prefix}stage                 | whole  | | most probable stage; 0: normal-appearing{words}
{prefix}stage_low             | whole  | | lower end of its 95 % interval{words}
{prefix}stage_high            | whole  | | upper end of its 95 % interval{words}
{prefix}expected_stage        | number | | mean of the stage over its posterior{words}
{prefix}p_stage0              | number | | the same as p_healthy{words}
{prefix}normal_appearing      | truth  | | p_healthy is at least 1/2{words}
{prefix}confident             | truth  | | the most probable subtype has at least 1/2{words}
"""


_CURVES = """
outcome  | text    | | outcome
group    | text    | | subtype, third of stage, or treatment
years    | number  | years | since baseline
survival | number  | | Kaplan-Meier estimate
low      | number? | | 95 % interval
high     | number? | | 95 % interval
at_risk  | whole   | people | still watched
n_events | whole   | | so far
split    | text    | | what people are divided by
"""
_LOGRANK = """
outcome    | text    | | outcome
split      | text    | | what people are divided by
n          | whole   | people | compared
n_events   | whole   | | among them
groups     | text?   | | compared
statistic  | number? | | chi-square
df         | whole   | | its degrees of freedom
p          | number? | | of the log-rank test
n_smallest | whole   | people | in the smallest group tested
reason     | text?   | | why there is no test
"""
_TABLE1 = """
variable    | text    | | variable and what is shown of it
level       | text?   | | category
missing     | number? | people | without a value
all         | any?    | | everyone
<group>     | any?    | | one column per group
largest_smd | number? | | largest standardised mean difference between two groups
"""

TABLES = {
    t.path: t
    for t in (
        _table(
            "cohort/participants.tsv",
            "a person who takes part",
            """
            participant_id | text    | | person
            group          | text    | | disease or controls
            site           | text?   | | scanner or centre
            age            | number  | years | at the first scan
            sex            | text    | | M or F
            <column>       | any?    | as given | clinical columns as given, phenotype tables joined
            """,
            key="participant_id",
        ),
        _table(
            "cohort/sessions.tsv",
            "a later scan",
            """
            participant_id | text   | | person
            session_id     | text   | | scan
            years          | number | years | since the first scan
            <column>       | any?   | as given | more columns as given
            """,
            key="participant_id session_id",
        ),
        _table(
            "cohort/visits.tsv",
            "a clinical visit",
            """
            participant_id | text    | | person
            years          | number? | years | since baseline
            <column>       | any?    | as given | edss, and more as given
            """,
        ),
        _table(
            "cohort/relapses.tsv",
            "a relapse after baseline",
            """
            participant_id | text    | | person
            years          | number? | years | since baseline
            <column>       | any?    | as given | more columns as given
            """,
        ),
        _table(
            "cohort/ids.tsv",
            "a table that was joined",
            """
            table     | text  | | key of the configuration
            file      | text  | | its path
            ids       | whole | | different ids in it
            matched   | whole | | with a participant
            people    | whole | people | with a row
            unmatched | text? | | ids without a participant
            """,
            marked=False,
        ),
        _table("cohort/flow.tsv", "a step and a group", _FLOW, marked=False),
        _table(
            "cohort/simulated/SIMULATED_participants.tsv",
            "a person who was drawn",
            """
            participant_id | text    | | person
            group          | text    | | disease or controls
            site           | text    | | scanner
            age            | number  | years | at the first scan
            sex            | text    | | M or F
            <column>       | any?    | | clinical columns
            """,
            key="participant_id",
            always=False,
        ),
        _table(
            "cohort/simulated/SIMULATED_measures.tsv",
            "a scan to be written as images",
            """
            participant_id | text | | person
            session_id     | text | | scan
            <biomarker>    | number | mm3, cord mm2 | one column per biomarker
            etiv           | number | mm3 | head size
            etiv_measured  | number | mm3 | head size that a registration reports
            """,
            key="participant_id session_id",
            always=False,
        ),
        _table(
            "cohort/simulated/SIMULATED_etiv.tsv",
            "a scan",
            """
            participant_id | text | | person
            session_id     | text | | scan
            etiv           | number | mm3 | head size that a registration reports
            """,
            key="participant_id session_id",
            always=False,
        ),
        _table(
            "cohort/simulated/SIMULATED_truth.tsv",
            "a scan, for evaluation alone",
            """
            participant_id | text  | | person
            session_id     | text  | | scan
            group          | text  | | disease or controls
            subtype        | text  | | that was planted; HC: healthy
            stage          | whole | | that was planted
            """,
            key="participant_id session_id",
            always=False,
        ),
        _table(
            "cohort/simulated/SIMULATED_sessions.tsv",
            "a later scan",
            """
            participant_id | text   | | person
            session_id     | text   | | scan
            years          | number | years | since the first scan
            """,
            key="participant_id session_id",
            always=False,
        ),
        _table(
            "cohort/simulated/SIMULATED_visits.tsv",
            "a clinical visit",
            """
            participant_id | text   | | person
            years          | number | years | since baseline
            edss           | number | points | EDSS
            """,
            always=False,
        ),
        _table(
            "cohort/simulated/SIMULATED_relapses.tsv",
            "a relapse after baseline",
            """
            participant_id | text   | | person
            years          | number | years | since baseline
            """,
            always=False,
        ),
        _table("features/flow.tsv", "a step and a group", _FLOW, marked=False),
        _table(
            "features/measures.tsv",
            "a person's baseline scan",
            "participant_id | text | | person" + _MEASURES,
            key="participant_id",
        ),
        _table(
            "features/followup.tsv",
            "a later scan",
            """
            participant_id | text   | | person
            session_id     | text   | | scan
            years          | number | years | since the first scan
            """.rstrip()
            + _MEASURES,
            key="participant_id session_id",
        ),
        _table(
            "features/qc.tsv",
            "a person who breaks a quality rule",
            """
            participant_id | text  | | person
            rule           | text  | | rule
            biomarker      | text? | | measure
            value          | any?  | as the measure | value
            limits         | text? | | what it was held against
            decision       | text  | | flagged or excluded
            """,
        ),
        _table("features/inputs.tsv", "a file that was measured", _INPUTS, key="participant_id session_id file"),
        _table("features/failures.tsv", "a scan that could not be measured", _FAILURES),
        _table(
            "features/batches/B_measures.tsv",
            "a scan of a batch of people",
            """
            participant_id | text | | person
            session_id     | text | | scan
            """.rstrip()
            + _MEASURES.replace("one column per biomarker", "one column per biomarker, asymmetry and mark of quality"),
            key="participant_id session_id",
            always=False,
        ),
        _table(
            "features/batches/B_inputs.tsv",
            "a file that was measured",
            _INPUTS,
            key="participant_id session_id file",
            always=False,
        ),
        _table(
            "features/batches/B_failures.tsv", "a scan that could not be measured in its batch", _FAILURES, always=False
        ),
        _table(
            "normative/zscores.tsv",
            "a person's baseline scan",
            """
            participant_id | text    | | person
            group          | text    | | disease or controls
            <biomarker>    | number? | z | positive: abnormal; controls by norms that did not see them
            """,
            key="participant_id",
        ),
        _table(
            "normative/values.tsv",
            "a person's baseline scan, as the models see it",
            """
            participant_id | text    | | person
            group          | text    | | disease or controls
            <biomarker>    | number? | z | as in zscores.tsv; ordinal biomarkers: the score itself
            """,
            key="participant_id",
        ),
        _table(
            "normative/followup.tsv",
            "a later scan",
            """
            participant_id | text    | | person
            session_id     | text    | | scan
            years          | number  | years | since the first scan
            <biomarker>    | number? | z | by the norms of the baseline controls at the age of the scan
            """,
            key="participant_id session_id",
        ),
        _table(
            "normative/covariance.tsv",
            "a pair of biomarkers, each pair once",
            """
            biomarker        | text   | | one
            other            | text   | | the other, or the same
            n                | whole  | people | controls with both
            covariance       | number | z2 | of the controls' out-of-sample z, shrunk
            correlation      | number | | shrunk
            n_controls       | whole  | people | controls
            shrinkage        | number | | towards the diagonal
            condition_number | number | | of the whole matrix
            """,
            key="biomarker other",
            marked=False,
        ),
        _table(
            "normative/diagnostics.tsv",
            "a check of the controls' out-of-sample z",
            """
            biomarker     | text    | | biomarker
            check         | text    | | all, site, sex, age band, association, normality
            part          | text    | | people or covariate
            harmonisation | text    | | before or after the site term
            n             | whole   | people | judged
            mean          | number? | z | (of normality: skewness)
            sd            | number? | z | (of normality: excess kurtosis)
            statistic     | number? | | share of variance that the covariate explains
            p             | number? | | of the covariate
            passed        | truth   | | as it should be
            why           | text?   | | what is not
            """,
            key="biomarker check part harmonisation",
            marked=False,
        ),
        _table(
            "normative/dropped.tsv",
            "a person left out",
            """
            participant_id | text  | | person
            group          | text? | | disease or controls
            missing        | text? | | measures that are missing
            """,
            key="participant_id",
        ),
        _table(
            "sustain/D/sizes.tsv",
            "a number of people",
            """
            quantity | text  | | people, folds, smallest training set, needed there
            value    | whole | | number
            """,
            key="quantity",
            marked=False,
        ),
        _table(
            "sustain/D/thresholds.tsv",
            "a candidate threshold",
            """
            biomarker | text   | | biomarker
            family    | text   | | how the model takes it: zscore, mixture, mixture_kde, ordinal
            threshold | number | z | candidate; of an ordinal biomarker the score, of a mixture 1
            n_people  | whole  | people | who reach it; of a mixture those for whom abnormal is the more probable
            kept      | truth  | | is it an event?
            """,
            key="biomarker threshold",
            marked=False,
        ),
        _table(
            "sustain/D/folds.tsv",
            "a person",
            """
            participant_id | text  | | person
            fold           | whole | | the fold whose model does not see the person
            """,
            key="participant_id",
        ),
        _table("sustain/D/heldout.tsv", "a person", _HELDOUT, key="participant_id"),
        _table("sustain/D/heldout_folds.tsv", "a fold", _HELDOUT_FOLDS, key="fold", marked=False),
        _table("sustain/D/selection.tsv", "a model", _SELECTION, key="n_subtypes", marked=False),
        _table("sustain/D/variants/V/heldout.tsv", "a person", _HELDOUT, key="participant_id", always=False),
        _table(
            "sustain/D/variants/V/heldout_folds.tsv", "a fold", _HELDOUT_FOLDS, key="fold", marked=False, always=False
        ),
        _table(
            "sustain/D/variants/V/selection.tsv", "a model", _SELECTION, key="n_subtypes", marked=False, always=False
        ),
        _table(
            "sustain/D/variants.tsv",
            "a model of a variant",
            """
            variant        | text   | | stage prior - noise
            n_subtypes     | whole  | | 0: everyone healthy
            heldout_loglik | number | nats | sum over people
            cvic           | number | | -2 times that
            cvic_se        | number | | its standard error
            gap_cvic       | number | | against the variant's best
            gap_se         | number | | its standard error, paired
            chosen         | truth  | | by the rule
            reason         | text?  | | why
            """,
            key="variant n_subtypes",
            marked=False,
            always=False,
        ),
        _table(
            "sustain/D/negative_control.tsv",
            "a model of healthy people",
            "variant | text? | | stage prior - noise"
            + re.sub(r"(\| (?:whole|number|truth|text)) ", r"\1? ", _SELECTION.replace("?", " "))
            + """n_people | whole? | people | modelled
            n_rest   | whole? | people | behind the covariance
            note     | text?  | | what was done where controls were too few
            """,
        ),
        _table(
            "sustain/D/names.tsv",
            "a subtype",
            """
            subtype      | whole  | | number
            name         | text   | | name
            system       | text   | | what it is named after
            fraction     | number | | of the model's people
            n_staged_oof | whole  | people | staged in it out of fold
            rule         | text   | | how subtypes are named
            """,
            key="subtype",
            marked=False,
        ),
        _table(
            "sustain/D/subtypes.tsv",
            "a person",
            "participant_id | text | | person"
            + _label()
            + _label("oof_", ", by the model that has not seen the person").lstrip()
            + """label_stability | number | | share of fold models with the label of everyone's
            above_controls  | truth  | | expected stage above that of 95 % of the controls
            """,
            key="participant_id",
        ),
        _table(
            "sustain/D/label_draws.tsv",
            "a draw of a person's label",
            """
            participant_id | text  | | person
            draw           | whole | | number of the draw
            subtype        | whole | | 0: drawn stage 0
            stage          | whole | | drawn from the out-of-fold posterior
            """,
            key="participant_id draw",
        ),
        _table(
            "sustain/D/followup.tsv",
            "a later scan, by the model that has not seen the person",
            """
            participant_id | text   | | person
            session_id     | text   | | scan
            years          | number | years | since the first scan
            """.rstrip()
            + re.sub(r"(\| (?:whole|number|truth)) ", r"\1? ", _label()),
            key="participant_id session_id",
        ),
        _table(
            "sustain/D/event_order.tsv",
            "an event of a subtype",
            """
            subtype       | whole  | | number
            biomarker     | text   | | biomarker
            threshold     | number | z | event
            mean_position | number | | posterior mean of its place, from 1
            sd_position   | number | | posterior SD
            """,
            key="subtype biomarker threshold",
            marked=False,
        ),
        _table(
            "sustain/D/positional_variance.tsv",
            "an event of a subtype",
            """
            models    | text   | | everyone's, or the folds' averaged
            subtype   | whole  | | number
            biomarker | text   | | biomarker
            family    | text   | | zscore, mixture or ordinal
            threshold | number | z | event; of an ordinal biomarker the score, of a mixture 1
            place<k>  | number | | probability of the place
            """,
            key="models subtype biomarker threshold",
            marked=False,
        ),
        _table(
            "sustain/D/progression.tsv",
            "a biomarker at a stage of a subtype",
            """
            subtype   | whole  | | number
            stage     | whole  | | stage
            biomarker | text   | | biomarker
            family    | text   | | zscore, mixture or ordinal
            z         | number | z | expected; of a mixture or an ordinal biomarker the expected level, 0: normal
            """,
            key="subtype stage biomarker",
            marked=False,
        ),
        _table(
            "sustain/D/diagnostics.tsv",
            "a quantity of the chains",
            _CONVERGENCE,
            key="quantity subtype event",
            marked=False,
        ),
        _table(
            "sustain/D/stability.tsv",
            "a subtype of a fold's model",
            """
            repeat     | whole   | | division into folds
            fold       | whole   | | fold
            subtype    | whole   | | number in everyone's model
            tau        | number? | | Kendall's, with the order of everyone's model
            tau_chance | number? | | of two random orders; none of a single event
            """,
            key="repeat fold subtype",
            marked=False,
        ),
        _table(
            "sustain/D/sites.tsv",
            "a subtype of the model fitted without a site",
            """
            site                | text    | | left out
            subtype             | whole?  | | number in everyone's model
            n_left_out          | whole   | people | of the site
            n_fitted            | whole   | people | of all others
            tau                 | number? | | Kendall's, with the order of everyone's model
            tau_chance          | number? | | of two random orders
            same_label          | number? | | share of the fitted with the subtype (or normal-appearing) of everyone's model
            same_label_left_out | number? | | the same of those left out
            reason              | text?   | | why it was not fitted
            """,
            key="site subtype",
            always=False,
        ),
        _table(
            "sustain/D/site_labels.tsv",
            "a person under the model fitted without a site",
            """
            participant_id | text  | | person
            without        | text  | | site that was left out
            left_out       | truth | | the person is of that site
            """.rstrip()
            + _label(),
            key="participant_id without",
            always=False,
        ),
        _table(
            "sustain/D/starts.tsv",
            "a start of the search",
            """
            n_subtypes              | whole   | | of the model
            start                   | whole   | | number
            origin                  | text    | | split of the model with one fewer, or random
            n_people                | whole   | | on whom starts were explored and shaken: everyone, or a part of very many
            log_likelihood          | number  | nats | climbed, of those people
            shaken_log_likelihood   | number? | nats | after shaking, of those people
            polished_log_likelihood | number? | nats | after polishing, of everyone
            label_disagreement      | number? | | share of people labelled otherwise than by the best
            """,
            marked=False,
        ),
        _table(
            "sustain/D/controls.tsv",
            "a quantity of the controls under the patients' model",
            """
            quantity | text   | | in words
            value    | number | | number
            """,
            key="quantity",
            marked=False,
        ),
        _table(
            "sustain/D/baselines.tsv",
            "a simple score",
            """
            baseline         | text    | | mean z, cord z, k-means
            compared_with    | text    | | stage or subtype
            people           | text    | | everyone or staged
            n                | whole   | people | compared
            measure          | text    | | Spearman correlation, adjusted Rand index
            value            | number? | | score with the model
            with_truth       | number? | | score with the simulated truth
            model_with_truth | number? | | model with the simulated truth
            """,
            marked=False,
        ),
        _table(
            "sustain/D/recovery.tsv",
            "a quantity of the simulated truth",
            """
            quantity      | text    | | in words
            n             | whole   | people | compared
            in_sample     | number? | | by the model of everyone
            out_of_fold   | number? | | by models that have not seen the person
            best_possible | number? | | by the true model
            truth         | number? | | as simulated
            published     | number? | | as the study published
            """,
            key="quantity",
            marked=False,
        ),
        _table(
            "sustain/D/calibration.tsv",
            "a class of people whose truth is simulated",
            """
            labels   | text    | | in sample or out of fold
            quantity | text    | | what was stated, in words
            class    | text    | | of the stated probability, of people, or of the stage
            n        | whole   | people | in the class
            stated   | number? | | mean stated probability, or share found
            observed | number? | | share of whom it was true
            low      | number? | | of Wilson's 95 % interval of the observed share
            high     | number? | | of the same
            """,
            key="labels quantity class",
            marked=False,
        ),
        _table(
            "sustain/D/parametric_null.tsv",
            "a cohort drawn from the model with one subtype fewer than was chosen",
            """
            true_subtypes | whole?  | | of the model that the cohort was drawn from
            draw          | whole?  | | number of the cohort
            n_people      | whole?  | people | drawn
            chosen        | whole?  | | subtypes that the rule chooses
            more          | truth?  | | more than are true
            note          | text?   | | why there is none
            """,
            always=False,
        ),
        _table(
            "sustain/crossdisease/similarity.tsv",
            "a pair of subtypes",
            """
            disease_a   | text    | | one's disease
            name_a      | text    | | its name
            disease_b   | text    | | the other's disease
            name_b      | text    | | its name
            subtype_a   | whole   | | its number
            subtype_b   | whole   | | its number
            n_events    | whole   | | shared
            tau         | number? | | Kendall's, of the shared events
            tau_chance  | number? | | of two random orders; none of a single event
            converged_a | truth   | | the chains of the one's model agree
            converged_b | truth   | | those of the other's
            """,
            key="disease_a subtype_a disease_b subtype_b",
            marked=False,
            always=False,
        ),
        _table(
            "sustain/crossdisease/projection.tsv",
            "a person under another disease's model",
            """
            participant_id | text   | | person
            group          | text   | | disease
            model_of       | text   | | the other disease
            subtype        | whole  | | most probable subtype there
            stage          | whole  | | 0: normal-appearing
            expected_stage | number | | mean of the stage
            p_stage0       | number | | probability of the healthy component
            confident      | truth  | | the most probable subtype has at least 1/2
            name           | text   | | of the subtype, or normal-appearing
            """,
            key="participant_id model_of",
            always=False,
        ),
        _table(
            "sustain/crossdisease/projection_counts.tsv",
            "a group of one's own model and one of the other's",
            """
            group          | text    | | disease
            model_of       | text    | | the other disease
            own_model      | text    | | group by the own model
            other_model    | text    | | group by the other's
            n              | whole   | people | in both
            stage_spearman | number? | | correlation of the expected stages of all of the disease
            """,
            key="group model_of own_model other_model",
            marked=False,
            always=False,
        ),
        _table(
            "sustain/crossdisease/joint_order.tsv",
            "an event of a subtype of the joint model",
            """
            subtype       | whole  | | number
            name          | text   | | name
            biomarker     | text   | | biomarker
            threshold     | number | z | event
            mean_position | number | | posterior mean of its place, from 1
            sd_position   | number | | posterior SD
            """,
            key="subtype biomarker threshold",
            marked=False,
            always=False,
        ),
        _table(
            "sustain/crossdisease/joint_diagnostics.tsv",
            "a quantity of the joint model's chains",
            _CONVERGENCE,
            key="quantity subtype event",
            marked=False,
            always=False,
        ),
        _table(
            "sustain/crossdisease/enrichment.tsv",
            "a subtype of the joint model and a disease",
            """
            subtype         | whole   | | number
            name            | text    | | name
            disease         | text    | | disease
            n               | whole   | people | staged in it
            share_of_staged | number  | | of the disease's staged people
            odds_ratio      | number? | | against the other diseases
            p               | number? | | Fisher's exact test
            p_all_subtypes  | number? | | chi-square of the whole table
            """,
            key="subtype disease",
            marked=False,
            always=False,
        ),
        _table(
            "clinical/columns.tsv",
            "a column that an outcome needs, in a group",
            """
            outcome  | text  | | outcome
            group    | text  | | disease or controls
            column   | text  | | column
            n        | whole | people | with a value
            complete | whole | people | with all that the outcome needs
            """,
            key="outcome group column",
            marked=False,
        ),
        _table(
            "clinical/D/associations.tsv",
            "a contrast of an outcome by one method",
            """
            family       | text    | | outcomes that share a false-discovery rate
            outcome      | text    | | outcome
            type         | text    | | of the outcome
            kind         | text    | | subtype, stage, atrophy, any difference
            contrast     | text    | | what is compared
            subtype      | text?   | | of whom
            against      | text?   | | with whom
            method       | text    | | weighted (told), label, draws
            effect       | text    | | what the estimate is
            estimate     | number? | as the effect | estimate
            low          | number? | as the effect | 95 % interval
            high         | number? | as the effect | 95 % interval
            p            | number? | | two-sided
            q            | number? | | Benjamini-Hochberg within family, kind and method
            n            | whole   | people | in the model
            n_events     | whole   | | among them
            n_group      | whole   | people | in the group by label
            model        | text?   | | estimator
            covariates   | text?   | | of the model
            n_against    | whole   | people | in the other group by label
            events_group | whole   | | in the group
            reliability  | number? | | of the subtype's probability
            check        | text?   | | assumption that was tested
            check_p      | number? | | its p
            unit         | text?   | | what one unit of stage is
            reportable   | truth   | | enough people and events
            warning      | text?   | | what must be said with it
            reason       | text?   | | why there is no number
            <companion>  | number? | | unadjusted effect sizes, n_draws
            """,
            key="outcome contrast method",
            intervals=(
                ("estimate", "low", "high"),
                ("partial_r", "r_low", "r_high"),
                ("kendall_tau", "tau_low", "tau_high"),
                ("prob_index", "pi_low", "pi_high"),
            ),
        ),
        _table(
            "clinical/D/nested.tsv",
            "a model of an outcome",
            """
            outcome        | text    | | outcome
            model          | text    | | terms
            n              | whole   | people | in the model
            n_events       | whole   | | among them
            n_parameters   | whole   | | of the model
            log_likelihood | number? | nats | at the maximum
            aic            | number? | | Akaike's criterion
            against        | text?   | | the larger model
            lr             | number? | | likelihood ratio
            df             | number? | | its degrees of freedom
            p              | number? | | chi-square
            estimator      | text?   | | the same in all rows of an outcome
            reason         | text?   | | why there is no number
            """,
            key="outcome model",
        ),
        _table(
            "clinical/D/nuisance.tsv",
            "a label and a variable that the norms removed",
            """
            label    | text    | | subtype or stage
            variable | text    | | site, sex, age, etiv
            test     | text?   | | test
            effect   | text?   | | what the estimate is
            estimate | number? | as the effect | estimate
            p        | number? | | of the test
            p_holm   | number? | | Holm's, over the table
            n        | whole   | people | tested
            reason   | text?   | | why nothing was tested
            """,
            key="label variable",
        ),
        _table(
            "clinical/D/sensitivity.tsv",
            "a contrast again, in other people or another model",
            """
            analysis | text    | | who takes part, or what is added
            outcome  | text    | | outcome
            kind     | text    | | subtype, stage, atrophy
            contrast | text    | | what is compared
            subtype  | text?   | | of whom
            against  | text?   | | with whom
            method   | text    | | label or weighted
            effect   | text    | | what the estimate is
            estimate | number? | as the effect | estimate
            low      | number? | as the effect | 95 % interval
            high     | number? | as the effect | 95 % interval
            p        | number? | | two-sided
            n        | whole   | people | in the model
            n_events | whole   | | among them
            model    | text?   | | estimator
            reason   | text?   | | why there is no number
            """,
            key="analysis outcome contrast method",
            intervals=(("estimate", "low", "high"),),
        ),
        _table(
            "clinical/D/maps.tsv",
            "a biomarker of a group",
            """
            group     | text    | | subtype or normal-appearing
            biomarker | text    | | biomarker
            n         | whole   | people | with a value
            mean_z    | number? | z | mean
            sd_z      | number? | z | SD
            t         | number? | | against the other subtypes
            p         | number? | | of t
            covariates | text?  | | what t is adjusted for
            q         | number? | | Benjamini-Hochberg over the table
            circular  | truth   | | the biomarkers defined the subtypes
            """,
            key="group biomarker",
        ),
        _table(
            "clinical/D/worsening.tsv",
            "a person with visits",
            """
            participant_id      | text    | | person
            baseline_edss       | number  | EDSS | at the first visit
            n_visits            | whole   | | visits
            worsening_time      | number? | years | confirmed worsening, or censored
            worsening_event     | whole?  | | 1: event, 0: censored
            cdw12_time          | number? | years | confirmed after 12 weeks
            cdw12_event         | whole?  | | 1: event, 0: censored
            cdw24_time          | number? | years | confirmed after 24 weeks
            cdw24_event         | whole?  | | 1: event, 0: censored
            cdw48_time          | number? | years | confirmed after 48 weeks
            cdw48_event         | whole?  | | 1: event, 0: censored
            raw_time            | number? | years | relapse-associated worsening
            raw_event           | whole?  | | 1: event, 0: censored
            pira_time           | number? | years | progression independent of relapses
            pira_event          | whole?  | | 1: event, 0: censored
            reason              | text?   | | why there is no time
            on_study_years      | number? | years | from first to last visit
            on_study_relapses   | whole?  | | relapses between them
            first_relapse_time  | number? | years | to the first of them, or the last visit
            first_relapse_event | whole?  | | 1: relapse, 0: censored
            """,
            key="participant_id",
        ),
        _table(
            "clinical/D/stage_curves.tsv",
            "a point of a curve",
            """
            outcome     | text    | | outcome
            subtype     | text    | | whose people
            stage       | number  | stages | expected stage
            fit         | number  | as drawn | mean of the outcome there (counts as rates), unadjusted
            low         | number  | as drawn | 95 % band of the mean
            high        | number  | as drawn | 95 % band of the mean
            n           | whole   | people | behind the curve
            model       | text    | | estimator
            kendall_tau | number? | | of outcome and stage, the same in all rows of a curve
            tau_low     | number? | | 95 % interval
            tau_high    | number? | | 95 % interval
            tau_p       | number? | | two-sided
            """,
        ),
        _table("clinical/D/survival.tsv", "a step of a curve", _CURVES, intervals=(("survival", "low", "high"),)),
        _table(
            "clinical/D/treatment_survival.tsv", "a step of a curve", _CURVES, intervals=(("survival", "low", "high"),)
        ),
        _table("clinical/D/logrank.tsv", "a test", _LOGRANK, key="outcome split"),
        _table("clinical/D/treatment_logrank.tsv", "a test", _LOGRANK, key="outcome split"),
        _table(
            "clinical/D/treatment.tsv",
            "a treatment within a subtype",
            """
            outcome    | text    | | outcome
            subtype    | text?   | | missing: all staged people
            treatment  | text?   | | treatment
            reference  | text    | | that it is compared with
            effect     | text    | | hazard ratio, or likelihood ratio of the interaction
            estimate   | number? | as the effect | estimate
            low        | number? | as the effect | 95 % interval
            high       | number? | as the effect | 95 % interval
            p          | number? | | two-sided
            n          | whole   | people | in the model
            n_events   | whole   | | among them
            n_treated  | whole?  | people | with the treatment
            covariates | text?   | | of the model
            model      | text?   | | estimator
            reportable | truth   | | enough people and events
            reason     | text?   | | why there is no number
            """,
            key="outcome subtype treatment",
            intervals=(("estimate", "low", "high"),),
        ),
        _table(
            "clinical/D/prediction.tsv",
            "a set of predictors of an outcome",
            """
            outcome         | text    | | outcome
            model           | text?   | | predictors
            n               | whole   | people | predicted
            n_events        | whole   | | among them
            horizon         | number  | years | of the risk
            c               | number? | | C index, out of sample
            c_low           | number? | | 95 % interval over people
            c_high          | number? | | 95 % interval over people
            added           | number? | | C above the set before
            added_low       | number? | | 95 % interval over people
            added_high      | number? | | 95 % interval over people
            brier           | number? | | Brier score at the horizon
            brier_low       | number? | | 95 % interval over people
            brier_high      | number? | | 95 % interval over people
            brier_without   | number? | | nobody told apart
            slope           | number? | | calibration slope
            net_benefit     | number? | | at the mean risk
            net_benefit_all | number? | | of treating everyone
            reason          | text?   | | why there is no number
            """,
            key="outcome model",
        ),
        _table(
            "clinical/D/trial.tsv",
            "a group that a trial could enrol",
            """
            outcome        | text    | | outcome
            group          | text    | | who is enrolled
            n              | whole   | people | watched
            n_events       | whole   | | among them
            person_years   | number  | years | watched
            rate           | number? | events a year | observed
            rate_low       | number? | events a year | exact 95 % interval
            rate_high      | number? | events a year | exact 95 % interval
            risk           | number? | | by the trial's end
            risk_low       | number? | | 95 % interval
            risk_high      | number? | | 95 % interval
            n_per_arm      | number? | people | needed
            n_per_arm_low  | number? | people | at the upper end of the risk
            n_per_arm_high | number? | people | at the lower end of the risk
            years          | number  | years | of the trial
            hazard_ratio   | number  | | of treatment
            power          | number  | | of the trial
            reportable     | truth   | | enough people and events
            """,
            key="outcome group",
            intervals=(
                ("rate", "rate_low", "rate_high"),
                ("risk", "risk_low", "risk_high"),
                ("n_per_arm", "n_per_arm_low", "n_per_arm_high"),
            ),
        ),
        _table(
            "clinical/D/reported.tsv",
            "a claim of the study and an outcome",
            """
            claim    | text    | | in words
            subtype  | text    | | of whom
            outcome  | text    | | outcome
            reported | text    | | higher or lower
            effect   | text?   | | what the estimate is
            estimate | number? | as the effect | of these data
            low      | number? | as the effect | 95 % interval
            high     | number? | as the effect | 95 % interval
            n        | whole?  | people | in the model
            q        | number? | | as in associations.tsv
            verdict  | text    | | in words
            """,
            intervals=(("estimate", "low", "high"),),
        ),
        _table(
            "clinical/D/planted.tsv",
            "a contrast, with true and with found labels",
            """
            outcome        | text    | | outcome
            kind           | text    | | subtype, stage, atrophy
            subtype        | text?   | | of whom
            against        | text?   | | with whom
            effect         | text    | | what the estimates are
            planted        | number? | as the effect | with the true labels
            planted_low    | number? | as the effect | 95 % interval
            planted_high   | number? | as the effect | 95 % interval
            weighted       | number? | as the effect | found
            weighted_low   | number? | as the effect | 95 % interval
            weighted_high  | number? | as the effect | 95 % interval
            label          | number? | as the effect | found by label
            label_low      | number? | as the effect | 95 % interval
            label_high     | number? | as the effect | 95 % interval
            same_direction | truth?  | | planted and found
            covered        | truth?  | | the found interval holds the planted estimate
            """,
            always=False,
            intervals=tuple((k, f"{k}_low", f"{k}_high") for k in ("planted", "weighted", "label")),
        ),
        _table(
            "clinical/D/scans.tsv",
            "a scan of a person scanned again",
            """
            participant_id | text    | | person
            session_id     | text    | | scan
            years          | number  | years | since the first scan
            group          | text    | | out of fold
            stage          | whole   | | 0: normal-appearing
            stage_low      | whole   | | 95 % interval
            stage_high     | whole   | | 95 % interval
            expected_stage | number  | | mean of the stage
            mean_z         | number? | z | over biomarkers
            group_all      | text    | | of all scans of the person together
            """,
            key="participant_id session_id",
        ),
        _table(
            "clinical/D/transitions.tsv",
            "a group at one scan and at the next",
            """
            source | text    | | at the scan
            target | text    | | at the next
            n      | whole   | pairs of scans | count
            share  | number? | | of the source
            """,
            key="source target",
        ),
        _table(
            "clinical/D/reversals.tsv",
            "a quantity of consecutive scans",
            """
            quantity | text    | | in words
            n        | whole   | pairs of scans | behind it
            value    | number? | | number
            """,
            key="quantity",
        ),
        _table(
            "clinical/D/slopes.tsv",
            "a quantity of a group",
            """
            group    | text    | | of all scans together
            quantity | text    | | stage or mean z
            n_people | whole   | people | scanned again
            n_scans  | whole   | scans | of them
            slope    | number? | a year | within persons
            low      | number? | a year | 95 % interval
            high     | number? | a year | 95 % interval
            p        | number? | | two-sided
            reason   | text?   | | why there is no slope
            """,
            key="group quantity",
            intervals=(("slope", "low", "high"),),
        ),
        _table(
            "clinical/D/changes.tsv",
            "a quantity of a group so many years after the first scan",
            """
            group    | text    | | of all scans together
            years    | whole   | years | nearest
            quantity | text    | | stage or mean z
            n        | whole   | people | behind it
            change   | number? | | mean
            low      | number? | | 95 % interval
            high     | number? | | 95 % interval
            sd       | number? | | SD over people
            """,
            key="group years quantity",
            intervals=(("change", "low", "high"),),
        ),
        _table("clinical/D/table1.tsv", "a variable", _TABLE1),
        _table("clinical/D/table1_groups.tsv", "a variable", _TABLE1),
        _table("clinical/D/table1_included.tsv", "a variable", _TABLE1),
        _table("checks.tsv", "a rule that all tables keep", _CHECKS, key="rule", marked=False, always=False),
        _table("checks_page.tsv", "a rule that the page keeps", _CHECKS, key="rule", marked=False, always=False),
    )
}


def dictionary() -> str:
    """The data dictionary, docs/dictionary.md."""
    lines = [
        "# Columns of every table",
        "",
        "Made from `neuraxis.schema` (`python -m neuraxis.schema > docs/dictionary.md`); a test holds it to it. What the",
        "files are for, and those that are no tables, stands in results.md. D stands for a disease, V for a variant of the",
        "model, B for a batch of people; `<k>` in a column for a number, `<...>` alone for any other column. A `?` says that a cell may be missing",
        "(`n/a`). Tables marked * have a column `origin` = SIMULATED where people are simulated. Truth values are True and",
        "False.",
    ]
    for t in TABLES.values():
        key = f" Key: {', '.join(t.key)}." if t.key else ""
        lines += ["", f"## {t.path}{' *' if t.marked else ''}", "", f"A row is {t.row}.{key}", ""]
        lines += ["| column | kind | unit | meaning |", "|---|---|---|---|"]
        lines += [f"| {c.name} | {c.kind}{'?' if c.missing else ''} | {c.unit} | {c.meaning} |" for c in t.columns]
    return "\n".join(lines).replace("<", "&lt;") + "\n"


if __name__ == "__main__":
    print(dictionary(), end="")
