"""Who is nearest: against all distances by NumPy; approximate ones by how many they find."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.metrics import pairwise_distances

import pullback.maps.neighbours as module
from pullback.core.errors import CircuitError
from pullback.maps.neighbours import Approximate, Exact, Neighbours, index

X = np.random.default_rng(0).normal(size=(300, 6))


def by_numpy(x, k, metric="euclidean"):
    far = pairwise_distances(x, metric=metric)
    np.fill_diagonal(far, np.inf)
    return np.sort(far, axis=1)[:, :k]


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan", "chebyshev"])
def test_exact_ones_are_the_nearest(metric):
    near = index(X, metric)[0].of_each(7)
    np.testing.assert_allclose(near.distances, by_numpy(X, 7, metric), atol=1e-7)
    assert not (near.indices == np.arange(300)[:, None]).any()


def test_a_function_and_distances_themselves_do_the_same():
    far = pairwise_distances(X[:40], metric="manhattan")
    told = index(X[:40], lambda a, b: np.abs(a - b).sum())[0].of_each(5)
    given = index(far, "precomputed")[0].of_each(5)
    np.testing.assert_allclose(told.distances, given.distances)
    assert (told.indices == given.indices).all()


def test_parameters_of_a_metric_count():
    near = index(X, "minkowski", {"p": 1})[0].of_each(5)
    np.testing.assert_allclose(near.distances, by_numpy(X, 5, "manhattan"))


def test_sparse_points_have_the_same_neighbours():
    x = np.maximum(X, 0.0)
    sparse, dense = (index(made(x))[0].of_each(5) for made in (csr_matrix, np.asarray))
    np.testing.assert_allclose(sparse.distances, dense.distances, atol=1e-6)


def test_copies_are_neighbours_and_a_point_is_not_its_own():
    x = np.repeat(X[:5], 20, axis=0)
    for among in (index(x)[0], Approximate(x, "euclidean", 1)):
        near = among.of_each(7)
        assert not (near.indices == np.arange(100)[:, None]).any()
        np.testing.assert_allclose(near.distances, 0.0, atol=1e-6)
        assert all(len(set(row)) == 7 for row in near.indices.tolist())


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_approximate_ones_are_nearly_all_of_the_nearest(metric):
    exact = index(X, metric)[0].of_each(15)
    near = index(X, metric, way="approximate", threads=1)[0].of_each(15)
    found = [len(set(a) & set(b)) for a, b in zip(near.indices, exact.indices, strict=True)]
    assert np.mean(found) / 15 > 0.98
    np.testing.assert_allclose(np.median(near.distances), np.median(exact.distances), rtol=1e-3)
    assert (np.diff(near.distances, axis=1) >= 0.0).all()


def test_approximate_ones_of_one_thread_are_the_same_each_time_and_after_a_pickle():
    one, two = (Approximate(X, "euclidean", 1) for _ in range(2))
    three = pickle.loads(pickle.dumps(one))
    new = X[:10] + 0.01
    for other in (two, three):
        assert (one.of_each(9).indices == other.of_each(9).indices).all()
        assert (one.of(new, 9).distances == other.of(new, 9).distances).all()


@pytest.mark.parametrize("way", ["exact", "approximate"])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_tiny_and_huge_points_have_the_same_neighbours(way, metric, size):
    one, other = (
        index(x, metric, way=way, threads=1)[0].of_each(9) for x in (X, np.tile(X, 3) * size)
    )
    assert (one.indices == other.indices).mean() > 0.99
    unit = 1.0 if metric == "cosine" else size * np.sqrt(3.0)
    np.testing.assert_allclose(other.distances, one.distances * unit, rtol=1e-3, atol=1e-6 * unit)


@pytest.mark.parametrize("way", ["exact", "approximate"])
def test_far_from_zero_and_beside_an_outlier_neighbours_are_the_same(way):
    wide = np.tile(X, 3)
    one = index(wide, way="exact")[0].of_each(9).indices
    there = index(wide + 1e8, way=way, threads=1)[0]
    assert (there.of_each(9).indices == one).mean() > 0.98
    assert (there.of(wide[:50] + 1e8, 10).indices[:, 1:] == one[:50]).mean() > 0.98
    beside = np.concatenate([wide, np.full((1, 18), 1e6)])
    near = index(beside, way=way, threads=1)[0].of_each(9).indices[:-1]
    assert (near == one).mean() > 0.98


def test_many_copies_do_not_hide_the_others():
    """Where zeros are half of all rows, a graph of all of them finds a fifth of the nearest."""
    x = np.random.default_rng(0).normal(size=(3000, 10))
    x[::2] = 0.0
    exact, near = (index(x, way=way, threads=2)[0].of_each(20) for way in ("exact", "approximate"))
    np.testing.assert_allclose(near.distances, exact.distances, rtol=0.02, atol=1e-5)
    assert all(len(set(row)) == 20 for row in near.indices.tolist())
    new = index(x, way="approximate")[0].of(np.zeros((1, 10)), 2000)
    assert (new.indices[0, :1500] % 2 == 0).all()
    assert (np.sort(new.indices[0, :1500]) == np.arange(0, 3000, 2)).all()


class Lacking:
    """A graph that finds three neighbours alone of every third point."""

    def __init__(self, graph):
        self.graph = graph

    def search(self, x, k, *, exact=False, threads=0):
        found = self.graph.search(x, k, exact=exact, threads=threads)
        counts = np.where(np.arange(len(x)) % 3 | exact, k, 3)
        keys = np.where(np.arange(k) < counts[:, None], found.keys, 0)
        return SimpleNamespace(keys=keys, distances=found.distances, counts=counts)


def test_what_no_way_leads_to_is_found_all_the_same():
    x = np.random.default_rng(0).normal(size=(300, 10))
    exact, near = (index(x, way=way)[0] for way in ("exact", "approximate"))
    near._graph = Lacking(near._graph)
    assert (near.of_each(20).indices == exact.of_each(20).indices).all()
    assert (near.of(x[:1], 5).indices == exact.of(x[:1], 5).indices).all()


def test_groups_that_come_one_after_another_are_found_by_many_threads():
    rng = np.random.default_rng(5)
    x = np.repeat(rng.normal(size=(10, 20)) * 1000.0, 150, axis=0) + rng.normal(size=(1500, 20))
    exact, near = (index(x, way=way, threads=8)[0].of_each(15) for way in ("exact", "approximate"))
    np.testing.assert_allclose(near.distances.mean(), exact.distances.mean(), rtol=1e-3)


def test_truth_values_are_compared_as_such_without_a_warning():
    x = X > 0.5
    near = index(x.astype(np.float64), "jaccard")[0].of_each(5)
    np.testing.assert_allclose(near.distances, by_numpy(x, 5, "jaccard"))


def test_sparse_new_points_are_looked_for_among_dense_ones():
    among, new = index(X)[0], np.maximum(X[:5], 0.0)
    assert (among.of(csr_matrix(new), 4).indices == among.of(new, 4).indices).all()


def test_many_points_are_looked_for_by_a_graph(monkeypatch):
    monkeypatch.setattr(module, "MANY", 100)
    assert type(index(X)[0]) is Approximate
    assert type(index(X, way="exact")[0]) is Exact
    assert type(index(X, "manhattan")[0]) is Exact  # which usearch does not know
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    among, note = index(X)
    assert type(among) is Exact
    assert "pullback[maps]" in note


def test_without_usearch_it_is_refused_where_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(CircuitError, match=r"pip install 'pullback\[maps\]'"):
        index(X, way="approximate")


@pytest.mark.parametrize(
    ("metric", "way", "message"),
    [
        ("euklid", "auto", "there is no metric 'euklid'; did you mean 'euclidean'.*cosine"),
        ("manhattan", "approximate", "by the metrics euclidean, l2, cosine, got 'manhattan'"),
    ],
)
def test_other_metrics_are_refused(metric, way, message):
    with pytest.raises(CircuitError, match=message):
        index(X, metric, way=way)


def test_distances_beyond_all_numbers_are_refused():
    with pytest.raises(CircuitError, match="row 1 are beyond all numbers of float64; divide X"):
        Neighbours(np.zeros((2, 1), int), np.array([[1.0], [np.inf]]))
    with pytest.raises(CircuitError, match="row 0 has no distance to others by this metric"):
        index(np.eye(4)[::-1, :3], "correlation")[0].of_each(1)
    with pytest.raises(CircuitError, match="the metric is none"):
        Neighbours(np.zeros((1, 1), int), np.array([[-1.0]]))
