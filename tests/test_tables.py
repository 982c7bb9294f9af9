"""Tables read strictly: what is damaged is refused with file and line, what is whole is read to the last digit."""

import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuraxis import tables
from neuraxis.errors import InputError, NeuraxisWarning
from neuraxis.tables import (
    NUMBER,
    NUMBERS,
    as_numbers,
    bad_cells,
    meant_as_numbers,
    read_json,
    read_table,
    seal_of,
    write_json,
    write_table,
)


def put(tmp_path, text, name="t.tsv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b",\n\t\n", "is empty"),
        ("a\tb\n1\t2\n3\n", "header has 2 cells, but not line 3 (1)"),
        ("a\tb\n1\t2\n3\t4\t5\n", "header has 2 cells, but not line 3 (3)"),
        ("a\tb\nx\t1\t2\ny\t3\t4\n", "row names without a heading"),
        ("a,b\n1,2\n3,4,5\n", "line 3 (3)"),
        ("a\tb\n1\t2\n\x00\t4\n", "line 3: a NUL byte"),
        ('a\tb\n1\t"x\n3\t4\n', "never closed"),
        ('a\tb\n"x\t1\n2\t3\n4"\t5\n', "line 2: column a runs over several rows"),
        ('a\tb\n1\t"x\n3\ty"\n', "runs over several rows"),
        ("a\tb\ta\n1\t2\t3\n", "two columns are named a"),
        ("a\t\tb\n1\t2\t3\n", "column 2 has values but no name"),
        ("a\tb\n1\t1e2147483648\n", "line 2, column b: '1e2147483648' is beyond all numbers"),
        (b"a\tb\n1\t\xff\n", "not a UTF-8 text table (line 2)"),
        (b"PK\x03\x04\x14\x00\x06", "a workbook (xlsx, ods) or zip archive, no text table"),
        (b"\x1f\x8b\x08\x00", "packed by gzip"),
        (b"\xd0\xcf\x11\xe0\xa1", "a workbook of old Excel"),
        ("sep=;\n", "is empty"),
    ],
)
def test_damaged_tables(tmp_path, text, words):
    path = put(tmp_path, text)
    with pytest.raises(InputError) as error:
        read_table(path)
    assert words in str(error.value) and "t.tsv" in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "a\tb\tc\n1\tx\t2.5\n3\t\t4\n",
        "a,b,c\r\n1,x,2.5\r\n3,n/a,4\r\n",
        "a;b;c\n1;x;2.5\n3;NA;4\n",
        "\ufeffa\tb\tc\n1\tx\t2.5\n3\t\t4\n",
        "a\tb\tc\t\n1\tx\t2.5\t\n3\t\t4\t\n",  # a separator at the end of every line
        "a\tb\tc\n1\tx\t2.5\t\n3\t\t4\t\n",  # of every row
        ' a\t"b"\tc \n 1\t"x"\t2.5\n\n3\t \t4 \n\t\t\n',
        "a\tb\tc\r1\tx\t2.5\r3\t\t4\r",
    ],
)
def test_one_table_in_many_dialects(tmp_path, text):
    got = read_table(put(tmp_path, text))
    want = pd.DataFrame({"a": [1, 3], "b": ["x", np.nan], "c": [2.5, 4.0]})
    pd.testing.assert_frame_equal(got, want)


def test_types_and_digits(tmp_path):
    text = "participant_id\ti\tf\tm\tt\ttext\n007\t1\t0.1\tn/a\tTrue\t1a\n010\t-9999\t1e-320\t-9999.0\tFalse\t2\n"
    got = read_table(put(tmp_path, text))
    assert got["participant_id"].tolist() == ["007", "010"] and got["t"].dtype == bool
    assert got["f"].tolist() == [0.1, 1e-320] and got["i"].isna().tolist() == [False, True]
    assert got["m"].isna().all() and got["text"].tolist() == ["1a", "2"]
    assert read_table(put(tmp_path, "a\n9007199254740993\n"))["a"].tolist() == [9007199254740993]
    assert read_table(put(tmp_path, "a\n1_000\n0x10\n"))["a"].tolist() == ["1_000", "0x10"]


def test_ids_stay_as_they_are_written(tmp_path):
    path = put(tmp_path, "participant_id\tsession_id\tgroup\tsite\tyears\n007\t01\t2\t03\t01\n008\t02\t2\t03\t2\n")
    table = read_table(path)
    assert table.iloc[0].tolist() == ["007", "01", "2", "03", 1] and table["session_id"].tolist() == ["01", "02"]


def test_columns_by_other_capitals(tmp_path):
    got = read_table(put(tmp_path, "Age\tSite\n3\t01\n"), needed=("age", "site"))
    assert got["age"].tolist() == [3] and got["site"].tolist() == ["01"]
    with pytest.raises(InputError, match="column sex is missing; it has Age, Site"):
        read_table(tmp_path / "t.tsv", needed=("sex",))


def test_a_file_without_a_last_line_end_is_warned_of(tmp_path):
    with pytest.warns(NeuraxisWarning, match="does not end with a line end"):
        read_table(put(tmp_path, "a\tb\n1\t23"))


def test_a_changed_result_is_noticed(tmp_path):
    path = tmp_path / "r.tsv"
    write_table(pd.DataFrame({"a": [1.5, np.nan], "b": ["x", "y"]}), path)
    assert read_table(path)["a"].isna().tolist() == [False, True] and seal_of(path).is_file()
    raw = path.read_bytes()
    for k in range(len(raw)):
        path.write_bytes(raw[:k] + bytes([raw[k] ^ 1]) + raw[k + 1 :])
        with pytest.raises(InputError, match="r.tsv is damaged or was changed"):
            read_table(path)
    path.write_bytes(raw[:-4])
    with pytest.raises(InputError, match="checksum differs"):
        read_table(path)
    write_table(pd.DataFrame({"a": [2]}), path)
    assert read_table(path)["a"].tolist() == [2]


def test_a_changed_json_is_noticed(tmp_path):
    path = tmp_path / "facts.json"
    write_json({"chosen": 3}, path)
    assert read_json(path) == {"chosen": 3} and seal_of(path).is_file()
    path.write_text(path.read_text().replace("3", "4"))
    with pytest.raises(InputError, match=r"facts.json is damaged or was changed after it was written"):
        read_json(path)
    seal_of(path).unlink()  # a stranger's
    assert read_json(path) == {"chosen": 4}


def test_what_is_a_column_of_numbers():
    assert meant_as_numbers(pd.Series(["1", "2", "<3"])) and meant_as_numbers(pd.Series(["7,5", "8,25", None]))
    assert not meant_as_numbers(pd.Series(["18-38", "39-60", "1"])) and not meant_as_numbers(pd.Series(["a", "1"]))
    numbers, bad = as_numbers(pd.Series(["1", " 2.5 ", "x", None, "n/a", "1e999"]))
    assert bad.tolist() == [False, False, True, False, False, True] and numbers[1] == 2.5
    assert bad_cells(pd.Series(["1", "2,5"]), ["p", "q"]) == "q ('2,5'); write decimals with a point"


def test_characters_that_nobody_sees_are_taken_out(tmp_path):
    got = read_table(put(tmp_path, "participant_id\tsite\nsub-01\u200b\t\u202eabc\u202c\nsub\x07-02\t=1+1\n"))
    assert got["participant_id"].tolist() == ["sub-01", "sub-02"] and got["site"].tolist() == ["abc", "=1+1"]


@pytest.mark.parametrize(
    ("cells", "dtype", "values"),
    [
        (["1", "-2", "+3"], "int64", [1, -2, 3]),
        (["1", "n/a", "3"], "float64", [1, None, 3]),
        (["1", "-9999.0", "3"], "float64", [1, None, 3]),
        (["1.", ".5", "1e-3"], "float64", [1, 0.5, 0.001]),
        (["1234567890123456789", "1", "2"], "float64", [float(1234567890123456789), 1, 2]),
        (["1", "1_000", "2"], "object", ["1", "1_000", "2"]),
        (["1", "inf", "2"], "float64", [1, float("inf"), 2]),
        (["1", '"2\n3"', "4"], "object", ["1", "2\n3", "4"]),
        (["7,5", "1", "2"], "object", ["7,5", "1", "2"]),
        (["n/a", "n/a", ""], "float64", [None, None, None]),
    ],
)
def test_columns_are_typed_alike_cell_by_cell_and_at_once(tmp_path, cells, dtype, values):
    path = tmp_path / "t.tsv"
    path.write_text("id\tx\n" + "".join(f"a\t{c}\n" for c in cells))
    column = read_table(path)["x"]
    assert column.dtype == dtype
    assert [None if pd.isna(v) else v for v in column] == values


def test_a_number_beyond_all_numbers_is_named_among_plain_ones(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("x\n1\n1e999\n")
    with pytest.raises(InputError, match="line 3, column x: '1e999' is beyond all numbers"):
        read_table(path)


def test_one_look_at_a_column_sees_what_a_look_at_each_cell_does():
    texts = ["".join(t) for n in range(1, 6) for t in product("2.e-\n", repeat=n)]
    for text in texts * 3:  # again and again: what a broken quantifier matches depends on what it matched before
        assert bool(NUMBERS.fullmatch(text)) == all(NUMBER.fullmatch(cell) for cell in text.split("\n")), repr(text)
    long = "\n".join(["-12.5e3"] * 50_000)
    assert NUMBERS.fullmatch(long) and not NUMBERS.fullmatch(f"{long}\n2..5")


@pytest.mark.parametrize("cell", ["123456", "-12.5e3", "7.", ".25"])
def test_a_word_below_many_numbers_is_no_riddle(cell, tmp_path):
    """In a process of its own: a pattern that reads a number in two ways would not come back."""
    put(tmp_path, "x\n" + f"{cell}\n" * 20_000 + "unknown\n")
    code = "from neuraxis.tables import read_table; print(read_table('t.tsv')['x'].iloc[-1])"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.stdout == "unknown\n", done.stderr


@pytest.mark.parametrize(("mark", "separator", "end"), [(";", ";", "\n"), (",", ",", "\r\n"), ("\t", "\t", "\n")])
def test_what_excel_is_told_is_no_heading(tmp_path, mark, separator, end):
    rows = [["participant_id", "x"], ["sub-1", "1.5"], ["sub-2", "2"]]
    text = f"sep={mark}{end}" + "".join(separator.join(r) + end for r in rows)
    table = read_table(put(tmp_path, text))
    assert table["participant_id"].tolist() == ["sub-1", "sub-2"] and table["x"].tolist() == [1.5, 2.0]
    with pytest.raises(InputError, match="line 4"):
        read_table(put(tmp_path, text.replace(f"sub-2{separator}2", "sub-2")))


def odd_table():
    rng = np.random.default_rng(3)
    wild = rng.normal(size=9) * 10.0 ** rng.integers(-320, 300, 9)
    return pd.DataFrame(
        {
            "id": [f"sub-{i}" for i in range(9)],
            "wild": wild,
            "edge": [np.nan, np.inf, -np.inf, 0.0, -0.0, 999999.5, 1e6, 0.5, 100.0],
            "count": range(9),
            "single": np.arange(9, dtype=np.float32) / 3,
            "mixed": [1.23456789, None, "a\tb", 'say "no"', "", np.nan, True, 2, "n/a"],
            "told": [True, False] * 4 + [True],
            "of": pd.Categorical(list("abcabcabc")),
        }
    )


@pytest.mark.parametrize("at_once", [1, 17, 10**6])
@pytest.mark.parametrize("rows", [0, 1, 9])
def test_a_table_is_printed_as_number_by_number(tmp_path, monkeypatch, at_once, rows):
    monkeypatch.setattr(tables, "CELLS_AT_ONCE", at_once)
    table = odd_table().iloc[:rows]
    for one in (table, table[["wild", "edge"]], table[["id", "count"]], table.set_axis(["a"] * 8, axis=1)):
        write_table(one, tmp_path / "t.tsv")
        slowly = one.to_csv(sep="\t", index=False, na_rep="n/a", float_format="%.6g", lineterminator="\n")
        assert (tmp_path / "t.tsv").read_bytes() == slowly.encode()


def test_a_table_without_columns_is_written(tmp_path):
    write_table(pd.DataFrame(), tmp_path / "t.tsv")
    assert (tmp_path / "t.tsv").read_text() == "\n"


def test_numbers_read_at_once_are_the_same_bits_as_one_by_one(tmp_path):
    rng = np.random.default_rng(4)
    cells = [
        f"{s}{v!r}{e}"
        for v in rng.normal(size=500).tolist()
        for s, e in [("", ""), ("", f"e{rng.integers(-330, 300)}")]
    ]
    cells += ["+3", "-.5", "7.", "0017", "1e-400", "1E5", "-0", "4.9406564584124654e-324", "0.1" + "0" * 40 + "1"]
    read = read_table(put(tmp_path, "a\n" + "\n".join(cells) + "\n"))["a"]
    assert [v.hex() for v in read] == [float(c).hex() for c in cells]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u2003", "\u2028", "\x0b", "\x1f"])
def test_blanks_of_all_kinds_around_cells_are_no_part_of_them(tmp_path, end, blank):
    rows = [f"a{blank},b", f"1,{blank}x", f"{blank},y{blank}{blank}", f"2,{blank}"]
    read = read_table(put(tmp_path, end.join(rows) + end))
    assert list(read) == ["a", "b"]
    assert read["b"].tolist()[:2] == ["x", "y"] and pd.isna(read["b"][2])
    assert read["a"].tolist()[::2] == [1.0, 2.0] and pd.isna(read["a"][1])


def test_blanks_between_separators_that_are_tabs(tmp_path):
    read = read_table(put(tmp_path, "a\tb\n1\t x\n2\ty \n"))
    assert read["b"].tolist() == ["x", "y"]


@pytest.mark.parametrize(("words", "value"), [(("True", "TRUE", "true"), True), (("False", "FALSE", "false"), False)])
def test_truth_values_in_three_spellings(tmp_path, words, value):
    for word in words:
        column = read_table(put(tmp_path, f"a\tb\n{word}\t1\n{word}\tn/a\n"))["a"]
        assert column.dtype == bool and column.tolist() == [value, value]
    mixed = read_table(put(tmp_path, f"a\tb\n{words[0]}\t1\nn/a\t1\n"))["a"]
    assert mixed.tolist()[0] is value and pd.isna(mixed[1])
    assert read_table(put(tmp_path, f"a\n{words[0]}\nyes\n"))["a"].tolist() == [words[0], "yes"]


UNSEEN = (
    0x01,
    0x08,
    0x0E,
    0x1B,
    0x7F,
    0x9F,
    0xAD,
    0x200B,
    0x200E,
    0x200F,
    0x202A,
    0x202E,
    0x2060,
    0x2066,
    0x2069,
    0xFEFF,
)
SEEN = (0x20, 0x21, 0x7E, 0xA0, 0xA1, 0xAC, 0xAE, 0x200C, 0x200D, 0x202F, 0x2061, 0x2065, 0x206A, 0xFEFE)


def test_which_characters_nobody_sees(tmp_path):
    read = read_table(put(tmp_path, "id\n" + "".join(f"a{chr(c)}b\n" for c in (*UNSEEN, *SEEN))), text=("id",))["id"]
    assert read.tolist() == ["ab"] * len(UNSEEN) + [f"a{chr(c)}b" for c in SEEN]


def test_a_column_without_name_and_values_is_none(tmp_path):
    table = read_table(put(tmp_path, "a\t\tb\n1\t\t2\n3\t\t4\n"))
    assert list(table) == ["a", "b"] and table["b"].tolist() == [2, 4]


def test_numbers_are_meant_as_numbers():
    assert meant_as_numbers(pd.Series([1, 2])) and meant_as_numbers(pd.Series([0.5, np.nan]))


#: Cells that two parsers may read differently: signs, digits, spellings of missing and truth, and words that hold them.
CELL = st.one_of(
    st.sampled_from(
        [*tables.MISSING, *tables.TRUTH, "-9999.0", "+nan", "nAn", "Nancy", "inf", "-INF", "Infinity", "1e999", "1_0"]
        + ["0x1A", "1d5", "1e5", "+7", "-0", "-0.0", "007", "7.", ".5", ".", "-", "1,5", "1 2", "é", "T", "yes"]
        + ["9" * 17, "9" * 18, "9" * 19, "9" * 20, "1" + "0" * 18, "-1" + "0" * 18, "0." + "1" * 30, "5e-324"]
    ),
    st.text("0123456789.eE+-nai ", max_size=6),
)


@settings(max_examples=150, deadline=None)
@given(st.data(), st.integers(1, 4), st.sampled_from("\t;,"), st.sampled_from(["\n", "\r\n"]))
def test_a_plain_file_is_read_as_one_that_is_looked_at_cell_by_cell(data, n, separator, end):
    cell = CELL.filter(lambda c: separator not in c)
    rows = data.draw(st.lists(st.lists(cell, min_size=n, max_size=n), min_size=1, max_size=5))
    header = [f"x{k}" for k in range(n)]
    text = "".join(separator.join(row) + end for row in [header, *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.tsv"
        path.write_text(text, newline="")
        found = []
        for look in (tables._plain_cells, lambda *_: None):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(tables, "_plain_cells", look)
                try:
                    cells = tables.read_cells(path)
                    table = read_table(path, text=("x1",), cells=cells)
                except InputError as error:
                    found.append(str(error))
                else:
                    found.append((cells.header, cells.rows, cells.lines, cells.only(cells.header[-1]).rows, table))
    if isinstance(found[0], str) or isinstance(found[1], str):
        assert found[0] == found[1]
    else:
        assert found[0][:4] == found[1][:4]
        pd.testing.assert_frame_equal(found[0][4], found[1][4], check_exact=True)


def test_which_files_are_plain(tmp_path):
    plain = "id\tage group\nsub-1\t18 to 20\nsub-2\tn/a\n"
    others = [
        plain.replace("18 to 20", end) for end in ('"18"', " 18", "18 ", "1\u00a08", "1\x078", "nAn", "+nan", "1\r8")
    ]
    others += [plain + "\t\n", plain.replace("\nsub-2", "\n\nsub-2"), plain.replace("id", ""), "\n" + plain]
    for text in (plain, plain.replace("\n", "\r\n"), plain.replace("18", "é"), plain + "\n\n"):
        assert isinstance(tables.read_cells(put(tmp_path, text)), tables.PlainCells), text
    for text in others:
        assert tables._plain_cells(tmp_path / "t.tsv", text, "\t") is None, text
