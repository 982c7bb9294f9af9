"""Events of several families in one model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...errors import InputError, counted, name_some
from ..kernels import Layout
from .base import Encoded, Events, events_from_dict


class MixedEvents(Events):
    """Z-score, event-based and ordinal biomarkers in one sequence.

    Parameters
    ----------
    parts : sequence of Events
        One object per family; biomarkers and events keep their order within it and follow one another.

    Raises
    ------
    InputError
        No part, or a biomarker in two of them.

    Examples
    --------
    >>> from neuraxis.sustain import MixedEvents, OrdinalEvents, ZScoreEvents
    >>> score = OrdinalEvents(2, 0.9, biomarkers=["gait"])
    >>> both = MixedEvents([ZScoreEvents([[1.0, 2.0]], [4.0], biomarkers=["thalamus"]), score])
    >>> both.families
    {'thalamus': 'zscore', 'gait': 'ordinal'}
    >>> both
    MixedEvents: 2 biomarkers, 4 events (zscore: 2 of 1 biomarker, ordinal: 2 of 1 biomarker)
    >>> list(both.names)
    ['thalamus z>=1', 'thalamus z>=2', 'gait score>=1', 'gait score>=2']
    """

    family = "mixed"

    def __init__(self, parts) -> None:
        self.parts = tuple(parts)
        if not self.parts:
            raise InputError("mixed events need at least one part")
        if odd := [part for part in self.parts if not isinstance(part, Events) or part.family == "density"]:
            raise InputError(
                f"a part of mixed events cannot be {odd[0]!r}: parts are events of measured values (z-scores, mixtures, scores), and "
                "log-densities of levels are a model of their own"
            )
        self.biomarkers = tuple(b for part in self.parts for b in part.biomarkers)
        doubled = sorted({b for b in self.biomarkers if self.biomarkers.count(b) > 1})
        if doubled:
            raise InputError(f"biomarkers in two parts of mixed events: {name_some(doubled)}")
        start = np.cumsum([0, *(part.n_biomarkers for part in self.parts)])
        self.biomarker = np.concatenate([p.biomarker + s for p, s in zip(self.parts, start[:-1], strict=True)])
        self.level = np.concatenate([p.level for p in self.parts])
        self._columns = [slice(a, b) for a, b in zip(start[:-1], start[1:], strict=True)]

    def _more(self) -> str:
        each = ", ".join(f"{p.family}: {p.n_events} of {counted(p.n_biomarkers, 'biomarker')}" for p in self.parts)
        return f" ({each})"

    @property
    def gaussian(self) -> tuple:
        """The z-score parts' biomarkers."""
        return tuple(b for part in self.parts for b in part.gaussian)

    @property
    def families(self) -> dict[str, str]:
        """Of the parts."""
        return {b: f for part in self.parts for b, f in part.families.items()}

    @property
    def has_integral(self) -> bool:
        """Only where every part has one."""
        return all(part.has_integral for part in self.parts)

    @property
    def names(self) -> list[str]:
        """Event names of the parts."""
        return [name for part in self.parts for name in part.names]

    @property
    def thresholds_of_events(self) -> np.ndarray:
        """Thresholds and levels of the parts, (N,)."""
        return np.concatenate([part.thresholds_of_events for part in self.parts])

    def observed(self, course, rng) -> np.ndarray:
        """Every part's own."""
        return np.concatenate(
            [part.observed(course[:, c], rng) for part, c in zip(self.parts, self._columns, strict=True)], axis=1
        )

    def check_values(self, values: np.ndarray, index: pd.Index) -> None:
        """Every part checks its own columns."""
        for part, columns in zip(self.parts, self._columns, strict=True):
            part.check_values(values[:, columns], index)

    def encode(self, values: np.ndarray) -> Encoded:
        """See `Events.encode`: the parts side by side."""
        encoded = [part.encode(values[:, c]) for part, c in zip(self.parts, self._columns, strict=True)]
        return Encoded(
            np.concatenate([e.x for e in encoded], axis=1),
            np.concatenate([e.steps for e in encoded], axis=1),
            np.sum([e.base for e in encoded], axis=0),
        )

    def layout(self) -> Layout:
        """See `Events.layout`: the parts one after the other."""
        layouts, events, curves, steps = [], 0, 0, 0
        for part in self.parts:
            one = part.layout()

            def after(ids, offset):
                return np.where(ids >= 0, ids + offset, -1)

            layouts.append(
                one._replace(
                    curve=after(one.curve, curves),
                    step=after(one.step, steps),
                    previous=after(one.previous, events),
                    following=after(one.following, events),
                    first_event=one.first_event + events,
                )
            )
            events += part.n_events
            curves += one.z_max.size
            steps += int((one.step >= 0).sum())
        return Layout(*(np.concatenate(arrays) for arrays in zip(*layouts, strict=True)))

    def stage_values(self, sequence) -> np.ndarray:
        """Course of every biomarker along the stages (K, n_biomarkers): curve values, or the level reached."""
        from .. import kernels

        s = self.check_sequence(sequence)
        layout, place = self.layout(), np.argsort(s)
        curves = np.empty((layout.z_max.size, self.n_events + 1))
        kernels.fill_curves(place, layout, curves)
        out = np.zeros((self.n_events + 1, self.n_biomarkers))
        for b, name in enumerate(self.biomarkers):
            if name in self.gaussian:
                out[:, b] = curves[self.gaussian.index(name)]
            else:
                for e in np.flatnonzero(self.biomarker == b):
                    out[place[e] + 1 :, b] += 1
        return out

    def parameters(self) -> dict:
        """See `Events.parameters`."""
        return {"parts": [part.to_dict() for part in self.parts]}

    @classmethod
    def from_parameters(cls, parameters: dict) -> MixedEvents:
        """Undo `parameters`."""
        return cls([events_from_dict(p) for p in parameters["parts"]])
