"""Copies are made where a kernel could not read a view, and nowhere else."""

import numpy as np
from tests.program.test_simplify import assert_same

import pullback as pb
from pullback.engines.eager import Eager
from pullback.engines.native.access import access
from pullback.engines.native.copies import with_copies


def test_copies_are_made_where_a_view_would_not_do():
    x = pb.Unit(np.arange(6.0).reshape(2, 3), "x")
    rows, state = pb.Unit(np.array([[0, 1], [1, 0]]), "rows"), pb.Unit(np.ones(6), "s")
    outputs = {
        "take": pb.take(x.T, rows.T),
        "argmax": pb.argmax(x[:, ::-1], axis=1),
        "mixed": pb.astype(x, "f4") @ x.T,
        "state": state[::-1],
    }
    program = pb.Program({}, outputs, {state: state.reshape(2, 3).T.reshape(6)})
    plain = with_copies(program)
    assert_same(Eager(pb.Program({}, outputs, {}))(), Eager(pb.Program({}, plain.outputs, {}))())
    table = access(plain)
    for name in ("take", "argmax"):
        assert all(table[x].contiguous for x in plain.outputs[name].inputs)
    assert {x.dtype for x in plain.outputs["mixed"].inputs} == {np.dtype(float)}
    for end in (plain.outputs["state"], *plain.updates.values()):
        assert table[end].root is not state


def test_each_result_of_a_step_has_a_buffer_of_its_own():
    x, w = pb.Unit(np.ones((4, 3)), "x"), pb.Unit(np.ones((3, 3)), "w")

    def step(h, e):
        z = pb.exp(h @ w.T + e)
        return z, z, z[::-1], e

    outputs = pb.loop(step, x[0], x.T.reshape(3, 4).T)
    program = pb.Program.of(outputs)
    plain = with_copies(program)
    assert_same(Eager(program)(), Eager(plain)())
    (loop,) = (unit for unit in plain.wires if unit.gate is pb.GATES["loop"])
    body = loop.static["body"]
    table = access(pb.Program.of(body.results))
    buffers = [table.own_buffer(unit) for unit in body.results]
    assert None not in buffers
    assert len(set(buffers)) == 4
    outer = access(plain)
    _, sequence, parameter = (outer[unit] for unit in loop.inputs)
    assert sequence.strides[1:] == (1,)
    assert parameter.contiguous
