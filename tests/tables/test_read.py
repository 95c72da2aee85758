"""Files of every make: what is read, what is said of it, and which sentence refuses it."""

import datetime
import decimal
import gzip
import os

import numpy as np
import pandas as pd
import pytest

import pullback as pb
from pullback.tables import read_table
from pullback.tables.columns import understand_table


@pytest.fixture
def table(tmp_path):
    """Reads bytes or text as a file of this name."""

    def read(content, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path)

    return read


def test_cells_stay_text_and_rows_know_their_lines(table):
    read = table('a,b\n\n"x\ny",1\nz,2\n')
    assert read.frame.to_dict("list") == {"a": ["x\ny", "z"], "b": ["1", "2"]}
    assert (read.frame.index.name, list(read.frame.index)) == ("line", [3, 5])
    assert read.notes == ("1 blank line was passed over",)


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8", ()),
        ("utf-8-sig", ()),
        ("utf-16", ()),
        ("utf-16-le", None),
        ("utf-32", ()),
        ("cp1252", ("line 1 is not UTF-8, so the file was read as Windows-1252",)),
    ],
)
def test_encodings(table, encoding, note):
    content = "Größe,b\n1,é\n2,ü\n".encode(encoding)
    if note is None:  # nothing tells that this is UTF-16
        with pytest.raises(pb.CircuitError, match="line 1 holds the control character"):
            table(content)
        return
    read = table(content)
    assert read.frame.to_dict("list") == {"Größe": ["1", "2"], "b": ["é", "ü"]}
    assert read.notes == note


def test_a_damaged_file_with_a_mark_does_not_keep_the_mark_in_a_name(table):
    read = table(b"\xef\xbb\xbfa,b\n1,\xe9\n")
    assert list(read.frame) == ["a", "b"]
    assert read.frame["b"].tolist() == ["é"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends(table, separator, ending):
    rows = [["a", "b", "c"], ["1", "x y", "3"], ["4", f"q{separator}r", "6"]]
    quoted = [separator.join(f'"{c}"' if separator in c else c for c in row) for row in rows]
    read = table(ending.join(quoted) + ending, "t.txt")
    assert [list(read.frame), *read.frame.to_numpy().tolist()] == rows
    assert read.separator == separator


def test_decimal_commas_do_not_pass_for_separators(table):
    assert table("a;b\n1,5;2,5\n3,0;4,1\n").frame["b"].tolist() == ["2,5", "4,1"]


def test_a_line_that_names_the_separator_is_no_row(table):
    read = table("sep=|\na|b,c\n1|2\n")
    assert read.frame.to_dict("list") == {"a": ["1"], "b,c": ["2"]}
    assert list(read.frame.index) == [3]


def test_one_column_and_gzip(table):
    assert table("a\n1\n2\n").frame["a"].tolist() == ["1", "2"]
    assert table(gzip.compress(b"a,b\n1,2\n", mtime=0), "t.csv.gz").frame.shape == (1, 2)


def test_a_missing_header_is_seen_and_said(table):
    for content in ("1,2\n3,4\n", "5.1,iris\n4.9,iris\n"):
        read = table(content)
        assert list(read.frame) == ["column1", "column2"]
        assert len(read.frame) == 2
        assert "line 1 holds values rather than names" in read.notes[0]
    assert list(table("country,2019\nFrance,1\nChad,2\n").frame) == ["country", "2019"]


def test_names_are_made_unique_and_said(table):
    read = table('x,x,,"two\nlines",x (2)\n1,2,3,4,5\n')
    assert list(read.frame) == ["x", "x (3)", "column3", "two lines", "x (2)"]
    assert read.notes == (
        "column 2 is called 'x' again and was named 'x (3)'",
        "column 3 has no name and was named 'column3'",
    )


def test_ragged_rows(table):
    read = table("a,b,c\n1,2\n3,4,5,\n6,7,8\n")
    assert read.frame.to_numpy().tolist() == [["1", "2", ""], ["3", "4", "5"], ["6", "7", "8"]]
    assert "1 of 3 rows, the first on line 2, have too few cells" in read.notes[0]
    assert "1 of 3 rows, the first on line 3, have empty cells beyond" in read.notes[1]
    with pytest.raises(pb.CircuitError, match="line 3 has 3 cells and the header has 2; cells th"):
        table("a,b\n1,2\n1,5,2\n")


def test_a_column_of_trailing_separators_is_passed_over(table):
    read = table("a,b,\n1,2,\n3,4,\n")
    assert list(read.frame) == ["a", "b"]
    assert read.notes == ("the last column has neither a name nor a value and was passed over",)


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("", "t.csv", "t.csv is empty"),
        (" \n\n", "t.csv", "t.csv is empty"),
        ('""\n', "t.csv", "t.csv is empty"),
        ("a,b\n", "t.csv", "has a header and no rows"),
        ('a,b\n1,2\n3,"4\n5,6\n', "t.csv", 'line 3 or below: a quote " is opened and not closed'),
        ('a,b\n1,"2"x\n', "t.csv", 'line 2 or below: text follows a closing quote "'),
        (b"PK\x03\x04....", "t.csv", "an Excel or zip file; save the sheet as CSV"),
        (b"PAR1....", "t.csv", "it is a Parquet file; name it .parquet"),
        (b"a,b\n1,\x00\n", "t.csv", "line 2 holds the control character '.x00'"),
        (b"\xff\xfea", "t.csv", "begins as utf-16 text and breaks off"),
        (b"nonsense", "t.csv.gz", "cannot unpack"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-9], "t.csv.gz", "cannot unpack"),
        (b"nonsense", "t.parquet", "is not a Parquet file, or is damaged"),
        ("a,b\n", "t.json", "cannot read .*t.json: tables are files named .csv"),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(table, content, name, message):
    with pytest.raises(pb.CircuitError, match=message) as caught:
        table(content, name)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_opened_is_refused_in_a_sentence(tmp_path):
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    with pytest.raises(pb.CircuitError, match="it is a folder"):
        read_table(folder)
    with pytest.raises(pb.CircuitError, match=r"cannot read .*none\.csv: No such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(pb.CircuitError, match=r"cannot read .*none\.parquet: "):
        read_table(tmp_path / "none.parquet")
    if os.geteuid() != 0:
        closed = tmp_path / "closed.csv"
        closed.write_text("a\n1\n")
        closed.chmod(0)
        with pytest.raises(pb.CircuitError, match="Permission denied"):
            read_table(closed)


def test_parquet_of_many_types(tmp_path):
    path = tmp_path / "t.parquet"
    frame = pd.DataFrame(
        {
            "int": [1, 2, 3],
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "float": np.array([0.5, np.nan, 2.0], np.float32),
            "bool": [True, False, True],
            "maybe": pd.array([True, None, False], dtype="boolean"),
            "category": pd.Categorical(["a", None, "b"]),
            "moment": pd.to_datetime(["2024-01-31", None, "2024-02-01"]),
            "zoned": pd.to_datetime(["2024-01-31", "2024-02-01", None]).tz_localize("Asia/Tokyo"),
            "day": [datetime.date(2024, 1, 31), None, datetime.date(1066, 1, 1)],
            "money": [decimal.Decimal("1.50"), None, decimal.Decimal("2.25")],
            "text": ["x", None, ""],
            "list": [[1], [2], []],
        },
        index=pd.Index(["r", "s", "t"], name="key"),
    )
    frame.to_parquet(path)
    read = read_table(path)
    assert list(read.frame) == [*frame.columns, "key"]  # no index is lost
    assert (read.frame.index.name, list(read.frame.index)) == ("row", [1, 2, 3])
    assert read.frame["nullable"].tolist()[::2] == [1, 3]
    assert read.notes == ()
    assert [c.kind for c in understand_table(read.frame)[0]] == [
        *("number", "number", "number", "boolean", "boolean", "boolean", "date", "date", "date"),
        *("number", "category", "ignore", "ignore"),
    ]
    frame.iloc[:0].to_parquet(path)
    with pytest.raises(pb.CircuitError, match="has columns and no rows"):
        read_table(path)


@pytest.mark.parametrize(
    ("content", "commas"),
    [
        ("a;b\n347,50;977\n2585,00;1.034\n", True),
        ("a;b\n0,5 %;x\n;y\n", True),
        ("a;b\n1.5;977\n", False),
        ("a;b\n1,5 and more;977\nx;2\n", False),
        ('a,b\n"1,5",977\n', True),
        ("a\tb\n1,5\t977\n", True),
        ("a\tb\n1,500\t977\n", False),
        ("a;b\n1,500;977\n", True),
    ],
)
def test_the_numbers_of_a_file_show_whether_commas_mark_decimals(table, content, commas):
    assert (table(content).habits.decimal == ",") == commas


def test_dates_of_a_time_zone_keep_what_the_clock_showed(tmp_path):
    local = pd.to_datetime(["2001-01-01 00:00", None, "2001-07-01 23:30"])
    frame = pd.DataFrame(
        {
            "berlin": local.tz_localize("Europe/Berlin"),
            "tokyo": local.tz_localize("Asia/Tokyo"),
            "plain": local,
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    _, found = understand_table(read_table(tmp_path / "t.parquet").frame)
    wanted = np.array(["2001-01-01T00:00", "NaT", "2001-07-01T23:30"], "datetime64[s]")
    for name in frame:
        np.testing.assert_array_equal(found[name].values, wanted)


def test_a_title_that_a_spreadsheet_padded_is_passed_over(tmp_path):
    body = "".join(f"{i * 1.5};{i + 1};{i * 3}\n" for i in range(20))
    (tmp_path / "a.csv").write_text(f"Sales report;;\nu;v;y\n{body}")
    table = read_table(tmp_path / "a.csv")
    assert list(table.frame.columns) == ["u", "v", "y"]
    assert len(table.frame) == 20
    assert any("1 line above the table was passed over" in note for note in table.notes)


def test_a_header_that_names_some_columns_is_none_the_less_a_header(tmp_path):
    (tmp_path / "a.csv").write_text("id;;\n" + "".join(f"{i};;{i * 3}\n" for i in range(20)))
    assert "id" in read_table(tmp_path / "a.csv").frame.columns
