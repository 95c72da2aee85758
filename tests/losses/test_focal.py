"""Focal losses: what they are beside cross entropy, and where probabilities are nearly 1."""

import numpy as np
import pytest
from scipy.special import expit, log_expit, logsumexp
from tests.losses.reference import BINARY, COLUMN, NUMBERS, SOFT_BINARY, SOFT_ROWS, TABLE

import pullback as pb

BINARY_LABELS = [BINARY, SOFT_BINARY, BINARY.astype(bool)]


@pytest.mark.parametrize("labels", BINARY_LABELS)
def test_gamma_0_is_binary_cross_entropy_to_the_bit(labels):
    values = [
        loss(pb.Unit(COLUMN), labels)
        for loss in (pb.BinaryFocalCrossEntropy(gamma=0.0), pb.BinaryCrossEntropy())
    ]
    assert values[0].value == values[1].value


@pytest.mark.parametrize("labels", [NUMBERS, SOFT_ROWS])
def test_gamma_0_is_softmax_cross_entropy_to_the_bit(labels):
    focal, plain = pb.SoftmaxFocalCrossEntropy(gamma=0.0), pb.SoftmaxCrossEntropy()
    assert focal(TABLE, labels).value == plain(TABLE, labels).value


@pytest.mark.parametrize(("gamma", "alpha"), [(2.0, 0.25), (0.0, 0.25), (3.5, 0.9)])
def test_it_is_the_sigmoid_focal_loss_of_torchvision(gamma, alpha):
    p = expit(COLUMN)
    entropy = np.maximum(COLUMN, 0) - COLUMN * BINARY + np.log1p(np.exp(-abs(COLUMN)))
    p_t = p * BINARY + (1 - p) * (1 - BINARY)
    alpha_t = alpha * BINARY + (1 - alpha) * (1 - BINARY)
    wanted = alpha_t * entropy * (1 - p_t) ** gamma
    loss = pb.BinaryFocalCrossEntropy(gamma=gamma, alpha=alpha)
    np.testing.assert_allclose(loss.cost(pb.Unit(COLUMN), pb.Unit(BINARY)).value, wanted, 1e-13)
    assert float(loss(COLUMN, BINARY).value) == pytest.approx(wanted.mean(), rel=1e-13)


def test_two_classes_cost_the_same_by_one_score_and_by_two():
    scores = np.stack([np.zeros_like(COLUMN), COLUMN], axis=1)
    one, two = pb.BinaryFocalCrossEntropy(gamma=1.7), pb.SoftmaxFocalCrossEntropy(gamma=1.7)
    np.testing.assert_allclose(
        two.cost(pb.Unit(scores), pb.Unit(BINARY)).value,
        one.cost(pb.Unit(COLUMN), pb.Unit(BINARY)).value,
        rtol=1e-12,
    )


@pytest.mark.parametrize("gamma", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("sure", [10.0, 25.0, 30.0])
def test_costs_and_slopes_are_right_where_the_probability_rounds_to_1(gamma, sure):
    """In single precision, where 1 - p would be 0."""
    rest = float(log_expit(-sure))  # log(1 - p)
    wanted = np.exp(gamma * rest) * -log_expit(np.float64(sure))
    score = pb.Unit(np.float32([sure]))
    loss = pb.BinaryFocalCrossEntropy(gamma=gamma)(score, [1])
    assert float(loss.value) == pytest.approx(wanted, rel=1e-5)
    scores = pb.Unit(np.float32([[sure, 0.0, 0.0], [0.0, sure, 0.0]]))
    rest = logsumexp([0.0, 0.0]) - logsumexp([sure, 0.0, 0.0])
    loss = pb.SoftmaxFocalCrossEntropy(gamma=gamma)(scores, [1, 0])  # all wrong
    p = np.exp(-logsumexp([sure, 0.0, 0.0]))
    assert float(loss.value) == pytest.approx((1 - p) ** gamma * -np.log(p), rel=1e-5)
    loss.backward()
    assert np.isfinite(scores.grad).all()
    exact = pb.Unit(np.array([[sure, 0.0, 0.0]]))
    slope = pb.gradient(pb.SoftmaxFocalCrossEntropy(gamma=gamma)(exact, [0]), exact)
    assert np.isfinite(slope.value).all()
    assert (slope.value[0, 0] < 0.0) or gamma * rest < -700
    bent = pb.gradient(slope.sum() + (slope * slope).sum(), exact)
    assert np.isfinite(bent.value).all()


def test_tied_classes_have_the_slope_of_either_side():
    loss = pb.SoftmaxFocalCrossEntropy(gamma=1.3)
    scores = pb.Unit(np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 2.0]]), "scores")
    assert pb.check_gradients(loss(scores, [0, 2]))


def test_one_class_alone_costs_nothing():
    scores = pb.Unit(np.array([[3.0], [-4.0]]))
    loss = pb.SoftmaxFocalCrossEntropy()(scores, [0, 0])
    loss.backward()
    assert loss.value == 0.0
    np.testing.assert_array_equal(scores.grad, np.zeros((2, 1)))


def test_what_is_no_focal_loss_is_refused():
    for make in (pb.BinaryFocalCrossEntropy, pb.SoftmaxFocalCrossEntropy):
        for gamma in (-1.0, np.nan, np.inf):
            with pytest.raises(pb.CircuitError, match="gamma must be at least 0 and finite"):
                make(gamma=gamma)
    for alpha in (0.0, 1.0, np.nan):
        with pytest.raises(pb.CircuitError, match="alpha must be above 0 and below 1"):
            pb.BinaryFocalCrossEntropy(alpha=alpha)
    with pytest.raises(pb.CircuitError, match="both weigh the classes; give one"):
        pb.BinaryFocalCrossEntropy(alpha=0.25, class_weights={1: 3.0})
