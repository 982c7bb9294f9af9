"""Diseases compared: event orders, people on one another's models, and one joint model."""

from pathlib import Path

import pandas as pd

from neuraxis.evaluation.compare import enrichment, projection, similarity
from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.job import start
from neuraxis.labels import shown_names
from neuraxis.normative.norms import Norms
from neuraxis.schema import read, save
from neuraxis.sustain import SustainModel, declared_events, fit
from neuraxis.sustain.checkpoint import done, partial
from neuraxis.sustain.naming import name_subtypes
from neuraxis.sustain.study import given_covariance, study_settings


def run(
    zscores, norms, models, names, orders, subtypes, biomarkers, diseases, control, events, chain, seed, threads, out
) -> None:
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
    everyone = pd.concat([z[z.index.isin(own[d].index)] for d in diseases])
    controls = z[z["group"] == control]
    group = everyone["group"]
    used = {b for m in fitted.values() for b in m.events.biomarkers}
    everyone = everyone[[b for b in everyone if b in used]]
    definitions = read_biomarkers(biomarkers)
    events = declared_events(everyone, definitions=definitions, controls=controls[list(everyone)], **events)[0]
    settings = study_settings(events, covariance=Norms.load(norms).noise_table(), **chain)
    joint = fit(
        everyone,
        events,
        max(m.n_subtypes for m in fitted.values()),
        settings,
        covariance=given_covariance(settings),
        seed=seed,
        key=("joint",),
        n_threads=threads,
        checkpoint=partial(out["joint"]),
    )
    order = joint.event_order()
    joint_names = shown_names(name_subtypes(order, definitions.set_index("biomarker")["system"]))
    labels = joint.assign(everyone)
    order.insert(1, "name", order["subtype"].map(joint_names))
    joint.save(Path(out["joint"]))
    done(out["joint"])
    save(order, out["joint_order"])
    save(enrichment(labels, joint_names, group.loc[labels.index]), out["enrichment"])


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(
        i.zscores,
        i.norms,
        i.models,
        i.names,
        i.orders,
        i.subtypes,
        i.biomarkers,
        threads=snakemake.threads,
        **dict(snakemake.params.items()),
        out=dict(snakemake.output.items()),
    )
