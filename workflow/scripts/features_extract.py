"""Measure one batch of people from their images or stats folders."""

from neuraxis.features.extract import extract_batch
from neuraxis.job import settings, start
from neuraxis.schema import save

if __name__ == "__main__":
    start(snakemake)
    i, p = snakemake.input, settings(snakemake)
    p.pop("images", None)  # only there so that a changed image is measured again
    tables = extract_batch(
        i.participants,
        i.sessions,
        [str(i.folder)] if i.get("folder") else [],
        batch=int(snakemake.wildcards.batch),
        biomarkers=i.biomarkers,
        labels_file=i.label_names,
        etiv=str(i.get("etiv") or ""),
        listed=str(i.get("listed") or ""),
        **p,
    )
    for table, name in zip(tables, ("measures", "failures", "inputs"), strict=True):
        save(table, snakemake.output[name])
