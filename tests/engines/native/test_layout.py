"""What the store keeps of a step runs it again, without the passes and with the same result."""

import copy
import functools
import json
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from tests.circuits import circuits
from tests.engines.native.test_store import answer, files, process
from tests.engines.native.trained import results, training
from tests.moving import assert_agree, moving_programs
from tests.program.test_simplify import program_of

import pullback as pb
from pullback.core.errors import CircuitError
from pullback.engines.native import cache, compile, store
from pullback.engines.native.engine import Native
from pullback.engines.prepare import prepare


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


def test_an_epoch_over_data_of_another_kind_needs_no_pass(monkeypatch):
    expected = Native(training()).epoch({"x": np.full((8, 3), 2.0)}, np.arange(8), lambda: False)
    seen = passes(monkeypatch)
    rows = {"x": np.full((8, 3), 2, np.uint8)}
    found = Native(training()).epoch(rows, np.arange(8), lambda: False)
    assert found.numbers["loss"].tolist() == expected.numbers["loss"].tolist()
    assert seen == []


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(moving_programs(gates=6))
def test_random_programs_that_move_elements(program):
    assert_agree(program, [Native(program), Native(program)])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
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
    assert names.count("layout") == 1
    assert held.programs == names.count("step")
    assert held.loops == len(names) - held.programs - 1
    cache.clear()
    assert files(fresh) == []


ANOTHER = """
import json
from pullback.engines.native import compile
from pullback.engines.native.engine import Native
from tests.engines.native.trained import results, training
seen, plain = [], compile.compile
compile.compile = lambda *given: (seen.append(given), plain(*given))[1]
print(json.dumps([len(seen), results(Native(training())), len(seen)]))
"""


def test_another_process_makes_again_what_is_lost_or_damaged(fresh):
    """An epoch, and the kernel that gathers its rows, are made again without a pass."""

    def kept():
        return {path.name: path.read_bytes() for path in files(fresh)}

    assert not os.listdir(fresh)
    _, expected, _ = json.loads(answer(process(ANOTHER, fresh)))
    whole = kept()
    assert json.loads(answer(process(ANOTHER, fresh))) == [0, expected, 0]
    for which, again in {"layout": 1, "step": 1, "barrier": 1, "epoch": 0, "kernel": 0}.items():
        for damage in (lambda path: path.unlink(), lambda path: path.write_bytes(b"{}\nno code")):
            damaged = [x for x in files(fresh) if x.name.startswith(f"pullback_{which}")]
            assert damaged
            for path in damaged:
                damage(path)
            assert json.loads(answer(process(ANOTHER, fresh))) == [0, expected, again]
            assert kept() == whole


def test_what_another_version_kept_is_not_found(monkeypatch):
    first = results(Native(training()))
    seen = passes(monkeypatch)
    monkeypatch.setattr(store, "_version", lambda: "another")
    monkeypatch.setattr(store, "_loaded", dict(store._loaded))
    assert results(Native(training())) == first
    assert len(seen) == 1


# What went wrong once ----------------------------------------------------------------------------


def both(made, epoch=True):
    """What native and eager make of a Program that was kept, and of one that is made again."""
    found = []
    for engine in ("eager", "native", "native"):
        program = made()
        step = prepare(engine, program)
        told = [step()]
        if epoch:
            rows = {name: np.arange(4.0 * x.size) for name, x in program.inputs.items()}
            told.append(step.epoch(rows, np.arange(4), lambda: False).numbers)
        told.append({str(k): unit.value for k, unit in enumerate(program.updates)})
        found.append([{name: np.asarray(x).tolist() for name, x in part.items()} for part in told])
    for parts in found[1:]:
        for part, expected in zip(parts, found[0], strict=True):
            assert part.keys() == expected.keys()
            for name, x in part.items():
                np.testing.assert_allclose(x, expected[name], rtol=1e-12)


@pytest.mark.parametrize("one", [np.float64(2.5), np.array(2.5), 2.5, np.array([2.5])])
@pytest.mark.parametrize("other", [np.float64(2.5), np.array(2.5), 2.5])
def test_constants_of_one_value_and_other_classes(one, other):
    def made():
        x, n = pb.Unit(1.0 + np.arange(4.0), "x"), pb.Unit(np.zeros(4), "n")
        y = x * one + (x + other)
        return pb.Program({"x": x}, {"y": pb.sum(y)}, {n: n + y})

    both(made)


@pytest.mark.parametrize("one", [True, np.True_])
def test_truths_of_python_and_of_numpy(one):
    def made():
        x = pb.Unit(np.arange(4.0), "x")
        pair = [pb.where(pb.constant(flag), x, 2.0) for flag in (one, np.True_, False)]
        return pb.Program({"x": x}, dict(zip("abc", pair, strict=True)), {})

    both(made, epoch=False)


@pytest.mark.parametrize("tie", [False, True])
def test_wires_of_one_age(tie):
    def made():
        b = pb.Unit(np.arange(1.0, 5.0), "b")
        a = copy.deepcopy(b) if tie else pb.Unit(np.zeros(4), "a")
        a.value = np.full(4, 7.0)
        y = -a + b
        return pb.Program({"a": a}, {"y": pb.sum(y)}, {b: y})

    both(made)


@pytest.mark.parametrize("step", [lambda h, x: h + 1.0, lambda h, x: x * 2.0, lambda h, x: h])
def test_a_loop_whose_step_reads_not_all_that_it_is_given(step):
    def made():
        xs = pb.Unit(np.ones((1, 3)), "xs")
        return pb.Program({"xs": xs}, {"y": pb.loop(step, (0.0,), xs[0])[0]}, {})

    both(made, epoch=False)


def test_what_a_loop_is_given_counts_though_nothing_reads_it(fresh):
    def made(dtype):
        xs = pb.Unit(np.ones(3, dtype), "xs")
        return pb.Program({"xs": xs}, {"y": pb.loop(lambda h, x: h + 1.0, (0.0,), xs)[0]}, {})

    for dtype in (np.float64, np.int64, np.float64):
        Native(made(dtype))(xs=np.ones(3, dtype))


def borrowed(value, name):
    return pb.gate(partials=(lambda y, x: x,), name=name)(value)


def wrapped(m, x):
    return 2.0 * m.sin(x)


functools.update_wrapper(wrapped, pb.GATES["sin"].value)
bare = eval("lambda m, x: x + 5.0", {})  # of no module


@pytest.mark.parametrize(
    ("gate", "ours"),
    [(borrowed(pb.GATES["cos"].value, "exp"), pb.exp), (borrowed(wrapped, "sin"), pb.sin),
     (borrowed(bare, "bare"), pb.sin)],
)  # fmt: skip
def test_a_gate_that_looks_like_the_librarys(gate, ours):
    def made(function):
        x = pb.Unit(np.ones(2), "x")
        return pb.Program({"x": x}, {"y": function(x)}, {})

    for function in (ours, gate):
        both(functools.partial(made, function), epoch=False)


def test_an_epoch_after_an_index_was_refused():
    def native():
        x, k = pb.Unit(np.arange(3.0), "x"), pb.Unit(np.array([1]), "k")
        return Native(pb.Program({"k": k}, {"y": pb.sum(pb.take(x, k))}, {}))

    native()
    step = native()
    with pytest.raises(CircuitError, match="out of bounds"):
        step(k=np.array([5]))
    ran = step.epoch({"k": np.arange(3)}, np.arange(3), lambda: False)
    assert ran.numbers["y"].tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    "around", [lambda x, k: pb.take(x * 1.0, k), lambda x, k: pb.take(-pb.negative(x), k)]
)
def test_a_refusal_names_a_wire_of_its_own_program_and_the_line_that_made_it(around):
    def native(name):
        x, k = pb.Unit(np.arange(3.0), name), pb.Unit(np.array([1]), "k")
        return Native(pb.Program({"k": k}, {"y": around(x, k)}, {}))

    native("first")
    for name in ("second", "second"):
        with pytest.raises(CircuitError, match=rf"test_layout\.py:\d+\).*axis 0 of '{name}'"):
            native(name)(k=np.array([5]))


def test_a_step_and_an_epoch_of_no_inputs_are_two_things():
    def made():
        w = pb.Unit(1.0, "w")
        return pb.Program({}, {"y": w * 2.0}, {w: w + 1.0})

    first = Native(made())
    cache.clear()
    with pytest.raises(CircuitError):
        first.epoch({}, np.arange(2), lambda: False)
    assert Native(made())() == {"y": 2.0}
