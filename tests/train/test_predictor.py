"""The outputs of a model, compiled for a few sizes of batch."""

import numpy as np
import pytest

import pullback as pb
from pullback.core.abstract import Abstract
from pullback.train.predictor import Predictor

X = np.random.default_rng(0).normal(size=(40, 3)).astype("f4")


def model(middle):
    return pb.Sequential(pb.Dense(5), middle, pb.Dense(2), rng=0)


class Watched(pb.Layer):
    """A layer that says what its inputs carry, and may ask for their numbers."""

    def __init__(self, asks):
        super().__init__()
        self.asks = asks
        self.seen = []

    def apply(self, x, *, training):
        self.seen.append(type(x._value))
        assert not self.asks or np.all(np.isfinite(x.value))
        return x * 2.0


@pytest.mark.parametrize("rows", [1, 16, 40])
@pytest.mark.parametrize("engine", ["native", "jax"])
def test_it_records_shapes_alone_unless_the_model_asks_for_numbers(engine, rows):
    plain, asking = Watched(False), Watched(True)
    answers = [Predictor(model(middle), engine)([X[:rows]])[0] for middle in (plain, asking)]
    assert plain.seen == [Abstract]
    assert asking.seen == [Abstract, np.ndarray]
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_allclose(answers[0], model(Watched(True)).predict(X[:rows]), rtol=1e-5)


def test_eagerly_it_computes_at_once():
    middle = Watched(True)
    Predictor(model(middle), "eager")([X])
    assert middle.seen == [np.ndarray]


def test_outputs_of_whole_numbers_and_several_outputs_are_of_their_kinds():
    def two(x, training):
        return pb.argmax(x, axis=1), x > 0.0

    whole, truth = Predictor(two, "native")([X])
    assert (whole.dtype, truth.dtype) == (np.int64, np.bool_)
    np.testing.assert_array_equal(whole, X.argmax(axis=1))
    np.testing.assert_array_equal(truth, X > 0.0)
