"""What the study makes of measures: everyone's z, the norms behind them, their diagnostics, and who was left out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..biomarkers import ordinal_of
from ..errors import InputError, name_some
from .diagnostics import diagnose
from .inputs import by_person
from .norms import Norms, zscores
from .settings import NormSettings, check_head_size, needs_head_size, settings_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NormativeTables:
    """Tables of the stage, as documented in docs/results.md.

    Attributes
    ----------
    zscores : DataFrame
        participant_id, group, z per biomarker; controls out of sample.
    values : DataFrame
        What the models see: `zscores`, and the scores of ordinal biomarkers as they are.
    followup : DataFrame
        participant_id, session_id, years, z per biomarker, at the age of the scan.
    norms : Norms
        Of all controls, with the covariance of their z.
    diagnostics : DataFrame
        See `diagnostics.diagnose`; harmonisation says before or after the site term.
    covariance : DataFrame
        See `NoiseCovariance.table`.
    dropped : DataFrame
        participant_id, group, missing: people left out, and for which measures.
    """

    zscores: pd.DataFrame
    values: pd.DataFrame
    followup: pd.DataFrame
    norms: Norms
    diagnostics: pd.DataFrame
    covariance: pd.DataFrame
    dropped: pd.DataFrame


@dataclass(frozen=True)
class NormsAsked:
    """What the configuration asks of the norms of the biomarkers that are measured; see `norms_asked`.

    Attributes
    ----------
    direction : dict of str to str
        Biomarkers with a norm.
    scores : list of str
        Ordinal ones, which have none.
    signed : list of str
        Those that may be zero or negative.
    settings : NormSettings
        Of all.
    overrides : dict
        Of some.
    own : dict of str to NormSettings
        Of each.
    missing : {"keep", "drop"}
    """

    direction: dict[str, str]
    scores: list[str]
    signed: list[str]
    settings: NormSettings
    overrides: dict
    own: dict[str, NormSettings]
    missing: str


def norms_asked(measured, biomarkers: pd.DataFrame, settings: dict) -> NormsAsked:
    """Which biomarkers have a norm, and how each is built.

    Parameters
    ----------
    measured : iterable of str
        Columns of the measures.
    biomarkers, settings
        As for `normative_tables`.

    Raises
    ------
    InputError
        No biomarker has a norm; what `NormSettings` and `settings_of` refuse.
    """
    measured, defined = set(measured), biomarkers.set_index("biomarker")
    scores = [b for b in ordinal_of(biomarkers) if b in measured]
    direction = {b: defined.loc[b, "direction"] for b in defined.index if b in measured and b not in scores}
    if not direction:
        raise InputError(
            f"no biomarker has a norm: all are ordinal ({name_some(scores)}); the models need measures beside them"
        )
    signed = [b for b in direction if "plausible_low" in defined and defined.loc[b, "plausible_low"] <= 0]
    settings = dict(settings)
    overrides, missing = settings.pop("overrides", None) or {}, settings.pop("missing", "keep")
    chosen = NormSettings(**settings)
    if "kind" in defined:  # a laboratory's value does not grow with the head
        apart = [b for b in direction if defined.loc[b, "kind"] == "column"]
        overrides = {**overrides, **{b: {"head_size": "none", **overrides.get(b, {})} for b in apart}}
    own = settings_of(direction, chosen, overrides)
    return NormsAsked(direction, scores, signed, chosen, overrides, own, missing)


def normative_tables(
    measures: pd.DataFrame,
    people: pd.DataFrame,
    followup: pd.DataFrame,
    biomarkers: pd.DataFrame,
    settings: dict,
    *,
    control: str,
    seed: int = 1,
) -> NormativeTables:
    """Fit the norms and make everyone's z.

    Parameters
    ----------
    measures : DataFrame
        participant_id, etiv (mm3) and biomarkers of the baseline scans.
    people : DataFrame
        participant_id, group, age, sex, site; people without measures are left aside.
    followup : DataFrame
        participant_id, session_id, years since baseline, etiv, biomarkers of later scans; may be empty.
    biomarkers : DataFrame
        Definitions: biomarker, direction, plausible_low (of 0 or below: may be zero or negative), and where they have it
        kind and family: ordinal scores have no norm, and what is measured in no scan no head-size term. Those without a
        column in `measures` are left aside.
    settings : dict
        The configuration's section `normative`: fields of `NormSettings`, overrides, and missing ("keep", or "drop"
        for people with any measure missing).
    control : str
        The group of the controls.
    seed : int

    Raises
    ------
    InputError
        See `zscores`.
    """
    asked = norms_asked(measures.columns, biomarkers, settings)
    direction, scores, chosen, overrides = asked.direction, asked.scores, asked.settings, asked.overrides
    people = by_person(people, "participants")
    measures = by_person(measures, "measures")
    check_head_size(measures["etiv"], asked.own)
    sized = bool(needs_head_size(asked.own))
    measures, dropped = leave_out(measures, people, list(direction), asked.missing, chosen, sized, scores)
    how: dict = {"control": control, "direction": direction, "seed": seed, "signed": asked.signed}
    z, norms = zscores(measures, people, settings=chosen, overrides=overrides, **how)
    healthy = people.loc[z.index, "group"] == control
    diagnostics = diagnose(z[healthy], people, measures["etiv"]).assign(harmonisation="after")
    if chosen.site != "none" and people["site"].nunique() > 1:
        # the same norms without a site term: what harmonisation had to remove
        log.info("the same norms without a site term, to show what that removes")
        plain = {b: {k: v for k, v in o.items() if k != "site"} for b, o in overrides.items()}
        before, _ = zscores(
            measures[healthy.reindex(measures.index)],
            people,
            settings=replace(chosen, site="none"),
            overrides=plain,
            **how,
        )
        before = diagnose(before, people, measures["etiv"]).assign(harmonisation="before")
        sites = (before["check"] == "site") | (before["part"] == "site")
        diagnostics = pd.concat([diagnostics, before[sites]], ignore_index=True)
    later = followup_zscores(norms, followup[followup["participant_id"].isin(z.index)], people)
    z.insert(0, "group", people.loc[z.index, "group"])
    tables = {"zscores": z.rename_axis("participant_id").reset_index(), "followup": later, "dropped": dropped}
    tables["values"] = z.join(measures[scores]).rename_axis("participant_id").reset_index()
    assert norms.covariance is not None  # norms that are fitted have one
    return NormativeTables(norms=norms, diagnostics=diagnostics, covariance=norms.covariance.table(), **tables)


def controls_anew(
    measures: pd.DataFrame,
    people: pd.DataFrame,
    biomarkers: pd.DataFrame,
    settings: dict,
    modelled: pd.Index,
    *,
    control: str,
    seed: int = 1,
) -> pd.DataFrame:
    """Controls' values by norms that did not see those of them who are to be modelled, as if these were patients.

    Parameters
    ----------
    measures, people, biomarkers, settings, control, seed
        As in `normative_tables`.
    modelled : Index
        participant_id of the controls whom the norms must not see; the others' values are out of sample, as ever.

    Returns
    -------
    DataFrame
        By participant_id, one column per biomarker.

    Raises
    ------
    InputError
        See `zscores`: too few controls are left for norms.
    """
    healthy = by_person(people, "participants")
    healthy = healthy[healthy["group"] == control]
    healthy["group"] = np.where(healthy.index.isin(modelled), f"{control}, modelled", control)
    measures = measures[measures["participant_id"].isin(healthy.index)]
    made = normative_tables(
        measures,
        healthy.reset_index(),
        pd.DataFrame({"participant_id": []}),
        biomarkers,
        settings,
        control=control,
        seed=seed,
    )
    return made.values.set_index("participant_id").drop(columns="group")


def leave_out(
    measures: pd.DataFrame,
    people: pd.DataFrame,
    biomarkers: list[str],
    missing: str,
    settings: NormSettings,
    sized: bool = True,
    scores: Sequence[str] = (),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measures of the people who stay, and who was left out.

    Left out are people without any measure; with `missing` = "drop" and with ComBat, which needs all, people with any
    measure (or, where `sized`: a norm has a head-size term, the head size) missing; with "drop" also people without any of
    the `scores`, which have no norm and which the models see.

    Returns
    -------
    DataFrame
        Rows of `measures`.
    DataFrame
        participant_id, group, missing.
    """
    looked_at = [*biomarkers, *(["etiv"] if sized else []), *(scores if missing == "drop" else [])]
    gaps = measures[looked_at].isna()
    if missing == "drop" or settings.site in ("combat", "combat_gam"):
        gone = gaps.any(axis=1)
    else:
        gone = gaps[biomarkers].all(axis=1)
    names = measures.index[gone]
    if len(names):
        log.warning("left out for missing measures (results/normative/dropped.tsv): %s", name_some(names))
    dropped = pd.DataFrame(
        {
            "participant_id": names,
            "group": people["group"].reindex(names).to_numpy(),
            "missing": [", ".join(gaps.columns[gaps.loc[p]]) for p in names],
        }
    )
    return measures[~gone], dropped


def followup_zscores(norms: Norms, scans: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """z of later scans, at the age of the scan.

    Parameters
    ----------
    norms : Norms
        Of the baseline's controls.
    scans : DataFrame
        participant_id, session_id, years since baseline, etiv, biomarkers.
    people : DataFrame
        By participant_id: age at baseline, sex, site.

    Returns
    -------
    DataFrame
        participant_id, session_id, years, z per biomarker, in the order of `scans`.

    Raises
    ------
    InputError
        See `Norms.apply`; years that are no numbers.
    """
    keys = ["participant_id", "session_id", "years"]
    if scans.empty:
        return pd.DataFrame(columns=[*keys, *norms.models])
    years = pd.to_numeric(scans["years"], errors="coerce")
    if years.isna().any():
        raise InputError(
            f"follow-up scans without years since baseline: {name_some(scans.loc[years.isna(), 'participant_id'])}"
        )
    absent = scans.loc[~scans["participant_id"].isin(people.index), "participant_id"]
    if len(absent):
        raise InputError(f"follow-up scans of people who are not in participants: {name_some(absent)}")
    then = people.reindex(columns=["age", "sex", "site"]).loc[scans["participant_id"]].reset_index()
    then["age"] = then["age"].to_numpy(float) + years.to_numpy(float)
    then["session_id"] = scans["session_id"].to_numpy()
    z = norms.apply(scans[["participant_id", "session_id", *norms.models, "etiv"]], then, quiet=True)
    return pd.concat([scans[keys].reset_index(drop=True), z.reset_index(drop=True)], axis=1)
