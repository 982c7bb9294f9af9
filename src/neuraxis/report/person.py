"""The page of one new person: self-contained HTML that prints on two A4 pages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, Template

from ..biomarkers import ordinal_of
from ..errors import InputError, counted
from ..labels import shown_names
from ..newpeople.shared import RESEARCH
from ..sustain.diagnostics import verdict
from ..tables import read_table

#: Ends of the profile's axis: z beyond are drawn at the end, with their number.
LEAST, MOST = -4.0, 8.0
#: Ends of the drawing's colours, z.
ENDS = 4
#: Colours of z within and outside the controls' range (Okabe and Ito).
WITHIN, OUTSIDE = "#0072B2", "#D55E00"


@dataclass(frozen=True)
class Paper:
    """What the pages of all people under a model share.

    Attributes
    ----------
    model : newpeople.SharedModel
    where : dict of str to list of (str, str)
        Places of its biomarkers on the drawing.
    labels : Series by biomarker
    controls : dict of str to (float, float)
        Central 95 % of the controls' z.
    outlines : list of dict
        From `figures.brain.brain_drawing`.
    views : tuple of str
        Views of brain and cord in which anything of the model has a place.
    """

    model: Any
    where: dict
    labels: pd.Series
    controls: dict[str, tuple[float, float]]
    outlines: list[dict]
    views: tuple[str, ...]

    @classmethod
    def of(cls, model) -> Paper:
        """Of a model."""
        from ..figures.brain import brain_drawing, views_of

        where = places(model)
        labels = model.biomarkers.set_index("biomarker")["label"]
        views = views_of(where, model.norms.models)
        return cls(model, where, labels, _controls(model), brain_drawing(where, views), views)


@cache
def template() -> Template:
    """The page's template: this package's own, every value in it escaped."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True)
    environment.filters["counted"] = counted
    return environment.get_template("person.html.j2")


def person_page(placed, person: str, paper: Paper | None = None) -> str:
    """HTML of one person of `newpeople.Placed`.

    Parameters
    ----------
    placed : newpeople.Placed
    person : str
        participant_id; one who was placed.
    paper : Paper, optional
        Of the model, where many pages are made.

    Returns
    -------
    str
        Text with everything in it: no script, no file, no address.

    Raises
    ------
    InputError
        The person was refused, or is not among those given.
    """
    if person not in placed.z.index:
        why = placed.refused.loc[placed.refused["participant_id"] == person, "reason"]
        raise InputError(f"{person} was not placed: {'; '.join(why) or 'nobody of this id was given'}")
    from ..figures.brain import has_outline, in_words

    model = placed.model
    paper = paper or Paper.of(model)
    who = placed.people.set_index("participant_id").loc[person]
    z = placed.z.loc[person].astype(float)
    rows = placed.table[placed.table["participant_id"] == person]
    undrawn = [b for b in z.index[z.notna()] if not any(map(has_outline, paper.where.get(b, ())))]
    return template().render(
        person=person,
        who={
            "age": f"{who['age']:g} years",
            "sex": {"F": "female", "M": "male"}[who["sex"]],
            "site": who["site"] if pd.notna(who["site"]) else "not given",
        },
        diseases=[_disease(placed, row) for row in rows.to_dict(orient="records")],
        terms=terms(model.norms, z.index),
        profile=profile(z, paper.labels, paper.controls) if len(z) else "",
        scores=_scores(placed, person, paper),
        drawing=drawing(z, paper),
        drawn=in_words(paper.views),
        undrawn=[paper.labels[b] for b in undrawn],
        measures=_measures(placed, person, paper),
        notes=placed.notes.get(person, []),
        overridden=placed.overridden.get(person, []),
        card=model.card,
        rules=model.rules,
        research=RESEARCH,
    )


def _controls(model) -> dict[str, tuple[float, float]]:
    """Central 95 % of the controls' out-of-sample z, by biomarker."""
    table = model.reference[model.reference["quantity"].astype(str).str.startswith("z:")]
    return {q[2:]: (float(a), float(b)) for q, a, b in table[["quantity", "low", "high"]].itertuples(index=False)}


def _disease(placed, row: dict) -> dict:
    """What the page says under one disease's model."""
    disease, person = row["disease"], row["participant_id"]
    model = placed.model.models[disease]
    names = shown_names(placed.model.names[disease])
    chains = placed.model.evidence.get(disease, {}).get("diagnostics")
    about = placed.model.card["diseases"][disease]
    normal = bool(row["normal_appearing"])
    probabilities = [
        {"name": name, "given": row[f"p_subtype{c}"], "staged": row.get(f"p_staged_subtype{c}")}
        for c, name in names.items()
    ]
    return {
        "name": disease,
        "normal": normal,
        "subtype": row["name"],
        "p_healthy": float(row["p_healthy"]),
        "probabilities": probabilities,
        "stage": int(row["stage"]),
        "low": int(row["stage_low"]),
        "high": int(row["stage_high"]),
        "n_stages": model.events.n_events,
        "confident": bool(row["confident"]),
        "about": about,
        "converged": chains is None or verdict(chains)[0],
        "controls_staged": about.get("said_of_controls", {}).get("share of controls at stage 1 or above"),
        "course": placed.course.get((person, disease)),
    }


def terms(norms, names) -> str:
    """What the norms of these biomarkers take account of, in words.

    Examples
    --------
    >>> from types import SimpleNamespace as Spec
    >>> norms = Spec(settings={"cord": Spec(site="none", head_size="none"), "thalamus": Spec(site="fixed", head_size="power")},
    ...              controls={"n_by_sex": {"F": 20, "M": 0}, "sites": ["A", "B"]})
    >>> terms(norms, ["thalamus"]), terms(norms, ["cord"])
    ('age, site and head size', 'age')
    >>> terms(norms, ["cord", "thalamus"])
    'age, site (not of every measure) and head size (not of every measure)'
    """
    mine = [norms.settings[b] for b in names if b in norms.settings]
    out = ["age"] + ["sex"] * (sum(n > 0 for n in norms.controls["n_by_sex"].values()) > 1)
    for word, key, there in (("site", "site", len(norms.controls["sites"]) > 1), ("head size", "head_size", True)):
        has = [getattr(s, key) != "none" for s in mine]
        if there and any(has):
            out.append(word + " (not of every measure)" * (not all(has)))
    return " and ".join([", ".join(out[:-1]), out[-1]]) if len(out) > 1 else out[0]


def _measures(placed, person: str, paper: Paper) -> list[dict]:
    """Measures, their z and the controls' range, in the definitions' order."""
    found, z = placed.measures.loc[person], placed.z.loc[person]
    out = []
    for b in placed.model.biomarkers.itertuples():
        if b.biomarker not in z.index:
            continue
        value, score = found.get(b.biomarker, np.nan), z[b.biomarker]
        low, high = paper.controls.get(b.biomarker, (np.nan, np.nan))
        out.append(
            {
                "label": b.label,
                "unit": b.unit,
                "value": _number(value) if pd.notna(value) else "not measured",
                "z": f"{score:.2f}" if pd.notna(score) else "n/a",
                "range": f"{low:.1f} to {high:.1f}" if np.isfinite(low) else "n/a",
                "outside": bool(pd.notna(score) and np.isfinite(high) and (score > high or score < low)),
            }
        )
    return out


def _scores(placed, person: str, paper: Paper) -> list[dict]:
    """Ordinal scores of the models, which have no z, in the definitions' order."""
    names = {b for m in placed.model.models.values() for b in m.events.biomarkers} & set(
        ordinal_of(placed.model.biomarkers)
    )
    found = placed.measures.loc[person]
    return [
        {"label": paper.labels[b], "value": _number(found[b]) if pd.notna(found.get(b)) else "not measured"}
        for b in placed.model.biomarkers["biomarker"]
        if b in names
    ]


def _number(value: float) -> str:
    """Five digits, and no exponents for volumes."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def profile(z: pd.Series, labels: pd.Series, controls: dict[str, tuple[float, float]]) -> str:
    """SVG: z of every measure against the controls' central 95 %.

    Parameters
    ----------
    z : Series by biomarker
        NaN where not measured.
    labels : Series by biomarker
    controls : dict of str to (float, float)

    Returns
    -------
    str
    """
    step, left, width, top = 17, 150, 430, 22
    height = top + step * len(z) + 20

    def x(value):
        return left + (min(max(value, LEAST), MOST) - LEAST) / (MOST - LEAST) * width

    parts = [
        f'<svg viewBox="0 0 {left + width + 60} {height}" role="img" aria-label="z of every measure" '
        'xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif" font-size="10">'
    ]
    for tick in range(int(LEAST), int(MOST) + 1, 1):
        parts.append(f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{top}" y2="{height - 18}" stroke="#ddd"/>')
        if tick % 2 == 0:
            parts.append(f'<text x="{x(tick):.1f}" y="{height - 5}" text-anchor="middle">{tick}</text>')
    parts.append(f'<text x="{left}" y="12">z (positive: abnormal); grey: 95 % of the controls</text>')
    parts.append(f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="{top}" y2="{height - 18}" stroke="#555"/>')
    for i, (b, value) in enumerate(z.items()):
        y = top + step * i + step / 2
        low, high = controls.get(b, (-1.96, 1.96))
        parts.append(
            f'<rect x="{x(low):.1f}" y="{y - 6:.1f}" width="{x(high) - x(low):.1f}" height="12" fill="#bbb" opacity=".6"/>'
        )
        parts.append(f'<text x="{left - 6}" y="{y + 3.5:.1f}" text-anchor="end">{_escaped(labels.get(b, b))}</text>')
        if not np.isfinite(value):
            parts.append(f'<text x="{x(0) + 4:.1f}" y="{y + 3.5:.1f}" fill="#777">not measured</text>')
            continue
        colour = WITHIN if low <= value <= high else OUTSIDE
        parts.append(
            f'<line x1="{x(0):.1f}" x2="{x(value):.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="{colour}" stroke-width="2"/>'
        )
        parts.append(f'<circle cx="{x(value):.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
        parts.append(
            f'<text x="{left + width + 8}" y="{y + 3.5:.1f}" fill="{colour}">{round(value, 1) + 0.0:.1f}</text>'
        )
    parts.append("</svg>")
    return "".join(parts)


def places(model) -> dict[str, list[tuple[str, str]]]:
    """Where the model's biomarkers are on the drawing."""
    from ..figures.brain import structures
    from ..home import workflow_home

    label_names = read_table(workflow_home() / "resources/labels.tsv").set_index("label")["name"]
    return structures(model.biomarkers, label_names, model.norms.models)


def drawing(z: pd.Series, paper: Paper) -> str:
    """SVG coloured by z of the brain, the cord, or both, as they are in the model; "" where none of its biomarkers has a place."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    from ..figures.brain import EDGE, EMPTY, HEIGHT, UNITS, VIEWS, WIDTH, cord_names, in_words, placed

    if not paper.views:
        return ""
    moved, wide = placed(paper.views)
    colours, scale = colormaps["RdBu_r"], UNITS / WIDTH
    fill = {b: to_hex(colours((min(max(v, -ENDS), ENDS) + ENDS) / (2 * ENDS))) for b, v in z.items() if np.isfinite(v)}
    high = HEIGHT * scale
    bar, top, tall = round(wide * scale) + 65, 8.0, high - 16
    # a part of the drawing is no larger than it is in the whole
    share = (bar + 60) / (UNITS + 125)
    narrow = f'style="width:{share:.0%};min-width:{34 * share:.3g}rem" ' if share < 1 else ""
    parts = [
        f'<svg viewBox="-4 -4 {bar + 60} {high + 8:.0f}" {narrow}role="img" aria-label="z on {in_words(paper.views)}" '
        'xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif" font-size="13">'
        '<defs><pattern id="none" width="7" height="7" patternTransform="rotate(45)" patternUnits="userSpaceOnUse">'
        f'<rect width="7" height="7" fill="{EMPTY}"/><line y2="7" stroke="{EDGE}" stroke-width=".6"/></pattern>'
        '<linearGradient id="z" x2="0" y1="1" y2="0">'
        + "".join(f'<stop offset="{i / 16:g}" stop-color="{to_hex(colours(i / 16))}"/>' for i in range(17))
        + "</linearGradient></defs>"
    ]
    for piece in paper.outlines:
        inside = fill.get(piece["b"], "url(#none)" if piece["w"] else EMPTY)
        parts.append(f'<path d="{piece["d"]}" fill="{inside}" stroke="{EDGE}" stroke-width="{piece["w"]}"/>')
    for name, y in cord_names(paper.model.rules["cord_levels"]) if "cord" in moved else ():
        parts.append(
            f'<text x="{(VIEWS["cord"] + moved["cord"] + 0.21) * scale:.1f}" y="{(HEIGHT - y) * scale + 4:.1f}">{_escaped(name)}</text>'
        )
    parts.append(f'<rect x="{bar}" y="{top}" width="14" height="{tall:.1f}" fill="url(#z)" stroke="{EDGE}"/>')
    for tick in range(-ENDS, ENDS + 1, 2):
        y = top + (ENDS - tick) / (2 * ENDS) * tall
        parts.append(f'<path d="M{bar + 14} {y:.1f}h4" stroke="{EDGE}"/>')
        parts.append(f'<text x="{bar + 21}" y="{y + 4.5:.1f}">{tick}</text>')
    parts.append(f'<text x="{bar - 14}" y="{top + tall / 2 + 4:.1f}">z</text></svg>')
    return "".join(parts)


def _escaped(text) -> str:
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
