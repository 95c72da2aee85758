"""In: a Program. Out: a function that runs it, gate by gate, in NumPy.

The wires themselves hold the values, so after any step every one of them can be looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pullback.core.values import Value
from pullback.core.walk import replay
from pullback.engines.engine import ALL, Epoch, Looks, Seen, step_by_step
from pullback.program.program import Program


class Eager:
    """Runs a Program on its own wires.

    >>> from pullback.core.unit import Unit
    >>> x, w = Unit(3.0, "x"), Unit(1.0, "w")
    >>> step = Eager(Program({"x": x}, {"y": w * x}, {w: w + 0.5 * x}))
    >>> step(x=2.0), w.value
    ({'y': 2.0}, 2.0)
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._wires = {True: program.wires, False: program.always}

    def __call__(self, **inputs: Any) -> dict[str, Value]:
        """Set the inputs, run every gate, update the state, and return the outputs."""
        return self.run(inputs)

    def run(self, inputs: Mapping[str, Any], asked: bool = True) -> dict[str, Value]:
        """The same, where seldom outputs are asked for or not."""
        self.program.set(inputs)
        replay(self._wires[asked])
        wanted = self.program.wanted(asked)
        results = {name: _own(unit.value) for name, unit in wanted.items()}
        news = [new.value for new in self.program.updates.values()]
        with self.program.changing():
            for state, value in zip(self.program.updates, news, strict=True):
                state._value = value
        return results

    def epoch(
        self,
        data: Mapping[str, np.ndarray],
        order: np.ndarray,
        stop: Callable[[], bool],
        seen: Seen | None = None,
        looks: Looks = ALL,
    ) -> Epoch:
        """Run a step on each whole batch of the rows in `order`, until `stop` says so."""
        return step_by_step(self, data, order, stop, seen, looks)


def _own(value: Value) -> Value:
    """A result that the caller may write into, as those of the other engines."""
    return value.copy() if isinstance(value, np.ndarray) else value
