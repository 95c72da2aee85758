"""A network that learns to map: what it makes of points that it never saw."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from tests.maps.points import GROUPS, groups, purity

import pullback as pb
from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.maps import ParametricTSNE
from pullback.maps.parametric import MapDivergence
from pullback.models.tsne import kl_divergence

SMALL = {"perplexity": 5.0, "hidden": (16,), "engine": "eager", "random_state": 0}


def test_points_that_it_never_saw_lie_among_their_kind():
    tsne = ParametricTSNE(**SMALL, epochs=150, learning_rate=1e-2).fit(groups())
    new = groups() + np.random.default_rng(1).normal(size=(60, 5)) * 0.3
    assert purity(tsne.embedding_) > 0.95
    assert purity(tsne.transform(new), GROUPS, tsne.embedding_, GROUPS) > 0.95
    assert tsne.loss_curve_[-1] < 0.5 * tsne.loss_curve_[0]
    assert len(tsne.loss_curve_) == tsne.n_iter_ == 150


def test_the_map_is_the_networks_answer_and_the_seed_decides():
    one, two = (ParametricTSNE(**SMALL, epochs=2).fit(groups()) for _ in range(2))
    np.testing.assert_array_equal(one.embedding_, two.transform(groups()))
    assert isinstance(one.model_, pb.Sequential)
    other = ParametricTSNE(**{**SMALL, "random_state": 1}, epochs=2).fit(groups())
    assert (other.embedding_ != one.embedding_).any()


def test_its_loss_is_the_cost_of_a_map():
    rng = np.random.default_rng(0)
    y, p = rng.normal(size=(6, 2)), rng.random((6, 6))
    p = (p + p.T) * (1.0 - np.eye(6))
    p /= p.sum()
    expected = kl_divergence(Unit(y.T), p).value
    assert MapDivergence()(y, p).value == pytest.approx(expected)
    assert pb.check_gradients(lambda y: MapDivergence()(y, Unit(p)), y).ok
    with pytest.raises(CircuitError, match="p of 6 points is a square"):
        MapDivergence()(y, p[:5])


def test_batches_smaller_than_the_data():
    tsne = ParametricTSNE(**SMALL, epochs=3, batch_size=25).fit(groups())
    assert np.isfinite(tsne.embedding_).all()
    assert tsne.set_output(transform="pandas").transform(groups()).shape == (60, 2)


@pytest.mark.parametrize(
    ("parameters", "x", "message"),
    [
        ({"hidden": (0,)}, groups(), "hidden is the sizes of the hidden layers"),
        ({"epochs": 0}, groups(), "epochs is a whole number of at least 1"),
        ({"batch_size": 1}, groups(), "batch_size is a whole number of at least 2"),
        ({"learning_rate": "auto"}, groups(), "learning_rate is a number above 0, got 'auto'"),
        ({"metric": "precomputed"}, np.zeros((60, 60)) + np.eye(60), "a network maps points"),
        ({"perplexity": 50.0}, groups(), "a perplexity of 50 needs 151 points"),
        ({}, np.full((60, 2), np.nan), "X contains NaN in row 0, column 0"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_what_cannot_be_learned_is_refused(parameters, x, message):
    with pytest.raises(CircuitError, match=message):
        ParametricTSNE(**{**SMALL, **parameters}).fit(x)


def test_sparse_points_are_refused():
    with pytest.raises(TypeError, match="Sparse data was passed"):
        ParametricTSNE(**SMALL).fit(csr_matrix(groups()))


def test_columns_far_from_zero_do_not_count_as_spread():
    beside = np.concatenate([groups(), np.full((60, 1), 1e6)], axis=1)
    layer = ParametricTSNE(**SMALL, epochs=1).fit(beside).model_.layers[0]
    np.testing.assert_allclose(layer(beside.astype(np.float32)).value.std(), 1.0, rtol=0.1)


@pytest.mark.parametrize("moved", [lambda x: x + 1e9, lambda x: x * 1e-60, lambda x: x * 1e60])
def test_points_that_single_precision_does_not_tell_apart_are_refused(moved):
    with pytest.raises(CircuitError, match="a network computes in single precision"):
        ParametricTSNE(**SMALL).fit(moved(groups()))
