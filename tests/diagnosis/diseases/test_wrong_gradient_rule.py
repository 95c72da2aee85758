"""A rule that does not tell the slope of its gate is found, with the numbers and the line."""

import inspect

import numpy as np
import pytest
from tests.diagnosis.small import X, Y, findings, patient

import pullback as pb

NAME = "wrong gradient rule"


def of_gate(function, loss=None, y=Y, optimizer=None):
    """A small network with a gate in its middle."""

    def forward(layers, x, training):
        return layers.last(function(layers.first(x, training=training)), training=training)

    model = pb.Model(forward, first=pb.Dense(4), last=pb.Dense(2), rng=0)
    return patient(model, loss or pb.SoftmaxCrossEntropy(), optimizer or pb.SGD(0.1), y=y)


@pb.gate(partials=(lambda y, x: 2.0 * x * x,))
def cube(m, x):
    return x * x * x


@pb.gate(partials=(lambda y, x: -3.0 * x * x,))
def flipped(m, x):
    return x * x * x


@pb.gate(partials=(lambda y, x: 3.0 * x * x,))
def right_cube(m, x):
    return x * x * x


@pb.gate(pullback=(lambda g, y, x, z: -g, lambda g, y, x, z: g), samples=lambda rng: [])
def difference(m, x, z):
    return x - z


@pb.gate(partials=(lambda y, x: 1.0 * pb.greater(x, 0.0),), kinks=lambda x: x)
def own_relu(m, x):
    return m.maximum(x, 0.0)


@pb.gate(partials=(lambda y, x, z: z, None))
def held(m, x, z):
    return x * z


@pb.gate(pullback=(lambda g, y, x: 2.0 * x * g,), samples=lambda rng: [])
def in_single(m, x):
    return (x * x).astype(np.float32)


def test_the_gate_and_its_line_are_named():
    (finding,) = findings(NAME, of_gate(cube))
    line = inspect.getsourcelines(of_gate)[1] + 4
    assert finding.where == "cube"
    assert finding.certain
    assert finding.severity == "mild"  # the sign is right, so that it learns
    assert f"test_wrong_gradient_rule.py:{line}" in finding.evidence
    assert finding.numbers["rule"] == pytest.approx(2 / 3 * finding.numbers["slope"], rel=1e-3)
    assert "here it answers 0.6667 times the slope" in finding.cure.text
    assert "pb.check_gate(cube)" in finding.cure.code


def test_each_input_of_a_structural_gate():
    found = findings(NAME, of_gate(lambda x: difference(x, 0.5 * x)))
    assert [x.evidence.split(",")[0] for x in found] == [
        "the rule of 'difference' for input 1 of 2",
        "the rule of 'difference' for input 2 of 2",
    ]
    assert all("its sign is flipped" in x.cure.text for x in found)


def test_a_net_that_does_not_learn_is_severely_ill():
    (finding,) = findings(NAME, of_gate(flipped, optimizer=pb.SGD(1e-3)))
    assert finding.severity == "severe"


def test_a_gate_inside_a_loop():
    class Cell(pb.Layer):
        state_sizes = (3,)
        takes = 2

        def build(self, *shapes, rng):
            self.weight = self.parameter("weight", (1, 3), np.ones)

        def apply(self, x, h, *, training):
            return cube(pb.tanh(0.5 * h + x @ self.weight))

    model = pb.Sequential(pb.Recurrent(Cell()), pb.LastStep(), pb.Dense(2), rng=0)
    sick = patient(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.1), x=X.reshape(120, 4, 1))
    (finding,) = findings(NAME, sick)
    assert finding.where == "cube"


@pytest.mark.parametrize(
    "healthy",
    [
        lambda: of_gate(right_cube),
        lambda: of_gate(own_relu),
        lambda: of_gate(pb.relu),
        lambda: of_gate(lambda x: held(x, pb.constant(np.full((4,), 2.0, np.float32)))),
        lambda: of_gate(lambda x: x + pb.stop_gradient(pb.floor(x) - x)),
        lambda: of_gate(in_single),
        lambda: patient(
            pb.Sequential(pb.Dense(8), pb.BatchNorm(), pb.Dropout(0.5), pb.Dense(1), rng=0),
            pb.AbsoluteError(),
            pb.Adam(0.01),
            y=1e3 * X[:, 0],
        ),
        lambda: patient(
            pb.Sequential(pb.LSTM(4), pb.Dense(3), rng=0),
            pb.CTC(),
            pb.Adam(0.01),
            x=X.reshape(120, 4, 1),
            y=1 + Y[:, None],
        ),
    ],
    ids=["right", "kink", "built in", "constant", "straight through", "single", "usual", "CTC"],
)
def test_rules_that_are_right(healthy):
    assert findings(NAME, healthy()) == []


def test_a_loss_that_cannot_be_checked_is_left_alone():
    sick = of_gate(cube, optimizer=pb.SGD(0.1))
    x = dict(sick.data.columns)
    x["inputs"] = x["inputs"] * np.float32(1e30)
    assert findings(NAME, sick.but(data=type(sick.data)(x))) == []
