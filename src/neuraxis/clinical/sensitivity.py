"""The main contrasts again: other people, other labels, sites in the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from ..labels import NORMAL, Labels, is_true, staged_scale
from .associations import fits_of, plans_of, pooled, reported
from .cases import complete_cases
from .contrasts import OTHERS, atrophy_model, subtype_model

COLUMNS = (
    *("analysis", "outcome", "subtype", "method", "effect", "estimate", "p", "n", "n_events", "model", "reason"),
    *("low", "high", "kind", "contrast", "against"),
)
METHODS = ("label", "weighted")


def versions_of(labels: Labels, subtypes: pd.DataFrame, qc: pd.DataFrame, site: pd.Series) -> dict[str, Labels]:
    """Name of every analysis to the labels of the people who take part in it.

    Parameters
    ----------
    labels : Labels
    subtypes : DataFrame
        subtypes.tsv, indexed by participant_id.
    qc : DataFrame
        participant_id, decision.
    site : Series
        Same index as the labels.
    """
    index = labels.group.index
    unflagged = ~index.isin(qc.loc[qc["decision"] == "flagged", "participant_id"])
    sure = is_true(subtypes["oof_confident"]).reindex(index)
    versions = {
        "everyone": labels,
        "without low-confidence people": labels.take(index[sure | (labels.group == NORMAL)]),
        "without flagged scans": labels.take(index[unflagged]),
        "stage 0 calibrated on controls": labels.with_normal(~is_true(subtypes["above_controls"]).reindex(index)),
    }
    if site.nunique() > 1:
        versions |= {f"without {s}": labels.take(index[site != s]) for s in sorted(site.dropna().unique())}
    return versions


def sensitivity(outcomes, people, labels: Labels, versions: dict, controls=None) -> pd.DataFrame:
    """Subtype, stage and atrophy again, for subsets of people and other labels, and with site as a covariate.

    Parameters
    ----------
    versions : dict of str to Labels
        From `versions_of`.

    Returns
    -------
    DataFrame
        analysis, outcome, subtype, method (label, weighted), effect, estimate, low, high, p, n, n_events, model, reason,
        kind, contrast, against.
    """
    rows = []
    scale = staged_scale(labels)
    for outcome in outcomes:
        if not outcome.numeric:
            continue
        analyses = [(name, outcome, version) for name, version in versions.items()]
        if people["site"].nunique() > 1 and "site" not in (*outcome.covariates, *outcome.strata):
            with_site = replace(outcome, covariates=(*outcome.covariates, "site"))
            analyses.append(("site as covariate", with_site, labels))
        for analysis, declared, version in analyses:
            cases = complete_cases(declared, people, controls)
            present = version.take(cases.y.index.intersection(version.group.index))
            models = [subtype_model(present, scale), atrophy_model(present)]
            for model, plan in zip(models, plans_of(declared, cases, models), strict=True):
                rows += _rows(analysis, declared, cases.take(model.rows), model, plan)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(analysis, outcome, cases, model, plan) -> list[dict]:
    fits = fits_of(outcome, cases, model, plan, 0, 0, METHODS)
    rows = []
    many = any(c.against == OTHERS for c in model.contrasts)
    for contrast in model.contrasts:
        if many and contrast.question == "subtype" and contrast.against != OTHERS:
            continue  # pairs repeat what stands against all others
        for method in METHODS:
            result = reported(outcome, pooled(*fits[method], contrast, model, method == "weighted"))
            row = dict.fromkeys(COLUMNS, np.nan) | {"analysis": analysis, "outcome": outcome.name, "method": method}
            row |= {"subtype": contrast.subtype, "kind": contrast.question, "contrast": contrast.name}
            rows.append(row | {"effect": outcome.effect, "against": contrast.against} | result)
    return [{k: row[k] for k in COLUMNS} for row in rows]
