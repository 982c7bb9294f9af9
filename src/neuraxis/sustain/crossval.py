"""Cross-validation: how many subtypes do people carry whom the model has not seen?"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import InputError
from ..streams import stream
from .baselines import gaussian_log_density, normal_log_density
from .em import Variant, parallel
from .events import ZScoreEvents
from .matching import chance_agreement, order_agreement
from .model import SustainModel, fit
from .staging import summarise

log = logging.getLogger(__name__)

#: A gain in CVIC below this is not evidence for another subtype (the field's rule of thumb).
CVIC_EVIDENCE = 6.0


def make_folds(
    n_people: int, folds: int, *, seed: int, key=(), strata=None, groups=None, repeat: int = 0
) -> np.ndarray:
    """Fold number 0..folds-1 of every person, shape (M,).

    Parameters
    ----------
    strata : array_like, shape (M,), optional
        Each stratum is spread evenly over the folds.
    groups : array_like, shape (M,), optional
        People of one group (a site) always share a fold; largest groups are placed first.

    Raises
    ------
    InputError
        Fewer people, or fewer groups, than folds.
    """
    if folds < 2:
        raise InputError(f"cross-validation needs at least 2 folds, not {folds}")
    if n_people < folds:
        raise InputError(f"{n_people} people cannot fill {folds} folds")
    rng = stream(seed, *key, "folds", repeat)
    fold = np.empty(n_people, np.int64)
    if groups is not None:
        names, which = np.unique(np.asarray(groups).astype(str), return_inverse=True)
        if len(names) < folds:
            raise InputError(f"{len(names)} groups cannot fill {folds} folds without splitting a group")
        sizes = np.bincount(which)
        order = rng.permutation(len(names))
        order = order[np.argsort(-sizes[order], kind="stable")]
        load = np.zeros(folds)
        for g in order:
            f = int(np.argmin(load))
            fold[which == g] = f
            load[f] += sizes[g]
        return fold
    labels = (
        np.zeros(n_people, int) if strata is None else np.unique(np.asarray(strata).astype(str), return_inverse=True)[1]
    )
    offset = 0
    for s in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == s))
        fold[rows] = (np.arange(rows.size) + offset) % folds
        offset += rows.size
    return fold


def selection_table(lpd: dict[int, np.ndarray], gaussian: np.ndarray | None = None) -> pd.DataFrame:
    """CVIC per number of subtypes, its SE, and the paired differences.

    Parameters
    ----------
    lpd : dict of int to ndarray, shape (M,)
        Held-out log predictive density of every person per number of subtypes; 0 is the baseline in which
        everyone is a control.
    gaussian : ndarray, shape (M,), optional
        The same for one multivariate normal.

    Returns
    -------
    DataFrame
        model, n_subtypes, cvic, cvic_se, heldout_loglik, delta_cvic and delta_se (against one subtype
        fewer), gap_cvic and gap_se (against the best k), chosen, reason.

    Notes
    -----
    CVIC = -2 sum_j lpd_j with SE 2 sqrt(M var(lpd)); paired SEs likewise from the differences (Vehtari,
    Gelman & Gabry 2017). The rule: the smallest k >= 1 whose CVIC lies within max(6, one paired SE) of
    the best k's.
    """
    ks = sorted(lpd)
    rows = []
    for k in ks:
        v = lpd[k]
        m = v.size
        row = {
            "model": f"{k} subtypes" if k else "everyone a control",
            "n_subtypes": k,
            "cvic": -2 * v.sum(),
            "cvic_se": 2 * np.sqrt(m * v.var(ddof=1)),
            "heldout_loglik": v.sum(),
        }
        if k - 1 in lpd:
            d = v - lpd[k - 1]
            row |= {"delta_cvic": -2 * d.sum(), "delta_se": 2 * np.sqrt(m * d.var(ddof=1))}
        rows.append(row)
    table = pd.DataFrame(rows)
    candidates = table[table["n_subtypes"] >= 1]
    best = int(candidates.loc[candidates["cvic"].idxmin(), "n_subtypes"])
    gaps = {k: -2 * (lpd[k] - lpd[best]) for k in ks}
    table["gap_cvic"] = [gaps[k].sum() for k in ks]
    table["gap_se"] = [np.sqrt(gaps[k].size * gaps[k].var(ddof=1)) for k in ks]
    chosen = next(
        int(r.n_subtypes)
        for r in table.itertuples()
        if r.n_subtypes >= 1 and r.gap_cvic <= max(CVIC_EVIDENCE, r.gap_se)
    )
    table["chosen"] = table["n_subtypes"] == chosen
    row = table.set_index("n_subtypes").loc[chosen]
    reason = (
        f"k = {chosen} has the lowest CVIC and no smaller k comes within max({CVIC_EVIDENCE:g}, SE) of it"
        if chosen == best
        else f"k = {chosen} is the smallest whose CVIC is within max({CVIC_EVIDENCE:g}, SE) of the best, k = {best}: "
        f"{row.gap_cvic:.1f} more, SE {row.gap_se:.1f}"
    )
    if 0 in lpd:
        loss = lpd[0].sum() - lpd[chosen].sum()
        if loss > 0:
            reason += f"; but everyone a control (k = 0) predicts better by {loss:.1f} nats"
    table["reason"] = np.where(table["chosen"], reason, "")
    if gaussian is not None:
        d = -2 * (gaussian - lpd[best])
        table.loc[len(table)] = {
            "model": "one multivariate normal",
            "n_subtypes": -1,
            "cvic": -2 * gaussian.sum(),
            "cvic_se": 2 * np.sqrt(gaussian.size * gaussian.var(ddof=1)),
            "heldout_loglik": gaussian.sum(),
            "gap_cvic": d.sum(),
            "gap_se": np.sqrt(d.size * d.var(ddof=1)),
            "chosen": False,
            "reason": "",
        }
    return table


@dataclass
class CrossValidation:
    """What `cross_validate` found.

    Attributes
    ----------
    selection : DataFrame
        See `selection_table`; with a column `variant` where several were compared.
    lpd : dict of (variant name, k) to ndarray, shape (M,)
        Held-out log predictive density, mean over repeats.
    folds : ndarray, shape (repeats, M)
    models : dict of (variant name, k, repeat, fold) to SustainModel
    index : Index
    """

    selection: pd.DataFrame
    fold_log_likelihood: pd.DataFrame
    lpd: dict
    folds: np.ndarray
    models: dict
    index: pd.Index
    values: np.ndarray

    def chosen(self, variant: str | None = None) -> int:
        """Number of subtypes the rule chose (for the first variant, or the one named)."""
        t = self.selection
        t = t[t["variant"] == (variant or t["variant"].iloc[0])]
        return int(t.loc[t["chosen"], "n_subtypes"].iloc[0])

    def out_of_fold(self, model: SustainModel, variant: str | None = None) -> pd.DataFrame:
        """Every person assigned by the fold models that never saw them, subtypes matched to `model`."""
        name = variant or self.selection["variant"].iloc[0]
        return out_of_fold(model, self.values, self.index, self.folds, self._folds_of(name, model.n_subtypes))

    def stability(self, model: SustainModel, variant: str | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Agreement of fold models with `model`, and how often each person keeps the label."""
        name = variant or self.selection["variant"].iloc[0]
        return stability(model, self.values, self.index, self._folds_of(name, model.n_subtypes))

    def _folds_of(self, name, k):
        return {key[2:]: m for key, m in self.models.items() if key[:2] == (name, k)}


def out_of_fold_posterior(model, values, folds, fold_models) -> np.ndarray:
    """P(subtype, stage | x) under the fold models that never saw a person, averaged over repeats.

    Parameters
    ----------
    model : SustainModel
        Fitted to everyone; fold subtypes are matched to its.
    values : ndarray, shape (M, B)
    folds : ndarray, shape (repeats, M)
        Fold of every row of `values`; rows may also be later scans, which carry their person's fold.
    fold_models : dict of (repeat, fold) to SustainModel

    Returns
    -------
    ndarray, shape (M, C, N+1)

    Raises
    ------
    InputError
        A person belongs to no fold that was fitted.
    """
    posterior = np.zeros((len(values), model.n_subtypes, model.events.n_events + 1))
    times = np.zeros(len(values))
    for (repeat, fold), m in fold_models.items():
        rows = np.flatnonzero(folds[repeat] == fold)
        if rows.size == 0:
            continue
        p, _, _ = m.matched_to(model).posterior(values[rows])
        posterior[rows] += p
        times[rows] += 1
    if (times == 0).any():
        raise InputError(f"{int((times == 0).sum())} people belong to no fold that was fitted")
    return posterior / times[:, None, None]


def out_of_fold(model, values, index, folds, fold_models) -> pd.DataFrame:
    """Assignments from `out_of_fold_posterior`, one row a person; see `staging.summarise`."""
    return summarise(out_of_fold_posterior(model, values, folds, fold_models), index)


def stability(model, values, index, fold_models) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How far the fold models agree with the model of everyone.

    Returns
    -------
    DataFrame
        repeat, fold, subtype, tau (Kendall, mean places), tau_chance.
    DataFrame
        Per person label_stability: share of fold models (that may have seen the person) that give the
        same label as the model of everyone.
    """
    mean_place = _mean_places(model)
    chance = chance_agreement(model.events, stream(0, "chance", model.events.n_events))
    label = model.posterior(values)[0].sum(axis=2).argmax(axis=1)
    kept = np.zeros(len(values))
    rows = []
    for (repeat, fold), m in fold_models.items():
        m = m.matched_to(model)
        for c, tau in enumerate(order_agreement(_mean_places(m), mean_place)):
            rows.append({"repeat": repeat, "fold": fold, "subtype": c + 1, "tau": tau, "tau_chance": chance})
        kept += m.posterior(values)[0].sum(axis=2).argmax(axis=1) == label
    people = pd.DataFrame({"label_stability": kept / max(len(fold_models), 1)}, index=index)
    return pd.DataFrame(rows), people


def _mean_places(model) -> np.ndarray:
    if model.draws is None:
        return np.argsort(model.sequences, axis=1)
    return model.draws.places.mean(axis=(0, 1))


def cross_validate(
    X,
    events: ZScoreEvents,
    max_subtypes: int = 5,
    *,
    folds: int = 10,
    repeats: int = 1,
    strata=None,
    groups=None,
    variants=None,
    normalise=None,
    seed: int = 1,
    key: tuple = (),
    n_threads: int = 1,
    **settings,
) -> CrossValidation:
    """K-fold cross-validation over the number of subtypes, for one or several model variants.

    Parameters
    ----------
    X, events
        As in `fit`.
    max_subtypes, folds, repeats
        k runs from 1 to `max_subtypes`; the whole division into folds is repeated `repeats` times.
    strata, groups
        See `make_folds`.
    variants : sequence of Variant, optional
        Compared side by side; by default the one that `settings` describe.
    normalise : callable, optional
        ``normalise(train_rows, test_rows) -> (Z_train, Z_test)``: z-scores made inside the fold, so that
        norms learnt with the patients' folds cannot leak. By default rows of X.
    **settings
        Passed to `fit`.

    Returns
    -------
    CrossValidation
    """
    values, index = events.check_data(X)
    shared = {f: settings.pop(f) for f in Variant.__dataclass_fields__ if f in settings}
    variants = list(variants) if variants is not None else [Variant(**shared)]
    assignment = np.stack(
        [
            make_folds(len(values), folds, seed=seed, key=key, strata=strata, groups=groups, repeat=r)
            for r in range(repeats)
        ]
    )
    smallest = len(values) - np.bincount(assignment.ravel() + folds * np.repeat(np.arange(repeats), len(values))).max()
    if smallest < 2 * max_subtypes:
        raise InputError(
            f"{len(values)} people in {folds} folds leave {smallest} to train on, too few for {max_subtypes} subtypes"
        )
    plan = [(v, r, f) for v in variants for r in range(repeats) for f in range(folds)]

    def run(item):
        variant, repeat, fold = item
        test = assignment[repeat] == fold
        if normalise is None:
            train_z, test_z = values[~test], values[test]
        else:
            train_z, test_z = (np.asarray(z, float) for z in normalise(np.flatnonzero(~test), np.flatnonzero(test)))
        models, densities = [], {0: normal_log_density(test_z), -1: gaussian_log_density(train_z, test_z)}
        previous = None
        for k in range(1, max_subtypes + 1):
            previous = fit(
                train_z,
                events,
                k,
                previous=previous,
                seed=seed,
                key=(*key, "repeat", repeat, "fold", fold),
                n_threads=1,
                **vars(variant),
                **settings,
            )
            models.append(previous)
            densities[k] = previous.log_predictive_density(test_z)
            log.info("%s, repeat %d fold %d k=%d: held-out %.3f", variant.name, repeat, fold, k, densities[k].sum())
        return np.flatnonzero(test), models, densities

    results = parallel(run, plan, n_threads)
    sums: dict = {}
    models: dict = {}
    rows = []
    for (variant, repeat, fold), (test, fitted, densities) in zip(plan, results, strict=True):
        for k, v in densities.items():
            total = sums.setdefault((variant.name, k), np.zeros(len(values)))
            total[test] += v / repeats
            rows.append(
                {
                    "variant": variant.name,
                    "n_subtypes": k,
                    "repeat": repeat,
                    "fold": fold,
                    "n_people": len(test),
                    "heldout_loglik": v.sum(),
                }
            )
        for m in fitted:
            models[variant.name, m.n_subtypes, repeat, fold] = m
    tables = []
    for variant in variants:
        mine = {k: v for (name, k), v in sums.items() if name == variant.name and k >= 0}
        table = selection_table(mine, sums[variant.name, -1])
        table.insert(0, "variant", variant.name)
        tables.append(table)
    return CrossValidation(
        pd.concat(tables, ignore_index=True), pd.DataFrame(rows), sums, assignment, models, index, values
    )
