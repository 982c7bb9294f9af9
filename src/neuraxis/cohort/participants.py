"""The participants table: read, validated in one go, excluded by stated rules."""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from jsonschema import Draft202012Validator

from ..errors import InputError, NeuraxisWarning, agreeing, counted, name_some
from ..storage import closed, user
from ..tables import ABSENT, Cells, as_numbers, bad_cells, meant_as_numbers, read_cells, read_table
from .ids import (
    BASELINE,
    People,
    id_column,
    match_ids,
    refuse_odd_sessions,
    refuse_repeats,
    scan_names,
    session_column,
    session_label,
    split_scans,
)
from .scores import CODES, code_like, impossible, known_score
from .templates import Locator

log = logging.getLogger(__name__)
#: Everyone's site where no column says where people were scanned.
ONE_SITE = "one site"
#: Columns that may say where people were scanned, under another name than site.
SITE_LIKE = re.compile(r"(site|cent(er|re)|scanner|hospital)([\s_-]*(id|name|code|no|nr|number))?", re.I)
#: Ages that people have: what the schema allows at the first scan, and 0 for what was before it.
OLDEST = 110
SEXES = {"m": "M", "male": "M", "f": "F", "female": "F"}


def _schema_problems(table: pd.DataFrame, schema: dict) -> list[str]:
    """Rows that break the schema, gathered by column and rule and named together."""
    checker = Draft202012Validator(schema)
    broken: dict[tuple, list] = {}
    table = table[[c for c in table if c in schema["properties"]]]  # of others the schema says nothing
    records = table.astype(object).where(table.notna(), None).to_dict(orient="records")
    for i, record in enumerate(records):
        row = {str(k): v for k, v in record.items() if v is not None}
        for error in checker.iter_errors(row):
            column = str(error.path[0]) if error.path else ""
            words = schema["properties"].get(column, {}).get("description") or error.message
            who = f"{row.get('participant_id', f'row {i + 2}')}"
            broken.setdefault((column, words), []).append(f"{who} ({row.get(column)})" if column else who)
    return [f"{c}: {words}: {name_some(who)}" for (c, words), who in broken.items()]


def _id_heading(cells: Cells, what: str) -> str:
    """Heading of the column that names the person."""
    first = read_table(cells.path, cells=cells.only(cells.header[0])).iloc[:, 0].tolist()
    column = id_column(cells.header, first=first)
    if column is None:
        raise InputError(
            f"{what} ({cells.path}): column participant_id is missing (subject, patient_id and the like will do); "
            f"it has {name_some(cells.header, 20)}"
        )
    return column


def read_people_table(
    path, *, needed=(), optional=(), what: str, cells: Cells | None = None, sessions: bool = True
) -> pd.DataFrame:
    """A table with one or more rows of people, its id column called participant_id, that of the session session_id.

    Parameters
    ----------
    path : path
    needed, optional : sequence of str
        Columns that must be there, and that are known by other capitals too.
    what : str
        Key of the configuration, for messages.
    cells : Cells, optional
        What `tables.read_cells` made of the file.
    sessions : bool
        Whether a column may name the session of a row.

    Raises
    ------
    InputError
        See `tables.read_table`; no column names the person.
    """
    cells = cells or read_cells(path)
    column = _id_heading(cells, what)
    text = {column, "participant_id", "session_id", "group", "site", "sex"}
    names = {column: "participant_id"}
    session = session_column(cells.header) if sessions else None
    if session is not None and session != column:
        text.add(session)
        names[session] = "session_id"
    alike = {c for c in optional if sum(h.lower() == c for h in cells.header) == 1}
    needed = [c for c in needed if c not in ("participant_id", "session_id")] + sorted(alike)
    return read_table(path, text=tuple(text), needed=needed, cells=cells).rename(columns=names)


def _join_phenotype(
    table: pd.DataFrame, path, people: People, where, *, baseline: str = "ses-01", follow: Iterable = ()
) -> tuple[pd.DataFrame, list[str]]:
    """Add the columns of one phenotype table, matched by id, of everyone's first session; what is wrong with it."""
    what = f"cohort.phenotype ({path})"
    more = read_people_table(path, what=what)
    try:
        names = scan_names(more["participant_id"], people, what=what, sessions=more.get("session_id"))
    except InputError as error:
        return table, [str(error)]
    mine = names.notna().to_numpy()
    more, given = more[mine].reset_index(drop=True), more.loc[mine, "participant_id"].tolist()
    names = names[mine].reset_index(drop=True)
    if len(more) and not names.isin(people.ids).all():  # some rows name a session
        try:
            refuse_repeats(given, names, what=what)
        except InputError as error:
            return table, [str(error)]
        found = split_scans({what: names}, baseline=baseline, follow=follow)[what]
        more["participant_id"] = found["participant_id"]
        more = more[(found["session_id"] == BASELINE).to_numpy()]
    else:
        more["participant_id"] = names.to_numpy()
    twice = more["participant_id"].duplicated()
    if twice.any():
        return table, [
            f"{path}: listed more than once: {name_some(more.loc[twice, 'participant_id'].unique())}; "
            "give repeated visits in cohort.visits"
        ]
    more = more.drop(columns=["origin", "session_id"], errors="ignore")
    clash = [c for c in more.columns if c in table.columns and c != "participant_id"]
    if clash:
        return table, [f"{path}: column {', '.join(clash)} is already in {where}"]
    if more.drop(columns="participant_id").isna().all(axis=None):
        return table, [f"{what}: no participant has a value in it"]
    return table.merge(more, on="participant_id", how="left"), []


def _unsuspicious(values: pd.Series) -> bool:
    """Whether a column holds numbers alone, none of them infinite or a code for missing: one look, for wide tables.

    A code among the others' values is a number like them; see `scores.code_like`.
    """
    if not pd.api.types.is_numeric_dtype(values):
        return False
    numbers = values.to_numpy(float)
    if np.isinf(numbers).any():
        return False
    codes = np.isin(numbers, CODES)
    if not codes.any():
        return True
    others = numbers[~codes & ~np.isnan(numbers)]
    return bool(others.size and others.min() <= numbers[codes].min() and numbers[codes].max() <= others.max())


def _number_problems(table: pd.DataFrame) -> list[str]:
    """Impossible scores and numbers of the clinical columns; warnings for what only looks wrong."""
    problems = []
    ids = table["participant_id"]
    for column in table.columns.drop(["participant_id", "group", "site", "sex"], errors="ignore"):
        values = table[column]
        if values.dtype == bool or (_unsuspicious(values) and not known_score(column)):
            continue
        if not known_score(column) and not meant_as_numbers(values):
            continue
        if words := bad_cells(values, ids):
            warnings.warn(
                f"column {column}: most cells are numbers, not those of {words}", NeuraxisWarning, stacklevel=3
            )
        numbers, _ = as_numbers(values)
        endless = np.isinf(numbers)
        if endless.any():
            problems.append(f"{column}: infinite: {name_some(ids[endless])}")
        bad, words = impossible(column, numbers.where(~endless))
        if bad.any():
            who = ids[bad] + " (" + values[bad].astype(str) + ")"
            problems.append(f"{column}: must be {words}: {name_some(who)}; leave missing values empty or n/a")
        coded = code_like(numbers) & ~bad
        if coded.any():
            who = ids[coded] + " (" + numbers[coded].map("{:g}".format) + ")"
            warnings.warn(
                f"column {column}: {name_some(who)} look like codes for missing and are used as numbers; "
                "write n/a if they are codes",
                NeuraxisWarning,
                stacklevel=3,
            )
    return problems


def _site_problems(table: pd.DataFrame, path) -> None:
    """Warn of sites that are probably one, of codes among them, and of a column that may be the sites' by another name."""
    if "site" not in table:
        if like := [c for c in table.columns if SITE_LIKE.fullmatch(str(c).strip())]:
            warnings.warn(
                f"{path}: no column site, so that everyone counts as scanned at one site; if {name_some(like)} says where, "
                "call it site",
                NeuraxisWarning,
                stacklevel=3,
            )
        return
    sites = [str(s) for s in table["site"].dropna().unique()]
    spelt: dict[str, list[str]] = {}
    for s in sites:
        plain = re.sub(r"[\W_]+", "", re.sub(r"\.0+$", "", s.casefold()))
        spelt.setdefault(re.sub(r"(?<!\d)0+(?=\d)", "", plain), []).append(s)
    alike = [" and ".join(sorted(names)) for names in spelt.values() if len(names) > 1]
    if alike:
        warnings.warn(
            f"{path}: sites that may be one are taken as several: {name_some(alike)}; write them alike if they are one",
            NeuraxisWarning,
            stacklevel=3,
        )
    numbers = [s for s in sites if re.fullmatch(r"-?\d+(?:\.0+)?", s)]
    coded = [s for s in numbers if float(s) in CODES and (float(s) < 0 or float(s) > 2 * len(sites))]
    coded += [s for s in sites if s.casefold() in ("unknown", "missing", "?", ".", "-")]
    if coded:
        who = [f"{p} ({s})" for p, s in zip(table["participant_id"], table["site"], strict=True) if s in coded]
        warnings.warn(
            f"{path}: sites that look like codes for missing are taken as sites: {name_some(who)}; write n/a if they are",
            NeuraxisWarning,
            stacklevel=3,
        )


def _named_na(cells: Cells, table: pd.DataFrame, sites) -> pd.Series:
    """Sites whose name looks like a missing mark, such as NA for Naples: a site where cohort.sites says so."""
    if "site" not in table:
        return pd.Series(ONE_SITE, index=table.index)
    heading = "site" if "site" in cells.header else next(h for h in cells.header if h.lower() == "site")
    raw = pd.Series(cells.column(heading), index=table.index)
    marks = raw.isin(ABSENT - {"", "n/a", "N/A"})
    meant = marks & raw.isin([str(s) for s in sites])
    unsure = sorted(set(raw[marks & ~meant]))
    if unsure:
        n = int((marks & ~meant).sum())
        warnings.warn(
            f"{cells.path}: site {', '.join(unsure)} of {counted(n, 'person')} is read as missing; if it is the name of a site, write "
            f"cohort.sites: [{', '.join(map('{!r}'.format, unsure))}]",
            NeuraxisWarning,
            stacklevel=3,
        )
    return table["site"].where(~meant, "site " + raw)


def _group_called_na(cells: Cells, group: pd.Series, names, merged) -> pd.Series:
    """Groups whose name looks like a missing mark, such as NA, where the configuration names them."""
    meant = {str(n) for n in names} | {str(old) for olds in (merged or {}).values() for old in olds}
    if not meant & ABSENT:
        return group
    heading = "group" if "group" in cells.header else next(h for h in cells.header if h.lower() == "group")
    raw = pd.Series(cells.column(heading), index=group.index)
    return group.where(~raw.isin(meant & ABSENT), raw)


def name_groups(groups: pd.Series, merged: dict) -> pd.Series:
    """Groups under the names that cohort.groups gives them; others keep theirs."""
    names = {str(old): str(new) for new, olds in (merged or {}).items() for old in olds}
    return groups.map(lambda g: names.get(g, g), na_action="ignore")


def read_participants(
    path,
    schema,
    *,
    control: str,
    diseases,
    phenotype=(),
    groups=None,
    leave_out: bool | None = None,
    sites=(),
    baseline_session: str = "ses-01",
    follow: Iterable = (),
    cells: Cells | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read participants.tsv, join the phenotype tables, and check it whole.

    Parameters
    ----------
    path : path
    schema : dict
        JSON schema of one row; `description` of a property is what the message says.
    control : str
        Group of the healthy controls.
    diseases : sequence of str
        Groups to be modelled.
    phenotype : sequence of path
        Tables joined by the person's id (BIDS phenotype/*.tsv).
    groups : dict of str to list of str, optional
        Name of a group to the groups of the table that are it, ``{"MS": ["RRMS", "SPMS"]}``.
    leave_out : bool, optional
        Leave people of other groups out, by name, instead of refusing the table; by default where `groups` is given.
    sites : sequence of str
        Sites whose name would be read as missing, such as "NA".
    baseline_session : str
        Label of everyone's first session, for phenotype tables with sessions.
    follow : iterable of (participant_id, session_id)
        Listed follow-up scans: their rows of phenotype tables are left aside.
    cells : Cells, optional
        What `tables.read_cells` made of the file, where that was needed before.

    Returns
    -------
    participants : DataFrame
        People with group, site, age and sex, sex as M or F.
    flow : DataFrame
        step, group, n, excluded, who; who was left out and why.

    Raises
    ------
    InputError
        One message that lists every problem with the table.

    Warns
    -----
    NeuraxisWarning
        Values that look like codes, text among numbers, ids of phenotype tables that nobody has.
    """
    cells = cells or read_cells(path)
    table = read_people_table(
        path,
        needed=("group", "age", "sex"),
        optional=("site",),
        what="cohort.participants",
        cells=cells,
        sessions=False,
    )
    _site_problems(table, cells.path)
    table["site"] = _named_na(cells, table, sites)
    leave_out = bool(groups) if leave_out is None else leave_out
    problems = []
    people = People(table["participant_id"].dropna())
    for other in phenotype:
        table, wrong = _join_phenotype(table, other, people, path, baseline=baseline_session, follow=follow)
        problems += wrong
    table["group"] = name_groups(_group_called_na(cells, table["group"], [control, *diseases], groups), groups)
    ids = table["participant_id"]
    strange = ~table["group"].isin([control, *diseases])
    for bad, words in (
        (ids.isna(), "rows without participant_id"),
        (ids.duplicated(keep=False) & ids.notna(), "participant_id listed more than once"),
        (
            strange & (not leave_out),
            f"group not among {', '.join([control, *diseases])} (cohort.groups merges groups and leaves out others)",
        ),
    ):
        if bad.any():
            who = ids[bad].fillna("?") + " (" + table["group"][bad].fillna("?") + ")"
            problems.append(f"{words}: {name_some(who.unique())}")
    age, unreadable = as_numbers(table["age"])
    if unreadable.any():
        problems.append(f"age: not a number: {name_some(ids[unreadable] + ' (' + table['age'][unreadable] + ')')}")
    table["age"] = age
    spelt = table["sex"].str.strip().str.lower()
    table["sex"] = spelt.map(SEXES).fillna(table["sex"])
    mine = ~strange | (not leave_out)
    problems += _schema_problems(table[mine], schema)
    problems += _number_problems(table[mine])
    if not (table["group"] == control).any():
        has = name_some(table["group"].dropna().unique())
        problems.append(f"nobody is in the control group {control} (cohort.control); the groups are {has}")
    if problems:
        raise InputError(f"{Path(path)}:\n- " + "\n- ".join(problems))
    flow = [flow_rows(table, "listed", table.iloc[:0])]
    if not mine.all():
        out = name_some(
            f"{p} ({g})" for p, g in zip(ids[~mine].fillna("?"), table["group"][~mine].fillna("?"), strict=True)
        )
        warnings.warn(f"people of other groups are left out: {out}", NeuraxisWarning, stacklevel=2)
        flow.append(flow_rows(table[mine], "group of the study", table[~mine]))
        table = table[mine]
    incomplete = table["age"].isna() | table["sex"].isna() | table["site"].isna()
    flow.append(flow_rows(table[~incomplete], "age, sex and site known", table[incomplete]))
    return table[~incomplete].reset_index(drop=True), pd.concat(flow, ignore_index=True)


def listed_people(path, cells: Cells | None = None) -> list[str]:
    """Everyone in participants.tsv, also those who are left out later: whose ids other tables may hold.

    `cells` is what `tables.read_cells` made of the file, where that was needed before.
    """
    cells = cells or read_cells(path)
    own = cells.only(_id_heading(cells, "cohort.participants"))
    own_table = read_people_table(path, what="cohort.participants", cells=own, sessions=False)
    return own_table["participant_id"].dropna().tolist()


def read_times(path, people, *, needed, what: str, listed=None) -> pd.DataFrame:
    """A table of repeated events of people in years since baseline: sessions, visits or relapses.

    Parameters
    ----------
    path : path or ""
        Empty: nobody has any.
    people : sequence of str
        Participants; rows of people who are excluded are left out.
    needed : sequence of str
        Columns beside participant_id.
    what : str
        The key of the configuration, for messages.
    listed : sequence of str, optional
        Everyone in participants.tsv, whose ids the table may hold; `people` where not given.

    Raises
    ------
    InputError
        No id is a participant's, years that are no numbers, infinite or negative where a follow-up is meant, scores that
        are impossible, and rows listed twice, by name.
    """
    columns = ["participant_id", *needed]
    if not path:
        return pd.DataFrame(columns=columns)
    table = read_people_table(path, needed=columns, what=what)
    problems = []
    found = match_ids(table["participant_id"], people if listed is None else listed, what=f"{what} ({path})")
    table["participant_id"] = found["participant_id"].fillna(table["participant_id"]).fillna("?")
    years, _ = as_numbers(table["years"])
    scan = "session_id" in needed
    if scan:
        if "session_id" not in table:
            raise InputError(f"{path}: column session_id is missing; it has {', '.join(table.columns)}")
        table["session_id"] = table["session_id"].str.replace(r"^(\d+)\.0+$", r"\1", regex=True)
        label = table["session_id"].map(session_label)
        refuse_odd_sessions(label, table["participant_id"], what=f"{what} ({path})")
    rows = table[["participant_id"]].assign(at=label if scan else years)
    for bad, words in (
        (years.isna(), "years is no number"),
        (np.isinf(years), "years is infinite"),
        ((years <= 0) & scan, "years since baseline must be above 0 for a follow-up scan"),
        ((label == "") if scan else years.isna() & False, "no session_id"),
        ((label == BASELINE) if scan else years.isna() & False, f"a follow-up scan is called {BASELINE}"),
        (rows.duplicated(), "listed twice"),
    ):
        if bad.any():
            problems.append(f"{words}: {name_some(table.loc[bad, 'participant_id'].astype(str).unique())}")
    if "edss" in needed:
        if words := bad_cells(table["edss"], table["participant_id"]):
            problems.append(f"edss is no number: {words}")
        edss, _ = as_numbers(table["edss"])
        bad, words = impossible("edss", edss)
        if bad.any():
            who = table.loc[bad, "participant_id"] + " (" + edss[bad].map("{:g}".format) + ")"
            problems.append(f"edss must be {words}: {name_some(who)}")
        table["edss"] = edss
    if problems:
        raise InputError(f"{what} ({path}):\n- " + "\n- ".join(problems))
    table["years"] = years
    table = table[table["participant_id"].isin(set(people))]
    return table.sort_values(["participant_id", "years"], kind="stable").reset_index(drop=True)


def refuse_impossible_times(times: pd.DataFrame, people: pd.DataFrame, *, what: str) -> None:
    """Refuse events before people's births or at ages that nobody reaches: days or months where years are meant.

    Parameters
    ----------
    times : DataFrame
        participant_id, years since baseline.
    people : DataFrame
        participant_id, age at baseline (years).
    what : str
        Key and path, for the message.

    Raises
    ------
    InputError
    """
    at = times["participant_id"].map(people.set_index("participant_id")["age"]) + times["years"]
    bad = (at < 0) | (at > OLDEST)
    if bad.any():
        who = times.loc[bad, "participant_id"] + " (" + times.loc[bad, "years"].map("{:g}".format) + ")"
        raise InputError(
            f"{what}: years since the first scan that cannot be at these people's ages: {name_some(who)}; are they days or "
            "months?"
        )


def compare_segmentations(
    people: pd.DataFrame, template: str, *, baseline: str = "ses-01", follow=(), listed=None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep participants whose segmentation exists, and name both kinds of orphans in one message.

    Parameters
    ----------
    people : DataFrame
    template : str
        Path with {participant_id}, and {session_id} where there are sessions.
    baseline : str
        cohort.baseline_session.
    follow : iterable of (participant_id, session_id)
        Follow-up scans, which are nobody's baseline.
    listed : sequence of str, optional
        Everyone in participants.tsv; whoever is excluded is no orphan.

    Returns
    -------
    DataFrame
        The people with a segmentation.
    DataFrame
        Rows for the flow table.

    Raises
    ------
    InputError
        Nobody has one.
    """
    find = Locator([template], baseline, follow)
    has = people["participant_id"].map(find.exists).astype(bool)
    everyone = People(people["participant_id"] if listed is None else listed)
    extra = sorted({i for i in find.all_ids() if everyone.find(i)[0] is None})
    if not has.any():
        first = pd.Series([find(person, BASELINE)[0] for person in people["participant_id"]], people["participant_id"])
        raise InputError(
            f"features.labels: no participant has a segmentation at {template}; found {name_some(extra)}; "
            f"cohort.participants has {name_some(people['participant_id'], 2)}{_shut(first)}"
        )
    lost = people.loc[~has, "participant_id"]
    if len(lost) or extra:
        log.warning(
            "participants without segmentation: %s%s; segmentations without participant: %s",
            name_some(lost, 50) or "none",
            _shut(pd.Series([find(person, BASELINE)[0] for person in lost], index=lost)),
            name_some(extra, 50) or "none",
        )
    flow = flow_rows(people[has], "segmentation found", people[~has])
    if extra:
        flow.loc[len(flow)] = ["segmentation without participant", "n/a", 0, len(extra), ", ".join(extra)]
    return people[has].reset_index(drop=True), flow


def count_images(people: pd.DataFrame, templates: Mapping[str, str], *, baseline: str = "ses-01", follow=()) -> None:
    """Say of every template of images how many people have a file for it, before anything is measured.

    Parameters
    ----------
    people : DataFrame
        Those who take part.
    templates : mapping of str to str
        Key of the configuration to path with {participant_id}; the first one that is not empty tells which session is
        everyone's first.
    baseline : str
        cohort.baseline_session.
    follow : iterable of (participant_id, session_id)
        Follow-up scans, which are nobody's baseline.

    Raises
    ------
    InputError
        Nobody has a file: all such templates, each with the first person's path.
    """
    given = {key: t for key, t in templates.items() if t}
    ids = people["participant_id"].tolist()
    if not given or not ids:
        return
    find = Locator(given.values(), baseline, follow)
    paths = pd.DataFrame([find(p, BASELINE) for p in ids], index=ids, columns=list(given))
    there = paths.map(os.path.exists)
    empty = [
        f"{key}: nobody has a file at {t}; that of {ids[0]} would be {paths[key].iloc[0]}{_shut(paths[key])}"
        for key, t in given.items()
        if not there[key].any()
    ]
    if empty:
        raise InputError("; ".join(empty) + "; mend the template, or leave it empty")
    for key, has in there.items():
        lost = has.index[~has]
        words = f"{key}: {int(has.sum())} of {counted(len(has), 'person')} {agreeing(has.sum(), 'has', 'have')} a file at {given[key]}"
        if len(lost):
            log.warning("%s; without: %s%s", words, name_some(lost, 50), _shut(paths.loc[lost, key]))
        else:
            log.info("%s", words)


def _shut(paths: pd.Series) -> str:
    """Whose files may be there all the same, in a folder that this user may not enter; "" where that is nobody."""
    people = [person for person, path in paths.items() if closed(path)]
    if not people:
        return ""
    return f"; for {name_some(people)} {user()} may not look there: change the rights of the folders (chmod, chown)"


def gather_cohort(
    participants,
    schema,
    *,
    control: str,
    diseases,
    phenotype=(),
    sessions="",
    visits="",
    relapses="",
    groups=None,
    leave_out=None,
    sites=(),
    segmentations="",
    templates=None,
    baseline_session="ses-01",
    cells: Cells | None = None,
) -> dict[str, pd.DataFrame]:
    """Who takes part, with the tables of repeated things: participants, flow, sessions, visits, relapses.

    Parameters
    ----------
    participants, phenotype, sessions, visits, relapses : path
        Tables of the user; "" where there is none.
    segmentations : str
        Template of the images; people without one are left out. "" where measures come from tables.
    templates : mapping of str to str
        All templates of images by key; see `count_images`.

    For the others see `read_participants`.

    Raises
    ------
    InputError
        What is wrong with any of the tables.
    """
    cells = cells or read_cells(participants)
    listed = listed_people(participants, cells)
    follow = read_times(sessions, listed, needed=("session_id", "years"), what="cohort.sessions", listed=listed)
    people, flow = read_participants(
        participants,
        schema,
        control=control,
        diseases=diseases,
        phenotype=phenotype,
        groups=groups,
        leave_out=leave_out,
        sites=sites,
        baseline_session=baseline_session,
        follow=list(follow[["participant_id", "session_id"]].itertuples(index=False, name=None)),
        cells=cells,
    )
    follow = follow[follow["participant_id"].isin(people["participant_id"])].reset_index(drop=True)
    if segmentations:
        scans = list(follow[["participant_id", "session_id"]].itertuples(index=False, name=None))
        people, found = compare_segmentations(
            people, segmentations, baseline=baseline_session, follow=scans, listed=listed
        )
        flow = pd.concat([flow, found], ignore_index=True)
        count_images(people, templates or {}, baseline=baseline_session, follow=scans)
        follow = follow[follow["participant_id"].isin(people["participant_id"])].reset_index(drop=True)
    ids = people["participant_id"]
    times = {
        "sessions": follow,
        "visits": read_times(visits, ids, needed=("years", "edss"), what="cohort.visits", listed=listed),
        "relapses": read_times(relapses, ids, needed=("years",), what="cohort.relapses", listed=listed),
    }
    for name, path in (("sessions", sessions), ("visits", visits), ("relapses", relapses)):
        refuse_impossible_times(times[name], people, what=f"cohort.{name} ({path})")
    return {"participants": people, "flow": flow, **times}


def flow_rows(kept: pd.DataFrame, step: str, excluded: pd.DataFrame) -> pd.DataFrame:
    """One row per group: how many are left after `step`, how many fell out, and who."""
    kept, excluded = (part.assign(group=part["group"].fillna("n/a")) for part in (kept, excluded))
    groups = sorted(set(kept["group"]) | set(excluded["group"]))
    return pd.DataFrame(
        {
            "step": step,
            "group": groups,
            "n": [int((kept["group"] == g).sum()) for g in groups],
            "excluded": [int((excluded["group"] == g).sum()) for g in groups],
            "who": [", ".join(excluded.loc[excluded["group"] == g, "participant_id"].fillna("?")) for g in groups],
        }
    )
