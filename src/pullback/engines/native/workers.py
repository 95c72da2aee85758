"""In: compiled code, and how many threads shall run it. Out: all of them run it, at once.

Threads of one step wait for each other, so all must come, or those that did wait for ever. None is
therefore shared by two steps that run at once, there are as many as are asked for, and Ctrl-C does
not come between: Python looks for it between bytecodes, and there is none from the first thread
that is called to the last.
"""

from __future__ import annotations

import os
from _thread import start_new_thread
from collections import deque
from collections.abc import Callable
from functools import partial
from operator import call
from queue import SimpleQueue


class _Worker:
    """A thread that makes the calls that it is given, one after another."""

    def __init__(self) -> None:
        self.calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        start_new_thread(self._work, ())  # a Thread would wait until it runs, where Ctrl-C hurts

    def _work(self) -> None:
        while True:
            self.calls.get()()


_idle: list[_Worker] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)  # threads stay behind in the parent


def together(first: Callable[[], None], others: list[Callable[[], None]]) -> None:
    """Make all calls at once, `first` here; return when it does.

    The others need not have returned by then, but must wait for no one any more. For Ctrl-C not to
    come between, `first` is no function of Python.
    """
    crew: list[_Worker] = []
    try:
        crew.extend(_worker() for _ in others)
        put = [partial(worker.calls.put, x) for worker, x in zip(crew, others, strict=True)]
        deque(map(call, [*put, first]), maxlen=0)
    finally:
        _idle.extend(crew)


def _worker() -> _Worker:
    try:
        return _idle.pop()
    except IndexError:
        return _Worker()
