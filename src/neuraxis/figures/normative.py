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
    checks = diagnostics[diagnostics["check"] == "site"]
    # without a site term there is no before, with one site no check
    sites = {when: checks[checks["harmonisation"] == when] for when in ("before", "after")}
    sites = {when: part for when, part in sites.items() if len(part)}
    n = len(sites) + 2
    figure, axes = plt.subplots(1, n, figsize=(4.75 * n, 0.22 * len(columns) + 2.4), layout="constrained")
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
    quantiles, between = axes[-2:]
    for b in columns:
        (theory, observed), _ = stats.probplot(z[b].dropna())
        quantiles.plot(theory, observed, lw=0.7, alpha=0.7)
    quantiles.plot([-3.5, 3.5], [-3.5, 3.5], color="0.2", ls=":")
    quantiles.set(title="Quantiles, one line a biomarker", xlabel="normal quantile", ylabel="z of controls")
    r = z[columns].corr().set_axis(names).set_axis(names, axis=1)
    sns.heatmap(
        r, cmap="RdBu_r", center=0, vmin=-1, vmax=1, ax=between, cbar_kws={"label": "correlation of controls' z"}
    )
    between.set(title="Between regions")
    return figure
