"""In: a task, and work in many pieces. Out: each piece's result, made by processes side by side.

One worker is this process itself. Each of several has one thread, as two networks of one thread
each are trained sooner than one network by two threads after the other.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from pullback.core.errors import CircuitError
from pullback.search.task import Task
from pullback.search.trying import AT_ONCE, Stop, Stopped

_PATIENCE = 0.1  # seconds between two looks at how it goes

Work = Callable[..., Any]
"""A function of a task, arguments of its own, and a `Stop`; it may raise `Stopped`."""

_here: tuple[Task, Any] | None = None  # of a process that is a worker: its task, and when to end


class Workers:
    """Processes that know a task: so many `jobs` at once."""

    def __init__(self, task: Task, jobs: int) -> None:
        self.task = task
        self.jobs = jobs
        self._pool: ProcessPoolExecutor | None = None
        self._soon: Any = None

    def __enter__(self) -> Workers:
        if self.jobs > 1:
            context = multiprocessing.get_context("spawn")
            self._soon = context.Value("i", 0)
            self._pool = ProcessPoolExecutor(
                self.jobs, context, initializer=_begin, initargs=(self.task, self._soon)
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._soon.value = AT_ONCE
            self._pool.shutdown(wait=True, cancel_futures=True)

    def run(self, work: Work, pieces: Sequence[tuple[Any, ...]], watch: Stop) -> list[Any]:
        """What the work makes of each piece's arguments; None of those that were stopped.

        `watch` is asked again and again whether to end.

        Raises `CircuitError` where a process was killed, as systems do that lack memory.
        """
        if self._pool is None:
            return [_stopped_is_none(work, self.task, piece, watch) for piece in pieces]
        self._soon.value = 0
        with _deaf():  # as long as processes are started, which are so for good
            futures = [self._pool.submit(_in_process, work, piece) for piece in pieces]
        try:
            while wait(futures, _PATIENCE).not_done:
                self._soon.value = watch()
                if any(f.done() and f.exception() for f in futures):
                    break
            return [future.result() for future in futures]
        except BrokenProcessPool:
            raise CircuitError(
                "a worker process was killed, by the system perhaps, for its memory; fewer --jobs "
                "need less"
            ) from None
        finally:
            self._soon.value = AT_ONCE


@contextmanager
def _deaf() -> Iterator[None]:
    """Let Ctrl-C mean nothing to processes that are started inside, and to this one meanwhile."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _begin(task: Task, soon: Any) -> None:
    """Make this process a worker."""
    from threadpoolctl import threadpool_limits

    global _here
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["PULLBACK_THREADS"] = "1"
    threadpool_limits(1)  # NumPy's products too
    _here = (task, soon)


def _in_process(work: Work, piece: tuple[Any, ...]) -> Any:
    assert _here is not None
    task, soon = _here
    return _stopped_is_none(work, task, piece, lambda: soon.value)


def _stopped_is_none(work: Work, task: Task, piece: tuple[Any, ...], stop: Stop) -> Any:
    try:
        return work(task, *piece, stop=stop)
    except Stopped:
        return None
