"""Choose the events of one disease."""

from neuraxis.biomarkers import read_biomarkers
from neuraxis.job import settings, start
from neuraxis.schema import read, save
from neuraxis.sustain import declared_events
from neuraxis.tables import write_json


def run(zscores, biomarkers, disease, control, out, **settings) -> None:
    z = read("normative/zscores.tsv", zscores).set_index("participant_id")
    values = z.drop(columns=["group", "origin"], errors="ignore")
    events, table = declared_events(
        values[z["group"] == disease],
        definitions=read_biomarkers(biomarkers),
        controls=values[z["group"] == control],
        **settings,
    )
    write_json(events.to_dict(), out["events"])
    save(table, out["thresholds"])


if __name__ == "__main__":
    start(snakemake)
    run(
        snakemake.input.zscores,
        snakemake.input.biomarkers,
        snakemake.wildcards.disease,
        out=dict(snakemake.output.items()),
        **settings(snakemake),
    )
