"""What a clustering without stages finds."""

from __future__ import annotations

import numpy as np
import scipy


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
