"""t-SNE's cost as a circuit, and the forces: all of them come to the same gradient."""

import numpy as np
import pytest
from scipy.sparse import csr_array

import pullback as pb
from pullback.core.unit import Unit
from pullback.maps.springs import Pieces
from pullback.models.tsne import (
    attraction,
    attraction_of_all,
    cross_entropy,
    cross_entropy_of_all,
    kl_divergence,
    repulsion,
)

AXES = pytest.mark.parametrize("d", [1, 2, 3])


def some(n, d, dtype=np.float64, seed=0):
    """Points and a symmetric p, of which half are zero."""
    rng = np.random.default_rng(seed)
    p = rng.random((n, n)) * (rng.random((n, n)) < 0.5)
    p = p + p.T
    np.fill_diagonal(p, 0.0)
    return rng.normal(size=(d, n)).astype(dtype), p / p.sum()


def by_definition(y, p):
    """KL(P || Q) and its gradient, pair by pair, as the paper has them."""
    n, cost, slope = y.shape[1], 0.0, np.zeros(y.shape)
    far = np.array([[np.sum((y[:, i] - y[:, j]) ** 2) for j in range(n)] for i in range(n)])
    q = 1.0 / (1.0 + far)
    z = q.sum() - n
    for i in range(n):
        for j in range(n):
            if i != j:
                cost += p[i, j] * np.log(p[i, j] * z / q[i, j]) if p[i, j] else 0.0
                slope[:, i] += 4.0 * (p[i, j] - q[i, j] / z) * q[i, j] * (y[:, i] - y[:, j])
    return cost, slope


def pieces_of(p):
    """The wires of p in pieces, in double precision."""
    pieces = Pieces.of(csr_array(p), 3)
    exact = np.where(pieces.p > 0, p[pieces.points[:, None], pieces.neighbours], 0.0)
    return Unit(exact), Unit(pieces.neighbours), Unit(pieces.points)


@AXES
def test_cost_and_gradient_are_those_of_the_paper(d):
    y, p = some(7, d)
    points = Unit(y)
    cost = kl_divergence(points, p)
    expected, slope = by_definition(y, p)
    assert cost.value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(pb.gradient(cost, points).value, slope, rtol=1e-9, atol=1e-12)


def test_gradient_equals_the_numerical_one():
    y, p = some(9, 2)
    assert pb.check_gradients(lambda y: kl_divergence(y, Unit(p)), y).ok


@AXES
def test_forces_are_the_gradient_by_the_chain_rule(d):
    y, p = some(11, d)
    points = Unit(y)
    chained = pb.gradient(kl_divergence(points, p), points).value
    sums, forces = repulsion(points, points)
    z = sums.value.sum() - y.shape[1]
    wires = pieces_of(p)
    for pull in (attraction(points, points, *wires), attraction_of_all(points, Unit(p))):
        made = 4.0 * (pull.value - forces.value / z)
        np.testing.assert_allclose(made, chained, rtol=1e-9, atol=1e-12)


def test_forces_in_one_precision_are_near_those_in_double():
    y, _ = some(40, 2)
    sums, forces = repulsion(Unit(y), Unit(y))
    single = Unit(y.astype(np.float32))
    near, pushed = repulsion(single, single)
    assert pushed.dtype == np.float32
    np.testing.assert_allclose(near.value, sums.value, rtol=1e-5)
    np.testing.assert_allclose(pushed.value, forces.value, atol=1e-5)


@AXES
def test_cost_is_cross_entropy_less_entropy_and_what_makes_probabilities(d):
    y, p = some(11, d)
    points = Unit(y)
    wires = pieces_of(p)
    q = 1.0 / (1.0 + ((y[:, :, None] - y[:, None, :]) ** 2).sum(axis=0))
    rest = (p[p > 0] * np.log(p[p > 0])).sum() + np.log(q.sum() - 11)
    for cross in (cross_entropy(points, points, *wires), cross_entropy_of_all(points, Unit(p))):
        assert cross.value + rest == pytest.approx(kl_divergence(points, p).value, rel=1e-9)


def test_points_without_neighbours_are_not_attracted():
    p = np.zeros((4, 4))
    p[0, 1] = p[1, 0] = 0.5
    pieces = Pieces.of(csr_array(p))
    y = Unit(np.arange(8.0).reshape(2, 4))
    pull = attraction(y, y, *(Unit(x) for x in pieces.data.values()))
    assert pull.value[:, 2:].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert (pull.value[:, 0] == -pull.value[:, 1]).all()


def test_the_sum_of_all_forces_is_zero():
    y, p = some(30, 2)
    points = Unit(y)
    np.testing.assert_allclose(repulsion(points, points)[1].value.sum(axis=1), 0.0, atol=1e-12)
    np.testing.assert_allclose(
        attraction_of_all(points, Unit(p)).value.sum(axis=1), 0.0, atol=1e-12
    )
