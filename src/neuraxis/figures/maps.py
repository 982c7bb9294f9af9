"""Maps on brain and cord: mean z and t per subtype, z along the stages; and the same mean z as numbers."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from ..errors import counted
from ..labels import NORMAL
from .brain import CORD, HEIGHT, LEVEL_COLOURS, VIEWS, WIDTH, draw_brain, has_outline, views_of
from .given import Given, takes_models
from .style import MIDDLE, PAGE, empty, unsigned, wrapped

#: Said instead of a drawing on which nothing would be.
NOWHERE = "None of these biomarkers has a place on the drawing of the brain; see the mean z as numbers."
FDR = 0.05


def undrawn(table: pd.DataFrame, where: dict, labels: pd.Series) -> list[str]:
    """Labels of the table's biomarkers that have no place on the drawing."""
    return [labels.get(b, b) for b in table["biomarker"].unique() if not any(map(has_outline, where.get(b, ())))]


def drawable(table: pd.DataFrame, where: dict) -> bool:
    """Has any of the table's biomarkers a place on the brain? A patch for the cord beside an empty brain shows no more than its number."""
    places = {place for b in table["biomarker"].unique() for place in where.get(b, ()) if has_outline(place)}
    return bool(places - {CORD})


def _panels(rows, where, norm, colour_map, label, note, cord_levels=(1, 2, 3), views=tuple(VIEWS)):
    """One drawing a row, titles above, one colour scale.

    Parameters
    ----------
    rows : list of (str, dict, collection)
        Title, values by biomarker, biomarkers that are dotted.
    """
    width = PAGE - 0.9
    height = width * (HEIGHT + 0.1) / (WIDTH + 0.05) + 0.22
    figure, axes = plt.subplots(
        len(rows), 1, figsize=(PAGE, height * len(rows) + 0.75), layout="constrained", squeeze=False
    )
    for axis, (title, values, dotted) in zip(axes[:, 0], rows, strict=True):
        draw_brain(axis, values, where, colour_map, norm, dotted, cord_levels=cord_levels, views=views)
        axis.set_title(title, loc="left", pad=2)
    scale = plt.cm.ScalarMappable(norm=norm, cmap=colour_map)
    bar = figure.colorbar(scale, ax=axes[:, 0].tolist(), shrink=min(1.0, 1.7 / len(rows)), pad=0.01, aspect=18)
    bar.set_label(label)
    figure.supxlabel(note, fontsize=6.5, color="0.3")
    return figure


def _unplaced(g: Given, table: pd.DataFrame) -> list[str]:
    return [b for b in table["biomarker"].unique() if not any(map(has_outline, g.where.get(b, ())))]


def _elsewhere(absent: list[str]) -> str:
    return f"\nMeasured, but without a place here: {', '.join(absent)}." if absent else ""


@takes_models
def brain_mean_z(g: Given) -> Figure:
    """Mean z per group on brain and cord, one colour scale for all diseases."""
    table = g.table("clinical/maps")
    absent = undrawn(table, g.where, g.labels)
    if not drawable(table, g.where):
        return empty(NOWHERE)
    limit = g.limit("mean_z", 1.0)
    rows = []
    for group in g.groups:
        part = table[table["group"] == group].set_index("biomarker")
        if len(part) and part["n"].max() > 0:
            rows.append((f"{group} (n = {int(part['n'].max())})", part["mean_z"].to_dict(), ()))
    if not rows:
        return empty("Nobody has a z to be drawn.")
    return _panels(
        rows, g.where, Normalize(-limit, limit), plt.get_cmap("RdBu_r"), "mean z\n(positive: abnormal)",
        "Left hemisphere for both. White: z = 0. Hatched: not measured, or (cortex in the cuts, ventricles, poles) without a value here."
        + _elsewhere(absent), g.cord_levels, views_of(g.where, table["biomarker"].unique()),
    )  # fmt: skip


@takes_models
def brain_t(g: Given) -> Figure:
    """t of each subtype against the other subtypes (OLS with age, sex, eTIV), dotted where q is not below 5 %."""
    table = g.table("clinical/maps")
    if g.k < 2:
        return empty("There are no subtypes to compare.")
    known = table[table["t"].notna() & table["group"].isin(g.groups)]
    if known.empty:
        return empty("No subtype has five people to compare with five others.")
    absent = undrawn(table, g.where, g.labels)
    if not drawable(table, g.where):
        return empty(NOWHERE)
    limit = g.limit("t", 2.0)
    rows = []
    for group in g.names.values():
        part = table[table["group"] == group].set_index("biomarker")
        if not part["t"].notna().any():
            continue
        vague = part.index[~(part["q"] < FDR)] if "q" in part else part.index
        found = int((part["q"] < FDR).sum()) if "q" in part else 0
        others = "the other subtype" + "s" * (g.k > 2)
        words = f"{group} against {others} ({found} of {counted(int(part['t'].notna().sum()), 'region')} at q < 0.05)"
        rows.append((words, part["t"].to_dict(), tuple(vague)))
    return _panels(
        rows, g.where, Normalize(-limit, limit), plt.get_cmap("PuOr_r"), "t\n(positive: more abnormal)",
        "Circular: these regions defined the subtypes. Dotted: q of at least 0.05. Hatched: no value." + _elsewhere(absent), g.cord_levels,
        views_of(g.where, table["biomarker"].unique()),
    )  # fmt: skip


#: One person far ahead is not where people are.
FEWEST = 3


def stages_shown(stage: pd.Series, most: int = 4) -> list[int]:
    """Stages spread evenly from 1 to where people are, each reached by somebody.

    The last is one that `FEWEST` have reached, or the fourth where nearly everybody stands before it.

    Parameters
    ----------
    stage : Series
        Of the staged people of one subtype.
    """
    if stage.empty:
        return []
    last = max(float(stage.nlargest(FEWEST).min()), min(float(stage.max()), most))
    spread = np.linspace(1, max(last, 1.0), most).round().astype(int)
    return [int(s) for s in dict.fromkeys(spread) if (stage >= s).any()]


def by_scale(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of progression.tsv that are z, and those that are levels, with `share`: of the biomarker's highest level."""
    is_z = table["family"] == "zscore" if "family" in table else pd.Series(True, table.index)
    levels = table[~is_z]
    highest = levels.groupby("biomarker")["z"].transform("max").clip(lower=1)
    return table[is_z], levels.assign(share=levels["z"] / highest)


#: Label of the colours of levels.
LEVELS = "share of its levels reached"


#: Where the scale of expected z ends, in every disease alike.
Z_END = 5.0


def extended(values: pd.Series) -> str:
    """Which ends of the scale's bar are arrows: the upper one where an expected z lies beyond it."""
    return "max" if (values > Z_END).any() else "neither"


def z_scale(z: pd.DataFrame) -> Normalize:
    """From 0 to nearly the highest expected z."""
    return Normalize(0, max(1.0, float(z["z"].quantile(0.98))) if len(z) else 1.0)


@takes_models
def progression(g: Given) -> Figure:
    """Expected z along the stages of every subtype, at stages spread evenly over where its people are.

    Biomarkers of events without a z (normal or abnormal, scores) are coloured by the share of their levels, in colours of
    their own.
    """
    table = g.table("progression")
    # a model without people has all its stages
    alone = "subtypes" not in g.tables
    if not g.names or g.k < 1 or (not alone and not (g.stages > 0).any()):
        return empty("Nobody is staged above 0, or no order is supported.")
    absent = undrawn(table, g.where, g.labels)
    every = table["stage"].astype(int)
    shown = {
        c: stages_shown(every[table["subtype"] == c] if alone else g.stages[(g.group == name) & (g.stages > 0)])
        for c, name in g.names.items()
    }
    shown = {c: s for c, s in shown.items() if s}
    if not drawable(table, g.where):
        return _numbers(g, table, shown)
    z, levels = by_scale(table)
    # one end for all diseases, whose figures stand beside one another
    norm, colour_map = Normalize(0, Z_END), plt.get_cmap("magma_r")
    seen = pd.concat([z.loc[(z["subtype"] == c) & z["stage"].isin(s), "z"] for c, s in shown.items()])
    drawn_levels = [b for b in levels["biomarker"].unique() if any(map(has_outline, g.where.get(b, ())))]
    views = views_of(g.where, table["biomarker"].unique())
    columns, rows = len(shown), max(map(len, shown.values()))
    width = (PAGE - 0.7) / max(columns, 2)
    figure, axes = plt.subplots(
        rows, columns, figsize=(PAGE if columns > 1 else MIDDLE, rows * (width * HEIGHT / WIDTH + 0.25) + 0.9),
        layout="constrained", squeeze=False,
    )  # fmt: skip
    for j, (c, stages) in enumerate(shown.items()):
        mine = None if alone else g.stages[g.group == g.names[c]]
        for i in range(rows):
            axis = axes[i, j]
            if i >= len(stages):
                axis.axis("off")
                continue
            mine_z, mine_levels = (
                t[(t["subtype"] == c) & (t["stage"] == stages[i])].set_index("biomarker") for t in (z, levels)
            )
            draw_brain(
                axis,
                mine_z["z"].to_dict(),
                g.where,
                colour_map,
                norm,
                levels=mine_levels["share"].to_dict(),
                cord_levels=g.cord_levels,
                views=views,
            )
            reached = "" if mine is None else f" (n = {int((mine >= stages[i]).sum())} here or later)"
            head = f"{g.names[c]}\n" if i == 0 and g.k > 1 else ""
            axis.set_title(f"{head}stage {stages[i]}{reached}", fontsize=7, pad=2)
    scales = (
        [(norm, colour_map, "expected z", extended(seen))] if len(set(z["biomarker"]) - set(_unplaced(g, z))) else []
    )
    if drawn_levels:
        names = ", ".join(g.labels.get(b, b) for b in drawn_levels)
        # said where it is so: the caption is of every study
        scales.append((Normalize(0, 1), LEVEL_COLOURS, f"{LEVELS}, of what has no z: {names}", "neither"))
    for norm, colour_map, label, ends in scales:
        scale = plt.cm.ScalarMappable(norm=norm, cmap=colour_map)
        figure.colorbar(
            scale,
            ax=axes.ravel().tolist(),
            label=wrapped(label, 90),
            location="bottom",
            extend=ends,
            shrink=0.4,
            aspect=30,
            pad=0.02,
        )
    if absent:
        figure.supxlabel(_elsewhere(absent).strip(), fontsize=6.5, color="0.3")
    return figure


def _numbers(g: Given, table: pd.DataFrame, shown: dict):
    """Expected z of biomarkers that cannot be drawn on the brain, one panel per subtype."""
    size = table["biomarker"].nunique()
    z, levels = by_scale(table)
    said = dict.fromkeys(levels["biomarker"].unique(), " (level)")
    seen = z.loc[z["stage"].isin({s for stages in shown.values() for s in stages}), "z"]
    table = pd.concat([z.assign(share=np.nan), levels])
    figure, axes = plt.subplots(
        1, len(shown), figsize=(PAGE, 0.22 * size + 1.2), layout="constrained", squeeze=False, sharey=True
    )
    for axis, (c, stages) in zip(axes[0], shown.items(), strict=True):
        part = table[(table["subtype"] == c) & table["stage"].isin(stages)]
        wide, share = (
            part.pivot(index="biomarker", columns="stage", values=v)
            .loc[table["biomarker"].unique()]
            .rename(index=lambda b: g.labels.get(b, b) + said.get(b, ""))
            for v in ("z", "share")
        )
        # two scales, one on the rows of the other's gaps; the numbers are z, or the level itself
        for values, highest, colour_map, label, ends in (
            (wide.where(share.isna()), Z_END, "magma_r", "expected z", extended(seen)),
            (share, 1.0, LEVEL_COLOURS, LEVELS, "neither"),
        ):
            if values.notna().any(axis=None):
                sns.heatmap(
                    values, mask=values.isna(), cmap=colour_map, vmin=0, vmax=highest, annot=unsigned(wide, 1), fmt=".1f", ax=axis,
                    annot_kws={"fontsize": 6.5}, cbar=axis is axes[0, -1], cbar_kws={"label": label, "extend": ends},
                )  # fmt: skip
        axis.set(title=g.names[c] if g.k > 1 else "", ylabel="")
    return figure


@takes_models
def mean_z(g: Given) -> Figure:
    """Mean z per biomarker and group as numbers."""
    table = g.table("clinical/maps")
    columns = [b for b in g.labels.index if b in set(table["biomarker"])]
    groups = [name for name in g.groups if name in set(table.loc[table["n"] > 0, "group"])]
    if not groups:
        return empty("Nobody has a z to be told.")
    wide = table.pivot(index="biomarker", columns="group", values="mean_z").loc[columns, groups]
    n = table.groupby("group")["n"].max()
    wide.index = [g.labels[b] for b in columns]
    wide.columns = [f"{name}\n(n = {int(n[name])})" for name in groups]
    limit = g.limit("mean_z", 1.0)
    figure, axis = plt.subplots(
        figsize=(PAGE if len(groups) > 2 else MIDDLE, 0.19 * len(columns) + 1.2), layout="constrained"
    )
    sns.heatmap(
        wide.astype(float), cmap="RdBu_r", center=0, vmin=-limit, vmax=limit, annot=unsigned(wide, 1), fmt=".1f", ax=axis,
        annot_kws={"fontsize": 6.5}, cbar_kws={"label": "mean z (positive: abnormal)"},
    )  # fmt: skip
    axis.set(xlabel="", ylabel="")
    axis.tick_params(axis="x", rotation=0, labelsize=6.5)
    return figure


__all__ = ["NORMAL", "brain_mean_z", "brain_t", "mean_z", "progression", "stages_shown", "undrawn"]
