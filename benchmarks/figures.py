"""What all figures of a finished study take: seconds of the clock and of the processor, job by job and together.

    python benchmarks/figures.py STUDY   # from STUDY/benchmarks/runs/figures, writes benchmarks/figures.tsv

Snakemake measured them while the study ran, two jobs at a time on two cores, with whatever else ran beside them: seconds of
the clock together are those that the jobs would take one after another, so no fewer than the figures took.
"""

import json
import sys
from pathlib import Path

import pandas as pd

OUT = Path(__file__).with_suffix(".tsv")


def main(study: Path) -> None:
    """Gather the jobs of one study."""
    rows = []
    for path in sorted((study / "benchmarks/runs/figures").glob("*.tsv")):
        one = pd.read_csv(path, sep="\t").iloc[-1]
        rows.append({"job": path.stem, "clock_s": one["s"], "cpu_s": one["cpu_time"], "max_rss_mb": one["max_rss"]})
    table = pd.DataFrame(rows)
    whole = {"job": "all", "clock_s": table["clock_s"].sum(), "cpu_s": table["cpu_s"].sum(), "max_rss_mb": table["max_rss_mb"].max()}  # fmt: skip
    table = pd.concat([table, pd.DataFrame([whole])], ignore_index=True).round(1)
    commit = json.loads((study / "results/provenance.json").read_text())["commit"]
    table.assign(commit=commit[:12]).to_csv(OUT, sep="\t", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
