"""Figures of one disease: data in, Figure out; nothing is computed that a table does not hold."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.ticker import LogLocator
from scipy import stats

from ..tables import aside

#: Okabe-Ito, colour-blind safe; grey is normal-appearing, then subtypes in model order.
COLOURS = ["#999999", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000"]
sns.set_theme(context="paper", style="ticks", font_scale=1.1)


def selection(table: pd.DataFrame):
    """CVIC by number of subtypes, with SE; the chosen k is filled."""
    part = table[table["n_subtypes"] >= 0]
    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    chosen = part["chosen"].astype(str) == "True"
    # the spread that matters is that of the difference from the best k, not of the sum over people
    axis.errorbar(part["n_subtypes"], part["gap_cvic"], yerr=part["gap_se"], color="0.4", capsize=3, lw=1)
    axis.scatter(
        part["n_subtypes"], part["gap_cvic"], c=np.where(chosen, COLOURS[1], "white"), edgecolor="0.2", zorder=3, s=60
    )
    gaussian = table[table["n_subtypes"] == -1]
    if len(gaussian):
        axis.axhline(gaussian["gap_cvic"].iloc[0], ls=":", color=COLOURS[2], label="one multivariate normal")
        axis.legend(frameon=False)
    axis.set(
        xlabel="Number of subtypes (0: everyone a control)",
        ylabel="CVIC above the best k (paired SE)",
        xticks=part["n_subtypes"],
    )
    return figure


def positional_variance(model, names: dict, labels: pd.Series):
    """Probability of every event's place, one panel per subtype, biomarkers by their first event."""
    variance = model.positional_variance()
    order = model.event_order()
    biomarkers = list(model.events.biomarkers)
    n = len(names)
    figure, axes = plt.subplots(
        1, n, figsize=(4.6 * n + 1.2, 0.27 * len(biomarkers) + 1.8), layout="constrained", squeeze=False
    )
    maps = ["Blues", "Oranges", "Greens"]
    for c, axis in enumerate(axes[0]):
        part = order[order["subtype"] == c + 1]
        first = part.groupby("biomarker")["mean_position"].min().sort_values().index
        image = np.ones((len(first), model.events.n_events, 3))
        for row, b in enumerate(first):
            for e in np.flatnonzero(model.events.biomarker == biomarkers.index(b)):
                tint = np.array(plt.get_cmap(maps[min(model.events.level[e], 2)])(0.75)[:3])
                p = np.clip(variance[c, e] * 2, 0, 1)[:, None]
                image[row] *= 1 - p * (1 - tint)
        axis.imshow(image, aspect="auto", interpolation="nearest")
        axis.set_yticks(range(len(first)), [labels.get(b, b) for b in first])
        axis.set(xlabel="Place in the sequence", title=f"{names[c + 1]} ({model.fractions[c]:.0%})")
    for level, name in enumerate(maps[: model.events.level.max() + 1]):
        axes[0, -1].plot([], [], "s", color=plt.get_cmap(name)(0.75), label=f"threshold {level + 1}")
    axes[0, -1].legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def mean_z(z: pd.DataFrame, people: pd.DataFrame, names: dict, labels: pd.Series):
    """Mean z per biomarker and out-of-fold subtype; normal-appearing people first."""
    label = people["oof_subtype"].map(names).where(people["oof_stage"] > 0, "normal-appearing")
    columns = [b for b in labels.index if b in z.columns]
    part = z.loc[people.index, columns].groupby(label).mean().reindex(["normal-appearing", *names.values()])
    counts = label.value_counts()
    part.index = [f"{i}\n(n = {counts.get(i, 0)})" for i in part.index]
    part.columns = [labels[b] for b in columns]
    figure, axis = plt.subplots(figsize=(1.6 * len(part) + 3, 0.3 * len(columns) + 1.4), layout="constrained")
    sns.heatmap(
        part.T,
        cmap="RdBu_r",
        center=0,
        vmin=-3,
        vmax=3,
        annot=True,
        fmt=".1f",
        ax=axis,
        cbar_kws={"label": "mean z (positive: smaller than controls)"},
    )
    axis.set(xlabel="", ylabel="")
    axis.tick_params(axis="x", rotation=0)
    return figure


def probability(people: pd.DataFrame, names: dict):
    """Probability of the most probable subtype against the expected stage, one dot a person."""
    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    best = people.filter(regex="^oof_p_subtype").max(axis=1)
    label = people["oof_subtype"].where(people["oof_stage"] > 0, 0)
    for c, name in {0: "normal-appearing", **names}.items():
        rows = label == c
        axis.scatter(
            people.loc[rows, "oof_expected_stage"],
            best[rows],
            s=14,
            alpha=0.7,
            lw=0,
            color=COLOURS[c % len(COLOURS)],
            label=name,
        )
    axis.axhline(0.5, color="0.6", lw=0.8, ls=":")
    axis.set(xlabel="Expected stage (out of fold)", ylabel="Probability of the subtype", ylim=(0, 1.02))
    axis.legend(frameon=False, loc="lower right", fontsize=8)
    return figure


def forest(table: pd.DataFrame):
    """Effects of each subtype against the rest with 95 % intervals, by label and by draws."""
    part = table[table["contrast"] == "against the rest"] if len(table) else table
    outcomes = list(dict.fromkeys(part["outcome"])) if len(part) else []
    figure, axes = plt.subplots(
        1, max(len(outcomes), 1), figsize=(3.4 * max(len(outcomes), 1), 3.2), layout="constrained", squeeze=False
    )
    for axis, outcome in zip(axes[0], outcomes, strict=False):
        rows = part[part["outcome"] == outcome]
        subtypes = list(dict.fromkeys(rows["subtype"]))
        linear = rows["effect"].iloc[0] == "standardised beta"
        for shift, (method, marker) in zip((-0.12, 0.12), (("label", "o"), ("draws", "s")), strict=True):
            r = rows[rows["method"] == method].set_index("subtype").reindex(subtypes)
            y = np.arange(len(subtypes)) + shift
            known = r["estimate"].notna().to_numpy()
            axis.hlines(y[known], r["low"][known], r["high"][known], color="0.3" if method == "label" else COLOURS[1])
            axis.plot(
                r["estimate"][known],
                y[known],
                marker,
                color="0.3" if method == "label" else COLOURS[1],
                ms=5,
                ls="",
                label=method,
            )
        axis.axvline(0 if linear else 1, color="0.6", lw=0.8, ls=":")
        if not linear:
            axis.set_xscale("log")
            axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=12))
            axis.xaxis.set_major_formatter("{x:g}")
            axis.xaxis.set_minor_formatter("")
        axis.set_yticks(range(len(subtypes)), subtypes if axis is axes[0, 0] else [])
        axis.set_ylim(len(subtypes) - 0.5, -0.5)
        axis.set(title=outcome, xlabel=rows["effect"].iloc[0])
    if outcomes:
        axes[0, -1].legend(frameon=False, fontsize=8)
    else:
        axes[0, 0].text(0.5, 0.5, "no outcome declared", ha="center")
        axes[0, 0].axis("off")
    return figure


def normative(z: pd.DataFrame, diagnostics: pd.DataFrame, labels: pd.Series):
    """Controls' out-of-sample z: means by site before and after harmonisation, quantiles, correlations."""
    columns = [b for b in labels.index if b in z.columns]
    names = [labels[b] for b in columns]
    figure, axes = plt.subplots(1, 4, figsize=(19, 0.22 * len(columns) + 2.4), layout="constrained")
    for axis, when in zip(axes[:2], ("before", "after"), strict=True):
        part = diagnostics[(diagnostics["check"] == "site") & (diagnostics["harmonisation"] == when)]
        if part.empty:
            axis.text(0.5, 0.5, "no site term" if when == "before" else "one site", ha="center")
            axis.axis("off")
            continue
        sites = part.pivot(index="biomarker", columns="part", values="mean").reindex(columns).set_axis(names)
        sns.heatmap(
            sites, cmap="RdBu_r", center=0, vmin=-0.6, vmax=0.6, ax=axis, cbar_kws={"label": "mean z of controls"}
        )
        axis.set(title=f"Mean by site, {when} site term", xlabel="", ylabel="")
        axis.tick_params(axis="x", rotation=90)
    for b in columns:
        (theory, observed), _ = stats.probplot(z[b].dropna())
        axes[2].plot(theory, observed, lw=0.7, alpha=0.7)
    axes[2].plot([-3.5, 3.5], [-3.5, 3.5], color="0.2", ls=":")
    axes[2].set(title="Quantiles, one line a biomarker", xlabel="normal quantile", ylabel="z of controls")
    r = z[columns].corr().set_axis(names).set_axis(names, axis=1)
    sns.heatmap(
        r, cmap="RdBu_r", center=0, vmin=-1, vmax=1, ax=axes[3], cbar_kws={"label": "correlation of controls' z"}
    )
    axes[3].set(title="Between regions")
    return figure


def finish(figure, disease: str, simulated: bool, path: Path) -> None:
    """Title, SIMULATED mark where so, PNG at `path` and PDF beside it."""
    figure.suptitle(
        f"{disease} - SIMULATED DATA" if simulated else disease, color="#B00020" if simulated else "black", fontsize=11
    )
    for suffix, options in ((".png", {"dpi": 150}), (".pdf", {"metadata": {"CreationDate": None}})):
        with aside(path.with_suffix(suffix)) as part:
            figure.savefig(part, format=suffix[1:], **options)
    plt.close(figure)
