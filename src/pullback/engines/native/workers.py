"""In: a step that threads share. Out: how many should, and the step run by all of them at once."""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from pullback.core.errors import CircuitError
from pullback.engines.native.target import SYSTEM

# Operations, some 60 microseconds, that pay for a thread: with fewer each, they would wait for each
# other longer than they save; the more so where other programs want a core.
OPERATIONS = 8_000_000

Function = Callable[[int, int], Any]


def default_threads(work: int) -> int:
    """As many as so many operations pay for, up to `PULLBACK_THREADS` or one for each core.

    Where that is not set, `OMP_NUM_THREADS` is heeded: by it joblib, Dask and Ray tell each of many
    processes its share of the cores.

    Raises `CircuitError` where the environment asks for no whole number from 1 on.
    """
    limit = os.environ.get("PULLBACK_THREADS", "")
    if limit and not (limit.isdecimal() and int(limit) >= 1):
        raise CircuitError(f"PULLBACK_THREADS must be a whole number from 1 on, got {limit!r}")
    paid = work // OPERATIONS
    if paid <= 1:
        return 1
    share = os.environ.get("OMP_NUM_THREADS", "")
    told = limit or (share if share.isdecimal() and int(share) >= 1 else "")
    return min(paid, int(told) if told else cores())


def cores() -> int:
    """The physical cores that this process may use; logical ones where the system tells no more."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    found = len({_siblings(cpu) for cpu in os.sched_getaffinity(0)})
    try:  # the share of them that a container has
        quota, period = map(int, (SYSTEM / "fs/cgroup/cpu.max").read_text().split())
    except (OSError, ValueError):  # there is no such file, or it says "max"
        return found
    return max(1, min(found, quota // period))


def _siblings(cpu: int) -> str:
    """The logical cores that are one physical core, of which this is one."""
    topology = SYSTEM / f"devices/system/cpu/cpu{cpu}/topology"
    try:
        return (topology / "thread_siblings_list").read_text()
    except OSError:
        return str(cpu)


# Workers -----------------------------------------------------------------------------------------


class _Worker(threading.Thread):
    """A thread that runs one part of a step after another."""

    def __init__(self) -> None:
        super().__init__(name="pullback", daemon=True)
        self.parts: SimpleQueue[tuple[Function | None, int, int, Any]] = SimpleQueue()
        self.start()

    def run(self) -> None:
        while _ran(*self.parts.get()):  # and while it waits, it keeps nothing of a step
            pass


def _ran(run: Function | None, words: int, t: int, owner: Any) -> bool:
    """Whether there was something to run."""
    if run is not None:
        run(words, t)
    return run is not None


_free: list[_Worker] = []  # they wait for parts


def together(run: Function, words: int, threads: int, owner: Any) -> None:
    """Run a step's parts, `run(words, t)` for each thread t, all at once; the caller is thread 0.

    All has been done when thread 0 is through, as the others wait with it at the end of a step, but
    they may still be on their way out: so long each keeps `owner`, whose memory they use.
    """
    crew: list[_Worker] = []
    try:
        while len(crew) < threads - 1:  # all, before one begins to wait for the others
            try:
                crew.append(_free.pop())
            except IndexError:
                crew.append(_Worker())
        parts = [(run, words, t, owner) for t in range(1, threads)]
        begun = map(SimpleQueue.put, [worker.parts for worker in crew], parts)
        try:
            deque(begun, 0)  # a single call of C, inside of which Ctrl-C raises nothing
        finally:
            run(words, 0)
    finally:
        _free.extend(crew)


@atexit.register
def _dismiss() -> None:
    """No thread may be inside of code that is about to go."""
    for worker in _free:
        worker.parts.put((None, 0, 0, None))
    for worker in _free:
        worker.join(1.0)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free.clear)  # threads stay behind in the parent
