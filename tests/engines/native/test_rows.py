"""Threads share the rows of a batch for a whole loop, where and only where nothing mixes them."""

from itertools import combinations

import numpy as np
import pytest
from tests.engines.interpreted import Interpreted, Machine
from tests.engines.test_threads import assert_same_bits
from tests.program.test_simplify import assert_same

import pullback as pb
from pullback.engines.eager import Eager
from pullback.engines.native import build
from pullback.engines.native.engine import Native
from pullback.engines.native.ir import Repeat, Step
from pullback.engines.native.step import write

HIDDEN = 5
rng = np.random.default_rng(0)


def wire(name, *shape):
    return pb.Unit(rng.normal(size=shape) * 0.5, name)


def recurrent(step, rows, carries=1, steps=4, width=HIDDEN, **more):
    """A loop of a step `(*carries, x, weights)`, and its gradients, over a batch of rows."""
    xs, u = wire("xs", steps, rows, width), wire("u", HIDDEN, HIDDEN)
    firsts = [wire(f"h{k}", rows, HIDDEN) for k in range(carries)]
    stacks = pb.loop(lambda *given: step(*given, u), tuple(firsts), xs, **more)
    total = sum((pb.sum(pb.sin(stack)) for stack in stacks), pb.constant(0.0))
    sources = [xs, u, *firsts]
    found = pb.gradient(total, sources)
    outputs = {"total": total} | {f"d{x.name}": d for x, d in zip(sources, found, strict=True)}
    return pb.Program({}, outputs, {})


def lstm(h, c, x, u):
    i, f = pb.sigmoid(x + h @ u), pb.sigmoid(x - h @ u)
    c = f * c + i * pb.tanh(h @ u.T + x)
    return pb.tanh(c) * i, c


def gru(h, x, u):
    r, z = pb.sigmoid(x + h @ u), pb.sigmoid(x * 0.5)
    return z * h + (1.0 - z) * pb.tanh(x + r * h)


def joined(h, x, u):
    z = pb.concatenate([h[:, 3:], x[:, :3]], axis=1) @ u
    return pb.tanh(pb.concatenate([z[:, ::2], h[:, 1:3]], axis=1))


def normalized(h, x, u):
    z = h @ u + x
    z = z - pb.mean(z, axis=1, keepdims=True)
    return z / pb.sqrt(pb.mean(z * z, axis=1, keepdims=True) + 0.1)


APART = {
    "plain": (lambda h, x, u: pb.tanh(x + h @ u), 1),
    "rectified, and a bias": (lambda h, x, u: pb.maximum(h @ u + x, 0.0) * 0.5, 1),
    "gates": (gru, 1),
    "parts joined and walked backwards": (joined, 1),
    "means over columns": (normalized, 1),
    "softmax over columns": (lambda h, x, u: pb.softmax(h @ u + x, axis=1), 1),
    "the same weights three times": (lstm, 2),
    "no product": (lambda h, x, u: pb.tanh(h * 0.5 + x), 1),
}
MIXED = {
    "rows turned round": lambda h, x, u: pb.tanh(h[::-1] @ u + x),
    "one row for all": lambda h, x, u: pb.tanh(h + x + h[:1]),
    "a mean of rows": lambda h, x, u: h - pb.mean(h, axis=0) + x,
    "softmax over rows": lambda h, x, u: pb.softmax(h, axis=0) + x,
    "turned": lambda h, x, u: pb.tanh((h @ h.T) @ h * 0.1 + x),
    "columns for rows": lambda h, x, u: pb.tanh(pb.reshape(h, (h.shape[1], h.shape[0])).T + x),
    "taken": lambda h, x, u: pb.tanh(pb.take(h, np.array([0] * h.shape[0])) + x),
    "rows moved on": lambda h, x, u: pb.tanh(pb.concatenate([h[1:], h[:1]], axis=0) + x),
}


def loops(step):
    return [x for x in step.body if isinstance(x, Repeat)]


@pytest.fixture
def all_shared(monkeypatch):
    """Threads share even the smallest loops."""
    monkeypatch.setattr(build, "ALONE", 0)


@pytest.mark.parametrize("name", APART)
@pytest.mark.parametrize("rows", [2, 7, 13])
@pytest.mark.parametrize("reverse", [False, True])
def test_rows_that_stay_apart_are_shared_for_the_whole_loop(name, rows, reverse, all_shared):
    step, carries = APART[name]
    program = recurrent(step, rows, carries, reverse=reverse)
    native = Native(program)
    found = loops(native.compiled.step)
    assert len(found) == 2  # forward and backward
    assert [loop.rows for loop in found] == [rows] * 2
    assert_same(Eager(program)(), native())
    assert_same_bits(program, lambda native: native())


@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize("rows", [2, 7])
def test_rows_that_mix_are_not(name, rows, all_shared):
    program = recurrent(MIXED[name], rows)
    native = Native(program, 3)
    assert [loop.rows for loop in loops(native.compiled.step)][:1] == [0]
    assert_same(Eager(program)(), native())
    assert_same_bits(program, lambda native: native())


@pytest.mark.parametrize("rows", [0, 1])
def test_one_row_is_nothing_to_share(rows, all_shared):
    program = recurrent(APART["plain"][0], rows)
    assert all(loop.rows == 0 for loop in loops(Native(program).compiled.step))
    assert_same(Eager(program)(), Native(program, 2)())


def test_a_carried_number_and_a_sum_are_no_rows(all_shared):
    xs = wire("xs", 4, 6, HIDDEN)
    stack, count = pb.loop(
        lambda h, n, x: (pb.tanh(h + x * n), n + 1.0), (np.zeros((6, HIDDEN)), 1.0), xs
    )
    program = pb.Program.of([stack, count])
    assert [loop.rows for loop in loops(Native(program).compiled.step)] == [0]
    assert_same(Eager(program)(), Native(program, 3)())


def test_a_loop_of_little_work_is_for_one_thread():
    program = recurrent(lstm, 7, 2)
    native = Native(program, 2)
    assert all(loop.alone and loop.rows for loop in loops(native.compiled.step))
    assert_same(Eager(program)(), native())


def test_no_thread_gets_many_more_rows_than_another(monkeypatch):
    for threads, rows, height in (
        (1, 50, 6), (2, 50, 6), (2, 64, 6), (2, 32, 4), (2, 36, 6), (4, 64, 4), (8, 7, 4),
    ):  # fmt: skip
        monkeypatch.setattr(build, "cores", lambda threads=threads: threads)
        assert build._height(rows, 6) == height, (threads, rows)


def heads(c, x, u):
    z = pb.reshape(c, (c.shape[0], 6)) @ u
    return pb.tanh(c + x + pb.reshape(z, c.shape))


def test_a_product_may_be_added_to_what_has_more_axes(all_shared):
    xs, u, first = wire("xs", 3, 7, 2, 3), wire("u", 6, 6), wire("h", 7, 2, 3)
    (stack,) = pb.loop(lambda c, x: heads(c, x, u), first, xs)
    program = pb.Program.of([stack, *pb.gradient(pb.sum(pb.sin(stack)), [u, xs])])
    assert [loop.rows for loop in loops(Native(program).compiled.step)][:1] == [7]
    assert_same(Eager(program)(), Native(program, 3)())
    assert_same_bits(program, lambda native: native())


@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize("rows", [16, 4])
def test_a_product_of_other_rows_is_not_of_the_batch(rows, rectified, all_shared):
    """Twice as many, or half, of what a parameter makes of an element, in the shape of a carry."""
    xs, m, first = wire("xs", 4, 5, 64 // rows), wire("m", rows, 5), wire("h", 8, 8)

    def step(h, x):
        z = pb.reshape(m @ x, (8, 8))
        return pb.tanh(h + (pb.maximum(z, 0.0) if rectified else z))

    program = pb.Program.of(pb.loop(step, first, xs))
    assert_same(Eager(program)(), Native(program, 3)())
    assert_same_bits(program, lambda native: native())


@pytest.mark.parametrize("rectified", [False, True])
def test_parts_of_rows_of_an_element_are_no_rows(rectified, all_shared):
    xs, u, first = wire("xs", 4, 7, 2, 3), wire("u", 3, 3), wire("h", 7, 6)

    def step(h, x):
        z = pb.reshape(pb.reshape(x, (14, 3)) @ u, (7, 6))
        return pb.tanh(h + (pb.maximum(z, 0.0) if rectified else z))

    program = pb.Program.of(pb.loop(step, first, xs))
    assert_same(Eager(program)(), Native(program, 3)())
    assert_same_bits(program, lambda native: native())


# No thread touches what another makes -----------------------------------------------------------


class Watching(Machine):
    """Notes which bytes are read and which are written."""

    def __init__(self, regions):
        super().__init__(regions)
        self.seen = {}
        self.what = "read"

    def begin(self):
        self.seen = {
            what: [np.zeros(len(region.bytes), bool) for region in self.regions]
            for what in ("read", "written")
        }

    def _part(self, address, size):
        for region, seen in zip(self.regions, self.seen[self.what], strict=True):
            if region.start <= address and address + size <= region.stop:
                seen[address - region.start : address - region.start + size] = True
        return super()._part(address, size)

    def store(self, x, address):
        self.what = "written"
        super().store(x, address)
        self.what = "read"


@pytest.mark.parametrize("name", APART)
@pytest.mark.parametrize("threads", [2, 3, 5])
def test_no_thread_touches_what_another_makes(name, threads, all_shared):
    """All steps of a loop by one thread after another: what one writes is left alone by others."""
    step, carries = APART[name]
    native = Interpreted(recurrent(step, 13, carries, steps=3))
    native()
    machine = Watching(native._machine.regions)
    arenas = len(native._arenas)  # what follows are workspaces, of which each thread has its own
    native._block[0], native._block[3] = threads, 0
    for loop in loops(native.compiled.step):
        assert loop.rows == 13
        touched = []
        for t in range(threads):
            machine.begin()
            given = [machine.constant(native._words, "p"), machine.constant(t, "i8")]
            with np.errstate(all="ignore"):
                write(machine, Step((loop,), False), given)
            touched.append({what: seen[:arenas] for what, seen in machine.seen.items()})
        busy = sum(any(seen.any() for seen in mine["written"]) for mine in touched)
        assert busy == min(threads, -(-13 // loop.at_once))
        for one, other in combinations(touched, 2):
            for mine, theirs in ((one, other), (other, one)):
                for made, read, also in zip(
                    mine["written"], theirs["read"], theirs["written"], strict=True
                ):
                    assert not (made & (read | also)).any()
