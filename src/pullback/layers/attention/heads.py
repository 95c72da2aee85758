"""In: features of steps. Out: the same in parts, the heads, which attend each by itself; and back.

Source: Vaswani and others, "Attention is all you need" (NIPS 2017), section 3.2.2.
"""

from __future__ import annotations

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.linear import matmul
from pullback.gates.shape import reshape, transpose


def refuse_no_sequences(x: Unit | tuple[int, ...], layer: str) -> None:
    """Raise `CircuitError`, in the name of a layer, for a shape that is not (rows, steps, n)."""
    shape = x.shape if isinstance(x, Unit) else x
    if len(shape) != 3:
        raise CircuitError(f"layer {layer!r} expects inputs of shape (rows, steps, n), got {shape}")


def refuse_indivisible(shape: tuple[int, ...], heads: int, layer: str) -> None:
    """Raise `CircuitError`, in the name of a layer, where heads do not divide its features."""
    refuse_no_sequences(shape, layer)
    if shape[-1] % heads or not shape[-1]:
        raise CircuitError(
            f"layer {layer!r} cannot divide {shape[-1]} features among {heads} heads; let the "
            "number of heads divide that of features"
        )


def projected(x: Unit, weight: Unit, bias: Unit | None) -> Unit:
    """x @ weight + bias."""
    y = matmul(x, weight)
    return y if bias is None else y + bias


def split(x: Unit, kinds: int, heads: int) -> tuple[Unit, ...]:
    """The parts of features that lie side by side, one a kind, each by heads.

    Shapes: x (rows, steps, kinds * heads * size), parts (rows, heads, steps, size).
    """
    rows, steps, n = x.shape
    parts = reshape(x, (rows, steps, kinds, heads, n // (kinds * heads)))
    return tuple(transpose(parts[:, :, kind], (0, 2, 1, 3)) for kind in range(kinds))


def attended(weights: Unit, values: Unit) -> Unit:
    """The means of the values by the weights of each step, the heads side by side again.

    Shapes: weights (rows, heads, steps, memory), values (rows, heads, memory, size), answer
    (rows, steps, heads * size).
    """
    y = transpose(matmul(weights, values), (0, 2, 1, 3))
    rows, steps, heads, size = y.shape
    return reshape(y, (rows, steps, heads * size))
