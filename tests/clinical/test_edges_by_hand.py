"""Clinical numbers at the edges of their conditions: just enough people, just too few, no difference, one side empty."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel

from neuraxis.clinical import associations as asked
from neuraxis.clinical.associations import _enough, pooled
from neuraxis.clinical.cases import at_risk, check_outcomes, complete_cases, numbers_of
from neuraxis.clinical.contrasts import (
    Model,
    atrophy_model,
    indicators,
    models_of,
    stage_model,
    subtype_model,
)
from neuraxis.clinical.curves import stage_curves
from neuraxis.clinical.effects import cramers_v, false_discovery, partial_correlation, probabilistic_index, rubin
from neuraxis.clinical.fit import Fit, refused
from neuraxis.clinical.imputation import impute_groups
from neuraxis.clinical.longitudinal import changes, stage_slopes, transitions
from neuraxis.clinical.nuisance import ALIKE, TOO_FEW, UNKNOWN, nuisance
from neuraxis.clinical.outcomes import declare
from neuraxis.clinical.outcomes.binary import empty_cell
from neuraxis.clinical.outcomes.ordinal import PROPORTIONAL_ODDS, _filled, _Ordered
from neuraxis.clinical.prediction import censoring_weights, measures, predictor_sets
from neuraxis.clinical.recovery import planted_and_recovered
from neuraxis.clinical.survival import survival_of, survival_tables
from neuraxis.clinical.table1 import table_one
from neuraxis.clinical.treatment import treatment_effects
from neuraxis.clinical.trial import enrichment, per_arm
from neuraxis.errors import InputError, NeuraxisWarning
from neuraxis.labels import NORMAL, Labels, reliability, staged_scale

# ---------------------------------------------------------------- effect sizes


def test_the_probabilistic_index_needs_five_on_either_side_and_a_difference():
    five, four = pd.Series([1.0, 2, 3, 4, 5]), pd.Series([0.0, 0, 1, 2])
    assert probabilistic_index(five, five - 4)["prob_index"] == pytest.approx(24.5 / 25)
    assert probabilistic_index(five, five - 4)["cliffs_delta"] == pytest.approx(0.96)
    for a, b in ((five, four), (four, five), (five * 0, five * 0)):
        assert np.isnan(list(probabilistic_index(a, b).values())).all()
    apart = probabilistic_index(five + 10, five)
    assert apart["prob_index"] == 1 == apart["cliffs_delta"] and np.isnan(apart["pi_low"])  # no spread to say how sure
    near = probabilistic_index(pd.Series([3.0, 4, 5, 6, 7]), pd.Series([1.0, 2, 2, 3, 3]))
    assert 0.5 < near["pi_low"] < near["prob_index"] == 0.96 and near["pi_high"] == 1


def test_rank_correlations_of_the_fewest_people_and_of_perfect_order():
    a, none = pd.Series([1.0, 2, 3, 4, 5, 6]), pd.DataFrame(index=range(6))
    up = partial_correlation(a, a**3, none)
    assert up["kendall_tau"] == up["partial_tau"] == pytest.approx(1) and up["partial_r"] == pytest.approx(0.999999)
    # of r = 0.999999 and n = 6: three degrees of freedom
    half = 1.959964 / np.sqrt(3)
    assert up["r_low"] == pytest.approx(np.tanh(np.arctanh(0.999999) - half), rel=1e-6)
    down = partial_correlation(a, -a, none)
    assert down["partial_r"] == pytest.approx(-0.999999) and down["kendall_tau"] == pytest.approx(-1)
    half = 1.959964 * np.sqrt(0.437 / 2)
    assert down["tau_high"] == pytest.approx(np.tanh(-np.arctanh(0.999999) + half), rel=1e-5)
    assert down["tau_low"] == pytest.approx(np.tanh(-np.arctanh(0.999999) - half), rel=1e-9)
    for x, y, covariates in (
        (a[:5], a[:5], none[:5]), (a * 0, a, none), (a, a * 0, none), (a, a**2, pd.DataFrame({"c": [1.0, 3, 2, 5, 4, 6]})),
    ):  # fmt: skip
        assert np.isnan(list(partial_correlation(x, y, covariates).values())).all()
    seven = pd.Series([1.0, 2, 3, 4, 5, 6, 7])
    assert np.isnan(partial_correlation(seven, seven[::-1].reset_index(drop=True), seven.to_frame())["partial_r"])
    rest = partial_correlation(seven, pd.Series([2.0, 1, 4, 3, 7, 5, 6]), pd.DataFrame({"c": [1.0, 1, 1, 2, 2, 2, 2]}))
    assert np.isfinite(rest["partial_r"]) and rest["partial_r"] < rest["kendall_tau"] + 0.2


def test_cramers_v_of_small_tables_is_fishers_and_of_one_value_none():
    a, b = pd.Series(list("x" * 10 + "y" * 10)), pd.Series(list("u" * 8 + "v" * 2 + "u" * 2 + "v" * 8))
    got = cramers_v(a, b)
    assert got["model"] == "chi-square"  # expected counts are 5, none below
    assert got["p"] == pytest.approx(stats.chi2_contingency(pd.crosstab(a, b), correction=False)[1])
    assert got["estimate"] == pytest.approx(0.6) and 0 < got["low"] < 0.6 < got["high"] <= 1
    few = cramers_v(a[1:], b[1:])
    assert few["model"] == "Fisher's exact test"
    assert few["p"] == pytest.approx(stats.fisher_exact(pd.crosstab(a[1:], b[1:]))[1])
    assert cramers_v(a, pd.Series(["u"] * 20)) is None and cramers_v(a[:0], b[:0]) is None
    none = cramers_v(pd.Series(list("xxyy") * 10), pd.Series(list("uvuv") * 10))
    assert none["estimate"] == none["corrected"] == none["low"] == 0 and none["p"] == 1
    whole = cramers_v(pd.Series(list("xy") * 20), pd.Series(list("uv") * 20))
    assert whole["estimate"] == pytest.approx(1) == whole["high"] and 0.5 < whole["low"] < 1
    assert whole["corrected"] == pytest.approx(np.sqrt((1 - 1 / 39) / (1 - 1 / 39)))


def test_draws_that_agree_are_pooled_by_the_normal_and_two_suffice():
    same = rubin(np.array([0.2, 0.2, 0.2]), np.array([0.01, 0.04, 0.04]))
    assert same.error == pytest.approx(np.sqrt(0.03)) and same.freedom == 1e6
    assert same.p == pytest.approx(2 * stats.norm.sf(0.2 / np.sqrt(0.03)), rel=1e-4)
    two = rubin(np.array([-0.5, -0.1]), np.array([0.02, 0.04]))
    between = 0.08
    assert two.error == pytest.approx(np.sqrt(0.03 + 1.5 * between))
    assert two.freedom == pytest.approx((1 + 0.03 / (1.5 * between)) ** 2) and two.low < two.estimate < two.high
    assert np.isnan(rubin(np.zeros(2), np.zeros(2)).p)


def test_q_is_of_all_groupings_together():
    p = pd.Series([0.01, 0.02, 0.04, 0.3, np.nan], index=list("edcba"))
    got = false_discovery(p, [pd.Series(list("fffff"), p.index), pd.Series(list("kkllk"), p.index)])
    assert got.drop("a").tolist() == pytest.approx([0.02, 0.02, 0.08, 0.3]) and np.isnan(got["a"])


# ---------------------------------------------------------------- contrasts and what is told of them


def certain(sizes, stages=None):
    """Labels without doubt of so many people a group, rows turned round."""
    group = pd.Series([g for g, n in sizes.items() for _ in range(n)])
    group.index = [f"p{i:03d}" for i in range(len(group))]
    stage = pd.Series(np.arange(len(group)) % 7 + 1.0, group.index).mask(group == NORMAL, 0.0)
    p = pd.DataFrame({g: (group == g).astype(float) for g in [NORMAL, *(g for g in sizes if g != NORMAL)]})
    rows = group.index[::-1]
    return Labels(group[rows], p.loc[rows], (stage if stages is None else stages)[rows])


def test_models_are_of_their_people_and_their_largest_group_is_the_reference():
    labels = certain({NORMAL: 4, "a": 5, "b": 9, "c": 6})
    first, second, third = models_of(labels, 2.0)
    assert [m.away for m in (first, second, third)] == [NORMAL, NORMAL, ""]
    assert [len(m.rows) for m in (first, second, third)] == [20, 20, 24]
    by = dict(zip(first.probability, first.designs, strict=True))
    assert list(by["a"]) == ["a", "c", NORMAL, "stage"] and by["a"].iloc[0, :3].tolist() == [1, 0, 0]
    assert by["b"].iloc[0, :3].tolist() == [0, 0, 0] and by[NORMAL].iloc[0, :3].tolist() == [0, 0, 1]
    assert (by["c"]["stage"] == labels.stage[first.rows] / 2).all()
    weights = {c.name: c.weights for c in first.contrasts}
    assert weights["a against the other subtypes"] == pytest.approx({"a": 1.0, "c": -6 / 15})
    assert weights["b against the other subtypes"] == pytest.approx({"a": -5 / 11, "c": -6 / 11})
    assert weights["a against b"] == {"a": 1.0} and weights["b against c"] == {"c": -1.0}
    mine = {c.name: (int(c.mine.sum()), int(c.other.sum()), c.needs) for c in first.contrasts}
    assert mine["a against the other subtypes"] == (5, 15, ("a",)) and mine["a against b"] == (5, 9, ("a", "b"))
    assert mine["stage, at the same subtype"] == (20, 0, ())
    assert first.sizes.to_dict() == {NORMAL: 0, "a": 5, "b": 9, "c": 6}
    assert stage_model(certain({NORMAL: 4, "a": 9}), 1.0) is None
    one = subtype_model(certain({NORMAL: 4, "a": 9}), 1.0)
    assert [c.name for c in one.contrasts] == ["stage"] and list(one.designs[0]) == [NORMAL, "stage"]


def test_groups_of_at_least_so_many_take_part_by_label():
    model = subtype_model(certain({NORMAL: 4, "a": 5, "b": 9, "c": 4}), 1.0)
    kept = model.by_label(5)
    assert kept.sum().to_dict() == {NORMAL: 0, "a": 5, "b": 9, "c": 0} and len(kept) == 14
    assert (kept.sum(axis=1) == 1).all() and indicators(pd.Series(["b"], ["p"]), ["a", "b"]).to_numpy().tolist() == [
        [0, 1]
    ]


def test_the_stage_of_any_atrophy_is_from_its_mean():
    labels = certain({NORMAL: 2, "a": 3}, pd.Series([0.0, 0.0, 2.0, 4.0, 9.0], [f"p{i:03d}" for i in range(5)]))
    model = atrophy_model(labels, 2.0)
    later = model.designs[1].loc[["p002", "p003", "p004"], "stage from its mean"]
    assert later.tolist() == [-1.5, -0.5, 2.0]  # from 5, by 2
    assert (model.designs[0] == 0).all().all() and (model.designs[1]["any atrophy"] == 1).all()
    half = Labels(labels.group, pd.DataFrame({NORMAL: 0.5, "a": 0.5}, labels.group.index), labels.stage)
    # given atrophy everybody's stage is twice as high: 0, 0, 4, 8, 18, and its mean 15 / 2.5
    assert atrophy_model(half, 1.0).designs[1]["stage from its mean"].sort_index().tolist() == [-6, -6, -2, 2, 12]


def test_a_scale_of_stages_and_reliability_where_there_is_none():
    assert staged_scale(certain({NORMAL: 3, "a": 2})) == 1.0
    assert staged_scale(certain({"a": 3})) == pytest.approx(1.0)  # stages 1, 2, 3
    flat = certain({"a": 4}, pd.Series(2.0, [f"p{i:03d}" for i in range(4)]))
    assert staged_scale(flat) == 1.0
    got = reliability(
        pd.DataFrame({"sure": [0.0, 1, 1, 0], "half": [0.5] * 4, "some": [0.2, 0.4, 0.6, 0.8], "none": [0.0] * 4})
    )
    assert (
        got[["sure", "half"]].tolist() == [1, 0] and got["some"] == pytest.approx(0.05 / 0.25) and np.isnan(got["none"])
    )


def fitted(value=0.5, variance=0.04, n=50, n_events=12, **more):
    return Fit(pd.Series({"a": value}), pd.DataFrame([[variance]], ["a"], ["a"]), n, n_events, model="m", **more)


def one_model(sizes=None, p=None):
    labels = certain(sizes or {"a": 30, "b": 40})
    if p is not None:
        labels = Labels(labels.group, labels.probability * p + (1 - p) / 3, labels.stage)
    model = subtype_model(labels, 1.0)
    return model, model.contrasts[0]


def test_one_fit_is_told_with_its_interval():
    model, contrast = one_model()
    got = pooled([fitted()], "", contrast, model, False)
    assert (got["estimate"], got["n"], got["n_events"], got["reason"], got["model"]) == (0.5, 50, 12, "", "m")
    assert (got["low"], got["high"]) == pytest.approx(
        (0.5 - 1.959964 * 0.2, 0.5 + 1.959964 * 0.2)
    ) and "n_draws" not in got
    assert pooled([], "why", contrast, model, False) == {
        "estimate": pytest.approx(np.nan, nan_ok=True), "low": pytest.approx(np.nan, nan_ok=True), "high": pytest.approx(np.nan, nan_ok=True),
        "p": pytest.approx(np.nan, nan_ok=True), "n": 0, "n_events": 0, "model": "", "reason": "why",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sizes", "p", "by_probability", "reason"),
    [
        ({"a": 5, "b": 40}, None, False, ""),
        ({"a": 4, "b": 40}, None, False, "fewer than 5 people in a"),
        ({"a": 40, "b": 4}, None, False, "nobody to compare with"),
        ({"a": 4, "b": 4, "c": 9}, None, False, "fewer than 5 people in a"),
        ({"a": 30, "b": 40}, 0.6, False, ""),
        ({"a": 30, "b": 40}, 0.6, True, ""),
        ({"a": 30, "b": 40}, 0.4, True, "labels too uncertain: reliability a (0.1"),
    ],
)
def test_groups_must_be_large_and_known_enough(sizes, p, by_probability, reason):
    model, contrast = one_model(sizes, p)
    got = pooled([fitted(n=33)], "", contrast, model, by_probability)
    assert got["reason"].startswith(reason) and bool(got["reason"]) == bool(reason) and got["n"] == 33


def test_draws_are_pooled_where_half_of_them_could_be_fitted():
    model, contrast = one_model()
    bad = refused(50, "no convergence")
    got = pooled([fitted(0.4, n=49), fitted(0.8, n=51, n_events=15), bad, bad], "", contrast, model, True)
    assert got["estimate"] == pytest.approx(0.6) and (got["n_draws"], got["n_drawn"]) == (2, 4)
    assert got["n"] == 50 and got["n_events"] == 14  # 13.5 to even
    less = pooled([fitted(), bad, bad], "", contrast, model, True)
    assert less["reason"] == "2 of 3 draws: no convergence" and np.isnan(less["estimate"])
    assert pooled([bad], "", contrast, model, True)["reason"] == "no convergence"
    assert pooled([fitted(), bad], "", contrast, model, True)["reason"] == "only 1 of 2 draws could be fitted"
    other = Fit(pd.Series({"b": 1.0}), pd.DataFrame([[1.0]], ["b"], ["b"]), 50)
    assert pooled([other], "", contrast, model, False)["reason"] == "nobody to compare with"
    assert pooled([fitted(variance=0.0)], "", contrast, model, False)["reason"] == "no profile interval could be found"


def test_a_result_is_told_of_twenty_people_and_ten_events():
    outcome, plain = declare("o", "e", "binary"), declare("o", "e", "continuous")

    def told(sizes=(20, 20), events=10, check=("", np.nan), circular=(), of=outcome, **draws):
        return _enough(of, list(sizes), {"n_events": events, **draws}, check, circular)

    assert told() == (True, "")
    assert told((19, 20)) == (False, "only 19 people") == told((20, 19)) and told((1,)) == (False, "only 1 person")
    assert told(events=9) == (False, "only 9 events") and told(events=0, of=plain) == (True, "")
    assert told((3, 20), 1) == (False, "only 3 people; only 1 event")
    assert told(n_draws=4, n_drawn=5) == (True, "1 of 5 draws could not be fitted") and told(n_draws=5, n_drawn=5) == (
        True,
        "",
    )
    assert told(check=("odds", 0.009)) == (True, "odds is doubtful (p = 0.009)") and told(check=("odds", 0.011)) == (
        True,
        "",
    )
    assert told(check=("odds", np.nan)) == (True, "odds could not be checked")
    assert told(circular=("e",)) == (True, "circular: this measure defined the subtypes") and told(circular=("f",)) == (
        True,
        "",
    )


def test_models_of_the_same_people_share_the_estimator_of_the_largest():
    labels = certain({NORMAL: 10, "a": 12, "b": 14, "c": 9})
    people = pd.DataFrame({"y": (np.arange(45) % 3 == 0).astype(int), "age": np.arange(45.0)}, labels.group.index)
    outcome = declare("o", "y", "binary", ("age",))
    cases = complete_cases(outcome, people)
    seen = []
    object.__setattr__(outcome, "plan", lambda part, n, groups=None: seen.append((len(part.y), n)) or "")
    asked.plans_of(outcome, cases, models_of(labels, 1.0))
    # subtypes and stage: 4 terms; a stage in each: 2 + 3 and P(normal); any atrophy: 2 among everyone
    largest = max(m.designs[0].shape[1] for m in models_of(labels, 1.0)[:2]) + 1
    assert seen == [(35, largest), (35, largest), (45, 3)]


def test_labels_are_imputed_in_proportion_to_what_scan_and_outcome_say():
    """An outcome that says nothing: groups are drawn as often as the scan says; one that says all decides."""
    n = 400
    index = [f"p{i:03d}" for i in range(n)]
    p = pd.DataFrame({NORMAL: 0.0, "a": 0.8, "b": 0.2}, index)
    labels = Labels(pd.Series("a", index).mask(np.arange(n) % 5 == 0, "b"), p, pd.Series(np.arange(n) % 4 + 1.0, index))
    model = subtype_model(labels, 1.0)
    rng = np.random.default_rng(0)
    outcome = declare("o", "y", "continuous")
    cases = complete_cases(outcome, pd.DataFrame({"y": rng.normal(size=n)}, index))
    drawn, why = impute_groups(outcome, cases, model, 4, np.random.default_rng(1))
    assert why == "" and len(drawn) == 4 and all(list(d.index) == index for d in drawn)
    assert set(pd.concat(drawn)) == {"a", "b"} and 0.1 < (pd.concat(drawn) == "b").mean() < 0.35
    sure = Model(model.rows, model.group, model.probability.assign(a=0.0, b=1.0), model.designs, model.contrasts)
    drawn, _ = impute_groups(outcome, cases, sure, 2, np.random.default_rng(1))
    assert (pd.concat(drawn) == "b").all()


# ---------------------------------------------------------------- numbers that enter


def table(n=12, **columns):
    return pd.DataFrame(columns, index=[f"p{i}" for i in range(n)])


def test_covariates_are_standardised_or_indicators_of_levels_of_five():
    people = table(
        y=np.arange(12.0), age=[30.0, 40] * 6, site=list("aaaabbbbbccc"), flat=1.0, one="x", strata=list("uv") * 6,
    )  # fmt: skip
    outcome = declare("o", "y", "continuous", ("age", "site"))
    x = complete_cases(outcome, people).x
    assert list(x) == ["age", "site_b"] and x["site_b"].sum() == 5
    sd = np.sqrt(25 * 12 / 11)
    assert x["age"].tolist() == pytest.approx([-5 / sd, 5 / sd] * 6)
    for column, words in (("flat", "is the same for everyone"), ("one", "is the same for everyone")):
        with pytest.warns(NeuraxisWarning, match=f"covariate {column} {words}"):
            assert list(complete_cases(replace(outcome, covariates=(column, "age")), people).x) == ["age"]
    with pytest.warns(NeuraxisWarning, match="covariate site has no second level with 5 people"):
        complete_cases(replace(outcome, covariates=("site",)), people.assign(site=list("aaaaaaaabbbb")))


def test_cases_are_complete_in_everything_the_model_needs():
    people = table(
        y=[1, 0, 1, np.nan, 0, 1, 1, 0, 0, 1, 0, 1], t=[1.0, 2, np.nan, 3, 1, 1, 2, 2, 3, 3, 1, 1], age=[np.nan, *range(11)],
        site=["a"] * 11 + [None], other=np.nan,
    )  # fmt: skip
    outcome = declare("o", "y", "survival", ("age",), time="t", strata=("site",))
    cases = complete_cases(outcome, people)
    assert list(cases.y.index) == [f"p{i}" for i in (1, 4, 5, 6, 7, 8, 9, 10)]
    assert cases.time.tolist() == [2, 1, 1, 2, 2, 3, 3, 1] and list(cases.strata) == ["site"] and cases.exposure is None
    part = cases.take(["p9", "p1"])
    assert part.time.tolist() == [3, 2] and part.x.index.tolist() == ["p9", "p1"] and part.exposure is None


def test_people_at_risk_have_one_of_the_values_in_every_column():
    people = table(4, course=["RR", "SP", "RR", "PP"], sex=["F", "F", "M", "F"], level=[1, 2, 3, 1])
    assert at_risk(declare("o", "y", "binary", only={"course": ["RR", "SP"], "sex": "F"}), people).index.tolist() == [
        "p0",
        "p1",
    ]
    assert at_risk(declare("o", "y", "binary", only={"level": [1]}), people).index.tolist() == ["p0", "p3"]
    assert len(at_risk(declare("o", "y", "binary"), people)) == 4


def test_cells_that_are_no_numbers_or_infinite_are_named_by_person():
    outcome = declare("o", "y", "continuous", ("dose",))
    people = table(4, y=["1", "2,5", "x", None], dose=["3", "n/a", "4", "5"])
    with pytest.raises(InputError, match=r"outcome o: y is no number: p1 \('2,5'\), p2 \('x'\)"):
        numbers_of(outcome, people)
    with pytest.raises(InputError, match=r"y must be .*p3 \(inf\)"):
        numbers_of(outcome, people.assign(y=[1.0, 2, 3, np.inf]))
    got = numbers_of(outcome, people.assign(y=["1", "2.5", "3", None]))
    assert got["y"].tolist()[:3] == [1, 2.5, 3] and got["dose"].isna().tolist() == [False, True, False, False]
    assert people["dose"].tolist() == ["3", "n/a", "4", "5"]
    words = numbers_of(declare("o", "y", "continuous", ("arm",)), table(4, y=[1.0, 2, 3, 4], arm=["a", "b", "1", "c"]))
    assert words["arm"].tolist() == ["a", "b", "1", "c"]  # a category, one of whose values looks like a number


def test_counts_of_who_has_what_are_of_the_outcomes_own_groups():
    people = pd.DataFrame(
        {"group": ["HC", "HC", "MS", "MS", "MS", "NMO"], "y": [1.0, np.nan, 2, 3, np.nan, 5], "age": [1.0, 2, np.nan, 4, 5, 6]},
        index=list("abcdef"),
    )  # fmt: skip
    got = check_outcomes([declare("o", "y", "continuous", ("age",), diseases=("MS",))], people, "HC")
    assert got.values.tolist() == [
        ["o", "HC", "y", 1, 1],
        ["o", "HC", "age", 2, 1],
        ["o", "MS", "y", 2, 1],
        ["o", "MS", "age", 2, 1],
    ]
    everyone = check_outcomes([declare("o", "y", "continuous")], people, "HC")
    assert everyone[["group", "n"]].values.tolist() == [["HC", 1], ["MS", 2], ["NMO", 1]]


@pytest.mark.parametrize(
    ("answers", "groups", "empty"),
    [
        ([0, 1, 0, 1], [1, 1, 0, 0], False),
        ([0, 0, 0, 1], [1, 1, 0, 0], True),
        ([1, 1, 0, 1], [1, 1, 0, 0], True),
        ([0, 1, 1, 1], [1, 1, 0, 0], True),
        ([0, 0, 0, 1], [0.5, 1, 0, 0], False),  # no indicator
        ([0, 0, 0, 1], [1, 1, 1, 1], False),
    ],
)
def test_a_group_or_its_rest_without_an_answer_is_an_empty_cell(answers, groups, empty):
    y, frame = pd.Series(answers, list("abcd")), pd.DataFrame({"fine": [1, 0, 1, 0], "g": groups}, list("abcd"))[["g"]]
    assert empty_cell(y, frame, (0, 1)) is empty and empty_cell(y, None, (0, 1)) is False
    # events alone: nobody without one is no empty cell
    assert empty_cell(pd.Series([1, 1, 1, 1], y.index), frame, (1,)) is False


# ---------------------------------------------------------------- ordered scores


def test_the_gradient_of_ordered_odds_is_that_of_differences():
    rng = np.random.default_rng(1)
    x = pd.DataFrame({"a": rng.normal(size=60), "b": rng.normal(size=60)})
    y = pd.Series(np.digitize(x["a"] + rng.logistic(size=60), [-1.0, 0.2, 1.5]))
    mine, theirs = _Ordered(y, x, distr="logit"), OrderedModel(y, x, distr="logit")
    at = np.array([0.3, -0.7, -0.9, 0.1, -0.4])
    step = 1e-6 * np.eye(5)
    by_hand = [(theirs.loglike(at + s) - theirs.loglike(at - s)) / 2e-6 for s in step]
    assert mine.score(at) == pytest.approx(by_hand, abs=1e-5)


def test_odds_are_checked_of_forty_people_and_two_cuts():
    g = np.tile([0.0, 1.0], 40)
    frame = pd.DataFrame({"y": np.arange(80) // 2 % 3.0}, [f"p{i}" for i in range(80)])
    terms = pd.DataFrame({"g": g}, frame.index)
    outcome = declare("o", "y", "ordinal")

    def check(n, values=None):
        data = frame[:n] if values is None else frame[:n].assign(y=values)
        return outcome.check(complete_cases(outcome, data), terms[:n])

    assert check(39)[0] == "" and check(40)[0] == PROPORTIONAL_ODDS
    assert check(80)[1] > 0.5  # both groups alike: 14, 13 and 13 at each score
    assert np.isnan(check(40)[1])  # 7 and 6
    two = check(80, np.tile([0.0, 0, 1, 1], 20))
    # one cut has nothing to compare with; the median lies between the two scores and is no other one
    assert two[0] == PROPORTIONAL_ODDS and np.isnan(two[1])


def test_a_cut_is_filled_by_ten_people_on_all_four_sides():
    g, above = pd.Series([1.0] * 20 + [0.0] * 20), pd.Series(([True] * 10 + [False] * 10) * 2)
    assert _filled(g, above)
    for i in (0, 10, 20, 30):
        fewer = above.copy()
        fewer[i] = ~fewer[i]
        assert not _filled(g, fewer)
    assert _filled(g + 0.1, above & False)


# ---------------------------------------------------------------- survival, trials, treatment


def test_five_people_a_group_are_compared_and_four_are_drawn():
    time = pd.Series(np.arange(1.0, 15))
    event = pd.Series([1, 0] * 7)
    group = pd.Series(["a"] * 5 + ["b"] * 5 + ["c"] * 4)
    curves, test = survival_tables("o", time, event, group, ["a", "b", "c"])
    assert test["groups"] == "a, b" and (test["n"], test["n_events"], test["n_smallest"], test["df"]) == (10, 5, 5, 1)
    assert set(curves["group"]) == {"a", "b", "c"}
    censored = survival_tables("o", time, event * 0, group, ["a", "b"])[1]
    assert censored["reason"] == "nobody had the event: everyone is censored" and np.isnan(censored["p"])
    alone = survival_tables("o", time[:9], event[:9], group[:9], ["a", "b"])[1]
    assert alone["reason"] == "fewer than two groups of 5 people" and alone["df"] == 0 and alone["n"] == 5


def test_only_times_to_events_have_curves():
    people = table(12, y=np.arange(12.0), e=[1, 0] * 6, t=np.arange(1.0, 13), course=["RR"] * 11 + ["PP"])
    outcomes = [declare("y", "y", "continuous"), declare("o", "e", "survival", time="t", only={"course": "RR"})]
    splits = {"s": (pd.Series(["a", "b"] * 6, people.index), ["a", "b"], ["a", "b"])}
    curves, tests = survival_of(outcomes, people[::-1], splits)
    assert tests["outcome"].tolist() == ["o"] and tests.loc[0, "n"] == 11 and set(curves["split"]) == {"s"}
    none = survival_of(outcomes[:1], people, splits)
    assert none[0].empty and none[1].empty and "split" in none[0]


def test_people_per_arm_need_a_risk():
    assert np.isnan(per_arm(0.0, 0.7)) and np.isnan(per_arm(1.01, 0.7)) and np.isnan(per_arm(-0.1, 0.7))
    # all of them: events over 1 + 1
    events = 4 * (1.959964 + 0.841621) ** 2 / np.log(0.5) ** 2
    assert per_arm(1.0, 0.5) == pytest.approx(events / 2, rel=1e-5)
    assert per_arm(0.4, 0.5) == pytest.approx(events / (0.4 + 1 - np.sqrt(0.6)), rel=1e-5)
    ninety = 4 * (2.575829 + 1.281552) ** 2 / np.log(0.5) ** 2
    assert per_arm(1.0, 0.5, 0.9, 0.01) == pytest.approx(ninety / 2, rel=1e-5)


def test_a_trial_is_told_of_twenty_people_and_ten_events():
    def told(n, events, longest=3.0):
        labels = certain({"a": n})
        time = pd.Series(np.linspace(0.5, longest, n), labels.group.index)
        people = pd.DataFrame({"t": time, "e": (np.arange(n) < events).astype(int)})
        made = enrichment([declare("y", "t", "continuous"), declare("o", "e", "survival", time="t")], people, labels)
        assert set(made["outcome"]) == {"o"} and "a" not in set(made["group"])  # one subtype is everyone staged
        return made.set_index("group").loc["everyone"]

    assert told(20, 10)["reportable"] and not told(19, 10)["reportable"] and not told(20, 9)["reportable"]
    assert np.isfinite(told(20, 10, 2.0)["risk"]) and np.isnan(told(20, 10, 1.99)["risk"])
    nobody = told(20, 0)
    assert nobody["rate"] == nobody["rate_low"] == 0 < nobody["rate_high"] and np.isnan(nobody["n_per_arm"])


def test_treatments_that_cannot_be_compared_have_a_reason():
    labels = certain({"a": 30, "b": 30})
    rng = np.random.default_rng(3)
    people = pd.DataFrame({"t": rng.exponential(2, 60) + 0.01, "e": 1}, labels.group.index)
    outcome = declare("o", "e", "survival", time="t")

    def effects(drug, **options):
        table, *_ = treatment_effects([outcome], people.assign(drug=drug), labels, "drug", "none")
        return table.set_index(["subtype", "treatment"])

    half = pd.Series(["none", "x"] * 30, labels.group.index)
    some = effects(half.mask(labels.group == "a", "none"))
    assert some.loc[("a", "x"), "reason"] == "nobody to compare with" and some.loc[("a", "x"), "n_treated"] == 0
    assert some.loc[("b", "x"), ["reason", "n_treated", "n"]].tolist() == ["", 15, 30]
    assert not some.loc[("b", "x"), "reportable"]  # 15 and 15 people
    whole = effects(half)
    assert whole.loc[("", "x"), "reportable"] and whole.loc[("", "x"), "n"] == 60
    assert treatment_effects([outcome], people.assign(drug="x"), labels, "drug", "none")[0].empty
    assert treatment_effects([outcome], people, labels, "drug", "none")[0].empty
    assert treatment_effects([outcome], people.assign(drug=half), labels, "", "none")[0].empty
    single = certain({"a": 60})
    table, *_ = treatment_effects(
        [outcome],
        people.assign(drug=half),
        Labels(single.group[people.index], single.probability.loc[people.index], single.stage[people.index]),
        "drug",
        "none",
    )
    assert table["subtype"].tolist()[:1] == [""] and len(table) == 2 and table.iloc[1]["reason"] == "one subtype"


# ---------------------------------------------------------------- follow-up


def test_five_people_have_a_slope_and_four_have_none():
    rows = [(f"p{i}", y, 2.0 * i + (0.5 + 0.1 * i) * y, "a" if i < 5 else "b") for i in range(9) for y in (0.0, 2.0)]
    seen = pd.DataFrame(rows, columns=["participant_id", "years", "expected_stage", "group_all"])
    once = pd.DataFrame([("q", 0.0, 9.0, "b"), ("q", 0.0, 1.0, "b")], columns=seen.columns)  # two scans on one day
    got = stage_slopes(pd.concat([seen, once]), ["a", "b", "c"], ("expected_stage",)).set_index("group")
    assert got.loc["a", "slope"] == pytest.approx(0.7) and got.loc["a", ["n_people", "n_scans"]].tolist() == [5, 10]
    # every person's own: 0.5, 0.6, 0.7, 0.8, 0.9
    error = np.sqrt(2 * (0.2**2 + 0.1**2)) / np.sqrt(5 * 4) * np.sqrt(9 / 9)
    half = stats.t.ppf(0.975, 4) * error
    assert (got.loc["a", "low"], got.loc["a", "high"]) == pytest.approx((0.7 - half, 0.7 + half))
    assert got.loc["b", "n_people"] == 4 and got.loc["b", "reason"] == "fewer than 5 people with a later scan"
    flat = stage_slopes(seen.assign(expected_stage=1.0), ["a"], ("expected_stage",))
    assert flat["reason"].tolist() == ["nothing changes"] and flat["slope"].isna().all()


def test_shares_of_moves_are_of_their_source():
    table = pd.DataFrame({"participant_id": list("aabbbcdd"), "group": ["x", "y", "y", "x", "x", "y", "x", "x"]})
    got = transitions(table, ["x", "y", "z"]).set_index(["source", "target"])
    assert got["n"].to_dict()["x", "x"] == 2 and got.loc[("x", "y"), "n"] == 1 and got.loc[("y", "x"), "n"] == 1
    assert got.loc["x", "share"].tolist() == pytest.approx([2 / 3, 1 / 3, 0]) and got.loc["y", "share"].tolist() == [
        1,
        0,
        0,
    ]
    assert got.loc["z", "share"].isna().all()


def test_the_ends_of_the_bins_of_years():
    later = [(0.01, 1), (1.5, 1), (1.51, 2), (2.5, 2), (2.51, 3), (3.5, 3), (3.51, None)]
    rows = [
        (f"p{i}", s, y, stage)
        for i, (years, _) in enumerate(later)
        for s, y, stage in (("baseline", 0.0, 1.0), ("t", years, 2.0 + i))
    ]
    table = pd.DataFrame(rows, columns=["participant_id", "session_id", "years", "expected_stage"]).assign(
        group_all="a"
    )
    got = changes(table, ["a"], ("expected_stage",)).set_index("years")
    assert got["n"].tolist() == [2, 2, 2] and got["change"].tolist() == [1.5, 3.5, 5.5]
    assert got["quantity"].unique().tolist() == ["stage"] and got["sd"].tolist() == pytest.approx([np.sqrt(0.5)] * 3)


# ---------------------------------------------------------------- prediction


def test_weights_are_one_over_the_share_not_yet_censored():
    time, event = np.array([1.0, 2, 3, 4, 5]), np.array([1, 0, 1, 0, 1])
    # censored at 2 (1 of 4) and 4 (1 of 2): known at 3.5 are events before, and everyone after
    assert censoring_weights(time, event, 3.5).tolist() == pytest.approx([1, 0, 4 / 3, 4 / 3, 4 / 3])
    assert censoring_weights(time, event, 4.5).tolist() == pytest.approx([1, 0, 4 / 3, 0, 8 / 3])
    assert censoring_weights(time, event, 5.0).tolist() == pytest.approx([1, 0, 4 / 3, 0, 8 / 3])


def test_brier_and_net_benefit_of_five_people():
    risk, time, event = np.array([0.9, 0.2, 0.6, 0.4, 0.5]), np.array([1.0, 2, 3, 4, 5]), np.array([1, 0, 1, 0, 1])
    weight = np.array([1, 0, 2.0, 1, 1])
    got = measures(risk, time, event, weight, 3.0, 0.5)
    assert got["brier"] == pytest.approx((0.1**2 + 2 * 0.4**2 + 0.4**2 + 0.5**2) / 5)
    assert got["net_benefit"] == pytest.approx((3 - 1 * 1) / 5) and got["net_benefit_all"] == pytest.approx((3 - 2) / 5)
    quarter = measures(risk, time, event, weight, 3.0, 0.25)
    assert quarter["net_benefit"] == pytest.approx((3 - 2 / 3) / 5)
    # pairs that can be ordered: 1 before all others, 3 before 4 and 5; risks fall in each but none
    assert got["c"] == pytest.approx(1.0)


def test_sets_of_predictors_are_nested_and_of_subtypes_only_where_there_are_some():
    labels = certain({NORMAL: 2, "a": 2, "b": 2})
    index = labels.group.index
    people = pd.DataFrame({"age": [1, 2, 3, 4, 5, 6], "sex": list("FMFMFM")}, index)
    z = pd.DataFrame({"u": [1.0] * 6, "v": [3.0] * 6}, index)
    sets = predictor_sets(people, labels, z, ["age", "absent", "sex"])
    assert {k: list(v) for k, v in sets.items()} == {
        "clinical": ["age", "sex_M"], "+ mean z": ["age", "sex_M", "mean_z"], "+ stage": ["age", "sex_M", "mean_z", "stage"],
        "+ subtype": ["age", "sex_M", "mean_z", "stage", "p a", "p b"], "clinical and all z": ["age", "sex_M", "z u", "z v"],
    }  # fmt: skip
    assert (sets["+ mean z"]["mean_z"] == 2).all() and (sets["+ stage"]["stage"] == labels.stage).all()
    one = certain({NORMAL: 3, "a": 3})
    assert "+ subtype" not in predictor_sets(people.set_axis(one.group.index), one, z.set_axis(one.group.index), [])


# ---------------------------------------------------------------- curves, table 1, nuisance, planted


def test_ten_people_at_four_stages_have_a_curve():
    def drawn(n=10, stages=4, values=None):
        index = [f"p{i}" for i in range(n)]
        stage = pd.Series(np.arange(n) % stages + 1.0, index)
        people = pd.DataFrame({"y": np.arange(n) % 3 + 0.5 * stage if values is None else values}, index)
        labels = Labels(pd.Series("a", index), pd.DataFrame({NORMAL: 0.0, "a": 1.0}, index), stage)
        return stage_curves([declare("o", "y", "continuous")], people, labels)

    got = drawn()
    assert len(got) == 41 and got["n"].unique().tolist() == [10] and (got["low"] < got["fit"]).all()
    assert drawn(9).empty and drawn(10, 3).empty and drawn(values=2.0).empty and len(drawn(10, 4, [1.0, 2] * 5)) == 41


def test_two_numbers_are_categories_and_three_are_not():
    people = pd.DataFrame({"two": [0, 1, 0, 1, 1], "three": [0.0, 1, 2, 1, 1], "none": np.nan}, list("abcde"))
    group = pd.Series(list("xxyyz"), list("abcde"))
    got = table_one(people, group, ["two", "three", "none", "absent", "two"], ["x", "y", "w"])
    variables = got["variable"].tolist()
    assert list(dict.fromkeys(variables)) == ["n", "two, n (%)", "three, median [Q1,Q3]"] and "z" not in got
    assert list(got.columns) == ["variable", "level", "missing", "all", "x", "y", "largest_smd"]
    assert str(got["all"].iloc[0]) == "4"
    alone = table_one(people, group, ["three"], ["x"])
    assert list(alone.columns)[-2:] == ["x", "largest_smd"] and alone["largest_smd"].isna().all()


def test_ten_people_are_tested_and_nine_are_not():
    def rows(n, stage=None, group=None):
        sites, sexes = [["s", "t"][i % 2] for i in range(n)], [["M", "F", "F"][i % 3] for i in range(n)]
        people = pd.DataFrame({"site": sites, "sex": sexes, "age": np.arange(n) * 1.5})
        stage = pd.Series(np.arange(n) % 4 * 1.0) if stage is None else stage
        group = pd.Series([["a", "b"][i // 2 % 2] for i in range(n)]) if group is None else group
        return nuisance(people, pd.Series(np.nan, people.index), group, stage, NORMAL).set_index(["label", "variable"])

    ten, nine = rows(10), rows(9)
    heads = [("subtype", "etiv"), ("stage", "etiv")]
    assert (ten.drop(heads)["reason"] == "").all() and (nine.drop(heads)["reason"] == TOO_FEW).all()
    assert (ten.loc[heads, "reason"] == UNKNOWN).all() and (nine.loc[heads, "reason"] == UNKNOWN).all()
    assert ten.loc[("stage", "etiv"), "n"] == 0 and ten["p_holm"].notna().sum() == 6
    flat = rows(10, stage=pd.Series(1.0, range(10)))
    assert (flat.loc["stage", "reason"].drop("etiv") == ALIKE).all() and flat.loc[("subtype", "age"), "reason"] == ""
    # a group of one person takes no part in ranks
    single = rows(12, group=pd.Series(["a"] * 6 + ["b"] * 5 + ["c"]))
    assert single.loc[("subtype", "age"), "n"] == 11


def test_planted_effects_are_told_against_all_others_where_there_are_several():
    rng = np.random.default_rng(5)

    def kinds(sizes):
        labels = certain(sizes)
        people = pd.DataFrame({"y": rng.normal(size=len(labels.group))}, labels.group.index)
        got = planted_and_recovered([declare("o", "y", "continuous")], people, labels, labels, people[:0])
        return got.loc[got["kind"] == "subtype", "against"].tolist()

    assert kinds({NORMAL: 15, "a": 15, "b": 15, "c": 15}) == ["the other subtypes"] * 3
    assert kinds({NORMAL: 15, "a": 15, "b": 15}) == ["b"]
