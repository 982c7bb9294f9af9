"""A study's configuration over the workflow's defaults, and where the workflow's files are."""

import pytest

from neuraxis.errors import ConfigError
from neuraxis.home import MARKS, complete, merged, package_folder, shown, workflow_home


@pytest.fixture
def home(tmp_path):
    """A workflow's folder with defaults of a few keys."""
    folder = tmp_path / "the home"
    for mark in MARKS:
        (folder / mark).parent.mkdir(parents=True, exist_ok=True)
        (folder / mark).write_text("")
    (folder / "config.yaml").write_text(
        "seed: 1\ncohort: {control: HC, diseases: [NMOSD, MS], participants: ''}\n"
        "features: {biomarkers: resources/biomarkers.tsv, batches: 8}\n"
    )
    return folder


@pytest.fixture
def study(tmp_path, monkeypatch):
    folder = tmp_path / "a study"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("under", "over", "want"),
    [
        ({"a": 1}, {}, {"a": 1}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
        ({"a": [1, 2, 3]}, {"a": [4]}, {"a": [4]}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({"a": {"b": 1}}, {"a": 5}, {"a": 5}),
        ({"a": 5}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({}, {"z": {"y": {"x": 1}}}, {"z": {"y": {"x": 1}}}),
    ],
)
def test_merged(under, over, want):
    before = repr(under), repr(over)
    assert merged(under, over) == want and (repr(under), repr(over)) == before


def test_defaults_own_file_and_call_in_this_order(home, study):
    (study / "config.yaml").write_text("seed: 2\ncohort: {control: CN}\nfeatures: {batches: 3}\n")
    found = complete({"seed": 9, "cohort": {"diseases": ["AD"]}}, home)
    assert found["seed"] == 9 and found["features"]["batches"] == 3
    assert found["cohort"] == {"control": "CN", "diseases": ["AD"], "participants": ""}
    assert complete({}, home, own_file=False)["seed"] == 1


def test_paths_of_defaults_are_the_workflows_and_others_the_studys(home, study):
    named = "resources/biomarkers.tsv"
    alone = complete({"cohort": {"participants": "p.tsv"}}, home)
    assert alone["features"]["biomarkers"] == str(home / named) and alone["cohort"]["participants"] == "p.tsv"
    assert complete({"features": {"biomarkers": named}}, home)["features"]["biomarkers"] == str(home / named)
    assert complete({"features": {"biomarkers": "mine.tsv"}}, home)["features"]["biomarkers"] == "mine.tsv"
    (study / "resources").mkdir()
    (study / named).write_text("")
    assert complete({}, home)["features"]["biomarkers"] == str(home / named)  # the study's was not asked for
    assert complete({"features": {"biomarkers": named}}, home)["features"]["biomarkers"] == named


def test_in_the_clone_paths_stay_relative(home, monkeypatch):
    monkeypatch.chdir(home)
    assert complete({}, home)["features"]["biomarkers"] == "resources/biomarkers.tsv"
    assert shown("workflow/x.py", home) == "workflow/x.py" and complete({}, home)["seed"] == 1


def test_people_of_ones_own_get_the_number_their_data_support(home, study):
    text = (home / "config.yaml").read_text()
    (home / "config.yaml").write_text(
        text.replace("{control", "{source: simulated, control") + "sustain: {n_subtypes: 3}\n"
    )
    own = {"cohort": {"source": "files"}}

    def number(given):
        return complete(given, home)["sustain"]["n_subtypes"]

    assert number({}) == 3 and number(own) == "auto"
    assert number({**own, "sustain": {"n_subtypes": 2}}) == 2 and number({"sustain": {"n_subtypes": 2}}) == 2
    (study / "config.yaml").write_text("cohort: {source: files}\nsustain: {n_subtypes: 4}\n")
    assert number({}) == 4
    (study / "config.yaml").write_text("cohort: {source: files}\n")
    assert number({}) == "auto" and number({"sustain": {"folds": 3}}) == "auto"
    assert number({"cohort": {"source": "simulated"}, "sustain": {"max_subtypes": 2}}) == "auto"
    assert number({"cohort": {"source": "simulated"}, "sustain": {"max_subtypes": 3}}) == 3
    assert (
        number({"cohort": {"source": "simulated"}, "sustain": {"max_subtypes": 2, "n_subtypes": 3}}) == 3
    )  # refused later
    assert complete({**own, "sustain": 5}, home)["sustain"] == 5  # of another shape: the schema's to say


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [1\n", "a: &a {b: *a}\n"])
def test_a_studys_file_that_is_no_configuration(home, study, text):
    (study / "config.yaml").write_text(text)
    with pytest.raises(ConfigError, match="config.yaml"):
        complete({}, home)


def test_sections_of_another_shape_are_left_to_the_schema(home, study):
    assert complete({"features": 3, "cohort": None}, home) == {"seed": 1, "features": 3, "cohort": None}


def test_home_is_the_snakefiles_folder_or_the_packages(home, tmp_path):
    assert workflow_home(home) == home
    own = workflow_home(tmp_path / "nowhere")
    assert all((own / mark).is_file() for mark in MARKS) and own.is_absolute()
    assert (package_folder(home) / "home.py").is_file()
    (home / "src/neuraxis").mkdir(parents=True)
    assert package_folder(home) == home / "src/neuraxis"
