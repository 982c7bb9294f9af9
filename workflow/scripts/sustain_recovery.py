"""Simple scores beside the model, and, where the truth is simulated, what was recovered of it."""

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.stats import spearmanr

from neuraxis.cohort.simulated import SUBTYPES, true_model
from neuraxis.job import start
from neuraxis.sustain import Point, SustainModel, Variant, ZScoreEvents, stream
from neuraxis.sustain.baselines import k_means
from neuraxis.sustain.matching import order_similarity, rand_index
from neuraxis.tables import read_table, write_table

STUDY_NAMES = {"cortical": "C", "spinal cord": "SC", "cerebellar": "CE", "subcortical": "DGM"}


def best_possible(resources, disease, z) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Assignments and event order of the model the cohort was drawn from: nothing fitted can do better on average."""
    truth = true_model(resources, disease)
    events = ZScoreEvents([1.0, 2.0, 3.0], 5.0, biomarkers=truth["biomarkers"])
    number = {
        (events.biomarkers[b], float(v)): e for e, (b, v) in enumerate(zip(events.biomarker, events.value, strict=True))
    }
    sequences = np.array([[number[b, float(v)] for b, v in order] for order in truth["sequences"]])
    used = [b for b in truth["biomarkers"] if b in z]
    point = Point(sequences, truth["weights"] / truth["weights"].sum(), np.ones(len(truth["biomarkers"])), 0.0)
    model = SustainModel(events, Variant("learnt", "fixed", 1.0, 0.1, "midpoint"), point)
    labels = model.assign(z.reindex(columns=truth["biomarkers"]))
    labels["subtype"] = labels["subtype"].map(lambda c: truth["subtypes"][c - 1])
    place = np.argsort(sequences, axis=1)
    order = pd.DataFrame(
        [
            {
                "subtype": s,
                "biomarker": truth["biomarkers"][events.biomarker[e]],
                "threshold": events.value[e],
                "mean_position": place[c, e] + 1,
            }
            for c, s in enumerate(truth["subtypes"])
            for e in range(events.n_events)
            if truth["biomarkers"][events.biomarker[e]] in used
        ]
    )
    return labels, order


def agreement(labels, truth) -> dict[str, tuple[int, float]]:
    """Quantities of one labelling (subtype, stage, expected_stage) against the truth."""
    both = labels.join(truth, rsuffix="_true")
    staged = both["subtype_true"] != "NA"
    found = staged & (both["stage"] > 0)
    return {
        "subtype ARI, truly staged people": (
            int(staged.sum()),
            rand_index(both.loc[staged, "subtype"], both.loc[staged, "subtype_true"]),
        ),
        "subtype ARI, staged and found staged": (
            int(found.sum()),
            rand_index(both.loc[found, "subtype"], both.loc[found, "subtype_true"]),
        ),
        "stage Spearman correlation": (len(both), spearmanr(both["expected_stage"], both["stage_true"]).statistic),
        "share normal-appearing": (len(both), float((both["stage"] == 0).mean())),
    }


def recovery(people, names, order, truth, best, true_order, disease) -> pd.DataFrame:
    """Found (in and out of fold), best possible, and what the study published."""
    truth = truth.set_index("participant_id").loc[people.index, ["subtype", "stage"]]
    columns = ["subtype", "stage", "expected_stage"]
    found = {
        "in sample": agreement(people[columns], truth),
        "out of fold": agreement(people[[f"oof_{c}" for c in columns]].set_axis(columns, axis=1), truth),
        "best possible": agreement(best[columns], truth),
    }
    published = SUBTYPES[disease]
    rows = []
    for quantity, (n, _) in found["best possible"].items():
        row = {"quantity": quantity, "n": n} | {k.replace(" ", "_"): v[quantity][1] for k, v in found.items()}
        row["truth"] = float((truth["subtype"] == "NA").mean()) if "normal-appearing" in quantity else np.nan
        if "normal-appearing" in quantity:
            row["published"] = published["NA"] / sum(published.values())
        rows.append(row)
    for s, count in published.items():
        label = {v: k for k, v in STUDY_NAMES.items()}.get(s, "normal-appearing")
        numbers = [c for c, name in names.items() if name.split(" 2")[0].removesuffix(" 1") == label]

        def count_of(table, prefix="", s=s, numbers=numbers):
            zero = table[f"{prefix}stage"] == 0
            return int(zero.sum() if s == "NA" else (table[f"{prefix}subtype"].isin(numbers) & ~zero).sum())

        rows.append(
            {
                "quantity": f"people, {label}",
                "n": len(people),
                "in_sample": count_of(people),
                "out_of_fold": count_of(people, "oof_"),
                "best_possible": int(
                    (best["stage"] == 0).sum() if s == "NA" else ((best["subtype"] == s) & (best["stage"] > 0)).sum()
                ),
                "truth": int((truth["subtype"] == s).sum()),
                "published": count,
            }
        )
    tau = order_similarity(order, true_order).pivot(index="subtype_a", columns="subtype_b", values="tau")
    pairs = zip(*linear_sum_assignment(-tau.fillna(-1).to_numpy()), strict=True)
    for i, j in pairs:
        rows.append(
            {
                "quantity": f"event order tau, {names[tau.index[i]]} with the study's {tau.columns[j]}",
                "n": len(people),
                "in_sample": tau.iloc[i, j],
            }
        )
    return pd.DataFrame(rows)


def simple_scores(z, people, model, truth, seed, disease) -> pd.DataFrame:
    """Mean z, cord z and k-means: how near to stage and subtype the simplest summaries come."""
    values = z[list(model.events.biomarkers)]
    scores = {"mean z": values.mean(axis=1)}
    if "cord_csa" in values:
        scores["cord z"] = values["cord_csa"]
    rows = []
    true_stage = truth.set_index("participant_id").loc[people.index, "stage"] if truth is not None else None
    for name, score in scores.items():
        for group, rows_in in [("everyone", people["oof_stage"] >= 0), ("staged", people["oof_stage"] > 0)]:
            both = pd.concat([score, people["oof_expected_stage"]], axis=1)[rows_in].dropna()
            row = {
                "baseline": name,
                "compared_with": "expected stage, out of fold",
                "people": group,
                "n": len(both),
                "measure": "Spearman correlation",
                "value": spearmanr(both.iloc[:, 0], both.iloc[:, 1]).statistic,
            }
            if true_stage is not None:
                row["with_truth"] = spearmanr(both.iloc[:, 0], true_stage[both.index]).statistic
                row["model_with_truth"] = spearmanr(both.iloc[:, 1], true_stage[both.index]).statistic
            rows.append(row)
    staged = people["oof_stage"] > 0
    if model.n_subtypes > 1 and staged.sum() > 2 * model.n_subtypes:
        clusters = k_means(values[staged].to_numpy(float), model.n_subtypes, stream(seed, disease, "k-means"))
        row = {
            "baseline": "k-means of centred z",
            "compared_with": "subtype, out of fold",
            "people": "staged",
            "n": int(staged.sum()),
            "measure": "adjusted Rand index",
            "value": rand_index(clusters, people.loc[staged, "oof_subtype"]),
        }
        if truth is not None:
            true = truth.set_index("participant_id").loc[people.index[staged], "subtype"]
            known = (true != "NA").to_numpy()
            row["with_truth"] = rand_index(clusters[known], true[known])
            row["model_with_truth"] = rand_index(people.loc[staged, "oof_subtype"][known], true[known])
        rows.append(row)
    return pd.DataFrame(rows)


def run(zscores, subtypes, names, order, model, truth, resources, disease, seed, out):
    people = read_table(subtypes).set_index("participant_id")
    z = read_table(zscores).set_index("participant_id").loc[people.index]
    fitted = SustainModel.load(model)
    name_of = read_table(names).set_index("subtype")["name"].to_dict()
    known = None
    found = pd.DataFrame(columns=["quantity", "n", "in_sample", "out_of_fold", "best_possible", "truth", "published"])
    if truth:
        known = read_table(truth, text=("participant_id", "subtype", "session_id"))
        known = known[known["session_id"] == "baseline"].assign(subtype=lambda t: t["subtype"].fillna("NA"))
        best, true_order = best_possible(resources, disease, z)
        found = recovery(people, name_of, read_table(order), known, best, true_order, disease)
    write_table(found, out["recovery"])
    write_table(simple_scores(z, people, fitted, known, seed, disease), out["baselines"])


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(
        i.zscores,
        i.subtypes,
        i.names,
        i.order,
        i.model,
        str(i.get("truth") or ""),
        "resources",
        snakemake.wildcards.disease,
        **dict(snakemake.params.items()),
        out=dict(snakemake.output.items()),
    )
