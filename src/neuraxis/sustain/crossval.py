"""Cross-validation: how many subtypes do people carry whom the model has not seen?

One path for the library and for a workflow that fits every part in a job of its own: `fit_part` fits everyone or all but one
fold, `held_out` gathers what the folds' models say of the people they have not seen, `select` chooses.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, fields, replace
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError, check_whole, counted, name_some
from ..labels import is_true
from ..progress import Account, hidden_bar, part, steps
from ..streams import stream
from .baselines import gaussian_log_density
from .families import Events, check_events
from .matching import chance_agreement, order_agreement
from .model import SustainModel, fit
from .problem import check_covariance, warn_independent
from .search import parallel
from .state import FitSettings, Variant
from .warm import ready

log = logging.getLogger(__name__)

#: A gain in CVIC below this is not evidence for another subtype (the field's rule of thumb).
CVIC_EVIDENCE = 6.0
#: Key of the multivariate normal among held-out densities, whose other keys are numbers of subtypes.
GAUSSIAN = -1


def make_folds(
    n_people: int, folds: int, *, seed: int, key=(), strata=None, groups=None, repeat: int = 0
) -> np.ndarray:
    """Fold number 0..folds-1 of every person, shape (M,).

    Parameters
    ----------
    n_people, folds : int
        How many of each.
    seed, key, repeat
        Of all random numbers: the study's, what tells its divisions apart, and which of several this is.
    strata : array_like, shape (M,), optional
        Each stratum is spread evenly over the folds.
    groups : array_like, shape (M,), optional
        People of one group (a site) always share a fold; largest groups are placed first.

    Returns
    -------
    ndarray of int, shape (M,)

    Raises
    ------
    InputError
        Fewer people, or fewer groups, than folds.

    Examples
    --------
    >>> from neuraxis.sustain import make_folds
    >>> np.bincount(make_folds(10, 5, seed=1)).tolist()
    [2, 2, 2, 2, 2]
    >>> site = ["A"] * 4 + ["B"] * 3 + ["C"] * 3
    >>> fold = make_folds(10, 3, seed=1, groups=site)
    >>> len(set(fold[:4].tolist()))
    1
    """
    if folds < 2:
        raise InputError(f"cross-validation needs at least 2 folds, not {folds}")
    if n_people < folds:
        raise InputError(f"{counted(n_people, 'person')} cannot fill {counted(folds, 'fold')}")
    for name, labels in (("strata", strata), ("groups", groups)):
        if labels is not None and len(labels) != n_people:
            raise InputError(f"{name} must have one label for each of {counted(n_people, 'person')}, not {len(labels)}")
    rng = stream(seed, *key, "folds", repeat)
    fold = np.empty(n_people, np.int64)
    if groups is not None:
        names, which = np.unique(np.asarray(groups).astype(str), return_inverse=True)
        if len(names) < folds:
            raise InputError(
                f"{counted(len(names), 'group')} cannot fill {counted(folds, 'fold')} without splitting a group"
            )
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


def training(folds: np.ndarray, fold: int) -> np.ndarray:
    """People (M,) whom the model of a fold may see: all but those whose fold it is."""
    return np.asarray(folds) != fold


def fit_part(
    X,
    events: Events,
    n_subtypes: int,
    settings: FitSettings | None = None,
    *,
    folds=None,
    fold: int | None = None,
    repeat: int = 0,
    key: tuple = (),
    normalise=None,
    **options,
) -> SustainModel:
    """Fit everyone, or everyone but the people of one fold.

    Parameters
    ----------
    X, events, n_subtypes, settings
        As in `fit`; X holds everyone.
    folds : ndarray, shape (M,), optional
        Fold of every person.
    fold, repeat : int, optional
        The fold left out, and which division into folds it belongs to; without `fold` nobody is left out.
    key : tuple of str or int
        What the fits are for; the part is added, so that streams do not depend on who else is fitted, or when.
    normalise : callable, optional
        See `cross_validate`.
    **options
        Passed to `fit`.

    Returns
    -------
    SustainModel

    Examples
    --------
    >>> from neuraxis.sustain import ZScoreEvents, fit_part, make_folds, simulate
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    >>> people = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
    >>> folds = make_folds(60, 2, seed=1)
    >>> few = {"covariance": "independent", "n_samples": 0, "n_startpoints": 1}
    >>> models = {f: fit_part(people.X, events, 1, folds=folds, fold=f, **few) for f in (0, 1)}
    >>> [m.settings["n_people"] for m in models.values()]
    [30, 30]
    """
    if fold is None:
        return fit(X, events, n_subtypes, settings, key=(*key, "everyone"), **options)
    seen = training(folds, fold)
    if normalise is None:
        train = X[seen] if isinstance(X, pd.DataFrame) else np.asarray(X, float)[seen]
    else:
        train = normalise(np.flatnonzero(seen), np.flatnonzero(~seen))[0]
    return fit(train, events, n_subtypes, settings, key=(*key, "repeat", repeat, "fold", fold), **options)


@dataclass
class HeldOut:
    """Held-out log predictive densities.

    Attributes
    ----------
    density : dict of int to ndarray, shape (M,)
        Mean over repeats, per number of subtypes; 0: everyone healthy, `GAUSSIAN`: one multivariate normal (where all
        biomarkers have Gaussian noise).
    by_fold : DataFrame
        n_subtypes, repeat, fold, n_people, heldout_loglik.
    """

    density: dict
    by_fold: pd.DataFrame

    @property
    def gaussian(self) -> np.ndarray | None:
        """Density of one multivariate normal, or None."""
        return self.density.get(GAUSSIAN)

    @property
    def subtypes(self) -> dict:
        """Densities of the subtype models alone, k = 0 included."""
        return {k: v for k, v in self.density.items() if k >= 0}


def held_out(X, folds: np.ndarray, models, normalise=None) -> HeldOut:
    """What the folds' models say of the people they have not seen.

    Parameters
    ----------
    X : DataFrame or ndarray, shape (M, B)
    folds : ndarray, shape (repeats, M)
    models : dict of (repeat, fold, n_subtypes) to SustainModel
        One per fold and number of subtypes; k = 0 is fitted here.
    normalise : callable, optional
        See `cross_validate`.

    Returns
    -------
    HeldOut

    Raises
    ------
    InputError
        A fold without a model, or a model that was fitted to another number of people than its fold leaves.

    Examples
    --------
    >>> from neuraxis.sustain import ZScoreEvents, fit_part, make_folds, simulate
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    >>> people = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
    >>> folds = make_folds(60, 2, seed=1)
    >>> few = {"covariance": "independent", "n_samples": 0, "n_startpoints": 1}
    >>> models = {f: fit_part(people.X, events, 1, folds=folds, fold=f, **few) for f in (0, 1)}
    >>> found = held_out(people.X, folds[None], {(0, f, 1): m for f, m in models.items()})
    >>> sorted(found.density), found.density[1].shape
    ([-1, 0, 1], (60,))
    """
    folds = np.atleast_2d(folds)
    repeats, n_people = folds.shape
    events = next(iter(models.values())).events
    rows = X if isinstance(X, pd.DataFrame) else np.asarray(X, float)
    ks = sorted({k for _, _, k in models})
    density = {k: np.zeros(n_people) for k in [0, *ks]}
    gaussian = len(events.gaussian) == events.n_biomarkers
    if gaussian:
        density[GAUSSIAN] = np.zeros(n_people)
    table = []
    for repeat in range(repeats):
        for fold in steps(np.unique(folds[repeat]), "folds told of by the others' models"):
            seen = training(folds[repeat], fold)
            missing = [k for k in ks if (repeat, fold, k) not in models]
            if missing:
                raise InputError(f"fold {fold} of repeat {repeat} has no model with {counted(missing[0], 'subtype')}")
            if normalise is None:
                train, test = rows[seen], rows[~seen]
            else:
                train, test = normalise(np.flatnonzero(seen), np.flatnonzero(~seen))
            one = models[repeat, fold, ks[0]]
            null = fit(train, events, 0, FitSettings(variant=one.variant), covariance=_covariance_of(one))
            for k in [0, *ks]:
                m = null if k == 0 else models[repeat, fold, k]
                if m.settings.get("n_people", seen.sum()) != seen.sum():
                    raise InputError(
                        f"the model with {counted(k, 'subtype')} of fold {fold} was fitted to {counted(m.settings['n_people'], 'person')}, "
                        f"but {seen.sum()} are outside its fold"
                    )
                table.append((k, repeat, fold, m.log_predictive_density(test)))
            if gaussian:
                values = [events.check_data(part)[0] for part in (train, test)]
                table.append((GAUSSIAN, repeat, fold, gaussian_log_density(*values)))
            for k, _, _, v in table[-len(density) :]:
                density[k][~seen] += v / repeats
    by_fold = pd.DataFrame(
        [
            {"n_subtypes": k, "repeat": r, "fold": int(f), "n_people": v.size, "heldout_loglik": v.sum()}
            for k, r, f, v in table
        ]
    )
    return HeldOut(density, by_fold)


def _covariance_of(model: SustainModel):
    """What `fit` is to be given so that it takes the model's own covariance, and does not warn."""
    return "independent" if model.variant.covariance is None else model.variant.covariance


def selection_table(
    lpd: dict[int, np.ndarray], gaussian: np.ndarray | None = None, fixed: int | None = None
) -> pd.DataFrame:
    """CVIC per number of subtypes, its SE, and the paired differences.

    Parameters
    ----------
    lpd : dict of int to ndarray, shape (M,)
        Held-out log predictive density of every person per number of subtypes; 0 is the model in which everyone is healthy.
    gaussian : ndarray, shape (M,), optional
        The same for one multivariate normal.
    fixed : int, optional
        Number of subtypes that was decided beforehand; the reason then says what the rule would choose.

    Returns
    -------
    DataFrame
        model, n_subtypes, cvic, cvic_se, heldout_loglik, delta_cvic and delta_se (against one subtype
        fewer), gap_cvic and gap_se (against the best k), chosen, reason.

    Raises
    ------
    InputError
        `fixed` is a number that was not tried.

    Notes
    -----
    CVIC = -2 sum_j lpd_j with SE 2 sqrt(M var(lpd)); paired SEs likewise from the differences (Vehtari,
    Gelman & Gabry 2017). The rule: the smallest k, 0 included, whose CVIC lies within max(6, one paired SE) of
    the best k's.

    Examples
    --------
    >>> from neuraxis.sustain import selection_table
    >>> table = selection_table({0: np.full(50, -3.0), 1: np.full(50, -2.5), 2: np.full(50, -2.49)})
    >>> table[["n_subtypes", "cvic", "chosen"]].values.tolist()
    [[0, 300.0, False], [1, 250.0, True], [2, 249.0, False]]
    """
    ks = sorted(lpd)
    for k in ks:
        if lost := int(np.isnan(lpd[k]).sum()):
            raise InputError(
                f"the held-out log-density of {counted(lost, 'person')} under {counted(k, 'subtype')} is not a number: are there values "
                "beyond all measure?"
            )
    rows = []
    for k in ks:
        v = lpd[k]
        m = v.size
        row = {
            "model": counted(k, "subtype") if k else "everyone healthy",
            "n_subtypes": k,
            "cvic": -2 * v.sum(),
            "cvic_se": 2 * np.sqrt(m * v.var(ddof=1)),
            "heldout_loglik": v.sum(),
            "delta_cvic": np.nan,
            "delta_se": np.nan,
        }
        if k - 1 in lpd:
            d = v - lpd[k - 1]
            row |= {"delta_cvic": -2 * d.sum(), "delta_se": 2 * np.sqrt(m * d.var(ddof=1))}
        rows.append(row)
    table = pd.DataFrame(rows)
    best = int(table.loc[table["cvic"].idxmin(), "n_subtypes"])
    gaps = {k: -2 * (lpd[k] - lpd[best]) for k in ks}
    table["gap_cvic"] = [gaps[k].sum() for k in ks]
    table["gap_se"] = [np.sqrt(gaps[k].size * gaps[k].var(ddof=1)) for k in ks]
    by_rule = next(int(r.n_subtypes) for r in table.itertuples() if r.gap_cvic <= max(CVIC_EVIDENCE, r.gap_se))
    chosen = by_rule if fixed is None else fixed
    if chosen not in ks:
        raise InputError(
            f"{counted(chosen, 'subtype was', 'subtypes were')} asked for, but {', '.join(map(str, ks))} were tried"
        )
    table["chosen"] = table["n_subtypes"] == chosen
    row = table.set_index("n_subtypes").loc[by_rule]
    if fixed is not None:
        reason = f"k = {fixed} was fixed in the configuration; the rule would choose {by_rule}"
    elif chosen == best and chosen == ks[0]:
        reason = f"k = {chosen} has the lowest CVIC"
    elif chosen == best:
        reason = f"k = {chosen} has the lowest CVIC and no smaller k comes within max({CVIC_EVIDENCE:g}, SE) of it"
    else:
        reason = (
            f"k = {chosen} is the smallest whose CVIC is within max({CVIC_EVIDENCE:g}, SE) of the best, k = {best}: "
            f"{row.gap_cvic:.1f} more, SE {row.gap_se:.1f}"
        )
    if best == ks[-1] and best > 1:
        reason += f"; the best k, {best}, is the largest tried: more may be better"
    if 0 in lpd and chosen > 0:
        loss = lpd[0].sum() - lpd[chosen].sum()
        if loss > 0:
            reason += f"; but everyone healthy (k = 0) predicts better by {loss:.1f} nats"
    if gaussian is not None:
        loss = gaussian.sum() - lpd[chosen].sum()
        if loss > 0:
            reason += f"; one multivariate normal predicts better by {loss:.1f} nats"
    table["reason"] = np.where(table["chosen"], reason, "")
    if gaussian is not None:
        d = -2 * (gaussian - lpd[best])
        table.loc[len(table)] = {
            "model": "one multivariate normal",
            "n_subtypes": GAUSSIAN,
            "cvic": -2 * gaussian.sum(),
            "cvic_se": 2 * np.sqrt(gaussian.size * gaussian.var(ddof=1)),
            "heldout_loglik": gaussian.sum(),
            "delta_cvic": np.nan,
            "delta_se": np.nan,
            "gap_cvic": d.sum(),
            "gap_se": np.sqrt(d.size * d.var(ddof=1)),
            "chosen": False,
            "reason": "",
        }
    return table


@dataclass
class Selection:
    """Tables of one selection: `selection_table`, densities per person, and sums per fold.

    Attributes
    ----------
    selection : DataFrame
        See `selection_table`.
    heldout : DataFrame
        participant_id, fold, gaussian and one column k<n> per number of subtypes: held-out log predictive density, nats.
    heldout_folds : DataFrame
        fold, n_people and the sums of these columns.

    Examples
    --------
    >>> from neuraxis.sustain import ZScoreEvents, fit_part, make_folds, simulate
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    >>> people = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
    >>> folds = make_folds(60, 2, seed=1)
    >>> few = {"covariance": "independent", "n_samples": 0, "n_startpoints": 1}
    >>> models = {f: fit_part(people.X, events, 1, folds=folds, fold=f, **few) for f in (0, 1)}
    >>> X = pd.DataFrame(people.X, columns=list(events.biomarkers), index=pd.Index(range(60), name="participant_id"))
    >>> found = select(X, pd.Series(folds, index=X.index), {(f, 1): m for f, m in models.items()})
    >>> found.selection.loc[found.selection["chosen"], "n_subtypes"].tolist()
    [1]
    >>> len(found.heldout), len(found.heldout_folds)
    (60, 2)
    """

    selection: pd.DataFrame
    heldout: pd.DataFrame
    heldout_folds: pd.DataFrame

    @property
    def chosen(self) -> int:
        """Number of subtypes chosen."""
        return int(self.selection.loc[self.selection["chosen"], "n_subtypes"].iloc[0])


def select(X: pd.DataFrame, fold: pd.Series, models, fixed: int | None = None) -> Selection:
    """Choose the number of subtypes from fold models fitted elsewhere.

    Parameters
    ----------
    X : DataFrame, indexed by participant_id
    fold : Series, indexed by participant_id
        Joined to X by id, never by position.
    models : dict of (fold, n_subtypes) to SustainModel
    fixed : int, optional
        See `selection_table`.

    Returns
    -------
    Selection
        heldout has participant_id, fold, gaussian and one column k<n> per number of subtypes.

    Examples
    --------
    >>> from neuraxis.sustain import ZScoreEvents, fit_part, make_folds, simulate
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    >>> people = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
    >>> folds = make_folds(60, 2, seed=1)
    >>> few = {"covariance": "independent", "n_samples": 0, "n_startpoints": 1}
    >>> models = {f: fit_part(people.X, events, 1, folds=folds, fold=f, **few) for f in (0, 1)}
    >>> X = pd.DataFrame(people.X, columns=list(events.biomarkers), index=pd.Index(range(60), name="participant_id"))
    >>> found = select(X, pd.Series(folds, index=X.index), {(f, 1): m for f, m in models.items()})
    >>> found.chosen, list(found.selection["model"])
    (1, ['everyone healthy', '1 subtype', 'one multivariate normal'])
    """
    X = X.loc[fold.index]
    held = held_out(X, fold.to_numpy()[None], {(0, f, k): m for (f, k), m in models.items()})
    table = selection_table(held.subtypes, held.gaussian, fixed)
    nothing = np.full(len(X), np.nan)
    wide = pd.DataFrame({"participant_id": fold.index, "fold": fold.to_numpy()})
    wide["gaussian"] = nothing if held.gaussian is None else held.gaussian
    for k, v in sorted(held.subtypes.items()):
        wide[f"k{k}"] = v
    by_fold = wide.drop(columns="participant_id").groupby("fold")
    sums = by_fold.sum(min_count=1)
    sums.insert(0, "n_people", by_fold.size())
    return Selection(table, wide, sums.reset_index())


def fold_of(model: SustainModel) -> int | None:
    """The fold that a model of `fit_part` has not seen, from what it was fitted for; None: it has seen everyone."""
    last = [str(k) for k in model.settings.get("key", ())][-4:]
    return int(last[3]) if last[0::2] == ["repeat", "fold"] else None


def described(selection: pd.DataFrame) -> int:
    """Number of subtypes of the model that a study describes: the one chosen, or one where none is supported.

    Where the data support no common order at all, one order is described, and the selection says what it is worth.
    """
    return max(int(selection.loc[is_true(selection["chosen"]), "n_subtypes"].iloc[0]), 1)


def variants_table(heldout: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Selection tables of several variants below one another, each chosen by the rule.

    Parameters
    ----------
    heldout : dict of str to DataFrame
        `Selection.heldout` by the variant's name; of the same people, in whatever order.

    Returns
    -------
    DataFrame
        variant, n_subtypes, heldout_loglik, cvic, cvic_se, gap_cvic, gap_se, chosen, reason.

    Raises
    ------
    InputError
        Variants of different people.
    """
    parts, people = [], None
    for variant, held in heldout.items():
        mine = set(held["participant_id"])
        if people is not None and mine != people:
            raise InputError(f"variant {variant} was not cross-validated on the same people as the others")
        people = mine
        lpd = {int(c[1:]): held[c].to_numpy(float) for c in held.columns if c[0] == "k" and c[1:].isdigit()}
        gaussian = held["gaussian"].to_numpy(float) if held["gaussian"].notna().all() else None
        table = selection_table(lpd, gaussian)
        parts.append(table[table["n_subtypes"] >= 0].assign(variant=variant))
    both = pd.concat(parts, ignore_index=True)
    first = ["variant", "n_subtypes", "heldout_loglik", "cvic", "cvic_se", "gap_cvic", "gap_se", "chosen", "reason"]
    return both[first]


@dataclass
class CrossValidation:
    """What `cross_validate` found.

    Attributes
    ----------
    selection : DataFrame
        See `selection_table`; with a column `variant` where several were compared.
    fold_log_likelihood : DataFrame
        variant, n_subtypes, repeat, fold, n_people, heldout_loglik.
    lpd : dict of (variant name, k) to ndarray, shape (M,)
        Held-out log predictive density, mean over repeats; k = 0 everyone healthy, k = -1 one multivariate normal.
    folds : ndarray, shape (repeats, M)
    models : dict of (variant name, k, repeat, fold) to SustainModel
    index : Index
    values : ndarray, shape (M, B)
        Of the people, in the events' order of biomarkers.

    Examples
    --------
    >>> from neuraxis.sustain import ZScoreEvents, cross_validate, simulate
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    >>> people = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
    >>> found = cross_validate(people.X, events, 1, folds=2, covariance="independent", n_samples=0, n_startpoints=1)
    >>> found.chosen(), found.folds.shape, sorted(k for _, k in found.lpd)
    (1, (1, 60), [-1, 0, 1])
    >>> from neuraxis.sustain import fit
    >>> model = fit(people.X, events, 1, covariance="independent", n_samples=0, n_startpoints=1)
    >>> len(found.out_of_fold(model)), sorted(found.models_of(1))
    (60, [(0, 0), (0, 1)])
    >>> agreement, labels = found.stability(model)
    >>> agreement["tau"].round(1).tolist(), list(labels)
    ([1.0, 1.0], ['label_stability'])
    >>> found.plot().axes[0].get_ylabel()
    'CVIC above the best (paired SE)'
    """

    selection: pd.DataFrame
    fold_log_likelihood: pd.DataFrame
    lpd: dict
    folds: np.ndarray
    models: dict
    index: pd.Index
    values: np.ndarray

    def __repr__(self) -> str:
        names = self.selection["variant"].unique()
        said = ", ".join(f"{n}: {counted(self.chosen(n), 'subtype')}" for n in names)
        return f"CrossValidation({counted(self.folds.shape[1], 'person')}, {counted(self.folds.max() + 1, 'fold')}, chosen {said})"

    def _repr_html_(self) -> str:
        return f"<p>{self!r}</p>{self.selection.to_html(index=False)}"

    def plot(self, variant: str | None = None) -> Any:
        """CVIC and held-out log-likelihood by the number of subtypes, a matplotlib figure.

        Parameters
        ----------
        variant : str, optional
            The first where not given.

        Returns
        -------
        Figure

        Raises
        ------
        InputError
            No such variant.
        """
        return import_module("neuraxis.figures.shown").plot_selection(self, variant)  # as `SustainModel.plot`

    def chosen(self, variant: str | None = None) -> int:
        """Number of subtypes the rule chose (for the first variant, or the one named); 0: none.

        Parameters
        ----------
        variant : str, optional
            The first where not given.

        Returns
        -------
        int
        """
        t = self.selection
        t = t[t["variant"] == (variant or t["variant"].iloc[0])]
        return int(t.loc[t["chosen"], "n_subtypes"].iloc[0])

    def out_of_fold(self, model: SustainModel, variant: str | None = None) -> pd.DataFrame:
        """Every person assigned by the fold models that never saw them, subtypes matched to `model`.

        Parameters
        ----------
        model : SustainModel
            Fitted to the same people.
        variant : str, optional
            The first where not given.

        Returns
        -------
        DataFrame
            One row per person, see `staging.summarise`.

        Raises
        ------
        InputError
            No models with as many subtypes, or not of everyone's fold.
        """
        return out_of_fold(model, self.values, self.index, self.folds, self.models_of(model.n_subtypes, variant))

    def stability(self, model: SustainModel, variant: str | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Agreement of fold models with `model`, and how often each person keeps the label.

        Parameters
        ----------
        model : SustainModel
            Fitted to the same people.
        variant : str, optional
            The first where not given.

        Returns
        -------
        DataFrame
        DataFrame
            See `crossval.stability`.
        """
        return stability(model, self.values, self.index, self.models_of(model.n_subtypes, variant))

    def models_of(self, n_subtypes: int, variant: str | None = None) -> dict:
        """The fold models with so many subtypes, by (repeat, fold).

        Parameters
        ----------
        n_subtypes : int
        variant : str, optional
            The first where not given.

        Returns
        -------
        dict of (int, int) to SustainModel
        """
        name = variant or self.selection["variant"].iloc[0]
        return {key[2:]: m for key, m in self.models.items() if key[:2] == (name, n_subtypes)}


def out_of_fold_posterior(model, values, folds, fold_models) -> tuple[np.ndarray, np.ndarray]:
    """Where people stand under the fold models that never saw them, averaged over repeats.

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
        P(subtype, stage | x).
    ndarray, shape (M,)
        P(healthy | x).

    Raises
    ------
    InputError
        A person belongs to no fold that was fitted.

    Examples
    --------
    >>> from neuraxis.sustain import ZScoreEvents, fit_part, make_folds, simulate
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    >>> people = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
    >>> folds = make_folds(60, 2, seed=1)
    >>> few = {"covariance": "independent", "n_samples": 0, "n_startpoints": 1}
    >>> models = {f: fit_part(people.X, events, 1, folds=folds, fold=f, **few) for f in (0, 1)}
    >>> model = fit_part(people.X, events, 1, **few)
    >>> staged, healthy = out_of_fold_posterior(model, people.X, folds[None], {(0, f): m for f, m in models.items()})
    >>> staged.shape, bool(np.allclose(staged.sum(axis=(1, 2)) + healthy, 1))
    ((60, 1, 4), True)
    """
    posterior = np.zeros((len(values), model.n_subtypes, model.events.n_events + 1))
    healthy = np.zeros(len(values))
    times = np.zeros(len(values))
    for (repeat, fold), m in fold_models.items():
        rows = np.flatnonzero(~training(folds[repeat], fold))
        if rows.size == 0:
            continue
        p, h, _, _ = m.matched_to(model).posterior(values[rows])
        posterior[rows] += p
        healthy[rows] += h
        times[rows] += 1
    if (times == 0).any():
        raise InputError(
            f"{counted(int((times == 0).sum()), 'person belongs', 'people belong')} to no fold that was fitted"
        )
    return posterior / times[:, None, None], healthy / times


def out_of_fold(model, values, index, folds, fold_models) -> pd.DataFrame:
    """Assignments from `out_of_fold_posterior`, one row a person; see `staging.summarise`.

    Parameters
    ----------
    model : SustainModel
        Fitted to everyone; fold subtypes are matched to its.
    values : ndarray, shape (M, B)
    index : Index, length M
    folds : ndarray, shape (repeats, M)
    fold_models : dict of (repeat, fold) to SustainModel

    Returns
    -------
    DataFrame

    Raises
    ------
    InputError
        A person belongs to no fold that was fitted.

    Examples
    --------
    >>> from neuraxis.sustain import ZScoreEvents, fit_part, make_folds, simulate
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    >>> people = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
    >>> folds = make_folds(60, 2, seed=1)
    >>> few = {"covariance": "independent", "n_samples": 0, "n_startpoints": 1}
    >>> models = {f: fit_part(people.X, events, 1, folds=folds, fold=f, **few) for f in (0, 1)}
    >>> model = fit_part(people.X, events, 1, **few)
    >>> table = out_of_fold(model, people.X, pd.RangeIndex(60), folds[None], {(0, f): m for f, m in models.items()})
    >>> len(table), sorted(set(table["subtype"]))
    (60, [1])
    """
    return model.summary(*out_of_fold_posterior(model, values, folds, fold_models), index)


def stability(model, values, index, fold_models) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How far the fold models agree with the model of everyone.

    Parameters
    ----------
    model : SustainModel
        Fitted to everyone.
    values : ndarray, shape (M, B)
    index : Index, length M
    fold_models : dict of (repeat, fold) to SustainModel

    Returns
    -------
    DataFrame
        repeat, fold, subtype, tau (Kendall, mean places), tau_chance.
    DataFrame
        Per person label_stability: share of fold models (that may have seen the person) that give the
        same label as the model of everyone.

    Examples
    --------
    >>> from neuraxis.sustain import ZScoreEvents, fit_part, make_folds, simulate
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    >>> people = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
    >>> folds = make_folds(60, 2, seed=1)
    >>> few = {"covariance": "independent", "n_samples": 0, "n_startpoints": 1}
    >>> models = {f: fit_part(people.X, events, 1, folds=folds, fold=f, **few) for f in (0, 1)}
    >>> model = fit_part(people.X, events, 1, **few)
    >>> agree, labels = stability(model, people.X, pd.RangeIndex(60), {(0, f): m for f, m in models.items()})
    >>> agree[["fold", "subtype", "tau"]].round(1).values.tolist()
    [[0.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
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
    events: Events,
    max_subtypes: int = 5,
    *,
    covariance=None,
    folds: int = 10,
    repeats: int = 1,
    strata=None,
    groups=None,
    variants=None,
    normalise=None,
    seed: int = 1,
    key: tuple = (),
    n_threads: int = 1,
    progress: bool | None = None,
    checkpoint=None,
    **settings,
) -> CrossValidation:
    """K-fold cross-validation over the number of subtypes, for one or several model variants.

    Parameters
    ----------
    X, events, covariance
        As in `fit`; one covariance serves all variants that do not bring their own.
    max_subtypes, folds, repeats
        k runs from 0 to `max_subtypes`; the whole division into folds is repeated `repeats` times.
    strata, groups
        See `make_folds`.
    variants : sequence of Variant, optional
        Compared side by side; by default the one that `settings` describe.
    normalise : callable, optional
        ``normalise(train_rows, test_rows) -> (Z_train, Z_test)``: z-scores made inside the fold, so that
        norms learnt with the patients' folds cannot leak. By default rows of X.
    seed, key
        Of all random numbers: the study's, and what tells its cross-validations apart.
    n_threads : int
        Folds that are fitted side by side; the result does not depend on it.
    progress : bool, optional
        Show one bar for all fits, with the time that is left; by default in notebooks and terminals. Elsewhere the log (level
        INFO) has a line now and then; what the single fits say is of level DEBUG.
    checkpoint : path, optional
        See `fit`.
    **settings
        Single settings, as in `fit`.

    Returns
    -------
    CrossValidation

    Raises
    ------
    InputError
        Data or settings that cannot be used, or too few people for so many folds and subtypes.

    Examples
    --------
    >>> from neuraxis.sustain import ZScoreEvents, simulate
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    >>> people = simulate(events, [[0, 2, 1], [1, 0, 2]], 60, noise_sd=0.3, seed=1)
    >>> found = cross_validate(people.X, events, 1, folds=2, covariance="independent", n_samples=0, n_startpoints=1)
    >>> found.selection["n_subtypes"].tolist(), found.chosen()
    ([0, 1, -1], 1)
    """
    check_events(events)
    for name, value, least in (
        ("max_subtypes", max_subtypes, 1),
        ("folds", folds, 2),
        ("repeats", repeats, 1),
        ("seed", seed, 0),
        ("n_threads", n_threads, None),
    ):
        check_whole(name, value, least)
    values, index = events.check_data(X)
    base = FitSettings().with_(**settings)
    matrix = check_covariance(events, covariance)
    if variants is None:
        variants = [base.with_(covariance=matrix).variant if matrix is not None else base.variant]
        if covariance is None and base.variant.covariance is None and base.variant.noise != "learnt":
            warn_independent(events)
    else:
        given_twice = sorted(set(settings) & ({f.name for f in fields(Variant)} | {"variant"}))
        if given_twice:
            raise InputError(f"{name_some(given_twice)} beside variants: a variant brings its own; say it there")
        variants = [variants] if isinstance(variants, Variant) else list(variants)
        if wrong := [v for v in variants if not isinstance(v, Variant)]:
            raise InputError(f"variants must be Variants, not {wrong[0]!r}")
        # noise that is learnt has no covariance: the one given serves the others
        variants = [
            replace(
                v,
                covariance=matrix
                if v.covariance is None and v.noise != "learnt"
                else check_covariance(events, v.covariance),
            )
            for v in variants
        ]
    if len({v.name for v in variants}) < len(variants):
        raise InputError(
            "two variants have the same name; compare variants that differ in prior, noise or healthy component"
        )
    assignment = np.stack(
        [
            make_folds(len(values), folds, seed=seed, key=key, strata=strata, groups=groups, repeat=r)
            for r in range(repeats)
        ]
    )
    smallest = len(values) - np.bincount(assignment.ravel() + folds * np.repeat(np.arange(repeats), len(values))).max()
    if smallest < 2 * max_subtypes:
        raise InputError(
            f"{counted(len(values), 'person')} in {counted(folds, 'fold leaves', 'folds leave')} {smallest} to train on, too few for {counted(max_subtypes, 'subtype')}"
        )

    plan = [(v, r, f) for v in variants for r in range(repeats) for f in range(folds)]
    log.info(
        "cross-validation: %s (%s, k = 1 to %d), each of %s per k, then %s",
        counted(len(plan) * max_subtypes, "fit"),
        " x ".join([counted(len(variants), "variant"), counted(repeats, "repeat"), counted(folds, "fold")]),
        max_subtypes,
        counted(base.n_startpoints, "start"),
        base.chains_in_words(),
    )

    def run(item):
        variant, repeat, fold = item
        fitted, previous = {}, None
        given = "independent" if variant.covariance is None else variant.covariance
        for k in range(1, max_subtypes + 1):
            began = time.monotonic()
            with part():
                previous = fit_part(
                    values,
                    events,
                    k,
                    base.with_(**{f: getattr(variant, f) for f in Variant.__dataclass_fields__}),
                    covariance=given,
                    folds=assignment[repeat],
                    fold=fold,
                    repeat=repeat,
                    previous=previous,
                    normalise=normalise,
                    seed=seed,
                    key=key,
                    n_threads=1,
                    progress=False,
                    checkpoint=checkpoint,
                )
            fitted[repeat, fold, k] = previous
            account.done(k, time.monotonic() - began)
        return fitted

    parts = dict.fromkeys(range(1, max_subtypes + 1), len(plan))
    side_by_side = min(n_threads, len(plan))
    hidden = hidden_bar(progress)
    for kernels in ("climb", "polish", *(["chain"] if base.n_samples else [])):
        ready(kernels)
    with Account("cross-validation", parts, "fits", side_by_side=side_by_side, hidden=hidden) as account:
        results = parallel(run, plan, n_threads)
    tables, by_fold = [], []
    lpd: dict = {}
    models: dict = {}
    for variant in variants:
        mine: dict = {}
        for (v, _, _), fitted in zip(plan, results, strict=True):
            if v is variant:
                mine |= fitted
        held = held_out(values, assignment, mine, normalise)
        table = selection_table(held.subtypes, held.gaussian)
        table.insert(0, "variant", variant.name)
        tables.append(table)
        by_fold.append(held.by_fold.assign(variant=variant.name))
        lpd |= {(variant.name, k): v for k, v in held.density.items()}
        models |= {(variant.name, k, r, f): m for (r, f, k), m in mine.items()}
    by_fold = pd.concat(by_fold, ignore_index=True)
    by_fold.insert(0, "variant", by_fold.pop("variant"))
    return CrossValidation(pd.concat(tables, ignore_index=True), by_fold, lpd, assignment, models, index, values)
