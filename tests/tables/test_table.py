"""The target, its task, and the parts of a table; each refusal in a sentence."""

import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import pullback as pb
from pullback.datasets import load_dataset
from pullback.tables import ReadOptions, TableDataset, Target
from pullback.tables.cells import as_texts, read_cells
from pullback.tables.habits import Habits


def table(y, **options):
    """A table of one number and this target."""
    x = np.random.default_rng(0).normal(size=len(y))
    return TableDataset.from_frame(pd.DataFrame({"x": x, "y": pd.Series(y)}), **options)


@pytest.mark.parametrize(
    ("y", "task", "classes"),
    [
        (["a", "b", "c"] * 5, "classification", ("a", "b", "c")),
        (["yes", "no"] * 8, "classification", ("no", "yes")),
        ([True, False] * 8, "classification", (False, True)),
        ([1, 2, 3] * 5, "classification", (1, 2, 3)),
        (["1", "2"] * 8, "classification", ("1", "2")),
        ([0.5, 1.5] * 8, "classification", (0.5, 1.5)),
        (pd.array([3, 4] * 8, dtype="Int64"), "classification", (3, 4)),
        (list(range(30)), "regression", ()),
        (list(range(21)) * 20, "regression", ()),
        ([0.5, 1.5, 2.5] * 8, "regression", ()),
        (["1,5", "2,5", "3,5"] * 8, "regression", ()),
    ],
)
def test_the_task_is_what_the_values_look_like(y, task, classes):
    data = table(y)
    assert (data.task, data.classes) == (task, classes)
    assert [type(label) for label in data.classes] == [type(label) for label in classes]


BEYOND = 2**53  # from here on, doubles skip whole numbers


@pytest.mark.parametrize(
    "dtype", ["int64", "Int64", "uint64", "UInt64", "category", object, "decimal"]
)
@pytest.mark.parametrize("first", [BEYOND, 2**62])
def test_whole_numbers_that_doubles_would_merge_stay_classes_of_their_own(dtype, first):
    values = [first + k % 4 for k in range(40)]
    y = pd.Series([Decimal(x) for x in values] if dtype == "decimal" else values, dtype=object)
    y = y if dtype in (object, "decimal") else y.astype(dtype)
    data = table(y)
    assert data.classes == tuple(first + k for k in range(4))
    np.testing.assert_array_equal(data.values, np.arange(40) % 4)
    target = data.split(0.5, 0.5)[0].preparation.target
    assert target.decode(np.eye(4)).tolist() == list(data.classes)
    one = read_cells(pd.Series([values[1], BEYOND - 1])[:1])
    assert target.values(one, pd.RangeIndex(1)).tolist() == [1]


@pytest.mark.parametrize(
    "classes",
    [
        (10**30, 10**30 + 1),
        (-1, 2**64),
        (2**53 + 1, 0.5),
        ("0.1234567890123456789", "0.123456789012345679"),
        (1e15 + 1, 1e15 + 2),
        (1e20, 2e20),
        (1.5, 2.5),
    ],
)
def test_classes_of_any_size_go_there_and_back(classes):
    objects = [Decimal(x) if isinstance(x, str) else x for x in classes]
    data = table(pd.Series(objects * 10, dtype=object), task="classification")
    assert set(data.classes) == set(classes)
    target = data.split(0.5, 0.5)[0].preparation.target
    again = Target(target.column, tuple(json.loads(json.dumps(target.classes))))
    np.testing.assert_array_equal(again.labels(data.frame), data.values)
    assert set(target.decode(np.eye(2)).tolist()) == set(classes)


def test_a_file_of_texts_has_whole_numbers_beyond_doubles_too():
    numbers = [BEYOND + k % 4 for k in range(40)]
    target = table(numbers).target
    texts = pd.Series([*map(str, numbers[:4]), ""], dtype=object)
    assert target.values(read_cells(texts), texts.index).tolist() == [0, 1, 2, 3, -1]
    by_number = Habits(class_numbers=True)
    assert table([f"{x:+}" for x in numbers], habits=by_number).classes == target.classes


def test_categories_of_whole_numbers_that_doubles_would_merge():
    z = pd.Series([BEYOND + k % 3 for k in range(30)])
    frame = pd.DataFrame({"z": z, "y": ["a", "b", "b"] * 10})
    (part,) = TableDataset.from_frame(frame, kinds={"z": "category"}).split(1.0)
    assert part.features == tuple(f"z={BEYOND + k}" for k in range(3))
    gaps = pd.Series([BEYOND + 1, None, BEYOND + 2] * 10, dtype="Int64")
    assert as_texts(read_cells(gaps)).values == [str(BEYOND + 1), str(BEYOND + 2)]


@pytest.mark.parametrize("other", [" a", "a ", "a\u00a0", "\ta"])
def test_classes_that_blanks_alone_tell_apart_are_one_and_said(other):
    data = table(["a", other, "b"] * 5)
    assert data.classes == ("a", "b")
    said = f"{sorted(['a', other])[0]!r} and {sorted(['a', other])[1]!r} read as one"
    assert said in " ".join(data.notes)
    assert "read as one" not in " ".join(table([" a", "b", " "] * 5).notes)
    assert "read as one" not in " ".join(table(["1", " 1.5", "2 ", "2", "9"] * 5).notes)


@pytest.mark.parametrize("text", ["?", "null", "NaN"])
def test_classes_that_are_taken_for_gaps_are_named_with_the_way_back(text):
    notes = " ".join(table(["a", text, "b"] * 5).notes)
    assert f"the target 'y': '{text}' is read as a gap; --gaps '' takes empty cells alone" in notes
    assert "--gaps" not in " ".join(table(["a", "", "b"] * 5).notes)


def test_a_task_that_is_told_holds():
    assert table([1, 2, 3] * 5, task="regression").task == "regression"
    assert table([0.5, 1.5, 2.5] * 8, task="classification").classes == (0.5, 1.5, 2.5)


def test_classes_keep_their_labels_there_and_back():
    for y in (["b", "a", "c"] * 5, [True, False] * 8, [30, 10, 20] * 5, [0.5, 2.0] * 6):
        data = table(y)
        (train, test) = data.split(0.5, 0.5)
        target = train.preparation.target
        scores = np.eye(len(data.classes))[train.labels]
        assert set(target.decode(scores).tolist()) == set(y)
        np.testing.assert_array_equal(target.labels(data.frame), data.values)
        assert sorted([*train.labels, *test.labels]) == sorted(data.values)


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        (["a"] * 12, {}, "the target 'y' is 'a' in every row"),
        ([1.5] * 12, {}, "the target 'y' is 1.5 in every row"),
        ([None] * 12, {}, "the target 'y' has no value in any row"),
        (["1e999"] * 12, {}, "the target 'y' is '1e999' in every row"),
        ([1e300, 2e300] * 6, {"task": "regression"}, "no number below 1e\\+100.*is too large"),
        (["a", "b"] * 3, {}, "6 rows with a target are too few .* give at least 10"),
        (["a", "b", None] * 4, {}, "8 rows with a target are too few"),
        (
            list("abcdefghijkl"),
            {},
            "the target 'y' has 12 classes in 12 rows, too few rows of each",
        ),
        ([*range(12)], {"task": "classification"}, "name another target, or the task regression"),
        (["a", "b"] * 6, {"task": "regression"}, "regression predicts numbers.* 'y' has 'a'"),
        (["a", "b"] * 6, {"task": "guessing"}, "a task is classification or regression, got 'gue"),
        (["a", "b"] * 6, {"target": "z"}, "there is no column 'z'; there are: x, y"),
        (["a", "b"] * 6, {"target": "yy"}, "there is no column 'yy'; did you mean 'y'"),
        (["a", "b"] * 6, {"kinds": {"y": "category"}}, "'y' is the target: its task tells what"),
        (
            ["a", "b"] * 6,
            {"kinds": {"x": "ignore"}},
            "no column is left to learn from: 'x' is left",
        ),
        (pd.date_range("2024", periods=12), {}, "the target 'y' holds dates; name another"),
        ([[1]] * 12, {}, "the target 'y' holds lists or objects"),
    ],
)
def test_what_cannot_be_learned_is_refused_in_a_sentence(y, options, message):
    with pytest.raises(pb.CircuitError, match=message) as caught:
        table(y, **options).split(0.7, 0.3)
    assert "\n" not in str(caught.value)


def test_no_columns_or_only_a_target_is_refused():
    with pytest.raises(pb.CircuitError, match="the table has no columns"):
        TableDataset.from_frame(pd.DataFrame())
    with pytest.raises(pb.CircuitError, match="no column is left to learn from: there is no other"):
        TableDataset.from_frame(pd.DataFrame({"y": ["a", "b"] * 9})).split(0.5, 0.5)
    with pytest.raises(pb.CircuitError, match="two columns are named 'y'"):
        TableDataset.from_frame(pd.DataFrame(np.ones((12, 2)), columns=["y", "y"]))


def test_the_target_is_guessed_and_said():
    frame = pd.DataFrame({"Class": ["a", "b"] * 6, "label": range(12), "x": range(12)})
    assert TableDataset.from_frame(frame).notes[0] == "the target is column 'label', by its name"
    frame = frame.drop(columns="label")
    assert TableDataset.from_frame(frame).target.name == "Class"
    frame = frame.rename(columns={"Class": "group"})
    assert TableDataset.from_frame(frame).notes[0] == "the target is column 'x', the last"
    assert TableDataset.from_frame(frame, "group").notes[0].startswith("the task is classification")


def test_rows_without_a_target_are_left_out_and_counted():
    data = table(["a", None, "b", "?"] * 6)
    assert len(data) == 12
    assert "12 rows without a target are left out" in data.notes
    data = table([1.5, np.inf, 2.5, 1e300, 7.5] * 6)
    assert (len(data), data.task) == (18, "regression")


def test_labels_of_another_table_must_be_known_ones():
    target = table(["a", "b"] * 6).target
    with pytest.raises(pb.CircuitError, match="row 1 has 'z' in column 'y', which is none of"):
        target.labels(pd.DataFrame({"y": ["a", "z"]}))
    with pytest.raises(pb.CircuitError, match="row 0 has no value in the target 'y'"):
        target.labels(pd.DataFrame({"y": [None, "a"]}))
    with pytest.raises(pb.CircuitError, match="there is no column 'y'"):
        target.labels(pd.DataFrame({"x": [1]}))


def test_a_split_is_stratified_and_fixed_by_its_seed():
    data = table(["a"] * 60 + ["b"] * 30 + ["c"] * 10)
    parts = data.split(0.7, 0.1, 0.2, seed=4)
    assert [np.bincount(part.labels).tolist() for part in parts] == [
        [42, 21, 7],
        [6, 3, 1],
        [12, 6, 2],
    ]
    again = data.split(0.7, 0.1, 0.2, seed=4)
    other = data.split(0.7, 0.1, 0.2, seed=5)
    np.testing.assert_array_equal(parts[2].inputs, again[2].inputs)
    assert not np.array_equal(parts[2].inputs, other[2].inputs)


def test_a_class_of_one_row_is_learned_and_said():
    data = table(["a"] * 9 + ["b"] * 9 + ["rare"])
    for seed in range(5):
        train, *rest = data.split(0.3, 0.3, 0.4, seed=seed)
        assert 2 in train.labels
        assert all(2 not in part.labels for part in rest)
    assert train.notes[-1].startswith("class 'rare' has fewer than 3 rows: learned, but not judged")


@pytest.mark.parametrize("count", [10, 11, 13])
def test_small_tables_leave_no_part_empty(count):
    for y in (["a", "b"] * 7, list(np.linspace(0.1, 7, 14))):
        parts = table(y[:count]).split(0.7, 0.1, 0.2)
        assert min(map(len, parts)) > 0
        assert sum(map(len, parts)) == count


def test_a_file_from_its_path(tmp_path):
    path = tmp_path / "pets.csv"
    path.write_text("kg;pet;\n" + "3,5;cat;\n31;dog;\n" * 8)
    data = load_dataset(path, target="pet")
    assert (data.name, data.source) == ("pets.csv", f"the file {path}")
    assert data.notes[0] == "cells are separated by semicolons"
    train, _ = data.split(0.5, 0.5)
    assert train.features == ("kg",)
    assert sorted(set(train.inputs[:, 0])) == [-1.0, 1.0]
    frame = pd.DataFrame({"kg": [3.5, 31.0] * 8, "pet": ["cat", "dog"] * 8})
    frame.to_parquet(tmp_path / "pets.parquet")
    (same, _) = load_dataset(tmp_path / "pets.parquet").split(0.5, 0.5)
    np.testing.assert_array_equal(same.inputs, train.inputs)


def test_thousands_dots_in_files_of_decimal_commas(tmp_path):
    lines = [
        f"{347.5 * k:.2f}".replace(".", ",") + f";{139 * k:,}".replace(",", ".")
        for k in range(1, 31)
    ]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["x;umsatz", *lines]))
    data = load_dataset(path)
    assert data.values.tolist() == [139.0 * k for k in range(1, 31)]
    assert "written with thousands dots" in data.notes[-1]


def test_dots_that_could_group_thousands_are_said(tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"{k}.{k:03};{k / 8}" for k in range(1, 31)]
    path.write_text("\n".join(["stueck;y", *rows]))
    notes = [note for note in load_dataset(path).notes if "thousands dots fit too" in note]
    assert [note[:15] for note in notes] == ["column 'stueck'"]
    path.write_text(path.read_text().replace(";", ","))
    assert not any("thousands" in note for note in load_dataset(path).notes)


def test_dates_that_could_be_others_are_noted(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "\n".join(["d,y", *(f"{k % 12 + 1}/{k % 5 + 1}/2001,{k}.5" for k in range(60))])
    )
    assert "--kind 'd=date:%d/%m/%Y' takes the other" in load_dataset(path).notes[-1]
    told = load_dataset(path, kinds={"d": "date:%d/%m/%Y"})
    assert told.columns[0].spelling == "%d/%m/%Y"
    assert not any("fits too" in note for note in told.notes)


def test_a_target_with_two_readings_is_said_in_a_note_of_its_own(tmp_path):
    rows = "".join(f"{i % 7};{i + 3}.{i * 91 % 1000:03d}\n" for i in range(1, 40))
    (tmp_path / "a.csv").write_text(f"c;y\n{rows}")
    notes = load_dataset(tmp_path / "a.csv", "y", "regression").notes
    assert any(n.startswith("the target 'y'") and "--decimal ','" in n for n in notes)
    options = ReadOptions(decimal=",")
    right = load_dataset(tmp_path / "a.csv", "y", "regression", options=options).values
    np.testing.assert_array_equal(right, [(i + 3) * 1000 + i * 91 % 1000 for i in range(1, 40)])
