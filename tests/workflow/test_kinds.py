"""Kinds of study from files to the report, every sentence of which must be true of them; minutes, so `make test-slow`."""

import html
import os
import re

import numpy as np
import pandas as pd
import pytest
from small_study import ROOT, checkout, snakemake

pytestmark = pytest.mark.skipif(
    not os.environ.get("NEURAXIS_SLOW"), reason="two whole studies, minutes: make test-slow"
)
#: Very few steps: what is told is told whatever comes out.
SHORT = """
normative: {folds: 5}
sustain: {max_subtypes: 2, folds: 2, n_startpoints: 1, n_samples: 200, n_doublings: 0, n_samples_folds: 0, n_chains: 2, variants: [], leave_site_out: false}
clinical: {n_draws: 5, treatment: {column: ""}, outcomes: [{name: EDSS, column: edss, type: ordinal, covariates: [age, sex]}]}
"""


def people_and_measures(scale):
    from neuraxis.cohort.simulated import simulate_cohort

    cohort = simulate_cohort(ROOT / "resources", scale=scale, seed=3)
    measures = cohort.measures.query("session_id == 'baseline'").drop(columns=["session_id", "etiv_measured"])
    return cohort.participants, measures


def page_of(folder, config):
    """The report of a study of these files, as text without its tables, scripts and pictures."""
    (folder / "config.yaml").write_text(config)
    (folder / "short.yaml").write_text(SHORT)
    clone = checkout(folder / "clone")
    snakemake(folder, "-s", str(clone / "Snakefile"), "--configfile", "config.yaml", "short.yaml")
    page = (folder / "results/report/index.html").read_text()
    assert not re.search(r"<img(?![^>]* alt=\"[^\"]+\")", page)
    return html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<(script|style|pre)\b.*?</\1>", " ", page)))


def test_the_cord_alone(tmp_path):
    """A table of the Spinal Cord Toolbox and one of people; neither brain nor head size."""
    people, measures = people_and_measures(0.12)
    people = people[people["group"].isin(["HC", "MS"])]
    people[["participant_id", "group", "age", "sex", "site", "edss"]].to_csv(
        tmp_path / "participants.tsv", sep="\t", index=False, na_rep="n/a"
    )
    areas = measures.set_index("participant_id")["cord_csa"].loc[people["participant_id"]].dropna()
    rows = [
        f"/d/{i}/{i}_T2w_seg.nii.gz,{level},{area + d}" for i, area in areas.items() for level, d in ((2, 1), (3, -1))
    ]
    (tmp_path / "csa.csv").write_text("\n".join(["Filename,VertLevel,MEAN(area)", *rows]) + "\n")
    words = page_of(
        tmp_path,
        "cohort: {source: files, participants: participants.tsv, diseases: [MS]}\n"
        "features: {source: volume_tables, sct: csa.csv, cord_levels: [2, 3]}\nnormative: {head_size: none}\n",
    )
    assert "1 measure of the spinal cord" in words and "The spinal cord's area was taken from a table" in words
    assert "The brain was not measured" in words and "Defined but measured in nobody" not in words
    assert "brain and cord" not in words and "Mean z of every measure as numbers" in words
    assert "(no head-size term)" in words and "stage with head size (nobody's is known)" in words
    assert "The model rests on one measure, Cord area C2-C3" in words or "no common order of atrophy" in words
    assert not re.search(r"\b(nan|NaN|None)\b", words)


def test_three_diseases_with_thickness_beside_volumes(tmp_path):
    """Thickness has no head-size term; every disease has a chapter, and they are compared."""
    people, measures = people_and_measures(0.15)
    older = people["age"] > people.loc[people["group"] == "MS", "age"].median()
    people["group"] = people["group"].where(people["group"] != "MS", np.where(older, "SPMS", "RRMS"))
    people[["participant_id", "group", "age", "sex", "site", "edss"]].to_csv(
        tmp_path / "participants.tsv", sep="\t", index=False, na_rep="n/a"
    )
    noise = np.random.default_rng(1).normal(0, 0.05, len(measures))
    measures["thickness"] = 2.5 * (measures["frontal"] / measures["frontal"].mean()) ** (1 / 3) + noise
    measures.to_csv(tmp_path / "measures.tsv", sep="\t", index=False)
    defined = pd.read_csv(ROOT / "resources/biomarkers.tsv", sep="\t", dtype=str, keep_default_na=False)
    defined = defined[defined["biomarker"].isin(["cord_csa", "brainstem", "frontal", "thalamus", "putamen"])]
    text = defined.to_csv(sep="\t", index=False)
    (tmp_path / "biomarkers.tsv").write_text(
        text + "thickness\tMean cortical thickness\ttable\tn/a\tmm\tfall\t1\t4\tcortical\n"
    )
    words = page_of(
        tmp_path,
        "cohort: {source: files, participants: participants.tsv, diseases: [NMOSD, RRMS, SPMS]}\n"
        "features: {source: table, table: measures.tsv, biomarkers: biomarkers.tsv}\n"
        "normative: {overrides: {thickness: {head_size: none}}}\n",
    )
    assert "with NMOSD, 30 with RRMS, 29 with SPMS and 160 controls (HC)" in words
    assert "6 measures with the spinal cord" in words and "For Mean cortical thickness: no head-size term." in words
    assert "one model per disease" in words and "Diseases compared" in words
    assert "30 patients, and as many controls are modelled" in words
    assert not re.search("(brain|cord) was not measured", words) and not re.search(r"\b(nan|NaN|None)\b", words)
