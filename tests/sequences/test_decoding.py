"""Decoding: against every alignment and every tagging, and the distance between labels."""

import itertools

import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp
from tests.losses.sequence_reference import alignments, collapsed, score, taggings

import pullback as pb
from pullback.sequences.decoding import (
    best_through,
    edit_distance,
    greedy,
    label_error_rate,
    prefix_beam_search,
    viterbi,
)

STEPS, CLASSES = 5, 3


def every_labelling(scores, blank=0):
    """Log-probability of all that one row (steps, classes) may say, each alignment counted."""
    logs, found = log_softmax(scores, axis=1), {}
    for a in itertools.product(range(scores.shape[1]), repeat=len(scores)):
        found.setdefault(tuple(collapsed(a, blank)), []).append(logs[np.arange(len(a)), a].sum())
    return {labels: logsumexp(values) for labels, values in found.items()}


@pytest.mark.parametrize("blank", [0, 2])
def test_greedy_is_the_likeliest_alignment_without_blanks(blank):
    scores = np.random.default_rng(0).normal(size=(40, STEPS, CLASSES))
    lengths = np.random.default_rng(1).integers(0, STEPS + 1, 40)
    for row, length, got in zip(scores, lengths, greedy(scores, lengths, blank=blank), strict=True):
        assert got == collapsed(row[:length].argmax(axis=1), blank)


@pytest.mark.parametrize("blank", [0, 1])
def test_a_wide_beam_finds_every_labelling_with_its_probability(blank):
    scores = np.random.default_rng(2).normal(size=(3, STEPS, CLASSES)) * 2.0
    lengths = [5, 3, 1]
    found = prefix_beam_search(scores, lengths, width=10_000, blank=blank)
    for row, length, hypotheses in zip(scores, lengths, found, strict=True):
        wanted = every_labelling(row[:length], blank)
        possible = {x: p for x, p in hypotheses if np.isfinite(p)}
        assert possible.keys() == wanted.keys()
        for labels, p in possible.items():
            assert p == pytest.approx(wanted[labels], rel=1e-12)
        ranks = [p for _, p in hypotheses]
        assert ranks == sorted(ranks, reverse=True)


def test_its_probabilities_are_those_that_ctc_costs():
    scores = np.random.default_rng(3).normal(size=(1, 8, 4))
    for labels, p in prefix_beam_search(scores, width=2000)[0][:20]:
        cost = pb.CTC()(scores, np.array([[*labels, -1]]))
        assert float(cost.value) == pytest.approx(-p, rel=1e-6)


def test_a_narrow_beam_is_right_more_often_than_greedy_and_a_wide_one_always():
    scores = np.random.default_rng(4).normal(size=(60, 6, 3))
    best = [max(every_labelling(row).items(), key=lambda x: x[1])[0] for row in scores]

    def right(found):
        return sum(a == b for a, b in zip(found, best, strict=True))

    narrow, wide = (
        right([x[0].labels for x in prefix_beam_search(scores, width=n)]) for n in (8, 200)
    )
    assert right([tuple(x) for x in greedy(scores)]) < narrow <= wide == 60


def test_what_may_stand_behind_what_can_be_told():
    scores = np.log([[[0.1, 0.5, 0.4], [0.9, 0.05, 0.05], [0.1, 0.5, 0.4]]])
    never = prefix_beam_search(scores, extension=lambda labels, k: -50.0 if k == 1 else 0.0)
    assert prefix_beam_search(scores)[0][0].labels == (1, 1)
    assert never[0][0].labels == (2, 2)


@pytest.mark.parametrize(("rows", "steps", "tags"), [(1, 1, 1), (2, 1, 3), (5, 4, 3), (3, 5, 2)])
def test_viterbi_finds_the_best_tagging(rows, steps, tags):
    rng = np.random.default_rng(5)
    scores = rng.normal(size=(rows, steps + 1, tags, tags)).astype(np.float32)
    lengths = rng.integers(1, steps + 1, rows)
    found, best = viterbi(scores, lengths)
    assert found.shape == (rows, steps)
    for r, length in enumerate(lengths):
        every = taggings(length, tags)
        values = [score(scores[r], x) for x in every]
        assert tuple(found[r, :length]) == every[int(np.argmax(values))]
        assert (found[r, length:] == -1).all()
        assert best[r] == pytest.approx(max(values), rel=1e-6)


@pytest.mark.parametrize(("rows", "steps", "tags"), [(1, 1, 1), (2, 1, 3), (5, 4, 3), (3, 5, 2)])
def test_the_best_through_each_tag_is_that_of_all_taggings_with_it(rows, steps, tags):
    rng = np.random.default_rng(6)
    scores = rng.normal(size=(rows, steps + 1, tags, tags))
    lengths = rng.integers(0, steps + 1, rows)
    found = best_through(scores, lengths)
    assert found.shape == (rows, steps, tags)
    for r, length in enumerate(lengths):
        values = {x: score(scores[r], x) for x in taggings(length, tags)} if length else {}
        for t, tag in np.ndindex(length, tags):
            wanted = max(value for x, value in values.items() if x[t] == tag)
            assert found[r, t, tag] == pytest.approx(wanted, rel=1e-12)
        assert (found[r, length:] == -np.inf).all()


def test_viterbi_without_rows():
    tags, best = viterbi(np.zeros((0, 4, 2, 2)))
    assert tags.shape == (0, 3)
    assert best.shape == (0,)
    assert best_through(np.zeros((0, 4, 2, 2))).shape == (0, 3, 2)


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        ("", "", 0),
        ("", "abc", 3),
        ("abc", "", 3),
        ("kitten", "sitting", 3),
        ("intention", "execution", 5),
        ("abc", "abc", 0),
        ("ab", "ba", 2),
        ([1, 2, 3], (2, 3, 4), 2),
    ],
)
def test_edit_distances_that_are_known(a, b, distance):
    assert edit_distance(a, b) == edit_distance(b, a) == distance


def test_edit_distances_by_their_definition():
    def by_definition(a, b):
        if not a or not b:
            return len(a) + len(b)
        return min(
            by_definition(a[1:], b[1:]) + (a[0] != b[0]),
            by_definition(a[1:], b) + 1,
            by_definition(a, b[1:]) + 1,
        )

    rng = np.random.default_rng(6)
    for _ in range(60):
        a, b = (rng.integers(3, size=rng.integers(6)).tolist() for _ in range(2))
        assert edit_distance(a, b) == by_definition(a, b)


def test_label_error_rate_is_of_all_rows_together():
    assert label_error_rate([[1, 2, 3], []], [[1, 3], [4]]) == pytest.approx(2 / 3)
    assert label_error_rate([[1, 2]], [[1, 2]]) == 0.0
    with pytest.raises(pb.CircuitError, match="1 rows were found, and 2 are wanted"):
        label_error_rate([[1]], [[1], [2]])
    with pytest.raises(pb.CircuitError, match="no row wants a label"):
        label_error_rate([[1]], [[]])


def test_an_alignment_says_its_labels():
    paths = alignments([1, 2], 3, 3)
    assert sorted(map(tuple, paths.tolist())) == sorted(
        [(1, 2, 0), (1, 0, 2), (0, 1, 2), (1, 1, 2), (1, 2, 2)]
    )


@pytest.mark.parametrize("decode", [greedy, prefix_beam_search])
def test_scores_and_lengths_that_cannot_be_are_refused(decode):
    with pytest.raises(pb.CircuitError, match=r"scores are \(rows, steps, classes\)"):
        decode(np.zeros((2, 3)))
    with pytest.raises(pb.CircuitError, match="class 3, is none of 3 classes"):
        decode(np.zeros((1, 2, 3)), blank=3)
    for lengths in ([1, 2], [3], [-1], [0.5]):
        with pytest.raises(pb.CircuitError, match="lengths are 1 whole numbers from 0 to 2"):
            decode(np.zeros((1, 2, 3)), lengths)


def test_other_arguments_that_cannot_be_are_refused():
    with pytest.raises(pb.CircuitError, match="width of at least 1"):
        prefix_beam_search(np.zeros((1, 2, 3)), width=0)
    with pytest.raises(pb.CircuitError, match="row 1 has no steps"):
        viterbi(np.zeros((2, 3, 2, 2)), [1, 0])
    for decode in (viterbi, best_through):
        with pytest.raises(pb.CircuitError, match="a chain needs scores of shape"):
            decode(np.zeros((2, 3, 2)))
        with pytest.raises(pb.CircuitError, match="lengths are 2 whole numbers from 0 to 2"):
            decode(np.zeros((2, 3, 2, 2)), [3, 1])
