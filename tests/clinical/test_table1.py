"""Table 1: counts, quartiles, differences without missing values."""

import numpy as np
import pandas as pd
import pytest

from neuraxis.clinical.table1 import table_one


def people():
    rng = np.random.default_rng(0)
    group = pd.Series(["one"] * 60 + ["two"] * 40 + ["three"] * 30, index=[f"p{i}" for i in range(130)])
    frame = pd.DataFrame({"score": rng.normal(0, 1, 130)}, index=group.index)
    frame["drug"] = rng.choice(["x", "y", "z"], 130)
    frame.loc[group == "two", "score"] += 1
    return frame, group


def test_counts_medians_and_the_largest_difference():
    frame, group = people()
    frame.iloc[:7, 0] = np.nan
    table = table_one(frame, group, ["score", "drug"], ["three", "one", "two"])
    score = table[table["variable"].str.startswith("score")].iloc[0]
    assert int(score["missing"]) == 7 and table.columns.tolist()[4:7] == ["three", "one", "two"]
    medians = frame["score"].groupby(group).median()
    assert all(score[g].startswith(f"{medians[g]:.1f}") for g in ("one", "two", "three"))
    means, spread = (getattr(frame["score"].groupby(group), f)() for f in ("mean", "var"))
    pairs = [("one", "two"), ("one", "three"), ("two", "three")]
    smd = [abs(means[a] - means[b]) / np.sqrt((spread[a] + spread[b]) / 2) for a, b in pairs]
    assert score["largest_smd"] == pytest.approx(max(smd), abs=1e-3)


def test_missing_categories_and_absent_groups_enter_no_difference():
    frame, group = people()
    full = table_one(frame, group, ["drug"], ["one", "two", "three"])
    # unknown for everyone in one group, and for a third of another, at random
    frame.loc[group == "three", "drug"] = np.nan
    frame.loc[group[group == "two"].index[::3], "drug"] = np.nan
    table = table_one(frame, group, ["drug"], ["one", "two", "three"])
    assert not table["level"].astype(str).str.contains("None|nan|n/a").any()
    known = pd.crosstab(frame["drug"], group, normalize="columns")
    a, b = known["one"].to_numpy()[1:], known["two"].to_numpy()[1:]
    cov = [np.diag(p) - np.outer(p, p) for p in (a, b)]
    smd = np.sqrt((a - b) @ np.linalg.inv((cov[0] + cov[1]) / 2) @ (a - b))
    assert table["largest_smd"].max() == pytest.approx(smd, abs=2e-3)
    assert full["largest_smd"].max() < 0.7
