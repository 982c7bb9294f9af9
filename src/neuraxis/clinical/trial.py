"""How many people a trial would need per arm, if it enrolled by subtype or stage."""

from __future__ import annotations

import lifelines
import numpy as np
import pandas as pd
from scipy import stats

from ..labels import Labels, stage_groups
from ..progress import steps
from .associations import LEAST_EVENTS, LEAST_PEOPLE
from .cases import at_risk

COLUMNS = (
    *("outcome", "group", "n", "n_events", "person_years", "rate", "rate_low", "rate_high", "risk", "risk_low"),
    *("risk_high", "n_per_arm", "n_per_arm_low", "n_per_arm_high", "years", "hazard_ratio", "power", "reportable"),
)


def per_arm(risk: float, hazard_ratio: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """People per arm for a log-rank test of two equal arms (Schoenfeld 1981).

    Parameters
    ----------
    risk : float
        Probability of the event in the control arm during the trial.
    hazard_ratio : float
        Of treatment.
    power, alpha : float
        Two-sided alpha.

    Returns
    -------
    float
        Events needed, 4 (z_alpha/2 + z_power)^2 / log(HR)^2, over twice the mean risk of the two arms.
    """
    if not 0 < risk <= 1:
        return np.nan
    events = 4 * (stats.norm.isf(alpha / 2) + stats.norm.isf(1 - power)) ** 2 / np.log(hazard_ratio) ** 2
    treated = 1 - (1 - risk) ** hazard_ratio
    return events / (risk + treated)


def enrichment(
    outcomes, people: pd.DataFrame, labels: Labels, *, years=2.0, hazard_ratio=0.7, power=0.8
) -> pd.DataFrame:
    """Observed rates of every survival outcome by subtype and by third of stage, and the trial they would need.

    Returns
    -------
    DataFrame
        outcome, group (everyone, everyone staged, subtypes, thirds), n, n_events, person_years, rate (events a year) with
        its exact 95 % interval, risk by `years` (Kaplan-Meier) with interval, n_per_arm with the interval that the risk's
        gives, years, hazard_ratio, power, reportable (20 people and 10 events).
    """
    thirds, order = stage_groups(labels)
    groups = {"everyone": pd.Series(True, labels.group.index), "everyone staged": labels.staged}
    if len(labels.names) > 1:
        groups |= {n: labels.group == n for n in labels.names}
    groups |= {g: thirds == g for g in order[1:]}
    rows = []
    for o in steps(outcomes, "outcomes of trials"):
        if not o.timed:
            continue
        mine = at_risk(o, people)[[o.time, o.column]].dropna().astype(float)
        for name, inside in groups.items():
            part = mine[inside.loc[mine.index]]
            n, events, time = len(part), int(part[o.column].sum()), float(part[o.time].sum())
            row = dict.fromkeys(COLUMNS, np.nan) | {"outcome": o.name, "group": name, "n": n, "n_events": events}
            row |= {"person_years": time, "years": years, "hazard_ratio": hazard_ratio, "power": power}
            row["reportable"] = n >= LEAST_PEOPLE and events >= LEAST_EVENTS
            if n and time > 0:
                low = stats.chi2.ppf(0.025, 2 * events) / 2 / time if events else 0.0
                row |= {"rate": events / time, "rate_low": low}
                row["rate_high"] = stats.chi2.ppf(0.975, 2 * events + 2) / 2 / time
            if n and part[o.time].max() >= years:
                fit = lifelines.KaplanMeierFitter().fit(part[o.time], part[o.column])
                at = fit.confidence_interval_survival_function_
                at = at[at.index <= years].iloc[-1]
                row |= {"risk": 1 - float(fit.predict(years)), "risk_low": 1 - at.iloc[1], "risk_high": 1 - at.iloc[0]}
                need = [per_arm(row[k], hazard_ratio, power) for k in ("risk", "risk_high", "risk_low")]
                row |= dict(zip(("n_per_arm", "n_per_arm_low", "n_per_arm_high"), np.ceil(need), strict=True))
            rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS))
