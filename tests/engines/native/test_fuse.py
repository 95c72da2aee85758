"""Kernels hold every gate once, and each finds what it reads: in a register, or written before."""

import numpy as np
from hypothesis import given, settings
from tests.circuits import circuits
from tests.program.test_simplify import program_of

import pullback as pb
from pullback.engines.native.access import access
from pullback.engines.native.copies import with_copies
from pullback.engines.native.fuse import fuse, loop_shape
from pullback.engines.native.parts import Fused, Single, is_reduction
from pullback.program.simplify import simplify


def assert_runs_in_order(program):
    table = access(program)
    kernels = fuse(program, table)
    home = {}
    for k, kernel in enumerate(kernels):
        for unit in kernel.gates:
            assert unit not in home
            for x in unit.inputs:
                root = table[x].root
                if root.inputs and home[root] == k:  # in a register
                    if isinstance(kernel, Single):
                        assert root is kernel.gates[kernel.gates.index(unit) - 1]
                    else:
                        assert table.in_step(x, kernel.shape)
                        assert not is_reduction(root)
            if isinstance(kernel, Fused):
                assert loop_shape(unit) == kernel.shape
            home[unit] = k
    assert set(home) == {unit for unit in program.wires if unit.inputs and not table.is_view(unit)}
    return kernels


@settings(max_examples=200, deadline=None)
@given(circuits(gates=20))
def test_random_circuits_run_in_order(circuit):
    program = with_copies(simplify(program_of(circuit)))
    assert_runs_in_order(program)


def kernels_of(*outputs):
    program = pb.Program({}, {str(k): unit for k, unit in enumerate(outputs)}, {})
    kernels = assert_runs_in_order(program)
    return [
        "call" if isinstance(kernel, Single) else [unit.gate.name for unit in kernel.gates]
        for kernel in kernels
    ]


x = pb.Unit(np.arange(6.0).reshape(2, 3), "x")


def test_elementwise_gates_and_their_sum_are_one_loop():
    assert kernels_of(pb.sum(pb.exp(x) * x)) == [["exp", "multiply", "sum"]]


def test_what_reads_a_sum_waits_for_it():
    y = pb.exp(x)
    assert kernels_of(y / pb.sum(y, axis=1, keepdims=True)) == [["exp", "sum"], ["divide"]]


def test_a_gate_sinks_to_its_readers():
    total = pb.sum(x)
    scaled = pb.exp(x)
    assert kernels_of(scaled * total) == [["sum"], ["exp", "multiply"]]


def test_a_transposed_value_is_read_from_memory():
    y = pb.exp(x)
    assert kernels_of(pb.sin(y.T)) == [["exp"], ["sin"]]


def test_a_copying_reshape_stays_in_a_loop_of_its_input_s_shape():
    flat = x.T.reshape(6)
    assert kernels_of(pb.exp(flat) + 1.0) == [["reshape"], ["exp", "add"]]


def test_products_are_calls():
    assert kernels_of(pb.exp(x @ x.T)) == ["call", ["exp"]]
