"""Diseases compared: event orders, people on one another's models, and where one joint model finds them."""

from neuraxis.biomarkers import read_biomarkers
from neuraxis.evaluation.compare import enrichment, projection, similarity
from neuraxis.job import settings, start
from neuraxis.labels import shown_names
from neuraxis.schema import read, save
from neuraxis.sustain import SustainModel
from neuraxis.sustain.naming import name_subtypes


def run(zscores, models, names, orders, subtypes, joint, biomarkers, diseases, seed, out) -> None:
    z = read("normative/zscores.tsv", zscores).set_index("participant_id")
    fitted = {d: SustainModel.load(m) for d, m in zip(diseases, models, strict=True)}
    name_of = {
        d: shown_names(read("sustain/D/names.tsv", n).set_index("subtype")["name"].to_dict())
        for d, n in zip(diseases, names, strict=True)
    }
    order_of = {d: read("sustain/D/event_order.tsv", o) for d, o in zip(diseases, orders, strict=True)}
    own = {
        d: read("sustain/D/subtypes.tsv", s).set_index("participant_id")
        for d, s in zip(diseases, subtypes, strict=True)
    }
    save(similarity(order_of, name_of, fitted, seed), out["similarity"])
    people, counts = projection(fitted, name_of, z, own)
    save(people, out["projection"])
    save(counts, out["projection_counts"])
    model = SustainModel.load(joint)
    order = model.event_order()
    joint_names = shown_names(name_subtypes(order, read_biomarkers(biomarkers).set_index("biomarker")["system"]))
    order.insert(1, "name", order["subtype"].map(joint_names))
    save(order, out["joint_order"])
    save(model.diagnostics(), out["joint_diagnostics"])
    everyone = z[z["group"].isin(diseases)]
    labels = model.assign(everyone)
    save(enrichment(labels, joint_names, everyone["group"].loc[labels.index]), out["enrichment"])


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(
        i.zscores,
        i.models,
        i.names,
        i.orders,
        i.subtypes,
        i.joint,
        i.biomarkers,
        **settings(snakemake),
        out=dict(snakemake.output.items()),
    )
