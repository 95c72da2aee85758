"""Forces: minus the gradient of the loss that they match, and training by them is the same."""

from functools import partial

import numpy as np
import pytest
from tests.losses.reference import (
    BINARY,
    COLUMN,
    NUMBERS,
    ONE_HOT,
    ROWS,
    SIGNS,
    SOFT_BINARY,
    SOFT_ROWS,
    TABLE,
    TARGET,
    TARGETS,
)

import pullback as pb
from pullback import losses
from pullback.losses import Force

MAXIMUM = partial(losses.multiclass_hinge_force, form="maximum")
PAIRS = {
    "hinge": (losses.hinge_force, losses.Hinge(), COLUMN, SIGNS),
    "squared hinge": (losses.squared_hinge_force, losses.SquaredHinge(), COLUMN, SIGNS),
    "logistic": (losses.logistic_force, losses.BinaryCrossEntropy(), COLUMN, BINARY),
    "logistic, soft": (losses.logistic_force, losses.BinaryCrossEntropy(), COLUMN, SOFT_BINARY),
    "softmax": (losses.softmax_force, losses.SoftmaxCrossEntropy(), TABLE, NUMBERS),
    "softmax, soft": (losses.softmax_force, losses.SoftmaxCrossEntropy(), TABLE, SOFT_ROWS),
    "multiclass hinge": (
        losses.multiclass_hinge_force,
        losses.MulticlassHinge(),
        TABLE,
        NUMBERS,
    ),
    "multiclass hinge, maximum": (MAXIMUM, losses.MulticlassHinge("maximum"), TABLE, NUMBERS),
    "squared": (losses.squared_force, losses.SquaredError(), COLUMN, TARGET),
    "squared, several outputs": (losses.squared_force, losses.SquaredError(), TABLE, TARGETS),
}
each_pair = pytest.mark.parametrize(
    ("force", "loss", "scores", "labels"), PAIRS.values(), ids=PAIRS
)


@each_pair
def test_the_force_is_minus_the_slope_of_the_cost(force, loss, scores, labels):
    labels = loss.prepare(labels, scores.shape)
    pulls = force(scores, labels)
    assert isinstance(pulls, np.ndarray)
    assert pulls.shape == scores.shape
    for at in np.ndindex(scores.shape):
        moved = np.zeros_like(scores)
        moved[at] = 1e-6
        ends = [
            loss.cost(pb.Unit(s), pb.Unit(labels)).value for s in (scores + moved, scores - moved)
        ]
        slope = ((ends[0] - ends[1]) / 2e-6)[at[0]]
        assert pulls[at] == pytest.approx(-slope, abs=1e-8), at


@each_pair
def test_a_force_takes_wires_lists_and_columns(force, loss, scores, labels):
    labels = loss.prepare(labels, scores.shape)
    pulls = force(scores, labels)
    on_wires = force(pb.Unit(scores), pb.Unit(labels))
    assert isinstance(on_wires, pb.Unit)
    np.testing.assert_array_equal(on_wires.value, pulls)
    np.testing.assert_array_equal(force(scores.tolist(), labels.tolist()), pulls)
    if scores.ndim == 1:
        np.testing.assert_array_equal(force(scores[:, None], labels)[:, 0], pulls)
        assert float(force(scores[0], labels[0])) == pulls[0]


@pytest.mark.parametrize("weights", [None, np.arange(ROWS)], ids=["plain", "weighted"])
@each_pair
def test_the_gradient_on_the_scores_is_minus_the_force_over_the_batch(
    force, loss, scores, labels, weights
):
    labels = loss.prepare(labels, scores.shape)
    wire = pb.Unit(scores)
    Force(force)(wire, labels, weights).backward()
    shares = np.full(ROWS, 1 / ROWS) if weights is None else weights / weights.sum()
    wanted = -force(scores, labels) * shares.reshape(-1, *[1] * (scores.ndim - 1))
    np.testing.assert_allclose(wire.grad, wanted, rtol=1e-15)


@each_pair
def test_the_value_is_the_mean_size_of_the_pull(force, loss, scores, labels):
    labels = loss.prepare(labels, scores.shape)
    value = Force(force)(scores, labels)
    assert float(value.value) == pytest.approx(abs(force(scores, labels)).mean(), rel=1e-15)


def final_parameters(objective, outputs, labels):
    """Of a linear model, after 50 steps of SGD from a start where all scores tie."""
    x = np.random.default_rng(4).normal(size=(ROWS, 4))
    model = pb.Sequential(pb.Dense(outputs, dtype="float64"))
    model(x[:1])
    for unit in model.parameters.values():
        unit.value = np.zeros(unit.shape)
    trainer = pb.Trainer(model, objective, pb.SGD(0.1), penalties=[pb.L2(0.01)])
    trainer.fit(x, labels, epochs=25, batch_size=4, progress=False)  # of 4 rows and of 3
    assert all(np.abs(unit.value).max() > 0.01 for unit in model.parameters.values())
    return [unit.value for unit in model.parameters.values()]


def assert_same_training(force, loss, scores, labels):
    outputs = scores.shape[1] if scores.ndim == 2 else 1
    by_loss = final_parameters(loss, outputs, labels)
    by_force = final_parameters(Force(force, like=loss), outputs, labels)
    for wanted, got in zip(by_loss, by_force, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12)


@each_pair
def test_training_by_the_force_is_training_with_the_loss(force, loss, scores, labels):
    assert_same_training(force, loss, scores, labels)


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("hinge", losses.Hinge(class_weights={1: 3.0})),
        ("logistic", losses.BinaryCrossEntropy(class_weights=(0.5, 2.0))),
        ("softmax, soft", losses.SoftmaxCrossEntropy(class_weights=(0.5, 2.0, 1.0))),
        ("multiclass hinge", losses.MulticlassHinge(class_weights=(0.5, 2.0, 1.0))),
    ],
)
def test_training_by_a_force_with_class_weights_is_that_with_the_loss(name, loss):
    force, _, scores, labels = PAIRS[name]
    assert_same_training(force, loss, scores, labels)


def test_a_force_of_ones_own_trains():
    def gentle(scores, labels):
        return pb.tanh(labels - scores[:, 0]).reshape(-1, 1)

    x = np.linspace(-1.0, 1.0, 21)[:, None]
    model = pb.Sequential(pb.Dense(1, dtype="float64", rng=0))
    trainer = pb.Trainer(model, Force(gentle), pb.SGD(0.5))
    history = trainer.fit(x, 2.0 * x[:, 0] - 0.5, epochs=200, progress=False)
    assert history["loss"][-1] < 1e-6 < history["loss"][0]
    weight, bias = (unit.value for unit in model.parameters.values())
    np.testing.assert_allclose([weight.item(), bias.item()], [2.0, -0.5], atol=1e-5)


def test_no_gradient_flows_through_the_pull():
    scores = pb.Unit([3.0, -2.0])
    loss = Force(lambda s, y: s * s)(scores, [0.0, 0.0])
    loss.backward(2.0)
    np.testing.assert_array_equal(scores.grad, [-9.0, -4.0])
    assert float(loss.value) == 6.5


def test_a_force_of_numbers_alone_is_constant():
    scores = pb.Unit(np.ones((2, 2), np.float32))
    loss = Force(lambda s, y: np.array([[1.0, 0.0], [0.0, -2.0]]))(scores, [0, 0])
    loss.backward(2.0)
    np.testing.assert_array_equal(scores.grad, [[-1.0, 0.0], [0.0, 2.0]])
    assert loss.dtype == scores.grad.dtype == np.float32
    assert float(loss.value) == 0.75


def test_like_gives_refusals_metrics_and_one_hot_rows():
    force = Force(losses.softmax_force, like=losses.SoftmaxCrossEntropy())
    with pytest.raises(pb.CircuitError, match=r"label 3 \(row 0\)"):
        force(TABLE[:1], [3])
    np.testing.assert_array_equal(force.prepare(ONE_HOT, TABLE.shape), NUMBERS)
    accuracy = force.metrics(pb.Unit(TABLE), pb.Unit(NUMBERS))["accuracy"]
    assert float(accuracy.value) == (TABLE.argmax(axis=1) == NUMBERS).mean()
    assert Force(losses.softmax_force).metrics(pb.Unit(TABLE), pb.Unit(NUMBERS)) == {}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Force(3.0),
            "a force is a function of scores and labels to pulls, got 3.0",
        ),
        (
            lambda: Force(losses.hinge_force, like="hinge"),
            "a force is like a Loss, such as Hinge(), got 'hinge'",
        ),
        (
            lambda: Force(losses.hinge_force)(COLUMN, [1, 2]),
            "7 rows of scores need as many labels, got (2,)",
        ),
        (
            lambda: Force(losses.hinge_force)([0.0, 0.0], [1, np.nan]),
            "label nan (row 1) is not finite; fill or drop such rows first",
        ),
        (
            lambda: Force(losses.hinge_force)([0.0], ["a"]),
            "labels are <U1 values; they must be numbers; encode them first",
        ),
        (
            lambda: Force(lambda scores, labels: labels)(TABLE, NUMBERS),
            "a force gives one pull for each score: Force(<lambda>) must give pulls of shape "
            "(7, 3), got (7,)",
        ),
        (
            lambda: Force(lambda scores, labels: None)(TABLE, NUMBERS),
            "what the force gives must be a real number or an array of them, got NoneType",
        ),
        (
            lambda: losses.multiclass_hinge_force(TABLE, NUMBERS, form="mean"),
            'a multiclass hinge\'s form is "sum" or "maximum", got \'mean\'',
        ),
        (
            lambda: losses.hinge_force([1.0, 2.0], [1, 1, 1]),
            "cannot reshape (3,), with 3 elements, to (2,)",
        ),
    ],
)
def test_what_is_no_force_is_refused(make, message):
    with pytest.raises(pb.CircuitError) as error:
        make()
    assert str(error.value) == message


def test_a_force_prints_its_function():
    assert repr(Force(losses.hinge_force)) == "Force(hinge_force)"
    like = Force(losses.hinge_force, like=losses.Hinge())
    assert repr(like) == "Force(hinge_force, like=Hinge(class_weights=None))"
    assert "form='maximum'" in repr(Force(MAXIMUM))
