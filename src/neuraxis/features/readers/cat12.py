"""CAT12: regional volumes of ``label/catROI_*.xml`` and the head size of ``report/cat_*.xml``.

No genuine file was at hand; the layout is that of CAT12's own cat_io_xml.m (``<S><atlas><names><item>``, ``<data><Vgm>``
with one number per name, ml) and of the fields of its report (``subjectmeasures/vol_TIV``, ml).
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from xml.etree import ElementTree

from ...errors import InputError, counted
from ...tables import read_text
from .base import Volumes, measure

TISSUES = ("Vgm", "Vwm", "Vcsf")


def _root(path) -> ElementTree.Element:
    text = read_text(path)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InputError(f"{path}: declares entities; CAT12 writes none")
    try:
        return ElementTree.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))
    except (ElementTree.ParseError, RecursionError) as error:
        raise InputError(f"{path} is damaged: {error}") from None


def read_head_size(path) -> float:
    """Total intracranial volume (mm3) of a CAT12 report.

    Raises
    ------
    InputError
        No number in subjectmeasures/vol_TIV.
    """
    for element in _root(path).findall("./subjectmeasures/vol_TIV"):
        text = (element.text or "").strip()
        if re.match(r"[0-9.+-]", text):
            return 1000 * measure(text, f"{path}, vol_TIV")
    raise InputError(f"{path}: no number in subjectmeasures/vol_TIV; is it a report of CAT12?")


def read_regions(path) -> dict[str, float]:
    """Volumes (mm3) of all atlases, named ``<atlas>.<tissue>.<region>``: ``neuromorphometrics.Vgm.Left Amygdala``.

    They are tissue within a region of the atlas and not FreeSurfer's structures, so no label ids are given to them.

    Raises
    ------
    InputError
        No atlas, or lists of names and numbers of different length.
    """
    out: dict[str, float] = {}
    for atlas in _root(path):
        names, data = atlas.find("names"), atlas.find("data")
        if names is None or data is None:
            continue
        regions = [(item.text or "").strip().strip("'") for item in names.findall("item")]
        for tissue in TISSUES:
            element = data.find(tissue)
            text = ((element.text if element is not None else "") or "").strip()
            if not text:
                continue
            cells = [c for c in re.split(r"[;\s]+", text.strip("[]")) if c]
            if len(cells) != len(regions):
                raise InputError(
                    f"{path}: {atlas.tag} has {counted(len(regions), 'region')}, but {counted(len(cells), 'volume')} in {tissue}"
                )
            for region, cell in zip(regions, cells, strict=True):
                name = f"{atlas.tag}.{tissue}.{region}"
                if name in out:
                    raise InputError(f"{path}: {name} stands there twice")
                out[name] = 1000 * measure(cell, f"{path}, {name}")
    if not out:
        raise InputError(f"{path}: no atlas with names and volumes; is it a catROI file of CAT12?")
    return out


def recognises(path) -> bool:
    """An XML file."""
    return Path(path).suffix.lower() == ".xml"


def read(path, labels_file=None) -> Volumes:
    """Regions of a catROI file, with the head size of the report of the same scan beside it."""
    path = Path(path)
    report = re.sub(r"^catROI\w*?_", "cat_", path.name)
    places = [path.with_name(report), path.parent.parent / "report" / report]
    beside = next((p for p in places if p != path and p.is_file()), None)
    size = read_head_size(beside) if beside is not None else math.nan
    return Volumes.of_one({**read_regions(path), "etiv": size})
