"""How a norm is built."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from ..errors import InputError, name_some

#: What every choice may be.
CHOICES = {
    "age": ("linear", "quadratic", "spline"),
    "head_size": ("covariate", "proportional", "power", "none"),
    "site": ("none", "fixed", "random", "combat", "combat_gam"),
    "small_sites": ("pool", "refuse"),
    "sd": ("constant", "age"),
}


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
        Sites with fewer controls are treated by `small_sites`; at least 3, so that every site keeps
        controls in every fold's training set.
    small_sites : {"pool", "refuse"}
        Treat them together as one site, or stop with their names. A pool that is itself too small is refused.
    sd : {"constant", "age"}
        One SD, or one that changes linearly with age.
    robust : bool
        Huber regression and median absolute deviation instead of least squares and SD.
    folds : int
        Folds in which the controls' own z are predicted by norms that did not see them.

    Raises
    ------
    InputError
        Another word, or a number that is too small; all of them in one message.

    Examples
    --------
    >>> NormSettings(age="linear", head_size="proportional").site
    'none'
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

    def __post_init__(self) -> None:
        problems = [
            f"normative.{key} must be one of {', '.join(words)}, not {getattr(self, key)!r}"
            for key, words in CHOICES.items()
            if getattr(self, key) not in words
        ]
        problems += [
            f"normative.{key} must be a whole number of at least {least}, not {getattr(self, key)!r}"
            for key, least in (("min_site_controls", 3), ("folds", 2))
            if not isinstance(getattr(self, key), int) or getattr(self, key) < least
        ]
        problems += [
            f"normative.{key} must be true or false, not {getattr(self, key)!r}"
            for key in ("age_by_sex", "robust")
            if not isinstance(getattr(self, key), bool)
        ]
        if problems:
            raise InputError("; ".join(problems))


def needs_head_size(own: dict[str, NormSettings]) -> list[str]:
    """Biomarkers whose norm has a head-size term."""
    return [b for b, s in own.items() if s.head_size != "none"]


def check_head_size(etiv, own: dict[str, NormSettings]) -> None:
    """Refuse norms with a head-size term where nobody's head size is known.

    Parameters
    ----------
    etiv : Series
        mm3.
    own : dict of str to NormSettings
        See `settings_of`.

    Raises
    ------
    InputError
        With the biomarkers and the remedies.
    """
    if (names := needs_head_size(own)) and etiv.isna().all():
        raise InputError(
            f"nobody has a head size (etiv), and the norms of {name_some(names)} have a head-size term: give it (a column "
            "etiv in mm3, or the table features.etiv), or set normative.head_size to none (for some: normative.overrides)"
        )


#: Linear age, sex and eTIV, SD of the controls, no site term: as published.
STUDY = NormSettings(age="linear", age_by_sex=False, head_size="covariate", site="none")


def settings_of(biomarkers, settings: NormSettings, overrides: dict | None = None) -> dict[str, NormSettings]:
    """Settings of every biomarker: the common ones, changed by its overrides.

    Raises
    ------
    InputError
        Overrides of an unknown biomarker or of an unknown key; a site term of its own beside ComBat.
    """
    overrides = overrides or {}
    unknown = sorted(set(overrides) - set(biomarkers))
    if unknown:
        raise InputError(f"normative.overrides names unknown biomarkers: {name_some(unknown)}")
    keys = [f.name for f in fields(NormSettings)]
    for name, changes in overrides.items():
        wrong = sorted(set(changes) - set(keys))
        if wrong:
            raise InputError(
                f"normative.overrides of {name} has unknown keys: {name_some(wrong)}; known are {', '.join(keys)}"
            )
    own = {b: NormSettings(**{**asdict(settings), **overrides.get(b, {})}) for b in biomarkers}
    terms = {s.site for s in own.values()}
    if len(terms) > 1 and terms & {"combat", "combat_gam"}:
        raise InputError(
            "ComBat pools over biomarkers: normative.overrides cannot change site for single ones beside it"
        )
    return own
