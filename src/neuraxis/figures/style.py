"""One look for all figures: colours, marks, files."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import seaborn as sns

from ..labels import COLOURS as COLOURS
from ..labels import colours as colours
from ..tables import aside

sns.set_theme(context="paper", style="ticks", font_scale=1.1)
# names of biomarkers, sites and diseases are the user's: a $ in one is a dollar, not the beginning of a formula
matplotlib.rcParams["text.parse_math"] = False

#: Dots per inch of the PNG.
DPI = 300
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
