"""Pieces of the page: tables, the flow of people, pictures inside the file."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from markupsafe import Markup, escape
from PIL import Image

from ..errors import counted
from .facts import Study
from .words import heading

#: A table of more cells is folded and made when it is opened.
MOST_CELLS = 160
#: Cells with more characters are given room.
LONG_TEXT, LONG = 40, ' class="long"'
#: Pixels of a picture inside the page per inch of the figure.
DPI = 150
#: Bytes of a vector file that the page holds at most, so that it can be mailed; larger ones stay in results/figures.
MOST_VECTOR = 300_000
#: Cells of a table that the page holds at most as a figure's data, some 9 bytes each; larger ones stay in results/.
MOST_DATA = 300_000
#: Bytes of a page that can be mailed.
MOST_PAGE = 15_000_000


@dataclass(frozen=True)
class Held:
    """How much of every figure the page holds; what it does not is named where it lies in results/.

    Attributes
    ----------
    dpi : int
        Of pictures.
    vector : int
        Bytes of a vector file at most.
    data : int
        Cells of a table at most.
    """

    dpi: int = DPI
    vector: int = MOST_VECTOR
    data: int = MOST_DATA


#: From all there is to the least; a page holds the first that fits `MOST_PAGE`.
HOLDING = (Held(), Held(vector=0), Held(110, 0, 30_000), Held(80, 0, 0))


def whole(values) -> bool:
    """Are all numbers of a column whole, as counts and years are? Else its whole numbers are written as the others."""
    numbers = pd.to_numeric(pd.Series(list(values), dtype=object), errors="coerce").dropna()
    return bool((numbers % 1 == 0).all())


def cell(value, among_whole: bool = True) -> str:
    """A value as shown, among whole numbers alone or not: three significant digits, nothing where missing."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int) or (hasattr(value, "dtype") and value.dtype.kind in "iu"):
        return f"{int(value):,}" if abs(int(value)) >= 10000 else str(int(value))
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e15:
            return f"{value:,.0f}" if abs(value) >= (10000 if among_whole else 1000) else f"{value:.0f}"
        return f"{value:.3g}" if abs(value) < 999.5 else f"{value:,.0f}"
    return str(value)


def as_json(value) -> Markup:
    """JSON that may stand inside a script element, whatever text it holds."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    for character, code in {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}.items():
        text = text.replace(character, code)
    return Markup(text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def plain(value) -> object:
    """A value for JSON: numbers as numbers with six digits, missing as null, truth as words."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if hasattr(value, "item"):
        value = value.item()
    return float(f"{value:.6g}") if isinstance(value, float) else value


class TableStore:
    """Tables of the page, each once, by an id that buttons and folds refer to."""

    def __init__(self) -> None:
        self.tables: dict[str, dict] = {}

    def add(self, key: str, table: pd.DataFrame) -> str:
        """Keep a table; its id."""
        key = "".join(c if c.isalnum() else "-" for c in key)
        if key not in self.tables:
            # nobody's id goes into the page, nor do rows of persons without it lie in the order of any list of them
            shown = table.drop(columns=["origin"], errors="ignore")
            if "participant_id" in shown:
                shown = shown.drop(columns="participant_id").sample(frac=1, random_state=0)
            self.tables[key] = {
                "columns": list(map(str, shown.columns)),
                "words": [heading(str(c)) for c in shown.columns],
                "rows": [[plain(v) for v in row] for row in shown.itertuples(index=False, name=None)],
            }
        return key

    def scripts(self) -> Markup:
        """All tables as script elements."""
        made = (f'<script type="application/json" id="t-{key}">{as_json(t)}</script>' for key, t in self.tables.items())
        return Markup("\n".join(made))


def static_table(table: pd.DataFrame, caption: str) -> Markup:
    """A short table as HTML: caption, column headings with scope, the first cell of a row as its heading."""
    table = table.drop(columns=["origin"], errors="ignore")
    # a column of reasons where there was none says nothing
    empty = (table.isna() | table.eq("")).all().to_numpy() & (np.arange(table.shape[1]) > 0)
    table = table.loc[:, ~empty]
    head = "".join(f'<th scope="col" title="{escape(c)}">{escape(heading(str(c)))}</th>' for c in table.columns)
    kinds = [whole(table.iloc[:, i]) for i in range(table.shape[1])]
    body = []
    for row in table.itertuples(index=False, name=None):
        first, *rest = (escape(cell(v, k)) for v, k in zip(row, kinds, strict=True))
        # a sentence in a column as narrow as a number makes its row as high as the screen
        cells = "".join(f"<td{LONG if len(v) > LONG_TEXT else ''}>{v}</td>" for v in rest)
        body.append(f'<tr><th scope="row">{first}</th>{cells}</tr>')
    return Markup(
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table><caption>{escape(caption)}'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def folded_table(store: TableStore, key: str, table: pd.DataFrame, caption: str, note: str = "") -> Markup:
    """A table behind a fold: sorted, searched and exported there, and made only when it is opened."""
    if table.empty:
        return Markup("")
    name = store.add(key, table)
    said = f"<p>{escape(note)}</p>" if note else ""
    return Markup(
        f'<details class="fold" data-table="{name}"><summary>{escape(caption)} <span class="count">({counted(len(table), "row", spec=",")})'
        f'</span></summary>{said}<div class="holder"></div></details>'
    )


def any_table(store: TableStore, key: str, table: pd.DataFrame, caption: str, note: str = "") -> Markup:
    """A table in sight where it is short, else behind a fold; nothing where it is empty."""
    if table.empty:
        return Markup("")
    if table.size <= MOST_CELLS:
        said = f"<p>{escape(note)}</p>" if note else ""
        return Markup(said) + static_table(table, caption)
    return folded_table(store, key, table, caption, note)


def data_uri(raw: bytes, kind: str) -> str:
    """Bytes as an address that holds them."""
    return f"data:{kind};base64,{base64.b64encode(raw).decode('ascii')}"


def picture(path, dpi: int = DPI) -> tuple[str, float]:
    """A PNG as an address that holds it as WebP, and the inches it is wide in print.

    A palette would be as small, and takes colours from the scale bars that few points of the picture have.
    """
    with Image.open(path) as image:
        own = image.info.get("dpi", (300, 300))[0] or 300
        inches = image.width / own
        scale = min(1.0, dpi / own)
        small = image.convert("RGB")
        if scale < 1:
            small = small.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
        held = io.BytesIO()
        small.save(held, "WEBP", quality=90, method=4)
    return data_uri(held.getvalue(), "image/webp"), inches


def vector(path, most: int = MOST_VECTOR) -> str:
    """The PDF of a figure as an address that holds it; "" where there is none, or it is very large."""
    path = Path(path).with_suffix(".pdf")
    there = path.is_file() and path.stat().st_size <= most
    return data_uri(path.read_bytes(), "application/pdf") if there else ""


def flow_boxes(study: Study) -> list[dict]:
    """The STROBE diagram: per group the steps in order, with people left, people who left, and why.

    Returns
    -------
    list of dict
        group, and steps: a list of dict of label, n, excluded.
    """
    flow = study.flow.dropna(subset="group")
    out = []
    groups = [study.control, *(d.name for d in study.diseases)]
    rest = [g for g in dict.fromkeys(flow["group"].astype(str)) if g not in groups]
    by_name = {d.name: d for d in study.diseases}
    for group in [g for g in groups if g in set(flow["group"])] + rest:
        part = flow[flow["group"] == group]
        steps = [
            {"label": str(r.step), "n": int(r.n), "excluded": int(r.excluded) if pd.notna(r.excluded) else 0}
            for r in part.itertuples()
            if pd.notna(r.n)
        ]
        if group in by_name and by_name[group].n:
            d = by_name[group]
            left = steps[-1]["n"] - d.n if steps else 0
            steps.append({"label": "in the model", "n": d.n, "excluded": max(left, 0)})
            ends = [(name, int((d.group == name).sum())) for name in dict.fromkeys(d.names.values())]
            ends = [("normal-appearing", d.n - d.n_staged), *((name, n) for name, n in ends if n)]
            steps.append({"label": "labelled out of fold", "n": d.n, "excluded": 0, "ends": ends})
        out.append({"group": group, "steps": steps})
    return out
