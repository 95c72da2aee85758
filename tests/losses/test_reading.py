"""What a loss declares of its scores is what it does with them."""

import numpy as np
import pytest

import pullback as pb
from pullback.losses import LOSSES
from pullback.losses.loss import fitting
from pullback.losses.reading import Reading

CLASSIFIERS = [name for name, loss in LOSSES.items() if loss.reading.task == "classification"]
LABELS = np.array([0, 1, 1, 0])


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_right_and_sure_answer_costs_less_than_a_wrong_one(name):
    loss = LOSSES[name]()
    labels = loss.reading.labels(LABELS)
    sure = np.where(LABELS == 1, 5.0, -5.0)[:, None]
    scores = sure if loss.reading.outputs(2) == 1 else np.hstack([-sure, sure])
    right, wrong = (float(loss(s, labels).value) for s in (scores, -scores))
    assert right < 0.01 < 1.0 < wrong
    np.testing.assert_array_equal(loss.reading.by_class(scores).argmax(axis=1), LABELS)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_probabilities_are_those_whose_logarithm_is_the_cost(name):
    loss, rng = LOSSES[name](), np.random.default_rng(0)
    scores = rng.normal(size=(4, loss.reading.outputs(2)))
    found = loss.reading.probabilities(scores)
    if not loss.reading.probable:
        assert found is None
        return
    assert found is not None
    if "Focal" in name:  # which costs less than the logarithm, but for a gamma of 0
        loss = LOSSES[name](gamma=0.0)
    costs = loss.cost(pb.Unit(scores), pb.Unit(loss.prepare(LABELS, scores.shape))).value
    np.testing.assert_allclose(-np.log(found[np.arange(4), LABELS]), costs, rtol=1e-12)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_hinge_asks_for_no_more_than_its_margin(name):
    loss = LOSSES[name]()
    scores = np.where(LABELS == 1, 2.0, -2.0)[:, None]
    scores = scores if loss.reading.outputs(2) == 1 else np.hstack([-scores, scores])
    cost = float(loss(scores, loss.reading.labels(LABELS)).value)
    assert (cost == 0.0) == loss.reading.hinge


def test_quantities_have_one_score_and_labels_stay():
    names = fitting("regression")
    assert set(names) == {"AbsoluteError", "Huber", "Quantile", "SquaredError"}
    for name in names:
        reading = LOSSES[name].reading
        assert reading.outputs(0) == 1
        assert reading.labels(LABELS) is LABELS


def test_one_score_tells_no_three_classes_apart():
    assert set(fitting("classification", 3)) == {
        "SoftmaxCrossEntropy",
        "SoftmaxFocalCrossEntropy",
        "MulticlassHinge",
    }
    assert set(fitting("classification", 2)) == set(CLASSIFIERS)


def test_a_loss_says_nothing_until_it_declares():
    assert pb.Poisson().reading == pb.Cosine().reading == Reading()
