"""Gradients that vanish or explode, from layer to layer and from step to step, are found."""

import numpy as np
from tests.diagnosis.small import X, Y, findings, patient

import pullback as pb

VANISHING, EXPLODING = "vanishing gradients", "exploding gradients"
RNG = np.random.default_rng(0)
SEQUENCES = RNG.normal(size=(60, 20, 2)).astype(np.float32)
FIRST = (SEQUENCES[:, 0, 0] > 0.0).astype(int)
RING = ((X[:, :2] ** 2).sum(axis=1) > 1.4).astype(int)


def deep(bend, n=9, **told):
    inside = [layer for _ in range(n) for layer in (pb.Dense(12, **told), bend())]
    return pb.Sequential(*inside, pb.Dense(2, **told))


def recurrent(std, **told):
    start = {"name": "normal", "std": std}
    return pb.Sequential(pb.RNN(8, last=True, recurrent_initializer=start, **told), pb.Dense(2))


def test_sigmoids_behind_each_other_let_it_vanish_and_relus_do_not():
    sick = patient(deep(pb.Sigmoid), pb.SoftmaxCrossEntropy(), pb.SGD(0.1), X, RING)
    (found,) = findings(VANISHING, sick)
    assert found.where == "dense1"
    assert found.numbers["ratio"] < 1e-3
    for cure in found.cures:
        assert not findings(VANISHING, cure.change(sick))


def test_less_is_enough_where_nothing_at_all_is_learned():
    sick = patient(deep(pb.Sigmoid, 5), pb.SoftmaxCrossEntropy(), pb.SGD(0.1), X, RING)
    (found,) = findings(VANISHING, sick)
    assert found.severity == "severe"
    assert 1e-3 < found.numbers["ratio"] < 1e-2
    assert not findings(VANISHING, sick.but(optimizer=pb.Adam(0.03), epochs=30))


def test_it_vanishes_in_time_and_a_longer_memory_keeps_it():
    sick = patient(recurrent(0.1), pb.SoftmaxCrossEntropy(), pb.Adam(0.01), SEQUENCES, FIRST)
    (found,) = findings(VANISHING, sick)
    assert found.where == "rnn1.layer1"
    assert found.numbers["steps"] == 20
    assert not findings(VANISHING, found.cure.change(sick))


def test_it_explodes_in_time_and_other_weights_help():
    model = recurrent(0.8, activation="relu")
    sick = patient(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.05), SEQUENCES, FIRST)
    (found,) = findings(EXPLODING, sick)
    drawn, clipped = found.cures
    cured = drawn.change(sick)
    assert not findings(EXPLODING, cured)
    assert cured.train(monitor=False).final("loss") < 10.0
    assert clipped.change(sick).parts.optimizer.options["clip_norm"] == 1.0


def test_it_explodes_in_the_course_of_training_and_shorter_steps_help():
    model = pb.Sequential(pb.Dense(1))
    sick = patient(model, pb.SquaredError(), pb.SGD(1.5), X, X[:, :1])
    (found,) = findings(EXPLODING, sick)
    clipped, _ = found.cures
    assert "clip_norm=1.0" in clipped.code
    before, after = (p.train(monitor=False).final("loss") for p in (sick, clipped.change(sick)))
    assert not before < after


def test_ordinary_nets_pass_on_what_arrives():
    for model in (deep(pb.ReLU, 5), deep(pb.Tanh, 5, initializer="glorot")):
        well = patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.01))
        assert not findings(VANISHING, well)
        assert not findings(EXPLODING, well)


def test_a_memory_that_need_not_last_is_well():
    last = (SEQUENCES[:, -1, 0] > 0.0).astype(int)
    model = pb.Sequential(pb.GRU(8, last=True), pb.Dense(2))
    well = patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.05), SEQUENCES, last, epochs=8)
    assert not findings(VANISHING, well)
    assert not findings(EXPLODING, well)


def test_a_last_layer_that_starts_at_zero_stops_nothing():
    model = pb.Sequential(
        *(pb.Dense(8), pb.ReLU(), pb.Dense(8), pb.ReLU(), pb.Dense(2, initializer="zeros"))
    )
    well = patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.01), X, Y)
    assert not findings(VANISHING, well)
    assert not findings(EXPLODING, well)
