"""Event-based biomarkers: normal until the event, abnormal after it, each with a density of its own."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

import numpy as np
import pandas as pd
import scipy  # its rooms load when they are used: placing a new person needs none of them, a fit of z-scores few

from ...errors import InputError, counted, name_some
from .base import StepEvents

#: The less likely state keeps at least this share of the likelier one's density.
FLOOR = 1e-6
#: Values that a fit asks of the controls, and of the others, per biomarker.
MIN_VALUES = 10
#: One-sided level at which more of the others than of the controls must lie in the abnormal component.
SEPARATION_LEVEL = 0.05
#: Prior SD of log(abnormal SD / normal SD): a component neither collapses on a few values nor swallows everyone for long.
SPREAD_PRIOR = 0.5
GRID_SIZE = 256


@dataclass(frozen=True)
class GaussianPair:
    """Normal and abnormal density of one biomarker, both Gaussian.

    Beyond the point where a wider component overtakes the other one again (on the far side of it), the log ratio is held:
    nobody is called abnormal for a value better than normal.
    """

    normal_mean: float
    normal_sd: float
    abnormal_mean: float
    abnormal_sd: float
    share: float = 0.5

    kind = "gaussian"

    def check(self, name: str) -> None:
        """InputError where the numbers are no two different normal distributions."""
        numbers = [self.normal_mean, self.normal_sd, self.abnormal_mean, self.abnormal_sd, self.share]
        if not np.isfinite(numbers).all() or min(self.normal_sd, self.abnormal_sd) <= 0:
            raise InputError(f"biomarker {name}: means must be finite and standard deviations positive")
        if self.normal_mean == self.abnormal_mean:
            raise InputError(f"biomarker {name}: normal and abnormal mean are both {self.normal_mean:g}")

    @property
    def sign(self) -> int:
        """1 where abnormal values are higher, -1 where they are lower."""
        return 1 if self.abnormal_mean > self.normal_mean else -1

    def log_densities(self, x: np.ndarray) -> np.ndarray:
        """Log-density of the normal and the abnormal state, (..., 2)."""
        out = np.stack(
            [
                scipy.stats.norm.logpdf(x, self.normal_mean, self.normal_sd),
                scipy.stats.norm.logpdf(x, self.abnormal_mean, self.abnormal_sd),
            ],
            -1,
        )
        if self.normal_sd == self.abnormal_sd:
            return out
        precision = np.array([self.normal_sd, self.abnormal_sd]) ** -2.0
        turn = (precision[1] * self.abnormal_mean - precision[0] * self.normal_mean) / (precision[1] - precision[0])
        held = scipy.stats.norm.logpdf(turn, self.abnormal_mean, self.abnormal_sd) - scipy.stats.norm.logpdf(
            turn, self.normal_mean, self.normal_sd
        )
        outwards = (np.asarray(x) - turn) * self.sign
        if self.abnormal_sd > self.normal_sd:
            out[..., 1] = np.where(outwards < 0, out[..., 0] + held, out[..., 1])
        else:
            out[..., 0] = np.where(outwards > 0, out[..., 1] - held, out[..., 0])
        return out

    def draw(self, abnormal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One value per person, abnormal or not, (M,)."""
        mean = np.where(abnormal, self.abnormal_mean, self.normal_mean)
        return rng.normal(mean, np.where(abnormal, self.abnormal_sd, self.normal_sd))


@dataclass(frozen=True)
class GridPair:
    """Normal and abnormal density of one biomarker as log-densities on a grid.

    Between grid points log-densities are interpolated linearly; values beyond the grid count as its ends.
    """

    grid: tuple
    normal: tuple
    abnormal: tuple
    share: float = 0.5

    kind = "kde"

    def __post_init__(self) -> None:
        for one in ("grid", "normal", "abnormal"):
            object.__setattr__(self, one, tuple(float(v) for v in getattr(self, one)))

    def check(self, name: str) -> None:
        """InputError where the grid does not ascend or the densities do not fit it."""
        if not len(self.grid) == len(self.normal) == len(self.abnormal) or len(self.grid) < 2:
            raise InputError(f"biomarker {name}: grid and log-densities must have the same length, at least 2")
        if not np.isfinite([self.grid, self.normal, self.abnormal]).all() or np.any(np.diff(self.grid) <= 0):
            raise InputError(f"biomarker {name}: the grid must ascend and the log-densities be finite")

    @property
    def sign(self) -> int:
        """1 where abnormal values are higher, -1 where they are lower."""
        normal, abnormal = (np.average(self.grid, weights=np.exp(d)) for d in (self.normal, self.abnormal))
        return 1 if abnormal > normal else -1

    def log_densities(self, x: np.ndarray) -> np.ndarray:
        """Log-density of the normal and the abnormal state, (..., 2)."""
        return np.stack([np.interp(x, self.grid, self.normal), np.interp(x, self.grid, self.abnormal)], -1)

    def draw(self, abnormal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One value per person, abnormal or not, (M,): the distribution function upside down."""
        grid, at = np.asarray(self.grid), rng.random(len(abnormal))
        out = np.empty(len(abnormal))
        for state, logs in enumerate((self.normal, self.abnormal)):
            density = np.exp(logs)
            below = np.concatenate([[0.0], np.cumsum(np.diff(grid) * (density[1:] + density[:-1]) / 2)])
            mine = np.asarray(abnormal, bool) == bool(state)
            out[mine] = np.interp(at[mine] * below[-1], below, grid)
        return out


PAIRS = {pair.kind: pair for pair in (GaussianPair, GridPair)}


class MixtureEvents(StepEvents):
    """The event-based model: one event per biomarker, its value turning from a normal to an abnormal density.

    Passing the event adds ``log p(x | abnormal) - log p(x | normal)`` to a person's log-density; a missing value adds
    nothing.

    Parameters
    ----------
    densities : sequence of dict, GaussianPair or GridPair
        One pair of densities per biomarker. Dicts as in the model file: ``kind="gaussian"`` with normal_mean, normal_sd,
        abnormal_mean, abnormal_sd; or ``kind="kde"`` with grid, normal, abnormal (log-densities on the grid); both with
        share, the abnormal share among those who are no controls (kept for tables, not used by the model).
    biomarkers : sequence of str, optional
        Names; ``b0, b1, ...`` where not given.
    floor : float
        The less likely state's density is at least this share of the likelier one's, so that a log ratio lies within
        ``log(floor)`` and ``-log(floor)`` (13.8 either way) and no single value decides alone. 0 < floor < 1.

    Raises
    ------
    InputError
        Densities that are none, another number of names, duplicate names.

    Notes
    -----
    Fonteijn et al. 2012, NeuroImage 60:1880 (event-based model); Young et al. 2014, Brain 137:2564 (Gaussian mixtures);
    Firth et al. 2020, Alzheimers Dement 16:965 (kernel densities).

    Examples
    --------
    >>> pair = {"kind": "gaussian", "normal_mean": 0, "normal_sd": 1, "abnormal_mean": 3, "abnormal_sd": 1}
    >>> events = MixtureEvents([pair], biomarkers=["p-tau"])
    >>> events.names
    ['p-tau abnormal']
    >>> events.encode(np.array([[0.0], [1.5], [3.0], [np.nan]])).steps.ravel().tolist()
    [-4.5, 0.0, 4.5, 0.0]
    >>> events.summary()[["biomarker", "direction", "cut"]].round(2).values.tolist()
    [['p-tau', 'higher', 1.5]]
    >>> rng = np.random.default_rng(1)
    >>> mixed = np.concatenate([rng.normal(0, 1, 100), rng.normal(4, 1, 100)])
    >>> MixtureEvents.fit(mixed[:, None], rng.normal(0, 1, (100, 1))).summary()["share"].round(1).tolist()
    [0.5]
    """

    family = "mixture"

    def __init__(self, densities, biomarkers=None, *, floor=FLOOR) -> None:
        densities = list(densities)
        names = [f"b{i}" for i in range(len(densities))] if biomarkers is None else list(biomarkers)
        if len(names) != len(densities):
            raise InputError(
                f"{counted(len(names), 'biomarker name')} for {counted(len(densities), 'pair')} of densities"
            )
        super().__init__([1] * len(densities), names)
        if not 0 < floor < 1:
            raise InputError(f"floor is {floor:g}; it must lie between 0 and 1")
        self.floor = float(floor)
        self.densities = tuple(_pair(d, name) for d, name in zip(densities, self.biomarkers, strict=True))

    @property
    def names(self) -> list[str]:
        """Event names, such as ``p-tau abnormal``."""
        return [f"{b} abnormal" for b in self.biomarkers]

    def level_log_density(self, values: np.ndarray) -> np.ndarray:
        """See `StepEvents.level_log_density`."""
        out = np.stack([pair.log_densities(values[:, b]) for b, pair in enumerate(self.densities)], axis=1)
        return np.maximum(out, out[:, :, ::-1] + np.log(self.floor))

    def observed(self, course, rng) -> np.ndarray:
        """A value of the normal or the abnormal density, as they were fitted (the floor is not in them)."""
        return np.stack([p.draw(course[:, b] > 0, rng) for b, p in enumerate(self.densities)], axis=1)

    def parameters(self) -> dict:
        """See `Events.parameters`."""
        return {
            "densities": [
                {"kind": pair.kind, **{k: list(v) if isinstance(v, tuple) else v for k, v in asdict(pair).items()}}
                for pair in self.densities
            ],
            "biomarkers": list(self.biomarkers),
            "floor": self.floor,
        }

    def summary(self) -> pd.DataFrame:
        """What the densities say of every biomarker.

        Returns
        -------
        DataFrame
            biomarker, kind, direction ("higher" or "lower" is abnormal), share (abnormal among those who are no controls),
            cut (the value at which both states are equally likely; NaN where the densities do not cross).
        """
        rows = []
        for name, pair in zip(self.biomarkers, self.densities, strict=True):
            if pair.kind == "gaussian":
                reach = 5 * max(pair.normal_sd, pair.abnormal_sd)
                ends = sorted([pair.normal_mean, pair.abnormal_mean])
                x = np.linspace(ends[0] - reach, ends[1] + reach, 20_001)
            else:
                x = np.linspace(pair.grid[0], pair.grid[-1], 20_001)
            both = pair.log_densities(x)
            ratio = (both[:, 1] - both[:, 0]) * pair.sign
            crossing = np.flatnonzero((ratio[:-1] < 0) & (ratio[1:] >= 0))
            rows.append(
                {
                    "biomarker": name,
                    "kind": pair.kind,
                    "direction": "higher" if pair.sign > 0 else "lower",
                    "share": pair.share,
                    "cut": x[crossing[0] + 1] if crossing.size else np.nan,
                }
            )
        return pd.DataFrame(rows)

    @classmethod
    def fit(cls, X, controls, *, kind="gaussian", biomarkers=None, floor=FLOOR) -> MixtureEvents:
        """Fit a two-component mixture per biomarker: controls are normal, everyone else is either.

        Parameters
        ----------
        X : array_like or DataFrame, shape (M, B)
            The people to be staged, controls not among them; NaN = missing. A DataFrame may have other columns too.
        controls : array_like or DataFrame, shape (C, B)
            People known to be normal.
        kind : {"gaussian", "kde"}
            Shape of both densities: normal, or kernel estimates (for skewed or otherwise shaped values; they want some 50
            people per state).
        biomarkers : sequence of str, optional
            Columns to take; all of `X` where not given, ``b0, b1, ...`` for a matrix.
        floor : float
            See the class.

        Returns
        -------
        MixtureEvents

        Raises
        ------
        InputError
            Absent or non-numeric columns; fewer than 10 values of a biomarker among the controls or the others; constant
            values; no separation: one normal distribution describes everyone as well (BIC), or no larger share of the
            others than of the controls lies in the abnormal component (Fisher's exact test, one-sided, p < .05).

        Notes
        -----
        Gaussian: controls ~ normal, others ~ (1 - share) normal + share abnormal, at the maximum of the likelihood times two
        weak priors that keep small samples from degenerate fits: share ~ Beta(2, 2), log(abnormal SD / normal SD) ~
        N(0, .5^2). Best of starts on either side of the controls; the direction is thereby found. KDE: from there, the same mixture with densities
        re-estimated by weighted Gaussian kernels (Scott's bandwidth) until nobody's probability changes, the log ratio kept
        monotone in the direction found.
        """
        if kind not in PAIRS:
            raise InputError(f"kind is {kind!r}; it must be 'gaussian' or 'kde'")
        if biomarkers is None and isinstance(X, pd.DataFrame):
            biomarkers = list(X.columns)
        if biomarkers is None:
            biomarkers = [f"b{i}" for i in range(np.shape(X)[-1])]
        probe = StepEvents([1] * len(biomarkers), biomarkers)
        others, normal = _numbers(probe, X, "the people to be staged"), _numbers(probe, controls, "controls")
        densities, problems = [], []
        for b, name in enumerate(probe.biomarkers):
            x, c = (v[np.isfinite(v[:, b]), b] for v in (others, normal))
            problem = _unfit(x, c)
            pair = None if problem else _fit_gaussians(x, c)
            problem = problem or _not_separated(pair, x, c)
            if problem:
                problems.append(f"{name}: {problem}")
            elif kind == "kde":
                pair = _fit_kernels(pair, x, c)
            densities.append(pair)
        if problems:
            raise InputError(
                "no mixture can be fitted for some biomarkers; leave them out or model them as z-scores or ordinal scores:\n"
                + "\n".join(problems)
            )
        return cls(densities, probe.biomarkers, floor=floor)


def _pair(density, name):
    """A pair of densities from the model file's dict."""
    if isinstance(density, dict):
        density = dict(density)
        kind = density.pop("kind", "gaussian")
        if kind not in PAIRS:
            raise InputError(f"biomarker {name}: densities of kind {kind!r}; known are {name_some(PAIRS)}")
        wanted = {f.name for f in fields(PAIRS[kind])}
        absent = wanted - {"share"} - set(density)
        if absent or set(density) - wanted:
            raise InputError(
                f"biomarker {name}: {kind} densities have {name_some(sorted(wanted))}; got {name_some(density)}"
            )
        density = PAIRS[kind](**density)
    if not isinstance(density, tuple(PAIRS.values())):
        raise InputError(f"biomarker {name}: {density!r} is no pair of densities")
    density.check(name)
    return density


def _numbers(probe: StepEvents, X, what: str) -> np.ndarray:
    """Columns of the biomarkers as numbers; people without any value may stay here."""
    try:
        if isinstance(X, pd.DataFrame):
            values = probe._from_frame(X)[0]
        else:
            values = np.array(X, dtype=float)
            if values.ndim != 2 or values.shape[1] != probe.n_biomarkers:
                raise InputError(f"shape {values.shape}; expected (people, {probe.n_biomarkers})")
    except (InputError, TypeError, ValueError) as error:
        raise InputError(f"{what}: {error}") from None
    endless = np.isinf(values).any(axis=0)
    if endless.any():
        raise InputError(f"{what}: infinite values of {name_some(np.array(probe.biomarkers)[endless])}")
    return values


def _unfit(x: np.ndarray, c: np.ndarray) -> str:
    """Why a biomarker's values do not allow a fit; empty where they do."""
    for values, who in ((c, "controls"), (x, "others")):
        if values.size < MIN_VALUES:
            return f"{counted(values.size, 'value')} among the {who}, at least {MIN_VALUES} are needed"
        if np.ptp(values) == 0:
            return f"constant, {values[0]:g}, among the {who}"
    return ""


def _fit_gaussians(x: np.ndarray, c: np.ndarray) -> GaussianPair:
    """Both normal distributions and the abnormal share, at the maximum of likelihood times weak priors."""
    middle, scale = c.mean(), c.std()
    x, c = (x - middle) / scale, (c - middle) / scale

    def loss(p):
        m0, s0, m1, s1, w = p[0], np.exp(p[1]), p[2], np.exp(p[3]), p[4]
        mixed = np.logaddexp(
            scipy.special.log_expit(-w) + _log_normal(x, m0, s0), scipy.special.log_expit(w) + _log_normal(x, m1, s1)
        )
        prior = scipy.special.log_expit(w) + scipy.special.log_expit(-w) - 0.5 * ((p[3] - p[1]) / SPREAD_PRIOR) ** 2
        return -(_log_normal(c, m0, s0).sum() + mixed.sum() + prior) / (x.size + c.size)

    bounds = [(None, None), (np.log(0.2), np.log(5)), (None, None), (np.log(0.02), np.log(50)), (-6, 6)]
    fits = [
        scipy.optimize.minimize(loss, [0.0, 0.0, start, 0.0, 0.0], method="L-BFGS-B", bounds=bounds)
        for start in np.quantile(x, [0.05, 0.25, 0.75, 0.95])
    ]
    m0, s0, m1, s1, w = min(fits, key=lambda f: f.fun).x
    return GaussianPair(
        normal_mean=float(middle + scale * m0),
        normal_sd=float(scale * np.exp(s0)),
        abnormal_mean=float(middle + scale * m1),
        abnormal_sd=float(scale * np.exp(s1)),
        share=float(scipy.special.expit(w)),
    )


def _log_normal(x: np.ndarray, mean: float, sd: float) -> np.ndarray:
    """`scipy.stats.norm.logpdf` without its checks, which would take most of a fit's time."""
    return -0.5 * ((x - mean) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi)


def _probabilities(pair, x: np.ndarray) -> np.ndarray:
    """P(abnormal | value) among those who are no controls, (M,)."""
    both = pair.log_densities(x)
    return scipy.special.expit(both[:, 1] - both[:, 0] + np.log(pair.share) - np.log1p(-pair.share))


def _not_separated(pair: GaussianPair, x: np.ndarray, c: np.ndarray) -> str:
    """Why the two components are no two states; empty where they are."""
    everyone = np.concatenate([x, c])
    one = scipy.stats.norm.logpdf(everyone, everyone.mean(), everyone.std()).sum()
    normal = scipy.stats.norm.logpdf(x, pair.normal_mean, pair.normal_sd) + np.log1p(-pair.share)
    abnormal = scipy.stats.norm.logpdf(x, pair.abnormal_mean, pair.abnormal_sd) + np.log(pair.share)
    two = scipy.stats.norm.logpdf(c, pair.normal_mean, pair.normal_sd).sum() + np.logaddexp(normal, abnormal).sum()
    if two - one <= 1.5 * np.log(everyone.size):
        return f"no separation, one normal distribution describes controls and others as well ({two - one:+.1f} nats for two)"
    found, false = (int((_probabilities(pair, v) > 0.5).sum()) for v in (x, c))
    table = [[found, x.size - found], [false, c.size - false]]
    if scipy.stats.fisher_exact(table, alternative="greater").pvalue >= SEPARATION_LEVEL:
        return f"no separation, {found} of {counted(x.size, 'other')} and {false} of {counted(c.size, 'control')} lie in the abnormal component"
    return ""


def _fit_kernels(start: GaussianPair, x: np.ndarray, c: np.ndarray, most: int = 50) -> GridPair:
    """Both densities by weighted kernels, from the Gaussian fit's probabilities and with its share.

    The share stays: with free densities any larger one would do as well, the abnormal density taking normal values too.
    """
    everyone, share = np.concatenate([c, x]), start.share
    margin = 3 * np.std(everyone) * everyone.size**-0.2
    grid = np.linspace(everyone.min() - margin, everyone.max() + margin, GRID_SIZE)
    probability = _probabilities(start, x)
    for _ in range(most):
        weights = (np.concatenate([np.ones(c.size), 1 - probability]), np.concatenate([np.zeros(c.size), probability]))
        densities = [scipy.stats.gaussian_kde(everyone[w > 1e-6], weights=w[w > 1e-6]).logpdf(grid) for w in weights]
        pair = GridPair(grid, *_monotone(*densities, share, start.sign), share)
        before, probability = probability, _probabilities(pair, x)
        if np.abs(probability - before).max() < 1e-3:
            break
    return pair


def _monotone(normal: np.ndarray, abnormal: np.ndarray, share: float, sign: int) -> tuple[np.ndarray, np.ndarray]:
    """Densities of the same mixture whose log ratio never falls in the abnormal direction."""
    total = np.logaddexp(np.log1p(-share) + normal, np.log(share) + abnormal)
    # A share of the largest weight everywhere keeps the tails, where nobody is, from dividing by zero
    weights = np.exp(total - total.max()) + 1e-9
    ratio = scipy.optimize.isotonic_regression(abnormal - normal, weights=weights, increasing=sign > 0).x
    normal = total - np.logaddexp(np.log1p(-share), np.log(share) + ratio)
    return normal, normal + ratio
