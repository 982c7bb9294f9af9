"""Whether probabilities and intervals hold where the truth is known: reliability, coverage, sensitivity and specificity."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from ..labels import NORMAL, SYSTEMS, normal_appearing

#: Edges of the classes of a stated probability; narrow at the ends, where a wrong certainty does most harm.
EDGES = (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0)
COLUMNS = ("labels", "quantity", "class", "n", "stated", "observed", "low", "high")

#: The last of the early stages, a band of their own: a model that mistakes them for health puts nobody there.
EARLY = 3


def stage_edges(last: int) -> list[int]:
    """Edges of the bands of stages 1 to `last`: the early ones, then three equal bands of the rest (fewer where it is short).

    Examples
    --------
    >>> stage_edges(12)
    [1, 4, 7, 10, 13]
    >>> stage_edges(4), stage_edges(2)
    ([1, 4, 5], [1, 3])
    """
    rest = np.round(np.linspace(EARLY + 1, last + 1, 4)).astype(int) if last > EARLY else [last + 1]
    return [1, *np.unique(rest).tolist()]


def row_of(labels: str, quantity: str, group: str, stated: float, hits) -> dict:
    """One row: how often it was so (`hits`, booleans), with Wilson's 95 % interval, beside what was stated."""
    n, found = len(hits), int(np.sum(hits))
    low, high = binomtest(found, n).proportion_ci(0.95, method="wilson") if n else (np.nan, np.nan)
    values = (labels, quantity, group, n, stated, found / n if n else np.nan, float(low), float(high))
    return dict(zip(COLUMNS, values, strict=True))


def reliability_rows(labels: str, quantity: str, stated: pd.Series, right: pd.Series) -> list[dict]:
    """Mean stated probability and share that came true, by class of the stated probability and over everyone.

    Parameters
    ----------
    labels, quantity : str
        What is said of each row.
    stated : Series
        Probability that was stated of every person.
    right : Series of bool
        Whether it was so; same index.
    """
    rows = []
    p = stated.clip(0, 1)
    place = np.clip(np.searchsorted(EDGES, p, side="right") - 1, 0, len(EDGES) - 2)
    for i in range(len(EDGES) - 1):
        mine = place == i
        if mine.any():
            name = f"{EDGES[i]:g} to {EDGES[i + 1]:g}"
            rows.append(row_of(labels, quantity, name, float(p[mine].mean()), right[mine]))
    if len(p):
        rows.append(row_of(labels, quantity, "all", float(p.mean()), right))
    return rows


def stages_on(events, drawn_from: dict, truth: pd.DataFrame) -> pd.Series:
    """True stages on a model's own axis: how many of the model's events a person had passed.

    Parameters
    ----------
    events : Events
        Of the model, which may have fewer events than people were drawn with, and events of other families: people were drawn
        along z-scores, so that only those are known.
    drawn_from : dict
        subtypes, and sequences: per subtype the events (biomarker, threshold) in order.
    truth : DataFrame
        subtype (a letter of `drawn_from`, or normal-appearing) and stage on the axis of `drawn_from`.
    """
    known = {
        (events.biomarkers[b], float(v))
        for b, v in zip(events.biomarker, events.thresholds_of_events, strict=True)
        if events.families[events.biomarkers[b]] == "zscore"
    }
    passed = {
        s: np.concatenate([[0], np.cumsum([(b, float(v)) in known for b, v in order])])
        for s, order in zip(drawn_from["subtypes"], drawn_from["sequences"], strict=True)
    }
    return pd.Series(
        [0 if s == NORMAL else int(passed[s][int(k)]) for s, k in zip(truth["subtype"], truth["stage"], strict=True)],
        index=truth.index,
    )


def calibration(
    people: pd.DataFrame, systems: dict, truth: pd.DataFrame, stage: pd.Series, prefix: str
) -> pd.DataFrame:
    """Stated probabilities and intervals of one labelling beside what was true.

    Parameters
    ----------
    people : DataFrame
        subtypes.tsv, indexed by participant_id.
    systems : dict of subtype number to the system it is named after
    truth : DataFrame
        subtype (a letter of `labels.SYSTEMS`, or normal-appearing); same index.
    stage : Series
        True stage on the model's axis; see `stages_on`.
    prefix : {"", "oof_"}
        In sample or out of fold.

    Returns
    -------
    DataFrame
        labels, quantity, class, n, stated, observed, low, high (Wilson's 95 % interval of the observed share). Quantities:
        P(healthy) beside the share truly normal-appearing; probability of the subtype beside the share of truly staged people
        who are of it; coverage of the stage's 95 % interval; sensitivity and specificity of normal-appearing (stated: nan); the
        share of people at stage 0, at `EARLY` stages and in three equal bands of the rest, found (stated) and true (observed).
    """
    labels = "out of fold" if prefix else "in sample"
    healthy = truth["subtype"] == NORMAL
    found_normal = normal_appearing(people, prefix)
    rows = []
    if f"{prefix}p_healthy" in people:
        rows += reliability_rows(labels, "P(healthy)", people[f"{prefix}p_healthy"], healthy)
    right = people[f"{prefix}subtype"].map(systems) == truth["subtype"].map(SYSTEMS)
    best = pd.DataFrame({c: people[f"{prefix}p_subtype{c}"] for c in systems}).max(axis=1)
    if len(systems) > 1:
        rows += reliability_rows(labels, "P(subtype), truly staged people", best[~healthy], right[~healthy])
    inside = (people[f"{prefix}stage_low"] <= stage) & (stage <= people[f"{prefix}stage_high"])
    for name, who in (
        ("everyone", healthy | ~healthy),
        ("truly staged", ~healthy),
        ("staged, right subtype", ~healthy & right),
    ):
        if who.any():
            rows.append(row_of(labels, "95 % interval of the stage holds the true one", name, 0.95, inside[who]))
    if healthy.any():
        rows.append(row_of(labels, "found normal-appearing", "truly so (sensitivity)", np.nan, found_normal[healthy]))
    if (~healthy).any():
        rows.append(row_of(labels, "found staged", "truly so (specificity)", np.nan, ~found_normal[~healthy]))
    stages = people[f"{prefix}stage"].where(~found_normal, 0)
    last = int(max(stages.max(), stage.max(), 1))
    edges = stage_edges(last)
    bands = [(0, 1), *zip(edges[:-1], edges[1:], strict=True)]
    for a, b in bands:
        name = f"{a} to {b - 1}" if b - 1 > a else f"{a}"
        share = float(((stages >= a) & (stages < b)).mean())
        rows.append(row_of(labels, "share of people by stage (stated: found)", name, share, (stage >= a) & (stage < b)))
    return pd.DataFrame(rows, columns=list(COLUMNS))
