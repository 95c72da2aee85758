"""In: columns of rich, and how far work is. Out: a live line of it, wherever it is looked at.

On a terminal rich draws the line. A notebook has one output that is written anew, as plain text,
which every front end shows without widgets and which stays as it was at the end. A log has lines
without control codes or bars, fewer the longer it takes.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from importlib import import_module
from typing import IO, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TaskID

from pullback.progress.place import Place, place_of

_WIDE = 100  # columns of a notebook, and of a log
_OFTEN = 0.1  # seconds between two states of a notebook's output
_SELDOM = 1.0  # seconds between two lines of a log, at first
_SHARE = 0.05  # of the time that has passed, later


class Bars(Progress):
    """A live line; `show=None` means: where a person looks on, as `place_of` says.

    On a terminal a `transient` line is gone when the work is done. A `console` of its own is a
    terminal or a log.

    >>> with Bars(BarColumn(), show=False) as bars:
    ...     bars.advance(bars.add_task("reading", total=2))
    >>> bars.disable
    True
    """

    def __init__(
        self,
        *columns: ProgressColumn,
        show: bool | None = None,
        console: Console | None = None,
        transient: bool = False,
    ) -> None:
        place = place_of(show) if console is None else _place_on(console, show)
        self._text: _Text | None = None
        if place in ("notebook", "lines"):
            log = Console(stderr=True) if console is None else console
            self._text = _InNotebook() if place == "notebook" else _InLog(log.file)
            console = Console(
                file=io.StringIO(),
                width=_WIDE,
                color_system=None,
                force_terminal=False,
                force_jupyter=False,
            )
            moving = SpinnerColumn if place == "notebook" else (BarColumn, SpinnerColumn)
            columns = tuple(c for c in columns if not isinstance(c, moving))
        super().__init__(
            *columns,
            console=console or Console(stderr=True),
            transient=transient,
            disable=place is None,
        )

    def start(self) -> None:
        if self._text is None:
            super().start()
        elif not self._text.seldom:
            self.refresh()

    def stop(self) -> None:
        if self._text is None:
            super().stop()
        else:
            self._text.write(self._drawn())

    def withdraw(self) -> None:
        """Stop, and take the line away where that can be."""
        self.live.transient = True
        if self._text is None:
            super().stop()

    def refresh(self) -> None:
        if self._text is None:
            super().refresh()
        elif not self._text.seldom or self._text.is_due():
            self._text.write(self._drawn())

    def update(self, task_id: TaskID, **how: Any) -> None:
        super().update(task_id, **how)
        self._changed()

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        super().advance(task_id, advance)
        self._changed()

    def _changed(self) -> None:
        if self._text is not None and self._text.is_due():
            self._text.write(self._drawn())

    def _drawn(self) -> str:
        """The line as it is now."""
        with self._lock, self.console.capture() as captured:
            self.console.print(self.get_renderable())
        return captured.get().strip()


def _place_on(console: Console, show: bool | None) -> Place | None:
    if show is False or not (show or console.is_terminal):
        return None
    return "terminal" if console.is_terminal else "lines"


class _Text:
    """Where the line is written as text, each time anew; `seldom` where the old ones stay."""

    def __init__(self, put: Callable[[str], None], *, seldom: bool) -> None:
        self.seldom = seldom
        self._put = put
        self._begun = time.monotonic()
        self._last = self._begun if seldom else -_OFTEN
        self._written = ""

    def is_due(self) -> bool:
        """Whether it is time for another state."""
        now = time.monotonic()
        pause = max(_SELDOM, _SHARE * (now - self._begun)) if self.seldom else _OFTEN
        return now - self._last >= pause

    def write(self, line: str) -> None:
        if line and line != self._written:
            self._put(line)
            self._written = line
        self._last = time.monotonic()


class _InLog(_Text):
    def __init__(self, file: IO[str]) -> None:
        super().__init__(lambda line: print(line, file=file, flush=True), seldom=True)


class _InNotebook(_Text):
    """One output of the cell, which IPython knows by an id."""

    def __init__(self) -> None:
        super().__init__(self._show, seldom=False)
        self._handle: Any = None

    def _show(self, line: str) -> None:
        data = {"text/plain": line}
        if self._handle is None:
            display = import_module("IPython.display").display
            self._handle = display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)
