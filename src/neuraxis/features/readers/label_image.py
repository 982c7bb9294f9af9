"""Label volumes: NIfTI and MGZ."""

from __future__ import annotations

import math
from pathlib import Path

from ..images import label_volumes
from .base import Volumes

#: FreeSurfer's label of cerebrospinal fluid. SynthSeg labels all that surrounds the brain with it, a quarter of the
#: head; in aseg it is 1 cm3. Only with such a rim do the labels of a volume sum to the head's size.
CSF, RIM = 24, 0.1


def recognises(path) -> bool:
    """Anything else: whether it is an image is seen when it is opened."""
    return Path(path).suffix.lower() in (".nii", ".gz", ".mgz", ".mgh", ".img", ".hdr", "")


def read(path, labels_file=None) -> Volumes:
    """Volume of every label; the head size where the labels hold the fluid around the brain.

    SynthSeg's total intracranial volume is the sum of its labels.
    """
    volumes: dict = label_volumes(path)
    whole = sum(v for i, v in volumes.items() if not 3000 < i < 5003)
    rim = volumes.get(CSF, 0.0) > RIM * whole
    return Volumes.of_one({**volumes, "etiv": whole if rim else math.nan})
