"""One reader per format, behind one registry: which of them knows a path, and what it reads there.

A new format is a module with ``recognises(path)`` and ``read(path, labels_file) -> Volumes``, and a line in `READERS`.
"""

from __future__ import annotations

from ...errors import InputError
from . import cat12, freesurfer, label_image, sct, volume_tables
from .base import Volumes

#: Asked in this order.
READERS = (cat12, sct, volume_tables, freesurfer, label_image)


def read(path, labels_file) -> Volumes:
    """Read one file or folder with the reader of its format.

    Parameters
    ----------
    path : path
    labels_file : path
        Table of label ids and names, such as resources/labels.tsv.

    Returns
    -------
    Volumes

    Raises
    ------
    InputError
        No reader knows it, or the reader refuses it.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import nibabel
    >>> import numpy as np
    >>> from neuraxis.home import workflow_home
    >>> path = Path(tempfile.mkdtemp(), "aseg.nii.gz")
    >>> voxels = np.zeros((20, 20, 20), np.int32)
    >>> voxels[:5] = 10
    >>> nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), path)
    >>> float(read(path, workflow_home() / "resources/labels.tsv").one()[10])
    2000.0
    """
    for reader in READERS:
        if reader.recognises(path):
            return reader.read(path, labels_file)
    names = ", ".join(r.__name__.rpartition(".")[2] for r in READERS)
    raise InputError(f"{path}: no reader knows this kind of file ({names})")
