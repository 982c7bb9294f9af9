"""The methods section from the configuration and the data, and the references it needs, as text and as BibTeX."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from ..clinical.outcomes import KINDS
from ..clinical.prediction import LEAST_EVENTS, PENALTY, PENALTY_MANY
from ..clinical.sensitivity import ANEW, CLUSTERED
from ..errors import agreeing, counted
from ..sustain.crossval import CVIC_EVIDENCE
from ..sustain.diagnostics import ESS_LIMIT, R_HAT_LIMIT
from .facts import Study, column_in_words
from .sentences import listed

SITE = {
    "fixed": "one offset per site",
    "random": "a random intercept per site",
    "combat": "sites harmonised by ComBat, estimated in the controls",
    "combat_gam": "sites harmonised by ComBat with smooth terms (ComBat-GAM), estimated in the controls",
}
SIZE = {
    "covariate": "intracranial volume as covariate",
    "proportional": "measures divided by intracranial volume",
    "power": "measures divided by a power of intracranial volume",
    "none": "no head-size term",
}
AGE = {"linear": "a line in age", "quadratic": "a parabola in age", "spline": "a natural spline of age"}
PRIOR = {
    "smooth": "learnt with the model (mixtures of triangular bumps over the stages)",
    "dirichlet": "learnt with the model (Dirichlet weights over subtype and stage)",
    "uniform": "flat",
}
NOISE = {
    "controls": "residuals with the controls' covariance",
    "adapted": "residuals with a covariance learnt around the controls'",
    "independent": "independent residuals of SD 1",
    "learnt": "independent residuals, SDs learnt",
}
SOURCE = {
    "images": "from segmentations of every person (label volumes or stats folders)",
    "volume_tables": "from tables of regional volumes",
    "table": "from one table of measures",
}


def methods_text(study: Study) -> list[str]:
    """What was done, a paragraph a stage: sites only where there are several, contrasts only where there are subtypes."""
    config = study.config
    n, s, c, f = config["normative"], config["sustain"], config["clinical"], config["features"]
    several = study.n_sites > 1
    rules = [r for r in f["exclude_rules"] if r != "implausible eTIV" or study.has_head_size]
    text = [
        what_measured(study)
        + ("" if study.has_cord else "; the spinal cord was not measured")
        + ". "
        + (
            f"Quality rules that exclude: {listed(rules)}; all others flag."
            if rules
            else "No quality rule excludes anybody; all flag."
        )
    ]
    sexes = study.participants.loc[study.participants["group"] == study.control, "sex"].nunique()
    terms = [f"{AGE[n['age']]}{', by sex' if n['age_by_sex'] and sexes > 1 else ''}"]
    terms += ["sex"] if sexes > 1 else []
    terms += [SIZE[n["head_size"]]] if n["head_size"] != "none" else []
    terms += [SITE[n["site"]]] if several and n["site"] != "none" else []
    without = ["no head-size"] * (n["head_size"] == "none") + ["no site"] * (several and n["site"] == "none")
    absent = f"{' and '.join(without)} term"
    text.append(
        f"Measures were turned into z against the controls' regression on {', '.join(terms)}"
        f"{f' ({absent})' if without else ''}{', fitted robustly' if n['robust'] else ''}; SD {'by age' if n['sd'] == 'age' else 'constant'}; positive is "
        f"abnormal. Controls' own z come from norms that did not see them ({counted(n['folds'], 'fold')})."
        + ("" if several else f" {study.no_sites or 'All people come from one site'}, so there is no site term.")
        + own_norms(study)
    )
    if not study.diseases:
        return text
    health = (
        "a healthy component shared by all subtypes; normal-appearing: probability of it at least 1/2"
        if s["healthy"]
        else "no healthy component; normal-appearing: stage 0 most probable"
    )
    longer = (
        f", doubled up to {counted(s['n_doublings'], 'time')} while the chains did not agree (split R-hat at most {R_HAT_LIMIT}, at least "
        f"{ESS_LIMIT} effective samples)"
        if s["n_doublings"]
        else ""
    )
    one = "one model" + (" per disease" if len(study.diseases) > 1 else "")
    text.append(
        f"Subtype and Stage Inference (SuStaIn, Young et al. 2018), {kind_of_model(study)}, {one}: "
        f"{of_thresholds(study)}; {NOISE[s['noise']]}; {health}; stage prior {PRIOR[s['stage_prior']]}; k from 0 to {s['max_subtypes']}, {counted(s['n_startpoints'], 'start point')} "
        f"per split and as many random ones, {counted(s['n_chains'], 'chain')} of {counted(s['n_samples'], 'MCMC step', spec=',')} after warm-up in the "
        f"chosen model of everyone{longer}, of {s['n_samples_folds'] or s['n_samples']:,} in the models that lead to it."
    )
    strata = " stratified by site" if several else ""
    text.append(
        (
            f"The number of subtypes was chosen by the cross-validated information criterion (CVIC) over "
            f"{counted(s['folds'], 'fold')}{strata}: the smallest whose CVIC lies within max({CVIC_EVIDENCE:g}, one paired standard error) of the "
            "best, 0 (everyone healthy) included."
            if s["n_subtypes"] == "auto"
            else f"The number of subtypes was fixed in the configuration, not chosen; CVIC over {counted(s['folds'], 'fold')}{strata} "
            "stands beside it."
        )
        + " Subtypes and stages of people are told and analysed out of fold: by models that never saw the person."
    )
    if c["outcomes"]:
        contrasts = any(d.k > 1 for d in study.diseases)
        asked = [
            *(["one subtype against the others among staged people, adjusted for stage"] if contrasts else []),
            "stage",
            "any atrophy, at the mean stage of those with atrophy, against none",
        ]
        text.append(
            f"Clinical questions: {'; '.join(asked)}. Each estimate stands three ways: with posterior probabilities as terms "
            f"(told); by most probable label; and over {counted(c['n_draws'], 'imputation')} of the label from scan and outcome, pooled "
            "by Rubin's rules. q: Benjamini-Hochberg inside each declared family, question and method. Told are results of at "
            "least 20 people a group and 10 events." + sensitivity_words(study)
        )
        if study.predicted:
            text.append(prediction_words(study))
    else:
        text.append("No clinical outcome was declared.")
    if study.n_scanned_again:
        text.append(
            f"Later scans ({counted(study.n_scanned_again, 'person')}) were turned into z by the norms of the baseline controls at the "
            "age of the scan, and staged by fold models that never saw the person."
        )
    return text


#: Kinds of biomarkers in words; a table's columns are taken as they stand in it.
MEASURES = {
    "labels": "regional volumes (left and right summed)",
    "names": "volumes of subregions",
    "thickness": "mean cortical thickness",
    "area": "cortical surface areas",
    "map": "means of tissue maps",
    "cord": "the spinal cord's area",
    "table": "measures of the study's own",
}


def of_family(study: Study, *families: str) -> list[str]:
    """Labels of the measured biomarkers that the models take so."""
    table = study.biomarkers
    measured = table["biomarker"].isin(study.tables["features/measures"].columns)
    return list(table.loc[table["family"].isin(families) & measured, "label"]) if "family" in table else []


def kind_of_model(study: Study) -> str:
    """The families of the model's biomarkers, in words."""
    mixtures, scores = of_family(study, "mixture", "mixture_kde"), of_family(study, "ordinal")
    if not mixtures and not scores:
        return "z-score model"
    parts = ["z-scores"] if of_family(study, "zscore") else []
    if mixtures:
        parts.append(
            f"{listed(mixtures)} as normal or abnormal (event-based: mixtures of two distributions of the z of controls and "
            "patients, Fonteijn et al. 2012)"
        )
    if scores:
        parts.append(f"{listed(scores)} by observed level (ordinal, Young et al. 2021)")
    return f"one sequence of events of {listed(parts)}"


#: Of more biomarkers that stand as columns somewhere, the methods give the number, not the names.
MOST_NAMED = 12


def what_measured(study: Study) -> str:
    """What was measured and where it was taken from: "Regional volumes ... were taken from ...; NfL was taken from ..."."""
    features = study.config["features"]
    table = pd.concat([study.measured, study.scores])
    column, cord = table["kind"] == "column", (table["kind"] == "cord") & bool(features.get("sct"))
    usual = table[~column & ~cord]
    source = (
        "from simulated images" if study.simulated and features["source"] == "images" else SOURCE[features["source"]]
    )
    told = []
    if features["source"] == "table":
        many = len(usual) > MOST_NAMED
        told.append(("measures as they stand there" if many else listed(usual["label"]), len(usual) > 1, source))
    else:
        kinds = [k for k in MEASURES if k in set(usual["kind"])]
        told.append((listed(MEASURES[k] for k in kinds), kinds != ["cord"], source))
    if cord.any():
        told.append((MEASURES["cord"], False, "from a table of the Spinal Cord Toolbox"))
    names = list(table.loc[column, "label"])
    words = f"{counted(len(names), 'further measure')}" if len(names) > MOST_NAMED else listed(names)
    told.append((words, len(names) > 1, "from the participants' tables"))
    parts = [f"{what} {'were' if several else 'was'} taken {where}" for what, several, where in told if what]
    text = "; ".join(parts) or "no biomarker was measured"
    return text[:1].upper() + text[1:]


def of_thresholds(study: Study) -> str:
    """Thresholds of the z-score biomarkers' events, those of the study and those of single biomarkers."""
    s, table = study.config["sustain"], study.biomarkers
    others = of_family(study, "mixture", "mixture_kde", "ordinal")
    numbers = lambda values: ", ".join(f"{float(t):g}" for t in values)  # noqa: E731
    own: dict[str, list[str]] = {}  # of values, the biomarkers
    if "thresholds" in table:
        scores = set(of_family(study, "zscore"))
        for label, values in zip(table["label"], table["thresholds"], strict=True):
            if label in scores and len(values):
                own.setdefault(numbers(values), []).append(label)
    aside = f" (but {'; '.join(f'{values} for {listed(names)}' for values, names in own.items())})" if own else ""
    whom = " for z-score biomarkers" if others else ""
    if s["choose_thresholds"]:
        return (
            f"candidate thresholds z = {numbers(s['thresholds'])}{whom}{aside}, kept where at least {counted(s['min_people'], 'person')} "
            f"{agreeing(s['min_people'], 'reaches', 'reach')} them"
        )
    whom = whom or ("" if own else " for every biomarker")
    return f"thresholds z = {numbers(s['thresholds'])}{whom}{aside}, maximum {s['z_max']:g}"


def sensitivity_words(study: Study) -> str:
    """What rows of the sensitivity analyses rest on, where there are such."""
    tables = [d.tables["clinical/sensitivity"] for d in study.diseases]
    rows = {str(a) for t in tables if "analysis" in t for a in t["analysis"]}
    text = ""
    if any(a.endswith(ANEW) for a in rows):
        text += (
            f' In the sensitivity analyses, rows "{ANEW.lstrip(", ")}" take labels of models that have seen the person.'
        )
    if CLUSTERED in rows:
        text += (
            " Errors clustered by site are those of the jackknife: everyone's estimate against those without each site."
        )
    return text


def prediction_words(study: Study) -> str:
    """How events were predicted out of sample: models, predictors, validation, measures."""
    p, people = study.config["clinical"]["prediction"], study.participants
    known = [column_in_words(c, study.config) for c in p["clinical"] if c in people]
    sets = [f"what is known without a scan ({listed(known)})" if known else "nothing", "mean z", "stage"]
    if any(d.k > 1 for d in study.predicted):
        sets.append("probabilities of the subtypes")
    return (
        f"Prediction: survival outcomes of at least {LEAST_EVENTS} events were predicted by Cox regressions with a ridge penalty "
        f"({PENALTY:g}; {PENALTY_MANY:g} with all z) on standardised predictors, in nested sets: {', then '.join(sets)}; and the "
        f"first set with the z of all biomarkers. Risk at {counted(p['horizon'], 'year', spec='g')} comes from models "
        f"that did not see the person ({counted(p['folds'], 'fold')} stratified by the event, {counted(p['repeats'], 'repeat')}, averaged), stage and "
        "subtype are out of fold; missing z are set to the mean, people with a missing clinical predictor are left out. Measures: "
        "C index and what a set adds to the one before it (all z: to the first), Brier score weighted for censoring, calibration "
        "slope, net benefit at the mean risk; 95 % intervals of C, of what is added and of the Brier score by bootstrap over "
        "people of the out-of-fold risks."
    )


def own_norms(study: Study) -> str:
    """Biomarkers whose norms are built otherwise than the rest, a sentence; "" where there are none."""
    labels = study.measured.set_index("biomarker")["label"]
    usual = study.config["normative"]
    groups: dict[str, list[str]] = {}
    # what is measured in no scan has no head-size term (normative.study)
    overrides = {b: {"head_size": "none"} for b in study.measured.loc[study.measured["kind"] == "column", "biomarker"]}
    for name, changes in (usual.get("overrides") or {}).items():
        overrides[name] = {**overrides.get(name, {}), **changes}
    for name, changes in overrides.items():
        changes = {k: v for k, v in changes.items() if name in labels and usual.get(k) != v}
        words = {"head_size": SIZE, "age": AGE, "site": {**SITE, "none": "no site term"}}
        told = [words[k][v] if k in words else f"{k.replace('_', ' ')} {v}" for k, v in changes.items()]
        if told:
            groups.setdefault(listed(told), []).append(labels[name])
    return "".join(f" For {listed(names)}: {told}." for told, names in groups.items())


@dataclass(frozen=True)
class Reference:
    """A paper, and when the methods need it.

    Attributes
    ----------
    key, authors, title, journal, volume, pages, doi : str
        Authors as "Family, Given and Family, Given".
    year : int
    needed : callable
        Study to bool.
    """

    key: str
    authors: str
    title: str
    journal: str
    year: int
    volume: str = ""
    pages: str = ""
    doi: str = ""
    needed: Callable = lambda study: True
    kind: str = "article"

    @property
    def text(self) -> str:
        """As a line of a reference list."""
        names = [a.split(", ")[0] if ", " in a else a for a in self.authors.split(" and ")]
        who = names[0] if len(names) == 1 else " & ".join(names) if len(names) == 2 else f"{names[0]} et al."
        where = self.journal + (f" {self.volume}" if self.volume else "") + (f":{self.pages}" if self.pages else "")
        return f"{who} ({self.year}). {self.title}. {where}." + (f" doi:{self.doi}" if self.doi else "")

    @property
    def bibtex(self) -> str:
        """As a BibTeX entry."""
        place = "publisher" if self.kind == "book" else "journal"
        fields = {
            "author": self.authors,
            "title": f"{{{self.title}}}",
            place: self.journal,
            "year": str(self.year),
            "volume": self.volume,
            "pages": re.sub(r"(?<=\d)-(?=\d)", "--", self.pages),
            "doi": self.doi,
        }
        lines = ",\n".join(f"  {k} = {{{v}}}" for k, v in fields.items() if v)
        return f"@{self.kind}{{{self.key},\n{lines}\n}}"


def _site(*terms: str) -> Callable:
    return lambda study: study.n_sites > 1 and study.config["normative"]["site"] in terms


def _modelled(study: Study) -> bool:
    return bool(study.diseases)


def _outcomes(study: Study) -> bool:
    return bool(study.diseases) and bool(study.config["clinical"]["outcomes"])


def _survival(study: Study) -> bool:
    return _outcomes(study) and any(KINDS[o["type"]].timed for o in study.config["clinical"]["outcomes"])


REFERENCES = [
    Reference(
        "young2018", "Young, Alexandra L. and Marinescu, Razvan V. and Oxtoby, Neil P. and others",
        "Uncovering the heterogeneity and temporal complexity of neurodegenerative diseases with Subtype and Stage Inference",
        "Nature Communications", 2018, "9", "4273", "10.1038/s41467-018-05892-0", _modelled,
    ),
    Reference(
        "zhuo2025", "Zhuo and others", "Spatiotemporal subtypes of brain and spinal cord atrophy in NMOSD and MS",
        "BMC Medicine", 2025, "23", "514", "", lambda study: study.simulated,
    ),
    Reference(
        "fonteijn2012", "Fonteijn, Hubert M. and Modat, Marc and Clarkson, Matthew J. and others",
        "An event-based model for disease progression and its application in familial Alzheimer's disease and Huntington's disease",
        "NeuroImage", 2012, "60", "1880-1889", "10.1016/j.neuroimage.2012.01.062",
        lambda study: bool(study.diseases and of_family(study, "mixture", "mixture_kde")),
    ),
    Reference(
        "young2021", "Young, Alexandra L. and Vogel, Jacob W. and Aksman, Leon M. and others",
        "Ordinal SuStaIn: subtype and stage inference for clinical scores, visual ratings, and other ordinal data",
        "Frontiers in Artificial Intelligence", 2021, "4", "613261", "10.3389/frai.2021.613261",
        lambda study: bool(study.diseases and of_family(study, "ordinal")),
    ),
    Reference(
        "vehtari2017", "Vehtari, Aki and Gelman, Andrew and Gabry, Jonah",
        "Practical Bayesian model evaluation using leave-one-out cross-validation and WAIC",
        "Statistics and Computing", 2017, "27", "1413-1432", "10.1007/s11222-016-9696-4", _modelled,
    ),
    Reference(
        "vehtari2021", "Vehtari, Aki and Gelman, Andrew and Simpson, Daniel and Carpenter, Bob and Bürkner, Paul-Christian",
        "Rank-normalization, folding, and localization: an improved R-hat for assessing convergence of MCMC",
        "Bayesian Analysis", 2021, "16", "667-718", "10.1214/20-BA1221", _modelled,
    ),
    Reference(
        "benjamini1995", "Benjamini, Yoav and Hochberg, Yosef",
        "Controlling the false discovery rate: a practical and powerful approach to multiple testing",
        "Journal of the Royal Statistical Society B", 1995, "57", "289-300", "10.1111/j.2517-6161.1995.tb02031.x", _outcomes,
    ),
    Reference(
        "rubin1987", "Rubin, Donald B.", "Multiple Imputation for Nonresponse in Surveys", "Wiley", 1987, "", "",
        "10.1002/9780470316696", _outcomes, "book",
    ),
    Reference(
        "cox1972", "Cox, David R.", "Regression models and life-tables", "Journal of the Royal Statistical Society B", 1972,
        "34", "187-202", "10.1111/j.2517-6161.1972.tb00899.x", _survival,
    ),
    Reference(
        "davidsonpilon2019", "Davidson-Pilon, Cameron", "lifelines: survival analysis in Python",
        "Journal of Open Source Software", 2019, "4", "1317", "10.21105/joss.01317", _survival,
    ),
    Reference(
        "johnson2007", "Johnson, W. Evan and Li, Cheng and Rabinovic, Ariel",
        "Adjusting batch effects in microarray expression data using empirical Bayes methods", "Biostatistics", 2007, "8",
        "118-127", "10.1093/biostatistics/kxj037", _site("combat", "combat_gam"),
    ),
    Reference(
        "fortin2018", "Fortin, Jean-Philippe and Cullen, Nicholas and Sheline, Yvette I. and others",
        "Harmonization of cortical thickness measurements across scanners and sites", "NeuroImage", 2018, "167", "104-120",
        "10.1016/j.neuroimage.2017.11.024", _site("combat", "combat_gam"),
    ),
    Reference(
        "pomponio2020", "Pomponio, Raymond and Erus, Guray and Habes, Mohamad and others",
        "Harmonization of large MRI datasets for the analysis of brain imaging patterns throughout the lifespan",
        "NeuroImage", 2020, "208", "116450", "10.1016/j.neuroimage.2019.116450", _site("combat_gam"),
    ),
    Reference(
        "deleener2017", "De Leener, Benjamin and Lévy, Simon and Dupont, Sara M. and others",
        "SCT: Spinal Cord Toolbox, an open-source software for processing spinal cord MRI data", "NeuroImage", 2017, "145",
        "24-43", "10.1016/j.neuroimage.2016.10.009", lambda study: bool(study.config["features"].get("sct")),
    ),
    Reference(
        "mowinckel2020", "Mowinckel, Athanasia M. and Vidal-Piñeiro, Didac",
        "Visualization of brain statistics with R packages ggseg and ggseg3d",
        "Advances in Methods and Practices in Psychological Science", 2020, "3", "466-483", "10.1177/2515245920928009",
        _modelled,
    ),
    Reference(
        "vonelm2007", "von Elm, Erik and Altman, Douglas G. and Egger, Matthias and others",
        "The Strengthening the Reporting of Observational Studies in Epidemiology (STROBE) statement", "The Lancet", 2007,
        "370", "1453-1457", "10.1016/S0140-6736(07)61602-X",
    ),
    Reference(
        "molder2021", "Mölder, Felix and Jablonski, Kim Philipp and Letcher, Brice and others",
        "Sustainable data analysis with Snakemake", "F1000Research", 2021, "10", "33", "10.12688/f1000research.29032.2",
    ),
]  # fmt: skip


def references(study: Study) -> list[Reference]:
    """The papers that this study's methods rest on."""
    return [r for r in REFERENCES if r.needed(study)]
