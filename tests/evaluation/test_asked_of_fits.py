"""What negative controls, parametric nulls and refits without a site ask of fits, at their limits: nothing is fitted here."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from neuraxis.errors import InputError
from neuraxis.evaluation import control, sites
from neuraxis.evaluation.control import (
    NegativeControl,
    check_controls,
    matched_rows,
    negative_control,
    parametric_null,
    parametric_null_table,
    share_of_more,
)
from neuraxis.evaluation.sites import leave_sites_out
from neuraxis.labels import NORMAL
from neuraxis.streams import stream
from neuraxis.sustain import FitSettings, Variant, ZScoreEvents
from neuraxis.sustain.matching import chance_agreement

EVENTS = ZScoreEvents([1, 2], 4, biomarkers=["a", "b"])


class Same:
    """A generator that leaves everything in order."""

    def permutation(self, n):
        return np.arange(n)


def test_79_controls_are_too_few_and_80_are_not():
    check_controls(80)
    with pytest.raises(InputError, match="79 controls are too few for a negative control; it needs at least 80"):
        check_controls(79)
    with pytest.raises(InputError, match="1 control is too few"):
        check_controls(1)


@pytest.mark.parametrize(
    ("wanted", "n", "keep", "rows"),
    [
        (None, 99, 1, [0, 1, 2, 3, 4, 10, 11]),  # half of ten, half of five, none of the one
        (None, 99, 4, [0, 1, 2, 3, 4, 10]),  # of five one, since four stay
        (None, 99, 7, [0, 1, 2]),
        (None, 3, 1, [0, 1, 2]),
        ("BBBA", 4, 1, [0, 1, 10, 11]),  # three of B wanted, where two are free: the last from anywhere
        ("BA", 4, 1, [0, 1, 10, 11]),
        ("AAAC", 4, 1, [0, 1, 2, 3]),  # nobody of C is free
        ("ABB", 2, 1, [0, 10]),  # a third of two is none, two thirds one
    ],
)
def test_controls_are_taken_site_for_site_and_half_of_a_site_at_most(wanted, n, keep, rows):
    site = pd.Series(list("A" * 10 + "B" * 5 + "C"))
    got = matched_rows(site, pd.Series(list(wanted)) if wanted else None, n, Same(), keep)
    assert got.tolist() == rows


def test_a_shuffled_cohort_gives_as_many_of_each_site():
    site = pd.Series(list("A" * 10 + "B" * 5 + "C")).sample(frac=1, random_state=1)
    assert "".join(sorted(site.iloc[matched_rows(site, None, 99, Same())])) == "AAAAABB"
    assert "".join(sorted(site.iloc[matched_rows(site, pd.Series(list("BBBA")), 3, Same())])) == "ABB"


def selected(variant, chosen, n=50):
    return pd.DataFrame(
        {"variant": variant, "n_subtypes": [0, 1, 2], "chosen": [k == chosen for k in range(3)], "n_people": n}
    )


def test_what_was_found_is_told_by_variant():
    found = NegativeControl(pd.concat([selected("x", 2), selected("y", 0)]), pd.Index([]))
    assert (found.chosen(), found.chosen("x"), found.chosen("y")) == (2, 2, 0)
    assert found.sentence() == "Subtypes that the same procedure finds in 50 healthy people: 2 with x, 0 with y."


@pytest.fixture
def asked(monkeypatch):
    """Selections that are asked for, in the place of selections."""
    seen = []

    def cross_validate(X, events, most, **options):
        seen.append(SimpleNamespace(X=X, events=events, most=most, **options))
        table = selected("unnamed", 1).drop(columns=["variant", "n_people"])
        return SimpleNamespace(selection=table, chosen=lambda: len(seen) % 3)

    monkeypatch.setattr(control, "cross_validate", cross_validate)
    return seen


def healthy(n, missing=()):
    z = pd.DataFrame(np.random.default_rng(0).normal(size=(n, 2)), [f"h{i:03d}" for i in range(n)], ["a", "b"])
    z.loc[z.index.isin(missing)] = np.nan
    return z


def test_a_negative_control_models_half_and_keeps_the_rest_for_the_covariance(asked):
    site = pd.Series(["x", "y"] * 45, [f"h{i:03d}" for i in range(90)])
    found = negative_control(healthy(90), EVENTS, site=site, seed=3, key=("MS",), n_samples=7)
    assert (
        len(found.people) == 44
        and (found.selection["n_rest"] == 46).all()
        and (found.selection["n_people"] == 44).all()
    )
    published, own = asked
    assert found.selection["variant"].unique().tolist() == ["independent noise, as published", "controls' covariance"]
    assert (published.variants[0].covariance, published.variants[0].stage_prior, published.variants[0].healthy) == (
        None,
        "uniform",
        False,
    )
    rest = healthy(90).drop(found.people)
    assert own.variants[0].healthy and own.variants[0].covariance == pytest.approx(
        control.noise_covariance(rest).matrix
    )
    assert (own.most, own.folds, own.seed, own.key, own.n_threads, own.n_samples) == (
        3,
        5,
        3,
        ("MS", "negative control"),
        1,
        7,
    )
    assert list(own.X.index) == list(found.people) == list(own.strata.index) and own.strata.equals(site[found.people])
    assert (found.selection["note"] == "").all() and own.events is EVENTS


@pytest.mark.parametrize(
    ("n", "n_people", "modelled", "note"),
    [(90, 40, 40, ""), (90, 45, 44, "45 patients, but only 90 controls: 44 of them were modelled"), (120, None, 60, ""), (81, None, 40, "")],
)  # fmt: skip
def test_as_many_controls_are_modelled_as_there_are_patients(asked, n, n_people, modelled, note):
    site = pd.Series(["x"] * (n - 3) + ["y"] * 3, healthy(n).index) if n == 90 else None
    found = negative_control(healthy(n), EVENTS, n_people=n_people, site=site, variants={"v": {}})
    assert found.selection["note"].unique().tolist() == [note]
    assert len(found.people) == modelled == len(asked[0].X) and (found.selection["n_people"] == modelled).all()


def test_39_modelled_controls_are_too_few(asked):
    with pytest.raises(
        InputError, match="^39 patients, and as many controls are modelled; a negative control needs 40"
    ):
        negative_control(healthy(100), EVENTS, n_people=39)
    gone = [f"h{i:03d}" for i in range(20)]
    with pytest.raises(InputError, match="79 controls are too few"):
        negative_control(healthy(99, gone), EVENTS)
    site = pd.Series(["x"] * 78 + list("abcdefghij"), healthy(88).index)
    with pytest.raises(InputError, match="^only 39 controls can be modelled; "):
        negative_control(healthy(88), EVENTS, n_people=44, site=site)
    assert not asked


def test_norms_of_others_are_asked_for_and_what_they_leave_is_modelled(asked):
    z, told = healthy(100), []

    def refit(chosen):
        told.append(list(chosen))
        new = z.drop(chosen[0]).assign(extra=1.0) + 5
        return new.iloc[::-1][["extra", "b", "a"]]

    found = negative_control(z, EVENTS, n_people=45, refit=refit, variants={"v": {}})
    assert len(told[0]) == 45 and list(found.people) == told[0][1:]  # the first has no z by the new norms
    assert list(asked[0].X) == ["a", "b"] and asked[0].X.equals((z + 5).loc[found.people])
    assert found.selection["note"].unique().tolist() == ["45 patients, but only 100 controls: 44 of them were modelled"]


def test_a_null_is_tried_with_one_subtype_more_than_is_true(asked, monkeypatch):
    drawn = []
    monkeypatch.setattr(control, "drawn_people", lambda *given: drawn.append(given) or "X")
    model = SimpleNamespace(events=EVENTS, n_subtypes=1, variant="variant")
    got = parametric_null(model, 70, draws=5, seed=4, key=("MS",), n_samples=9)
    assert list(got) == ["true_subtypes", "draw", "n_people", "chosen", "more"]
    assert got.to_numpy().tolist() == [[1, i, 70, c, c > 1] for i, c in ((1, 1), (2, 2), (3, 0), (4, 1), (5, 2))]
    assert drawn == [(model, 70, 4, ("MS", "parametric null", i)) for i in range(5)]
    first = asked[0]
    assert (first.X, first.events, first.most, first.variants, first.folds, first.n_samples) == (
        "X",
        EVENTS,
        2,
        ["variant"],
        5,
        9,
    )
    assert [a.key for a in asked] == [("MS", "parametric null", i) for i in range(5)] and first.seed == 4
    assert len(parametric_null(model, 70)) == 20


def test_the_share_of_cohorts_that_ask_for_more():
    # 1 of 20: (0.05 + 1.9207 / 20 +- 1.96 sqrt(0.0475 / 20 + 0.9604 / 400)) / (1 + 3.8415 / 20)
    got = share_of_more(pd.DataFrame({"more": [True] + [False] * 19}))
    assert got == (0.05, pytest.approx(0.00888, abs=1e-4), pytest.approx(0.23613, abs=1e-4))


@pytest.mark.parametrize(
    ("chosen", "note"), [(0, "0 subtypes were chosen"), (1, "1 subtype was chosen"), (2, ""), (3, "")]
)
def test_a_study_tries_the_model_with_one_subtype_fewer(monkeypatch, chosen, note):
    given = []

    def null(model, n_people, **options):
        given.append((model, n_people, options))
        return pd.DataFrame({"more": [True], "true_subtypes": 1, "draw": 1, "n_people": n_people, "chosen": 2})

    monkeypatch.setattr(control, "parametric_null", null)
    selection = pd.DataFrame({"n_subtypes": [-1, 0, 1, 2, 3], "chosen": [str(k == chosen) for k in range(-1, 4)]})
    got = parametric_null_table(selection, {1: "one", 2: "two"}, 90, n_folds=4, n_samples=200, seed=5)
    assert list(got) == ["true_subtypes", "draw", "n_people", "chosen", "more", "note"]
    if note:
        assert got["note"].tolist() == [f"{note}: see the negative control"] and not given
    else:
        # as many draws as a chain of 200 steps has sweeps
        assert given == [({2: "one", 3: "two"}[chosen], 90, {"folds": 4, "n_draws": 20, "n_samples": 200, "seed": 5})]
        assert got["note"].tolist() == [""] and got["draw"].tolist() == [1]


def test_a_null_that_cannot_be_drawn_says_why(monkeypatch):
    def null(*given, **options):
        raise InputError("density events")

    monkeypatch.setattr(control, "parametric_null", null)
    selection = pd.DataFrame({"n_subtypes": [1, 2], "chosen": [False, True]})
    got = parametric_null_table(selection, {1: "one"}, 90, n_folds=4)
    assert got["note"].tolist() == ["density events"] and got["draw"].isna().all()


# ---------------------------------------------------------------- sites


class Model:
    """Two subtypes in two orders; labels by the first letter of the id, turned around without site b."""

    n_subtypes, events = 2, EVENTS

    def __init__(self, sequences=((0, 2, 1, 3), (2, 3, 0, 1)), draws=None, other=""):
        self.sequences, self.draws, self.other = np.array(sequences), draws, other

    def assign(self, z):
        subtype = [1 if i[0] == "p" else 2 for i in z.index]
        normal = [i in ("p0", *self.other.split()) for i in z.index]
        return pd.DataFrame({"subtype": subtype, "normal_appearing": normal, "stage": range(len(z))}, z.index)

    def matched_to(self, model):
        return self


def left(monkeypatch, site, model=None, refit=None, **options):
    """Sites left out of a study of people p0 p1 ... and q0 q1 ..., and what was asked of fits."""
    asked = []

    def fit_part(z, events, k, settings, **given):
        asked.append(SimpleNamespace(k=k, settings=settings, **given))
        return refit or Model(((0, 1, 2, 3), (2, 3, 0, 1)), other="q1")

    monkeypatch.setattr(sites, "fit_part", fit_part)
    ids = [f"{'pq'[i % 2]}{i // 2}" for i in range(len(site))]
    z = pd.DataFrame({"a": 0.0, "b": 1.0}, ids)
    site = pd.Series(site, ids)
    agreement, labels = leave_sites_out(
        z, site, model or Model(), FitSettings(variant=Variant(), n_startpoints=9), **options
    )
    return agreement, labels, asked


def test_the_orders_and_labels_without_a_site_are_compared_in_and_outside_of_it(monkeypatch):
    site = ["b", "b", "a", "a", "a", "b", "a", "b", "a", "b", "a"]  # p0 q0 p1 q1 p2 q2 p3 q3 p4 q4 p5
    agreement, labels, asked = left(monkeypatch, site, seed=6, key=("MS",), previous="previous", covariance="given")
    assert list(agreement) == list(sites.AGREEMENT) and agreement["site"].tolist() == ["a", "a", "b", "b"]
    assert agreement["n_left_out"].tolist() == [6, 6, 5, 5] and agreement["n_fitted"].tolist() == [5, 5, 6, 6]
    assert agreement["subtype"].tolist() == [1, 2, 1, 2] and agreement["tau"].tolist() == pytest.approx(
        [4 / 6, 1.0] * 2
    )
    # q1 of site a alone has another label
    assert agreement["same_label"].tolist() == pytest.approx([1, 1, 5 / 6, 5 / 6])
    assert agreement["same_label_left_out"].tolist() == pytest.approx([5 / 6, 5 / 6, 1, 1])
    assert agreement["tau_chance"].tolist() == pytest.approx([chance_agreement(EVENTS, stream(0, "chance", 4))] * 4)
    assert list(labels)[:4] == ["participant_id", "without", "left_out", "subtype"] and len(labels) == 22
    assert labels.loc[labels["without"] == "b", "left_out"].tolist() == [s == "b" for s in site]
    first = asked[0]
    assert (first.k, first.settings.n_startpoints, first.fold, first.previous, first.covariance) == (
        2,
        2,
        1,
        "previous",
        "given",
    )
    assert (
        first.folds.tolist() == [int(s == "a") for s in site]
        and first.key == ("MS", "without site", "a")
        and first.seed == 6
    )
    assert first.progress is False


def test_five_people_of_a_site_are_enough_and_four_are_not(monkeypatch):
    agreement, labels, asked = left(monkeypatch, ["a"] * 4 + ["b"] * 5 + ["c"] * 6)
    rows = agreement.drop_duplicates("site").set_index("site")
    assert rows["reason"].to_dict() == {"a": "only 4 people", "b": "", "c": ""} and len(asked) == 2
    assert rows.loc["a", ["n_left_out", "n_fitted"]].tolist() == [4, 11] and pd.isna(rows.loc["a", "subtype"])
    assert set(labels["without"]) == {"b", "c"}


@pytest.mark.parametrize(("others", "reason"), [(3, "only 3 people are left"), (4, ""), (1, "only 1 person is left")])
def test_two_people_a_subtype_have_to_be_left(monkeypatch, others, reason):
    agreement, _, _ = left(monkeypatch, ["a"] * 6 + ["b"] * others)
    assert agreement.drop_duplicates("site").set_index("site").loc["a", "reason"] == reason


def test_the_largest_sites_are_left_out_and_of_equal_ones_the_first_by_name(monkeypatch):
    agreement, labels, _ = left(monkeypatch, ["c"] * 6 + ["b"] * 6 + ["a"] * 5 + ["d"] * 7, most=2)
    rows = agreement.drop_duplicates("site").set_index("site")
    assert rows["reason"].to_dict() == {s: "" if s in "bd" else "not one of the 2 largest sites" for s in "abcd"}
    assert sorted(set(labels["without"])) == ["b", "d"]
    many = [f"s{i:02d}" for i in range(21) for _ in range(5)]
    assert (left(monkeypatch, many)[0]["reason"] == "not one of the 20 largest sites").sum() == 1


def test_places_are_means_over_chains_and_draws_where_there_are_any(monkeypatch):
    places = np.zeros((2, 3, 2, 4))
    places[..., :] = [0, 1, 2, 3]
    places[0, :, 0] = [0, 4, 2, 3]  # in half of the draws of the first subtype: 0, 2.5, 2, 3 on average
    model = Model(draws=SimpleNamespace(places=places))
    assert sites._places(model).tolist() == [[0, 2.5, 2, 3], [0, 1, 2, 3]]
    assert sites._places(Model()).tolist() == [[0, 2, 1, 3], [2, 3, 0, 1]]
    assert sites._group(Model().assign(pd.DataFrame(index=["p0", "p1", "q1"]))).tolist() == [NORMAL, 1, 2]
