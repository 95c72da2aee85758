"""The live line of training: readable at any width, and right about what is left."""

import io
import re

import pytest
from rich.console import Console

from pullback.train import progress
from pullback.train.progress import TrainingProgress

ROW = {
    "epoch": 1,
    "loss": 0.0055712,
    "accuracy": 1.0,
    "validation_loss": 0.05077,
    "validation_accuracy": 0.98234,
    "seconds": 0.01,
}


class Clock:
    """A clock that the test sets."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def lines(epochs, width, *rows, clock, seconds=2.0, finish=False):
    """What stands in the terminal's last line after these rows, and at the end."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=width, color_system=None)
    with TrainingProgress(epochs, console=console) as shown:
        for row in rows:
            clock.now += seconds
            shown.epoch(row)
        shown._progress.refresh()
        live = last_line(file)
    return live, last_line(file)


def last_line(file):
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", file.getvalue()).replace("\r", "\n")
    return [line.rstrip() for line in text.split("\n") if line.strip()][-1]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_line_has_all_that_matters(width, clock):
    live, end = lines(400, width, *[ROW] * 12, clock=clock)
    assert len(live) <= width
    numbers = "loss 0.00557  val acc 98.2%  val loss 0.0508"
    assert re.fullmatch(rf"[━╸╺ ]+  12/400  {re.escape(numbers)}  12:56 left", live)
    assert live.index("12/400") >= 10  # a bar that can be read
    assert live.index("12/400") <= 28
    assert end.endswith("  in 24 s")


def test_a_narrow_line_keeps_the_bar_the_loss_and_the_time(clock):
    live, _ = lines(40, 40, *[ROW] * 12, clock=clock)
    assert len(live) <= 40
    assert re.fullmatch(r"[━╸╺ ]{5,} 12/40  loss 0.00557  56 s left", live)
    live, _ = lines(40, 24, *[ROW] * 12, clock=clock)
    assert len(live) <= 24
    assert "12/40" in live


@pytest.mark.parametrize("width", range(30, 130, 7))
@pytest.mark.parametrize("epochs", [1, 40, 100_000])
def test_no_width_cuts_a_word(width, epochs, clock):
    live, end = lines(epochs, width, ROW, clock=clock)
    assert max(len(live), len(end)) <= width
    assert "…" not in live + end


def test_without_validation_the_line_shows_what_there_is(clock):
    live, _ = lines(
        2, 80, {"epoch": 1, "loss": 1.0, "hit_rate": 250.0, "seconds": 1.0}, clock=clock
    )
    assert "loss 1.00  hit rate 250  2.0 s left" in live


def test_a_slow_first_epoch_does_not_spoil_the_time_left(clock):
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, color_system=None)
    with TrainingProgress(103, console=console) as shown:
        for seconds in (500.0, 40.0, 40.0):  # longer than rich remembers
            clock.now += seconds
            shown.epoch(ROW)
        shown._progress.refresh()
        assert last_line(file).endswith("1:06:40 left")
        clock.now += 10.0
        shown._progress.refresh()
        assert last_line(file).endswith("1:06:30 left")


def test_the_line_moves_within_an_epoch(clock):
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=100, color_system=None)
    measured = {"loss": 0.5, "accuracy": 0.8}
    with TrainingProgress(4, console=console) as shown:
        clock.now += 60.0  # compiling
        for rows in (100, 2_100, 4_100):
            clock.now += 2.0
            shown.within(rows, 10_000, measured)
        shown._progress.refresh()
        live = last_line(file)
        # 5.9 s of this epoch are left, and three of 10 s are to come
        assert "0/4  loss 0.500  acc 80.0%  1,000 rows/s  36 s left" in live
        clock.now += 7.0
        shown.epoch(ROW)
        clock.now += 1.0
        shown.within(100, 10_000, measured)
        shown._progress.refresh()
        live = last_line(file)
        assert "1/4  loss 0.500  val acc 98.2%  val loss 0.0508" in live


def test_batches_of_unknown_number_show_how_fast_they_come(clock):
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=100, color_system=None)
    with TrainingProgress(1, console=console) as shown:
        for rows in (64, 128, 192):
            clock.now += 0.5
            shown.within(rows, None, {"loss": 0.5})
        shown._progress.refresh()
        assert last_line(file).endswith("0/1  loss 0.500  128 rows/s")


def test_nothing_is_shown_where_nobody_looks():
    file = io.StringIO()
    with TrainingProgress(2, console=Console(file=file)) as shown:
        shown.epoch(ROW)
    assert file.getvalue().strip() == ""


def test_a_resumed_run_begins_where_it_was():
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with TrainingProgress(20, True, console) as progress:
        progress.begin(20, done=7)
        progress.epoch({"epoch": 8, "loss": 0.5})
    said = console.file.getvalue()
    assert " 7/20" in said
    assert " 8/20" in said


def test_before_the_first_epoch_the_line_says_what_goes_on():
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    with TrainingProgress(9, True, console) as progress:
        for words in ("reading the rows", "finding a learning rate"):
            progress.say(words)
            assert last_line(console.file).endswith(f"0/9  {words}")
        progress.begin(9)
        assert last_line(console.file).endswith("0/9  preparing the step")
        progress.epoch({"epoch": 1, "loss": 0.5})
    assert last_line(console.file).endswith("1/9  loss 0.500  in 0.0 s")


def refused(console):
    with TrainingProgress(9, True, console) as progress:
        progress.say("reading the rows")
        raise ValueError("no rows")


def test_a_refusal_takes_the_line_away():
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    log = Console(file=io.StringIO(), force_terminal=False)
    for place in (console, log):
        with pytest.raises(ValueError, match="no rows"):
            refused(place)
    written = console.file.getvalue()
    assert written.rindex("\x1b[2K") > written.rindex("0/9")
    assert log.file.getvalue() == ""


def broken_off(console):
    with TrainingProgress(9, True, console) as progress:
        progress.begin(9)
        progress.epoch({"epoch": 1, "loss": 0.5})
        raise ValueError("no more")


def test_an_error_later_leaves_what_was_reached():
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    with pytest.raises(ValueError, match="no more"):
        broken_off(console)
    assert "1/9  loss 0.500" in last_line(console.file)
