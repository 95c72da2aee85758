"""Tables as numbers: compared with scikit-learn, saved as JSON, refused where they do not fit."""

import copy
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import pullback as pb
from pullback.tables import Preparation, TableDataset
from pullback.tables.prepare import MOST_CATEGORIES


def people(rows=200, seed=0):
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 12, rows)
    age[rng.random(rows) < 0.1] = np.nan
    return pd.DataFrame(
        {
            "age": age,
            "pay": rng.lognormal(8, 0.3, rows),
            "town": rng.choice(["Ulm", "Bonn", "Köln", None], rows, p=[0.5, 0.3, 0.1, 0.1]),
            "smokes": rng.choice(["yes", "no"], rows),
            "born": pd.Timestamp("1990-01-01") + pd.to_timedelta(rng.integers(0, 9999, rows), "D"),
            "ill": rng.choice(["never", "once", "often"], rows),
        }
    )


def inputs_of(preparation, frame, names):
    """These features' columns of what a table becomes."""
    matrix = preparation.transform(frame)[0]
    places = [feature.name for feature in preparation.features]
    return matrix[:, [places.index(name) for name in names]]


def test_numbers_are_as_scikit_learn_prepares_them():
    frame = people().drop(columns="ill")
    preparation = Preparation.fit(frame)
    filled = SimpleImputer(strategy="median", add_indicator=True).fit_transform(frame[["age"]])
    expected = StandardScaler().fit_transform(filled[:, :1])
    found = inputs_of(preparation, frame, ["age", "age is missing"])
    np.testing.assert_allclose(found[:, :1], expected, atol=1e-6)
    np.testing.assert_array_equal(found[:, 1], filled[:, 1])


def test_categories_are_as_scikit_learn_prepares_them():
    frame = people().drop(columns="ill")
    preparation = Preparation.fit(frame)
    filled = frame[["town"]].fillna("missing")
    encoder = OneHotEncoder(sparse_output=False, handle_unknown="ignore").fit(filled)
    names = [f"town={town}" for town in encoder.categories_[0] if town != "missing"]
    found = inputs_of(preparation, frame, [*names, "town is missing"])
    np.testing.assert_array_equal(found, encoder.transform(filled))


def test_rare_categories_share_an_input_as_in_scikit_learn():
    rng = np.random.default_rng(1)
    towns = [f"t{min(k, 60):02}" for k in rng.geometric(0.05, 3000)]
    frame = pd.DataFrame({"town": towns})
    preparation = Preparation.fit(frame)
    assert len(preparation.features) == MOST_CATEGORIES + 1
    encoder = OneHotEncoder(
        sparse_output=False,
        max_categories=MOST_CATEGORIES + 1,
        handle_unknown="infrequent_if_exist",
    ).fit(frame)
    new = pd.DataFrame({"town": [*towns[:50], "nowhere"]})
    found, expected = preparation.transform(new)[0], encoder.transform(new)
    np.testing.assert_array_equal(np.sort(found.sum(axis=0)), np.sort(expected.sum(axis=0)))
    np.testing.assert_array_equal(found[:, -1], expected[:, -1])
    assert preparation.describe()[0].endswith(f", all but {MOST_CATEGORIES} of them as one")


def test_dates_are_as_pandas_takes_them_apart():
    frame = people()
    frame["born"] += pd.Timedelta("1h") * np.arange(200)
    preparation = Preparation.fit(frame[["born"]])
    born = frame["born"].dt
    parts = {
        "year": born.year,
        "month": born.month,
        "weekday": born.day_of_week,
        "day of year": born.day_of_year,
        "days": (frame["born"].dt.floor("D") - pd.Timestamp("1970-01-01")).dt.days,
        "hour": born.hour,
    }
    expected = StandardScaler().fit_transform(pd.DataFrame(parts))
    assert [f.name for f in preparation.features] == [f"born: {part}" for part in parts]
    np.testing.assert_allclose(preparation.transform(frame)[0], expected, atol=1e-5)


def test_an_outlier_does_not_flatten_the_rest():
    x = np.random.default_rng(0).normal(size=1000)
    x[7] = 1e30
    found = Preparation.fit(pd.DataFrame({"x": x})).transform(pd.DataFrame({"x": x}))[0][:, 0]
    assert 0.8 < np.delete(found, 7).std() < 1.1
    assert found[7] <= 10.0


@pytest.mark.parametrize("x", [[1e100, -1e100], [5e-324, 1e-310], [1e15, 1e15 + 1], [0.0, 1e-160]])
def test_numbers_at_the_ends_of_double_precision_stay_finite(x):
    frame = pd.DataFrame({"x": x * 10})
    preparation = Preparation.fit(frame)
    for numbers in (frame, pd.DataFrame({"x": [1e100, -1e100, 1e308, np.inf, np.nan]})):
        assert np.isfinite(preparation.transform(numbers)[0]).all()


def test_only_the_training_rows_are_learned_from():
    frame = people()
    shares = (0.6, 0.2, 0.2)
    parts = TableDataset.from_frame(frame).split(*shares, seed=1)
    learned_from = {tuple(row) for row in parts[0].inputs}
    changed = frame.copy()
    matrix = parts[0].preparation.transform(frame)[0]
    held_out = [k for k in range(len(frame)) if tuple(matrix[k]) not in learned_from]
    assert len(held_out) == 80
    changed.loc[held_out, "age"] = 99.0
    changed.loc[held_out, "pay"] *= 1000
    changed.loc[held_out, "town"] = "Paris"
    changed.loc[held_out, "born"] = pd.Timestamp("2030-01-01")
    again = TableDataset.from_frame(changed).split(*shares, seed=1)
    assert again[0].preparation.features == parts[0].preparation.features
    np.testing.assert_array_equal(again[0].inputs, parts[0].inputs)
    assert not np.array_equal(again[2].inputs, parts[2].inputs)
    assert "column 'town': 80 values unknown from training" in again[0].notes[-1]


def test_a_regressions_target_is_standardised_by_the_training_rows_and_turned_back():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=50), "price": rng.normal(1e6, 10, 50)})
    data = TableDataset.from_frame(frame)
    train, test = data.split(0.5, 0.5, seed=3)
    assert (data.task, train.classes) == ("regression", ())
    np.testing.assert_allclose([train.labels.mean(), train.labels.std()], [0, 1], atol=1e-5)
    assert abs(test.labels.mean()) > 1e-5
    back = train.preparation.target.decode(train.labels[:, None])
    assert {round(x, 3) for x in back} <= {round(x, 3) for x in frame["price"]}


def test_json_gives_the_same_bits():
    frame = people()
    preparation = TableDataset.from_frame(frame).split(0.7, 0.3)[0].preparation
    text = json.dumps(preparation.to_json_dict(), allow_nan=False)
    loaded = Preparation.from_json_dict(json.loads(text))
    assert loaded == preparation
    new = people(seed=9)
    assert loaded.transform(new)[0].tobytes() == preparation.transform(new)[0].tobytes()
    np.testing.assert_array_equal(loaded.target.labels(new), preparation.target.labels(new))


def damages(data):
    """Damaged versions of a preparation's JSON: each part missing, of another type, or absurd."""
    yield from (None, [], {}, "x", {**data, "format": "pickle"}, {**data, "more": 1})
    for path in (
        ("columns",),
        ("features",),
        ("target",),
        ("target", "classes"),
        ("columns", 0, "kind"),
        ("columns", 0, "spelling"),
        ("columns", 0, "strays"),
        ("features", 0, "part"),
        ("features", 0, "column"),
        ("features", 0, "scale"),
        ("features", 0, "fill"),
        ("target", "column", "kind"),
    ):
        for value in ([], {}, 7, "os.system", None, True, [None], float("nan"), -1.0):
            damaged = copy.deepcopy(data)
            place = damaged
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = value
            yield damaged


def test_damaged_json_is_refused_or_harmless():
    data = TableDataset.from_frame(people()).split(0.7, 0.3)[0].preparation.to_json_dict()
    refusals = []
    for damaged in damages(data):
        try:
            found = Preparation.from_json_dict(damaged).transform(people())[0]
            assert np.isfinite(found).all()
        except pb.CircuitError as error:
            refusals.append(str(error))
    assert len(refusals) > 90
    assert "\n" not in "".join(refusals)


def test_what_a_table_lacks_is_named_and_what_it_has_too_much_is_said():
    preparation = Preparation.fit(people()[["age", "pay"]])
    with pytest.raises(pb.CircuitError, match="lacks what the network takes: column 'pay'; it has"):
        preparation.transform(people()[["age", "town"]])
    notes = preparation.transform(people())[1]
    assert notes[0] == ("columns 'town', 'smokes', 'born', 'ill' unknown from training passed over")
    assert "column 'age': 22 without a usable value, filled as in training" in notes


def test_text_where_numbers_were_trained_names_column_line_and_value():
    preparation = Preparation.fit(pd.DataFrame({"age": ["1", "2", "3"]}))
    new = pd.DataFrame({"age": ["4", "old"]}, index=pd.Index([2, 3], name="line"))
    with pytest.raises(pb.CircuitError, match="'age' should hold numbers, but line 3 has 'old'"):
        preparation.transform(new)
    moments = pd.DataFrame({"age": pd.to_datetime(["2024-01-31"])})
    with pytest.raises(pb.CircuitError, match="'age' should hold numbers, but row 0 has '2024-01"):
        preparation.transform(moments)
    lists = pd.DataFrame({"age": [[1]]})
    with pytest.raises(pb.CircuitError, match="but it holds lists"):
        preparation.transform(lists)


def test_strays_known_from_training_are_gaps_later_and_others_are_refused():
    values = [*map(str, range(99)), "unknown"]
    preparation = Preparation.fit(pd.DataFrame({"x": values}))
    found = preparation.transform(pd.DataFrame({"x": ["unknown", "7"]}))[0]
    assert found[:, 1].tolist() == [1.0, 0.0]
    with pytest.raises(pb.CircuitError, match="row 0 has 'Unknown'"):
        preparation.transform(pd.DataFrame({"x": ["Unknown"]}))


def test_tables_with_gaps_alone_or_no_rows_can_be_prepared():
    frame = people().drop(columns="ill")
    preparation = Preparation.fit(frame)
    for new in (pd.DataFrame([[None] * 5], columns=frame.columns), frame.iloc[:0]):
        found = preparation.transform(new)[0]
        assert found.shape == (len(new), len(preparation.features))
        assert np.isfinite(found).all()


def test_the_types_of_a_file_and_of_parquet_give_the_same_inputs():
    frame = people().drop(columns="ill").round({"age": 3, "pay": 3})
    as_text = frame.astype(str).replace({"None": "", "nan": ""})
    preparation = Preparation.fit(frame)
    np.testing.assert_array_equal(
        preparation.transform(as_text)[0], preparation.transform(frame)[0]
    )


def test_a_line_for_each_column():
    frame = pd.DataFrame(
        {"age": [17.0, None, 37, 90], "town": ["a", "b", "b", None], "id": range(4)}
    )
    assert Preparation.fit(frame).describe() == (
        "age: numbers from 17 to 90, 1 gap; missing ones become the median 37, and an input says "
        "so",
        "town: one of two: 0 is 'a', 1 is 'b', 1 gap; missing ones become the median 1, and an "
        "input says so",
        "id: left out: by its name, and as its values all differ, it only tells rows apart",
    )
    with pytest.raises(pb.CircuitError, match="no column is left to learn from: 'id' is left out"):
        Preparation.fit(frame[["id"]])


@pytest.mark.parametrize("learned", [("true", "false"), ("TRUE", "False"), ("1", "0"), ("Y", "n")])
@pytest.mark.parametrize("new", [("1", "0"), ("yes", "NO"), ("t", "F"), (True, False), (1, 0)])
def test_yes_and_no_are_understood_in_all_usual_pairs(learned, new):
    preparation = Preparation.fit(pd.DataFrame({"b": learned * 5}, dtype=object), {"b": "boolean"})
    inputs, notes = preparation.transform(pd.DataFrame({"b": pd.Series([*new, None])}))
    assert inputs[0, 0] > 0 > inputs[1, 0]
    assert notes == ("column 'b': 1 without a usable value, filled as in training",)


@pytest.mark.parametrize(
    ("learned", "new", "told"),
    [
        (("cat", "dog"), ["dog", "NA", "cow"], "should hold 'cat' or 'dog', .* row 2 has 'cow'"),
        (("cat", "dog"), ["yes"], "row 0 has 'yes'"),
        (("yes", "no"), ["1", "2"], "should hold 'no' or 'yes', as in training, but row 1 has '2'"),
        (("true", "false"), [0.0, 1.0, 0.5], "row 2 has '0.5'"),
    ],
)
def test_what_is_neither_of_two_values_is_refused(learned, new, told):
    preparation = Preparation.fit(pd.DataFrame({"b": learned * 5}))
    with pytest.raises(
        pb.CircuitError, match=f"column 'b' {told if 'should' in told else '.*' + told}"
    ):
        preparation.transform(pd.DataFrame({"b": new}))
