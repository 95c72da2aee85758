"""Work shared by threads: each number once, ended at once, and nothing is left behind."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from pullback.files.threads import attempt


def test_an_error_of_the_program_ends_the_work():
    done = []

    def work(k):
        done.append(k)
        if k == 3:
            raise ZeroDivisionError
        time.sleep(0.001)

    with pytest.raises(ZeroDivisionError):
        attempt(work, 10_000, 2, lambda n: None)
    assert len(done) < 5_000
    assert not any(thread.name.startswith("pullback-read") for thread in threading.enumerate())


def test_ctrl_c_ends_reading_at_once():
    timer = threading.Timer(0.2, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        attempt(lambda k: time.sleep(0.01), 2_000, 2, lambda n: None)
    assert time.monotonic() - start < 3.0
    assert not any(thread.name.startswith("pullback-read") for thread in threading.enumerate())
    timer.join()


def test_every_number_is_worked_on_once():
    for count in (0, 1, 2, 7, 100, 333):
        done, told = [], []
        assert attempt(done.append, count, 3, told.append) == {}
        assert sorted(done) == list(range(count))
        assert sum(told) == count
