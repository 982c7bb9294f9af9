"""Hold the finished tables, or the page, to what must hold of any study."""

from pathlib import Path

from neuraxis.checks_results import OF_PAGE, Study, run_checks
from neuraxis.job import settings, start
from neuraxis.schema import save

if __name__ == "__main__":
    start(snakemake)
    p = settings(snakemake)
    page = p.pop("page")
    study = Study(Path("results"), tuple(p.pop("diseases")), biomarkers=snakemake.input.biomarkers, **p)
    save(run_checks(study, OF_PAGE if page else None), snakemake.output.checks)
