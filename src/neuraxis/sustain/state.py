"""What a model is: its variant, its parameters, its posterior draws."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import numpy as np

from ..errors import InputError, agreeing, check_number, check_whole, counted

PRIORS = ("smooth", "dirichlet", "uniform")
NOISES = ("fixed", "learnt", "adapted")
#: Dirichlet concentration of every share where none is given: one per bump or fraction, a tenth per single cell.
CONCENTRATION = {"smooth": 1.0, "dirichlet": 0.1, "uniform": 1.0}
#: Each triangular bump of the smooth prior is so much wider than the one before.
BUMP_GROWTH = 1.35


@dataclass(frozen=True, eq=False)
class Variant:
    """A model variant: noise, healthy component, stage weights, how a stage is integrated.

    Parameters
    ----------
    stage_prior : {"smooth", "dirichlet", "uniform"}
        Weights of the stages: mixtures of triangular bumps, narrow at first and wider later; one weight per cell of subtype
        and stage; or the same for every stage (parity with pySuStaIn).
    noise : {"fixed", "learnt", "adapted"}
        Residuals as given; independent with one SD per biomarker learnt; or a covariance learnt with an inverse-Wishart
        prior around the given one.
    covariance : ndarray, shape (B, B), optional
        Of the residuals; independent with `noise_sd` where not given. It is the controls' where there are controls.
    noise_sd : float or sequence of float
        SD of independent residuals, or where learning begins.
    healthy : bool
        A component N(0, covariance) shared by all subtypes, which then have stages 1..N. Off: stages 0..N (parity).
    concentration : float, optional
        Dirichlet concentration of every share, see `CONCENTRATION`.
    stage_rule : {"midpoint", "integral"}
        Mean of a stage's two ends (parity), or the exact integral over the stage.
    degrees : float
        Degrees of freedom nu of an adapted covariance: (nu Sigma_0 + S) / (nu + M).

    Examples
    --------
    >>> Variant(stage_prior="uniform", healthy=False).stage_rule
    'midpoint'
    >>> published = Variant(stage_prior="uniform", noise="learnt", healthy=False)
    >>> published.noise, published.healthy
    ('learnt', False)
    >>> published.bumps(2).round(2).tolist(), published.to_dict()["noise"]
    ([[0.33, 0.33, 0.33]], 'learnt')
    """

    stage_prior: str = "smooth"
    noise: str = "fixed"
    covariance: np.ndarray | None = None
    noise_sd: object = 1.0
    healthy: bool = True
    concentration: float | None = None
    stage_rule: str = "midpoint"
    degrees: float = 200.0

    def __post_init__(self) -> None:
        if self.stage_prior == "learnt":  # its name in the first edition
            object.__setattr__(self, "stage_prior", "dirichlet")
        if self.stage_prior not in PRIORS:
            raise InputError(f"stage_prior must be one of {', '.join(PRIORS)}, not {self.stage_prior!r}")
        if self.noise not in NOISES:
            raise InputError(f"noise must be one of {', '.join(NOISES)}, not {self.noise!r}")
        if not isinstance(self.healthy, (bool, np.bool_)):
            raise InputError(f"healthy must be True or False, not {self.healthy!r}")
        check_number("degrees", self.degrees)
        if self.concentration is not None:
            check_number("concentration", self.concentration)
            if not self.concentration > 0:
                raise InputError(f"concentration must be positive, not {self.concentration!r}")
        if integral_rule(self.stage_rule) and self.noise != "fixed":
            raise InputError("learnt noise needs stage_rule='midpoint': the integral has no closed update")
        if self.noise == "learnt" and self.covariance is not None:
            raise InputError(
                "noise='learnt' learns the SDs of independent residuals; with a covariance use noise='adapted' or 'fixed'"
            )

    @property
    def integral(self) -> bool:
        """Whether stages are integrated exactly."""
        return integral_rule(self.stage_rule)

    @property
    def name(self) -> str:
        """Short name for tables: ``smooth prior, controls' covariance``."""
        noise = {
            "fixed": "independent noise" if self.covariance is None else "controls' covariance",
            "learnt": "learnt noise",
            "adapted": "adapted covariance",
        }[self.noise]
        return f"{self.stage_prior} prior, {noise}" + ("" if self.healthy else ", no healthy component")

    def bumps(self, n_events: int) -> np.ndarray:
        """Distributions over the stages that the stage weights are mixed from, (H, N+1); rows sum to 1.

        Parameters
        ----------
        n_events : int
            N.

        Returns
        -------
        ndarray, shape (H, N+1)
        """
        first = 1 if self.healthy else 0
        n = n_events + 1 - first
        if self.stage_prior == "uniform":
            mine = np.full((1, n), 1 / n)
        elif self.stage_prior == "dirichlet":
            mine = np.eye(n)
        else:
            mine = triangular_bumps(n)
        return np.concatenate([np.zeros((len(mine), first)), mine], axis=1)

    @property
    def share_concentration(self) -> float:
        """Dirichlet concentration of every share."""
        return CONCENTRATION[self.stage_prior] if self.concentration is None else float(self.concentration)

    def to_dict(self) -> dict:
        """Plain numbers and strings; the covariance travels as an array of its own.

        Returns
        -------
        dict
        """
        d = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "covariance"}
        return d | {"noise_sd": np.asarray(self.noise_sd).tolist()}


def integral_rule(stage_rule: str) -> bool:
    """Whether `stage_rule` is the exact stage integral; InputError for an unknown word."""
    if stage_rule not in ("midpoint", "integral"):
        raise InputError(f"stage_rule must be 'midpoint' or 'integral', not {stage_rule!r}")
    return stage_rule == "integral"


def triangular_bumps(n_stages: int, growth: float = BUMP_GROWTH) -> np.ndarray:
    """Triangular distributions over `n_stages` stages, each peak further from the one before; rows sum to 1."""
    peaks, step = [0], 1.0
    while peaks[-1] < n_stages - 1:
        peaks.append(min(n_stages - 1, peaks[-1] + max(1, round(step))))
        step *= growth
    x = np.arange(n_stages)
    rows = []
    for j, c in enumerate(peaks):
        low = peaks[j - 1] if j else c - 1
        high = peaks[j + 1] if j + 1 < len(peaks) else c + 1
        row = np.clip(np.where(x <= c, (x - low) / (c - low), (high - x) / (high - c)), 0, None)
        rows.append(row / row.sum())
    return np.array(rows)


@dataclass
class Parameters:
    """Parameters of a mixture of subtypes.

    Attributes
    ----------
    sequences : ndarray of int, shape (C, N)
    fractions : ndarray, shape (C,)
        Of the staged people; sum 1.
    shares : ndarray, shape (C, H)
        Each subtype's weights of the bumps; rows sum to 1.
    bumps : ndarray, shape (H, N+1)
        See `Variant.bumps`.
    healthy : float
        Weight of the healthy component.
    covariance : ndarray, shape (B, B)
        Of the residuals.
    log_likelihood : float
    log_prior : float
        Log density of an adapted covariance under its prior, up to a constant; 0 otherwise.

    Examples
    --------
    >>> from neuraxis.sustain import ZScoreEvents, fit, simulate
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    >>> people = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
    >>> model = fit(people.X, events, 1, covariance="independent", n_samples=0, n_startpoints=1)
    >>> model.point.sequences.tolist(), model.point.fractions.tolist()
    ([[0, 2, 1]], [1.0])
    >>> bool(model.point.healthy < 0.5)
    True
    >>> model.point.ordered().fractions.tolist(), model.point.permuted([0]).sequences.tolist()
    ([1.0], [[0, 2, 1]])
    """

    sequences: np.ndarray
    fractions: np.ndarray
    shares: np.ndarray
    bumps: np.ndarray
    healthy: float
    covariance: np.ndarray
    log_likelihood: float = -np.inf
    log_prior: float = 0.0

    @property
    def stage_weights(self) -> np.ndarray:
        """Each subtype's distribution over the stages, (C, N+1); rows sum to 1."""
        return self.shares @ self.bumps

    @property
    def weights(self) -> np.ndarray:
        """Joint weights of subtype and stage, (C, N+1); they and `healthy` sum to 1."""
        return (1 - self.healthy) * self.fractions[:, None] * self.stage_weights

    @property
    def noise_sd(self) -> np.ndarray:
        """SD of the residuals, (B,)."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def score(self) -> float:
        """What the search maximises."""
        return self.log_likelihood + self.log_prior

    def ordered(self) -> Parameters:
        """The same with subtypes by descending fraction.

        Returns
        -------
        state.Parameters
        """
        return self.permuted(np.argsort(-self.fractions, kind="stable"))

    def permuted(self, order) -> Parameters:
        """The same with subtypes in another order.

        Parameters
        ----------
        order : sequence of int, length C
            Subtypes by their old places.

        Returns
        -------
        state.Parameters
        """
        return replace(
            self, sequences=self.sequences[order], fractions=self.fractions[order], shares=self.shares[order]
        )


@dataclass
class Draws:
    """Thinned posterior draws of all chains.

    Attributes
    ----------
    sequences : ndarray of int16, shape (chains, draws, C, N)
    fractions : ndarray, shape (chains, draws, C)
    shares : ndarray, shape (chains, draws, C, H)
    healthy : ndarray, shape (chains, draws)
    covariance : ndarray, shape (chains, draws, B, B) or (1, 1, B, B)
        One where the noise is fixed.
    log_likelihood : ndarray, shape (chains, draws)
    acceptance : ndarray, shape (chains, C, N)
        Accepted share of each event's moves after warm-up.
    step : ndarray, shape (chains, C, N)
        Proposal scale of each event, in places.

    Examples
    --------
    >>> from neuraxis.sustain import ZScoreEvents, fit, simulate
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    >>> people = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
    >>> model = fit(people.X, events, 1, covariance="independent", n_samples=100, n_chains=2, n_draws=50,
    ...             n_startpoints=1)
    >>> draws = model.draws
    >>> draws.sequences.shape, draws.log_likelihood.shape
    ((2, 50, 1, 3), (2, 50))
    >>> sorted(draws.sequences[0, -1, 0].tolist())
    [0, 1, 2]
    >>> draws.permuted([0]).places.shape, len(draws.each(model.point.bumps, most=20))
    ((2, 50, 1, 3), 20)
    """

    sequences: np.ndarray
    fractions: np.ndarray
    shares: np.ndarray
    healthy: np.ndarray
    covariance: np.ndarray
    log_likelihood: np.ndarray
    acceptance: np.ndarray
    step: np.ndarray

    @property
    def places(self) -> np.ndarray:
        """0-based place of every event (chains, draws, C, N)."""
        return np.argsort(self.sequences, axis=-1)

    @property
    def noise_sd(self) -> np.ndarray:
        """SD of the residuals, (chains, draws, B), or (1, 1, B) where it is fixed."""
        return np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1))

    def permuted(self, order) -> Draws:
        """The same with subtypes in another order.

        Parameters
        ----------
        order : sequence of int, length C
            Subtypes by their old places.

        Returns
        -------
        Draws
        """
        return replace(
            self,
            sequences=self.sequences[:, :, order],
            fractions=self.fractions[:, :, order],
            shares=self.shares[:, :, order],
            acceptance=self.acceptance[:, order],
            step=self.step[:, order],
        )

    def each(self, bumps: np.ndarray, most: int | None = None) -> list[Parameters]:
        """All chains' draws in one row, evenly thinned to `most`, as parameters.

        Parameters
        ----------
        bumps : ndarray, shape (H, N+1)
            See `Variant.bumps`.
        most : int, optional
            All where not given.

        Returns
        -------
        list of Parameters
        """
        n_draws = self.sequences.shape[1]
        n = self.sequences.shape[0] * n_draws
        rows = np.arange(n) if most is None or n <= most else np.linspace(0, n - 1, most).round().astype(int)
        fixed = self.covariance.shape[:2] == (1, 1)
        return [
            Parameters(
                self.sequences[i, d].astype(np.int64),
                self.fractions[i, d],
                self.shares[i, d],
                bumps,
                float(self.healthy[i, d]),
                self.covariance[0, 0] if fixed else self.covariance[i, d],
            )
            for i, d in (divmod(int(r), n_draws) for r in rows)
        ]


@dataclass(frozen=True, eq=False)
class FitSettings:
    """How a model is fitted: the variant, and the effort.

    Parameters
    ----------
    variant : Variant
    n_startpoints : int
        Starts per split of the model with one subtype fewer, and as many fully random ones.
    n_samples, n_chains, n_draws : int
        Steps per chain after warm-up (0: no posterior, maximum likelihood only), chains, stored draws per chain.
    n_doublings : int
        So many times the chains go on, as long again each time, while they do not agree (split R-hat, effective samples).
    warm_up : float
        Warm-up steps as a share of `n_samples`; they tune the proposals and are thrown away.
    sweep_every : int
        A sweep over all events follows every so many collapsed steps; 0: never.

    Examples
    --------
    >>> quick = FitSettings(variant=Variant(stage_prior="uniform"), n_startpoints=4, n_samples=1000, n_chains=2)
    >>> quick.variant.stage_prior, quick.n_chains, quick.warm_up
    ('uniform', 2, 0.2)
    >>> quick.with_(n_chains=4, healthy=False).variant.healthy
    False
    """

    variant: Variant = field(default_factory=Variant)
    n_startpoints: int = 25
    n_samples: int = 100_000
    n_chains: int = 4
    n_draws: int = 500
    warm_up: float = 0.2
    sweep_every: int = 10
    n_doublings: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.variant, Variant):
            raise InputError(f"variant must be a Variant, not {self.variant!r}")
        for name in ("n_startpoints", "n_chains", "n_draws"):
            check_whole(name, getattr(self, name), 1)
        for name in ("n_samples", "n_doublings", "sweep_every"):
            check_whole(name, getattr(self, name), 0)
        check_number("warm_up", self.warm_up, 0)

    def with_(self, **shortcuts) -> FitSettings:
        """The same with single settings changed, those of the variant included.

        Parameters
        ----------
        **shortcuts
            Any parameter of `FitSettings` and of `Variant`.

        Returns
        -------
        FitSettings

        Raises
        ------
        InputError
            A setting that does not exist.
        """
        own = {f.name for f in fields(self)}
        of_variant = {f.name for f in fields(Variant)}
        unknown = sorted(set(shortcuts) - own - of_variant)
        if unknown:
            raise InputError(
                f"unknown setting {', '.join(unknown)}; there are {', '.join(sorted((own - {'variant'}) | of_variant))}"
            )
        mine = {k: v for k, v in shortcuts.items() if k in own}
        theirs = {k: v for k, v in shortcuts.items() if k in of_variant}
        changed = replace(self, **mine)
        return replace(changed, variant=replace(changed.variant, **theirs)) if theirs else changed

    def chains_in_words(self) -> str:
        """What the chains of one fit will do.

        Returns
        -------
        str

        Examples
        --------
        >>> FitSettings().chains_in_words()
        '4 chains of 100,000 steps after 20,000 of warm-up'
        """
        if not self.n_samples:
            return "no chains"
        steps, warm_up = counted(self.n_samples, "step", spec=","), int(self.warm_up * self.n_samples)
        words = f"{counted(self.n_chains, 'chain')} of {steps} after {warm_up:,} of warm-up"
        longer = self.n_samples << self.n_doublings
        return words + (f", up to {longer:,} while they do not agree" if self.n_doublings else "")

    def effort_in_words(self, first: int, last: int) -> str:
        """What fits of `first` to `last` subtypes one from another, sampled at the last, will do.

        Parameters
        ----------
        first, last : int

        Returns
        -------
        str

        Examples
        --------
        >>> FitSettings().effort_in_words(1, 3)
        '25 + 50 + 75 starts, then 4 chains of 100,000 steps after 20,000 of warm-up'
        """
        starts = [self.n_startpoints * k for k in range(first, last + 1)]
        written = " + ".join(map(str, starts))
        return f"{written} {agreeing(sum(starts), 'start', 'starts')}, then {self.chains_in_words()}"
