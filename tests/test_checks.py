"""The configuration refused before anything runs: each problem in a sentence with its key, all at once."""

import copy
from pathlib import Path

import pytest
import yaml

from neuraxis.checks import (
    check_config,
    check_python,
    check_shape,
    expand_home,
    joined_tables,
    read_config,
    schema_problems,
    size_problem,
)
from neuraxis.errors import ConfigError, InputError

ROOT = Path(__file__).parents[1]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text())


def config(monkeypatch, **changes):
    monkeypatch.chdir(ROOT)
    out = copy.deepcopy(DEFAULT)
    for key, value in changes.items():
        section, name = key.split("__")
        out[section][name] = value
    return out


def problems(settings):
    try:
        check_shape(settings, SCHEMA)
        check_config(settings, SCHEMA)
    except ConfigError as error:
        return str(error)
    return ""


def test_the_default_configuration_is_right(monkeypatch):
    assert problems(config(monkeypatch)) == ""
    for one in (["MS"], []):
        assert problems(config(monkeypatch, cohort__diseases=one)) == ""
    for overlay in (ROOT / "config").glob("*.yaml"):
        settings = config(monkeypatch)
        for section, keys in read_config(overlay).items():
            settings[section].update(keys)
        assert problems(settings) == "", overlay


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cohort__diseases": ["MS", "crossdisease"]}, "crossdisease is the name of a folder of results"),
        ({"cohort__diseases": ["none"]}, "none is the name of a folder"),
        ({"cohort__diseases": ["Aux"]}, "Aux cannot be a folder on Windows"),
        ({"cohort__diseases": ["a/b"]}, "'a/b' cannot be a folder"),
        ({"cohort__diseases": [".."]}, "'..' cannot be a folder"),
        ({"cohort__diseases": ["MS", "ms"]}, "MS, ms differ by capitals alone"),
        ({"cohort__diseases": ["HC"]}, "lists the controls' group HC"),
        ({"cohort__diseases": ["AD"]}, "the simulated cohort has NMOSD and MS only"),
        ({"cohort__groups": {"M": ["RRMS"]}}, "cohort.groups: M is neither cohort.control (HC) nor one of"),
        ({"cohort__groups": {"MS": ["a"], "HC": ["a"]}}, "cohort.groups: a is in two groups"),
        ({"cohort__groups": {"MS": ["HC"], "HC": ["a"]}}, "HC is the name of one group and a part of another"),
        ({"sustain__z_max": float("inf")}, "sustain.z_max: inf is no finite number"),
        ({"sustain__n_startpoints": 10**400}, "Configuration: sustain.n_startpoints is a whole number beyond 2^53"),
        ({"sustain__thresholds": [1, -(16**5000)]}, "sustain.thresholds[1] is a whole number beyond 2^53"),
        ({"normative__overrides": {16**5000: {}}}, "a key is a whole number beyond 2^53"),
        ({"sustain__thresholds": [1, float("nan")]}, "sustain.thresholds[1]: nan is no finite number"),
        ({"sustain__folds": 1}, "sustain.folds: 1 is less than the minimum"),
        ({"sustain__fold": 3}, "sustain.fold: unknown key; did you mean folds?"),
        (
            {"normative__overrides": {"thalamus": {"headsize": "none"}}},
            "thalamus.headsize: unknown key; did you mean head_size?",
        ),
        (
            {"normative__overrides": {"thalamus": {"head_size": "nome"}}},
            "overrides.thalamus.head_size: 'nome' is not one of",
        ),
        (
            {"normative__overrides": {"thalamos": {}}},
            "thalamos is no biomarker of features.biomarkers; did you mean thalamus?",
        ),
        ({"normative__overrides": {"thalamus": {"folds": 3}}}, "thalamus.folds: unknown key"),
        (
            {"clinical__outcomes": [{"name": "a", "column": c, "type": "ordinal"} for c in "bc"]},
            "two outcomes are named a",
        ),
        ({"features__biomarkers": "resources/nothere.tsv"}, "features.biomarkers: resources/nothere.tsv: no such file"),
        ({"features__biomarkers": "resources"}, "features.biomarkers: resources: is a folder"),
        ({"report__title": "a\u202eb"}, "report.title: holds characters that are not seen (a\\u202eb)"),
        ({"sustain__n_subtypes": 7}, "sustain.n_subtypes is above"),
        ({"sustain__thresholds": [3, 1, 2], "sustain__choose_thresholds": True}, "sustain.thresholds must ascend"),
        ({"features__cord_levels": [1, 2, 1]}, "features.cord_levels: a level is listed twice"),
        (
            {"features__use": ["thalamos"]},
            "features.use: thalamos is no biomarker of features.biomarkers; did you mean",
        ),
        ({"cohort__diseases": ["MS", True]}, "True is not of type 'string'; YAML reads NO, ON, yes"),
        (
            {"clinical__outcomes": [{"name": n, "column": "edss", "type": "ordinal"} for n in ("EDSS", "edss ")]},
            "two outcomes are named EDSS, edss ",
        ),
        (
            {"clinical__outcomes": [{"name": "a", "column": "b", "type": "ordinal", "covariates": ["age", "b"]}]},
            "clinical.outcomes: a: b is the outcome and a covariate of it",
        ),
        (
            {"clinical__outcomes": [{"name": "a", "column": "b", "type": "ordinal", "covariates": ["age", "age", ""]}]},
            "a: covariate '', 'age' is empty or twice",
        ),
    ],
)
def test_what_is_refused(monkeypatch, changes, words):
    found = problems(config(monkeypatch, **changes))
    assert words in found, found
    assert found.count("\n") < 5  # no dump of a schema


def test_all_absent_files_are_named_with_their_keys(monkeypatch, tmp_path):
    people = tmp_path / "participants.tsv"
    people.touch()
    own = {
        "cohort__source": "files",
        "cohort__participants": str(people),
        "features__source": "volume_tables",
        "features__volume_tables": [str(people), "/no/v.csv"],
        "features__sct": "~/no/sct.csv",
        "cohort__phenotype": ["/no/p.tsv"],
        "features__table": "/no/unused.tsv",
    }
    settings = config(monkeypatch, **own)
    expand_home(settings)
    found = problems(settings)
    for words in (
        "features.volume_tables: /no/v.csv",
        f"features.sct: {Path.home()}/no/sct.csv",
        "cohort.phenotype: /no/p.tsv",
    ):
        assert f"{words}: no such file" in found
    assert "unused" not in found  # features.table is not read with this source
    assert joined_tables(settings)[str(people)] == ("features.volume_tables", "people")
    assert joined_tables(settings)[f"{Path.home()}/no/sct.csv"] == ("features.sct", "sct")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("/d/{subject}.nii", "features.labels: unknown field {subject}"),
        ("/d/{session_id}/a.nii", "features.labels: no {participant_id} in it"),
        ("", "features.labels: give the path"),
    ],
)
def test_templates_of_images(monkeypatch, labels, words):
    own = {"cohort__source": "files", "cohort__participants": "config.yaml", "features__labels": labels}
    assert words in problems(config(monkeypatch, **own))
    mask = {
        "features__cord_mask": "/d/{participant_id}.nii",
        "features__cord_levels_image": "/d/{participant_id}_l.nii",
    }
    assert ("features.labels" in problems(config(monkeypatch, **own, **mask))) == bool(labels)  # a cord alone will do


def test_bombs_and_circles(tmp_path):
    circle = {"a": []}
    circle["a"].append(circle)
    assert "contains itself" in size_problem(circle)
    deep = value = {}
    for _ in range(40):
        value["a"] = value = {}
    assert "nested more than 30" in size_problem(deep)
    bomb = ["x"] * 10
    for _ in range(20):
        bomb = [bomb] * 10
    assert "more than 20000 values" in size_problem({"a": bomb})
    same = [1, 2]
    assert size_problem({"a": same, "b": same}) == ""  # one thing twice is no circle
    path = tmp_path / "c.yaml"
    for text, words in (
        ("a: &a {b: *a}\n", "contains itself"),
        ("a: [\n", "is no YAML"),
        ("[1]\n", "sections"),
        ("a: " + "[" * 5000 + "\n", ""),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=words):
            read_config(path)


@pytest.mark.parametrize(
    ("text", "twice"),
    [
        ("a: 1\na: 2\n", "a (line 2)"),
        ("cohort: {control: HC}\nfeatures: {}\ncohort: {control: X}\n", "cohort (line 3)"),
        ("cohort:\n  control: HC\n  source: files\n  control: X\n", "control (line 4)"),
        ("a: [{b: 1}, {b: 2, c: 1, c: 1}]\n", "c (line 1)"),
        ("a: {b: 1}\nc: {b: 1}\n", ""),
        ("a: &x {b: 1}\nc: {<<: *x, b: 2}\n", ""),
    ],
)
def test_a_key_given_twice_is_refused(tmp_path, text, twice):
    """YAML would take the last one in silence."""
    (tmp_path / "c.yaml").write_text(text)
    if not twice:
        assert read_config(tmp_path / "c.yaml")["a"]
        return
    with pytest.raises(ConfigError) as error:
        read_config(tmp_path / "c.yaml")
    assert f"takes the last in silence: {twice}; keep one" in str(error.value)


def test_lists_of_paths_with_a_gap_or_one_path_twice(monkeypatch, tmp_path):
    people, volumes = tmp_path / "p.tsv", tmp_path / "v.csv"
    people.write_text("participant_id\n")
    volumes.write_text("subject\n")
    settings = config(monkeypatch, cohort__source="files", cohort__participants=str(people))
    settings["features"] |= {"source": "volume_tables", "volume_tables": [str(volumes)]}
    assert problems(settings) == ""
    settings["features"]["volume_tables"] = [str(volumes), "", str(volumes)]
    found = problems(settings)
    assert "features.volume_tables: an empty path is listed" in found and f"{volumes} is listed twice" in found


def test_long_values_are_not_dumped():
    found = schema_problems({"seed": ["x" * 5000]}, SCHEMA)
    assert all(len(p) < 300 for p in found)


def test_a_python_that_snakemake_cannot_start_is_named():
    """It would end every job with "No such file or directory" and no log."""
    check_python("/opt/env/bin/python")
    for path in ("/my study/.venv/bin/python", "/a\tb/python"):
        with pytest.raises(InputError, match="holds a blank.*put the clone, or the environment"):
            check_python(path)
