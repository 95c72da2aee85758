"""What a gate declares of itself is so."""

import numpy as np
import pytest
from tests.gates.cases import STRUCTURAL, cases

import pullback as pb
from pullback.core.values import arrays

OF_ONE = [name for name in STRUCTURAL if len(cases(name)[0][0]) == 1]
REDUCTIONS = [name for name in STRUCTURAL if pb.GATES[name].reduces]


@pytest.mark.parametrize("name", OF_ONE)
def test_a_view_is_another_way_to_walk_the_elements_of_its_input(name):
    gate = pb.GATES[name]
    for (x,), static in cases(name):
        assert np.shares_memory(gate.value(arrays, x, **static), x) == gate.view


@pytest.mark.parametrize("name", REDUCTIONS)
def test_a_reduction_joins_elements_in_any_order_and_any_grouping(name):
    gate, x = pb.GATES[name], np.random.default_rng(0).normal(size=(3, 6))

    def joined(x):
        return gate.value(arrays, x, axis=(1,), keepdims=False)

    whole = joined(x)
    assert whole.shape == (3,)
    np.testing.assert_allclose(joined(x[:, ::-1]), whole, rtol=1e-14)
    parts = np.stack([joined(x[:, :1]), joined(x[:, 1:])], axis=1)
    np.testing.assert_allclose(joined(parts), whole, rtol=1e-14)
