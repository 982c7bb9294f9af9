"""The page of all people in a browser: bytes, and milliseconds until it stands, is searched, sorted, filtered and opens a person.

    python benchmarks/people.py results/ --people 2000 20000   # writes benchmarks/people.tsv

The people are those of a finished study (folder results/), each drawn again and again under a new id until there are enough, with
their visits and later scans. Times are what a reader waits: from the click or the key to the next drawn frame. Needs Chromium and
playwright, as the tests of the report do.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import sync_playwright

from neuraxis.home import workflow_home
from neuraxis.report.facts import Study, Tables, read_study
from neuraxis.report.page import asset
from neuraxis.report.people import write_people
from neuraxis.tables import read_table

#: Milliseconds from an action to the frame that shows what it did.
WAITED = """async ([act, times]) => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  const acts = {
    search: (i) => { const e = document.querySelector("#list input"); e.value = ["sub-00", "cord", "sub-0012", ""][i % 4]; e.dispatchEvent(new Event("input", { bubbles: true })); },
    sort: (i) => document.querySelectorAll("#list thead button")[[7, 0, 3][i % 3]].click(),
    turn: (i) => [...document.querySelectorAll("#list .tools button")].find((b) => b.textContent === (i % 2 ? "Previous" : "Next")).click(),
    group: (i) => { const e = document.getElementById("group"); e.selectedIndex = (i + 1) % e.options.length; e.dispatchEvent(new Event("change")); },
    open: (i) => { document.querySelectorAll("#list tbody tr")[i].click(); },
  };
  const spent = [];
  for (let i = 0; i < times; i++) {
    await frame();
    const begin = performance.now();
    acts[act](i);
    await frame();
    spent.push(performance.now() - begin);
    const dialog = document.getElementById("person");
    if (dialog.open) dialog.close();
  }
  return spent;
}"""
ACTS = ("search", "sort", "turn", "group", "open")


def many(study: Study, people: int) -> Study:
    """The people of a study again and again, patients and controls in its proportions, until there are so many."""
    known = study.participants["participant_id"].astype(str)
    times = -(-people // len(known))
    ids = [f"sub-{i:06d}" for i in range(times * len(known))]
    new = {p: ids[i * times : (i + 1) * times] for i, p in enumerate(known)}
    # as many of everyone as are wanted, and not all of the first
    wanted = set(np.random.default_rng(0).permutation(ids)[:people])

    def again(table: pd.DataFrame) -> pd.DataFrame:
        if "participant_id" not in table or table.empty:
            return table
        rows = table.assign(participant_id=table["participant_id"].astype(str).map(new)).explode("participant_id")
        return rows[rows["participant_id"].isin(wanted)].reset_index(drop=True)

    of_all = {
        t: again(study.tables[t]) for t in ("cohort/participants", "normative/zscores", "cohort/visits", "features/qc")
    }
    diseases = [
        replace(
            d,
            tables=Tables(
                None, {t: again(d.tables[t]) for t in ("subtypes", "followup")} | {"names": d.tables["names"]}
            ),
        )
        for d in study.diseases
    ]
    return replace(study, tables=Tables(None, of_all), diseases=diseases)


def measured(page: Path, browser, repeats: int) -> dict[str, float]:
    """Median milliseconds of loading and of every act."""
    loads = []
    for _ in range(3):
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        begin = time.perf_counter()
        tab.goto(page.as_uri(), wait_until="load", timeout=600_000)
        tab.wait_for_selector("#list tbody tr", timeout=600_000)
        loads.append(1000 * (time.perf_counter() - begin))
        if len(loads) < 3:
            tab.close()
    out = {"load_ms": statistics.median(loads)}
    for act in ACTS:
        out[f"{act}_ms"] = statistics.median(tab.evaluate(WAITED, [act, repeats]))
    out["heap_mb"] = tab.evaluate("performance.memory.usedJSHeapSize") / 1e6
    out["nodes"] = tab.evaluate("document.querySelectorAll('*').length")
    tab.close()
    return out


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--people", type=int, nargs="+", default=[2000, 20000])
    parser.add_argument("--repeats", type=int, default=8)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".tsv"))
    given = parser.parse_args()
    config = json.loads((given.results / "provenance.json").read_text(encoding="utf-8"))["config"]
    study = read_study(
        given.results,
        diseases=[p.name for p in sorted((given.results / "sustain").iterdir()) if (p / "names.tsv").is_file()],
        control=config["cohort"]["control"], simulated=True, biomarkers=workflow_home() / "resources/biomarkers.tsv",
    )  # fmt: skip
    names = read_table(workflow_home() / "resources/labels.tsv").set_index("label")["name"]
    script, style = asset("table.js") + asset("people.js"), asset("style.css")
    rows = []
    with sync_playwright() as p, tempfile.TemporaryDirectory() as folder:
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for n in given.people:
            page = Path(folder) / f"people{n}.html"
            begin = time.process_time()
            write_people(many(study, n), page, title="Many people", style=style, script=script, label_names=names)
            wrote = time.process_time() - begin
            row = {
                "people": n,
                "bytes": page.stat().st_size,
                "write_cpu_s": wrote,
                **measured(page, browser, given.repeats),
            }
            print(row)
            rows.append({k: float(f"{v:.3g}") if isinstance(v, float) else v for k, v in row.items()})
        browser.close()
    pd.DataFrame(rows).to_csv(given.out, sep="\t", index=False)
