"""Declaring gates of one's own, the registry, and errors that name gate, wires and shapes."""

import difflib
import inspect

import numpy as np
import pytest

import pullback as pb
from pullback.core.registry import Registry
from pullback.program.patterns import number_on


def own(**declared):
    """A decorator that makes a gate which no registry keeps."""
    return pb.gate(registry=None, **declared)


def test_a_gate_of_ones_own_works_like_any_other():
    @own(partials=(lambda y, x: 3.0 * x * x,))
    def cube(m, x):
        """x cubed."""
        return m.multiply(m.multiply(x, x), x)

    x = pb.Unit(2.0, "x")
    y = cube(x)
    y.backward()
    assert (y.value, x.grad) == (8.0, 12.0)
    assert pb.gradient(pb.gradient(y, x), x).value == 12.0
    assert cube(3.0) == 27.0
    np.testing.assert_array_equal(cube([1.0, 2.0]), [1.0, 8.0])
    assert y.gate is cube.gate
    assert cube.gate.name == "cube"
    assert cube.gate.elementwise
    assert cube.gate.domain == ((-2.0, 2.0),)
    assert cube.__name__ == "cube"
    assert cube.__doc__ == "x cubed."
    assert list(inspect.signature(cube).parameters) == ["x"]
    assert "cube" not in pb.GATES


def test_a_structural_gate_of_ones_own():
    @own(pullback=(lambda g, y, x, *, times: pb.sum(pb.reshape(g, (times, *x.shape)), axis=0),))
    def repeat(m, x, *, times):
        return m.concatenate([x] * times)

    x = pb.Unit([1.0, 2.0])
    y = repeat(x, times=3)
    assert y.shape == (6,)
    assert dict(y.static) == {"times": 3}
    y.backward(np.arange(6.0))
    np.testing.assert_array_equal(x.grad, [6.0, 9.0])
    np.testing.assert_array_equal(pb.gradient(y, x, np.arange(6.0)).value, [6.0, 9.0])
    assert not repeat.gate.elementwise


def test_a_gate_of_any_number_of_inputs():
    @own(pullback=lambda i: lambda g, y, *xs: g * float(i))
    def weighted(m, *xs):
        return sum(i * x for i, x in enumerate(xs))

    xs = pb.units(a=1.0, b=1.0, c=1.0)
    y = weighted(*xs)
    y.backward()
    assert float(y.value) == 3.0
    assert [x.grad for x in xs] == [0.0, 1.0, 2.0]


def test_a_gate_declares_either_partials_or_a_pullback():
    for declared in ({}, {"partials": (None,), "pullback": (None,)}):
        with pytest.raises(pb.CircuitError, match="'strange' must declare either partials"):
            pb.gate(**declared, name="strange", registry=None)(lambda m, x: x)


def test_a_registered_gate_is_found_by_name_and_its_name_is_taken():
    registry = Registry("gate")
    triple = pb.gate(partials=(lambda y, x: 3.0,), registry=registry)(lambda m, x: 3.0 * x)
    assert list(registry) == ["<lambda>"]
    named = pb.gate(partials=(lambda y, x: 3.0,), name="triple", registry=registry)
    function = named(lambda m, x: 3.0 * x)
    assert registry["triple"] is function.gate
    assert triple.gate is not function.gate
    with pytest.raises(ValueError, match="there is already a gate named 'triple'"):
        named(lambda m, x: 3.0 * x)


def test_an_unknown_gate_is_answered_with_the_nearest_name():
    with pytest.raises(KeyError, match="there is no gate 'sigmod'; did you mean 'sigmoid'"):
        pb.GATES["sigmod"]
    far = "qqqqqq"
    assert not difflib.get_close_matches(far, pb.GATES)
    with pytest.raises(KeyError, match=r"there are: .*matmul"):
        pb.GATES[far]


def test_names_of_the_registry_are_those_of_the_gates():
    for name, gate in pb.GATES.items():
        assert gate.name == name


def test_errors_name_the_gate_the_wires_and_their_shapes():
    a, b = pb.Unit(np.ones(2), "a"), pb.Unit(np.ones(3), "b")
    with pytest.raises(pb.CircuitError, match=r"add cannot take 'a' of shape \(2,\) and 'b' of"):
        a + b
    with pytest.raises(pb.CircuitError, match=r"multiply cannot take 'a' of .* and a constant of"):
        a * np.ones(3)
    with pytest.raises(
        pb.CircuitError, match=r"concatenate cannot take the wire from 'add' \(.*test_gate.py:\d+\)"
    ):
        pb.concatenate([a + 1.0, np.ones((2, 2))])
    with pytest.raises(pb.CircuitError, match="subtract cannot take"):
        pb.subtract(np.array([True]), np.array([True]))
    with pytest.raises(pb.CircuitError, match="an input of add must be a real number"):
        a + "one"


def test_an_error_at_forward_names_the_gate_too():
    table, rows = pb.Unit(np.ones((3, 2)), "table"), pb.Unit(np.array([0, 2]), "rows")
    y = pb.take(table, rows)
    rows.value = [0, 7]
    with pytest.raises(pb.CircuitError, match=r"take cannot take 'table' of .*'rows' of shape"):
        y.forward()


def test_numbers_in_numbers_out_wires_in_a_wire_out():
    assert type(pb.add(1.0, 2.0)) is float
    assert type(pb.add(1, 2)) is float
    assert type(pb.add(np.ones(2), 1.0)) is np.ndarray
    assert type(pb.add(pb.Unit(1.0), 2.0)) is pb.Unit
    assert type(pb.add(1.0, pb.Unit(2.0))) is pb.Unit
    assert type(pb.sum(2.0)) is float


def test_a_constant_among_wires_is_a_wire_and_one_alone_folds():
    x = pb.Unit(2.0)
    y = x * 3.0
    left, right = y.inputs
    assert left is x
    assert right.is_constant
    assert right.value == 3.0
    c = pb.constant(3.0)
    assert (x * c).inputs[1] is c
    assert (c * 2.0 + c).is_constant
    with pytest.raises(pb.CircuitError, match="a constant must be a real number"):
        pb.constant("3")
    with pytest.raises(pb.CircuitError):
        pb.constant(x)


def test_changing_the_list_that_made_a_wire_changes_nothing():
    numbers = [1.0, 2.0]
    x = pb.Unit(numbers)
    numbers[0] = 5.0
    np.testing.assert_array_equal(x.value, [1.0, 2.0])


def test_a_gate_with_other_than_one_rule_for_each_input_is_refused():
    with pytest.raises(pb.CircuitError, match="takes 2 inputs but declares 1 rules"):
        pb.gate(partials=(lambda y, a, b: b,), name="half")(lambda m, a, b: a * b)
    with pytest.raises(pb.CircuitError, match="takes 1 inputs but declares 2 rules"):
        pb.gate(partials=(None, None), name="twice")(lambda m, a: a)
    with pytest.raises(pb.CircuitError, match=r"@gate\(partials="):
        pb.gate(lambda m, x: x)


def test_a_users_gate_can_be_declared_again():
    for slope in (2.0, 3.0):
        cube = pb.gate(partials=(lambda y, x, s=slope: s * x * x,), name="cube")(lambda m, x: x**3)
        x = pb.Unit(1.0)
        cube(x).backward()
        assert x.grad == slope
    assert "cube" not in pb.GATES


@pytest.mark.parametrize("result", ["a", None, 1j])
def test_a_value_that_is_no_number_is_refused(result):
    wrong = pb.gate(partials=(lambda y, x: 1.0,), name="wrong")(lambda m, x: result)
    for x in (pb.Unit(1.0), pb.Unit([1.0])):
        with pytest.raises(pb.CircuitError, match="gate 'wrong' made a"):
            wrong(x)
    with pytest.raises(TypeError, match="sin takes 1 inputs, got 2"):
        pb.sin(1.0, 2.0)


def test_a_constant_that_is_broadcast_takes_no_memory():
    huge = pb.constant(np.broadcast_to(np.float32(2.0), (10**6, 10**6)))
    same = pb.broadcast_to(pb.transpose(huge), (3, 10**6, 10**6))
    for unit in (huge, same):
        assert unit.is_constant
        assert unit.value.strides == (0,) * unit.ndim
        assert number_on(unit) == 2.0
    rows = pb.constant(np.broadcast_to([1.0, 2.0], (3, 2)))
    assert number_on(rows) is None
    np.testing.assert_array_equal((rows * 2.0).value, [[2.0, 4.0]] * 3)
    assert number_on(pb.constant(np.zeros((0, 3)))) is None


def test_a_constant_keeps_what_its_array_was():
    given = np.ones((2, 1))
    made = pb.constant(np.broadcast_to(given, (2, 3)))
    given[:] = 5.0
    np.testing.assert_array_equal(made.value, np.ones((2, 3)))
    with pytest.raises(ValueError, match="read-only"):
        made.value[0, 0] = 2.0
