"""Optimizers against PyTorch's formulas, written out in NumPy, for many steps."""

import numpy as np
import pytest

import pullback as pb
from pullback.engines.eager import Eager


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_follows_its_formula_for_100_steps(momentum):
    curvature = np.array([1.0, 3.0, 0.2])
    p = pb.Unit(np.array([1.0, -2.0, 0.5]), "p")
    rate = pb.Unit(0.05, "rate")
    optimizer = pb.SGD(0.05, momentum=momentum)
    memory = optimizer.init([p])
    loss = (curvature * p * p).sum()
    moved, news = optimizer.update([pb.gradient(loss, p)], memory, [p], rate)
    step = Eager(
        pb.Program({}, {"loss": loss}, dict(zip([p, *memory], [*moved, *news], strict=True)))
    )
    expected, velocity = p.value.copy(), np.zeros(3)
    for _ in range(100):
        step()
        velocity = momentum * velocity + 2 * curvature * expected
        expected = expected - 0.05 * velocity
        np.testing.assert_allclose(p.value, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pb.SGD(0.0), "positive"),
        (lambda: pb.SGD(-1.0), "positive"),
        (lambda: pb.SGD(float("nan")), "positive"),
        (lambda: pb.SGD(0.1, momentum=1.0), "momentum"),
    ],
)
def test_bad_rates_are_refused(make, message):
    with pytest.raises(pb.CircuitError, match=message):
        make()
