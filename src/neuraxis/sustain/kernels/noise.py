"""Gaussian noise with a covariance, and people of whom some values are missing.

With P the precision, O a person's observed and M the missing biomarkers, the precision of the observed part (zero
elsewhere) is P_O = P - P[:, M] (P[M, M])^-1 P[M, :] (Schur complement). So P_O x_O and g' P_O g cost a person who lacks
m values m^2 operations more than one who lacks none, whatever the pattern.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .numerics import BARE, COUNTED, INNER, KERNEL, VECTOR, copy, draw_log_gamma, invert_positive, lower_inverse


@njit(**INNER, **COUNTED)
def root_of(noise, data, p):
    """Inverse lower Cholesky factor (m, m) of the precision of pattern p's missing part."""
    m = data.missing_start[p + 1] - data.missing_start[p]
    at = data.root_start[p]
    return noise.root[at : at + m * m].reshape(m, m)


@njit(**KERNEL, fastmath=VECTOR, **COUNTED)
def set_precision(noise, data, precision):
    """Make `precision` (B, B) the noise's: its roots for every pattern, and y = P_O x_O of everyone."""
    n_biomarkers = precision.shape[0]
    width = data.real.shape[1]
    copy(noise.precision, precision)
    for p in range(data.count.size):
        gone = data.missing[data.missing_start[p] : data.missing_start[p + 1]]
        if gone.size:
            part = np.empty((gone.size, gone.size))
            for i in range(gone.size):
                for j in range(gone.size):
                    part[i, j] = precision[gone[i], gone[j]]
            lower_inverse(part, root_of(noise, data, p))
    noise.largest.fill(0.0)
    pulled = np.empty(n_biomarkers)
    for block in range(data.real.shape[0]):
        for b in range(n_biomarkers):
            row = noise.y[block, b]
            for w in range(width):
                row[w] = 0.0
            for a in range(n_biomarkers):
                v = precision[b, a]
                if v != 0.0:
                    x = data.x[block, a]
                    for w in range(width):
                        row[w] += v * x[w]
        if data.only[block] != 0:
            for w in range(width):
                p = data.pattern[block, w]
                gone = data.missing[data.missing_start[p] : data.missing_start[p + 1]]
                if gone.size == 0 or data.real[block, w] == 0.0:
                    continue
                root = root_of(noise, data, p)
                for i in range(gone.size):
                    pulled[i] = 0.0
                    for j in range(i + 1):
                        pulled[i] += root[i, j] * noise.y[block, gone[j], w]
                for j in range(gone.size):
                    s = 0.0
                    for i in range(j, gone.size):
                        s += root[i, j] * pulled[i]
                    for b in range(n_biomarkers):
                        noise.y[block, b, w] -= precision[b, gone[j]] * s
                for j in range(gone.size):
                    noise.y[block, gone[j], w] = 0.0
        for b in range(n_biomarkers):
            for w in range(width):
                noise.largest[b] = max(noise.largest[b], abs(noise.y[block, b, w]))


@njit(**INNER, fastmath=VECTOR, **BARE)
def fill_pull(noise, curve, pull):
    """P g of every stage; curve and pull (B, K)."""
    n_biomarkers, n_stages = curve.shape
    for a in range(n_biomarkers):
        for k in range(n_stages):
            pull[a, k] = noise.precision[a, a] * curve[a, k]
        if noise.coupled:
            for b in range(n_biomarkers):
                if b != a:
                    v = noise.precision[a, b]
                    for k in range(n_stages):
                        pull[a, k] += v * curve[b, k]


@njit(**INNER, fastmath=VECTOR, **BARE)
def fill_quad(noise, data, curve, pull, quad):
    """g' P_O g of every stage and pattern; quad (K, P)."""
    n_biomarkers, n_stages = curve.shape
    for k in range(n_stages):
        total = 0.0
        for b in range(n_biomarkers):
            total += curve[b, k] * pull[b, k]
        for p in range(data.count.size):
            quad[k, p] = total
    for p in range(data.count.size):
        gone = data.missing[data.missing_start[p] : data.missing_start[p + 1]]
        at = data.root_start[p]  # of root_of(p), whose reshaped view would count references
        for i in range(gone.size):
            for k in range(n_stages):
                s = 0.0
                for j in range(i + 1):
                    s += noise.root[at + i * gone.size + j] * pull[gone[j], k]
                quad[k, p] -= s * s


@njit(**INNER, **COUNTED)
def pattern_precision(noise, data, p, out):
    """P_O of pattern p into out (B, B)."""
    copy(out, noise.precision)
    gone = data.missing[data.missing_start[p] : data.missing_start[p + 1]]
    if gone.size == 0:
        return
    n = out.shape[0]
    root = root_of(noise, data, p)
    half = np.empty(n)
    for i in range(gone.size):
        for b in range(n):
            half[b] = 0.0
            for j in range(i + 1):
                half[b] += root[i, j] * noise.precision[gone[j], b]
        for a in range(n):
            for b in range(n):
                out[a, b] -= half[a] * half[b]
    for j in range(gone.size):
        for b in range(n):
            out[gone[j], b] = 0.0
            out[b, gone[j]] = 0.0


@njit(**INNER, **COUNTED)
def complete_scatter(noise, data, p, seen, people, out):
    """Add to `out` the expected sum of residuals' products of a pattern's `people`, missing values completed.

    seen (B, B) is the sum over the observed biomarkers (zero elsewhere). Given the observed residual r_O the missing one is
    normal with mean -P_MM^-1 P_MO r_O and covariance P_MM^-1.
    """
    n = out.shape[0]
    gone = data.missing[data.missing_start[p] : data.missing_start[p + 1]]
    if gone.size == 0:
        out += seen
        return
    root = root_of(noise, data, p)
    spread = np.ascontiguousarray(root.T) @ root
    fill = np.zeros((n, n))  # r = fill @ r_O
    for b in range(n):
        fill[b, b] = 1.0
    for i in range(gone.size):
        for b in range(n):
            fill[gone[i], b] = 0.0
    for i in range(gone.size):
        for b in range(n):
            s = 0.0
            for j in range(gone.size):
                s -= spread[i, j] * noise.precision[gone[j], b]
            fill[gone[i], b] = s
        for j in range(gone.size):
            fill[gone[i], gone[j]] = 0.0
    out += fill @ seen @ np.ascontiguousarray(fill.T)
    for i in range(gone.size):
        for j in range(gone.size):
            out[gone[i], gone[j]] += people * spread[i, j]


@njit(**INNER, **COUNTED)
def adapted_covariance(settings, scatter, people, out):
    """Posterior mode of the covariance around its centre: (nu Sigma_0 + S) / (nu + M)."""
    for a in range(out.shape[0]):
        for b in range(out.shape[1]):
            out[a, b] = (settings.degrees * settings.centre[a, b] + scatter[a, b]) / (settings.degrees + people)


@njit(**INNER, **COUNTED)
def draw_precision(settings, scatter, people, rng, out):
    """Wishart draw of the precision given residuals' products S: covariance ~ inverse-Wishart(nu Sigma_0 + S).

    The prior has nu - B - 1 degrees of freedom, so that its mode, like the posterior's in `adapted_covariance`, is Sigma_0.
    Bartlett's decomposition: with L L' = (nu Sigma_0 + S)^-1 the precision is L A A' L', A lower triangular.
    """
    n = out.shape[0]
    scale = settings.degrees * settings.centre + scatter
    root = np.empty((n, n))
    lower_inverse(scale, root)  # root' root = scale^-1, so L = root'
    freedom = settings.degrees - n - 1.0 + people
    bartlett = np.zeros((n, n))
    for i in range(n):
        bartlett[i, i] = math.exp(0.5 * (draw_log_gamma(0.5 * (freedom - i), rng) + 0.6931471805599453))
        for j in range(i):
            bartlett[i, j] = rng.standard_normal()
    # any square root of the scale serves: a standard Wishart's law does not change under rotations
    half = np.ascontiguousarray(root.T) @ bartlett
    copy(out, half @ np.ascontiguousarray(half.T))


@njit(**KERNEL, **COUNTED)
def invert_covariance(covariance, out):
    """Precision into `out`; returns log|covariance|."""
    return invert_positive(covariance, out)
