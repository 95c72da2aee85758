"""In: a Program. Out: a function that runs it in NumPy, and as machine code once that is there.

State lives in the Program's own wires, whichever engine runs a step, so the one goes on where the
other has stopped. The step at which that happens depends on how long compilation takes, and with
it the last bits of the results; the other engines give the same bits each time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import numpy as np

from pullback.core.values import Value
from pullback.engines.eager import Eager
from pullback.engines.engine import ALL, Engine, Epoch, Looks, Seen, batch_of
from pullback.engines.notice import quietly
from pullback.program.program import Program

_one_at_a_time = threading.Lock()  # in the order in which they are needed


class EagerNative:
    """Runs a Program gate by gate while a thread compiles it, and natively from then on.

    The first run begins the compilation. What it fails with is raised at the next step.

    >>> from pullback.core.unit import Unit
    >>> x, w = Unit(3.0, "x"), Unit(1.0, "w")
    >>> step = EagerNative(Program({"x": x}, {"y": w * x}, {w: w + 0.5 * x}))
    >>> step(x=2.0), w.value
    ({'y': 2.0}, 2.0)
    """

    def __init__(self, program: Program, threads: int | None = None) -> None:
        self.program = program
        self._threads = threads
        self._eager = Eager(program)
        self._native: Future[Engine] | None = None

    def __reduce__(self) -> Any:  # it is compiled again
        return EagerNative, (self.program, self._threads)

    @property
    def is_native(self) -> bool:
        """Whether the next step will run as machine code."""
        return self._native is not None and self._native.done()

    def __call__(self, **inputs: Any) -> dict[str, Value]:
        """Set the inputs, run the step, update the state, and return the outputs."""
        return self.run(inputs)

    def run(self, inputs: Mapping[str, Any], asked: bool = True) -> dict[str, Value]:
        """The same, where seldom outputs are asked for or not."""
        return self._engine().run(inputs, asked)

    def epoch(
        self,
        data: Mapping[str, np.ndarray],
        order: np.ndarray,
        stop: Callable[[], bool],
        seen: Seen | None = None,
        looks: Looks = ALL,
    ) -> Epoch:
        """Run a step on each whole batch of the rows in `order`, until `stop` says so.

        It goes over between two steps, also in the middle of the epoch.

        Raises `CircuitError` as `batch_of` does.
        """
        size = batch_of(self.program, data, order)
        engine = self._engine({name: rows[:0] for name, rows in data.items()})
        if engine is not self._eager:
            return engine.epoch(data, order, stop, seen, looks)
        stopped = False

        def leaves() -> bool:
            nonlocal stopped
            stopped = stop()
            return stopped or self.is_native

        first = engine.epoch(data, order, leaves, seen, looks)
        rest = order[first.steps * size :]
        if stopped or len(rest) < size:
            return first

        def then(steps: int, numbers: Mapping[str, Sequence[float]]) -> None:
            if seen is not None:
                seen(first.steps + steps, {k: [*v, *numbers[k]] for k, v in first.numbers.items()})

        passed = replace(looks, passed=looks.passed + first.steps)
        second = self._engine().epoch(data, rest, stop, then, passed)
        numbers, seldom = (
            {k: np.concatenate([v, b[k]]) for k, v in a.items()}
            for a, b in ((first.numbers, second.numbers), (first.seldom, second.seldom))
        )
        return Epoch(first.steps + second.steps, numbers, seldom)

    def _engine(self, data: Mapping[str, np.ndarray] | None = None) -> Engine:
        """What runs the next step; if nobody compiles yet, someone begins, for such `data`."""
        if self._native is None:
            self._native = _compiled(self.program, self._threads, data)
            return self._eager
        return self._native.result() if self._native.done() else self._eager


def _compiled(
    program: Program, threads: int | None, data: Mapping[str, np.ndarray] | None
) -> Future[Engine]:
    """A native engine that is being made, by a thread that nobody has to wait for."""
    future: Future[Engine] = Future()

    def work() -> None:
        try:
            from pullback.engines.native.engine import Native  # LLVM takes a while to import

            with _one_at_a_time, quietly():
                native = Native(program, threads)
                native.compile(data)
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(native)

    threading.Thread(target=work, name="pullback-compile", daemon=True).start()
    return future
