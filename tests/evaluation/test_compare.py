"""Comparing models and simpler descriptions: order similarity, k-means, draws of labels, progression, the true model."""

import warnings
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact, kendalltau

from neuraxis.cohort.simulated import norm_of, published_points, simulate_cohort, site_shifts, true_model
from neuraxis.errors import NeuraxisWarning
from neuraxis.evaluation.clusters import k_means
from neuraxis.evaluation.compare import agreement, best_possible, enrichment, order_of_known, projection
from neuraxis.labels import NORMAL
from neuraxis.sustain import Parameters, SustainModel, Variant, ZScoreEvents, draw_labels, fit, simulate, stream
from neuraxis.sustain.matching import order_similarity, rand_index
from neuraxis.sustain.naming import name_subtypes


def order(subtype, positions):
    return pd.DataFrame(
        [
            {"subtype": subtype, "biomarker": b, "threshold": 1.0, "mean_position": p}
            for b, p in zip("abcd", positions, strict=True)
        ]
    )


def test_order_similarity_uses_shared_events():
    a = pd.concat([order(1, [1, 2, 3, 4]), order(2, [4, 3, 2, 1])])
    b = order(1, [1, 2, 4, 3])
    got = order_similarity(a, b).set_index(["subtype_a", "subtype_b"])
    assert got.loc[(1, 1), "tau"] == pytest.approx(kendalltau([1, 2, 3, 4], [1, 2, 4, 3]).statistic)
    assert got.loc[(2, 1), "tau"] < 0 and (got["n_events"] == 4).all()
    assert np.isnan(order_similarity(a, b.iloc[:2])["tau"]).all()


def test_k_means_finds_patterns_whatever_the_level():
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1], 50)
    pattern = np.where(group[:, None] == 0, [1, 1, 0, 0], [0, 0, 1, 1]) * 2.0
    values = pattern + rng.normal(0, 0.3, (100, 4)) + rng.normal(0, 5, (100, 1))
    values[3, 1] = np.nan
    labels = k_means(values, 2, stream(1, "k"))
    assert rand_index(labels, group) > 0.95
    assert (labels == k_means(values, 2, stream(1, "k"))).all()


def test_draws_follow_the_posterior():
    rng = np.random.default_rng(1)
    posterior = rng.dirichlet(np.ones(6), 3).reshape(3, 2, 3)
    table = draw_labels(posterior, pd.Index(["x", "y", "z"]), stream(1, "d"), 4000)
    for i, person in enumerate("xyz"):
        mine = table[table["participant_id"] == person]
        assert (mine["subtype"] == 0).mean() == pytest.approx(posterior[i, :, 0].sum(), abs=0.03)
        both = ((mine["subtype"] == 2) & (mine["stage"] == 1)).mean()
        assert both == pytest.approx(posterior[i, 1, 1], abs=0.03)
    assert ((table["stage"] == 0) == (table["subtype"] == 0)).all()


def test_progression_is_the_mean_curve():
    events = ZScoreEvents([[1, 2], [1, 2]], 3.0, biomarkers=["a", "b"])
    people = simulate(events, [events.random_sequence(np.random.default_rng(0))], 150, seed=1)
    model = fit(people.X, events, 1, n_startpoints=2, n_samples=300, n_chains=2, n_draws=50)
    table = model.progression(n_draws=10)
    points = model.draws.each(model.point.bumps, 10)
    assert len(points) == 10
    expected = np.mean([events.stage_values(p.sequences[0]) for p in points], axis=0)[1:]
    assert table["stage"].min() == 1  # nobody of a subtype is at stage 0 where health has a component of its own
    got = table.pivot(index="stage", columns="biomarker", values="z")[["a", "b"]].to_numpy()
    assert np.allclose(got, expected) and (np.diff(got, axis=0) >= -1e-9).all()


@pytest.mark.parametrize("disease", ["MS", "NMOSD"])
def test_the_true_model_is_the_one_the_cohort_is_drawn_from(request, disease):
    resources = request.config.rootpath / "resources"
    truth = true_model(resources, disease)
    events = ZScoreEvents([1.0, 2.0, 3.0], 5.0, biomarkers=truth["biomarkers"])
    number = {(events.biomarkers[b], v): e for e, (b, v) in enumerate(zip(events.biomarker, events.value, strict=True))}
    sequences = np.array([[number[b, float(v)] for b, v in s] for s in truth["sequences"]])
    orders = pd.read_csv(resources / "event_order.tsv", sep="\t", keep_default_na=False)
    for s, name in zip(sequences, truth["subtypes"], strict=True):
        points = published_points(orders, disease, name, truth["biomarkers"])
        assert np.allclose(events.stage_values(s), 0.5 * (points[:-1] + points[1:]))
    weights = truth["weights"] / truth["weights"].sum()
    assert weights[:, 0].sum() == pytest.approx({"MS": 123 / 391, "NMOSD": 107 / 278}[disease], abs=1e-6)
    variant = Variant("dirichlet")
    staged = weights[:, 1:]
    f = staged.sum(axis=1)
    bumps, sigma = variant.bumps(events.n_events), np.eye(len(truth["biomarkers"]))
    point = Parameters(sequences, f / f.sum(), staged / f[:, None], bumps, float(weights[:, 0].sum()), sigma)
    model = SustainModel(events, variant, point)
    clean = pd.DataFrame(np.stack([events.stage_values(s)[20] for s in sequences]), columns=truth["biomarkers"])
    got = model.assign(clean)
    assert got["subtype"].tolist() == [1, 2, 3] and (got["stage"] - 20).abs().max() <= 4  # the stage prior falls
    # of two people of whom one thing is known, where all three subtypes are late: healthy people's own mean shifts the odds
    blank = pd.DataFrame(np.nan, ["p", "q"], truth["biomarkers"])
    blank.iloc[:, 0] = [0.0, 0.5]
    by_hand, _ = best_possible(truth, blank)
    around_0 = model.assign(blank)["p_healthy"]
    m = {"MS": -0.30, "NMOSD": -0.25}[disease] / 2
    odds = around_0 / (1 - around_0) * np.exp(blank.iloc[:, 0] * m - m**2 / 2)
    assert by_hand["p_healthy"].to_numpy() == pytest.approx((odds / (1 + odds)).to_numpy())
    as_fitted = best_possible({**truth, "healthy_mean": np.zeros(19)}, blank)[0]["p_healthy"]
    assert as_fitted.to_numpy() == pytest.approx(around_0.to_numpy())


def log_score(labels: pd.DataFrame, letters: list, true: pd.Series) -> float:
    """Sum of the logs of what was said to be so: healthy, or staged and of a subtype."""
    stated = labels[[f"p_staged_subtype{c + 1}" for c in range(len(letters))]].set_axis(letters, axis=1)
    stated[NORMAL] = labels["p_healthy"]
    return float(np.log([stated.loc[who, s] for who, s in true.items()]).sum())


@pytest.mark.parametrize("disease", ["MS", "NMOSD"])
def test_nothing_fitted_beats_the_best_possible_on_a_simulated_cohort(request, disease):
    resources = request.config.rootpath / "resources"
    drawn, truth = simulate_cohort(resources, seed=3), true_model(resources, disease)
    names = truth["biomarkers"]
    who = drawn.participants[drawn.participants["group"] == disease].set_index("participant_id")
    measures = drawn.measures.query("session_id == 'baseline'").set_index("participant_id").loc[who.index]
    shift = site_shifts(resources, names, 3)[who["site"].str[-2:].astype(int) - 1]
    z = pd.DataFrame(index=who.index, columns=names, dtype=float)
    for i, b in enumerate(names):  # as they were drawn: by the norms they were made with
        mean, sd = norm_of(b, who["age"], who["sex"] == "M", measures["etiv"])
        z[b] = (mean - measures[b]) / sd - shift[:, i]
    known = drawn.truth.query("session_id == 'baseline'").set_index("participant_id").loc[who.index, "subtype"]
    best = log_score(best_possible(truth, z, truth["covariance"])[0], truth["subtypes"], known)
    around_0 = {**truth, "healthy_mean": np.zeros(19)}
    assert best > log_score(best_possible(around_0, z, truth["covariance"])[0], truth["subtypes"], known) + 5
    events = ZScoreEvents([1.0, 2.0, 3.0], 5.0, biomarkers=names)
    model = fit(z, events, 3, covariance=truth["covariance"], n_startpoints=2, n_samples=0)
    found = model.assign(z)
    # whichever name of each subtype suits the fitted model best
    fitted = max(log_score(found, list(letters), known) for letters in permutations(truth["subtypes"]))
    assert best >= fitted


def test_enrichment_against_a_two_by_two_table():
    labels = pd.DataFrame({"subtype": [1] * 10 + [2] * 10, "stage": [3] * 18 + [0, 0]})
    group = pd.Series(["MS"] * 8 + ["NMOSD"] * 2 + ["MS"] * 3 + ["NMOSD"] * 7)
    got = enrichment(labels, {1: "one", 2: "two"}, group).set_index(["subtype", "disease"])
    # two people of subtype 2 are not staged
    assert got.loc[(1, "MS"), "n"] == 8 and got.loc[(2, "NMOSD"), "n"] == 5
    assert got.loc[(1, "MS"), "odds_ratio"] == pytest.approx(8 * 5 / (2 * 3))
    assert got.loc[(1, "MS"), "p"] == pytest.approx(fisher_exact([[8, 2], [3, 5]]).pvalue)


def test_agreement_counts_only_who_is_staged():
    labels = pd.DataFrame({"subtype": [1, 1, 2, 2], "stage": [2, 3, 0, 4], "expected_stage": [2.0, 3, 0, 4]})
    truth = pd.DataFrame({"subtype": ["C", "C", "normal-appearing", "SC"], "stage": [1, 2, 0, 5]})
    got = agreement(labels, truth)
    assert got["subtype ARI, truly staged people"] == (3, 1.0)
    assert got["stage Spearman correlation"] == (4, 1.0) and got["share normal-appearing"] == (4, 0.25)


def test_people_on_another_diseases_model():
    events = ZScoreEvents([[1, 2], [1, 2]], 3.0, biomarkers=["a", "b"])
    people = simulate(events, [events.random_sequence(np.random.default_rng(0))], 80, seed=1).X
    z = pd.DataFrame(people, columns=["a", "b"], index=[f"p{i}" for i in range(80)])
    z["group"] = ["MS"] * 40 + ["NMOSD"] * 40
    models = {
        d: fit(z.loc[z["group"] == d, ["a", "b"]], events, 1, n_startpoints=1, n_samples=0) for d in ("MS", "NMOSD")
    }
    names = {"MS": {1: "x"}, "NMOSD": {1: "y"}}
    own = {d: models[d].assign(z.loc[z["group"] == d, ["a", "b"]]) for d in models}
    table, counts = projection(models, names, z, own)
    assert len(table) == 80 and set(table["model_of"]) == {"MS", "NMOSD"}
    assert counts.groupby("group")["n"].sum().to_dict() == {"MS": 40, "NMOSD": 40}
    assert (counts["stage_spearman"] > 0.8).all()


def test_names_follow_what_begins_early_compared_with_the_other_subtypes():
    def order(*rows):
        return pd.DataFrame(rows, columns=["subtype", "biomarker", "threshold", "mean_position"])

    systems = pd.Series({"frontal": "cortical", "cord": "spinal cord", "thalamus": "subcortical", "wm": np.nan})
    table = order(
        *((1, "frontal", 1, 3), (1, "cord", 1, 2), (1, "thalamus", 1, 9), (1, "wm", 1, 1)),
        *((2, "frontal", 1, 8), (2, "cord", 1, 3), (2, "thalamus", 1, 6), (2, "wm", 1, 9)),
        # the second threshold says nothing about where a subtype begins
        *((1, "cord", 2, 90), (2, "thalamus", 2, 1)),
    )
    # cord comes first in subtype 1, but early in both; the frontal lobe is what sets it apart
    assert name_subtypes(table, systems) == {1: "cortical", 2: "subcortical"}
    assert name_subtypes(table[table["subtype"] == 1], systems) == {1: "spinal cord"}
    same = pd.concat([table[table["subtype"] == 1].assign(subtype=c) for c in (1, 2)])
    assert name_subtypes(same, systems) == {1: "cortical 1", 2: "cortical 2"}
    assert name_subtypes(table, pd.Series({"other": "cortical"})) == {1: "wm", 2: "thalamus"}


def test_orders_of_known_subtypes_are_those_people_were_drawn_from():
    events = ZScoreEvents([1.0, 2.0], 4.0, biomarkers=list("abcd"))
    sequences = [[0, 4, 1, 5, 2, 6, 3, 7], [3, 2, 7, 6, 1, 0, 5, 4]]
    people = simulate(events, sequences, 400, seed=4)
    z = pd.DataFrame(people.X, columns=list("abcd"))
    model = fit(z, events, 1, n_startpoints=1, n_samples=100, n_chains=1)
    names = pd.Series(np.where(people.subtype == 0, "x", "y"))
    names[:10] = None
    with warnings.catch_warnings():
        warnings.simplefilter("error", NeuraxisWarning)  # as of a fit that is not told what the noise is
        got = order_of_known(z, names, model, seed=1, n_samples=500)
    for c, name in enumerate("xy"):
        place = got.loc[got["subtype"] == name, "mean_position"]
        own, other = (kendalltau(place, np.argsort(sequences[s])).statistic for s in (c, 1 - c))
        assert own > 0.8 > other
