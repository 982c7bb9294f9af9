"""What was recovered of a simulated truth, and what stands beside a model, against hand-made tables."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact, kendalltau, spearmanr

from neuraxis.evaluation.compare import (
    agreement,
    best_possible,
    enrichment,
    projection,
    recovery,
    similarity,
    simple_scores,
)
from neuraxis.evaluation.recovered import recovery_tables
from neuraxis.labels import NORMAL
from neuraxis.streams import stream
from neuraxis.sustain import Parameters, SustainModel, Variant, ZScoreEvents, fit
from neuraxis.sustain.matching import chance_agreement, rand_index

EVENTS = ZScoreEvents([[1, 2], [1, 2], [1]], 4.0, biomarkers=["a", "b", "cord"])


def order(**positions):
    """Event order of subtypes given as {subtype: places of a1, b1, a2, b2}."""
    keys = [("a", 1.0), ("b", 1.0), ("a", 2.0), ("b", 2.0)]
    return pd.DataFrame(
        [
            {"subtype": s, "biomarker": b, "threshold": t, "mean_position": p}
            for s, places in positions.items()
            for (b, t), p in zip(keys, places, strict=True)
        ]
    )


def labelled(index=("p", "q", "r", "s", "t", "u")):
    table = pd.DataFrame(
        {
            "subtype": [1, 2, 3, 2, 1, 2],
            "stage": [2, 0, 4, 1, 3, 0],
            "expected_stage": [2.2, 0.3, 3.9, 1.4, 2.8, 0.1],
            "oof_subtype": [1, 2, 1, 3, 1, 2],
            "oof_stage": [2, 1, 0, 1, 4, 0],
            "oof_expected_stage": [2.0, 0.9, 0.2, 1.6, 3.3, 0.4],
        },
        index=pd.Index(index, name="participant_id"),
    )
    return table.assign(normal_appearing=table["stage"] == 0, oof_normal_appearing=table["oof_stage"] == 0)


def with_doubt(table):
    """The same with probabilities and intervals of every kind that an assignment has."""
    for prefix in ("", "oof_"):
        for c in (1, 2, 3):
            table[f"{prefix}p_subtype{c}"] = np.where(table[f"{prefix}subtype"] == c, 0.6, 0.2)
        table[f"{prefix}p_healthy"] = np.where(table[f"{prefix}normal_appearing"], 0.8, 0.1)
        table[f"{prefix}stage_low"] = (table[f"{prefix}stage"] - 1).clip(lower=0)
        table[f"{prefix}stage_high"] = table[f"{prefix}stage"] + 1
    return table


def truth():
    return pd.DataFrame(
        {
            "participant_id": ["u", "t", "s", "r", "q", "p"],
            "subtype": [NORMAL, "C", "SC", "C", "SC", "C"],
            "stage": [0, 5, 2, 4, 1, 3],
        }
    )


def test_recovery_by_hand():
    people = labelled()
    names = {1: "cortical 1", 2: "spinal cord", 3: "cortical 2"}
    systems = {1: "cortical", 2: "spinal cord", 3: "cortical"}
    best = pd.DataFrame(
        {
            "subtype": ["C", "SC", "C", "C", "C", "SC"],
            "stage": [3, 1, 4, 0, 5, 0],
            "expected_stage": [3.0, 1, 4, 0.2, 5, 0],
        },
        index=people.index,
    )
    found = pd.concat([order(x=[4, 1, 3, 2]).assign(subtype=1), order(x=[1, 2, 3, 4]).assign(subtype=2)])
    found = pd.concat([found, order(x=[4, 2, 3, 1]).assign(subtype=3)])
    true_order = order(SC=[1, 2, 4, 3], C=[4, 1, 2, 3])
    known = order(SC=[1, 2, 3, 4], C=[4, 1, 3, 2])
    published = {"SC": 115, "C": 72, "NA": 123}
    got = recovery(people, names, systems, found, truth(), best, known, true_order, published).set_index("quantity")
    counts = ["in_sample", "out_of_fold", "best_possible", "truth", "published"]
    # two subtypes of one system are counted together; people at stage 0 are of none
    assert got.loc["people, cortical", counts].tolist() == [3, 3, 3, 3, 72]
    assert got.loc["people, spinal cord", counts].tolist() == [1, 1, 1, 2, 115]
    assert got.loc["people, normal-appearing", counts].tolist() == [2, 2, 2, 1, 123]
    by_id = truth().set_index("participant_id")
    rho = spearmanr(people["expected_stage"], by_id.loc[people.index, "stage"]).statistic
    assert got.loc["stage Spearman correlation", "in_sample"] == pytest.approx(rho)
    rho = spearmanr(people["oof_expected_stage"], by_id.loc[people.index, "stage"]).statistic
    assert got.loc["stage Spearman correlation", "out_of_fold"] == pytest.approx(rho)
    mine = ["p", "q", "r", "s", "t"]
    ari = rand_index(people.loc[mine, "oof_subtype"], by_id.loc[mine, "subtype"])
    assert got.loc["subtype ARI, truly staged people", ["n", "out_of_fold"]].tolist() == pytest.approx([5, ari])
    share = got.loc["share normal-appearing"]
    assert share[counts].tolist() == pytest.approx([2 / 6, 2 / 6, 2 / 6, 1 / 6, 123 / 310])
    tau = got.loc["event order tau, spinal cord with the study's SC"]
    assert tau["in_sample"] == pytest.approx(kendalltau([1, 2, 3, 4], [1, 2, 4, 3]).statistic)
    assert tau["best_possible"] == pytest.approx(kendalltau([1, 2, 3, 4], [1, 2, 4, 3]).statistic)
    tau = got.loc["event order tau, cortical 1 with the study's C"]
    assert tau["in_sample"] == pytest.approx(kendalltau([4, 1, 3, 2], [4, 1, 2, 3]).statistic)
    third = recovery(
        people, names, {1: "cortical", 2: "cortical", 3: "cortical"}, found, truth(), best, known, true_order, published
    )
    assert third.set_index("quantity").loc["people, cortical", "in_sample"] == 4


def test_agreement_is_of_those_whom_it_names():
    labels = labelled()[["subtype", "stage", "expected_stage"]]
    known = truth().set_index("participant_id")
    got = agreement(labels, known)
    assert got["subtype ARI, staged and found staged"][0] == 4 and got["subtype ARI, truly staged people"][0] == 5
    assert got["share normal-appearing"] == (6, 2 / 6)
    shuffled = agreement(labels, known.sample(frac=1, random_state=1))
    assert {k: v[0] for k, v in shuffled.items()} == {k: v[0] for k, v in got.items()}
    assert shuffled["stage Spearman correlation"][1] == pytest.approx(got["stage Spearman correlation"][1])


def test_places_of_the_truth_count_from_one():
    drawn = {
        "subtypes": ["X", "Y"],
        "biomarkers": ["a", "b"],
        "sequences": [
            [("a", 1), ("a", 2), ("b", 1), ("a", 3), ("b", 2), ("b", 3)],
            [("b", 1), ("b", 2), ("b", 3), ("a", 1), ("a", 2), ("a", 3)],
        ],
        "weights": np.array([[0.1, *[0.05] * 6], [0.2, *[0.4 / 6] * 6]]),
    }
    z = pd.DataFrame({"a": [3.5, 0.0], "b": [0.0, 4.0]}, index=["p", "q"])
    labels, table = best_possible(drawn, z)
    got = table.set_index(["subtype", "biomarker", "threshold"])["mean_position"]
    assert got["X"].to_dict() == {("a", 1): 1, ("a", 2): 2, ("a", 3): 4, ("b", 1): 3, ("b", 2): 5, ("b", 3): 6}
    assert got["Y"]["b"].tolist() == [1, 2, 3] and got["Y"]["a"].tolist() == [4, 5, 6]
    assert labels["subtype"].tolist() == ["X", "Y"]
    narrow = best_possible(drawn, z[["b"]])[1]
    assert set(narrow["biomarker"]) == {"b"} and narrow["mean_position"].max() == 6


def simple_model(sequences=((0, 3, 2, 1, 4), (1, 4, 2, 0, 3)), healthy=0.2):
    variant = Variant("uniform")
    k = len(sequences)
    bumps = variant.bumps(EVENTS.n_events)
    point = Parameters(np.array(sequences), np.full(k, 1 / k), np.ones((k, 1)), bumps, healthy, np.eye(3), -1.0)
    return SustainModel(EVENTS, variant, point)


def test_simple_scores_stand_beside_stage_and_truth():
    rng = np.random.default_rng(0)
    people = labelled()
    z = pd.DataFrame(rng.normal(size=(6, 3)), people.index, ["a", "b", "cord"])
    z["other"] = 99.0  # no event
    got = simple_scores(z, people, simple_model(), truth(), stream(1, "k"), "cord").set_index(["baseline", "people"])
    by_id = truth().set_index("participant_id").loc[people.index, "stage"]
    staged = people["oof_stage"] > 0
    for name, score in (("mean z", z[["a", "b", "cord"]].mean(axis=1)), ("cord z", z["cord"])):
        for who, rows in (("everyone", staged | True), ("staged", staged)):
            row = got.loc[(name, who)]
            assert row["n"] == rows.sum()
            assert row["value"] == pytest.approx(
                spearmanr(score[rows], people.loc[rows, "oof_expected_stage"]).statistic
            )
            assert row["with_truth"] == pytest.approx(spearmanr(score[rows], by_id[rows]).statistic)
            want = spearmanr(people.loc[rows, "oof_expected_stage"], by_id[rows]).statistic
            assert row["model_with_truth"] == pytest.approx(want)
    real = simple_scores(z, people, simple_model(), None, stream(1, "k"))
    assert set(real["baseline"]) == {"mean z"} and real[["with_truth", "model_with_truth"]].isna().all(axis=None)


def test_people_of_one_disease_under_the_others_model_are_counted_by_name():
    index = [f"p{i}" for i in range(7)]
    z = pd.DataFrame(
        [[4, 0, 1], [0, 4, 1], [0, 0, 0], [4, 1, 0], [0, 3, 0], [5, 4, 2], [-1, 0, 0.0]], index, EVENTS.biomarkers
    )
    z["group"] = ["MS"] * 4 + ["NMOSD"] * 3
    models = {"MS": simple_model(), "NMOSD": simple_model(((1, 4, 2, 0, 3),), 0.4)}
    names = {"MS": {1: "x", 2: "y"}, "NMOSD": {1: "w"}}
    own = {d: models[d].assign(z[z["group"] == d]) for d in models}
    people, counts = projection(models, names, z.sample(frac=1, random_state=1), own)
    ms = people[people["group"] == "MS"].set_index("participant_id")
    alone = models["NMOSD"].assign(z[z["group"] == "MS"])
    assert (ms["model_of"] == "NMOSD").all() and ms.loc[index[:4], "stage"].tolist() == alone["stage"].tolist()
    want = ["w" if s > 0 else NORMAL for s in alone["stage"]]
    assert ms.loc[index[:4], "name"].tolist() == want
    mine = [names["MS"][s] if t > 0 else NORMAL for s, t in zip(own["MS"]["subtype"], own["MS"]["stage"], strict=True)]
    table = counts[counts["group"] == "MS"].set_index(["own_model", "other_model"])["n"]
    for pair in set(zip(mine, want, strict=True)):
        assert table[pair] == list(zip(mine, want, strict=True)).count(pair)
    assert table.sum() == 4 and set(table.index.get_level_values(0)) <= {"x", "y", NORMAL}
    rho = spearmanr(own["MS"]["expected_stage"], alone["expected_stage"]).statistic
    assert counts.loc[counts["group"] == "MS", "stage_spearman"].iloc[0] == pytest.approx(rho)


def test_all_pairs_of_event_orders():
    orders = {"MS": order(**{"1": [1, 2, 3, 4], "2": [4, 3, 2, 1]}), "NMOSD": order(**{"1": [1, 2, 4, 3]})}
    for t in orders.values():
        t["subtype"] = t["subtype"].astype(int)
    models = {d: simple_model() for d in orders}
    got = similarity(orders, {"MS": {1: "x", 2: "y"}, "NMOSD": {1: "w"}}, models, 1)
    rows = got.set_index(["disease_a", "name_a", "disease_b", "name_b"])["tau"]
    assert rows.to_dict() == {
        ("MS", "x", "NMOSD", "w"): pytest.approx(4 / 6), ("MS", "y", "NMOSD", "w"): pytest.approx(-4 / 6),
        ("MS", "x", "MS", "y"): -1,
    }  # fmt: skip
    assert got["tau_chance"].iloc[0] == pytest.approx(chance_agreement(EVENTS, stream(1, "chance", "MS")))


def test_a_disease_is_enriched_where_its_share_is_larger():
    labels = pd.DataFrame({"subtype": [1] * 9 + [2] * 6, "stage": [2] * 13 + [0, 0]})
    group = pd.Series(["MS"] * 7 + ["NMOSD"] * 2 + ["MS"] * 1 + ["NMOSD"] * 5)
    got = enrichment(labels, {1: "one", 2: "two"}, group).set_index(["name", "disease"])
    # staged: one has 7 MS and 2 NMOSD, two has 1 and 3
    assert got["n"].to_dict() == {("one", "MS"): 7, ("one", "NMOSD"): 2, ("two", "MS"): 1, ("two", "NMOSD"): 3}
    assert got.loc[("one", "MS"), "share_of_staged"] == 7 / 8 and got.loc[("two", "NMOSD"), "share_of_staged"] == 3 / 5
    assert got.loc[("one", "MS"), "odds_ratio"] == pytest.approx(7 * 3 / (2 * 1))
    assert got.loc[("two", "MS"), "odds_ratio"] == pytest.approx(1 * 2 / (7 * 3))
    assert got.loc[("two", "MS"), "p"] == pytest.approx(fisher_exact([[1, 3], [7, 2]]).pvalue)


def test_recovery_of_a_study_joins_everything_by_id():
    drawn = {
        "subtypes": ["C", "SC"],
        "biomarkers": ["a", "b", "cord"],
        "sequences": [[(b, t) for b in order for t in (1, 2, 3)] for order in (("a", "b", "cord"), ("cord", "b", "a"))],
        "weights": np.full((2, 10), 0.05),
        "covariance": None,
    }
    rng = np.random.default_rng(1)
    people = with_doubt(labelled())
    z = pd.DataFrame(rng.normal(1, 1, (9, 3)), [*people.index, "x", "y", "w"], ["a", "b", "cord"])
    later = truth().assign(session_id="ses-02", stage=9, subtype="SC")
    known = pd.concat([later, truth().assign(session_id="baseline")]).sample(frac=1, random_state=2)
    names = pd.DataFrame({"subtype": [1, 2, 3], "name": list("uvw"), "system": ["cortical", "spinal cord", "cortical"]})
    model = fit(z, EVENTS, 1, covariance="independent", n_startpoints=1, n_samples=50, n_chains=1)
    places = model.event_order()
    options = {"disease": "MS", "seed": 1}
    published = {"C": 5, "SC": 4, "NA": 3}
    found, scores, calibrated = recovery_tables(
        z.sample(frac=1, random_state=3), people, names, places, model, "cord", truth=known, drawn_from=drawn,
        published=published, **options,
    )  # fmt: skip
    found = found.set_index("quantity")
    by_id = truth().set_index("participant_id").loc[people.index, "stage"]
    assert found.loc["stage Spearman correlation", "in_sample"] == pytest.approx(
        spearmanr(people["expected_stage"], by_id).statistic
    )
    assert found.loc["people, cortical", ["in_sample", "truth", "published"]].tolist() == [3, 3, 5]
    want = spearmanr(z.loc[people.index, "cord"], by_id).statistic
    assert scores.set_index(["baseline", "people"]).loc[("cord z", "everyone"), "with_truth"] == pytest.approx(want)
    # u is normal-appearing and found so both ways; q is called so in sample, s and the others are not; r out of fold
    shares = calibrated.pivot(index="labels", columns=["quantity", "class"], values="observed")
    found_staged = shares["found staged", "truly so (specificity)"]
    assert found_staged["in sample"] == pytest.approx(4 / 5) and found_staged["out of fold"] == pytest.approx(4 / 5)
    assert shares["found normal-appearing", "truly so (sensitivity)"]["in sample"] == 1
    nothing, alone, uncalibrated = recovery_tables(z, people, names, places, model, "cord", **options)
    assert nothing.empty and list(nothing)[0] == "quantity" and len(alone) >= 4
    assert uncalibrated.empty and list(uncalibrated) == list(calibrated)
