"""Labels of every kind are classes or quantities, and those that are missing are known."""

import numpy as np
import pandas as pd
import pytest

from pullback.core.errors import CircuitError
from pullback.maps.labels import FEW, Classes, Quantities, understood

CLASSES = {
    "texts": (["b", "a", "b"], ("a", "b"), [1, 0, 1]),
    "numbers in texts": (["x10", "x9", "y"], ("x9", "x10", "y"), [1, 0, 2]),
    "whole numbers": ([10, -2, 10], ("-2", "10"), [1, 0, 1]),
    "array": (np.array([3, 1], np.uint8), ("1", "3"), [1, 0]),
    "whole floats": ([2.0, 1.0, None], ("1", "2"), [1, 0, -1]),
    "truth": ([True, False, True], ("False", "True"), [1, 0, 1]),
    "mixed": (["a", 1, None], ("1", "a"), [1, 0, -1]),
    "none of all": ([None, float("nan")], (), [-1, -1]),
    "one": (["only"], ("only",), [0]),
    "empty text": (["", "a"], ("", "a"), [0, 1]),
    "missing": (["a", None, np.nan, pd.NA, pd.NaT], ("a",), [0, -1, -1, -1, -1]),
    "categories": (pd.Categorical(["x", "z", None], ["z", "y", "x"]), ("z", "x"), [1, 0, -1]),
    "a column": (pd.Series(["x", "z"], dtype="category", index=[5, 7]), ("x", "z"), [0, 1]),
    "a column of an array": (np.array([[3], [1], [3]]), ("1", "3"), [1, 0, 1]),
    "a table of one column": (pd.DataFrame({"kind": ["b", "a"]}), ("a", "b"), [1, 0]),
    "bytes": (np.array([b"b", b"a"]), ("a", "b"), [1, 0]),
    "keys": ([2**60, 2**60 + 1, None], (str(2**60), str(2**60 + 1)), [0, 1, -1]),
    "larger ones": ([10**400, 1], (str(10**400), "1"), [0, 1]),
    "complex": ([1j, 2j], ("1j", "2j"), [0, 1]),
    "strings": (np.array(["b", "a"]), ("a", "b"), [1, 0]),
}


@pytest.mark.parametrize("case", CLASSES)
def test_classes(case):
    labels, names, codes = CLASSES[case]
    found = understood(labels)
    assert isinstance(found, Classes)
    assert found.names == names
    assert found.codes.tolist() == codes


def test_quantities():
    assert isinstance(understood([1e300, 2e300]), Quantities)
    for labels in ([0.5, None, 2.0], np.array([0.5, np.nan, 2.0], np.float32)):
        found = understood(labels)
        assert isinstance(found, Quantities)
        np.testing.assert_array_equal(found.values, [0.5, np.nan, 2.0])
        assert found.ends == (0.5, 2.0)


def test_many_whole_numbers_are_a_quantity():
    assert isinstance(understood(range(FEW)), Classes)
    assert isinstance(understood(range(FEW + 1)), Quantities)
    assert isinstance(understood([str(k) for k in range(FEW + 1)]), Classes)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.eye(4), r"labels are one for each point, got \(4, 4\); choose a column"),
        (pd.DataFrame({"a": [1, 2], "b": [3, 4]}), r"got \(2, 2\); choose a column"),
        ([np.arange(2), np.arange(2)], "a label is a text or a number, got array"),
        ("ab", "got the text 'ab'"),
    ],
    ids=["one-hot", "table", "arrays", "text"],
)
def test_what_are_no_labels_is_refused(labels, message):
    with pytest.raises(CircuitError, match=message):
        understood(labels)
