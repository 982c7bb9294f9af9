"""Stats folders of FreeSurfer 5-8, FastSurfer, recon-all-clinical and SAMSEG, with the subregion files beside them."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd

from ...biomarkers import INSIDE_WHITE_MATTER
from ...errors import InputError, StorageError, counted
from .base import HEAD_SIZE, HEADER_LABELS, Volumes, label_ids, lines_of, measure, plain
from .volume_tables import read_one_row

#: Names of the parcellation of a side that stand for FreeSurfer's 34 parcels, best first.
PARCELS = ("{}.aparc.stats", "{}.aparc.DKTatlas.mapped.stats", "{}.aparc.DKTatlas.stats")
SUBREGION_FILE = re.compile(r"(.+?)[-.](?:T1|T2|v\d+|FSspace)\b.*\.(txt|stats)$")
SUBREGIONS = re.compile(r"(?:[lr]h\.)?(?:hippo|amyg)|(?:hipposubfields|amygdalar|thalamic|Thalamic|brainstem)")
#: Share of a surface's vertices that the rows of a whole parcellation may lack: less than any lobe has.
LOST_VERTICES = 0.02


def _header(line: str, where: str) -> tuple[str, float] | None:
    """Key and value of a ``# Measure`` line; the value is the field before the unit.

    FreeSurfer 6.0 left a comma out of one line, so that fields cannot be counted from the left.
    """
    fields = [f.strip() for f in line[len("# Measure ") :].split(",")]
    if len(fields) < 3:
        return None
    key = fields[1].split()[0] if fields[1] else fields[0]
    if len(fields) > 4 and fields[-2].isdigit() and re.fullmatch(r"[+-]?\d+", fields[-3]):
        raise InputError(f"{where}: '{fields[-3]},{fields[-2]}' has a decimal comma; run the tool again with LC_ALL=C")
    return key.lower(), measure(fields[-2], where, least=-math.inf)


def read_stats(path) -> tuple[dict[str, float], pd.DataFrame]:
    """Header measures and rows of one FreeSurfer or FastSurfer stats file.

    Returns
    -------
    dict
        Lower-case key of every ``# Measure`` line to its value.
    DataFrame
        The rows, columns by ``# ColHeaders``.

    Raises
    ------
    InputError
        Absent, empty or truncated files (fewer rows or vertices than the header says), decimal commas, text or negative
        numbers among the measures.
    """
    path = Path(path)
    measures, rows, n_rows = {}, [], None
    columns: list[str] | None = None
    for number, line in enumerate(lines_of(path), 1):
        if line.startswith("#"):
            if line.startswith("# Measure "):
                if (found := _header(line, f"{path}, line {number}")) is not None:
                    measures[found[0]] = found[1]
            elif line.startswith("# ColHeaders"):
                columns = line.split()[2:]
            elif re.match(r"# NRows\s+\d+\s*$", line):
                n_rows = int(line.split()[2])
        elif line.strip():
            rows.append((number, line.split()))
    if rows and columns is None:
        raise InputError(f"{path} has rows but no ColHeaders line; is it a FreeSurfer stats file?")
    names = columns or []
    short = [(n, r) for n, r in rows if len(r) != len(names)]
    if short:
        raise InputError(
            f"{path}, line {short[0][0]}: a row has {len(short[0][1])} of {counted(len(names), 'column')}; "
            "the file is cut short or damaged"
        )
    if n_rows is not None and len(rows) != n_rows:
        raise InputError(
            f"{path} has {len(rows)} of the {counted(n_rows, 'row')} that its header promises; the file is cut short"
        )
    if columns is not None and not rows:
        raise InputError(f"{path} has no rows; the file is cut short")
    out: dict[str, list] = {}
    for k, c in enumerate(names):
        cells = [r[k] for _, r in rows]
        if c == "StructName":
            out[c] = cells
            continue
        sized = c in ("SegId", "Volume_mm3", "NVoxels", "NumVert", "SurfArea", "GrayVol", "ThickAvg", "Index")
        least = 0.0 if sized else -math.inf
        out[c] = [
            measure(cell, f"{path}, line {n}, {c}", least=least) for (n, _), cell in zip(rows, cells, strict=True)
        ]
    table = pd.DataFrame(out)
    if "Index" in table and len(table) and not (table["Index"] == np.arange(1, len(table) + 1)).all():
        raise InputError(f"{path}: rows are missing or doubled (Index is not 1, 2, 3, ...)")
    for c in ("SegId", "StructName"):
        if c in table and table[c].duplicated().any():
            raise InputError(f"{path}: {c} {table.loc[table[c].duplicated(), c].iloc[0]} stands there twice")
    if "NumVert" in table and "numvert" in measures:
        lost = 1 - table["NumVert"].sum() / max(measures["numvert"], 1)
        if lost > LOST_VERTICES:
            raise InputError(f"{path}: {lost:.0%} of the surface's vertices belong to no row; the file is cut short")
    return measures, table


def subregion_stem(path) -> str:
    """Beginning of the names of a subregion file: without contrast and version."""
    found = SUBREGION_FILE.match(Path(path).name)
    return found[1] if found else Path(path).stem


def read_subregions(path) -> dict[str, float]:
    """Volumes (mm3) of a subregion file: hippocampal subfields, amygdalar and thalamic nuclei, brainstem parts.

    All layouts are read: the list of ``Name value`` of FreeSurfer 6 and 7 (in mri/), the stats layout with ColHeaders,
    and the five columns ``index id 0 volume name`` under one comment that segmentHA, segmentThalamicNuclei and segmentBS
    write into stats/. A file that is only a comment (segmentHA_T2 alone writes such) gives nothing. Names are
    ``<file>.<Name>``, such as ``lh.hippoSfVolumes.CA1``; totals stand in the same list (``Whole_hippocampus``), so they
    must not be summed with their parts.

    Raises
    ------
    InputError
        A line that is no name and number, a name twice, or a list that ends within a line.
    """
    path = Path(path)
    stem = subregion_stem(path)
    lines = [(n, line) for n, line in enumerate(lines_of(path), 1) if line.strip()]
    if any(line.startswith("# ColHeaders") for _, line in lines):
        _, rows = read_stats(path)
        if not {"StructName", "Volume_mm3"} <= set(rows):
            raise InputError(f"{path}: columns StructName and Volume_mm3 are missing")
        pairs = list(zip(rows["StructName"], rows["Volume_mm3"], strict=True))
    else:
        pairs = []
        for number, line in lines:
            if line.startswith("#"):
                continue
            fields = line.split()
            five = len(fields) == 5 and all(re.fullmatch(r"\d+(?:\.0*)?", f) for f in fields[:3])
            if not five and len(fields) != 2:
                raise InputError(f"{path}, line {number}: expected a name and a volume, found {line.strip()!r}")
            name, value = (fields[4], fields[3]) if five else fields
            pairs.append((name, measure(value, f"{path}, line {number}")))
        if pairs and not path.read_bytes().endswith((b"\n", b"\r")):
            raise InputError(f"{path} ends within line {lines[-1][0]}; the file is cut short")
    out: dict[str, float] = {}
    for name, value in pairs:
        if f"{stem}.{name}" in out:
            raise InputError(f"{path}: {name} stands there twice")
        out[f"{stem}.{name}"] = float(value)
    return out


def read_samseg(path) -> dict[str, float]:
    """Volumes (mm3) by structure name of samseg.stats or samseg.csv; the intracranial one is ``Intra-Cranial``.

    samseg.stats holds nothing but ``# Measure Name, value, mm^3`` lines.

    Raises
    ------
    InputError
        Nothing that looks like a volume, or a structure twice.
    """
    path = Path(path)
    out: dict[str, float] = {}
    for number, line in enumerate(lines_of(path), 1):
        line = line.strip()
        if line.startswith("# Measure "):
            fields = [f.strip() for f in line[len("# Measure ") :].split(",")]
            if len(fields) != 3:
                raise InputError(f"{path}, line {number}: expected a name and a volume, found {line!r}")
        elif path.suffix == ".csv" and not line.startswith("ROI") and line:
            fields = [f.strip() for f in line.split(",")]
        else:
            continue
        if len(fields) < 2 or not fields[0]:
            raise InputError(f"{path}, line {number}: expected a name and a volume, found {line!r}")
        if fields[0] in out:
            raise InputError(f"{path}, line {number}: {fields[0]} stands there twice")
        try:
            out[fields[0]] = measure(fields[1], f"{path}, line {number}")
        except InputError as error:
            raise InputError(f"{path}, line {number}: expected a name and a volume, found {line!r} ({error})") from None
    if not out:
        raise InputError(f"{path} holds no '# Measure' line; is it written by SAMSEG?")
    return out


def _named_labels(values: dict[str, float], ids: dict) -> tuple[dict, float]:
    """Volumes by label id (the name where it has none), and the head size (NaN where there is none)."""
    volumes, size = {}, math.nan
    for name, value in values.items():
        key = plain(name)
        if key in HEAD_SIZE:
            size = value
        else:
            volumes[ids.get(key, name)] = value
    return volumes, size


def _first_file(folder: Path, names) -> Path | None:
    return next((f for n in names if (f := folder / n).is_file()), None)


def _subregion_files(folder: Path, stats: Path) -> tuple[dict, dict]:
    """Volumes of all subregion files, and the files that could not be read.

    A name that several files give (T1 and T2, two versions) belongs to none of them: it can be had as
    ``<file with its version>.<Name>``.
    """
    values: dict[str, float] = {}
    sources: dict[str, Path] = {}
    problems: dict[str, str] = {}
    for file in sorted([*stats.glob("*.stats"), *(folder / "mri").glob("*.txt")]):
        if not SUBREGIONS.match(file.name) or file.is_dir():
            continue
        stem = subregion_stem(file)
        try:
            found = read_subregions(file)
        except (InputError, StorageError) as error:
            problems[f"{stem}."] = problems[f"{file.stem}."] = str(error)
            continue
        for name, value in found.items():
            values[f"{file.stem}{name[len(stem) :]}"] = value
            if stem == file.stem:
                continue
            if name in sources and not math.isclose(values.get(name, math.nan), value, rel_tol=1e-4):
                values.pop(name, None)
                problems[f"{name}"] = (
                    f"{file}: {name} is also in {sources[name].name} with another value; "
                    f"name one as {file.stem}{name[len(stem) :]}"
                )
            elif name not in problems:
                values[name] = value
            sources.setdefault(name, file)
    return values, problems


def _synthseg_of(stats: Path, ids) -> tuple[dict, float]:
    """Volumes and head size of stats/synthseg.vol.csv, as FreeSurfer 8 and recon-all-clinical write it."""
    path = stats / "synthseg.vol.csv"
    return read_one_row(path, ids) if path.is_file() else ({}, math.nan)


def read_folder(folder, labels_file) -> Volumes:
    """Volumes, thickness and surfaces of a person's folder of FreeSurfer, FastSurfer or SAMSEG results.

    Read are ``aseg.stats`` and both ``?h.aparc.stats`` (or FastSurfer's ``?h.aparc.DKTatlas.mapped.stats``); white
    matter of the cerebrum comes from the header, because it is no row. Where FastSurfer wrote only its network's
    ``aseg+DKT.stats``, that is read, where there is only ``synthseg.vol.csv`` (recon-all-clinical), that, and where
    there is a ``samseg.stats``, that. Subregion files in stats/ and mri/ are added under their names.

    Raises
    ------
    InputError
        No such files, or damaged ones; of the subregion files, those are only told in `problems`.
    """
    folder = Path(folder)
    stats = folder / "stats" if (folder / "stats").is_dir() else folder
    ids = label_ids(str(labels_file))
    whole = (stats / "aseg.stats").is_file()
    samseg = _first_file(stats, ("samseg.stats", "samseg.csv"))
    network = _first_file(stats, ("aseg+DKT.stats", "aseg+DKT.VINN.stats"))
    synthseg = (stats / "synthseg.vol.csv").is_file()
    if samseg is not None and not whole:
        volumes, size = _named_labels(read_samseg(samseg), ids)
        if math.isnan(size) and (stats / "sbtiv.stats").is_file():
            _, size = _named_labels(read_samseg(stats / "sbtiv.stats"), ids)
        return Volumes.of_one({**volumes, "etiv": size})
    out: dict = {"etiv": math.nan, "surface_holes": math.nan}
    header: dict[str, float] = {}
    source = None
    if whole or network is not None or not synthseg:
        source = stats / "aseg.stats" if whole or network is None else network
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
    else:
        volumes, out["etiv"] = _synthseg_of(stats, ids)
    out |= volumes
    out |= _parcels(stats, ids, optional=source is None or source == network)
    _one_person(stats)
    values, problems = _subregion_files(folder, stats)
    out |= values
    size = next((header[k] for k in ("etiv", "icv") if header.get(k, 0.0) > 0), math.nan)
    if math.isnan(size) and synthseg:
        size = _synthseg_of(stats, ids)[1]
    out["etiv"] = size if not math.isnan(size) else out["etiv"]
    out["surface_holes"] = header.get("surfaceholes", math.nan)
    return Volumes.of_one(out, problems)


def _one_person(stats: Path) -> None:
    """Refuse a folder whose files name different people.

    Raises
    ------
    InputError
    """
    names: dict[str, str] = {}
    for file in ("aseg.stats", *(n.format(side) for side in ("lh", "rh") for n in PARCELS)):
        if (stats / file).is_file():
            said = re.findall(r"^# subjectname (\S+)\s*$", "\n".join(lines_of(stats / file)), re.M)
            if said:
                names.setdefault(said[0], file)
    if len(names) > 1:
        who = " and ".join(f"{file} ({name})" for name, file in names.items())
        raise InputError(f"{stats}: its files are of different people by their headers: {who}")


def _parcels(stats: Path, ids: dict, optional: bool) -> dict:
    """Volume, thickness and surface of the cortical parcels of both sides."""
    out: dict = {}
    kinds = []
    for side in ("lh", "rh"):
        found = _first_file(stats, [n.format(side) for n in PARCELS])
        if found is None:
            if optional:
                continue  # the network's own file holds the parcels
            found = stats / PARCELS[0].format(side)
        kinds.append(found.name[3:])
        _, parcels = read_stats(found)
        if "GrayVol" not in parcels or "StructName" not in parcels:
            raise InputError(f"{found}: column GrayVol is missing")
        for k, name in enumerate(parcels["StructName"]):
            label = ids.get(plain(f"ctx-{side}-{name}"))
            if label is None:
                continue
            out[label] = float(parcels["GrayVol"][k])
            for key, column in (("thickness", "ThickAvg"), ("area", "SurfArea")):
                if column in parcels:
                    out[f"{key}:{label}"] = float(parcels[column][k])
        said = re.findall(r"^# hemi ([lr]h)\s*$", "\n".join(lines_of(found)), re.M)
        if said and said[0] != side:
            raise InputError(f"{found}: its header says {said[0]}; is it a copy of the other side's file?")
    if len(set(kinds)) > 1:
        raise InputError(f"{stats}: the sides have different parcellations ({', '.join(kinds)})")
    return out


def recognises(path) -> bool:
    """A folder of stats files, or a person's folder with one in it."""
    return Path(path).is_dir()


def read(path, labels_file) -> Volumes:
    """See `read_folder`."""
    return read_folder(path, labels_file)
