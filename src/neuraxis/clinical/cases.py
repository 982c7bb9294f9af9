"""The numbers that enter an outcome's models: complete cases, people at risk, z against controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import statsmodels.api as sm

from ..errors import InputError

if TYPE_CHECKING:
    from .outcomes import Outcome

TRANSFORMS = {"none": lambda v: v, "log": np.log, "log1p": np.log1p, "sqrt": np.sqrt}


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
            f"clinical outcome {outcome.name}: {len(train)} controls have {outcome.column} and its covariates; "
            "a control-based z needs 20 (set reference: none)"
        )
    fit = sm.OLS(train.pop("y"), train).fit()
    return (values - design.loc[people.index] @ fit.params) / np.sqrt(fit.scale)


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
    data = at_risk(outcome, people)[outcome.columns].dropna()
    for kind, column in (("exposure", outcome.exposure), ("time", outcome.time)):
        if column and (data[column].astype(float) <= 0).any():
            raise InputError(f"clinical outcome {outcome.name}: {kind} {column} must be positive")
    y = data[outcome.column]
    outcome.check_values(y)
    if outcome.numeric:
        y = y.astype(float)
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
        else:
            dummies = pd.get_dummies(data[c], prefix=c, drop_first=True, dtype=float)
            x = x.join(dummies.loc[:, dummies.sum() >= 5])
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
