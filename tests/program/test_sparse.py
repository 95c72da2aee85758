"""Steps of tables of which few rows have a gradient: on these rows alone, and the same step."""

import numpy as np
import pytest

import pullback as pb
from pullback.core.walk import order
from pullback.engines.prepare import prepare
from pullback.program.simplify import simplify
from pullback.train import TrainingStep

RNG = np.random.default_rng(0)
TALL, WIDE = 101, 3
OPTIMIZERS = {
    "plain": {},
    "norm": {"clip_norm": 0.1},
    "value": {"clip_value": 0.02},
    "both": {"clip_norm": 0.1, "clip_value": 0.02},
}


def a_step(rows, dtype="float32", **how):
    """A step of SGD on a table, of which these rows are asked for, as a Program."""
    table = pb.Unit(RNG.normal(size=(TALL, WIDE)).astype(dtype), "table")
    given, pull = pb.Unit(rows, "rows"), RNG.normal(size=(*np.shape(rows), WIDE)).astype(dtype)
    loss = (pb.take(table, given) * pull).sum()
    optimizer = pb.SGD(0.5, **how)
    memory = optimizer.init([table])
    (moved,), news = optimizer.update(pb.gradient(loss, [table]), memory, [table])
    updates = dict(zip([table, *memory], [moved, *news], strict=True))
    return table, pb.Program({"rows": given}, {"loss": loss}, updates)


@pytest.mark.parametrize("how", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize(
    "rows",
    [[5, 100, 5, 0, 5], [-1, 100, -TALL, 0], [[3, 3], [3, 4]], [7], np.zeros(0, np.int64)],
    ids=["some twice", "from the end", "a batch", "one", "none"],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_is_the_step_of_the_whole_table(rows, how, dtype):
    table, program = a_step(np.asarray(rows, np.int64), dtype, **how)
    before = np.array(table.value)
    given = {"rows": np.asarray(rows, np.int64)}
    prepare("eager", program)(**given)
    expected, table.value = np.array(table.value), before
    prepare("native", program, threads=1)(**given)
    np.testing.assert_allclose(
        table.value, expected, rtol=2e-6 if dtype == "float32" else 1e-13, atol=1e-12
    )
    others = np.setdiff1d(np.arange(TALL), np.asarray(rows, np.int64) % TALL)
    np.testing.assert_array_equal(table.value[others], before[others])
    assert np.size(rows) == 0 or not np.array_equal(table.value, before)


@pytest.mark.parametrize("how", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_no_wire_is_as_large_as_the_table(how):
    table, program = a_step(np.array([5, 100, 5, 0, 5]), **how)
    plain = simplify(program)
    moved = plain.updates[table]
    made = [x for x in order([*plain.outputs.values(), moved]) if x.inputs and x is not moved]
    assert max(x.size for x in made) < table.size
    assert moved.gate is not None
    assert moved.gate.name == "scatter_add"


@pytest.mark.parametrize("how", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_table_that_is_asked_twice_is_stepped_on_the_rows_of_both(how):
    start = RNG.normal(size=(TALL, WIDE))
    given = {"a": np.array([[1, 5], [5, 9]]), "b": np.array([9, -1, 9])}
    found = {}
    for engine in ("eager", "native"):
        table = pb.Unit(start, "table")
        wires = {name: pb.Unit(x, name) for name, x in given.items()}
        rows = [pb.take(table, x) for x in wires.values()]
        loss = (rows[0] ** 2).sum() + (rows[1] * pb.sin(rows[1])).sum()
        optimizer = pb.SGD(0.5, **how)
        memory = optimizer.init([table])
        (moved,), _ = optimizer.update(pb.gradient(loss, [table]), memory, [table])
        program = pb.Program(wires, {"loss": loss}, {table: moved})
        prepare(engine, program, threads=1 if engine == "native" else None)(**given)
        found[engine] = np.array(table.value)
    np.testing.assert_allclose(found["native"], found["eager"], rtol=1e-13)
    plain = simplify(program)
    moved = plain.updates[table]
    made = [x for x in order([*plain.outputs.values(), moved]) if x.inputs and x is not moved]
    assert max(x.size for x in made) < table.size


def test_an_embedding_under_a_recurrent_network_is_stepped_so():
    model = pb.Sequential(pb.Embedding(5000, 8), pb.LSTM(4), pb.Dense(3), rng=0)
    step = TrainingStep(model, pb.SequenceCrossEntropy(), pb.SGD(0.1, clip_norm=1.0))
    x = RNG.integers(0, 5000, (4, 6))
    columns = step.columns(x, x % 3, None, what="training")
    program = simplify(step.program(columns))
    table = model.parameters["embedding1.table"]
    moved = program.updates[table]
    made = order([*program.outputs.values(), *program.updates.values()])
    assert max(x.size for x in made if x.inputs and x is not moved) < table.size


def test_a_table_of_which_most_rows_are_asked_for_stays_whole():
    table, program = a_step(RNG.integers(0, TALL, 40), clip_norm=0.1)
    made = order([simplify(program).updates[table]])
    assert not any(x.gate is not None and x.gate.name == "equal" for x in made)


def test_limits_that_0_is_outside_of_reach_every_row():
    table = pb.Unit(RNG.normal(size=(TALL, WIDE)), "table")
    rows = pb.Unit(np.array([2, 2, 9]), "rows")
    slope = pb.gradient(pb.take(table, rows).sum(), table)
    for low, high in ((0.5, 1.5), (-1.5, -0.5), (0.0, 1.5)):
        program = pb.Program({"rows": rows}, {"y": pb.clip(slope, low, high)}, {})
        given = {"rows": np.array([2, 2, 9])}
        np.testing.assert_array_equal(
            prepare("native", program)(**given)["y"], prepare("eager", program)(**given)["y"]
        )


@pytest.mark.parametrize("turned", [False, True])
def test_moves_that_are_added_are_made_on_their_rows_too(turned):
    """As where the loss is pulled by minus the rate, and twice by the same table."""
    table = pb.Unit(RNG.normal(size=(TALL, WIDE)), "table")
    first, other = (pb.Unit(np.array(rows), name) for rows, name in (([3, 5], "a"), ([5], "b")))
    rate = pb.Unit(0.5, "rate")
    loss = (pb.take(table, first) ** 2.0).sum() + pb.sin(pb.take(table, other)).sum()
    move = pb.gradient(loss, table, -rate)
    program = pb.Program({}, {"loss": loss}, {table: move + table if turned else table + move})
    plain = simplify(program)
    assert [wire.shape for wire in plain.wires if wire.gate].count(table.shape) == 1
    before = np.array(table.value)
    prepare("eager", program)()
    expected, table.value = np.array(table.value), before
    prepare("native", program, threads=1)()
    np.testing.assert_allclose(table.value, expected, rtol=1e-13)
    assert not np.array_equal(table.value[5], before[5])
