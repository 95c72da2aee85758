"""p of distances: their entropy, against root finding by SciPy, and what scikit-learn makes."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import entr

from pullback.maps.affinities import affinities, conditional
from pullback.maps.neighbours import index


def of(rows, k, seed=0, features=4):
    x = np.random.default_rng(seed).normal(size=(rows, features))
    return index(x)[0].of_each(k)


@pytest.mark.parametrize("perplexity", [1.5, 5.0, 29.0])
def test_entropy_is_met(perplexity):
    p = conditional(of(200, 30).distances, perplexity)
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(entr(p).sum(axis=1), np.log(perplexity), atol=1e-5)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e150])
def test_widths_are_those_of_root_finding(scale):
    far = of(20, 15).distances

    def gaussian(beta, row):
        p = np.exp(-beta * (row**2 - row.min() ** 2))
        return p / p.sum()

    p = conditional(far * scale, 5.0)
    for row, found in zip(far, p, strict=True):
        beta = brentq(lambda b, row=row: entr(gaussian(b, row)).sum() - np.log(5.0), 1e-6, 1e6)
        np.testing.assert_allclose(found, gaussian(beta, row), atol=1e-5)


def test_p_is_that_of_scikit_learn():
    from sklearn.manifold._t_sne import _joint_probabilities_nn
    from sklearn.neighbors import NearestNeighbors

    x = np.random.default_rng(0).normal(size=(100, 5))
    near = index(x)[0].of_each(30)
    graph = NearestNeighbors(n_neighbors=30).fit(x).kneighbors_graph(mode="distance")
    graph.data **= 2
    theirs = _joint_probabilities_nn(graph, 10.0, 0).toarray()
    ours = affinities(near.indices, near.distances, 10.0)
    np.testing.assert_allclose(ours.toarray(), theirs, atol=1e-7)


def test_p_is_symmetric_without_a_diagonal_and_one_in_sum():
    near = of(60, 15)
    p = affinities(near.indices, near.distances, 5.0).toarray()
    assert (p == p.T).all()
    assert not p.diagonal().any()
    assert p.sum() == pytest.approx(1.0, rel=1e-12)


def test_several_perplexities_are_averaged():
    far = of(50, 30).distances
    both = (conditional(far, 3.0) + conditional(far, 10.0)) / 2.0
    np.testing.assert_allclose(conditional(far, [3.0, 10.0]), both, rtol=1e-12)


def test_copies_share_alike():
    far = np.array([[0.0, 0.0, 0.0, 1.0, 2.0], [1.0, 1.0, 1.0, 1.0, 1.0], [0.0] * 5])
    p = conditional(far, 2.0)
    np.testing.assert_allclose(p[0], [1 / 3, 1 / 3, 1 / 3, 0.0, 0.0])
    np.testing.assert_allclose(p[1:], 0.2)


def test_some_copies_among_others_leave_the_entropy_as_asked():
    far = np.array([[0.0, 0.0, 1.0, 1.5, 2.0, 2.0, 3.0, 4.0]])
    p = conditional(far, 4.0)
    assert entr(p).sum() == pytest.approx(np.log(4.0), abs=1e-5)


def test_a_neighbour_far_nearer_than_all_others():
    far = np.array([[1e-9, *np.linspace(1.0, 2.0, 11)]])
    assert entr(conditional(far, 4.0)).sum() == pytest.approx(np.log(4.0), abs=1e-5)


def test_threads_and_blocks_change_nothing():
    far = np.tile(of(300, 9).distances, (8, 1))  # several blocks of rows
    one = conditional(far, 3.0, 1)
    assert (one == conditional(far, 3.0, 3)).all()
    assert (one[:300] == conditional(far[:300], 3.0)).all()
