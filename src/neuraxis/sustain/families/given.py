"""Densities computed elsewhere: for whoever has p(value | level) of every person and biomarker already."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...errors import InputError, counted, name_some
from .base import Encoded, StepEvents


class DensityEvents(StepEvents):
    """Events whose data are log-densities of every level, not measured values.

    The way in for mixtures or score models fitted by other software: pySuStaIn's ``L_yes`` and ``L_no``, or its
    ``prob_nl`` and ``prob_score`` (`from_peer` puts them together).

    Parameters
    ----------
    n_levels : int or sequence of int
        Events of every biomarker; 1 for event-based ones.
    biomarkers : sequence of str
        Names.

    Attributes
    ----------
    columns : tuple of str
        Columns of the data, biomarker by biomarker and level by level from the normal one (0): ``p-tau level 0``.

    Notes
    -----
    Data are an array (M, B, most levels + 1) of log-densities (entries above a biomarker's last level are left aside), a
    matrix (M, number of columns), or a DataFrame with `columns` among its columns. A biomarker is missing where all of its
    levels are NaN.

    Examples
    --------
    >>> events = DensityEvents(1, ["p-tau", "memory"])
    >>> events.columns
    ('p-tau level 0', 'p-tau level 1', 'memory level 0', 'memory level 1')
    >>> values, people = events.check_data(np.log([[[0.1, 0.4], [0.3, 0.3]]]))
    >>> events.encode(values).steps.round(3).tolist()
    [[1.386, 0.0]]
    >>> events.from_peer([[0.1, 0.3]], [[0.4, 0.3]]).shape
    (1, 4)
    """

    family = "density"

    def __init__(self, n_levels, biomarkers) -> None:
        biomarkers = [str(b) for b in biomarkers]
        super().__init__([n_levels] * len(biomarkers) if np.ndim(n_levels) == 0 else n_levels, biomarkers)
        self.columns = tuple(
            f"{b} level {level}" for b, n in zip(self.biomarkers, self.n_levels, strict=True) for level in range(n + 1)
        )
        first = np.cumsum([0, *(n + 1 for n in self.n_levels)])
        self._slices = [slice(i, j) for i, j in zip(first[:-1], first[1:], strict=True)]

    @property
    def names(self) -> list[str]:
        """Event names: ``p-tau abnormal`` where a biomarker has one, ``memory level>=2`` where it has more."""
        return [
            f"{self.biomarkers[b]} abnormal" if self.n_levels[b] == 1 else f"{self.biomarkers[b]} level>={level + 1}"
            for b, level in zip(self.biomarker, self.level, strict=True)
        ]

    def from_peer(self, normal, levels) -> np.ndarray:
        """Data from pySuStaIn's arrays of densities.

        Parameters
        ----------
        normal : array_like, shape (M, B)
            ``L_no`` or ``prob_nl``.
        levels : array_like, shape (M, B) or (M, B, most levels)
            ``L_yes`` or ``prob_score``.

        Returns
        -------
        ndarray, shape (M, number of columns)

        Raises
        ------
        InputError
            Shapes that do not fit, or densities that are not positive.
        """
        normal, levels = np.asarray(normal, float), np.asarray(levels, float)
        levels = levels[:, :, None] if levels.ndim == 2 else levels
        if normal.ndim != 2 or levels.ndim != 3 or normal.shape != levels.shape[:2]:
            raise InputError(f"densities have shapes {normal.shape} (normal) and {levels.shape} (levels)")
        wide = self._wide(np.concatenate([normal[:, :, None], levels], axis=2))
        if (wide <= 0).any():
            rows, columns = np.nonzero(wide <= 0)
            raise InputError(
                f"densities of {name_some(np.array(self.columns)[np.unique(columns)])} are zero or negative for "
                f"{counted(np.unique(rows).size, 'person')}; raise them to a small positive floor first"
            )
        return np.log(wide)

    def _wide(self, X: np.ndarray) -> np.ndarray:
        """Columns of an array (M, B, most levels + 1)."""
        if X.ndim != 3 or X.shape[1] != self.n_biomarkers or X.shape[2] < max(self.n_levels) + 1:
            raise InputError(
                f"densities have shape {X.shape}; expected (people, {self.n_biomarkers}, {max(self.n_levels) + 1})"
            )
        return np.concatenate([X[:, b, : n + 1] for b, n in enumerate(self.n_levels)], axis=1)

    def check_data(self, X, *, biomarkers=None) -> tuple[np.ndarray, pd.Index]:
        """See `Events.check_data`; data as in the class's notes.

        Returns
        -------
        ndarray, shape (M, number of columns)
        Index
            Row labels.
        """
        if biomarkers is not None and tuple(biomarkers) != self.biomarkers:
            raise InputError(
                f"biomarkers come in another order than the model's: {name_some(biomarkers)} "
                f"against {name_some(self.biomarkers)}"
            )
        if not isinstance(X, pd.DataFrame):
            X = np.asarray(X, float)
            X = self._wide(X) if X.ndim == 3 else X
        # The base's checks, with every column a "biomarker"
        values, index = StepEvents([1] * len(self.columns), self.columns).check_data(X)
        self.check_values(values, index)
        return values, index

    def check_values(self, values: np.ndarray, index: pd.Index) -> None:
        """Refuse biomarkers with some levels missing and others not.

        Raises
        ------
        InputError
            Naming biomarkers and people.
        """
        wrong = []
        for name, columns in zip(self.biomarkers, self._slices, strict=True):
            missing = np.isnan(values[:, columns])
            rows = missing.any(axis=1) & ~missing.all(axis=1)
            if rows.any():
                wrong.append(f"{name} for {name_some(index[rows], 4)}")
        if wrong:
            raise InputError("log-densities of some levels are missing and of others not: " + "; ".join(wrong))

    def level_log_density(self, values: np.ndarray) -> np.ndarray:
        """See `StepEvents.level_log_density`; `values` are the data's columns."""
        out = np.full((len(values), self.n_biomarkers, max(self.n_levels) + 1), np.nan)
        for b, columns in enumerate(self._slices):
            out[:, b, : self.n_levels[b] + 1] = values[:, columns]
        return out

    def encode(self, values: np.ndarray) -> Encoded:
        """See `Events.encode`; a biomarker's values are several columns here."""
        density = self.level_log_density(values)
        steps = density[:, self.biomarker, self.level + 1] - density[:, self.biomarker, self.level]
        return Encoded(np.empty((len(values), 0)), np.nan_to_num(steps), np.nansum(density[:, :, 0], axis=1))

    def parameters(self) -> dict:
        """See `Events.parameters`."""
        return {"n_levels": list(self.n_levels), "biomarkers": list(self.biomarkers)}
