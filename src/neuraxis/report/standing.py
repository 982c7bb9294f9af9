"""What the page says beside its sentences, each text beside the condition under which it holds.

Titles and captions of figures, names of chapters and tables, limitations, glossary.

A `Text` is words, or a function of what is known (`facts.Study`, or `facts.Disease` where it is of a disease), and a
condition. `told` gives those that hold, `first` the first of several of which one holds. What stands under a figure may take
for granted that there is something in it: a figure with nothing in it is not shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd

from ..clinical.contrasts import OTHERS
from ..clinical.outcomes import declared_for
from ..errors import agreeing, counted
from ..figures.declared import Figure
from ..figures.style import CUT
from ..labels import NORMAL, is_true
from ..sustain.diagnostics import R_HAT_LIMIT
from .facts import Disease, Study
from .sentences import capital, listed, orders_in_doubt


def always(_) -> bool:
    """Whatever is known."""
    return True


@dataclass(frozen=True)
class Text:
    """Words and their condition.

    Attributes
    ----------
    words : str or callable
        Or facts to words.
    when : callable
        Facts to bool.
    """

    words: str | Callable
    when: Callable = always

    def of(self, facts: Study | Disease) -> str:
        """The words."""
        return self.words if isinstance(self.words, str) else self.words(facts)


def told(texts: Iterable[Text], facts: Study | Disease) -> list[str]:
    """The words of all that hold."""
    return [t.of(facts) for t in texts if t.when(facts)]


def first(texts: Iterable[Text], facts: Study | Disease) -> str:
    """The words of the first that holds, "" where none does."""
    return next((t.of(facts) for t in texts if t.when(facts)), "")


def no(condition: Callable) -> Callable:
    """The opposite of a condition."""
    return lambda facts: not condition(facts)


# --- conditions: of a disease ------------------------------------------------------------------------------------------------


def several(d: Disease) -> bool:
    """Are there subtypes to be told apart?"""
    return d.k > 1


def two(d: Disease) -> bool:
    """One pair of subtypes, and so no "others"?"""
    return d.k == 2


def more(d: Disease) -> bool:
    """More than two subtypes?"""
    return d.k > 2


def met(d: Disease) -> list[str]:
    """Names of the subtypes that somebody is staged in."""
    return [name for _, name, n in d.ranked if n]


def any_normal(d: Disease) -> bool:
    """Is anybody normal-appearing?"""
    return d.n_staged < d.n


def diseases_of(d: Disease) -> list:
    """Names of all diseases of the study."""
    return d.config["cohort"].get("diseases") or [d.name]


def others_tried(d: Disease) -> bool:
    """Are there lines of other variants or of healthy people beside the study's own?"""
    return len(d.tables["variants"]) > 0 or healthy_tried(d)


def healthy_tried(d: Disease) -> bool:
    """Was the selection made in healthy people?"""
    table = d.tables["negative_control"]
    return len(table) > 0 and bool(table["n_subtypes"].notna().any())


def healthy_found(d: Disease) -> bool:
    """Does the selection find something in healthy people?"""
    table = d.tables["negative_control"]
    return healthy_tried(d) and bool((table.loc[is_true(table["chosen"]), "n_subtypes"] > 0).any())


def in_maps(d: Disease) -> set:
    """Systems of the biomarkers of the maps."""
    table = d.tables["clinical/maps"]
    return set() if table.empty else {d.systems.get(b, "") for b in table["biomarker"].unique()}


def cord_alone(d: Disease) -> bool:
    """Do the maps hold the spinal cord and nothing else?"""
    return in_maps(d) == {"spinal cord"}


def cord_too(d: Disease) -> bool:
    """Do the maps draw the spinal cord beside the brain? A cord that comes from a table has no place on the drawing."""
    table = d.tables["clinical/maps"]
    of_kind = {d.kinds.get(b, "cord") for b in table.get("biomarker", ()) if d.systems.get(b, "") == "spinal cord"}
    return "cord" in of_kind and not cord_alone(d)


def adjusted(d: Disease) -> str:
    """What the t of the maps is adjusted for, in brackets; "" where the table does not say."""
    table = d.tables["clinical/maps"]
    known = table["covariates"].dropna().unique() if "covariates" in table else []
    terms = list(dict.fromkeys(w for row in known for w in str(row).split(", ") if w))
    return f" (linear model with {listed(d.in_words(t) for t in terms)})" if terms else ""


def steps_are_z(d: Disease) -> bool:
    """Are all events those of z-scores?"""
    table = d.tables["positional_variance"]
    return "family" not in table or bool((table["family"] == "zscore").all())


def one_level(d: Disease) -> bool:
    """Has every biomarker one event?"""
    table = d.tables["positional_variance"]
    return len(table) > 0 and not table.duplicated([c for c in ("models", "subtype", "biomarker") if c in table]).any()


def levels_too(d: Disease) -> bool:
    """Has some biomarker levels and no z along the stages?"""
    table = d.tables["progression"]
    return "family" in table and bool((table["family"] != "zscore").any())


def column_is_cut(d: Disease) -> bool:
    """Is the column of the normal-appearing cut?"""
    stage = d.stages[d.stages > 0]
    return d.n - d.n_staged > CUT * (stage.value_counts().max() if len(stage) else 1)


def effects(d: Disease, kind: str) -> pd.DataFrame:
    """Estimates of one kind that the forest draws."""
    table = d.tables["clinical/associations"]
    return table[(table["kind"] == kind) & table["estimate"].notna()] if len(table) else table


def against_others(d: Disease) -> bool:
    """Is a subtype compared with all the other subtypes?"""
    mine = effects(d, "subtype")
    return d.k > 2 and len(mine) > 0 and bool((mine["against"] == OTHERS).any())


def against_one(d: Disease) -> bool:
    """Is one subtype compared with another, and none with all others?"""
    return d.k > 1 and len(effects(d, "subtype")) > 0 and not against_others(d)


def methods(d: Disease) -> list[str]:
    """Methods of the estimates that the forest draws."""
    table = d.tables["clinical/associations"]
    return [] if table.empty else list(dict.fromkeys(table.loc[table["estimate"].notna(), "method"]))


#: Methods of associations in words of a caption.
BY = {
    "weighted": "weighted by the posterior",
    "label": "by most probable label",
    "draws": "by labels imputed from scan and outcome",
}


def by_methods(d: Disease) -> str:
    """The methods, with which of them is told."""
    said = [BY[m] + " (told)" * (m == "weighted" and d.converged) for m in BY if m in methods(d)]
    return capital(", ".join(said)) + "."


def outcomes(d: Disease) -> list:
    """Declared outcomes of the disease that are drawn."""
    return [o for o in declared_for([o for o in d.config["clinical"]["outcomes"] if "type" in o], d.name) if o.drawn]


def numbers_too(d: Disease) -> bool:
    """Is an outcome drawn as boxes and not as shares?"""
    return any(o.drawn != "share" for o in outcomes(d))


def rates_too(d: Disease) -> bool:
    """Is a count over years among the outcomes?"""
    return any(o.rates for o in outcomes(d))


def curves_too(d: Disease) -> bool:
    """Could a curve be fitted?"""
    return len(d.tables["clinical/stage_curves"]) > 0


def splits(d: Disease, name: str) -> list[str]:
    """Splits of a table of survival curves."""
    table = d.tables[f"clinical/{name}"]
    return [] if table.empty else list(dict.fromkeys(table["split"]))


def inside_subtypes(d: Disease) -> bool:
    """Are there curves of stage inside a subtype?"""
    return d.k > 1 and any(s.startswith("stage in ") for s in splits(d, "survival"))


def normal_followed(d: Disease) -> bool:
    """Are the normal-appearing among the curves by stage?"""
    table = d.tables["clinical/survival"]
    return len(table) > 0 and bool(((table["split"] == "stage") & (table["group"] == NORMAL)).any())


def treated_told(d: Disease) -> bool:
    """Is a hazard ratio of treatment within a subtype told?"""
    table = d.tables["clinical/treatment"]
    if table.empty or not d.converged:
        return False
    inside = table["subtype"].isin(list(d.names.values())) | ((d.k < 2) & table["subtype"].isna())
    return bool((inside & is_true(table["reportable"]) & table["estimate"].notna()).any())


def slopes_too(d: Disease) -> bool:
    """Is a change a year known?"""
    table = d.tables["clinical/slopes"]
    return len(table) > 0 and bool(table["slope"].notna().any())


def one_group(d: Disease) -> bool:
    """Do all scans that follow one another stand in one group, so that nobody changes it?"""
    table = d.tables["clinical/transitions"]
    seen = table[table["n"] > 0] if len(table) else table
    return len(seen) > 0 and len({*seen["source"], *seen["target"]}) == 1


def not_converged(d: Disease) -> bool:
    """Do the chains disagree?"""
    return not d.converged


# --- conditions: of a study --------------------------------------------------------------------------------------------------


def modelled(s: Study) -> bool:
    """Is there a disease?"""
    return bool(s.diseases)


def site_checks(s: Study, when: str = "after") -> bool:
    """Were means of several sites checked, before or after the site term?"""
    table = s.tables["normative/diagnostics"]
    mine = table[(table["check"] == "site") & (table["harmonisation"] == when)] if "check" in table else table[:0]
    return len(mine) > 0 and mine["part"].nunique() > 1


def checked_at_once(s: Study) -> bool:
    """Were means of everyone checked, and none of several sites?"""
    table = s.tables["normative/diagnostics"]
    return "check" in table and bool((table["check"] == "all").any()) and not site_checks(s)


def pairs_missing(s: Study) -> bool:
    """Is some pair of regions known in fewer controls than another?"""
    table = s.tables["normative/covariance"]
    return "n" in table and table["n"].nunique() > 1


def correlated(s: Study) -> bool:
    """Does the model take the controls' covariance?"""
    return s.config["sustain"]["noise"] in ("controls", "adapted")


def without_health(s: Study) -> bool:
    """Is there no healthy component in the model?"""
    return bool(s.diseases) and not s.config["sustain"]["healthy"]


def orders(s: Study) -> bool:
    """Does a model order several measures?"""
    return any(len(d.measures) != 1 for d in s.diseases)


def asked(s: Study) -> bool:
    """Is an association with an outcome known?"""
    return any(len(d.tables["clinical/associations"]) for d in s.diseases)


def any_adjusted(s: Study) -> bool:
    """Is an association adjusted for anything?"""
    tables = [d.tables["clinical/associations"] for d in s.diseases]
    return any(len(t) and t["covariates"].map(lambda v: isinstance(v, str) and v != "").any() for t in tables)


def named(s: Study, condition: Callable) -> str:
    """Names of the diseases of which something holds."""
    return listed(d.name for d in s.diseases if condition(d))


def head_sizes_missing(s: Study) -> bool:
    """Are volumes measured, and nobody's head size is known?"""
    return bool(s.diseases) and not s.has_head_size and bool((s.measured["kind"] == "labels").any())


# --- figures -----------------------------------------------------------------------------------------------------------------

KAPLAN_MEIER = Text(
    "Kaplan-Meier curves with 95 % bands, ended where fewer than 10 people are at risk; numbers at risk below."
)
NOT_TOLD = Text("The chains have not converged: nothing of this is told as a result.", not_converged)
NOT_LABELLED = Text("The chains have not converged: people's labels may change with more steps.", not_converged)
NOT_SURE = Text("The chains have not converged: the order may change with more steps.", not_converged)

#: Figure to its titles, of which the first that holds is taken; others have that of `figures.declared`.
TITLES: dict[str, tuple[Text, ...]] = {
    "brain_mean_z": (
        Text("Mean z on the spinal cord", lambda d: cord_alone(d) and not several(d)),
        Text("Mean z of every subtype on the spinal cord", cord_alone),
        Text("Mean z on brain and cord", lambda d: cord_too(d) and not several(d)),
        Text("Mean z of every subtype on brain and cord", cord_too),
        Text("Mean z on the brain", no(several)),
        Text("Mean z of every subtype on the brain"),
    ),
    "brain_t": (Text("Where the two subtypes differ", two), Text("Where each subtype differs from the others")),
    "positional_variance_folds": (Text("Place of every event in the sequence, cross-validated"),),
    "progression": (
        Text("Expected z and levels along the stages", levels_too),
        Text("Expected z along the stages"),
    ),
    "forest": (
        Text("Effects of subtype, stage and any atrophy", lambda d: several(d) and len(effects(d, "subtype")) > 0),
        Text("Effects of stage and any atrophy"),
    ),
    "boxes": (
        Text("Clinical measures by subtype", several),
        Text("Clinical measures", no(any_normal)),
        Text("Clinical measures with and without atrophy"),
    ),
    "transitions": (Text("Change a year", one_group), Text("Group at one scan and at the next")),
    "survival": (
        Text("Time to each event by subtype", several),
        Text("Time to each event", no(any_normal)),
        Text("Time to each event with and without atrophy"),
    ),
    "survival_treatment": (
        Text("Time to each event by treatment, within subtype", several),
        Text("Time to each event by treatment"),
    ),
}  # fmt: skip

#: Figure to its caption.
CAPTIONS: dict[str, tuple[Text, ...]] = {
    "selection": (
        Text("Left: CVIC above the best number with the paired standard error, lower is better."),
        Text("Filled: the chosen number.", no(lambda d: d.fixed)),
        Text(
            lambda d: "Filled: the number that was fixed"
            + (", and in the other lines the number that the rule chooses." if others_tried(d) else "."),
            lambda d: d.fixed,
        ),
        Text("k = 0: everyone healthy.", lambda d: 0 in d.tried.index),
        Text("MVN: one multivariate normal without subtypes.", lambda d: pd.notna(d.gaussian_gain)),
        Text("Grey: the same procedure on healthy people.", healthy_tried),
        Text("Right: log-likelihood of the people of each fold, fold means taken off.", lambda d: len(d.tables["heldout_folds"]) > 0),
    ),
    "negative_control": (
        Text("CVIC above the best with the paired standard error."),
        Text("Filled: the chosen number.", no(lambda d: d.fixed)),
        Text(
            lambda d: f"Filled: the number that the rule chooses in healthy people, and the one that was fixed in {d.name}.",
            lambda d: d.fixed,
        ),
        Text("What is found in healthy people is no disease.", healthy_found),
    ),
    "brain_mean_z": (
        Text("People by out-of-fold label against the controls; positive is abnormal, white is z = 0, hatched was not measured or has no place in the drawing."),
        Text("The same colour scale for all diseases.", lambda d: len(diseases_of(d)) > 1),
        NOT_LABELLED,
    ),
    "ternary": (
        Text("Each staged person, out of fold, is a dot: the nearer a corner, the surer.", lambda d: len(met(d)) == 3),
        Text("Each staged person, out of fold, is a bar.", lambda d: len(met(d)) != 3),
        Text("The normal-appearing are counted below.", any_normal),
        NOT_LABELLED,
    ),
    "brain_t": (
        Text(lambda d: f"t of each subtype against {agreeing(d.k - 1, 'the other subtype', 'the other subtypes')}{adjusted(d)}; dotted: not below a false-discovery rate of 5 %."),
        Text("Circular: these regions defined the subtypes, so the maps say where subtypes differ, not that they do."),
        Text("The same colour scale for all diseases.", lambda d: len(diseases_of(d)) > 1),
        NOT_LABELLED,
    ),
    "mean_z": (Text("By out-of-fold label; positive is abnormal."), NOT_LABELLED),
    "positional_variance": (
        Text("Posterior probability of each place, model of everyone; the darker, the more probable."),
        Text("One colour per threshold.", lambda d: steps_are_z(d) and not one_level(d)),
        Text("One colour for each biomarker's first, second, ... event.", lambda d: not steps_are_z(d) and not one_level(d)),
        Text("Colours are those of the SuStaIn papers.", lambda d: d.config.get("report", {}).get("event_colours") == "field"),
        NOT_SURE,
    ),
    "positional_variance_folds": (Text("Probability of each place, averaged over the models of all folds."), NOT_SURE),
    "progression": (
        Text("At stages spread evenly over those that at least three people of the subtype reach, or the first four.", several),
        Text("At stages spread evenly over those that at least three people reach, or the first four.", no(several)),
        NOT_SURE,
    ),
    "probability": (
        Text("Probability of the most probable subtype, given that a person is staged, against the expected stage; one dot a person, out of fold."),
        NOT_LABELLED,
    ),
    "stages": (
        Text("Most probable stage out of fold."),
        Text("The column at “none”: the normal-appearing.", any_normal),
        Text("Their column is cut; its number stands on it.", column_is_cut),
        NOT_LABELLED,
    ),
    "convergence": (
        Text("Log-likelihood of the stored draws, one line a chain; split R-hat and effective sample size of everything that was sampled, with their limits."),
    ),
    "forest": (
        Text("With 95 % intervals."),
        Text("Each subtype against the other subtypes, among staged people at the same stage.", against_others),
        Text("One subtype against the other, among staged people at the same stage.", lambda d: against_one(d) and two(d)),
        Text("One subtype against another, among staged people at the same stage.", lambda d: against_one(d) and more(d)),
        Text("Later stage: by the stages that its label names (1 SD).", lambda d: len(effects(d, "stage")) > 0),
        Text("Any atrophy: people with atrophy, at their mean stage, against those without.", lambda d: len(effects(d, "atrophy")) > 0),
        Text(by_methods, lambda d: any(m in BY for m in methods(d))),
        NOT_TOLD,
    ),
    "boxes": (
        Text("Boxes are quartiles, dots people.", numbers_too),
        Text("By most probable label, unadjusted."),
        Text("Counts are rates per year of exposure; the diamond is the group's: all events over all years.", rates_too),
        Text("q: of the adjusted models (forest).", lambda d: len(d.tables["clinical/associations"]) > 0 and d.converged),
        NOT_TOLD,
    ),
    "stage": (
        Text("Within each subtype.", several),
        Text("Line and band: the outcome's own kind of model with its 95 % band; tau: Kendall's, with its 95 % interval.", lambda d: curves_too(d) and d.converged),
        Text("Line and band: the outcome's own kind of model with its 95 % band.", lambda d: curves_too(d) and not d.converged),
        Text("Too few people or stages for a curve.", no(curves_too)),
        Text("Counts are rates per year of exposure; their curve is that of the counts, with the years as offset.", rates_too),
        NOT_TOLD,
    ),
    "survival": (KAPLAN_MEIER, NOT_TOLD),
    "survival_stage": (
        Text("Thirds of the staged people by expected stage."),
        Text("Beside them the normal-appearing.", normal_followed),
        Text("All together, and inside each subtype.", inside_subtypes),
        KAPLAN_MEIER,
        NOT_TOLD,
    ),
    "survival_treatment": (
        KAPLAN_MEIER,
        Text("HR: of the adjusted model, with its 95 % interval.", treated_told),
        Text("People were not treated at random: the curves describe who was treated, and are no effects of drugs."),
        NOT_TOLD,
    ),
    "calibration": (
        Text("C index with 95 % interval and slope of the calibration (1: right), model by model."),
        NOT_TOLD,
    ),
    "transitions": (
        Text("People from the group of one scan to that of the next.", no(slopes_too)),
        Text("Change a year (mixed model).", lambda d: slopes_too(d) and one_group(d)),
        Text("Left: people from the group of one scan to that of the next; right: change a year (mixed model).", lambda d: slopes_too(d) and not one_group(d)),
        NOT_TOLD,
    ),
    "reliability": (
        Text("People in classes of their stated probability against the share of them of whom it was true, with Wilson's 95 % interval (dotted: as stated), and how often the 95 % interval of the stage holds the true one."),
        NOT_LABELLED,
    ),
    "normative": (
        Text("Mean and SD by site, before and after the site term.", lambda s: site_checks(s, "before")),
        Text("Mean and SD by site.", lambda s: site_checks(s) and not site_checks(s, "before")),
        Text("Mean and one SD to both sides (wanted: 0 and 1, dotted).", checked_at_once),
        Text("Quantiles against those of a normal distribution, one line a measure."),
    ),
    "covariance": (
        Text("Of the out-of-sample z."),
        Text("Right: how many controls have both measures of a pair.", pairs_missing),
        Text("The model takes measures as independent: it does not use it.", lambda s: bool(s.diseases) and not correlated(s)),
    ),
    "similarity": (
        Text("Kendall's tau between every two orders of all diseases, over the events that both models have: 1 the same, 0 unrelated, -1 reversed."),
        Text(orders_in_doubt, lambda s: any(map(not_converged, s.diseases))),
    ),
}  # fmt: skip


def title_of(figure: Figure, facts: Study | Disease) -> str:
    """Title of a figure."""
    return first(TITLES.get(figure.name, ()), facts) or figure.title


def caption_of(figure: Figure, facts: Study | Disease) -> str:
    """Caption of a figure."""
    return " ".join(told(CAPTIONS[figure.name], facts))


# --- chapters and tables of a disease --------------------------------------------------------------------------------------


def nuisances(d: Disease) -> list[str]:
    """What subtype and stage were held against, in words."""
    table = d.tables["clinical/nuisance"]
    return [] if table.empty else list(dict.fromkeys(d.in_words(v) for v in table["variable"]))


#: Chapter of a disease to its names, of which the first that holds is taken.
CHAPTERS: dict[str, tuple[Text, ...]] = {
    "number": (Text("How many subtypes"),),
    "subtypes": (Text("Subtypes", several), Text("People with atrophy")),
    "order": (Text("Order of events"),),
    "trust": (Text("How far to trust it"),),
    "nuisance": (Text(lambda d: capital(listed(nuisances(d))), lambda d: bool(nuisances(d))), Text("What the norms were to take out")),
    "clinical": (Text("Clinical meaning"),),
    "followup": (Text("Follow-up"),),
    "truth": (Text("Against the simulated truth"),),
}  # fmt: skip

#: Chapter to its tables, in order, and each table to its captions, of which the first that holds is taken.
TABLES: dict[str, dict[str, tuple[Text, ...]]] = {
    "number": {
        "selection": (Text("Every number of subtypes that was tried"),),
        "variants": (Text("Other variants of the model"),),
        "negative_control": (Text("The same selection on healthy people"),),
        "parametric_null": (Text("The same selection on people with one subtype fewer"),),
        "heldout_folds": (Text("Log-likelihood of unseen people by fold"),),
    },
    "subtypes": {"names": (Text("Subtypes, most people first"),)},
    "order": {"event_order": (Text("Mean place of every event"),)},
    "trust": {
        "controls": (Text("Controls under the same model, and the people that it was fitted to"),),
        "baselines": (Text("Simple scores beside stage and subtype", several), Text("Simple scores beside stage")),
        "stability": (Text("Agreement of the fold models"),),
        "sites": (Text("Agreement of the models fitted without a site"),),
        "diagnostics": (Text("Convergence of every quantity"),),
        "starts": (Text("Starts of the search"),),
    },
    "nuisance": {
        "clinical/nuisance": (
            Text("Subtype and stage against what the norms were to take out", several),
            Text("Stage against what the norms were to take out"),
        )
    },
    "clinical": {
        "clinical/table1": (Text("Table 1 by subtype", several), Text("Table 1 with and without atrophy")),
        "clinical/table1_included": (Text("Included and excluded people"),),
        "clinical/associations": (Text("All associations"),),
        "clinical/nested": (
            Text("What subtype and stage add to simple scores", several),
            Text("What atrophy and stage add to simple scores"),
        ),
        "clinical/logrank": (Text("Log-rank tests"),),
        "clinical/prediction": (Text("Prediction in people not used to fit"),),
        "clinical/trial": (Text("People per arm of a trial"),),
        "clinical/treatment": (Text("Treatment within subtype", several), Text("Treatment")),
        "clinical/sensitivity": (Text("Sensitivity: other people, other labels"),),
    },
    "followup": {
        "clinical/reversals": (Text("Reversals"),),
        "clinical/slopes": (Text("Change a year"),),
        "clinical/changes": (Text("Change since the first scan"),),
        "clinical/transitions": (Text("Group to group"),),
    },
    "truth": {
        "recovery": (Text("Recovery of the simulated truth"),),
        "calibration": (Text("Stated probabilities beside what was true"),),
        "clinical/planted": (Text("Clinical effects planted and found"),),
        "clinical/reported": (Text("What the published study reported, and what these data say"),),
    },
}

#: Chapter to what else stands in it, after its sentences.
NOTES: dict[str, tuple[Text, ...]] = {
    "followup": (
        Text(
            lambda d: f"All scans stand in one group ({d.tables['clinical/transitions'].query('n > 0')['source'].iloc[0]}): nobody is seen to change it.",
            one_group,
        ),
    ),
    "subtypes": (
        NOT_LABELLED,
        Text(lambda d: f"Names: {d.tables['names']['rule'].iloc[0]}.", lambda d: several(d) and "rule" in d.tables["names"]),
        Text(
            "Shares in the model are of the people with atrophy, each counted by probability; people staged are counted by "
            "their most probable label, out of fold.",
            lambda d: several(d) and bool(d.config["sustain"]["healthy"]),
        ),
        Text(
            "Shares in the model are of everyone, people at stage 0 among them, each counted by probability; people staged "
            "are counted by their most probable label, out of fold.",
            lambda d: several(d) and not d.config["sustain"]["healthy"],
        ),
    ),
    "truth": (
        Text(
            "Best possible: people assigned with the very model they were drawn from; for orders, models fitted to the "
            "people who truly belong to a subtype.",
            lambda d: d.simulated and bool(d.tables["recovery"].get("best_possible", pd.Series(dtype=float)).notna().any()),
        ),
    ),
}  # fmt: skip

#: What stands where nothing is to be described.
NOBODY = (
    Text(
        "The chains have not converged: what its chapter draws and describes may change with more steps.", not_converged
    ),
    Text("There is nothing to describe: the data support no order.", lambda d: d.k == 0),
    Text("There is nothing to describe: nobody is staged."),
)


# --- people ------------------------------------------------------------------------------------------------------------------


def _by_decision(s: Study) -> tuple[int, int]:
    """Findings of the quality rules that excluded somebody, and that flag."""
    table = s.tables["features/qc"]
    return tuple(int((table["decision"] == word).sum()) if len(table) else 0 for word in ("excluded", "flagged"))  # type: ignore[return-value]


#: What the quality rules found.
QUALITY = (
    Text("The quality rules found nothing.", lambda s: sum(_by_decision(s)) == 0),
    Text(
        lambda s: f"Quality rules: {counted(_by_decision(s)[0], 'finding')} excluded somebody (results/features/qc.tsv).",
        lambda s: _by_decision(s)[1] == 0,
    ),
    Text(
        lambda s: f"Quality rules: nobody is excluded; {counted(_by_decision(s)[1], 'finding flags', 'findings flag')} somebody who stays (results/features/qc.tsv).",
        lambda s: _by_decision(s)[0] == 0,
    ),
    Text(
        lambda s: f"Quality rules: {counted(_by_decision(s)[0], 'finding')} excluded somebody, {counted(_by_decision(s)[1], 'flags', 'flag')} "
        "somebody who stays (results/features/qc.tsv)."
    ),
)  # fmt: skip


# --- limitations -------------------------------------------------------------------------------------------------------------

LIMITATIONS = (
    Text("The people are simulated: nothing here is a finding about patients.", lambda s: s.simulated),
    Text(
        lambda s: (
            f"The chains of {named(s, not_converged)} have not converged: orders and labels may change with more steps."
        ),
        lambda s: any(map(not_converged, s.diseases)),
    ),
    Text(
        lambda s: (
            f"The number of subtypes in {named(s, lambda d: d.fixed)} was decided beforehand and not chosen from the data."
        ),
        lambda s: any(d.fixed for d in s.diseases),
    ),
    Text(
        lambda s: (
            f"In {named(s, lambda d: d.k == 0)} no model with an order predicts unseen people better than calling everyone healthy: "
            "its stages describe and show nothing."
        ),
        lambda s: any(d.k == 0 for d in s.diseases),
    ),
    Text(
        "Sequences are inferred from one scan a person: they are orders that would explain the differences between people, "
        "and no course that anybody was seen to take.",
        orders,
    ),
    Text(
        "The model takes what it leaves over as independent between measures. Those of healthy people correlate, and such a model "
        "finds subtypes in healthy people too.",
        lambda s: bool(s.diseases) and not correlated(s) and orders(s),
    ),
    Text(
        "The model has no healthy component: people without atrophy are fitted by the sequences, too.",
        without_health,
    ),
    Text(
        "Associations with clinical measures are observational; they are adjusted for the named covariates and for nothing "
        "else.",
        lambda s: asked(s) and any_adjusted(s),
    ),
    Text(
        "Associations with clinical measures are observational and unadjusted.",
        lambda s: asked(s) and not any_adjusted(s),
    ),
    Text(
        "No clinical outcome was declared: whether subtypes and stages mean anything for people is not known from this.",
        lambda s: bool(s.diseases) and not s.config["clinical"]["outcomes"],
    ),
    Text(
        "Treatment was not given at random; what goes with it is confounded by indication.",
        lambda s: any(len(d.tables["clinical/treatment"]) for d in s.diseases),
    ),
    Text(
        "No sites are given: differences between scanners, where there are several, stay in the z.",
        lambda s: bool(s.no_sites),
    ),
    Text(
        "One site: whether it holds on another scanner is unknown.",
        lambda s: s.n_sites == 1 and not s.no_sites,
    ),
    Text(
        "Differences between sites are taken out as far as their controls know them.",
        lambda s: s.n_sites > 1 and s.config["normative"]["site"] != "none",
    ),
    Text(
        "There is no site term in the norms: differences between scanners stay in the z.",
        lambda s: s.n_sites > 1 and s.config["normative"]["site"] == "none",
    ),
    Text("Nobody's head size is known: large heads have large volumes, and z hold that.", head_sizes_missing),
    Text(
        "Neither the brain nor the spinal cord was measured.",
        lambda s: bool(s.diseases) and s.columns_alone,
    ),
    Text(
        "The spinal cord was not measured.",
        lambda s: bool(s.diseases) and not s.has_cord and not s.columns_alone,
    ),
    Text("The brain was not measured.", lambda s: bool(s.diseases) and s.has_cord and not s.has_brain),
    Text(
        "There are no later scans: stage is not tested against time.",
        lambda s: bool(s.diseases) and s.n_scanned_again == 0,
    ),
    Text(
        "Comparisons of subtypes measure by measure are circular: these measures defined the subtypes.",
        lambda s: any(map(several, s.diseases)),
    ),
    Text(
        "Labels are probabilities; whoever counts most probable labels counts people who may belong elsewhere.",
        lambda s: any(d.n_staged for d in s.diseases),
    ),
)


# --- glossary ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Term:
    """A term of the glossary: explained where the page uses it.

    Attributes
    ----------
    term : str
    meanings : tuple of Text
        The first that holds is taken; none: the term is left out.
    used : str
        Pattern that a page with the term has; by default the term itself, or what it has in brackets.
    """

    term: str
    meanings: tuple[Text, ...]
    used: str = ""

    @property
    def pattern(self) -> str:
        """Pattern that a page with the term has."""
        words, _, short = self.term.rstrip(")").partition(" (")
        return self.used or "|".join(rf"\b{re.escape(w)}\b" for w in (words, short) if w)


def _norm_terms(s: Study) -> str:
    """What norms take account of, in words."""
    n = s.config["normative"]
    sexes = s.participants.loc[s.participants["group"] == s.control, "sex"].nunique()
    terms = ["age", "sex"] if sexes > 1 else ["age"]
    terms += ["head size"] if n["head_size"] != "none" else []
    return listed([*terms, "site"] if s.n_sites > 1 and n["site"] != "none" else terms)


def _some(s: Study, condition: Callable) -> bool:
    return any(map(condition, s.diseases))


def _event_words(s: Study) -> str:
    """What an event is, by the families of the measures that models order."""
    families = {
        d.families.get(b, "zscore")
        for d in s.diseases
        for b in dict.fromkeys(d.tables["event_order"].get("biomarker", []))
    }
    if families <= {"zscore"}:
        return "a measure reaching one of its thresholds, such as a z of 1, 2 or 3 standard deviations of the controls towards disease"
    if "zscore" in families:
        return "a measure reaching one of its thresholds (a z of so many standard deviations of the controls), its next level, or turning from normal to abnormal"
    return "a measure reaching its next level, or turning from normal to abnormal"  # fmt: skip


#: Every term with its meaning.
GLOSSARY = tuple(
    Term(term, meaning if isinstance(meaning, tuple) else (Text(meaning),), used)
    for term, meaning, used in (
        ("95 % interval", "the values that the data do not speak against at the usual level; wide means little is known", "95 %"),
        ("normal-appearing", (
            Text("people whose scan looks like a control's: the model gives at least even odds that nothing has begun", lambda s: s.config["sustain"]["healthy"]),
            Text("people at stage 0: nothing has probably begun"),
        ), ""),
        ("staged", "not normal-appearing: at least one event has probably happened", ""),
        ("event", ((Text(_event_words, modelled)),), r"\b(places?|order|sequence)\b.*\bevents?\b|\bevents?\b.*\b(places?|order|sequence)\b"),
        ("stage", (
            Text("the number of events that have happened in the order of the person's subtype; 0 is normal-appearing", lambda s: _some(s, several)),
            Text("the number of events that have happened in the one order; 0 is normal-appearing", modelled),
        ), r"\bstages?\b"),
        ("expected stage", "the mean stage over everything the model holds possible for the person", ""),
        ("subtype", (Text("an order of events that some of the people follow", lambda s: _some(s, several)),), r"\bsubtypes?\b"),
        ("out of fold", "judged by a model fitted without the person, so that nobody is flattered by having been fitted", r"\bout[ -]of[ -]fold\b"),
        ("z", (Text(lambda s: f"how many standard deviations of the controls a measure lies from what is expected at that {_norm_terms(s)}; positive is abnormal"),), ""),
        ("CVIC", "cross-validated information criterion: minus twice the log-likelihood of people the model has not seen; lower is better", ""),
        ("nats", "units of log-likelihood; 3 nats are a factor of 20", ""),
        ("Kendall's tau", "agreement of two orders: 1 the same, 0 none, -1 reversed", ""),
        ("R-hat", f"whether the chains of the sampler agree; above {R_HAT_LIMIT:g} they have not converged and labels may change with more steps", ""),
        ("effective sample size", "how many independent draws the chains are worth", ""),
        ("q", "expected share of false findings among results at least as strong (Benjamini-Hochberg)", r"\bq\b"),
        ("hazard ratio (HR)", "how many times as fast the event comes in one group as in the other", ""),
        ("odds ratio (OR)", "how many times as high the odds are in one group as in the other", ""),
        ("C index", "chance that of two people the one with the higher predicted risk has the event first; 0.5 is a coin", ""),
        ("confounding by indication", "treatment depends on how ill people are, so that treated and untreated differ already", "confound(ing|ed) by indication"),
        ("negative control", "the same procedure on healthy people, in whom there is no disease to be found", "[Nn]egative control|on healthy people"),
        ("eTIV", "estimated total intracranial volume, the size of the head", r"\beTIV\b|intracranial volume"),
        ("adjusted Rand index (ARI)", "agreement of two divisions of people: 1 the same, 0 as by chance", ""),
        ("calibration slope", "1 where predicted risks are as far apart as true ones; below 1 they are too far apart", r"slope of the calibration|calibration slope"),
        ("Holm's p", "p corrected for the number of tests, so that all of them together are wrong in 5 % at most", r"Holm"),
        ("log-rank test", "whether two or more groups have the same course of events in time", r"[Ll]og-rank"),
        ("multivariate normal (MVN)", "one cloud of people without subtypes or stages, as a yardstick", ""),
        ("odds ratio of the mean", "the same for a score with a maximum, as a share of it", "OR of the mean|odds ratio of the mean"),
        ("rate ratio", "how many times as often events come in one group as in the other", ""),
        ("standardised beta", "difference, or slope, in standard deviations of the outcome", ""),
        ("Cramer's V", "strength of association of two categories, 0 to 1", ""),
        ("weighted", (
            Text("estimates with the probabilities of the subtypes as terms, which uncertain labels do not water down; told", lambda s: asked(s) and not _some(s, not_converged)),
            Text("estimates with the probabilities of the subtypes as terms, which uncertain labels do not water down", asked),
        ), ""),
        ("label", (Text("estimates by the most probable label, as most papers report them", asked),), ""),
        ("draws", (Text("estimates over labels imputed from scan and outcome, pooled by Rubin's rules", asked),), ""),
    )
)  # fmt: skip


def glossary(study: Study, text: str) -> list[tuple[str, str]]:
    """Terms that a page uses, with their meaning, by the alphabet.

    Parameters
    ----------
    study : Study
    text : str
        Of the page, the glossary left out.
    """
    used = [(t.term, first(t.meanings, study)) for t in GLOSSARY if re.search(t.pattern, text)]
    return sorted(((term, meaning) for term, meaning in used if meaning), key=lambda pair: pair[0].lower())
