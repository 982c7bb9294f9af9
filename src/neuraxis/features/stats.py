"""From volumes by label to biomarkers; and the readers, under the name that this room has always had for them."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd

from ..biomarkers import INSIDE_WHITE_MATTER, NOT_IN_DKT
from ..cohort.ids import refuse_repeats, scan_names
from ..cohort.participants import read_people_table
from ..errors import InputError, NeuraxisWarning, name_some
from ..tables import as_numbers, bad_cells, read_table
from .readers.base import label_ids, plain
from .readers.freesurfer import read_folder, read_samseg, read_stats, read_subregions
from .readers.sct import read_sct
from .readers.volume_tables import read_volume_tables, volbrain

__all__ = [
    "INSIDE_WHITE_MATTER",
    "biomarkers_from_labels",
    "freesurfer_volumes",
    "label_ids",
    "plain",
    "read_qc_scores",
    "read_samseg",
    "read_sct",
    "read_stats",
    "read_subregions",
    "read_volume_tables",
    "volbrain",
]


def freesurfer_volumes(folder, labels_file) -> tuple[dict, dict]:
    """Volumes of a person's folder, and what is no volume; see `readers.freesurfer.read_folder`.

    Returns
    -------
    dict
        Label id (or name) to mm3, ``thickness:<id>`` to mm, ``area:<id>`` to mm2.
    dict
        etiv (mm3; NaN where the files have none) and surface_holes (before fixing; Euler number = 2 - 2 holes).
    """
    row = read_folder(folder, labels_file).one()
    extra = {key: row.pop(key, np.nan) for key in ("etiv", "surface_holes")}
    return row, extra


def read_qc_scores(path, people=None) -> pd.DataFrame:
    """SynthSeg's ``--qc`` table: one row a scan, one column a score from 0 to 1.

    Parameters
    ----------
    path : path
    people : People or iterable of str, optional
        Participants that its ids are matched with; rows of others are left out.

    Raises
    ------
    InputError
        No person column, a scan twice, scores that are no numbers or outside 0..1.
    """
    what = f"features.qc_scores ({path})"
    table = read_people_table(path, what=what)
    names = scan_names(table["participant_id"], people, what=what, sessions=table.get("session_id"))
    refuse_repeats(table["participant_id"], names, what=what)
    scores = table.drop(columns=["participant_id", "session_id"], errors="ignore")
    problems = []
    for c in scores:
        if words := bad_cells(scores[c], table["participant_id"]):
            problems.append(f"{c} of {words}")
            continue
        numbers = scores[c] = as_numbers(scores[c])[0]
        if (outside := (numbers < 0) | (numbers > 1)).any():
            who = table.loc[outside, "participant_id"] + " (" + numbers[outside].map("{:g}".format) + ")"
            problems.append(f"{c} of {name_some(who)}")
    if problems or scores.empty or not scores.notna().any(axis=None):
        raise InputError(
            f"{what}: scores must be numbers from 0 to 1, as mri_synthseg --qc writes them, and not "
            + ("; ".join(problems) or "all missing")
        )
    scores.index = pd.Index(names, name="participant_id")
    return scores[names.notna().to_numpy()].astype(float)


def _of_dkt(volumes: pd.DataFrame, prefix: str = "") -> pd.Series:
    """Whose cortex was parcellated by the DKT atlas: its absent parcels are absent, and most others are not."""

    def column(i):
        return f"{prefix}{i}" if prefix else i

    parcels = [column(i) for base in (1000, 2000) for i in range(base + 1, base + 36)]
    none = [column(i) for i in NOT_IN_DKT]
    there = volumes.reindex(columns=parcels).notna()
    return ~there[none].any(axis=1) & (there.drop(columns=none).sum(axis=1) >= 31)


def _complete(
    volumes: pd.DataFrame, columns: list, optional, waived: pd.Series, zero: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The columns, and which of them a scan lacks; `optional` ones never count, the DKT atlas' not where waived.

    A volume of 0 is what the tools write for a structure that they did not find; it counts as lacking unless `zero`.
    """
    part = volumes.reindex(columns=columns)
    lacks = part.isna() if zero else part.isna() | (part == 0)
    for c in columns:
        if c in optional:
            lacks[c] = False
        elif str(c).rpartition(":")[2].isdigit() and int(str(c).rpartition(":")[2]) in NOT_IN_DKT:
            lacks[c] &= ~waived
    return part, lacks


def biomarkers_from_labels(volumes: pd.DataFrame, biomarkers: pd.DataFrame, labels_file=None) -> pd.DataFrame:
    """Sum label volumes (scans x label ids or names) into biomarkers; a scan that lacks a label, or has 0 of it, lacks the biomarker.

    Not counted as lacking are labels that a white-matter total holds already, and the parcels that the DKT atlas gives to
    their neighbours, where the rest of its parcels are there. A biomarker whose plausible_low is 0 or below may be 0, and
    so may its labels (lesions).

    Parameters
    ----------
    volumes : DataFrame
        etiv (mm3) and one column per label, id or name (mm3, thickness in mm, area in mm2); one row per scan.
    biomarkers : DataFrame
        Definitions, see `biomarkers.read_biomarkers`.
    labels_file : path, optional
        Table of label ids, for what needs to know left from right.

    Returns
    -------
    DataFrame
        etiv, surface_holes (where given), one column per biomarker of kind labels, names, thickness (mean, mm) and area
        (sum, mm2), and, with `labels_file`, ``asymmetry_<biomarker>`` = (left - right) / (left + right) and
        labels_absent: labels that at least half of the people have and the person lacks.

    Examples
    --------
    >>> import pandas as pd
    >>> defined = pd.DataFrame({"biomarker": ["thalamus"], "kind": "labels", "labels": [(10, 49)]}).assign(plausible_low=6e3)
    >>> volumes = pd.DataFrame({10: [7000.0, 6800.0], 49: [7100.0, 0.0], "etiv": 1.5e6}, index=["sub-01", "sub-02"])
    >>> biomarkers_from_labels(volumes, defined)["thalamus"].tolist()
    [14100.0, nan]
    """
    out = pd.DataFrame(index=volumes.index)
    out["etiv"] = volumes.get("etiv", np.nan)
    if "surface_holes" in volumes:
        out["surface_holes"] = volumes["surface_holes"]
    defined = biomarkers[biomarkers["kind"].isin(["labels", "names", "thickness", "area"])]
    waived = {"": _of_dkt(volumes), "thickness:": _of_dkt(volumes, "thickness:"), "area:": _of_dkt(volumes, "area:")}
    mixed = waived[""]
    cortical = volumes.reindex(columns=list(NOT_IN_DKT)).notna().any(axis=1)
    if mixed.any() and cortical.any():
        warnings.warn(
            "cortex by two atlases: DKT for "
            f"{name_some(map(str, volumes.index[mixed]))}, Desikan-Killiany for others; their lobes are not comparable",
            NeuraxisWarning,
            stacklevel=2,
        )
    for b in defined.itertuples():
        prefix = {"thickness": "thickness:", "area": "area:"}.get(b.kind, "")
        columns = [f"{prefix}{i}" if prefix else i for i in b.labels]
        if not any(c in volumes for c in columns):
            out[b.biomarker] = np.nan
            continue
        part, lacks = _complete(volumes, columns, INSIDE_WHITE_MATTER, waived[prefix], zero=b.plausible_low <= 0)
        total = part.mean(axis=1) if b.kind == "thickness" else part.sum(axis=1, min_count=1)
        out[b.biomarker] = total.where(~lacks.any(axis=1))
    if labels_file is None:
        return out
    side = read_table(labels_file).set_index("label")["name"].str.extract(r"^(?:ctx-)?(left|lh|right|rh)\b", flags=re.I)
    side = side[0].str.lower().str[0].to_dict()
    for b in defined[defined["kind"] == "labels"].itertuples():
        sums = []
        for s in "lr":
            own = [i for i in b.labels if side.get(i) == s]
            part, lacks = _complete(volumes, own, INSIDE_WHITE_MATTER, waived[""], zero=b.plausible_low <= 0)
            sums.append(part.sum(axis=1, min_count=1).where(~lacks.any(axis=1)))
        left, right = sums
        if left.notna().any() and right.notna().any():
            out[f"asymmetry_{b.biomarker}"] = (left - right) / (left + right)
    whole = defined[(defined["kind"] == "labels") & ~(defined["plausible_low"] <= 0)]
    known = [i for b in whole.itertuples() for i in b.labels if i in volumes.columns]
    known = [i for i in dict.fromkeys(known) if volumes[i].notna().mean() >= 0.5]
    _, lacks = _complete(volumes, known, INSIDE_WHITE_MATTER, waived[""])
    out["labels_absent"] = [", ".join(str(known[j]) for j in np.flatnonzero(row)) for row in lacks.to_numpy()]
    return out
