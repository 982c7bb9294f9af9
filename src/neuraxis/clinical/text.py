"""The results in plain sentences, assembled from the tables under conditions that the tables must meet."""

from __future__ import annotations

import pandas as pd

from ..labels import NORMAL
from .associations import LEAST_EVENTS, LEAST_PEOPLE
from .contrasts import OTHERS
from .outcomes import KINDS
from .treatment import CONFOUNDED, INTERACTION

#: The method whose numbers are told; the others stand beside it in the table (docs/clinical.md says why).
TOLD = "weighted"
#: Below this q a result is told as found.
FOUND = 0.05
ASKED = {"subtype": "differences between subtypes", "stage": "effects of stage", "atrophy": "effects of any atrophy"}


def number(value: float) -> str:
    """Two decimals, or two significant digits below 0.1."""
    return f"{value:.2f}" if abs(value) >= 0.1 or value == 0 else f"{value:.2g}"


def interval(row) -> str:
    """Estimate with its 95 % interval."""
    return f"{number(row.estimate)}, 95 % interval {number(row.low)} to {number(row.high)}"


def listed(words) -> str:
    """A, B and C."""
    words = list(dict.fromkeys(words))
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def meaning(row) -> str:
    """What the estimate means, in the words of the outcome's type."""
    kind = KINDS[row.type]
    up = row.estimate > (0 if kind.linear else 1)
    return kind.direction[0 if up else 1].format(o=row.outcome)


def who(row) -> str:
    """Whom a row is about."""
    if row.kind == "atrophy":
        return "People with any atrophy against those without"
    if row.kind == "stage":
        return f"Later stage in {row.subtype}" if row.subtype else "Later stage, whatever the subtype"
    return f"{row.subtype} against {row.against}"


def given(row) -> str:
    """What the estimate is adjusted for."""
    words = ["stage"] if row.kind == "subtype" else []
    words += str(row.covariates).split(", ") if isinstance(row.covariates, str) and row.covariates else []
    return f", adjusted for {listed(words)}" if words else ", unadjusted"


def sentence(row, label=None, draws=None) -> str:
    """One result: effect, interval, people and events, q, and what the other methods say."""
    unit = f" per {row.unit} (1 SD)" if row.kind == "stage" and isinstance(row.unit, str) and row.unit else ""
    people = (
        f"{int(row.n_group)} against {int(row.n_against)} people" if row.n_against else f"{int(row.n_group)} people"
    )
    if row.n_events:
        people += f", {int(row.n_events)} events"
    out = f"{who(row)}: {meaning(row)}{unit}{given(row)} ({row.effect} {interval(row)}; {people}; q = {row.q:.2g})."
    if label is not None and pd.notna(label.estimate):
        out += f" By most probable label: {number(label.estimate)} ({number(label.low)} to {number(label.high)})."
    if draws is not None and pd.notna(draws.p) and not draws.p < FOUND:
        out += " With labels imputed from scan and outcome the interval includes no effect."
    if isinstance(row.warning, str) and row.warning:
        out += f" Note: {row.warning}."
    return out[0].upper() + out[1:]


def rows_told(associations: pd.DataFrame) -> pd.DataFrame:
    """The headline rows: weighted estimates, and tests of categories."""
    return associations[(associations["method"] == TOLD) | (associations["kind"] == "any difference")]


def family_sentences(associations: pd.DataFrame, family: str, disease: str) -> list[str]:
    """What of one family passes, what was tested and not found, what could not be tested."""
    part = rows_told(associations[associations["family"] == family])
    reportable = part["reportable"].astype(str) == "True"
    tested = part[reportable & part["p"].notna()]
    passed = tested[tested["q"] < FOUND].sort_values("q", kind="stable")
    line = f"{disease}, {family}: {len(tested)} of {len(part)} contrasts tested, {len(passed)} pass a false-discovery rate of 5 %."
    out = [line]
    keys = ["outcome", "contrast"]
    beside = {
        m: {tuple(getattr(r, k) for k in keys): r for r in associations[associations["method"] == m].itertuples()}
        for m in ("label", "draws")
    }
    for row in passed.itertuples():
        key = tuple(getattr(row, k) for k in keys)
        if row.kind == "any difference":
            out.append(
                f"{row.outcome}: {row.contrast} (Cramer's V {interval(row)}; n = {int(row.n)}; q = {row.q:.2g})."
            )
        else:
            out.append(sentence(row, beside["label"].get(key), beside["draws"].get(key)))
    for kind, words in ASKED.items():
        mine = tested[tested["kind"] == kind]
        nothing = [o for o, t in mine.groupby("outcome", sort=False) if not (t["q"] < FOUND).any()]
        if nothing:
            out.append(f"Tested and not found (q >= 0.05), {words}: {listed(nothing)}.")
    left = part.drop(tested.index)
    for kind, words in {**ASKED, "any difference": "any difference"}.items():
        why = {}
        for row in left[left["kind"] == kind].itertuples():
            reason = row.reason if isinstance(row.reason, str) and row.reason else row.warning
            why.setdefault(_short(reason), []).append(row.outcome)
        for reason, outcomes in why.items():
            out.append(f"Not testable, {words}: {listed(outcomes)} ({reason}).")
    return out


def _short(reason: str) -> str:
    """A reason without the numbers that differ between contrasts."""
    reason = str(reason)
    if reason.startswith("labels too uncertain"):
        return "labels too uncertain"
    if reason.startswith("only "):
        return f"fewer than {LEAST_PEOPLE} people in a group or {LEAST_EVENTS} events"
    return reason


def survival_sentences(logrank: pd.DataFrame) -> list[str]:
    """Log-rank tests of enough people and events."""
    out = []
    for row in logrank.itertuples():
        who = {"subtype": "between subtypes", "stage": "between thirds of stage"}.get(row.split, f"by {row.split}")
        if pd.isna(row.p):
            out.append(f"{row.outcome}: no log-rank test {who}, {row.reason}.")
        elif row.n_events < LEAST_EVENTS or row.n_smallest < LEAST_PEOPLE:
            out.append(
                f"{row.outcome}: nothing is told of survival {who} ({row.n_events} events, smallest group {row.n_smallest})."
            )
        else:
            verb = "differs" if row.p < FOUND else "does not differ detectably"
            out.append(
                f"{row.outcome}: survival {verb} {who} of staged people ({row.n_events} events among {row.n}; unadjusted "
                f"log-rank p = {row.p:.2g})."
            )
    return out


def nested_sentences(nested: pd.DataFrame) -> list[str]:
    """What subtype and stage add to simple scores, with the number of outcomes that were tried."""
    told = nested[~nested["model"].astype(str).str.contains("subtype") & nested["p"].notna()]
    if told.empty:
        return []
    better = told[told["p"] < FOUND]
    words = listed(f"{r.outcome} (p = {r.p:.2g})" for r in better.itertuples()) or "no outcome"
    return [
        f"Beyond {told['model'].iloc[0]}, subtype and stage add to {words}: likelihood-ratio tests of "
        f"{len(told)} outcome{'s' * (len(told) > 1)}, p not corrected for their number."
    ]


def slope_sentences(slopes: pd.DataFrame) -> list[str]:
    """Change a year of groups that are large enough."""
    out = []
    for row in slopes.itertuples():
        if pd.isna(row.slope) or row.n_people < LEAST_PEOPLE:
            continue
        unit = "stages" if row.quantity == "stage" else "of mean z"
        group = row.group if row.group == NORMAL else f"staged {row.group}"
        out.append(
            f"Follow-up, {group}: {number(row.slope)} {unit} a year (95 % interval {number(row.low)} to "
            f"{number(row.high)}; {row.n_people} people, {row.n_scans} scans)."
        )
    return out


def treatment_sentences(treatment: pd.DataFrame) -> list[str]:
    """Treatments whose groups are large enough, with the warning that goes with every one of them."""
    out = []
    told = treatment[(treatment["reportable"].astype(str) == "True") & treatment["p"].notna()]
    for row in told[(told["treatment"] != "") & (told["p"] < FOUND)].itertuples():
        subtype = row.subtype if isinstance(row.subtype, str) and row.subtype else "all staged people"
        out.append(
            f"{row.outcome} by treatment, {subtype}: {row.treatment} against {row.reference} (HR {interval(row)}; "
            f"{int(row.n_treated)} treated of {int(row.n)}, {int(row.n_events)} events; p = {row.p:.2g}, not corrected)."
        )
    for row in told[told["subtype"] == INTERACTION].itertuples():
        verb = "differs" if row.p < FOUND else "does not differ detectably"
        out.append(
            f"{row.outcome}: what goes with treatment {verb} between subtypes (interaction, p = {row.p:.2g}, "
            f"{int(row.n_events)} events)."
        )
    return [*out, CONFOUNDED] if out else []


def prediction_sentences(prediction: pd.DataFrame) -> list[str]:
    """How well worsening is foretold, and what stage and subtype add to it."""
    out = []
    for outcome, part in prediction.groupby("outcome", sort=False):
        part = part.set_index("model")
        if "clinical" not in part.index or pd.isna(part.loc["clinical", "c"]):
            continue
        first = part.loc["clinical"]
        line = (
            f"{outcome}, in people not used to fit ({int(first['n_events'])} events among {int(first['n'])}): C index "
            f"{first['c']:.3f} ({first['c_low']:.3f} to {first['c_high']:.3f}) from clinical data"
        )
        adds = []
        for name in ("+ mean z", "+ stage", "+ subtype"):
            if name in part.index and pd.notna(part.loc[name, "added"]):
                r = part.loc[name]
                adds.append((name, r))
                line += f"; {name.replace('+ ', 'with ')} {r['c']:.3f} ({r['added']:+.3f}, {r['added_low']:+.3f} to {r['added_high']:+.3f})"
        little = [n.removeprefix("+ ") for n, r in adds if not r["added_low"] > 0]
        line += "."
        if little:
            line += f" Nothing is detectably added by {listed(little)}."
        out.append(line)
    return out


def trial_sentences(trial: pd.DataFrame) -> list[str]:
    """People per arm if a trial enrolled everyone, and if it enrolled the group with the highest rate."""
    out = []
    told = trial[(trial["reportable"].astype(str) == "True") & trial["n_per_arm"].notna()]
    for outcome, part in told.groupby("outcome", sort=False):
        part = part.set_index("group")
        others = part.drop(index="everyone", errors="ignore")
        if "everyone" not in part.index or others.empty:
            continue
        whole, best = part.loc["everyone"], others.loc[others["n_per_arm"].idxmin()]
        ends = [f"{v:.0f}" if pd.notna(v) else "no limit" for v in (best["n_per_arm_low"], best["n_per_arm_high"])]
        out.append(
            f"A {whole['years']:g}-year trial of {outcome} (hazard ratio {whole['hazard_ratio']:g}, power "
            f"{whole['power']:.0%}) would need {whole['n_per_arm']:.0f} people per arm enrolling everyone, and "
            f"{best['n_per_arm']:.0f} ({ends[0]} to {ends[1]}) enrolling {best.name}, the best of {len(others)} groups that "
            "were looked at."
        )
    return out


def reported_sentences(reported: pd.DataFrame) -> list[str]:
    """How many of the study's findings these data agree with."""
    if reported.empty:
        return []
    kinds = reported["verdict"].str.partition(":")[0]
    counts = [f"{n} {k}" for k, n in kinds.value_counts().items()]
    return [f"Of {len(reported)} findings of the study: {listed(counts)}."]


def paragraph(
    associations: pd.DataFrame,
    logrank: pd.DataFrame,
    nested: pd.DataFrame,
    slopes: pd.DataFrame,
    disease: str,
    *,
    n_subtypes: int = 2,
    converged: bool = True,
    more: tuple = (),
) -> list[str]:
    """Sentences of one disease.

    Parameters
    ----------
    associations, logrank, nested, slopes : DataFrame
        The clinical tables of one disease.
    disease : str
    n_subtypes : int
        Of the model; one has no contrast.
    converged : bool
        Have the chains converged? Otherwise nothing that rests on labels is told.
    more : sequence of str
        Sentences of other tables, told under the same condition.

    Returns
    -------
    list of str
    """
    if associations.empty:
        return ["No clinical outcome was declared."]
    families = list(dict.fromkeys(associations["family"]))
    if not converged:
        told = rows_told(associations)
        counts = [
            f"{disease}, {f}: {int((told['family'] == f).sum())} contrasts in the tables, none told." for f in families
        ]
        return [
            f"The chains of the {disease} model have not converged: its labels may change with more steps, and no clinical "
            "result is told. The tables hold the numbers.",
            *counts,
        ]
    out = []
    if n_subtypes < 2:
        out.append(
            f"The {disease} model has one subtype: nothing is compared between subtypes; what follows is of stage, and of "
            "people with atrophy against those without."
        )
    elif associations["against"].eq(OTHERS).any():
        out.append(f"Subtypes are compared among staged {disease} people, at the same stage.")
    for family in families:
        out += family_sentences(associations, family, disease)
    out += survival_sentences(logrank) + nested_sentences(nested) + slope_sentences(slopes)
    return [*out, *more]
