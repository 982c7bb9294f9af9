"""Diagnostics of the controls, and how their measures correlate."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from scipy import stats

from ..errors import counted
from .given import Given
from .style import COLOURS, COLUMN, PAGE, empty, unsigned


def normative(g: Given) -> Figure:
    """Controls' out-of-sample z: mean and SD, of several sites by site before and after harmonisation; quantiles."""
    z = g.table("normative/zscores")
    z = z[z["group"] == g.control]
    diagnostics = g.table("normative/diagnostics")
    columns = [b for b in g.labels.index if b in z.columns and z[b].notna().any()]
    names = [g.labels[b] for b in columns]
    checks = diagnostics[diagnostics["check"] == "site"]
    # without a site term there is no before, with one site nothing to be told apart
    several = checks["part"].nunique() > 1
    checks = checks if several else checks[:0]
    sites = {when: checks[checks["harmonisation"] == when] for when in ("before", "after")}
    everyone = diagnostics[diagnostics["check"] == "all"] if not several else checks[:0]
    panels = [
        (when, column, part)
        for when, part in sites.items()
        for column in (("mean", "sd") if when == "after" else ("mean",))
        if len(part)
    ]
    rows = len(panels) + 1 + (len(everyone) > 0)
    columns_of = 2
    lines = -(-rows // columns_of)
    figure, axes = plt.subplots(
        lines, min(columns_of, rows), figsize=(PAGE if rows > 1 else COLUMN, lines * (0.13 * len(columns) + 1.2) + 0.4),
        layout="constrained", squeeze=False,
    )  # fmt: skip
    axes = list(axes.ravel())
    for axis in axes[rows:]:
        axis.axis("off")
    adjusted = len(sites["before"]) > 0
    for axis, (when, column, part) in zip(axes, panels, strict=False):
        wide = part.pivot(index="biomarker", columns="part", values=column).reindex(columns).set_axis(names)
        scale = (
            {"center": 0, "vmin": -0.6, "vmax": 0.6} if column == "mean" else {"center": 1, "vmin": 0.5, "vmax": 1.5}
        )
        word = "mean z" if column == "mean" else "SD of z"
        sns.heatmap(
            wide.astype(float), cmap="RdBu_r" if column == "mean" else "PuOr_r", ax=axis, **scale,
            yticklabels=True, xticklabels=True, cbar_kws={"label": f"{word} of controls", "extend": "both"},
        )  # fmt: skip
        axis.set(title=f"{word} by site" + (f", {when} the site term" if adjusted else ""), xlabel="", ylabel="")
        axis.tick_params(axis="x", rotation=90, labelsize=6.5)
        axis.tick_params(axis="y", labelsize=6.5)
    if len(everyone):
        whole, axis = everyone.drop_duplicates("biomarker").set_index("biomarker").reindex(columns), axes[0]
        at = np.arange(len(columns))
        axis.hlines(at, whole["mean"] - whole["sd"], whole["mean"] + whole["sd"], color="0.45", lw=1)
        axis.plot(whole["mean"], at, "o", ms=3, color=COLOURS[1])
        for wanted in (-1, 0, 1):
            axis.axvline(wanted, color="0.6", lw=0.8, ls=":")
        axis.set_yticks(at, names, fontsize=6.5)
        axis.set(title="mean z, and one SD to both sides", xlabel="z of controls", ylim=(len(columns) - 0.5, -0.5))
    quantiles = axes[rows - 1]
    for b in columns:
        (theory, observed), _ = stats.probplot(z[b].dropna())
        quantiles.plot(theory, observed, lw=0.6, alpha=0.7)
    quantiles.plot([-3.5, 3.5], [-3.5, 3.5], color="0.2", ls=":")
    n = int(z[columns].notna().any(axis=1).sum()) if columns else 0
    quantiles.set(
        title=f"quantiles, one line a measure ({counted(n, 'control')})",
        xlabel="normal quantile",
        ylabel="z of controls",
    )
    return figure


def covariance(g: Given) -> Figure:
    """Correlation between measures in the controls, and how many controls have both of a pair."""
    table = g.table("normative/covariance")
    names = [b for b in g.labels.index if b in set(table["biomarker"])]
    if len(names) < 2:
        return empty("One measure: nothing correlates.")
    both = pd.concat([table, table.rename(columns={"biomarker": "other", "other": "biomarker"})])
    both = both.drop_duplicates(["biomarker", "other"])
    shown = [g.labels[b] for b in names]

    def square(column):
        wide = both.pivot(index="biomarker", columns="other", values=column).loc[names, names]
        return wide.set_axis(shown, axis=0).set_axis(shown, axis=1).astype(float)

    one = table.iloc[0]
    n = square("n")
    low, high = int(n.min().min()), int(n.max().max())
    # where nothing is missing one number says it all
    panels = 1 if low == high else 2
    side = PAGE / panels - 0.2 if panels == 2 else 5.6
    figure, axes = plt.subplots(1, panels, figsize=(PAGE, side + 0.5), layout="constrained", squeeze=False)
    axes = axes[0]
    values = square("correlation")
    # the diagonal is 1 by definition and says nothing
    off = values.where(~np.eye(len(names), dtype=bool))
    limit = max(0.3, float(np.ceil(off.abs().max().max() * 10) / 10))
    sns.heatmap(
        off, cmap="RdBu_r", vmin=-limit, vmax=limit, square=True, ax=axes[0], annot=unsigned(off, 2) if len(names) <= 20 and panels == 1 else None,
        fmt=".2f",
        annot_kws={"size": 6}, xticklabels=True, yticklabels=True,
        cbar_kws={"label": "correlation of controls' z", "shrink": 0.7},
    )  # fmt: skip
    behind = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    axes[0].set_title(
        f"{behind} of {counted(int(one['n_controls']), 'control', spec=',')} behind each,\nafter shrinkage by {one['shrinkage']:.1%}, condition number "
        f"{one['condition_number']:.3g}",
        fontsize=7.5,
    )
    if panels == 2:
        sns.heatmap(
            n, cmap="viridis", vmin=0, vmax=int(one["n_controls"]), square=True, ax=axes[1], xticklabels=True, yticklabels=True,
            cbar_kws={"label": "controls with both", "shrink": 0.7},
        )  # fmt: skip
        axes[1].set_title("controls with both", fontsize=7.5)
    for axis in axes:
        axis.set(xlabel="", ylabel="")
        axis.tick_params(axis="x", rotation=90, labelsize=6.5)
        axis.tick_params(axis="y", rotation=0, labelsize=6.5)
    return figure
