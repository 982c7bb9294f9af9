"""Does the model hang on one site? The model fitted anew without each site's people, and everyone's labels under it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import InputError, counted
from ..labels import NORMAL
from ..progress import steps
from ..streams import stream
from ..sustain import FitSettings, SustainModel, fit_part
from ..sustain.matching import chance_agreement, order_agreement

AGREEMENT = (
    "site",
    "n_left_out",
    "n_fitted",
    "subtype",
    "tau",
    "tau_chance",
    "same_label",
    "same_label_left_out",
    "reason",
)
#: Columns of the labels before those of an assignment.
KEYS = ("participant_id", "without", "left_out")
#: Starts of a refit are few: the model with one subtype fewer, of everyone, tells where to begin.
STARTS = 2
#: Fewer people of a site change nothing that can be told from chance.
LEAST_AT_SITE = 5
#: Of many sites the largest are left out in turn: each is a fit, and a small one changes little.
MOST_SITES = 20


def leave_sites_out(
    z: pd.DataFrame,
    site: pd.Series,
    model: SustainModel,
    settings: FitSettings,
    *,
    previous: SustainModel | None = None,
    covariance=None,
    least: int = LEAST_AT_SITE,
    most: int = MOST_SITES,
    seed: int = 1,
    key: tuple = (),
    n_threads: int = 1,
    checkpoint=None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fit a model anew without each site, in turn.

    Parameters
    ----------
    z : DataFrame, indexed by participant_id
        What `model` was fitted to: its biomarkers.
    site : Series, indexed by participant_id
        Of everyone in `z`, in any order; people without one are in every fit.
    model : SustainModel
        Fitted to everyone.
    settings : FitSettings
        Of the refits; at most `STARTS` starts are made, however many it asks for.
    previous : SustainModel, optional
        Of everyone, with one subtype fewer: splits of it are starts of the refits, which then need no fits of fewer
        subtypes. Only starts come from it, nothing else.
    covariance
        As in `fit`.
    least : int
        Sites of fewer people are not left out.
    most : int
        So many of the largest sites are left out.
    seed, key, n_threads, checkpoint
        As in `fit`.

    Returns
    -------
    agreement : DataFrame
        site, n_left_out, n_fitted, subtype (number in `model`), tau (Kendall's, of the mean places of events, against
        `model`), tau_chance (two random orders), same_label (share of the people who were fitted that have the same
        subtype or are normal-appearing in both models), same_label_left_out (the same of those who were not), reason.
    labels : DataFrame
        participant_id, without (the site), left_out, and the columns of `SustainModel.assign` under the model without
        it, subtypes numbered as in `model`.

    Raises
    ------
    InputError
        People without a row in `site`.
    """
    absent = z.index.difference(site.index)
    if len(absent):
        raise InputError(
            f"{counted(len(absent), 'person has', 'people have')} no row in the table of sites, first {absent[0]}"
        )
    site = site.loc[z.index]
    counts = site.value_counts()
    chance = chance_agreement(model.events, stream(0, "chance", model.events.n_events))
    places = _places(model)
    whole = _group(model.assign(z))
    settings = settings.with_(n_startpoints=min(settings.n_startpoints, STARTS))
    rows, labels = [], []
    largest = set(counts.sort_index().sort_values(ascending=False, kind="stable").index[:most])
    for name in steps(sorted(counts.index), "sites left out"):
        n = int(counts[name])
        base = dict.fromkeys(AGREEMENT, np.nan) | {"site": name, "n_left_out": n, "n_fitted": len(z) - n, "reason": ""}
        if n < least or len(z) - n < 2 * model.n_subtypes:
            rows.append(
                base
                | {
                    "reason": f"only {counted(n, 'person')}"
                    if n < least
                    else f"only {counted(len(z) - n, 'person is', 'people are')} left"
                }
            )
            continue
        if name not in largest:
            rows.append(base | {"reason": f"not one of the {counted(most, 'largest site')}"})
            continue
        try:
            refit = fit_part(
                z,
                model.events,
                model.n_subtypes,
                settings,
                covariance=covariance,
                folds=(site == name).to_numpy(int),
                fold=1,
                previous=previous,
                seed=seed,
                key=(*key, "without site", str(name)),
                n_threads=n_threads,
                checkpoint=checkpoint,
                progress=False,
            ).matched_to(model)
        except InputError as error:  # what the others lack: a biomarker that is measured there alone
            rows.append(base | {"reason": str(error)})
            continue
        given = refit.assign(z)
        out = (site == name).to_numpy()
        same = (_group(given) == whole).to_numpy()
        kept = {"same_label": same[~out].mean(), "same_label_left_out": same[out].mean(), "tau_chance": chance}
        for c, tau in enumerate(order_agreement(_places(refit), places)):
            rows.append(base | kept | {"subtype": c + 1, "tau": float(tau)})
        given = given.rename_axis("participant_id").reset_index()
        given.insert(1, "without", name)
        given.insert(2, "left_out", out)
        labels.append(given)
    agreement = pd.DataFrame(rows, columns=list(AGREEMENT))
    return agreement, pd.concat(labels, ignore_index=True) if labels else pd.DataFrame(columns=list(KEYS))


def _places(model: SustainModel) -> np.ndarray:
    """Mean place (C, N) of every event: over the draws, or of the one order where there are none."""
    return np.argsort(model.sequences, axis=1) if model.draws is None else model.draws.places.mean(axis=(0, 1))


def _group(assigned: pd.DataFrame) -> pd.Series:
    """Subtype, or normal-appearing."""
    return assigned["subtype"].astype(object).where(~assigned["normal_appearing"], NORMAL)
