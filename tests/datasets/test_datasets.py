"""Built-in data and their splits."""

import numpy as np
import pytest

import pullback as pb
from pullback.datasets import Dataset, load_dataset


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
    with pytest.raises(pb.CircuitError, match="class 'b' has 1 rows"):
        data.split(0.5, 0.5)
    with pytest.raises(pb.CircuitError, match="add up to 1"):
        data.split(0.5, 0.4)
    with pytest.raises(KeyError, match="there is no data set 'digitz'; did you mean 'digits'"):
        load_dataset("digitz")
