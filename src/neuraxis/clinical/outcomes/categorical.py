"""Categories: chi-square, or Fisher's exact test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..fit import Fit
from .base import Outcome


@dataclass(frozen=True)
class Categorical(Outcome):
    """Any difference between groups; no model of its own."""

    type: ClassVar[str] = "categorical"
    effect: ClassVar[str] = "Cramer's V"
    linear: ClassVar[bool] = True
    numeric: ClassVar[bool] = False
    nested: ClassVar[bool] = False
    drawn: ClassVar[str] = ""
    against_stage: ClassVar[bool] = False
    ranked: ClassVar[bool] = False
    direction: ClassVar[tuple[str, str]] = ("{o} differs between the groups", "{o} differs between the groups")

    def fit(self, cases, terms, plan=None) -> Fit:
        """There is none: `associations` tests categories against groups."""
        raise NotImplementedError("categories are tested against groups, not modelled")
