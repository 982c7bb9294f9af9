"""Sentences under their condition and not without it."""

from types import SimpleNamespace

import pandas as pd
import pytest
from people import study

from neuraxis.clinical.associations import associations
from neuraxis.clinical.contrasts import OTHERS
from neuraxis.clinical.outcomes import declare
from neuraxis.clinical.treatment import INTERACTION
from neuraxis.report.sentences import (
    FINDINGS,
    linking_sentences,
    listed,
    number,
    paragraph,
    prediction_sentences,
    reported_sentences,
    treatment_sentences,
    trial_sentences,
)
from neuraxis.tables import read_table, write_table

ROW = {
    "family": "disability",
    "outcome": "EDSS",
    "type": "ordinal",
    "kind": "subtype",
    "contrast": f"cortical against {OTHERS}",
    "subtype": "cortical",
    "against": OTHERS,
    "method": "weighted",
    "effect": "OR",
    "estimate": 2.5,
    "low": 1.31,
    "high": 4.77,
    "p": 0.004,
    "q": 0.012,
    "n": 138,
    "n_events": 0,
    "n_group": 45,
    "n_against": 93,
    "covariates": "age, sex",
    "unit": "",
    "reportable": True,
    "warning": "",
    "reason": "",
}
NOTHING = {
    "logrank": pd.DataFrame(columns=["outcome", "split", "n", "n_events", "p", "n_smallest", "reason"]),
    "nested": pd.DataFrame(columns=["outcome", "model", "p", "n", "n_events"]),
    "slopes": pd.DataFrame(columns=["group", "slope", "low", "high", "n_people", "n_scans", "quantity"]),
}


def said(*rows, disease="MS", **options):
    """The sentences of rows that differ from `ROW` as given."""
    table = pd.DataFrame([ROW | r for r in rows])
    tables = NOTHING | {k: options.pop(k) for k in list(options) if k in NOTHING}
    return " ".join(paragraph(table, *tables.values(), disease, **options))


def test_a_result_carries_all_that_it_needs():
    text = said({}, {"method": "label", "estimate": 1.9, "low": 1.1, "high": 3.3})
    assert (
        "Cortical against the other subtypes: higher odds of a higher EDSS, adjusted for stage, age and sex "
        "(OR 2.50, 95 % interval 1.31 to 4.77; 45 against 93 people; q = 0.012). "
        "By most probable label: 1.90 (1.10 to 3.30)."
    ) in text
    assert "MS, disability: 1 of 1 contrast tested, 1 passes a false-discovery rate of 5 %." in text
    assert "lower odds of a higher EDSS" in said({"estimate": 0.4, "low": 0.2, "high": 0.8})
    events = said({"type": "survival", "effect": "HR", "n_events": 31, "outcome": "SPMS"})
    assert "a higher hazard of SPMS" in events and "45 against 93 people, 31 events" in events


def test_what_is_not_found_and_what_is_not_testable_stand_apart():
    text = said({"q": 0.2}, {"outcome": "SDMT", "reportable": False, "warning": "only 8 events"},
                {"outcome": "drug", "estimate": float("nan"), "p": float("nan"), "q": float("nan"),
                 "reportable": False, "reason": "labels too uncertain: reliability cortical (0.11)"})  # fmt: skip
    assert "1 of 3 contrasts tested, 0 pass" in text
    assert "Tested and not found (q >= 0.05), differences between subtypes: EDSS." in text
    assert "differences between subtypes: SDMT (fewer than 20 people in a group or 10 events)" in text
    assert "differences between subtypes: drug (labels too uncertain)" in text
    other = {"q": float("nan"), "p": float("nan"), "reportable": False, "reason": "the model did not converge"}
    assert "Not testable, differences between subtypes: EDSS (the model did not converge)." in said(other)
    assert "OR" not in text


def test_what_is_testable_in_part_says_of_how_many():
    """Six contrasts of EDSS, two of which could be tested: "tested" and "not testable" do not contradict one another."""
    vague = {
        "p": float("nan"),
        "q": float("nan"),
        "reportable": False,
        "reason": "labels too uncertain: reliability a (0.2)",
    }
    few = {"reportable": False, "warning": "only 8 people"}
    rows = [
        {"q": 0.2},
        {"q": 0.3, "contrast": "b"},
        *[vague | {"contrast": f"v{i}"} for i in range(3)],
        few | {"contrast": "f"},
    ]
    text = said(*rows, *[vague | {"outcome": "SDMT", "contrast": f"v{i}"} for i in range(2)])
    assert "Tested and not found (q >= 0.05), differences between subtypes: EDSS." in text
    assert "Not testable, differences between subtypes: 3 of 6 of EDSS and SDMT (labels too uncertain)." in text
    assert "differences between subtypes: 1 of 6 of EDSS (fewer than 20 people" in text


def test_categories_without_a_difference_are_told_as_tested():
    row = {
        "kind": "any difference",
        "outcome": "drug",
        "contrast": "any difference between subtypes",
        "method": "label",
    }
    assert "Tested and not found (q >= 0.05), any difference: drug." in said(row | {"q": 0.4})
    assert "Tested and not found" not in said(row | {"q": 0.01})


def test_a_trial_of_the_best_group_says_whether_it_is_smaller():
    row = {
        "outcome": "SPMS",
        "years": 2.0,
        "hazard_ratio": 0.7,
        "power": 0.8,
        "reportable": True,
        "n": 300,
        "n_events": 40,
    }
    whole = row | {"group": "everyone", "n_per_arm": 500.0, "n_per_arm_low": 400.0, "n_per_arm_high": 650.0}
    other = row | {"group": "late", "n_per_arm": 450.0, "n_per_arm_low": 200.0, "n_per_arm_high": 480.0}

    def told(high, low=248.0, everyone=500.0):
        best = row | {"group": "cortical", "n_per_arm": 372.0, "n_per_arm_low": low, "n_per_arm_high": high}
        (text,) = trial_sentences(pd.DataFrame([other, whole | {"n_per_arm": everyone}, best]))
        return text

    assert told(499.0).endswith(
        "372 (95 % interval 248 to 499; 40 events among 300) enrolling cortical, the best of 2 groups that were looked at; its interval lies below the number of everyone."
    )
    assert told(588.0).endswith("looked at: not detectably fewer, its interval holds the number of everyone.")
    assert told(588.0, everyone=240.0).endswith("looked at: more than everyone.")
    assert told(float("nan")).endswith("not detectably fewer, its interval holds the number of everyone.")
    (alone,) = trial_sentences(pd.DataFrame([whole, other]))
    assert (
        "450 (95 % interval 200 to 480; 40 events among 300) enrolling late, the only group that was looked at; its interval lies below"
        in alone
    )


def test_treatments_say_of_how_many_comparisons_they_are(tmp_path):
    row = {"outcome": "Relapse", "treatment": "x", "reference": "none", "n_treated": 30, "n": 100, "n_events": 40,
           "estimate": 0.5, "low": 0.3, "high": 0.9, "p": 0.02, "reportable": True, "subtype": "one", "effect": "HR", "covariates": "age"}  # fmt: skip
    rows = [
        row,
        row | {"p": 0.4},
        row | {"p": 0.6},
        row | {"reportable": False},
        row | {"treatment": "", "subtype": INTERACTION, "p": 0.01, "n_treated": None},
    ]
    write_table(pd.DataFrame(rows), tmp_path / "treatment.tsv")
    # empty cells come back as missing values: the interaction is no treatment
    text = " ".join(treatment_sentences(read_table(tmp_path / "treatment.tsv")))
    assert "what goes with treatment differs between subtypes (interaction, p = 0.01" in text
    assert text.count("against none") == 1 and "p = 0.02, one of 3 comparisons, not corrected" in text


def test_prediction_names_what_adds_and_what_does_not():
    row = {"outcome": "SPMS", "n": 300, "n_events": 40, "c_low": 0.51, "c_high": 0.7}
    added = [("clinical", None, None), ("+ mean z", 0.05, 0.01), ("+ stage", 0.02, -0.01), ("+ subtype", 0.0, -0.03)]
    rows = [row | {"model": m, "c": 0.6, "added": a, "added_low": low, "added_high": 0.2} for m, a, low in added]
    (text,) = prediction_sentences(pd.DataFrame(rows))
    assert text.endswith(". Detectably added by mean z. Nothing is detectably added by stage and subtype.")
    assert "worse" not in text
    rows[3] |= {"added_low": -0.05, "added_high": -0.01}
    (text,) = prediction_sentences(pd.DataFrame(rows))
    assert text.endswith("by stage and subtype. The prediction is detectably worse with subtype than without.")
    rows[1]["added_low"] = -0.2
    assert "Detectably" not in prediction_sentences(pd.DataFrame(rows))[0]
    chance = [r | {"c_low": 0.5} for r in rows]
    assert "better order than chance would" in prediction_sentences(pd.DataFrame(chance))[0]
    chance[-1]["c_low"] = 0.505
    assert "chance" not in text + prediction_sentences(pd.DataFrame(chance))[0]


def test_a_likelihood_ratio_beside_nothing_out_of_sample_is_explained():
    """Four outcomes: found and not foretold, found and foretold, not found, and found but not predicted at all."""
    nested = pd.DataFrame(
        [
            {"outcome": o, "model": "mean z and cord z", "p": p, "n": 90, "n_events": 0}
            for o, p in (("A", 0.01), ("B", 0.001), ("C", 0.4), ("D", 0.02))
        ]
        + [{"outcome": "C", "model": "subtype and stage", "p": 0.001, "n": 90, "n_events": 0}]
    )
    low = {("A", "+ mean z"): 0.02, ("A", "+ stage"): -0.01, ("A", "+ subtype"): -0.02, ("B", "+ stage"): 0.01,
           ("B", "+ subtype"): -0.02, ("C", "+ stage"): -0.01, ("C", "+ subtype"): -0.01}  # fmt: skip
    prediction = pd.DataFrame(
        [{"outcome": o, "model": m, "added": v + 0.01, "added_low": v} for (o, m), v in low.items()]
    ).sample(frac=1, random_state=1)
    (text,) = linking_sentences(nested, prediction)
    assert text.startswith("A: subtype and stage add by the likelihood-ratio test, and neither adds detectably out of")
    assert "no promise" in text
    (text,) = linking_sentences(nested, prediction[prediction["model"] != "+ subtype"], 1)
    assert text.startswith(
        "A: atrophy and stage add by the likelihood-ratio test, and stage adds nothing detectable out of"
    )
    assert linking_sentences(nested, prediction[prediction["outcome"] != "A"]) == []
    assert linking_sentences(nested.assign(p=0.3), prediction) == []
    assert linking_sentences(nested, prediction[:0]) == linking_sentences(nested[:0], prediction) == []


def test_too_small_is_never_told_however_significant():
    text = said({"q": 1e-9, "p": 1e-9, "reportable": False, "warning": "only 19 people"})
    assert "2.50" not in text and "MS, disability: none of 1 contrast could be tested." in text


def test_the_label_alone_is_no_headline():
    vague = {"estimate": float("nan"), "low": float("nan"), "high": float("nan"), "p": float("nan"), "q": float("nan")}
    text = said(vague | {"reason": "labels too uncertain: x", "reportable": False}, {"method": "label", "q": 1e-6})
    assert "2.50" not in text and "none of 1 contrast could be tested" in text


def test_unconverged_chains_tell_nothing():
    slopes = pd.DataFrame(
        [{"group": "one", "slope": 0.5, "low": 0.1, "high": 0.9, "n_people": 50, "n_scans": 100, "quantity": "stage"}]
    )
    text = said({}, slopes=slopes, converged=False)
    assert "have not converged" in text and "none told" in text and "2.50" not in text and "0.5" not in text
    assert "have not converged" not in said(
        {}, slopes=slopes
    ) and "staged one: stage changes by 0.50 stages a year (95 % interval 0.10 to 0.90; 50 people, 100 scans)." in said(
        {}, slopes=slopes
    )


def test_one_subtype_is_not_compared():
    stage = {"kind": "stage", "contrast": "stage", "subtype": "", "against": "", "n_against": 0, "unit": "3.2 stages"}
    text = said(stage, n_subtypes=1)
    assert "has one subtype: nothing is compared" in text
    assert (
        "Later stage: higher odds of a higher EDSS per 3.2 stages (1 SD), adjusted for age" in text
        and "whatever" not in text
    )
    assert "Subtypes are compared" not in text and "one subtype" not in said({})


@pytest.mark.parametrize("nobody", ["", float("nan")])
def test_stage_of_no_subtype_is_told_as_that(nobody):
    """A table from the disk has nan where a stage is of no subtype."""
    stage = {
        "kind": "stage",
        "contrast": "stage, at the same subtype",
        "against": "",
        "n_against": 0,
        "unit": "3.2 stages",
    }
    text = said(stage | {"subtype": nobody})
    assert (
        "Later stage, whatever the subtype: higher odds of a higher EDSS per 3.2 stages (1 SD)" in text
        and "nan" not in text
    )
    assert "Later stage among cortical people: higher odds" in said(stage)
    some = {
        "kind": "atrophy",
        "contrast": "any atrophy against none",
        "subtype": "any atrophy",
        "against": "normal-appearing",
    }
    assert "People with any atrophy, at their mean stage, against those without: higher odds" in said(some)


def test_draws_that_disagree_are_said():
    draws = {"method": "draws", "p": 0.2, "q": 0.2}
    assert "interval includes no effect" in said({}, draws)
    assert "interval includes no effect" not in said({}, draws | {"p": 0.01})


def test_survival_needs_events_and_people():
    row = {"outcome": "SPMS", "split": "subtype", "n": 137, "n_events": 20, "p": 0.003, "n_smallest": 25, "reason": ""}
    told = said({}, logrank=pd.DataFrame([row]))
    assert "SPMS: survival differs between subtypes of staged people (20 events among 137" in told
    assert "does not differ detectably between thirds of stage" in said(
        {}, logrank=pd.DataFrame([row | {"p": 0.5, "split": "stage"}])
    )
    for less in ({"n_events": 9}, {"n_smallest": 19}):
        text = said({}, logrank=pd.DataFrame([row | less]))
        assert "too few to tell anything of survival" in text and "differs" not in text
    none = said({}, logrank=pd.DataFrame([row | {"p": float("nan"), "reason": "everyone is censored"}]))
    assert "no log-rank test between subtypes, everyone is censored" in none


@pytest.mark.parametrize("k", [0, 1, 2])
def test_one_order_has_no_survival_between_subtypes(k):
    """Neither in the paragraph nor in the figure's words; thirds of stage are told of every model."""
    why = "fewer than two groups of 5 people"
    row = {"outcome": "SPMS", "n": 60, "n_events": 20, "p": float("nan"), "n_smallest": 60, "reason": why}
    tests = pd.DataFrame([row | {"split": "subtype"}, row | {"split": "stage", "p": 0.5, "reason": ""}])
    line = f"SPMS: no log-rank test between subtypes, {why}."
    thirds = "SPMS: survival does not differ detectably between thirds of stage"
    text = said({}, logrank=tests, n_subtypes=k)
    assert (line in text) == (k > 1) and thirds in text
    facts = SimpleNamespace(tables={"clinical/logrank": tests}, converged=True, k=k)
    assert FINDINGS["survival"](facts) == (line if k > 1 else "") and thirds in FINDINGS["survival_stage"](facts)
    facts.converged = False
    assert FINDINGS["survival"](facts) == FINDINGS["survival_stage"](facts) == ""


def test_nested_models_name_their_p():
    nested = pd.DataFrame(
        {"model": ["mean z", "mean z"], "outcome": ["EDSS", "SDMT"], "p": [0.002, 0.3], "n": 77, "n_events": 0}
    )
    text = said({}, nested=nested)
    assert (
        "Beyond mean z, subtype and stage add to EDSS (p = 0.002; 77 people): likelihood-ratio tests of 2 outcomes"
        in text
    )
    assert "add to no outcome" in said({}, nested=nested.assign(p=0.3))
    assert "likelihood-ratio" not in said({}, nested=nested.assign(p=float("nan")))


def test_words_and_numbers():
    assert listed(["a", "b", "b", "c"]) == "a, b and c" and listed(["a"]) == "a" and listed([]) == ""
    assert [number(v) for v in (1.234, 0.0123, -0.5, 0)] == ["1.23", "0.012", "-0.50", "0.00"]
    empty = paragraph(pd.DataFrame(columns=list(ROW)), *NOTHING.values(), "MS")
    assert empty == ["No clinical outcome was declared."]


@pytest.mark.parametrize("effect", [0.0, 1.5])
def test_sentences_of_real_tables_repeat_their_numbers(effect):
    people, labels, _ = study(n=900, certainty=3.0, effect=effect)
    outcomes = [declare("Score", "score", "continuous", family="f"), declare("Worse", "worse", "binary", family="g")]
    table = associations(outcomes, people, labels, n_draws=3)
    text = " ".join(paragraph(table, *NOTHING.values(), "MS"))
    row = table[(table["contrast"] == f"two against {OTHERS}") & (table["method"] == "weighted")].iloc[0]
    told = f"standardised beta {number(row['estimate'])}, 95 % interval {number(row['low'])} to {number(row['high'])}"
    assert (told in text) == (effect > 0)
    assert ("Two against the other subtypes: higher Score" in text) == (effect > 0)
    assert "10 of 11 contrasts" not in text and "MS, f: 11 of 11 contrasts tested" in text


def test_findings_are_counted_by_verdict():
    verdicts = ["agrees"] * 3 + ["contradicts"] + ["not testable: only 16 people", "not testable: labels too uncertain"]
    (text,) = reported_sentences(pd.DataFrame({"verdict": verdicts}))
    assert text.endswith("(Zhuo et al. 2025): 3 agree; 2 could not be tested; 1 contradicts.")
    assert reported_sentences(pd.DataFrame({"verdict": []})) == []
