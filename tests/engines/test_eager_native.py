"""Eager first, native when it is compiled: the same training, and no batch twice or never."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from tests.engines.native.test_memory import descent

import pullback as pb
from pullback.engines.eager import Eager
from pullback.engines.eager_native import EagerNative
from pullback.engines.native.engine import Native
from pullback.engines.notice import notice
from pullback.engines.prepare import prepare

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(203, 3))
ORDER = RNG.permutation(203)


def descending():
    """Momentum on a batch of 5 rows, which also adds up what it has seen."""
    x = pb.Unit(np.zeros((5, 3)), "x")
    w, v = pb.Unit(np.ones(3), "w"), pb.Unit(np.zeros(3), "v")
    seen, steps = pb.Unit(np.zeros(3), "seen"), pb.Unit(0.0, "steps")
    loss = ((pb.tanh(x @ w) - 0.3) ** 2.0).mean()
    moved = 0.9 * v + pb.gradient(loss, w)
    updates = {w: w - 0.1 * moved, v: moved, seen: seen + pb.sum(x, axis=0), steps: steps + 1.0}
    return pb.Program({"x": x}, {"loss": loss, "steps": steps}, updates)


def states(program):
    return [state.value for state in program.updates]


class Gate:
    """Compilation that ends when the test says so."""

    def __init__(self, monkeypatch):
        self.opened, plain = threading.Event(), Native.compile

        def compile(native, data=None):
            plain(native, data)
            assert self.opened.wait(60)

        monkeypatch.setattr(Native, "compile", compile)

    def open(self, step):
        self.opened.set()
        assert step._native is not None
        step._native.exception(60)


@pytest.fixture
def gate(monkeypatch):
    return Gate(monkeypatch)


@pytest.mark.parametrize("at", [1, 17, 39, 40])
def test_it_goes_over_in_the_middle_of_an_epoch_and_trains_the_same(gate, at):
    ours, theirs = descending(), descending()
    step, eager = EagerNative(ours), Eager(theirs)
    asked = []

    def stop():
        asked.append(step.is_native)
        if len(asked) == at + 1:
            gate.open(step)
        return False

    found = step.epoch({"x": ROWS}, ORDER, stop)
    expected = eager.epoch({"x": ROWS}, ORDER, lambda: False)
    assert found.steps == expected.steps == 40
    assert step.is_native == (at < 40)
    assert not any(asked[: at + 1])
    np.testing.assert_array_equal(found.numbers["steps"], np.arange(40.0))
    np.testing.assert_allclose(found.numbers["loss"], expected.numbers["loss"], rtol=1e-9)
    for a, b in zip(states(ours), states(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    gate.open(step)
    again, twice = (e.epoch({"x": ROWS}, ORDER, lambda: False) for e in (step, eager))
    assert step.is_native
    np.testing.assert_allclose(again.numbers["loss"], twice.numbers["loss"], rtol=1e-9)


def test_single_steps_go_over_too(gate):
    ours, theirs = descent(0.9), descent(0.9)
    step, eager = prepare("eager-native", ours), Eager(theirs)
    assert isinstance(step, EagerNative)
    for k in range(6):
        batch = np.linspace(-k, 1.0, 15).reshape(5, 3)
        found, expected = step(x=batch), eager(x=batch)
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-9)
        assert step.is_native == (k >= 2)
        if k == 2 - 1:
            gate.open(step)
            assert step.is_native
    for a, b in zip(states(ours), states(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


def test_a_stop_ends_it_before_it_goes_over(gate):
    step = EagerNative(descending())
    done = step.epoch({"x": ROWS}, ORDER, lambda: step._native is not None)
    assert (done.steps, step.is_native) == (0, False)
    done = step.epoch({"x": ROWS}, ORDER[:4], lambda: False)
    assert (done.steps, list(done.numbers["loss"])) == (0, [])
    gate.open(step)
    done = step.epoch({"x": ROWS}, ORDER, lambda: True)
    assert (done.steps, step.is_native) == (0, True)
    assert step.epoch({"x": ROWS}, ORDER, lambda: False).steps == 40


def test_what_compilation_fails_with_is_raised_at_the_next_step():
    x = pb.Unit(np.ones(3, np.float16), "x")
    step = EagerNative(pb.Program({"x": x}, {"y": x * x}, {}))
    assert step(x=np.full(3, 2.0, np.float16))["y"][0] == 4.0
    assert step._native is not None
    step._native.exception(60)
    for _ in range(2):
        with pytest.raises(pb.CircuitError, match="float16, which the native engine does not run"):
            step(x=np.ones(3, np.float16))


def test_bad_data_are_refused_before_anything_is_compiled():
    step = EagerNative(descending())
    with pytest.raises(pb.CircuitError, match="the data of 'x' must have the shape"):
        step.epoch({"x": ROWS[:, :2]}, ORDER, lambda: False)
    assert step._native is None


def test_it_is_silent(monkeypatch):
    told = []
    monkeypatch.setattr(notice, "_patience", 0.0)
    with notice.shown_by(told.append):
        step = EagerNative(descending())
        step.epoch({"x": ROWS}, ORDER, lambda: False)
        assert step._native is not None
        step._native.result(60)
    assert told == []


def test_a_trainer_goes_on_natively_with_what_it_has_learned(gate):
    trainers = []
    for engine in ("eager", "eager-native"):
        model = pb.Sequential(pb.Dense(2, dtype="float64"), rng=1)
        trainer = pb.Trainer(
            model, pb.SoftmaxCrossEntropy(), pb.SGD(0.1, momentum=0.9), engine=engine
        )
        for _ in range(2):
            trainer.fit(ROWS, ROWS[:, 0] > 0, epochs=3, batch_size=29, progress=False)
            for step in trainer._runs.ready.values():
                if isinstance(step, EagerNative):
                    gate.open(step)
                    assert step.is_native
        trainers.append(trainer)
    eager, both = ([p.value for p in t.model.parameters.values()] for t in trainers)
    for a, b in zip(eager, both, strict=True):
        assert a.dtype == np.float64
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-12)


INTERRUPTED = """
import threading, time, numpy as np, pullback as pb
from pullback.engines.eager_native import EagerNative
x = pb.Unit(np.ones(9), "x")
step = EagerNative(pb.Program({"x": x}, {"y": pb.sum(pb.exp(x * 1.75))}, {}))
step()
print("compiling", flush=True)
time.sleep(60)
"""


def test_ctrl_c_does_not_wait_for_the_compiler(tmp_path):
    """The thread is one that Python leaves behind, also when it would compile for ever."""
    code = INTERRUPTED.replace(
        "step()",
        "import pullback.engines.native.engine as n\nn.compile = lambda *_: time.sleep(60)\nstep()",
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "compiling\n"
        process.send_signal(2)
        start = time.perf_counter()
        _, errors = process.communicate(timeout=30)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert time.perf_counter() - start < 5.0
