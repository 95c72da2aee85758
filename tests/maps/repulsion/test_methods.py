"""The ways to find the repulsion, beside sums over all pairs in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.core.errors import CircuitError
from pullback.maps.repulsion.barnes_hut import BarnesHut
from pullback.maps.repulsion.choice import repulsion_by
from pullback.maps.repulsion.exact import Exact
from pullback.maps.repulsion.interpolation import Interpolation
from pullback.maps.repulsion.tree import Tree

ERRORS = {"exact": 1e-6, "barnes-hut": 0.01, "interpolation": 0.01}  # of forces, as documented


def method(name, threads=None):
    if name == "exact":
        return Exact(threads=threads)
    return BarnesHut(threads=threads) if name == "barnes-hut" else Interpolation(threads=threads)


METHODS = {name: method(name) for name in ERRORS}  # they keep the circuits that they compiled


def all_pairs(targets, sources):
    delta = targets.astype(np.float64)[:, :, None] - sources.astype(np.float64)[:, None, :]
    q = 1.0 / (1.0 + (delta**2).sum(axis=0))
    return q.sum(axis=1), (q * q * delta).sum(axis=2)


def clusters(n, d=2, seed=0, spread=30.0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(d, 12)) * spread
    return (centres[:, rng.integers(0, 12, n)] + rng.normal(size=(d, n)) * 3.0).astype(np.float32)


def error(found, exact):
    return np.linalg.norm(found - exact) / np.linalg.norm(exact)


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("n", [401, 1200, 3001])
def test_forces_are_within_the_stated_error_of_all_pairs(name, n):
    y = clusters(n)
    sums, forces = all_pairs(y, y)
    found = METHODS[name](y)
    assert found.forces.shape == (2, n)
    assert error(found.forces, forces) < ERRORS[name]
    assert found.sums == pytest.approx(sums - 1.0, rel=0.05, abs=0.05)
    assert found.z == pytest.approx(sums.sum() - n, rel=ERRORS[name] / 5)


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("size", [1e-6, 1e-4, 1e-2, 1.0, 5.0])
def test_small_maps_are_as_exact_as_large_ones(name, size):
    y = (np.random.default_rng(1).normal(size=(2, 401)) * size).astype(np.float32)
    sums, forces = all_pairs(y, y)
    found = METHODS[name](y)
    assert error(found.forces, forces) < ERRORS[name]
    assert found.z == pytest.approx(sums.sum() - 401, rel=ERRORS[name])


@pytest.mark.parametrize(
    ("name", "d"), [("barnes-hut", 1), ("barnes-hut", 3), ("interpolation", 1)]
)
def test_maps_of_other_dimensions(name, d):
    y = clusters(401, d)
    sums, forces = all_pairs(y, y)
    found = METHODS[name](y)
    assert error(found.forces, forces) < 1.5 * ERRORS[name]
    assert found.z == pytest.approx(sums.sum() - 401, rel=0.01)


@pytest.mark.parametrize("name", ERRORS)
def test_sources_push_targets_that_are_none_of_them(name):
    targets, sources = clusters(103, seed=2), clusters(401)
    targets[:, 0] = 300.0  # far from all others
    sums, forces = all_pairs(targets, sources)
    found = METHODS[name].on(targets, sources)
    assert found.forces.shape == (2, 103)
    assert error(found.forces, forces) < 2.0 * ERRORS[name]
    assert found.z == pytest.approx(sums.sum(), rel=0.01)


@pytest.mark.parametrize("name", ERRORS)
def test_few_points_and_such_as_lie_on_each_other(name):
    for y in ([[3.0], [4.0]], [[0.0, 1.0], [0.0, 1.0]], [[2.0] * 77, [1.0] * 77]):
        y = np.array(y, np.float32)
        sums, forces = all_pairs(y, y)
        found = METHODS[name](y)
        assert found.forces == pytest.approx(forces, abs=1e-4)
        assert found.z == pytest.approx(sums.sum() - y.shape[1], rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("name", ERRORS)
def test_points_all_far_apart_have_a_sum(name):
    """The error of a point's part in its own sum is more than the parts of all others here."""
    y = (np.random.default_rng(2).normal(size=(2, 5)) * 40.0).astype(np.float32)
    sums, forces = all_pairs(y, y)
    found = METHODS[name](y)
    assert found.z == pytest.approx(sums.sum() - 5.0, rel=1e-3)
    assert error(found.forces, forces) < ERRORS[name]


@pytest.mark.parametrize("name", ERRORS)
def test_any_number_of_threads_gives_the_same_bits(name):
    y = clusters(1200)
    one, two = method(name, 1)(y), method(name, 2)(y)
    assert np.array_equal(one.sums, two.sums)
    assert np.array_equal(one.forces, two.forces)


def test_an_angle_of_zero_sums_over_all_pairs():
    y = clusters(401)
    found = BarnesHut(0.0)(y)
    assert error(found.forces, all_pairs(y, y)[1]) < 1e-6


def test_the_wider_the_angle_the_worse():
    y = clusters(1200)
    forces = all_pairs(y, y)[1]
    errors = [error(BarnesHut(angle)(y).forces, forces) for angle in (0.2, 0.5, 0.8)]
    assert errors == sorted(errors)
    assert errors[0] < 0.2 * errors[2]


def test_a_map_too_wide_for_a_grid_is_summed_all_the_same():
    y = clusters(401)
    y[:, 0] = 1e6
    found = METHODS["interpolation"](y)
    assert error(found.forces, all_pairs(y, y)[1]) < ERRORS["barnes-hut"]


def test_a_grid_in_space_is_refused():
    with pytest.raises(CircuitError, match='3 dimensions has no method "interpolation"'):
        repulsion_by("interpolation", 50, 3)
    with pytest.raises(CircuitError, match="a method is one of auto, exact"):
        repulsion_by("fft", 50, 2)


def test_the_number_of_points_and_dimensions_chooses_the_way():
    found = {(n, d): type(repulsion_by("auto", n, d)) for n in (900, 30_000) for d in (1, 2, 3)}
    assert {found[900, d] for d in (1, 2, 3)} == {Exact}
    assert [found[30_000, d] for d in (1, 2, 3)] == [Interpolation, Interpolation, BarnesHut]


@pytest.mark.parametrize("n", [1, 2, 7, 32, 33, 401])
def test_a_tree_holds_every_point_once(n):
    y = clusters(n)
    tree = Tree.of(y, 8)
    assert tree.points.shape[2] <= 8
    real = tree.mass > 0.0
    assert sorted(tree.order[real]) == list(range(n))
    assert np.array_equal(tree.points[:, real], y[:, tree.order[real]])
    for level in tree.levels:
        assert level.mass.sum() == n
        assert (level.low <= level.centre + 1e-3).all()
        assert (level.centre <= level.high + 1e-3).all()
    assert tree.levels[0].centre[:, 0] == pytest.approx(y.mean(axis=1), abs=1e-4)


def test_cells_hold_those_of_the_next_level():
    tree = Tree.of(clusters(401), 8)
    for outer, inner in zip(tree.levels, tree.levels[1:], strict=False):
        assert np.array_equal(outer.low, inner.low.reshape(2, -1, 2).min(axis=2))
        assert np.array_equal(outer.mass, inner.mass.reshape(-1, 2).sum(axis=1))
