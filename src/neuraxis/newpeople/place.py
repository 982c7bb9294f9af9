"""New people: measured, checked by the study's rules, normalised, and placed under its models, or refused with the reason."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd

from ..biomarkers import ordinal_of
from ..cohort.ids import BASELINE, People, bare, clean, id_column
from ..cohort.participants import SEXES, read_people_table
from ..errors import InputError, NeuraxisError, NeuraxisWarning, counted, name_some
from ..features.combine import with_capitals
from ..features.extract import add_cord
from ..features.headsize import in_ml, with_head_size
from ..features.measures import check_units, measure_batch, possible, quality
from ..features.readers.sct import read_sct
from ..features.stats import biomarkers_from_labels, read_qc_scores, read_volume_tables
from ..home import workflow_home
from ..labels import shown_names
from ..normative.fit import POOLED
from ..schema import load
from ..tables import as_numbers, bad_cells, measures_of, read_cells, write_table
from .shared import SharedModel, open_model

#: z beyond which a region is called far from all controls.
FAR = 5.0
#: Patients that count as most similar, and the fewest of them with later scans for their course to be told.
SIMILAR, TOLD = 20, 5
#: Rules of quality that hold a person against the others of the study, not of the call: `_outliers` has theirs.
OF_MANY = ("outlier of its site", "asymmetric", "surface holes")


@dataclass
class Placed:
    """New people under a model.

    Attributes
    ----------
    model : SharedModel
    people : DataFrame
        participant_id, age, sex, site of everyone given.
    table : DataFrame
        One row per person placed and disease: participant_id, disease, subtype, name, p_healthy, p_subtype<c>, stage,
        stage_low, stage_high and the other columns of `sustain.staging.summarise`; overridden; notes.
    measures, z : DataFrame
        By participant_id: etiv and biomarkers; z per biomarker, positive = abnormal.
    refused : DataFrame
        participant_id, reason: one row per reason.
    notes : dict of str to list of str
        What was missing, out of range or flagged, by person.
    overridden : dict of str to list of str
        Reasons for which a person would have been refused.
    course : dict of (str, str) to dict
        By person and disease: what became of the most similar patients of the study; empty for a model file.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from neuraxis.biomarkers import read_biomarkers
    >>> from neuraxis.home import workflow_home
    >>> from neuraxis.newpeople import assemble
    >>> from neuraxis.normative.norms import NormSettings, fit_norms
    >>> from neuraxis.sustain import ZScoreEvents, fit, simulate
    >>> who = pd.Index([f"sub-{i:02d}" for i in range(40)], name="participant_id")
    >>> people = pd.DataFrame({"age": np.arange(20, 60), "sex": ["F", "M"] * 20}, index=who)
    >>> measures = pd.DataFrame({"thalamus": 15000.0, "putamen": 9000.0, "etiv": 1.5e6}, index=who)
    >>> measures[["thalamus", "putamen"]] += np.random.default_rng(1).normal(0, 500, (40, 2))
    >>> plain = NormSettings(age="linear", age_by_sex=False, head_size="none")
    >>> norms = fit_norms(measures, people, {"thalamus": "fall", "putamen": "fall"}, plain)
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "putamen"])
    >>> sick = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
    >>> model = fit(sick.X, events, 1, covariance="independent", n_samples=0, n_startpoints=1)
    >>> defined = read_biomarkers(workflow_home() / "resources/biomarkers.tsv")
    >>> shared = assemble(model, norms, defined, disease="MS", title="An example", simulated=True)
    >>> new = pd.DataFrame({"participant_id": ["sub-NEW"], "thalamus": [13800.0], "putamen": [8900.0], "etiv": [1.5e6]})
    >>> placed = shared.stage(table=new, age=41, sex="F")
    >>> placed.table[["participant_id", "subtype"]].values.tolist(), len(placed.refused)
    ([['sub-NEW', 1]], 0)
    >>> import tempfile
    >>> "sub-NEW" in placed.page("sub-NEW"), sorted(p.name for p in placed.write(tempfile.mkdtemp()))[:2]
    (True, ['people.tsv', 'refused.tsv'])
    """

    model: SharedModel
    people: pd.DataFrame
    table: pd.DataFrame
    measures: pd.DataFrame
    z: pd.DataFrame
    refused: pd.DataFrame
    notes: dict[str, list[str]] = field(default_factory=dict)
    overridden: dict[str, list[str]] = field(default_factory=dict)
    course: dict[tuple[str, str], dict] = field(default_factory=dict)

    def __repr__(self) -> str:
        refused = counted(self.refused["participant_id"].nunique(), "refused", "refused")
        return f"Placed({counted(len(self.z), 'person')} placed, {refused}; {', '.join(self.model.models)})"

    def _repr_html_(self) -> str:
        return (
            f"<p>{escape(repr(self))}</p>"
            + self.table.to_html(index=False)
            + (self.refused.to_html(index=False) if len(self.refused) else "")
        )

    def page(self, person: str) -> str:
        """The person's page, one self-contained HTML text.

        Parameters
        ----------
        person : str
            participant_id of somebody placed.

        Returns
        -------
        str
        """
        from ..report.person import person_page

        return person_page(self, person)

    def _pages(self) -> Iterator[tuple[str, str]]:
        """Everybody's page; what they share is made once."""
        from ..report.person import Paper, person_page

        paper = Paper.of(self.model)
        for person in self.z.index:
            yield person, person_page(self, person, paper)

    def write(self, folder) -> list[Path]:
        """Write people.tsv, zscores.tsv, refused.tsv and one page per person placed.

        Parameters
        ----------
        folder : path

        Returns
        -------
        list of Path
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        out = []
        tables = {"people.tsv": self.table, "zscores.tsv": self.z.reset_index(), "refused.tsv": self.refused}
        for name, table in tables.items():
            write_table(table, folder / name)
            out.append(folder / name)
        for person, page in self._pages():
            path = folder / f"{person}.html"
            path.write_text(page, encoding="utf-8")
            out.append(path)
        return out


def stage(
    model: SharedModel | str | Path,
    *,
    freesurfer=None,
    labels=None,
    table=None,
    sct=None,
    cord_mask=None,
    cord_levels=None,
    qc_scores=None,
    etiv=None,
    participant_id=None,
    age=None,
    sex=None,
    site=None,
    people=None,
    disease=None,
    override: bool = False,
) -> Placed:
    """Place one new person, or a table of them, under the model of a study.

    The study's own rules hold: its readers, units, quality rules that exclude, norms with their ranges, covariance and
    model. Whoever the study would have left out is refused with the reason.

    Parameters
    ----------
    model : SharedModel or path
        A study's folder or a model file; see `open_model`.
    freesurfer, labels : path
        A person's folder of FreeSurfer, FastSurfer or SAMSEG results; a label volume. With several people: a path with
        {participant_id} in it.
    table : path or DataFrame
        Tidy (participant_id, etiv in mm3, biomarkers), or as SynthSeg and asegstats2table write them.
    sct : path
        CSV of sct_process_segmentation.
    cord_mask, cord_levels : path
        Mask of the cord and vertebral levels on its grid, as templates for several people.
    qc_scores : path
        SynthSeg's --qc table.
    etiv : float
        Head size of one person, mm3, where the files lack it.
    participant_id, age, sex, site
        Of one person; the id may be left out where the files say it.
    people : path or DataFrame
        Of several: participant_id, age, sex, site.
    disease : str, optional
        Of a model of several; all of them where not given.
    override : bool
        Place people whom the study's rules would have excluded; their pages say so. What cannot be a measure at all, an
        unknown site and an unknown person are refused all the same.

    Returns
    -------
    Placed

    Raises
    ------
    InputError
        A call without measures or without people, files of which nobody's row can be told, units mixed up.
    ModelError
        See `open_model`.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from neuraxis.biomarkers import read_biomarkers
    >>> from neuraxis.home import workflow_home
    >>> from neuraxis.newpeople import assemble
    >>> from neuraxis.normative.norms import NormSettings, fit_norms
    >>> from neuraxis.sustain import ZScoreEvents, fit, simulate
    >>> who = pd.Index([f"sub-{i:02d}" for i in range(40)], name="participant_id")
    >>> people = pd.DataFrame({"age": np.arange(20, 60), "sex": ["F", "M"] * 20}, index=who)
    >>> measures = pd.DataFrame({"thalamus": 15000.0, "putamen": 9000.0, "etiv": 1.5e6}, index=who)
    >>> measures[["thalamus", "putamen"]] += np.random.default_rng(1).normal(0, 500, (40, 2))
    >>> plain = NormSettings(age="linear", age_by_sex=False, head_size="none")
    >>> norms = fit_norms(measures, people, {"thalamus": "fall", "putamen": "fall"}, plain)
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "putamen"])
    >>> sick = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
    >>> model = fit(sick.X, events, 1, covariance="independent", n_samples=0, n_startpoints=1)
    >>> defined = read_biomarkers(workflow_home() / "resources/biomarkers.tsv")
    >>> shared = assemble(model, norms, defined, disease="MS", title="An example", simulated=True)
    >>> new = pd.DataFrame({"participant_id": ["sub-NEW"], "thalamus": [13800.0], "putamen": [8900.0], "etiv": [1.5e6]})
    >>> placed = stage(shared, table=new, age=41, sex="F")
    >>> placed.z.round(1)["thalamus"].tolist()
    [2.6]
    """
    if not isinstance(model, SharedModel):
        model = open_model(model)
    given = [n for n, v in (("freesurfer", freesurfer), ("labels", labels), ("table", table)) if v is not None]
    if len(given) > 1:
        raise InputError(f"{' and '.join(given)} are given; measures come from one of them")
    if not given and sct is None and cord_mask is None:
        raise InputError("no measures: give a FreeSurfer folder, a label volume, a table, or a cord table")
    if disease is not None and disease not in model.models:
        raise InputError(f"no model of {disease}; there is {name_some(model.models)}")
    who, hard, soft = _who(participant_id, age, sex, site, people, freesurfer or labels, table)
    found, notes, failed, asked = _measures(
        model, who, freesurfer or labels, table, sct, cord_mask, cord_levels, qc_scores, etiv
    )
    for person, reasons in failed.items():
        hard.setdefault(person, []).extend(reasons)
    for person, reasons in asked.items():
        soft.setdefault(person, []).extend(reasons)
    defined = _defined(model)
    measures = found.set_index("participant_id")
    given_scores = {p: notes.pop((p, "scores")) for p in who.index if (p, "scores") in notes}
    for person, (bad, excluded, flags) in _checked(
        model, found[~found["participant_id"].isin([p for p in hard if hard[p]])], who, given_scores
    ).items():
        hard.setdefault(person, []).extend(bad)
        soft.setdefault(person, []).extend(excluded)
        notes.setdefault(person, []).extend(flags)
    clear = [p for p in measures.index if not hard.get(p) and (override or not soft.get(p))]
    z, said, why = _normalised(model, measures.loc[clear], who.loc[clear])
    for known, told in ((notes, said), (hard, why)):
        for person, words in told.items():
            known.setdefault(person, []).extend(words)
    wanted = [disease] if disease else list(model.models)
    z, scores = _with_scores(model, z, measures, wanted, notes, hard)
    refused = [
        (p, r) for p in who.index for r in dict.fromkeys([*hard.get(p, []), *([] if override else soft.get(p, []))])
    ]
    overridden = {p: soft[p] for p in z.index if soft.get(p)}
    table_, course = _placed(
        model, z.drop(columns=list(scores), errors="ignore").join(scores), wanted, notes, overridden
    )
    nowhere = [p for p in z.index if p not in set(table_["participant_id"])]
    refused += [(p, "none of the model's biomarkers has a value") for p in nowhere]
    z = z.drop(index=nowhere)
    return Placed(
        model,
        who.reset_index(),
        table_,
        measures.reindex(columns=["etiv", *[b for b in defined["biomarker"] if b in measures]]),
        z,
        pd.DataFrame(refused, columns=["participant_id", "reason"]),
        {p: list(dict.fromkeys(n)) for p, n in notes.items() if isinstance(p, str)},
        overridden,
        course,
    )


def _defined(model: SharedModel) -> pd.DataFrame:
    """Definitions; a map's path and a participants' column are the study's own: new people have them in a table."""
    return model.biomarkers.assign(kind=model.biomarkers["kind"].replace(["map", "column"], "table"))


# ------------------------------------------------------------------ who


def _who(participant_id, age, sex, site, people, files, table) -> tuple[pd.DataFrame, dict, dict]:
    """People by participant_id (age, sex, site); reasons to refuse them that hold anyway, and that can be overridden."""
    hard: dict[str, list[str]] = {}
    soft: dict[str, list[str]] = {}
    if people is not None:
        if any(v is not None for v in (participant_id, age, sex, site)):
            raise InputError(
                "people come from a table or one by one: give people, or participant_id, age, sex and site"
            )
        if isinstance(people, pd.DataFrame):
            who = people.reset_index() if people.index.name == "participant_id" else people.copy()
            if absent := [c for c in ("participant_id", "age", "sex") if c not in who]:
                raise InputError(f"people: column {', '.join(absent)} is missing")
        else:
            who = read_people_table(people, needed=("age", "sex"), optional=("site",), what="people")
        if who["participant_id"].isna().any():
            raise InputError(
                f"people: {counted(int(who['participant_id'].isna().sum()), 'row has', 'rows have')} no participant_id"
            )
        who["participant_id"] = who["participant_id"].map(clean)
        twice = who["participant_id"].duplicated()
        if twice.any():
            raise InputError(f"people: listed more than once: {name_some(who.loc[twice, 'participant_id'])}")
    else:
        absent = [n for n, v in (("age", age), ("sex", sex)) if v is None]
        if absent:
            raise InputError(f"the norms need the person's {' and '.join(absent)}")
        says = _subject_of(files) if files is not None else ""
        person = participant_id or says or _only_person(table) or _from_path(files)
        if not person:
            raise InputError("whose measures are these? give the id (participant_id)")
        if says and participant_id and People([participant_id]).find(says)[0] is None:
            soft[str(participant_id)] = [f"the files in {files} say that they are of {says}, not of {participant_id}"]
        who = pd.DataFrame({"participant_id": [str(person)], "age": [age], "sex": [sex], "site": [site]})
    if "site" not in who:
        who["site"] = None
    wrong = who.loc[~who["participant_id"].str.fullmatch(r"[A-Za-z0-9_.-]+"), "participant_id"]
    if len(wrong):
        raise InputError(f"ids hold odd characters (allowed are letters, digits, . - and _): {name_some(wrong)}")
    who = who.set_index("participant_id")[["age", "sex", "site"]]
    numbers, _ = as_numbers(who["age"])
    spelt = who["sex"].astype(str).str.strip().str.lower().map(SEXES)
    for person in who.index:
        reasons = hard.setdefault(person, [])
        if not 5 <= numbers[person] <= 110:
            reasons.append(f"age {who.at[person, 'age']}: years from 5 to 110 are expected")
        if pd.isna(spelt[person]):
            reasons.append(f"sex {who.at[person, 'sex']}: M or F is expected (male, female)")
    who["age"], who["sex"] = numbers, spelt
    who["site"] = who["site"].map(lambda s: None if pd.isna(s) else str(s))
    return who, {p: r for p, r in hard.items() if r}, soft


def _subject_of(path) -> str:
    """The person that FreeSurfer's or FastSurfer's files say they are of; "" where they do not."""
    for name in ("aseg.stats", "aseg+DKT.stats"):
        file = Path(str(path)) / "stats" / name
        if file.is_file():
            found = re.search(r"^#\s*subjectname\s+(\S+)", file.read_text(encoding="utf-8", errors="replace"), re.M)
            return clean(found[1]) if found else ""
    return ""


def _only_person(table) -> str:
    """The person of a table that holds one."""
    if isinstance(table, pd.DataFrame):
        ids = table.get("participant_id", table.index)
        return str(ids[0] if not hasattr(ids, "iloc") else ids.iloc[0]) if len(table) == 1 else ""
    if table is not None:
        cells = read_cells(table)  # which says so where there is no file
        key = id_column(cells.header, first=[row[0] for row in cells.rows])
        ids = set(cells.column(key)) if key is not None else set()
        if len(ids) > 1:
            raise InputError(
                f"{table} holds {counted(len(ids), 'person')}; say whom you mean (participant_id), or give people"
            )
        return clean(ids.pop()) if ids else ""
    return ""


def _from_path(path) -> str:
    """The id in a path: the deepest part with sub- in it, else the folder's or file's name."""
    if path is None:
        return ""
    parts = [p for p in re.split(r"[/\\]+", str(path)) if p]
    named = [p for p in parts if p.startswith("sub-")]
    return clean(named[-1]).split("_")[0] if named else clean(parts[-1])


# ------------------------------------------------------------------ measures


def _measures(model, who, files, table, sct, cord_mask, cord_levels, qc_scores, etiv):
    """Measures of everyone (participant_id, etiv, biomarkers), notes, and reasons to refuse by person: hard and soft."""
    ids, defined = list(who.index), _defined(model)
    notes: dict = {}
    hard: dict[str, list[str]] = {}
    soft: dict[str, list[str]] = {}
    levels = model.rules["cord_levels"]
    names = workflow_home() / "resources/labels.tsv"
    if etiv is not None:
        if len(ids) > 1:
            raise InputError("etiv is one person's head size; for several give it in the table")
        if isinstance(etiv, bool) or not np.isfinite(as_numbers(pd.Series([etiv], dtype=object))[0].iloc[0]):
            raise InputError(f"etiv {etiv!r} is no head size in mm3")
        if in_ml(float(etiv)):
            hard[ids[0]] = [f"head size {etiv:g} looks like ml (cm3); give mm3 ({1000 * float(etiv):g})"]
            etiv = None
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        if table is not None:
            found = _from_table(model, table, ids, defined, names, hard)
            if etiv is not None:
                found["etiv"] = float(etiv)
        elif files is not None or cord_mask is not None:
            found = _from_files(files, cord_mask, cord_levels, ids, defined, names, levels, etiv, hard)
        else:
            found = pd.DataFrame({"participant_id": ids, "etiv": np.nan if etiv is None else float(etiv)})
        if sct is not None:
            rules = {"select": model.rules["sct_select"], "repeats": model.rules["sct_repeats"]}
            areas = read_sct(sct, levels, people=People(ids), **rules)
            areas = areas.rename(lambda scan: scan.split("_ses-")[0])
            if areas.index.duplicated().any():
                raise InputError(
                    f"{sct}: several sessions of {name_some(areas.index[areas.index.duplicated()])}; keep one"
                )
            found = found.assign(session_id=BASELINE)
            found = add_cord(found, defined, areas, otherwise="a cord table is given, but the model has no cord area")
            found = found.drop(columns="session_id")
    for name in defined["biomarker"]:
        if name not in found:
            found[name] = np.nan
    for note in said:
        if issubclass(note.category, NeuraxisWarning):
            for person in [p for p in ids if p in str(note.message)] or ids:
                notes.setdefault(person, []).append(str(note.message))
    if qc_scores is not None:
        scores = read_qc_scores(qc_scores, People(ids))
        for person in scores.index:
            notes[person, "scores"] = scores.loc[[person]]
    for person in ids:
        if person not in set(found["participant_id"]) and not hard.get(person):
            hard[person] = ["no measures of this person in what was given; ids are matched, never rows"]
    return found[found["participant_id"].isin(ids)], notes, hard, soft


def _from_table(model, table, ids, defined, names, hard) -> pd.DataFrame:
    """Measures from a tidy table, or one that a tool wrote, matched by id."""
    everyone = People(ids)
    if isinstance(table, pd.DataFrame):
        tidy = table.reset_index() if table.index.name == "participant_id" else table.copy()
        if "participant_id" not in tidy:
            raise InputError("table: nothing says whose rows these are; set participant_id as column or index")
        what = "table"
        twice = tidy.columns[tidy.columns.duplicated()]
        if len(twice):
            raise InputError(f"table: two columns are named {name_some(map(str, twice.unique()))}; keep one of each")
    else:
        cells = read_cells(table)
        lower = {h.strip().lower() for h in cells.header}
        known = len(lower & set(defined["biomarker"]))
        # the tools that write wide tables call no column as the study calls its biomarkers
        if not (known and (model.rules["source"] == "table" or "etiv" in lower or 2 * known >= len(lower) - 1)):
            volumes = read_volume_tables([table], names, everyone, key="table")
            found = biomarkers_from_labels(volumes, defined, names)
            found.index = found.index.map(lambda scan: scan.split("_ses-")[0])
            if found.index.duplicated().any():
                raise InputError(f"{table}: several sessions of a person; keep one row of each")
            return found.rename_axis("participant_id").reset_index()
        tidy, what = read_people_table(table, what=f"table ({table})"), str(table)
    tidy = with_head_size(tidy, what=what)
    tidy = with_capitals(tidy, list(defined["biomarker"]), what)
    matched = [everyone.find(i)[0] for i in tidy["participant_id"].astype(str)]
    strangers = [i for i, m in zip(tidy["participant_id"], matched, strict=True) if m is None]
    if not any(matched):
        raise InputError(f"{what}: nobody of {name_some(ids)} is in it; it has {name_some(strangers)}")
    tidy = tidy.assign(participant_id=matched)[[m is not None for m in matched]]
    twice = tidy["participant_id"].duplicated()
    if twice.any():
        raise InputError(f"{what}: more than one row of {name_some(tidy.loc[twice, 'participant_id'].unique())}")
    columns = [c for c in ("etiv", *defined["biomarker"]) if c in tidy]
    tidy = tidy.assign(**{c: measures_of(tidy[c]) for c in columns})
    problems = [f"{c}: {w}" for c in columns if (w := bad_cells(tidy[c], tidy["participant_id"]))]
    if problems:
        raise InputError(f"{what}: no numbers:\n- " + "\n- ".join(problems))
    out = tidy[["participant_id"]].assign(**{c: as_numbers(tidy[c])[0] for c in columns})
    for person, size in zip(out["participant_id"], out["etiv"], strict=True):
        if in_ml(size):
            hard.setdefault(person, []).append(
                f"etiv {size:g} looks like ml (cm3), not mm3: multiply it by 1000 ({1000 * size:g})"
            )
    return out


def _from_files(files, mask, mask_levels, ids, defined, names, levels, etiv, hard) -> pd.DataFrame:
    """Measures of images or folders of results, one scan a person."""

    def filled(template, person):
        if template is None:
            return None
        text = str(template)
        if "{participant_id}" not in text:
            return text
        spelt = [
            text.replace("{participant_id}", s) for s in dict.fromkeys([person, bare(person), f"sub-{bare(person)}"])
        ]
        return next((p for p in spelt if Path(p).exists()), spelt[0])

    if len(ids) > 1 and files is not None and "{participant_id}" not in str(files):
        raise InputError(f"{files} is one person's; for several people give a path with {{participant_id}} in it")
    if (mask is None) != (mask_levels is None):
        raise InputError("the cord's mask and its levels come together")
    paths = {p: tuple(filled(t, p) for t in (files, mask, mask_levels)) for p in ids}
    for person, (path, *_) in paths.items():
        if path is not None and not Path(path).exists():
            hard.setdefault(person, []).append(f"{path}: no such file or folder")
    there = [p for p in ids if not hard.get(p)]
    scans = pd.DataFrame({"participant_id": there, "session_id": BASELINE})
    sizes = {(p, BASELINE): float(etiv) for p in there} if etiv is not None else None
    table, failed = measure_batch(scans, defined, lambda p, _: paths[p], levels, names, sizes)
    for person, problem in zip(failed["participant_id"], failed["problem"], strict=True):
        hard.setdefault(person, []).append(str(problem))
    return table.drop(columns="session_id", errors="ignore")


# ------------------------------------------------------------------ checks


def _checked(model, found, who, scores) -> dict[str, tuple[list[str], list[str], list[str]]]:
    """What cannot be, what excludes, and what is only flagged, of everybody's measures, by person.

    Nobody is judged by the others of the call: medians of sites are the study's.
    """
    everything = _defined(model)
    scored = [b for b in ordinal_of(everything) if b in found]
    defined = everything[everything["biomarker"].isin(model.norms.models)]
    names, labels = list(defined["biomarker"]), defined.set_index("biomarker")["label"]
    bad = {p: [w] for p, w in _slips(found, defined).items()}
    rest = found[~found["participant_id"].isin(list(bad))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NeuraxisWarning)
        cleaned, impossible = possible(rest, defined)
    for r in impossible.itertuples():
        bad.setdefault(r.participant_id, []).append(f"{r.biomarker} is {r.value:g}, which cannot be ({r.limits})")
    for person in rest.loc[rest[[*names, *scored]].isna().all(axis=1), "participant_id"]:
        bad.setdefault(person, ["none of the model's biomarkers could be measured"])
    cleaned = cleaned[~cleaned["participant_id"].isin(list(bad))]
    sites = who.rename_axis("participant_id").reset_index()
    quick = quality(cleaned, sites, defined, score_min=model.rules["qc_score_min"])
    broken = [quick[~quick["rule"].isin(OF_MANY)], _outliers(model, cleaned, who["site"])]
    for person, table in scores.items():
        if person in set(cleaned["participant_id"]):
            one = cleaned[cleaned["participant_id"] == person]
            told = quality(one, sites, defined, scores=table, score_min=model.rules["qc_score_min"])
            broken.append(told[told["rule"] == "QC score"])
    by_person = dict(
        tuple(pd.concat([t for t in broken if len(t)] or broken[:1]).groupby("participant_id", sort=False))
    )
    rules = set(model.rules["exclude_rules"])
    combat = any(s.site in ("combat", "combat_gam") for s in model.norms.settings.values())
    all_needed = model.rules["missing"] == "drop"  # ComBat needs what has a norm
    needed = [b for b in names if all_needed or b not in ordinal_of(defined)] if all_needed or combat else []
    absent = cleaned.set_index("participant_id")[needed].isna()
    out: dict[str, tuple[list[str], list[str], list[str]]] = {p: (words, [], []) for p, words in bad.items()}
    for person in cleaned["participant_id"]:
        excluded: list[str] = []
        flags: list[str] = []
        for rule, part in by_person[person].groupby("rule", sort=False) if person in by_person else ():
            said = [
                f"{labels.get(r.biomarker, r.biomarker)}" + (f" {r.value:.6g}" if _is_number(r.value) else "") +
                (f" (expected {r.limits})" if r.limits else "")
                for r in part.itertuples()
            ]  # fmt: skip
            sentence = f"{rule}: {name_some(said, 20)}"
            if rule in rules:
                excluded.append(f"the study leaves such people out ({sentence})")
            elif rule != "missing":  # told where the z are made
                flags.append(sentence)
        # whoever has scores alone needs no norms, and so nothing that they need
        gone = [labels[b] for b in needed if absent.at[person, b]]
        if gone and (all_needed or len(gone) < len(needed)):
            excluded.append(f"the study leaves people with missing measures out: {name_some(gone, 20)}")
        out[person] = ([], excluded, flags)
    return out


def _slips(found, defined) -> dict[str, str]:
    """Units that look wrong, by person: each is judged alone, as if nobody else were in the call."""
    try:
        check_units(found, defined)
    except InputError:
        pass
    else:
        return {}
    out = {}
    for person in found["participant_id"]:
        try:
            check_units(found[found["participant_id"] == person], defined)
        except InputError as error:
            out[person] = str(error)
    return out


def _is_number(value) -> bool:
    return isinstance(value, (int, float, np.number)) and np.isfinite(value)


def _outliers(model, measures, sites) -> pd.DataFrame:
    """The study's rule for outliers of a site, from the medians that the model keeps."""
    ref = model.reference[~model.reference["quantity"].astype(str).str.startswith("z:")]
    limit, rows = float(model.rules["outlier_limit"]), []
    of_person = measures["participant_id"].map(sites).astype(str)
    for r in ref[(ref["quantity"] != "etiv") & (ref["mad"] > 0)].itertuples():
        if r.quantity not in measures:
            continue
        mine = measures.loc[of_person == str(r.site), ["participant_id", r.quantity]]
        for person, value in mine[(mine[r.quantity] - r.median).abs() > limit * r.mad].itertuples(index=False):
            rows.append((person, "outlier of its site", r.quantity, value, f"{limit:g} MAD of {r.site}"))
    return pd.DataFrame(rows, columns=["participant_id", "rule", "biomarker", "value", "limits"])


# ------------------------------------------------------------------ norms and models


def _normalised(model, measures, who) -> tuple[pd.DataFrame, dict[str, list[str]], dict[str, list[str]]]:
    """z of everybody who has one, what to say about each, and why the others have none."""
    norms = model.norms
    notes: dict[str, list[str]] = {p: [] for p in measures.index}
    why: dict[str, list[str]] = {}
    labels = model.biomarkers.set_index("biomarker")["label"]
    # whoever has scores alone needs no norms: neither site nor head size
    scored = measures.reindex(columns=ordinal_of(model.biomarkers)).notna().any(axis=1)
    normed = who.loc[measures.reindex(columns=list(norms.models)).notna().any(axis=1) | ~scored]
    if any(s.site != "none" for s in norms.settings.values()):
        sites = sorted({*norms.controls["sites"], *norms.controls["pooled_sites"]} - {POOLED})
        for person, site in normed["site"].items():
            if pd.isna(site):
                known = name_some(norms.controls["sites"])
                why[person] = [f"the norms know sites ({known}): say where the person was scanned"]
            elif site not in sites:
                why[person] = [
                    f"site {site} has no controls in the study, so nobody of it can be placed; its norms know "
                    f"{name_some(sites, 20)}"
                ]
    there = normed.index.difference(list(why), sort=False)
    parts = []
    # what the norms warn of and refuse hangs on site and sex; ages are told below
    for _, group in who.loc[there].groupby(["site", "sex"], dropna=False, sort=False):
        z, told, refused = _applied(norms, measures.loc[group.index], group)
        parts += [z] if len(z) else []
        why |= {p: [words] for p, words in refused.items()}
        for person, words in told.items():
            notes[person] += words
    z = pd.concat(parts) if parts else pd.DataFrame(columns=list(norms.models), dtype=float)
    z = z.reindex([p for p in measures.index if p not in why])
    low, high = norms.controls["age_range"]
    ref = model.reference[
        (model.reference["quantity"] == "etiv") & (model.reference["site"].isna() | (model.reference["site"] == "n/a"))
    ]
    values, columns = z.to_numpy(float), list(z.columns)
    for i, person in enumerate(z.index):
        said = []
        age, size = float(who.at[person, "age"]), measures.at[person, "etiv"]
        gone = [labels.get(b, b) for b, v in zip(columns, values[i], strict=True) if np.isnan(v)]
        if len(gone) == len(columns):
            needs = "; the norms need the head size (etiv, mm3)" if person in normed.index and pd.isna(size) else ""
            lacking = f"no z could be made of any measure{needs}"
            notes[person] = [f"placed by scores alone: {lacking}"] if scored[person] else []
            why |= {} if scored[person] else {person: [lacking]}
            continue
        if not low <= age <= high:
            far = max(low - age, age - high)
            said.append(
                f"age {age:g} lies {far:.1f} years outside the controls' {low:g}-{high:g}: the z are extrapolated"
            )
        said += notes[person]
        if len(ref) and pd.notna(size) and not ref["low"].iloc[0] <= size <= ref["high"].iloc[0]:
            said.append(
                f"head size {size:.4g} mm3 lies outside that of 95 % of the study's people "
                f"({ref['low'].iloc[0]:.4g}-{ref['high'].iloc[0]:.4g})"
            )
        if gone:
            said.append(f"not measured, and left out of the staging: {name_some(gone, 30)}")
        beyond = [f"{labels.get(b, b)} ({v:.1f})" for b, v in zip(columns, values[i], strict=True) if abs(v) > FAR]
        if beyond:
            said.append(f"further from the controls than {FAR:g} SD: {name_some(beyond, 20)}; look at the segmentation")
        notes[person] = said
    return z[[p not in why for p in z.index]].rename_axis("participant_id"), notes, why


def _applied(norms, measures, who) -> tuple[pd.DataFrame, dict[str, list[str]], dict[str, str]]:
    """z of people of one site and sex; what the norms say of each, as if each were alone; why some have none."""
    first, words, refused = _heard(norms, measures.iloc[:1], who.iloc[:1])
    if len(measures) == 1:
        return first, dict.fromkeys(first.index, words), refused
    try:
        return norms.apply(measures, who, quiet=True), {p: list(words) for p in measures.index}, {}
    except NeuraxisError:  # somebody's: each alone
        parts = [_heard(norms, measures.loc[[p]], who.loc[[p]]) for p in measures.index]
    told = {p: words for z, words, _ in parts for p in z.index}
    whole = [z for z, *_ in parts if len(z)]
    return pd.concat(whole) if whole else first.iloc[:0], told, {p: w for *_, no in parts for p, w in no.items()}


def _heard(norms, measures, who) -> tuple[pd.DataFrame, list[str], dict[str, str]]:
    """z of one person, what the norms warn of but for ages, and why there is none."""
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            z = norms.apply(measures, who)
    except NeuraxisError as error:
        return pd.DataFrame(columns=list(norms.models), dtype=float), [], {measures.index[0]: str(error)}
    heard = [str(w.message) for w in said if issubclass(w.category, NeuraxisWarning)]
    return z, [words for words in heard if "controls' ages" not in words], {}


def _with_scores(model, z, measures, wanted, notes, hard):
    """z of the people whose ordinal scores are scores of the models, and those scores; the others are refused, each alone."""
    names = ordinal_of(_defined(model))
    scores = measures.reindex(index=z.index, columns=names).astype(float)
    label = model.biomarkers.set_index("biomarker")["label"]
    for person in z.index if names else ():
        for disease in wanted:
            events = model.models[disease].events
            row = (
                z.loc[[person]]
                .drop(columns=names, errors="ignore")
                .join(scores)
                .reindex(columns=list(events.biomarkers))
                .astype(float)
            )
            try:
                events.check_values(row.to_numpy(), row.index)
            except InputError as error:
                hard.setdefault(person, []).append(f"{disease}: {error}")
            gone = [label.get(b, b) for b in names if b in row and row[b].isna().any()]
            if gone:
                notes.setdefault(person, []).append(f"not measured, and left out of the staging: {name_some(gone, 30)}")
    z = z[[not hard.get(p) for p in z.index]]
    return z, scores.loc[z.index]


def _placed(model, z, wanted, notes, overridden) -> tuple[pd.DataFrame, dict]:
    """Subtype and stage of everyone under every disease's model, and the course of similar patients."""
    parts, course = [], {}
    for disease in wanted:
        if z.empty:
            continue
        fitted = model.models[disease]
        used = list(fitted.events.biomarkers)
        known = z[used].notna().any(axis=1)
        for person in z.index[~known]:
            notes.setdefault(person, []).append(f"{disease}: none of the model's biomarkers has a value")
        if not known.any():
            continue
        found = fitted.assign(z.loc[known, used])
        found.insert(0, "disease", disease)
        found.insert(2, "name", found["subtype"].map(shown_names(model.names[disease])))
        parts.append(found)
        later = _Later.of(model, disease)
        for person in found.index:
            if later is not None and (told := later.course(z.loc[person, used])):
                course[person, disease] = told
    if not parts:
        return pd.DataFrame(
            columns=["participant_id", "disease", "subtype", "name", "stage", "overridden", "notes"]
        ), {}
    table = pd.concat(parts).rename_axis("participant_id").reset_index()
    table["overridden"] = ["; ".join(overridden.get(p, [])) for p in table["participant_id"]]
    table["notes"] = ["; ".join(dict.fromkeys(notes.get(p, []))) for p in table["participant_id"]]
    if model.card.get("simulated"):
        table["origin"] = "SIMULATED model"
    return table, course


@dataclass(frozen=True)
class _Later:
    """The study's patients with later scans: their z, and their stages at first and at last.

    Attributes
    ----------
    z : DataFrame
        By participant_id.
    before, after, years : Series by participant_id
    """

    z: pd.DataFrame
    before: pd.Series
    after: pd.Series
    years: pd.Series

    @classmethod
    def of(cls, model, disease: str) -> _Later | None:
        """Of a disease's model; None where the study is not there, or nobody was scanned again."""
        if model.study is None:
            return None
        folder = model.study / "results"
        later = load(folder / f"sustain/{disease}/followup.tsv")
        if "stage" not in later or later.empty:
            return None
        everyone = load(folder / "normative/zscores.tsv").set_index("participant_id")
        people = load(folder / f"sustain/{disease}/subtypes.tsv").set_index("participant_id")
        last = later.sort_values("years").groupby("participant_id").last()
        there = everyone.index.intersection(last.index).intersection(people.index)
        names = [b for b in model.norms.models if b in everyone]
        last = last.loc[there].astype({"years": float, "stage": float})
        first = people.loc[there, "oof_stage"].astype(float)
        return cls(everyone.loc[there, names].astype(float), first, last["stage"], last["years"])

    def course(self, z: pd.Series) -> dict:
        """What became of those most like a person: n, years, first and last stage, share that rose; empty where few are.

        Similar is a small root mean square difference of z over the biomarkers that both have.
        """
        z = z[z.index.isin(self.z.columns)].astype(float)  # scores have no z
        apart = (self.z[z.index] - z).to_numpy() ** 2
        known = np.isfinite(apart)
        some = known.any(axis=1)
        distance = np.where(known, apart, 0.0)[some].sum(axis=1) / known[some].sum(axis=1)
        nearest = self.z.index[some][np.argsort(distance, kind="stable")]
        # of few people the more similar half: all of them would be nobody's likeness
        near = nearest[: min(SIMILAR, len(nearest) // 2)]
        if len(near) < TOLD:
            return {}
        before, after = self.before.loc[near], self.after.loc[near]
        return {
            "n": len(near),
            "of": len(self.z),
            "years": float(self.years.loc[near].median()),
            "stage_first": float(before.median()),
            "stage_last": float(after.median()),
            "rose": float((after > before).mean()),
            "fell": float((after < before).mean()),
        }
