"""NIfTI phantoms in which every region has its simulated volume and the cord its simulated area."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

from ..features.biomarkers import read_biomarkers
from ..tables import aside

#: Edge of the phantoms' cubic voxels, mm.
VOXEL = 2.0
CORD_VOXEL = (0.5, 0.5, 2.0)
CORD_LEVELS = (1, 2, 3)
SLICES_PER_LEVEL = 6
CSF = 24


def label_phantom(measures: pd.Series, biomarkers: pd.DataFrame) -> nib.Nifti1Image:
    """Label volume (int16) filled region after region; CSF tops the sum up to the intracranial volume.

    A biomarker's volume is shared evenly by its labels, so left and right and the parcels of a lobe are
    there; the rounding of each label is at most half a voxel, that of their sum kept at half a voxel.
    """
    labels, counts = [], []
    unit = VOXEL**3
    for row in biomarkers[biomarkers["kind"] == "labels"].itertuples():
        ids = [i for i in row.labels if i not in (77, 78, 79, 251, 252, 253, 254, 255)]
        total = round(measures[row.biomarker] / unit)
        edges = np.round(np.linspace(0, total, len(ids) + 1)).astype(int)
        labels += ids
        counts += np.diff(edges).tolist()
    labels.append(CSF)
    counts.append(max(0, round(measures["etiv"] / unit) - sum(counts)))
    flat = np.repeat(np.array(labels, np.int16), counts)
    side = int(np.ceil(flat.size ** (1 / 3)))
    volume = np.zeros(side**3, np.int16)
    volume[: flat.size] = flat
    affine = np.diag([-VOXEL, VOXEL, VOXEL, 1.0])
    return nib.Nifti1Image(volume.reshape(side, side, side, order="F"), affine)


def cord_phantom(area: float, tilt: float) -> tuple[nib.Nifti1Image, nib.Nifti1Image]:
    """Cord mask and vertebral levels: a cylinder of cross-section `area` (mm2) leaning by `tilt` radians."""
    n_slices = SLICES_PER_LEVEL * len(CORD_LEVELS)
    shape = (48, 64, n_slices)
    mask = np.zeros(shape, np.uint8)
    levels = np.zeros(shape, np.uint8)
    x = (np.arange(shape[0]) - shape[0] / 2 + 0.5) * CORD_VOXEL[0]
    y = (np.arange(shape[1]) - shape[1] / 2 + 0.5) * CORD_VOXEL[1]
    # an oblique cut through a cylinder is larger by 1 / cos(tilt)
    count = round(area / np.cos(tilt) / (CORD_VOXEL[0] * CORD_VOXEL[1]))
    for k in range(n_slices):
        centre = (k - n_slices / 2) * CORD_VOXEL[2] * np.tan(tilt)
        distance = (x[:, None] ** 2 + ((y[None, :] - centre) * np.cos(tilt)) ** 2).ravel()
        inside = np.argpartition(distance, count)[:count]
        piece = np.zeros(distance.size, np.uint8)
        piece[inside] = 1
        mask[:, :, k] = piece.reshape(shape[:2])
        # first level on top: slices run from the feet upwards
        levels[:, :, k] = mask[:, :, k] * CORD_LEVELS[len(CORD_LEVELS) - 1 - k // SLICES_PER_LEVEL]
    affine = np.diag([-CORD_VOXEL[0], CORD_VOXEL[1], CORD_VOXEL[2], 1.0])
    return nib.Nifti1Image(mask, affine), nib.Nifti1Image(levels, affine)


def write_phantoms(measures: pd.DataFrame, biomarkers_file, folder, *, seed: int) -> None:
    """Write label volume, cord mask and cord levels of every row of `measures` into `folder`."""
    from ..sustain import stream

    biomarkers = read_biomarkers(biomarkers_file)
    folder = Path(folder)
    for row in measures.itertuples(index=False):
        person = row.participant_id
        values = pd.Series(row._asdict())
        tilt = stream(seed, "tilt", person).uniform(0, 0.3)
        mask, levels = cord_phantom(values["cord_csa"], tilt)
        for image, name in (
            (label_phantom(values, biomarkers), "desc-SIMULATED_dseg"),
            (mask, "desc-SIMULATED_label-cord_mask"),
            (levels, "desc-SIMULATED_label-levels_dseg"),
        ):
            with aside(folder / f"{person}_{name}.nii.gz") as part:
                part.write_bytes(compress(image.to_bytes()))


def compress(data: bytes) -> bytes:
    """gzip at the fastest level, without a time stamp, so that equal images are equal files."""
    import gzip

    return gzip.compress(data, compresslevel=1, mtime=0)
