"""A fitted model: parameters, draws, and the one file that holds them."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from .. import __version__
from ..errors import InputError, ModelError
from . import diagnostics as convergence
from .em import Point, Problem, Variant
from .events import ZScoreEvents
from .hierarchy import fit_maximum
from .matching import match_subtypes
from .mcmc import Draws, run_chains
from .staging import CONFIDENT, summarise

log = logging.getLogger(__name__)
FORMAT = "neuraxis-sustain-model/1"
#: Draws used for one assignment; more change probabilities in the third decimal only.
ASSIGN_DRAWS = 400


@dataclass
class SustainModel:
    """Subtypes and stages of one disease, fitted.

    Subtypes come in one order everywhere: by descending fraction at the maximum likelihood.

    Attributes
    ----------
    events : ZScoreEvents
    variant : Variant
    point : Point
        Maximum-likelihood sequences (C, N), joint weights (C, N+1), noise SD (B,), log-likelihood.
    draws : Draws or None
        Posterior draws; None where no chain was run.
    starts : DataFrame
        One row per start, see `hierarchy.fit_maximum`.
    settings : dict
        Seeds, sizes and versions.
    norms : dict or None
        The control norms that made the z-scores, for staging new people from their measures.
    """

    events: ZScoreEvents
    variant: Variant
    point: Point
    draws: Draws | None = None
    starts: pd.DataFrame = field(default_factory=pd.DataFrame)
    settings: dict = field(default_factory=dict)
    norms: dict | None = None

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
        """R-hat and effective sample sizes, see `diagnostics.convergence`."""
        return convergence.convergence(self._drawn(), self.events)

    def event_order(self) -> pd.DataFrame:
        """Posterior mean and SD of every event's 1-based position, per subtype."""
        places = self._drawn().places + 1
        flat = places.reshape(-1, *places.shape[2:])
        rows = [
            {
                "subtype": c + 1,
                "biomarker": self.events.biomarkers[b],
                "threshold": v,
                "mean_position": flat[:, c, e].mean(),
                "sd_position": flat[:, c, e].std(),
            }
            for c in range(self.n_subtypes)
            for e, (b, v) in enumerate(zip(self.events.biomarker, self.events.value, strict=True))
        ]
        return pd.DataFrame(rows)

    def positional_variance(self) -> np.ndarray:
        """P(event e at place p) per subtype, shape (C, N events, N places)."""
        places = self._drawn().places
        flat = places.reshape(-1, *places.shape[2:])
        n = self.events.n_events
        return np.stack(
            [[np.bincount(flat[:, c, e], minlength=n) / len(flat) for e in range(n)] for c in range(self.n_subtypes)]
        )

    def progression(self, n_draws: int = 100) -> pd.DataFrame:
        """Expected z of every biomarker along the stages, averaged over posterior draws.

        Returns
        -------
        DataFrame
            subtype, stage (0..N), biomarker, z.
        """
        sequences, _, _ = self._drawn().flat(n_draws)
        names = list(self.events.biomarkers)
        parts = []
        for c in range(self.n_subtypes):
            z = np.mean([self.events.stage_values(s[c].astype(np.int64)) for s in sequences], axis=0)
            wide = pd.DataFrame(z, columns=names).rename_axis("stage").reset_index()
            parts.append(wide.melt("stage", var_name="biomarker", value_name="z").assign(subtype=c + 1))
        return pd.concat(parts, ignore_index=True)[["subtype", "stage", "biomarker", "z"]]

    def posterior(self, X, *, n_draws: int = ASSIGN_DRAWS) -> tuple[np.ndarray, np.ndarray, pd.Index]:
        """P(subtype, stage | x) averaged over draws (M, C, N+1), log p(x | draw) (D, M), and row labels.

        Without draws the maximum-likelihood model stands in for them.
        """
        values, index = self.events.check_data(X)
        problem = Problem(values, self.events, replace(self.variant, noise="fixed"))
        if self.draws is None:
            p = self.point
            parts = (p.sequences[None], p.weights[None], p.noise_sd[None])
        else:
            parts = self.draws.flat(n_draws)
        posterior, density = problem.posterior(*parts)
        return posterior, density, index

    def assign(self, X, *, cutoff: float = CONFIDENT, n_draws: int = ASSIGN_DRAWS) -> pd.DataFrame:
        """Subtype and stage of people, in or out of the training set; see `staging.summarise`."""
        posterior, _, index = self.posterior(X, n_draws=n_draws)
        return summarise(posterior, index, cutoff=cutoff)

    def log_predictive_density(self, X, *, n_draws: int = ASSIGN_DRAWS) -> np.ndarray:
        """log of the mean over draws of p(x_j | draw), shape (M,)."""
        _, density, _ = self.posterior(X, n_draws=n_draws)
        top = density.max(axis=0)
        return top + np.log(np.exp(density - top).mean(axis=0))

    def matched_to(self, other: SustainModel) -> SustainModel:
        """The same model with its subtypes in the order that best matches `other`'s sequences."""
        perm = match_subtypes(np.argsort(self.sequences, axis=1), np.argsort(other.sequences, axis=1))
        p, d = self.point, self.draws
        point = Point(p.sequences[perm], p.weights[perm], p.noise_sd, p.log_likelihood)
        if d is not None:
            d = Draws(
                d.sequences[:, :, perm],
                d.weights[:, :, perm],
                d.noise_sd,
                d.log_likelihood,
                d.acceptance[:, perm],
                d.step[:, perm],
            )
        return replace(self, point=point, draws=d)

    def _drawn(self) -> Draws:
        if self.draws is None:
            raise ModelError("this model has no posterior draws; fit it with n_samples > 0")
        return self.draws

    # ------------------------------------------------------------- the file

    def save(self, path) -> Path:
        """Write the model as one .npz of arrays and a JSON text; atomic, readable without running code."""
        path = Path(path)
        meta = {
            "format": FORMAT,
            "neuraxis": __version__,
            "events": self.events.to_dict(),
            "variant": {**asdict(self.variant), "noise_sd": np.asarray(self.variant.noise_sd).tolist()},
            "ml_log_likelihood": self.point.log_likelihood,
            "settings": self.settings,
            "norms": self.norms,
            "starts": self.starts.to_dict(orient="list"),
        }
        arrays = {
            "meta": np.array(json.dumps(meta)),
            "sequences": self.point.sequences.astype(np.int16),
            "weights": self.point.weights,
            "noise_sd": self.point.noise_sd,
        }
        if self.draws is not None:
            arrays |= {f"draws_{k}": v for k, v in vars(self.draws).items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with open(aside, "wb") as handle:
                np.savez_compressed(handle, **arrays)
            os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)
        return path

    @classmethod
    def load(cls, path) -> SustainModel:
        """Read a file written by `save`; ModelError when it is something else."""
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {k: file[k] for k in file.files}
            meta = json.loads(str(arrays["meta"]))
        except FileNotFoundError:
            raise ModelError(f"{path}: no such model file") from None
        except Exception as error:
            raise ModelError(f"{path} is not a neuraxis model file ({error})") from None
        if meta.get("format") != FORMAT:
            raise ModelError(f"{path}: format {meta.get('format')!r}, this version reads {FORMAT!r}")
        draws = {k[6:]: v for k, v in arrays.items() if k.startswith("draws_")}
        return cls(
            events=ZScoreEvents(**meta["events"]),
            variant=Variant(**meta["variant"]),
            point=Point(
                arrays["sequences"].astype(np.int64), arrays["weights"], arrays["noise_sd"], meta["ml_log_likelihood"]
            ),
            draws=Draws(**draws) if draws else None,
            starts=pd.DataFrame(meta["starts"]),
            settings=meta["settings"],
            norms=meta["norms"],
        )


def fit(
    X,
    events: ZScoreEvents,
    n_subtypes: int,
    *,
    n_startpoints: int = 25,
    n_samples: int = 100_000,
    n_chains: int = 4,
    n_draws: int = 500,
    warm_up: float = 0.2,
    stage_prior: str = "learnt",
    noise: str = "fixed",
    noise_sd=1.0,
    concentration: float = 0.1,
    stage_rule: str = "midpoint",
    previous: SustainModel | None = None,
    seed: int = 1,
    key: tuple = (),
    n_threads: int = 1,
    progress: bool | None = None,
) -> SustainModel:
    """Fit a z-score SuStaIn model.

    Parameters
    ----------
    X : array_like or DataFrame, shape (M, B)
        z-scores, positive = abnormal, NaN = missing.
    events : ZScoreEvents
    n_subtypes : int
    n_startpoints : int
        Starts per split of the model with one subtype fewer, and as many fully random ones.
    n_samples, n_chains, n_draws, warm_up
        Steps per chain after warm-up (0: no posterior, maximum likelihood only), chains, stored draws per
        chain, and warm-up steps as a share of `n_samples`.
    stage_prior, noise, noise_sd, concentration, stage_rule
        The variant, see `Variant`. The study's (and the peer's) is ``stage_prior="uniform"``.
    previous : SustainModel, optional
        Model with one subtype fewer; fitted first where not given.
    seed : int
    key : tuple of str or int
        What the fit is for (disease, repeat, fold); part of every random stream's name.
    n_threads : int
        Starts and chains run in threads; the result does not depend on it.
    progress : bool, optional
        Show progress bars; by default only on a terminal.

    Returns
    -------
    SustainModel

    Raises
    ------
    InputError
        Data or settings that cannot be used.
    """
    if not isinstance(n_subtypes, (int, np.integer)) or n_subtypes < 1:
        raise InputError(f"n_subtypes must be a whole number of at least 1, not {n_subtypes!r}")
    if n_startpoints < 1 or n_chains < 1 or n_samples < 0:
        raise InputError("n_startpoints and n_chains must be at least 1, n_samples at least 0")
    variant = Variant(stage_prior, noise, noise_sd, concentration, stage_rule)
    values, _ = events.check_data(X)
    problem = Problem(values, events, variant)
    if previous is not None:
        if previous.n_subtypes != n_subtypes - 1 or previous.events.to_dict() != events.to_dict():
            raise InputError(
                f"previous must be a model with {n_subtypes - 1} subtypes and the same events; "
                f"got {previous.n_subtypes} subtypes"
            )
        point, first = previous.point, n_subtypes
    else:
        point, first = None, 1
    hidden = None if progress is None else not progress
    starts = pd.DataFrame()
    for k in range(first, n_subtypes + 1):
        total = n_startpoints * max(1, k)
        with tqdm(total=total, desc=f"k={k} starts", disable=hidden, leave=False) as bar:
            point, table = fit_maximum(
                problem, k, point, n_startpoints=n_startpoints, seed=seed, key=key, n_threads=n_threads, progress=bar
            )
        starts = pd.concat([starts, table], ignore_index=True)
    draws = None
    if n_samples:
        with tqdm(total=n_chains, desc=f"k={n_subtypes} chains", disable=hidden, leave=False) as bar:
            draws = run_chains(
                problem,
                point,
                n_samples=n_samples,
                n_chains=n_chains,
                n_draws=n_draws,
                warm_up=warm_up,
                seed=seed,
                key=key,
                n_threads=n_threads,
                progress=bar,
            )
    settings = {
        "n_people": len(values),
        "n_startpoints": n_startpoints,
        "n_samples": n_samples,
        "n_chains": n_chains,
        "n_draws": n_draws,
        "warm_up": warm_up,
        "seed": seed,
        "key": [str(k) for k in key],
        "numpy": np.__version__,
    }
    return SustainModel(events, variant, point, draws, starts, settings)
