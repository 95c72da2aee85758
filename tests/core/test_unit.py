"""Wires: what may go on them, what they are called, what Python's and NumPy's operators do."""

import inspect
import warnings
from pathlib import Path

import numpy as np
import pytest

import pullback as pb

HERE = Path(__file__)


def line():
    """The line that calls this function."""
    return inspect.currentframe().f_back.f_lineno


# Values ------------------------------------------------------------------------------------------


def test_numbers_become_floats_and_lists_arrays_of_doubles():
    for number in (3, 3.0, np.float64(3.0).item()):
        x = pb.Unit(number)
        assert type(x.value) is float
        assert (x.shape, x.dtype, x.ndim, x.size) == ((), np.float64, 0, 1)
    x = pb.Unit([[1, 2, 3], [4, 5, 6]])
    assert (x.shape, x.dtype, x.ndim, x.size) == ((2, 3), np.float64, 2, 6)
    assert pb.Unit(range(3)).dtype == np.float64
    assert pb.Unit((1, 2)).dtype == np.float64


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i4", "i8", "u1", "u4", "?"])
def test_arrays_and_numpy_scalars_keep_their_dtype(dtype):
    for value in (np.ones(3, dtype), np.ones((), dtype), np.ones(1, dtype)[0]):
        x = pb.Unit(value)
        assert x.dtype == np.dtype(dtype)
        assert x.shape == np.shape(value)


def test_truth_values_stay_truth_values():
    assert pb.Unit(True).value is True
    assert pb.Unit([True, False]).dtype == bool
    assert pb.Unit(True).dtype == bool


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("3", "must be a real number or an array of them, got str"),
        (b"3", "got bytes"),
        (None, "got NoneType"),
        (1j, "got complex"),
        ({"a": 1.0}, "got dict"),
        ({1.0}, "got set"),
        (lambda: 1.0, "got function"),
        (np.array([1j]), "must hold real numbers, got an array of complex128"),
        (np.complex64(1.0), "got an array of complex64"),
        (np.array(["a"]), "must hold real numbers"),
        (["a", "b"], "must hold real numbers"),
        ([None], "must hold real numbers, got an array of object"),
        (np.array([1.0], object), "must hold real numbers, got an array of object"),
        (np.array(["2020-01-01"], "datetime64[D]"), "must hold real numbers"),
        ([[1.0], [1.0, 2.0]], "is a ragged list; rows must have equal lengths"),
        (10**400, "too large"),
    ],
)
def test_what_is_no_real_number_is_refused_by_name(value, message):
    with pytest.raises(pb.CircuitError, match=message):
        pb.Unit(value)
    with pytest.raises(pb.CircuitError, match=f"'speed'.*{message}"):
        pb.Unit(value, "speed")
    x = pb.Unit(1.0, "x")
    with pytest.raises(pb.CircuitError, match=f"'x'.*{message}"):
        x.value = value
    assert x.value == 1.0
    with pytest.raises(pb.CircuitError, match=f"an input of add.*{message}"):
        x + value


def test_a_wire_is_no_value():
    x = pb.Unit(1.0, "x")
    with pytest.raises(pb.CircuitError, match="'x' is a wire already"):
        pb.Unit(x)
    with pytest.raises(pb.CircuitError, match="got Unit"):
        x.value = pb.Unit(2.0)
    with pytest.raises(pb.CircuitError, match=r"a list of wires; join them with pb\.stack"):
        pb.Unit([x, x])
    with pytest.raises(TypeError, match=r"leave out np\.asarray and float, and write np\.exp"):
        np.sin(np.asarray(x))
    with pytest.raises(pb.CircuitError, match="a wire's name must be a text, got 5"):
        pb.Unit(1.0, 5)


def test_a_source_does_not_share_memory_with_anyone():
    a = np.ones(3)
    x = pb.Unit(a)
    y = (x * x).sum()
    a[:] = 5.0
    assert y.forward() == 3.0
    x.value = a
    a[:] = 7.0
    assert y.forward() == 75.0
    z = (x * a).sum()  # nor does a constant
    a[:] = 0.0
    assert z.forward() == 105.0


def test_setting_a_source_keeps_its_shape_and_dtype():
    x = pb.Unit(1.0, "x")
    for value in (2, 2.0, np.float64(2.0), np.float32(2.0), np.array(2.0)):
        x.value = value
        assert type(x.value) is float
        assert x.value == 2.0
    w = pb.Unit(np.zeros(2, np.float32), "w")
    w.value = [1, 2]
    assert w.dtype == np.float32
    np.testing.assert_array_equal(w.value, [1.0, 2.0])
    labels = pb.Unit(np.array([0, 1]), "labels")
    labels.value = [1, 1]
    assert labels.dtype == np.array([0]).dtype
    flag = pb.Unit(True)
    flag.value = 0
    assert flag.value is False


def test_a_value_of_another_shape_or_kind_is_refused():
    x, w = pb.Unit(1.0, "x"), pb.Unit([1.0, 2.0], "w")
    with pytest.raises(pb.CircuitError, match=r"'w' has shape \(2,\), got \(3,\).*fixed"):
        w.value = [1.0, 2.0, 3.0]
    with pytest.raises(pb.CircuitError, match=r"'x' has shape \(\), got \(1,\)"):
        x.value = [1.0]
    with pytest.raises(pb.CircuitError, match=r"'w' has shape \(2,\), got \(\)"):
        w.value = 1.0
    labels = pb.Unit(np.array([0, 1]), "labels")
    with pytest.raises(pb.CircuitError, match="'labels' carries int64 values"):
        labels.value = [0.5, 1.0]
    with pytest.raises(pb.CircuitError, match="'labels' carries int64 values"):
        labels.value = [np.nan, 1.0]
    with pytest.raises(pb.CircuitError, match="carries bool values"):
        pb.Unit(True).value = 0.5
    np.testing.assert_array_equal(labels.value, [0, 1])


def test_a_double_too_large_for_single_precision_becomes_infinite_without_a_warning():
    w = pb.Unit(np.zeros(1, np.float32))
    w.value = [1e300]
    assert w.value[0] == np.inf


def test_nan_and_infinity_are_real_numbers():
    x = pb.Unit(np.nan)
    x.value = -np.inf
    assert x.value == -np.inf


def test_only_sources_can_be_set():
    x = pb.Unit(1.0, "x")
    y = (x * 2.0).named("y")
    with pytest.raises(pb.CircuitError, match="'y' gets its value from its gate"):
        y.value = 3.0
    c = pb.constant(3.0)
    with pytest.raises(pb.CircuitError, match="gets its value from its gate"):
        c.value = 4.0
    assert c.is_constant
    assert not x.is_constant
    assert not y.is_constant


# Names, labels, places ---------------------------------------------------------------------------


def test_names():
    x, y = pb.units(x=1.0, y=[2.0])
    assert (x.name, y.name) == ("x", "y")
    q = x * y
    assert q.name is None
    assert q.named("q") is q
    assert q.name == "q"
    assert pb.Unit(1.0).name is None
    assert pb.units() == ()


def test_a_wire_knows_the_line_that_made_it():
    x, at_x = pb.Unit(1.0), line()
    y, at_y = pb.relu(x * 2.0), line()
    z, at_z = pb.mean(pb.Unit([1.0]) @ pb.Unit([2.0])), line()
    assert x.where == f"{HERE}:{at_x}"
    assert y.where == f"{HERE}:{at_y}"
    assert y.inputs[0].where == f"{HERE}:{at_y}"
    assert z.where == f"{HERE}:{at_z}"
    assert x.label == f"an unnamed source ({HERE}:{at_x})"
    assert y.label == f"the wire from 'relu' ({HERE}:{at_y})"
    assert y.named("h").label == "'h'"
    (named,) = pb.units(a=1.0)
    assert named.where == f"{HERE}:{line() - 1}"


def test_a_gradient_is_made_where_it_was_asked_for():
    x = pb.Unit(3.0)
    dx, at = pb.gradient(x * x, x), line()
    assert dx.where == f"{HERE}:{at}"


def test_an_expression_over_several_lines_names_the_line_of_each_gate():
    x = pb.Unit(1.0)
    start = line()
    y = pb.exp(
        pb.sin(x)  # two lines below
    )
    assert y.inputs[0].where == f"{HERE}:{start + 2}"


def test_reprs():
    x = pb.Unit(3.0, "x")
    y = x * x
    assert repr(x) == "Unit('x', value=3.0)"
    assert repr(y) == "Unit(value=9.0, gate='multiply')"
    y.backward()
    assert repr(x) == "Unit('x', value=3.0, grad=6.0)"
    assert repr(y.named("y")) == "Unit('y', value=9.0, grad=1.0, gate='multiply')"
    assert repr(pb.Unit([1.0])) == "Unit(value=array([1.]))"


# Python's operators ------------------------------------------------------------------------------

OPERATORS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "power": lambda a, b: a**b,
    "less": lambda a, b: a < b,
    "less_equal": lambda a, b: a <= b,
    "greater": lambda a, b: a > b,
    "greater_equal": lambda a, b: a >= b,
}
OPERANDS = [2.0, 3, np.float64(2.0), np.float32(2.0), np.array([1.0, 2.0]), np.array(2.0), [2, 3]]


@pytest.mark.parametrize("other", OPERANDS, ids=repr)
@pytest.mark.parametrize("name", OPERATORS)
def test_operators_with_numbers_and_arrays_on_either_side(name, other):
    operator = OPERATORS[name]
    for value in (3.0, np.array([0.5, 3.0])):
        x = pb.Unit(value)
        number = np.asarray(other, getattr(other, "dtype", float))
        right, left = operator(x, other), operator(other, x)
        assert type(right) is type(left) is pb.Unit
        np.testing.assert_allclose(right.value, operator(np.asarray(value), number))
        np.testing.assert_allclose(left.value, operator(number, np.asarray(value)))
        assert right.gate is pb.GATES[name]


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_between_wires(name):
    a, b = pb.Unit(3.0), pb.Unit(2.0)
    y = OPERATORS[name](a, b)
    assert y.gate is pb.GATES[name]
    assert y.inputs == (a, b)
    assert y.value == OPERATORS[name](3.0, 2.0)


def test_unary_operators_and_matrix_products():
    x = pb.Unit([[1.0, -2.0]])
    assert (+x) is x
    np.testing.assert_array_equal((-x).value, [[-1.0, 2.0]])
    np.testing.assert_array_equal(abs(x).value, [[1.0, 2.0]])
    np.testing.assert_array_equal((x @ x.T).value, [[5.0]])
    np.testing.assert_array_equal((x.value @ x.T).value, [[5.0]])
    np.testing.assert_array_equal((x @ [1.0, 1.0]).value, [-1.0])
    np.testing.assert_array_equal(x.sum(axis=1, keepdims=True).value, [[-1.0]])
    np.testing.assert_array_equal(x.mean(axis=1).value, [-0.5])
    np.testing.assert_array_equal(x.reshape(2).value, [1.0, -2.0])


def test_an_array_on_the_left_is_one_gate_not_many():
    x = pb.Unit([1.0, 2.0])
    y = np.array([3.0, 4.0]) * x
    assert type(y) is pb.Unit
    assert y.gate is pb.GATES["multiply"]
    np.testing.assert_array_equal(y.value, [3.0, 8.0])
    y = np.ones((2, 2)) @ x
    np.testing.assert_array_equal(y.value, [3.0, 3.0])
    assert type(np.float32(2.0) * x) is pb.Unit


def test_augmented_assignment_makes_a_new_wire():
    x = pb.Unit(1.0)
    y = x
    y += 2.0
    assert x.value == 1.0
    assert y.value == 3.0
    assert y is not x


def test_equality_is_identity_so_that_wires_are_keys():
    a, b = pb.Unit(1.0), pb.Unit(1.0)
    assert a == a
    assert a != b
    assert len({a, b, a}) == 2
    assert {a: 1, b: 2}[b] == 2
    assert pb.equal(a, b).value is True


def test_a_wire_has_no_truth_value():
    x, y = pb.units(x=1.0, y=2.0)
    with pytest.raises(TypeError, match=r"whether 'x' is true .* pb\.where"):
        bool(x)
    with pytest.raises(TypeError, match=r"pb\.where"):
        max(x, y)
    with pytest.raises(TypeError, match=r"the wire from 'less'"):
        assert x < y
    with pytest.raises(TypeError):
        _ = 0.0 < x < 2.0


def test_length_iteration_and_unpacking():
    x = pb.Unit([[1.0, 2.0], [3.0, 4.0]], "x")
    assert len(x) == 2
    rows = list(x)
    assert [type(row) for row in rows] == [pb.Unit, pb.Unit]
    np.testing.assert_array_equal(rows[1].value, [3.0, 4.0])
    (a, b), _ = x
    (a * b).backward()
    np.testing.assert_array_equal(x.grad, [[2.0, 1.0], [0.0, 0.0]])
    with pytest.raises(TypeError, match="'s' is a single number and has no length"):
        len(pb.Unit(1.0, "s"))
    with pytest.raises(TypeError, match="has no length"):
        iter(pb.Unit(1.0))
    assert len(pb.Unit(np.zeros((0, 2)))) == 0
    assert list(pb.Unit(np.zeros(0))) == []


def test_wires_have_no_other_attributes():
    with pytest.raises(AttributeError):
        pb.Unit(1.0).vlaue = 2.0


def test_no_operator_warns_where_ieee_arithmetic_has_an_answer():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for one, zero in [(1.0, 0.0), (np.ones(2), np.zeros(2)), (np.float32(1), np.float32(0))]:
            a, b = pb.Unit(one), pb.Unit(zero)
            for y in (a / b, -a / b, b / b, pb.log(b), pb.exp(a * 1e4), b ** (-a), (-a) ** 0.5):
                y.backward()
                y.forward()
                pb.gradient(y, [a, b])


# Scopes ------------------------------------------------------------------------------------------


def test_scopes_nest_and_end():
    outside = pb.Unit(1.0)
    with pb.scope("model"):
        x = pb.Unit(1.0)
        with pb.scope("dense1"):
            y = x * 2.0
            with pb.scope(""):
                same = y + 1.0
        z = y + x
    after = z * z
    wires = (outside, x, y, same, z, after)
    found = [unit.scope for unit in wires]
    assert found == ["", "model", "model/dense1", "model/dense1", "model", ""]


def test_a_scope_ends_with_an_error_too():
    with pytest.raises(ZeroDivisionError), pb.scope("model"):
        _ = 1 / 0
    assert pb.Unit(1.0).scope == ""


def test_gradients_stand_in_the_scope_of_what_they_are_of():
    x = pb.Unit(2.0)
    with pb.scope("square"):
        y = x * x * x
    wires = pb.Circuit(pb.gradient(y, x)).gates
    assert "∂square" in {unit.scope for unit in wires}
    with pb.scope("step"):
        dx = pb.gradient(y, x)
    assert dx.scope == "step/∂square"


def test_masked_elements_are_refused_and_a_matrix_is_an_array():
    masked = np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])
    for take in (pb.Unit, pb.sin, lambda x: pb.Unit(1.0) + x, pb.Sequential(pb.ReLU()).predict):
        with pytest.raises(pb.CircuitError, match="masked elements among"):
            take(masked)
    assert pb.Unit(np.ma.array([1.0, 2.0])).value.tolist() == [1.0, 2.0]
    with warnings.catch_warnings(action="ignore", category=PendingDeprecationWarning):
        matrix = pb.Unit(np.matrix([[1.0, 2.0], [3.0, 4.0]]))
    assert type(matrix.value) is np.ndarray
    assert (matrix * matrix).value.tolist() == [[1.0, 4.0], [9.0, 16.0]]
