"""Site, sex, age and head size left in the labels."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuraxis.clinical.effects import cramers_v
from neuraxis.clinical.nuisance import nuisance


def labelled(n=300, seed=0):
    """Labels and stages that follow nothing."""
    rng = np.random.default_rng(seed)
    index = pd.Index([f"p{i}" for i in range(n)], name="participant_id")
    people = pd.DataFrame(
        {"site": rng.choice([1, 2, 3], n), "sex": rng.choice(["F", "M"], n), "age": rng.normal(40, 10, n)}, index
    )
    group = pd.Series(rng.choice(["normal", "one", "two"], n), index)
    return people, pd.Series(rng.normal(1.5e6, 1e5, n), index), group, pd.Series(rng.gamma(2, 3, n), index)


def test_what_is_planted_is_found_and_nothing_else():
    people, etiv, group, stage = labelled()
    none = nuisance(people, etiv, group, stage, "normal")
    assert len(none) == 8 and (none["p_holm"] > 0.05).all() and (none["reason"] == "").all()
    group = group.mask((people["site"] == 2) & (group == "one"), "two")
    stage = stage + (etiv - etiv.mean()) / 3e4
    table = nuisance(people, etiv, group, stage, "normal").set_index(["label", "variable"])
    found = table.index[table["p_holm"] < 0.05]
    assert set(found) == {("subtype", "site"), ("stage", "etiv")}
    staged = group != "normal"
    direct = stats.chi2_contingency(pd.crosstab(group[staged], people["site"][staged]), correction=False)
    site = table.loc[("subtype", "site")]
    assert site["p"] == pytest.approx(direct.pvalue) and site["n"] == staged.sum()
    assert table.loc[("stage", "etiv"), "estimate"] == pytest.approx(stats.spearmanr(stage, etiv)[0])


def test_why_nothing_was_tested_is_one_reason():
    people, etiv, group, stage = labelled(40)
    table = nuisance(people.assign(site="a"), etiv * np.nan, group, stage, "normal").set_index(["label", "variable"])
    for label in ("subtype", "stage"):
        assert table.loc[(label, "site"), "reason"] == "everyone is alike"
        assert table.loc[(label, "etiv"), ["reason", "n"]].tolist() == ["nobody's is known", 0]
        assert table.loc[[(label, "site"), (label, "etiv")], "p"].isna().all()
        assert table.loc[(label, "age"), "reason"] == ""
    assert table.loc[("stage", "age"), "p"] <= table.loc[("stage", "age"), "p_holm"]
    few = nuisance(people, etiv, group.where(group == "normal", "one").mask(stage > -1, "normal"), stage, "normal")
    few = few.set_index(["label", "variable"])["reason"]  # nobody is staged
    assert set(few["subtype"]) == {"too few people"} and set(few["stage"]) == {""}
    same = nuisance(people, etiv, group.mask(group != "normal", "one"), stage * 0, "normal")
    assert set(same["reason"]) == {"everyone is alike"}


def test_sparse_tables_have_one_p():
    a, b = pd.Series(list("xxxxyyyyyy")), pd.Series(list("MMMFFFFFFF"))
    assert cramers_v(a, b)["p"] == pytest.approx(stats.fisher_exact(pd.crosstab(a, b).to_numpy()).pvalue)
    # scipy's simulated test gives an array for this one
    counts = {"x": "aa", "y": "a", "z": "abbc"}
    a = pd.Series([g for g, values in counts.items() for _ in values])
    found = cramers_v(a, pd.Series(list("".join(counts.values()))))
    assert found["model"] == "Fisher's exact test" and 0 < found["p"] <= 1
