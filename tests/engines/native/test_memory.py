"""A plan is run here in NumPy, kernel by kernel on real arenas, and gives what eager gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from tests.circuits import circuits
from tests.program.test_simplify import assert_same, program_of

import pullback as pb
from pullback.core.values import namespace
from pullback.engines.eager import Eager
from pullback.engines.native.access import access
from pullback.engines.native.copies import with_copies
from pullback.engines.native.fuse import fuse
from pullback.engines.native.memory import lasting, plan
from pullback.program.simplify import simplify


class Planned:
    """The arenas of a Program, and its kernels run upon them."""

    def __init__(self, program):
        self.program = with_copies(simplify(program))
        self.access = access(self.program)
        self.kernels = fuse(self.program, self.access)
        self.memory = plan(self.program, self.kernels, self.access)
        self.arenas = {
            dtype: np.full(size, np.nan if dtype.kind == "f" else 1, dtype)
            for dtype, size in self.memory.sizes.items()
        }
        for unit in lasting(self.program):
            self.write(unit, unit.value)

    def view(self, unit):
        where = self.memory.joined.get(unit) or self.access[unit]
        arena = self.arenas[unit.dtype]
        strides = [step * arena.itemsize for step in where.strides]
        start = self.memory.offsets[where.root] + where.offset
        return np.lib.stride_tricks.as_strided(arena[start:], unit.shape, strides)

    def read(self, unit):
        return float(self.view(unit)) if type(unit.value) is float else self.view(unit).copy()

    def write(self, unit, value):
        self.view(unit)[...] = value

    def __call__(self):
        for kernel, stores in zip(self.kernels, self.memory.stores, strict=True):
            made = {}
            for unit in kernel.gates:
                xs = [
                    made[root].reshape(x.shape) if root in made else self.read(x)
                    for x, root in ((x, self.access[x].root) for x in unit.inputs)
                ]
                with np.errstate(all="ignore"):
                    y = unit.gate.value(namespace([np.zeros(1)]), *xs, **unit.static)
                made[unit] = np.asarray(y).astype(unit.dtype)
            for unit in stores:
                self.write(unit, made[unit])
        for new, state in self.memory.moves:
            self.write(state, self.read(new))
        return {name: self.read(unit) for name, unit in self.program.outputs.items()}


@settings(max_examples=200, deadline=None)
@given(circuits(gates=20))
def test_random_circuits_keep_their_results(circuit):
    program = program_of(circuit)
    planned = Planned(program)
    for _ in range(2):  # what a step leaves behind must not change the next
        assert_same(Eager(program)(), planned())
    assert planned.memory.temporary <= planned.memory.reused


def descent(momentum):
    rng = np.random.default_rng(0)
    x, w = pb.Unit(rng.normal(size=(5, 3)), "x"), pb.Unit(rng.normal(size=(3, 2)), "w")
    v = pb.Unit(np.zeros((3, 2)), "v")
    loss = pb.mean(pb.tanh(x @ w) ** 2.0)
    new = momentum * v - 0.1 * pb.gradient(loss, w)
    return pb.Program({"x": x}, {"loss": loss}, {v: new, w: w + new})


def crossed():
    a, b = pb.Unit(np.arange(6.0), "a"), pb.Unit(np.ones(6), "b")
    return pb.Program({}, {"a": a, "reversed": b[::-1]}, {a: b, b: a})


def unread():
    a, b = pb.Unit(np.arange(6.0), "a"), pb.Unit(np.ones(6), "b")
    return pb.Program({}, {}, {a: b * 2.0, b: b + 1.0})


def overwritten():
    table, other = pb.Unit(np.ones((3, 2)), "table"), pb.Unit(np.zeros((3, 2)), "other")
    rows = pb.Unit(np.array([0, 2]), "rows")
    return pb.Program({}, {}, {table: pb.scatter_add(other, rows, pb.Unit(np.ones((2, 2))))})


def turned():
    a = pb.Unit(np.arange(4.0).reshape(2, 2), "a")
    return pb.Program({}, {"old": a + 0.0}, {a: a.T * 2.0 + a})


@pytest.mark.parametrize("make", [lambda: descent(0.9), crossed, unread, overwritten, turned])
def test_state_is_updated_as_eager_does_it(make):
    program, other = make(), make()
    eager, planned = Eager(other), Planned(program)
    for _ in range(3):
        assert_same(eager(), planned())
        for state, twin in zip(program.updates, other.updates, strict=True):
            np.testing.assert_allclose(planned.read(state), twin.value, rtol=1e-12)


def test_momentum_and_weights_are_written_in_place():
    planned = Planned(descent(0.9))
    assert set(planned.memory.in_place.values()) == set(planned.program.updates)
    assert planned.memory.moves == []


@pytest.mark.parametrize(
    "optimizer",
    [
        *(make(0.1, clip_norm=1.0) for make in pb.optim.OPTIMIZERS.values()),
        pb.Lookahead(pb.Adam()),
        pb.Accumulate(pb.Adam()),
        pb.Groups(pb.Adam(), {"dense1.*": 0.1, "*.bias": pb.SGD(0.1, momentum=0.9)}),
        pb.SAM(pb.SGD(momentum=0.9)),
        pb.Lookahead(pb.SAM(pb.Accumulate(pb.Adam(pb.CosineDecay(0.1, 9))))),
    ],
    ids=repr,
)
def test_no_optimizer_copies_what_it_moves_or_remembers(optimizer):
    """Numbers, such as counts of steps, may be: they are eight bytes."""
    model = pb.Sequential(pb.Dense(9), pb.ReLU(), pb.Dense(3), rng=0)
    step = pb.TrainingStep(model, pb.SoftmaxCrossEntropy(), optimizer)
    batch = step.columns(np.ones((8, 7)), np.arange(8) % 3)
    planned = Planned(step.program(batch))
    assert [state for _, state in planned.memory.moves if state.size > 1] == []


@pytest.mark.parametrize("around", [pb.Lookahead, pb.Accumulate])
def test_what_stands_around_an_optimizer_needs_no_loop_and_no_buffer_of_its_own(around):
    needed = []
    for optimizer in (pb.Adam(), around(pb.Adam())):
        model = pb.Sequential(pb.Dense(9), pb.ReLU(), pb.Dense(3), rng=0)
        step = pb.TrainingStep(model, pb.SoftmaxCrossEntropy(), optimizer)
        batch = step.columns(np.ones((8, 7)), np.arange(8) % 3)
        planned = Planned(step.program(batch))
        needed.append((len(planned.kernels), planned.memory.temporary))
    assert needed[0] == needed[1]


def test_a_chain_of_steps_needs_two_buffers():
    x = pb.Unit(np.ones((8, 8)), "x")
    y = x
    for _ in range(10):
        y = pb.exp(y @ x)
    table = access(program := pb.Program({}, {"y": y}, {}))
    memory = plan(program, fuse(program, table), table)
    assert memory.temporary <= 3 * x.value.nbytes < memory.reused


def test_a_product_is_added_right_to_what_is_there():
    rng = np.random.default_rng(0)
    total, a, b = (pb.Unit(rng.normal(size=n)) for n in ((3, 2), (3, 5), (5, 2)))
    planned = Planned(pb.Program({}, {}, {total: total + a @ b}))
    assert planned.memory.moves == []
    square = pb.Unit(rng.normal(size=(3, 3)))
    assert Planned(pb.Program({}, {}, {square: square + square @ square})).memory.moves


def test_pieces_of_a_concatenation_are_written_where_they_belong():
    x = pb.Unit(np.arange(6.0).reshape(3, 2))
    pieces = [pb.sin(x), x, pb.cos(x)]
    program = pb.Program({}, {"y": pb.concatenate(pieces, axis=1)}, {})
    planned = Planned(program)
    names = [unit.gate.name for unit in planned.memory.joined]
    assert names == ["sin", "cos"]  # x is a source and is copied
    assert_same(Eager(program)(), planned())


def test_a_piece_that_is_read_elsewhere_keeps_a_buffer():
    x = pb.Unit(np.arange(6.0).reshape(3, 2))
    y = pb.sin(x)
    program = pb.Program({}, {"y": pb.concatenate([y, y]), "z": y @ pb.transpose(x)}, {})
    planned = Planned(program)
    assert planned.memory.joined == {}
    assert_same(Eager(program)(), planned())


def test_a_reshape_of_what_was_made_is_made_in_its_place():
    rng = np.random.default_rng(0)
    state, a, b = (pb.Unit(rng.normal(size=n)) for n in ((2, 2, 3), (4, 5), (5, 3)))
    program = pb.Program({}, {}, {state: pb.reshape(a @ b, (2, 2, 3))})
    planned = Planned(program)
    assert planned.memory.moves == []
    planned()
    np.testing.assert_allclose(planned.view(state).reshape(4, 3), a.value @ b.value)
