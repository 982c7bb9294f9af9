"""From any segmentation output to one wide table of measures, and its quality control."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError, NeuraxisWarning, StorageError, name_some
from ..progress import steps
from ..storage import explain
from .images import cord_area, map_volume
from .readers import read as read_volumes
from .stats import biomarkers_from_labels

log = logging.getLogger(__name__)
#: Factor of the unit that a column is most often in by mistake.
SLIPS = {"mm3": (1000.0, "ml"), "mm2": (100.0, "cm2"), "mm": (10.0, "cm")}
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

    `labels_path` is a label volume, a folder of FreeSurfer, FastSurfer or SAMSEG results, or any other file that
    `readers.READERS` knows; `etiv` (mm3) from elsewhere replaces its head size. Absent files leave their measures
    missing, so that a cord alone can be measured.

    Raises
    ------
    InputError
        Unreadable files, or no head size anywhere.
    """
    volumes: dict = {}
    extra: dict = {"etiv": np.nan}
    if labels_path:
        read = read_volumes(labels_path, labels_file)
        volumes = read.one()
        extra = {k: volumes.pop(k, np.nan) for k in ("etiv", "surface_holes")}
        extra["problems"] = read.problems
    if etiv is not None:
        extra["etiv"] = float(etiv)
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


def needed_problems(problems: dict, biomarkers: pd.DataFrame) -> list[str]:
    """Problems of optional files that a biomarker of kind names needs; others cost nobody."""
    wanted = [n for names in biomarkers.loc[biomarkers["kind"] == "names", "labels"] for n in names]
    return list(dict.fromkeys(why for stem, why in problems.items() if any(n.startswith(stem) for n in wanted)))


def measure_batch(
    scans: pd.DataFrame,
    biomarkers: pd.DataFrame,
    paths,
    cord_levels,
    labels_file,
    etiv: dict | None = None,
    map_places=None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measures of a batch of scans; a failing one fails alone and is named.

    Parameters
    ----------
    scans : DataFrame
        participant_id, session_id ("baseline" for the first).
    biomarkers : DataFrame
        See `biomarkers.read_biomarkers`.
    paths : callable
        (participant_id, session_id) -> (label volume or stats folder, cord mask, cord levels, ...); None for what
        does not exist.
    cord_levels : sequence of int
    labels_file : path
        Label names, resources/labels.tsv.
    etiv : dict of (participant_id, session_id) to float, optional
        Head sizes (mm3) that replace those of the files.
    map_places : callable, optional
        (participant_id, session_id) -> path of every template of a map; by default the template filled in.

    Returns
    -------
    DataFrame
        participant_id, session_id, etiv (mm3), one column per biomarker, and columns for quality control.
    DataFrame
        participant_id, session_id, problem; the scans that could not be measured.
    """
    volumes, extras, keys, failed = [], [], [], []
    maps = biomarkers[biomarkers["kind"] == "map"]
    for person, session in steps(zip(scans["participant_id"], scans["session_id"], strict=True), "scans"):
        try:
            size = (etiv or {}).get((person, session))
            image, mask, levels = paths(person, session)[:3]
            labels, extra = measure_scan(image, mask, levels, cord_levels, labels_file, size)
            if words := needed_problems(problems := extra.pop("problems", {}), biomarkers):
                raise InputError("; ".join(words))
            if problems:
                log.warning("%s %s: optional files left aside: %s", person, session, "; ".join(set(problems.values())))
            for b in maps.itertuples():
                found = map_places(person, session) if map_places else {}
                filled = {t: t.replace("{participant_id}", person).replace("{session_id}", session) for t in b.labels}
                extra[b.biomarker] = sum(map_volume(found.get(t, filled[t])) for t in b.labels)
        except (InputError, StorageError, PermissionError) as error:
            problem = explain(error) if isinstance(error, OSError) else str(error)
            log.error("%s %s: %s", person, session, problem)
            failed.append({"participant_id": person, "session_id": session, "problem": problem})
            continue
        except Exception as error:
            # nobody's file, however bad, may take the others along
            log.exception("%s %s", person, session)
            what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            problem = f"could not be measured ({what}); see the log"
            failed.append({"participant_id": person, "session_id": session, "problem": problem})
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
    for b in biomarkers[biomarkers["kind"].isin(["cord", "map", "table", "column"])].itertuples():
        column = "cord" if b.kind == "cord" else b.biomarker
        table[b.biomarker] = extra.get(column, np.nan)
    for column in ("etiv", "surface_holes"):
        if column in extra:
            table[column] = extra[column]
    first = ["etiv", *biomarkers["biomarker"]]
    table = table[first + [c for c in table.columns if c not in first]].reset_index()
    return table, pd.DataFrame(failed, columns=["participant_id", "session_id", "problem"])


def check_units(measures: pd.DataFrame, biomarkers: pd.DataFrame) -> None:
    """Recognise unit slips: a column whose median is a factor 1,000 (ml) or 100 (cm2) off is named.

    A column in which only some people are off by that factor (two sources with different units) is named too.

    Raises
    ------
    InputError
    """
    for b in [*biomarkers.itertuples()]:
        if b.biomarker not in measures or b.unit not in SLIPS:
            continue
        values = measures[b.biomarker].dropna()
        factor, other = SLIPS[b.unit]
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
        Robust outlier of the site: ``|x - median|`` above so many scaled median absolute deviations, in sites of at
        least 10 people; the same for surface holes (upwards) and asymmetries (over everyone, and above 0.1).
    scores : DataFrame, optional
        Segmentation quality from 0 to 1, indexed by participant_id (SynthSeg's --qc).
    score_min : float
        Scores below it break the rule.

    Returns
    -------
    DataFrame
        participant_id, rule, biomarker, value, limits.

    Examples
    --------
    >>> people = pd.DataFrame({"participant_id": ["sub-1", "sub-2"], "site": "A"})
    >>> measures = people.assign(etiv=[1.5e6, 0.7e6], thalamus=[14000.0, None]).drop(columns="site")
    >>> defined = pd.DataFrame({"biomarker": ["thalamus"], "unit": "mm3", "plausible_low": 6000, "plausible_high": 26000})
    >>> quality(measures, people, defined)[["participant_id", "rule", "biomarker"]].values.tolist()
    [['sub-2', 'implausible eTIV', 'etiv'], ['sub-2', 'missing', 'thalamus']]
    """
    table = measures.merge(participants[["participant_id", "site"]], on="participant_id", how="left")
    rows = []

    def add(bad, rule, name, values, limits) -> None:
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


def possible(measures: pd.DataFrame, biomarkers: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make what cannot be a measure missing, so that it never reaches a norm.

    Sizes (of any biomarker but one of the user's own table without a unit of size) and head sizes must be above 0; all
    must be finite.

    Returns
    -------
    DataFrame
        The measures.
    DataFrame
        participant_id, rule ("implausible"), biomarker, value, limits: what was taken out.

    Warns
    -----
    NeuraxisWarning
        Names and values.
    """
    measures = measures.copy()
    rows = []
    sized = {
        b.biomarker: b.kind not in ("table", "column") or b.unit in ("mm", "mm2", "mm3")
        for b in biomarkers.itertuples()
    }
    for name in ("etiv", *biomarkers["biomarker"]):
        if name not in measures:
            continue
        values = measures[name].astype(float)
        bad = np.isinf(values) | ((values <= 0) & sized.get(name, True))
        if bad.any():
            limits = "above 0 and finite" if sized.get(name, True) else "finite"
            rows += [
                {"participant_id": p, "rule": "implausible", "biomarker": name, "value": v, "limits": limits}
                for p, v in zip(measures.loc[bad, "participant_id"], values[bad], strict=True)
            ]
            who = measures.loc[bad, "participant_id"] + " (" + values[bad].map("{:g}".format) + ")"
            warnings.warn(f"{name}: {name_some(who)} cannot be, and are missing", NeuraxisWarning, stacklevel=2)
            measures[name] = values.where(~bad)
    return measures, pd.DataFrame(rows, columns=["participant_id", "rule", "biomarker", "value", "limits"])
