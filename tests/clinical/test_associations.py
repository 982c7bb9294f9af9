"""Contrasts, three ways with uncertain labels, what is refused and why."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from people import study
from scipy import stats

from neuraxis.clinical.associations import _enough, associations
from neuraxis.clinical.cases import complete_cases
from neuraxis.clinical.contrasts import ANY, OTHERS, atrophy_model, models_of, subtype_model
from neuraxis.clinical.imputation import impute_groups
from neuraxis.clinical.labels import ATROPHY, NORMAL, Labels, read_labels, reliability, shown_names, stage_groups
from neuraxis.clinical.maps import region_maps
from neuraxis.clinical.mixture import fit_averaged
from neuraxis.clinical.nested import nested_models
from neuraxis.clinical.outcomes import declare
from neuraxis.clinical.sensitivity import sensitivity, versions_of

SCORE = declare("Score", "score", "continuous", ("age",), family="f")


def row_of(table, contrast, outcome="Score"):
    return table[(table["contrast"] == contrast) & (table["outcome"] == outcome)].set_index("method")


def test_subtypes_are_compared_among_staged_people_at_the_same_stage():
    """The label's estimate is that of a model written by hand."""
    people, labels, _ = study(n=300, effect=0.5, atrophy=2.0, slope=0.1)
    table = associations([SCORE], people, labels, n_draws=0)
    staged = labels.group[labels.group != NORMAL]
    sd = labels.stage[staged.index].std()
    x = pd.get_dummies(staged, dtype=float)[["one", "two", "three"]].assign(
        stage=labels.stage[staged.index] / sd, age=people.loc[staged.index, "age"]
    )
    y = people.loc[staged.index, "score"]
    whole = (people["score"].mean(), people["score"].std())
    fit = sm.OLS((y - y.mean()) / y.std(), x).fit()
    sizes = staged.value_counts()
    others = -sizes[["one", "three"]] / sizes[["one", "three"]].sum()
    test = fit.t_test([others["one"], 1.0, others["three"], 0.0, 0.0])
    got = row_of(table, f"two against {OTHERS}").loc["label"]
    assert got["estimate"] == pytest.approx(test.effect[0]) and got["n"] == len(staged) < len(people)
    assert (got["high"] - got["low"]) / 2 == pytest.approx(1.959964 * test.sd[0, 0], rel=1e-5)
    assert got["n_group"] == sizes["two"] and got["n_against"] == sizes["one"] + sizes["three"]
    pair = row_of(table, "two against three").loc["label"]
    assert pair["estimate"] == pytest.approx(fit.t_test([0, 1.0, -1.0, 0, 0]).effect[0])
    assert row_of(table, "one against two").loc["label", "estimate"] == pytest.approx(
        fit.t_test([1.0, -1.0, 0, 0, 0]).effect[0]
    )
    later = row_of(table, "stage, at the same subtype").loc["label"]
    assert later["estimate"] == pytest.approx(fit.params["stage"]) and later["unit"] == f"{sd:.3g} stages"
    some = 1 - labels.probability[NORMAL]
    given = labels.stage / some.clip(lower=0.05) - labels.stage.sum() / some.sum()
    hard = (labels.group != NORMAL).astype(float).rename("any").to_frame().assign(age=people["age"])
    hard["later"] = hard["any"] * given
    direct = sm.OLS((people["score"] - whole[0]) / whole[1], sm.add_constant(hard)).fit()
    any_atrophy = row_of(table, f"{ANY} against none").loc["label"]
    assert any_atrophy["estimate"] == pytest.approx(direct.params["any"]) and any_atrophy["n"] == len(people)


def test_an_effect_of_atrophy_is_none_of_subtype():
    """All subtypes alike and far from normal-appearing: against the rest each would differ, against each other none."""
    people, labels, _ = study(n=1200, atrophy=1.5, certainty=2.5)
    table = associations([SCORE], people, labels, n_draws=0)
    weighted = table[table["method"] == "weighted"].set_index("contrast")
    assert (weighted.loc[weighted["kind"] == "subtype", "p"] > 0.01).all()
    assert weighted.loc[f"{ANY} against none", "p"] < 1e-10


def stage_seen(n, seed):
    """People whose scan shows the later stages clearly and takes the early ones for none; the outcome follows the stage."""
    rng = np.random.default_rng(seed)
    sick = rng.random(n) < 0.6
    stage = np.where(sick, 1 + rng.gamma(1.2, 5, n), 0.0)
    seen = 0.35 * stage + rng.standard_normal(n)
    # P(sick | seen) and the stage given it, by Bayes over a grid of stages
    grid = 1 + np.random.default_rng(0).gamma(1.2, 5, 4000)
    dense = np.exp(-0.5 * (seen[:, None] - 0.35 * grid) ** 2)
    some = 0.6 * dense.mean(1) / (0.6 * dense.mean(1) + 0.4 * np.exp(-0.5 * seen**2))
    index = pd.Index([f"p{i}" for i in range(n)])
    probability = pd.DataFrame({NORMAL: 1 - some, "one": 0.6 * some, "two": 0.4 * some}, index)
    group = probability[["one", "two"]].idxmax(axis=1).where(some > 0.5, NORMAL)
    labels = Labels(group, probability, pd.Series(some * (dense * grid).sum(1) / dense.sum(1), index))
    y = 0.3 * sick + 0.1 * stage + rng.standard_normal(n)
    return pd.DataFrame({"y": y}, index), labels, 0.3 + 0.1 * stage[sick].mean()


def test_any_atrophy_is_not_overstated_where_the_scan_shows_late_stages_best():
    """The weighted effect is that of the mean stage; a line through P(atrophy) alone would have that of late ones."""
    got, alone = [], []
    for seed in range(8):
        people, labels, effect = stage_seen(1000, seed)
        table = associations([declare("Y", "y", "continuous")], people, labels, n_draws=0)
        row = table[(table["contrast"] == f"{ANY} against none") & (table["method"] == "weighted")].iloc[0]
        sd = people["y"].std()
        got.append(row["estimate"] * sd / effect)
        line = sm.OLS(people["y"], sm.add_constant(1 - labels.probability[NORMAL])).fit()
        alone.append(line.params.iloc[1] / effect)
    assert np.mean(got) == pytest.approx(1.0, abs=0.1), got
    assert np.mean(alone) > 1.2


def test_hard_labels_attenuate_and_weighting_and_imputation_correct():
    people, labels, truth = study(n=4000, certainty=1.6, effect=1.0)
    y = people["score"][labels.staged].std()
    table = associations([SCORE], people, labels, n_draws=20)
    got = -row_of(table, "one against two")["estimate"] * y
    assert got["label"] < 0.8 and got["weighted"] == pytest.approx(1.0, abs=0.15)
    assert got["draws"] == pytest.approx(1.0, abs=0.15)
    assert row_of(table, "one against two").loc["draws", "n_draws"] == 20


def test_a_doubtful_stage_is_no_doubt_about_subtype_or_atrophy():
    """Odds of the stage that differ between cuts are not the contrasts' check; odds of a subtype that do are."""
    rng = np.random.default_rng(1)
    people, labels, truth = study(n=1500, certainty=4.0)
    late = labels.stage > labels.stage[labels.staged].median()
    rank = declare("Rank", "rank", "ordinal")

    def checked(who):
        up = who & (people["edss"] >= 4)
        table = associations([rank], people.assign(rank=people["edss"].mask(up, people["edss"] + 3)), labels, n_draws=0)
        return table[table["method"] == "label"].drop_duplicates("kind").set_index("kind")["check_p"]

    stages = checked(late & labels.staged & (rng.random(1500) < 0.5))
    assert stages["subtype"] > 0.01
    assert checked(labels.group == "two")["subtype"] < 1e-4
    assert checked(labels.staged)["atrophy"] < 1e-4


def test_the_mean_of_a_bounded_score_is_averaged_over_groups():
    """Scores that are exactly the average of the groups' means: their effects come back, which a line through P does not give."""
    people, labels, _ = study(n=500, certainty=1.7, seed=3)
    stage = labels.stage / labels.stage[labels.staged].std()
    linear = {NORMAL: 0.4, "one": 0.0, "two": 1.6, "three": -0.7}
    mean = sum(p / (1 + np.exp(-(linear[g] + 0.5 + 0.3 * stage))) for g, p in labels.probability.items())
    people["moca"] = 30 * mean
    moca = declare("MoCA", "moca", "bounded", maximum=30)
    shuffled = people.sample(frac=1, random_state=1)
    rows = row_of(associations([moca], shuffled, labels, n_draws=0), "two against three", "MoCA")
    assert np.log(rows.loc["weighted", "estimate"]) == pytest.approx(2.3, abs=0.01)
    assert rows.loc["weighted", "model"] == "fractional logistic, mean over groups"
    cases = complete_cases(moca, people)
    model = subtype_model(labels.take(cases.y.index))
    part = cases.take(model.rows)
    line = moca.fit(part, model.terms(model.probability)).estimate
    assert line["two"] - line["three"] < 2.2


def test_the_rate_of_a_count_is_averaged_over_groups():
    """Counts that are the average of the groups' rates, over years that differ: the ratios of rates come back."""
    people, labels, _ = study(n=500, certainty=1.7, seed=3)
    stage = labels.stage / labels.stage[labels.staged].std()
    linear = {NORMAL: 0.4, "one": 0.0, "two": 1.6, "three": -0.7}
    rate = sum(p * np.exp(linear[g] - 0.5 + 0.3 * stage) for g, p in labels.probability.items())
    people["years"] = np.where(labels.probability["two"] > 0.3, 900.0, 4000.0)
    people["relapses"] = np.round(people["years"] * rate)
    count = declare("Relapses", "relapses", "count", exposure="years")
    shuffled = people.sample(frac=1, random_state=1)
    rows = row_of(associations([count], shuffled, labels, n_draws=0), "two against three", "Relapses")
    assert np.log(rows.loc["weighted", "estimate"]) == pytest.approx(2.3, abs=0.01)
    assert rows.loc["weighted", "model"] == "log-linear, mean over groups"
    cases = complete_cases(count, people)
    model = subtype_model(labels.take(cases.y.index))
    line = count.fit(cases.take(model.rows), model.terms(model.probability)).estimate
    assert abs(line["two"] - line["three"] - 2.3) > 0.1


def test_with_certain_labels_the_averaged_rate_is_the_log_linear_regression():
    """Poisson counts: against statsmodels' negative binomial of the same dispersion, robust errors."""
    people, labels, truth = study(n=400, effect=0.8, slope=0.1)
    rng = np.random.default_rng(2)
    people["years"] = rng.uniform(1, 6, len(people))
    rate = np.exp(0.3 * people["score"] - 1) * rng.gamma(2, 0.5, len(people))
    people["relapses"] = rng.poisson(people["years"] * rate)
    count = declare("Relapses", "relapses", "count", ("age",), exposure="years")
    sure = Labels(truth, pd.get_dummies(truth, dtype=float)[labels.probability.columns], labels.stage)
    model = subtype_model(sure)
    cases = complete_cases(count, people).take(model.rows)
    got = fit_averaged(count, cases, model, [NORMAL])
    y, years = cases.y.astype(float), cases.exposure
    common = years * y.sum() / years.sum()
    alpha = ((y - common) ** 2 - y).sum() / (common**2).sum()
    x = model.terms(model.probability).drop(columns=NORMAL).join(cases.x).assign(constant=1.0)
    family = sm.families.NegativeBinomial(alpha=alpha)
    plain = sm.GLM(y, x, family=family, offset=np.log(years)).fit()
    names = list(got.estimate.index)
    assert got.estimate.to_numpy() == pytest.approx(plain.params[names].to_numpy(), abs=2e-3)
    assert np.sqrt(np.diag(got.covariance)) == pytest.approx(np.sqrt(np.diag(hc3(plain).loc[names, names])), rel=5e-3)


def test_a_group_at_the_ceiling_is_left_to_the_line():
    """Everybody who may belong to the rare group has the full score: its averaged mean runs to one, its robust error to none."""
    rng = np.random.default_rng(3)
    people, labels, truth = study(n=300, effect=0.0, slope=0.0)
    people["moca"] = np.where(truth == "two", 30, np.round(30 * rng.beta(20, 2, len(people))))
    moca = declare("MoCA", "moca", "bounded", maximum=30)
    cases = complete_cases(moca, people)
    model = subtype_model(labels.take(cases.y.index))
    alone = fit_averaged(moca, cases.take(model.rows), model)
    assert "separate" in alone.reason
    told = row_of(associations([moca], people, labels, n_draws=0), "two against three", "MoCA").loc["weighted"]
    assert told["model"] != moca.averaged


def hc3(fit):
    """Robust covariance of a GLM of scale 1: residuals over one less their leverage, curvature as observed."""
    x, mean = fit.model.exog, np.asarray(fit.mu)
    weight = fit.model.family.weights(mean)
    inverse = np.linalg.inv(-fit.model.hessian(fit.params, scale=1.0, observed=True))
    leverage = weight * np.einsum("nt,tu,nu->n", x, inverse, x)
    working = np.asarray(fit.resid_response) * fit.model.family.link.deriv(mean)
    each = (weight * working / (1 - leverage))[:, None] * x
    return pd.DataFrame(inverse @ each.T @ each @ inverse, fit.params.index, fit.params.index)


def test_with_certain_labels_the_averaged_mean_is_fractional_logistic_regression():
    people, labels, truth = study(n=400, effect=0.8, slope=0.1)
    people["moca"] = np.round(30 / (1 + np.exp(-people["score"])))
    moca = declare("MoCA", "moca", "bounded", ("age",), maximum=30)
    sure = Labels(truth, pd.get_dummies(truth, dtype=float)[labels.probability.columns], labels.stage)
    model = subtype_model(sure)
    cases = complete_cases(moca, people).take(model.rows)
    got, plain = (
        fit_averaged(moca, cases, model, [NORMAL]),
        moca.fit(cases, model.terms(model.probability).drop(columns=NORMAL)),
    )
    assert got.estimate.to_numpy() == pytest.approx(plain.estimate[got.estimate.index].to_numpy(), abs=2e-3)
    x = model.terms(model.probability).drop(columns=NORMAL).join(cases.x).assign(constant=1.0)
    fit = sm.GLM(cases.y / 30, x, family=sm.families.Binomial()).fit()
    assert got.covariance.to_numpy() == pytest.approx(
        hc3(fit).loc[got.estimate.index, got.estimate.index].to_numpy(), rel=5e-3
    )


def test_imputed_labels_know_the_outcome():
    """Two groups that the scan cannot tell apart and the outcome tells: draws must follow the outcome."""
    rng = np.random.default_rng(0)
    truth = rng.random(300) < 0.5
    index = pd.Index([f"p{i}" for i in range(300)])
    p = np.clip(np.where(truth, 0.7, 0.3) + rng.normal(0, 0.05, 300), 0.05, 0.95)
    probability = pd.DataFrame({NORMAL: 0.0, "one": 1 - p, "two": p}, index)
    labels = Labels(probability.idxmax(axis=1), probability, pd.Series(rng.normal(5, 1, 300), index))
    people = pd.DataFrame({"score": 6.0 * truth + rng.standard_normal(300)}, index)
    outcome = declare("Score", "score", "continuous")
    model = subtype_model(labels)
    drawn, why = impute_groups(outcome, complete_cases(outcome, people), model, 10, rng)
    assert why == "" and len(drawn) == 10
    assert np.mean([((d == "two") == truth).mean() for d in drawn]) > 0.97
    again, _ = impute_groups(outcome, complete_cases(outcome, people), model, 10, np.random.default_rng(5))
    assert not all(a.equals(b) for a, b in zip(drawn, again, strict=True))


def test_with_two_subtypes_no_row_stands_twice():
    people, labels, _ = study(shares=(0.4, 0.35, 0.25))
    table = associations([SCORE], people, labels, n_draws=0)
    label = table[table["method"] == "label"]
    assert label["contrast"].tolist() == [
        "one against two",
        "stage, at the same subtype",
        "stage in one",
        "stage in two",
        "any atrophy against none",
    ]
    assert not label["estimate"].round(9).duplicated().any()


def test_with_one_subtype_there_is_no_contrast_and_no_name():
    people, labels, _ = study(shares=(0.4, 0.6), slope=0.1)
    names = shown_names({1: "cortical"})
    assert names == {1: ATROPHY} and shown_names({1: "a", 2: "b"}) == {1: "a", 2: "b"}
    table = associations([SCORE, declare("Drug", "drug", "categorical")], people, labels, n_draws=3)
    assert set(table["kind"]) == {"stage", "atrophy", "any difference"}
    label = table[(table["method"] == "label") & (table["outcome"] == "Score")]
    assert label["contrast"].tolist() == ["stage", "any atrophy against none"]
    drugs = table[table["outcome"] == "Drug"]
    assert drugs["contrast"].tolist() == ["any difference with atrophy"]
    assert row_of(table, "stage")["estimate"].notna().all()


def test_q_is_within_family_question_and_method():
    people, labels, _ = study()
    outcomes = [
        SCORE,
        declare("EDSS", "edss", "ordinal", family="f"),
        declare("Worse", "worse", "binary", family="g"),
        declare("Drug", "drug", "categorical", family="g"),
    ]
    table = associations(outcomes, people, labels, circular=("worse",), n_draws=0)
    # three subtypes: three against the others, three pairs, stage at all and in each, any atrophy
    assert (table[table["outcome"] == "Score"].groupby("method").size() == 11).all()
    known = table.dropna(subset="p")
    assert (known["q"] >= known["p"] - 1e-12).all() and (known["low"] <= known["estimate"]).all()
    for (_, _, _), part in known.groupby(["family", "kind", "method"]):
        assert np.allclose(part["q"], stats.false_discovery_control(part["p"]))
    drug = table[(table["outcome"] == "Drug")].iloc[0]
    staged = labels.staged
    chi2 = stats.chi2_contingency(pd.crosstab(labels.group[staged], people["drug"][staged]), correction=False)
    assert drug["p"] == pytest.approx(chi2.pvalue) and drug["low"] < drug["estimate"] < drug["high"]
    assert table.loc[table["outcome"] == "Worse", "warning"].str.contains("circular").all()


def test_small_groups_and_vague_labels_are_refused_in_words():
    people, labels, _ = study(n=300)
    lonely = labels.group.mask(labels.group == "two", "one")
    lonely.iloc[[0, 5]] = "two"
    few = Labels(lonely, labels.probability, labels.stage)
    table = associations([SCORE], people, few, n_draws=2)
    got = row_of(table, f"two against {OTHERS}")
    assert got.loc["label", "reason"] == "fewer than 5 people in two" and np.isnan(got.loc["label", "estimate"])
    assert "only 2 people" in got.loc["label", "warning"] and not got["reportable"].any()
    # a group too small is out of the model of labels, and does not swell the reference
    assert (
        row_of(table, "one against three").loc["label", "n"]
        == (labels.group != NORMAL).sum() - 2 + (labels.group.iloc[[0, 5]] == NORMAL).sum()
    )
    flat = labels.probability.copy()
    for name in ("one", "two", "three"):
        flat[name] = (1 - flat[NORMAL]) / 3
    vague = Labels(labels.group, flat, labels.stage)
    got = row_of(associations([SCORE], people, vague, n_draws=2), f"two against {OTHERS}")
    assert "too uncertain" in got.loc["weighted", "reason"] and "too uncertain" in got.loc["draws", "reason"]
    assert np.isfinite(got.loc["label", "estimate"])
    empty = associations([SCORE], people.assign(score=np.nan), labels)
    assert (empty["reason"] == "nobody has all the values").all()


def test_few_events_or_people_are_not_reportable():
    people, labels, _ = study(n=600, certainty=3.0)
    rare = declare("Rare", "rare", "binary")
    people["rare"] = 0
    people.loc[people.index[labels.staged][:9], "rare"] = 1
    table = associations([rare], people, labels, n_draws=0)
    assert not table["reportable"].any() and table["warning"].str.contains("only 9 events").all()
    people.loc[people.index[labels.staged][:12], "rare"] = 1
    table = associations([rare], people, labels, n_draws=0)
    assert table.loc[(table["kind"] == "atrophy") & (table["method"] != "draws"), "reportable"].all()
    assert set(table.loc[table["estimate"].notna(), "model"]) == {"Firth logistic"}


def test_one_estimator_in_all_rows_of_an_outcome():
    people, labels, _ = study(n=260, certainty=3.0)
    event = declare("Event", "event", "survival", ("age",), time="time")
    table = associations([event], people, labels, n_draws=0)
    staged = table[(table["kind"] != "atrophy") & table["estimate"].notna()]
    assert staged["model"].nunique() == 1 and len(staged) > 10


def test_failed_draws_are_said_and_do_not_remove_a_contrast(monkeypatch):
    people, labels, _ = study(n=400, effect=1.0)
    from neuraxis.clinical import associations as module

    real = module.impute_groups

    def with_one_empty(*args, **kwargs):
        drawn, why = real(*args, **kwargs)
        first = drawn[0].copy()
        first[:] = first.iloc[0]  # nobody to compare with
        return [first, *drawn[1:]], why

    monkeypatch.setattr(module, "impute_groups", with_one_empty)
    got = row_of(associations([SCORE], people, labels, n_draws=8), "one against two").loc["draws"]
    assert got["n_draws"] == 7 and np.isfinite(got["estimate"])
    assert "1 of 8 draws could not be fitted" in got["warning"]


def labels_table(**more):
    return pd.DataFrame(
        {
            "oof_subtype": [1, 2, 2],
            "oof_stage": [0, 3, 2],
            "oof_p_staged_subtype1": [0.1, 0.2, 0.1],
            "oof_p_staged_subtype2": [0.2, 0.7, 0.3],
            "oof_expected_stage": [0.5, 2.5, 1.0],
            **more,
        },
        index=pd.Index(["a", "b", "c"], name="participant_id"),
    )


def test_labels_are_read_from_both_editions_of_the_table():
    names = {1: "one", 2: "two"}
    labels = read_labels(labels_table(), names)
    assert labels.group.tolist() == [NORMAL, "two", "two"]
    assert labels.probability.loc["a"].tolist() == pytest.approx([0.7, 0.1, 0.2])
    # the column decides, not the stage
    said = labels_table(oof_normal_appearing=["True", "False", "True"], oof_p_healthy=[0.7, 0.1, 0.6])
    labels = read_labels(said, names)
    assert labels.group.tolist() == [NORMAL, "two", NORMAL]
    assert labels.probability.loc["c"].tolist() == pytest.approx([0.6, 0.1, 0.3])
    other = labels.with_normal(pd.Series([False, True, True], index=labels.group.index))
    assert other.group.tolist() == ["two", NORMAL, NORMAL] and other.probability.loc["b", NORMAL] == 1


def test_reliability_by_hand():
    p = pd.DataFrame({"a": [0.9, 0.5, 0.1], "b": [1.0, 0.0, 0.0]})
    got = reliability(p)
    assert got["a"] == pytest.approx((0.16 + 0 + 0.16) / 3 / 0.25) and got["b"] == pytest.approx(1.0)


def test_thirds_are_of_staged_people_in_order_of_stage():
    _, labels, _ = study(n=90)
    group, order = stage_groups(labels)
    staged = labels.stage[labels.staged]
    tops = [staged[group[staged.index] == g].max() for g in order[1:]]
    bottoms = [staged[group[staged.index] == g].min() for g in order[1:]]
    assert tops[0] <= bottoms[1] and tops[1] <= bottoms[2] and (group[~labels.staged] == NORMAL).all()
    few = labels.take(labels.group.index[labels.staged][:10])
    assert set(stage_groups(few)[0]) == {""}


def test_models_do_not_depend_on_the_order_of_people():
    people, labels, _ = study(n=300, effect=0.7)
    shuffled = people.sample(frac=1, random_state=3)
    a = associations([SCORE], people, labels, n_draws=0)
    b = associations([SCORE], shuffled, labels.take(shuffled.index), n_draws=0)
    assert np.allclose(a["estimate"], b["estimate"], equal_nan=True)
    assert [m.contrasts[0].name for m in models_of(labels)][-1] == "any atrophy against none"
    assert atrophy_model(labels).probability[ANY].equals(1 - labels.probability[NORMAL])


def test_nested_models_share_one_estimator():
    people, labels, _ = study(n=800, certainty=2.5, effect=1.0)
    scores = pd.DataFrame({"mean z": labels.stage + np.random.default_rng(0).normal(size=800)}, index=people.index)
    table = nested_models([declare("Score", "score", "continuous")], people, labels, scores).set_index("model")
    assert table.loc["mean z", "p"] < 1e-6 and table.loc["mean z", "df"] == 6
    lr = 2 * (table.loc["mean z, subtype and stage", "log_likelihood"] - table.loc["mean z", "log_likelihood"])
    assert table.loc["mean z", "lr"] == pytest.approx(lr)
    assert table.loc["mean z", "p"] == pytest.approx(stats.chi2.sf(lr, 6))
    part = people.iloc[:150]
    event = declare("Event", "event", "survival", time="time", strata=("site",))
    table = nested_models([event], part, labels.take(part.index), scores.loc[part.index])
    events = int(part["event"].sum())
    assert table["estimator"].nunique() == 1
    assert table["estimator"].iloc[0] == ("Cox" if events >= 5 * 7 else "Firth Cox without strata")


def test_sensitivity_names_who_takes_part():
    people, labels, _ = study(n=600, certainty=2.5, effect=1.0)
    subtypes = pd.DataFrame(
        {"oof_confident": ["True"] * 500 + ["False"] * 100, "above_controls": ["True"] * 450 + ["False"] * 150},
        index=people.index,
    )
    qc = pd.DataFrame({"participant_id": list(people.index[:30]), "decision": ["flagged"] * 20 + ["excluded"] * 10})
    versions = versions_of(labels, subtypes, qc, people["site"])
    assert len(versions["without flagged scans"].group) == 580
    assert (versions["stage 0 calibrated on controls"].group.iloc[450:] == NORMAL).all()
    assert set(versions["without s1"].group.index) == set(people.index[people["site"] == "s2"])
    unsure = versions["without low-confidence people"].group.index
    assert (labels.group[people.index.difference(unsure)] != NORMAL).all()
    table = sensitivity([SCORE], people, labels, versions)
    got = table[(table["contrast"] == f"two against {OTHERS}") & (table["method"] == "label")].set_index("analysis")
    main = row_of(associations([SCORE], people, labels, n_draws=0), f"two against {OTHERS}").loc["label"]
    assert got.loc["everyone", "estimate"] == pytest.approx(main["estimate"])
    staged_s2 = ((people["site"] == "s2") & labels.staged).sum()
    assert got.loc["without s1", "n"] == staged_s2 and "site as covariate" in got.index


def test_maps_have_the_sign_of_the_subtype():
    """More abnormal in the subtype is a positive t, against the other staged people only."""
    rng = np.random.default_rng(0)
    index = pd.Index([f"p{i}" for i in range(120)])
    group = pd.Series([NORMAL] * 40 + ["one"] * 50 + ["two"] * 30, index)
    people = pd.DataFrame({"age": rng.normal(40, 10, 120), "sex": rng.choice(["F", "M"], 120)}, index)
    etiv = pd.Series(rng.normal(1.5e6, 1e5, 120), index)
    z = pd.DataFrame({"cord": rng.standard_normal(120), "thalamus": rng.standard_normal(120)}, index)
    z.loc[group == "one", "cord"] += 1.5
    z.loc[group == NORMAL, "thalamus"] -= 5
    order = rng.permutation(120)
    table = region_maps(z, people.iloc[order], etiv.iloc[order[::-1]], group).set_index(["group", "biomarker"])
    staged = group != NORMAL
    x = pd.DataFrame({"one": group == "one", "age": people["age"], "male": people["sex"] == "M", "etiv": etiv / 1e6})[
        staged
    ].astype(float)
    direct = sm.OLS(z.loc[staged, "cord"], sm.add_constant(x)).fit()
    assert table.loc[("one", "cord"), "t"] == pytest.approx(direct.tvalues["one"]) and direct.tvalues["one"] > 4
    assert table.loc[("two", "cord"), "t"] == pytest.approx(-direct.tvalues["one"])
    assert abs(table.loc[("one", "thalamus"), "t"]) < 3 and np.isnan(table.loc[(NORMAL, "cord"), "t"])
    assert table.loc[("one", "cord"), "mean_z"] == pytest.approx(z.loc[group == "one", "cord"].mean())


def test_a_check_that_could_not_be_made_is_told():
    result = {"n_events": 40}
    for check, words in (
        (("proportional odds", np.nan), "proportional odds could not be checked"),
        (("proportional odds", 0.004), "proportional odds is doubtful (p = 0.004)"),
        (("proportional odds", 0.3), ""),
        (("", np.nan), ""),
    ):
        assert _enough(SCORE, [40, 30], dict(result), check, ()) == (True, words)
