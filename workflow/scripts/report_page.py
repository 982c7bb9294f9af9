"""Write the page and the data dictionary."""

from pathlib import Path

from neuraxis.job import start
from neuraxis.report.page import write_dictionary, write_page

if __name__ == "__main__":
    start(snakemake)
    write_page(
        Path(snakemake.output.page).parents[1],
        snakemake.output.page,
        biomarkers=snakemake.input.biomarkers,
        logs=Path(snakemake.log[0]).parents[1],
        **dict(snakemake.params.items()),
    )
    write_dictionary(snakemake.input.dictionary, snakemake.output.dictionary)
