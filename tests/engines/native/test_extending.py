"""A gate, a kernel and a pass are each declared in one place, and everything picks them up."""

from dataclasses import dataclass

import numpy as np
import pytest

import pullback as pb
from pullback.core.gate import built_in
from pullback.core.registry import GATES
from pullback.engines.eager import Eager
from pullback.engines.native import compile
from pullback.engines.native.calls import CALLS, Calling
from pullback.engines.native.engine import Native
from pullback.engines.native.kernels import KERNELS
from pullback.engines.native.loop_code import kind_of
from pullback.engines.native.target import host

X = np.linspace(-2.0, 2.0, 37)


# A gate ------------------------------------------------------------------------------------------


@pb.gate(partials=(lambda y, x: pb.where(pb.greater(x, 0.0), 1.0, 0.1 * pb.exp(x)),))
def bent(m, x):
    return m.where(m.greater(x, 0.0), x, 0.1 * m.expm1(x))


def test_a_gate_is_its_value_and_its_rule():
    for dtype in (np.float32, np.float64):
        x = pb.Unit(X.astype(dtype), "x")
        y = bent(x)
        program = pb.Program({"x": x}, {"y": y, "dx": pb.gradient(y, x, X)}, {})
        found, right = Native(program)(), Eager(program)()
        for name, value in right.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-5)
    assert pb.check_gate(bent).ok


# A kernel ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    kind: str
    count: int

    def workspace(self, target):
        return 0


def record_running_sum(k, line, thread, y, x):
    y, x, total = k.array(y, line.kind), k.array(x, line.kind), k.cell(0.0, line.kind)
    for i in k.range(line.count):
        total.set(total.value + x[i])
        y[i] = total.value


def call_running_sum(step, unit):
    places = tuple(step.place(step.access[wire]) for wire in (unit, *unit.inputs))
    step.call("running_sum", Line(kind_of(unit), unit.size), places, unit.size, alone=True)


@pytest.fixture
def running_sum():
    @built_in(
        pullback=(lambda g, y, x: running_sum(g[::-1])[::-1],),
        samples=lambda rng: [((rng.normal(size=7),), {})],
        primitive=True,
    )
    def running_sum(m, x):
        return np.cumsum(x)

    KERNELS.add("running_sum", record_running_sum)
    CALLS["running_sum"] = Calling(call_running_sum, in_rows=True)
    yield running_sum
    del GATES["running_sum"], KERNELS["running_sum"], CALLS["running_sum"]


def test_a_kernel_is_a_function_of_symbolic_numbers(running_sum):
    x = pb.Unit(X, "x")
    y = running_sum(pb.exp(x)) * 2.0
    program = pb.Program({"x": x}, {"y": y, "dx": pb.gradient(y, x, X)}, {})
    found, right = Native(program)(), Eager(program)()
    for name, value in right.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12)


# A pass ------------------------------------------------------------------------------------------


def without_squared_roots(program):
    """sqrt(x) * sqrt(x) is x, for those who know that it is not negative."""

    def become(unit, inputs):
        if unit.gate is GATES["multiply"] and inputs[0] is inputs[1]:
            (root,) = {*inputs}
            if root.gate is GATES["sqrt"]:
                return root.inputs[0]
        return None

    return program.rewritten(become)


def test_a_pass_is_a_function_from_program_to_program(monkeypatch):
    x = pb.Unit(np.abs(X) + 1.0, "x")
    root = pb.sqrt(x)
    program = pb.Program({"x": x}, {"y": root * root + 1.0}, {})
    monkeypatch.setattr(compile, "PASSES", [*compile.PASSES, without_squared_roots])
    seen = []
    compile.compile(program, host(), see=lambda made: seen.append(str(made)))
    assert "sqrt" in seen[-5]
    assert not any("sqrt" in text for text in seen[-4:])
    np.testing.assert_allclose(Native(program)()["y"], x.value + 1.0)


def test_what_is_between_two_passes_can_be_printed(capsys):
    x, w = pb.Unit(np.ones((4, 3)), "x"), pb.Unit(np.ones((3, 2)), "w")
    y = pb.relu(x @ w)
    compile.compile(pb.Program({"x": x}, {"y": y}, {w: w - 0.1 * w}), host(), see=print)
    printed = capsys.readouterr().out
    assert "y: " in printed
    assert "w <- " in printed
    assert "matmul, maximum" in printed
    assert "memory for" in printed
    assert "call product" in printed
