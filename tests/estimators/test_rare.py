"""A rare class: scikit-learn's tools for it take our estimators, and focal losses go into them."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import average_precision_score, log_loss
from sklearn.model_selection import TunedThresholdClassifierCV, cross_val_score

import pullback as pb


@pytest.fixture(scope="module")
def rare():
    rng = np.random.default_rng(0)
    y = np.where(rng.random(240) < 0.1, "ill", "well")
    return rng.normal(size=(240, 2)) + 1.8 * (y == "ill")[:, None], y


def network(**options):
    return pb.NetworkClassifier(
        (4,), epochs=12, learning_rate=0.05, random_state=0, engine="eager", **options
    )


def test_a_threshold_is_tuned(rare):
    x, y = rare
    tuned = TunedThresholdClassifierCV(network(), scoring="balanced_accuracy", cv=2).fit(x, y)
    assert 0.5 < tuned.best_threshold_ < 1.0  # of being well, which most are
    p = tuned.estimator_.predict_proba(x)[:, 1]
    assert (np.where(p >= tuned.best_threshold_, "well", "ill") == tuned.predict(x)).all()


@pytest.mark.parametrize("loss", ["BinaryFocalCrossEntropy", pb.SoftmaxFocalCrossEntropy(gamma=3)])
def test_a_focal_loss_ranks_and_is_calibrated(rare, loss):
    x, y = rare
    focal = network(loss=loss).fit(x, y)
    p = focal.predict_proba(x)
    assert average_precision_score(y == "ill", p[:, 0]) > 0.3
    mended = CalibratedClassifierCV(network(loss=loss), cv=2, method="sigmoid").fit(x, y)
    assert log_loss(y, mended.predict_proba(x)) < log_loss(y, p)


def test_searches_score_by_average_precision(rare):
    x, y = rare
    scores = cross_val_score(network(), x, y == "ill", scoring="average_precision", cv=2)
    assert (scores > 0.2).all()
