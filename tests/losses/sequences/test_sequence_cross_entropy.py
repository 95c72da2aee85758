"""Cross-entropy over steps: each step that counts counts the same."""

import numpy as np
import pytest
from scipy.special import log_softmax

import pullback as pb

RNG = np.random.default_rng(3)
SCORES = RNG.normal(size=(6, 5, 4)) * 2.0
LABELS = RNG.integers(4, size=(6, 5))
LABELS[np.arange(5) >= np.array([5, 3, 0, 1, 4, 2])[:, None]] = -1


def wanted(scores, labels, weights=None, smoothing=0.0):
    """The mean over all steps that count, each with the weight of its row."""
    logs = log_softmax(scores, axis=2)
    own = np.take_along_axis(logs, np.maximum(labels, 0)[..., None], axis=2)[..., 0]
    costs = -((1 - smoothing) * own + smoothing * logs.mean(axis=2))
    weights = np.ones(len(labels)) if weights is None else np.asarray(weights)
    return np.average(costs, weights=(labels >= 0) * weights[:, None])


@pytest.mark.parametrize("weights", [None, [2.0, 0.0, 1.0, 3.0, 1.0, 0.5]])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_it_is_the_mean_over_steps(smoothing, weights):
    loss = pb.SequenceCrossEntropy(label_smoothing=smoothing)
    got = float(loss(SCORES, LABELS, weights).value)
    assert got == pytest.approx(wanted(SCORES, LABELS, weights, smoothing), rel=1e-13)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_each_step_counts_the_same_in_every_batch(size):
    loss = pb.SequenceCrossEntropy()
    mean = pb.Unit(loss.mean_weight(LABELS, SCORES.shape))
    parts = [slice(k, k + size) for k in range(0, 6, size)]
    values = [loss(pb.Unit(SCORES[p]), pb.Unit(LABELS[p]), None, mean).value for p in parts]
    assert np.mean(values) == pytest.approx(wanted(SCORES, LABELS), rel=1e-13)


def test_what_does_not_count_has_no_say():
    loss = pb.SequenceCrossEntropy()
    x = pb.Unit(np.where((LABELS >= 0)[..., None], SCORES, 1e4))
    value = loss(x, LABELS)
    assert float(value.value) == pytest.approx(wanted(SCORES, LABELS), rel=1e-13)
    slope = pb.gradient(value, x).value
    assert np.abs(slope[LABELS >= 0]).max() > 0.0
    np.testing.assert_array_equal(slope[LABELS < 0], 0.0)
    assert pb.check_gradients(loss(pb.Unit(SCORES, "x"), LABELS))


def test_metrics_are_of_steps():
    loss = pb.SequenceCrossEntropy(label_smoothing=0.2)
    found = loss.metrics(pb.Unit(SCORES), pb.Unit(LABELS))
    right = (SCORES.argmax(axis=2) == LABELS)[LABELS >= 0]
    assert float(found["accuracy"].value) == pytest.approx(right.mean(), rel=1e-13)
    assert float(found["nats"].value) == pytest.approx(wanted(SCORES, LABELS), rel=1e-13)
    weights = np.array([2.0, 0.0, 1.0, 3.0, 1.0, 0.5])
    found = loss.metrics(pb.Unit(SCORES), pb.Unit(LABELS), pb.Unit(weights))
    assert float(found["nats"].value) == pytest.approx(wanted(SCORES, LABELS, weights), rel=1e-13)


def test_full_rows_are_those_of_softmax_cross_entropy():
    labels = np.maximum(LABELS, 0)
    got = float(pb.SequenceCrossEntropy()(SCORES, labels).value)
    flat = float(pb.SoftmaxCrossEntropy()(SCORES.reshape(30, 4), labels.ravel()).value)
    assert got == pytest.approx(flat, rel=1e-13)


@pytest.mark.parametrize("engine", ["eager", "native", "jax"])
def test_a_trainer_measures_it(engine):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32, 6, 3))
    labels = (x @ rng.normal(size=(3, 4))).argmax(axis=2)
    labels[np.arange(6) >= rng.integers(0, 7, 32)[:, None]] = -1
    model = pb.Sequential(pb.Dense(4, rng=0))
    trainer = pb.Trainer(model, pb.SequenceCrossEntropy(), pb.Adam(0.1), engine=engine)
    history = trainer.fit(x, labels, epochs=40, batch_size=8, validation=0.25)
    assert history.rows[-1]["accuracy"] > 0.9
    measured = trainer.evaluate(x, labels)
    scores = trainer.predict(x).astype(np.float64)
    assert measured["nats"] == pytest.approx(wanted(scores, labels), rel=1e-5)
    assert measured["loss"] == pytest.approx(measured["nats"], rel=1e-6)


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_of_batches_that_come_every_step_counts_the_same(engine):
    model = pb.Sequential(pb.Identity(), pb.Dense(4, rng=0))
    given = [(SCORES[:2], LABELS[:2]), (SCORES[3:], LABELS[3:])]
    model(SCORES)
    start = model.predict(SCORES).astype(np.float64)
    trainer = pb.Trainer(model, pb.SequenceCrossEntropy(), pb.SGD(1e-12), engine=engine)
    history = trainer.fit(given, epochs=1)
    first, second = wanted(start[:2], LABELS[:2]), wanted(start[3:], LABELS[3:])
    n, m = ((labels >= 0).sum() for labels in (LABELS[:2], LABELS[3:]))
    mean = pytest.approx((n * first + m * second) / (n + m), rel=1e-5)
    assert n / m != 2 / 3
    assert history["loss"] == [mean]
    assert history["nats"] == [mean]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[0, 4]], "label 4 (row 0, step 1) is none of the 4 classes 0 to 3"),
        ([[0, -2]], "label -2 (row 0, step 1)"),
        ([[0.5, 0]], "label 0.5 (row 0, step 0)"),
        ([[np.nan, 0]], "label nan (row 0, step 0)"),
        ([[-1, -1]], "all labels are -1, so no step counts"),
        ([[0]], "scores of 1 rows and 2 steps need labels of shape (1, 2), got (1, 1)"),
        ([0, 1], "labels of sequences are (rows, steps)"),
        ([["a", "b"]], "labels are <U1 values; they must be class numbers"),
    ],
)
def test_labels_that_cannot_be_are_refused(labels, message):
    with pytest.raises(pb.CircuitError) as refused:
        pb.SequenceCrossEntropy()(np.zeros((1, 2, 4)), labels)
    assert message in str(refused.value)


def test_other_arguments_that_cannot_be_are_refused():
    with pytest.raises(pb.CircuitError, match="label_smoothing must be at least 0"):
        pb.SequenceCrossEntropy(label_smoothing=1.0)
    with pytest.raises(pb.CircuitError, match=r"scores of shape \(rows, steps, classes\)"):
        pb.SequenceCrossEntropy()(np.zeros((2, 4)), [[0], [1]])
