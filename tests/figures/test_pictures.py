"""A few figures beside approved pictures: layout, colours and curves may not change unseen; a renderer's edges may."""

from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from given_of import NORMAL, whole
from PIL import Image, ImageFilter

from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.figures.brain import structures
from neuraxis.figures.declared import ALL
from neuraxis.figures.study import function_of

APPROVED = Path(__file__).parent / "approved"
PICTURES = ("brain_mean_z", "forest", "positional_variance", "selection", "survival")
#: Pixels an inch, small enough to be kept; and how far blurred colours (0 to 255) may be apart in all but a thousandth.
DOTS, TOLERANCE = 50, 12


@pytest.fixture(scope="module")
def study(request):
    """Three subtypes and every table, of random numbers that are always the same."""
    resources = request.config.rootpath / "resources"
    defined = read_biomarkers(resources / "biomarkers.tsv")
    names = pd.read_csv(resources / "labels.tsv", sep="\t").set_index("label")["name"]
    return whole(3, structures(defined, names), defined.set_index("biomarker")["label"])


def drawn(name, g, path):
    # the font that matplotlib brings along, whatever the machine has
    with plt.rc_context({"font.sans-serif": ["DejaVu Sans"]}):
        figure = function_of(ALL[name])(g)
        figure.savefig(path, dpi=DOTS, metadata={"Software": None})
    plt.close(figure)
    return path


def apart(path, approved) -> float:
    """How far blurred colours differ where they differ most, a thousandth left aside; another shape is as far as can be."""
    a, b = (Image.open(p).convert("RGB") for p in (path, approved))
    if np.abs(np.divide(a.size, b.size) - 1).max() > 0.02:
        return 255.0
    a, b = (np.asarray(p.resize(b.size).filter(ImageFilter.GaussianBlur(3)), float) for p in (a, b))
    return float(np.quantile(np.abs(a - b).max(axis=2), 0.999))


@pytest.mark.parametrize("name", PICTURES)
def test_figures_look_as_approved(name, study, tmp_path):
    path, approved = drawn(name, study, tmp_path / f"{name}.png"), APPROVED / f"{name}.png"
    if not approved.exists():
        pytest.fail(f"{approved} is not there; look at {path} and copy it")
    assert apart(path, approved) < TOLERANCE, f"{path} is unlike {approved}: look at both; copy it where it is right"


def test_what_changed_is_noticed(study, tmp_path):
    """Sides exchanged, a group in another colour, a panel gone: each is further away than what is let pass."""
    changed = dict(study.tables)
    maps = changed["clinical/maps"]
    changed["clinical/maps"] = maps.assign(mean_z=maps["mean_z"].where(maps["group"] != NORMAL, -maps["mean_z"]))
    effects = changed["clinical/associations"]
    changed["clinical/associations"] = effects.assign(
        estimate=1 / effects["estimate"], low=1 / effects["high"], high=1 / effects["low"]
    )
    table = changed["positional_variance"]
    changed["positional_variance"] = table.assign(threshold=3 - table["threshold"])
    curves = changed["clinical/survival"]
    changed["clinical/survival"] = curves[curves["group"] != "cortical"]
    other = replace(study, tables=changed)
    for name in ("brain_mean_z", "forest", "positional_variance", "survival"):
        got = apart(drawn(name, other, tmp_path / f"{name}.png"), APPROVED / f"{name}.png")
        assert got > 1.5 * TOLERANCE, f"{name}: {got:.1f}"
