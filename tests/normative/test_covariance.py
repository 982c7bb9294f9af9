"""The controls' covariance: the library's where z are complete, honest where they are not, always usable."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.covariance import oas

from neuraxis.errors import InputError, NeuraxisWarning
from neuraxis.normative import covariance
from neuraxis.normative.covariance import (
    MAX_CONDITION,
    NoiseCovariance,
    em_covariance,
    filled_at_once,
    filled_by_pattern,
    noise_covariance,
    oas_shrinkage,
    shrinkage_for,
)
from neuraxis.normative.norms import Norms, NormSettings, fit_norms, zscores

TRUTH = np.array([[1.0, 0.6, 0.3, 0.0], [0.6, 1.2, 0.5, 0.1], [0.3, 0.5, 0.9, -0.2], [0.0, 0.1, -0.2, 1.0]])
NAMES = ["cord", "brainstem", "thalamus", "insula"]


def controls(n, truth=TRUTH, seed=0, names=NAMES):
    x = np.random.default_rng(seed).multivariate_normal(np.zeros(len(truth)), truth, n)
    return pd.DataFrame(x, columns=names, index=[f"sub-{i:04d}" for i in range(n)])


def test_complete_z_give_the_librarys_covariance():
    z = controls(200)
    found = noise_covariance(z)
    matrix, shrinkage = oas(z.to_numpy())
    np.testing.assert_allclose(found.matrix, matrix, rtol=1e-9)
    assert found.shrinkage == pytest.approx(shrinkage) and 0 < shrinkage < 0.1
    assert found.n == 200 and (found.n_pairs == 200).all() and found.note == ""
    assert found.condition_number == pytest.approx(np.linalg.cond(matrix))
    # the formula for incomplete z is the library's
    observed = np.cov(z.to_numpy().T, bias=True)
    assert oas_shrinkage(observed, 200) == pytest.approx(shrinkage)
    assert oas_shrinkage(observed[:1, :1], 5) == 0 and oas_shrinkage(np.eye(3), 50) == 1


def test_the_truth_is_found_with_values_missing_where_others_say_they_should_be():
    """The thalamus is missing in people of large brainstem z; people without gaps alone would be wrong about all."""
    z = controls(6000, seed=1)
    z.loc[z["brainstem"] > 0.3, "thalamus"] = np.nan
    z.loc[z.index[::3], "insula"] = np.nan
    found = noise_covariance(z)
    assert found.note == "" and found.shrinkage < 0.01
    np.testing.assert_allclose(found.matrix, TRUTH, atol=0.07)
    listwise = np.cov(z.dropna().to_numpy().T)
    assert abs(listwise[1, 1] - 1.2) > 0.5  # what leaving people out would have given
    assert found.n == 6000
    b, t, i = (NAMES.index(k) for k in ("brainstem", "thalamus", "insula"))
    assert found.n_pairs[t, t] == (z["brainstem"] <= 0.3).sum() and found.n_pairs[i, i] == 4000
    assert found.n_pairs[t, i] == found.n_pairs[i, t] == z[["thalamus", "insula"]].notna().all(axis=1).sum()


def test_em_without_gaps_is_the_sample_covariance_and_with_one_gap_by_hand():
    x = controls(30).to_numpy()
    np.testing.assert_allclose(em_covariance(x), np.cov(x.T, bias=True), rtol=1e-9)
    # two columns, the second missing in some: regression on the first carries over (Anderson 1957)
    x = x[:, :2].copy()
    x[20:, 1] = np.nan
    seen = x[:20]
    slope = np.cov(seen.T, bias=True)[0, 1] / seen[:, 0].var()
    rest = seen[:, 1].var() - slope**2 * seen[:, 0].var()
    first = x[:, 0].var()
    by_hand = [[first, slope * first], [slope * first, rest + slope**2 * first]]
    np.testing.assert_allclose(em_covariance(x, tolerance=1e-12), by_hand, rtol=1e-6)


@pytest.mark.parametrize("n", [3, 8, 15])
def test_too_few_controls_are_shrunk_harder_and_it_is_said(n):
    truth = np.full((6, 6), 0.5) + 0.5 * np.eye(6)
    z = controls(n, truth, names=list("abcdef"))
    with pytest.warns(NeuraxisWarning, match=rf"{n} controls for 6 biomarkers.*shrunk by"):
        found = noise_covariance(z)
    plain = oas(z.to_numpy())[1]
    assert found.shrinkage == pytest.approx(1 - (1 - plain) * n / 30) and found.shrinkage > plain
    assert np.linalg.eigvalsh(found.matrix)[0] > 0 and found.note.startswith(f"{n} controls")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert noise_covariance(controls(30, truth, names=list("abcdef"))).note == ""


def test_copies_of_a_biomarker_are_shrunk_until_the_covariance_can_be_inverted():
    z = controls(8000)
    z["again"] = z["cord"]
    with pytest.warns(NeuraxisWarning, match="nearly copies"):
        found = noise_covariance(z)
    assert found.condition_number == pytest.approx(MAX_CONDITION, rel=1e-6)
    a = np.diag([4.0, 1.0, 0.0])
    r = shrinkage_for(a, 10)
    assert np.linalg.cond((1 - r) * a + r * 5 / 3 * np.eye(3)) == pytest.approx(10)
    assert shrinkage_for(np.eye(3), 10) == 0 and shrinkage_for(np.eye(1), 10) == 0


def test_pairs_that_nobody_has_and_biomarkers_that_one_has():
    z = controls(200)
    z.loc[z.index[:100], "cord"] = np.nan
    z.loc[z.index[100:], "brainstem"] = np.nan
    z.loc[z.index[1:], "insula"] = np.nan
    with pytest.warns(NeuraxisWarning) as said:
        found = noise_covariance(z)
    text = str(said[0].message)
    assert "fewer than two controls have insula" in text and "no control has both brainstem and cord" in text
    at = NAMES.index("insula")
    np.testing.assert_array_equal(found.matrix[at], np.eye(4)[at])
    assert np.linalg.eigvalsh(found.matrix)[0] > 0 and found.n_pairs[0, 1] == 0
    assert found.subset(["thalamus", "cord"]).correlation[0, 1] == pytest.approx(0.3, abs=0.25)


def test_a_part_in_another_order():
    found = noise_covariance(controls(300, seed=4))
    part = found.subset(["insula", "brainstem", "thalamus"])
    assert part.biomarkers == ("insula", "brainstem", "thalamus") and part.n == 300
    assert part.matrix[0, 1] == found.matrix[3, 1] and part.matrix[2, 1] == found.matrix[2, 1]
    assert part.matrix[2, 2] == found.matrix[2, 2]
    assert part.condition_number == pytest.approx(np.linalg.cond(part.matrix))
    with pytest.raises(InputError, match="no pallidum"):
        found.subset(["cord", "pallidum"])
    with pytest.raises(InputError, match="named twice: cord"):
        found.subset(["cord", "cord"])


def test_the_table_has_every_pair_once():
    found = noise_covariance(controls(100).assign(insula=lambda t: t["insula"].where(t.index > "sub-0019")))
    table = found.table().set_index(["biomarker", "other"])
    assert len(table) == 10
    row = table.loc[("insula", "brainstem")]
    assert row["covariance"] == found.matrix[3, 1] and row["n"] == 80 and row["n_controls"] == 100
    assert row["correlation"] == pytest.approx(found.matrix[3, 1] / np.sqrt(found.matrix[3, 3] * found.matrix[1, 1]))
    assert table.loc[("cord", "cord"), "correlation"] == pytest.approx(1) and table.loc[("cord", "cord"), "n"] == 100


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.pop("matrix"),
        lambda d: d.update(matrix=[[1.0, 2.0], [2.0, 1.0]]),  # another shape
        lambda d: d["matrix"][0].__setitem__(1, 5.0),  # not symmetric
        lambda d: d.update(matrix=(np.ones((4, 4)) - 2 * np.eye(4)).tolist()),  # not positive definite
        lambda d: d["matrix"][0].__setitem__(0, float("nan")),
        lambda d: d.update(biomarkers=["cord", "cord", "thalamus", "insula"]),
        lambda d: d.update(n="many"),
        lambda d: d.update(n_pairs=[[1]]),
    ],
)
def test_damaged_covariances_are_refused(spoil):
    good = json.loads(json.dumps(noise_covariance(controls(100)).to_dict()))
    again = NoiseCovariance.from_dict(good)
    assert again.matrix.tolist() == good["matrix"] and again.biomarkers == tuple(NAMES)
    spoil(good)
    with pytest.raises(InputError, match="not a covariance"):
        NoiseCovariance.from_dict(good)


def test_unusable_z_are_refused():
    z = controls(50)
    z.iloc[7, 2] = np.inf
    with pytest.raises(InputError, match="infinite z of controls: sub-0007"):
        noise_covariance(z)
    with pytest.raises(InputError, match="no biomarkers"):
        noise_covariance(z[[]])


def test_norms_keep_the_covariance_of_out_of_sample_z(tmp_path):
    rng = np.random.default_rng(2)
    n = 400
    e = rng.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], n)
    people = pd.DataFrame(
        {
            "group": ["HC"] * 300 + ["MS"] * 100,
            "age": rng.uniform(20, 70, n),
            "sex": rng.choice(["F", "M"], n),
            "site": rng.choice(["s", "t"], n),
        },
        index=pd.Index([f"sub-{i}" for i in range(n)], name="participant_id"),
    )
    e[300:] *= 5  # the patients' covariance is another
    measures = pd.DataFrame({"a": 5000 + 100 * e[:, 0], "b": 900 - 10 * e[:, 1], "etiv": 1.5e6}, index=people.index)
    measures["etiv"] += rng.normal(0, 1e5, n)
    # b rises with disease, so that z of a and b correlate positively although the measures do the reverse
    z, norms = zscores(measures, people, "HC", {"a": "fall", "b": "rise"}, NormSettings(age="linear", site="fixed"))
    z_controls = z[people["group"] == "HC"]
    np.testing.assert_allclose(norms.covariance.matrix, oas(z_controls.to_numpy())[0])
    assert norms.covariance.n == 300 and norms.covariance.correlation[0, 1] == pytest.approx(0.7, abs=0.05)
    norms.save(tmp_path / "norms.json")
    again = Norms.load(tmp_path / "norms.json")
    assert again.covariance.biomarkers == ("a", "b")
    np.testing.assert_array_equal(again.covariance.matrix, norms.covariance.matrix)
    # norms of the first format had none, and are read
    old = json.loads((tmp_path / "norms.json").read_text())
    old["format"] = "neuraxis-norms/1"
    for key in ("covariance", "signed"):
        old.pop(key)
    for model in old["models"].values():
        model.pop("sex_codes")
    (tmp_path / "old.json").write_text(json.dumps(old))
    early = Norms.load(tmp_path / "old.json")
    assert early.covariance is None
    pd.testing.assert_frame_equal(early.apply(measures, people), norms.apply(measures, people))
    old["format"] = "neuraxis-norms/3"
    (tmp_path / "new.json").write_text(json.dumps(old))
    with pytest.raises(InputError, match="neuraxis-norms/3"):
        Norms.load(tmp_path / "new.json")
    for text in ('{"format": "neuraxis-norms/2"}', "[]", "{", "7"):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(InputError):
            Norms.load(tmp_path / "bad.json")
    assert fit_norms(measures[:300], people, {"a": "fall"}, NormSettings(age="linear")).covariance is None


def test_gaps_filled_at_once_are_those_filled_pattern_by_pattern():
    rng = np.random.default_rng(8)
    x = rng.normal(size=(40, 5)) @ rng.normal(size=(5, 5)) + [1.0, 0, -2, 5, 3]
    x[rng.random(x.shape) < 0.3] = np.nan
    x = x[~np.isnan(x).all(axis=1)]
    mean, covariance = np.array([0.5, 0.2, -1, 4, 3]), np.cov(rng.normal(size=(5, 9)))
    assert len(set(map(bytes, np.isnan(x)))) > 10 and np.isnan(x).sum(axis=1).max() >= 3
    for at_once, one_by_one in zip(
        filled_at_once(x, mean, covariance), filled_by_pattern(x, mean, covariance), strict=True
    ):
        np.testing.assert_allclose(at_once, one_by_one, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("people", [6, 30])
def test_gaps_of_few_people_and_of_many_by_either_way(monkeypatch, people):
    """The covariance of fewer people than biomarkers is singular, and is never inverted."""
    rng = np.random.default_rng(9)
    x = rng.normal(size=(people, 4)) @ rng.normal(size=(4, 8)) + 0.5 * (people > 8) * rng.normal(size=(people, 8))
    x[[0, 1, 2, 2], [0, 3, 5, 6]] = np.nan
    found = em_covariance(x)
    monkeypatch.setattr(covariance, "SINGULAR", np.inf)
    np.testing.assert_allclose(found, em_covariance(x), rtol=1e-6, atol=1e-9)
    assert np.linalg.eigvalsh(found)[0] > -1e-9


def test_gaps_beside_a_biomarker_that_is_the_same_in_everyone():
    x = np.array([[1.0, 2.0], [1.0, 4.0], [1.0, np.nan], [np.nan, 9.0]])
    np.testing.assert_allclose(em_covariance(x), [[0, 0], [0, np.var([2, 4, 9])]], atol=1e-5)
