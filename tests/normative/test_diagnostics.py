"""Each check of the controls' z, at and beyond its limit, by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuraxis.normative.diagnostics import diagnose


def z_of(n, mean, sd):
    """Normal quantiles with exactly this mean and SD (n - 1)."""
    x = stats.norm.ppf((np.arange(n) + 0.5) / n)
    return mean + sd * (x - x.mean()) / x.std(ddof=1)


def people(n):
    index = pd.Index([f"sub-{i:03d}" for i in range(n)], name="participant_id")
    # sex and site cross one another and the order of z
    table = pd.DataFrame({"age": 40.0, "sex": "F", "site": "s"}, index=index)
    return table, pd.Series(1.5e6, index=index)


@pytest.mark.parametrize(
    ("n", "mean", "sd", "why"),
    [
        (100, 0.0, 1.0, ""),
        (100, 0.35, 1.0, ""),  # the limit is 2.6 / sqrt(100) + 0.1
        (100, 0.37, 1.0, "mean is not 0"),
        (100, -0.37, 1.0, "mean is not 0"),
        (100, 0.0, 0.81, ""),
        (100, 0.0, 0.79, "SD is not 1"),
        (100, 0.0, 1.24, ""),
        (100, 0.0, 1.26, "SD is not 1"),
        (100, 0.5, 2.0, "mean is not 0"),
        (20, 1.0, 1.0, "mean is not 0"),
        (19, 1.0, 2.0, ""),  # too few to judge
    ],
)
def test_mean_and_sd_are_judged_in_parts_of_twenty(n, mean, sd, why):
    who, etiv = people(n + 5)
    z = pd.DataFrame({"x": [*z_of(n, mean, sd), *z_of(5, 0, 1)]}, index=who.index)
    alone = diagnose(z[:n], who[:n], etiv)
    who.iloc[n:] = [60.0, "M", "t"]
    rows = pd.concat([alone, diagnose(z, who.iloc[::-1], etiv).query("check != 'all'")])
    for check, part in (("all", "all"), ("site", "s"), ("sex", "F"), ("age band", "30-45")):
        row = rows[(rows["check"] == check) & (rows["part"] == part)].iloc[0]
        assert row["why"] == why and row["passed"] == (why == "") and row["n"] == n
        assert row["mean"] == pytest.approx(mean) and row["sd"] == pytest.approx(sd)


def test_parts_are_the_peoples_own_whatever_the_order():
    """Site t is 1 above s; men are no different; people of one age band."""
    n = 80
    who, etiv = people(n)
    who["site"], who["sex"] = np.repeat(["s", "t"], 40), ["F", "M"] * 40
    z = pd.DataFrame({"x": np.concatenate([z_of(40, 0, 1), z_of(40, 1, 1)])}, index=who.index)
    rows = diagnose(z, who.sample(frac=1, random_state=1), etiv.sample(frac=1, random_state=2)).set_index(
        ["check", "part"]
    )
    assert rows.loc[("site", "s"), "mean"] == pytest.approx(0) and rows.loc[("site", "t"), "mean"] == pytest.approx(1)
    assert rows.loc[("site", "s"), "passed"] and rows.loc[("site", "t"), "why"] == "mean is not 0"
    site = rows.loc[("association", "site")]
    r2 = np.corrcoef(z["x"], who["site"] == "t")[0, 1] ** 2
    assert site["statistic"] == pytest.approx(r2) and site["n"] == n
    assert site["why"] == f"site explains {100 * r2:.1f} % of z" and not site["passed"]
    assert rows.loc[("association", "sex"), "passed"]
    assert ("association", "age") not in rows.index  # one age: nothing to associate


def test_an_association_fails_only_where_it_is_strong_and_sure():
    rng = np.random.default_rng(0)
    for n, slope, passed in ((30, 0.3, True), (4000, 0.1, True), (400, 0.4, False)):
        who, etiv = people(n)
        who["age"] = rng.uniform(20, 70, n)
        age = (who["age"] - who["age"].mean()) / who["age"].std()
        noise = rng.standard_normal(n)
        noise -= age * (noise @ age) / (age @ age)
        z = slope * age + noise
        row = diagnose(pd.DataFrame({"x": z}, index=who.index), who, etiv).set_index(["check", "part"])
        row = row.loc[("association", "age")]
        p = stats.pearsonr(who["age"], z)
        assert row["statistic"] == pytest.approx(p.statistic**2) and row["p"] == pytest.approx(p.pvalue)
        assert (p.statistic**2 >= 0.02) == (n != 4000) and (p.pvalue <= 0.001) == (n != 30)
        assert row["passed"] == passed


def test_shape_is_judged_by_skewness_and_kurtosis():
    who, etiv = people(200)
    for z, passed in (
        (z_of(200, 0, 1), True),
        (np.exp(z_of(200, 0, 1)), False),
        (np.where(np.arange(200) % 33 == 0, np.tile([8.0, -8.0], 100), z_of(200, 0, 1)), False),  # tails alone
        (np.where(np.arange(200) < 25, 3.6, z_of(200, 0, 1)), False),  # skewness alone
    ):
        z = pd.Series(z, index=who.index)
        rows = diagnose(pd.DataFrame({"x": z}), who, etiv).set_index("check")
        assert rows.loc["normality", "mean"] == pytest.approx(stats.skew(z))
        assert rows.loc["normality", "sd"] == pytest.approx(stats.kurtosis(z))
        assert rows.loc["normality", "passed"] == passed, (stats.skew(z), stats.kurtosis(z))


def test_everyone_is_counted_once():
    """The only site, sex and band of age are everyone: no check of their own, as there is of several."""
    rng = np.random.default_rng(0)
    who = pd.DataFrame({"age": rng.uniform(31, 44, 60), "sex": "F", "site": "A"}, index=[f"p{i}" for i in range(60)])
    etiv, z = pd.Series(1.5e6, index=who.index), pd.DataFrame({"x": rng.normal(size=60)}, index=who.index)
    kinds = {"site", "sex", "age band"}
    assert not kinds & set(diagnose(z, who, etiv)["check"])
    who.iloc[:30, :] = [20.0, "M", "B"]
    rows = diagnose(z, who, etiv)
    assert {k: int((rows["check"] == k).sum()) for k in kinds} == dict.fromkeys(kinds, 2)
