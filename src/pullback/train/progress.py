"""A live line of training: how far it is, what was measured last, how long it will take."""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from pullback.engines.notice import notice
from pullback.progress.bars import Bars

_RECENT = 20  # epochs whose median tells how long the next ones take
_BAR = 24  # columns; a narrow terminal gets a shorter one
_SHORTEST_BAR = 6
_TIME = 11  # columns for " 59:59 left"
_MOST = 3  # measurements that are shown
_NATS = {"": "nats", "val ": "validation_nats"}


class TrainingProgress:
    """Shows epochs as they pass, on standard error; `show=None` means: where a person looks.

    The line is a bar, the epochs done, the most telling of what was measured, as far as they fit,
    how many rows a second the steps take, or of `what` else an epoch is made, and the time left. It
    moves within a long epoch, too. Before the first one it says what goes on.

    >>> with TrainingProgress(2, show=False) as progress:
    ...     progress.say("reading the rows")
    ...     progress.begin(2)
    ...     progress.epoch({"epoch": 1, "loss": 0.5})
    """

    def __init__(
        self,
        epochs: int,
        show: bool | None = None,
        console: Console | None = None,
        *,
        what: str = "rows",
    ) -> None:
        self._time = _TimeLeft()
        self._progress = Bars(
            BarColumn(bar_width=None, table_column=Column(max_width=_BAR)),
            TextColumn("{task.fields[line]}", table_column=Column(no_wrap=True), markup=False),
            self._time,
            show=show,
            console=console,
        )
        self._epochs, self._what = epochs, what
        self._rate = 0.0  # rows a second, and when the steps of this epoch were first heard of
        self._heard: tuple[float, int] | None = None
        self._judged: dict[str, float] = {}  # what the last epoch did on other rows
        self._line = f"{0:>{len(str(epochs))}}/{epochs}"
        self._doing = ""  # before the first epoch
        self._task = self._progress.add_task("", total=epochs, line=self._line)
        self._compiling = notice.shown_by(self._say)

    def __enter__(self) -> TrainingProgress:
        self._time.start()
        self._progress.start()
        self._compiling.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._compiling.__exit__(kind, error, trace)
        if error is not None and self._doing:  # a refusal stands alone
            self._progress.withdraw()
        else:
            self.stop()

    def stop(self) -> None:
        """Training is over, and what is written from here on comes after the line."""
        self._time.stop()
        self._progress.stop()

    def say(self, doing: str) -> None:
        """What goes on before the first epoch."""
        self._doing = doing
        self._say("")

    def begin(self, epochs: int, done: int = 0) -> None:
        """The epochs begin, of which so many are done already."""
        self._epochs = epochs
        self._time.start(done)
        self._line = f"{done:>{len(str(epochs))}}/{epochs}"
        self._progress.update(self._task, total=epochs, completed=done)
        self.say("preparing the step")

    def epoch(self, row: Mapping[str, float]) -> None:
        """An epoch is over, and these are its measurements."""
        if self._progress.disable:
            return
        self._time.epoch()
        self._heard = None
        self._judged = {k: v for k, v in row.items() if k.startswith("validation_")}
        self._show(float(len(self._time)), row)

    def within(self, rows: int, of: int | None, row: Mapping[str, float]) -> None:
        """So many rows of an epoch are done, of how many, and this is what they measured so far."""
        if self._progress.disable:
            return
        now = time.monotonic()
        if self._heard is None:  # what was before may have been compiling
            self._heard = now, rows
        elif now > self._heard[0]:
            self._rate = (rows - self._heard[1]) / (now - self._heard[0])
        share = 0.0 if of is None else min(rows / of, 1.0)
        if self._rate and of is not None:
            self._time.within((of - rows) / self._rate, of / self._rate)
        self._show(len(self._time) + share, {**self._judged, **row})

    def _show(self, done: float, row: Mapping[str, float]) -> None:
        width = len(f"{self._epochs}")
        line = f"{int(done):>{width}}/{self._epochs}"
        free = self._progress.console.width - _SHORTEST_BAR - len(line) - _TIME - 2
        rate = [f"{_rounded(self._rate)} {self._what}/s"] if self._rate else []
        for words in [*_telling(row), *rate]:
            free -= len(words) + 2
            if free < 0:
                break
            line += f"  {words}"
        self._line, self._doing = line, ""
        self._progress.update(self._task, completed=done, line=line)

    def _say(self, text: str) -> None:
        """Words behind the line, until there are none; what stands behind a colon, if it fits."""
        text = text or self._doing
        free = self._progress.console.width - _SHORTEST_BAR - len(self._line) - _TIME - 4
        words = next((t for t in (text, text.partition(":")[0]) if len(t) <= free), "")
        line = f"{self._line}  {words}" if words else self._line
        self._progress.update(self._task, line=line, refresh=True)


def _telling(row: Mapping[str, float]) -> list[str]:
    """The most telling measurements, best first: the loss, then how well it does on unseen rows.

    A loss in nats, as of what comes next in a text, is told in bits too.

    >>> _telling({"epoch": 3, "loss": 0.00557, "accuracy": 1, "validation_accuracy": 0.982})
    ['loss 0.00557', 'val acc 98.2%', 'acc 100.0%']
    >>> _telling({"epoch": 3, "loss": 1.6, "nats": 1.61, "validation_nats": 1.72})
    ['1.61 nats (2.32 bits)', 'val 1.72 nats (2.48 bits)']
    """
    if "nats" in row:
        told = [(start, row[key]) for start, key in _NATS.items() if key in row]
        return [f"{start}{_short(x)} nats ({_short(x / math.log(2.0))} bits)" for start, x in told]

    def rank(name: str) -> tuple[bool, bool, bool]:
        unseen = name.startswith("validation_")
        return name != "loss", not unseen, name == "validation_loss"

    shown = [name for name in row if name not in ("epoch", "seconds")]
    return [_words(name, row[name]) for name in sorted(shown, key=rank)[:_MOST]]


def _words(name: str, value: float) -> str:
    short = name.replace("validation_", "val ").replace("accuracy", "acc").replace("_", " ")
    return f"{short} {f'{value:.1%}' if name.endswith('accuracy') else _short(value)}"


def _short(value: float) -> str:
    """A number in three digits; "#" keeps zeros at the end, so that the line does not jump."""
    return f"{value:#.3g}".rstrip(".")


class _TimeLeft(ProgressColumn):
    """How long the epochs to come will take, or, at the end, how long it took.

    An epoch is taken to last as long as the recent ones, by their median, which the first one does
    not spoil although it compiles; rich's own estimate knows nothing of epochs longer than 30 s.
    """

    def __init__(self) -> None:
        super().__init__(table_column=Column(no_wrap=True))
        self._recent: deque[float] = deque(maxlen=_RECENT)
        self._done = 0
        self._started = self._last = time.monotonic()
        self._expected: tuple[float, float] | None = None  # the end of this epoch, and a whole one
        self._stopped: float | None = None

    def __len__(self) -> int:
        """The epochs that are over."""
        return self._done

    def start(self, done: int = 0) -> None:
        """So many epochs are over."""
        self._done = done
        self._started = self._last = time.monotonic()

    def stop(self) -> None:
        self._stopped = self._stopped or time.monotonic()

    def epoch(self) -> None:
        now = time.monotonic()
        self._recent.append(now - self._last)
        self._last = now
        self._done += 1
        self._expected = None

    def within(self, left: float, whole: float) -> None:
        """So many seconds more the steps of this epoch will take, of how many for all of it."""
        self._expected = time.monotonic() + left, whole

    def render(self, task: Task) -> Text:
        if self._stopped is not None:
            return Text(f" in {duration(self._stopped - self._started)}")
        if task.total is None or not (self._recent or self._expected):
            return Text("")
        now, to_come = time.monotonic(), task.total - self._done
        if self._recent:  # with what is measured after the steps
            end = self._last + to_come * statistics.median(self._recent)
        else:
            assert self._expected is not None
            end = self._expected[0] + (to_come - 1) * self._expected[1]
        return Text(f" {duration(max(0.0, end - now))} left")


def _rounded(rate: float) -> str:
    """A rate in few characters.

    >>> _rounded(7.26), _rounded(12_345.6), _rounded(2_345_678.0)
    ('7.3', '12,300', '2,350,000')
    """
    if rate < 99.5:
        return f"{rate:.1f}"
    return f"{round(rate, 2 - len(str(int(rate))) + 1):,.0f}"


def duration(seconds: float) -> str:
    """A time in few characters.

    >>> duration(0.94), duration(31.2), duration(250), duration(3723)
    ('0.9 s', '31 s', '4:10', '1:02:03')
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
