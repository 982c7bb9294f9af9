"""Subtype and Stage Inference (SuStaIn): data-driven subtypes and stages.

Usable by itself: ``from neuraxis.sustain import ZScoreEvents, fit, cross_validate, SustainModel``.
"""

from ..streams import stream
from .crossval import (
    CrossValidation,
    Selection,
    cross_validate,
    fit_part,
    held_out,
    make_folds,
    out_of_fold,
    out_of_fold_posterior,
    select,
    selection_table,
    stability,
)
from .diagnostics import convergence, verdict
from .families import (
    DensityEvents,
    MixedEvents,
    MixtureEvents,
    OrdinalEvents,
    ZScoreEvents,
    choose_events,
    declared_events,
    events_from_dict,
)
from .model import SustainModel, fit
from .problem import mixture_log_likelihood, null_log_density, uniform_weights
from .pysustain import import_peer
from .simulate import simulate
from .staging import draw_labels, summarise
from .state import Draws, FitSettings, Parameters, Variant

__all__ = [
    "CrossValidation",
    "DensityEvents",
    "Draws",
    "FitSettings",
    "MixedEvents",
    "MixtureEvents",
    "OrdinalEvents",
    "Parameters",
    "Selection",
    "SustainModel",
    "Variant",
    "ZScoreEvents",
    "choose_events",
    "convergence",
    "cross_validate",
    "declared_events",
    "draw_labels",
    "events_from_dict",
    "fit",
    "fit_part",
    "held_out",
    "import_peer",
    "make_folds",
    "mixture_log_likelihood",
    "null_log_density",
    "out_of_fold",
    "out_of_fold_posterior",
    "select",
    "selection_table",
    "simulate",
    "stability",
    "stream",
    "summarise",
    "uniform_weights",
    "verdict",
]


def __getattr__(name):
    # a user of the engine looks for these here; they live in the room that compares models with the truth and with controls
    if name in ("negative_control", "parametric_null"):
        from importlib import import_module

        return getattr(import_module("neuraxis.evaluation.control"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
