"""A fitted model: parameters, draws, and the one file that holds them."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .. import __version__
from ..errors import InputError, ModelError, check_whole, counted
from ..progress import hidden_bar, of_a_part
from ..storage import aside
from . import diagnostics as convergence
from .checkpoint import Checkpoint, fingerprint
from .families import Events, check_events, events_from_dict
from .matching import match_subtypes
from .problem import Problem, check_covariance, warn_independent, warn_unmeasured
from .sampler import run_chains
from .search import fit_maximum, null_point
from .staging import CONFIDENT, summarise
from .state import Draws, FitSettings, Parameters, Variant
from .warm import ready

log = logging.getLogger(__name__)
log.addFilter(of_a_part)
FORMAT = "neuraxis-sustain-model/2"
#: Files of the first edition: joint weights, stages from 0, independent noise.
FIRST_FORMAT = "neuraxis-sustain-model/1"
#: Draws used for one assignment; more change probabilities in the third decimal only.
ASSIGN_DRAWS = 400


@dataclass
class SustainModel:
    """Subtypes and stages of one disease, fitted.

    Subtypes come in one order everywhere: by descending fraction at the maximum likelihood.

    Attributes
    ----------
    events : Events
    variant : Variant
    point : Parameters
        Maximum-likelihood sequences, fractions, stage weights, healthy weight, covariance.
    draws : Draws or None
        Posterior draws; None where no chain was run.
    starts : DataFrame
        One row per start, see `search.fit_maximum`.
    settings : dict
        Seeds, sizes and versions.
    norms : dict or None
        The control norms that made the z-scores, for staging new people from their measures.

    Examples
    --------
    >>> from neuraxis.sustain import ZScoreEvents, fit, simulate
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    >>> people = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
    >>> model = fit(people.X, events, 1, covariance="independent", n_samples=0, n_startpoints=1)
    >>> model.n_subtypes, [events.names[e] for e in model.sequences[0]]
    (1, ['thalamus z>=1', 'thalamus z>=2', 'frontal z>=1'])
    >>> model.assign(people.X[:3])["subtype"].tolist()
    [1, 1, 1]
    >>> model.progression().query("stage == 3")[["biomarker", "z"]].round(1).values.tolist()
    [['thalamus', 3.5], ['frontal', 2.0]]
    >>> import json, tempfile
    >>> staged, healthy, density, index = model.posterior(people.X)
    >>> staged.shape, healthy.shape, density.shape
    ((60, 1, 4), (60,), (1, 60))
    >>> len(model.summary(staged, healthy, index)), model.log_predictive_density(people.X).shape
    (60, (60,))
    >>> path = model.save(f"{tempfile.mkdtemp()}/model.npz")
    >>> SustainModel.load(path).sequences.tolist()
    [[0, 2, 1]]
    >>> arrays = model.to_arrays()
    >>> SustainModel.from_arrays(json.loads(str(arrays["meta"])), arrays, "here").n_subtypes
    1
    >>> drawn = model.sample(people.X, n_samples=200, n_chains=2, n_draws=50)
    >>> drawn.event_order().sort_values("mean_position")["biomarker"].tolist()
    ['thalamus', 'thalamus', 'frontal']
    >>> drawn.positional_variance().shape, drawn.diagnostics()["quantity"].iloc[0]
    ((1, 3, 3), 'log_likelihood')
    >>> drawn.matched_to(model).n_subtypes
    1
    """

    events: Events
    variant: Variant
    point: Parameters
    draws: Draws | None = None
    starts: pd.DataFrame = field(default_factory=pd.DataFrame)
    settings: dict = field(default_factory=dict)
    norms: dict | None = None

    def __repr__(self) -> str:
        size = f"{counted(self.n_subtypes, 'subtype')}, {counted(self.events.n_events, 'event')}"
        drawn = f"{counted(self.draws.log_likelihood.size, 'draw')}" if self.draws is not None else "no draws"
        return f"SustainModel({size}, {counted(len(self.events.biomarkers), 'biomarker')}, log-likelihood {self.ml_log_likelihood:.1f}, {drawn})"

    def _repr_html_(self) -> str:
        """A notebook's view: what it is, and the subtypes with the events that come first."""
        if self.draws is None or self.n_subtypes == 0:
            return f"<p>{self!r}</p>"
        order = self.event_order().sort_values("mean_position", kind="stable")
        rows = [
            (c + 1, f"{f:.0%}", ", ".join(f"{r.biomarker} {r.threshold:g}" for r in part.head(4).itertuples()))
            for c, (f, part) in enumerate(zip(self.fractions, [g for _, g in order.groupby("subtype")], strict=True))
        ]
        table = pd.DataFrame(rows, columns=["subtype", "fraction", "first events"])
        return f"<p>{self!r}</p>{table.to_html(index=False)}"

    @property
    def plot(self) -> Any:
        """Drawings: `figures.shown.ModelPlots`."""
        # by name and not by an import: a fit does not depend on how it is drawn, and is not to be run again for it
        return import_module("neuraxis.figures.shown").ModelPlots(self)

    @property
    def n_subtypes(self) -> int:
        """C."""
        return len(self.point.sequences)

    @property
    def sequences(self) -> np.ndarray:
        """Maximum-likelihood sequences (C, N) of event ids."""
        return self.point.sequences

    @property
    def fractions(self) -> np.ndarray:
        """Maximum-likelihood subtype fractions (C,)."""
        return self.point.fractions

    @property
    def ml_log_likelihood(self) -> float:
        """Log-likelihood at the maximum."""
        return self.point.log_likelihood

    def diagnostics(self) -> pd.DataFrame:
        """R-hat and effective sample sizes, see `diagnostics.convergence`.

        Returns
        -------
        DataFrame
            One row per quantity that was sampled.

        Raises
        ------
        ModelError
            A model without draws.
        """
        return convergence.convergence(self._drawn(), self.events)

    def event_order(self) -> pd.DataFrame:
        """Posterior mean and SD of every event's 1-based position, per subtype.

        Returns
        -------
        DataFrame
            subtype, biomarker, threshold, mean_position, sd_position (places from 1 to N).

        Raises
        ------
        ModelError
            A model without draws.
        """
        columns = ["subtype", "biomarker", "threshold", "mean_position", "sd_position"]
        if self.n_subtypes == 0:
            return pd.DataFrame(columns=columns)
        places = self._drawn().places + 1
        flat = places.reshape(-1, *places.shape[2:])
        rows = [
            (c + 1, self.events.biomarkers[b], v, flat[:, c, e].mean(), flat[:, c, e].std())
            for c in range(self.n_subtypes)
            for e, (b, v) in enumerate(zip(self.events.biomarker, self.events.thresholds_of_events, strict=True))
        ]
        return pd.DataFrame(rows, columns=columns)

    def positional_variance(self) -> np.ndarray:
        """P(event e at place p) per subtype, shape (C, N events, N places).

        Returns
        -------
        ndarray, shape (C, N events, N places)
            Sums to 1 over the places.

        Raises
        ------
        ModelError
            A model without draws.
        """
        places = self._drawn().places
        flat = places.reshape(-1, *places.shape[2:])
        n = self.events.n_events
        return np.stack(
            [[np.bincount(flat[:, c, e], minlength=n) / len(flat) for e in range(n)] for c in range(self.n_subtypes)]
        )

    def progression(self, n_draws: int = 100) -> pd.DataFrame:
        """Expected course of every biomarker along the stages, averaged over posterior draws.

        Parameters
        ----------
        n_draws : int
            At most so many draws are averaged over; the maximum where there are none.

        Returns
        -------
        DataFrame
            subtype, stage (the stages a subtype owns), biomarker, family, z (curve value; the level reached where the family
            has no curve).
        """
        columns = ["subtype", "stage", "biomarker", "family", "z"]
        names = list(self.events.biomarkers)
        first = 1 if self.variant.healthy else 0
        parts = []
        for c in range(self.n_subtypes):
            z = np.mean([self.events.stage_values(p.sequences[c]) for p in self._points(n_draws)], axis=0)
            wide = pd.DataFrame(z, columns=names).rename_axis("stage").reset_index()
            wide = wide[wide["stage"] >= first]
            parts.append(wide.melt("stage", var_name="biomarker", value_name="z").assign(subtype=c + 1))
        if not parts:
            return pd.DataFrame(columns=columns)
        table = pd.concat(parts, ignore_index=True)
        return table.assign(family=table["biomarker"].map(self.events.families))[columns]

    def _points(self, most: int) -> list[Parameters]:
        """Up to `most` posterior draws, or the maximum where there are none."""
        return [self.point] if self.draws is None else self.draws.each(self.point.bumps, most)

    def posterior(self, X, *, n_draws: int = ASSIGN_DRAWS) -> tuple[np.ndarray, np.ndarray, np.ndarray, pd.Index]:
        """Where people stand under the model, in or out of the training set, averaged over posterior draws.

        Without draws the maximum-likelihood model stands in for them.

        Parameters
        ----------
        X : array_like or DataFrame, shape (M, B)
            As for `fit`.
        n_draws : int
            At most so many draws (D) are averaged over.

        Returns
        -------
        ndarray, shape (M, C, N+1)
            P(subtype, stage | x); nothing at stage 0 where the model has a healthy component.
        ndarray, shape (M,)
            P(healthy | x); zeros without that component.
        ndarray, shape (D, M)
            log p(x | draw).
        Index
            Row labels.

        Raises
        ------
        InputError
            Data that do not fit the events.
        """
        values, index = self.events.check_data(X)
        problem = Problem(values, self.events, replace(self.variant, noise="fixed", covariance=self.point.covariance))
        return *problem.posterior(self._points(n_draws)), index

    def summary(self, posterior: np.ndarray, healthy: np.ndarray, index, *, cutoff: float = CONFIDENT) -> pd.DataFrame:
        """`staging.summarise` for this model's variant.

        Parameters
        ----------
        posterior : ndarray, shape (M, C, N+1)
        healthy : ndarray, shape (M,)
            Both from `posterior`.
        index : Index, length M
        cutoff : float
            Probability of the most probable subtype from which a label counts as confident.

        Returns
        -------
        DataFrame
            One row per person.
        """
        with_component = self.variant.healthy or self.n_subtypes == 0
        return summarise(posterior, index, healthy=healthy if with_component else None, cutoff=cutoff)

    def assign(self, X, *, cutoff: float = CONFIDENT, n_draws: int = ASSIGN_DRAWS) -> pd.DataFrame:
        """Subtype and stage of people, in or out of the training set; see `staging.summarise`.

        Parameters
        ----------
        X : array_like or DataFrame, shape (M, B)
            As for `fit`.
        cutoff : float
            Probability of the most probable subtype from which a label counts as confident.
        n_draws : int
            See `posterior`.

        Returns
        -------
        DataFrame
            One row per person, by the rows of X.

        Raises
        ------
        InputError
            Data that do not fit the events.
        """
        posterior, healthy, _, index = self.posterior(X, n_draws=n_draws)
        return self.summary(posterior, healthy, index, cutoff=cutoff)

    def log_predictive_density(self, X, *, n_draws: int = ASSIGN_DRAWS) -> np.ndarray:
        """log of the mean over draws of p(x_j | draw), shape (M,).

        Parameters
        ----------
        X : array_like or DataFrame, shape (M, B)
            As for `fit`.
        n_draws : int
            See `posterior`.

        Returns
        -------
        ndarray, shape (M,)
            In nats.

        Raises
        ------
        InputError
            Data that do not fit the events.
        """
        density = self.posterior(X, n_draws=n_draws)[2]
        top = density.max(axis=0)
        return top + np.log(np.exp(density - top).mean(axis=0))

    def sample(
        self,
        X,
        settings: FitSettings | None = None,
        *,
        seed: int = 1,
        key: tuple = (),
        n_threads: int = 1,
        progress: bool | None = None,
        checkpoint=None,
        **shortcuts,
    ) -> SustainModel:
        """The same maximum with new posterior draws, from the people that it was fitted to.

        Parameters
        ----------
        X : array_like or DataFrame, shape (M, B)
            As the model was fitted to it.
        settings : FitSettings, optional
            Effort of the chains; the variant is the model's own.
        seed, key, n_threads, progress, checkpoint, **shortcuts
            As in `fit`.

        Returns
        -------
        SustainModel
            A new one.

        Raises
        ------
        InputError
            Other people than the model was fitted to, by their number; a setting of the variant.

        Examples
        --------
        >>> from neuraxis.sustain import ZScoreEvents, fit, simulate
        >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
        >>> people = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
        >>> model = fit(people.X, events, 1, covariance="independent", n_samples=0, n_startpoints=1)
        >>> model.sample(people.X, n_samples=100, n_chains=2, n_draws=50).draws.log_likelihood.shape
        (2, 50)
        """
        if of_variant := sorted({f.name for f in fields(Variant)} & set(shortcuts)):
            raise InputError(
                f"{', '.join(of_variant)}: the variant is the model's own; only the chains' effort can be set here"
            )
        check_whole("seed", seed, 0)
        check_whole("n_threads", n_threads)
        settings = _settings(settings).with_(**shortcuts, variant=self.variant)
        values, _ = self.events.check_data(X)
        if len(values) != self.settings.get("n_people", len(values)):
            raise InputError(
                f"the model was fitted to {counted(self.settings['n_people'], 'person')}, here are {len(values)}; draws are of the people "
                "that a model was fitted to"
            )
        keep = None
        if checkpoint is not None:
            keep = _checkpoint(checkpoint, values, self.events, settings, self.point, self.n_subtypes, seed, key)
        hidden = hidden_bar(progress)
        problem = Problem(values, self.events, self.variant)
        draws, n_samples = _chains(problem, self.point, settings, seed, key, n_threads, hidden, keep)
        effort = {n: getattr(settings, n) for n in ("n_chains", "n_draws", "warm_up")}
        record = self.settings | {"n_samples": n_samples, **effort, "seed": seed, "key": [str(k) for k in key]}
        return replace(self, draws=draws, settings=record)

    def matched_to(self, other: SustainModel) -> SustainModel:
        """The same model with its subtypes in the order that best matches `other`'s sequences.

        Parameters
        ----------
        other : SustainModel
            Of the same events and as many subtypes.

        Returns
        -------
        SustainModel
        """
        perm = match_subtypes(np.argsort(self.sequences, axis=1), np.argsort(other.sequences, axis=1))
        return replace(self, point=self.point.permuted(perm), draws=self.draws and self.draws.permuted(perm))

    def _drawn(self) -> Draws:
        if self.draws is None:
            raise ModelError("this model has no posterior draws; fit it with n_samples > 0")
        return self.draws

    # ------------------------------------------------------------- the file

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All that a file of the model holds: arrays and a JSON text by name.

        Returns
        -------
        dict of str to ndarray
        """
        meta = {
            "format": FORMAT,
            "neuraxis": __version__,
            "events": self.events.to_dict(),
            "variant": self.variant.to_dict(),
            "ml_log_likelihood": self.point.log_likelihood,
            "log_prior": self.point.log_prior,
            "healthy": self.point.healthy,
            "settings": self.settings,
            "norms": self.norms,
            "starts": self.starts.to_dict(orient="list"),
        }
        arrays = {
            "meta": np.array(json.dumps(meta, default=_plain)),
            "sequences": self.point.sequences.astype(np.int16),
            "fractions": self.point.fractions,
            "shares": self.point.shares,
            "covariance": self.point.covariance,
        }
        if self.variant.covariance is not None:
            arrays["prior_covariance"] = self.variant.covariance
        if self.draws is not None:
            arrays |= {f"draws_{k}": v for k, v in vars(self.draws).items()}
        return arrays

    def save(self, path) -> Path:
        """Write the model as one .npz of arrays and a JSON text; atomic, readable without running code.

        Parameters
        ----------
        path : path
            Conventionally ``*.npz``.

        Returns
        -------
        Path
            The same.

        Raises
        ------
        StorageError
            The file cannot be written.
        """
        path = Path(path)
        with aside(path) as part, open(part, "wb") as handle:
            np.savez_compressed(handle, **self.to_arrays())
        return path

    @classmethod
    def load(cls, path) -> SustainModel:
        """Read a file written by `save`, of this edition or the first.

        Parameters
        ----------
        path : path

        Returns
        -------
        SustainModel

        Raises
        ------
        ModelError
            When it is something else, damaged, or its arrays do not fit its events.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {k: file[k] for k in file.files}
            meta = json.loads(str(arrays["meta"]))
        except FileNotFoundError:
            raise ModelError(f"{path}: no such model file") from None
        except Exception as error:
            raise ModelError(f"{path} is not a neuraxis model file ({error})") from None
        return cls.from_arrays(meta, arrays, str(path))

    @classmethod
    def from_arrays(cls, meta, arrays: dict[str, np.ndarray], path: str) -> SustainModel:
        """The model of `to_arrays`, its JSON text read; `path` is for errors.

        Parameters
        ----------
        meta : dict
            The JSON text `meta` of the arrays, read.
        arrays : dict of str to ndarray
        path : str
            Where they come from, for errors.

        Returns
        -------
        SustainModel

        Raises
        ------
        ModelError
            As `load`.
        """
        if not isinstance(meta, dict) or meta.get("format") not in (FORMAT, FIRST_FORMAT):
            found = meta.get("format") if isinstance(meta, dict) else meta
            raise ModelError(f"{path}: format {found!r}, this version reads {FORMAT!r} and {FIRST_FORMAT!r}")
        try:
            model = _from_arrays(cls, meta, arrays) if meta["format"] == FORMAT else _from_first(cls, meta, arrays)
            model._check()
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from None
        except Exception as error:
            raise ModelError(f"{path} is damaged or incomplete ({type(error).__name__}: {error})") from None
        return model

    def _check(self) -> None:
        """Shapes, permutations, finiteness and ranges; ModelError where they do not fit."""
        p, c, n = self.point, self.n_subtypes, self.events.n_events
        n_bumps, b = len(p.bumps), len(self.events.gaussian)
        shapes = {
            "sequences": (p.sequences, (c, n)),
            "fractions": (p.fractions, (c,)),
            "shares": (p.shares, (c, n_bumps)),
            "covariance": (p.covariance, (b, b)),
        }
        if self.draws is not None:
            d = self.draws
            first = d.log_likelihood.shape
            shapes |= {
                "draws of sequences": (d.sequences, (*first, c, n)),
                "draws of fractions": (d.fractions, (*first, c)),
                "draws of shares": (d.shares, (*first, c, n_bumps)),
                "draws of the healthy weight": (d.healthy, first),
                "draws of covariances": (d.covariance, (*d.covariance.shape[:2], b, b)),
            }
            if d.log_likelihood.dtype.kind not in "fiu" or not np.isfinite(d.log_likelihood).all():
                raise ModelError("log-likelihoods of the draws are not finite numbers")
            if len(first) != 2 or d.covariance.shape[:2] not in ((1, 1), first):
                raise ModelError("draws do not have chains and draws as their first two dimensions")
        for name, (array, shape) in shapes.items():
            if array.shape != shape:
                raise ModelError(f"{name} have shape {array.shape}, its events and subtypes ask for {shape}")
            if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
                raise ModelError(f"{name} are not finite numbers")
        for name in ("sequences", "draws of sequences"):
            if name in shapes:
                array = shapes[name][0]
                if array.size and not (np.sort(array, axis=-1) == np.arange(n)).all():
                    raise ModelError(f"{name} are no orders of the {counted(n, 'event')}")
        for name in ("fractions", "shares", "draws of fractions", "draws of shares"):
            if name in shapes:
                array = shapes[name][0]
                if array.size and ((array < -1e-9).any() or not np.allclose(array.sum(axis=-1), 1, atol=1e-6)):
                    raise ModelError(f"{name} are no weights that sum to 1")
        if not 0 <= p.healthy <= 1:
            raise ModelError(f"healthy weight {p.healthy!r} is no share")
        if b and np.linalg.eigvalsh(p.covariance)[0] <= 0:
            raise ModelError("the covariance is not positive definite")
        for s in p.sequences:
            self.events.check_sequence(s)
        if self.draws is not None and self.draws.sequences.size:
            place = np.argsort(self.draws.sequences, axis=-1)
            for b in range(self.events.n_biomarkers):
                if (np.diff(place[..., self.events.biomarker == b], axis=-1) < 0).any():
                    raise ModelError(
                        f"draws of sequences: {self.events.biomarkers[b]}: a higher threshold before a lower one"
                    )


def _from_arrays(cls, meta, arrays) -> SustainModel:
    events = events_from_dict(meta["events"])
    variant = Variant(**meta["variant"], covariance=arrays.get("prior_covariance"))
    point = Parameters(
        arrays["sequences"].astype(np.int64),
        arrays["fractions"],
        arrays["shares"],
        variant.bumps(events.n_events),
        float(meta["healthy"]),
        arrays["covariance"],
        meta["ml_log_likelihood"],
        meta["log_prior"],
    )
    draws = {k[6:]: v for k, v in arrays.items() if k.startswith("draws_")}
    return cls(
        events,
        variant,
        point,
        Draws(**draws) if draws else None,
        pd.DataFrame(meta["starts"]),
        meta["settings"],
        meta["norms"],
    )


def _from_first(cls, meta, arrays) -> SustainModel:
    """A file of the first edition: joint weights of cells, stages 0..N, noise SDs."""
    events = events_from_dict(meta["events"])
    old = dict(meta["variant"])
    variant = Variant(
        stage_prior=old["stage_prior"],
        noise=old["noise"],
        noise_sd=old["noise_sd"],
        healthy=False,
        concentration=old["concentration"] if old["stage_prior"] != "uniform" else None,
        stage_rule=old["stage_rule"],
    )
    bumps = variant.bumps(events.n_events)

    def divide(joint):
        fractions = joint.sum(axis=-1)
        if len(bumps) == 1:
            return fractions, np.ones((*fractions.shape, 1))
        return fractions, joint / fractions[..., None]

    def covariance(sd):
        return sd[..., None] ** 2 * np.eye(sd.shape[-1])

    fractions, shares = divide(arrays["weights"])
    point = Parameters(
        arrays["sequences"].astype(np.int64),
        fractions,
        shares,
        bumps,
        0.0,
        covariance(arrays["noise_sd"]),
        meta["ml_log_likelihood"],
    )
    draws = None
    if "draws_sequences" in arrays:
        f, s = divide(arrays["draws_weights"])
        sd = arrays["draws_noise_sd"]
        draws = Draws(
            arrays["draws_sequences"],
            f,
            s,
            np.zeros(f.shape[:2]),
            covariance(sd if old["noise"] == "learnt" else sd[:1, :1]),
            arrays["draws_log_likelihood"],
            arrays["draws_acceptance"],
            arrays["draws_step"],
        )
    return cls(events, variant, point, draws, pd.DataFrame(meta["starts"]), meta["settings"], meta["norms"])


def fit(
    X,
    events: Events,
    n_subtypes: int,
    settings: FitSettings | None = None,
    *,
    covariance=None,
    previous: SustainModel | None = None,
    seed: int = 1,
    key: tuple = (),
    n_threads: int = 1,
    progress: bool | None = None,
    checkpoint=None,
    **shortcuts,
) -> SustainModel:
    """Fit a subtype and stage model.

    Parameters
    ----------
    X : array_like or DataFrame, shape (M, B)
        One column per biomarker, NaN = missing; z-scores with positive = abnormal. A DataFrame may hold other columns too.
    events : Events
    n_subtypes : int
        0: everyone healthy.
    settings : FitSettings, optional
    covariance : array_like or DataFrame, shape (B, B), or "independent", optional
        Of the residuals: the controls' covariance of z. Where it is not given residuals are independent, and a warning says
        what that does; "independent" says that it is meant.
    previous : SustainModel, optional
        Model with one subtype fewer; fitted first where not given.
    seed : int
    key : tuple of str or int
        What the fit is for (disease, repeat, fold); part of every random stream's name.
    n_threads : int
        Starts and chains run in threads; the result does not depend on it.
    progress : bool, optional
        Show progress bars; by default only on a terminal.
    checkpoint : path, optional
        Folder in which finished starts and chains are kept, and chains in the middle about every minute: the same fit goes on
        from there if it is interrupted, to the same bits. It is the caller's to delete (`checkpoint.done`).
    **shortcuts
        Single settings, see `FitSettings` and `Variant`: ``noise="adapted"``, ``healthy=False``, ``stage_prior="uniform"``,
        ``n_startpoints=10``, ``n_samples=0``. The study's (and the peer's) model is ``healthy=False, stage_prior="uniform",
        covariance="independent"``.

    Returns
    -------
    SustainModel

    Raises
    ------
    InputError
        Data or settings that cannot be used.

    Notes
    -----
    Young et al. 2018, Nat Commun 9:4273 (the model and its maximum likelihood); docs/sustain.md (healthy component,
    covariance, stage weights, sampler).

    Examples
    --------
    >>> from neuraxis.sustain import ZScoreEvents, simulate
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    >>> people = simulate(events, [[0, 2, 1], [1, 0, 2]], 60, noise_sd=0.3, seed=1)
    >>> model = fit(people.X, events, 1, covariance="independent", n_samples=0, n_startpoints=1)
    >>> model.n_subtypes, model.sequences.shape
    (1, (1, 3))
    >>> model.assign(people.X[:3])["subtype"].tolist()
    [1, 1, 1]
    """
    check_events(events)
    check_whole("n_subtypes", n_subtypes, 0)
    check_whole("seed", seed, 0)
    check_whole("n_threads", n_threads)
    settings = _settings(settings).with_(**shortcuts)
    matrix = check_covariance(events, covariance)
    if covariance is None and settings.variant.covariance is None and settings.variant.noise != "learnt":
        warn_independent(events)
    if covariance is None:
        matrix = check_covariance(events, settings.variant.covariance)
    if matrix is not None or settings.variant.covariance is not None:
        settings = settings.with_(covariance=matrix)
    variant = settings.variant
    values, _ = events.check_data(X)
    warn_unmeasured(events, values)
    problem = Problem(values, events, variant)
    point, first, starts = None, 1, pd.DataFrame()
    if previous is not None and n_subtypes > 0:
        if previous.n_subtypes != n_subtypes - 1 or previous.events.to_dict() != events.to_dict():
            raise InputError(
                f"previous must be a model with {counted(n_subtypes - 1, 'subtype')} and the same events; "
                f"got {counted(previous.n_subtypes, 'subtype')}"
            )
        point, first = (previous.point if n_subtypes > 1 else None), n_subtypes
    hidden = hidden_bar(progress)
    keep = None
    if checkpoint is not None:
        keep = _checkpoint(checkpoint, values, events, settings, point, n_subtypes, seed, key)
        if (kept := keep.finished()) is not None:
            log.info("k=%d: the same fit was finished before", n_subtypes)
            return SustainModel.from_arrays(json.loads(str(kept["meta"])), kept, str(keep.folder))
    if n_subtypes == 0:
        point = null_point(problem)
    elif first < n_subtypes:  # one number of subtypes is told by its search
        log.info("k = %d to %d: %s", first, n_subtypes, settings.effort_in_words(first, n_subtypes))
    if n_subtypes:
        ready("climb")
    for k in range(first, n_subtypes + 1):
        point, table = fit_maximum(
            problem,
            k,
            point,
            n_startpoints=settings.n_startpoints,
            seed=seed,
            key=key,
            n_threads=n_threads,
            keep=keep,
            hidden=hidden,
        )
        starts = pd.concat([starts, table], ignore_index=True)
    draws, n_samples = _chains(problem, point, settings, seed, key, n_threads, hidden, keep)
    record = {
        "n_people": len(values),
        "n_startpoints": settings.n_startpoints,
        "n_samples": n_samples,
        "n_chains": settings.n_chains,
        "n_draws": settings.n_draws,
        "warm_up": settings.warm_up,
        "seed": seed,
        "key": [str(k) for k in key],
        "numpy": np.__version__,
    }
    model = SustainModel(events, variant, point, draws, starts, record)
    if keep is not None:
        keep.finish(model.to_arrays())
    return model


def _plain(value):
    """Numbers and truths of NumPy as Python's, which JSON knows."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} cannot be written to a model file")


def _settings(settings) -> FitSettings:
    """Those given, or the defaults; InputError for anything else, such as a dict."""
    if settings is not None and not isinstance(settings, FitSettings):
        raise InputError(f"settings must be FitSettings, not {settings!r}; single settings are given by name")
    return FitSettings() if settings is None else settings


def _checkpoint(folder, values, events, settings, point, n_subtypes, seed, key) -> Checkpoint:
    """What a fit has finished, named by all that its numbers depend on."""
    variant = settings.variant
    parts = [values, events.to_dict(), variant.to_dict(), variant.covariance, n_subtypes, seed, [str(k) for k in key]]
    parts += [None if point is None else vars(point)]
    parts += [getattr(settings, f.name) for f in fields(FitSettings) if f.name != "variant"]
    return Checkpoint(folder, fingerprint(*parts))


def _chains(problem, point, settings, seed, key, n_threads, hidden, keep) -> tuple[Draws | None, int]:
    """Draws, and steps of each chain; none where no steps are asked for, or nobody is staged."""
    k = len(point.sequences)
    if not settings.n_samples or not k:
        return None, settings.n_samples
    log.info("k=%d: %s", k, settings.chains_in_words())
    ready("chain")
    return run_chains(problem, point, settings, seed=seed, key=key, n_threads=n_threads, keep=keep, hidden=hidden)
