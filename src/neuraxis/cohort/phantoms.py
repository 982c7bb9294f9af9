"""The simulated people as files: NIfTI phantoms of exact volumes, or FreeSurfer stats and an SCT table."""

from __future__ import annotations

import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

from ..biomarkers import INSIDE_WHITE_MATTER, read_biomarkers
from ..streams import stream
from ..tables import aside
from .ids import scan_stem

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
        ids = [i for i in row.labels if i not in INSIDE_WHITE_MATTER]
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
    biomarkers = read_biomarkers(biomarkers_file)
    folder = Path(folder)
    for row in measures.itertuples(index=False):
        values = pd.Series(row._asdict())
        tilt = stream(seed, "tilt", row.participant_id).uniform(0, 0.3)
        mask, levels = cord_phantom(values["cord_csa"], tilt)
        for image, name in (
            (label_phantom(values, biomarkers), "desc-SIMULATED_dseg"),
            (mask, "desc-SIMULATED_label-cord_mask"),
            (levels, "desc-SIMULATED_label-levels_dseg"),
        ):
            with aside(folder / f"{scan_stem(row.participant_id, row.session_id)}_{name}.nii.gz", many=True) as part:
                part.write_bytes(compress(image.to_bytes()))
    os.sync()


def write_stats(measures: pd.DataFrame, biomarkers_file, labels_file, folder) -> None:
    """Write FreeSurfer stats folders, one per scan, and one SCT table of cord areas (SIMULATED_sct.csv).

    aseg.stats holds the subcortical labels as rows and the white matter and head size in its header, as FreeSurfer
    writes them; ``?h.aparc.stats`` hold the parcels.
    """
    biomarkers = read_biomarkers(biomarkers_file)
    name_of = pd.read_csv(labels_file, sep="\t").set_index("label")["name"]
    folder = Path(folder)
    cord = ["Timestamp,SCT Version,Filename,Slice (I->S),VertLevel,MEAN(area),STD(area)"]
    for row in measures.itertuples(index=False):
        volumes: dict[int, float] = {}
        for b in biomarkers[biomarkers["kind"] == "labels"].itertuples():
            ids = [i for i in b.labels if i not in INSIDE_WHITE_MATTER]
            volumes |= dict.fromkeys(ids, getattr(row, b.biomarker) / len(ids))
        stats = folder / f"{scan_stem(row.participant_id, row.session_id)}_SIMULATED" / "stats"
        head = "# Title Segmentation Statistics\n# SIMULATED: no person was measured\n"
        aseg = head + "".join(
            f"# Measure {key}, {key}Vol, {long}, {value:.6f}, mm^3\n"
            for key, long, value in (
                ("lhCerebralWhiteMatter", "Left hemisphere cerebral white matter volume", volumes.pop(2, 0.0)),
                ("rhCerebralWhiteMatter", "Right hemisphere cerebral white matter volume", volumes.pop(41, 0.0)),
            )
        )
        aseg += (
            "# Measure EstimatedTotalIntraCranialVol, eTIV, Estimated Total Intracranial Volume, "
            f"{row.etiv_measured:.6f}, mm^3\n"
        )
        aseg += "# ColHeaders  Index SegId NVoxels Volume_mm3 StructName\n"
        below = {i: v for i, v in volumes.items() if i < 1000}
        for n, (i, v) in enumerate(sorted(below.items()), 1):
            aseg += f"{n:3d} {i:3d} {round(v):8d} {v:12.3f}  {name_of[i]}\n"
        texts = {"aseg.stats": aseg}
        for side, base in (("lh", 1000), ("rh", 2000)):
            lines = head + "# ColHeaders StructName NumVert SurfArea GrayVol ThickAvg\n"
            for i, v in sorted(volumes.items()):
                if base <= i < base + 1000:
                    area = v / 2.5
                    lines += f"{name_of[i].removeprefix(f'ctx-{side}-'):30s} {round(area):6d} {round(area):6d} {v:10.3f} 2.500\n"
            texts[f"{side}.aparc.stats"] = lines
        for name, text in texts.items():
            with aside(stats / name, many=True) as part:
                part.write_text(text, encoding="utf-8")
        cord += [
            f"SIMULATED,SIMULATED,/SIMULATED/{scan_stem(row.participant_id, row.session_id)}_seg.nii.gz,,{level},{row.cord_csa:.6f},0.0"
            for level in CORD_LEVELS
        ]
    with aside(folder / "SIMULATED_sct.csv") as part:
        part.write_text("\n".join(cord) + "\n", encoding="utf-8")


def compress(data: bytes) -> bytes:
    """gzip at the fastest level, without a time stamp, so that equal images are equal files."""
    import gzip

    return gzip.compress(data, compresslevel=1, mtime=0)
