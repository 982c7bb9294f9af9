"""One value of every setting: the settings, the two files written from them, and the functions that take it."""

import inspect
import re
from dataclasses import fields
from itertools import product
from typing import Annotated, Literal

import numpy as np
import pytest
import yaml
from snakemake.utils import validate

from neuraxis.clinical.prediction import prediction
from neuraxis.clinical.trial import enrichment
from neuraxis.clinical.worsening import WorseningRule
from neuraxis.errors import InputError
from neuraxis.features.combine import combine
from neuraxis.features.measures import RULES
from neuraxis.normative.settings import CHOICES, NormSettings
from neuraxis.settings import Rules, Sustain, files, line, schema_of
from neuraxis.sustain import FitSettings, Variant, ZScoreEvents, cross_validate, fit
from neuraxis.sustain.families import declared_events
from neuraxis.sustain.state import PRIORS
from neuraxis.sustain.study import NOISES


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


def test_the_files_are_what_the_settings_say(request):
    """`python -m neuraxis.settings` after a change."""
    for path, text in files(request.config.rootpath).items():
        assert path.read_text(encoding="utf-8") == text, path


def test_what_a_study_need_not_say_is_filled_in_with_the_settings_defaults(both, request):
    """Of the schema, as Snakemake applies it, against the settings: parts within parts, too."""
    _, _, schema = both
    given = {name: {} for name in schema["properties"]} | {"seed": 3}
    given |= {"cohort": {"source": "files", "control": "HC", "diseases": ["MS"]}}
    given |= {"features": {"source": "table", "biomarkers": "b.tsv"}, "clinical": {"trial": {"years": 4}}}
    validate(given, str(request.config.rootpath / "workflow/schemas/config.schema.yaml"))
    assert given["clinical"]["trial"] == {"years": 4, "hazard_ratio": 0.7, "power": 0.8}
    assert given["clinical"]["worsening"]["relapse_days_before"] == 90
    assert given["sustain"]["n_subtypes"] == "auto" and given["sustain"]["variants"] == []
    assert given["cohort"]["groups"] == {} and given["clinical"]["outcomes"] == []


@pytest.mark.parametrize(
    ("hint", "want"),
    [
        (int, {"type": "integer"}),
        (Literal["a", "b"], {"enum": ["a", "b"]}),
        (str | int, {"type": ["string", "integer"]}),
        (list[Annotated[float, Rules(minimum=0)]], {"type": "array", "items": {"type": "number", "minimum": 0}}),
        (
            Literal["auto"] | Annotated[int, Rules(minimum=1)],
            {"oneOf": [{"const": "auto"}, {"type": "integer", "minimum": 1}]},
        ),
        (
            dict[str, list[str]],
            {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
        ),
    ],
)
def test_schema_of_a_type(hint, want):
    assert schema_of(hint) == want


def test_a_long_comment_is_broken_and_a_long_value_stands_below_its_comment():
    short, *rest = line(2, "key", "1", "word " * 40)
    assert short.startswith("  key: 1                      # word") and all(
        r.startswith(" " * 30 + "#   word") for r in rest
    )
    assert len(rest) == 2 and max(map(len, (short, *rest))) <= 128
    assert line(0, "key", "[a long, long, long, long list]", "of words") == [
        "# of words",
        "key: [a long, long, long, long list]",
    ]


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
    assert tuple(declared["features.exclude_rules"]["items"]["enum"]) == RULES


#: Settings of `sustain` that the engine does not have: what is fitted and chosen, and what is done beside.
OF_THE_STUDY = {
    *("n_subtypes", "n_samples_folds", "negative_control_variants", "leave_site_out", "parametric_null"),
}


def engine(*functions):
    """Keywords of the engine with their defaults."""
    taken = [p for f in functions for p in inspect.signature(f).parameters.values()]
    return {p.name: p.default for p in taken if p.default is not p.empty}


def test_every_setting_of_the_engine_has_its_name_there():
    known = {*engine(FitSettings, Variant, cross_validate), *inspect.signature(declared_events).parameters}
    assert {f.name for f in fields(Sustain)} - known == OF_THE_STUDY


def test_a_study_models_what_the_engine_models_by_default_with_the_published_effort(both, request):
    """The workflow's own effort is smaller; the engine's is that of the preset study, as published."""
    declared, _, _ = both
    preset = yaml.safe_load((request.config.rootpath / "config/study.yaml").read_text())["sustain"]
    own = engine(FitSettings, Variant, cross_validate)
    effort = {"n_startpoints", "n_samples", "max_subtypes", "folds"}
    assert {name: preset[name] for name in effort} == {name: own[name] for name in effort}
    same = {name: declared[f"sustain.{name}"]["default"] for name in ("n_chains", "stage_prior", "healthy")}
    assert same == {name: own[name] for name in same}
    # a study's chains go on until they agree; the engine's only where they are told to
    assert own["n_doublings"] == 0 < declared["sustain.n_doublings"]["default"]
    assert NOISES[declared["sustain.noise"]["default"]] == (own["noise"], True)


def test_words_of_the_engine_are_those_of_a_study(both):
    declared, _, _ = both
    assert set(declared["sustain.stage_prior"]["enum"]) == set(PRIORS)
    for name, (noise, _) in NOISES.items():
        assert Variant(noise=noise).noise == noise, name
    pattern = declared["sustain.variants"]["items"]["pattern"]
    for prior, noise in product(PRIORS, NOISES):
        assert re.fullmatch(pattern, f"{prior}-{noise}")
    assert not re.fullmatch(pattern, "smooth-fixed")


@pytest.mark.parametrize("call", [fit, cross_validate])
def test_fits_take_every_setting_as_a_keyword(call):
    """By `FitSettings.with_`, which refuses what does not exist; nothing else may be set in passing."""
    events = ZScoreEvents([1], 2, biomarkers=["a"])
    own = {n: v for n, v in engine(FitSettings, Variant).items() if n not in ("variant", "covariance")}
    assert set(own) == {f.name for c in (FitSettings, Variant) for f in fields(c)} - {"variant", "covariance"}
    with pytest.raises(InputError, match="unknown setting n_starts"):
        call(np.zeros((9, 1)), events, 1, n_starts=3)
    # all of them together are settings: what is refused is the data
    with pytest.raises(InputError, match="no value|nobody|finite|missing|constant|people"):
        call(np.full((9, 1), np.nan), events, 1, **(own | {"n_samples": 0}))
