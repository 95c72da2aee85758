"""What results say of themselves: short at the prompt, whole when printed, plain in a notebook."""

import re

import numpy as np
import pytest

import pullback as pb
from pullback.core.shown import LINES, WIDTH, Shown, Table, in_few_lines
from pullback.tables.dataset import Dataset


class Result(Shown):
    def __init__(self, *parts):
        self.parts = parts

    def _says(self):
        return self.parts


def history(epochs, best, **more):
    rows = [
        {"epoch": k + 1, "loss": 1 / (k + 1), "validation_loss": 1.0 + abs(k + 1 - best), **more}
        for k in range(epochs)
    ]
    return pb.History(rows)


def is_short(text):
    lines = text.split("\n")
    return len(lines) <= LINES and max(map(len, lines)) <= WIDTH


def test_a_long_history_shows_its_ends_and_marks_the_best_epoch():
    shown = repr(history(300, 123, accuracy=0.5, validation_accuracy=0.5, seconds=1.0))
    assert is_short(shown)
    first = [line.split()[0] for line in shown.split("\n")[1:]]
    assert first[:2] == ["1", "2"]
    assert first[-2:] == ["299", "300"]
    assert [line.split()[0] for line in shown.split("\n") if line.endswith("← best")] == ["123"]
    assert first.count("…") == 2
    assert len(str(history(300, 123)).split("\n")) == 301
    assert "best" not in str(history(300, 123))


def test_a_short_history_is_shown_as_it_is_printed():
    shown = history(19, 4)
    assert repr(shown) == str(shown)


@pytest.mark.parametrize("best", [1, 2, 10, 29, 30])
def test_no_epoch_is_shown_twice(best):
    numbers = re.findall(r"^ *(\d+) ", repr(history(30, best)), re.MULTILINE)
    assert len(set(numbers)) == len(numbers)
    assert str(best) in numbers


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{}],
        [{"epoch": 1, "loss": float("nan")}] * 40,
        [{"epoch": 1, "loss": float("inf")}, {"epoch": 2}],
        [{"loss": "0.5"}, {"loss": None}],
        [{f"measure {k}": k for k in range(90)}] * 50,
    ],
)
def test_any_history_can_be_shown(rows):
    shown = pb.History(rows)
    assert is_short(repr(shown))
    assert str(shown) is not None
    assert shown._repr_html_().startswith("<")


@pytest.mark.parametrize(
    "data",
    [
        Dataset("none", np.zeros((0, 3), np.float32), np.zeros(0, np.int64), ("a", "b")),
        Dataset("no columns", np.zeros((4, 0), np.float32), np.zeros(4)),
        Dataset("wide", np.zeros((40, 3000), np.float32), np.zeros(40), (), ("x" * 200,) * 3000),
        Dataset("pictures", np.zeros((4, 8, 8, 1), np.float32), np.arange(4), tuple(range(100))),
        Dataset("odd", np.full((4, 2), np.nan, np.float32), np.array([-1, 9, 0, 1]), ("a", "b")),
        Dataset("noted", np.zeros((4, 2)), np.zeros(4), notes=("a long remark " * 20,) * 40),
    ],
    ids=lambda data: data.name,
)
def test_any_data_set_can_be_shown(data):
    assert is_short(repr(data))
    assert data.name in repr(data)
    assert data._repr_html_().startswith("<p>")


def test_a_data_set_shows_its_first_rows_and_its_classes():
    inputs = np.array([[1.0, 2.0], [0.25, 1.5], [3.0, 4.0]], np.float32)
    data = Dataset("pets", inputs, np.array([0, 1, 1]), ("cat", "dog"), ("weight", "age"), "ours")
    assert repr(data).split("\n") == [
        "pets: 3 rows of 2 numbers, 2 classes",
        "ours",
        "weight  age  label",
        "     1    2  cat",
        "  0.25  1.5  dog",
        "     3    4  dog",
        "class  rows",
        "cat       1",
        "dog       2",
    ]


def test_names_from_files_neither_steer_a_terminal_nor_become_html():
    evil = Result("\x1b[31mred <b>", Table(("a\x1b[0m\n",), [("<script>",), ("b\tc",)]))
    for text in (repr(evil), str(evil), evil._repr_html_()):
        assert "\x1b" not in text
    assert repr(evil).count("\n") == 3
    assert "<script>" not in evil._repr_html_()
    assert "<b>" not in evil._repr_html_()


def test_html_is_a_plain_table_without_colours():
    html = history(100, 50)._repr_html_()
    assert html.count("<tr>") == html.count("</tr>") <= 61
    assert "← best" in html
    assert "color" not in html
    assert "background" not in html
    assert '<td style="text-align:right">1</td>' in html


def test_what_is_said_beside_a_table_leaves_it_room():
    lines = in_few_lines(["remark"] * 100 + [Table(("a",), [(f"{k}",) for k in range(100)])])
    assert len(lines) == LINES
    assert lines[-1] == "…"


def test_long_texts_are_shortened_and_long_sentences_wrapped():
    result = Result(Table(("text", "n"), [("word " * 50, "1")], right=(1,)), "so " * 100)
    assert is_short(repr(result))
    assert len(str(result).split("\n")[1]) <= 80
    assert str(result).endswith("so " * 100)


def test_results_of_a_circuit_are_short():
    x = pb.Unit(np.ones(3), "x")
    y = x
    for _ in range(80):
        y = y * 1.01
    results = [pb.tug(y.sum()), pb.compare_strategies(y.sum()), pb.check_gradients(y.sum())]
    for result in results:
        assert is_short(repr(result))
        assert not repr(result).startswith(type(result).__name__)
        assert "<table>" in result._repr_html_()
