"""What a model is compared with: simple scores, the truth where it is known, models of other diseases."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.stats import chi2_contingency, fisher_exact, spearmanr

from ..labels import NORMAL, SYSTEMS, group_of, normal_appearing
from ..streams import stream
from ..sustain import FitSettings, Parameters, SustainModel, Variant, ZScoreEvents, fit, null_log_density
from ..sustain.diagnostics import verdict
from ..sustain.matching import chance_agreement, order_similarity, rand_index
from ..sustain.problem import check_covariance
from .clusters import k_means


def best_possible(truth: dict, z: pd.DataFrame, covariance=None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Assignments and event order of the model people were drawn from: nothing fitted can do better on average.

    Parameters
    ----------
    truth : dict
        subtypes, biomarkers, sequences (per subtype the events (biomarker, threshold) in order), weights (C, N+1) with the
        healthy at stage 0, and healthy_mean (B,), their mean z, 0 where not given.
    z : DataFrame
        People x biomarkers.
    covariance : DataFrame or ndarray, optional
        Of the residuals that people were drawn with; independent with SD 1 where not given.

    Returns
    -------
    DataFrame
        As `SustainModel.assign`, subtypes by their names.
    DataFrame
        subtype, biomarker, threshold, mean_position, of the biomarkers of `z`.
    """
    events = ZScoreEvents([1.0, 2.0, 3.0], 5.0, biomarkers=truth["biomarkers"])
    number = {
        (events.biomarkers[b], float(v)): e for e, (b, v) in enumerate(zip(events.biomarker, events.value, strict=True))
    }
    sequences = np.array([[number[b, float(v)] for b, v in order] for order in truth["sequences"]])
    used = [b for b in truth["biomarkers"] if b in z]
    matrix = check_covariance(events, covariance)
    variant = Variant("dirichlet", covariance=matrix)
    weights = truth["weights"] / truth["weights"].sum()
    staged = weights[:, 1:]
    fractions = staged.sum(axis=1)
    point = Parameters(
        sequences,
        fractions / fractions.sum(),
        staged / fractions[:, None],
        variant.bumps(events.n_events),
        float(weights[:, 0].sum()),
        np.eye(events.n_biomarkers) if matrix is None else matrix,
        0.0,
    )
    values = z.reindex(columns=truth["biomarkers"])
    model = SustainModel(events, variant, point)
    posterior, healthy, _, index = model.posterior(values)
    # a fitted model's healthy people have mean 0, those drawn need not: what their own density makes of the odds
    about = {"covariance": matrix}
    centred = values - np.asarray(truth.get("healthy_mean", 0.0))
    healthy = healthy * np.exp(null_log_density(events, centred, **about) - null_log_density(events, values, **about))
    total = healthy + posterior.sum(axis=(1, 2))
    labels = model.summary(posterior / total[:, None, None], healthy / total, index)
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


def order_of_known(
    z, subtype, model: SustainModel, *, seed: int, key: tuple = (), n_samples: int = 2000
) -> pd.DataFrame:
    """Event order of one-subtype models, each fitted to the people who truly belong: what nobody can do without the truth.

    Parameters
    ----------
    z : DataFrame
        People x biomarkers.
    subtype : Series
        True subtype; same index. People whose subtype is missing take no part.
    model : SustainModel
        Whose events and variant are used.
    seed, key
        As in `fit`.
    n_samples : int
        Steps per chain.

    Returns
    -------
    DataFrame
        subtype (by name), biomarker, threshold, mean_position, sd_position.
    """
    settings = FitSettings(variant=model.variant, n_startpoints=10, n_samples=n_samples)
    given = "independent" if model.variant.covariance is None else model.variant.covariance
    parts = []
    for name in sorted(subtype.dropna().unique()):
        known = fit(
            z.loc[subtype.index[subtype == name]],
            model.events,
            1,
            settings,
            covariance=given,
            seed=seed,
            key=(*key, "known", name),
            progress=False,
        )
        parts.append(known.event_order().assign(subtype=name))
    return pd.concat(parts, ignore_index=True)


def agreement(labels, truth) -> dict[str, tuple[int, float]]:
    """Quantities of one labelling against the truth.

    Parameters
    ----------
    labels : DataFrame
        subtype, stage, expected_stage, indexed by person.
    truth : DataFrame
        subtype (normal-appearing, or a letter), stage; same index.

    Returns
    -------
    dict of str to (n, value)
    """
    both = labels.join(truth, rsuffix="_true")
    staged = both["subtype_true"] != NORMAL
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


def recovery(people, names, systems, order, truth, best, known_order, true_order, published: dict) -> pd.DataFrame:
    """Found (in and out of fold) beside the best possible, the truth and what the study published.

    Parameters
    ----------
    people : DataFrame
        subtypes.tsv, indexed by participant_id.
    names, systems : dict of subtype number to name, and to the system it is named after
    order : DataFrame
        Event order of the model.
    truth : DataFrame
        participant_id, subtype (a letter of `labels.SYSTEMS`, or normal-appearing), stage.
    best, true_order : DataFrame
        From `best_possible`.
    known_order : DataFrame
        From `order_of_known`: the best that can be asked of an event order.
    published : dict of true subtype to the study's count

    Returns
    -------
    DataFrame
        quantity, n, in_sample, out_of_fold, best_possible, truth, published.
    """
    truth = truth.set_index("participant_id").loc[people.index, ["subtype", "stage"]]
    columns = ["subtype", "stage", "expected_stage"]
    found = {
        "in sample": agreement(people[columns], truth),
        "out of fold": agreement(people[[f"oof_{c}" for c in columns]].set_axis(columns, axis=1), truth),
        "best possible": agreement(best[columns], truth),
    }
    rows = []
    for quantity, (n, _) in found["best possible"].items():
        row = {"quantity": quantity, "n": n} | {k.replace(" ", "_"): v[quantity][1] for k, v in found.items()}
        row["truth"] = float((truth["subtype"] == NORMAL).mean()) if "normal-appearing" in quantity else np.nan
        if "normal-appearing" in quantity:
            row["published"] = published["NA"] / sum(published.values())
        rows.append(row)
    for s, count in published.items():
        label = SYSTEMS.get(s, NORMAL)
        numbers = [c for c, system in systems.items() if system == label]

        def count_of(table, prefix="", label=label, numbers=numbers):
            zero = normal_appearing(table, prefix)
            return int(zero.sum() if label == NORMAL else (table[f"{prefix}subtype"].isin(numbers) & ~zero).sum())

        rows.append(
            {
                "quantity": f"people, {label}",
                "n": len(people),
                "in_sample": count_of(people),
                "out_of_fold": count_of(people, "oof_"),
                "best_possible": int(
                    (best["stage"] == 0).sum()
                    if label == NORMAL
                    else ((best["subtype"] == s) & (best["stage"] > 0)).sum()
                ),
                "truth": int((truth["subtype"] == (NORMAL if label == NORMAL else s)).sum()),
                "published": count,
            }
        )
    tau = order_similarity(order, true_order).pivot(index="subtype_a", columns="subtype_b", values="tau")
    known = order_similarity(known_order, true_order).query("subtype_a == subtype_b").set_index("subtype_a")["tau"]
    pairs = zip(*linear_sum_assignment(-tau.fillna(-1).to_numpy()), strict=True)
    for i, j in pairs:
        rows.append(
            {
                "quantity": f"event order tau, {names[tau.index[i]]} with the study's {tau.columns[j]}",
                "n": len(people),
                "in_sample": tau.iloc[i, j],
                "best_possible": known.get(tau.columns[j], np.nan),
            }
        )
    return pd.DataFrame(rows)


def simple_scores(z, people, model, truth, rng, cord: str | None = None) -> pd.DataFrame:
    """Mean z, cord z and k-means: how near to stage and subtype the simplest summaries come.

    Parameters
    ----------
    z : DataFrame
        People x biomarkers.
    people : DataFrame
        subtypes.tsv, same index.
    model : SustainModel
    truth : DataFrame or None
        participant_id, subtype, stage, where simulated.
    rng : numpy Generator
        Starts of k-means.
    cord : str, optional
        The biomarker that measures the cord.

    Returns
    -------
    DataFrame
        baseline, compared_with, people, n, measure, value, with_truth, model_with_truth.
    """
    family = model.events.families
    values = z[[b for b in model.events.biomarkers if family[b] != "ordinal"]]  # scores have no z
    scores = {"mean z": values.mean(axis=1)}
    if cord in values and values.shape[1] > 1:
        scores["cord z"] = values[cord]
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
        clusters = k_means(values[staged].to_numpy(float), model.n_subtypes, rng)
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
            known = (true != NORMAL).to_numpy()
            row["with_truth"] = rand_index(clusters[known], true[known])
            row["model_with_truth"] = rand_index(people.loc[staged, "oof_subtype"][known], true[known])
        rows.append(row)
    columns = ["baseline", "compared_with", "people", "n", "measure", "value", "with_truth", "model_with_truth"]
    return pd.DataFrame(rows, columns=columns)  # the last two are empty for real people


def similarity(orders, names, models, seed) -> pd.DataFrame:
    """Kendall tau of every pair of subtypes, within and across diseases, what chance would give, and whose chains agree.

    Parameters
    ----------
    orders, names, models : dict of disease to event order, names of subtypes, SustainModel
    seed : int
    """
    parts = []
    # a model without draws has no chains that could disagree
    agree = {d: m.draws is None or verdict(m.diagnostics())[0] for d, m in models.items()}
    for a, b in [*combinations(orders, 2), *((d, d) for d in orders)]:
        table = order_similarity(orders[a], orders[b])
        if a == b:
            table = table[table["subtype_a"] < table["subtype_b"]]
        table.insert(0, "disease_a", a)
        table.insert(1, "name_a", table["subtype_a"].map(names[a]))
        table.insert(2, "disease_b", b)
        table.insert(3, "name_b", table["subtype_b"].map(names[b]))
        table["tau_chance"] = chance_agreement(models[a].events, stream(seed, "chance", a))
        parts.append(table.assign(converged_a=agree[a], converged_b=agree[b]))
    return pd.concat(parts, ignore_index=True)


def projection(models, names, z, own) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Everyone of one disease under another's model; per person, and in counts.

    Parameters
    ----------
    models, names : dict of disease to SustainModel, names of subtypes
    z : DataFrame
        Everyone, with column group.
    own : dict of disease to subtypes.tsv
    """
    people, counts = [], []
    for a, b in permutations(models, 2):
        labels = models[b].assign(z[z["group"] == a])
        group = group_of(labels, names[b])
        labels = labels[["subtype", "stage", "expected_stage", "p_stage0", "confident"]].copy()
        labels.insert(0, "group", a)
        labels.insert(1, "model_of", b)
        labels["name"] = group
        people.append(labels.rename_axis("participant_id").reset_index())
        mine = group_of(own[a], names[a])
        table = pd.crosstab(mine, labels["name"].reindex(mine.index)).stack().rename("n").reset_index()
        table.columns = ["own_model", "other_model", "n"]
        rho = spearmanr(own[a]["expected_stage"], labels.loc[own[a].index, "expected_stage"]).statistic
        counts.append(table.assign(group=a, model_of=b, stage_spearman=rho))
    first = ["group", "model_of"]
    together = pd.concat(counts, ignore_index=True)
    return pd.concat(people, ignore_index=True), together[first + [c for c in together if c not in first]]


def enrichment(labels, names, group) -> pd.DataFrame:
    """Is a subtype of a joint model commoner in one disease? Fisher's exact test per subtype, staged people.

    Parameters
    ----------
    labels : DataFrame
        subtype, stage.
    names : dict of subtype to name
    group : Series
        Disease; same index.

    Returns
    -------
    DataFrame
        subtype, name, disease, n, share_of_staged, odds_ratio, p, p_all_subtypes (chi-square of the whole table).
    """
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
