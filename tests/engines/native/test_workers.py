"""Threads that share a step all come, however many there are, and Ctrl-C keeps none away."""

import subprocess
import sys
import threading

import numpy as np
import pytest

import pullback as pb
from pullback.engines.native.engine import Native
from pullback.engines.native.workers import together

INTERRUPTED = """
import signal
import numpy as np
import pullback as pb
from pullback.engines.native.engine import Native

def interrupt(number, frame):
    raise KeyboardInterrupt

w = pb.Unit(np.zeros(40_000), "w")
step = Native(pb.Program({}, {"sum": pb.sum(w)}, {w: w + 1.0}), threads=3)
step()
signal.signal(signal.SIGALRM, interrupt)
for k in range(500):
    try:
        signal.setitimer(signal.ITIMER_REAL, 2e-5 + 1e-6 * k)
        while True:
            step()
    except KeyboardInterrupt:
        pass
print(np.ptp(w.value), step()["sum"] == 40_000 * (w.value[0] - 1.0))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sets a timer to be interrupted by")
def test_a_step_that_is_interrupted_at_any_time_can_go_on():
    command = [sys.executable, "-c", INTERRUPTED]
    ran = subprocess.run(command, text=True, capture_output=True, timeout=60)
    assert ran.stdout == "0.0 True\n", ran.stderr


def test_there_are_as_many_threads_as_are_asked_for():
    w = pb.Unit(np.zeros(40_000), "w")
    step = Native(pb.Program({}, {}, {w: w + 1.0}), threads=300)
    step()
    np.testing.assert_array_equal(w.value, 1.0)


def test_calls_that_wait_for_each_other_return():
    barrier = threading.Barrier(5)
    for _ in range(20):
        together(barrier.wait, [barrier.wait] * 4)
