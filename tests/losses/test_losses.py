"""Losses and penalties against scikit-learn, SciPy and the force specification."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.metrics import hinge_loss, log_loss

import pullback as pb
from pullback.losses import hinge_force

RNG = np.random.default_rng(0)
SCORES = RNG.normal(size=(7, 3)) * 3
LABELS = np.array([0, 2, 1, 1, 0, 2, 2])


def test_softmax_cross_entropy_is_the_log_loss():
    loss = pb.SoftmaxCrossEntropy()(SCORES, LABELS)
    assert loss.value == pytest.approx(log_loss(LABELS, softmax(SCORES, axis=1)))
    assert loss.value == pytest.approx(-log_softmax(SCORES, axis=1)[np.arange(7), LABELS].mean())


def test_softmax_cross_entropy_pulls_with_labels_less_probabilities():
    scores = pb.Unit(SCORES)
    pb.SoftmaxCrossEntropy()(scores, LABELS).backward(-7.0)
    np.testing.assert_allclose(scores.grad, np.eye(3)[LABELS] - softmax(SCORES, axis=1), atol=1e-12)


def test_softmax_cross_entropy_stays_finite_for_large_scores():
    scores = pb.Unit([[1e4, -1e4], [-1e4, 1e4]])
    loss = pb.SoftmaxCrossEntropy()(scores, [0, 0])
    loss.backward()
    assert loss.value == 1e4
    np.testing.assert_allclose(scores.grad, [[0, 0], [-0.5, 0.5]])


def test_hinge_is_scikit_learns():
    scores, labels = RNG.normal(size=9), np.array([1, -1] * 4 + [1])
    assert pb.Hinge()(scores, labels).value == pytest.approx(hinge_loss(labels, scores))
    assert pb.Hinge()(scores[:, None], labels).value == pytest.approx(hinge_loss(labels, scores))


def test_the_force_specification_is_the_hinge_loss():
    values, labels = np.linspace(-2.95, 3.0, 12), np.array([1, -1] * 6)
    scores = pb.Unit(values)
    pb.Hinge()(scores, labels).backward(-12.0)
    np.testing.assert_array_equal(scores.grad, hinge_force(values, labels))


def test_l2_is_the_sum_of_squares_and_springs():
    w = pb.Unit(RNG.normal(size=(3, 2)))
    penalty = pb.L2(0.25)([w])
    penalty.backward()
    assert penalty.value == pytest.approx(0.25 * (w.value**2).sum())
    np.testing.assert_allclose(w.grad, 0.5 * w.value)


def test_metrics():
    scores, labels = pb.Unit(SCORES), pb.Unit(LABELS)
    accuracy = pb.SoftmaxCrossEntropy().metrics(scores, labels)["accuracy"]
    assert accuracy.value == (SCORES.argmax(1) == LABELS).mean()
    accuracy = pb.Hinge().metrics(pb.Unit([2.0, -1.0, 0.5]), pb.Unit(np.array([1, 1, -1])))
    assert accuracy["accuracy"].value == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("loss", "scores", "labels", "message"),
    [
        (pb.SoftmaxCrossEntropy(), SCORES, [0, 1], "as many labels"),
        (pb.SoftmaxCrossEntropy(), SCORES, [0, 1, 2, 3, 0, 0, 0], r"label 3 \(row 3\)"),
        (pb.SoftmaxCrossEntropy(), SCORES, [0, 1, 2, -1, 0, 0, 0], r"label -1 \(row 3\)"),
        (pb.SoftmaxCrossEntropy(), SCORES, [0.5] * 7, "class numbers"),
        (pb.SoftmaxCrossEntropy(), SCORES, list("abcdefg"), "class numbers"),
        (pb.SoftmaxCrossEntropy(), SCORES, [np.nan] * 7, "class numbers"),
        (pb.SoftmaxCrossEntropy(), SCORES[0], [0], "shape"),
        (pb.Hinge(), SCORES, LABELS, "one score a row"),
        (pb.Hinge(), [0.0, 1.0], [0, 1], r"\+1 and -1, got 0 \(row 0\)"),
    ],
)
def test_labels_that_do_not_fit_are_refused(loss, scores, labels, message):
    with pytest.raises(pb.CircuitError, match=message):
        loss(scores, labels)


def test_a_negative_penalty_is_refused():
    with pytest.raises(pb.CircuitError, match="negative"):
        pb.L2(-1.0)
