"""All measures of the study in one table: batches, tables of volumes, cord areas and head sizes joined by scan."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..biomarkers import ordinal_of, read_biomarkers
from ..cohort.ids import BASELINE, People, match_ids, refuse_repeats, scan_names, split_scans
from ..cohort.participants import flow_rows, listed_people, read_people_table
from ..cohort.scores import code_like
from ..errors import InputError, NeuraxisWarning, agreeing, counted, name_some
from ..schema import ORIGIN, read
from ..tables import as_numbers, bad_cells, measures_of, read_cells
from .extract import FILES, add_cord
from .headsize import read_head_sizes, resolve, to_mm3, with_head_size
from .measures import check_units, possible, quality
from .readers.sct import FILE, read_sct
from .readers.volume_tables import person_column
from .stats import biomarkers_from_labels, read_qc_scores, read_volume_tables

log = logging.getLogger(__name__)
#: Least number of measures for which two people's being equal is no chance.
SAME = 3


@dataclass
class Combined:
    """What the features of a study are.

    Attributes
    ----------
    measures : DataFrame
        participant_id, etiv (mm3), biomarkers of the baseline scan.
    followup : DataFrame
        The same of later scans, with session_id and years.
    failures : DataFrame
        participant_id, session_id, problem.
    inputs : DataFrame
        participant_id, session_id, file, sha256.
    qc : DataFrame
        participant_id, rule, biomarker, value, limits, decision.
    flow : DataFrame
        step, group, n, excluded, who.
    """

    measures: pd.DataFrame
    followup: pd.DataFrame
    failures: pd.DataFrame
    inputs: pd.DataFrame
    qc: pd.DataFrame
    flow: pd.DataFrame


def read_tidy(path, people=None) -> pd.DataFrame:
    """The user's own table of measures, one row a scan, indexed by scan.

    Raises
    ------
    InputError
        No participant's id, a scan twice, several columns of the head size.
    """
    what = f"features.table ({path})"
    table = read_people_table(path, what=what)
    table = with_head_size(table, what=what)
    names = scan_names(table["participant_id"], people, what=what, sessions=table.get("session_id"))
    refuse_repeats(table["participant_id"], names, what=what)
    table.index = pd.Index(names, name="participant_id")
    return table[names.notna().to_numpy()].drop(columns=["participant_id", "session_id"], errors="ignore")


def with_capitals(table: pd.DataFrame, names: list[str], what: str) -> pd.DataFrame:
    """The table with its columns called as the biomarkers, where they differ from one by capitals alone.

    Raises
    ------
    InputError
        Two columns that differ by capitals alone.
    """
    wanted = {n.lower(): n for n in names if n not in table}
    found: dict[str, list[str]] = {}
    for c in table.columns:
        if str(c).strip().lower() in wanted:
            found.setdefault(wanted[str(c).strip().lower()], []).append(c)
    twice = [c for columns in found.values() if len(columns) > 1 for c in columns]
    if twice:
        raise InputError(f"{what}: {name_some(twice)} differ by capitals alone; which is the biomarker?")
    return table.rename(columns={columns[0]: name for name, columns in found.items()})


def _numbers(table: pd.DataFrame, columns, what: str) -> pd.DataFrame:
    """The columns as numbers.

    Raises
    ------
    InputError
        All cells that are none, in one message.
    """
    table, problems = table.copy(), []
    for column in columns:
        if column not in table:
            continue
        table[column] = measures_of(table[column])
        if words := bad_cells(table[column], table.index):
            problems.append(f"{column}: no number: {words}")
        table[column] = as_numbers(table[column])[0]
    if problems:
        raise InputError(f"{what}:\n- " + "\n- ".join(problems))
    return table


def count_ids(tables: dict[str, tuple[str, str]], listed) -> pd.DataFrame:
    """Match the ids of every table with the people before anything is measured.

    Parameters
    ----------
    tables : dict of str to (str, str)
        Path to the key of the configuration and the kind: "people", "volumes" or "sct".
    listed : sequence of str
        Everyone in participants.tsv.

    Returns
    -------
    DataFrame
        table (key), file, ids, matched, people (with at least one row), unmatched (names).

    Raises
    ------
    InputError
        Every table of which no id is a participant's, in one message.
    """
    everyone = People(listed)
    rows, problems = [], []
    for path, (key, kind) in tables.items():
        try:
            ids = _ids_of(path, kind)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NeuraxisWarning)  # the reader says it when it joins
                found = match_ids(ids, everyone, what=f"{key} ({path})", paths=kind == "sct")
        except InputError as error:
            problems.append(str(error))
            continue
        found = found.drop_duplicates("id")
        nobody = found.loc[found["participant_id"].isna(), "id"]
        rows.append(
            {
                "table": key,
                "file": str(path),
                "ids": len(found),
                "matched": len(found) - len(nobody),
                "people": found["participant_id"].nunique(),
                "unmatched": ", ".join(nobody),
            }
        )
    if problems:
        raise InputError("tables whose ids do not fit:\n- " + "\n- ".join(problems))
    return pd.DataFrame(rows, columns=["table", "file", "ids", "matched", "people", "unmatched"])


def _ids_of(path, kind: str) -> list[str]:
    """Ids of a table, as it has them."""
    cells = read_cells(path)
    if kind == "sct":
        if FILE not in cells.header:
            raise InputError(f"{path}: column {FILE} is missing; expected the CSV of sct_process_segmentation")
        return cells.column(FILE)
    return cells.column(person_column(cells))


def _gather_tables(source, paths, label_names, defined, people) -> tuple[pd.DataFrame, str]:
    """Measures of the source "table" or "volume_tables", indexed by scan, and the key of the configuration."""
    if source == "table":
        path = paths[0]
        table = with_capitals(read_tidy(path, people), list(defined["biomarker"]), f"features.table ({path})")
        table = _numbers(table, ["etiv", *defined["biomarker"]], f"features.table ({path})")
        return table.assign(etiv=to_mm3(table["etiv"], what=f"features.table ({path})")), "features.table"
    if not paths:
        return pd.DataFrame(index=pd.Index([], name="participant_id"), columns=["etiv"], dtype=float), ""
    volumes = read_volume_tables(paths, label_names, people)
    return biomarkers_from_labels(volumes, defined, label_names), "features.volume_tables"


def side_tables(
    people: People, *, sct="", etiv="", qc_scores="", cord_levels=(1, 2, 3), sct_select="", sct_repeats="refuse"
) -> dict[str, pd.DataFrame | pd.Series]:
    """What a study may give beside any source: cord areas, head sizes (mm3) and QC scores, by the key of the configuration.

    Parameters
    ----------
    people : People
        Whom the tables' ids are matched with.
    sct, etiv, qc_scores, cord_levels, sct_select, sct_repeats
        Keys of the section features of the configuration; those of tables may be empty.

    Returns
    -------
    dict of str to DataFrame or Series
        Indexed by scan, as the tables have them.

    Raises
    ------
    InputError
        See `read_sct`, `read_head_sizes` and `read_qc_scores`.
    """
    parts: dict[str, pd.DataFrame | pd.Series] = {}
    if sct:
        parts["features.sct"] = read_sct(sct, cord_levels, people=people, select=sct_select, repeats=sct_repeats)
    if etiv:
        parts["features.etiv"] = read_head_sizes(etiv, people)
    if qc_scores:
        parts["features.qc_scores"] = read_qc_scores(qc_scores, people)
    return parts


def by_scans(parts: dict, baseline_session: str, follow) -> None:
    """Index tables of scans by (participant_id, session_id), in place; the first session is settled over all of them.

    Parameters
    ----------
    parts : dict of str to DataFrame or Series
        Indexed by scan, by the key of the configuration.
    baseline_session : str
    follow : iterable of (participant_id, session_id)
        Listed follow-up scans.

    Raises
    ------
    InputError
        Two scans that are somebody's baseline.
    """
    keys = split_scans({k: p.index for k, p in parts.items()}, baseline=baseline_session, follow=follow)
    for name, part in parts.items():
        scans = pd.MultiIndex.from_frame(keys[name])
        if scans.duplicated().any():
            both = [
                f"{p} ({', '.join(part.index[scans.get_level_values(0) == p])})"
                for p in scans[scans.duplicated()].get_level_values(0)
            ]
            raise InputError(f"{name}: two scans are the baseline of {name_some(both)}; see cohort.baseline_session")
        part.index = scans


def gather(
    source,
    measures,
    failures,
    defined,
    label_names,
    *,
    people,
    follow=(),
    baseline_session="ses-01",
    etiv="",
    sct="",
    qc_scores="",
    cord_levels=(1, 2, 3),
    sct_select="",
    sct_repeats="refuse",
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame | None]:
    """All scans in one table (participant_id, session_id, etiv, biomarkers), the scans that failed, and the QC scores.

    Which session of a person is the first is settled over all tables together.
    """
    everyone = People(people)
    parts: dict[str, pd.DataFrame | pd.Series] = {}
    failed = pd.DataFrame(columns=["participant_id", "session_id", "problem"])
    table = None
    if source == "images":
        table = _batches(measures)
        if failures:
            failed = pd.concat([_of_batch("failures", f) for f in failures], ignore_index=True)
    else:
        wide, key = _gather_tables(source, measures, label_names, defined, everyone)
        if key:
            parts[key] = wide
    parts |= side_tables(
        everyone,
        sct=sct,
        etiv="" if source == "images" else etiv,  # images were measured with their head sizes
        qc_scores=qc_scores,
        cord_levels=cord_levels,
        sct_select=sct_select,
        sct_repeats=sct_repeats,
    )
    by_scans(parts, baseline_session, follow)
    if table is None:
        wide = next((parts[k] for k in ("features.table", "features.volume_tables") if k in parts), None)
        if wide is None:
            wide = pd.DataFrame({"etiv": np.nan}, index=parts["features.sct"].index)
        table = wide.reset_index()
    scans = pd.MultiIndex.from_frame(table[["participant_id", "session_id"]])
    if "features.etiv" in parts:
        own = pd.Series(table["etiv"].to_numpy(dtype=float), index=scans)
        table["etiv"] = resolve(own, parts["features.etiv"]).to_numpy()
        refuse_unused(parts["features.etiv"], scans, "features.etiv")
    if "features.sct" in parts:
        area = parts["features.sct"]
        stems = area.index.map(lambda k: k[0] if k[1] == BASELINE else f"{k[0]}_{k[1]}")
        table = add_cord(
            table,
            defined,
            pd.Series(area.to_numpy(), index=stems),
            otherwise="features.sct is given, but features.biomarkers defines no biomarker of kind cord",
        )
        refuse_unused(area, scans, "features.sct")
    scores = None
    if "features.qc_scores" in parts:
        scores = parts["features.qc_scores"]
        refuse_unused(scores.iloc[:, 0], scans, "features.qc_scores")
        scores = scores[scores.index.get_level_values(1) == BASELINE].droplevel(1)
    if table.empty and len(failed):
        raise InputError(f"nobody could be measured; first problem: {failed['problem'].iloc[0]}")
    return table, failed, scores


def refuse_unused(values: pd.Series, scans: pd.MultiIndex, key: str) -> None:
    """Refuse a configured table that gives no scan a value.

    Parameters
    ----------
    values : Series
        Of one table, by (participant_id, session_id).
    scans : MultiIndex
        What is measured.
    key : str
        Of the configuration.

    Raises
    ------
    InputError
        With two scans of each side.
    """
    if not values.reindex(scans).notna().any():
        has = [f"{p} ({s})" for p, s in values.index[:2]]
        wants = [f"{p} ({s})" for p, s in scans[:2]]
        raise InputError(
            f"{key}: none of its scans is one of the measured: it has {name_some(has)}, measured are {name_some(wants)}; "
            "see cohort.baseline_session and cohort.sessions"
        )


def _of_batch(what: str, path) -> pd.DataFrame:
    """A table of a batch, as declared; the study's tables are marked anew."""
    return read(f"features/batches/B_{what}.tsv", path).drop(columns=ORIGIN, errors="ignore")


def _batches(paths) -> pd.DataFrame:
    """All batches of scans.

    Raises
    ------
    InputError
        A scan measured twice.
    """
    parts = [m if isinstance(m, pd.DataFrame) else _of_batch("measures", m) for m in paths]
    table = pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)
    twice = table.duplicated(["participant_id", "session_id"])
    if twice.any():
        raise InputError(f"measured twice: {name_some(table.loc[twice, 'participant_id'])}")
    return table


def _with_columns(table: pd.DataFrame, people: pd.DataFrame, defined: pd.DataFrame) -> pd.DataFrame:
    """With the biomarkers of kind column: the participants' values at the first scan, none at later ones.

    Raises
    ------
    InputError
        Columns that the participants do not have, cells that are no numbers.
    """
    wanted = {b.biomarker: b.labels[0] for b in defined[defined["kind"] == "column"].itertuples()}
    absent = [f"{c} (of {b})" for b, c in wanted.items() if c not in people]
    if absent:
        raise InputError(
            f"features.biomarkers: participants (and cohort.phenotype) have no column {name_some(absent)}; "
            f"they have {name_some(people.columns, 20)}"
        )
    if not wanted:
        return table
    own = _numbers(
        people.set_index("participant_id"), list(dict.fromkeys(wanted.values())), "columns that are biomarkers"
    )
    at_first = table["session_id"] == BASELINE
    values = {b: own[c].reindex(table["participant_id"]).to_numpy(float) for b, c in wanted.items()}
    return table.assign(**{b: np.where(at_first, v, np.nan) for b, v in values.items()})


def _names(table: pd.DataFrame, defined: pd.DataFrame, use) -> list[str]:
    """Biomarkers to be used; with "all", those that this kind of input never has are left aside and said."""
    there = [b for b in defined["biomarker"] if b in table and table[b].notna().any()]
    names = there if use == "all" else list(use)
    unmeasured = sorted(set(defined["biomarker"]) - set(names))
    if use == "all" and unmeasured:
        log.warning("nobody has a value of %s; left aside", name_some(unmeasured, 20))
    absent = [b for b in names if b not in table or b not in set(defined["biomarker"])]
    if absent:
        raise InputError(f"features.use names biomarkers that are not measured or not defined: {name_some(absent)}")
    empty = [b for b in names if table[b].isna().all()]
    if empty:
        raise InputError(f"nobody has a value of {name_some(empty)}; leave them out by features.use")
    if not names:
        raise InputError("nobody has a value of any biomarker")
    return names


def same_files(inputs: pd.DataFrame) -> pd.DataFrame:
    """Files of equal content that belong to different people: sha256, who.

    Warns
    -----
    NeuraxisWarning
        By name.
    """
    people = inputs.groupby("sha256")["participant_id"].unique()
    shared = people[people.map(len) > 1].map(sorted)
    out = pd.DataFrame({"sha256": shared.index, "who": [", ".join(w) for w in shared]})
    if len(out):
        warnings.warn(
            f"one image under two ids: {name_some(dict.fromkeys(w.replace(', ', ' and ') for w in out['who']))}; "
            "whose is it?",
            NeuraxisWarning,
            stacklevel=2,
        )
    return out


def same_values(table: pd.DataFrame, names) -> None:
    """Warn of people whose measures are all equal: one row under two ids."""
    full = table[table[list(names)].notna().sum(axis=1) >= SAME]
    twins = full[full.duplicated(list(names), keep=False)]
    twice = [sorted(set(g["participant_id"])) for _, g in twins.groupby(list(names), dropna=False)]
    pairs = [" and ".join(p) for p in twice if len(p) > 1]
    if pairs:
        warnings.warn(f"one scan under two ids: {name_some(pairs)} have equal measures", NeuraxisWarning, stacklevel=2)


def _odd_values(table: pd.DataFrame, defined: pd.DataFrame) -> None:
    """Warn of measures that look like codes for missing, and of biomarkers most of whose values no human has."""
    for b in defined.itertuples():
        values = table[b.biomarker].astype(float)
        coded = code_like(values)
        if coded.any():
            who = table.loc[coded, "participant_id"] + " (" + values[coded].map("{:g}".format) + ")"
            warnings.warn(
                f"{b.biomarker}: {name_some(who)} look like codes for missing and are used as measures; write n/a if they are",
                NeuraxisWarning,
                stacklevel=3,
            )
        there = values.dropna()
        outside = (there < b.plausible_low) | (there > b.plausible_high)
        if len(there) and outside.mean() > 0.5:
            warnings.warn(
                f"{b.biomarker}: {int(outside.sum())} of {counted(len(there), 'value')} {agreeing(outside.sum(), 'lies', 'lie')} outside {b.plausible_low:g}-"
                f"{b.plausible_high:g} {b.unit} (median {there.median():.4g}); is it of another unit, or of another "
                "structure?",
                NeuraxisWarning,
                stacklevel=3,
            )


def combine(
    people: pd.DataFrame,
    sessions: pd.DataFrame,
    defined: pd.DataFrame,
    *,
    source: str,
    measures,
    failures=(),
    inputs=(),
    label_names,
    listed=None,
    sct="",
    etiv="",
    qc_scores="",
    baseline_session="ses-01",
    cord_levels=(1, 2, 3),
    sct_select="",
    sct_repeats="refuse",
    use="all",
    exclude_rules=(),
    outlier_limit=5.0,
    qc_score_min=0.65,
    simulated=False,
) -> Combined:
    """One table of measures, checked for units and quality.

    Parameters
    ----------
    people, sessions : DataFrame
        results/cohort/participants.tsv and sessions.tsv.
    defined : DataFrame
        See `biomarkers.read_biomarkers`.
    source : {"images", "table", "volume_tables"}
    measures, failures, inputs : sequence of path
        Of the batches (measures may be tables that were just made); or the tables of the source.
    listed : sequence of str, optional
        Everyone in the user's participants.tsv.

    The others are keys of the section features of the configuration.

    Raises
    ------
    InputError
        Tables that nobody's id fits, tables that give nobody a value, scans twice, units mixed up, nobody measured.
    """
    everyone = list(people["participant_id"]) if listed is None else list(listed)
    table, failed, scores = gather(
        source,
        measures,
        failures,
        defined,
        label_names,
        people=everyone,
        follow=list(sessions[["participant_id", "session_id"]].itertuples(index=False, name=None)),
        baseline_session=baseline_session,
        etiv=etiv,
        sct=sct,
        qc_scores=qc_scores,
        cord_levels=cord_levels,
        sct_select=sct_select,
        sct_repeats=sct_repeats,
    )
    mine = table["participant_id"].isin(people["participant_id"])
    _somebody(table[mine], table, people, baseline_session)
    table = table[mine].reset_index(drop=True)
    table = _with_columns(table, people, defined if use == "all" else defined[defined["biomarker"].isin(list(use))])
    table, impossible = possible(table, defined)
    names = _names(table, defined, use)
    defined = defined[defined["biomarker"].isin(names)]
    sized = defined[~defined["biomarker"].isin(ordinal_of(defined))]  # a score has no unit, and no outliers
    check_units(table, sized)
    first = table[table["session_id"] == BASELINE].drop(columns="session_id").reset_index(drop=True)
    if not simulated:
        same_values(first, names)
        _odd_values(first, sized)
    qc = quality(first, people, sized, limit=outlier_limit, scores=scores, score_min=qc_score_min)
    at_first = impossible["participant_id"].isin(first["participant_id"])
    qc = pd.concat([t for t in (impossible[at_first], qc) if len(t)] or [qc], ignore_index=True)
    qc.loc[(qc["biomarker"] == "etiv") & (qc["rule"] == "implausible"), "rule"] = "implausible eTIV"
    broken = qc[qc["rule"].isin(list(exclude_rules))]
    kept = first[~first["participant_id"].isin(set(broken["participant_id"]))]
    if kept.empty:
        rules = broken.groupby("rule")["participant_id"].nunique().sort_values(ascending=False)
        one = broken[broken["rule"] == rules.index[0]].iloc[0]
        told = [f"{r} ({counted(n, 'person')})" for r, n in rules.items()]
        raise InputError(
            f"the quality rules leave nobody: {', '.join(told)}; "
            f"{one['biomarker']} of {one['participant_id']} is {one['value']} (expected {one['limits'] or 'a value'}); see "
            "features.exclude_rules"
        )
    who = people.set_index("participant_id", drop=False)
    measured = who.index.isin(first["participant_id"])
    good = who.index.isin(kept["participant_id"])
    flow = pd.concat(
        [
            flow_rows(who[measured], "measured", who[~measured]),
            flow_rows(who[good], "quality rules", who[measured & ~good]),
        ],
        ignore_index=True,
    )
    later = table[(table["session_id"] != BASELINE) & table["participant_id"].isin(kept["participant_id"])]
    later = later.merge(
        sessions[["participant_id", "session_id", "years"]], on=["participant_id", "session_id"], how="left"
    )
    unknown = later["years"].isna()
    if unknown.any():
        log.warning(
            "follow-up scans that cohort.sessions does not list are left aside: %s",
            name_some(later.loc[unknown, "participant_id"] + " " + later.loc[unknown, "session_id"]),
        )
    later = later.loc[~unknown, ["participant_id", "session_id", "years", "etiv", *names]]
    kept = kept[["participant_id", "etiv", *names]]
    files = pd.concat(
        [_of_batch("inputs", i) for i in inputs] or [pd.DataFrame(columns=list(FILES))], ignore_index=True
    )
    # scans tried once more come last: what they were measured from in the end
    files = files.drop_duplicates(["participant_id", "session_id", "file"], keep="last")
    if len(files) and not simulated:
        same_files(files)
    decision = qc["rule"].isin(list(exclude_rules)).map({True: "excluded", False: "flagged"})
    return Combined(kept, later, failed, files, qc.assign(decision=decision), flow)


def _somebody(mine: pd.DataFrame, table: pd.DataFrame, people: pd.DataFrame, baseline_session: str) -> None:
    """Stop here where no participant has a baseline scan, and say what there is instead.

    Raises
    ------
    InputError
    """
    if (mine["session_id"] == BASELINE).any():
        return
    has = [f"{p} ({s})" for p, s in table[["participant_id", "session_id"]].head(2).itertuples(index=False)]
    raise InputError(
        f"no participant is measured at baseline: measured are {name_some(has) or 'none'}, participants are "
        f"{name_some(people['participant_id'], 2)}; the first session is {baseline_session} (cohort.baseline_session)"
    )


def read_and_combine(participants, sessions, biomarkers, *, listed="", **settings) -> Combined:
    """`combine` from the paths of its tables."""
    return combine(
        read("cohort/participants.tsv", participants),
        read("cohort/sessions.tsv", sessions),
        read_biomarkers(biomarkers),
        listed=listed_people(listed) if listed and Path(listed).exists() else None,
        **settings,
    )
