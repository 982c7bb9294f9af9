"""What must hold of the finished tables of any study; rule `checks` of the workflow stops the report where it does not.

Every check recomputes from other columns, other tables or the files themselves what a table says, by formulas of its own.
Numbers in tables have six significant digits, and nothing here asks for more.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from .errors import InputError, NeuraxisError, NeuraxisWarning, counted, name_some
from .labels import NORMAL, group_of, shown_names
from .schema import TABLES, read, table_of

#: Standard errors of a 95 % interval.
Z95 = 1.959963985
#: People whose numbers are made again from the files.
SOME = 3
#: Relative difference that six significant digits explain.
DIGITS = 2e-5


class CheckError(NeuraxisError):
    """A finished table says something that cannot be."""


@dataclass(frozen=True)
class Problem:
    """What is wrong: rule, table, row, and how."""

    rule: str
    table: str
    row: str
    words: str

    def __str__(self) -> str:
        return f"{self.table}, {self.row}: {self.words} ({self.rule})"


@dataclass
class Study:
    """The finished tables of a study.

    Attributes
    ----------
    root : Path
        The folder results/.
    diseases : sequence of str
    control : str
    biomarkers : path, optional
        Definitions; without them no measure is made again from its files.
    cord_levels : sequence of int
    labels, cord : bool
        Whether the files of a scan begin with a segmentation (label volume, folder of results or table of one scan), and go on
        with cord mask and vertebral levels.
    volume_tables : sequence of path
        Tables that hold the volumes of many people.
    sct : path or ""
        Table of cord areas.
    sct_select, sct_repeats : str
        See `read_sct`.
    n_some : int
        People whose numbers are made again.
    """

    root: Path
    diseases: tuple = ()
    control: str = "HC"
    biomarkers: str = ""
    cord_levels: tuple = (1, 2, 3)
    labels: bool = True
    cord: bool = True
    volume_tables: tuple = ()
    sct: str = ""
    sct_select: str = ""
    sct_repeats: str = "refuse"
    n_some: int = SOME
    known: dict = field(default_factory=dict, repr=False)

    def has(self, path: str) -> bool:
        """Whether there is such a file."""
        return (Path(self.root) / path).is_file()

    def table(self, path: str) -> pd.DataFrame:
        """A table, read once; empty where a study need not have it and has not."""
        if path not in self.known:
            at = Path(self.root) / path
            declared = table_of(f"results/{path}")
            if declared is None:
                raise InputError(f"{path}: no such table among the results; name it as docs/results.md does")
            if not at.is_file():
                self.known[path] = pd.DataFrame(columns=[c.name for c in declared.columns if not c.many])
            else:
                self.known[path] = read(declared, at)
        return self.known[path]

    def some(self, people) -> list:
        """A few of the people, evenly over the list."""
        people = list(dict.fromkeys(people))
        return (
            [people[i] for i in np.unique(np.linspace(0, len(people) - 1, self.n_some).round().astype(int))]
            if people
            else []
        )


CHECKS: dict[str, Callable[[Study], Iterator[Problem]]] = {}


def check(rule: str) -> Callable[[Callable], Callable]:
    """Register a check under the rule that it holds tables to; it yields (table, row, words) of what breaks it."""

    def register(function):
        def named(study: Study) -> Iterator[Problem]:
            for table, row, words in function(study):
                yield Problem(rule, table, str(row), words)

        CHECKS[rule] = named
        return function

    return register


def near(a, b, digits: float = DIGITS, least: float = 1e-9) -> np.ndarray:
    """Whether numbers are the same to the digits that tables have; missing is like missing."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    return (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= digits * np.maximum(np.abs(a), np.abs(b)) + least)


def differing(table: str, frame: pd.DataFrame, column: str, right, digits=DIGITS, least=1e-9) -> Iterator[tuple]:
    """Rows in which a column is not what it should be."""
    right = np.asarray(right, float)
    wrong = ~near(frame[column].astype(float), right, digits, least)
    declared = table_of(f"results/{table}")
    for i in np.flatnonzero(wrong)[:5]:
        mark = np.arange(len(frame)) == i
        row = declared.rows(frame, pd.Series(mark)) if declared else f"row {i + 1}"
        yield table, row, f"{column} is {frame[column].iloc[i]:.6g}, and {right[i]:.6g} by what it is made of"


def everywhere(study: Study, path: str) -> list[str]:
    """Paths of a declared table that the study has, of every disease and variant."""
    pattern = path.replace("D/", "*/").replace("/V/", "/*/")
    found = sorted(p.relative_to(study.root).as_posix() for p in Path(study.root).glob(pattern))
    return [p for p in found if TABLES[path].pattern.fullmatch(p)]


# ---------------------------------------------------------------- single tables


@check("tables are as declared")
def _declared(study):
    for path in sorted(Path(study.root).rglob("*.tsv")):
        shown = path.relative_to(study.root).as_posix()
        table = table_of(f"results/{shown}")
        if table is None:
            continue  # of the simulated cohort, or a batch
        try:
            study.table(shown)
        except NeuraxisError as error:
            yield shown, "somewhere", str(error).replace(f"{path}: ", "")
    for table in TABLES.values():
        needed = (
            [table.path]
            if "D" not in table.path.split("/")
            else [table.path.replace("/D/", f"/{d}/") for d in study.diseases]
        )
        # without a disease there are norms and nothing after them
        beyond = not study.diseases and table.path.startswith(("sustain/", "clinical/"))
        for path in needed if table.always and not beyond else []:
            if not study.has(path):
                yield path, "all rows", "there is no such table"


@check("intervals contain their estimates")
def _contain(study):
    for declared in TABLES.values():
        for path in everywhere(study, declared.path) if declared.intervals else []:
            frame = study.table(path)
            for names in declared.intervals:
                if not set(names) <= set(frame):
                    continue
                value, low, high = (frame[n].astype(float) for n in names)
                room = DIGITS * value.abs() + 1e-6
                wrong = (low > value + room) | (high < value - room)
                if wrong.any():
                    yield path, declared.rows(frame, wrong), f"{names[0]} is outside {names[1]} to {names[2]}"


def _log_scale(frame: pd.DataFrame) -> pd.Series:
    """Whether the effect is a ratio."""
    return ~frame["effect"].isin(["standardised beta", "Cramer's V", "likelihood ratio"])


@check("intervals match their p values")
def _match(study):
    # Wald intervals; penalised models have profiles, pooled draws and errors clustered by site Student's t
    for path in [*everywhere(study, "clinical/D/associations.tsv"), *everywhere(study, "clinical/D/sensitivity.tsv")]:
        frame = study.table(path)
        frame = frame[
            frame["method"].isin(["label", "weighted"]) & frame["p"].notna() & (frame["effect"] != "Cramer's V")
        ]
        frame = frame[~frame["model"].fillna("").str.contains("Firth|jackknife")]
        ratio = _log_scale(frame).to_numpy()
        value, low, high = (
            np.where(ratio, np.log(np.where(ratio, frame[c].astype(float), 1)), frame[c].astype(float))
            for c in ("estimate", "low", "high")
        )
        error = (high - low) / 2 / Z95
        yield from _wrong(
            path, frame, np.abs((high + low) / 2 - value) > 1e-3 * error + 1e-5, "the interval is not symmetric"
        )
        p = 2 * stats.norm.sf(np.abs(value) / np.where(error > 0, error, np.nan))
        known = frame["p"].to_numpy(float)
        off = np.abs(np.log(np.maximum(p, 1e-12)) - np.log(np.maximum(known, 1e-12))) > 0.02
        # six digits of the ends say too little of very narrow intervals
        off &= (known > 1e-9) & (error > 1e-3)
        yield from _wrong(path, frame, off, "p is not that of the estimate and its 95 % interval")
    for path in everywhere(study, "clinical/D/slopes.tsv"):
        frame = study.table(path).dropna(subset=["slope"])
        free = frame["n_people"].to_numpy(float) - 1
        error = (frame["high"] - frame["low"]).to_numpy(float) / 2 / stats.t.ppf(0.975, free)
        p = 2 * stats.t.sf(np.abs(frame["slope"].to_numpy(float)) / error, free)
        yield from differing(path, frame, "p", p, 0.02, 1e-6)
    for path in everywhere(study, "clinical/D/changes.tsv"):
        frame = study.table(path)
        frame = frame[frame["n"] > 1]
        n = frame["n"].to_numpy(float)
        half = stats.t.ppf(0.975, n - 1) * frame["sd"].to_numpy(float) / np.sqrt(n)
        yield from differing(path, frame, "high", frame["change"] + half, 1e-4, 1e-5)
        yield from differing(path, frame, "low", frame["change"] - half, 1e-4, 1e-5)
    for path in everywhere(study, "clinical/D/trial.tsv"):
        frame = study.table(path)
        frame = frame[frame["rate"].notna()]
        events, years = frame["n_events"].to_numpy(float), frame["person_years"].to_numpy(float)
        yield from differing(path, frame, "rate", events / years)
        low = np.where(events > 0, stats.chi2.ppf(0.025, np.maximum(2 * events, 1)) / 2, 0)
        yield from differing(path, frame, "rate_low", low / years, 1e-4)
        yield from differing(path, frame, "rate_high", stats.chi2.ppf(0.975, 2 * events + 2) / 2 / years, 1e-4)


def _wrong(path, frame, which, words) -> Iterator[tuple]:
    which = pd.Series(np.asarray(which, bool))
    if which.any():
        declared = table_of(f"results/{path}")
        yield path, declared.rows(frame, which) if declared else "", words


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """q of p values that are tested together."""
    order = np.argsort(p)
    q = p[order] * len(p) / np.arange(1, len(p) + 1)
    out = np.empty(len(p))
    out[order] = np.minimum(np.minimum.accumulate(q[::-1])[::-1], 1)
    return out


@check("q is at least p, and Benjamini and Hochberg's")
def _q(study):
    together = {"clinical/D/associations.tsv": ["family", "kind", "method"], "clinical/D/maps.tsv": []}
    for declared, by in together.items():
        for path in everywhere(study, declared):
            frame = study.table(path)
            yield from _wrong(path, frame, frame["q"] < frame["p"] * (1 - DIGITS) - 1e-9, "q is below p")
            for _, part in frame[frame["p"].notna()].groupby(by) if by else [("", frame[frame["p"].notna()])]:
                yield from differing(path, part, "q", benjamini_hochberg(part["p"].to_numpy(float)), 1e-4)
    for path in everywhere(study, "clinical/D/nuisance.tsv"):
        frame = study.table(path).dropna(subset=["p"]).sort_values("p")
        n = len(frame)
        holm = np.minimum(np.maximum.accumulate(frame["p"].to_numpy(float) * np.arange(n, 0, -1)), 1) if n else []
        yield from differing(path, frame, "p_holm", holm, 1e-4)


@check("probabilities sum to 1, and labels follow them")
def _probabilities(study):
    for path, prefixes in [
        *((p, ("", "oof_")) for p in everywhere(study, "sustain/D/subtypes.tsv")),
        *((p, ("",)) for p in everywhere(study, "sustain/D/followup.tsv")),
    ]:
        frame = study.table(path)
        for prefix in prefixes if f"{prefixes[0]}p_healthy" in frame else ():
            staged = frame.filter(regex=f"^{prefix}p_staged_subtype[0-9]+$")
            given = frame.filter(regex=f"^{prefix}p_subtype[0-9]+$")
            healthy = frame[f"{prefix}p_healthy"]
            for total, words in (
                (staged.sum(axis=1) + healthy, "p_healthy and the staged"),
                (given.sum(axis=1), "the"),
            ):
                off = (total - 1).abs() > 1e-4
                yield from _wrong(path, frame, off, f"{prefix}{words} probabilities sum to {total.max():.4f}")
            best = given.to_numpy().argmax(axis=1) + 1
            margin = np.sort(given.to_numpy(), axis=1)[:, -2:]
            tied = margin.shape[1] == 2 and (margin[:, -1] - margin[:, 0] < 1e-5)
            # with a healthy component the subtype is the most probable one given staged
            wrong = (frame[f"{prefix}subtype"].to_numpy() != best) & ~np.asarray(tied)
            yield from _wrong(path, frame, wrong, f"{prefix}subtype is not the most probable one")
            normal = frame[f"{prefix}normal_appearing"].astype(bool)
            yield from _wrong(
                path, frame, normal != (frame[f"{prefix}stage"] == 0), f"{prefix}stage 0 is not normal-appearing"
            )
            low, stage, high = (frame[f"{prefix}{c}"] for c in ("stage_low", "stage", "stage_high"))
            yield from _wrong(path, frame, (low > stage) | (stage > high), f"{prefix}stage is outside its interval")
            sure = given.max(axis=1)
            off = (frame[f"{prefix}confident"].astype(bool) != (sure >= 0.5)) & ((sure - 0.5).abs() > 1e-5)
            yield from _wrong(path, frame, off, f"{prefix}confident does not follow the probability")
    for path in everywhere(study, "sustain/D/positional_variance.tsv"):
        frame = study.table(path)
        places = frame.filter(regex="^place[0-9]+$")
        yield from _wrong(path, frame, (places.sum(axis=1) - 1).abs() > 1e-4, "places do not sum to 1")
        mean = frame.assign(mean=places.to_numpy() @ [int(c[5:]) for c in places])
        order = path.replace("positional_variance", "event_order")
        keys = ["subtype", "biomarker", "threshold"]
        both = study.table(order).merge(mean[mean["models"] == "everyone"], on=keys, how="left")
        yield from differing(order, both, "mean_position", both["mean"], 1e-3, 1e-4)
        for c, part in both.groupby("subtype"):
            n = len(part)
            if abs(part["mean_position"].sum() - n * (n + 1) / 2) > 1e-3 * n:
                yield (
                    order,
                    f"subtype {c}",
                    f"places of {counted(n, 'event')} do not sum to {n * (n + 1) // 2}: they count from 1",
                )


@check("the selection follows from the held-out densities")
def _selection(study):
    for held in [*everywhere(study, "sustain/D/heldout.tsv"), *everywhere(study, "sustain/D/variants/V/heldout.tsv")]:
        path = held.replace("heldout", "selection")
        frame, people = study.table(path), study.table(held)
        lpd = {int(c[1:]): people[c].to_numpy(float) for c in people if c[0] == "k" and c[1:].isdigit()}
        gaussian = people["gaussian"].to_numpy(float)
        if not np.isnan(gaussian).any():
            lpd[-1] = gaussian
        if set(frame["n_subtypes"]) != set(lpd):
            yield (
                path,
                "all rows",
                f"it has models {sorted(frame['n_subtypes'])}, held-out densities have {sorted(lpd)}",
            )
            continue
        n, ks = len(people), list(frame["n_subtypes"])
        best = min((k for k in lpd if k >= 0), key=lambda k: -lpd[k].sum())
        gap = {k: -2 * (lpd[k] - lpd[best]) for k in lpd}

        def spread(v, n=n):
            return np.sqrt(n * v.var(ddof=1))

        loose = 1e-4 * n  # densities have six digits each
        yield from differing(path, frame, "heldout_loglik", [lpd[k].sum() for k in ks], 1e-4, loose)
        yield from differing(path, frame, "cvic", [-2 * lpd[k].sum() for k in ks], 1e-4, loose)
        yield from differing(path, frame, "cvic_se", [2 * spread(lpd[k]) for k in ks], 1e-3, loose)
        yield from differing(path, frame, "gap_cvic", [gap[k].sum() for k in ks], 1e-3, loose)
        yield from differing(path, frame, "gap_se", [spread(gap[k]) for k in ks], 1e-3, loose)
        steps = {k: -2 * (lpd[k] - lpd[k - 1]) if k - 1 in lpd and k > 0 else np.array([np.nan, np.nan]) for k in ks}
        yield from differing(path, frame, "delta_cvic", [steps[k].sum() for k in ks], 1e-3, loose)
        yield from differing(path, frame, "delta_se", [spread(steps[k]) for k in ks], 1e-3, loose)
        chosen = frame.loc[frame["chosen"], "n_subtypes"].tolist()
        if len(chosen) != 1:
            yield path, "column chosen", f"{counted(len(chosen), 'model is', 'models are')} chosen"
        elif "fixed in the configuration" not in str(frame.loc[frame["chosen"], "reason"].iloc[0]):
            inside = [k for k in sorted(lpd) if k >= 0 and gap[k].sum() <= max(6.0, spread(gap[k])) + 1e-3]
            outside = [k for k in inside if gap[k].sum() <= max(6.0, spread(gap[k])) - 1e-3]
            if chosen[0] not in (inside[0], outside[0]):
                yield path, f"n_subtypes {chosen[0]}", f"the rule chooses {inside[0]}"
        folds = study.table(held.replace("heldout", "heldout_folds"))
        by = people.groupby("fold")
        yield from differing(
            held.replace("heldout", "heldout_folds"), folds, "n_people", by.size().reindex(folds["fold"])
        )
        for c in [c for c in folds if c in people and c not in ("fold",)]:
            sums = by[c].sum(min_count=1).reindex(folds["fold"])
            yield from differing(held.replace("heldout", "heldout_folds"), folds, c, sums, 1e-4, loose)


# ---------------------------------------------------------------- tables and one another


@check("everybody has one fold, and folds are spread over sites")
def _folds(study):
    group = study.table("normative/zscores.tsv").set_index("participant_id")["group"]
    site = study.table("cohort/participants.tsv").set_index("participant_id")["site"]
    for d in study.diseases:
        path = f"sustain/{d}/folds.tsv"
        fold = study.table(path).set_index("participant_id")["fold"]
        for name in (path, f"sustain/{d}/subtypes.tsv", f"sustain/{d}/heldout.tsv"):
            mine, all_of = set(study.table(name)["participant_id"]), set(group.index[group == d])
            if mine != all_of:
                yield name, name_some(sorted(mine ^ all_of)), f"people are not those of {d} with z-scores"
        held = study.table(f"sustain/{d}/heldout.tsv").set_index("participant_id")["fold"]
        off = held.index[held != fold.reindex(held.index)]
        if len(off):
            yield f"sustain/{d}/heldout.tsv", name_some(off), "the fold is another than in folds.tsv"
        folds = sorted(fold.unique())
        for s, part in fold.groupby(site.reindex(fold.index)):
            counts = part.value_counts().reindex(folds, fill_value=0)
            if counts.max() - counts.min() > 1:
                yield path, f"site {s}", f"its people are not spread evenly: {counts.tolist()}"


@check("names, draws and counts are those of the people")
def _counts(study):
    for d in study.diseases:
        people = study.table(f"sustain/{d}/subtypes.tsv").set_index("participant_id")
        path = f"sustain/{d}/names.tsv"
        names = study.table(path)
        staged = people.loc[people["oof_stage"] > 0, "oof_subtype"].value_counts()
        yield from differing(path, names, "n_staged_oof", staged.reindex(names["subtype"], fill_value=0))
        path = f"sustain/{d}/label_draws.tsv"
        draws = study.table(path)
        wrong = (draws["stage"] == 0) != (draws["subtype"] == 0)
        yield from _wrong(path, draws, wrong, "stage 0 is of no subtype")
        each = draws["participant_id"].value_counts().reindex(people.index, fill_value=0)
        if each.nunique() != 1 or set(draws["participant_id"]) != set(people.index):
            yield path, name_some(each.index[each != each.max()]), "not everybody has the same number of draws"
        share = (draws["stage"] == 0).groupby(draws["participant_id"]).mean().reindex(people.index)
        p = people["oof_p_healthy"].astype(float)
        # draws of one person are binomial
        far = (share - p).abs() > 6 * np.sqrt(p.clip(0.02, 0.98) * (1 - p.clip(0.02, 0.98)) / each)
        if far.any():
            yield path, name_some(far.index[far]), "draws do not follow the out-of-fold probability"
        later = study.table(f"sustain/{d}/followup.tsv")
        strange = ~later["participant_id"].isin(people.index) | ~(later["years"] > 0)
        yield from _wrong(
            f"sustain/{d}/followup.tsv", later, strange, "the scan is of nobody in the model, or not later"
        )


@check("clinical tables are those of the people and scans")
def _clinical(study):
    z = study.table("normative/zscores.tsv").set_index("participant_id")
    for d in study.diseases:
        people = study.table(f"sustain/{d}/subtypes.tsv").set_index("participant_id")
        names = shown_names(study.table(f"sustain/{d}/names.tsv").set_index("subtype")["name"].to_dict())
        group = group_of(people, names, "oof_")
        path = f"clinical/{d}/maps.tsv"
        maps = study.table(path)
        mean = [z.loc[group.index[group == r.group], r.biomarker].mean() for r in maps.itertuples()]
        yield from differing(path, maps, "mean_z", mean, 1e-4, 1e-5)
        number = [z.loc[group.index[group == r.group], r.biomarker].notna().sum() for r in maps.itertuples()]
        yield from differing(path, maps, "n", number)
        effects = study.table(f"clinical/{d}/associations.tsv")
        known = {*names.values(), NORMAL, "any atrophy", "the other subtypes"}
        strange = [~effects[c].isin(known) & effects[c].notna() & (effects[c] != "") for c in ("subtype", "against")]
        yield from _wrong(f"clinical/{d}/associations.tsv", effects, strange[0] | strange[1], "no such subtype")
        silent = effects["estimate"].isna() & effects["reason"].fillna("").eq("")
        yield from _wrong(f"clinical/{d}/associations.tsv", effects, silent, "neither an estimate nor a reason")
        scans = study.table(f"clinical/{d}/scans.tsv")
        nxt = scans.groupby("participant_id")["group"].shift(-1)
        counts = pd.Series(list(zip(scans["group"], nxt, strict=True)))[nxt.notna().to_numpy()].value_counts()
        path = f"clinical/{d}/transitions.tsv"
        moves = study.table(path)
        right = [counts.get((r.source, r.target), 0) for r in moves.itertuples()]
        yield from differing(path, moves, "n", right)
        first = scans[scans["session_id"] == "baseline"].set_index("participant_id")
        off = first.index[first["group"] != group.reindex(first.index)]
        if len(off):
            yield f"clinical/{d}/scans.tsv", name_some(off), "the group at baseline is another than in subtypes.tsv"
        back = scans["years"] <= scans.groupby("participant_id")["years"].shift(1)
        yield from _wrong(f"clinical/{d}/scans.tsv", scans, back, "scans are not in order")
        yield from _curves(study, f"clinical/{d}/survival.tsv")
        yield from _curves(study, f"clinical/{d}/treatment_survival.tsv")


def _curves(study, path):
    frame = study.table(path)
    for _, part in frame.groupby(["outcome", "split", "group"]):
        falls = (part["survival"].diff().fillna(0) <= 1e-6) & (part["at_risk"].diff().fillna(0) <= 0)
        falls &= (part["n_events"].diff().fillna(0) >= 0) & (part["years"].diff().fillna(1) > 0)
        yield from _wrong(path, part, ~falls, "a curve of survivors rises, or its events fall")


@check("verdicts follow from their numbers")
def _verdicts(study):
    for path in everywhere(study, "clinical/D/reported.tsv"):
        frame = study.table(path)
        frame = frame[frame["verdict"].isin(["agrees", "contradicts"])]
        none = np.where(frame["effect"] == "standardised beta", 0.0, 1.0)
        sure = (frame["low"] > none) | (frame["high"] < none)
        yield from _wrong(path, frame, ~sure, "a verdict, but the interval includes no effect")
    for path in everywhere(study, "clinical/D/planted.tsv"):
        frame = study.table(path).dropna(subset=["covered"])
        inside = (frame["planted"] >= frame["weighted_low"]) & (frame["planted"] <= frame["weighted_high"])
        yield from _wrong(
            path, frame, frame["covered"].astype(bool) != inside, "covered is not whether the interval holds it"
        )
    frame = study.table("features/qc.tsv")
    measured = study.table("features/measures.tsv")["participant_id"]
    out = frame["decision"] == "excluded"
    yield from _wrong(
        "features/qc.tsv", frame, out & frame["participant_id"].isin(measured), "excluded, but in measures.tsv"
    )
    lost = (frame["decision"] == "flagged") & ~frame["participant_id"].isin(
        {*measured, *frame.loc[out, "participant_id"]}
    )
    yield from _wrong("features/qc.tsv", frame, lost, "only flagged, but not in measures.tsv")
    frame = study.table("normative/diagnostics.tsv")
    frame = frame[frame["check"].isin(["all", "site", "sex", "age band"])]
    n, mean, sd = (frame[c].to_numpy(float) for c in ("n", "mean", "sd"))
    fine = (np.abs(mean) <= 2.6 / np.sqrt(n) + 0.1) & (sd >= 0.8) & (sd <= 1.25)
    close = (
        (np.abs(np.abs(mean) - 2.6 / np.sqrt(n) - 0.1) < 1e-4) | (np.abs(sd - 0.8) < 1e-4) | (np.abs(sd - 1.25) < 1e-4)
    )
    wrong = (frame["passed"].astype(bool) != (fine | (n < 20))) & ~close
    yield from _wrong(
        "normative/diagnostics.tsv", frame, wrong, "passed is not whether mean and SD are as they should be"
    )


# ---------------------------------------------------------------- some people again, from the files


@check("some people's z come out again from their measures")
def _again_z(study):
    from .normative.norms import Norms

    norms = Norms.load(Path(study.root) / "normative/norms.json")
    people = study.table("cohort/participants.tsv").set_index("participant_id", drop=False).rename_axis(None)
    measures = study.table("features/measures.tsv").drop(columns="origin", errors="ignore")
    z = study.table("normative/zscores.tsv")
    patients = study.some(z.loc[z["group"] != study.control, "participant_id"])
    if patients:
        mine = measures[measures["participant_id"].isin(patients)]
        again = norms.apply(mine, people.loc[patients].reset_index(drop=True), quiet=True)
        part = z.set_index("participant_id", drop=False).loc[mine["participant_id"]]
        for b in norms.models:
            yield from differing("normative/zscores.tsv", part.reset_index(drop=True), b, again[b], 1e-3, 2e-3)
    later, scans = study.table("normative/followup.tsv"), study.table("features/followup.tsv")
    for i in study.some(range(len(later))):
        row = later.iloc[[i]].reset_index(drop=True)
        who, session = row.loc[0, ["participant_id", "session_id"]]
        scan = scans[(scans["participant_id"] == who) & (scans["session_id"] == session)]
        if len(scan) != 1:
            yield "normative/followup.tsv", f"{who} {session}", "there are no measures of the scan"
            continue
        then = people.loc[[who]].reset_index(drop=True)
        then["age"] = then["age"] + float(scan["years"].iloc[0])
        mine = scan.drop(columns=["origin", "session_id", "years"], errors="ignore")
        again = norms.apply(mine, then, quiet=True)
        for b in norms.models:
            yield from differing("normative/followup.tsv", row, b, again[b].to_numpy(), 1e-3, 2e-3)


@check("out-of-fold labels are from the model that has not seen the person")
def _again_oof(study):
    from .sustain import SustainModel
    from .sustain.crossval import described, fold_of

    @cache
    def load(path):
        return SustainModel.load(path)

    z = study.table("normative/values.tsv").set_index("participant_id")
    for d in study.diseases:
        at = Path(study.root) / "sustain" / d
        fold = study.table(f"sustain/{d}/folds.tsv").set_index("participant_id")["fold"]
        k = described(study.table(f"sustain/{d}/selection.tsv"))
        for f, n in fold.value_counts().items():
            model = load(at / f"k{k}/fold{f}/model.npz")
            if fold_of(model) != f:
                yield f"sustain/{d}/k{k}/fold{f}/model.npz", "the model", f"it was fitted for fold {fold_of(model)}"
            if model.settings.get("n_people") != len(fold) - n:
                words = f"it was fitted to {counted(model.settings.get('n_people'), 'person')}; {len(fold) - n} are outside its fold"
                yield f"sustain/{d}/k{k}/fold{f}/model.npz", "the model", words
        whole = load(at / "model.npz")
        people = study.table(f"sustain/{d}/subtypes.tsv").set_index("participant_id", drop=False)
        held = study.table(f"sustain/{d}/heldout.tsv").set_index("participant_id", drop=False)
        for who in study.some(fold.index):
            model = load(at / f"k{k}/fold{fold[who]}/model.npz").matched_to(whole)
            again = model.assign(z.loc[[who]])
            row = people.loc[[who]].reset_index(drop=True)
            for c in ("p_healthy", "expected_stage"):
                yield from differing(f"sustain/{d}/subtypes.tsv", row, f"oof_{c}", again[c].to_numpy(), 1e-3, 2e-3)
            density = model.log_predictive_density(z.loc[[who]])
            row = held.loc[[who]].reset_index(drop=True)
            yield from differing(f"sustain/{d}/heldout.tsv", row, f"k{k}", density, 1e-3, 2e-3)
            own = whole.assign(z.loc[[who]])
            row = people.loc[[who]].reset_index(drop=True)
            yield from differing(f"sustain/{d}/subtypes.tsv", row, "p_healthy", own["p_healthy"].to_numpy(), 1e-3, 2e-3)


@check("measures are those of the scan's own files")
def _again_measures(study):
    from .biomarkers import cord_of, read_biomarkers
    from .features.images import cord_area
    from .features.readers import read as read_volumes
    from .features.stats import biomarkers_from_labels
    from .home import workflow_home

    files = study.table("features/inputs.tsv")
    measures = study.table("features/measures.tsv").set_index("participant_id", drop=False)
    if files.empty or not study.biomarkers:
        return
    labels_file = workflow_home() / "resources/labels.tsv"
    defined = read_biomarkers(study.biomarkers)
    for who in study.some(measures.index):
        mine = [
            Path(f) for f in files.loc[(files["participant_id"] == who) & (files["session_id"] == "baseline"), "file"]
        ]
        if not mine or not all(f.exists() for f in mine):
            continue
        row = measures.loc[[who]].reset_index(drop=True)
        if study.labels:
            volumes = read_volumes(mine.pop(0), labels_file).one()
            yield from _other_measures(row, biomarkers_from_labels(pd.DataFrame([volumes]), defined))
        cord = cord_of(defined)
        if study.cord and cord in row and len(mine) >= 2 and row[cord].notna().all():
            area = cord_area(*mine[:2], study.cord_levels)[0]
            yield from differing("features/measures.tsv", row, cord, [area], 1e-4)


@check("measures are those of the tables that hold them")
def _again_tables(study):
    from .biomarkers import cord_of, read_biomarkers
    from .cohort.ids import People
    from .features.readers.sct import read_sct
    from .features.stats import biomarkers_from_labels, read_volume_tables
    from .home import workflow_home

    if not study.biomarkers or not (study.volume_tables or study.sct):
        return
    labels_file = workflow_home() / "resources/labels.tsv"
    defined, everyone = (
        read_biomarkers(study.biomarkers),
        People(study.table("cohort/participants.tsv")["participant_id"]),
    )
    measures = study.table("features/measures.tsv").set_index("participant_id", drop=False)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NeuraxisWarning)  # said when they were joined
        if study.volume_tables:
            volumes = read_volume_tables(study.volume_tables, labels_file, everyone)
            found.append(biomarkers_from_labels(volumes, defined))
        cord = cord_of(defined)
        if study.sct and cord:
            how = {"select": study.sct_select, "repeats": study.sct_repeats}
            found.append(read_sct(study.sct, study.cord_levels, people=everyone, **how).to_frame(cord))
    for table in found:
        owner = table.index.str.split("_ses-").str[0]
        for who in study.some(measures.index.intersection(owner)):
            row = measures.loc[[who]].reset_index(drop=True)
            # which of a person's sessions is the first was settled over all tables together: one of them it is
            told = [list(_other_measures(row, table.loc[[scan]])) for scan in table.index[owner == who]]
            yield from min(told, key=len)


def _other_measures(row: pd.DataFrame, again: pd.DataFrame) -> Iterator[tuple]:
    """Measures of a person that are not those read again, where both are known."""
    for b in again.columns.drop(["etiv", "surface_holes"], errors="ignore"):  # head sizes may come from elsewhere
        if b in row and row[b].notna().all() and again[b].notna().all():
            yield from differing("features/measures.tsv", row, b, again[b].to_numpy())


# ---------------------------------------------------------------- the page


def _words(frame: pd.DataFrame) -> list[tuple]:
    """Rows as texts, numbers to five digits."""

    def word(value):
        if value is None or (not isinstance(value, str) and pd.isna(value)):
            return ""
        if isinstance(value, bool | np.bool_):
            return "yes" if value else "no"
        if isinstance(value, int | float | np.number):
            return f"{float(value):.5g}"
        try:
            return f"{float(value):.5g}"  # a number among words
        except ValueError:
            return str(value)

    return [tuple(map(word, row)) for row in frame.itertuples(index=False, name=None)]


@check(PAGE := "tables of the page are the study's")
def _page(study):
    from .biomarkers import read_biomarkers
    from .report.facts import read_study
    from .report.page import labelled, worded

    # what the page's words are made from; a study that has not said its configuration has none
    told_of = {}
    if study.biomarkers and (Path(study.root) / "provenance.json").is_file():
        settings = {"control": study.control, "simulated": False, "biomarkers": study.biomarkers}
        told_of = {d.name: d for d in read_study(study.root, diseases=study.diseases, **settings).diseases}
    label = (
        read_biomarkers(study.biomarkers, study.cord_levels).set_index("biomarker")["label"]
        if study.biomarkers
        else pd.Series(dtype=object)
    )
    page = Path(study.root) / "report/index.html"
    text = page.read_text(encoding="utf-8")
    shown = {
        name: json.loads(body)
        for name, body in re.findall(r'<script type="application/json" id="t-([^"]+)">(.*?)</script>', text, re.DOTALL)
    }
    compared = set()
    for d in study.diseases:
        for stage in ("clinical", "sustain"):
            for at in sorted((Path(study.root) / stage / d).glob("*.tsv")):
                # as the page calls its tables (page.TABLES): those of the model by their name alone
                own = f"{d}/clinical/{at.stem}" if stage == "clinical" else f"{d}/{at.stem}"
                name = "".join(c if c.isalnum() else "-" for c in own)
                if name not in shown:
                    continue
                compared.add(name)
                path = f"{stage}/{d}/{at.name}"
                frame = study.table(path)
                told = pd.DataFrame(shown[name]["rows"], columns=shown[name]["columns"])
                columns = [c for c in told if c in frame]
                # the page calls biomarkers by their labels, subtypes by their names, and says short names in words
                known = {*_words(frame[columns]), *_words(labelled(frame[columns], label))}
                if d in told_of:
                    read = worded(frame, told_of[d])
                    columns = [c for c in columns if c in read]
                    known |= set(_words(read[columns]))
                strange = [i for i, row in enumerate(_words(told[columns])) if row not in known]
                for i in strange[:3]:
                    row = ", ".join(f"{c} {told[c].iloc[i]}" for c in columns[:4])
                    yield (
                        f"report/index.html, {path}",
                        f"row {i + 1} ({row})",
                        "the page shows a row that the table has not",
                    )
    of_diseases = tuple("".join(c if c.isalnum() else "-" for c in f"{d}/") for d in study.diseases)
    for name in shown:  # a table under another name would be compared with nothing
        if name.startswith(of_diseases) and name not in compared:
            yield "report/index.html", name, "the page shows a table that is none of the study's"


@check(MAILED := "the page can be mailed")
def _mailed(study):
    from .report.views import MOST_PAGE

    page = Path(study.root) / "report/index.html"
    if (size := page.stat().st_size) > MOST_PAGE:
        parts = parts_of_page(page.read_text(encoding="utf-8"))
        most = sorted(parts, key=parts.get, reverse=True)[:3]
        yield (
            "report/index.html",
            "the file",
            f"has {size / 1e6:.1f} MB, more than {MOST_PAGE / 1e6:.0f}, although it holds as little of its figures as it can; "
            f"largest in it: {', '.join(f'{part} ({parts[part] / 1e6:.1f} MB)' for part in most)}",
        )


def parts_of_page(text: str) -> dict[str, int]:
    """What a page consists of: bytes of its pictures, of every table that it holds, and of everything else.

    Parameters
    ----------
    text : str

    Returns
    -------
    dict of str to int

    Examples
    --------
    >>> parts_of_page('<img src="data:image/webp;base64,AAAA"><script type="application/json" id="t-MS-folds">[1]</script>')
    {'pictures': 27, 'table MS-folds': 3, 'text': 69}
    """
    parts = {"pictures": sum(len(m) for m in re.findall(r'"(data:[^"]*)"', text))}
    for key, rows in re.findall(r'<script type="application/json" id="t-([^"]*)">(.*?)</script>', text, re.DOTALL):
        parts[f"table {key}"] = len(rows.encode())
    return parts | {"text": len(text.encode()) - sum(parts.values())}


#: What is to be done about a page that is too large: nothing is wrong with the tables.
SMALLER = (
    "the tables and figures of the study are right and stay where they are, but its page is too large to be mailed. What can be "
    "switched off, by how much it takes: fewer clinical.outcomes (the rows of most tables), sustain.variants: [], "
    'sustain.leave_site_out: false, clinical.treatment: {column: ""}, a study of its own for each of cohort.diseases. Then run the same '
    "command again: only what these settings change is made anew"
)


#: Rules of the page, which is written after all others have been asked.
OF_PAGE = (PAGE, MAILED)


def run_checks(study: Study, rules=None) -> pd.DataFrame:
    """Hold the tables to all rules.

    Parameters
    ----------
    study : Study
    rules : sequence of str, optional
        Names of the rules; all but those of the page where not given.

    Returns
    -------
    DataFrame
        rule, problems (0).

    Raises
    ------
    CheckError
        What is wrong, each with table, row and rule.
    """
    problems, rows = [], []
    for rule in rules or [r for r in CHECKS if r not in OF_PAGE]:
        try:
            found = list(CHECKS[rule](study))
        except NeuraxisError as error:
            found = [Problem(rule, "a table", "somewhere", str(error))]
        problems += found
        rows.append({"rule": rule, "problems": len(found)})
    large = [p for p in problems if getattr(p, "rule", "") == MAILED]
    wrong = [p for p in problems if p not in large]
    told = []
    for these, words in (
        (wrong, "results that cannot be; delete the tables named and run again, or report it"),
        (large, SMALLER),
    ):
        lines = [f"- {p}" for p in these[:30]] + [f"- and {len(these) - 30} more"] * (len(these) > 30)
        told += ["\n".join([f"{words}:", *lines])] if these else []
    if told:
        raise CheckError("\n".join(told))
    return pd.DataFrame(rows)
