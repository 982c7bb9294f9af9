"""Figures of the clinical tables: forest, groups with points, stage with fit and band, survival, transitions."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.ticker import LogLocator, MaxNLocator

from ..clinical.contrasts import OTHERS
from ..clinical.outcomes import KINDS
from ..labels import NORMAL
from .style import colours, empty

METHODS = {"weighted": ("D", "#0072B2"), "label": ("o", "0.25"), "draws": ("s", "#E69F00")}


def contrasts_shown(table: pd.DataFrame) -> list[str]:
    """Contrasts of the forest, one row each: subtypes among themselves, stage, any atrophy, in the table's order."""
    subtypes = table[table["kind"] == "subtype"]
    against_all = subtypes[subtypes["against"] == OTHERS]
    shown = [
        against_all if len(against_all) else subtypes,
        table[(table["kind"] == "stage") & (table["subtype"].isna() | (table["subtype"] == ""))],
        table[table["kind"] == "atrophy"],
    ]
    return list(dict.fromkeys(pd.concat(shown)["contrast"]))


def forest(table: pd.DataFrame):
    """Subtype against the other subtypes, stage, and any atrophy, with 95 % intervals, three methods side by side."""
    part = table[table["contrast"].isin(contrasts_shown(table))] if len(table) else table
    part = part[part.groupby("outcome")["estimate"].transform(lambda v: v.notna().any())] if len(part) else part
    outcomes = list(dict.fromkeys(part["outcome"])) if len(part) else []
    if not outcomes:
        return empty("No outcome could be tested.")
    contrasts = contrasts_shown(part)
    columns = min(4, len(outcomes))
    lines = -(-len(outcomes) // columns)
    height = 0.32 * len(contrasts) + 1.3
    figure, axes = plt.subplots(
        lines, columns, figsize=(3.1 * columns + 2, height * lines + 0.6), layout="constrained", squeeze=False
    )
    for axis, outcome in zip(axes.ravel(), outcomes, strict=False):
        rows = part[part["outcome"] == outcome]
        linear = KINDS[rows["type"].iloc[0]].linear
        for shift, (method, (marker, colour)) in zip((-0.22, 0, 0.22), METHODS.items(), strict=True):
            r = rows[rows["method"] == method].set_index("contrast").reindex(contrasts)
            y = np.arange(len(r)) + shift
            known = r["estimate"].notna().to_numpy()
            axis.hlines(y[known], r["low"][known], r["high"][known], color=colour, lw=1.2)
            axis.plot(r["estimate"][known], y[known], marker, color=colour, ms=4.5, ls="", label=method)
        axis.axvline(0 if linear else 1, color="0.6", lw=0.8, ls=":")
        if linear:
            axis.xaxis.set_major_locator(MaxNLocator(5))
            axis.xaxis.set_major_formatter("{x:g}")
        else:
            axis.set_xscale("log")
            span = np.log10(rows["high"].max() / rows["low"].min())
            axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if span < 2 else (1.0,), numticks=8))
            axis.xaxis.set_major_formatter("{x:g}")
            axis.xaxis.set_minor_formatter("")
        first = axis in axes[:, 0]
        axis.set_yticks(range(len(contrasts)), contrasts if first else [""] * len(contrasts), fontsize=8)
        axis.set_ylim(len(contrasts) - 0.5, -0.5)
        axis.set(title=outcome, xlabel=rows["effect"].iloc[0])
    for axis in axes.ravel()[len(outcomes) :]:
        axis.axis("off")
    handles = [plt.Line2D([], [], marker=m, color=c, lw=1.2, ms=4.5, label=k) for k, (m, c) in METHODS.items()]
    figure.legend(handles=handles, frameon=False, loc="outside lower center", ncols=3)
    return figure


def available(people: pd.DataFrame, outcomes: list) -> list:
    """Outcomes that somebody has a value of."""
    return [o for o in outcomes if o.column in people and people[o.column].notna().any()]


def boxes(people: pd.DataFrame, outcomes: list, group: pd.Series, names: dict):
    """Box and points of every numeric outcome per group; shares of people for yes-or-no outcomes."""
    drawn = [o for o in available(people, outcomes) if o.drawn]
    if not drawn:
        return empty("No outcome to draw.")
    order = [g for g in dict.fromkeys([NORMAL, *names.values()]) if (group == g).any()]
    tint = colours([NORMAL, *names.values()])
    columns = min(4, len(drawn))
    lines = -(-len(drawn) // columns)
    figure, axes = plt.subplots(
        lines, columns, figsize=(3.2 * columns, 3.0 * lines + 0.3), layout="constrained", squeeze=False
    )
    jitter = np.random.default_rng(0)
    for axis, o in zip(axes.ravel(), drawn, strict=False):
        values = o.values(people)
        yes_no = o.drawn == "share"
        for i, g in enumerate(order):
            v = values[group == g].dropna()
            if yes_no:
                axis.bar(i, v.mean() if len(v) else np.nan, color=tint[g], width=0.6)
                axis.text(i, (v.mean() if len(v) else 0) + 0.01, f"{int(v.sum())}/{len(v)}", ha="center", fontsize=7)
                continue
            axis.plot(i + jitter.uniform(-0.17, 0.17, len(v)), v, ".", ms=3, alpha=0.35, color=tint[g])
            if len(v) >= 5:
                axis.boxplot(
                    v, positions=[i], widths=0.5, showfliers=False, medianprops={"color": "black"}, manage_ticks=False
                )
        if yes_no:
            axis.margins(y=0.12)
        axis.set_xticks(range(len(order)), order, rotation=20, ha="right", fontsize=8)
        axis.set(title=o.label, ylabel="share of people" if yes_no else "")
        if not yes_no and o.axis_scale != "linear":
            axis.set_yscale(o.axis_scale, **({"linthresh": 1} if o.axis_scale == "symlog" else {}))
        if axis.get_yscale() != "linear":
            axis.yaxis.set_major_formatter("{x:g}")  # the scale's own labels are formulas, which text in figures is not
            axis.yaxis.set_minor_formatter("")
    for axis in axes.ravel()[len(drawn) :]:
        axis.axis("off")
    return figure


def stage(people: pd.DataFrame, outcomes: list, group: pd.Series, expected: pd.Series, names: dict):
    """Outcome against expected stage within every subtype, with a linear fit and its 95 % band."""
    drawn = [o for o in available(people, outcomes) if o.against_stage and o.drawn]
    if not drawn:
        return empty("No outcome to draw.")
    shown = list(dict.fromkeys(names.values()))
    tint = colours(shown)
    figure, axes = plt.subplots(
        len(drawn), len(shown), figsize=(3.0 * len(shown), 2.3 * len(drawn)), layout="constrained", squeeze=False,
        sharey="row",
    )  # fmt: skip
    for i, o in enumerate(drawn):
        logged = o.axis_scale == "log"
        for axis, name in zip(axes[i], shown, strict=True):
            data = pd.DataFrame({"x": expected, "y": o.values(people)})[group == name].dropna()
            if logged:
                data["y"] = np.log1p(data["y"])
            axis.plot(data["x"], data["y"], ".", ms=4, alpha=0.5, color=tint[name])
            if len(data) >= 10 and data["x"].nunique() > 2:
                sns.regplot(data=data, x="x", y="y", scatter=False, ax=axis, color=tint[name], seed=0, n_boot=200)
            label = ("log " if logged else "") + o.label
            axis.set(xlabel="expected stage" if i == len(drawn) - 1 else "", ylabel=label if name == shown[0] else "")
            if i == 0:
                axis.set_title(name, fontsize=9)
            axis.text(0.98, 0.97, f"n = {len(data)}", ha="right", va="top", transform=axis.transAxes, fontsize=7)
    return figure


def survival(curves: pd.DataFrame, tests: pd.DataFrame, order: list[str]):
    """Kaplan-Meier curves with 95 % bands and numbers at risk, of the groups in `order`."""
    outcomes = [o for o in dict.fromkeys(curves["outcome"]) if len(curves)] if len(curves) else []
    if not outcomes:
        return empty("No survival outcome, or nobody with follow-up.")
    tint = colours(order)
    order = [g for g in order if g in set(curves["group"])]
    figure, axes = plt.subplots(
        2, len(outcomes), figsize=(5.4 * len(outcomes), 4.6), layout="constrained", squeeze=False,
        height_ratios=[3.2, 1], sharex="col",
    )  # fmt: skip
    for j, outcome in enumerate(outcomes):
        top, bottom = axes[0, j], axes[1, j]
        part = curves[curves["outcome"] == outcome]
        end = part["years"].max()
        ticks = np.arange(0, end + 0.5, max(1, round(end / 6)))
        for i, g in enumerate(order):
            c = part[part["group"] == g]
            if c.empty:
                continue
            top.step(c["years"], c["survival"], where="post", color=tint[g], label=g)
            top.fill_between(c["years"], c["low"], c["high"], step="post", color=tint[g], alpha=0.12, lw=0)
            for t in ticks:
                later = c[c["years"] >= t]
                risk = int(later["at_risk"].iloc[0]) if len(later) else 0
                bottom.text(t, i, str(risk), ha="center", va="center", fontsize=7, color=tint[g])
        test = tests[tests["outcome"] == outcome].iloc[0]
        words = f"staged people: log-rank p = {test['p']:.2g}" if pd.notna(test["p"]) else str(test["reason"])
        top.set(
            title=f"{outcome}\n({words}, {int(test['n_events'])} events)", ylabel="without the event", ylim=(0, 1.02)
        )
        bottom.set(ylim=(len(order) - 0.5, -0.5), xticks=ticks, xlabel="years")
        bottom.set_yticks(range(len(order)), order if j == 0 else [""] * len(order), fontsize=7)
        bottom.set_title("at risk", fontsize=8, loc="left")
        for side in ("top", "right", "left"):
            bottom.spines[side].set_visible(False)
    axes[0, 0].legend(frameon=False, fontsize=8, loc="lower left")
    return figure


def transitions(table: pd.DataFrame, slopes: pd.DataFrame, names: dict):
    """Group at one scan against group at the next (counts), and change a year per group of all scans together."""
    if not len(table) or table["n"].sum() == 0:
        return empty("Nobody was scanned again.")
    order = list(dict.fromkeys([NORMAL, *names.values()]))
    quantities = list(dict.fromkeys(slopes["quantity"]))
    figure, axes = plt.subplots(
        1, 1 + len(quantities), figsize=(6.0 + 3.6 * len(quantities), 3.8), layout="constrained",
        width_ratios=[1.4] + [1] * len(quantities), squeeze=False,
    )  # fmt: skip
    left = axes[0, 0]
    wide = table.pivot(index="source", columns="target", values="n").reindex(index=order, columns=order).fillna(0)
    share = wide.div(wide.sum(axis=1).replace(0, np.nan), axis=0)
    sns.heatmap(
        share.astype(float), annot=wide.astype(int), fmt="d", cmap="Greys", vmin=0, vmax=1, ax=left,
        cbar_kws={"label": "share of the row"},
    )  # fmt: skip
    left.set(xlabel="next scan", ylabel="scan")
    left.set_xticks(left.get_xticks(), order, rotation=20, ha="right")
    left.tick_params(axis="y", rotation=0)
    tint = colours(order)
    for axis, quantity in zip(axes[0, 1:], quantities, strict=True):
        part = slopes[slopes["quantity"] == quantity]
        for i, row in enumerate(part.itertuples()):
            if pd.notna(row.slope):
                axis.plot([row.low, row.high], [i, i], color=tint.get(row.group, "0.3"))
                axis.plot(row.slope, i, "o", color=tint.get(row.group, "0.3"))
        axis.axvline(0, color="0.6", lw=0.8, ls=":")
        axis.set_yticks(range(len(part)), [f"{r.group} (n = {r.n_people})" for r in part.itertuples()])
        axis.set_ylim(len(part) - 0.5, -0.5)
        axis.set(xlabel=f"{quantity} a year (95 % interval)")
    return figure


def similarity(table: pd.DataFrame):
    """Kendall tau of every pair of subtypes, all diseases."""
    table = table.assign(
        a=table["disease_a"] + " " + table["name_a"].astype(str),
        b=table["disease_b"] + " " + table["name_b"].astype(str),
    )
    order = list(dict.fromkeys([*table["a"], *table["b"]]))
    order.sort(key=lambda v: v.split(" ")[0])
    wide = pd.DataFrame(np.nan, index=order, columns=order)
    for r in table.itertuples():
        wide.loc[r.a, r.b] = wide.loc[r.b, r.a] = r.tau
    figure, axis = plt.subplots(figsize=(1.1 * len(order) + 2, 0.8 * len(order) + 1.2), layout="constrained")
    sns.heatmap(wide, annot=True, fmt=".2f", cmap="RdBu_r", vmin=-1, vmax=1, ax=axis, cbar_kws={"label": "Kendall tau"})
    axis.set_title(f"Event orders (two random ones: {table['tau_chance'].mean():.2f})", fontsize=9)
    axis.tick_params(axis="x", rotation=30)
    axis.tick_params(axis="y", rotation=0)
    return figure
