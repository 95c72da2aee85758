"""What is no finite number is found, and named by its wire or its row."""

import numpy as np
import pytest

import pullback as pb
from pullback.core.finite import first_not_finite, is_finite, refuse_not_finite, refuse_outputs


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_one_odd_number_among_many_is_found(dtype, odd):
    x = np.full((7, 5), np.finfo(dtype).max, dtype)  # finite, though the sum of them is not
    assert is_finite(x)
    x[3, 2] = odd
    assert not is_finite(x)


def test_opposite_infinities_do_not_cancel():
    assert not is_finite(np.array([np.inf, -np.inf]))


@pytest.mark.parametrize("value", [np.zeros((0, 3)), np.array([1, 2]), True, 0.0])
def test_what_has_no_odd_number_is_finite(value):
    assert is_finite(value)


def test_the_first_wire_is_named_with_what_it_holds():
    wires = {"a": pb.Unit([1.0]), "b": pb.Unit([1.0, -np.inf, np.nan]), "c": pb.Unit(np.nan)}
    assert first_not_finite(wires) == "b"
    with pytest.raises(pb.CircuitError, match="the model is not finite: 'b' holds -inf"):
        refuse_not_finite(wires)
    refuse_not_finite({"a": wires["a"]})


def test_a_row_is_named_and_whose_fault_it_is():
    y, x = np.zeros((4, 2)), np.zeros((4, 3))
    refuse_outputs([y], [x])
    y[2, 1] = np.inf
    with pytest.raises(pb.CircuitError, match="answers row 2 by inf: its inputs lead beyond"):
        refuse_outputs([np.zeros((4, 1)), y], [x])
    x[2, 0] = np.nan
    with pytest.raises(pb.CircuitError, match="the inputs of row 2 are not finite"):
        refuse_outputs([y], [x])
