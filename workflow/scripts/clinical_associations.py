"""Declared outcomes on subtypes and stages, survival, follow-up scans, Table 1."""

from neuraxis.clinical.study import ClinicalInputs, analyse
from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.job import start
from neuraxis.schema import save
from neuraxis.tables import read_table


def run(i, disease, simulated, out, **settings) -> None:
    by_person = {k: read_table(i[k]).set_index("participant_id") for k in ("participants", "zscores", "subtypes")}
    given = ClinicalInputs(
        **by_person,
        **{k: read_table(i[k]) for k in ("visits", "relapses", "zscores_followup", "followup", "qc")},
        etiv=read_table(i["measures"]).set_index("participant_id")["etiv"],
        names=read_table(i["names"]).set_index("subtype")["name"].to_dict(),
        biomarkers=read_biomarkers(i["biomarkers"]),
        claims=read_table(i["reported"]),
        refitted=read_table(i["refitted"], text=("participant_id", "without")) if i.get("refitted") else None,
    )
    for name, table in analyse(given, disease, **settings).items():
        save(table, out[name], simulated=simulated)


if __name__ == "__main__":
    start(snakemake)
    run(
        dict(snakemake.input.items()),
        snakemake.wildcards.disease,
        **dict(snakemake.params.items()),
        out=dict(snakemake.output.items()),
    )
