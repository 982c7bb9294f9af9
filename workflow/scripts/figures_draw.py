"""Draw the declared figures of one scope: of a disease, of the controls, or of all diseases."""

from pathlib import Path

from neuraxis.figures.study import draw
from neuraxis.job import as_list, start

if __name__ == "__main__":
    start(snakemake)
    given = dict(snakemake.input.items())
    tables = dict(zip(snakemake.params.tables, as_list(given["tables"]), strict=True))
    draw(
        {name: Path(path) for name, path in snakemake.output.items()},
        tables=tables,
        title=snakemake.params.title,
        simulated=snakemake.params.simulated,
        name=snakemake.params.get("disease", ""),
        outcomes=snakemake.params.get("outcomes", ()),
        control=snakemake.params.get("control", ""),
        biomarkers=given["biomarkers"],
        label_names=given["label_names"],
        participants=given.get("participants"),
        maps=as_list(given.get("maps")),
        model=given.get("model"),
        cord_levels=snakemake.params.cord_levels,
        event_colours=snakemake.params.get("event_colours", "safe"),
    )
