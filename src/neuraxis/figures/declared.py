"""All figures, one entry each: what it is called, what draws it, which tables it holds, where it stands in the report.

To add a figure is to write a function of `given.Given` and an entry here; the workflow's outputs, Snakemake's report, the
page and the test that draws everything follow from this list. Nothing heavy is imported: the workflow reads it when it is
parsed.
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
    title, caption : str
        Words of the page.
    section : str
        Chapter of a disease: number, subtypes, order, trust, clinical, followup, truth.
    tables : tuple of str
        Tables that it draws, below results/sustain/{disease} or results/clinical/{disease} (clinical/...).
    first : bool
        Shown in the summary too.
    people : bool
        Drawn from the table of people, which the page does not hold.
    one : tuple of (str, str)
        Title and caption where the model has one order and no subtypes to be compared; None where they are the same.
    two : tuple of (str, str)
        The same where there are two subtypes, and so one pair and no "others".
    """

    name: str
    draw: str
    title: str
    caption: str
    section: str
    tables: tuple[str, ...] = ()
    first: bool = False
    people: bool = False
    one: tuple[str, str] | None = None
    two: tuple[str, str] | None = None

    def words(self, n_subtypes: int) -> tuple[str, str]:
        """Title and caption for a model of so many subtypes."""
        special = self.one if n_subtypes < 2 else self.two if n_subtypes == 2 else None
        return special or (self.title, self.caption)


#: Of one disease.
OF_DISEASE = (
    Figure(
        "selection", "model:selection", "How well each number of subtypes predicts unseen people",
        "Left: CVIC above the best number with the paired standard error, lower is better; the chosen number is filled. "
        "k = 0: everyone healthy; MVN: one multivariate normal without subtypes; grey: the same procedure on healthy people. "
        "Right: log-likelihood of the people of each fold, fold means taken off.",
        "number", ("selection", "heldout_folds", "variants", "negative_control"),
    ),
    Figure(
        "negative_control", "model:negative_control", "The same selection on healthy people",
        "CVIC above the best with the paired standard error, filled: the chosen number. Whatever is found in healthy people is "
        "not disease.",
        "number", ("negative_control", "selection"),
    ),
    Figure(
        "brain_mean_z", "maps:brain_mean_z", "Mean z of every subtype on brain and cord",
        "Against the controls, by out-of-fold label, the same colour scale everywhere; positive is abnormal, white is z = 0, "
        "hatched was not measured or has no place in the drawing.",
        "subtypes", ("clinical/maps",), first=True,
        one=(
            "Mean z on brain and cord",
            "Of people with atrophy and of the normal-appearing, against the controls, by out-of-fold label; positive is "
            "abnormal, white is z = 0, hatched was not measured or has no place in the drawing.",
        ),
    ),
    Figure(
        "ternary", "model:ternary", "Probability of each subtype, given that a person is staged",
        "Each staged person out of fold: a dot in a triangle where there are three subtypes, a bar where there is another "
        "number. People who are normal-appearing are counted apart.",
        "subtypes", (), people=True,
    ),
    Figure(
        "brain_t", "maps:brain_t", "Where each subtype differs from the others",
        "t of each subtype against the other subtypes (linear model with age, sex and, where known, eTIV); dotted: not below a "
        "false-discovery rate of 5 %. Circular: these regions defined the subtypes, so the maps say where subtypes differ, not "
        "that they do.",
        "subtypes", ("clinical/maps",),
        two=(
            "Where the two subtypes differ",
            "t of each subtype against the other (linear model with age, sex and, where known, eTIV); dotted: not below a "
            "false-discovery rate of 5 %. Circular: these regions defined the subtypes, so the maps say where they differ, not "
            "that they do.",
        ),
    ),
    Figure(
        "mean_z", "maps:mean_z", "Mean z of every region as numbers",
        "By out-of-fold label; positive is abnormal.", "subtypes", ("clinical/maps",),
    ),
    Figure(
        "positional_variance", "model:positional_variance", "Place of every event in the sequence",
        "Posterior probability of each place, model of everyone; one colour per threshold, darker with the root of the "
        "probability.",
        "order", ("positional_variance",),
    ),
    Figure(
        "positional_variance_folds", "model:positional_variance_folds", "The same, cross-validated",
        "Averaged over the models of all folds.", "order", ("positional_variance",),
    ),
    Figure(
        "progression", "maps:progression", "Expected z along the stages",
        "At stages spread evenly over those that at least three people of the subtype reach, or the first four.",
        "order", ("progression",),
    ),
    Figure(
        "probability", "model:probability", "Certainty of the subtype by stage",
        "Probability of the most probable subtype against the expected stage, one dot a person, out of fold.",
        "trust", (), people=True,
    ),
    Figure(
        "stages", "model:stages", "How many people stand at each stage",
        "Most probable stage out of fold; none: the normal-appearing, whose column may be cut and says its number.",
        "trust", (), people=True,
    ),
    Figure(
        "convergence", "model:convergence", "Convergence of the chains",
        "Log-likelihood of the stored draws, one line a chain; split R-hat and effective sample size of everything that was "
        "sampled, with their limits.",
        "trust", ("diagnostics",),
    ),
    Figure(
        "forest", "clinical:forest", "Effects of subtype, stage and any atrophy",
        "With 95 % intervals: each subtype against the other subtypes among staged people at the same stage, later stage, any "
        "atrophy (at the mean stage of those with atrophy) against none. Weighted by the posterior (told), by most probable label, by labels imputed from scan and "
        "outcome.",
        "clinical", ("clinical/associations",),
        one=(
            "Effects of stage and any atrophy",
            "With 95 % intervals: later stage, any atrophy (at the mean stage of those with atrophy) against none. Weighted by "
            "the posterior (told), by most probable label, by labels imputed from scan and outcome.",
        ),
        two=(
            "Effects of subtype, stage and any atrophy",
            "With 95 % intervals: one subtype against the other among staged people at the same stage, later stage, any atrophy "
            "(at the mean stage of those with atrophy) against none. Weighted by the posterior (told), by most probable label, by "
            "labels imputed from scan and outcome.",
        ),
    ),
    Figure(
        "boxes", "clinical:boxes", "Clinical measures by subtype",
        "Boxes are quartiles, dots people. By most probable label, unadjusted.",
        "clinical", (), people=True,
        one=(
            "Clinical measures with and without atrophy",
            "Boxes are quartiles, dots people. By most probable label, unadjusted.",
        ),
    ),
    Figure(
        "stage", "clinical:stage", "Clinical measures against stage",
        "Within each subtype, with the fit of the outcome's own kind of model and its 95 % band.",
        "clinical", ("clinical/stage_curves",), people=True,
        one=(
            "Clinical measures against stage",
            "With the fit of the outcome's own kind of model and its 95 % band.",
        ),
    ),
    Figure(
        "survival", "clinical:survival_by_subtype", "Time to each event by subtype",
        "Kaplan-Meier curves with 95 % bands, ended where fewer than 10 people are at risk, and numbers at risk.",
        "clinical", ("clinical/survival", "clinical/logrank"),
        one=(
            "Time to each event with and without atrophy",
            "Kaplan-Meier curves with 95 % bands, ended where fewer than 10 people are at risk, and numbers at risk.",
        ),
    ),
    Figure(
        "survival_stage", "clinical:survival_by_stage", "Time to each event by stage",
        "The normal-appearing and thirds of the staged people by expected stage, all together and inside each subtype; curves "
        "as above.",
        "clinical", ("clinical/survival", "clinical/logrank"),
        one=(
            "Time to each event by stage",
            "The normal-appearing and thirds of the staged people by expected stage; Kaplan-Meier curves with 95 % bands, "
            "ended where fewer than 10 people are at risk.",
        ),
    ),
    Figure(
        "survival_treatment", "clinical:survival_by_treatment", "Time to each event by treatment, within subtype",
        "Curves as above. People were not treated at random: they describe who was treated, and are no effects of drugs.",
        "clinical", ("clinical/treatment_survival", "clinical/treatment_logrank"),
        one=(
            "Time to each event by treatment",
            "Curves as above. People were not treated at random: they describe who was treated, and are no effects of drugs.",
        ),
    ),
    Figure(
        "calibration", "clinical:calibration", "How well events are foretold in people not used to fit",
        "C index with 95 % interval and slope of the calibration (1: right), model by model.",
        "clinical", ("clinical/prediction",),
    ),
    Figure(
        "transitions", "clinical:transitions", "Group at one scan and at the next",
        "Left: people from the group of one scan to that of the next; right: change a year (mixed model).",
        "followup", ("clinical/transitions", "clinical/slopes"),
    ),
    Figure(
        "reliability", "model:reliability", "Stated probabilities beside what was true",
        "Where the truth is simulated: people in classes of their stated probability against the share of them of whom it was "
        "true, with Wilson's 95 % interval (dotted: as stated), and how often the 95 % interval of the stage holds the true one.",
        "truth", ("calibration",),
    ),
)  # fmt: skip

#: Of the controls: results/figures/{name}.png.
OF_CONTROLS = (
    Figure(
        "normative", "normative:normative", "z of the controls, out of sample",
        "Mean and SD by site, and quantiles against those of a normal distribution, one line a region.",
        "norms", ("normative/diagnostics", "normative/zscores"),
    ),
    Figure(
        "covariance", "normative:covariance", "Correlation between regions in the controls",
        "Of the out-of-sample z, and how many controls have both regions of a pair where some are missing.",
        "norms", ("normative/covariance",),
    ),
)  # fmt: skip

#: Of all diseases together: results/figures/{name}.png.
OF_DISEASES = (
    Figure(
        "similarity", "clinical:similarity", "Likeness of event orders",
        "Kendall's tau between the orders of all subtypes of all diseases, over the events that both models have.",
        "compared", ("crossdisease/similarity",),
    ),
)  # fmt: skip


#: By name.
ALL = {f.name: f for f in (*OF_DISEASE, *OF_CONTROLS, *OF_DISEASES)}
#: Tables that are needed beside those that figures hold: who is what.
WHO = ("selection", "names", "subtypes")


def names(figures) -> list[str]:
    """Names of figures."""
    return [f.name for f in figures]


def tables_of(figures, *, without=(), more=()) -> list[str]:
    """All tables that figures draw, each once, in order."""
    found = dict.fromkeys([*more, *(t for f in figures for t in f.tables)])
    return [t for t in found if t not in without]
