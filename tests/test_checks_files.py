"""Which rows of the page, which files of a scan and which rows of joined tables a check takes, and how it names them."""

import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from neuraxis.checks_results import (
    CHECKS,
    MAILED,
    OF_PAGE,
    PAGE,
    CheckError,
    Study,
    _other_measures,
    _words,
    run_checks,
)

FILES = "measures are those of the scan's own files"


def test_cells_are_compared_as_numbers_of_five_digits_or_as_words():
    frame = pd.DataFrame(
        {"a": [1.234567, np.nan], "b": [True, np.bool_(False)], "c": ["0.50", None], "d": [7, "x"], "e": ["", pd.NA]}
    ).astype(object)
    assert _words(frame) == [("1.2346", "yes", "0.5", "7", ""), ("", "no", "", "x", "")]
    assert _words(pd.DataFrame({"n": [2, 3]})) == [("2",), ("3",)]


def page_of(root, name, rows, columns=("participant_id", "fold")):
    """A page with one table."""
    body = json.dumps({"columns": list(columns), "rows": rows})
    (root / "report").mkdir(parents=True, exist_ok=True)
    page = f'<script type="application/json" id="t-{name}">{body}</script>'
    (root / "report/index.html").write_text(page)


def folds(root, disease="MS", stage="sustain"):
    at = root / stage / disease
    at.mkdir(parents=True)
    (at / "folds.tsv").write_text("participant_id\tfold\na\t0\nb\t1\nc\t0\nd\t1\ne\t0\nf\t1\n")


def test_three_rows_that_the_table_has_not_are_named_by_their_numbers_and_first_cells(tmp_path):
    folds(tmp_path)
    page_of(tmp_path, "MS-folds", [["a", 0], ["b", 0], ["c", 0], ["d", 0], ["e", 1], ["g", 1]])
    found = list(CHECKS[PAGE](Study(tmp_path, ("MS",))))
    assert [p.row for p in found] == [
        f"row {i} (participant_id {w}, fold {f})" for i, w, f in ((2, "b", 0), (4, "d", 0), (5, "e", 1))
    ]
    assert {p.table for p in found} == {"report/index.html, sustain/MS/folds.tsv"}
    page_of(tmp_path, "MS-folds", [["f", 1], ["a", 0]])
    assert list(CHECKS[PAGE](Study(tmp_path, ("MS",)))) == []


def test_a_row_is_told_by_four_cells(tmp_path):
    at = tmp_path / "clinical/MS"
    at.mkdir(parents=True)
    (at / "transitions.tsv").write_text("source\ttarget\tn\tshare\torigin\nx\ty\t3\t0.5\tSIMULATED\n")
    page_of(
        tmp_path,
        "MS-clinical-transitions",
        [["x", "y", 4, 0.5, "SIMULATED"]],
        ("source", "target", "n", "share", "origin"),
    )
    found = list(CHECKS[PAGE](Study(tmp_path, ("MS",))))
    assert [p.row for p in found] == ["row 1 (source x, target y, n 4, share 0.5)"]


@pytest.mark.parametrize(
    ("name", "named"), [("MS-folds", 0), ("MS-fold", 1), ("MS-clinical-folds", 1), ("MSA-folds", 0), ("methods", 0)]
)
def test_a_table_of_the_page_has_the_name_of_one_of_its_disease(tmp_path, name, named):
    folds(tmp_path)
    page_of(tmp_path, name, [["a", 0]])
    found = list(CHECKS[PAGE](Study(tmp_path, ("MS",))))
    assert [(p.row, p.words) for p in found] == [(name, "the page shows a table that is none of the study's")] * named


def test_a_page_that_cannot_be_mailed_is_told_in_megabytes(tmp_path, monkeypatch):
    (tmp_path / "report").mkdir()
    (tmp_path / "report/index.html").write_bytes(b"x" * 2_600_000)
    monkeypatch.setattr("neuraxis.report.views.MOST_PAGE", 2_000_000)
    found = list(CHECKS[MAILED](Study(tmp_path)))
    assert [p.row for p in found] == ["the file"] and found[0].words.startswith("has 2.6 MB, more than 2, although")


def test_all_rules_but_those_of_the_page_are_asked_where_none_is_named(tmp_path, monkeypatch):
    asked = []
    for rule in CHECKS:
        monkeypatch.setitem(CHECKS, rule, lambda study, rule=rule: iter(asked.append(rule) or ()))
    table = run_checks(Study(tmp_path))
    assert asked == [r for r in CHECKS if r not in OF_PAGE] == table["rule"].tolist() and len(asked) == len(CHECKS) - 2
    assert run_checks(Study(tmp_path), [PAGE])["rule"].tolist() == [PAGE]


def test_measures_read_again_are_compared_where_both_are_known_and_not_head_sizes():
    row = pd.DataFrame(
        {"participant_id": ["p"], "a": [1.0], "b": [2.0], "c": [np.nan], "etiv": [5.0], "surface_holes": [3]}
    )
    again = pd.DataFrame({"a": [1.0], "b": [3.0], "c": [4.0], "d": [5.0], "etiv": [6.0], "surface_holes": [9]})
    told = list(_other_measures(row, again))
    assert [words for _, _, words in told] == ["b is 2, and 3 by what it is made of"]
    assert list(_other_measures(row, again.assign(b=np.nan))) == []


@pytest.fixture
def scanned(tmp_path, monkeypatch, request):
    """Three people with a label volume, a cord mask and levels each, one of them scanned again; the cord's area is its file's."""
    areas = {"p": 60.0, "q": 70.0, "r": 80.0}
    inputs = []
    for i, who in enumerate(areas):
        for session in ("baseline", "later") if who == "q" else ("baseline",):
            data = np.zeros((6, 6, 6), np.int16)
            data[: i + 2 + 3 * (session == "later") - 1, :3, :3] = 16
            names = [f"{who}_{session}_{n}.nii.gz" for n in ("labels", "cord", "levels")]
            nib.save(nib.Nifti1Image(data, np.diag([2.0, 2, 2, 1])), tmp_path / names[0])
            for name in names:
                (tmp_path / name).touch()
                inputs.append(
                    {"participant_id": who, "session_id": session, "file": str(tmp_path / name), "sha256": "x"}
                )
    inputs = pd.DataFrame(inputs)
    monkeypatch.setattr(
        "neuraxis.features.images.cord_area",
        lambda mask, levels, which: (areas[mask.name[0]] if (mask.name[2:], levels.name[2:], which) == (
            "baseline_cord.nii.gz", "baseline_levels.nii.gz", (2, 3)) else -1.0, 3),
    )  # fmt: skip
    brainstem = [72.0, 144.0, 216.0]
    measures = pd.DataFrame({"participant_id": list(areas), "brainstem": brainstem, "cord_csa": list(areas.values())})

    def asked(measures=measures, inputs=inputs, **options):
        given = {"biomarkers": request.config.rootpath / "resources/biomarkers.tsv", "cord_levels": (2, 3)} | options
        study = Study(tmp_path, ("MS",), **given)
        study.known |= {"features/inputs.tsv": inputs, "features/measures.tsv": measures}
        return [p.words for p in CHECKS[FILES](study)]

    return asked, measures, inputs


def test_a_person_s_measures_are_those_of_the_baseline_scan_s_own_files(scanned):
    asked, measures, inputs = scanned
    assert asked() == []
    assert asked(inputs=inputs.iloc[[*range(3, 9), *range(3), *range(9, 12)]]) == []  # people in another order
    wrong = measures.assign(cord_csa=[60.0, 70.0, 80.009], brainstem=[72.0, 145.0, 216.0])
    assert asked(wrong) == [
        "brainstem is 145, and 144 by what it is made of",
        "cord_csa is 80.009, and 80 by what it is made of",
    ]
    assert asked(measures.assign(cord_csa=[60.0, 70.0, 80.0076])) == []
    assert asked(wrong, cord=False) == ["brainstem is 145, and 144 by what it is made of"]
    assert asked(wrong, biomarkers="") == [] and asked(wrong, inputs=inputs.iloc[:0]) == []


def test_what_a_scan_has_not_is_not_asked_for(scanned):
    asked, measures, inputs = scanned
    wrong = measures.assign(cord_csa=1.0)
    assert len(asked(wrong)) == 3
    assert asked(measures.drop(columns="cord_csa")) == [] and asked(wrong.assign(cord_csa=np.nan)) == []
    alone = inputs[inputs["file"].str.contains("labels")]
    assert asked(wrong, alone) == []  # no cord was masked
    lost = inputs.assign(file=inputs["file"].str.replace("p_baseline_levels", "gone"))
    assert len(asked(wrong, lost)) == 2  # the files of one of them are elsewhere now
    cords = inputs[~inputs["file"].str.contains("labels")]
    assert len(asked(wrong.assign(brainstem=1.0), cords, labels=False)) == 3


def test_a_study_without_definitions_or_tables_of_measures_has_nothing_to_compare(tmp_path, request):
    rule = "measures are those of the tables that hold them"
    assert list(CHECKS[rule](Study(tmp_path, volume_tables=("absent.csv",), sct="absent.csv"))) == []
    assert list(CHECKS[rule](Study(tmp_path, biomarkers=request.config.rootpath / "resources/biomarkers.tsv"))) == []


def test_cords_alone_or_volumes_alone_are_compared(tmp_path, request):
    areas = pd.DataFrame({"Filename": ["/d/p/t2.nii.gz", "/d/q/t2.nii.gz"], "VertLevel": 2, "MEAN(area)": [70.0, 71.0]})
    areas.to_csv(tmp_path / "cord.csv", index=False)
    volumes = pd.DataFrame({"subject": ["q", "p"], "total intracranial": 1.5e6, "brain-stem": [21000.0, 20000.0]})
    volumes.to_csv(tmp_path / "volumes.csv", index=False)
    wrong = pd.DataFrame({"participant_id": ["p", "q"], "brainstem": [1.0, 21000.0], "cord_csa": [70.0, 2.0]})

    def found(**given):
        study = Study(
            tmp_path, biomarkers=request.config.rootpath / "resources/biomarkers.tsv", cord_levels=(2,), **given
        )
        study.known |= {"cohort/participants.tsv": wrong[["participant_id"]], "features/measures.tsv": wrong}
        return [p.words.partition(" is")[0] for p in CHECKS["measures are those of the tables that hold them"](study)]

    cord, brain = {"sct": tmp_path / "cord.csv"}, {"volume_tables": (tmp_path / "volumes.csv",)}
    assert (found(**cord), found(**brain), found(**brain, **cord)) == (
        ["cord_csa"],
        ["brainstem"],
        ["brainstem", "cord_csa"],
    )


def test_problems_are_told_with_table_row_and_rule(tmp_path):
    folds(tmp_path)
    page_of(tmp_path, "MS-folds", [["a", 1]])
    with pytest.raises(CheckError) as error:
        run_checks(Study(tmp_path, ("MS",)), [PAGE])
    head, line = str(error.value).splitlines()
    assert head.endswith("run again, or report it:") and line.startswith(
        "- report/index.html, sustain/MS/folds.tsv, row 1 ("
    )
    assert line.endswith(f"a row that the table has not ({PAGE})")
