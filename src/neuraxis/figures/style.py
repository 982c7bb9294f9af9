"""One look for all figures: colours, marks, files."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import seaborn as sns

from ..tables import aside

#: Okabe-Ito, colour-blind safe; grey is normal-appearing, then subtypes in model order.
COLOURS = ["#999999", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000"]
#: Colours of a subtype by its name, so that it has one colour in every disease; other names take what is left.
OF_NAME = {
    "normal-appearing": "#999999",
    "cortical": "#0072B2",
    "spinal cord": "#D55E00",
    "subcortical": "#009E73",
    "cerebellar": "#CC79A7",
    "early stages": "#FDC086",
    "middle stages": "#E6550D",
    "late stages": "#7F2704",
}
sns.set_theme(context="paper", style="ticks", font_scale=1.1)
# names of biomarkers, sites and diseases are the user's: a $ in one is a dollar, not the beginning of a formula
matplotlib.rcParams["text.parse_math"] = False


#: Dots per inch of the PNG.
DPI = 300


def colours(names) -> dict[str, str]:
    """Colour of every group name."""
    free = [c for c in ("#E69F00", "#56B4E9", "#F0E442", "#000000", "#8B4513", "#6A3D9A")]
    out = {}
    for name in names:
        out[name] = OF_NAME[name] if name in OF_NAME else free[len([n for n in out if n not in OF_NAME]) % len(free)]
    return out


#: Key of a PNG's text that says why there is nothing to draw; the report leaves such a figure out.
NOTHING = "Nothing to draw"


def empty(words: str):
    """A figure that says why there is nothing to draw."""
    figure, axis = plt.subplots(figsize=(5.5, 1.2), layout="constrained")
    figure.nothing = words
    axis.text(0.5, 0.5, words, ha="center", va="center", wrap=True)
    axis.axis("off")
    return figure


def finish(figure, title: str, simulated: bool, path: Path) -> None:
    """Title, SIMULATED mark where so, PNG at `path` and PDF beside it."""
    figure.suptitle(
        f"{title} - SIMULATED DATA" if simulated else title, color="#B00020" if simulated else "black", fontsize=11
    )
    said = {NOTHING: figure.nothing} if hasattr(figure, "nothing") else {}
    for suffix, options in ((".png", {"dpi": DPI, "metadata": said}), (".pdf", {"metadata": {"CreationDate": None}})):
        with aside(Path(path).with_suffix(suffix)) as part:
            figure.savefig(part, format=suffix[1:], **options)
    plt.close(figure)
