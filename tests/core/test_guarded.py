"""A wire's value leaves only as `.value`, and what is handed out or taken in is nobody else's."""

import cmath
import fractions
import json
import math
import operator
import statistics
import struct

import numpy as np
import pandas as pd
import pytest

import pullback as pb
from pullback.engines.prepare import prepare
from pullback.program.program import Program

CURES = r"np\.exp or pb\.exp for math\.exp.*pb\.stack or pb\.concatenate.*its \.value"

# Becoming a plain number -------------------------------------------------------------------------

CONVERSIONS = {
    "float": float,
    "int": int,
    "complex": complex,
    "index": operator.index,
    "round": round,
    "round to digits": lambda x: round(x, 2),
    "floor": math.floor,
    "ceil": math.ceil,
    "trunc": math.trunc,
    "math.exp": math.exp,
    "math.pow": lambda x: math.pow(2.0, x),
    "cmath.exp": cmath.exp,
    "isfinite": math.isfinite,
    "isclose": lambda x: math.isclose(x, 2.0),
    "%f": lambda x: "%f" % x,  # noqa: UP031  # this is what users write
    "np.float64": np.float64,
    "np.float32": np.float32,
    "np.asarray": np.asarray,
    "np.array of a list": lambda x: np.array([x, x]),
    "np.array of rows": lambda x: np.array([[x, 1.0], [1.0, x]]),
    "np.full": lambda x: np.full(3, x),
    "np.fromiter": lambda x: np.fromiter([x], float),
    "an element of an array": lambda x: operator.setitem(np.zeros(2), 0, x),
    "elements of an array": lambda x: operator.setitem(np.zeros(2), slice(None), x),
    "range": range,
}
SOURCES = [2.0, np.float32(2.0), np.array([2.0]), np.array([1.0, 2.0]), True]


@pytest.mark.parametrize("what", CONVERSIONS)
@pytest.mark.parametrize("value", SOURCES, ids=repr)
def test_a_wire_becomes_no_plain_number(what, value):
    for x in (pb.Unit(value, "x"), pb.constant(value)):
        with pytest.raises((TypeError, ValueError)) as caught:  # NumPy turns the one into the other
            CONVERSIONS[what](x)
        told = [caught.value, caught.value.__cause__]
        assert any(error is not None and ".value" in str(error) for error in told)


@pytest.mark.parametrize("value", SOURCES[:-1], ids=repr)
def test_the_refusal_names_the_wire_and_the_cures(value):
    for made, name in ((pb.Unit(value, "speed"), "'speed'"), (pb.Unit(value) * 2.0, "multiply")):
        with pytest.raises(TypeError, match=rf"{name}.*is a wire, and plain numbers.*{CURES}"):
            float(made)
        with pytest.raises(TypeError, match=rf"{name}.*{CURES}"):
            np.asarray(made)


@pytest.mark.parametrize(
    "use",
    [
        np.isfinite,
        lambda x: max(x, 1.0),
        lambda x: statistics.mean([x, x]),
        fractions.Fraction,
        json.dumps,
        lambda x: list(range(3))[x],
        lambda x: struct.pack("d", x),
        lambda x: np.arange(3)[x],
        lambda x: pd.Series([1.0, 2.0]).add(pd.Series(np.asarray(x))),
    ],
)
def test_other_ways_to_take_a_wire_apart_raise(use):
    with pytest.raises((TypeError, struct.error)):
        use(pb.Unit(2.0, "x"))


@pytest.mark.parametrize(
    "use",
    [lambda x: x // 2, lambda x: 2 // x, lambda x: divmod(x, 2), lambda x: divmod(2, x)],
)
def test_whole_parts_have_no_gate(use):
    with pytest.raises(TypeError, match=r"'x'.* // has no gate: write pb\.floor\(a / b\).* a % b"):
        use(pb.Unit(5.0, "x"))


def test_a_value_is_shown_and_passes_gates_without_leaving():
    x = pb.Unit(2.0, "x")
    assert f"{x:.2f}" == "{:.2f}".format(x) == "2.00"  # noqa: UP032
    assert sum([x, x]).value == 4.0
    assert abs(-x).value == 2.0


def test_a_comparison_by_double_equals_is_of_wires_not_of_numbers():
    x, twin = pb.Unit(2.0, "x"), pb.Unit(2.0, "x")
    assert x == x
    assert x != twin
    assert x != "x"
    assert x is not None
    assert x in [twin, x]
    assert [twin, x].index(x) == 1
    assert {x: 1, twin: 2}[x] == 1
    for number in (2.0, 2, True, np.float64(2.0), np.array([2.0])):
        with pytest.raises(TypeError, match=r"== asks whether 'x' is the same wire.*pb\.equal"):
            x == number  # noqa: B015
        with pytest.raises(TypeError, match=r"pb\.equal"):
            number != x  # noqa: B015


# Lists of wires ----------------------------------------------------------------------------------

GATES_OF_ONE = [
    *(pb.exp, pb.sum, pb.mean, pb.max, pb.argmax, pb.softmax, pb.logsumexp, pb.transpose),
    *(pb.squeeze, pb.relu, lambda xs: pb.reshape(xs, -1), lambda xs: pb.broadcast_to(xs, (2, 2))),
    *(lambda xs: pb.take(xs, [0]), lambda xs: pb.take(pb.Unit([1.0]), xs), pb.Unit, pb.constant),
    *(lambda xs: pb.expand_dims(xs, 0), lambda xs: pb.swapaxes(xs, 0, 0), lambda xs: pb.pad(xs, 1)),
    *(lambda xs: xs[0] + xs, lambda xs: xs * xs[0], lambda xs: xs[0] @ xs, lambda xs: xs[0] < xs),
    *(lambda xs: pb.where(True, xs, 1.0), lambda xs: pb.where(xs[0] > 1.0, xs[0], xs)),
    *(lambda xs: pb.matmul(xs, xs), lambda xs: pb.einsum("i,i->", xs, [1.0, 1.0])),
    *(lambda xs: pb.concatenate([xs, xs]), lambda xs: pb.stack([xs, xs])),
    *(lambda xs: pb.scatter_add(xs, [0], [1.0]), lambda xs: pb.max_pool(xs, 2)),
]


@pytest.mark.parametrize("number", range(len(GATES_OF_ONE)))
@pytest.mark.parametrize("make", [list, tuple], ids=["list", "tuple"])
def test_a_list_of_wires_is_to_be_joined(number, make):
    wires = make(pb.units(x=1.0, y=2.0))
    with pytest.raises(
        pb.CircuitError, match=r"list of wires; join them with pb\.stack or pb\.con"
    ):
        GATES_OF_ONE[number](wires)


# Arrays that are handed out or taken in ----------------------------------------------------------


def test_no_value_or_gradient_can_be_written_into():
    x, b = pb.Unit([[1.0, 2.0], [3.0, 4.0]], "x"), pb.Unit([1.0, 2.0], "b")
    wires = [x, b, x * x, x.T, x[0], x + b, pb.broadcast_to(b, (2, 2)), pb.stop_gradient(x)]
    wires += [pb.constant([1.0, 2.0]), x.reshape(4), (x @ b), pb.take(x, [0]), x.sum(axis=0)]
    y = sum(pb.sum(pb.exp(unit)) for unit in wires)
    for round_ in range(3):  # as recorded, as run again, as set anew
        y.backward()
        for unit in wires:
            for array in (unit.value, unit.grad):
                if array is not None:
                    with pytest.raises(ValueError, match="read-only"):
                        array[...] = 10.0
        if round_ == 1:
            x.value = x.value + 1.0
        y.forward()


def test_a_value_set_in_place_is_refused_where_it_happens():
    x = pb.Unit(np.array([1.0, 2.0]))
    y = (x * x + pb.exp(x)).sum()
    with pytest.raises(ValueError, match="read-only"):
        x.value[0] = 10.0
    with pytest.raises(ValueError, match="read-only"):
        x.value += 1.0
    with pytest.raises(ValueError, match="read-only"):
        x.value.fill(0.0)
    y.backward()
    np.testing.assert_allclose(x.grad, 2.0 * np.array([1.0, 2.0]) + np.exp([1.0, 2.0]))
    x.value = x.value + 1.0
    with pytest.raises(pb.StaleError):
        y.backward()
    number = pb.Unit(1.0)
    number.value += 1.0
    assert number.value == 2.0


def test_gradients_of_two_wires_are_not_changed_by_one():
    x, y = pb.units(x=[1.0, 2.0], y=[3.0, 4.0])
    pb.concatenate([x, y]).reshape(4).sum().backward()
    with pytest.raises(ValueError, match="read-only"):
        x.grad[0] = 5.0
    x.grad = x.grad * 2.0
    np.testing.assert_array_equal(y.grad, [1.0, 1.0])


@pb.gate(partials=(None, lambda y, a, b: 1.0))
def second(m, a, b):
    return b


def test_what_users_change_later_does_not_reach_a_circuit():
    given, rows, table = np.array([1.0, 2.0]), np.array([0, 1]), pd.Series([1.0, 2.0])
    x = pb.Unit([3.0, 4.0])
    made = [x * given, given - x, second(x, given), pb.concatenate([x, given]), x @ given]
    made += [pb.where(given > 1.0, x, given), pb.take(x, rows), x[rows], pb.stack([given, x])]
    made += [pb.scatter_add(x, rows, given), pb.einsum("i,i->i", x, given)]
    made += pb.loop(lambda c, e: c * e, x, given[:, None])
    set_ = pb.Unit([0.0, 0.0])
    set_.value = table
    made += [pb.gradient(x * x, x, given), set_ * 1.0]
    before = [np.array(unit.value) for unit in made]
    given[:], rows[:], table[:] = 99.0, 0, 99.0
    for unit, old in zip(made, before, strict=True):
        np.testing.assert_array_equal(unit.value, old)
        np.testing.assert_array_equal(unit.forward(), old)
    assert given.flags.writeable


@pb.gate(pullback=(lambda g, y, x, *, table: g,))
def scaled(m, x, *, table):
    return x * table[0]


def test_a_static_argument_that_may_change_is_refused():
    x = pb.Unit([1.0, 2.0])
    assert scaled(x, table=(2.0, 3.0)).value.tolist() == [2.0, 4.0]
    assert scaled(x.value, table=[2.0, 3.0]).tolist() == [2.0, 4.0]  # no circuit remembers it
    for table in ([2.0, 3.0], np.array([2.0, 3.0]), {0: 2.0}):
        with pytest.raises(pb.CircuitError, match=r"scaled would remember table=.*tuples"):
            scaled(x, table=table)


@pb.gate(pullback=(lambda g, y, x: g,))
def raised_in_place(m, x):
    x += 1.0
    return x


def test_a_gate_cannot_write_into_its_inputs():
    x = pb.Unit([1.0, 2.0], "x")
    with pytest.raises(pb.CircuitError, match=r"raised_in_place cannot take 'x'.*read-only"):
        raised_in_place(x)
    assert x.value.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("engine", ["eager", "native", "jax"])
def test_what_an_engine_hands_out_is_the_callers_own(engine):
    if engine == "jax":
        pytest.importorskip("jax")
    w, x = pb.Unit(np.array([1.0, 2.0]), "w"), pb.Unit(np.array([1.0, 1.0]), "x")
    outputs = {"y": w * x, "x": x, "w": w, "column": w.reshape(2, 1)}
    step = prepare(engine, Program({"x": x}, outputs, {w: w + x}))
    given = np.array([1.0, 1.0])
    first = step(x=given)
    given[:] = 50.0
    value, looked_at = w.value, [w.reshape(1, 2), pb.broadcast_to(w, (3, 2)), w[:1], w * 1.0]
    kept = [np.array(array) for array in (*first.values(), value, *(u.value for u in looked_at))]
    second = step(x=np.array([2.0, 1.0]))
    now = (*first.values(), value, *(unit.value for unit in looked_at))
    for array, old in zip(now, kept, strict=True):
        np.testing.assert_array_equal(array, old)
    for array in second.values():
        array[...] = 77.0
    with pytest.raises(ValueError, match="read-only"):
        w.value[0] = 77.0
    third = step(x=np.array([1.0, 1.0]))
    np.testing.assert_array_equal(third["y"], [4.0, 4.0])
    np.testing.assert_array_equal(w.value, [5.0, 5.0])


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_training_changes_nothing_that_was_handed_out_before(engine):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 3)).astype(np.float32)
    labels = (x[:, 0] > 0).astype(int)
    model = pb.Sequential(pb.Dense(2), rng=0)
    trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.5), engine=engine)
    trainer.fit(x, labels, epochs=1, batch_size=10, progress=False)
    parameters = list(model.parameters.values())
    scores = model(x[:2])
    handed = [*(unit.value for unit in parameters), scores.value, trainer.predict(x)]
    before = [array.copy() for array in handed]
    trainer.fit(x, labels, epochs=1, batch_size=10, progress=False)
    trainer.predict(-x)
    for array, old in zip(handed, before, strict=True):
        np.testing.assert_array_equal(array, old)
    assert not np.array_equal(parameters[0].value, before[0])
    with pytest.raises(pb.StaleError, match=r"dense1\.weight"):
        scores.backward()
    for unit in parameters:
        with pytest.raises(ValueError, match="read-only"):
            unit.value[...] = 0.0


def test_an_array_on_the_left_of_an_operator_leaves_it_to_the_wire():
    x, a = pb.Unit(np.array([1.0, 2.0, 4.0]), "x"), np.array([3.0, 2.0, 1.0])
    for function in (
        *(operator.add, operator.sub, operator.mul, operator.truediv, operator.pow),
        *(operator.lt, operator.le, operator.gt, operator.ge),
    ):
        made = function(a, x)
        assert isinstance(made, pb.Unit)
        np.testing.assert_array_equal(made.value, function(a, x.value))
        assert isinstance(function(np.float32(2.0), x), pb.Unit)
    assert (np.eye(3) @ x).value.tolist() == [1.0, 2.0, 4.0]
    with pytest.raises(TypeError, match="'x' is a wire"):
        a += x
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((3,), 1, 3)
