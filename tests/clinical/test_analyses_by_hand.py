"""Sensitivity analyses and the whole of a disease: who takes part, what is compared, which column means what."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuraxis.clinical import sensitivity as module
from neuraxis.clinical.outcomes import count, declare
from neuraxis.clinical.sensitivity import CLUSTERED, JACKKNIFE, METHODS, refitted_versions, sensitivity, versions_of
from neuraxis.clinical.study import ClinicalInputs, mean_z, splits_of, values_of
from neuraxis.clinical.table1 import table_one
from neuraxis.labels import NORMAL, THIRDS, Labels


def certain(sizes):
    group = pd.Series([g for g, n in sizes.items() for _ in range(n)])
    group.index = [f"p{i:03d}" for i in range(len(group))]
    p = pd.DataFrame({g: (group == g).astype(float) for g in [NORMAL, *(g for g in sizes if g != NORMAL)]})
    return Labels(group, p, pd.Series(np.arange(len(group)) % 7 + 1.0, group.index).mask(group == NORMAL, 0.0))


# ---------------------------------------------------------------- versions


def test_every_analysis_has_its_own_people():
    labels = certain({NORMAL: 2, "a": 3, "b": 3})
    index = labels.group.index
    subtypes = pd.DataFrame(
        {"oof_confident": [False, True, True, False, True, False, True, True], "above_controls": [False, True, True, True, False, True, True, False]}, index
    )[::-1]  # fmt: skip
    qc = pd.DataFrame(
        {"participant_id": ["p003", "p001", "p006", "x"], "decision": ["flagged", "excluded", "flagged", "flagged"]}
    )
    site = pd.Series(["s", "t", "s", "t", None, "s", "t", "s"], index)
    got = versions_of(labels, subtypes, qc, site)
    assert list(got) == [
        "everyone",
        "without low-confidence people",
        "without flagged scans",
        "stage 0 calibrated on controls",
        "without s",
        "without t",
    ]
    who = {k: [int(p[1:]) for p in v.group.index] for k, v in got.items()}
    # the normal-appearing need no confidence in a subtype
    assert who["without low-confidence people"] == [0, 1, 2, 4, 6, 7] and who["without flagged scans"] == [
        0,
        1,
        2,
        4,
        5,
        7,
    ]
    assert who["without s"] == [1, 3, 4, 6] and who["without t"] == [0, 2, 4, 5, 7]
    calibrated = got["stage 0 calibrated on controls"].group
    # 1 stood above the controls after all, 4 and 7 did not
    assert calibrated.tolist() == [NORMAL, "a", "a", "a", NORMAL, "b", "b", NORMAL]
    assert "without s" not in versions_of(labels, subtypes, qc, site.replace("t", "s"))


# ---------------------------------------------------------------- clustered by site


def row(analysis, estimate, n=100, model="OLS", **more):
    base = {"analysis": analysis, "outcome": "o", "subtype": "a", "method": "label", "effect": "beta", "estimate": estimate, "p": 0.01, "n": n,
            "n_events": 0, "model": model, "reason": "", "low": 0.1, "high": 0.9, "kind": "subtype", "contrast": "a against b", "against": "b"}  # fmt: skip
    return base | more


SITES = [f"without s{i}" for i in range(5)]
LEFT = [0.5, 0.6, 0.75, 0.4, 0.55]


def clustered(everyone, left, outcome=None, without=SITES, others=()):
    found = module._clustered(outcome or declare("o", "y", "continuous"), [*others, everyone, *left], list(without))
    assert all(r["analysis"] == CLUSTERED for r in found)
    return pd.DataFrame(found)


def test_the_jackknife_over_five_sites_by_hand():
    left = [row(s, v, n=90 - i) for i, (s, v) in enumerate(zip(SITES, LEFT, strict=True))]
    # rows of another outcome, contrast, kind or method, and of an analysis that leaves out no site, are not its own
    others = [
        row(SITES[0], 9.0, n=50, **m)
        for m in ({"outcome": "p"}, {"contrast": "c"}, {"kind": "stage"}, {"method": "weighted"})
    ]
    others.append(row("without flagged scans", 9.0, n=50))
    got = clustered(row("everyone", 0.58), left, others=others).iloc[0]
    error = np.sqrt(4 / 5 * sum((v - 0.58) ** 2 for v in LEFT))
    half = stats.t.ppf(0.975, 4) * error
    assert got[["estimate", "low", "high"]].tolist() == pytest.approx([0.58, 0.58 - half, 0.58 + half])
    assert got["p"] == pytest.approx(2 * stats.t.sf(0.58 / error, 4)) and got["model"] == f"OLS, {JACKKNIFE}"
    binary = declare("o", "y", "binary")
    ratio = clustered(row("everyone", 0.5), left, binary).iloc[0]
    error = np.sqrt(4 / 5 * sum((np.log(v) - np.log(0.5)) ** 2 for v in LEFT))
    ends = np.log(0.5) + np.array([-1, 1]) * stats.t.ppf(0.975, 4) * error
    assert ratio[["low", "high"]].tolist() == pytest.approx(np.exp(ends).tolist())
    assert ratio["p"] == pytest.approx(2 * stats.t.sf(-np.log(0.5) / error, 4))
    same = clustered(row("everyone", 0.5), [row(s, 0.5, n=80) for s in SITES]).iloc[0]
    assert np.isnan(same["p"]) and same["low"] == same["high"] == 0.5


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({4: {"n": 100}}, "only 4 sites"),  # nobody of the last is in this model
        ({2: {"estimate": np.nan}}, "no estimate without s2"),
        ({3: {"model": "Firth"}}, "another estimator without s3: Firth"),
        ({1: {"estimate": np.nan}, 3: {"model": "Firth"}}, "no estimate without s1"),
        ({1: {"model": "Huber"}, 3: {"model": "Firth"}}, "another estimator without s1: Huber"),
    ],
)
def test_why_errors_are_not_clustered(changes, reason):
    left = [row(s, v, n=90) | changes.get(i, {}) for i, (s, v) in enumerate(zip(SITES, LEFT, strict=True))]
    got = clustered(row("everyone", 0.58), left).iloc[0]
    assert got["reason"] == reason and got[["estimate", "low", "high", "p"]].isna().all() == bool(reason)
    gone = clustered(row("everyone", np.nan, reason="few"), left).iloc[0]
    assert gone["reason"] == "few" and gone["model"] == "OLS"
    assert module._clustered(declare("o", "y", "continuous"), [row("everyone", 0.5)], SITES[:1]) == []
    assert len(module._clustered(declare("o", "y", "continuous"), [row("everyone", 0.5)], SITES[:2])) == 1


# ---------------------------------------------------------------- all of them


def test_site_is_a_covariate_where_it_is_none_yet():
    labels = certain({NORMAL: 20, "a": 22, "b": 18, "c": 16})
    rng = np.random.default_rng(1)
    n = len(labels.group)
    people = pd.DataFrame({"y": rng.normal(size=n), "site": rng.choice(["s", "t"], n)}, labels.group.index)
    plain = declare("o", "y", "continuous")
    table = sensitivity([plain, declare("d", "site", "categorical")], people[::-1], labels, {"everyone": labels})
    assert table["analysis"].drop_duplicates().tolist() == ["everyone", "site as covariate", CLUSTERED] and set(
        table["outcome"]
    ) == {"o"}
    first = table[table["analysis"] == "everyone"]
    # pairs repeat what stands against all others
    assert first["contrast"].drop_duplicates().tolist() == [
        *(f"{g} against the other subtypes" for g in "abc"), "stage, at the same subtype", "any atrophy against none"
    ]  # fmt: skip
    assert first["method"].tolist() == list(METHODS) * 5 and first["n"].tolist() == [56] * 8 + [76] * 2
    assert first["against"].tolist()[::2] == ["the other subtypes"] * 3 + ["", NORMAL]
    adjusted = table[table["analysis"] == "site as covariate"]
    by = ["contrast", "method"]
    assert not np.allclose(adjusted.set_index(by)["estimate"], first.set_index(by)["estimate"])
    own = declare("o", "y", "continuous", ["site"])
    assert "site as covariate" not in set(sensitivity([own], people, labels, {"everyone": labels})["analysis"])
    one = sensitivity([plain], people.assign(site="s"), labels, {"everyone": labels})
    assert set(one["analysis"]) == {"everyone"}
    two = certain({NORMAL: 20, "a": 22, "b": 18})
    pair = sensitivity([plain], people.loc[two.group.index].assign(site="s"), two, {"everyone": two})
    assert pair["contrast"].drop_duplicates().tolist()[0] == "a against b"


def test_labels_of_refitted_models_are_by_site_in_order():
    table = pd.DataFrame(
        {"participant_id": list("abab"), "without": ["z", "z", "c", "c"], "left_out": ["False", "True", "True", "False"], "subtype": [1, 2, 1, 2],
         "normal_appearing": False, "p_healthy": 0.0, "p_staged_subtype1": [1.0, 0, 1, 0], "p_staged_subtype2": [0.0, 1, 0, 1],
         "expected_stage": [1.0, 2, 3, 4]}
    )  # fmt: skip
    got = refitted_versions(table, {1: "x", 2: "y"}, pd.Index(["b", "a"]))
    assert [(k.split(",")[0], v.group.to_dict()) for k, v in got.items()] == [
        ("without c", {"b": "y"}),
        ("without z", {"a": "x"}),
    ]


# ---------------------------------------------------------------- the disease


def inputs(**more):
    z = pd.DataFrame(
        {"group": "MS", "u": [1.0, 2, 9], "v": [2.0, 4, 0], "w": [9.0, np.nan, 3], "years": 99.0},
        pd.Index(list("cab"), name="participant_id"),
    )
    later = pd.DataFrame(
        {
            "participant_id": ["a", "b"],
            "session_id": ["s2", "s2"],
            "u": [1.0, 3],
            "v": [1.0, np.nan],
            "w": [7.0, 5],
            "years": 1.0,
        }
    )
    given = dict.fromkeys(
        ("participants", "visits", "relapses", "etiv", "qc", "subtypes", "followup", "names", "biomarkers", "claims")
    )
    return ClinicalInputs(**(given | {"zscores": z, "zscores_followup": later} | more))


def test_the_mean_z_of_a_scan_is_of_the_measures_that_it_has():
    got = mean_z(inputs())
    assert got.to_dict() == pytest.approx(
        {("c", "baseline"): 4, ("a", "baseline"): 3, ("b", "baseline"): 4, ("a", "s2"): 3, ("b", "s2"): 4}
    )
    assert got.index.names == ["participant_id", "session_id"]
    # what is known of nobody later takes no part at first either; what is known of one does
    less = mean_z(inputs(zscores_followup=inputs().zscores_followup.assign(w=np.nan)))
    assert less["c", "baseline"] == 1.5 and less["b", "s2"] == 3
    alone = mean_z(inputs(zscores_followup=inputs().zscores_followup[:0]))
    assert len(alone) == 3 and alone["c", "baseline"] == 4
    assert list(values_of(inputs().zscores)) == ["u", "v", "w"]


def test_fifteen_people_of_a_subtype_are_split_into_thirds_of_their_own():
    got = splits_of(certain({NORMAL: 5, "a": 15, "b": 14}))
    assert list(got) == ["subtype", "stage", "stage in a"]
    group, drawn, compared = got["stage in a"]
    assert drawn == list(THIRDS) == compared and (group[:5] == "").all() and (group[20:] == "").all()
    assert set(group[5:20]) == set(THIRDS) and got["subtype"][1:] == ([NORMAL, "a", "b"], ["a", "b"])
    assert list(splits_of(certain({NORMAL: 5, "a": 40}))) == ["subtype", "stage"]


# ---------------------------------------------------------------- table 1, counts


def test_table_one_shows_groups_that_are_there_and_the_largest_difference_of_all_pairs():
    group = pd.Series(["x"] * 4 + ["y"] * 4 + ["z"] * 4, [f"p{i:02d}" for i in range(12)])
    people = pd.DataFrame(
        {
            "score": [1.0, 2, 3, 4, 2, 3, 4, 5, 11, 12, 13, 14],
            "yes": [0, 1] * 6,
            "gone": [np.nan] * 4 + [1.0, 2, 3, 4] * 2,
        },
        group.index,
    )
    got = table_one(people[::-1], group, ["score", "yes", "gone"], ["z", "w", "x", "y"]).set_index("variable")
    assert list(got.columns) == ["level", "missing", "all", "z", "x", "y", "largest_smd"]
    score = got.loc["score, median [Q1,Q3]"]
    assert score["largest_smd"] == pytest.approx(10 / np.sqrt(5 / 3), abs=1e-3) and score["z"].startswith(
        "12.5 [11.8,13.2]"
    )
    assert int(got.loc["gone, median [Q1,Q3]", "missing"]) == 4 and pd.isna(got.loc["gone, median [Q1,Q3]", "x"])
    assert set(got.loc["yes, n (%)", "level"]) == {"0", "1"} and (got.loc["yes, n (%)", "z"] == "2 (50.0)").all()


@pytest.mark.parametrize(("errors", "fits"), [([0.1, 0.2], True), ([0.1, np.nan], False), ([np.nan, np.nan], False)])
def test_a_negative_binomial_without_all_its_errors_has_not_converged(monkeypatch, errors, fits):
    names = ["a", "b"]
    made = SimpleNamespace(
        mle_retvals={"converged": True}, bse=pd.Series(errors, names), params=pd.Series([1.0, 2], names), llf=-3.0,
        cov_params=lambda: pd.DataFrame(np.eye(2), names, names),
    )  # fmt: skip
    stub = lambda *a, **k: SimpleNamespace(fit=lambda **options: made)  # noqa: E731
    monkeypatch.setattr(count.sm, "NegativeBinomial", stub)
    outcome = declare("o", "y", "count")
    x = pd.DataFrame({"a": [0.0, 1], "b": [1.0, 3]})
    got = outcome.fit_with("negative binomial", pd.Series([1.0, 2]), x, names, SimpleNamespace(exposure=None))
    assert (got is not None) is fits and (not fits or got.log_likelihood == -3)
    made.mle_retvals["converged"] = False
    assert outcome.fit_with("negative binomial", pd.Series([1.0, 2]), x, names, SimpleNamespace(exposure=None)) is None
