"""A double has the circuit's wiring in double precision, and shares nothing with it."""

from __future__ import annotations

import numpy as np

import pullback as pb
from pullback.inspect.double_copy import DoubleCopy


def test_a_copy_shares_nothing_and_lifts_to_double():
    x = pb.Unit(np.array([[1.0, -2.0, 0.5]], "float32"), "x")
    w = pb.Unit(np.array([[0.3], [0.1], [-0.2]], "float32"), "w")
    f = pb.sum(pb.tanh(x @ w))
    mask = pb.astype(x > 0.0, "float32")
    copy = DoubleCopy([pb.sum(mask * x), f])
    assert {twin.dtype for twin in copy.twins.values()} <= {np.dtype(float), np.dtype(bool)}
    for twin in copy.sources.values():
        twin._value = twin._value * 0.0 - 1.0
    copy.forward()
    assert copy.outputs[0].value == 0.0
    assert x.value[0, 0] == 1.0
