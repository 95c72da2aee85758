"""In: functions that are being compiled. Out: a line on standard error, if it takes a while.

What is read from the cache is silent, and so is everything where no person looks on.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pullback.progress.place import place_of

PATIENCE = 1.0  # seconds of compiling that pass without a line of its own
SHORT = 0.2  # and without a word in a line that is there already
PAUSE = 1.0  # seconds without a notice, after which the next one begins anew

Say = Callable[[str], None]

_quiet: ContextVar[bool] = ContextVar("pullback_quiet", default=False)


class Notice:
    """How far compilation is, for whoever waits for it.

    Functions are counted from the first one on until nothing has been compiled for a moment.

    >>> shown = []
    >>> notice = Notice(patience=0.0)
    >>> with notice.shown_by(shown.append), notice.announced(2):
    ...     notice.next()
    ...     with notice.compiling():
    ...         time.sleep(0.1)
    >>> shown
    ['compiling 1 of 2 functions, once: later runs read them from the cache', '']
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._lock = threading.RLock()
        self._place: Say | None = None  # where another live display shows it
        self._say: Say | None = None  # where it stands now
        self._timer: threading.Timer | None = None
        self._inside = 0
        self._at = self._of = 0
        self._left = -PAUSE  # when it last stood somewhere

    @contextmanager
    def announced(self, count: int) -> Iterator[None]:
        """While inside, so many functions are read or compiled; `next` before each."""
        with self._entered() as heard:
            if heard:
                self._of += count
            yield

    def next(self) -> None:
        """One more of the functions that were announced is begun."""
        if not _quiet.get():
            with self._lock:
                self._at += 1
                self._refresh()

    @contextmanager
    def compiling(self) -> Iterator[None]:
        """While inside, a function is compiled."""
        with self._entered() as heard:
            if heard:
                self._wait()
            yield

    @contextmanager
    def shown_by(self, say: Say) -> Iterator[None]:
        """While inside, `say` shows the notice, for it has a live display; "" takes it away."""
        before, self._place = self._place, say
        try:
            yield
        finally:
            self._place = before

    @contextmanager
    def _entered(self) -> Iterator[bool]:
        """Inside of what may be shown; whether this thread wants it to be."""
        if _quiet.get():
            yield False
            return
        with self._lock:
            if not self._inside and not self._goes_on():
                self._at = self._of = 0
            self._inside += 1
        try:
            yield True
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside:
                    self._leave()

    def _wait(self) -> None:
        """Appear in a while; at once where the last notice has just gone."""
        with self._lock:
            if self._timer is None:
                patience = self._patience if self._place is None else min(SHORT, self._patience)
                seconds = 0.0 if self._goes_on() else patience
                self._timer = threading.Timer(seconds, self._appear)
                self._timer.daemon = True
                self._timer.start()

    def _goes_on(self) -> bool:
        return time.monotonic() - self._left < PAUSE

    def _appear(self) -> None:
        with self._lock:
            if self._timer is threading.current_thread():  # and not left in the meantime
                self._say = self._place or _line()
                self._refresh()

    def _refresh(self) -> None:
        if self._say is not None:
            count = f"{self._at} of {self._of} function{'' if self._of == 1 else 's'}"
            self._say(f"compiling {count}, once: later runs read them from the cache")

    def _leave(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._say is not None:
            self._say("")
            self._say = None
            self._left = time.monotonic()


notice = Notice()


@contextmanager
def quietly() -> Iterator[None]:
    """While inside, this thread compiles without a notice: nobody waits for it."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def _line() -> Say:
    """A line of its own, where a person looks on and no other display lives."""
    if place_of() is None or hasattr(sys.stderr, "rich_proxied_file"):
        return lambda text: None
    from rich.progress import SpinnerColumn, TextColumn  # take a while, which few starts need

    from pullback.progress.bars import Bars

    bars = Bars(SpinnerColumn(), TextColumn("{task.description}", markup=False), transient=True)
    task = bars.add_task("", total=None)

    def say(text: str) -> None:
        if text:
            bars.update(task, description=text)
            bars.start()
        else:
            bars.update(task, description="compiled, once: later runs read it from the cache")
            bars.stop()

    return say
