"""What subtype and stage add to the prediction of an event in people who were not used to fit it."""

from __future__ import annotations

import warnings

import lifelines
import numpy as np
import pandas as pd
from lifelines.utils import concordance_index
from sklearn.model_selection import RepeatedStratifiedKFold

from ..labels import NORMAL, Labels
from ..progress import steps
from .cases import at_risk

COLUMNS = (
    *("outcome", "model", "n", "n_events", "horizon", "c", "c_low", "c_high", "added", "added_low", "added_high"),
    *("brier", "brier_low", "brier_high", "brier_without", "slope", "net_benefit", "net_benefit_all", "reason"),
)
#: Fewer events, and nothing is predicted.
LEAST_EVENTS = 20
#: Ridge penalty of the Cox models, in units of standardised terms (lifelines `penalizer`).
PENALTY, PENALTY_MANY = 0.01, 0.1


def predictor_sets(people: pd.DataFrame, labels: Labels, z: pd.DataFrame, clinical) -> dict[str, pd.DataFrame]:
    """Nested sets of predictors, each with what stands before it but the last: clinical and all z.

    Returns
    -------
    dict of str to DataFrame
        "clinical"; "+ mean z"; "+ stage"; "+ subtype"; "clinical and all z".
    """
    base = pd.DataFrame(index=people.index)
    for c in clinical:
        if c not in people:
            continue
        if pd.api.types.is_numeric_dtype(people[c]):
            base[c] = people[c].astype(float)
        else:
            base = base.join(pd.get_dummies(people[c], prefix=c, drop_first=True, dtype=float))
    with_z = base.assign(mean_z=z.mean(axis=1))
    with_stage = with_z.assign(stage=labels.stage)
    subtypes = labels.probability.drop(columns=NORMAL).add_prefix("p ")
    sets = {"clinical": base, "+ mean z": with_z, "+ stage": with_stage}
    if subtypes.shape[1] > 1:
        sets["+ subtype"] = with_stage.join(subtypes)
    return sets | {"clinical and all z": base.join(z.add_prefix("z "))}


def out_of_fold_risk(
    x: pd.DataFrame, time: pd.Series, event: pd.Series, horizon: float, folds, penalty: float
) -> np.ndarray:
    """Risk by the horizon from Cox models with a ridge penalty that did not see the person, averaged over repeats.

    Parameters
    ----------
    folds : list of (train, test)
        Positions.

    Returns
    -------
    ndarray, shape (n,)
    """
    total, times = np.zeros(len(x)), np.zeros(len(x))
    for train, test in folds:
        mean, sd = x.iloc[train].mean(), x.iloc[train].std()
        kept = x.columns[sd > 1e-9]
        scaled = (x[kept] - mean[kept]) / sd[kept]
        data = scaled.iloc[train].assign(_t=time.iloc[train].to_numpy(), _e=event.iloc[train].to_numpy())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = lifelines.CoxPHFitter(penalizer=penalty).fit(data, "_t", "_e")
            survival = fit.predict_survival_function(scaled.iloc[test], times=[horizon]).to_numpy()[0]
        total[test] += 1 - survival
        times[test] += 1
    return total / times


def censoring_weights(time: np.ndarray, event: np.ndarray, horizon: float) -> np.ndarray:
    """Inverse probability of censoring weights at the horizon (Graf et al. 1999); 0 for people censored before it."""
    fit = lifelines.KaplanMeierFitter().fit(time, 1 - event)
    before = fit.survival_function_at_times(np.maximum(np.minimum(time, horizon) - 1e-9, 0)).to_numpy()
    known = (time > horizon) | (event == 1)
    return np.where(known, 1 / np.maximum(before, 1e-6), 0.0)


def measures(risk, time, event, weight, horizon, threshold) -> dict[str, float]:
    """C index, Brier score at the horizon, net benefit at the threshold and of treating all (Vickers & Elkin 2006)."""
    had = (time <= horizon) & (event == 1)
    n = len(time)
    positive = risk >= threshold
    odds = threshold / (1 - threshold)
    gain = lambda chosen: float((weight * had * chosen).sum() - odds * (weight * ~had * chosen).sum()) / n  # noqa: E731
    return {
        "c": float(concordance_index(time, -risk, event)),
        "brier": float((weight * (had - risk) ** 2).sum() / n),
        "net_benefit": gain(positive),
        "net_benefit_all": gain(np.ones(n, bool)),
    }


def calibration_slope(risk: np.ndarray, time: np.ndarray, event: np.ndarray) -> float:
    """Cox coefficient of the complementary log-log of the predicted risk: 1 where calibrated, below where overfitted."""
    x = np.log(-np.log1p(-np.clip(risk, 1e-6, 1 - 1e-6)))
    if np.ptp(x) < 1e-9:
        return np.nan
    data = pd.DataFrame({"x": x, "_t": time, "_e": event})
    return float(lifelines.CoxPHFitter().fit(data, "_t", "_e").params_["x"])


def prediction(
    outcomes,
    people: pd.DataFrame,
    labels: Labels,
    z: pd.DataFrame,
    clinical,
    *,
    folds: int = 5,
    repeats: int = 5,
    horizon: float = 2.0,
    n_bootstrap: int = 100,
    seed: int = 1,
) -> pd.DataFrame:
    """Nested predictions of every survival outcome, out of sample.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Those of type survival are predicted.
    people, z : DataFrame
        Same index.
    labels : Labels
        Out of fold.
    clinical : sequence of str
        Columns that are known without a scan.
    folds, repeats : int
        Cross-validation, stratified by the event.
    horizon : float
        Years at which risk is predicted.

    Returns
    -------
    DataFrame
        outcome, model, n, n_events, horizon, c, added (to the set before: C) and brier with 95 % bootstrap intervals
        over people of the out-of-fold risks, brier_without (nobody told apart), slope (calibration), net_benefit at the
        mean risk and of treating everyone, reason.
    """
    rows = []
    sets = predictor_sets(people, labels, z.fillna(z.mean()), clinical)
    for o in steps(outcomes, "outcomes predicted"):
        if not o.timed:
            continue
        mine = at_risk(o, people)[[o.time, o.column]].astype(float).dropna()
        mine = mine[sets["clinical"].loc[mine.index].notna().all(axis=1) & (mine[o.time] > 0)]
        time, event = mine[o.time], mine[o.column]
        base = dict.fromkeys(COLUMNS, np.nan) | {"outcome": o.name, "n": len(mine), "n_events": int(event.sum())}
        base |= {"horizon": horizon, "reason": ""}
        if event.sum() < LEAST_EVENTS or len(mine) < 5 * folds or event.nunique() < 2:
            rows.append(base | {"model": "", "reason": f"fewer than {LEAST_EVENTS} events"})
            continue
        splitter = RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=seed)
        parts = list(splitter.split(mine, event))
        t, e = time.to_numpy(), event.to_numpy()
        rng = np.random.default_rng(seed)
        picks = [rng.integers(0, len(t), len(t)) for _ in range(n_bootstrap)]
        nobody = np.full(len(t), 1 - float(lifelines.KaplanMeierFitter().fit(t, e).predict(horizon)))
        w = censoring_weights(t, e, horizon)
        threshold = float(np.clip(nobody[0], 0.01, 0.99))
        without = measures(nobody, t, e, w, horizon, threshold)["brier"]
        first: tuple | None = None  # C of the set, and of every bootstrap sample
        before: tuple | None = None
        for name, x in sets.items():
            row = base | {"model": name, "brier_without": without}
            many = name == "clinical and all z"
            try:
                risk = out_of_fold_risk(
                    x.loc[mine.index], time, event, horizon, parts, PENALTY_MANY if many else PENALTY
                )
            except (np.linalg.LinAlgError, lifelines.exceptions.ConvergenceError, ValueError) as error:
                rows.append(row | {"reason": f"the model could not be fitted ({type(error).__name__})"})
                continue
            row |= measures(risk, t, e, w, horizon, threshold) | {"slope": calibration_slope(risk, t, e)}
            again = [measures(risk[i], t[i], e[i], w[i], horizon, threshold) for i in picks if e[i].sum() > 1]
            for key in ("c", "brier"):
                row[f"{key}_low"], row[f"{key}_high"] = np.quantile([m[key] for m in again], [0.025, 0.975])
            mine_c = row["c"], np.array([m["c"] for m in again])
            reference = first if many else before
            if reference is not None:
                row["added"] = row["c"] - reference[0]
                row["added_low"], row["added_high"] = np.quantile(mine_c[1] - reference[1], [0.025, 0.975])
            if name == "clinical":
                first = mine_c
            before = mine_c
            rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS))
