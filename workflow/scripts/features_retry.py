"""Measure once more, alone, the scans that failed in their batch."""

from neuraxis.features.extract import extract_again
from neuraxis.job import as_list, settings, start
from neuraxis.schema import save

if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    tables = extract_again(
        as_list(i.failures),
        i.sessions,
        as_list(i.get("folders")),
        biomarkers=i.biomarkers,
        labels_file=i.label_names,
        etiv=str(i.get("etiv") or ""),
        listed=str(i.get("listed") or ""),
        **settings(snakemake),
    )
    for table, name in zip(tables, ("measures", "failures", "inputs"), strict=True):
        save(table, snakemake.output[name])
