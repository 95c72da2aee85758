"""Layers side by side, as one layer."""

from __future__ import annotations

import functools
import operator
from typing import Any, final

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.shape import concatenate
from pullback.layers.composite import Composite
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training

_JOINS = ("concatenate", "add", "none")


@final
@register
class Parallel(Composite):
    """Each branch makes its output of the same input; or of its own, where as many are given.

    `join` says what becomes of the outputs: "concatenate" joins them along the last axis, "add"
    adds them, "none" hands over all of them, in a tuple. A branch is any layer.

    Raises `CircuitError` where there are not as many inputs as branches, or the outputs cannot
    be joined.

    >>> from pullback.layers import Dense, Identity, Sequential
    >>> Parallel(Identity(), Dense(4))([[1.0, 2.0]]).shape
    (1, 6)
    >>> towers = Parallel(Dense(3), Dense(3), join="add")
    >>> towers([[1.0, 2.0]], [[5.0]]).shape
    (1, 3)
    """

    def __init__(
        self, *branches: Layer, join: str = "concatenate", name: str = "", rng: Rng = None
    ) -> None:
        if join not in _JOINS:
            raise CircuitError(f"a Parallel's join is one of {', '.join(_JOINS)}, got {join!r}")
        super().__init__(branches, name, rng, join=join)
        self.lines = tuple((branch,) for branch in self.layers)

    def apply(self, *inputs: Unit, training: Training | None) -> Any:
        count = len(self.layers)
        if len(inputs) not in (1, count):
            raise CircuitError(
                f"layer {self.called!r} has {count} branches, and takes one input or {count}, "
                f"got {len(inputs)}"
            )
        given = inputs if len(inputs) == count else inputs * count
        outputs = [x(wire, training=training) for x, wire in zip(self.layers, given, strict=True)]
        if self.config["join"] == "none":
            return tuple(outputs)
        self._check(outputs)
        if self.config["join"] == "add":
            return functools.reduce(operator.add, outputs)
        return concatenate(outputs, axis=-1)

    def _check(self, outputs: list[Any]) -> None:
        """Refuse outputs that cannot be joined."""
        join = self.config["join"]
        several = [x for x in outputs if not isinstance(x, Unit)]
        if several:
            raise CircuitError(f"a branch of {self.called!r} has several outputs to {join}")
        shapes = [x.shape for x in outputs]
        kept = set(shapes) if join == "add" else {shape[:-1] for shape in shapes}
        if len(kept) > 1 or (join == "concatenate" and () in shapes):
            shown = ", ".join(map(str, shapes))
            raise CircuitError(f"layer {self.called!r} cannot {join} outputs of shapes {shown}")
