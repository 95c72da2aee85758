"""An epoch is its steps, one after another, on every engine; numbers may stay in registers."""

from itertools import count

import numpy as np
import pytest

import pullback as pb
from pullback.engines.eager import Eager
from pullback.engines.native import build, registers
from pullback.engines.native.engine import Native

ROWS = 11


def network(outputs=True):
    """A 2-3-1 network on scalar wires, a point at a time, with the force of a hinge."""
    rng = np.random.default_rng(0)
    point, label = pb.Unit(np.zeros((1, 2)), "point"), pb.Unit(np.zeros(1), "label")
    weights = [[pb.Unit(float(rng.normal())) for _ in range(4)] for _ in range(3)]
    bias = pb.Unit(0.1, "bias")
    score = bias
    for a, b, c, v in weights:
        score = score + v * pb.relu(a * point[0, 0] + b * point[0, 1] + c)
    force = pb.where(label[0] * score < 1.0, label[0], 0.0)
    parameters = [bias, *(w for neuron in weights for w in neuron)]
    pulls = pb.gradient(score, parameters, force)
    updates = {p: p + 0.01 * (g - 0.1 * p) for p, g in zip(parameters, pulls, strict=True)}
    numbers = {"score": score, "wrong": pb.astype(label[0] * score < 0.0, "float64")}
    return pb.Program({"point": point, "label": label}, numbers if outputs else {}, updates)


def arrays(outputs=True):
    """A linear model in batches of 3, which also gives an array that no epoch records."""
    point, label = pb.Unit(np.zeros((3, 2)), "point"), pb.Unit(np.zeros(3), "label")
    w, steps = pb.Unit(np.array([0.5, -0.5]), "w"), pb.Unit(np.array(0), "steps")
    error = point @ w - label
    loss = pb.mean(error**2.0)
    numbers = {"loss": loss, "error": error, "steps": steps} if outputs else {}
    updates = {w: w - 0.1 * pb.gradient(loss, w), steps: steps + np.array(1)}
    return pb.Program({"point": point, "label": label}, numbers, updates)


def pairs(outputs=True):
    """Two rows a step; values of several dtypes that are swapped, copied and taken as they come."""
    point, label = pb.Unit(np.zeros((2, 2)), "point"), pb.Unit(np.zeros(2), "label")
    a, b, last = pb.Unit(1.0, "a"), pb.Unit(2.0, "b"), pb.Unit(0.0, "last")
    table = pb.Unit(np.array([3.0, 4.0]), "table")
    same, single = pb.Unit(np.zeros((1, 1)), "same"), pb.Unit(np.float32(0.5), "single")
    whole, fixed = pb.Unit(np.array(7), "whole"), pb.Unit(0.0, "fixed")
    both = 0.5 * (a + point[1, 0]) + table[1] * label[0]
    updates = {a: b, b: both, last: point[1, 1], fixed: table[0], whole: whole + np.array(2)}
    updates |= {
        same: pb.reshape(both, (1, 1)),
        single: single * np.float32(0.9) + pb.astype(a, "f4"),
    }
    numbers = {"both": both, "as told": label[1], "a": a, "third": table[0], "whole": whole * whole}
    return pb.Program({"point": point, "label": label}, numbers if outputs else {}, updates)


PROGRAMS = {"registers": network, "two rows in registers": pairs, "arrays": arrays}
data = {
    "point": np.random.default_rng(1).normal(size=(ROWS, 2)),
    "label": np.random.default_rng(2).choice([-1.0, 1.0], ROWS),
}


def never():
    return False


def jax(program):
    pytest.importorskip("jax")
    from pullback.engines.jax import Jax

    return Jax(program)


ENGINES = {
    "eager": Eager,
    "one thread": lambda program: Native(program, threads=1),
    "two threads": lambda program: Native(program, threads=2),
    "jax": jax,
}


def state(program):
    return [np.asarray(unit.value) for unit in program.updates]


def by_hand(program, order, size):
    """The steps of an epoch as calls of the eager engine: its numbers by name."""
    engine = Eager(program)
    found = []
    for start in range(0, len(order) - size + 1, size):
        rows = order[start : start + size]
        found.append(engine(**{name: told[rows] for name, told in data.items()}))
    return [{name: v for name, v in step.items() if np.shape(v) == ()} for step in found]


@pytest.mark.parametrize("make", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_an_epoch_is_its_steps(make, engine):
    expected, program = make(), make()
    size = len(program.inputs["label"].value)
    order = np.random.default_rng(3).integers(ROWS, size=31)
    ready = engine(program)
    for _ in range(2):  # the second goes on from where the first has ended
        each = by_hand(expected, order, size)
        done = ready.epoch(data, order, never)
        assert done.steps == len(order) // size == len(each)
        assert list(done.numbers) == list(each[0])
        for name, column in done.numbers.items():
            assert (column.dtype, column.shape) == (np.float64, (done.steps,))
            np.testing.assert_allclose(column, [step[name] for step in each], 1e-12, 1e-14)
        for a, b in zip(state(expected), state(program), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(b, a, 1e-6 if a.dtype == np.float32 else 1e-12, 1e-14)


@pytest.mark.parametrize("make", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("threads", [1, 2])
def test_without_numbers_the_steps_are_counted(make, threads):
    expected, program = make(), make(outputs=False)
    size = len(program.inputs["label"].value)
    order = np.arange(ROWS)[::-1]
    by_hand(expected, order, size)
    done = Native(program, threads).epoch(data, order, never)
    assert (done.steps, done.numbers) == (ROWS // size, {})
    for a, b in zip(state(expected), state(program), strict=True):
        np.testing.assert_allclose(b, a, 1e-6, 1e-14)


def in_registers(program):
    """Whether an epoch of a Program keeps its numbers in registers."""
    compiled = Native(program).compiled
    return registers.fits_registers(compiled.plain, compiled.access)


def test_steps_that_call_for_registers_get_them():
    assert in_registers(network())
    assert in_registers(pairs())
    assert not in_registers(arrays())


def test_truth_values_may_stay_in_registers():
    def make():
        x, chosen = pb.Unit(np.zeros(1), "x"), pb.Unit(np.zeros((1, 1), bool), "chosen")
        w, before = pb.Unit(1.0, "w"), pb.Unit(np.array(True), "before")
        new = pb.where(chosen[0, 0], x[0], w)
        numbers = {"new": new, "before": pb.astype(before, "float64")}
        return pb.Program({"x": x, "chosen": chosen}, numbers, {w: new, before: chosen[0, 0]})

    told = {"x": np.arange(5.0), "chosen": np.array([[0], [1], [0], [1], [0]], bool)}
    eager, native = make(), make()
    expected = Eager(eager).epoch(told, np.arange(5), never).numbers
    found = Native(native).epoch(told, np.arange(5), never).numbers
    assert found["new"].tolist() == expected["new"].tolist() == [1.0, 1.0, 1.0, 3.0, 3.0]
    assert found["before"].tolist() == expected["before"].tolist() == [1.0, 0.0, 1.0, 0.0, 1.0]
    for a, b in zip(state(eager), state(native), strict=True):
        np.testing.assert_array_equal(a, b, strict=True)
    assert in_registers(make())


def test_a_thousand_steps_in_registers_are_as_exact_as_in_memory(monkeypatch):
    expected, program, plain = network(), network(), network()
    order = np.random.default_rng(4).integers(ROWS, size=1_000)
    each = by_hand(expected, order, 1)
    done = Native(program).epoch(data, order, never)
    monkeypatch.setattr(registers, "GATES", 0)
    in_memory = Native(plain).epoch(data, order, never)
    scores = np.array([step["score"] for step in each])
    np.testing.assert_allclose(done.numbers["score"], scores, 1e-12, 1e-12)
    assert 0 < done.numbers["wrong"].sum() < 1_000
    np.testing.assert_array_equal(done.numbers["score"], in_memory.numbers["score"])
    for a, b, c in zip(*map(state, (expected, program, plain)), strict=True):
        np.testing.assert_allclose(b, a, 1e-12, 1e-12)
        np.testing.assert_array_equal(b, c)


def test_loops_inside_a_step_give_the_same_bits_as_calls_of_them(monkeypatch):
    inlined, called = arrays(), arrays()
    order = np.random.default_rng(6).integers(ROWS, size=60)
    inside = Native(inlined)
    monkeypatch.setattr(build, "KERNELS", 0)
    apart = Native(called)
    assert inside.compiled.step.inline
    assert not apart.compiled.step.inline
    losses = [run.epoch(data, order, never).numbers["loss"] for run in (inside, apart)]
    np.testing.assert_array_equal(*losses)
    for a, b in zip(state(inlined), state(called), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_stays_seen_in_registers(bad):
    program = network()
    program.inputs["label"].value = np.ones(1)
    told = {"point": np.full((1, 2), bad), "label": np.ones(1)}
    done = Native(program).epoch(told, np.zeros(3, int), never)
    assert not np.isfinite(done.numbers["score"]).any()


@pytest.mark.parametrize("make", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_an_epoch_can_be_stopped(make, engine):
    expected, program = make(), make()
    size = len(program.inputs["label"].value)
    order = np.random.default_rng(5).integers(ROWS, size=3_000)
    asked = count()
    done = engine(program).epoch(data, order, lambda: next(asked) == 1)
    assert 0 < done.steps < len(order) // size
    by_hand(expected, order[: done.steps * size], size)
    assert {len(column) for column in done.numbers.values()} == {done.steps}
    for a, b in zip(state(expected), state(program), strict=True):
        np.testing.assert_allclose(b, a, 1e-6, 1e-14)


@pytest.mark.parametrize("make", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize("told", [data, {name: x[:0] for name, x in data.items()}])
def test_an_epoch_of_nothing_changes_nothing(make, engine, told):
    program = make()
    before = [x.copy() for x in state(program)]
    done = engine(program).epoch(told, np.zeros(0, int), never)
    assert done.steps == 0
    assert all(column.shape == (0,) for column in done.numbers.values())
    assert done.numbers
    for a, b in zip(before, state(program), strict=True):
        np.testing.assert_array_equal(a, b)


ORDER = np.arange(3)
REFUSED = {
    "row 11": (data, np.array([0, 11, 2])),
    "row -1": (data, np.array([0, 1, -1])),
    f"row {2**62}": (data, np.array([2**62, 0, 1])),
    "whole numbers": (data, np.array([0.0, 1.0, 2.0])),
    "of shape": (data, np.zeros((3, 1), int)),
    "the order of an epoch must be an array": (data, [0, 1, 2]),
    "'point' of an epoch must be an array": ({**data, "point": data["point"].tolist()}, ORDER),
    "'label' of an epoch .* np.asarray": ({**data, "label": np.array(1.0)}, ORDER),
    "needs data for point, label": ({"point": data["point"]}, np.arange(3)),
    "got point, label, weight": ({**data, "weight": np.zeros(ROWS)}, np.arange(3)),
    "'point' must have the shape": ({**data, "point": np.zeros((ROWS, 3))}, np.arange(3)),
    "'point' must": ({**data, "label": np.ones(4)}, np.arange(3)),
}


@pytest.mark.parametrize("engine", ["eager", "one thread"])
@pytest.mark.parametrize("match", REFUSED)
def test_what_does_not_fit_is_refused_before_any_step(engine, match):
    program = network()
    before = state(program)
    told, order = REFUSED[match]
    with pytest.raises(pb.CircuitError, match=match):
        ENGINES[engine](program).epoch(told, order, never)
    assert state(program) == before


@pytest.mark.parametrize("engine", ["eager", "one thread"])
@pytest.mark.parametrize("wrong", [2.5, np.nan, 2.0**63])
def test_numbers_that_an_input_cannot_carry_are_refused_before_any_step(engine, wrong):
    rows, seen = pb.Unit(np.zeros(2, int), "rows"), pb.Unit(np.zeros(4), "seen")
    program = pb.Program({"rows": rows}, {}, {seen: pb.scatter_add(seen, rows, np.ones(2))})
    given = np.array([0.0, 3.0, 1.0, wrong])
    assert ENGINES[engine](program).epoch({"rows": given}, np.array([1, 0]), never).steps == 1
    with pytest.raises(pb.CircuitError, match=r"'rows' carries int64 .* not survive"):
        ENGINES[engine](program).epoch({"rows": given}, np.arange(4), never)
    assert seen.value.tolist() == [1.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize("engine", ["eager", "one thread"])
def test_inputs_without_rows_are_refused(engine):
    x, y = pb.Unit(np.zeros(3), "x"), pb.Unit(0.0, "y")
    program = pb.Program({"x": x, "y": y}, {"z": pb.sum(x) + y}, {})
    with pytest.raises(pb.CircuitError, match=r"as many rows each.*x \(3,\), y \(\)"):
        ENGINES[engine](program).epoch(
            {"x": np.zeros((9, 3)), "y": np.zeros(9)}, np.arange(9), never
        )
    empty = pb.Program({}, {"z": pb.sum(x)}, {})
    with pytest.raises(pb.CircuitError, match="they are: none"):
        ENGINES[engine](empty).epoch({}, np.arange(9), never)


def test_data_of_another_dtype_is_read_as_the_wire_is():
    expected, program, arrayed = network(), network(), arrays()
    told = {"point": np.arange(22, dtype=np.int8).reshape(11, 2), "label": np.ones(11, bool)}
    order = np.arange(9)
    cast = {name: x.astype(float) for name, x in told.items()}
    plain = Native(expected).epoch(cast, order, never)
    done = Native(program).epoch(told, order, never)
    np.testing.assert_array_equal(plain.numbers["score"], done.numbers["score"])
    assert Native(arrayed).epoch(told, order, never).steps == 3
