"""In: a Program. Out: the same Program as machine code, run by threads that share each loop.

All threads run the same compiled step. Each takes its part of every loop and waits at a barrier
before a kernel that reads what others wrote. Buffers lie in arenas that were laid out beforehand,
so a step allocates nothing.
"""

from __future__ import annotations

import ctypes
import pickle
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.abstract import Abstract, refuse_abstract
from pullback.core.errors import CircuitError
from pullback.core.values import Value, as_value, is_number
from pullback.engines.engine import ALL, Epoch, Looks, Seen, batch_of, numbers_of, seldom_of
from pullback.engines.native import guard, store
from pullback.engines.native.guard import Guard
from pullback.engines.native.layout import MEMORY, WORDS, Layout, View
from pullback.engines.native.number import KINDS
from pullback.engines.native.tuning import host
from pullback.engines.native.workers import default_threads, together
from pullback.program.fingerprint import fingerprint, numbered
from pullback.program.program import Program

if TYPE_CHECKING:
    from pullback.core.unit import Unit
    from pullback.engines.native.compile import Compiled

_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)


class Native:
    """Runs a Program as compiled code.

    Raises `CircuitError` where the environment asks for no number of threads, and for what
    `compile` refuses.

    >>> from pullback.core.unit import Unit
    >>> x, w = Unit(3.0, "x"), Unit(1.0, "w")
    >>> step = Native(Program({"x": x}, {"y": w * x}, {w: w + 0.5 * x}))
    >>> step(x=2.0), w.value
    ({'y': 2.0}, 2.0)
    """

    def __init__(self, program: Program, threads: int | None = None) -> None:
        self.program = program
        self._margin = margin = guard.margin()
        key = None if margin else fingerprint(program)
        self._compiled: Compiled | None = None
        found = store.find(key) if key else None
        if found is None:
            compiled = self.compiled
            found = compiled.layout, *store.load(compiled.step)
            if key:
                store.keep(key, compiled.layout, compiled.step)
        layout, address = found
        self._layout: Layout = layout
        self.threads = default_threads(layout.work) if threads is None else threads
        self._asked = threads
        room = -(-layout.workspace // 64) * 64 + 64 + margin
        self._workspace = _aligned(room * self.threads, np.dtype(np.uint8))
        self._arenas = {
            kind: _aligned(layout.sizes.get(kind, 0), np.dtype(kind)) for kind in MEMORY
        }
        self._counters = np.zeros(2, np.int64)  # of arrivals at barriers, and the gate that failed
        self._block = np.zeros(len(WORDS) + len(program.inputs) + 1, np.int64)
        self._words = self._block.ctypes.data
        memory = [self._arenas[kind].ctypes.data for kind in MEMORY]
        self._block[: 4 + len(MEMORY)] = [
            self.threads, self._counters.ctypes.data, self._workspace.ctypes.data, room, *memory
        ]  # fmt: skip
        self._turn = threading.Lock()
        self._chunk = 1  # steps that take about a tenth of a second, as far as is known
        wires = numbered(program)
        views = {wires[k]: view.of(self._arenas) for k, view in layout.sources.items()}
        for unit, view in views.items():
            if type(unit._value) is not Abstract:
                view[...] = unit._value
        for where, value in layout.constants:
            where.of(self._arenas)[...] = value
        self._views = {unit: view for unit, view in views.items() if unit.gate is None}
        self._held: dict[Unit, Value] = {}  # values that are in the arenas already, and stay there
        self._guard = None
        if margin:
            workspaces = list(self._workspace.reshape(self.threads, room))
            self._guard = Guard(self._arenas.values(), workspaces, self.compiled)
        self._step: Any = _FUNCTION(address)
        self._epochs: dict[tuple[str, ...], Any] = {}

    @property
    def compiled(self) -> Compiled:
        """The step as loop code, and what the passes found; they run when it is first asked for."""
        from pullback.engines.native.compile import compile
        from pullback.engines.native.trial import tune

        if self._compiled is None:
            tune()
            self._compiled = compile(self.program, host(), self._margin)
        return self._compiled

    def __call__(self, **inputs: Any) -> dict[str, Value]:
        """Set the inputs, run the step, update the state, and return the outputs.

        Threads that call at once run one after another.
        """
        return self.run(inputs)

    def run(self, inputs: Mapping[str, Any], asked: bool = True) -> dict[str, Value]:
        """The same, where seldom outputs are asked for or not."""
        with self._turn:
            self.program.set(inputs)
            self._block[WORDS.index("asked")] = asked
            with self._running():
                self._together(self._step)
            self._refuse_numbers()
            places, outputs = self._layout.outputs, self.program.wanted(asked)
            return {name: self._read(places[name], unit._value) for name, unit in outputs.items()}

    def epoch(
        self,
        data: Mapping[str, np.ndarray],
        order: np.ndarray,
        stop: Callable[[], bool],
        seen: Seen | None = None,
        looks: Looks = ALL,
    ) -> Epoch:
        """Run a step on each whole batch of the rows in `order`, until `stop` says so.

        There is no return to Python between steps but for a look, every tenth of a second, whether
        to `stop`.

        Raises `CircuitError` as `batch_of` does, and where a gate's index is out of bounds.
        """
        size = batch_of(self.program, data, order)
        names, seldom = list(numbers_of(self.program)), seldom_of(self.program)
        count = len(order) // size
        passed = looks.passed % looks.every
        columns = max(count, (count + passed) // looks.every + 1)
        record = np.zeros((len(names) + sum(unit.size for unit in seldom.values()), columns))
        rows = [_rows(data[name], unit.dtype) for name, unit in self.program.inputs.items()]
        order = np.ascontiguousarray(order, np.int64)
        run = self._epoch([_kind(x.dtype) for x in rows])
        with self._turn:
            done = 0
            first, every = WORDS.index("first"), WORDS.index("every")
            self._block[every : every + 2] = looks.every, passed
            self._block[first + 2 :] = [
                order.ctypes.data, record.ctypes.data, *(x.ctypes.data for x in rows), columns
            ]  # fmt: skip
            with self._running(self.program.inputs.values()):
                for unit in self.program.inputs.values():  # where batches lie from now on
                    self._held.pop(unit, None)
                while done < count and not stop():
                    last = min(done + self._chunk, count)
                    start = time.perf_counter()
                    self._block[first : first + 2] = done, last
                    self._together(run)
                    if self._counters[1]:
                        break
                    seconds = max(time.perf_counter() - start, 1e-4)
                    self._chunk = max(1, int((last - done) * 0.1 / seconds))
                    done = last
                    if seen is not None:
                        seen(done, dict(zip(names, record[:, :done], strict=False)))
            self._refuse_numbers()
        looked = record[len(names) :, passed > 0 :][:, : looks.before(done)]
        return Epoch(
            done, dict(zip(names, record[:, :done], strict=False)), dict(_parted(looked, seldom))
        )

    def compile(self, data: Mapping[str, np.ndarray] | None = None) -> None:
        """Compile now what else would be when it first runs: an epoch over `data`."""
        if data is not None:
            rows = [_rows(data[name][:0], x.dtype) for name, x in self.program.inputs.items()]
            self._epoch([_kind(x.dtype) for x in rows])

    def _epoch(self, given: Sequence[str]) -> Any:
        """The function of an epoch over batches of data of these kinds."""
        given = tuple(given)
        if given not in self._epochs:
            (address,) = store.load(pickle.loads(self._layout.epoch).over(given))
            self._epochs[given] = _FUNCTION(address)
        return self._epochs[given]

    def __reduce__(self) -> Any:  # it is compiled again
        return Native, (self.program, self._asked)

    def _refuse_numbers(self) -> None:
        """Raise if the last run found numbers that a gate does not take: an index out of bounds."""
        number, self._counters[1] = int(self._counters[1]), 0
        if number:
            raise CircuitError(self._layout.refusals[number - 1])

    # Memory --------------------------------------------------------------------------------------

    @contextmanager
    def _running(self, fed: Collection[Unit] = ()) -> Iterator[None]:
        """Copy into the arenas what has changed outside; in the end, state carries what is there.

        However it ends: a step that is broken off has written there, too. Sources that are `fed`
        need no value.

        Raises `AbstractError` where another source has none.
        """
        for unit, view in self._views.items():
            value = unit._value
            if value is view or value is self._held.get(unit):
                continue
            if type(value) is Abstract:
                if unit not in fed:
                    refuse_abstract(unit)
                continue
            view[...] = value
            moves = isinstance(value, np.ndarray) and value.flags.writeable  # in another's arena
            if not moves and unit not in self.program.updates:
                self._held[unit] = value
        with self.program.changing():
            try:
                yield
            finally:
                for state in self.program.updates:
                    view = self._views[state]
                    state._value = view.item() if is_number(state._value) else view

    def _read(self, where: View, like: Value) -> Value:
        """A result as wires carry it: a number of Python where `like` is one."""
        value = where.of(self._arenas).copy()
        return value.item() if is_number(like) else value[()]

    # Threads -------------------------------------------------------------------------------------

    def _together(self, run: Any) -> None:
        """Run on all threads at once, and return when all are done.

        What they do ends with a barrier. One that is still leaving it keeps the memory alive.
        """
        if self._guard is not None:
            self._guard.lay()
        together(run, self._words, self.threads, self)
        if self._guard is not None:
            self._guard.check()


def _parted(record: np.ndarray, outputs: Mapping[str, Unit]) -> Iterator[tuple[str, np.ndarray]]:
    """What was recorded (elements, looks), by the outputs whose elements they are."""
    start = 0
    for name, unit in outputs.items():
        part, start = record[start : start + unit.size], start + unit.size
        yield name, part.T.reshape(-1, *unit.shape)


def _rows(data: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Rows of data, one behind the other, of a kind that compiled code reads."""
    rows = np.ascontiguousarray(as_value(data))
    return rows if _kind(rows.dtype) else rows.astype(dtype)


def _kind(dtype: np.dtype) -> str:
    """The kind of number in data of a dtype; "" for one that compiled code does not read."""
    name = "b1" if dtype.kind == "b" else f"{dtype.kind}{dtype.itemsize}"
    return name if name in KINDS else ""


def _aligned(count: int, dtype: np.dtype) -> np.ndarray:
    """Zeros that start on a cache line."""
    raw = np.zeros(count * dtype.itemsize + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + count * dtype.itemsize].view(dtype)
