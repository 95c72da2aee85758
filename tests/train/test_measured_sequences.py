"""What training measures of sequences of different lengths: each step counts once, in any batch."""

import numpy as np
import pytest

import pullback as pb

ROWS, STEPS, CLASSES = 8, 10, 5


@pytest.fixture(scope="module")
def data():
    """Six sequences of one step and two of ten; and a model, right about the long ones alone."""
    rng = np.random.default_rng(0)
    model = pb.Sequential(
        pb.Embedding(CLASSES, 4, dtype="float64"),
        pb.GRU(4, dtype="float64"),
        pb.Dense(CLASSES, dtype="float64"),
        rng=0,
    )
    x = rng.integers(CLASSES, size=(ROWS, STEPS))
    model(x)
    y = model.predict(x).argmax(-1)
    y[:6, 0] = (y[:6, 0] + 1) % CLASSES
    y[:6, 1:] = -1
    return model, x, y


def of_an_epoch(model, *data, **how):
    trainer = pb.Trainer(model, pb.SequenceCrossEntropy(), pb.SGD(1e-13))  # moves nothing
    return trainer.fit(*data, epochs=1, progress=False, **how).rows[-1]


def expected(data):
    model, x, y = data
    scores = model.predict(x)
    logs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    own = np.take_along_axis(logs, np.maximum(y, 0)[..., None], -1)[..., 0]
    return -own[y >= 0].mean()


@pytest.mark.parametrize("size", [8, 4, 3, 1])
def test_in_batches_of_rows(data, size):
    model, x, y = data
    row = of_an_epoch(model, x, y, batch_size=size)
    assert row["accuracy"] == pytest.approx(20 / 26)
    assert row["nats"] == pytest.approx(expected(data), rel=1e-9)
    assert row["loss"] == pytest.approx(expected(data), rel=1e-9)


def test_in_batches_of_like_lengths(data):
    model, x, y = data
    batches = [(x[:3, :1], y[:3, :1]), (x[3:6, :1], y[3:6, :1]), (x[6:], y[6:])]
    row = of_an_epoch(model, batches)
    assert row["accuracy"] == pytest.approx(20 / 26)
    for name in ("nats", "loss"):
        assert row[name] == pytest.approx(expected(data), rel=1e-9)


def test_with_weights_of_rows(data):
    model, x, y = data
    weights = np.array([3.0] * 6 + [0.5] * 2)
    for size in (8, 3):
        row = of_an_epoch(model, x, y, batch_size=size, weights=weights)
        assert row["accuracy"] == pytest.approx(10 / 28)
