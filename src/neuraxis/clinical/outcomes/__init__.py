"""Types of outcome, one file each. A new type is a new file with a subclass of `Outcome` and its entry in `KINDS`."""

from __future__ import annotations

from ...errors import InputError
from .base import Outcome
from .binary import Binary
from .bounded import Bounded
from .categorical import Categorical
from .continuous import Continuous, Robust
from .count import Count
from .discrete import Discrete
from .ordinal import Ordinal
from .survival import Survival

#: Every type by its name in the configuration.
KINDS: dict[str, type[Outcome]] = {
    kind.type: kind for kind in (Ordinal, Count, Continuous, Robust, Bounded, Binary, Discrete, Survival, Categorical)
}


def declare(name: str, column: str, type: str, covariates=(), **options) -> Outcome:  # noqa: A002
    """An outcome as the configuration declares it.

    Parameters
    ----------
    name, column, type : str
        What it is called, its column in participants.tsv, and a key of `KINDS`.
    covariates : sequence of str
    **options
        Other parameters of `Outcome`.

    Returns
    -------
    Outcome

    Raises
    ------
    InputError
        An unknown type, or options that the type cannot do without.

    Examples
    --------
    >>> declare("relapses", "relapses", "count", exposure="years").exposure
    'years'
    """
    if type not in KINDS:
        raise InputError(f"clinical outcome {name}: unknown type {type!r}; one of {', '.join(KINDS)}")
    return KINDS[type](name, column, covariates=covariates, **options)


def declared_for(outcomes, disease: str) -> list[Outcome]:
    """The declared outcomes (mappings of the configuration) that are outcomes of a disease.

    Parameters
    ----------
    outcomes : sequence of dict
    disease : str

    Returns
    -------
    list of Outcome

    Examples
    --------
    >>> both = [{"name": "EDSS", "column": "edss", "type": "ordinal"},
    ...         {"name": "SPMS", "column": "spms", "type": "survival", "time": "years", "diseases": ["MS"]}]
    >>> [o.name for o in declared_for(both, "NMOSD")]
    ['EDSS']
    """
    made = [declare(**o) for o in outcomes]
    return [o for o in made if not o.diseases or disease in o.diseases]


__all__ = ["KINDS", "Outcome", "declare", "declared_for"]
