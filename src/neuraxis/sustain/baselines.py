"""One multivariate normal: the model without subtypes that a subtype model must beat on people it has not seen."""

from __future__ import annotations

import numpy as np


def gaussian_log_density(train: np.ndarray, test: np.ndarray, shrinkage: float = 0.02) -> np.ndarray:
    """One multivariate normal fitted to `train`, evaluated at `test` (M,); NaN entries are left out.

    Mean and covariance from the observed pairs; the covariance is shrunk towards its diagonal and its
    eigenvalues held positive, because pairwise estimates need not be.
    """
    mean = np.nanmean(train, axis=0)
    centred = train - mean
    observed = np.isfinite(centred).astype(float)
    filled = np.nan_to_num(centred)
    covariance = filled.T @ filled / np.maximum(observed.T @ observed - 1, 1)
    covariance = (1 - shrinkage) * covariance + shrinkage * np.diag(np.diag(covariance))
    values, vectors = np.linalg.eigh(covariance)
    covariance = (vectors * np.maximum(values, 1e-3)) @ vectors.T
    out = np.empty(len(test))
    patterns, which = np.unique(np.isfinite(test), axis=0, return_inverse=True)
    for i, pattern in enumerate(patterns):
        rows = np.flatnonzero(which.ravel() == i)
        if not pattern.any():
            out[rows] = 0.0
            continue
        part = covariance[np.ix_(pattern, pattern)]
        deviation = test[rows][:, pattern] - mean[pattern]
        _, log_determinant = np.linalg.slogdet(part)
        distance = (deviation * np.linalg.solve(part, deviation.T).T).sum(axis=1)
        out[rows] = -0.5 * (distance + log_determinant + pattern.sum() * np.log(2 * np.pi))
    return out
