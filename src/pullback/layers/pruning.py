"""In: a model in which whole groups of weights are zero. Out: a smaller one of the same answers.

Units go where two layers that sum up stand in line with nothing between them that mixes channels.
A unit that nobody reads is dropped; one into which nothing comes makes the same number of every
row, which is added to the bias of the layer that reads it. What goes may leave others unread, so
that all of it is looked at until nothing goes any more.
"""

from __future__ import annotations

import copy
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.finite import refuse_not_finite
from pullback.core.shown import Shown, Table
from pullback.layers.calls import Call, calls_of
from pullback.layers.composite import InLine, chain
from pullback.layers.layer import Layer

_SHOWN = 8  # inputs, of those that nobody reads


@dataclass(frozen=True)
class PrunedLayer:
    """A layer that owns parameters, before and after: how many units, numbers and products.

    `units` are None where it has none to lose; `products` are the multiplications for a row of the
    input, 0 of what is neither a `Dense` layer nor a convolution.
    """

    name: str
    units: tuple[int, int] | None
    parameters: tuple[int, int]
    products: tuple[int, int]

    @property
    def cells(self) -> tuple[str, ...]:
        pairs = (self.units or (0, 0), self.parameters, self.products)
        return (self.name, *map(_counts, pairs))


@dataclass(frozen=True, repr=False)
class Pruned(Shown):
    """A model that is left when what does nothing is gone, and what went, as a table.

    `unused_inputs` are the features, or channels, of the inputs that no weight reads; `left_whole`
    are the layers that nothing is known of that would tell how to cut them.
    """

    model: Any
    rows: tuple[PrunedLayer, ...]
    unused_inputs: tuple[int, ...]
    left_whole: tuple[str, ...]

    def _says(self) -> Iterator[str | Table]:
        total = PrunedLayer(
            "in all",
            None,
            _summed([row.parameters for row in self.rows]),
            _summed([row.products for row in self.rows]),
        )
        cells = [row.cells for row in (*self.rows, total)]
        head = ("name", "units", "parameters", "products a row")
        yield Table(head, cells, right=(1, 2, 3))
        if unused := self.unused_inputs:
            shown = ", ".join(map(str, unused[:_SHOWN])) + ", …" * (len(unused) > _SHOWN)
            yield f"inputs that nothing reads: {shown} ({len(unused)} of them)"
        if self.left_whole:
            yield f"left whole: {', '.join(self.left_whole)}"


def prune(model: Layer) -> Pruned:
    """A smaller model of the same answers, without the units whose weights are all zero.

    In a `Sequential`, however deep, in a `Residual` and in each branch of a `Parallel` the units of
    `Dense` layers and the filters of convolutions without groups go, through activations,
    `BatchNorm`, dropout, pooling and `Flatten`. Answers are equal up to the rounding of sums in
    another order. The model that was given stays as it is, and shares nothing with the smaller one,
    whose layers have the same names; it trains on with a `Trainer` of its own. One unit of each
    layer is left.

    `GroupLasso` makes such models, and `L1` on the scales of `BatchNorm`, as a proximal step, which
    switches off whole channels (Liu and others, "Learning efficient convolutional networks through
    network slimming", 2017). Before a convolution with padding, a constant that is not zero has to
    stay: at the border there is less of it.

    Raises `CircuitError` for what is no model of layers, and for one that has no parameters yet or
    is not finite.

    >>> from pullback.layers import Dense, ReLU, Sequential
    >>> model = Sequential(Dense(4), ReLU(), Dense(1))
    >>> y = model(np.ones((1, 3)))
    >>> weight = model.parameters["dense2.weight"]
    >>> weight.value = weight.value * [[1], [0], [0], [1]]  # two units that nobody reads
    >>> prune(model)
    name     units  parameters  products a row
    dense1  4 -> 2     16 -> 8         12 -> 6
    dense2       1      5 -> 3          4 -> 2
    in all            21 -> 11         16 -> 8
    """
    if not isinstance(model, Layer):
        raise CircuitError(f"prune takes a model made of layers, got {model!r:.60}")
    if not model.built:
        raise CircuitError("there are no parameters to prune yet; call the model, or train it")
    refuse_not_finite({**model.parameters, **model.state})
    smaller = copy.deepcopy(model)
    calls = _called(smaller)
    spans = [span for line in _lines(smaller) for span in _spans(line, calls)]
    while True:
        thinner = [_thin(span) for span in reversed(spans)]
        if not any(thinner):
            break
    for call in _called(smaller):
        call.layer.first_inputs = [(x.shape, x.dtype.name) for x in call.inputs]
    before, after = dict(model.walk()), dict(smaller.walk())
    products = [_products(each) for each in (model, smaller)]
    owners = [path for path, layer in before.items() if layer.own_parameters]
    return Pruned(
        smaller,
        tuple(
            PrunedLayer(
                path,
                _units(before[path], after[path]),
                (_numbers(before[path]), _numbers(after[path])),
                (products[0][before[path]], products[1][after[path]]),
            )
            for path in owners
        ),
        _unused_inputs(smaller),
        tuple(x for x in owners if not (_mixes(before[x]) or before[x].by_channel)),
    )


# Where units can go ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Span:
    """From a layer whose units may go to the one that reads them, and what is between.

    `places` is the shape of what the first makes of a row, without the channels.
    """

    makes: Layer
    between: tuple[Layer, ...]
    reads: Layer
    places: tuple[int, ...]


def _lines(layer: Layer) -> Iterator[list[Layer]]:
    """The layers that stand one after another, in this layer and in those inside."""
    for line in layer.lines:
        flat = list(_flat(line))
        yield flat
        for inner in flat:
            yield from _lines(inner)


def _flat(line: Sequence[Layer]) -> Iterator[Layer]:
    for layer in line:
        if isinstance(layer, InLine):
            yield from _flat(layer.layers)
        else:
            yield layer


def _spans(line: Sequence[Layer], calls: Sequence[Call]) -> Iterator[_Span]:
    once = {call.layer: call for call in calls}
    for layer, count in Counter(call.layer for call in calls).items():
        if count > 1:  # what one place may lose, another needs
            del once[layer]
    makes: Layer | None = None
    between: list[Layer] = []
    for layer in line:
        if layer in once and _mixes(layer):
            if makes is not None:
                places = once[makes].output.shape[1:-1]
                yield _Span(makes, tuple(between), layer, places)
            makes, between = layer, []
        elif layer in once and layer.by_channel:
            between.append(layer)
        else:
            makes = None


def _mixes(layer: Layer) -> bool:
    """Whether each unit of the layer is a sum of all channels, and not of a group of them."""
    return bool(layer.units_argument) and layer.config.get("groups", 1) == 1


def _unused_inputs(model: Layer) -> tuple[int, ...]:
    """The channels of the input whose weights in the first layer that sums up are all zero."""
    line = next(_lines(model), [model])
    first = next((layer for layer in line if not layer.by_channel), None)
    if first is None or not _mixes(first) or len(model.first_inputs) != 1:
        return ()
    channels = model.first_inputs[0][0][-1]
    unread = ~_read(first, channels) if channels else np.zeros(0, bool)
    return tuple(np.flatnonzero(unread).tolist())


def _called(model: Layer) -> list[Call]:
    return calls_of(model, [np.zeros((1, *x[1:]), dtype) for x, dtype in model.first_inputs])


# What goes ---------------------------------------------------------------------------------------


def _thin(span: _Span) -> bool:
    """Let the units go that do nothing; whether there were any."""
    weight = _value(span.makes, "weight")
    units = weight.shape[-1]
    silent = ~np.asarray(weight.any(axis=tuple(range(weight.ndim - 1))))
    for layer in span.between:
        if "scale" in layer.own_parameters:  # where that is zero, all it makes is its bias
            silent = silent | ~_any_of_each(_value(layer, "scale"), units)
    read = _read(span.reads, units)
    x = np.zeros((1, *span.places, units), weight.dtype)
    if "bias" in span.makes.own_parameters:
        x[...] = np.where(silent, _value(span.makes, "bias"), 0.0)
    made = np.asarray(chain(span.between, (x,), None).value if span.between else x)
    zero = ~_any_of_each(made, units)
    gone = ~read | (silent & (zero | (not _pads(span.reads))))  # what pads adds zeros, no constant
    gone[0] &= not gone.all()
    if not gone.any():
        return False
    constant = gone & read & ~zero
    if constant.any():
        told = np.where(_spread(constant, made.shape[-1]), made, 0.0)
        bias = span.reads(told.astype(made.dtype)).value
        bias = bias.reshape(-1, bias.shape[-1])[0]  # every place is told the same
        _rebuild(span.reads, {**_own(span.reads), "bias": bias}, {"bias": True})
    _keep(span, ~gone)
    return True


def _read(layer: Layer, channels: int) -> np.ndarray:
    """Which channels have a weight that is not zero."""
    return _any_of_each(np.moveaxis(_value(layer, "weight"), -2, -1), channels)


def _any_of_each(x: np.ndarray, channels: int) -> np.ndarray:
    """Which channels have a number that is not zero; behind a `Flatten` they come again and again.

    >>> _any_of_each(np.array([[0, 1, 0, 0]]), 2)
    array([False,  True])
    """
    return np.asarray(x.reshape(-1, channels).any(axis=0))


def _pads(layer: Layer) -> bool:
    padding = layer.config.get("padding", "valid")
    return padding != "valid" and (isinstance(padding, str) or bool(np.any(padding)))


def _keep(span: _Span, kept: np.ndarray) -> None:
    """Cut a span down to the units that are kept."""
    makes, reads = span.makes, span.reads
    own = {name: x[..., kept] for name, x in _own(makes).items()}
    _rebuild(makes, own, {makes.units_argument: int(kept.sum())})
    for layer in span.between:
        own = {name: x[..., _spread(kept, x.shape[-1])] for name, x in _own(layer).items()}
        _rebuild(layer, own, kept=kept)
    own = _own(reads)
    own["weight"] = np.compress(_spread(kept, own["weight"].shape[-2]), own["weight"], axis=-2)
    _rebuild(reads, own, kept=kept)


def _rebuild(
    layer: Layer,
    own: dict[str, np.ndarray],
    config: Mapping[str, Any] = MappingProxyType({}),
    kept: np.ndarray | None = None,
) -> None:
    """Let a layer make its parameters and state anew, of these, for the channels it still gets."""
    (shape, dtype), *_ = layer.first_inputs
    if kept is not None:
        shape = (*shape[:-1], int(_spread(kept, shape[-1]).sum()))
    layer.first_inputs = [(shape, dtype)]
    layer.config = {**layer.config, **config}
    layer.own_parameters, layer.own_state = {}, {}
    layer.stored = own
    with warnings.catch_warnings():  # a shape that looked odd was spoken of when it was built
        warnings.simplefilter("ignore")
        layer.build(shape, rng=np.random.default_rng(0))
    layer.stored = None


def _own(layer: Layer) -> dict[str, np.ndarray]:
    return {name: x.value for name, x in {**layer.own_parameters, **layer.own_state}.items()}


def _value(layer: Layer, name: str) -> np.ndarray:
    return np.asarray(layer.own_parameters[name].value)


def _spread(channels: np.ndarray, size: int) -> np.ndarray:
    """What is said of each channel, of each number along an axis in which they come in turn."""
    return np.tile(channels, size // len(channels))


# What is said of it ------------------------------------------------------------------------------


def _units(before: Layer, after: Layer) -> tuple[int, int] | None:
    name = before.units_argument
    return (before.config[name], after.config[name]) if name else None


def _numbers(layer: Layer) -> int:
    return sum(unit.size for unit in layer.own_parameters.values())


def _products(model: Layer) -> Counter[Layer]:
    """The multiplications of each layer for one row: each weight at every place."""
    found: Counter[Layer] = Counter()
    for call in _called(model):
        if call.layer.units_argument:
            found[call.layer] += _value(call.layer, "weight").size * prod(call.output.shape[1:-1])
    return found


def _summed(pairs: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return sum(a for a, _ in pairs), sum(b for _, b in pairs)


def _counts(pair: tuple[int, int]) -> str:
    before, after = pair
    return f"{before:,} -> {after:,}" if before != after else f"{before:,}" if before else ""
