"""Errors clustered by site, and labels of models that have not seen a site."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from people import study
from scipy import stats

from neuraxis.clinical.contrasts import OTHERS
from neuraxis.clinical.labels import NORMAL
from neuraxis.clinical.outcomes import declare
from neuraxis.clinical.sensitivity import ANEW, CLUSTERED, refitted_versions, sensitivity

SITES = [f"s{i}" for i in range(6)]


def at_sites(n=420, **options):
    """People of six sites of different sizes, each with an offset of its own."""
    people, labels, _ = study(n=n, certainty=3.0, **options)
    rng = np.random.default_rng(4)
    people["site"] = rng.choice(SITES, n, p=[0.3, 0.25, 0.15, 0.12, 0.1, 0.08])
    people["score"] += people["site"].map(dict(zip(SITES, rng.normal(0, 1, 6), strict=True)))
    versions = {"everyone": labels}
    for s in SITES:
        versions[f"without {s}"] = labels.take(people.index[people["site"] != s])
    return people, labels, versions


def rows(table, contrast, method="label"):
    return table[(table["contrast"] == contrast) & (table["method"] == method)].set_index("analysis")


def test_errors_clustered_by_site_are_the_jackknife_over_sites():
    """By hand from direct least squares without each site: CV3, Student's t of 5 degrees of freedom."""
    people, labels, versions = at_sites(effect=0.7)
    outcome = declare("Score", "score", "continuous")
    table = sensitivity([outcome], people, labels, versions)
    got = rows(table, "any atrophy against none").loc[CLUSTERED]

    def direct(keep):
        y = people.loc[keep, "score"]
        some = 1 - labels.probability.loc[keep, NORMAL]
        x = (labels.group.loc[keep] != NORMAL).astype(float).rename("any").to_frame()
        stage = labels.stage.loc[keep]
        x["later"] = x["any"] * (stage / some.clip(lower=0.05) - stage.sum() / some.sum())
        return sm.OLS((y - y.mean()) / y.std(), sm.add_constant(x)).fit().params["any"]

    everyone = direct(people.index)
    left = np.array([direct(people.index[people["site"] != s]) for s in SITES])
    error = np.sqrt(5 / 6 * ((left - everyone) ** 2).sum())
    assert got["estimate"] == pytest.approx(everyone)
    assert [got["low"], got["high"]] == pytest.approx(
        [everyone - stats.t.ppf(0.975, 5) * error, everyone + stats.t.ppf(0.975, 5) * error]
    )
    assert got["p"] == pytest.approx(2 * stats.t.sf(abs(everyone) / error, 5))
    assert got["model"] == "OLS, jackknife over sites" and got["reason"] == ""


def test_ratios_are_clustered_on_their_own_scale():
    people, labels, versions = at_sites(effect=0.7)
    table = sensitivity([declare("Worse", "worse", "binary")], people, labels, versions)
    part = rows(table, f"two against {OTHERS}", "weighted")
    left = np.log(part.loc[[f"without {s}" for s in SITES], "estimate"].to_numpy(float))
    centre = np.log(part.loc["everyone", "estimate"])
    error = np.sqrt(5 / 6 * ((left - centre) ** 2).sum())
    got = part.loc[CLUSTERED]
    assert np.log([got["estimate"], got["low"]]) == pytest.approx([centre, centre - stats.t.ppf(0.975, 5) * error])


def test_what_hangs_on_its_site_is_not_found_when_errors_are_clustered():
    """Half of the sites have nobody with atrophy and low scores: ten times ten people are not a hundred."""
    rng = np.random.default_rng(0)
    found = {"everyone": 0, CLUSTERED: 0}
    for _ in range(6):
        people, labels, _ = study(n=240, certainty=4.0, seed=int(rng.integers(1e6)))
        site = np.where(labels.staged, rng.choice(["a", "b", "c", "d"], 240), rng.choice(["c", "d", "e", "f"], 240))
        people["site"] = site
        people["score"] = rng.standard_normal(240) + people["site"].map(
            dict(zip("abcdef", rng.normal(0, 0.7, 6), strict=True))
        )
        versions = {"everyone": labels} | {f"without {s}": labels.take(people.index[site != s]) for s in "abcdef"}
        part = rows(
            sensitivity([declare("S", "score", "continuous")], people, labels, versions), "any atrophy against none"
        )
        for name in found:
            found[name] += part.loc[name, "p"] < 0.05
    assert found["everyone"] >= 3 and found[CLUSTERED] <= 1, found


def test_too_few_sites_and_missing_refits_give_a_reason():
    people, labels, versions = at_sites()
    outcome = declare("Score", "score", "continuous")
    people["site"] = people["site"].replace({"s4": "s0", "s5": "s0", "s3": "s1"})
    few = {"everyone": labels} | {
        f"without {s}": labels.take(people.index[people["site"] != s]) for s in ("s0", "s1", "s2")
    }
    got = rows(sensitivity([outcome], people, labels, few), "any atrophy against none").loc[CLUSTERED]
    assert got["reason"] == "only 3 sites" and got[["estimate", "low", "high", "p"]].isna().all()
    people, labels, versions = at_sites()
    versions.pop("without s3")
    got = rows(sensitivity([outcome], people, labels, versions), "any atrophy against none").loc[CLUSTERED]
    assert got["reason"] == "no estimate without s3" and np.isnan(got["p"])
    people["site"] = "one"
    table = sensitivity([outcome], people, labels, {"everyone": labels})
    assert set(table["analysis"]) == {"everyone"}


def test_a_cluster_is_a_site_with_people_in_the_model():
    """Of six sites one has no scores, and one nobody staged: five clusters of atrophy, four of subtypes."""
    people, labels, _ = at_sites(effect=0.7)
    people.loc[people["site"] == "s5", "score"] = np.nan
    labels = labels.with_normal(~labels.staged | (people["site"] == "s4"))
    versions = {"everyone": labels}
    versions |= {f"without {s}": labels.take(people.index[people["site"] != s]) for s in SITES}
    table = sensitivity([declare("Score", "score", "continuous")], people, labels, versions)
    part = rows(table, "any atrophy against none")
    got, centre = part.loc[CLUSTERED], part.loc["everyone", "estimate"]
    left = part.loc[[f"without {s}" for s in SITES[:5]], "estimate"].to_numpy(float)
    error = np.sqrt(4 / 5 * ((left - centre) ** 2).sum())
    assert got["low"] == pytest.approx(centre - stats.t.ppf(0.975, 4) * error)
    assert got["p"] == pytest.approx(2 * stats.t.sf(abs(centre) / error, 4))
    few = rows(table, f"two against {OTHERS}").loc[CLUSTERED]
    assert few["reason"] == "only 4 sites" and np.isnan(few["p"])


def test_estimators_are_not_mixed_in_errors_clustered_by_site():
    """Everyone's logistic model has 46 of the rarer answer; without the site of 40 of them it is Firth's."""
    people, labels, versions = at_sites()
    people["worse"] = 0
    for s, n in zip(SITES, (40, 2, 1, 1, 1, 1), strict=True):
        mine = people.index[people["site"] == s]
        people.loc[mine[:: len(mine) // n][:n], "worse"] = 1
    part = rows(sensitivity([declare("W", "worse", "binary")], people, labels, versions), "any atrophy against none")
    assert part.loc[["everyone", "without s1", "without s0"], "model"].tolist() == [
        "logistic", "logistic", "Firth logistic",
    ]  # fmt: skip
    assert part.loc["without s0", "estimate"] > 0
    got = part.loc[CLUSTERED]
    assert got["reason"] == "another estimator without s0: Firth logistic"
    assert got[["estimate", "low", "high", "p"]].isna().all()


def test_refitted_labels_are_of_the_other_sites_people_who_are_analysed():
    table = pd.DataFrame(
        {
            "participant_id": ["a", "b", "c", "d"] * 2,
            "without": ["s2"] * 4 + ["s1"] * 4,
            "left_out": [False, True, False, False, True, False, False, False],
            "subtype": [1, 1, 2, 2, 2, 1, 1, 2],
            "normal_appearing": [False, False, False, True] * 2,
            "p_healthy": [0.1, 0.2, 0.1, 0.9] * 2,
            "p_staged_subtype1": [0.7, 0.7, 0.2, 0.05, 0.3, 0.6, 0.8, 0.05],
            "p_staged_subtype2": [0.2, 0.1, 0.7, 0.05, 0.6, 0.2, 0.1, 0.05],
            "expected_stage": [3.0, 4.0, 5.0, 0.5, 6.0, 7.0, 8.0, 0.25],
        }
    )
    got = refitted_versions(table, {1: "cortical", 2: "cord"}, pd.Index(["d", "c", "a", "b", "x"]))
    assert list(got) == [f"without s1{ANEW}", f"without s2{ANEW}"]
    labels = got[f"without s2{ANEW}"]
    assert labels.group.to_dict() == {"a": "cortical", "c": "cord", "d": NORMAL}
    assert labels.stage.to_dict() == {"a": 3.0, "c": 5.0, "d": 0.5}
    assert got[f"without s1{ANEW}"].group.to_dict() == {"b": "cortical", "c": "cortical", "d": NORMAL}
    assert got[f"without s1{ANEW}"].probability.loc["c"].tolist() == pytest.approx([0.1, 0.8, 0.1])
    assert list(refitted_versions(table, {1: "one", 2: "two"}, pd.Index(["a"]))[f"without s2{ANEW}"].group.index) == [
        "a"
    ]
