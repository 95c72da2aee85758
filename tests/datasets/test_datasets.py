"""Built-in data and their splits."""

import json

import numpy as np
import pytest

import pullback as pb
from pullback.datasets import DATASETS, load_dataset, load_table
from pullback.datasets.images import PictureSet
from pullback.datasets.speech import SpeechSet
from pullback.datasets.tables import TableSet
from pullback.datasets.texts import TextSet
from pullback.tables import Dataset, Preparation

OTHERS = PictureSet | SpeechSet | TextSet | TableSet  # which are published
TABLES = sorted(name for name, entry in DATASETS.items() if not isinstance(entry, OTHERS))


def test_digits_are_pixels_from_0_to_1():
    digits = load_dataset("digits")
    assert digits.inputs.shape == (1797, 64)
    assert digits.inputs.dtype == np.float32
    assert (digits.inputs.min(), digits.inputs.max()) == (0.0, 1.0)
    assert set(digits.labels) == set(range(10))


def test_a_split_keeps_every_row_once_and_every_class_in_proportion():
    digits = load_dataset("digits")
    parts = digits.split(0.7, 0.1, 0.2, seed=3)
    assert sum(map(len, parts)) == len(digits)
    together = np.concatenate([part.inputs for part in parts])
    np.testing.assert_array_equal(np.sort(together, axis=0), np.sort(digits.inputs, axis=0))
    whole = np.bincount(digits.labels) / len(digits)
    for part in parts:
        np.testing.assert_allclose(np.bincount(part.labels) / len(part), whole, atol=0.01)


def test_a_split_is_fixed_by_its_seed():
    digits = load_dataset("digits")
    a, b, c = (digits.split(0.5, 0.5, seed=s)[0].inputs for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


def test_what_cannot_be_split_is_refused():
    data = Dataset("one", np.zeros((3, 1)), np.array([0, 0, 1]), ("a", "b"))
    with pytest.raises(pb.CircuitError, match="class 'b' has 1 example, and each of"):
        data.split(0.5, 0.5)
    with pytest.raises(pb.CircuitError, match="add up to 1"):
        data.split(0.5, 0.4)
    with pytest.raises(pb.CircuitError, match="2 rows are too few for 3 parts"):
        Dataset("few", np.zeros((2, 1)), np.zeros(2)).split(0.5, 0.3, 0.2)
    with pytest.raises(
        KeyError, match="there is no data set 'digitz'; did you mean 'digits'\\? Built in are "
    ):
        load_dataset("digitz")
    with pytest.raises(
        KeyError, match=r"'nothing like it'\. Built in are breast-cancer, cifar10, ci"
    ):
        load_dataset("nothing like it")
    with pytest.raises(pb.CircuitError, match=r"cannot read digitz\.csv: No such file"):
        load_dataset("digitz.csv")
    with pytest.raises(pb.CircuitError, match="so leave out target, task, kinds"):
        load_dataset("iris", target="species")


@pytest.mark.parametrize("name", TABLES)
def test_every_data_set_goes_the_same_way(name):
    data = load_table(name)
    assert data.name == name
    assert data.source
    parts = data.split(0.7, 0.1, 0.2, seed=1)
    assert sum(map(len, parts)) == len(data)
    for part in parts:
        assert part.inputs.dtype == np.float32
        assert part.inputs.shape == (len(part), len(part.features))
        assert np.isfinite(part.inputs).all()
        assert part.task == data.task == part.preparation.target.task
        assert part.classes == data.classes == part.preparation.target.classes
    preparation = parts[0].preparation
    assert Preparation.from_json_dict(json.loads(json.dumps(preparation.to_json_dict()))) == (
        preparation
    )
    (again, *_) = load_dataset(name).split(0.7, 0.1, 0.2, seed=1)
    np.testing.assert_array_equal(again.inputs, parts[0].inputs)


@pytest.mark.parametrize(
    ("name", "rows", "columns", "classes"),
    [
        ("iris", 150, 4, 3),
        ("wine", 178, 13, 3),
        ("breast-cancer", 569, 30, 2),
        ("diabetes", 442, 10, 0),
        ("circles", 600, 2, 2),
        ("moons", 600, 2, 2),
        ("spiral", 600, 2, 3),
    ],
)
def test_the_sizes_of_the_tables(name, rows, columns, classes):
    data = load_dataset(name)
    assert (len(data), len(data.columns), len(data.classes)) == (rows, columns, classes)


def test_digits_are_prepared_from_pixels_as_they_are():
    import pandas as pd
    from sklearn.datasets import load_digits

    digits = load_dataset("digits")
    pixels = pd.DataFrame(load_digits().data, columns=digits.features)
    np.testing.assert_array_equal(digits.preparation.transform(pixels)[0], digits.inputs)


def test_the_arms_of_the_spiral_turn_alike():
    data = load_dataset("spiral")
    points = data.frame[["x", "y"]].to_numpy().reshape(3, 200, 2)
    radius = np.linalg.norm(points, axis=2)
    np.testing.assert_allclose(radius, np.tile(np.linspace(0, 1, 200), (3, 1)), atol=1e-12)
