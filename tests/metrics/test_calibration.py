"""Calibration: least cross entropy, by another minimizer, as a layer that is saved."""

import warnings

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import betainc, log_softmax
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

import pullback as pb
from pullback.metrics import Calibration, calibrate, calibrated, reliability, with_priors


def data(rows, classes, seed=0, scale=3.0):
    """Labels, and scores `scale` times as sure as they should be."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, classes)) * 1.5
    p = np.exp(log_softmax(logits, axis=1))
    labels = np.array([rng.choice(classes, p=row) for row in p])
    return scale * logits, labels


def entropy(scores, labels):
    return -log_softmax(scores, axis=1)[np.arange(len(labels)), labels].mean()


@pytest.mark.parametrize("scale", [3.0, 0.2])
@pytest.mark.parametrize("classes", [2, 5])
def test_the_temperature_is_that_of_least_cross_entropy(classes, scale):
    scores, labels = data(400, classes, scale=scale)
    found = calibrate(scores, labels)
    wanted = minimize_scalar(
        lambda t: entropy(scores / np.exp(t), labels), bounds=(-5, 5), options={"xatol": 1e-10}
    )
    assert found.temperature == pytest.approx(np.exp(wanted.x), rel=1e-5)
    assert found.after == pytest.approx(wanted.fun, rel=1e-12)
    assert found.before == pytest.approx(entropy(scores, labels), rel=1e-12)
    assert found.temperature == pytest.approx(scale, rel=0.25)
    np.testing.assert_allclose(found(scores), scores / found.temperature)


@pytest.mark.parametrize("column", [True, False])
def test_one_score_by_vector_is_platts_scaling(column):
    scores, labels = data(400, 2)
    lead = scores[:, 1] - scores[:, 0] + 2.0
    found = calibrate(lead[:, None] if column else lead, labels, "vector")
    wanted = LogisticRegression(C=1e12, tol=1e-10, max_iter=1000).fit(lead[:, None], labels)
    assert found.scale[0] == pytest.approx(wanted.coef_[0, 0], rel=1e-4)
    assert found.shift[0] == pytest.approx(wanted.intercept_[0], rel=1e-4)


def test_a_vector_takes_back_what_class_weights_did():
    scores, labels = data(800, 3, scale=1.0)
    moved = scores * [1.0, 2.0, 0.5] + [0.0, 3.0, -2.0]
    found = calibrate(moved, labels, "vector")
    assert found.after < calibrate(moved, labels).after
    assert found.after < entropy(scores, labels) + 1e-9
    with pytest.raises(pb.CircuitError, match="has 3 scales"):
        _ = found.temperature


@pytest.mark.parametrize("method", ["temperature", "vector"])
@pytest.mark.parametrize("outputs", [1, 3])
def test_a_calibrated_model_is_a_model(tmp_path, outputs, method):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 4)).astype(np.float32)
    model = pb.Sequential(pb.Dense(5, rng=0), pb.ReLU(), pb.Dense(outputs, rng=1))
    scores = model.predict(x)
    labels = rng.integers(0, max(2, outputs), 50)
    found = calibrate(scores, labels, method)
    whole = calibrated(model, found)
    np.testing.assert_allclose(whole.predict(x), found(scores), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(model.predict(x), scores)
    whole.save(tmp_path / "model.safetensors")
    again = pb.Layer.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(x), whole.predict(x))
    if method == "temperature" and outputs > 1:
        np.testing.assert_array_equal(whole.predict(x).argmax(axis=1), scores.argmax(axis=1))


def test_a_model_that_is_no_sequential_is_calibrated():
    model = pb.Dense(2, rng=0)
    whole = calibrated(model, Calibration((2.0,), (0.0,), 1.0, 0.5))
    x = np.ones((3, 2), np.float32)
    np.testing.assert_allclose(whole.predict(x), 2.0 * model.predict(x), rtol=1e-6)


@pytest.mark.parametrize(
    ("scores", "labels", "words"),
    [
        ([[3.0, 0.0], [0.0, 1.0]], [0, 1], "every row is right"),
        (np.zeros((0, 2)), [], "scores are finite numbers"),
        ([[np.nan, 0.0]], [0], "scores are finite numbers"),
        ([[1.0, 0.0]], [2], "is not among the 2 classes"),
        ([1.0, 0.0], [1, 2], "needs labels from 0 to 1"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(scores, labels, words):
    with pytest.raises(pb.CircuitError, match=words):
        calibrate(scores, labels)


@pytest.mark.parametrize(
    ("scores", "labels", "words"),
    [
        ([1.0, -2.0, 3.0], [1, 1, 1], "class 0 has no row"),
        ([3.0, 1.0, 2.0], [1, 0, 0], "every row is right"),  # divided by a shift
        ([[3.0, 0.0, 1.0], [0.0, 1.0, 1.0], [2.0, 1.0, 1.0]], [0, 1, 1], "class 2 has no row"),
    ],
)
def test_a_shift_without_end_is_refused(scores, labels, words):
    assert calibrate(scores, labels).after <= calibrate(scores, labels).before
    with pytest.raises(pb.CircuitError, match=words):
        calibrate(scores, labels, "vector")


def test_a_method_is_known():
    with pytest.raises(pb.CircuitError, match="a calibration is one of temperature, vector"):
        calibrate([[1.0, 0.0]], [1], "isotonic")


def test_priors_move_odds():
    p = np.random.default_rng(0).dirichlet([1, 1, 1], 5)
    old, new = [0.2, 0.3, 0.5], [0.7, 0.2, 0.1]
    found = with_priors(p, old, new)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    odds = (found[:, 0] / found[:, 2]) / (p[:, 0] / p[:, 2])
    np.testing.assert_allclose(odds, (0.7 / 0.2) / (0.1 / 0.5))
    np.testing.assert_allclose(with_priors(found, new, old), p)
    for before in ([0.5, 0.5], [0.0, 0.5, 0.5], [np.nan, 0.5, 0.5]):
        with pytest.raises(pb.CircuitError, match="share"):
            with_priors(p, before, new)


# Reliability -------------------------------------------------------------------------------------


def test_bins_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    p = rng.beta(0.5, 3.0, 1000)
    happened = rng.random(1000) < p**1.5
    found = reliability(happened, p, bins=8)
    observed, predicted = calibration_curve(happened, p, n_bins=8, strategy="quantile")
    np.testing.assert_allclose(found.observed, observed)
    np.testing.assert_allclose(found.predicted, predicted)
    assert found.counts.tolist() == [125] * 8
    assert found.error == pytest.approx(abs(observed - predicted).mean())
    assert found.spread.sum() == 1000
    hits = np.rint(observed * 125)
    np.testing.assert_allclose(betainc(hits + 0.5, 125 - hits + 0.5, found.high), 0.975)
    assert (found.low <= found.observed).all()
    assert (found.observed <= found.high).all()


def test_right_probabilities_are_within_their_intervals():
    rng = np.random.default_rng(1)
    p = rng.random(20000)
    found = reliability(rng.random(20000) < p, p, bins=50, level=0.95)
    inside = (found.low <= found.predicted) & (found.predicted <= found.high)
    assert 0.86 <= inside.mean() <= 1.0
    assert found.error < 0.03


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("rows", [1, 7])
def test_equal_probabilities_are_one_bin(p, rows):
    found = reliability(np.zeros(rows), np.full(rows, p))
    assert found.counts.tolist() == [rows]
    assert found.error == pytest.approx(p)
    assert (found.low[0], found.observed[0]) == (0.0, 0.0)
    assert 0.0 < found.high[0] <= 1.0


def test_rows_of_equal_probability_stay_together():
    p = np.array([0.0] * 90 + [0.5] * 9 + [0.9])
    found = reliability(p > 0.4, p, bins=10)
    assert set(found.predicted.round(6)) <= {0.0, 0.5, 0.9, round(5.4 / 10, 6)}
    assert found.counts.sum() == 100
    with pytest.raises(pb.CircuitError, match="bins are 1 or more"):
        reliability(p > 0.4, p, bins=0)
    with pytest.raises(pb.CircuitError, match="quantile or uniform, got 'equal'"):
        reliability(p > 0.4, p, strategy="equal")


def test_bins_of_equal_width_are_those_of_scikit_learn():
    rng = np.random.default_rng(5)
    p = np.concatenate([rng.random(300) ** 6, [0.97, 1.0, 0.0]])  # most near 0, as of a rare class
    happened = rng.random(303) < p
    found = reliability(happened, p, strategy="uniform")
    observed, predicted = calibration_curve(happened, p, n_bins=10, strategy="uniform")
    np.testing.assert_allclose(found.observed, observed)
    np.testing.assert_allclose(found.predicted, predicted)
    assert found.counts.sum() == 303


def test_the_picture_has_every_bin(tmp_path):
    pytest.importorskip("matplotlib")
    rng = np.random.default_rng(0)
    p = rng.beta(0.4, 6.0, 500)
    found = reliability(rng.random(500) < p, p)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sheet = found.plot("ill")
        sheet.save(tmp_path / "reliability.svg")
        reliability([0], [0.2]).plot()
    axes, bars = sheet.axes
    np.testing.assert_allclose(axes.lines[1].get_xdata(), found.predicted)
    np.testing.assert_allclose(axes.lines[1].get_ydata(), found.observed)
    assert [bar.get_height() for bar in bars.patches] == found.spread.tolist()
