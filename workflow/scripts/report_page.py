"""Write the page and the data dictionary."""

from neuraxis.job import start
from neuraxis.report.page import write_dictionary, write_page

if __name__ == "__main__":
    start(snakemake)
    write_page(
        "results", snakemake.output.page, biomarkers=snakemake.input.biomarkers, **dict(snakemake.params.items())
    )
    write_dictionary(snakemake.input.dictionary, snakemake.output.dictionary)
