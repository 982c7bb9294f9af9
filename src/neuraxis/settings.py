"""Every setting of a study, once: its type, its default, what it is for, and what the default study says.

`config.yaml` and `workflow/schemas/config.schema.yaml` are written from here and never by hand:

    python -m neuraxis.settings
"""

from __future__ import annotations

import dataclasses
import textwrap
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

#: A setting that every study has to give.
REQUIRED: Any = "REQUIRED"
#: Column at which comments of config.yaml begin, and where they are broken.
COMMENT, WIDTH = 30, 128
#: Longest value that still leaves room for a comment on its line.
ROOM = COMMENT + 6


def setting(default: Any, text: str | Callable[[], str], *, study: Any = REQUIRED, **rules: Any) -> Any:
    """One setting.

    Parameters
    ----------
    default : object
        Of a study of one's own; REQUIRED where it has to be given.
    text : str or callable
        What it is for: the comment in config.yaml and the description in the schema; a function is asked when they are written.
    study : object, optional
        What the default study says where it is not the default.
    **rules
        JSON Schema keywords that its type does not say (minimum, pattern, uniqueItems ...).
    """
    about = {"text": text, "study": default if study is REQUIRED else study, "rules": rules, "default": default}
    return field(default=None, metadata=about)


def group(text: str, **rules: Any) -> Any:
    """Settings that belong together: a section, or a part of one."""
    return field(default=None, metadata={"text": text, "rules": rules})


def about(one: dataclasses.Field) -> tuple[str, Any, Any, dict]:
    """Text, default, value in the default study, and rules of a setting."""
    m = one.metadata
    return said_of(one), m["default"], m["study"], m["rules"]


def said_of(one: dataclasses.Field) -> str:
    """Text of a setting or a section."""
    text = one.metadata["text"]
    return text() if callable(text) else text


class Rules:
    """JSON Schema keywords of a type, where that is part of another type."""

    def __init__(self, **words: Any) -> None:
        self.words = words


class OneOf:
    """Words that a type allows, asked for when the schema is written: they are those of a registry of another room."""

    def __init__(self, words: Callable[[], list[str]]) -> None:
        self.words = words


def outcome_types() -> dict[str, str]:
    """Types of outcome, each with what it asks for; imported late: statistics are nothing that settings need."""
    from .clinical.outcomes import KINDS

    return {name: kind.asks for name, kind in KINDS.items()}


def about_outcomes() -> str:
    """What is said of `clinical.outcomes`."""
    types = ", ".join(f"{name} ({asks})" if asks else name for name, asks in outcome_types().items())
    return (
        f"what is asked of subtype and stage. Types: {types}; reference: controls makes a z against the controls; "
        "diseases: groups it is an outcome of; only: people at risk, by column and values; unit: of the values, at the axes of figures"
    )


OutcomeType = Annotated[str, OneOf(lambda: list(outcome_types()))]
Above0 = Annotated[float, Rules(exclusiveMinimum=0)]
AtLeast0 = Annotated[float, Rules(minimum=0)]
Count0 = Annotated[int, Rules(minimum=0)]
Count1 = Annotated[int, Rules(minimum=1)]
NameOfVariant = Annotated[str, Rules(pattern="^(smooth|dirichlet|uniform)-(controls|adapted|independent|learnt)$")]
NameOfDisease = Annotated[str, Rules(pattern="^[A-Za-z0-9][A-Za-z0-9_+-]*$", maxLength=40)]
Level = Annotated[int, Rules(minimum=1, maximum=25)]
QualityRule = Literal[
    "implausible eTIV",
    "missing",
    "implausible",
    "outlier of its site",
    "asymmetric",
    "missing labels",
    "QC score",
    "surface holes",
]


@dataclass(frozen=True)
class Cohort:
    """Who takes part."""

    source: Literal["simulated", "files"] = setting(
        REQUIRED,
        "simulated: the study's cohort, built from published aggregates; files: your own people",
        study="simulated",
    )
    participants: str = setting(
        "", "files: path of participants.tsv (participant_id, group, site, age, sex, clinical columns)"
    )
    phenotype: list[str] = setting([], "files: more tables with participant_id, joined to it")
    sessions: str = setting("", "files: follow-up scans (participant_id, session_id, years since baseline)")
    visits: str = setting("", "files: clinical visits (participant_id, years, edss), for worsening over time")
    relapses: str = setting("", "files: relapses after baseline (participant_id, years)")
    baseline_session: str = setting(
        "ses-01", "label of the first scan where paths or ids have sessions", pattern="^ses-[A-Za-z0-9]+$"
    )
    written_as: Literal["images", "stats"] = setting(
        "images", "simulated: images (NIfTI phantoms), or stats (FreeSurfer stats and an SCT table)"
    )
    control: str = setting(REQUIRED, "group of the healthy controls", study="HC", minLength=1)
    diseases: list[NameOfDisease] = setting(
        REQUIRED,
        "groups to be modelled, each by its own model; []: norms only",
        study=["NMOSD", "MS"],
        uniqueItems=True,
    )
    groups: dict[str, Annotated[list[str | int], Rules(minItems=1, uniqueItems=True)]] = setting(
        {},
        "files: merges and names groups, {MS: [RRMS, SPMS], HC: [Control]}; people of other groups are left out by name (results/cohort/flow.tsv)",
    )
    sites: list[str] = setting([], 'files: sites whose name would be read as missing, quoted: ["NA"]', uniqueItems=True)
    scale: float = setting(1.0, "simulated: share of the study's 1,065 / 278 / 391 people", minimum=0.02, maximum=20)


@dataclass(frozen=True)
class Features:
    """What is measured, and how."""

    source: Literal["images", "volume_tables", "table"] = setting(
        REQUIRED,
        "images: label volumes or stats folders; volume_tables: wide tables; table: one tidy table",
        study="images",
    )
    labels: str = setting(
        "",
        "images: path with {participant_id}: a label volume (/data/fs/{participant_id}/mri/aparc+aseg.mgz) or a FreeSurfer / FastSurfer person's folder with stats/ in it (/data/fs/{participant_id})",
    )
    cord_mask: str = setting("", "images: path with {participant_id}; empty where there is no cord")
    cord_levels_image: str = setting("", "images: vertebral levels on the mask's grid")
    volume_tables: list[str] = setting(
        [], "volume_tables: asegstats2table, aparcstats2table, SynthSeg --vol tables, joined by person"
    )
    sct: str = setting("", "cord area from the CSV of sct_process_segmentation, beside any source")
    sct_select: str = setting("", "only rows whose file name contains it, e.g. T2w or acq-ax")
    sct_repeats: Literal["refuse", "first", "last"] = setting(
        "refuse", "a scan that was measured from several files or more than once: refuse, first, last (by time stamp)"
    )
    etiv: str = setting(
        "", "head size (participant_id, etiv in mm3) where the files lack it, as label volumes other than SynthSeg's do"
    )
    qc_scores: str = setting("", "SynthSeg --qc table")
    qc_score_min: float = setting(0.65, 'scores below it break the rule "QC score"', minimum=0, maximum=1)
    table: str = setting(
        "", "table: TSV with participant_id, etiv (mm3; where a norm has a head-size term) and one column per biomarker"
    )
    biomarkers: str = setting(
        REQUIRED, "table that defines the biomarkers", study="resources/biomarkers.tsv", minLength=1
    )
    use: Literal["all"] | Annotated[list[str], Rules(minItems=1, uniqueItems=True)] = setting(
        "all", "all, or a list of biomarkers"
    )
    cord_levels: list[Level] = setting([1, 2, 3], "vertebral levels of the cord area; 1 is C1", minItems=1)
    exclude_rules: list[QualityRule] = setting(
        ["implausible eTIV"],
        "quality rules that exclude; all others only flag (results/features/qc.tsv): implausible eTIV, missing, implausible, outlier of its site, asymmetric, missing labels, QC score, surface holes",
    )
    outlier_limit: float = setting(
        5, "median absolute deviations from the median of the site, from which on a measure is an outlier", minimum=2
    )
    batches: int = setting(8, "people are measured in so many jobs", minimum=1, maximum=1000)


@dataclass(frozen=True)
class Normative:
    """What is normal: norms of the controls."""

    age: Literal["linear", "quadratic", "spline"] = setting(
        "spline", "linear, quadratic, spline (restricted cubic, knots at the controls' 10th, 50th and 90th percentile)"
    )
    age_by_sex: bool = setting(True, "the slope of age may differ between the sexes")
    head_size: Literal["covariate", "proportional", "power", "none"] = setting(
        "covariate", "covariate, proportional (measure / eTIV), power (measure / eTIV^b, b from the controls), none"
    )
    site: Literal["none", "fixed", "random", "combat", "combat_gam"] = setting(
        "fixed", "none, fixed (an offset per site), random (intercepts), combat, combat_gam (learnt on the controls)"
    )
    min_site_controls: int = setting(10, "sites with fewer controls are treated by small_sites; at least 3", minimum=3)
    small_sites: Literal["pool", "refuse"] = setting(
        "pool", "pool, refuse; a pool that has fewer itself is refused too"
    )
    sd: Literal["constant", "age"] = setting("constant", "spread of the controls: constant, age (linear in it)")
    robust: bool = setting(False, "Huber regression and median absolute deviation")
    missing: Literal["keep", "drop"] = setting(
        "keep",
        "keep: missing values stay, the engine leaves them out; drop: people with any are dropped by name (ComBat always does)",
    )
    folds: int = setting(10, "controls' own z come from norms that did not see them", minimum=2, maximum=100)
    overrides: dict = setting({}, "other choices for single biomarkers, e.g. {cord_csa: {head_size: none}}")


@dataclass(frozen=True)
class Sustain:
    """Subtypes and stages."""

    thresholds: list[Above0] = setting([1, 2, 3], "candidate z of the events", minItems=1, uniqueItems=True)
    choose_thresholds: bool = setting(
        True, "keep an event only where at least min_people reach it; false: all, with z_max below"
    )
    min_people: Count1 = setting(10, "people who must reach a threshold")
    z_max: Above0 = setting(5, "maximum of every biomarker where thresholds are not chosen")
    max_subtypes: int = setting(4, "largest number of subtypes tried", minimum=1, maximum=9)
    n_subtypes: Literal["auto"] | Annotated[int, Rules(minimum=1, maximum=9)] = setting(
        "auto",
        "as published; auto for your own data, which get it unless they say a number: by the rule on CVIC. Of a number the report says that it was fixed, and what the rule would choose",
        study=3,
    )
    folds: int = setting(5, "folds of the cross-validation", minimum=2, maximum=50)
    n_startpoints: Count1 = setting(4, "starts per split of the model with one subtype fewer, and as many random ones")
    n_samples: int = setting(20000, "MCMC steps per chain after warm-up, the chosen model of everyone", minimum=100)
    n_doublings: int = setting(
        4,
        "so many times its chains go on, as long again each time, while they do not agree (split R-hat, effective samples)",
        minimum=0,
        maximum=20,
    )
    n_samples_folds: Count0 = setting(
        2000, "steps of all models that lead to the choice (held-out densities, out-of-fold labels); 0: n_samples"
    )
    n_chains: Count1 = setting(4, "Markov chains per model")
    stage_prior: Literal["smooth", "dirichlet", "uniform"] = setting(
        "smooth", "weights of the stages: smooth (bumps), dirichlet (one per stage), uniform (as published)"
    )
    noise: Literal["controls", "adapted", "independent", "learnt"] = setting(
        "controls",
        "residuals: controls (their covariance), adapted (learnt around it), independent (as published), learnt (SDs)",
    )
    healthy: bool = setting(
        True, "a healthy component that all subtypes share; false: as published, stage 0 of every subtype"
    )
    variants: list[NameOfVariant] = setting(
        [],
        "cross-validated beside it (stage prior - noise)",
        study=["smooth-independent", "smooth-adapted"],
        uniqueItems=True,
    )
    negative_control_variants: list[NameOfVariant] = setting(
        [], "the same selection on healthy people, beside the main variant", uniqueItems=True
    )
    leave_site_out: bool = setting(
        True,
        "the chosen model is fitted anew without each site in turn (sites of 5 or more people; few starts, short chains): does it hang on one of them?",
    )
    parametric_null: Count0 = setting(
        0,
        "so many cohorts drawn from the model with one subtype fewer, the rule tried on each; each costs as much as the whole cross-validation; 0: none",
    )


@dataclass(frozen=True)
class Worsening:
    """Confirmed worsening."""

    from_zero: Above0 = setting(1.5, "EDSS points needed from a reference of 0,")
    middle: Above0 = setting(1.0, "of up to high_above,")
    high: Above0 = setting(0.5, "and above it")
    high_above: float = setting(5.0, "5.0, or 5.5 as in many papers", minimum=0, maximum=10)
    confirm_years: AtLeast0 = setting(0.5, "still there so much later (worsening, raw, pira); 0: unconfirmed")
    relapse_days_before: AtLeast0 = setting(90, "PIRA: no relapse so many days before,")
    relapse_days_after: AtLeast0 = setting(
        30, "and after, the worsening and the confirming visit; RAW: a relapse so many days before"
    )
    confirm_free_days: AtLeast0 = setting(30, "no visit confirms within so many days after a relapse")
    rebaseline_days: AtLeast0 = setting(90, "PIRA: the first visit so many days after a relapse is the new reference")


@dataclass(frozen=True)
class Treatment:
    """Survival by treatment."""

    column: str = setting("", 'column of people; "": none', study="drug")
    reference: str = setting("", "value that the others are compared with", study="none")


@dataclass(frozen=True)
class Trial:
    """A trial that could enrol by subtype or stage."""

    years: Above0 = setting(2, "its length")
    hazard_ratio: float = setting(0.7, "of the treatment tried", exclusiveMinimum=0, exclusiveMaximum=1)
    power: float = setting(0.8, "at a two-sided alpha of 0.05", minimum=0.5, maximum=0.99)


@dataclass(frozen=True)
class Prediction:
    """Prediction out of sample."""

    clinical: list[str] = setting(
        ["age", "sex"], "columns known without a scan", study=["age", "sex", "edss", "disease_duration"]
    )
    folds: int = setting(5, "folds of the cross-validation", minimum=2, maximum=20)
    repeats: int = setting(5, "divisions into folds", minimum=1, maximum=50)
    horizon: Above0 = setting(2, "years")


@dataclass(frozen=True)
class AnOutcome:
    """One outcome."""

    name: str = setting(REQUIRED, "name in tables and sentences")
    column: str = setting(REQUIRED, "column of people; where there are events, the event (0 or 1)")
    type: OutcomeType = setting(REQUIRED, "kind of outcome, and so its model")
    exposure: str = setting(None, "years of observation (count)")
    time: str = setting(None, "years to event or last visit (survival, discrete)")
    covariates: list[str] = setting([], "columns the model is adjusted for")
    strata: list[str] = setting([], "columns whose values have their own baseline hazard (survival)")
    transform: Literal["none", "log", "log1p", "sqrt"] = setting("none", "of the outcome, before anything else")
    reference: Literal["none", "controls"] = setting(
        "none", "controls - z against the controls' regression on the covariates"
    )
    family: str = setting("clinical", "outcomes that share a false-discovery rate")
    diseases: list[str] = setting([], "groups it is an outcome of; none: all")
    only: dict = setting({}, "people at risk: column to the values they have there")
    maximum: Above0 = setting(None, "largest score (bounded)")
    unit: str = setting("", "of its values, at the axes of figures")


#: Of the default study: what Zhuo et al. asked, and what their readers would.
OUTCOMES = """
- {name: EDSS, column: edss, type: ordinal, covariates: [age, sex, disease_duration], family: disability}
- {name: relapses before baseline, column: relapses, type: count, exposure: disease_duration, covariates: [age, sex], family: relapses}
- {name: relapses on study, column: on_study_relapses, type: count, exposure: on_study_years, covariates: [age, sex, drug], family: relapses}
- {name: a first relapse on study, column: first_relapse_event, type: survival, time: first_relapse_time, covariates: [age, sex, drug], strata: [site], family: relapses}
- {name: lesion volume, column: lesion_volume, type: continuous, unit: mm3, transform: log1p, covariates: [age, sex, disease_duration], family: lesions}
- {name: SDMT, column: sdmt, type: robust, reference: controls, covariates: [age, sex, education], family: cognition}
- {name: PASAT, column: pasat, type: robust, reference: controls, covariates: [age, sex, education], family: cognition}
- {name: CVLT, column: cvlt, type: robust, reference: controls, covariates: [age, sex, education], family: cognition}
- {name: BVMT, column: bvmt, type: robust, reference: controls, covariates: [age, sex, education], family: cognition}
- {name: MMSE, column: mmse, type: bounded, maximum: 30, covariates: [age, sex, education], family: cognition}
- {name: MoCA, column: moca, type: bounded, maximum: 30, covariates: [age, sex, education], family: cognition}
- {name: serum NfL, column: nfl, type: continuous, unit: pg/ml, transform: log, covariates: [age, sex], family: serum}
- {name: serum GFAP, column: gfap, type: continuous, unit: pg/ml, transform: log, covariates: [age, sex], family: serum}
- {name: drug, column: drug, type: categorical, family: treatment}
- {name: confirmed worsening (24 weeks), column: cdw24_event, type: survival, time: cdw24_time, covariates: [age, sex, edss, disease_duration, drug], strata: [site], family: worsening}
- {name: relapse-associated worsening, column: raw_event, type: survival, time: raw_time, covariates: [age, sex, edss, disease_duration, drug], family: worsening}
- {name: progression independent of relapses, column: pira_event, type: survival, time: pira_time, covariates: [age, sex, edss, disease_duration, drug], family: worsening}
- {name: SPMS, column: spms, type: survival, time: spms_years, covariates: [age, sex, edss], diseases: [MS], family: worsening}
"""


@dataclass(frozen=True)
class Clinical:
    """What subtype and stage mean."""

    n_draws: int = setting(
        20, "labels imputed from scan and outcome, pooled by Rubin's rules (at most 50)", minimum=2, maximum=50
    )
    worsening: Worsening = group(
        "from cohort.visits: CDW (worsening, cdw12, cdw24, cdw48), RAW (raw), PIRA (pira), each _time and _event"
    )
    treatment: Treatment = group("survival by treatment within subtype")
    trial: Trial = group("people per arm of a trial that enrols by subtype or stage")
    prediction: Prediction = group("out of sample, survival outcomes")
    outcomes: list[AnOutcome] = setting(
        [],
        about_outcomes,
        study=yaml.safe_load(OUTCOMES),
    )


@dataclass(frozen=True)
class Report:
    """The pages."""

    title: str = setting("neuraxis", "heading of the page", study="Atrophy subtypes and stages")
    event_colours: Literal["safe", "field"] = setting(
        "safe",
        "of thresholds in positional variance: safe (for all eyes), field (red, magenta, blue of the SuStaIn papers)",
    )
    people: bool = setting(
        True, "people.html beside the report: everybody one by one, with ids; the report itself holds none"
    )


@dataclass(frozen=True)
class Settings:
    """A study."""

    seed: Count0 = setting(REQUIRED, "the one seed; every random stream is keyed by what it is for", study=1)
    cohort: Cohort = group("who takes part")
    features: Features = group("what is measured, and how")
    normative: Normative = group("what is normal: norms of the controls")
    sustain: Sustain = group("subtypes and stages")
    clinical: Clinical = group("what subtype and stage mean")
    report: Report = group("the pages")


# ------------------------------------------------------------------------------------------------------------ schema

#: Types as JSON Schema calls them.
TYPES: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", dict: "object"}


def schema_of(hint: Any) -> dict[str, Any]:
    """JSON Schema of a type."""
    origin, inside = get_origin(hint), get_args(hint)
    if origin is Annotated and isinstance(inside[1], OneOf):
        return {"enum": inside[1].words()}
    if origin is Annotated:
        return {**schema_of(inside[0]), **inside[1].words}
    if origin is Literal:
        return {"const": inside[0]} if len(inside) == 1 else {"enum": list(inside)}
    if origin in (Union, types.UnionType):
        plain = [TYPES.get(i) if isinstance(i, type) else None for i in inside]
        return {"type": plain} if all(plain) else {"oneOf": [schema_of(i) for i in inside]}
    if origin is list:
        return {"type": "array", "items": schema_of(inside[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema_of(inside[1])}
    if dataclasses.is_dataclass(hint):
        return section(hint)
    return {"type": TYPES[hint]}


def section(cls: Any) -> dict[str, Any]:
    """JSON Schema of a section: nothing else is allowed in it."""
    hints, properties, required = get_type_hints(cls, include_extras=True), {}, []
    for one in dataclasses.fields(cls):
        text, rules = said_of(one), one.metadata["rules"]
        properties[one.name] = {**schema_of(hints[one.name]), **rules}
        if "default" not in one.metadata:  # a part: what is missing in it is filled in from within
            if cls is not Settings:
                properties[one.name]["default"] = {}
        elif one.metadata["default"] is REQUIRED:
            required.append(one.name)
        elif one.metadata["default"] is not None:
            properties[one.name]["default"] = one.metadata["default"]
        properties[one.name]["description"] = text
    if cls is Settings:
        required = [f.name for f in dataclasses.fields(cls)]
    needed = {"required": required} if required else {}
    return {"type": "object", "additionalProperties": False, **needed, "properties": properties}


def schema() -> str:
    """Text of the schema."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "neuraxis configuration"}
    text = yaml.dump({**head, **section(Settings)}, Dumper=_Plain, sort_keys=False, width=WIDTH, allow_unicode=True)
    return f"# Written by python -m neuraxis.settings from src/neuraxis/settings.py.\n{text}"


class _Plain(yaml.SafeDumper):
    """Lists that occur twice are written twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


# ------------------------------------------------------------------------------------------------------- config.yaml


def flow(value: Any) -> str:
    """A value on one line."""
    if value == "":
        return '""'
    return (
        yaml.dump(value, Dumper=_Plain, default_flow_style=True, sort_keys=False, width=10**6)
        .removesuffix("\n...\n")
        .strip()
    )


def line(indent: int, key: str, value: str, text: str) -> list[str]:
    """A key, its value and its comment, broken where it is long."""
    begin = f"{' ' * indent}{key}: {value}".rstrip()
    if not text:
        return [begin]
    at = COMMENT if len(begin) < ROOM else 0
    if not at:  # the value is long: the comment stands above it
        return [*_broken(indent, text), begin]
    first, *rest = textwrap.wrap(text, WIDTH - max(at, len(begin) + 2) - 2, break_on_hyphens=False)
    return [f"{begin:{at}s}{'' if len(begin) < at else '  '}# {first}", *(f"{' ' * at}#   {r}" for r in rest)]


def _broken(indent: int, text: str) -> list[str]:
    return [f"{' ' * indent}# {r}" for r in textwrap.wrap(text, WIDTH - indent - 2, break_on_hyphens=False)]


def config() -> str:
    """Text of config.yaml: the default study."""
    lines = ["# The study. Science only: threads, memory and machines belong to profiles/. Written by python -m neuraxis.settings;",
             "# checked before anything runs (workflow/schemas/config.schema.yaml). A study of your own says what differs."]  # fmt: skip
    hints = get_type_hints(Settings)
    for one in dataclasses.fields(Settings):
        lines.append("")
        if "default" in one.metadata:
            text, _, value, _ = about(one)
            lines += line(0, one.name, flow(value), text)
        else:
            lines += [f"{one.name}:", *part(hints[one.name], 2)]
    return "\n".join(lines) + "\n"


def part(cls: Any, indent: int) -> list[str]:
    """Lines of a section."""
    lines, hints = [], get_type_hints(cls)
    for one in dataclasses.fields(cls):
        if "default" not in one.metadata:
            lines += [*line(indent, one.name, "", one.metadata["text"]), *part(hints[one.name], indent + 2)]
            continue
        text, _, value, _ = about(one)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = [f"{' ' * indent}  - {flow(v)}" for v in value]
            lines += [*_broken(indent, text), f"{' ' * indent}{one.name}:", *rows]
        else:
            lines += line(indent, one.name, flow(value), text)
    return lines


def files(root: Path) -> dict[Path, str]:
    """What is written, by path below the clone."""
    return {root / "config.yaml": config(), root / "workflow/schemas/config.schema.yaml": schema()}


if __name__ == "__main__":
    for path, text in files(Path(__file__).parents[2]).items():
        path.write_text(text, encoding="utf-8")
