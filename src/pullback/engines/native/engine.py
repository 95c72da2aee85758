"""In: a Program. Out: the same Program as machine code, run by threads that share each loop.

All threads run the same compiled step. Each takes its part of every loop and waits at a barrier
before a kernel that reads what others wrote. Buffers lie in arenas that were laid out beforehand,
so a step allocates nothing.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numba
import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.core.values import Value, as_value
from pullback.core.walk import with_inside
from pullback.engines.engine import Epoch, batch_of, numbers_of
from pullback.engines.native import cache, guard
from pullback.engines.native.access import access, with_copies
from pullback.engines.native.fuse import fuse
from pullback.engines.native.guard import Guard
from pullback.engines.native.inside import with_plain_bodies
from pullback.engines.native.loops import with_lean_loops
from pullback.engines.native.memory import lasting, plan
from pullback.engines.native.steps import write_step
from pullback.engines.native.writer import ARENAS
from pullback.program.program import Program
from pullback.program.simplify import not_compiled, simplify

THREADS = min(2, os.cpu_count() or 1)
KEPT = ("sigmoid", "softplus")  # gates that the kernel library has in one piece
# Operations a step, some 100 microseconds, below which two threads would wait for each other longer
# than they save; the more so where other programs want a core.
SMALL = 10_000_000


def _hire() -> None:
    """Workers start when needed; a step with fewer than it asks for would wait for ever."""
    global _workers
    _workers = ThreadPoolExecutor(256, thread_name_prefix="pullback")


_hire()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_hire)  # threads stay behind in the parent


class Native:
    """Runs a Program as compiled code.

    >>> x, w = Unit(3.0, "x"), Unit(1.0, "w")
    >>> step = Native(Program({"x": x}, {"y": w * x}, {w: w + 0.5 * x}))
    >>> step(x=2.0), w.value
    ({'y': 2.0}, 2.0)
    """

    def __init__(self, program: Program, threads: int | None = None) -> None:
        self.program = program
        lean = with_lean_loops(simplify(program, keep=KEPT), keep=KEPT)
        self.plain = with_copies(with_plain_bodies(lean, keep=KEPT))
        for unit in with_inside(self.plain.wires):
            if type(unit.value) is not tuple and unit.dtype.name not in ARENAS:
                raise CircuitError(
                    f"{unit.label} carries {unit.dtype}, which the native engine does not run; "
                    f"make it one of {', '.join(ARENAS)}"
                )
            if unit.gate is not None and unit.inputs and not unit.gate.is_built_in:
                raise not_compiled(unit, "it is declared as primitive")
        self.kernels = fuse(self.plain)
        margin = guard.margin()
        self.memory = plan(self.plain, self.kernels, margin=margin)
        self.text, work, workspace, self._checked = write_step(
            self.plain, self.kernels, self.memory
        )
        self.threads = (THREADS if work > SMALL else 1) if threads is None else threads
        room = -(-workspace // 64) * 64 + 64 + margin
        self._workspace = _aligned(room * self.threads, np.dtype(np.uint8))
        self._arenas = [
            _aligned(self.memory.sizes.get(dtype, 0), dtype) for dtype in map(np.dtype, ARENAS)
        ]
        self._turn = threading.Lock()
        self._chunk = 1  # steps that take about a tenth of a second, as far as is known
        self._counters = np.zeros(2, np.int64)  # of arrivals at barriers, and the gate that failed
        self._views = {unit: self._view(unit) for unit in lasting(self.plain)}
        for unit, view in self._views.items():
            view[...] = unit.value
        self._guard = None
        if margin:
            workspaces = list(self._workspace.reshape(self.threads, room))
            self._guard = Guard(self._arenas, workspaces, self.memory, self._views)
        self._module = cache.load(cache.keep(self.text))

    def __call__(self, **inputs: Any) -> dict[str, Value]:
        """Set the inputs, run the step, update the state, and return the outputs.

        Threads that call at once run one after another.
        """
        with self._turn:
            self.program.set(inputs)
            with self._running():
                self._together(self._module.step)
            self._refuse_indices()
            outputs = self.program.outputs.items()
            return {
                name: self._read(self.plain.outputs[name], unit.value) for name, unit in outputs
            }

    def epoch(
        self, data: Mapping[str, np.ndarray], order: np.ndarray, stop: Callable[[], bool]
    ) -> Epoch:
        """Run a step on each whole batch of the rows in `order`, until `stop` says so.

        There is no return to Python between steps but for a look, every tenth of a second, whether
        to `stop`.

        Raises `CircuitError` as `batch_of` does, and where a gate's index is out of bounds.
        """
        size = batch_of(self.program, data, order)
        names = list(numbers_of(self.program))
        count = len(order) // size
        record = np.zeros((len(names), count))
        rows = [
            np.ascontiguousarray(as_value(data[name])).reshape(len(data[name]), unit.size // size)
            for name, unit in self.program.inputs.items()
        ]
        order = np.ascontiguousarray(order, np.int64)
        with self._turn:
            done = 0
            with self._running():
                while done < count and not stop():
                    last = min(done + self._chunk, count)
                    start = time.perf_counter()
                    self._together(self._module.epoch, done, last, order, record, *rows)
                    if self._counters[1]:
                        break
                    seconds = max(time.perf_counter() - start, 1e-4)
                    self._chunk = max(1, int((last - done) * 0.1 / seconds))
                    done = last
            self._refuse_indices()
        return Epoch(done, dict(zip(names, record[:, :done], strict=True)))

    def compile(self, data: Mapping[str, np.ndarray] | None = None) -> None:
        """Compile now what else would be when it first runs: the step, or an epoch over `data`."""
        run, told = self._module.step, ()
        if data is not None:
            rows = (np.zeros((0, 0), as_value(data[name]).dtype) for name in self.program.inputs)
            run, told = self._module.epoch, (0, 0, np.zeros(0, np.int64), np.zeros((0, 0)), *rows)
        given = (0, self.threads, self._counters, self._workspace, *self._arenas, *told)
        run.compile(tuple(map(numba.typeof, given)))

    def __reduce__(self) -> Any:  # it is compiled again
        return Native, (self.program, self.threads)

    def _refuse_indices(self) -> None:
        """Raise if the last run found an index out of bounds; it took that row for zeros."""
        number, self._counters[1] = int(self._counters[1]), 0
        if number == 0:
            return
        unit = self._checked[number - 1]
        x, axis = unit.inputs[0], unit.static["axis"]
        raise CircuitError(
            f"{unit.label}: an index is out of bounds for axis {axis} of {x.label}, which has "
            f"{x.shape[axis]} elements there"
        )

    # Memory --------------------------------------------------------------------------------------

    def _view(self, unit: Unit) -> np.ndarray:
        """A wire's elements, where they lie in its arena."""
        where = access(unit)
        arena = self._arenas[[np.dtype(d) for d in ARENAS].index(unit.dtype)]
        start = self.memory.offsets[where.root] + where.offset
        strides = tuple(step * arena.itemsize for step in where.strides)
        return np.lib.stride_tricks.as_strided(arena[start:], unit.shape, strides)

    @contextmanager
    def _running(self) -> Iterator[None]:
        """Copy into the arenas what has changed outside; in the end, state carries what is there.

        However it ends: a step that is broken off has written there, too.
        """
        for unit, view in self._views.items():
            if unit.gate is None and unit._value is not view:
                view[...] = unit._value
        with self.program.changing():
            try:
                yield
            finally:
                for state in self.program.updates:
                    view = self._views[state]
                    state._value = float(view) if type(state._value) is float else view

    def _read(self, unit: Unit, like: Value) -> Value:
        """A result as wires carry it: a number of Python where `like` is one."""
        value = self._view(unit).copy()
        return value.item() if type(like) in (float, bool) else value[()]

    # Threads -------------------------------------------------------------------------------------

    def _together(self, run: Any, *told: Any) -> None:
        """Run on all threads at once, and return when all are done."""
        shared = (self.threads, self._counters, self._workspace, *self._arenas, *told)
        if self._guard is not None:
            self._guard.lay()
        waiting = [_workers.submit(run, t, *shared) for t in range(1, self.threads)]
        run(0, *shared)
        for future in waiting:
            future.result()
        if self._guard is not None:
            self._guard.check()


def _aligned(count: int, dtype: np.dtype) -> np.ndarray:
    """Zeros that start on a cache line."""
    raw = np.zeros(count * dtype.itemsize + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + count * dtype.itemsize].view(dtype)
