"""When a fit is a number and when a reason: people, terms, errors; and the checks of what it rests on."""

import warnings
from dataclasses import dataclass, replace
from typing import ClassVar

import lifelines
import numpy as np
import pandas as pd
import pytest
from lifelines.statistics import proportional_hazard_test
from scipy import stats

from neuraxis.clinical.cases import Cases, complete_cases
from neuraxis.clinical.contrasts import Model
from neuraxis.clinical.fit import Fit, band
from neuraxis.clinical.mixture import fit_averaged
from neuraxis.clinical.outcomes import Outcome, declare
from neuraxis.clinical.outcomes.ordinal import PROPORTIONAL_ODDS
from neuraxis.clinical.outcomes.survival import PROPORTIONAL_HAZARDS, independent
from neuraxis.errors import InputError

FOUND: list = []


@dataclass(frozen=True)
class Told(Outcome):
    """Fits whatever it is told to."""

    type: ClassVar[str] = "told"

    def fit_with(self, plan, y, x, names, cases):
        FOUND.append((plan, list(x), names))
        return self.unit()


def told(estimate=(0.5, -0.2), variance=(0.04, 0.09), **more):
    names = ["a", "b"]
    made = lambda: Fit(pd.Series(estimate, names), pd.DataFrame(np.diag(variance), names, names), model="m")  # noqa: E731
    return Told("o", "y", unit=made, **more)


def people(n):
    index = [f"p{i}" for i in range(n)]
    x = pd.DataFrame({"age": np.arange(n) % 5 - 2.0}, index)
    terms = pd.DataFrame({"a": np.arange(n) % 2, "b": np.arange(n) % 3}, index)
    return Cases(pd.Series(np.arange(float(n)), index), x), terms.iloc[::-1]


@pytest.mark.parametrize(
    ("estimate", "variance", "good"),
    [
        ((0.5, -0.2), (0.04, 0.09), True),
        ((0.5, -0.2), (0.04, 400.0), True),  # an error of 20 is the largest
        ((0.5, -0.2), (0.04, 441.0), False),
        ((0.5, -0.2), (0.04, 0.0), False),
        ((0.5, -0.2), (0.04, np.nan), False),
        ((0.5, np.inf), (0.04, 0.09), False),
        ((np.nan, -0.2), (0.04, 0.09), False),
    ],
)
def test_every_terms_estimate_and_error_must_be_a_number(estimate, variance, good):
    fit = told(estimate, variance).fit(*people(20))
    assert fit.estimate.empty is not good and bool(fit.reason) is not good and fit.n == 20
    assert good or fit.reason == "the model did not converge or the groups separate completely"


def test_ten_people_more_than_terms_are_fitted():
    """Two terms and a covariate: 13 people, the terms first and in their order."""
    FOUND.clear()
    assert told().fit(*people(13)).reason == "" and told().fit(*people(12)).reason == "12 people for 3 terms"
    assert FOUND == [("", ["a", "b", "age"], ["a", "b"])]
    cases, terms = people(13)
    assert told().fit(cases, terms.assign(b=1.0, a=2.0)).reason == "nobody to compare with in a, b"
    assert told().fit(replace(cases, y=cases.y * 0), terms).reason == "the outcome is constant"
    assert told().fit(cases.take([]), terms).reason == "nobody has all the values"
    assert told().fit(cases, terms, "this way").n_events == 0 and FOUND[-1][0] == "this way"
    assert Told("o", "y", unit=lambda: None).fit(cases, terms).reason == "the model did not converge"


def test_events_that_nobody_had_and_times_that_all_end_in_one():
    frame = pd.DataFrame({"e": 1, "t": np.arange(1.0, 41), "age": np.arange(40) % 7}, [f"p{i}" for i in range(40)])
    terms = pd.DataFrame({"g": np.arange(40) % 2 * 1.0}, frame.index)
    outcome = declare("o", "e", "survival", time="t", covariates=["age"])
    assert outcome.fit(complete_cases(outcome, frame), terms).n_events == 40  # everyone's event is no constant
    none = outcome.fit(complete_cases(outcome, frame.assign(e=0)), terms)
    assert none.reason == "nobody had the event: everyone is censored" and (none.n, none.n_events) == (40, 0)
    yes = declare("o", "e", "binary")
    fit = yes.fit(complete_cases(yes, frame), terms)
    assert fit.reason == "the outcome is constant" and fit.n_events == 40


def test_a_band_is_of_intercept_and_stage():
    class Fitted:
        params = (1.0, -0.5)

        def cov_params(self):
            return [[0.04, -0.01], [-0.01, 0.02]]

    at = np.array([0.0, 2.0, 5.0])
    fit, low, high = band(Fitted(), at, np.exp)
    half = 1.959964 * np.sqrt(0.04 - 0.02 * at + 0.02 * at**2)
    assert np.log(fit) == pytest.approx(1 - 0.5 * at)
    assert np.log(low) == pytest.approx(1 - 0.5 * at - half) and np.log(high) == pytest.approx(1 - 0.5 * at + half)


def test_a_contrast_without_an_error_has_no_p():
    fit = Fit(pd.Series({"a": 1.0}), pd.DataFrame([[0.0]], ["a"], ["a"]))
    assert np.isnan(fit.contrast({"a": 1.0}).p) and np.isnan(fit.contrast({"b": 1.0}).p)
    sure = Fit(pd.Series({"a": -1.0}), pd.DataFrame([[0.25]], ["a"], ["a"])).contrast({"a": 2.0, "b": 9.0})
    assert (sure.estimate, sure.error) == (-2, 1) and sure.p == pytest.approx(2 * stats.norm.sf(2))


def test_terms_as_large_as_four_are_averaged_and_larger_ones_are_not():
    """A group whose mean share is that many logits above the others' runs to the bound: its robust error says nothing."""
    n = 240
    index = [f"p{i}" for i in range(n)]
    group = pd.Series(np.where(np.arange(n) % 3 == 0, "b", "a"), index)
    probability = pd.get_dummies(group, dtype=float)
    designs = [pd.DataFrame({"b": v}, index) for v in (0.0, 1.0)]
    model = Model(pd.Index(index), group, probability, designs, [])
    moca = declare("o", "y", "bounded", maximum=1.0)

    def averaged(logits):
        share = 1 / (1 + np.exp(-(-2.0 + logits * (group == "b"))))
        near = share + np.where(np.arange(n) % 2 == 0, 0.4, -0.4) * share * (1 - share)
        return fit_averaged(moca, Cases(near, pd.DataFrame(index=index)), model)

    good = averaged(3.6)
    assert (
        good.reason == ""
        and good.estimate["b"] == pytest.approx(3.6, abs=0.05)
        and good.n == n
        and good.n_parameters == 2
    )
    assert "separate" in averaged(5.0).reason and averaged(5.0).n == n


# ---------------------------------------------------------------- numbers that enter


def test_covariates_are_from_their_mean_in_their_sd():
    frame = pd.DataFrame({"y": range(5), "age": [20.0, 21, 22, 23, 64]}, list("abcde"))
    outcome = declare("o", "y", "continuous", ("age",))
    assert complete_cases(outcome, frame).x["age"].tolist() == pytest.approx(
        [(a - 30) / np.sqrt(362.5) for a in frame["age"]]
    )


@pytest.mark.parametrize(
    ("transform", "of", "least"), [("log", np.log, 0.001), ("log1p", np.log1p, -0.99), ("sqrt", np.sqrt, 0.0)]
)
def test_transforms_take_what_is_within_them(transform, of, least):
    frame = pd.DataFrame({"y": [1.0, 2, 5, least]}, list("dcab"))
    assert complete_cases(declare("o", "y", "continuous", transform=transform), frame).y.tolist() == pytest.approx(
        of(frame["y"]).tolist()
    )


def test_twenty_controls_are_enough_and_are_transformed_as_the_patients():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(
        {"y": np.exp(rng.normal(2, 0.5, 26)), "age": rng.normal(40, 9, 26)}, [f"p{i}" for i in range(26)]
    )
    controls, patients = frame[:20], frame[20:]
    outcome = declare("o", "y", "continuous", ("age",), transform="log", reference="controls")
    design = np.column_stack([np.ones(26), frame["age"]])
    beta, rss, *_ = np.linalg.lstsq(design[:20], np.log(controls["y"]), rcond=None)
    want = (np.log(patients["y"]) - design[20:] @ beta) / np.sqrt(rss[0] / 18)
    got = complete_cases(outcome, patients[::-1], controls[::-1])
    assert got.y.tolist() == pytest.approx(want[::-1].tolist()) and got.x.empty
    with pytest.raises(InputError, match="19 controls have y and its covariates"):
        complete_cases(outcome, patients, controls[1:])
    with pytest.raises(InputError, match="there are none"):
        complete_cases(outcome, patients)
    # without reference the controls are nothing to it, whatever they have
    plain = replace(outcome, reference="none")
    assert complete_cases(plain, patients, controls.assign(y="x")).y.tolist() == pytest.approx(
        np.log(patients["y"]).tolist()
    )


def test_scores_that_cannot_be_are_known_by_the_columns_name_or_the_outcomes():
    frame = pd.DataFrame(
        {"edss": [1.0, 11.0, 2.3], "points": [1.0, 3.0, 2.3], "flag": [True, False, True]}, list("abc")
    )
    with pytest.raises(InputError, match=r"edss must be 0 to 10 in steps of 0.5: b \(11\), c \(2.3\)"):
        complete_cases(declare("o", "edss", "ordinal"), frame)
    with pytest.raises(InputError, match=r"points must be 0 to 10 in steps of 0.5: c \(2.3\)"):
        complete_cases(declare("EDSS", "points", "ordinal"), frame)
    with pytest.raises(InputError, match=r"edss must be .*b \(11\)"):
        complete_cases(declare("o", "points", "ordinal", ("edss",)), frame)
    assert complete_cases(declare("o", "points", "ordinal", ("flag",)), frame).y.tolist() == [1, 3, 2.3]


def test_nobody_is_warned_of_nobody():
    frame = pd.DataFrame({"y": [np.nan, np.nan], "age": [1.0, 2.0], "site": ["a", "b"]}, list("ab"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert complete_cases(declare("o", "y", "continuous", ("age", "site")), frame).y.empty


def test_years_and_times_above_nothing_are_kept_and_strata_stay_words():
    frame = pd.DataFrame(
        {"e": [1, 0, 1], "t": ["0.01", "2", "3"], "site": ["1", "2", "1"], "n": [1, 2, 3]}, list("abc")
    )
    outcome = declare("o", "e", "survival", time="t", strata=("site",))
    got = complete_cases(outcome, frame)
    assert got.time.tolist() == [0.01, 2, 3] and got.strata["site"].tolist() == ["1", "2", "1"]
    for column in ("t", "n"):
        of = declare("o", "e", "survival", time="t") if column == "t" else declare("o", "e", "count", exposure="n")
        with pytest.raises(InputError, match=f"{column} must be positive"):
            complete_cases(of, frame.assign(**{column: [1.0, 0.0, 2.0]}))


# ---------------------------------------------------------------- checks


def test_cuts_have_fifteen_people_on_either_side():
    """Scores 0, 1 and 2: of 15 people at either end both cuts are tested, with 14 at one of them there is one cut, and no test."""
    terms = pd.DataFrame({"g": np.arange(80) % 2 * 1.0}, [f"p{i}" for i in range(80)])
    outcome = declare("o", "y", "ordinal")

    def checked(low, high):
        y = np.repeat([0.0, 1.0, 2.0], [low, 80 - low - high, high])
        name, p = outcome.check(complete_cases(outcome, pd.DataFrame({"y": y}, terms.index)), terms)
        assert name == PROPORTIONAL_ODDS
        return p

    # 7 and 8 of a group below the first cut are too few to say whether its odds are the same there
    assert np.isnan(checked(15, 15)) and np.isnan(checked(14, 30)) and np.isnan(checked(30, 14))
    assert np.isfinite(checked(20, 20))
    spread = terms + np.linspace(0, 0.3, 80)[:, None]  # no indicator: no cells to be filled

    def of_slope(low, high):
        y = np.repeat([0.0, 1.0, 2.0], [low, 80 - low - high, high])
        return outcome.check(complete_cases(outcome, pd.DataFrame({"y": y}, terms.index)), spread)[1]

    assert np.isfinite(of_slope(15, 15)) and np.isnan(of_slope(14, 30)) and np.isnan(of_slope(30, 14))


def test_hazards_are_checked_of_forty_people_by_the_smallest_p_times_their_number():
    rng = np.random.default_rng(7)
    index = [f"p{i}" for i in range(60)]
    terms = pd.DataFrame({"a": rng.normal(size=60), "b": rng.normal(size=60), "c": np.arange(60) % 2 * 1.0}, index)
    frame = pd.DataFrame(
        {"t": rng.weibull(np.where(terms["a"] > 0, 3.0, 0.8)) + 0.01, "e": np.arange(60) % 7 > 0}, index
    )
    outcome = declare("o", "e", "survival", time="t")
    cases = complete_cases(outcome, frame.assign(e=frame["e"].astype(int)))
    data = terms.assign(t=cases.time, e=cases.y)
    test = proportional_hazard_test(lifelines.CoxPHFitter().fit(data, "t", "e"), data, time_transform="rank")
    p = test.summary["p"]
    assert outcome.check(cases, terms) == (PROPORTIONAL_HAZARDS, pytest.approx(min(1, 3 * p.min()), rel=1e-4))
    others = p[["b", "c"]]
    assert outcome.check(cases, terms, ["c", "b"])[1] == pytest.approx(min(1, 2 * others.min()), rel=1e-4)
    assert outcome.check(cases, terms, [others.idxmax()])[1] == pytest.approx(others.max(), rel=1e-4)
    few, enough = (cases.take(index[:n]) for n in (39, 40))
    assert outcome.check(few, terms) == ("", pytest.approx(np.nan, nan_ok=True))
    assert outcome.check(enough, terms)[0] == PROPORTIONAL_HAZARDS and np.isfinite(outcome.check(enough, terms)[1])


def test_columns_that_say_the_same_again_are_left_out():
    x = pd.DataFrame({"flat": 1.0, "a": [1.0, 2, 4, 8], "twice": [2.0, 4, 8, 16], "b": [1.0, 0, 0, 1]})
    assert list(independent(x)) == ["a", "b"]
    # what nearly follows is its own
    assert list(independent(x[["a"]].assign(near=x["a"] + 1e-4 * x["b"]))) == ["a", "near"]
    assert list(independent(pd.DataFrame({"a": [1.0, 2], "b": [3.0, 1], "c": [0.0, 5]}))) == ["a"]
