"""The shape of a file: separators, titles, comments, headers, and what is said of them."""

import csv

import numpy as np
import pytest

import pullback as pb
from pullback.tables import ReadOptions, read_table
from pullback.tables.table import read_dataset


@pytest.fixture
def table(tmp_path):
    """Reads text as a file."""

    def read(text, **options):
        path = tmp_path / "t.txt"
        path.write_bytes(text.encode())
        return read_table(path, ReadOptions(**options))

    return read


def body(count=24, separator=","):
    """Rows of three numbers, in no order."""
    rows = [f"{k * 37 % 100 / 17:.3f} {k * 53 % 100 / 13:.3f} {k % 2}" for k in range(count)]
    return [row.replace(" ", separator) for row in rows]


def names_and_rows(read):
    return list(read.frame), len(read.frame)


@pytest.mark.parametrize(
    "above", ["# exported 2024", "# a\n#\n# b, c", "Sales 2024\n", "Sales\n\n"]
)
@pytest.mark.parametrize("separator", [",", ";", "\t", " "])
def test_what_stands_above_the_table_is_passed_over_and_said(table, above, separator):
    header = separator.join("xyz")
    read = table("\n".join([above, header, *body(separator=separator)]))
    assert names_and_rows(read) == (["x", "y", "z"], 24)
    assert any("above the table" in note for note in read.notes)
    assert read.frame.index[0] == above.count("\n") + 3


def test_a_title_padded_with_separators(table):
    for lines in (["x,y,z", *body()], ["0,1,2", *body()], body()):
        read = table("\n".join(["Report 2024,,", "", *lines]))
        assert len(read.frame) == 24
        assert any("1 line above the table was passed over: 'Report" in x for x in read.notes)


@pytest.mark.parametrize("start", ["# ", "#"])
def test_names_in_a_comment_are_names(table, start):
    read = table("\n".join(["# made by hand", f"{start}x,y,z", *body()]))
    assert names_and_rows(read) == ([start.strip() * (start == "#") + "x", "y", "z"], 24)
    assert "the names of the columns are those in the comment" in " ".join(read.notes)


@pytest.mark.parametrize(
    "header", ["% colour,shape", "%colour,shape", "//colour,shape", "# colour,shape"]
)
def test_a_header_that_begins_like_a_comment_above_texts(table, header):
    rows = [f"{('red', 'blue', 'green')[k % 3]},{('round', 'square')[k % 2]}" for k in range(24)]
    read = table("\n".join([header, *rows]))
    assert [name.strip("%/ ") for name in read.frame] == ["colour", "shape"]
    assert len(read.frame) == 24
    assert "the names of the columns are those in the comment" in " ".join(read.notes)
    titled = table("\n".join(["# red, round", "colour,shape", *rows]))
    assert names_and_rows(titled) == (["colour", "shape"], 24)


def test_comments_between_rows_are_passed_over_and_said(table):
    lines = ["x,y,z", *body()]
    lines.insert(5, "# from here on with the new device")
    read = table("\n".join(lines))
    assert len(read.frame) == 24
    assert "1 comment was passed over, the first on line 6" in read.notes


def test_cells_that_begin_like_comments_are_cells(table):
    read = table("\n".join(f"#{k:06x},{k},{k % 3}" for k in range(30)))
    assert len(read.frame) == 30
    read = table("colour,x\n" + "\n".join(f"#{k:06x},{k}" for k in range(30)))
    assert names_and_rows(read) == (["colour", "x"], 30)


def test_runs_of_blanks(table):
    lines = [" x y   z", *(row.replace(" ", "   ") + "  " for row in body(separator=" "))]
    read = table("\n".join(lines))
    assert names_and_rows(read) == (["x", "y", "z"], 24)
    assert read.notes[0] == "cells are separated by runs of blanks"
    cars = [f'{18 + k}.0   8   {300 + k}.0   130.\t"car {k // 2} plus"' for k in range(24)]
    assert names_and_rows(table("\n".join(cars))) == ([f"column{k}" for k in range(1, 6)], 24)
    commas = [row.replace(".", ",") for row in body(separator=" ")]
    assert table("\n".join(commas)).frame.shape == (24, 3)


def test_a_gap_between_runs_of_blanks_cannot_be_seen_and_is_refused(table):
    lines = ["x y z", *body(separator=" ")]
    lines[7] = "1.5 2.5"
    with pytest.raises(pb.CircuitError, match="line 8 has 2 where the header has 3"):
        table("\n".join(lines))


def test_a_file_without_a_separator_says_so(table, tmp_path):
    read = table("name\nAnn Lee\nBob Ray\n")
    assert list(read.frame["name"]) == ["Ann Lee", "Bob Ray"]
    assert read.separator == ""
    assert "no separator was found between cells" in read.notes[0]
    with pytest.raises(pb.CircuitError, match=r"no separator was found.*--separator tells"):
        read_dataset(tmp_path / "t.txt")


@pytest.mark.parametrize("header", ["0,1,2", ",0,1,2"])
def test_a_header_of_pandas_is_a_header(table, header):
    rows = [f"{k}," * header.startswith(",") + row for k, row in enumerate(body())]
    read = table("\n".join([header, *rows]))
    assert len(read.frame) == 24
    assert list(read.frame)[-3:] == ["0", "1", "2"]
    assert "counts the columns, so it was read as their names; --header no" in " ".join(read.notes)
    assert len(table("\n".join([header, *rows]), header=False).frame) == 25


@pytest.mark.parametrize("width", [3, 4, 9])
def test_a_header_of_pandas_above_a_column_that_counts(table, width):
    rows = [",".join([str(k + 1), *["0", "1"] * width][:width]) for k in range(24)]
    read = table("\n".join([",".join(map(str, range(width))), *rows]))
    assert names_and_rows(read) == ([str(k) for k in range(width)], 24)
    assert "counts the columns, so it was read as their names; --header no" in " ".join(read.notes)
    two = table("\n".join(["0,1", *(f"{k + 1},{k % 2}" for k in range(24))]))
    assert "--header yes reads it as their names" in " ".join(two.notes)


def test_rows_that_only_look_like_pandas_header(table):
    assert len(table("\n".join(f"{k},{k + 1}" for k in range(20))).frame) == 20
    assert len(table("\n".join(["0,1", "1,0", "0,1", "1,1"] * 5)).frame) == 20


def test_a_row_of_numbers_can_be_told_to_be_the_header(table):
    text = "\n".join(["2019,2020,2021", *body()])
    read = table(text)
    assert len(read.frame) == 25
    assert "--header yes reads it as their names" in " ".join(read.notes)
    assert names_and_rows(table(text, header=True)) == (["2019", "2020", "2021"], 24)
    mixed = table("\n".join(["2019,2020,kind", *body()]))
    assert names_and_rows(mixed) == (["2019", "2020", "kind"], 24)
    assert "though it has '2019'; --header no reads it as data" in " ".join(mixed.notes)


@pytest.mark.parametrize("again", ["x,y,z", " x, y ,z", '"x","y","z"'])
def test_a_header_that_joined_files_repeat_is_passed_over(table, again):
    rows = body()
    rows[5:5] = [again]
    rows[12:12] = [again]
    read = table("\n".join(["x,y,z", *rows]))
    assert names_and_rows(read) == (["x", "y", "z"], 24)
    assert "2 lines that repeat the header were passed over, the first on line 7" in read.notes
    assert read.frame.index[-1] == 27


def test_a_comment_with_the_names_may_be_repeated_too(table):
    read = table("\n".join(2 * ["# x,y,z", *body()]))
    assert names_and_rows(read) == (["x", "y", "z"], 48)


def test_rows_of_values_that_are_also_names_are_kept(table):
    texts = ["red,round", "blue,square", "red,square", "red,round", "blue,round"] * 4
    assert len(table("\n".join(texts)).frame) == 19
    numbers = table("\n".join(["1,2", *["1,2", "3,4", "5,7"] * 6]), header=True)
    assert len(numbers.frame) == 18
    assert len(table("name\nAnn\nname\nBob\n").frame) == 3


def test_dates_and_names_without_a_header_are_data(table):
    rows = [f"2024-01-{k + 1:02},{k / 7:.2f},{('dry', 'wet')[k % 2]}" for k in range(20)]
    assert len(table("\n".join(rows)).frame) == 20
    rows = [f"name {k},{k / 7:.2f},{('dry', 'wet')[k % 2]}" for k in range(20)]
    assert len(table("\n".join(rows)).frame) == 20


@pytest.mark.parametrize("separator", [" ", ",", "\t"])
def test_the_row_names_of_r(table, separator):
    rows = [f'"{k + 1}"{separator}{row}' for k, row in enumerate(body(separator=separator))]
    read = table("\n".join([separator.join(('"x"', '"y"', '"z"')), *rows]))
    assert names_and_rows(read) == (["rownames", "x", "y", "z"], 24)
    assert read.frame["rownames"].tolist() == [str(k + 1) for k in range(24)]
    assert "one name fewer than the rows have cells" in " ".join(read.notes)
    single = table("\n".join(["x", *(f"car {k},{k / 7:.3f}" for k in range(24))]))
    assert names_and_rows(single) == (["rownames", "x"], 24)


def test_first_cells_that_recur_are_no_names_of_rows(table):
    with pytest.raises(pb.CircuitError, match="has 3 cells and the header has 2"):
        table("\n".join(["x,y", *(f"{k % 2},5,{k}" for k in range(10))]))


def test_a_cell_may_be_of_any_length(table):
    limit = csv.field_size_limit()
    long = "x" * 200_000
    read = table(f"a,b\n1,{long}\n2,y\n")
    assert read.frame["b"].tolist() == [long, "y"]
    assert csv.field_size_limit() == limit


def test_a_comma_in_quotes_is_no_separator(table):
    rows = [f'"{k},5";"{k},25";"{k},125"' for k in range(20)]
    assert table("\n".join(rows)).frame.shape == (20, 3)
    assert table("\n".join(["a;b;c", *rows]), separator=";").frame.shape == (20, 3)


def test_the_first_column_of_a_file_without_names_is_left_out_where_it_counts(tmp_path):
    def first(values):
        path = tmp_path / "t.csv"
        path.write_text("\n".join(f"{x},{k * 7 % 11 / 3:.2f}" for k, x in enumerate(values)))
        return read_dataset(path).columns[0].kind

    assert first(range(1, 31)) == "ignore"
    assert first(np.arange(30) * 3 + 100) == "number"
