"""What a norm's regression sees: age, sex, head size and site of people."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .settings import NormSettings


def head_size_corrected(y, etiv, how: str, power: float) -> np.ndarray:
    """Measure corrected for head size, scaled to an eTIV of 1.5 litres."""
    if how in ("proportional", "power"):
        return y * (1.5e6 / etiv) ** power
    return y


def spline_term(age: np.ndarray, knots) -> np.ndarray:
    """Restricted cubic spline term of three knots (Harrell 2015, section 2.4.5), scaled to years."""
    a, b, c = knots
    cube = lambda t: np.maximum(age - t, 0.0) ** 3  # noqa: E731
    return (cube(a) - cube(b) * (c - a) / (c - b) + cube(c) * (b - a) / (c - b)) / (c - a) ** 2


def design(people: pd.DataFrame, etiv: pd.Series, site: pd.Series, settings: NormSettings, model: dict) -> np.ndarray:
    """Design matrix (M, p) by the columns that the norm was fitted with; NaN where a covariate is missing."""
    age = people["age"].to_numpy(float)
    male = np.where(people["sex"].isna(), np.nan, (people["sex"] == "M").astype(float))
    centred = (age - model["age_mean"]) / 10
    columns = [np.ones(len(people)), centred]
    if settings.age == "quadratic":
        columns.append(centred**2)
    elif settings.age == "spline":
        columns.append(spline_term(age, model["knots"]) / 10)
    if model["sexes"] > 1:
        columns.append(male)
        if settings.age_by_sex:
            columns.append(male * centred)
    if settings.head_size == "covariate":
        columns.append(etiv.to_numpy(float) / 1e6 - 1.5)
    if settings.site == "fixed":
        code = pd.Categorical(site, categories=model["sites"]).codes
        columns.append((code[:, None] == np.arange(1, len(model["sites"]))).astype(float))
    return np.column_stack(columns)


def spread(age, model: dict) -> np.ndarray:
    """SD of healthy people at an age: constant, or linear in age and at least a quarter of the mean SD."""
    intercept, slope = model["sd"]
    return np.maximum(intercept + slope * (np.asarray(age, float) - model["age_mean"]) / 10, 0.25 * intercept)


def linear(X: np.ndarray, coefficients) -> np.ndarray:
    """X @ coefficients (M,), summed column by column: a row's result is the same bits whatever rows stand beside it."""
    total = np.zeros(len(X))
    for column, weight in zip(X.T, coefficients, strict=True):
        total = total + column * weight
    return total
