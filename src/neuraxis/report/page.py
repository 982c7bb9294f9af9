"""The report page, written from the tables."""

from __future__ import annotations

import json
from pathlib import Path

import jinja2
import pandas as pd

from ..errors import InputError
from ..features.biomarkers import read_biomarkers
from ..job import warnings_in
from ..sustain import verdict
from ..tables import aside, read_table

PAGE = jinja2.Template(
    """{% macro fig(d, name, words) %}<figure><img src="../figures/{{ d.name }}/{{ name }}.png" alt="{{ words }}" loading="lazy"><figcaption>{{ words }} (<a href="../figures/{{ d.name }}/{{ name }}.pdf">PDF</a>)</figcaption></figure>{% endmacro %}<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{{ title }}{% if simulated %} - SIMULATED{% endif %}</title><style>
body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;font-size:.85rem;margin:.5rem 0;display:block;overflow-x:auto}td,th{border-bottom:1px solid #ddd;padding:.2rem .6rem;text-align:left}
img{max-width:100%}.mark{background:#B00020;color:#fff;padding:.5rem 1rem;font-weight:bold}.warn{border-left:4px solid #E69F00;padding:.3rem .8rem;background:#fff8e6}
caption,figcaption{color:#555;text-align:left;font-size:.85rem}figure{margin:1rem 0}nav a{margin-right:1rem}details{margin:.5rem 0}summary{cursor:pointer;color:#0072B2}</style></head><body>
{% if simulated %}<p class="mark">SIMULATED DATA. Nothing on this page is a finding about patients.</p>{% endif %}
<h1>{{ title }}</h1>
<nav>{% for d in diseases %}<a href="#{{ d.name }}">{{ d.name }}</a> {% endfor %}{% if cross %}<a href="#compared">Diseases compared</a> {% endif %}<a href="#methods">Methods</a></nav>
<h2>People</h2>{{ flow }}
<p>{{ qc }}</p>
{% for w in warnings %}<p class="warn">{{ w|e }}</p>{% endfor %}
{% if said %}<details><summary>{{ said|length }} warnings of the run</summary><ul>{% for w in said %}<li>{{ w|e }}</li>{% endfor %}</ul></details>{% endif %}
<details><summary>Table 1 by group</summary>{{ groups }}</details>
<h2>Normalisation</h2><p>{{ normative }}</p>{{ failures }}<figure><img src="../figures/normative.png" alt="Diagnostics of the controls"></figure>
{% for d in diseases %}<h2 id="{{ d.name }}">{{ d.name }}{% if simulated %} (SIMULATED){% endif %}</h2>
{% for s in d.sentences %}<p{% if s.warn %} class="warn"{% endif %}>{{ s.text|e }}</p>{% endfor %}
<h3>How many subtypes</h3>{{ d.selection }}{% if d.variants %}<h4>Other variants of the model</h4>{{ d.variants }}{% endif %}{{ fig(d, "selection", "CVIC by number of subtypes, held-out log-likelihood per fold") }}
<h3>Subtypes</h3>{{ d.names }}{{ fig(d, "ternary", "Subtype probabilities, out of fold") }}{{ fig(d, "brain_mean_z", "Mean z per subtype on brain and cord") }}{{ fig(d, "brain_t", "t of each subtype against the others; circular, because these regions defined the subtypes") }}
<details><summary>Mean z as numbers</summary>{{ fig(d, "mean_z", "Mean z per subtype") }}</details>
<h3>Order of events</h3>{{ fig(d, "positional_variance", "Positional variance, model of everyone") }}<details><summary>Cross-validated</summary>{{ fig(d, "positional_variance_folds", "Positional variance, mean of the fold models") }}</details>{{ fig(d, "progression", "Expected z along the stages") }}{{ fig(d, "probability", "Certainty of the subtype by stage") }}
<h3>Controls under the same model</h3>{{ d.controls }}
<h3>Simple baselines</h3>{{ d.baselines }}
{% if d.recovery %}<h3>Recovery of the simulated truth</h3><p>Best possible: people assigned with the very model they were drawn from (without the correlation between regions, which no subtype model has). Published: the study's counts.</p>{{ d.recovery }}{% endif %}
<h3>Clinical</h3>{% for line in d.words %}<p>{{ line|e }}</p>{% endfor %}{{ fig(d, "forest", "Each subtype against the rest: by label, weighted by the posterior, by draws") }}{{ fig(d, "boxes", "Clinical measures per subtype") }}{{ fig(d, "stage", "Clinical measures against stage within subtype") }}{{ fig(d, "survival", "Survival by subtype, with numbers at risk") }}{{ fig(d, "survival_stage", "Survival by stage: thirds of the staged people") }}{{ fig(d, "transitions", "Follow-up scans") }}
<details><summary>Table 1 by subtype</summary>{{ d.table1 }}</details>
<details><summary>All associations</summary>{{ d.associations }}</details>
<details><summary>Nested models: what subtype and stage add to mean z and cord z</summary>{{ d.nested }}</details>
<details><summary>Sensitivity: other people, other labels</summary>{{ d.sensitivity }}</details>
<details><summary>Follow-up: reversals and slopes</summary>{{ d.reversals }}{{ d.slopes }}</details>
{% endfor %}
{% if cross %}<h2 id="compared">Diseases compared{% if simulated %} (SIMULATED){% endif %}</h2>
<figure><img src="../figures/similarity.png" alt="Similarity of event orders"><figcaption>Kendall tau between event orders, over the events both models have</figcaption></figure>
<p>People of one disease on the other's model:</p>{{ cross.projection }}
<p>One joint model of all diseases, and which disease its subtypes are enriched in (Fisher's exact test, staged people):</p>{{ cross.enrichment }}{% endif %}
<h2 id="methods">Methods</h2>{% for m in methods %}<p>{{ m|e }}</p>{% endfor %}
<h2>Provenance</h2><pre>{{ provenance|e }}</pre></body></html>"""
)

#: Failed checks shown on the page; the table holds all.
SHOWN = 15


def html(table: pd.DataFrame) -> str:
    """A table as HTML, three significant digits, escaped."""
    return table.to_html(
        index=False, na_rep="", float_format=lambda v: f"{v:.3g}" if abs(v) < 999.5 else f"{v:.0f}", border=0
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
    controls = read_table(at / "controls.tsv").set_index("quantity")["value"]
    wrong = float(controls["share of controls at stage 1 or above"])
    sentences.append(
        {
            "text": f"{wrong:.0%} of the controls stand at stage 1 or above under this model"
            + (": stage 1 alone does not mean disease." if wrong > 0.05 else "."),
            "warn": wrong > 0.05,
        }
    )
    if int(chosen["n_subtypes"]) <= 1:
        sentences.append({"text": "The data do not support more than one subtype.", "warn": True})
    if int(chosen["n_subtypes"]) != 3:
        three = selection[selection["n_subtypes"] == 3]
        gap = f" (CVIC {three['gap_cvic'].iloc[0]:+.1f} against the best k)" if len(three) else ""
        sentences.append(
            {
                "text": f"The study this workflow follows published three subtypes; here the data give "
                f"{int(chosen['n_subtypes'])}{gap}.",
                "warn": False,
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
    clinical = root / "clinical" / name
    words = (clinical / "results.txt").read_text(encoding="utf-8").splitlines()
    variants = at / "variants.tsv"
    return {
        "name": name,
        "sentences": sentences,
        "selection": html(selection.drop(columns="reason")),
        "variants": optional(variants),
        "names": html(names.drop(columns="rule")) + f"<p>Naming rule: {names['rule'].iloc[0]}. "
        "Fractions are the model's and count the normal-appearing, who look the same in every subtype; n_staged_oof counts "
        "people staged above 0 out of fold.</p>",
        "controls": html(read_table(at / "controls.tsv")),
        "baselines": optional(at / "baselines.tsv"),
        "recovery": optional(at / "recovery.tsv"),
        "words": [w for w in words if w != "SIMULATED DATA"],
        "table1": optional(clinical / "table1.tsv"),
        "associations": optional(clinical / "associations.tsv", drop=("family", "type", "kind", "subtype", "against")),
        "nested": optional(clinical / "nested.tsv"),
        "sensitivity": optional(clinical / "sensitivity.tsv"),
        "reversals": optional(clinical / "reversals.tsv"),
        "slopes": optional(clinical / "slopes.tsv"),
    }


def optional(path: Path, drop=()) -> str:
    """A table as HTML; nothing where there is no such file or no row in it."""
    try:
        table = read_table(path, text=())
    except InputError:
        return ""
    return html(table.drop(columns=[*drop, "origin"], errors="ignore")) if len(table) else ""


def methods_text(config: dict) -> list[str]:
    """What was done, from the configuration."""
    n, s, c = config["normative"], config["sustain"], config["clinical"]
    site = {"none": "no site term", "fixed": "one offset per site", "random": "a random intercept per site"}
    size = {
        "covariate": "intracranial volume as covariate",
        "proportional": "measures divided by intracranial volume",
        "power": "measures divided by a power of intracranial volume",
        "none": "no head-size term",
    }
    prior = (
        "learnt with the model (Dirichlet weights over subtype and stage)" if s["stage_prior"] == "learnt" else "flat"
    )
    events = (
        f"candidate thresholds z = {', '.join(f'{t:g}' for t in s['thresholds'])}, kept where at least "
        f"{s['min_people']} people reach them"
        if s["choose_thresholds"]
        else f"thresholds z = {', '.join(f'{t:g}' for t in s['thresholds'])} for every biomarker, maximum {s['z_max']:g}"
    )
    folds = s["n_samples_folds"] or s["n_samples"]
    return [
        f"Measures were turned into z against the controls' regression on age ({n['age']}"
        f"{', by sex' if n['age_by_sex'] else ''}), sex, {size[n['head_size']]}, {site.get(n['site'], n['site'])}; "
        "positive is abnormal. Controls' own z come from norms that did not see them.",
        f"Subtype and Stage Inference (SuStaIn, Young et al. 2018), z-score model, one model per disease: {events}; "
        f"stage prior {prior}; k up to {s['max_subtypes']}, {s['n_startpoints']} start points per split and as many random "
        f"ones, {s['n_chains']} chains of {s['n_samples']:,} MCMC steps after warm-up in the model of everyone, of "
        f"{folds:,} in each fold's.",
        f"The number of subtypes was {'chosen' if s['n_subtypes'] == 'auto' else 'fixed in the configuration, not chosen,'} "
        f"by CVIC over {s['folds']} folds stratified by site. Labels of the clinical analyses are out of fold: from models "
        "that never saw the person.",
        f"Each clinical association stands three ways: by most probable label; with posterior probabilities as terms; and "
        f"over {c['n_draws']} draws of subtype and stage, pooled by Rubin's rules. q: Benjamini-Hochberg inside each "
        "declared family and method.",
    ]


def write_page(results, page, *, title: str, diseases, control: str, simulated: bool, biomarkers, logs) -> None:
    """Write results/report/index.html from the tables in `results`."""
    root = Path(results)
    flow = pd.concat([read_table(root / "cohort/flow.tsv"), read_table(root / "features/flow.tsv")])
    qc = read_table(root / "features/qc.tsv")
    normative = read_table(root / "normative/diagnostics.tsv")
    normative = normative[normative["harmonisation"] == "after"]
    failed = normative[normative["passed"].astype(str) == "False"]
    measured = read_table(root / "features/measures.tsv").columns
    absent = [b.label for b in read_biomarkers(biomarkers).itertuples() if b.biomarker not in measured]
    provenance = json.loads((root / "provenance.json").read_text())
    cross = root / "sustain/crossdisease"
    warnings = []
    if absent:
        warnings.append(f"Defined but measured in nobody, and so left aside: {', '.join(absent)}.")
    if "segmentation without participant" in set(flow["step"]):
        n = int(flow.loc[flow["step"] == "segmentation without participant", "excluded"].sum())
        warnings.append(f"{n} segmentations belong to nobody in participants.tsv (results/cohort/flow.tsv names them).")
    for group in sorted(set(flow["group"].dropna())):
        mine = flow[flow["group"] == group]
        lost = mine["excluded"].sum() / max(mine["n"].max(), 1)
        if lost > 0.1:
            warnings.append(f"{lost:.0%} of {group} were excluded; the rest may not stand for all.")
    site = read_table(root / "cohort/participants.tsv")
    if diseases and site["site"].nunique() > 1:
        table = pd.crosstab(site["site"], site["group"])
        alone = [s for s in table.index if control in table and table.loc[s, control] == 0]
        if alone:
            warnings.append(
                f"Sites without controls: {', '.join(alone)}; their site effect cannot be told from disease."
            )
        for d in diseases:
            where = site.loc[site["group"] == d, "site"].unique()
            if len(where) == 1:
                warnings.append(
                    f"Everyone with {d} comes from one site ({where[0]}): what is said of {d} holds for that scanner."
                )
    if not diseases:
        warnings.append("No disease group was declared: norms and their diagnostics only, no subtypes.")
    first = root / "clinical" / diseases[0] / "table1_groups.tsv" if diseases else None
    text = PAGE.render(
        warnings=warnings,
        said=warnings_in(logs),
        title=title,
        simulated=simulated,
        flow=html(flow[["step", "group", "n", "excluded"]]),
        groups=optional(first) if first else "",
        qc=f"Quality rules: {int((qc['decision'] == 'excluded').sum())} findings excluded people, {int((qc['decision'] == 'flagged').sum())} only flag them (results/features/qc.tsv).",
        normative=f"{len(failed)} of {len(normative)} checks of the controls' out-of-sample z failed"
        + (
            f"; the first {SHOWN} are shown, all are in results/normative/diagnostics.tsv."
            if len(failed) > SHOWN
            else "."
        ),
        failures=html(failed[["biomarker", "check", "part", "n", "mean", "sd", "why"]].head(SHOWN))
        if len(failed)
        else "",
        diseases=[disease_section(root, d) for d in diseases],
        cross={
            "projection": optional(cross / "projection_counts.tsv"),
            "enrichment": optional(cross / "enrichment.tsv"),
        }
        if len(diseases) > 1
        else None,
        methods=methods_text(provenance["config"]) if diseases else [],
        provenance=json.dumps({k: v for k, v in provenance.items() if k != "config"}, indent=1),
    )
    with aside(page) as part:
        part.write_text(text, encoding="utf-8")


def write_dictionary(path) -> None:
    """Write results/README.md from docs/results.md, the data dictionary's source."""
    source = Path("docs/results.md").read_text(encoding="utf-8")
    with aside(path) as part:
        part.write_text(source, encoding="utf-8")
