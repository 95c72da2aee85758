"""A net that is too small for its own rows is found, and a larger one helps."""

import numpy as np
from tests.diagnosis.small import findings, patient

import pullback as pb
from pullback.diagnosis import DISEASES
from pullback.diagnosis.examination import Clock, Examination

RNG = np.random.default_rng(0)


def net(x, y, *layers, epochs=12, loss=None):
    model = pb.Sequential(*layers)
    return patient(model, loss or pb.SoftmaxCrossEntropy(), pb.Adam(0.03), x, y, epochs=epochs)


def ring(rows=200):
    x = RNG.uniform(-2, 2, size=(rows, 2))
    return x, ((x**2).sum(axis=1) < 2.0).astype(int)


def test_a_linear_model_of_a_ring_is_found_and_a_hidden_layer_helps():
    sick = net(*ring(), pb.Dense(2, rng=0))
    (found,) = findings("underfitting", sick)
    assert found.numbers["net"] > 2 * found.numbers["forest"]
    cured = found.cure.change(sick)
    assert len(cured.parts.model.layers) == 3
    before, after = (p.train(monitor=False).final("validation_loss") for p in (sick, cured))
    assert after < 0.7 * before


def test_a_quantity_is_measured_by_its_error():
    x, _ = ring()
    sick = net(x, (x**2).sum(axis=1), pb.Dense(1, rng=0), loss=pb.SquaredError())
    (found,) = findings("underfitting", sick)
    assert "mean absolute error" in found.evidence


def test_hidden_layers_are_made_wider_and_short_trainings_longer():
    sick = net(*ring(), pb.Dense(6, rng=0), pb.ReLU(), pb.Dense(2, rng=1), epochs=2)
    (found,) = findings("underfitting", sick)
    larger, longer = found.cures  # the loss still falls
    assert larger.change(sick).parts.model.layers[0].config["units"] == 24
    assert longer.change(sick).epochs == 6


def test_who_learns_nothing_of_what_a_forest_learns_is_ill_whatever_helps():
    x, y = ring()
    hidden = [layer for _ in range(5) for layer in (pb.Dense(8, rng=0), pb.Sigmoid())]
    sick = net(x, y, *hidden, pb.Dense(2, rng=1)).but(optimizer=pb.SGD(0.01))
    (found,) = findings("underfitting", sick)
    assert (found.severity, found.certain) == ("severe", True)
    assert "something else keeps it" in found.cause


def test_a_mistake_more_than_a_forest_is_chance():
    x, _ = ring()
    y = (x[:, 0] > 0.0).astype(int)
    few = net(x, y, pb.Dense(2, rng=0), epochs=30)
    found = Examination(few, Clock(60.0))
    found.trained.history.rows[-1]["accuracy"] = 0.985
    assert not list(DISEASES["underfitting"].find(found))
    found.trained.history.rows[-1]["accuracy"] = 0.8
    assert list(DISEASES["underfitting"].find(found))


def test_what_learns_or_had_no_time_or_cannot_be_told_is_let_be():
    x, y = ring()
    good = net(x, y, pb.Dense(32, rng=0), pb.ReLU(), pb.Dense(2, rng=1), epochs=30)
    assert not findings("underfitting", good)
    assert not findings("underfitting", net(x, y, pb.Dense(2)).but(shortened=True))
    assert not findings("underfitting", net(x, RNG.integers(0, 2, 200), pb.Dense(2)))


class Function:
    """The least that a Trainer takes for a model."""

    def __init__(self, inner):
        self.inner = inner

    def __call__(self, x, training=None):
        return self.inner(x)

    @property
    def parameters(self):
        return self.inner.parameters

    @property
    def weights(self):
        return self.inner.weights


def test_a_model_that_is_a_function_is_told_why_no_larger_one_is_tried():
    x, y = ring()
    model = Function(pb.Dense(2, rng=0))
    sick = patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.03), x, y)
    (found,) = findings("underfitting", sick)
    assert found.cure.change is None or found.cure.text.startswith("train")
