"""Features of odd sizes are found, and scaling them helps; usual ones are let be."""

import numpy as np
from tests.diagnosis.small import findings, patient

import pullback as pb

RNG = np.random.default_rng(0)


def net(x, y, rate=0.05):
    model = pb.Sequential(pb.Dense(8, rng=0), pb.Tanh(), pb.Dense(2, rng=1))
    return patient(model, pb.SoftmaxCrossEntropy(), pb.SGD(rate), x, y, epochs=5)


def table(scale=1.0, offset=0.0):
    x = RNG.normal(size=(150, 4))
    return x * scale + offset, (x[:, 0] > 0).astype(int)


def test_one_huge_column_is_found_by_name_and_scaling_helps():
    x, y = table([1.0, 1.0, 1000.0, 1.0])
    sick = net(x, y).but(columns=("a", "b", "income", "d"))
    (found,) = findings("unscaled inputs", sick)
    assert found.severity == "severe"
    assert "income" in found.evidence
    before = sick.train(monitor=False).final("validation_loss")
    cured = found.cure.change(sick)
    assert cured.train(monitor=False).final("validation_loss") < 0.7 * before
    assert abs(cured.data.columns["inputs"].std(axis=0) - 1.0).max() < 1e-3


def test_a_mean_far_from_0_is_found():
    x, y = table(0.2, offset=[0.0, 5.0, 0.0, 0.0])
    (found,) = findings("unscaled inputs", net(x, y))
    assert found.evidence.startswith("feature 1 is")


def test_a_column_that_varies_too_little_is_found_and_a_rare_mark_is_not():
    x, y = table([1.0, 1.0, 1e-4, 1.0])
    (found,) = findings("unscaled inputs", net(x, y))
    assert found.evidence.startswith("feature 2 varies by")
    x[:, 2] = np.arange(150) == 60
    assert not findings("unscaled inputs", net(x, y))


def test_pixels_up_to_255_are_divided():
    x = np.rint(RNG.uniform(0, 255, size=(60, 8, 8, 1))).astype(np.float32)
    y = (x.mean(axis=(1, 2, 3)) > 127).astype(int)
    model = pb.Sequential(pb.Conv2d(2, 3), pb.ReLU(), pb.Flatten(), pb.Dense(2))
    sick = patient(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.1), x, y)
    (found,) = findings("unscaled inputs", sick)
    assert "255" in found.evidence
    assert "/ 255" in found.cure.code
    cured = found.cure.change(sick)
    for rows in (cured.data, cured.held_out):
        assert 0.9 < rows.columns["inputs"].max() <= 1.0
    assert not findings("unscaled inputs", cured)


def test_sequences_are_scaled_by_feature():
    x = RNG.normal(size=(60, 5, 2)) * [1.0, 500.0]
    model = pb.Sequential(pb.Flatten(), pb.Dense(2))
    sick = patient(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.1), x, np.arange(60) % 2)
    (found,) = findings("unscaled inputs", sick)
    scaled = found.cure.change(sick).data.columns["inputs"]
    assert np.allclose(scaled.std(axis=(0, 1)), 1.0, atol=1e-3)


def test_usual_features_marks_and_shares_are_let_be():
    x, y = table()
    assert not findings("unscaled inputs", net(x, y))
    assert not findings("unscaled inputs", net((x > 0.5).astype(float), y))
    assert not findings("unscaled inputs", net(np.zeros((150, 4)), y))
