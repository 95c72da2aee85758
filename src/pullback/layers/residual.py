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
    parameter of this layer, in `dtype`. Where all of the shape changes, `around` is the layer on
    that way, y = around(x) + inner(x); True says that it is the last of `layers`.

    Raises `CircuitError` where what comes together has different shapes, and for both `project` and
    `around`.
    Source: He, Zhang, Ren, Sun, "Deep residual learning for image recognition" (CVPR 2016).

    >>> from pullback.layers import Dense, ReLU, Sequential
    >>> model = Sequential(Residual(Dense(4), ReLU()), Residual(Dense(2), project=True))
    >>> model([[1.0, 2.0, 3.0, 4.0]]).shape
    (1, 2)
    >>> list(model.parameters)[2:]
    ['residual2.projection', 'residual2.dense1.weight', 'residual2.dense1.bias']
    >>> from pullback.layers import Conv2d
    >>> block = Residual(Conv2d(8, 3, stride=2, padding="same"), around=Conv2d(8, 1, stride=2))
    >>> block([[[[1.0, 2.0, 3.0, 4.0]] * 6] * 6]).shape
    (1, 3, 3, 8)
    """

    takes = 1

    def __init__(
        self,
        *layers: Layer,
        project: bool = False,
        around: Layer | bool = False,
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        if isinstance(around, Layer):
            layers = (*layers, around)
        elif not isinstance(around, bool):
            raise CircuitError(f"around a Residual is a layer, or True, got {around!r}")
        if around and len(layers) < 2:
            raise CircuitError("a Residual with a layer around needs one inside as well")
        if project and around:
            raise CircuitError("a Residual has a projection or a layer around, not both")
        super().__init__(
            layers,
            name,
            rng,
            project=bool(project),
            around=bool(around),
            dtype=float_dtype("Residual", dtype),
        )
        self.lines = (self.layers[:-1], self.layers[-1:]) if around else (self.layers,)
        self.projection: Unit | None = None

    def apply(self, x: Unit, *, training: Training | None) -> Any:
        y, around = chain(self.lines[0], (x,), training), x
        if self.config["around"]:
            around = self.layers[-1](x, training=training)
        for made, who, make in ((y, "layers inside", "make"), (around, "layer around", "makes")):
            if not isinstance(made, Unit):
                raise CircuitError(f"the {who} {self.called!r} {make} {len(made)} outputs, not one")
        if self.config["project"]:
            around = self._projected(x, y)
        if around.shape != y.shape:
            own = not (self.config["project"] or self.config["around"])
            cure = ", or say project=True, or give a layer around" if own else ""
            raise CircuitError(
                f"layer {self.called!r} adds {'its input' if own else 'the way around'} of shape "
                f"{around.shape} to {y.shape}: let the layers inside keep the shape{cure}"
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
