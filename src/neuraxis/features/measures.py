"""From any segmentation output to one wide table of measures, and its quality control."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError, name_some
from .images import cord_area, label_volumes, map_volume
from .stats import biomarkers_from_labels, freesurfer_volumes

log = logging.getLogger(__name__)
#: A scan of a table whose ids end in _ses-<label> is a follow-up, except for the baseline's own label.
BASELINE = "baseline"
#: FreeSurfer's label of cerebrospinal fluid. SynthSeg labels all that surrounds the brain with it, a quarter of the
#: head; in aseg it is 1 cm3. Only with such a rim do the labels of a volume sum to the head's size.
CSF, RIM = 24, 0.1
RULES = (
    "implausible eTIV",
    "missing",
    "implausible",
    "outlier of its site",
    "asymmetric",
    "missing labels",
    "QC score",
    "surface holes",
)


def measure_scan(labels_path, mask_path, levels_path, cord_levels, labels_file, etiv=None) -> tuple[dict, dict]:
    """Volumes by label and other quantities (etiv, cord area, surface holes) of one scan.

    `labels_path` is a label volume or a folder of FreeSurfer, FastSurfer or SAMSEG results; `etiv` (mm3) from elsewhere
    replaces its head size. The labels of a volume sum to the head size where they hold the fluid around the brain
    (SynthSeg's total intracranial volume is that sum), else the volume has none. Absent files leave their measures missing.

    Raises
    ------
    InputError
        Unreadable files, or no head size anywhere.
    """
    volumes, extra = {}, {"etiv": np.nan}
    if labels_path:
        if Path(labels_path).is_dir():
            volumes, extra = freesurfer_volumes(labels_path, labels_file)
        else:
            volumes = label_volumes(labels_path)
            whole = sum(v for i, v in volumes.items() if not 3000 < i < 5003)
            if volumes.get(CSF, 0.0) > RIM * whole:
                extra["etiv"] = whole
    if etiv is not None:
        extra["etiv"] = etiv
    if labels_path and np.isnan(extra["etiv"]):
        absent = (
            "the header has no eTIV"
            if Path(labels_path).is_dir()
            else "these labels leave out the fluid around the brain, so that their sum is no head size"
        )
        raise InputError(f"{labels_path}: {absent}; give the head size in the table features.etiv")
    if mask_path:
        extra["cord"] = cord_area(mask_path, levels_path, cord_levels)[0]
    return volumes, extra


def measure_batch(
    scans: pd.DataFrame, biomarkers: pd.DataFrame, paths, cord_levels, labels_file, etiv: dict | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measures of a batch of scans; a failing one fails alone and is named.

    Parameters
    ----------
    scans : DataFrame
        participant_id, session_id ("baseline" for the first).
    biomarkers : DataFrame
        See `biomarkers.read_biomarkers`.
    paths : callable
        (participant_id, session_id) -> (label volume or stats folder, cord mask, cord levels); None for what
        does not exist.
    cord_levels : sequence of int
    labels_file : path
        Label names, resources/labels.tsv.
    etiv : dict of (participant_id, session_id) to float, optional
        Head sizes (mm3) that replace those of the files.

    Returns
    -------
    DataFrame
        participant_id, session_id, etiv (mm3), one column per biomarker, and columns for quality control.
    DataFrame
        participant_id, session_id, problem; the scans that could not be measured.
    """
    volumes, extras, keys, failed = [], [], [], []
    maps = biomarkers[biomarkers["kind"] == "map"]
    for person, session in zip(scans["participant_id"], scans["session_id"], strict=True):
        try:
            labels, extra = measure_scan(
                *paths(person, session), cord_levels, labels_file, (etiv or {}).get((person, session))
            )
            for b in maps.itertuples():
                places = [t.format(participant_id=person, session_id=session) for t in b.labels]
                extra[b.biomarker] = sum(map_volume(place) for place in places)
        except InputError as error:
            log.error("%s %s: %s", person, session, error)
            failed.append({"participant_id": person, "session_id": session, "problem": str(error)})
            continue
        volumes.append(labels)
        extras.append(extra)
        keys.append((person, session))
    if not keys:
        empty = pd.DataFrame(columns=["participant_id", "session_id", "etiv", *biomarkers["biomarker"]])
        return empty, pd.DataFrame(failed, columns=["participant_id", "session_id", "problem"])
    index = pd.MultiIndex.from_tuples(keys, names=["participant_id", "session_id"])
    table = biomarkers_from_labels(pd.DataFrame(volumes, index=index), biomarkers, labels_file)
    extra = pd.DataFrame(extras, index=index)
    for b in biomarkers[biomarkers["kind"].isin(["cord", "map", "table"])].itertuples():
        column = "cord" if b.kind == "cord" else b.biomarker
        table[b.biomarker] = extra[column] if column in extra else np.nan
    for column in ("etiv", "surface_holes"):
        if column in extra:
            table[column] = extra[column]
    first = ["etiv", *biomarkers["biomarker"]]
    table = table[first + [c for c in table.columns if c not in first]].reset_index()
    return table, pd.DataFrame(failed, columns=["participant_id", "session_id", "problem"])


def split_session(scans: pd.Series, baseline: str = "ses-01") -> pd.DataFrame:
    """participant_id and session_id of ids such as ``sub-07_ses-02``; those of the first session are "baseline"."""
    parts = scans.astype(str).str.extract(r"^(.*?)(?:_(ses-[A-Za-z0-9]+))?$")
    parts.columns = ["participant_id", "session_id"]
    return parts.assign(session_id=parts["session_id"].fillna(BASELINE).replace(baseline, BASELINE))


def check_units(measures: pd.DataFrame, biomarkers: pd.DataFrame) -> None:
    """Recognise unit slips: a column whose median is a factor 1,000 (ml) or 100 (cm2) off is named.

    A column in which only some people are off by that factor (two sources with different units) is named too.

    Raises
    ------
    InputError
    """
    for b in [*biomarkers.itertuples()]:
        if b.biomarker not in measures:
            continue
        values = measures[b.biomarker].dropna()
        factor = 100.0 if b.unit == "mm2" else 1000.0
        other = "cm2" if b.unit == "mm2" else "ml"
        slipped = (values * factor).between(b.plausible_low, b.plausible_high) & (values < b.plausible_low)
        if slipped.mean() > 0.5:
            raise InputError(
                f"{b.biomarker}: median {values.median():.4g} looks like {other}, not {b.unit}; "
                f"multiply the column by {factor:g}"
            )
        if slipped.any():
            who = (
                measures.loc[slipped.index[slipped], "participant_id"]
                if "participant_id" in measures
                else slipped.index
            )
            raise InputError(
                f"{b.biomarker}: mixed units: {name_some(who)} look like {other}, the others are {b.unit}; "
                f"multiply their values by {factor:g}"
            )


def quality(
    measures: pd.DataFrame,
    participants: pd.DataFrame,
    biomarkers: pd.DataFrame,
    *,
    limit: float = 5.0,
    scores: pd.DataFrame | None = None,
    score_min: float = 0.65,
) -> pd.DataFrame:
    """One row per person and broken rule: participant_id, rule, biomarker, value, limits.

    Parameters
    ----------
    measures : DataFrame
        participant_id, etiv, biomarkers and, where known, asymmetry_<biomarker>, labels_absent, surface_holes.
    participants : DataFrame
        participant_id, site.
    biomarkers : DataFrame
        Definitions with plausible ranges.
    limit : float
        Robust outlier of the site: |x - median| above so many scaled median absolute deviations, in sites of at
        least 10 people; the same for surface holes (upwards) and asymmetries (over everyone, and above 0.1).
    scores : DataFrame, optional
        Segmentation quality from 0 to 1, indexed by participant_id (SynthSeg's --qc).
    score_min : float
        Scores below it break the rule.
    """
    table = measures.merge(participants[["participant_id", "site"]], on="participant_id", how="left")
    rows = []

    def add(bad, rule, name, values, limits):
        for person, value in zip(table.loc[bad, "participant_id"], values[bad], strict=True):
            rows.append({"participant_id": person, "rule": rule, "biomarker": name, "value": value, "limits": limits})

    def off(v, by):
        middle = v.groupby(by).transform("median")
        spread = 1.4826 * (v - middle).abs().groupby(by).transform("median")
        return (v - middle) / spread.where(spread > 0), v.groupby(by).transform("size") >= 10

    add((table["etiv"] < 1.0e6) | (table["etiv"] > 2.3e6), "implausible eTIV", "etiv", table["etiv"], "1.0e6-2.3e6 mm3")
    everyone = pd.Series(0, index=table.index)
    for b in biomarkers.itertuples():
        v = table[b.biomarker]
        add(v.isna(), "missing", b.biomarker, v, "")
        plausible = f"{b.plausible_low:g}-{b.plausible_high:g} {b.unit}"
        add((v < b.plausible_low) | (v > b.plausible_high), "implausible", b.biomarker, v, plausible)
        far, enough = off(v, table["site"])
        add((far.abs() > limit) & enough, "outlier of its site", b.biomarker, v, f"{limit:g} MAD")
        if f"asymmetry_{b.biomarker}" in table:
            a = pd.to_numeric(table[f"asymmetry_{b.biomarker}"], errors="coerce")
            far, enough = off(a, everyone)
            add((far.abs() > limit) & (a.abs() > 0.1) & enough, "asymmetric", b.biomarker, a, f"{limit:g} MAD and 0.1")
    if "surface_holes" in table:
        v = pd.to_numeric(table["surface_holes"], errors="coerce")
        far, enough = off(v, table["site"])
        add((far > limit) & enough, "surface holes", "surface_holes", v, f"{limit:g} MAD of the site")
    if "labels_absent" in table:
        gone = table["labels_absent"].notna() & (table["labels_absent"].astype(str) != "")
        add(gone, "missing labels", "", table["labels_absent"], "labels that most people have")
    if scores is not None:
        for name in scores.columns:
            v = table["participant_id"].map(scores[name])
            add(v < score_min, "QC score", name, v, f"at least {score_min:g}")
    return pd.DataFrame(rows, columns=["participant_id", "rule", "biomarker", "value", "limits"])


def combine(parts, failures) -> pd.DataFrame:
    """Concatenate batches.

    Raises
    ------
    InputError
        A scan measured twice, or nobody measured.
    """
    table = pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)
    if "session_id" not in table:
        table.insert(1, "session_id", BASELINE)
    twice = table.duplicated(["participant_id", "session_id"])
    if twice.any():
        raise InputError(f"measured twice: {name_some(table.loc[twice, 'participant_id'])}")
    if table.empty:
        raise InputError(
            f"nobody could be measured; first problem: {failures['problem'].iloc[0] if len(failures) else 'none'}"
        )
    return table
