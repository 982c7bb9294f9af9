"""What a study does with the engine, against hand-made tables: who saw whom, joins by id, intervals, numbering.

Models are put together by hand, each fold's different from the others', so that a label from the wrong one shows.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuraxis.errors import InputError
from neuraxis.sustain import (
    Draws,
    FitSettings,
    Parameters,
    SustainModel,
    Variant,
    ZScoreEvents,
    draw_labels,
    fit,
    fit_part,
    held_out,
    out_of_fold_posterior,
    select,
    selection_table,
    simulate,
    stability,
    stream,
    summarise,
    verdict,
)
from neuraxis.sustain.baselines import gaussian_log_density
from neuraxis.sustain.checkpoint import partial
from neuraxis.sustain.crossval import described, fold_of, variants_table
from neuraxis.sustain.study import (
    N_DRAWS,
    chain_draws,
    controls_table,
    fit_numbers,
    fit_together,
    folds_table,
    given_covariance,
    named_variant,
    names_table,
    sizes_table,
    study_settings,
    subtype_tables,
)

EVENTS = ZScoreEvents([[1, 2], [1, 2], [1]], 4.0, biomarkers=["a", "b", "c"])
#: events: a1 b1 c1 a2 b2 -> ids 0, 1, 2, 3, 4 in the order of thresholds
FIRST, SECOND = [0, 3, 2, 1, 4], [1, 4, 2, 0, 3]
SYSTEMS = pd.Series({"a": "cortical", "b": "spinal cord", "c": "subcortical"})


def model(sequences, fractions, healthy, *, with_healthy=True, jitter=0):
    """A model with eight draws that swap two neighbouring events now and then."""
    variant = Variant("uniform", healthy=with_healthy)
    bumps = variant.bumps(EVENTS.n_events)
    sequences = np.array(sequences)
    shares = np.ones((len(sequences), 1))
    sigma = np.eye(3)
    drawn = np.tile(sequences.astype(np.int16), (2, 4, 1, 1))
    drawn[1, jitter % 4, 0, [1, 2]] = drawn[1, jitter % 4, 0, [2, 1]]
    shape = (2, len(sequences), EVENTS.n_events)
    draws = Draws(
        drawn,
        np.tile(np.asarray(fractions, float), (2, 4, 1)),
        np.tile(shares, (2, 4, 1, 1)),
        np.full((2, 4), healthy),
        sigma[None, None],
        np.arange(8.0).reshape(2, 4) ** 1.1,
        np.full(shape, 0.5),
        np.ones(shape),
    )
    point = Parameters(sequences, np.asarray(fractions, float), shares, bumps, healthy, sigma, -10.0)
    return SustainModel(EVENTS, variant, point, draws, pd.DataFrame({"origin": ["x"]}))


@pytest.fixture(scope="module")
def study():
    """Twelve patients in three uneven folds, twenty controls, shuffled; every fold's model is its own."""
    rng = np.random.default_rng(3)
    sick = simulate(EVENTS, [FIRST, SECOND], 12, seed=5).X + 0.5
    sick[[1, 6]] = [[0.1, -0.4, 0.2], [-0.3, 0.2, -0.6]]
    z = pd.DataFrame(np.vstack([sick, rng.normal(size=(20, 3))]), columns=list("abc"))
    z.index = pd.Index([*(f"p{i:02d}" for i in range(12)), *(f"c{i:02d}" for i in range(20))], name="participant_id")
    z.insert(0, "group", ["MS"] * 12 + ["HC"] * 20)
    z["origin"] = "SIMULATED"
    fold = pd.Series([2, 0, 1, 1, 0, 1, 1, 2, 1, 0, 1, 2], z.index[:12], name="fold")
    whole = model([FIRST, SECOND], [0.7, 0.3], 0.2)
    folds = {
        # the subtypes of fold 0 come the other way round, as those of a fit of its own may
        0: model([SECOND, FIRST], [0.4, 0.6], 0.05, jitter=1),
        1: model([FIRST, [1, 4, 0, 2, 3]], [0.9, 0.1], 0.3, jitter=2),
        2: model([[0, 2, 3, 1, 4], SECOND], [0.5, 0.5], 0.6, jitter=3),
    }
    return whole, folds, z, fold


def own_posterior(study, person, row):
    """What the only model that may say something of a person says, subtypes in the order of everyone's model."""
    whole, folds, _, fold = study
    return [p[0] for p in folds[fold[person]].matched_to(whole).posterior(row[None])[:2]]


# ------------------------------------------------------------------ who saw whom


def test_a_fold_is_fitted_to_everybody_else_and_nobody_of_it():
    z = pd.DataFrame(simulate(EVENTS, [FIRST], 14, seed=2).X, columns=list("abc"))
    folds = np.array([0, 1, 1, 0, 2, 1, 1, 2, 0, 1, 1, 1, 2, 1])
    settings = FitSettings(n_startpoints=1, n_samples=0)
    for data in (z, z.to_numpy()):
        for f in range(3):
            got = fit_part(data, EVENTS, 1, settings, covariance="independent", folds=folds, fold=f, key=("x",))
            key = ("x", "repeat", 0, "fold", f)
            want = fit(z[folds != f], EVENTS, 1, settings, covariance="independent", key=key)
            assert got.settings["n_people"] == (folds != f).sum() and got.settings["key"] == [str(k) for k in key]
            assert got.ml_log_likelihood == want.ml_log_likelihood
    everyone = fit_part(z, EVENTS, 1, settings, covariance="independent", key=("x",))
    assert everyone.settings["n_people"] == 14 and everyone.settings["key"] == ["x", "everyone"]


@pytest.mark.parametrize("part", ["full", "fold1"])
def test_numbers_of_a_part_are_fitted_each_from_the_one_before_as_written(study, tmp_path, part):
    _, _, z, fold = study
    settings = FitSettings(n_startpoints=2, n_samples=0)
    paths = {k: tmp_path / f"k{k}.npz" for k in (1, 2)}
    found = fit_numbers(z.iloc[::-1], EVENTS, settings, paths, disease="MS", part=part, folds=fold, seed=4)
    given = {"covariance": "independent", "seed": 4}
    people, key = z.loc[fold.index], ("MS", "repeat", 0, "fold", 1)
    if part == "full":
        people, key = z[z["group"] == "MS"].iloc[::-1], ("MS", "everyone")
    else:
        people = people[fold != 1]
    one = fit(people, EVENTS, 1, settings, key=key, **given)
    two = fit(people, EVENTS, 2, settings, key=key, previous=one, **given)
    for k, want in ((1, one), (2, two)):
        assert found[k].ml_log_likelihood == want.ml_log_likelihood and found[k].settings["key"] == [
            str(x) for x in key
        ]
        assert SustainModel.load(paths[k]).settings["n_people"] == len(people) == found[k].settings["n_people"]
        # kept under its hash, so that more subtypes are fitted without it being done again
        assert [f.name for f in partial(paths[k]).glob("*/*")] == ["finished.npz"]
    paths[3] = tmp_path / "k3.npz"
    paths[1].unlink()
    again = fit_numbers(z.iloc[::-1], EVENTS, settings, paths, disease="MS", part=part, folds=fold, seed=4)
    assert list(again) == [1, 2, 3] and again[1].ml_log_likelihood == one.ml_log_likelihood


def test_variants_of_the_control_are_those_of_the_configuration():
    assert named_variant("uniform-independent", healthy=False) == {
        "stage_prior": "uniform", "noise": "fixed", "healthy": False
    }  # fmt: skip
    assert named_variant("smooth-adapted", healthy=True)["covariance"] == "covariance"
    assert named_variant("dirichlet-learnt", healthy=True) == {
        "stage_prior": "dirichlet", "noise": "learnt", "healthy": True
    }  # fmt: skip


def test_held_out_densities_come_from_the_model_of_the_own_fold_and_baselines_from_the_others(study):
    _, folds, z, fold = study
    X, f = z.loc[fold.index, list("abc")].to_numpy(), fold.to_numpy()
    one = {f: model([FIRST if f else SECOND], [1.0], 0.1 + f / 10) for f in folds}
    models = {(0, f, 2): m for f, m in folds.items()} | {(0, f, 1): m for f, m in one.items()}
    got = held_out(X, f[None], models)
    for i in range(12):
        train = X[f != f[i]]
        assert got.density[2][i] == pytest.approx(folds[f[i]].log_predictive_density(X[[i]])[0])
        assert got.density[1][i] == pytest.approx(one[f[i]].log_predictive_density(X[[i]])[0])
        assert got.gaussian[i] == pytest.approx(gaussian_log_density(train, X[[i]])[0])
        null = fit(train, EVENTS, 0, covariance="independent")
        assert got.density[0][i] == pytest.approx(null.log_predictive_density(X[[i]])[0])
    sums = got.by_fold.set_index(["n_subtypes", "fold"])
    assert sums.loc[(2, 1), "heldout_loglik"] == pytest.approx(got.density[2][f == 1].sum())
    assert sums.loc[(-1, 0), "heldout_loglik"] == pytest.approx(got.gaussian[f == 0].sum())
    assert sums.loc[2, "n_people"].to_dict() == {0: 3, 1: 6, 2: 3} and set(got.subtypes) == {0, 1, 2}
    # two divisions into folds are averaged, person by person
    other = np.roll(f, 1)
    twice = held_out(X, np.stack([f, other]), models | {(1, f, k): m for (_, f, k), m in models.items()})
    alone = held_out(X, other[None], models)
    assert np.allclose(twice.density[2], (got.density[2] + alone.density[2]) / 2)
    seen = dict(models)
    seen[0, 1, 2] = fit(X, EVENTS, 2, covariance="independent", n_startpoints=1, n_samples=0)
    with pytest.raises(InputError, match="fitted to 12 people, but 6 are outside its fold"):
        held_out(X, f[None], seen)
    del seen[0, 1, 2]
    with pytest.raises(InputError, match="fold 1 of repeat 0 has no model with 2 subtypes"):
        held_out(X, f[None], seen)


def test_a_gaussian_is_the_multivariate_normal_of_the_training_rows():
    rng = np.random.default_rng(0)
    train, test = rng.multivariate_normal([1, -1], [[2, 0.8], [0.8, 1]], 30), rng.normal(size=(4, 2))
    covariance = np.cov(train.T) * [[1, 0.98], [0.98, 1]]  # shrunk towards its diagonal by 2 %
    want = stats.multivariate_normal(train.mean(axis=0), covariance).logpdf(test)
    assert gaussian_log_density(train, test) == pytest.approx(want)
    test[0, 1], test[1] = np.nan, np.nan
    got = gaussian_log_density(train, test)
    assert got[0] == pytest.approx(stats.norm(train[:, 0].mean(), np.sqrt(covariance[0, 0])).logpdf(test[0, 0]))
    assert got[1] == 0 and got[2:] == pytest.approx(want[2:])


def test_selection_joins_folds_to_people_by_id(study):
    _, folds, z, fold = study
    models = {(f, 2): m for f, m in folds.items()}
    # 40 more nats per person in one fold alone, so that the sums tell folds apart
    got = select(z, fold.sample(frac=1, random_state=1), models)
    held = got.heldout.set_index("participant_id")
    assert sorted(held.index) == sorted(fold.index) and held.loc[fold.index, "fold"].tolist() == fold.tolist()
    for person in fold.index:
        row = z.loc[[person], list("abc")].to_numpy()
        assert held.loc[person, "k2"] == pytest.approx(folds[fold[person]].log_predictive_density(row)[0])
    sums = got.heldout_folds.set_index("fold")
    assert sums["n_people"].to_dict() == {0: 3, 1: 6, 2: 3}
    for column in ("gaussian", "k0", "k2"):
        for f in range(3):
            mine = held.loc[fold.index[fold == f], column]
            assert sums.loc[f, column] == pytest.approx(mine.sum())
    table = got.selection.set_index("n_subtypes")
    assert table.loc[2, "heldout_loglik"] == pytest.approx(held["k2"].sum())
    assert table.loc[-1, "heldout_loglik"] == pytest.approx(held["gaussian"].sum())
    assert got.chosen == int(table.index[table["chosen"]][0])
    assert select(z, fold, models, fixed=2).chosen == 2


def test_out_of_fold_labels_come_from_the_only_model_that_did_not_see_the_person(study):
    whole, folds, z, fold = study
    X = z.loc[fold.index, list("abc")].to_numpy()
    models = {(0, f): m for f, m in folds.items()}
    posterior, healthy = out_of_fold_posterior(whole, X, fold.to_numpy()[None], models)
    for i, person in enumerate(fold.index):
        p, h = own_posterior(study, person, X[i])
        assert posterior[i] == pytest.approx(p) and healthy[i] == pytest.approx(h)
    assert np.allclose(posterior.sum(axis=(1, 2)) + healthy, 1)
    # averaged over repeats
    other = np.roll(fold.to_numpy(), 5)
    again = {(1, f): m for f, m in folds.items()}
    both, _ = out_of_fold_posterior(whole, X, np.stack([fold, other]), models | again)
    alone, _ = out_of_fold_posterior(whole, X, np.stack([other, other]), {(0, f): m for f, m in folds.items()})
    assert both == pytest.approx((posterior + alone) / 2)
    with pytest.raises(InputError, match="3 people belong to no fold"):
        out_of_fold_posterior(whole, X, fold.to_numpy()[None], {(0, f): folds[f] for f in (0, 1)})


def test_stability_is_the_share_of_fold_models_with_the_same_label(study):
    whole, folds, z, fold = study
    X = z.loc[fold.index, list("abc")].to_numpy()
    table, people = stability(whole, X, fold.index, {(0, f): m for f, m in folds.items()})
    label = whole.posterior(X)[0].sum(axis=2).argmax(axis=1)
    same = [m.matched_to(whole).posterior(X)[0].sum(axis=2).argmax(axis=1) == label for m in folds.values()]
    assert people["label_stability"].tolist() == pytest.approx(np.mean(same, axis=0).tolist())
    assert 0 < people["label_stability"].min() < 1 or people["label_stability"].nunique() > 1
    own = folds[1].matched_to(whole).draws.places.mean(axis=(0, 1))
    tau = table.set_index(["fold", "subtype"])["tau"]
    for c in (1, 2):
        want = stats.kendalltau(own[c - 1], whole.draws.places.mean(axis=(0, 1))[c - 1]).statistic
        assert tau[1, c] == pytest.approx(want)
    assert len(tau) == 6 and 0 < table["tau_chance"].iloc[0] < 0.6


# ------------------------------------------------------------------ the tables of a study


@pytest.fixture(scope="module")
def tables(study):
    whole, folds, z, fold = study
    later = pd.DataFrame(
        {
            "participant_id": ["p04", "p11", "p01", "p11", "c03", "p02"],
            "session_id": ["s2", "s2", "s2", "s3", "s2", "s2"],
            "years": [1.0, 1.5, 2.0, 3.0, 1.0, 1.0],
            "a": [3.0, 0.1, 2.5, 2.2, 0.0, np.nan],
            "b": [0.2, 2.9, 1.0, 3.5, 0.0, np.nan],
            "c": [1.0, 0.5, 2.0, 3.0, 0.0, np.nan],
        }
    )
    shuffled = z.sample(frac=1, random_state=2)
    return later, subtype_tables(whole, folds, shuffled, fold, later, SYSTEMS, disease="MS", control="HC", seed=4)


def test_everybody_has_the_label_of_everyones_model_and_the_one_out_of_fold(study, tables):
    whole, _, z, fold = study
    table = tables[1].subtypes.set_index("participant_id")
    assert table.index.tolist() == fold.index.tolist()
    everyone = whole.assign(z.loc[fold.index])
    for person in fold.index:
        row = z.loc[person, list("abc")].to_numpy(float)
        p, h = own_posterior(study, person, row)
        assert table.loc[person, "oof_p_healthy"] == pytest.approx(h)
        assert table.loc[person, "oof_p_staged_subtype2"] == pytest.approx(p[1].sum())
        assert table.loc[person, "p_staged_subtype1"] == pytest.approx(everyone.loc[person, "p_staged_subtype1"])
        assert table.loc[person, "oof_expected_stage"] == pytest.approx(p.sum(axis=0) @ np.arange(6))
    assert not np.allclose(table["oof_p_healthy"], table["p_healthy"])
    controls = whole.assign(z[z["group"] == "HC"])
    limit = np.percentile(controls["expected_stage"], 95)
    assert (table["above_controls"] == (table["expected_stage"] > limit)).all()
    assert table["above_controls"].nunique() == 2
    said = tables[1].controls.set_index("quantity")["value"]
    assert said["controls staged, out of sample"] == 20
    assert said["share of controls at stage 1 or above"] == pytest.approx((controls["stage"] > 0).mean())
    assert said["95th percentile of the controls' expected stage"] == pytest.approx(limit)
    assert said["share of MS at stage 1 or above"] == pytest.approx((table["stage"] > 0).mean())
    assert said["share of MS above the controls' 95th percentile"] == pytest.approx(table["above_controls"].mean())


def test_later_scans_are_staged_by_the_fold_of_their_person(study, tables):
    later, made = tables
    got = made.followup
    # a control's scan and one without any value are left aside
    assert list(zip(got["participant_id"], got["session_id"], strict=True)) == [
        ("p04", "s2"), ("p11", "s2"), ("p01", "s2"), ("p11", "s3"),
    ]  # fmt: skip
    assert got["years"].tolist() == [1.0, 1.5, 2.0, 3.0]
    for row, scan in zip(got.itertuples(), later.iloc[[0, 1, 2, 3]].itertuples(), strict=True):
        p, h = own_posterior(study, scan.participant_id, np.array([scan.a, scan.b, scan.c]))
        assert row.p_healthy == pytest.approx(h) and row.p_staged_subtype1 == pytest.approx(p[0].sum())
    empty = subtype_tables(*study, later.iloc[:0], SYSTEMS, disease="MS", control="HC", seed=4)
    assert empty.followup.empty and list(empty.followup) == list(got)


def test_draws_are_of_the_people_they_name(study, tables):
    draws = tables[1].draws
    fold = study[3]
    assert draws["participant_id"].tolist() == fold.index.tolist() * N_DRAWS
    assert draws["draw"].tolist() == np.repeat(np.arange(1, N_DRAWS + 1), 12).tolist()
    share = (draws["stage"] > 0).groupby(draws["participant_id"]).mean()
    want = 1 - tables[1].subtypes.set_index("participant_id")["oof_p_healthy"]
    assert (share - want).abs().max() < 0.25 and np.corrcoef(share, want[share.index])[0, 1] > 0.9
    posterior = np.zeros((3, 2, 4))
    posterior[0, 1, 2] = posterior[1, 0, 3] = posterior[2, 0, 0] = 1
    got = draw_labels(posterior, pd.Index(["z", "a", "m"]), stream(1, "d"), 3)
    assert got.groupby("participant_id").first()[["subtype", "stage"]].T.to_dict("list") == {
        "z": [2, 2], "a": [1, 3], "m": [0, 0],
    }  # fmt: skip
    healthy = draw_labels(posterior * 0.5, pd.Index(["z", "a", "m"]), stream(1, "d"), 400, healthy=np.full(3, 0.5))
    assert (healthy["stage"] == 0).groupby(healthy["participant_id"]).mean()[["a", "z"]].between(0.4, 0.6).all()


def test_places_count_from_one_everywhere(study, tables):
    whole, folds, _, _ = study
    order = tables[1].order.set_index(["subtype", "biomarker", "threshold"])
    # seven draws have a1 a2 c1 b1 b2, one has a1 c1 a2 b1 b2
    assert order.loc[(1, "a", 1), "mean_position"] == 1 and order.loc[(1, "b", 2), "mean_position"] == 5
    assert order.loc[(1, "a", 2), "mean_position"] == pytest.approx((7 * 2 + 3) / 8)
    assert order.loc[(1, "a", 2), "sd_position"] == pytest.approx(np.sqrt(7 / 64))
    assert order.loc[(2, "b", 1), "mean_position"] == 1
    variance = tables[1].variance
    places = [f"place{i}" for i in range(1, 6)]
    assert variance.columns.tolist() == ["models", "subtype", "biomarker", "family", "threshold", *places]
    assert np.allclose(variance[places].sum(axis=1), 1)
    mine = variance[variance["models"] == "everyone"].set_index(["subtype", "biomarker", "threshold"])
    mean = mine[places].to_numpy() @ np.arange(1, 6)
    assert np.allclose(mean, order.loc[mine.index, "mean_position"])
    of_folds = variance[variance["models"] == "folds"].set_index(["subtype", "biomarker", "threshold"])
    want = np.mean([(m.matched_to(whole).draws.places[:, :, 0, 0] == 0).mean() for m in folds.values()])
    assert of_folds.loc[(1, "a", 1), "place1"] == pytest.approx(want)


def test_progression_has_the_curve_of_every_subtype_at_its_stages(study, tables):
    whole = study[0]
    got = tables[1].progression
    assert sorted(got["subtype"].unique()) == [1, 2] and sorted(got["stage"].unique()) == [1, 2, 3, 4, 5]
    points = whole.draws.each(whole.point.bumps, 100)
    for c in (1, 2):
        wide = got[got["subtype"] == c].pivot(index="stage", columns="biomarker", values="z")[list("abc")]
        want = np.mean([EVENTS.stage_values(p.sequences[c - 1])[1:] for p in points], axis=0)
        assert np.allclose(wide, want)
    early = got[got["stage"] == 1].set_index(["subtype", "biomarker"])["z"]
    assert early[1, "a"] > early[1, "b"] and early[2, "b"] > early[2, "a"]


def test_names_fractions_and_counts_belong_to_their_subtype(study, tables):
    names = tables[1].names.set_index("subtype")
    assert names["name"].to_dict() == {1: "cortical", 2: "spinal cord"}
    assert names["fraction"].to_dict() == pytest.approx({1: 0.7, 2: 0.3})
    people = pd.DataFrame(
        {"oof_subtype": [1, 2, 2, 2, 1, 2], "oof_normal_appearing": [False, False, True, False, True, False]}
    )
    got = names_table(study[0], {1: "x", 2: "y"}, people).set_index("name")
    assert got["n_staged_oof"].to_dict() == {"x": 1, "y": 3} and got["system"].to_dict() == {"x": "x", "y": "y"}
    twins = names_table(study[0], {1: "x", 2: "x"}, people).set_index("name")
    assert twins["system"].to_dict() == {"x 1": "x", "x 2": "x"}
    assert twins["n_staged_oof"].to_dict() == {"x 1": 1, "x 2": 3}
    assert tables[1].stability["fold"].tolist() == [0, 0, 1, 1, 2, 2]


def test_a_person_is_summed_up_by_hand():
    """Two subtypes, three stages: one person staged, one healthy, one torn."""
    posterior = np.zeros((3, 2, 4))
    posterior[0, 0, 1:], posterior[0, 1, 1:] = [0.1, 0.4, 0.1], [0.1, 0.05, 0.05]
    posterior[1, 1, 1:] = [0.1, 0.02, 0.08]
    posterior[2, 0, 1:], posterior[2, 1, 1:] = [0.1, 0.0, 0.15], [0.05, 0.0, 0.25]
    got = summarise(posterior, pd.Index(list("xyz")), healthy=np.array([0.2, 0.8, 0.45]), cutoff=0.6)
    assert got["subtype"].tolist() == [1, 2, 2] and got["stage"].tolist() == [2, 0, 3]
    assert got["p_subtype1"].tolist() == pytest.approx([0.75, 0, 0.25 / 0.55])
    assert got["p_staged_subtype2"].tolist() == pytest.approx([0.2, 0.2, 0.3])
    assert got["normal_appearing"].tolist() == [False, True, False]
    assert got["confident"].tolist() == [True, True, False]
    assert got["expected_stage"].tolist() == pytest.approx([0.2 + 0.9 + 0.45, 0.1 + 0.04 + 0.24, 0.15 + 1.2])
    assert got["p_stage0"].tolist() == got["p_healthy"].tolist() == [0.2, 0.8, 0.45]
    # cumulative over healthy and the stages of the own subtype: 0.2, 0.3, 0.7, 0.8 of 0.8
    assert got.loc["x", ["stage_low", "stage_high"]].tolist() == [0, 3]
    wide = np.zeros((1, 1, 6))
    wide[0, 0] = [0, 0.02, 0.02, 0.92, 0.02, 0.02]
    one = summarise(wide, pd.Index(["w"]), healthy=np.zeros(1))
    assert one.loc["w", ["stage_low", "stage", "stage_high"]].tolist() == [2, 3, 4]
    half = summarise(np.array([[[0.0, 0.5]]]), pd.Index(["h"]), healthy=np.array([0.5]))
    assert half["normal_appearing"].iloc[0] and half["stage"].iloc[0] == 0
    # as published: stage 0 of every subtype stands for health
    old = summarise(np.array([[[0.3, 0.1], [0.25, 0.35]]]), pd.Index(["o"]))
    assert old[["subtype", "stage", "p_healthy", "p_subtype2"]].iloc[0].tolist() == pytest.approx([2, 1, 0.55, 0.6])
    none = summarise(np.zeros((2, 0, 4)), pd.Index(["n", "m"]))
    assert (none["p_healthy"] == 1).all() and none["normal_appearing"].all() and (none["stage"] == 0).all()


# ------------------------------------------------------------------ choosing


def test_every_number_of_the_selection_by_hand():
    lpd = {
        0: np.array([-9.0, -8.0, -7.5, -9.5]),
        1: np.array([-6.0, -7.0, -5.0, -6.5]),
        2: np.array([-4.0, -5.0, -6.0, -3.0]),
        3: np.array([-3.9, -5.2, -5.9, -3.0]),
    }
    gaussian = np.array([-3.0, -5.0, -5.5, -2.0])
    table = selection_table(lpd, gaussian).set_index("n_subtypes")
    for k in range(4):
        v = lpd[k]
        assert table.loc[k, "heldout_loglik"] == pytest.approx(v.sum())
        assert table.loc[k, "cvic"] == pytest.approx(-2 * v.sum())
        assert table.loc[k, "cvic_se"] == pytest.approx(2 * np.sqrt(4 * v.var(ddof=1)))
        gap = -2 * (v - lpd[2])
        assert table.loc[k, "gap_cvic"] == pytest.approx(gap.sum())
        assert table.loc[k, "gap_se"] == pytest.approx(np.sqrt(4 * gap.var(ddof=1)))
        if k:
            step = -2 * (v - lpd[k - 1])
            assert table.loc[k, "delta_cvic"] == pytest.approx(step.sum())
            assert table.loc[k, "delta_se"] == pytest.approx(np.sqrt(4 * step.var(ddof=1)))
    assert np.isnan(table.loc[0, "delta_cvic"]) and np.isnan(table.loc[-1, "delta_se"])
    gap = -2 * (gaussian - lpd[2])
    row = table.loc[-1]
    assert row["cvic"] == pytest.approx(31) and row["cvic_se"] == pytest.approx(2 * np.sqrt(4 * gaussian.var(ddof=1)))
    assert row["gap_cvic"] == pytest.approx(gap.sum()) and row["gap_se"] == pytest.approx(np.sqrt(4 * gap.var(ddof=1)))
    assert not row["chosen"] and row["model"] == "one multivariate normal"
    assert table["model"].tolist()[:3] == ["everyone healthy", "1 subtype", "2 subtypes"]
    # k = 2 has CVIC 36, k = 1 49 (13 more, SE 8.5), k = 3 is no better
    assert table.index[table["chosen"]].tolist() == [2]
    reason = table.loc[2, "reason"]
    assert "lowest CVIC and no smaller k" in reason and "one multivariate normal predicts better by 2.5 nats" in reason
    assert (table.loc[[0, 1, 3, -1], "reason"] == "").all() and "everyone healthy (k = 0) predicts" not in reason


@pytest.mark.parametrize(
    ("gap", "se", "chosen", "words"),
    [
        (5.9, 0.0, 1, "smallest whose CVIC is within"),  # below six
        (6.1, 0.0, 2, "lowest CVIC and no smaller k"),
        (9.0, 10.0, 1, "9.0 more, SE 10.0"),  # within one SE
        (9.0, 8.0, 2, "lowest CVIC"),
        (-1.0, 0.0, 1, "lowest CVIC"),
    ],
)
def test_the_rule_takes_the_smallest_k_within_six_or_one_error(gap, se, chosen, words):
    n = 50
    side = np.where(np.arange(n) % 2, 1.0, -1.0)
    side *= se / np.sqrt(n * side.var(ddof=1))
    base = np.full(n, -4.0) + np.linspace(-1, 1, n)
    lpd = {0: base - 20, 1: base - (gap / n + side) / 2, 2: base}
    table = selection_table(lpd)
    assert table.loc[table["chosen"], "n_subtypes"].tolist() == [chosen]
    reason = table.loc[table["chosen"], "reason"].iloc[0]
    assert words in reason and "multivariate normal" not in reason
    assert ("largest tried" in reason) == (gap > 0)


def test_the_reason_says_what_predicts_better_and_what_was_fixed():
    base = np.linspace(-5, -4, 20)
    lpd = {0: base + 1, 1: base, 2: base - 3}
    assert selection_table(lpd).set_index("n_subtypes").loc[0, "reason"] == "k = 0 has the lowest CVIC"
    fixed = selection_table(lpd, base - 10, fixed=2).set_index("n_subtypes")
    assert fixed.index[fixed["chosen"]].tolist() == [2]
    assert fixed.loc[2, "reason"].startswith("k = 2 was fixed in the configuration; the rule would choose 0")
    assert "everyone healthy (k = 0) predicts better by 80.0 nats" in fixed.loc[2, "reason"]
    assert "multivariate normal" not in fixed.loc[2, "reason"]
    with pytest.raises(InputError, match="7 subtypes were asked for, but 0, 1, 2 were tried"):
        selection_table(lpd, fixed=7)


@pytest.mark.parametrize(
    ("r_hat", "ess", "good", "words"),
    [
        (1.005, 900, True, "The chains converged"),
        (1.02, 900, False, "did not converge: largest split R-hat 1.020"),
        (1.005, 200, False, "smallest effective sample size 200"),
        (1.01, 400, True, "converged"),
        (np.nan, np.nan, False, "cannot be judged"),
    ],
)
def test_convergence_needs_both_and_the_worst_counts(r_hat, ess, good, words):
    table = pd.DataFrame({"r_hat": [1.0, r_hat, np.nan], "ess": [5000, ess, np.nan], "sd": [1.0, 2.0, 0.0]})
    if np.isnan(r_hat):
        table["r_hat"] = np.nan
    converged, sentence = verdict(table)
    assert converged is good and words in sentence
    assert ("1 quantity never changed" in sentence) == np.isfinite(r_hat)
    twice = verdict(pd.concat([table, table.assign(sd=0.0)]))[1]
    assert ("4 quantities never changed" in twice) == np.isfinite(r_hat)


def test_settings_of_a_study():
    matrix = pd.DataFrame([[1, 0.2, 0.1], [0.2, 2, 0.3], [0.1, 0.3, 3]], list("cba"), list("cba"))
    got = study_settings(EVENTS, noise="controls", stage_prior="smooth", covariance=matrix, n_samples=3000)
    assert np.array_equal(got.variant.covariance, [[3, 0.3, 0.1], [0.3, 2, 0.2], [0.1, 0.2, 1]])
    assert got.variant.noise == "fixed" and got.variant.healthy and got.n_draws == 300 == chain_draws(3000)
    assert given_covariance(got) is got.variant.covariance
    plain = study_settings(EVENTS, noise="independent", stage_prior="uniform", healthy=False, covariance=matrix)
    assert plain.variant.covariance is None and given_covariance(plain) == "independent" and not plain.variant.healthy
    assert study_settings(EVENTS, noise="adapted", stage_prior="smooth", covariance=matrix).variant.noise == "adapted"
    assert study_settings(EVENTS, noise="learnt", stage_prior="smooth").variant.noise == "learnt"
    assert chain_draws(100_000) == 500 and chain_draws(5) == 1
    with pytest.raises(InputError, match="needs the controls' covariance of a, b, c"):
        study_settings(EVENTS, noise="controls", stage_prior="smooth")
    with pytest.raises(InputError, match="covariance of a, which"):
        study_settings(EVENTS, noise="controls", stage_prior="smooth", covariance=matrix.loc[["b", "c"], ["b", "c"]])
    with pytest.raises(InputError, match="sustain.noise must be one of"):
        study_settings(EVENTS, noise="white", stage_prior="smooth")


def test_a_patient_at_the_limit_of_the_controls_is_not_above_it(study):
    whole, _, z, _ = study
    table, limit = controls_table(whole, z, "HC", "MS", pd.DataFrame({"expected_stage": [0.0], "stage": [0]}))
    assert table["value"].tolist()[2] == limit > 0
    patients = pd.DataFrame({"expected_stage": [limit, limit + 1e-9, 0.0, limit], "stage": [1, 2, 0, 1]})
    table, again = controls_table(whole, z, "HC", "MS", patients)
    assert table["value"].tolist()[3:] == [0.75, 0.25] and again == limit


def test_variants_stand_below_one_another_on_the_scale_of_their_own_best():
    held = pd.DataFrame({"participant_id": list("wxyz"), "fold": [0, 1, 0, 1], "gaussian": [-3.0, -3.1, -2.0, -4.0]})
    one = held.assign(k0=[-9.0, -8, -9, -7], k1=[-4.0, -5, -4, -6], k2=[-1.0, -2, -1.5, -1.2])
    two = held.assign(k0=[-5.0, -5, -4, -5], k1=[-4.9, -5, -4, -5], gaussian=np.nan).sample(frac=1, random_state=1)
    got = variants_table({"main": one, "other": two}).set_index(["variant", "n_subtypes"])
    assert list(got.index) == [("main", 0), ("main", 1), ("main", 2), ("other", 0), ("other", 1)]
    for variant, table in (("main", one), ("other", two)):
        alone = selection_table({k: table[f"k{k}"].to_numpy() for k in got.loc[variant].index})
        for column in ("heldout_loglik", "cvic", "cvic_se", "gap_cvic", "gap_se", "chosen"):
            assert got.loc[variant, column].tolist() == alone[column].tolist()
    assert got["chosen"].tolist() == [False, False, True, True, False]
    assert "multivariate normal" not in got.loc[("main", 2), "reason"]
    with pytest.raises(InputError, match="other was not cross-validated on the same people"):
        variants_table({"main": one, "other": two.iloc[1:]})


def test_a_model_knows_its_fold_and_a_study_describes_one_subtype_at_least():
    made = model([FIRST], [1.0], 0.1)
    for key, fold in (
        (["MS", "everyone"], None), (["fold", "everyone"], None), (["MS", "repeat", "0", "fold", "3"], 3), ([], None),
        (["fold", "repeat", "0", "fold", "0"], 0),
    ):  # fmt: skip
        made.settings = {"key": key} if key else {}
        assert fold_of(made) == fold
    table = pd.DataFrame({"n_subtypes": [0, 1, 2, -1], "chosen": [False, False, True, False]})
    assert described(table) == 2 and described(table.assign(chosen=[True, False, False, False])) == 1


def test_folds_of_a_disease_spread_its_sites_whatever_the_order():
    ids = [f"p{i:02d}" for i in range(30)]
    group = pd.Series(["MS"] * 20 + ["HC"] * 10, ids)
    site = pd.Series(["a"] * 8 + ["b"] * 12 + ["c"] * 10, ids)
    got = folds_table(group, site.sample(frac=1, random_state=3), "MS", 4, 1).set_index("participant_id")["fold"]
    assert list(got.index) == ids[:20] and got.value_counts().eq(5).all()
    assert got[:8].value_counts().eq(2).all() and got[8:].value_counts().eq(3).all()
    assert folds_table(group, site, "MS", 4, 1).set_index("participant_id")["fold"].equals(got)


def test_a_disease_must_carry_its_subtypes_and_folds():
    got = sizes_table(23, 5, 4, disease="MS").set_index("quantity")["value"]
    assert got.to_dict() == {"people": 23, "folds": 5, "smallest training set": 18, "needed there": 8}
    assert sizes_table(10, 5, 4, disease="MS").set_index("quantity")["value"]["smallest training set"] == 8
    with pytest.raises(InputError, match="MS: 9 people are too few for 4 subtypes in 5 folds"):
        sizes_table(9, 5, 4, disease="MS")


def test_simulated_people_vary_by_the_asked_sd():
    for sd, asked in ((1.0, 1.0), (0.5, [0.5, 0.5, 0.5])):
        made = simulate(EVENTS, [FIRST], 4000, stage_weights=[1, 0, 0, 0, 0, 0], noise_sd=asked, seed=1)
        residual = made.X - EVENTS.stage_values(np.array(FIRST))[0]
        assert (made.stage == 0).all()
        assert residual.std(axis=0) == pytest.approx([sd] * 3, rel=0.04) and abs(residual.mean()) < 0.05


def test_the_joint_model_sees_the_people_of_all_diseases_and_nobody_else():
    """Biomarkers that either disease's events have; events of what both together reach; controls give no person."""
    rng = np.random.default_rng(4)
    z = pd.DataFrame(rng.normal(0, 0.5, (60, 4)), columns=list("abcd"), index=[f"p{i}" for i in range(60)])
    z.insert(0, "group", ["HC"] * 20 + ["X", "Y"] * 20)
    z.loc[z["group"] == "X", "a"] += np.linspace(0, 3, 20)
    z.loc[z["group"] == "Y", "c"] += np.linspace(0, 3, 20)
    z.loc[z["group"] == "HC", "d"] += 9.0  # would be events if controls were people
    z.loc["p20":"p27", "b"] = 1.5  # four of X and four of Y: enough together, too few alone
    asked = {
        "definitions": pd.DataFrame(
            {"biomarker": list("abcd"), "family": "zscore", "thresholds": [[]] * 4, "accuracy": np.nan}
        ),
        "declared": {"thresholds": [1], "choose_thresholds": True, "min_people": 6, "z_max": 5.0},
        "covariance": None,
        "chain": {"noise": "independent", "stage_prior": "smooth", "n_startpoints": 1, "n_samples": 40, "n_chains": 1},
    }
    shuffled = z.sample(frac=1, random_state=1)
    model = fit_together(shuffled, ["X", "Y"], "HC", 2, used=[["a", "b", "d"], ["c", "b"]], **asked, seed=3)
    assert model.n_subtypes == 2 and sorted(model.events.biomarkers) == ["a", "b", "c"]
    without = fit_together(shuffled, ["X", "Y"], "HC", 1, used=[["a"], ["c"]], **asked, seed=3)
    assert sorted(without.events.biomarkers) == ["a", "c"]
    people = pd.concat([shuffled[shuffled["group"] == d] for d in "XY"])[["a", "b", "c"]]
    by_hand = fit(
        people,
        model.events,
        2,
        study_settings(model.events, **asked["chain"]),
        covariance="independent",
        seed=3,
        key=("joint",),
    )
    assert (
        model.ml_log_likelihood == by_hand.ml_log_likelihood
        and (model.draws.sequences == by_hand.draws.sequences).all()
    )
