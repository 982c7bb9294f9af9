"""One look for all figures: sizes for print, colours, marks, files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch

from ..labels import COLOURS as COLOURS
from ..labels import colours as colours
from ..tables import aside

#: Inches: a column of a journal's page, one and a half, and the whole page (89, 127 and 183 mm): every figure has one of them.
COLUMN, MIDDLE, PAGE = 3.5, 5.0, 7.2
#: Inches of a page's height: what needs more than one page at ease stands closer together.
TALLEST = 9.6
#: How many times the highest other column a column may be high, before it is cut.
CUT = 1.25
#: Smallest text, points.
LEAST_TEXT = 6
#: Dots per inch of the PNG.
DPI = 300
#: Markers beside the colours, for those who do not tell them apart.
MARKERS = "osD^vPX*"
sns.set_theme(
    context="paper",
    style="ticks",
    rc={
        "font.size": 7.5,
        "axes.titlesize": 8,
        "axes.labelsize": 7.5,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "legend.fontsize": 7,
        "legend.title_fontsize": 7,
        "figure.titlesize": 9,
        "axes.linewidth": 0.7,
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "xtick.major.size": 3,
        "ytick.major.size": 3,
        "lines.linewidth": 1.1,
        "lines.markersize": 4,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "pdf.fonttype": 42,
        "hatch.linewidth": 0.3,
    },
)
# names of biomarkers, sites and diseases are the user's: a $ in one is a dollar, not the beginning of a formula
matplotlib.rcParams["text.parse_math"] = False


def markers(names) -> dict[str, str]:
    """Marker of every group name."""
    return {name: MARKERS[i % len(MARKERS)] for i, name in enumerate(names)}


def grid(
    n: int, columns: int, height: float, *, width: float = PAGE, extra: float = 0.5, **options
) -> tuple[Figure, list]:
    """Panels on the common grid.

    Parameters
    ----------
    n : int
        Panels that are used.
    columns : int
        At most so many in a row.
    height : float
        Inches of a row.
    width, extra : float
        Inches of the figure, and of what stands above and below the rows.

    Returns
    -------
    figure
    axes : list
        n of them; those left over are off.
    """
    columns = min(columns, n)
    rows = -(-n // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(width, rows * height + extra), layout="constrained", squeeze=False, **options
    )
    axes = list(axes.ravel())
    for axis in axes[n:]:
        axis.axis("off")
    return figure, axes[:n]


def wrapped(text: str, width: int = 24) -> str:
    """Text on several lines of at most so many letters.

    What stands in brackets, and a number with its name, stay together where a line holds them.

    Examples
    --------
    >>> wrapped("confirmed worsening (24 weeks)", 26)
    'confirmed worsening\\n(24 weeks)'
    >>> wrapped("between subtypes: smallest q = 0.86", 30)
    'between subtypes: smallest\\nq = 0.86'
    """
    text = str(text).replace("normal-appearing", "normal- appearing" if width < 16 else "normal-appearing")
    lines = [""]
    for whole in re.findall(r"(?:\([^()]*\)|\S)+(?: = \S+)?", text):
        for word in [whole] if len(whole) <= width else whole.split():
            lines[-1:] = [f"{lines[-1]} {word}".strip()] if len(lines[-1]) + len(word) < width else [lines[-1], word]
    return "\n".join(line for line in lines if line)


def decimals(value: float, n: int) -> str:
    """A number with n decimals; what rounds to nothing has no sign.

    Examples
    --------
    >>> decimals(-0.004, 2), decimals(-0.006, 2)
    ('0.00', '-0.01')
    """
    return f"{round(float(value), n) + 0.0:.{n}f}"


def unsigned(table: pd.DataFrame, n: int) -> pd.DataFrame:
    """The numbers of a table with n decimals, for a heatmap to write: what rounds to nothing has no sign."""
    return table.astype(float).round(n) + 0.0


#: Key of a PNG's text that says why there is nothing to draw; the report leaves such a figure out.
NOTHING = "Nothing to draw"


def empty(words: str) -> Figure:
    """A figure that says why there is nothing to draw."""
    figure, axis = plt.subplots(figsize=(MIDDLE, 1.2), layout="constrained")
    figure.nothing = words
    axis.text(0.5, 0.5, words, ha="center", va="center", wrap=True)
    axis.axis("off")
    return figure


def in_doubt(figure: Figure, words: str) -> None:
    """Write on every panel of a figure that what it shows is not to be relied on.

    Behind points and lines; where a picture or a map fills the panel, in its title.

    Parameters
    ----------
    figure : Figure
    words : str

    Examples
    --------
    >>> figure, (left, right) = plt.subplots(1, 2)
    >>> _ = left.plot([1, 2]), right.imshow([[1, 2]]), right.set_title("map")
    >>> in_doubt(figure, "chains did not converge")
    >>> left.texts[0].get_text(), right.get_title()
    ('chains did\\nnot converge', 'map\\nchains did not converge')
    """
    if hasattr(figure, "nothing"):
        return
    for axis in figure.axes:
        filled = [*axis.images, *(c for c in axis.collections if isinstance(c, QuadMesh))]
        outlines = [p for p in axis.patches if type(p) is PathPatch]
        if axis.get_label() == "<colorbar>" or getattr(axis, "_colorbar", None) is not None:
            continue
        if filled or outlines:
            side: Literal["left", "center"] = "left" if axis.get_title(loc="left") else "center"
            head = axis.get_title(loc=side)
            axis.set_title(f"{head}\n{words}".strip(), loc=side, fontsize=axis.title.get_fontsize())
        elif axis.axison and axis.has_data():
            axis.text(
                0.5, 0.5, wrapped(words, 12), transform=axis.transAxes, ha="center", va="center", fontsize=8, color="0.68",
                zorder=0.5, clip_on=True,
            )  # fmt: skip


def name_ticks(axis, names, inches: float) -> None:
    """Names of groups below a panel of so many inches, aslant where they would run into each other beside one another."""
    room = inches / max(len(names), 1)
    longest = max((len(line) for name in names for line in name.split("\n")), default=0)
    aslant = longest * 0.055 > room  # inches of a letter of 6.5 points
    axis.set_xticks(
        axis.get_xticks(), [name.replace("-\n", "-").replace("\n", " ") for name in names] if aslant else names, fontsize=6.5,
        **({"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if aslant else {"rotation": 0}),
    )  # fmt: skip


def small_texts(figure) -> list[str]:
    """Texts of a figure that are below the smallest size."""
    found = figure.findobj(matplotlib.text.Text)
    return [t.get_text() for t in found if t.get_visible() and t.get_text().strip() and t.get_fontsize() < LEAST_TEXT]


def outside(figure, drawn: bool = False) -> list[str]:
    """Texts that stick out of a figure, and would be cut; labels of ticks, which the layout holds, are left aside."""
    if not drawn:
        figure.canvas.draw()
    return [text.get_text() for text, _ in _sticking_out(figure)]


def _sticking_out(figure) -> list[tuple]:
    """Texts that stick out of a drawn figure, each with its box."""
    width, height = figure.canvas.get_width_height()
    ticks = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in (*axis.majorTicks, *axis.minorTicks)
        for label in (tick.label1, tick.label2)
    }
    out = []
    for text in figure.findobj(matplotlib.text.Text):
        if text in ticks or not (text.get_visible() and text.get_text().strip()):
            continue
        box = text.get_window_extent()
        inside = box.x0 >= -2 and box.y0 >= -2 and box.x1 <= width + 2 and box.y1 <= height + 2
        if np.isfinite(box.extents).all() and box.width and not inside:
            out.append((text, box))
    return out


def hold(figure) -> None:
    """Wrap words that are longer than their place (names are the user's), or write them smaller where they cannot be."""
    for _ in range(6):
        figure.draw_without_rendering()
        long = _sticking_out(figure)
        for text, box in long:
            width = figure.canvas.get_width_height()[0] - 4
            beyond = max(2 - box.x0, box.x1 - width - 2, 0.0)
            room = max(box.width - beyond * (2 if text.get_ha() == "center" else 1), 0.1 * width)
            words = text.get_text()
            letters = int(max(map(len, words.split("\n"))) * room / box.width)
            lines = "\n".join(wrapped(line, max(letters, 8)) for line in words.split("\n"))
            if beyond and lines != words:
                text.set_text(lines)
            else:
                text.set_fontsize(0.9 * text.get_fontsize())
        if not long:
            return


def finish(figure, title: str, simulated: bool, path: Path) -> None:
    """Title, SIMULATED mark where so, PNG at `path` and PDF beside it."""
    figure.suptitle(f"{title} - SIMULATED DATA" if simulated else title, color="#B00020" if simulated else "black")
    said = {NOTHING: figure.nothing} if hasattr(figure, "nothing") else {}
    # laid out once, not anew for every file
    hold(figure)
    if figure.get_layout_engine() is not None:
        figure.set_layout_engine("none")
    for suffix, options in (
        (".png", {"dpi": DPI, "metadata": said}),
        (".pdf", {"metadata": {"CreationDate": None}}),
    ):
        with aside(Path(path).with_suffix(suffix)) as part:
            figure.savefig(part, format=suffix[1:], **options)
    plt.close(figure)
