"""What is quick to make again is not kept: the same bits, and less that is written."""

import numpy as np
import pytest

import pullback as pb
from pullback.engines.native import recompute
from pullback.engines.native.compile import PASSES, compile
from pullback.engines.native.engine import Native
from pullback.engines.native.ir import Run
from pullback.engines.native.recompute import with_recomputed
from pullback.engines.native.target import host

rng = np.random.default_rng(0)


def names(program):
    return [unit.gate.name for unit in program.wires if unit.inputs]


def normalized(shape):
    """A normalization and its gradients, as a Program."""
    layer = pb.BatchNorm()
    x, pull = (pb.Unit(rng.normal(size=shape).astype(np.float32), name) for name in "xg")
    training = pb.Training()
    y = layer(x, training=training)
    made = dict(enumerate([y, *pb.gradient(y, [x, layer.scale, layer.bias], pull)]))
    return pb.Program({}, {str(k): unit for k, unit in made.items()}, training.updates)


def test_it_changes_no_bit(monkeypatch):
    monkeypatch.setattr(recompute, "LARGE", 1)
    program = normalized((8, 5, 3, 7))
    with_it = Native(program, 2)()
    monkeypatch.setattr(recompute, "LARGE", 1 << 60)
    without = Native(program, 2)()
    for name, value in without.items():
        np.testing.assert_array_equal(with_it[name], value)


def test_a_normalization_writes_its_output_and_its_gradient_alone():
    shape = (64, 16, 16, 64)
    step = compile(normalized(shape), host()).step
    runs = [run for run in step.body if isinstance(run, Run)]
    large = [run for run in runs if np.prod(run.sizes) == np.prod(shape)]
    assert len(large) == 3  # moments; the output and the gradients' sums; the gradient
    text = "\n".join(map(str, large))
    whole = [line for line in text.splitlines() if "[s0, s1, 1]" in line or "[s0, 1]" in line]
    assert sum(line.strip().startswith("y") for line in whole) == 2


def chain(x, gates, m):
    y = x
    for _ in range(gates):
        y = y * m
    return y


def test_a_long_chain_a_large_second_input_and_a_function_are_kept(monkeypatch):
    monkeypatch.setattr(recompute, "LARGE", 1)
    x, z = (pb.Unit(rng.normal(size=(64, 32)), name) for name in "xz")
    m = pb.Unit(rng.normal(size=32), "m")
    once = {  # how often a gate stands in the Program, of which two read what it makes
        "multiply": (chain(x, recompute.FEW + 1, m), recompute.FEW + 1),
        "add": (x + z, 1),
        "exp": (pb.exp(x), 1),
    }
    for name, (y, count) in once.items():
        program = with_recomputed(pb.Program.of([pb.sum(y, 0), pb.max(y, 0)]))
        assert names(program).count(name) == count
    short = chain(x, recompute.FEW, m)
    program = with_recomputed(pb.Program.of([pb.sum(short, 0), pb.max(short, 0)]))
    assert names(program).count("multiply") == 2 * recompute.FEW


def test_what_a_kernel_reads_or_a_program_gives_is_kept(monkeypatch):
    monkeypatch.setattr(recompute, "LARGE", 1)
    x, m = pb.Unit(rng.normal(size=(64, 32)), "x"), pb.Unit(rng.normal(size=32), "m")
    y = x - m
    for others in ([y @ pb.Unit(np.ones((32, 2)))], [y], [pb.transpose(y)]):
        program = with_recomputed(pb.Program.of([pb.sum(y, 0), pb.max(y, 0), *others]))
        assert names(program).count("subtract") == 1


def test_a_wire_is_not_made_again_of_one_that_would_not_be_kept(monkeypatch):
    monkeypatch.setattr(recompute, "LARGE", 1)
    x, m = pb.Unit(rng.normal(size=(64, 32)), "x"), pb.Unit(rng.normal(size=32), "m")
    y = pb.exp(x) - m  # one loop makes it, and writes it alone
    program = with_recomputed(pb.Program.of([pb.sum(y, 0), pb.max(y, 0)]))
    assert names(program).count("subtract") == names(program).count("exp") == 1


@pytest.mark.parametrize("narrow", ["bool", "float32"])
def test_a_narrow_wire_is_kept(narrow, monkeypatch):
    monkeypatch.setattr(recompute, "LARGE", 1)
    x = pb.Unit(rng.normal(size=(64, 32)), "x")
    y = x > 0.0 if narrow == "bool" else pb.astype(x, "float32")
    gate = y.gate.name
    program = with_recomputed(pb.Program.of([pb.where(y > 0.5, 1.0, 2.0), pb.sum(y, 0), y * y]))
    assert names(program).count(gate) == 1 + (narrow == "bool")  # the other is of the next line
    assert PASSES[-2] is with_recomputed  # what is seldom needed comes last
