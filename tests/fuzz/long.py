"""The long run of the fuzz harness: `make fuzz` (INPUTS=1000000, shared by the parsers), with counts as a table.

    python tests/fuzz/long.py [inputs] [seed] [minutes]

Writes benchmarks/fuzz.tsv (parser, inputs, refused, warned, same, other, foreign) and the same into docs/reliability.md, after
every tenth of the run, all parsers in turn, so that a run that is cut has looked at all of them. Ends with an error where there is
a foreign exception or an input that took too long; each kind is shown once with the file that made it.
"""

import logging
import math
import re
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
from parsers import PARSERS, ROOT, mutate, mutate_image, outcome, reference

#: How many inputs a parser gets, beside one with 1: the dear ones fewer (milliseconds an input: 7, 8, 8, 3).
WEIGHT = {"participants": 0.3, "SCT table": 0.3, "configuration": 0.3, "cord and levels": 0.5}
PARTS = 10
KINDS = ("refused", "warned", "same", "other", "foreign")


def run(inputs: int, seed: int, minutes: float) -> pd.DataFrame:
    """Counts per parser."""
    total = sum(WEIGHT.get(p.name, 1.0) for p in PARSERS)
    started, until = time.monotonic(), time.monotonic() + 60 * minutes
    counts = {p.name: dict.fromkeys(("inputs", *KINDS), 0) for p in PARSERS}
    foreign = {}
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        whole = {p.name: reference(p, Path(folder) / p.file) for p in PARSERS}
        for part in range(PARTS):
            for k, parser in enumerate(PARSERS):
                path, mine = Path(folder) / parser.file, counts[parser.name]
                wanted = math.ceil(inputs * WEIGHT.get(parser.name, 1.0) / total * (part + 1) / PARTS)
                change = mutate_image if parser.file.endswith(".nii.gz") else mutate
                while mine["inputs"] < wanted and time.monotonic() < until:
                    raw = change(parser.whole, np.random.default_rng([seed, k, mine["inputs"]]))
                    got = outcome(parser, path, raw, whole[parser.name])
                    if got.startswith("foreign"):
                        foreign.setdefault(f"{parser.name}: {got}", raw)
                    mine[got.partition(":")[0]] += 1
                    mine["inputs"] += 1
            write(pd.DataFrame.from_dict(counts, orient="index").rename_axis("parser").reset_index(), seed)
            n = sum(c["inputs"] for c in counts.values())
            print(f"{n} inputs, {len(foreign)} kinds of foreign, {time.monotonic() - started:.0f} s", flush=True)
    for what, raw in foreign.items():
        print(f"{what}\n    {raw[:2000]!r}")
    return pd.DataFrame.from_dict(counts, orient="index").rename_axis("parser").reset_index()


def write(table: pd.DataFrame, seed: int) -> None:
    """The table, and the same in the docs."""
    table.to_csv(ROOT / "benchmarks/fuzz.tsv", sep="\t", index=False)
    shown = pd.concat([table, table.sum(numeric_only=True).to_frame().T.assign(parser="all")], ignore_index=True)
    lines = ["| " + " | ".join(shown.columns) + " |", "|---" * len(shown.columns) + "|"]
    lines += ["| " + " | ".join(str(v) for v in row) + " |" for row in shown.itertuples(index=False)]
    docs = ROOT / "docs/reliability.md"
    text = docs.read_text(encoding="utf-8")
    first = f"<!-- fuzz: python tests/fuzz/long.py {shown['inputs'].iloc[-1]} {seed} -->"
    table_of = re.compile(r"<!-- fuzz: .*?<!-- /fuzz -->", re.S)
    docs.write_text(table_of.sub(lambda _: "\n".join([first, *lines, "<!-- /fuzz -->"]), text), encoding="utf-8")


if __name__ == "__main__":
    logging.getLogger("nibabel").setLevel(logging.CRITICAL)
    given = [float(a) for a in sys.argv[1:]] + [1e6, 1, 600][len(sys.argv) - 1 :]
    found = run(int(given[0]), int(given[1]), given[2])
    print(found.sum(numeric_only=True).to_string())
    sys.exit(int(found["foreign"].sum() > 0))
