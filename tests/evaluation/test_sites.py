"""The model fitted anew without each site."""

import numpy as np
import pandas as pd
import pytest

from neuraxis.errors import InputError
from neuraxis.evaluation.sites import leave_sites_out
from neuraxis.sustain import FitSettings, SustainModel, Variant, ZScoreEvents, fit, fit_part, simulate

NAMES = [f"b{i}" for i in range(4)]
EVENTS = ZScoreEvents([1, 2], 4, biomarkers=NAMES)
FORWARD, BACKWARD = [0, 4, 1, 5, 2, 6, 3, 7], [3, 7, 2, 6, 1, 5, 0, 4]
SETTINGS = FitSettings(variant=Variant(noise="fixed"), n_startpoints=3, n_samples=0)


def people(orders, n, seed, start=0):
    x = simulate(EVENTS, orders, n, noise_sd=0.5, seed=seed).X
    return pd.DataFrame(np.asarray(x), columns=NAMES, index=[f"p{start + i:03d}" for i in range(n)])


def test_a_site_of_its_own_is_found_and_the_others_change_little():
    """Everyone follows one order but the people of one site, who have the reverse: without them another model."""
    z = pd.concat([people([FORWARD], 60, 1), people([BACKWARD], 80, 2, start=60)])
    site = pd.Series(["x", "y", "x"] * 20 + ["odd"] * 80, z.index)
    model = fit(z, EVENTS, 1, SETTINGS, covariance="independent")
    shuffled = site.sample(frac=1, random_state=3)  # joined by id, never by position
    agreement, labels = leave_sites_out(z, shuffled, model, SETTINGS, covariance="independent")
    table = agreement.set_index("site")
    assert list(table.index) == ["odd", "x", "y"]
    assert table["n_left_out"].to_dict() == {"odd": 80, "x": 40, "y": 20}
    assert (table["n_fitted"] == 140 - table["n_left_out"]).all()
    assert table.loc["odd", "tau"] < 0.4 < 0.6 < table.loc[["x", "y"], "tau"].min(), table
    assert len(labels) == 3 * 140 and not labels.duplicated(["participant_id", "without"]).any()
    for name, part in labels.groupby("without"):
        part = part.set_index("participant_id")
        assert part.index[part["left_out"]].tolist() == site.index[site == name].tolist()


def test_a_refit_is_the_fit_without_those_people():
    """Labels and order are those of a model fitted to the others alone, subtypes numbered as in everyone's model."""
    z = people([FORWARD, BACKWARD], 90, 4)
    site = pd.Series(["a", "a", "b"] * 30, z.index)
    one = fit(z, EVENTS, 1, SETTINGS, covariance="independent")
    model = fit(z, EVENTS, 2, SETTINGS, covariance="independent", previous=one)
    agreement, labels = leave_sites_out(
        z, site, model, SETTINGS, covariance="independent", previous=one, seed=7, key=("D",)
    )
    assert len(agreement) == 4 and (agreement["tau"] > 0.3).all() and (agreement["same_label"] > 0.7).all()
    assert agreement["tau_chance"].between(0.2, 0.45).all()
    direct = fit_part(
        z, EVENTS, 2, SETTINGS.with_(n_startpoints=2), covariance="independent", folds=(site == "b").to_numpy(int), fold=1,
        previous=one, seed=7, key=("D", "without site", "b"), progress=False,
    ).matched_to(model)  # fmt: skip
    mine = labels[labels["without"] == "b"].set_index("participant_id")
    expected = direct.assign(z)
    pd.testing.assert_frame_equal(mine[expected.columns], expected, check_names=False, check_index_type=False)
    whole = model.assign(z)
    known = whole["subtype"].astype(object).where(~whole["normal_appearing"], "no")
    found = expected["subtype"].astype(object).where(~expected["normal_appearing"], "no")
    inside = (site == "b").to_numpy()
    row = agreement[agreement["site"] == "b"].iloc[0]
    assert row["same_label"] == pytest.approx((known == found)[~inside].mean())
    assert row["same_label_left_out"] == pytest.approx((known == found)[inside].mean())


def test_small_sites_and_one_site_are_said_and_strangers_refused():
    z = people([FORWARD], 40, 5)
    site = pd.Series(["big"] * 37 + ["tiny"] * 2 + [None], z.index, dtype=object)
    model = fit(z, EVENTS, 1, SETTINGS, covariance="independent")
    agreement, labels = leave_sites_out(z, site, model, SETTINGS, covariance="independent")
    assert agreement.set_index("site").loc["tiny", "reason"] == "only 2 people"
    assert agreement["tau"].notna().sum() == 1 and set(labels["without"]) == {"big"}
    agreement, labels = leave_sites_out(z, pd.Series("all", z.index), model, SETTINGS, covariance="independent")
    assert agreement["reason"].tolist() == ["only 0 people are left"] and labels.empty
    some = pd.Series(["c", "a", "b", "a"] * 10, z.index)
    agreement, labels = leave_sites_out(z, some, model, SETTINGS, covariance="independent", most=2)
    assert agreement.set_index("site")["reason"].to_dict() == {"a": "", "b": "", "c": "not one of the 2 largest sites"}
    assert set(labels["without"]) == {"a", "b"}
    with pytest.raises(InputError, match="1 person has no row in the table of sites, first p003"):
        leave_sites_out(z, site.drop("p003"), model, SETTINGS)
    assert isinstance(model, SustainModel)


def test_a_site_that_alone_measures_something_cannot_be_left_out():
    z = people([FORWARD], 40, 6)
    site = pd.Series(["a", "b"] * 20, z.index)
    z.loc[site == "b", z.columns[0]] = np.nan
    learnt = FitSettings(variant=Variant(noise="learnt"), n_startpoints=3, n_samples=0)
    model = fit(z, EVENTS, 1, learnt, covariance="independent")
    agreement, labels = leave_sites_out(z, site, model, learnt, covariance="independent")
    rows = agreement.set_index("site")
    assert f"{z.columns[0]}" in rows.loc["a", "reason"] and pd.isna(rows.loc["a", "tau"])
    assert rows.loc["b", "reason"] == "" and set(labels["without"]) == {"b"}


def test_an_interrupted_round_of_sites_goes_on_where_it_was(tmp_path, monkeypatch):
    """Fits that were finished are taken up, to the same tables."""
    from neuraxis.sustain import model as fitting

    z = people([FORWARD], 60, 1)
    site = pd.Series(["x", "y", "x"] * 20, z.index)
    model = fit(z, EVENTS, 1, SETTINGS, covariance="independent")
    given = {"covariance": "independent", "checkpoint": tmp_path / "kept"}
    first = leave_sites_out(z, site, model, SETTINGS, **given)
    monkeypatch.setattr(fitting, "fit_maximum", lambda *a, **k: pytest.fail("a finished fit is made again"))
    again = leave_sites_out(z, site, model, SETTINGS, **given)
    for a, b in zip(first, again, strict=True):
        pd.testing.assert_frame_equal(a, b)
