"""What the store keeps of a step runs it again, without the passes and with the same result."""

import json
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from tests.circuits import circuits
from tests.engines.native.test_store import answer, files, process
from tests.moving import assert_agree, moving_programs
from tests.program.test_simplify import program_of

import pullback as pb
from pullback.core.errors import CircuitError
from pullback.engines.native import cache, compile, store
from pullback.engines.native.engine import Native


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    """A folder of its own; and no bytes around buffers, for which nothing is kept."""
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path))
    monkeypatch.setenv("PULLBACK_GUARD", "0")
    return tmp_path


def passes(monkeypatch):
    """The Programs that go through the passes from now on."""
    plain, seen = compile.compile, []

    def counted(program, *more):
        seen.append(program)
        return plain(program, *more)

    monkeypatch.setattr(compile, "compile", counted)
    return seen


def training():
    rng = np.random.default_rng(0)
    x, w = pb.Unit(rng.normal(size=(4, 3)), "x"), pb.Unit(rng.normal(size=(3, 2)), "w")
    unread, count = pb.Unit(0.0, "unread"), pb.Unit(1.0, "count")
    loss = pb.mean(pb.tanh(x @ w + rng.normal(size=2)) ** 2) / count
    updates = {w: w - 0.1 * pb.gradient(loss, w), unread: loss, count: count + 1.0}
    return pb.Program({"x": x}, {"loss": loss, "half": loss * 0.5, "x again": x}, updates)


def results(native):
    """Of two steps and an epoch."""
    rows = {"x": np.arange(24.0).reshape(8, 3)}
    told = [native(x=np.ones((4, 3))), native()]
    told += [native.epoch(rows, np.arange(8)[::-1], lambda: False).numbers]
    told += [unit.value for unit in native.program.updates]
    flat = (x for part in told for x in (part.values() if isinstance(part, dict) else [part]))
    return [np.asarray(x).tolist() for x in flat]


def test_an_equal_program_runs_without_the_passes(monkeypatch):
    seen = passes(monkeypatch)
    first = results(Native(training()))
    assert len(seen) == 1
    assert results(Native(training())) == first
    assert len(seen) == 1


def test_what_an_engine_is_asked_for_is_found_when_it_is_asked(monkeypatch):
    first = Native(training())
    seen = passes(monkeypatch)
    assert len(Native(training()).compiled.parts) == len(first.compiled.parts)
    assert len(seen) == 1


def test_an_epoch_over_data_of_another_kind_is_made(monkeypatch):
    results(Native(training()))
    seen = passes(monkeypatch)
    native = Native(training())
    rows = {"x": np.ones((8, 3), np.uint8)}
    assert native.epoch(rows, np.arange(8), lambda: False).steps == 2
    assert len(seen) == 1


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(moving_programs(gates=6))
def test_random_programs_that_move_elements(program):
    assert_agree(program, [Native(program), Native(program)])


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(circuits(gates=6).map(program_of))
def test_random_programs_of_elements(program):
    assert_agree(program, [Native(program), Native(program)])


@pb.gate(partials=(lambda y, x: 3 * x * x,))
def cube(m, x):
    return x * x * x


def test_a_gate_that_is_declared_anew_is_compiled_anew():
    def made(gate):
        x = pb.Unit(np.arange(3.0), "x")
        return Native(pb.Program({"x": x}, {"y": gate(x)}, {}))()["y"].tolist()

    @pb.gate(partials=(lambda y, x: 3 * x * x,), name="cube")
    def other(m, x):
        return x * x * x + 1.0

    assert made(cube) == [0.0, 1.0, 8.0]
    assert made(other) == [1.0, 2.0, 9.0]


def test_an_index_out_of_bounds_is_named_by_this_program_and_not_by_the_first():
    def native(name):
        x, k = pb.Unit(np.arange(3.0), name), pb.Unit(np.array([1]), "k")
        return Native(pb.Program({"k": k}, {"y": pb.take(x, k)}, {}))

    native("first")()
    with pytest.raises(CircuitError, match="out of bounds for axis 0 of 'second'"):
        native("second")(k=np.array([5]))


def test_a_layout_is_no_program_and_no_loop(fresh):
    results(Native(training()))
    names = [path.name.split("_")[1] for path in files(fresh)]
    held = cache.contents()
    assert names.count("layout") == 2  # of the step, and of its epoch
    assert held.programs == names.count("step")
    assert held.loops == len(names) - held.programs - 2
    cache.clear()
    assert files(fresh) == []


ANOTHER = """
import json
from pullback.engines.native import compile
from tests.engines.native.test_layout import Native, results, training
seen, plain = [], compile.compile
compile.compile = lambda *given: (seen.append(given), plain(*given))[1]
print(json.dumps([len(seen), results(Native(training())), len(seen)]))
"""


@pytest.mark.parametrize("which", ["layout", "step", "kernel", "barrier"])
def test_another_process_makes_again_what_is_lost_or_damaged(fresh, which):
    assert not os.listdir(fresh)
    _, expected, _ = json.loads(answer(process(ANOTHER, fresh)))
    assert json.loads(answer(process(ANOTHER, fresh))) == [0, expected, 0]
    for damage in (lambda path: path.unlink(), lambda path: path.write_bytes(b"{}\nno code")):
        for path in files(fresh):
            if path.name.startswith(f"pullback_{which}"):
                damage(path)
        assert json.loads(answer(process(ANOTHER, fresh))) == [0, expected, 1]
        assert json.loads(answer(process(ANOTHER, fresh))) == [0, expected, 0]


def test_what_another_version_kept_is_not_found(monkeypatch):
    first = results(Native(training()))
    seen = passes(monkeypatch)
    monkeypatch.setattr(store, "_version", lambda: "another")
    monkeypatch.setattr(store, "_loaded", dict(store._loaded))
    assert results(Native(training())) == first
    assert len(seen) == 1
