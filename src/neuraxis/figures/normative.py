"""Diagnostics of the controls."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from scipy import stats

from . import style  # noqa: F401  sets the look


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
