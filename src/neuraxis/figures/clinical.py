"""Figures of the clinical tables: forest, groups with points, stage with curves, survival, prediction, transitions."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from ..clinical.associations import LEAST_EVENTS, LEAST_PEOPLE
from ..clinical.contrasts import OTHERS
from ..clinical.outcomes import KINDS
from ..errors import counted
from ..labels import NORMAL, THIRDS, is_true
from .given import Given, takes_models
from .style import LEAST_TEXT, MIDDLE, PAGE, TALLEST, colours, decimals, empty, grid, name_ticks, unsigned, wrapped

METHODS = {"weighted": ("D", "#0072B2"), "label": ("o", "0.35"), "draws": ("s", "#E69F00")}
#: Colour of what is drawn and not told: estimates and groups of chains that did not converge.
DOUBTED = "0.6"
#: What the methods are called in a legend.
WORDS = {
    "weighted": "weighted by the posterior (told)",
    "label": "most probable label",
    "draws": "labels imputed from scan and outcome",
}
#: A curve ends where fewer are at risk.
LEAST_AT_RISK = 10
#: Inches of the lowest panel of curves.
LEAST_CURVE = 0.5
#: Slopes of calibration that the axis holds.
SLOPES = (-1.0, 3.0)


def in_order(values: pd.Series, names: list[str]) -> pd.Series:
    """Where groups stand among these names, for a table to be sorted by; others after them."""
    return values.map({n: i for i, n in enumerate(names)}).fillna(len(names))


def contrasts_shown(table: pd.DataFrame, names=()) -> list[str]:
    """Contrasts of the forest, one row each: subtypes by these names, stage, any atrophy, else in the table's order."""
    subtypes = table[table["kind"] == "subtype"]
    subtypes = subtypes.sort_values("subtype", key=lambda v: in_order(v, list(names)), kind="stable")
    against_all = subtypes[subtypes["against"] == OTHERS]
    shown = [
        against_all if len(against_all) else subtypes,
        table[(table["kind"] == "stage") & (table["subtype"].isna() | (table["subtype"] == ""))],
        table[table["kind"] == "atrophy"],
    ]
    return list(dict.fromkeys(pd.concat(shown)["contrast"]))


def row_words(row, between: str = " ") -> str:
    """What a row of the forest compares, and its people and events, with a space or a new line between."""
    unit = ""
    if row.kind == "subtype":
        words = f"{row.subtype} v. {'others' if row.against == OTHERS else row.against}"
    elif row.kind == "stage":
        words = "later stage"
        unit = f"per {row.unit} " if isinstance(getattr(row, "unit", None), str) and row.unit else ""
    else:
        words = "any atrophy v. none"
    people = f"{int(row.n_group)} v. {int(row.n_against)}" if row.n_against else f"{int(row.n_group)}"
    events = f", {int(row.n_events)} ev." if row.n_events else ""
    return f"{words}{between}{unit}({people}{events})"


@takes_models
def forest(g: Given) -> Figure:
    """Subtype against the other subtypes, stage, and any atrophy, with 95 % intervals, three methods side by side."""
    table = g.table("clinical/associations")
    if table.empty:
        return empty("No clinical outcome was declared.")
    part = table[table["contrast"].isin(contrasts_shown(table))]
    names = list(g.names.values())
    part = part[part.groupby("outcome")["estimate"].transform(lambda v: v.notna().any())]
    outcomes = list(dict.fromkeys(part["outcome"]))
    if not outcomes:
        return empty("No outcome could be tested.")
    order = contrasts_shown(part, names)
    height, columns = 0.2 * len(order) + 0.75, 2
    # more than fit on a page stand three in a row, their numbers of people below their words
    if close := -(-len(outcomes) // columns) * height + 0.7 > TALLEST:
        height, columns = 0.2 * len(order) + 0.48, 3
    figure, axes = grid(len(outcomes), columns, height, extra=0.7)
    # words stand at both edges of the page
    figure.set_layout_engine("constrained", rect=(0.01, 0, 0.98, 1))
    for axis, outcome in zip(axes, outcomes, strict=True):
        rows = part[part["outcome"] == outcome]
        contrasts = [c for c in order if c in set(rows.loc[rows["estimate"].notna(), "contrast"])]
        linear = KINDS[rows["type"].iloc[0]].linear
        # what the told method has no estimate of (labels too uncertain) is not told by another either
        untold = set(rows.loc[(rows["method"] == "weighted") & rows["estimate"].isna(), "contrast"])
        for shift, (method, (marker, colour)) in zip((-0.22, 0, 0.22), METHODS.items(), strict=True):
            r = rows[rows["method"] == method].drop_duplicates("contrast").set_index("contrast").reindex(contrasts)
            y = np.arange(len(r)) + shift
            known = r["estimate"].notna().to_numpy()
            told = known & ~r.index.isin(untold)
            told &= is_true(r["reportable"]).to_numpy() if "reportable" in r else True
            if g.doubt:
                told, colour = told & False, DOUBTED
            axis.hlines(y[known], r["low"][known], r["high"][known], color=colour, lw=1)
            axis.plot(r["estimate"][told], y[told], marker, color=colour, ms=3.5, ls="", label=method)
            axis.plot(r["estimate"][known & ~told], y[known & ~told], marker, color=colour, mfc="white", ms=3.5, ls="")
        axis.axvline(0 if linear else 1, color="0.6", lw=0.8, ls=":")
        if linear:
            axis.xaxis.set_major_locator(MaxNLocator(4 if close else 5))
            axis.xaxis.set_major_formatter("{x:g}")
        else:
            axis.set_xscale("log")
            known = rows[(rows["low"] > 0) & np.isfinite(rows["high"])]
            # an interval that is wider than a factor of a thousand to a side says nothing more than that
            low, high = max(float(known["low"].min()), 1e-3), min(float(known["high"].max()), 1e3)
            axis.set_xlim(min(low / 1.2, 0.8), max(high * 1.2, 1.25))
            subs = (1.0, 2.0, 5.0) if np.log10(high / low) < 2 else (1.0,)
            axis.xaxis.set_major_locator(LogLocator(subs=subs, numticks=4 if close else 7))
            axis.xaxis.set_major_formatter("{x:g}")
            axis.xaxis.set_minor_formatter("")
        first = rows[rows["method"] == "weighted"].drop_duplicates("contrast").set_index("contrast")
        first = first.combine_first(rows.drop_duplicates("contrast").set_index("contrast")) if len(first) else rows.drop_duplicates("contrast").set_index("contrast")  # fmt: skip
        words = [row_words(first.loc[c], "\n" if close else " ") for c in contrasts]
        axis.set_yticks(range(len(contrasts)), words, fontsize=6 if close else 6.5, linespacing=0.95)
        axis.set_ylim(len(contrasts) - 0.5, -0.5)
        axis.set_title(wrapped(outcome, 22 if close else 24), fontsize=7 if close else 8)
        reference = "" if close else f" (no difference {0 if linear else 1})"
        axis.set_xlabel(f"{rows['effect'].iloc[0]}{reference}", fontsize=7)
    handles = [
        plt.Line2D(
            [], [], marker=m, color=DOUBTED if g.doubt else c, mfc="white" if g.doubt else c, lw=1, ms=3.5,
            label=WORDS[k].removesuffix(" (told)") if g.doubt else WORDS[k],
        )
        for k, (m, c) in METHODS.items()
    ]  # fmt: skip
    why = f"not told: {g.doubt or 'too few, or uncertain labels'}"
    handles.append(
        plt.Line2D([], [], marker="o", color=DOUBTED if g.doubt else "0.35", mfc="white", ls="", ms=3.5, label=why)
    )
    handles += [plt.Line2D([], [], color="0.6", lw=0.8, ls=":", label="no difference")] * bool(close)
    figure.legend(handles=handles, frameon=False, loc="outside lower center", ncols=3 if close else 2)
    return figure


def available(people: pd.DataFrame, outcomes: list) -> list:
    """Outcomes that somebody has a value of."""
    return [o for o in outcomes if o.column in people and people[o.column].notna().any()]


@takes_models
def boxes(g: Given) -> Figure:
    """Box and points of every numeric outcome per group; shares of people for yes-or-no outcomes; n under each."""
    drawn = [o for o in available(g.people, g.declared) if o.drawn]
    order = [name for name in g.groups if (g.group == name).any()]
    if not drawn:
        return empty("No outcome to draw.")
    tint = dict.fromkeys(g.groups, DOUBTED) if g.doubt else colours(g.groups)
    effects = g.table("clinical/associations")
    # groups lie beneath one another, so that their names are read as they stand
    figure, axes = grid(len(drawn), 3, 0.24 * len(order) + 0.85, extra=0.4)
    jitter = np.random.default_rng(0)
    for i, (axis, o) in enumerate(zip(axes, drawn, strict=True)):
        values = o.values(g.people).reindex(g.group.index)
        values = values[np.isfinite(values)]
        yes_no = o.drawn == "share"
        words = []
        for j, name in enumerate(order):
            v = values[g.group[values.index] == name]
            words.append(f"{wrapped(name, 18)} ({len(v)})" if i % 3 == 0 else f"({len(v)})")
            if yes_no:
                axis.barh(
                    j, v.mean() if len(v) else np.nan, color="white" if g.doubt else tint[name], height=0.6,
                    edgecolor=tint[name] if g.doubt else None,
                )  # fmt: skip
                axis.text((v.mean() if len(v) else 0) + 0.01, j, f"{int(v.sum())}/{len(v)}", va="center", fontsize=6.5)
                continue
            axis.plot(
                v, j + jitter.uniform(-0.22, 0.22, len(v)), "o", ms=2.6, alpha=0.45, color=tint[name],
                mfc="none" if g.doubt else tint[name], mew=0.4 if g.doubt else 0,
            )  # fmt: skip
            if len(v) >= 5:
                axis.boxplot(
                    v, positions=[j], widths=0.6, orientation="horizontal", showfliers=False, manage_ticks=False,
                    medianprops={"color": DOUBTED if g.doubt else "black"},
                    **dict.fromkeys(("boxprops", "whiskerprops", "capprops"), {"lw": 0.8, "color": DOUBTED if g.doubt else "black"}),
                )  # fmt: skip
            if o.rates and len(v):  # a person of a few weeks weighs as little as they were seen
                axis.plot(o.rate(g.people.loc[v.index]), j, "D", color="black", mfc="white", ms=4, zorder=4)
        if yes_no:
            axis.margins(x=0.16)
        axis.set_yticks(range(len(order)), words, fontsize=6.5, linespacing=0.9)
        axis.set_ylim(len(order) - 0.5, -0.5)
        axis.set_xlabel(wrapped(f"share with {o.name}" if yes_no else o.label, 34))
        axis.set_title(g.doubt or _tests(effects, o.name), fontsize=6.5, color="0.3")
        if not yes_no:
            _scaled(axis, o.axis_scale, values, along="x")
    # said where it is so: the caption is of every study
    notes = ["bars: shares of people"] if any(o.drawn == "share" for o in drawn) else []
    if any(o.rates for o in drawn):
        notes.append("rates: counts per year of exposure, diamonds: all of a group's over all its years")
    if notes:
        figure.supxlabel("; ".join(notes), fontsize=6.5, color="0.3")
    return figure


def _scaled(axis, scale: str, values: pd.Series, few: bool = False, along: str = "y") -> None:
    """Set the scale of the values, with ticks in plain numbers: the scale's own labels are formulas, which text in figures is not."""
    if scale == "linear" or not len(values):
        return
    ruler = getattr(axis, f"{along}axis")
    if scale == "log" and (values > 0).all():
        axis.set(**{f"{along}scale": "log"})
        # at least three numbers on the axis
        wide = np.log10(values.max() / values.min()) > 2
        ruler.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
        ruler.set_major_formatter("{x:g}")
    else:
        getattr(axis, f"set_{along}scale")("symlog", linthresh=1)
        top = float(values.max())
        decades = [v * 10**e for e in range(7) for v in ((1, 3) if few else (1, 2, 5))]
        ticks = [t for t in (0, 0.5, *decades) if t <= top * 1.01]
        ruler.set_ticks(ticks, [f"{t:g}" for t in ticks])
        axis.set(**{f"{along}lim": (-0.08, top * 1.15)})
    ruler.set_minor_formatter("")


def _tests(effects: pd.DataFrame, outcome: str) -> str:
    """The smallest q of each question that was asked of an outcome, of results that are large enough."""
    if effects.empty:
        return ""
    asked = effects[(effects["outcome"] == outcome) & (effects["method"] == "weighted")]
    rows = asked[is_true(asked["reportable"]) & asked["q"].notna()]
    if rows.empty:
        return "not testable"
    told = []
    for kind, words in (("subtype", "subtypes: smallest"), ("atrophy", "atrophy v. none:")):
        q = rows.loc[rows["kind"] == kind, "q"]
        if (asked["kind"] == kind).any():
            told.append(f"{words} q = {q.min():.2g}" if len(q) else f"{words.partition(':')[0]}: not testable")
    return "\n".join(told) or "not testable"


@takes_models
def stage(g: Given) -> Figure:
    """Outcome against expected stage within every subtype: the curve of its own kind of model, tau, one common x."""
    curves = g.table("clinical/stage_curves")
    drawn = [o for o in available(g.people, g.declared) if o.against_stage and o.drawn]
    if not drawn or not g.names:
        return empty("No outcome to draw against stage.")
    shown = list(dict.fromkeys(g.names.values()))
    tint = colours(shown)
    rows, columns = (len(drawn), len(shown)) if len(shown) > 1 else (-(-len(drawn) // 2), min(2, len(drawn)))
    height = float(np.clip((TALLEST - 0.7) / rows, 0.8, 1.65))
    figure, axes = plt.subplots(
        rows, columns, figsize=(PAGE, height * rows + 0.7), layout="constrained", squeeze=False, sharex=True,
        sharey="row" if len(shown) > 1 else False,
    )  # fmt: skip
    cells = [(o, name) for o in drawn for name in shown]
    for axis in axes.ravel()[len(cells) :]:
        axis.axis("off")
    end = float(g.expected[g.group != NORMAL].max())
    points = {}
    for o in drawn:
        data = pd.DataFrame({"x": g.expected, "y": o.values(g.people).reindex(g.group.index), "group": g.group})
        data = data.replace([np.inf, -np.inf], np.nan).dropna()
        points[o.name] = data[data["group"].isin(shown)]
    for axis, (o, name) in zip(axes.ravel(), cells, strict=False):
        everyone = points[o.name]  # the panels of a row have one scale, which holds all of them
        data = everyone[everyone["group"] == name]
        axis.plot(data["x"], data["y"], "o", ms=2.8, alpha=0.55, color=tint[name], mew=0)
        mine = curves[(curves["outcome"] == o.name) & (curves["subtype"] == name)] if len(curves) else curves
        words = f"n = {len(data)}"
        if len(mine):
            axis.plot(mine["stage"], mine["fit"], color=tint[name])
            axis.fill_between(mine["stage"], mine["low"], mine["high"], color=tint[name], alpha=0.18, lw=0)
            r = mine.iloc[0]
            tau, low, high = (decimals(r[c], 2) for c in ("kendall_tau", "tau_low", "tau_high"))
            words += "" if g.doubt else f", tau {tau} ({low} to {high})"
        if o.axis_scale != "linear":
            _scaled(axis, o.axis_scale, everyone["y"], few=height < 1.2)
        elif len(everyone):
            # a band that is wider than the people is cut, they are not
            bottom, top = float(everyone["y"].min()), float(everyone["y"].max())
            room = 0.1 * max(top - bottom, 1e-9)
            axis.set_ylim(bottom - room, top + room)
        if name == shown[0]:
            axis.set_ylabel(wrapped(o.label, 20 if height > 1.2 else 17), fontsize=7.5 if height > 1.2 else 6.5)
        # subtypes stand above one another, and are named once
        head = f"{name}\n" if g.k > 1 and (o is drawn[0] or len(shown) != columns) else ""
        axis.set_title(head + words, fontsize=6.5, pad=3)
        axis.set_xlim(0, end * 1.03)
    for column in range(columns):  # the lowest panel that is used
        axis = axes.ravel()[: len(cells)][column::columns][-1]
        axis.set_xlabel("expected stage")
        axis.tick_params(labelbottom=True)
    models = sorted(set(curves["model"])) if len(curves) else []
    if models:
        figure.supxlabel(wrapped(f"unadjusted; curves: {'; '.join(models)}", 110), fontsize=6.5, color="0.3")
    return figure


@takes_models
def survival_by_subtype(g: Given) -> Figure:
    """Kaplan-Meier curves of the subtypes and the normal-appearing, with the hazard ratios of the adjusted models."""
    order = g.groups
    return _survival(
        g.table("clinical/survival"),
        _compared_in(g, "clinical/logrank"),
        "subtype",
        order,
        _ratios(g, ("subtype", "atrophy")),
    )


@takes_models
def survival_by_stage(g: Given) -> Figure:
    """Kaplan-Meier curves of thirds of the staged people, all together and inside each subtype."""
    curves, tests = g.table("clinical/survival"), _compared_in(g, "clinical/logrank")
    inside = [f"stage in {name}" for name in g.names.values() if g.k > 1]
    return _splits(curves, tests, ["stage", *inside], [NORMAL, *THIRDS], _ratios(g, ("stage",)))


@takes_models
def survival_by_treatment(g: Given) -> Figure:
    """Kaplan-Meier curves of treatments, within each subtype."""
    curves, tests = g.table("clinical/treatment_survival"), _compared_in(g, "clinical/treatment_logrank")
    order = list(dict.fromkeys(curves["group"])) if len(curves) else []
    splits = {name if g.k > 1 else "": f"treatment in {name}" for name in g.names.values()}
    ratios: dict[tuple, list[str]] = {}
    effects = g.table("clinical/treatment")
    told = (
        effects[is_true(effects["reportable"]) & effects["estimate"].notna() & (not g.doubt)]
        if len(effects)
        else effects
    )
    for row in told.itertuples():
        split = splits.get(row.subtype if isinstance(row.subtype, str) else "")
        if split and row.treatment:
            whom = f"HR v. {row.reference}, {counted(int(row.n_events), 'event')} of {int(row.n)}:"
            lines = ratios.setdefault((row.outcome, split), [whom])
            lines.append(f"{row.treatment} {row.estimate:.2f} ({row.low:.2f} to {row.high:.2f})")
    return _splits(curves, tests, list(splits.values()), order, ratios)


def _compared_in(g: Given, name: str) -> pd.DataFrame:
    """Log-rank tests of a table, without a p where the chains that made the groups did not converge."""
    table = g.table(name)
    return table.assign(p=np.nan) if g.doubt and len(table) else table


def _ratios(g: Given, kinds: tuple) -> dict[tuple, list[str]]:
    """Outcome and split to lines with the hazard ratios of the adjusted models that are large enough to be told."""
    effects = g.table("clinical/associations")
    out: dict[tuple, list[str]] = {}
    if effects.empty or g.doubt:
        return out
    timed = effects["type"].isin([name for name, kind in KINDS.items() if kind.timed])
    told = effects[(effects["method"] == "weighted") & effects["kind"].isin(kinds) & timed]
    told = told[told["estimate"].notna() & is_true(told["reportable"])]
    told = told[(told["kind"] != "stage") | told["subtype"].isna() | (told["subtype"] == "")]
    against_all = told["against"] == OTHERS
    told = told[(told["kind"] != "subtype") | against_all | ~against_all.any()]
    for row in told.itertuples():
        words = row_words(row).partition(" (")[0].removesuffix(" v. others").removesuffix(" v. none")
        key = row.outcome, "stage" if row.kind == "stage" else "subtype"
        out.setdefault(key, []).append(f"HR {words} {row.estimate:.2f} ({row.low:.2f} to {row.high:.2f})")
    return out


def _splits(curves, tests, splits, order, ratios):
    """Panels of several splits together, one after another."""
    wanted = [s for s in splits if len(curves) and (curves["split"] == s).any()]
    cells = [(o, s) for o in (dict.fromkeys(curves["outcome"]) if len(curves) else ()) for s in wanted]
    cells = [(o, s) for o, s in cells if ((curves["outcome"] == o) & (curves["split"] == s)).any()]
    return _panels(curves, tests, cells, order, ratios)


def _survival(curves, tests, split, order, ratios):
    """Panels of one split."""
    mine = curves[curves["split"] == split] if len(curves) else curves
    return _panels(
        curves, tests, [(o, split) for o in (dict.fromkeys(mine["outcome"]) if len(mine) else ())], order, ratios
    )


def cut(curve: pd.DataFrame) -> pd.DataFrame:
    """A Kaplan-Meier curve up to where at least ten people are at risk, or its first row."""
    curve = curve.sort_values("years", kind="stable")
    keep = curve["at_risk"] >= LEAST_AT_RISK
    return curve[keep] if keep.any() else curve.iloc[:1]


def _drawable(part: pd.DataFrame) -> bool:
    """Is there a group whose curve goes on after its first row?"""
    return any(len(cut(rows)) > 1 for _, rows in part.groupby("group"))


def _panel_name(outcome: str, split: str) -> str:
    """What a survival panel is called: the outcome, and whose it is where it is of one subtype."""
    inside = split.partition(" in ")[2]
    return f"{inside}: {outcome}" if inside else outcome


def _left_out(cells: list, every: list) -> list[str]:
    """Names of panels that are not drawn: an outcome by itself where that holds of all its panels."""
    whole = {o for o, _ in cells if {c for c in every if c[0] == o} <= set(cells)}
    return list(dict.fromkeys(o if o in whole else _panel_name(o, s) for o, s in cells))


def _compared(test, close: bool) -> list[str]:
    """p of a log-rank test, or what there is too little of for a p to be told, as nothing is told of it in words."""
    if pd.isna(test["p"]):
        return []
    if test["n_events"] < LEAST_EVENTS:
        return ["too few events" if close else "too few events to compare"]
    if test.get("n_smallest", LEAST_PEOPLE) < LEAST_PEOPLE:
        return ["too few in a group" if close else "too few people in a group to compare"]
    return [f"{'' if close else 'log-rank '}p = {test['p']:.2g}"]


def _head(tests, cell, ratios, name, letters, close: bool) -> str:
    """Title of a survival panel: its name, log-rank test, hazard ratios; lines of at most so many letters."""
    found = tests[(tests["outcome"] == cell[0]) & (tests["split"] == cell[1])]
    lines, words = ratios.get(cell, []), [name] if name else []
    if len(found):
        test = found.iloc[0]
        p = _compared(test, close)
        events = f"{counted(int(test['n_events']), 'event')} of {int(test['n'])}"
        words += ["; ".join([*p, events])] if close else [*p, f"{events} staged"]
    return "\n".join(wrapped(w, letters) for w in (*words, *lines))


def _panels(curves, tests, cells, order, ratios):
    """Curves with bands, ended where fewer than ten are at risk, and numbers at risk below; a row of panels, two rows each."""
    every = cells
    # a panel in which nothing happens is a line at 1
    had = [
        c for c in cells if curves.loc[(curves["outcome"] == c[0]) & (curves["split"] == c[1]), "n_events"].sum() > 0
    ]
    nobody = _left_out([c for c in cells if c not in had], every)
    # nor is there a curve where no group has enough people at risk beyond the beginning
    cells = [c for c in had if _drawable(curves[(curves["outcome"] == c[0]) & (curves["split"] == c[1])])]
    few = _left_out([c for c in had if c not in cells], every)
    if not cells:
        return empty("No survival outcome, nobody with follow-up, nobody who had an event, or too few people at risk.")
    tint = colours(order)
    drawn = pd.concat([curves[(curves["outcome"] == o) & (curves["split"] == s)] for o, s in cells])
    present = [name for name in order if name in set(drawn["group"])]
    outcomes, splits = list(dict.fromkeys(o for o, _ in cells)), list(dict.fromkeys(s for _, s in cells))

    def laid(places: list, size: float, curve: float, close: bool) -> tuple[list[str], float, float]:
        """Heads, inches of a row's words below the curves, and of all: words need room, or the curves have none."""
        rows, columns, line = 1 + max(r for r, _ in places), 1 + max(c for _, c in places), size / 56
        letters = {1: 80, 2: 60, 3: 39, 4: 31}[columns] if close else {1: 74, 2: 56, 3: 36}[columns]
        called = [_panel_name(*cell) for cell in cells]
        if places == table:  # outcomes stand at the left of their rows, groups above the first panel of their columns
            highest = {c: min(r for r, column in places if column == c) for _, c in places}
            called = [
                (s.partition(" in ")[2] or "all staged people") if r == highest[c] else ""
                for (_, s), (r, c) in zip(cells, places, strict=True)
            ]
        heads = [_head(tests, cell, ratios, name, letters, close) for cell, name in zip(cells, called, strict=True)]
        lines = {
            r: max(h.count("\n") + 1 for h, p in zip(heads, places, strict=True) if p[0] == r) for r in range(rows)
        }
        below = 1.12 * line * len(present)
        return heads, below, rows * (curve + below + 0.34) + line * sum(lines.values()) + 0.5

    def one_after_another(columns: int) -> list[tuple[int, int]]:
        return [divmod(i, columns) for i in range(len(cells))]

    table = None
    places, size, curve = one_after_another(min(3, len(cells)) if len(cells) != 4 else 2), 6.5, 1.5
    heads, below, height = laid(places, size, curve, False)
    # what needs more than a page at ease: smaller words, more panels in a row, lower curves
    if close := height > TALLEST:
        size = LEAST_TEXT
        # a row for each outcome and a column for each split where that leaves room for curves
        table = [(outcomes.index(o), splits.index(s)) for o, s in cells]
        for places in [table] * (1 < len(splits) <= 4) + [one_after_another(min(4, len(cells)))]:
            heads, below, height = laid(places, size, 0, True)
            curve = (TALLEST - height) / (1 + max(r for r, _ in places))
            if curve >= LEAST_CURVE:
                break
        curve = float(np.clip(curve, LEAST_CURVE, 1.5))
        height += (1 + max(r for r, _ in places)) * curve
    rows, columns = 1 + max(r for r, _ in places), 1 + max(c for _, c in places)
    figure, axes = plt.subplots(
        2 * rows, columns, figsize=(PAGE if columns > 1 else MIDDLE, height), layout="constrained", squeeze=False,
        height_ratios=[curve, below] * rows,
    )  # fmt: skip
    figure.get_layout_engine().set(h_pad=0.02)
    for axis in axes.ravel():
        axis.set_axis_off()
    # panels of one outcome have one scale
    least = dict.fromkeys(outcomes, 1.0)
    for o, s in cells:
        part = curves[(curves["outcome"] == o) & (curves["split"] == s)]
        least[o] = min([least[o], *(float(cut(c)["low"].min()) for _, c in part.groupby("group"))])
    lowest = {c: max(r for r, column in places if column == c) for _, c in places}
    # and panels of one row one time
    ends: dict[int, float] = {}
    for (o, s), (row, _) in zip(cells, places, strict=True):
        part = curves[(curves["outcome"] == o) & (curves["split"] == s)]
        last = max(
            (float(cut(c)["years"].max()) for _, c in part[part["group"].isin(present)].groupby("group")), default=0.0
        )
        ends[row] = max(ends.get(row, 0.0), last or float(part["years"].max()))
    named: dict[int, list] = {}  # what the leftmost panel of a row names
    for (outcome, split), (row, column), head in zip(cells, places, heads, strict=True):
        top, bottom = axes[2 * row, column], axes[2 * row + 1, column]
        top.set_axis_on()
        bottom.set_axis_on()
        part = curves[(curves["outcome"] == outcome) & (curves["split"] == split)]
        shown = {name: cut(part[part["group"] == name]) for name in present}
        # close together every panel has a line for everyone, so that they are named at the left alone
        lines = present if close else [name for name, c in shown.items() if len(c)]
        shown = {name: c for name, c in shown.items() if len(c)}
        end = ends[row]
        step = next((s for s in (0.25, 0.5, 1, 2, 5, 10) if end / s <= (4 if close else 6)), 20)
        ticks = np.arange(0, end + 1e-9, step)
        for name, c in shown.items():
            j = lines.index(name)
            top.step(c["years"], c["survival"], where="post", color=tint[name], label=name)
            top.fill_between(c["years"], c["low"], c["high"], step="post", color=tint[name], alpha=0.12, lw=0)
            whole = part[part["group"] == name].sort_values("years", kind="stable")
            for t in ticks:
                later = whole[whole["years"] >= t]
                risk = int(later["at_risk"].iloc[0]) if len(later) else 0
                bottom.text(t, j, str(risk), ha="center", va="center", fontsize=size, color="0.15")
        top.set_title(head, fontsize=size, pad=3)
        bottom_y = min(0.9, max(0.0, least[outcome] - 0.03))
        top.set_yticks([t for t in MaxNLocator(5 if curve > 1.2 else 3).tick_values(bottom_y, 1) if bottom_y <= t <= 1])
        # room for the numbers at risk in the beginning
        top.set(ylim=(bottom_y, 1.02), xlim=(-0.06 * end, 1.04 * end))
        if row not in named and not close:
            top.set_ylabel("without the event")
        top.tick_params(labelbottom=False)
        top.set_xticks(ticks)
        bottom.set(ylim=(len(lines) - 0.5, -0.5), xticks=ticks, xlim=top.get_xlim())
        if row == lowest[column]:
            bottom.set_xlabel("years")
        # named once in a row, by colour beside it, and again where a panel has other groups than its row's first
        words = lines if row not in named or lines != named[row] else [""] * len(lines)
        named.setdefault(row, lines)
        bottom.set_yticks(range(len(lines)), words, fontsize=size)
        for name in shown:
            j = lines.index(name)
            bottom.axhspan(j - 0.5, j + 0.5, color=tint[name], alpha=0.25, lw=0)
        for side in ("top", "right", "left"):
            bottom.spines[side].set_visible(False)
        bottom.tick_params(axis="y", length=0)
    if close:
        figure.supylabel("without the event", fontsize=7.5)
    if places == table:
        for row, outcome in enumerate(outcomes):
            axis = axes[2 * row, 0]
            if (row, 0) not in places:  # words alone
                axis.set_axis_on()
                axis.patch.set_visible(False)
                axis.set(xticks=[], yticks=[])
                axis.spines[:].set_visible(False)
            axis.set_ylabel(wrapped(outcome, 18), fontsize=size)
    handles = [plt.Line2D([], [], color=tint[name], label=name) for name in present]
    notes = [f"Not drawn, nobody had the event: {'; '.join(nobody)}"] if nobody else []
    if any(cell in ratios and cell[1].startswith("treatment in ") for cell in cells):
        notes.insert(
            0,
            "HR: hazard ratio of treatment with 95 % interval, adjusted as the outcome is declared, with the people and events of its model",
        )
    elif any("\nHR " in h for h in heads):
        told = "HR: hazard ratio with 95 % interval, adjusted as the outcome is declared"
        if any(s == "subtype" for _, s in cells):
            pairs = any(" v. " in line for lines in ratios.values() for line in lines)
            whom = "of one subtype against another" if pairs else "a subtype's is against the other subtypes"
            told += f"; {whom} at the same stage, any atrophy's against none"
        notes.insert(0, told)
    if close and (tested := [w for w, there in (
        ("p: log-rank test", any("p = " in h for h in heads)),
        ("too few: the log-rank test is not told", any("too few" in h for h in heads)),
        ("events of staged people", any(" of " in h and " event" in h for h in heads)),
    ) if there]):  # fmt: skip
        notes.insert(0, "; ".join(tested))
    notes += [f"Not drawn, fewer than {LEAST_AT_RISK} at risk: {'; '.join(few)}"] if few else []
    note = "\n".join(wrapped(n, 130) for n in notes) or None
    figure.legend(
        handles=handles,
        frameon=False,
        loc="outside lower center",
        ncols=min(4, len(handles)),
        title=note,
        title_fontsize=6.5,
    )
    return figure


@takes_models
def calibration(g: Given) -> Figure:
    """How well events are foretold in people not used to fit: C, and the slope of the calibration, model by model."""
    table = g.table("clinical/prediction")
    table = table[table["c"].notna()] if len(table) else table
    if table.empty:
        return empty("Nothing could be predicted out of sample.")
    outcomes = list(dict.fromkeys(table["outcome"]))
    figure, axes = plt.subplots(
        len(outcomes),
        2,
        figsize=(PAGE, 1.35 * len(outcomes) + 0.6),
        layout="constrained",
        squeeze=False,
        sharex="col",
        width_ratios=[1.4, 1],
    )
    for (left, right), outcome in zip(axes, outcomes, strict=True):
        rows = table[table["outcome"] == outcome]
        y = np.arange(len(rows))
        left.hlines(y, rows["c_low"], rows["c_high"], color="0.4", lw=1)
        left.plot(rows["c"], y, "o", color="0.15")
        left.axvline(0.5, color="0.6", lw=0.8, ls=":")
        left.set_yticks(y, rows["model"])
        left.set_ylim(len(rows) - 0.5, -0.5)
        n = rows.iloc[0]
        left.set_title(f"{outcome} ({counted(int(n['n_events']), 'event')} of {int(n['n'])})", loc="left", fontsize=7.5)
        slope = rows["slope"].to_numpy(float)
        inside = (slope >= SLOPES[0]) & (slope <= SLOPES[1])
        right.plot(slope[inside], y[inside], "s", color="#0072B2")
        # at the end of the axis, pointing beyond it, with its number
        for at, value in zip(y[~inside], slope[~inside], strict=True):
            if np.isfinite(value):
                low = value < SLOPES[0]
                right.plot(SLOPES[0 if low else 1], at, "<" if low else ">", color="#0072B2")
                right.annotate(
                    f"{value:.2f}", (SLOPES[0 if low else 1], at), xytext=(5 if low else -5, 0),
                    textcoords="offset points", ha="left" if low else "right", va="center", fontsize=6.5,
                )  # fmt: skip
        right.axvline(1, color="0.6", lw=0.8, ls=":")
        right.set_yticks(y, [""] * len(rows))
        right.set(ylim=(len(rows) - 0.5, -0.5), xlim=(SLOPES[0] - 0.1, SLOPES[1] + 0.1))
    axes[-1, 0].set_xlabel("C index, 95 % interval (0.5: a coin)")
    axes[-1, 1].set_xlabel("calibration slope (1: right; below: too extreme)")
    return figure


@takes_models
def transitions(g: Given) -> Figure:
    """Group at one scan against group at the next (counts), and change a year per group of all scans together."""
    table, slopes = g.table("clinical/transitions"), g.table("clinical/slopes")
    if not len(table) or table["n"].sum() == 0:
        return empty("Nobody was scanned again.")
    seen = set(table.loc[table["n"] > 0, "source"]) | set(table.loc[table["n"] > 0, "target"])
    order = [name for name in list(dict.fromkeys([*g.groups, *table["source"], *table["target"]])) if name in seen]
    quantities = list(dict.fromkeys(slopes["quantity"])) if len(slopes) else []
    alone = len(order) < 2  # a square of one cell says nothing
    if alone and (not quantities or not slopes["slope"].notna().any()):
        return empty("All scans stand in one group: nobody is seen to change it.")
    figure, axes = plt.subplots(
        1, (not alone) + len(quantities), figsize=(PAGE, 2.7), layout="constrained", squeeze=False,
        width_ratios=[1.5] * (not alone) + [1] * len(quantities),
    )  # fmt: skip
    if not alone:
        _between_groups(axes[0, 0], table, order, 0.3 * PAGE if quantities else PAGE - 1)
    tint = colours(order)
    for axis, quantity in zip(axes[0, not alone :], quantities, strict=True):
        part = slopes[slopes["quantity"] == quantity]
        part = part.sort_values("group", key=lambda v: in_order(v, order), kind="stable")
        for i, row in enumerate(part.itertuples()):
            if pd.notna(row.slope):
                axis.plot([row.low, row.high], [i, i], color=tint.get(row.group, "0.3"))
                axis.plot(row.slope, i, "o", color=tint.get(row.group, "0.3"))
        axis.axvline(0, color="0.6", lw=0.8, ls=":")
        axis.set_yticks(
            range(len(part)), [f"{wrapped(r.group, 14)}\n(n = {r.n_people})" for r in part.itertuples()], fontsize=6.5
        )
        axis.set_ylim(len(part) - 0.5, -0.5)
        axis.xaxis.set_major_locator(MaxNLocator(4))
        axis.set(xlabel=f"{quantity} a year\n(95 % interval)")
    return figure


def _between_groups(left, table: pd.DataFrame, order: list[str], inches: float) -> None:
    """People from the group of one scan to that of the next, on an axis with so many inches for names."""
    wide = table.pivot(index="source", columns="target", values="n").reindex(index=order, columns=order).fillna(0)
    share = wide.div(wide.sum(axis=1).replace(0, np.nan), axis=0)
    sns.heatmap(
        share.astype(float), annot=wide.astype(int), fmt="d", cmap="Greys", vmin=0, vmax=1, ax=left, annot_kws={"fontsize": 7},
        cbar_kws={"label": "share of the row"},
    )  # fmt: skip
    left.set(xlabel="next scan", ylabel="scan")
    name_ticks(left, [wrapped(o, 12) for o in order], inches)
    left.set_yticks(left.get_yticks(), [wrapped(o, 12) for o in order], rotation=0, fontsize=6.5)


@takes_models
def similarity(g: Given) -> Figure:
    """Kendall tau of every pair of subtypes, all diseases; orders of models whose chains did not converge are named so."""
    table = g.table("crossdisease/similarity")
    if not table["tau"].notna().any():
        return empty("No two orders share more than one event.")
    if table["tau"].notna().sum() == 1:
        return empty("Two orders: one number says how alike they are.")
    table = table.assign(
        a=table["disease_a"] + " " + table["name_a"].astype(str),
        b=table["disease_b"] + " " + table["name_b"].astype(str),
    )
    order = list(dict.fromkeys([*table["a"], *table["b"]]))
    order.sort(key=lambda v: v.split(" ")[0])
    wide = pd.DataFrame(np.nan, index=order, columns=order)
    for r in table.itertuples():
        wide.loc[r.a, r.b] = wide.loc[r.b, r.a] = r.tau
    side = PAGE if len(order) > 4 else MIDDLE
    figure, axis = plt.subplots(figsize=(side, 0.75 * side), layout="constrained")
    sns.heatmap(
        wide, annot=unsigned(wide, 2), fmt=".2f", cmap="RdBu_r", vmin=-1, vmax=1, ax=axis, annot_kws={"fontsize": 7},
        cbar_kws={"label": "Kendall's tau"},
    )  # fmt: skip
    axis.set_title(f"event orders (two random ones: {table['tau_chance'].mean():.2f})")
    unsettled = {*table.loc[~is_true(table["converged_a"]), "a"], *table.loc[~is_true(table["converged_b"]), "b"]}
    said = [f"{o}: chains did not converge" if o in unsettled else o for o in order]
    axis.set_xticks(axis.get_xticks(), [wrapped(o, 12) for o in said], rotation=0, fontsize=6.5)
    axis.set_yticks(axis.get_yticks(), [wrapped(o, 14) for o in said], rotation=0, fontsize=6.5)
    return figure
