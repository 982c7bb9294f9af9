"""Every sentence of the report beside the condition under which it holds.

A sentence is a function of what is known (`facts.Study` or `facts.Disease`), registered with the place it stands in, its
condition, and whether it warns; `said` tells those that hold. A function may return several sentences, or none. The
clinical results, whose conditions are those of the rows of a table, come from functions of these tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest

import pandas as pd

from ..clinical.associations import LEAST_EVENTS, LEAST_PEOPLE
from ..clinical.contrasts import OTHERS
from ..clinical.outcomes import KINDS
from ..clinical.treatment import CONFOUNDED, INTERACTION
from ..errors import agreeing, counted
from ..features.biomarkers import cord_of
from ..labels import NORMAL, is_true, variants_in_words
from ..sustain.crossval import CVIC_EVIDENCE
from ..sustain.diagnostics import verdict
from .facts import SMALL, Disease, Study

#: Step of flow.tsv at which people of other groups leave (cohort.participants).
OTHER_GROUPS = "group of the study"
#: The method whose numbers are told; the others stand beside it in the table (docs/clinical.md says why).
TOLD = "weighted"
#: Below this q a result is told as found.
FOUND = 0.05
ASKED = {"subtype": "differences between subtypes", "stage": "effects of stage", "atrophy": "effects of any atrophy"}


def number(value: float) -> str:
    """Two decimals, or two significant digits below 0.1."""
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}" if value else "0.00"


def interval(row) -> str:
    """Estimate with its 95 % interval."""
    return f"{number(row.estimate)}, 95 % interval {number(row.low)} to {number(row.high)}"


def capital(line: str) -> str:
    """A sentence with a capital, but for names such as pEDSS that have theirs within."""
    return line[:1].upper() + line[1:] if line.partition(" ")[0].rstrip(",:").islower() else line


def passes(n: int) -> str:
    """1 passes, 2 pass."""
    return counted(n, "passes", "pass")


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
        return "People with any atrophy, at their mean stage, against those without"
    if row.kind == "stage":
        # a table read from disk has nan where it is of no subtype
        known = isinstance(row.subtype, str) and row.subtype
        if known:
            return f"Later stage among {row.subtype} people"
        return "Later stage" + ", whatever the subtype" * (row.contrast != "stage")  # the contrast of one order alone
    return f"{row.subtype} against {row.against}"


def given(row) -> str:
    """What the estimate is adjusted for."""
    words = ["stage"] if row.kind == "subtype" else []
    words += row.covariates.split(", ") if isinstance(row.covariates, str) and row.covariates else []
    return f", adjusted for {listed(words)}" if words else ", unadjusted"


def sentence(row, label=None, draws=None) -> str:
    """One result: effect, interval, people and events, q, and what the other methods say."""
    unit = f" per {row.unit} (1 SD)" if row.kind == "stage" and isinstance(row.unit, str) and row.unit else ""
    people = (
        f"{int(row.n_group)} against {counted(int(row.n_against), 'person')}"
        if row.n_against
        else f"{counted(int(row.n_group), 'person')}"
    )
    if row.n_events:
        people += f", {counted(int(row.n_events), 'event')}"
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


#: How sentences begin that tell of no finding; the page folds them.
NOT_FOUND, NOT_TESTABLE = "Tested and not found", "Not testable"


def family_sentences(associations: pd.DataFrame, family: str, disease: str) -> list[str]:
    """What of one family passes, what was tested and not found, what could not be tested."""
    part = rows_told(associations[associations["family"] == family])
    reportable = is_true(part["reportable"])
    tested = part[reportable & part["p"].notna()]
    passed = tested[tested["q"] < FOUND].sort_values("q", kind="stable")
    line = (
        f"{disease}, {family}: {len(tested)} of {counted(len(part), 'contrast')} tested, {passes(len(passed))} a false-discovery rate of 5 %."
        if len(tested)
        else f"{disease}, {family}: none of {counted(len(part), 'contrast')} could be tested."
    )
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
    asked = {**ASKED, "any difference": "any difference"}
    for kind, words in asked.items():
        mine = tested[tested["kind"] == kind]
        nothing = [o for o, t in mine.groupby("outcome", sort=False) if not (t["q"] < FOUND).any()]
        if nothing:
            out.append(f"{NOT_FOUND} (q >= 0.05), {words}: {listed(nothing)}.")
    left = part.drop(tested.index)
    for kind, words in asked.items():
        why: dict = {}
        of = part.loc[part["kind"] == kind, "outcome"].value_counts()
        for row in left[left["kind"] == kind].itertuples():
            reason = row.reason if isinstance(row.reason, str) and row.reason else row.warning
            why.setdefault(_short(reason), []).append(row.outcome)
        for reason, outcomes in why.items():
            counts = pd.Series(outcomes).value_counts(sort=False)
            named = [o if n == of[o] else f"{n} of {of[o]} of {o}" for o, n in counts.items()]
            out.append(f"{NOT_TESTABLE}, {words}: {listed(named)} ({reason}).")
    return out


def _short(reason: str) -> str:
    """A reason without the numbers that differ between contrasts."""
    reason = str(reason)
    if reason.startswith("labels too uncertain"):
        return "labels too uncertain"
    if reason.startswith("only "):
        return f"fewer than {LEAST_PEOPLE} people in a group or {LEAST_EVENTS} events"
    return reason


def survival_sentences(logrank: pd.DataFrame, n_subtypes: int = 2) -> list[str]:
    """Log-rank tests of enough people and events; one order has no subtypes to be compared."""
    out = []
    for row in logrank.itertuples():
        who = {"subtype": "between subtypes", "stage": "between thirds of stage"}.get(row.split)
        if who is None or (row.split == "subtype" and n_subtypes < 2):
            continue  # inside a subtype: drawn and in the table, too many to be told
        if pd.isna(row.p):
            out.append(f"{row.outcome}: no log-rank test {who}, {row.reason}.")
        elif row.n_events < LEAST_EVENTS or row.n_smallest < LEAST_PEOPLE:
            out.append(
                f"{row.outcome}: too few to tell anything of survival {who} ({counted(row.n_events, 'event')}, smallest group "
                f"{row.n_smallest}; at least {LEAST_EVENTS} events and {LEAST_PEOPLE} people a group are needed)."
            )
        else:
            verb = "differs" if row.p < FOUND else "does not differ detectably"
            out.append(
                f"{row.outcome}: survival {verb} {who} of staged people ({counted(row.n_events, 'event')} among {row.n}; unadjusted "
                f"log-rank p = {row.p:.2g}, not corrected for the number of tests)."
            )
    return out


def _few_events(table: pd.DataFrame) -> pd.Series:
    """Rows of outcomes that are events (others count none), of which there are too few to tell anything of."""
    events = table["n_events"].fillna(0)
    return (events > 0) & (events < LEAST_EVENTS)


def nested_sentences(nested: pd.DataFrame, n_subtypes: int = 2) -> list[str]:
    """What subtype (or atrophy, where there is one order) and stage add to simple scores, of how many outcomes tried."""
    if nested.empty:
        return []
    told = nested[~nested["model"].astype(str).str.contains("subtype") & nested["p"].notna() & ~_few_events(nested)]
    if told.empty:
        return []
    better = told[told["p"] < FOUND]
    each = (
        f"{r.outcome} (p = {r.p:.2g}; {counted(int(r.n), 'person')}"
        + (f", {counted(int(r.n_events), 'event')})" if r.n_events else ")")
        for r in better.itertuples()
    )
    words = listed(each) or "no outcome"
    return [
        f"Beyond {told['model'].iloc[0]}, {'subtype' if n_subtypes > 1 else 'atrophy'} and stage add to {words}: likelihood-ratio tests of "
        f"{counted(len(told), 'outcome')}, p not corrected for their number."
    ]


#: Units of what is followed.
UNITS = {"stage": " stages", "mean z": " SD of the controls"}


def slope_sentences(slopes: pd.DataFrame) -> list[str]:
    """Change a year of groups that are large enough."""
    out = []
    for row in slopes.itertuples():
        if pd.isna(row.slope) or row.n_people < LEAST_PEOPLE:
            continue
        group = row.group if row.group == NORMAL else f"staged {row.group}"
        out.append(
            f"Follow-up, {group}: {row.quantity} changes by {number(row.slope)}{UNITS.get(row.quantity, '')} a year (95 % interval {number(row.low)} to "
            f"{number(row.high)}; {counted(row.n_people, 'person')}, {counted(row.n_scans, 'scan')})."
        )
    return out


def _adjusted(row) -> str:
    """Covariates of a model, in words, after what else stands in brackets."""
    there = isinstance(row.covariates, str) and row.covariates
    return f"; adjusted for {row.covariates}" if there else ""


def treatment_sentences(treatment: pd.DataFrame) -> list[str]:
    """Treatments whose groups are large enough, with the warning that goes with every one of them."""
    out: list[str] = []
    if treatment.empty:
        return out
    told = treatment[is_true(treatment["reportable"]) & treatment["p"].notna()]
    compared = told[told["subtype"] != INTERACTION]
    many = len(compared)
    alone = "the only comparison" if many == 1 else ""
    for row in compared[compared["p"] < FOUND].itertuples():
        subtype = row.subtype if isinstance(row.subtype, str) and row.subtype else "all staged people"
        out.append(
            f"{row.outcome} by treatment, {subtype}: {row.treatment} against {row.reference} (HR {interval(row)}; "
            f"{int(row.n_treated)} treated of {int(row.n)}, {counted(int(row.n_events), 'event')}; p = {row.p:.2g}, {alone or f'one of {many} comparisons'}, "
            f"not corrected{_adjusted(row)})."
        )
    for row in told[told["subtype"] == INTERACTION].itertuples():
        verb = "differs" if row.p < FOUND else "does not differ detectably"
        out.append(
            f"{row.outcome}: what goes with treatment {verb} between subtypes (interaction, p = {row.p:.2g}, "
            f"{counted(int(row.n_events), 'event')})."
        )
    return [*out, CONFOUNDED] if out else []


def prediction_sentences(prediction: pd.DataFrame) -> list[str]:
    """How well worsening is foretold, and what stage and subtype add to it."""
    out: list[str] = []
    if prediction.empty:
        return out
    for outcome, part in prediction.groupby("outcome", sort=False):
        part = part.set_index("model")
        if "clinical" not in part.index or pd.isna(part.loc["clinical", "c"]):
            continue
        first = part.loc["clinical"]
        line = (
            f"{outcome}, in people not used to fit ({counted(int(first['n_events']), 'event')} among {int(first['n'])}): C index "
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
        if much := [n.removeprefix("+ ") for n, r in adds if r["added_low"] > 0]:
            line += f" Detectably added by {listed(much)}."
        if little:
            line += f" Nothing is detectably added by {listed(little)}."
        if worse := [n.removeprefix("+ ") for n, r in adds if r["added_high"] < 0]:
            line += f" The prediction is detectably worse with {listed(worse)} than without."
        if not any(r["c_low"] > 0.5 for r in [first, *(r for _, r in adds)]):
            line += " No set of them puts people into a better order than chance would (a C index of 0.5)."
        out.append(line)
    return out


def linking_sentences(nested: pd.DataFrame, prediction: pd.DataFrame, n_subtypes: int = 2) -> list[str]:
    """Why subtype and stage may add to an outcome by the likelihood-ratio test and nothing out of sample."""
    if nested.empty or prediction.empty:
        return []
    told = nested[~nested["model"].astype(str).str.contains("subtype") & nested["p"].notna() & ~_few_events(nested)]
    better = list(told.loc[told["p"] < FOUND, "outcome"])
    steps = prediction[prediction["model"].isin(["+ stage", "+ subtype"]) & prediction["added"].notna()]
    adds = steps.groupby("outcome")["added_low"].max() > 0
    apart = [o for o in better if o in adds.index and not adds[o]]
    if not apart:
        return []
    what, not_out = (
        ("subtype and stage", "neither adds detectably")
        if n_subtypes > 1
        else ("atrophy and stage", "stage adds nothing detectable")
    )
    return [
        f"{listed(apart)}: {what} add by the likelihood-ratio test, and {not_out} out of sample. The test asks "
        "whether the outcome goes with them in the people it was fitted to; the C index whether unseen people are put into a "
        "better order than without them. The first is no promise of the second."
    ]


def _beside_everyone(best: pd.Series, everyone: float) -> str:
    """How the best group's interval lies to the number of everyone."""
    if best["n_per_arm_high"] < everyone:
        return "; its interval lies below the number of everyone."
    if best["n_per_arm_low"] > everyone:
        return ": more than everyone."
    return ": not detectably fewer, its interval holds the number of everyone."


def trial_sentences(trial: pd.DataFrame) -> list[str]:
    """People per arm if a trial enrolled everyone, and if it enrolled the group with the highest rate."""
    out = []
    told = trial[is_true(trial["reportable"]) & trial["n_per_arm"].notna()]
    for outcome, part in told.groupby("outcome", sort=False):
        part = part.set_index("group")
        others = part.drop(index="everyone", errors="ignore")
        if "everyone" not in part.index or others.empty:
            continue
        whole, best = part.loc["everyone"], others.loc[others["n_per_arm"].idxmin()]

        def ends(row) -> str:
            limits = [f"{v:,.0f}" if pd.notna(v) else "no limit" for v in (row["n_per_arm_low"], row["n_per_arm_high"])]
            seen = f"{counted(int(row['n_events']), 'event')} among {int(row['n']):,}"
            return f"(95 % interval {limits[0]} to {limits[1]}; {seen})"

        out.append(
            f"A {whole['years']:g}-year trial of {outcome} (hazard ratio {whole['hazard_ratio']:g}, power "
            f"{whole['power']:.0%}) would need {counted(round(whole['n_per_arm']), 'person', spec=',')} per arm {ends(whole)} enrolling everyone, and "
            f"{best['n_per_arm']:,.0f} {ends(best)} enrolling {best.name}, "
            + (
                f"the best of {counted(len(others), 'group that was', 'groups that were')} looked at"
                if len(others) > 1
                else "the only group that was looked at"
            )
            + _beside_everyone(best, whole["n_per_arm"])
        )
    return out


#: Verdicts on what the published study reported, of one finding and of several (clinical.reported).
VERDICTS = {
    "agrees": ("agrees", "agree"),
    "contradicts": ("contradicts", "contradict"),
    "not testable": ("could not be tested", "could not be tested"),
    "same direction, but the interval includes no effect": (
        "has the same direction with an interval that includes no effect",
        "have the same direction with intervals that include no effect",
    ),
    "opposite direction, but the interval includes no effect": (
        "has the opposite direction with an interval that includes no effect",
        "have the opposite direction with intervals that include no effect",
    ),
    "no such subtype in these data": (
        "is of a subtype that these data do not have",
        "are of subtypes that these data do not have",
    ),
    "no such outcome in these data": (
        "is of an outcome that these data do not have",
        "are of outcomes that these data do not have",
    ),
}


def reported_sentences(reported: pd.DataFrame) -> list[str]:
    """How many of the study's findings these data agree with."""
    if reported.empty:
        return []
    kinds = reported["verdict"].str.partition(":")[0]
    counts = [f"{n} {VERDICTS.get(k, (k, k))[n > 1]}" for k, n in kinds.value_counts().items()]
    return [f"Of {counted(len(reported), 'finding')} of the published study (Zhuo et al. 2025): {'; '.join(counts)}."]


def joint_model(diagnostics: pd.DataFrame) -> str:
    """What the table of the joint model is; and that its chains did not agree, where they did not."""
    agree, words = (True, "") if diagnostics.empty else verdict(diagnostics)
    return (
        "One joint model of all diseases: where each disease is found (Fisher's exact test of each subtype, p not corrected)"
        + ("" if agree else f". {words}")
    )


def one_joint_subtype(s: Study) -> str:
    """What stands in the place of the joint model's table where it has one subtype: there is nothing to compare; "" elsewhere."""
    table = s.tables["sustain/crossdisease/enrichment"]
    if "subtype" not in table or table["subtype"].nunique() > 1:
        return ""
    each = listed(f"{people_of(int(n))} with {disease}" for disease, n in table.groupby("disease")["n"].sum().items())
    return f"The joint model of all diseases has one order, for everyone: {each} are staged in it, and no subtype is commoner in one disease."


def one_likeness(s: Study) -> str:
    """What stands in the place of the figure and table of likeness where two orders are compared; "" elsewhere."""
    table = s.tables["sustain/crossdisease/similarity"]
    if "tau" not in table or table["tau"].notna().sum() != 1:
        return ""
    told = _likeness_told(s)
    return f"Likeness of the two orders, Kendall's tau: {told} {orders_in_doubt(s)}".strip() if told else ""


def orders_in_doubt(s: Study) -> str:
    """That the orders of some diseases may change, where their chains did not converge; "" where all did."""
    doubted = [d.name for d in s.diseases if not d.converged]
    return (
        f"The chains of {listed(doubted)} have not converged: the orders may change with more steps." if doubted else ""
    )


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
            f"{disease}, {f}: {counted(int((told['family'] == f).sum()), 'contrast')} in the tables, none told."
            for f in families
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
            if n_subtypes
            else f"The data of {disease} support no common order of atrophy (k = 0): nothing is compared between subtypes, and "
            "what follows is of the stage of a model that predicts unseen people no better than calling everyone healthy."
        )
    elif associations["against"].eq(OTHERS).any():
        out.append(f"Subtypes are compared among staged {disease} people, at the same stage.")
    for family in families:
        out += family_sentences(associations, family, disease)
    out += survival_sentences(logrank, n_subtypes) + nested_sentences(nested, n_subtypes) + slope_sentences(slopes)
    return [capital(line) for line in (*out, *more)]


def clinical_sentences(d: Disease) -> list[str]:
    """What subtype and stage mean clinically in one disease: results/clinical/D/results.txt."""

    def told(function, name):
        table = d.tables[f"clinical/{name}"]
        return function(table) if len(table) else []

    more = [
        *told(treatment_sentences, "treatment"),
        *told(prediction_sentences, "prediction"),
        *linking_sentences(d.tables["clinical/nested"], d.tables["clinical/prediction"], d.k),
        *told(trial_sentences, "trial"),
        *(told(reported_sentences, "reported") if d.simulated and d.k > 1 else []),
    ]
    logrank, nested, slopes = (d.tables[f"clinical/{name}"] for name in ("logrank", "nested", "slopes"))
    return paragraph(
        d.associations, logrank, nested, slopes, d.name, n_subtypes=d.k, converged=d.converged, more=tuple(more)
    )


# --- sentences with their conditions -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """A sentence that holds.

    Attributes
    ----------
    text : str
    warn : bool
        Something not to believe, or to look at first.
    name : str
        Of the function that says it.
    """

    text: str
    warn: bool
    name: str


@dataclass(frozen=True)
class Sentence:
    """A sentence and its condition.

    Attributes
    ----------
    text : callable
        Facts to a sentence, or to several.
    place : str
        Where it stands: see `PLACES`.
    holds : callable
        Facts to bool.
    warn : bool or callable
        Facts to bool.
    """

    text: Callable
    place: str
    holds: Callable
    warn: bool | Callable = False


#: Where sentences stand: of the study (people, norms, limits), of a disease (number, model, labels, nuisance, clinical).
PLACES = ("people", "norms", "number", "model", "labels", "nuisance", "clinical")
SENTENCES: dict[str, Sentence] = {}


def sentence_of(place: str, when: Callable = lambda _: True, warn: bool | Callable = False):
    """Register a function of facts as a sentence of a place, told where `when` holds."""
    if place not in PLACES:
        raise ValueError(f"{place} is no place; there are {', '.join(PLACES)}")

    def register(function):
        SENTENCES[function.__name__] = Sentence(function, place, when, warn)
        return function

    return register


def said(facts: Study | Disease, *places: str) -> list[Said]:
    """The sentences of these places that hold, in order.

    Parameters
    ----------
    facts : Study or Disease
    *places : str
        Of `PLACES`.
    """
    out = []
    for place in places:
        for name, s in SENTENCES.items():
            if s.place != place or not s.holds(facts):
                continue
            warn = bool(s.warn(facts)) if callable(s.warn) else s.warn
            told = s.text(facts)
            out += [Said(text, warn, name) for text in ([told] if isinstance(told, str) else told)]
    return out


def subtypes(k: int) -> str:
    """1 subtype, 2 subtypes."""
    return counted(k, "subtype")


def people_of(n: int) -> str:
    """1 person, 2 people."""
    return counted(n, "person", spec=",")


# people: of a study


@sentence_of("people", lambda s: not s.diseases, warn=True)
def no_disease(s: Study):
    return "No disease group was declared: norms and their diagnostics only, no subtypes."


def _left_aside(s: Study) -> list[str]:
    """Labels of what is measured in nobody, but for the brain's where that was not measured at all (no_brain)."""
    if s.has_brain or not s.has_cord:
        return s.absent
    kind = s.biomarkers.set_index("label")["kind"]
    return [label for label in s.absent if kind[label] in ("cord", "column")]


@sentence_of("people", lambda s: bool(_left_aside(s)), warn=True)
def not_measured(s: Study):
    return f"Defined but measured in nobody, and so left aside: {', '.join(_left_aside(s))}."


@sentence_of("people", lambda s: bool(s.diseases) and s.has_cord and not s.has_brain, warn=True)
def no_brain(s: Study):
    return "The brain was not measured: atrophy that is there cannot be told from none."


@sentence_of("people", lambda s: bool(s.diseases) and s.columns_alone, warn=True)
def no_image(s: Study):
    return (
        "Neither the brain nor the spinal cord was measured: all measures are columns of the participants' table, and what is "
        "called atrophy here is an abnormal value of one of them."
    )


@sentence_of("people", lambda s: bool(s.diseases) and not s.has_cord and not s.columns_alone, warn=True)
def no_cord(s: Study):
    defined = cord_of(s.biomarkers) is not None or "spinal cord" in set(s.biomarkers["system"])
    declared = "nobody has a measure of it" if defined else "no measure of it is defined"
    return f"The spinal cord was not measured ({declared}): atrophy that begins there cannot be told from none."


@sentence_of("people", lambda s: "segmentation without participant" in set(s.flow["step"]), warn=True)
def strangers(s: Study):
    n = int(s.flow.loc[s.flow["step"] == "segmentation without participant", "excluded"].sum())
    return f"{counted(n, 'segmentation belongs', 'segmentations belong')} to nobody in participants.tsv (results/cohort/flow.tsv names them)."


def _lost(s: Study) -> dict[str, float]:
    """Groups to the share of their people who left, where it is more than a tenth."""
    shares = {}
    # of the study's groups: people of others are no part of it (other_groups)
    flow = s.flow[s.flow["group"].isin([s.control, *(d.name for d in s.diseases)])]
    for group, part in flow.groupby("group"):
        shares[str(group)] = float(part["excluded"].sum() / max(part["n"].max(), 1))
    return {g: share for g, share in shares.items() if share > 0.1}


@sentence_of("people", lambda s: bool(_lost(s)), warn=True)
def many_lost(s: Study):
    return [f"{share:.0%} of {g} were excluded; the rest may not stand for all." for g, share in _lost(s).items()]


@sentence_of("people", lambda s: bool(s.diseases) and bool(s.sites_without_controls), warn=True)
def no_controls_at_site(s: Study):
    return (
        f"Sites without controls: {', '.join(s.sites_without_controls)}; their site effect cannot be told from disease."
    )


def _other_groups(s: Study) -> pd.Series:
    """People of participants.tsv by group, of groups that are not of this study."""
    left = s.flow[(s.flow["step"] == OTHER_GROUPS) & (s.flow["excluded"] > 0)]
    return left[~left["group"].isin([s.control, *(d.name for d in s.diseases)])].groupby("group")["excluded"].sum()


@sentence_of("people", lambda s: len(_other_groups(s)) > 0)
def other_groups(s: Study):
    each = [f"{group} ({people_of(int(n))})" for group, n in _other_groups(s).items()]
    return f"In the table of participants, but no part of this study: {listed(each)}."


def _merged(s: Study) -> dict[str, list[str]]:
    """Groups of the study that stand for other groups of the table of participants."""
    groups = s.config["cohort"].get("groups") or {}
    shown = {s.control, *(d.name for d in s.diseases)}
    return {g: list(map(str, names)) for g, names in groups.items() if g in shown and list(map(str, names)) != [g]}


@sentence_of("people", lambda s: bool(_merged(s)))
def merged_groups(s: Study):
    each = [f"{g} stands for {listed(names)}" for g, names in _merged(s).items()]
    return f"Groups of the table of participants under this study's names: {'; '.join(each)}."


def _one_site(s: Study) -> dict[str, str]:
    """Diseases whose people all come from one of several sites."""
    people = s.participants
    at = {d.name: people.loc[people["group"] == d.name, "site"].dropna().unique() for d in s.diseases}
    return {d: str(sites[0]) for d, sites in at.items() if len(sites) == 1 and s.n_sites > 1}


@sentence_of("people", lambda s: bool(_one_site(s)), warn=True)
def disease_of_one_site(s: Study):
    return [
        f"Everyone with {d} comes from one site ({site}): what is said of {d} holds for that scanner."
        for d, site in _one_site(s).items()
    ]


@sentence_of("people", lambda s: s.n_sites == 1)
def one_site(s: Study):
    if s.no_sites:
        return f"{s.no_sites}: differences between scanners, where there are several, were not looked for."
    return "Everyone comes from one site: nothing here has been seen on another scanner."


@sentence_of("people", lambda s: bool(s.diseases) and s.n_scanned_again == 0)
def no_follow_up(s: Study):
    return "Nobody has a later scan: stages are compared between people, and nothing is said of change within a person."


@sentence_of("people", lambda s: bool(s.diseases) and not s.config["clinical"]["outcomes"])
def no_outcomes(s: Study):
    return "No clinical outcome was declared: what subtypes and stages mean for people was not asked."


# norms: of a study


@sentence_of("norms", lambda s: len(s.norms_checks) > 0, warn=lambda s: _failed(s) > 0.1 * len(s.norms_checks))
def checks_failed(s: Study):
    return f"{_failed(s)} of {counted(len(s.norms_checks), 'check')} of the controls' out-of-sample z failed."


def _failed(s: Study) -> int:
    return int((~is_true(s.norms_checks["passed"])).sum())


@sentence_of("norms", lambda s: len(s.tables["normative/covariance"]) > 0)
def controls_correlate(s: Study):
    return healthy_correlation(s.tables["normative/covariance"])


def healthy_correlation(covariance: pd.DataFrame) -> str:
    """How far the controls' regions correlate, and how many controls say so."""
    pairs = covariance[covariance["biomarker"] != covariance["other"]]
    one = covariance.iloc[0]
    if pairs.empty:
        return f"One biomarker, in {counted(one['n_controls'], 'control', spec=',')}: nothing correlates."
    fewest = f", {pairs['n'].min():,} behind the rarest pair" if pairs["n"].min() < one["n_controls"] else ""
    return (
        f"In {counted(one['n_controls'], 'control', spec=',')}{fewest}, z of {counted(len(covariance) - len(pairs), 'biomarker correlates', 'biomarkers correlate')} at "
        f"r = {pairs['correlation'].mean():.2f} on average ({pairs['correlation'].min():.2f} to "
        f"{pairs['correlation'].max():.2f}), after shrinkage by {one['shrinkage']:.1%}."
    )


# number: how many subtypes, of a disease


@sentence_of(
    "number",
    lambda d: len(d.tables["variants"]) > 0 and len(_variants(d)) > 1,
    warn=lambda d: len(set(_variants(d).values())) > 1,
)
def other_variants(d: Disease):
    """Before all else on the number: what hangs on the model of the noise is no property of the people."""
    words = variants_in_words(_variants(d))
    found = [f"{k} ({words[name]})" for name, k in _variants(d).items()]
    agree = "they agree" if len(set(_variants(d).values())) == 1 else "they do not agree"
    return f"Number of subtypes that the data support, by variant of the model: {'; '.join(found)}: {agree}."


@sentence_of("number", lambda d: d.fixed, warn=True)
def number_fixed(d: Disease):
    how = f"The number of subtypes, {d.k}, was fixed in the configuration and not chosen"
    if d.by_rule == d.k == d.best:
        return f"{how}; the data support the same: {_beside(d)}."
    row = d.tried.loc[d.k]
    gap = (
        f"with {d.best}, unseen people are predicted best, CVIC {row['gap_cvic']:.1f} lower than with {d.k} "
        f"(SE {row['gap_se']:.1f})"
    )
    if d.by_rule == d.k:
        return f"{how}; the rule would choose the same: {gap}: too little to tell."
    if d.by_rule == d.best:
        return f"{how}; the data support {d.by_rule}: {gap}."
    row = d.tried.loc[d.by_rule]
    return (
        f"{how}; the rule would choose {d.by_rule}: the best CVIC is that of {d.best}, {row['gap_cvic']:.1f} lower "
        f"(SE {row['gap_se']:.1f}): too little to tell."
    )


@sentence_of("number", lambda d: d.k == 0, warn=True)
def number_none(d: Disease):
    return (
        f"The data of {d.name} support no common order of atrophy: calling everyone healthy (k = 0) predicts unseen people "
        "at least as well as any model with an order. What is drawn below is the order of a model with one subtype, and "
        "describes rather than shows."
    )


@sentence_of("number", lambda d: d.k == 1, warn=lambda d: not d.fixed)
def number_one(d: Disease):
    return (
        f"The data of {d.name} do not support more than one subtype: there is one order of atrophy for everyone, which has "
        "no name, and nothing is compared between subtypes."
        if not d.fixed
        else f"The {d.name} model has one order of atrophy for everyone, which has no name, and nothing is compared between "
        "subtypes."
    )


@sentence_of("number", lambda d: d.k > 1 and not d.fixed and d.k == d.best)
def number_best(d: Disease):
    return f"{subtypes(d.k)} predict unseen people best (CVIC); {_beside(d)}."


def _beside(d: Disease) -> str:
    """The next best number, and by how much."""
    rest = d.tried.drop(index=d.k)
    if rest.empty:
        return "no other number was tried"
    k = int(rest["gap_cvic"].idxmin())
    return (
        f"the next best number, {k}, has a CVIC {rest.loc[k, 'gap_cvic']:.1f} higher (SE {rest.loc[k, 'gap_se']:.1f})"
    )


@sentence_of("number", lambda d: d.k > 1 and not d.fixed and d.k != d.best)
def number_within(d: Disease):
    row = d.tried.loc[d.k]
    return (
        f"{subtypes(d.k)}: the smallest number whose CVIC lies within max({CVIC_EVIDENCE:g}, one SE) of the best, "
        f"{d.best} ({row['gap_cvic']:.1f} higher, SE {row['gap_se']:.1f})."
    )


@sentence_of("number", lambda d: d.best == d.largest and d.largest > 1, warn=True)
def number_largest(d: Disease):
    return f"The best number, {d.best}, is the largest that was tried (sustain.max_subtypes): more may be better."


@sentence_of("number", lambda d: d.k > 0 and d.healthy_gain > 0, warn=True)
def healthy_better(d: Disease):
    return (
        f"Calling everyone healthy (k = 0) predicts unseen people better than this model, by {d.healthy_gain:.1f} nats."
    )


@sentence_of("number", lambda d: d.gaussian_gain > 0, warn=True)
def gaussian_better(d: Disease):
    if len(d.measures) == 1:
        return (
            f"One normal distribution of {d.measures[0]} predicts unseen people better by {d.gaussian_gain:.1f} nats: the "
            "model's steps describe them worse than none."
        )
    return (
        f"One multivariate normal without subtypes predicts unseen people better by {d.gaussian_gain:.1f} nats: what "
        f"the model leaves over correlates between measures, and probabilities of {'subtypes' if d.k > 1 else 'atrophy'} are "
        "over-confident."
    )


def _variants(d: Disease) -> dict[str, int]:
    table = d.tables["variants"]
    chosen = table[is_true(table["chosen"])]
    return {str(v): int(k) for v, k in zip(chosen["variant"], chosen["n_subtypes"], strict=True)}


@sentence_of("number", lambda d: len(d.tables["negative_control"]) > 0, warn=lambda d: control_warns(d))
def healthy_people(d: Disease):
    return [text for text, _ in control_sentences(d.tables["negative_control"], d.fixed)]


#: Where the number of subtypes was fixed nothing was selected in patients.
FIXED_RULE = "the rule, which did not decide the number here,"


def control_warns(d: Disease) -> bool:
    """Does the selection find anything in healthy people, or was it not made there?"""
    return any(warn for _, warn in control_sentences(d.tables["negative_control"]))


def control_sentences(control: pd.DataFrame, fixed: bool = False) -> list[tuple[str, bool]]:
    """What the same selection finds in healthy people, a sentence per variant, and whether it warns."""
    out = []
    procedure = FIXED_RULE if fixed else "the same procedure"
    note = str(control["note"].dropna().iloc[0]) if control["note"].notna().any() else ""
    known = control.dropna(subset=["n_subtypes"])
    words = variants_in_words(known["variant"].unique())
    for name, part in known.groupby("variant", sort=False):
        k = int(part.loc[is_true(part["chosen"]), "n_subtypes"].iloc[0])
        n = int(part["n_people"].iloc[0])
        text = f"Negative control{f' ({words[str(name)]})' if len(words) > 1 else ''}: {procedure} finds {subtypes(k)} in {counted(n, 'healthy person')}"
        if k > 1:
            text += "; as many in patients are no evidence of disease under this model"
        out.append((text + (f" ({note})" if note else "") + ".", k > 0))
    return out or [(f"No negative control: {note}.", True)]


@sentence_of("number", lambda d: len(_null(d)) > 0, warn=lambda d: is_true(_null(d)["more"]).mean() > 0.1)
def drawn_with_fewer(d: Disease):
    null = _null(d)
    more, n, fewer = int(is_true(null["more"]).sum()), len(null), int(null["true_subtypes"].iloc[0])
    return (
        f"In people drawn from the model with {subtypes(fewer)} {FIXED_RULE if d.fixed else 'the same procedure'} asks for more in {more} of {counted(n, 'cohort')} of "
        f"{int(null['n_people'].iloc[0])}."
    )


#: What calibration.tsv states, in words.
STATED = {
    "P(healthy)": ("of being healthy", "were healthy"),
    "P(subtype), truly staged people": ("of the most probable subtype, in people who are truly staged,", "were of it"),
}


@sentence_of(
    "labels",
    lambda d: len(_calibrated(d)) > 0,
    warn=lambda d: (_calibrated(d)["stated"] > _calibrated(d)["high"]).any(),
)
def calibrated(d: Disease):
    parts = []
    for row in _calibrated(d).itertuples():
        of, came = STATED.get(row.quantity, (f"of {row.quantity}", "came true"))
        parts.append(
            f"{of} it is {row.stated:.0%}, and {row.observed:.0%} (95 % interval {row.low:.0%} to {row.high:.0%}) of "
            f"{counted(int(row.n), 'person')} {came}"
        )
    return f"Mean probability that is stated out of fold, beside the simulated truth: {'; '.join(parts)}."


def _calibrated(d: Disease) -> pd.DataFrame:
    """Stated probabilities over everyone, out of fold, beside what was true."""
    table = d.tables["calibration"]
    if table.empty:
        return table
    mine = table[(table["labels"] == "out of fold") & (table["class"] == "all")]
    # of the one subtype that there is, everyone's probability is 1
    return mine if d.k > 1 else mine[~mine["quantity"].str.startswith("P(subtype)")]


def _null(d: Disease) -> pd.DataFrame:
    table = d.tables["parametric_null"]
    return table.dropna(subset=["true_subtypes"]) if "true_subtypes" in table else table


@sentence_of("number", lambda d: d.simulated and d.k != 3)
def published_three(d: Disease):
    gap = float(d.tried.loc[3, "gap_cvic"]) if 3 in d.tried.index else float("nan")
    three = f" (three: CVIC {gap:.1f} above the best)" if gap > 0 else " (three have the best CVIC)" if gap == 0 else ""
    return f"The published study (Zhuo et al. 2025) found three subtypes; in these simulated people there are {d.k}{three}."


# model: is it to be trusted, of a disease


@sentence_of("model", warn=lambda d: not d.converged)
def chains(d: Disease):
    return d.convergence


def _tau(d: Disease) -> pd.Series:
    """Mean agreement of the fold models' order with that of everyone, by subtype's name (most people first)."""
    tau = d.tables["stability"].groupby("subtype")["tau"].mean()
    return pd.Series({name: tau[c] for c, name in d.names.items() if c in tau.index}, dtype=float)


@sentence_of(
    "model", lambda d: len(d.tables["stability"]) > 0 and len(d.measures) != 1, warn=lambda d: (_tau(d) < 0.7).any()
)
def folds_agree(d: Disease):
    tau = _tau(d)
    each = listed(f"{v:.2f} ({n})" for n, v in tau.items()) if d.k > 1 else f"{tau.iloc[0]:.2f}"
    chance = d.tables["stability"]["tau_chance"].iloc[0]
    return f"Models fitted without a part of the people have the same order at Kendall's tau {each}; two random orders: {chance:.2f}."


def _sites(d: Disease) -> pd.DataFrame:
    """Refits without a site, and the agreement of each with everyone's model: a row per site and subtype."""
    table = d.tables["sites"]
    if len(table) and not d.config["sustain"].get("leave_site_out", True):
        return table.iloc[:0]  # of a run before
    return table[table["tau"].notna()] if len(table) else table


@sentence_of(
    "model",
    lambda d: len(_sites(d)) > 0,
    warn=lambda d: len(d.measures) != 1 and bool((_sites(d)["tau"] < 0.7).any()),
)
def sites_agree(d: Disease):
    table = _sites(d)
    each = table.drop_duplicates("site")
    n, n_sites = len(each), d.tables["sites"]["site"].nunique()
    one = n == 1

    def span(low, high, where: str) -> str:
        return f"{low}{where}" if one else f"{low}{where} to {high}"

    if one:
        left_out = f"site {each['site'].iloc[0]} (of {counted(n_sites, 'site')} the only one left out)"
    else:
        left_out = f"each of {n}{f' of {n_sites}' if n < n_sites else ''} sites in turn"
    worst = table.loc[table["tau"].idxmin()]
    about = [d.names.get(int(worst["subtype"]), "")] if d.k > 1 else []
    about = [w for w in [*about, "" if one else f"without {worst['site']}"] if w]
    low, high = f"{table['tau'].min():.2f}", f"{table['tau'].max():.2f}"
    # one site has one agreement a subtype, and they span a range all the same
    tau = f"{low} ({', '.join(about)}) to {high}" if about and len(table) > 1 else low
    moved = each.loc[each["same_label"].idxmin()]
    kept = span(
        f"{moved['same_label']:.0%}", f"{each['same_label'].max():.0%}", "" if one else f" (without {moved['site']})"
    )
    # one measure has one order, which no model can miss
    order = (
        "" if len(d.measures) == 1 else f"the model's order agrees with that of everyone's at Kendall's tau {tau}, and "
    )
    return f"Fitted anew without {left_out}, {order}{kept} of the people of the other sites keep their label."


def _rival(d: Disease) -> tuple[float, float] | None:
    """Nats below the best of another optimum, and the share of people it labels differently, where that is more than 5 %."""
    starts = d.tables["starts"]
    if starts.empty:
        return None
    differing = starts["label_disagreement"].dropna()
    if len(differing) < 2 or differing.max() <= 0.05:
        return None
    heights = starts["polished_log_likelihood"]
    return float(heights.max() - heights[differing.idxmax()]), float(differing.max())


@sentence_of("model", lambda d: d.k > 1 and _rival(d) is not None, warn=True)
def rival_optimum(d: Disease):
    below, share = _rival(d) or (float("nan"), float("nan"))
    return f"Among the best starts there is another optimum, {below:.1f} nats below the best; it labels {share:.0%} of the people differently."


# labels: who is where, of a disease


@sentence_of("labels", lambda d: d.n > 0)
def how_many_staged(d: Disease):
    text = f"{d.n_staged:,} of {people_of(d.n)} with {d.name} are staged; {d.share_normal:.0%} are normal-appearing"
    if pd.notna(d.controls_staged):
        text += f". Of the controls, whom no model of {d.name} has seen, {d.controls_staged:.0%} are staged"
    return text + "."


@sentence_of("labels", lambda d: d.controls_staged > 0.05, warn=True)
def controls_are_staged(d: Disease):
    return f"{d.controls_staged:.0%} of the controls stand at stage 1 or above: a stage above 0 alone does not mean disease."


@sentence_of("labels", lambda d: d.n > 0 and (1 - d.share_normal) - d.controls_staged < 0.1, warn=True)
def staged_like_controls(d: Disease):
    return (
        f"Hardly more people with {d.name} are staged ({1 - d.share_normal:.0%}) than controls ({d.controls_staged:.0%}): "
        "the model tells little of disease from health."
    )


@sentence_of("labels", lambda d: d.share_normal < 0.05 and d.controls_staged < 0.5, warn=True)
def nearly_all_staged(d: Disease):
    return (
        f"Nearly everyone with {d.name} is staged (normal-appearing: {d.share_normal:.0%}; controls: "
        f"{1 - d.controls_staged:.0%}). Where patients and controls were scanned or measured differently everyone looks ill: "
        "compare their scanners, protocols and versions."
    )


@sentence_of("labels", lambda d: d.gap is not None, warn=True)
def stage_gap(d: Disease):
    assert d.gap is not None
    first, last, below, above = d.gap
    return (
        f"There is a gap in the stages: nobody stands at {first} to {last}, {people_of(below)} below (the normal-appearing among "
        f"them) and {people_of(above)} above it. Stages there are no steps that people were seen to take."
    )


@sentence_of("labels", lambda d: d.k > 0 and len(d.measures) == 1, warn=True)
def one_measure(d: Disease):
    found = d.tables["event_order"]["biomarker"].iloc[0]
    steps = "steps of that measure's z" if d.families.get(found, "zscore") == "zscore" else "steps of that measure"
    return (
        f"The model rests on one measure, {d.measures[0]}: its stages are {steps}, and nothing is said of an order between "
        "measures."
    )


@sentence_of("labels", lambda d: abs(d.mean_z_rho) >= 0.9 and len(d.measures) != 1 and d.n_staged >= SMALL, warn=True)
def stage_is_mean_z(d: Disease):
    return (
        f"Stage is nearly the mean z of all measures (Spearman's rho {d.mean_z_rho:.2f} among the staged): what goes with "
        "stage goes with overall atrophy, and needs no model."
    )


@sentence_of("labels", lambda d: d.k > 1 and any(n == 0 for _, _, n in d.ranked), warn=True)
def empty_subtype(d: Disease):
    names = [name for _, name, n in d.ranked if n == 0]
    return (
        f"Nobody is assigned to {listed(names)}: the model has the order, but it is of no person seen, and it is neither "
        "drawn nor described."
    )


@sentence_of("labels", lambda d: d.k > 1 and any(0 < n < SMALL for _, _, n in d.ranked), warn=True)
def small_subtype(d: Disease):
    few = [f"{name} ({people_of(n)})" for _, name, n in d.ranked if 0 < n < SMALL]
    return f"Too small for conclusions: {listed(few)}."


@sentence_of("labels", lambda d: d.k > 1 and d.n_staged > 0, warn=lambda d: d.sure < 0.5)
def how_sure(d: Disease):
    return (
        f"{d.sure:.0%} of the staged have a subtype of probability 0.9 or more, judged by models that never saw them."
    )


# nuisance: what is left of site, sex, age, head size; of a disease


def _nuisance(d: Disease) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows that were tested, and rows that pass."""
    table = d.tables["clinical/nuisance"]
    if table.empty:
        return table, table
    tested = table[table["p"].notna()]
    if d.k < 2:
        tested = tested[tested["label"] != "subtype"]
    return tested, tested[tested["p_holm"] < 0.05]


@sentence_of("nuisance", lambda d: len(_nuisance(d)[1]) > 0, warn=True)
def follows_nuisance(d: Disease):
    site = d.config["normative"]["site"]
    words = {
        "site": "it may follow scanners and not disease"
        + (" (there is no site term in the norms)." if site == "none" else ", although the norms have a site term."),
        "etiv": "it may follow the size of heads and not disease.",
    }
    rest = "the norms took it out of the measures, so this is of the disease or left over."
    return [
        f"{r.label.capitalize()} goes with {d.in_words(r.variable)} ({r.effect} {r.estimate:.2f}, n = {r.n}, "
        f"Holm's p = {r.p_holm:.1g}): {words.get(r.variable, rest)}"
        for r in _nuisance(d)[1].itertuples()
    ]


@sentence_of("nuisance", lambda d: len(_nuisance(d)[0]) > 0 and len(_nuisance(d)[1]) == 0)
def follows_nothing(d: Disease):
    tested, _ = _nuisance(d)
    pairs = [
        f"{label} with {listed(d.in_words(v) for v in part['variable'])}"
        for label, part in tested.groupby("label", sort=False)
    ]
    return f"Tested and nothing found (Holm's p >= 0.05): {'; '.join(pairs)}."


@sentence_of("nuisance", lambda d: bool(_untested(d)))
def nuisance_untested(d: Disease):
    return f"Not tested, which is not the same as not there: {'; '.join(_untested(d))}."


def _untested(d: Disease) -> list[str]:
    """Label and variable of every row that could not be tested, with the reason."""
    table = d.tables["clinical/nuisance"]
    if table.empty:
        return []
    rest = table[table["p"].isna()]
    if d.k < 2:
        rest = rest[rest["label"] != "subtype"]
    return [f"{r.label} with {d.in_words(r.variable)} ({r.reason})" for r in rest.itertuples()]


# clinical: the headline, of a disease


def _told(d: Disease) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Headline rows that were tested, and those that pass; none where the chains have not converged."""
    table = d.associations
    if table.empty:
        return table, table
    rows = rows_told(table)
    if d.k < 2:
        rows = rows[~rows["kind"].isin(["subtype", "any difference"])]
    tested = rows[is_true(rows["reportable"]) & rows["p"].notna()]
    return tested, tested[tested["q"] < FOUND].sort_values("q", kind="stable")


@sentence_of("clinical", lambda d: len(d.tables["clinical/associations"]) > 0 and not d.converged, warn=True)
def nothing_clinical(d: Disease):
    return f"The chains of the {d.name} model have not converged: no clinical result is told."


@sentence_of("clinical", lambda d: d.converged and len(_told(d)[1]) > 0)
def clinical_headline(d: Disease):
    tested, passed = _told(d)
    lines = [
        f"{len(passed)} of {counted(len(tested), 'clinical contrast')} that could be tested {agreeing(len(passed), 'passes', 'pass')} a "
        "false-discovery rate of 5 %."
    ]
    first = passed[passed["kind"] != "any difference"].drop_duplicates(["outcome", "kind"]).head(HEADLINES)
    return [*lines, *(sentence(row) for row in first.itertuples())]


#: Results in the summary; all are in the clinical chapter.
HEADLINES = 4


@sentence_of("clinical", lambda d: d.converged and len(_told(d)[0]) > 0 and len(_told(d)[1]) == 0)
def clinical_nothing_found(d: Disease):
    return f"None of {counted(len(_told(d)[0]), 'clinical contrast that was', 'clinical contrasts that were')} tested passes a false-discovery rate of 5 %."


@sentence_of(
    "clinical",
    lambda d: d.converged and len(d.tables["clinical/associations"]) > 0 and len(_told(d)[0]) == 0,
    warn=True,
)
def clinical_not_testable(d: Disease):
    return "No clinical contrast could be tested: too few people, events or certain labels (the clinical chapter says why)."


@sentence_of("clinical", lambda d: len(d.tables["clinical/associations"]) == 0)
def clinical_not_asked(d: Disease):
    return f"No clinical outcome was declared for {d.name}."


# --- what subtypes look like ---------------------------------------------------------------------------------------------


#: Of a subtype that does not begin in the system whose name it carries.
NAMED = "the name compares: the events it names come earlier here than in the other subtypes, though not first"


def portrait(d: Disease, subtype: int) -> str:
    """How one subtype looks, in people who are staged in it; "" where nobody is."""
    n = {c: n for c, _, n in d.ranked}[subtype]
    if n == 0 or d.k == 0:
        return ""
    name = d.names[subtype]
    begins = listed(label for label, _ in d.first_events.get(subtype, []))
    affected = [f"{label} ({z:.1f})" for label, z in d.most_affected.get(name, [])]
    stage = d.stages[(d.group == name) & (d.stages > 0)]
    first = f"{name[0].upper() + name[1:]}: " if d.k > 1 else ""
    text = f"{first}{people_of(n)} ({n / d.n:.0%} of all with {d.name})"
    if begins:
        text += f"; the sequence begins in {begins}"
        text += f" ({NAMED})" if d.k > 1 and d.named_by_comparison(subtype) else ""
    if affected:
        text += f"; highest mean z: {', '.join(affected)}"
    last = d.n_stages
    text += f"; median stage {stage.median():g}, highest {stage.max():g}" + (f" of {last}" if last else "")
    return text + "." + (" Too few for conclusions." if n < SMALL else "")


def portraits(d: Disease) -> list[str]:
    """All subtypes that somebody is staged in, most people first."""
    return [text for c, _, _ in d.ranked if (text := portrait(d, c))]


def surety(d: Disease) -> str:
    """How sure the number of subtypes and people's subtypes are, in one line for the top of the page."""
    parts = []
    if len(d.tables["variants"]) and len(_variants(d)) > 1:
        parts.append(f"variants of the model support {', '.join(map(str, _variants(d).values()))}")
    control = d.tables["negative_control"]
    chosen = control[is_true(control["chosen"])] if len(control) else control
    if len(chosen) and chosen["n_subtypes"].notna().any():
        parts.append(f"in healthy people {', '.join(str(int(k)) for k in chosen['n_subtypes'].dropna())}")
    if d.k > 1 and d.n_staged and d.converged:
        parts.append(f"{d.sure:.0%} of the staged with a subtype of probability 0.9 or more")
    if not d.converged:
        parts.append("the chains have not converged")
    return "; ".join(parts)


#: Cautions that are never folded: what the number of subtypes hangs on, and whether stages tell disease from health at all.
ON_TOP = (
    "other_variants",
    "stage_gap",
    "controls_are_staged",
    "staged_like_controls",
    "nearly_all_staged",
    "stage_is_mean_z",
    "chains",
)


def warnings_first(study: Study) -> list[Said]:
    """Everything that is not to be believed, for the top of the page: of the study, then of its diseases in turn."""
    out = [s for s in said(study, "people", "norms") if s.warn]
    of_diseases = []
    for d in study.diseases:
        found = [s for s in said(d, "number", "model", "labels", "nuisance", "clinical") if s.warn]
        found.sort(key=lambda s: s.name not in ON_TOP)
        texts = [s.text if d.name in s.text or len(study.diseases) == 1 else f"{d.name}: {s.text}" for s in found]
        of_diseases.append([Said(text, True, s.name) for text, s in zip(texts, found, strict=True)])
    # the page folds what is far down: no disease stands behind all of another's
    return out + [s for turn in zip_longest(*of_diseases) for s in turn if s is not None]


# --- what figures show, for those who do not see them ----------------------------------------------------------------------


def _numbers_told(d: Disease) -> str:
    parts = [f"k = {k}: {gap:.0f}" for k, gap in d.tried["gap_cvic"].items()]
    return f"CVIC above the best: {', '.join(parts)}; {d.k} {'fixed' if d.fixed else 'chosen'}."


def _stages_told(d: Disease) -> str:
    stage = d.stages[d.stages > 0]
    return (
        f"{counted(len(stage), 'person is', 'people are')} staged, median stage {stage.median():g}, highest {stage.max():g}."
        if len(stage)
        else ""
    )


def _effects_told(d: Disease) -> str:
    tested, passed = _told(d)
    if not d.converged:
        return "The chains have not converged, so no result is told."
    names = listed(f"{r.outcome} ({who(r)})" for r in passed.head(HEADLINES).itertuples())
    return (
        f"{len(passed)} of {counted(len(tested), 'tested contrast')} {agreeing(len(passed), 'passes', 'pass')} a false-discovery rate of 5 %"
        + (f", first {names}." if names else ".")
    )


def _survival_told(split: str) -> Callable:
    def told(d: Disease) -> str:
        table = d.tables["clinical/logrank"]
        mine = table[table["split"] == split] if len(table) and d.converged else table[:0]
        return " ".join(survival_sentences(mine, d.k))

    return told


def _order_told(d: Disease) -> str:
    return " ".join(
        f"{d.names[c]}: begins in {listed(label for label, _ in d.first_events[c])}."
        for c, _, n in d.ranked
        if n and c in d.first_events
    )


def _regions_told(d: Disease) -> str:
    """Per subtype how many regions differ, and the most different ones."""
    table = d.tables["clinical/maps"]
    if d.k < 2 or table.empty or "q" not in table:
        return ""
    lines = []
    for name in dict.fromkeys(d.names.values()):
        mine = table[(table["group"] == name) & table["t"].notna()]
        if mine.empty:
            continue
        found = mine[mine["q"] < FOUND].sort_values("t", key=abs, ascending=False)
        line = f"{capital(name)}: {len(found)} of {counted(len(mine), 'region')} at q < 0.05"
        if len(found):
            most = (f"{d.labels.get(r.biomarker, r.biomarker)} (t {r.t:+.1f})" for r in found.head(3).itertuples())
            line += f", most {listed(most)}"
        lines.append(f"{line}.")
    return " ".join(lines)


def _measures_told(d: Disease) -> str:
    """Per question the measures that differ between groups, and those that were tested and do not."""
    tested, passed = _told(d)
    if not d.converged or tested.empty:
        return ""
    lines = []
    for kind, words in (("subtype", "Between subtypes"), ("atrophy", "Between any atrophy and none")):
        of = list(dict.fromkeys(tested.loc[tested["kind"] == kind, "outcome"]))
        found = list(dict.fromkeys(passed.loc[passed["kind"] == kind, "outcome"]))
        if of:
            what = (
                f"{listed(found)} {agreeing(len(found), 'differs', 'differ')}"
                if found
                else "nothing differs detectably"
            )
            lines.append(f"{words}, {what} (q < 0.05; {counted(len(of), 'measure')} tested).")
    return " ".join(lines)


def _curves_told(d: Disease) -> str:
    """Per subtype the measures whose Kendall's tau with stage has an interval without 0."""
    table = d.tables["clinical/stage_curves"]
    if not d.converged or table.empty:
        return ""
    rows = table.drop_duplicates(["outcome", "subtype"])
    lines = []
    for name, mine in rows.groupby("subtype", sort=False):
        known = mine[mine["tau_low"].notna()]
        found = known[(known["tau_low"] > 0) | (known["tau_high"] < 0)].sort_values(
            "kendall_tau", key=abs, ascending=False
        )
        each = listed(f"{r.outcome} (tau {r.kendall_tau:.2f})" for r in found.itertuples()) or "nothing"
        whom = f"{capital(str(name))}: " if d.k > 1 else ""
        go = agreeing(len(found) or 1, "goes", "go")
        lines.append(
            f"{whom}{each} of {counted(len(mine), 'measure')} {go} with stage by an interval of tau without 0."
        )
    return " ".join(lines)


def _likeness_told(s: Study) -> str:
    """The most alike and the least alike pair of orders of two diseases."""
    table = s.tables["sustain/crossdisease/similarity"]
    known = table[table["tau"].notna() & (table["disease_a"] != table["disease_b"])] if len(table) else table
    if known.empty:
        return ""

    def pair(row) -> str:
        return f"{row['disease_a']} {row['name_a']} and {row['disease_b']} {row['name_b']} (tau {row['tau']:.2f})"

    most, least = known.loc[known["tau"].idxmax()], known.loc[known["tau"].idxmin()]
    chance = f"; two random orders: {known['tau_chance'].mean():.2f}" if "tau_chance" in known else ""
    if len(known) == 1:
        return f"{pair(most)}{chance}."
    return f"Of two diseases most alike are {pair(most)}, least {pair(least)}{chance}."


#: Figure to a function of the facts that says its finding, "" where there is none.
FINDINGS: dict[str, Callable] = {
    "selection": _numbers_told,
    "negative_control": lambda d: " ".join(healthy_people(d)) if len(d.tables["negative_control"]) else "",
    "reliability": lambda d: calibrated(d) if len(_calibrated(d)) else "",
    "calibration": lambda d: " ".join(prediction_sentences(d.tables["clinical/prediction"])) if d.converged else "",
    "survival_treatment": lambda d: (
        " ".join(treatment_sentences(d.tables["clinical/treatment"])) if d.converged else ""
    ),
    "brain_mean_z": lambda d: " ".join(portraits(d)),
    "brain_t": _regions_told,
    "mean_z": lambda d: " ".join(portraits(d)),
    "ternary": lambda d: f"{d.sure:.0%} of the staged have a subtype of probability 0.9 or more." if d.n_staged else "",
    "probability": lambda d: (
        f"{d.sure:.0%} of the staged have a subtype of probability 0.9 or more." if d.n_staged else ""
    ),
    "positional_variance": _order_told,
    "positional_variance_folds": _order_told,
    "progression": _order_told,
    "stages": _stages_told,
    "convergence": lambda d: d.convergence,
    "forest": _effects_told,
    "boxes": _measures_told,
    "stage": _curves_told,
    "survival": _survival_told("subtype"),
    "survival_stage": _survival_told("stage"),
    "transitions": lambda d: " ".join(slope_sentences(d.tables["clinical/slopes"])) if d.converged else "",
    "similarity": _likeness_told,
    "normative": checks_failed,
    "covariance": controls_correlate,
}
