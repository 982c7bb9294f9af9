"""Norms from files of others: whatever is wrong with their numbers is told before anybody gets a z from them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from .fit import offset_sites
from .harmonisation import COMBAT_KEYS

#: What applying a norm reads of it.
MODELS_KNOW = {"power", "age_mean", "knots", "sexes", "sites", "coefficients", "sd"}
CONTROLS_KNOW = {"age_range", "n_by_sex", "sites", "pooled_sites"}
#: Significant digits of every number of a norm.
DIGITS = 10
#: And of a harmonisation, whose library inverts matrices of years and litres.
COMBAT_DIGITS = 8
SECTIONS = ("settings", "direction", "models", "controls", "combat")


def settled(value, digits: int = DIGITS) -> Any:
    """Numbers as they are stored, to so many significant digits; the rest as it is, recursively.

    Processors add up in different orders, so that the last digits of a double differ between them. What is used is what
    is stored, and that is the same everywhere but where a number lies as near as its own error to the edge between two roundings.

    Examples
    --------
    >>> settled({"sd": [100.00000000000001, 0.0], "sites": ["A"], "n": 40})
    {'sd': [100.0, 0.0], 'sites': ['A'], 'n': 40}
    """
    if isinstance(value, np.ndarray):
        return np.array(settled(value.tolist(), digits), dtype=value.dtype)
    if isinstance(value, dict):
        return {k: settled(v, digits) for k, v in value.items()}
    if isinstance(value, list):
        return [settled(v, digits) for v in value]
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def _number(value) -> bool:
    """A finite number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _numbers(value, n: int | None = None) -> bool:
    return isinstance(value, list) and all(map(_number, value)) and (n is None or len(value) == n)


def _words(value) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value) and len(set(value)) == len(value)


def problem_of(d: dict) -> str:
    """What is wrong with the parts of a norm's dictionary, in words; "" where they are what `Norms.apply` needs."""
    absent = [k for k in SECTIONS if not isinstance(d.get(k), dict)]
    if absent:
        return f"{', '.join(absent)} is missing"
    models, controls = d["models"], d["controls"]
    if not models.keys() == d["settings"].keys() == d["direction"].keys():
        return "models, settings and direction are not of the same biomarkers"
    if not models:
        return "it is of no biomarker"
    for name, parts in (("models", models), ("settings", d["settings"])):
        if strange := [b for b, part in parts.items() if not isinstance(part, dict)]:
            return f"{name} of {', '.join(strange)} are no names and values"
    absent = CONTROLS_KNOW - controls.keys()
    for model in models.values():
        absent |= MODELS_KNOW - model.keys()
    if absent:
        return f"{', '.join(sorted(absent))} is missing"
    if strange := [b for b, way in d["direction"].items() if way not in ("fall", "rise")]:
        return f"direction of {', '.join(strange)} is neither fall nor rise"
    ages = controls["age_range"]
    if not _numbers(ages, 2) or ages[0] > ages[1]:
        return "age_range is no lowest and highest age"
    if not isinstance(controls["n_by_sex"], dict) or not controls["n_by_sex"].keys() <= {"M", "F"}:
        return "n_by_sex has no counts of M and F"
    if not _words(controls["sites"]) or not _words(controls["pooled_sites"]) or not _words(d.get("signed", [])):
        return "sites, pooled_sites or signed are no lists of names"
    for b, model in models.items():
        if words := _model_problem(model, d["settings"][b]):
            return f"{b}: {words}"
    if {s.get("site") for s in d["settings"].values()} & {"combat", "combat_gam"}:
        absent = [k for k in (*COMBAT_KEYS, "stand_mean", "age_knots", "smooth_knots") if k not in d["combat"]]
        if absent:
            return f"the harmonisation lacks {', '.join(absent)}"
    return ""


def _model_problem(model: dict, settings: dict) -> str:
    """What is wrong with the numbers of one biomarker."""
    if (
        not all(map(_number, (model["power"], model["age_mean"])))
        or abs(model["power"]) > 10
        or not _numbers(model["coefficients"])
    ):
        return "its coefficients are not all finite numbers, or its power of head size is above 10"
    if not _numbers(model["knots"], 3) or model["knots"] != sorted(model["knots"]):
        return "its knots are no three ages in order"
    if settings.get("age") == "spline" and len(set(model["knots"])) < 3:
        return "its knots are no three ages in order"
    if not _numbers(model["sd"], 2) or model["sd"][0] <= 0:
        return "its SD and the slope of it are no finite numbers, the first above 0"
    if not _words(model["sites"]) or model["sexes"] not in (1, 2):
        return "its sites are no list of names, or its sexes neither 1 nor 2"
    if settings.get("site") == "random":
        effects = model.get("site_effects")
        if not isinstance(effects, dict) or not effects or not all(map(_number, effects.values())):
            return "it has no finite effect of every site"
    return ""


def trial_problem(norms) -> str:
    """What comes out where made-up people of every sex and site are given to a norm; "" where it is what must."""
    controls = norms.controls
    ages = [controls["age_range"][0], float(np.mean(controls["age_range"])), controls["age_range"][1]]
    rows = [(a, s, site) for a in ages for s in controls["n_by_sex"] for site in controls["sites"] or ["one site"]]
    people = pd.DataFrame(rows, columns=["age", "sex", "site"])
    values = pd.DataFrame(1000.0, index=people.index, columns=list(norms.models))
    try:
        with np.errstate(all="ignore"):
            z = norms._predict(values, people, pd.Series(1.5e6, index=people.index), people["site"])
    except Exception as error:
        return f"nobody can be given a z ({type(error).__name__}: {error})"
    for b, model in norms.models.items():
        placed = people["sex"].isin(model.get("sex_codes", controls["n_by_sex"]))
        if (known := offset_sites(model, norms.settings[b])) is not None:
            placed &= people["site"].isin(known)
        if not np.isfinite(z.loc[placed, b]).all():
            return f"{b}: nobody is given a finite z"
    return ""
