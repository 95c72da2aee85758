"""Every gate's value: that of an independent formula, in both precisions, scalars as arrays."""

import itertools

import numpy as np
import pytest
from tests.gates.cases import ELEMENTWISE, STRUCTURAL, cases
from tests.gates.reference import REFERENCES

import pullback as pb

INF, NAN = np.inf, np.nan
SPECIAL = (
    *(NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0),
    *(1e308, -1e308, 1e-308, 5e-324, 710.0, -746.0, 1e16),
)
# IEEE 754 leaves to the implementation which of 0.0 and -0.0 is the larger.
EITHER_ZERO = {"maximum", "minimum", "clip", "relu"}


def test_every_gate_has_a_reference_and_no_reference_lacks_a_gate():
    assert set(REFERENCES) == set(pb.GATES)


def in_dtype(inputs, dtype):
    return tuple(x.astype(dtype) if np.asarray(x).dtype.kind == "f" else x for x in inputs)


def outputs(made):
    """What a gate makes as a tuple, of one value where it has one output."""
    return made if isinstance(made, tuple) else (made,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", sorted(pb.GATES))
def test_value_is_that_of_the_reference(name, dtype):
    for inputs, static in cases(name):
        xs = in_dtype(inputs, dtype)
        doubles = in_dtype(xs, np.float64)
        with np.errstate(all="ignore"):
            reference = outputs(REFERENCES[name](*doubles, **static))
        for got, wanted in zip(outputs(pb.GATES[name](*xs, **static)), reference, strict=True):
            assert np.shape(got) == np.shape(wanted)
            tolerance = 2e-6 if np.float32 in (dtype, static.get("dtype")) else 1e-13
            np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", sorted(pb.GATES))
def test_value_keeps_the_precision_of_its_inputs(name, dtype):
    for inputs, static in cases(name):
        if "dtype" in static or not any(np.asarray(x).dtype.kind == "f" for x in inputs):
            continue
        for got in map(np.asarray, outputs(pb.GATES[name](*in_dtype(inputs, dtype), **static))):
            if got.dtype.kind == "f":
                assert got.dtype == dtype


@pytest.mark.parametrize("name", sorted(pb.GATES))
def test_a_wire_carries_what_numbers_give(name):
    for inputs, static in cases(name):
        wires = [pb.Unit(x) for x in inputs]
        made = outputs(pb.GATES[name](*wires, **static))
        values = outputs(pb.GATES[name](*inputs, **static))
        for y, value in zip(made, values, strict=True):
            np.testing.assert_array_equal(y.value, value)
            assert y.shape == np.shape(value)
            gate = y.inputs[0] if pb.GATES[name].several else y
            assert gate.gate is pb.GATES[name]
            assert gate.inputs == tuple(wires)
            first = y.value
            np.testing.assert_array_equal(y.forward(), first)


@pytest.mark.parametrize("name", sorted(pb.GATES))
def test_a_gate_leaves_its_inputs_as_they_are(name):
    for inputs, static in cases(name):
        before = [np.array(x) for x in inputs]
        wires = [pb.Unit(x) for x in inputs]
        for y in outputs(pb.GATES[name](*wires, **static)):
            if y.dtype.kind == "f":
                y.backward()
        for x, old in zip(inputs, before, strict=True):
            np.testing.assert_array_equal(x, old)


def choices(name):
    return [(True, False) if span is bool else SPECIAL for span in pb.GATES[name].domain]


def corners(name):
    """Every combination of special values; of three inputs, every seventh."""
    combinations = list(itertools.product(*choices(name)))
    return combinations if len(combinations) < 1000 else combinations[::7]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_python_floats_give_what_arrays_give(name):
    gate = pb.GATES[name]
    corner = corners(name)
    columns = [np.array(column) for column in zip(*corner, strict=True)]
    as_arrays = gate(*columns)
    for inputs, wanted in zip(corner, as_arrays, strict=True):
        got = gate(*inputs)
        assert type(got) is type(wanted.item()), (name, inputs)
        np.testing.assert_allclose(got, wanted, rtol=1e-14, atol=0, err_msg=f"{name}{inputs}")
        if got == 0.0 and name not in EITHER_ZERO:
            assert np.signbit(got) == np.signbit(wanted), (name, inputs)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_special_values_agree_with_the_reference(name):
    corner = corners(name)
    columns = [np.array(column) for column in zip(*corner, strict=True)]
    if name == "clip":  # where the bounds cross, and for nan bounds, NumPy promises nothing
        columns[1:] = [np.minimum(*columns[1:]), np.maximum(*columns[1:])]
    with np.errstate(all="ignore"):
        wanted = REFERENCES[name](*columns)
    np.testing.assert_allclose(pb.GATES[name](*columns), wanted, rtol=1e-14, err_msg=name)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_pulling_on_special_values_gives_scalars_what_it_gives_arrays(name):
    gate = pb.GATES[name]
    if not any(gate.partials):
        return
    corner = corners(name)
    columns = [pb.Unit(np.array(column)) for column in zip(*corner, strict=True)]
    gate(*columns).backward(0.7)
    for k, inputs in enumerate(corner):
        wires = [pb.Unit(x) for x in inputs]
        gate(*wires).backward(0.7)
        for wire, column in zip(wires, columns, strict=True):
            if wire.dtype.kind != "f":
                assert wire.grad is None
                continue
            assert type(wire.grad) is float
            np.testing.assert_allclose(
                wire.grad, column.grad[k], rtol=1e-13, err_msg=f"{name}{inputs}"
            )


@pytest.mark.parametrize("name", STRUCTURAL)
def test_structural_gates_have_samples_with_something_in_them(name):
    assert any(np.size(x) for inputs, _ in cases(name) for x in inputs)


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "tanh", "sigmoid", "softplus", "relu"])
def test_zero_dimensional_arrays_stay_numpy_and_floats_stay_python(name):
    assert type(pb.GATES[name](0.5)) is float
    assert type(pb.GATES[name](pb.Unit(0.5)).value) is float
    value = pb.GATES[name](np.array(0.5, np.float32))
    assert np.shape(value) == ()
    assert value.dtype == np.float32


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "bool"])
@pytest.mark.parametrize(
    "name", ["sigmoid", "softplus", "softmax", "log_softmax", "logsumexp", "var", "centre", "mean"]
)
def test_whole_numbers_do_not_wrap_around(name, dtype):
    x = np.array([[0, 3, 1, 120]]).astype(dtype)
    function = getattr(pb, name)
    for given in (x, pb.Unit(x)):
        y = function(given)
        y = y.value if isinstance(y, pb.Unit) else y
        np.testing.assert_allclose(y, function(x.astype(float)), rtol=1e-12)
