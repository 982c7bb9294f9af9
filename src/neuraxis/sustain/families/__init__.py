"""Families of events: what a biomarker's course along the stages does to the density of its values.

A family is a small object that checks data, turns them into the engine's two arrays (`Encoded`) and goes into the model file
by name. The engine behind them knows one stage log-density only,

    l_j(k) = const_j + g(k)' y_j - g(k)' P g(k) / 2 + sum over events e passed before stage k of D_je,

and never asks which family it is: z-score events have curves g, event-based and ordinal ones increments D, mixed ones both.
"""

from .base import Encoded, Events, StepEvents, check_events, events_from_dict
from .declared import declared_events
from .given import DensityEvents
from .mixed import MixedEvents
from .mixture import MixtureEvents
from .ordinal import OrdinalEvents
from .zscore import ZScoreEvents, choose_events

__all__ = [
    "DensityEvents",
    "Encoded",
    "Events",
    "MixedEvents",
    "MixtureEvents",
    "OrdinalEvents",
    "StepEvents",
    "ZScoreEvents",
    "check_events",
    "choose_events",
    "declared_events",
    "events_from_dict",
]
