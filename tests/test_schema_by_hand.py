"""Declarations of tables by hand: which are always there and marked, how columns are found, converted, ordered and named."""

import numpy as np
import pandas as pd
import pytest

from neuraxis.errors import InputError
from neuraxis.schema import TABLES, Column, Table, _converted, _is_kind, _table, load, read, table_of, write
from neuraxis.tables import write_table

#: What a study may lack: the simulated cohort's own, batches on the way, what settings switch off, what compares diseases,
#: and what the checks write after they have looked whether everything is there.
MAY_LACK = (
    *("cohort/simulated/", "features/batches/", "sustain/D/variants", "sustain/D/site", "sustain/D/parametric_null"),
    *("sustain/crossdisease/", "clinical/D/planted", "checks"),
)
#: What is of models, thresholds, checks and counts, and of nobody: not marked where people are simulated.
OF_NOBODY = {
    *(
        "cohort/ids",
        "cohort/flow",
        "features/flow",
        "normative/covariance",
        "normative/diagnostics",
        "clinical/columns",
    ),
    *(
        "sustain/D/sizes",
        "sustain/D/thresholds",
        "sustain/D/heldout_folds",
        "sustain/D/selection",
        "sustain/D/variants",
    ),
    *(
        "sustain/D/variants/V/heldout_folds",
        "sustain/D/variants/V/selection",
        "sustain/D/names",
        "sustain/D/event_order",
    ),
    *("sustain/D/positional_variance", "sustain/D/progression", "sustain/D/diagnostics", "sustain/D/stability"),
    *("sustain/D/starts", "sustain/D/controls", "sustain/D/baselines", "sustain/D/recovery", "sustain/D/calibration"),
    *("sustain/crossdisease/similarity", "sustain/crossdisease/projection_counts", "sustain/crossdisease/joint_order"),
    *("sustain/crossdisease/joint_diagnostics", "sustain/crossdisease/enrichment", "checks", "checks_page"),
}


def test_who_reads_results_knows_what_is_always_there_and_what_is_marked():
    assert {p for p, t in TABLES.items() if not t.always} == {p for p in TABLES if p.startswith(MAY_LACK)}
    assert {p.removesuffix(".tsv") for p, t in TABLES.items() if not t.marked} == OF_NOBODY


def made(**more):
    text = """
    participant_id | text   | | who
    n              | whole  | people | count
    p<k>_x         | number? | | share
    <biomarker>    | number? | z | value
    yes            | truth? | | is it
    what           | any?   | | whatever
    """
    return _table("sustain/D/made.tsv", "a row", text, key="participant_id n", **more)


def test_a_column_is_found_by_name_then_by_pattern_then_by_what_stands_for_the_rest():
    table = made()
    assert [c.name for c in table.columns if c.many] == ["p<k>_x", "<biomarker>"] and [
        c.rest for c in table.columns
    ].index(True) == 3
    found = {n: table.column(n).name for n in ("n", "p1_x", "p12_x", "p_x", "p1_y", "yes", "thalamus")}
    assert found == {"n": "n", "p1_x": "p<k>_x", "p12_x": "p<k>_x", "p_x": "<biomarker>", "p1_y": "<biomarker>", "yes": "yes", "thalamus": "<biomarker>"}  # fmt: skip
    bare = Table("x.tsv", "r", (Column("a", "text", False, "", ""), Column("k<k>", "number", True, "", "")))
    assert bare.column("b") is None and bare.column("k3").name == "k<k>" and bare.column("k") is None
    with pytest.raises(ValueError, match=r"numbr\? of b is no kind"):
        _table("x.tsv", "r", "a | text | | m\nb | numbr? | | m")


def test_columns_stand_as_declared_and_strangers_behind():
    table = made()
    names = ["thalamus", "origin", "p2_x", "n", "p10_x", "what", "insula", "participant_id", "yes"]
    assert table.ordered(names) == [
        "participant_id",
        "n",
        "p2_x",
        "p10_x",
        "thalamus",
        "insula",
        "yes",
        "what",
        "origin",
    ]
    bare = Table("x.tsv", "r", (Column("b", "text", True, "", ""), Column("a", "text", True, "", "")), marked=False)
    assert bare.ordered(["c", "a", "origin", "b"]) == ["b", "a", "c", "origin"] and bare.ordered(["a"]) == ["a"]


def frame(**changes):
    base = {
        "participant_id": ["a", "a", "b"],
        "n": [1, 2, 1],
        "p1_x": 0.5,
        "z1": [0.1, np.nan, 2],
        "yes": [True, None, False],
        "what": 1,
    }
    return pd.DataFrame(base | changes)


def test_all_problems_of_a_table_are_told_at_once():
    table = made()
    assert table.check(table.convert(frame())) == []
    problems = table.check(frame(n=[1.0, np.nan, 1.0], yes=["x", "y", "z"]).drop(columns="what"), "t.tsv")
    assert problems == [
        "t.tsv: column what is missing", "t.tsv: column n has no value in row 2 (a, nan)", "t.tsv: column n holds float64, not whole",
        "t.tsv: column yes holds object, not truth",
    ]  # fmt: skip
    twice = table.check(table.convert(frame(participant_id=["a", "b", "b"])).assign(n=[1, 2, 2]))
    assert twice == ["sustain/D/made.tsv: row 3 (b, 2) comes twice"]
    assert table.check(table.convert(frame()).assign(origin="SIMULATED")) == []
    bare = Table("x.tsv", "r", (Column("a", "text", False, "", ""),), marked=False)
    assert bare.check(pd.DataFrame({"a": ["u"], "origin": "x", "b": 1})) == ["x.tsv: column origin, b is not declared"]


def test_rows_are_named_by_their_key_or_their_number():
    table = made()
    assert table.rows(frame(), pd.Series([True, False, True])) == "row 1 (a, 1), row 3 (b, 1)"
    assert table.rows(frame().drop(columns="n"), pd.Series([False, True, False])) == "row 2 (a)"
    bare = Table("x.tsv", "r", (Column("a", "text", False, "", ""),))
    assert bare.rows(pd.DataFrame({"a": ["u", "v"]}), pd.Series([False, True])) == "row 2"


@pytest.mark.parametrize(
    ("values", "kind", "made_of", "bad"),
    [
        ([1.0, 2.0, np.nan], "text", ["1", "2", None], []), ([1.5, 2.0], "text", ["1.5", "2.0"], []), (["x", None, 3], "text", ["x", None, "3"], []),
        ([np.nan, np.nan], "text", [None, None], []), ([1.0, 3.0], "whole", [1, 3], []), (["1", "2.0"], "whole", [1, 2], []),
        ([1.5, 2], "whole", [None, 2], [0]), (["x", 4], "whole", [None, 4], [0]), ([True, False], "whole", [1, 0], []),
        (["1.5", "x", None], "number", [1.5, None, None], [1]), ([True, False], "number", [1.0, 0.0], []),
        (["True", "false", "1.0", "0"], "truth", [True, False, True, False], []), ([1, 0, None], "truth", [True, False, None], []),
        (["yes", "True"], "truth", [None, True], [0]), ([1, "x"], "any", [1, "x"], []),
    ],
)  # fmt: skip
def test_cells_become_what_their_column_is(values, kind, made_of, bad):
    got, wrong = _converted(pd.Series(values), kind)
    assert [i for i, w in enumerate(wrong) if w] == bad
    assert [None if pd.isna(v) or i in bad else v for i, v in enumerate(got)] == [
        None if i in bad else v for i, v in enumerate(made_of)
    ]


def test_whole_numbers_with_gaps_stay_whole():
    got, _ = _converted(pd.Series([1.0, np.nan]), "whole")
    assert str(got.dtype) == "Int64" and str(_converted(pd.Series([1.0]), "whole")[0].dtype) == "int64"
    assert str(_converted(pd.Series([True, None], dtype=object), "truth")[0].dtype) == "boolean"


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ([1, 2], {"whole", "number", "any"}), ([1.5, 2], {"number", "any"}), ([True, False], {"truth", "any"}), (["a", None], {"text", "any"}),
        ([None, None], {"text", "whole", "number", "truth", "any"}),
    ],
)  # fmt: skip
def test_kinds_of_columns(values, kinds):
    assert {k for k in ("text", "whole", "number", "truth", "any") if _is_kind(pd.Series(values), k)} == kinds


def test_paths_of_diseases_variants_and_batches():
    assert (
        table_of("results/sustain/MS/variants/smooth-controls/selection.tsv").path
        == "sustain/D/variants/V/selection.tsv"
    )
    assert table_of("/a/results/b/results/features/batches/12_failures.tsv").path == "features/batches/B_failures.tsv"
    assert (
        table_of("features/measures.tsv").path == "features/measures.tsv"
        and table_of("results/features/measures_tsv") is None
    )
    assert (
        table_of("results/sustain/MS/x/folds.tsv") is None
        and table_of("results/features/batches/1_2_failures.tsv") is None
    )


def test_a_table_in_its_place_is_read_by_its_declaration(tmp_path):
    at = tmp_path / "results/sustain/MS/folds.tsv"
    write(
        "sustain/D/folds.tsv", pd.DataFrame({"fold": [1, 0], "participant_id": ["01", "1e3"]}), at, origin="SIMULATED"
    )
    got = load(at)
    assert got["participant_id"].tolist() == ["01", "1e3"] and got["origin"].tolist() == ["SIMULATED"] * 2
    with pytest.raises(InputError, match="no table of a study is called so"):
        load(tmp_path / "results/sustain/MS/fold.tsv")
    write_table(pd.DataFrame({"participant_id": ["a", "a"], "fold": ["0", "x"]}), at)
    with pytest.raises(InputError) as error:
        read("sustain/D/folds.tsv", at)
    assert "column fold: 'x' in row 2 (a) is no whole" in str(error.value) and "twice" not in str(error.value)


def test_intervals_are_estimate_low_and_high():
    found = [i for t in TABLES.values() for i in t.intervals]
    assert len(found) > 10
    for estimate, low, high in found:
        assert (
            "low" in low
            and "high" in high
            and low.replace("low", "high") == high
            and "low" not in estimate
            and "high" not in estimate
        )


def test_a_strange_column_of_words_is_called_strange(tmp_path):
    words = pd.DataFrame({"participant_id": ["a"], "fold": [0], "mood": ["good"]})
    with pytest.raises(InputError, match="column mood is not declared"):
        write("sustain/D/folds.tsv", words, tmp_path / "folds.tsv")
