"""What a `Seq2Seq` answers by itself, against the whole model told of all steps at once."""

import itertools

import numpy as np
import pytest
from scipy.special import log_softmax

import pullback as pb
from pullback.models import Seq2Seq
from pullback.sequences.text import Answers, paired

SOURCES = [[0, 4, 2, 1, 1, 3, 0, 2, 4], [3], [1, 1], [], [2, 0, 4]]


def made(targets=4, **more):
    """A model whose numbers are not small, so that its answers differ."""
    model, rng = Seq2Seq(5, targets, units=6, dtype="float64", **more), np.random.default_rng(3)
    model(*paired([[0]], [[0]], model.mark)[0])
    for unit in model.parameters.values():
        unit.value = rng.normal(size=unit.shape)
    return model


def scored(model, source, answer):
    """The scores of what follows each step of an answer, by teacher forcing."""
    inputs, _ = paired([source], [answer], model.mark)
    return model(*inputs).value[0]


@pytest.mark.parametrize("engine", ["eager", "native", "jax"])
@pytest.mark.parametrize("longest", [1, 5])
def test_a_greedy_answer_is_the_likeliest_at_each_step(engine, longest):
    model = made()
    found = Answers(model, longest=longest, engine=engine).greedy(SOURCES)
    assert len({tuple(x) for x in found}) > 1
    for source, answer in zip(SOURCES, found, strict=True):
        best = scored(model, source, answer).argmax(axis=1)
        assert best[: len(answer)].tolist() == answer
        assert len(answer) == longest or best[len(answer)] == model.mark


def test_many_sources_are_answered_as_each_alone():
    model = made()
    answers = Answers(model, longest=4, engine="eager")
    many = [np.random.default_rng(k).integers(5, size=k % 5) for k in range(300)]
    assert answers.greedy(many) == [answers.greedy([source])[0] for source in many]
    assert answers.greedy([]) == []


def test_a_wide_beam_finds_the_likeliest_answer_of_all():
    model = made(targets=3)
    answers = Answers(model, longest=3, engine="native")
    for source in SOURCES:
        every = []
        for n in range(4):
            for answer in itertools.product(range(2), repeat=n):
                logs = log_softmax(scored(model, source, list(answer)), axis=1)
                ended = (*answer, model.mark) if n < 3 else answer
                every.append((sum(logs[k, x] for k, x in enumerate(ended)), ended))
        every.sort(reverse=True)
        found = answers.beam(source, width=12)
        assert [x.numbers for x in found[:3]] == [numbers for _, numbers in every[:3]]
        np.testing.assert_allclose(
            [x.log_probability for x in found[:3]], [total for total, _ in every[:3]], rtol=1e-9
        )


def test_a_beam_of_one_is_greedy():
    answers = Answers(made(), longest=5, engine="eager")
    for source, greedy in zip(SOURCES, answers.greedy(SOURCES), strict=True):
        (found,) = answers.beam(source, width=1)
        assert [x for x in found.numbers if x != answers.model.mark] == greedy


def test_answers_follow_what_the_model_learns_later():
    model = made()
    answers = Answers(model, longest=3)
    before = answers.greedy(SOURCES)
    model.parameters["scores.bias"].value = np.array([0.0, 0.0, 0.0, 99.0])  # the mark at once
    assert answers.greedy(SOURCES) == [[]] * len(SOURCES) != before


@pytest.mark.parametrize("sources", [[], [[]], [[], []]])
def test_pairs_of_nothing(sources):
    (source, lengths, target), labels = paired(sources, sources, 7)
    rows = len(sources)
    assert (source.shape, lengths.tolist()) == ((rows, 0), [0] * rows)
    assert target.tolist() == labels.tolist() == [[7]] * rows


def test_what_cannot_be_is_refused():
    model, broken = made(), made()
    broken.parameters["scores.bias"].value = np.full(4, np.nan)
    for make, message in (
        (lambda: paired([[1]], [], 3), "1 sources need as many answers, got 0"),
        (lambda: paired([[1], [2]], [[1], [0, 3]], 3), "answer 1 holds the mark 3"),
        (lambda: paired([[1.5]], [[0]], 3), "are of one whole number a step, got float64"),
        (lambda: paired([[[1, 2]]], [[0]], 3), "sources are of one whole number a step"),
        (lambda: paired([[1]], [[[0]]], 3), "answers are of one whole number a step"),
        (lambda: Answers(model).greedy([[[1, 2]]]), "sources are of one whole number a step"),
        (lambda: Answers(Seq2Seq(3, 3)), "train it first"),
        (lambda: Answers(pb.Dense(3)), "answers are of a Seq2Seq"),
        (lambda: Answers(model, longest=0), "longest must be a whole number"),
        (lambda: Answers(model, engine="fast"), "fast"),
        (lambda: Answers(model).greedy([[5]]), "layer 'source' has rows 0 to 4, .* asked for 5"),
        (lambda: Answers(model).greedy([["a"]]), "sequence 0 must be numbers"),
        (lambda: Answers(model).greedy([1, 2]), "sequence 0 must be numbers"),
        (lambda: Answers(broken).greedy([[1]]), "nan"),
        (lambda: Answers(broken).beam([1]), "nan"),
        (lambda: Answers(model).beam([1], width=0), "width must be a whole number"),
        (lambda: Answers(model).beam([1], length_power=-1.0), "length_power must be"),
    ):
        with pytest.raises(pb.CircuitError, match=message):
            make()
