"""In: a Program and its data. Out: what every engine makes of them: a step, and an epoch of it.

The engines stand on this; `prepare` makes one by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit, cast
from pullback.core.values import Value
from pullback.program.program import Program, batched

Seen = Callable[[int, Mapping[str, Sequence[float]]], None]
"""What is told of an epoch on its way: how many steps are done, and each step's numbers."""


@dataclass(frozen=True)
class Epoch:
    """What an epoch did: how many steps, and what each step's numbers were.

    `numbers` has an array of float64 of shape (steps,) for each output that is one number, and
    `seldom` one of shape (looks, ...) for each seldom output, of the steps that were asked for it.
    """

    steps: int
    numbers: dict[str, np.ndarray]
    seldom: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Looks:
    """When an epoch asks for the Program's seldom outputs: at every `every`-th step.

    The first step of all is asked, and `passed` went by before this epoch.

    >>> looks = Looks(every=10, passed=25)
    >>> looks.before(0), looks.before(5), looks.before(6), looks.asked(5)
    (0, 0, 1, True)
    """

    every: int = 1
    passed: int = 0

    def asked(self, step: int) -> bool:
        """Whether this step of the epoch is asked."""
        return (self.passed + step) % self.every == 0

    def before(self, step: int) -> int:
        """How many steps of the epoch before this one were asked."""
        return -(-(self.passed + step) // self.every) - -(-self.passed // self.every)


ALL = Looks()
"""Seldom outputs too are made at every step."""


class Engine(Protocol):
    """A Program that runs."""

    program: Program

    def __call__(self, **inputs: Any) -> dict[str, Value]:
        """Set the inputs, run the step, update the state, and return the outputs."""
        ...

    def run(self, inputs: Mapping[str, Any], asked: bool = True) -> dict[str, Value]:
        """The same, where seldom outputs are asked for or not."""
        ...

    def epoch(
        self,
        data: Mapping[str, np.ndarray],
        order: np.ndarray,
        stop: Callable[[], bool],
        seen: Seen | None = None,
        looks: Looks = ALL,
    ) -> Epoch:
        """Run a step on each whole batch of the rows in `order`, until `stop` says so.

        `data` has the rows of each input, `order` (rows,) their numbers from 0 on. `stop` is asked
        now and then between steps, and `seen` is told how many steps are done and what they have
        recorded. `looks` say which steps make the seldom outputs.

        Raises `CircuitError` as `batch_of` does.
        """
        ...


def batch_of(program: Program, data: Mapping[str, np.ndarray], order: np.ndarray) -> int:
    """The rows of a batch, where a Program can run an epoch over such data in such an order.

    Raises `CircuitError` where its inputs have no rows, or not as many as each other; where data
    are missing, or have rows of another shape than an input, or of numbers that its dtype cannot
    carry; where a number in `order` is no row; where either are no arrays.
    """
    size = batched(program)
    if size == 0:
        shapes = (
            ", ".join(f"{name} {unit.shape}" for name, unit in program.inputs.items()) or "none"
        )
        raise CircuitError(
            f"an epoch needs inputs with as many rows each, and one at least; they are: {shapes}"
        )
    for name in (*program.inputs, *data):
        if name not in program.inputs or name not in data:
            known = ", ".join(program.inputs)
            raise CircuitError(f"an epoch needs data for {known}, and got {', '.join(data)}")
    given = {"the order": order} | {f"the data of {name!r}": x for name, x in data.items()}
    for what, x in given.items():
        if not isinstance(x, np.ndarray) or x.ndim == 0:
            raise CircuitError(
                f"{what} of an epoch must be an array of rows, got {type(x).__name__}; "
                "make it one with np.asarray"
            )
    rows = min(map(len, data.values()))
    for name, unit in program.inputs.items():
        if data[name].shape[1:] != unit.shape[1:] or len(data[name]) != rows:
            raise CircuitError(
                f"the data of {name!r} must have the shape {(rows, *unit.shape[1:])}, "
                f"got {data[name].shape}"
            )
    if order.ndim != 1 or order.dtype.kind not in "iu":
        raise CircuitError(
            f"an order is a line of whole numbers, got {order.dtype} of shape {order.shape}"
        )
    if order.size and not 0 <= order.min() <= order.max() < rows:
        wrong = order[(order < 0) | (order >= rows)][0]
        raise CircuitError(f"the order names row {wrong}, and there are {rows} rows, from 0 on")
    for name, unit in program.inputs.items():
        if unit.dtype.kind != "f" and not np.can_cast(data[name].dtype, unit.dtype):
            cast(data[name][order], unit.dtype, unit.label)
    return size


def step_by_step(
    engine: Engine,
    data: Mapping[str, np.ndarray],
    order: np.ndarray,
    stop: Callable[[], bool],
    seen: Seen | None = None,
    looks: Looks = ALL,
) -> Epoch:
    """An epoch by calls of the step: for engines that come back to Python after each."""
    program = engine.program
    size = batch_of(program, data, order)
    columns: dict[str, list[float]] = {name: [] for name in numbers_of(program)}
    seldom: dict[str, list[Value]] = {name: [] for name in program.seldom}
    steps = 0
    while (steps + 1) * size <= len(order) and not stop():
        rows = order[steps * size : (steps + 1) * size]
        asked = looks.asked(steps)
        values = engine.run({name: rows_of[rows] for name, rows_of in data.items()}, asked)
        for name, column in columns.items():
            column.append(float(values[name]))
        for name, column in seldom.items() if asked else ():
            column.append(values[name])
        steps += 1
        if seen is not None:
            seen(steps, columns)
    return Epoch(
        steps,
        {name: np.array(column, float) for name, column in columns.items()},
        {
            name: np.array(column, float).reshape(-1, *program.outputs[name].shape)
            for name, column in seldom.items()
        },
    )


def numbers_of(program: Program) -> dict[str, Unit]:
    """The outputs that are one number each, which an epoch records for every step."""
    usual = {name: unit for name, unit in program.outputs.items() if name not in program.seldom}
    return {name: unit for name, unit in usual.items() if unit.shape == ()}


def seldom_of(program: Program) -> dict[str, Unit]:
    """The outputs that an epoch records for the steps that are asked for them."""
    return {name: unit for name, unit in program.outputs.items() if name in program.seldom}
