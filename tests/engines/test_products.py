"""Matrix products as the native engine runs them: stacked, and with what their kernel ends."""

import numpy as np
import pytest
from tests.program.test_simplify import assert_same

import pullback as pb
from pullback.engines.eager import Eager
from pullback.engines.native.engine import Native
from pullback.engines.native.parts import Single

rng = np.random.default_rng(0)


def wire(*shape):
    return pb.Unit(rng.normal(size=shape))


a, b, c = wire(4, 6), wire(6, 3), wire(3)
broken = pb.Unit(np.array([[np.nan, 1.0], [2.0, 3.0], [-np.inf, 1.0]]))
shared = a @ b
STACKS = [
    ((5, 2, 3), (5, 3, 4)),
    ((1, 2, 3), (1, 3, 4)),
    ((2, 1, 2, 3), (1, 4, 3, 2)),
    ((0, 2, 3), (0, 3, 4)),
    ((2, 3, 2, 3), (2, 3, 3, 1)),
    ((7, 40, 30), (7, 30, 50)),
    ((5, 2, 3), (3, 4)),
    ((3, 5), (5, 2)),
    ((3, 0), (0, 2)),
]
ENDED = {  # by the gates of the kernel that shall end them
    "a row": (lambda: wire(4, 6) @ b + c, ["matmul", "add"]),
    "a rectified row": (lambda: pb.relu(wire(4, 6) @ b + c), ["matmul", "add", "maximum"]),
    "rectified": (lambda: pb.relu(wire(4, 6) @ b), ["matmul", "maximum"]),
    "of a stack of rows": (lambda: pb.relu(wire(2, 4, 6) @ b + c), ["matmul", "add", "maximum"]),
    "a matrix before": (lambda: wire(4, 3) + wire(4, 6) @ b, ["matmul", "add"]),
    "a matrix made later": (lambda: (wire(4, 6) @ b) + pb.sin(wire(4, 3)), ["matmul", "add"]),
    "not a column": (lambda: wire(4, 6) @ b + wire(4, 1), ["matmul"]),
    "not a transposed one": (lambda: wire(4, 6) @ b + pb.transpose(wire(3, 4)), ["matmul"]),
    "not what others read": (lambda: pb.sin(shared) * pb.relu(shared + c), ["matmul"]),
    "not of stacked products": (lambda: pb.relu(wire(2, 4, 6) @ wire(2, 6, 3) + c), ["matmul"]),
    "not a number": (lambda: pb.relu(broken @ wire(2, 2) + wire(2)), ["matmul", "add", "maximum"]),
}


@pytest.mark.parametrize("threads", [1, 2])
def test_products(threads):
    outputs = {f"{m} @ {n}": wire(*m) @ wire(*n) for m, n in STACKS}
    outputs |= {name: make() for name, (make, _) in ENDED.items()}
    program = pb.Program({}, outputs, {})
    assert_same(Eager(program)(), Native(program, threads)())


@pytest.mark.parametrize("name", ENDED)
def test_what_the_kernel_of_a_product_ends(name):
    make, gates = ENDED[name]
    kernels = Native(pb.Program({}, {"y": make()}, {})).compiled.parts
    (call,) = (kernel for kernel in kernels if isinstance(kernel, Single))
    assert [unit.gate.name for unit in call.gates] == gates


def test_a_large_stack_is_one_call():
    step = Native(pb.Program({}, {"y": wire(50, 2, 3) @ wire(50, 3, 2)}, {})).compiled.step
    assert str(step).count("call products ") == 1
    assert len(step.body) == 1
