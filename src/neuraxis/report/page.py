"""The report page, written from the tables."""

from __future__ import annotations

import json
from pathlib import Path

import jinja2
import pandas as pd
import yaml

from ..features.biomarkers import read_biomarkers
from ..job import warnings_in
from ..sustain import verdict
from ..tables import aside, read_table

PAGES = jinja2.Environment(loader=jinja2.PackageLoader("neuraxis.report", "."), autoescape=True, trim_blocks=True)

#: Failed checks shown on the page; the table holds all.
SHOWN = 15

#: A subtype of fewer staged people is called too small for conclusions.
SMALL = 20


def html(table: pd.DataFrame) -> str:
    """A table as HTML, three significant digits, escaped."""
    return table.to_html(
        index=False, na_rep="", float_format=lambda v: f"{v:.3g}" if abs(v) < 999.5 else f"{v:.0f}", border=0
    )


def verdicts(at: Path) -> list[dict]:
    """What is to be said of one disease's model, as text and whether it is a warning."""
    selection = read_table(at / "selection.tsv")
    chosen = selection[selection["chosen"].astype(str) == "True"].iloc[0]
    k, reason = int(chosen["n_subtypes"]), str(chosen["reason"])
    said = []

    def say(text, warn):
        said.append({"text": text, "warn": bool(warn)})

    say(f"Number of subtypes: {reason}.", "k = 0" in reason or "fixed" in reason)
    converged, sentence = verdict(read_table(at / "diagnostics.tsv"))
    say(sentence, not converged)
    gaussian = selection[selection["n_subtypes"] == -1]
    if len(gaussian) and gaussian["heldout_loglik"].iloc[0] > chosen["heldout_loglik"]:
        gain = gaussian["heldout_loglik"].iloc[0] - chosen["heldout_loglik"]
        say(
            f"One multivariate normal without subtypes predicts unseen people better by {gain:.0f} nats: residuals "
            "correlate between regions, and posteriors are over-confident.",
            True,
        )
    stability = read_table(at / "stability.tsv")
    tau = stability.groupby("subtype")["tau"].mean()
    say(
        f"Fold models agree with the model of everyone at Kendall tau {', '.join(f'{v:.2f}' for v in tau)} "
        f"(two random sequences: {stability['tau_chance'].iloc[0]:.2f}).",
        (tau < 0.7).any(),
    )
    starts = read_table(at / "starts.tsv")
    differing = starts["label_disagreement"].dropna()
    if len(differing) > 1 and differing.max() > 0.05:
        heights = starts["polished_log_likelihood"]
        say(
            f"Among the best starts, an optimum {heights.max() - heights[differing.idxmax()]:.1f} nats below the best "
            f"labels {differing.max():.0%} of the people differently.",
            True,
        )
    controls = read_table(at / "controls.tsv").set_index("quantity")["value"]
    wrong = float(controls["share of controls at stage 1 or above"])
    say(
        f"{wrong:.0%} of the controls stand at stage 1 or above under this model"
        + (": stage 1 alone does not mean disease." if wrong > 0.05 else "."),
        wrong > 0.05,
    )
    if k <= 1:
        say("The data do not support more than one subtype.", True)
    if k != 3:
        three = selection[selection["n_subtypes"] == 3]
        gap = f" (CVIC {three['gap_cvic'].iloc[0]:+.1f} against the best k)" if len(three) else ""
        say(f"The study this workflow follows published three subtypes; here the data give {k}{gap}.", False)
    names = read_table(at / "names.tsv")
    small = names[names["n_staged_oof"] < SMALL]
    if len(small):
        few = ", ".join(f"{name} ({n})" for name, n in zip(small["name"], small["n_staged_oof"], strict=True))
        say(f"Too small for conclusions: {few} people out of fold.", True)
    return said


def leftovers(nuisance: pd.DataFrame, site_term: str) -> list[dict]:
    """What of site, sex, age and head size is still in the labels, a sentence each."""
    words = {
        "site": "it may follow scanners and not disease"
        + (
            " (there is no site term in the norms)."
            if site_term == "none"
            else ", although the norms have a site term."
        ),
        "etiv": "it may follow the size of heads and not disease.",
    }
    found = nuisance[nuisance["p_holm"] < 0.05]
    said = [
        {
            "text": f"{r.label.capitalize()} goes with {'head size' if r.variable == 'etiv' else r.variable} ({r.effect} "
            f"{r.estimate:.2f}, n = {r.n}, Holm's p = {r.p_holm:.1g}): "
            + words.get(r.variable, "the norms took it out of the measures, so this is of the disease or left over."),
            "warn": True,
        }
        for r in found.itertuples()
    ]
    if found.empty:
        text = "Neither subtype nor stage goes detectably with site, sex, age or head size (Holm's p >= 0.05)."
        said.append({"text": text, "warn": False})
    return said


def control_sentences(control: pd.DataFrame) -> list[dict]:
    """What the same selection finds in healthy people, a sentence per variant; a warning where it finds subtypes."""
    said = []
    note = str(control["note"].dropna().iloc[0]) if control["note"].notna().any() else ""
    for name, part in control.dropna(subset=["n_subtypes"]).groupby("variant", sort=False):
        k = int(part.loc[part["chosen"].astype(str) == "True", "n_subtypes"].iloc[0])
        n = int(part["n_people"].iloc[0])
        text = f"Negative control ({name}): the same procedure finds {k} subtype{'' if k == 1 else 's'} in {n} healthy people"
        if k > 1:
            text += "; as many in patients are no evidence of disease under this model"
        said.append({"text": text + (f" ({note})" if note else "") + ".", "warn": k > 0})
    if not said:
        said.append({"text": f"No negative control: {note}.", "warn": True})
    return said


def disease_section(root: Path, name: str, site_term: str) -> dict:
    """Sentences and tables of one disease."""
    at = root / "sustain" / name
    names = read_table(at / "names.tsv")
    clinical = root / "clinical" / name
    words = (clinical / "results.txt").read_text(encoding="utf-8").splitlines()
    return {
        "name": name,
        "sentences": verdicts(at)
        + control_sentences(read_table(at / "negative_control.tsv"))
        + leftovers(read_table(clinical / "nuisance.tsv"), site_term),
        "selection": html(read_table(at / "selection.tsv").drop(columns="reason")),
        "folds": optional(at / "heldout_folds.tsv"),
        "variants": optional(at / "variants.tsv"),
        "control": optional(at / "negative_control.tsv", drop=("reason",)),
        "names": html(names.drop(columns="rule")),
        "rule": names["rule"].iloc[0],
        "controls": html(read_table(at / "controls.tsv")),
        "baselines": optional(at / "baselines.tsv"),
        "recovery": optional(at / "recovery.tsv"),
        "words": [w for w in words if w != "SIMULATED DATA"],
        "table1": optional(clinical / "table1.tsv"),
        "associations": optional(clinical / "associations.tsv", drop=("family", "type", "subtype", "against")),
        "nested": optional(clinical / "nested.tsv"),
        "sensitivity": optional(clinical / "sensitivity.tsv"),
        "nuisance": optional(clinical / "nuisance.tsv"),
        "reversals": optional(clinical / "reversals.tsv"),
        "slopes": optional(clinical / "slopes.tsv"),
        "changes": optional(clinical / "changes.tsv"),
        "reported": optional(clinical / "reported.tsv"),
        "planted": optional(clinical / "planted.tsv"),
        "prediction": optional(clinical / "prediction.tsv"),
        "trial": optional(clinical / "trial.tsv"),
        "treatment": optional(clinical / "treatment.tsv"),
        "included": optional(clinical / "table1_included.tsv"),
    }


def optional(path: Path, drop=()) -> str:
    """A table as HTML; nothing where there is no such file or no row in it."""
    if not path.exists() or not path.read_bytes().strip():
        return ""
    table = read_table(path, text=())
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
    prior = {
        "smooth": "learnt with the model (mixtures of triangular bumps over the stages)",
        "dirichlet": "learnt with the model (Dirichlet weights over subtype and stage)",
        "uniform": "flat",
    }[s["stage_prior"]]
    noise = {
        "controls": "residuals with the controls' covariance",
        "adapted": "residuals with a covariance learnt around the controls'",
        "independent": "independent residuals of SD 1",
        "learnt": "independent residuals, SDs learnt",
    }[s["noise"]]
    health = (
        "a healthy component shared by all subtypes; normal-appearing: probability of it at least 1/2"
        if s["healthy"]
        else "no healthy component; normal-appearing: stage 0 most probable"
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
        f"{noise}; {health}; stage prior {prior}; k from 0 to {s['max_subtypes']}, {s['n_startpoints']} start points per split and as many random "
        f"ones, {s['n_chains']} chains of {s['n_samples']:,} MCMC steps after warm-up in the model of everyone, of "
        f"{folds:,} in each fold's.",
        f"The number of subtypes was {'chosen' if s['n_subtypes'] == 'auto' else 'fixed in the configuration, not chosen,'} "
        f"by CVIC over {s['folds']} folds stratified by site. Labels of the clinical analyses are out of fold: from models "
        "that never saw the person.",
        "Clinical questions: one subtype against the others among staged people, adjusted for stage; stage; any atrophy "
        "against none. Each estimate stands three ways: with posterior probabilities as terms (told); by most probable "
        f"label; and over {c['n_draws']} imputations of the label from scan and outcome, pooled by Rubin's rules. q: "
        "Benjamini-Hochberg inside each declared family, question and method.",
    ]


def healthy_correlation(covariance: pd.DataFrame) -> str:
    """How far the controls' regions correlate, and how many controls say so."""
    pairs = covariance[covariance["biomarker"] != covariance["other"]]
    one = covariance.iloc[0]
    if pairs.empty:
        return f"One biomarker, in {one['n_controls']} controls: nothing correlates."
    fewest = f", {pairs['n'].min()} behind the rarest pair" if pairs["n"].min() < one["n_controls"] else ""
    return (
        f"In {one['n_controls']} controls{fewest}, z of {len(covariance) - len(pairs)} biomarkers correlate at "
        f"r = {pairs['correlation'].mean():.2f} on average ({pairs['correlation'].min():.2f} to "
        f"{pairs['correlation'].max():.2f}), after shrinkage by {one['shrinkage']:.1%} "
        "(results/normative/covariance.tsv)."
    )


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
    text = PAGES.get_template("page.html.j2").render(
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
        covariance=healthy_correlation(read_table(root / "normative/covariance.tsv")),
        failures=html(failed[["biomarker", "check", "part", "n", "mean", "sd", "why"]].head(SHOWN))
        if len(failed)
        else "",
        diseases=[disease_section(root, d, provenance["config"]["normative"]["site"]) for d in diseases],
        cross={
            "projection": optional(cross / "projection_counts.tsv"),
            "enrichment": optional(cross / "enrichment.tsv"),
        }
        if len(diseases) > 1
        else None,
        methods=methods_text(provenance["config"]) if diseases else [],
        provenance=json.dumps({k: v for k, v in provenance.items() if k != "config"}, indent=1),
        config=yaml.safe_dump(provenance["config"], sort_keys=False, default_flow_style=None, width=120),
    )
    with aside(page) as part:
        part.write_text(text, encoding="utf-8")


def write_dictionary(source, path) -> None:
    """Write results/README.md from docs/results.md, the data dictionary's source."""
    text = Path(source).read_text(encoding="utf-8")
    with aside(path) as part:
        part.write_text(text, encoding="utf-8")
