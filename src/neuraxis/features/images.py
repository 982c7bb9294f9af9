"""Measures straight from label volumes and cord masks, one image in memory at a time, never more than it may have."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from ..errors import InputError, counted
from ..storage import closed

#: Most voxels of a volume: 512 x 512 x 512. A header that claims more is refused before anything is unpacked.
MOST_VOXELS = 1 << 27
#: Most different labels of a segmentation; an image with more is no segmentation.
MOST_LABELS = 20_000
#: How far from a whole number a label may lie: scaling to and from integers moves it by less than 1e-6 of the range.
NEARLY = 1e-2
#: Millimetres of a unit of length in the header; unknown counts as mm, which NIfTI files without a unit are in.
UNITS = {"mm": 1.0, "unknown": 1.0, "micron": 1e-3, "meter": 1e3}
#: Edges of voxels, mm, beyond which no scan of a living human lies.
SMALLEST_EDGE, LARGEST_EDGE = 0.02, 50.0
PIECE = 1 << 20


def _open(path) -> tuple[Any, np.ndarray]:
    """An image that is not yet read, and its affine in mm.

    Raises
    ------
    InputError
        No image, no usable affine, voxels that are no plain numbers.
    """
    path = Path(path)
    if words := closed(path):
        raise InputError(f"{path} cannot be read: {words}")
    if not path.exists():
        raise InputError(f"{path}: no such image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = nib.load(path)
            affine = np.array(image.affine, dtype=float)
            dtype = np.dtype(image.get_data_dtype())
            shape = tuple(int(n) for n in image.shape)
            unit = image.header.get_xyzt_units()[0] if hasattr(image.header, "get_xyzt_units") else "mm"
    except Exception as error:
        raise InputError(f"{path} cannot be read: {error}; copy or segment it again") from None
    if dtype.kind not in "biuf":
        raise InputError(
            f"{path} holds {'colours' if dtype.names else dtype}, not plain numbers; a segmentation has one label"
        )
    if affine.shape != (4, 4) or not np.isfinite(affine).all():
        raise InputError(f"{path}: the affine in the header is not finite; write the image again with a valid one")
    affine[:3, :3] *= UNITS.get(unit, 1.0)
    affine[:3, 3] *= UNITS.get(unit, 1.0)
    edges = np.linalg.norm(affine[:3, :3], axis=0)
    if not (edges > 0).all() or voxel_volume(affine) < 1e-3 * np.prod(edges):
        raise InputError(f"{path}: the affine in the header is singular (a voxel without size); write the image again")
    if edges.min() < SMALLEST_EDGE or edges.max() > LARGEST_EDGE:
        raise InputError(
            f"{path}: voxels of {' x '.join(f'{e:.3g}' for e in edges)} mm; the header's unit ({unit}) or affine is wrong"
        )
    zooms = _pixdim(image) * UNITS.get(unit, 1.0)
    if zooms.size and np.abs(zooms / edges - 1).max() > 0.02:
        raise InputError(
            f"{path}: the header says voxels of {' x '.join(f'{z:.3g}' for z in zooms)} mm (pixdim) and of "
            f"{' x '.join(f'{e:.3g}' for e in edges)} mm (sform); volumes in which of them? Write it again with one"
        )
    if len(shape) < 3 or 0 in shape:
        raise InputError(f"{path} has shape {shape}; a 3-D volume is needed")
    voxels = float(np.prod([float(n) for n in shape[:3]]))
    if voxels > MOST_VOXELS:
        raise InputError(f"{path} claims shape {shape}, {voxels:.3g} voxels; more than 512 x 512 x 512 are not read")
    return image, affine


def _pixdim(image) -> np.ndarray:
    """Voxel sizes that a NIfTI header states beside its sform, (3,); empty where there are none of their own."""
    header = image.header
    if "pixdim" not in header or "sform_code" not in header or not int(header["sform_code"]):
        return np.empty(0)
    sizes = np.abs(np.asarray(header["pixdim"][1:4], dtype=float))
    return sizes if np.isfinite(sizes).all() and (sizes > 0).all() else np.empty(0)


def _voxels(path, image, part=None) -> np.ndarray:
    """Values of an image, or of one volume of it."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return np.asanyarray(image.dataobj if part is None else image.dataobj[..., part])
    except Exception as error:
        raise InputError(f"{path} cannot be read: {error}; copy or segment it again") from None


def load_image(path) -> tuple[np.ndarray, np.ndarray]:
    """Voxels and affine (mm, whatever unit the header has) of a NIfTI or MGZ file.

    Raises
    ------
    InputError
        It cannot be read, is empty, larger than 512 x 512 x 512, holds colours or complex numbers, or its affine is zero,
        singular or not finite.
    """
    image, affine = _open(path)
    if any(n != 1 for n in image.shape[3:]):
        raise InputError(f"{path} has shape {tuple(image.shape)}; a 3-D volume is needed")
    data = _voxels(path, image)
    return data.reshape(data.shape[:3]), affine


def voxel_volume(affine: np.ndarray) -> float:
    """Volume of a voxel in mm3, for any orientation: |det| of the affine's 3 x 3 part."""
    return float(abs(np.linalg.det(affine[:3, :3])))


def whole_numbers(data: np.ndarray, path) -> np.ndarray:
    """Labels as whole numbers: values within 1e-2 of one are it, because scaled files hold 2.9999 for 3.

    Raises
    ------
    InputError
        NaN, real fractions, negative labels, labels above 2**31 - 1.
    """
    if data.dtype.kind == "f":
        out = np.empty(data.shape, np.int32)
        flat, into = data.reshape(-1), out.reshape(-1)
        for i in range(0, flat.size, PIECE):
            piece = flat[i : i + PIECE]
            if not np.isfinite(piece).all():
                raise InputError(f"{path} holds NaN or infinite voxels")
            whole = np.rint(piece)
            if np.abs(piece - whole).max() > NEARLY:
                raise InputError(f"{path} holds fractions; a label volume has whole numbers")
            if whole.max() > 2**31 - 1 or whole.min() < 0:
                raise InputError(f"{path} holds negative labels or labels above 2147483647")
            into[i : i + PIECE] = whole
        return out
    if data.dtype.kind == "i" and data.size and data.min() < 0:
        raise InputError(f"{path} holds negative labels")
    if data.dtype.itemsize > 4 or data.dtype.kind == "u" and data.dtype.itemsize == 4:
        if data.size and int(data.max()) > 2**31 - 1:
            raise InputError(f"{path} holds labels above 2147483647")
    return data


def label_counts(data: np.ndarray, path) -> dict[int, int]:
    """Voxels of every label above 0, counted in pieces so that no label, however large, costs memory.

    Raises
    ------
    InputError
        More than 20,000 different ones.
    """
    counts: dict[int, int] = {}
    flat = data.reshape(-1)
    for i in range(0, flat.size, PIECE):
        piece = flat[i : i + PIECE]
        high = int(piece.max())
        if high < 1 << 16:
            found = np.bincount(piece.astype(np.intp), minlength=1)
            labels = np.flatnonzero(found)
            found = found[labels]
        else:
            labels, found = np.unique(piece, return_counts=True)
        for label, n in zip(labels.tolist(), found.tolist(), strict=True):
            counts[label] = counts.get(label, 0) + n
        if len(counts) > MOST_LABELS:
            raise InputError(f"{path} holds more than {MOST_LABELS} different labels; is it a segmentation?")
    counts.pop(0, None)
    return counts


def label_volumes(path) -> dict[int, float]:
    """Volume in mm3 of every label in a label volume.

    Raises
    ------
    InputError
        See `load_image` and `whole_numbers`; no voxel with a label.
    """
    data, affine = load_image(path)
    counts = label_counts(whole_numbers(data, path), path)
    if not counts:
        raise InputError(f"{path} is empty: no voxel carries a label")
    size = voxel_volume(affine)
    return fold_white_matter({int(i): float(n) * size for i, n in sorted(counts.items())})


def fold_white_matter(volumes: dict) -> dict:
    """Give the parcels of FreeSurfer's wmparc back to the white matter they were cut from (labels 2 and 41)."""
    for whole, first, rest in ((2, 3000, 5001), (41, 4000, 5002)):
        parts = [i for i in volumes if isinstance(i, int) and (first < i < first + 1000 or i == rest)]
        if parts:
            volumes[whole] = volumes.get(whole, 0.0) + sum(volumes[i] for i in parts)
    return volumes


def map_volume(path) -> float:
    """Volume in mm3 of a posterior or partial-volume map: the sum of its fractions times the voxel volume.

    ``path#3`` takes volume 3 (from 0) of a 4-D file, as posteriors of several structures are written.

    Raises
    ------
    InputError
        See `load_image`; a volume that is not there, NaN, or values outside 0..1.
    """
    file, _, which = str(path).partition("#")
    path = Path(file)
    image, affine = _open(path)
    shape = tuple(image.shape)
    if which:
        if not which.isdigit() or len(shape) != 4 or int(which) >= shape[3]:
            raise InputError(f"{path} has shape {shape}; there is no volume {which}")
        data = _voxels(path, image, int(which))
    elif any(n != 1 for n in shape[3:]):
        raise InputError(f"{path} has shape {shape}; write {path.name}#0, #1, ... for one volume of a 4-D file")
    else:
        data = _voxels(path, image)
    low, high = float(data.min()), float(data.max())
    if not (np.isfinite(low) and np.isfinite(high)) or low < -1e-3 or high > 1.0 + 1e-3:
        raise InputError(f"{path} holds values from {low:g} to {high:g}; a posterior map has fractions from 0 to 1")
    return float(data.sum(dtype=float)) * voxel_volume(affine)


def _one_grid(mask_path, mask_shape, mask_affine, label_path, label_shape, label_affine) -> None:
    """Refuse two images whose voxels are not the same places.

    Raises
    ------
    InputError
    """
    if mask_shape != label_shape:
        raise InputError(f"{mask_path} has shape {mask_shape}, {label_path} {label_shape}; they must share a grid")
    corners = np.array(
        [[i, j, k, 1] for i in (0, mask_shape[0]) for j in (0, mask_shape[1]) for k in (0, mask_shape[2])]
    )
    apart = np.abs(corners @ (mask_affine - label_affine).T).max()
    edge = np.linalg.norm(mask_affine[:3, :3], axis=0).min()
    if apart > 0.5 * edge:
        raise InputError(
            f"{mask_path} and {label_path} have one shape, but their voxels lie up to {apart:.3g} mm apart; "
            "they must share a grid: resample one to the other"
        )


def cord_area(mask_path, levels_path, levels=(1, 2, 3)) -> tuple[float, int]:
    """Mean cross-sectional area (mm2) of the cord over vertebral levels, and the number of slices.

    Area per slice along the axis closest to head-foot, times the cosine of the angle between the slice's
    normal and the centreline, which is a smoothed polynomial through the slices' centres; first averaged
    over the slices of a level, then over levels. Level images that were scaled (2.9999 for 3) are rounded.

    Raises
    ------
    InputError
        Masks and levels on different grids, an empty mask, levels that are no whole numbers, or one that is not covered.
    """
    mask, affine = load_image(mask_path)
    label, other = load_image(levels_path)
    _one_grid(mask_path, mask.shape, affine, levels_path, label.shape, other)
    if mask.dtype.kind == "f" and not np.isfinite(mask).all():
        raise InputError(f"{mask_path} holds NaN or infinite voxels")
    label = whole_numbers(label, levels_path)
    axis = int(np.argmax(np.abs(affine[2, :3] / np.linalg.norm(affine[:3, :3], axis=0))))
    mask = np.moveaxis(mask, axis, 2) > 0.5
    label = np.moveaxis(label, axis, 2)
    columns = [a for a in range(3) if a != axis] + [axis]
    directions = affine[:3, :3][:, columns]
    filled = np.flatnonzero(mask.any(axis=(0, 1)))
    if filled.size < 3:
        raise InputError(f"{mask_path}: the cord covers {counted(filled.size, 'slice')}; at least 3 are needed")
    area = mask[:, :, filled].sum(axis=(0, 1)) * np.linalg.norm(np.cross(directions[:, 0], directions[:, 1]))
    i, j = (np.asarray(n) for n in np.indices(mask.shape[:2]))
    centres = np.array([[i[mask[:, :, k]].mean(), j[mask[:, :, k]].mean(), k] for k in filled]) @ directions.T
    along = filled * np.linalg.norm(directions[:, 2])
    degree = min(3, filled.size - 1)
    tangent = np.stack(
        [np.polynomial.Polynomial.fit(along, centres[:, d], degree).deriv()(along) for d in range(3)], axis=1
    )
    normal = np.cross(directions[:, 0], directions[:, 1])
    cosine = np.abs(tangent @ normal) / (np.linalg.norm(tangent, axis=1) * np.linalg.norm(normal))
    area = area * cosine
    of_slice = np.array([_majority(label[:, :, k][mask[:, :, k]]) for k in filled])
    absent = [level for level in levels if not (of_slice == level).any()]
    if absent:
        raise InputError(
            f"{levels_path}: vertebral level {', '.join(f'C{v}' for v in absent)} is not covered by the cord mask; "
            "choose covered levels in features.cord_levels"
        )
    if all((label == level).sum() == 1 for level in levels):
        raise InputError(
            f"{levels_path}: every level is a single voxel; these are labels of discs, and cord areas need the image of "
            "levels (sct_label_vertebrae's ..._seg_labeled.nii.gz)"
        )
    means = [area[of_slice == level].mean() for level in levels]
    mean = float(np.mean(means))
    if not np.isfinite(mean) or mean <= 0:
        raise InputError(f"{mask_path}: the cord's area cannot be told (its centreline has no direction)")
    return mean, int(np.isin(of_slice, levels).sum())


def _majority(values: np.ndarray) -> int:
    """Most frequent label above 0, 0 where there is none."""
    values = values[values > 0]
    if not values.size:
        return 0
    labels, counts = np.unique(values, return_counts=True)
    return int(labels[counts.argmax()])
