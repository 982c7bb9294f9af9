"""Speed of measuring label volumes and of simulating the cohort, one core; writes benchmarks/features.tsv.

python benchmarks/features.py
"""

import resource
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

from neuraxis.cohort.phantoms import write_phantoms
from neuraxis.cohort.simulated import simulate_cohort
from neuraxis.features.images import label_volumes
from neuraxis.streams import stream
from neuraxis.tables import write_table

ROOT = Path(__file__).parents[1]


def ellipsoids(shape=(256, 256, 256)):
    """A label volume of a head's layout: nested and neighbouring blobs of FreeSurfer's ids in a large background."""
    rng = stream(1, "benchmark volume")
    grid = np.stack(np.meshgrid(*[np.arange(n) - n / 2 for n in shape], indexing="ij"))
    volume = np.zeros(shape, np.int16)
    labels = [2, 41, 3, 42, *range(1001, 1036), *range(2001, 2036), 10, 49, 11, 50, 12, 51, 16, 7, 8, 46, 47]
    for i, label in enumerate(labels):
        centre = rng.normal(0, 25, 3)
        radius = 60.0 if i < 4 else rng.uniform(8, 20)
        volume[((grid - centre[:, None, None, None]) ** 2).sum(axis=0) < radius**2] = label
    return volume


if __name__ == "__main__":
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        volume = ellipsoids()
        for name, kind in (("nii.gz", np.int16), ("nii", np.int16), ("mgz", np.int32)):
            path = Path(folder) / f"x.{name}"
            image = nib.MGHImage if name == "mgz" else nib.Nifti1Image
            nib.save(image(volume.astype(kind), np.eye(4)), path)
            label_volumes(path)
            times = []
            for _ in range(5):
                t = time.perf_counter()
                label_volumes(path)
                times.append(time.perf_counter() - t)
            rows.append((f"256 x 256 x 256 label volume, {name}", 1 / np.median(times), "volumes/s"))
        t = time.perf_counter()
        cohort = simulate_cohort(ROOT / "resources", seed=1)
        rows.append(("draw the full cohort", time.perf_counter() - t, "s"))
        part = cohort.measures.iloc[::20]
        t = time.perf_counter()
        write_phantoms(part, ROOT / "resources" / "biomarkers.tsv", Path(folder) / "phantoms", seed=1)
        seconds = (time.perf_counter() - t) * len(cohort.measures) / len(part)
        size = sum(f.stat().st_size for f in (Path(folder) / "phantoms").iterdir()) * len(cohort.measures) / len(part)
        rows.append((f"write its {len(cohort.measures)} scans as phantoms, from every 20th", seconds, "s"))
        rows.append(("their size", size / 1e6, "MB"))
    rows.append(("peak memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB"))
    table = pd.DataFrame(rows, columns=["what", "value", "unit"])
    write_table(table, Path(__file__).with_name("features.tsv"))
    print(table.to_string(index=False))
