"""Beam search against all sequences there are."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import pullback as pb
from pullback.sequences.text import StepByStep, beam_search

CLASSES = 3


def scores_of(seed):
    """Scores that depend on the whole prefix."""

    def one(prefix):
        return (
            np.random.default_rng([seed, len(prefix), *map(int, prefix)]).normal(size=CLASSES) * 2
        )

    return lambda prefixes: np.array([one(prefix) for prefix in prefixes])


def exhaustive(scores, start, longest, end, power):
    """All sequences that end, or are as long as may be, with their scores, the best first."""
    found = []
    for length in range(1, longest + 1):
        for numbers in product(range(CLASSES), repeat=length):
            if end in numbers[:-1] or (numbers[-1] != end and length < longest):
                continue
            total = 0.0
            for k, number in enumerate(numbers):
                row = scores(np.array([[*start, *numbers[:k]]]))[0]
                total += row[number] - np.log(np.exp(row).sum())
            found.append((total / length**power, numbers, total))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("start", [(), (1, 0)])
@pytest.mark.parametrize(("end", "power"), [(None, 0.0), (0, 0.0), (0, 1.0), (2, 0.6), (0, 2.0)])
@pytest.mark.parametrize("longest", [1, 2, 4])
def test_a_wide_beam_finds_the_best_of_all(longest, end, power, start):
    for seed in range(3):
        scores = scores_of(seed)
        expected = exhaustive(scores, start, longest, end, power)
        found = beam_search(
            scores, start, width=CLASSES**longest, longest=longest, end=end, length_power=power
        )
        assert [x.numbers for x in found] == [numbers for _, numbers, _ in expected]
        np.testing.assert_allclose([x.score for x in found], [score for score, _, _ in expected])
        np.testing.assert_allclose(
            [x.log_probability for x in found], [total for *_, total in expected]
        )
        assert all(x.ended == (x.numbers[-1] == end) for x in found)


@pytest.mark.parametrize("width", [1, 2, 5])
def test_a_narrow_beam_is_that_of_plain_lists(width):
    for seed in range(5):
        scores = scores_of(seed)
        live, done = [((), 0.0)], []
        for length in range(1, 6):
            grown = []
            for prefix, total in live:
                row = scores([prefix])[0]
                row = row - np.log(np.exp(row).sum())
                grown += [((*prefix, k), total + row[k]) for k in range(CLASSES)]
            grown.sort(key=lambda x: -x[1])
            done += [x for x in grown if x[0][-1] == 0 or length == 5]
            live = [x for x in grown if x[0][-1] != 0][:width]
        done.sort(key=lambda x: -x[1] / len(x[0]))
        found = beam_search(scores, width=width, longest=5, end=0, length_power=1.0)
        assert found[0].numbers == done[0][0]


def test_a_beam_of_one_is_greedy():
    scores = scores_of(0)
    prefix = []
    for _ in range(6):
        prefix.append(int(scores([prefix])[0].argmax()))
    (found,) = beam_search(scores, width=1, longest=6)
    assert found.numbers == tuple(prefix)


def test_a_wider_beam_finds_what_greed_misses():
    table = {(): [0.6, 0.4], (0,): [0.5, 0.5], (1,): [0.99, 0.01]}
    scores = lambda prefixes: np.log([table[tuple(p)] for p in np.asarray(prefixes).tolist()])
    assert beam_search(scores, width=1, longest=2)[0].numbers == (0, 0)
    best = beam_search(scores, width=2, longest=2)[0]
    assert best.numbers == (1, 0)
    assert np.exp(best.log_probability) == pytest.approx(0.4 * 0.99)


def test_a_step_model_gives_the_scores_of_prefixes():
    table = np.random.default_rng(0).normal(size=(CLASSES, CLASSES)) * 2.0
    model = StepByStep(
        lambda numbers, h: 2 * (pb.take(table, numbers) + 0.5 * h,),
        [CLASSES],
        dtype="float64",
        engine="eager",
    )

    def scores(prefixes):
        return model.step(prefixes, model.start(len(prefixes)))[0]

    expected = exhaustive(scores, (1,), 3, None, 0.0)
    found = beam_search(scores, [1], width=CLASSES**3, longest=3)
    assert [x.numbers for x in found] == [numbers for _, numbers, _ in expected]


def test_impossible_numbers_are_in_no_sequence():
    found = beam_search(lambda p: np.tile([0.0, -np.inf, 0.0], (len(p), 1)), width=9, longest=2)
    assert sorted(x.numbers for x in found) == [(0, 0), (0, 2), (2, 0), (2, 2)]


def test_it_stops_when_nothing_can_become_better():
    asked = []

    def scores(prefixes):
        asked.append(prefixes.shape)
        return np.tile([5.0, 0.0], (len(prefixes), 1))

    beam_search(scores, width=1, longest=100, end=0)
    assert asked == [(1, 0)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"width": 0}, "width must be a whole number"),
        ({"longest": 0}, "longest must be a whole number"),
        ({"end": 3}, "the end is a class from 0 to 2, got 3"),
        ({"end": -1}, "the end is a class from 0 to 2, got -1"),
        ({"length_power": -1.0}, "length_power must be a finite number, 0 or above"),
        ({"start": [[1]]}, "a start is whole numbers in one row"),
        ({"start": [0.5]}, "a start is whole numbers in one row"),
    ],
)
def test_wrong_arguments_are_refused(arguments, said):
    with pytest.raises(pb.CircuitError, match=said):
        beam_search(scores_of(0), **arguments)


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (np.zeros((2, 3)), r"the shape \(1, classes\), got \(2, 3\)"),
        (np.zeros(3), r"got \(3,\)"),
        (np.full((1, 3), np.nan), "scores hold nan"),
        (np.full((1, 3), -np.inf), "all -infinity"),
    ],
)
def test_wrong_scores_are_refused(scores, said):
    with pytest.raises(pb.CircuitError, match=said):
        beam_search(lambda prefixes: scores)
