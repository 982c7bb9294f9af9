"""Write the page, the page of all people, the results in sentences, and the data dictionary."""

from pathlib import Path

from neuraxis.job import as_list, settings, start
from neuraxis.report.page import write_dictionary, write_report

if __name__ == "__main__":
    start(snakemake)
    i, out = snakemake.input, snakemake.output
    params = settings(snakemake)
    write_report(
        Path(out.page).parents[1],
        out.page,
        biomarkers=i.biomarkers,
        label_names=i.label_names,
        logs=Path(snakemake.log[0]).parents[1],
        words=dict(zip(params["diseases"], as_list(out.words), strict=True)),
        **params,
    )
    write_dictionary(i.dictionary, out.dictionary)
