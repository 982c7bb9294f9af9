"""Everything clinical about one disease, from the tables of the earlier stages."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ..features.biomarkers import cord_of
from ..labels import LEAST_FOR_THIRDS, NORMAL, THIRDS, Labels, read_labels, shown_names, stage_groups
from .associations import associations
from .curves import stage_curves
from .longitudinal import changes, reversals, scans, stage_slopes, transitions
from .maps import region_maps
from .nested import nested_models
from .nuisance import nuisance
from .outcomes import declared_for
from .prediction import prediction
from .reported import against_reported
from .sensitivity import refitted_versions, sensitivity, versions_of
from .survival import survival_of
from .table1 import table_one
from .treatment import treatment_effects
from .trial import enrichment
from .worsening import WorseningRule, made_columns

#: Columns of z-score tables that are no biomarkers.
BOOKKEEPING = ("participant_id", "session_id", "years", "group", "origin")


@dataclass(frozen=True)
class ClinicalInputs:
    """What the earlier stages left, of all diseases where not said otherwise.

    Attributes
    ----------
    participants : DataFrame
        Indexed by participant_id, with group.
    visits, relapses : DataFrame
        participant_id, years (and edss).
    zscores : DataFrame
        Indexed by participant_id; one column per biomarker.
    zscores_followup : DataFrame
        participant_id, session_id, one column per biomarker.
    etiv : Series
        mm3, indexed by participant_id.
    qc : DataFrame
        participant_id, decision.
    subtypes : DataFrame
        Of the disease, indexed by participant_id.
    followup : DataFrame
        Later scans of the disease.
    names : dict of int to str
        Subtypes of the disease.
    biomarkers : DataFrame
        Definitions.
    claims : DataFrame
        What the study reported: disease, subtype, kind, column, direction, claim.
    refitted : DataFrame, optional
        Everyone's labels under models fitted without a site (`evaluation.sites.leave_sites_out`).
    """

    participants: pd.DataFrame
    visits: pd.DataFrame
    relapses: pd.DataFrame
    zscores: pd.DataFrame
    zscores_followup: pd.DataFrame
    etiv: pd.Series
    qc: pd.DataFrame
    subtypes: pd.DataFrame
    followup: pd.DataFrame
    names: dict
    biomarkers: pd.DataFrame
    claims: pd.DataFrame
    refitted: pd.DataFrame | None = None


def values_of(table: pd.DataFrame) -> pd.DataFrame:
    """The biomarkers' columns of a table of z-scores."""
    return table.drop(columns=list(BOOKKEEPING), errors="ignore")


def mean_z(given: ClinicalInputs) -> pd.Series:
    """Mean z of every scan, indexed by participant_id and session_id ("baseline" for the first)."""
    first = values_of(given.zscores)
    later = given.zscores_followup.set_index(["participant_id", "session_id"])
    if len(later):  # means of the same biomarkers: some are known at the first scan only
        both = [b for b in values_of(later) if later[b].notna().any()]
        first, later = first[[b for b in first if b in both]], later[both]
    first = first.mean(axis=1)
    first.index = pd.MultiIndex.from_product([first.index, ["baseline"]], names=["participant_id", "session_id"])
    return pd.concat([first, later.mean(axis=1)]) if len(later) else first


def splits_of(labels: Labels) -> dict:
    """How survival is split: group of every person, groups that are drawn, groups that are compared (staged people)."""
    thirds, order = stage_groups(labels)
    inside = {}
    for name in labels.names if len(labels.names) > 1 else ():
        mine = labels.take(labels.group.index[labels.group == name])
        if len(mine.group) >= LEAST_FOR_THIRDS:
            own = pd.Series("", index=labels.group.index)
            own[mine.group.index] = stage_groups(mine)[0]
            inside[f"stage in {name}"] = (own, list(THIRDS), list(THIRDS))
    return {
        "subtype": (labels.group, [NORMAL, *labels.names], labels.names),
        "stage": (thirds, order, list(THIRDS)),
        **inside,
    }


def analyse(
    given: ClinicalInputs,
    disease: str,
    *,
    control: str,
    outcomes,
    worsening: dict,
    n_draws: int,
    seed: int,
    treatment: dict,
    trial: dict,
    predicted: dict,
) -> dict[str, pd.DataFrame]:
    """All clinical tables of one disease, by the names of docs/results.md.

    Parameters
    ----------
    given : ClinicalInputs
    disease, control : str
        Groups.
    outcomes : sequence of dict
        As the configuration declares them.
    worsening : dict
        Settings of `WorseningRule`.
    n_draws : int
        Imputed labels.
    seed : int
    treatment : dict
        column and reference of `treatment_effects`; no column: none.
    trial, predicted : dict
        Settings of `enrichment` and `prediction`.

    Returns
    -------
    dict of str to DataFrame
    """
    declared = declared_for(outcomes, disease)
    names = shown_names(given.names)
    labels = read_labels(given.subtypes, names)
    order = [NORMAL, *labels.names]
    everyone = given.participants
    controls = everyone[everyone["group"] == control]
    people, worse = made_columns(
        everyone.loc[given.subtypes.index], given.visits, given.relapses, WorseningRule(**worsening)
    )
    z = values_of(given.zscores.loc[people.index])
    columns = (
        [b.labels[0] for b in given.biomarkers.itertuples() if b.kind == "column"] if "kind" in given.biomarkers else []
    )
    measured = tuple(b for b in [*given.biomarkers["biomarker"], *columns] if b in people)
    effects = associations(declared, people, labels, controls=controls, circular=measured, n_draws=n_draws, seed=seed)
    scores = pd.DataFrame({"mean z": z.mean(axis=1)})
    cord = cord_of(given.biomarkers)
    if cord in z and z.shape[1] > 1:  # of one measure the mean is the measure
        scores["cord z"] = z[cord]
    nested = nested_models(declared, people, labels, scores, controls)
    curves, tests = survival_of(declared, people, splits_of(labels))
    repeated = scans(given.subtypes, given.followup, names, mean_z(given))
    slopes = stage_slopes(repeated, order)
    columns = list(dict.fromkeys(["age", "sex", "site", *(c for o in declared for c in [o.column, *o.covariates])]))
    drugs, drug_curves, drug_tests = treatment_effects(declared, people, labels, **treatment)
    forecast = prediction(declared, people, labels, z, seed=seed, **predicted)
    arms = enrichment(declared, people, labels, **trial)
    claimed = against_reported(given.claims, effects, {o.name: o.column for o in declared}, disease)
    mine = everyone[everyone["group"] == disease]
    included = pd.Series("included", mine.index).where(mine.index.isin(people.index), "excluded")
    versions = versions_of(labels, given.subtypes, given.qc, people["site"])
    if given.refitted is not None:
        versions |= refitted_versions(given.refitted, names, people.index)
    etiv = given.etiv.reindex(people.index)
    return {
        "associations": effects,
        "maps": region_maps(z, people, etiv, labels.group),
        "nested": nested,
        "nuisance": nuisance(people, etiv, labels.group, labels.stage, NORMAL),
        "sensitivity": sensitivity(declared, people, labels, versions, controls),
        "worsening": worse,
        "stage_curves": stage_curves(declared, people, labels),
        "survival": curves,
        "logrank": tests,
        "treatment": drugs,
        "treatment_survival": drug_curves,
        "treatment_logrank": drug_tests,
        "prediction": forecast,
        "trial": arms,
        "reported": claimed,
        "scans": repeated,
        "transitions": transitions(repeated, order),
        "reversals": reversals(repeated),
        "slopes": slopes,
        "changes": changes(repeated, order),
        "table1": table_one(people, labels.group, columns, order),
        "table1_groups": table_one(
            everyone, everyone["group"], columns, [control, *sorted(set(everyone["group"]) - {control})]
        ),
        "table1_included": table_one(mine, included, columns, ["included", "excluded"]),
    }
