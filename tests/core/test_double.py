"""A circuit in double precision: same gates, the dtypes that they were told and all."""

import numpy as np

import pullback as pb
from pullback.core.double import in_double


def test_gates_follow_their_inputs_and_those_that_were_told_float32_are_told_float64():
    x = pb.Unit(np.full(3, 0.1, np.float32), "x")
    y = pb.Unit(np.full(3, 0.1), "y")
    seed, step = pb.Unit(np.array(0), "seed"), pb.Unit(np.array(1), "step")
    told = pb.random((3,), seed, step, dtype="float32")
    root = (pb.astype(pb.exp(x) * 2.0, "float32") + told).sum().named("root")
    (found,) = in_double([root], {x: y})
    assert (root.dtype, found.dtype) == (np.float32, np.float64)
    assert found.name == "root"
    drawn = pb.random((3,), 0, 1, dtype="float64")
    assert found.value == (np.exp(np.full(3, 0.1)) * 2.0 + drawn).sum()


def test_what_is_in_double_precision_already_stays_itself():
    x, other = pb.Unit(np.ones(2), "x"), pb.Unit(np.ones(2), "other")
    y = pb.tanh(x) * 2.0
    assert in_double([y, other], {x: x}) == [y, other]
