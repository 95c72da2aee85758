"""In: how much work there is. Out: a live line of how far it is, where a person looks on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pullback.progress.place import place_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


class Line:
    """A line that tells how far work is, or nothing where nobody looks on."""

    def __init__(self, progress: Progress | None = None, task: TaskID | None = None) -> None:
        self._progress, self._task = progress, task

    def advance(self, n: int) -> None:
        """So much more is done."""
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task, n)

    def tell(self, words: str) -> None:
        """What is done, in other words: with a number that was just measured, say."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description=words)

    @property
    def shown(self) -> bool:
        """Whether somebody looks on."""
        return self._progress is not None

    def expect(self, total: int) -> None:
        """So much is to be done."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, total=total)


@contextmanager
def working(
    words: str,
    total: int | None,
    show: bool | None = None,
    *,
    in_bytes: bool = False,
    console: Console | None = None,
) -> Iterator[Line]:
    """While inside, a line on standard error tells how far work is, where a person looks on.

    `show` says otherwise. On a terminal the line is gone when the work is done.

    >>> with working("reading", 3, show=False) as line:
    ...     line.advance(1)
    """
    if console is None and place_of(show) is None:
        yield Line()
        return
    from rich.progress import (  # takes a while to import
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    from pullback.progress.bars import Bars

    progress = Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        DownloadColumn() if in_bytes else MofNCompleteColumn(),
        TimeRemainingColumn(),
        show=show,
        console=console,
        transient=True,
    )
    with progress:
        yield Line(progress, progress.add_task(words, total=total))
