"""Ctrl-C asks whatever is at work to end, also work inside other work."""

import os
import signal
import threading

import pytest

from pullback.train.interrupt import Interruptible


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(autouse=True)
def python_s_own_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_first_is_a_request_and_the_second_an_exception():
    with Interruptible() as interrupt:
        ctrl_c()
        assert interrupt.requested
        with pytest.raises(KeyboardInterrupt):
            ctrl_c()
    with pytest.raises(KeyboardInterrupt):
        ctrl_c()


def test_work_inside_other_work_ends_and_so_does_the_other():
    with Interruptible() as whole, Interruptible() as half:
        with Interruptible() as part:
            ctrl_c()
        assert part.requested
        assert half.requested
        assert whole.requested
        with Interruptible() as late:
            assert late.requested  # it need not begin
            with pytest.raises(KeyboardInterrupt):
                ctrl_c()


def test_what_was_asked_of_work_that_is_over_is_not_asked_of_the_next():
    with Interruptible() as whole:
        with Interruptible():
            pass
        ctrl_c()
    assert whole.requested
    with Interruptible() as next_one:
        assert not next_one.requested


def test_another_thread_changes_nothing():
    requested = []

    def work():
        with Interruptible() as interrupt:
            requested.append(interrupt.requested)

    with Interruptible() as main:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        ctrl_c()
    assert main.requested
    assert requested == [False]


def test_a_process_that_ignores_it_goes_on_doing_so():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Interruptible() as interrupt:
        ctrl_c()
    assert not interrupt.requested
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
