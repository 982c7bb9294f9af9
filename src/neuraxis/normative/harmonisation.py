"""ComBat and ComBat-GAM of neuroHarmonize: learnt on controls, kept as plain numbers, applied to anyone."""

from __future__ import annotations

import warnings
from contextlib import contextmanager

import numpy as np
import pandas as pd

from ..errors import InputError, name_some
from .design import spline_term

#: What harmonizationApply reads of a learnt model. The rest (design, fitted means) is people's data and stays out of the file.
COMBAT_KEYS = ("SITE_labels", "B_hat", "var_pooled", "gamma_star", "delta_star")


def _covariates(people, etiv, site, knots, smooth, sized=True) -> pd.DataFrame:
    age = people["age"].astype(float)
    if smooth:
        # B-splines end at the controls' ages; beyond them the nearest one counts
        age = age.clip(smooth[0], smooth[-1])
    table = pd.DataFrame({"SITE": site, "AGE": age, "MALE": (people["sex"] == "M").astype(float)})
    if sized:
        table["ETIV"] = etiv.astype(float) / 1e6
    if knots:
        table["AGE_CURVE"] = spline_term(age.to_numpy(), knots)
    return table


@contextmanager
def seeded_penalty_search():
    """Make the penalty search of the library's GAM repeatable.

    It shuffles cross-validation folds without a seed and offers no way to pass one; unseeded, two fits to the
    same controls differ by up to 0.2 % of a volume.
    """
    from statsmodels.gam import generalized_additive_model as gam_models

    original = gam_models.KFold
    gam_models.KFold = lambda *args, **kwargs: original(*args, **{**kwargs, "rng": 0})
    try:
        yield
    finally:
        gam_models.KFold = original


def learn_combat(
    values: pd.DataFrame, people, etiv, site, *, curved: bool = False, gam: bool = False, sized: bool = True
) -> dict:
    """ComBat of neuroHarmonize learnt on controls; a dict of plain lists.

    Age, sex and, where `sized`, eTIV are preserved; with `curved` also a restricted cubic spline of age, with `gam` the library's
    penalised smooth of age (ComBat-GAM, Pomponio et al. 2020, NeuroImage 208:116450) in place of both.

    Raises
    ------
    InputError
        One site only, a site of one control, or a control with a missing measure or covariate.
    """
    from neuroHarmonize import harmonizationLearn

    if site.nunique() < 2:
        raise InputError("ComBat needs at least two sites with controls; set normative.site to none")
    single = site.value_counts().loc[lambda n: n < 2].index
    if len(single):
        raise InputError(
            f"ComBat cannot learn the scale of a site from one control: {name_some(sorted(single))}; raise "
            "normative.min_site_controls or normative.folds (a fold's norm sees the site without the fold's people)"
        )
    known = pd.DataFrame({"age": people["age"], "sex": people["sex"], "etiv": etiv, "site": site}).join(values)
    known = known if sized else known.drop(columns="etiv")
    gaps = known.isna()
    if gaps.any().any():
        raise InputError(
            f"ComBat needs complete controls; missing: {name_some(known.columns[gaps.any()])} in "
            f"{name_some(known.index[gaps.any(axis=1)])}"
        )
    knots = np.percentile(people["age"], [10, 50, 90]).tolist() if curved and not gam else []
    with warnings.catch_warnings(), seeded_penalty_search():
        warnings.simplefilter("ignore")
        model, _ = harmonizationLearn(
            values.to_numpy(float),
            _covariates(people, etiv, site, knots, [], sized),
            smooth_terms=["AGE"] if gam else [],
        )
    smooth = model["smooth_model"]["bsplines_constructor"].smoothers[0].knots.tolist() if gam else []
    return {
        **{k: plain(model[k]) for k in COMBAT_KEYS},
        "stand_mean": plain(model["stand_mean"][:, [0]]),
        "biomarkers": list(values.columns),
        "age_knots": knots,
        "smooth_knots": smooth,
        "sized": sized,
    }


def apply_combat(combat: dict, values: pd.DataFrame, people, etiv, site) -> pd.DataFrame:
    """Values with the sites' shifts and scales removed; what is missing stays so, as do people without the covariates."""
    from neuroHarmonize import harmonizationApply
    from statsmodels.gam.api import BSplines

    sites, sized = list(combat["SITE_labels"]), combat.get("sized", True)
    # a biomarker that a scan lacks is no reason to lack the others: each has its own shifts and scales
    complete = (
        values.notna().any(axis=1)
        & people["age"].notna()
        & people["sex"].notna()
        & (etiv.notna() | (not sized))
        & site.isin(sites)  # people of other sites cannot be harmonised
    )
    out = values.astype(float) * np.nan
    if not complete.any():
        return out
    model = {k: np.asarray(combat[k]) for k in (*COMBAT_KEYS, "stand_mean")} | {"info_dict": {}}
    covariates = _covariates(people, etiv, site, combat["age_knots"], combat["smooth_knots"], sized)[complete]
    # The library's design has a column for every site that is present, while its model has one for every site of the
    # controls: with a site absent it stops, or reads other columns' coefficients. One more row per site keeps them
    # in step; these rows are dropped again.
    one = covariates.iloc[[0] * len(sites)].assign(SITE=sites)
    padded = pd.concat([covariates, one], ignore_index=True)
    numbers = values[complete].to_numpy(float)
    gaps = np.isnan(numbers)
    numbers = np.where(gaps, 0.0, numbers)
    numbers = np.vstack([numbers, numbers[[0] * len(sites)]])
    model["smooth_model"] = {"perform_smoothing": False, "smooth_cols": []}
    if combat["smooth_knots"]:
        knots = np.asarray(combat["smooth_knots"])
        basis = BSplines(np.linspace(knots[0], knots[-1], 50), df=[10], degree=[3], knot_kwds=[{"all_knots": knots}])
        column = list(covariates.columns).index("AGE")
        model["smooth_model"] = {"perform_smoothing": True, "smooth_cols": [column], "bsplines_constructor": basis}
    out.loc[complete] = np.where(gaps, np.nan, harmonizationApply(numbers, padded, model)[: -len(sites)])
    return out


def plain(value):
    """Arrays and numpy numbers as lists and Python numbers, recursively."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (np.ndarray, pd.Series)):
        return np.asarray(value).tolist()
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value
