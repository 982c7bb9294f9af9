"""What a study does with the engine: one disease's fits, selection and tables, as functions of tables."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import InputError, NeuraxisWarning, counted, name_some
from ..labels import numbered
from ..streams import stream
from .checkpoint import partial, settle
from .crossval import fit_part, make_folds, out_of_fold_posterior, stability
from .families import Events, declared_events
from .model import SustainModel, fit
from .naming import RULE, systems_of
from .staging import draw_labels
from .state import FitSettings, Variant

#: Draws of every person's label that are kept for the clinical stage.
N_DRAWS = 50
#: Stored draws per chain in a study.
CHAIN_DRAWS = 500
#: What a study calls its noise: (noise of the variant, whether it needs the controls' covariance).
NOISES = {
    "controls": ("fixed", True),
    "adapted": ("adapted", True),
    "independent": ("fixed", False),
    "learnt": ("learnt", False),
}


def chain_draws(n_samples: int) -> int:
    """Stored draws of a chain of so many steps; closer together than a sweep, every one of them would pay for a sweep."""
    return min(CHAIN_DRAWS, max(n_samples // FitSettings.sweep_every, 1))


def sizes_table(people: int, folds: int, max_subtypes: int, *, disease: str) -> pd.DataFrame:
    """How many people a disease's models see, and how many they need: quantity, value.

    Raises
    ------
    InputError
        Too few for so many subtypes and folds: fits need two people a subtype, and a fold's model sees all people but
        those of the fold.
    """
    trained, needed = people - -(-people // folds), max(2 * max_subtypes, folds)
    if trained < needed:
        raise InputError(
            f"{disease}: {counted(people, 'person is', 'people are')} too few for {counted(max_subtypes, 'subtype')} in {counted(folds, 'fold')}; "
            "lower sustain.max_subtypes or sustain.folds, or take the group out of cohort.diseases"
        )
    rows = {"people": people, "folds": folds, "smallest training set": trained, "needed there": needed}
    return pd.DataFrame(rows.items(), columns=["quantity", "value"])


def folds_table(group: pd.Series, site: pd.Series, disease: str, folds: int, seed: int) -> pd.DataFrame:
    """Fold of every person of a disease, every site spread evenly: participant_id, fold.

    Parameters
    ----------
    group : Series, indexed by participant_id
        Of everyone with z-scores.
    site : Series, indexed by participant_id
        Of everyone, in any order.
    """
    mine = group.index[group == disease]
    fold = make_folds(len(mine), folds, seed=seed, key=(disease,), strata=site.loc[mine])
    return pd.DataFrame({"participant_id": mine, "fold": fold})


def study_settings(
    events: Events,
    *,
    noise: str,
    stage_prior: str,
    healthy: bool = True,
    covariance: pd.DataFrame | None = None,
    **effort,
) -> FitSettings:
    """Settings of a study's fits.

    Parameters
    ----------
    noise : {"controls", "adapted", "independent", "learnt"}
    stage_prior, healthy
        See `Variant`.
    covariance : DataFrame, optional
        The controls' covariance of z, by biomarker; needed by the first two kinds of noise.
    **effort
        n_startpoints, n_samples, n_chains.

    Raises
    ------
    InputError
        A noise that needs the controls' covariance without one.
    """
    if noise not in NOISES:
        raise InputError(f"sustain.noise must be one of {', '.join(NOISES)}, not {noise!r}")
    kind, needs = NOISES[noise]
    matrix = None
    names = list(events.gaussian)
    if needs and names:
        absent = names if covariance is None else [b for b in names if b not in covariance.index]
        if absent:
            raise InputError(
                f"sustain.noise: {noise} needs the controls' covariance of {', '.join(absent)}, which the norms do not "
                "have; fit the norms again, or set sustain.noise to independent"
            )
        assert covariance is not None  # nothing is absent
        matrix = covariance.loc[names, names].to_numpy(float)
    variant = Variant(stage_prior, kind, matrix, healthy=healthy)
    return FitSettings(variant=variant, n_draws=chain_draws(effort.get("n_samples", 0)), **effort)


def given_covariance(settings: FitSettings) -> np.ndarray | str:
    """What `fit` is to be given for these settings: the covariance, or the word that independence is meant."""
    return "independent" if settings.variant.covariance is None else settings.variant.covariance


def named_variant(name: str, *, healthy: bool) -> dict:
    """Options of `evaluation.control.negative_control` for a variant by its name in the configuration.

    Examples
    --------
    >>> named_variant("smooth-controls", healthy=True)
    {'stage_prior': 'smooth', 'noise': 'fixed', 'healthy': True, 'covariance': 'covariance'}
    """
    prior, noise = name.split("-")
    kind, needs = NOISES[noise]
    given = {"covariance": "covariance"} if needs else {}
    return {"stage_prior": prior, "noise": kind, "healthy": healthy, **given}


def fit_numbers(
    z: pd.DataFrame,
    events: Events,
    settings: FitSettings,
    models: dict,
    *,
    disease: str,
    part: str,
    folds: pd.Series | None = None,
    seed: int = 1,
    n_threads: int = 1,
) -> dict[int, SustainModel]:
    """Fit 1, 2, ... subtypes to one part of a disease's people, each split from the one before.

    A model is written as soon as it is fitted, and the next begins with what was written, so that a run that was killed goes
    on to the same numbers.

    Parameters
    ----------
    z : DataFrame, indexed by participant_id
        group and biomarkers, patients and controls.
    events : Events
    settings : FitSettings
    models : dict of int to path
        File of the model of every number of subtypes, in this order.
    disease : str
    part : str
        "full", or "fold3": everyone but the people of fold 3.
    folds : Series, indexed by participant_id
        Of all people of the disease; not needed for "full".
    seed, n_threads : int
        See `fit`.

    Returns
    -------
    dict of int to SustainModel
        As written.
    """
    z = z[z["group"] == disease]
    left_out: dict = {}
    if part != "full":
        assert folds is not None
        z, left_out = z.loc[folds.index], {"folds": folds.to_numpy(), "fold": int(part.removeprefix("fold"))}
    done: dict[int, SustainModel] = {}
    for k, path in models.items():
        fit_part(
            z,
            events,
            k,
            settings,
            covariance=given_covariance(settings),
            **left_out,
            previous=next(reversed(done.values()), None),
            seed=seed,
            key=(disease,),
            n_threads=n_threads,
            checkpoint=partial(path),
        ).save(path)
        done[k] = SustainModel.load(path)
    for path in models.values():
        settle(path)
    return done


@dataclass
class SubtypeTables:
    """What `subtype_tables` makes; one table per attribute, as docs/results.md describes them."""

    subtypes: pd.DataFrame
    draws: pd.DataFrame
    followup: pd.DataFrame
    names: pd.DataFrame
    order: pd.DataFrame
    variance: pd.DataFrame
    progression: pd.DataFrame
    diagnostics: pd.DataFrame
    stability: pd.DataFrame
    starts: pd.DataFrame
    controls: pd.DataFrame


def fit_together(
    z: pd.DataFrame,
    diseases: list[str],
    control: str,
    n_subtypes: int,
    *,
    used: list,
    definitions: pd.DataFrame,
    declared: dict,
    covariance: pd.DataFrame | None,
    chain: dict,
    **running,
) -> SustainModel:
    """One model of the people of several diseases, its events chosen for all of them together.

    Parameters
    ----------
    z : DataFrame, indexed by participant_id
        group and biomarkers, patients and controls.
    diseases : list of str
    control : str
    n_subtypes : int
    used : list of sequences of str
        Biomarkers of each disease's own events; the joint model takes those that any has.
    definitions : DataFrame
        Declared biomarkers.
    declared : dict
        Settings of `declared_events`.
    covariance : DataFrame, optional
        The controls' covariance of z, by biomarker.
    chain : dict
        Settings of `study_settings`.
    **running
        seed, n_threads and checkpoint of `fit`.
    """
    people = pd.concat([z[z["group"] == d] for d in diseases])
    anywhere = {b for biomarkers in used for b in biomarkers}
    people = people[[b for b in people if b in anywhere]]
    controls = z.loc[z["group"] == control, list(people)]
    events = declared_events(people, definitions=definitions, controls=controls, **declared)[0]
    settings = study_settings(events, covariance=covariance, **chain)
    return fit(people, events, n_subtypes, settings, covariance=given_covariance(settings), key=("joint",), **running)


def subtype_tables(
    model: SustainModel,
    fold_models: dict,
    z: pd.DataFrame,
    fold: pd.Series,
    later: pd.DataFrame,
    systems: pd.Series,
    *,
    disease: str,
    control: str,
    seed: int,
) -> SubtypeTables:
    """Subtypes and stages under the chosen model, with convergence, stability, controls, draws and later scans.

    Parameters
    ----------
    model : SustainModel
        Fitted to everyone.
    fold_models : dict of int to SustainModel
        The same number of subtypes, fitted without the people of that fold.
    z : DataFrame, indexed by participant_id
        group and biomarkers, patients and controls.
    fold : Series, indexed by participant_id
        The disease's people.
    later : DataFrame
        participant_id, session_id, years and biomarkers of follow-up scans.
    systems : Series, indexed by biomarker
        For the subtypes' names.

    Returns
    -------
    SubtypeTables
    """
    fold_models = {(0, f): m for f, m in fold_models.items()}
    values, index = model.events.check_data(z.loc[fold.index])
    order = model.event_order()
    of = systems_of(order, systems)
    posterior, healthy = out_of_fold_posterior(model, values, fold.to_numpy()[None], fold_models)
    unseen = model.summary(posterior, healthy, index)
    subtypes = model.assign(z.loc[fold.index]).join(unseen.add_prefix("oof_"))
    agreement, kept = stability(model, values, index, fold_models)
    subtypes = subtypes.join(kept)
    summary, limit = controls_table(model, z, control, disease, subtypes)
    subtypes["above_controls"] = subtypes["expected_stage"] > limit
    with_component = model.variant.healthy
    return SubtypeTables(
        subtypes=subtypes.rename_axis("participant_id").reset_index(),
        draws=draw_labels(
            posterior,
            index,
            stream(seed, disease, "label draws"),
            N_DRAWS,
            healthy=healthy if with_component else None,
        ),
        followup=later_scans(model, fold_models, fold, later),
        names=names_table(model, of, subtypes),
        order=order,
        variance=variance_table(model, fold_models),
        progression=model.progression(),
        diagnostics=model.diagnostics(),
        stability=agreement,
        starts=model.starts,
        controls=summary,
    )


def names_table(model: SustainModel, systems: dict[int, str], subtypes: pd.DataFrame) -> pd.DataFrame:
    """subtype, name, system, fraction, n_staged_oof, rule.

    Fractions are the model's; people are counted where they are staged out of fold.
    """
    counts = subtypes.loc[~subtypes["oof_normal_appearing"], "oof_subtype"].value_counts()
    return pd.DataFrame(
        [
            {
                "subtype": c,
                "name": name,
                "system": systems[c],
                "fraction": model.fractions[c - 1],
                "n_staged_oof": int(counts.get(c, 0)),
                "rule": RULE,
            }
            for c, name in numbered(systems).items()
        ]
    )


def variance_table(model: SustainModel, fold_models: dict) -> pd.DataFrame:
    """Positional variance of the model of everyone and, averaged, of the fold models."""
    events = model.events
    matched = [m.matched_to(model) for m in fold_models.values()]
    parts = [
        pd.DataFrame(p, columns=[f"place{i + 1}" for i in range(p.shape[1])]).assign(
            subtype=c + 1,
            biomarker=[events.biomarkers[b] for b in events.biomarker],
            family=[events.families[events.biomarkers[b]] for b in events.biomarker],
            threshold=events.thresholds_of_events,
            models=which,
        )
        for which, of in (("everyone", [model]), ("folds", matched))
        if of
        for c, p in enumerate(np.mean([m.positional_variance() for m in of], axis=0))
    ]
    table = pd.concat(parts)
    first = ["models", "subtype", "biomarker", "family", "threshold"]
    return table[first + [c for c in table if c not in first]]


def controls_table(model, z, control, disease, subtypes) -> tuple[pd.DataFrame, float]:
    """Controls under the patients' model, and the expected stage that 95 % of them do not pass."""
    healthy = z[z["group"] == control]
    healthy = healthy[healthy[list(model.events.biomarkers)].notna().any(axis=1)]
    staged = model.assign(healthy)
    limit = float(np.percentile(staged["expected_stage"], 95))
    above = subtypes["expected_stage"] > limit
    rows = [
        ("controls staged, out of sample", len(staged)),
        ("share of controls at stage 1 or above", float((staged["stage"] > 0).mean())),
        ("95th percentile of the controls' expected stage", limit),
        (f"share of {disease} at stage 1 or above", float((subtypes["stage"] > 0).mean())),
        (f"share of {disease} above the controls' 95th percentile", float(above.mean())),
    ]
    return pd.DataFrame(rows, columns=["quantity", "value"]), limit


def later_scans(model, fold_models, fold, later: pd.DataFrame) -> pd.DataFrame:
    """Follow-up scans of the model's people, staged by the fold models that never saw them."""
    later = later[later["participant_id"].isin(fold.index)]
    # what is not measured in scans (participants' columns, scores) is known at baseline only
    lacking = [b for b in model.events.biomarkers if b not in later or not later[b].notna().any()]
    if lacking and len(later):
        warnings.warn(
            f"{name_some(lacking)}: known at the first scan only, so later scans are staged without; a person's stages of first "
            "and later scans are not comparable, nor are slopes and transitions between them",
            NeuraxisWarning,
            stacklevel=2,
        )
    later = later.assign(**dict.fromkeys(lacking, np.nan))
    later = later[later[list(model.events.biomarkers)].notna().any(axis=1)].reset_index(drop=True)
    keys = later[["participant_id", "session_id", "years"]]
    if later.empty:  # the same columns, nobody in them
        nobody = np.zeros((0, model.n_subtypes, model.events.n_events + 1))
        return pd.concat([keys, model.summary(nobody, np.zeros(0), later.index)], axis=1)
    values, index = model.events.check_data(later)
    folds = fold.loc[later["participant_id"]].to_numpy()[None]
    found = model.summary(*out_of_fold_posterior(model, values, folds, fold_models), index)
    return pd.concat([keys, found], axis=1)
