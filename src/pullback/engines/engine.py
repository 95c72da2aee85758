"""In: the name of an engine and a Program. Out: the Program, ready to run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from pullback.compile.program import Program
from pullback.core.errors import CircuitError
from pullback.core.values import Value

ENGINES = ("eager", "native", "jax")


class Engine(Protocol):
    """A Program that runs."""

    program: Program

    def __call__(self, **inputs: Any) -> dict[str, Value]:
        """Set the inputs, run the step, update the state, and return the outputs."""
        ...

    def epoch(
        self, data: Mapping[str, np.ndarray], order: np.ndarray, stop: Callable[[], bool]
    ) -> list[dict[str, float]]:
        """Run a step on each whole batch of the rows in `order`; what each step's numbers were."""
        ...


def prepare(name: str, program: Program) -> Engine:
    """The Program on the engine of this name: "eager", "native" or "jax".

    An engine is imported when it is first asked for, and with it the compiler it stands on.

    Raises `CircuitError` for another name.

    >>> from pullback.core.unit import Unit
    >>> x = Unit(3.0, "x")
    >>> prepare("eager", Program({"x": x}, {"y": x * x}, {}))(x=4.0)
    {'y': 16.0}
    """
    if name == "eager":
        from pullback.engines.eager import Eager

        return Eager(program)
    if name == "native":
        from pullback.engines.native import Native

        return Native(program)
    if name == "jax":
        from pullback.engines.jax import Jax

        return Jax(program)
    raise CircuitError(f"there is no engine {name!r}; there are: {', '.join(ENGINES)}")


def step_by_step(
    step: Callable[..., dict[str, Value]],
    size: int,
    data: Mapping[str, np.ndarray],
    order: np.ndarray,
    stop: Callable[[], bool],
) -> list[dict[str, float]]:
    """An epoch by calls of a step: for engines that come back to Python after each."""
    measured = []
    for start in range(0, len(order) - size + 1, size):
        rows = order[start : start + size]
        values = step(**{name: rows_of[rows] for name, rows_of in data.items()})
        measured.append({k: float(v) for k, v in values.items() if np.shape(v) == ()})
        if stop():
            break
    return measured
