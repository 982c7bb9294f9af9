"""Follow-up scans: transitions, reversals, and change of stage and of mean z free of regression to the mean.

People grouped by the very stage whose change is measured go back to the mean: those who stood high by chance fall, those
who stood low rise, without anything changing. Here a person's group for slopes and changes is that of all scans together
(mean of their probabilities), which the order of the scans cannot influence: where nothing changes, the expected slope
of every group is 0.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats

from ..labels import NORMAL, group_of, probabilities

#: Fewer people than this in a group, and there is no slope.
LEAST = 5
#: Ends of the bins of years between first and later scan, as in the study.
BINS = (0.0, 1.5, 2.5, 3.5)
SLOPES = ("group", "n_people", "n_scans", "slope", "low", "high", "p", "reason", "quantity")
CHANGES = ("group", "years", "quantity", "n", "change", "low", "high", "sd")


def scans(
    subtypes: pd.DataFrame, followup: pd.DataFrame, names: dict[int, str], mean_z: pd.Series | None = None
) -> pd.DataFrame:
    """Baseline and later scans below one another, out-of-fold labels.

    Parameters
    ----------
    subtypes : DataFrame
        subtypes.tsv, indexed by participant_id.
    followup : DataFrame
        followup.tsv: participant_id, session_id, years and the columns of an assignment.
    names : dict of int to str
    mean_z : Series, optional
        Indexed by participant_id and session_id ("baseline" for the first).

    Returns
    -------
    DataFrame
        participant_id, session_id, years, group, stage, stage_low, stage_high, expected_stage, mean_z, group_all (of
        all scans of the person together); people with at least one later scan.
    """
    columns = ["stage", "stage_low", "stage_high", "expected_stage"]
    later = followup[followup["participant_id"].isin(subtypes.index)]
    first = subtypes.loc[subtypes.index.isin(later["participant_id"])]
    first = first[[c for c in first if c.startswith("oof_")]].rename(columns=lambda c: c.removeprefix("oof_"))
    first = first.rename_axis("participant_id").reset_index().assign(session_id="baseline", years=0.0)
    both = pd.concat([first, later], ignore_index=True) if len(later) else first
    both["years"] = both["years"].astype(float)
    both = both.sort_values(["participant_id", "years"], kind="stable").reset_index(drop=True)
    if both.empty:
        return pd.DataFrame(columns=["participant_id", "session_id", "years", "group", *columns, "mean_z", "group_all"])
    both["group"] = group_of(both, names)
    p = probabilities(both, names).groupby(both["participant_id"]).mean()
    staged = p.drop(columns=NORMAL)
    together = staged.idxmax(axis=1).where(p[NORMAL] < 0.5, NORMAL)
    both["group_all"] = both["participant_id"].map(together)
    keys = pd.MultiIndex.from_frame(both[["participant_id", "session_id"]])
    both["mean_z"] = np.nan if mean_z is None else mean_z.reindex(keys).to_numpy(float)
    both[columns] = both[columns].astype(float)
    return both[["participant_id", "session_id", "years", "group", *columns, "mean_z", "group_all"]]


def transitions(table: pd.DataFrame, order: list[str]) -> pd.DataFrame:
    """Group at one scan (source) against group at the next (target): n, share (of the source)."""
    nxt = table.groupby("participant_id")["group"].shift(-1)
    pairs = pd.DataFrame({"source": table["group"], "target": nxt}).dropna()
    counts = pd.crosstab(pairs["source"], pairs["target"]).reindex(index=order, columns=order, fill_value=0)
    out = counts.rename_axis("source").rename_axis("target", axis=1).stack().rename("n").reset_index()
    out["share"] = out["n"] / out.groupby("source")["n"].transform("sum").replace(0, np.nan)
    return out


def reversals(table: pd.DataFrame) -> pd.DataFrame:
    """How often does a later scan stand at an earlier stage? A check of the model's one-way street.

    Returns
    -------
    DataFrame
        quantity, n, value: pairs of consecutive scans; of those staged at both, the share at a lower stage, the share
        whose 95 % intervals of the stage do not even overlap, and the share that changed subtype; the share of staged
        scans followed by a normal-appearing one; correlation of the stages over all pairs.
    """
    by = table.groupby("participant_id")
    later = by[["stage", "stage_high", "stage_low", "group", "expected_stage"]].shift(-1)
    pairs = later["stage"].notna()
    now, nxt = table[pairs], later[pairs]
    n = len(now)
    rows = [("pairs of consecutive scans", n, float(n))]
    if n:
        from_staged = now["group"] != NORMAL
        staged = from_staged & (nxt["group"] != NORMAL)

        def share(what, of):
            return int(of.sum()), float(what[of].mean()) if of.any() else np.nan

        rho = stats.spearmanr(now["expected_stage"], nxt["expected_stage"]).statistic if n > 2 else np.nan
        rows += [
            ("share of staged pairs at a lower stage than before", *share(nxt["stage"] < now["stage"], staged)),
            (
                "share of staged pairs lower beyond both 95 % intervals",
                *share(nxt["stage_high"] < now["stage_low"], staged),
            ),
            ("share of staged pairs that changed subtype", *share(now["group"] != nxt["group"], staged)),
            ("share of staged scans followed by a normal-appearing one", *share(nxt["group"] == NORMAL, from_staged)),
            ("Spearman correlation of the stages", n, float(rho)),
        ]
    return pd.DataFrame(rows, columns=["quantity", "n", "value"])


def stage_slopes(table: pd.DataFrame, order: list[str], quantities=("expected_stage", "mean_z")) -> pd.DataFrame:
    """Change a year per group: least squares within persons, errors clustered by person, each group its own variance.

    A person's intercept is his own (fixed effect), so nothing is assumed of levels; p and intervals are Student's t
    with people - 1 degrees of freedom.

    Returns
    -------
    DataFrame
        group (of all scans together), n_people, n_scans, slope, low, high, p, reason, quantity (stage, mean z).
    """
    rows = []
    for quantity in quantities:
        for g in order:
            data = table[table["group_all"] == g].dropna(subset=[quantity, "years"])
            data = data[data.groupby("participant_id")["years"].transform("nunique") > 1]
            people = data["participant_id"].nunique()
            row = dict.fromkeys(SLOPES, np.nan) | {"group": g, "n_people": people, "n_scans": len(data), "reason": ""}
            row["quantity"] = {"expected_stage": "stage", "mean_z": "mean z"}.get(quantity, quantity)
            by = data.groupby("participant_id")
            x, y = (data[c].astype(float) - by[c].transform("mean") for c in ("years", quantity))
            if people < LEAST:
                row["reason"] = f"fewer than {LEAST} people with a later scan"
            elif np.ptp(y) == 0:
                row["reason"] = "nothing changes"
            else:
                fit = sm.OLS(y, x.to_frame("slope")).fit(
                    cov_type="cluster", cov_kwds={"groups": pd.factorize(data["participant_id"])[0]}, use_t=True
                )
                low, high = fit.conf_int().loc["slope"]
                row |= {"slope": fit.params["slope"], "low": low, "high": high, "p": fit.pvalues["slope"]}
            rows.append(row)
    return pd.DataFrame(rows, columns=list(SLOPES))


def changes(table: pd.DataFrame, order: list[str], quantities=("expected_stage", "mean_z")) -> pd.DataFrame:
    """Change from the first scan, by years in between (about 1, 2 and 3, as the study did) and group of all scans.

    Returns
    -------
    DataFrame
        group, years (1, 2, 3: nearest), quantity, n, change (mean), low, high (95 %, Student's t), sd.
    """
    first = table[table["session_id"] == "baseline"].set_index("participant_id")
    later = table[table["session_id"] != "baseline"]
    year = pd.cut(later["years"].astype(float), list(BINS), labels=[1, 2, 3])
    once = ~pd.DataFrame({"who": later["participant_id"], "year": year}).duplicated()  # a person counts once in a bin
    later, year = later[once], year[once]
    rows = []
    for quantity in quantities:
        change = later[quantity] - later["participant_id"].map(first[quantity])
        for g in order:
            for y in (1, 2, 3):
                v = change[(later["group_all"] == g) & (year == y)].dropna()
                n, sd = len(v), float(v.std()) if len(v) > 1 else np.nan
                half = stats.t.ppf(0.975, n - 1) * sd / np.sqrt(n) if n > 1 else np.nan
                mean = float(v.mean()) if n else np.nan
                name = {"expected_stage": "stage", "mean_z": "mean z"}.get(quantity, quantity)
                rows.append((g, y, name, n, mean, mean - half, mean + half, sd))
    return pd.DataFrame(rows, columns=list(CHANGES))
