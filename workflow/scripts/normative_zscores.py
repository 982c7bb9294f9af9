"""Fit the norms and write everyone's z-scores."""

from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.job import start
from neuraxis.normative.diagnostics import diagnose
from neuraxis.normative.norms import NormSettings, zscores
from neuraxis.tables import read_table, write_table


def run(participants, measures, biomarkers, settings, control, seed, simulated, out):
    people = read_table(participants).set_index("participant_id")
    table = read_table(measures).set_index("participant_id")
    defined = read_biomarkers(biomarkers).set_index("biomarker")
    direction = {b: defined.loc[b, "direction"] for b in defined.index if b in table}
    settings = dict(settings)
    overrides = settings.pop("overrides", {})
    z, norms = zscores(table, people, control, direction, NormSettings(**settings), overrides, seed=seed)
    controls = people.loc[z.index, "group"] == control
    write_table(diagnose(z[controls], people, table["etiv"]), out["diagnostics"])
    norms.save(out["norms"])
    z.insert(0, "group", people.loc[z.index, "group"])
    if simulated:
        z["origin"] = "SIMULATED"
    write_table(z.reset_index(), out["zscores"])


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(i.participants, i.measures, i.biomarkers, **dict(snakemake.params.items()), out=dict(snakemake.output.items()))
