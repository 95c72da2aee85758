"""Threads of the native engine: any number gives the same bits, and several callers their own."""

import os
import signal
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.circuits import circuits
from tests.engines.test_convolution import network as convolutional
from tests.engines.test_epoch import arrays, data, never
from tests.engines.test_loop import recurrent
from tests.engines.test_native import OUTPUTS, descent, embedding, network
from tests.moving import joined, moving_programs
from tests.program.test_simplify import assert_same, program_of

import pullback as pb
from pullback.engines.eager import Eager
from pullback.engines.eager_native import EagerNative
from pullback.engines.native import build
from pullback.engines.native.engine import Native
from pullback.layers import Training

THREADS = (1, 2, 3, 5, 8)


@pytest.fixture
def all_shared(monkeypatch):
    """Threads share even the smallest loops."""
    monkeypatch.setattr(build, "ALONE", 0)


def assert_same_bits(program, run, told=THREADS):
    """Whatever the number of threads, from the same state the same values, and the same state."""
    start = [state.value for state in program.updates]
    expected = None
    for threads in told:
        for state, value in zip(program.updates, start, strict=True):
            state.value = value
        native = Native(program, threads)
        assert native.threads == threads
        found = [run(native) for _ in range(3)]
        made = [x for values in found for x in values.values()]
        made += [state.value for state in program.updates]
        expected = expected or made
        for a, b in zip(expected, made, strict=True):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


MADE = {
    "perceptron": network,
    "momentum": lambda: descent(0.9),
    "convolutions": lambda: convolutional(5, 9),
    "recurrent": lambda: recurrent(12, 5, 7),
    "embedding": embedding,
    "everything, and sizes 0 and 1": lambda: pb.Program({}, OUTPUTS, {}),
}


@pytest.mark.parametrize("name", MADE)
def test_any_number_gives_the_same_bits(name, all_shared):
    assert_same_bits(MADE[name](), lambda native: native())
    assert_same(Eager(MADE[name]())(), Native(MADE[name](), 3)())


def test_large_loops_are_shared_as_they_are():
    for program in (network(), convolutional(9, 20, "f4"), recurrent(48, 5, 40, "f4")):
        assert_same_bits(program, lambda native: native(), (1, 2, 3))


AXES = (None, 0, 1, 2, (0, 1), (0, 2), (1, 2), -1)


@pytest.mark.parametrize("shape", [(7, 5, 33), (1, 40, 1), (3, 0, 2), (2, 1, 17)])
def test_reductions_over_every_axis_give_the_same_bits(shape, all_shared):
    rng = np.random.default_rng(0)
    outputs = {}
    for dtype in ("f4", "f8"):
        x = pb.Unit(rng.normal(size=shape).astype(dtype), f"x of {dtype}")
        for axis in AXES:
            sums = pb.sum(x, axis=axis), pb.sum(x * x, axis=axis, keepdims=True)
            extremes = (pb.max(x, axis=axis), pb.min(x, axis=axis)) if 0 not in shape else ()
            for k, y in enumerate((*sums, *extremes)):
                outputs[f"{dtype} {axis} {k}"] = y
        if 0 not in shape:
            outputs |= {f"{dtype} argmax {axis}": pb.argmax(x, axis=axis) for axis in range(3)}
    assert_same_bits(pb.Program({}, outputs, {}), lambda native: native())


@settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(
    st.lists(circuits(), min_size=4, max_size=4),
    st.lists(moving_programs(dtype=np.float32), min_size=4, max_size=4),
)
def test_random_circuits_give_the_same_bits(elementwise, moving):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "ALONE", 0)
        program = joined([*map(program_of, elementwise), *moving])
        assert_same_bits(program, lambda native: native())


def words():
    """A net of words that draws numbers and keeps statistics, with its step and state."""
    rng = np.random.default_rng(0)
    rows = pb.Unit(rng.integers(50, size=(64, 8)), "rows")
    labels = pb.Unit(rng.integers(3, size=64), "labels")
    training = Training(pb.Unit(np.array(5), "seed"), pb.Unit(np.array(0), "step"))
    model = pb.Sequential(
        pb.Embedding(50, 16),
        pb.Dropout(0.3),
        pb.Dense(16),
        pb.BatchNorm(),
        pb.ReLU(),
        pb.Flatten(),
        pb.Dense(3),
    )
    loss = pb.SoftmaxCrossEntropy()(model(rows, training=training), labels)
    parameters = list(model.parameters.values())
    pairs = zip(parameters, pb.gradient(loss, parameters), strict=True)
    updates = {p: p - 0.1 * g for p, g in pairs} | training.updates
    updates[training.step] = training.step + np.array(1)
    return pb.Program({"rows": rows, "labels": labels}, {"loss": loss}, updates)


def test_an_epoch_draws_looks_up_and_normalizes_to_the_same_bits(all_shared):
    rng = np.random.default_rng(1)
    told = {"rows": rng.integers(50, size=(256, 8)), "labels": rng.integers(3, size=256)}
    order = rng.permutation(256)
    ours, theirs = words(), words()
    assert_same_bits(ours, lambda native: native.epoch(told, order, never).numbers)
    eager = Eager(theirs)
    for _ in range(3):
        eager.epoch(told, order, never)
    for a, b in zip(ours.updates, theirs.updates, strict=True):
        np.testing.assert_allclose(a.value, b.value, rtol=1e-4, atol=1e-5)


def test_more_threads_than_rows_record_the_same_epochs(all_shared):
    assert_same_bits(arrays(), lambda native: native.epoch(data, np.arange(11), never).numbers)


# Who may ask for threads -------------------------------------------------------------------------


def trainer(**told):
    return pb.Trainer(pb.Sequential(pb.Dense(2)), pb.SquaredError(), pb.SGD(0.1), **told)


x = pb.Unit(1.0, "x")
FACES = {
    "prepare": lambda engine, threads: pb.prepare(engine, pb.Program({}, {}, {}), threads=threads),
    "compile": lambda engine, threads: pb.compile(lambda x: x, engine, threads=threads),
    "Circuit.compile": lambda engine, threads: pb.Circuit(x).compile(engine, threads=threads),
    "Trainer": lambda engine, threads: trainer(engine=engine, threads=threads),
}


@pytest.mark.parametrize("face", FACES)
def test_what_is_no_number_of_threads_is_refused(face):
    for told in (0, -1, 1.0, "2", True):
        with pytest.raises(pb.CircuitError, match=f"threads are a whole number .*, got {told!r}"):
            FACES[face]("native", told)
    for engine in ("eager", "jax"):
        with pytest.raises(pb.CircuitError, match=f"'{engine}' takes no number of threads; native"):
            FACES[face](engine, 2)
        assert face != "Trainer" or FACES[face](engine, None).threads is None


def test_every_face_hands_its_threads_on(monkeypatch):
    found = []
    plain = Native.__init__

    def noted(native, program, threads=None):
        found.append(threads)
        plain(native, program, threads)

    monkeypatch.setattr(Native, "__init__", noted)
    assert pb.compile(lambda x: x * 2.0, threads=3)(1.0) == 2.0
    assert pb.Circuit(x * 2.0).compile(threads=np.int64(4))() == 2.0
    later = EagerNative(pb.Program({}, {"y": x * 2.0}, {}), 5)
    later()
    assert later._native is not None
    later._native.result(60)
    run = trainer(threads=6)
    run.fit(np.ones((3, 4)), np.ones((3, 2)), epochs=1, batch_size=2)  # a batch, and what is left
    run.predict(np.ones((1, 4)))
    assert found == [3, 4, 5, 6, 6, 6]


# Callers -----------------------------------------------------------------------------------------


def test_callers_in_several_threads_get_their_own_answers():
    run = pb.compile(lambda x: x * 2.0 + 1.0)
    run(np.zeros(1000))

    def ask(k):
        return all((run(np.full(1000, float(k))) == 2.0 * k + 1.0).all() for _ in range(50))

    with ThreadPoolExecutor(4) as callers:
        assert all(callers.map(ask, range(4)))


def test_a_forked_process_has_workers_of_its_own():
    x = pb.Unit(np.ones((300, 300)), "x")
    native = Native(pb.Program({"x": x}, {"y": x @ x}, {}), threads=2)
    native()
    answers, child = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there are threads, which JAX says as well
        pid = os.fork()
    if pid == 0:
        signal.alarm(20)  # rather than to hang
        os.write(child, b"%d" % native()["y"][0, 0])
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(child)
    assert os.read(answers, 10) == b"300"
