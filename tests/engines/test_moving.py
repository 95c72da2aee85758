"""Circuits that move elements about: the native engine agrees with eager, within its buffers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.interpreted import Interpreted
from tests.moving import assert_agree, moving_programs

import pullback as pb
from pullback.engines.native.engine import Native


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([np.float64, np.float32]).flatmap(lambda d: moving_programs(dtype=d)))
def test_what_the_engine_writes_is_right(program):
    assert_agree(program, [Interpreted(program)])


g = pb.Unit(np.arange(24.0).reshape(3, 8), "g")
a, b = (pb.Unit(np.arange(6.0).reshape(2, 3) + k, "ab"[k > 0]) for k in (0, 6))
x = pb.Unit(np.arange(24.0).reshape(2, 3, 4), "x")
halves = [pb.reshape(g[:, :4], (1, 3, 4)), pb.reshape(g[:, 4:], (1, 3, 4))]
CASES = {
    "reshaped slices joined": (pb.concatenate(halves), np.stack([g.value[:, :4], g.value[:, 4:]])),
    "reshaped transposes joined": (
        pb.concatenate([pb.reshape(a.T, 6), pb.reshape(b.T, 6)]),
        np.concatenate([a.value.T.ravel(), b.value.T.ravel()]),
    ),
    "gradient of joined rows": (
        pb.gradient(pb.concatenate([x[0], x[1]], 1), x, np.arange(24.0).reshape(3, 8)),
        np.stack([np.arange(24.0).reshape(3, 8)[:, :4], np.arange(24.0).reshape(3, 8)[:, 4:]]),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_wire_made_inside_another(name):
    y, right = CASES[name]
    program = pb.Program({}, {"y": y}, {})
    np.testing.assert_array_equal(Native(program)()["y"], right)
    np.testing.assert_array_equal(Interpreted(program)()["y"], right)


@pytest.mark.parametrize("arrays", [(2,), (0,), (1,), (0, 2), ()])
def test_numbers_among_single_precision_are_clipped_in_that(arrays):
    numbers = (-1.18, -0.7, 0.6)
    given_ = [np.full(3, x, np.float32) if k in arrays else x for k, x in enumerate(numbers)]
    dtype = np.float32 if arrays else np.float64
    y = pb.clip(*(pb.Unit(x) for x in given_))
    right = np.clip(*(np.asarray(x, dtype) for x in given_))
    assert y.dtype == dtype
    np.testing.assert_array_equal(y.value, right)
    found = Native(pb.Program({}, {"y": y}, {}))()["y"]
    assert np.asarray(found).dtype == dtype
    np.testing.assert_array_equal(found, right)
