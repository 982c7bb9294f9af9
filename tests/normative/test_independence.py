"""A z-score never depends on who else is in the call, and rows are joined by id or refused."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuraxis.errors import InputError, NeuraxisWarning
from neuraxis.normative.norms import Norms, NormSettings, fit_norms, folds_of, zscores
from neuraxis.normative.study import followup_zscores

DIRECTION = {"a": "fall", "b": "rise", "c": "fall"}
SITES = ("none", "fixed", "random", "combat", "combat_gam")
HEAD_SIZES = ("covariate", "proportional", "power", "none")


def everyone(seed=0, n=150, patients=60):
    """Controls at A, B, C and two small sites; patients also with missing values, at unlike sites, ages and sexes."""
    rng = np.random.default_rng(seed)
    total = n + patients
    people = pd.DataFrame(
        {
            "group": ["HC"] * n + ["MS"] * patients,
            "age": rng.uniform(20, 70, total),
            "sex": rng.choice(["F", "M"], total, p=(0.7, 0.3)),
            "site": rng.choice(["A", "B", "C", "x", "y"], total),
        },
        index=pd.Index([f"sub-{i:03d}" for i in rng.permutation(total)], name="participant_id"),
    )
    # two small sites of seven controls each are pooled
    people.loc[people.index[:n], "site"] = [("A", "B", "C")[i % 3] for i in range(n)]
    people.loc[people.index[:14], "site"] = ["x", "y"] * 7
    etiv = rng.normal(1.4e6, 1.2e5, total) + 1.5e5 * (people["sex"] == "M")
    offset = people["site"].map({"A": 0, "B": 3, "C": -4, "x": 2, "y": 2})
    measures = pd.DataFrame({"etiv": etiv}, index=people.index)
    for i, name in enumerate(DIRECTION):
        mean = 1000 + 200 * i - 3 * (people["age"] - 40) + 40 * (people["sex"] == "M")
        measures[name] = (mean + 20 * offset) * (etiv / 1.5e6) ** 0.6 + rng.normal(0, 60, total)
    return measures, people


def norms_of(site, head_size, overrides=None, **more):
    measures, people = everyone()
    healthy = people["group"] == "HC"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit_norms(
            measures[healthy], people, DIRECTION, NormSettings(site=site, head_size=head_size, **more), overrides
        )


NORMS = {(s, h): norms_of(s, h) for s in SITES for h in HEAD_SIZES}
NORMS |= {
    ("combat", "quadratic"): norms_of("combat", "covariate", age="quadratic"),
    ("fixed", "sd"): norms_of("fixed", "power", sd="age", robust=True),
    ("mixed", "overrides"): norms_of("fixed", "covariate", {"b": {"site": "none"}, "c": {"head_size": "none"}}),
}


@pytest.mark.parametrize("key", NORMS, ids="-".join)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(data=st.data())
def test_z_of_a_person_is_the_same_in_any_company(key, data):
    """Alone, in a subset, in another order, with people of other sites absent, after saving, with values missing."""
    norms = NORMS[key]
    measures, people = everyone(seed=1, n=20, patients=15)
    rows = st.integers(0, len(people) - 1)
    for row in data.draw(st.sets(rows, max_size=6)):
        measures.iloc[row, data.draw(st.integers(0, 3))] = np.nan
    for column in ("age", "sex", "site"):
        people.loc[people.index[data.draw(rows)], column] = np.nan
    whole = norms.apply(measures, people, quiet=True)
    assert whole.notna().any(axis=None)
    chosen = people.index[data.draw(st.lists(rows, min_size=1, max_size=8, unique=True))]
    again = Norms.from_dict(json.loads(json.dumps(norms.to_dict())))
    for part in (
        norms.apply(measures.loc[chosen], people, quiet=True),
        norms.apply(measures.loc[chosen[:1]], people.loc[chosen[:1]], quiet=True),
        again.apply(measures.loc[chosen[::-1]], people.sample(frac=1, random_state=1), quiet=True),
    ):
        pd.testing.assert_frame_equal(part, whole.loc[part.index], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("key", NORMS, ids="-".join)
def test_z_of_a_follow_up_scan_is_that_of_a_new_person_of_its_age(key):
    norms = NORMS[key]
    measures, people = everyone(seed=2, n=14, patients=10)
    scans = pd.DataFrame(
        {
            "participant_id": [people.index[i] for i in (9, 3, 9, 5)],
            "session_id": ["ses-02", "ses-02", "ses-03", "ses-02"],
            "years": [1.5, 2.0, 3.25, 1.0],
        }
    )
    for name in [*DIRECTION, "etiv"]:
        scans[name] = measures.loc[scans["participant_id"], name].to_numpy() * [0.98, 0.99, 0.95, 1.0]
    z = followup_zscores(norms, scans, people)
    assert z.columns.tolist() == ["participant_id", "session_id", "years", *DIRECTION]
    for row, scan in scans.iterrows():
        person = scan["participant_id"]
        then = people.loc[[person]].assign(age=people.loc[person, "age"] + scan["years"])
        alone = scan[[*DIRECTION, "etiv"]].astype(float).to_frame(person).T
        want = norms.apply(alone, then, quiet=True).iloc[0]
        np.testing.assert_allclose(z.loc[row, list(DIRECTION)].astype(float), want, rtol=1e-12, atol=1e-12)
        assert (z.loc[row, ["participant_id", "session_id"]] == scan[["participant_id", "session_id"]]).all()
    young = norms.apply(alone, people, quiet=True)
    assert abs(young.iloc[0, 0] - z.loc[3, "a"]) > 1e-3  # the age at baseline would be another z
    # any other order, and fewer
    few = followup_zscores(norms, scans.iloc[[2, 0]], people)
    np.testing.assert_allclose(few[list(DIRECTION)], z.loc[[2, 0], list(DIRECTION)], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("site", SITES)
def test_a_biomarker_that_a_scan_lacks_takes_no_other_along(site):
    """As where a later scan has no laboratory's value beside it."""
    norms = NORMS[site, "covariate"]
    measures, people = everyone(seed=2, n=14, patients=10)
    measures = measures.fillna(1000.0)
    whole = norms.apply(measures, people, quiet=True)
    gone = norms.apply(measures.assign(b=np.nan), people, quiet=True)
    assert gone["b"].isna().all()
    rest = [name for name in DIRECTION if name != "b"]
    np.testing.assert_allclose(gone[rest], whole[rest], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("head_size", ["covariate", "power"])
def test_z_of_controls_do_not_depend_on_patients_nor_of_patients_on_one_another(site, head_size):
    measures, people = everyone(n=80, patients=30)
    chosen = NormSettings(site=site, head_size=head_size, age="linear", folds=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        z, _ = zscores(measures, people, "HC", DIRECTION, chosen)
        sick = people.index[people["group"] == "MS"]
        some = measures.drop(index=sick[3:])
        part, _ = zscores(some.sample(frac=1, random_state=2), people, "HC", DIRECTION, chosen)
    pd.testing.assert_frame_equal(part.loc[some.index], z.loc[some.index], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("site", SITES)
def test_a_controls_z_is_that_of_a_norm_fitted_without_its_fold(site):
    """The folds' norms are ordinary norms: leave a fold out by hand and apply."""
    measures, people = everyone(n=90, patients=0)
    people["site"] = ["A", "B", "C"] * 30
    chosen = NormSettings(site=site, age="linear", folds=3)
    z, _ = zscores(measures, people, "HC", DIRECTION, chosen)
    fold = folds_of(measures, people["site"], 3, 1)
    assert fold.groupby(people["site"]).value_counts().eq(10).all()
    held = measures.index[fold == 1]
    by_hand = fit_norms(measures.drop(index=held), people, DIRECTION, chosen).apply(
        measures.loc[held], people, quiet=True
    )
    pd.testing.assert_frame_equal(z.loc[held], by_hand, rtol=1e-7, atol=1e-7)


def test_plain_tables_are_joined_by_their_id_column():
    norms = NORMS["fixed", "covariate"]
    measures, people = everyone(seed=3, n=14, patients=10)
    want = norms.apply(measures, people, quiet=True)
    plain = people.reset_index().sample(frac=1, random_state=5).reset_index(drop=True)
    got = norms.apply(measures.reset_index(), plain, quiet=True)
    assert list(got.index) == list(measures.index)
    pd.testing.assert_frame_equal(got, want)
    # one table by index, the other by column; baseline scans named as such
    pd.testing.assert_frame_equal(norms.apply(measures, plain, quiet=True), want)
    scans = measures.reset_index().assign(session_id="baseline")
    pd.testing.assert_frame_equal(norms.apply(scans, people, quiet=True), want)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m, p: (m.reset_index(drop=True), p.reset_index(drop=True)), "rows are numbered.*never by position"),
        (lambda m, p: (m, p.reset_index(drop=True)), "people: rows are numbered"),
        (lambda m, p: (m.reset_index(drop=True)[3:7], p), "measures: rows are numbered"),
        (lambda m, p: (m, p.drop(index=[m.index[2], m.index[0]])), "no row of 2 of 19.*sub-"),
        (lambda m, p: (pd.concat([m, m.iloc[[4]]]), p), "measures: more than one row of sub-"),
        (lambda m, p: (m, pd.concat([p, p.iloc[[4]]])), "people: more than one row of sub-"),
        (lambda m, p: (m.reset_index().assign(session_id="ses-02"), p), "age at the scan"),
    ],
)
def test_rows_that_cannot_be_joined_are_refused(change, words):
    measures, people = change(*everyone(n=14, patients=5))
    for call in (
        lambda: NORMS["none", "none"].apply(measures, people),
        lambda: fit_norms(measures, people, DIRECTION, NormSettings(age="linear")),
        lambda: zscores(measures, people, "HC", DIRECTION, NormSettings(age="linear")),
    ):
        with pytest.raises(InputError, match=words):
            call()


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        ("b", np.inf, "b: WHO (inf)"),
        ("b", -np.inf, "b: WHO (-inf)"),
        ("b", 0.0, "b: WHO (0)"),
        ("b", -9.0, "b: WHO (-9)"),
        ("etiv", np.inf, "etiv: WHO (inf)"),
        ("etiv", 0.0, "etiv: WHO (0)"),
        ("etiv", -1.0, "etiv: WHO (-1)"),
        ("b", "<1", "b: WHO (<1)"),
    ],
)
@pytest.mark.parametrize("site", ["none", "combat"])
def test_impossible_measures_never_reach_a_norm(site, column, value, shown):
    norms = NORMS[site, "covariate"]
    measures, people = everyone(n=100, patients=40)
    for group in ("HC", "MS"):
        who = people.index[people["group"] == group][5]
        spoilt = measures.astype(object)
        spoilt.loc[who, column] = value
        spoilt.loc[people.index[people["group"] == group][7], "a"] = 0  # all problems in one message
        calls = [
            lambda: norms.apply(spoilt, people),  # noqa: B023
            lambda: zscores(spoilt, people, "HC", DIRECTION, NormSettings(site=site, age="linear")),  # noqa: B023
        ]
        if group == "HC":
            healthy = people["group"] == "HC"
            calls.append(lambda: fit_norms(spoilt[healthy], people, DIRECTION, NormSettings(site=site)))  # noqa: B023
        for call in calls:
            with pytest.raises(InputError) as error:
                call()
            assert shown.replace("WHO", who) in str(error.value) and "a: sub-" in str(error.value)


def test_measures_that_may_be_negative_are_declared():
    measures, people = everyone(n=100, patients=10)
    measures["b"] -= measures["b"].mean()
    healthy = people["group"] == "HC"
    with pytest.raises(InputError, match="plausible_low"):
        fit_norms(measures[healthy], people, DIRECTION, NormSettings())
    norms = fit_norms(measures[healthy], people, DIRECTION, NormSettings(), signed=["b"])
    again = Norms.from_dict(json.loads(json.dumps(norms.to_dict())))
    assert again.apply(measures, people)["b"].abs().max() < 6
    with pytest.raises(InputError, match="b: a power of head size needs positive"):
        fit_norms(measures[healthy], people, DIRECTION, NormSettings(head_size="power"), signed=["b"])


@pytest.mark.parametrize(("column", "value"), [("age", np.inf), ("age", "old"), ("sex", "female")])
def test_people_that_a_norm_cannot_place_are_named(column, value):
    measures, people = everyone(n=100, patients=10)
    who = people.index[4]
    people[column] = people[column].astype(object)
    people.loc[who, column] = value
    with pytest.raises(InputError, match=rf"{column}.*{who} \({value}\)"):
        fit_norms(measures[:100], people, DIRECTION, NormSettings())
    with pytest.raises(InputError, match=rf"{column}.*{who} \({value}\)"):
        NORMS["fixed", "power"].apply(measures, people, quiet=True)


def test_sites_written_as_numbers_are_the_same_sites():
    measures, people = everyone(n=100, patients=20)
    numbered = people.assign(site=people["site"].map({"A": 1, "B": 2, "C": 3, "x": 3, "y": 3}))
    named = numbered.assign(site=numbered["site"].astype(str))
    gaps = numbered.assign(site=numbered["site"].astype(float))
    gaps.loc[people.index[105], "site"] = np.nan
    norms = fit_norms(measures[:100], named, DIRECTION, NormSettings(site="fixed"))
    want = norms.apply(measures, named, quiet=True)
    pd.testing.assert_frame_equal(norms.apply(measures, numbered, quiet=True), want)
    got = norms.apply(measures, gaps, quiet=True)
    # nobody without a site gets the first site's offset
    assert got.loc[people.index[105]].isna().all()
    pd.testing.assert_frame_equal(got.drop(index=people.index[105]), want.drop(index=people.index[105]))


@pytest.mark.parametrize("site", ["fixed", "random"])
@pytest.mark.parametrize("left", [0, 4])
def test_a_biomarker_that_a_site_does_not_measure_is_missing_there(site, left):
    """Its people would otherwise get the first site's offset, or that of no site, which are not theirs."""
    measures, people = everyone(n=150, patients=30)
    people["site"] = [("A", "B", "C")[i % 3] for i in range(180)]
    controls_of_c = people.index[(people["site"] == "C") & (people["group"] == "HC")]
    measures.loc[controls_of_c[left:], "b"] = np.nan  # 4 of 50 are not half of min_site_controls
    norms = fit_norms(measures[:150], people, DIRECTION, NormSettings(site=site))
    with pytest.warns(NeuraxisWarning, match="b is measured in too few controls of C"):
        z = norms.apply(measures[150:], people)
    with warnings.catch_warnings():
        warnings.simplefilter("error", NeuraxisWarning)
        norms.apply(measures[150:], people, quiet=True)
        elsewhere = measures[150:][(people.loc[measures.index[150:], "site"] != "C").to_numpy()]
        norms.apply(elsewhere, people)
    at_c = people.loc[z.index, "site"] == "C"
    assert z.loc[at_c, "b"].isna().all() and z.loc[~at_c, "b"].notna().all() and z["a"].notna().all()
    out_of_sample, _ = zscores(measures, people, "HC", DIRECTION, NormSettings(site=site))
    assert out_of_sample.loc[controls_of_c, "b"].isna().all()
    measures, _ = everyone(n=150, patients=30)
    measures.loc[controls_of_c[5:], "b"] = np.nan
    z = fit_norms(measures[:150], people, DIRECTION, NormSettings(site=site)).apply(measures[150:], people)
    assert z["b"].notna().all()


def test_a_sex_that_a_biomarkers_norm_has_never_seen_is_missing():
    measures, people = everyone(n=120, patients=20)
    men = people.index[people["sex"] == "M"]
    measures.loc[men, "c"] = measures.loc[men, "c"].where(~men.isin(people.index[:120]))
    norms = fit_norms(measures[:120], people, DIRECTION, NormSettings())
    z = norms.apply(measures[120:], people, quiet=True)
    male = people.loc[z.index, "sex"] == "M"
    assert z.loc[male, "c"].isna().all() and z.loc[~male, "c"].notna().all() and z["a"].notna().all()
