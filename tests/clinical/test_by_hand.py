"""Clinical tables against numbers computed by hand, from shuffled rows: intervals from estimate and error, sides, joins."""

from dataclasses import replace

import lifelines
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.nonparametric import rank_compare_2indep

from neuraxis.clinical.cases import complete_cases
from neuraxis.clinical.effects import cramers_v, probabilistic_index
from neuraxis.clinical.labels import NORMAL, THIRDS, Labels, group_of, probabilities, read_labels, stage_groups
from neuraxis.clinical.longitudinal import changes, reversals, scans, stage_slopes
from neuraxis.clinical.maps import region_maps
from neuraxis.clinical.nested import nested_models
from neuraxis.clinical.nuisance import nuisance
from neuraxis.clinical.outcomes import declare
from neuraxis.clinical.prediction import (
    calibration_slope,
    censoring_weights,
    out_of_fold_risk,
    prediction,
    predictor_sets,
)
from neuraxis.clinical.study import ClinicalInputs, analyse, mean_z, splits_of, values_of
from neuraxis.clinical.survival import survival_tables
from neuraxis.clinical.table1 import table_one
from neuraxis.clinical.treatment import INTERACTION, treatment_effects
from neuraxis.clinical.trial import enrichment, per_arm

Z95 = 1.959964


# ------------------------------------------------------------------ intervals


def test_change_by_years_has_students_interval():
    table = pd.DataFrame(
        [
            (p, s, y, "one" if p < "e" else "two", stage, z)
            for p, s, y, stage, z in [
                ("d", "s2", 2.0, 9.0, 0.4),
                ("a", "baseline", 0.0, 4.0, 1.0),
                ("a", "s2", 1.1, 6.0, 1.5),
                ("b", "baseline", 0.0, 1.0, 2.0),
                ("b", "s2", 0.9, 1.5, 2.1),
                ("b", "s3", 1.2, 99.0, 99.0),  # the same bin again: a person counts once
                ("c", "s2", 1.4, 7.0, 0.0),
                ("c", "baseline", 0.0, 3.0, 0.5),
                ("d", "baseline", 0.0, 8.0, 0.0),
                ("f", "baseline", 0.0, 5.0, 1.0),
                ("f", "s2", 1.0, 2.0, 0.0),
            ]
        ],
        columns=["participant_id", "session_id", "years", "group_all", "expected_stage", "mean_z"],
    )
    got = changes(table, ["one", "two"]).set_index(["group", "years", "quantity"])
    v = np.array([2.0, 0.5, 4.0])
    half = 4.302653 * v.std(ddof=1) / np.sqrt(3)  # 97.5 % of Student's t with 2 degrees of freedom
    row = got.loc[("one", 1, "stage")]
    assert row[["n", "change", "sd"]].tolist() == pytest.approx([3, v.mean(), v.std(ddof=1)])
    assert (row["low"], row["high"]) == pytest.approx((v.mean() - half, v.mean() + half), abs=1e-5)
    assert got.loc[("one", 1, "mean z"), "change"] == pytest.approx((0.5 + 0.1 - 0.5) / 3)
    assert got.loc[("one", 2, "stage"), ["n", "change"]].tolist() == [1, 1.0]
    assert np.isnan(got.loc[("one", 2, "stage"), "low"]) and got.loc[("two", 1, "stage"), "change"] == -3
    assert got.loc[("two", 3, "stage"), "n"] == 0


def test_slopes_have_errors_clustered_by_person():
    rng = np.random.default_rng(4)
    rows = [(f"p{p}", y, 2 * p + s * y + e) for p, s in enumerate(rng.normal(0.5, 0.8, 6)) for y, e in
            zip((0.0, 1.0, 2.5), rng.normal(0, 0.3, 3), strict=True)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["participant_id", "years", "expected_stage"]).assign(group_all="one")
    one = pd.DataFrame({"participant_id": ["q"], "years": [0.0], "expected_stage": [5.0], "group_all": ["one"]})
    few = pd.DataFrame(
        {"participant_id": ["r", "r"], "years": [0.0, 1], "expected_stage": [5.0, 7], "group_all": ["two"] * 2}
    )
    shuffled = pd.concat([table, one, few]).sample(frac=1, random_state=0)
    got = stage_slopes(shuffled, ["one", "two"], ("expected_stage",)).set_index("group")
    x = table["years"] - table.groupby("participant_id")["years"].transform("mean")
    y = table["expected_stage"] - table.groupby("participant_id")["expected_stage"].transform("mean")
    slope = (x * y).sum() / (x * x).sum()
    sums = (x * (y - slope * x)).groupby(table["participant_id"]).sum()
    # sandwich of 6 people, with the usual correction for few of them
    variance = (sums**2).sum() / (x * x).sum() ** 2 * 6 / 5 * (18 - 1) / (18 - 1)
    half = stats.t.ppf(0.975, 5) * np.sqrt(variance)
    row = got.loc["one"]
    assert row["slope"] == pytest.approx(slope) and row[["n_people", "n_scans"]].tolist() == [6, 18]
    assert (row["low"], row["high"]) == pytest.approx((slope - half, slope + half))
    assert row["p"] == pytest.approx(2 * stats.t.sf(abs(slope) / np.sqrt(variance), 5)) and row["quantity"] == "stage"
    assert np.isnan(got.loc["two", "slope"]) and got.loc["two", "reason"].startswith("fewer than 5 people")


def test_the_probabilistic_index_has_brunner_and_munzels_interval():
    a, b = pd.Series([1.0, 3, 4, 4, 6, 7, 9]), pd.Series([0.0, 1, 2, 2, 5, 3, 4, 1])
    got = probabilistic_index(a, b)
    test = rank_compare_2indep(a, b)
    assert got["prob_index"] > 0.7
    assert (got["pi_low"], got["pi_high"]) == pytest.approx(tuple(np.clip(test.conf_int(alpha=0.05), 0, 1)))
    turned = probabilistic_index(b, a)
    assert turned["prob_index"] == pytest.approx(1 - got["prob_index"])
    assert turned["cliffs_delta"] == pytest.approx(-got["cliffs_delta"]) and got["cliffs_delta"] > 0


def test_cramers_interval_inverts_the_noncentral_chi_square():
    counts = {("x", "u"): 30, ("x", "v"): 10, ("y", "u"): 12, ("y", "v"): 25, ("z", "u"): 8, ("z", "v"): 9}
    a, b = (pd.Series([k[i] for k, n in counts.items() for _ in range(n)]) for i in (0, 1))
    got = cramers_v(a, b)
    chi2, p, df, _ = stats.chi2_contingency(pd.crosstab(a, b), correction=False)
    n = len(a)
    assert got["estimate"] == pytest.approx(np.sqrt(chi2 / n)) and got["p"] == pytest.approx(p)
    for end, tail in (("low", 0.975), ("high", 0.025)):
        assert stats.ncx2.cdf(chi2, df, n * got[end] ** 2 - df) == pytest.approx(tail, abs=1e-6)
    assert got["low"] < got["estimate"] < got["high"] and got["model"] == "chi-square"


def test_a_profile_whose_ends_are_one_is_no_interval():
    """Five events among twenty people: the search for the upper end comes back to the lower one."""
    rng = np.random.default_rng(5)
    people = pd.DataFrame(rng.normal(size=(20, 4)), columns=list("abcd"), index=[f"p{i}" for i in range(20)])
    people["time"], people["event"] = np.round(rng.exponential(2, 20) + 0.1, 1), 0
    people.iloc[rng.choice(20, 5, replace=False), people.columns.get_loc("event")] = 1
    outcome = declare(name="o", column="event", type="survival", time="time", covariates=list("abcd"))
    cases = complete_cases(outcome, people)
    where = np.arange(20)
    terms = pd.DataFrame({"x": 1.0 * (where < 4), "y": 1.0 * ((where >= 4) & (where < 9))}, index=people.index)
    fit = outcome.fit(cases, terms)
    assert fit.penalised and fit.model == "Firth Cox"
    assert np.isnan(fit.contrast({"y": 1.0})).all()
    both = fit.contrast({"x": 0.5, "y": 0.5})
    assert np.isnan(both).all() or both.low < both.estimate < both.high


def survivors():
    time = pd.Series([1.0, 2.0, 2.0, 3.0, 5.0, 6.0, 4.0, 8.0])
    return time, pd.Series([1, 0, 1, 1, 0, 1, 0, 0])


def test_kaplan_meier_has_greenwoods_interval_on_the_log_log_scale():
    time, event = survivors()
    order = [3, 0, 7, 1, 6, 2, 5, 4]
    curve, test = survival_tables("o", time[order], event[order], pd.Series("g", time.index), ["g"])
    got = curve.set_index("years")
    at_risk, died = {1: 8, 2: 7, 3: 5, 6: 2}, {1: 1, 2: 1, 3: 1, 6: 1}
    s, v = 1.0, 0.0
    for t, n in at_risk.items():
        s, v = s * (1 - died[t] / n), v + died[t] / (n * (n - died[t]))
        half = Z95 * np.sqrt(v) / abs(np.log(s))
        low, high = (np.exp(-np.exp(np.log(-np.log(s)) + side * half)) for side in (1, -1))
        assert got.loc[t, ["survival", "low", "high"]].tolist() == pytest.approx([s, low, high], abs=1e-5)
        assert got.loc[t, "at_risk"] == n
    assert got["n_events"].tolist() == [0, 1, 2, 3, 3, 3, 4, 4]
    assert test["reason"].startswith("fewer than two groups") and test["n"] == 8 and test["n_events"] == 4


def test_log_rank_compares_only_the_compared():
    rng = np.random.default_rng(1)
    time, event = pd.Series(rng.exponential(3, 30)), pd.Series(rng.integers(0, 2, 30))
    group = pd.Series([NORMAL] * 9 + ["a"] * 8 + ["b"] * 7 + ["c"] * 3 + [np.nan] * 3)
    curves, test = survival_tables("o", time, event, group, [NORMAL, "a", "b", "c"], ["a", "b", "c"])
    mine = group.isin(["a", "b"])
    want = lifelines.statistics.logrank_test(
        time[group == "a"], time[group == "b"], event[group == "a"], event[group == "b"]
    )
    assert test["p"] == pytest.approx(want.p_value) and test["groups"] == "a, b" and test["df"] == 1
    assert (test["n"], test["n_events"], test["n_smallest"]) == (15, int(event[mine].sum()), 7)
    assert set(curves["group"]) == {NORMAL, "a", "b", "c"}


def test_a_trials_rates_and_risks_have_their_intervals():
    time, event = survivors()
    people = pd.DataFrame({"time": time, "event": event})
    people.index = pd.Index([f"p{i}" for i in range(8)])
    group = pd.Series(["a", "a", "a", "b", "b", "b", NORMAL, NORMAL], people.index)
    p = pd.DataFrame({c: (group == c).astype(float) for c in (NORMAL, "a", "b")})
    labels = Labels(group, p, pd.Series(np.arange(8.0), people.index))
    outcome = declare(name="o", column="event", type="survival", time="time")
    got = enrichment([outcome], people.iloc[::-1], labels, years=3.5, hazard_ratio=0.6, power=0.9).set_index("group")
    assert list(got.index[:4]) == ["everyone", "everyone staged", "a", "b"]
    row = got.loc["everyone"]
    assert row[["n", "n_events", "person_years"]].tolist() == [8, 4, 31]
    low, high = stats.chi2.ppf(0.025, 8) / 62, stats.chi2.ppf(0.975, 10) / 62
    assert row[["rate", "rate_low", "rate_high"]].tolist() == pytest.approx([4 / 31, low, high])
    s = 7 / 8 * 6 / 7 * 4 / 5
    half = Z95 * np.sqrt(1 / 56 + 1 / 42 + 1 / 20) / abs(np.log(s))
    ends = [1 - np.exp(-np.exp(np.log(-np.log(s)) + side * half)) for side in (-1, 1)]
    assert row[["risk", "risk_low", "risk_high"]].tolist() == pytest.approx([1 - s, *ends], abs=1e-5)
    need = [np.ceil(per_arm(r, 0.6, 0.9)) for r in (1 - s, ends[1], ends[0])]
    assert row[["n_per_arm", "n_per_arm_low", "n_per_arm_high"]].tolist() == need and need[1] < need[0] < need[2]
    assert got.loc["a", ["n", "n_events", "person_years"]].tolist() == [3, 2, 5]
    assert np.isnan(got.loc["a", "risk"])  # nobody of it was watched for 3.5 years
    assert got.loc["everyone staged", "n"] == 6 and not got["reportable"].any()
    assert got[["years", "hazard_ratio", "power"]].drop_duplicates().to_numpy().tolist() == [[3.5, 0.6, 0.9]]


# ------------------------------------------------------------------ joins and sides


def region_study():
    rng = np.random.default_rng(2)
    n = 40
    index = pd.Index([f"p{i:02d}" for i in range(n)], name="participant_id")
    people = pd.DataFrame({"age": rng.normal(45, 9, n), "sex": rng.choice(["M", "F"], n)}, index=index)
    etiv = pd.Series(rng.normal(1.5e6, 1e5, n), index)
    group = pd.Series(np.repeat([NORMAL, "a", "b"], [8, 20, 12]), index)
    z = pd.DataFrame({"x": rng.normal(size=n) + 4e-6 * (etiv - 1.5e6) + 1.0 * (group == "b")}, index=index)
    z["y"] = rng.normal(size=n) - 0.8 * (group == "a") - 0.05 * (people["age"] - 45)
    z.iloc[3, 0] = np.nan
    return z, people, etiv, group


def test_region_maps_join_by_id_and_have_the_models_t():
    z, people, etiv, group = region_study()
    mixed = [t.sample(frac=1, random_state=i) for i, t in enumerate((people, etiv, group))]
    got = region_maps(z, *mixed).set_index(["group", "biomarker"])
    staged = group != NORMAL
    for g in ("a", "b"):
        for b in ("x", "y"):
            design = pd.DataFrame(
                {"one": 1.0, "age": people["age"], "male": 1.0 * (people["sex"] == "M"), "etiv": etiv / 1e6}
            ).assign(g=1.0 * (group == g))[staged]
            fit = sm.OLS(z.loc[staged, b], design, missing="drop").fit()
            assert got.loc[(g, b), "t"] == pytest.approx(fit.tvalues["g"])
            assert got.loc[(g, b), "p"] == pytest.approx(fit.pvalues["g"])
            mine = z.loc[group == g, b].dropna()
            assert got.loc[(g, b), ["n", "mean_z", "sd_z"]].tolist() == pytest.approx(
                [len(mine), mine.mean(), mine.std()]
            )
    assert got.loc[("b", "x"), "t"] > 2 and got.loc[("a", "y"), "t"] < 0 < got.loc[("b", "y"), "t"]
    assert got.loc[NORMAL, "t"].isna().all() and got.loc[(NORMAL, "x"), "n"] == 7 and got["circular"].all()
    assert set(got.loc[["a", "b"], "covariates"]) == {"age, sex, etiv"} and set(got.loc[NORMAL, "covariates"]) == {""}
    p = got["p"].dropna().sort_values()
    q = np.minimum.accumulate((p * len(p) / np.arange(1, len(p) + 1)).to_numpy()[::-1])[::-1]
    assert got.loc[p.index, "q"].to_numpy() == pytest.approx(q)


def test_region_maps_without_head_sizes_are_of_age_and_sex():
    z, people, etiv, group = region_study()
    got = region_maps(z, people, etiv * np.nan, group).set_index(["group", "biomarker"])
    staged = group != NORMAL
    design = pd.DataFrame({"one": 1.0, "age": people["age"], "male": 1.0 * (people["sex"] == "M")})
    fit = sm.OLS(z.loc[staged, "y"], design.assign(g=1.0 * (group == "b"))[staged]).fit()
    assert got.loc[("b", "y"), "t"] == pytest.approx(fit.tvalues["g"])
    assert got.loc[("b", "y"), "covariates"] == "age, sex"
    alike = region_maps(z, people.assign(sex="F"), etiv, group).set_index(["group", "biomarker"])
    assert alike.loc[("b", "y"), "covariates"] == "age, etiv"  # nobody differs by sex


@pytest.mark.parametrize("who", [slice(8, 39), slice(20, 21)])
def test_region_maps_of_people_of_whom_some_have_no_head_size_are_of_all_of_them(who):
    """One head size, or all but one, among the staged; the normal-appearing are not compared and may lack theirs."""
    z, people, etiv, group = region_study()
    staged = group != NORMAL
    full = region_maps(z, people, etiv.mask(~staged), group).set_index(["group", "biomarker"])
    assert full.loc[("b", "y"), "t"] == pytest.approx(
        region_maps(z, people, etiv, group).set_index(["group", "biomarker"]).loc[("b", "y"), "t"]
    )
    etiv.iloc[who] = np.nan
    got = region_maps(z, people, etiv, group).set_index(["group", "biomarker"])
    design = pd.DataFrame({"one": 1.0, "age": people["age"], "male": 1.0 * (people["sex"] == "M")})
    fit = sm.OLS(z.loc[staged, "y"], design.assign(g=1.0 * (group == "b"))[staged]).fit()
    assert got.loc[("b", "y"), "t"] == pytest.approx(fit.tvalues["g"])
    assert got.loc[("a", "y"), "n"] + got.loc[("b", "y"), "n"] == fit.nobs == 32


def assignment(rows, prefix=""):
    """subtype, stage, P(healthy), P(staged and 1), P(staged and 2)."""
    return pd.DataFrame(
        [
            {
                f"{prefix}subtype": s, f"{prefix}stage": t, f"{prefix}stage_low": max(t - 1, 0), f"{prefix}stage_high": t + 1,
                f"{prefix}expected_stage": t + 0.25, f"{prefix}p_healthy": h, f"{prefix}p_staged_subtype1": a,
                f"{prefix}p_staged_subtype2": b, f"{prefix}normal_appearing": h >= 0.5,
            }
            for s, t, h, a, b in rows
        ]
    )  # fmt: skip


def repeated():
    first = assignment([(1, 3, 0.1, 0.8, 0.1), (2, 0, 0.6, 0.1, 0.3), (2, 4, 0.2, 0.1, 0.7)], "oof_")
    first.index = pd.Index(["p", "q", "r"], name="participant_id")
    later = assignment([(2, 2, 0.1, 0.2, 0.7), (2, 1, 0.1, 0.3, 0.6), (2, 0, 0.7, 0.1, 0.2), (1, 9, 0.0, 1.0, 0.0)])
    later.insert(0, "participant_id", ["p", "q", "p", "z"])
    later.insert(1, "session_id", ["s2", "s2", "s3", "s2"])
    later.insert(2, "years", [1.0, 2.0, 2.5, 1.0])
    return first, later


def test_scans_carry_their_own_mean_z_and_the_group_of_all_together():
    first, later = repeated()
    keys = [("q", "s2"), ("p", "baseline"), ("p", "s3"), ("r", "baseline"), ("q", "baseline"), ("p", "s2")]
    z = pd.Series([0.5, 0.1, 0.3, 0.9, 0.4, 0.2], pd.MultiIndex.from_tuples(keys))
    got = scans(first, later.sample(frac=1, random_state=1), {1: "one", 2: "two"}, z)
    assert list(zip(got["participant_id"], got["session_id"], strict=True)) == [
        ("p", "baseline"), ("p", "s2"), ("p", "s3"), ("q", "baseline"), ("q", "s2"),
    ]  # fmt: skip
    assert got["mean_z"].tolist() == [0.1, 0.2, 0.3, 0.4, 0.5] and got["years"].tolist() == [0, 1, 2.5, 0, 2]
    assert got["group"].tolist() == ["one", "two", NORMAL, NORMAL, "two"]
    # p: mean P(healthy) 0.3, one 0.37, two 0.33; q: 0.35, 0.2, 0.45
    assert got["group_all"].tolist() == ["one"] * 3 + ["two"] * 2
    assert got["stage"].tolist() == [3, 2, 0, 0, 1] and got["expected_stage"].tolist() == [3.25, 2.25, 0.25, 0.25, 1.25]
    back = reversals(got).set_index("quantity")
    assert back.loc["pairs of consecutive scans", "value"] == 3
    assert back.loc["share of staged pairs at a lower stage than before"].tolist() == [1, 1.0]
    assert back.loc["share of staged pairs lower beyond both 95 % intervals"].tolist() == [1, 0.0]
    assert back.loc["share of staged pairs that changed subtype"].tolist() == [1, 1.0]
    assert back.loc["share of staged scans followed by a normal-appearing one"].tolist() == [2, 0.5]


def test_labels_follow_the_probability_of_being_healthy():
    table = assignment([(1, 3, 0.1, 0.8, 0.1), (2, 0, 0.6, 0.1, 0.3), (2, 4, 0.25, 0.25, 0.5)], "oof_")
    names = {1: "one", 2: "two"}
    assert group_of(table, names, "oof_").tolist() == ["one", NORMAL, "two"]
    assert probabilities(table, names, "oof_")["two"].tolist() == pytest.approx([0.1, 0.3, 0.5])
    labels = read_labels(table, names)
    assert labels.stage.tolist() == [3.25, 0.25, 4.25] and labels.staged.tolist() == [True, False, True]
    turned = labels.with_normal(pd.Series([True, False, False]))
    assert turned.group.tolist() == [NORMAL, "two", "two"] and turned.probability.loc[0].tolist() == [1, 0, 0]


def thirds(n=30):
    stage = pd.Series(np.random.default_rng(0).permutation(np.arange(n * 1.0)))
    group = pd.Series("one", stage.index).mask(stage < 9, NORMAL)
    p = pd.DataFrame({NORMAL: (group == NORMAL) * 1.0, "one": (group == "one") * 1.0})
    return Labels(group, p, stage)


def test_thirds_rise_with_the_stage_and_survival_compares_staged_people():
    labels = thirds()
    group, order = stage_groups(labels)
    assert order == [NORMAL, *THIRDS] and (group[labels.stage < 9] == NORMAL).all()
    assert [labels.stage[group == t].min() for t in THIRDS] == [9, 16, 23]
    splits = splits_of(labels)
    assert splits["subtype"][1:] == ([NORMAL, "one"], ["one"])
    assert splits["stage"][1:] == ([NORMAL, *THIRDS], list(THIRDS)) and splits["stage"][0].equals(group)


def test_what_the_norms_removed_is_tested_by_hand():
    group = pd.Series(["a"] * 6 + ["b"] * 7 + [NORMAL] * 5)
    rng = np.random.default_rng(5)
    people = pd.DataFrame({"site": ["s"] * 9 + ["t"] * 9, "sex": list("MF") * 9, "age": rng.normal(40, 8, 18)})
    stage, etiv = pd.Series(rng.gamma(2, 2, 18)), pd.Series(rng.normal(1.5e6, 1e5, 18))
    got = nuisance(people, etiv, group, stage, NORMAL).set_index(["label", "variable"])
    h, p = stats.kruskal(people["age"][:6], people["age"][6:13])
    assert got.loc[("subtype", "age"), ["estimate", "p", "n"]].tolist() == pytest.approx([h / 12, p, 13])
    rho, p = stats.spearmanr(stage, etiv)
    assert got.loc[("stage", "etiv"), ["estimate", "p", "n"]].tolist() == pytest.approx([rho, p, 18])
    h, p = stats.kruskal(stage[:9], stage[9:])
    assert got.loc[("stage", "site"), ["estimate", "p", "n"]].tolist() == pytest.approx([h / 17, p, 18])
    v = cramers_v(group[:13], people["sex"][:13])
    assert got.loc[("subtype", "sex"), ["estimate", "p", "n"]].tolist() == pytest.approx([v["estimate"], v["p"], 13])
    ordered = got["p"].sort_values()
    holm = np.minimum(np.maximum.accumulate(ordered.to_numpy() * np.arange(8, 0, -1)), 1)
    assert got.loc[ordered.index, "p_holm"].to_numpy() == pytest.approx(holm)


def test_treatment_is_set_against_its_reference_within_its_subtype():
    rng = np.random.default_rng(8)
    n = 160
    index = pd.Index([f"p{i}" for i in range(n)])
    drug = pd.Series(np.where(np.arange(n) % 2 == 0, "none", "x"), index)
    group = pd.Series(np.repeat(["a", "b", NORMAL], [70, 70, 20]), index)
    time = pd.Series(rng.exponential(np.where(drug == "x", 6, 2) * np.where(group == "b", 0.4, 1)), index)
    people = pd.DataFrame({"drug": drug, "time": time, "event": (rng.random(n) < 0.8).astype(int)})
    p = pd.DataFrame({c: (group == c).astype(float) for c in (NORMAL, "a", "b")})
    labels = Labels(group, p, pd.Series(1.0, index))
    outcome = declare(name="o", column="event", type="survival", time="time", covariates=["drug"])
    table, curves, tests = treatment_effects([outcome], people.sample(frac=1, random_state=1), labels, "drug", "none")
    got = table.set_index("subtype")
    for subtype, mine in (("", group != NORMAL), ("a", group == "a"), ("b", group == "b")):
        data = people[mine].assign(x=(drug == "x").astype(float))[["time", "event", "x"]]
        fit = lifelines.CoxPHFitter().fit(data, "time", "event")
        want = np.exp([fit.params_["x"], *fit.confidence_intervals_.loc["x"]])
        row = got.loc[subtype]
        assert row[["estimate", "low", "high"]].tolist() == pytest.approx(want.tolist(), rel=1e-5)
        assert row["n"] == mine.sum() and row["n_treated"] == (mine & (drug == "x")).sum() and row["estimate"] < 1
        assert (
            row["n_events"] == people.loc[mine, "event"].sum()
            and row["treatment"] == "x"
            and row["reference"] == "none"
        )
    assert set(curves["split"]) == {"treatment in a", "treatment in b"} and set(curves["group"]) == {"none", "x"}
    first = lifelines.statistics.logrank_test(
        *(time[(group == "a") & (drug == v)] for v in ("none", "x")),
        *(people.loc[(group == "a") & (drug == v), "event"] for v in ("none", "x")),
    )
    assert tests.set_index("split").loc["treatment in a", "p"] == pytest.approx(first.p_value)

    def told(changed):
        table, *_ = treatment_effects([outcome], changed, labels, "drug", "none")
        return bool(table.set_index("subtype").loc[INTERACTION, "reportable"])

    few_events = people.assign(event=[int(e and i % 20 == 3) for i, e in enumerate(people["event"])])
    few_treated = people.assign(drug=np.where(np.arange(n) % 4 == 0, "x", "none"))  # 18 and 17 of 70
    assert 0 < few_events["event"].sum() < 10
    assert told(people) and not told(few_events) and not told(few_treated)


# ------------------------------------------------------------------ what was not seen


def risk_study(n=60):
    rng = np.random.default_rng(6)
    x = pd.DataFrame({"u": rng.normal(3, 2, n), "v": rng.normal(size=n), "flat": 1.0})
    time = pd.Series(rng.exponential(np.exp(-0.5 * (x["u"] - 3))) + 0.01)
    return x, time, pd.Series((rng.random(n) < 0.75).astype(int))


def test_risks_come_from_models_of_the_other_people_and_their_scale():
    x, time, event = risk_study()
    parts = np.split(np.random.default_rng(0).permutation(60), [12, 31])
    folds = [(np.setdiff1d(np.arange(60), part), part) for part in parts]
    got = out_of_fold_risk(x, time, event, 1.0, folds, 0.1)
    train, test = folds[0]
    mean, sd = x.iloc[train].mean(), x.iloc[train].std()
    scaled = ((x - mean) / sd)[["u", "v"]]
    fit = lifelines.CoxPHFitter(penalizer=0.1).fit(
        scaled.iloc[train].assign(t=time.iloc[train], e=event.iloc[train]), "t", "e"
    )
    want = 1 - fit.predict_survival_function(scaled.iloc[test], times=[1.0]).to_numpy()[0]
    assert got[test] == pytest.approx(want, abs=1e-6) and np.corrcoef(got, x["u"])[0, 1] > 0.7
    # twice divided: the mean of both risks
    halves = [(train, test), (test, train)]
    other = out_of_fold_risk(x, time, event, 1.0, halves, 0.1)
    both = out_of_fold_risk(x, time, event, 1.0, [*folds, *halves], 0.1)
    assert both == pytest.approx((got + other) / 2)
    assert calibration_slope(1 - np.exp(-np.exp(0.5 * x["v"] + 0.1)), time, event) == pytest.approx(
        lifelines.CoxPHFitter()
        .fit(pd.DataFrame({"x": 0.5 * x["v"] + 0.1, "t": time, "e": event}), "t", "e")
        .params_["x"],
        rel=1e-4,
    )


def test_weights_undo_censoring():
    time, event = np.array([1.0, 2, 3, 4, 5]), np.array([1, 0, 1, 0, 1])
    # P(not censored before t): 1 up to 2, then 3 of 4, from 4 on 3/4 * 1/2
    assert censoring_weights(time, event, 3.5) == pytest.approx([1, 0, 4 / 3, 4 / 3, 4 / 3])


def test_prediction_repeats_its_own_parts():
    x, time, event = risk_study(120)
    people = x.assign(time=time, event=event)
    p = pd.DataFrame({NORMAL: 0.2, "one": 0.8}, index=x.index)
    labels = Labels(pd.Series("one", x.index), p, x["v"])
    z = pd.DataFrame({"b": x["v"] + 1, "c": x["u"]})
    outcome = declare(name="o", column="event", type="survival", time="time")
    got = prediction([outcome], people, labels, z, ["u", "absent"], folds=3, repeats=2, horizon=1.0, n_bootstrap=15)
    got = got.set_index("model")
    assert list(got.index) == ["clinical", "+ mean z", "+ stage", "clinical and all z"]
    from lifelines.utils import concordance_index
    from sklearn.model_selection import RepeatedStratifiedKFold

    parts = list(RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=1).split(people, event))
    sets = predictor_sets(people, labels, z, ["u"])
    assert list(sets["+ mean z"]) == ["u", "mean_z"] and list(sets["clinical and all z"]) == ["u", "z b", "z c"]
    rng = np.random.default_rng(1)
    picks = [rng.integers(0, 120, 120) for _ in range(15)]
    t, e = time.to_numpy(), event.to_numpy()
    risks = {k: out_of_fold_risk(v, time, event, 1.0, parts, 0.1 if "all" in k else 0.01) for k, v in sets.items()}

    def c(k, i=slice(None)):
        return concordance_index(t[i], -risks[k][i], e[i])

    for k, before in (
        ("clinical", None),
        ("+ mean z", "clinical"),
        ("+ stage", "+ mean z"),
        ("clinical and all z", "clinical"),
    ):
        row = got.loc[k]
        assert row["c"] == pytest.approx(c(k))
        assert (row["c_low"], row["c_high"]) == pytest.approx(
            tuple(np.quantile([c(k, i) for i in picks], [0.025, 0.975]))
        )
        if before:
            assert row["added"] == pytest.approx(c(k) - c(before))
            more = np.quantile([c(k, i) - c(before, i) for i in picks], [0.025, 0.975])
            assert (row["added_low"], row["added_high"]) == pytest.approx(tuple(more))
    assert (
        got["n_events"].eq(event.sum()).all() and got["horizon"].eq(1).all() and np.isnan(got.loc["clinical", "added"])
    )


def test_nested_models_are_compared_by_their_likelihoods():
    rng = np.random.default_rng(9)
    n = 80
    index = pd.Index([f"p{i}" for i in range(n)])
    group = pd.Series(np.repeat([NORMAL, "a", "b"], [20, 35, 25]), index)
    p = pd.DataFrame({c: (group == c) * 0.8 + 0.1 for c in (NORMAL, "a", "b")}).pipe(
        lambda t: t.div(t.sum(axis=1), axis=0)
    )
    labels = Labels(group, p, pd.Series(rng.gamma(2, 2, n), index))
    scores = pd.DataFrame({"mean z": rng.normal(size=n)}, index)
    people = pd.DataFrame({"y": 2 * (group == "b") + 0.5 * scores["mean z"] + rng.normal(size=n)})
    outcome = declare(name="o", column="y", type="continuous")
    got = nested_models([outcome], people.sample(frac=1, random_state=1), labels, scores).set_index("model")
    y = (people["y"] - people["y"].mean()) / people["y"].std()
    terms = p[["a", "b"]].join(p[["a", "b"]].mul(labels.stage, axis=0).add_prefix("s"))
    full = sm.OLS(y, sm.add_constant(scores.join(terms))).fit()
    part = {
        "mean z": sm.OLS(y, sm.add_constant(scores)).fit(),
        "subtype and stage": sm.OLS(y, sm.add_constant(terms)).fit(),
    }
    for name, fit in part.items():
        lr = 2 * (full.llf - fit.llf)
        df = 6 - len(fit.params)
        row = got.loc[name]
        assert row[["lr", "df", "p"]].tolist() == pytest.approx([lr, df, stats.chi2.sf(lr, df)])
        assert row["aic"] == pytest.approx(2 * len(fit.params) - 2 * fit.llf) and row[
            "log_likelihood"
        ] == pytest.approx(fit.llf)
        assert row["against"] == "mean z, subtype and stage"
    assert got.loc["mean z", "df"] == 4 and got.loc["subtype and stage", "df"] == 1
    assert np.isnan(got.loc["mean z, subtype and stage", "p"]) and len(complete_cases(outcome, people).y) == n


# ------------------------------------------------------------------ the whole of one disease


def whole():
    rng = np.random.default_rng(12)
    ids = [f"s{i:02d}" for i in range(64)]
    people = pd.DataFrame(
        {"group": ["MS"] * 44 + ["HC"] * 20, "site": "one"}, index=pd.Index(ids, name="participant_id")
    )
    people["age"], people["sex"] = rng.normal(40, 9, 64), rng.choice(["M", "F"], 64)
    people["score"] = rng.normal(size=64)
    z = pd.DataFrame(rng.normal(size=(64, 2)), people.index, ["thalamus", "cord_csa"])
    z.insert(0, "group", people["group"])
    z["origin"] = "SIMULATED"
    mine = ids[:40]  # four patients were left out of the model
    rows = [(1 + (i % 3 == 0), 1 + i % 7, 0.1, 0.7 if i % 3 else 0.2, 0.2 if i % 3 else 0.7) for i in range(40)]
    subtypes = assignment(rows, "oof_").assign(oof_confident=True, above_controls=True)
    subtypes.index = pd.Index(mine, name="participant_id")
    later = assignment([(1, 5, 0.1, 0.8, 0.1)] * 6)
    later.insert(0, "participant_id", mine[:6])
    later.insert(1, "session_id", "s2")
    later.insert(2, "years", 1.0)
    followup = later[["participant_id", "session_id"]].assign(thalamus=np.arange(6.0), cord_csa=1.0, years=1.0)
    biomarkers = pd.DataFrame({"biomarker": ["thalamus", "cord_csa"], "kind": ["labels", "cord"]})
    return ClinicalInputs(
        participants=people.sample(frac=1, random_state=1), visits=pd.DataFrame(columns=["participant_id", "years", "edss"]),
        relapses=pd.DataFrame(columns=["participant_id", "years"]), zscores=z.sample(frac=1, random_state=2),
        zscores_followup=followup, etiv=pd.Series(1.5e6, people.index), subtypes=subtypes, followup=later,
        qc=pd.DataFrame({"participant_id": [mine[0]], "decision": ["flagged"]}), names={1: "one", 2: "two"},
        biomarkers=biomarkers, claims=pd.DataFrame(columns=["disease", "subtype", "kind", "column", "direction", "claim"]),
    )  # fmt: skip


def test_one_disease_from_its_tables():
    given = whole()
    options = {
        "control": "HC",
        "n_draws": 0,
        "seed": 1,
        "treatment": {"column": "", "reference": "none"},
    }
    tables = analyse(
        given, "MS", outcomes=[{"name": "score", "column": "score", "type": "continuous"}], worsening={},
        trial={}, predicted={"clinical": ["age"]}, **options,
    )  # fmt: skip
    age = tables["table1_included"].set_index("variable").loc["age, median [Q1,Q3]"]
    people = given.participants.loc[sorted(given.participants.index)]
    assert age["included"].startswith(f"{people['age'][:40].median():.1f}")
    assert age["excluded"].startswith(f"{people['age'][40:44].median():.1f}")
    groups = tables["table1_groups"].set_index("variable").loc["age, median [Q1,Q3]"]
    assert list(groups.index[2:5]) == ["all", "HC", "MS"] and groups["HC"].startswith(
        f"{people['age'][44:].median():.1f}"
    )
    z = values_of(given.zscores).loc[given.subtypes.index]
    mean = mean_z(given)
    assert mean["s03", "baseline"] == pytest.approx(z.loc["s03"].mean()) and mean["s03", "s2"] == 2.0
    # a marker known at the first scan only takes part in no mean that is compared with later ones
    marked = replace(
        given, zscores=given.zscores.assign(nfl=50.0), zscores_followup=given.zscores_followup.assign(nfl=np.nan)
    )
    pd.testing.assert_series_equal(mean_z(marked), mean)
    repeated = tables["scans"].set_index(["participant_id", "session_id"])
    assert repeated.loc[("s05", "s2"), "mean_z"] == 3.0 and len(repeated) == 12
    two = [i for i in given.subtypes.index if int(i[1:]) % 3 == 0]
    maps = tables["maps"].set_index(["group", "biomarker"])
    assert maps.loc[("two", "thalamus"), "mean_z"] == pytest.approx(z.loc[two, "thalamus"].mean())
    assert "cord z" in " ".join(tables["nested"]["model"]) and tables["survival"].empty
    everyone = tables["sensitivity"].query(
        "analysis == 'without flagged scans' and method == 'label' and kind == 'subtype'"
    )
    assert everyone["n"].tolist() == [39]
    effects = tables["associations"].query("method == 'label' and kind == 'subtype'").iloc[0]
    assert effects[["n_group", "n_against"]].tolist() == [26, 14]
    assert not tables["associations"]["warning"].str.contains("circular").any()
    # the column that a biomarker was made of defined the subtypes
    own = pd.DataFrame({"biomarker": ["s", "cord_csa"], "kind": ["column", "cord"], "labels": [["score"], []]})
    tables = analyse(
        replace(given, biomarkers=own), "MS", outcomes=[{"name": "score", "column": "score", "type": "continuous"}], worsening={},
        trial={}, predicted={"clinical": ["age"]}, **options,
    )  # fmt: skip
    assert tables["associations"]["warning"].str.contains("circular: this measure defined the subtypes").all()
    told = analyse(
        given, "MS", outcomes=[], worsening={}, trial={}, predicted={"clinical": ["age"]}, **options
    )  # fmt: skip
    assert told["associations"].empty


def test_table_one_counts_by_group_whatever_the_order():
    people = pd.DataFrame({"age": [10.0, 20, 30, 40, 50], "sex": ["M", "F", "F", "M", "M"]}, index=list("abcde"))
    group = pd.Series({"e": "x", "d": "x", "c": "y", "b": "y", "a": "y"})
    got = table_one(people, group, ["age", "sex"], ["y", "x"]).set_index(["variable", "level"])
    assert list(got.columns) == ["missing", "all", "y", "x", "largest_smd"]
    assert int(got.iloc[0]["y"]) == 3 and int(got.iloc[0]["x"]) == 2
    age = got.xs("age, median [Q1,Q3]", level="variable").iloc[0]
    assert age["y"].startswith("20.0") and age["x"].startswith("45.0")
    assert got.loc[("sex, n (%)", "M"), "x"].startswith("2 (100") and got.loc[("sex, n (%)", "M"), "y"].startswith(
        "1 (33.3"
    )
