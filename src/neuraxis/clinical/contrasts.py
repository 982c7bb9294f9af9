"""What is asked of every outcome: which people, which terms, which weighted sums of them.

Three questions. `subtype`: one subtype against another among staged people, at the same stage. `stage`: later stage
among staged people, all together and within subtype. `atrophy`: any atrophy against none, among everyone.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from ..labels import NORMAL, Labels, reliability, staged_scale

OTHERS = "the other subtypes"
STAGE = "stage"
ANY = "any atrophy"
#: Stage of people with atrophy, from its mean.
LATER = "stage from its mean"
#: P(atrophy) below which a stage given atrophy is not told by dividing by it.
LEAST_SOME = 0.05
QUESTIONS = ("subtype", "stage", "atrophy")


@dataclass(frozen=True)
class Contrast:
    """One weighted sum of terms.

    Attributes
    ----------
    question : str
        One of `QUESTIONS`; contrasts of a question share people, models and (inside a family) a false-discovery rate.
    name, subtype, against : str
    weights : dict
        Of the terms of its model.
    mine, other : Series of bool
        The two groups by label; for stages, the people of the subtype, and nobody.
    needs : tuple of str
        Groups that must not be too small, and whose labels must be known well enough.
    """

    question: str
    name: str
    subtype: str
    against: str
    weights: dict
    mine: pd.Series
    other: pd.Series
    needs: tuple


@dataclass(frozen=True)
class Model:
    """The terms of one model for every group that a person may belong to.

    Attributes
    ----------
    rows : Index
        People who take part.
    group : Series
        Group by label.
    probability : DataFrame, shape (n, C)
        P(group); rows sum to 1.
    designs : list of DataFrame
        Per group, everybody's terms if they belonged to it.
    contrasts : list of Contrast
    """

    rows: pd.Index
    group: pd.Series
    probability: pd.DataFrame
    designs: list
    contrasts: list

    @property
    def sizes(self) -> pd.Series:
        """People per group by label."""
        return self.group.value_counts().reindex(self.probability.columns, fill_value=0)

    @property
    def reliability(self) -> pd.Series:
        """Of every group's probability."""
        return reliability(self.probability)

    @property
    def away(self) -> str:
        """Group of which nobody takes part, except by probability; empty where all groups do."""
        return NORMAL if (self.group != NORMAL).all() else ""

    def terms(self, weights: pd.DataFrame) -> pd.DataFrame:
        """Terms under group weights (n, C): indicators of labels or draws, or probabilities."""
        out = sum(d.mul(weights[g], axis=0) for g, d in zip(self.probability.columns, self.designs, strict=True))
        return out.loc[weights.index]

    def by_label(self, least: int) -> pd.DataFrame:
        """Indicators of the labels, of people in groups of at least `least`."""
        kept = self.sizes.index[self.sizes >= least]
        rows = self.rows[self.group.isin(kept)]
        return indicators(self.group.loc[rows], self.probability.columns)


def indicators(group: pd.Series, columns) -> pd.DataFrame:
    """1 in the column of a person's group, else 0."""
    return pd.DataFrame(
        (group.to_numpy()[:, None] == np.asarray(columns, object)[None]).astype(float), group.index, list(columns)
    )


def subtype_model(labels: Labels, scale: float | None = None) -> Model:
    """Subtypes among staged people, at the same stage; and the stage, whatever the subtype.

    Terms: an indicator of every subtype but the largest, and the expected stage per SD of the staged people's. Some who
    are called staged are not: their probability of being normal-appearing is a term too, else it would dilute the
    subtypes; by label, and in draws, nobody is.
    """
    scale = staged_scale(labels) if scale is None else scale
    mine = labels.take(labels.group.index[labels.staged])
    names, rows = mine.names, mine.group.index
    sizes = mine.group.value_counts().reindex(names, fill_value=0)
    reference = sizes.idxmax() if len(names) else None
    terms = [n for n in names if n != reference]
    designs = [
        pd.DataFrame({**{t: float(t == g) for t in [*terms, NORMAL]}, STAGE: mine.stage / scale}, index=rows)
        for g in mine.probability
    ]
    nobody = pd.Series(False, index=rows)
    contrasts = []

    def add(a, against, weights, other, needs) -> None:
        weights = {t: w for t, w in weights.items() if t in terms}
        name = f"{a} against {against}"
        contrasts.append(Contrast("subtype", name, a, against, weights, mine.group == a, other, needs))

    if len(names) > 2:  # with two subtypes the others are the other
        for a in names:
            total = sizes.drop(a).sum()
            if total:
                weights = {a: 1.0, **(-sizes.drop(a) / total).to_dict()}
                add(a, OTHERS, weights, mine.group != a, (a,))
    for a, b in combinations(names, 2):
        add(a, b, {a: 1.0, b: -1.0}, mine.group == b, (a, b))
    everyone = ~nobody
    contrasts.append(
        Contrast("stage", "stage, at the same subtype", "", "", {STAGE: 1.0}, everyone, nobody, ())
        if len(names) > 1
        else Contrast("stage", "stage", "", "", {STAGE: 1.0}, everyone, nobody, ())
    )
    return Model(rows, mine.group, mine.probability, designs, contrasts)


def stage_model(labels: Labels, scale: float | None = None) -> Model | None:
    """Every subtype's own stage among staged people; None with one subtype, where the stage has one slope.

    Terms: an indicator of every subtype but the largest, and the stage in every subtype.
    """
    scale = staged_scale(labels) if scale is None else scale
    mine = labels.take(labels.group.index[labels.staged])
    names, rows = mine.names, mine.group.index
    if len(names) < 2:
        return None
    reference = mine.group.value_counts().reindex(names, fill_value=0).idxmax()
    designs = [
        pd.DataFrame(
            {
                **{n: float(n == g) for n in [NORMAL, *names] if n != reference},
                **{f"stage in {n}": mine.stage / scale * float(n == g) for n in names},
            },
            index=rows,
        )
        for g in mine.probability
    ]
    nobody = pd.Series(False, index=rows)
    contrasts = [
        Contrast("stage", f"stage in {n}", n, "", {f"stage in {n}": 1.0}, mine.group == n, nobody, (n,)) for n in names
    ]
    return Model(rows, mine.group, mine.probability, designs, contrasts)


def atrophy_model(labels: Labels, scale: float | None = None) -> Model:
    """Any atrophy, at the mean stage of those who have it, against none, among everyone.

    Terms: an indicator of atrophy, and within it the stage from its mean. Without the second, whose scan speaks for atrophy
    most clearly is at a late stage, and the first would be theirs: a line through P(atrophy) has the effect of late stages
    at its end, and overstates that of atrophy wherever outcomes follow the stage.
    """
    rows = labels.group.index
    scale = staged_scale(labels) if scale is None else scale
    some = 1 - labels.probability[NORMAL]
    # the expected stage counts no atrophy as 0
    later = (labels.stage / some.clip(lower=LEAST_SOME) - labels.stage.sum() / max(some.sum(), LEAST_SOME)) / scale
    group = labels.group.where(~labels.staged, ANY)
    probability = pd.DataFrame({NORMAL: labels.probability[NORMAL], ANY: 1 - labels.probability[NORMAL]})
    designs = [pd.DataFrame({ANY: v, LATER: v * later}, index=rows) for v in (0.0, 1.0)]
    contrast = Contrast(
        "atrophy", f"{ANY} against none", ANY, NORMAL, {ANY: 1.0}, group == ANY, group == NORMAL, (ANY, NORMAL)
    )
    return Model(rows, group, probability, designs, [contrast])


def models_of(labels: Labels, scale: float | None = None) -> list[Model]:
    """The models of all three questions for these people."""
    made = [subtype_model(labels, scale), stage_model(labels, scale), atrophy_model(labels, scale)]
    return [m for m in made if m is not None]
