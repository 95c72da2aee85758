"""Figures of text: what stands in them, that nothing meets another, and what is refused."""

from __future__ import annotations

import importlib.util
import io
import sys

import numpy as np
import pytest

import pullback as pb
from pullback.sequences.decoding import best_through, viterbi
from pullback.sequences.text.seeing import (
    attention_map,
    gate_values,
    gates_over_time,
    gradient_through_time,
    hidden_state,
    viterbi_scores,
)

matplotlib = pytest.importorskip("matplotlib")

RNG = np.random.default_rng(0)
TEXT = "First Citizen:\nWhat work's, my\tcountrymen? é e\u0301 🦉 日本\x00\r\n\n" * 4
WORDS = ["The", "cat", "that", "the", "dogs", "chased", "was", "incomprehensibilities", "."]


def weights(*shape):
    w = np.exp(RNG.normal(size=shape))
    return w / w.sum(axis=-1, keepdims=True)


def gates(*shape):
    return {name: RNG.random(shape) for name in ("input", "forget", "output")}


def chain(steps, tags):
    return 2.0 * RNG.normal(size=(steps + 1, tags, tags))


TAGS = ["NOUN", "VERB", "DET", "CCONJ"]
FIGURES = {
    "gates": lambda: gates_over_time(TEXT, gates(len(TEXT), 9)),
    "gates of a unit of many": lambda: gates_over_time(TEXT, gates(len(TEXT), 1234), [1001]),
    "gates of words": lambda: gates_over_time(WORDS, gates(9)),
    "a gate": lambda: gates_over_time("abc\n" * 1000, {"reset": RNG.random(4000)}),
    "tags": lambda: viterbi_scores(WORDS, chain(9, 4), TAGS),
    "tags of many words": lambda: viterbi_scores(WORDS * 30, chain(300, 4), TAGS),
    "many tags": lambda: viterbi_scores(WORDS, chain(9, 64), ["VERB|Mood=Imp|Tense=Past"] * 64),
    "a tag of a word": lambda: viterbi_scores(["a"], chain(1, 1)),
    "tags of letters": lambda: viterbi_scores("a日\n\x00", chain(4, 2)),
    "a unit": lambda: hidden_state(TEXT, RNG.normal(size=len(TEXT)), title="Unit 3"),
    "one character": lambda: hidden_state("a", [0.5]),
    "a unit of many": lambda: hidden_state(TEXT, RNG.normal(size=(len(TEXT), 9)), [4]),
    "units": lambda: hidden_state(TEXT, RNG.normal(size=(len(TEXT), 40)), most=5),
    "a long text": lambda: hidden_state("abc\n" * 1000, RNG.random(4000)),
    "words": lambda: hidden_state(WORDS, RNG.normal(size=(9, 3))),
    "attention": lambda: attention_map(weights(9, 9), WORDS),
    "two heads": lambda: attention_map(weights(2, 9, 9), WORDS),
    "eight heads": lambda: attention_map(weights(8, 3, 9), WORDS[:3], WORDS),
    "attention of one": lambda: attention_map([[1.0]], ["a"]),
    "attention of many": lambda: attention_map(weights(90, 90), "x" * 90),
    "attention of 64 in heads": lambda: attention_map(weights(4, 64, 64), "x" * 64),
    "gradient": lambda: gradient_through_time(0.5 ** np.arange(40)),
    "gradients": lambda: gradient_through_time(
        {f"layer {k}": 0.9 ** np.arange(99) for k in range(9)}
    ),
    "a gradient of one step": lambda: gradient_through_time([3.0]),
    "a gradient with zeros": lambda: gradient_through_time({"a": [0.0, 1e-30, 0.0, 1.0]}),
}


@pytest.fixture(scope="module", params=FIGURES)
def figure(request):
    return FIGURES[request.param]()


def test_a_figure_is_drawn_and_saved_without_pyplot(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png")
    assert len(file.getvalue()) > 3000
    assert "matplotlib.pyplot" not in sys.modules or not matplotlib.pyplot.get_fignums()
    width, height = figure.get_size_inches()
    assert width == 9.0
    assert 1.0 < height < 20.0
    assert len(figure.texts[0].get_text()) > 5


def test_axes_and_words_lie_apart_and_on_the_sheet(figure):
    """Everything that is drawn, in pixels: none reaches over the edge, none over another."""
    figure.canvas.draw()
    boxes = [(text.get_text(), text.get_window_extent()) for text in figure.texts]
    for k, axes in enumerate(figure.axes):
        boxes.append((f"axes {k}", axes.get_window_extent()))
        titles = [axes.title, axes.xaxis.label, axes.yaxis.label]
        boxes += [(x.get_text(), x.get_window_extent()) for x in titles if x.get_text()]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for place, text in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True):
                if low <= place <= high and text.get_text():
                    boxes.append((text.get_text(), text.get_window_extent()))
    for name, box in boxes:
        assert box.x0 >= 0, name
        assert box.x1 <= figure.bbox.width, name
        assert box.y0 >= 0, name
        assert box.y1 <= figure.bbox.height, name
    for k, (name, a) in enumerate(boxes):
        for other, b in boxes[k + 1 :]:
            across = min(a.x1, b.x1) - max(a.x0, b.x0)
            down = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert across < 1.5 or down < 1.5, (name, other, across, down)


def test_every_character_has_the_colour_of_its_value():
    values = RNG.normal(size=len(TEXT))
    figure = hidden_state(TEXT, values)
    *lines, _ = figure.axes
    shown = np.concatenate([axes.images[0].get_array()[0] for axes in lines])
    np.testing.assert_array_equal(shown, values)
    letters = [text.get_text() for axes in lines for text in axes.texts]
    assert len(letters) == len(TEXT)
    assert letters[:6] == list("First·")
    assert {letters[TEXT.index(c)] for c in "\n\t🦉日\x00\u0301"} == {"↵", "→", "□", "◌\u0301"}
    most = np.abs(values).max()
    assert {axes.images[0].get_clim() for axes in lines} == {(-most, most)}
    assert len(lines) >= TEXT.count("\n")


def test_units_are_lines_the_liveliest_first_chosen():
    values = RNG.normal(size=(10, 5)) * [1.0, 5.0, 0.1, 9.0, 2.0]
    figure = hidden_state("abcdefghij", values, most=3)
    axes = figure.axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), values[:, [1, 3, 4]].T)
    assert [text.get_text() for text in axes.get_yticklabels()] == ["1", "3", "4"]
    assert "3 of 5 units, those that vary most" in figure.texts[1].get_text()
    chosen = hidden_state("abcdefghij", values, [2, 0]).axes[0].images[0].get_array()
    np.testing.assert_array_equal(chosen, values[:, [2, 0]].T)


def test_of_a_long_text_the_beginning_is_shown_and_it_is_said():
    figure = hidden_state("abc\n" * 1000, RNG.random(4000))
    shown = sum(len(axes.texts) for axes in figure.axes[:-1])
    assert f"the first {shown:,} of 4,000 characters" in figure.texts[1].get_text()


def test_gates_are_lines_unit_by_unit():
    values = gates(10, 5)
    values["forget"][:, [1, 4]] *= 0.01
    figure = gates_over_time("abcdefghij", values, [3, 0])
    axes = figure.axes[0]
    wanted = [values[name][:, unit] for unit in (3, 0) for name in values]
    np.testing.assert_array_equal(axes.images[0].get_array(), wanted)
    assert axes.images[0].get_clim() == (0.0, 1.0)
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["unit 3  input", "forget", "output", "unit 0  input", "forget", "output"]
    flat = {name: np.where(np.arange(5) == 2, x, 0.5) for name, x in values.items()}
    figure = gates_over_time("abcdefghij", flat, most=1)
    assert figure.axes[0].get_yticklabels()[0].get_text() == "unit 2  input"
    assert "1 of 5 units, those that vary most" in figure.texts[1].get_text()


@pytest.mark.parametrize("reverse", [False, True])
def test_the_gates_of_a_model_are_those_of_its_cells(reverse):
    numbers = np.array([2, 0, 1, 4])
    cells = {"lstm": pb.LSTMCell(3, dtype="float64"), "gru": pb.GRUCell(2, dtype="float64")}
    layers = [pb.Recurrent(cell, reverse=reverse, name=name) for name, cell in cells.items()]
    model = pb.Sequential(pb.Embedding(5, 3, dtype="float64"), pb.RNN(4, dtype="float64"), *layers)
    found = gate_values(model, numbers)
    assert {path: list(named) for path, named in found.items()} == {
        "lstm": ["input", "forget", "output"],
        "gru": ["reset", "update"],
    }
    x = model["rnn1"](model["embedding1"](numbers[None]))
    for (name, cell), named in zip(cells.items(), found.values(), strict=True):
        state, k = (), cell.states
        for t in range(4)[:: -1 if reverse else 1]:
            made = cell(x[:, t], *state)
            state = made[:k]
            shown = np.concatenate([values[t] for values in named.values()])
            np.testing.assert_allclose(shown, made[k].value[0], rtol=1e-13)
        x = model[name](x)


def test_the_gates_of_both_directions_and_of_features():
    model = pb.Sequential(pb.GRU(3, layers=2, bidirectional=True))
    found = gate_values(model, RNG.normal(size=(6, 2)))
    directions = "layer1", "layer1_reverse", "layer2", "layer2_reverse"
    assert list(found) == [f"gru1.{name}" for name in directions]
    assert {x.shape for named in found.values() for x in named.values()} == {(6, 3)}


def test_tags_are_as_far_behind_as_the_best_tagging_with_them():
    scores = chain(9, 4)
    figure = viterbi_scores(WORDS, scores, TAGS)
    (best,), (score,) = viterbi(scores[None])
    behind = best_through(scores[None])[0] - score
    *lines, _ = figure.axes
    shown = np.concatenate([axes.images[0].get_array() for axes in lines], axis=1)
    np.testing.assert_array_equal(shown, behind.T)
    path = np.concatenate([axes.lines[0].get_ydata() for axes in lines])
    np.testing.assert_array_equal(path, best)
    assert [text.get_text() for text in lines[0].get_yticklabels()] == TAGS
    second = -np.sort(behind, axis=1)[:, -2]
    texts = [text.get_text() for axes in lines for text in axes.texts]
    assert texts[1::2] == [f"{x:.3g}" for x in second]
    assert lines[0].images[0].get_clim() == (-second.max(), 0.0)
    assert f"the second best of all, by {second.min():.3g}, at" in figure.texts[1].get_text()


def test_of_many_tags_the_nearest_are_drawn_and_words_may_end_before_the_steps():
    scores = chain(6, 9)
    scores[:6, :, 5] -= 1000.0
    figure = viterbi_scores(WORDS[:4], scores, most=8)
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == [str(k) for k in range(9) if k != 5]
    assert "8 of 9 tags" in figure.texts[1].get_text()
    (best,), _ = viterbi(scores[None], np.array([4]))
    found = [int(labels[k]) for k in figure.axes[0].lines[0].get_ydata()]
    assert found == best[:4].tolist()


def test_a_map_for_each_head_on_one_scale():
    w = weights(3, 2, 4)
    *maps, _ = attention_map(w, WORDS[:2], WORDS[:4]).axes
    assert [axes.get_title() for axes in maps] == ["head 1", "head 2", "head 3"]
    for axes, head in zip(maps, w, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), head)
        assert axes.images[0].get_clim() == (0.0, w.max())
        assert [text.get_text() for text in axes.get_xticklabels()] == WORDS[:4]
    assert [text.get_text() for text in maps[0].get_yticklabels()] == WORDS[:2]


def test_gradients_are_told_by_steps_back_and_their_mean_factor():
    figure = gradient_through_time({"a": [1e-3, 0.0, 1e-1, 1.0]})
    (line,) = figure.axes[0].lines
    np.testing.assert_array_equal(line.get_xdata(), [3, 1, 0])
    np.testing.assert_array_equal(line.get_ydata(), [1e-3, 1e-1, 1.0])
    words = [text.get_text() for text in figure.texts]
    assert "a size of 0 is left out" in words
    assert "times 0.1 a step back" in words


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: hidden_state("abc", [1.0]), "one value for each character: the text has 3, .* 1"),
        (lambda: hidden_state(["ab"], [1.0, 2.0]), "one value for each word: the text has 1"),
        (lambda: hidden_state("a", [np.nan]), "values hold nan or infinity"),
        (lambda: hidden_state("", []), r"values are numbers of shape \(steps,\) or"),
        (lambda: hidden_state("a", 1.0), r"values are numbers of shape"),
        (lambda: hidden_state("a", [[1.0]], [1]), r"units are numbers from 0 to 0, got \[1\]"),
        (lambda: hidden_state("a", [[1.0]], []), "units are numbers from 0 to 0"),
        (lambda: hidden_state("a", [1.0], [0]), "the values are of one unit"),
        (lambda: hidden_state("a", [1.0], most=0), "most must be"),
        (lambda: gates_over_time("a", {}), "gates are values by the name of the gate"),
        (lambda: gates_over_time("a", [0.5]), "gates are values by the name of the gate"),
        (lambda: gates_over_time("a", {"x": [1.5]}), "the x gate are from 0, closed, to 1, open"),
        (lambda: gates_over_time("ab", {"x": [0.5]}), "the text has 2, the values of the x gate 1"),
        (lambda: gates_over_time("a", {"x": [0.5], "y": [[0.5]]}), r"same units each, got x \(1,"),
        (lambda: gates_over_time("a", {"x": [0.5]}, [0]), "the gates are of one unit"),
        (lambda: gates_over_time("a", {"x": [[0.5]]}, [1]), "units are numbers from 0 to 0"),
        (lambda: gate_values(pb.Sequential(pb.RNN(2)), [[1.0]]), "no layer of cells with gates"),
        (lambda: gate_values(pb.Sequential(pb.Dense(2)), [1.0]), "no layer of cells with gates"),
        (lambda: gate_values(pb.Embedding(3, 2), [[1, 2]]), "without an axis of rows; got int64"),
        (lambda: viterbi_scores([], chain(2, 2)), "there are 0 words"),
        (lambda: viterbi_scores(["a"] * 3, chain(2, 2)), "are of 2 steps, and there are 3 words"),
        (lambda: viterbi_scores(["a"], chain(1, 2), ["x"]), "2 tags need as many names, got 1"),
        (lambda: viterbi_scores(["a"], np.zeros((2, 2, 3))), "a chain needs scores of shape"),
        (lambda: viterbi_scores(["a"], np.full((2, 2, 2), np.nan)), "scores hold nan or infinity"),
        (lambda: viterbi_scores(["a"], chain(1, 2), most=0), "most must be"),
        (lambda: attention_map(np.eye(2), ["a"]), "a weight for each pair of 1 words and the 1"),
        (lambda: attention_map([[-1.0]], ["a"]), "from 0 upwards, got -1"),
        (lambda: attention_map([[np.inf]], ["a"]), "weights hold nan or infinity"),
        (lambda: attention_map([1.0], ["a"]), "weights are numbers of shape"),
        (lambda: gradient_through_time([]), r"sizes are numbers of shape \(steps,\)"),
        (lambda: gradient_through_time({}), "there are no sizes to draw"),
        (lambda: gradient_through_time({"x": [0.0]}), "the sizes of 'x' are norms .* are all 0"),
        (lambda: gradient_through_time([1.0, -1.0]), "norms of gradients, and are below 0: -1"),
        (lambda: gradient_through_time([np.inf]), "sizes hold nan or infinity"),
    ],
)
def test_what_cannot_be_drawn_is_refused(make, said):
    with pytest.raises(pb.CircuitError, match=said):
        make()


def test_without_matplotlib_the_cure_is_said(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "pullback.figures.find_spec", lambda x: None if x == "matplotlib" else find(x)
    )
    for draw in (
        lambda: hidden_state("a", [1.0]),
        lambda: attention_map([[1.0]], ["a"]),
        lambda: gradient_through_time([1.0]),
        lambda: gates_over_time("a", {"x": [0.5]}),
        lambda: viterbi_scores(["a"], np.zeros((2, 1, 1))),
    ):
        with pytest.raises(pb.CircuitError, match=r'pip install "pullback\[plot\]"'):
            draw()
