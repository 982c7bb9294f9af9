"""Worsening by treatment within subtype: curves, Cox models, the interaction, and how alike the treated are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from ..errors import InputError, name_some
from ..labels import NORMAL, Labels
from ..progress import steps
from .associations import LEAST_EVENTS, LEAST_PEOPLE
from .cases import at_risk, complete_cases
from .fit import NO_PROFILE
from .survival import survival_of

COLUMNS = (
    *("outcome", "subtype", "treatment", "reference", "effect", "estimate", "low", "high", "p", "n", "n_events"),
    *("n_treated", "covariates", "model", "reportable", "reason"),
)
INTERACTION = "any difference between subtypes in the effect of treatment"
CONFOUNDED = (
    "People were not treated at random: who gets which drug depends on how ill they are and are thought to become "
    "(confounding by indication), so hazard ratios of treatment describe who was treated and are no effects of drugs."
)


def treatments_of(people: pd.DataFrame, column: str) -> pd.Series:
    """The treatment of everyone in words, as the configuration names them: a number is written without trailing zeros.

    Parameters
    ----------
    people : DataFrame
    column : str

    Returns
    -------
    Series of str
        Missing where it is.

    Examples
    --------
    >>> treatments_of(pd.DataFrame({"arm": [0.0, 1.0, None]}), "arm").tolist()
    ['0', '1', nan]
    """
    values = people[column].astype("object")
    words = [f"{v:g}" if isinstance(v, (int, float)) and not isinstance(v, bool) else str(v) for v in values]
    return pd.Series(words, index=values.index, dtype="object").where(values.notna())


def check_treatment(people: pd.DataFrame, column: str, reference: str) -> None:
    """Refuse a reference that nobody has: all treatments would be compared with nobody.

    Parameters
    ----------
    people : DataFrame
        Patients.
    column, reference : str
        See `treatment_effects`; a column that people do not have asks for nothing.

    Raises
    ------
    InputError
        With the values that there are.
    """
    if not column or column not in people:
        return
    there = sorted(set(treatments_of(people, column).dropna()))
    if len(there) > 1 and str(reference) not in there:
        raise InputError(
            f"clinical.treatment.reference: nobody has {reference} in column {column}; it has {name_some(there, 20)}. Name one of "
            "these, or set clinical.treatment.column to ''"
        )


def treatment_effects(
    outcomes, people: pd.DataFrame, labels: Labels, column: str, reference: str
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Survival outcomes by treatment, within every subtype and overall.

    Parameters
    ----------
    outcomes : sequence of Outcome
    people : DataFrame
    labels : Labels
    column : str
        Column of people with the treatment (categories).
    reference : str
        Value that all others are compared with.

    Returns
    -------
    effects : DataFrame
        outcome, subtype (everyone staged: empty), treatment, reference, effect, estimate, low, high, p, n, n_events, n_treated,
        covariates, model, reportable, reason. One row per treatment and subtype, and one per outcome for the interaction of
        treatment and subtype (likelihood ratio, treatment empty).
    curves, tests : DataFrame
        Kaplan-Meier and log-rank of treatments, split "treatment in <subtype>".
    """
    rows, curves, tests = [], [], []
    if not column or column not in people or people[column].nunique() < 2:
        empty = survival_of([], people, {})
        return pd.DataFrame(columns=list(COLUMNS)), *empty
    treated = treatments_of(people, column)
    levels = [reference, *sorted(set(treated.dropna()) - {reference})]
    for o in steps(outcomes, "outcomes under treatment"):
        if not o.timed:
            continue
        plain = replace(o, covariates=tuple(c for c in o.covariates if c != column))
        cases = complete_cases(plain, people)
        rest = ", ".join([*plain.covariates, *(f"strata of {s}" for s in plain.strata)])
        known = cases.y.index[treated.loc[cases.y.index].notna() & labels.staged.loc[cases.y.index]]
        group = labels.group.loc[known]
        for subtype in ["", *labels.names] if len(labels.names) > 1 else [""]:
            mine = known[(group == subtype) | (subtype == "")]
            part, drug = cases.take(mine), treated.loc[mine]
            terms = pd.DataFrame({v: (drug == v).astype(float) for v in levels[1:]}, index=mine)
            plan = plain.plan(part, terms.shape[1] + part.x.shape[1], terms) if len(mine) else ""
            present = [v for v in terms if terms[v].nunique() > 1]
            fit = plain.fit(part, terms[present], plan) if present else None
            for v in levels[1:]:
                base = dict.fromkeys(COLUMNS, np.nan) | {"outcome": o.name, "subtype": subtype, "treatment": v}
                base |= {"reference": reference, "effect": o.effect, "n": len(mine), "n_events": plain.n_events(part)}
                base |= {"n_treated": int((drug == v).sum()), "covariates": rest, "model": "", "reportable": False}
                if fit is None or fit.reason or v not in present:
                    rows.append(base | {"reason": fit.reason if fit and fit.reason else "nobody to compare with"})
                    continue
                e = fit.contrast({v: 1.0})
                if not np.isfinite(e.p):
                    rows.append(base | {"reason": NO_PROFILE})
                    continue
                few = min(int((drug == v).sum()), int((drug == reference).sum()))
                enough = few >= LEAST_PEOPLE and fit.n_events >= LEAST_EVENTS
                numbers = dict(zip(("estimate", "low", "high"), np.exp([e.estimate, e.low, e.high]), strict=True))
                rows.append(base | numbers | {"p": e.p, "model": fit.model, "reportable": enough, "reason": ""})
        rows.append(_interaction(plain, cases.take(known), treated.loc[known], group, labels.names, levels, rest))
        staged = at_risk(o, people)
        for subtype in labels.names:
            drug = treated.where((labels.group == subtype) & (labels.group != NORMAL)).loc[staged.index]
            curve, test = survival_of([o], staged, {f"treatment in {subtype}": (drug, levels, levels)})
            curves.append(curve)
            tests.append(test)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    if not curves:
        return table, *survival_of([], people, {})
    return table, pd.concat(curves, ignore_index=True), pd.concat(tests, ignore_index=True)


def _interaction(outcome, cases, drug, group, names, levels, rest) -> dict:
    """Likelihood-ratio test of treatment by subtype against treatment and subtype."""
    row = dict.fromkeys(COLUMNS, np.nan) | {"outcome": outcome.name, "subtype": INTERACTION, "treatment": ""}
    row |= {"reference": levels[0], "effect": "likelihood ratio", "n": len(drug), "n_events": outcome.n_events(cases)}
    row |= {"covariates": rest, "model": "", "reportable": False, "reason": "one subtype"}
    if len(names) < 2 or not len(drug):
        return row
    main = pd.DataFrame(
        {**{v: (drug == v) for v in levels[1:]}, **{n: (group == n) for n in names[1:]}}, index=drug.index
    ).astype(float)
    both = {f"{v} in {n}": main[v] * main[n] for v in levels[1:] for n in names[1:]}
    full = main.assign(**both)
    kept = [c for c in full if full[c].nunique() > 1]
    plan = outcome.plan(cases, len(kept) + cases.x.shape[1])
    less = outcome.fit(cases, main[[c for c in main if c in kept]], plan)
    more = outcome.fit(cases, full[kept], plan)
    if less.reason or more.reason:
        return row | {"reason": less.reason or more.reason}
    df = more.n_parameters - less.n_parameters
    lr = 2 * (more.log_likelihood - less.log_likelihood)
    small = pd.crosstab(group, drug).to_numpy().min()
    enough = bool(small >= LEAST_PEOPLE and row["n_events"] >= LEAST_EVENTS)
    p = float(stats.chi2.sf(max(lr, 0), df)) if df else np.nan
    return row | {"estimate": lr, "p": p, "model": more.model, "reportable": enough, "reason": ""}
