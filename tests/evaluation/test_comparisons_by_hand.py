"""Which columns, rows and names comparisons have, and what they ask of fits: models and fits in their place, a few people."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy
from scipy.stats import chi2_contingency, kendalltau, spearmanr

from neuraxis.evaluation import compare
from neuraxis.evaluation.clusters import k_means
from neuraxis.evaluation.compare import (
    agreement,
    best_possible,
    enrichment,
    order_of_known,
    projection,
    recovery,
    similarity,
    simple_scores,
)
from neuraxis.labels import NORMAL
from neuraxis.sustain import Variant, ZScoreEvents


def places(subtype, **positions):
    """Events a1, b1, a2, b2 of a subtype, those that are named, at their places."""
    rows = [(subtype, name[0], float(name[1]), place) for name, place in positions.items()]
    return pd.DataFrame(rows, columns=["subtype", "biomarker", "threshold", "mean_position"])


def test_orders_of_two_diseases_stand_side_by_side_and_each_disease_is_compared_with_itself():
    orders = {
        "MS": pd.concat([places(1, a1=1, b1=2, a2=3), places(2, a1=2, b1=1, a2=3)]),
        "NMOSD": places(1, a1=1, b1=3, a2=2),
    }
    models = dict.fromkeys(
        orders, SimpleNamespace(events=ZScoreEvents([[1, 2], [1, 2]], 4.0, biomarkers=["a", "b"]), draws=None)
    )
    got = similarity(orders, {"MS": {1: "x", 2: "y"}, "NMOSD": {1: "w"}}, models, 1)
    assert list(got) == [
        "disease_a",
        "name_a",
        "disease_b",
        "name_b",
        "subtype_a",
        "subtype_b",
        "n_events",
        "tau",
        "tau_chance",
        "converged_a",
        "converged_b",
    ]
    assert got[["name_a", "name_b", "subtype_a", "subtype_b"]].to_numpy().tolist() == [
        ["x", "w", 1, 1], ["y", "w", 2, 1], ["x", "y", 1, 2]
    ]  # fmt: skip


def test_likeness_says_whose_chains_agree():
    """Of a model without draws nothing could disagree; two chains that stand apart do."""
    apart = pd.DataFrame({"quantity": ["log_likelihood"], "sd": [1.0], "ess": [900.0], "r_hat": [1.02]})
    events = ZScoreEvents([[1, 2], [1, 2]], 4.0, biomarkers=["a", "b"])

    def model(**diagnostics):
        drawn = {"draws": 1, "diagnostics": lambda: apart.assign(**diagnostics)} if diagnostics else {"draws": None}
        return SimpleNamespace(events=events, **drawn)

    order = places(1, a1=1, b1=2, a2=3)
    models = {"A": model(r_hat=1.02), "B": model(), "C": model(r_hat=1.009), "D": model(r_hat=1.0, ess=399.0)}
    got = similarity(dict.fromkeys(models, order), dict.fromkeys(models, {1: "x"}), models, 1)
    agree = {"A": False, "B": True, "C": True, "D": False}
    assert len(got) == 6
    assert got["converged_a"].tolist() == [agree[d] for d in got["disease_a"]]
    assert got["converged_b"].tolist() == [agree[d] for d in got["disease_b"]]


class Fitted:
    """A model whose labels are known."""

    def __init__(self, labels):
        self.labels = labels

    def assign(self, z):
        return self.labels.loc[z.index]


def test_people_under_another_s_model_have_its_stages_and_their_own_names():
    columns = ["subtype", "stage", "expected_stage", "p_stage0", "confident", "more"]
    rows = [
        [1, 2, 2.0, 0.1, True, 9],
        [2, 0, 0.1, 0.9, True, 9],
        [1, 3, 2.5, 0.0, False, 9],
        [2, 1, 1.2, 0.3, True, 9],
        [1, 4, 4.1, 0.0, True, 9],
    ]
    of = {d: pd.DataFrame(rows[::step], list("pqrst"), columns) for d, step in (("MS", 1), ("NMOSD", -1))}
    models = {d: Fitted(t) for d, t in of.items()}
    z = pd.DataFrame({"a": 0.0, "group": ["MS", "MS", "NMOSD", "MS", "NMOSD"]}, list("pqrst"))
    own = {d: of[d].loc[z.index[z["group"] == d]] for d in of}
    people, counts = projection(models, {"MS": {1: "x", 2: "y"}, "NMOSD": {1: "v", 2: "w"}}, z, own)
    assert list(people) == ["participant_id", "group", "model_of", *columns[:5], "name"]
    assert (
        people["participant_id"].tolist() == ["p", "q", "s", "r", "t"]
        and people["model_of"].tolist() == ["NMOSD"] * 3 + ["MS"] * 2
    )
    # of NMOSD the rows are turned around: p has t's, q has s's and s has q's
    assert people["name"].tolist() == ["v", "w", NORMAL, "x", "x"] and people["stage"].tolist() == [4, 1, 0, 3, 4]
    assert list(counts) == ["group", "model_of", "own_model", "other_model", "n", "stage_spearman"]
    ms = counts[counts["group"] == "MS"]
    assert {(r.own_model, r.other_model) for r in ms.itertuples() if r.n} == {("x", "v"), (NORMAL, "w"), ("y", NORMAL)}
    assert ms["n"].sum() == 3 and ms["stage_spearman"].iloc[0] == pytest.approx(
        spearmanr([2.0, 0.1, 1.2], [4.1, 1.2, 0.1]).statistic
    )


def test_orders_of_known_people_are_of_one_subtype_with_the_model_s_own_noise(monkeypatch):
    asked = []

    def fit(z, events, k, settings, **options):
        asked.append((list(z.index), events, k, settings.n_startpoints, settings.n_samples, options))
        return SimpleNamespace(event_order=lambda: pd.DataFrame({"subtype": [1], "mean_position": [float(len(z))]}))

    monkeypatch.setattr(compare, "fit", fit)
    z = pd.DataFrame({"a": range(5)}, list("pqrst"))
    subtype = pd.Series(["SC", "C", None, "C", "SC"], z.index)
    for covariance, given in ((None, "independent"), (np.eye(2), None)):
        asked.clear()
        model = SimpleNamespace(events="events", variant=Variant(covariance=covariance))
        got = order_of_known(z, subtype, model, seed=3, key=("MS",))
        assert got.to_numpy().tolist() == [["C", 2.0], ["SC", 2.0]]
        assert [(a[0], *a[1:5]) for a in asked] == [
            (["q", "s"], "events", 1, 10, 2000),
            (["p", "t"], "events", 1, 10, 2000),
        ]
        for options, name in zip((a[5] for a in asked), ("C", "SC"), strict=True):
            assert options["seed"] == 3 and options["key"] == ("MS", "known", name) and options["progress"] is False
            assert options["covariance"] == given if given else np.array_equal(options["covariance"], np.eye(2))


TRUTH = pd.DataFrame({"participant_id": list("srqp"), "subtype": [NORMAL, "SC", "C", "C"], "stage": [0, 2, 3, 1]})


def found_of(order, true_order, known, **systems):
    people = pd.DataFrame(
        {"subtype": [1, 2, 1, 2], "stage": [1, 2, 0, 0], "expected_stage": [1.0, 2, 0.4, 0.2]},
        pd.Index(list("pqrs"), name="participant_id"),
    )
    people = people.join(people.assign(subtype=[2, 2, 1, 1], stage=[0, 1, 2, 3]).add_prefix("oof_"))
    best = people[["subtype", "stage", "expected_stage"]].assign(subtype=["C", "C", "SC", "SC"], stage=[1, 3, 2, 0])
    return recovery(people, {1: "x", 2: "y"}, systems or {1: "cortical", 2: "spinal cord"}, order, TRUTH, best, known, true_order,
                    {"C": 6, "SC": 3, "NA": 11})  # fmt: skip


def test_orders_that_share_too_few_events_are_matched_last():
    """x and SC share two events; x with C agrees a little, y with SC well, and with C better than x does."""
    order = pd.concat([places(1, a1=1, b1=2, a2=3), places(2, a1=1, b1=2, a2=3, b2=4)])
    true_order = pd.concat([places("C", a1=2, b1=1, a2=3, b2=4), places("SC", a1=1, b1=2, b2=3)])
    known = pd.concat([places("SC", a1=2, b1=1, b2=3), places("C", a1=2, b1=1, a2=3, b2=4)])
    got = found_of(order, true_order, known)
    assert list(got) == ["quantity", "n", "in_sample", "out_of_fold", "best_possible", "truth", "published"]
    tau = got.iloc[-2:].set_index("quantity")
    assert list(tau.index) == ["event order tau, x with the study's C", "event order tau, y with the study's SC"]
    assert tau["in_sample"].tolist() == [pytest.approx(1 / 3), 1.0] and tau["best_possible"].tolist() == [
        1.0,
        pytest.approx(1 / 3),
    ]
    assert (got["n"] == 4).sum() == 7 and tau["out_of_fold"].isna().all()


def test_people_of_each_kind_are_counted_in_and_out_of_fold_and_by_the_true_model():
    order = pd.concat([places(1, a1=1, b1=2, a2=3), places(2, a1=2, b1=1, a2=3)])
    true_order = order.replace({"subtype": {1: "C", 2: "SC"}})
    got = found_of(order, true_order, true_order).set_index("quantity")
    columns = ["n", "in_sample", "out_of_fold", "best_possible", "truth", "published"]
    assert got.loc["people, cortical", columns].tolist() == [4, 1, 2, 2, 2, 6]
    assert got.loc["people, spinal cord", columns].tolist() == [4, 1, 1, 1, 1, 3]
    assert got.loc[f"people, {NORMAL}", columns].tolist() == [4, 2, 1, 1, 1, 11]
    share = got.loc["share normal-appearing", columns]
    assert share.tolist() == [4, 0.5, 0.25, 0.25, 0.25, 11 / 20]
    assert got["truth"].isna().tolist() == [True, True, True, False, False, False, False, True, True]


def test_who_is_truly_staged_and_who_was_found_so():
    labels = pd.DataFrame(
        {"subtype": [1, 1, 2, 2, 1], "stage": [1, 0, 2, 3, 1], "expected_stage": [1.0, 0.1, 2, 3, 1.4]}, list("pqrst")
    )
    truth = pd.DataFrame({"subtype": ["C", "C", "SC", NORMAL, "C"], "stage": [1, 2, 3, 0, 4]}, list("pqrst"))
    got = agreement(labels, truth.iloc[::-1])
    assert [n for n, _ in got.values()] == [4, 3, 5, 5] and got["share normal-appearing"][1] == 0.2
    assert got["subtype ARI, truly staged people"][1] == got["subtype ARI, staged and found staged"][1] == 1
    assert got["stage Spearman correlation"][1] == pytest.approx(
        spearmanr([1.0, 0.1, 2, 3, 1.4], [1, 2, 3, 0, 4]).statistic
    )


def drawn(**more):
    """Two subtypes of two biomarkers: 0.1 and 0.2 of the people healthy, 0.24 and 0.46 along their courses."""
    events = [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 2), ("b", 3)]
    weights = np.array([[0.1, *[0.04] * 6], [0.2, *[0.46 / 6] * 6]])
    return {
        "subtypes": ["X", "Y"],
        "biomarkers": ["a", "b"],
        "sequences": [events, events[3:] + events[:3]],
        "weights": 10 * weights,
    } | more


def test_of_whom_nothing_speaks_the_true_model_says_what_the_cohort_is_made_of():
    """b is not known, and at a's midpoint between two stages of either course: the odds are those of the weights alone."""
    z = pd.DataFrame({"a": [0.0, 0.4], "b": np.nan}, ["p", "q"])
    labels, order = best_possible(drawn(), z)
    # densities of a by hand: stages 1 to 3 of X rise, 4 to 6 stay at the top; of Y 1 to 3 stay at nought, then rise
    points = np.interp(np.arange(8), [0, 1, 2, 3, 7], [0, 1, 2, 3, 5])
    rising = (points[1:] + points[:-1]) / 2
    other = np.interp(np.arange(8), [0, 4, 5, 6, 7], [0, 1, 2, 3, 5])
    late = (other[1:] + other[:-1]) / 2
    for who, a in z["a"].items():
        density = lambda m, a=a: np.exp(-((a - np.asarray(m)) ** 2) / 2)  # noqa: E731
        parts = [0.3 * density(0.0), 0.04 * density(rising[1:]).sum(), 0.46 / 6 * density(late[1:]).sum()]
        got = labels.loc[who, ["p_healthy", "p_staged_subtype1", "p_staged_subtype2"]].astype(float)
        assert got.tolist() == pytest.approx((np.array(parts) / sum(parts)).tolist(), rel=1e-6)
    assert order[["subtype", "biomarker"]].drop_duplicates().to_numpy().tolist() == [
        ["X", "a"],
        ["X", "b"],
        ["Y", "a"],
        ["Y", "b"],
    ]
    assert best_possible(drawn(), z[["a"]])[1]["biomarker"].unique().tolist() == ["a"]


def scored(sizes, cord="cord", families=None, truth=True, columns=("a", "b", "cord")):
    """Simple scores of two clear patterns of so many staged people, with two at stage 0."""
    n = sum(sizes)
    rng = np.random.default_rng(0)
    z = np.zeros((n + 2, len(columns)))
    z[:, 0] = np.repeat([3.0, 0.0, 0.0], [*sizes, 2])
    z[:, 1] = np.repeat([0.0, 3.0, 0.0], [*sizes, 2])
    index = pd.Index([f"p{i}" for i in range(n + 2)], name="participant_id")
    z = pd.DataFrame(z + rng.normal(0, 0.1, z.shape), index, columns)
    subtype = np.repeat([1, 2, 1], [*sizes, 2])
    people = pd.DataFrame(
        {
            "oof_subtype": subtype,
            "oof_stage": [*np.arange(1, n + 1), 0, 0],
            "oof_expected_stage": rng.normal(size=n + 2),
        },
        index,
    )
    model = SimpleNamespace(
        events=SimpleNamespace(families=families or dict.fromkeys(columns, "zscore"), biomarkers=list(columns)),
        n_subtypes=2,
    )
    known = pd.DataFrame(
        {"participant_id": index, "subtype": np.repeat(["C", "SC", NORMAL], [*sizes, 2]), "stage": np.arange(n + 2) % 4}
    )
    return (
        simple_scores(z, people, model, known.iloc[::-1] if truth else None, np.random.default_rng(1), cord),
        z,
        people,
    )


def test_clusters_are_looked_for_among_more_than_two_people_a_subtype():
    assert "k-means of centred z" not in scored((2, 2))[0]["baseline"].tolist()
    table = scored((3, 2))[0]
    row = table.iloc[-1]
    assert row.tolist() == [
        "k-means of centred z",
        "subtype, out of fold",
        "staged",
        5,
        "adjusted Rand index",
        1.0,
        1.0,
        1.0,
    ]
    assert scored((3, 2), truth=False)[0].iloc[-1, :6].tolist() == row.tolist()[:6]
    assert scored((3, 2), truth=False)[0][["with_truth", "model_with_truth"]].isna().all(axis=None)
    assert list(table) == [
        "baseline",
        "compared_with",
        "people",
        "n",
        "measure",
        "value",
        "with_truth",
        "model_with_truth",
    ]
    assert table["people"].tolist() == ["everyone", "staged"] * 2 + ["staged"] and table["n"].tolist() == [
        7,
        5,
        7,
        5,
        5,
    ]


def test_scores_without_a_z_are_no_part_of_its_mean_and_the_cord_alone_is_its_mean():
    families = {"a": "zscore", "b": "ordinal", "cord": "zscore"}
    table, z, people = scored((3, 2), families=families)
    want = spearmanr(z[["a", "cord"]].mean(axis=1), people["oof_expected_stage"]).statistic
    assert table.iloc[0]["value"] == pytest.approx(want)
    alone = scored((3, 2), families={"a": "ordinal", "b": "ordinal", "cord": "zscore"})[0]
    assert set(alone["baseline"]) - {"k-means of centred z"} == {"mean z"}
    assert (
        "cord z" not in scored((3, 2), cord="other")[0]["baseline"].tolist() and "cord z" in table["baseline"].tolist()
    )


def test_subtypes_of_a_joint_model_by_disease():
    labels = pd.DataFrame({"subtype": [1, 1, 2, 2, 2, 1], "stage": [1, 2, 1, 3, 0, 0]})
    group = pd.Series(["MS", "NMOSD", "MS", "MS", "NMOSD", "MS"])
    got = enrichment(labels, {1: "x", 2: "y"}, group)
    assert list(got) == ["subtype", "name", "disease", "n", "share_of_staged", "odds_ratio", "p", "p_all_subtypes"]
    assert got["n"].tolist() == [1, 1, 2, 0] and got["share_of_staged"].tolist() == [1 / 3, 1.0, 2 / 3, 0.0]
    assert got["p_all_subtypes"].tolist() == pytest.approx([chi2_contingency([[1, 1], [2, 0]])[1]] * 4)
    one = enrichment(labels, {1: "x"}, pd.Series("MS", labels.index))
    assert one["p_all_subtypes"].isna().all() and one["n"].tolist() == [2]
    nobody = enrichment(labels.assign(stage=[1, 0, 1, 1, 0, 1]), {1: "x"}, group)
    assert nobody.set_index("disease").loc["NMOSD", "share_of_staged"] == 0  # of none staged


def test_the_tightest_of_25_starts_is_taken_the_first_of_equals(monkeypatch):
    values = np.array([[1.0, -1.0], [2.0, -2.0], [-1.0, 1.0], [np.nan, 4.0]])
    seen = []

    def kmeans2(centred, k, **options):
        seen.append((centred, k, options["minit"]))
        wide = len(seen) not in (3, 7)
        labels = (
            np.array([0, 1, 0, 1]) if wide else np.array([0, 0, 1, 1]) if len(seen) == 3 else np.array([1, 1, 0, 0])
        )
        return np.stack([centred[labels == j].mean(axis=0) for j in range(2)]), labels

    monkeypatch.setattr(scipy.cluster.vq, "kmeans2", kmeans2)
    assert k_means(values, 2, np.random.default_rng(0)).tolist() == [0, 0, 1, 1]
    assert len(seen) == 25 and seen[0][1:] == (2, "++")
    assert seen[0][0].tolist() == [
        [1, -1],
        [2, -2],
        [-1, 1],
        [0, 0],
    ]  # each person's mean taken off, what is missing at it
    assert kendalltau([1, 2], [1, 2]).statistic == 1
