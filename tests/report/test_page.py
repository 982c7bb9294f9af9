"""The page and the methods text: what they hold, and under which condition."""

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from facts_of import BIOMARKERS, CONFIG, association, diagnostics, disease, names, people, selection, study
from PIL import Image

from neuraxis.clinical.sensitivity import ANEW, CLUSTERED
from neuraxis.errors import InputError
from neuraxis.figures.declared import OF_CONTROLS, OF_DISEASE, OF_DISEASES
from neuraxis.job import as_list, warnings_in
from neuraxis.report import page, standing, views
from neuraxis.report.facts import Tables, below_results, read_study
from neuraxis.report.methods import REFERENCES, methods_text, references
from neuraxis.report.words import COLUMNS, heading
from neuraxis.schema import TABLES, write


def test_warnings_of_the_package_are_gathered_once(tmp_path):
    (tmp_path / "normative").mkdir()
    (tmp_path / "normative" / "zscores.log").write_text(
        "2026-01-01 10:00:00,000 INFO fine\n"
        "2026-01-01 10:00:00,000 WARNING /a/b.py:3: NeuraxisWarning: 2 people lie outside the controls' ages\n"
        "2026-01-01 10:00:00,000 WARNING /a/b.py:3: FutureWarning: of a library\n"
        "2026-01-01 10:00:00,000 WARNING nobody has a value of cord_csa; left aside\n"
    )
    (tmp_path / "again.log").write_text("t WARNING nobody has a value of cord_csa; left aside\n")
    assert warnings_in(tmp_path) == [
        "again: nobody has a value of cord_csa; left aside",
        "normative/zscores: 2 people lie outside the controls' ages",
    ]
    assert warnings_in(tmp_path / "nowhere") == []
    assert as_list("x") == ["x"] and as_list(None) == [] and as_list(("a", "b")) == ["a", "b"]


def told(diseases=None, config=None, **options):
    return " ".join(methods_text(study(diseases, config, **options)))


#: A region, a score, and a marker that not every study measures.
FAMILIES = pd.DataFrame({"biomarker": ["thalamus", "gait", "nfl"], "label": ["Thalamus", "Score", "NfL"],
                         "kind": ["labels", "column", "column"], "labels": [[10], ["gait"], ["nfl"]], "system": "n/a",
                         "family": ["zscore", "ordinal", "mixture"]})  # fmt: skip
MEASURED = pd.DataFrame({"participant_id": ["a"], "thalamus": [1.0], "gait": [2.0]})
#: The cord alone: its area, and a measure of one's own of the same system.
CORD = pd.DataFrame({"biomarker": ["cord_csa", "thalamus"], "label": ["Cord area", "Cord grey"], "kind": ["cord", "table"],
                     "labels": [[], []], "system": "spinal cord"})  # fmt: skip

#: A region, a marker with a z, and a score without one, the last two of the participants' tables.
COLUMNS_TOO = FAMILIES.assign(biomarker=["thalamus", "gait", "frontal"], label=["Thalamus", "Score", "NfL"])
LEVELS = pd.DataFrame({"participant_id": ["a"], "thalamus": [1.0], "gait": [2.0], "frontal": [3.0]})
#: One z-score biomarker has thresholds of its own.
OWN = BIOMARKERS.assign(family="zscore", thresholds=[[], [], [1.5, 2.5]])
ALL = pd.DataFrame({"participant_id": ["a"], "thalamus": [1.0], "cord_csa": [2.0], "frontal": [3.0]})

#: Change of the study, words that come with it, words that go.
METHODS = [
    ({}, "one offset per site", "one site, so there is no site term"),
    ({"sites": ("a",)}, "one site, so there is no site term", "one offset per site"),
    ({"sites": ("a",)}, "over 5 folds:", "stratified by site"),
    ({}, "over 5 folds stratified by site:", "fixed in the configuration"),
    ({"config": {"normative": {"site": "none"}}}, "no site term", "one offset per site"),
    ({"config": {"normative": {"site": "none", "head_size": "none"}}}, "by sex, sex (no head-size and no site term); SD", "volume"),
    ({"config": {"normative": {"site": "combat_gam"}}}, "ComBat-GAM", "one offset per site"),
    ({"config": {"sustain": {"n_subtypes": 3}}}, "fixed in the configuration, not chosen", "was chosen by"),
    ({"config": {"sustain": {"n_samples_folds": 0}}}, "of 20,000 in the models that lead to it", " 2,000"),
    ({"config": {"sustain": {"n_doublings": 3}}}, "doubled up to 3 times while the chains did not agree", "4 times"),
    ({"config": {"sustain": {"n_doublings": 0}}}, "in the chosen model of everyone, of", "doubled"),
    ({}, "of 2,000 in the models that lead to it", "for every biomarker"),
    ({}, "z-score model, one model", "one sequence of events"),
    ({"biomarkers": FAMILIES, "features/measures": MEASURED},
     "events of z-scores and Score by observed level (ordinal, Young et al. 2021)", "as normal or abnormal"),
    ({"biomarkers": FAMILIES, "features/measures": MEASURED.assign(nfl=1.0)}, "NfL as normal or abnormal", "z-score model"),
    ({"config": {"sustain": {"choose_thresholds": False}}}, "for every biomarker, maximum 5", "kept where at least"),
    ({"config": {"sustain": {"stage_prior": "uniform"}}}, "stage prior flat", "triangular"),
    ({"config": {"sustain": {"healthy": False}}}, "no healthy component", "a healthy component shared"),
    ({}, "one subtype against the others", "No clinical outcome"),
    ({"diseases": [disease(selection=selection(1), names=names((80,), ("x",)), subtypes=people((80,)))]},
     "stage; any atrophy, at the mean stage of those with atrophy, against none", "one subtype against the others"),
    ({"config": {"clinical": {"outcomes": []}}}, "No clinical outcome was declared.", "Rubin"),
    ({"diseases": []}, "z against the controls' regression", "SuStaIn"),
    ({"diseases": [disease(followup=pd.DataFrame({"participant_id": ["a", "a", "b"]}))]}, "Later scans (2 people)", "simulated"),
    ({"config": {"features": {"source": "images"}}}, "Regional volumes (left and right summed) and the spinal cord's area were taken from segm", "Later scans"),
    ({"config": {"features": {"source": "table"}}}, "Cord area, Frontal cortex and Thalamus were taken from one table", "summed"),
    ({"biomarkers": COLUMNS_TOO, "config": {"features": {"source": "images"}}, "features/measures": LEVELS},
     "Regional volumes (left and right summed) were taken from segmentations of every person (label volumes or stats "
     "folders); NfL and Score were taken from the participants' tables", "cord's area"),
    ({"biomarkers": COLUMNS_TOO, "config": {"features": {"source": "images"}}, "features/measures": LEVELS.assign(gait=np.nan)},
     "; NfL was taken from the participants' tables", "NfL and Score"),
    ({"biomarkers": COLUMNS_TOO, "features/measures": LEVELS}, "Thalamus was taken from one table of measures; NfL and Score were", "segm"),
    ({"biomarkers": BIOMARKERS, "config": {"features": {"source": "volume_tables", "sct": "csa.csv"}}},
     "Regional volumes (left and right summed) were taken from tables of regional volumes; the spinal cord's area was taken "
     "from a table of the Spinal Cord Toolbox. ", "and the spinal"),
    ({"biomarkers": BIOMARKERS[:1], "config": {"features": {"source": "volume_tables", "sct": "csa.csv"}}},
     "The spinal cord's area was taken from a table of the Spinal Cord Toolbox. ", "regional volumes"),
    ({"biomarkers": BIOMARKERS[:1], "config": {"features": {"source": "images"}}}, "The spinal cord's area was taken from segm", "Toolbox"),
    ({"biomarkers": OWN, "features/measures": ALL}, "candidate thresholds z = 1, 2, 3 (but 1.5, 2.5 for Thalamus), kept", "for z-score"),
    ({"biomarkers": OWN.drop(columns="thresholds"), "features/measures": ALL}, "candidate thresholds z = 1, 2, 3, kept", "(but"),
    ({"biomarkers": OWN, "features/measures": ALL, "config": {"sustain": {"choose_thresholds": False}}},
     ", one model: thresholds z = 1, 2, 3 (but 1.5, 2.5 for Thalamus), maximum 5", "every biomarker"),
    ({"biomarkers": FAMILIES, "features/measures": MEASURED, "config": {"sustain": {"choose_thresholds": False}}},
     "thresholds z = 1, 2, 3 for z-score biomarkers, maximum 5", "every biomarker"),
    ({"biomarkers": FAMILIES, "features/measures": MEASURED}, "z = 1, 2, 3 for z-score biomarkers, kept where", "(but"),
    ({"biomarkers": CORD[:1]}, "Cord area was taken from one table", "were taken"),
    ({"biomarkers": CORD, "config": {"features": {"source": "images"}}}, "The spinal cord's area and measures of the study's own were taken", "summed"),
    ({"config": {"normative": {"overrides": {"cord_csa": {"head_size": "none"}, "thalamus": {"head_size": "covariate"}}}}},
     "For Cord area: no head-size term.", "For Thalamus"),
    ({"config": {"normative": {"overrides": {}}}}, "intracranial volume as covariate", "no head-size term"),
    ({"config": {"normative": {"head_size": "none"}}}, "one offset per site (no head-size term); SD", "intracranial volume"),
    ({"features/measures": ALL}, "No quality rule excludes anybody; all flag.", "eTIV"),
    ({"features/measures": ALL.assign(etiv=np.nan)}, "No quality rule excludes anybody; all flag.", "eTIV"),
    ({"features/measures": ALL.assign(etiv=1.5e6)}, "Quality rules that exclude: implausible eTIV; all others flag.", "No quality rule"),
    ({}, "a natural spline of age, by sex, sex, intra", "For "),
    ({"sites": ("one site",)}, "No sites are given and everyone counts as scanned at one, so there is no site term", "All people"),
    ({"sexes": "F"}, "a natural spline of age, intra", "by sex"),
    ({"normative/zscores": pd.DataFrame({"participant_id": ["a"], "group": ["HC"]})}, "the spinal cord was not measured", "cord's area"),
    ({"config": {"features": {"exclude_rules": []}}}, "No quality rule excludes anybody", "Quality rules that exclude"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("biomarkers", "words"),
    [
        (BIOMARKERS, "aged 40, 3 regional measures with the spinal cord."),
        (BIOMARKERS[1:], "aged 40, 2 regional measures."),
        (BIOMARKERS[1:2], "aged 40, 1 regional measure."),
        (BIOMARKERS.assign(kind=["cord", "labels", "column"]), "aged 40, 3 measures with the spinal cord."),
        (BIOMARKERS[1:].assign(kind=["table", "labels"]), "aged 40, 2 measures."),
        (CORD, "aged 40, 2 measures of the spinal cord."),
        (CORD[:1], "aged 40, 1 measure of the spinal cord."),
    ],
)
def test_the_first_line_says_what_was_measured(biomarkers, words):
    assert page.lead(study(biomarkers=biomarkers)).endswith(words)


def test_a_cord_of_ones_own_is_a_cord():
    """A column of the user's table, of system spinal cord: not "the cord was not measured"."""
    own = study(biomarkers=CORD[1:])
    assert own.has_cord and own.cord == ["Cord grey"] and not study(biomarkers=BIOMARKERS[1:]).has_cord
    assert "not measured" not in " ".join(methods_text(own))


def test_very_large_vectors_stay_beside_the_page(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF" + bytes(40))
    assert views.vector(tmp_path / "a.png").startswith("data:application/pdf;base64,")
    assert views.vector(tmp_path / "a.png", 43) == "" and views.vector(tmp_path / "none.png") == ""


@pytest.mark.parametrize(("change", "words", "gone"), METHODS)
def test_methods_follow_configuration_and_data(change, words, gone):
    text = told(**change)
    assert words in text and gone not in text


def predicted(horizon=2.0, c=0.6, **others):
    """A study of which something was predicted, the first set alone with these measures."""
    config = {
        "prediction": {"clinical": ["age", "sex", "disease_duration"], "folds": 4, "repeats": 3, "horizon": horizon}
    }
    return {
        "diseases": [disease(**{"clinical/prediction": pd.DataFrame({"outcome": ["W"], "c": [c]})} | others)],
        "config": {"clinical": config},
    }


def test_methods_say_how_events_were_predicted_where_they_were():
    text = told(**predicted())
    assert (
        "nested sets: what is known without a scan (age and sex), then mean z, then stage, then probabilities of"
        in text
    )
    assert "Risk at 2 years comes from" in text and "(4 folds stratified by the event, 3 repeats, averaged)" in text
    assert "at least 20 events" in text and "ridge penalty (0.01; 0.1 with all z)" in text
    assert "Risk at 1 year comes" in told(**predicted(1.0))
    one = predicted(selection=selection(1), names=names((80,), ("x",)), subtypes=people((80,)))
    assert "then stage; and" in told(**one)
    assert "Prediction:" not in told(**predicted(c=np.nan)) and "Prediction:" not in told()


@pytest.mark.parametrize(
    ("analyses", "anew", "jackknife"),
    [
        (["everyone"], False, False),
        (["everyone", "without site a"], False, False),
        (["everyone", "without site a" + ANEW], True, False),
        (["everyone", CLUSTERED], False, True),
        (["without site a" + ANEW, CLUSTERED], True, True),
    ],
)
def test_methods_say_what_sensitivity_rests_on(analyses, anew, jackknife):
    text = told([disease(**{"clinical/sensitivity": pd.DataFrame({"analysis": analyses})})])
    assert ('rows "subtypes fitted anew" take labels of models that have seen the person' in text) == anew
    assert ("Errors clustered by site are those of the jackknife" in text) == jackknife


def test_tables_of_figures_show_labels(tmp_path):
    """A figure's table and the chapter's are kept under one key: the figure, which comes first, has labels too."""
    figure = next(f for f in page.OF_DISEASE if "diagnostics" in f.tables)
    (tmp_path / "figures/MS").mkdir(parents=True)
    Image.new("RGB", (40, 30)).save(tmp_path / "figures/MS" / f"{figure.name}.png")
    many = pd.concat([diagnostics()] + [diagnostics().assign(quantity="position", event="cord_csa z>=1")] * 40)
    text = page.render(study([disease(diagnostics=many)]), tmp_path, title="t", logs=tmp_path, people=False)
    held = json.loads(re.search(r'id="t-MS-diagnostics">(.*?)</script>', text, re.S)[1])
    events = [row[held["columns"].index("event")] for row in held["rows"]]
    assert "Cord area z>=1" in events and "cord_csa z>=1" not in events


def test_references_are_those_that_the_methods_need():
    def keys(*a, **b):
        return {r.key for r in references(study(*a, **b))}

    plain = keys()
    assert {"young2018", "benjamini1995", "molder2021"} <= plain
    assert not plain & {"johnson2007", "cox1972", "zhuo2025", "deleener2017"}
    assert {"johnson2007", "pomponio2020"} <= keys(config={"normative": {"site": "combat_gam"}})
    assert not keys(config={"normative": {"site": "combat"}}, sites=("a",)) & {"johnson2007", "fortin2018"}
    survival = [{"name": "W", "column": "w", "type": "survival", "time": "t"}]
    assert "cox1972" in keys(config={"clinical": {"outcomes": survival}})
    assert "young2018" not in keys([]) and "deleener2017" in keys(config={"features": {"sct": "csa.csv"}})
    young = next(r for r in REFERENCES if r.key == "young2018")
    assert young.text.startswith("Young et al. (2018). Uncovering") and young.text.endswith(
        "doi:10.1038/s41467-018-05892-0"
    )
    assert young.bibtex.startswith("@article{young2018,\n  author = {Young, Alexandra L. and Marinescu")
    assert len({r.key for r in REFERENCES}) == len(REFERENCES)
    for r in REFERENCES:
        assert r.bibtex.count("{") == r.bibtex.count("}") and r.year > 1950


EVIL = '<img src=x onerror="alert(1)">'


def test_tables_are_escaped_and_have_headings_in_words():
    table = pd.DataFrame(
        {"name": [EVIL, "b"], "n_staged_oof": [3, 12000], "origin": "SIMULATED", "p": [1.23456, np.nan]}
    )
    made = views.static_table(table, EVIL)
    assert "<img" not in made and "&lt;img" in made and "SIMULATED" not in made
    assert 'scope="col"' in made and '<th scope="row">b</th><td>12,000</td><td></td>' in made
    assert "people staged (out of fold)" in made and ">n_staged_oof<" not in made and "1.23<" in made
    store = views.TableStore()
    key = store.add("MS/names", table)
    held = re.search(r">(.*)</script>", store.scripts(), re.S)[1]
    assert key == "MS-names" and "<" not in held and json.loads(held)["rows"][0] == [EVIL, 3, 1.23456]
    assert json.loads(held)["rows"][1][2] is None


def test_short_tables_stand_open_and_long_ones_are_folded():
    store = views.TableStore()
    short = views.any_table(store, "a", pd.DataFrame({"x": range(5)}), "Five")
    long = views.any_table(store, "b", pd.DataFrame({"x": range(500)}), "Many")
    assert "<table>" in short and "<details" not in short and "a" not in store.tables
    assert (
        "<details" in long and "<table>" not in long and "(500 rows)" in long and len(store.tables["b"]["rows"]) == 500
    )
    assert views.any_table(store, "c", pd.DataFrame(), "None") == ""


def test_columns_of_tables_have_words():
    assert heading("n_staged_oof") == "people staged (out of fold)" and heading("k3") == "3 subtypes"
    assert (
        heading("k1") == "1 subtype"
        and heading("disease_a") == "one disease"
        and heading("own_column") == "own column"
        and heading("place12") == "place 12"
    )
    assert not [w for w in COLUMNS.values() if "_" in w]


def test_the_flow_ends_in_the_groups_of_the_model():
    boxes = {b["group"]: b["steps"] for b in views.flow_boxes(study())}
    assert [s["n"] for s in boxes["HC"]] == [60]
    last = boxes["MS"][-1]
    assert last["ends"] == [("normal-appearing", 20), ("spinal cord", 50), ("cortical", 30)] and last["excluded"] == 0
    fewer = views.flow_boxes(study([disease(subtypes=people(normal=15))]))[1]["steps"]
    assert (fewer[-2]["label"], fewer[-2]["n"], fewer[-2]["excluded"]) == ("in the model", 95, 5)


@pytest.mark.parametrize(("change", "words", "there"), [
    ({}, "The spinal cord was not measured.", False),
    ({"normative/zscores": pd.DataFrame({"participant_id": ["a"], "group": ["HC"]})}, "The spinal cord was not measured.", True),
    ({"sites": ("a",)}, "One site: whether", True),
    ({}, "One site: whether", False),
    ({"sites": ("one site",)}, "One site: whether", False),
    ({"sites": ("one site",)}, "No sites are given: differences", True),
    ({"sites": ("a",)}, "No sites are given", False),
    ({}, "There are no later scans", True),
    ({"diseases": [disease(followup=pd.DataFrame({"participant_id": ["a"]}))]}, "There are no later scans", False),
    ({"config": {"normative": {"site": "none"}}}, "There is no site term", True),
    ({}, "Differences between sites are taken out", True),
    ({"sites": ("a",)}, "Differences between sites are taken out", False),
    ({"config": {"normative": {"site": "none"}}}, "Differences between sites are taken out", False),
    ({}, "The brain was not measured", False),
    ({"biomarkers": BIOMARKERS.assign(kind="column", system="n/a")}, "Neither the brain nor the spinal cord was", True),
    ({"biomarkers": BIOMARKERS.assign(kind="column", system="n/a")}, "The spinal cord was not measured", False),
    ({"biomarkers": BIOMARKERS[:1]}, "The brain was not measured", True),
    ({"biomarkers": CORD}, "The brain was not measured", True),
    ({"diseases": [], "biomarkers": BIOMARKERS[:1]}, "The brain was not measured", False),
    ({}, "The people are simulated", False),
    ({"config": {"normative": {"site": "none"}}, "sites": ("a",)}, "There is no site term", False),
    ({}, "are circular", True),
    ({"diseases": [disease(selection=selection(1), names=names((80,), ("x",)), subtypes=people((80,)))]}, "are circular", False),
])  # fmt: skip
def test_limitations_stand_under_their_condition(change, words, there):
    s = study(**change)
    assert (words in " ".join(standing.told(standing.LIMITATIONS, s))) == there


def test_the_page_of_a_study_by_hand(tmp_path):
    """The whole page without a single figure: escaped, in order, without ids, and with what the study needs."""
    d = disease(**{"clinical/associations": pd.DataFrame([association(outcome=EVIL)])})
    text = page.render(study([d]), tmp_path, title=EVIL, logs=tmp_path, people=True)
    assert "<img src=x" not in text and "&lt;img src=x" in text and "sub-0" not in text
    order = [
        text.index(f'id="{i}"')
        for i in ("summary", "people", "norms", "d-MS", "methods", "references", "limitations", "glossary", "versions")
    ]
    assert order == sorted(order)
    assert "Diseases compared" not in text and 'href="people.html"' in text and "SIMULATED" not in text
    assert 'href="people.html"' not in page.render(study(), tmp_path, title="t", logs=tmp_path, people=False)
    assert "2 subtypes (chosen)" in text and "Against the simulated truth" not in text


def test_with_one_order_no_words_compare_subtypes(tmp_path):
    """Captions, tables and chapters of a model with one order, beside those of two."""
    rows = pd.DataFrame({"label": ["subtype", "stage"], "variable": ["age", "age"], "p": [np.nan, 0.2], "p_holm": [np.nan, 0.4],
                         "reason": ["everyone alike", ""], "effect": "rho", "estimate": 0.1, "n": 80})  # fmt: skip
    later = pd.DataFrame({"source": ["a"], "target": ["b"], "n": [0], "share": [np.nan]})
    nested = pd.DataFrame(
        {
            "outcome": "EDSS",
            "p": np.nan,
            "n_events": 0,
            "model": ["mean z", "subtype and stage"],
            "against": ["subtype and stage", None],
        }
    )
    more = {"clinical/nuisance": rows, "clinical/transitions": later, "clinical/nested": nested}
    one = disease(selection=selection(1), names=names((80,), ("x",)), subtypes=people((80,)), **more)
    two = disease(followup=pd.DataFrame({"participant_id": ["sub-001"]}), **more)
    for figure in page.OF_DISEASE:
        words = standing.title_of(figure, one) + standing.caption_of(figure, one)
        if figure.name not in (
            "selection",
            "ternary",
            "brain_t",
            "probability",
        ):  # with one order not shown, or of all numbers
            assert "subtype" not in words.lower(), figure.name
    made = {
        k: page.render(study([d]), tmp_path, title="t", logs=tmp_path, people=True) for k, d in ((1, one), (2, two))
    }
    assert 'id="d-MS-followup"' in made[2] and 'id="d-MS-followup"' not in made[1]
    assert 'subtypes">Subtypes</h3>' in made[2].replace("-h", "") and "People with atrophy</h3>" in made[1]
    assert 'nuisance-h">Age</h3>' in made[1]
    assert '<th scope="row">subtype</th>' in made[2] and '<th scope="row">subtype</th>' not in made[1]
    for k, words in ((1, "atrophy and stage"), (2, "subtype and stage")):
        assert f"<td>mean z</td><td>{words}</td>" in made[k] and f"<td>{words}</td></tr>" in made[k]


@pytest.mark.parametrize(("tau", "there"), [(np.nan, False), (0.8, True)])
def test_orders_of_a_single_event_have_no_table_of_their_agreement(tau, there, tmp_path):
    d = disease(stability=pd.DataFrame({"repeat": 0, "fold": [0, 1], "subtype": 1, "tau": tau, "tau_chance": tau}))
    made = page.render(study([d]), tmp_path, title="t", logs=tmp_path, people=True)
    assert ("Agreement of the fold models" in made) == there


@pytest.mark.parametrize(("sites", "there"), [(["A"], False), (["A", "B"], True)])
def test_without_the_only_site_nobody_is_left_to_be_fitted(sites, there, tmp_path):
    """Of several sites the reasons are told, though none could be left out."""
    refits = pd.DataFrame({"site": sites, "subtype": np.nan, "tau": np.nan, "same_label": np.nan, "reason": "too few"})
    made = page.render(study([disease(sites=refits)]), tmp_path, title="t", logs=tmp_path, people=True)
    assert ("Agreement of the models fitted without a site" in made) == there


def test_biomarkers_stand_under_their_labels():
    labels = pd.Series({"cord_csa": "Cord area", "thalamus": "Thalamus"})
    table = pd.DataFrame(
        {"biomarker": ["cord_csa", "own"], "event": ["thalamus z>=2", None], "z": ["cord_csa", "thalamus"]}
    )
    shown = page.labelled(table, labels)
    assert shown.values.tolist()[0] == ["Cord area", "Thalamus z>=2", "cord_csa"]
    assert shown["biomarker"].tolist() == ["Cord area", "own"] and shown["event"].isna().tolist() == [False, True]
    assert table["biomarker"][0] == "cord_csa"


def test_tables_of_a_disease_are_read_in_words():
    d = disease({"clinical": {"outcomes": [{"name": "EDSS", "column": "edss"}, {"name": "death", "column": "dead"}]}})
    tried = selection(gaussian=3.0)[["model", "n_subtypes", "cvic"]]
    assert "n_subtypes" in tried and list(page.worded(tried, d)) == ["model", "cvic"]
    assert page.worded(tried, d)["model"].iloc[-1] == "one multivariate normal"
    variants = pd.DataFrame({"variant": ["smooth-independent", np.nan], "n_subtypes": [2, 1]})
    shown = page.worded(variants, d)
    assert shown["variant"].tolist()[0] == "independent noise" and pd.isna(shown["variant"].iloc[1])
    assert shown["n_subtypes"].tolist() == [2, 1]  # nothing else says it
    table = pd.DataFrame(
        {"subtype": [2, 0, 1], "quantity": ["place", "log_likelihood", "x"], "family": ["zscore", "mixture", "f"],
         "covariates": ["age, edss, disease_duration, strata of site_id", np.nan, "dead"],
         "variable": ["edss, median [Q1,Q3]", "n", "etiv"], "other": ["cord_csa", "a", "b"]}
    )  # fmt: skip
    shown = page.worded(table, d)
    assert shown["subtype"].tolist()[::2] == ["spinal cord", "cortical"] and pd.isna(shown["subtype"].iloc[1])
    assert shown["quantity"].tolist() == ["place of the event", "log-likelihood", "x"]
    assert shown["family"].tolist() == ["z-score", "mixture", "f"]
    assert shown["covariates"].tolist()[::2] == ["age, EDSS, disease duration, strata of site id", "death"]
    assert shown["variable"].tolist() == ["EDSS, median [Q1,Q3]", "people", "head size"]
    assert shown["other"].tolist() == ["Cord area", "a", "b"] and table["other"][0] == "cord_csa"
    assert page.worded(table.assign(subtype=["cortical", "", "x"]), d)["subtype"].tolist() == ["cortical", "", "x"]
    named = page.worded(table.assign(name="x"), d)
    assert named["subtype"].tolist() == [2, 0, 1]  # its name stands beside it
    one = disease(selection=selection(1), names=names((80,), ("x",)), subtypes=people((80,)))
    assert page.worded(table, one)["subtype"].tolist() == [2, 0, 1]
    assert page.worded(pd.DataFrame(), d).empty


def test_every_column_that_the_page_shows_has_words():
    """A short name or one with underscores, of any table of a chapter or a figure, is in the list of words."""
    of_disease = {t for shown in standing.TABLES.values() for t in shown} | {t for f in OF_DISEASE for t in f.tables}
    of_study = {t for f in (*OF_CONTROLS, *OF_DISEASES) for t in f.tables} | {"cohort/flow", "features/flow"}
    of_study |= {f"crossdisease/{t}" for t in ("similarity", "projection_counts", "enrichment")}
    paths = [t.replace("clinical/", "clinical/D/") if "/" in t else f"sustain/D/{t}" for t in sorted(of_disease)]
    paths += [f"sustain/{t}" if t.startswith("crossdisease/") else t for t in sorted(of_study)]
    assert len(paths) > 40
    raw = {c.name for p in paths for c in TABLES[f"{p}.tsv"].columns if not c.many}
    assert {"sd_position", "q", "n"} <= raw
    wordless = {c for c in raw - set(COLUMNS) if "_" in c or len(c) < 4 and c not in ("p", "sex", "age", "why")}
    assert not wordless
    assert all("_" not in words for words in COLUMNS.values())


def test_headline_says_whether_the_number_was_chosen():
    one = {"names": names((80,), ("x",)), "subtypes": people((80,))}
    assert page.headline(disease()) == "2 subtypes (chosen)"
    assert page.headline(disease({"sustain": {"n_subtypes": 2}})) == "2 subtypes (fixed; the rule chooses the same)"
    assert (
        page.headline(disease({"sustain": {"n_subtypes": 3}}, selection=selection(3)))
        == "3 subtypes (fixed; the rule chooses 2)"
    )
    assert page.headline(disease(selection=selection(1), **one)) == "One order for everyone (chosen)"
    assert page.headline(disease(selection=selection(0), **one)) == "No common order of atrophy"


def test_the_plain_configuration_is_one_that_the_project_has(request):
    """What the tests' configuration names exists in config.yaml, so that methods text is tried on real keys."""
    import yaml

    real = yaml.safe_load((request.config.rootpath / "config.yaml").read_text())
    for section, values in CONFIG.items():
        assert set(values) <= set(real[section])


def test_a_table_without_events_keeps_none():
    """Convergence of a model of one biomarker: its one order has no place to be sampled."""
    table = pd.DataFrame({"quantity": ["log_likelihood", "healthy"], "event": [np.nan, np.nan], "mean": [1.0, 0.5]})
    found = page.labelled(table, pd.Series({"cord_csa": "Cord area"}))
    assert found["event"].isna().all() and found["mean"].tolist() == [1.0, 0.5]
    some = page.labelled(table.assign(event=["cord_csa z>=1", np.nan]), pd.Series({"cord_csa": "Cord area"}))
    assert some["event"].tolist()[0] == "Cord area z>=1" and pd.isna(some["event"].iloc[1])


@pytest.mark.parametrize("left", [True, False])
def test_included_people_stand_beside_the_excluded_where_there_are_any(left, tmp_path):
    table = pd.DataFrame({"variable": ["n"], "level": [None], "all": ["5"], "included": ["4"], "largest_smd": [None]})
    table = table.assign(excluded="1") if left else table
    store = views.TableStore()
    part = page.disease_part(disease(**{"clinical/table1_included": table}), tmp_path, store, page.Figures(store))
    assert any("Included and excluded people" in t for t in part["tables"]["clinical"]) == left


def test_nobodys_id_goes_into_the_pages_tables():
    store = views.TableStore()
    table = pd.DataFrame({"participant_id": [f"sub-{i:03d}" for i in range(30)], "z": np.arange(30.0), "origin": "x"})
    kept = store.tables[store.add("z", table)]
    assert kept["columns"] == ["z"] and "sub-" not in str(kept)
    # and no row can be told by its place
    assert sorted(r[0] for r in kept["rows"]) == table["z"].tolist() != [r[0] for r in kept["rows"]]
    assert store.tables[store.add("counts", pd.DataFrame({"n": [3, 1, 2]}))]["rows"] == [[3], [1], [2]]


@pytest.mark.parametrize(
    ("sustain", "simulated", "read"),
    [
        ({}, True, {"variants", "parametric_null", "sites", "site_labels", "clinical/planted"}),
        ({"variants": []}, True, {"parametric_null", "sites", "site_labels", "clinical/planted"}),
        ({"parametric_null": 0}, True, {"variants", "sites", "site_labels", "clinical/planted"}),
        ({"leave_site_out": False}, True, {"variants", "parametric_null", "clinical/planted"}),
        ({"parametric_null": 0, "variants": []}, False, {"sites", "site_labels"}),
    ],
)
def test_tables_of_settings_that_are_off_are_not_read_though_an_earlier_run_left_them(
    tmp_path, sustain, simulated, read
):
    names = ("selection", "variants", "parametric_null", "sites", "site_labels", "clinical/planted")
    results = tmp_path / "results"
    value = {"text": "a", "whole": 1, "number": 1.0, "truth": True, "any": "x"}
    for name in names:
        columns = TABLES[below_results(name, "D")].columns
        one = pd.DataFrame({c.name: [value[c.kind]] for c in columns if not c.many})
        write(below_results(name, "D"), one, results / below_results(name, "MS"))
    config = CONFIG | {"sustain": {"variants": ["a"], "parametric_null": 2, "leave_site_out": True} | sustain}
    (results / "provenance.json").write_text(json.dumps({"config": config}))
    biomarkers = Path(__file__).parents[2] / "resources/biomarkers.tsv"
    found = read_study(results, diseases=["MS"], control="HC", simulated=simulated, biomarkers=biomarkers)
    assert {n for n in names if len(found.diseases[0].tables[n])} == read | {"selection"}


def test_pictures_in_the_page_keep_the_colours_of_their_scale_bars(tmp_path):
    """A bar of many colours, each of few points, beside a large picture of other ones: every colour stays what it was."""
    colours = np.zeros((600, 600, 3), np.uint8)
    colours[:, :550, 0] = np.linspace(150, 255, 550)
    colours[:, :550, 1] = np.linspace(0, 255, 600)[:, None]
    ramp = np.linspace(0, 255, 600)
    colours[:, 560:] = np.stack([ramp, 40 + ramp / 2, 255 - ramp], axis=1)[:, None]
    Image.fromarray(colours).save(tmp_path / "bar.png", dpi=(300, 300))
    source, inches = views.picture(tmp_path / "bar.png")
    kind, _, raw = source.partition(";base64,")
    with Image.open(io.BytesIO(base64.b64decode(raw))) as shown:
        assert (
            inches == pytest.approx(2, rel=1e-4)
            and shown.size == (300, 300)
            and kind == f"data:{Image.MIME[shown.format]}"
        )
        bar = np.asarray(shown.convert("RGB"), float)[:, 285:298].mean(axis=1)
    wanted = colours[:, 570:590].reshape(300, 2, 20, 3).mean(axis=(1, 2))
    assert np.abs(bar - wanted)[3:-3].max() < 6


def test_what_was_not_found_is_folded_and_what_was_is_not(tmp_path):
    def clinical(**row):
        d = disease(**{"clinical/associations": pd.DataFrame([association(**row)])})
        text = page.render(study([d]), tmp_path, title="t", logs=tmp_path, people=False)
        chapter = text.partition('id="d-MS-clinical"')[2].partition("</section>")[0]
        before, there, fold = chapter.partition("<summary>Tested and not found, or not testable")
        return before, bool(there), fold.partition("</details>")[0]

    before, there, _ = clinical(q=0.001)
    assert not there and "q = 0.001" in before
    before, there, fold = clinical(q=0.4)
    assert there and "Tested and not found" in fold and "(1)</span>" in fold
    assert "Tested and not found (q" not in before and "passes a false-discovery" not in fold
    before, there, fold = clinical(reportable=False, reason="labels too uncertain: 0.2")
    assert there and "Not testable" in fold and "Not testable" not in before


def test_a_column_without_anything_in_it_is_left_out():
    table = pd.DataFrame({"name": [None, None], "reason": [None, ""], "note": ["", "x"], "p": [np.nan, 0.5]})
    made = str(views.static_table(table, "t"))
    assert re.findall(r'scope="col"[^>]*>([^<]*)<', made) == ["name", "note", "p"]
    assert re.findall(r"<td>(.*?)</td>", made) == ["", "", "x", "0.5"]


def test_a_sentence_in_a_table_has_room():
    """In a column as narrow as a number its row would be as high as a screen."""
    table = pd.DataFrame({"k": ["0", "1"], "reason": ["", "k = 4 has the lowest CVIC and no smaller k comes near"]})
    made = str(views.static_table(table, "t"))
    assert '<td class="long">k = 4' in made and made.count("long") == 1
    css = page.asset("style.css")
    assert "td.long { min-width: 20em }" in css and css.rindex("td.long { min-width: 0 }") > css.index("@media print")


def test_a_large_pdf_is_named_where_it_lies_in_results(tmp_path):
    """Wherever the study is, in a folder called figures too."""
    root = tmp_path / "figures" / ("a" * 60)
    (root / "figures/MS").mkdir(parents=True)
    png = root / "figures/MS/brain_t.png"
    Image.new("RGB", (30, 20), "white").save(png)
    png.with_suffix(".pdf").write_bytes(b"%PDF" + b"0" * views.MOST_VECTOR)
    figure = next(f for f in OF_DISEASE if f.name == "brain_t")
    shown = page.Figures(views.TableStore()).show(figure, png, {}, disease(), "MS-brain_t")
    assert shown["pdf"] == "" and shown["pdf_at"] == "results/figures/MS/brain_t.pdf"
    png.with_suffix(".pdf").write_bytes(b"%PDF")
    assert (
        page.Figures(views.TableStore()).show(figure, png, {}, disease(), "x")["pdf"].startswith("data:application/pdf")
    )
    png.with_suffix(".pdf").unlink()
    assert page.Figures(views.TableStore()).show(figure, png, {}, disease(), "x")["pdf_at"] == ""


@pytest.mark.parametrize(
    ("name", "facts", "place"),
    [
        ("normative/zscores", study(), "results/normative/zscores.tsv"),
        ("crossdisease/similarity", study(), "results/sustain/crossdisease/similarity.tsv"),
        ("MS/progression", disease(), "results/sustain/MS/progression.tsv"),
        ("MS/clinical/maps", disease(), "results/clinical/MS/maps.tsv"),
    ],
)
def test_data_too_large_for_the_page_are_named_where_they_lie(tmp_path, name, facts, place):
    """z of 20,000 people would be most of the page."""
    png = tmp_path / "figures/a.png"
    png.parent.mkdir()
    Image.new("RGB", (30, 20), "white").save(png)
    figure, store = (OF_DISEASE if name.startswith("MS/") else OF_CONTROLS)[0], views.TableStore()
    rows = pd.DataFrame({"x": range(6)})
    tables = {name: rows.assign(y=0), "MS/small": rows, "MS/none": rows[:0]}
    shown = page.Figures(store, views.Held(data=6)).show(figure, png, tables, facts, "a")
    assert shown["tables"] == ["MS-small"] and set(store.tables) == {"MS-small"} and shown["tables_at"] == [place]


def test_predictors_are_told_in_words():
    changed = {
        "clinical": {
            "prediction": CONFIG["clinical"]["prediction"] | {"clinical": ["age", "edss", "disease_duration", "absent"]}
        }
    }
    people_ = study().tables["cohort/participants"].assign(edss=1.0, disease_duration=2.0)
    d = disease(changed, **{"clinical/prediction": pd.DataFrame([{"outcome": "SPMS", "model": "clinical", "c": 0.6}])})
    assert "what is known without a scan (age, EDSS and disease duration)" in told(
        [d], changed, **{"cohort/participants": people_}
    )


def test_numbers_of_a_column_are_written_alike():
    table = pd.DataFrame(
        {"model": ["a", "b"], "cvic": [12306.4, 12311.0], "small": [1232.0, -1231.4], "year": [2015.0, np.nan]}
    )
    cells = re.findall(r"<td>(.*?)</td>", str(views.static_table(table, "t")))
    assert cells == ["12,306", "1,232", "2015", "12,311", "-1,231", ""]


def test_a_table_that_every_study_has_may_not_be_absent_and_none_may_be_damaged(tmp_path):
    results = tmp_path / "results"
    places = {n: results / below_results(n, "MS") for n in ("folds", "stability", "sites", "variants")}
    tables = Tables(lambda name: None if name == "variants" else places[name])
    with pytest.raises(InputError, match=r"stability.tsv is not there; run the study again"):
        tables["stability"]
    assert tables["sites"].empty and tables["variants"].empty  # not of every study; switched off
    write("sustain/D/folds.tsv", pd.DataFrame({"participant_id": ["a"], "fold": [0]}), places["folds"])
    assert Tables(lambda name: places[name])["folds"]["fold"].tolist() == [0]
    for damaged in ("", "participant_id\tfold\na\tone\n"):
        places["folds"].write_text(damaged)
        with pytest.raises(InputError, match="folds.tsv"):
            Tables(lambda name: places[name])["folds"]


@pytest.mark.parametrize(
    ("room", "dpi", "pdf", "data"),
    [
        (1e9, 150, True, True),
        (0.9, 150, False, True),
        (0.6, 110, False, True),
        (0.3, 80, False, False),
        (0.0, 80, False, False),
    ],
)
def test_a_page_that_could_not_be_mailed_holds_less_of_its_figures(tmp_path, monkeypatch, room, dpi, pdf, data):
    """First the vector files go, then the data and the fineness of pictures; all are named where they lie."""
    (tmp_path / "figures/MS").mkdir(parents=True)
    png = tmp_path / "figures/MS/selection.png"
    noise = np.random.default_rng(0).integers(0, 255, (600, 900, 3), dtype=np.uint8)
    Image.fromarray(noise).save(png, dpi=(300, 300))
    png.with_suffix(".pdf").write_bytes(b"%PDF" + bytes(290_000))
    options = {"title": "t", "logs": tmp_path, "people": False}
    s = study([disease(heldout_folds=pd.DataFrame({"fold": range(9), "k1": 0.5}))])
    sizes = [len(page.render(s, tmp_path, held=h, **options).encode()) for h in views.HOLDING]
    assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) == len(sizes)
    least = {1e9: sizes[0], 0.9: sizes[1], 0.6: sizes[2], 0.3: sizes[3], 0.0: sizes[3] - 1}[room]
    monkeypatch.setattr(page, "MOST_PAGE", least)
    text = page.fitted(s, tmp_path, **options)
    raw = base64.b64decode(re.search(r'src="data:image/webp;base64,([^"]+)"', text)[1])
    assert round(Image.open(io.BytesIO(raw)).width / 3) == dpi
    assert ('href="data:application/pdf' in text) == pdf and ("results/figures/MS/selection.pdf" in text) != pdf
    assert ('data-save="MS-heldout-folds"' in text) == data and (
        "Data: results/sustain/MS/heldout_folds.tsv" in text
    ) != data


def test_a_term_is_explained_where_the_page_uses_it(tmp_path):
    def terms(d):
        text = page.render(study([d]), tmp_path, title="t", logs=tmp_path, people=False)
        return set(re.findall(r"<dt>(.*?)</dt>", text)), text

    plain, text = terms(disease())
    assert {"subtype", "stage", "q", "odds ratio (OR)", "Holm&#39;s p", "z"} <= plain
    assert "C index" not in plain and "C index" not in text and "confounding by indication" not in plain
    tables = {
        "clinical/prediction": pd.DataFrame(
            [{"outcome": "W", "model": "clinical", "n": 80, "n_events": 30, "c": 0.6, "c_low": 0.5, "c_high": 0.7}]
        )
    }
    assert "C index" in terms(disease(**tables))[0]


def test_text_of_a_page_is_what_is_read_of_it():
    page_ = '<style>a</style><img src="data:image/png;base64,b" alt="c"><pre>d</pre><script>e</script><p class="f">g &amp; h</p>'
    assert page.text_of(page_).split() == ["g", "&", "h"]
    assert "label" in page.text_of('<script type="application/json" id="t">["label"]</script>')
