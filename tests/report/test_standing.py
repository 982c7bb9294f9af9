"""Captions, titles, limitations and glossary: each sentence in studies in which it holds, and in those in which it does not."""

import re
from dataclasses import replace
from itertools import chain

import numpy as np
import pandas as pd
import pytest
from facts_of import BIOMARKERS, association, diagnostics, disease, names, nuisance, people, selection, study

from neuraxis.figures.declared import ALL, OF_CONTROLS, OF_DISEASE, OF_DISEASES
from neuraxis.report import standing
from neuraxis.report.standing import always, caption_of, first, title_of, told

NORMAL = "normal-appearing"
ONE = {"names": names((80,), ("cortical",)), "subtypes": people((80,)), "selection": selection(1)}
THREE = {
    "names": names((30, 50, 20), ("cortical", "spinal cord", "cerebellar")), "subtypes": people((30, 50, 20)),
    "selection": selection(3),
}  # fmt: skip


def maps(*biomarkers, **more):
    rows = [{"group": g, "biomarker": b, "n": 20, "mean_z": 1.0, "t": 2.0, "q": 0.01} for g in ("cortical", "spinal cord") for b in biomarkers]  # fmt: skip
    return {"clinical/maps": pd.DataFrame(rows).assign(**more)}


def variance(thresholds=(1.0, 2.0), family="zscore"):
    return pd.DataFrame({"models": "everyone", "subtype": 1, "biomarker": "thalamus", "family": family, "threshold": thresholds})  # fmt: skip


def curves(*splits, group="early stages"):
    return pd.DataFrame([{"outcome": "W", "split": s, "group": g} for s in splits for g in {group, "early stages"}])


OUTCOMES = {
    "EDSS": {"name": "EDSS", "column": "edss", "type": "ordinal"},
    "relapses": {"name": "relapses", "column": "n", "type": "count", "exposure": "years"},
    "worse": {"name": "worse", "column": "w", "type": "binary"},
}


def asked(*outcomes):
    return {"clinical": {"outcomes": [OUTCOMES[o] for o in outcomes]}}


def effect(**row):
    return {"clinical/associations": pd.DataFrame([association(**row)])}


def control(found=0, **more):
    rows = [{"variant": "smooth-controls", "n_subtypes": k, "chosen": k == found, "n_people": 90} for k in (0, 1, 2)]
    return {"negative_control": pd.DataFrame(rows).assign(**{"note": np.nan} | more)}


def treatment(reportable=True, subtype="cortical"):
    row = {
        "outcome": "W",
        "subtype": subtype,
        "treatment": "oral",
        "reference": "none",
        "estimate": 0.5,
        "reportable": reportable,
    }
    return {"clinical/treatment": pd.DataFrame([row])}


def scans(*groups):
    rows = [(a, b, 4) for a in groups for b in groups] + [("other", "other", 0)]
    return {"clinical/transitions": pd.DataFrame(rows, columns=["source", "target", "n"])}


#: Diseases that differ in one thing, by what it is.
DISEASES = {
    "plain": disease(),
    "one order": disease(**ONE),
    "one order, with maps": disease(**ONE, **maps("thalamus", "cord_csa")),
    "one order of the cord": disease(**ONE, **maps("cord_csa")),
    "everyone healthy": disease(**ONE | {"selection": selection(0)}),
    "three subtypes": disease(**THREE),
    "three subtypes, one empty": disease(**THREE | {"names": names((30, 50, 0), ("cortical", "spinal cord", "x"))}),
    "nobody staged": disease(names=names((0, 0)), subtypes=people((0, 0), 20)),
    "nobody normal": disease(subtypes=people(normal=0)),
    "few normal": disease(subtypes=people(normal=3)),
    "fixed": disease({"sustain": {"n_subtypes": 2}}),
    "fixed, nothing beside": disease({"sustain": {"n_subtypes": 2}}, negative_control=None),
    "largest tried": disease(selection=selection(2, {0: 90.0, 1: 30.0, 2: 0.0})),
    "no k = 0": disease(selection=selection(2, {1: 30.0, 2: 0.0, 3: 9.0}).assign(chosen=[False, True, False])),
    "a multivariate normal": disease(selection=selection(gaussian=3.0)),
    "no negative control": disease(**control(n_subtypes=np.nan, note="too few controls")),
    "healthy people have subtypes": disease(**control(2)),
    "folds": disease(heldout_folds=pd.DataFrame({"fold": [0], "k1": [0.5]})),
    "variants": disease(variants=pd.DataFrame({"variant": ["a"], "n_subtypes": [1], "chosen": [True]})),
    "two diseases": disease({"cohort": {"diseases": ["MS", "NMOSD"]}}),
    "brain and cord": disease(**maps("thalamus", "cord_csa", covariates="age, sex, etiv")),
    "cord alone": disease(**maps("cord_csa", covariates="age")),
    "no cord": disease(**maps("thalamus")),
    "cord from a table": replace(disease(**maps("thalamus", "cord_csa")), kinds=pd.Series({"cord_csa": "table"})),
    "one threshold": disease(positional_variance=variance((1.0,))),
    "thresholds": disease(positional_variance=variance()),
    "levels": disease(positional_variance=variance(family="ordinal"), progression=pd.DataFrame({"family": ["ordinal"]})),
    "chains disagree": disease(diagnostics=diagnostics(1.2)),
    "one against one": disease(**effect(against="spinal cord")),
    "three, against others": disease(**THREE, **effect(against="the other subtypes")),
    "three, one against one": disease(**THREE, **effect(against="spinal cord")),
    "stage": disease(**effect(kind="stage", subtype="", against="")),
    "any atrophy": disease(**effect(kind="atrophy", against=NORMAL)),
    "nothing tested": disease(**effect(estimate=np.nan)),
    "another method": disease(**effect(method="other")),
    "no outcomes": disease({"clinical": {"outcomes": []}}, **{"clinical/associations": None}),
    "a score": disease(asked("EDSS")),
    "a rate": disease(asked("relapses")),
    "an event alone": disease(asked("worse")),
    "curves": disease(**{"clinical/stage_curves": pd.DataFrame({"outcome": ["EDSS"]})}),
    "curves inside subtypes": disease(**{"clinical/survival": curves("stage", "stage in cortical", group=NORMAL)}),
    "curves of one order": disease(**ONE, **{"clinical/survival": curves("stage", "stage in cortical")}),
    "treated": disease(**treatment()),
    "treated, too few": disease(**treatment(False)),
    "treated, one order": disease(**ONE, **treatment(subtype=np.nan)),
    "slopes": disease(**{"clinical/slopes": pd.DataFrame({"slope": [0.2]})}),
    "slopes of one group": disease(**{"clinical/slopes": pd.DataFrame({"slope": [0.2]})}, **scans("cortical")),
    "scans of one group": disease(**scans("cortical")),
    "scans of two groups": disease(**scans("cortical", NORMAL)),
    "one order, nobody normal": disease(**ONE | {"subtypes": people((80,), 0)}),
    "curves, chains disagree": disease(diagnostics=diagnostics(1.2), **{"clinical/stage_curves": pd.DataFrame({"outcome": ["EDSS"]})}),
    "treated, chains disagree": disease(diagnostics=diagnostics(1.2), **treatment()),
    "no healthy component": disease({"sustain": {"healthy": False}}),
    "simulated": disease(simulated=True, recovery=pd.DataFrame({"best_possible": [0.5]})),
    "nothing against norms": disease(**{"clinical/nuisance": None}),
    "rule": disease(names=names().assign(rule="by their systems")),
}  # fmt: skip
DISEASES["colours of the field"] = disease()
DISEASES["colours of the field"].config["report"] = {"event_colours": "field"}


def diagnosed(*when, sites=("a", "b")):
    rows = [{"check": "site", "part": s, "harmonisation": w, "passed": True} for w in when for s in sites]
    return {
        "normative/diagnostics": pd.DataFrame([*rows, {"check": "all", "part": "all", "harmonisation": "after", "passed": True}])
    }  # fmt: skip


def covariance(*n):
    return {"normative/covariance": pd.DataFrame({"biomarker": "a", "other": "b", "n": n, "correlation": 0.3, "n_controls": 60, "shrinkage": 0.1})}  # fmt: skip


def found(*decisions):
    return {"features/qc": pd.DataFrame({"participant_id": "a", "rule": "r", "decision": decisions})}


def ordered(*biomarkers, families=None):
    d = disease(event_order=pd.DataFrame({"subtype": 1, "biomarker": biomarkers, "mean_position": 1.0}))
    return type(d)(d.name, d.tables, d.config, families=pd.Series(families or {}, dtype=object), labels=d.labels)


simulated = study()
#: Studies that differ in one thing.
STUDIES = {
    "plain": study(),
    "no disease": study([]),
    "simulated": type(simulated)(simulated.tables, simulated.config, simulated.diseases, BIOMARKERS, {}, "HC", True),
    "one site": study(sites=("a",)),
    "no sites": study(sites=("one site",)),
    "no site term": study(config={"normative": {"site": "none"}}),
    "one sex": study(sexes="F"),
    "no cord": study(**{"normative/zscores": pd.DataFrame({"participant_id": ["a"], "group": ["HC"], "thalamus": 0.1})}),
    "cord alone": study(**{"normative/zscores": pd.DataFrame({"participant_id": ["a"], "group": ["HC"], "cord_csa": 0.1})}),
    "columns alone": study(biomarkers=BIOMARKERS.assign(kind="column", system="n/a")),
    "head sizes": study(**{"features/measures": pd.DataFrame({"participant_id": ["a"], "etiv": [1.5e6], "thalamus": [1.0]})}),
    "followed": study([disease(followup=pd.DataFrame({"participant_id": ["a"]}))]),
    "chains disagree": study([DISEASES["chains disagree"]]),
    "fixed": study([DISEASES["fixed"]]),
    "everyone healthy": study([DISEASES["everyone healthy"]]),
    "one order": study([DISEASES["one order"]]),
    "nobody staged": study([DISEASES["nobody staged"]]),
    "no outcomes": study([DISEASES["no outcomes"]], config={"clinical": {"outcomes": []}}),
    "unadjusted": study([disease(**effect(covariates=""))]),
    "treated": study([DISEASES["treated"]]),
    "one measure": study([ordered("thalamus")]),
    "scores": study([ordered("thalamus", "cord_csa", families={"thalamus": "ordinal", "cord_csa": "mixture"})]),
    "scores and z": study([ordered("thalamus", "cord_csa", families={"thalamus": "ordinal"})]),
    "independent noise": study(config={"sustain": {"noise": "independent"}}),
    "no healthy component": study(config={"sustain": {"healthy": False}}),
    "sites checked": study(**diagnosed("after")),
    "the only site checked": study(sites=("a",), **diagnosed("after", sites=("a",))),
    "sites checked, and before": study(**diagnosed("before", "after")),
    "covariance": study(**covariance(60, 60)),
    "covariance, some missing": study(**covariance(60, 51)),
    "nothing found": study(**found()),
    "excluded": study(**found("excluded")),
    "flagged": study(**found("flagged")),
    "both": study(**found("excluded", "flagged")),
}  # fmt: skip

NAMES = {f.name for f in OF_DISEASE}
OF_A_DISEASE = {
    **{f"title of {n}": t for n, t in standing.TITLES.items() if n in NAMES},
    **{f"caption of {n}": t for n, t in standing.CAPTIONS.items() if n in NAMES},
    **{f"chapter {n}": t for n, t in standing.CHAPTERS.items()},
    **{f"table {n}": t for tables in standing.TABLES.values() for n, t in tables.items()},
    **{f"note of {n}": t for n, t in standing.NOTES.items()},
    "nobody": standing.NOBODY,
}
OF_A_STUDY = {
    **{f"title of {n}": t for n, t in standing.TITLES.items() if n not in NAMES},
    **{f"caption of {n}": t for n, t in standing.CAPTIONS.items() if n not in NAMES},
    "limitations": standing.LIMITATIONS,
    "quality": standing.QUALITY,
    **{f"term {t.term}": t.meanings for t in standing.GLOSSARY},
}
EVERY = [
    (f"{name} {i}", text, facts)
    for texts, facts in ((OF_A_DISEASE, DISEASES), (OF_A_STUDY, STUDIES))
    for name, of in texts.items()
    for i, text in enumerate(of)
]


@pytest.mark.parametrize(
    ("name", "text", "facts"),
    [e for e in EVERY if e[1].when is not always],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_every_condition_holds_in_one_study_and_not_in_another(name, text, facts):
    holds = {n for n, f in facts.items() if text.when(f)}
    assert holds and holds != set(facts), (name, holds)
    for n in holds:
        words = text.of(facts[n])
        assert words and "nan" not in words.split() and "  " not in words, (name, n, words)


#: What not every study has.
SOME = re.compile(
    r"site|cord|subtype|healthy|normal-appearing|treat|drug|simulated|chain|fixed|outcome|follow|eTIV|head|diseases|disease\b|converge|"
    r"independent|component|per year|exposure|hazard|HR\b|threshold|\blevels\b", re.IGNORECASE,
)  # fmt: skip
#: Texts without a condition that name such a thing because what they stand under is there with it alone, with the reason.
GIVEN = {
    "title of brain_mean_z": "the last of several: none of the others holds",
    "title of brain_t": "drawn of several subtypes alone",
    "caption of brain_t": "drawn of several subtypes alone",
    "caption of probability": "drawn of several subtypes alone",
    "caption of convergence": "drawn where chains are",
    "caption of survival_treatment": "drawn where people are treated",
    "title of survival_treatment": "drawn where people are treated",
    "table diagnostics": "there where chains are",
    "term staged": "the opposite of a term that is explained beside it",
    "caption of similarity": "drawn of several diseases alone",
    "chapter number": "the question, which every study has",
    "chapter followup": "there where people were scanned again",
    "chapter truth": "there where people are simulated",
    "table selection": "there in every study: numbers of subtypes were tried",
    "table negative_control": "there where it was made",
    "table parametric_null": "there where it was made",
    "table names": "there of several subtypes alone",
    "table sites": "there where sites were left out",
    "table recovery": "there where people are simulated",
    "table clinical/treatment": "the table of treatment is there",
    "term negative control": "explained where the page has one",
    "term confounding by indication": "explained where the page says it",
    "term hazard ratio (HR)": "explained where the page has one",
    "term multivariate normal (MVN)": "explained where the page has one",
    "term normal-appearing": "the second of two: without a healthy component",
    "term effective sample size": "explained where the page has one",
    "term R-hat": "explained where the page has one",
    "term eTIV": "explained where the page has one",
    "term standardised beta": "explained where the page has one",
}


@pytest.mark.parametrize(
    ("name", "text", "facts"), [e for e in EVERY if e[1].when is always], ids=lambda v: v if isinstance(v, str) else ""
)
def test_what_has_no_condition_names_nothing_that_some_studies_lack(name, text, facts):
    key = name.rpartition(" ")[0]
    words = {text.of(f) for n, f in facts.items()} if isinstance(text.words, str) else set()
    assert key in GIVEN or not any(map(SOME.search, words)), words


def test_captions_belong_to_figures_and_end():
    assert set(standing.CAPTIONS) == set(ALL) and set(standing.TITLES) <= set(ALL)
    for figure in (*OF_DISEASE, *OF_CONTROLS, *OF_DISEASES):
        for facts in DISEASES.values() if figure in OF_DISEASE else STUDIES.values():
            caption = caption_of(figure, facts)
            assert caption.endswith(".") and ".." not in caption.replace("...", "") and title_of(figure, facts), (
                figure.name
            )


#: Figure, disease, what its title and caption say, and what they do not.
SAID = [
    ("selection", "plain", ["Filled: the chosen number.", "k = 0: everyone healthy", "Grey: the same"], ["MVN", "fixed", "Right"]),
    ("selection", "fixed", ["Filled: the number that was fixed, and in the other lines the number that the rule chooses."], ["chosen number"]),
    ("selection", "fixed, nothing beside", ["Filled: the number that was fixed."], ["rule", "Grey"]),
    ("selection", "no k = 0", ["Left"], ["k = 0"]),
    ("selection", "a multivariate normal", ["MVN"], []),
    ("negative_control", "plain", [], ["no disease"]),
    ("negative_control", "healthy people have subtypes", ["What is found in healthy people is no disease."], []),
    ("negative_control", "fixed", ["the one that was fixed in MS"], ["chosen number"]),
    ("brain_mean_z", "brain and cord", ["every subtype on brain and cord"], ["all diseases"]),
    ("brain_mean_z", "cord alone", ["every subtype on the spinal cord"], ["brain"]),
    ("brain_mean_z", "no cord", ["every subtype on the brain"], ["cord"]),
    ("brain_mean_z", "cord from a table", ["every subtype on the brain"], ["cord"]),
    ("brain_mean_z", "one order, with maps", ["Mean z on brain and cord."], ["subtype"]),
    ("brain_mean_z", "one order of the cord", ["Mean z on the spinal cord."], ["subtype", "brain"]),
    ("brain_mean_z", "two diseases", ["The same colour scale for all diseases"], []),
    ("ternary", "three subtypes", ["is a dot"], ["a bar"]),
    ("ternary", "three subtypes, one empty", ["is a bar"], ["a dot"]),
    ("ternary", "nobody normal", ["is a bar"], ["normal-appearing"]),
    ("brain_t", "brain and cord", ["against the other subtype (linear model with age, sex and head size)", "Where the two subtypes"], ["others"]),
    ("brain_t", "three subtypes", ["against the other subtypes;", "from the others"], ["linear model"]),
    ("positional_variance", "thresholds", ["One colour per threshold"], ["SuStaIn papers", "converged"]),
    ("positional_variance", "one threshold", [], ["One colour"]),
    ("positional_variance", "levels", ["first, second, ... event"], ["threshold"]),
    ("positional_variance", "colours of the field", ["those of the SuStaIn papers"], []),
    ("positional_variance", "chains disagree", ["have not converged"], []),
    ("progression", "levels", ["z and levels"], []),
    ("progression", "one order", ["three people reach"], ["subtype", "levels"]),
    ("stages", "plain", ["The column at “none”: the normal-appearing", "is cut"], []),
    ("stages", "few normal", ["The column at “none”: the normal-appearing"], ["is cut"]),
    ("stages", "nobody normal", [], ["None", "is cut"]),
    ("forest", "one against one", ["One subtype against the other,", "(told)"], ["Later stage", "atrophy:"]),
    ("forest", "plain", ["One subtype against the other,"], ["Each subtype"]),  # of two, whatever the table calls the other
    ("forest", "three, against others", ["Each subtype against the other subtypes"], ["One subtype"]),
    ("forest", "three, one against one", ["One subtype against another,"], ["Each subtype"]),
    ("forest", "stage", ["Effects of stage and any atrophy.", "Later stage"], ["subtype against"]),
    ("forest", "any atrophy", ["Any atrophy: people"], ["Later stage:"]),
    ("forest", "another method", [], ["eighted"]),
    ("forest", "chains disagree", ["eighted by the posterior.", "nothing of this is told"], ["(told)"]),
    ("boxes", "a score", ["Boxes are quartiles"], ["rates"]),
    ("boxes", "a rate", ["Counts are rates per year of exposure"], []),
    ("boxes", "an event alone", [], ["Boxes", "rates"]),
    ("boxes", "no outcomes", [], ["forest"]),
    ("boxes", "one order", ["with and without atrophy"], ["subtype"]),
    ("stage", "curves", ["Within each subtype", "Line and band"], ["Too few"]),
    ("stage", "plain", ["Too few people"], ["Line and band"]),
    ("stage", "a rate", ["their curve is that of the counts"], []),
    ("survival", "one order", ["with and without atrophy"], ["subtype"]),
    ("survival_stage", "curves inside subtypes", ["inside each subtype", "the normal-appearing"], []),
    ("survival_stage", "curves of one order", [], ["subtype", "normal-appearing"]),
    ("survival_treatment", "treated", ["within subtype", "HR: of the adjusted model"], []),
    ("survival_treatment", "treated, too few", [], ["HR"]),
    ("survival_treatment", "treated, one order", ["HR: of the adjusted model"], ["subtype"]),
    ("stage", "curves, chains disagree", ["Line and band", "nothing of this is told"], ["tau", "Too few"]),
    ("boxes", "chains disagree", ["nothing of this is told"], ["q: of the"]),
    ("boxes", "one order, nobody normal", ["Clinical measures."], ["without atrophy"]),
    ("survival", "one order, nobody normal", ["Time to each event."], ["without atrophy"]),
    ("survival_treatment", "treated, chains disagree", ["nothing of this is told"], ["HR"]),
    ("mean_z", "chains disagree", ["labels may change"], []),
    ("transitions", "scans of two groups", ["from the group of one scan"], ["hange a year"]),
    ("transitions", "slopes of one group", ["Change a year. Change a year (mixed model)."], ["from the group", "right"]),
    ("transitions", "slopes", ["right: change a year"], []),
    ("transitions", "plain", [], ["right", "Left"]),
]  # fmt: skip


@pytest.mark.parametrize(("figure", "facts", "there", "gone"), SAID)
def test_captions_follow_the_study(figure, facts, there, gone):
    d = DISEASES[facts]
    words = f"{title_of(ALL[figure], d)}. {caption_of(ALL[figure], d)}"
    assert all(w in words for w in there) and not any(w in words for w in gone), words


@pytest.mark.parametrize(
    ("facts", "there", "gone"),
    [
        ("one site", "One site: whether", "Differences between sites"),
        ("one measure", "Labels are", "Sequences"),
        ("chains disagree", "The chains of MS have not converged", "decided beforehand"),
        ("fixed", "The number of subtypes in MS was decided beforehand", "not converged"),
        ("everyone healthy", "In MS no model with an order", "are circular"),
        ("independent noise", "finds subtypes in healthy people too", "no healthy component"),
        ("no healthy component", "no healthy component", "finds subtypes"),
        ("no outcomes", "No clinical outcome was declared", "observational"),
        ("unadjusted", "observational and unadjusted", "named covariates"),
        ("plain", "adjusted for the named covariates", "unadjusted"),
        ("head sizes", "Sequences", "head size is known"),
        ("plain", "Nobody's head size is known", "Treatment"),
        ("treated", "Treatment was not given at random", "simulated"),
        ("nobody staged", "circular", "Labels are"),
    ],
)
def test_limitations_follow_the_study(facts, there, gone):
    words = " ".join(told(standing.LIMITATIONS, STUDIES[facts]))
    assert there in words and gone not in words


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ("nothing found", "The quality rules found nothing."),
        ("excluded", "Quality rules: 1 finding excluded somebody (results/features/qc.tsv)."),
        ("flagged", "Quality rules: nobody is excluded; 1 finding flags somebody who stays (results/features/qc.tsv)."),
        ("both", "Quality rules: 1 finding excluded somebody, 1 flags somebody who stays (results/features/qc.tsv)."),
    ],
)
def test_quality_says_what_was_found(facts, words):
    assert first(standing.QUALITY, STUDIES[facts]) == words


def test_notes_and_names_of_chapters_follow_the_model():
    def notes(name, chapter="subtypes"):
        return " ".join(told(standing.NOTES[chapter], DISEASES[name]))

    assert "of everyone" not in notes("plain") and "of the people with atrophy" not in notes("no healthy component")
    assert "of the people with atrophy" in notes("plain") and "by their systems" in notes("rule")
    assert "of everyone, people at stage 0 among them" in notes("no healthy component") and notes("one order") == ""
    assert "Best possible" in notes("simulated", "truth") and notes("plain", "truth") == ""
    chapter = standing.CHAPTERS["nuisance"]
    assert first(chapter, DISEASES["plain"]) == "Site and sex"
    assert first(chapter, DISEASES["nothing against norms"]) == "What the norms were to take out"
    sized = disease(**{"clinical/nuisance": nuisance().replace({"site": "etiv"})})
    assert first(chapter, sized) == "Head size and sex"


def test_meanings_follow_the_study():
    def meaning(term, facts):
        return first(next(t for t in standing.GLOSSARY if t.term == term).meanings, STUDIES[facts])

    assert "at that age, sex, head size and site;" in meaning("z", "plain")
    assert "at that age, sex and head size;" in meaning("z", "one site")
    assert "at that age, head size and site;" in meaning("z", "one sex")
    assert meaning("subtype", "plain") and not meaning("subtype", "one order")
    assert "person's subtype" in meaning("stage", "plain") and "one order" in meaning("stage", "one order")
    assert meaning("weighted", "plain").endswith("; told") and "told" not in meaning("weighted", "chains disagree")
    assert "z of 1, 2 or 3" in meaning("event", "plain") and "z of" not in meaning("event", "scores")
    assert "next level" in meaning("event", "scores and z") and "so many standard" in meaning("event", "scores and z")
    assert "stage 0" in meaning("normal-appearing", "no healthy component")


def test_terms_are_looked_for_as_pages_write_them():
    pages = {
        "q": "passes (q = 0.01)", "hazard ratio (HR)": "HR 0.5", "odds ratio (OR)": "the odds ratio", "z": "mean z of a region",
        "out of fold": "by out-of-fold label", "Holm's p": "Holm's p = 1", "log-rank test": "Log-rank tests", "eTIV": "eTIV",
        "event": "order of events", "stage": "stages", "subtype": "3 subtypes", "95 % interval": "95 % interval",
    }  # fmt: skip
    patterns = {t.term: t.pattern for t in standing.GLOSSARY}
    assert len(patterns) == len(standing.GLOSSARY)
    for term, text in pages.items():
        assert re.search(patterns[term], text), term
    empty = "Nothing else is said here, of nobody: qualities, zones, hours, orbits, labelled, staging."
    assert not [t for t, p in patterns.items() if re.search(p, empty)]
    whole = " ".join(chain(pages.values(), patterns))
    shown = dict(standing.glossary(STUDIES["plain"], whole))
    assert list(shown) == sorted(shown, key=str.lower) and set(pages) <= set(shown)
    assert standing.glossary(STUDIES["plain"], empty) == []
    assert "subtype" not in dict(standing.glossary(STUDIES["one order"], whole))
