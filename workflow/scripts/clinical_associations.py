"""Declared outcomes on subtypes and stages, survival, follow-up scans, Table 1."""

from neuraxis.clinical.study import ClinicalInputs, analyse
from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.job import settings, start
from neuraxis.schema import read, save
from neuraxis.tables import read_table

#: Inputs of the rule that are tables of the study.
TABLES = {
    "participants": "cohort/participants.tsv",
    "visits": "cohort/visits.tsv",
    "relapses": "cohort/relapses.tsv",
    "measures": "features/measures.tsv",
    "qc": "features/qc.tsv",
    "zscores": "normative/zscores.tsv",
    "zscores_followup": "normative/followup.tsv",
    "subtypes": "sustain/D/subtypes.tsv",
    "followup": "sustain/D/followup.tsv",
    "names": "sustain/D/names.tsv",
    "refitted": "sustain/D/site_labels.tsv",
}


def run(i, disease, out, **settings) -> None:
    tables = {k: read(table, i[k]) for k, table in TABLES.items() if i.get(k)}
    given = ClinicalInputs(
        **{k: tables.pop(k).set_index("participant_id") for k in ("participants", "zscores", "subtypes")},
        etiv=tables.pop("measures").set_index("participant_id")["etiv"],
        names=tables.pop("names").set_index("subtype")["name"].to_dict(),
        **tables,
        biomarkers=read_biomarkers(i["biomarkers"]),
        claims=read_table(i["reported"]),
    )
    for name, table in analyse(given, disease, **settings).items():
        save(table, out[name])


if __name__ == "__main__":
    start(snakemake)
    run(
        dict(snakemake.input.items()),
        snakemake.wildcards.disease,
        **settings(snakemake),
        out=dict(snakemake.output.items()),
    )
