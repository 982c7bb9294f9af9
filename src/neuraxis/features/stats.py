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
from ..tables import MISSING, read_table

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
HEAD_SIZE = {
    *("etiv", "estimatedtotalintracranialvol", "icv", "totalintracranial", "intracranialvol", "intracranial"),
    "intracranialcavityic",
}
ID_COLUMNS = ("participant_id", "subject", "patient id", "measure:volume", "lh.aparc.volume", "rh.aparc.volume", "")


def plain(name: str) -> str:
    """A label name without case, punctuation and version: ``Left-Thalamus-Proper`` and ``left thalamus`` agree."""
    text = re.sub(r"[^a-z0-9]", "", str(name).lower())
    text = text.replace("thalamusproper", "thalamus").removesuffix("volume") or text
    parcel = re.fullmatch(r"(?:ctx)?(lh|rh)(.+)", text)
    return f"ctx{parcel[1]}{parcel[2]}" if parcel and not parcel[2].endswith("vol") else text


def volbrain(column: str) -> tuple[str, float] | None:
    """FreeSurfer's name and factor to mm3 of a volBrain or AssemblyNet column; None for its other columns.

    Their columns read ``Hippocampus right volume cm3``; shares of the head (%) and asymmetries are left aside.
    """
    found = re.fullmatch(r"(.+?)(?: (right|left|total))? volume cm3", column.strip(), re.I)
    if not found or (found[2] or "").lower() == "total":
        return None
    name, side = found[1], (found[2] or "").capitalize()
    return (f"{side}-{name}" if side else name), 1000.0


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


SUBREGION_FILE = re.compile(r"(.+?)[-.](?:T1|T2|v\d+|FSspace)\b.*\.(txt|stats)$")


def read_subregions(path) -> dict[str, float]:
    """Volumes (mm3) of a subregion file: hippocampal subfields, amygdalar and thalamic nuclei, brainstem parts.

    Both kinds are read: the list of ``Name value`` of FreeSurfer 6 and 7 (in mri/) and the stats layout of 7 (in
    stats/). Names are ``<file>.<Name>``, such as ``lh.hippoSfVolumes.CA1``; totals stand in the same list
    (``Whole_hippocampus``), so they must not be summed with their parts.

    Raises
    ------
    InputError
        A line that is no name and number.
    """
    path = Path(path)
    found = SUBREGION_FILE.match(path.name)
    stem = found[1] if found else path.stem
    lines = [line for line in _lines(path) if line.strip()]
    if any(line.startswith("# ColHeaders") for line in lines):
        _, rows = read_stats(path)
        return {f"{stem}.{n}": float(v) for n, v in zip(rows["StructName"], rows["Volume_mm3"], strict=True)}
    out = {}
    for number, line in enumerate(lines, 1):
        fields = line.split()
        try:
            name, value = fields
            out[f"{stem}.{name}"] = float(value)
        except ValueError:
            raise InputError(f"{path}, line {number}: expected a name and a volume, found {line.strip()!r}") from None
    return out


def read_samseg(path) -> dict[str, float]:
    """Volumes (mm3) by structure name of samseg.stats or samseg.csv; the intracranial one is ``Intra-Cranial``.

    samseg.stats holds nothing but ``# Measure Name, value, mm^3`` lines.

    Raises
    ------
    InputError
        Nothing that looks like a volume.
    """
    path = Path(path)
    out = {}
    for number, line in enumerate(_lines(path), 1):
        line = line.strip()
        if line.startswith("# Measure "):
            fields = [f.strip() for f in line[len("# Measure ") :].split(",")]
        elif path.suffix == ".csv" and not line.startswith("ROI") and line:
            fields = [f.strip() for f in line.split(",")]
        else:
            continue
        try:
            out[fields[0]] = float(fields[1])
        except (ValueError, IndexError):
            raise InputError(f"{path}, line {number}: expected a name and a volume, found {line!r}") from None
    if not out:
        raise InputError(f"{path} holds no '# Measure' line; is it written by SAMSEG?")
    return out


def _named_labels(values: dict[str, float], ids: dict) -> tuple[dict, float | None]:
    """Volumes by label id (the name where it has none), and the head size."""
    volumes, size = {}, None
    for name, value in values.items():
        key = plain(name)
        if key in HEAD_SIZE:
            size = value
        else:
            volumes[ids.get(key, name)] = value
    return volumes, size


def freesurfer_volumes(folder, labels_file) -> tuple[dict, dict]:
    """Volumes (mm3) of a person's folder of FreeSurfer, FastSurfer or SAMSEG results.

    Read are ``aseg.stats`` and both ``?h.aparc.stats`` (or FastSurfer's ``?h.aparc.DKTatlas.mapped.stats``); white
    matter of the cerebrum comes from the header, because it is no row. Where FastSurfer wrote only its network's
    ``aseg+DKT.stats``, that is read, and where there is a ``samseg.stats``, that. Subregion files in stats/ and mri/
    are added under their names.

    Returns
    -------
    dict
        Label id (or name, for subregions) to mm3.
    dict
        etiv (mm3; NaN where the files have none) and surface_holes (before fixing; Euler number = 2 - 2 holes).

    Raises
    ------
    InputError
        No such files, or damaged ones.
    """
    folder = Path(folder)
    stats = folder / "stats" if (folder / "stats").is_dir() else folder
    ids = label_ids(str(labels_file))
    extra = {"etiv": np.nan, "surface_holes": np.nan}
    samseg = next((f for f in (stats / "samseg.stats", stats / "samseg.csv") if f.is_file()), None)
    network = next((f for n in ("aseg+DKT.stats", "aseg+DKT.VINN.stats") if (f := stats / n).is_file()), None)
    if samseg is not None and not (stats / "aseg.stats").is_file():
        volumes, size = _named_labels(read_samseg(samseg), ids)
        if size is None and (stats / "sbtiv.stats").is_file():
            _, size = _named_labels(read_samseg(stats / "sbtiv.stats"), ids)
        if size is not None:
            extra["etiv"] = size
        return volumes, extra
    source = network if network is not None and not (stats / "aseg.stats").is_file() else stats / "aseg.stats"
    header, rows = read_stats(source)
    if "SegId" not in rows or "Volume_mm3" not in rows:
        raise InputError(f"{source}: columns SegId and Volume_mm3 are missing")
    volumes = dict(zip(rows["SegId"].astype(int), rows["Volume_mm3"].astype(float), strict=True))
    for key, label in HEADER_LABELS.items():
        if key in header:
            volumes[label] = header[key]
    if {"lhcerebralwhitemattervol", "lhcorticalwhitemattervol"} & set(header):
        for label in INSIDE_WHITE_MATTER:
            volumes.pop(label, None)
    for side in ("lh", "rh"):
        names = (f"{side}.aparc.stats", f"{side}.aparc.DKTatlas.mapped.stats", f"{side}.aparc.DKTatlas.stats")
        found = next((stats / n for n in names if (stats / n).is_file()), None)
        if found is None:
            if source is network:
                continue  # the network's own file holds the parcels
            found = stats / names[0]
        _, parcels = read_stats(found)
        if "GrayVol" not in parcels:
            raise InputError(f"{found}: column GrayVol is missing")
        for name, volume in zip(parcels["StructName"], parcels["GrayVol"], strict=True):
            label = ids.get(plain(f"ctx-{side}-{name}"))
            if label is not None:
                volumes[label] = float(volume)
    for file in sorted([*stats.glob("*.stats"), *(folder / "mri").glob("*.txt")]):
        if re.match(r"(?:[lr]h\.)?(?:hippo|amyg)|(?:hipposubfields|amygdalar|thalamic|Thalamic|brainstem)", file.name):
            volumes |= read_subregions(file)
    for key in ("etiv", "icv"):
        if key in header:
            extra["etiv"] = header[key]
            break
    if "surfaceholes" in header:
        extra["surface_holes"] = header["surfaceholes"]
    return volumes, extra


def read_volume_tables(paths, labels_file) -> pd.DataFrame:
    """Join wide tables of volumes by person: asegstats2table, aparcstats2table, SynthSeg --vol, or alike.

    Tables may hold other columns of the same people, the same columns of other people, or both.

    Returns
    -------
    DataFrame
        Indexed by participant_id; columns are label ids (int) and ``etiv``; mm3.

    Raises
    ------
    InputError
        A table without recognisable labels, people listed twice, decimal commas, values that are no numbers, or two
        tables that disagree by more than 1 %.
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
            own, factor = volbrain(column) or (column, 1.0)
            name = plain(own)
            target = "etiv" if name in HEAD_SIZE else HEADER_LABELS.get(name, ids.get(name))
            if name == "surfaceholes":
                target = "surface_holes"
            if target is None:
                continue
            if "thickness" in column.lower() or column.lower().endswith("_area"):
                continue
            values = pd.to_numeric(table[column], errors="coerce")
            bad = values.isna() & table[column].notna() & (table[column] != "")
            if bad.any():
                example = table.loc[bad, column].iloc[0]
                hint = "; write decimals with a point" if re.fullmatch(r"\d+,\d+", example) else ""
                raise InputError(f"{path}: {column} of {people[bad].iloc[0]} is {example!r}, no number{hint}")
            values = values.to_numpy() * factor
            # tables over several versions have a structure under both its names, each filled for some people
            out[target] = np.where(np.isfinite(out[target]), out[target], values) if target in out else values
        if not [c for c in out if c not in ("etiv", "surface_holes")]:
            raise InputError(f"{path}: no column is a known label; it has {name_some(table.columns)}")
        if 2 in out and {"lhcerebralwhitemattervol", "lhcorticalwhitemattervol"} & set(map(plain, table.columns)):
            out = {k: v for k, v in out.items() if k not in INSIDE_WHITE_MATTER}
        frame = pd.DataFrame(out, index=pd.Index(people, name="participant_id"))
        if joined is None:
            joined = frame
            continue
        rows, columns = joined.index.intersection(frame.index), joined.columns.intersection(frame.columns)
        was, now = joined.loc[rows, columns], frame.loc[rows, columns]
        differ = (was - now).abs() > 0.01 * was.abs()
        if differ.to_numpy().any():
            who, what = differ.stack().idxmax()
            raise InputError(
                f"{path}: {what} of {who} is {now.loc[who, what]:g}, an earlier table has {was.loc[who, what]:g}; "
                "are the tables of one version and unit?"
            )
        # columns in the order they were met, people of any table
        order = [*joined.columns, *frame.columns.difference(joined.columns, sort=False)]
        joined = joined.combine_first(frame)[order].rename_axis("participant_id")
    return joined


def read_qc_scores(path) -> pd.DataFrame:
    """SynthSeg's ``--qc`` table: one row a person, one column a score from 0 to 1.

    Raises
    ------
    InputError
        No person column, or scores outside 0..1.
    """
    table = read_table(path)
    key = next((c for c in table.columns if c.lower() in ID_COLUMNS), None)
    if key is None:
        raise InputError(f"{path}: no column with the person; expected subject or participant_id")
    table[key] = table[key].astype(str).str.replace(r"\.nii(\.gz)?$|\.mgz$", "", regex=True)
    scores = table.set_index(key).select_dtypes("number")
    if scores.empty or (scores.max().max() > 1) or (scores.min().min() < 0):
        raise InputError(f"{path}: scores must be numbers from 0 to 1, as mri_synthseg --qc writes them")
    return scores.rename_axis("participant_id")


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
    person = table["Filename"].astype(str).str.extract(r"(sub-[A-Za-z0-9]+(?:_ses-[A-Za-z0-9]+)?)[^/]*$")[0]
    inside = table["Filename"].astype(str).str.extract(r"(sub-[A-Za-z0-9]+)")[0]
    person = person.where(person.notna(), inside)
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


def biomarkers_from_labels(volumes: pd.DataFrame, biomarkers: pd.DataFrame, labels_file=None) -> pd.DataFrame:
    """Sum label volumes (people x label ids or names) into biomarkers.

    Returns
    -------
    DataFrame
        etiv, surface_holes (where given), one column per biomarker (missing where none of its labels is there), and,
        with `labels_file`, ``asymmetry_<biomarker>`` = (left - right) / (left + right) and labels_absent: labels that
        at least half of the people have and the person lacks.
    """
    out = pd.DataFrame(index=volumes.index)
    out["etiv"] = volumes["etiv"] if "etiv" in volumes else np.nan
    if "surface_holes" in volumes:
        out["surface_holes"] = volumes["surface_holes"]
    defined = biomarkers[biomarkers["kind"].isin(["labels", "names"])]
    for b in defined.itertuples():
        present = [i for i in b.labels if i in volumes.columns]
        out[b.biomarker] = volumes[present].sum(axis=1, min_count=1) if present else np.nan
    if labels_file is None:
        return out
    side = (
        pd.read_csv(labels_file, sep="\t")
        .set_index("label")["name"]
        .str.extract(r"^(?:ctx-)?(left|lh|right|rh)\b", re.I)
    )
    side = side[0].str.lower().str[0].to_dict()
    for b in defined[defined["kind"] == "labels"].itertuples():
        left, right = (
            volumes[[i for i in b.labels if i in volumes.columns and side.get(i) == s]].sum(axis=1, min_count=1)
            for s in "lr"
        )
        if left.notna().any() and right.notna().any():
            out[f"asymmetry_{b.biomarker}"] = (left - right) / (left + right)
    known = [i for b in defined.itertuples() for i in b.labels if i in volumes.columns and i not in INSIDE_WHITE_MATTER]
    known = [i for i in dict.fromkeys(known) if volumes[i].notna().mean() >= 0.5]
    missing = volumes[known].isna()
    out["labels_absent"] = [", ".join(str(known[j]) for j in np.flatnonzero(row)) for row in missing.to_numpy()]
    return out
