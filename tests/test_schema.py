"""Every table has one declaration, and tables are written and read by it."""

import ast
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from neuraxis import schema
from neuraxis.errors import InputError
from neuraxis.schema import KINDS, TABLES, dictionary, read, save, table_of, write
from neuraxis.tables import write_table


def test_the_dictionary_is_made_from_the_declarations(request):
    root = request.config.rootpath
    assert (root / "docs/dictionary.md").read_text() == dictionary()  # python -m neuraxis.schema > docs/dictionary.md
    index = (root / "docs/results.md").read_text()
    unnamed = [p for p in TABLES if p.rpartition("/")[2] not in index]
    assert not unnamed


def test_declarations_are_whole():
    for path, table in TABLES.items():
        names = [c.name for c in table.columns]
        assert len(set(names)) == len(names) and table.row and all(c.meaning and c.kind in KINDS for c in table.columns)
        assert set(table.key) <= set(names), path
        assert all(set(i) <= {*names, *("partial_r", "r_low", "r_high", "kendall_tau", "tau_low", "tau_high")} | {
            "prob_index", "pi_low", "pi_high"} for i in table.intervals)  # fmt: skip
        assert sum(c.rest for c in table.columns) <= 1
        assert table_of(f"results/{path.replace('/D/', '/MS/').replace('/V/', '/a-b/')}") is table
    assert table_of("/x/results/sustain/NMOSD/folds.tsv").path == "sustain/D/folds.tsv"
    assert table_of("results/sustain/folds.tsv") is None and table_of("results/cohort/simulated/x.tsv") is None


def test_what_a_row_is_about_stands_before_its_numbers():
    """Read on a phone, or in a terminal, the first columns are all that is seen."""
    late = {}
    for path, table in TABLES.items():
        names = [c.name for c in table.columns]
        numbers = [i for i, c in enumerate(table.columns) if c.kind in ("number", "whole") and c.name not in table.key]
        late[path] = [k for k in table.key if numbers and names.index(k) > min(numbers)]
    assert not {path: keys for path, keys in late.items() if keys}


def test_types_survive_the_disk(tmp_path):
    path = tmp_path / "results/sustain/MS/selection.tsv"
    frame = pd.DataFrame(
        {
            "chosen": ["False", "True"], "reason": [None, "because"], "n_subtypes": [0.0, 1.0], "cvic": [3.0, 2],
            "model": ["everyone healthy", "1 subtype"], "cvic_se": 1.0, "heldout_loglik": -1.5, "delta_cvic": [np.nan, -1],
            "delta_se": [np.nan, 0.5], "gap_cvic": [1, 0], "gap_se": [0.5, 0.0],
        }
    )  # fmt: skip
    write("sustain/D/selection.tsv", frame, path, origin="SIMULATED")
    text = path.read_text().splitlines()
    assert text[0].split("\t")[:3] == ["model", "n_subtypes", "cvic"] and "origin" not in text[0]  # of no people
    assert text[2].split("\t")[1] == "1" and text[1].split("\t")[-2:] == ["False", "n/a"]
    got = read("sustain/D/selection.tsv", path)
    assert got["chosen"].dtype == bool and got["chosen"].tolist() == [False, True]
    assert (
        got["n_subtypes"].dtype == "int64"
        and got["gap_cvic"].dtype == float
        and got["reason"].isna().tolist() == [True, False]
    )


def test_a_study_s_table_is_checked_and_marked_where_it_is_saved_and_others_are_not(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "_origin", None)
    folds = tmp_path / "results/sustain/MS/folds.tsv"
    frame = pd.DataFrame({"fold": [1, 0], "participant_id": ["b", "a"]})
    with pytest.raises(InputError, match="fold"):
        save(frame.assign(fold=[0.5, 1]), folds)
    assert not folds.exists()
    schema.mark_simulated(True)
    save(frame, folds)
    assert folds.read_text() == "participant_id\tfold\torigin\nb\t1\tSIMULATED\na\t0\tSIMULATED\n"
    save(frame.iloc[:0], folds)
    assert folds.read_text() == "fold\tparticipant_id\torigin\n"
    other = tmp_path / "results/features/batches/0_others.tsv"
    save(frame.assign(fold=[0.5, 1]), other)
    assert other.read_text() == "fold\tparticipant_id\n0.5\tb\n1\ta\n"
    schema.mark_simulated(False)
    save(frame, folds)
    assert folds.read_text() == "participant_id\tfold\nb\t1\na\t0\n"


def test_batches_and_checks_are_declared_too(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "_origin", "SIMULATED")
    for batch in ("0", "12", "retried"):
        path = tmp_path / f"results/features/batches/{batch}_failures.tsv"
        save(pd.DataFrame({"problem": ["no file"], "session_id": "baseline", "participant_id": "007"}), path)
        assert path.read_text() == ("participant_id\tsession_id\tproblem\torigin\n007\tbaseline\tno file\tSIMULATED\n")
    with pytest.raises(InputError, match="column problem has no value in row 1"):
        save(pd.DataFrame({"problem": [None], "session_id": "baseline", "participant_id": "007"}), path)
    measures = pd.DataFrame({"participant_id": ["a", "a"], "session_id": ["x", "x"], "etiv": 1.5e6, "thalamus": [3, 4]})
    with pytest.raises(InputError, match=r"row 2 \(a, x\) comes twice"):
        save(measures, tmp_path / "results/features/batches/0_measures.tsv")
    with pytest.raises(InputError, match="problems: 'many' in row 1 \\(r\\) is no whole"):
        save(pd.DataFrame({"rule": ["r"], "problems": ["many"]}), tmp_path / "results/checks_page.tsv")
    checks = tmp_path / "results/checks.tsv"
    save(pd.DataFrame({"rule": ["r"], "problems": [0]}), checks)
    assert checks.read_text() == "rule\tproblems\nr\t0\n"
    assert table_of("results/features/batches/measures.tsv") is None


JOBS = """
import sys
from types import SimpleNamespace
import pandas as pd
from neuraxis.job import start
from neuraxis.schema import save
for source in ("files", "simulated", ""):
    config = {"cohort": {"source": source}} if source else {}
    start(SimpleNamespace(rule="r", log=[], wildcards={}, config=config))
    save(pd.DataFrame({"fold": [1], "participant_id": ["b"]}), f"{sys.argv[1]}/results/sustain/{source}_/folds.tsv")
"""


def test_a_job_marks_its_tables_as_its_configuration_says(tmp_path):
    subprocess.run([sys.executable, "-c", JOBS, tmp_path], check=True)
    written = {p.parent.name: p.read_text().splitlines()[1] for p in tmp_path.rglob("folds.tsv")}
    assert written == {"files_": "b\t1", "simulated_": "b\t1\tSIMULATED", "_": "b\t1"}


def test_every_table_of_people_is_marked():
    """As docs/results.md promises."""
    assert [t.path for t in TABLES.values() if t.column("participant_id") in t.columns and not t.marked] == []
    assert sum(t.column("participant_id") in t.columns and "participant_id" in t.key for t in TABLES.values()) > 15


def test_ids_stay_text_and_simulated_people_are_marked(tmp_path):
    path = tmp_path / "results/sustain/MS/folds.tsv"
    frame = pd.DataFrame({"fold": [1, 0], "participant_id": ["007", "1e5"]})
    write("sustain/D/folds.tsv", frame, path, origin="SIMULATED")
    assert path.read_text().splitlines()[:2] == ["participant_id\tfold\torigin", "007\t1\tSIMULATED"]
    got = read("sustain/D/folds.tsv", path)
    assert got["participant_id"].tolist() == ["007", "1e5"] and got["fold"].tolist() == [1, 0]
    write("sustain/D/folds.tsv", frame, path)
    assert "origin" not in path.read_text()


def test_patterns_and_the_rest_have_their_kinds(tmp_path):
    path = tmp_path / "results/sustain/MS/heldout.tsv"
    frame = pd.DataFrame(
        {"k0": [-1.0, -2], "participant_id": ["a", "b"], "k10": [-3.0, -4], "fold": [0, 1], "gaussian": np.nan}
    )
    write("sustain/D/heldout.tsv", frame, path)
    assert path.read_text().splitlines()[0].split("\t") == ["participant_id", "fold", "gaussian", "k0", "k10"]
    z = tmp_path / "results/normative/zscores.tsv"
    write("normative/zscores.tsv", pd.DataFrame({"participant_id": ["a"], "group": ["2"], "thalamus": [1.5]}), z)
    got = read("normative/zscores.tsv", z)
    assert got["group"].tolist() == ["2"] and got["thalamus"].tolist() == [1.5]


GOOD = pd.DataFrame({"participant_id": ["a", "b", "c"], "draw": 1, "subtype": [0, 1, 2], "stage": [0, 3, 4]})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns="stage"), "column stage is missing"),
        (lambda t: t.assign(mood=1), "column mood is not declared"),
        (lambda t: t.assign(stage=[0, None, 4]), r"column stage has no value in row 2 \(b, 1\)"),
        (lambda t: t.assign(stage=[0, 3.5, 4]), r"column stage: 3.5 in row 2 \(b, 1\) is no whole"),
        (lambda t: t.assign(subtype=["none", "1", "2"]), r"column subtype: 'none' in row 1 \(a, 1\) is no whole"),
        (lambda t: t.assign(participant_id=["a", "b", "a"]), r"row 3 \(a, 1\) comes twice"),
    ],
)
def test_a_table_that_is_not_as_declared_is_not_written(tmp_path, change, words):
    path = tmp_path / "results/sustain/MS/label_draws.tsv"
    with pytest.raises(InputError, match=words):
        write("sustain/D/label_draws.tsv", change(GOOD), path)
    assert not path.exists()
    write("sustain/D/label_draws.tsv", GOOD, path)
    write_table(change(GOOD), path)
    with pytest.raises(InputError, match=re.sub(r"3\.5", "3.5", words)):
        read("sustain/D/label_draws.tsv", path)


def test_truth_values_that_are_neither_are_named(tmp_path):
    frame = pd.DataFrame({"biomarker": ["a", "b"], "threshold": [1, 2], "n_people": [5, 6], "kept": ["True", "maybe"]})
    with pytest.raises(InputError, match=r"column kept: 'maybe' in row 2 \(b, 2\) is no truth"):
        write("sustain/D/thresholds.tsv", frame, tmp_path / "t.tsv")
    gaps = pd.DataFrame({"outcome": ["o"] * 2, "kind": "stage", "subtype": None, "against": None, "effect": "OR"})
    numbers = [c.name for c in TABLES["clinical/D/planted.tsv"].columns if c.kind == "number"]
    gaps = gaps.assign(**dict.fromkeys(numbers, 1.0), same_direction=[True, np.nan], covered=[np.nan, np.nan])
    write("clinical/D/planted.tsv", gaps, tmp_path / "p.tsv")
    got = read("clinical/D/planted.tsv", tmp_path / "p.tsv")
    assert got["same_direction"].tolist()[0] is True and got["same_direction"].isna().tolist() == [False, True]


def test_a_table_of_nothing_needs_no_columns_but_one_of_something_does(tmp_path):
    path = tmp_path / "results/sustain/MS/folds.tsv"
    write_table(pd.DataFrame(columns=["participant_id"]), path)
    got = read("sustain/D/folds.tsv", path)
    assert got.empty and {"participant_id", "fold"} <= set(got)
    write_table(pd.DataFrame({"participant_id": ["a"]}), path)
    with pytest.raises(InputError, match="column fold is missing"):
        read("sustain/D/folds.tsv", path)


#: Tables that are no study's: what people hand in, definitions, the simulated truth, batches before they are put together.
OTHERS = {
    "workflow/scripts/clinical_associations.py": ["i['reported']"],
    "src/neuraxis/biomarkers.py": ["path"],
    "src/neuraxis/cohort/participants.py": ["cells.path", "path"],
    "src/neuraxis/features/readers/base.py": ["path"],
    "src/neuraxis/features/stats.py": ["labels_file"],
    "src/neuraxis/figures/given.py": ["resources / 'labels.tsv'"],
    "src/neuraxis/newpeople/shared.py": ["placed(n)"],  # a model file's: of another version, checked as its parts are
    "src/neuraxis/newstudy.py": ["path"],
    "src/neuraxis/report/person.py": ["workflow_home() / 'resources/labels.tsv'"],
    "src/neuraxis/schema.py": ["path"],
}


def test_a_study_s_tables_are_read_by_their_declarations(request):
    root = request.config.rootpath
    plain, named, by_hand = {}, {}, []
    for path in sorted([*root.glob("workflow/scripts/*.py"), *root.glob("src/neuraxis/**/*.py")]):
        name, text = str(path.relative_to(root)), path.read_text()
        for node in ast.walk(ast.parse(text)) if "read" in text else ():
            called = ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""
            if called == "read_table":
                plain.setdefault(name, []).append(ast.unparse(node.args[0]))
            elif called == "read" and len(node.args) == 2 and isinstance(node.args[0], ast.Constant):
                named.setdefault(name, []).append(node.args[0].value)
            elif (
                called == "read_csv"
                and name.startswith("workflow/")
                or isinstance(node, ast.Compare)
                and ast.unparse(node.comparators[0]) in ("'True'", "'False'")
            ):
                by_hand.append(f"{name}:{node.lineno}")
    assert {name: sorted(found) for name, found in plain.items()} == OTHERS
    assert not by_hand
    assert {t for tables in named.values() for t in tables} <= set(TABLES)
    assert len(named) > 15 and sum(map(len, named.values())) > 30


def test_gaps_beside_values_excuse_nothing(tmp_path):
    """A column that is empty has no kind; one with a gap has, or words would pass for numbers."""
    frame = pd.DataFrame({"participant_id": ["a", "b"], "fold": [0, 1], "k0": [-1.0, -2], "gaussian": [None, "low"]})
    with pytest.raises(InputError, match=r"column gaussian: 'low' in row 2 \(b\)"):
        write("sustain/D/heldout.tsv", frame, tmp_path / "heldout.tsv")
    write("sustain/D/heldout.tsv", frame.assign(gaussian=None), tmp_path / "heldout.tsv")
