"""Penalties: springs that pull parameters towards zero, added to the loss as more gates."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit, scope


class Penalty(ABC):
    """A function of parameters to one number that is added to the loss. A subclass is final."""

    @abstractmethod
    def __call__(self, weights: Iterable[Unit]) -> Unit:
        """The penalty of these parameters."""


@final
@dataclass(frozen=True)
class L2(Penalty):
    """strength * sum(w**2): a spring on each weight, pulling with force 2 * strength * w.

    Source: the guide, "Example: 2-D Support Vector Machine", where strength is alpha.

    >>> round(L2(0.1)([Unit(0.1), Unit(0.2)]).value, 4)
    0.005
    """

    strength: float

    def __post_init__(self) -> None:
        if not self.strength >= 0.0:
            raise CircuitError(f"a penalty's strength cannot be negative, got {self.strength}")

    def __call__(self, weights: Iterable[Unit]) -> Unit:
        with scope("l2"):
            squares = [(w * w).sum() for w in weights]
            if not squares:
                raise CircuitError("there are no weights to penalise")
            total = squares[0]
            for square in squares[1:]:
                total = total + square
            return self.strength * total
