"""Events of the z-score model: which biomarker passes which threshold."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ...errors import InputError, counted, name_some
from .. import kernels
from .base import Encoded, Events


@dataclass(frozen=True, eq=False, repr=False)
class ZScoreEvents(Events):
    """Thresholds and maxima of every biomarker, and the events they define.

    Parameters
    ----------
    thresholds : sequence of sequences of float
        One ascending list of positive z thresholds per biomarker; one list of plain numbers serves all
        biomarkers when `biomarkers` is given.
    z_max : float or sequence of float
        Value of each curve at the end of the time axis; above the last threshold.
    biomarkers : sequence of str, optional
        Names; ``b0, b1, ...`` where not given.
    allow_low_maximum : bool
        Parity with the peer, whose validation data have a maximum below the last threshold.
    rule : str
        How the thresholds were chosen, in words; kept with the model.

    Attributes
    ----------
    biomarker, level : ndarray of int, shape (N,)
        Biomarker and level of every event: all biomarkers at their first threshold, then all at their
        second, and so on, absent ones skipped (the order of pySuStaIn).
    value : ndarray, shape (N,)
        Threshold of every event.

    Raises
    ------
    InputError
        A biomarker without events, thresholds out of order or above z_max, or duplicate names.

    Notes
    -----
    Young et al. 2018, Nat Commun 9:4273.

    Examples
    --------
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    >>> events.n_events, list(events.names)
    (3, ['thalamus z>=1', 'frontal z>=1', 'thalamus z>=2'])
    >>> events.stage_values([0, 2, 1])[:, 0].round(2).tolist()
    [0.5, 1.5, 2.5, 3.5]
    >>> events
    ZScoreEvents: 2 biomarkers, 3 events (z = 1, 2), maximum 3 to 4
    """

    thresholds: tuple
    z_max: np.ndarray
    biomarkers: tuple = ()
    allow_low_maximum: bool = False
    rule: str = "fixed"
    biomarker: np.ndarray = field(init=False)
    level: np.ndarray = field(init=False)
    value: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        rows = list(self.thresholds)
        names = [str(b) for b in self.biomarkers]
        if rows and all(np.isscalar(r) for r in rows):
            rows = [rows] * (len(names) or np.size(self.z_max))
        rows = [np.asarray(r, float).ravel() for r in rows]
        if not rows:
            raise InputError("thresholds: no biomarker given; pass one list of thresholds per biomarker")
        names = names or [f"b{i}" for i in range(len(rows))]
        if len(names) != len(rows):
            raise InputError(f"{counted(len(names), 'biomarker name')} for {counted(len(rows), 'list')} of thresholds")
        doubled = sorted({n for n in names if names.count(n) > 1})
        if doubled:
            raise InputError(f"duplicate biomarker names: {name_some(doubled)}")
        z_max = np.asarray(self.z_max, float).ravel()
        z_max = np.repeat(z_max, len(rows)) if z_max.size == 1 else z_max
        if z_max.size != len(rows):
            raise InputError(f"z_max has {counted(z_max.size, 'value')} for {counted(len(rows), 'biomarker')}")
        for name, row, top in zip(names, rows, z_max, strict=True):
            if row.size == 0:
                raise InputError(f"biomarker {name} has no event; give it a threshold or leave it out")
            if not (np.all(np.isfinite(row)) and np.isfinite(top)):
                raise InputError(f"biomarker {name}: thresholds and z_max must be finite numbers")
            if row[0] <= 0 or np.any(np.diff(row) <= 0):
                raise InputError(f"biomarker {name}: thresholds {row.tolist()} must be positive and ascending")
            if top <= row[-1] and not self.allow_low_maximum:
                raise InputError(
                    f"biomarker {name}: z_max {top:g} is not above its last threshold {row[-1]:g}; raise z_max, "
                    "drop the threshold, or pass allow_low_maximum=True for parity with pySuStaIn"
                )
        events = sorted((lev, b) for b, row in enumerate(rows) for lev in range(row.size))
        put = object.__setattr__
        put(self, "thresholds", tuple(tuple(float(t) for t in r) for r in rows))
        put(self, "z_max", z_max)
        put(self, "biomarkers", tuple(names))
        put(self, "level", np.array([lev for lev, _ in events], np.int64))
        put(self, "biomarker", np.array([b for _, b in events], np.int64))
        put(self, "value", np.array([rows[b][lev] for lev, b in events]))

    family = "zscore"

    def _more(self) -> str:
        low, high = f"{self.z_max.min():g}", f"{self.z_max.max():g}"
        most = low if low == high else f"{low} to {high}"
        return f" (z = {name_some([f'{t:g}' for t in np.unique(self.value)], 6)}), maximum {most}"

    @property
    def gaussian(self) -> tuple:
        """All of them."""
        return self.biomarkers

    @property
    def has_integral(self) -> bool:
        """Yes."""
        return True

    @property
    def names(self) -> list[str]:
        """Event names, such as ``thalamus z>=2``."""
        return [f"{self.biomarkers[b]} z>={v:g}" for b, v in zip(self.biomarker, self.value, strict=True)]

    @property
    def thresholds_of_events(self) -> np.ndarray:
        """Threshold of every event, (N,)."""
        return self.value

    def encode(self, values: np.ndarray) -> Encoded:
        """See `Events.encode`: z-scores are what the curves describe."""
        return Encoded(values, np.empty((len(values), 0)), np.zeros(len(values)))

    def layout(self) -> kernels.Layout:
        """See `Events.layout`."""
        previous, following = self.neighbours()
        first = np.array([np.flatnonzero(self.biomarker == b)[0] for b in range(self.n_biomarkers)], np.int64)
        return kernels.Layout(
            curve=self.biomarker.copy(),
            step=np.full(self.n_events, -1, np.int64),
            value=self.value.copy(),
            previous=previous,
            following=following,
            value_before=np.where(previous >= 0, self.value[previous], 0.0),
            value_after=np.where(following >= 0, self.value[following], self.z_max[self.biomarker]),
            first_event=first,
            z_max=self.z_max.copy(),
        )

    def stage_values(self, sequence) -> np.ndarray:
        """Curve values g_b(k) at every stage, shape (N+1, B) (midpoint rule)."""
        s = self.check_sequence(sequence)
        out = np.empty((self.n_biomarkers, self.n_events + 1))
        kernels.fill_curves(np.argsort(s), self.layout(), out)
        return out.T

    def observed(self, course, rng) -> np.ndarray:  # noqa: ARG002
        """The curve itself."""
        return course

    def parameters(self) -> dict:
        """See `Events.parameters`."""
        return {
            "thresholds": [list(t) for t in self.thresholds],
            "z_max": self.z_max.tolist(),
            "biomarkers": list(self.biomarkers),
            "allow_low_maximum": self.allow_low_maximum,
            "rule": self.rule,
        }


def choose_events(
    X, candidates=(1.0, 2.0, 3.0), *, min_people=10, max_percentile=99.0, headroom=1.0, biomarkers=None
) -> tuple[ZScoreEvents, pd.DataFrame]:
    """Choose events from the data: keep a threshold only where enough people pass it.

    Parameters
    ----------
    X : DataFrame or array_like, shape (M, B)
        z-scores of the people to be fitted.
    candidates : sequence of float, or dict of str to sequence of float
        Thresholds considered for every biomarker, or for each.
    min_people : int
        A threshold becomes an event where at least this many people reach it.
    max_percentile : float
        z_max is this percentile of the biomarker, at least `headroom` above its last threshold.
    headroom : float
        See `max_percentile`.
    biomarkers : sequence of str, optional
        Names of the columns, where `X` has none.

    Returns
    -------
    ZScoreEvents
        Without the biomarkers that keep no threshold.
    DataFrame
        biomarker, threshold, n_people, kept; the rule's evidence.

    Raises
    ------
    InputError
        If no biomarker keeps an event.

    Examples
    --------
    >>> z = pd.DataFrame({"thalamus": [0.2, 1.4, 2.5, 2.2, 1.1], "frontal": [0.1, 0.3, 1.2, 1.8, -0.4]})
    >>> events, evidence = choose_events(z, [1, 2], min_people=2)
    >>> evidence.loc[evidence["kept"], ["biomarker", "threshold", "n_people"]].values.tolist()
    [['thalamus', 1.0, 4], ['thalamus', 2.0, 2], ['frontal', 1.0, 2]]
    """
    frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X, float), columns=biomarkers)
    of = candidates if isinstance(candidates, dict) else dict.fromkeys(frame.columns, candidates)
    rows, names, kept, tops = [], [], [], []
    for name in frame.columns:
        candidates = of[name]
        z = frame[name].to_numpy(float)
        z = z[np.isfinite(z)]
        counts = [int((z >= t).sum()) for t in candidates]
        keep = [float(t) for t, n in zip(candidates, counts, strict=True) if n >= min_people]
        rows += [
            {"biomarker": name, "threshold": float(t), "n_people": n, "kept": n >= min_people}
            for t, n in zip(candidates, counts, strict=True)
        ]
        if keep:
            names.append(str(name))
            kept.append(keep)
            tops.append(max(float(np.percentile(z, max_percentile)), keep[-1] + headroom))
    everything = sorted({float(t) for b in frame.columns for t in of[b]})
    if not kept:
        raise InputError(
            f"no biomarker has {counted(min_people, 'person')} at z >= {everything[0]:g}; lower min_people or the "
            "thresholds, or accept that the data carry no atrophy to stage"
        )
    rule = (
        f"of thresholds {', '.join(f'{t:g}' for t in everything)} those reached by at least {counted(min_people, 'person')}; "
        f"z_max = {max_percentile:g}th percentile, at least {headroom:g} above the last threshold"
    )
    return ZScoreEvents(kept, np.round(tops, 3), biomarkers=names, rule=rule), pd.DataFrame(rows)
