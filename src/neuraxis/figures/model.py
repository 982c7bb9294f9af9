"""Figures of the model: number of subtypes, event order, certainty of the labels, stages, convergence."""

from __future__ import annotations

import matplotlib.pyplot as plt
import mpltern  # noqa: F401  registers the ternary projection
import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, PowerNorm, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..errors import counted
from ..labels import NORMAL, is_true, variants_in_words
from .given import Given, takes_models
from .style import COLOURS, COLUMN, CUT, MIDDLE, PAGE, colours, empty, grid, markers, wrapped

#: Colours of the thresholds: "field", the red, magenta and blue of the SuStaIn papers, or "safe" for all eyes.
EVENTS = {"safe": ("#0072B2", "#D55E00", "#009E73", "#CC79A7"), "field": ("#D7191C", "#C51B8A", "#2C4FC9", "#222222")}
#: More thresholds than there are named colours run through a map, in their order; both end dark enough for white paper.
EVENT_MAPS = {"safe": ("viridis", 0.0, 0.88), "field": ("plasma_r", 0.25, 1.0)}
VARIANTS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")


@takes_models
def selection(g: Given) -> Figure:
    """CVIC above the best number, all variants, healthy people in grey; log-likelihood of every fold's people.

    A model so far off that the others could not be told apart is drawn at the edge, with its value.
    """
    table, folds = g.table("selection"), g.table("heldout_folds")
    part = table[table["n_subtypes"] >= 0].sort_values("n_subtypes")
    figure, (axis, right) = plt.subplots(1, 2, figsize=(PAGE, 3.0), layout="constrained", width_ratios=[1.35, 1])
    lines = [("this study", part, "0.15", "-")]
    variants, healthy = g.table("variants"), g.table("negative_control")
    named = [t["variant"].dropna().unique() for t in (variants, healthy) if "variant" in t]
    called = variants_in_words(name for names in named for name in names)
    if len(variants):
        others = variants[variants["n_subtypes"] >= 0]
        for i, (name, t) in enumerate(others.groupby("variant", sort=False)):
            same = (
                np.allclose(t["cvic"].to_numpy(), part["cvic"].to_numpy(), rtol=1e-5) if len(t) == len(part) else False
            )
            if same:
                lines[0] = (f"this study ({called[str(name)]})", *lines[0][1:])
            else:
                lines.append((called[str(name)], t.sort_values("n_subtypes"), VARIANTS[i % len(VARIANTS)], "--"))
    if len(healthy) and healthy["n_subtypes"].notna().any():
        for name, t in healthy[healthy["n_subtypes"] >= 0].groupby("variant", sort=False):
            n = int(t["n_people"].iloc[0])
            lines.append(
                (f"{counted(n, 'healthy person')} ({called[str(name)]})", t.sort_values("n_subtypes"), "0.6", "-")
            )
    near = [t.loc[t["n_subtypes"] > 0, ["gap_cvic", "gap_se"]].fillna(0) for _, t, _, _ in lines]
    near = pd.concat(near)
    top = float((near["gap_cvic"] + near["gap_se"]).max()) if len(near) else 1.0
    low = min(0.0, float((near["gap_cvic"] - near["gap_se"]).min()) if len(near) else 0.0)
    gaussian = table[table["n_subtypes"] == -1]
    far = float(gaussian["gap_cvic"].iloc[0]) if len(gaussian) else 0.0
    edge = max(top, 6.0, far if far < 2 * top else 0.0) * 1.12
    beyond: dict[int, int] = {}  # labels already at the edge, by k
    # marks stand beside one another where they would hide each other; about a mark's width, and well within a number's own
    wide = min(0.022 * (len(part) + bool((table["n_subtypes"] == -1).any())), 0.6 / len(lines))
    for i, (label, t, colour, style) in enumerate(lines):
        t = t.assign(at=t["n_subtypes"] + wide * (i - (len(lines) - 1) / 2))
        inside = t["gap_cvic"] <= edge
        axis.plot(t["at"], t["gap_cvic"].clip(upper=edge), style, color=colour, lw=1, label=label, zorder=2)
        axis.errorbar(
            t["at"][inside],
            t["gap_cvic"][inside],
            yerr=t["gap_se"][inside],
            color=colour,
            ls="",
            capsize=2,
            lw=0.8,
        )
        chosen = is_true(t["chosen"])
        axis.scatter(t["at"][inside], t["gap_cvic"][inside], s=22, zorder=3, edgecolor=colour,
                     c=[colour if c else "white" for c in chosen[inside]])  # fmt: skip
        for r in t[~inside].itertuples():
            axis.plot(r.at, edge, "^", color=colour, ms=5, zorder=3)
            # above the axis, where they hide nothing
            up = beyond[r.n_subtypes] = beyond.get(r.n_subtypes, -1) + 1
            axis.annotate(f"{r.gap_cvic:+.0f}", (r.n_subtypes, 1), xycoords=("data", "axes fraction"), xytext=(0, 2 + 8 * up), textcoords="offset points", ha="center", va="bottom", fontsize=6.5, color=colour)  # fmt: skip
    ks = part["n_subtypes"].astype(int).tolist()
    gaussian = table[table["n_subtypes"] == -1]
    ticks, names = list(ks), [str(k) for k in ks]
    if len(gaussian):
        place, gap = max(ks) + 1, float(gaussian["gap_cvic"].iloc[0])
        shown = float(np.clip(gap, low - 0.25 * (edge - low), edge))
        if shown == gap:
            axis.errorbar(
                place, gap, yerr=gaussian["gap_se"].iloc[0], fmt="D", color="0.15", mfc="white", capsize=2, ms=5
            )
        else:
            axis.plot(place, shown, "v" if gap < shown else "^", color="0.15", ms=5)
            axis.annotate(
                f"{gap:+.0f}", (place, shown), xytext=(-4, 4), textcoords="offset points", ha="right", fontsize=6.5
            )
        ticks.append(place)
        names.append("MVN")
    axis.axhline(0, color="0.7", lw=0.6, zorder=0)
    axis.set_xticks(ticks, names)
    axis.set(xlabel="number of subtypes (0: everyone healthy)", ylabel="CVIC above the best (paired SE)")
    figure.legend(frameon=False, loc="outside lower left", ncols=2, fontsize=6.5)
    rest = [k for k in ks if k > 0]
    values = folds[[f"k{k}" for k in rest]]
    values = values.sub(values.mean(axis=1), axis=0)
    right.plot(rest, values.T.to_numpy(), color="0.75", lw=0.8)
    right.plot(rest, values.mean(), "o-", color="0.15")
    right.set(
        xlabel="number of subtypes", ylabel="log-likelihood of the fold's people\n(fold mean taken off)", xticks=rest
    )
    return figure


def event_tints(n: int, scheme: str = "safe") -> list[str]:
    """A colour of its own for each of so many thresholds, in their order.

    Parameters
    ----------
    n : int
    scheme : {"safe", "field"}

    Returns
    -------
    list of str, length n

    Examples
    --------
    >>> event_tints(3, "field")
    ['#D7191C', '#C51B8A', '#2C4FC9']
    >>> len(set(event_tints(7)))
    7
    """
    if n <= len(EVENTS[scheme]):
        return list(EVENTS[scheme][:n])
    name, first, last = EVENT_MAPS[scheme]
    return [to_hex(c) for c in plt.get_cmap(name)(np.linspace(first, last, n))]


@takes_models
def positional_variance(g: Given) -> Figure:
    """Probability of every event's place, model of everyone."""
    return _places(g, "everyone")


@takes_models
def positional_variance_folds(g: Given) -> Figure:
    """The same, averaged over the fold models."""
    return _places(g, "folds")


def _places(g: Given, models: str):
    """One panel per subtype that somebody is staged in, biomarkers by their first event; a scale bar per threshold.

    Colour grows with the root of the probability up to the largest of the figure: nothing saturates, and an event that
    could stand at many places is seen too.
    """
    table = g.table("positional_variance")
    table = table[table["models"] == models] if len(table) else table
    if table.empty or not g.names:
        return empty("Nobody is staged: there is no order to draw.")
    info = g.table("names").set_index("subtype")
    places = [c for c in table.columns if c.startswith("place")]
    one_kind = "family" not in table or (table["family"] == "zscore").all()
    if not one_kind:  # scores are no z: the first, second, ... event of a biomarker
        table = table.assign(threshold=table.groupby(["subtype", "biomarker"]).cumcount() + 1)
    levels = sorted(table["threshold"].unique())
    size, n = table["biomarker"].nunique(), len(g.names)
    highest = max(float(table[places].to_numpy(float).max()), 0.1)
    scaled = PowerNorm(0.5, 0, highest)
    tints = event_tints(len(levels), g.event_colours)
    columns = min(n, 2)
    rows = -(-n // columns)
    # a scale bar is as wide as its words
    beside = min(len(levels), 4 if n > 1 else 3)
    under = -(-len(levels) // beside)
    panels = rows * (0.15 * size + 0.75) + 0.3
    width = PAGE if n > 1 else MIDDLE
    figure = plt.figure(figsize=(width, panels + 0.6 * under), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=[panels, 0.6 * under])
    axes = above.subplots(rows, columns, squeeze=False)
    for axis in axes.ravel()[n:]:
        axis.axis("off")
    for axis, (c, name) in zip(axes.ravel(), g.names.items(), strict=False):
        part = table[table["subtype"] == c]
        mean = part[places].to_numpy(float) @ np.arange(1, len(places) + 1)
        first = part.assign(mean=mean).groupby("biomarker")["mean"].min().sort_values().index
        image = np.ones((len(first), len(places), 3))
        for line, b in enumerate(first):
            for _, event in part[part["biomarker"] == b].iterrows():
                tint = np.array(to_rgb(tints[levels.index(event["threshold"])]))
                p = scaled(event[places].to_numpy(float))[:, None]
                image[line] *= 1 - p * (1 - tint)
        # places count from 1, as in the table
        edges = (0.5, len(places) + 0.5, len(first) - 0.5, -0.5)
        axis.imshow(image, aspect="auto", interpolation="nearest", extent=edges)
        axis.set_yticks(range(len(first)), [g.labels.get(b, b) for b in first], fontsize=6.5)
        axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        # a model without people tells its fractions
        if "n_staged_oof" in info:
            beneath = counted(int(info.loc[c, "n_staged_oof"]), "staged person")
        else:
            beneath = f"model fraction {info.loc[c, 'fraction']:.0%}"
        head = f"{name}\n" if g.k > 1 or "n_staged_oof" not in info else ""
        axis.set_title(f"{head}{beneath}", fontsize=7.5)
        axis.set_xlabel("place in the sequence")
    bars = below.subplots(under, beside, squeeze=False).ravel()
    for axis in bars[len(levels) :]:
        axis.axis("off")
    steps = [v for v in (0.01, 0.05, 0.1, 0.2, 0.5, 1.0) if v <= highest]
    for bar_axis, level, darkest in zip(bars, levels, tints, strict=False):
        scale = ScalarMappable(scaled, LinearSegmentedColormap.from_list("", ["white", darkest]))
        bar = below.colorbar(scale, cax=bar_axis, orientation="horizontal", ticks=[0, *steps[-3:]], format="{x:g}")
        bar.set_label(f"probability, z = {level:g}" if one_kind else f"probability, event {level:g}", fontsize=6.5)
        bar.ax.tick_params(labelsize=6.5)
    return figure


@takes_models
def reliability(g: Given) -> Figure:
    """Stated probabilities beside what was true, and how often the stage's interval holds the true stage."""
    table = g.table("calibration")
    if table.empty:
        return empty("The truth is known of simulated people alone.")
    # of the one subtype that there is, everyone's probability is 1
    panels = [q for q in RELIABILITY if q in set(table["quantity"]) and (g.k > 1 or not q.startswith("P(subtype)"))]
    held = table[table["quantity"] == INTERVALS]
    figure, axes = plt.subplots(
        1, len(panels) + 1, figsize=(PAGE, 2.7), layout="constrained", width_ratios=[*[1] * len(panels), 0.9]
    )
    looks = {"out of fold": ("#0072B2", "o"), "in sample": ("0.6", "s")}
    for axis, quantity in zip(axes, panels, strict=False):
        axis.plot([0, 1], [0, 1], color="0.7", lw=0.8, ls=":")
        for labels, (colour, shape) in looks.items():
            part = table[(table["labels"] == labels) & (table["quantity"] == quantity) & (table["class"] != "all")]
            stated, seen, low, high = part[["stated", "observed", "low", "high"]].to_numpy(float).T
            error = [seen - low, high - seen]
            axis.errorbar(stated, seen, yerr=error, fmt=shape + "-", color=colour, ms=3.5, lw=0.9, label=labels)
        axis.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel="stated", ylabel="true")
        axis.set_title(RELIABILITY[quantity], fontsize=7.5)
    axes[0].legend(frameon=False, fontsize=6.5, loc="upper left")
    right, groups = axes[-1], list(dict.fromkeys(held["class"]))
    for i, (labels, (colour, shape)) in enumerate(looks.items()):
        part = held[held["labels"] == labels].set_index("class").reindex(groups)
        error = [part["observed"] - part["low"], part["high"] - part["observed"]]
        right.errorbar(
            part["observed"], np.arange(len(groups)) + 0.2 * i, xerr=error, fmt=shape, color=colour, ms=3.5, lw=0.9
        )
    right.axvline(0.95, color="0.7", lw=0.8, ls=":")
    right.set_yticks(np.arange(len(groups)) + 0.1, [wrapped(c, 12) for c in groups], fontsize=6.5)
    right.set(xlim=(0, 1.02), ylim=(len(groups) - 0.4, -0.5), xlabel="share held (wanted: 0.95)")
    right.set_title("true stage in its 95 % interval", fontsize=7.5)
    return figure


#: Quantities of calibration.tsv with classes of stated probability, and their titles; the quantity of the stages' intervals.
RELIABILITY = {"P(healthy)": "P(healthy)", "P(subtype), truly staged people": "P(most probable subtype)"}
INTERVALS = "95 % interval of the stage holds the true one"


def _probabilities(g: Given) -> pd.DataFrame:
    """P(subtype | staged) out of fold, one column per shown subtype, of the staged people."""
    table = g.labelled.loc[g.group != NORMAL, [f"oof_p_subtype{c}" for c in g.names]].astype(float)
    return table.set_axis(list(g.names.values()), axis=1)


@takes_models
def probability(g: Given) -> Figure:
    """Probability of the most probable subtype against the expected stage, one dot a staged person."""
    if g.k < 2 or not g.names:
        return empty("There are no subtypes to be sure of.")
    best = _probabilities(g).max(axis=1)
    group, stage = g.group[best.index], g.expected[best.index]
    figure, axis = plt.subplots(figsize=(MIDDLE, 2.9), layout="constrained")
    shapes = markers(g.names.values())
    for name, colour in colours(g.names.values()).items():
        rows = group == name
        axis.scatter(stage[rows], best[rows], s=11, alpha=0.7, lw=0, color=colour, marker=shapes[name], label=name)
    axis.axhline(1 / len(g.names), color="0.6", lw=0.8, ls=":")
    axis.annotate("as likely as any other", (1, 1 / len(g.names)), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=6.5, color="0.35")  # fmt: skip
    axis.set(xlabel=f"expected stage ({g.seen})", ylabel="probability of the subtype", ylim=(0, 1.03), xlim=(0, None))
    axis.legend(frameon=False, loc="lower right")
    return figure


@takes_models
def ternary(g: Given) -> Figure:
    """P(subtype | staged), one dot a staged person: a triangle for three subtypes, stacked bars for another number."""
    p = _probabilities(g) if g.k > 1 and g.names else pd.DataFrame()
    if p.shape[1] < 2 or p.empty:
        return empty("There are no subtypes to be told apart.")
    group = g.group[p.index]
    tint, shapes = colours(g.names.values()), markers(g.names.values())
    normal = int((g.group == NORMAL).sum())
    apart = (
        f"{counted(normal, 'normal-appearing person is', 'normal-appearing people are')} not drawn" if normal else ""
    )
    if p.shape[1] != 3:
        figure, axis = plt.subplots(figsize=(PAGE, 2.4), layout="constrained")
        order = np.lexsort((-p.max(axis=1), p.to_numpy().argmax(axis=1)))
        floor = np.zeros(len(p))
        for name in p:
            height = p[name].to_numpy()[order]
            axis.bar(range(len(p)), height, bottom=floor, width=1.0, color=tint[name], label=name, lw=0)
            floor += height
        axis.set(xlabel="staged people, by subtype and certainty" + (f" ({apart})" if apart else ""), ylabel="P(subtype | staged)", xlim=(-0.5, len(p) - 0.5), ylim=(0, 1))  # fmt: skip
        axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
        return figure
    figure = plt.figure(figsize=(MIDDLE, 4.1))
    axis = figure.add_subplot(projection="ternary", position=[0.17, 0.14, 0.62, 0.66])
    for name, colour in tint.items():
        q = p[group == name].to_numpy()
        label = f"{name} (n = {len(q)})"
        axis.scatter(q[:, 0], q[:, 1], q[:, 2], s=12, alpha=0.75, lw=0, color=colour, marker=shapes[name], label=label)
    for setter, name in zip((axis.set_tlabel, axis.set_llabel, axis.set_rlabel), tint, strict=True):
        setter(name)
    axis.grid(lw=0.4, color="0.85")
    axis.set_axisbelow(True)
    axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(0.7, 1.14))
    figure.text(0.5, 0.015, apart, ha="center", fontsize=6.5, color="0.35")
    return figure


@takes_models
def stages(g: Given) -> Figure:
    """How many people stand at every stage, the normal-appearing in a column of their own."""
    if g.labelled.empty or not (g.stages > 0).any():
        return empty("Nobody is staged above 0.")
    figure, axis = plt.subplots(figsize=(PAGE, 2.5), layout="constrained")
    last = int(g.stages.max())
    at = np.arange(1, last + 1)
    floor = np.zeros(last)
    for name, colour in colours(g.names.values()).items():
        counts = g.stages[g.group == name].astype(int).value_counts().reindex(at, fill_value=0).to_numpy()
        axis.bar(at, counts, bottom=floor, width=0.85, color=colour, label=name if g.k > 1 else "staged", lw=0)
        floor += counts
    normal = int((g.group == NORMAL).sum())
    top = max(float(floor.max()), 1.0)
    # the normal-appearing are often so many that no stage could be seen beside them
    shown = min(normal, CUT * top)
    if normal:
        axis.bar(-1, shown, width=0.85, color=COLOURS[0], label=NORMAL, lw=0)
        axis.annotate(f"{normal}", (-1, shown), xytext=(0, 2), textcoords="offset points", ha="center", fontsize=6.5)
    if shown < normal:  # a cut through the column, so that its height is not read off the axis
        axis.plot([-1.6, -0.4], [0.86 * shown, 0.92 * shown], color="white", lw=3, solid_capstyle="butt", label="_cut")
    ticks = [t for t in MaxNLocator(10, integer=True).tick_values(1, last) if 1 <= t <= last]
    beside = [(-1, "none")] if normal else []
    axis.set_xticks([*(at for at, _ in beside), *ticks], [*(word for _, word in beside), *(f"{t:g}" for t in ticks)])
    axis.set(xlabel=f"stage ({g.seen})", ylabel="people", ylim=(0, 1.4 * top))
    axis.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.legend(frameon=False, ncols=4, loc="upper right")
    return figure


@takes_models
def convergence(g: Given) -> Figure:
    """Log-likelihood of the chains' stored draws, R-hat and effective sample size of everything, with their limits."""
    from ..sustain.diagnostics import ESS_LIMIT, R_HAT_LIMIT

    table = g.table("diagnostics")
    known = table[table["r_hat"].notna() | table["ess"].notna()] if len(table) else table
    if known.empty:
        return empty("No chain was run: there is nothing that could converge.")
    figure, axes = plt.subplots(1, 3, figsize=(PAGE, 2.4), layout="constrained", width_ratios=[1.5, 1, 1])
    trace, left, right = axes
    if g.traces is not None:
        for i, chain in enumerate(g.traces):
            trace.plot(
                np.arange(1, len(chain) + 1), chain, lw=0.5, alpha=0.8, color=COLOURS[1 + i % 6], label=f"chain {i + 1}"
            )
        trace.set(xlabel="stored draw", ylabel="log-likelihood", title=f"{counted(len(g.traces), 'chain')}")
    else:
        trace.axis("off")
    for axis, column, limit, bad in ((left, "r_hat", R_HAT_LIMIT, "above"), (right, "ess", ESS_LIMIT, "below")):
        values = known[column].dropna()
        wrong = int(((values > limit) if bad == "above" else (values < limit)).sum())
        axis.hist(values, bins=24, color="0.55", lw=0)
        axis.axvline(limit, color=COLOURS[2], lw=1)
        name = "R-hat" if column == "r_hat" else "effective sample size"
        axis.set(xlabel=name, ylabel="quantities", title=f"{wrong} of {len(values)} {bad} {limit:g}")
        axis.xaxis.set_major_locator(MaxNLocator(4))
        axis.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    return figure


@takes_models
def negative_control(g: Given) -> Figure:
    """What the same selection finds in healthy people: CVIC above the best, one panel per variant, beside the patients'."""
    table = g.table("negative_control")
    table = table[table["n_subtypes"].fillna(-1) >= 0] if len(table) else table
    if table.empty:
        return empty("There were too few controls for a negative control.")
    patients = g.table("selection")
    patients = patients[patients["n_subtypes"] >= 0].sort_values("n_subtypes")
    kinds = list(table.groupby("variant", sort=False))
    words = variants_in_words(name for name, _ in kinds)
    figure, axes = grid(len(kinds), 3, 2.3, width=COLUMN if len(kinds) == 1 else PAGE, sharey=True)
    for axis, (name, part) in zip(axes, kinds, strict=True):
        for t, colour, label in (
            (patients, COLOURS[1], g.name),
            (part.sort_values("n_subtypes"), "0.5", "healthy people"),
        ):
            n = f" (n = {int(t['n_people'].iloc[0])})" if "n_people" in t else f" (n = {len(g.labelled)})"
            axis.errorbar(
                t["n_subtypes"], t["gap_cvic"], yerr=t["gap_se"], color=colour, capsize=2, lw=1, label=label + n
            )
            chosen = t[is_true(t["chosen"])]
            axis.plot(chosen["n_subtypes"], chosen["gap_cvic"], "o", color=colour, ms=5)
        axis.set_yscale("symlog", linthresh=10)
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_formatter("")
        axis.set_xticks(sorted(set(patients["n_subtypes"]) | set(part["n_subtypes"])))
        axis.set(title=wrapped(words[str(name)], 30), xlabel="number of subtypes")
        axis.legend(frameon=False)
    axes[0].set_ylabel("CVIC above the best")
    return figure
