"""Three ways with uncertain labels, effect sizes, worsening, survival, follow-up scans, the words."""

import numpy as np
import pandas as pd
import pytest
from lifelines.statistics import logrank_test
from scipy import stats

from neuraxis.clinical.associations import (
    NORMAL,
    Labels,
    associations,
    contrasts_of,
    nested_models,
    read_labels,
    sensitivity,
)
from neuraxis.clinical.effects import false_discovery, partial_correlation, probabilistic_index, rubin
from neuraxis.clinical.longitudinal import reversals, scans, stage_slopes, transitions
from neuraxis.clinical.outcomes import Outcome
from neuraxis.clinical.table1 import table_one
from neuraxis.clinical.text import paragraph
from neuraxis.clinical.worsening import WorseningRule, confirmed_worsening, survival_tables


def study(n=600, certainty=1.6, seed=0, n_draws=10):
    """Patients whose true subtype is known only through a posterior of some certainty."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, n, p=(0.4, 0.35, 0.25))
    evidence = rng.standard_normal((n, 3))
    evidence[np.arange(n), truth] += certainty
    p = np.exp(certainty * evidence) * (0.4, 0.35, 0.25)
    p /= p.sum(axis=1, keepdims=True)
    index = pd.Index([f"p{i}" for i in range(n)], name="participant_id")
    columns = [NORMAL, "one", "two"]
    stage = pd.Series(np.where(p.argmax(axis=1) == 0, 0.2, rng.gamma(2, 3, n)), index)
    draws = []
    for _ in range(n_draws):
        pick = (rng.random(n)[:, None] > np.cumsum(p, axis=1)[:, :-1]).sum(axis=1)
        draws.append((pd.Series([columns[i] for i in pick], index), stage))
    labels = Labels(pd.DataFrame(p, index, columns).idxmax(axis=1), pd.DataFrame(p, index, columns), stage, draws)
    people = pd.DataFrame({"age": rng.normal(40, 10, n), "site": rng.choice(["s1", "s2"], n)}, index=index)
    people["score"] = 1.0 * (truth == 2) + 0.1 * stage * (truth == 1) + rng.standard_normal(n)
    people["drug"] = np.where(rng.random(n) < 0.2 + 0.4 * (truth == 2), "x", "y")
    people["worse"] = (rng.random(n) < 0.2).astype(int)
    return people, labels


def row_of(table, contrast, outcome="Score"):
    return table[(table["contrast"] == contrast) & (table["outcome"] == outcome)].set_index("method")


def test_hard_labels_attenuate_and_weighting_corrects():
    people, labels = study(n=4000)
    sd = people["score"].std()
    table = associations([Outcome("Score", "score", "continuous", ("age",))], people, labels)
    got = row_of(table, "two against normal-appearing")["estimate"] * sd
    truth = 1.0
    assert got["label"] < 0.8 * truth and got["draws"] < got["label"] + 0.05
    assert got["weighted"] == pytest.approx(truth, abs=0.12)
    assert row_of(table, "two against the rest").loc["label", "prob_index"] > 0.55
    slope = row_of(table, "stage in one")
    assert slope.loc["weighted", "p"] < 0.01 and slope.loc["label", "partial_r"] > 0.05


def test_table_is_complete_and_q_is_per_family_and_method():
    people, labels = study()
    outcomes = [
        Outcome("Score", "score", "continuous", ("age",), family="f"),
        Outcome("Worse", "worse", "binary", family="g"),
        Outcome("Drug", "drug", "categorical", family="g"),
    ]
    table = associations(outcomes, people, labels, circular=("worse",))
    # two subtypes: each against the rest and the normal-appearing, each other, stage in each; three methods
    assert len(table) == 2 * (2 + 2 + 1 + 2) * 3 + 1
    known = table.dropna(subset="p")
    assert (known["q"] >= known["p"] - 1e-12).all() and (known["low"] <= known["estimate"]).all()
    part = table[(table["family"] == "f") & (table["method"] == "label")]
    assert np.allclose(part["q"], stats.false_discovery_control(part["p"]))
    drug = table[table["outcome"] == "Drug"].iloc[0]
    chi2 = stats.chi2_contingency(pd.crosstab(labels.group, people["drug"]))
    assert drug["p"] == pytest.approx(chi2.pvalue) and drug["low"] < drug["estimate"] < drug["high"]
    assert table.loc[table["outcome"] == "Worse", "warning"].str.contains("circular").all()


def test_small_groups_and_vague_labels_are_refused_in_words():
    people, labels = study(n=200)
    lonely = labels.group.mask(labels.group == "two", "one")
    lonely.iloc[0] = "two"
    few = Labels(lonely, labels.probability, labels.stage, [])
    table = associations([Outcome("Score", "score", "continuous")], people, few)
    got = row_of(table, "two against the rest")
    assert got.loc["label", "reason"] == "fewer than 5 people in two" and np.isnan(got.loc["label", "estimate"])
    assert got.loc["label", "warning"] == "only 1 people"
    assert np.isfinite(row_of(table, "one against the rest").loc["label", "estimate"])
    flat = labels.probability * 0 + 1 / 3
    vague = Labels(labels.group, flat, labels.stage, [])
    got = row_of(associations([Outcome("Score", "score", "continuous")], people, vague), "two against the rest")
    assert "too uncertain" in got.loc["weighted", "reason"]
    empty = associations([Outcome("Score", "score", "continuous")], people.assign(score=np.nan), labels)
    assert (empty["reason"] == "nobody has all the values").all()


def test_contrasts_against_the_rest_weigh_by_size():
    sizes = pd.Series({NORMAL: 50, "one": 30, "two": 20})
    got = contrasts_of(sizes, ["one", "two"])
    assert got["one", "the rest"] == pytest.approx({"one": 1.0, NORMAL: -50 / 70, "two": -20 / 70})
    assert got["one", "two"] == {"one": 1.0, "two": -1.0} and got["two", NORMAL] == {"two": 1.0}


def test_labels_are_read_from_the_results():
    subtypes = pd.DataFrame(
        {
            "oof_subtype": [1, 2],
            "oof_stage": [0, 3],
            "oof_p_staged_subtype1": [0.1, 0.2],
            "oof_p_staged_subtype2": [0.2, 0.7],
            "oof_expected_stage": [0.5, 2.5],
            "above_controls": [True, False],
        },
        index=pd.Index(["a", "b"], name="participant_id"),
    )
    draws = pd.DataFrame(
        {"participant_id": ["b", "a", "a", "b"], "draw": [1, 1, 2, 2], "subtype": [2, 0, 1, 0], "stage": [3, 0, 1, 0]}
    )
    labels = read_labels(subtypes, {1: "one", 2: "two"}, draws)
    assert labels.group.tolist() == [NORMAL, "two"] and labels.probability.loc["a"].tolist() == pytest.approx(
        [0.7, 0.1, 0.2]
    )
    assert [g.tolist() for g, _ in labels.draws] == [[NORMAL, "two"], ["one", NORMAL]]
    other = labels.with_normal(pd.Series([False, True], index=subtypes.index))
    assert other.group.tolist() == ["two", NORMAL] and other.probability.loc["b", NORMAL] == 1


def test_effect_sizes_against_scipy_and_rubins_rules():
    rng = np.random.default_rng(1)
    a, b = pd.Series(rng.normal(0.5, 1, 60)).round(1), pd.Series(rng.normal(0, 1, 80)).round(1)
    got = probabilistic_index(a, b)
    u = stats.mannwhitneyu(a, b).statistic / (60 * 80)
    assert got["prob_index"] == pytest.approx(u) and got["cliffs_delta"] == pytest.approx(2 * u - 1)
    assert got["pi_low"] < u < got["pi_high"]
    x = pd.Series(rng.normal(size=100))
    y = x + pd.Series(rng.normal(size=100))
    plain = partial_correlation(x, y, pd.DataFrame(index=x.index))
    assert plain["partial_r"] == pytest.approx(stats.spearmanr(x, y).statistic)
    assert plain["kendall_tau"] == pytest.approx(stats.kendalltau(x, y).statistic)
    assert abs(partial_correlation(x, y, pd.DataFrame({"y": y + 0.3 * rng.normal(size=100)}))["partial_r"]) < 0.4
    value, error, p = rubin(np.array([[0.0], [0.4], [0.8]]), np.full((3, 1), 0.04))
    assert (
        value[0] == pytest.approx(0.4)
        and error[0] == pytest.approx(np.sqrt(0.04 + (1 + 1 / 3) * 0.16))
        and 0 < p[0] < 1
    )
    family = pd.Series(["f", "f", "g"])
    assert false_discovery(pd.Series([0.01, np.nan, 0.04]), [family]).tolist() == pytest.approx(
        [0.01, np.nan, 0.04], nan_ok=True
    )


def test_nested_models_and_sensitivity():
    people, labels = study(n=800, certainty=2.5)
    scores = pd.DataFrame({"mean z": labels.stage + np.random.default_rng(0).normal(size=800)}, index=people.index)
    outcome = Outcome("Score", "score", "continuous")
    table = nested_models([outcome], people, labels, scores).set_index("model")
    assert table.loc["mean z", "p"] < 1e-6 and table.loc["mean z", "df"] == 4
    lr = 2 * (table.loc["mean z, subtype and stage", "log_likelihood"] - table.loc["mean z", "log_likelihood"])
    assert table.loc["mean z", "lr"] == pytest.approx(lr)
    half = people.index[people["site"] == "s1"]
    got = sensitivity([outcome], people, labels, {"everyone": labels, "without s2": labels.take(half)})
    got = got.query("method == 'label' and subtype == 'two'").set_index("analysis")
    assert got.loc["without s2", "n"] == len(half) and got.loc["everyone", "n"] == 800
    everyone = row_of(associations([outcome], people, labels), "two against the rest")
    assert got.loc["everyone", "estimate"] == pytest.approx(everyone.loc["label", "estimate"])


def visits(*rows):
    return pd.DataFrame(rows, columns=["participant_id", "years", "edss"])


NO_RELAPSE = pd.DataFrame({"participant_id": [], "years": []})


@pytest.mark.parametrize(
    ("rows", "relapses", "rule", "time", "event"),
    [
        # one point from 2.0, still there half a year later
        ([(0, 2.0), (1, 3.0), (1.6, 3.0)], [], {}, 1.0, 1),
        # gone at the confirming visit: censored at the last visit that could be confirmed
        ([(0, 2.0), (1, 3.0), (1.6, 2.0)], [], {}, 1.0, 0),
        # from 0, one point is not enough, 1.5 is
        ([(0, 0.0), (1, 1.0), (2, 1.5), (3, 1.5)], [], {}, 2.0, 1),
        # above 5.0 half a point is enough; with the cut at 5.5 it is not
        ([(0, 5.5), (1, 6.0), (2, 6.0)], [], {}, 1.0, 1),
        ([(0, 5.5), (1, 6.0), (2, 6.0)], [], {"high_above": 5.5}, 1.0, 0),
        # a relapse a month before the visit excuses it, the next visit counts
        ([(0, 2.0), (1, 3.0), (2, 3.0), (3, 3.0)], [0.95], {}, 2.0, 1),
        # without confirmation
        ([(0, 2.0), (1, 3.0), (1.6, 2.0)], [], {"confirm_years": 0.0}, 1.0, 1),
        # a dip between worsening and confirmation
        ([(0, 2.0), (1, 3.0), (1.2, 2.0), (1.6, 3.0)], [], {}, 1.0, 0),
    ],
)
def test_worsening_definitions(rows, relapses, rule, time, event):
    table = visits(*[("p", *r) for r in rows])
    attacks = pd.DataFrame({"participant_id": ["p"] * len(relapses), "years": relapses})
    got = confirmed_worsening(table, attacks, WorseningRule(**rule)).iloc[0]
    assert (got["worsening_time"], got["worsening_event"]) == (time, event)


def test_nobody_to_confirm_by_has_no_time():
    got = confirmed_worsening(visits(("p", 0, 2.0), ("p", 0.3, 4.0)), NO_RELAPSE, WorseningRule()).iloc[0]
    assert np.isnan(got["worsening_time"]) and got["reason"] == "no visit to confirm by"


def test_survival_tables_equal_a_direct_call():
    rng = np.random.default_rng(0)
    group = pd.Series(np.repeat(["one", "two"], 50))
    time = pd.Series(rng.exponential(np.repeat([2.0, 4.0], 50)))
    event = pd.Series((rng.random(100) < 0.8).astype(int))
    curves, test = survival_tables("Worse", time, event, group, ["one", "two"])
    direct = logrank_test(time[:50], time[50:], event[:50], event[50:])
    assert test["p"] == pytest.approx(direct.p_value) and test["n_events"] == event.sum()
    first = curves[(curves["group"] == "one") & (curves["years"] == 0)].iloc[0]
    assert first["survival"] == 1 and first["at_risk"] == 50
    assert (curves["low"] <= curves["survival"]).all() and (curves["survival"] <= curves["high"]).all()
    assert "everyone is censored" in survival_tables("x", time, event * 0, group, ["one", "two"])[1]["reason"]
    assert "nobody has" in survival_tables("x", time * np.nan, event, group, ["one", "two"])[1]["reason"]
    assert "two groups" in survival_tables("x", time[:50], event[:50], group[:50], ["one", "two"])[1]["reason"]


def test_followup_scans():
    rng = np.random.default_rng(0)
    n = 60
    index = pd.Index([f"p{i}" for i in range(n)], name="participant_id")
    stage = rng.poisson(4, n).astype(float)
    subtype = np.where(np.arange(n) < 30, 1, 2)
    first = pd.DataFrame({"oof_subtype": subtype, "oof_stage": stage}, index=index)
    for c in ("stage_low", "stage_high", "expected_stage"):
        first[f"oof_{c}"] = stage + {"stage_low": -1, "stage_high": 1, "expected_stage": 0}[c]
    years = rng.uniform(1, 3, n)
    gain = np.where(subtype == 1, 1.0, 0.2) * years + rng.normal(0, 0.3, n)
    later = pd.DataFrame({"participant_id": index, "session_id": "ses-02", "years": years, "subtype": subtype})
    later["stage"] = (stage + gain).round()
    later["expected_stage"] = stage + gain
    later["stage_low"], later["stage_high"] = later["stage"] - 1, later["stage"] + 1
    table = scans(first, later, {1: "one", 2: "two"})
    assert len(table) == 2 * n and table["years"].min() == 0
    slopes = stage_slopes(table, [NORMAL, "one", "two"]).set_index("group")
    assert slopes.loc["one", "low"] < 1.0 < slopes.loc["one", "high"]
    assert slopes.loc["two", "high"] < 0.6 and "fewer than 5" in slopes.loc[NORMAL, "reason"]
    moves = transitions(table, [NORMAL, "one", "two"])
    assert moves["n"].sum() == n and moves.groupby("source")["share"].sum().loc["one"] == pytest.approx(1)
    back = reversals(table).set_index("quantity")["value"]
    assert back["pairs of consecutive scans"] == n and back["share at a lower stage than before"] < 0.3
    assert stage_slopes(table.iloc[:0], ["one"])["reason"].iloc[0].startswith("fewer than 5")
    assert reversals(table.iloc[:0])["value"].tolist() == [0.0]


def test_table_one_counts_and_differences():
    people, labels = study(n=200)
    people.loc[people.index[:7], "score"] = np.nan
    table = table_one(people, labels.group, ["age", "score", "drug"], [NORMAL, "one", "two"])
    score = table[table["variable"].str.startswith("score")].iloc[0]
    assert int(score["missing"]) == 7
    medians = people["score"].groupby(labels.group).median()
    assert score["two"].startswith(f"{medians['two']:.1f}")
    means, spread = (getattr(people["score"].groupby(labels.group), f)() for f in ("mean", "var"))
    smd = abs(means["two"] - means[NORMAL]) / np.sqrt((spread["two"] + spread[NORMAL]) / 2)
    assert score["largest_smd"] == pytest.approx(smd, abs=0.1)
    assert table.iloc[0]["all"] in ("200", 200)
    unseen = people.assign(score=people["score"].where(labels.group != "one"))
    table = table_one(unseen, labels.group, ["age", "score"], [NORMAL, "one", "two"])
    score = table[table["variable"].str.startswith("score")].iloc[0]
    assert pd.isna(score["one"]) and "[" in score["two"]


def test_the_words_say_what_the_numbers_say():
    people, labels = study(n=1500, certainty=3.0)
    outcomes = [Outcome("Score", "score", "continuous", family="f"), Outcome("Worse", "worse", "binary", family="g")]
    table = associations(outcomes, people, labels)
    logrank = pd.DataFrame(
        [{"outcome": "W", "split": "subtype", "n": 9, "n_events": 0, "p": np.nan, "reason": "everyone is censored"}]
    )
    nested = pd.DataFrame({"model": ["mean z and cord z"], "outcome": ["Score"], "p": [1e-5]})
    lines = paragraph(table, logrank, nested, pd.DataFrame(columns=["group", "slope"]), "MS")
    text = " ".join(lines)
    assert "two (against the rest): higher Score" in text and "Allowing for uncertain labels" in text
    assert "W: no log-rank test by subtype, everyone is censored." in text and "add to Score" in text
    row = table[(table["contrast"] == "two against the rest") & (table["method"] == "label")].iloc[0]
    assert f"{row['estimate']:.2f}" in text
    assert "MS, g: 7 contrasts tested, 0 pass" in text
