"""The participants table: read, validated in one go, excluded by stated rules."""

from __future__ import annotations

import glob
import logging
import re
from pathlib import Path

import pandas as pd
from jsonschema import Draft202012Validator

from ..errors import InputError, name_some
from ..tables import read_table

log = logging.getLogger(__name__)
SEXES = {"m": "M", "male": "M", "f": "F", "female": "F"}


def _schema_problems(table: pd.DataFrame, schema: dict) -> list[str]:
    """Rows that break the schema, gathered by column and rule and named together."""
    checker = Draft202012Validator(schema)
    broken: dict[tuple, list] = {}
    records = table.astype(object).where(table.notna(), None).to_dict(orient="records")
    for i, record in enumerate(records):
        row = {str(k): v for k, v in record.items() if v is not None}
        for error in checker.iter_errors(row):
            column = str(error.path[0]) if error.path else ""
            words = schema["properties"].get(column, {}).get("description") or error.message
            who = f"{row.get('participant_id', f'row {i + 2}')}"
            broken.setdefault((column, words), []).append(f"{who} ({row.get(column)})" if column else who)
    return [f"{c}: {words}: {name_some(who)}" for (c, words), who in broken.items()]


def read_participants(path, schema, *, control: str, diseases, phenotype=()) -> tuple[pd.DataFrame, pd.DataFrame]:
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
        Tables joined by participant_id (BIDS phenotype/*.tsv).

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
    """
    table = read_table(path, needed=("participant_id", "group", "age", "sex"))
    problems = []
    for other in phenotype:
        more = read_table(other, needed=("participant_id",))
        twice = more["participant_id"].duplicated()
        if twice.any():
            problems.append(
                f"{other}: listed more than once: {name_some(more.loc[twice, 'participant_id'])}; "
                "give repeated visits in cohort.visits"
            )
            continue
        clash = [c for c in more.columns if c in table.columns and c not in ("participant_id", "origin")]
        if clash:
            problems.append(f"{other}: column {', '.join(clash)} is already in {path}")
            continue
        table = table.merge(more.drop(columns="origin", errors="ignore"), on="participant_id", how="left")
    ids = table["participant_id"]
    for bad, words in (
        (ids.isna(), "rows without participant_id"),
        (ids.duplicated(keep=False) & ids.notna(), "participant_id listed more than once"),
        (~table["group"].isin([control, *diseases]), f"group not among {', '.join([control, *diseases])}"),
    ):
        if bad.any():
            who = ids[bad].fillna("?") + " (" + table["group"][bad].fillna("?") + ")"
            problems.append(f"{words}: {name_some(who.unique())}")
    age = pd.to_numeric(table["age"], errors="coerce")
    unreadable = age.isna() & table["age"].notna()
    if unreadable.any():
        problems.append(f"age: not a number: {name_some(ids[unreadable] + ' (' + table['age'][unreadable] + ')')}")
    table["age"] = age
    spelt = table["sex"].str.strip().str.lower()
    table["sex"] = spelt.map(SEXES).fillna(table["sex"])
    problems += _schema_problems(table, schema)
    if not (table["group"] == control).any():
        problems.append(f"nobody is in the control group {control}")
    if problems:
        raise InputError(f"{Path(path)}:\n- " + "\n- ".join(problems))
    if "site" not in table:
        table["site"] = "one site"
    flow = [flow_rows(table, "listed", table.iloc[:0])]
    incomplete = table["age"].isna() | table["sex"].isna() | table["site"].isna()
    flow.append(flow_rows(table[~incomplete], "age, sex and site known", table[incomplete]))
    return table[~incomplete].reset_index(drop=True), pd.concat(flow, ignore_index=True)


def read_times(path, people, *, needed, what: str) -> pd.DataFrame:
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

    Raises
    ------
    InputError
        Years that are no numbers or negative where a follow-up is meant, and rows listed twice, by name.
    """
    columns = ["participant_id", *needed]
    if not path:
        return pd.DataFrame(columns=columns)
    table = read_table(path, needed=columns, text=("participant_id", "session_id"))
    problems = []
    years = pd.to_numeric(table["years"], errors="coerce")
    for bad, words in (
        (years.isna(), "years is no number"),
        ((years <= 0) & ("session_id" in needed), "years since baseline must be above 0 for a follow-up scan"),
        (table.duplicated(columns[:2] if "session_id" in needed else ["participant_id", "years"]), "listed twice"),
    ):
        if bad.any():
            problems.append(f"{words}: {name_some(table.loc[bad, 'participant_id'].astype(str).unique())}")
    if problems:
        raise InputError(f"{what} ({path}):\n- " + "\n- ".join(problems))
    table["years"] = years
    table = table[table["participant_id"].isin(set(people))]
    return table.sort_values(["participant_id", "years"], kind="stable").reset_index(drop=True)


def compare_segmentations(people: pd.DataFrame, template: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep participants whose segmentation exists, and name both kinds of orphans in one message.

    Parameters
    ----------
    people : DataFrame
    template : str
        Path with {participant_id}; whatever else it holds in braces matches anything.

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
    parts = re.split(r"(\{participant_id\}|\{session_id\})", template)
    pattern = "".join("*" if part.startswith("{") else glob.escape(part) for part in parts)
    expression = re.compile(
        "".join(
            ("(?P<id>[A-Za-z0-9-]+)" if parts[:i].count(part) == 0 else "(?P=id)")
            if part == "{participant_id}"
            else "[A-Za-z0-9-]+"
            if part == "{session_id}"
            else re.escape(part)
            for i, part in enumerate(parts)
        )
    )
    there = {m["id"] for f in glob.glob(pattern) if (m := expression.fullmatch(f))}
    has = people["participant_id"].isin(there)
    extra = sorted(there - set(people["participant_id"]))
    if not has.any():
        raise InputError(f"features.labels: no participant has a segmentation at {template}; found {name_some(extra)}")
    lost = people.loc[~has, "participant_id"]
    if len(lost) or extra:
        log.warning(
            "participants without segmentation: %s; segmentations without participant: %s",
            name_some(lost, 50) or "none",
            name_some(extra, 50) or "none",
        )
    flow = flow_rows(people[has], "segmentation found", people[~has])
    if extra:
        flow.loc[len(flow)] = ["segmentation without participant", "n/a", 0, len(extra), ", ".join(extra)]
    return people[has].reset_index(drop=True), flow


def flow_rows(kept: pd.DataFrame, step: str, excluded: pd.DataFrame) -> pd.DataFrame:
    """One row per group: how many are left after `step`, how many fell out, and who."""
    groups = sorted(set(kept["group"]) | set(excluded["group"]))
    return pd.DataFrame(
        {
            "step": step,
            "group": groups,
            "n": [int((kept["group"] == g).sum()) for g in groups],
            "excluded": [int((excluded["group"] == g).sum()) for g in groups],
            "who": [", ".join(excluded.loc[excluded["group"] == g, "participant_id"]) for g in groups],
        }
    )
