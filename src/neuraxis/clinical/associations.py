"""Every outcome on subtype, stage and atrophy, three ways side by side: weighted, by label, by imputed labels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import counted
from ..labels import Labels, staged_scale
from ..progress import steps
from ..streams import stream
from .cases import Cases, complete_cases
from .contrasts import Contrast, Model, indicators, models_of
from .effects import cramers_v, false_discovery, rubin
from .fit import NO_PROFILE, Fit
from .imputation import impute_groups
from .mixture import fit_averaged
from .outcomes import Outcome

COLUMNS = (
    *("family", "outcome", "type", "kind", "contrast", "subtype", "against", "method", "effect", "estimate"),
    *("low", "high", "p", "q", "n", "n_events", "n_group", "model"),
)
LAST = ("reportable", "warning", "reason")
#: weighted is told, label stands beside it, draws know the outcome.
METHODS = ("label", "weighted", "draws")
#: Fewer people than this in a group that takes part, or fewer events in all, and nothing is told as a result.
LEAST_PEOPLE, LEAST_EVENTS = 20, 10
#: Fewer than this in a group, and there is no estimate.
TOO_SMALL = 5
#: Below this reliability of a subtype's probability there is no posterior-weighted estimate: it would extrapolate from
#: people who are all about equally likely to belong.
RELIABLE = 0.3
#: SD of P(normal-appearing) among people called staged below which it is no term.
BARELY = 0.02
#: Fewer of the imputed data sets than this share, and they are not pooled.
ENOUGH_DRAWS = 0.5
#: p of an assumption's test below which it is called doubtful.
DOUBTFUL = 0.01


def associations(
    outcomes,
    people: pd.DataFrame,
    labels: Labels,
    *,
    controls: pd.DataFrame | None = None,
    circular: tuple = (),
    n_draws: int = 20,
    seed: int = 1,
) -> pd.DataFrame:
    """Every outcome on subtype (among staged people, at the same stage), on stage, and on any atrophy.

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
    n_draws : int
        Imputed labels.
    seed : int

    Returns
    -------
    DataFrame
        family, outcome, type, kind (subtype, stage, atrophy; any difference), contrast, subtype, against, method,
        effect, estimate, low, high (95 %), p, q (BH within family, kind and method), n, n_events, n_group, model,
        n_against, events_group, covariates, reliability (of the subtype's probability among the staged), n_draws
        (that could be fitted), unit (what one unit of stage is), companions of the label's unadjusted groups (prob_index, pi_low, pi_high,
        cliffs_delta; of stages partial_r, r_low, r_high, kendall_tau with tau_low, tau_high, tau_p, and
        partial_tau), check, check_p, reportable, warning, reason.
        Methods: weighted, posterior probabilities as terms (of bounded scores: as weights of the groups' means), which
        undoes the attenuation by uncertain labels; label,
        most probable label; draws, labels imputed with the outcome in the model, pooled by Rubin's rules.
    """
    rows = []
    scale = staged_scale(labels)
    for outcome in steps(outcomes, "outcomes"):
        cases = complete_cases(outcome, people, controls)
        present = labels.take(cases.y.index)
        if not outcome.numeric:
            rows += _categorical(outcome, cases, present)
            continue
        models = models_of(present, scale)
        plans = plans_of(outcome, cases, models)
        for model, plan in zip(models, plans, strict=True):
            part = _model_rows(outcome, cases.take(model.rows), model, plan, present, circular, n_draws, seed)
            rows += [r | {"unit": f"{scale:.3g} stages" if r["kind"] == "stage" else ""} for r in part]
    table = pd.DataFrame(rows, columns=None if rows else [*COLUMNS, *LAST])
    if rows:
        # a p without its method's estimate would enter the family twice
        table["q"] = false_discovery(table["p"], [table["family"], table["kind"], table["method"]])
    return table[[*COLUMNS, *(c for c in table.columns if c not in (*COLUMNS, *LAST)), *LAST]]


def plans_of(outcome: Outcome, cases: Cases, models: list[Model]) -> list[str]:
    """The estimator of every model: models of the same people share the one for the largest of them."""
    most: dict[int, int] = {}
    for m in models:
        size = m.designs[0].shape[1] + cases.x.shape[1]
        most[len(m.rows)] = max(most.get(len(m.rows), 0), size)
    plans = []
    for m in models:
        kept = m.by_label(TOO_SMALL)
        part = cases.take(kept.index)
        plans.append(outcome.plan(part, most[len(m.rows)], kept) if len(kept) else "")
    return plans


def _model_rows(outcome, cases, model, plan, labels, circular, n_draws, seed) -> list[dict]:
    """All contrasts of one model by all methods."""
    fits = fits_of(outcome, cases, model, plan, n_draws, seed)
    hard = fits["label"][0]
    check = ("", np.nan)
    if hard and not hard[0].reason:
        terms = model.terms(model.by_label(TOO_SMALL))
        terms = terms.loc[:, terms.nunique() > 1]
        told = {t for c in model.contrasts if c.against for t in c.weights}
        check = outcome.check(cases.take(terms.index), terms, [t for t in terms if t in told])
    base = {
        "family": outcome.family,
        "outcome": outcome.name,
        "type": outcome.type,
        "effect": outcome.effect,
        "covariates": ", ".join([*outcome.covariates, *(f"strata of {s}" for s in outcome.strata)]),
    }
    rows = []
    for contrast in model.contrasts:
        mine, other = contrast.mine, contrast.other
        sizes = [int(mine.sum())] + ([int(other.sum())] if contrast.against else [])
        companion = {}
        if contrast.against:
            companion = outcome.group_companions(cases, mine, other)
        elif mine.any():
            companion = outcome.stage_companions(cases, labels.stage[mine.index[mine]])
        events = int(cases.y[mine].sum()) if outcome.has_events else 0
        for method in METHODS:
            result = pooled(*fits[method], contrast, model, method != "label")
            if not result["n"]:
                result |= {"n": len(cases.y), "n_events": outcome.n_events(cases)}
            enough, words = _enough(outcome, sizes, result, check if contrast.against else ("", np.nan), circular)
            rows.append(
                base
                | {"contrast": contrast.name, "kind": contrast.question, "subtype": contrast.subtype}
                | {"against": contrast.against, "method": method}
                | reported(outcome, result)
                | {"n_group": sizes[0], "n_against": sizes[-1] if contrast.against else 0, "events_group": events}
                | {"reliability": model.reliability[contrast.needs[0]] if contrast.needs else np.nan}
                | ({"check": check[0], "check_p": check[1]} if contrast.against else {"check": "", "check_p": np.nan})
                | (companion if method == "label" else {})
                | {"reportable": enough and not result["reason"], "warning": words}
            )
    return rows


def fits_of(
    outcome: Outcome, cases: Cases, model: Model, plan: str, n_draws: int, seed: int, methods=METHODS
) -> dict[str, tuple[list[Fit], str]]:
    """Fits of one model by method, and why there are none."""
    people = cases.y.index
    out: dict[str, tuple[list[Fit], str]] = dict.fromkeys(METHODS, ([], "nobody has all the values"))
    if not len(people):
        return out
    out["draws"] = [], "no draws were asked for"

    def fit(weights, averaged=False):
        terms = model.terms(weights)
        kept = [t for t in terms if terms[t].nunique() > 1 and not (t == model.away and terms[t].std() < BARELY)]
        plain = outcome.fit(cases.take(weights.index), terms[kept], plan)
        if plain.reason or plain.penalised or not (averaged and outcome.averaged):
            return plain
        better = fit_averaged(outcome, cases, model, [t for t in terms if t not in kept])
        return plain if better.reason else better

    def fit_drawn(group):
        return fit(indicators(group[group != model.away], model.probability.columns))

    if "label" in methods:
        out["label"] = [fit(model.by_label(TOO_SMALL))], ""
    if "weighted" in methods:
        out["weighted"] = [fit(model.probability.loc[people], averaged=True)], ""
    if "draws" in methods and n_draws:
        first = out["weighted"][0]
        if first and first[0].reason:
            out["draws"] = [], first[0].reason
        elif first and first[0].penalised:
            out["draws"] = [], "penalised fits are not pooled: Wald intervals do not hold for them"
        else:
            rng = stream(seed, "imputed labels", outcome.name, *model.contrasts[0].name.split(" "))
            drawn, why = impute_groups(outcome, cases, model, n_draws, rng)
            out["draws"] = [fit_drawn(g) for g in drawn], why
    return out


def pooled(fits: list[Fit], why: str, contrast: Contrast, model: Model, by_probability: bool) -> dict:
    """One contrast over one or many fits: estimate, interval and p on the model's scale, n, reason."""
    blank: dict = dict.fromkeys(("estimate", "low", "high", "p"), np.nan)
    blank |= {"n": fits[0].n if fits else 0, "n_events": fits[0].n_events if fits else 0, "model": "", "reason": why}
    if not fits:
        return blank
    sizes = model.sizes
    small = [g for g in contrast.needs if sizes[g] < TOO_SMALL]
    if not contrast.weights or (contrast.needs and contrast.against and _alone(contrast, sizes)):
        return blank | {"reason": "nobody to compare with"}
    if small:
        return blank | {"reason": f"fewer than {TOO_SMALL} people in {', '.join(small)}"}
    if by_probability:
        known = model.reliability
        vague = [g for g in contrast.needs if not known[g] >= RELIABLE]
        if vague:
            words = ", ".join(f"{g} ({known[g]:.2f})" for g in vague)
            return blank | {"reason": f"labels too uncertain: reliability {words}"}
    good = [f for f in fits if not f.reason and set(contrast.weights) & set(f.estimate.index)]
    if not good or len(good) < ENOUGH_DRAWS * len(fits):
        reasons = [f.reason for f in fits if f.reason] or ["nobody to compare with"]
        words = (
            reasons[0] if len(fits) == 1 else f"{len(fits) - len(good)} of {counted(len(fits), 'draw')}: {reasons[0]}"
        )
        return blank | {"reason": words}
    effects = [f.contrast(contrast.weights) for f in good]
    first = good[0]
    out: dict = {"n": round(np.mean([f.n for f in good])), "n_events": round(np.mean([f.n_events for f in good]))}
    out |= {"model": first.model, "reason": ""}
    if len(fits) == 1:
        e = effects[0]
        if not np.isfinite(e.p):
            return blank | {"reason": NO_PROFILE}
        return out | {"estimate": e.estimate, "low": e.low, "high": e.high, "p": e.p}
    if len(good) < 2:
        return blank | {"reason": f"only {len(good)} of {counted(len(fits), 'draw')} could be fitted"}
    one = rubin(np.array([e.estimate for e in effects]), np.array([e.error**2 for e in effects]))
    out |= {"estimate": one.estimate, "low": one.low, "high": one.high, "p": one.p}
    return out | {"n_draws": len(good), "n_drawn": len(fits)}


def _alone(contrast: Contrast, sizes: pd.Series) -> bool:
    """Nobody is left on the other side."""
    return sizes.drop(contrast.subtype, errors="ignore").sum() < TOO_SMALL


def reported(outcome: Outcome, result: dict) -> dict:
    """Estimate with 95 % interval on the reported scale."""
    return result | {k: outcome.scale(result[k]) for k in ("estimate", "low", "high")}


def _enough(outcome, sizes, result, check, circular) -> tuple[bool, str]:
    """May the row be told as a result? And what must be said with it."""
    words = []
    few = min(sizes)
    if few < LEAST_PEOPLE:
        words.append(f"only {counted(few, 'person')}")
    if outcome.has_events and result["n_events"] < LEAST_EVENTS:
        words.append(f"only {counted(result['n_events'], 'event')}")
    enough = not words
    if result.get("n_draws", 0) < result.get("n_drawn", 0):
        words.append(
            f"{result['n_drawn'] - result['n_draws']} of {counted(result['n_drawn'], 'draw')} could not be fitted"
        )
    result.pop("n_drawn", None)
    if np.isfinite(check[1]) and check[1] < DOUBTFUL:
        words.append(f"{check[0]} is doubtful (p = {check[1]:.2g})")
    elif check[0] and not np.isfinite(check[1]):
        words.append(f"{check[0]} could not be checked")
    if outcome.column in circular:
        words.append("circular: this measure defined the subtypes")
    return enough, "; ".join(words)


def _categorical(outcome, cases, labels) -> list[dict]:
    """Groups against categories: chi-square, or Fisher's exact test (by simulation) where counts are small."""
    rows = []
    asked = [("any difference between subtypes", labels.group[labels.staged])] if len(labels.names) > 1 else []
    asked.append(("any difference with atrophy", labels.staged.map({True: "atrophy", False: "none"})))
    for contrast, group in asked:
        row = dict.fromkeys(("estimate", "low", "high", "p"), np.nan)
        y = cases.y.loc[group.index]
        found = cramers_v(group, y)
        counts = group.value_counts()
        few = int(counts.min()) if len(counts) else 0
        rows.append(
            {"family": outcome.family, "outcome": outcome.name, "type": outcome.type, "effect": outcome.effect}
            | {"kind": "any difference", "contrast": contrast, "subtype": "", "against": "", "method": "label"}
            | row
            | {"n": len(y), "n_events": 0, "n_group": few, "n_against": 0, "events_group": 0, "covariates": ""}
            | {"model": "", "check": "", "check_p": np.nan}
            | {"reportable": bool(found) and few >= LEAST_PEOPLE}
            | {"warning": f"only {counted(few, 'person')}" if few < LEAST_PEOPLE else "", "reason": ""}
            | (found or {"reason": "the outcome is constant or there is one group"})
        )
    return rows
