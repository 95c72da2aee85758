"""In: layers. Out: one layer that is made of them.

`Sequential`, `Residual` and `Parallel` are such layers, which a file can describe; a `Model` is
wired by a Python function. What a layer hands over may be several wires: the next layer takes them
as several inputs. A layer that stands in several places has its parameters once.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from pullback.core.errors import CircuitError
from pullback.layers.layer import Layer, Rng
from pullback.layers.training import Training

if TYPE_CHECKING:
    from typing import Self


class Composite(Layer):
    """A layer of layers. Unnamed, it adds nothing to their names.

    Layers without a name of their own are named by what they are and counted: "dense1", "relu1",
    "dense2". `rng`, a seed or a generator, makes the parameters of all layers that have none.

    Raises `CircuitError` for no layers, things that are no layers, or a name twice.
    """

    takes = None

    def __init__(
        self,
        layers: Sequence[Layer],
        name: str,
        rng: Rng,
        /,
        names: Sequence[str] = (),
        **config: Any,
    ) -> None:
        super().__init__(name, rng, **config)
        self.name = name
        kind = type(self).__name__
        kind = f"{'an' if kind[0] in 'AEIOU' else 'a'} {kind}"
        if not layers:
            raise CircuitError(f"{kind} needs at least one layer")
        for layer in layers:
            if not isinstance(layer, Layer):
                raise CircuitError(f"{kind} is made of layers, got {layer!r}")
        self.layers = tuple(layers)
        self.generator: np.random.Generator | None = None
        if names:
            for layer, given in reversed(list(zip(layers, names, strict=True))):
                layer.name = given  # a layer that is given twice has its first name
        else:
            _name(list(dict.fromkeys(layers)))

    def build(self, *shapes: Any, rng: np.random.Generator) -> None:
        self.generator = rng
        for layer in self.layers:
            if layer.rng is None:
                layer.rng = rng

    def __len__(self) -> int:
        return len(self.layers)

    @overload
    def __getitem__(self, key: int | str) -> Layer: ...
    @overload
    def __getitem__(self, key: slice) -> Self: ...
    def __getitem__(self, key: int | str | slice) -> Layer:
        """The layer at a position or of a name; of layers in line also some of them, by a slice.

        The part has the same layers, not copies: to train it is to train them.
        """
        if isinstance(key, slice):
            return self.part(self.layers[key])
        if not isinstance(key, str):
            return self.layers[key]
        named = {layer.name: layer for layer in self.layers}
        if key not in named:
            raise CircuitError(f"there is no layer {key!r} inside; there are: {', '.join(named)}")
        return named[key]

    def part(self, layers: Sequence[Layer]) -> Self:
        """What is made of some of the layers alone; here, nothing is.

        Raises `CircuitError` where the layers are not just one after another.
        """
        kind = type(self).__name__
        raise CircuitError(
            f"a {kind} has no part that is a {kind}, as its layers are not just one after another; "
            "take single ones, by number or name"
        )

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __repr__(self) -> str:
        given = () if self.makes_layers else self.layers
        return f"{type(self).__name__}({', '.join([*map(repr, given), *self.arguments()])})"


class InLine(Composite):
    """What layers share that are one after another, and nothing else."""

    def __init__(self, *layers: Layer, name: str = "", rng: Rng = None) -> None:
        super().__init__(layers, name, rng)
        self.lines = (self.layers,)

    def part(self, layers: Sequence[Layer]) -> Self:
        return type(self)(*layers, rng=self.rng)

    def output_lengths(self, lengths: Any) -> Any:
        for layer in self.layers:
            lengths = layer.output_lengths(lengths)
        return lengths


def _name(layers: Sequence[Layer]) -> None:
    """Give a name to each of these layers that has none of its own."""
    kinds = [type(layer).__name__.lower() for layer in layers]
    unnamed = [layer.name in ("", kind) for layer, kind in zip(layers, kinds, strict=True)]
    taken = Counter(x.name for x, none in zip(layers, unnamed, strict=True) if not none)
    twice = [name for name, n in taken.items() if n > 1]
    if twice:
        raise CircuitError(f"two layers are named {twice[0]!r}; give each its own name")
    counts: Counter[str] = Counter()
    for layer, kind, none in zip(layers, kinds, unnamed, strict=True):
        counts[kind] += 1
        if none:
            free = (f"{kind}{k}" for k in itertools.count(counts[kind]))
            layer.name = next(name for name in free if name not in taken)
            taken[layer.name] = 1


def chain(layers: Sequence[Layer], inputs: Sequence[Any], training: Training | None) -> Any:
    """Give what each layer makes, a wire or a tuple of wires, to the next one."""
    flow: Any = tuple(inputs)
    for layer in layers:
        flow = layer(*(flow if isinstance(flow, tuple) else (flow,)), training=training)
    return flow
