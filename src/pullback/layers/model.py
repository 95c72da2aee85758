"""Layers wired by a Python function, as one layer."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, signature
from types import SimpleNamespace
from typing import Any, final

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.layers.composite import Composite
from pullback.layers.layer import Layer, Rng
from pullback.layers.training import Training


@final
class Model(Composite):
    """y = forward(layers, *inputs, training): any wiring of layers and gates that Python can write.

    `forward` gets the layers as attributes, by the keywords that they were given under, which are
    their names; the inputs, as wires; and `training`, which it gives to each layer that it calls.
    It returns a wire or a tuple of wires. To share a layer is to call it twice.

    A function cannot be in a file: `save` writes the parameters and the state, and to load is to
    build the Model again, in Python, and use its `load_parameters`.

    Raises `CircuitError` where `forward` is no function or returns no wires.

    >>> from pullback.layers import Dense, Tanh
    >>> def siamese(layers, a, b, training):
    ...     def tower(x):
    ...         return layers.squash(layers.dense(x, training=training), training=training)
    ...
    ...     return abs(tower(a) - tower(b)).sum(axis=1)
    >>> model = Model(siamese, dense=Dense(8), squash=Tanh())
    >>> model([[1.0, 2.0]], [[1.0, 2.0]]).value
    array([0.])
    >>> list(model.parameters)
    ['dense.weight', 'dense.bias']
    """

    def __init__(
        self, forward: Callable[..., Any], /, *, name: str = "", rng: Rng = None, **layers: Layer
    ) -> None:
        if not callable(forward) or isinstance(forward, Layer):
            raise CircuitError(f"a Model needs a function of layers and wires, got {forward!r}")
        _refuse_unlike(forward)
        super().__init__(list(layers.values()), name, rng, names=list(layers))
        self.forward = forward
        self.namespace = SimpleNamespace(**layers)

    def apply(self, *inputs: Unit, training: Training | None) -> Any:
        y = self.forward(self.namespace, *inputs, training=training)
        y = tuple(y) if isinstance(y, list) else y
        for unit in y if isinstance(y, tuple) and y else (y,):
            if not isinstance(unit, Unit):
                called = getattr(self.forward, "__name__", "the function")
                raise CircuitError(f"{called!r} must return wires, got {type(unit).__name__}")
        return y

    def __repr__(self) -> str:
        layers = [f"{name}={layer!r}" for name, layer in vars(self.namespace).items()]
        return f"Model({', '.join([getattr(self.forward, '__name__', 'forward'), *layers])})"


def _refuse_unlike(forward: Callable[..., Any]) -> None:
    """Raise `CircuitError` where a function does not take `training`, which every call gives it."""
    try:
        parameters = signature(forward).parameters.values()
    except ValueError:  # of some callables nobody knows
        return
    named = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    if not any(
        p.kind is Parameter.VAR_KEYWORD or (p.name == "training" and p.kind in named)
        for p in parameters
    ):
        raise CircuitError(
            f"a Model's function is called as forward(layers, *inputs, training=...); "
            f"{getattr(forward, '__name__', forward)!r} has no argument `training`"
        )
