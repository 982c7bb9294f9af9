"""Who is what, in one place: subtype and its name, normal-appearing, stage and its thirds, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

NORMAL = "normal-appearing"
#: What people with atrophy are called where the model has one subtype: there is nothing to tell it from.
ATROPHY = "with atrophy"
THIRDS = ("early stages", "middle stages", "late stages")
#: Systems that the simulated cohort's subtypes are named after, by their letters in the published tables.
SYSTEMS = {"C": "cortical", "SC": "spinal cord", "CE": "cerebellar", "DGM": "subcortical"}
#: Okabe-Ito, colour-blind safe, with the wine of Tol's muted scheme for its yellow, which is lost as a line on white paper;
#: grey is normal-appearing, then subtypes in model order.
COLOURS = ["#999999", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#000000"]
#: Colours of a subtype by its name, so that it has one colour in every disease; other names take what is left.
OF_NAME = {
    "normal-appearing": "#999999",
    "cortical": "#0072B2",
    "spinal cord": "#D55E00",
    "subcortical": "#009E73",
    "cerebellar": "#CC79A7",
    # thirds of stage grow darker; the palest has the contrast of 3 that a line on white paper needs
    "early stages": "#C4820E",
    "middle stages": "#B5390A",
    "late stages": "#4D1300",
}
#: Words of a variant of the model, by the parts of its name: how stages are weighed, and what is left over in the measures.
STAGES = {"smooth": "smooth stages", "dirichlet": "a weight for each stage", "uniform": "all stages alike"}
NOISE = {
    "controls": "the controls' covariance",
    "adapted": "a covariance adapted to the patients",
    "independent": "independent noise",
    "learnt": "independent noise of learnt size",
}
#: Fewer staged people than this are not divided into thirds.
LEAST_FOR_THIRDS = 15


@dataclass(frozen=True)
class Labels:
    """What is known of people's subtype and stage.

    Attributes
    ----------
    group : Series
        Name of the most probable subtype, or normal-appearing.
    probability : DataFrame
        P(group), columns normal-appearing and the subtypes' names; rows sum to 1.
    stage : Series
        Expected stage.
    """

    group: pd.Series
    probability: pd.DataFrame
    stage: pd.Series

    @property
    def names(self) -> list[str]:
        """The subtypes."""
        return [c for c in self.probability.columns if c != NORMAL]

    @property
    def staged(self) -> pd.Series:
        """People who are not normal-appearing (bool)."""
        return self.group != NORMAL

    def take(self, rows) -> Labels:
        """The same for some of the people."""
        return Labels(self.group.loc[rows], self.probability.loc[rows], self.stage.loc[rows])

    def with_normal(self, normal: pd.Series) -> Labels:
        """The same with the people of `normal` (bool) taken as normal-appearing for certain, at stage 0."""
        probability = self.probability.copy()
        probability.loc[normal] = 0.0
        probability.loc[normal, NORMAL] = 1.0
        staged = ~normal & (self.group == NORMAL)
        best = self.probability[self.names].idxmax(axis=1)
        group = self.group.mask(staged, best).mask(normal, NORMAL)
        return Labels(group, probability, self.stage.mask(normal, 0.0))


def reliability(probability: pd.DataFrame) -> pd.Series:
    """Var(P) / (p (1 - p)) per column, p its mean: 1 for certain labels, 0 where nobody can be told apart."""
    p = probability.mean()
    return probability.var(ddof=0) / (p * (1 - p)).where(lambda v: v > 0)


def is_true(values: pd.Series) -> pd.Series:
    """Truth values as tables hold them: booleans, or the words True and False."""
    return values.astype(str).str.lower().isin(["true", "1", "1.0"])


def normal_appearing(table: pd.DataFrame, prefix: str = "") -> pd.Series:
    """Who shows no atrophy: the table's own `normal_appearing`, or stage 0 where it has none."""
    column = f"{prefix}normal_appearing"
    return is_true(table[column]) if column in table else table[f"{prefix}stage"].astype(float) <= 0


def group_of(table: pd.DataFrame, names: dict[int, str], prefix: str = "") -> pd.Series:
    """Name of the most probable subtype, or normal-appearing, of every row of an assignment."""
    return table[f"{prefix}subtype"].map(names).where(~normal_appearing(table, prefix), NORMAL)


def probabilities(table: pd.DataFrame, names: dict[int, str], prefix: str = "") -> pd.DataFrame:
    """P(normal-appearing) and P(staged and subtype) of every row of an assignment; rows sum to 1."""
    out = pd.DataFrame({n: table[f"{prefix}p_staged_subtype{c}"] for c, n in names.items()}).astype(float)
    rest = (1 - out.sum(axis=1)).clip(lower=0)
    healthy = f"{prefix}p_healthy"
    out.insert(0, NORMAL, table[healthy].astype(float) if healthy in table else rest)
    return out.div(out.sum(axis=1), axis=0)


def numbered(systems: dict[int, str]) -> dict[int, str]:
    """Names of subtypes from their systems; a system met more than once is numbered, ``cortical 1``, ``cortical 2``.

    The number is for display: what system a subtype is of stands in names.tsv, and is never read back from its name.
    """
    times: dict[str, int] = {}
    out = {}
    for c, system in systems.items():
        times[system] = times.get(system, 0) + 1
        out[c] = system if list(systems.values()).count(system) == 1 else f"{system} {times[system]}"
    return out


def colours(names) -> dict[str, str]:
    """Colour of every group name."""
    free = ["#E69F00", "#56B4E9", "#882255", "#000000", "#8B4513", "#6A3D9A"]
    out: dict = {}
    for name in names:
        out[name] = OF_NAME[name] if name in OF_NAME else free[len([n for n in out if n not in OF_NAME]) % len(free)]
    return out


def variant_words(name: str) -> str:
    """A variant of the model in words; a name that is none of the workflow's stays as it is.

    Examples
    --------
    >>> variant_words("smooth-controls")
    "the controls' covariance, smooth stages"
    >>> variant_words("as published")
    'as published'
    """
    stages, _, noise = str(name).partition("-")
    return f"{NOISE[noise]}, {STAGES[stages]}" if stages in STAGES and noise in NOISE else str(name)


def variants_in_words(names) -> dict[str, str]:
    """Variants of the model in words; how stages are weighed is left out where they all do it alike.

    Examples
    --------
    >>> variants_in_words(["smooth-controls", "smooth-independent"])
    {'smooth-controls': "the controls' covariance", 'smooth-independent': 'independent noise'}
    >>> variants_in_words(["smooth-controls", "uniform-controls"])["uniform-controls"]
    "the controls' covariance, all stages alike"
    """
    words = {str(name): variant_words(name) for name in names}
    ends = {w.rpartition(", ")[2] for w in words.values()}
    alike = len(ends) == 1 and ends <= set(STAGES.values())
    return {name: w.rpartition(", ")[0] for name, w in words.items()} if alike else words


def shown_names(names: dict[int, str]) -> dict[int, str]:
    """Subtype number to the name that clinical results use: one subtype alone has no name of its own.

    Examples
    --------
    >>> shown_names({1: "cortical", 2: "spinal cord"})
    {1: 'cortical', 2: 'spinal cord'}
    >>> shown_names({1: "cortical"})
    {1: 'with atrophy'}
    """
    return dict.fromkeys(names, ATROPHY) if len(names) == 1 else dict(names)


def read_labels(subtypes: pd.DataFrame, names: dict[int, str], prefix: str = "oof_") -> Labels:
    """Labels from subtypes.tsv, indexed by participant_id."""
    stage = subtypes[f"{prefix}expected_stage"].astype(float)
    return Labels(group_of(subtypes, names, prefix), probabilities(subtypes, names, prefix), stage)


def stage_groups(labels: Labels) -> tuple[pd.Series, list[str]]:
    """Normal-appearing people, and thirds of the staged by their expected stage (none where too few are staged)."""
    group = labels.group.where(~labels.staged, "")
    if labels.staged.sum() >= LEAST_FOR_THIRDS:
        rank = labels.stage[labels.staged].rank(method="first")
        group[labels.staged] = pd.qcut(rank, 3, labels=list(THIRDS)).astype(str)
    return group, [NORMAL, *THIRDS]


def staged_scale(labels: Labels) -> float:
    """SD of the staged people's expected stages, the unit of "per SD of stage"; 1 where there is none."""
    scale = float(labels.stage[labels.staged].std()) if labels.staged.sum() > 2 else 1.0
    return scale if np.isfinite(scale) and scale > 0 else 1.0
