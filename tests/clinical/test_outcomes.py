"""Outcome models equal direct calls; draws repair what hard labels attenuate; degenerate input gets a reason."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.miscmodels.ordinal_model import OrderedModel

from neuraxis.clinical.outcomes import Outcome, associations, fit_outcome, rubin


def people(n=400, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"age": rng.normal(40, 10, n), "sex": rng.choice(["F", "M"], n), "years": rng.uniform(1, 8, n)},
        index=[f"p{i}" for i in range(n)],
    )
    group = pd.Series((rng.random(n) < 0.4).astype(float), index=frame.index)
    frame["score"] = 50 - 5 * group + 8 * rng.standard_normal(n)
    frame["edss"] = (np.clip(2 + 0.8 * group + rng.logistic(0, 0.8, n), 0, 8) * 2).round() / 2
    frame["relapses"] = rng.poisson(np.exp(-0.5 + 0.5 * group) * frame["years"] * rng.gamma(2, 0.5, n))
    frame["worse"] = (rng.random(n) < 1 / (1 + np.exp(1 - group))).astype(float)
    return frame, pd.DataFrame({"g": group})


def test_models_equal_direct_calls():
    frame, terms = people()
    x = terms.assign(age=(frame["age"] - frame["age"].mean()) / frame["age"].std())
    z = (frame["score"] - frame["score"].mean()) / frame["score"].std()
    direct = {
        "continuous": (sm.OLS(z, sm.add_constant(x)).fit(), "score", None),
        "binary": (sm.Logit(frame["worse"], sm.add_constant(x)).fit(disp=0), "worse", None),
        "count": (
            sm.NegativeBinomial(frame["relapses"], sm.add_constant(x), offset=np.log(frame["years"])).fit(
                disp=0, maxiter=500
            ),
            "relapses",
            "years",
        ),
        "ordinal": (
            OrderedModel(frame["edss"], x, distr="logit").fit(method="bfgs", disp=0, maxiter=500),
            "edss",
            None,
        ),
    }
    for kind, (model, column, exposure) in direct.items():
        got = fit_outcome(Outcome("o", column, kind, ("age",), exposure), frame, terms).iloc[0]
        assert got["estimate"] == pytest.approx(model.params["g"], rel=1e-4), kind
        assert got["se"] == pytest.approx(model.bse["g"], rel=1e-3), kind
        assert got["p"] == pytest.approx(model.pvalues["g"], rel=1e-2), kind


def test_degenerate_input_gets_a_reason_not_a_number():
    frame, terms = people(60)
    cases = [
        (frame.assign(score=3.0), terms, "continuous", "score", "constant"),
        (frame.assign(score=np.nan), terms, "continuous", "score", "nobody"),
        (frame, terms * 0, "continuous", "score", "nobody to compare"),
        (frame.assign(worse=terms["g"]), terms, "binary", "worse", "separate|could not"),
        (frame.iloc[:8], terms, "continuous", "score", "8 people"),
    ]
    for data, t, kind, column, words in cases:
        got = fit_outcome(Outcome("o", column, kind), data, t)
        assert got["estimate"].isna().all()
        assert pd.Series(got["reason"]).str.contains(words).all()


def test_rubin_adds_the_spread_between_draws():
    part = lambda v: pd.DataFrame({"term": ["g"], "n": [50], "estimate": [v], "se": [0.2], "p": [0.1], "reason": [""]})  # noqa: E731
    pooled = rubin([part(v) for v in (0.0, 0.4, 0.8)]).iloc[0]
    assert pooled["estimate"] == pytest.approx(0.4)
    assert pooled["se"] == pytest.approx(np.sqrt(0.04 + (1 + 1 / 3) * 0.16))
    assert rubin([part(0.1), part(np.nan).assign(reason="why")]).iloc[0]["reason"].endswith("why")


def test_associations_table():
    frame, terms = people(500)
    g = terms["g"].to_numpy()
    sure = 0.85
    subtypes = pd.DataFrame(
        {
            "oof_subtype": np.where(g == 1, 2, 1),
            "oof_stage": 5,
            "oof_p_subtype1": np.where(g == 1, 1 - sure, sure),
            "oof_p_subtype2": np.where(g == 1, sure, 1 - sure),
            "oof_p_stage0": 0.0,
            "oof_expected_stage": np.linspace(1, 9, 500),
        },
        index=frame.index,
    )
    table = associations(
        [
            Outcome("Score", "score", "continuous", ("age",), family="f"),
            Outcome("Worse", "worse", "binary", family="f"),
        ],
        frame,
        subtypes,
        {1: "one", 2: "two"},
        n_draws=10,
    )
    assert len(table) == 2 * 2 * 2 * 2
    row = table.query("outcome == 'Score' and subtype == 'two' and contrast == 'against the rest'").set_index("method")
    assert row.loc["label", "estimate"] < -0.3 and row.loc["label", "q"] < 0.05
    # labels drawn at 85 % certainty must be more cautious than labels taken as certain
    assert abs(row.loc["draws", "estimate"]) < abs(row.loc["label", "estimate"])
    assert (row["low"] < row["estimate"]).all() and (row["estimate"] < row["high"]).all()
    known = table.dropna(subset="p")
    assert (known["q"] >= known["p"] - 1e-12).all()
