"""Events as a study declares them, each biomarker in its own family."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from ...errors import InputError, NeuraxisWarning
from .base import Events
from .mixed import MixedEvents
from .mixture import MixtureEvents
from .ordinal import OrdinalEvents
from .zscore import ZScoreEvents, choose_events

#: Shape of the two densities, by family of the definitions.
SHAPES = {"mixture": "gaussian", "mixture_kde": "kde"}


def declared_events(
    X: pd.DataFrame,
    *,
    thresholds,
    choose_thresholds: bool,
    min_people: int,
    z_max: float,
    definitions: pd.DataFrame | None = None,
    controls: pd.DataFrame | None = None,
) -> tuple[Events, pd.DataFrame]:
    """Events as a study declares them: chosen from the data, or every threshold of every biomarker.

    Parameters
    ----------
    X : DataFrame, shape (M, B)
        z-scores, and the scores of ordinal biomarkers, of the people to be fitted.
    thresholds : sequence of float
        Of z-score biomarkers that have none of their own.
    choose_thresholds : bool
        Keep a threshold of z only where `min_people` reach it (`choose_events`); else all, with maximum `z_max`.
    min_people : int
    z_max : float
    definitions : DataFrame, optional
        biomarker, family, thresholds (a list, maybe empty), accuracy; see `biomarkers.read_biomarkers`. Biomarkers that
        are not there are z-scores.
    controls : DataFrame, shape (C, B), optional
        The controls' values; needed by mixtures.

    Returns
    -------
    Events
    DataFrame
        biomarker, family, threshold (z, score, or 1), n_people who reach it (in a mixture: for whom abnormal is the more
        probable), kept.

    Raises
    ------
    InputError
        No biomarker keeps an event; see `choose_events`, `MixtureEvents.fit` and `OrdinalEvents`.

    Examples
    --------
    >>> X = pd.DataFrame({"thalamus": [0.2, 1.4, 2.5], "gait": [0.0, 1.0, 2.0]})
    >>> definitions = pd.DataFrame(
    ...     {"biomarker": ["gait"], "family": ["ordinal"], "thresholds": [[0.0, 1.0, 2.0]], "accuracy": [0.9]}
    ... )
    >>> rule = {"thresholds": [1, 2], "choose_thresholds": True, "min_people": 1, "z_max": 5}
    >>> declared_events(X, **rule, definitions=definitions)[0].names
    ['thalamus z>=1', 'thalamus z>=2', 'gait score>=1', 'gait score>=2']
    """
    mine = _families(X, definitions)
    names = {f: [b for b in X if mine.loc[b, "family"] == f] for f in ("zscore", *SHAPES, "ordinal")}
    parts: list[Events] = []
    tables = []
    if names["zscore"]:
        own = {b: mine.loc[b, "thresholds"] or sorted(thresholds) for b in names["zscore"]}
        z = X[names["zscore"]]
        events, table = _of_zscores(z, own, choose_thresholds, min_people, z_max, alone=len(z.columns) == len(mine))
        tables.append(table.assign(family="zscore"))
        if events is not None:
            parts.append(events)
    for family, shape in SHAPES.items():
        if not names[family]:
            continue
        if controls is None:
            raise InputError(f"biomarkers of family {family} need the controls' values")
        fitted, without = _mixtures(X, controls, names[family], shape, leave_out=choose_thresholds)
        if len(without):
            tables.append(without.assign(family=family))
        if fitted is not None:
            parts.append(fitted)
            tables.append(_reached(fitted, X, family))
    if names["ordinal"]:
        some = mine.loc[names["ordinal"]]
        events = OrdinalEvents(list(some["thresholds"]), list(some["accuracy"]), biomarkers=names["ordinal"])
        for people in (X, controls):  # before anything is fitted: whoever has no such score ends every later stage
            if people is not None:
                events.check_values(people[names["ordinal"]].to_numpy(float), people.index)
        parts.append(events)
        tables.append(_reached(events, X, "ordinal"))
    if not parts:
        raise InputError(
            "no biomarker keeps an event: " + "; ".join(t for table in tables for t in table.get("why", ()))
        )
    table = pd.concat(tables, ignore_index=True)[["biomarker", "family", "threshold", "n_people", "kept"]]
    return (parts[0] if len(parts) == 1 else MixedEvents(parts)), table


def _mixtures(X, controls, names, shape, *, leave_out: bool):
    """Mixtures of the biomarkers in which patients and controls part, None where none does; a row for each of the others.

    z is positive where abnormal, so that an abnormal component below the normal one is none of the disease.
    """
    kept, rows = [], []
    for b in names:
        try:
            one = MixtureEvents.fit(X[[b]], controls[[b]], kind=shape)
            if one.densities[0].sign < 0:
                raise InputError(
                    f"{b}: the part of the patients that differs from the controls lies on the healthy side; see its direction"
                )
            kept.append(b)
        except InputError as error:
            if not leave_out:
                raise
            warnings.warn(f"{b} is left out of the model: {error}", NeuraxisWarning, stacklevel=3)
            rows.append({"biomarker": b, "threshold": 1.0, "n_people": 0, "kept": False, "why": str(error)})
    events = MixtureEvents.fit(X[kept], controls[kept], kind=shape) if kept else None
    return events, pd.DataFrame(rows)


def _families(X: pd.DataFrame, definitions) -> pd.DataFrame:
    """family, thresholds and accuracy of every column, by biomarker."""
    plain = pd.DataFrame({"family": "zscore", "thresholds": [[] for _ in X], "accuracy": np.nan}, index=list(X.columns))
    if definitions is None or "family" not in definitions:
        return plain
    known = definitions.set_index("biomarker")[list(plain.columns)]
    return pd.concat([known[known.index.isin(plain.index)], plain[~plain.index.isin(known.index)]])


def _of_zscores(z, own, choose, min_people, z_max, *, alone):
    """Events of the z-score biomarkers, None where none is kept but other families have some; and the evidence."""
    if not choose:
        rows = [
            {"biomarker": b, "threshold": float(t), "n_people": int((z[b] >= t).sum()), "kept": True}
            for b in z
            for t in own[b]
        ]
        return ZScoreEvents([own[b] for b in z], z_max, biomarkers=list(z.columns)), pd.DataFrame(rows)
    reached = {(b, t): int((z[b] >= t).sum()) for b in z for t in own[b]}
    if not alone and max(reached.values()) < min_people:
        rows = [{"biomarker": b, "threshold": float(t), "n_people": n, "kept": False} for (b, t), n in reached.items()]
        return None, pd.DataFrame(rows)
    return choose_events(z, own, min_people=min_people)


def _reached(events, X: pd.DataFrame, family: str) -> pd.DataFrame:
    """One row per event of a family without a curve, with the people who look past it."""
    density = events.level_log_density(X[list(events.biomarkers)].to_numpy(float))
    with np.errstate(invalid="ignore"):
        level = np.where(np.isnan(density).all(axis=2), -1, np.nan_to_num(density, nan=-np.inf).argmax(axis=2))
    return pd.DataFrame(
        {
            "biomarker": [events.biomarkers[b] for b in events.biomarker],
            "family": family,
            "threshold": events.thresholds_of_events.astype(float),
            "n_people": [int((level[:, b] > lev).sum()) for b, lev in zip(events.biomarker, events.level, strict=True)],
            "kept": True,
        }
    )
