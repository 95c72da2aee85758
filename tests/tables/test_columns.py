"""What columns are understood as, and what is said of them."""

import datetime

import numpy as np
import pandas as pd
import pytest

import pullback as pb
from pullback.tables.cells import Dates, Numbers, Texts, as_texts, read_cells
from pullback.tables.columns import understand, understand_table
from pullback.tables.extract import extract
from pullback.tables.habits import Habits


def column(values, name="c", kind=None, decimal=None):
    """The column in a table whose other numbers show this decimal mark, or none."""
    series = pd.Series(values, dtype=object if isinstance(values, list) else None)
    habits = Habits() if decimal is None else Habits(decimal, sure=True)
    return understand(name, read_cells(series), kind, habits)


def numbers(values, **options):
    """The numbers that texts are read as."""
    series = pd.Series(values, dtype=object)
    cells = read_cells(series)
    return extract(column(values, **options), cells, series.index).values.tolist()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "-2.5", "+3e2", " 4 "], [1.0, -2.5, 300.0, 4.0]),
        (["1,234", "12", "1,234,567.5"], [1234.0, 12.0, 1234567.5]),
        (["1,5", "2", "1.234,5"], [1.5, 2.0, 1234.5]),
        (["1 234", "5", "1 234 567"], [1234.0, 5.0, 1234567.0]),
        (["1'234.5", "7", "8"], [1234.5, 7.0, 8.0]),
        (["12%", "3.5 %", "-1%"], [12.0, 3.5, -1.0]),
        (["0,5 %", "3 %", "4 %"], [0.5, 3.0, 4.0]),
    ],
)
def test_numbers_as_people_write_them(values, expected):
    assert numbers(values) == expected


def test_a_lone_comma_is_read_as_the_file_suggests():
    assert numbers(["1,234", "5,678"]) == [1234.0, 5678.0]
    assert numbers(["1,234", "5,678"], decimal=",") == [1.234, 5.678]
    assert "with thousands commas, though decimal commas fit too" in column(["1,234"]).note
    assert "written with thousands commas" in column(["1,234", "5,678"], decimal=".").note
    assert "written with decimal commas" in column(["1,234", "5,678"], decimal=",").note


@pytest.mark.parametrize("text", ["1_000", "0x1F", "１２", "1e", "--5", "1.2.3", "12,34,5"])
def test_what_python_or_nobody_calls_a_number_is_text(text):
    assert column([text, "1", "2", "3"] * 3).kind == "category"


def test_gaps_in_many_words():
    gaps = ["", "NA", "n/a", "null", "?", "-", "NaN", " "]
    assert np.isnan(numbers(["1", *gaps, "2"])[1:-1]).all()
    assert column(["1", *gaps, "2"]).note == "numbers from 1 to 2, 8 gaps such as '-'"


def test_few_strays_among_numbers_are_gaps_and_many_make_categories():
    few = column([*map(str, range(39)), "unknown"])
    assert few.kind == "number"
    assert few.gaps == ("unknown",)
    assert few.note == "numbers from 0 to 38, 1 such as 'unknown' is missing"
    many = column(["1", "2", "3", "x"] * 10)
    assert many.kind == "category"
    assert many.note == "categories: 4 different texts; numbers but for 10 cells such as 'x'"


def test_infinite_and_huge_numbers_are_gaps():
    values = ["1", "inf", "-Infinity", "1e308", "1e999", "2"]
    assert column(values).note == "numbers from 1 to 2, 4 infinite or beyond 1e100 and so missing"
    assert np.isnan(numbers(values)[1:5]).all()


@pytest.mark.parametrize(
    ("values", "no_yes"),
    [
        (["yes", "no", "Yes"], ("no", "yes")),
        (["FALSE", "TRUE", "TRUE"], ("FALSE", "TRUE")),
        (["male", "female", "male"], ("female", "male")),
        (pd.array([True, None, False], dtype="boolean"), ("False", "True")),
    ],
)
def test_two_values_are_yes_and_no(values, no_yes):
    found = column(values)
    assert (found.kind, found.values) == ("boolean", no_yes)


@pytest.mark.parametrize(
    ("values", "spelling"),
    [
        (["2024-01-31", "2024-02-01"], "ISO8601"),
        (["2024-01-31T10:00:00+02:00", "2024-02-01T00:00:00Z"], "ISO8601"),
        (["31.1.2024", "01.02.2024"], "%d.%m.%Y"),
        (["1/31/2024", "2/1/2024"], "%m/%d/%Y"),
        (["31/1/2024", "2/1/2024"], "%d/%m/%Y"),
        (["31 Jan 2024", "1 Feb 2024"], "%d %b %Y"),
        (["January 31, 2024", "February 1, 2024"], "%B %d, %Y"),
        (["31.01.2024 18:30", "01.02.2024 00:00"], "%d.%m.%Y %H:%M"),
    ],
)
def test_dates_in_common_formats(values, spelling):
    found = column(values * 3)
    assert (found.kind, found.spelling) == ("date", spelling)
    dates = extract(found, read_cells(pd.Series(values)), pd.RangeIndex(2))
    assert isinstance(dates, Dates)
    assert dates.values[0].astype("datetime64[D]") == np.datetime64("2024-01-31")


def test_years_of_two_digits_are_of_the_century_that_is_likely_and_said():
    texts = ["31.12.47", "29.02.68", "13.05.99", "01.01.00", "31.12.46"]
    found = column(texts * 2)
    dates = extract(found, read_cells(pd.Series(texts)), pd.RangeIndex(5))
    years = dates.values.astype("datetime64[Y]").astype(int) + 1970
    assert years.tolist() == [1947, 1968, 1999, 2000, 2046]
    assert dates.values[1] == np.datetime64("1968-02-29T00:00:00")
    assert "read as %d.%m.%y with years from 1947 to 2046" in found.note
    whole = column(["31.12.2047", "29.02.2068"])
    assert whole.note == "dates from 2047-12-31 to 2068-02-29, read as %d.%m.%Y"


def test_month_or_day_first_is_a_guess_that_is_said():
    assert column(["1/2/2024", "3/4/2024"]).note.endswith("%m/%d/%Y, though %d/%m/%Y fits too")


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("c", ["same"] * 9, "every row has 'same'"),
        ("c", [5.0] * 9, "every row has '5'"),
        ("c", [""] * 9, "no cell has a value"),
        ("user_id", list(range(9)), "by its name"),
        ("userId", list(map(str, range(9))), "by its name"),
        ("c", [f"name {k}" for k in range(9)], "its texts all differ"),
        ("c", [f"name {k // 2}" for k in range(49)] * 1 + ["u", "v"], "hardly repeat"),
        ("c", [f"it was a dark and stormy night {k // 2}" for k in range(60)] + ["x"], "prose"),
        ("c", [[1], [2]], "it holds lists or objects"),
        ("c", [b"1", b"2"], "it holds bytes"),
        ("c", np.array([1j, 2j]), "it holds complex numbers"),
    ],
)
def test_what_teaches_nothing_is_left_out_with_the_reason(name, values, reason):
    found = column(values, name)
    assert found.kind == "ignore"
    assert found.note.startswith("left out: ")
    assert reason in found.note


@pytest.mark.parametrize(
    ("write", "example"),
    [
        ("${}.50", "$10.50"),
        ("{},50 €", "10,50 €"),
        ("{} kg", "10 kg"),
        ("{}-", "10-"),
        ("{},34,567", "10,34,567"),
        ("{}:30", "10:30"),
        ("EUR {}", "EUR 10"),
        ("{} m²", "10 m²"),
        ("~{}", "~10"),
        ("<{}", "<10"),
    ],
)
@pytest.mark.parametrize("repeats", [1, 2])
def test_numbers_with_other_text_are_left_out_as_such(write, example, repeats):
    cells = [write.format(k // repeats + 10) for k in range(80)] + [write.format(99)]
    found = column(cells)
    assert found.kind == "ignore"
    assert f"it holds numbers with other text, such as '{example}'" in found.note


@pytest.mark.parametrize("write", ["name {}", "a{}b", "AB{}", "{}abcdefgh", "10{}-b4e7-aa"])
def test_names_with_numbers_are_no_numbers_with_other_text(write):
    note = column([write.format(k) for k in range(40)]).note
    assert "its texts all differ" in note
    assert "numbers" not in note


def test_what_only_looks_useless_is_kept():
    assert column(list(range(9)), "paid").kind == "number"
    assert column([0.5, 1.5, 2.5], "id").kind == "number"
    assert column([1, 2, 1], "id").kind == "number"
    assert column(["$1", "$2", "$3", "$1", "$2"]).kind == "category"
    assert column(["x", "", "", "x"], "flag").kind == "category"  # a gap tells something here


def test_whole_numbers_are_numbers_until_told_otherwise():
    zips = [12345, 12345, 99999]
    assert column(zips).kind == "number"
    assert column(zips, kind="category").kind == "category"
    assert as_texts(read_cells(pd.Series(zips))).values == ["12345", "99999"]


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        (["a", "b"], "number", "'c' cannot be of kind 'number': it has 'a'"),
        (["a", "b"], "date", "cannot be of kind 'date': it has 'a'"),
        (["a", "b", "d"], "boolean", "cannot be of kind 'boolean': it has 'a'"),
        (["", ""], "number", "it has no value"),
        ([[1], [2]], "category", "it holds lists"),
        (["a"], "numbr", "there is no kind of column 'numbr'; did you mean 'number'"),
    ],
)
def test_a_kind_that_cannot_be_is_refused(values, kind, message):
    with pytest.raises(pb.CircuitError, match=message):
        column(values, kind=kind)


def test_kinds_of_a_table():
    frame = pd.DataFrame({"zip": [1, 2, 1, 2], "x": [1.0, 2.0, 3.0, 4.0]})
    columns, found = understand_table(frame, {"zip": "category", "x": "ignore"})
    assert [c.kind for c in columns] == ["category", "ignore"]
    assert list(found) == ["zip"]
    with pytest.raises(pb.CircuitError, match="there is no column 'zap'; did you mean 'zip'"):
        understand_table(frame, {"zap": "category"})
    with pytest.raises(pb.CircuitError, match="two columns are named 'x'"):
        understand_table(frame.set_axis(["x", "x"], axis=1))


def test_cells_of_every_type():
    read = [
        read_cells(pd.Series(values))
        for values in (
            pd.array([1, None], dtype="Int8"),
            np.array([1, 2], np.uint64),
            [10**400, 1],
            pd.to_timedelta(["1h", None]),
            pd.Categorical([3, None]),
        )
    ]
    assert all(isinstance(cells, Numbers) for cells in read)
    assert read[2].values.tolist() == [np.inf, 1.0]
    assert read[3].values[0] == 3600.0
    mixed = read_cells(pd.Series([1, "a", 2.0, None, True], dtype=object))
    assert isinstance(mixed, Texts)
    assert mixed.values == ["1", "2", "True", "a"]


def test_beside_decimal_commas_dots_group_thousands():
    assert numbers(["977", "1.034", "1.234.567"], decimal=",") == [977.0, 1034.0, 1234567.0]
    found = column(["977", "1.034"], decimal=",")
    assert found.note == "numbers from 977 to 1,034, written with thousands dots"
    assert column(["977", "34"], decimal=",").note == "numbers from 34 to 977"
    assert numbers(["0.126", "1.034"], decimal=",") == [0.126, 1.034]
    assert numbers(["1.5", "1.034"], decimal=",") == [1.5, 1.034]
    assert numbers(["977", "1.034"]) == [977.0, 1.034]


@pytest.mark.parametrize(
    ("learned", "text", "sign"), [("1,5", "-0.132", "commas"), ("1.5", "-0,132", "points")]
)
def test_another_decimal_sign_than_in_training_is_named(learned, text, sign):
    found = column([learned, "2"], decimal="," if "," in learned else ".")
    index = pd.Index([2, 3], name="line")
    message = rf"numbers with decimal {sign}, as in training \(.*\), but line 3 has '{text}'"
    with pytest.raises(pb.CircuitError, match=message):
        extract(found, read_cells(pd.Series(["7", text])), index)


@pytest.mark.parametrize(
    ("sure", "order", "said"),
    [
        ("13/2/2024", "%d/%m/%Y", ", the day first as in 'b'"),
        ("2/13/2024", "%m/%d/%Y", ", the day second as in 'b'"),
        ("13-2-2024", "%d/%m/%Y", ", the day first as in 'b'"),
        ("13/2/24 10:30", "%d/%m/%Y", ", the day first as in 'b'"),
        ("13.2.2024", "%m/%d/%Y", ", though %d/%m/%Y fits too"),
        ("2/2/2024", "%m/%d/%Y", ", though %d/%m/%Y fits too"),
    ],
)
@pytest.mark.parametrize("names", ["ab", "ba"])
def test_one_column_of_dates_tells_the_order_of_all(sure, order, said, names):
    values = {"a": ["1/2/2024", "3/4/2024", "NA"], "b": [sure, sure.replace("24", "23"), ""]}
    columns, found = understand_table(pd.DataFrame({name: values[name] * 4 for name in names}))
    a = columns[names.index("a")]
    assert a.spelling == order
    assert said in a.note
    day = np.datetime64("2024-02-01" if order == "%d/%m/%Y" else "2024-01-02")
    assert found["a"].values[0] == day


def test_orders_of_dates_that_contradict_each_other_tell_nothing():
    days = {
        "a": ["1/2/2024", "3/4/2024"],
        "b": ["13/2/2024", "1/1/2024"],
        "c": ["2/13/2024", "1/1/2024"],
    }
    assert "though %d/%m/%Y fits too" in understand_table(pd.DataFrame(days))[0][0].note


def test_decimal_commas_speak_for_the_day_first():
    found = column(["1/2/2024", "3/4/2024"], decimal=",")
    assert found.note.endswith("%d/%m/%Y, though %m/%d/%Y fits too")


def test_the_format_of_dates_can_be_told():
    values = ["1/2/2024", "3/4/2024"]
    found = column(values, kind="date:%d/%m/%Y")
    assert (found.kind, found.spelling) == ("date", "%d/%m/%Y")
    assert found.note == "dates from 2024-02-01 to 2024-04-03, read as %d/%m/%Y"
    with pytest.raises(pb.CircuitError, match="cannot be of kind 'date': it has '1/2/2024'"):
        column(values, kind="date:%Y/%m/%d")
    for kind in ("date:%q", "number:%d/%m/%Y"):
        with pytest.raises(pb.CircuitError, match="the kind 'date' alone has formats"):
            column(values, kind=kind)


def test_an_offset_from_utc_does_not_move_a_date():
    zone = datetime.timezone(datetime.timedelta(hours=1))
    texts = ["2001-01-01T00:00:00+01:00", "2001-01-01 00:00:00.5-0500", "2001-01-01T00:00Z"]
    objects = [datetime.datetime(2001, 1, 1, tzinfo=zone), datetime.date(2001, 1, 1), None]
    for values in (texts, objects):
        series = pd.Series(values, dtype=object)
        dates = extract(column(values, kind="date"), read_cells(series), series.index)
        days = dates.values[~dates.gaps].astype("datetime64[D]")
        assert set(days) == {np.datetime64("2001-01-01")}
