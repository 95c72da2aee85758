"""The guide's classifiers: its numbers, and that they learn its six points."""

import numpy as np
import pytest

import pullback as pb
from pullback.models import svm, two_layer_network

POINTS = [[1.2, 0.7], [-0.3, -0.5], [3.0, 0.1], [-0.1, -1.0], [-1.0, 1.1], [2.1, -3.0]]
LABELS = [1, -1, 1, -1, -1, 1]


def test_the_guides_first_scores_and_pulls():
    machine = svm()
    assert machine.forward([1.2, 0.7]) == pytest.approx(-1.2)
    machine.learn_from([1.2, 0.7], 1)  # too low: pulled up by 1, springs of -1 and +2
    values = [unit.value for unit in (*machine.weights, *machine.biases)]
    assert values == pytest.approx([1 + 0.01 * (1.2 - 1), -2 + 0.01 * (0.7 + 2), -1 + 0.01])
    machine = svm()
    assert machine.forward([-0.3, 0.5]) == pytest.approx(-2.3)
    machine.learn_from([-0.3, 0.5], -1)  # content: the springs alone
    values = [unit.value for unit in (*machine.weights, *machine.biases)]
    assert values == pytest.approx([1 - 0.01, -2 + 0.02, -1])


def test_the_svm_gets_all_six_points_right_within_400_iterations():
    # With the guide's strong springs this takes a lucky order of points, as the guide's was.
    accuracies = svm().fit(POINTS, LABELS, iterations=400, seed=11)
    assert accuracies[-1] == 1.0
    assert len(accuracies) == 16


@pytest.mark.parametrize("seed", range(5))
def test_with_softer_springs_any_order_of_points_will_do(seed):
    assert svm().fit(POINTS, LABELS, iterations=400, spring=0.03, seed=seed)[-1] == 1.0


def test_the_svm_is_the_guides_short_form():
    rng = np.random.default_rng(5)
    a, b, c = 1.0, -2.0, -1.0
    for _ in range(100):
        (x, y), label = POINTS[k := int(rng.integers(6))], LABELS[k]
        score = a * x + b * y + c
        pull = 1.0 if label == 1 and score < 1 else -1.0 if label == -1 and score > -1 else 0.0
        a, b, c = a + 0.01 * (x * pull - a), b + 0.01 * (y * pull - b), c + 0.01 * pull
    machine = svm()
    machine.fit(POINTS, LABELS, iterations=100, seed=5)
    values = [unit.value for unit in (*machine.weights, *machine.biases)]
    assert values == pytest.approx([a, b, c], rel=1e-12)


def test_the_two_layer_network_computes_what_it_says():
    network = two_layer_network(rng=3)
    p = {unit.name: unit.value for unit in (*network.weights, *network.biases)}
    x, y = 0.3, -1.2
    n = [max(0.0, p[f"w0{j}"] * x + p[f"w1{j}"] * y + p[f"c{j}"]) for j in range(3)]
    expected = sum(p[f"v{j}"] * n[j] for j in range(3)) + p["d"]
    assert network.forward([x, y]) == pytest.approx(expected)
    assert len(p) == 13


@pytest.mark.parametrize("seed", range(3))
def test_the_two_layer_network_learns_the_six_points(seed):
    network = two_layer_network(rng=seed)
    assert network.fit(POINTS, LABELS, iterations=6000, spring=0.01, seed=seed)[-1] == 1.0


def test_a_step_that_is_far_too_long_is_no_class():
    machine = svm()
    with pytest.raises(pb.CircuitError, match=r"the score is .*: learn anew with a smaller step"):
        machine.fit(POINTS, LABELS, step=1e200)
    with pytest.raises(pb.CircuitError, match="the score is"):
        machine.predict(POINTS[0])


def test_bad_points_and_labels_are_refused():
    machine = svm()
    with pytest.raises(pb.CircuitError, match="a point has 2 numbers, got 3"):
        machine.forward([1.0, 2.0, 3.0])
    with pytest.raises(pb.CircuitError, match=r"\+1 and -1, got \[0, 1\]"):
        machine.fit(POINTS, [0, 1] * 3)
    with pytest.raises(pb.CircuitError, match="6 points and 1 labels"):
        machine.fit(POINTS, [1])
