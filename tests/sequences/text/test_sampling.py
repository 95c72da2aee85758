"""Drawing from scores: against the distributions themselves, and a plain sort."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

import pullback as pb
from pullback.sequences.text import Sampling, sample

SETTINGS = [
    Sampling(),
    Sampling(0.5),
    Sampling(3.0),
    Sampling(0.0),
    Sampling(top_k=1),
    Sampling(top_k=3),
    Sampling(top_k=100),
    Sampling(top_p=0.6),
    Sampling(top_p=1.0),
    Sampling(top_p=1e-9),
    Sampling(0.7, top_k=4, top_p=0.8),
]


def by_sorting(scores, how):
    """The probabilities, class by class, as one would write them down."""
    if how.temperature == 0.0:
        return np.eye(len(scores))[int(np.argmax(scores))]
    order = sorted(range(len(scores)), key=lambda k: (-scores[k], k))
    if how.top_k is not None:
        order = order[: how.top_k]
    powers = {k: np.exp((scores[k] - scores[order[0]]) / how.temperature) for k in order}
    total = sum(powers.values())
    if how.top_p is not None:
        kept, share = [], 0.0
        for k in order:
            kept.append(k)
            share += powers[k] / total
            if share >= how.top_p:
                break
        order, total = kept, sum(powers[k] for k in kept)
    p = np.zeros(len(scores))
    for k in order:
        p[k] = powers[k] / total
    return p


@pytest.mark.parametrize("how", SETTINGS, ids=str)
def test_probabilities_are_those_of_a_plain_sort(how):
    rng = np.random.default_rng(0)
    for size in (1, 2, 7, 65):
        scores = rng.normal(size=(20, size)) * 2.0
        scores[::3] = scores[::3].round()  # equals
        expected = [by_sorting(row, how) for row in scores]
        np.testing.assert_allclose(how.probabilities(scores), expected, atol=1e-14)
        np.testing.assert_allclose(how.probabilities(scores[0]), expected[0], atol=1e-14)


@pytest.mark.parametrize("how", SETTINGS, ids=str)
def test_draws_are_distributed_so(how):
    scores = np.array([0.3, 2.0, -1.0, 1.0, 2.0, 0.0, -4.0])
    count = 20_000
    drawn = how.draw(np.broadcast_to(scores, (count, 7)), np.random.default_rng(1))
    found = np.bincount(drawn, minlength=7)
    p = how.probabilities(scores)
    assert (found[p == 0.0] == 0).all()
    if (p > 0).sum() > 1:
        assert chisquare(found[p > 0], count * p[p > 0]).pvalue > 1e-3
    else:
        assert found[p > 0].tolist() == [count]


def test_one_row_at_a_time_draws_the_same_as_all_at_once():
    scores = np.random.default_rng(0).normal(size=(50, 9))
    for how in SETTINGS:
        rng = np.random.default_rng(5)
        one = [int(how.draw(row, rng)) for row in scores]
        assert how.draw(scores, np.random.default_rng(5)).tolist() == one


def test_seeds():
    scores = np.zeros((100, 10))
    assert sample(scores).tolist() == sample(scores, 0).tolist()
    assert sample(scores, 1).tolist() != sample(scores, 2).tolist()
    rng = np.random.default_rng(1)
    assert sample(scores, rng).tolist() == sample(scores, 1).tolist()
    assert sample(scores, rng).tolist() != sample(scores, 1).tolist()


def test_scores_of_any_size_and_kind():
    assert sample([1e30, -1e30]).tolist() == 0
    assert sample([-1e308, 1e308], temperature=1e-3).tolist() == 1
    assert set(sample(np.tile([-np.inf, 0.0, 0.0], (200, 1)))) == {1, 2}
    assert sample(np.array([[1, 5]], np.int8), temperature=0.0).tolist() == [1]
    assert sample(np.zeros((0, 3))).shape == (0,)
    assert sample(np.zeros((2, 3, 1), np.float32)).shape == (2, 3)
    assert (Sampling(top_p=0.5).probabilities([-np.inf, 0.0]) == [0.0, 1.0]).all()
    assert Sampling(1e-300).probabilities([0.0, 1.0]).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    "scores", [[np.nan, 0.0], [np.inf, 0.0], [-np.inf, -np.inf], 0.0, [], [[]], "ab", [True, False]]
)
def test_scores_that_cannot_be_drawn_from_are_refused(scores):
    with pytest.raises(pb.CircuitError, match=r"scores hold nan|scores are numbers of shape"):
        sample(scores)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"temperature": -0.1}, "a temperature is a finite number, 0 or above, got -0.1"),
        ({"temperature": np.nan}, "a temperature"),
        ({"temperature": np.inf}, "a temperature"),
        ({"temperature": "hot"}, "a temperature"),
        ({"top_k": 0}, "top_k is a whole number of at least 1, got 0"),
        ({"top_k": 2.5}, "top_k"),
        ({"top_p": 0.0}, "top_p is a share above 0 and up to 1, got 0.0"),
        ({"top_p": 1.1}, "top_p"),
        ({"top_p": np.nan}, "top_p"),
    ],
)
def test_wrong_settings_are_refused(how, said):
    with pytest.raises(pb.CircuitError, match=said):
        sample([0.0, 1.0], **how)
