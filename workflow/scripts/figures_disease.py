"""Every figure of one disease, PNG for the report and PDF for print."""

from pathlib import Path

from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.figures import draw
from neuraxis.job import start
from neuraxis.sustain import SustainModel
from neuraxis.tables import read_table


def run(zscores, selection, model, subtypes, names, associations, biomarkers, disease, simulated, out):
    labels = read_biomarkers(biomarkers).set_index("biomarker")["label"]
    name = read_table(names).set_index("subtype")["name"].to_dict()
    z = read_table(zscores).set_index("participant_id")
    people = read_table(subtypes).set_index("participant_id")
    fitted = SustainModel.load(model)
    figures = {
        "selection": draw.selection(read_table(selection)),
        "order": draw.positional_variance(fitted, name, labels),
        "zmean": draw.mean_z(z, people, name, labels),
        "probability": draw.probability(people, name),
        "forest": draw.forest(read_table(associations)),
    }
    for key, figure in figures.items():
        draw.finish(figure, disease, simulated, Path(out[key]))


if __name__ == "__main__":
    start(snakemake)
    run(
        **{k: v for k, v in snakemake.input.items() if k != "engine"},
        disease=snakemake.wildcards.disease,
        simulated=snakemake.params.simulated,
        out=dict(snakemake.output.items()),
    )
