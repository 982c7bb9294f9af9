"""Data, events and variant, packed once for all starts and chains."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import scipy

from ..errors import InputError, NeuraxisWarning, counted, name_some
from . import kernels
from .families.base import Events
from .state import Parameters, Variant, integral_rule

#: Most people in a block: rows this long amortise the loops' overhead, and one stage of a block stays in the
#: first-level cache.
MAX_WIDTH = 512
#: A block's width is a multiple of this: whole vector registers, and products of four ratios.
WIDTH_STEP = 32
#: What a block costs beside its people, in people.
BLOCK_COST = 24
#: So many people with one pattern of missing values get blocks of their own; fewer share blocks with other patterns.
OWN_BLOCKS = 64
#: Chains keep densities in single precision unless somebody's |P x| is larger than this: a single move could then change a
#: log-density by more than single precision spans (see `limits`).
LARGEST_SINGLE = 40.0
#: A covariance of a larger condition number is refused: its inverse would amplify noise into evidence.
LARGEST_CONDITION = 1e6


def limits(dtype) -> np.ndarray:
    """What the precision of a chain's densities allows, (6,).

    Lift and floor of log-densities: they are kept relative to each person's reference, times exp(lift), so that single
    precision (e^-87 to e^88) reaches as far below the reference as it can. How far one move, and all moves since the last
    renewal, may change a log-density: what began at the floor is still negligible after that. The least weight that may
    raise a density above the reference, and what is added to densities so that products never become subnormal numbers,
    on which processors are a hundred times slower.
    """
    if dtype == np.float32:
        return np.array([60.0, -69.0, 80.0, 90.0, 1e-12, 1e-30])
    return np.array([0.0, -708.0, 300.0, 600.0, 1e-300, 0.0])


def noise_vector(noise_sd, n_biomarkers: int) -> np.ndarray:
    """Noise SD per biomarker (B,) from a number or a vector; InputError unless positive and finite."""
    try:
        sd = np.broadcast_to(np.asarray(noise_sd, float), (n_biomarkers,)).copy()
    except (TypeError, ValueError):
        raise InputError(
            f"noise_sd must be a number, or one for each of {counted(n_biomarkers, 'biomarker')}, not {noise_sd!r}"
        ) from None
    if not (np.all(np.isfinite(sd)) and np.all(sd > 0)):
        raise InputError(f"noise SD must be positive and finite; got {sd.tolist()}")
    return sd


def check_covariance(events: Events, covariance) -> np.ndarray | None:
    """Covariance of the residuals in the order of `events.gaussian`, (B, B).

    Parameters
    ----------
    covariance : None, "independent", array_like or DataFrame
        A DataFrame is matched by biomarker name, others left aside; an array must have the events' order.

    Returns
    -------
    ndarray or None
        None for independent residuals.

    Raises
    ------
    InputError
        Wrong shape, absent biomarkers, not symmetric, not positive definite, or too ill-conditioned to be inverted.
    """
    if covariance is None or (isinstance(covariance, str) and covariance == "independent"):
        return None
    names = list(events.gaussian)
    if not names:
        raise InputError("a covariance was given, but no biomarker of these events has Gaussian noise")
    if isinstance(covariance, pd.DataFrame):
        absent = [b for b in names if b not in covariance.index or b not in covariance.columns]
        if absent:
            raise InputError(f"the covariance lacks biomarkers of the model: {name_some(absent)}")
        covariance = covariance.loc[names, names]
    try:
        matrix = np.array(covariance, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"covariance must be a matrix, 'independent' or None, not {covariance!r}") from None
    if matrix.shape != (len(names), len(names)):
        raise InputError(
            f"covariance has shape {matrix.shape}; the model has {counted(len(names), 'biomarker')} with noise"
        )
    if not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T, rtol=1e-8, atol=1e-10):
        raise InputError("covariance must be finite and symmetric")
    values = np.linalg.eigvalsh(matrix)
    if values[0] <= 0:
        raise InputError("covariance is not positive definite; shrink it (fewer people than biomarkers?)")
    if values[-1] / values[0] > LARGEST_CONDITION:
        raise InputError(
            f"covariance has condition number {values[-1] / values[0]:.3g}, above {LARGEST_CONDITION:g}; shrink it"
        )
    return 0.5 * (matrix + matrix.T)


def warn_independent(events: Events) -> None:
    """Say what independent residuals do where nobody asked for them."""
    if len(events.gaussian) > 1:
        warnings.warn(
            "no covariance given, so residuals are taken as independent; healthy regions correlate, and a model that says "
            "they do not explains normal anatomy by subtypes and stages. Pass covariance= the controls' covariance of z, or "
            "covariance='independent' to say that it is meant",
            NeuraxisWarning,
            stacklevel=3,
        )


def warn_unmeasured(events: Events, values: np.ndarray) -> None:
    """Say which biomarkers nobody of `values` (M, B) has: everybody, or those whom a fold trains on."""
    empty = np.isnan(values).all(axis=0)
    if empty.any():
        names = name_some(np.array(events.biomarkers)[empty])
        warnings.warn(
            f"nobody of {counted(len(values), 'person')} to be fitted has a value of {names}: where its events stand is chance",
            NeuraxisWarning,
            stacklevel=3,
        )


def pack(encoded) -> tuple[kernels.Data, np.ndarray]:
    """Lay people out in blocks of equal width, by their pattern of missing values.

    Parameters
    ----------
    encoded : Encoded
        x (M, B), steps (M, S).

    Returns
    -------
    Data
    ndarray, shape (M,)
        Place of every person in the flattened blocks.
    """
    x, steps = encoded.x, encoded.steps
    n_people, n_biomarkers = x.shape
    gone = ~np.isfinite(x)
    patterns, which, count = np.unique(
        np.concatenate([np.zeros((1, n_biomarkers), bool), gone]), axis=0, return_inverse=True, return_counts=True
    )
    which = which.ravel()
    # complete people first: nothing missing sorts before everything else
    which, count = which[1:], count - (np.arange(len(count)) == which[0])
    order = np.argsort(which, kind="stable")
    large = (count >= OWN_BLOCKS) | (np.arange(len(count)) == 0)
    groups = [order[which[order] == p] for p in np.flatnonzero(large)]
    small = order[~large[which[order]]]
    alone = [g for g in groups if g.size]
    widths = np.arange(WIDTH_STEP, MAX_WIDTH + 1, WIDTH_STEP)
    sizes = np.array([g.size for g in alone] + ([small.size] if small.size else []))
    cost = [(-(-sizes // w)).sum() * (w + BLOCK_COST) for w in widths]
    width = int(widths[len(widths) - 1 - int(np.argmin(cost[::-1]))])
    slots, only = [], []
    for g in [*alone, *([small] if small.size else [])]:
        n_blocks = -(-g.size // width)
        filled = np.full(n_blocks * width, -1)
        filled[: g.size] = g
        slots.append(filled)
        only += [-1 if g is small else int(which[g[0]])] * n_blocks
    slot = np.concatenate(slots)
    n_blocks = slot.size // width
    real = slot >= 0
    where = np.empty(n_people, np.int64)
    where[slot[real]] = np.flatnonzero(real)
    only = np.array(only, np.int64)

    def blocks(values):
        out = np.zeros((slot.size, values.shape[1]))
        out[real] = np.nan_to_num(values[slot[real]])
        return np.ascontiguousarray(out.reshape(n_blocks, width, -1).transpose(0, 2, 1))

    pattern = np.where(real, which[np.maximum(slot, 0)], np.repeat(np.maximum(only, 0), width))
    numbers = patterns.sum(axis=1)
    data = kernels.Data(
        x=blocks(x),
        steps=blocks(steps),
        largest_step=np.abs(steps).max(axis=0, initial=0.0),
        real=real.reshape(n_blocks, width).astype(float),
        pattern=pattern.reshape(n_blocks, width),
        only=only,
        missing=np.nonzero(patterns)[1].astype(np.int64),
        missing_start=np.concatenate([[0], np.cumsum(numbers)]).astype(np.int64),
        root_start=np.concatenate([[0], np.cumsum(numbers**2)[:-1]]).astype(np.int64),
        count=count.astype(float),
    )
    return data, where


class Problem:
    """Data, events and variant, packed for the kernels.

    Parameters
    ----------
    values : ndarray, shape (M, B)
        Checked values, see `Events.check_data`.
    events : Events
    variant : Variant
        Its covariance checked, see `check_covariance`.
    single : bool, optional
        Whether chains keep densities in single precision; by default where they are safe in it.
    """

    def __init__(self, values: np.ndarray, events: Events, variant: Variant, single: bool | None = None) -> None:
        if variant.integral and not events.has_integral:
            raise InputError(
                "stage_rule='integral' needs z-score events throughout; others have no course inside a stage"
            )
        self.values, self.events, self.variant = values, events, variant
        self._constant: float | None = None
        self.encoded = events.encode(values)
        self.data, self.where = pack(self.encoded)
        self.layout = events.layout()
        self.bumps = variant.bumps(events.n_events)
        n = self.encoded.x.shape[1]
        sd = noise_vector(variant.noise_sd, n)
        self.covariance = np.diag(sd**2) if variant.covariance is None else variant.covariance
        observed = np.isfinite(self.encoded.x).sum(axis=0)
        if variant.noise != "fixed" and n and observed.min() < 2:
            name = events.gaussian[int(np.argmin(observed))]
            raise InputError(f"biomarker {name} has fewer than two values; its noise SD cannot be learnt")
        if variant.noise == "adapted" and variant.degrees <= 2 * n:
            raise InputError(
                f"adapted noise of {counted(n, 'biomarker')} needs more than {counted(2 * n, 'degree')} of freedom, not {variant.degrees:g}"
            )
        concentration = variant.share_concentration
        self.settings = kernels.Settings(
            bumps=self.bumps,
            healthy=bool(variant.healthy),
            concentration=concentration,
            # the uniform prior's fractions are plain maximum likelihood, as the peer's
            pseudo=0.0 if variant.stage_prior == "uniform" else concentration,
            noise=("fixed", "learnt", "adapted").index(variant.noise),
            degrees=float(variant.degrees),
            centre=self.covariance,
            integral=variant.integral,
        )
        if single is None:
            steps = float(np.sort(self.data.largest_step)[-2:].sum())  # what one event gains where another is lost
            largest = self.noise(self.covariance).largest.max(initial=0.0)
            single = not variant.integral and largest <= LARGEST_SINGLE and steps <= limits(np.float32)[2]
        self.dtype = np.float32 if single else np.float64

    @property
    def n_people(self) -> int:
        """M."""
        return len(self.values)

    def subset(self, rows: np.ndarray) -> Problem:
        """The same problem for some of the people."""
        return Problem(self.values[rows], self.events, self.variant)

    def under(self, **changes) -> Problem:
        """The same people and events under a changed variant."""
        return Problem(self.values, self.events, replace(self.variant, **changes))

    # ------------------------------------------------------- arrays for the kernels

    def noise(self, covariance: np.ndarray) -> kernels.Noise:
        """Noise of a covariance (B, B), with everyone's y."""
        n = len(covariance)
        precision = np.empty((n, n))
        kernels.invert_covariance(np.ascontiguousarray(covariance), precision)
        numbers = np.diff(self.data.missing_start)
        noise = kernels.Noise(
            precision=np.empty((n, n)),
            coupled=bool(self.variant.noise == "adapted" or np.any(covariance != np.diag(np.diag(covariance)))),
            y=np.empty_like(self.data.x),
            largest=np.empty(n),
            root=np.empty(int((numbers**2).sum())),
        )
        kernels.set_precision(noise, self.data, precision)
        return noise

    def subtypes(self, sequences: np.ndarray) -> kernels.Subtypes:
        """Subtypes of sequences (C, N); curves are still to be filled."""
        n_subtypes, n_events = sequences.shape
        n = self.encoded.x.shape[1]
        return kernels.Subtypes(
            sequence=np.ascontiguousarray(sequences, np.int64).copy(),
            place=np.argsort(sequences, axis=1).astype(np.int64),
            curve=np.zeros((n_subtypes, n, n_events + 1)),
            pull=np.zeros((n_subtypes, n, n_events + 1)),
            quad=np.zeros((n_subtypes, n_events + 1, self.data.count.size)),
        )

    def weights(self, point: Parameters) -> kernels.Weights:
        """Mixture weights of `point`."""
        weights = kernels.Weights(
            healthy=np.array([float(point.healthy)]),
            share=(1 - point.healthy) * point.fractions[:, None] * point.shares,
            joint=np.empty((len(point.sequences), self.events.n_events + 1)),
        )
        kernels.fill_joint(weights, self.settings)
        return weights

    def work(self, n_subtypes: int, coupled: bool) -> tuple[kernels.Statistics, kernels.Ground]:
        """Room for statistics and for moves given them."""
        n, n_steps, n_stages = self.encoded.x.shape[1], self.encoded.steps.shape[1], self.events.n_events + 1
        stats = kernels.Statistics(
            count=np.zeros((self.data.count.size, n_subtypes, n_stages)),
            pulled=np.zeros((n_subtypes, n, n_stages)),
            stepped=np.zeros((n_subtypes, n_steps, n_stages)),
            healthy=np.zeros(1),
            scatter=np.zeros((n, n)),
        )
        padded = -(-n_stages // kernels.STAGE_STEP) * kernels.STAGE_STEP
        ground = kernels.Ground(
            planes=np.zeros((5, max(n, 1), padded)),
            total=np.zeros(padded),
            precision=np.zeros((n, n) if coupled else (0, 0)),
            cross=np.zeros((n, n, padded) if coupled and self.data.count.size > 1 else (0, 0, 0)),
            stepped=np.zeros((n_steps, padded)),
            shift=np.zeros((n, padded)),
            walk=np.zeros((3, padded)),
            rows=np.zeros(n, np.int64),
        )
        ground.planes[3, 0] = np.arange(padded)
        return stats, ground

    def trial(self, dtype) -> kernels.Trial:
        """Room for a move under trial."""
        n, n_stages, n_patterns = self.encoded.x.shape[1], self.events.n_events + 1, self.data.count.size
        n_blocks, width = self.data.real.shape
        return kernels.Trial(
            biomarkers=np.zeros(n, np.int64),
            curve=np.zeros((n, n_stages)),
            delta=np.zeros((n, n_stages)),
            growth=np.zeros((n, n_stages)),
            starts=np.zeros(n_stages + 1, np.int64),
            touched=np.zeros(n_stages, bool),
            pull=np.zeros((n, n_stages)),
            quad=np.zeros((n_stages, n_patterns)),
            factor=np.zeros((n_patterns, n_stages), dtype),
            gained=np.zeros(n_stages, np.int64),
            lost=np.zeros(n_stages, np.int64),
            weight=np.zeros(n_stages, dtype),
            floor=limits(dtype)[5:6].astype(dtype),
            base=np.zeros(1, dtype),
            slope=np.zeros(n + 3, dtype),
            which=np.zeros(n + 3, np.int64),
            sums=np.zeros((5, n_stages)),
            density=np.zeros((n_blocks, n_stages, width), dtype),
            total=np.zeros((n_blocks, width), dtype),
            rows=np.zeros((4, width), dtype),
        )

    def chain(self, point: Parameters, dtype=None) -> kernels.Chain:
        """Fresh chain state at `point`; densities are still to be computed (`kernels.renew`)."""
        dtype = self.dtype if dtype is None else dtype
        n_subtypes, n_events = point.sequences.shape
        n_blocks, width = self.data.real.shape
        noise = self.noise(point.covariance)
        return kernels.Chain(
            subtypes=self.subtypes(point.sequences),
            weights=self.weights(point),
            noise=noise,
            fast=noise.y.astype(dtype),
            density=np.zeros((n_subtypes, n_blocks, n_events + 1, width), dtype),
            reference=np.zeros((n_blocks, width)),
            healthy=np.zeros((n_blocks, width), dtype),
            subtype=np.zeros((n_subtypes, n_blocks, width), dtype),
            mixture=np.zeros((n_blocks, width), dtype),
            limits=limits(dtype),
            changed=np.zeros((n_subtypes, self.events.n_events + 1)),
            step=np.full((n_subtypes, n_events), max(1.0, n_events / 12)),
            tried=np.zeros((n_subtypes, n_events)),
            accepted=np.zeros((n_subtypes, n_events)),
        )

    def parameters(self, subtypes, weights, noise, log_likelihood: float) -> Parameters:
        """Parameters of a kernel state, its log-likelihood (without constants) completed."""
        covariance = self.covariance
        if self.variant.noise != "fixed":
            covariance = np.linalg.inv(noise.precision)
            covariance = 0.5 * (covariance + covariance.T)
            if self.variant.noise == "learnt":
                covariance = np.diag(np.diag(covariance))
        each = weights.share.sum(axis=1)
        staged = each.sum()
        return Parameters(
            sequences=subtypes.sequence.copy(),
            fractions=each / staged,
            shares=weights.share / each[:, None],
            bumps=self.bumps,
            healthy=float(weights.healthy[0]),
            covariance=covariance,
            log_likelihood=float(log_likelihood) + self.constant(noise),
            log_prior=self.log_prior(covariance),
        )

    # ------------------------------------------------------- numbers

    def log_prior(self, covariance: np.ndarray) -> float:
        """Log density of an adapted covariance under its inverse-Wishart prior, without the normaliser."""
        if self.variant.noise != "adapted":
            return 0.0
        _, log_determinant = np.linalg.slogdet(covariance)
        nu = self.variant.degrees
        return float(-0.5 * nu * (log_determinant + np.trace(np.linalg.solve(covariance, self.covariance))))

    def constants(self, noise: kernels.Noise) -> np.ndarray:
        """The part of log p(x_j | k, S) that depends on neither stage nor sequence, shape (M,).

        -(x_O' P_O x_O + log |2 pi Sigma_OO|) / 2, with log |Sigma_OO| = log |Sigma| + log |P_MM|.
        """
        data = self.data
        n = len(noise.precision)
        determinant = np.zeros(data.count.size)
        numbers = np.diff(data.missing_start)
        for p in np.flatnonzero(numbers):
            root = noise.root[data.root_start[p] :][: numbers[p] ** 2].reshape(numbers[p], numbers[p])
            determinant[p] = -2 * np.log(np.diag(root)).sum()
        if n:
            determinant -= np.linalg.slogdet(noise.precision)[1]
        observed = n - numbers
        per_pattern = determinant + observed * np.log(2 * np.pi)
        distance = (data.x * noise.y).sum(axis=1).ravel()[self.where]
        return -0.5 * (distance + per_pattern[data.pattern.ravel()[self.where]]) + self.encoded.base

    def constant(self, noise: kernels.Noise) -> float:
        """What the kernels leave out of the log-likelihood."""
        if self.variant.noise != "fixed":
            return float(self.constants(noise).sum())
        if self._constant is None:
            self._constant = float(self.constants(noise).sum())
        return self._constant

    def unpack(self, blocks: np.ndarray) -> np.ndarray:
        """Array (..., n_blocks, width) as (..., M), people in their own order."""
        return blocks.reshape(*blocks.shape[:-2], -1)[..., self.where]

    def posterior(self, points: list[Parameters]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where everyone stands, averaged over parameters.

        Returns
        -------
        ndarray, shape (M, C, N+1)
            P(subtype, stage | x).
        ndarray, shape (M,)
            P(healthy | x).
        ndarray, shape (D, M)
            log p(x | parameters).
        """
        n_subtypes, n_stages = len(points[0].sequences), self.events.n_events + 1
        n_blocks, width = self.data.real.shape
        posterior = np.zeros((n_subtypes + 1, n_stages, n_blocks, width))
        density = np.empty((n_blocks, width))
        log_density = np.empty((len(points), self.n_people))
        noise, known, constants = None, None, None
        for d, point in enumerate(points):
            if known is None or not np.array_equal(known, point.covariance):
                known = point.covariance
                noise = self.noise(known)
                constants = self.constants(noise)
            kernels.posterior_over_draws(
                self.data,
                self.layout,
                noise,
                self.subtypes(point.sequences),
                self.weights(point),
                self.variant.integral,
                posterior,
                density,
            )
            log_density[d] = self.unpack(density) + constants
        mean = self.unpack(posterior) / len(points)
        return np.moveaxis(mean[:n_subtypes], 2, 0), mean[n_subtypes, 0], log_density

    def assignments(self, point: Parameters) -> np.ndarray:
        """Most probable subtype (M,) under `point`, given that a person is staged."""
        return self.posterior([point])[0].sum(axis=2).argmax(axis=1)


def stage_log_likelihood(events, X, sequence, covariance, noise_sd, stage_rule) -> np.ndarray:
    """log p(x_j | stage k, sequence), (M, N+1); see `Events.log_likelihood`."""
    values, _ = events.check_data(X)
    rule = integral_rule(stage_rule)
    variant = Variant(
        "uniform",
        covariance=check_covariance(events, covariance),
        noise_sd=noise_sd,
        stage_rule=stage_rule,
        healthy=False,
    )
    problem = Problem(values, events, variant)
    noise = problem.noise(problem.covariance)
    n_blocks, width = problem.data.real.shape
    out = np.empty((n_blocks, events.n_events + 1, width))
    subtypes = problem.subtypes(events.check_sequence(sequence)[None])
    kernels.stage_log_density(problem.data, noise, subtypes, problem.layout, rule, out)
    return problem.unpack(np.moveaxis(out, 1, 0)).T + problem.constants(noise)[:, None]


def mixture_log_likelihood(
    events, X, sequences, weights, *, healthy=0.0, covariance=None, noise_sd=1.0, stage_rule="midpoint"
) -> np.ndarray:
    """log p(x_j) under a mixture of subtypes, by the readable formula.

    Parameters
    ----------
    events : Events
    X : array_like or DataFrame, shape (M, B)
    sequences : array_like of int, shape (C, N)
    weights : array_like, shape (C, N+1)
        Joint prior of subtype and stage; with `healthy` it sums to 1.
    healthy : float
        Weight of the healthy component.
    covariance, noise_sd, stage_rule
        See `Events.log_likelihood`.

    Returns
    -------
    ndarray, shape (M,)

    Examples
    --------
    >>> from neuraxis.sustain import ZScoreEvents
    >>> events = ZScoreEvents([[1.0]], [2.0], biomarkers=["thalamus"])
    >>> mixture_log_likelihood(events, np.array([[0.5]]), [[0]], [[0.5, 0.5]]).round(3).tolist()
    [-1.138]
    """
    options = {"covariance": covariance, "noise_sd": noise_sd}
    parts = [events.log_likelihood(X, s, stage_rule=stage_rule, **options) for s in sequences]
    with np.errstate(divide="ignore"):
        cells = np.stack(parts, axis=1) + np.log(np.asarray(weights))[None]
        cells = cells.reshape(len(cells), -1)
        if healthy:
            cells = np.column_stack([cells, null_log_density(events, X, **options) + np.log(healthy)])
    return scipy.special.logsumexp(cells, axis=1)


def null_log_density(events, X, *, covariance=None, noise_sd=1.0) -> np.ndarray:
    """log p(x_j) where everyone is healthy, N(0, covariance) with no event passed, shape (M,).

    Parameters
    ----------
    events : Events
    X : array_like or DataFrame, shape (M, B)
    covariance : array_like or DataFrame, shape (B, B), optional
        Independent with `noise_sd` where not given.
    noise_sd : float or array_like, shape (B,)

    Returns
    -------
    ndarray, shape (M,)
        In nats.

    Raises
    ------
    InputError
        Data or covariance that do not fit the events.

    Examples
    --------
    >>> from neuraxis.sustain import ZScoreEvents
    >>> events = ZScoreEvents([[1.0]], [2.0], biomarkers=["thalamus"])
    >>> null_log_density(events, np.array([[0.0], [1.0]])).round(3).tolist()
    [-0.919, -1.419]
    """
    values, _ = events.check_data(X)
    variant = Variant(covariance=check_covariance(events, covariance), noise_sd=noise_sd)
    problem = Problem(values, events, variant)
    return problem.constants(problem.noise(problem.covariance))


def uniform_weights(fractions, n_stages: int) -> np.ndarray:
    """Joint weights (C, n_stages) of fractions (C,) under the uniform stage prior.

    Parameters
    ----------
    fractions : array_like, shape (C,)
    n_stages : int

    Returns
    -------
    ndarray, shape (C, n_stages)
        Sums to the sum of the fractions.

    Examples
    --------
    >>> uniform_weights([0.75, 0.25], 2).tolist()
    [[0.375, 0.375], [0.125, 0.125]]
    """
    f = np.asarray(fractions, float)
    return np.repeat(f[:, None], n_stages, axis=1) / n_stages
