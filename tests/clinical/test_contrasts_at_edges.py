"""What is asked of few people: which terms, whose numbers, how many of them; and categories, curves and maps of just enough."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from neuraxis.clinical import associations as asked
from neuraxis.clinical.associations import BARELY, _categorical, associations, fits_of, pooled
from neuraxis.clinical.cases import complete_cases
from neuraxis.clinical.contrasts import OTHERS, atrophy_model, models_of, stage_model, subtype_model
from neuraxis.clinical.curves import stage_curves
from neuraxis.clinical.fit import NO_EFFECT, Fit, refused
from neuraxis.clinical.maps import region_maps
from neuraxis.clinical.nuisance import ALIKE, TOO_FEW, nuisance
from neuraxis.clinical.outcomes import declare
from neuraxis.labels import NORMAL, Labels


def certain(sizes, doubt=0.0):
    """Labels of so many people a group, rows turned round; stages 1 to 7."""
    group = pd.Series([g for g, n in sizes.items() for _ in range(n)])
    group.index = [f"p{i:03d}" for i in range(len(group))]
    stage = pd.Series(np.arange(len(group)) % 7 + 1.0, group.index).mask(group == NORMAL, 0.0)
    names = [NORMAL, *(g for g in sizes if g != NORMAL)]
    p = pd.DataFrame({g: (group == g) * (1 - doubt) + doubt / len(names) for g in names})
    rows = group.index[::-1]
    return Labels(group[rows], p.loc[rows], stage[rows])


def fitted(n=50, n_events=12, model="m", term="a", value=0.5):
    return Fit(pd.Series({term: value}), pd.DataFrame([[0.04]], [term], [term]), n, n_events, model=model)


# ---------------------------------------------------------------- pooled


def test_people_and_events_of_draws_are_their_mean():
    model = subtype_model(certain({"a": 30, "b": 40}), 1.0)
    fits = [fitted(40, 10, "first"), fitted(43, 10, "second"), fitted(61, 22, "third")]
    got = pooled(fits, "", model.contrasts[0], model, True)
    assert (got["n"], got["n_events"], got["model"]) == (48, 14, "first") and (got["n_draws"], got["n_drawn"]) == (3, 3)
    bad = [refused(33, "singular", 7), refused(44, "no convergence", 9)]
    none = pooled([*bad, fits[0]], "", model.contrasts[0], model, True)
    assert none["reason"] == "2 of 3 draws: singular" and (none["n"], none["n_events"]) == (33, 7)


def test_others_of_five_people_are_somebody_to_compare_with():
    for sizes, reason in (({"a": 40, "b": 5}, ""), ({"a": 40, "b": 4}, "nobody to compare with")):
        model = subtype_model(certain(sizes), 1.0)
        assert pooled([fitted(term="b")], "", model.contrasts[0], model, False)["reason"] == reason
    three = subtype_model(certain({"a": 40, "b": 3, "c": 2}), 1.0)
    assert three.contrasts[0].against == OTHERS
    assert pooled([fitted(term="b")], "", three.contrasts[0], three, False)["reason"] == ""
    pair = next(c for c in three.contrasts if c.name == "a against b")
    assert pooled([fitted(term="b")], "", pair, three, False)["reason"] == "fewer than 5 people in b"


def test_an_interval_that_could_not_be_found_is_no_estimate():
    model = subtype_model(certain({"a": 30, "b": 40}), 1.0)
    fit = fitted()
    fit.profile = lambda weights: NO_EFFECT
    got = pooled([fit], "", model.contrasts[0], model, False)
    assert got["reason"] == "no profile interval could be found" and np.isnan(got["estimate"]) and got["n"] == 50


# ---------------------------------------------------------------- fits


def outcome_and_cases(labels, kind="continuous", values=None, **more):
    rng = np.random.default_rng(3)
    y = rng.normal(size=len(labels.group)) if values is None else values
    outcome = declare("o", "y", kind, **more)
    return outcome, complete_cases(outcome, pd.DataFrame({"y": y}, labels.group.index))


def seen_terms(outcome):
    """Columns of every fit of an outcome, in order."""
    seen = []
    fit = outcome.fit
    object.__setattr__(
        outcome, "fit", lambda cases, terms, plan=None: seen.append(list(terms)) or fit(cases, terms, plan)
    )
    return seen


@pytest.mark.parametrize(("spread", "there"), [(0.9 * BARELY, False), (1.1 * BARELY, True), (1.6 * BARELY, True)])
def test_the_probability_of_being_normal_is_a_term_where_it_varies(spread, there):
    labels = certain({"a": 20, "b": 16})
    off = spread * np.tile([1.0, -1.0], 18) * np.sqrt(35 / 36)  # of this SD
    labels.probability[NORMAL] = 0.1 + off
    for g in "ab":
        labels.probability[g] *= 0.9 - off
    outcome, cases = outcome_and_cases(labels)
    seen = seen_terms(outcome)
    fits = fits_of(outcome, cases, subtype_model(labels, 1.0), "", 0, 1)
    assert seen == [["b", "stage"], ["b", NORMAL, "stage"] if there else ["b", "stage"]]
    assert [len(f) for f, _ in fits.values()] == [1, 1, 0] and fits["draws"][1] == "no draws were asked for"


def test_only_the_methods_that_were_asked_for_are_fitted(monkeypatch):
    labels = certain({"a": 20, "b": 16}, 0.1)
    outcome, cases = outcome_and_cases(labels)
    seen, model = seen_terms(outcome), subtype_model(labels, 1.0)
    drawn = []
    monkeypatch.setattr(asked, "impute_groups", lambda o, c, m, n, rng: drawn.append(n) or ([m.group] * n, "words"))
    fits = fits_of(outcome, cases, model, "", 3, 1, ("label",))
    assert len(seen) == 1 and len(fits["label"][0]) == 1 and fits["weighted"][0] == [] and not drawn
    fits = fits_of(outcome, cases, model, "", 3, 1, ("weighted", "draws"))
    assert fits["label"][0] == [] and drawn == [3] and len(fits["draws"][0]) == 3 and fits["draws"][1] == "words"
    assert associations([outcome], pd.DataFrame({"y": cases.y}), labels)["n_draws"].max() == 20 == drawn[-1]
    nobody = fits_of(outcome, cases.take([]), model, "", 3, 1)
    assert set(map(str, nobody.values())) == {"([], 'nobody has all the values')"}


def test_penalised_and_refused_fits_are_not_drawn():
    labels = certain({"a": 24, "b": 20}, 0.1)
    rare = np.r_[np.ones(3), np.zeros(41)]
    outcome, cases = outcome_and_cases(labels, "binary", rare)
    fits = fits_of(outcome, cases, subtype_model(labels, 1.0), "Firth logistic", 2, 1)
    assert fits["weighted"][0][0].penalised
    assert fits["draws"] == ([], "penalised fits are not pooled: Wald intervals do not hold for them")
    outcome, cases = outcome_and_cases(labels, values=np.ones(44))
    assert fits_of(outcome, cases, subtype_model(labels, 1.0), "", 2, 1)["draws"] == ([], "the outcome is constant")


def test_rows_say_whose_events_and_how_sure_and_what_was_checked():
    """Three groups of unequal size, the smallest with most events; check and companions where they belong."""
    labels = certain({NORMAL: 12, "a": 45, "b": 36, "c": 40}, 0.1)
    group = labels.group
    people = pd.DataFrame({"e": 0, "edss": np.arange(133) % 3}, group.index)
    for g, n in ((NORMAL, 1), ("a", 4), ("b", 9), ("c", 6)):
        people.loc[group.index[group == g][:n], "e"] = 1
    table = associations([declare("E", "e", "binary"), declare("EDSS", "edss", "ordinal")], people, labels, n_draws=0)
    of = table[table["outcome"] == "E"].set_index(["contrast", "method"])
    label = of.xs("label", level="method")
    assert label.loc["b against c", ["n_group", "n_against", "events_group"]].tolist() == [36, 40, 9]
    assert label.loc[f"a against {OTHERS}", ["n_group", "n_against", "events_group"]].tolist() == [45, 76, 4]
    assert label.loc["any atrophy against none", ["n", "n_group", "n_against", "events_group"]].tolist() == [
        133,
        121,
        12,
        19,
    ]
    assert label.loc["stage in c", ["n_group", "n_against", "events_group"]].tolist() == [40, 0, 6]
    known = subtype_model(labels).reliability
    assert label.loc["b against c", "reliability"] == pytest.approx(known["b"]) != pytest.approx(known["c"])
    assert np.isnan(label.loc["stage, at the same subtype", "reliability"])
    draws = of.xs("draws", level="method")
    # nobody was drawn: everyone who could have been is counted
    assert draws.loc["b against c", ["n", "n_events"]].tolist() == [121, 19] and not draws["reportable"].any()
    rank = table[table["outcome"] == "EDSS"].set_index(["contrast", "method"])
    checked = rank["check"] != ""
    assert checked.eq(rank["against"] != "").all() and rank.loc[~checked, "check_p"].isna().all()
    assert rank.loc["b against c", "check_p"].notna().all() and set(rank["n_events"]) == {0} == set(
        rank["events_group"]
    )
    own = rank.xs("label", level="method")
    assert own["prob_index"].notna().tolist() == (own["against"] != "").tolist() == own["partial_r"].isna().tolist()
    assert rank.drop("label", level="method")[["prob_index", "partial_r"]].isna().all(axis=None)
    stages = table["kind"] == "stage"
    assert (table.loc[~stages, "unit"] == "").all() and table.loc[stages, "unit"].str.endswith(" stages").all()


def test_categories_are_told_of_twenty_people_a_group():
    def rows(sizes, y=None):
        labels = certain(sizes)
        people = pd.DataFrame(
            {"y": np.where(np.arange(len(labels.group)) % 3 == 0, "u", "v") if y is None else y}, labels.group.index
        )
        outcome = declare("o", "y", "categorical")
        return pd.DataFrame(_categorical(outcome, complete_cases(outcome, people), labels)).set_index("contrast")

    between, any_atrophy = "any difference between subtypes", "any difference with atrophy"
    got = rows({NORMAL: 25, "a": 20, "b": 31})
    assert got["reportable"].tolist() == [True, True] and got["warning"].tolist() == ["", ""]
    assert got.loc[between, ["n", "n_group"]].tolist() == [51, 20] and got.loc[
        any_atrophy, ["n", "n_group"]
    ].tolist() == [76, 25]
    few = rows({NORMAL: 25, "a": 19, "b": 31})
    assert few["reportable"].tolist() == [False, True] and few["warning"].tolist() == ["only 19 people", ""]
    alike = rows({NORMAL: 25, "a": 20, "b": 31}, "u")
    assert not alike["reportable"].any() and alike["estimate"].isna().all()
    assert (alike["reason"] == "the outcome is constant or there is one group").all()
    assert list(rows({NORMAL: 25, "a": 20}).index) == [any_atrophy]
    single = rows({"a": 30})
    assert single["reason"].iloc[0].startswith("the outcome is constant or") and single["n_group"].tolist() == [30]


# ---------------------------------------------------------------- models


def test_a_stage_given_atrophy_is_divided_by_no_less_than_a_twentieth():
    """P(atrophy) 1, 0.06 and 0.01: the stage 0.6 is 0.6, 10 and 12."""
    p = pd.DataFrame({NORMAL: [0.0, 0.94, 0.99], "a": [1.0, 0.06, 0.01]}, list("cab"))
    labels = Labels(pd.Series(["a", NORMAL, NORMAL], p.index), p, pd.Series(0.6, p.index))
    later = atrophy_model(labels, 2.0).designs[1]["stage from its mean"]
    assert later.tolist() == pytest.approx([(v - 1.8 / 1.07) / 2 for v in (0.6, 10.0, 12.0)])
    nobody = Labels(labels.group, p.assign(**{NORMAL: 1.0, "a": 0.0}), labels.stage * 0)
    assert atrophy_model(nobody, 1.0).designs[1]["stage from its mean"].tolist() == [0, 0, 0]


def test_every_subtypes_stage_is_a_term_of_its_own_people():
    labels = certain({NORMAL: 3, "a": 5, "b": 8})
    model = stage_model(labels, 2.0)
    by = dict(zip(model.probability, model.designs, strict=True))
    assert list(by["a"]) == [NORMAL, "a", "stage in a", "stage in b"]  # b is the largest
    half = labels.stage[model.rows] / 2
    for g, columns in (("a", [0, 1, 1, 0]), ("b", [0, 0, 0, 1]), (NORMAL, [1, 0, 0, 0])):
        want = np.column_stack([half * c if j > 1 else np.full(13, c) for j, c in enumerate(columns)])
        assert by[g].to_numpy() == pytest.approx(want), g
    assert [(c.name, c.subtype, c.needs, int(c.mine.sum()), int(c.other.sum())) for c in model.contrasts] == [
        ("stage in a", "a", ("a",), 5, 0), ("stage in b", "b", ("b",), 8, 0)
    ]  # fmt: skip


def test_a_subtype_without_anybody_is_compared_with_nobody():
    labels = certain({NORMAL: 4, "a": 6, "b": 5})
    labels.probability["c"] = 0.0
    first, second, _ = models_of(labels, 1.0)
    names = [c.name for c in first.contrasts]
    assert names[:3] == [f"{g} against {OTHERS}" for g in "abc"] and "a against c" in names
    assert first.contrasts[2].weights == pytest.approx({"c": 1.0, "b": -5 / 11}) and first.sizes["c"] == 0
    alone = certain({"a": 6})
    for g in "bc":
        alone.probability[g] = 0.0
    # all others are nobody: not even a contrast against them
    assert [c.name for c in subtype_model(alone, 1.0).contrasts][:2] == [f"b against {OTHERS}", f"c against {OTHERS}"]
    assert list(second.designs[0])[:3] == [NORMAL, "b", "c"]


# ---------------------------------------------------------------- curves, maps, what the norms removed


def curve_of(curve, **more):
    index = [f"p{i}" for i in range(12)]
    stage = pd.Series(np.arange(12) % 6 + 1.0, index)
    labels = Labels(pd.Series("a", index), pd.DataFrame({NORMAL: 0.0, "a": 1.0}, index), stage)
    drawn = SimpleNamespace(
        name="o", column="y", against_stage=True, drawn="points", exposure=None, only=(), curve=curve
    )
    for k, v in more.items():
        setattr(drawn, k, v)
    return stage_curves([drawn], pd.DataFrame({"y": np.arange(12) % 5, "years": 2.0}, index)[::-1], labels)


def test_a_curve_with_a_gap_or_without_a_model_is_none():
    flat = np.linspace(1, 6, 41)

    def plain(y, stage, at, years):
        assert at == pytest.approx(flat) and years is None
        return at, at - 1, at + 2, "words"

    got = curve_of(plain)
    assert (
        got["stage"].tolist() == pytest.approx(flat)
        and (got["low"] == got["fit"] - 1).all()
        and (got["high"] == got["fit"] + 2).all()
    )
    assert set(got["model"]) == {"words"} and set(got["n"]) == {12}
    hole = flat.copy()
    hole[3] = np.nan
    for parts in ((hole, flat, flat), (flat, hole, flat), (flat, flat, hole * np.inf)):
        assert curve_of(lambda y, stage, at, years, parts=parts: (*parts, "words")).empty

    def failing(error):
        def curve(y, stage, at, years):
            raise error

        return curve

    for error in (ValueError, np.linalg.LinAlgError, FloatingPointError):
        assert curve_of(failing(error)).empty
    with pytest.raises(KeyError):
        curve_of(failing(KeyError))
    assert curve_of(plain, against_stage=False).empty and curve_of(plain, drawn="").empty
    assert (
        curve_of(lambda y, stage, at, years: (at, at, at, f"{min(years)} {len(years)}"), exposure="years")[
            "model"
        ].iloc[0]
        == "2.0 12"
    )


def test_five_people_on_either_side_have_a_t():
    rng = np.random.default_rng(0)
    group = pd.Series([NORMAL] * 3 + ["a"] * 5 + ["b"] * 9 + ["c"] * 4, [f"p{i}" for i in range(21)])
    people = pd.DataFrame({"age": rng.normal(40, 9, 21), "sex": "F"}, group.index)
    z = pd.DataFrame({"x": rng.normal(size=21), "y": rng.normal(size=21)}, group.index)
    z.loc["p4", "y"] = np.nan
    etiv = pd.Series(np.nan, group.index)
    got = region_maps(z, people, etiv, group).set_index(["group", "biomarker"])
    # of y one of the five has none; all of c are four
    assert got["t"].notna().to_dict() == {
        (g, b): (g, b) in {("a", "x"), ("b", "x"), ("b", "y")} for g in (NORMAL, *"abc") for b in "xy"
    }
    # one sex alone and no head size: age is all that is adjusted for
    assert set(got.loc[got["t"].notna(), "covariates"]) == {"age"}
    staged = group != NORMAL
    fit = sm.OLS(z.loc[staged, "x"], sm.add_constant(people.loc[staged, ["age"]].assign(a=1.0 * (group == "a")))).fit()
    assert got.loc[("a", "x"), ["t", "p"]].tolist() == pytest.approx([fit.tvalues["a"], fit.pvalues["a"]])
    rest = group.replace({"b": "a", "c": "b"})  # 14 and 4; then 13 and 5
    assert region_maps(z[["x"]], people, etiv, rest)["t"].isna().all()
    assert region_maps(z[["x"]], people, etiv, rest.mask(group.index == "p9", "b"))["t"].notna().tolist() == [
        False,
        True,
        True,
    ]
    one = region_maps(z[["y"]], people, etiv, group.mask(group == NORMAL, "a").mask(group.index == "p4", NORMAL)).iloc[
        0
    ]
    assert one["n"] == 0 and np.isnan(one["mean_z"]) and np.isnan(one["sd_z"])
    numbers = got.loc[("b", "x")]
    assert numbers["mean_z"] == pytest.approx(z.loc[group == "b", "x"].mean()) and numbers["n"] == 9


def test_why_something_was_not_tested():
    index = list(range(12))
    people = pd.DataFrame({"site": ["s", "t"] * 6, "sex": "F", "age": [40.0] * 9 + [np.nan] * 3}, index)
    group, stage = pd.Series(["a"] * 6 + ["b"] * 5 + ["c"], index), pd.Series(np.arange(12) % 4 * 1.0)
    got = nuisance(people, pd.Series(np.arange(12.0)), group, stage, NORMAL).set_index(["label", "variable"])
    assert got["reason"].to_dict() == {
        ("subtype", "site"): "", ("stage", "site"): "", ("subtype", "sex"): ALIKE, ("stage", "sex"): ALIKE,
        ("subtype", "age"): TOO_FEW, ("stage", "age"): TOO_FEW, ("subtype", "etiv"): "", ("stage", "etiv"): "",
    }  # fmt: skip
    # the one person of c is in the table of sites, and in no rank
    assert got["n"].to_dict()[("subtype", "site")] == 12 and got.loc[("subtype", "etiv"), "n"] == 11
    h, p = stats.kruskal(np.arange(6.0), np.arange(6.0, 11))
    assert got.loc[("subtype", "etiv"), ["estimate", "p"]].tolist() == pytest.approx([h / 10, p])
    assert got.loc[("subtype", "etiv"), ["test", "effect"]].tolist() == ["Kruskal-Wallis", "epsilon squared"]
    assert got.loc[("stage", "etiv"), ["test", "effect"]].tolist() == ["Spearman", "Spearman's rho"]
    single = nuisance(people, pd.Series(np.arange(12.0)), pd.Series("a", index), stage, NORMAL)
    assert (single.set_index(["label", "variable"]).loc["subtype", "reason"] == [ALIKE, ALIKE, TOO_FEW, ALIKE]).all()
