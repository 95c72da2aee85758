"""What stands for no value: in numbers always, in categories and classes by the whole file."""

import numpy as np
import pandas as pd
import pytest

from pullback.tables import ReadOptions, TableDataset
from pullback.tables.gaps import is_gap, may_be_value
from pullback.tables.table import read_dataset

STATISTICS_TOOLS = (
    *(".", ".a", ".Z", "#NA", "#N/A", "-nan", "NaN", "nan(ind)", "1.#QNAN", "-1.#IND", "1.#INF"),
    *("#DIV/0!", "#VALUE!", "#NV", "*", "**", "NULL", "\\N", "<NA>", "n.a.", "--", "\u2013", "..."),
)


@pytest.fixture
def learned(tmp_path):
    """A file of these columns, read."""

    def read(target=None, task=None, options=None, **columns):
        path = tmp_path / "t.csv"
        pd.DataFrame(columns).to_csv(path, index=False)
        return read_dataset(path, target, task, options=options)

    return read


@pytest.mark.parametrize("text", STATISTICS_TOOLS)
def test_a_fifth_of_a_column_of_numbers_may_be_gaps(learned, text):
    x = [text if k % 5 == 0 else f"{k * 0.37:.3f}" for k in range(120)]
    data = learned(x=x, y=np.arange(120) * 2.5)
    (column,) = data.columns
    assert column.kind == "number"
    assert column.note == f"numbers from 0.37 to 44.03, 24 gaps such as {text!r}"
    gaps = np.arange(120) % 5 == 0
    np.testing.assert_array_equal(data.found["x"].gaps, gaps)
    np.testing.assert_allclose(data.found["x"].values[~gaps], 0.37 * np.flatnonzero(~gaps))


def test_an_unknown_text_that_recurs_among_measurements_is_a_gap_and_said(learned):
    x = ["<0.05" if k % 5 == 0 else f"{k * 0.37:.3f}" for k in range(120)]
    data = learned(x=x, y=np.arange(120) * 2.5)
    assert data.columns[0].note == "numbers from 0.37 to 44.03, 24 such as '<0.05' are missing"


def test_many_texts_among_numbers_are_the_reason_that_is_told(learned):
    x = [f"bad {k}" if k % 5 == 0 else f"{k * 0.37:.3f}" for k in range(120)]
    note = learned(x=x, z=range(120), y=np.arange(120) * 2.5).columns[0].note
    assert note.startswith("left out: ")
    assert note.endswith("; numbers but for 24 cells such as 'bad 0'")


@pytest.mark.parametrize(
    "texts",
    [
        ("NA", "EU", "AS"),
        ("None", "mild", "severe"),
        ("-", "+"),
        (".", "x", "y"),
        ("Na", "K", "Cl"),
    ],
)
def test_a_text_as_common_as_the_other_classes_is_one(learned, texts):
    data = learned(x=np.arange(60) * 0.5, c=[texts[k % len(texts)] for k in range(60)])
    assert data.classes == tuple(sorted(texts))
    assert len(data) == 60
    note = " ".join(data.notes)
    assert f"the target 'c': {texts[0]!r} is read as a value" in note
    assert f"--gaps '{texts[0]}' makes it a gap" in note
    options = ReadOptions(gaps=(texts[0],))
    told = learned(
        x=[*range(60), *range(60)],
        c=[(*texts, "other", "more")[k % (len(texts) + 2)] for k in range(120)],
        options=options,
    )
    assert texts[0] not in told.classes


def test_a_rare_gap_among_classes_is_a_gap_and_said(learned):
    classes = ["NA" if k % 20 == 0 else ("EU", "AS")[k % 2] for k in range(60)]
    data = learned(x=np.arange(60) * 0.5, c=classes)
    assert data.classes == ("AS", "EU")
    assert "the target 'c': 'NA' is read as a gap; --gaps ''" in " ".join(data.notes)
    told = learned(x=np.arange(60) * 0.5, c=classes, options=ReadOptions(gaps=()))
    assert told.classes == ("AS", "EU", "NA")


def test_the_gap_of_a_files_numbers_is_one_in_its_categories(learned):
    x = ["NA" if k % 10 == 0 else f"{k / 7:.2f}" for k in range(60)]
    land = [("NA", "EU", "AS")[k % 3] for k in range(60)]
    data = learned(x=x, land=land, y=np.arange(60) * 1.5)
    assert data.columns[1].gaps == ("NA",)
    assert "'land': 'NA' is read as a gap" in " ".join(data.notes)
    told = learned(x=x, land=land, y=np.arange(60) * 1.5, options=ReadOptions(gaps=()))
    assert told.columns[1].kept == ("NA",)
    assert np.isnan(told.found["x"].values).sum() == 6


def test_answers_to_yes_or_no_are_not_a_third_one(learned):
    data = learned(x=[("yes", "no", "NA")[k % 3] for k in range(60)], y=np.arange(60) * 1.5)
    assert data.columns[0].values == ("no", "yes")
    assert "20 gaps such as 'NA'" in data.columns[0].note


def test_a_text_of_a_typed_table_is_a_text(tmp_path):
    path = tmp_path / "t.parquet"
    classes = ["NA", "None", "-", None, "NaN", "x"] * 20
    numbers = ["NA", "1.5", "2.5", None] * 30
    pd.DataFrame({"n": numbers, "c": classes}).to_parquet(path)
    data = read_dataset(path, "c")
    assert data.classes == ("-", "NA", "NaN", "None", "x")
    assert len(data) == 100
    assert data.columns[0].kind == "number"
    assert not any("--gaps" in note for note in data.notes)


@pytest.mark.parametrize(
    "texts", [("007", "042", "100"), ("007", "07", "7"), ("10E1", "1E2", "1E3"), ("-1", "+1", "2")]
)
def test_classes_are_the_texts_of_the_file(learned, texts):
    data = learned(x=np.arange(60) * 0.5, c=[texts[k % 3] for k in range(60)])
    assert set(data.classes) == set(texts)
    assert [data.classes[k] for k in data.values[:3]] == list(texts)


def test_classes_that_are_numbers_are_in_their_order(learned):
    data = learned(x=np.arange(60) * 0.5, c=[str(k % 12) for k in range(60)])
    assert data.classes == tuple(map(str, range(12)))


def test_words_for_gaps():
    assert all(map(is_gap, STATISTICS_TOOLS))
    assert not any(map(is_gap, ("0", "x", "no", "1.5", ".5", "nano", "nab", "#1", "+", "1.#")))
    assert not any(map(may_be_value, ("", "nan", "#N/A", "x")))


def test_a_frame_in_memory_shows_its_own_habits():
    frame = pd.DataFrame({"a": ["1,5", "20,25", "3,75"] * 6, "b": ["1.034", "977", "-"] * 6})
    data = TableDataset.from_frame(frame.assign(c=["x", "y"] * 9))
    assert data.found["a"].values[:3].tolist() == [1.5, 20.25, 3.75]
    np.testing.assert_array_equal(data.found["b"].values[:3], [1034.0, 977.0, np.nan])
