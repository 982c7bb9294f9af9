"""One value of every setting, wherever it stands: config.yaml, the schema, and the functions that take it."""

import inspect

import pytest
import yaml

from neuraxis.clinical.prediction import prediction
from neuraxis.clinical.trial import enrichment
from neuraxis.clinical.worsening import WorseningRule
from neuraxis.features.combine import combine
from neuraxis.normative.settings import CHOICES, NormSettings
from neuraxis.sustain.families import declared_events
from neuraxis.sustain.study import NOISES

#: What config.yaml says of this study, and the schema of any: whose people they are, what is asked of them, and what is
#: compared beside the main model, is nobody's default.
OF_THE_STUDY = {
    "seed", "cohort.source", "cohort.control", "cohort.diseases", "features.source", "features.biomarkers", "report.title",
    "clinical.outcomes", "clinical.treatment.column", "clinical.treatment.reference", "clinical.prediction.clinical",
    "sustain.n_subtypes", "sustain.variants", "sustain.negative_control_variants",
}  # fmt: skip


def settings_of(schema, at=()):
    """(path, declaration) of every setting; sections that are declared key by key are gone into."""
    for name, one in schema.get("properties", {}).items():
        if "properties" in one:
            yield from settings_of(one, (*at, name))
            if at:
                yield ".".join((*at, name)), one
        else:
            yield ".".join((*at, name)), one


@pytest.fixture(scope="module")
def both(request):
    root = request.config.rootpath
    schema = yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text())
    return dict(settings_of(schema)), yaml.safe_load((root / "config.yaml").read_text()), schema


def get(config, path):
    for key in path.split("."):
        config = config[key]
    return config


def test_every_setting_is_described(both):
    declared, _, schema = both
    assert [p for p, one in declared.items() if not one.get("description")] == []
    outcome = schema["properties"]["clinical"]["properties"]["outcomes"]["items"]["properties"]
    assert [p for p, one in outcome.items() if not one.get("description")] == []


def test_the_configuration_has_every_setting_and_its_default(both):
    declared, config, _ = both
    for path, one in declared.items():
        value = get(config, path)  # a key that is missing there is an error here
        if path in OF_THE_STUDY or "properties" in one:
            continue
        assert "default" in one and one["default"] == value, path


def test_the_configuration_has_nothing_else(both):
    declared, config, _ = both

    def paths(part, at=()):
        for key, value in part.items():
            here = ".".join((*at, key))
            whole = here in declared and "properties" not in declared[here]
            yield from [here] if whole or not isinstance(value, dict) else paths(value, (*at, key))

    assert set(paths(config)) - set(declared) == set()


@pytest.mark.parametrize(
    ("section", "function", "others"),
    [
        # a site term needs sites, which a table of measures alone has not
        ("normative", NormSettings, {"site"}),
        ("clinical.worsening", WorseningRule, set()),
        ("clinical.trial", enrichment, set()),
        ("clinical.prediction", prediction, set()),
        # nobody is excluded by a function that was not told to
        (
            "features",
            combine,
            {"exclude_rules", "source", "sct", "etiv", "qc_scores", "labels", "table", "volume_tables"},
        ),
        ("sustain", declared_events, set()),
    ],
)
def test_functions_have_the_same_defaults(both, section, function, others):
    _, config, _ = both
    values = get(config, section)
    taken = {n: p.default for n, p in inspect.signature(function).parameters.items() if p.default is not p.empty}
    shared = set(taken) & set(values) - others
    assert shared or section == "sustain"
    for name in shared:
        given = list(taken[name]) if isinstance(taken[name], tuple) else taken[name]
        assert given == values[name], name


def test_choices_are_the_same_words(both):
    declared, _, _ = both
    for key, words in CHOICES.items():
        assert tuple(declared[f"normative.{key}"]["enum"]) == words
    assert set(declared["sustain.noise"]["enum"]) == set(NOISES)
