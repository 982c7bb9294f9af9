"""Every link of a checklist leads somewhere, items stand under their condition."""

import re

import pandas as pd
import pytest
from facts_of import association, disease, study

from neuraxis.report import page, standing
from neuraxis.report.checklists import ITEMS, NOT_HERE, SECTIONS, STROBE, TRIPOD, answered

PREDICTED = pd.DataFrame(
    [
        {
            "outcome": "SPMS",
            "model": "clinical",
            "n": 90,
            "n_events": 30,
            "c": 0.6,
            "c_low": 0.5,
            "c_high": 0.7,
            "added": float("nan"),
        }
    ]
)
FULL = {
    "followup": pd.DataFrame({"participant_id": ["sub-001"]}),
    "clinical/associations": pd.DataFrame([association()]),
    "clinical/prediction": PREDICTED,
    "clinical/sensitivity": pd.DataFrame([{"analysis": "everyone"}]),
    "clinical/table1": pd.DataFrame([{"variable": "age"}]),
    "clinical/treatment": pd.DataFrame(
        [{"outcome": "SPMS", "subtype": "", "reportable": False, "p": float("nan"), "treatment": "x"}]
    ),
    "clinical/slopes": pd.DataFrame(
        [
            {
                "group": "one",
                "n_people": 3,
                "n_scans": 6,
                "slope": 0.1,
                "low": 0.0,
                "high": 0.2,
                "p": 0.1,
                "quantity": "stage",
            }
        ]
    ),
}


def rendered(s, tmp_path):
    return page.render(s, tmp_path, title="t", logs=tmp_path, people=False)


def section(text):
    return text[text.index('id="checklists"') : text.index('id="glossary"')]


@pytest.mark.parametrize("kind", ["full", "plain", "norms only", "two"])
def test_every_link_has_its_anchor_in_the_page(tmp_path, kind):
    s = {
        "full": lambda: study([disease(**FULL)]),
        "plain": lambda: study(),
        "norms only": lambda: study([]),
        "two": lambda: study([disease(**FULL), disease()]),
    }[kind]()
    text = rendered(s, tmp_path)
    links = re.findall(r'href="#([^"]+)"', section(text))
    assert len(links) > 8
    ids = set(re.findall(r'id="([^"]+)"', text))
    assert set(links) <= ids, set(links) - ids


def test_every_item_is_answered_by_a_study_that_has_everything(tmp_path):
    text = section(rendered(study([disease(**FULL)]), tmp_path))
    found = re.findall(r"<li>([^:]+):", text)
    assert found == [f"{i.number}, {i.asks}".replace(":", "|").partition("|")[0] for i in ITEMS]
    assert STROBE in text and TRIPOD in text and all(words in text for words in NOT_HERE.values())


def numbers(s, checklist):
    parts = [{"name": d.name, "id": f"d-{d.name}", "chapters": [(c, c) for c in standing.CHAPTERS]} for d in s.diseases]
    made = {c["name"]: [i["number"] for i in c["items_"]] for c in answered(s, parts)}
    return made.get(checklist, [])


@pytest.mark.parametrize(
    ("table", "number"),
    [("sensitivity", "12e"), ("table1", "14"), ("associations", "15, 16"), ("treatment", "17")],
)
def test_items_stand_under_their_condition(table, number):
    assert number in numbers(study([disease(**FULL)]), STROBE)
    assert number not in numbers(study([disease(**FULL | {f"clinical/{table}": None})]), STROBE)


def test_what_the_page_does_not_answer_is_named_and_not_linked():
    full = study([disease(**FULL)])
    for checklist, absent in {STROBE: ("4", "12c-d", "14c"), TRIPOD: "3b 4b 5b-c 9 11 12 14 17 19".split()}.items():
        said = re.findall(r"[\w-]+", " ".join(re.findall(r"\(([^)]*)\)", NOT_HERE[checklist])))
        assert set(absent) <= set(said) and not set(absent) & set(numbers(full, checklist))


def test_prediction_is_reported_only_where_something_was_predicted():
    assert "16" in numbers(study([disease(**FULL)]), TRIPOD)
    assert numbers(study([disease(**FULL | {"clinical/prediction": PREDICTED.assign(c=float("nan"))})]), TRIPOD) == []
    assert numbers(study([disease(**FULL | {"clinical/prediction": None})]), TRIPOD) == []
    assert {p for i in ITEMS for p in i.places if not p.startswith("*-")} <= set(SECTIONS)
    assert {p[2:] for i in ITEMS for p in i.places if p.startswith("*-")} <= set(standing.CHAPTERS)
