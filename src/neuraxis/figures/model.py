"""Figures of the model: number of subtypes, event order, certainty of the labels."""

from __future__ import annotations

import matplotlib.pyplot as plt
import mpltern  # noqa: F401  registers the ternary projection
import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from ..labels import NORMAL, group_of, is_true
from .style import COLOURS, colours, empty

MAPS = ["Blues", "Oranges", "Greens", "Purples"]


def selection(table: pd.DataFrame, folds: pd.DataFrame):
    """CVIC above the best k with paired SE, and held-out log-likelihood per fold; the chosen k is filled.

    Parameters
    ----------
    table : DataFrame
        selection.tsv.
    folds : DataFrame
        heldout_folds.tsv: fold, and held-out log-likelihood per model.
    """
    part = table[table["n_subtypes"] >= 0]
    figure, (axis, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    # Everyone a control and one normal are often so far off that the other k could not be told apart: what lies further
    # than twice their range is said in words.
    rest = part[part["n_subtypes"] > 0]
    error = rest["gap_se"].fillna(0)
    low, high = float((rest["gap_cvic"] - error).min()), float((rest["gap_cvic"] + error).max())
    reach = 2 * max(high - low, 1.0)
    far = (table["gap_cvic"] < low - reach) | (table["gap_cvic"] > high + reach)
    # the spread that matters is that of the difference from the best k, not of the sum over people
    near = part[~far[part.index]]
    axis.errorbar(near["n_subtypes"], near["gap_cvic"], yerr=near["gap_se"], color="0.4", capsize=3, lw=1)
    fill = np.where(is_true(near["chosen"]), COLOURS[1], "white")
    axis.scatter(near["n_subtypes"], near["gap_cvic"], c=fill, edgecolor="0.2", zorder=3, s=60)
    gaussian = table[table["n_subtypes"] == -1]
    if len(gaussian) and not far[gaussian.index].any():
        axis.axhline(gaussian["gap_cvic"].iloc[0], ls=":", color=COLOURS[2], label="one multivariate normal")
        axis.legend(frameon=False)
    if far.any():
        words = [f"{r.model}: {r.gap_cvic:+.0f}" for r in table[far].itertuples()]
        axis.annotate(
            "\n".join(["off the scale:", *words]),
            (0.98, 0.97),
            xycoords="axes fraction",
            ha="right",
            va="top",
            fontsize=8,
        )
    axis.set(
        xlabel="Number of subtypes (0: everyone a control)",
        ylabel="CVIC above the best k (paired SE)",
        xticks=part["n_subtypes"],
    )
    ks = [f"k{k}" for k in part["n_subtypes"]]
    folds = folds[[k for k in ks if k != "k0"]]
    folds = folds.sub(folds.mean(axis=1), axis=0)
    right.plot(rest["n_subtypes"], folds.T.to_numpy(), color="0.75", lw=1)
    right.plot(rest["n_subtypes"], folds.mean(), "o-", color="0.2", ms=5)
    right.set(
        xlabel="Number of subtypes",
        ylabel="Held-out log-likelihood per fold\n(fold mean taken off)",
        xticks=rest["n_subtypes"],
    )
    return figure


def positional_variance(table: pd.DataFrame, subtypes: pd.DataFrame, labels: pd.Series):
    """Probability of every event's place, one panel per subtype, biomarkers by their first event.

    Parameters
    ----------
    table : DataFrame
        positional_variance.tsv of one set of models.
    subtypes : DataFrame
        names.tsv: subtype, name, fraction (which counts the normal-appearing), n_staged_oof.
    labels : Series
        Biomarker to its label.
    """
    places = [c for c in table.columns if c.startswith("place")]
    levels = sorted(table["threshold"].unique())
    n = len(subtypes)
    size = table["biomarker"].nunique()
    figure, axes = plt.subplots(1, n, figsize=(4.6 * n + 1.2, 0.27 * size + 1.8), layout="constrained", squeeze=False)
    for axis, row in zip(axes[0], subtypes.itertuples(), strict=True):
        part = table[table["subtype"] == row.subtype]
        mean = part[places].to_numpy() @ np.arange(1, len(places) + 1)
        first = part.assign(mean=mean).groupby("biomarker")["mean"].min().sort_values().index
        image = np.ones((len(first), len(places), 3))
        for line, b in enumerate(first):
            for _, event in part[part["biomarker"] == b].iterrows():
                tint = np.array(plt.get_cmap(MAPS[min(levels.index(event["threshold"]), 3)])(0.75)[:3])
                p = np.clip(event[places].to_numpy(float) * 2, 0, 1)[:, None]
                image[line] *= 1 - p * (1 - tint)
        # places count from 1, as in the table
        edges = (0.5, len(places) + 0.5, len(first) - 0.5, -0.5)
        axis.imshow(image, aspect="auto", interpolation="nearest", extent=edges)
        axis.set_yticks(range(len(first)), [labels.get(b, b) for b in first])
        axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        share = f"{row.n_staged_oof} staged people, model fraction {row.fraction:.0%}"
        axis.set(xlabel="Place in the sequence", title=f"{row.name}\n{share}")
    for level, threshold in enumerate(levels):
        axes[0, -1].plot([], [], "s", color=plt.get_cmap(MAPS[min(level, 3)])(0.75), label=f"z = {threshold:g}")
    axes[0, -1].legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def probability(people: pd.DataFrame, names: dict):
    """Probability of the most probable subtype against the expected stage, one dot a person."""
    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    best = people.filter(regex="^oof_p_subtype").max(axis=1)
    group = group_of(people, names, "oof_")
    for name, colour in colours([NORMAL, *names.values()]).items():
        rows = group == name
        axis.scatter(
            people.loc[rows, "oof_expected_stage"], best[rows], s=14, alpha=0.7, lw=0, color=colour, label=name
        )
    axis.axhline(0.5, color="0.6", lw=0.8, ls=":")
    axis.set(xlabel="Expected stage (out of fold)", ylabel="Probability of the subtype", ylim=(0, 1.02))
    axis.legend(frameon=False, loc="lower right", fontsize=8)
    return figure


def ternary(people: pd.DataFrame, names: dict):
    """Subtype probabilities, one dot a person: a triangle for three subtypes, stacked bars for another number."""
    columns = [f"oof_p_subtype{c}" for c in names]
    group = group_of(people, names, "oof_")
    tint = colours([NORMAL, *names.values()])
    if len(names) == 1:
        return empty("One subtype: everybody belongs to it.")
    if len(names) != 3:
        figure, axis = plt.subplots(figsize=(8, 3.4), layout="constrained")
        order = np.lexsort((-people[columns].max(axis=1), people[columns].to_numpy().argmax(axis=1)))
        floor = np.zeros(len(people))
        for c, name in names.items():
            p = people[f"oof_p_subtype{c}"].to_numpy()[order]
            axis.bar(range(len(p)), p, bottom=floor, width=1.0, color=tint[name], label=name, lw=0)
            floor += p
        axis.set(xlabel="People, by subtype and certainty", ylabel="Probability of the subtype", xlim=(0, len(people)))
        axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
        return figure
    figure = plt.figure(figsize=(6.4, 5.4))
    axis = figure.add_subplot(projection="ternary", position=[0.14, 0.12, 0.62, 0.72])
    for name, colour in tint.items():
        p = people.loc[group == name, columns].to_numpy()
        axis.scatter(p[:, 0], p[:, 1], p[:, 2], s=16, alpha=0.75, lw=0, color=colour, label=f"{name} (n = {len(p)})")
    for setter, name in zip((axis.set_tlabel, axis.set_llabel, axis.set_rlabel), names.values(), strict=True):
        setter(name)
    axis.grid(lw=0.4, color="0.85")
    axis.set_axisbelow(True)
    axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(0.82, 1.1), fontsize=8)
    return figure
