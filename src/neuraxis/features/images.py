"""Measures straight from label volumes and cord masks, one image in memory at a time."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from ..errors import InputError


def load_image(path) -> tuple[np.ndarray, np.ndarray]:
    """Voxels and affine of a NIfTI or MGZ file; InputError where it cannot be read or is empty."""
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such image")
    try:
        image = nib.load(path)
        data = np.asanyarray(image.dataobj)
    except Exception as error:
        raise InputError(f"{path} cannot be read: {error}; copy or segment it again") from None
    if data.ndim == 4 and data.shape[3] == 1:
        data = data[..., 0]
    if data.ndim != 3 or data.size == 0:
        raise InputError(f"{path} has shape {data.shape}; a 3-D volume is needed")
    return data, image.affine


def voxel_volume(affine: np.ndarray) -> float:
    """Volume of a voxel in mm3, for any orientation: |det| of the affine's 3 x 3 part."""
    return float(abs(np.linalg.det(affine[:3, :3])))


def label_volumes(path) -> dict[int, float]:
    """Volume in mm3 of every label in a label volume.

    Raises
    ------
    InputError
        Unreadable or empty images, NaN, or values that are not whole numbers.
    """
    data, affine = load_image(path)
    if data.dtype.kind == "f":
        whole = np.rint(data)
        if not np.isfinite(data).all():
            raise InputError(f"{path} holds NaN or infinite voxels")
        if not np.array_equal(whole, data):
            raise InputError(f"{path} holds fractions; a label volume has whole numbers")
        data = whole.astype(np.int32)
    data = data.ravel()
    if data.min() < 0:
        raise InputError(f"{path} holds negative labels")
    # in pieces, because bincount makes a copy of 8 bytes a voxel
    counts = np.zeros(int(data.max()) + 1, np.int64)
    for i in range(0, data.size, 1 << 20):
        counts += np.bincount(data[i : i + (1 << 20)].astype(np.intp), minlength=counts.size)
    labels = np.flatnonzero(counts)
    labels = labels[labels > 0]
    if labels.size == 0:
        raise InputError(f"{path} is empty: no voxel carries a label")
    size = voxel_volume(affine)
    return fold_white_matter({int(i): float(counts[i]) * size for i in labels})


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
        Unreadable images, a volume that is not there, NaN, or values outside 0..1.
    """
    file, _, number = str(path).partition("#")
    path = Path(file)
    if not path.exists():
        raise InputError(f"{path}: no such image")
    try:
        image = nib.load(path)
        if number:
            if image.ndim != 4 or int(number) >= image.shape[3]:
                raise InputError(f"{path} has shape {image.shape}; there is no volume {number}")
            data = np.asanyarray(image.dataobj[..., int(number)])
        else:
            data = np.asanyarray(image.dataobj)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path} cannot be read: {error}; copy or segment it again") from None
    if data.size == 0 or data.ndim - (data.shape[-1] == 1) > 3:
        raise InputError(f"{path} has shape {data.shape}; write {path.name}#0, #1, ... for one volume of a 4-D file")
    low, high = float(data.min()), float(data.max())
    if not (np.isfinite(low) and np.isfinite(high)) or low < -1e-3 or high > 1.0 + 1e-3:
        raise InputError(f"{path} holds values from {low:g} to {high:g}; a posterior map has fractions from 0 to 1")
    return float(data.sum(dtype=float)) * voxel_volume(image.affine)


def cord_area(mask_path, levels_path, levels=(1, 2, 3)) -> tuple[float, int]:
    """Mean cross-sectional area (mm2) of the cord over vertebral levels, and the number of slices.

    Area per slice along the axis closest to head-foot, times the cosine of the angle between the slice's
    normal and the centreline, which is a smoothed polynomial through the slices' centres; first averaged
    over the slices of a level, then over levels.

    Raises
    ------
    InputError
        Masks and levels of different shape, an empty mask, or a level that is not covered.
    """
    mask, affine = load_image(mask_path)
    label, _ = load_image(levels_path)
    if mask.shape != label.shape:
        raise InputError(f"{mask_path} has shape {mask.shape}, {levels_path} {label.shape}; they must share a grid")
    axis = int(np.argmax(np.abs(affine[2, :3] / np.linalg.norm(affine[:3, :3], axis=0))))
    mask = np.moveaxis(mask, axis, 2) > 0.5
    label = np.moveaxis(label, axis, 2)
    columns = [a for a in range(3) if a != axis] + [axis]
    directions = affine[:3, :3][:, columns]
    filled = np.flatnonzero(mask.any(axis=(0, 1)))
    if filled.size < 3:
        raise InputError(f"{mask_path}: the cord covers {filled.size} slices; at least 3 are needed")
    area = mask[:, :, filled].sum(axis=(0, 1)) * np.linalg.norm(np.cross(directions[:, 0], directions[:, 1]))
    i, j = np.indices(mask.shape[:2])
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
    means = [area[of_slice == level].mean() for level in levels]
    return float(np.mean(means)), int(np.isin(of_slice, levels).sum())


def _majority(values: np.ndarray) -> int:
    """Most frequent positive whole number, 0 where there is none."""
    values = values[values > 0].astype(np.int64)
    return int(np.bincount(values).argmax()) if values.size else 0
