"""Ctrl-C as a request: long work ends at the next safe point, and keeps what it has."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class Interruptible:
    """While inside, the first Ctrl-C only sets `requested`; a second one raises as usual.

    Inside another one it is a request to both: what long work is made of ends, and so does the
    whole, whichever of them was at hand. Outside the main thread, where Python delivers no signals,
    and where the process ignores Ctrl-C, as worker processes do, nothing changes.

    >>> with Interruptible() as interrupt:
    ...     interrupt.requested
    False
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous: Any = None
        self._around: Interruptible | None = None

    def __enter__(self) -> Interruptible:
        here = threading.current_thread() is threading.main_thread()
        if here and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            self._previous = signal.signal(signal.SIGINT, self._handle)
            around = getattr(self._previous, "__self__", None)
            if isinstance(around, Interruptible):
                self._around, self.requested = around, around.requested
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = self._around = None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        this: Interruptible | None = self
        while this is not None:
            this.requested = True
            this = this._around
