"""Control norms: what a healthy person of this age, sex, head size and site would measure.

z = (expected - measured) / SD for measures that fall with disease, (measured - expected) / SD for those that
rise, so that positive always means abnormal. Fitted on controls only.
"""

from __future__ import annotations

import json
import logging
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from .. import __version__
from ..errors import InputError, NeuraxisWarning, counted, name_some
from ..progress import steps
from ..streams import stream
from ..tables import check_seal, write_json
from .covariance import NoiseCovariance, noise_covariance
from .design import design, head_size_corrected, linear, spread
from .fit import POOLED, as_pooled, fit_one, offset_sites, pooled_sites, sites_of
from .harmonisation import apply_combat, learn_combat, plain
from .inputs import aligned, covariates, values_of
from .settings import STUDY, NormSettings, check_head_size, needs_head_size, settings_of
from .stored import COMBAT_DIGITS, problem_of, settled, trial_problem

__all__ = ["FORMAT", "POOLED", "STUDY", "NormSettings", "Norms", "fit_norms", "zscores"]

log = logging.getLogger(__name__)
FORMAT = "neuraxis-norms/2"
#: Formats that `Norms.from_dict` reads: the first had no covariance.
READABLE = ("neuraxis-norms/1", FORMAT)


@dataclass
class Norms:
    """Fitted norms of several biomarkers; see `fit_norms` and `Norms.apply`.

    Attributes
    ----------
    settings : dict of str to NormSettings
        Per biomarker.
    direction : dict of str to {"fall", "rise"}
    models : dict of str to dict
        Per biomarker, the numbers of `fit.fit_one`.
    controls : dict
        Counts and ranges: n, age_range, n_by_sex, sites, n_by_site, pooled_sites.
    combat : dict
        The harmonisation, empty without one.
    signed : tuple of str
        Biomarkers that may be zero or negative.
    covariance : NoiseCovariance or None
        Of the controls' out-of-sample z; None where the norm was fitted without them (`fit_norms` alone).

    Examples
    --------
    >>> who = pd.Index([f"sub-{i:02d}" for i in range(40)], name="participant_id")
    >>> people = pd.DataFrame({"age": np.arange(20, 60), "sex": ["F", "M"] * 20, "site": "A"}, index=who)
    >>> measures = pd.DataFrame({"thalamus": 15000.0 - 20 * people["age"]}, index=who)
    >>> measures["thalamus"] += np.tile([100.0, 100.0, -100.0, -100.0], 10)
    >>> norms = fit_norms(measures, people, {"thalamus": "fall"}, NormSettings(age="linear", head_size="none"))
    >>> norms
    Norms(1 biomarker; 40 controls of 20 to 59 years, 1 site)
    >>> norms.controls["n"], Norms.from_dict(norms.to_dict()).direction
    (40, {'thalamus': 'fall'})
    >>> import tempfile
    >>> new = norms.apply(measures[:2] - 500, people[:2])
    >>> bool((new["thalamus"] > 2).all())
    True
    >>> folder = tempfile.mkdtemp()
    >>> norms.save(f"{folder}/norms.json")
    >>> Norms.load(f"{folder}/norms.json").direction, norms.noise_table() is None
    ({'thalamus': 'fall'}, True)
    """

    settings: dict[str, NormSettings]
    direction: dict[str, str]
    models: dict[str, dict]
    controls: dict
    combat: dict = field(default_factory=dict)
    signed: tuple[str, ...] = ()
    covariance: NoiseCovariance | None = None

    def __repr__(self) -> str:
        low, high = self.controls["age_range"]
        whose = f"{counted(self.controls['n'], 'control')} of {low:g} to {high:g} years, {counted(len(self.controls['sites']), 'site')}"
        return (
            f"Norms({counted(len(self.models), 'biomarker')}; {whose}{'; with covariance' if self.covariance else ''})"
        )

    def apply(self, measures: pd.DataFrame, people: pd.DataFrame, *, quiet: bool = False) -> pd.DataFrame:
        """z-scores of people, positive = abnormal. A person's z never depends on who else is in the call.

        Parameters
        ----------
        measures : DataFrame
            Biomarkers and etiv, with participant_id as index or column; for scans participant_id and session_id.
        people : DataFrame
            age (years, at the scan), sex (M or F), site, with the same ids, in any order; more people are left aside.
        quiet : bool
            Do not warn about people outside the controls' range.

        Returns
        -------
        DataFrame
            By the ids, in the order of `measures`; NaN where a measure or covariate is missing.

        Raises
        ------
        InputError
            Rows that cannot be joined by id, a biomarker of the norm that is absent, a measure that is infinite, zero
            or negative, a sex without controls, or a site unknown to a norm that has a site term.
        """
        measures, people = aligned(measures, people)
        values, etiv = values_of(measures, list(self.models), self.signed)
        people = covariates(people)
        site = self._known_sites(people["site"], quiet)
        unseen = sorted(set(people["sex"].dropna()) - set(self.controls["n_by_sex"]))
        if unseen:
            raise InputError(f"no control of sex {', '.join(unseen)}; expected {', '.join(self.controls['n_by_sex'])}")
        if not quiet:
            self._warn_outside(people)
        return self._predict(values, people, etiv, site)

    def _predict(self, values: pd.DataFrame, people: pd.DataFrame, etiv: pd.Series, site: pd.Series) -> pd.DataFrame:
        """z of checked rows; missing where this norm has no controls of a person's sex or site."""
        if self.combat:
            values = apply_combat(self.combat, values, people, etiv, site)
        out = {}
        for name, model in self.models.items():
            settings = self.settings[name]
            y = head_size_corrected(values[name], etiv, settings.head_size, model["power"])
            expected = linear(design(people, etiv, site, settings, model), model["coefficients"])
            placed = people["sex"].isin(model.get("sex_codes", self.controls["n_by_sex"]))
            if settings.site == "random":
                expected = expected + site.map(model["site_effects"]).astype(float).fillna(0.0).to_numpy()
            if (known := offset_sites(model, settings)) is not None:
                placed &= site.isin(known)
            if settings.site != "none":
                placed &= site.notna()
            sign = 1.0 if self.direction[name] == "fall" else -1.0
            out[name] = (sign * (expected - y) / spread(people["age"], model)).where(placed)
        return pd.DataFrame(out, index=values.index)

    def _known_sites(self, site: pd.Series, quiet: bool) -> pd.Series:
        """Sites as the norm knows them; unknown ones are refused where the norm has a site term."""
        if all(s.site == "none" for s in self.settings.values()):
            unseen = sorted(set(site.dropna()) - set(self.controls["sites"]))
            if unseen and not quiet:
                warnings.warn(
                    f"{counted(int(site.isin(unseen).sum()), 'person comes', 'people come')} from sites without controls in this norm: "
                    f"{name_some(unseen)}; a shift of their scanner would look like disease",
                    NeuraxisWarning,
                    stacklevel=4,
                )
            return site
        site = as_pooled(site, self.controls["pooled_sites"])
        unknown = sorted(set(site.dropna()) - set(self.controls["sites"]))
        if unknown:
            raise InputError(
                f"sites without controls in this norm: {name_some(unknown)}; a norm with a site term cannot place their "
                "people. Add controls of the site, or set normative.site to none"
            )
        for name, model in self.models.items():
            known = offset_sites(model, self.settings[name])
            unplaced = [] if known is None else sorted(set(site.dropna()) - set(known))
            if unplaced and not quiet:
                warnings.warn(
                    f"{name} is measured in too few controls of {name_some(unplaced)}: its z is missing for all people "
                    "scanned there",
                    NeuraxisWarning,
                    stacklevel=4,
                )
        return site

    def _warn_outside(self, people: pd.DataFrame) -> None:
        low, high = self.controls["age_range"]
        outside = people.index[(people["age"] < low) | (people["age"] > high)]
        if len(outside):
            far = np.maximum(low - people.loc[outside, "age"], people.loc[outside, "age"] - high).max()
            warnings.warn(
                f"{counted(len(outside), 'person lies', 'people lie')} outside the controls' ages {low:g}-{high:g} years, by up to {far:.1f}: "
                f"{name_some(outside)}; their z are extrapolated",
                NeuraxisWarning,
                stacklevel=4,
            )

    def noise_table(self) -> pd.DataFrame | None:
        """The controls' covariance as a table by biomarker, (B, B); None in norms of the first edition.

        Returns
        -------
        DataFrame, shape (B, B), or None
        """
        if self.covariance is None:
            return None
        names = list(self.covariance.biomarkers)
        return pd.DataFrame(self.covariance.matrix, index=names, columns=names)

    def to_dict(self) -> dict:
        """Plain numbers and strings.

        Returns
        -------
        dict
        """
        return {
            "format": FORMAT,
            "neuraxis": __version__,
            "settings": {b: asdict(s) for b, s in self.settings.items()},
            "direction": self.direction,
            "models": self.models,
            "controls": self.controls,
            "combat": plain(self.combat),
            "signed": list(self.signed),
            "covariance": self.covariance.to_dict() if self.covariance else None,
        }

    def save(self, path) -> None:
        """Write as JSON.

        Parameters
        ----------
        path : path

        Raises
        ------
        StorageError
            The file cannot be written.
        """
        write_json(self.to_dict(), path)

    @classmethod
    def from_dict(cls, d: dict) -> Norms:
        """Undo `to_dict`, of this version or an earlier one.

        Parameters
        ----------
        d : dict

        Returns
        -------
        Norms

        Raises
        ------
        InputError
            Another format, or a damaged one.
        """
        if not isinstance(d, dict) or d.get("format") not in READABLE:
            found = d.get("format") if isinstance(d, dict) else type(d).__name__
            raise InputError(f"not a norm this version reads: format {found!r}, expected {FORMAT!r}")
        if words := problem_of(d):
            raise InputError(f"a damaged norm: {words}")
        kept = d.get("covariance")
        try:
            settings = {b: NormSettings(**s) for b, s in d["settings"].items()}
        except TypeError as error:
            raise InputError(f"a damaged norm: {error}") from None
        norms = cls(
            settings,
            d["direction"],
            d["models"],
            d["controls"],
            d["combat"],
            tuple(d.get("signed", ())),
            NoiseCovariance.from_dict(kept) if kept else None,
        )
        if norms.covariance is not None and not set(norms.covariance.biomarkers) <= set(norms.models):
            raise InputError("a damaged norm: its covariance is of other biomarkers")
        if words := trial_problem(norms):
            raise InputError(f"a damaged norm: {words}")
        return norms

    @classmethod
    def load(cls, path) -> Norms:
        """Read a file written by `save`.

        Parameters
        ----------
        path : path

        Returns
        -------
        Norms

        Raises
        ------
        InputError
            No such file, another format, or a damaged one.
        """
        try:
            raw = Path(path).read_bytes()
            check_seal(path, raw)
            return cls.from_dict(json.loads(raw.decode("utf-8")))
        except InputError as error:
            words = str(error)
            raise InputError(words if words.startswith(str(path)) else f"{path}: {words}") from None
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{path} is not a norm file: {error}") from None


def fit_norms(
    measures: pd.DataFrame,
    people: pd.DataFrame,
    direction: dict[str, str],
    settings: NormSettings,
    overrides: dict | None = None,
    *,
    signed=(),
) -> Norms:
    """Fit norms on controls.

    Parameters
    ----------
    measures : DataFrame
        Controls only, with participant_id as index or column: biomarkers and etiv (mm3).
    people : DataFrame
        age, sex, site, with the same ids, in any order; more people are left aside.
    direction : dict of str to {"fall", "rise"}
        Per biomarker, the direction of change with disease; its keys are the biomarkers.
    settings : NormSettings
    overrides : dict of str to dict, optional
        Other choices for single biomarkers, e.g. ``{"cord_csa": {"head_size": "none"}}``.
    signed : collection of str
        Biomarkers that may be zero or negative; in all others such values are refused.

    Returns
    -------
    Norms

    Raises
    ------
    InputError
        No or too few controls, measures that cannot be (infinite, zero, negative), a constant measure, collinear
        covariates, small sites with ``small_sites="refuse"`` or too few for a pool, one site only for ComBat,
        overrides of unknown biomarkers.

    Examples
    --------
    >>> who = pd.Index([f"sub-{i:02d}" for i in range(40)], name="participant_id")
    >>> people = pd.DataFrame({"age": np.arange(20, 60), "sex": ["F", "M"] * 20, "site": "A"}, index=who)
    >>> measures = pd.DataFrame({"thalamus": 15000.0 - 20 * people["age"], "etiv": 1.5e6}, index=who)
    >>> measures["thalamus"] += np.tile([100.0, 100.0, -100.0, -100.0], 10)
    >>> norms = fit_norms(measures, people, {"thalamus": "fall"}, NormSettings(age="linear", head_size="none"))
    >>> norms.apply(measures.head(1).assign(thalamus=14000.0), people).round(1)["thalamus"].tolist()
    [6.1]
    """
    if len(measures) == 0:
        raise InputError("no controls: a norm needs healthy people; check cohort.control")
    own = settings_of(direction, settings, overrides)
    measures, people = aligned(measures, people)
    values, etiv = values_of(measures, list(direction), signed)
    check_head_size(etiv, own)
    people = covariates(people)
    pooled = pooled_sites(people["site"], settings) if has_site_term(own) else []
    return _fit(values, people, etiv, direction, own, pooled, signed)


def has_site_term(own: dict[str, NormSettings]) -> bool:
    """Whether any biomarker's norm tells sites apart."""
    return any(s.site != "none" for s in own.values())


def _fit(values, people, etiv, direction, own, pooled, signed, placed=None) -> Norms:
    """Norms on checked rows of controls; `pooled` and `placed` (sites per biomarker) are the whole's in a fold."""
    # by id, for the penalty search of ComBat-GAM divides people by their rows
    order = sorted(values.index)
    values, people, etiv = values.loc[order], people.loc[order], etiv.loc[order]
    site = as_pooled(people["site"], pooled)
    combat = {}
    harmonised = {s.site for s in own.values()} & {"combat", "combat_gam"}
    placed = placed or {b: sites_of(values[b], site, own[b]) for b in direction}
    if harmonised:
        curved = any(s.age != "linear" for s in own.values())
        how = {"curved": curved, "gam": harmonised == {"combat_gam"}, "sized": bool(needs_head_size(own))}
        combat = settled(learn_combat(values, people, etiv, site, **how), COMBAT_DIGITS)
        values = apply_combat(combat, values, people, etiv, site)
    models = {
        b: settled(fit_one(b, values[b], people, etiv, site, own[b], placed[b])) for b in steps(direction, "biomarkers")
    }
    controls = {
        "n": len(values),
        "age_range": [float(people["age"].min()), float(people["age"].max())],
        "n_by_sex": {k: int(v) for k, v in people["sex"].value_counts().sort_index().items()},
        "sites": sorted(site.dropna().unique()),
        "n_by_site": {k: int(v) for k, v in site.value_counts().sort_index().items()},
        "pooled_sites": list(pooled),
    }
    return Norms(own, dict(direction), models, controls, combat, tuple(sorted(signed)))


def folds_of(values: pd.DataFrame, site: pd.Series, n_folds: int, seed: int) -> pd.Series:
    """Fold of every control: each site is dealt out over the folds, so that none loses all its controls to one fold.

    Parameters
    ----------
    values : DataFrame
        Measures by id. People with more missing ones are dealt out last, so that a biomarker measured in few people
        of a site is spread over folds too.
    site : Series
        Same index; sites after pooling.
    n_folds, seed : int

    Returns
    -------
    Series of int
        Same index; independent of the order of rows.
    """
    fold = pd.Series(-1, index=values.index)
    rng = stream(seed, "normative", "folds")
    label = site.astype(str)
    for s in sorted(label.unique()):
        mine = rng.permutation(sorted(values.index[label == s]))
        mine = mine[np.argsort(values.loc[mine].isna().sum(axis=1).to_numpy(), kind="stable")]
        fold.loc[mine] = (np.arange(len(mine)) + int(rng.integers(n_folds))) % n_folds
    return fold


def zscores(
    measures: pd.DataFrame,
    people: pd.DataFrame,
    control: str,
    direction,
    settings: NormSettings,
    overrides=None,
    *,
    seed: int = 1,
    signed=(),
) -> tuple[pd.DataFrame, Norms]:
    """z-scores of everyone: patients by the norm of all controls, controls by norms that did not see them.

    Parameters
    ----------
    measures, people : DataFrame
        As for `fit_norms`, of patients and controls; people also with group.
    control : str
        The group of the controls.
    direction, settings, overrides, signed
        See `fit_norms`.
    seed : int
        Of the division of the controls into folds.

    Returns
    -------
    DataFrame
        By participant_id, in the order of `measures`.
    Norms
        Of all controls, with the covariance of their out-of-sample z.

    Raises
    ------
    InputError
        As `fit_norms` and `Norms.apply`; fewer than two controls a fold.

    Examples
    --------
    >>> who = pd.Index([f"sub-{i:02d}" for i in range(41)], name="participant_id")
    >>> people = pd.DataFrame({"age": [*range(20, 60), 40], "sex": "F", "group": ["HC"] * 40 + ["MS"]}, index=who)
    >>> measures = pd.DataFrame({"thalamus": 15000.0 - 20 * people["age"]})
    >>> measures["thalamus"] += [*np.tile([100.0, -100.0], 20), -500.0]
    >>> plain = NormSettings(age="linear", head_size="none", folds=5)
    >>> z, norms = zscores(measures, people, "HC", {"thalamus": "fall"}, plain)
    >>> float(z.loc["sub-40", "thalamus"].round(1)), norms.controls["n"]
    (4.9, 40)
    """
    measures, people = aligned(measures, people)
    is_control = (people["group"] == control).to_numpy()
    if not is_control.any():
        raise InputError("no controls: a norm needs healthy people; check cohort.control")
    own = settings_of(direction, settings, overrides)
    values, etiv = values_of(measures, list(direction), signed)
    known = covariates(people)
    values, etiv, controls = values[is_control], etiv[is_control], known[is_control]
    check_head_size(etiv, own)
    pooled = pooled_sites(controls["site"], settings) if has_site_term(own) else []
    log.info(
        "norms of %s from %s at %s, for %s",
        counted(len(direction), "biomarker"),
        counted(len(values), "control"),
        counted(controls["site"].nunique(), "site"),
        counted(len(measures), "person"),
    )
    norms = _fit(values, controls, etiv, direction, own, pooled, signed)
    z = pd.DataFrame(np.nan, index=measures.index, columns=list(direction))
    if (~is_control).any():
        z.loc[~is_control] = norms.apply(measures[~is_control], people[~is_control])
    if len(values) < 2 * settings.folds:
        raise InputError(
            f"{counted(len(values), 'control is', 'controls are')} too few for {counted(settings.folds, 'fold')} of out-of-sample z; lower normative.folds"
        )
    site = as_pooled(controls["site"], pooled)
    fold = folds_of(values, site, settings.folds, seed)
    placed = {b: offset_sites(m, own[b]) or [] for b, m in norms.models.items()}
    for f in steps(range(settings.folds), "norms that do not see a fold of the controls"):
        held, train = fold == f, fold != f
        if held.any():
            part = _fit(values[train], controls[train], etiv[train], direction, own, pooled, signed, placed)
            z.loc[values.index[held]] = part._predict(values[held], controls[held], etiv[held], site[held])
    mine = z[is_control]
    inside = norms._predict(values, controls, etiv, site)
    gone = mine.columns[(mine.isna() & inside.notna()).any()]
    if len(gone):
        warnings.warn(
            f"some controls have no out-of-sample z of {name_some(gone)}: their folds' norms had no other control of "
            "their sex or site with it",
            NeuraxisWarning,
            stacklevel=2,
        )
    norms.covariance = noise_covariance(mine)
    return z, norms
