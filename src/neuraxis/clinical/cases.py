"""The numbers that enter an outcome's models: complete cases, people at risk, z against controls."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import statsmodels.api as sm

from ..cohort.scores import impossible
from ..errors import InputError, NeuraxisWarning, counted, name_some
from ..tables import as_numbers, bad_cells, meant_as_numbers

if TYPE_CHECKING:
    from .outcomes import Outcome

#: By name: a transform and what undoes it.
TRANSFORMS: dict[str, Callable] = {"none": lambda v: v, "log": np.log, "log1p": np.log1p, "sqrt": np.sqrt}
BACK: dict[str, Callable] = {"none": lambda v: v, "log": np.exp, "log1p": np.expm1, "sqrt": np.square}


@dataclass
class Cases:
    """Complete cases of one outcome.

    Attributes
    ----------
    y : Series
        The outcome; for survival and discrete the event.
    x : DataFrame
        Covariates: numbers standardised, categories as indicators of levels with at least 5 people.
    exposure, time : Series or None
        Years.
    strata : DataFrame or None
    """

    y: pd.Series
    x: pd.DataFrame
    exposure: pd.Series | None = None
    time: pd.Series | None = None
    strata: pd.DataFrame | None = None

    def take(self, rows) -> Cases:
        """The same for some of the people."""
        parts = {k: v if v is None else v.loc[rows] for k, v in vars(self).items()}
        return Cases(**parts)


def control_z(values: pd.Series, people: pd.DataFrame, controls: pd.DataFrame, outcome: Outcome) -> pd.Series:
    """z of an outcome against the controls' linear regression on the covariates (SD of the controls' residuals).

    Raises
    ------
    InputError
        Fewer than 20 controls with all values.
    """
    columns = list(outcome.covariates)
    everyone = pd.concat([people[columns], controls[columns]])
    design = pd.get_dummies(everyone, drop_first=True, dtype=float).astype(float)
    design.insert(0, "constant", 1.0)
    healthy = TRANSFORMS[outcome.transform](controls[outcome.column].astype(float))
    train = design.loc[controls.index].join(healthy.rename("y")).dropna()
    if len(train) < 20:
        raise InputError(
            f"clinical outcome {outcome.name}: {counted(len(train), 'control has', 'controls have')} {outcome.column} and its covariates; "
            "a control-based z needs 20 (set reference: none)"
        )
    fit = sm.OLS(train.pop("y"), train).fit()
    return (values - design.loc[people.index] @ fit.params) / np.sqrt(fit.scale)


def numbers_of(outcome: Outcome, people: pd.DataFrame) -> pd.DataFrame:
    """The people with the outcome's columns of numbers as numbers; a column is one where most of its cells are.

    Raises
    ------
    InputError
        Cells that are no numbers, infinite, or impossible for the score, all of them by person.
    """
    people, problems = people.copy(), []
    for c in outcome.columns:
        needed = c in (outcome.exposure, outcome.time) or (c == outcome.column and outcome.numeric)
        values = people[c]
        if values.dtype == bool or not (needed or (c not in outcome.strata and meant_as_numbers(values))):
            continue
        if words := bad_cells(values, people.index):
            problems.append(f"{c} is no number: {words}")
        numbers, _ = as_numbers(values)
        bad, words = impossible(c, numbers) if c != outcome.column else _impossible(outcome, numbers)
        bad |= np.isinf(numbers)
        if bad.any():
            who = [f"{p} ({v:g})" for p, v in numbers[bad].items()]
            problems.append(f"{c} must be {words}: {name_some(who)}")
        people[c] = numbers if not pd.api.types.is_numeric_dtype(values) else values
    if problems:
        raise InputError(f"clinical outcome {outcome.name}: " + "; ".join(problems))
    return people


def _impossible(outcome: Outcome, numbers: pd.Series):
    """See `scores.impossible`, by the column's name or else the outcome's."""
    bad, words = impossible(outcome.column, numbers)
    return (bad, words) if bad.any() else impossible(outcome.name, numbers)


#: What a transform cannot take, and what it needs.
OUTSIDE = {"log": (lambda v: v <= 0, "above 0"), "log1p": (lambda v: v <= -1, "above -1"),
           "sqrt": (lambda v: v < 0, "0 or more")}  # fmt: skip


def _check_transform(outcome: Outcome, y: pd.Series) -> None:
    """Refuse values that the outcome's transform cannot take, by person."""
    if outcome.transform in OUTSIDE:
        wrong, words = OUTSIDE[outcome.transform]
        if (bad := wrong(y)).any():
            raise InputError(
                f"clinical outcome {outcome.name}: transform {outcome.transform} needs {outcome.column} {words}: "
                f"{name_some([f'{p} ({v:g})' for p, v in y[bad].items()])}; mend the values or take the transform out"
            )


def at_risk(outcome: Outcome, people: pd.DataFrame) -> pd.DataFrame:
    """The people whom an outcome can happen to: those with one of the values of every column of `outcome.only`."""
    for column, values in outcome.only:
        people = people[people[column].astype(str).isin([str(v) for v in values])]
    return people


def complete_cases(outcome: Outcome, people: pd.DataFrame, controls: pd.DataFrame | None = None) -> Cases:
    """Everyone who has all the values that an outcome's model needs.

    Parameters
    ----------
    people : DataFrame
        Patients, indexed by participant_id; those not at risk (`Outcome.only`) are left out.
    controls : DataFrame, optional
        Needed where the outcome is referred to controls.

    Raises
    ------
    InputError
        Absent columns, an exposure or time that is not positive, events other than 0 and 1.
    """
    absent = [c for c in [*outcome.columns, *(c for c, _ in outcome.only)] if c not in people.columns]
    if absent:
        raise InputError(f"clinical outcome {outcome.name}: column {', '.join(absent)} is not in participants.tsv")
    people = numbers_of(outcome, at_risk(outcome, people))
    if controls is not None and outcome.reference == "controls":
        controls = numbers_of(outcome, controls)
        _check_transform(outcome, controls[outcome.column].dropna().astype(float))
    data = people[outcome.columns].dropna()
    for kind, column in (("exposure", outcome.exposure), ("time", outcome.time)):
        if column and (data[column].astype(float) <= 0).any():
            raise InputError(f"clinical outcome {outcome.name}: {kind} {column} must be positive")
    y = data[outcome.column]
    outcome.check_values(y)
    if outcome.numeric:
        y = y.astype(float)
        _check_transform(outcome, y)
        if outcome.reference == "controls":
            if controls is None:
                raise InputError(f"clinical outcome {outcome.name}: reference controls, but there are none")
            y = control_z(TRANSFORMS[outcome.transform](y), data, controls, outcome)
        else:
            y = TRANSFORMS[outcome.transform](y)
    x = pd.DataFrame(index=data.index)
    for c in outcome.model_covariates:
        if pd.api.types.is_numeric_dtype(data[c]):
            if data[c].nunique() > 1:
                x[c] = (data[c] - data[c].mean()) / data[c].std()
                continue
        else:
            dummies = pd.get_dummies(data[c], prefix=c, drop_first=True, dtype=float)
            dummies = dummies.loc[:, dummies.sum() >= 5]
            x = x.join(dummies)
            if dummies.shape[1]:
                continue
        if len(data):
            why = "is the same for everyone" if data[c].nunique() < 2 else "has no second level with 5 people"
            warnings.warn(
                f"outcome {outcome.name}: covariate {c} {why} and is not in the model", NeuraxisWarning, stacklevel=2
            )
    return Cases(
        y,
        x,
        data[outcome.exposure].astype(float) if outcome.exposure else None,
        data[outcome.time].astype(float) if outcome.time else None,
        data[list(outcome.strata)] if outcome.strata else None,
    )


def check_outcomes(outcomes, people: pd.DataFrame, control: str, made=()) -> pd.DataFrame:
    """Refuse outcomes that the table cannot serve, and count who has what each of the others needs.

    Parameters
    ----------
    outcomes : sequence of Outcome
    people : DataFrame
        participants.tsv with column group, indexed by participant_id.
    control : str
        Group of the controls.
    made : sequence of str
        Columns that the workflow makes later on, from visits; they count as present.

    Returns
    -------
    DataFrame
        outcome, group, column, n (people of the group who have a value), complete (people who have all the outcome needs).

    Raises
    ------
    InputError
        Everything that `complete_cases` refuses, of all outcomes in one message.
    """
    problems = []
    patients, controls = people[people["group"] != control], people[people["group"] == control]
    for o in outcomes:
        try:
            known = {c: 1.0 for c in made if c not in people}
            mine = patients[patients["group"].isin(o.diseases)] if o.diseases else patients
            complete_cases(o, mine.assign(**known), controls.assign(**known))
        except InputError as error:
            problems.append(str(error))
    if problems:
        raise InputError(
            "clinical.outcomes cannot be served by cohort.participants and cohort.phenotype; mend the tables, or take the "
            "outcome out:\n- " + "\n- ".join(problems)
        )
    rows = []
    for o in outcomes:
        there = [c for c in o.columns if c in people]
        for group, part in people.groupby("group"):
            if o.diseases and group not in (*o.diseases, control):
                continue
            known = part[there].notna()
            complete = int(known.all(axis=1).sum())
            rows += [
                {"outcome": o.name, "group": group, "column": c, "n": int(known[c].sum()), "complete": complete}
                for c in there
            ]
    return pd.DataFrame(rows, columns=["outcome", "group", "column", "n", "complete"])
