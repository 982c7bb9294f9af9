"""The norm of one biomarker, and which sites a norm tells apart."""

from __future__ import annotations

import logging
import math
import warnings

import numpy as np
import pandas as pd

from ..errors import InputError, NeuraxisWarning, name_some
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
            f"sites with fewer than {settings.min_site_controls} controls: {named}; {remedy}, or set "
            "normative.small_sites to pool"
        )
    together = int(counts[small].sum())
    if together < settings.min_site_controls:
        raise InputError(
            f"sites with fewer than {settings.min_site_controls} controls: {named}; pooled they have only {together}, "
            f"which is no norm for the people scanned there; {remedy}"
        )
    log.warning(
        "sites pooled for having fewer than %d controls: %s; the pool has %d",
        settings.min_site_controls,
        named,
        together,
    )
    if len(small) == len(counts):
        warnings.warn(
            f"every site has fewer than {settings.min_site_controls} controls ({named}): all are pooled, so that this "
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
        Sites that may have an offset of their own (`site="fixed"`); controls of others are left out.

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
    if settings.site == "fixed":
        known &= site.isin(sites)
    elif settings.site == "random":
        known &= site.notna()
    y, people, etiv, site = y[known], people[known], etiv[known], site[known]
    if len(y) < 3:
        raise InputError(f"{name}: too few values of {len(y)} controls; no norm can be fitted")
    if np.ptp(y) == 0:
        raise InputError(f"{name}: constant in {len(y)} controls; no norm can be fitted")
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
        raise InputError(f"{name}: {len(y)} controls for {X.shape[1]} parameters; simplify normative or add controls")
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
    centre, scaled = float(np.mean(target)), float(np.std(target))
    model = sm.MixedLM((target - centre) / scaled, X, groups=site)
    # gradients of the default methods break down where the sites' variance is nearly 0; Powell's needs none
    for method in (None, "powell"):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                mixed = model.fit(method=method)
                found = mixed.random_effects if mixed.cov_re.iloc[0, 0] > 1e-10 else {}
        except np.linalg.LinAlgError:
            continue
        if mixed.converged:
            break
    else:
        raise InputError(
            f"{name}: the random site effect could not be estimated in {site.nunique()} sites; set normative.site to "
            "fixed or none"
        )
    coefficients = np.asarray(mixed.fe_params) * scaled
    coefficients[0] += centre
    effects = dict.fromkeys(sorted(site.unique()), 0.0)  # what a variance of 0 says of every site
    return coefficients, effects | {str(k): float(v.iloc[0]) * scaled for k, v in found.items()}


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
