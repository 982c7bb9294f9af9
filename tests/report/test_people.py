"""people.html holds what was measured: brain, cord, both or neither, and scores without a z."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from facts_of import BIOMARKERS, study

from neuraxis.report import page, people

NAMES = pd.Series({1028: "ctx-lh-superiorfrontal", 10: "Left-Thalamus"})


def listed(kinds, scores=()):
    """The study by hand with measures of these kinds; `scores` are ordinal, and have no z."""
    defined = pd.DataFrame(
        {
            "biomarker": list(kinds), "label": [b.upper() for b in kinds], "kind": list(kinds.values()),
            "labels": [{"labels": [10], "thickness": [1028]}.get(k, []) for k in kinds.values()],
            "system": ["spinal cord" if k == "cord" else "n/a" for k in kinds.values()],
            "family": ["ordinal" if b in scores else "zscore" for b in kinds],
        }
    )  # fmt: skip
    ids = [f"sub-{i:03d}" for i in range(160)]
    z = pd.DataFrame({"participant_id": ids, "group": ["MS"] * 100 + ["HC"] * 60})
    levels = pd.DataFrame({"participant_id": ids})
    for b in kinds:
        z[b] = np.nan if b in scores else 1.0
        levels[b] = [float(i % 3) for i in range(160)] if b in scores else 500.0
    levels.loc[1, list(scores)] = np.nan
    return study(biomarkers=defined, **{"normative/zscores": z, "features/measures": levels})


def data_of(s, names=NAMES):
    """What the page holds for its script."""
    script = page.asset("table.js") + page.asset("people.js")
    text = people.render(s, title="A study", style="", script=script, label_names=names)
    return json.loads(re.search(r'id="t-people">(.*?)</script>', text, re.DOTALL)[1])


@pytest.mark.parametrize(
    ("kinds", "drawn", "coloured"),
    [
        ({"csa": "cord", "thalamus": "labels"}, "Brain and cord", {"csa", "thalamus"}),
        ({"thalamus": "labels", "nfl": "column"}, "Brain", {"thalamus"}),
        ({"frontal_mm": "thickness"}, "Brain", {"frontal_mm"}),
        ({"csa": "cord"}, "Cord", {"csa"}),
        ({"csa": "cord", "nfl": "column"}, "Cord", {"csa"}),
        ({"nfl": "column", "sdmt": "column"}, "", set()),
    ],
)
def test_only_what_was_measured_is_drawn(kinds, drawn, coloured):
    data = data_of(listed(kinds))
    assert data["drawn"] == drawn and {p["b"] for p in data["brain"]} - {""} == coloured
    assert data["labels"] == [b.upper() for b in kinds] and len(data["people"][0][-1]["z"]) == len(kinds)
    points = [float(v) for p in data["brain"] for v in re.findall(r"-?[\d.]+", p["d"])[::2]]
    # nothing stands outside of the drawing, nor far from its edges
    assert not points or (min(points) > -5 and data["size"][0] - 80 < max(points) <= data["size"][0])


def test_views_without_anything_measured_are_left_out():
    whole, cortex = (data_of(listed(k)) for k in ({"t": "labels", "f": "thickness"}, {"f": "thickness"}))
    assert 0.4 < cortex["size"][0] / whole["size"][0] < 0.8 and cortex["size"][1] == whole["size"][1]


def test_scores_stand_with_the_person():
    data = data_of(listed({"csa": "cord", "walk": "column"}, scores=["walk"]))
    assert data["biomarkers"] == ["csa"] and data["scores"] == ["WALK"]
    of = {row[0]: row[-1] for row in data["people"]}
    assert of["sub-002"]["scores"] == [2.0] and "scores" not in of["sub-001"]
    assert data_of(study(biomarkers=BIOMARKERS))["scores"] == []
