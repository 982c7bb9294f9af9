"""How healthy people's z-scores go together: the shrunk covariance of the controls, the noise of the model.

Healthy regions correlate. A model of disease that assumes they do not explains health by subtypes and stages, so the
covariance is estimated where there is no disease, on out-of-sample z, and kept with the norm.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import InputError, NeuraxisWarning, counted, name_some
from .stored import settled

#: Controls per biomarker below which the covariance is shrunk harder than its own estimate asks for.
CONTROLS_PER_BIOMARKER = 5
#: Largest ratio of the largest to the smallest eigenvalue; beyond it, biomarkers are nearly copies of each other.
MAX_CONDITION = 1000.0
#: Smallest eigenvalue over the largest below which a covariance is not inverted.
SINGULAR = 1e-8


@dataclass(frozen=True, eq=False)
class NoiseCovariance:
    """Covariance of healthy z-scores.

    Attributes
    ----------
    biomarkers : tuple of str
        Order of rows and columns, B names.
    matrix : ndarray (B, B)
        Positive definite, in z^2.
    n : int
        Controls with any of these biomarkers.
    n_pairs : ndarray (B, B) of int
        Controls with both biomarkers of a pair; on the diagonal, with the one.
    shrinkage : float
        From 0 (as observed) to 1 (no correlation, all variances equal).
    condition_number : float
        Largest over smallest eigenvalue.
    note : str
        What had to be done beyond the usual, in words; empty where nothing.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> z = pd.DataFrame(rng.normal(size=(2000, 2)), columns=["thalamus", "putamen"])
    >>> found = noise_covariance(z)
    >>> found.biomarkers, found.n, np.abs(found.correlation.round(1)).tolist()
    (('thalamus', 'putamen'), 2000, [[1.0, 0.0], [0.0, 1.0]])
    >>> found.subset(["putamen"]).matrix.shape, len(found.table())
    ((1, 1), 3)
    >>> NoiseCovariance.from_dict(found.to_dict()).n
    2000
    """

    biomarkers: tuple[str, ...]
    matrix: np.ndarray
    n: int
    n_pairs: np.ndarray
    shrinkage: float
    condition_number: float
    note: str = ""

    @property
    def correlation(self) -> np.ndarray:
        """Correlation (B, B)."""
        sd = np.sqrt(np.diag(self.matrix))
        return self.matrix / np.outer(sd, sd)

    def subset(self, biomarkers) -> NoiseCovariance:
        """The part of these biomarkers, in their order.

        Parameters
        ----------
        biomarkers : sequence of str

        Returns
        -------
        NoiseCovariance

        Raises
        ------
        InputError
            A biomarker without covariance, or one that comes twice.
        """
        names = [str(b) for b in biomarkers]
        absent = [b for b in names if b not in self.biomarkers]
        if absent:
            raise InputError(
                f"the controls' covariance has no {name_some(absent)}; it has {name_some(self.biomarkers, 30)}. Fit the "
                "norms with these biomarkers"
            )
        if len(set(names)) < len(names):
            raise InputError(f"biomarkers named twice: {name_some(sorted({b for b in names if names.count(b) > 1}))}")
        at = [self.biomarkers.index(b) for b in names]
        part = self.matrix[np.ix_(at, at)]
        pairs = self.n_pairs[np.ix_(at, at)]
        return NoiseCovariance(tuple(names), part, self.n, pairs, self.shrinkage, condition(part), self.note)

    def table(self) -> pd.DataFrame:
        """One row per pair, and per biomarker with itself.

        Returns
        -------
        DataFrame
            biomarker, other, n, covariance, correlation, and the shrinkage and condition number of the whole.
        """
        first, second = np.tril_indices(len(self.biomarkers))
        names = np.array(self.biomarkers, dtype=object)
        return pd.DataFrame(
            {
                "biomarker": names[first],
                "other": names[second],
                "n": self.n_pairs[first, second],
                "covariance": self.matrix[first, second],
                "correlation": self.correlation[first, second],
                "n_controls": self.n,
                "shrinkage": self.shrinkage,
                "condition_number": self.condition_number,
            }
        )

    def to_dict(self) -> dict:
        """Plain numbers and strings.

        Returns
        -------
        dict
        """
        return {
            "biomarkers": list(self.biomarkers),
            "matrix": self.matrix.tolist(),
            "n": self.n,
            "n_pairs": self.n_pairs.tolist(),
            "shrinkage": self.shrinkage,
            "condition_number": self.condition_number,
            "note": self.note,
        }

    @classmethod
    def from_dict(cls, d: dict) -> NoiseCovariance:
        """Undo `to_dict`.

        Parameters
        ----------
        d : dict

        Returns
        -------
        NoiseCovariance

        Raises
        ------
        InputError
            Anything that is no covariance: fields missing, another shape, not finite, symmetric and positive definite.
        """
        try:
            names = tuple(map(str, d["biomarkers"]))
            matrix, pairs = np.asarray(d["matrix"], float), np.asarray(d["n_pairs"], int)
            rest = int(d["n"]), pairs, float(d["shrinkage"]), float(d["condition_number"]), str(d["note"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"not a covariance of controls: {type(error).__name__} {error}") from None
        size = (len(names), len(names))
        if matrix.shape != size or pairs.shape != size or len(set(names)) < len(names):
            raise InputError(f"not a covariance of {counted(len(names), 'biomarker')}: shape {matrix.shape}")
        if not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T) or np.linalg.eigvalsh(matrix)[0] <= 0:
            raise InputError("not a covariance: it must be finite, symmetric and positive definite")
        return cls(names, matrix, *rest)


def noise_covariance(z: pd.DataFrame) -> NoiseCovariance:
    """Shrunk covariance of the controls' out-of-sample z.

    With complete z the oracle approximating shrinkage of scikit-learn (Chen et al. 2010, IEEE Trans. Signal Process.
    58:5016) towards equal variances without correlation. With missing values the covariance is the maximum-likelihood
    one of a multivariate normal (EM, values missing at random), shrunk by the same formula for as many controls as
    stand behind a pair of biomarkers on (harmonic) average, to which the error of the whole matrix belongs. With fewer
    than five controls per biomarker, and where biomarkers are nearly copies of each other, it is shrunk further, with
    a warning.

    Parameters
    ----------
    z : DataFrame
        Controls by biomarkers, NaN where missing.

    Returns
    -------
    NoiseCovariance
        Positive definite, condition number at most `MAX_CONDITION`.

    Raises
    ------
    InputError
        No biomarker, or infinite z.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> head = rng.normal(size=3000)
    >>> z = pd.DataFrame({"thalamus": head + rng.normal(size=3000), "putamen": head + rng.normal(size=3000)})
    >>> float(noise_covariance(z).table().query("biomarker != other")["correlation"].iloc[0].round(1))
    0.5
    """
    if z.shape[1] == 0:
        raise InputError("no biomarkers: there is no covariance to estimate")
    x = z.to_numpy(float)
    if np.isinf(x).any():
        raise InputError(f"infinite z of controls: {name_some(z.index[np.isinf(x).any(axis=1)])}")
    x = x[~np.isnan(x).all(axis=1)]
    n, size = len(x), z.shape[1]
    seen = (~np.isnan(x)).astype(int)
    pairs = seen.T @ seen
    notes = []
    alone = np.diag(pairs) < 2
    if alone.any():
        notes.append(f"fewer than two controls have {name_some(z.columns[alone])}: variance 1, no correlation")
    apart = np.argwhere(np.tril(pairs == 0, -1) & ~alone[:, None] & ~alone[None, :])
    if len(apart):
        named = name_some(f"{z.columns[i]} and {z.columns[j]}" for i, j in apart)
        notes.append(f"no control has both {named}: their correlation is only what the other biomarkers imply")
    matrix, shrinkage = np.eye(size), 1.0
    known = np.flatnonzero(~alone)
    if len(known):
        part = x[:, known]
        part = part[~np.isnan(part).all(axis=1)]
        behind = pairs[np.ix_(known, known)]
        standing = round(1 / float(np.mean(1 / behind[behind > 0])), 6)
        observed, shrinkage = _shrinkage_of(part, standing)
        enough = CONTROLS_PER_BIOMARKER * len(known)
        if standing < enough:
            shrinkage = 1 - (1 - shrinkage) * standing / enough
            notes.append(
                f"{standing:.0f} controls for {counted(len(known), 'biomarker')}, fewer than {CONTROLS_PER_BIOMARKER} per biomarker: "
                f"correlations shrunk by {shrinkage:.0%}"
            )
        least = shrinkage_for(observed, MAX_CONDITION)
        if least > shrinkage:
            shrinkage = least
            notes.append(f"some biomarkers are nearly copies of others: correlations shrunk by {shrinkage:.2%}")
        matrix[np.ix_(known, known)] = shrunk(observed, shrinkage)
    note = "; ".join(notes)
    if note:
        warnings.warn(f"covariance of the controls: {note}", NeuraxisWarning, stacklevel=2)
    matrix, shrinkage = settled(matrix), settled(float(shrinkage))
    return NoiseCovariance(tuple(map(str, z.columns)), matrix, n, pairs, shrinkage, settled(condition(matrix)), note)


def _shrinkage_of(x: np.ndarray, standing: float) -> tuple[np.ndarray, float]:
    """Covariance (B, B) before shrinkage, and the shrinkage that so many controls ask for."""
    if np.isnan(x).any():
        observed = em_covariance(x)
        return observed, oas_shrinkage(observed, standing)
    from sklearn.covariance import OAS  # slow to load, and a covariance that is read needs none of it

    fit = OAS().fit(x)
    centred = x - x.mean(axis=0)
    return centred.T @ centred / len(x), float(fit.shrinkage_)


def oas_shrinkage(observed: np.ndarray, n: float) -> float:
    """Oracle approximating shrinkage of a covariance observed in n people; scikit-learn's formula, which needs data."""
    size = len(observed)
    if size == 1:
        return 0.0
    square, mean = np.mean(observed**2), np.trace(observed) / size
    apart = (n + 1) * (square - mean**2 / size)
    return float(min(1.0, (square + mean**2) / apart)) if apart > 0 else 1.0


def shrunk(observed: np.ndarray, shrinkage: float) -> np.ndarray:
    """(1 - shrinkage) observed + shrinkage * mean variance * identity."""
    return (1 - shrinkage) * observed + shrinkage * np.trace(observed) / len(observed) * np.eye(len(observed))


def shrinkage_for(observed: np.ndarray, limit: float) -> float:
    """Least shrinkage that brings the condition number to `limit`."""
    low, high = np.linalg.eigvalsh(observed)[[0, -1]]
    mean = np.trace(observed) / len(observed)
    excess = high - limit * max(low, 0.0)
    return float(excess / (excess + (limit - 1) * mean)) if excess > 0 else 0.0


def condition(matrix: np.ndarray) -> float:
    """Largest over smallest eigenvalue of a symmetric matrix."""
    values = np.linalg.eigvalsh(matrix)
    return float(values[-1] / values[0])


def em_covariance(x: np.ndarray, *, tolerance: float = 1e-7, most: int = 1000) -> np.ndarray:
    """Maximum-likelihood covariance (B, B) of a multivariate normal with values missing at random.

    Parameters
    ----------
    x : ndarray (M, B)
        NaN where missing; every column has at least two values, every row one.
    tolerance : float
        EM ends when no entry changes by more.
    most : int
        Largest number of rounds.
    """
    mean = np.nanmean(x, axis=0)
    covariance = np.diag(np.nanvar(x, axis=0))
    for _ in range(most):
        low, high = np.linalg.eigvalsh(covariance)[[0, -1]]
        fill = filled_at_once if low > SINGULAR * high else filled_by_pattern
        filled, added = fill(x, mean, covariance)
        mean = filled.mean(axis=0)
        centred = filled - mean
        new = (centred.T @ centred + added) / len(x)
        change = np.abs(new - covariance).max()
        covariance = (new + new.T) / 2
        if change < tolerance:
            break
    return covariance


def filled_at_once(x: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected values of what is missing given what is there, and the sum of its covariance over all people.

    By the inverse K of the covariance: given the rest, what is missing (m) has covariance inv(K_mm) and is expected at
    mean_m - inv(K_mm) K_mo (x_o - mean_o). Everybody with as many gaps is done together, whichever these are, for among many
    people with many biomarkers no two lack the same.

    Parameters
    ----------
    x : ndarray (M, B)
    mean : ndarray (B,)
    covariance : ndarray (B, B)
        Not singular.

    Returns
    -------
    ndarray (M, B)
    ndarray (B, B)
    """
    gap = np.isnan(x)
    many = gap.sum(axis=1)
    inverse = np.linalg.inv(covariance)
    pull = np.where(gap, 0.0, x - mean) @ inverse
    filled, added = x.copy(), np.zeros(covariance.size)
    for size in np.unique(many[many > 0]):
        rows = np.flatnonzero(many == size)
        m = np.nonzero(gap[rows])[1].reshape(len(rows), size)
        within = np.linalg.inv(inverse[m[:, :, None], m[:, None, :]])
        shift = (within @ np.take_along_axis(pull[rows], m, axis=1)[:, :, None])[:, :, 0]
        filled[rows[:, None], m] = mean[m] - shift
        cells = m[:, :, None] * x.shape[1] + m[:, None, :]
        added += np.bincount(cells.ravel(), within.ravel(), minlength=covariance.size)
    return filled, added.reshape(covariance.shape)


def filled_by_pattern(x: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`filled_at_once` by least squares, one pattern of gaps after another: a singular covariance of few controls does no harm."""
    gaps, of = np.unique(np.isnan(x), axis=0, return_inverse=True)
    of = of.ravel()
    filled, added = x.copy(), np.zeros_like(covariance)
    for p, gap in enumerate(gaps):
        if not gap.any():
            continue
        rows, o, m = of == p, np.flatnonzero(~gap), np.flatnonzero(gap)
        weights = np.linalg.lstsq(covariance[np.ix_(o, o)], covariance[np.ix_(o, m)], rcond=1e-10)[0]
        filled[np.ix_(rows, m)] = mean[m] + (x[np.ix_(rows, o)] - mean[o]) @ weights
        added[np.ix_(m, m)] += rows.sum() * (covariance[np.ix_(m, m)] - covariance[np.ix_(m, o)] @ weights)
    return filled, added
