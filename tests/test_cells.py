"""Which cells of a text are whose: separators at the ends of rows, rows of another length, quotes, nameless columns, types."""

import errno
import os

import numpy as np
import pandas as pd
import pytest

from neuraxis.errors import InputError, StorageError
from neuraxis.tables import (
    as_numbers,
    bad_cells,
    check_seal,
    meant_as_numbers,
    measures_of,
    number,
    printed,
    read_cells,
    read_json,
    read_table,
    read_text,
    seal_of,
    write_json,
    write_table,
)


def cells(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    return read_cells(path)


@pytest.mark.parametrize(
    ("text", "header", "rows", "lines"),
    [
        ("a,b,,\n1,2,,\n3,4,,\n", ["a", "b"], [["1", "2"], ["3", "4"]], [2, 3]),  # two at every end
        ("a,b,\n1,2\n3,4,\n5,6\n", ["a", "b"], [["1", "2"], ["3", "4"], ["5", "6"]], [2, 3, 4]),  # at some ends
        ("a,b\n1,2,\n3,4,,\n5,6\n", ["a", "b"], [["1", "2"], ["3", "4"], ["5", "6"]], [2, 3, 4]),  # at rows' ends
        ("a,\n1,\n2,\n", ["a"], [["1"], ["2"]], [2, 3]),  # a single column
        ("a,b,\n", ["a", "b"], [], []),  # no rows
        ("a,b\n1,\n,2\n", ["a", "b"], [["1", ""], ["", "2"]], [2, 3]),  # empty cells are cells
        (",b\nx,1\ny,2\n", ["", "b"], [["x", "1"], ["y", "2"]], [2, 3]),  # row names without a heading
        ("a,,b,,c\n1,,2,,3\n", ["a", "b", "c"], [["1", "2", "3"]], [2]),  # empty columns between
        ("\n\na,b\n\n1,2\n,\n3,4\n", ["a", "b"], [["1", "2"], ["3", "4"]], [5, 7]),  # empty rows
        ('a,b\n1,"x\ny"\n2,z\n', ["a", "b"], [["1", "x\ny"], ["2", "z"]], [2, 4]),  # a cell of two lines
        ('a,b,c\n1,"x,\ny",3\n', ["a", "b", "c"], [["1", "x,\ny", "3"]], [2]),  # whose second could be no row's end
        ('a,b,c\n1,"x\n,y",3\n', ["a", "b", "c"], [["1", "x\n,y", "3"]], [2]),  # whose first could not
        ('a\n"x\ny"\n', ["a"], [["x\ny"]], [2]),  # of a single column every cell is a row
    ],
)
def test_rows_and_the_lines_they_begin_in(tmp_path, text, header, rows, lines):
    got = cells(tmp_path, text)
    assert (got.header, got.rows, got.lines) == (header, rows, lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,\n1,x\n2,\n", "column 2 has values but no name"),  # a value behind the last heading
        ("a,\n1\n2,x\n", r"the header has 2 cells, but not line 2 \(1\)"),
        ("a,,b,,c\n1,,2,x,3\n", "column 4 has values but no name"),  # the one that has them
        ("a,,b,,c\n1,,2,,3\n4,,5,x,6\n", "column 4 has values but no name"),
        (
            "a,b\n1,2,3\n",
            r"the header has 2 cells, but not line 2 \(3\); the table is damaged",
        ),  # one row is no pattern
        ("a,b\n1,2,3,4\n5,6,7,8\n", r"not line 2 \(4\), line 3 \(4\); the table is damaged"),  # nor are two too many
        ("a,b\n1,2,3\n4,5\n6,7,8\n", r"not line 2 \(3\), line 4 \(3\); the table is damaged"),  # nor some rows alone
        ("a,b\n1,2,3\n4,5,6,7\n", r"not line 2 \(3\), line 3 \(4\); the table is damaged"),
        ("a,b\n1,2,3\n4,5,6\n", r"not line 2 \(3\), line 3 \(3\); every row has one more than the header"),
        ("a,b,c\n1,2\n", r"the header has 3 cells, but not line 2 \(2\); the table is damaged"),
        ('a,b,c\n1,"x,3\n4,y",6\n', "line 2: column b runs over several rows"),
        ('a,b,c\n1,2,"x\n4,5,y"\n', "line 2: column c runs over several rows"),
        ('a,b,c\n7,8,9\n"x,2,3\ny",5,6\n', "line 3: column a runs over several rows"),
        (',b\n"x,2\ny",5\n', "line 2: column 1 runs over several rows"),  # it has no name
        ('"a,b\n1,2\n', "line 1: a quote is opened and never closed"),
        ('a,b\n1,2\n\n3,"4\n5,6\n', "line 4: a quote is opened and never closed"),
        ('a,b\n1,"2"x\n', "line 2: .*; the table is damaged there"),
        ("a,b,a,b,c\n1,2,3,4,5\n", "two columns are named a, b"),
        ("a,b,\n1,2\n3,4\0,\n", "line 3: a NUL byte"),
    ],
)
def test_rows_that_are_none(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        cells(tmp_path, text)


def test_a_column_of_a_table_is_that_below_its_heading(tmp_path):
    got = cells(tmp_path, "a,b,c\n1,2,3\n4,5,6\n")
    assert got.column("b") == ["2", "5"] and got.only("c").rows == [["3"], ["6"]] and got.only("c").lines == [2, 3]


def test_excel_s_two_kinds_of_unicode_text_are_read(tmp_path):
    for codec, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"), ("utf-8", b"\xef\xbb\xbf")):
        (tmp_path / "t.tsv").write_bytes(mark + "id\tÄ\ns\tö\n".encode(codec))
        assert read_table(tmp_path / "t.tsv")["Ä"].tolist() == ["ö"]


def test_a_byte_that_is_no_text_is_found_by_its_line(tmp_path):
    for k in (1, 2, 4):
        (tmp_path / "t.tsv").write_bytes(b"a\n" * (k - 1) + b"\xff\n" + b"a\n" * 9)
        with pytest.raises(InputError, match=rf"\(line {k}\); save it as UTF-8"):
            read_text(tmp_path / "t.tsv")


@pytest.mark.parametrize(
    ("cell", "value"),
    [("-9999", np.nan), ("-9999.0", np.nan), ("-9.999e3", np.nan), ("-9998", -9998.0), ("9999", 9999.0), ("n/a", np.nan),
     ("inf", np.inf), ("-Infinity", -np.inf), ("1e999", None), ("-1e999", None), ("x", None), ("1,5", None), ("+.5", 0.5)],
)  # fmt: skip
def test_a_cell_is_a_number_or_missing_or_neither(cell, value):
    got = number(cell)
    assert got is None if value is None else got == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize(
    ("cells", "dtype", "values"),
    [
        (["1", "-9999", "2"], "float64", [1.0, None, 2.0]),
        (["1", "-9998", "9999"], "int64", [1, -9998, 9999]),
        (["-9999", "-9999", "-9999"], "float64", [None, None, None]),
        (["inf", "1", "2"], "float64", [np.inf, 1.0, 2.0]),
        (["inf", "n/a", "2"], "float64", [np.inf, None, 2.0]),
        (["+1", "-2", "003"], "int64", [1, -2, 3]),
        (["1.5", "n/a", "2"], "float64", [1.5, None, 2.0]),
        (["True", "n/a", "False"], "object", [True, None, False]),
        (["True", "1", "False"], "object", ["True", "1", "False"]),
        (["x", "n/a", "1"], "object", ["x", None, "1"]),
        (["999999999999999999", "1", "2"], "int64", [999999999999999999, 1, 2]),
        (["n/a", "NA", ""], "float64", [None, None, None]),
    ],
)
def test_a_column_is_whole_numbers_numbers_truth_values_or_text(tmp_path, cells, dtype, values):
    path = tmp_path / "t.tsv"
    path.write_text("id\tx\n" + "".join(f"{k}\t{c}\n" for k, c in enumerate(cells)))
    column = read_table(path)["x"]
    assert column.dtype == dtype and [None if pd.isna(v) else v for v in column] == values


def test_a_heading_by_other_capitals_is_taken_where_it_is_the_only_one(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("AGE\tAge\tSite\n1\t2\t03\n")
    with pytest.raises(InputError, match="column age is missing; it has AGE, Age, site"):
        read_table(path, needed=["age", "site"])
    assert list(read_table(path, needed=["Age", "site"])) == ["AGE", "Age", "site"]
    path.write_text("Years\tGroup\tx\n01\t2\t3\n02\tn/a\t4\n")
    got = read_table(path, needed=["years", "group"])
    assert got["years"].tolist() == [1, 2] and got["group"][0] == "2" and pd.isna(got["group"][1])
    with pytest.raises(InputError, match="column sex, site is missing; it has Years, Group, x"):
        read_table(path, needed=["sex", "site"])


def test_numbers_of_a_column_and_its_cells_that_are_none():
    numbers, bad = as_numbers(pd.Series(["1", "x", None, " -2 ", "NA"], index=list("pqrst")))
    assert bad.tolist() == [False, True, False, False, False] and list(bad.index) == list("pqrst")
    assert numbers.isna().tolist() == [False, True, True, False, True] and numbers[["p", "t"]].tolist()[0] == 1
    plain, none = as_numbers(pd.Series([1, 2], index=["u", "v"]))
    assert plain.dtype == float and none.tolist() == [False, False] and list(none.index) == ["u", "v"]


def test_truth_values_among_measures_are_words():
    assert measures_of(pd.Series([True, False])).tolist() == ["True", "False"]
    assert measures_of(pd.Series([1.5, True, "x"], dtype=object)).tolist() == [1.5, "True", "x"]
    assert measures_of(pd.Series([1.5, np.bool_(False)], dtype=object)).tolist() == [1.5, "False"]
    assert measures_of(pd.Series([1, 0])).tolist() == [1, 0] and measures_of(pd.Series([1, 0])).dtype == int
    assert measures_of(pd.Series([1.5, "x"], dtype=object)).tolist() == [1.5, "x"]
    assert measures_of(pd.Series([1j])).dtype == object


def test_most_cells_of_a_column_of_numbers_are_numbers():
    assert not meant_as_numbers(pd.Series(["1", "a"])) and meant_as_numbers(pd.Series(["1", "2", "a"]))
    assert not meant_as_numbers(pd.Series(["1", "a", "b"])) and meant_as_numbers(pd.Series(["1,5", "2", "a"]))
    assert meant_as_numbers(pd.Series(["1", "n/a", "NA", None]))  # what is missing is no word
    assert not meant_as_numbers(pd.Series(["n/a", None])) and not meant_as_numbers(pd.Series([], dtype=object))


def test_cells_that_are_no_numbers_are_told_with_their_people():
    values = pd.Series(["1", "2,5", "x"], index=[7, 8, 9])
    assert bad_cells(values, ["p", "q", "r"]) == "q ('2,5'), r ('x'); write decimals with a point"
    assert bad_cells(values[[7, 9]], ["p", "r"]) == "r ('x')" and bad_cells(values[[7]], ["p"]) == ""


def test_cells_are_printed_with_six_digits_and_gaps_in_words():
    assert printed(pd.Series([1.0, np.nan, 1234567.0, 0.1 + 0.2])) == ["1", "n/a", "1.23457e+06", "0.3"]
    assert printed(pd.Series(["a", None, np.nan])) == ["a", "n/a", "n/a"] and printed(pd.Series([3, 4])) == [3, 4]
    assert printed(pd.Series([], dtype=float)) == []


def test_headings_of_two_lines_are_written_as_pandas_does(tmp_path):
    table = pd.DataFrame([[1.5, 2.25]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")]))
    write_table(table, tmp_path / "t.tsv")
    slowly = table.to_csv(sep="\t", index=False, na_rep="n/a", float_format="%.6g", lineterminator="\n")
    assert (tmp_path / "t.tsv").read_text() == slowly


def test_a_seal_holds_one_file_s_checksum_in_one_line(tmp_path):
    write_json({"b": [1, {"a": None}]}, tmp_path / "t.json")
    assert (tmp_path / "t.json").read_text() == '{\n "b": [\n  1,\n  {\n   "a": null\n  }\n ]\n}\n'
    told = seal_of(tmp_path / "t.json").read_text()
    assert len(told) == 65 and told.endswith("\n") and seal_of(tmp_path / "t.json").name == ".t.json.sha256"
    check_seal(tmp_path / "t.json", (tmp_path / "t.json").read_bytes())
    with pytest.raises(InputError, match="t.json is damaged"):
        check_seal(tmp_path / "t.json", b"else")


def test_what_cannot_be_read_is_the_file_s_fault_or_the_machine_s(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "bad.json").write_text("{")
    for read in (read_json, read_text):
        with pytest.raises(StorageError, match="a folder stands where a file is expected"):
            read(tmp_path)
        with pytest.raises(InputError, match=f"loop cannot be read: .*{os.strerror(errno.ELOOP)}"):
            read(tmp_path / "loop")
        with pytest.raises(InputError, match="absent"):
            read(tmp_path / "absent")
    with pytest.raises(InputError, match="bad.json cannot be read: Expecting"):
        read_json(tmp_path / "bad.json")
