"""Thresholds: none is better on the rows they are chosen on, by scikit-learn's own measures."""

import numpy as np
import pytest
from sklearn import metrics

import pullback as pb
from pullback.metrics import Threshold, choose_threshold
from pullback.metrics.threshold import CRITERIA

NAMES = {
    "f1": lambda t, s: metrics.f1_score(t, s, zero_division=0.0),
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "mcc": metrics.matthews_corrcoef,
    "accuracy": metrics.accuracy_score,
    "cost=7": lambda t, s: -(7 * (t & ~s).mean() + (~t & s).mean()),
}


def data(rows, seed, digits=9):
    """Truth values and probabilities, of which few digits make ties."""
    rng = np.random.default_rng(seed)
    truth = rng.random(rows) < 0.2
    truth[:2] = True, False
    return truth, np.round(rng.beta(1 + 2 * truth, 4), digits)


def every(p):
    """A threshold for every way to divide the rows."""
    return np.concatenate([p, [2.0]])


@pytest.mark.parametrize("digits", [9, 1])
@pytest.mark.parametrize("rows", [2, 3, 37, 101])
@pytest.mark.parametrize("name", NAMES)
def test_none_is_better(name, rows, digits):
    for seed in range(4):
        truth, p = data(rows, seed, digits)
        found = choose_threshold(truth, p, name)
        measure = NAMES[name]
        best = max(measure(truth, p >= t) for t in every(p))
        assert measure(truth, found(p)) == pytest.approx(best)
        assert abs(found.reached) == pytest.approx(abs(best))
        assert found.criterion == name


@pytest.mark.parametrize(
    ("wanted", "other"),
    [
        (metrics.recall_score, metrics.precision_score),
        (metrics.precision_score, metrics.recall_score),
    ],
)
@pytest.mark.parametrize("least", [0.3, 0.5])
def test_the_most_of_one_with_enough_of_the_other(wanted, other, least):
    truth, p = data(101, 0)
    name = "recall" if other is metrics.recall_score else "precision"
    found = choose_threshold(truth, p, f"{name}={least}")
    assert other(truth, found(p)) >= least
    enough = [t for t in every(p)[:-1] if other(truth, p >= t) >= least]
    assert found.reached == wanted(truth, found(p)) == max(wanted(truth, p >= t) for t in enough)


def test_costs_of_every_answer():
    truth, p = data(101, 0)
    costs = np.array([[-1.0, 2.0], [9.0, -3.0]])

    def mean(t):
        return costs[truth.astype(int), (p >= t).astype(int)].mean()

    found = choose_threshold(truth, p, costs=costs)
    assert mean(found.value) == pytest.approx(min(map(mean, every(p))))
    assert found.reached == pytest.approx(mean(found.value))
    cost = choose_threshold(truth, p, "cost=7")
    assert choose_threshold(truth, p, costs=[[0, 1], [7, 0]]).value == cost.value


def test_of_several_that_are_as_good_the_nearest_to_a_half_is_taken():
    assert choose_threshold([0, 1], [0.1, 0.9]).value == 0.5
    assert choose_threshold([0, 1], [0.1, 0.3]).value == pytest.approx(0.2)
    assert choose_threshold([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], "recall=0.5").value == 0.5
    for p in ([0.3, 0.3], [0.5, 0.5], [0.0, 0.0], [1.0, 1.0]):  # all scores equal
        found = choose_threshold([0, 1], p, "f1")
        assert found(p).all()
        assert 0.0 <= found.value <= 1.0


def test_nobody_and_everybody_are_thresholds_too():
    truth, p = np.array([1, 0, 0]), np.array([0.2, 0.9, 1.0])
    nobody = choose_threshold(truth, p, "accuracy")
    assert not nobody(p).any()
    everybody = choose_threshold(truth, p, "cost=10")
    assert everybody(p).all()
    assert everybody(np.array([0.0])).all() == (everybody.value == 0.0)


def test_answers_are_class_numbers():
    p = np.array([[0.9, 0.1], [0.75, 0.25], [0.2, 0.8]])
    assert Threshold(0.2, "f1", 1.0).answers(p).tolist() == [0, 1, 1]
    assert Threshold(0.8, "f1", 1.0, positive=0).answers(p).tolist() == [0, 1, 1]


@pytest.mark.parametrize("criterion", CRITERIA)
def test_every_criterion_that_is_told_can_be_chosen_for(criterion):
    truth = np.array([0, 0, 0, 1, 1])
    p = np.array([0.1, 0.2, 0.3, 0.6, 0.7])
    assert choose_threshold(truth, p, criterion)(p).tolist() == truth.astype(bool).tolist()


@pytest.mark.parametrize(
    ("truth", "p", "criterion", "words"),
    [
        ([], [], "f1", "one row at least"),
        ([1], [0.5], "f1", "all rows are of one class"),
        ([0, 0], [0.5, 0.1], "f1", "all rows are of one class"),
        ([0, 2], [0.5, 0.1], "f1", r"label 2 \(row 1\) is neither 0 nor 1"),
        ([0, 1], [0.5, 1.1], "f1", "is no probability"),
        ([0, 1], [0.5, np.nan], "f1", "is no probability"),
        ([0, 1, 1], [0.5, 0.1], "f1", "one number each for every row"),
        ([0, 1], [0.5, 0.1], "fun", "there are: f1, balanced_accuracy"),
        ([0, 1], [0.5, 0.1], "recall", "there are: f1, balanced_accuracy"),
        ([0, 1], [0.5, 0.1], "recall=x", "'x' in 'recall=x' is no number above 0"),
        ([0, 1], [0.5, 0.1], "cost=-1", "'-1' in 'cost=-1' is no number above 0"),
        ([0, 1], [0.5, 0.1], "recall=2", "'2' in 'recall=2' is no number above 0 and up to 1"),
        ([0, 1], [0.5, 0.1], "precision=0.9", "the precision of these 2 rows is at most 0.500"),
    ],
)
def test_what_cannot_be_chosen_is_refused(truth, p, criterion, words):
    with pytest.raises(pb.CircuitError, match=words):
        choose_threshold(truth, p, criterion)


@pytest.mark.parametrize("costs", [[1, 2], [[0, 1], [np.inf, 0]]])
def test_costs_are_a_table(costs):
    with pytest.raises(pb.CircuitError, match="costs are two rows of two finite numbers"):
        choose_threshold([0, 1], [0.1, 0.9], costs=costs)
