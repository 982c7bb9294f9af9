"""Every outcome on subtype and stage, three ways side by side: by label, by probability, by draws."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from .effects import cramers_v, false_discovery, partial_correlation, probabilistic_index, rubin
from .models import check_assumption, fit_model
from .outcomes import complete_cases

COLUMNS = (
    *("family", "outcome", "type", "kind", "contrast", "subtype", "against", "method", "effect", "estimate"),
    *("low", "high", "p", "q", "n", "n_events", "n_group", "model"),
)
LAST = ("warning", "reason")
SENSITIVITY = (
    *("analysis", "outcome", "subtype", "method", "effect", "estimate", "p", "n", "n_events", "model", "reason"),
    *("low", "high"),
)
#: Fewer people than this in the smaller group, and the result carries a warning.
SMALL_GROUP = 20
#: Fewer than this, and there is no estimate.
TOO_SMALL = 5
NORMAL = "normal-appearing"
#: Below this reliability of a subtype's probability there is no posterior-weighted estimate: it would extrapolate from
#: people who are all about equally likely to belong.
RELIABLE = 0.3


@dataclass(frozen=True)
class Labels:
    """What is known of people's subtype and stage.

    Attributes
    ----------
    group : Series
        Name of the most probable subtype, or normal-appearing where the most probable stage is 0.
    probability : DataFrame
        P(group), columns normal-appearing and the subtypes' names; rows sum to 1.
    stage : Series
        Expected stage.
    draws : list of (Series, Series)
        Drawn groups and stages.
    """

    group: pd.Series
    probability: pd.DataFrame
    stage: pd.Series
    draws: list

    @property
    def names(self) -> list[str]:
        """The subtypes."""
        return [c for c in self.probability.columns if c != NORMAL]

    @property
    def reliability(self) -> pd.Series:
        """Var(P(group)) / (p (1 - p)) per group, p the mean: 1 for certain labels, 0 where nobody can be told apart."""
        p = self.probability.mean()
        return self.probability.var(ddof=0) / (p * (1 - p)).where(lambda v: v > 0)

    def take(self, rows) -> Labels:
        """The same for some of the people."""
        return Labels(
            self.group.loc[rows],
            self.probability.loc[rows],
            self.stage.loc[rows],
            [(g.loc[rows], s.loc[rows]) for g, s in self.draws],
        )

    def with_normal(self, normal: pd.Series) -> Labels:
        """The same with the people of `normal` (bool) taken as normal-appearing for certain."""
        probability = self.probability.copy()
        probability.loc[normal] = 0.0
        probability.loc[normal, NORMAL] = 1.0
        staged = ~normal & (self.group == NORMAL)
        best = self.probability[self.names].idxmax(axis=1)
        group = self.group.mask(staged, best).mask(normal, NORMAL)
        return Labels(group, probability, self.stage, [])


def read_labels(
    subtypes: pd.DataFrame, names: dict[int, str], draws: pd.DataFrame | None, prefix="oof_", n_draws=20
) -> Labels:
    """Labels from subtypes.tsv (indexed by participant_id) and label_draws.tsv."""
    staged = subtypes[f"{prefix}stage"] > 0
    group = subtypes[f"{prefix}subtype"].map(names).where(staged, NORMAL)
    probability = pd.DataFrame({n: subtypes[f"{prefix}p_staged_subtype{c}"] for c, n in names.items()}).astype(float)
    probability.insert(0, NORMAL, (1 - probability.sum(axis=1)).clip(lower=0))
    probability = probability.div(probability.sum(axis=1), axis=0)
    drawn = []
    if draws is not None:
        for _, part in list(draws.groupby("draw"))[:n_draws]:
            part = part.set_index("participant_id").loc[subtypes.index]
            drawn.append((part["subtype"].map({0: NORMAL, **names}), part["stage"].astype(float)))
    return Labels(group, probability, subtypes[f"{prefix}expected_stage"].astype(float), drawn)


def group_terms(group: pd.Series, names: list[str], probability: pd.DataFrame | None = None):
    """Model terms of the groups: indicators or probabilities, the reference left out.

    Returns
    -------
    terms : DataFrame
        One column per group beside the reference.
    sizes : Series
        People (or summed probabilities) per group that takes part.
    left_out : list of str
        Groups too small for an estimate.
    rows : Index
        People who take part: with indicators, those of small groups do not.
    """
    matrix = pd.get_dummies(group, dtype=float) if probability is None else probability
    matrix = matrix.reindex(columns=[NORMAL, *names], fill_value=0.0)
    sizes = matrix.sum()
    left_out = [g for g in matrix.columns if sizes[g] < TOO_SMALL]
    rows = group.index[~group.isin(left_out)] if probability is None else group.index
    kept = [g for g in matrix.columns if g not in left_out]
    return matrix.loc[rows, kept[1:]], sizes[kept], left_out, rows


def contrasts_of(sizes: pd.Series, names: list[str]) -> dict[tuple[str, str], dict[str, float]]:
    """Weights on the group terms for: each subtype against the rest, against normal-appearing, and each other.

    The rest is everybody else, every group weighted by its size.
    """
    groups = list(sizes.index)
    out: dict[tuple[str, str], dict[str, float]] = {}
    for name in [n for n in names if n in groups]:
        others = [g for g in groups if g != name]
        if not others:
            continue
        total = sum(sizes[g] for g in others)
        out[name, "the rest"] = {name: 1.0, **{g: -sizes[g] / total for g in others}}
        if NORMAL in groups:
            out[name, NORMAL] = {name: 1.0}
    for a, b in combinations([n for n in names if n in groups], 2):
        out[a, b] = {a: 1.0, b: -1.0}
    return out


def stage_terms(groups: pd.DataFrame, stage: pd.Series, scale: float, names: list[str]) -> pd.DataFrame:
    """Group terms and, for every subtype, its stage in SD of the staged people's stages."""
    out = groups.copy()
    for n in names:
        if n in groups:
            out[f"stage in {n}"] = groups[n] * stage / scale
    return out


def _fits(outcome, cases, labels, scale) -> dict[str, list]:
    """Group and stage models by method: (sizes, left out, group fit, stage fit) for every labelling."""
    people = cases.y.index
    names = labels.names
    # every subtype needs a term of its own for its stage, so the reference there is the normal-appearing
    jobs = {
        "label": [(labels.group, labels.stage, None)],
        "weighted": [(labels.group, labels.stage, labels.probability.loc[people])],
        "draws": [(g, s, None) for g, s in labels.draws],
    }
    out: dict[str, list] = {}
    for method, versions in jobs.items():
        out[method] = []
        for group, stage, probability in versions:
            group, stage = group.loc[people], stage.loc[people]
            terms, sizes, left_out, rows = group_terms(group, names, probability)
            part = cases.take(rows)
            fit = fit_model(outcome, part, terms) if terms.shape[1] else None
            matrix = pd.get_dummies(group.loc[rows], dtype=float) if probability is None else probability
            matrix = matrix[[n for n in names if n in sizes.index]]
            if NORMAL in sizes.index:
                with_stage = stage_terms(matrix, stage.loc[rows], scale, names)
            else:  # nobody is normal-appearing: the first subtype's intercept is the model's own
                with_stage = stage_terms(matrix, stage.loc[rows], scale, names).iloc[:, 1:]
            slopes = fit_model(outcome, part, with_stage) if matrix.shape[1] else None
            out[method].append((sizes, left_out, fit, slopes))
    return out


def associations(
    outcomes,
    people: pd.DataFrame,
    labels: Labels,
    *,
    controls: pd.DataFrame | None = None,
    circular: tuple = (),
) -> pd.DataFrame:
    """Every outcome on subtype (against the rest, the normal-appearing, each other) and on stage within subtype.

    Parameters
    ----------
    outcomes : sequence of Outcome
    people : DataFrame
        participants.tsv of the patients, indexed by participant_id.
    labels : Labels
        Same index.
    controls : DataFrame, optional
        participants.tsv of the controls, for outcomes that are referred to them.
    circular : sequence of str
        Columns that defined the subtypes; outcomes made of them are marked, because they validate nothing.

    Returns
    -------
    DataFrame
        family, outcome, type, contrast, subtype, against, method, effect, estimate, low, high (95 %), p, q (BH within
        family and method), n, n_events, n_group, model, reliability (of the subtype's probability), companions (prob_index, pi_low, pi_high, cliffs_delta of the
        labels' unadjusted groups; partial_r, r_low, r_high, kendall_tau of stage), check, check_p, warning, reason.
        Methods: label, most probable label; weighted, posterior probabilities as terms, which
        for a linear model undoes the attenuation by uncertain labels; draws, labels and stages drawn from the
        posterior, pooled by Rubin's rules.
    """
    rows = []
    staged = labels.group != NORMAL
    scale = float(labels.stage[staged].std()) if staged.sum() > 2 else 1.0
    scale = scale if np.isfinite(scale) and scale > 0 else 1.0
    for outcome in outcomes:
        cases = complete_cases(outcome, people, controls)
        if outcome.type == "categorical":
            rows += _categorical(outcome, cases, labels)
            continue
        fits = _fits(outcome, cases, labels, scale) if len(cases.y) else {}
        group = labels.group.loc[cases.y.index]
        reliability = labels.take(cases.y.index).reliability
        check = ("", np.nan)
        if fits and fits["label"][0][2] is not None and not fits["label"][0][2].reason:
            terms, _, _, taking = group_terms(group, labels.names)
            check = check_assumption(outcome, cases.take(taking), terms)
        pairs = [(n, "the rest") for n in labels.names] + [(n, NORMAL) for n in labels.names]
        pairs += list(combinations(labels.names, 2))
        base = {"family": outcome.family, "outcome": outcome.name, "type": outcome.type, "effect": outcome.effect}
        for a, b in pairs:
            mine = group == a
            other = ~mine if b == "the rest" else group == b
            companion = {}
            if outcome.type not in ("survival", "discrete", "binary"):
                companion = probabilistic_index(cases.y[mine], cases.y[other])
            smaller = int(min(mine.sum(), other.sum()))
            for method in ("label", "weighted", "draws"):
                result = _pooled(
                    [(sizes_, left, fit) for sizes_, left, fit, _ in fits.get(method, [])],
                    lambda s, a=a, b=b: contrasts_of(s, labels.names).get((a, b)),
                    (a, b),
                    reliability if method == "weighted" else None,
                )
                rows.append(
                    base
                    | {"contrast": f"{a} against {b}", "kind": "subtype", "subtype": a, "against": b, "method": method}
                    | _reported(outcome, result)
                    | {"n_group": int(mine.sum()), "reliability": reliability[a]}
                    | {"check": check[0], "check_p": check[1]}
                    | (companion if method == "label" else {})
                    | {"warning": _warn(outcome, smaller, check, circular)}
                )
        for a in labels.names:
            mine = group.index[group == a]
            companion = partial_correlation(cases.y[mine], labels.stage[mine], cases.x.loc[mine])
            for method in ("label", "weighted", "draws"):
                result = _pooled(
                    [(sizes_, left, slopes) for sizes_, left, _, slopes in fits.get(method, [])],
                    lambda s, a=a: {f"stage in {a}": 1.0} if a in s.index else None,
                    (a,),
                    reliability if method == "weighted" else None,
                )
                rows.append(
                    base
                    | {"contrast": f"stage in {a}", "kind": "stage", "subtype": a, "against": "", "method": method}
                    | _reported(outcome, result)
                    | {"n_group": len(mine), "reliability": reliability[a], "check": "", "check_p": np.nan}
                    | (companion if method == "label" and outcome.type not in ("survival", "discrete") else {})
                    | {"warning": _warn(outcome, len(mine), ("", np.nan), circular)}
                )
    table = pd.DataFrame(rows, columns=None if rows else [*COLUMNS, *LAST])
    table["q"] = false_discovery(table["p"], [table["family"], table["method"]])
    return table[[*COLUMNS, *(c for c in table.columns if c not in (*COLUMNS, *LAST)), *LAST]]


def _warn(outcome, smaller, check, circular) -> str:
    words = []
    if smaller < SMALL_GROUP:
        words.append(f"only {smaller} people")
    if np.isfinite(check[1]) and check[1] < 0.01:
        words.append(f"{check[0]} is doubtful (p = {check[1]:.2g})")
    if outcome.column in circular:
        words.append("circular: this measure defined the subtypes")
    return "; ".join(words)


def _pooled(versions, weights_of, needed, reliability=None) -> dict:
    """One contrast over one or many fits: estimate, se, p, n, reason."""
    blank = {"estimate": np.nan, "se": np.nan, "p": np.nan, "n": 0, "n_events": 0, "model": "", "reason": ""}
    if not versions:
        return blank | {"reason": "nobody has all the values"}
    if reliability is not None:
        vague = [g for g in needed if g in reliability.index and not reliability[g] >= RELIABLE]
        if vague:
            words = ", ".join(f"{g} ({reliability[g]:.2f})" for g in vague)
            return blank | {
                "n": versions[0][2].n if versions[0][2] else 0,
                "reason": f"labels too uncertain: reliability {words}",
            }
    found, reasons = [], []
    for sizes, left_out, fit in versions:
        small = [g for g in needed if g in left_out]
        weights = weights_of(sizes)
        if small:
            reasons.append(f"fewer than {TOO_SMALL} people in {', '.join(small)}")
        elif fit is None or weights is None:
            reasons.append("nobody to compare with")
        elif fit.reason:
            reasons.append(fit.reason)
        else:
            found.append((*fit.contrast(weights), fit))
    n = int(np.mean([f[3].n for f in found])) if found else (versions[0][2].n if versions[0][2] is not None else 0)
    if reasons:
        words = reasons[0] if len(versions) == 1 else f"{len(reasons)} of {len(versions)} draws: {reasons[0]}"
        return blank | {"n": n, "reason": words}
    first = found[0][3]
    events, model = int(np.mean([f[3].n_events for f in found])), first.model
    if len(found) == 1:
        value, error, p = found[0][:3]
    else:
        value, error, p = (
            float(v[0]) for v in rubin(np.array([[f[0]] for f in found]), np.array([[f[1] ** 2] for f in found]))
        )
    return {"estimate": value, "se": error, "p": p, "n": n, "n_events": events, "model": model, "reason": ""}


def _reported(outcome, result) -> dict:
    """Estimate with 95 % interval on the reported scale."""
    value, error = result["estimate"], result.pop("se")
    ends = [value - 1.96 * error, value + 1.96 * error]
    return result | {"estimate": outcome.scale(value), "low": outcome.scale(ends[0]), "high": outcome.scale(ends[1])}


def _categorical(outcome, cases, labels) -> list[dict]:
    """Groups against categories: chi-square, or Fisher's exact test (by simulation) where counts are small."""
    row = {
        "family": outcome.family,
        "outcome": outcome.name,
        "type": outcome.type,
        "effect": outcome.effect,
        "kind": "any difference",
        "contrast": "any difference between groups",
        "subtype": "",
        "against": "",
        "method": "label",
        "estimate": np.nan,
        "low": np.nan,
        "high": np.nan,
        "p": np.nan,
        "n": len(cases.y),
        "n_events": 0,
        "n_group": 0,
        "model": "",
        "warning": "",
        "reason": "",
    }
    found = cramers_v(labels.group.loc[cases.y.index], cases.y)
    return [row | (found or {"reason": "the outcome is constant or there is one group"})]


def nested_models(
    outcomes, people: pd.DataFrame, labels: Labels, scores: pd.DataFrame, controls: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Do subtype and stage add to simple scores? Likelihood-ratio tests of nested models.

    Parameters
    ----------
    scores : DataFrame
        Same index; simple scores (mean z, cord z), whose names joined by "and" are the name of their model.

    Returns
    -------
    DataFrame
        outcome, model, n, n_parameters, log_likelihood, aic, against, lr, df, p, reason. Subtype enters by the
        probabilities, stage by its expectation within subtype.
    """
    rows = []
    simple = " and ".join(scores.columns)
    everything = f"{simple}, subtype and stage"
    for outcome in outcomes:
        if outcome.type in ("categorical", "robust"):
            continue
        cases = complete_cases(outcome, people, controls)
        known = cases.y.index.intersection(scores.dropna().index)
        cases = cases.take(known)
        base = (scores.loc[known] - scores.loc[known].mean()) / scores.loc[known].std()
        groups, sizes, _, _ = group_terms(labels.group.loc[known], labels.names, labels.probability.loc[known])
        both = stage_terms(groups, labels.stage.loc[known], 1.0, labels.names)
        sets = {simple: base, "subtype and stage": both, everything: base.join(both)}
        fits = {name: fit_model(outcome, cases, terms) for name, terms in sets.items()}
        full = fits[everything]
        for name, fit in fits.items():
            row = {
                "outcome": outcome.name,
                "model": name,
                "n": fit.n,
                "n_parameters": fit.n_parameters,
                "log_likelihood": fit.log_likelihood,
                "aic": 2 * fit.n_parameters - 2 * fit.log_likelihood,
                "reason": fit.reason,
            }
            if fit is not full and not fit.reason and not full.reason and fit.model == full.model:
                lr = 2 * (full.log_likelihood - fit.log_likelihood)
                df = full.n_parameters - fit.n_parameters
                row |= {"against": everything, "lr": lr, "df": df}
                row["p"] = stats.chi2.sf(max(lr, 0.0), df) if df > 0 else np.nan
            rows.append(row)
    columns = ["outcome", "model", "n", "n_parameters", "log_likelihood", "aic", "against", "lr", "df", "p", "reason"]
    return pd.DataFrame(rows, columns=columns)


def sensitivity(outcomes, people, labels: Labels, versions: dict, controls=None) -> pd.DataFrame:
    """Subtypes against the rest again, for subsets of people and other labels.

    Parameters
    ----------
    versions : dict of str to Labels
        Name of the analysis to the labels of the people who take part in it.

    Returns
    -------
    DataFrame
        analysis, outcome, subtype, method (label, weighted), effect, estimate, low, high, p, n, reason.
    """
    rows = []
    for outcome in outcomes:
        if outcome.type == "categorical":
            continue
        cases = complete_cases(outcome, people, controls)
        for analysis, version in versions.items():
            known = cases.y.index.intersection(version.group.index)
            part = cases.take(known)
            mine = version.take(known)
            for method in ("label", "weighted"):
                probability = None if method == "label" else mine.probability
                terms, sizes, left, taking = group_terms(mine.group, mine.names, probability)
                fit = fit_model(outcome, part.take(taking), terms) if len(known) and terms.shape[1] else None
                for name in mine.names:
                    result = _pooled(
                        [(sizes, left, fit)] if len(known) else [],
                        lambda s, name=name, mine=mine: contrasts_of(s, mine.names).get((name, "the rest")),
                        (name,),
                        mine.reliability if method == "weighted" else None,
                    )
                    rows.append(
                        {
                            "analysis": analysis,
                            "outcome": outcome.name,
                            "subtype": name,
                            "method": method,
                            "effect": outcome.effect,
                        }
                        | _reported(outcome, result)
                    )
    return pd.DataFrame(rows, columns=list(SENSITIVITY))
