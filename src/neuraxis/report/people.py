"""Everybody one by one: a page apart, because it holds ids."""

from __future__ import annotations

from pathlib import Path

import jinja2
import numpy as np
import pandas as pd

from ..errors import counted
from ..figures.brain import HEIGHT, UNITS, WIDTH, brain_drawing, in_words, placed, structures, views_of
from ..figures.style import colours
from ..labels import NORMAL
from ..tables import aside
from .facts import Disease, Study
from .views import as_json, plain

PAGES = jinja2.Environment(
    loader=jinja2.PackageLoader("neuraxis.report", "assets"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
#: Percentiles of the controls that a person's profile is held against.
BAND = (2.5, 97.5)


def course(d: Disease, first: dict, group: str, later: list[dict]) -> list:
    """Scans of a person: years, stage, interval, group."""
    rows = [[0.0, *(plain(first[f"oof_{c}"]) for c in SHOWN), group]]
    for r in later:
        normal = str(r.get("normal_appearing", "")).lower() == "true"
        rows.append(
            [plain(float(r["years"])), *(plain(r[c]) for c in SHOWN), NORMAL if normal else d.names[int(r["subtype"])]]
        )
    return sorted(rows, key=lambda row: row[0])


SHOWN = ("stage", "stage_low", "stage_high")


def by_person(table: pd.DataFrame) -> dict[str, list[dict]]:
    """Rows of a table by person."""
    out: dict[str, list[dict]] = {}
    for row in table.to_dict("records"):
        out.setdefault(str(row["participant_id"]), []).append(row)
    return out


def records(study: Study) -> dict:
    """What the page holds: columns of the list, one row a person, and what a person's own view needs.

    Returns
    -------
    dict
        people: rows; names, tints: groups and their colours; biomarkers, labels, band: of the profile; scores: labels of
        what has levels and no z.
    """
    z = study.tables["normative/zscores"].set_index("participant_id")
    biomarkers = [b for b in study.biomarkers["biomarker"] if b in z and z[b].notna().any()]
    labels = study.biomarkers.set_index("biomarker")["label"].to_dict()
    healthy = z[z["group"] == study.control][biomarkers]
    band = [[plain(v) for v in np.nanpercentile(healthy[b].astype(float), BAND)] for b in biomarkers]
    qc = study.tables["features/qc"]
    flags = (
        qc.assign(text=qc["rule"].astype(str) + np.where(qc["decision"] == "excluded", " (excluded)", ""))
        .groupby("participant_id")["text"]
        .agg(lambda v: list(dict.fromkeys(v)))
        .to_dict()
        if len(qc)
        else {}
    )
    scored = study.tables["features/measures"].set_index("participant_id")[list(study.scores["biomarker"])]
    levels = dict(zip(scored.index, ([plain(v) for v in row] for row in scored.to_numpy(float)), strict=True))
    visits = by_person(study.tables["cohort/visits"])
    values = dict(zip(z.index, z[biomarkers].to_numpy(float).round(3).tolist(), strict=True))
    modelled: dict[str, tuple[Disease, dict, str]] = {}
    followup: dict[str, list[dict]] = {}
    groups = [NORMAL]
    for d in study.diseases:
        groups += list(d.names.values())
        rows = d.people.to_dict("records")
        modelled |= {str(p): (d, r, str(g)) for p, r, g in zip(d.people.index, rows, d.group, strict=True)}
        followup |= by_person(d.tables["followup"])
    people = []
    # patients first
    listed = study.participants.assign(later=study.participants["group"] == study.control)
    for r in listed.sort_values("later", kind="stable").itertuples():
        person = str(r.participant_id)
        row = [person, str(r.group), str(r.site), plain(r.age), "" if pd.isna(r.sex) else str(r.sex)]
        mine = list(flags.get(person, []))
        extra: dict = {}
        if person in values:
            extra["z"] = [v if np.isfinite(v) else None for v in values[person]]
        if any(v is not None for v in levels.get(person, ())):
            extra["scores"] = levels[person]
        seen = [[plain(v["years"]), plain(v["edss"])] for v in visits.get(person, []) if pd.notna(v.get("edss"))]
        if seen:
            extra["visits"] = seen
        if person in modelled:
            d, s, group = modelled[person]
            p = [
                round(float(s["oof_p_healthy"]), 3),
                *(round(float(s[f"oof_p_staged_subtype{c}"]), 3) for c in d.names),
            ]
            extra["p"] = [[name, v] for name, v in zip((NORMAL, *d.names.values()), p, strict=True)]
            extra["course"] = course(d, s, group, followup.get(person, []))
            if group != NORMAL:
                for column, word in (
                    ("oof_confident", "uncertain subtype"),
                    ("above_controls", "stage within the controls'"),
                ):
                    if str(s.get(column, True)).lower() == "false":
                        mine.append(word)
            row += [group, max(p), *(plain(s[f"oof_{c}"]) for c in SHOWN)]
        else:
            word = "no measures" if person not in values else "control" if r.group == study.control else "not modelled"
            row += [word, None, None, None, None]
        scans = len(extra.get("course", [])) or int(person in values)
        people.append([*row, scans, len(seen), "; ".join(mine), extra])
    return {
        "people": people,
        "names": list(dict.fromkeys(groups)),
        "tints": colours(list(dict.fromkeys(groups))),
        "biomarkers": biomarkers,
        "labels": [labels[b] for b in biomarkers],
        "band": band,
        "scores": list(study.scores["label"]),
    }


#: Columns of the list: name in the saved file, words of the heading.
COLUMNS = (
    ("participant_id", "person"),
    ("group", "group"),
    ("site", "site"),
    ("age", "age"),
    ("sex", "sex"),
    ("subtype", "subtype (out of fold)"),
    ("probability", "probabilities"),
    ("stage", "stage"),
    ("stage_low", "stage, low"),
    ("stage_high", "stage, high (95 %)"),
    ("scans", "scans"),
    ("visits", "visits"),
    ("flags", "flags"),
)


def render(study: Study, *, title: str, style: str, script: str, label_names: pd.Series) -> str:
    """The page as text."""
    data = records(study)
    # of the brain, the cord, both or neither, as they were measured
    where = structures(study.biomarkers, label_names, data["biomarkers"])
    views = views_of(where, data["biomarkers"])
    data |= {
        "columns": [c for c, _ in COLUMNS],
        "words": [w for _, w in COLUMNS],
        "brain": brain_drawing(where, views),
        "drawn": in_words(views).capitalize(),
        "size": [round(UNITS * placed(views)[1] / WIDTH), round(UNITS * HEIGHT / WIDTH)],
    }
    return PAGES.get_template("people.html.j2").render(
        title=title,
        simulated=study.simulated,
        style=style,
        script=script,
        data=as_json(data),
        people=counted(len(data["people"]), "person", spec=","),
        modelled=bool(study.diseases),
    )


def write_people(study: Study, path: Path, *, title: str, style: str, script: str, label_names: pd.Series) -> None:
    """Write people.html."""
    with aside(path) as part:
        part.write_text(
            render(study, title=title, style=style, script=script, label_names=label_names), encoding="utf-8"
        )
