"""Negative controls: what the procedure that chooses subtypes finds where there are none, or fewer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from ..errors import InputError, agreeing, counted
from ..labels import is_true
from ..normative.covariance import noise_covariance
from ..progress import steps
from ..streams import stream
from ..sustain import SustainModel, Variant, ZScoreEvents, choose_events, cross_validate
from ..sustain.families import Events
from ..sustain.study import chain_draws

#: Fewer people than this, modelled or left for the covariance, say nothing about either.
LEAST = 40


@dataclass
class NegativeControl:
    """What `negative_control` found.

    Attributes
    ----------
    selection : DataFrame
        `selection_table` of every variant, with columns variant, n_people (modelled), n_rest (behind the covariance), note.
    people : Index
        Who was modelled.
    """

    selection: pd.DataFrame
    people: pd.Index

    def chosen(self, variant: str | None = None) -> int:
        """Number of subtypes that the rule chooses in healthy people, under the first variant or the one named."""
        t = self.selection
        t = t[t["variant"] == (variant or t["variant"].iloc[0])]
        return int(t.loc[t["chosen"], "n_subtypes"].iloc[0])

    def sentence(self) -> str:
        """What was found, in words."""
        n = int(self.selection["n_people"].iloc[0])
        found = ", ".join(f"{self.chosen(v)} with {v}" for v in self.selection["variant"].unique())
        return f"Subtypes that the same procedure finds in {counted(n, 'healthy person')}: {found}."


def check_controls(n: int) -> None:
    """Refuse a negative control of too few healthy people.

    Parameters
    ----------
    n : int
        Controls with values.

    Raises
    ------
    InputError
    """
    if n // 2 < LEAST:
        raise InputError(
            f"{counted(n, 'control is', 'controls are')} too few for a negative control; it needs at least {2 * LEAST}"
        )


def matched_rows(
    site: pd.Series, wanted: pd.Series | None, n: int, rng: np.random.Generator, keep: int = 1
) -> np.ndarray:
    """Rows of `n` controls, site for site as the patients as far as the sites' controls go, at random within a site.

    At most half of a site's controls are taken, and none of the last `keep`: norms and covariance come from the others, and
    norms that lose a site's own term leave its scanner in the z. Where that leaves fewer than `n`, there are fewer rows.

    Parameters
    ----------
    site : Series
        Of the controls.
    wanted : Series, optional
        Sites of the patients; without them rows are drawn from all.
    n : int
    rng : Generator
    keep : int
        Controls that every site keeps, where it has them.

    Returns
    -------
    ndarray of int, sorted
    """
    order = rng.permutation(len(site))
    names = site.astype(str).to_numpy()[order]
    place = pd.Series(names).groupby(names).cumcount().to_numpy()  # among those of the same site
    size = pd.Series(names).map(pd.Series(names).value_counts()).to_numpy()
    free = place < np.minimum(size // 2, size - keep)
    first = np.zeros(len(order), bool)
    if wanted is not None:
        share = wanted.astype(str).value_counts(normalize=True)
        first = free & (place < (pd.Series(names).map(share).fillna(0) * n).astype(int).to_numpy())
    return np.sort(np.concatenate([order[first], order[free & ~first]])[:n])


def negative_control(
    controls_z,
    events: Events | None = None,
    *,
    n_people: int | None = None,
    site: pd.Series | None = None,
    patients_site: pd.Series | None = None,
    refit: Callable[[pd.Index], pd.DataFrame] | None = None,
    keep_at_site: int = 10,
    variants: dict | None = None,
    max_subtypes: int = 3,
    folds: int = 5,
    seed: int = 1,
    key: tuple = (),
    n_threads: int = 1,
    **settings,
) -> NegativeControl:
    """Choose the number of subtypes in healthy people, as in patients.

    Some of the controls are modelled; the covariance of the residuals comes from the others, and with `refit` the norms do.
    The defaults are a study's effort, 25 starts a split and four chains of 100,000 steps for every fold. ``n_samples=0,
    n_startpoints=4`` is a quick look by maximum likelihood: 9 processor seconds for 451 controls and 18 biomarkers
    (docs/evidence.md).

    Parameters
    ----------
    controls_z : DataFrame or ndarray, shape (M, B)
        Controls' z, each from norms that did not see the person.
    events : Events, optional
        The patients' events; chosen from the modelled controls where not given.
    n_people : int, optional
        How many to model (as many as there are patients); at most half of the controls, which is the default.
    site, patients_site : Series, optional
        Sites of the controls (same order) and of the patients, to model a like mixture.
    refit : callable, optional
        Given who is modelled, z of all controls by norms of the others: `normative.study.controls_anew`. Where such norms
        cannot be made, the z stay as given and the note says why.
    keep_at_site : int
        With `refit`, controls that every site keeps behind its norms: as many as these ask for a term of its own.
    variants : dict of str to dict, optional
        Settings of `Variant` by name; the word "covariance" as the value of ``covariance`` stands for the other controls'.
        By default independent noise as published, and the controls' covariance with a healthy component.
    max_subtypes, folds, seed, key, n_threads, **settings
        As in `cross_validate`.

    Returns
    -------
    NegativeControl

    Raises
    ------
    InputError
        Too few controls.

    Examples
    --------
    >>> import numpy as np
    >>> from neuraxis.sustain import negative_control
    >>> z = np.random.default_rng(0).multivariate_normal(np.zeros(4), 0.7 * np.eye(4) + 0.3, 160)
    >>> found = negative_control(z, max_subtypes=1, folds=2, n_samples=0, n_startpoints=1)
    >>> found.chosen("controls' covariance")
    0
    """
    frame = controls_z if isinstance(controls_z, pd.DataFrame) else pd.DataFrame(np.asarray(controls_z, float))
    frame = frame.rename(columns=str)
    if events is not None:
        frame = frame[list(events.biomarkers)]
    frame = frame[frame.notna().any(axis=1)]
    check_controls(len(frame))
    half = len(frame) // 2
    n = min(n_people or half, half)
    rng = stream(seed, *key, "negative control")
    site = site.loc[frame.index] if site is not None else pd.Series("all", index=frame.index)
    rows, old_norms = matched_rows(site, patients_site, n, rng, keep_at_site if refit else 1), ""
    if refit and len(rows) < min(n, LEAST):
        old_norms = f"{counted(keep_at_site, 'control stays', 'controls stay')} behind the norms at every site, and that leaves {len(rows)} to model"
        rows, refit = matched_rows(site, patients_site, n, rng), None
    chosen = frame.index[rows]
    if refit is not None:
        try:
            frame = refit(chosen).reindex(frame.index)[list(frame.columns)]
        except InputError as error:
            old_norms = str(error)
    modelled, rest = frame.loc[chosen], frame.drop(chosen)
    modelled = modelled[modelled.notna().any(axis=1)]
    n, notes = len(modelled), []
    if n < LEAST:
        # the reason is what can be mended: more patients, or more controls
        few = (
            f"{counted(n, 'patient')}, and as many controls are modelled"
            if n == n_people
            else f"only {counted(n, 'control')} can be modelled"
        )
        raise InputError(f"{few}; a negative control needs {LEAST}")
    if n_people and n < n_people:
        notes.append(
            f"{counted(n_people, 'patient')}, but only {counted(len(frame), 'control')}: {n} of them {agreeing(n, 'was', 'were')} modelled"
        )
    if old_norms:
        notes.append(f"norms of all controls, those modelled among them: {old_norms}")
    if events is None:
        try:
            events, _ = choose_events(modelled)
        except InputError:  # healthy people may carry no threshold at all: then all are tried, as on patients
            events = ZScoreEvents([1.0, 2.0, 3.0], 5.0, biomarkers=list(frame.columns))
    gaussian = list(events.gaussian)
    known = rest.loc[rest[gaussian].notna().any(axis=1), gaussian]
    if gaussian and len(known) < LEAST:
        raise InputError(
            f"{counted(len(known), 'control')} with values {agreeing(len(known), 'is', 'are')} left for the covariance; it needs {LEAST}"
        )
    # as the study's own: everybody counts with what is known of them, few people are shrunk harder
    matrix = noise_covariance(known).matrix if gaussian else None
    variants = variants or {
        "independent noise, as published": {"stage_prior": "uniform", "healthy": False},
        "controls' covariance": {"covariance": "covariance"},
    }
    tables = []
    for name, one in steps(variants.items(), "variants on healthy people"):
        given = matrix if isinstance(one.get("covariance"), str) else None
        variant = Variant(**{**one, "covariance": given})
        cv = cross_validate(
            modelled,
            events,
            max_subtypes,
            variants=[variant],
            folds=folds,
            strata=site.loc[modelled.index],
            seed=seed,
            key=(*key, "negative control"),
            n_threads=n_threads,
            **settings,
        )
        tables.append(cv.selection.assign(variant=name))
    table = pd.concat(tables, ignore_index=True)
    return NegativeControl(
        table.assign(n_people=n, n_rest=len(known if gaussian else rest), note="; ".join(notes)), modelled.index
    )


def negative_control_table(controls_z, events: Events, **options) -> pd.DataFrame:
    """`negative_control`'s table for a study: where it cannot be made the table holds only a note that says why.

    Returns
    -------
    DataFrame
        The columns of `NegativeControl.selection`.
    """
    try:
        return negative_control(controls_z, events, **options).selection
    except InputError as error:
        columns = ["variant", "model", "n_subtypes", "cvic", "cvic_se", "heldout_loglik", "delta_cvic", "delta_se"]
        columns += ["gap_cvic", "gap_se", "chosen", "reason", "n_people", "n_rest", "note"]
        return pd.DataFrame([{"note": str(error)}], columns=columns)


def drawn_people(model: SustainModel, n_people: int, seed: int, key: tuple = ()) -> np.ndarray:
    """People drawn from a fitted model, complete, (n_people, B): healthy component, subtypes, stages and residuals of its fit.

    Raises
    ------
    InputError
        A model whose events hold no densities (`DensityEvents`).
    """
    point, events, rng = model.point, model.events, stream(seed, *key, "drawn people")
    weights = np.zeros((max(model.n_subtypes, 1), events.n_events + 1))
    weights[: model.n_subtypes] = point.weights
    weights[0, 0] += 1 - weights.sum()  # healthy people stand at stage 0 of anybody's course
    cells = rng.choice(weights.size, n_people, p=weights.ravel() / weights.sum())
    subtype, stage = np.divmod(cells, weights.shape[1])
    sequences = point.sequences if model.n_subtypes else [events.random_sequence(rng)]
    courses = np.stack([events.stage_values(s) for s in sequences])
    courses[:, 0] *= np.where(model.variant.healthy, 0.0, 1.0)
    X = events.observed(courses[subtype, stage], rng)
    if events.gaussian:
        columns = [events.biomarkers.index(b) for b in events.gaussian]
        noise = np.zeros(len(columns)), point.covariance
        X[:, columns] += rng.multivariate_normal(*noise, n_people, method="cholesky")
    return X


def parametric_null(
    model: SustainModel,
    n_people: int,
    *,
    draws: int = 20,
    folds: int = 5,
    seed: int = 1,
    key: tuple = (),
    n_threads: int = 1,
    **settings,
) -> pd.DataFrame:
    """How often the rule asks for more subtypes than the model has, in people drawn from that very model.

    The rule is applied to k = 0 .. C + 1 on every drawn cohort, C the model's number of subtypes: a rule of which the answer
    C + 1 is rare here may be believed when it gives it on real people.

    Parameters
    ----------
    model : SustainModel
        With one subtype fewer than is under question.
    n_people : int
        Size of every drawn cohort: the study's.
    draws : int
    folds, seed, key, n_threads, **settings
        As in `cross_validate`.

    Returns
    -------
    DataFrame
        true_subtypes, draw, n_people, chosen, more (whether chosen exceeds the truth); `share_of_more` sums it up.
    """
    rows = []
    for i in steps(range(draws), "cohorts drawn from the model"):
        X = drawn_people(model, n_people, seed, (*key, "parametric null", i))
        cv = cross_validate(
            X,
            model.events,
            model.n_subtypes + 1,
            variants=[model.variant],
            folds=folds,
            seed=seed,
            key=(*key, "parametric null", i),
            n_threads=n_threads,
            **settings,
        )
        chosen = cv.chosen()
        rows.append((model.n_subtypes, i + 1, n_people, chosen, chosen > model.n_subtypes))
    return pd.DataFrame(rows, columns=["true_subtypes", "draw", "n_people", "chosen", "more"])


def share_of_more(null: pd.DataFrame) -> tuple[float, float, float]:
    """Share of cohorts in which the rule asked for more subtypes than are true, with Wilson's 95 % interval."""
    found = binomtest(int(null["more"].sum()), len(null))
    low, high = found.proportion_ci(0.95, method="wilson")
    return found.statistic, float(low), float(high)


def parametric_null_table(selection: pd.DataFrame, models: dict, n_people: int, **options) -> pd.DataFrame:
    """`parametric_null` of a study: people drawn from the model with one subtype fewer than its rule chose.

    Parameters
    ----------
    selection : DataFrame
        selection.tsv.
    models : dict of int to SustainModel
        By number of subtypes, fitted to everyone.
    n_people : int
        In the study.
    **options
        As in `parametric_null`; `n_folds` and `n_samples` as the study's fold models have them.

    Returns
    -------
    DataFrame
        As `parametric_null`, with a column note; only a note where one subtype or none was chosen, since the model with none
        fewer needs no simulation: the negative control has real people for it.
    """
    columns = ["true_subtypes", "draw", "n_people", "chosen", "more", "note"]
    fewer = int(selection.loc[is_true(selection["chosen"]), "n_subtypes"].iloc[0]) - 1
    if fewer < 1:
        note = f"{counted(fewer + 1, 'subtype was', 'subtypes were')} chosen: see the negative control"
        return pd.DataFrame([{"note": note}], columns=columns)
    samples = options.get("n_samples", 0)
    folds = options.pop("n_folds")
    try:
        found = parametric_null(models[fewer], n_people, folds=folds, n_draws=chain_draws(samples), **options)
    except InputError as error:
        return pd.DataFrame([{"note": str(error)}], columns=columns)
    return found.assign(note="")[columns]
