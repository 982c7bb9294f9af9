"""Brain and cord in one drawing: cortex, deep grey matter, cerebellum, brainstem, white matter and cervical cord.

Outlines of the Desikan-Killiany parcels and of the subcortical structures are the path texts that the ggseg package
(MIT) ships; the accumbens, which it lacks, and the cord are drawn here. The frontal and temporal poles have no outline
and are left out. Measures are left and right summed, so one hemisphere stands for both.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import ggseg
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import Colormap, Normalize
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from matplotlib.transforms import Affine2D
from scipy.spatial import ConvexHull

from ..biomarkers import level_names

SHIPPED = Path(ggseg.__file__).parent / "data"
CODES = {"M": Outline.MOVETO, "C": Outline.CURVE4, "L": Outline.LINETO}
#: What has no value: grey and hatched, so that it is not taken for z = 0, the white middle of the diverging colours.
EMPTY = "#DDDDDD"
HATCH = "//////"
DOTS = "...."
#: Of biomarkers that have levels and no z, from none of their events to all.
LEVEL_COLOURS = plt.get_cmap("Greens")
EDGE = "#4D4D4D"
WHITE_MATTER = ("own", "white matter")
#: Parts that the package ships with another parcel, by its file and the view: the inner side of the superior frontal gyrus.
MISFILED = {("superiorparietal_left", "medial"): "superiorfrontal_left"}
CORD = ("own", "cord")
#: x positions of the views, each of height 1: lateral and medial cortex, coronal and sagittal cut, cord.
VIEWS = {"lateral": 0.0, "medial": 1.48, "coronal": 3.06, "sagittal": 4.24, "cord": 5.43}
WIDTH, HEIGHT = 6.05, 1.0
#: How wide every view is, with the room beside it.
WIDE = dict(zip(VIEWS, np.diff([*VIEWS.values(), WIDTH]).tolist(), strict=True))
#: How biomarkers are measured that have places on the cortex, by who has a place that several would have.
ON_CORTEX = ("thickness", "area")
#: Width of the drawing as SVG, units.
UNITS = 1000


@cache
def outline(atlas: str, name: str) -> Outline | None:
    """Path of a structure as shipped; None where there is none."""
    file = SHIPPED / atlas / name
    if not file.is_file():
        return None
    vertices, codes = [], []
    for command, numbers in re.findall(r"([A-Za-z])([^A-Za-z]*)", file.read_text()):
        if command == "Z":
            vertices.append([vertices[-1]])
            codes.append(Outline.CLOSEPOLY)
            vertices[-1] = vertices[-1][0]
            continue
        points = np.array(re.findall(r"-?[\d.]+", numbers), float).reshape(-1, 2)
        for i, point in enumerate(points):
            vertices.append(point)
            codes.append(CODES["L"] if command == "M" and i else CODES[command])
    return Outline(np.array(vertices), codes)


def has_outline(place: tuple[str, str]) -> bool:
    """Whether a place (atlas, name) is shipped or drawn here."""
    return place[0] == "own" or outline(*place) is not None


def _box(paths) -> tuple[np.ndarray, np.ndarray]:
    points = np.concatenate([p.vertices for p in paths])
    return points.min(axis=0), points.max(axis=0)


def _place(view: str, frame) -> Affine2D:
    """From the shipped coordinates (y down) to the drawing's, the view's frame scaled to height 1."""
    low, high = _box(frame)
    scale = HEIGHT / (high[1] - low[1])
    return Affine2D().translate(-low[0], -high[1]).scale(scale, -scale).translate(VIEWS[view], 0)


def structures(
    biomarkers: pd.DataFrame, label_names: pd.Series, measured: Collection[str] | None = None
) -> dict[str, list[tuple[str, str]]]:
    """Shipped outlines (atlas, name) of every biomarker, by its left labels.

    A place has one colour: where a volume, a thickness and a surface of the same parcel are measured, the volume has it,
    then the thickness.

    Parameters
    ----------
    biomarkers : DataFrame
        See `features.biomarkers.read_biomarkers`.
    label_names : Series
        Label id to FreeSurfer's name.
    measured : collection of str, optional
        Biomarkers that there is something to draw of, others have no place; all where not given.

    Examples
    --------
    >>> defined = pd.DataFrame(
    ...     {"biomarker": ["insula", "insula_mm", "csa", "nfl"], "kind": ["labels", "thickness", "cord", "column"],
    ...      "labels": [[1035], [1035], [], ["nfl"]]})
    >>> names = pd.Series({1035: "ctx-lh-insula"})
    >>> structures(defined, names)
    {'insula': [('dk', 'insula_left')], 'insula_mm': [], 'csa': [('own', 'cord')], 'nfl': []}
    >>> structures(defined, names, ["insula_mm", "nfl"])["insula_mm"]
    [('dk', 'insula_left')]
    """
    kept = biomarkers if measured is None else biomarkers[biomarkers["biomarker"].isin(set(measured))]
    out: dict[str, list] = {b: [] for b in biomarkers["biomarker"]}
    taken: set = set()
    for kind in ("labels", *ON_CORTEX, "cord"):
        for b in kept[kept["kind"] == kind].itertuples():
            places = [CORD] if kind == "cord" else _places(b.labels, label_names, parcels=kind in ON_CORTEX)
            out[b.biomarker] = [place for place in places if place not in taken]
        taken |= {place for places in out.values() for place in places}
    return out


def _places(labels, label_names: pd.Series, parcels: bool = False) -> list[tuple[str, str]]:
    """Outlines of label ids, of parcels of the cortex alone or of everything."""
    found: list[tuple[str, str]] = []
    for i in labels:
        name = str(label_names.get(i, ""))
        if name.startswith("ctx-lh-"):
            found.append(("dk", f"{name.removeprefix('ctx-lh-')}_left"))
        elif parcels:
            continue
        elif name.startswith("Left-Cerebellum") or name == "Brain-Stem":
            found.append(("aseg", name.removeprefix("Left-")))
        elif name.startswith("Left-Cerebral-White"):
            found.append(("own", "white matter"))
        elif name.startswith("Left-Accumbens"):
            found.append(("own", "accumbens"))
        elif name.startswith("Left-"):
            found.append(("aseg", name.removesuffix("-Proper")))
    return found


@dataclass(frozen=True)
class Piece:
    """One closed outline of the drawing, in its coordinates (y up, views of height 1).

    Attributes
    ----------
    path : matplotlib Path
    place : (str, str) or None
        Atlas and name, whose biomarker colours it; None: a background.
    width : float
        Of its edge, points.
    order : float
        What is drawn over what.
    view : str
        Of `VIEWS`.
    """

    path: Outline
    place: tuple[str, str] | None
    width: float = 0.3
    order: float = 2.0
    view: str = "cord"


@cache
def pieces() -> tuple[Piece, ...]:
    """Everything that is drawn, whatever is measured."""
    out = []

    def add(path, transform, place, width=0.3, order=2.0) -> None:
        out.append(Piece(transform.transform_path(path), place, width, order, view))

    for view in ("lateral", "medial"):
        frame = outline("dk", f"{view}_left")
        transform = _place(view, [frame])
        add(frame, transform, None, 0.8, 1.0)
        low, high = _box([frame])
        for file in sorted((SHIPPED / "dk").glob("*_left")):
            if file.name.split("_")[0] in ("lateral", "medial", "NA", "corpuscallosum"):
                continue
            for piece in _pieces(outline("dk", file.name)):
                centre = piece.vertices.mean(axis=0)
                if (centre >= low - 1).all() and (centre <= high + 1).all():
                    add(piece, transform, ("dk", MISFILED.get((file.name, view), file.name)))
    for view, ribbon_name in (("coronal", "Coronal"), ("sagittal", "Sagittal")):
        ribbon = outline("aseg", ribbon_name)
        # the coronal cut lies left of x = 1400 in the shipped drawing, the sagittal one right of it
        inside = {
            file.name: [
                q for q in _pieces(outline("aseg", file.name)) if (_box([q])[0][0] < 1400) == (view == "coronal")
            ]
            for file in sorted((SHIPPED / "aseg").glob("*"))
            if file.name not in ("Coronal", "Sagittal")
        }
        transform = _place(view, [ribbon, *(q for parts in inside.values() for q in parts)])
        if view == "coronal":
            middle = np.mean([_box([ribbon])[0][0], _box([ribbon])[1][0]])
            for side in (-1, 1):
                points = ribbon.vertices[(ribbon.vertices[:, 0] - middle) * side > 0]
                hull = points[ConvexHull(points).vertices]
                centre = hull.mean(axis=0)
                inner = centre + 0.86 * (hull - centre)
                add(Outline(np.vstack([inner, inner[:1]])), transform, WHITE_MATTER, 0.0, 1.0)
        add(ribbon, transform, None, 0.4, 1.5)  # of all lobes, so it has no value of its own
        for name, parts in inside.items():
            for piece in parts:
                place = None if "Ventricle" in name else ("aseg", name.replace("Right-", "Left-"))
                add(piece, transform, WHITE_MATTER if name.startswith("CC_") else place)
        if view == "coronal":
            for side in ("Left", "Right"):
                low, high = _box([outline("aseg", f"{side}-Pallidum")])
                radius = (high[1] - low[1]) * 0.24
                circle = Outline.circle(((low[0] + high[0]) / 2, high[1] + radius * 0.4), radius)
                add(circle, transform, ("own", "accumbens"), order=3.0)
    view = "cord"
    x = VIEWS[view]
    cord = Outline([(x, 0.0), (x + 0.16, 0.0), (x + 0.16, 1.0), (x, 1.0), (x, 0.0)])
    add(cord, Affine2D(), CORD, 0.8)
    return tuple(out)


def views_of(where: dict, biomarkers: Iterable[str]) -> tuple[str, ...]:
    """Views of the drawing in which one of these biomarkers has a place; the others would be empty.

    Parameters
    ----------
    where : dict
        From `structures`.
    biomarkers : iterable of str

    Examples
    --------
    >>> where = {"frontal": [("dk", "superiorfrontal_left")], "thalamus": [("aseg", "Left-Thalamus")], "csa": [CORD], "nfl": []}
    >>> views_of(where, ["frontal", "nfl"]), views_of(where, ["csa"]), views_of(where, ["nfl"])
    (('lateral', 'medial'), ('cord',), ())
    """
    wanted = {place for b in biomarkers for place in where.get(b, ())}
    return tuple(v for v in VIEWS if any(p.view == v and p.place in wanted for p in pieces()))


def in_words(views: Iterable[str]) -> str:
    """What views show: brain, cord, or both.

    Examples
    --------
    >>> in_words(VIEWS), in_words(["lateral", "medial"]), in_words(["cord"]), in_words([])
    ('brain and cord', 'brain', 'cord', '')
    """
    found = set(views)
    return " and ".join(["brain"] * bool(found - {"cord"}) + ["cord"] * ("cord" in found))


def placed(views: Iterable[str]) -> tuple[dict[str, float], float]:
    """How far to the right every view is moved, where these alone stand beside one another, and how wide they are.

    Parameters
    ----------
    views : iterable of str

    Returns
    -------
    dict of str to float
    float
        In units of the drawing's height.

    Examples
    --------
    >>> placed(["lateral", "cord"])
    ({'lateral': 0.0, 'cord': -3.95}, 2.1)
    """
    moved, x = {}, 0.0
    for view in [v for v in VIEWS if v in set(views)]:
        moved[view] = round(x - VIEWS[view], 6)
        x += WIDE[view]
    return moved, round(x, 6)


@cache
def outlines(views: tuple[str, ...] = tuple(VIEWS)) -> tuple[tuple[str, tuple[str, str] | None, float], ...]:
    """Views of brain and cord as SVG: path, place that colours it, width of its edge.

    A drawing of all views is `UNITS` wide, one of fewer less so, and as high.
    """
    scale = UNITS / WIDTH
    letters = {Outline.MOVETO: "M", Outline.LINETO: "L", Outline.CURVE4: "C"}
    moved, _ = placed(views)
    drawn = []
    for piece in sorted((p for p in pieces() if p.view in moved), key=lambda p: p.order):
        text, curve = [], 0
        right = moved[piece.view]
        for (x, y), code in zip(piece.path.vertices, piece.path.codes, strict=True) if piece.path.codes is not None else [
            ((x, y), Outline.LINETO if i else Outline.MOVETO) for i, (x, y) in enumerate(piece.path.vertices)
        ]:  # fmt: skip
            if code == Outline.CLOSEPOLY:
                text.append("Z")
                continue
            curve = (curve + 1) % 3 if code == Outline.CURVE4 else 0
            letter = letters[code] if code != Outline.CURVE4 or curve == 1 else ""
            text.append(f"{letter}{(x + right) * scale:.1f} {(HEIGHT - y) * scale:.1f}")
        drawn.append((" ".join(text), piece.place, round(2 * piece.width, 2)))
    return tuple(drawn)


def brain_drawing(where: dict, views: Iterable[str] = tuple(VIEWS)) -> list[dict]:
    """The outlines of brain and cord, each with the biomarker that colours it.

    Parameters
    ----------
    where : dict
        From `structures`.
    views : iterable of str
        Those that are drawn, see `views_of`.
    """
    of_place = {place: b for b, places in where.items() for place in places}
    return [{"d": text, "b": of_place.get(place, ""), "w": width} for text, place, width in outlines(tuple(views))]


def draw_brain(
    axis,
    values: dict[str, float],
    where: dict,
    cmap: Colormap,
    norm: Normalize,
    dotted=(),
    levels=None,
    cord_levels=(1, 2, 3),
    views: Iterable[str] = tuple(VIEWS),
) -> None:
    """Paint every biomarker of `values` into one drawing on `axis`; what has no value is hatched.

    Parameters
    ----------
    axis : matplotlib Axes
    values : dict of biomarker to float
    where : dict
        From `structures`.
    dotted : collection of str
        Biomarkers whose colour is not to be relied on; they are dotted.
    levels : dict of biomarker to float, optional
        Shares of the highest level, 0 to 1, of biomarkers that are on no scale of z; they have colours of their own.
    cord_levels : sequence of int
        Vertebral levels that were measured, by whose names the cord is told.
    views : iterable of str
        Those that are drawn, see `views_of`.
    """
    moved, width = placed(views)
    known = {b: places for b, places in where.items() if np.isfinite(values.get(b, np.nan))}
    colour = {place: cmap(norm(values[b])) for b, places in known.items() for place in places}
    for b, share in (levels or {}).items():
        colour |= {place: LEVEL_COLOURS(share) for place in where.get(b, ()) if np.isfinite(share)}
    vague = {place for b, places in known.items() if b in set(dotted) for place in places}
    for piece in pieces():
        if piece.view not in moved:
            continue
        fill = colour.get(piece.place)
        hatch = (HATCH if piece.width else None) if fill is None else DOTS if piece.place in vague else None
        patch = PathPatch(
            Affine2D().translate(moved[piece.view], 0).transform_path(piece.path), facecolor=EMPTY if fill is None else fill, edgecolor=EDGE, lw=piece.width, zorder=piece.order,
            hatch=hatch,
        )  # fmt: skip
        patch.set_hatch_linewidth(0.25)
        axis.add_patch(patch)
    for name, y in cord_names(cord_levels) if "cord" in moved else ():
        axis.text(VIEWS["cord"] + moved["cord"] + 0.21, y, name, ha="left", va="center", fontsize=6, zorder=3)
    axis.set(xlim=(-0.05, width), ylim=(-0.05, 1.05), aspect="equal")
    axis.axis("off")


def cord_names(cord_levels) -> list[tuple[str, float]]:
    """Names of the measured levels, and the heights at which they stand beside the cord.

    On the side where no brain is, however small; of many levels the first and the last.

    Examples
    --------
    >>> cord_names([2, 3])
    [('C2', 0.755), ('C3', 0.245)]
    """
    found = sorted(cord_levels)
    return [
        (level_names([level]), round(0.5 + (len(found) - 1 - 2 * i) * 0.51 / len(found), 4))
        for i, level in enumerate(found)
        if len(found) <= 8 or i in (0, len(found) - 1)
    ]


def _pieces(path: Outline) -> list[Outline]:
    """The closed parts of a path: a parcel seen from two sides has one for each view."""
    starts = [*np.flatnonzero(path.codes == Outline.MOVETO), len(path.codes)]
    return [Outline(path.vertices[a:b], path.codes[a:b]) for a, b in zip(starts[:-1], starts[1:], strict=True)]
