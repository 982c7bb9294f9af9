"""Whose row it is: one rule for ids and sessions of every format, and one function that matches them with the people.

The rule. An id is cut at FreeSurfer's ``.long.``, loses the ending of an image, trailing slashes and blanks, and what
BIDS adds behind the person: entities (``_acq-ax``) and a suffix (``_T1w``). ``_ses-<label>`` is its session. What is
left names the person, letter by letter: hyphens, underscores and leading zeros count, only the prefix ``sub-`` may be
there or not.
"""

from __future__ import annotations

import logging
import re
import unicodedata
import warnings
from collections.abc import Iterable, Sequence

import pandas as pd

from ..errors import InputError, NeuraxisWarning, agreeing, counted, name_some

log = logging.getLogger(__name__)

#: Session of a person's first scan in all tables of the project.
BASELINE = "baseline"
#: Names of a column with the person, best first; a nameless first column is the last resort.
ID_COLUMNS = (
    *("participant_id", "participant id", "participant", "subject", "subject_id", "subject id", "subjectid", "subjid"),
    *(
        "participantid",
        "patient_id",
        "patient id",
        "patientid",
        "patient",
        "src_subject_id",
        "bids_id",
        "subj",
        "subj_id",
    ),
    *("record_id", "ptid", "eid"),
)
#: Names that may as well be those of rows: they come after what the tools write.
WEAK_ID_COLUMNS = ("sub", "id")
#: What the tools of FreeSurfer write above the people: ``Measure:volume``, ``lh.aparc.DKTatlas.volume``.
TOOL_COLUMN = re.compile(r"measure:\S*|[lr]h\.\S+\.[a-z]+", re.I)
#: Names of a column with the session of a scan.
SESSION_COLUMNS = ("session_id", "sessionid", "session", "ses_id")
DASHES = dict.fromkeys([0x2010, 0x2011, 0x2012, 0x2013, 0x2212], "-")
ENDING = re.compile(r"\.(?:nii|mgz|mgh|gz|img|hdr|nrrd)$", re.I)
ENTITY = re.compile(r"[a-z]+-[A-Za-z0-9+]+")
SUFFIXES = set(
    "t1w t2w t2star t2starw t1 t2 t2s flair pdw pd unit1 mp2rage mprage t1map t2map r1map r2starmap mts mtr mt bold dwi "
    "dti sbref angio inplanet1 inplanet2 seg dseg probseg mask label labels synthseg aseg brain anat".split()
)


def clean(text: str) -> str:
    """An id without blanks, slashes, the ending of an image and what FreeSurfer's longitudinal stream adds."""
    # as macOS writes é in names of files, and the dashes that spreadsheets make of a hyphen
    text = unicodedata.normalize("NFC", str(text)).translate(DASHES).strip().rstrip("/\\")
    while ENDING.search(text):
        text = ENDING.sub("", text)
    # 7.0 is what becomes of person 7 in a column of numbers with a gap; no id has a point
    return re.sub(r"^(\d+)\.0+$", r"\1", re.sub(r"\.long\..*$", "", text))


def bare(person: str) -> str:
    """A person's label without the prefix ``sub-``."""
    return re.sub(r"^sub[-_]", "", person, flags=re.I) or person


def natural(label: str) -> list:
    """Sort key in which ses-2 comes before ses-10."""
    return [(0, int(t), "") if t.isdigit() else (1, 0, t) for t in re.split(r"(\d+)", label) if t]


def is_tail(token: str) -> bool:
    """Whether a piece between underscores is what BIDS puts behind a person: an entity or a suffix."""
    return bool(ENTITY.fullmatch(token)) and not token.startswith("sub-") or token.lower() in SUFFIXES


def session_in(tokens: Sequence[str]) -> str:
    """``ses-<label>`` among the pieces of a name, "" where there is none."""
    return next((t for t in tokens if re.fullmatch(r"ses-[A-Za-z0-9]+", t)), "")


def session_label(text) -> str:
    """A cell of a column session_id as ``ses-<label>``; "" where it is missing, "baseline" as it is."""
    if pd.isna(text) or not str(text).strip():
        return ""
    text = str(text).strip()
    text = text.removesuffix(".0") if re.fullmatch(r"\d+\.0", text) else text
    return text if text == BASELINE or text.startswith("ses-") else f"ses-{text}"


def parse(text: str) -> tuple[str, str]:
    """Person and session ("" where it names none) of an id, without knowing the people.

    Examples
    --------
    >>> parse("sub-001_ses-01.long.sub-001")
    ('sub-001', 'ses-01')
    >>> parse("MS_007_T1w.nii.gz")
    ('MS_007', '')
    """
    tokens = clean(text).split("_")
    if tokens[0].startswith("sub-"):
        end = next((i for i, t in enumerate(tokens) if i and is_tail(t)), len(tokens))
    else:
        end = next((i for i, t in enumerate(tokens) if i and ENTITY.fullmatch(t)), len(tokens))
        while end > 1 and tokens[end - 1].lower() in SUFFIXES:
            end -= 1
    return "_".join(tokens[:end]), session_in(tokens[end:])


def scan_stem(person: str, session: str) -> str:
    """Name of a scan: the person, and the session where it is a follow-up (or named at all)."""
    return person if session in (BASELINE, "") else f"{person}_{session}"


def session_column(columns: Iterable) -> str | None:
    """The column that names the session, whatever its capitals; None where there is none."""
    names = {re.sub(r"[\s_]+", "_", str(c).strip().lower()): c for c in reversed(list(columns))}
    return next((names[wanted] for wanted in SESSION_COLUMNS if wanted in names), None)


def refuse_odd_sessions(labels: Iterable[str], who: Iterable, *, what: str) -> None:
    """Refuse sessions whose label no name of a file could hold, by person.

    Parameters
    ----------
    labels : iterable of str
        As `session_label` gives them.

    Raises
    ------
    InputError
    """
    odd = [
        f"{person} ({label.removeprefix('ses-')!r})"
        for label, person in zip(labels, who, strict=True)
        if label not in ("", BASELINE) and not re.fullmatch(r"ses-[A-Za-z0-9]+", label)
    ]
    if odd:
        raise InputError(f"{what}: sessions are letters and digits, such as ses-M12, not those of {name_some(odd)}")


class People:
    """The participants, to be found under any spelling of their ids.

    Parameters
    ----------
    ids : iterable of str
        participant_id of everyone listed.
    """

    def __init__(self, ids: Iterable[str]) -> None:
        self.ids = [str(i) for i in dict.fromkeys(ids)]
        self.exact = set(self.ids)
        self.bare: dict[str, str | None] = {}
        for i in self.ids:
            own = clean(bare(i))
            self.bare[own] = None if own in self.bare else i  # sub-01 beside 01: no guessing

    def named(self, text: str) -> str | None:
        """The participant of this label, with or without ``sub-``; None where there is none, or two."""
        return text if text in self.exact else self.bare.get(bare(text))

    def find(self, text: str) -> tuple[str | None, str]:
        """Participant (None where nobody is meant) and session of an id, which may be the path of a scan's folder."""
        if re.search(r"[/\\]", text.strip().rstrip("/\\")):
            return self.find_path(text.strip().rstrip("/\\"))
        tokens = clean(text).split("_")
        for n in range(len(tokens), 0, -1):
            rest = tokens[n:]
            if rest and not is_tail(rest[0]):
                continue
            person = self.named("_".join(tokens[:n]))
            if person is not None:
                return person, session_in(rest)
        return None, session_in(tokens)

    def find_path(self, path: str) -> tuple[str | None, str]:
        """Participant and session of a file: from its name, else from the folders it lies in, deepest first.

        Raises
        ------
        InputError
            The name of the file and its folders speak of two sessions.
        """
        *folders, name = re.split(r"[/\\]+", str(path))
        person, session = self.find(name)
        if person is None and name.startswith("sub-"):
            tokens = clean(name).split("_")
            for n in range(len(tokens), 0, -1):
                if (person := self.named("_".join(tokens[:n]))) is not None:
                    break
        if person is None and not name.startswith("sub-"):
            for folder in reversed(folders):
                person, of_folder = self.find(folder)
                if person is not None:
                    session = session or of_folder
                    break
        return person, path_session(path, session)


def path_session(path: str, session: str = "") -> str:
    """Session of a file by its name or the ``ses-`` folder it lies in.

    Raises
    ------
    InputError
        Two different ones.
    """
    *folders, name = re.split(r"[/\\]+", str(path))
    session = session or session_in(clean(name).split("_"))
    above = next((f for f in reversed(folders) if session_in([f])), "")
    if session and above and session != above:
        raise InputError(f"{path}: the folder says {above}, the file {session}; which session is it?")
    return session or above


def match_ids(ids: Iterable, people: People | Iterable, *, what: str, paths: bool = False) -> pd.DataFrame:
    """Match the ids of a table with the participants; the one place where a table meets the people.

    Parameters
    ----------
    ids : iterable of str
        As the table has them, one a row.
    people : People or iterable of str
        Everyone listed in participants.tsv.
    what : str
        Key of the configuration and file, for messages.
    paths : bool
        The ids are paths of files.

    Returns
    -------
    DataFrame
        id, participant_id (missing where nobody of that id takes part), session_id ("" where the id has none); one row
        per id, in the same order.

    Raises
    ------
    InputError
        No id belongs to a participant.

    Warns
    -----
    NeuraxisWarning
        Some ids belong to nobody, by name.
    """
    people = people if isinstance(people, People) else People(people)
    ids = ["" if pd.isna(i) else str(i) for i in ids]
    find = people.find_path if paths else people.find
    known = {i: find(i) for i in dict.fromkeys(ids)}
    nobody = [i for i, (person, _) in known.items() if person is None]
    n = len(known)
    if n and len(nobody) == n:
        raise InputError(
            f"{what}: none of its {counted(n, 'id')} is a participant; it has {name_some(nobody, 2)}, "
            f"cohort.participants has {name_some(people.ids, 2)}; write them alike (sub- may be left out, leading zeros count)"
        )
    prefix = sum(person is not None and person not in i and bare(person) in i for i, (person, _) in known.items())
    said = f", {prefix} of them without the prefix sub-" if prefix else ""
    matched = f"{n - len(nobody)} of {counted(n, 'id')} " + agreeing(
        n - len(nobody), "is a participant", "are participants"
    )
    log.info("%s: %s%s", what, matched, said)
    if nobody:
        warnings.warn(
            f"{what}: {matched}; nobody is listed as {name_some(nobody, 20)}",
            NeuraxisWarning,
            stacklevel=2,
        )
    return pd.DataFrame(
        {
            "id": ids,
            "participant_id": pd.Series([known[i][0] for i in ids], dtype=object),
            "session_id": pd.Series([known[i][1] for i in ids], dtype=object),
        }
    )


def scan_names(ids: Iterable, people, *, what: str, paths: bool = False, sessions: Iterable | None = None) -> pd.Series:
    """Names of scans, ``sub-07`` or ``sub-07_ses-02``, in the participants' own spelling; missing for nobody's.

    Parameters
    ----------
    ids, people, what, paths
        See `match_ids`; without people (None) ids are taken by the rule alone.
    sessions : iterable, optional
        A column session_id; where it has a value it names the session.
    """
    ids = list(ids)
    if people is None:
        found = pd.DataFrame([parse(i) for i in ids], columns=["participant_id", "session_id"])
    else:
        found = match_ids(ids, people, what=what, paths=paths)
    if (template := _templates(ids, what)).any():
        found.loc[template.to_numpy(), "participant_id"] = None
    if sessions is not None:
        given = [session_label(s) for s in sessions]
        refuse_odd_sessions(given, ids, what=what)
        found["session_id"] = [g or s for g, s in zip(given, found["session_id"], strict=True)]
    return pd.Series(
        [
            None if pd.isna(p) else f"{p}_{s}" if s else p
            for p, s in zip(found["participant_id"], found["session_id"], strict=True)
        ],
        dtype=object,
    )


def _templates(ids: Sequence, what: str) -> pd.Series:
    """Which rows are of a template within a person (``Y`` of ``X.long.Y``): an average of scans, and no scan.

    Warns
    -----
    NeuraxisWarning
        By name.
    """
    text = ["" if pd.isna(i) else str(i).strip().rstrip("/\\") for i in ids]
    named = {t.rpartition(".long.")[2] for t in text if ".long." in t}
    mine = pd.Series([re.split(r"[/\\]", t)[-1] in named for t in text], dtype=bool)
    if mine.any():
        who = name_some([t for t, m in zip(text, mine, strict=True) if m], 20)
        warnings.warn(
            f"{what}: rows of templates of FreeSurfer's longitudinal stream, which are no scans, are left aside: {who}",
            NeuraxisWarning,
            stacklevel=3,
        )
    return mine


def refuse_repeats(ids: Iterable, scans: pd.Series, *, what: str, remedy: str = "keep one row of each") -> None:
    """Refuse a table that has a scan twice, under one spelling or two.

    Raises
    ------
    InputError
    """
    table = pd.DataFrame({"id": list(ids), "scan": list(scans)}).dropna()
    twice = table[table["scan"].duplicated(keep=False)]
    if len(twice):
        words = [
            scan if rows["id"].nunique() == 1 else f"{scan} ({name_some(rows['id'].unique(), 3)})"
            for scan, rows in twice.groupby("scan", sort=False)
        ]
        raise InputError(f"{what}: listed twice: {name_some(words)}; {remedy}")


def split_scans(names: dict[str, Iterable[str]], *, baseline: str, follow: Iterable = ()) -> dict[str, pd.DataFrame]:
    """Person and session of the scans of several tables, a person's first session being the same in all of them.

    A session listed as a follow-up is one. Of a person's other sessions, over all tables, the baseline is that
    of the configured label, else the only one, else (with a warning) the earliest; scans without a label are the
    baseline too, and the only one where their table has others with a label.

    Parameters
    ----------
    names : dict of str to iterable of str
        Per table, names of scans as `scan_names` gives them.
    baseline : str
        cohort.baseline_session.
    follow : iterable of (participant_id, session_id)
        Follow-up scans that cohort.sessions lists.

    Returns
    -------
    dict of str to DataFrame
        participant_id, session_id ("baseline" for the first).
    """
    listed = {(p, session_label(s)): s for p, s in follow}
    split = {}
    for what, scans in names.items():
        found = (re.fullmatch(r"(.*?)(?:_(ses-[A-Za-z0-9]+|baseline))?", str(s), re.S) for s in scans)
        rows = [m.groups("") for m in found if m]  # anything fits
        split[what] = pd.DataFrame(rows, columns=["participant_id", "session_id"], dtype=object)
    labelled: dict = {}
    plain_too = set()
    for table in split.values():
        here: dict[str, set] = {}
        for person, session in table.itertuples(index=False):
            if (person, session) not in listed:
                here.setdefault(person, set()).add(session)
        for person, sessions in here.items():
            if sessions & {"", BASELINE} and len(sessions) > 1:
                plain_too.add(person)
            labelled.setdefault(person, set()).update(sessions - {"", BASELINE})
    first, only, earliest = {}, [], []
    for person, sessions in labelled.items():
        if baseline in sessions or person in plain_too or not sessions:
            first[person] = baseline
        elif len(sessions) == 1:
            first[person] = next(iter(sessions))
            only.append(person)
        else:
            first[person] = min(sessions, key=natural)
            earliest.append(f"{person} ({first[person]})")
    if only:
        log.info("nobody's %s: the only session of %s is the baseline", baseline, name_some(only, 20))
    if earliest:
        warnings.warn(
            f"no session {baseline} (cohort.baseline_session); the earliest is taken as the baseline of "
            f"{name_some(earliest, 20)}",
            NeuraxisWarning,
            stacklevel=2,
        )
    out = {}
    for what, table in split.items():
        own = []
        for person, session in table.itertuples(index=False):
            if (person, session) in listed:
                own.append(listed[person, session])
            elif session in ("", BASELINE, first[person]):
                own.append(BASELINE)
            else:
                own.append(session)
        out[what] = table.assign(session_id=pd.Series(own, index=table.index, dtype=object))
    return out


def id_column(columns: Sequence[str], first: Sequence[str] | None = None) -> str | None:
    """The column that names the person; None where there is none.

    A named one wins, by the order of `ID_COLUMNS`, then one that FreeSurfer's tools head their own way. A nameless
    first column is the person only where there is no other and it does not merely count the rows, in whatever order.

    Parameters
    ----------
    columns : sequence of str
    first : sequence of str, optional
        Cells of the first column, looked at where it is nameless.
    """
    names: dict[str, str] = {}
    for c in columns:
        names.setdefault(re.sub(r"[\s_]+", "_", str(c).strip().lower()), c)
    for wanted in ID_COLUMNS:
        if (key := wanted.replace(" ", "_")) in names:
            return names[key]
    tool = next((c for c in columns if TOOL_COLUMN.fullmatch(str(c).strip())), None)
    if tool is not None:
        return tool
    for wanted in WEAK_ID_COLUMNS:
        if wanted in names:
            return names[wanted]
    if len(columns) and str(columns[0]).strip() in ("", "Unnamed: 0") and first is not None:
        if counts_rows(first):
            return None
        if _small_numbers(first):
            warnings.warn(
                "a first column without a name holds whole numbers and is read as the people's ids; if it counts rows, "
                "name the column that holds the people participant_id",
                NeuraxisWarning,
                stacklevel=3,
            )
        return columns[0]
    return None


def counts_rows(cells: Sequence) -> bool:
    """Whether the cells are row numbers, from 0 or from 1, in whatever order (sorted tables keep theirs)."""
    found = sorted(int(c) for c in map(str, cells) if re.fullmatch(r"\s*(?:0|[1-9][0-9]{0,8})\s*", c))
    return len(found) == len(cells) and any(found == list(range(k, len(found) + k)) for k in (0, 1))


def _small_numbers(cells: Sequence) -> bool:
    """Whether all are whole numbers, as rows that are left of a longer table have them."""
    text = [str(c).strip() for c in cells]
    return all(re.fullmatch(r"0|[1-9][0-9]{0,8}", t) for t in text) and max(map(int, text)) <= 10 * len(text)
