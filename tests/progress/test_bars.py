"""A live line in a notebook and in a log: its last state stays, and no code steers a terminal."""

import io
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console
from rich.progress import BarColumn, TextColumn

from pullback.progress import bars as module
from pullback.progress.bars import Bars
from pullback.train.progress import TrainingProgress


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=100.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def notebook(monkeypatch):
    """What a cell's outputs hold, by their id, as IPython would keep them."""
    outputs = []

    class Handle:
        def __init__(self, data):
            self.place = len(outputs)
            outputs.append([data])

        def update(self, data, *, raw):
            assert raw
            outputs[self.place].append(data)

    def display(data, *, raw, display_id):
        assert raw
        assert display_id
        return Handle(data)

    ipython = SimpleNamespace(
        get_ipython=lambda: object(), display=SimpleNamespace(display=display)
    )
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", ipython.display)
    monkeypatch.setitem(sys.modules, "ipykernel", SimpleNamespace())
    monkeypatch.delenv("PULLBACK_PROGRESS", raising=False)
    return outputs


def test_a_notebook_ends_with_the_last_epoch_in_one_output(notebook, capsys):
    with TrainingProgress(30) as shown:
        for epoch in range(30):
            shown.epoch({"epoch": epoch + 1, "loss": 1.0 / (epoch + 1)})
    assert len(notebook) == 1
    last = notebook[0][-1]["text/plain"]
    assert "30/30" in last
    assert "loss 0.0333" in last
    assert len(notebook[0]) < 30  # and it was not written at each epoch
    assert all("\x1b" not in data["text/plain"] for data in notebook[0])
    assert capsys.readouterr().err == ""


def test_a_notebook_shows_nothing_that_was_turned_off(notebook):
    with TrainingProgress(3, show=False) as shown:
        shown.epoch({"epoch": 1, "loss": 1.0})
    assert notebook == []


def in_log(clock, seconds, steps):
    console = Console(file=io.StringIO(), force_terminal=False)
    with Bars(BarColumn(), TextColumn("{task.completed}"), show=True, console=console) as bars:
        task = bars.add_task("", total=steps)
        for _ in range(steps):
            clock.now += seconds
            bars.advance(task)
    return console.file.getvalue()


def test_a_log_has_plain_lines_and_the_last_state(clock):
    written = in_log(clock, 0.3, 10)
    assert "\x1b" not in written
    assert "\r" not in written
    assert [int(float(line)) for line in written.splitlines()] == [4, 8, 10]


def test_a_long_run_does_not_fill_the_disk(clock):
    lines = in_log(clock, 10.0, 3600).splitlines()  # ten hours
    assert 50 < len(lines) < 300
    assert float(lines[-1]) == 3600


def test_what_nobody_asked_for_writes_nothing():
    console = Console(file=io.StringIO(), force_terminal=False)
    with Bars(BarColumn(), console=console) as bars:
        bars.advance(bars.add_task("", total=1))
    assert console.file.getvalue() == ""
