"""From any segmentation output to one wide table of measures, and its quality control."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError, name_some
from .images import cord_area, label_volumes
from .stats import freesurfer_volumes

log = logging.getLogger(__name__)


def measure_person(
    person, biomarkers: pd.DataFrame, labels_path, mask_path, levels_path, cord_levels, labels_file=None
) -> dict:
    """All biomarkers and eTIV of one person; absent files leave their measures missing.

    `labels_path` is a label volume, whose labels sum to the head size, or a folder of FreeSurfer or FastSurfer stats
    files, whose header holds eTIV (`labels_file` then gives the label names).
    """
    row = {"participant_id": person}
    if labels_path:
        if Path(labels_path).is_dir():
            volumes, row["etiv"] = freesurfer_volumes(labels_path, labels_file)
        else:
            volumes = label_volumes(labels_path)
            row["etiv"] = sum(volumes.values())
        for b in biomarkers[biomarkers["kind"] == "labels"].itertuples():
            found = [volumes[i] for i in b.labels if i in volumes]
            if not found:
                log.warning("%s: none of the labels of %s in %s", person, b.biomarker, labels_path)
            row[b.biomarker] = sum(found) if found else np.nan
    for b in biomarkers.loc[biomarkers["kind"] == "cord", "biomarker"]:
        row[b] = cord_area(mask_path, levels_path, cord_levels)[0] if mask_path else np.nan
    return row


def measure_batch(
    people, biomarkers: pd.DataFrame, paths, cord_levels, labels_file=None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measures of a batch of people; a failing person fails alone and is named.

    Parameters
    ----------
    people : sequence of str
    paths : callable
        person -> (label volume, cord mask, cord levels); None for what does not exist.

    Returns
    -------
    DataFrame
        participant_id, etiv (mm3), one column per biomarker.
    DataFrame
        participant_id, problem; the people who could not be measured.
    """
    rows, failed = [], []
    for person in people:
        try:
            rows.append(measure_person(person, biomarkers, *paths(person), cord_levels, labels_file))
        except InputError as error:
            log.error("%s: %s", person, error)
            failed.append({"participant_id": person, "problem": str(error)})
    columns = ["participant_id", "etiv", *biomarkers["biomarker"]]
    return pd.DataFrame(rows, columns=columns), pd.DataFrame(failed, columns=["participant_id", "problem"])


def check_units(measures: pd.DataFrame, biomarkers: pd.DataFrame) -> None:
    """Recognise unit slips: a column whose median is a factor 1,000 (ml) or 100 (cm2) off is named.

    Raises
    ------
    InputError
    """
    for b in [*biomarkers.itertuples()]:
        if b.biomarker not in measures:
            continue
        median = measures[b.biomarker].median()
        factor = 100.0 if b.unit == "mm2" else 1000.0
        if b.plausible_low <= median * factor <= b.plausible_high and not median >= b.plausible_low:
            other = "cm2" if b.unit == "mm2" else "ml"
            raise InputError(
                f"{b.biomarker}: median {median:.4g} looks like {other}, not {b.unit}; multiply the column by {factor:g}"
            )


def quality(
    measures: pd.DataFrame, participants: pd.DataFrame, biomarkers: pd.DataFrame, *, limit: float = 5.0
) -> pd.DataFrame:
    """One row per person and broken rule: participant_id, rule, biomarker, value, limits.

    Rules: missing measure; outside the plausible range; robust outlier of the site (|x - median| above
    `limit` scaled median absolute deviations, sites of at least 10 people); implausible eTIV.
    """
    table = measures.merge(participants[["participant_id", "site"]], on="participant_id", how="left")
    rows = []

    def add(bad, rule, name, limits):
        for person, value in zip(table.loc[bad, "participant_id"], table.loc[bad, name], strict=True):
            rows.append({"participant_id": person, "rule": rule, "biomarker": name, "value": value, "limits": limits})

    add((table["etiv"] < 1.0e6) | (table["etiv"] > 2.3e6), "implausible eTIV", "etiv", "1.0e6-2.3e6 mm3")
    for b in biomarkers.itertuples():
        v = table[b.biomarker]
        add(v.isna(), "missing", b.biomarker, "")
        add(
            (v < b.plausible_low) | (v > b.plausible_high),
            "implausible",
            b.biomarker,
            f"{b.plausible_low:g}-{b.plausible_high:g} {b.unit}",
        )
        by_site = v.groupby(table["site"])
        middle = by_site.transform("median")
        spread = 1.4826 * (v - middle).abs().groupby(table["site"]).transform("median")
        add(
            ((v - middle).abs() > limit * spread) & (by_site.transform("size") >= 10),
            "outlier of its site",
            b.biomarker,
            f"{limit:g} MAD",
        )
    return pd.DataFrame(rows, columns=["participant_id", "rule", "biomarker", "value", "limits"])


def combine(parts, failures, qc: pd.DataFrame | None = None, exclude_rules=()) -> pd.DataFrame:
    """Concatenate batches; people who break a rule in `exclude_rules` are left out (and stay in qc.tsv)."""
    table = pd.concat(parts, ignore_index=True)
    if table["participant_id"].duplicated().any():
        raise InputError(
            f"measured twice: {name_some(table.loc[table['participant_id'].duplicated(), 'participant_id'])}"
        )
    if table.empty:
        raise InputError(
            f"nobody could be measured; first problem: {failures['problem'].iloc[0] if len(failures) else 'none'}"
        )
    if qc is not None and len(exclude_rules):
        gone = set(qc.loc[qc["rule"].isin(exclude_rules), "participant_id"])
        table = table[~table["participant_id"].isin(gone)]
    return table.reset_index(drop=True)
