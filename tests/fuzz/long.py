"""The long run of the fuzz harness: `make fuzz` (N=1000000 inputs, shared by the parsers), with counts as a table.

    python tests/fuzz/long.py [inputs] [seed] [minutes]

Writes benchmarks/fuzz.tsv: parser, inputs, refused, warned, same, other, foreign. Ends with an error where there is a
foreign exception; each kind is shown once with the file that made it.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
from parsers import PARSERS, ROOT, mutate, mutate_image, outcome, reference

#: Images cost ten times what text does.
WEIGHT = {"label image": 0.3, "cord and levels": 0.3, "posterior map": 0.3}


def run(inputs: int, seed: int, minutes: float) -> pd.DataFrame:
    """Counts per parser."""
    total = sum(WEIGHT.get(p.name, 1.0) for p in PARSERS)
    until = time.monotonic() + 60 * minutes
    rows, foreign = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for k, parser in enumerate(PARSERS):
            path = Path(folder) / parser.file
            whole = reference(parser, path)
            n = round(inputs * WEIGHT.get(parser.name, 1.0) / total)
            stop = time.monotonic() + (until - time.monotonic()) / (len(PARSERS) - k)
            counts = dict.fromkeys(["refused", "warned", "same", "other", "foreign"], 0)
            done = 0
            change = mutate_image if parser.file.endswith(".nii.gz") else mutate
            while done < n and time.monotonic() < stop:
                raw = change(parser.whole, np.random.default_rng([seed, k, done]))
                got = outcome(parser, path, raw, whole)
                if got.startswith("foreign"):
                    foreign.setdefault(f"{parser.name}: {got}", raw)
                counts[got.partition(":")[0]] += 1
                done += 1
            rows.append({"parser": parser.name, "inputs": done, **counts})
            print(rows[-1], flush=True)
    for what, raw in foreign.items():
        print(f"{what}\n    {raw[:300]!r}")
    return pd.DataFrame(rows)


if __name__ == "__main__":
    given = [float(a) for a in sys.argv[1:]] + [1e6, 1, 600][len(sys.argv) - 1 :]
    table = run(int(given[0]), int(given[1]), given[2])
    table.to_csv(ROOT / "benchmarks/fuzz.tsv", sep="\t", index=False)
    print(table.sum(numeric_only=True).to_string())
    sys.exit(int(table["foreign"].sum() > 0))
