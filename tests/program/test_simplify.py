"""Simplifying keeps every result, and leaves only gates that engines must know."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.circuits import RandomCircuit, circuits

import pullback as pb
from pullback.engines.eager import Eager
from pullback.program.simplify import simplify


def program_of(circuit: RandomCircuit, suffix: str = "") -> pb.Program:
    """A circuit's output and the gradients of its float sources, as a Program."""
    y = circuit.output
    xs = [x for x in circuit.sources if x.dtype.kind == "f"]
    pull = np.linspace(0.5, 1.5, y.size).reshape(y.shape)
    gradients = pb.gradient(y, xs, pull)
    outputs = {f"d{x.name}{suffix}": d for x, d in zip(xs, gradients, strict=True)}
    return pb.Program({}, {f"y{suffix}": y, **outputs}, {})


def assert_same(expected: dict, found: dict) -> None:
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        assert np.shape(value) == np.shape(found[name]), name
        assert np.asarray(value).dtype == np.asarray(found[name]).dtype, name
        np.testing.assert_allclose(found[name], value, rtol=1e-7, atol=1e-9, err_msg=name)


def nudge(program: pb.Program) -> None:
    """Other values on all sources: what was wrongly taken for a constant then shows."""
    for unit in program.wires:
        if unit.gate is None and unit.dtype.kind == "f":
            unit.value = unit.value + 1e-3


@settings(max_examples=200, deadline=None)
@given(circuits(), st.sampled_from([(), ("sigmoid", "softplus")]))
def test_random_circuits_keep_their_results(circuit, keep):
    program = program_of(circuit)
    plain = simplify(program, keep)
    for _ in range(2):
        assert_same(Eager(program)(), Eager(plain)())
        nudge(program)


x, m = pb.Unit(np.array([0.5, -1.0, 2.0]), "x"), pb.Unit(np.arange(6.0).reshape(2, 3), "m")


@pytest.mark.parametrize(
    ("wire", "gates"),
    [
        (x * 1.0, []),
        (0.0 + x, []),
        (pb.negative(-x), []),
        (x / 1.0, []),
        (-1.0 * x, ["negative"]),
        (-1.0 * (x > 0.0), ["greater", "multiply"]),
        (0.0 - (x > 0.0), ["greater", "subtract"]),
        (m.T.T, []),
        (m.reshape(6).reshape(3, 2).reshape(2, 3), []),
        (x**2.0, ["multiply"]),
        (x + -x * 2.0, ["negative", "multiply", "add"]),
        (pb.exp(x) * pb.exp(x), ["exp", "multiply"]),
        (pb.stop_gradient(x), []),
        (pb.mean(m), ["sum", "divide"]),
        (x * np.array([1.0, 1.0, 1.0]), []),
        (x * np.array([0.0, 0.0, -0.0]), ["multiply"]),
        (x * np.ones((2, 3)), ["multiply"]),
        (x * np.ones(3, "f4"), []),
        (pb.astype(x, "f4") * 1.0, ["astype"]),
    ],
)
def test_algebra(wire, gates):
    plain = simplify(pb.Program({}, {"y": wire}, {}))
    assert_same(Eager(pb.Program({}, {"y": wire}, {}))(), Eager(plain)())
    assert [unit.gate.name for unit in plain.wires if unit.inputs] == gates


def test_a_table_s_step_touches_its_rows_only():
    table, rows = pb.Unit(np.ones((4, 2)), "table"), pb.Unit(np.array([1, 3, 1]), "rows")
    g = pb.gradient(pb.sum(pb.take(table, rows) ** 2.0), table)
    program = pb.Program({}, {}, {table: table - 0.1 * g})
    plain = simplify(program)
    assert plain.updates[table].gate is pb.GATES["scatter_add"]
    assert plain.updates[table].inputs[0] is table


def test_a_number_less_a_scatter_stays():
    rows = pb.Unit(np.array([1]), "rows")
    y = 1.0 - 0.1 * pb.scatter_add(np.zeros((2, 1)), rows, pb.Unit(np.ones((1, 1))))
    program = pb.Program({}, {"y": y}, {})
    assert_same(Eager(program)(), Eager(simplify(program))())


def test_gates_of_one_name_are_not_taken_for_one_another():
    def made(factor):
        @pb.gate(partials=(lambda y, x: factor,), name="scale", registry=None, primitive=True)
        def scale(m, x):
            return m.multiply(x, factor)

        return scale(x)

    program = pb.Program({}, {"double": made(2.0), "triple": made(3.0)}, {})
    assert_same(Eager(program)(), Eager(simplify(program))())


def test_large_whole_numbers_keep_their_digits():
    n = pb.Unit(np.array([1]), "n")
    program = pb.Program({}, {"y": n + np.array([2**60 + 1])}, {})
    assert Eager(simplify(program))()["y"] == 2**60 + 2
