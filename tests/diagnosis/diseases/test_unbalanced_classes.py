"""A rare class that is lost is found, and weights bring it back."""

import numpy as np
from tests.diagnosis.small import findings, patient

import pullback as pb

RNG = np.random.default_rng(0)


def net(x, y, epochs=8, loss=None, outputs=2, rate=0.05):
    model = pb.Sequential(pb.Dense(8, rng=0), pb.ReLU(), pb.Dense(outputs, rng=1))
    return patient(model, loss or pb.SoftmaxCrossEntropy(), pb.SGD(rate), x, y, epochs=epochs)


def rare(rows=300):
    y = (np.arange(rows) % 12 == 0).astype(int)
    return RNG.normal(size=(rows, 3)) + 1.2 * y[:, None], y


def test_a_class_that_is_never_answered_is_found_and_weights_help():
    x, y = rare()
    sick = net(x, y)
    (found,) = findings("unbalanced classes", sick)
    assert found.where == "class 1"
    assert found.numbers["found"] < 0.1
    assert found.measure == "validation_balanced_accuracy"
    cured = found.cure.change(sick)
    assert dict(cured.parts.losses[0].class_weights)[1] > 3.0
    before, after = (p.train(monitor=False, epochs=12) for p in (sick, cured))
    assert after.final(found.measure) > before.final(found.measure) + 0.1


def test_the_loss_of_two_signs_is_weighted_in_their_order():
    x, y = rare(360)
    sick = net(x, 2 * y - 1, loss=pb.Hinge(), outputs=1)
    (found,) = findings("unbalanced classes", sick)
    first, second = found.cure.change(sick).parts.losses[0].class_weights
    assert second > 3.0 > 1.0 > first


def test_only_one_class_is_severe():
    x, y = rare()
    (found,) = findings("unbalanced classes", net(x, 0 * y))
    assert found.severity == "severe"


def test_unbalanced_but_learned_and_rare_but_not_to_be_told_are_let_be():
    x, y = rare()
    assert not findings("unbalanced classes", net(x + 4 * y[:, None], y, 10, rate=0.2))
    assert not findings("unbalanced classes", net(RNG.permutation(x), y))
    weighted = pb.SoftmaxCrossEntropy(class_weights={1: 5.0})
    assert not findings("unbalanced classes", net(x, y, loss=weighted))
    assert not findings("unbalanced classes", net(x, y * 1.0, loss=pb.SquaredError(), outputs=1))
