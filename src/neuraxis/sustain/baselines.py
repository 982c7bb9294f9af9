"""Models without subtypes that a subtype model must beat on people it has not seen."""

from __future__ import annotations

import numpy as np
import scipy

from .events import noise_vector
from .likelihood import constants


def normal_log_density(values: np.ndarray, noise_sd=1.0) -> np.ndarray:
    """k = 0: everyone is a control, z ~ N(0, diag(noise_sd^2)); log-density per person (M,)."""
    return constants(values, noise_vector(noise_sd, values.shape[1]))


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
        part = covariance[np.ix_(pattern, pattern)]
        deviation = test[rows][:, pattern] - mean[pattern]
        _, log_determinant = np.linalg.slogdet(part)
        distance = (deviation * np.linalg.solve(part, deviation.T).T).sum(axis=1)
        out[rows] = -0.5 * (distance + log_determinant + pattern.sum() * np.log(2 * np.pi))
    return out


def k_means(values: np.ndarray, n_clusters: int, rng: np.random.Generator, starts: int = 25) -> np.ndarray:
    """Labels (M,) of k-means on the pattern of z, each person's mean taken off; missing values count as the mean.

    The best of `starts` k-means++ starts by within-cluster sum of squares: what a clustering without stages finds.
    """
    centred = np.nan_to_num(values - np.nanmean(values, axis=1, keepdims=True))
    best, least = np.zeros(len(values), np.int64), np.inf
    for _ in range(starts):
        centres, labels = scipy.cluster.vq.kmeans2(centred, n_clusters, minit="++", rng=rng, missing="warn")
        spread = float(((centred - centres[labels]) ** 2).sum())
        if spread < least:
            best, least = labels, spread
    return best
