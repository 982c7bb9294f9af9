"""How far a number of a finished table may lie from what it is made of: a twentieth less passes, a tenth more is named."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tables_of import DENSE, clinical_of, folds_of, labelled, problems, rows, selection

from neuraxis.checks_results import DIGITS, Study, differing

WITHIN, BEYOND = 0.95, 1.1


def trial(events=4, **changes):
    """Ten years watched."""
    low = stats.chi2.ppf(0.025, 2 * events) / 20 if events else 0.0
    right = {"rate": events / 10, "rate_low": low, "rate_high": stats.chi2.ppf(0.975, 2 * events + 2) / 20}
    frame = pd.DataFrame({"outcome": "o", "group": ["g"], "n_events": events, "person_years": 10.0} | right | changes)
    return {"clinical/MS/trial.tsv": frame}


def changed(change=3.0, sd=2.0, **changes):
    """Five people's mean change, whose interval is Student's with four degrees."""
    half = 2.7764451 * sd / np.sqrt(5)
    right = {"change": change, "low": change - half, "high": change + half}
    frame = pd.DataFrame({"group": ["g"], "years": 1, "quantity": "q", "n": 5, "sd": sd} | right | changes)
    return {"clinical/MS/changes.tsv": frame}


def sloped(slope, **changes):
    """A slope within 51 people, with a standard error of 1."""
    half, p = stats.t.ppf(0.975, 50), 2 * stats.t.sf(slope, 50)
    right = {"slope": [slope], "low": slope - half, "high": slope + half, "p": p}
    return {"clinical/MS/slopes.tsv": pd.DataFrame({"group": "g", "quantity": "q", "n_people": 51} | right | changes)}


def family(p, **changes):
    """Two tests of one family, the second of which always has a p of 1."""
    frame = pd.DataFrame({"outcome": list("ab"), "contrast": "c", "family": "f", "kind": "k", "method": "m"})
    frame = frame.assign(p=[p, 1.0], q=[min(2 * p, 1), 1.0])
    for name, value in changes.items():
        frame.loc[0, name] = value
    return {"clinical/MS/associations.tsv": frame}


def holm(p, **changes):
    frame = pd.DataFrame({"label": "l", "variable": list("ab"), "p": [p, 1.0], "p_holm": [2 * p, 1.0]})
    for name, value in changes.items():
        frame.loc[0, name] = value
    return {"clinical/MS/nuisance.tsv": frame}


def placed(mean, **changes):
    """An event in a place among three, or in none."""
    frame = pd.DataFrame({"models": ["everyone"], "subtype": 1, "biomarker": "a", "threshold": 1.0, "place1": 0.0})
    frame = frame.assign(place2=float(mean == 2), place3=0.0)
    order = pd.DataFrame({"subtype": [1], "biomarker": "a", "threshold": 1.0, "mean_position": mean} | changes)
    return {"sustain/MS/positional_variance.tsv": frame, "sustain/MS/event_order.tsv": order}


def chosen(row, **changes):
    table = selection(2)
    for name, value in changes.items():
        table.loc[row, name] = value
    at = {"heldout": DENSE, "selection": table, "heldout_folds": folds_of(DENSE)}
    return {f"sustain/MS/{n}.tsv": t for n, t in at.items()}


def summed(**changes):
    tables = chosen(0)
    for name, value in changes.items():
        tables["sustain/MS/heldout_folds.tsv"].loc[0, name] = value
    return tables


def mapped(at, **changes):
    """The mean of a group of two people, of 12, or of 0 where one of the values is turned around."""
    tables = clinical_of()
    if not at:
        tables["normative/zscores.tsv"]["u"] = [1.0, 2, 4, 8, -8]
        tables["clinical/MS/maps.tsv"].loc[0, "mean_z"] = 0.0
    for name, value in changes.items():
        tables["clinical/MS/maps.tsv"].loc[0, name] = value
    return tables


MATCH, Q, SUM, SELECTION, CLINICAL = "intervals match", "q is at least", "probabilities", "selection", "clinical tables"
# rule, tables of a value of a column, the column, what it should be, relative tolerance, absolute one
TOLERANCES = [
    (MATCH, lambda v: trial(rate=v), "rate", 0.4, DIGITS, 1e-9),
    (MATCH, lambda v: trial(rate_low=v), "rate_low", 0.10898654, 1e-4, 1e-9),
    (MATCH, lambda v: trial(rate_high=v), "rate_high", 1.0241589, 1e-4, 1e-9),
    (MATCH, lambda v: trial(0, rate_high=v), "rate_high", 0.36888795, 1e-4, 1e-9),
    (MATCH, lambda v: trial(1, rate_low=v), "rate_low", 0.0025317808, 1e-4, 1e-9),
    (MATCH, lambda v: changed(high=v), "high", 5.48332803, 1e-4, 1e-5),
    (MATCH, lambda v: changed(low=v), "low", 0.51667197, 1e-4, 1e-5),
    (MATCH, lambda v: changed(300.0, 0.0, high=v), "high", 300, 1e-4, 1e-5),
    (MATCH, lambda v: changed(300.0, 0.0, low=v), "low", 300, 1e-4, 1e-5),
    (MATCH, lambda v: changed(0.0, 0.0, high=v), "high", 0, 1e-4, 1e-5),
    (MATCH, lambda v: changed(0.0, 0.0, low=v), "low", 0, 1e-4, 1e-5),
    (MATCH, lambda v: sloped(2.0, p=v), "p", 0.05094707, 0.02, 1e-6),
    (MATCH, lambda v: sloped(20.0, p=v), "p", 0, 0.02, 1e-6),
    (Q, lambda v: family(0.2, q=v), "q", 0.4, 1e-4, 1e-9),
    (Q, lambda v: holm(0.2, p_holm=v), "p_holm", 0.4, 1e-4, 1e-9),
    (SUM, lambda v: placed(2, mean_position=v), "mean_position", 2, 1e-3, 1e-4),
    (SUM, lambda v: placed(0, mean_position=v), "mean_position", 0, 1e-3, 1e-4),
    (SELECTION, lambda v: chosen(2, heldout_loglik=v), "heldout_loglik", -59, 1e-4, 1e-3),
    (SELECTION, lambda v: chosen(2, cvic=v), "cvic", 118, 1e-4, 1e-3),
    (SELECTION, lambda v: chosen(1, cvic_se=v), "cvic_se", 4.98887652, 1e-3, 1e-3),
    (SELECTION, lambda v: chosen(1, gap_cvic=v), "gap_cvic", 56, 1e-3, 1e-3),
    (SELECTION, lambda v: chosen(4, gap_cvic=v), "gap_cvic", 0, 1e-3, 1e-3),
    (SELECTION, lambda v: chosen(4, gap_se=v), "gap_se", 0, 1e-3, 1e-3),
    (SELECTION, lambda v: chosen(1, gap_se=v), "gap_se", 5.81186525, 1e-3, 1e-3),
    (SELECTION, lambda v: chosen(2, delta_cvic=v), "delta_cvic", -46, 1e-3, 1e-3),
    (SELECTION, lambda v: chosen(2, delta_se=v), "delta_se", 4.26874949, 1e-3, 1e-3),
    (SELECTION, lambda v: summed(k0=v), "k0", -41, 1e-4, 1e-3),
    (CLINICAL, lambda v: mapped(12, mean_z=v), "mean_z", 12, 1e-4, 1e-5),
    (CLINICAL, lambda v: mapped(0, mean_z=v), "mean_z", 0, 1e-4, 1e-5),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "tables", "column", "right", "digits", "least"), TOLERANCES, ids=range(len(TOLERANCES))
)
def test_a_number_may_differ_by_its_digits_and_no_more(tmp_path, rule, tables, column, right, digits, least):
    for sign in (-1, 1):
        for share in (WITHIN, BEYOND):
            value = right + sign * share * (digits * abs(right) + least)
            found = [p for p in problems(tmp_path, rule, tables(value)) if p.words.startswith(f"{column} is")]
            assert len(found) == (share == BEYOND), (value, [p.words for p in found])


# rule, tables of a value, what stands in the words, the largest that passes and the least that does not
ENDS = [
    (Q, lambda v: family(0.2, q=v), "q is below p", 0.2 - 0.95 * 4e-6, 0.2 - 1.1 * 4e-6),
    (Q, lambda v: family(1e-6, q=v), "q is below p", 1e-6 - 0.9e-9, 1e-6 - 1.2e-9),
    (SUM, lambda v: {"sustain/MS/followup.tsv": labelled(p_healthy=[v, 0.1, 0.4, 0.8])}, "sum to", 0.50009, 0.50012),
    (SUM, lambda v: {"sustain/MS/followup.tsv": labelled(p_healthy=[v, 0.1, 0.4, 0.8])}, "sum to", 0.49991, 0.49988),
    (SUM, lambda v: {"sustain/MS/followup.tsv": labelled(subtype=[1, 2, 1, 1], p_subtype1=[0.9, 0.3, 0.5 - v, 0.5],
                     p_subtype2=[0.1, 0.7, 0.5 + v, 0.5])}, "most probable", 4.5e-6, 6e-6),
    (SUM, lambda v: {"sustain/MS/followup.tsv": labelled(confident=[True, True, False, True],
                     p_subtype2=[0.1, 0.7, 0.5 + v, 0.5])}, "does not follow", 0.9e-5, 1.2e-5),
    (SUM, lambda v: {"sustain/MS/followup.tsv": labelled(
                     p_subtype1=[0.9, 0.3, 0.4, 0.5], p_subtype2=[0.1, 0.7, 0.5 - v, 0.5])}, "does not follow", 0.9e-5, 1.2e-5),
    (CLINICAL, lambda v: risen(survival=[1, 0.9, 0.9 + v]), "a curve of survivors rises", 0.9e-6, 1.2e-6),
    (MATCH, lambda v: known(v), "p is not that of", 0.95e-9, 1.2e-9),
]  # fmt: skip


def risen(**changes):
    """A curve of three steps beside the others."""
    curve = pd.DataFrame({"outcome": "o", "split": "s", "group": "g", "years": [0, 1, 2], "at_risk": 9, "n_events": 0})
    return clinical_of() | {"clinical/MS/survival.tsv": curve.assign(**changes)}


def known(p):
    """An effect of ten standard errors, whose p has no place among those of a table's digits."""
    row = {"outcome": ["o"], "contrast": "c", "method": "label", "effect": "standardised beta", "model": "OLS"}
    row |= {"estimate": 1.0, "low": 1 - 0.1959963985, "high": 1 + 0.1959963985, "p": p}
    return {"clinical/MS/associations.tsv": pd.DataFrame(row)}


@pytest.mark.parametrize(("rule", "tables", "words", "passes", "fails"), ENDS, ids=range(len(ENDS)))
def test_what_just_passes_and_what_just_does_not(tmp_path, rule, tables, words, passes, fails):
    found = [[p for p in problems(tmp_path, rule, tables(v)) if words in p.words] for v in (passes, fails)]
    assert [len(f) for f in found] == [0, 1]


def test_places_sum_to_one_to_four_digits(tmp_path):
    for share, named in ((0.9, []), (-0.9, []), (1.2, [1]), (-1.2, [1])):
        tables = placed(2)
        tables["sustain/MS/positional_variance.tsv"]["place3"] = share * 1e-4
        assert rows(problems(tmp_path, SUM, tables), "places do not sum to 1") == named


def test_places_count_from_one_to_a_thousandth_an_event(tmp_path):
    # four events: 10 in all, give or take 0.004
    for off, named in ((0.0039, 0), (-0.0039, 0), (0.0041, 1), (-0.0041, 1)):
        keys = {"subtype": 1, "biomarker": list("abcd"), "threshold": 1.0}
        mean = np.eye(4)
        places = pd.DataFrame(keys | {f"place{k + 1}": mean[k] for k in range(4)}).assign(models="everyone")
        order = pd.DataFrame(keys | {"mean_position": [1, 2, 3, 4 + off]})
        tables = {"sustain/MS/positional_variance.tsv": places, "sustain/MS/event_order.tsv": order}
        found = [p for p in problems(tmp_path, SUM, tables) if "count from 1" in p.words]
        assert len(found) == named and all("places of 4 events do not sum to 10" in p.words for p in found)


@pytest.mark.parametrize(
    ("mean", "sd", "named"),
    [(0.36008, 1.0, 0), (-0.36008, 1.0, 0), (0.36012, 1.0, 1), (-0.36012, 1.0, 1), (0.0, 0.79992, 0), (0.0, 0.79988, 1),
     (0.0, 1.25008, 0), (0.0, 1.25012, 1), (0.35992, 0.80008, 0)],
)  # fmt: skip
def test_a_diagnostic_that_is_just_as_it_should_be_may_say_either(tmp_path, mean, sd, named):
    """Of 100 people a mean of 0.36 and SD from 0.8 to 1.25 pass; the table's digits say no more than a ten-thousandth."""
    row = {"biomarker": ["b"], "check": "all", "part": "p", "harmonisation": "h", "n": 100, "mean": mean, "sd": sd}
    tables = {"normative/diagnostics.tsv": pd.DataFrame(row).assign(passed=True)}
    tables["features/qc.tsv"] = pd.DataFrame(columns=["participant_id", "decision"])
    tables["features/measures.tsv"] = pd.DataFrame(columns=["participant_id"])
    assert rows(problems(tmp_path, "verdicts", tables)) == [1] * named


def test_nineteen_people_are_too_few_to_be_judged_and_twenty_are_not(tmp_path):
    row = {
        "biomarker": "b",
        "check": "all",
        "part": list("pq"),
        "harmonisation": "h",
        "n": [19, 20],
        "mean": 3.0,
        "sd": 1.0,
    }
    tables = {"normative/diagnostics.tsv": pd.DataFrame(row).assign(passed=True)}
    tables["features/qc.tsv"] = pd.DataFrame(columns=["participant_id", "decision"])
    tables["features/measures.tsv"] = pd.DataFrame(columns=["participant_id"])
    assert rows(problems(tmp_path, "verdicts", tables)) == [2]


def test_rows_of_a_table_that_nobody_declared_are_named_by_their_numbers():
    frame = pd.DataFrame({"a": [1.0, 2, 3, 4]})
    told = list(differing("strange.tsv", frame, "a", [1, 2.5, 3, 5]))
    assert [row for _, row, _ in told] == ["row 2", "row 4"] and told[0][2] == "a is 2, and 2.5 by what it is made of"
    assert list(differing("strange.tsv", frame, "a", [1 + 9e-10, 2, 3, 4], 0.0)) == []
    assert [row for _, row, _ in differing("strange.tsv", frame * 0, "a", [1.2e-9, 9e-10, 0, 0])] == ["row 1"]


def test_a_study_is_asked_of_three_people_s_labels_and_cords_on_three_levels():
    assert Study("").some("abcdefg") == ["a", "d", "g"]
    plain = Study("")
    assert (plain.cord_levels, plain.labels, plain.cord, plain.sct_repeats) == ((1, 2, 3), True, True, "refuse")
