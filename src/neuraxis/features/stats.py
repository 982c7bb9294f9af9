"""Readers of volumes that other tools have already counted: stats files and tables, by the field's label names.

All give volumes in mm3 by FreeSurfer label id, so that resources/biomarkers.tsv holds one definition for images
and tables alike.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError, name_some
from ..tables import MISSING

#: Label ids of what the surface-based white-matter totals already contain; adding them would count it twice.
INSIDE_WHITE_MATTER = (77, 78, 79, 251, 252, 253, 254, 255)
HEADER_LABELS = {
    "lhcerebralwhitemattervol": 2,
    "rhcerebralwhitemattervol": 41,
    "lhcorticalwhitemattervol": 2,  # the name up to FreeSurfer 5.3
    "rhcorticalwhitemattervol": 41,
    "lhcortexvol": 3,
    "rhcortexvol": 42,
}
HEAD_SIZE = {"etiv", "estimatedtotalintracranialvol", "icv", "totalintracranial", "intracranialvol"}
ID_COLUMNS = ("participant_id", "subject", "measure:volume", "lh.aparc.volume", "rh.aparc.volume", "")


def plain(name: str) -> str:
    """A label name without case, punctuation and version: ``Left-Thalamus-Proper`` and ``left thalamus`` agree."""
    text = re.sub(r"[^a-z0-9]", "", str(name).lower())
    text = text.replace("thalamusproper", "thalamus").removesuffix("volume") or text
    parcel = re.fullmatch(r"(?:ctx)?(lh|rh)(.+)", text)
    return f"ctx{parcel[1]}{parcel[2]}" if parcel and not parcel[2].endswith("vol") else text


@cache
def label_ids(path) -> dict[str, int]:
    """Plain label name to FreeSurfer id, from resources/labels.tsv."""
    table = pd.read_csv(path, sep="\t")
    return {plain(n): int(i) for n, i in zip(table["name"], table["label"], strict=True)}


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{path} is not a text file") from None
    if not any(line.strip() for line in lines):
        raise InputError(f"{path} is empty")
    return lines


def read_stats(path) -> tuple[dict[str, float], pd.DataFrame]:
    """Header measures and rows of one FreeSurfer or FastSurfer stats file.

    Returns
    -------
    dict
        Lower-case key of every ``# Measure`` line to its value. The value is the field before the unit, because
        FreeSurfer 6.0 left a comma out of one line.
    DataFrame
        The rows, columns by ``# ColHeaders``.

    Raises
    ------
    InputError
        Absent, empty or truncated files.
    """
    path = Path(path)
    measures, rows, columns = {}, [], None
    for number, line in enumerate(_lines(path), 1):
        if line.startswith("#"):
            if line.startswith("# Measure "):
                fields = [f.strip() for f in line[len("# Measure ") :].split(",")]
                if len(fields) >= 4 - 1:
                    key = fields[1].split()[0] if fields[1] else fields[0]
                    try:
                        measures[key.lower()] = float(fields[-2])
                    except ValueError:
                        raise InputError(f"{path}, line {number}: {fields[-2]!r} is no number") from None
            elif line.startswith("# ColHeaders"):
                columns = line.split()[2:]
        elif line.strip():
            rows.append(line.split())
    if rows and columns is None:
        raise InputError(f"{path} has rows but no ColHeaders line; is it a FreeSurfer stats file?")
    short = [r for r in rows if len(r) != len(columns)]
    if short:
        raise InputError(
            f"{path}: a row has {len(short[0])} of {len(columns)} columns; the file is cut short or damaged"
        )
    table = pd.DataFrame(rows, columns=columns) if rows else pd.DataFrame(columns=columns or [])
    for c in table.columns.drop("StructName", errors="ignore"):
        table[c] = pd.to_numeric(table[c], errors="coerce")
    return measures, table


def freesurfer_volumes(folder, labels_file) -> tuple[dict[int, float], float]:
    """Volumes by label id and eTIV (mm3) of a person's stats folder.

    ``aseg.stats`` and both ``?h.aparc.stats`` (or FastSurfer's ``?h.aparc.DKTatlas.mapped.stats``) are read; white
    matter of the cerebrum comes from the header, because it is no row.

    Raises
    ------
    InputError
        A file is absent or damaged, or the header has no eTIV.
    """
    folder = Path(folder)
    folder = folder / "stats" if (folder / "stats").is_dir() else folder
    header, rows = read_stats(folder / "aseg.stats")
    if "SegId" not in rows or "Volume_mm3" not in rows:
        raise InputError(f"{folder / 'aseg.stats'}: columns SegId and Volume_mm3 are missing")
    volumes = dict(zip(rows["SegId"].astype(int), rows["Volume_mm3"].astype(float), strict=True))
    for key, label in HEADER_LABELS.items():
        if key in header:
            volumes[label] = header[key]
    for label in INSIDE_WHITE_MATTER:
        if 2 in volumes:
            volumes.pop(label, None)
    ids = label_ids(str(labels_file))
    for side in ("lh", "rh"):
        names = (f"{side}.aparc.stats", f"{side}.aparc.DKTatlas.mapped.stats", f"{side}.aparc.DKTatlas.stats")
        found = next((folder / n for n in names if (folder / n).is_file()), folder / names[0])
        _, parcels = read_stats(found)
        if "GrayVol" not in parcels:
            raise InputError(f"{found}: column GrayVol is missing")
        for name, volume in zip(parcels["StructName"], parcels["GrayVol"], strict=True):
            label = ids.get(plain(f"ctx-{side}-{name}"))
            if label is not None:
                volumes[label] = float(volume)
    etiv = next((header[k] for k in ("etiv", "icv") if k in header), None)
    if etiv is None:
        raise InputError(
            f"{folder / 'aseg.stats'}: the header has no eTIV; give it in a table or run mri_segstats again"
        )
    return volumes, etiv


def read_volume_tables(paths, labels_file) -> pd.DataFrame:
    """Join wide tables of volumes by person: asegstats2table, aparcstats2table, SynthSeg --vol, or alike.

    Returns
    -------
    DataFrame
        Indexed by participant_id; columns are label ids (int) and ``etiv``; mm3.

    Raises
    ------
    InputError
        A table without recognisable labels, people listed twice, decimal commas, or values that are no numbers.
    """
    ids = label_ids(str(labels_file))
    joined: pd.DataFrame | None = None
    for path in map(Path, paths):
        head = next(line for line in _lines(path) if line.strip())
        separator = max("\t;,", key=head.count)
        table = pd.read_csv(
            path, sep=separator, encoding="utf-8-sig", na_values=MISSING, dtype=str, keep_default_na=False
        )
        table.columns = table.columns.str.strip()
        key = next((c for c in table.columns if c.lower() in ID_COLUMNS or c.startswith("Unnamed: 0")), None)
        if key is None:
            raise InputError(
                f"{path}: no column with the person; its first column is {table.columns[0]!r}, expected participant_id or subject"
            )
        people = table[key].str.strip().str.rstrip("/").str.replace(r"\.nii(\.gz)?$|\.mgz$", "", regex=True)
        if people.duplicated().any():
            raise InputError(f"{path}: listed twice: {name_some(people[people.duplicated()])}")
        out = {}
        for column in table.columns.drop(key):
            name = plain(column)
            target = "etiv" if name in HEAD_SIZE else HEADER_LABELS.get(name, ids.get(name))
            if target is None:
                continue
            values = pd.to_numeric(table[column], errors="coerce")
            bad = values.isna() & table[column].notna() & (table[column] != "")
            if bad.any():
                example = table.loc[bad, column].iloc[0]
                hint = "; write decimals with a point" if re.fullmatch(r"\d+,\d+", example) else ""
                raise InputError(f"{path}: {column} of {people[bad].iloc[0]} is {example!r}, no number{hint}")
            out[target] = values.to_numpy()
        if not [c for c in out if c != "etiv"]:
            raise InputError(f"{path}: no column is a known label; it has {name_some(table.columns)}")
        frame = pd.DataFrame(out, index=pd.Index(people, name="participant_id"))
        if joined is None:
            joined = frame
        else:
            new = [c for c in frame.columns if c not in joined.columns]
            joined = joined.join(frame[new], how="outer")
    if 2 in joined and any(
        k in ("lhcerebralwhitemattervol", "lhcorticalwhitemattervol") for k in map(plain, table.columns)
    ):
        joined = joined.drop(columns=[c for c in INSIDE_WHITE_MATTER if c in joined])
    return joined


def read_sct(path, levels=(1, 2, 3)) -> pd.Series:
    """Mean cord area (mm2) per person from a Spinal Cord Toolbox CSV, over vertebral levels.

    Per-level and per-slice rows are averaged within, then over `levels`; a row over a range counts where the range
    lies within `levels`. Columns are matched by name, because their number changes between versions.

    Returns
    -------
    Series
        Indexed by the ``sub-...`` in Filename.

    Raises
    ------
    InputError
        No area column, no person in a file name, or a person without any of the levels.
    """
    _lines(Path(path))
    table = pd.read_csv(path, encoding="utf-8-sig")
    for column in ("Filename", "MEAN(area)", "VertLevel"):
        if column not in table:
            raise InputError(f"{path}: column {column} is missing; expected the CSV of sct_process_segmentation")
    person = table["Filename"].astype(str).str.extract(r"(sub-[A-Za-z0-9]+)")[0]
    if person.isna().any():
        raise InputError(f"{path}: no sub-<label> in file name {table['Filename'][person.isna()].iloc[0]!r}")

    def level_of(text):
        numbers = [int(float(v)) for v in re.findall(r"\d+(?:\.\d+)?", str(text))]
        return numbers if numbers and set(range(numbers[0], numbers[-1] + 1)) <= set(levels) else None

    area = pd.to_numeric(table["MEAN(area)"], errors="coerce")
    found = pd.DataFrame({"person": person, "level": table["VertLevel"].map(level_of), "area": area}).dropna()
    absent = sorted(set(person) - set(found["person"]))
    if absent:
        raise InputError(
            f"{path}: none of the levels {list(levels)} for {name_some(absent)}; choose others in features.cord_levels"
        )
    found["level"] = found["level"].map(tuple)
    return found.groupby(["person", "level"])["area"].mean().groupby("person").mean().rename_axis("participant_id")


def biomarkers_from_labels(volumes: pd.DataFrame, biomarkers: pd.DataFrame) -> pd.DataFrame:
    """Sum label volumes (people x label ids) into biomarkers; missing where none of the labels is there."""
    out = pd.DataFrame(index=volumes.index)
    out["etiv"] = volumes["etiv"] if "etiv" in volumes else np.nan
    for b in biomarkers[biomarkers["kind"] == "labels"].itertuples():
        present = [i for i in b.labels if i in volumes.columns]
        out[b.biomarker] = volumes[present].sum(axis=1, min_count=1) if present else np.nan
    return out
