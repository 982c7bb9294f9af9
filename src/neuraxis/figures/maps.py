"""Maps on brain and cord: mean z and t per subtype, z along the stages; and the same mean z as numbers."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import Normalize

from ..labels import NORMAL
from .brain import HEIGHT, WIDTH, draw_brain, has_outline
from .style import empty

#: Said instead of a drawing on which nothing would be.
NOWHERE = "None of these biomarkers has a place on the drawing of brain and cord; see the mean z as numbers."


def undrawn(table: pd.DataFrame, where: dict, labels: pd.Series) -> list[str]:
    """Labels of the table's biomarkers that have no place on the drawing."""
    return [labels.get(b, b) for b in table["biomarker"].unique() if not any(map(has_outline, where.get(b, ())))]


def _panels(rows: list[tuple[str, dict]], where, norm, colour_map, label, note=""):
    """One drawing a row, titles on the left, one colour scale."""
    height = 5.4 * HEIGHT / WIDTH * 1.35
    figure, axes = plt.subplots(
        len(rows), 1, figsize=(7.6, height * len(rows) + 0.9), layout="constrained", squeeze=False
    )
    for axis, (title, values) in zip(axes[:, 0], rows, strict=True):
        draw_brain(axis, values, where, colour_map, norm)
        axis.set_title(title, loc="left", fontsize=9, pad=2)
    scale = plt.cm.ScalarMappable(norm=norm, cmap=colour_map)
    figure.colorbar(scale, ax=axes[:, 0].tolist(), label=label, shrink=min(1.0, 1.6 / len(rows)), pad=0.02, aspect=25)
    if note:
        figure.supxlabel(note, fontsize=7, color="0.35")
    return figure


def _elsewhere(absent: list[str]) -> str:
    return f"\nMeasured, but without a place here: {', '.join(absent)}." if absent else ""


def brain_mean_z(table: pd.DataFrame, names: dict, where: dict, labels: pd.Series):
    """Mean z per group on brain and cord, one colour scale.

    Parameters
    ----------
    table : DataFrame
        maps.tsv.
    names : dict of subtype to name
    where : dict
        From `brain.structures`.
    labels : Series
        Biomarker to its label.
    """
    absent = undrawn(table, where, labels)
    if len(absent) == table["biomarker"].nunique():
        return empty(NOWHERE)
    limit = max(1.0, float(np.ceil(table.loc[table["n"] >= 5, "mean_z"].abs().max() * 2) / 2))
    rows = []
    for group in [NORMAL, *names.values()]:
        part = table[table["group"] == group].set_index("biomarker")
        if len(part):
            rows.append((f"{group} (n = {int(part['n'].max())})", part["mean_z"].to_dict()))
    return _panels(
        rows, where, Normalize(-limit, limit), plt.get_cmap("RdBu_r"), "mean z\n(positive: abnormal)",
        "Left hemisphere stands for both; poles of frontal and temporal lobe, and lobes in the cuts, are not drawn. Grey: not measured."
        + _elsewhere(absent),
    )  # fmt: skip


def brain_t(table: pd.DataFrame, names: dict, where: dict, labels: pd.Series):
    """t of each subtype against the other subtypes (OLS with age, sex, eTIV), one colour scale."""
    known = table[table["t"].notna()]
    if known.empty:
        return empty("No subtype has five people to compare with five others.")
    absent = undrawn(table, where, labels)
    if len(absent) == table["biomarker"].nunique():
        return empty(NOWHERE)
    limit = float(np.ceil(known["t"].abs().max()))
    rows = []
    for group in names.values():
        part = table[table["group"] == group].set_index("biomarker")
        words = "" if part["t"].notna().any() else ": too few people"
        rows.append((f"{group} against the other subtypes{words}", part["t"].to_dict()))
    return _panels(
        rows, where, Normalize(-limit, limit), plt.get_cmap("PuOr_r"), "t (positive: more abnormal)",
        "Circular: these regions defined the subtypes. The maps say where subtypes differ, not that they do."
        + _elsewhere(absent),
    )  # fmt: skip


def progression(table: pd.DataFrame, people: pd.DataFrame, names: dict, where: dict, labels: pd.Series):
    """Expected z along the stages of every subtype, at stages that people really reach; as numbers without a drawing."""
    staged = people.loc[people["oof_stage"] > 0, "oof_stage"]
    if staged.empty:
        return empty("Nobody is staged above 0.")
    stages = sorted({1, *np.quantile(staged, [0.25, 0.5, 0.75, 0.9, 1.0]).round().astype(int)})
    absent = undrawn(table, where, labels)
    if len(absent) == table["biomarker"].nunique():
        return _progression_numbers(table[table["stage"].isin(stages)], names, labels)
    norm, colour_map = Normalize(0, max(1.0, float(table["z"].quantile(0.98)))), plt.get_cmap("magma_r")
    figure, axes = plt.subplots(
        len(stages), len(names), figsize=(4.4 * len(names) + 0.8, 1.02 * len(stages) + 0.9),
        layout="constrained", squeeze=False,
    )  # fmt: skip
    for i, stage in enumerate(stages):
        for j, (c, name) in enumerate(names.items()):
            axis = axes[i, j]
            part = table[(table["subtype"] == c) & (table["stage"] == stage)].set_index("biomarker")["z"]
            draw_brain(axis, part.to_dict(), where, colour_map, norm)
            n = int(((people["oof_subtype"] == c) & (people["oof_stage"] >= stage)).sum())
            head = f"{name}\n" if i == 0 else ""
            axis.set_title(f"{head}stage {stage} (n = {n} here or later)", fontsize=8, pad=2)
    scale = plt.cm.ScalarMappable(norm=norm, cmap=colour_map)
    figure.colorbar(scale, ax=axes.ravel().tolist(), label="expected z", shrink=0.5, pad=0.01, aspect=30)
    if absent:
        figure.supxlabel(_elsewhere(absent).strip(), fontsize=7, color="0.35")
    return figure


def _progression_numbers(table: pd.DataFrame, names: dict, labels: pd.Series):
    """Expected z of biomarkers that cannot be drawn on the brain, one panel per subtype."""
    size = table["biomarker"].nunique()
    figure, axes = plt.subplots(
        1,
        len(names),
        figsize=(3.2 * len(names) + 2, 0.3 * size + 1.4),
        layout="constrained",
        squeeze=False,
        sharey=True,
    )
    for axis, (c, name) in zip(axes[0], names.items(), strict=True):
        wide = table[table["subtype"] == c].pivot(index="biomarker", columns="stage", values="z")
        wide = wide.loc[table["biomarker"].unique()].rename(index=lambda b: labels.get(b, b))
        sns.heatmap(
            wide, cmap="magma_r", vmin=0, vmax=max(1.0, float(table["z"].max())), annot=True, fmt=".1f", ax=axis,
            annot_kws={"fontsize": 7}, cbar=axis is axes[0, -1], cbar_kws={"label": "expected z"},
        )  # fmt: skip
        axis.set(title=name, ylabel="")
    return figure


def mean_z(table: pd.DataFrame, names: dict, labels: pd.Series):
    """Mean z per biomarker and group as numbers."""
    columns = [b for b in labels.index if b in set(table["biomarker"])]
    groups = [g for g in [NORMAL, *names.values()] if g in set(table["group"])]
    wide = table.pivot(index="biomarker", columns="group", values="mean_z").loc[columns, groups]
    n = table.groupby("group")["n"].max()
    wide.index = [labels[b] for b in columns]
    wide.columns = [f"{g}\n(n = {int(n[g])})" for g in groups]
    figure, axis = plt.subplots(figsize=(1.6 * len(groups) + 3, 0.3 * len(columns) + 1.4), layout="constrained")
    sns.heatmap(
        wide.astype(float), cmap="RdBu_r", center=0, vmin=-3, vmax=3, annot=True, fmt=".1f", ax=axis,
        cbar_kws={"label": "mean z (positive: abnormal)"},
    )  # fmt: skip
    axis.set(xlabel="", ylabel="")
    axis.tick_params(axis="x", rotation=0)
    return figure
