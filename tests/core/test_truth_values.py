"""Arithmetic of truth values is NumPy's: for one of them as for many, and in native code."""

import operator

import numpy as np
import pytest

import pullback as pb

TWO = {"+": operator.add, "*": operator.mul, "/": operator.truediv, "<": operator.lt}
ONE = {
    "abs": abs,
    "b * 2": lambda b: b * 2.0,
    "b + 1": lambda b: b + 1.0,
    "b ** 2": lambda b: b**2.0,
    "1 - b": lambda b: 1.0 - b,
}


def wires():
    """One truth value, both ways, and several; as a wire and as NumPy has it."""
    yield pb.Unit(2.0) < 3.0, np.True_
    yield pb.Unit(2.0) > 3.0, np.False_
    yield pb.Unit(np.array([2.0, 4.0])) < 3.0, np.array([True, False])


@pytest.mark.parametrize("what", [*TWO, *ONE])
def test_arithmetic_is_numpys(what):
    for b, theirs in wires():
        with np.errstate(all="ignore"):
            y = TWO[what](b, b) if what in TWO else ONE[what](b)
            wanted = TWO[what](theirs, theirs) if what in TWO else ONE[what](theirs)
        assert y.dtype == wanted.dtype
        np.testing.assert_array_equal(y.value, wanted)
        assert type(y.value) in (float, bool, np.ndarray)


def test_native_code_computes_the_same():
    outputs = {}
    for k, (b, _) in enumerate(wires()):
        made = {"+": b + b, "*": b * 2.0, "abs": abs(b), "exp": pb.exp(b), "relu": pb.relu(b)}
        made |= {"sigmoid": pb.sigmoid(b), "softplus": pb.softplus(b)}
        outputs |= {f"{name}{k}": y for name, y in made.items()}
    got = pb.prepare("native", pb.Program({}, outputs, {}))()
    for name, y in outputs.items():
        np.testing.assert_allclose(got[name], y.value, rtol=1e-15, err_msg=name)


@pytest.mark.parametrize("make", [lambda b: b - b, lambda b: -b, pb.sign])
def test_what_numpy_refuses_is_refused(make):
    for b, _ in wires():
        with pytest.raises(pb.CircuitError, match=r"cannot take the wire from '(less|greater)'"):
            make(b)


@pytest.mark.parametrize("name", ["exp", "expm1", "log1p", "sqrt", "sin", "cos", "tanh", "erf"])
@pytest.mark.parametrize("dtype", ["b1", "i1", "i4", "i8"])
def test_functions_of_whole_numbers_are_doubles(name, dtype):
    x = np.array([0, 1, 1], dtype)
    y = getattr(pb, name)(pb.Unit(x))
    assert y.dtype == np.float64
    np.testing.assert_allclose(y.value, getattr(pb, name)(x.astype(float)), rtol=1e-15)


def test_a_choice_of_one_truth_value_is_a_number():
    b = pb.Unit(2.0) < 3.0
    assert pb.where(b, b, 2.0).value == 1.0
    assert type(pb.maximum(b, 0.0).value) is type(pb.where(b, 1.0, 2.0).value) is float
    assert pb.stop_gradient(b).value is True
    assert pb.logical_and(b, pb.logical_not(b)).value is False
