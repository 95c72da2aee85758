"""In: the scores of a batch and its labels. Out: one wire that says how wrong they are.

A loss is a function of wires made of gates. It also knows which labels it can take, so that wrong
ones are refused before any work, and which metrics people read beside it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from pullback.core.registry import Registry
from pullback.core.unit import Unit

L = TypeVar("L", bound="Loss")

LOSSES: Registry[type[Loss]] = Registry("loss")


class Loss(ABC):
    """The mean over a batch of each example's cost. A subclass is final."""

    def __call__(self, scores: Any, labels: Any) -> Unit:
        """The mean cost, one number, of scores and labels that are wires or arrays."""
        scores = scores if isinstance(scores, Unit) else Unit(scores, "scores")
        if not isinstance(labels, Unit):
            labels = Unit(self.prepare(labels, scores.shape), "labels")
        return self.cost(scores, labels).mean()

    @abstractmethod
    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        """Labels as this loss computes with them, for scores of this shape.

        Raises `CircuitError` naming the first label that does not fit.
        """

    @abstractmethod
    def cost(self, scores: Unit, labels: Unit) -> Unit:
        """The cost of each example, of shape (batch,)."""

    def metrics(self, scores: Unit, labels: Unit) -> Mapping[str, Unit]:
        """Wires worth reading beside the loss, by name."""
        return {}


def register(loss: type[L]) -> type[L]:
    """Decorate a loss so that it is found by name."""
    LOSSES.add(loss.__name__, loss)
    return loss
