"""Every condition of a sentence exactly at its threshold and one step beyond: counts, shares, p, q, correlations, gains."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from facts_of import association, diagnostics, disease, names, nuisance, people, selection, study

from neuraxis.clinical.treatment import CONFOUNDED, INTERACTION
from neuraxis.labels import NORMAL
from neuraxis.report import sentences
from neuraxis.report.sentences import (
    family_sentences,
    linking_sentences,
    nested_sentences,
    number,
    prediction_sentences,
    reported_sentences,
    said,
    slope_sentences,
    survival_sentences,
    treatment_sentences,
    trial_sentences,
)


def warns(facts, name):
    """Whether a sentence warns; None where it is not told."""
    places = (
        ("people", "norms") if not hasattr(facts, "ranked") else ("number", "model", "labels", "nuisance", "clinical")
    )
    return next((s.warn for s in said(facts, *places) if s.name == name), None)


def text(facts, name):
    places = (
        ("people", "norms") if not hasattr(facts, "ranked") else ("number", "model", "labels", "nuisance", "clinical")
    )
    return " ".join(s.text for s in said(facts, *places) if s.name == name)


def controls(staged):
    return pd.DataFrame({"quantity": ["share of controls at stage 1 or above"], "value": [staged]})


def crowd(normal, staged=50):
    """One half of the staged in each of two subtypes, and so many normal-appearing."""
    half = staged // 2
    return {"names": names((half, staged - half)), "subtypes": people((half, staged - half), normal)}


# ---------------------------------------------------------------- words of numbers


def test_numbers_below_a_tenth_have_two_digits_and_others_two_decimals():
    got = [number(v) for v in (0.1, -0.1, 0.0999, -0.0999, 0.00123, 12.346, 0.0, -0.0)]
    assert got == ["0.10", "-0.10", "0.1", "-0.1", "0.0012", "12.35", "0.00", "0.00"]
    assert number(0.0949) == "0.095" and number(0.104) == "0.10"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("cortical: x", "Cortical: x"),
        ("pEDSS rises", "pEDSS rises"),
        ("late, then", "Late, then"),
        ("", ""),
        ("a", "A"),
    ],
)
def test_a_sentence_begins_with_a_capital_but_for_names_that_have_theirs_within(line, shown):
    assert sentences.capital(line) == shown


@pytest.mark.parametrize(
    ("kind", "estimate", "words"),
    [("ordinal", 1.0, "lower odds"), ("ordinal", 1.01, "higher odds"), ("continuous", 0.0, "lower"), ("continuous", 0.01, "higher"),
     ("continuous", 0.9, "higher"), ("ordinal", 0.9, "lower odds")],
)  # fmt: skip
def test_effects_point_up_above_one_or_above_nought(kind, estimate, words):
    assert sentences.meaning(SimpleNamespace(type=kind, estimate=estimate, outcome="o")).startswith(words)


def line(label=None, draws=None, **changes):
    row = SimpleNamespace(**association(**changes))
    return sentences.sentence(row, *(SimpleNamespace(**v) if v else None for v in (label, draws)))


def test_a_result_says_what_it_has_and_nothing_of_what_it_has_not():
    assert line() == (
        "Cortical against the other subtypes: higher odds of a higher EDSS, adjusted for stage, age and sex "
        "(OR 2.50, 95 % interval 1.31 to 4.77; 30 against 50 people; q = 0.012)."
    )
    stage = {"kind": "stage", "contrast": "stage", "subtype": "", "n_against": 0}
    assert line(**stage, unit="3 stages", n_events=1, covariates="") == (
        "Later stage: higher odds of a higher EDSS per 3 stages (1 SD), unadjusted (OR 2.50, 95 % interval 1.31 to 4.77; "
        "30 people, 1 event; q = 0.012)."
    )
    assert "per " not in line(unit="3 stages") and "per " not in line(**stage, unit=np.nan) + line(**stage, unit="")
    assert ", adjusted for stage (OR" in line(covariates=np.nan) and ", adjusted for age (OR" in line(
        **stage, covariates="age"
    )
    assert "; 1 against 1 person; q" in line(n_group=1, n_against=1) and "; 1 person; q" in line(n_group=1, n_against=0)
    assert line(warning="only 8 events").endswith("q = 0.012). Note: only 8 events.") and "Note" not in line(
        warning=np.nan
    )


@pytest.mark.parametrize(("p", "told"), [(0.0499, False), (0.05, True), (0.2, True), (np.nan, False)])
def test_draws_that_include_no_effect_are_told(p, told):
    assert ("With labels imputed" in line(draws={"p": p})) == told
    assert "By most probable" not in line(label={"estimate": np.nan, "low": 1.0, "high": 2.0})
    assert line(label={"estimate": 1.5, "low": 1.0, "high": 2.0}).endswith(
        "By most probable label: 1.50 (1.00 to 2.00)."
    )


# ---------------------------------------------------------------- rows of tables


@pytest.mark.parametrize(("q", "found"), [(0.0499, 1), (0.05, 0)])
def test_a_q_of_exactly_a_twentieth_is_not_found(q, found):
    lines = family_sentences(pd.DataFrame([association(q=q)]), "disability", "MS")
    assert (lines[0].partition(", ")[2], len(lines)) == (
        f"disability: 1 of 1 contrast tested, {found} pass{'es' if found else ''} a false-discovery rate of 5 %.", 2,
    )  # fmt: skip
    assert lines[1].startswith("Cortical against" if found else sentences.NOT_FOUND)
    d = disease(**{"clinical/associations": pd.DataFrame([association(q=q)])})
    assert (warns(d, "clinical_headline") is None, warns(d, "clinical_nothing_found") is None) == (
        not found,
        bool(found),
    )


def test_results_stand_by_their_q_and_four_are_told_at_the_top_one_of_an_outcome_and_kind():
    rows = [association(outcome=o, q=q, subtype=s) for o, q, s in (
        ("A", 0.04, "cortical"), ("B", 0.001, "cortical"), ("A", 0.002, "spinal"), ("C", 0.003, "cortical"),
        ("D", 0.01, "cortical"), ("E", 0.02, "cortical"))]  # fmt: skip
    rows += [
        association(
            outcome="F", kind="any difference", method="label", q=1e-5, contrast="any difference between subtypes"
        )
    ]
    d = disease(**{"clinical/associations": pd.DataFrame(rows)})
    got = [s.text for s in said(d, "clinical") if s.name == "clinical_headline"]
    assert got[0].startswith("7 of 7 clinical contrasts that could be tested pass a")
    assert [t.partition("higher EDSS")[0].partition("of a higher ")[2].partition(",")[0] for t in got[1:]] == [
        "B",
        "A",
        "C",
        "D",
    ]
    assert "Spinal against" in got[2]
    one = disease(
        selection=selection(1), **{"clinical/associations": pd.DataFrame(rows), "names": names((80,), ("x",))}
    )
    assert warns(one, "clinical_not_testable") is True  # nothing is compared between subtypes


@pytest.mark.parametrize(
    ("changes", "words"),
    [({}, "differs between subtypes of staged people (10 events among 80; unadjusted log-rank p = 0.049"), ({"p": 0.05}, "does not differ detectably"),
     ({"n_events": 9}, "too few to tell anything of survival between subtypes (9 events, smallest group 20; at least 10 events and 20 people"),
     ({"n_smallest": 19}, "too few to tell anything"), ({"p": np.nan}, "no log-rank test between subtypes, why."),
     ({"split": "stage"}, "differs between thirds of stage"), ({"split": "stage in cortical"}, "")],
)  # fmt: skip
def test_survival_of_just_enough_people_and_events(changes, words):
    row = {"outcome": "o", "split": "subtype", "p": 0.049, "n": 80, "n_events": 10, "n_smallest": 20, "reason": "why"}
    assert words in " ".join(survival_sentences(pd.DataFrame([row | changes]))) and (
        bool(words) == bool(survival_sentences(pd.DataFrame([row | changes])))
    )
    assert bool(survival_sentences(pd.DataFrame([row | changes]), 1)) == (changes.get("split") == "stage")


@pytest.mark.parametrize(
    ("n_events", "p", "words"),
    [(0, 0.01, "add to A (p = 0.01; 90 people): "), (9, 0.01, ""), (10, 0.01, "add to A (p = 0.01; 90 people, 10 events): "),
     (np.nan, 0.05, "add to no outcome: "), (1, 0.01, ""), (0, 0.0499, "add to A (p = 0.05; ")],
)  # fmt: skip
def test_nested_models_of_few_events_are_not_told(n_events, p, words):
    row = {"outcome": "A", "model": "mean z", "p": p, "n": 90, "n_events": n_events}
    told = " ".join(nested_sentences(pd.DataFrame([row])))
    assert (words in told) if words else not told
    assert not words or told.startswith("Beyond mean z, subtype and stage add") and "of 1 outcome, p not" in told
    assert not words or "atrophy and stage add" in " ".join(nested_sentences(pd.DataFrame([row]), 1))
    assert nested_sentences(pd.DataFrame([row | {"model": "subtype and stage"}])) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [({}, "Follow-up, staged a: stage changes by 0.50 stages a year (95 % interval 0.10 to 0.90; 20 people, 41 scans)."),
     ({"group": NORMAL, "quantity": "mean z"}, f"Follow-up, {NORMAL}: mean z changes by 0.50 SD of the controls a year (95"),
     ({"n_people": 19}, ""), ({"slope": np.nan}, ""), ({"quantity": "x"}, "x changes by 0.50 a year")],
)  # fmt: skip
def test_slopes_of_twenty_people_are_told(changes, words):
    row = {"group": "a", "slope": 0.5, "low": 0.1, "high": 0.9, "n_people": 20, "n_scans": 41, "quantity": "stage"}
    told = " ".join(slope_sentences(pd.DataFrame([row | changes])))
    assert (words in told) if words else not told


TREATED = {"outcome": "W", "subtype": "", "treatment": "drug", "reference": "none", "estimate": 0.5, "low": 0.25, "high": 0.98,
           "p": 0.049, "n": 90, "n_events": 30, "n_treated": 40, "covariates": "age, sex", "reportable": True}  # fmt: skip


def test_treatments_are_told_with_the_warning_that_goes_with_them():
    told = treatment_sentences(pd.DataFrame([TREATED]))
    assert told == [
        "W by treatment, all staged people: drug against none (HR 0.50, 95 % interval 0.25 to 0.98; 40 treated of 90, 30 events; "
        "p = 0.049, the only comparison, not corrected; adjusted for age, sex).",
        CONFOUNDED,
    ]
    other = TREATED | {"subtype": "cortical", "p": 0.05, "covariates": np.nan}
    assert treatment_sentences(pd.DataFrame([other])) == [] == treatment_sentences(pd.DataFrame())
    both = treatment_sentences(pd.DataFrame([other | {"p": 0.01}, TREATED]))
    assert (
        len(both) == 3
        and both[0].startswith("W by treatment, cortical: ")
        and "one of 2 comparisons, not corrected)" in both[0]
    )
    apart = TREATED | {"subtype": INTERACTION, "treatment": ""}
    assert [treatment_sentences(pd.DataFrame([apart | {"p": p}]))[0] for p in (0.049, 0.05)] == [
        f"W: what goes with treatment {verb} between subtypes (interaction, p = {p}, 30 events)."
        for verb, p in (("differs", 0.049), ("does not differ detectably", 0.05))
    ]
    assert "the only comparison" in treatment_sentences(pd.DataFrame([TREATED, apart]))[0]
    assert treatment_sentences(pd.DataFrame([TREATED | {"reportable": False}, TREATED | {"p": np.nan}])) == []


def predicted(*added, first=0.51, outcome="W"):
    row = {"outcome": outcome, "model": "clinical", "n": 90, "n_events": 30, "c": 0.6, "c_low": first, "c_high": 0.7}
    rows = [row]
    for name, low, high in added:
        rows.append(
            row | {"model": name, "added": (low + high) / 2, "added_low": low, "added_high": high, "c_low": 0.4}
        )
    return pd.DataFrame(rows)


def test_what_adds_nothing_exactly_is_not_called_an_addition_nor_a_harm():
    start = "W, in people not used to fit (30 events among 90): C index 0.600 (0.510 to 0.700) from clinical data"
    assert prediction_sentences(predicted()) == [f"{start}."]
    (told,) = prediction_sentences(
        predicted(("+ mean z", 0.0, 0.2), ("+ stage", 0.001, 0.099), ("+ subtype", -0.2, 0.0))
    )
    assert told == (
        f"{start}; with mean z 0.600 (+0.100, +0.000 to +0.200); with stage 0.600 (+0.050, +0.001 to +0.099); "
        "with subtype 0.600 (-0.100, -0.200 to +0.000). Detectably added by stage. "
        "Nothing is detectably added by mean z and subtype."
    )
    (told,) = prediction_sentences(predicted(("+ stage", -0.2, -0.001)))
    assert told.endswith("by stage. The prediction is detectably worse with stage than without.")
    assert "than chance" in prediction_sentences(predicted(first=0.5))[0] and "chance" not in told
    lacking = predicted(("+ stage", 0.1, 0.2)).assign(added=np.nan)
    assert "stage" not in prediction_sentences(lacking)[0]
    assert (
        prediction_sentences(predicted().assign(c=np.nan))
        == []
        == prediction_sentences(predicted().assign(model="+ stage"))
    )
    two = pd.concat([predicted(outcome="Z"), predicted(outcome="A")])
    assert [t[:1] for t in prediction_sentences(two)] == ["Z", "A"]


@pytest.mark.parametrize(("low", "p", "linked"), [(0.0, 0.049, True), (0.001, 0.049, False), (-0.1, 0.05, False)])
def test_what_adds_by_the_test_alone_is_linked(low, p, linked):
    nested = pd.DataFrame([{"outcome": "W", "model": "mean z", "p": p, "n": 90, "n_events": 30}])
    assert bool(linking_sentences(nested, predicted(("+ stage", low, 0.2), ("+ mean z", 0.1, 0.2)))) == linked


def enrolled(group, n, low, high, **more):
    row = {
        "outcome": "W",
        "group": group,
        "n": 1200,
        "n_events": 30,
        "n_per_arm": n,
        "n_per_arm_low": low,
        "n_per_arm_high": high,
    }
    return row | {"years": 2.0, "hazard_ratio": 0.7, "power": 0.8, "reportable": True} | more


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(200.0, 999.0, "; its interval lies below the number of everyone."), (200.0, 1000.0, ": not detectably fewer, its"),
     (1000.0, 1200.0, ": not detectably fewer, its"), (1001.0, 1200.0, ": more than everyone.")],
)  # fmt: skip
def test_a_trial_of_the_best_group_beside_everyone_s(low, high, words):
    rows = [
        enrolled("everyone", 1000.0, 800.0, np.nan),
        enrolled("a", 700.0, low, high),
        enrolled("b", 900.0, 1.0, 2.0),
    ]
    (told,) = trial_sentences(pd.DataFrame(rows))
    assert told.startswith(
        "A 2-year trial of W (hazard ratio 0.7, power 80%) would need 1,000 people per arm (95 % interval 800 to no limit; 30 "
        "events among 1,200) enrolling everyone, and 700 ("
    )
    assert f"enrolling a, the best of 2 groups that were looked at{words}" in told
    assert "the only group that was looked at" in trial_sentences(pd.DataFrame(rows[:2]))[0]
    assert trial_sentences(pd.DataFrame(rows[:1])) == [] == trial_sentences(pd.DataFrame(rows[1:]))
    assert trial_sentences(pd.DataFrame([r | {"reportable": False} for r in rows])) == []


def test_claims_are_counted_in_the_number_that_agrees():
    def told(*verdicts):
        return reported_sentences(pd.DataFrame({"verdict": verdicts}))

    assert told("agrees", "not testable: few", "agrees", "contradicts") == [
        "Of 4 findings of the published study (Zhuo et al. 2025): 2 agree; 1 could not be tested; 1 contradicts."
    ]
    assert (
        told("contradicts") == ["Of 1 finding of the published study (Zhuo et al. 2025): 1 contradicts."]
        and told() == []
    )


# ---------------------------------------------------------------- sentences of a study


@pytest.mark.parametrize(("out", "lost"), [(10, None), (11, True)])
def test_a_tenth_of_a_group_may_leave(out, lost):
    flow = pd.DataFrame([{"step": "s", "group": g, "n": n, "excluded": e, "who": ""} for g, n, e in (
        ("MS", 100, out - 1), ("MS", 90, 1), ("HC", 60, 6), ("RIS", 3, 3))])  # fmt: skip
    assert warns(study(**{"cohort/flow": flow}), "many_lost") is lost
    assert lost is None or text(study(**{"cohort/flow": flow}), "many_lost").startswith("11% of MS were excluded")


@pytest.mark.parametrize(("failed", "warn"), [(0, False), (1, False), (2, True)])
def test_a_tenth_of_the_checks_of_norms_may_fail(failed, warn):
    table = pd.DataFrame({"harmonisation": "after", "passed": [i >= failed for i in range(10)]})
    table = pd.concat([table, table.assign(harmonisation="before", passed=False)])
    s = study(**{"normative/diagnostics": table})
    assert warns(s, "checks_failed") is warn and text(s, "checks_failed").startswith(
        f"{failed} of 10 checks of the controls'"
    )


def test_people_of_groups_that_left_at_another_step_or_of_whom_nobody_left_are_no_other_groups():
    def of(step, excluded):
        flow = pd.DataFrame([{"step": step, "group": "RIS", "n": 0, "excluded": excluded, "who": ""}])
        return text(study(**{"cohort/flow": flow}), "other_groups")

    assert of("group of the study", 1) == "In the table of participants, but no part of this study: RIS (1 person)."
    assert of("group of the study", 0) == of("quality rules", 3) == ""


def test_segmentations_of_nobody_are_summed():
    rows = [("segmentation without participant", 1), ("quality rules", 9), ("segmentation without participant", 2)]
    flow = pd.DataFrame([{"step": s, "group": np.nan, "n": np.nan, "excluded": n, "who": ""} for s, n in rows])
    assert text(study(**{"features/flow": flow}), "strangers").startswith("3 segmentations belong to nobody")
    assert text(study(**{"features/flow": flow[:1]}), "strangers").startswith("1 segmentation belongs to nobody")


def test_without_diseases_nothing_is_said_of_their_scans_and_outcomes():
    s = study([], config={"clinical": {"outcomes": []}})
    assert {x.name for x in said(s, "people")} == {"no_disease"}
    both = {x.name for x in said(study(config={"clinical": {"outcomes": []}}), "people")}
    assert both == {"no_follow_up", "no_outcomes"}


# ---------------------------------------------------------------- sentences of a disease


@pytest.mark.parametrize(
    ("staged", "normal", "name", "told"),
    [(0.05, 20, "controls_are_staged", None), (0.051, 20, "controls_are_staged", True),
     (0.75, 20, "staged_like_controls", True), (0.65, 20, "staged_like_controls", None), (0.9, 20, "staged_like_controls", True),
     (0.3, 5, "nearly_all_staged", None), (0.3, 2, "nearly_all_staged", True), (0.5, 2, "nearly_all_staged", None),
     (0.49, 2, "nearly_all_staged", True)],
)  # fmt: skip
def test_shares_of_the_staged_and_of_the_controls(staged, normal, name, told):
    d = disease(controls=controls(staged), names=names((40, 40)), subtypes=people((40, 40), normal))
    assert warns(d, name) is told


def test_a_single_person_is_counted_as_one():
    d = disease(controls=controls(1.0), names=names((1, 0)), subtypes=people((1, 0), 0))
    assert text(d, "how_many_staged").startswith("1 of 1 person with MS are staged; 0% are normal-appearing")
    assert warns(d, "staged_like_controls") is True
    nobody = disease(names=names((0, 0)), subtypes=people((1, 0), 0).iloc[:0])
    assert warns(nobody, "how_many_staged") is None and warns(nobody, "staged_like_controls") is None
    assert warns(nobody, "how_sure") is None


@pytest.mark.parametrize(("rho", "told"), [(0.9, True), (-0.9, True), (0.899, None)])
def test_a_stage_is_the_mean_z_from_nine_tenths_on(rho, told):
    like = pd.DataFrame([{"baseline": "mean z", "people": p, "value": v} for p, v in (("all", 0.1), ("staged", rho))])
    assert warns(disease(baselines=like), "stage_is_mean_z") is told


@pytest.mark.parametrize(
    ("sizes", "empty", "small"),
    [((0, 80), True, None), ((1, 79), None, True), ((19, 61), None, True), ((20, 60), None, None)],
)
def test_subtypes_of_nobody_and_of_few(sizes, empty, small):
    d = disease(names=names(sizes), subtypes=people(sizes))
    assert (warns(d, "empty_subtype"), warns(d, "small_subtype")) == (empty, small)
    assert small is None or f"cortical ({sizes[0]} pe" in text(d, "small_subtype")


@pytest.mark.parametrize(("sure", "warn"), [(0.5, False), (0.49, True)])
def test_labels_are_unsure_below_a_half(sure, warn):
    table = people((50, 50), 0)
    unsure = table.index >= round(100 * sure)
    table.loc[unsure, ["oof_p_subtype1", "oof_p_subtype2"]] = 0.5
    d = disease(subtypes=table, names=names((50, 50)))
    assert warns(d, "how_sure") is warn and text(d, "how_sure").startswith(f"{sure:.0%} of the staged")


@pytest.mark.parametrize(("gain", "told"), [(0.0, None), (0.1, True), (-0.1, None)])
def test_models_that_predict_better_by_anything_are_told(gain, told):
    assert warns(disease(selection=selection(healthy=gain)), "healthy_better") is told
    assert warns(disease(selection=selection(gaussian=gain)), "gaussian_better") is told
    none = disease(
        selection=selection(0, {0: 0.0, 1: 3.0}, healthy=gain), names=names((80,), ("x",)), subtypes=people((80,))
    )
    assert warns(none, "healthy_better") is None


def test_the_largest_number_tried_is_one_of_several():
    assert (
        warns(
            disease(selection=selection(1, {0: 9.0, 1: 0.0}), names=names((80,), ("x",)), subtypes=people((80,))),
            "number_largest",
        )
        is None
    )
    assert warns(disease(selection=selection(2, {1: 9.0, 2: 0.0})), "number_largest") is True


@pytest.mark.parametrize(
    ("gaps", "words"),
    [({0: 9.0, 2: 0.0, 3: 0.0}, " (three have the best CVIC)."), ({0: 9.0, 2: 0.0, 3: 4.25}, " (three: CVIC 4.2 above the best)."),
     ({0: 9.0, 2: 0.0}, "there are 2.")],
)  # fmt: skip
def test_three_subtypes_beside_the_number_of_simulated_people(gaps, words):
    assert text(disease(simulated=True, selection=selection(2, gaps)), "published_three").endswith(words)


@pytest.mark.parametrize(("tau", "warn"), [(0.7, False), (0.69, True)])
def test_orders_agree_from_seven_tenths_on(tau, warn):
    folds = pd.DataFrame({"subtype": [1, 2, 1, 2], "tau": [tau - 0.1, 0.9, tau + 0.1, 0.9], "tau_chance": 0.1})
    assert warns(disease(stability=folds), "folds_agree") is warn
    sites = pd.DataFrame({"site": ["a", "b"], "subtype": 1, "tau": [tau, 0.9], "same_label": 0.9, "reason": ""})
    assert warns(disease(sites=sites), "sites_agree") is warn
    assert warns(disease({"sustain": {"leave_site_out": False}}, sites=sites), "sites_agree") is None


@pytest.mark.parametrize(
    ("differs", "told"), [([0.0, 0.05], None), ([0.0, 0.051], True), ([0.3, np.nan], None), ([0.3, 0.0], True)]
)
def test_another_optimum_labels_more_than_a_twentieth_differently(differs, told):
    starts = pd.DataFrame({"polished_log_likelihood": [-10.0, -12.5], "label_disagreement": differs})
    assert warns(disease(starts=starts), "rival_optimum") is told
    assert warns(disease(starts=None), "rival_optimum") is None
    if told:
        below = 2.5 if differs[0] == 0 else 0.0
        assert f"another optimum, {below} nats below the best; it labels {max(differs):.0%}" in text(
            disease(starts=starts), "rival_optimum"
        )


@pytest.mark.parametrize(("p", "told"), [(0.05, None), (0.0499, True)])
def test_a_nuisance_passes_below_a_twentieth(p, told):
    d = disease(**{"clinical/nuisance": nuisance(p)})
    assert warns(d, "follows_nuisance") is told and (warns(d, "follows_nothing") is None) == bool(told)


@pytest.mark.parametrize(
    ("site", "variable", "words"),
    [("none", "site", "scanners and not disease (there is no site term in the norms)."), ("fixed", "site", "disease, although the norms have"),
     ("fixed", "etiv", "head size (Cramer's V 0.31, n = 80, Holm's p = 0.01): it may follow the size of heads"),
     ("fixed", "sex", "the norms took it out of the measures")],
)  # fmt: skip
def test_what_a_label_follows_says_what_that_may_mean(site, variable, words):
    table = nuisance(0.01).replace({"variable": {"site": variable, "sex": "age"}})
    d = disease({"normative": {"site": site}}, **{"clinical/nuisance": table})
    assert words in text(d, "follows_nuisance") and text(d, "follows_nuisance").count("Holm") == 1


@pytest.mark.parametrize(("more", "warn"), [(2, False), (3, True)])
def test_a_tenth_of_drawn_cohorts_may_ask_for_more(more, warn):
    null = pd.DataFrame({"true_subtypes": 1, "n_people": 80, "more": [i < more for i in range(20)]})
    assert warns(disease(parametric_null=null), "drawn_with_fewer") is warn


@pytest.mark.parametrize(("k", "warn", "more"), [(0, False, False), (1, True, False), (2, True, True)])
def test_a_negative_control_that_finds_one_order_warns(k, warn, more):
    rows = [
        {"variant": "a", "n_subtypes": j, "chosen": j == k, "n_people": n, "note": "a note"}
        for j, n in ((2, 90), (0, 90), (1, 90))
    ]
    ((told, warned),) = sentences.control_sentences(pd.DataFrame(rows))
    assert warned is warn and ("no evidence of disease" in told) == more and told.endswith("(a note).")
    assert f"finds {k} subtype{'s' * (k != 1)} in 90 healthy people" in told


@pytest.mark.parametrize(("high", "warn"), [(0.31, False), (0.3, True)])
def test_a_probability_above_its_interval_is_too_certain(high, warn):
    row = {
        "labels": "out of fold",
        "quantity": "own",
        "class": "all",
        "n": 1,
        "stated": 0.31,
        "observed": 0.25,
        "low": 0.2,
    }
    d = disease(calibration=pd.DataFrame([row | {"high": high}]))
    assert (
        warns(d, "calibrated") is warn
        and "of own it is 31%, and 25%" in text(d, "calibrated")
        and "of 1 person came true" in text(d, "calibrated")
    )


def test_chains_are_told_and_what_rests_on_them_is_not():
    bad = disease(
        diagnostics=diagnostics(1.2),
        **{"clinical/associations": pd.DataFrame([association(), association(family="f")])},
    )
    assert [s.name for s in said(bad, "clinical")] == ["nothing_clinical"]
    lines = sentences.clinical_sentences(bad)
    assert lines[1:] == [
        "MS, disability: 1 contrast in the tables, none told.",
        "MS, f: 1 contrast in the tables, none told.",
    ]
