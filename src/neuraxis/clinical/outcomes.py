"""Outcome models: one function per type, each a direct call of statsmodels, each giving the same columns."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.stats.multitest import multipletests

from ..errors import InputError
from ..sustain import stream

#: Fewer people than this in the smaller group, and the result carries a warning.
SMALL_GROUP = 20
EFFECT = {"ordinal": "OR", "count": "rate ratio", "continuous": "standardised beta", "binary": "OR"}


@dataclass(frozen=True)
class Outcome:
    """One declared outcome.

    Parameters
    ----------
    name, column : str
    type : {"ordinal", "count", "continuous", "binary"}
    covariates : sequence of str
        Columns of participants.tsv; text columns become categories.
    exposure : str, optional
        Column with years of observation, for counts.
    family : str
        Results of one family share one false-discovery rate.
    """

    name: str
    column: str
    type: str
    covariates: tuple = field(default_factory=tuple)
    exposure: str | None = None
    family: str = "clinical"


def model_frame(
    outcome: Outcome, people: pd.DataFrame, terms: pd.DataFrame
) -> tuple[pd.Series, pd.DataFrame, pd.Series | None, pd.Index]:
    """Complete cases: outcome, design without constant (terms first), exposure, rows."""
    needed = [outcome.column, *outcome.covariates] + ([outcome.exposure] if outcome.exposure else [])
    absent = [c for c in needed if c not in people.columns]
    if absent:
        raise InputError(f"clinical outcome {outcome.name}: column {', '.join(absent)} is not in participants.tsv")
    data = people[needed].join(terms)
    data = data.dropna()
    y = data[outcome.column].astype(float)
    x = data[list(terms.columns)].astype(float)
    for c in outcome.covariates:
        if pd.api.types.is_numeric_dtype(data[c]):
            if data[c].nunique() > 1:
                x[c] = (data[c] - data[c].mean()) / data[c].std()
        else:
            dummies = pd.get_dummies(data[c], prefix=c, drop_first=True, dtype=float)
            x = x.join(dummies.loc[:, dummies.sum() >= 5])
    exposure = data[outcome.exposure].astype(float) if outcome.exposure else None
    if exposure is not None and (exposure <= 0).any():
        raise InputError(f"clinical outcome {outcome.name}: exposure {outcome.exposure} must be positive")
    return y, x, exposure, data.index


def fit_outcome(outcome: Outcome, people: pd.DataFrame, terms: pd.DataFrame) -> pd.DataFrame:
    """Fit one outcome on `terms` (subtype contrasts or stage) and the outcome's covariates.

    Returns
    -------
    DataFrame
        term, n, estimate (log scale except for continuous), se, p, reason; where no number can be given
        estimate is missing and `reason` says why.
    """
    y, x, exposure, _ = model_frame(outcome, people, terms)
    blank = pd.DataFrame(
        {"term": terms.columns, "n": len(y), "estimate": np.nan, "se": np.nan, "p": np.nan, "reason": ""}
    )

    def refuse(reason):
        return blank.assign(reason=reason)

    if len(y) == 0:
        return refuse("nobody has all the values")
    if y.nunique() < 2:
        return refuse("the outcome is constant")
    flat = [t for t in terms.columns if x[t].nunique() < 2]
    if flat:
        return refuse(f"nobody to compare with in {', '.join(flat)}")
    if len(y) < x.shape[1] + 10:
        return refuse(f"{len(y)} people for {x.shape[1]} terms")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if outcome.type == "continuous":
                fit = sm.OLS((y - y.mean()) / y.std(), sm.add_constant(x)).fit()
                converged = True
            elif outcome.type == "binary":
                fit = sm.Logit(y, sm.add_constant(x)).fit(disp=0, maxiter=200)
                converged = fit.mle_retvals["converged"]
            elif outcome.type == "count":
                offset = np.log(exposure) if exposure is not None else None
                fit = sm.NegativeBinomial(y, sm.add_constant(x), offset=offset).fit(disp=0, maxiter=500)
                converged = fit.mle_retvals["converged"]
            elif outcome.type == "ordinal":
                fit = OrderedModel(y, x, distr="logit").fit(method="bfgs", disp=0, maxiter=500)
                converged = fit.mle_retvals["converged"]
            else:
                raise InputError(f"clinical outcome {outcome.name}: unknown type {outcome.type!r}")
    except (np.linalg.LinAlgError, sm.tools.sm_exceptions.PerfectSeparationError, ValueError) as error:
        return refuse(f"the model could not be fitted ({type(error).__name__})")
    se = fit.bse[list(terms.columns)]
    if not converged or not np.isfinite(se).all() or (se > 20).any():
        return refuse("the model did not converge or the groups separate completely")
    return blank.assign(
        estimate=fit.params[list(terms.columns)].to_numpy(),
        se=se.to_numpy(),
        p=fit.pvalues[list(terms.columns)].to_numpy(),
    )


def rubin(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Pool the same model over several draws of the labels (Rubin 1987); refused where any draw was."""
    first = parts[0]
    refused = [p for p in parts if p["estimate"].isna().any()]
    if refused:
        return first.assign(
            estimate=np.nan,
            se=np.nan,
            p=np.nan,
            reason=f"{len(refused)} of {len(parts)} draws: {refused[0]['reason'].iloc[0]}",
        )
    estimates = np.stack([p["estimate"] for p in parts])
    within = np.stack([p["se"] ** 2 for p in parts]).mean(axis=0)
    m = len(parts)
    between = estimates.var(axis=0, ddof=1) if m > 1 else np.zeros(len(first))
    total = within + (1 + 1 / m) * between
    mean = estimates.mean(axis=0)
    with np.errstate(divide="ignore"):
        freedom = (m - 1) * (1 + within / np.maximum((1 + 1 / m) * between, 1e-300)) ** 2
    p = 2 * stats.t.sf(np.abs(mean) / np.sqrt(total), np.minimum(freedom, 1e6))
    return first.assign(estimate=mean, se=np.sqrt(total), p=p, n=int(np.mean([q["n"].iloc[0] for q in parts])))


def contrasts(labels: pd.Series, names: dict[int, str]) -> dict[str, pd.DataFrame]:
    """Terms of every subtype against the rest of the people."""
    return {f"{name} against the rest": pd.DataFrame({name: (labels == c).astype(float)}) for c, name in names.items()}


def associations(
    outcomes,
    people: pd.DataFrame,
    subtypes: pd.DataFrame,
    names: dict[int, str],
    *,
    prefix="oof_",
    n_draws: int = 20,
    seed: int = 1,
    key=(),
) -> pd.DataFrame:
    """Every outcome on every subtype (against the rest) and on stage within subtype, by label and by draws.

    People whose most probable stage is 0 are normal-appearing: they stay in "the rest" as their own group
    and take no part in stage effects.

    Parameters
    ----------
    outcomes : sequence of Outcome
    people : DataFrame
        participants.tsv, indexed by participant_id.
    subtypes : DataFrame
        subtypes.tsv, indexed alike; columns with `prefix` are used (out of fold by default).
    names : dict
        Subtype number to name.

    Returns
    -------
    DataFrame
        family, outcome, type, contrast, term, method (label: most probable label; draws: multiple draws of
        the label pooled by Rubin's rules), effect, estimate, low, high (95 %), p, q (BH within family and
        method), n, n_group, warning, reason.
    """
    label = subtypes[f"{prefix}subtype"].where(subtypes[f"{prefix}stage"] > 0, 0).astype(int)
    probability = subtypes[[f"{prefix}p_subtype{c}" for c in names]].to_numpy(float)
    zero = subtypes[f"{prefix}p_stage0"].to_numpy(float)
    stage = subtypes[f"{prefix}expected_stage"]
    people = people.loc[subtypes.index]
    rng = stream(seed, *key, "clinical")
    drawn = []
    everything = np.column_stack([zero, probability * (1 - zero[:, None])])
    everything /= everything.sum(axis=1, keepdims=True)
    for _ in range(n_draws):
        u = rng.random(len(subtypes))
        drawn.append(pd.Series((u[:, None] > np.cumsum(everything, axis=1)[:, :-1]).sum(axis=1), index=subtypes.index))
    rows = []
    for outcome in outcomes:
        for c, name in names.items():
            for contrast, term_of, subset in (
                ("against the rest", lambda lab, c=c: (lab == c).astype(float), lambda lab: lab >= 0),
                (
                    "stage within subtype",
                    lambda lab: (stage - stage.mean()) / max(stage.std(), 1e-9),
                    lambda lab, c=c: lab == c,
                ),
            ):

                def one(lab, outcome=outcome, term_of=term_of, subset=subset):
                    rows_in = subset(lab)
                    return fit_outcome(outcome, people[rows_in], pd.DataFrame({"term": term_of(lab)})[rows_in])

                for method, result in (("label", one(label)), ("draws", rubin([one(d) for d in drawn]))):
                    r = result.iloc[0]
                    scale = np.exp if outcome.type != "continuous" else (lambda v: v)
                    group = int((label == c).sum())
                    rows.append(
                        {
                            "family": outcome.family,
                            "outcome": outcome.name,
                            "type": outcome.type,
                            "contrast": contrast,
                            "subtype": name,
                            "method": method,
                            "effect": EFFECT[outcome.type],
                            "estimate": scale(r.estimate),
                            "low": scale(r.estimate - 1.96 * r.se),
                            "high": scale(r.estimate + 1.96 * r.se),
                            "p": r.p,
                            "n": r.n,
                            "n_group": group,
                            "warning": f"only {group} people" if group < SMALL_GROUP else "",
                            "reason": r.reason,
                        }
                    )
    table = pd.DataFrame(rows)
    table.insert(table.columns.get_loc("p") + 1, "q", np.nan)
    for _, part in table[table["p"].notna()].groupby(["family", "method"]):
        table.loc[part.index, "q"] = multipletests(part["p"], method="fdr_bh")[1]
    return table
