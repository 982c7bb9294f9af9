"""One multivariate normal: the model without subtypes that a subtype model must beat on people it has not seen."""

from __future__ import annotations

import numpy as np


def gaussian_log_density(train: np.ndarray, test: np.ndarray, shrinkage: float = 0.02) -> np.ndarray:
    """One multivariate normal fitted to `train`, evaluated at `test` (M,); NaN entries are left out.

    Mean and covariance from the observed pairs; the covariance is shrunk towards its diagonal and its
    eigenvalues held positive, because pairwise estimates need not be. What fewer than two of `train` have, which a fold can leave
    of a rare biomarker, is taken as controls' z-scores are: mean 0, variance 1, related to nothing.
    """
    observed = np.isfinite(train).astype(float)
    rare = observed.sum(axis=0) < 2
    observed[:, rare] = 0
    mean = np.where(observed > 0, train, 0).sum(axis=0) / np.maximum(observed.sum(axis=0), 1)
    filled = np.where(observed > 0, train - mean, 0)
    covariance = filled.T @ filled / np.maximum(observed.T @ observed - 1, 1)
    covariance[rare, rare] = 1
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
