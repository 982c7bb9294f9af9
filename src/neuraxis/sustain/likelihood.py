"""Packing of people for the kernels, the constants they leave out, and the readable reference formula."""

from __future__ import annotations

import numpy as np
import scipy

from . import kernels

HALF_LOG_TWO_PI = 0.5 * np.log(2 * np.pi)


def pack(values: np.ndarray) -> kernels.People:
    """Lay people (M, B) out in blocks of equal width; missing values become 0 with `observed` 0.

    See `kernels.MAX_WIDTH` and `kernels.WIDTH_STEP`.
    """
    n_people, n_biomarkers = values.shape
    n_blocks = -(-n_people // kernels.MAX_WIDTH)
    width = -(-n_people // (n_blocks * kernels.WIDTH_STEP)) * kernels.WIDTH_STEP
    padded = np.full((n_blocks * width, n_biomarkers), np.nan)
    padded[:n_people] = values
    blocks = padded.reshape(n_blocks, width, n_biomarkers).transpose(0, 2, 1)
    observed = np.ascontiguousarray(np.isfinite(blocks), dtype=float)
    real = np.zeros(n_blocks * width)
    real[:n_people] = 1.0
    return kernels.People(
        x=np.ascontiguousarray(np.nan_to_num(blocks)),
        observed=observed,
        real=real.reshape(n_blocks, width),
        largest=np.nanmax(np.abs(values), axis=0, initial=0.0),
        any_missing=bool(np.isnan(values).any()),
    )


def unpack(blocks: np.ndarray, n_people: int) -> np.ndarray:
    """Undo `pack` on an array (..., n_blocks, width): returns (..., n_people)."""
    return blocks.reshape(*blocks.shape[:-2], -1)[..., :n_people]


def constants(values: np.ndarray, noise_sd: np.ndarray) -> np.ndarray:
    """The part of log p(x_j | k, S) that depends on neither stage nor sequence, shape (M,)."""
    with np.errstate(invalid="ignore"):
        terms = -0.5 * (values / noise_sd) ** 2 - np.log(noise_sd) - HALF_LOG_TWO_PI
    return np.where(np.isfinite(values), terms, 0.0).sum(axis=1)


def mixture_log_likelihood(events, X, sequences, weights, *, noise_sd=1.0, stage_rule="midpoint") -> np.ndarray:
    """log p(x_j) under a mixture of subtypes.

    Parameters
    ----------
    sequences : array_like of int, shape (C, N)
    weights : array_like, shape (C, N+1)
        Joint prior of subtype and stage, sum 1.

    Returns
    -------
    ndarray, shape (M,)
    """
    per_subtype = np.stack(
        [events.log_likelihood(X, s, noise_sd=noise_sd, stage_rule=stage_rule) for s in sequences], axis=1
    )
    with np.errstate(divide="ignore"):
        return scipy.special.logsumexp(per_subtype + np.log(np.asarray(weights))[None], axis=(1, 2))


def uniform_weights(fractions, n_stages: int) -> np.ndarray:
    """Joint weights (C, n_stages) of fractions (C,) under the uniform stage prior."""
    f = np.asarray(fractions, float)
    return np.repeat(f[:, None], n_stages, axis=1) / n_stages
