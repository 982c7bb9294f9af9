"""Hold the finished tables, or the page, to what must hold of any study."""

from pathlib import Path

from neuraxis.checks_results import OF_PAGE, Study, run_checks
from neuraxis.job import as_list, settings, start
from neuraxis.schema import save

if __name__ == "__main__":
    start(snakemake)
    p = settings(snakemake)
    page = p.pop("page")
    i = snakemake.input
    study = Study(
        Path("results"),
        tuple(p.pop("diseases")),
        biomarkers=i.biomarkers,
        volume_tables=tuple(as_list(i.get("volume_tables"))),
        sct=str(i.get("sct") or ""),
        **p,
    )
    save(run_checks(study, OF_PAGE if page else None), snakemake.output.checks)
