"""What every family of events can do, and what one of them has to supply."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ...errors import InputError, ModelError, counted, name_some
from ..kernels import Layout


class Encoded(NamedTuple):
    """Data as the engine takes them.

    Attributes
    ----------
    x : ndarray, shape (M, B)
        Values of the biomarkers that have a curve and Gaussian noise; NaN where missing.
    steps : ndarray, shape (M, S)
        What passing an event adds to a person's log-density; 0 where missing.
    base : ndarray, shape (M,)
        Log-density of everything else where no event has passed.
    """

    x: np.ndarray
    steps: np.ndarray
    base: np.ndarray


#: Families by the name that the model file carries; each registers itself.
FAMILIES: dict[str, type] = {}


class Events:
    """Events of several biomarkers, in levels that a biomarker passes in order.

    A family supplies `encode`, `layout`, `stage_values`, `parameters`, a class attribute `family`, and these

    Attributes
    ----------
    biomarkers : tuple of str
    biomarker, level : ndarray of int, shape (N,)
        Biomarker and level of every event: all biomarkers at their first level, then all at their second, and so on, absent
        ones skipped (the order of pySuStaIn).
    names : list of str
        One name per event.
    gaussian : tuple of str
        The biomarkers with Gaussian noise, to which a covariance belongs; in the order of `Encoded.x`.

    Examples
    --------
    >>> from neuraxis.sustain import ZScoreEvents
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    >>> values, people = events.check_data(pd.DataFrame({"frontal": [0.2], "thalamus": [1.7]}, index=["sub-01"]))
    >>> values.tolist(), list(people), events.encode(values).x.shape
    ([[1.7, 0.2]], ['sub-01'], (1, 2))
    >>> events.check_values(values, people)
    >>> events.check_sequence([0, 2, 1]).tolist(), events.neighbours()[0].tolist(), events.layout().value.tolist()
    ([0, 2, 1], [-1, -1, 0], [1.0, 1.0, 2.0])
    >>> sorted(events.random_sequence(np.random.default_rng(1)).tolist())
    [0, 1, 2]
    >>> course = events.stage_values([0, 2, 1])
    >>> course.shape, events.observed(course, np.random.default_rng(1)).shape
    ((4, 2), (4, 2))
    >>> events.log_likelihood(values, [0, 2, 1]).argmax(axis=1).tolist()
    [1]
    >>> ZScoreEvents.from_parameters(events.parameters()).names == list(events.names), events.to_dict()["family"]
    (True, 'zscore')
    """

    family = ""
    biomarkers: tuple
    biomarker: np.ndarray
    level: np.ndarray

    def __init_subclass__(cls, **keywords) -> None:
        super().__init_subclass__(**keywords)
        if cls.family:
            FAMILIES[cls.family] = cls

    def __repr__(self) -> str:
        what = f"{counted(self.n_biomarkers, 'biomarker')}, {counted(self.n_events, 'event')}"
        return f"{type(self).__name__}: {what}{self._more()}"

    def _more(self) -> str:
        """What a family adds to the line in which its events show themselves."""
        return ""

    @property
    def n_biomarkers(self) -> int:
        """Biomarkers of any kind."""
        return len(self.biomarkers)

    @property
    def n_events(self) -> int:
        """N; stages run from 0 to N."""
        return self.biomarker.size

    @property
    def gaussian(self) -> tuple:
        """Biomarkers with Gaussian noise."""
        return ()

    @property
    def families(self) -> dict[str, str]:
        """Family of every biomarker, as the model file names it."""
        return dict.fromkeys(self.biomarkers, self.family)

    @property
    def has_integral(self) -> bool:
        """Whether the exact stage integral exists: all events on curves."""
        return False

    @property
    def names(self) -> list[str]:
        """Event names."""
        raise NotImplementedError

    @property
    def thresholds_of_events(self) -> np.ndarray:
        """Threshold (z-score) or level (others) that each event stands for, (N,); for tables."""
        return self.level + 1.0

    def encode(self, values: np.ndarray) -> Encoded:
        """Checked values (M, n_biomarkers) as the engine takes them.

        Parameters
        ----------
        values : ndarray, shape (M, n_biomarkers)
            From `check_data`.

        Returns
        -------
        Encoded
        """
        raise NotImplementedError

    def layout(self) -> Layout:
        """Events as arrays for the kernels.

        Returns
        -------
        Layout
        """
        raise NotImplementedError

    def parameters(self) -> dict:
        """Plain numbers and strings from which the family is built again.

        Returns
        -------
        dict
        """
        raise NotImplementedError

    def to_dict(self) -> dict:
        """For the model file: `parameters` and the family's name.

        Returns
        -------
        dict
        """
        return {"family": self.family, **self.parameters()}

    @classmethod
    def from_parameters(cls, parameters: dict) -> Events:
        """Undo `parameters`.

        Parameters
        ----------
        parameters : dict

        Returns
        -------
        Events
            Of the family.
        """
        return cls(**parameters)

    def neighbours(self) -> tuple[np.ndarray, np.ndarray]:
        """Event of the same biomarker one level below and above, (N,) each; -1: none.

        Returns
        -------
        ndarray of int, shape (N,)
        ndarray of int, shape (N,)
        """
        index = {(b, lev): e for e, (b, lev) in enumerate(zip(self.biomarker, self.level, strict=True))}
        pairs = list(zip(self.biomarker.tolist(), self.level.tolist(), strict=True))
        previous = np.array([index.get((b, lev - 1), -1) for b, lev in pairs], np.int64)
        following = np.array([index.get((b, lev + 1), -1) for b, lev in pairs], np.int64)
        return previous, following

    def check_sequence(self, sequence) -> np.ndarray:
        """Return a sequence as numbers, or refuse it if it is no valid order of the events.

        Parameters
        ----------
        sequence : array_like of int, shape (N,)

        Returns
        -------
        ndarray of int64, shape (N,)

        Raises
        ------
        InputError
            An event is absent or there twice, or a higher threshold comes before a lower one.
        """
        s = np.asarray(sequence)
        if s.shape != (self.n_events,) or not np.array_equal(np.sort(s), np.arange(self.n_events)):
            raise InputError(
                f"a sequence must hold each of the {counted(self.n_events, 'event')} once; got shape {s.shape}"
            )
        place = np.argsort(s)
        for b in range(self.n_biomarkers):
            places = place[self.biomarker == b]
            if np.any(np.diff(places) < 0):
                raise InputError(f"biomarker {self.biomarkers[b]}: a higher threshold comes before a lower one")
        return s.astype(np.int64)

    def random_sequence(self, rng: np.random.Generator) -> np.ndarray:
        """A uniformly random valid sequence (N,): a random interleaving of the biomarkers' events.

        Parameters
        ----------
        rng : Generator

        Returns
        -------
        ndarray of int64, shape (N,)
        """
        slots = rng.permutation(self.biomarker)
        sequence = np.empty(self.n_events, np.int64)
        for b in range(self.n_biomarkers):
            sequence[slots == b] = np.flatnonzero(self.biomarker == b)
        return sequence

    def stage_values(self, sequence) -> np.ndarray:
        """Expected course of every biomarker, (K, n_biomarkers): curve values, or the level reached.

        Parameters
        ----------
        sequence : array_like of int, shape (N,)

        Returns
        -------
        ndarray, shape (N+1, n_biomarkers)

        Raises
        ------
        InputError
            See `check_sequence`.
        """
        raise NotImplementedError

    def observed(self, course: np.ndarray, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG002
        """Values that people show who stand at these points of their course, Gaussian noise not included.

        Parameters
        ----------
        course : ndarray, shape (M, n_biomarkers)
            Rows of `stage_values`.
        rng : Generator

        Returns
        -------
        ndarray, shape (M, n_biomarkers)

        Raises
        ------
        InputError
            A family that holds no density from which a value could be drawn.
        """
        raise InputError(f"people cannot be drawn from {self.family} events: they hold no densities of their own")

    def check_values(self, values: np.ndarray, index: pd.Index) -> None:
        """Refuse checked numbers that this family cannot have.

        Parameters
        ----------
        values : ndarray, shape (M, n_biomarkers)
        index : Index, length M

        Raises
        ------
        InputError
            Naming biomarker and people.
        """

    def check_data(self, X, *, biomarkers=None) -> tuple[np.ndarray, pd.Index]:
        """Validate values and bring them into the model's biomarker order.

        Parameters
        ----------
        X : array_like or DataFrame, shape (M, B)
            One column per biomarker, NaN = missing. A DataFrame is matched by column name, with extra columns (group,
            origin) left aside; an array must have the columns in model order.
        biomarkers : sequence of str, optional
            Names of the columns of an array; refused where they are not the model's in its order.

        Returns
        -------
        ndarray, shape (M, B)
        Index
            Row labels.

        Raises
        ------
        InputError
            Missing or duplicate columns, another order than stated, non-numeric or infinite values, people listed twice,
            or a person without any value.
        """
        if isinstance(X, pd.DataFrame):
            values, index = self._from_frame(X)
        else:
            kind = np.asarray(X).dtype.kind if isinstance(X, np.ndarray) else ""
            if kind in tuple("bUSc"):  # NumPy would take truths and texts for numbers
                raise InputError(f"values are not numeric: an array of {X.dtype}; convert it to numbers")
            try:
                masked = isinstance(X, np.ma.MaskedArray)
                values = np.ma.filled(X.astype(float), np.nan) if masked else np.array(X, dtype=float)
            except (TypeError, ValueError) as error:
                raise InputError(f"values are not numeric: {error}") from None
            if values.ndim != 2 or values.shape[1] != self.n_biomarkers:
                raise InputError(
                    f"values have shape {values.shape}; expected (people, {self.n_biomarkers}) for "
                    f"{name_some(self.biomarkers)}"
                )
            index = pd.RangeIndex(values.shape[0])
        if biomarkers is not None and tuple(biomarkers) != self.biomarkers:
            raise InputError(
                f"biomarkers come in another order than the model's: {name_some(biomarkers)} "
                f"against {name_some(self.biomarkers)}"
            )
        if values.shape[0] == 0:
            raise InputError("no people in the data")
        rows, columns = np.nonzero(np.isinf(values))
        if rows.size:
            raise InputError(f"infinite value of {self.biomarkers[columns[0]]} for {name_some(index[np.unique(rows)])}")
        empty = np.isnan(values).all(axis=1)
        if empty.any():
            raise InputError(f"no value at all for {name_some(index[empty])}; leave such people out")
        self.check_values(values, index)
        return values, index

    def _from_frame(self, X: pd.DataFrame) -> tuple[np.ndarray, pd.Index]:
        mine = X.columns[X.columns.isin(self.biomarkers)]
        doubled = mine[mine.duplicated()].unique()
        if len(doubled):
            raise InputError(f"duplicate columns: {name_some(doubled)}")
        absent = [b for b in self.biomarkers if b not in X.columns]
        if absent:
            raise InputError(
                f"biomarkers of the model absent from the data: {name_some(absent)}; the data have {name_some(X.columns)}"
            )
        index = X.index
        if index.has_duplicates:
            raise InputError(f"people listed twice: {name_some(index[index.duplicated()].unique())}")
        frame = X[list(self.biomarkers)]
        for column in frame:
            if not pd.api.types.is_numeric_dtype(frame[column]) or pd.api.types.is_bool_dtype(frame[column]):
                bad = pd.to_numeric(frame[column], errors="coerce").isna() & frame[column].notna()
                raise InputError(
                    f"biomarker {column} is not numeric, e.g. {frame[column][bad].iloc[0]!r} for {name_some(index[bad], 3)}"
                    if bad.any()
                    else f"biomarker {column} is stored as {frame[column].dtype}; convert it to numbers"
                )
        return frame.to_numpy(float, na_value=np.nan), index

    def log_likelihood(self, X, sequence, covariance=None, *, noise_sd=1.0, stage_rule="midpoint") -> np.ndarray:
        """log p(x_j | stage k, sequence), stage prior not included.

        Parameters
        ----------
        X : array_like or DataFrame, shape (M, B)
        sequence : array_like of int, shape (N,)
        covariance : array_like or DataFrame, shape (B, B), optional
            Of the residuals of the biomarkers with Gaussian noise; independent with `noise_sd` where not given.
        noise_sd : float or array_like, shape (B,)
        stage_rule : {"midpoint", "integral"}

        Returns
        -------
        ndarray, shape (M, N+1)

        Raises
        ------
        InputError
            Data, sequence or covariance that do not fit the events.
        """
        from ..problem import stage_log_likelihood

        return stage_log_likelihood(self, X, sequence, covariance, noise_sd, stage_rule)


def check_events(events) -> None:
    """Refuse what are no events, before anything asks them for what they do not have.

    Raises
    ------
    InputError
    """
    if not isinstance(events, Events):
        raise InputError(f"events must be events of a family, such as ZScoreEvents, not {events!r}")


class StepEvents(Events):
    """Families without a curve: a biomarker stands at a level, and each level has a density of the observed value.

    A subclass supplies `level_log_density`; everything else follows.

    Parameters
    ----------
    n_levels : sequence of int
        Events per biomarker (1 for event-based ones).
    biomarkers : sequence of str

    Examples
    --------
    >>> from neuraxis.sustain import OrdinalEvents
    >>> events = OrdinalEvents(2, 0.9, biomarkers=["gait"])
    >>> events.level_log_density(np.array([[0.0], [2.0]])).argmax(axis=2).tolist()
    [[0], [2]]
    """

    def __init__(self, n_levels, biomarkers) -> None:
        self.biomarkers = tuple(str(b) for b in biomarkers)
        self.n_levels = tuple(int(n) for n in n_levels)
        if not self.biomarkers:
            raise InputError("no biomarker given")
        if len(self.n_levels) != len(self.biomarkers):
            raise InputError(
                f"{counted(len(self.biomarkers), 'biomarker name')} for {counted(len(self.n_levels), 'biomarker')}"
            )
        doubled = sorted({b for b in self.biomarkers if self.biomarkers.count(b) > 1})
        if doubled:
            raise InputError(f"duplicate biomarker names: {name_some(doubled)}")
        if min(self.n_levels) < 1:
            raise InputError(f"biomarker {self.biomarkers[int(np.argmin(self.n_levels))]} has no event; leave it out")
        events = sorted((lev, b) for b, n in enumerate(self.n_levels) for lev in range(n))
        self.level = np.array([lev for lev, _ in events], np.int64)
        self.biomarker = np.array([b for _, b in events], np.int64)

    def level_log_density(self, values: np.ndarray) -> np.ndarray:
        """Log-density of the value at every level of its biomarker.

        Parameters
        ----------
        values : ndarray, shape (M, B)

        Returns
        -------
        ndarray, shape (M, B, most levels + 1)
            NaN where the value is missing.
        """
        raise NotImplementedError

    def encode(self, values: np.ndarray) -> Encoded:
        """See `Events.encode`: an event adds the log ratio of the densities at its level and the one below."""
        density = self.level_log_density(values)
        known = np.isfinite(values)
        steps = density[:, self.biomarker, self.level + 1] - density[:, self.biomarker, self.level]
        steps = np.where(known[:, self.biomarker], steps, 0.0)
        base = np.where(known, density[:, :, 0], 0.0).sum(axis=1)
        return Encoded(np.empty((len(values), 0)), steps, base)

    def layout(self) -> Layout:
        """See `Events.layout`."""
        previous, following = self.neighbours()
        n = self.n_events
        return Layout(
            curve=np.full(n, -1, np.int64),
            step=np.arange(n),
            value=np.zeros(n),
            previous=previous,
            following=following,
            value_before=np.zeros(n),
            value_after=np.zeros(n),
            first_event=np.empty(0, np.int64),
            z_max=np.empty(0),
        )

    def stage_values(self, sequence) -> np.ndarray:
        """Level of every biomarker at every stage, (K, B)."""
        s = self.check_sequence(sequence)
        out = np.zeros((self.n_events + 1, self.n_biomarkers))
        for place, e in enumerate(s):
            out[place + 1 :, self.biomarker[e]] += 1
        return out


def events_from_dict(d: dict) -> Events:
    """Undo `Events.to_dict`; files of the first edition carry no family and hold z-score events.

    Parameters
    ----------
    d : dict

    Returns
    -------
    Events

    Raises
    ------
    ModelError
        A family that this version does not know.

    Examples
    --------
    >>> from neuraxis.sustain import ZScoreEvents
    >>> events = ZScoreEvents([[1.0, 2.0]], [4.0], biomarkers=["thalamus"])
    >>> list(events_from_dict(events.to_dict()).names)
    ['thalamus z>=1', 'thalamus z>=2']
    """
    d = dict(d)
    name = d.pop("family", "zscore")
    if name not in FAMILIES:
        raise ModelError(f"the model has events of family {name!r}; this version knows {name_some(sorted(FAMILIES))}")
    return FAMILIES[name].from_parameters(d)
