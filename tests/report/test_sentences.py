"""Every sentence under its condition, and not without it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from facts_of import BIOMARKERS, association, diagnostics, disease, names, nuisance, people, selection, study
from markupsafe import escape

from neuraxis.report import page, sentences
from neuraxis.report.sentences import PLACES, SENTENCES, said, warnings_first

PLACES_OF_DISEASE = ("number", "model", "labels", "nuisance", "clinical")
ONE = {"names": names((80,), ("cortical",)), "subtypes": people((80,))}


def told(facts, places=PLACES_OF_DISEASE):
    """Names of the sentences that are told, and whether they warn."""
    return {s.name: s.warn for s in said(facts, *places)}


def text(facts, name, places=PLACES):
    """What one sentence says; "" where it is not told."""
    where = PLACES_OF_DISEASE if hasattr(facts, "ranked") else ("people", "norms")
    return " ".join(s.text for s in said(facts, *where) if s.name == name)


def controls(staged):
    return pd.DataFrame({"quantity": ["share of controls at stage 1 or above"], "value": [staged]})


#: Events of one measure, and of two; stages that are nearly the mean z.
CORD = pd.DataFrame({"subtype": 1, "biomarker": "cord_csa", "threshold": [1, 2], "mean_position": [1.0, 2.0]})
ORDER = pd.concat([CORD, CORD.assign(biomarker="thalamus")])
LIKE = pd.DataFrame([{"baseline": "mean z", "people": "staged", "value": 0.97}])
SITES = pd.DataFrame(
    {
        "site": ["a", "a", "b", "b", "c"],
        "subtype": [1, 2, 1, 2, None],
        "tau": [0.95, 0.9, 0.88, 0.72, None],
        "same_label": [0.91, 0.91, 0.8, 0.8, None],
        "reason": ["", "", "", "", "only 3 people"],
    }
)
#: Sentence, facts under which it holds, facts under which it does not, words of it, whether it warns.
OF_DISEASE = [
    ("number_fixed", disease({"sustain": {"n_subtypes": 2}}), disease(), "fixed in the configuration and not chosen; the data support the same: the next best number", True),
    ("number_fixed", disease({"sustain": {"n_subtypes": 3}}, selection=selection(3)), disease(), "the data support 2: with 2, unseen people are predicted best, CVIC", True),
    ("number_none", disease(selection=selection(0, {0: 0.0, 1: 3.0, 2: 8.0}), **ONE), disease(), "no common order", True),
    ("number_one", disease(selection=selection(1, {0: 80.0, 1: 0.0, 2: 8.0}), **ONE), disease(), "do not support more than one subtype", True),
    ("number_fixed", disease({"sustain": {"n_subtypes": 3}}, selection=selection(3, gaps={0: 90.0, 1: 20.0, 2: 3.5, 3: 0.0, 4: 9.0})), disease(), "the rule would choose 2: the best CVIC is that of 3, 3.5 lower (SE 4.0): too little to tell", True),
    ("number_fixed", disease({"sustain": {"n_subtypes": 2}}, selection=selection(2, gaps={0: 90.0, 1: 20.0, 2: 3.5, 3: 0.0, 4: 9.0})), disease(), "the rule would choose the same: with 3, unseen people are predicted best, CVIC 3.5 lower than with 2 (SE 4.0): too little to tell", True),
    ("number_one", disease({"sustain": {"n_subtypes": 1}}, selection=selection(1), **ONE), disease(), "one order of atrophy for everyone", False),
    ("number_best", disease(), disease(selection=selection(1)), "2 subtypes predict unseen people best (CVIC); the next best number, 3, has a CVIC 12.5 higher (SE 4.0)", False),
    ("number_best", disease(), disease({"sustain": {"n_subtypes": 2}}), "predict unseen people best", False),
    ("number_within", disease(selection=selection(2, {0: 90.0, 1: 30.0, 2: 3.5, 3: 0.0, 4: 9.0})), disease(), "the smallest number whose CVIC lies within max(6, one SE) of the best, 3 (3.5 higher", False),
    ("number_largest", disease(selection=selection(2, {0: 90.0, 1: 30.0, 2: 0.0})), disease(), "The best number, 2, is the largest that was tried", True),
    ("number_largest", disease(selection=selection(1, {0: 9.0, 1: 3.0, 2: 0.0}), **ONE), disease(selection=selection(1, {0: 9.0, 1: 0.0}), **ONE), "The best number, 2, is the largest", True),
    ("healthy_better", disease(selection=selection(healthy=4.5)), disease(selection=selection(healthy=-4.5)), "by 4.5 nats", True),
    ("gaussian_better", disease(selection=selection(gaussian=7.25)), disease(selection=selection(gaussian=-3.0)), "by 7.2 nats", True),
    ("gaussian_better", disease(selection=selection(gaussian=7.25)), disease(), "probabilities of subtypes are over-confident", True),
    ("gaussian_better", disease(selection=selection(1, gaussian=7.25), **ONE), disease(), "probabilities of atrophy are over-confident", True),
    ("gaussian_better", disease(selection=selection(1, gaussian=7.25), event_order=CORD, **ONE), disease(), "One normal distribution of Cord area predicts unseen people better by 7.2 nats", True),
    ("one_measure", disease(selection=selection(1), event_order=CORD, **ONE), disease(selection=selection(0), event_order=CORD, **ONE), "rests on one measure, Cord area: its stages", True),
    ("one_measure", disease(event_order=CORD), disease(event_order=ORDER), "rests on one measure", True),
    ("stage_is_mean_z", disease(baselines=LIKE, event_order=ORDER), disease(baselines=LIKE, event_order=CORD), "rho 0.97", True),
    ("stage_is_mean_z", disease(baselines=LIKE, names=names((9, 11)), subtypes=people((9, 11))), disease(baselines=LIKE, names=names((9, 10)), subtypes=people((9, 10))), "rho 0.97", True),
    ("published_three", disease(simulated=True), disease(), "(Zhuo et al. 2025) found three subtypes; in these simulated people there are 2 (three: CVIC 12.5 above the best).", False),
    ("published_three", disease(simulated=True), disease(simulated=True, selection=selection(3)), "found three", False),
    ("sites_agree", disease(sites=SITES), disease(), "Fitted anew without each of 2 of 3 sites in turn, the model's order agrees with that of everyone's at Kendall's tau 0.72 (spinal cord, without b) to 0.95, and 80% (without b) to 91% of the people of the other sites keep their label.", False),
    ("sites_agree", disease(sites=SITES.assign(tau=[0.95, 0.9, 0.88, 0.64, None])), disease(sites=SITES.tail(1)), "0.64 (spinal cord, without b)", True),
    ("sites_agree", disease(sites=SITES[SITES["subtype"] != 2], **ONE, selection=selection(1)), disease(), "tau 0.88 (without b) to 0.95", False),
    ("rival_optimum", disease(starts=pd.DataFrame({"polished_log_likelihood": [-10.0, -12.5], "label_disagreement": [0.0, 0.3]})), disease(), "another optimum, 2.5 nats below the best; it labels 30% of the people differently", True),
    ("controls_are_staged", disease(controls=controls(0.36)), disease(controls=controls(0.05)), "36% of the controls stand at stage 1 or above", True),
    ("staged_like_controls", disease(controls=controls(0.75)), disease(controls=controls(0.4)), "Hardly more people with MS are staged (80%) than controls (75%)", True),
    ("nearly_all_staged", disease(subtypes=people(normal=1)), disease(), "Nearly everyone with MS is staged (normal-appearing: 1%; controls: 96%)", True),
    ("stage_is_mean_z", disease(baselines=pd.DataFrame([{"baseline": "mean z", "people": "staged", "value": 0.97}])), disease(), "rho 0.97", True),
    ("stage_is_mean_z", disease(baselines=pd.DataFrame([{"baseline": "mean z", "people": "staged", "value": 0.97}])), disease(baselines=None), "overall atrophy", True),
    ("empty_subtype", disease(names=names((0, 80)), subtypes=people((0, 80))), disease(), "Nobody is assigned to cortical", True),
    ("small_subtype", disease(names=names((19, 61)), subtypes=people((19, 61))), disease(names=names((20, 60)), subtypes=people((20, 60))), "Too small for conclusions: cortical (19 people).", True),
    ("how_sure", disease(), disease(**ONE, selection=selection(1)), "100% of the staged have a subtype of probability 0.9", False),
    ("how_sure", disease(subtypes=people(sure=0.6)), disease(**ONE, selection=selection(1)), "0% of the staged", True),
    ("follows_nuisance", disease(**{"clinical/nuisance": nuisance(0.001)}), disease(), "Subtype goes with site (Cramer's V 0.31, n = 80, Holm's p = 0.001): it may follow scanners", True),
    ("follows_nothing", disease(), disease(**{"clinical/nuisance": nuisance(0.001)}), "nothing found (Holm's p >= 0.05): subtype with site and sex; stage with site and sex.", False),
    ("follows_nothing", disease(), disease(**{"clinical/nuisance": None}), "nothing found", False),
    ("nuisance_untested", disease(**{"clinical/nuisance": nuisance(subtype_site="everyone alike")}), disease(), "Not tested, which is not the same as not there: subtype with site (everyone alike).", False),
    ("nuisance_untested", disease(selection=selection(0), **{"clinical/nuisance": nuisance(subtype_site="x", stage_site="everyone alike")}), disease(selection=selection(0)), "not there: stage with site (everyone alike).", False),
    ("nuisance_untested", disease(**{"clinical/nuisance": nuisance(subtype_site="x")}), disease(**{"clinical/nuisance": None}), "subtype with site", False),
    ("nothing_clinical", disease(diagnostics=diagnostics(1.2)), disease(), "no clinical result is told", True),
    ("clinical_headline", disease(), disease(diagnostics=diagnostics(1.2)), "1 of 1 clinical contrast that could be tested passes a", False),
    ("clinical_headline", disease(), disease(**{"clinical/associations": pd.DataFrame([association(q=0.2)])}), "(OR 2.50, 95 % interval 1.31 to 4.77; 30 against 50 people; q = 0.012)", False),
    ("clinical_nothing_found", disease(**{"clinical/associations": pd.DataFrame([association(q=0.2)])}), disease(), "None of 1 clinical contrast that was tested passes", False),
    ("clinical_nothing_found", disease(**{"clinical/associations": pd.DataFrame([association(q=0.2)])}), disease(**{"clinical/associations": pd.DataFrame([association(reportable=False)])}), "passes", False),
    ("clinical_not_testable", disease(**{"clinical/associations": pd.DataFrame([association(reportable=False)])}), disease(), "No clinical contrast could be tested", True),
    ("clinical_not_asked", disease(**{"clinical/associations": None}), disease(), "No clinical outcome was declared for MS.", False),
    ("other_variants", disease(variants=pd.DataFrame({"variant": ["a", "a", "smooth-independent", "smooth-independent"], "n_subtypes": [1, 2, 1, 2], "chosen": [False, True, True, False]})), disease(), "that the data support, by variant of the model: 2 (a); 1 (independent noise, smooth stages): they do not agree.", True),
    ("other_variants", disease(variants=pd.DataFrame({"variant": ["a", "b"], "n_subtypes": [2, 2], "chosen": [True, True]})), disease(variants=pd.DataFrame({"variant": ["a"], "n_subtypes": [2], "chosen": [True]})), "2 (a); 2 (b): they agree.", False),
]  # fmt: skip


@pytest.mark.parametrize(("name", "with_it", "without", "words", "warns"), OF_DISEASE)
def test_sentences_of_a_disease(name, with_it, without, words, warns):
    assert words in text(with_it, name)
    assert told(with_it)[name] == warns
    assert name not in told(without)


STUDY_LOST = pd.DataFrame([{"step": "quality rules", "group": "MS", "n": 80, "excluded": 20, "who": ""}])
#: People of groups that are not modelled leave; nobody of the study does.
OTHERS = pd.DataFrame(
    [
        {"step": "group of the study", "group": g, "n": n, "excluded": out, "who": ""}
        for g, n, out in (("HC", 60, 0), ("MS", 100, 0), ("RIS", 0, 1), ("NMOSD", 0, 56))
    ]
)
#: One measure, of the cord; and a marker of people that nobody has.
CORD_ALONE = {
    "features/measures": pd.DataFrame(columns=["participant_id", "cord_csa"]),
    "normative/zscores": pd.DataFrame({"participant_id": ["a"], "group": ["HC"], "cord_csa": [0.0]}),
}
CORD_AND_MARKER = BIOMARKERS.assign(label=["Cord area", "Frontal cortex", "NfL"], kind=["cord", "labels", "column"])
OF_STUDY = [
    ("no_disease", study([]), study(), "norms and their diagnostics only, no subtypes", True),
    ("not_measured", study(**{"features/measures": pd.DataFrame(columns=["participant_id", "frontal", "cord_csa"])}), study(), "measured in nobody, and so left aside: Thalamus.", True),
    ("no_cord", study(**{"normative/zscores": pd.DataFrame({"participant_id": ["a"], "group": ["HC"], "frontal": [0.0]})}), study(), "The spinal cord was not measured", True),
    ("not_measured", study(biomarkers=CORD_AND_MARKER, **CORD_ALONE), study(**CORD_ALONE), "left aside: NfL.", True),
    ("no_image", study(biomarkers=BIOMARKERS.assign(kind="column", system="n/a")), study(biomarkers=BIOMARKERS.assign(kind="table", system="n/a")), "Neither the brain nor the spinal cord was measured", True),
    ("no_cord", study(biomarkers=BIOMARKERS.assign(kind="table", system="n/a")), study(biomarkers=BIOMARKERS.assign(kind="column", system="n/a")), "The spinal cord was not measured", True),
    ("no_brain", study(**CORD_ALONE), study(), "The brain was not measured: atrophy that is there", True),
    ("no_brain", study(biomarkers=CORD_AND_MARKER, **CORD_ALONE), study([], **CORD_ALONE), "The brain was not", True),
    ("many_lost", study(**{"features/flow": STUDY_LOST}), study(), "20% of MS were excluded", True),
    ("other_groups", study(**{"cohort/flow": OTHERS}), study(), "but no part of this study: NMOSD (56 people) and RIS (1 person).", False),
    ("merged_groups", study(config={"cohort": {"groups": {"MS": ["RRMS", "SPMS"], "HC": ["Control"]}}}), study(), "MS stands for RRMS and SPMS; HC stands for Control.", False),
    ("merged_groups", study(config={"cohort": {"groups": {"MS": ["RRMS"], "HC": ["HC"]}}}), study(config={"cohort": {"groups": {"MS": ["MS"], "HC": ["HC"]}}}), "names: MS stands for RRMS.", False),
    ("one_site", study(sites=("a",)), study(), "Everyone comes from one site", False),
    ("no_follow_up", study(), study([disease(followup=pd.DataFrame({"participant_id": ["sub-001"]}))]), "Nobody has a later scan", False),
    ("no_outcomes", study(config={"clinical": {"outcomes": []}}), study(), "No clinical outcome was declared", False),
    ("checks_failed", study(), study(**{"normative/diagnostics": pd.DataFrame()}), "1 of 4 checks of the controls' out-of-sample z failed", True),
]  # fmt: skip


@pytest.mark.parametrize(("name", "with_it", "without", "words", "warns"), OF_STUDY)
def test_sentences_of_a_study(name, with_it, without, words, warns):
    places = ("people", "norms")
    assert words in text(with_it, name)
    assert told(with_it, places)[name] == warns
    assert name not in told(without, places)


def test_nothing_is_said_of_an_order_of_one_measure():
    assert "folds_agree" in told(disease(event_order=ORDER)) and "folds_agree" not in told(disease(event_order=CORD))


def test_of_sites_left_out_one_is_singular_and_one_measure_has_no_order():
    got = text(disease(sites=SITES[SITES["site"] != "c"]), "sites_agree")
    assert got.startswith("Fitted anew without each of 2 sites in turn, the model's order agrees")
    alone = SITES[SITES["site"] != "a"]
    assert text(disease(sites=alone), "sites_agree") == (
        "Fitted anew without site b (of 2 sites the only one left out), the model's order agrees with that of everyone's at Kendall's tau 0.72 "
        "(spinal cord) to 0.88, and 80% of the people of the other sites keep their label."
    )
    single = disease(sites=alone[alone["subtype"] != 2], **ONE, selection=selection(1))
    assert "at Kendall's tau 0.88, and 80% of the people" in text(single, "sites_agree")
    # of two subtypes one has an order to be compared: nothing to span
    assert "at Kendall's tau 0.72, and 80% of" in text(disease(sites=alone.iloc[[1, 2]]), "sites_agree")
    low = SITES.assign(tau=[0.5, 0.5, 0.6, 0.6, None])
    one, more = disease(sites=low, event_order=CORD), disease(sites=low, event_order=ORDER)
    assert text(one, "sites_agree") == (
        "Fitted anew without each of 2 of 3 sites in turn, 80% (without b) to 91% of the people of the other sites keep "
        "their label."
    )
    assert told(more)["sites_agree"] and not told(one)["sites_agree"] and "tau" in text(more, "sites_agree")


def test_steps_of_one_measure_are_of_z_only_where_it_has_one():
    of_z, of_levels = (
        replace(disease(event_order=CORD), families=pd.Series({"cord_csa": f, "thalamus": "zscore"}))
        for f in ("zscore", "ordinal")
    )
    assert "its stages are steps of that measure's z, and" in text(of_z, "one_measure")
    assert "its stages are steps of that measure, and" in text(of_levels, "one_measure")


def test_a_study_that_names_no_site_is_not_said_to_have_one():
    assert "No sites are given and everyone counts as scanned at one: " in text(study(sites=("one site",)), "one_site")
    assert "one_site" not in told(study(sites=("one site", "b")), ("people",))


def test_every_sentence_is_tried_or_told_of_the_plain_study():
    """A new sentence without a row above is found here."""
    tried = {row[0] for row in [*OF_DISEASE, *OF_STUDY]}
    elsewhere = {"healthy_people", "chains", "folds_agree", "how_many_staged", "stage_gap", "controls_correlate",
                 "disease_of_one_site", "no_controls_at_site", "strangers", "drawn_with_fewer", "calibrated"}  # fmt: skip
    assert set(SENTENCES) == tried | elsewhere and not tried & elsewhere


def test_sites_of_patients_and_controls():
    def at(patients, healthy):
        table = study().tables["cohort/participants"].copy()
        table["site"] = [patients[i % len(patients)] for i in range(100)] + [
            healthy[i % len(healthy)] for i in range(60)
        ]
        return study(**{"cohort/participants": table})

    assert "Everyone with MS comes from one site (b)" in text(at("b", "ab"), "disease_of_one_site")
    assert not text(at("b", "b"), "disease_of_one_site") and not text(at("ab", "ab"), "disease_of_one_site")
    assert "Sites without controls: c;" in text(at("ac", "ab"), "no_controls_at_site")
    assert not text(at("a", "ab"), "no_controls_at_site") and not text(at("a", "a"), "no_controls_at_site")


def test_segmentations_of_strangers():
    row = {"step": "segmentation without participant", "group": np.nan, "n": np.nan, "excluded": 3, "who": "x"}
    assert "3 segmentations belong to nobody" in text(study(**{"features/flow": pd.DataFrame([row])}), "strangers")
    assert not text(study(), "strangers")


def test_convergence_is_told_either_way():
    assert told(disease())["chains"] is False and "converged" in text(disease(), "chains")
    bad = disease(diagnostics=diagnostics(ess=100.0))
    assert told(bad)["chains"] is True and "did not converge" in text(bad, "chains")


def test_agreement_names_subtypes_only_where_there_are_several():
    assert "tau 0.81 (spinal cord) and 0.88 (cortical); two random orders: 0.10" in text(disease(), "folds_agree")
    one = disease(
        selection=selection(1), stability=pd.DataFrame({"subtype": [1], "tau": [0.6], "tau_chance": [0.1]}), **ONE
    )
    assert "tau 0.60; two" in text(one, "folds_agree") and "cortical" not in text(one, "folds_agree")
    assert told(one)["folds_agree"] is True and told(disease())["folds_agree"] is False


def test_the_negative_control_is_told_and_warns_where_it_finds_something():
    table = pd.DataFrame(
        {"variant": ["a", "a", "b", "b"], "n_subtypes": [0, 1, 1, 2], "chosen": ["True", "False", "False", "True"],
         "n_people": 365, "note": np.nan}
    )  # fmt: skip
    none, two = sentences.control_sentences(table)
    assert none == ("Negative control (a): the same procedure finds 0 subtypes in 365 healthy people.", False)
    assert "finds 2 subtypes" in two[0] and "no evidence of disease" in two[0] and two[1]
    named = table.replace({"variant": {"a": "smooth-controls", "b": "smooth-independent"}})
    assert [t.partition(":")[0] for t, _ in sentences.control_sentences(named)] == [
        "Negative control (the controls' covariance)", "Negative control (independent noise)"
    ]  # fmt: skip
    assert sentences.control_sentences(named[:2])[0][0].startswith("Negative control: the same procedure finds 0")
    absent = pd.DataFrame(
        {"variant": [np.nan], "n_subtypes": np.nan, "chosen": np.nan, "n_people": np.nan, "note": "70 controls"}
    )
    assert sentences.control_sentences(absent) == [("No negative control: 70 controls.", True)]
    assert (
        told(disease())["healthy_people"] is False and told(disease(negative_control=table))["healthy_people"] is True
    )
    assert "healthy_people" not in told(disease(negative_control=None))


def test_a_rule_that_asks_for_too_much_is_told_and_warns():
    null = pd.DataFrame(
        {
            "true_subtypes": 1,
            "draw": range(1, 21),
            "n_people": 80,
            "chosen": [2] + [1] * 19,
            "more": [True] + [False] * 19,
        }
    )
    assert told(disease(parametric_null=null))["drawn_with_fewer"] is False
    said_ = text(disease(parametric_null=null), "drawn_with_fewer")
    assert "drawn from the model with 1 subtype the same procedure asks for more in 1 of 20 cohorts of 80" in said_
    often = null.assign(more=["True"] * 3 + ["False"] * 17)
    assert told(disease(parametric_null=often))["drawn_with_fewer"] is True
    assert "in 3 of 20" in text(disease(parametric_null=often), "drawn_with_fewer")
    only_a_note = pd.DataFrame({"true_subtypes": [np.nan], "note": ["1 subtype was chosen"]})
    assert "drawn_with_fewer" not in told(disease(parametric_null=only_a_note))
    assert "drawn_with_fewer" not in told(disease())


def test_calibration_is_told_where_the_truth_is_known_and_warns_of_too_much_certainty():
    table = pd.DataFrame(
        {
            "labels": ["in sample", "out of fold", "out of fold", "out of fold"],
            "quantity": "P(healthy)",
            "class": ["all", "0.8 to 0.95", "all", "truly so (sensitivity)"],
            "n": [100, 20, 90, 10],
            "stated": [0.9, 0.85, 0.31, np.nan],
            "observed": [0.1, 0.4, 0.28, 0.7],
            "low": [0.05, 0.2, 0.2, 0.4],
            "high": [0.15, 0.6, 0.38, 0.9],
        }
    )
    assert "of being healthy it is 31%, and 28% (95 % interval 20% to 38%) of 90 people were healthy." in text(
        disease(calibration=table), "calibrated"
    )
    assert told(disease(calibration=table))["calibrated"] is False
    assert told(disease(calibration=table.assign(high=0.3)))["calibrated"] is True
    assert "calibrated" not in told(disease())


#: Stages of the staged people of two subtypes; the gap, if one is called.
GAPS = [
    ([[1, 2, 3, 4, 5, 16, 17, 30], [2, 3, 17, 30]], (18, 29)),  # the widest of two
    ([[1, 2, 3, 4, 5, 20, 21, 30], [2, 3, 20, 30]], (6, 19)),
    ([[1, 2, 3, 14, 15, 16], [2, 15]], (4, 13)),
    ([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [1, 5, 9]], None),
    ([[9, 10, 11, 12], [10, 12]], (1, 8)),  # between the normal-appearing and everyone staged
    ([[1, 2, 3, 4, 5], [3, 4] + [5] * 22 + [20]], None),  # a few people far off are no gap
]


@pytest.mark.parametrize(("stages", "gap"), GAPS)
def test_a_gap_in_the_stages_is_told(stages, gap):
    d = disease(subtypes=people(stages=stages))
    assert (d.gap[:2] if d.gap else None) == gap
    words = text(d, "stage_gap")
    assert (f"nobody stands at {gap[0]} to {gap[1]}, " in words) if gap else words == ""
    assert told(d).get("stage_gap") is (True if gap else None)


def test_too_few_staged_people_have_no_gap():
    few = disease(subtypes=people((4, 5), 20, stages=[[1, 20], [20]]), names=names((4, 5)))
    assert few.gap is None and "stage_gap" not in told(few)
    assert disease(subtypes=people((5, 5), 20, stages=[[1, 20], [20]]), names=names((5, 5))).gap == (2, 19, 23, 7)


def test_people_below_and_above_a_gap_are_counted():
    d = disease(subtypes=people(sizes=(30, 50), normal=20, stages=[[1, 14], [14]]))
    assert d.gap == (2, 13, 35, 65)  # 20 normal-appearing and 15 at stage 1 below it
    # a stage that is one of a normal-appearing person does not fill the gap
    table = people(sizes=(30, 50), normal=20, stages=[[1, 14], [14]])
    table.loc[table["oof_normal_appearing"], "oof_stage"] = 7
    assert disease(subtypes=table).gap == (2, 13, 35, 65)


def test_shares_of_people_and_controls_are_told():
    assert text(disease(), "how_many_staged") == (
        "80 of 100 people with MS are staged; 20% are normal-appearing. Of the controls, whom no model of MS has seen, 4% are staged."
    )
    assert text(disease(controls=None), "how_many_staged").endswith("normal-appearing.")


def test_subtypes_are_ranked_and_described_by_staged_people():
    maps = pd.DataFrame(
        [
            ("cortical", "frontal", 30, 2.4), ("cortical", "thalamus", 30, 0.4), ("spinal cord", "cord_csa", 50, 1.75),
            ("spinal cord", "frontal", 4, 9.0),
        ],
        columns=["group", "biomarker", "n", "mean_z"],
    )  # fmt: skip
    order = pd.DataFrame(
        [(1, "thalamus", 4.0), (1, "frontal", 1.5), (2, "cord_csa", 1.0), (2, "frontal", 3.0)],
        columns=["subtype", "biomarker", "mean_position"],
    )
    d = disease(**{"clinical/maps": maps}, event_order=order)
    first, second = sentences.portraits(d)
    assert [name for _, name, _ in d.ranked] == ["spinal cord", "cortical"]
    assert first == (
        "Spinal cord: 50 people (50% of all with MS); the sequence begins in Cord area and Frontal cortex; highest mean z: "
        "Cord area (1.8); median stage 5.5, highest 10 of 2."
    )
    assert second.startswith(
        "Cortical: 30 people (30% of all with MS); the sequence begins in Frontal cortex and Thalamus"
    )
    assert "Too few" not in first + second
    unknown = sentences.portraits(disease(**{"clinical/maps": maps}))[0]
    assert unknown.endswith("; median stage 5.5, highest 10.")
    small = disease(names=names((19, 61)), subtypes=people((19, 61)))
    apart = disease(subtypes=people(stages=[[1, 3], [10, 20, 30, 40]]))
    late, early = sentences.portraits(apart)
    assert "median stage 20, highest 40" in late and "median stage 2, highest 3" in early
    assert sentences.portraits(small)[1].endswith("Too few for conclusions.")
    assert len(sentences.portraits(disease(names=names((0, 80)), subtypes=people((0, 80))))) == 1


def test_one_order_has_no_name_and_none_has_no_portrait():
    one = disease(selection=selection(1), **ONE)
    assert sentences.portraits(one)[0].startswith("80 people (80% of all with MS)") and "cortical" not in " ".join(
        [
            *sentences.portraits(one),
            *(s.text.lower() for s in said(one, *PLACES_OF_DISEASE) if s.name != "clinical_headline"),
        ]
    )
    none = disease(selection=selection(0, {0: 0.0, 1: 3.0}), **ONE)
    assert sentences.portraits(none) == []


@pytest.mark.parametrize("k", [0, 1])
def test_without_subtypes_nothing_is_compared(k):
    rows = [
        association(),
        association(kind="stage", contrast="stage", subtype="", against="", n_against=0, unit="3 stages"),
    ]
    d = disease(selection=selection(k, {0: 3.0 * k, 1: 3.0 * (1 - k), 2: 40.0}), **ONE,
                **{"clinical/associations": pd.DataFrame(rows), "clinical/nuisance": nuisance(0.001)})  # fmt: skip
    assert "cortical against" not in text(d, "clinical_headline").lower()
    assert "1 of 1 clinical contrast that" in text(d, "clinical_headline")
    assert "follows_nuisance" not in told(d)  # subtype with site
    lines = " ".join(sentences.clinical_sentences(d))
    assert ("support no common order" in lines) == (k == 0) and ("has one subtype" in lines) == (k == 1)


def test_the_studys_claims_stand_beside_its_own_cohort_alone():
    claims = pd.DataFrame({"verdict": ["agrees", "not testable: few"]})
    mine = disease(simulated=True, **{"clinical/reported": claims})
    assert "Of 2 findings of the published study (Zhuo et al. 2025)" in " ".join(sentences.clinical_sentences(mine))
    assert "published" not in " ".join(sentences.clinical_sentences(disease(**{"clinical/reported": claims})))


def test_unconverged_chains_have_no_headline_and_no_clinical_line():
    d = disease(diagnostics=diagnostics(1.3))
    assert {s.name for s in said(d, "clinical")} == {"nothing_clinical"}
    assert "2.50" not in " ".join([*(s.text for s in said(d, *PLACES_OF_DISEASE)), *sentences.clinical_sentences(d)])
    assert "2.50" in " ".join(sentences.clinical_sentences(disease()))


def test_warnings_come_together_for_the_top():
    first = warnings_first(study([disease(diagnostics=diagnostics(1.3))]))
    assert all(s.warn for s in first) and {"checks_failed", "chains", "nothing_clinical"} <= {s.name for s in first}
    other = disease()
    object.__setattr__(other, "name", "NMOSD")
    both = warnings_first(study([disease(diagnostics=diagnostics(1.3)), other]))
    assert [s.text for s in both if s.name == "chains"][0].startswith("MS: The chains did not converge")
    # the page folds what stands far down: no disease's cautions stand behind all of another's
    bad = disease(diagnostics=diagnostics(1.3))
    object.__setattr__(bad, "name", "NMOSD")
    told = [
        s.text
        for s in warnings_first(study([disease(diagnostics=diagnostics(1.3)), bad]))
        if s.name in ("chains", "nothing_clinical")
    ]
    assert [t.partition(":")[0] if ":" in t[:6] else t[:5] for t in told][:2] == ["MS", "NMOSD"] and len(told) == 4


def test_how_far_the_controls_regions_correlate_is_said():
    table = pd.DataFrame(
        {
            "biomarker": ["a", "b", "b", "c", "c", "c"],
            "other": ["a", "a", "b", "a", "b", "c"],
            "n": [100, 80, 90, 70, 60, 75],
            "correlation": [1, 0.6, 1, 0.1, -0.25, 1],
            "n_controls": 120,
            "shrinkage": 0.034,
        }
    )
    told_of = text(study(**{"normative/covariance": table}), "controls_correlate")
    assert told_of.startswith("In 120 controls, 60 behind the rarest pair, z of 3 biomarkers correlate at r = 0.15 on")
    assert "(-0.25 to 0.60), after shrinkage by 3.4%" in told_of
    assert "rarest" not in sentences.healthy_correlation(table.assign(n=120))
    assert "nothing correlates" in sentences.healthy_correlation(table[:1])
    assert not text(study(), "controls_correlate")


def test_people_of_other_groups_are_no_loss_of_the_study():
    assert "many_lost" not in told(study(**{"cohort/flow": OTHERS}), ("people",))
    lost = pd.concat([OTHERS, STUDY_LOST])
    assert (
        text(study(**{"cohort/flow": lost}), "many_lost") == "20% of MS were excluded; the rest may not stand for all."
    )


def test_a_rule_that_did_not_decide_the_number_is_not_the_same_procedure():
    null = pd.DataFrame({"true_subtypes": 1, "draw": [1, 2], "n_people": 80, "chosen": [2, 1], "more": [True, False]})
    fixed = disease({"sustain": {"n_subtypes": 2}}, parametric_null=null)
    assert "Negative control: the rule, which did not decide the number here, finds 0 subtypes" in text(
        fixed, "healthy_people"
    )
    assert "with 1 subtype the rule, which did not decide the number here, asks" in text(fixed, "drawn_with_fewer")
    chosen = disease(parametric_null=null)
    assert "the same procedure finds" in text(chosen, "healthy_people")
    assert "the same procedure asks" in text(chosen, "drawn_with_fewer")


def test_a_name_that_only_compares_is_said_to():
    """The second subtype is named after the cord and begins elsewhere; the first begins where its name says."""
    order = pd.DataFrame(
        [
            {"subtype": c, "biomarker": b, "threshold": 1, "mean_position": place}
            for c, places in ((1, (4.0, 1.0, 2.0, 3.0)), (2, (4.0, 5.0, 1.0, 2.5)))
            for b, place in zip(("cord_csa", "frontal", "thalamus", "putamen"), places, strict=True)
        ]
        + [{"subtype": 2, "biomarker": "insula", "threshold": 1, "mean_position": 3.0}]
    )
    named = names().assign(system=["cortical", "spinal cord"])
    systems = pd.Series(
        {
            "cord_csa": "spinal cord",
            "frontal": "cortical",
            "thalamus": "subcortical",
            "putamen": "subcortical",
            "insula": "cortical",
        }
    )
    d = replace(disease(event_order=order, names=named), systems=systems)
    first, second = (sentences.portrait(d, c) for c in (1, 2))
    assert "begins in Frontal cortex, Thalamus and putamen" in first and sentences.NAMED not in first
    assert f"begins in Thalamus, putamen and insula ({sentences.NAMED})" in second
    # where no biomarker has a system each is its own name, and one order has no name
    assert sentences.NAMED not in sentences.portrait(replace(d, systems=systems[:0]), 2)
    alone = {
        "names": named[1:].assign(subtype=1, n_staged_oof=80),
        "subtypes": people((80,)),
        "selection": selection(1),
    }
    one = replace(disease(event_order=order.assign(subtype=order["subtype"] % 2), **alone), systems=systems)
    assert sentences.NAMED not in sentences.portrait(one, 1)


def test_columns_have_words_in_sentences():
    row = pd.DataFrame([association(covariates="age, disease_duration, strata of site_id")])
    said_ = text(disease(**{"clinical/associations": row}), "clinical_headline")
    assert "adjusted for stage, age, disease duration and strata of site id (OR" in said_


@pytest.mark.parametrize(("r_hat", "ess", "doubt"), [(1.004, 900.0, False), (1.02, 900.0, True), (1.004, 90.0, True)])
def test_a_joint_model_whose_chains_disagree_says_so_above_its_table(r_hat, ess, doubt):
    words = sentences.joint_model(diagnostics(r_hat, ess))
    assert words.startswith("One joint model of all diseases") and ("did not converge" in words) == doubt
    assert ("smallest effective sample size" in words) == doubt


def test_a_place_that_is_none_is_refused():
    with pytest.raises(ValueError, match="summary is no place; there are people, norms, number"):
        sentences.sentence_of("summary")


def test_one_number_alone_has_no_next_best():
    alone = disease({"sustain": {"n_subtypes": 2}}, selection=selection(2, {2: 0.0}))
    assert text(alone, "number_fixed").endswith("the data support the same: no other number was tried.")


def test_the_published_three_are_weighed_beside_the_number_chosen():
    """Worse, equally good, and not tried."""
    same = {0: 300.0, 1: 90.0, 2: 0.0, 3: 0.0}
    assert "there are 2 (three have the best CVIC)." in text(
        disease(simulated=True, selection=selection(2, same)), "published_three"
    )
    assert "there are 2." in text(disease(simulated=True, selection=selection(2, {1: 90.0, 2: 0.0})), "published_three")


def test_sites_of_a_run_before_are_not_told_where_no_site_is_left_out():
    off = disease({"sustain": {"leave_site_out": False}}, sites=SITES)
    assert "sites_agree" not in told(off) and "sites_agree" in told(
        disease({"sustain": {"leave_site_out": True}}, sites=SITES)
    )


@pytest.mark.parametrize(
    ("starts", "told_of"),
    [
        (None, False),
        ([0.0], False),  # nothing to compare with
        ([0.0, 0.05], False),
        ([0.0, 0.06], True),
        ([0.3], False),
        ([np.nan, 0.0, 0.06], True),
    ],
)
def test_a_rival_optimum_is_told_where_more_than_a_twentieth_is_labelled_otherwise(starts, told_of):
    table = (
        None
        if starts is None
        else pd.DataFrame(
            {"polished_log_likelihood": np.arange(-10.0, -10 - len(starts), -1), "label_disagreement": starts}
        )
    )
    assert ("rival_optimum" in told(disease(starts=table))) == told_of


def test_a_rival_optimum_is_of_several_subtypes():
    rival = pd.DataFrame({"polished_log_likelihood": [-10.0, -12.5], "label_disagreement": [0.0, 0.3]})
    assert "rival_optimum" in told(disease(starts=rival))
    assert "rival_optimum" not in told(disease(starts=rival, selection=selection(1), **ONE))


def test_nuisance_of_one_order_is_of_stage_alone():
    """Subtype with site could not be tested or passes: neither is said of a model that has no subtypes."""
    untested = {"clinical/nuisance": nuisance(subtype_site="x")}
    assert text(disease(**untested), "nuisance_untested").endswith("subtype with site (x).")
    assert "nuisance_untested" not in told(disease(selection=selection(1), **ONE, **untested))
    nothing = text(disease(selection=selection(1), **ONE), "follows_nothing")
    assert nothing == "Tested and nothing found (Holm's p >= 0.05): stage with site and sex."
    all_untested = nuisance(**{f"{a}_{b}": "x" for a in ("subtype", "stage") for b in ("site", "sex")})
    # nothing could be tested: that is said, and nothing else
    nothing_at_all = disease(**{"clinical/nuisance": all_untested})
    assert text(nothing_at_all, "nuisance_untested").endswith(
        "subtype with sex (x); stage with site (x); stage with sex (x)."
    )
    assert not {"follows_nothing", "follows_nuisance"} & set(told(nothing_at_all))


@pytest.mark.parametrize(
    ("site", "variable", "words"),
    [
        ("none", "site", "it may follow scanners and not disease (there is no site term in the norms)."),
        ("fixed", "site", "it may follow scanners and not disease, although the norms have a site term."),
        ("fixed", "etiv", "it may follow the size of heads and not disease."),
        ("fixed", "age", "the norms took it out of the measures, so this is of the disease or left over."),
    ],
)
def test_what_follows_from_a_label_that_goes_with_a_nuisance(site, variable, words):
    table = nuisance(0.001).replace({"variable": {"site": variable}})
    said_ = text(disease({"normative": {"site": site}}, **{"clinical/nuisance": table}), "follows_nuisance")
    assert said_ == (
        f"Subtype goes with {'head size' if variable == 'etiv' else variable} (Cramer's V 0.31, n = 80, Holm's p = 0.001): {words}"
    )


def test_a_note_on_a_result_stands_behind_it():
    noted = text(
        disease(**{"clinical/associations": pd.DataFrame([association(warning="few cells")])}), "clinical_headline"
    )
    assert noted.endswith("q = 0.012). Note: few cells.")
    assert "Note" not in text(disease(), "clinical_headline")


def test_an_effect_of_none_at_all_is_neither_rounded_to_it_nor_signed():
    assert [sentences.number(v) for v in (0.0, -0.0, 0.1, 0.0999, -0.1, 1e-5)] == [
        "0.00",
        "0.00",
        "0.10",
        "0.1",
        "-0.10",
        "1e-05",
    ]


def test_a_higher_and_a_lower_estimate_are_worded_as_such():
    def headline(**changes):
        return text(disease(**{"clinical/associations": pd.DataFrame([association(**changes)])}), "clinical_headline")

    assert "higher odds of a higher EDSS" in headline() and "lower odds of a higher EDSS" in headline(estimate=0.9)
    linear = {"type": "continuous", "effect": "standardised beta", "outcome": "SDMT"}
    assert ": higher SDMT" in headline(**linear, estimate=0.5) and ": lower SDMT" in headline(**linear, estimate=-0.5)


def test_the_summary_names_four_results_of_different_questions():
    """Five outcomes pass, one of them for two subtypes, the strongest last; a difference of categories has no effect to tell."""
    rows = [association(outcome=f"o{i}", q=0.04 - i / 1000) for i in range(5)]
    rows += [
        association(outcome="o4", subtype="spinal cord", q=0.001),
        association(outcome="o0", kind="stage", q=0.002, unit=""),
    ]
    rows += [association(outcome="drug", kind="any difference", q=1e-6)]
    lines = [s.text for s in said(disease(**{"clinical/associations": pd.DataFrame(rows)}), "clinical")]
    assert lines[0] == "8 of 8 clinical contrasts that could be tested pass a false-discovery rate of 5 %."
    assert [line.partition(": ")[0] for line in lines[1:]] == [
        "Spinal cord against the other subtypes", "Later stage among cortical people", *["Cortical against the other subtypes"] * 2
    ]  # fmt: skip
    assert "higher EDSS" not in " ".join(lines) and "higher o3" in lines[3] and "higher o2" in lines[4]


def test_results_of_one_order_leave_subtypes_out():
    rows = [
        association(), association(kind="any difference", outcome="drug"),
        association(kind="stage", contrast="stage", subtype="", q=0.2, unit="3 stages"),
    ]  # fmt: skip
    one = disease(selection=selection(1), **ONE, **{"clinical/associations": pd.DataFrame(rows)})
    assert text(one, "clinical_nothing_found").startswith("None of 1 clinical contrast that")
    assert "clinical_headline" in told(disease(**{"clinical/associations": pd.DataFrame(rows)}))


def test_clinical_sentences_of_every_table_come_under_its_condition():
    """Each table's sentence is there with the table, and the study's claims only for several subtypes."""
    treated = {"outcome": "Relapse", "treatment": "x", "reference": "none", "n_treated": 30, "n": 100, "n_events": 40,
               "estimate": 0.5, "low": 0.3, "high": 0.9, "p": 0.02, "reportable": True, "subtype": "", "effect": "HR", "covariates": ""}  # fmt: skip
    trial = {"outcome": "SPMS", "years": 2.0, "hazard_ratio": 0.7, "power": 0.8, "reportable": True, "n": 400, "n_events": 30, "n_per_arm": 1500.0,
             "n_per_arm_low": 400.0, "n_per_arm_high": 9650.0}  # fmt: skip
    predicted = {"outcome": "SPMS", "n": 300, "n_events": 40, "c": 0.6, "c_low": 0.51, "c_high": 0.7, "added": np.nan, "added_low": np.nan, "added_high": np.nan}  # fmt: skip
    tables = {
        "treatment": (pd.DataFrame([treated]), "Relapse by treatment, all staged people: x against none"),
        "trial": (
            pd.DataFrame([trial | {"group": "everyone"}, trial | {"group": "late", "n_per_arm": 1200.0}]),
            "would need 1,500 people per arm (95 % interval 400 to 9,650; 30 events among 400) enrolling everyone, and 1,200 (95 % interval 400 to 9,650; 30 events among 400) enrolling late",
        ),
        "prediction": (pd.DataFrame([predicted | {"model": "clinical"}]), "C index 0.600 (0.510 to 0.700) from clinical data."),
        "reported": (pd.DataFrame({"verdict": ["agrees"]}), "Of 1 finding of the published study (Zhuo et al. 2025): 1 agrees."),
    }  # fmt: skip
    all_tables = {f"clinical/{name}": table for name, (table, _) in tables.items()}
    whole = " ".join(sentences.clinical_sentences(disease(simulated=True, **all_tables)))
    for name, (_, words) in tables.items():
        assert words in whole
        without = disease(simulated=True, **{k: t for k, t in all_tables.items() if k != f"clinical/{name}"})
        assert words not in " ".join(sentences.clinical_sentences(without))
    one = disease(simulated=True, selection=selection(1), **ONE, **all_tables)
    assert "published study" not in " ".join(sentences.clinical_sentences(one))


def test_a_trial_is_told_of_everyone_beside_a_group():
    row = {"outcome": "SPMS", "years": 2.0, "hazard_ratio": 0.7, "power": 0.8, "reportable": True, "n": 400, "n_events": 30, "n_per_arm": 500.0,
           "n_per_arm_low": 400.0, "n_per_arm_high": 650.0}  # fmt: skip
    whole, late = row | {"group": "everyone"}, row | {"group": "late", "n_per_arm": 450.0}
    assert len(sentences.trial_sentences(pd.DataFrame([whole, late]))) == 1
    assert sentences.trial_sentences(pd.DataFrame([whole])) == sentences.trial_sentences(pd.DataFrame([late])) == []
    unlimited = pd.DataFrame([whole, late | {"n_per_arm_low": 300.0, "n_per_arm_high": np.nan}])
    assert (
        "450 (95 % interval 300 to no limit; 30 events among 400) enrolling late"
        in sentences.trial_sentences(unlimited)[0]
    )
    assert sentences.trial_sentences(pd.DataFrame([whole, late | {"n_per_arm": np.nan}])) == []
    assert sentences.trial_sentences(pd.DataFrame([whole, late | {"reportable": False}])) == []


def test_follow_up_is_told_of_groups_that_are_large_enough():
    row = {"group": "one", "slope": 0.5, "low": 0.1, "high": 0.9, "n_people": 20, "n_scans": 100, "quantity": "mean z"}
    told_of = sentences.slope_sentences(
        pd.DataFrame([row, row | {"group": "normal-appearing"}, row | {"n_people": 19, "group": "x"}, row | {"slope": np.nan, "group": "y"}])
    )  # fmt: skip
    assert [t.partition(":")[0] for t in told_of] == ["Follow-up, staged one", "Follow-up, normal-appearing"]
    assert "mean z changes by 0.50 SD of the controls a year" in told_of[0]


def test_treatments_are_told_where_they_differ_and_are_large_enough():
    row = {"outcome": "Relapse", "treatment": "x", "reference": "none", "n_treated": 30, "n": 100, "n_events": 40,
           "estimate": 0.5, "low": 0.3, "high": 0.9, "p": 0.02, "reportable": True, "subtype": "one", "effect": "HR", "covariates": "age, strata of site"}  # fmt: skip
    differ = row | {"subtype": sentences.INTERACTION, "p": 0.2}
    lines = sentences.treatment_sentences(pd.DataFrame([row, row | {"p": 0.05}, row | {"p": np.nan}, differ]))
    assert (
        lines[0].startswith("Relapse by treatment, one: x against none (HR 0.50,")
        and "one of 2 comparisons, not corrected; adjusted for age, strata of site)." in lines[0]
    )
    assert (
        "does not differ detectably between subtypes (interaction, p = 0.2, 40 events)" in lines[1] and len(lines) == 3
    )
    assert lines[2] == sentences.CONFOUNDED
    assert (
        "treatment differs between subtypes" in sentences.treatment_sentences(pd.DataFrame([differ | {"p": 0.049}]))[0]
    )
    assert sentences.treatment_sentences(pd.DataFrame([row | {"p": 0.05}])) == []
    assert sentences.treatment_sentences(pd.DataFrame([row | {"reportable": False}])) == []


def test_survival_inside_a_subtype_is_drawn_and_not_told():
    row = {
        "outcome": "SPMS",
        "split": "stage in one",
        "n": 137,
        "n_events": 20,
        "p": 0.003,
        "n_smallest": 25,
        "reason": "",
    }
    assert sentences.survival_sentences(pd.DataFrame([row])) == []
    (line,) = sentences.survival_sentences(pd.DataFrame([row | {"split": "subtype", "p": 0.05}]))
    assert line.startswith("SPMS: survival does not differ detectably between subtypes of staged people")
    for least in ({"n_events": 10}, {"n_smallest": 20}):
        (line,) = sentences.survival_sentences(pd.DataFrame([row | {"split": "stage"} | least]))
        assert "survival differs between thirds of stage" in line


def test_nested_models_are_of_atrophy_where_there_is_one_order():
    table = pd.DataFrame(
        {
            "model": ["mean z", "subtype and stage"],
            "outcome": ["EDSS", "EDSS"],
            "p": [0.002, 0.9],
            "n": 88,
            "n_events": 0,
        }
    )
    (line,) = sentences.nested_sentences(table, 1)
    assert line == (
        "Beyond mean z, atrophy and stage add to EDSS (p = 0.002; 88 people): likelihood-ratio tests of 1 outcome, p not corrected for "
        "their number."
    )
    assert "subtype and stage add to EDSS" in sentences.nested_sentences(table, 2)[0]
    assert "add to no outcome" in sentences.nested_sentences(table.assign(p=0.05), 2)[0]
    assert sentences.nested_sentences(table[1:]) == sentences.nested_sentences(table[:0]) == []
    # an outcome of too few events is not told, and counts as no test
    few = pd.concat([table, table.assign(outcome="Relapse", n_events=9)])
    assert sentences.nested_sentences(few, 1) == [line]
    enough = pd.concat([table, table.assign(outcome="Relapse", n_events=10)])
    assert (
        "Relapse (p = 0.002; 88 people, 10 events): likelihood-ratio tests of 2 outcomes"
        in sentences.nested_sentences(enough)[0]
    )


def test_verdicts_on_the_published_study_are_worded_of_one_and_of_several():
    def told_of(*verdicts):
        return sentences.reported_sentences(pd.DataFrame({"verdict": verdicts}))[0].partition(": ")[2]

    assert told_of("agrees", "agrees", "contradicts") == "2 agree; 1 contradicts."
    assert told_of("same direction, but the interval includes no effect") == (
        "1 has the same direction with an interval that includes no effect."
    )
    assert told_of(*["opposite direction, but the interval includes no effect"] * 2, "not testable: only 3 people") == (
        "2 have the opposite direction with intervals that include no effect; 1 could not be tested."
    )


def test_contrasts_are_introduced_where_each_is_of_one_against_the_others():
    def first(**changes):
        rows = pd.DataFrame([association(**changes)])
        return sentences.clinical_sentences(disease(**{"clinical/associations": rows}))[0]

    assert first() == "Subtypes are compared among staged MS people, at the same stage."
    assert first(against="spinal cord").startswith("MS, disability: 1 of 1")  # a pair says it itself


#: Tables that figures of one disease are told from, and what each tells of them.
SLOPES = pd.DataFrame(
    [{"group": "cortical", "slope": 0.5, "low": 0.1, "high": 0.9, "n_people": 50, "n_scans": 100, "quantity": "stage"}]
)
CONVERGENCE = disease().convergence
FIGURES = [
    ("selection", disease(), "CVIC above the best: k = 0: 300, k = 1: 90, k = 2: 0, k = 3: 12, k = 4: 31; 2 chosen."),
    ("selection", disease({"sustain": {"n_subtypes": 2}}), "CVIC above the best: k = 0: 300, k = 1: 90, k = 2: 0, k = 3: 12, k = 4: 31; 2 fixed."),
    ("brain_mean_z", disease(), "Spinal cord: 50 people (50% of all with MS); median stage 5.5, highest 10. Cortical: 30 people (30% of all with MS); median stage 5.5, highest 10."),
    ("mean_z", disease(), "Spinal cord: 50 people (50% of all with MS); median stage 5.5, highest 10. Cortical: 30 people (30% of all with MS); median stage 5.5, highest 10."),
    ("ternary", disease(), "100% of the staged have a subtype of probability 0.9 or more."),
    ("ternary", disease(subtypes=people((0, 0), 20), names=names((0, 0))), ""),
    ("probability", disease(subtypes=people(sure=0.8)), "0% of the staged have a subtype of probability 0.9 or more."),
    ("probability", disease(subtypes=people((0, 0), 20), names=names((0, 0))), ""),
    ("positional_variance", disease(event_order=pd.DataFrame({"subtype": [1, 1, 2], "biomarker": ["thalamus", "cord_csa", "frontal"], "mean_position": [2.0, 1.0, 1.0]})), "spinal cord: begins in Frontal cortex. cortical: begins in Cord area and Thalamus."),
    ("positional_variance_folds", disease(event_order=ORDER), "cortical: begins in Cord area and Thalamus."),
    ("progression", disease(event_order=ORDER, names=names((0, 80)), subtypes=people((0, 80))), ""),
    ("stages", disease(), "80 people are staged, median stage 5.5, highest 10."),
    ("stages", disease(subtypes=people((0, 0), 20), names=names((0, 0))), ""),
    ("convergence", disease(), CONVERGENCE),
    ("forest", disease(), "1 of 1 tested contrast passes a false-discovery rate of 5 %, first EDSS (cortical against the other subtypes)."),
    ("forest", disease(**{"clinical/associations": pd.DataFrame([association(q=0.2), association(outcome="SDMT", q=0.05)])}), "0 of 2 tested contrasts pass a false-discovery rate of 5 %."),
    ("forest", disease(diagnostics=diagnostics(1.3)), "The chains have not converged, so no result is told."),
    ("survival", disease(), ""),
    ("transitions", disease(**{"clinical/slopes": SLOPES}), "Follow-up, staged cortical: stage changes by 0.50 stages a year (95 % interval 0.10 to 0.90; 50 people, 100 scans)."),
    ("transitions", disease(diagnostics=diagnostics(1.3), **{"clinical/slopes": SLOPES}), ""),
    ("negative_control", disease(), "Negative control: the same procedure finds 0 subtypes in 90 healthy people."),
    ("negative_control", disease(negative_control=None), ""),
    ("reliability", disease(calibration=pd.DataFrame([{"labels": "out of fold", "quantity": "P(healthy)", "class": "all", "n": 90, "stated": 0.31, "observed": 0.28, "low": 0.2, "high": 0.38}])), "Mean probability that is stated out of fold, beside the simulated truth: of being healthy it is 31%, and 28% (95 % interval 20% to 38%) of 90 people were healthy."),
    ("reliability", disease(), ""),
    ("calibration", disease(), ""),
    ("survival_treatment", disease(), ""),
    ("normative", study(), "1 of 4 checks of the controls' out-of-sample z failed."),
]  # fmt: skip


@pytest.mark.parametrize(("figure", "facts", "words"), FIGURES)
def test_figures_are_told_in_words(figure, facts, words):
    assert sentences.FINDINGS[figure](facts) == words


def test_every_figure_that_says_its_finding_is_tried():
    assert set(sentences.FINDINGS) - {figure for figure, *_ in FIGURES} == {
        "survival_stage", "covariance", "brain_t", "boxes", "stage", "similarity",
    }  # fmt: skip


def test_survival_is_told_of_the_split_that_a_figure_draws():
    row = {"outcome": "SPMS", "split": "subtype", "n": 137, "n_events": 20, "p": 0.003, "n_smallest": 25, "reason": ""}
    d = disease(**{"clinical/logrank": pd.DataFrame([row, row | {"split": "stage", "p": 0.5}])})
    assert "differs between subtypes" in sentences.FINDINGS["survival"](d)
    assert "does not differ detectably between thirds" in sentences.FINDINGS["survival_stage"](d)
    assert "thirds" not in sentences.FINDINGS["survival"](d) and "subtypes" not in sentences.FINDINGS["survival_stage"](
        d
    )
    bad = disease(diagnostics=diagnostics(1.3), **{"clinical/logrank": pd.DataFrame([row])})
    assert sentences.FINDINGS["survival"](bad) == ""


def test_lines_begin_with_a_capital_but_for_names_that_have_theirs_within():
    assert [sentences.capital(w) for w in ("a first relapse: x", "death: x", "pEDSS: x", "SPMS: x", "")] == [
        "A first relapse: x", "Death: x", "pEDSS: x", "SPMS: x", ""
    ]  # fmt: skip
    row = {"outcome": "death", "split": "stage", "n": 137, "n_events": 20, "p": 0.003, "n_smallest": 25, "reason": ""}
    lines = sentences.clinical_sentences(disease(**{"clinical/logrank": pd.DataFrame([row])}))
    assert any(line.startswith("Death: survival differs between thirds") for line in lines)


def test_columns_of_people_are_told_as_the_outcome_they_hold():
    d = disease({"clinical": {"outcomes": [{"name": "EDSS", "column": "edss"}, {"name": "no column"}]}})
    said_ = [d.in_words(c) for c in ("edss", "strata of edss", "site_id", "strata of site", "etiv")]
    assert said_ == ["EDSS", "strata of EDSS", "site id", "strata of site", "head size"]


def checks_of(failed, n):
    return study(
        **{"normative/diagnostics": pd.DataFrame({"harmonisation": "after", "passed": [i >= failed for i in range(n)]})}
    )


def test_conditions_at_their_edges():
    """Facts just beyond a condition, on either side."""
    assert "healthy_better" in told(disease(selection=selection(1, healthy=4.5), **ONE))
    within = {0: 90.0, 1: 30.0, 2: 3.5, 3: 0.0, 4: 9.0}
    assert "number_within" not in told(disease({"sustain": {"n_subtypes": 2}}, selection=selection(2, within)))
    assert "number_within" not in told(disease(selection=selection(1, {0: 90.0, 1: 3.0, 2: 0.0}), **ONE))
    for normal, expected in ((3, True), (5, False)):  # of 83 and 85 people
        assert ("nearly_all_staged" in told(disease(subtypes=people(normal=normal)))) is expected
    nobody = {"names": names((0,), ("cortical",)), "subtypes": people((0,), names=("one",)), "selection": selection(1)}
    assert "empty_subtype" not in told(disease(**nobody))
    assert "clinical_not_testable" not in told(disease(**{"clinical/associations": None}))
    single = nuisance().query("label == 'subtype' and variable == 'sex'")
    assert "follows_nothing" in told(disease(**{"clinical/nuisance": single}))
    apart = pd.DataFrame({"subtype": [1, 2], "tau": [0.95, 0.6], "tau_chance": 0.1})
    assert told(disease(stability=apart))["folds_agree"] is True
    for failed, n, warns in ((1, 8, True), (1, 10, False)):
        assert told(checks_of(failed, n), ("norms",))["checks_failed"] is warns
    stranger = pd.DataFrame([{"step": "segmentation without participant", "excluded": 3, "who": "x"}])
    assert told(study(**{"features/flow": stranger}), ("people",))["strangers"] is True


def test_measured_is_what_somebody_has():
    z = study().tables["normative/zscores"].copy()
    z.loc[1:, "thalamus"], z["frontal"] = np.nan, np.nan
    assert study(**{"normative/zscores": z}).measured["biomarker"].tolist() == ["cord_csa", "thalamus"]


def test_what_variants_of_the_model_say_comes_first():
    """The report's first sentence on the number: it hangs on the model of the noise, or does not."""
    tried = pd.DataFrame({"variant": ["a", "b"], "n_subtypes": [2, 3], "chosen": [True, True]})
    assert said(disease(variants=tried), "number")[0].name == "other_variants"
    assert said(disease(), "number")[0].name == "number_best"


def test_cautions_that_say_whether_stages_mean_anything_are_never_folded(tmp_path):
    """However many others there are: the gap, the controls' share, a stage that is the mean z, what hangs on the noise."""
    tried = pd.DataFrame({"variant": ["a", "b"], "n_subtypes": [2, 3], "chosen": [True, True]})
    bad = {
        "variants": tried, "baselines": LIKE, "event_order": ORDER, "controls": controls(0.75),
        "selection": selection(gaussian=7.25, healthy=4.5), "names": names((9, 71)), "subtypes": people((9, 71), stages=[[1, 2, 20], [1, 2, 3, 20, 21]]),
        "starts": pd.DataFrame({"polished_log_likelihood": [-10.0, -12.5], "label_disagreement": [0.0, 0.3]}),
    }  # fmt: skip
    s = study([disease(diagnostics=diagnostics(1.2), **bad)], sites=("a",))
    cautions = [w.name for w in sentences.warnings_first(s)]
    top = {"other_variants", "stage_gap", "controls_are_staged", "staged_like_controls", "stage_is_mean_z", "chains"}
    assert top <= set(cautions) and len(cautions) > 8
    html = page.render(s, tmp_path, title="t", logs=tmp_path, people=False)
    shown = html[html.index("What not to believe") : html.index("more cautions")].partition("<details>")[0]
    for w in sentences.warnings_first(s):
        if w.name in top:
            assert str(escape(w.text)) in shown, w.name


def test_the_top_of_the_page_says_how_sure_the_number_is():
    variants = pd.DataFrame({"variant": ["a", "b", "b"], "n_subtypes": [2, 1, 3], "chosen": [True, False, True]})
    assert sentences.surety(disease(variants=variants)) == (
        "variants of the model support 2, 3; in healthy people 0; 100% of the staged with a subtype of probability 0.9 or more"
    )
    one = disease(selection=selection(1), negative_control=None, diagnostics=diagnostics(1.2), **ONE)
    assert sentences.surety(one) == "the chains have not converged"
    nobody = disease(names=names((0, 0)), subtypes=people((0, 0), 20), negative_control=None)
    assert sentences.surety(nobody) == "" and "variant" not in sentences.surety(disease(variants=variants[:1]))


def found(name, facts):
    return sentences.FINDINGS[name](facts)


def test_the_t_maps_say_which_regions_differ_most():
    rows = [
        ("cortical", "thalamus", 2.0, 0.01),
        ("cortical", "frontal", -4.25, 0.001),
        ("cortical", "cord_csa", 9.0, 0.2),
        ("spinal cord", "thalamus", 0.1, 0.9),
    ]
    maps = {"clinical/maps": pd.DataFrame(rows, columns=["group", "biomarker", "t", "q"]).assign(n=20, mean_z=0.0)}
    assert found("brain_t", disease(**maps)) == (
        "Spinal cord: 0 of 1 region at q < 0.05. Cortical: 2 of 3 regions at q < 0.05, most Frontal cortex (t -4.2) and Thalamus (t +2.0)."
    )
    assert found("brain_t", disease(selection=selection(1), **ONE, **maps)) == found("brain_t", disease()) == ""


def test_boxes_say_which_measures_differ():
    rows = [
        association(),
        association(outcome="SDMT", q=0.4),
        association(outcome="SDMT", kind="atrophy", q=0.4),
        association(outcome="x", reportable=False),
    ]
    of = {"clinical/associations": pd.DataFrame(rows)}
    assert found("boxes", disease(**of)) == (
        "Between subtypes, EDSS differs (q < 0.05; 2 measures tested). Between any atrophy and none, nothing differs detectably "
        "(q < 0.05; 1 measure tested)."
    )
    both = {"clinical/associations": pd.DataFrame([*rows[:1], association(outcome="SDMT")])}
    assert "EDSS and SDMT differ (" in found("boxes", disease(**both))
    assert found("boxes", disease(diagnostics=diagnostics(1.2), **of)) == ""
    assert found("boxes", disease(**{"clinical/associations": pd.DataFrame([rows[-1]])})) == ""


def test_curves_say_what_goes_with_stage():
    rows = [
        ("EDSS", "cortical", 0.3, 0.1, 0.5),
        ("EDSS", "cortical", 0.3, 0.1, 0.5),
        ("SDMT", "cortical", -0.4, -0.6, -0.2),
        ("x", "cortical", 0.1, -0.1, 0.3),
        ("x", "spinal cord", 0.1, np.nan, np.nan),
    ]
    of = {
        "clinical/stage_curves": pd.DataFrame(
            rows, columns=["outcome", "subtype", "kendall_tau", "tau_low", "tau_high"]
        )
    }
    assert found("stage", disease(**of)) == (
        "Cortical: SDMT (tau -0.40) and EDSS (tau 0.30) of 3 measures go with stage by an interval of tau without 0. "
        "Spinal cord: nothing of 1 measure goes with stage by an interval of tau without 0."
    )
    assert found("stage", disease(selection=selection(1), **ONE, **of)).startswith("SDMT")
    assert found("stage", disease(diagnostics=diagnostics(1.2), **of)) == found("stage", disease()) == ""


def test_likeness_of_orders_names_the_most_and_the_least_alike():
    rows = [
        ("MS", "a", "NMOSD", "b", 0.4),
        ("MS", "a", "NMOSD", "c", -0.2),
        ("MS", "a", "MS", "d", 0.9),
        ("MS", "d", "NMOSD", "b", np.nan),
    ]
    table = pd.DataFrame(rows, columns=["disease_a", "name_a", "disease_b", "name_b", "tau"]).assign(tau_chance=0.2)
    of = study(**{"sustain/crossdisease/similarity": table})
    assert (
        found("similarity", of)
        == "Of two diseases most alike are MS a and NMOSD b (tau 0.40), least MS a and NMOSD c (tau -0.20); two random orders: 0.20."
    )
    assert (
        found("similarity", study(**{"sustain/crossdisease/similarity": table[:1]}))
        == "MS a and NMOSD b (tau 0.40); two random orders: 0.20."
    )
    assert found("similarity", study(**{"sustain/crossdisease/similarity": table[2:]})) == ""


def test_nothing_of_chains_that_disagree_stands_in_the_summary(tmp_path):
    """People, orders and certainty by subtype: told in the summary of a model whose chains agree alone."""
    from neuraxis.figures.declared import ALL
    from neuraxis.report import page

    for r_hat, there in ((1.001, True), (1.3, False)):
        d = disease(diagnostics=diagnostics(r_hat))
        text = page.render(study([d]), tmp_path, title="t", logs=tmp_path, people=False)
        summary = text.partition('<section id="summary"')[2].partition("<h3>Who</h3>")[0]
        cards = summary.partition('<div class="cards">')[2]
        assert ("Kendall" in cards) == ("median stage" in cards) == ("of probability 0.9" in summary) == there
        assert ("EDSS" in cards) == there and ("chains have not converged" in cards.lower()) != there
        assert (
            "highest mean z" in page.alt_text(ALL["mean_z"], d) or "median stage" in page.alt_text(ALL["mean_z"], d)
        ) == there
        assert ("may change" in page.alt_text(ALL["mean_z"], d)) != there
