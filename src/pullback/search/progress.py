"""A live line of a search: the best so far, how much was tried, how long it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.table import Column

from pullback.progress.bars import Bars
from pullback.train.progress import duration

_BAR = 24


class SearchProgress:
    """Shows a search on standard error; `show=None` means: where a person looks on.

    >>> with SearchProgress(60.0, None, show=False) as progress:
    ...     progress.tell(3, "best 97.1%")
    """

    def __init__(
        self,
        seconds: float | None,
        trials: int | None,
        show: bool | None = None,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds, self._trials, self._clock = seconds, trials, clock
        self._progress = Bars(
            BarColumn(bar_width=None, table_column=Column(max_width=_BAR)),
            TextColumn("{task.fields[line]}", table_column=Column(no_wrap=True), markup=False),
            show=show,
            console=console,
        )
        self._task = self._progress.add_task("", total=1.0, line="")
        self._start = clock()

    def __enter__(self) -> SearchProgress:
        self._start = self._clock()
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._start

    def tell(self, done: int, words: str) -> None:
        """So many trials are done; and what to say of them."""
        shares = [0.0]
        left = ""
        if self._trials is not None:
            shares.append(done / self._trials)
        if self._seconds is not None:
            shares.append(self.spent / self._seconds)
            left = f"  {duration(max(0.0, self._seconds - self.spent))} left"
        count = f"{done}" if self._trials is None else f"{done}/{self._trials}"
        trials = f"{count} {'trial' if done == 1 else 'trials'}"
        line = "  ".join(text for text in (trials, words) if text) + left
        self._progress.update(self._task, completed=min(1.0, max(shares)), line=line)
