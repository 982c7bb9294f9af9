"""Subtype and Stage Inference (SuStaIn): data-driven subtypes and stages from z-scores.

Usable by itself: ``from neuraxis.sustain import ZScoreEvents, fit, cross_validate, SustainModel``.
"""

from ..streams import stream
from .crossval import (
    CrossValidation,
    cross_validate,
    make_folds,
    out_of_fold,
    out_of_fold_posterior,
    selection_table,
    stability,
)
from .diagnostics import convergence, verdict
from .em import Point, Variant
from .events import ZScoreEvents, choose_events, declared_events
from .likelihood import mixture_log_likelihood, uniform_weights
from .mcmc import Draws
from .model import SustainModel, fit
from .peer import import_peer
from .simulate import simulate
from .staging import draw_labels, summarise

__all__ = [
    "CrossValidation",
    "Draws",
    "Point",
    "SustainModel",
    "Variant",
    "ZScoreEvents",
    "choose_events",
    "convergence",
    "cross_validate",
    "declared_events",
    "draw_labels",
    "fit",
    "import_peer",
    "make_folds",
    "mixture_log_likelihood",
    "out_of_fold",
    "out_of_fold_posterior",
    "selection_table",
    "simulate",
    "stability",
    "stream",
    "summarise",
    "uniform_weights",
    "verdict",
]
