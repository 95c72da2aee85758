"""Weight decay: every step shortens the weights a little, whatever the loss says."""

from __future__ import annotations

from pullback.optim.checks import at_least_zero
from pullback.optim.transform import Memory, Next, Parameters, Transform, Wires


def add_decayed_weights(weight_decay: float) -> Transform:
    """d + weight_decay * p for every parameter p that is a weight, and d for the others.

    Raises `CircuitError` for a decay that is negative or not finite.
    Source: Loshchilov and Hutter, "Decoupled weight decay regularization" (ICLR 2019).

    >>> from pullback.core.unit import Unit
    >>> w, b = Unit(2.0, "weight"), Unit(2.0, "bias")
    >>> stage = add_decayed_weights(0.1)
    >>> decayed, _ = stage.update([Unit(1.0), Unit(1.0)], [], Parameters([w, b], weights=[w]))
    >>> [d.value for d in decayed]
    [1.2, 1.0]
    """
    weight_decay = at_least_zero("weight_decay", weight_decay)

    def update(directions: Wires, memory: Memory, parameters: Parameters) -> Next:
        return [
            d + weight_decay * p if p in parameters.weights else d
            for d, p in zip(directions, parameters.wires, strict=True)
        ], []

    return Transform(update)
