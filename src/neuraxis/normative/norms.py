"""Control norms: what a healthy person of this age, sex, head size and site would measure.

z = (expected - measured) / SD for measures that fall with disease, (measured - expected) / SD for those that
rise, so that positive always means abnormal. Fitted on controls only.
"""

from __future__ import annotations

import json
import logging
import warnings
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.api as sm
from statsmodels.gam import generalized_additive_model as gam_models

from .. import __version__
from ..errors import InputError, NeuraxisWarning, name_some
from ..streams import stream
from ..tables import write_json

log = logging.getLogger(__name__)
FORMAT = "neuraxis-norms/1"
POOLED = "pooled small sites"


@dataclass(frozen=True)
class NormSettings:
    """How the norm is built.

    Parameters
    ----------
    age : {"linear", "quadratic", "spline"}
        Spline: restricted cubic with knots at the 10th, 50th and 90th percentile of the controls.
    age_by_sex : bool
        Let the slope of age differ between the sexes.
    head_size : {"covariate", "proportional", "power", "none"}
        eTIV as covariate; measure / eTIV; measure / eTIV^b with b from the controls; or left aside.
    site : {"none", "fixed", "random", "combat", "combat_gam"}
        No site term; one offset per site; a random intercept, whose site estimates are shrunk to 0 the more
        the fewer controls a site has; ComBat (neuroHarmonize) learnt on controls, with age (its curvature
        included where `age` is not linear), sex and eTIV preserved; or ComBat-GAM, with a smooth of age.
    min_site_controls : int
        Sites with fewer controls are treated by `small_sites`.
    small_sites : {"pool", "refuse"}
        Treat them together as one site, or stop with their names.
    sd : {"constant", "age"}
        One SD, or one that changes linearly with age.
    robust : bool
        Huber regression and median absolute deviation instead of least squares and SD.
    folds : int
        Folds in which the controls' own z are predicted by norms that did not see them.
    """

    age: str = "spline"
    age_by_sex: bool = True
    head_size: str = "covariate"
    site: str = "none"
    min_site_controls: int = 10
    small_sites: str = "pool"
    sd: str = "constant"
    robust: bool = False
    folds: int = 10

    def __post_init__(self):
        allowed = {
            "age": ("linear", "quadratic", "spline"),
            "head_size": ("covariate", "proportional", "power", "none"),
            "site": ("none", "fixed", "random", "combat", "combat_gam"),
            "small_sites": ("pool", "refuse"),
            "sd": ("constant", "age"),
        }
        for key, words in allowed.items():
            if getattr(self, key) not in words:
                raise InputError(f"normative.{key} must be one of {', '.join(words)}, not {getattr(self, key)!r}")


#: Linear age, sex and eTIV, SD of the controls, no site term: as published.
STUDY = NormSettings(age="linear", age_by_sex=False, head_size="covariate", site="none")


@dataclass
class Norms:
    """Fitted norms of several biomarkers; see `fit_norms` and `Norms.apply`."""

    settings: dict[str, NormSettings]
    direction: dict[str, str]
    models: dict[str, dict]
    controls: dict
    combat: dict = field(default_factory=dict)

    def apply(self, measures: pd.DataFrame, people: pd.DataFrame, *, quiet: bool = False) -> pd.DataFrame:
        """z-scores of people, positive = abnormal.

        Parameters
        ----------
        measures : DataFrame
            Indexed by participant_id; biomarkers and etiv.
        people : DataFrame
            Same index; age (years), sex (M or F), site.
        quiet : bool
            Do not warn about people outside the controls' range.

        Returns
        -------
        DataFrame
            NaN where a measure or covariate is missing.

        Raises
        ------
        InputError
            A biomarker of the norm is absent, or a site is unknown to a norm that has a site term.
        """
        absent = [b for b in self.models if b not in measures.columns]
        if absent:
            raise InputError(f"measures lack biomarkers of the norm: {name_some(absent)}")
        people = people.loc[measures.index]
        site = self._known_sites(people["site"], quiet)
        if not quiet:
            self._warn_outside(people)
        values = measures[list(self.models)].astype(float)
        if self.combat:
            values = apply_combat(self.combat, values, people, measures["etiv"], site)
        out = {}
        for name, model in self.models.items():
            settings = self.settings[name]
            y = head_size_corrected(values[name], measures["etiv"], settings.head_size, model["power"])
            expected = design(people, measures["etiv"], site, settings, model) @ np.asarray(model["coefficients"])
            if settings.site == "random":
                expected = expected + site.map(model["site_effects"]).fillna(0.0).to_numpy()
            sd = spread(people["age"], model)
            sign = 1.0 if self.direction[name] == "fall" else -1.0
            out[name] = sign * (expected - y) / sd
        return pd.DataFrame(out, index=measures.index)

    def _known_sites(self, site: pd.Series, quiet: bool) -> pd.Series:
        """Sites as the norm knows them; unknown ones are refused where the norm has a site term."""
        if all(s.site == "none" for s in self.settings.values()):
            unseen = sorted(set(site.dropna().astype(str)) - set(self.controls["sites"]))
            if unseen and not quiet:
                n = int(site.astype(str).isin(unseen).sum())
                warnings.warn(
                    f"{n} people come from sites without controls in this norm: {name_some(unseen)}; a shift of their "
                    "scanner would look like disease",
                    NeuraxisWarning,
                    stacklevel=4,
                )
            return site
        small = set(self.controls["pooled_sites"])
        site = site.where(~site.isin(small), POOLED)
        unknown = sorted(set(site.dropna()) - set(self.controls["sites"]))
        if unknown:
            raise InputError(
                f"sites without controls in this norm: {name_some(unknown)}; a norm with a site term cannot place their "
                "people. Add controls of the site, or set normative.site to none"
            )
        return site

    def _warn_outside(self, people: pd.DataFrame) -> None:
        low, high = self.controls["age_range"]
        outside = people.index[(people["age"] < low) | (people["age"] > high)]
        if len(outside):
            far = np.maximum(low - people.loc[outside, "age"], people.loc[outside, "age"] - high).max()
            warnings.warn(
                f"{len(outside)} people lie outside the controls' ages {low:g}-{high:g} years, by up to {far:.1f}: "
                f"{name_some(outside)}; their z are extrapolated",
                NeuraxisWarning,
                stacklevel=3,
            )
        unseen = sorted(set(people["sex"].dropna()) - set(self.controls["n_by_sex"]))
        if unseen:
            raise InputError(f"no control of sex {', '.join(unseen)}; expected {', '.join(self.controls['n_by_sex'])}")

    def to_dict(self) -> dict:
        """Plain numbers and strings."""
        return {
            "format": FORMAT,
            "neuraxis": __version__,
            "settings": {b: asdict(s) for b, s in self.settings.items()},
            "direction": self.direction,
            "models": self.models,
            "controls": self.controls,
            "combat": _plain(self.combat),
        }

    def save(self, path) -> None:
        """Write as JSON."""
        write_json(self.to_dict(), path)

    @classmethod
    def from_dict(cls, d: dict) -> Norms:
        """Undo `to_dict`; InputError for another format."""
        if d.get("format") != FORMAT:
            raise InputError(f"not a norm this version reads: format {d.get('format')!r}, expected {FORMAT!r}")
        return cls(
            {b: NormSettings(**s) for b, s in d["settings"].items()},
            d["direction"],
            d["models"],
            d["controls"],
            d["combat"],
        )

    @classmethod
    def load(cls, path) -> Norms:
        """Read a file written by `save`."""
        try:
            return cls.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
        except (OSError, json.JSONDecodeError) as error:
            raise InputError(f"{path} is not a norm file: {error}") from None


def head_size_corrected(y, etiv, how: str, power: float):
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
    """Design matrix (M, p) by the columns that the norm was fitted with."""
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
        columns += [(site == s).to_numpy(float) for s in model["sites"][1:]]
    return np.column_stack(columns)


def spread(age, model: dict) -> np.ndarray:
    """SD of healthy people at an age: constant, or linear in age and at least a quarter of the mean SD."""
    intercept, slope = model["sd"]
    return np.maximum(intercept + slope * (np.asarray(age, float) - model["age_mean"]) / 10, 0.25 * intercept)


def fit_one(name: str, y: pd.Series, people, etiv, site, settings: NormSettings) -> dict:
    """Fit the norm of one biomarker on controls; see `fit_norms` for the errors."""
    known = y.notna() & people["age"].notna() & people["sex"].notna()
    if settings.head_size != "none":
        known &= etiv.notna()
    y, people, etiv, site = y[known], people[known], etiv[known], site[known]
    if len(y) < 3 or np.ptp(y) == 0:
        raise InputError(
            f"{name}: {'constant in' if len(y) >= 3 else 'too few values of'} {len(y)} controls; no norm can be fitted"
        )
    power = {"proportional": 1.0}.get(settings.head_size, 0.0)
    if settings.head_size == "power":
        # a measure's own scaling with head size, from the controls; age and sex held, or their share goes into it
        terms = pd.DataFrame({"etiv": np.log(etiv), "age": people["age"], "male": (people["sex"] == "M").astype(float)})
        power = float(sm.OLS(np.log(y), sm.add_constant(terms)).fit().params["etiv"])
    model = {
        "power": power,
        "age_mean": float(people["age"].mean()),
        "knots": np.percentile(people["age"], [10, 50, 90]).tolist(),
        "sexes": int(people["sex"].nunique()),
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
    effects = {}
    if settings.site == "random":
        if site.nunique() < 2:
            raise InputError(
                f"{name}: a random site effect needs at least two sites with controls; set normative.site to none"
            )
        scaled = np.std(target)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mixed = sm.MixedLM(target / scaled, X, groups=site).fit()
        coefficients = np.asarray(mixed.fe_params) * scaled
        effects = {str(k): float(v.iloc[0]) * scaled for k, v in mixed.random_effects.items()}
    else:
        fit = (sm.RLM(target, X, M=sm.robust.norms.HuberT()) if settings.robust else sm.OLS(target, X)).fit()
        coefficients = np.asarray(fit.params)
    residual = np.asarray(target - X @ coefficients) - (site.map(effects).to_numpy() if effects else 0.0)
    if settings.robust:
        scale = float(sm.robust.mad(residual))
    else:
        # the study divides by the SD of the residuals (n - 1), not by the regression's standard error
        scale = float(np.std(residual, ddof=1))
    if scale <= 1e-9 * np.abs(target).mean():
        raise InputError(f"{name}: covariates explain the controls completely; no SD is left")
    sd = [scale, 0.0]
    if settings.sd == "age":
        a = (people["age"].to_numpy() - model["age_mean"]) / 10
        # E|residual| = SD sqrt(2 / pi) for a normal
        size = sm.OLS(np.abs(residual) * np.sqrt(np.pi / 2), sm.add_constant(a)).fit().params
        sd = [float(size[0]), float(size[1])]
    if effects:
        model["site_effects"] = effects
    return {
        **model,
        "coefficients": coefficients.tolist(),
        "sd": sd,
        "n": len(y),
        "r_squared": float(1 - residual.var() / np.var(target)),
    }


def fit_norms(
    measures: pd.DataFrame,
    people: pd.DataFrame,
    direction: dict[str, str],
    settings: NormSettings,
    overrides: dict | None = None,
) -> Norms:
    """Fit norms on controls.

    Parameters
    ----------
    measures : DataFrame
        Controls only, indexed by participant_id: biomarkers and etiv (mm3).
    people : DataFrame
        Same index: age, sex, site.
    direction : dict of str to {"fall", "rise"}
        Per biomarker, the direction of change with disease; its keys are the biomarkers.
    settings : NormSettings
    overrides : dict of str to dict, optional
        Other choices for single biomarkers, e.g. ``{"cord_csa": {"head_size": "none"}}``.

    Returns
    -------
    Norms

    Raises
    ------
    InputError
        No or too few controls, a constant measure, collinear covariates, small sites with
        ``small_sites="refuse"``, one site only for ComBat, overrides of unknown biomarkers.
    """
    if len(measures) == 0:
        raise InputError("no controls: a norm needs healthy people; check cohort.control")
    unknown = sorted(set(overrides or {}) - set(direction))
    if unknown:
        raise InputError(f"normative.overrides names unknown biomarkers: {name_some(unknown)}")
    people = people.loc[measures.index]
    own = {b: NormSettings(**{**asdict(settings), **(overrides or {}).get(b, {})}) for b in direction}
    site = people["site"].fillna("unknown site").astype(str)
    pooled: list[str] = []
    if any(s.site != "none" for s in own.values()):
        counts = site.value_counts()
        pooled = sorted(counts.index[counts < settings.min_site_controls])
        if pooled and settings.small_sites == "refuse":
            raise InputError(
                f"sites with fewer than {settings.min_site_controls} controls: {name_some(pooled)}; add controls, lower "
                "normative.min_site_controls, or set normative.small_sites to pool"
            )
        site = site.where(~site.isin(pooled), POOLED)
        if pooled:
            log.warning(
                "sites pooled for having fewer than %d controls: %s", settings.min_site_controls, ", ".join(pooled)
            )
    values, combat = measures, {}
    harmonised = {s.site for s in own.values()} & {"combat", "combat_gam"}
    if len(harmonised) > 1 or (harmonised and len({s.site for s in own.values()}) > 1):
        raise InputError(
            "ComBat pools over biomarkers: normative.overrides cannot change site for single ones beside it"
        )
    if harmonised:
        curved = any(s.age != "linear" for s in own.values())
        gam = harmonised == {"combat_gam"}
        combat = learn_combat(measures[list(direction)], people, measures["etiv"], site, curved=curved, gam=gam)
        values = measures.copy()
        values[list(direction)] = apply_combat(combat, measures[list(direction)], people, measures["etiv"], site)
    models = {b: fit_one(b, values[b].astype(float), people, measures["etiv"], site, own[b]) for b in direction}
    controls = {
        "n": len(measures),
        "age_range": [float(people["age"].min()), float(people["age"].max())],
        "n_by_sex": {k: int(v) for k, v in people["sex"].value_counts().sort_index().items()},
        "sites": sorted(site.unique()),
        "n_by_site": {k: int(v) for k, v in site.value_counts().sort_index().items()},
        "pooled_sites": pooled,
    }
    return Norms(own, dict(direction), models, controls, combat)


#: What harmonizationApply reads of a learnt model. The rest (design, fitted means) is people's data and stays out of the file.
COMBAT_KEYS = ("SITE_labels", "B_hat", "var_pooled", "gamma_star", "delta_star")


def _covariates(people, etiv, site, knots, smooth) -> pd.DataFrame:
    age = people["age"].astype(float)
    if smooth:
        # B-splines end at the controls' ages; beyond them the nearest one counts
        age = age.clip(smooth[0], smooth[-1])
    table = pd.DataFrame(
        {"SITE": site, "AGE": age, "MALE": (people["sex"] == "M").astype(float), "ETIV": etiv.astype(float) / 1e6}
    )
    if knots:
        table["AGE_CURVE"] = spline_term(age.to_numpy(), knots)
    return table


@contextmanager
def seeded_penalty_search():
    """Make the penalty search of the library's GAM repeatable.

    It shuffles cross-validation folds without a seed and offers no way to pass one; unseeded, two fits to the
    same controls differ by up to 0.2 % of a volume.
    """
    original = gam_models.KFold
    gam_models.KFold = lambda *args, **kwargs: original(*args, **{**kwargs, "rng": 0})
    try:
        yield
    finally:
        gam_models.KFold = original


def learn_combat(values: pd.DataFrame, people, etiv, site, *, curved: bool = False, gam: bool = False) -> dict:
    """ComBat of neuroHarmonize learnt on controls; a dict of plain lists.

    Age, sex and eTIV are preserved; with `curved` also a restricted cubic spline of age, with `gam` the library's
    penalised smooth of age (ComBat-GAM, Pomponio et al. 2020, NeuroImage 208:116450) in place of both.
    """
    from neuroHarmonize import harmonizationLearn

    if site.nunique() < 2:
        raise InputError("ComBat needs at least two sites with controls; set normative.site to none")
    if values.isna().any().any():
        raise InputError(f"ComBat needs complete controls; missing: {name_some(values.columns[values.isna().any()])}")
    knots = np.percentile(people["age"], [10, 50, 90]).tolist() if curved and not gam else []
    with warnings.catch_warnings(), seeded_penalty_search():
        warnings.simplefilter("ignore")
        model, _ = harmonizationLearn(
            values.to_numpy(float), _covariates(people, etiv, site, knots, []), smooth_terms=["AGE"] if gam else []
        )
    smooth = model["smooth_model"]["bsplines_constructor"].smoothers[0].knots.tolist() if gam else []
    return {
        **{k: _plain(model[k]) for k in COMBAT_KEYS},
        "stand_mean": _plain(model["stand_mean"][:, [0]]),
        "biomarkers": list(values.columns),
        "age_knots": knots,
        "smooth_knots": smooth,
    }


def apply_combat(combat: dict, values: pd.DataFrame, people, etiv, site) -> pd.DataFrame:
    """Values with the sites' shifts and scales removed; rows with a missing value come back missing."""
    from neuroHarmonize import harmonizationApply
    from statsmodels.gam.api import BSplines

    complete = values.notna().all(axis=1) & people["age"].notna() & people["sex"].notna() & etiv.notna()
    out = values.astype(float) * np.nan
    if complete.any():
        model = {k: np.asarray(combat[k]) for k in (*COMBAT_KEYS, "stand_mean")} | {"info_dict": {}}
        covariates = _covariates(people, etiv, site, combat["age_knots"], combat["smooth_knots"])[complete]
        model["smooth_model"] = {"perform_smoothing": False, "smooth_cols": []}
        if combat["smooth_knots"]:
            knots = np.asarray(combat["smooth_knots"])
            basis = BSplines(
                np.linspace(knots[0], knots[-1], 50), df=[10], degree=[3], knot_kwds=[{"all_knots": knots}]
            )
            column = list(covariates.columns).index("AGE")
            model["smooth_model"] = {"perform_smoothing": True, "smooth_cols": [column], "bsplines_constructor": basis}
        out.loc[complete] = harmonizationApply(values[complete].to_numpy(float), covariates, model)
    return out


def _plain(value):
    """Arrays and numpy numbers as lists and Python numbers, recursively."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (np.ndarray, pd.Series)):
        return np.asarray(value).tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


def zscores(
    measures: pd.DataFrame,
    people: pd.DataFrame,
    control: str,
    direction,
    settings: NormSettings,
    overrides=None,
    *,
    seed: int = 1,
) -> tuple[pd.DataFrame, Norms]:
    """z-scores of everyone: patients by the norm of all controls, controls by norms that did not see them.

    Returns
    -------
    DataFrame
        Indexed by participant_id.
    Norms
        Of all controls.
    """
    is_control = (people.loc[measures.index, "group"] == control).to_numpy()
    norms = fit_norms(measures[is_control], people, direction, settings, overrides)
    z = pd.DataFrame(np.nan, index=measures.index, columns=list(direction))
    if (~is_control).any():
        z.loc[~is_control] = norms.apply(measures[~is_control], people)
    controls = measures.index[is_control]
    if len(controls) < 2 * settings.folds:
        raise InputError(
            f"{len(controls)} controls are too few for {settings.folds} folds of out-of-sample z; lower normative.folds"
        )
    site = people.loc[controls, "site"]
    fold = np.empty(len(controls), int)
    rng = stream(seed, "normative", "folds")
    for s in sorted(site.astype(str).unique()):
        rows = rng.permutation(np.flatnonzero(site.astype(str) == s))
        fold[rows] = (np.arange(len(rows)) + int(rng.integers(settings.folds))) % settings.folds
    for f in range(settings.folds):
        held = controls[fold == f]
        if len(held):
            part = fit_norms(measures.loc[controls[fold != f]], people, direction, settings, overrides)
            if part.controls["pooled_sites"] != norms.controls["pooled_sites"]:
                log.warning("fold %d pools other sites than the whole: %s", f, part.controls["pooled_sites"])
            z.loc[held] = part.apply(measures.loc[held], people, quiet=True)
    return z, norms
