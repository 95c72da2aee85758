"""Loop code as LLVM reads it, where how it is written decides how long LLVM takes."""

import numpy as np
import pytest

import pullback as pb
from pullback.engines.native.compile import compile
from pullback.engines.native.lower import LONG
from pullback.engines.native.registers import write_registers
from pullback.engines.native.step import record
from pullback.engines.native.target import host


def of_many(x):
    """A step of state x, of more operations than a short loop has."""
    y = x
    for _ in range(LONG):
        y = pb.tanh(y + x)
    return compile(pb.Program({}, {}, {x: y}), host())


@pytest.mark.parametrize("shape", [(), (100,)])
def test_a_long_loop_writes_a_function_once_and_calls_it(shape):
    text, _ = record(of_many(pb.Unit(np.zeros(shape), "x")).step.body[0].loop, host())
    assert text.count("define internal") == 1
    assert sum("call" in line and "@tanh" in line for line in text.splitlines()) == LONG


def test_an_epoch_in_registers_calls_nothing_that_would_empty_them():
    made = of_many(pb.Unit(0.0, "x"))
    text, needs = record(write_registers(made.plain, made.access, made.places), host())
    assert "@tanh" not in text
    assert not needs
