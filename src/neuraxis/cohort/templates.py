"""Paths with {participant_id} and {session_id} in them: checked, filled in, and looked for on disk."""

from __future__ import annotations

import glob
import os
import re
import string
import warnings
from collections.abc import Iterable, Mapping

from ..errors import NeuraxisWarning
from .ids import BASELINE, bare, natural, session_label

FIELDS = ("participant_id", "session_id")


def template_problem(template: str) -> str:
    """What is wrong with a template, in words; "" where it is right."""
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        return f"braces that do not match ({error})"
    fields = [(name, spec, how) for _, name, spec, how in parts if name is not None]
    strange = [name for name, *_ in fields if name not in FIELDS]
    if strange:
        return f"unknown field {', '.join('{' + name + '}' for name in strange)}; allowed are {{participant_id}} and {{session_id}}"
    if any(spec or how for _, spec, how in fields):
        return "a field with a format; write {participant_id} and {session_id} alone"
    if "participant_id" not in [name for name, *_ in fields]:
        return "no {participant_id} in it, so that everyone would have one file"
    return ""


def by_key(features: Mapping, maps: Iterable[str]) -> dict[str, str]:
    """All templates of images by the key that gives them, those of maps (``path#volume``) too; empty ones left out."""
    keys = ("labels", "cord_mask", "cord_levels_image")
    found = {f"features.{k}": features[k] for k in keys}
    found |= {f"features.biomarkers, map {m}": m for m in (m.partition("#")[0] for m in maps)}
    return {k: t for k, t in found.items() if t}


class Locator:
    """Where the files of a scan are, whichever way ids and sessions are spelt in the paths.

    A person's first scan is the one of the session `baseline`; where there is none, the only session that has files and
    is no listed follow-up is, and of several (with a warning) the earliest. Ids are taken with and without ``sub-``.

    Parameters
    ----------
    templates : sequence of str
        Empty ones give None.
    baseline : str
        Label of the first session.
    follow : iterable of (participant_id, session_id)
        Listed follow-up scans.
    """

    def __init__(self, templates, baseline: str, follow: Iterable = ()) -> None:
        self.templates = [str(t or "") for t in templates]
        self.baseline = baseline
        self.follow = {(str(p), session_label(s)) for p, s in follow}
        self._chosen: dict[str, tuple[str, str]] = {}

    def __call__(self, person: str, session: str) -> tuple:
        """Paths of a scan; of one that does not exist anywhere, those it should have."""
        spelt, first = self._first(person)
        label = first if session == BASELINE else session
        if session != BASELINE and not any(os.path.exists(p) for p in self._fill(spelt, label) if p):
            # a table may say 02 where the folder is ses-02, or the other way round
            other = label.removeprefix("ses-") if label.startswith("ses-") else f"ses-{label}"
            label = other if any(os.path.exists(p) for p in self._fill(spelt, other) if p) else label
        return self._fill(spelt, label)

    def exists(self, person: str) -> bool:
        """Whether the person's first scan has a file of the first template."""
        path = self(person, BASELINE)[0]
        return bool(path) and os.path.exists(path)

    def all_ids(self) -> set[str]:
        """Ids of everything on disk that fits the first template."""
        return {m["id"] for m in _matches(self.templates[0], None)}

    def _fill(self, person: str, session: str) -> tuple:
        return tuple(
            t.replace("{participant_id}", person).replace("{session_id}", session) if t else None
            for t in self.templates
        )

    def _first(self, person: str) -> tuple[str, str]:
        if person not in self._chosen:
            self._chosen[person] = self._choose(person)
        return self._chosen[person]

    def _choose(self, person: str) -> tuple[str, str]:
        spellings = list(dict.fromkeys([person, bare(person), f"sub-{bare(person)}"]))
        main = next((t for t in self.templates if t), "")
        # a session listed as a follow-up is no first one, whatever it is called
        own = (person, session_label(self.baseline)) not in self.follow or "{session_id}" not in main
        for spelt in spellings if own else ():
            if any(p and os.path.exists(p) for p in self._fill(spelt, self.baseline)):
                return spelt, self.baseline
        if "{session_id}" in main:
            for spelt in spellings:
                sessions = sorted({m["session"] for m in _matches(main, spelt)}, key=natural)
                sessions = [s for s in sessions if (person, session_label(s)) not in self.follow]
                if len(sessions) > 1:
                    warnings.warn(
                        f"{person} has no session {self.baseline} (cohort.baseline_session); the earliest of "
                        f"{', '.join(sessions)} is taken as the baseline",
                        NeuraxisWarning,
                        stacklevel=4,
                    )
                if sessions:
                    return spelt, sessions[0]
        return person, self.baseline


def _matches(template: str, person: str | None) -> list[re.Match]:
    """Paths on disk that fit a template, with groups id and session; of one person, or of all."""
    parts = re.split(r"(\{participant_id\}|\{session_id\})", template)
    shell, expression, seen = "", "", set()
    for part in parts:
        if part in ("{participant_id}", "{session_id}"):
            name, label = ("id", "[A-Za-z0-9_-]+") if part == "{participant_id}" else ("session", "[A-Za-z0-9-]+")
            if name == "id" and person is not None:
                shell += glob.escape(person)
                label = re.escape(person)
            else:
                shell += "*"
            expression += f"(?P={name})" if name in seen else f"(?P<{name}>{label})"
            seen.add(name)
        else:
            shell += glob.escape(part)
            expression += re.escape(part)
    if "session" not in seen:
        expression += "(?P<session>)"
    pattern = re.compile(expression)
    return [m for f in glob.glob(shell) if (m := pattern.fullmatch(f))]


def files_of(template: str) -> list[tuple[str, str]]:
    """Files on disk that fit a template, each with the id in its path, in order."""
    return sorted((m.string, m["id"]) for m in _matches(template, None))
