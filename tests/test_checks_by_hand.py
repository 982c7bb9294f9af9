"""Every check on tables of a few rows made by hand: what is just within its tolerance passes, what is just beyond is named."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tables_of import DENSE, chosen_of, clinical_of, folds_of, labelled, of_fold, problems, rows, selection

from neuraxis.checks_results import CHECKS, CheckError, Study, benjamini_hochberg, near, run_checks

Z95 = 1.959963985


def test_numbers_are_near_by_their_larger_one_and_gaps_are_alike():
    a = [100.0, 100.0, -100.0, 100.0, 0.0, 0.0, np.nan, np.nan, 1.0]
    b = [100.0019, 100.0021, -100.0019, -100.0, 9e-10, 1.1e-9, np.nan, 1.0, np.nan]
    right = [True, False, True, False, True, False, True, False, False]
    assert near(a, b).tolist() == right == near(b, a).tolist()
    assert near([1.0, 1.0], [1.0105, 1.0095], 0.01, 0.0).tolist() == [False, True]
    assert near([1.0, 1.0], [1.2, 1.4], 0.0, 0.3).tolist() == [True, False]


def test_a_few_people_are_taken_evenly_each_once():
    some = Study("").some
    assert some(["a", "b", "a", "c", "d", "b", "e"]) == ["a", "c", "e"]
    assert some([]) == [] and some(["a"]) == ["a"] and some(["b", "a"]) == ["b", "a"]
    assert Study("", n_some=2).some("abcdefg") == ["a", "g"]


def test_a_table_is_read_where_it_is_declared_and_empty_where_it_is_absent(tmp_path):
    study = Study(tmp_path)
    assert not study.has("sustain/MS/folds.tsv")
    absent = study.table("sustain/MS/heldout.tsv")
    assert absent.empty and list(absent) == ["participant_id", "fold", "gaussian"]
    with pytest.raises(Exception, match="sustain/MS/fold.tsv: no such table"):
        study.table("sustain/MS/fold.tsv")
    (tmp_path / "sustain/NMOSD").mkdir(parents=True)
    (tmp_path / "sustain/NMOSD/folds.tsv").write_text("participant_id\tfold\n007\t1\n")
    assert study.has("sustain/NMOSD/folds.tsv")
    table = study.table("sustain/NMOSD/folds.tsv")
    assert table["participant_id"].tolist() == ["007"] and study.table("sustain/NMOSD/folds.tsv") is table


def test_an_interval_may_miss_its_estimate_by_the_digits_of_the_table(tmp_path):
    # room of 100: 0.002001, of 0: 0.000001
    slope = [100.0, 100, 100, 100, 0, 0, -100, 5, np.nan]
    low = [100.0019, 100.0021, 90, 90, 0.9e-6, -1, -100.0 + 0.0021, 5, 1]
    high = [110.0, 110, 99.9981, 99.9979, 1, -1.2e-6, -90, 5, 2]
    frame = pd.DataFrame({"group": list("abcdefghi"), "quantity": "q", "slope": slope, "low": low, "high": high})
    found = problems(tmp_path, "intervals contain", {"clinical/MS/slopes.tsv": frame})
    assert rows(found) == [2, 4, 6, 7] and found[0].words == "slope is outside low to high"
    # a table without the columns of a companion's interval is not asked for them
    both = frame.assign(outcome=frame["group"], contrast="c", method="m").rename(columns={"slope": "estimate"})
    path = "clinical/NMOSD/associations.tsv"
    assert rows(problems(tmp_path, "intervals contain", {path: both})) == [2, 4, 6, 7]
    both = both.assign(partial_r=0.5, r_low=[0.1, 0.6] + [0.2] * 7, r_high=[0.4, 0.9] + [0.7] * 7)
    assert rows(problems(tmp_path, "intervals contain", {path: both}), "partial_r") == [1, 2]


def effect(value, error, ratio=False, method="label", model="OLS", p=1.0, shift=0.0, effect=None):
    """A row of associations whose p is `p` times that of its interval, and whose interval is `shift` errors aside."""
    ends = np.array([value, value + (shift - Z95) * error, value + (shift + Z95) * error])
    estimate, low, high = np.exp(ends) if ratio else ends
    return {
        "outcome": "o", "contrast": "c", "method": method, "effect": effect or ("OR" if ratio else "standardised beta"),
        "estimate": estimate, "low": low, "high": high, "p": p * 2 * stats.norm.sf(abs(value / error)), "model": model,
    }  # fmt: skip


ASSOCIATIONS = [
    (effect(0.5, 0.2), ""),
    (effect(-0.5, 0.2, ratio=True), ""),
    (effect(0.5, 0.2, p=1.015), ""),
    (effect(0.5, 0.2, p=1.025), "p"),
    (effect(0.5, 0.2, p=1 / 1.025), "p"),
    (effect(-0.5, 0.2, ratio=True, p=1.025), "p"),
    (effect(0.5, 0.2, shift=0.9e-3, ratio=True), ""),
    (effect(0.5, 0.2, shift=1.2e-3, ratio=True), "sides"),
    (effect(0.5, 0.2, shift=-1.2e-3), "sides"),
    (effect(0.5, 0.2, p=2, method="weighted"), "p"),
    (effect(0.5, 0.2, p=2, method="draws"), ""),
    (effect(0.5, 0.2, p=2, model="logistic, Firth"), ""),
    (effect(0.5, 0.2, p=2, model="Cox, jackknife over sites"), ""),
    (effect(0.5, 0.2, p=2, model=None), "p"),
    (effect(0.5, 0.2, p=2, effect="Cramer's V"), ""),
    (effect(0.6, 0.2, p=2, effect="likelihood ratio"), "p"),
    (effect(0.5, 0.2, p=np.nan), ""),
    (effect(0.002, 0.0009, p=2), ""),  # too narrow for its digits
    (effect(0.002, 0.0012, p=2), "p"),
    (effect(1.3, 0.2, p=2), ""),  # below 1e-9 nothing is asked: 1.6e-10 and not 8e-11
    (effect(1.3, 0.2, p=20), "p"),
]


def test_p_is_that_of_a_symmetric_interval_on_the_effect_s_scale(tmp_path):
    frame = pd.DataFrame([row for row, _ in ASSOCIATIONS])
    frame["outcome"] = [f"o{i:02d}" for i in range(len(frame))]
    for name in ("associations", "sensitivity"):
        table = frame.assign(row=frame["outcome"])
        found = problems(tmp_path, "intervals match", {f"clinical/MS/{name}.tsv": table})
        named = {
            w: {n for p in found if p.words.startswith(w) for n in re.findall(r"o\d\d", p.row)} for w in ("p ", "the")
        }
        if name == "associations":
            wrong = {
                w: {frame["outcome"][i] for i, (_, v) in enumerate(ASSOCIATIONS) if v == w} for w in ("p", "sides")
            }
            assert named == {"p ": wrong["p"], "the": wrong["sides"]}
        assert {p.words for p in found} == {
            "the interval is not symmetric", "p is not that of the estimate and its 95 % interval"
        }  # fmt: skip


def test_intervals_of_slopes_and_changes_are_student_s_by_hand(tmp_path):
    # t of 4 degrees at 97.5 %: 2.776445; of 1: 12.7062
    slopes = pd.DataFrame(
        {"group": list("abcd"), "quantity": "q", "n_people": [5, 5, 2, 5], "slope": [1.0, 1.0, 2.0, np.nan],
         "low": [1 - 2.776445 * 0.4, 1 - 2.776445 * 0.4, 2 - 12.7062, 0], "p": [0.066767, 0.0700, 0.295167, 0.5],
         "high": [1 + 2.776445 * 0.4, 1 + 2.776445 * 0.4, 2 + 12.7062, 9]}
    )  # fmt: skip
    found = problems(tmp_path, "intervals match", {"clinical/MS/slopes.tsv": slopes})
    assert rows(found) == [2] and "p is 0.07, and 0.06676" in found[0].words
    # half of the interval: 2.776445 * 2 / sqrt(5) = 1.788854 * 1.388... = 2.483330
    changes = pd.DataFrame(
        {"group": list("abcd"), "years": 1, "quantity": "q", "n": [5, 5, 5, 1], "sd": [2.0, 2, 2, 0]}
    )
    changes = changes.assign(
        change=3.0, low=[0.516670, 0.5169, 0.516670, 9], high=[5.483330, 5.483330, 5.4843, 9]
    )  # the last is of one person
    found = problems(tmp_path, "intervals match", {"clinical/MS/changes.tsv": changes})
    assert rows(found, "low is") == [2] and rows(found, "high is") == [3]


def test_rates_are_events_over_years_with_exact_limits(tmp_path):
    # 0 events: 0 to 3.688879; 4: 1.089865 to 10.241589 (Garwood)
    trial = pd.DataFrame(
        {
            "outcome": "o", "group": list("abcdef"), "n_events": [0, 4, 4, 4, 4, 4], "person_years": 10.0,
            "rate": [0, 0.4, 0.4, 0.4, 0.4001, np.nan], "rate_low": [0, 0.1089865, 0.10902, 0.1089865, 0.1089865, 7],
            "rate_high": [0.3688879, 1.0241589, 1.0241589, 1.0245, 1.0241589, 8],
        }
    )  # fmt: skip
    found = problems(tmp_path, "intervals match", {"clinical/MS/trial.tsv": trial})
    assert (rows(found, "rate is"), rows(found, "rate_low is"), rows(found, "rate_high is")) == ([5], [3], [4])


def test_five_rows_of_a_column_are_named_at_most(tmp_path):
    trial = pd.DataFrame({"outcome": "o", "group": list("abcdefgh"), "n_events": 0, "person_years": 1.0, "rate": 3.0})
    trial = trial.assign(rate_low=0.0, rate_high=3.688879)
    assert rows(problems(tmp_path, "intervals match", {"clinical/MS/trial.tsv": trial})) == [1, 2, 3, 4, 5]


def test_q_is_of_a_family_kind_and_method_each_by_itself(tmp_path):
    assert benjamini_hochberg(np.array([0.5, 0.6, 0.01])).tolist() == pytest.approx([0.6, 0.6, 0.03])
    frame = pd.DataFrame(
        {"outcome": list("abcdefg"), "contrast": "c", "family": list("ffffggf"), "kind": ["s"] * 6 + ["t"], "method": "m",
         "p": [0.01, 0.5, 0.6, np.nan, 0.01, 0.03, 0.2], "q": [0.03, 0.6, 0.6, np.nan, 0.02, 0.03, 0.2]}
    )  # fmt: skip
    path = "clinical/MS/associations.tsv"
    assert problems(tmp_path, "q is at least p", {path: frame}) == []
    together = frame.assign(q=[0.06, *frame["q"][1:]])
    found = problems(tmp_path, "q is at least p", {path: together})
    assert len(found) == 1 and found[0].words == "q is 0.06, and 0.03 by what it is made of"
    assert problems(tmp_path, "q is at least p", {path: frame.assign(method=list("mmmmmmn"))}) == []
    assert len(problems(tmp_path, "q is at least p", {path: frame.assign(method=list("mmmmnmm"))})) == 1
    below = frame.assign(q=[0.03, 0.6, 0.6, np.nan, 0.02, 0.03, 0.2 * (1 - 3e-5)])
    assert rows(problems(tmp_path, "q is at least p", {path: below})) == [7]
    assert problems(tmp_path, "q is at least p", {path: below.assign(q=[*frame["q"][:6], 0.2 * (1 - 1e-5)])}) == []
    maps = frame.rename(columns={"outcome": "group", "contrast": "biomarker"})
    maps["q"] = [0.03, 0.6, 0.6, np.nan, 0.03, 0.06, 0.3]  # all six p together: 0.03, 0.6, 0.6, 0.03, 0.06, 0.3
    assert problems(tmp_path, "q is at least p", {"clinical/MS/maps.tsv": maps}) == []


def test_holm_s_p_by_hand(tmp_path):
    frame = pd.DataFrame({"label": "l", "variable": list("abcde"), "p": [0.03, 0.5, 0.01, np.nan, 0.7]})
    frame["p_holm"] = [0.09, 1.0, 0.04, np.nan, 1.0]  # 3 times, 2 times, 4 times, none, never below the one before
    path = "clinical/MS/nuisance.tsv"
    assert problems(tmp_path, "q is at least p", {path: frame}) == []
    found = problems(tmp_path, "q is at least p", {path: frame.assign(p_holm=[0.06, 1.0, 0.04, np.nan, 0.7])})
    assert [p.words for p in found] == [
        f"p_holm is {w} by what it is made of" for w in ("0.06, and 0.09", "0.7, and 1")
    ]
    assert problems(tmp_path, "q is at least p", {path: frame.assign(p=np.nan)}) == []


LABELS = [
    ({}, [], ""),
    ({"p_healthy": [0.5, 0.1, 0.40009, 0.8]}, [], ""),
    ({"p_healthy": [0.5, 0.1, 0.40011, 0.8]}, [3], "p_healthy and the staged probabilities sum to 1.0001"),
    ({"p_healthy": [0.5, 0.0998, 0.4, 0.8]}, [2], "p_healthy and the staged probabilities sum to"),
    ({"p_subtype1": [0.9, 0.3, 0.49999, 0.5002]}, [4], "the probabilities sum to"),
    ({"subtype": [1, 1, 2, 1]}, [2], "subtype is not the most probable one"),
    ({"subtype": [1, 2, 1, 1]}, [3], "subtype is not the most probable one"),
    ({"subtype": [1, 2, 2, 2]}, [], ""),  # a tie
    ({"stage": [3, 2, 1, 1], "stage_high": [3, 4, 2, 1]}, [4], "stage 0 is not normal-appearing"),
    ({"normal_appearing": [True, False, False, True]}, [1], "stage 0 is not normal-appearing"),
    ({"stage_low": [4, 0, 1, 0]}, [1], "stage is outside its interval"),
    ({"stage_high": [3, 1, 2, 0]}, [2], "stage is outside its interval"),
    ({"confident": [True, False, True, True]}, [2], "confident does not follow the probability"),
    ({"confident": [True, True, True, False]}, [], ""),  # half, to the digits of the table
    ({"confident": [False, True, True, True]}, [1], "confident does not follow the probability"),
]


@pytest.mark.parametrize(("changes", "named", "words"), LABELS, ids=range(len(LABELS)))
def test_probabilities_and_labels_of_four_people(tmp_path, changes, named, words):
    frame = labelled(**changes)
    for path, table, prefix in [
        ("sustain/MS/followup.tsv", frame, ""),
        ("sustain/MS/subtypes.tsv", of_fold(labelled()).assign(**dict(frame)), ""),
        ("sustain/MS/subtypes.tsv", of_fold(labelled()).assign(**dict(frame.add_prefix("oof_"))), "oof_"),
    ]:
        found = problems(tmp_path, "probabilities sum", {path: table})
        assert rows(found) == named and all(p.words.startswith(f"{prefix}{words}") for p in found)
    plain = frame.drop(columns="p_healthy")  # a model without a healthy component
    assert problems(tmp_path, "probabilities sum", {"sustain/MS/followup.tsv": plain}) == []


def test_one_subtype_alone_has_nothing_that_could_tie(tmp_path):
    frame = labelled(subtype=1, p_subtype1=1.0, p_staged_subtype1=[0.5, 0.9, 0.6, 0.2])
    frame = frame.drop(columns=["p_subtype2", "p_staged_subtype2"])
    path = "sustain/MS/followup.tsv"
    assert problems(tmp_path, "probabilities sum", {path: frame}) == []
    assert rows(problems(tmp_path, "probabilities sum", {path: frame.assign(subtype=[1, 2, 1, 1])})) == [2]


def test_mean_places_are_those_of_everyone_s_model_and_count_from_one(tmp_path):
    places = pd.DataFrame(
        {"models": ["everyone"] * 3 + ["fold 0"] * 3, "subtype": 1, "biomarker": list("abc") * 2, "threshold": 1.0,
         "place1": [0.5, 0.5, 0, 0, 0.2, 0.8], "place2": [0.5, 0.25, 0.25, 0, 0.8, 0.2], "place3": [0, 0.25, 0.75, 1, 0, 0]}
    )  # fmt: skip
    order = pd.DataFrame({"subtype": 1, "biomarker": list("bca"), "threshold": 1.0, "mean_position": [1.75, 2.75, 1.5]})
    at = {"sustain/MS/positional_variance.tsv": places, "sustain/MS/event_order.tsv": order}
    assert problems(tmp_path, "probabilities sum", at) == []
    off = {**at, "sustain/MS/positional_variance.tsv": places.assign(place3=[0, 0.25, 0.75, 1, 0.0002, 0.00005])}
    assert rows(problems(tmp_path, "probabilities sum", off), "places do not sum to 1") == [5]
    off = {**at, "sustain/MS/event_order.tsv": order.assign(mean_position=[1.753, 2.75, 1.5])}
    found = problems(tmp_path, "probabilities sum", off)
    assert rows(found) == [1] and found[0].words == "mean_position is 1.753, and 1.75 by what it is made of"
    off = {**at, "sustain/MS/event_order.tsv": order.assign(mean_position=[1.7519, 2.7519, 1.5])}  # sum 6.0038
    assert [p.row for p in problems(tmp_path, "probabilities sum", off) if "count from 1" in p.words] == ["subtype 1"]
    assert "places of 3 events do not sum to 6" in problems(tmp_path, "probabilities sum", off)[-1].words
    off = {**at, "sustain/MS/event_order.tsv": order.assign(mean_position=[1.7514, 2.7514, 1.4998])}  # sum 6.0026
    assert problems(tmp_path, "probabilities sum", off) == []


def test_the_selection_takes_the_fewest_subtypes_within_one_standard_error_and_six(tmp_path):
    # in CVIC 2 subtypes are 2 behind 3 and 1 subtype is 10 behind, with SE of 2 and 4.47: within 6 are 2 and 3
    table = selection(2)
    assert table["gap_cvic"].tolist()[2:] == [10, 2, 0] and table["gap_se"].round(2).tolist()[2:4] == [4.47, 2.0]
    assert chosen_of(tmp_path, table) == []
    for other in (0, 1, 3):
        found = chosen_of(tmp_path, selection(other))
        assert [(p.row, p.words) for p in found] == [(f"n_subtypes {other}", "the rule chooses 2")]
        assert chosen_of(tmp_path, selection(other, reason="3 subtypes: fixed in the configuration")) == []
    # one person who speaks for more subtypes widens the error: 1 subtype is 32 behind, with an SE of 21; then 20 and 20
    wide = DENSE.assign(k1=DENSE["k1"] + np.array([0.0] * 9 + [-11.0]))
    assert selection(2, wide)["gap_cvic"].tolist()[2] == 32 and chosen_of(tmp_path, selection(2, wide), wide) == []
    wide = DENSE.assign(k1=DENSE["k3"] + np.array([0.0] * 9 + [-10.0]))
    assert chosen_of(tmp_path, selection(1, wide), wide) == []
    both = selection(2)
    both.loc[3, "chosen"], both.loc[4, "chosen"] = True, True
    assert chosen_of(tmp_path, both)[0].words == "2 models are chosen"
    assert chosen_of(tmp_path, selection(9))[0].words == "0 models are chosen"


def test_everyone_healthy_may_be_the_best_of_all(tmp_path):
    health = DENSE.assign(k0=DENSE["k3"] + 0.5)
    table = selection(0, health)
    assert table["gap_cvic"].tolist()[1] == 0 and chosen_of(tmp_path, table, health) == []
    assert [p.words for p in chosen_of(tmp_path, selection(2, health), health)] == ["the rule chooses 0"]


def test_the_models_of_the_selection_are_those_of_the_densities(tmp_path):
    table = selection(2)
    found = chosen_of(tmp_path, table.iloc[:4])
    assert [p.row for p in found] == ["all rows"]
    assert found[0].words == "it has models [-1, 0, 1, 2], held-out densities have [-1, 0, 1, 2, 3]"
    without = DENSE.assign(gaussian=[np.nan] + [-8.0] * 9)  # not known of everyone: not among the models
    assert chosen_of(tmp_path, selection(2).iloc[1:], without, where="sustain/MS/variants/v") == []


@pytest.mark.parametrize(
    ("column", "factor"),
    [("heldout_loglik", 1e-4), ("cvic", 1e-4), ("cvic_se", 1e-3), ("gap_cvic", 1e-3), ("gap_se", 1e-3),
     ("delta_cvic", 1e-3), ("delta_se", 1e-3)],
)  # fmt: skip
def test_a_number_of_the_selection_may_differ_by_its_digits(tmp_path, column, factor):
    table = selection(2)
    size = abs(table.loc[2, column])
    for share, named in ((0.9, []), (1.2, [3])):
        off = table.copy()
        off.loc[2, column] += share * (factor * size + 1e-3)
        found = chosen_of(tmp_path, off)
        assert rows(found) == named and all(p.words.startswith(f"{column} is") for p in found)


def test_sums_by_fold_are_those_of_their_people(tmp_path):
    sums = folds_of(DENSE)
    for changed, words in (
        (sums.assign(n_people=[5, 4]), "n_people is 4, and 5"),
        (sums.assign(k2=[sums["k2"][0], sums["k2"][1] + 0.01]), "k2 is -26.99, and -27"),
        (sums.assign(gaussian=[-45.01, sums["gaussian"][1]]), "gaussian is -45.01, and -45"),
    ):
        found = chosen_of(tmp_path, selection(2), folds=changed)
        assert len(found) == 1 and found[0].words.startswith(words) and "heldout_folds" in found[0].table
    assert chosen_of(tmp_path, selection(2), folds=sums.iloc[::-1]) == []


# ---------------------------------------------------------------- tables and one another


def cohort_of(fold):
    """People of MS at two sites with their folds, a control, and somebody of another disease."""
    ids = list("abcdef")
    frame = pd.DataFrame({"participant_id": ids, "fold": fold})
    everyone = pd.DataFrame({"participant_id": [*ids, "hc", "nmo"], "group": ["MS"] * 6 + ["HC", "NMOSD"]})
    return {
        "normative/zscores.tsv": everyone,
        "cohort/participants.tsv": everyone.assign(site=list("xyxyxyxy")).sample(frac=1, random_state=1),
        "sustain/MS/folds.tsv": frame,
        "sustain/MS/subtypes.tsv": frame[["participant_id"]].iloc[::-1],
        "sustain/MS/heldout.tsv": frame.iloc[::-1],
    }


def test_folds_hold_all_people_once_and_sites_alike(tmp_path):
    rule = "everybody has one fold"
    good = cohort_of([0, 0, 1, 1, 0, 0])  # 2 and 1 of either site
    assert problems(tmp_path, rule, good) == []
    uneven = problems(tmp_path, rule, cohort_of([0, 0, 0, 1, 0, 0]))
    assert [(p.table, p.row) for p in uneven] == [("sustain/MS/folds.tsv", "site x")] and "[3, 0]" in uneven[0].words
    for name in ("subtypes", "heldout", "folds"):
        path = f"sustain/MS/{name}.tsv"
        less = problems(tmp_path, rule, good | {path: good[path][good[path]["participant_id"] != "c"]})
        assert (path, "c") in [(p.table, p.row) for p in less]
    more = good["sustain/MS/subtypes.tsv"]["participant_id"].tolist() + ["hc"]
    found = problems(tmp_path, rule, good | {"sustain/MS/subtypes.tsv": pd.DataFrame({"participant_id": more})})
    assert [(p.row, p.words) for p in found] == [("hc", "people are not those of MS with z-scores")]
    other = good["sustain/MS/heldout.tsv"].assign(fold=[0, 0, 1, 1, 0, 1])  # in the order f to a
    found = problems(tmp_path, rule, good | {"sustain/MS/heldout.tsv": other})
    assert [(p.table, p.row) for p in found] == [("sustain/MS/heldout.tsv", "a")]
    # a fold that a site has nobody in counts as none
    found = problems(tmp_path, rule, cohort_of([0, 0, 1, 0, 2, 1]))
    assert [p.row for p in found] == ["site y"] and "[2, 1, 0]" in found[0].words


def counted_of():
    """Three people, ten draws each, one of them with a later scan."""
    people = pd.DataFrame(
        {
            "participant_id": list("abc"),
            "oof_subtype": [2, 1, 2],
            "oof_stage": [3, 0, 1],
            "oof_p_healthy": [0.0, 0.9, 0.5],
        }
    )
    draws = pd.DataFrame({"participant_id": list("abc") * 10, "draw": np.repeat(np.arange(10), 3)})
    stage = np.array([[2] * 10, [0] * 9 + [1], [0, 1] * 5]).T.ravel()
    names = pd.DataFrame({"subtype": [1, 2, 3], "name": list("xyz"), "n_staged_oof": [0, 2, 0]})
    later = pd.DataFrame({"participant_id": ["c", "a"], "session_id": "t", "years": [0.5, 2.0]})
    return {
        "sustain/MS/subtypes.tsv": people,
        "sustain/MS/names.tsv": names,
        "sustain/MS/label_draws.tsv": draws.assign(stage=stage, subtype=np.where(stage > 0, 2, 0)),
        "sustain/MS/followup.tsv": later,
    }


def test_names_draws_and_scans_are_of_the_people(tmp_path):
    rule = "names, draws and counts"
    good = counted_of()
    assert problems(tmp_path, rule, good) == []

    def broken(name, **values):
        path = f"sustain/MS/{name}.tsv"
        return problems(tmp_path, rule, good | {path: good[path].assign(**values)})

    found = broken("names", n_staged_oof=[1, 2, 0])
    assert rows(found) == [1] and found[0].words == "n_staged_oof is 1, and 0 by what it is made of"
    found = broken("subtypes", oof_stage=[3, 1, 1])
    assert rows(found) == [1] and "n_staged_oof is 0, and 1" in found[0].words
    draws = good["sustain/MS/label_draws.tsv"]
    found = broken("label_draws", subtype=draws["subtype"].where(draws.index != 3, 0))
    assert rows(found) == [4] and found[0].words == "stage 0 is of no subtype"
    found = broken("followup", years=[0.0, 2.0])
    assert rows(found) == [1] and "of nobody in the model, or not later" in found[0].words
    assert rows(broken("followup", participant_id=["c", "d"])) == [2]
    fewer = good | {"sustain/MS/label_draws.tsv": draws.drop(index=1)}
    assert ("b", "not everybody has the same number of draws") in [
        (p.row, p.words) for p in problems(tmp_path, rule, fewer)
    ]
    more = pd.concat([draws, draws.iloc[:10].assign(participant_id="d")])
    found = problems(tmp_path, rule, good | {"sustain/MS/label_draws.tsv": more})
    assert [p.words for p in found] == ["not everybody has the same number of draws"]


def test_draws_may_differ_from_their_probability_by_six_standard_errors(tmp_path):
    # 100 draws: 6 SE are 0.3 at a half, 0.18 at a tenth, and 0.084 where the probability is 0 or 1 (0.02 and 0.98)
    def of(p, staged):
        people = pd.DataFrame({"participant_id": ["a"], "oof_subtype": 1, "oof_stage": 1, "oof_p_healthy": [p]})
        stage = np.where(np.arange(100) < staged, 1, 0)
        draws = pd.DataFrame({"participant_id": "a", "draw": range(100), "stage": stage, "subtype": stage})
        tables = counted_of() | {"sustain/MS/subtypes.tsv": people, "sustain/MS/label_draws.tsv": draws}
        tables["sustain/MS/names.tsv"] = pd.DataFrame({"subtype": [1], "n_staged_oof": [1]})
        tables["sustain/MS/followup.tsv"] = pd.DataFrame({"participant_id": ["a"], "session_id": "t", "years": [1.0]})
        found = problems(tmp_path, "names, draws and counts", tables)
        assert {(p.row, p.words) for p in found} <= {("a", "draws do not follow the out-of-fold probability")}
        return len(found)

    assert [of(0.5, n) for n in (21, 79, 19, 81)] == [0, 0, 1, 1]
    assert [of(0.1, n) for n in (100, 73, 71)] == [0, 0, 1]
    assert [of(0.0, n) for n in (92, 91)] == [0, 1] and [of(1.0, n) for n in (8, 9)] == [0, 1]


CLINICAL = [
    ("maps", "mean_z", 1, 2.5004, [2], "mean_z is 2.5004, and 2.5"),
    ("maps", "mean_z", 1, 2.5002, [], ""),
    ("maps", "n", 3, 2, [4], "n is 2, and 1"),
    ("associations", "subtype", 3, "three", [4], "no such subtype"),
    ("associations", "against", 0, "all", [1], "no such subtype"),
    ("associations", "estimate", 0, np.nan, [1], "neither an estimate nor a reason"),
    ("associations", "reason", 3, "", [4], "neither an estimate nor a reason"),
    ("transitions", "n", 3, 1, [4], "n is 1, and 0"),
    ("transitions", "n", 1, 2, [2], "n is 2, and 1"),
    ("scans", "years", 4, 0.0, [5], "scans are not in order"),
    ("scans", "years", 1, 2.5, [3], "scans are not in order"),
    ("survival", "survival", 2, 0.95, [3], "a curve of survivors rises"),
    ("survival", "at_risk", 4, 5, [2], "a curve of survivors rises"),
    ("survival", "n_events", 2, 0, [3], "a curve of survivors rises"),
    ("survival", "years", 2, 1, [3], "a curve of survivors rises"),
    ("treatment_survival", "survival", 5, 0.91, [4], "a curve of survivors rises"),
]


def test_clinical_tables_of_five_people(tmp_path):
    assert problems(tmp_path, "clinical tables are", clinical_of()) == []


@pytest.mark.parametrize(("name", "column", "row", "value", "named", "words"), CLINICAL, ids=range(len(CLINICAL)))
def test_clinical_tables_that_do_not_fit_five_people(tmp_path, name, column, row, value, named, words):
    tables = clinical_of()
    path = f"clinical/MS/{name}.tsv"
    kind = str(tables[path][column].dtype)
    values = tables[path][column].tolist()
    values[row] = value
    tables[path][column] = pd.Series(values, dtype=object) if kind == "object" else values
    found = problems(tmp_path, "clinical tables are", tables)
    assert rows(found) == named and {p.table for p in found} <= {path} and all(words in p.words for p in found)


def test_the_first_scan_s_group_is_that_of_the_people(tmp_path):
    tables = clinical_of()
    tables["clinical/MS/scans.tsv"].loc[5, "group"] = "two"
    found = problems(tmp_path, "clinical tables are", tables)
    assert [(p.table, p.row) for p in found] == [("clinical/MS/scans.tsv", "e")]
    tables = clinical_of()  # the group of everyone's model is another thing
    tables["sustain/MS/subtypes.tsv"]["subtype"] = 2
    assert problems(tmp_path, "clinical tables are", tables) == []


def verdicts_of():
    frame = {"claim": list("abcdef"), "effect": ["OR", "standardised beta", "OR", "standardised beta", "OR", "OR"]}
    frame |= {"low": [1.1, -0.3, 0.5, 0.1, 0.9, 1.0001], "high": [2, -0.1, 0.9, 0.5, 1.1, 3]}
    frame |= {"verdict": ["agrees", "contradicts", "contradicts", "agrees", "uncertain", "agrees"]}
    planted = {
        "outcome": list("abcde"),
        "planted": [1.5, 1.1, 2.2, 1.0, 2.3],
        "weighted_low": 1.1,
        "weighted_high": 2.2,
    }
    planted |= {"covered": [True, True, True, False, False]}
    measured = pd.DataFrame({"participant_id": ["p", "q"]})
    qc = {"participant_id": ["p", "r", "r", "q"], "decision": ["flagged", "excluded", "flagged", "flagged"]}
    wide = {
        "biomarker": "u",
        "part": list("abcdefghi"),
        "harmonisation": "h",
        "check": ["all", "site", "sex", "age band"] + ["all"] * 5,
    }
    # with 100 people the mean may be 0.36 off, with 400 0.23
    wide |= {"n": [100, 100, 400, 19, 20, 100, 100, 100, 100], "mean": [0.35, -0.37, 0.24, 3, 0.9, 0, 0, 0.36005, 0]}
    wide |= {
        "sd": [1, 1, 1.0, 5, 1, 0.79, 1.26, 1.0, 1.25005],
        "passed": [True, False, False, True, False, False, False, True, True],
    }
    more = pd.DataFrame(wide)
    return {
        "clinical/MS/reported.tsv": pd.DataFrame(frame),
        "clinical/MS/planted.tsv": pd.DataFrame(planted),
        "features/measures.tsv": measured,
        "features/qc.tsv": pd.DataFrame(qc),
        "normative/diagnostics.tsv": pd.concat([more, more.iloc[:1].assign(check="Normality", passed=False)]),
    }


VERDICTS = [
    ("clinical/MS/reported.tsv", "low", 0, 0.9, [1], "a verdict, but the interval includes no effect"),
    ("clinical/MS/reported.tsv", "low", 5, 1.0, [5], "a verdict, but the interval includes no effect"),
    ("clinical/MS/reported.tsv", "high", 1, 0.0, [2], "a verdict, but the interval includes no effect"),
    ("clinical/MS/reported.tsv", "verdict", 4, "agrees", [5], "a verdict, but the interval includes no effect"),
    ("clinical/MS/planted.tsv", "covered", 1, False, [2], "covered is not whether"),
    ("clinical/MS/planted.tsv", "covered", 2, False, [3], "covered is not whether"),
    ("clinical/MS/planted.tsv", "covered", 3, True, [4], "covered is not whether"),
    ("features/qc.tsv", "participant_id", 1, "q", [2, 3], ""),
    ("features/qc.tsv", "participant_id", 3, "s", [4], "only flagged, but not in measures.tsv"),
    ("features/qc.tsv", "decision", 0, "excluded", [1], "excluded, but in measures.tsv"),
    *(
        ("normative/diagnostics.tsv", "passed", i, i not in (0, 3, 7, 8), [i + 1] * (i < 7), "passed is not whether")
        for i in range(9)
    ),
]


def test_verdicts_that_follow(tmp_path):
    assert problems(tmp_path, "verdicts follow", verdicts_of()) == []


@pytest.mark.parametrize(("path", "column", "row", "value", "named", "words"), VERDICTS, ids=range(len(VERDICTS)))
def test_verdicts_that_do_not_follow(tmp_path, path, column, row, value, named, words):
    tables = verdicts_of()
    tables[path] = tables[path].reset_index(drop=True)
    tables[path].loc[row, column] = value
    found = problems(tmp_path, "verdicts follow", tables)
    assert rows(found) == named and all(words in p.words and p.table == path for p in found)


def test_thirty_problems_are_listed_and_the_rest_counted(tmp_path, monkeypatch):
    def many(n):
        monkeypatch.setitem(CHECKS, "many", lambda study: iter([f"problem {i:02d}" for i in range(n)]))
        with pytest.raises(CheckError) as error:
            run_checks(Study(tmp_path), ["many"])
        return str(error.value).splitlines()[1:]

    assert many(30) == [f"- problem {i:02d}" for i in range(30)]
    assert many(31) == [*many(30), "- and 1 more"]


def test_a_check_that_cannot_read_a_table_is_a_problem_and_the_others_go_on(tmp_path, monkeypatch):
    def broken(study):
        raise CheckError("t.tsv is damaged")

    monkeypatch.setitem(CHECKS, "broken", broken)
    monkeypatch.setitem(CHECKS, "other", lambda study: iter(["a problem"]))
    with pytest.raises(CheckError) as error:
        run_checks(Study(tmp_path), ["broken", "other"])
    assert str(error.value).splitlines()[1:] == ["- a table, somewhere: t.tsv is damaged (broken)", "- a problem"]
