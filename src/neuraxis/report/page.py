"""The report page, written from the tables."""

from __future__ import annotations

import json
from pathlib import Path

import jinja2
import pandas as pd

from ..features.biomarkers import read_biomarkers
from ..sustain import verdict
from ..tables import aside, read_table

PAGE = jinja2.Template(
    """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{{ title }}{% if simulated %} - SIMULATED{% endif %}</title><style>
body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;font-size:.85rem;margin:.5rem 0;display:block;overflow-x:auto}td,th{border-bottom:1px solid #ddd;padding:.2rem .6rem;text-align:left}
img{max-width:100%}.mark{background:#B00020;color:#fff;padding:.5rem 1rem;font-weight:bold}.warn{border-left:4px solid #E69F00;padding:.3rem .8rem;background:#fff8e6}
caption,figcaption{color:#555;text-align:left}</style></head><body>
{% if simulated %}<p class="mark">SIMULATED DATA. Nothing on this page is a finding about patients.</p>{% endif %}
<h1>{{ title }}</h1>
<h2>People</h2>{{ flow }}
<p>{{ qc }}</p>
{% if unmeasured %}<p class="warn">Defined but measured in nobody, and so left aside: {{ unmeasured }}.</p>{% endif %}
<h2>Normalisation</h2><p>{{ normative }}</p>{{ failures }}<figure><img src="../figures/normative.png" alt="Diagnostics of the controls"></figure>
{% for d in diseases %}<h2>{{ d.name }}{% if simulated %} (SIMULATED){% endif %}</h2>
{% for s in d.sentences %}<p{% if s.warn %} class="warn"{% endif %}>{{ s.text }}</p>{% endfor %}
<h3>How many subtypes</h3>{{ d.selection }}<figure><img src="../figures/{{ d.name }}/selection.png" alt="CVIC by number of subtypes"></figure>
<h3>Subtypes</h3>{{ d.names }}<figure><img src="../figures/{{ d.name }}/mean_z.png" alt="Mean z per subtype"></figure>
<figure><img src="../figures/{{ d.name }}/positional_variance.png" alt="Positional variance"></figure>
<figure><img src="../figures/{{ d.name }}/probability.png" alt="Subtype probability"></figure>
<h3>Controls under the same model</h3>{{ d.controls }}
{% if d.recovery %}<h3>Recovery of the simulated truth</h3>{{ d.recovery }}{% endif %}
<h3>Clinical</h3>{{ d.table1 }}<figure><img src="../figures/{{ d.name }}/forest.png" alt="Clinical associations"></figure>{{ d.associations }}
{% endfor %}
<h2>Provenance</h2><pre>{{ provenance }}</pre></body></html>"""
)


def html(table: pd.DataFrame) -> str:
    """A table as HTML, three significant digits, escaped."""
    return table.to_html(
        index=False, na_rep="", float_format=lambda v: f"{v:.3g}" if abs(v) < 1000 else f"{v:.0f}", border=0
    )


def disease_section(root: Path, name: str) -> dict:
    """What the page says of one disease, warnings first."""
    at = root / "sustain" / name
    selection = read_table(at / "selection.tsv")
    names = read_table(at / "names.tsv")
    stability = read_table(at / "stability.tsv")
    diagnostics = read_table(at / "diagnostics.tsv")
    starts = read_table(at / "starts.tsv")
    chosen = selection[selection["chosen"].astype(str) == "True"].iloc[0]
    converged, sentence = verdict(diagnostics)
    sentences = [
        {
            "text": f"Number of subtypes: {chosen['reason']}.",
            "warn": "k = 0" in str(chosen["reason"]) or "fixed" in str(chosen["reason"]),
        },
        {"text": sentence, "warn": not converged},
    ]
    gaussian = selection[selection["n_subtypes"] == -1]
    if len(gaussian) and gaussian["heldout_loglik"].iloc[0] > chosen["heldout_loglik"]:
        gain = gaussian["heldout_loglik"].iloc[0] - chosen["heldout_loglik"]
        sentences.append(
            {
                "text": f"One multivariate normal without subtypes predicts unseen people better by {gain:.0f} nats: residuals correlate between regions, and posteriors are over-confident.",
                "warn": True,
            }
        )
    tau = stability.groupby("subtype")["tau"].mean()
    sentences.append(
        {
            "text": "Fold models agree with the model of everyone at Kendall tau "
            + ", ".join(f"{v:.2f}" for v in tau)
            + f" (two random sequences: {stability['tau_chance'].iloc[0]:.2f}).",
            "warn": bool((tau < 0.7).any()),
        }
    )
    polished = starts["label_disagreement"].dropna()
    if len(polished) > 1 and polished.max() > 0.05:
        sentences.append(
            {
                "text": f"Among the best starts, an optimum {starts['polished_log_likelihood'].max() - starts.loc[polished.idxmax(), 'polished_log_likelihood']:.1f} nats below the best labels {polished.max():.0%} of the people differently.",
                "warn": True,
            }
        )
    small = names[names["n_staged_oof"] < 20]
    if len(small):
        sentences.append(
            {
                "text": "Too small for conclusions: "
                + ", ".join(
                    f"{r.name_} ({r.n})"
                    for r in small.rename(columns={"name": "name_", "n_staged_oof": "n"}).itertuples()
                )
                + " people out of fold.",
                "warn": True,
            }
        )
    recovery = read_table(at / "recovery.tsv")
    associations = root / "clinical" / name / "associations.tsv"
    try:
        effects = html(read_table(associations).drop(columns=["family", "type"]))
    except Exception:  # an empty table has no header; nothing was declared
        effects = "<p>No clinical outcome was declared.</p>"
    return {
        "name": name,
        "sentences": sentences,
        "selection": html(selection.drop(columns="reason")),
        "names": html(names.drop(columns="rule")) + f"<p>Naming rule: {names['rule'].iloc[0]}.</p>",
        "controls": html(read_table(at / "controls.tsv")),
        "recovery": html(recovery) if len(recovery) else "",
        "table1": html(read_table(root / "clinical" / name / "table1.tsv", text=())),
        "associations": effects,
    }


def write_page(results, page, *, title: str, diseases, simulated: bool, biomarkers) -> None:
    """Write results/report/index.html from the tables in `results`."""
    root = Path(results)
    flow = pd.concat([read_table(root / "cohort/flow.tsv"), read_table(root / "features/flow.tsv")])
    qc = read_table(root / "features/qc.tsv")
    normative = read_table(root / "normative/diagnostics.tsv")
    normative = normative[normative["harmonisation"] == "after"]
    failed = normative[normative["passed"].astype(str) == "False"]
    measured = read_table(root / "features/measures.tsv").columns
    absent = [b.label for b in read_biomarkers(biomarkers).itertuples() if b.biomarker not in measured]
    text = PAGE.render(
        unmeasured=", ".join(absent),
        title=title,
        simulated=simulated,
        flow=html(flow[["step", "group", "n", "excluded"]]),
        qc=f"Quality rules: {int((qc['decision'] == 'excluded').sum())} findings excluded people, {int((qc['decision'] == 'flagged').sum())} only flag them (results/features/qc.tsv).",
        normative=f"{len(failed)} of {len(normative)} checks of the controls' out-of-sample z failed.",
        failures=html(failed[["biomarker", "check", "part", "n", "mean", "sd", "why"]].head(15)) if len(failed) else "",
        diseases=[disease_section(root, d) for d in diseases],
        provenance=json.dumps(
            {k: v for k, v in json.loads((root / "provenance.json").read_text()).items() if k != "config"}, indent=1
        ),
    )
    with aside(page) as part:
        part.write_text(text, encoding="utf-8")


def write_dictionary(path) -> None:
    """Write results/README.md from docs/results.md, the data dictionary's source."""
    source = Path("docs/results.md").read_text(encoding="utf-8")
    with aside(path) as part:
        part.write_text(source, encoding="utf-8")
