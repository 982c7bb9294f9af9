"""All figures, one entry each: what it is called, what draws it, which tables it holds, where it stands in the report.

To add a figure is to write a function of `given.Given`, an entry here, and its caption in `report.standing`, where every
sentence has its condition; the workflow's outputs, Snakemake's report, the page and the test that draws everything follow
from this list. Nothing heavy is imported: the workflow reads it when it is parsed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes
    ----------
    name : str
        Of the files, results/figures/{disease}/{name}.png and .pdf.
    draw : str
        module:function of this package (`study.function_of`); it takes a `Given` and returns a matplotlib Figure.
    title : str
        In Snakemake's report, and on the page where `report.standing` has no other.
    section : str
        Chapter of a disease: number, subtypes, order, trust, clinical, followup, truth.
    tables : tuple of str
        Tables that it draws, below results/sustain/{disease} or results/clinical/{disease} (clinical/...).
    first : bool
        Shown in the summary too.
    people : bool
        Drawn from the table of people, which the page does not hold.
    sampled : bool
        Rests on what the chains of the model say of orders and people: marked where they did not converge.
    """

    name: str
    draw: str
    title: str
    section: str
    tables: tuple[str, ...] = ()
    first: bool = False
    people: bool = False
    sampled: bool = True


#: Of one disease.
OF_DISEASE = (
    Figure("selection", "model:selection", "How well each number of subtypes predicts unseen people", "number",
           ("selection", "heldout_folds", "variants", "negative_control"), sampled=False),
    Figure("negative_control", "model:negative_control", "The same selection on healthy people", "number",
           ("negative_control", "selection"), sampled=False),
    Figure("brain_mean_z", "maps:brain_mean_z", "Mean z on brain and cord", "subtypes", ("clinical/maps",), first=True),
    Figure("ternary", "model:ternary", "Probability of each subtype, given that a person is staged", "subtypes", people=True),
    Figure("brain_t", "maps:brain_t", "Where each subtype differs from the others", "subtypes", ("clinical/maps",)),
    Figure("mean_z", "maps:mean_z", "Mean z of every measure as numbers", "subtypes", ("clinical/maps",)),
    Figure("positional_variance", "model:positional_variance", "Place of every event in the sequence", "order",
           ("positional_variance",)),
    Figure("positional_variance_folds", "model:positional_variance_folds",
           "Place of every event in the sequence, cross-validated", "order", ("positional_variance",)),
    Figure("progression", "maps:progression", "Expected z along the stages", "order", ("progression",)),
    Figure("probability", "model:probability", "Certainty of the subtype by stage", "trust", people=True),
    Figure("stages", "model:stages", "How many people stand at each stage", "trust", people=True),
    Figure("convergence", "model:convergence", "Convergence of the chains", "trust", ("diagnostics",), sampled=False),
    Figure("forest", "clinical:forest", "Effects of subtype, stage and any atrophy", "clinical", ("clinical/associations",)),
    Figure("boxes", "clinical:boxes", "Clinical measures by subtype", "clinical", people=True),
    Figure("stage", "clinical:stage", "Clinical measures against stage", "clinical", ("clinical/stage_curves",), people=True),
    Figure("survival", "clinical:survival_by_subtype", "Time to each event by subtype", "clinical",
           ("clinical/survival", "clinical/logrank")),
    Figure("survival_stage", "clinical:survival_by_stage", "Time to each event by stage", "clinical",
           ("clinical/survival", "clinical/logrank")),
    Figure("survival_treatment", "clinical:survival_by_treatment", "Time to each event by treatment, within subtype",
           "clinical", ("clinical/treatment_survival", "clinical/treatment_logrank", "clinical/treatment")),
    Figure("calibration", "clinical:calibration", "How well events are foretold in people not used to fit", "clinical",
           ("clinical/prediction",)),
    Figure("transitions", "clinical:transitions", "Group at one scan and at the next", "followup",
           ("clinical/transitions", "clinical/slopes")),
    Figure("reliability", "model:reliability", "Stated probabilities beside what was true", "truth", ("calibration",)),
)  # fmt: skip

#: Of the controls: results/figures/{name}.png.
OF_CONTROLS = (
    Figure("normative", "normative:normative", "z of the controls, out of sample", "norms",
           ("normative/diagnostics", "normative/zscores")),
    Figure("covariance", "normative:covariance", "Correlation between measures in the controls", "norms",
           ("normative/covariance",)),
)  # fmt: skip

#: Of all diseases together: results/figures/{name}.png.
OF_DISEASES = (
    Figure("similarity", "clinical:similarity", "Likeness of event orders", "compared", ("crossdisease/similarity",)),
)


#: By name.
ALL = {f.name: f for f in (*OF_DISEASE, *OF_CONTROLS, *OF_DISEASES)}
#: Tables that are needed beside those that figures hold: who is what, and what visits and relapses make of people.
WHO = ("selection", "names", "subtypes", "clinical/worsening")


def names(figures) -> list[str]:
    """Names of figures."""
    return [f.name for f in figures]


def tables_of(figures, *, without=(), more=()) -> list[str]:
    """All tables that figures draw, each once, in order."""
    found = dict.fromkeys([*more, *(t for f in figures for t in f.tables)])
    return [t for t in found if t not in without]
