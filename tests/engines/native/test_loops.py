"""Loops do less at each step, and what they give stays the same."""

import numpy as np
import pytest
from tests.engines.test_loop import LOOPS, recurrent, scale, table, x
from tests.program.test_simplify import assert_same

import pullback as pb
from pullback.engines.eager import Eager
from pullback.engines.native.loops import with_lean_loops
from pullback.program.patterns import made_by
from pullback.program.simplify import simplify


def lean(program):
    return with_lean_loops(simplify(program))


def products_inside(program):
    """How many matrix products the steps of each loop have."""
    bodies = [unit.static["body"] for unit in program.wires if made_by(unit, "loop")]
    return [
        sum(unit.gate is pb.GATES["matmul"] for unit in body.wires if unit.inputs)
        for body in bodies
    ]


@pytest.mark.parametrize("name", LOOPS)
def test_results_stay(name):
    stacks = LOOPS[name]()
    total = sum((pb.sum(pb.sin(stack)) for stack in stacks), pb.constant(0.0))
    sources = [u for u in (x, table, scale) if u in set(pb.Circuit(total).wires)]
    first = pb.gradient(total, sources)
    outputs = {f"stack {k}": stack for k, stack in enumerate(stacks)}
    outputs |= {f"d{u.name}": g for u, g in zip(sources, first, strict=True)}
    program = pb.Program({}, outputs, {})
    assert_same(Eager(program)(), Eager(lean(program))())


def test_a_recurrent_network_keeps_to_its_training():
    one, other = recurrent(3, 5, 2), recurrent(3, 5, 2)
    step, small = Eager(one), Eager(lean(other))
    for _ in range(3):
        assert_same(step(), small())
    for a, b in zip(one.updates, other.updates, strict=True):
        np.testing.assert_allclose(a.value, b.value, rtol=1e-12)


def test_products_that_no_step_waits_for_are_made_outside():
    # Of x @ w, h @ u and their gradients, h @ u and the pull on h stay inside.
    program = recurrent(3, 5, 2)
    assert products_inside(simplify(program)) == [2, 6]
    forward, backward = products_inside(lean(program))
    assert forward == 1
    assert backward == 1  # h @ u once more is made of all h before the loop


def test_what_nobody_reads_is_not_made():
    def step(h, e):
        return pb.tanh(h + e), pb.exp(e), pb.sin(e)

    _, exps, _ = pb.loop(step, np.zeros(2), pb.Unit(np.ones((4, 2))))
    (loop,) = (u for u in lean(pb.Program({}, {"y": exps}, {})).wires if made_by(u, "loop"))
    assert [u.gate.name for u in loop.static["body"].results] == ["exp"]


def test_a_sequence_of_one_number_becomes_a_constant():
    zeros = pb.constant(np.zeros((4, 2)))
    (hs,) = pb.loop(
        lambda h, e, z: pb.tanh(h + e) + z, np.zeros(2), (pb.Unit(np.ones((4, 2))), zeros)
    )
    (loop,) = (u for u in lean(pb.Program({}, {"y": hs}, {})).wires if made_by(u, "loop"))
    assert len(loop.static["body"].elements) == 1
