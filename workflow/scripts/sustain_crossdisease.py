"""Diseases compared: event orders, people on one another's models, and one joint model."""

from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency, fisher_exact, spearmanr

from neuraxis.job import start
from neuraxis.sustain import SustainModel, choose_events, fit, stream
from neuraxis.sustain.events import ZScoreEvents
from neuraxis.sustain.matching import chance_agreement, order_similarity
from neuraxis.sustain.naming import name_subtypes
from neuraxis.tables import read_table, write_table


def similarity(orders, names, models, seed) -> pd.DataFrame:
    """Kendall tau of every pair of subtypes, within and across diseases, and what chance would give."""
    parts = []
    for a, b in [*combinations(orders, 2), *((d, d) for d in orders)]:
        table = order_similarity(orders[a], orders[b])
        if a == b:
            table = table[table["subtype_a"] < table["subtype_b"]]
        table.insert(0, "disease_a", a)
        table.insert(1, "name_a", table["subtype_a"].map(names[a]))
        table.insert(2, "disease_b", b)
        table.insert(3, "name_b", table["subtype_b"].map(names[b]))
        parts.append(table.assign(tau_chance=chance_agreement(models[a].events, stream(seed, "chance", a))))
    return pd.concat(parts, ignore_index=True)


def projection(models, names, z, own) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Everyone of one disease under another's model; per person, and in counts."""
    people, counts = [], []
    for a, b in permutations(models, 2):
        labels = models[b].assign(z[z["group"] == a])
        labels = labels[["subtype", "stage", "expected_stage", "p_stage0", "confident"]]
        labels.insert(0, "group", a)
        labels.insert(1, "model_of", b)
        labels["name"] = labels["subtype"].map(names[b]).where(labels["stage"] > 0, "normal-appearing")
        people.append(labels.rename_axis("participant_id").reset_index())
        mine = own[a]["subtype"].map(names[a]).where(own[a]["stage"] > 0, "normal-appearing")
        table = pd.crosstab(mine, labels["name"].reindex(mine.index)).stack().rename("n").reset_index()
        table.columns = ["own_model", "other_model", "n"]
        rho = spearmanr(own[a]["expected_stage"], labels.loc[own[a].index, "expected_stage"]).statistic
        counts.append(table.assign(group=a, model_of=b, stage_spearman=rho))
    first = ["group", "model_of"]
    together = pd.concat(counts, ignore_index=True)
    return pd.concat(people, ignore_index=True), together[first + [c for c in together if c not in first]]


def enrichment(labels, names, group) -> pd.DataFrame:
    """Is a subtype of the joint model commoner in one disease? Fisher's exact test per subtype, staged people."""
    staged = labels["stage"] > 0
    table = pd.crosstab(labels.loc[staged, "subtype"], group[staged])
    p_all = chi2_contingency(table)[1] if min(table.shape) > 1 else np.nan
    rows = []
    for c, name in names.items():
        for disease in sorted(group.unique()):
            inside = staged & (labels["subtype"] == c)
            cells = [
                [int((inside & (group == disease)).sum()), int((inside & (group != disease)).sum())],
                [
                    int((staged & ~inside & (group == disease)).sum()),
                    int((staged & ~inside & (group != disease)).sum()),
                ],
            ]
            test = fisher_exact(cells)
            rows.append(
                {
                    "subtype": c,
                    "name": name,
                    "disease": disease,
                    "n": cells[0][0],
                    "share_of_staged": cells[0][0] / max(cells[0][0] + cells[1][0], 1),
                    "odds_ratio": test.statistic,
                    "p": test.pvalue,
                    "p_all_subtypes": p_all,
                }
            )
    return pd.DataFrame(rows)


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
