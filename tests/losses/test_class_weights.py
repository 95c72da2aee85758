"""Class weights: each row's cost counts by the weight of its class."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_class_weight
from tests.losses.reference import (
    BINARY,
    COLUMN,
    NUMBERS,
    ONE_HOT,
    SIGNS,
    SOFT_BINARY,
    SOFT_ROWS,
    TABLE,
)

import pullback as pb
from pullback import losses
from pullback.losses import LOSSES, balanced_class_weights

TWO = (0.5, 3.0)
THREE = (0.5, 3.0, 1.0)
OTHERS = np.array([2.0, 0.0, 1.0, 3.0, 1.0, 0.0, 5.0])
CASES = [
    (losses.Hinge, TWO, {-1: 0.5, 1: 3.0}, COLUMN, SIGNS, np.where(SIGNS > 0, 3.0, 0.5)),
    (losses.SquaredHinge, TWO, {-1: 0.5, 1: 3.0}, COLUMN, SIGNS, np.where(SIGNS > 0, 3.0, 0.5)),
    (losses.BinaryCrossEntropy, TWO, {0: 0.5, 1: 3.0}, COLUMN, BINARY, np.array(TWO)[BINARY]),
    (
        losses.BinaryCrossEntropy,
        TWO,
        {0: 0.5, 1: 3.0},
        COLUMN,
        SOFT_BINARY,
        3.0 * SOFT_BINARY + 0.5 * (1 - SOFT_BINARY),
    ),
    (losses.BinaryFocalCrossEntropy, TWO, {0: 0.5, 1: 3.0}, COLUMN, BINARY, np.array(TWO)[BINARY]),
    *(
        (loss, THREE, {1: 3.0, 0: 0.5}, TABLE, labels, np.array(THREE)[NUMBERS])
        for loss in (
            losses.SoftmaxCrossEntropy,
            losses.SoftmaxFocalCrossEntropy,
            losses.MulticlassHinge,
        )
        for labels in (NUMBERS, ONE_HOT)
    ),
    (
        losses.SoftmaxCrossEntropy,
        THREE,
        {1: 3.0, 0: 0.5},
        TABLE,
        SOFT_ROWS,
        SOFT_ROWS @ np.array(THREE),
    ),
]


@pytest.mark.parametrize(
    ("loss", "sequence", "mapping", "scores", "labels", "of_rows"),
    CASES,
    ids=[f"{case[0].__name__}{k}" for k, case in enumerate(CASES)],
)
def test_class_weights_are_sample_weights_by_class(
    loss, sequence, mapping, scores, labels, of_rows
):
    for others in (None, OTHERS):
        wires = pb.Unit(scores)
        wanted = loss()(wires, labels, of_rows if others is None else of_rows * others)
        wanted.backward()
        for given in (sequence, mapping, np.array(sequence)):
            weighted = pb.Unit(scores)
            got = loss(class_weights=given)(weighted, labels, others)
            got.backward()
            assert float(got.value) == pytest.approx(float(wanted.value), rel=1e-13)
            np.testing.assert_allclose(weighted.grad, wires.grad, rtol=1e-12)


def test_every_loss_with_class_weights_is_tested():
    assert {case[0] for case in CASES} == {
        loss for loss in LOSSES.values() if "class_weights" in loss.__dataclass_fields__
    }


def test_the_mean_is_the_weighted_mean():
    got = losses.SoftmaxCrossEntropy(class_weights=THREE)(TABLE, NUMBERS)
    by_row = np.array(THREE)[NUMBERS]
    wanted = log_loss(NUMBERS, softmax(TABLE, axis=1), sample_weight=by_row)
    assert float(got.value) == pytest.approx(wanted, rel=1e-12)


def test_balanced_training_is_that_of_scikit_learn():
    """At scikit-learn's optimum for balanced classes, nothing pulls on its parameters."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 2)), (rng.normal(size=40) > 0.9).astype(int)
    theirs = LogisticRegression(class_weight="balanced", C=np.inf, tol=1e-12, max_iter=1000)
    theirs.fit(x, y)
    w, b = pb.Unit(theirs.coef_.T), pb.Unit(theirs.intercept_)
    loss = losses.BinaryCrossEntropy(class_weights=balanced_class_weights(y, 2))
    loss(pb.Unit(x) @ w + b, y).backward()
    np.testing.assert_allclose([*w.grad.ravel(), *b.grad], 0.0, atol=1e-6)


@pytest.mark.parametrize(
    ("labels", "classes", "named"),
    [(NUMBERS, 3, [0, 1, 2]), (SIGNS, (-1, 1), [-1, 1]), (BINARY.astype(bool), 2, [0, 1])],
)
def test_balanced_class_weights_are_those_of_scikit_learn(labels, classes, named):
    wanted = compute_class_weight("balanced", classes=np.array(named), y=labels)
    np.testing.assert_allclose(balanced_class_weights(labels, classes), wanted, rtol=1e-15)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: losses.Hinge(class_weights="balanced"),
            "class_weights are numbers, got 'balanced'; balanced ones depend on the labels: "
            "give balanced_class_weights(labels, classes)",
        ),
        (
            lambda: losses.Hinge(class_weights=[1.0, 0.0]),
            "class_weights must be positive and finite, got 0.0 at 1",
        ),
        (
            lambda: losses.SoftmaxCrossEntropy(class_weights={2: np.inf}),
            "class_weights must be positive and finite, got inf at 2",
        ),
        (
            lambda: losses.SoftmaxCrossEntropy(class_weights=["a"]),
            "class_weights must be positive and finite, got 'a' at 0",
        ),
        (
            lambda: losses.SoftmaxCrossEntropy(class_weights=2.0),
            "class_weights need one number for each class, got 2.0",
        ),
        (
            lambda: losses.MulticlassHinge(class_weights={"cat": 2.0}),
            "class_weights are by class number, got the key 'cat'",
        ),
        (
            lambda: losses.Hinge(class_weights=[1.0, 2.0, 3.0]),
            "2 classes need as many weights, got 3",
        ),
        (
            lambda: losses.Hinge(class_weights={0: 2.0}),
            "class_weights name a class 0; the classes are -1, 1",
        ),
        (
            lambda: losses.BinaryCrossEntropy(class_weights={-1: 2.0}),
            "class_weights name a class -1; the classes are 0, 1",
        ),
        (
            lambda: losses.SoftmaxCrossEntropy(class_weights=TWO).prepare(NUMBERS, TABLE.shape),
            "3 classes need as many weights, got 2",
        ),
        (
            lambda: losses.MulticlassHinge(class_weights={3: 2.0}).prepare(NUMBERS, TABLE.shape),
            "class_weights name a class 3; the classes are 0, 1, 2",
        ),
        (
            lambda: balanced_class_weights([0, 0, 2], 3),
            "class 1 has no row, so no weight would balance it",
        ),
        (
            lambda: balanced_class_weights(ONE_HOT, 2),
            "class numbers are one a row, got labels of shape (7, 3); "
            "of one-hot rows, take argmax(axis=1)",
        ),
        (
            lambda: balanced_class_weights([0, 1, 2], 2),
            "label 2 (row 2) is none of the classes 0, 1",
        ),
        (
            lambda: balanced_class_weights(["a", "b"], 2),
            "labels are <U1 values; they must be class numbers; encode them first",
        ),
    ],
)
def test_class_weights_that_do_not_fit_are_refused(make, message):
    with pytest.raises(pb.CircuitError) as error:
        make()
    assert str(error.value) == message
