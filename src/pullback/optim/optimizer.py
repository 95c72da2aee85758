"""In: gradients, as wires. Out: the parameters' next values, as wires, made of gates like all else.

An optimizer is two pure functions. `init` makes the sources that it remembers between steps;
`update` wires, from gradients, memory and parameters, the next parameters and the next memory.
A `Transform` is the same for directions in place of parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pullback.core.errors import CircuitError
from pullback.core.registry import Registry
from pullback.core.unit import Unit

Wires = Sequence[Unit]

OPTIMIZERS: Registry[Callable[..., Optimizer]] = Registry("optimizer")


@dataclass(frozen=True)
class Transform:
    """One stage between gradients and steps.

    `init(parameters)` gives the stage's memory; `update(directions, memory, parameters)` gives the
    next directions and the next memory.
    """

    init: Callable[[Wires], list[Unit]]
    update: Callable[[Wires, Wires, Wires], tuple[list[Unit], list[Unit]]]


@dataclass(frozen=True)
class Optimizer:
    """Steps of `learning_rate` against the direction that `transform` makes of the gradients.

    The learning rate is a wire of the step, so that a schedule changes it without a new circuit.
    """

    name: str
    learning_rate: float
    transform: Transform

    def __post_init__(self) -> None:
        if not self.learning_rate > 0.0:
            raise CircuitError(f"the learning rate must be positive, got {self.learning_rate}")

    def init(self, parameters: Wires) -> list[Unit]:
        """The sources that the optimizer remembers between steps."""
        return self.transform.init(parameters)

    def update(
        self, gradients: Wires, memory: Wires, parameters: Wires, learning_rate: Unit
    ) -> tuple[list[Unit], list[Unit]]:
        """The next value of each parameter and of each piece of memory."""
        directions, news = self.transform.update(gradients, memory, parameters)
        moved = [p - learning_rate * d for p, d in zip(parameters, directions, strict=True)]
        return moved, news
