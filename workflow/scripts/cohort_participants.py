"""Check the participants and all tables about them, match every id; write who takes part."""

from pathlib import Path

import yaml

from neuraxis.cohort.participants import gather_cohort, listed_people
from neuraxis.features.combine import count_ids
from neuraxis.job import as_list, settings, start
from neuraxis.schema import save
from neuraxis.tables import read_cells

if __name__ == "__main__":
    start(snakemake)
    i, p = snakemake.input, settings(snakemake)
    p.pop("images", None)  # only there so that a new or removed image is noticed
    joined = p.pop("joined")
    cells = read_cells(i.participants)
    tables = gather_cohort(
        i.participants,
        yaml.safe_load(Path(i.schema).read_text(encoding="utf-8")),
        phenotype=as_list(i.get("phenotype")),
        **{k: str(i.get(k) or "") for k in ("sessions", "visits", "relapses")},
        cells=cells,
        **p,
    )
    tables["ids"] = count_ids(joined, listed_people(i.participants, cells))
    for name, path in snakemake.output.items():
        save(tables[name], path)
