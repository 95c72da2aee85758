"""Measures of classes: those of scikit-learn, and None where there is nothing to measure."""

import warnings

import numpy as np
import pytest
from sklearn import metrics
from sklearn.preprocessing import label_binarize

import pullback as pb
from pullback.metrics import CLASS_METRICS, class_metrics, misleading_accuracy


def data(rows, classes, seed=0, shares=None):
    """Class numbers of unequal shares, and probabilities that know a little of them."""
    rng = np.random.default_rng(seed)
    shares = 0.3 ** np.arange(classes) if shares is None else np.array(shares)
    truth = rng.choice(classes, rows, p=shares / shares.sum())
    scores = rng.normal(size=(rows, classes)) + np.log(shares) + 1.5 * np.eye(classes)[truth]
    p = np.exp(scores)
    return truth, p / p.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(3))
def test_of_two_classes_they_are_those_of_the_rarer_one(seed):
    truth, p = data(211, 2, seed)
    found, said = class_metrics(truth, p), p.argmax(axis=1)
    assert tuple(found) == CLASS_METRICS
    assert found["accuracy"] == metrics.accuracy_score(truth, said)
    assert found["balanced_accuracy"] == metrics.balanced_accuracy_score(truth, said)
    assert found["f1"] == metrics.f1_score(truth, said)
    assert found["mcc"] == metrics.matthews_corrcoef(truth, said)
    assert found["average_precision"] == metrics.average_precision_score(truth, p[:, 1])
    assert found["roc_auc"] == metrics.roc_auc_score(truth, p[:, 1])
    assert found["log_loss"] == metrics.log_loss(truth, p)
    assert found["brier"] == pytest.approx(metrics.brier_score_loss(truth, p[:, 1]), rel=1e-12)
    other = class_metrics(1 - truth, p[:, ::-1])  # the rarer class is 0 now
    assert other == pytest.approx(found, rel=1e-12)
    asked = class_metrics(truth, p, positive=0)
    assert asked["f1"] == metrics.f1_score(truth, said, pos_label=0)
    assert asked["average_precision"] == metrics.average_precision_score(truth == 0, p[:, 0])


def test_of_several_classes_they_are_means_over_the_classes():
    truth, p = data(307, 4)
    found, said = class_metrics(truth, p), p.argmax(axis=1)
    each = label_binarize(truth, classes=range(4))
    assert found["balanced_accuracy"] == metrics.balanced_accuracy_score(truth, said)
    assert found["f1"] == metrics.f1_score(truth, said, average="macro")
    assert found["mcc"] == metrics.matthews_corrcoef(truth, said)
    wanted = metrics.average_precision_score(each, p, average="macro")
    assert found["average_precision"] == pytest.approx(wanted, rel=1e-12)
    assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(truth, p, multi_class="ovr"))
    assert found["brier"] == pytest.approx(np.square(p - each).sum(axis=1).mean())


def test_answers_may_be_other_than_the_likeliest():
    truth, p = data(97, 2)
    said = (p[:, 1] > 0.1).astype(int)
    found = class_metrics(truth, p, said)
    assert found["f1"] == metrics.f1_score(truth, said)
    assert found["roc_auc"] == class_metrics(truth, p)["roc_auc"]


def test_scores_that_are_no_probabilities_rank_alone():
    truth, p = data(97, 2)
    scores = np.log(p) * 3
    found = class_metrics(truth, scores, probable=False)
    assert found["log_loss"] is found["brier"] is found["calibration_error"] is None
    for name in ("accuracy", "f1", "mcc"):
        assert found[name] == class_metrics(truth, p)[name]
    lead = scores[:, 1]
    assert found["average_precision"] == metrics.average_precision_score(truth, lead)


@pytest.mark.parametrize("only", [0, 1])
@pytest.mark.parametrize("rows", [1, 5])
def test_one_class_alone_cannot_be_ranked(only, rows):
    p = np.random.default_rng(0).dirichlet([1, 1], rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = class_metrics(np.full(rows, only), p, positive=1)
    assert found["average_precision"] is found["roc_auc"] is None
    assert found["balanced_accuracy"] == found["accuracy"] == (p.argmax(axis=1) == only).mean()
    assert found["mcc"] == 0.0
    assert np.isfinite(found["log_loss"])


def test_a_class_without_rows_is_left_out_of_means():
    truth, p = data(60, 3)
    truth[truth == 2] = 1
    found = class_metrics(truth, p)
    wanted = np.mean([metrics.roc_auc_score(truth == k, p[:, k]) for k in (0, 1)])
    assert found["roc_auc"] == pytest.approx(wanted)


def test_equal_scores_are_worth_as_much_as_chance():
    truth = np.array([0] * 9 + [1])
    found = class_metrics(truth, np.full((10, 2), 0.5))
    assert (found["roc_auc"], found["average_precision"]) == (0.5, 0.1)


@pytest.mark.parametrize(
    ("truth", "p", "words"),
    [
        ([], np.zeros((0, 2)), "one at least"),
        ([0, 1], [[0.5, 0.5]], "as many rows"),
        ([0, 2], np.full((2, 2), 0.5), r"label 2 \(row 1\) is none of the class numbers 0 to 1"),
        ([0, 1], [[0.5, 0.5], [1.5, -0.5]], r"1.5 \(row 1\) is no probability"),
        ([0, 1], [[0.5, np.nan], [0.5, 0.5]], r"\(row 0\) are not all finite"),
    ],
)
def test_what_does_not_fit_is_refused(truth, p, words):
    with pytest.raises(pb.CircuitError, match=words):
        class_metrics(truth, p)


def test_accuracy_is_doubted_where_one_class_is_nearly_all():
    truth = np.array([0] * 97 + [1] * 3)
    always, right = np.zeros(100, int), truth
    words = misleading_accuracy(truth, always, ("well", "ill"))
    assert words.startswith("accuracy says little: 97.0% of the rows are well, and to answer so")
    assert "97.0%, but for chance" in words
    words = misleading_accuracy(np.tile(truth, 30), np.tile(right, 30), ("well", "ill"))
    assert words == (
        "accuracy says little: 97.0% of the rows are well; go by balanced accuracy and average "
        "precision"
    )


def test_accuracy_is_doubted_where_it_is_within_chance_of_the_trivial_answer():
    truth = np.arange(100) % 3
    assert "but for chance" in misleading_accuracy(truth, np.zeros(100, int), "abc")
    assert misleading_accuracy(truth, truth, "abc") == ""
    assert misleading_accuracy(truth[:0], truth[:0], "abc") == ""
