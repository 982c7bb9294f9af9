"""Diagnostics of the controls, and how their regions correlate."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from scipy import stats

from . import style  # noqa: F401  sets the look


def normative(z: pd.DataFrame, diagnostics: pd.DataFrame, labels: pd.Series):
    """Controls' out-of-sample z: means by site before and after harmonisation, quantiles."""
    columns = [b for b in labels.index if b in z.columns]
    names = [labels[b] for b in columns]
    checks = diagnostics[diagnostics["check"] == "site"]
    # without a site term there is no before, with one site no check
    sites = {when: checks[checks["harmonisation"] == when] for when in ("before", "after")}
    sites = {when: part for when, part in sites.items() if len(part)}
    n = len(sites) + 1
    figure, axes = plt.subplots(
        1, n, figsize=(4.75 * n, 0.22 * len(columns) + 2.4), layout="constrained", squeeze=False
    )
    axes = axes[0]
    for axis, (when, part) in zip(axes, sites.items(), strict=False):
        means = part.pivot(index="biomarker", columns="part", values="mean").reindex(columns).set_axis(names)
        sns.heatmap(
            means,
            cmap="RdBu_r",
            center=0,
            vmin=-0.6,
            vmax=0.6,
            ax=axis,
            cbar_kws={"label": "mean z of controls", "extend": "both"},
        )
        title = f"Mean by site, {when} site term" if len(sites) > 1 else "Mean by site"
        axis.set(title=title, xlabel="", ylabel="")
        axis.tick_params(axis="x", rotation=90)
    quantiles = axes[-1]
    for b in columns:
        (theory, observed), _ = stats.probplot(z[b].dropna())
        quantiles.plot(theory, observed, lw=0.7, alpha=0.7)
    quantiles.plot([-3.5, 3.5], [-3.5, 3.5], color="0.2", ls=":")
    quantiles.set(title="Quantiles, one line a biomarker", xlabel="normal quantile", ylabel="z of controls")
    return figure


def covariance(table: pd.DataFrame, labels: pd.Series):
    """Correlation between regions in the controls, and how many controls have both regions of a pair.

    Parameters
    ----------
    table : DataFrame
        results/normative/covariance.tsv: biomarker, other, n, correlation, n_controls, shrinkage, condition_number.
    labels : Series
        Names to be shown, by biomarker, in the order to be drawn.
    """
    names = [b for b in labels.index if b in set(table["biomarker"])]
    both = pd.concat([table, table.rename(columns={"biomarker": "other", "other": "biomarker"})])
    both = both.drop_duplicates(["biomarker", "other"])

    def square(column):
        wide = both.pivot(index="biomarker", columns="other", values=column).loc[names, names]
        return wide.set_axis(labels[names], axis=0).set_axis(labels[names], axis=1)

    one = table.iloc[0]
    n = square("n")
    low, high = int(n.min().min()), int(n.max().max())
    # where nothing is missing one number says it all
    panels = 1 if low == high else 2
    side = 0.3 * len(names) + 2.6
    figure, axes = plt.subplots(1, panels, figsize=(panels * side + 1, side), layout="constrained", squeeze=False)
    axes = axes[0]
    # the diagonal is 1 by definition and says nothing
    sns.heatmap(
        square("correlation").where(~np.eye(len(names), dtype=bool)),
        cmap="RdBu_r",
        vmin=-1,
        vmax=1,
        square=True,
        ax=axes[0],
        annot=len(names) <= 24,
        fmt=".2f",
        annot_kws={"size": 5},
        cbar_kws={"label": "correlation of controls' z", "shrink": 0.8},
    )
    behind = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    axes[0].set_title(
        f"{behind} of {int(one['n_controls']):,} controls behind each, after shrinkage by {one['shrinkage']:.1%},\n"
        f"condition number {one['condition_number']:.3g}",
        fontsize=9,
    )
    if panels == 2:
        sns.heatmap(
            n,
            cmap="viridis",
            vmin=0,
            vmax=int(one["n_controls"]),
            square=True,
            ax=axes[1],
            cbar_kws={"label": "controls with both", "shrink": 0.8},
        )
        axes[1].set_title("Controls with both regions", fontsize=9)
    for axis in axes:
        axis.set(xlabel="", ylabel="")
        axis.tick_params(axis="x", rotation=90)
        axis.tick_params(axis="y", rotation=0)
    return figure
