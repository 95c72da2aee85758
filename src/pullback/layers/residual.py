"""Layers with a way around them, as one layer."""

from __future__ import annotations

from typing import Any, final

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.linear import matmul
from pullback.layers.arguments import float_dtype
from pullback.layers.composite import Composite, chain
from pullback.layers.initializers import lecun
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training


@final
@register
class Residual(Composite):
    """y = x + inner(x), where the inner layers stand one after another.

    The gradient reaches x undiminished by the way around. With `project=True` that way is a matrix,
    y = x @ projection + inner(x), so that the last axis may change its size; the matrix is a
    parameter of this layer, in `dtype`.

    Raises `CircuitError` where x and what the inner layers make have different shapes; with
    `project`, shapes that differ before the last axis.
    Source: He, Zhang, Ren, Sun, "Deep residual learning for image recognition" (CVPR 2016).

    >>> from pullback.layers import Dense, ReLU, Sequential
    >>> model = Sequential(Residual(Dense(4), ReLU()), Residual(Dense(2), project=True))
    >>> model([[1.0, 2.0, 3.0, 4.0]]).shape
    (1, 2)
    >>> list(model.parameters)[2:]
    ['residual2.projection', 'residual2.dense1.weight', 'residual2.dense1.bias']
    """

    takes = 1

    def __init__(
        self,
        *layers: Layer,
        project: bool = False,
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        config = {"project": bool(project), "dtype": float_dtype("Residual", dtype)}
        super().__init__(layers, name, rng, **config)
        self.projection: Unit | None = None

    def apply(self, x: Unit, *, training: Training | None) -> Any:
        y = chain(self.layers, (x,), training)
        if not isinstance(y, Unit):
            raise CircuitError(f"the layers inside {self.name!r} make {len(y)} outputs, not one")
        around = x
        if self.config["project"]:
            around = self._projected(x, y)
        if around.shape != y.shape:
            cure = "" if self.config["project"] else ", or say project=True"
            raise CircuitError(
                f"layer {self.name!r} adds its input of shape {around.shape} to {y.shape}: let the "
                f"layers inside keep the shape{cure}"
            )
        return around + y

    def _projected(self, x: Unit, y: Unit) -> Unit:
        """x brought to the size of y's last axis, by a matrix that is made at the first call."""
        if self.projection is None:
            shape = (self.size_of_last_axis(x.shape), self.size_of_last_axis(y.shape))
            rng = self.generator
            assert rng is not None
            self.projection = self.parameter(
                "projection", shape, lambda shape: lecun(shape, rng), weight=True
            )
        self.check_last_axis(x, self.projection.shape[0])
        return matmul(x, self.projection)
