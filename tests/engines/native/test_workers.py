"""How many threads share a step by default, and the workers that run its parts."""

import os
import signal
import subprocess
import sys
import time
import weakref

import numpy as np
import pytest

import pullback as pb
from pullback.engines.native import workers
from pullback.engines.native.engine import Native

ENOUGH = 100 * workers.OPERATIONS


@pytest.fixture
def system(monkeypatch, tmp_path):
    """A system of 4 physical cores of 2 logical ones each, all of which are ours."""
    for cpu in range(8):
        folder = tmp_path / f"devices/system/cpu/cpu{cpu}/topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{cpu % 4},{cpu % 4 + 4}\n")
    (tmp_path / "fs/cgroup").mkdir(parents=True)
    for name in ("PULLBACK_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(workers, "SYSTEM", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    return tmp_path


def test_threads_are_as_many_as_the_work_pays_for(system):
    thread = workers.OPERATIONS
    asked = (0, thread, 2 * thread - 1, 2 * thread, 3 * thread, 4 * thread, ENOUGH)
    assert [*map(workers.default_threads, asked)] == [1, 1, 1, 2, 3, 4, 4]


def test_the_environment_sets_another_limit(system, monkeypatch):
    for limit in (1, 2, 40):
        monkeypatch.setenv("PULLBACK_THREADS", str(limit))
        assert workers.default_threads(ENOUGH) == limit
        assert workers.default_threads(0) == 1


def test_a_process_among_many_keeps_to_its_share(system, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert workers.default_threads(ENOUGH) == 3
    monkeypatch.setenv("PULLBACK_THREADS", "2")
    assert workers.default_threads(ENOUGH) == 2
    monkeypatch.delenv("PULLBACK_THREADS")
    monkeypatch.setenv("OMP_NUM_THREADS", "4,3,2")  # of nested loops, which are not ours
    assert workers.default_threads(ENOUGH) == 4 == workers.cores()


@pytest.mark.parametrize("told", ["0", "-1", "two", "1.5", " "])
def test_an_environment_that_makes_no_sense_is_refused(told, monkeypatch):
    monkeypatch.setenv("PULLBACK_THREADS", told)
    with pytest.raises(pb.CircuitError, match=f"PULLBACK_THREADS must be .*, got '{told}'"):
        pb.prepare("native", pb.Program({}, {}, {}))
    assert pb.prepare("native", pb.Program({}, {}, {}), threads=1)() == {}


def test_cores_are_physical_and_ours(system, monkeypatch):
    assert workers.cores() == 4
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {1, 2, 5})
    assert workers.cores() == 2
    monkeypatch.setattr(workers, "SYSTEM", system / "nothing")
    assert workers.cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert workers.cores() == os.cpu_count()


@pytest.mark.parametrize(
    ("told", "count"),
    [("max 100000", 4), ("250000 100000", 2), ("50000 100000", 1), ("900000 100000", 4), ("", 4)],
)
def test_a_container_may_have_a_share_of_the_cores(system, told, count):
    (system / "fs/cgroup/cpu.max").write_text(told)
    assert workers.cores() == count


# Workers -----------------------------------------------------------------------------------------


def product(threads):
    x = pb.Unit(np.ones((200, 200)), "x")
    return Native(pb.Program({"x": x}, {"y": x @ x}, {}), threads)


def test_workers_serve_one_engine_after_another():
    first, second = product(4), product(3)
    first(), second()
    count = len(workers._free)
    assert count >= 3
    for _ in range(20):
        assert first()["y"][0, 0] == second()["y"][0, 0] == 200.0
    assert len(workers._free) == count


def test_workers_keep_nothing_of_a_step():
    native = product(3)
    native()
    kept = weakref.ref(native)
    del native
    end = time.monotonic() + 10.0
    while kept() is not None and time.monotonic() < end:
        time.sleep(0.01)
    assert kept() is None


def test_a_worker_that_cannot_start_leaves_no_step_half_begun(monkeypatch):
    native = product(3)
    native()
    wider = product(len(workers._free) + 2)

    def start(worker):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(workers._Worker, "start", start)
        with pytest.raises(RuntimeError, match="new thread"):
            wider()
        assert native()["y"][0, 0] == 200.0
    assert wider()["y"][0, 0] == 200.0


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="a signal on time")
def test_an_interrupt_leaves_no_thread_behind():
    native = product(3)
    expected = native()["y"]
    stopped = 0

    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for k in range(100):
            try:
                signal.setitimer(signal.ITIMER_REAL, 1e-4 + k * 7e-6)
                while True:
                    native._together(native._step)
            except KeyboardInterrupt:
                stopped += 1
    finally:
        signal.signal(signal.SIGALRM, before)
    assert stopped == 100
    assert native._counters[0] % 3 == 0, "of every step all parts were run"
    np.testing.assert_array_equal(native()["y"], expected)


def test_a_process_ends_well_right_after_a_step():
    code = (
        "import numpy as np, pullback as pb\n"
        "x = pb.Unit(np.ones((64, 64)), 'x')\n"
        "run = pb.compile(lambda x: x @ x, threads=6)\n"
        "print(run(np.ones((64, 64)))[0, 0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "64.0\n", "")
