"""ComBat and ComBat-GAM of neuroHarmonize: learnt on controls, kept as plain numbers, applied to anyone."""

from __future__ import annotations

import warnings

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


def _penalised_fit(x, y, penalty, sites) -> tuple[np.ndarray, np.ndarray]:
    """Least squares with an offset of every site and a quadratic penalty, of all biomarkers at once.

    The offsets are swept out (Frisch, Waugh and Lovell): with hundreds of sites the system that is left is still small.

    Parameters
    ----------
    x : ndarray (M, p)
        Covariates and basis, without the sites.
    y : ndarray (M, B)
    penalty : ndarray (q, p)
        Rows that are to be zero: a square root of the penalty's matrix.
    sites : ndarray (M, S)
        One column per site, 1 for its people.

    Returns
    -------
    ndarray (S, B)
        Offsets; 0 for a site without people.
    ndarray (p, B)
    """
    n = np.maximum(sites.sum(axis=0), 1.0)[:, None]
    mean_x, mean_y = sites.T @ x / n, sites.T @ y / n
    inner = np.vstack([x - sites @ mean_x, penalty])
    target = np.vstack([y - sites @ mean_y, np.zeros((len(penalty), y.shape[1]))])
    slopes = np.linalg.lstsq(inner, target, rcond=1e-12)[0]
    return mean_y - mean_x @ slopes, slopes


def smooth_fit(y, linear, age, sites) -> tuple:
    """Penalised cubic spline of age beside linear covariates and an offset of every site, per biomarker.

    What neuroHarmonize fits by the generalized additive model of statsmodels, with its basis, grid of penalties, folds
    and cost; a Gaussian one is a penalised least-squares problem, which is solved directly, for all biomarkers at once.

    Parameters
    ----------
    y : ndarray (M, B)
    linear : ndarray (M, c)
    age : ndarray (M,)
    sites : ndarray (M, S)

    Returns
    -------
    ndarray (S + c + 9, B)
        Offsets, slopes of the covariates, coefficients of the basis.
    BSplines
    """
    from statsmodels.gam.api import BSplines
    from statsmodels.gam.gam_cross_validation.cross_validators import KFold

    splines = BSplines(age[:, None], df=[10], degree=[3])
    x = np.column_stack([linear, splines.basis])
    values, vectors = np.linalg.eigh(splines.smoothers[0].cov_der2)
    root = np.zeros((len(values), x.shape[1]))
    root[:, linear.shape[1] :] = np.sqrt(2 * np.clip(values, 0, None))[:, None] * vectors.T
    folds = KFold(5, shuffle=True, rng=0)  # a seed of its own: two fits to the same controls are the same
    grid = np.logspace(0, 7, 11)
    error = np.zeros((len(grid), y.shape[1]))
    for i, weight in enumerate(grid):
        for train, test in folds.split(x):
            offsets, slopes = _penalised_fit(x[train], y[train], np.sqrt(weight) * root, sites[train])
            rest = y[test] - sites[test] @ offsets - x[test] @ slopes
            error[i] += np.linalg.norm(rest, axis=0) / len(rest)
    best = error.argmin(axis=0)
    out = np.empty((sites.shape[1] + x.shape[1], y.shape[1]))
    for i in np.unique(best):
        mine = best == i
        out[:, mine] = np.vstack(_penalised_fit(x, y[:, mine], np.sqrt(grid[i]) * root, sites))
    return out, splines


def _learn_smooth(values: np.ndarray, covariates: pd.DataFrame) -> dict:
    """What `harmonizationLearn(..., smooth_terms=["AGE"])` learns, by `smooth_fit`; site effects are the library's."""
    from neuroCombat.neuroCombat import find_parametric_adjustments
    from neuroHarmonize.harmonizationLearn import fitLSModelAndFindPriors

    labels, code = np.unique(covariates["SITE"].to_numpy(str), return_inverse=True)
    sites = (code[:, None] == np.arange(len(labels))).astype(float)
    linear = covariates.drop(columns=["SITE", "AGE"]).to_numpy(float)
    coefficients, splines = smooth_fit(values, linear, covariates["AGE"].to_numpy(float), sites)
    n, count = len(values), sites.sum(axis=0)
    rest = np.column_stack([linear, splines.basis])
    fitted = rest @ coefficients[len(labels) :]
    mean = count / n @ coefficients[: len(labels)]
    pooled = np.mean((values - sites @ coefficients[: len(labels)] - fitted) ** 2, axis=0)
    standard = ((values - mean - fitted) / np.sqrt(pooled)).T
    info = {"n_batch": len(labels), "batch_info": [np.flatnonzero(code == k) for k in range(len(labels))]}
    info["ref_level"] = None
    several = values.shape[1] > 1  # empirical Bayes learns its prior from the biomarkers
    found = fitLSModelAndFindPriors(standard, sites, info, eb=several)
    gamma, delta = found["gamma_hat"], np.array(found["delta_hat"])
    if several:
        gamma, delta = find_parametric_adjustments(standard, found, info, mean_only=False)
    learnt = {"SITE_labels": labels, "B_hat": coefficients, "var_pooled": pooled[:, None], "stand_mean": mean[:, None]}
    return {**learnt, "gamma_star": gamma, "delta_star": delta, "smooth_model": {"bsplines_constructor": splines}}


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
    covariates = _covariates(people, etiv, site, knots, [], sized)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if gam:
            model = _learn_smooth(values.to_numpy(float), covariates)
        else:
            model, _ = harmonizationLearn(values.to_numpy(float), covariates)
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
    model: dict = {k: np.asarray(combat[k]) for k in (*COMBAT_KEYS, "stand_mean")} | {"info_dict": {}}
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


def plain(value) -> object:
    """Arrays and numpy numbers as lists and Python numbers, recursively."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (np.ndarray, pd.Series)):
        return np.asarray(value).tolist()
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value
