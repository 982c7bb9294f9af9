"""Comparing models and simpler descriptions: order similarity, k-means, draws of labels, progression, the true model."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from neuraxis.cohort.simulated import published_points, true_model
from neuraxis.sustain import Point, SustainModel, Variant, ZScoreEvents, draw_labels, fit, simulate, stream
from neuraxis.sustain.baselines import k_means
from neuraxis.sustain.matching import order_similarity, rand_index


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
    sequences, _, _ = model.draws.flat(10)
    expected = np.mean([events.stage_values(s[0].astype(np.int64)) for s in sequences], axis=0)
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
    point = Point(sequences, weights, np.ones(len(truth["biomarkers"])), 0.0)
    model = SustainModel(events, Variant("learnt", "fixed", 1.0, 0.1, "midpoint"), point)
    clean = pd.DataFrame(np.stack([events.stage_values(s)[20] for s in sequences]), columns=truth["biomarkers"])
    got = model.assign(clean)
    assert got["subtype"].tolist() == [1, 2, 3] and (got["stage"] - 20).abs().max() <= 4  # the stage prior falls
