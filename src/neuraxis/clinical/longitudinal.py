"""Follow-up scans: transitions between subtypes, reversals, and the slope of the stage."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats

from .associations import NORMAL


def scans(subtypes: pd.DataFrame, followup: pd.DataFrame, names: dict[int, str]) -> pd.DataFrame:
    """Baseline and later scans below one another, out-of-fold labels.

    Parameters
    ----------
    subtypes : DataFrame
        subtypes.tsv, indexed by participant_id.
    followup : DataFrame
        followup.tsv: participant_id, session_id, years and the columns of an assignment.
    names : dict of int to str

    Returns
    -------
    DataFrame
        participant_id, session_id, years, group, stage, stage_low, stage_high, expected_stage; people with at least
        one later scan.
    """
    columns = ["stage", "stage_low", "stage_high", "expected_stage"]
    later = followup[followup["participant_id"].isin(subtypes.index)]
    first = subtypes.loc[subtypes.index.isin(later["participant_id"])]
    first = pd.DataFrame(
        {"participant_id": first.index, "session_id": "baseline", "years": 0.0}
        | {c: first[f"oof_{c}"].to_numpy() for c in ["subtype", *columns]}
    )
    both = pd.concat([first, later], ignore_index=True)
    both["group"] = both["subtype"].map(names).where(both["stage"].astype(float) > 0, NORMAL)
    both = both[["participant_id", "session_id", "years", "group", *columns]]
    numbers = ["years", *columns]
    both[numbers] = both[numbers].astype(float)
    return both.sort_values(["participant_id", "years"], kind="stable").reset_index(drop=True)


def transitions(table: pd.DataFrame, order: list[str]) -> pd.DataFrame:
    """Group at one scan against group at the next: source, target, n, share (of the source)."""
    nxt = table.groupby("participant_id")[["group"]].shift(-1)["group"]
    pairs = pd.DataFrame({"source": table["group"], "target": nxt}).dropna()
    counts = pd.crosstab(pairs["source"], pairs["target"]).reindex(index=order, columns=order, fill_value=0)
    out = counts.stack().rename("n").reset_index()
    out["share"] = out["n"] / out.groupby("source")["n"].transform("sum").replace(0, np.nan)
    return out


def reversals(table: pd.DataFrame) -> pd.DataFrame:
    """How often does a later scan stand at an earlier stage? A check of the model's one-way street.

    Returns
    -------
    DataFrame
        quantity, n, value: pairs of consecutive scans; share at a lower stage; share whose 95 % intervals of the
        stage do not even overlap; share that changed subtype while staged at both scans; correlation of the stages.
    """
    by = table.groupby("participant_id")
    later = by[["stage", "stage_high", "stage_low", "group", "expected_stage"]].shift(-1)
    pairs = later["stage"].notna()
    now, nxt = table[pairs], later[pairs]
    n = len(now)
    staged = (now["group"] != NORMAL) & (nxt["group"] != NORMAL)
    rows = [("pairs of consecutive scans", n, float(n))]
    if n:
        rows += [
            ("share at a lower stage than before", n, float((nxt["stage"] < now["stage"]).mean())),
            (
                "share lower beyond both 95 % intervals",
                n,
                float((nxt["stage_high"] < now["stage_low"]).mean()),
            ),
            (
                "share of staged pairs that changed subtype",
                int(staged.sum()),
                float((now["group"] != nxt["group"])[staged].mean()) if staged.any() else np.nan,
            ),
            (
                "Spearman correlation of the stages",
                n,
                float(stats.spearmanr(now["expected_stage"], nxt["expected_stage"]).statistic) if n > 2 else np.nan,
            ),
        ]
    return pd.DataFrame(rows, columns=["quantity", "n", "value"])


def stage_slopes(table: pd.DataFrame, order: list[str]) -> pd.DataFrame:
    """Stages a year per baseline group, by a linear mixed model with a random intercept per person.

    Returns
    -------
    DataFrame
        group, n_people, n_scans, slope, low, high, p, reason.
    """
    first = table[table["years"] == 0].set_index("participant_id")["group"]
    data = table.assign(first=table["participant_id"].map(first)).dropna(subset=["first", "expected_stage"])
    rows, reason = [], ""
    sizes = data.groupby("first")["participant_id"].nunique()
    kept = [g for g in order if sizes.get(g, 0) >= 5]
    fit = None
    if kept:
        part = data[data["first"].isin(kept)]
        design = pd.DataFrame(
            {
                f"{kind} {g}": (part["first"] == g) * (part["years"] if kind == "slope" else 1.0)
                for kind in ("level", "slope")
                for g in kept
            }
        ).astype(float)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                fit = sm.MixedLM(part["expected_stage"], design, groups=part["participant_id"]).fit(reml=True)
            if not fit.converged:
                fit, reason = None, "the mixed model did not converge"
        except (np.linalg.LinAlgError, ValueError) as error:
            reason = f"the mixed model could not be fitted ({type(error).__name__})"
    for g in order:
        mine = data["first"] == g
        row = {
            "group": g,
            "n_people": int(sizes.get(g, 0)),
            "n_scans": int(mine.sum()),
            "slope": np.nan,
            "low": np.nan,
            "high": np.nan,
            "p": np.nan,
            "reason": reason if g in kept else "fewer than 5 people with a later scan",
        }
        if fit is not None and g in kept:
            term = f"slope {g}"
            value, error = fit.params[term], fit.bse[term]
            row |= {"slope": value, "low": value - 1.96 * error, "high": value + 1.96 * error, "p": fit.pvalues[term]}
        rows.append(row)
    return pd.DataFrame(rows)
