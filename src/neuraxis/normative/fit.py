"""The norm of one biomarker, and which sites a norm tells apart."""

from __future__ import annotations

import logging
import math
import warnings

import numpy as np
import pandas as pd

from ..errors import InputError, NeuraxisWarning, counted, name_some
from .design import design, head_size_corrected
from .settings import NormSettings

log = logging.getLogger(__name__)
#: Name of the site that small sites form together.
POOLED = "pooled small sites"


def pooled_sites(site: pd.Series, settings: NormSettings) -> list[str]:
    """Sites of the controls that are too small to stand alone, sorted.

    Parameters
    ----------
    site : Series
        Of the controls; missing ones belong nowhere.
    settings : NormSettings
        `min_site_controls` and `small_sites`.

    Raises
    ------
    InputError
        There are such sites and they are to be refused, or all of them together are too few for a pool.
    """
    counts = site.value_counts()
    small = sorted(counts.index[counts < settings.min_site_controls])
    if not small:
        return []
    named = name_some([f"{s} ({counts[s]})" for s in small])
    remedy = (
        "add controls of these sites, leave their people out, lower normative.min_site_controls, or set normative.site "
        "to none"
    )
    if settings.small_sites == "refuse":
        raise InputError(
            f"sites with fewer than {counted(settings.min_site_controls, 'control')}: {named}; {remedy}, or set "
            "normative.small_sites to pool"
        )
    together = int(counts[small].sum())
    if together < settings.min_site_controls:
        raise InputError(
            f"sites with fewer than {counted(settings.min_site_controls, 'control')}: {named}; pooled they have only {together}, "
            f"which is no norm for the people scanned there; {remedy}"
        )
    log.warning(
        "sites pooled for having fewer than %s: %s; the pool has %d",
        counted(settings.min_site_controls, "control"),
        named,
        together,
    )
    if len(small) == len(counts):
        warnings.warn(
            f"every site has fewer than {counted(settings.min_site_controls, 'control')} ({named}): all are pooled, so that this "
            "norm has no site term; a shift of a scanner would look like disease",
            NeuraxisWarning,
            stacklevel=2,
        )
    return small


def as_pooled(site: pd.Series, pooled) -> pd.Series:
    """Sites with the small ones under the pool's name."""
    return site.where(~site.isin(list(pooled)), POOLED)


def sites_of(y: pd.Series, site: pd.Series, settings: NormSettings) -> list[str]:
    """Sites whose offset this biomarker can have: enough controls are measured there (half of `min_site_controls`)."""
    counts = site[y.notna()].value_counts()
    return sorted(counts.index[counts >= max(2, math.ceil(settings.min_site_controls / 2))])


def offset_sites(model: dict, settings: NormSettings) -> list[str] | None:
    """Sites whose offset a fitted norm knows; None where it has no offsets (a harmonisation has its own)."""
    if settings.site == "fixed":
        return list(model["sites"])
    return list(model["site_effects"]) if settings.site == "random" else None


def fit_one(name: str, y: pd.Series, people, etiv, site, settings: NormSettings, sites: list[str]) -> dict:
    """Fit the norm of one biomarker on controls.

    Parameters
    ----------
    name : str
        Of the biomarker, for messages.
    y : Series
        The measure, by id; missing ones are left out.
    people : DataFrame
        Same index: age, sex.
    etiv, site : Series
        Same index; mm3, and sites after pooling.
    settings : NormSettings
    sites : list of str
        Sites that may have an offset of their own (`site` fixed or random); controls of others are left out.

    Returns
    -------
    dict
        Plain numbers: power, age_mean, knots, sexes, sex_codes, sites, coefficients, sd (at age_mean, and per ten
        years), n, r_squared and, for a random site effect, site_effects.

    Raises
    ------
    InputError
        Too few or constant values, collinear covariates, ages too alike, one site for a random effect.
    """
    import statsmodels.api as sm  # slow to load, and applying a norm needs none of it

    known = y.notna() & people["age"].notna() & people["sex"].notna()
    if settings.head_size != "none":
        known &= etiv.notna()
    if settings.site in ("fixed", "random"):
        known &= site.isin(sites)
    y, people, etiv, site = y[known], people[known], etiv[known], site[known]
    if len(y) < 3:
        raise InputError(f"{name}: too few values of {counted(len(y), 'control')}; no norm can be fitted")
    if np.ptp(y) == 0:
        raise InputError(f"{name}: constant in {counted(len(y), 'control')}; no norm can be fitted")
    power = {"proportional": 1.0}.get(settings.head_size, 0.0)
    if settings.head_size == "power":
        if (y <= 0).any():
            raise InputError(
                f"{name}: a power of head size needs positive measures; give it another head_size in normative.overrides"
            )
        # a measure's own scaling with head size, from the controls; age and sex held, or their share goes into it
        terms = pd.DataFrame({"etiv": np.log(etiv), "age": people["age"], "male": (people["sex"] == "M").astype(float)})
        power = float(sm.OLS(np.log(y), sm.add_constant(terms)).fit().params["etiv"])
    model = {
        "power": power,
        "age_mean": float(people["age"].mean()),
        "knots": np.percentile(people["age"], [10, 50, 90]).tolist(),
        "sexes": int(people["sex"].nunique()),
        "sex_codes": sorted(people["sex"].unique()),
        "sites": sorted(site.unique()) if settings.site == "fixed" else [],
    }
    if settings.age == "spline" and len(set(model["knots"])) < 3:
        raise InputError(f"{name}: the controls' ages are too alike for a spline; set normative.age to linear")
    X = design(people, etiv, site, settings, model)
    target = head_size_corrected(y, etiv, settings.head_size, power)
    if len(y) < X.shape[1] + 2:
        raise InputError(
            f"{name}: {counted(len(y), 'control')} for {counted(X.shape[1], 'parameter')}; simplify normative or add controls"
        )
    if np.linalg.matrix_rank(X) < X.shape[1]:
        raise InputError(
            f"{name}: covariates of the controls are collinear (one age, or a site of one sex?); simplify normative"
        )
    coefficients, effects = regression(name, target, X, site, settings)
    residual = np.asarray(target - X @ coefficients) - (site.map(effects).to_numpy() if effects else 0.0)
    sd = residual_sd(residual, people["age"].to_numpy(), model["age_mean"], settings)
    if sd[0] <= 1e-9 * np.abs(target).mean():
        raise InputError(f"{name}: covariates explain the controls completely; no SD is left")
    if effects:
        model["site_effects"] = effects
    return {
        **model,
        "coefficients": coefficients.tolist(),
        "sd": sd,
        "n": len(y),
        "r_squared": float(1 - residual.var() / np.var(target)),
    }


def regression(name, target: pd.Series, X: np.ndarray, site: pd.Series, settings: NormSettings) -> tuple:
    """Coefficients (p,) and, with a random site effect, the effect of every site."""
    import statsmodels.api as sm  # slow to load, and applying a norm needs none of it

    if settings.site != "random":
        fit = (sm.RLM(target, X, M=sm.robust.norms.HuberT()) if settings.robust else sm.OLS(target, X)).fit()
        return np.asarray(fit.params), {}
    if site.nunique() < 2:
        raise InputError(
            f"{name}: a random site effect needs at least two sites with controls; set normative.site to none"
        )
    return random_intercept(np.asarray(target, float), X, site)


def random_intercept(y: np.ndarray, X: np.ndarray, group: pd.Series) -> tuple[np.ndarray, dict[str, float]]:
    """Linear model with a normal intercept of every group, by restricted maximum likelihood.

    Given the ratio of the groups' variance to the residual's, everything else is known (Bates et al. 2015, J. Stat.
    Softw. 67(1), section 3), so that the search is of one number, and as quick with hundreds of groups as with two.

    Parameters
    ----------
    y : ndarray (M,)
    X : ndarray (M, p)
        Of full rank; the first column is 1.
    group : Series (M,)

    Returns
    -------
    ndarray (p,)
        Coefficients.
    dict of str to float
        Best linear unbiased prediction of every group, sorted by name; 0 where the groups' variance is.
    """
    from scipy.optimize import brentq

    names = sorted(group.unique())
    code = pd.Categorical(group, categories=names).codes
    n = np.bincount(code).astype(float)
    # columns of X orthogonal and y scaled: no ratio is lost to rounding
    q, r = np.linalg.qr(X)
    size = float(np.std(y))
    target = (y - y.mean()) / size
    mean_q = np.stack([np.bincount(code, column) for column in q.T], axis=1) / n[:, None]
    mean_y = np.bincount(code, target) / n
    inner_q, inner_y = q - mean_q[code], target - mean_y[code]
    qq, qy, yy = inner_q.T @ inner_q, inner_q.T @ inner_y, inner_y @ inner_y
    free = len(y) - X.shape[1]

    def at(ratio: float):
        """Coefficients of q, residual sum of squares and the logarithms of both determinants."""
        weight = n / (1 + n * ratio)
        a = qq + (mean_q * weight[:, None]).T @ mean_q
        b = qy + mean_q.T @ (weight * mean_y)
        beta = np.linalg.solve(a, b)
        rest = yy + weight @ mean_y**2 - b @ beta
        return beta, rest, np.log1p(n * ratio).sum(), np.linalg.slogdet(a)[1]

    def deviance(ratio: float) -> float:
        """-2 x restricted log-likelihood but for a constant."""
        _, rest, groups, fixed = at(ratio)
        return free * np.log(max(rest, np.finfo(float).tiny)) + groups + fixed

    def slope(ratio: float) -> float:
        """Its derivative: a root is found to the last digits, which a minimum is not, and so is the same everywhere."""
        beta, rest, _, _ = at(ratio)
        weight = n / (1 + n * ratio)
        a = qq + (mean_q * weight[:, None]).T @ mean_q
        lost = weight**2
        fit = -lost @ (mean_y - mean_q @ beta) ** 2 / max(rest, np.finfo(float).tiny)
        return free * fit + weight.sum() - np.trace(np.linalg.solve(a, (mean_q * lost[:, None]).T @ mean_q))

    # a first look over all ratios, then the root beside the best; 0 is a place like any other
    ratios = np.concatenate([[0.0], np.geomspace(1e-6, 1e6, 37)])
    k = int(np.argmin([deviance(r) for r in ratios]))
    low, high = ratios[max(k - 1, 0)], ratios[min(k + 1, len(ratios) - 1)]
    ratio = float(ratios[k])
    if slope(low) < 0 < slope(high):
        ratio = float(brentq(slope, low, high, xtol=1e-18, rtol=1e-14))
    beta = at(ratio)[0]
    effects = ratio * n / (1 + n * ratio) * (mean_y - mean_q @ beta) * size
    coefficients = np.linalg.solve(r, beta * size)
    coefficients[0] += y.mean()
    return coefficients, {str(s): float(e) for s, e in zip(names, effects, strict=True)}


def residual_sd(residual: np.ndarray, age: np.ndarray, age_mean: float, settings: NormSettings) -> list[float]:
    """SD of the residuals at `age_mean` and its change per ten years (0 where it is constant)."""
    import statsmodels.api as sm  # slow to load, and applying a norm needs none of it

    if settings.sd == "age":
        # E|residual| = SD sqrt(2 / pi) for a normal
        terms = sm.add_constant((age - age_mean) / 10)
        size = sm.OLS(np.abs(residual) * np.sqrt(np.pi / 2), terms).fit().params
        return [float(size[0]), float(size[1])]
    if settings.robust:
        # the median absolute deviation, divided by the normal's .6745 so that it estimates the SD
        return [float(sm.robust.mad(residual)), 0.0]
    # the study divides by the SD of the residuals (n - 1), not by the regression's standard error
    return [float(np.std(residual, ddof=1)), 0.0]
