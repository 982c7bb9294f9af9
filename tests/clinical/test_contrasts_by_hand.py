"""Contrasts of labels known for certain are the coefficients of models that anyone would write down."""

import lifelines
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from neuraxis.clinical.associations import associations
from neuraxis.clinical.contrasts import OTHERS, subtype_model
from neuraxis.clinical.labels import NORMAL, Labels
from neuraxis.clinical.outcomes import declare
from neuraxis.clinical.recovery import planted_and_recovered, true_labels
from neuraxis.clinical.reported import against_reported

SIZES = {NORMAL: 60, "a": 90, "b": 70, "c": 50}


def study(names=("a", "b"), seed=3):
    rng = np.random.default_rng(seed)
    sizes = {g: n for g, n in SIZES.items() if g in (NORMAL, *names)}
    n = sum(sizes.values())
    index = pd.Index([f"p{i:03d}" for i in rng.permutation(n)], name="participant_id")
    group = pd.Series(np.repeat(list(sizes), list(sizes.values())), index)
    stage = pd.Series(np.where(group == NORMAL, 0.0, rng.gamma(2, 3, n)), index)
    probability = pd.DataFrame({g: (group == g).astype(float) for g in sizes})
    age = pd.Series(rng.normal(45, 10, n), index)
    eta = 0.9 * (group == "b") - 0.5 * (group == "c") + 0.06 * stage + 0.03 * (age - 45) + 0.4 * (group != NORMAL)
    people = pd.DataFrame({"age": age}, index=index)
    people["bad"] = (rng.random(n) < 1 / (1 + np.exp(0.4 - eta))).astype(int)
    people["score"] = 2 * eta + rng.normal(size=n)
    people["years"] = rng.uniform(1, 8, n)
    people["attacks"] = rng.poisson(0.5 * people["years"] * np.exp(0.6 * eta))
    people["time"] = rng.exponential(3 * np.exp(-eta)) + 0.01
    people["event"] = (rng.random(n) < 0.8).astype(int)
    return people, Labels(group, probability, stage)


def design(people, labels, rows, columns):
    """Constant, indicators of the groups in `columns`, stage per SD of the staged, age in SD."""
    x = pd.DataFrame({g: (labels.group[rows] == g).astype(float) for g in columns})
    x["stage"] = labels.stage[rows] / labels.stage[labels.staged].std()
    age = people.loc[rows, "age"]
    # a covariate is standardised over everyone who has the outcome
    x["age"] = (age - people["age"].mean()) / people["age"].std()
    return x


def wald(value, error, scale=np.exp):
    ends = [scale(value + side * 1.959964 * error) for side in (0, -1, 1)]
    return [*ends, 2 * stats.norm.sf(abs(value) / error)]


@pytest.fixture(scope="module")
def found():
    people, labels = study()
    common = {"covariates": ["age"], "family": "f"}
    outcomes = [
        declare(name="bad", column="bad", type="binary", **common),
        declare(name="score", column="score", type="continuous", **common),
        declare(name="attacks", column="attacks", type="count", exposure="years", **common),
        declare(name="event", column="event", type="survival", time="time", **common),
    ]
    table = associations(outcomes, people.sample(frac=1, random_state=1), labels, n_draws=0)
    return people, labels, table.set_index(["outcome", "contrast", "method"])


NUMBERS = ["estimate", "low", "high", "p"]


def test_one_subtype_against_the_other_at_the_same_stage(found):
    people, labels, table = found
    rows = labels.group.index[labels.staged]
    x = design(people, labels, rows, ["b"])  # a is the larger
    fit = sm.Logit(people.loc[rows, "bad"], sm.add_constant(x)).fit(disp=0)
    # a against b: the other way round than the coefficient of b
    got = table.loc[("bad", "a against b", "label")]
    assert got[NUMBERS].tolist() == pytest.approx(wald(-fit.params["b"], fit.bse["b"]), rel=1e-4)
    assert got["estimate"] < 1 and got["effect"] == "OR" and got["subtype"] == "a" and got["against"] == "b"
    assert got[["n", "n_group", "n_against"]].tolist() == [160, 90, 70]
    assert got["n_events"] == people.loc[rows, "bad"].sum()
    assert got["events_group"] == people.loc[rows[labels.group[rows] == "a"], "bad"].sum()
    # labels are certain, so probabilities are the same terms
    assert table.loc[("bad", "a against b", "weighted"), "estimate"] == pytest.approx(got["estimate"], rel=1e-4)
    stage = table.loc[("bad", "stage, at the same subtype", "label")]
    assert stage[NUMBERS].tolist() == pytest.approx(wald(fit.params["stage"], fit.bse["stage"]), rel=1e-4)
    assert stage["n_group"] == 160 and stage["n_against"] == 0 and stage["unit"].endswith(" stages")
    assert float(stage["unit"].split()[0]) == pytest.approx(labels.stage[labels.staged].std(), rel=0.01)


def test_continuous_outcomes_are_in_sd(found):
    people, labels, table = found
    rows = labels.group.index[labels.staged]
    y = people.loc[rows, "score"]
    fit = sm.OLS((y - y.mean()) / y.std(), sm.add_constant(design(people, labels, rows, ["b"]))).fit()
    got = table.loc[("score", "a against b", "label")]
    assert got[NUMBERS].tolist() == pytest.approx(wald(-fit.params["b"], fit.bse["b"], lambda v: v), rel=1e-4)
    assert got["effect"] == "standardised beta" and got["estimate"] < 0 and got["n_events"] == 0
    a, b = (y[labels.group[rows] == g] for g in "ab")
    u = stats.mannwhitneyu(a, b).statistic / (len(a) * len(b))
    assert got["prob_index"] == pytest.approx(u) and got["cliffs_delta"] == pytest.approx(2 * u - 1)
    assert np.isnan(table.loc[("score", "a against b", "weighted"), "prob_index"])


def test_counts_are_rates_and_events_are_hazards(found):
    people, labels, table = found
    rows = labels.group.index[labels.staged]
    x = design(people, labels, rows, ["b"])
    got = table.loc[("attacks", "a against b", "label")]
    offset = np.log(people.loc[rows, "years"])
    if got["model"] == "negative binomial":
        fit = sm.NegativeBinomial(people.loc[rows, "attacks"], sm.add_constant(x), offset=offset).fit(
            disp=0, maxiter=500
        )
    else:
        fit = sm.GLM(people.loc[rows, "attacks"], sm.add_constant(x), family=sm.families.Poisson(), offset=offset)
        fit = fit.fit(scale="X2")
    assert got[NUMBERS].tolist() == pytest.approx(wald(-fit.params["b"], fit.bse["b"]), rel=1e-3)
    assert got["effect"] == "rate ratio"
    cox = lifelines.CoxPHFitter().fit(x.join(people[["time", "event"]]), "time", "event")
    got = table.loc[("event", "a against b", "label")]
    want = wald(-cox.params_["b"], cox.standard_errors_["b"])
    assert got[NUMBERS].tolist() == pytest.approx(want, rel=1e-4) and got["effect"] == "HR"
    assert got["n_events"] == people.loc[rows, "event"].sum()


def test_any_atrophy_is_of_everyone(found):
    people, labels, table = found
    rows = labels.group.index
    x = design(people, labels, rows, []).drop(columns="stage").assign(any=labels.staged.astype(float))
    some = 1 - labels.probability["normal-appearing"]
    x["later"] = x["any"] * (labels.stage / some.clip(lower=0.05) - labels.stage.sum() / some.sum())
    fit = sm.Logit(people["bad"], sm.add_constant(x)).fit(disp=0)
    got = table.loc[("bad", "any atrophy against none", "label")]
    assert got[NUMBERS].tolist() == pytest.approx(wald(fit.params["any"], fit.bse["any"]), rel=1e-4)
    assert got[["n", "n_group", "n_against"]].tolist() == [220, 160, 60] and got["estimate"] > 1


def test_the_stage_of_every_subtype_has_its_own_slope(found):
    people, labels, table = found
    rows = labels.group.index[labels.staged]
    x = design(people, labels, rows, ["b"])
    x = x.assign(**{f"in {g}": x["stage"] * (labels.group[rows] == g) for g in "ab"}).drop(columns="stage")
    fit = sm.Logit(people.loc[rows, "bad"], sm.add_constant(x)).fit(disp=0)
    for g in "ab":
        got = table.loc[("bad", f"stage in {g}", "label")]
        assert got[NUMBERS].tolist() == pytest.approx(wald(fit.params[f"in {g}"], fit.bse[f"in {g}"]), rel=1e-4)
        assert got["subtype"] == g and got["n_group"] == SIZES[g]


def test_others_are_weighted_by_their_number():
    people, labels = study(("a", "b", "c"))
    outcome = declare(name="bad", column="bad", type="binary", covariates=["age"])
    table = associations([outcome], people, labels, n_draws=0).set_index(["contrast", "method"])
    rows = labels.group.index[labels.staged]
    fit = sm.Logit(people.loc[rows, "bad"], sm.add_constant(design(people, labels, rows, ["b", "c"]))).fit(disp=0)
    beta, v = fit.params.reindex(["b", "c"]), fit.cov_params().loc[["b", "c"], ["b", "c"]]
    for g, w in (("a", [-70 / 120, -50 / 120]), ("b", [1, -50 / 140]), ("c", [-70 / 160, 1])):
        got = table.loc[(f"{g} against {OTHERS}", "label")]
        w = np.array(w)
        assert got[NUMBERS].tolist() == pytest.approx(wald(w @ beta, np.sqrt(w @ v @ w)), rel=1e-4)
        assert got["n_group"] == SIZES[g] and got["n_against"] == 210 - SIZES[g]
    pair = table.loc[("b against c", "label")]
    w = np.array([1, -1])
    assert pair[NUMBERS].tolist() == pytest.approx(wald(w @ beta, np.sqrt(w @ v @ w)), rel=1e-4)
    names = [c.name for c in subtype_model(labels).contrasts]
    assert names == [
        *(f"{g} against {OTHERS}" for g in "abc"), "a against b", "a against c", "b against c", "stage, at the same subtype",
    ]  # fmt: skip


def test_known_labels_come_from_the_truth_of_the_people():
    truth = pd.DataFrame({"subtype": ["C", "SC", NORMAL, "C"], "stage": [3, 4, 0, 0]}, index=list("wxyz"))
    got = true_labels(truth, {"C": "cortical", "SC": "spinal cord"})
    assert got.group.to_dict() == {"w": "cortical", "x": "spinal cord", "y": NORMAL, "z": NORMAL}
    assert got.probability.loc["x"].to_dict() == {NORMAL: 0, "cortical": 0, "spinal cord": 1}
    assert got.stage.tolist() == [3, 4, 0, 0]


def test_planted_stands_beside_found_with_direction_and_cover():
    people, labels = study()
    outcome = declare(name="bad", column="bad", type="binary", covariates=["age"])
    other = Labels(labels.group, labels.probability * 0.94 + 0.02, labels.stage)
    got = planted_and_recovered([outcome], people, other, labels, people.iloc[:0]).set_index(["kind", "subtype"])
    planted = associations([outcome], people, labels, n_draws=0).set_index(["contrast", "method"])
    weighted = associations([outcome], people, other, n_draws=0).set_index(["contrast", "method"])
    row = got.loc[("subtype", "a")]
    assert row["planted"] == pytest.approx(planted.loc[("a against b", "label"), "estimate"])
    assert row["label"] == pytest.approx(planted.loc[("a against b", "label"), "estimate"])
    assert row[["weighted", "weighted_low", "weighted_high"]].tolist() == pytest.approx(
        weighted.loc[("a against b", "weighted"), ["estimate", "low", "high"]].tolist()
    )
    assert row["planted"] < 1 and row["same_direction"] and row["covered"]
    assert bool(row["covered"]) == (row["weighted_low"] <= row["planted"] <= row["weighted_high"])
    far = labels.group.map({"a": "b", "b": "a", NORMAL: NORMAL})
    turned = Labels(far, labels.probability[[NORMAL, "b", "a"]].set_axis([NORMAL, "a", "b"], axis=1), labels.stage)
    against = planted_and_recovered([outcome], people, turned, labels, people.iloc[:0]).set_index(["kind", "subtype"])
    wrong = against.loc[("subtype", "a")]
    assert not wrong["same_direction"] and not wrong["covered"] and wrong["weighted"] > 1 > wrong["planted"]


def test_claims_are_judged_from_their_side(found):
    table = found[2].reset_index()
    claims = pd.DataFrame(
        [
            ("MS", "a", "subtype", "bad", "lower", "a is better"),
            ("MS", "b", "subtype", "bad", "higher", "b is worse"),
            ("MS", "b", "subtype", "bad", "lower", "b is better"),
            ("MS", "c", "subtype", "bad", "higher", "c is worse"),
            ("MS", "a", "subtype", "gait", "higher", "a walks"),
            ("NMOSD", "a", "subtype", "bad", "lower", "another disease"),
        ],
        columns=["disease", "subtype", "kind", "column", "direction", "claim"],
    )
    got = against_reported(claims, table, {"bad": "bad", "score": "score"}, "MS").set_index("claim")
    assert got["verdict"].to_dict() == {
        "a is better": "agrees", "b is worse": "agrees", "b is better": "contradicts",
        "c is worse": "no such subtype in these data", "a walks": "no such outcome in these data",
    }  # fmt: skip


def test_a_group_of_just_enough_people_is_kept_by_label():
    people, labels = study(("a", "b", "c"))
    model = subtype_model(labels)
    sizes = labels.group.value_counts()
    smallest = min(sizes[["a", "b", "c"]])
    assert set(model.by_label(int(smallest)).columns[model.by_label(int(smallest)).sum() > 0]) == {"a", "b", "c"}
    more = model.by_label(int(smallest) + 1)
    assert set(more.columns[more.sum() > 0]) == {g for g in "abc" if sizes[g] > smallest}
    assert len(more) == sum(n for g, n in sizes.items() if g != NORMAL and n > smallest)
