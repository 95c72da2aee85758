"""In: work for each of many files. Out: it is done by several threads; which failed, and why."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from numbers import Integral
from typing import Any

from pullback.core.errors import CircuitError

_CHUNK = 16  # files that a thread takes at a time
_MOST_THREADS = 8
_PATIENCE = 0.1  # seconds between which Ctrl-C is heard on every system

Broken = dict[int, CircuitError]  # by the number of the file


def checked_threads(threads: Any) -> int:
    """How many threads read: as asked, or as many as do not stand in each other's way.

    Raises `CircuitError` for what is no number from 1 on.
    """
    if threads is None:
        return min(_MOST_THREADS, (os.cpu_count() or 1) + 1)
    if not isinstance(threads, Integral) or threads < 1:
        raise CircuitError(f"threads are a whole number of at least 1, got {threads!r}")
    return int(threads)


def attempt(
    work: Callable[[int], None], count: int, threads: int, advance: Callable[[int], None]
) -> Broken:
    """Do the work of so many numbers by threads; which failed, and why.

    Ctrl-C, or an error that is not the file's, ends it after the files in hand.

    >>> def work(k):
    ...     if k == 2:
    ...         raise CircuitError("damaged")
    >>> attempt(work, 4, threads=2, advance=lambda n: None)
    {2: CircuitError('damaged')}
    """
    ended = threading.Event()

    def several(numbers: range) -> list[tuple[int, CircuitError]]:
        failed = []
        for k in numbers:
            if ended.is_set():
                break
            try:
                work(k)
            except CircuitError as error:
                failed.append((k, error))
        return failed

    chunk = max(1, min(_CHUNK, count // (4 * threads)))
    pool = ThreadPoolExecutor(threads, "pullback-read")
    failed: list[tuple[int, CircuitError]] = []
    try:
        chunks = [range(k, min(k + chunk, count)) for k in range(0, count, chunk)]
        for numbers, future in [(numbers, pool.submit(several, numbers)) for numbers in chunks]:
            while not future.done():
                wait([future], _PATIENCE)
            failed += future.result()
            advance(len(numbers))
    finally:
        ended.set()
        pool.shutdown(wait=True, cancel_futures=True)
    return dict(sorted(failed))


def machine_memory() -> int | None:
    """The machine's memory in bytes, where the system tells."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
