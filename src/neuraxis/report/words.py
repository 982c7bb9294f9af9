"""Words for what tables call by short names, and a glossary."""

from __future__ import annotations

import re

#: Column of a table to the words of its heading; a column that is not here is shown with blanks for underscores.
COLUMNS = {
    "n": "people",
    "n_people": "people",
    "n_scans": "scans",
    "n_events": "events",
    "n_group": "people in the group",
    "n_against": "people compared with",
    "n_treated": "people treated",
    "n_smallest": "people in the smallest group",
    "n_subtypes": "number of subtypes",
    "n_staged_oof": "people staged (out of fold)",
    "n_rest": "people behind the covariance",
    "n_draws": "imputed data sets",
    "n_per_arm": "people per arm",
    "n_per_arm_low": "people per arm, low",
    "n_per_arm_high": "people per arm, high",
    "fraction": "share in the model (normal-appearing included)",
    "cvic": "CVIC",
    "cvic_se": "SE of CVIC",
    "heldout_loglik": "log-likelihood of unseen people (nats)",
    "delta_cvic": "CVIC against one subtype fewer",
    "delta_se": "SE against one fewer",
    "gap_cvic": "CVIC above the best",
    "gap_se": "SE above the best",
    "chosen": "chosen",
    "k0": "everyone healthy",
    "gaussian": "one multivariate normal",
    "low": "low (95 %)",
    "high": "high (95 %)",
    "q": "q (false-discovery rate)",
    "p": "p",
    "p_holm": "p (Holm)",
    "lr": "likelihood ratio",
    "df": "degrees of freedom",
    "aic": "AIC",
    "c": "C index",
    "c_low": "C, low",
    "c_high": "C, high",
    "added": "added to C",
    "added_low": "added, low",
    "added_high": "added, high",
    "tau": "Kendall's tau",
    "tau_chance": "tau of two random orders",
    "kendall_tau": "Kendall's tau",
    "partial_tau": "tau given the covariates",
    "partial_r": "rank correlation given the covariates",
    "prob_index": "chance that one of the group has the higher value",
    "cliffs_delta": "Cliff's delta",
    "check_p": "p of the model's check",
    "check": "check of the model",
    "corrected": "Cramer's V less chance",
    "reportable": "large enough to tell",
    "mean_z": "mean z",
    "sd_z": "SD of z",
    "in_sample": "in sample",
    "out_of_fold": "out of fold",
    "best_possible": "best possible",
    "with_truth": "with the truth",
    "model_with_truth": "the model with the truth",
    "sd": "SD",
    "ess": "effective sample size",
    "r_hat": "R-hat",
    "etiv": "head size (eTIV)",
    "largest_smd": "largest standardised difference",
    "why": "why",
    "odds_ratio": "odds ratio",
    "oof_stage": "stage (out of fold)",
    "loglik": "log-likelihood",
}

#: Term to what it means here.
GLOSSARY = {
    "95 % interval": "the values that the data do not speak against at the usual level; wide means little is known",
    "normal-appearing": "people whose scan looks like a control's: the model gives at least even odds that nothing has begun",
    "staged": "not normal-appearing: at least one event has probably happened",
    "event": "a region's z passing a threshold (1, 2, 3 standard deviations below the controls)",
    "stage": "the number of events that have happened in the order of the person's subtype; 0 is normal-appearing",
    "expected stage": "the mean stage over everything the model holds possible for the person",
    "subtype": "an order of events that some of the people follow",
    "out of fold": "judged by a model fitted without the person, so that nobody is flattered by having been fitted",
    "z": "how many standard deviations of the controls a measure lies from what is expected at that age, sex, head size and site; "
    "positive is abnormal",
    "CVIC": "cross-validated information criterion: minus twice the log-likelihood of people the model has not seen; lower is better",
    "nats": "units of log-likelihood; 3 nats are a factor of 20",
    "positional variance": "how sure the place of each event in the order is",
    "Kendall's tau": "agreement of two orders: 1 the same, 0 none, -1 reversed",
    "R-hat": "whether the chains of the sampler agree; above 1.01 they have not converged and labels may change with more steps",
    "effective sample size": "how many independent draws the chains are worth",
    "q": "expected share of false findings among results at least as strong (Benjamini-Hochberg)",
    "hazard ratio (HR)": "how many times as fast the event comes in one group as in the other",
    "odds ratio (OR)": "how many times as high the odds are in one group as in the other",
    "C index": "chance that of two people the one with the higher predicted risk has the event first; 0.5 is a coin",
    "confounding by indication": "treatment depends on how ill people are, so that treated and untreated differ already",
    "negative control": "the same procedure on healthy people, in whom there is no disease to be found",
    "eTIV": "estimated total intracranial volume, the size of the head",
    "Cramer's V": "strength of association of two categories, 0 to 1",
    "weighted": "estimates with the probabilities of the subtypes as terms, which uncertain labels do not water down; told",
    "label": "estimates by the most probable label, as most papers report them",
    "draws": "estimates over labels imputed from scan and outcome, pooled by Rubin's rules",
}


def heading(column: str) -> str:
    """Words for a column."""
    if column in COLUMNS:
        return COLUMNS[column]
    if match := re.fullmatch(r"k(\d+)", column):
        return f"{match[1]} subtype{'' if match[1] == '1' else 's'}"
    if match := re.fullmatch(r"place(\d+)", column):
        return f"place {match[1]}"
    return column.replace("_", " ")
