"""The guard refuses what strays, and what lies fresh is seen."""

from itertools import pairwise

import numpy as np
import pytest

import pullback as pb
from pullback.engines.native import guard
from pullback.engines.native.engine import Native


@pytest.fixture
def step():
    x = pb.Unit(np.linspace(1.0, 2.0, 5), "x")
    return Native(pb.Program({}, {"y": pb.sum(pb.exp(x)) * x}, {x: x + 1.0}))


def straying(step, change):
    """The step, whose code does this to the arenas as well."""
    run = step._step

    def strays(*told):
        run(*told)
        change(step._arenas["f8"], step.compiled.memory)

    step._step = strays
    return step


def test_a_step_that_keeps_to_its_buffers_passes(step):
    assert step._guard is not None
    for _ in range(3):
        step()


@pytest.mark.parametrize("side", ["before", "behind"])
def test_every_buffer_is_guarded_on_both_sides(step, side):
    for _, start, size in guard._buffers(step.compiled.memory):
        place = start - 1 if side == "before" else start + size

        def change(arena, memory, place=place):
            arena[place] = 1.0

        run = step._step
        straying(step, change)
        with pytest.raises(RuntimeError, match="outside of its buffers: 8 bytes of the float64"):
            step()
        step._step = run
    step()


def test_another_nan_is_seen_too(step):
    def change(arena, memory):
        arena.view(np.uint64)[-1] ^= 1

    with pytest.raises(RuntimeError, match="1 bytes"):
        straying(step, change)()


def test_a_workspace_is_guarded_behind_its_end():
    a = pb.Unit(np.ones((40, 50), "f4"))
    step = Native(pb.Program({}, {"y": a @ a.T}, {}), threads=2)
    run = step._step

    def strays(*told):
        run(*told)
        step._workspace[len(step._workspace) // 2 - 1] = 0

    step._step = strays
    with pytest.raises(RuntimeError, match="the workspace of thread 0"):
        step()


def test_buffers_do_not_overlap_and_leave_the_margin_free(step):
    taken = sorted(
        (start, start + size) for _, start, size in guard._buffers(step.compiled.memory) if size
    )
    for (_, stop), (start, _) in pairwise(sorted(set(taken))):
        assert start - stop >= guard.MARGIN // 8


def test_fresh_memory_is_not_a_number(step):
    step._guard.lay()
    memory = step.compiled.memory
    between = [(u, at) for u, at in memory.offsets.items() if u.inputs]
    seen = [step._arenas["f8"][at : at + u.size] for u, at in between if u not in memory.in_place]
    assert seen
    assert all(np.isnan(memory).all() for memory in seen)


def test_nothing_is_guarded_unless_asked(monkeypatch):
    monkeypatch.setenv("PULLBACK_GUARD", "0")
    x = pb.Unit(2.0)
    step = Native(pb.Program({}, {"y": x * x}, {}))
    assert step._guard is None
    assert guard.margin() == 0
