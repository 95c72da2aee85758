"""Probabilities that are given to a loss of scores are found by gate and by number."""

import numpy as np
from tests.diagnosis.small import X, Y, findings, patient

import pullback as pb

NAME = "softmax twice"


def test_a_softmax_before_the_loss_is_found_and_is_better_left_off():
    model = pb.Sequential(pb.Dense(8), pb.ReLU(), pb.Dense(2), pb.Softmax())
    sick = patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.05), epochs=6)
    (found,) = findings(NAME, sick)
    assert found.certain
    cured = found.cure.change(sick)
    assert not findings(NAME, cured)
    before, after = (x.train(monitor=False).final("validation_loss") for x in (sick, cured))
    assert after < 0.8 * before


def test_a_sigmoid_and_losses_of_sequences_are_found():
    model = pb.Sequential(pb.Dense(1), pb.Sigmoid())
    (found,) = findings(NAME, patient(model, pb.BinaryCrossEntropy(), pb.Adam(0.05)))
    assert "sigmoid" in found.evidence
    x = np.random.default_rng(0).normal(size=(30, 8, 3)).astype(np.float32)
    for loss, y in ((pb.CTC(), np.ones((30, 2), int)), (pb.SequenceCrossEntropy(), x[..., 0] > 0)):
        model = pb.Sequential(pb.Dense(3), pb.Softmax())
        assert findings(NAME, patient(model, loss, pb.Adam(0.01), x, y.astype(int), epochs=1))


def test_a_softmax_that_is_written_out_is_found_by_its_numbers():
    def forward(layers, x, training):
        e = pb.exp(layers.a(x, training=training))
        return e / e.sum(axis=1, keepdims=True)

    model = pb.Model(forward, a=pb.Dense(2))
    (found,) = findings(NAME, patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.01)))
    assert found.cure.change is None


def test_scores_and_probabilities_in_their_place_are_well():
    plain = pb.Sequential(pb.Dense(2))
    assert not findings(NAME, patient(plain, pb.SoftmaxCrossEntropy(), pb.Adam(0.01)))
    label = Y[:, None].astype(np.float32)
    answers = pb.Sequential(pb.Dense(1), pb.Sigmoid())
    assert not findings(NAME, patient(answers, pb.SquaredError(), pb.Adam(0.01), X, label))
    inside = pb.Sequential(pb.Dense(4), pb.Softmax(), pb.Dense(2))
    assert not findings(NAME, patient(inside, pb.SoftmaxCrossEntropy(), pb.Adam(0.01)))
