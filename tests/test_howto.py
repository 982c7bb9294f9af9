"""The how-to pages: their blocks, in their order, as somebody would type them into one session in an empty folder."""

import re
from pathlib import Path

import pandas as pd
import pytest

from neuraxis.home import complete, workflow_home

DOCS = Path(__file__).parents[1] / "docs"


def session(page: str) -> dict:
    """What is defined after all Python blocks of a page."""
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / f"{page}.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 3
    names: dict = {}
    for block in blocks:
        exec(compile(block, page, "exec"), names)
    return names


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_from_pysustain():
    names = session("frompysustain")
    model, table = names["model"], names["table"]
    assert model.draws.sequences.shape[-2:] == (2, 3) and not model.variant.healthy
    assert table["stage_low"].le(table["stage"]).all() and set(table["subtype"]) == {1, 2}
    # two orders were planted, and two are found
    agree = pd.crosstab(names["people"].subtype, table["subtype"].to_numpy()).to_numpy()
    assert max(agree.trace(), agree[::-1].trace()) > 60
    assert names["found"].selection["n_subtypes"].dropna().astype(int).tolist() == [0, 1, 2, -1]


def test_own_biomarkers():
    from neuraxis.biomarkers import read_biomarkers

    session("ownbiomarkers")
    defined = read_biomarkers("biomarkers.tsv").set_index("biomarker")
    assert list(defined.index) == ["frontal", "thalamus", "thickness", "nfl"]
    assert defined.loc["nfl", "kind"] == "column" and defined.loc["thickness", "direction"] == "fall"
    config = complete({}, workflow_home())
    assert config["features"]["biomarkers"] == "biomarkers.tsv"
    assert config["normative"]["overrides"] == {"thickness": {"head_size": "none"}}
