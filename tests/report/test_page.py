"""Warnings of the run, the methods text, tables in the page."""

import numpy as np
import pandas as pd
import yaml

from neuraxis.job import as_list, warnings_in
from neuraxis.report import page
from neuraxis.report.page import healthy_correlation, html, methods_text, optional


def test_warnings_of_the_package_are_gathered_once(tmp_path):
    (tmp_path / "normative").mkdir()
    (tmp_path / "normative" / "zscores.log").write_text(
        "2026-01-01 10:00:00,000 INFO fine\n"
        "2026-01-01 10:00:00,000 WARNING /a/b.py:3: NeuraxisWarning: 2 people lie outside the controls' ages\n"
        "2026-01-01 10:00:00,000 WARNING /a/b.py:3: FutureWarning: of a library\n"
        "2026-01-01 10:00:00,000 WARNING nobody has a value of cord_csa; left aside\n"
    )
    (tmp_path / "again.log").write_text("t WARNING nobody has a value of cord_csa; left aside\n")
    assert warnings_in(tmp_path) == [
        "again: nobody has a value of cord_csa; left aside",
        "normative/zscores: 2 people lie outside the controls' ages",
    ]
    assert warnings_in(tmp_path / "nowhere") == []


def test_methods_follow_the_configuration(request):
    root = request.config.rootpath
    config = yaml.safe_load((root / "config.yaml").read_text())
    config["sustain"] |= {"n_samples": 30_000, "n_samples_folds": 7_000}
    text = " ".join(methods_text(config))
    assert (
        "30,000 MCMC steps" in text
        and "of 7,000 in each fold" in text
        and "chosen by CVIC over 5 folds" in text
        and "one offset per site" in text
    )
    for section, values in yaml.safe_load((root / "config" / "study.yaml").read_text()).items():
        config[section] |= values
    config["sustain"]["n_subtypes"] = 3
    text = " ".join(methods_text(config))
    assert "stage prior flat" in text and "fixed in the configuration, not chosen" in text
    assert "for every biomarker, maximum 5" in text


def test_tables_are_escaped_and_absent_ones_left_out(tmp_path):
    assert "&lt;b&gt;" in html(pd.DataFrame({"a": ["<b>"]}))
    assert optional(tmp_path / "no.tsv") == ""
    (tmp_path / "t.tsv").write_text("a\torigin\n1.23456\tSIMULATED\n")
    page = optional(tmp_path / "t.tsv")
    assert "1.23" in page and "SIMULATED" not in page
    assert as_list("x") == ["x"] and as_list(None) == [] and as_list(("a", "b")) == ["a", "b"]


def test_how_far_the_controls_regions_correlate_is_said():
    table = pd.DataFrame(
        {
            "biomarker": ["a", "b", "b", "c", "c", "c"],
            "other": ["a", "a", "b", "a", "b", "c"],
            "n": [100, 80, 90, 70, 60, 75],
            "correlation": [1, 0.6, 1, 0.1, -0.25, 1],
            "n_controls": 120,
            "shrinkage": 0.034,
        }
    )
    said = healthy_correlation(table)
    assert said.startswith("In 120 controls, 60 behind the rarest pair, z of 3 biomarkers correlate at r = 0.15 on")
    assert "(-0.25 to 0.60), after shrinkage by 3.4%" in said
    assert "rarest" not in healthy_correlation(table.assign(n=120))
    assert "nothing correlates" in healthy_correlation(table[:1])


def test_the_negative_control_is_told_and_warns_where_it_finds_something():
    table = pd.DataFrame(
        {
            "variant": ["a", "a", "b", "b"],
            "n_subtypes": [0, 1, 1, 2],
            "chosen": ["True", "False", "False", "True"],
            "n_people": 365,
            "note": np.nan,
        }
    )
    none, two = page.control_sentences(table)
    assert none == {
        "text": "Negative control (a): the same procedure finds 0 subtypes in 365 healthy people.",
        "warn": False,
    }
    assert "finds 2 subtypes" in two["text"] and "no evidence of disease" in two["text"] and two["warn"]
    absent = pd.DataFrame(
        {"variant": [np.nan], "n_subtypes": np.nan, "chosen": np.nan, "n_people": np.nan, "note": "70 controls"}
    )
    assert page.control_sentences(absent) == [{"text": "No negative control: 70 controls.", "warn": True}]
