"""The report: one file that opens anywhere, from the tables and figures of results/."""

from __future__ import annotations

import html
import json
import logging
import re
from importlib import resources
from pathlib import Path

import jinja2
import pandas as pd
import yaml
from PIL import Image

from ..errors import counted
from ..figures.declared import OF_CONTROLS, OF_DISEASE, OF_DISEASES, Figure
from ..figures.style import NOTHING, colours
from ..job import warnings_in
from ..labels import is_true, variants_in_words
from ..tables import aside
from . import sentences, standing
from .checklists import answered
from .facts import Disease, Study, below_results, read_study
from .methods import methods_text, references
from .people import write_people
from .views import HOLDING, MOST_PAGE, Held, TableStore, any_table, flow_boxes, folded_table, picture, vector
from .words import VALUES

PAGES = jinja2.Environment(
    loader=jinja2.PackageLoader("neuraxis.report", "assets"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
#: Pixels of an inch of a figure on the screen: text of 7 points is 10 pixels high.
PIXELS = 108

#: Chapter of a disease to the places whose sentences stand in it.
PLACES = {"number": ("number",), "trust": ("model", "labels"), "nuisance": ("nuisance",)}


def asset(name: str) -> str:
    """Text of a file that goes into the page."""
    return resources.files("neuraxis.report").joinpath("assets", name).read_text(encoding="utf-8")


class Figures:
    """Figures of the page, numbered when all are known."""

    def __init__(self, store: TableStore, held: Held = HOLDING[0]) -> None:
        self.store = store
        self.held = held
        self.shown: list[dict] = []

    def number(self) -> None:
        """Number all figures as they stand in the page: those of the summary first."""
        for i, figure in enumerate(sorted(self.shown, key=lambda f: not f["first"]), start=1):
            figure["number"] = i

    def show(self, figure: Figure, path: Path, tables: dict[str, pd.DataFrame], facts, key: str) -> dict | None:
        """What the template needs of one figure; None where there was nothing to draw."""
        if not path.is_file():
            return None
        with Image.open(path) as image:
            if NOTHING in image.info:
                return None
        source, inches = picture(path, self.held.dpi)
        pdf = path.with_suffix(".pdf")
        made = {
            "id": key,
            "title": standing.title_of(figure, facts),
            "caption": standing.caption_of(figure, facts),
            "src": source,
            "alt": alt_text(figure, facts),
            "width": round(inches * PIXELS),
            "pdf": vector(path, self.held.vector),
            "pdf_at": "/".join(["results", *pdf.parts[-1 - pdf.parts[::-1].index("figures") :]])
            if pdf.is_file()
            else "",
            "tables": [
                self.store.add(name, table) for name, table in tables.items() if 0 < table.size <= self.held.data
            ],
            "tables_at": [place_of(name, facts) for name, table in tables.items() if table.size > self.held.data],
            "section": figure.section,
            "first": figure.first,
        }
        self.shown.append(made)
        return made


def alt_text(figure: Figure, facts: Study | Disease) -> str:
    """What a figure shows, in words: the finding where there is one, else what is drawn."""
    found = sentences.FINDINGS.get(figure.name)
    if isinstance(facts, Disease) and figure.sampled and not facts.converged:
        found = None  # what is drawn is not told
    return (
        f"{standing.title_of(figure, facts)}. {(found(facts) if found else '') or standing.caption_of(figure, facts)}"
    )


def disease_part(d: Disease, root: Path, store: TableStore, figures: Figures) -> dict:
    """Everything of one disease that the template shows."""
    said = sentences.said
    drawn = []
    for figure in OF_DISEASE:
        # the first to keep a table decides how it is shown: as it is in the chapter, with labels
        tables = {f"{d.name}/{t}": worded(d.tables[t], d) for t in figure.tables}
        path = root / "figures" / d.name / f"{figure.name}.png"
        drawn.append(figures.show(figure, path, tables, d, f"{d.name}-{figure.name}"))
    shown = [f for f in drawn if f]
    no_finding = (sentences.NOT_FOUND, sentences.NOT_TESTABLE)
    results = sentences.clinical_sentences(d)
    folded = {"clinical": [line for line in results if line.startswith(no_finding)]}
    found = [line for line in results if not line.startswith(no_finding)]
    lines = {"clinical": found, "subtypes": [p["text"] for p in portraits(d)]}
    for chapter, notes in standing.NOTES.items():
        lines[chapter] = [*lines.get(chapter, []), *standing.told(notes, d)]
    tables = {}
    for chapter, wanted in standing.TABLES.items():
        if (chapter == "truth" and not d.simulated) or (chapter == "followup" and d.tables["followup"].empty):
            continue
        tables[chapter] = []
        for name, captions in wanted.items():
            table = d.tables[name]
            if name == "names" and len(table):
                if d.k < 2:
                    continue
                table = table.drop(columns="rule").sort_values("n_staged_oof", ascending=False)
            if name == "selection" and len(table):
                table = table.drop(columns="reason")
            if name == "clinical/table1_included" and "excluded" not in table:
                continue  # nobody was
            if name == "clinical/nuisance" and len(table) and d.k < 2:
                table = table[table["label"] != "subtype"]
            if name == "stability" and "tau" in table and table["tau"].isna().all():
                continue  # orders of a single event cannot differ
            if name == "sites" and len(table) and table["site"].nunique() < 2 and table["tau"].isna().all():
                continue  # without the only site nobody is left
            if name == "clinical/transitions" and standing.one_group(d):
                continue  # nobody could change into another
            table = of_one_order(name, table) if d.k < 2 else table
            caption = standing.first(captions, d)
            tables[chapter].append(any_table(store, f"{d.name}/{name}", worded(table, d), caption))
        tables[chapter] = [t for t in tables[chapter] if t]
    told = {chapter: said(d, *PLACES.get(chapter, ())) for chapter in standing.CHAPTERS}
    chapters = [
        (c, standing.first(words, d))
        for c, words in standing.CHAPTERS.items()
        if told[c] or lines.get(c) or folded.get(c) or tables.get(c) or any(f["section"] == c for f in shown)
    ]
    # nothing that rests on chains that disagree stands in the summary
    sure = [*said(d, "number"), *(s for s in said(d, "model", "labels") if s.name in SURE and d.converged)]
    return {
        "name": d.name,
        "id": "d-" + "".join(c if c.isalnum() else "-" for c in d.name),
        "headline": headline(d),
        "surety": sentences.surety(d),
        "sure": [s for s in sure if not s.warn],
        "portraits": portraits(d) if d.converged else [],
        "nobody": standing.first(standing.NOBODY, d),
        "meaning": list(said(d, "clinical")),
        "figures": shown,
        "chapters": chapters,
        "sentences": told,
        "lines": {c: lines.get(c, []) for c in standing.CHAPTERS},
        "folded": {c: folded.get(c, []) for c in standing.CHAPTERS},
        "tables": {c: tables.get(c, []) for c in standing.CHAPTERS},
    }


#: Table, column, and how values of the column begin that are of subtypes: with one order they are 0 or 1 by definition.
OF_SUBTYPES = {
    "recovery": ("quantity", "subtype"),
    "calibration": ("quantity", "P(subtype)"),
    "baselines": ("compared_with", "subtype"),
}


def of_one_order(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """A table of a disease without what compares subtypes, for a model that has one order.

    Examples
    --------
    >>> of_one_order("recovery", pd.DataFrame({"quantity": ["subtype ARI", "stage Spearman correlation"]}))["quantity"].tolist()
    ['stage Spearman correlation']
    """
    column, begins = OF_SUBTYPES.get(name, ("", ""))
    return table[~table[column].astype(str).str.startswith(begins)] if column in table else table


def labelled(table: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """A table with biomarkers under their labels: in columns of biomarkers, and where an event begins with one."""
    table = table.copy()
    for column in {"biomarker", "other"} & set(table):
        table[column] = table[column].replace(labels.to_dict())
    if "event" in table:
        # of a table without any event, partition makes one column
        parts = table["event"].astype("string").str.partition(" ").reindex(columns=range(3))
        name, rest = parts[0], parts[2]
        table["event"] = (name.replace(labels.to_dict()) + " " + rest).where(table["event"].notna()).astype(object)
    return table


def worded(table: pd.DataFrame, d: Disease) -> pd.DataFrame:
    """A table of a disease as it is read: labels of biomarkers, names of subtypes, and words for short names of the workflow."""
    table = labelled(table, d.labels)
    if table.empty:
        return table
    if {"model", "n_subtypes"} <= set(table):
        table = table.drop(columns="n_subtypes")  # the model says it, and -1 nothing
    if "subtype" in table and pd.api.types.is_numeric_dtype(table["subtype"]) and "name" not in table and d.k > 1:
        table["subtype"] = table["subtype"].map(d.names)
    for column, words in VALUES.items():
        if column in table:
            table[column] = table[column].replace(words)
    if d.k < 2 and {"model", "against"} <= set(
        table
    ):  # one order: what subtype and stage add is what atrophy and stage do
        for column in ("model", "against"):
            table[column] = table[column].replace("subtype", "atrophy", regex=True)
    if "variant" in table:
        table["variant"] = table["variant"].map(variants_in_words(table["variant"].dropna().unique()))
    if "covariates" in table:
        table["covariates"] = table["covariates"].map(
            lambda v: ", ".join(map(d.in_words, str(v).split(", "))), na_action="ignore"
        )
    if "variable" in table:  # "edss, median [Q1,Q3]", "etiv"
        parts = table["variable"].astype(str).str.partition(", ")
        table["variable"] = parts[0].map(lambda v: "people" if v == "n" else d.in_words(v)) + parts[1] + parts[2]
    return table


#: Cautions of the summary that are not folded away, where no more than these must be seen.
OPEN_CAUTIONS = 7
#: Sentences of model and labels that belong into the summary.
SURE = ("folds_agree", "how_sure", "how_many_staged")


def headline(d: Disease) -> str:
    """The number of subtypes in a few words."""
    same = "the same" if d.by_rule == d.k else d.by_rule
    how = f"fixed; the rule chooses {same}" if d.fixed else "chosen"
    if d.k == 0:
        return "No common order of atrophy"
    if d.k == 1:
        return f"One order for everyone ({how})"
    return f"{counted(d.k, 'subtype')} ({how})"


def portraits(d: Disease) -> list[dict]:
    """How subtypes look, each with its colour, most people first."""
    tint = colours(list(dict.fromkeys(d.names.values())))
    out = []
    for c, _, _ in d.ranked:
        if text := sentences.portrait(d, c):
            out.append({"text": text, "colour": tint[d.names[c]] if d.k > 1 else ""})
    return out


def lead(study: Study) -> str:
    """One sentence on who was looked at."""
    counts = study.participants["group"].value_counts()
    groups = [f"{counts.get(d.name, 0):,} with {d.name}" for d in study.diseases]
    groups.append(f"{counted(counts.get(study.control, 0), 'control', spec=',')} ({study.control})")
    age = study.participants["age"].astype(float)
    youngest, oldest = f"{age.min():.0f}", f"{age.max():.0f}"
    span = youngest if youngest == oldest else f"{youngest} to {oldest}"
    sites = "" if study.no_sites else f" from {counted(study.n_sites, 'site')}"
    n, cord = len(study.measured), len(study.cord)
    own = study.measured["kind"].isin(("column", "table")).any()  # may be anything: a marker of blood, a score
    what = "measure" if own or (cord == n and n) else "regional measure"
    where = " of the spinal cord" if cord == n and n else " with the spinal cord" if cord else ""
    return f"{sentences.listed(groups)}{sites}, aged {span}, {counted(n, what)}{where}."


def reasons(study: Study, flow: list[dict]) -> list[dict]:
    """The flow with the reasons of exclusions by quality rules."""
    qc = study.tables["features/qc"]
    if qc.empty:
        return flow
    group = study.participants.set_index("participant_id")["group"]
    out = qc[qc["decision"] == "excluded"].assign(group=lambda t: t["participant_id"].map(group))
    for column in flow:
        mine = out[out["group"] == column["group"]].drop_duplicates(["participant_id", "rule"])
        why = ", ".join(f"{rule} {n}" for rule, n in mine["rule"].value_counts().items())
        for step in column["steps"]:
            if step["label"] == "quality rules" and step["excluded"]:
                step["why"] = why
    return flow


def write_report(
    results,
    page,
    *,
    title: str,
    diseases,
    control: str,
    simulated: bool,
    biomarkers,
    label_names,
    logs,
    people: bool = True,
    words=None,
) -> None:
    """Write results/report/index.html, people.html beside it where wanted, and the results in sentences.

    Parameters
    ----------
    results : path
        Folder of the tables and figures.
    page : path
        Of the report.
    title : str
    diseases : sequence of str
    control : str
    simulated : bool
    biomarkers, label_names : path
        Definitions, and names of label ids.
    logs : path
        Folder of the jobs' logs, whose warnings are told.
    people : bool
        Write people.html.
    words : mapping of str to path, optional
        results.txt of every disease.
    """
    study = read_study(results, diseases=diseases, control=control, simulated=simulated, biomarkers=biomarkers)
    beside = Path(page).with_name("people.html")
    if people:
        names = pd.read_csv(label_names, sep="\t").set_index("label")["name"]
        script = asset("table.js") + asset("people.js")
        write_people(study, beside, title=title, style=asset("style.css"), script=script, label_names=names)
    else:
        beside.unlink(missing_ok=True)  # of an earlier run: it holds ids
    with aside(page) as part:
        text = fitted(study, Path(results), title=title, logs=logs, people=people)
        part.write_text(text, encoding="utf-8")
    for d in study.diseases:
        if words:
            with aside(words[d.name]) as part:
                lines = ["SIMULATED DATA"] * simulated + sentences.clinical_sentences(d)
                part.write_text("\n".join(lines) + "\n", encoding="utf-8")


def fitted(study: Study, root: Path, **options) -> str:
    """The page as text, with as much of its figures as a page that can be mailed holds; see `render`."""
    text = ""
    for held in HOLDING:
        text = render(study, root, held=held, **options)
        size = len(text.encode())
        if size <= MOST_PAGE:
            return text
        logging.getLogger(__name__).info(
            "the page has %.1f MB, more than %.0f with %s", size / 1e6, MOST_PAGE / 1e6, held
        )
    return text


def render(study: Study, root: Path, *, title: str, logs, people: bool, held: Held = HOLDING[0]) -> str:
    """The page as text."""
    store = TableStore()
    figures = Figures(store, held)
    said = sentences.said
    checks = study.norms_checks
    failed = checks[~is_true(checks["passed"])] if len(checks) else checks

    labels = study.biomarkers.set_index("biomarker")["label"]

    def study_table(name: str) -> pd.DataFrame:
        table = labelled(study.tables[_below(name)], labels)
        return table.rename(columns=labels.to_dict()) if name == "normative/zscores" else table

    def of_all(declared):
        shown = [
            figures.show(
                f,
                root / "figures" / f"{f.name}.png",
                {t: study_table(t) for t in f.tables},
                study,
                f.name,
            )
            for f in declared
        ]
        return [f for f in shown if f]

    norms_figures = of_all(OF_CONTROLS)
    parts = [disease_part(d, root, store, figures) for d in study.diseases]
    cross = None
    if len(study.diseases) > 1:
        # one pair of orders, and one subtype, are a sentence and no table
        lines = {"similarity": sentences.one_likeness(study), "enrichment": sentences.one_joint_subtype(study)}
        cross = {
            "figures": of_all(OF_DISEASES),
            "lines": [line for line in lines.values() if line],
            "tables": [
                any_table(store, name, study.tables[f"sustain/crossdisease/{name}"], caption)
                for name, caption in (
                    ("similarity", "Likeness of event orders"),
                    ("projection_counts", "People of one disease under the other's model"),
                    ("enrichment", sentences.joint_model(study.tables["sustain/crossdisease/joint_diagnostics"])),
                )
                if not lines.get(name)
            ],
        }
    figures.number()
    flow = study.flow.drop(columns=["who"], errors="ignore")
    first = study.diseases[0] if study.diseases else None
    groups = worded(first.tables["clinical/table1_groups"], first) if first else pd.DataFrame()
    p = study.provenance
    versions = ", ".join(f"{name} {v}" for name, v in p.get("versions", {}).items())
    known = {
        "title": title,
        "simulated": study.simulated,
        "style": asset("style.css"),
        "script": asset("table.js") + asset("index.js"),
        "lead": lead(study),
        "warnings": (cautions := sentences.warnings_first(study)),
        "n_open": max(OPEN_CAUTIONS, sum(s.name in sentences.ON_TOP for s in cautions)),
        "flow": reasons(study, flow_boxes(study)),
        "people": said(study, "people"),
        "qc": standing.first(standing.QUALITY, study),
        "people_tables": [
            any_table(store, "table1_groups", groups, "Table 1 by group"),
            folded_table(store, "flow", flow, "Who left at which step"),
        ],
        "people_page": "people.html" if people else "",
        "run": warnings_in(logs),
        "norms": said(study, "norms"),
        "norms_tables": [
            folded_table(
                store, "norms_failed", labelled(failed[[c for c in CHECKED if c in failed]], labels) if len(failed) else failed,
                "Checks that failed",
            )
        ],
        "norms_figures": norms_figures,
        "diseases": parts,
        "cross": cross,
        "methods": methods_text(study),
        "references": references(study),
        "limitations": standing.told(standing.LIMITATIONS, study),
        "checklists": answered(study, parts),
        "versions": f"neuraxis at commit {p.get('commit', 'unknown')}"
        + (" with uncommitted changes" if p.get("uncommitted_changes") else "")
        + f", Python {p.get('python', '')}, seed {p.get('seed', '')}. {versions}.",
        "provenance": json.dumps({k: v for k, v in p.items() if k != "config"}, indent=1),
        "config": yaml.safe_dump(study.config, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True),
        "store": store.scripts(),
    }  # fmt: skip
    template = PAGES.get_template("index.html.j2")
    # terms are explained that the page uses
    return template.render(known, glossary=standing.glossary(study, text_of(template.render(known, glossary=[]))))


def text_of(page: str) -> str:
    """Text of a page, words of its tables among it, without pictures, files, styles, scripts and code."""
    page = re.sub(r'="data:[^"]*"|<style>.*?</style>|<script>.*?</script>|<pre.*?</pre>', "", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", " ", page))


CHECKED = ("biomarker", "check", "part", "n", "mean", "sd", "why")


def _below(table: str) -> str:
    """Path below results/ of a table that a figure of all diseases names."""
    return f"sustain/{table}" if table.startswith("crossdisease/") else table


def place_of(table: str, facts: Study | Disease) -> str:
    """Where a table of a figure lies: of a study by its path, of a disease by the disease and the name it has there."""
    if not isinstance(facts, Disease):
        return f"results/{_below(table)}.tsv"
    return "results/" + below_results(table.removeprefix(f"{facts.name}/"), facts.name)


def write_dictionary(source, path) -> None:
    """Write results/README.md from docs/results.md, the data dictionary's source."""
    text = Path(source).read_text(encoding="utf-8")
    with aside(path) as part:
        part.write_text(text, encoding="utf-8")
