"""Trees of numbers, texts and arrays come back to the bit; what is no such is refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullback.core.errors import CircuitError
from pullback.core.tree import read, written

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from([np.zeros((0, 3)), np.arange(4, dtype=np.int8), np.full((), 0.1, np.float32)]),
)
NAMES = st.text(max_size=4).filter(lambda name: name[:1] != "$")
TREES = st.recursive(
    LEAVES, lambda x: st.lists(x, max_size=3) | st.dictionaries(NAMES, x, max_size=3), max_leaves=9
)


def assert_same(one, other):
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other, strict=True)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for name in one:
            assert_same(one[name], other[name])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    else:
        assert one == other or (math.isnan(one) and math.isnan(other))
        assert not isinstance(one, float) or math.copysign(1.0, one) == math.copysign(1.0, other)


@settings(max_examples=100, deadline=None)
@given(TREES)
def test_a_tree_comes_back(tree):
    text, arrays = written({"top": tree})
    assert_same({"top": tree}, read(text, arrays))


def test_arrays_of_one_path_stay_apart():
    """A name may hold what stands between names."""
    tree = {"a/b": np.zeros(1), "a": {"b": np.ones(2)}}
    assert_same(tree, read(*written(tree)))


def test_numbers_of_numpy_are_numbers():
    assert read(*written([np.float32(0.5), np.int64(3), (1, 2)])) == [0.5, 3, [1, 2]]


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"a": [object()]}, "a/0 cannot be written down: it is a object"),
        (np.array(["x"]), "it cannot be written down"),
        ({1: 2}, "it is a dict"),
        ({"$array": 2}, "it is a dict"),
        ({"s": {1.0}}, "s cannot be written down: it is a set"),
    ],
)
def test_what_cannot_be_written_is_named(tree, message):
    with pytest.raises(CircuitError, match=message):
        written(tree)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "NaN",
        "[Infinity]",
        '{"a": 1, "a": 2}',
        '{"$array": "none"}',
        '{"$array": ["x"]}',
        '{"$array": "x", "b": 1}',
        '{"$float": "3"}',
        '{"$float": {}}',
        '{"$other": 1}',
        "[" * 100_000,
        "9" * 10_000,
        '[{"$array": "x"}, {"$array": "x"}]',
    ],
)
def test_hostile_texts_are_refused(text):
    with pytest.raises(CircuitError):
        read(text, {"x": np.zeros(1)})
