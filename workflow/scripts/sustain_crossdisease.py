"""Diseases compared: event orders, people on one another's models, and one joint model."""

from pathlib import Path

import pandas as pd

from neuraxis.job import start
from neuraxis.sustain import SustainModel, choose_events, fit
from neuraxis.sustain.compare import enrichment, projection, similarity
from neuraxis.sustain.events import ZScoreEvents
from neuraxis.sustain.naming import name_subtypes
from neuraxis.tables import read_table, write_table


def run(zscores, models, names, orders, subtypes, diseases, settings, seed, threads, out):
    z = read_table(zscores).set_index("participant_id")
    fitted = {d: SustainModel.load(m) for d, m in zip(diseases, models, strict=True)}
    name_of = {d: read_table(n).set_index("subtype")["name"].to_dict() for d, n in zip(diseases, names, strict=True)}
    order_of = {d: read_table(o) for d, o in zip(diseases, orders, strict=True)}
    own = {d: read_table(s).set_index("participant_id") for d, s in zip(diseases, subtypes, strict=True)}
    write_table(similarity(order_of, name_of, fitted, seed), out["similarity"])
    people, counts = projection(fitted, name_of, z, own)
    write_table(people, out["projection"])
    write_table(counts, out["projection_counts"])
    everyone = pd.concat([z[z.index.isin(own[d].index)] for d in diseases])
    group = everyone["group"]
    everyone = everyone[list(fitted[diseases[0]].events.biomarkers)]
    k = max(m.n_subtypes for m in fitted.values())
    if settings["choose_thresholds"]:
        events, _ = choose_events(everyone, settings["thresholds"], min_people=settings["min_people"])
    else:
        events = ZScoreEvents(sorted(settings["thresholds"]), settings["z_max"], biomarkers=list(everyone.columns))
    joint = fit(
        everyone,
        events,
        k,
        n_startpoints=settings["n_startpoints"],
        n_samples=settings["n_samples"],
        n_chains=settings["n_chains"],
        n_draws=min(500, settings["n_samples"]),
        stage_prior=settings["stage_prior"],
        noise=settings["noise"],
        seed=seed,
        key=("joint",),
        n_threads=threads,
    )
    order = joint.event_order()
    joint_names = name_subtypes(order)
    labels = joint.assign(everyone)
    order.insert(1, "name", order["subtype"].map(joint_names))
    joint.save(Path(out["joint"]))
    write_table(order, out["joint_order"])
    write_table(enrichment(labels, joint_names, group.loc[labels.index]), out["enrichment"])


if __name__ == "__main__":
    start(snakemake)
    i, p = snakemake.input, snakemake.params
    run(
        i.zscores,
        i.models,
        i.names,
        i.orders,
        i.subtypes,
        p.diseases,
        p.settings,
        p.seed,
        snakemake.threads,
        out=dict(snakemake.output.items()),
    )
