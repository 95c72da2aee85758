"""A gate is checked from its declaration alone, to second order and at its kinks."""

from __future__ import annotations

import numpy as np
import pytest
from tests.inspect.faults import (
    WRONG,
    broadcast,
    cube,
    elementwise,
    product,
    relu_of_slope,
    structural,
    total,
)

import pullback as pb
from pullback.core.errors import CircuitError
from pullback.inspect.check_gate import check_gate
from pullback.inspect.report import GradientError


@pytest.mark.parametrize("fault", WRONG)
@pytest.mark.parametrize("seed", range(3))
def test_a_planted_fault_is_found_from_the_declaration(fault, seed):
    with pytest.raises(GradientError, match="planted"):
        check_gate(WRONG[fault], rng=np.random.default_rng(seed))


@pytest.mark.parametrize("name", list(pb.GATES))
def test_every_gate_is_right_to_second_order(name):
    assert check_gate(pb.GATES[name], rng=np.random.default_rng(11)).ok


def test_a_rule_that_is_wrong_to_second_order_only_is_found():
    frozen = elementwise(cube, lambda y, x: 3.0 * pb.stop_gradient(x) * x)
    assert check_gate(frozen, order=1).ok
    with pytest.raises(GradientError, match="second order"):
        check_gate(frozen)
    two_faced = elementwise(cube, lambda y, x: (3.0 if isinstance(x, pb.Unit) else 3.01) * x * x)
    assert not check_gate(two_faced, on_failure="report")
    in_numpy = elementwise(cube, lambda y, x: 3.0 * np.square(np.asarray(x, float)))
    assert check_gate(in_numpy, order=1).ok
    with pytest.raises(GradientError, match="write them in gates"):
        check_gate(in_numpy)


def test_a_rule_at_a_kink_must_answer_between_its_two_slopes():
    for slope in (0.0, 0.3, 1.0):
        assert check_gate(relu_of_slope(slope)).ok
    for slope in (-0.1, 1.1, 2.0):
        assert not check_gate(relu_of_slope(slope), on_failure="report")


def test_what_stops_the_gradient_on_purpose_is_no_fault():
    assert check_gate(pb.stop_gradient).ok


def test_a_gate_without_a_value_in_its_domain_is_refused_not_called_right():
    for root in (lambda m, x: m.sqrt(x), lambda m, x: m.log(x)):
        planted = elementwise(root, lambda y, x: 0.5 / y)
        with pytest.raises(CircuitError, match=r"'planted' is nan at x = -.*declare domain="):
            check_gate(planted)
    declared = elementwise(lambda m, x: m.sqrt(x), lambda y, x: 0.5 / y, domain=((0.1, 2.0),))
    assert check_gate(declared).ok
    division = structural(
        lambda m, x: m.divide(m.sum(x), 0.0),
        lambda g, y, x: broadcast(g, x),
        samples=lambda rng: [((np.ones(2),), {})],
    )
    with pytest.raises(CircuitError, match="is infinite at one of its samples"):
        check_gate(division)


@pytest.mark.filterwarnings("error")
def test_extreme_domains_are_checked_without_warnings():
    for domain in ((1e100, 1e102), (1e-200, 1e-199)):
        assert check_gate(elementwise(cube, lambda y, x: 3.0 * x * x, domain=(domain,))).ok
        wrong = elementwise(cube, lambda y, x: 1e400 * x * x, domain=(domain,))
        assert not check_gate(wrong, on_failure="report")


def test_one_rule_for_each_input_is_asked_for_at_the_declaration():
    with pytest.raises(CircuitError, match="takes 2 inputs but declares 1 rules"):
        elementwise(product, lambda y, a, b: b)


def test_bad_input_is_refused():
    with pytest.raises(CircuitError, match="no samples"):
        check_gate(structural(total, lambda g, y, x: broadcast(g, x)))
    with pytest.raises(CircuitError, match="what @gate declares"):
        check_gate(lambda x: x)
    with pytest.raises(CircuitError, match="order"):
        check_gate(pb.exp, order=3)
    with pytest.raises(CircuitError, match="eps must be a finite number above 0"):
        check_gate(pb.exp, eps=0.0)
