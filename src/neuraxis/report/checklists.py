"""Items of reporting checklists that the report answers, each with where: STROBE and TRIPOD in one declared list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .facts import Study

STROBE = "STROBE (von Elm et al. 2007)"
TRIPOD = "TRIPOD (Collins et al. 2015)"
#: Sections of the page that are of no disease, and what a link to them is called.
SECTIONS = {
    "summary": "Summary",
    "people": "People",
    "norms": "Normalisation",
    "methods": "Methods",
    "limitations": "Limitations",
    "versions": "Versions",
}


def _predicted(s: Study) -> bool:
    """Was anything predicted in people not used to fit?"""
    return bool(s.predicted)


def _clinical(s: Study) -> bool:
    """Was any clinical outcome asked about?"""
    return any(len(d.tables["clinical/associations"]) for d in s.diseases)


def _has(table: str) -> Callable[[Study], bool]:
    return lambda s: any(len(d.tables[table]) for d in s.diseases)


@dataclass(frozen=True)
class Item:
    """An item of a checklist.

    Attributes
    ----------
    checklist, number : str
    asks : str
        What the item wants, in a few words.
    places : tuple of str
        Sections of `SECTIONS`, or chapters of every disease, as "*-clinical".
    holds : callable
        Study to bool: is it answered?
    """

    checklist: str
    number: str
    asks: str
    places: tuple[str, ...]
    holds: Callable[[Study], bool] = lambda _: True


ITEMS = (
    Item(STROBE, "5", "setting: sites and groups", ("summary", "people")),
    Item(STROBE, "6", "participants: who was eligible and who was left out", ("summary", "people")),
    Item(STROBE, "7", "outcomes, exposures and confounders", ("methods", "*-clinical"), _clinical),
    Item(STROBE, "8", "sources of data and measurement", ("methods", "norms")),
    Item(STROBE, "9", "bias: site, sex, age and head size", ("*-nuisance", "limitations"), _has("clinical/nuisance")),
    Item(STROBE, "11", "how quantitative variables were handled", ("methods", "norms")),
    Item(STROBE, "12a, b", "statistical methods, subgroups and interactions", ("methods",)),
    Item(STROBE, "12e", "sensitivity analyses", ("*-clinical",), _has("clinical/sensitivity")),
    Item(STROBE, "13", "numbers at each stage, reasons, flow diagram", ("summary",)),
    Item(STROBE, "14", "characteristics, with missing values", ("*-clinical",), _has("clinical/table1")),
    Item(STROBE, "15, 16", "outcomes and estimates with 95 % intervals and covariates", ("*-clinical",), _clinical),
    Item(STROBE, "17", "other analyses: treatment within subtype", ("*-clinical",), _has("clinical/treatment")),
    Item(STROBE, "18", "key results", ("summary",)),
    Item(STROBE, "19", "limitations", ("limitations",)),
    Item(TRIPOD, "4a, 5a", "source of data, setting", ("people", "methods"), _predicted),
    Item(TRIPOD, "6a, 7a", "outcome and predictors", ("methods", "*-clinical"), _predicted),
    Item(TRIPOD, "8, 13", "people and events", ("summary", "*-clinical"), _predicted),
    Item(TRIPOD, "10a-d", "how predictors entered, models, measures of performance", ("methods", "*-clinical"), _predicted),
    Item(TRIPOD, "16", "performance with intervals, calibration, net benefit", ("*-clinical",), _predicted),
    Item(TRIPOD, "18", "limitations", ("limitations",), _predicted),
    Item(TRIPOD, "21", "where everything is to be had", ("versions",), _predicted),
)  # fmt: skip
#: What no report of numbers can answer.
NOT_HERE = {
    STROBE: "title and abstract (1), background (2), objectives (3), study design (4), dates of recruitment (5), study size "
    "(10), missing data and loss to follow-up in the analysis (12c-d), follow-up time (14c), interpretation (20), "
    "generalisability (21), funding (22)",
    TRIPOD: "title and abstract (1, 2), background and objectives (3a, 3b), dates (4b), eligibility and treatments (5b-c), "
    "blinding (6b, 7b), missing data (9), risk groups (11), development against validation (12), numbers and unadjusted "
    "associations of the development (14), the full model as a formula (15), updating (17), interpretation (19), clinical "
    "use (20), funding (22)",
}


def answered(study: Study, diseases: list[dict]) -> list[dict]:
    """Checklists with the items that hold and their links.

    Parameters
    ----------
    study : Study
    diseases : list of dict
        Parts of the page: name, id, and chapters, pairs of a chapter's id and words.

    Returns
    -------
    list of dict
        name, items_ (number, asks, links: pairs of anchor and words), missing (words). An item without a place in this
        page is not listed.
    """
    out = []
    for checklist in (STROBE, TRIPOD):
        items = []
        for item in ITEMS:
            if item.checklist != checklist or not item.holds(study):
                continue
            links = []
            for place in item.places:
                if not place.startswith("*-"):
                    links.append((place, SECTIONS[place]))
                    continue
                for d in diseases:
                    words = dict(d["chapters"]).get(place[2:])
                    if words:
                        links.append((f"{d['id']}-{place[2:]}", f"{d['name']}: {words}"))
            if links:
                items.append({"number": item.number, "asks": item.asks, "links": links})
        if items:
            out.append({"name": checklist, "items_": items, "missing": NOT_HERE[checklist]})
    return out
