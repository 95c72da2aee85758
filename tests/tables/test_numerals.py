"""Numbers as people write them: what a text spells, and what a file's numbers say of its marks."""

import numpy as np
import pandas as pd
import pytest

import pullback as pb
from pullback.tables import ReadOptions
from pullback.tables.habits import Habits
from pullback.tables.numerals import NUMBER_STYLES, is_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("\u22121.5", -1.5),
        ("\u20131.5", -1.5),
        ("\u2212 1.5", -1.5),
        ("+1.5", 1.5),
        ("(1,234.5)", -1234.5),
        ("( 7 )", -7.0),
        ("1,234.50-", -1234.5),
        ("1e\u22123", 1e-3),
        ("\u22121e5", -1e5),
        ("-inf", -np.inf),
        (".5", 0.5),
        ("5.", 5.0),
        ("0", 0.0),
    ],
)
def test_signs(text, number):
    assert NUMBER_STYLES["thousands commas"].number(text) == number


@pytest.mark.parametrize(
    "text", ["(-5)", "(5", "5)", "--5", "5-", "-5-", "(5)-", "1,2", "12,34", "0,123", "", "-", "()"]
)
def test_what_is_no_number_with_thousands_commas(text):
    assert NUMBER_STYLES["thousands commas"].number(text) is None


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u2007", "\u2009", "\u202f", "'", "\u2019"])
def test_what_groups_thousands(space):
    text = f"-1{space}234{space}567"
    assert NUMBER_STYLES["decimal commas"].number(f"{text},5") == -1234567.5
    assert NUMBER_STYLES["thousands spaces"].number(f"{text}.5") == -1234567.5
    assert NUMBER_STYLES["decimal commas"].number(f"1{space}234.567,5") is None
    assert NUMBER_STYLES["plain with %"].number(f"5{space}%") == 5.0
    assert NUMBER_STYLES["decimal commas with %"].number("(1,5 %)") == -1.5


@pytest.mark.parametrize("text", ["1-", "2+", "1/2", "1-2", "1:30", "1.2.3", "(a)", "%", "1%%"])
def test_marks_ranges_and_times_are_no_numbers(text):
    assert not is_number(text)


def habits(separator="", given=None, **columns):
    return Habits.of(pd.DataFrame(columns), given, separator=separator)


def test_all_columns_vote_on_the_decimal_mark():
    doubtful = ["1.234", "5.678", "9.012", "3.456"]
    prices = ["12,63", "0,5", "7,25", "1,75"]
    assert habits(a=doubtful) == habits(a=doubtful, b=["x", "y", "z", "z"])
    assert (habits(a=doubtful).decimal, habits(a=doubtful).sure) == (".", False)
    assert (habits(a=doubtful, b=prices).decimal, habits(a=doubtful, b=prices).sure) == (",", True)
    points = [text.replace(",", ".") for text in prices]
    both = habits(a=doubtful, b=prices, c=points, d=points)
    assert (both.decimal, both.sure) == (".", False)
    assert habits(a=["1.234.567", "2.345.678"]).decimal == ","
    assert habits(a=["1,234,567", "2,345,678"]).decimal == "."
    assert habits(a=["one, 1,5 or so", "1,5", "none", "red"]).decimal == "."


def test_a_slip_of_the_pen_does_not_turn_a_file():
    assert habits(a=[*(f"{k}.25" for k in range(99)), "3,5"]).decimal == "."


def test_three_digits_after_every_mark_beside_plain_ones_are_thousands():
    thousands = [f"{139 * k:,}" for k in range(60)]
    dots = [text.replace(",", ".") for text in thousands]
    assert habits(a=dots).decimal == ","
    assert habits(separator=";", a=thousands).decimal == "."
    assert habits(a=["2.150", "552", "31"]).decimal == ","
    assert habits(a=["2.155", "552", "31"]).decimal == "."  # too few to tell


def test_what_a_person_tells_is_the_habit():
    found = habits(given=ReadOptions(decimal=",", gaps=("NA", " x ")), a=["1.5", "2.25"])
    assert (found.decimal, found.given) == (",", True)
    assert [found.is_gap(text) for text in ("", "NA", "x", "-", "y")] == [True] * 4 + [False]
    assert [found.spares(text) for text in ("", "NA", "x", "-", "y")] == [False] * 3 + [True, False]


def test_gaps_among_numbers_are_those_of_the_file():
    found = habits(a=["1", "NA", "3"], b=["NA", "-", "x"], c=["2", "", "."])
    assert found.among_numbers == {"NA", "", "."}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"separator": "x"}, "separator is one of ',', ';'"),
        ({"decimal": "comma"}, "decimal is one of '.', ',', got 'comma'"),
        ({"header": "yes"}, "header is True, False or None, got 'yes'"),
        ({"gaps": "NA"}, "gaps are texts, such as"),
        ({"gaps": (1,)}, "gaps are texts, such as"),
        ({"classes": "words"}, "classes is one of 'text', 'number'"),
    ],
)
def test_options_that_are_none_are_refused(options, message):
    with pytest.raises(pb.CircuitError, match=message):
        ReadOptions(**options)
