"""The confusion matrix, against scikit-learn's, and who is wrong, by sorting."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix
from tests.images.seeing.models import CLASSES, classifier, softmax

import pullback as pb
from pullback.images.seeing import mistakes


def guesses(rows, count, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, count, rows)
    return rng.normal(size=(rows, count)) + 1.5 * np.eye(count)[labels], labels


@pytest.mark.parametrize(("rows", "count"), [(1, 2), (7, 3), (500, 10), (40, 50)])
def test_counts_are_scikit_learns(rows, count):
    scores, labels = guesses(rows, count)
    found = mistakes(scores, None, labels)
    predicted = scores.argmax(axis=1)
    expected = confusion_matrix(labels, predicted, labels=range(count))
    np.testing.assert_array_equal(found.counts, expected)
    assert found.accuracy == pytest.approx(accuracy_score(labels, predicted))
    shares = confusion_matrix(labels, predicted, labels=range(count), normalize="true")
    np.testing.assert_allclose(found.shares, shares)
    likely = softmax(scores)
    wrong = [k for k in range(rows) if predicted[k] != labels[k]]
    wrong.sort(key=lambda k: -likely[k, predicted[k]])
    assert found.wrong.tolist() == wrong
    np.testing.assert_allclose(found.confidence, likely.max(axis=1))


@pytest.mark.parametrize("engine", ["eager", "native"])
@pytest.mark.parametrize("rows", [1, 17, 1030])
def test_a_model_is_asked_in_batches(engine, rows):
    model = classifier(dtype="float32")
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 256, (rows, 8, 7)).astype(np.uint8)
    labels = rng.integers(0, 3, rows)
    found = mistakes(model, pictures, labels, CLASSES, engine=engine)
    scores = model.predict((pictures / 255.0)[..., None].astype(np.float32))
    np.testing.assert_array_equal(found.predicted, scores.argmax(axis=1))
    np.testing.assert_allclose(found.confidence, softmax(scores).max(axis=1), rtol=1e-5)


def test_labels_may_be_names():
    scores, labels = guesses(30, 3)
    a = mistakes(scores, None, labels, CLASSES)
    b = mistakes(scores, None, [CLASSES[k] for k in labels], CLASSES)
    np.testing.assert_array_equal(a.counts, b.counts)


def test_probabilities_are_left_as_they_are():
    scores, labels = guesses(30, 3)
    a, b = mistakes(scores, None, labels), mistakes(softmax(scores), None, labels)
    np.testing.assert_allclose(a.confidence, b.confidence)


def test_a_class_that_no_picture_has_has_no_shares():
    found = mistakes(np.eye(3)[[0, 1]], None, [0, 0])
    assert found.counts.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert found.shares.tolist() == [[0.5, 0.5, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


def test_a_single_score_and_a_single_class():
    found = mistakes([[2.0], [-1.0], [3.0]], None, [1, 1, 0])
    assert found.counts.tolist() == [[0, 1], [1, 1]]
    np.testing.assert_allclose(found.confidence, 1.0 / (1.0 + np.exp(-np.array([2.0, 1.0, 3.0]))))
    only = mistakes([[2.0], [-1.0]], None, [0, 0], ["thing"])
    assert only.counts.tolist() == [[2]]
    assert only.wrong.size == 0


@pytest.mark.parametrize(
    ("scores", "pictures", "labels", "said"),
    [
        (np.zeros((3, 2)), None, [0, 1], r"3 rows of scores need as many labels.*\(2,\)"),
        (np.zeros((3, 2)), np.zeros((2, 4, 4)), [0, 1, 0], "and 2 pictures"),
        (np.zeros(3), None, [0, 1, 0], r"scores are numbers \(N, classes\)"),
        (np.zeros((0, 2)), None, [], "scores are numbers"),
        (np.array([["a", "b"]]), None, [0], "scores are numbers"),
        (np.array([[0.0, np.nan]]), None, [0], "not finite"),
        (np.zeros((1, 2)), None, [2], "no class 2"),
        (np.zeros((1, 2)), None, [0.5], "a class is a number"),
    ],
)
def test_what_does_not_fit_is_refused(scores, pictures, labels, said):
    with pytest.raises(pb.CircuitError, match=said):
        mistakes(scores, pictures, labels)


def test_a_model_needs_pictures():
    for pictures in (None, np.zeros((0, 8, 7))):
        with pytest.raises(pb.CircuitError, match="pictures"):
            mistakes(classifier(), pictures, [])
