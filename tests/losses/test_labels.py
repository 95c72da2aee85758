"""Wrong labels and weights are refused before any work: the row is named, and the cure."""

import numpy as np
import pandas as pd
import pytest
from tests.losses.reference import (
    CASES,
    COLUMN,
    COUNTS,
    NUMBERS,
    ONE_HOT,
    ROWS,
    SIGNS,
    TABLE,
    TARGET,
)

import pullback as pb
from pullback import losses
from pullback.losses import prepare_weights

FIVE = np.zeros(5)
FIVE_BY_3 = np.zeros((5, 3))


def with_row(labels, row, wrong):
    labels = np.array(labels, float)
    labels[row] = wrong
    return labels


@pytest.mark.parametrize(
    ("loss", "scores", "labels", "message"),
    [
        (
            losses.Hinge(),
            COLUMN,
            with_row(SIGNS, 3, 0),
            "hinge needs labels +1 and -1, got 0.0 (row 3); of labels 0 and 1, make 2 * labels - 1",
        ),
        (
            losses.SquaredHinge(),
            FIVE,
            [True] * 5,
            "squared hinge needs labels +1 and -1, got True (row 0); "
            "of labels 0 and 1, make 2 * labels - 1",
        ),
        (
            losses.Hinge(),
            FIVE,
            list("abcde"),
            "labels are <U1 values; they must be +1 and -1; encode them first",
        ),
        (
            losses.Hinge(),
            TABLE,
            SIGNS,
            "hinge needs one score a row, got scores of shape (7, 3)",
        ),
        (losses.Hinge(), FIVE, [1, -1], "5 rows of scores need as many labels, got (2,)"),
        (
            losses.BinaryCrossEntropy(),
            COLUMN,
            SIGNS,
            "binary cross entropy needs labels from 0 to 1, got -1 (row 1); "
            "of labels -1 and +1, make (labels + 1) / 2",
        ),
        (
            losses.BinaryCrossEntropy(),
            FIVE,
            with_row(FIVE, 4, np.nan),
            "binary cross entropy needs labels from 0 to 1, got nan (row 4); "
            "of labels -1 and +1, make (labels + 1) / 2",
        ),
        (
            losses.SoftmaxCrossEntropy(),
            TABLE,
            with_row(NUMBERS, 5, 3),
            "label 3 (row 5) is not among the 3 classes 0 to 2 that the model scores",
        ),
        (
            losses.MulticlassHinge(),
            TABLE,
            with_row(NUMBERS, 2, -1),
            "label -1 (row 2) is not among the 3 classes 0 to 2 that the model scores",
        ),
        (
            losses.SoftmaxCrossEntropy(),
            TABLE,
            with_row(NUMBERS, 1, 0.5),
            "label 0.5 (row 1) is none of the class numbers 0, 1, 2, ...; encode labels first",
        ),
        (
            losses.SoftmaxCrossEntropy(),
            TABLE,
            with_row(NUMBERS, 6, np.nan),
            "label nan (row 6) is none of the class numbers 0, 1, 2, ...; encode labels first",
        ),
        (
            losses.SoftmaxCrossEntropy(),
            FIVE_BY_3,
            list("abcde"),
            "labels are <U1 values; they must be class numbers 0, 1, 2, ...; encode them first",
        ),
        (
            losses.SoftmaxCrossEntropy(),
            FIVE_BY_3,
            [[0, 1], [1]],
            "labels are a ragged list; they must be class numbers 0, 1, 2, ...; encode them first, "
            "in rows of equal lengths",
        ),
        (
            losses.SoftmaxCrossEntropy(),
            FIVE_BY_3,
            np.zeros((5, 2)),
            "5 rows of scores need as many labels, got (5, 2); "
            "they are class numbers (5,) or rows (5, 3)",
        ),
        (
            losses.SoftmaxCrossEntropy(),
            FIVE,
            np.zeros(5),
            "softmax needs scores of shape (batch, classes), got (5,)",
        ),
        (
            losses.SoftmaxCrossEntropy(),
            TABLE,
            with_row(ONE_HOT, 2, [0.5, 0.4, 0.0]),
            "label [0.5 0.4 0. ] (row 2) adds up to 0.9, not 1; divide each row by its sum",
        ),
        (
            losses.SoftmaxCrossEntropy(),
            TABLE,
            with_row(ONE_HOT, 4, [-0.5, 0.5, 1.0]),
            "label [-0.5  0.5  1. ] (row 4) has a number that is no probability; "
            "each must be from 0 to 1",
        ),
        (
            losses.MulticlassHinge(),
            TABLE,
            with_row(ONE_HOT, 4, [0.0, 0.5, 0.5]),
            "label [0.  0.5 0.5] (row 4) is not one-hot: a single 1 among zeros; "
            "take the class numbers with argmax(axis=1)",
        ),
        (
            losses.SquaredError(),
            COLUMN,
            with_row(TARGET, 3, np.inf),
            "label inf (row 3) is not finite; fill or drop such rows first",
        ),
        (
            losses.AbsoluteError(),
            TABLE,
            TARGET,
            "absolute error needs a label for each score: scores of shape (7, 3) "
            "need labels of shape (7, 3), got (7,)",
        ),
        (
            losses.Huber(),
            np.zeros((5, 1)),
            [1.0, 2.0],
            "huber needs a label for each score: scores of shape (5, 1) "
            "need labels of shape (5,), got (2,)",
        ),
        (
            losses.SquaredError(),
            FIVE,
            [None] * 5,
            "labels are object values; they must be numbers to come near to",
        ),
        (
            losses.Poisson(),
            COLUMN,
            with_row(COUNTS, 6, -1),
            "label -1.0 (row 6) is negative; poisson needs counts of at least 0",
        ),
        (
            losses.Quantile([0.1, 0.9]),
            TABLE,
            TARGET,
            "2 quantiles need scores of shape (batch, 2), got (7, 3)",
        ),
        (
            losses.Cosine(),
            TABLE,
            with_row(TABLE, 5, 0.0),
            "label [0. 0. 0.] (row 5) has no direction; drop such rows first",
        ),
        (
            losses.Cosine(),
            COLUMN,
            TARGET,
            "cosine needs scores of shape (batch, outputs), got (7,)",
        ),
    ],
)
def test_labels_that_do_not_fit_are_refused(loss, scores, labels, message):
    with pytest.raises(pb.CircuitError) as error:
        loss(scores, labels)
    assert str(error.value) == message


@pytest.mark.parametrize("name", sorted(CASES))
def test_every_loss_refuses_other_numbers_of_rows_and_none(name):
    case = CASES[name]
    with pytest.raises(pb.CircuitError, match=r"7|label"):
        case.loss(case.scores, case.labels[:-1])
    with pytest.raises(pb.CircuitError, match="at least one row of scores"):
        case.loss(case.scores[:0], case.labels[:0])
    with pytest.raises(pb.CircuitError):
        case.loss(3.0, 1.0)


@pytest.mark.parametrize("name", sorted(CASES))
def test_labels_on_a_wire_must_fit_too(name):
    case = CASES[name]
    labels = pb.Unit(case.loss.prepare(case.labels, case.scores.shape)[:3])
    with pytest.raises(pb.CircuitError):
        case.loss(pb.Unit(case.scores), labels)


def test_rows_are_not_broadcast_against_columns():
    with pytest.raises(pb.CircuitError, match=r"scores of shape \(7, 3\) need labels"):
        losses.SquaredError()(pb.Unit(TABLE), pb.Unit(np.zeros(3)))
    with pytest.raises(pb.CircuitError, match=r"scores of shape \(7,\) need labels"):
        losses.SquaredError()(pb.Unit(COLUMN), pb.Unit(np.zeros((7, 7))))


@pytest.mark.parametrize(
    ("loss", "shape"),
    [
        (losses.SoftmaxCrossEntropy(), (7, 1)),
        (losses.SoftmaxCrossEntropy(), (1,)),
        (losses.MulticlassHinge(), (1,)),
        (losses.MulticlassHinge(), (7, 1)),
        (losses.MulticlassHinge(), (7, 3)),
        (losses.Force(losses.softmax_force), (7, 1)),
    ],
)
def test_classes_on_a_wire_are_not_broadcast(loss, shape):
    with pytest.raises(pb.CircuitError, match=r"need class numbers of shape \(7,\)|are rows"):
        loss(pb.Unit(TABLE), pb.Unit(np.zeros(shape)))


def test_whole_numbers_on_a_wire_are_no_scores():
    with pytest.raises(pb.CircuitError, match="'s' carries int64 values; scores are floats"):
        losses.SquaredError()(pb.Unit(np.arange(3), "s"), [1, 2, 3])
    assert float(losses.SquaredError()(np.arange(3), [1, 2, 3]).value) == 1.0


@pytest.mark.parametrize("loss", [losses.SoftmaxCrossEntropy(), losses.MulticlassHinge("maximum")])
@pytest.mark.parametrize("dtype", [bool, np.int8, np.float32])
def test_one_hot_rows_are_class_numbers(loss, dtype):
    prepared = loss.prepare(ONE_HOT.astype(dtype), TABLE.shape)
    np.testing.assert_array_equal(prepared, NUMBERS)
    assert float(loss(TABLE, ONE_HOT.astype(dtype)).value) == float(loss(TABLE, NUMBERS).value)


def test_one_hot_rows_on_a_wire_cost_what_class_numbers_cost():
    loss = losses.SoftmaxCrossEntropy()
    on_wire = loss(pb.Unit(TABLE), pb.Unit(ONE_HOT))
    assert float(on_wire.value) == pytest.approx(float(loss(TABLE, NUMBERS).value), rel=1e-13)


@pytest.mark.parametrize("make", [list, tuple, pd.Series])
def test_labels_come_in_any_container(make):
    wanted = float(losses.Hinge()(COLUMN, SIGNS).value)
    assert float(losses.Hinge()(COLUMN, make(SIGNS)).value) == wanted
    wanted = float(losses.SoftmaxCrossEntropy()(TABLE, NUMBERS).value)
    assert float(losses.SoftmaxCrossEntropy()(TABLE, make(NUMBERS)).value) == wanted
    assert float(losses.SoftmaxCrossEntropy()(TABLE, make(NUMBERS.astype(float))).value) == wanted


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.Huber(0.0), "huber's delta must be positive and finite, got 0.0"),
        (lambda: losses.Huber(np.nan), "huber's delta must be positive and finite, got nan"),
        (lambda: losses.Quantile(1.0), "a number between 0 and 1, or several, got 1.0"),
        (lambda: losses.Quantile([0.5, 0.0]), r"or several, got \[0.5, 0.0\]"),
        (lambda: losses.Quantile([]), "between 0 and 1"),
        (lambda: losses.Quantile("half"), "between 0 and 1"),
        (lambda: losses.Quantile(np.nan), "between 0 and 1"),
        (lambda: losses.SoftmaxCrossEntropy(label_smoothing=1.0), "less than 1, got 1.0"),
        (lambda: losses.SoftmaxCrossEntropy(label_smoothing=-0.1), "at least 0"),
        (lambda: losses.BinaryCrossEntropy(label_smoothing=1.5), "less than 1, got 1.5"),
        (lambda: losses.MulticlassHinge("mean"), '"sum" or "maximum", got \'mean\''),
        (lambda: losses.MulticlassHinge(margin=0.0), "margin must be positive"),
    ],
)
def test_arguments_are_checked(make, message):
    with pytest.raises(pb.CircuitError, match=message):
        make()


# Sample weights ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 2.0], "7 rows need weights of shape (7,), got (2,)"),
        (np.ones((7, 1)), "7 rows need weights of shape (7,), got (7, 1)"),
        (
            with_row(np.ones(7), 4, -1),
            "weight -1.0 (row 4) is not a finite number of at least 0; "
            "give the row weight 0 to leave it out",
        ),
        (
            with_row(np.ones(7), 2, np.nan),
            "weight nan (row 2) is not a finite number of at least 0; "
            "give the row weight 0 to leave it out",
        ),
        (
            with_row(np.ones(7), 0, np.inf),
            "weight inf (row 0) is not a finite number of at least 0; "
            "give the row weight 0 to leave it out",
        ),
        (np.zeros(7), "all weights are 0; at least one row must count"),
        (np.full(7, 1e308), "the weights add up to more than float64 holds; divide them"),
        (["1"] * 7, "weights are <U1 values; sample weights are one number a row"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights, message):
    for weigh in (
        lambda: prepare_weights(weights, ROWS),
        lambda: losses.Hinge()(COLUMN, SIGNS, weights),
    ):
        with pytest.raises(pb.CircuitError) as error:
            weigh()
        assert str(error.value) == message


def test_weights_on_a_wire_must_have_one_for_each_row():
    with pytest.raises(pb.CircuitError, match=r"7 rows need weights of shape \(7,\), got \(1,\)"):
        losses.Hinge()(COLUMN, SIGNS, pb.Unit([1.0]))


@pytest.mark.parametrize("dtype", [bool, int, np.float32, np.float64])
def test_weights_become_floats(dtype):
    prepared = prepare_weights(np.array([1, 0, 1], dtype), 3)
    assert prepared.dtype == (np.float32 if dtype == np.float32 else np.float64)
    np.testing.assert_array_equal(prepared, [1.0, 0.0, 1.0])
