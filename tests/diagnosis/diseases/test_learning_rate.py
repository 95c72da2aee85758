"""Rates that overshoot or lead nowhere are found, of any optimizer; those that are fine are not."""

import numpy as np
import pytest
from tests.diagnosis.small import X, Y, findings, patient

import pullback as pb

HIGH, LOW = "learning rate too high", "learning rate too low"
Q = (X[:, :1] * X[:, 1:2] + X[:, 2:3]).astype(np.float32)


def named(optimizer):
    """The optimizer, and the kind of its rate."""
    return f"{optimizer.name} {type(optimizer.learning_rate).__name__}"


def net(outputs=2):
    return pb.Sequential(pb.Dense(8), pb.ReLU(), pb.Dense(outputs))


@pytest.mark.parametrize(
    "optimizer",
    [
        pb.SGD(3.0, momentum=0.9),
        pb.RMSProp(10.0),
        pb.Lion(30.0),
        pb.SGD(pb.OneCycle(30.0, steps=30)),
        pb.SGD(pb.LinearWarmup(3.0, steps=3), momentum=0.9),
        pb.Adam(lambda step: 30.0 / (1.0 + step)),
    ],
    ids=named,
)
def test_a_rate_that_throws_the_weights_away_is_found_and_a_smaller_one_helps(optimizer):
    sick = patient(net(1), pb.SquaredError(), optimizer, X, Q, epochs=6)
    (found,) = findings(HIGH, sick)
    assert found.severity == "severe"
    assert found.numbers["rate"] > 3.0 * found.numbers["suggested"]
    assert "optimizer = pb." in found.cure.code
    cured = found.cure.change(sick).train(monitor=False).final("validation_loss")
    before = sick.train(monitor=False).final("validation_loss")
    assert not before < 2.0 * cured


@pytest.mark.parametrize("optimizer", [pb.Adam(1e-6), pb.SGD(pb.Constant(1e-5))], ids=named)
def test_a_rate_that_leads_nowhere_is_found_and_a_larger_one_helps(optimizer):
    sick = patient(net(), pb.SoftmaxCrossEntropy(), optimizer)
    (found,) = findings(LOW, sick)
    assert found.severity == "severe"
    cured = found.cure.change(sick).train(monitor=False).final("validation_loss")
    assert cured < 0.9 * sick.train(monitor=False).final("validation_loss")


def test_the_cure_of_a_schedule_keeps_its_form():
    schedule = pb.CosineDecay(10.0, steps=30)
    (found,) = findings(HIGH, patient(net(1), pb.SquaredError(), pb.SGD(schedule), X, Q))
    better = found.cure.change(patient(net(1), pb.SquaredError(), pb.SGD(schedule), X, Q))
    ratio = [better.parts.optimizer.learning_rate(pb.Unit(k)).value for k in (0.0, 15.0)]
    assert ratio[0] / ratio[1] == pytest.approx(2.0)
    assert "lambda step:" in found.cure.code


@pytest.mark.parametrize(
    "optimizer",
    [
        pb.Adam(0.01),
        pb.SGD(0.1),
        pb.SGD(pb.OneCycle(0.1, steps=30)),
        pb.SGD("find"),
        pb.Muon(0.02),
    ],
    ids=named,
)
def test_a_rate_that_is_well_or_merely_not_the_best_is_no_finding(optimizer):
    well = patient(net(), pb.SoftmaxCrossEntropy(), optimizer, epochs=6)
    assert not findings(HIGH, well)
    assert not findings(LOW, well)


def test_labels_that_cannot_be_learned_are_no_fault_of_the_rate():
    y = np.random.default_rng(1).permutation(Y)
    well = patient(net(), pb.SoftmaxCrossEntropy(), pb.Adam(0.003), X, y)
    assert not findings(HIGH, well)
    assert not findings(LOW, well)


def test_a_warm_up_that_is_cut_short_is_not_called_too_low():
    schedule = pb.Triangular(0.3, steps=10_000)
    assert not findings(LOW, patient(net(), pb.SoftmaxCrossEntropy(), pb.SGD(schedule)))


def test_a_schedule_that_counts_epochs_for_steps_is_found():
    x = np.random.default_rng(0).normal(size=(200, 4))
    y = (np.abs(x[:, 0]) + x[:, 1] > 0.5).astype(int)

    def told(schedule):
        model = pb.Sequential(pb.Dense(16), pb.ReLU(), pb.Dense(2), rng=0)
        sick = patient(model, pb.SoftmaxCrossEntropy(), pb.SGD(schedule), x, y, epochs=20)
        return sick, findings("learning rate too low", sick)

    sick, (found,) = told(pb.CosineDecay(0.1, steps=20))
    assert found.where == "the schedule"
    cured = found.cure.change(sick).train()
    assert cured.best("validation_loss") < 0.8 * sick.train().best("validation_loss")
    assert not told(pb.CosineDecay(0.1, steps=400))[1]
