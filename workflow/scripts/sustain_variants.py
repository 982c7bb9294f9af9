"""Selection tables of all variants side by side, on one scale."""

import pandas as pd

from neuraxis.job import start
from neuraxis.sustain import selection_table
from neuraxis.tables import read_table, write_table


def run(tables: dict[str, str], out) -> None:
    parts = []
    for variant, path in tables.items():
        held = read_table(path)
        lpd = {int(c[1:]): held[c].to_numpy(float) for c in held.columns if c.startswith("k")}
        table = selection_table(lpd, held["gaussian"].to_numpy(float) if held["gaussian"].notna().all() else None)
        parts.append(table[table["n_subtypes"] >= 0].assign(variant=variant))
    both = pd.concat(parts, ignore_index=True)
    both = both[
        ["variant", "n_subtypes", "heldout_loglik", "cvic", "cvic_se", "gap_cvic", "gap_se", "chosen", "reason"]
    ]
    write_table(both, out)


if __name__ == "__main__":
    start(snakemake)
    i, p = snakemake.input, snakemake.params
    tables = [i.tables] if isinstance(i.tables, str) else list(i.tables)
    run({p.main: i.main, **dict(zip(p.variants, tables, strict=True))}, snakemake.output.variants)
