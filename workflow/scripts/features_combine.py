"""Put the batches together, check units and quality, keep the flow of people."""

from neuraxis.features.combine import read_and_combine
from neuraxis.job import as_list, settings, start
from neuraxis.schema import save

if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    combined = read_and_combine(
        i.participants,
        i.sessions,
        i.biomarkers,
        measures=as_list(i.get("measures")),
        failures=as_list(i.get("failures")),
        inputs=as_list(i.get("inputs")),
        label_names=i.label_names,
        **{k: str(i.get(k) or "") for k in ("sct", "etiv", "qc_scores", "listed")},
        **settings(snakemake),
    )
    for name, path in snakemake.output.items():
        save(getattr(combined, name), path)
