"""The first gate that makes no number is found, with its pass, row, numbers and line."""

import inspect

import numpy as np
import pytest
from tests.diagnosis.small import X, findings, patient

import pullback as pb
from pullback.core.unit import Unit
from pullback.diagnosis.lost import born

NAME = "not a number"


def of_function(forward, optimizer=None, **told):
    model = pb.Model(forward, dense=pb.Dense(2), rng=0)
    return patient(model, pb.SoftmaxCrossEntropy(), optimizer or pb.SGD(0.1), **told)


def softmax(layers, x, training):
    e = pb.exp(layers.dense(x, training=training) * 60.0)
    return e / e.sum(axis=1).reshape((-1, 1))


def logarithm(layers, x, training):
    return pb.log(pb.relu(layers.dense(x, training=training)))


def quotient(layers, x, training):
    return 1.0 / pb.relu(layers.dense(x, training=training))


def root(layers, x, training):
    return pb.sqrt(pb.relu(layers.dense(x, training=training)))


@pb.gate(partials=(lambda y, x: y,))
def mine(m, x):
    return m.log(x - 1e9)


def own_gate(layers, x, training):
    return mine(layers.dense(x, training=training))


@pytest.mark.parametrize(
    ("forward", "gate", "when", "cure"),
    [
        (softmax, "exp", "forward pass", "log_softmax"),
        (logarithm, "log", "forward pass", "p + 1e-7"),
        (quotient, "divide", "forward pass", "b + 1e-7"),
        (root, "divide", "backward pass", "sqrt(x + 1e-12)"),
        (own_gate, "mine", "forward pass", "check_gate(mine)"),
    ],
)
def test_a_gate_of_the_users_own_line(forward, gate, when, cure):
    (finding,) = findings(NAME, of_function(forward))
    line = inspect.getsourcelines(forward)[1]
    assert finding.certain
    assert finding.severity == "severe"
    assert finding.where == gate
    assert f"in the {when} of epoch 1, batch 1" in finding.evidence
    assert any(
        f"test_not_a_number.py:{k} in {forward.__name__}" in finding.evidence
        for k in (line + 1, line + 2)
    )
    assert cure in finding.cure.code
    assert finding.cure.untried


def test_the_row_is_told_by_its_number_in_the_users_data():
    from pullback.diagnosis.patient import Origin

    x = np.abs(X) + 0.1
    x[77] = 0.0

    def forward(layers, x, training):
        return layers.dense(pb.log(x), training=training)

    sick = of_function(forward, x=x, epochs=1)
    sick = sick.but(origin=Origin(np.arange(40, 120) * 10, np.arange(40)))
    (finding,) = findings(NAME, sick)
    assert "row 770 of the data" in finding.evidence
    assert "log(0) = -inf" in finding.evidence
    assert finding.numbers["input 1"] == 0.0


def test_a_rate_that_is_far_too_high_is_helped_by_a_smaller_one():
    model = pb.Sequential(pb.Dense(8), pb.ReLU(), pb.Dense(1), rng=0)
    sick = patient(model, pb.SquaredError(), pb.SGD(3.0), y=X[:, 0])
    (finding,) = findings(NAME, sick)
    assert "numbers grew beyond what float32 holds" in finding.cause
    smaller, clipped = finding.cures
    assert "SGD(0.3" in smaller.code
    assert "clip_norm=1.0" in clipped.code
    assert not clipped.change(sick).train().history.diverged


def test_an_optimizer_whose_memory_overflows():
    sick = patient(pb.Dense(1), pb.SquaredError(), pb.Adam(1e-3), x=X * 1e12, y=X[:, 0] * 1e10)
    (finding,) = findings(NAME, sick)
    assert "in the optimizer's step" in finding.evidence
    assert "mean 0 and deviation 1" in finding.cure.text
    assert not finding.cure.change(sick).train().history.diverged


def test_a_step_inside_a_loop():
    class Cell(pb.Layer):
        state_sizes = (2,)
        takes = 2

        def build(self, *shapes, rng):
            self.weight = self.variable("weight", (1, 2), np.ones)

        def apply(self, x, h, *, training):
            return pb.exp(h * 3.0 + x @ self.weight)

    model = pb.Sequential(pb.Recurrent(Cell()), pb.LastStep(), pb.Dense(2), rng=0)
    sick = patient(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.1), x=X.reshape(120, 4, 1))
    (finding,) = findings(NAME, sick)
    assert finding.where == "cell"
    assert "of the sequence: exp(" in finding.evidence
    assert "step 0" not in finding.evidence  # at which the state is 0


def test_validation_alone():
    sick = patient(pb.Sequential(pb.Dense(1), rng=0), pb.SquaredError(), pb.SGD(1e-3), y=X[:, 0])
    wild = dict(sick.held_out.columns)
    wild["inputs"] = wild["inputs"] * np.float32(1e30)
    (finding,) = findings(NAME, sick.but(held_out=type(sick.held_out)(wild)))
    assert finding.evidence.startswith("in validation of epoch 1")


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_it_is_found_in_the_epoch_and_batch_in_which_it_was(engine):
    model = pb.Sequential(pb.Dense(1), rng=0)
    sick = patient(model, pb.SquaredError(), pb.SGD(0.9), y=X[:, 0], epochs=40, engine=engine)
    history = sick.train().history
    assert history.diverged
    assert len(history) > 2
    (finding,) = findings(NAME, sick)
    assert finding.numbers["epoch"] == len(history)
    assert 1 <= finding.numbers["batch"] <= 5


def test_batches_in_an_order_of_their_own():
    x = np.abs(X) + 0.1
    x[40 + 35] = 0.0

    def forward(layers, x, training):
        return layers.dense(pb.log(x), training=training)

    (finding,) = findings(NAME, of_function(forward, x=x).but(sizes=(30, 30, 20)))
    assert (finding.numbers["batch"], finding.numbers["row"]) == (2, 35)


def masked(layers, x, training):
    """Infinity that a mask means, and of which nothing is left."""
    hidden = layers.dense(x, training=training)
    return pb.softmax(pb.where(pb.greater(x[:, :2], 9.0), -np.inf, hidden), axis=1)


@pytest.mark.parametrize(
    "sound",
    [
        lambda: of_function(masked),
        lambda: patient(pb.Dense(2), pb.SoftmaxCrossEntropy(), pb.SGD(0.5)),
        lambda: patient(pb.Dense(1), pb.SquaredError(), pb.Adam(0.1), y=1e6 * X[:, 0]),
    ],
    ids=["mask", "usual", "large loss"],
)
def test_nothing_is_found_where_all_is_finite(sound):
    assert findings(NAME, sound()) == []


def test_what_a_constant_says_is_meant_until_it_becomes_nan():
    x = Unit(np.zeros(2), "x")
    masked = pb.where(np.array([True, False]), -np.inf, x)
    lost = masked - masked
    assert born([lost]) is lost
    assert born([masked]) is None
    assert born([x * 1.0]) is None


def test_the_oldest_of_several_is_named():
    x = Unit(np.array([0.0, 1000.0]), "x")
    first = pb.log(x)
    second = pb.exp(x)
    assert born([first * second, first]) is first
