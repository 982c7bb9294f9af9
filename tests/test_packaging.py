"""One version and one list of dependencies, wherever they are written."""

import re
import tomllib
from datetime import date
from pathlib import Path

import yaml

import neuraxis

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
#: What conda calls otherwise than the index.
CONDA = {"matplotlib": "matplotlib-base", "snakemake": "snakemake-minimal"}


def test_one_version():
    recipe = (ROOT / "packaging/conda/meta.yaml").read_text()
    found = {
        "pyproject.toml": PROJECT["version"],
        "package": neuraxis.__version__,
        "CITATION.cff": str(yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]),
        "recipe": re.search(r'set version = "([^"]+)"', recipe)[1],
    }
    assert set(found.values()) == {neuraxis.__version__}, found


def test_the_changelog_has_this_version_and_its_date():
    """What is not released stands first, then versions with their dates, the newest first, none twice."""
    heads = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert heads[0] == "Unreleased"
    versions = [re.fullmatch(r"(\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)", head).groups() for head in heads[1:]]
    order = [(tuple(map(int, version.split("."))), date.fromisoformat(day)) for version, day in versions]
    assert order == sorted(order, reverse=True) and len({v for v, _ in order}) == len(order)
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())["date-released"]
    assert versions[0] == (neuraxis.__version__, str(cited))


def test_the_recipe_needs_what_the_package_needs():
    recipe = (ROOT / "packaging/conda/meta.yaml").read_text()
    listed = dict(re.findall(r"^    - ([a-z0-9-]+)(?: +(.*))?$", recipe.split("  run:\n")[1].split("test:")[0], re.M))
    by_pip = re.search(r"installed by pip: (.*)", recipe)[1].split(", ")
    for dependency in PROJECT["dependencies"]:
        name, bounds = re.match(r"([A-Za-z0-9-]+)(.*)", dependency).groups()
        if name not in by_pip:
            assert listed[CONDA.get(name, name)] == bounds, dependency
    assert f"python {PROJECT['requires-python']}" in recipe


def test_the_container_installs_as_the_makefile_does():
    steps = (ROOT / "packaging/Containerfile").read_text()
    make = (ROOT / "Makefile").read_text()
    for option in ("--require-hashes -r requirements.lock", "--no-deps --no-build-isolation"):
        assert option in steps and option in make
    for name in re.search(r"^COPY (.+) \./$", steps, re.M)[1].split():
        assert (ROOT / name).is_file(), name
    least = re.search(r"\d+\.\d+", PROJECT["requires-python"])[0]
    assert f"python:{least}" in steps and (ROOT / "envs/neuraxis.yaml").read_text().count(f"python={least}") == 1


def test_every_named_fault_can_be_planted():
    """`make mutants`: the line that a fault breaks is there, once, and the tests that must notice are, too."""
    faults = tomllib.loads((ROOT / "benchmarks/faults.toml").read_text(encoding="utf-8"))["fault"]
    lost = [f["what"] for f in faults if (ROOT / "src/neuraxis" / f["file"]).read_text().count(f["old"]) != 1]
    lost += [f["what"] for f in faults for t in f["tests"] if not (ROOT / t.partition("::")[0]).exists()]
    assert lost == []
