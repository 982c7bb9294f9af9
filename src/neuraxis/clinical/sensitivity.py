"""The main contrasts again: other people, other labels, sites in the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from ..errors import counted
from ..labels import NORMAL, Labels, is_true, read_labels, staged_scale
from ..progress import steps
from .associations import fits_of, plans_of, pooled, reported
from .cases import complete_cases
from .contrasts import OTHERS, atrophy_model, subtype_model

COLUMNS = (
    *("analysis", "outcome", "subtype", "method", "effect", "estimate", "p", "n", "n_events", "model", "reason"),
    *("low", "high", "kind", "contrast", "against"),
)
METHODS = ("label", "weighted")
#: End of the name of an analysis whose model did not see the site either.
ANEW = ", subtypes fitted anew"
#: Name of the analysis whose errors are clustered by site, and the fewest sites for it.
JACKKNIFE = "jackknife over sites"
CLUSTERED, LEAST_CLUSTERS = "errors clustered by site", 5


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


def refitted_versions(refitted: pd.DataFrame, names: dict[int, str], index: pd.Index) -> dict[str, Labels]:
    """The people of all sites but one, with their labels under the model fitted without it, by the analysis' name.

    Parameters
    ----------
    refitted : DataFrame
        participant_id, without, left_out and an assignment; see `evaluation.sites.leave_sites_out`.
    names : dict of int to str
        Subtypes.
    index : Index
        People who are analysed.
    """
    out = {}
    for site, part in refitted.groupby("without", sort=True):
        part = part[~is_true(part["left_out"])].set_index("participant_id")
        out[f"without {site}{ANEW}"] = read_labels(part.loc[part.index.intersection(index)], names, prefix="")
    return out


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
    for outcome in steps(outcomes, "outcomes of sensitivity analyses"):
        if not outcome.numeric:
            continue
        analyses = [(name, outcome, version) for name, version in versions.items()]
        if people["site"].nunique() > 1 and "site" not in (*outcome.covariates, *outcome.strata):
            with_site = replace(outcome, covariates=(*outcome.covariates, "site"))
            analyses.append(("site as covariate", with_site, labels))
        for analysis, declared, version in analyses:
            cases = complete_cases(declared, people, controls)
            present = version.take(cases.y.index.intersection(version.group.index))
            models = [subtype_model(present, scale), atrophy_model(present, scale)]
            for model, plan in zip(models, plans_of(declared, cases, models), strict=True):
                rows += _rows(analysis, declared, cases.take(model.rows), model, plan)
        rows += _clustered(outcome, rows, [f"without {s}" for s in sorted(people["site"].dropna().unique())])
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _clustered(outcome, rows: list[dict], without: list[str]) -> list[dict]:
    """The estimates of everyone with errors clustered by site, from the estimates without each site.

    The jackknife over clusters, (G - 1) / G times the sum of squared deviations from the estimate of everyone, with
    Student's t of G - 1 degrees of freedom: it holds with few and unequal clusters, and for every estimator
    (MacKinnon, Nielsen & Webb 2023, CV3). A cluster is a site that has people in the row's model; every estimate must be
    of one estimator, else they differ by more than the people who are left out.
    """
    if len(without) < 2:
        return []
    table = pd.DataFrame([r for r in rows if r["outcome"] == outcome.name])
    number = (lambda v: v) if outcome.linear else np.log
    out = []
    for row in table[table["analysis"] == "everyone"].to_dict("records"):
        keys = ["kind", "contrast", "method"]
        same = (table[keys] == pd.Series({k: row[k] for k in keys})).all(axis=1)
        left = table[same & table["analysis"].isin(without)]
        nobody = set(left.loc[left["n"] >= row["n"], "analysis"])  # nobody of theirs is in this model
        left = left[left["n"] < row["n"]]
        clusters = [w for w in without if w not in nobody]
        n, other = len(clusters), left[left["estimate"].notna() & (left["model"] != row["model"])]
        blank = dict.fromkeys(("estimate", "low", "high", "p"), np.nan)
        row = row | {"analysis": CLUSTERED}
        if pd.isna(row["estimate"]):
            out.append(row)
        elif n < LEAST_CLUSTERS:
            out.append(row | blank | {"reason": f"only {counted(n, 'site')}"})
        elif left["estimate"].notna().sum() < n:
            missing = sorted(set(clusters) - set(left.loc[left["estimate"].notna(), "analysis"]))
            out.append(row | blank | {"reason": f"no estimate {missing[0]}"})
        elif len(other):
            first = other.iloc[0]
            out.append(row | blank | {"reason": f"another estimator {first['analysis']}: {first['model']}"})
        else:
            centre = number(row["estimate"])
            error = float(np.sqrt((n - 1) / n * ((number(left["estimate"].to_numpy(float)) - centre) ** 2).sum()))
            half = stats.t.ppf(0.975, n - 1) * error
            ends = {"low": outcome.scale(centre - half), "high": outcome.scale(centre + half)}
            p = float(2 * stats.t.sf(abs(centre) / error, n - 1)) if error > 0 else np.nan
            out.append(row | ends | {"p": p, "model": f"{row['model']}, {JACKKNIFE}"})
    return out


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
