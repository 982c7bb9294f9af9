"""The how-to pages: their blocks, in their order, as somebody would type them into one session in an empty folder."""

import re
import shlex
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import yaml

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
    assert model.draws.sequences.shape[-2:] == (2, 5) and not model.variant.healthy
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


def test_a_cluster(tmp_path, monkeypatch):
    """Its profile, written by the block as it stands, and its commands as the command reads them."""
    from neuraxis.cli import main, snakemake_command

    text = (DOCS / "cluster.md").read_text(encoding="utf-8")
    write, look = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    subprocess.run(["bash", "-euo", "pipefail", "-c", write], check=True)
    profile, shipped = (
        yaml.safe_load(p.read_text())
        for p in (Path("profiles/slurm/config.yaml"), DOCS.parent / "profiles/slurm/config.yaml")
    )
    assert (
        set(profile) == set(shipped) - {"scheduler", "groups", "group-components"}
        and profile["retries"] == shipped["retries"]
    )
    assert set(profile["default-resources"]) >= set(shipped["default-resources"])
    override = yaml.safe_load(re.search(r"(?m)^    set-resources:\n(?:^     .*\n)+", text)[0])
    rules = (DOCS.parent / "rules/sustain.smk").read_text()
    assert all(f"rule {name}:" in rules for name in override["set-resources"])
    Path("my study").mkdir()
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("neuraxis ")]
    assert len(lines) == 4 and all(line in look for line in lines[:2])
    for line in lines:
        name, *arguments = shlex.split(line.replace("$PWD", str(tmp_path)))[1:]
        given = main.commands[name].make_context(name, arguments).params
        assert given["study"] == Path("my study")
        if name == "run":
            command = snakemake_command(given["study"], given["snakemake_arguments"])
            assert f"{tmp_path}/profiles/slurm" in command and "all" not in command  # the profile says how many jobs
