"""Text from models: each number from the scores of all before it, by steps compiled once."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

import pullback as pb
from pullback.engines.prepare import ENGINES
from pullback.sequences.text import (
    Characters,
    LastWindow,
    Sampling,
    StepByStep,
    Words,
    generate,
    generate_numbers,
)

UNITS, CLASSES = 6, 5
LETTERS = Characters.of("abcd ")
SETTINGS = [
    Sampling(),
    Sampling(0.0),
    Sampling(0.7, top_k=3),
    Sampling(top_p=0.6),
    Sampling(2.0, 2, 0.9),
]
GREEDY = Sampling(0.0)


def parameters(seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(CLASSES, UNITS), (UNITS, UNITS), (UNITS, CLASSES)]
    return [
        pb.Unit(rng.normal(size=shape) * 1.5, name)
        for shape, name in zip(shapes, "twv", strict=True)
    ]


def cell(units):
    """A plain recurrent cell with a second state, which decays."""
    table, w, v = units

    def step(numbers, h, m):
        h = pb.tanh(pb.take(table, numbers) + h @ w)
        m = 0.5 * m + h
        return (h + m) @ v, h, m

    return step


def scores_by_hand(units, numbers):
    """The scores after a row of numbers, in NumPy, from the beginning."""
    table, w, v = (unit.value for unit in units)
    h = m = np.zeros(UNITS)
    for number in numbers:
        h = np.tanh(table[number] + h @ w)
        m = 0.5 * m + h
    return (h + m) @ v


def recurrent(units, engine="eager"):
    return StepByStep(cell(units), [UNITS, UNITS], dtype="float64", engine=engine)


class Plain:
    """The same steps, without what writes by itself."""

    def __init__(self, model):
        self.start, self.step = model.start, model.step


def by_hand(units, prompt, count, how, seed):
    rng, numbers = np.random.default_rng(seed), list(prompt)
    for _ in range(count):
        numbers.append(int(how.draw(scores_by_hand(units, numbers), rng)))
    return numbers[len(prompt) :]


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "eager-native"])
@pytest.mark.parametrize("how", SETTINGS, ids=str)
def test_a_recurrent_model_draws_from_all_that_came_before(engine, how):
    units = parameters()
    expected = by_hand(units, [1, 0, 3], 40, how, seed=4)
    model = recurrent(units, engine)
    for each in (model, Plain(model)):
        found = generate_numbers(each, np.array([1, 0, 3]), 40, sampling=how, rng=4)
        assert list(found) == expected


def test_steps_are_those_by_hand():
    units = parameters()
    for engine in ("eager", "native"):
        model = recurrent(units, engine)
        state = model.start(3)
        numbers = np.random.default_rng(0).integers(0, CLASSES, (3, 6))
        scores, state = model.step(numbers[:, :4], state)
        before = [x.copy() for x in state]
        scores, _ = model.step(numbers[:, 4:], state)
        expected = [scores_by_hand(units, row) for row in numbers]
        np.testing.assert_allclose(scores, expected, rtol=1e-12)
        np.testing.assert_array_equal(before, state)  # a state is never written into
        again, _ = model.step(numbers[:, 4:], state)
        np.testing.assert_array_equal(again, scores)


def test_texts_that_are_written_side_by_side_do_not_meddle():
    model = recurrent(parameters(), "native")
    alone = ["".join(generate(model, LETTERS, prompt, 150, rng=k)) for k, prompt in enumerate("ab")]
    first, second = (generate(model, LETTERS, prompt, 150, rng=k) for k, prompt in enumerate("ab"))
    together = list(zip(first, second, strict=True))
    assert ["".join(x) for x in zip(*together, strict=True)] == alone


def test_what_is_learned_is_heeded():
    units = parameters()
    model = recurrent(units, "native")
    first = list(generate_numbers(model, [1], 30, sampling=GREEDY))
    for unit, other in zip(units, parameters(7), strict=True):
        unit.value = other.value
    second = list(generate_numbers(model, [1], 30, sampling=GREEDY))
    assert first == by_hand(parameters(), [1], 30, GREEDY, 0)
    assert second == by_hand(units, [1], 30, GREEDY, 0)


def test_a_step_is_recorded_once_for_each_way():
    recorded = []
    units = parameters()

    def step(numbers, *state):
        recorded.append(numbers.shape)
        return cell(units)(numbers, *state)

    model = StepByStep(step, [UNITS, UNITS], dtype="float64", engine="eager")
    for k in range(3):
        list(generate_numbers(model, [1, 2], 100, rng=k))
        list(generate_numbers(model, [1, 2], 100, sampling=Sampling(top_k=k + 1)))
        list(generate_numbers(Plain(model), [1, 2], 10))
    assert len(recorded) == 3


def test_many_classes_are_chosen_among_outside_the_step(monkeypatch):
    monkeypatch.setattr("pullback.sequences.text.steps.LARGEST", CLASSES - 1)
    units, how = parameters(), Sampling(top_k=3)
    found = list(generate_numbers(recurrent(units), [1], 20, sampling=how, rng=2))
    assert found == by_hand(units, [1], 20, how, 2)


def causal(numbers):
    """Scores of what follows each of (rows, steps): a weighted sum of all before it, in gates."""
    steps = numbers.shape[1]
    weights = np.tri(steps) / np.arange(1, steps + 1)[:, None]
    table = np.random.default_rng(3).normal(size=(CLASSES, CLASSES)) * 4.0
    return weights @ pb.take(pb.Unit(table), numbers)


@pytest.mark.parametrize("engine", ["eager", "native"])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_window_is_the_last_numbers(steps, engine):
    model = LastWindow(causal, steps, engine=engine)
    rng, numbers = np.random.default_rng(0), [1, 3, 0]
    for _ in range(20):
        window = np.array([numbers[-steps:]])
        numbers.append(int(Sampling().draw(causal(pb.Unit(window)).value[0, -1], rng)))
    found = list(generate_numbers(model, [1, 3, 0], 20, rng=0))
    assert found == numbers[3:]
    scores, window = model.step(np.zeros((2, 3), int), model.start(2))
    assert scores.shape == (2, CLASSES)
    assert window.shape == (2, min(3, steps))


def test_a_layer_is_a_model_of_windows():
    model = pb.Sequential(pb.Embedding(5, 8), pb.Tanh(), pb.Dense(5))
    scores, _ = LastWindow(model, 4).step(np.array([[2]]), np.zeros((1, 0), int))
    np.testing.assert_allclose(scores, model(np.array([[2]])).value[:, 0], rtol=1e-5)


class Cycle:
    """Scores the number that follows the last, in a circle."""

    def start(self, rows):
        return None

    def step(self, numbers, state):
        return np.eye(CLASSES)[(numbers[:, -1] + 1) % CLASSES], None


def test_text_comes_piece_by_piece_until_an_end_or_as_long_as_is_asked():
    text = generate(Cycle(), LETTERS, "a", 7, sampling=GREEDY)
    assert list(text) == list("bcd abc")
    assert list(generate(Cycle(), LETTERS, "a", 0, sampling=GREEDY)) == []
    endless = generate(Cycle(), LETTERS, "a", sampling=GREEDY)
    assert "".join(islice(endless, 12)) == "bcd abcd abc"
    assert "".join(generate(Cycle(), LETTERS, "a", 9, end="d", sampling=GREEDY)) == "bc"


def test_the_same_seed_writes_the_same():
    model = recurrent(parameters(), "native")
    texts = ["".join(generate(model, LETTERS, "ab", 200, rng=seed)) for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]
    assert "".join(generate(model, LETTERS, "ab", 80, rng=0)) == texts[0][:80]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: generate(Cycle(), LETTERS, ""), "a prompt has one entry at least"),
        (lambda: generate(Cycle(), LETTERS, "x"), "the character 'x' at position 0"),
        (lambda: generate(Cycle(), LETTERS, "a", -1), "count is a whole number from 0 on"),
        (lambda: generate(Cycle(), LETTERS, "a", 2.0), "count is a whole number from 0 on"),
        (lambda: generate(Cycle(), LETTERS, "a", end="."), "'.' is no entry of the vocabulary"),
        (lambda: generate_numbers(Cycle(), [[1]]), "a prompt has one entry at least"),
        (lambda: generate_numbers(Cycle(), [0.5]), "a prompt has one entry at least"),
        (lambda: StepByStep(None, [1]), "a step is a function of wires, got None"),
        (lambda: StepByStep(len, [1], engine="torch"), "there is no engine 'torch'"),
        (lambda: StepByStep(len, [1]).start(0), "rows must be a whole number"),
        (lambda: recurrent(parameters()).step(np.zeros((1, 0), int), ()), "a number of each"),
        (lambda: LastWindow(None, 3), "a model is a function of wires"),
        (lambda: LastWindow(causal, 0), "steps must be a whole number"),
        (lambda: LastWindow(causal, 2).step(np.zeros((1, 0), int), np.zeros((1, 0), int)), "empty"),
    ],
)
def test_wrong_arguments_are_refused_before_work(make, said):
    with pytest.raises(pb.CircuitError, match=said):
        make()


@pytest.mark.parametrize(
    "step",
    [
        lambda numbers, h: h,
        lambda numbers, h: (h, h, h),
        lambda numbers, h: (h, h[:, :2]),
        lambda numbers, h: (h[0], h),
        lambda numbers, h: (h, pb.astype(h, "float32")),
        lambda numbers, h: ("scores", h),
    ],
)
def test_steps_that_answer_something_else_are_refused(step):
    model = StepByStep(step, [3], dtype="float64", engine="eager")
    for use in (
        lambda: model.step(np.zeros((2, 1), int), model.start(2)),
        lambda: next(generate_numbers(model, [0])),
    ):
        with pytest.raises(
            pb.CircuitError, match=r"a step answers scores \(., classes\) and states"
        ):
            use()


def test_windows_that_are_answered_by_something_else_are_refused():
    model = LastWindow(lambda x: pb.take(np.eye(3), x)[0], 2, engine="eager")
    with pytest.raises(pb.CircuitError, match=r"scores \(1, 2, classes\), got \(2, 3\)"):
        model.step(np.zeros((1, 1), int), model.start(1))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_not_finite_are_refused(bad):
    units = parameters()
    model = recurrent(units)
    next(generate_numbers(model, [0]))
    units[2].value = np.full((UNITS, CLASSES), bad)
    for each in (model, Plain(model)):
        with pytest.raises(pb.CircuitError, match="scores hold nan or infinity"):
            list(generate_numbers(each, [0], 5))


def test_numbers_outside_the_model_are_refused():
    with pytest.raises(pb.CircuitError, match="out of bounds"):
        list(generate_numbers(recurrent(parameters(), "native"), [CLASSES, 0], 5))


RECURRENT = {
    "RNN": lambda: pb.Sequential(pb.Embedding(5, 3), pb.RNN(4), pb.Dense(5)),
    "GRU": lambda: pb.Sequential(pb.Embedding(5, 3), pb.GRU(4, layers=3, dropout=0.5), pb.Dense(5)),
    "LSTM": lambda: pb.Padded(
        pb.Embedding(5, 3), pb.LSTM(4), pb.LayerNorm(), pb.Dropout(0.5), pb.LSTM(3, 2), pb.Dense(5)
    ),
    "last": lambda: pb.Sequential(pb.Embedding(5, 3), pb.LSTM(4, last=True), pb.Dense(5)),
    "cell": lambda: pb.Sequential(
        pb.Embedding(5, 3), pb.Sequential(pb.Recurrent(pb.GRUCell(4))), pb.ReLU(), pb.Dense(5)
    ),
}


@pytest.mark.parametrize("name", RECURRENT)
def test_steps_of_recurrent_layers_are_those_of_the_whole(name):
    model = RECURRENT[name]()
    numbers = np.random.default_rng(0).integers(0, 5, (3, 9))
    whole = model(numbers).value
    steps = StepByStep.of(model)
    state = steps.start(3)
    for k in range(9):
        scores, state = steps.step(numbers[:, k : k + 1], state)
        if whole.ndim == 3:
            np.testing.assert_allclose(scores, whole[:, k], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(scores, whole[:, -1] if whole.ndim == 3 else whole, atol=1e-6)


def test_a_model_that_learns_a_text_writes_it():
    text = "abcd dcba " * 40
    numbers = LETTERS.encode(text)
    x, y = numbers[:-1].reshape(-1, 19)[:, :], np.eye(5)[numbers[1:]].reshape(-1, 19, 5)
    model = pb.Sequential(pb.Embedding(5, 8), pb.GRU(16), pb.Dense(5))
    trainer = pb.Trainer(model, pb.SquaredError(), pb.Adam(0.01))
    trainer.fit(x, y, epochs=60, batch_size=7)
    made = "".join(generate(StepByStep.of(model), LETTERS, "abcd d", 40, sampling=GREEDY))
    assert made == text[6:46]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (pb.Sequential(pb.Embedding(5, 3), pb.Dense(5)), "the model has no recurrent layer"),
        (
            pb.Sequential(pb.Embedding(5, 3), pb.GRU(4, bidirectional=True), pb.Dense(5)),
            "'gru1' also runs backwards",
        ),
        (
            pb.Sequential(pb.Embedding(5, 3), pb.Recurrent(pb.RNNCell(4), reverse=True)),
            "'recurrent1' runs backwards",
        ),
        (
            pb.Sequential(pb.Embedding(5, 4), pb.Residual(pb.GRU(4))),
            "'residual1' has recurrent layers inside, and is no Sequential",
        ),
    ],
)
def test_models_without_such_steps_are_refused(model, said):
    with pytest.raises(pb.CircuitError, match="has made its parameters; train it first"):
        StepByStep.of(model)
    model(np.zeros((1, 2), int))
    with pytest.raises(pb.CircuitError, match=said):
        StepByStep.of(model)


def test_words_go_on_from_a_prompt_with_a_space_between():
    class Counting:  # scores the word behind the last
        def start(self, rows):
            return None

        def step(self, numbers, state):
            return np.eye(4)[(numbers[:, -1] + 1) % 4], None

    words = Words(("the", "king", "is", ","))
    cold = Sampling(temperature=0.0)
    told = (("the king", " is, the"), ("the king ", "is, the"), ("is", ", the king"))
    for prompt, wanted in told:
        assert "".join(generate(Counting(), words, prompt, 3, sampling=cold)) == wanted
